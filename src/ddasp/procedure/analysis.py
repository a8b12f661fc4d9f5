"""What the feature sets of one sound share: its frames, spectra, mel bands and their loudness.

*Conventions*: one mono signal of shape (n_samples,), full scale = 1; time first. Each thing is
computed when it is first asked for, and once. Powers in the mel bands are relative to the
loudest of the sound, so that a gain changes nothing that is built on them.

*References*: Stevens 1955, "The measurement of loudness"; Jaitly and Hinton 2013 (warping);
Viikki and Laurila 1998 (mean and variance normalisation over the utterance).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, signal_1d
from ddasp.audio import levels, mel, stft

__all__ = ["Analysis", "normalise", "shortest", "time_normalise"]

FRAME, HOP = 0.032, 0.010  # s
N_MELS, F_MIN = 40, 60.0  # bands; Hz
# Of the rate: a bank warped by 1.08 stays below half the rate, and above it resampling has taken
# part of the spectrum away, which would tell the file's own rate.
F_MAX = 0.45
RANGE = 80.0  # dB below the loudest mel band of a sound, at which the mel spectrum is floored
LOUDNESS = 0.3  # Stevens' exponent: loudness grows as that power of the intensity
ACTIVE = 60.0  # dB below the loudest frame, from which on a frame counts as silent

BLOCK = 1024  # frames whose spectra are held at a time

Array = NDArray[np.float64]


def shortest(rate: float) -> int:
    """Samples of one analysis frame: shorter sounds are followed by zeros.

    Examples
    --------
    >>> shortest(8000)
    256
    """
    return max(4, round(FRAME * rate))


def time_normalise(trajectory: ArrayLike, n_steps: int, weights: ArrayLike | None = None) -> Array:
    """Any number of frames as a fixed number of steps, by averaging over equal parts of the time.

    Parameters
    ----------
    trajectory : array_like of shape (n_frames, n_features)
        C; frame m stands for the time from m to m + 1.
    n_steps : int
        Number of steps T.
    weights : array_like of shape (n_frames,), optional
        How much time each frame is worth, w > 0; default 1. Parts are equal in sum of weights,
        so that a long soft part takes few steps.

    Returns
    -------
    ndarray of shape (n_steps, n_features)
        The weighted mean of C over each part; frames at a border count by the share that lies
        inside. The weighted mean over all time is kept.

    Examples
    --------
    >>> time_normalise([[0.0], [2.0], [4.0]], 2)
    array([[0.66666667],
           [3.33333333]])
    >>> time_normalise([[0.0], [2.0], [4.0]], 2, [1.0, 1.0, 2.0])
    array([[1.],
           [4.]])
    """
    C = np.asarray(trajectory, dtype=np.float64)
    n = len(C)
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    clock = np.concatenate([[0.0], np.cumsum(w)])
    integral = np.zeros((n + 1, C.shape[1]))  # of C over the clock
    np.cumsum(C * w[:, np.newaxis], axis=0, out=integral[1:])
    borders = np.linspace(0.0, clock[-1], n_steps + 1)
    frame = np.clip(np.searchsorted(clock, borders, side="right") - 1, 0, n - 1)
    at_borders = integral[frame] + (borders - clock[frame])[:, np.newaxis] * C[frame]
    return np.asarray(np.diff(at_borders, axis=0) * (n_steps / clock[-1]))


def normalise(trajectory: ArrayLike, *, softening: float = 1e-3) -> Array:
    """Mean 0 and standard deviation 1 of each column over the frames, (C - mean) / (std + s).

    Examples
    --------
    >>> normalise([[1.0, 5.0], [3.0, 5.0]], softening=0.0 + 1e-9)
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    C = np.asarray(trajectory, dtype=np.float64)
    centred = C - C.mean(axis=0)
    return np.asarray(centred / (np.sqrt(np.mean(np.square(centred), axis=0)) + softening))


class Analysis:
    """What the feature sets of one sound share, each computed when it is first asked for.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Full scale = 1; one shorter than a frame is followed by zeros.
    rate : float
        Sampling rate [Hz].
    file_rate : float, optional
        Sampling rate of the file the sound came from [Hz]; default `rate`.
    """

    def __init__(self, signal: ArrayLike, rate: float, file_rate: float | None = None) -> None:
        x = signal_1d(signal).astype(np.float64)
        self.rate = in_range(rate, "rate", 1000.0, 768000.0, unit="Hz")
        self.file_rate = self.rate if file_rate is None else file_rate
        self.n_samples = len(x)
        self.frame_length = shortest(rate)
        self.hop_length = max(1, round(HOP * rate))
        self.n_fft = stft.next_power_of_2(self.frame_length)
        self.signal = np.concatenate([x, np.zeros(max(0, self.frame_length - len(x)))])
        self._mel: dict[float, Array] = {}

    @cached_property
    def frames(self) -> Array:
        """Frames without a window, a view of shape (n_frames, frame_length)."""
        return np.asarray(stft.frames(self.signal, self.frame_length, self.hop_length))

    @cached_property
    def times(self) -> Array:
        """Centres of the frames [s], (n_frames,)."""
        return np.asarray(np.arange(len(self.frames)) * (self.hop_length / self.rate))

    @cached_property
    def energies(self) -> Array:
        """Mean square of each frame, (n_frames,)."""
        return np.asarray(np.einsum("mn,mn->m", self.frames, self.frames) / self.frame_length)

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Frames at most `ACTIVE` dB below the loudest; all of them in a sound of zeros."""
        return np.asarray(self.energies >= self.energies.max() * 10.0 ** (-ACTIVE / 10.0))

    @cached_property
    def frequencies(self) -> Array:
        """Frequencies of the bins [Hz], (n_bins,)."""
        return stft.frequencies(self.n_fft, self.rate)

    def power(self) -> Iterator[tuple[slice, Array]]:
        """Which frames, and their power spectra (n, n_bins), for `BLOCK` frames at a time.

        Powers are relative to the mean square of the loudest frame. A long recording is never
        held as a whole; a short one is transformed once.
        """
        if len(self.frames) <= BLOCK:
            yield slice(0, len(self.frames)), self._whole_power
            return
        for start in range(0, len(self.frames), BLOCK):
            part = slice(start, start + BLOCK)
            yield part, self._power_of(self.frames[part])

    @cached_property
    def _whole_power(self) -> Array:
        return self._power_of(self.frames)

    def _power_of(self, frames: Array) -> Array:
        loudest = self.energies.max()
        P = stft.power(stft.spectra(frames, n_fft=self.n_fft))
        return np.asarray(P / loudest if loudest > 0 else P)

    def mel(self, warp: float) -> Array:
        """Powers in mel bands relative to the loudest of the sound, (n_frames, N_MELS).

        In a sound of zeros all are 1.
        """
        if warp not in self._mel:
            bands = mel.MelBands(N_MELS, F_MIN, F_MAX * self.rate, warp=warp)
            W = mel.filter_bank(bands, self.n_fft, self.rate)
            P = np.concatenate([P @ W.T for _, P in self.power()])
            loudest = P.max()
            self._mel[warp] = np.asarray(P / loudest if loudest > 0 else np.ones_like(P))
        return self._mel[warp]

    def log_mel(self, warp: float) -> Array:
        """The same as levels, floored at -`RANGE` dB, (n_frames, N_MELS)."""
        return np.asarray(levels.power_to_db(self.mel(warp), floor=-RANGE))

    def loudness(self, warp: float) -> Array:
        """Stevens' loudness of each frame, the 0.3rd power of its sum over the bands, (n_frames,).

        Relative to the loudest frame, plus 0.001: as the weights of `time_normalise` it makes
        time run fast where the sound is loud, and pauses and reverberation take few steps.
        """
        E = self.mel(warp).sum(axis=1)
        return np.asarray((E / E.max()) ** LOUDNESS + 1e-3)
