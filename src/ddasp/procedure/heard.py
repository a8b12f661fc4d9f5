"""A sound as its scores: heard once by the model, then asked under any rules.

Whoever tunes the four numbers tries thousands of them on the same scores. Here the rows of a sound
are arrays, and its events under given rules come from a few array operations instead of a walk
through the windows; they are the very events that `ddasp.procedure.events.Detector` gives.

*Conventions*: as in `ddasp.procedure.events`. Probabilities of silent windows are zero already. A
piece is what lies between two losses of rows; smoothing starts anew in each.

*References*: Oppenheim and Schafer 2010 (the exponential average as a recursive filter).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from ddasp._check import in_range
from ddasp._errors import InputError
from ddasp.procedure.events import GAP, Event, Row, Rules, watched
from ddasp.procedure.labels import Segment

__all__ = [
    "Score",
    "Scores",
    "Stream",
    "all_runs",
    "cells",
    "events_of",
    "hear",
    "runs",
    "smoothed",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Score = Callable[[Iterable[NDArray[np.float32]]], Iterable[Row]]
"""Chunks of a signal, each of shape (n,), to the rows of its windows."""


@dataclass(frozen=True)
class Scores:
    """The rows of one sound.

    Attributes
    ----------
    start, stop : ndarray of shape (n_windows,)
        Of the windows [s].
    p : ndarray of shape (n_windows, n_classes)
        Probabilities; zero where nothing was heard.

    Examples
    --------
    >>> Scores.of([(0.0, 1.0, np.array([0.8, 0.2]), False), (0.5, 1.5, np.array([0.9, 0.1]), True)]).p
    array([[0.8, 0.2],
           [0. , 0. ]])
    """

    start: FloatArray
    stop: FloatArray
    p: FloatArray

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Scores:
        """Rows as arrays."""
        start, stop, p, silent = [], [], [], []
        for row in rows:
            start.append(float(row[0]))
            stop.append(float(row[1]))
            p.append(np.asarray(row[2], dtype=np.float64))
            silent.append(bool(row[3]))
        if not p:
            return cls(np.zeros(0), np.zeros(0), np.zeros((0, 0)))
        heard = np.where(np.array(silent)[:, np.newaxis], 0.0, np.stack(p))
        return cls(np.array(start), np.array(stop), heard)

    @property
    def length(self) -> float:
        """Length of a window [s]; 0 without any."""
        return float(self.stop[0] - self.start[0]) if len(self.start) else 0.0

    def rows(self) -> Iterator[Row]:
        """The rows again."""
        for start, stop, p in zip(self.start.tolist(), self.stop.tolist(), self.p, strict=True):
            yield start, stop, p, False

    def pieces(self, hop: float) -> list[slice]:
        """Windows that follow one another without a loss."""
        cuts = np.flatnonzero(np.diff(self.start) > GAP * hop) + 1
        ends = [0, *cuts.tolist(), len(self.start)]
        return [slice(a, b) for a, b in pairwise(ends) if b > a]


@dataclass(frozen=True)
class Stream:
    """A sound whose scores and true events are known.

    Parameters
    ----------
    scores : Scores
        What the model said.
    truth : tuple of Segment
        The true events; those of a background class are passed over.
    duration : float
        Of the sound [s].
    name : str
        What the reader calls it.
    groups : tuple of str
        The group of each true event; empty for none.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when groups or times don't fit.
    """

    scores: Scores
    truth: tuple[Segment, ...]
    duration: float
    name: str = ""
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        in_range(self.duration, "duration", 1e-3, 1e9, unit="s")
        late = next((s for s in self.truth if s.start > self.duration), None)
        if late is not None:
            raise InputError(
                "E-ARGUMENT",
                f"{self.name or 'the stream'} lasts {self.duration:g} s, but a true event begins at "
                f"{late.start:g} s; expected events inside it - the label track of another sound?",
            )
        if len(self.groups) not in (0, len(self.truth)):
            raise InputError(
                "E-ARGUMENT",
                f"groups has {len(self.groups)} entries for {len(self.truth)} true events; expected "
                "one for each",
            )

    def of_labels(self, labels: Sequence[str], background: Sequence[str]) -> Stream:
        """The same stream with the true events of those classes that make events.

        Raises
        ------
        InputError
            ``E-LABEL`` when the truth names what the model doesn't know, ``E-ARGUMENT`` when the rows
            have another number of classes.
        """
        name = self.name or "the stream"
        for segment in self.truth:
            if segment.label not in labels:
                near = difflib.get_close_matches(segment.label, labels, n=1)
                tail = f" - did you mean {near[0]!r}?" if near else ""
                raise InputError(
                    "E-LABEL",
                    f"the truth of {name} names {segment.label!r}; expected one of "
                    f"{', '.join(labels)}{tail}",
                )
        if len(self.scores.p) and self.scores.p.shape[1] != len(labels):
            raise InputError(
                "E-ARGUMENT",
                f"the rows of {name} have {self.scores.p.shape[1]} probabilities; expected "
                f"{len(labels)}, one a class",
            )
        kept = [i for i, segment in enumerate(self.truth) if segment.label not in background]
        groups = tuple(self.groups[i] for i in kept) if self.groups else ()
        truth = tuple(self.truth[i] for i in kept)
        return Stream(self.scores, truth, self.duration, self.name, groups)


def hear(
    chunks: Iterable[NDArray[np.float32]],
    score: Score,
    truth: Sequence[Segment],
    *,
    duration: float,
    name: str = "",
    groups: Sequence[str] = (),
) -> Stream:
    """Let a model hear a sound once.

    Parameters
    ----------
    chunks : iterable of ndarray of shape (n,)
        The signal, part by part.
    score : Score
        From such parts to rows.
    truth : sequence of Segment
        The true events.
    duration : float
        Of the whole sound [s].
    name : str
        What the reader calls it.
    groups : sequence of str
        The group of each true event; empty for none.

    Returns
    -------
    Stream
    """
    return Stream(Scores.of(score(chunks)), tuple(truth), duration, name, tuple(groups))


# ------------------------------------------------------------------------------------ events


def smoothed(scores: Scores, smoothing: float, *, hop: float) -> FloatArray:
    """Exponential average of the probabilities over the windows of each piece.

    Parameters
    ----------
    scores : Scores
        The rows.
    smoothing : float
        Time constant τ [s].
    hop : float
        From one window to the next [s].

    Returns
    -------
    ndarray of shape (n_windows, n_classes)

    Notes
    -----
    y[i] = α p[i] + (1 - α) y[i - 1] with α = 1 - exp(-H / τ) and y[-1] = 0.

    Examples
    --------
    >>> smoothed(Scores.of([(i, i + 1, np.ones(1), False) for i in range(3)]), 1 / np.log(2), hop=1.0)
    array([[0.5  ],
           [0.75 ],
           [0.875]])
    """
    alpha = Rules(smoothing=smoothing).weight(hop)
    y = np.empty_like(scores.p)
    for piece in scores.pieces(hop):
        y[piece] = lfilter([alpha], [1.0, alpha - 1.0], scores.p[piece], axis=0)
    return y


def runs(y: FloatArray, threshold: float, release: float) -> tuple[IntArray, IntArray]:
    """Where a class is on: switched on at the threshold, off below the release.

    Parameters
    ----------
    y : ndarray of shape (n_windows,)
        Smoothed probabilities.
    threshold, release : float
        release <= threshold.

    Returns
    -------
    first, end : ndarray of shape (n_runs,)
        First window of each run, and the one after its last.

    Examples
    --------
    >>> runs(np.array([0.2, 0.9, 0.6, 0.4, 0.6, 0.9]), 0.8, 0.5)
    (array([1, 5]), array([3, 6]))
    """
    held = np.concatenate([[False], y >= release, [False]])
    edges = np.flatnonzero(held[1:] != held[:-1])
    begin, end = edges[::2], edges[1::2]  # where it would stay on; it goes on where it is reached
    reached = np.append(np.flatnonzero(y >= threshold), len(y))
    first = reached[np.searchsorted(reached, begin)]
    return first[first < end], end[first < end]


def all_runs(y: FloatArray, rules: Rules, pieces: Sequence[slice]) -> tuple[IntArray, IntArray]:
    """Runs of all pieces, counted from the first window of the stream."""
    found = [runs(y[piece], rules.threshold, rules.release) for piece in pieces]
    first = [a + piece.start for (a, _), piece in zip(found, pieces, strict=True)]
    end = [b + piece.start for (_, b), piece in zip(found, pieces, strict=True)]
    empty = np.zeros(0, dtype=np.int64)
    return np.concatenate([empty, *first]), np.concatenate([empty, *end])


def events_of(
    scores: Scores,
    labels: Sequence[str],
    rules: Rules,
    *,
    hop: float,
    background: Sequence[str] = (),
) -> list[Event]:
    """The events that `ddasp.procedure.events.detect` gives when they are over, by class and start.

    Parameters
    ----------
    scores : Scores
        The rows.
    labels, rules, hop, background
        As for `ddasp.procedure.events.Detector`.

    Returns
    -------
    list of Event

    Examples
    --------
    >>> rows = [(0.5 * i, 0.5 * i + 1, np.array([p]), False) for i, p in enumerate([0, 0.9, 0.9, 0])]
    >>> events_of(Scores.of(rows), ["tap"], Rules(), hop=0.5)
    [Event(label='tap', start=0.75, stop=1.75, probability=0.9, known_at=1.5)]
    """
    y, pieces = smoothed(scores, rules.smoothing, hop=hop), scores.pieces(hop)
    opens, closes = cells(scores, hop)
    n_least, events = rules.n_least(hop), []
    for k in watched(labels, background) if len(y) else []:
        for first, end in zip(*all_runs(y[:, k], rules, pieces), strict=True):
            if end - first >= n_least:
                known = round(float(scores.stop[first + n_least - 1]), 6)
                top = round(float(y[first:end, k].max()), 6)
                event = Event(labels[k], float(opens[first]), float(closes[end - 1]), top, known)
                events.append(event)
    return events


def cells(scores: Scores, hop: float) -> tuple[FloatArray, FloatArray]:
    """Start and stop of what each window speaks for [s], each of shape (n_windows,)."""
    centre = 0.5 * (scores.start + scores.stop)
    return np.maximum(0.0, np.round(centre - 0.5 * hop, 6)), np.round(centre + 0.5 * hop, 6)
