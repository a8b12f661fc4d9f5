"""Own points by hand: painted, moved, deleted; as a table they come and go in `own_table`.

*Conventions*: points are numbered 0 .. n - 1 as they stand; nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ddasp._errors import InputError
from ddasp.playground.datasets import MAX_POINTS, Points
from ddasp.playground.points.own_table import LARGEST, read_csv, word_of, write_csv

__all__ = ["MAX_PAINTED", "edit", "read_csv", "write_csv"]

MAX_PAINTED = 6  # classes that painting can make


def edit(
    points: Points,
    *,
    add: Iterable[Sequence[float | str]] = (),
    move: Iterable[Sequence[float]] = (),
    delete: Iterable[int] = (),
) -> Points:
    """Points with some added, moved or deleted.

    Parameters
    ----------
    points : Points
        With one or two columns. On a line the second coordinate is the target in regression, and
        counts for nothing in classification.
    add : iterable of (x1, x2, label)
        The label is a class's name or code, or the target. A new name, or the next code, makes a new
        class: there may be six.
    move : iterable of (index, x1, x2)
        Of points as they are numbered now.
    delete : iterable of int
        In the same numbering; all of them leaves no point.

    Returns
    -------
    Points
        Those that stayed in their order, then those that were added.

    Raises
    ------
    InputError
        For an index that does not exist, a coordinate that is not finite, a seventh class, more than
        5,000 points, or points with more than two columns.

    Examples
    --------
    >>> from ddasp.playground.datasets import make
    >>> points = edit(make("circle", n=10), add=[(1.0, 2.0, "positive")], delete=range(9))
    >>> points.X[-1], points.y[-1]
    (array([1., 2.]), np.int64(1))
    """
    if points.d > 2:
        raise InputError(
            "E-DATA",
            f"the points have {points.d} columns; expected one or two to paint, move or delete them on a "
            "plane",
        )
    X, y, classes = points.X.copy(), points.y.copy(), list(points.classes)
    on_line = points.d == 1 and points.kind == "regression"
    for index, a, b in move:
        i = _index(index, points.n)
        x = _coordinates(a, b)
        X[i] = x[: points.d]
        if on_line:
            y[i] = x[1]
    gone = [_index(i, points.n) for i in delete]
    new_X, new_y = [], []
    for x1, x2, label in add:
        x = _coordinates(x1, x2)
        new_X.append(x[: points.d])
        if points.kind == "regression":
            new_y.append(x[1] if on_line else _coordinates(label, 0.0)[0])
        else:
            new_y.append(_code(label, classes))
    X, y = np.delete(X, gone, axis=0), np.delete(y, gone)
    if len(X) + len(new_X) > MAX_POINTS:
        raise InputError(
            "E-DATA",
            f"there would be {len(X) + len(new_X)} points; expected at most {MAX_POINTS} - delete some",
        )
    if new_X:
        X = np.vstack([X, np.array(new_X)])
        y = np.concatenate([y, np.array(new_y, y.dtype)])
    stay = np.delete(np.arange(points.n), gone)
    groups = None
    if points.groups is not None and not new_X:
        groups = tuple(points.groups[i] for i in stay)
    return replace(points, X=X, y=y, classes=tuple(classes), groups=groups, ids=None)


def _index(value: float, n: int) -> int:
    if isinstance(value, bool) or value != int(value) or not 0 <= value < n:
        raise InputError(
            "E-DATA", f"there is no point {value}; expected 0 to {n - 1} - was it deleted already?"
        )
    return int(value)


def _coordinates(*values: float | str) -> list[float]:
    for value in values:
        if isinstance(value, str | bool) or not abs(value) <= LARGEST:
            raise InputError(
                "E-DATA",
                f"a coordinate is {str(value)[:20]!r}; expected a number up to {LARGEST:g}",
            )
    return [float(value) for value in values]


def _code(label: float | str, classes: list[str]) -> int:
    """The code of a class, which is added to the list when it is new."""
    if isinstance(label, str):
        name = word_of((0, label.strip()))
        if name in classes:
            return classes.index(name)
        code = len(classes)
    else:
        _coordinates(label)
        code, name = int(label), ""
        if code != label or code < 0:
            raise InputError("E-DATA", f"a label is {label}; expected a class, 0, 1, 2, ...")
    if code >= len(classes):
        if code >= MAX_PAINTED:
            raise InputError(
                "E-DATA",
                f"there would be {code + 1} classes; expected at most {MAX_PAINTED} when they are painted",
            )
        while len(classes) < code:
            classes.append(_new_name(classes))
        classes.append(name or _new_name(classes))
    return code


def _new_name(classes: Sequence[str]) -> str:
    """A letter: C for the third class, unless it is taken."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return next(c for c in letters[len(classes) :] + letters if c not in classes)
