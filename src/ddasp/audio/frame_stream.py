"""Frames of a signal that arrives in pieces: the same frames as those of the whole signal.

*Conventions*: those of `stft.frames`. However the signal is cut, single samples and empty pieces
included, the frames that `FrameStream.push` and `FrameStream.flush` return, one below the other,
are those of ``frames(signal, frame_length, hop_length, centre=centre)``, sample for sample. Kept
are the samples that later frames still need, fewer than one frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import signal_1d, whole

__all__ = ["FrameStream"]

Array = NDArray[np.floating]


class FrameStream:
    """Cuts a signal into overlapping frames while it arrives.

    Parameters
    ----------
    frame_length, hop_length : int
        Length of a frame, and from one frame to the next [samples].
    centre : bool
        Whether frame m is centred on sample m * hop_length, with zeros around the signal. It is
        complete when frame_length - frame_length // 2 samples from there on have arrived.

    Examples
    --------
    >>> stream = FrameStream(2, 1, centre=False)
    >>> stream.push([1.0, 2.0])
    array([[1., 2.]])
    >>> stream.push([3.0])
    array([[2., 3.]])
    >>> stream.flush().shape
    (0, 2)
    """

    def __init__(self, frame_length: int, hop_length: int, *, centre: bool = True) -> None:
        self.frame_length = whole(frame_length, "frame_length")
        self.hop_length = whole(hop_length, "hop_length")
        self.centre = centre
        self._begin()

    def _begin(self) -> None:
        self._before = self.frame_length // 2 if self.centre else 0
        self._kept: Array | None = None  # samples from the start of the next frame on
        self._skip = 0  # samples to come before the next frame, where frames do not touch
        self._n_samples = 0

    def push(self, chunk: ArrayLike) -> Array:
        """Take the next samples.

        Parameters
        ----------
        chunk : array_like of shape (n_samples,)
            float32 or float64; the first chunk of a signal decides for all its frames.

        Returns
        -------
        ndarray of shape (n_frames, frame_length)
            The frames that these samples complete, often none; a read-only view.
        """
        x = signal_1d(chunk, "chunk")
        if self._kept is None:
            self._kept = np.zeros(self._before, x.dtype)
        self._n_samples += len(x)
        return self._cut(x)

    def flush(self) -> Array:
        """End the signal; the next `push` begins another one.

        Returns
        -------
        ndarray of shape (n_frames, frame_length)
            The frames that reach over its end into zeros.
        """
        if self._kept is None:
            self.push(np.zeros(0))
        n_after = max(self._before, self.frame_length - self._n_samples - self._before)
        frames = self._cut(np.zeros(n_after))
        self._begin()
        return frames

    def _cut(self, x: Array) -> Array:
        """All frames that are complete with x, and the rest for later."""
        assert self._kept is not None
        skipped = min(self._skip, len(x))
        self._skip -= skipped
        samples = np.concatenate([self._kept, x[skipped:].astype(self._kept.dtype, copy=False)])
        n_frames = max(0, 1 + (len(samples) - self.frame_length) // self.hop_length)
        consumed = n_frames * self.hop_length
        self._skip += max(0, consumed - len(samples))
        self._kept = samples[consumed:].copy()
        if not n_frames:
            return np.zeros((0, self.frame_length), samples.dtype)
        views = np.lib.stride_tricks.sliding_window_view(samples, self.frame_length)
        return np.asarray(views[:: self.hop_length])
