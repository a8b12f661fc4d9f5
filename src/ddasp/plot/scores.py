"""Estimates and their intervals: points on a line, bars, and matrices of numbers.

*Conventions*: rows are drawn in the order given, the first on top; ``low`` and ``high`` bound an
interval and may be NaN where there is none; a matrix is shaded by one hue, from nothing at its
lower limit to full at its upper one, so that the number in the cell stays readable.

*References*: Cleveland and McGill 1984, "Graphical perception" (position before length before
colour).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from ddasp._errors import InputError
from ddasp.plot.canvas import (
    SMALL,
    WIDTH,
    columns,
    decimals,
    grid,
    legend,
    names_of,
    new,
    short,
    styled,
)
from ddasp.plot.tokens import category, colour

__all__ = ["bars", "confusion", "forest", "line_of_use", "matrix"]


def number(value: float, digits: int = 2) -> str:
    """A value with a true minus sign.

    Examples
    --------
    >>> number(-3.0), number(0.8123, 3)
    ('−3.00', '0.812')
    """
    return f"{value:.{digits}f}".replace("-", "−")


def known_digits(values: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> int:
    """Decimals that suit a column of estimates: what their intervals leave known, typically.

    Examples
    --------
    >>> known_digits(np.array([0.8, 0.6]), np.array([0.75, 0.5]), np.array([0.85, 0.7]))
    2
    """
    least = 2 if np.nanmax(np.abs(values), initial=0) < 10 else 0
    found = [decimals(a, b, least=least) for a, b in zip(low, high, strict=True) if b > a]
    return int(np.median(found)) if found else least


@styled
def line_of_use(
    value: float,
    low: float,
    high: float,
    *,
    quantity: str,
    useful_from: float | None = None,
    references: Sequence[tuple[str, float]] = (),
    limits: tuple[float, float] | None = None,
    greater_is_better: bool = True,
) -> Figure:
    """One estimate with its interval on one line, against the value from which it is of use.

    Parameters
    ----------
    value, low, high : float
        The estimate and its interval.
    quantity : str
        Name of the axis, with its unit.
    useful_from : float or None
        The smallest value of use (the largest, where less is better).
    references : sequence of (name, value)
        Marks below the line, such as chance.
    limits : (float, float) or None
        Ends of the axis; None leaves a margin around all marks.
    greater_is_better : bool
        On which side of ``useful_from`` the region of use lies.

    Returns
    -------
    matplotlib.figure.Figure
    """
    marks = [value, low, high, *(v for _, v in references)]
    marks += [] if useful_from is None else [useful_from]
    known = np.array([m for m in marks if m is not None and np.isfinite(m)])
    if limits is None:
        margin = 0.08 * (np.ptp(known) or abs(float(known[0])) or 1.0)
        limits = (float(known.min() - margin), float(known.max() + margin))
    figure, axes = new(128)
    axes.set(xlim=limits, ylim=(-1.05, 1.25), yticks=[], xlabel=quantity)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    if useful_from is not None:
        edge = limits[1] if greater_is_better else limits[0]
        axes.axvspan(
            useful_from, edge, ymin=0.02, ymax=0.74, color=colour("good"), alpha=0.14, lw=0
        )
        axes.plot([useful_from] * 2, [-1.05, 0.75], color=colour("good"), lw=2)
        _inside(axes, useful_from, 0.86, f"useful from {useful_from:g}", colour("good"), limits)
    for name, at, side in _aside(references, limits):
        axes.plot([at] * 2, [-1.05, -0.62], color=colour("quiet"), lw=1.4)
        _inside(axes, at, -0.55, short(name), colour("quiet"), limits, side=side)
    axes.plot([low, high], [0, 0], color=colour("ink"), lw=7, alpha=0.3, solid_capstyle="butt")
    axes.plot([low, high], [0, 0], color=colour("ink"), lw=1.6, marker="|", ms=13)
    axes.plot([value], [0], "o", ms=10, color=colour("ink"))
    digits = decimals(low, high, least=2 if abs(value) < 10 else 0)
    aside = "center"
    if useful_from is not None and abs(value - useful_from) < 0.06 * (limits[1] - limits[0]):
        aside = "left" if value >= useful_from else "right"  # off the line of use
    axes.text(value, 0.27, number(value, digits), ha=aside, va="bottom", weight="bold", size=14)
    return figure


def _aside(
    marks: Sequence[tuple[str, float]], limits: tuple[float, float]
) -> list[tuple[str, float, str]]:
    """Marks from left to right; of neighbours too near for two labels, one looks each way."""
    marks = sorted(marks, key=lambda mark: mark[1])
    sides = ["center"] * len(marks)
    for k in range(len(marks) - 1):
        (left, a), (right, b) = marks[k : k + 2]
        room = (b - a) / ((limits[1] - limits[0]) or 1.0) * WIDTH
        if room < 3.5 * (len(left) + len(right)) + 8:
            sides[k : k + 2] = ["right", "left"]
    return [(name, at, side) for (name, at), side in zip(marks, sides, strict=True)]


def _inside(
    axes: Any,
    x: float,
    y: float,
    text: str,
    ink: str,
    limits: tuple[float, float],
    *,
    side: str = "center",
) -> None:
    """A label at x that does not leave the axis."""
    share = (x - limits[0]) / ((limits[1] - limits[0]) or 1.0)
    if side == "center":
        side = "left" if share < 0.15 else "right" if share > 0.85 else "center"
    text = {"left": " " + text, "right": text + " "}.get(side, text)
    axes.text(x, y, text, ha=side, va="bottom", color=ink, size=SMALL)


@styled
def forest(
    names: Sequence[object],
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    quantity: str,
    kinds: Sequence[str] | None = None,
    order: Sequence[str] | None = None,
    reference: tuple[str, float] | None = None,
    useful_from: float | None = None,
    width: float = WIDTH,
) -> Figure:
    """One row an estimate: a point, its interval, and its number in the margin.

    Parameters
    ----------
    names : sequence of str
        One name a row, the first on top.
    values, low, high : array_like of shape (n_rows,)
        Estimates and intervals, in the unit of ``quantity``; NaN draws nothing.
    quantity : str
        Name of the axis, with its unit.
    kinds : sequence of str, optional
        A kind for each row; kinds are told by colour and shape, and named below the axis.
    order : sequence of str, optional
        Order of the kinds, so that one kind looks the same in all figures; by default that of
        their first appearance.
    reference : (name, value), optional
        A line through all rows, such as the overall value.
    useful_from : float, optional
        A line at the smallest value of use.
    width : float
        Width [px].

    Returns
    -------
    matplotlib.figure.Figure
    """
    values, low, high = columns(values=values, low=low, high=high)
    rows = np.arange(len(values))
    met = list(dict.fromkeys(kinds)) if kinds is not None else [""]
    order = met if order is None else list(order)
    digits = known_digits(values, low, high)
    figure, axes = new(58 + 20 * len(rows) + 18 * (len(met) > 1) + 14, width=width)
    grid(axes, "x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for kind in sorted(met, key=order.index):
        ink, marker = category(order.index(kind))
        mine = [r for r in range(len(rows)) if kinds is None or kinds[r] == kind]
        axes.hlines(mine, low[mine], high[mine], color=colour("quiet"), lw=1.8)
        axes.plot(
            values[mine],
            mine,
            marker,
            color=ink,
            ls="none",
            label=short(kind),
            ms=7.5,
            mec=colour("ink"),
            mew=0.6,
        )
    _line(axes, useful_from, "useful from", colour("good"), "-")
    _line(axes, reference and reference[1], reference and reference[0], colour("quiet"), "--")
    axes.set(yticks=rows, ylim=(len(rows) - 0.4, -0.6), xlabel=quantity)
    axes.set_yticklabels(names_of(names))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    for row, value in zip(rows, values, strict=True):
        if np.isfinite(value):
            text = number(value, digits)
            axes.text(
                1.015, row, text, transform=axes.get_yaxis_transform(), va="center", size=SMALL
            )
    if len(met) > 1:
        legend(figure, len(met))
    return figure


def _line(axes: Any, at: float | None, name: str | None, ink: str, dashes: str) -> None:
    if at is None or not np.isfinite(at):
        return
    axes.axvline(at, color=ink, lw=1.4, ls=dashes, zorder=0.9)
    axes.text(
        at,
        1.0,
        f"{name} {at:.3g}".replace("-", "−"),
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="bottom",
        color=ink,
        size=SMALL,
    )


@styled
def bars(
    names: Sequence[object],
    values: ArrayLike,
    *,
    quantity: str,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    width: float = WIDTH,
) -> Figure:
    """Horizontal bars from zero, with intervals where they are given.

    Parameters
    ----------
    names : sequence of str
        One name a bar, the first on top.
    values : array_like of shape (n_bars,)
        Lengths, in the unit of ``quantity``.
    quantity : str
        Name of the axis, with its unit.
    low, high : array_like of shape (n_bars,), optional
        Intervals.
    width : float
        Width [px].

    Returns
    -------
    matplotlib.figure.Figure
    """
    (values,) = columns(values=values)
    rows = np.arange(len(values))
    figure, axes = new(46 + 20 * len(rows), width=width)
    grid(axes, "x")
    axes.barh(rows, values, height=0.66, color=colour("heat"))
    if low is not None and high is not None:
        low, high = columns(low=low, high=high)
        axes.hlines(rows, low, high, color=colour("ink"), lw=1.6)
    axes.set(yticks=rows, ylim=(len(rows) - 0.4, -0.6), xlabel=quantity)
    axes.set_yticklabels(names_of(names))
    axes.tick_params(axis="y", length=0)
    for row, value in zip(rows, values, strict=True):
        text = f"{value:g}".replace("-", "−")
        axes.text(1.015, row, text, transform=axes.get_yaxis_transform(), va="center", size=SMALL)
    return figure


@styled
def matrix(
    values: ArrayLike,
    rows: Sequence[object],
    columns: Sequence[object],
    *,
    row_name: str,
    column_name: str,
    texts: Sequence[Sequence[str]] | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Numbers in cells, shaded by their size.

    Parameters
    ----------
    values : array_like of shape (n_rows, n_columns)
        What shades the cells; NaN leaves a cell empty.
    rows, columns : sequence of str
        Names, from the top and from the left.
    row_name, column_name : str
        Names of the two axes.
    texts : sequence of sequences of str, optional
        What stands in the cells, up to two lines; by default the values with two decimals.
    limits : (float, float), optional
        Values of no and of full shade; by default the smallest and the largest.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the names do not fit the values.
    """
    z = np.asarray(values, dtype=np.float64)
    if z.shape != (len(rows), len(columns)):
        raise InputError(
            "E-ARGUMENT",
            f"values has shape {z.shape}; expected ({len(rows)}, {len(columns)}), one row and "
            "column for each name",
        )
    cell, tall = _cell(z.shape[1])
    longest = max((len(short(name, 18)) for name in columns), default=0)
    slanted = longest * 6 > cell
    head = 30 + (longest * 5.5 if slanted else 16)
    side = 40 + 7 * max((len(short(name, 18)) for name in rows), default=0)
    figure, axes = new(head + tall * z.shape[0], width=max(side + cell * z.shape[1], 240))
    for (i, j), share in np.ndenumerate(_shares(z, limits)):
        if np.isfinite(share) and share > 0.004:
            axes.add_patch(Rectangle((j, i), 1, 1, color=colour("heat"), alpha=share, lw=0))
    _cell_texts(axes, z, texts, cell)
    axes.set(xlim=(0, z.shape[1]), ylim=(z.shape[0], 0))
    axes.set_xlabel(column_name, labelpad=6)
    axes.set_ylabel(row_name, labelpad=8)
    axes.set_xticks(np.arange(z.shape[1]) + 0.5, names_of(columns, 18), ha="center")
    axes.set_yticks(np.arange(z.shape[0]) + 0.5, names_of(rows, 18))
    axes.xaxis.set_label_position("top")
    axes.xaxis.tick_top()
    if slanted:
        axes.tick_params(axis="x", rotation=50)
        for label in axes.get_xticklabels():
            label.set_ha("left")
            label.set_rotation_mode("anchor")
    axes.tick_params(length=0)
    axes.hlines(np.arange(z.shape[0] + 1), 0, z.shape[1], color=colour("rule"), lw=0.8)
    axes.vlines(np.arange(z.shape[1] + 1), 0, z.shape[0], color=colour("rule"), lw=0.8)
    axes.spines[:].set_visible(False)
    return figure


def _cell(n: int) -> tuple[float, float]:
    """Width and height of a cell [px] that n columns leave room for."""
    width = float(np.clip(330 / n, 13 if n > 24 else 36, 74))
    return width, min(width, 34.0)


def _shares(z: NDArray[np.float64], limits: tuple[float, float] | None) -> NDArray[np.float64]:
    known = z[np.isfinite(z)]
    low, high = limits or ((known.min(), known.max()) if known.size else (0.0, 1.0))
    return np.clip((z - low) / ((high - low) or 1.0), 0, 1)


def _cell_texts(
    axes: Any, z: NDArray[np.float64], texts: Sequence[Sequence[str]] | None, cell: float
) -> None:
    if cell < 24:
        return
    for (i, j), value in np.ndenumerate(z):
        if not np.isfinite(value):
            continue
        text = number(value) if texts is None else texts[i][j]
        axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", size=SMALL - (cell < 46))


@styled
def confusion(counts: ArrayLike, labels: Sequence[object]) -> Figure:
    """Confusion matrix: counts, shaded by the share of their row, with the share in per cent.

    Parameters
    ----------
    counts : array_like of shape (n_labels, n_labels)
        Row: what it is; column: what was decided.
    labels : sequence of str
        The names of rows and columns.

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    A row's share c_ij / sum_j c_ij is the recall on the diagonal.
    """
    c = np.asarray(counts, dtype=np.float64)
    shares = c / np.maximum(c.sum(axis=-1, keepdims=True), 1)
    wide = _cell(len(labels))[0] >= 46
    texts = [
        [_count(int(n), s, wide) for n, s in zip(*row, strict=True)]
        for row in zip(c, shares, strict=True)
    ]
    return matrix(
        shares, labels, labels, row_name="is", column_name="decided", texts=texts, limits=(0, 1)
    )


def _count(n: int, share: float, wide: bool) -> str:
    """Empty cells stay empty: the eye looks for what is there."""
    if n == 0:
        return "" if not wide else "·"
    return f"{n}\n{100 * share:.0f} %" if wide else f"{n}"
