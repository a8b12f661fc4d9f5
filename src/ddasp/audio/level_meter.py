"""Levels of a whole sound that comes block by block: the numbers of `levels`, in flat memory.

*Conventions*: a block is float32 of shape (n_samples, n_channels), full scale = 1. Each number is that
of all samples so far, as the functions of `ddasp.audio.levels` give it of the whole: sums run over
blocks, so they agree to rounding, and to the last bit where there is one block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ddasp.audio.levels import db_to_amplitude

__all__ = ["LevelMeter"]

FRAME, SILENCE = 0.05, -60.0  # s, dBFS: those of `levels.silent_fraction`


class LevelMeter:
    """Peak, RMS, mean and share of silent frames of a sound in blocks.

    Parameters
    ----------
    rate : float
        Sampling rate [Hz].

    Attributes
    ----------
    peak : float
        Largest magnitude so far, full scale = 1.

    Examples
    --------
    >>> meter = LevelMeter(40)
    >>> for block in np.split(np.array([[0.5], [-0.5], [0.5], [0.0], [0.0]]), [3]):
    ...     meter.add(block)
    >>> meter.peak, meter.mean, round(meter.rms, 3), meter.silent
    (0.5, 0.1, 0.387, 0.3333333333333333)
    """

    def __init__(self, rate: float) -> None:
        self.peak = 0.0
        self._length = max(1, round(FRAME * rate))  # samples of a frame
        self._n_values, self._sum, self._energy = 0, 0.0, 0.0
        self._n_frames, self._n_silent = 0, 0
        self._begun = np.zeros(0)  # mean squares over the channels of a frame that is not whole yet

    def add(self, block: NDArray[np.floating]) -> None:
        """Take the next block.

        Parameters
        ----------
        block : ndarray of shape (n_samples, n_channels)
            Full scale = 1.
        """
        if not block.size:
            return
        squares = np.square(block, dtype=np.float64)
        self.peak = max(self.peak, float(block.max()), -float(block.min()))
        self._n_values += block.size
        self._sum += float(np.sum(block, dtype=np.float64))
        self._energy += float(squares.sum())
        course = np.concatenate([self._begun, squares.mean(axis=1)])
        n_whole = len(course) // self._length * self._length
        self._n_frames += n_whole // self._length
        self._n_silent += self._silent_in(course[:n_whole])
        self._begun = course[n_whole:]

    def _silent_in(self, course: NDArray[np.float64]) -> int:
        """How many frames of mean squares are silent; the last one may be shorter."""
        starts = np.arange(0, len(course), self._length)
        if not len(starts):
            return 0
        lengths = np.diff(np.append(starts, len(course)))
        levels = np.sqrt(np.add.reduceat(course, starts) / lengths)
        return int(np.count_nonzero(levels < db_to_amplitude(SILENCE)))

    @property
    def rms(self) -> float:
        """Root of the mean square, full scale = 1; 0 for no samples."""
        return float(np.sqrt(self._energy / max(self._n_values, 1)))

    @property
    def mean(self) -> float:
        """Mean, full scale = 1; 0 for no samples."""
        return self._sum / max(self._n_values, 1)

    @property
    def silent(self) -> float:
        """Share of the frames of 50 ms whose RMS lies below -60 dBFS; 1 for no samples."""
        n = self._n_frames + (len(self._begun) > 0)
        return (self._n_silent + self._silent_in(self._begun)) / n if n else 1.0
