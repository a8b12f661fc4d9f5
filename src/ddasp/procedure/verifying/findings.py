"""What verifying finds: faults, numbers with their rows, and what could not be checked.

*Conventions*: a fault names the file, what in it, what was expected, what stands there, and the likely
cause. Rows are data rows of a CSV, from 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "Fault",
    "Findings",
    "Number",
    "Spans",
    "Verified",
    "agree",
    "differences",
    "first_difference",
    "named",
    "spans",
]

Spans = tuple[tuple[int, int], ...]

CLOSE = 1e-9  # of a number's size: what another order of a sum may change
AROUND = 30  # characters beside the first difference of two lines


@dataclass(frozen=True)
class Fault:
    """Something that is not as the run wrote it.

    Attributes
    ----------
    code : str
        ``E-RUN``, ``E-CHANGED`` for inputs that are no longer those of the run, ``E-MODEL``.
    file : str
        Below the run folder.
    what, expected, got, cause : str
        In words.
    """

    code: str
    file: str
    what: str
    expected: str
    got: str
    cause: str

    def __str__(self) -> str:
        return (
            f"{self.code}: {self.file}: {self.what} is {self.got}; expected {self.expected} - "
            f"{self.cause}"
        )


@dataclass(frozen=True)
class Number:
    """A number of the report and where it comes from.

    Attributes
    ----------
    file, key : str
        Where it stands, as in ``5_evaluation/evaluation.json`` and ``confusion.counts[0][1]``.
    value : float or str or None
        What stands there.
    source : str
        The file it was computed from.
    rows : tuple of (int, int)
        First and last row of each stretch of that file's rows, from 0; none where it comes from
        the file as a whole.
    how : str
        The computation, in words.
    """

    file: str
    key: str
    value: Any
    source: str
    rows: Spans
    how: str


@dataclass(frozen=True)
class Verified:
    """What `verify` found.

    Attributes
    ----------
    folder : Path
        The run folder.
    checks : tuple of (str, str)
        What was checked, and in a sentence what holds there.
    unchecked : tuple of str
        What could not be checked, and why.
    faults : tuple of Fault
        None where all that could be checked holds.
    numbers : tuple of Number
        Every number that was traced.
    """

    folder: Path
    checks: tuple[tuple[str, str], ...]
    unchecked: tuple[str, ...]
    faults: tuple[Fault, ...]
    numbers: tuple[Number, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing that could be checked differs."""
        return not self.faults


@dataclass
class Findings:
    """What was found so far; ``strange`` are names of what is no file and must not be opened."""

    faults: list[Fault] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    _checks: list[tuple[str, str]] = field(default_factory=list)
    _unchecked: list[str] = field(default_factory=list)

    def fault(
        self, file: str, what: str, expected: Any, got: Any, cause: str, *, code: str = "E-RUN"
    ) -> None:
        """Note what differs."""
        self.faults.append(Fault(code, file, what, _said(expected), _said(got), cause))

    def same(self, file: str, what: str, expected: Any, got: Any, cause: str) -> bool:
        """Note a fault unless both agree; returns whether they do."""
        if agree(expected, got):
            return True
        self.fault(file, what, expected, got, cause)
        return False

    def checked(self, what: str, sentence: str) -> None:
        """Note what holds."""
        self._checks.append((what, sentence))

    def unchecked(self, sentence: str, *, fault_of: str = "") -> None:
        """Note what could not be checked; a fault of that file where no other explains it."""
        if fault_of and not self.faults:
            self.fault(fault_of, "content", "as a run writes it", sentence, "was it edited?")
        else:
            self._unchecked.append(sentence)

    def verified(self, folder: Path) -> Verified:
        """The result."""
        lists = (self._checks, dict.fromkeys(self._unchecked), self.faults, self.numbers)
        return Verified(folder, *map(tuple, lists))  # type: ignore[arg-type]


def _said(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else f"{text[:200]} ..."


def agree(a: Any, b: Any) -> bool:
    """Whether two values are the same, numbers up to rounding; NaN is None, as in the run's JSON.

    Examples
    --------
    >>> agree(0.1 + 0.2, 0.3), agree(float("nan"), None), agree(1, True), agree("1", 1)
    (True, True, False, False)
    """
    a, b = _plain(a), _plain(b)
    if isinstance(a, bool) or isinstance(b, bool) or not {type(a), type(b)} <= {int, float}:
        return bool(type(a) is type(b) and a == b)
    return bool(a == b or abs(a - b) <= CLOSE * max(1.0, abs(a), abs(b)))


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):  # a NumPy number
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value)
    return value


def spans(rows: ArrayLike) -> Spans:
    """Row numbers as (first, last) of each unbroken stretch.

    Examples
    --------
    >>> spans([9, 0, 1, 2, 7, 10])
    ((0, 2), (7, 7), (9, 10))
    """
    ordered = np.unique(np.asarray(rows, np.int64))
    if not len(ordered):
        return ()
    ends = np.flatnonzero(np.diff(ordered) > 1)
    first, last = ordered[np.r_[0, ends + 1]], ordered[np.r_[ends, len(ordered) - 1]]
    return tuple(zip(first.tolist(), last.tolist(), strict=True))


def named(rows: Spans, most: int = 1000) -> str:
    """Stretches of rows in words, the first ones where there are many.

    Examples
    --------
    >>> named(((0, 2), (7, 7), (9, 10)), 2)
    '0-2, 7 ...'
    """
    words = [f"{a}-{b}" if b > a else f"{a}" for a, b in rows[:most]]
    return ", ".join(words) + (" ..." if len(rows) > most else "")


def first_difference(expected: str, got: str) -> tuple[int, str, str]:
    r"""Number of the first line that differs, from 1, and what stands around that place in both.

    Examples
    --------
    >>> first_difference("one\ntwo", "one\ntoo")
    (2, 'two', 'too')
    """
    both = zip(_lines(expected), _lines(got), strict=False)
    for number, (a, b) in enumerate(both, 1):
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
            at = min(len(a), len(b)) if at is None else at
            part = slice(max(0, at - AROUND), at + AROUND)
            return number, a[part], b[part]
    return min(len(_lines(expected)), len(_lines(got))), "the end", "the end"


def _lines(text: str) -> Sequence[str]:
    return [*text.split("\n"), "\0"]


def differences(expected: Any, got: Any, path: str = "") -> Iterable[tuple[str, Any, Any]]:
    """Where two JSON values differ: the place, what was expected, what stands there.

    Examples
    --------
    >>> list(differences({"a": [1, 2]}, {"a": [1, 3], "b": 0}))
    [('a[1]', 2, 3), ('b', 'no such key', 0)]
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in {**expected, **got}:
            place = f"{path}.{key}" if path else str(key)
            if key not in got:
                yield place, expected[key], "missing"
            elif key not in expected:
                yield place, "no such key", got[key]
            else:
                yield from differences(expected[key], got[key], place)
    elif isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            yield path, f"{len(expected)} entries", f"{len(got)} entries"
        for i, (a, b) in enumerate(zip(expected, got, strict=False)):
            yield from differences(a, b, f"{path}[{i}]")
    elif not agree(expected, got):
        yield path, expected, got
