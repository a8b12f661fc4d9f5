"""Every case a point: what each one reached, and what each one cost.

*Conventions*: a cost and an error are drawn on logarithmic axes, for what counts is by which factor
they differ; values that such an axis can't hold (zero, negative, NaN) are left out. Errors far below
the lowest threshold stand at the lower end, with an arrow: how far says nothing any more. In a dot
plot the stack above a place is as high as cases are many there.

*References*: Wilkinson 1999, "Dot plots"; Cleveland 1985, "The elements of graphing data"
(logarithms, direct labels).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from ddasp._errors import InputError
from ddasp.plot.canvas import SMALL, columns, grid, legend, new, short, styled
from ddasp.plot.tokens import category, colour

__all__ = ["board", "dots"]

N_PLACES = 50  # of a dot plot
DOT = 6.5  # [px]
NAMED = 8  # points that can bear a label each
FAR = 1e-3  # of the lowest threshold: the lower end of the errors
DIGITS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@styled
def board(
    x: ArrayLike,
    y: ArrayLike,
    kinds: Sequence[str],
    *,
    names: tuple[str, str],
    thresholds: Sequence[tuple[str, float]] = (),
    order: Sequence[str] | None = None,
) -> Figure:
    """An error over its cost, one point a case, with the thresholds that are to be undercut.

    Parameters
    ----------
    x, y : array_like of shape (n_cases,)
        Cost and error; those that are not positive are left out.
    kinds : sequence of str
        Kind of each case, told by colour and shape and named in the legend.
    names : (str, str)
        Names of the axes, with their units.
    thresholds : sequence of (name, y)
        Horizontal lines.
    order : sequence of str, optional
        Order of the kinds; by default that of their first appearance.

    Returns
    -------
    matplotlib.figure.Figure
    """
    x, y = columns(x=x, y=y)
    if len(kinds) != len(x):
        raise InputError(
            "E-ARGUMENT", f"got {len(x)} points and {len(kinds)} kinds; expected one each"
        )
    seen = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    levels = [(name, at) for name, at in thresholds if np.isfinite(at) and at > 0]
    floor = FAR * min((at for _, at in levels), default=0.0)
    far = y < floor
    at_least = np.maximum(y, floor)
    met = [kind for kind in (order or dict.fromkeys(kinds)) if kind in set(kinds)]
    figure, axes = new(300)
    axes.set(xscale="log", yscale="log", xlabel=names[0], ylabel=names[1])
    _limits(axes, x[seen], np.append(at_least[seen], [at for _, at in levels]))
    grid(axes)
    for k, kind in enumerate(met):
        ink, marker = category(k)
        mine = seen & np.array([other == kind for other in kinds], bool)
        axes.plot(
            x[mine],
            at_least[mine],
            marker,
            color=ink,
            ms=7,
            mec=colour("ink"),
            mew=0.6,
            label=short(kind, 30),
        )
    for name, at in levels:
        _threshold(axes, name, at)
    if int(seen.sum()) <= NAMED:
        for a, b, is_far in zip(x[seen], at_least[seen], far[seen], strict=True):
            axes.annotate(
                f"{a:g} ↓" if is_far else f"{a:g}",
                (a, b),
                (7, 0),
                textcoords="offset points",
                va="center",
                size=SMALL,
            )
    if met:
        legend(figure, len(met), above=True)
    return figure


def _limits(axes: Any, x: NDArray[Any], y: NDArray[Any]) -> None:
    """A margin around all that is drawn, and ticks at 1, 2, 5 where powers of ten are few."""
    for axis, values, room in ((axes.xaxis, x, 1.35), (axes.yaxis, y, 1.6)):
        known = values if values.size else np.array([1.0, 10.0])
        low, high = float(known.min()) / room, float(known.max()) * room
        span = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
        steps = (1, 2, 5) if len(span) < 4 else (1,)
        ticks = [step * 10.0**n for n in span for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_ticks(ticks, [_tick(tick) for tick in ticks])
        (axes.set_xlim if axis is axes.xaxis else axes.set_ylim)(low, high)


def _tick(value: float) -> str:
    """A tick's number; powers of ten as such where they are small.

    Examples
    --------
    >>> _tick(0.02), _tick(1e-5)
    ('0.02', '10⁻⁵')
    """
    power = round(float(np.log10(value)))
    is_small = value < 1e-3 and np.isclose(value, 10.0**power)
    return "10" + str(power).translate(DIGITS) if is_small else f"{value:g}"


def _threshold(axes: Any, name: str, at: float) -> None:
    axes.axhline(at, color=colour("good"), lw=1.4, ls="--", zorder=0.9)
    axes.annotate(
        f"{short(name, 30)} {at:g}",
        (1, at),
        (0, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=colour("good"),
        size=SMALL,
    )


@styled
def dots(values: ArrayLike, *, quantity: str, limits: tuple[float, float]) -> Figure:
    """How a quantity is distributed: one dot a case, the quartiles below.

    Parameters
    ----------
    values : array_like of shape (n_cases,)
        Values in the unit of ``quantity``; infinite ones and NaN are left out.
    quantity : str
        Name of the axis, with its unit.
    limits : (float, float)
        The smallest and the largest value that there can be.

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    Dots that fall into one of 50 places stand above each other. The bar reaches from the first
    quartile to the third, the line across it is the median.
    """
    (x,) = columns(values=values)
    x = x[np.isfinite(x)]
    low, high = limits
    step = (high - low) / N_PLACES or 1.0
    place = np.clip(np.floor((x - low) / step), 0, N_PLACES - 1).astype(int)
    height = np.array([np.sum(place[:k] == at) for k, at in enumerate(place)])  # in its stack
    tallest = int(height.max(initial=0)) + 1
    figure, axes = new(np.clip(86 + 7.0 * tallest, 120, 260), width=560)
    axes.plot(low + (place + 0.5) * step, height + 0.5, "o", ms=DOT, color=colour("accent"), mew=0)
    below = 0.12 * max(tallest, 4) + 0.8
    if x.size:
        first, middle, third = np.quantile(x, [0.25, 0.5, 0.75])
        axes.plot(
            [first, third],
            [-below / 2] * 2,
            color=colour("ink"),
            lw=7,
            alpha=0.3,
            solid_capstyle="butt",
        )
        axes.plot([middle], [-below / 2], "|", color=colour("ink"), ms=13, mew=2)
    axes.set(
        xlim=(low - step, high + step),
        ylim=(-below, max(tallest, 4) + 0.3),
        yticks=[],
        xlabel=quantity,
    )
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(9, integer=True, steps=[1, 2, 5, 10]))
    return figure
