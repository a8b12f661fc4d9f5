"""Runs a program's functions in a process of their own and believes nothing that it says.

The other end of the channel may be in the hands of a student's code: a line is JSON of a bounded size
that answers the call that was asked, or the process is killed. What a forged line can win is its own
value, which is then judged like any other.

*Conventions*: a call that doesn't return in time, or takes the process with it, has failed; a fresh
process goes on with the calls after it, and runs the cells again. `Limits.seconds` holds for each process
with all that it started; all of them together have three times as much. Where the cells themselves don't
end, no call is tried. All answers of a submission together have a bound, as each has: they are kept
until they are judged.

*What is printed*: the beginning of what the first process prints. In a sandbox that is what is printed
until the cells have been run: a function could print its arguments, which are the hidden inputs, on a
page that the student reads. Messages of the code's own errors are kept there too, up to
`SAYS_GRADED` characters. Without a sandbox it is one's own code with inputs to practise on, and all is
kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ddasp._errors import RunError
from ddasp.homework.parts import Call, Outcome
from ddasp.homework.running import process_tree
from ddasp.homework.running.sandbox import (
    MOST_FILES,
    PATIENCE,
    RUNNER,
    Limits,
    Sandbox,
    Started,
    numpy_folder,
    process_limits,
    runner_command,
    size,
)

if TYPE_CHECKING:
    from ddasp.homework.reading.submissions import Cell

__all__ = ["Execution", "Limits", "Outcome", "execute", "packed"]

TURNS = 3  # times `Limits.seconds`, for all processes of one submission
TICK = 0.05  # seconds between two looks at the tree
LONGEST_LINE = 8_500_000  # bytes of one answer
MOST_LISTS = 1_000_000
MOST_COMMAS = 4_000_000
MOST_OF_ALL = 4 * LONGEST_LINE  # bytes of all answers
MOST_VALUES = 4_000_000  # lists and commas in all answers: some hundred MB when read
DEEPEST = 40
KEPT = 20_000  # characters of what was printed
SAYS, SAYS_GRADED = 500, 200  # characters of a message; of code that is graded
STATES = ("value", "failed", "not attempted")
OF_MINE = (
    "SYSTEMROOT",
    "TMPDIR",
    "DYLD_LIBRARY_PATH",
)  # without these Python does not start everywhere


@dataclass(frozen=True)
class Execution:
    """What came of a program.

    Parameters
    ----------
    outcomes : tuple of Outcome
        One for each call, in their order.
    problems : tuple of str
        Statements that failed, and why a process was stopped.
    printed : str
        The beginning of what was printed.
    in_force : tuple of str
        The limits that held, in words.
    """

    outcomes: tuple[Outcome, ...]
    problems: tuple[str, ...]
    printed: str
    in_force: tuple[str, ...]


class _Stopped(Exception):
    """The process is of no use any more; the text says why, as of a call: "did not end ..."."""


def execute(
    cells: Sequence[Cell],
    calls: Sequence[Call],
    *,
    files: Mapping[str, str],
    allowed: Sequence[str],
    refused: Sequence[str],
    limits: Limits,
    sandbox: Sandbox | None,
) -> Execution:
    r"""Run cells, then call functions that they define.

    Parameters
    ----------
    cells : sequence of Cell
        With label and source.
    calls : sequence of Call
        What is called, each with fresh arguments.
    files : mapping of str to str
        What lies in the working folder, name to text.
    allowed, refused : sequence of str
        Modules that may be imported, and names in these that may not be used.
    limits : Limits
    sandbox : Sandbox or None
        None for a child process with the rights of the caller.

    Raises
    ------
    RunError
        ``E-SANDBOX`` when no process could be started at all; nothing that code does raises.

    Examples
    --------
    >>> from ddasp.homework.reading.submissions import Cell
    >>> done = execute(
    ...     [Cell("cell 1", "def half(x):\n    return x / 2")],
    ...     [Call("half", (5,)), Call("third", (5,))],
    ...     files={},
    ...     allowed=("math",),
    ...     refused=(),
    ...     limits=Limits(),
    ...     sandbox=None,
    ... )
    >>> [(outcome.status, outcome.value) for outcome in done.outcomes]
    [('value', 2.5), ('not attempted', None)]
    """
    request = {
        "cells": [[cell.label, cell.source] for cell in cells],
        "files": dict(files),
        "allowed": list(allowed),
        "refused": list(refused),
    }
    orders = [
        {"call": i, "function": call.function, "arguments": packed(list(call.arguments))}
        for i, call in enumerate(calls)
    ]
    run = _Run(calls, orders, request, limits, sandbox)
    run.all()
    return Execution(
        tuple(run.outcomes),
        tuple(dict.fromkeys(run.problems)),
        run.printed,
        sandbox.words(limits) if sandbox is not None else _without(limits),
    )


def _without(limits: Limits) -> tuple[str, ...]:
    watched = [f"memory of the tree: {size(limits.memory)}, watched every 50 ms"]
    return (
        "no sandbox: the code had the rights of the person who ran it",
        f"time: {limits.seconds:g} s by the clock for each start",
        *(watched if process_tree.counted_here() else []),
        f"output: {size(limits.output // 2)} printed",
    )


class _Run:
    """One submission: processes one after another, until each call has an outcome."""

    def __init__(
        self,
        calls: Sequence[Call],
        orders: list[dict[str, Any]],
        request: dict[str, Any],
        limits: Limits,
        sandbox: Sandbox | None,
    ) -> None:
        self.calls, self.orders, self.request = calls, orders, request
        self.limits, self.sandbox = limits, sandbox
        self.outcomes: list[Outcome] = []
        self.problems: list[str] = []
        self.says = SAYS if sandbox is None else SAYS_GRADED
        self.received = _Received()
        self.printed = ""
        self.until = time.monotonic() + TURNS * limits.seconds

    def all(self) -> None:
        """Start processes as long as there is a call without an outcome, and time."""
        first = True
        while first or len(self.outcomes) < len(self.calls):
            if time.monotonic() > self.until:
                together = TURNS * self.limits.seconds
                self._fail_rest(f"was not called: what came before it took {together:g} s")
                break
            if self.received.too_much():
                self._fail_rest("was not called: what came before it gave back too much")
                break
            with _Process(self.limits, self.sandbox, self.until, self.received) as process:
                self._one(process)
            self.printed = process.text() if first else self.printed
            first = False

    def _one(self, process: _Process) -> None:
        """Load the cells and make the calls that are left, until one takes the process with it."""
        try:
            loaded = process.ask(self.request, self.limits.seconds)
            process.loaded()
            self.problems += _texts(loaded.get("problems"), self.says)
        except _Stopped as stopped:
            self.problems.append(f"the cells could not be run to the end: the program {stopped}")
            self._fail_rest(f"was not called: running the cells, the program {stopped}")
            return
        for order in self.orders[len(self.outcomes) :]:
            call = self.calls[order["call"]]
            try:
                answer = process.ask(order, call.seconds)
                self.outcomes.append(_outcome(answer, order["call"], self.says))
            except _Stopped as stopped:
                self.outcomes.append(Outcome("failed", None, f"{call.function} {stopped}"))
                self.problems.append(f"{call.function} {stopped}")
                return

    def _fail_rest(self, says: str) -> None:
        for call in self.calls[len(self.outcomes) :]:
            self.outcomes.append(Outcome("failed", None, f"{call.function} {says}"))


class _Received:
    """How much of a submission's answers has been read."""

    def __init__(self) -> None:
        self.size = self.values = 0

    def too_much(self) -> bool:
        """Whether no more is read."""
        return self.size > MOST_OF_ALL or self.values > MOST_VALUES

    def add(self, line: bytes) -> None:
        """Count a line, before it is read."""
        self.size, self.values = self.size + len(line), self.values + _values_in(line)
        if self.too_much():
            raise _Stopped("gave back more than can be read, in all its answers together")


# --- one process -------------------------------------------------------------------------------


class _Process:
    """A runner with threads that listen to it, so that nothing it does or leaves undone can block.

    Parameters
    ----------
    limits : Limits
    sandbox : Sandbox or None
    until : float
        When the submission's time is over, by `time.monotonic`.
    received : _Received, optional
        What the submission's answers have come to.
    """

    def __init__(
        self,
        limits: Limits,
        sandbox: Sandbox | None,
        until: float,
        received: _Received | None = None,
    ) -> None:
        self.limits, self.sandbox, self.until = limits, sandbox, until
        self.received = received or _Received()
        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.orders: queue.Queue[bytes | None] = queue.Queue()
        self.kept = bytearray()
        self.keeping = True  # or what comes is counted only
        self.reading = threading.Lock()  # held from where text is read until it is kept
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> _Process:
        with contextlib.ExitStack() as stack:
            start = self.sandbox.start(self.limits) if self.sandbox else _child(self.limits)
            self.started = stack.enter_context(start)
            self._listen(stack)
            try:
                self._await(time.monotonic() + PATIENCE, f"nothing within {PATIENCE:g} s")
            except _Stopped as stopped:
                raise RunError(
                    "E-SANDBOX", f"no process could be started: {self._why(stopped)}"
                ) from None
            self.until = min(self.until, time.monotonic() + self.limits.seconds)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stack.close()

    def _why(self, stopped: _Stopped) -> str:
        time.sleep(TICK)  # the thread that hears the reason may be behind
        return self.text().strip()[-300:] or f"it {stopped}"

    def _listen(self, stack: contextlib.ExitStack) -> None:
        process = self.started.process
        jobs: list[tuple[Callable[[IO[bytes]], None], IO[bytes] | None]] = [
            (self._write, process.stdin),
            (self._hear, process.stdout),
            (self._keep, process.stderr),
        ]
        threads = [threading.Thread(target=job, args=(pipe,), daemon=True) for job, pipe in jobs]
        for thread in threads:
            thread.start()
        # Closed in reverse: no more orders, the tree ends, then the threads do, and close the pipes.
        start_of_stack = stack.pop_all()
        stack.callback(_join, threads)
        stack.push(start_of_stack.__exit__)
        stack.callback(self.orders.put, None)

    def _write(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError), pipe:
            while (order := self.orders.get()) is not None:
                pipe.write(order)
                pipe.flush()

    def _hear(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError), pipe:
            while line := pipe.readline(LONGEST_LINE):
                if not line.endswith(b"\n"):
                    break
                self.heard.put(("line", line))
                if self.heard.qsize() > 8:  # one is asked for at a time
                    break
        self.heard.put(("end", b""))

    def _keep(self, pipe: IO[bytes]) -> None:
        count = 0
        with contextlib.suppress(OSError, ValueError), pipe:
            while data := self._printed(pipe):
                count += len(data)
                if count > self.limits.output // 2:
                    self.heard.put(("printed", b""))
                    break

    def _printed(self, pipe: IO[bytes]) -> bytes:
        if self.sandbox is not None:
            _wait_for(pipe, None)
        with self.reading:
            data = os.read(pipe.fileno(), 65536)
            if self.keeping:
                self.kept += data[: max(0, KEPT - len(self.kept))]
        return data

    def loaded(self) -> None:
        """The cells have been run: what is printed from now on is not kept, if it is graded."""
        until = time.monotonic() + 1.0  # somebody may go on printing
        while self.sandbox is not None and self.keeping:
            with self.reading:
                self.keeping = self._more_printed() and time.monotonic() < until
            time.sleep(0.001)  # the thread that reads has its turn

    def _more_printed(self) -> bool:
        pipe = self.started.process.stderr
        with contextlib.suppress(OSError, ValueError):  # the thread has closed it
            return pipe is not None and _wait_for(pipe, 0.0)
        return False

    def text(self) -> str:
        """The beginning of what was printed, as harmless characters."""
        text = bytes(self.kept).decode("utf-8", errors="replace")
        return _harmless(text) + (" …" if len(self.kept) >= KEPT else "")

    def ask(self, order: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send an order and wait for its answer.

        Parameters
        ----------
        order : dict
        seconds : float
            Until it must be there.
        """
        if not self.heard.empty():
            self._next(0.0)  # it has ended, or printed too much
            raise _Stopped("wrote to the channel for answers itself")
        self.orders.put(json.dumps(order).encode() + b"\n")
        until = time.monotonic() + seconds
        late = f"did not end within {seconds:g} s"
        if until > self.until + TICK:
            until, late = (
                self.until,
                f"did not end within the {self.limits.seconds:g} s for all calls",
            )
        return self._await(until, late)

    def _await(self, until: float, late: str) -> dict[str, Any]:
        while (left := until - time.monotonic()) > 0:
            line = self._next(min(TICK, left))
            if line is not None:
                self.received.add(line)
                return _read(line)
            self._look()
        raise _Stopped(late)

    def _next(self, seconds: float) -> bytes | None:
        """The next line, None when there is none yet."""
        try:
            kind, line = self.heard.get(timeout=max(seconds, 0.001))
        except queue.Empty:
            return None
        if kind == "printed":
            raise _Stopped(f"printed more than {size(self.limits.output // 2)}")
        if kind == "end":
            raise _Stopped(self._end())
        return line

    def _look(self) -> None:
        """Whether the tree as a whole keeps to its limits."""
        if self.started.group is not None and self.started.group.ran_out():
            raise _Stopped(f"used more than {size(self.limits.memory)} of memory")
        if not process_tree.counted_here():
            return
        family = process_tree.descendants(self.started.process.pid)
        if process_tree.memory(family, self.limits.memory) > self.limits.memory:
            raise _Stopped(f"used more than {size(self.limits.memory)} of memory")
        inside = family[self.started.helpers :] if self.started.helpers else []
        if inside and process_tree.files(inside[0], "work") > MOST_FILES:
            raise _Stopped(f"made more than {MOST_FILES:,} files")
        if process_tree.tasks(family) > self.limits.processes + self.started.helpers:
            raise _Stopped(f"started more than {self.limits.processes} processes and threads")

    def _end(self) -> str:
        """Why there will be no more answers."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.started.process.wait(timeout=10 * TICK)
        if self.started.group is not None and self.started.group.ran_out():
            return f"used more than {size(self.limits.memory)} of memory"
        status = self.started.process.poll()
        if status is None:
            return "closed the channel for its answers"
        number = -status if status < 0 else status - 128
        return (
            f"ended the process ({_SIGNALS[number]})" if number in _SIGNALS else "ended the process"
        )


_SIGNALS = {
    6: "it crashed: signal 6",
    7: "it crashed: signal 7",
    8: "it crashed: signal 8",
    9: "it was killed: signal 9",
    11: "it crashed: signal 11 - a recursion without end?",
    15: "signal 15",
    24: "it used up its processor time",
    25: "a file grew too large",
}


def _wait_for(pipe: IO[bytes], seconds: float | None) -> bool:
    """Whether there is something to be read, or the end of it, within so many seconds."""
    known = select.poll()
    known.register(pipe.fileno(), select.POLLIN)
    return bool(known.poll(None if seconds is None else 1000 * seconds))


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(timeout=1.0)


@contextlib.contextmanager
def _child(limits: Limits) -> Iterator[Started]:
    """A runner without a sandbox, in a folder of its own."""
    lowered = process_limits(limits) if sys.platform == "linux" else {}
    told = {"user": None, "limits": lowered, "packages": str(numpy_folder())}
    mine = {name: os.environ[name] for name in OF_MINE if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="ddasp-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            runner_command(sys.executable, str(RUNNER), told),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**mine, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        try:
            yield Started(process)
        finally:
            process_tree.end(process)


# --- what crosses ------------------------------------------------------------------------------


def packed(value: Any) -> Any:
    """An argument as JSON; the inverse is `ddasp.homework.running.runner.unpack`.

    Parameters
    ----------
    value : object
        Arrays become float64, int64 or bool; tuples lists; the rest is what JSON can hold.

    Examples
    --------
    >>> packed(np.eye(2, dtype=int))
    {'array': [1, 0, 0, 1], 'shape': [2, 2], 'dtype': 'int64'}
    """
    if isinstance(value, np.ndarray):
        kind = {"i": "int64", "u": "int64", "b": "bool"}.get(value.dtype.kind, "float64")
        flat = value.astype(kind).ravel().tolist()
        return {"array": flat, "shape": list(value.shape), "dtype": kind}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [packed(item) for item in value]
    if isinstance(value, dict):
        return {key: packed(item) for key, item in value.items()}
    return value


def _values_in(line: bytes) -> int:
    """How many lists and commas there are, at least as many as values."""
    lists, commas = line.count(b"[") + line.count(b"{"), line.count(b",")
    if lists > MOST_LISTS or commas > MOST_COMMAS:
        raise _Stopped("gave back more than can be read")
    return lists + commas


def _read(line: bytes) -> dict[str, Any]:
    """A line from the other side, as plain data of a bounded size."""
    _values_in(line)
    try:
        value = _checked(json.loads(line), DEEPEST)
    except (ValueError, RecursionError, MemoryError):
        raise _Stopped("wrote an answer that can't be read") from None
    if not isinstance(value, dict):
        raise _Stopped("wrote an answer that can't be read")
    return value


def _checked(value: Any, depth: int) -> Any:
    if depth < 0:
        raise ValueError("too deep")
    if isinstance(value, list):
        return [_checked(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {_text(key): _checked(item, depth - 1) for key, item in value.items()}
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    """Without halves of characters, which can't be written anywhere."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _harmless(text: str) -> str:
    """Without characters that steer a terminal or turn the direction of writing."""
    return re.sub(
        r"[^\n\t\x20-\x7e\xa0-\u061b\u061d-\u200a\u2010-\u2027\u2030-\u205f\u2070-\ufefe\uff00-\ufff8"
        r"\ufffc-\U000dffff\U000e1000-\U0010ffff]",
        "�",
        text,
    )


def _texts(value: Any, most: int = SAYS) -> list[str]:
    known = value if isinstance(value, list) else []
    return [_harmless(text[:most]) for text in known[:50] if isinstance(text, str)]


def _outcome(answer: dict[str, Any], number: int, most: int = SAYS) -> Outcome:
    status, says = answer.get("status"), answer.get("says")
    if answer.get("call") != number or status not in STATES or not isinstance(says, str):
        raise _Stopped("wrote to the channel for answers itself")
    value = answer.get("value") if status == "value" else None
    if status == "value" and value is None:
        raise _Stopped("wrote to the channel for answers itself")
    return Outcome(str(status), value, _harmless(says[:most]))
