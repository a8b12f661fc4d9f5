"""From a stream of probabilities to events: four numbers say when one begins, ends and counts.

A model that decides on sliding windows gives a row for each: start, stop, the probability of each
class, and whether nothing was heard. `Detector` takes these rows one by one, keeps a few numbers
for each class, and gives out every event twice: as soon as it is sure to be one, and when it is
over.

Each of the four numbers of `Rules` answers one kind of error, and none does another's work:

- ``smoothing`` averages over time: one wrong window among right ones no longer decides;
- ``threshold`` trades events that are missed for false alarms;
- ``hysteresis`` keeps one event from becoming many where the probability wavers at the threshold;
- ``least`` drops what is shorter than any true event.

A fifth, the longest gap that is bridged, is not needed: smoothed by the time constant τ, a fall of
the probability from 1 to 0 ends an event only after τ ln(1 / (threshold - hysteresis)); shorter
gaps are bridged.

*Conventions*: times in s, on the clock of the rows, rounded to 1 µs. A window of length L at s
speaks for the hop H around its centre, [s + L/2 - H/2, s + L/2 + H/2]: these cells tile the time
axis, and a window that is labelled by what covers more than half of it is positive exactly while
its centre lies in the event, so start and stop are known to ± H/2. Of a sound shorter than L the
centre is known as well, the edges to ± L/2. Smoothing adds its delay: a step from 0 to 1 begins τ
ln(1 / (1 - threshold)) late. Before the first row nothing was heard; a silent window counts as
probability 0 of every class. Classes are detected independently, as in the field; smoothing is
linear, so smoothed probabilities still sum to 1 at most, and two events overlap only where
threshold - hysteresis is 0.5 or less.

*References*: Mesaros, Heittola and Virtanen 2016, "Metrics for polyphonic sound event detection";
Cakir et al. 2017, "Convolutional recurrent neural networks for polyphonic sound event detection"
(each class on its own); Schmitt 1938, "A thermionic trigger" (hysteresis).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range
from ddasp._errors import InputError

__all__ = ["Detector", "Event", "Row", "Rules", "detect", "watched"]

Row = tuple[float, float, NDArray[np.floating], bool]
"""Start [s], stop [s], probabilities of shape (n_classes,), whether nothing was heard."""

NEAR = 1e-9  # s and windows: what rounding may take
OFF = 1e-6  # what rounding in float32 may take from a probability
GAP = 1.5  # hops from one row to the next; with more, something was lost between them


@dataclass(frozen=True)
class Rules:
    """The four numbers.

    Parameters
    ----------
    threshold : float
        An event begins when its smoothed probability reaches this, 0 < threshold <= 1.
    hysteresis : float
        It ends when the smoothed probability falls below threshold - hysteresis,
        0 <= hysteresis < threshold; so silence ends every event.
    smoothing : float
        Time constant τ of the exponential average [s]; 0 for none.
    least : float
        Shorter events are dropped [s].

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when one lies outside its range.

    Examples
    --------
    >>> Rules(threshold=0.8).release
    0.7
    """

    threshold: float = 0.5
    hysteresis: float = 0.1
    smoothing: float = 0.0
    least: float = 0.0

    def __post_init__(self) -> None:
        in_range(self.threshold, "threshold", 1e-6, 1.0)
        in_range(self.hysteresis, "hysteresis", 0.0, 1.0)
        in_range(self.smoothing, "smoothing", 0.0, 3600.0, unit="s", hint="given in milliseconds?")
        in_range(self.least, "least", 0.0, 3600.0, unit="s", hint="given in milliseconds?")
        if self.hysteresis >= self.threshold:
            raise InputError(
                "E-ARGUMENT",
                f"hysteresis is {self.hysteresis:g}; expected less than the threshold, "
                f"{self.threshold:g} - or nothing would ever end",
            )

    @property
    def release(self) -> float:
        """Below this smoothed probability an event ends."""
        return self.threshold - self.hysteresis

    def weight(self, hop: float) -> float:
        """Share of the newest window in the average: α = 1 - exp(-H / τ)."""
        return -math.expm1(-hop / self.smoothing) if self.smoothing else 1.0

    def n_least(self, hop: float) -> int:
        """Windows that make an event long enough: the first n with n H >= least."""
        return max(1, math.ceil(self.least / hop - NEAR))


@dataclass(frozen=True)
class Event:
    """Something that was heard.

    Attributes
    ----------
    label : str
        Its class.
    start : float
        When it began [s].
    stop : float or None
        When it ended [s]; None while it lasts.
    probability : float
        The largest smoothed probability so far; no threshold above it finds the event.
    known_at : float
        When it was sure to be one [s]: the end of the window that made it long enough. How late a
        machine can tell, apart from its computing, is ``known_at`` less the true start.

    Examples
    --------
    >>> Event("dog", 1.5, None, 0.8, 2.5).is_over
    False
    """

    label: str
    start: float
    stop: float | None
    probability: float
    known_at: float

    @property
    def is_over(self) -> bool:
        """Whether its stop is known."""
        return self.stop is not None


def watched(labels: Sequence[str], background: Sequence[str]) -> list[int]:
    """Index of each class that makes events.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when a background class is unknown, or no other class is left.

    Examples
    --------
    >>> watched(["dog", "street", "tram"], ["street"])
    [0, 2]
    """
    for name in background:
        if name not in labels:
            near = difflib.get_close_matches(name, labels, n=1)
            tail = f" - did you mean {near[0]!r}?" if near else ""
            raise InputError(
                "E-ARGUMENT",
                f"background names {name!r}; expected one of {', '.join(labels)}{tail}",
            )
    left = [k for k, label in enumerate(labels) if label not in background]
    if not left:
        raise InputError(
            "E-ARGUMENT", "background names every class; expected at least one that makes events"
        )
    return left


@dataclass(frozen=True)
class _Run:
    """Windows in a row in which a class is on."""

    start: float  # of the first window's cell
    stop: float  # of the last window's cell
    n: int
    probability: float
    known_at: float = math.nan  # until it is long enough


class Detector:
    """Events from rows, as they come.

    Parameters
    ----------
    labels : sequence of str
        Names of the classes, in the order of the probabilities.
    rules : Rules
        The four numbers.
    hop : float
        From one window's start to the next [s].
    background : sequence of str
        Classes that never make events.

    Notes
    -----
    With the probability p of a class in window i, the smoothed one is y[i] = α p[i] + (1 - α) y[i - 1],
    y[-1] = 0 and α = 1 - exp(-H / τ). A class is switched on where y >= threshold and off where
    y < threshold - hysteresis. A row that comes more than 1.5 hops after the last one shows that
    something was lost: what is on ends there, and y starts at 0 again.

    Examples
    --------
    >>> detector = Detector(["dog", "street"], Rules(0.5), hop=1.0, background=["street"])
    >>> for i, p in enumerate([0.1, 0.9, 0.7, 0.2]):
    ...     for event in detector.push(i, i + 1, [p, 1 - p], False):
    ...         print(event)
    Event(label='dog', start=1.0, stop=None, probability=0.9, known_at=2.0)
    Event(label='dog', start=1.0, stop=3.0, probability=0.9, known_at=2.0)
    """

    def __init__(
        self,
        labels: Sequence[str],
        rules: Rules,
        *,
        hop: float,
        background: Sequence[str] = (),
    ) -> None:
        self.labels, self.rules = list(labels), rules
        self.hop = in_range(hop, "hop", 1e-4, 3600.0, unit="s", hint="given in milliseconds?")
        self._watched = watched(self.labels, background)
        self._weight, self._n_least = rules.weight(self.hop), rules.n_least(self.hop)
        self._smooth = np.zeros(len(self.labels))
        self._runs: dict[int, _Run] = {}
        self._last = -math.inf

    def push(self, start: float, stop: float, p: ArrayLike, silent: bool) -> list[Event]:
        """Hear one window.

        Parameters
        ----------
        start, stop : float
            Of the window [s]; later than the one before.
        p : array_like of shape (n_classes,)
            Probability of each class.
        silent : bool
            Whether nothing was heard.

        Returns
        -------
        list of Event
            What is now sure to have begun (``stop`` is None), then what is over, each by start and
            class.

        Raises
        ------
        InputError
            ``E-ARGUMENT`` when the row is not of this stream.
        """
        p = self._checked(start, p)
        found = self.flush() if start - self._last > GAP * self.hop else []
        self._last = start
        heard = np.zeros_like(p) if silent else p
        self._smooth = self._weight * heard + (1 - self._weight) * self._smooth
        centre = 0.5 * (start + stop)
        begun, over = [], []
        for k in self._watched:
            run = self._runs.pop(k, None)
            if not self._is_on(k, run):
                over += self._ended(k, run)
                continue
            self._runs[k] = run = self._longer(k, run, centre, stop)
            if run.n == self._n_least:
                begun.append(self._event(k, run, is_over=False))
        return found + _in_order(begun) + _in_order(over)

    def flush(self) -> list[Event]:
        """Events that are over because the stream is; the next row starts a new one."""
        over = [event for k, run in self._runs.items() for event in self._ended(k, run)]
        self._smooth = np.zeros(len(self.labels))
        self._runs, self._last = {}, -math.inf
        return _in_order(over)

    def _checked(self, start: float, p: ArrayLike) -> NDArray[np.float64]:
        values = np.asarray(p, dtype=np.float64)
        if values.shape != (len(self.labels),):
            raise InputError(
                "E-ARGUMENT",
                f"p has shape {values.shape}; expected ({len(self.labels)},), one a class",
            )
        if not np.all((values >= -OFF) & (values <= 1 + OFF)):  # false for NaN as well
            raise InputError(
                "E-ARGUMENT", f"p is {values}; expected probabilities, 0 to 1 - are these logits?"
            )
        if not start > self._last:
            raise InputError(
                "E-ARGUMENT",
                f"a window at {start:g} s follows one at {self._last:g} s; expected a later one - "
                "does another sound begin? Call flush between them",
            )
        return values

    def _is_on(self, k: int, run: _Run | None) -> bool:
        level = self.rules.threshold if run is None else self.rules.release
        return bool(self._smooth[k] >= level)

    def _longer(self, k: int, run: _Run | None, centre: float, known: float) -> _Run:
        """The run with one window more."""
        p = float(self._smooth[k])
        if run is None:
            run = _Run(max(0.0, round(float(centre - 0.5 * self.hop), 6)), 0.0, 0, 0.0)
        n = run.n + 1
        return replace(
            run,
            stop=round(float(centre + 0.5 * self.hop), 6),
            n=n,
            probability=max(run.probability, p),
            known_at=round(float(known), 6) if n == self._n_least else run.known_at,
        )

    def _ended(self, k: int, run: _Run | None) -> list[Event]:
        if run is None or run.n < self._n_least:
            return []
        return [self._event(k, run, is_over=True)]

    def _event(self, k: int, run: _Run, *, is_over: bool) -> Event:
        stop = run.stop if is_over else None
        return Event(self.labels[k], run.start, stop, round(run.probability, 6), run.known_at)


def _in_order(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.start)  # stable: classes stay in their order


def detect(
    rows: Iterable[Row],
    labels: Sequence[str],
    rules: Rules,
    *,
    hop: float,
    background: Sequence[str] = (),
) -> Iterator[Event]:
    """All events of one sound, as they come.

    Parameters
    ----------
    rows : iterable of Row
        Start, stop, probabilities, silent.
    labels, rules, hop, background
        As for `Detector`.

    Yields
    ------
    Event
        Each twice: begun (``stop`` is None) and over.

    Examples
    --------
    >>> rows = [(0.5 * i, 0.5 * i + 1, np.array([p]), False) for i, p in enumerate([0, 0.9, 0.9, 0])]
    >>> [e.stop for e in detect(rows, ["tap"], Rules(), hop=0.5)]
    [None, 1.75]
    """
    detector = Detector(labels, rules, hop=hop, background=background)
    for row in rows:
        yield from detector.push(*row)
    yield from detector.flush()
