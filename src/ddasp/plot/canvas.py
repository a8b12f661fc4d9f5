"""The bare figure: the style of every picture, and the few gestures that all of them share.

*Conventions*: widths and heights are CSS pixels; Matplotlib's unit is the point, so a figure is
made at 72 points an inch and one point is one pixel. Text is measured with DejaVu Sans, which is
wider than the system fonts that will be seen, so nothing overlaps.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ddasp._errors import InputError
from ddasp.plot.tokens import TOKENS, colour

__all__ = [
    "RC",
    "axis_name",
    "columns",
    "decimals",
    "grid",
    "legend",
    "names_of",
    "new",
    "short",
    "style",
    "styled",
]

WIDTH: float = TOKENS["sizes"]["figure"]
SMALL: float = TOKENS["sizes"]["figure-small"]
MARK: float = TOKENS["sizes"]["mark"]

RC: dict[str, Any] = {
    "figure.dpi": 72,
    "savefig.dpi": 72,
    "savefig.transparent": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": TOKENS["sizes"]["figure-text"],
    "axes.labelsize": TOKENS["sizes"]["figure-text"],
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "text.color": colour("ink"),
    "axes.labelcolor": colour("ink"),
    "axes.edgecolor": colour("quiet"),
    "xtick.color": colour("quiet"),
    "ytick.color": colour("quiet"),
    "xtick.labelcolor": colour("ink"),
    "ytick.labelcolor": colour("ink"),
    "grid.color": colour("rule"),
    "axes.linewidth": 0.8,
    "grid.linewidth": 0.8,
    "lines.linewidth": TOKENS["sizes"]["line"],
    "lines.markersize": MARK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.parse_math": False,  # a label may hold a dollar sign
    "axes.formatter.use_mathtext": False,
    "axes.formatter.useoffset": False,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "ddasp",  # ids do not change from one run to the next
    "figure.constrained_layout.h_pad": 4 / 72,
    "figure.constrained_layout.w_pad": 4 / 72,
}

P = ParamSpec("P")
R = TypeVar("R")


def style() -> Any:
    """The style as a context: Matplotlib's defaults with `RC`, whatever the user's own are."""
    return matplotlib.style.context(["default", RC])


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a drawing function inside `style`."""

    @functools.wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with style():
            return draw(*args, **kwargs)

    return inside


def new(height: float, *, width: float = WIDTH, rows: int = 1, n: int = 1) -> tuple[Figure, Any]:
    """A figure [px] with ``rows`` by ``n`` axes; a single one comes bare, more as an array."""
    figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
    return figure, figure.subplots(rows, n)


def grid(axes: Any, axis: str = "both") -> None:
    """A light grid in one direction; the ticks it replaces lose their marks."""
    axes.grid(True, axis=axis)
    axes.tick_params(axis=axis, length=0)


def legend(figure: Figure, n: int, *, above: bool = False) -> None:
    """One legend for the figure, outside its axes, in as few rows as its width allows."""
    place = "upper" if above else "lower"
    n_columns = min(n, max(1, int(figure.get_figwidth() * 72 / 80)))
    n_columns = -(-n // -(-n // n_columns))  # rows of equal length
    named = {
        label: handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    # matplotlib fills column after column; people read row after row
    order = [label for k in range(n_columns) for label in list(named)[k::n_columns]]
    figure.legend(
        [named[label] for label in order],
        order,
        loc=f"outside {place} center",
        ncols=n_columns,
        frameon=False,
        fontsize=SMALL,
        handletextpad=0.3,
        columnspacing=1.1,
    )


def axis_name(quantity: str, unit: str = "") -> str:
    """Quantity and unit as a textbook writes them.

    Examples
    --------
    >>> axis_name("time", "s"), axis_name("accuracy")
    ('time / s', 'accuracy')
    """
    return f"{quantity} / {unit}" if unit else quantity


def short(text: object, length: int = 26) -> str:
    r"""A name that fits a figure: no control characters, one line, cut in the middle.

    Examples
    --------
    >>> short("a name\nof two lines"), short("recording_of_the_first_of_may_2021", 14)
    ('a name of two lines', 'recordi…y_2021')
    """
    clean = "".join(
        " " if c in "\n\r\t" else "�" if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co") else c
        for c in str(text)
    )
    if len(clean) <= length:
        return clean
    tail = (length - 1) // 2
    return clean[: length - 1 - tail] + "…" + clean[len(clean) - tail :]


def decimals(low: float, high: float, *, least: int = 0) -> int:
    """Digits after the point that an interval leaves known.

    One digit of the half-width, two where that begins with 1 or 2.

    Examples
    --------
    >>> decimals(0.76, 0.86), decimals(0.801, 0.815), decimals(120.0, 180.0)
    (2, 3, 0)
    """
    half = abs(high - low) / 2
    if not np.isfinite(half) or half == 0:
        return max(least, 2)
    return int(np.clip(np.ceil(-np.log10(half / 3) - 1e-9), least, 6))


def columns(**arrays: ArrayLike) -> tuple[NDArray[Any], ...]:
    """Arrays of one length, as float where they are numbers; None becomes NaN.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when lengths differ.
    """
    found = {name: np.asarray(values) for name, values in arrays.items()}
    found = {
        name: values.astype(np.float64) if values.dtype.kind in "iufbO" else values
        for name, values in found.items()
    }
    lengths = {name: values.shape for name, values in found.items()}
    if len({shape[:1] for shape in lengths.values()}) > 1:
        got = ", ".join(f"{name} {shape}" for name, shape in lengths.items())
        raise InputError("E-ARGUMENT", f"got {got}; expected one length for all")
    return tuple(found.values())


def names_of(names: Sequence[object], length: int = 26) -> list[str]:
    """`short` names for a row of labels."""
    return [short(name, length) for name in names]
