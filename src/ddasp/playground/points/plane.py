"""The plane of the map: two directions through the space of coordinates, and back.

Points with d columns are shown on a plane. With d = 2 it is the coordinates; with more it is a *slice*
along two columns in which all others stand still, at their median over the training points or at one
chosen point, or the plane of the two first principal components of the standardised columns that are
fed. What the map shows is then the network's answer on that plane, not at the points beside it: each
`View` says in words where it lies. With d = 1 the map is a line.

*Conventions*: X (n, d), plane coordinates xy (n, 2). Row 0 of a grid is the top: the largest second
coordinate. Its points are the centres of side x side equal cells over the ranges; on a line, of side
cells from left to right. `project` after `lift` gives xy back; `lift` after `project` gives back points
that lie on the plane, and of others the point of the plane that the map shows them at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp.playground.points.inputs import fed_columns

if TYPE_CHECKING:
    from ddasp.playground.datasets import Points
    from ddasp.playground.settings import Settings

__all__ = ["View", "view_for"]

Array = NDArray[np.float64]

MARGIN = 0.08  # of the range, around points without a domain


@dataclass(frozen=True)
class View:
    """A plane, or a line, in the space of coordinates: x = origin + xy · directions.

    Parameters
    ----------
    kind : {"plane", "line"}
        A line for points with one column.
    axes : tuple of str
        Names of the two axes; of a line, of the column and of what is learned.
    ranges : tuple of (float, float)
        Lowest and highest value of each axis on the map.
    origin : ndarray of shape (d,)
        Where plane coordinates are zero.
    directions : ndarray of shape (2, d) or (1, d)
        Steps in X for a step of one in each plane coordinate.
    reading : ndarray of shape (d, 2) or (d, 1)
        Its inverse on the plane: xy = (x - origin) · reading.
    words : str
        Where the plane lies; blank when there is only one.
    """

    kind: Literal["plane", "line"]
    axes: tuple[str, str]
    ranges: tuple[tuple[float, float], tuple[float, float]]
    origin: Array
    directions: Array
    reading: Array
    words: str

    def project(self, X: Array) -> Array:
        """Plane coordinates of points, (n, 2); on a line the second one is 0."""
        xy = (X - self.origin) @ self.reading
        return xy if self.kind == "plane" else np.column_stack([xy, np.zeros(len(xy))])

    def lift(self, xy: Array) -> Array:
        """The points of the plane with these coordinates, (n, d)."""
        xy = np.asarray(xy, np.float64).reshape(-1, 2)
        return np.asarray(self.origin + xy[:, : len(self.directions)] @ self.directions)

    def grid(self, side: int) -> Array:
        """Centres of the map's cells: (side * side, d) from the top row down, or (side, d)."""
        (x0, x1), (y0, y1) = self.ranges
        cells = (np.arange(side) + 0.5) / side
        x, y = x0 + cells * (x1 - x0), y1 - cells * (y1 - y0)
        if self.kind == "line":
            return self.lift(np.column_stack([x, np.zeros(side)]))
        return self.lift(np.column_stack([np.tile(x, side), np.repeat(y, side)]))


def view_for(settings: Settings, points: Points, train_rows: NDArray) -> View:
    """The plane that the settings choose.

    Parameters
    ----------
    settings : Settings
        ``axisX``, ``axisY``, ``plane``, ``slicePoint`` and ``columns`` are looked at.
    points : Points
        What is shown.
    train_rows : ndarray of int, shape (n_train,)
        Rows whose median, mean and spread place the plane.

    Returns
    -------
    View

    Raises
    ------
    InputError
        When the point to slice through does not exist.
    """
    if points.d == 1:
        return _line(points)
    if points.d == 2:
        return _slice(points, 0, 1, np.zeros(2), "")
    fed = fed_columns(points, settings, train_rows)
    train = points.X[train_rows] if len(train_rows) else points.X
    if not len(train):
        train = np.zeros((1, points.d))
    if settings.plane == "pca" and len(fed) > 2 and len(train) > 2:
        return _components(points, fed, train)
    a, b = _axes(settings, points, fed)
    others = sorted(set(fed) - {a, b})
    if settings.plane == "point":
        row = _row(settings, points)
        return _slice(points, a, b, points.X[row], _words(others, f"at point {row}"))
    return _slice(
        points, a, b, np.median(train, axis=0), _words(others, "at the median of training")
    )


def _words(others: list[int], where: str) -> str:
    if not others:
        return ""
    fed = (
        "the other column that is fed stands"
        if len(others) == 1
        else (f"the {len(others)} other columns that are fed stand")
    )
    return f"A slice: {fed} {where}; points beside it are seen through it."


def _axes(settings: Settings, points: Points, fed: tuple[int, ...]) -> tuple[int, int]:
    """Columns along the map: those chosen, else the first of the others, the fed ones before."""
    a, b = settings.axisX, settings.axisY
    free = [j for j in dict.fromkeys((*fed, *range(points.d))) if j not in (a, b)]
    if not 0 <= a < points.d:
        a = free.pop(0)
    if not 0 <= b < points.d or a == b:  # one column twice is a line, not a plane
        b = free.pop(0)
    return a, b


def _row(settings: Settings, points: Points) -> int:
    row = settings.slicePoint
    if row >= points.n:
        raise InputError(
            "E-ARGUMENT",
            f"slicePoint is {row}; expected a point from 0 to {points.n - 1} - was it deleted?",
        )
    return row


def _slice(points: Points, a: int, b: int, at: Array, words: str) -> View:
    """The plane along columns a and b through a point; plane coordinates are the columns' values."""
    directions = np.zeros((2, points.d))
    directions[0, a] = directions[1, b] = 1.0
    origin = np.array(at, np.float64)
    origin[[a, b]] = 0.0
    ranges = _range(points, points.X[:, a]), _range(points, points.X[:, b])
    names = points.axes[a], points.axes[b]
    return View("plane", names, ranges, origin, directions, directions.T, words)


def _components(points: Points, fed: tuple[int, ...], train: Array) -> View:
    """The plane of largest variance of the standardised columns that are fed; others at the median."""
    fed_train = train[:, fed]
    mean, spread = fed_train.mean(axis=0), fed_train.std(axis=0)
    spread = np.where(spread > 1e-12 * np.maximum(np.abs(mean), 1e-300), spread, 1.0)
    _, s, Vt = np.linalg.svd((fed_train - mean) / spread, full_matrices=False)
    V = Vt[:2]
    V = V * np.sign(V[[0, 1], np.argmax(np.abs(V), axis=1)])[:, np.newaxis]  # one sign, not either
    directions, reading = np.zeros((2, points.d)), np.zeros((points.d, 2))
    directions[:, fed] = V * spread
    reading[fed, :] = V.T / spread[:, np.newaxis]
    origin = np.median(train, axis=0)
    origin[list(fed)] = mean
    xy = (points.X - origin) @ reading
    share = np.square(s) / max(np.square(s).sum(), 1e-300)
    words = (
        f"The plane of the first two principal components of the {len(fed)} standardised columns: "
        f"it holds {100 * share[:2].sum():.0f} % of their variance over the training points; points "
        "are seen from straight above."
    )
    names = f"component 1 ({100 * share[0]:.0f} %)", f"component 2 ({100 * share[1]:.0f} %)"
    ranges = _around(xy[:, 0]), _around(xy[:, 1])
    return View("plane", names, ranges, origin, directions, reading, words)


def _line(points: Points) -> View:
    if points.kind == "regression":
        name, across = "target", _around(points.y)
    else:
        name, across = "class", (-1.2, 1.2)
    one = np.ones((1, 1))
    ranges = _range(points, points.X[:, 0]), across
    return View("line", (points.axes[0], name), ranges, np.zeros(1), one, one, "")


def _range(points: Points, values: Array) -> tuple[float, float]:
    return _around(values) if points.domain is None else (-points.domain, points.domain)


def _around(values: NDArray) -> tuple[float, float]:
    """The range of values with a margin; of equal ones, one to each side."""
    if not len(values):
        return -1.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low) or max(1.0, 0.1 * abs(low))
    return low - margin, high + margin
