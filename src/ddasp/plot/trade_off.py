"""Recall over false alarms: what a detector finds, and what it costs.

*Conventions*: false alarms per hour on a logarithmic axis, on which a rate of zero stands at the
left end under the tick "0", apart from the others; recall from 0 to 1, or from 0.5 where all
intervals lie above it. The line is a staircase, for between two settings the stricter one is what
can be had.

*References*: Egan 1975, "Signal detection theory and ROC analysis"; Bilen et al. 2020, "A
framework for the robust evaluation of sound event detection" (true positives over false positives
per hour).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from ddasp.plot.canvas import SMALL, columns, grid, legend, new, styled
from ddasp.plot.tokens import colour

__all__ = ["Mark", "trade_off"]

ASIDE = 3.0  # the tick "0" stands at the smallest rate over this


@dataclass(frozen=True)
class Mark:
    """One measured point with its intervals.

    Attributes
    ----------
    name : str
        As the legend calls it.
    rate, recall : (float, float, float)
        Value, low and high.
    """

    name: str
    rate: tuple[float, float, float]
    recall: tuple[float, float, float]


@styled
def trade_off(
    rate: ArrayLike,
    recall: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    budget: float,
    marks: Sequence[Mark] = (),
) -> Figure:
    """The best settings: share of events found over false alarms per hour.

    Parameters
    ----------
    rate : array_like of shape (n_points,)
        False alarms per hour, ascending.
    recall, low, high : array_like of shape (n_points,)
        Share of the events found and its interval.
    budget : float
        False alarms per hour that are allowed, as a line.
    marks : sequence of Mark
        Points of interest with both intervals; the first filled, the others hollow.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rate, recall, low, high = columns(rate=rate, recall=recall, low=low, high=high)
    bounds = [x for mark in marks for x in mark.rate]
    known = np.array([x for x in [*rate, *bounds, budget] if np.isfinite(x) and x > 0])
    zero, most = float(known.min()) / ASIDE, float(known.max()) * 1.6
    figure, axes = new(290)
    grid(axes)
    at = np.maximum(rate, zero)
    ends = np.append(at, most), np.append(recall, recall[-1])
    axes.step(*ends, where="post", color=colour("test"), label="best settings")
    band = np.append(low, low[-1]), np.append(high, high[-1])
    axes.fill_between(ends[0], *band, step="post", color=colour("test"), alpha=0.18, lw=0)
    axes.plot(at, recall, "o", color=colour("test"), ms=3.5)
    axes.axvline(budget, color=colour("good"), lw=1.6, ls="--", zorder=0.9)
    for k, mark in enumerate(marks):
        _draw(axes, mark, zero, is_filled=k == 0)
    axes.set_xscale("log")
    least = min([*low, *(mark.recall[1] for mark in marks)])
    axes.set(xlim=(zero / 1.5, most), ylim=(0.5 if least > 0.52 else 0.0, 1.02))
    axes.set(xlabel="false alarms / hour", ylabel="recall (share of events found)")
    _name_budget(axes, budget, kept=recall[max(int(np.sum(rate <= budget)) - 1, 0)])
    _ticks(axes, known, zero)
    legend(figure, 1 + len(marks), above=True)
    return figure


def _draw(axes: Any, mark: Mark, zero: float, *, is_filled: bool) -> None:
    ink, shape = (colour("ink"), "D") if is_filled else (colour("train"), "s")
    x, low, high = (max(value, zero) for value in mark.rate)
    y, bottom, top = mark.recall
    axes.plot([low, high], [y, y], "|-", color=ink, lw=1.6, ms=9)
    axes.plot([x, x], [bottom, top], "_-", color=ink, lw=1.6, ms=9)
    fill = ink if is_filled else "none"
    axes.plot([x], [y], shape, color=ink, mfc=fill, ms=8, label=mark.name, zorder=3)


def _name_budget(axes: Any, budget: float, *, kept: float) -> None:
    """The name of the line, where there is room beside it."""
    left = axes.transLimits.transform((np.log10(budget), 0.0))[0] > 0.7
    low = kept > np.mean(axes.get_ylim())
    axes.annotate(
        f"budget {budget:g}",
        (budget, 0.02 if low else 0.98),
        (-5 if left else 5, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if left else "left",
        va="bottom" if low else "top",
        color=colour("good"),
        size=SMALL,
    )


def _ticks(axes: Any, known: NDArray[Any], zero: float) -> None:
    """Powers of ten, with 1, 2, 5 between them where they are few, and the zero aside."""
    span = range(int(np.floor(np.log10(known.min()))), int(np.ceil(np.log10(known.max()))) + 1)
    steps = (1, 2, 5) if len(span) < 4 else (1,)
    places = [step * 10.0**n for n in span for step in steps]
    places = [x for x in places if 1.5 * zero < x <= axes.get_xlim()[1]]
    axes.xaxis.set_major_locator(FixedLocator([zero, *places]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks([zero, *places], ["0", *(f"{x:g}" for x in places)])
