"""How power is distributed over frequency: the periodogram and Welch's average of periodograms.

A spectrum alone has no unit that survives a change of its length; power spectral density has. Its
integral over frequency is the mean square of the signal, whatever the length: white noise of
variance s^2 lies at 2 s^2 / fs in every bin, a sine of amplitude a is a peak of area a^2 / 2.

*Conventions*: one-sided densities [full scale^2 / Hz], the half below 0 Hz added to the half
above, shape (n_bins,), at `stft.frequencies` (n, sampling_rate). The mean is not removed. dtype in
is dtype out.

*References*: Schuster 1898 (periodogram); Welch 1967, "The use of fast Fourier transform for the
estimation of power spectra"; Oppenheim and Schafer 2010, *Discrete-Time Signal Processing*, 10.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from ddasp._check import in_range, signal_1d, whole
from ddasp._errors import InputError
from ddasp.audio.stft import frames, hann, power, spectra

__all__ = ["periodogram", "welch"]

BLOCK = 256  # segments that are transformed at a time


def _one_sided(P: NDArray[np.floating], n: int) -> NDArray[np.floating]:
    """Twice each bin that stands for two frequencies: all but 0 and, for even n, half the rate."""
    P[1 : (n + 1) // 2] *= 2
    return P


def periodogram(signal: ArrayLike, sampling_rate: float) -> NDArray[np.floating]:
    """Squared spectrum of the whole signal as a density.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        At least one sample.
    sampling_rate : float
        Sampling rate [Hz].

    Returns
    -------
    ndarray of shape (n_samples // 2 + 1,)
        Power spectral density [1/Hz].

    Notes
    -----
    P[k] = 2 |sum_n x[n] exp(-2 pi i k n / N)|^2 / (fs N), without the 2 at 0 Hz and at fs / 2;
    sum_k P[k] fs / N is the mean square (Parseval). It does not become smoother with more samples:
    its standard deviation stays as large as its mean. `scipy.signal.periodogram` removes the mean
    first, unless it is told ``detrend=False``.

    Examples
    --------
    >>> periodogram([1.0, -1.0, 1.0, -1.0], 4)
    array([0., 0., 1.])
    """
    x = signal_1d(signal)
    in_range(len(x), "number of samples", 1, np.inf)
    in_range(sampling_rate, "sampling_rate", 1e-6, 1e12, unit="Hz")
    scale = x.dtype.type(1.0 / (sampling_rate * len(x)))
    return _one_sided(power(np.asarray(fft.rfft(x))) * scale, len(x))


def welch(
    signal: ArrayLike, sampling_rate: float, segment_length: int, *, overlap: float = 0.5
) -> NDArray[np.floating]:
    """Mean of the periodograms of overlapping segments, each through the periodic Hann window.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        At least one segment; what is left after the last whole segment is not used.
    sampling_rate : float
        Sampling rate [Hz].
    segment_length : int
        Samples in a segment, N: more resolve frequencies more finely, fewer make the average
        steadier.
    overlap : float
        Share of a segment that the next one repeats, 0 to below 1. Half of it is the usual
        choice: less wastes the samples under the feet of the window, more adds little.

    Returns
    -------
    ndarray of shape (segment_length // 2 + 1,)
        Power spectral density [1/Hz].

    Raises
    ------
    InputError
        When the signal is shorter than a segment.

    Notes
    -----
    P[k] = mean_m 2 |sum_n w[n] x[n + m H] exp(-2 pi i k n / N)|^2 / (fs sum_n w[n]^2), with H =
    N (1 - overlap), rounded. `scipy.signal.welch` removes the mean of each segment first, unless
    it is told ``detrend=False``.

    Examples
    --------
    A sine of amplitude 1 has the power 1/2, the sum over its bins times their width:

    >>> x = np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))
    >>> (welch(x, 8000, 256).sum() * 8000 / 256).round(6)
    np.float64(0.5)
    """
    x = signal_1d(signal)
    N = whole(segment_length, "segment_length", 2)
    in_range(sampling_rate, "sampling_rate", 1e-6, 1e12, unit="Hz")
    in_range(overlap, "overlap", 0.0, 1.0 - 1.0 / N, hint="segments must move on")
    if len(x) < N:
        raise InputError(
            "E-ARGUMENT",
            f"signal has {len(x)} samples and segment_length is {N}; expected at least one whole "
            "segment - use shorter segments, or the periodogram",
        )
    segments = frames(x, N, max(1, round(N * (1.0 - overlap))), centre=False)
    total = np.zeros(N // 2 + 1)
    for start in range(0, len(segments), BLOCK):
        total += power(spectra(segments[start : start + BLOCK])).sum(axis=0, dtype=np.float64)
    scale = sampling_rate * np.sum(np.square(hann(N))) * len(segments)
    return _one_sided((total / scale).astype(x.dtype), N)
