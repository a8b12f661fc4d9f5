"""Tuning the four numbers: the largest recall that a budget of false alarms allows.

The model's scores of the development streams are computed once; then a fixed grid of rules is
tried on all of them. Of the rules whose false alarms per hour keep the budget, the one with the
largest recall is chosen; ties go to the lower latency, then to fewer false alarms, then to the
larger threshold. The budget is compared with the rate that was counted, not with its upper bound:
on a short stream no rule could ever prove a small rate, and what is not proven is said beside the
choice.

Whatever is chosen looks better on the sounds it was chosen on. So each stream is also heard under
the rules that the other streams would have chosen, and these figures, pooled, are the ones to
believe; one stream for each group (device, place, day) makes them speak of a new one.

*Conventions*: hop H and collar in s, rates per hour. The grid: thresholds that are denser towards
1, where low rates lie; hysteresis as a share of the threshold (0, 1/4, 1/2, 3/4), so that it is
always below it; smoothing of 0, 1, 2, 4 and 8 hops; least durations of 1, 2, 3, 5 and 8 hops;
2,100 rules in all. One set of rules holds for all classes.

*References*: Mesaros, Heittola and Virtanen 2016; Garwood 1936; Hanley and Lippman-Hand 1983, "If
nothing goes wrong, is everything all right?" (the rule of three); Varma and Simon 2006, "Bias in
error estimation when using cross-validation for model selection".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, product

import numpy as np
from numpy.typing import NDArray

from ddasp._check import in_range
from ddasp._errors import InputError
from ddasp.procedure.event_scores import (
    COLLAR,
    HOUR,
    Measured,
    by_label,
    hours_needed,
    measured,
    rate_below,
    total,
)
from ddasp.procedure.events import Rules, watched
from ddasp.procedure.heard import Stream, all_runs, cells, events_of, smoothed
from ddasp.procedure.matching import pairs

__all__ = ["Point", "Tuning", "grid", "tune"]

THRESHOLDS = (
    *(0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95),
    *(0.97, 0.98, 0.99, 0.995, 0.998, 0.999),
)
SHARES = (0.0, 0.25, 0.5, 0.75)  # hysteresis over threshold
SMOOTHINGS = (0, 1, 2, 4, 8)  # hops
LEASTS = (1, 2, 3, 5, 8)  # hops

FOUND, FALSE, DELAY = range(3)  # columns of the counts
Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """Rules, and what they found in all streams."""

    rules: Rules
    measured: Measured


@dataclass(frozen=True)
class Tuning:
    """What was chosen, why, and what can be said about it.

    Attributes
    ----------
    rules : Rules
        The choice.
    is_met : bool
        Whether the counted false alarms keep the budget; if not, the choice has the lowest rate of
        all rules that find anything.
    budget : float
        False alarms per hour that were allowed.
    collar : float
        Of the matching [s].
    measured : Measured
        Of the choice, on the streams it was chosen on.
    held_out : Measured or None
        Each stream under the rules that the others would have chosen; None for a single stream.
    by_label : dict of str to Measured
        Of the choice, each class alone.
    curve : tuple of Point
        The best that can be had: no other rule finds more with as few false alarms; by rate.
    streams : tuple of (str, float, int)
        Name, duration [s] and number of true events.
    hop : float
        From one window to the next [s].
    labels, background : tuple of str
        All classes; those that make no events.
    """

    rules: Rules
    is_met: bool
    budget: float
    collar: float
    measured: Measured
    held_out: Measured | None
    by_label: dict[str, Measured]
    curve: tuple[Point, ...]
    streams: tuple[tuple[str, float, int], ...] = field(default=())
    hop: float = 1.0
    labels: tuple[str, ...] = ()
    background: tuple[str, ...] = ()

    @property
    def judged(self) -> Measured:
        """The figures to believe: the held-out ones where there are any."""
        return self.held_out or self.measured

    @property
    def is_proven(self) -> bool:
        """Whether the rate lies within the budget even at its one-sided 95 % bound."""
        return rate_below(self.judged.n_false, self.judged.hours) <= self.budget

    def sentences(self) -> list[str]:
        """What a person should know: the figures, the budget, and how far both are proven."""
        where = "on streams it was not tuned on" if self.held_out else "on the streams tuned on"
        found = [f"{_figures(self.judged)}, {where}."]
        if self.judged.n_confused:
            found.append(
                f"{self.judged.n_confused} of the {self.judged.n_false} false alarms begin in a true "
                "event of another class: there the model confuses classes."
            )
        if not self.held_out:
            found.append(
                "One stream alone: the figures are those of the sounds that the rules were chosen on, "
                "and flatter them. Give two or more."
            )
        if not self.is_met:
            lowest = self.measured.rate.value
            found.append(
                f"The budget of {self.budget:g} false alarms per hour can't be met: the lowest rate "
                f"at which anything is found is {lowest:.3g} per hour, and its rules are taken."
            )
        elif self.judged.rate.value > self.budget:
            found.append(
                f"On new streams the budget of {self.budget:g} per hour is not kept "
                f"({self.judged.rate.value:.3g} per hour)."
            )
        found.append(self._proof())
        return found

    def _proof(self) -> str:
        hours, n = self.judged.hours, self.judged.n_false
        bound = rate_below(n, hours)
        counted = f"{n} false alarms in {hours:.3g} h prove fewer than {bound:.3g} per hour (95 %)"
        if self.is_proven:
            return f"The budget of {self.budget:g} per hour is proven: {counted}."
        if hours < hours_needed(self.budget):
            return (
                f"The budget of {self.budget:g} per hour can't be verified on {hours:.3g} h: even "
                f"without any false alarm that proves only fewer than {rate_below(0, hours):.3g} per "
                f"hour (95 %); at least {hours_needed(self.budget):.3g} h are needed."
            )
        return f"The budget of {self.budget:g} per hour is not proven: {counted}."


def _figures(found: Measured) -> str:
    recall, rate = found.recall, found.rate
    late = f", {found.latency:.2g} s after they begin on average" if found.n_found else ""
    return (
        f"{found.n_found} of {found.n_true} events found (recall {recall.value:.2f}, "
        f"95 % interval {recall.low:.2f} to {recall.high:.2f}){late}; {found.n_false} false alarms in "
        f"{found.hours:.3g} h ({rate.value:.3g} per hour, {rate.low:.3g} to {rate.high:.3g})"
    )


def grid(hop: float) -> list[Rules]:
    """The rules that are tried.

    Parameters
    ----------
    hop : float
        From one window to the next [s].

    Returns
    -------
    list of Rules
        Equal smoothing side by side, within it equal threshold and hysteresis.

    Examples
    --------
    >>> len(grid(0.5)), grid(0.5)[-1]
    (2100, Rules(threshold=0.999, hysteresis=0.74925, smoothing=4.0, least=4.0))
    """
    return [
        Rules(threshold, round(share * threshold, 6), round(tau * hop, 6), round(n * hop, 6))
        for tau, threshold, share, n in product(SMOOTHINGS, THRESHOLDS, SHARES, LEASTS)
    ]


def tune(
    streams: Sequence[Stream],
    labels: Sequence[str],
    *,
    hop: float,
    budget: float,
    background: Sequence[str] = (),
    collar: float | None = None,
) -> Tuning:
    """Choose the four numbers.

    Parameters
    ----------
    streams : sequence of Stream
        What the model said, and what was true.
    labels : sequence of str
        All classes, in the order of the probabilities.
    hop : float
        From one window to the next [s].
    budget : float
        False alarms per hour that are allowed, of all classes together.
    background : sequence of str
        Classes that never make events.
    collar : float, optional
        See `ddasp.procedure.matching.pairs` [s]; by default half a window, at least 0.2 s.

    Returns
    -------
    Tuning

    Raises
    ------
    InputError
        ``E-DATA`` when there is no true event, or no rule finds one; ``E-LABEL`` when the truth names an
        unknown class.
    """
    in_range(budget, "budget", 1e-6, 1e6, unit="false alarms per hour")
    streams = [stream.of_labels(labels, background) for stream in streams]
    n_true = sum(len(stream.truth) for stream in streams)
    if not n_true:
        raise InputError(
            "E-DATA",
            f"{len(streams)} streams hold no true event of {', '.join(labels)}; expected at least one",
        )
    if collar is None:
        collar = max([COLLAR, *(0.5 * stream.scores.length for stream in streams)])
    task = _Task(tuple(labels), tuple(background), hop, collar, grid(hop))
    table = np.stack([task.counts(stream) for stream in streams])
    hours = np.array([stream.duration / HOUR for stream in streams])
    best, is_met = task.choice(table.sum(axis=0), budget * hours.sum())
    if best is None:
        raise InputError(
            "E-DATA",
            f"no rule finds any of the {n_true} true events; expected a model that recognises some - "
            "do start and stop of the label tracks fit the sounds?",
        )
    return Tuning(
        rules=task.rules[best],
        is_met=is_met,
        budget=budget,
        collar=collar,
        measured=total([task.measure(stream, task.rules[best]) for stream in streams]),
        held_out=_held_out(task, streams, table, budget * (hours.sum() - hours)),
        by_label=_by_label(task, streams, task.rules[best]),
        curve=_curve(task, table.sum(axis=0), n_true, float(hours.sum())),
        streams=tuple((s.name, s.duration, len(s.truth)) for s in streams),
        hop=hop,
        labels=task.labels,
        background=task.background,
    )


@dataclass(frozen=True)
class _Task:
    """What is the same for all streams and rules."""

    labels: tuple[str, ...]
    background: tuple[str, ...]
    hop: float
    collar: float
    rules: list[Rules]

    def counts(self, stream: Stream) -> Counts:
        """Found, false and summed delay of every rule on a stream, shape (n_rules, 3)."""
        table = np.zeros((len(self.rules), 3))
        pieces, opens = stream.scores.pieces(self.hop), cells(stream.scores, self.hop)[0]
        truth = self._truth(stream)
        numbered = enumerate(self.rules)
        for smoothing, same in groupby(numbered, key=lambda entry: entry[1].smoothing):
            y = np.ascontiguousarray(smoothed(stream.scores, smoothing, hop=self.hop).T)
            levels = groupby(same, key=lambda entry: (entry[1].threshold, entry[1].hysteresis))
            for _, members in levels if y.size else ():
                rules = list(members)
                for k, (start, stop) in truth.items():
                    first, end = all_runs(y[k], rules[0][1], pieces)
                    for i, rule in rules:
                        n = rule.n_least(self.hop)
                        long = first[end - first >= n]
                        joined = pairs(opens[long], start, stop, collar=self.collar)
                        hit = joined >= 0
                        known = stream.scores.stop[long[hit] + n - 1]
                        n_found = np.count_nonzero(hit)
                        delay = float(np.sum(known - start[joined[hit]]))
                        table[i] += n_found, len(long) - n_found, delay
        return table

    def _truth(self, stream: Stream) -> dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Start and stop of the true events by class."""
        found = {}
        for k in watched(self.labels, self.background):
            mine = [s for s in stream.truth if s.label == self.labels[k]]
            found[k] = np.array([s.start for s in mine]), np.array([s.stop for s in mine])
        return found

    def choice(self, counts: Counts, most_false: float) -> tuple[int | None, bool]:
        """The best rule, and whether it keeps the budget; None when no rule finds anything."""
        finds = counts[:, FOUND] > 0
        keeps = finds & (counts[:, FALSE] <= most_false + 1e-9)
        order = self.order(counts)
        if keeps.any():
            return int(next(i for i in order if keeps[i])), True
        if not finds.any():
            return None, False
        fewest = finds & (counts[:, FALSE] == counts[finds, FALSE].min())
        return int(next(i for i in order if fewest[i])), False

    def order(self, counts: Counts) -> NDArray[np.int64]:
        """Rules by recall, then latency, false alarms and threshold, the best first."""
        with np.errstate(invalid="ignore", divide="ignore"):
            latency = np.round(counts[:, DELAY] / counts[:, FOUND], 6)
        threshold = np.array([rule.threshold for rule in self.rules])
        # the last key is the first that counts; equal rules stay in the order of the grid
        return np.lexsort((-threshold, counts[:, FALSE], latency, -counts[:, FOUND]))

    def measure(self, stream: Stream, rules: Rules) -> Measured:
        """One stream under one set of rules, with groups."""
        events = events_of(
            stream.scores, self.labels, rules, hop=self.hop, background=self.background
        )
        return measured(
            events,
            stream.truth,
            duration=stream.duration,
            collar=self.collar,
            groups=stream.groups,
        )


def _held_out(
    task: _Task, streams: Sequence[Stream], table: Counts, most_false: NDArray[np.float64]
) -> Measured | None:
    """Each stream under the choice of the others."""
    if len(streams) < 2:
        return None
    found = []
    for s, stream in enumerate(streams):
        best, _ = task.choice(table.sum(axis=0) - table[s], most_false[s])
        # where the others hold nothing that could be found, the strictest rules are all one has
        found.append(task.measure(stream, task.rules[-1 if best is None else best]))
    return total(found)


def _by_label(task: _Task, streams: Sequence[Stream], rules: Rules) -> dict[str, Measured]:
    names = [task.labels[k] for k in watched(task.labels, task.background)]
    parts = []
    for stream in streams:
        events = events_of(
            stream.scores, task.labels, rules, hop=task.hop, background=task.background
        )
        kept = {"duration": stream.duration, "collar": task.collar}
        parts.append(by_label(events, stream.truth, names, **kept))
    return {name: total([part[name] for part in parts]) for name in names}


def _curve(task: _Task, counts: Counts, n_true: int, hours: float) -> tuple[Point, ...]:
    """Rules that no other one beats in both recall and rate, from the lowest rate on."""
    order = task.order(counts)
    by_rate = order[np.argsort(counts[order, FALSE], kind="stable")]
    points, most = [], 0.0
    for i in by_rate.tolist():
        n_found, n_false, delay = counts[i]
        if n_found > most:
            most = n_found
            found = Measured(n_true, int(n_found), int(n_false), hours, float(delay / n_found))
            points.append(Point(task.rules[i], found))
    return tuple(points)
