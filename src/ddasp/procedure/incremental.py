"""Features of a stream, computed as the samples come, equal to those of the file.

A frame of the sound that lies inside a window is a frame of that window too, when the window begins
on a whole number of hops; so its courses are computed once, when its last sample comes, and every
window that holds it takes them. Only the few frames that reach over a window's edges, where the
window's own frames see zeros, are computed for each window. What is relative to the window as a
whole follows from the courses, in the same text as for files (`features.py`). A window that begins
between two hops is computed as a file's is, all at once.

*Conventions*: those of `features.py`. Samples are rounded to float32 on arrival, as `Analysis` does.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ddasp.audio import stft
from ddasp.audio.frame_stream import FrameStream
from ddasp.procedure.analysis import Analysis, Array, Grid
from ddasp.procedure.features import FEATURE_SETS
from ddasp.procedure.windows import Cutter, Piece, Window

__all__ = ["FeatureStream"]

MOST_WAITING = 64  # frames that wait for a window
NEAR = 1e-6  # samples: what rounding may take


class FeatureStream:
    """Windows of a stream with their features.

    Parameters
    ----------
    rate : float
        Analysis rate [Hz].
    window : (float, float) or None
        Length and hop [s]; None for the whole sound.
    name : str
        The feature set.

    Examples
    --------
    >>> stream = FeatureStream(8000, (0.5, 0.25), "mfcc")
    >>> found = list(stream.push(np.zeros(8000), 1.0))
    >>> [(piece[0], features.shape) for piece, features in found]
    [(0.0, (52,)), (0.25, (52,)), (0.5, (52,))]
    """

    def __init__(self, rate: float, window: Window | None, name: str) -> None:
        self._grid, self._set = Grid(rate), FEATURE_SETS[name]
        self._cutter = Cutter(rate, window)
        self._frames = FrameStream(self._grid.frame_length, self._grid.hop_length)
        self._rows: dict[str, Array] = {}  # courses of frames `_from` on
        self._from = 0
        self._n = 0  # frames that were complete so far
        self._waiting: list[Array] = []  # those whose courses are not computed yet
        self._before = np.zeros((0, self._grid.frame_length))  # the one before them, for the flux
        half = self._grid.frame_length // 2
        # frames of a window from `_lo` on see its samples alone, and so does the one before
        self._lo = -(-half // self._grid.hop_length) + 1
        self._names = self._set.courses if self._shares(window) else ()

    def _shares(self, window: Window | None) -> bool:
        """Whether frames inside a window are frames of the stream, and there are any."""
        if window is None:
            return False
        length, hop = (round(t * self._grid.rate) for t in window)
        between = abs(hop - window[1] * self._grid.rate) > NEAR or hop % self._grid.hop_length
        return not between and self._last(length) >= self._lo

    def _last(self, n_samples: int) -> int:
        """The last frame of a window that sees its samples alone."""
        grid = self._grid
        return (n_samples + grid.frame_length // 2 - grid.frame_length) // grid.hop_length

    def push(
        self, samples: NDArray[np.floating], heard: float
    ) -> Iterator[tuple[Piece, NDArray[np.float32]]]:
        """Take the next samples.

        Parameters
        ----------
        samples : ndarray of shape (n_samples,)
            At the analysis rate; none as well.
        heard : float
            Duration of all that came so far [s], as `Cutter.push` wants it.

        Yields
        ------
        tuple
            Each window that is complete (start, stop, samples), and its features (n_features,).
        """
        x = np.asarray(samples).astype(np.float32).astype(np.float64)
        if self._names:
            self._take(np.asarray(self._frames.push(x), np.float64))
        for piece in self._cutter.push(x, heard):
            yield piece, self._features(piece)

    def finish(self, duration: float) -> Iterator[tuple[Piece, NDArray[np.float32]]]:
        """End the stream after a duration [s]; gives what `push` gives, for the windows left."""
        for piece in self._cutter.finish(duration):
            yield piece, self._features(piece)

    def _take(self, frames: Array) -> None:
        """Keep frames that are complete; their courses wait until a window needs them."""
        if len(frames):
            self._n += len(frames)
            self._waiting.append(np.array(frames))
            if sum(map(len, self._waiting)) > MOST_WAITING:
                self._compute(frames[:0])

    def _compute(self, edges: Array) -> dict[str, Array]:
        """Courses of the frames that wait, to be kept, and of a window's edges, all at once.

        A call costs more than the numbers of a few frames; so there is one for each window.
        """
        grid, known = self._grid, len(self._before)
        block = np.concatenate([self._before, *self._waiting, edges])
        end = len(block) - len(edges)
        if not len(block):
            return {}
        P = grid.power(block) if self._names != ("energy",) else None
        found = {}
        for name in self._names:
            rows = grid.course(name, block, P)
            held = self._rows.get(name, rows[:0])
            self._rows[name] = np.concatenate([held, rows[known:end]])
            found[name] = rows[end:]
        self._before, self._waiting = block[:end][-1:], []
        return found

    def _features(self, piece: Piece) -> NDArray[np.float32]:
        start, _, x = piece
        first = round(start * self._grid.rate) // self._grid.hop_length
        courses = self._assembled(first, x) if self._names else {}
        analysis = Analysis(x, self._grid.rate, courses=courses)
        return self._set.compute(analysis, 1.0).ravel().astype(np.float32)

    def _assembled(self, first: int, x: Array) -> dict[str, Array]:
        """Courses of the window that begins at a frame: its edges anew, the middle as it came."""
        grid, lo = self._grid, self._lo
        last = self._last(len(x))
        if self._n <= first + last:  # filled up with zeros: frames of the stream end before
            return {}
        frames: Array = np.asarray(stft.frames(x, grid.frame_length, grid.hop_length), np.float64)
        # a frame's flux needs the one before: the first row of either edge is not that of a frame
        edges = self._compute(np.concatenate([frames[:1], frames[:lo], frames[last:]]))
        self._forget(first)
        return {
            name: np.concatenate(
                [rows[1 : lo + 1], self._rows[name][lo : last + 1], rows[lo + 2 :]]
            )
            for name, rows in edges.items()
        }

    def _forget(self, first: int) -> None:
        """Drop the courses of frames before one."""
        for name, rows in self._rows.items():
            self._rows[name] = rows[first - self._from :]
        self._from = first
