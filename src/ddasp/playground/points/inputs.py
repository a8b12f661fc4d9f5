"""What the network is fed: inputs U made from the coordinates X of points.

With one or two columns the inputs are functions of them, chosen from `INPUTS`; with more they are
chosen columns themselves. Then each input may be standardised, with mean and standard deviation of the
*training* points only: what is tested must not help to choose the scale.

*Conventions*: X (n, d), U (n, n_in). An input is u = (f(x) - m) / s with m = 0, s = 1 unless
standardised. Where points have no domain of their own (own data, sounds), squares, products, sines and
cosines take each coordinate as z = (x - its training mean) / its training deviation: the sine of
1834 Hz says nothing. Keys are those of the address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp.playground.points.sound_features import suggested

if TYPE_CHECKING:
    from ddasp.playground.datasets import Points
    from ddasp.playground.settings import Settings

__all__ = [
    "INPUTS",
    "MAX_FED",
    "Input",
    "Inputs",
    "available",
    "fed_columns",
    "inputs_for",
    "name_of",
]

Array = NDArray[np.float64]

MAX_FED = 8  # columns at most: as many as a layer has units


@dataclass(frozen=True)
class Input:
    """One function of the coordinates.

    Parameters
    ----------
    columns : tuple of int
        Of which coordinates.
    of : callable
        Given them as arrays of shape (n,), the values.
    name : str
        Formula for a reader, with {0} and {1} for the coordinates' names.
    numpy : str
        The same as a line of Python in which x stands for the matrix of coordinates.
    """

    columns: tuple[int, ...]
    of: Callable[..., Array]
    name: str
    numpy: str

    @property
    def plain(self) -> bool:
        """Whether it is the coordinate itself."""
        return self.name == "{0}"


INPUTS: dict[str, Input] = {
    "x": Input((0,), lambda a: a, "{0}", "x[:, 0]"),
    "y": Input((1,), lambda b: b, "{0}", "x[:, 1]"),
    "xSquared": Input((0,), np.square, "{0}²", "x[:, 0] ** 2"),
    "ySquared": Input((1,), np.square, "{0}²", "x[:, 1] ** 2"),
    "xTimesY": Input((0, 1), np.multiply, "{0}{1}", "x[:, 0] * x[:, 1]"),
    "sinX": Input((0,), np.sin, "sin({0})", "np.sin(x[:, 0])"),
    "sinY": Input((1,), np.sin, "sin({0})", "np.sin(x[:, 1])"),
    "cosX": Input((0,), np.cos, "cos({0})", "np.cos(x[:, 0])"),
    "cosY": Input((1,), np.cos, "cos({0})", "np.cos(x[:, 1])"),
}
"""The functions for one or two columns, by their key in the address."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of a network and how they come from coordinates.

    Parameters
    ----------
    keys : tuple of str
        Of each input: a key of `INPUTS`, or ``column:`` and the column's number with more than two
        columns.
    names : tuple of str
        For the page.
    formulas : tuple of str
        Each with the numbers of its scaling.
    columns : tuple of int
        The columns of X that they depend on, ascending.
    origin, unit : ndarray of shape (d,)
        What functions other than the coordinate itself subtract and divide by first.
    mean, spread : ndarray of shape (n_in,)
        Of each input over the training points where standardised, else 0 and 1.
    """

    keys: tuple[str, ...]
    names: tuple[str, ...]
    formulas: tuple[str, ...]
    columns: tuple[int, ...]
    origin: Array
    unit: Array
    mean: Array
    spread: Array

    @property
    def n(self) -> int:
        """Number of inputs."""
        return len(self.keys)

    def of(self, X: Array) -> Array:
        """Inputs of some points.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Coordinates.

        Returns
        -------
        ndarray of shape (n, n_in)
        """
        return (_raw(self.keys, X, self.origin, self.unit) - self.mean) / self.spread


def _raw(keys: tuple[str, ...], X: Array, origin: Array, unit: Array) -> Array:
    """Values of the functions before standardising, (n, n_in)."""
    U = np.empty((len(X), len(keys)))
    for k, key in enumerate(keys):
        if key.startswith("column:"):
            U[:, k] = X[:, int(key[7:])]
            continue
        function = INPUTS[key]
        for_it = X if function.plain else (X - origin) / unit
        U[:, k] = function.of(*(for_it[:, c] for c in function.columns))
    return U


def available(points: Points) -> tuple[str, ...]:
    """Keys of the functions that these points have coordinates for; none with three columns or more.

    Examples
    --------
    >>> from ddasp.playground.datasets import make
    >>> available(make("stripes1d"))
    ('x', 'xSquared', 'sinX', 'cosX')
    """
    if points.d > 2:
        return ()
    return tuple(key for key, f in INPUTS.items() if max(f.columns) < points.d)


def fed_columns(points: Points, settings: Settings, train_rows: NDArray) -> tuple[int, ...]:
    """Which columns are fed when there are more than two.

    Parameters
    ----------
    points : Points
        With d columns.
    settings : Settings
        ``columns`` holds their numbers from 0. Those that these points don't have, left over from
        other data, are passed over. When none is left, sounds are fed two columns that part the
        classes of the training sounds, other points those that they suggest, else the first ones.
    train_rows : ndarray of int, shape (n_train,)
        Rows that the choice may look at: under another split it is made anew, or columns chosen with
        the help of sounds that are tested now would be a leak.

    Returns
    -------
    tuple of int
        One to eight, ascending.

    Examples
    --------
    >>> from ddasp.playground.settings import Settings
    >>> from types import SimpleNamespace
    >>> points, rows = SimpleNamespace(d=3, suggested=(), ids=None), np.arange(4)
    >>> fed_columns(points, Settings(columns=(2, 0)), rows)
    (0, 2)
    >>> fed_columns(points, Settings(columns=(9,)), rows)
    (0, 1, 2)
    """
    chosen = sorted({j for j in settings.columns if 0 <= j < points.d})[:MAX_FED]
    if chosen:
        return tuple(chosen)
    if points.ids is not None and len(train_rows):
        return suggested(points.X[train_rows], points.y[train_rows], points.kind)
    return points.suggested or tuple(range(min(points.d, MAX_FED)))


def inputs_for(settings: Settings, points: Points, train_rows: NDArray) -> Inputs:
    """The inputs that the settings choose, scaled by the training points.

    Parameters
    ----------
    settings : Settings
        The keys of `INPUTS`, ``columns`` and ``scale`` are looked at.
    points : Points
        What is learned from.
    train_rows : ndarray of int, shape (n_train,)
        Rows that scaling may look at.

    Returns
    -------
    Inputs

    Raises
    ------
    InputError
        When no input is chosen, or a standardised one does not vary over the training points.
    """
    fed: tuple[int, ...]
    if points.d > 2:
        fed = fed_columns(points, settings, train_rows)
        keys = tuple(f"column:{j}" for j in fed)
        names = tuple(points.axes[j] for j in fed)
    else:
        keys = tuple(key for key in available(points) if getattr(settings, key))
        fed = tuple(sorted({c for key in keys for c in INPUTS[key].columns}))
        names = tuple(name_of(key, points) for key in keys)
    if not keys:
        raise InputError(
            "E-ARGUMENT",
            "no input is chosen; expected one or more of "
            f"{', '.join(available(points))} - a network without inputs can only give one and the "
            "same answer everywhere",
        )
    X = points.X[train_rows]
    origin, unit = np.zeros(points.d), np.ones(points.d)
    if points.domain is None and len(X):
        origin, unit = _centre(X)
    mean, spread = np.zeros(len(keys)), np.ones(len(keys))
    if settings.scale == "standard" and len(X):
        mean, spread = _centre(_raw(keys, X, origin, unit))
    formulas = tuple(
        _formula(name, m, s, settings.scale == "standard")
        for name, m, s in zip(names, mean, spread, strict=True)
    )
    return Inputs(keys, names, formulas, fed, origin, unit, mean, spread)


def _centre(X: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of columns; one that does not vary keeps its unit."""
    mean, spread = X.mean(axis=0), X.std(axis=0)
    constant = spread <= 1e-12 * np.maximum(np.abs(mean), 1e-300)
    return mean, np.where(constant, 1.0, spread)


def name_of(key: str, points: Points) -> str:
    """What the page calls one of `INPUTS`, with the names of the points' columns.

    Examples
    --------
    >>> from ddasp.playground.datasets import make
    >>> name_of("xTimesY", make("circle"))
    'x₁x₂'
    """
    function = INPUTS[key]
    standing = [points.axes[c] for c in function.columns]
    if points.domain is not None or function.plain:
        return function.name.format(*standing)
    name = function.name.replace("}{", "} · {")
    return name.format(*(f"z({name})" for name in standing))


def _formula(name: str, mean: float, spread: float, standard: bool) -> str:
    if not standard:
        return name
    sign = "−" if mean >= 0 else "+"
    return f"({name} {sign} {abs(mean):.4g}) / {spread:.4g}"
