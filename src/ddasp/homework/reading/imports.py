r"""Which modules and names a program uses that its task doesn't allow, found without running it.

*The rule* (`may_use`): a task lists what is allowed and what is refused, as dotted names; each speaks of
itself and of all inside it. The longest one that fits decides, and of two equal ones the refusal. So
``allowed=("numpy", "numpy.linalg.norm")``, ``refused=("numpy.linalg",)`` allows NumPy, refuses what lies in
``numpy.linalg``, and makes an exception of ``norm``. What nothing fits is refused. A module that leads to
something allowed may be imported for that (`may_import`). The runner holds the same rules while the program
runs; what is found here is found early, and with its line.

*What is seen*: imports; names that lead to a module through ``import ... as``, ``from ... import``,
assignments and getattr with a text; what computes code (exec, eval, compile), what waits for a
person (input, breakpoint), and the hidden doors of Python's objects (``__globals__``,
``__subclasses__``). Whoever hides a name well enough gets past this, not past the runner and the sandbox.
``open`` is let through: in the sandbox there is nothing to read but the task's data.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ddasp.homework.reading.sources import Cell, parsed
from ddasp.homework.reading.zip_entries import shown

__all__ = ["Refusal", "may_import", "may_use", "refusals", "sifted"]

COMPUTES = "it computes code, and only what is written down can be graded"
WAITS = "it waits for a person, and none is there"
A_DOOR = "it is a door to the inside of Python"
BUILTINS = {
    "__import__": "write an import",
    "breakpoint": WAITS,
    "compile": COMPUTES,
    "eval": COMPUTES,
    "exec": COMPUTES,
    "input": WAITS,
}
DOORS = frozenset(
    [
        "__base__",
        "__bases__",
        "__builtins__",
        "__closure__",
        "__code__",
        "__dict__",
        "__getattribute__",
        "__globals__",
        "__loader__",
        "__mro__",
        "__reduce__",
        "__reduce_ex__",
        "__self__",
        "__spec__",
        "__subclasses__",
        "__wrapped__",
        "ag_frame",
        "cr_frame",
        "f_back",
        "f_builtins",
        "f_globals",
        "f_locals",
        "gi_frame",
        "tb_frame",
    ]
)
SAID = ("__version__", "__name__", "__doc__")  # of a module, harmless
MOST = 50  # refusals; who reads them has understood by then
HOPS = 4  # names set to names set to names
MEANINGS, LINKS = 8, 8  # of one name; in one: whoever needs more has something to hide
LONGEST = 200  # characters of a name that others may stand for


def may_use(name: str, allowed: Iterable[str], refused: Iterable[str]) -> bool:
    """Whether a dotted name may be used: the longest name listed that it is, or lies in, decides.

    1. ``__future__`` may always be used.
    2. A listed name fits if it equals `name`, or if `name` begins with it and a dot.
    3. Of all that fit, allowed or refused, the one with the most characters decides.
    4. If the same name is in both lists, it is refused. If none fits, `name` is refused.

    Parameters
    ----------
    name : str
        "numpy.linalg.svd"; attributes of what is imported follow with a dot.
    allowed, refused : iterable of str

    Examples
    --------
    >>> allowed, refused = ("math", "numpy", "numpy.linalg.norm"), ("numpy.linalg",)
    >>> [may_use(name, allowed, refused) for name in ("numpy.dot", "numpy.linalg.svd", "torch")]
    [True, False, False]
    >>> may_use("numpy.linalg.norm", allowed, refused)
    True
    """

    def longest(listed: Iterable[str]) -> int:
        return max((len(n) for n in listed if name == n or name.startswith(n + ".")), default=0)

    return longest(("__future__",)) > 0 or longest(allowed) > longest(refused)


def may_import(name: str, allowed: Iterable[str], refused: Iterable[str]) -> bool:
    """Whether a module may be imported: it may be used, or leads to what may.

    Parameters
    ----------
    name : str
    allowed, refused : iterable of str
        As in `may_use`; a name that is in both is refused with all that it leads to.

    Examples
    --------
    >>> allowed = ("numpy", "numpy.linalg.norm", "scipy.special")
    >>> [may_import(name, allowed, ("numpy.linalg",)) for name in ("numpy.linalg", "scipy", "os")]
    [True, True, False]
    """
    known = tuple(allowed)
    leads = name not in known and any(other.startswith(name + ".") for other in known)
    return leads or may_use(name, known, refused)


@dataclass(frozen=True)
class Refusal:
    """A use of what the task doesn't allow.

    Parameters
    ----------
    where : str
        "cell 3, line 2".
    name : str
        "numpy.linalg.svd".
    says : str
        Why, and what is allowed.
    """

    where: str
    name: str
    says: str


def refusals(
    cells: Sequence[Cell], allowed: Sequence[str], refused: Sequence[str]
) -> list[Refusal]:
    r"""What a program uses that it may not, in the order of its lines; the first `MOST`.

    Parameters
    ----------
    cells : sequence of Cell
        Those that are no Python are passed over; whoever runs them says so.
    allowed, refused : sequence of str
        As in `may_use`.

    Examples
    --------
    >>> cells = [Cell("cell 3", "import math\nimport torch")]
    >>> [f"{refusal.where}: {refusal.says}" for refusal in refusals(cells, ("math", "numpy"), ())]
    ['cell 3, line 2: torch may not be used here; this task allows math, numpy']
    """
    return sifted(cells, allowed, refused)[1]


def sifted(
    cells: Sequence[Cell], allowed: Sequence[str], refused: Sequence[str]
) -> tuple[list[Cell], list[Refusal]]:
    r"""The program without what it may not use, so that nothing is earned by it; and `refusals`.

    A function or a class in which something is refused becomes one that says so when it is called, any
    other statement nothing; all lines keep their numbers. Imports stay: the runner refuses them, and what
    else the same line imports is there.

    Parameters
    ----------
    cells : sequence of Cell
    allowed, refused : sequence of str
        As in `may_use`.

    Examples
    --------
    >>> source = "import numpy as np\ndef inverse(A):\n    return np.linalg.pinv(A)\nhalf = 1 / 2"
    >>> (cell,), _ = sifted([Cell("cell 1", source)], ("numpy",), ("numpy.linalg.pinv",))
    >>> print(cell.source)
    import numpy as np
    def inverse(*_, **__): raise ImportError('numpy.linalg.pinv may not be used here')
    <BLANKLINE>
    half = 1 / 2
    """
    trees = [parsed(cell.source) for cell in cells]
    found = _found(cells, trees, allowed, refused)
    keys = sorted(found)
    names: dict[int, dict[int, str]] = {}  # by cell and line
    for number, line, name in keys:
        names.setdefault(number, {}).setdefault(line, name)
    left = [
        cell if tree is None or i not in names else Cell(cell.label, _cut(cell, tree, names[i]))
        for i, (cell, tree) in enumerate(zip(cells, trees, strict=True))
    ]
    return left, [found[key] for key in keys[:MOST]]


def _cut(cell: Cell, tree: ast.Module, names: Mapping[int, str]) -> str:
    """A cell's source in which statements with refused lines are replaced."""
    lines = re.split(r"\r\n|\r|\n|\f", cell.source)  # as Python counts them
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        marks = getattr(statement, "decorator_list", [])
        first = min([statement.lineno, *(mark.lineno for mark in marks)])
        last = statement.end_lineno or first
        name = next((names[line] for line in range(first, last + 1) if line in names), None)
        if name is None:
            continue
        instead = "pass"
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            says = repr(f"{name} may not be used here")
            instead = f"def {statement.name}(*_, **__): raise ImportError({says})"
        lines[first - 1 : last] = [instead, *[""] * (last - first)]
    return "\n".join(lines)


def _found(
    cells: Sequence[Cell],
    trees: Sequence[ast.Module | None],
    allowed: Sequence[str],
    refused: Sequence[str],
) -> dict[tuple[int, int, str], Refusal]:
    """All refusals by number of the cell, line and name."""
    known_trees = [tree for tree in trees if tree is not None]
    means = {
        name: {module for module in modules if may_import(module, allowed, refused)}
        for name, modules in _meanings(known_trees).items()
    }  # what may not be used is named where it comes in, not again wherever it is used
    own = _own_names(known_trees)
    found: dict[tuple[int, int, str], Refusal] = {}
    for number, (cell, tree) in enumerate(zip(cells, trees, strict=True)):
        for line, name, why in _uses(tree, means, own) if tree is not None else ():
            if why is None and may_import(name, allowed, refused) and not _is_inside(name):
                continue
            where = f"{cell.label}, line {line}"
            known = shown(name)  # it may hold whatever a text can
            says = f"{known} may not be used here; {why or _instead(name, allowed)}"
            found.setdefault((number, line, known), Refusal(where, known, says))
    return found


Use = tuple[int, str, str | None]  # line, name, why it is refused whatever the task allows


def _instead(name: str, allowed: Sequence[str]) -> str:
    if _is_inside(name):
        return "it is private to its module"
    if may_use(name, allowed, ()):
        return "it would hand over what is asked for"
    return f"this task allows {', '.join(allowed) or 'no modules'}"


def _is_inside(name: str) -> bool:
    """Whether a name leads through what a module keeps to itself."""
    parts = name.split(".")[1:]
    return any(part.startswith("_") and part not in DOORS and part not in SAID for part in parts)


def _uses(tree: ast.Module, means: Mapping[str, set[str]], own: set[str]) -> Iterator[Use]:
    """What a tree uses: imports, chains of names that begin at a module, doors and builtins."""
    within: set[int] = set()  # inner links of chains that have been looked at
    for node in ast.walk(tree):  # outer links come before inner ones
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imported(node)
        elif isinstance(node, ast.Attribute) and id(node) not in within:
            yield from _chain_uses(node, means, within)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id in BUILTINS and node.id not in own:
                yield node.lineno, node.id, BUILTINS[node.id]
            elif node.id in DOORS:
                yield node.lineno, node.id, A_DOOR
        elif isinstance(node, ast.Call):
            yield from _hidden(node, means)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[Use]:
    if isinstance(node, ast.Import):
        yield from ((node.lineno, alias.name, None) for alias in node.names)
        return
    if node.level:
        name = "." * node.level + (node.module or "")
        yield node.lineno, name, "a program stands alone and has no files of code beside it"
        return
    for alias in node.names:
        star = alias.name == "*"  # the runner gives no more than may be used
        yield node.lineno, f"{node.module}" if star else f"{node.module}.{alias.name}", None


def _chain_uses(
    node: ast.Attribute, means: Mapping[str, set[str]], within: set[int]
) -> Iterator[Use]:
    links: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        within.add(id(inner))
        if inner.attr in DOORS:
            yield inner.lineno, inner.attr, A_DOOR
        links.insert(0, inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name):
        for module in sorted(means.get(inner.id, ())):
            yield node.lineno, ".".join([module, *links]), None


def _hidden(node: ast.Call, means: Mapping[str, set[str]]) -> Iterator[Use]:
    """Names of a module by getattr or vars."""
    if not isinstance(node.func, ast.Name) or node.func.id not in ("getattr", "vars"):
        return
    names = [name for value in node.args[:1] for name in sorted(_names_of(value, means))]
    said = node.args[1] if len(node.args) > 1 else None
    if isinstance(said, ast.Constant) and said.value in DOORS:
        yield node.lineno, str(said.value), A_DOOR
    for name in names:
        if isinstance(said, ast.Constant) and isinstance(said.value, str):
            yield node.lineno, f"{name}.{said.value}", None
        else:
            why = "it hides which name is meant; write that name"
            yield node.lineno, f"{node.func.id}({name}, ...)", why


def _names_of(value: ast.expr, means: Mapping[str, set[str]]) -> set[str]:
    """The dotted names that an expression may stand for."""
    links: list[str] = []
    while isinstance(value, ast.Attribute):
        links.insert(0, value.attr)
        value = value.value
    known = means.get(value.id, set()) if isinstance(value, ast.Name) else set()
    return {".".join([name, *links]) for name in known}


def _meanings(trees: Sequence[ast.Module]) -> dict[str, set[str]]:
    """What names may stand for, by imports and plain assignments anywhere in the program."""
    means: dict[str, set[str]] = {}  # names without end would be copied for whatever is set to them
    copies: list[tuple[str, ast.expr]] = []
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.split(".")[0]
                if len(name) <= LONGEST:
                    means.setdefault(alias.asname or name, set()).add(name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if len(name) <= LONGEST:
                    means.setdefault(alias.asname or alias.name, set()).add(name)
        elif isinstance(node, ast.Assign):
            copies += [pair for target in node.targets for pair in _copied(target, node.value)]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            copies += _copied(node.target, node.value)
    for _ in range(HOPS):
        for name, value in copies:
            known = means.setdefault(name, set())
            for one in sorted(_names_of(value, means) - known):
                if len(known) < MEANINGS and one.count(".") < LINKS and len(one) <= LONGEST:
                    known.add(one)
    return means


def _copied(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr]]:
    """Names and what they are set to, through tuples of one level."""
    if isinstance(target, ast.Name):
        return [(target.id, value)]
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        both = zip(target.elts, value.elts, strict=False)
        return [(t.id, v) for t, v in both if isinstance(t, ast.Name)]
    return []


def _own_names(trees: Sequence[ast.Module]) -> set[str]:
    """Names that the program gives itself: `input` is a good name for what enters a layer."""
    own: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            own.add(node.name)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
    return own
