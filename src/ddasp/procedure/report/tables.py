"""Numbers as text, and tables of them.

*Conventions*: a number has the digits that its interval leaves known, the same in all rows of a
column so that the points align; the minus sign is a minus sign; thousands stand apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddasp.plot.canvas import decimals

__all__ = [
    "Cell",
    "Table",
    "count",
    "count_cell",
    "digits_for",
    "digits_of",
    "estimate",
    "interval",
    "known",
    "number",
    "params",
    "power",
    "scaled",
    "seconds",
    "time_cell",
    "value_cell",
]

NONE = "–"


@dataclass(frozen=True)
class Cell:
    """One cell: its text, what it sorts by, a mark before it, a player's key."""

    text: str
    sort: float | str | None = None
    mark: str = ""
    play: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """A table for the page.

    Attributes
    ----------
    columns : sequence of (title, kind)
        Kind "n" for numbers, "t" for text, "c" for code.
    rows : list of list of Cell
        One cell for each column.
    note : str
        A sentence below it.
    label : str
        Its name for those who don't see it.
    """

    label: str
    columns: Sequence[tuple[str, str]]
    rows: list[list[Cell]] = field(default_factory=list)
    note: str = ""

    @property
    def sortable(self) -> bool:
        """Long enough for it to be of use."""
        return len(self.rows) > 7


def value_cell(value: Any, digits: int = 3, *, mark: str = "") -> Cell:
    """A number with its digits; it sorts by its value."""
    return Cell(number(value, digits), float(value) if known(value) else None, mark)


def count_cell(value: Any) -> Cell:
    """A whole number."""
    return value_cell(value, 0)


def time_cell(value: Any) -> Cell:
    """A time [s] in a unit that fits."""
    return Cell(seconds(value), float(value) if known(value) else None)


def known(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, (int, float, np.number)) and math.isfinite(float(value))


def number(value: Any, digits: int = 2) -> str:
    """A number with a fixed count of decimals.

    Examples
    --------
    >>> number(-0.1234), number(None), number(12345.6, 0)
    ('−0.12', '–', '12\u202f346')
    """
    if not known(value):
        return NONE if value is None or value != value else str(value).replace("-", "−")
    text = f"{float(value):,.{digits}f}".replace(",", "\u202f")
    return text.replace("-", "−")


def digits_for(values: Iterable[Any], least: int = 2) -> int:
    """Decimals that suit the size of values without intervals: as many as for numbers near one.

    Examples
    --------
    >>> digits_for([0.81, 0.4]), digits_for([0.014]), digits_for([230.0])
    (2, 3, 0)
    """
    largest = max((abs(float(v)) for v in values if known(v)), default=0.0)
    if largest == 0:
        return least
    return max(
        0, least - math.floor(math.log10(largest)) - 1 if largest < 0.1 or largest >= 10 else least
    )


def scaled(value: Any, least: int = 2) -> str:
    """A number with the decimals that suit its size.

    Examples
    --------
    >>> scaled(0.0142), scaled(0.81), scaled(1.0)
    ('0.014', '0.81', '1.00')
    """
    return number(value, digits_for([value], least))


def count(value: Any) -> str:
    """A whole number; thousands stand apart.

    Examples
    --------
    >>> count(3000)
    '3\u202f000'
    """
    return number(value, 0)


def seconds(value: Any) -> str:
    """A time with three digits and a unit that fits.

    Examples
    --------
    >>> seconds(0.00123), seconds(75.2), seconds(8.71)
    ('1.23 ms', '1 min 15 s', '8.71 s')
    """
    if not known(value):
        return NONE
    t = float(value)
    if t >= 60:
        return f"{int(t // 60)} min {t % 60:.0f} s"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if t * factor >= 1 or unit == "µs":
            return f"{t * factor:.3g} {unit}"
    return NONE


def power(value: Any) -> str:
    """A small number as a power of ten.

    Examples
    --------
    >>> power(3.04e-7), power(0.0)
    ('3 × 10⁻⁷', '0')
    """
    if not known(value) or value == 0:
        return "0"
    mantissa, exponent = f"{value:.0e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10{raised}"


def digits_of(rows: Iterable[dict[str, Any]], *, least: int = 2) -> int:
    """Decimals for a column of estimates: those of the narrower ones, at most one more than typical."""
    found = [
        decimals(row["low"], row["high"], least=least)
        for row in rows
        if known(row.get("low")) and known(row.get("high")) and row["low"] != row["high"]
    ]
    return int(np.median(found)) if found else least + 1


def interval(row: dict[str, Any], digits: int) -> str:
    """An interval as ``low to high``, a dash where there is none."""
    if not (known(row.get("low")) and known(row.get("high"))):
        return NONE
    return f"{number(row['low'], digits)} to {number(row['high'], digits)}"


def estimate(row: dict[str, Any], unit: str = "") -> str:
    """Value and interval in one phrase.

    Examples
    --------
    >>> estimate({"value": 0.812, "low": 0.72, "high": 0.9})
    '0.81 (0.72 to 0.90)'
    """
    digits = digits_of([row])
    tail = f" ({interval(row, digits)})" if known(row.get("low")) else ""
    return f"{number(row.get('value'), digits)}{' ' + unit if unit else ''}{tail}"


def params(values: Any) -> str:
    """Settings as ``name = value``, numbers with three digits.

    Examples
    --------
    >>> params({"C": 0.70001, "hidden": [8, 8]})
    'C = 0.7, hidden = [8, 8]'
    """
    if not isinstance(values, dict):
        return str(values or "")
    return ", ".join(
        f"{name} = {value:.3g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in values.items()
    )
