"""Runs a student's cells and calls their functions; knows nothing of what is right.

This file stands alone: it is started as a program of its own (`python -I -S runner.py`), in a sandbox
that holds Python's library and NumPy and nothing else, and it never imports ddasp. Whatever it runs may
take it over; so whoever started it believes nothing but JSON, and judges that in another process.

    in    {"cells": [[label, source]], "files": {}, "allowed": [], "refused": []}
    out   {"loaded": true, "problems": []}
    in    {"call": 0, "function": "rank", "arguments": []}            for each call
    out   {"call": 0, "status": "value", "value": 2, "says": ""}

*Conventions*: lines of JSON, orders on file descriptor 0, answers on 1; both are moved away before
foreign code runs, which then reads nothing and prints to descriptor 2. A cell is run statement by
statement, so one that fails loses no other. Modules reach the code through a `Door`: copies that show
what is public and may be used.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import importlib
import io
import json
import os
import sys
import types
from collections.abc import Callable
from fractions import Fraction
from typing import Any, BinaryIO

__all__ = ["Door", "Program", "main", "plain", "unpack"]

MISSING = object()
LARGEST = 8_000_000  # bytes of one value as JSON
MOST = 1_000_000  # numbers and lists in one value
DEEPEST = 32  # lists inside lists
LONGEST = 4_000  # bits of a whole number
MOST_PROBLEMS = 30
SAYS = 500  # characters of a message
NOT_HERE = ("breakpoint", "compile", "eval", "exec", "input")  # homework computes, nobody answers


class Unreadable(Exception):
    """A value that can't be handed on; the text says what could be."""


# --- values ------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A value as JSON can hold it: arrays and tuples as lists, fractions as "p/q".

    Parameters
    ----------
    value : object
        What a function returned. Only exact types count, so no method of foreign classes is run.

    Raises
    ------
    Unreadable
        When it is anything else, too deep or too large.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"R": np.eye(2), "rank": np.int64(2), "x": (Fraction(1, 3), True)})
    {'R': [[1.0, 0.0], [0.0, 1.0]], 'rank': 2, 'x': ['1/3', True]}
    """
    return _plain(value, DEEPEST, [MOST])


def _plain(value: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if depth < 0:
        raise Unreadable(f"it gave lists inside lists, more than {DEEPEST} deep")
    if left[0] < 0:
        raise Unreadable(f"it gave more than {MOST:,} numbers")
    kind = type(value)
    if value is None or kind in (bool, float, str):
        return value
    if kind is int:
        return _whole(value)
    if kind is Fraction:
        return f"{_whole(value.numerator)}/{_whole(value.denominator)}"
    if kind in (list, tuple, range):
        return [_plain(item, depth - 1, left) for item in value]
    if kind is dict:
        return {_key(key): _plain(item, depth - 1, left) for key, item in value.items()}
    return _plain(_of_numpy(value, left), depth, left)


def _whole(value: int) -> int:
    if value.bit_length() > LONGEST:
        raise Unreadable(f"it gave a whole number of more than {LONGEST} bits")
    return value


def _key(key: Any) -> str:
    if type(key) is not str:
        raise Unreadable(f"it gave a dict with the key {key!r:.50}; expected words as keys")
    return key


def _of_numpy(value: Any, left: list[int]) -> Any:
    """Arrays and numbers of NumPy as Python's; nothing else is left that could be read."""
    np = sys.modules.get("numpy")
    if np is not None and isinstance(value, np.ndarray):
        if value.size > left[0]:
            raise Unreadable(
                f"it gave an array of {value.size:,} numbers; expected at most {MOST:,}"
            )
        value = np.ndarray.tolist(value)
    elif np is not None and isinstance(value, np.generic) and value.dtype.kind in "biufU":
        value = value.dtype.type.item(value)
    if type(value) in (list, bool, int, float, str, Fraction):
        return value
    what = "a complex number" if isinstance(value, complex) else type(value).__name__
    hint = "; list(...) makes a list of it" if hasattr(type(value), "__next__") else ""
    raise Unreadable(
        f"it gave {what:.60}; expected numbers, text, lists of these, NumPy arrays or fractions{hint}"
    )


def unpack(value: Any) -> Any:
    """An argument as it was sent: {"array": [...], "shape": [...], "dtype": ...} is an array.

    Parameters
    ----------
    value : object
        From JSON.

    Examples
    --------
    >>> unpack({"array": [1, 2], "shape": [2, 1], "dtype": "int64"})
    array([[1],
           [2]])
    """
    if isinstance(value, list):
        return [unpack(item) for item in value]
    if isinstance(value, dict):
        if set(value) == {"array", "shape", "dtype"}:
            import numpy as np

            return np.array(value["array"], dtype=value["dtype"]).reshape(value["shape"])
        return {key: unpack(item) for key, item in value.items()}
    return value


# --- modules -----------------------------------------------------------------------------------


def _longest(name: str, listed: tuple[str, ...]) -> int:
    return max((len(n) for n in listed if name == n or name.startswith(n + ".")), default=0)


class Door:
    """What stands before every import: lets through what may be used, and says what may not.

    Parameters
    ----------
    allowed, refused : sequence of str
        Dotted names; each speaks of itself and of all inside it, and the longest that fits decides, of
        two equal ones the refusal (the rule of `ddasp.homework.reading.imports.may_use`).

    Notes
    -----
    The modules themselves stay as they are, since NumPy needs within what is refused outside. It
    is a help to honest work and no wall: the sandbox is the wall.

    Examples
    --------
    >>> door = Door(("math", "numpy"), ("numpy.linalg.svd",))
    >>> door("math").sqrt(4)
    2.0
    >>> door("os")
    Traceback (most recent call last):
    ...
    ImportError: os may not be imported here; allowed are math, numpy
    """

    def __init__(self, allowed: Any, refused: Any) -> None:
        self.allowed = tuple(allowed)
        self.refused = tuple(refused)
        self.views: dict[str, types.ModuleType] = {}
        found = ((name, _object_named(name)) for name in self.refused)
        self.gone = {id(thing): (name, thing) for name, thing in found if callable(thing)}

    def __call__(
        self,
        name: str,
        _globals: Any = None,
        _locals: Any = None,
        fromlist: Any = (),
        level: int = 0,
    ) -> types.ModuleType:
        """As `__import__`."""
        if level:
            raise ImportError("there is no package around this code; import a module by its name")
        if name == "__future__":
            return __future__
        if not self._may_be_seen(name):
            if _longest(name, self.refused):
                raise ImportError(f"{name} may not be used here")
            raise ImportError(
                f"{name} may not be imported here; allowed are {', '.join(self.allowed)}"
            )
        importlib.import_module(name)
        return self.view(name if fromlist else name.partition(".")[0])

    def view(self, name: str) -> types.ModuleType:
        """A copy of a module with what may be seen of it.

        Parameters
        ----------
        name : str
            Of a module that is loaded.
        """
        if name not in self.views:
            real = sys.modules[name]
            view = types.ModuleType(name, real.__doc__)
            names = getattr(real, "__all__", None) or dir(real)
            view.__dict__["__all__"] = [n for n in names if n[0] != "_" and self._shown(real, n)]
            view.__dict__["__dir__"] = lambda: view.__dict__["__all__"]
            view.__dict__["__getattr__"] = lambda n: self._look(view, real, n)
            if "__version__" in vars(real):  # not by getattr: some modules warn when asked
                view.__dict__["__version__"] = real.__version__
            self.views[name] = view
        return self.views[name]

    def _shown(self, real: types.ModuleType, name: str) -> bool:
        """Whether ``from ... import *`` gives it; what is not loaded yet is not loaded for that."""
        thing = vars(real).get(name)
        if isinstance(thing, types.ModuleType):
            return self._may_be_seen(thing.__name__)
        return thing is not None

    def _may_be_used(self, name: str) -> bool:
        return _longest(name, self.allowed) > _longest(name, self.refused)

    def _may_be_seen(self, name: str) -> bool:
        """Of a module: it may be used, or something in it."""
        leads_there = any(known.startswith(name + ".") for known in self.allowed)
        return self._may_be_used(name) or (leads_there and name not in self.allowed)

    def _look(self, view: types.ModuleType, real: types.ModuleType, name: str) -> Any:
        """What a name of a module stands for, asked for the first time."""
        full = f"{real.__name__}.{name}"
        thing = MISSING if name.startswith("_") else getattr(real, name, MISSING)
        if thing is MISSING and name[0] != "_" and self._may_be_seen(full):
            thing = _submodule(full)
        if isinstance(thing, types.ModuleType):
            thing = self._module(thing.__name__, full)
        elif thing is not MISSING and not self._may_be_used(full):
            thing = _refusal(full) if _longest(full, self.refused) else MISSING
        elif id(thing) in self.gone:
            thing = _refusal(self.gone[id(thing)][0])
        if thing is MISSING:
            raise AttributeError(f"module {real.__name__!r} has no attribute {name!r}")
        view.__dict__[name] = thing
        return thing

    def _module(self, name: str, full: str) -> Any:
        if self._may_be_seen(name):
            return self.view(name)
        if _longest(full, self.refused) or _longest(name, self.refused):
            raise ImportError(f"{full} may not be used here")
        return MISSING


def _submodule(full: str) -> Any:
    try:
        return importlib.import_module(full)
    except ImportError:
        return MISSING


def _object_named(name: str) -> Any:
    """What a dotted name stands for, `MISSING` when there is no such thing here."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        thing = _submodule(".".join(parts[:cut]))
        if thing is not MISSING:
            for part in parts[cut:]:
                thing = getattr(thing, part, MISSING)
            return thing
    return MISSING


def _refusal(name: str) -> Callable[..., Any]:
    def refused(*arguments: Any, **options: Any) -> Any:
        raise ImportError(f"{name} may not be used here")

    refused.__name__ = refused.__qualname__ = name.rpartition(".")[2]
    return refused


# --- the program -------------------------------------------------------------------------------


class Program:
    r"""What a student wrote, as one module whose statements have been run.

    Parameters
    ----------
    cells : sequence of (str, str)
        Label and source.
    door : Door
    hidden : sequence of str
        Folders whose names no message shows.

    Examples
    --------
    >>> program = Program([("cell 1", "def half(x):\n    return x / 2\nhalf('4')")], Door((), ()))
    >>> program.problems[0]
    "cell 1, line 2: TypeError: unsupported operand type(s) for /: 'str' and 'int'"
    >>> program.call("half", [5])
    {'status': 'value', 'value': 2.5, 'says': ''}
    """

    def __init__(self, cells: Any, door: Door, hidden: Any = ()) -> None:
        self.module = types.ModuleType("submission")
        without = {name: _refusal(name) for name in NOT_HERE}
        self.module.__dict__["__builtins__"] = {**vars(builtins), **without, "__import__": door}
        self.hidden = tuple(folder for folder in hidden if len(folder) > 1)
        self.labels: dict[str, str] = {}
        self.problems: list[str] = []
        sys.modules["submission"] = self.module  # dataclasses look there
        flags = 0
        for label, source in cells:
            flags = self._run_cell(label, source, flags)

    def _run_cell(self, label: str, source: str, flags: int) -> int:
        """Run each statement; gives the flags of `from __future__` for the next cell."""
        name = f"<{label} #{len(self.labels)}>"
        self.labels[name] = label
        try:
            tree = compile(source, name, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self._note(label, error)
            return flags
        for statement in tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
                for alias in statement.names:
                    flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
            try:
                part = ast.Module([statement], [])
                code = compile(part, name, "exec", flags, dont_inherit=True)
                exec(code, self.module.__dict__)
            except NotImplementedError:
                pass  # a stub that a cell tries out is no fault
            except BaseException as error:
                self._note(label, error)
        return flags

    def _note(self, label: str, error: BaseException) -> None:
        where, says = self._place(error), self._words(error)
        if isinstance(error, SyntaxError):
            where = f"{label}, line {error.lineno}"
            says = f"{type(error).__name__}: {error.msg} - nothing of this cell was run"
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"{where or label}: {says}")

    def _place(self, error: BaseException) -> str:
        """The last line of the author's own that led to it."""
        place, trace = "", error.__traceback__
        while trace is not None:
            label = self.labels.get(trace.tb_frame.f_code.co_filename)
            if label is not None:
                place = f"{label}, line {trace.tb_lineno}"
            trace = trace.tb_next
        return place

    def _words(self, error: BaseException) -> str:
        """Type and message, without paths of this machine."""
        kind = type(error)
        if kind is SystemExit:
            return "SystemExit: it ended the program; return a value instead"
        try:
            text = str(error)
        except BaseException:
            text = ""
        for folder in self.hidden:
            text = text.replace(folder + os.sep, "").replace(folder, "")
        if issubclass(kind, MemoryError):
            text = f"it needed more memory than there is here. {text}"
        return f"{kind.__name__}: {text}".removesuffix(": ")[:SAYS]

    def call(self, name: str, arguments: list[Any]) -> dict[str, Any]:
        """What a function gives for the arguments, or why it gives nothing.

        Parameters
        ----------
        name : str
        arguments : list
            By position.

        Returns
        -------
        dict
            status, value, says.
        """
        function = self.module.__dict__.get(name)
        if function is None:
            return _answer("not attempted", f"there is no function {name}")
        if not callable(function):
            kind = type(function).__name__
            return _answer("failed", f"{name} is of type {kind}; expected a function")
        try:
            value = function(*arguments)
            if value is None:
                return _answer("not attempted", f"{name} gave None - is the return missing?")
            return _sized({"status": "value", "value": plain(value), "says": ""})
        except NotImplementedError as stub:
            return _answer("not attempted", self._words(stub).partition(": ")[2])
        except Unreadable as unreadable:
            return _answer("failed", f"{name}: {unreadable}")
        except BaseException as error:
            place = self._place(error)
            return _answer("failed", self._words(error) + (f" ({place})" if place else ""))


def _answer(status: str, says: str) -> dict[str, Any]:
    return {"status": status, "value": None, "says": says[:SAYS]}


def _sized(answer: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(answer)) > LARGEST:
        raise Unreadable(f"it gave more than {LARGEST // 1_000_000} MB")
    return answer


# --- the process -------------------------------------------------------------------------------


def _channels() -> tuple[BinaryIO, int]:
    """Orders and answers on descriptors that foreign code doesn't use by accident."""
    orders, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)
    return orders, answers


def _become(user: int | None) -> None:
    """Be a user who owns nothing. Groups first: a user may not change them any more."""
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        if os.getuid() != user or os.geteuid() != user:
            raise PermissionError("the runner is still who it was")


def _lower(limits: dict[str, int]) -> None:
    """The limits of the process itself, {"AS": bytes, ...}; they can't be raised again."""
    if not limits:
        return
    import resource

    for name, most in limits.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is None:
            continue
        _, hard = resource.getrlimit(which)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(which, (least, least))
        except (ValueError, OSError):
            if sys.platform == "linux":
                raise  # elsewhere a system may know the name and not the limit


def _load_numpy(folder: str) -> None:
    """NumPy and nothing else that lies beside it."""
    sys.path.insert(0, folder)
    importlib.import_module("numpy")
    sys.path.remove(folder)


def _write_files(files: dict[str, str]) -> None:
    for name, text in files.items():
        with open(os.path.basename(name), "w", encoding="utf-8", newline="") as file:
            file.write(text)


def _send(answers: int, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(answers, data) :]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # it may be anything by now
            continue


def main(told: dict[str, Any]) -> None:
    """Run one submission: orders in, answers out, until there are no more orders.

    Parameters
    ----------
    told : dict
        user (whom to become, None to stay), limits, packages (where NumPy is).
    """
    orders, answers = _channels()
    _become(told["user"])
    _lower(told["limits"])
    _load_numpy(told["packages"])
    me = os.getpid()
    _send(answers, {"ready": True})
    first = orders.readline()
    if not first:
        return
    request = json.loads(first)
    _write_files(request["files"])
    hidden = (told["packages"], os.getcwd(), os.path.dirname(os.path.abspath(__file__)))
    door = Door(request["allowed"], request["refused"])
    program = Program(request["cells"], door, (*hidden, sys.base_prefix))
    message: dict[str, Any] = {"loaded": True, "problems": program.problems}
    while os.getpid() == me:  # a child that came back from a fork has no business here
        _flush()
        _send(answers, message)
        line = orders.readline()
        if not line:
            break
        order = json.loads(line)
        answer = program.call(order["function"], unpack(order["arguments"]))
        message = {"call": order["call"], **answer}


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]))
    finally:
        if "submission" in sys.modules:
            os._exit(0)  # threads that were left behind don't matter
