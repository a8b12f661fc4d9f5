"""What a person typed, read as numbers: fractions, roots and decimals alike.

    "3/4"    "-2"    "sqrt(5)"    "2*sqrt(3)/5"    "2√3/5"    "1/√2"    "(1 + sqrt(5))/2"    0.7071

Text is parsed into a tree, and the tree is walked by a function that knows + - * /, powers and roots;
nothing is ever evaluated as Python.

*Conventions*: vectors are lists of numbers, matrices lists of rows, bases lists of vectors. A blank
answer (`blank`) was not attempted; what can't be read raises `NotYet` with a text for its author.
Lengths are looked at before contents, so that no answer takes long: 100 characters a number, 100,000
numbers an answer, 1e15 in magnitude.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from numbers import Integral, Rational, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.parts import NotYet

__all__ = ["basis", "blank", "given", "matrix", "number", "shown", "vector"]

Array = NDArray[np.float64]

LONGEST = 100  # characters of one number
LARGEST = 1e15  # beyond it neighbouring integers are one float
MOST = 100_000  # numbers in one answer
EXPONENT = 8  # largest whole power
SIGNS = str.maketrans(
    {"−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "÷": "/", "∕": "/", "⁄": "/"}
    | {"½": "(1/2)", "⅓": "(1/3)", "⅔": "(2/3)", "¼": "(1/4)", "¾": "(3/4)"}
    | dict.fromkeys("\u00a0\u2007\u2009\u202f", " ")  # blanks of a page
)
FORMS = "a number, 3/4, sqrt(5), 2*sqrt(3)/5 or 0.7071"


def shown(value: object) -> str:
    """A few words for a value of any size, for messages.

    Parameters
    ----------
    value : object
        What came, of any type.

    Examples
    --------
    >>> shown([1, 2, 3]), shown("x" * 1000), shown(10**1000)
    ('a list of 3', "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'...", 'an integer of 3322 bits')
    """
    if isinstance(value, str):
        return repr(value[:30]) + ("..." if len(value) > 30 else "")
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() < 64 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, float):
        return f"{value:g}"
    return f"a {type(value).__name__}"


def blank(value: object) -> bool:
    """Whether nothing was answered: None, "...", or a list of nothing but those.

    Parameters
    ----------
    value : object
        An answer. An empty list is one: the basis of {0}.

    Examples
    --------
    >>> blank(None), blank([None, [None, "..."]]), blank([]), blank(0)
    (True, True, False, False)
    """
    return _blank(value, 4)


def _blank(value: object, depth: int) -> bool:
    if (
        value is None
        or value is Ellipsis
        or (isinstance(value, str) and value.strip() in ("", "...", "…"))
    ):
        return True
    if isinstance(value, list | tuple) and value and depth:
        return all(_blank(inner, depth - 1) for inner in value)
    return False


def given(value: object, *keys: str) -> Any:
    """What stands in a dict of dicts, by its keys; None where there is nothing.

    Parameters
    ----------
    value : object
        What a function gave back.
    *keys : str
        From outside inwards.

    Raises
    ------
    NotYet
        When something on the way is no dict.

    Examples
    --------
    >>> given({"A": {"rank": 2}}, "A", "rank"), given({}, "A", "rank")
    (2, None)
    """
    for i, key in enumerate(keys):
        if blank(value):
            return None
        if not isinstance(value, dict):
            where = "".join(f"[{k!r}]" for k in keys[:i])
            raise NotYet(
                f"the answer{where} is {shown(value)}; expected a dict with {key!r} in it, "
                "as the stub's docstring shows"
            )
        value = value.get(key)
    return None if blank(value) else value


def number(value: object, name: str) -> float:
    """One number, typed as a fraction, a root, a decimal, or a small formula of these.

    Parameters
    ----------
    value : int, float, Fraction or str
        With + - * /, parentheses, powers with small whole exponents or 1/2, ``sqrt`` or ``√``.
    name : str
        For messages, "A: rank".

    Returns
    -------
    float
        Finite.

    Raises
    ------
    NotYet
        When it is no such number.

    Examples
    --------
    >>> number("3/4", "x"), number("2√3/5", "x"), number("-1/sqrt(2)", "x"), number("2^(1/2)", "x")
    (0.75, 0.6928, -0.7071, 1.4142)
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, str):
        result = _typed(value, name)
    elif isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise NotYet(f"{name} is {shown(value)}; expected {FORMS}")
    else:
        result = _real(value, name)
    if not math.isfinite(result):
        raise NotYet(f"{name} is {result}; expected a finite number - was something divided by 0?")
    if abs(result) > LARGEST:
        raise _too_large(name)
    return result


def _too_large(name: str) -> NotYet:
    return NotYet(
        f"{name} is larger than {LARGEST:g} in magnitude; expected a number one can check"
    )


def _real(value: Real, name: str) -> float:
    # Huge integers are measured before anything is done with them.
    if isinstance(value, Integral):
        sizes = [int(value)]
    elif isinstance(value, Rational):
        sizes = [int(value.numerator), int(value.denominator)]
    else:
        return float(value)
    if any(size.bit_length() > 256 for size in sizes):
        raise _too_large(name)
    return float(value)


def _typed(text: str, name: str) -> float:
    if len(text) > LONGEST:
        raise NotYet(f"{name} has {len(text)} characters; expected a number of {LONGEST} at most")
    if "," in text:
        raise NotYet(f"{name} is {shown(text)}; decimals have a point here, not a comma")
    formula = _as_formula(text)
    if not re.fullmatch(r"(?:sqrt|[0-9eE.+\-*/() ])+", formula):
        raise NotYet(f"{name} is {shown(text)}; expected {FORMS}")
    try:
        tree = ast.parse(formula.strip(), mode="eval").body
        return _value(tree)
    except _NoRoot:
        raise NotYet(f"{name} is {shown(text)}: it takes the root of a number below 0") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotYet(f"{name} is {shown(text)}, which can't be read; expected {FORMS}") from None
    except ZeroDivisionError:
        raise NotYet(f"{name} is {shown(text)}: it divides by 0") from None
    except OverflowError:
        raise _too_large(name) from None


def _as_formula(text: str) -> str:
    """Signs of the keyboard for signs of the page: 2√3 becomes 2*sqrt(3)."""
    formula = text.strip().translate(SIGNS).replace("^", "**")
    formula = re.sub(r"\b(?:np|numpy|math)\.(?=sqrt\b)", "", formula)
    formula = re.sub(r"√\s*([0-9]+(?:\.[0-9]+)?)", r"sqrt(\1)", formula)
    formula = re.sub(r"√\s*\(", "sqrt(", formula)
    return re.sub(r"(?<=[0-9)])\s*(?=sqrt)", "*", formula)


class _NoRoot(ValueError):
    """Of a number below 0."""


def _root(x: float) -> float:
    if x < 0:
        raise _NoRoot
    return math.sqrt(x)


def _value(node: ast.expr) -> float:
    """The tree's value; ValueError for what is no arithmetic."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        inner = _value(node.operand)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id != "sqrt" or len(node.args) != 1:
            raise ValueError
        return _root(_value(node.args[0]))
    if isinstance(node, ast.BinOp):
        return _combined(node.op, _value(node.left), _value(node.right))
    raise ValueError


def _combined(sign: ast.operator, a: float, b: float) -> float:
    match sign:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
        case ast.Mult():
            return a * b
        case ast.Div():
            return a / b
        case ast.Pow() if abs(b) == 0.5:
            return _root(a) if b > 0 else 1 / _root(a)
        case ast.Pow() if b == round(b) and abs(b) <= EXPONENT:
            return float(a**b)
    raise ValueError


def _list(value: object, name: str, expected: str) -> Sequence[Any]:
    if isinstance(value, np.ndarray):
        if value.size > MOST:
            raise NotYet(f"{name} has {value.size} numbers; expected {MOST} at most")
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise NotYet(f"{name} is {shown(value)}; expected {expected}")
    if len(value) > MOST:
        raise NotYet(f"{name} has {len(value)} entries; expected {MOST} at most")
    return value


def vector(value: object, name: str, *, length: int | None = None) -> Array:
    """A list of numbers.

    Parameters
    ----------
    value : list
        Of what `number` reads; a column, a list of lists of one, is the same.
    name : str
        For messages.
    length : int, optional
        How many there must be.

    Returns
    -------
    numpy.ndarray of shape (length,)

    Raises
    ------
    NotYet
        When it is no vector of that length, or one of its entries no number.

    Examples
    --------
    >>> vector(["1/2", "√2", -3], "x").tolist()
    [0.5, 1.414, -3.0]
    """
    entries = _list(value, name, "a list of numbers")
    if length is not None and len(entries) != length:
        if len(entries) == 1 and isinstance(entries[0], list | tuple):
            raise NotYet(
                f"{name} is a row inside a list, shape (1, {len(entries[0])}); expected {length} "
                f"numbers, shape ({length},)"
            )
        many = "entry" if len(entries) == 1 else "entries"
        raise NotYet(f"{name} has {len(entries)} {many}; expected {length}")
    if entries and all(isinstance(entry, list | tuple) and len(entry) == 1 for entry in entries):
        entries = [entry[0] for entry in entries]
    return np.array(
        [number(x, f"{name}, entry {i}") for i, x in enumerate(entries, 1)], dtype=float
    )


def matrix(
    value: object, name: str, *, rows: int | None = None, columns: int | None = None
) -> Array:
    """A list of rows, all of one length.

    Parameters
    ----------
    value : list of list
        Of what `number` reads.
    name : str
        For messages.
    rows, columns : int, optional
        How many there must be.

    Returns
    -------
    numpy.ndarray of shape (rows, columns)

    Raises
    ------
    NotYet
        When it is no matrix of that shape, or one of its entries no number.

    Examples
    --------
    >>> matrix([["1/2", 0], [0, "sqrt(3)/2"]], "P")
    array([[0.5 , 0. ], [0. , 0.87]])
    """
    lists = _list(value, name, "a list of rows")
    if not lists:
        raise NotYet(f"{name} is empty; expected a list of rows")
    if not all(isinstance(row, list | tuple | np.ndarray) for row in lists):
        other = next(row for row in lists if not isinstance(row, list | tuple | np.ndarray))
        raise NotYet(f"{name} holds {shown(other)} where a row belongs; expected a list of rows")
    shape = (len(lists), len(lists[0]))
    if any(len(row) != shape[1] for row in lists):
        raise NotYet(f"{name} has rows of different lengths; expected a matrix")
    wanted = (rows or shape[0], columns or shape[1])
    if shape != wanted:
        turned = " - is it transposed?" if shape == wanted[::-1] else ""
        told = f"({rows or 'any'}, {columns or 'any'})"
        raise NotYet(f"{name} has shape {shape}; expected {told}{turned}")
    if not 0 < shape[0] * shape[1] <= MOST:
        raise NotYet(f"{name} has shape {shape}; expected 1 to {MOST} numbers")
    return np.array(
        [
            [number(x, f"{name}, row {i}, column {j}") for j, x in enumerate(row, 1)]
            for i, row in enumerate(lists, 1)
        ]
    )


def basis(value: object, name: str, *, length: int) -> Array:
    """A list of vectors; an empty one for the space that holds only zero.

    Parameters
    ----------
    value : list of list
        One list of numbers for each vector.
    name : str
        For messages.
    length : int
        Of each vector.

    Returns
    -------
    numpy.ndarray of shape (length, n_vectors)
        The vectors as columns.

    Raises
    ------
    NotYet
        When there are other things in it than vectors of that length, or more than `length` of
        them: those depend on each other.

    Examples
    --------
    >>> basis([[1, 0, 2], [0, 1, "-1/2"]], "row space", length=3)
    array([[ 1. , 0. ], [ 0. , 1. ], [ 2. , -0.5]])
    >>> basis([], "null space", length=3).shape
    (3, 0)
    """
    vectors = _list(value, name, "a list of vectors")
    if not vectors:
        return np.zeros((length, 0))
    if not any(isinstance(entry, list | tuple | np.ndarray) for entry in vectors):
        raise NotYet(
            f"{name} is a list of numbers; expected a list of vectors, one vector is [[...]]"
        )
    if len(vectors) > length:
        raise NotYet(
            f"{name} has {len(vectors)} vectors of {length} numbers; more than {length} are never "
            "independent"
        )
    widths = {len(entry) for entry in vectors if isinstance(entry, list | tuple | np.ndarray)}
    if len(vectors) == length and len(widths) == 1 and widths != {length}:
        raise NotYet(
            f"{name} has {length} lists of {widths.pop()}; expected vectors of {length} numbers - "
            "are they the columns of a matrix? Write one list for each vector"
        )
    read = [
        vector(entry, f"{name}, vector {i}", length=length) for i, entry in enumerate(vectors, 1)
    ]
    return np.stack(read, axis=1)
