"""A measure over a condition: learning, robustness, search, calibration, residuals, distributions.

*Conventions*: x is what was varied, y what was measured, both named with their unit; the same
measure keeps the same limits side by side; intervals are bands or bars.

*References*: Niculescu-Mizil and Caruana 2005, "Predicting good probabilities" (reliability
diagrams); Guo et al. 2017, "On calibration of modern neural networks".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ddasp.plot.canvas import SMALL, WIDTH, axis_name, columns, grid, legend, new, short, styled
from ddasp.plot.tokens import category, colour

__all__ = [
    "agreement",
    "curve",
    "histogram",
    "learning_curve",
    "path",
    "reliability",
    "residuals",
    "robustness",
]


def _level(axes: Any, at: float | None, name: str, ink: str) -> None:
    """A horizontal line with its name beside its right end."""
    if at is None or not np.isfinite(at):
        return
    axes.axhline(at, color=ink, lw=1.2, ls="--", zorder=0.9)
    axes.text(
        1.01,
        at,
        f"{name}\n{at:.3g}".replace("-", "−"),
        transform=axes.get_yaxis_transform(),
        color=ink,
        size=SMALL,
        va="center",
        linespacing=1.1,
    )


@styled
def learning_curve(
    n_train: ArrayLike,
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    quantity: str,
    useful_from: float | None = None,
) -> Figure:
    """A measure over the number of training sounds.

    Parameters
    ----------
    n_train : array_like of shape (n_points,)
        Sounds trained on.
    values, low, high : array_like of shape (n_points,)
        The measure and its interval.
    quantity : str
        Name of the measure, with its unit.
    useful_from : float, optional
        The smallest value of use.

    Returns
    -------
    matplotlib.figure.Figure
    """
    n, values, low, high = columns(n_train=n_train, values=values, low=low, high=high)
    figure, axes = new(240)
    grid(axes, "y")
    axes.vlines(n, low, high, color=colour("test"), lw=1.6)
    axes.plot(n, values, "o-", color=colour("test"))
    _level(axes, useful_from, "useful from", colour("good"))
    axes.set(xlabel="sounds trained on", ylabel=quantity, xlim=(0, n.max() * 1.06))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


@styled
def robustness(
    conditions: Mapping[str, Mapping[str, Sequence[Any]]],
    *,
    quantity: str,
    reference: float | None = None,
    width: float = 2 * WIDTH,
) -> Figure:
    """Small multiples, one a condition, all on the same scale of the measure.

    Parameters
    ----------
    conditions : mapping of str to mapping
        For each condition the sequences ``amount`` (shown as they are), ``value``, ``low``,
        ``high``, all of one length, and ``unit``.
    quantity : str
        Name of the measure, with its unit.
    reference : float, optional
        The measure on the sounds as they are.
    width : float
        Width [px].

    Returns
    -------
    matplotlib.figure.Figure
    """
    n = len(conditions)
    per_row = max(1, min(n, int(width // 220)))
    rows = -(-n // per_row)
    figure, axes = new(205 * rows, width=width, rows=rows, n=per_row)
    flat = np.atleast_1d(axes).ravel()
    for ax, (name, found) in zip(flat, conditions.items(), strict=False):
        value, low, high = columns(value=found["value"], low=found["low"], high=found["high"])
        at = np.arange(len(value))
        grid(ax, "y")
        ax.vlines(at, low, high, color=colour("test"), lw=1.6)
        ax.plot(at, value, "o-", color=colour("test"))
        if reference is not None and np.isfinite(reference):
            ax.axhline(reference, color=colour("quiet"), lw=1.2, ls="--", zorder=0.9)
        ax.set_xticks(at, [_amount(amount) for amount in found["amount"]])
        ax.set_xlim(-0.4, len(at) - 0.6)
        ax.set_xlabel(axis_name(short(name), str(found["unit"])))
    _same_limits(flat[:n], reference)
    for row in range(rows):
        flat[row * per_row].set_ylabel(quantity)
    for ax in flat[n:]:
        ax.remove()
    return figure


def _amount(amount: Any) -> str:
    if isinstance(amount, (int, float)):
        text = f"{amount / 1000:g}k" if abs(amount) >= 1000 else f"{amount:g}"
        return text.replace("-", "−")
    return short(amount, 10)


def _same_limits(axes: Any, reference: float | None) -> None:
    ends = np.array([ax.get_ylim() for ax in axes])
    low, high = ends[:, 0].min(), ends[:, 1].max()
    if reference is not None and np.isfinite(reference):
        low, high = min(low, reference), max(high, reference)
    for ax in axes:
        ax.set_ylim(low, high)


@styled
def path(
    number: ArrayLike,
    values: ArrayLike,
    errors: ArrayLike,
    *,
    stages: Sequence[object],
    quantity: str,
    chosen: float | None = None,
    greater_is_better: bool = True,
    width: float = WIDTH,
) -> Figure:
    """The path of a search: every configuration tried, the best so far, and what was chosen.

    Parameters
    ----------
    number : array_like of shape (n_trials,)
        Order of the trials.
    values, errors : array_like of shape (n_trials,)
        Score and standard error.
    stages : sequence of str
        The stage of each trial: colour and shape.
    quantity : str
        Name of the measure, with its unit.
    chosen : float, optional
        Score of the chosen configuration, as a line.
    greater_is_better : bool
        Which way is up.
    width : float
        Width [px].

    Returns
    -------
    matplotlib.figure.Figure
    """
    number, values, errors = columns(number=number, values=values, errors=errors)
    figure, axes = new(270, width=width)
    grid(axes, "y")
    order = list(dict.fromkeys(stages))
    for k, stage in enumerate(order):
        ink, marker = category(k)
        mine = np.array([s == stage for s in stages])
        axes.errorbar(
            number[mine],
            values[mine],
            errors[mine],
            fmt=marker,
            color=ink,
            ms=4.5,
            elinewidth=0.8,
            label=short(stage),
            alpha=0.85,
        )
    best = np.fmax if greater_is_better else np.fmin
    axes.step(number, best.accumulate(values), where="post", color=colour("ink"), lw=1.4)
    axes.annotate(
        "best so far",
        (number[-1], best.reduce(values)),
        (0, 5),
        textcoords="offset points",
        ha="right",
        size=SMALL,
    )
    _level(axes, chosen, "chosen", colour("quiet"))
    axes.set(xlabel="configuration", ylabel=quantity)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if len(order) > 1:
        legend(figure, len(order))
    return figure


@styled
def reliability(
    confidence: ArrayLike,
    accuracy: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    n: ArrayLike,
    *,
    before: tuple[ArrayLike, ArrayLike] | None = None,
) -> Figure:
    """Reliability diagram: the share that was right over the probability that was said.

    Parameters
    ----------
    confidence, accuracy : array_like of shape (n_bins,)
        Mean probability of the decisions in a bin, and the share of them that was right.
    low, high : array_like of shape (n_bins,)
        Interval of the accuracy.
    n : array_like of shape (n_bins,)
        Decisions in a bin: the height of the bars at the bottom, the tallest 0.18.
    before : (confidence, accuracy), optional
        The same before calibration, drawn hollow.

    Returns
    -------
    matplotlib.figure.Figure
    """
    confidence, accuracy, low, high, n = columns(
        confidence=confidence, accuracy=accuracy, low=low, high=high, n=n
    )
    some = n > 0
    figure, axes = new(300)
    grid(axes)
    axes.plot([0, 1], [0, 1], color=colour("quiet"), lw=1.2, ls="--")
    axes.bar(confidence[some], 0.18 * n[some] / n.max(), 0.03, color=colour("heat"), alpha=0.8)
    if before is not None:
        x, y = columns(confidence=before[0], accuracy=before[1])
        axes.plot(x, y, "s", color=colour("quiet"), mfc="none", label="before calibration")
    axes.vlines(confidence[some], low[some], high[some], color=colour("test"), lw=1.6)
    axes.plot(confidence[some], accuracy[some], "o", color=colour("test"), label="calibrated")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="probability of the decision")
    axes.set_ylabel("share that was right")
    if before is not None:
        legend(figure, 2, above=True)
    return figure


@styled
def curve(
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_name: str,
    y_name: str,
    chosen: tuple[str, float] | None = None,
) -> Figure:
    """One quantity over another, with one x marked as chosen.

    Parameters
    ----------
    x, y : array_like of shape (n_points,)
        The curve.
    x_name, y_name : str
        Names of the axes, with their units.
    chosen : (name, x), optional
        A vertical line and its name.

    Returns
    -------
    matplotlib.figure.Figure
    """
    x, y = columns(x=x, y=y)
    figure, axes = new(240)
    grid(axes, "y")
    axes.plot(x, y, color=colour("test"))
    if chosen is not None and chosen[1] is not None:
        axes.axvline(chosen[1], color=colour("ink"), lw=1.2, ls="--")
        axes.plot([chosen[1]], [np.interp(chosen[1], x, y)], "o", color=colour("ink"))
        right = chosen[1] > 0.6 * x.max() + 0.4 * x.min()
        axes.annotate(
            f"{chosen[0]} {chosen[1]:.3g}",
            (chosen[1], 0.96),
            (-5 if right else 5, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            size=SMALL,
            ha="right" if right else "left",
            va="top",
        )
    axes.set(xlabel=x_name, ylabel=y_name)
    return figure


@styled
def agreement(
    target: ArrayLike, predicted: ArrayLike, *, quantity: str, half_width: float | None = None
) -> Figure:
    """Predicted over true value, with the line of agreement and the width of an interval.

    Parameters
    ----------
    target, predicted : array_like of shape (n_observations,)
        True and predicted values, in the unit of ``quantity``.
    quantity : str
        Name of both, with its unit.
    half_width : float, optional
        Half-width of the interval of a prediction.

    Returns
    -------
    matplotlib.figure.Figure
    """
    target, predicted = columns(target=target, predicted=predicted)
    ends = np.array([min(target.min(), predicted.min()), max(target.max(), predicted.max())])
    figure, axes = new(320)
    grid(axes)
    axes.plot(ends, ends, color=colour("quiet"), lw=1.2, ls="--")
    if half_width is not None and np.isfinite(half_width):
        axes.fill_between(
            ends, ends - half_width, ends + half_width, color=colour("heat"), alpha=0.25, lw=0
        )
    axes.plot(target, predicted, "o", color=colour("test"), ms=4.5, alpha=0.75, mew=0)
    axes.set(xlabel=f"true {quantity}", ylabel=f"predicted {quantity}")
    return figure


@styled
def residuals(
    predicted: ArrayLike, residual: ArrayLike, *, quantity: str, half_width: float | None = None
) -> Figure:
    """Residual over prediction, to see whether the error is the same everywhere.

    Parameters
    ----------
    predicted, residual : array_like of shape (n_observations,)
        Predicted value, and predicted minus true, in the unit of ``quantity``.
    quantity : str
        Name of both, with its unit.
    half_width : float, optional
        Half-width of the interval of a prediction.

    Returns
    -------
    matplotlib.figure.Figure
    """
    predicted, residual = columns(predicted=predicted, residual=residual)
    figure, axes = new(320)
    grid(axes)
    axes.axhline(0, color=colour("quiet"), lw=1.2, ls="--")
    if half_width is not None and np.isfinite(half_width):
        axes.axhspan(-half_width, half_width, color=colour("heat"), alpha=0.25, lw=0)
    axes.plot(predicted, residual, "o", color=colour("test"), ms=4.5, alpha=0.75, mew=0)
    reach = 1.1 * max(np.abs(residual).max(), half_width or 0.0)
    axes.set(xlabel=f"predicted {quantity}", ylabel="predicted − true", ylim=(-reach, reach))
    return figure


@styled
def histogram(values: ArrayLike, *, quantity: str, count: str = "sounds") -> Figure:
    """How a quantity is distributed.

    Parameters
    ----------
    values : array_like of shape (n_values,)
        Values in the unit of ``quantity``; infinite ones and NaN are left out.
    quantity : str
        Name of the axis, with its unit.
    count : str
        What is counted.

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    Bins by the wider of Sturges' and Freedman and Diaconis' rules, at most 40.
    """
    (x,) = columns(values=values)
    x = x[np.isfinite(x)]
    figure, axes = new(190)
    grid(axes, "y")
    if x.size:
        n_bins = min(len(np.histogram_bin_edges(x, "auto")) - 1, 40)
        low, high, middle = x.min(), x.max(), float(np.median(x))
        if high - low <= 1e-6 * abs(high):  # all alike: one bar around the value
            reach = 0.1 * abs(high) or 0.1
            axes.bar(middle, x.size, 0.2 * reach, color=colour("heat"))
            axes.set_xlim(middle - reach, middle + reach)
        else:
            axes.hist(x, n_bins, color=colour("heat"), ec=colour("surface"), lw=0.8)
        axes.axvline(middle, color=colour("ink"), lw=1.4)
        axes.text(
            middle,
            1.02,
            f"median {middle:.3g}".replace("-", "−"),
            size=SMALL,
            ha="center",
            transform=axes.get_xaxis_transform(),
        )
    axes.set(xlabel=quantity, ylabel=count)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    return figure
