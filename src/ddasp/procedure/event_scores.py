"""How well events were found: recall, false alarms an hour, precision and latency, with intervals.

A detected event and a true one of the same label belong together when the detected one *begins*
while the true one lasts, give or take a collar; each is used once, and as many pairs are made as
can be. So an alarm that never ends finds one event at most, and the second half of an event that
broke in two is a false alarm. What is not paired is missed, or false.

The field's standard judges events by their onsets within a collar, one to one (sed_eval, DCASE:
0.2 s). Here the collar stands at both ends of the true event: a decision on windows of length L
places a sound that is shorter than L only to ± L/2, so a fixed 0.2 s would judge the window, not
the model; and how late an alarm comes is measured, as latency, not cut off. How well the end is
found is not judged.

*Conventions*: times in s, rates per hour of everything that was heard, events included. Intervals
are two-sided: of the recall and the precision Clopper and Pearson's, of the rate Garwood's; both
exact for events that are independent of each other. False alarms often come in clusters and true
events in groups; with known groups the recall for a new group stands beside.

*References*: Mesaros, Heittola and Virtanen 2016, "Metrics for polyphonic sound event detection";
Bilen et al. 2020, "A framework for the robust evaluation of sound event detection" (false
positives per hour); Glover 1967, "Maximum matching in a convex bipartite graph"; Garwood 1936,
"Fiducial limits for the Poisson distribution"; Clopper and Pearson 1934.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from ddasp._check import in_range, whole
from ddasp._errors import InputError
from ddasp.procedure.events import Event
from ddasp.procedure.intervals import Estimate, interval
from ddasp.procedure.labels import Segment
from ddasp.procedure.matching import inside, pairs
from ddasp.procedure.measures import Prediction

__all__ = [
    "COLLAR",
    "Measured",
    "by_label",
    "hours_needed",
    "measured",
    "rate_below",
    "rate_estimate",
    "share_estimate",
    "total",
]

COLLAR = 0.2  # s
HOUR = 3600.0


# --------------------------------------------------------------------------------- intervals


def share_estimate(hits: int, n: int, *, level: float = 0.95) -> Estimate:
    """A share and its exact binomial interval; NaN with the whole range for none of none.

    Examples
    --------
    >>> found = share_estimate(10, 10)
    >>> found.value, found.low, found.high
    (1.0, 0.692, 1.0)
    """
    tail = 0.5 * (1 - in_range(level, "level", 0.5, 0.999))
    low = float(stats.beta.ppf(tail, hits, n - hits + 1)) if hits > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    method = f"exact binomial interval over {n} events"
    return Estimate(hits / n if n else math.nan, low, high, method, 0, n, level)


def rate_estimate(n: int, hours: float, *, level: float = 0.95) -> Estimate:
    """A rate per hour and its exact Poisson interval.

    Parameters
    ----------
    n : int
        Counted events.
    hours : float
        Time in which they were counted [h].
    level : float
        Coverage.

    Returns
    -------
    Estimate
        Per hour.

    Notes
    -----
    low = χ²(α/2; 2n) / 2T, high = χ²(1 - α/2; 2n + 2) / 2T (Garwood 1936).

    Examples
    --------
    >>> found = rate_estimate(0, 0.5)
    >>> found.value, found.low, found.high
    (0.0, 0.0, 7.378)
    """
    whole(n, "n", 0)
    in_range(hours, "hours", 1e-9, 1e9, unit="h")
    tail = 0.5 * (1 - in_range(level, "level", 0.5, 0.999))
    low = float(stats.chi2.ppf(tail, 2 * n)) / (2 * hours) if n else 0.0
    high = float(stats.chi2.ppf(1 - tail, 2 * n + 2)) / (2 * hours)
    return Estimate(n / hours, low, high, f"exact Poisson interval over {hours:.3g} h", 0, n, level)


def rate_below(n: int, hours: float, *, level: float = 0.95) -> float:
    """The rate per hour that n counted events rule out: the true one lies below, at this level.

    Examples
    --------
    >>> rate_below(0, 1.0)  # the rule of three
    2.996
    """
    return float(stats.chi2.ppf(level, 2 * n + 2)) / (2 * in_range(hours, "hours", 1e-9, 1e9))


def hours_needed(rate: float, *, level: float = 0.95) -> float:
    """Hours without a single false alarm that prove a rate: -ln(1 - level) / rate.

    Examples
    --------
    >>> hours_needed(0.5)
    5.99
    """
    return -math.log1p(-level) / in_range(rate, "rate", 1e-9, 1e9, unit="per hour")


# ------------------------------------------------------------------------------------ scores


@dataclass(frozen=True)
class Measured:
    """What was found in streams whose truth is known.

    Attributes
    ----------
    n_true, n_found, n_false : int
        True events, those that were found, false alarms.
    hours : float
        Of everything that was heard [h].
    latency : float
        Mean time from a true event's start to when the detector was sure [s]; NaN when none was found.
        It counts the windows that had to be heard, not the computing.
    n_confused : int
        False alarms that begin in a true event of another label: something happened, but something
        else.
    groups : tuple of (str, bool)
        Group of each true event, and whether it was found; empty without groups.

    Examples
    --------
    >>> found = Measured(n_true=10, n_found=9, n_false=2, hours=4.0, latency=0.8)
    >>> found.recall.value, found.rate.value, found.precision.value
    (0.9, 0.5, 0.818)
    """

    n_true: int
    n_found: int
    n_false: int
    hours: float
    latency: float
    n_confused: int = 0
    groups: tuple[tuple[str, bool], ...] = ()

    @property
    def recall(self) -> Estimate:
        """Share of the true events that were found."""
        return share_estimate(self.n_found, self.n_true)

    @property
    def precision(self) -> Estimate:
        """Share of the detected events that were right."""
        return share_estimate(self.n_found, self.n_found + self.n_false)

    @property
    def rate(self) -> Estimate:
        """False alarms per hour."""
        return rate_estimate(self.n_false, self.hours)

    @property
    def recall_of_new_group(self) -> Estimate | None:
        """Recall for a group not yet heard, each group counting the same; None for fewer than two."""
        if len({group for group, _ in self.groups}) < 2:
            return None
        found = np.array([found for _, found in self.groups], dtype=np.int64)
        names = [group for group, _ in self.groups]
        return interval("sensitivity", np.ones_like(found), Prediction(decided=found), names)

    def to_json(self) -> dict[str, Any]:
        """Counts, and each measure with its interval."""
        estimates = {
            "recall": self.recall,
            "precision": self.precision,
            "false_alarms_per_hour": self.rate,
            "recall_of_new_group": self.recall_of_new_group,
        }
        return {
            "n_true": self.n_true,
            "n_found": self.n_found,
            "n_false": self.n_false,
            "n_confused": self.n_confused,
            "hours": self.hours,
            "latency": self.latency,
            **{name: e and vars(e) for name, e in estimates.items()},
        }


def measured(
    events: Sequence[Event],
    truth: Sequence[Segment],
    *,
    duration: float,
    collar: float = COLLAR,
    groups: Sequence[str] = (),
) -> Measured:
    """Compare the events of one sound with its true ones.

    Parameters
    ----------
    events : sequence of Event
        As detected; notices of beginnings (``stop`` is None) are passed over.
    truth : sequence of Segment
        The true events.
    duration : float
        Of the sound [s].
    collar : float
        See `ddasp.procedure.matching.pairs` [s].
    groups : sequence of str
        The group of each true event; empty for none.

    Returns
    -------
    Measured

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is not one group for each true event.

    Examples
    --------
    >>> events = [Event("dog", 1.25, 2.0, 0.9, 2.5), Event("dog", 7.0, 8.0, 0.7, 8.0)]
    >>> found = measured(events, [Segment(1.0, 2.0, "dog")], duration=3600.0)
    >>> found.n_found, found.n_false, found.latency
    (1, 1, 1.5)
    """
    _check_groups(groups, truth)
    parts = {label: _of_label(label, events, truth, collar) for label in {e.label for e in events}}
    hit = {i for part in parts.values() for i in part.hit}
    found = _measured(list(parts.values()), n_true=len(truth), duration=duration)
    member = tuple((group, i in hit) for i, group in enumerate(groups))
    return replace(found, groups=member)


@dataclass(frozen=True)
class _Part:
    """What became of the events of one label."""

    hit: list[int]  # true events that were found
    delays: list[float]
    n_false: int
    n_confused: int


def _of_label(
    label: str, events: Sequence[Event], truth: Sequence[Segment], collar: float
) -> _Part:
    said = [event for event in events if event.label == label and event.is_over]
    t = np.array([event.start for event in said], dtype=np.float64)
    ends = np.array([(s.start, s.stop) for s in truth], dtype=np.float64).reshape(-1, 2)
    mine = np.flatnonzero([segment.label == label for segment in truth])
    joined = pairs(t, ends[mine, 0], ends[mine, 1], collar=collar)
    others = np.delete(ends, mine, axis=0)
    is_false = joined < 0
    confused = inside(t[is_false], others[:, 0] - collar, others[:, 1] + collar)
    hit = mine[joined[~is_false]].tolist()
    known = [event.known_at for event, false in zip(said, is_false, strict=True) if not false]
    delays = [at - truth[i].start for at, i in zip(known, hit, strict=True)]
    return _Part(hit, delays, int(is_false.sum()), int(confused.sum()))


def _measured(parts: Sequence[_Part], *, n_true: int, duration: float) -> Measured:
    delays = [delay for part in parts for delay in part.delays]
    return Measured(
        n_true=n_true,
        n_found=len(delays),
        n_false=sum(part.n_false for part in parts),
        hours=duration / HOUR,
        latency=math.fsum(delays) / len(delays) if delays else math.nan,
        n_confused=sum(part.n_confused for part in parts),
    )


def _check_groups(groups: Sequence[str], truth: Sequence[Segment]) -> None:
    if len(groups) not in (0, len(truth)):
        raise InputError(
            "E-ARGUMENT",
            f"groups has {len(groups)} entries for {len(truth)} true events; expected one for each",
        )


def total(parts: Sequence[Measured]) -> Measured:
    """Several streams as one.

    Examples
    --------
    >>> total([Measured(2, 1, 0, 1.0, 0.5), Measured(3, 3, 1, 0.5, 1.5)])
    Measured(n_true=5, n_found=4, n_false=1, hours=1.5, latency=1.25,
             n_confused=0, groups=())
    """
    n_found = sum(part.n_found for part in parts)
    delay = sum(part.n_found * part.latency for part in parts if part.n_found)
    return Measured(
        n_true=sum(part.n_true for part in parts),
        n_found=n_found,
        n_false=sum(part.n_false for part in parts),
        hours=sum(part.hours for part in parts),
        latency=delay / n_found if n_found else math.nan,
        n_confused=sum(part.n_confused for part in parts),
        groups=tuple(entry for part in parts for entry in part.groups),
    )


def by_label(
    events: Sequence[Event],
    truth: Sequence[Segment],
    labels: Sequence[str],
    *,
    duration: float,
    collar: float = COLLAR,
) -> dict[str, Measured]:
    """`measured` for each label alone, groups apart."""
    return {
        label: _measured(
            [_of_label(label, events, truth, collar)],
            n_true=sum(segment.label == label for segment in truth),
            duration=duration,
        )
        for label in labels
    }
