"""What the world does to a recording: level, noise, band limit, room, clipping.

*Conventions*: a signal has shape (n_samples,), full scale = 1, and comes back with the same length and
dtype; what is drawn is drawn from a passed ``rng``.

*References*: Polack 1988 (a room's late reverberation as exponentially decaying noise); Schroeder
1965 (how its decay is measured); Oppenheim and Schafer 2010, 7.5 (linear-phase filters by windows).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal as sps

from ddasp._check import in_range, signal_1d

__all__ = ["add_noise", "band_limit", "clip", "gain", "reverberate", "shift"]

Array = NDArray[np.floating]


def gain(signal: ArrayLike, db: float) -> Array:
    """Change the level.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Signal.
    db : float
        Change of level [dB].

    Returns
    -------
    ndarray of shape (n_samples,)
        x 10^(db / 20).

    Examples
    --------
    >>> gain([0.5, -0.5], 20.0)
    array([ 5., -5.])
    """
    x = signal_1d(signal)
    return np.asarray(x * x.dtype.type(10 ** (in_range(db, "db", -400, 400) / 20)))


def add_noise(signal: ArrayLike, snr: float, rng: np.random.Generator) -> Array:
    """Add white noise at a signal-to-noise ratio.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Signal; silence stays silent, for no ratio to it exists.
    snr : float
        Energy of the signal to that of the noise over the whole length [dB].
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    ndarray of shape (n_samples,)
        x + g n with g = sqrt(sum x^2 / sum n^2 / 10^(snr / 10)): the ratio is met exactly.

    Examples
    --------
    >>> x = np.sin(np.arange(1000.0))
    >>> y = add_noise(x, 6.0, np.random.default_rng(0))
    >>> float(10 * np.log10(np.sum(x**2) / np.sum((y - x) ** 2)))
    6.0
    """
    x = signal_1d(signal)
    in_range(snr, "snr", -200, 200, unit="dB")
    noise = rng.standard_normal(len(x))
    power = float(np.mean(np.square(x, dtype=np.float64))) if len(x) else 0.0
    if power == 0.0:
        return x.copy()
    noise *= np.sqrt(power / np.mean(noise**2) / 10 ** (snr / 10))
    return np.asarray(x + noise.astype(x.dtype))


def band_limit(signal: ArrayLike, rate: float, cutoff: float, *, n_taps: int = 255) -> Array:
    """Take away what lies above a frequency, without delay.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Signal.
    rate : float
        Sampling rate [Hz].
    cutoff : float
        Frequency of -6 dB [Hz], 0 < cutoff < rate / 2.
    n_taps : int
        Length of the filter; the transition is about 5.5 rate / n_taps wide.

    Returns
    -------
    ndarray of shape (n_samples,)
        Filtered by a linear-phase FIR filter (Blackman window), its delay taken out.

    Examples
    --------
    >>> high = np.sin(2 * np.pi * 3000 * np.arange(4000) / 8000)
    >>> bool(np.abs(band_limit(high, 8000, 1000)[500:-500]).max() < 1e-3)
    True
    """
    x = signal_1d(signal)
    in_range(cutoff, "cutoff", 1e-6 * rate, rate / 2 * (1 - 1e-6), unit="Hz")
    taps = sps.firwin(n_taps | 1, cutoff, window="blackman", fs=rate)
    return np.asarray(sps.fftconvolve(x, taps, mode="full")[len(taps) // 2 :][: len(x)], x.dtype)


def reverberate(signal: ArrayLike, rate: float, t60: float, rng: np.random.Generator) -> Array:
    """Put the sound into a room: the direct sound, then a tail of decaying noise.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Signal.
    rate : float
        Sampling rate [Hz].
    t60 : float
        Time in which the tail falls by 60 dB [s], up to 20.
    rng : numpy.random.Generator
        Source of the tail.

    Returns
    -------
    ndarray of shape (n_samples,)
        x * (delta + h), h(t) ~ n(t) exp(-6.91 t / t60) with the energy of the direct sound (a
        listener at the critical distance), at the level of x.

    Examples
    --------
    >>> x = np.zeros(800)
    >>> x[0] = 1.0
    >>> y = reverberate(x, 8000, 0.1, np.random.default_rng(0))
    >>> float(np.sqrt(np.sum(y**2)))
    1.0
    """
    x = signal_1d(signal)
    in_range(t60, "t60", 1e-3, 20.0, unit="s")
    n_tail = max(int(t60 * rate), 2)
    t = np.arange(1, n_tail + 1) / rate
    tail = rng.standard_normal(n_tail) * np.exp(-np.log(1000.0) * t / t60)
    response = np.concatenate([[1.0], tail / np.sqrt(np.sum(tail**2))])
    wet = sps.fftconvolve(x.astype(np.float64), response)[: len(x)]
    before, after = np.sum(np.square(x, dtype=np.float64)), np.sum(wet**2)
    return np.asarray(wet * np.sqrt(before / after) if after > 0 else wet, x.dtype)


def shift(signal: ArrayLike, n_samples: int) -> Array:
    """Move the sound later (n_samples > 0) or earlier; zeros come in, what leaves is lost.

    Examples
    --------
    >>> shift([1.0, 2.0, 3.0], 1), shift([1.0, 2.0, 3.0], -2)
    (array([0., 1., 2.]), array([3., 0., 0.]))
    """
    x = signal_1d(signal)
    moved = np.zeros_like(x)
    n = min(abs(n_samples), len(x))
    if n_samples >= 0:
        moved[n:] = x[: len(x) - n]
    else:
        moved[: len(x) - n] = x[n:]
    return moved


def clip(signal: ArrayLike, ceiling: float) -> Array:
    """Cut off what lies beyond plus and minus the ceiling, as an overdriven converter does.

    Examples
    --------
    >>> clip([0.2, -0.9], 0.5)
    array([ 0.2, -0.5])
    """
    x = signal_1d(signal)
    in_range(ceiling, "ceiling", 0.0, 1e9)
    return np.clip(x, -x.dtype.type(ceiling), x.dtype.type(ceiling))
