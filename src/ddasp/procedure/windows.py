"""The unit of decision: which pieces of a sound are decided on, in a file and in a stream.

*Conventions*: times in s from the beginning of the sound, rates in Hz. Window i of length L and hop H
spans i H to i H + L; a sound has all windows that fit, or one that is longer than the sound and is
filled up with zeros. Without a window the whole sound is one piece. A piece is mono at the analysis
rate and begins at the sample nearest to its start.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cutter", "Held", "Piece", "Window", "cut", "span", "windows"]

Signal = NDArray[np.float64]
Window = tuple[float, float]
"""Length and hop [s]."""

Piece = tuple[float, float, Signal]
"""Start [s], stop [s], samples of shape (n_samples,)."""

NEAR = 1e-9  # hops: what rounding may take


def _fit(duration: float, window: Window) -> int:
    """How many windows fit into a duration."""
    length, hop = window
    return max(int(np.floor((duration - length) / hop + NEAR)) + 1, 0)


def _place(i: int, window: Window) -> tuple[float, float]:
    length, hop = window
    return i * hop, i * hop + length


def windows(duration: float, window: Window | None) -> list[tuple[float, float]]:
    """Start and stop of each piece of a sound [s].

    The whole sound without a window; else all windows that fit, or one that is longer than the
    sound.

    Examples
    --------
    >>> windows(2.6, (1.0, 0.5))
    [(0.0, 1.0), (0.5, 1.5), (1.0, 2.0), (1.5, 2.5)]
    >>> windows(2.6, None), windows(0.6, (1.0, 1.0))
    ([(0.0, 2.6)], [(0.0, 1.0)])
    """
    if window is None:
        return [(0.0, duration)]
    return [_place(i, window) for i in range(max(_fit(duration, window), 1))]


def span(rate: float, start: float, stop: float) -> tuple[int, int]:
    """First sample of a piece, and how many it has."""
    return round(start * rate), max(round((stop - start) * rate), 1)


def cut(signal: Signal, rate: float, start: float, stop: float) -> Signal:
    """The samples from start to stop [s]; zeros follow where the signal ends before."""
    first, n = span(rate, start, stop)
    return _filled(signal[first : first + n], n)


def _filled(piece: Signal, n: int) -> Signal:
    return piece if len(piece) == n else np.concatenate([piece, np.zeros(n - len(piece))])


class Held:
    """The newest part of a sound that comes block by block.

    Attributes
    ----------
    n : int
        Samples that came so far.
    first : int
        The first of them that is still held.

    Examples
    --------
    >>> held = Held()
    >>> held.push(np.arange(5.0))
    >>> held.take(1, 3), held.take(4, 2)
    (array([1., 2., 3.]), array([4., 0.]))
    """

    def __init__(self) -> None:
        self.n = 0
        self.first = 0
        self._blocks: list[Signal] = []

    def push(self, samples: Signal) -> None:
        """Take the next samples, (n_samples,)."""
        self._blocks.append(samples)
        self.n += len(samples)

    def forget(self, first: int) -> None:
        """Drop what lies before a sample."""
        if first >= self.n:
            self._blocks = [self._blocks[-1][:0]] if self._blocks else []
            self.first = self.n
        elif first > self.first:
            held = self._blocks[0] if len(self._blocks) == 1 else np.concatenate(self._blocks)
            self._blocks = [held[first - self.first :]]
            self.first = first

    def take(self, first: int, n: int) -> Signal:
        """The n samples from one on, zeros where none came; what lies before it is dropped."""
        self.forget(first)
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        return _filled(self._blocks[0][:n] if self._blocks else np.zeros(0), n)


class Cutter:
    """The pieces of a sound that comes block by block: the same as of the whole.

    Parameters
    ----------
    rate : float
        Analysis rate [Hz].
    window : (float, float) or None
        Length and hop [s]; None for the whole sound, which is then kept until its end.

    Examples
    --------
    >>> cutter = Cutter(10, (0.4, 0.2))
    >>> [piece[:2] for piece in cutter.push(np.arange(7.0), 0.7)]
    [(0.0, 0.4), (0.2, 0.6)]
    >>> [(start, x) for start, _, x in cutter.finish(0.8)]
    [(0.4, array([4., 5., 6., 0.]))]
    """

    def __init__(self, rate: float, window: Window | None) -> None:
        self.rate, self.window = rate, window
        self._held = Held()
        self._i = 0  # the next window

    def push(self, samples: Signal, heard: float) -> Iterator[Piece]:
        """Take the next samples; gives the windows that are complete with them.

        Parameters
        ----------
        samples : ndarray of shape (n_samples,)
            At the analysis rate; none as well.
        heard : float
            Duration of all that was put in so far, at the rate at which it came [s]: it decides
            which windows there are, as the duration of a file does.

        Yields
        ------
        tuple
            Start, stop, samples.
        """
        self._held.push(samples)
        if self.window is None:
            return
        self._skip(2 * len(samples))
        n_fit = _fit(heard, self.window)
        while self._i < n_fit:
            start, stop = _place(self._i, self.window)
            if sum(span(self.rate, start, stop)) > self._held.n:
                return  # the resampler holds its end back
            yield self._next(start, stop)

    def _skip(self, much: int) -> None:
        """Drop what lies before the next window, once it is much."""
        assert self.window is not None
        first, n = span(self.rate, *_place(self._i, self.window))
        if min(first, self._held.n) - self._held.first > max(n, much):
            self._held.forget(first)

    def finish(self, duration: float) -> Iterator[Piece]:
        """End the sound after a duration [s]; gives the pieces that are left."""
        left = windows(duration, self.window)[self._i :]
        for start, stop in left:
            yield self._next(start, stop)

    def _next(self, start: float, stop: float) -> Piece:
        self._i += 1
        return start, stop, self._held.take(*span(self.rate, start, stop))
