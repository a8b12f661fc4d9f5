"""What a row is, and what it finds.

A row is a function of a `Place` (where to write, how much to try) that gives a `Found`: how many
things were tried, figures, and every fault in words. It never raises for a fault of the product; an
exception is a fault of the row and is reported as one.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["PARTS", "Found", "Outcome", "Place", "Row"]

PARTS = (
    "Bad inputs tried",
    "Faults survived",
    "Nothing lost",
    "Load held",
    "Leakage can't happen",
    "Statistics are true",
    "Same everywhere",
)


@dataclass(frozen=True)
class Place:
    """Where a row works, and how much it does there.

    Attributes: ``folder`` is empty and the row's own; ``size`` is "quick", "usual" or "full"; all
    that is drawn is drawn from ``seed``.
    """

    folder: Path
    size: str = "usual"
    seed: int = 0

    def number(self, *, quick: int, usual: int, full: int | None = None) -> int:
        """How many to try."""
        return {"quick": quick, "usual": usual, "full": usual if full is None else full}[self.size]


@dataclass(frozen=True)
class Found:
    """What a row found.

    Attributes: ``tried`` things; ``figures``, a name with its unit -> what was measured;
    ``faults``, one line for each thing that did not hold, none where all did.
    """

    tried: int
    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes: ``part`` is one of `PARTS`; ``name`` says what is tried, ``demand`` what must hold;
    ``budget`` is the time it may take on two cores [s]; ``sizes`` are those in which it runs.
    """

    part: str
    name: str
    demand: str
    budget: float
    run: Callable[[Place], Found]
    sizes: tuple[str, ...] = ("quick", "usual", "full")

    def __post_init__(self) -> None:
        assert self.part in PARTS, self.part


@dataclass(frozen=True)
class Outcome:
    """A row after it ran."""

    row: Row
    found: Found
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether all that was tried came out as demanded."""
        return not self.found.faults


def carry_out(row: Row, place: Place) -> Outcome:
    """Run a row; a row that fails itself has not held."""
    begin = time.monotonic()
    try:
        found = row.run(place)
    except Exception:
        found = Found(0, {}, (f"the row itself failed: {traceback.format_exc(limit=-3)}",))
    return Outcome(row, found, time.monotonic() - begin)
