"""Programs that share more than their task and what was handed out: a hint, never a verdict.

Winnowing. The tree of a program is written as a row of tokens that renaming, comments, layout and
other numbers don't change. Each `GRAM` tokens in a row have a hash; of each `WINDOW` hashes in a row the
smallest is kept, as a mark. So two programs that share `GRAM` + `WINDOW` - 1 tokens in a row share a
mark, wherever they stand, and 2 / (`WINDOW` + 1) of all hashes are kept. What stands in the template is
taken off.

    left out            comments, docstrings, layout, names of variables, numbers and texts
    kept                kinds of statements and operators, names behind a dot and of keywords
    one by one          functions and classes at the top level, so that their order doesn't matter

Answers that are only typed (numbers, lists of them, ``np.array([[1, 0], [2, 1]])``, ``np.sqrt(5) / 2``) are
each student's own and have the form that the task dictates; a statement of nothing else is left out.

*Measure*: the share of the smaller program's marks that the larger one has too. Jaccard's share of the
union would hide who copies a part and adds to it; that small programs then agree by accident is met by
counting no program as smaller than `LEAST` marks. What more than `COMMON` submissions have, and more than a
quarter of the class, the task or the lecture has said; it counts for nobody. But more than `COMMON`
programs that are equal in all their marks are a ring: each is paired with the next.

*Conventions*: hashes are the same on every machine (BLAKE2b, 64 bits); trees differ a little between
versions of Python, so marks are compared within one grading.

*References*: Schleimer, Wilkerson, Aiken 2003, "Winnowing: local algorithms for document fingerprinting",
SIGMOD, sections 3 (robust winnowing) and 5 (what is common to many is ignored).
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise

from ddasp.homework.reading.sources import Cell, parsed

__all__ = ["Pair", "fingerprint", "pairs"]

GRAM = 16  # tokens, about two lines
WINDOW = 8  # grams: whatever has 23 tokens in common is found
LEAST = 25  # marks, about twenty lines
COMMON = 10  # submissions; or a quarter of the class, if that is more
DATA = "data"


@dataclass(frozen=True)
class Pair:
    """Two submissions that have a part in common.

    Parameters
    ----------
    first, second : str
        Their names, in order.
    share : float
        Of the smaller one's marks, those that the other has too, 0 to 1.
    """

    first: str
    second: str
    share: float


def fingerprint(cells: Sequence[Cell], template_cells: Sequence[Cell] = ()) -> frozenset[int]:
    r"""The marks of a program that are not those of the template.

    Parameters
    ----------
    cells : sequence of Cell
        What is no Python has no marks.
    template_cells : sequence of Cell
        What was handed out.

    Examples
    --------
    >>> mean = "def mean(x):\n    n = 0\n    for v in x:\n        n = n + v\n    return n / len(x)"
    >>> other = mean.replace("x", "values").replace("v ", "w ").replace("+ v", "+ w")
    >>> fingerprint([Cell("cell 1", mean)]) == fingerprint([Cell("cell 1", other)])
    True
    """
    handed_out = {gram for row in _rows(template_cells) for gram in _grams(row)}
    marks = {mark for row in _rows(cells) for mark in _winnowed(_grams(row))}
    return frozenset(marks - handed_out)


def pairs(prints: Mapping[str, frozenset[int]], least: float) -> list[Pair]:
    """Pairs that share at least so much, the most alike first.

    Parameters
    ----------
    prints : mapping of str to frozenset
        Marks by the submission's name.
    least : float
        Of `Pair.share`, 0 to 1.

    Examples
    --------
    >>> prints = {"anna": frozenset(range(40)), "ben": frozenset(range(30, 60))}
    >>> pairs(prints, 0.3)
    [Pair(first='anna', second='ben', share=0.333)]
    """
    having = defaultdict(list)
    for name in sorted(prints):
        for mark in prints[name]:
            having[mark].append(name)
    most = max(COMMON, len(prints) // 4)
    known = {mark: names for mark, names in having.items() if len(names) <= most}
    size = Counter(name for names in known.values() for name in names)
    both: Counter[tuple[str, str]] = Counter()
    for names in known.values():
        both.update(combinations(names, 2))
    found = [Pair(a, b, n / max(LEAST, min(size[a], size[b]))) for (a, b), n in both.items()]
    paired = {(pair.first, pair.second) for pair in found if pair.share >= least}
    found += [ring for ring in _rings(prints) if (ring.first, ring.second) not in paired]
    wanted = (pair for pair in found if pair.share >= least)
    return sorted(wanted, key=lambda pair: (-pair.share, pair.first, pair.second))


def _rings(prints: Mapping[str, frozenset[int]]) -> Iterator[Pair]:
    """Neighbours among the many that have the very same marks, which `COMMON` would hide."""
    same = defaultdict(list)
    for name in sorted(prints):
        if len(prints[name]) >= LEAST:
            same[prints[name]].append(name)
    for names in same.values():
        if len(names) > COMMON:
            yield from (Pair(a, b, 1.0) for a, b in pairwise(names))


def _rows(cells: Sequence[Cell]) -> Iterator[list[str]]:
    """The tokens of each function or class at the top level, and of what stands between them."""
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for cell in cells:
        tree = parsed(cell.source)
        body = tree.body if tree is not None else []
        for alone, nodes in groupby(body, lambda node: isinstance(node, definitions)):
            statements = list(nodes)
            for part in [[node] for node in statements] if alone else [statements]:
                yield _tokens(part)


def _tokens(statements: Sequence[ast.stmt]) -> list[str]:
    """Statements as tokens, from the outer to the inner, without recursion."""
    typed = _typed(statements)
    tokens = []
    left: list[ast.AST] = list(reversed(statements))
    while left:
        node = left.pop()
        if isinstance(node, ast.stmt) and id(node) in typed:
            continue
        if id(node) in typed:
            tokens.append(DATA)
            continue
        if not isinstance(node, ast.expr_context | ast.arguments | ast.Load):
            tokens.append(_token(node))
        left.extend(reversed(list(ast.iter_child_nodes(node))))
    return tokens


def _token(node: ast.AST) -> str:
    """What a node is, with the names that are not the author's to choose."""
    kind = type(node).__name__
    if isinstance(node, ast.Attribute):
        return f"{kind} {node.attr}"
    if isinstance(node, ast.keyword):
        return f"{kind} {node.arg}"
    return kind


def _typed(statements: Sequence[ast.stmt]) -> set[int]:
    """Ids of the nodes that hold nothing but what was typed in, and of imports."""
    nodes = [node for statement in statements for node in ast.walk(statement)]
    typed: set[int] = set()
    for node in reversed(nodes):  # inner ones first
        inner: list[ast.AST] = []
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
            inner = [x for x in ast.iter_child_nodes(node) if not isinstance(x, ast.expr_context)]
        elif isinstance(node, ast.BinOp):
            inner = [node.left, node.right]
        elif isinstance(node, ast.UnaryOp):
            inner = [node.operand]
        elif isinstance(node, ast.Call) and node.args and _is_plain(node.func):
            inner = [*node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr):
            inner = [node.value] if node.value is not None else []
        elif isinstance(node, ast.FunctionDef):
            inner = list(node.body)
        elif not isinstance(node, ast.Constant | ast.Import | ast.ImportFrom):
            continue
        if all(id(x) in typed for x in inner):
            typed.add(id(node))
    return typed


def _is_plain(function: ast.expr) -> bool:
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name)


def _grams(tokens: Sequence[str]) -> list[int]:
    """A hash of each `GRAM` tokens in a row."""
    words = [
        hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=8).digest()
        for token in tokens
    ]
    row = b"".join(words)
    return [
        int.from_bytes(hashlib.blake2b(row[at : at + 8 * GRAM], digest_size=8).digest(), "little")
        for at in range(0, 8 * (len(words) - GRAM + 1), 8)
    ]


def _winnowed(grams: Sequence[int]) -> set[int]:
    """The smallest hash of each window."""
    windows = range(max(1, len(grams) - WINDOW + 1))
    return {min(grams[at : at + WINDOW]) for at in windows} if grams else set()
