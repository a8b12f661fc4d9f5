"""True peak: the largest magnitude of the signal between its samples, too.

A signal can rise above its samples, by 3 dB for a tone at fs/4 that is sampled 45 degrees beside
its crests. So values in between are computed, at n + 1/4, n + 1/2 and n + 3/4 below 192 kHz, none
from there on. An interpolator y[n] = sum_k h[k] x[n + k] for the place n + p should have the
frequency response of that shift,

    H(f) = sum_k h[k] exp(i 2 pi f k)  =  exp(i 2 pi f p),        |f| <= f_c,

f in cycles per sample. The h that comes nearest in least squares, with the error integrated from
-f_c to f_c, solves the normal equations

    sum_l sinc(2 f_c (k - l)) h[l] = sinc(2 f_c (k - p)),    k = -9 ... 10,

sinc x = sin(pi x) / (pi x). With 20 taps and f_c = 5/12, which is 20 kHz at 48 kHz, a tone below
f_c has the right amplitude within 0.061 dB. What is left to miss is that a crest may lie between
the places: a tone at f can be read too low by the factor cos(pi f / 4), 0.47 dB at f = 5/12 and
0.17 dB at 1/4.

*Conventions*: signals have shape (n_samples, n_channels), full scale = 1; levels in dBTP, decibels
relative to full scale, true peak. Outside of the signal are zeros: where a file begins or ends in
the middle of a sound, the overshoot of that edge counts. The samples themselves always count, so
the true peak is never below the sample peak.

*References*: ITU-R BS.1770-5 (2023), annex 2; EBU Tech 3341 (2023), table 1, cases 15 to 23; T. I.
Laakso, V. Valimaki, M. Karjalainen and U. K. Laine, "Splitting the unit delay", 1996, sec. 3
(least squares design).
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, signal_2d
from ddasp.audio.loudness_energies import PIECE, compiled_loops

__all__ = ["TruePeak", "interpolator", "largest_between", "oversampling", "peak_level", "true_peak"]

N_TAPS = 20
PASS_BAND = 5 / 12  # f_c, cycles per sample
LEAST = 84  # samples in a piece, from which on the compiled loop can be used: 64 and the taps


def oversampling(sampling_rate: float) -> int:
    """How many places for each sample are looked at: 4 below 192 kHz, then 1.

    Notes
    -----
    Twice the rate would be enough from 96 kHz on for what can be heard, but not for the standard's
    own test signals, which have tones up to fs/4.

    Examples
    --------
    >>> oversampling(48000), oversampling(192000)
    (4, 1)
    """
    return 4 if sampling_rate < 192000 else 1


@cache
def interpolator(factor: int) -> NDArray[np.float64]:
    """Taps for the places p = 1/factor, 2/factor, ... between sample 0 and sample 1.

    Parameters
    ----------
    factor : int
        Places for each sample, that of the sample included.

    Returns
    -------
    ndarray of shape (factor - 1, 20)
        h[k] for the samples k = -9 ... 10; not to be written to.

    Notes
    -----
    Least squares in the band below 5/12 cycles per sample; the module's docstring derives it.

    Examples
    --------
    Halfway, the neighbours count alike:

    >>> np.round(interpolator(2)[0, 7:13], 3)
    array([ 0.109, -0.201,  0.633,  0.633, -0.201,  0.109])
    """
    k = np.arange(N_TAPS) - (N_TAPS // 2 - 1)
    places = np.arange(1, factor) / factor
    R = np.sinc(2 * PASS_BAND * (k[:, np.newaxis] - k))
    r = np.sinc(2 * PASS_BAND * (k[:, np.newaxis] - places))
    taps = np.linalg.solve(R, r).T
    taps.flags.writeable = False
    return taps


def largest_between(signal: NDArray[np.floating], taps: NDArray[np.floating]) -> float:
    """The largest magnitude at the places of the interpolator.

    Parameters
    ----------
    signal : ndarray of shape (n_samples, n_channels)
        Full scale = 1; the first 9 and the last 10 samples only help.
    taps : ndarray of shape (n_places, 20)
        An interpolator.

    Returns
    -------
    float
        max |y|; 0 for fewer than 20 samples, or without places.
    """
    n, found = len(signal) - N_TAPS + 1, 0.0
    for h in taps.astype(signal.dtype) if n > 0 else ():
        y = h[0] * signal[:n]
        for k in range(1, N_TAPS):
            y += h[k] * signal[k : k + n]
        found = max(found, float(y.max()), float(-y.min()))
    return found


class TruePeak:
    """The peaks of a signal that comes in pieces.

    Parameters
    ----------
    sampling_rate : float
        Sampling rate [Hz].
    n_channels : int
        Number of channels.
    n_expected : int
        How many samples are to come, if that is known. From 2^21 on a compiled loop takes over,
        which computes in float32: the same up to 1e-6 dB.

    Examples
    --------
    >>> peaks = TruePeak(48000, 1)
    >>> for piece in np.split(np.array([[0.0], [0.5], [0.5], [0.0]]), 2):
    ...     peaks.push(piece)
    >>> peaks.sample, round(peaks.true(), 3)
    (0.5, 0.633)
    """

    def __init__(self, sampling_rate: float, n_channels: int, *, n_expected: int = 0) -> None:
        self.taps = interpolator(oversampling(sampling_rate))
        flat = self.taps.astype(np.float32).ravel()
        self._flat = flat, np.float32(np.abs(self.taps).sum(axis=1).max(initial=0.0))
        self.sample = self.between = 0.0  # largest magnitudes of samples, and between them
        self.n_samples, self.n_expected = 0, n_expected
        self._last = np.zeros((N_TAPS - 1, n_channels), np.float32)  # zeros come before the signal

    def push(self, signal: NDArray[np.floating]) -> None:
        """Take the next samples, any number of them.

        Parameters
        ----------
        signal : ndarray of shape (n_samples, n_channels)
            Finite floats; nothing is checked here.
        """
        for start in range(0, len(signal), PIECE):
            self._push(signal[start : start + PIECE])

    def _push(self, x: NDArray[np.floating]) -> None:
        self.n_samples += len(x)
        enough = len(self.taps) and len(x) >= LEAST
        loops = compiled_loops(max(self.n_samples, self.n_expected)) if enough else None
        if loops is None or x.dtype != np.float32:
            self.sample = max(self.sample, float(x.max()), float(-x.min()))
        if not len(self.taps):
            return
        begin = np.concatenate([self._last, x[:LEAST]])
        self._last = np.concatenate([self._last, x[1 - N_TAPS :]])[1 - N_TAPS :]
        for y in (begin, x):
            if loops is None or self.sample > 1e30:  # float32 ends at 3e38
                self.between = max(self.between, largest_between(y, self.taps))
            else:
                self._push_compiled(y, loops)

    def _push_compiled(self, x: NDArray[np.floating], loops: ModuleType) -> None:
        flat, so_far = np.ravel(x.astype(np.float32, copy=False)), max(self.between, self.sample)
        sample, between = loops.largest_between(flat, x.shape[1], *self._flat, np.float32(so_far))
        if x.dtype == np.float32:
            self.sample = max(self.sample, float(sample))
        self.between = max(self.between, float(between) if between > so_far else 0.0)

    def true(self) -> float:
        """The true peak of what came so far, with zeros behind it; full scale = 1."""
        if not len(self.taps):
            return self.sample
        ended = np.concatenate([self._last, np.zeros_like(self._last)])
        return max(self.sample, self.between, largest_between(ended, self.taps))

    def forget(self) -> None:
        """Drop the peaks so far; the samples before those to come stay known."""
        self.sample = self.between = 0.0


def peak_level(peak: float) -> float:
    """Decibels of a peak relative to full scale, 20 log10; -inf for 0."""
    return 20.0 * float(np.log10(peak)) if peak > 0 else -np.inf


def true_peak(signal: ArrayLike, sampling_rate: float) -> float:
    """True peak of all channels together.

    Parameters
    ----------
    signal : array_like of shape (n_samples, n_channels) or (n_samples,)
        Full scale = 1.
    sampling_rate : float
        Sampling rate [Hz].

    Returns
    -------
    float
        Level [dBTP]; -inf for silence.

    Examples
    --------
    A tone at fs/4, 45 degrees beside its crests, has a sample peak of -3 dBFS:

    >>> x = np.hanning(4800) * np.sin(np.pi / 2 * np.arange(4800) + np.pi / 4)
    >>> round(true_peak(x, 48000), 1)
    0.0
    """
    x = signal_2d(signal)
    in_range(sampling_rate, "sampling_rate", 100.0, np.inf, unit="Hz")
    peaks = TruePeak(sampling_rate, x.shape[1], n_expected=len(x))
    peaks.push(x)
    return peak_level(peaks.true())
