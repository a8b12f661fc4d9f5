"""Slower without lower, higher without faster: the phase vocoder.

Frames are taken from the sound at one pace and laid down at another. A frame may be laid down as it is
only if its phases continue those of the frame before; so each bin's phase is advanced by what the
sound itself advances in the time between two frames that are laid down, which two analyses this far
apart tell without any unwrapping. Neighbouring bins belong to one partial and are kept in step by
Puckette's sum.

*Conventions*: mono signals of shape (n_samples,), the floating dtype is kept; rates in Hz. Onsets are
smeared by up to half a window (about 25 ms) where the factor is far from 1.

*References*: Flanagan & Golden 1966, "Phase vocoder"; Puckette 1995, "Phase-locked vocoder";
Laroche & Dolson 1999, "Improved phase vocoder time-scale modification of audio".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft, rfft

from ddasp._check import in_range, signal_1d
from ddasp.audio.resampling import resample

__all__ = ["pitch_shift", "stretch"]

Array = NDArray[np.floating]

WINDOW = 0.05  # s; the nearest power of two in samples: 5 periods of 100 Hz
OVERLAP = 4


def stretch(signal: ArrayLike, rate: float, factor: float) -> Array:
    """Change the duration and keep the pitch.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound.
    rate : float
        Sampling rate [Hz].
    factor : float
        New duration over old, 0.25 to 4.

    Returns
    -------
    ndarray of shape (n_new,)
        n_new = factor n_samples, rounded, at least 1. What was at time t is at factor t.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the factor is out of range.

    Notes
    -----
    With X_m the spectrum of the frame at m H / factor, X'_m that of H samples before, and Y_m what
    is laid down at m H: ``Y_m = |X_m| exp(i arg(Z_(m-1) X_m / X'_m))``, where ``Z[k] = Y[k] - Y[k-1]
    - Y[k+1]`` carries the phase of the partial to which a bin belongs (Puckette 1995). Tones keep
    their level; noise, whose bins are no partials, loses up to 3 dB.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    >>> y = stretch(x, 8000, 1.5)
    >>> y.size, int(np.argmax(np.abs(np.fft.rfft(y))) * 8000 / y.size)
    (12000, 440)
    """
    x = signal_1d(signal)
    in_range(rate, "rate", 1.0, 1e7, unit="Hz")
    in_range(factor, "factor", 0.25, 4.0, hint="in percent?")
    if factor == 1 or not x.size:
        return x.copy()
    n_new = max(1, round(x.size * factor))
    length = 1 << max(4, round(np.log2(WINDOW * rate)))
    hop = length // OVERLAP
    w = np.hanning(length + 1)[:length]
    n_frames = n_new // hop + 2
    # frame m is centred on sample m hop / factor; the frame before it begins hop samples earlier
    starts = np.rint(np.arange(n_frames) * hop / factor).astype(int) + hop
    padded = np.pad(x.astype(np.float64), (length // 2 + hop, length + 2 * hop))
    y, total = np.zeros(n_frames * hop + length), np.zeros(n_frames * hop + length)
    Y = rfft(w * _frame(padded, starts[0], length))
    for m, start in enumerate(starts):
        if m:
            Y = _advanced(
                Y,
                rfft(w * _frame(padded, start, length)),
                rfft(w * _frame(padded, start - hop, length)),
            )
        here = slice(m * hop, m * hop + length)
        y[here] += w * irfft(Y, length)
        total[here] += w**2
    inner = slice(length // 2, length // 2 + n_new)
    return np.asarray(y[inner] / total[inner]).astype(x.dtype)


def _frame(padded: NDArray[np.float64], start: int, length: int) -> NDArray[np.float64]:
    start = min(start, padded.size - length)
    return padded[start : start + length]


def _advanced(Y: NDArray, X: NDArray, X_before: NDArray) -> NDArray:
    """X with the phases that follow those of Y as X follows X_before."""
    Z = Y.copy()
    Z[1:] -= Y[:-1]
    Z[:-1] -= Y[1:]
    turn = Z * np.conj(X_before)
    size = np.abs(turn)
    # where one of the two is silent there is no phase to continue
    return X * np.where(size > 1e-30, turn / np.maximum(size, 1e-300), 1.0)


def pitch_shift(signal: ArrayLike, rate: float, semitones: float) -> Array:
    """Change the pitch and keep the duration.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound.
    rate : float
        Sampling rate [Hz].
    semitones : float
        Up above 0, down below it, -24 to 24; 12 are an octave. Formants move along.

    Returns
    -------
    ndarray of shape (n_samples,)
        Every frequency f becomes ``2^(semitones / 12) f``; what would lie above rate / 2 is gone.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the shift is out of range.

    Notes
    -----
    Stretched by the ratio r, then resampled from r rate to rate.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    >>> y = pitch_shift(x, 8000, 12)
    >>> y.size, int(np.argmax(np.abs(np.fft.rfft(y))))
    (8000, 880)
    """
    x = signal_1d(signal)
    in_range(semitones, "semitones", -24.0, 24.0, hint="in cents?")
    ratio = 2.0 ** (semitones / 12)
    longer = stretch(x, rate, ratio)
    if semitones == 0 or not x.size:
        return longer
    y = resample(longer, ratio * rate, rate)[: x.size]
    return np.pad(y, (0, x.size - y.size))
