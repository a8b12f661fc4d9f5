"""Noises with given spectra: a slope, a curve, a band, the long-term spectrum of speech.

All are Gaussian noise weighted in the frequency domain, with an RMS of 1.

*Conventions*: mono signals of shape (n_samples,), float64; rates and frequencies in Hz, levels of
spectra in dB as density (power per Hz). All randomness comes from the generator that is passed in.

*References*: ANSI S3.5 (1997, R2017), table 1: speech at normal vocal effort, in critical bands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft, next_fast_len, rfft

from ddasp._check import in_range
from ddasp._errors import InputError

__all__ = ["SPEECH_SPECTRUM", "band_noise", "noise", "shaped_noise", "speech_noise"]

Array = NDArray[np.float64]

SPEECH_SPECTRUM: tuple[tuple[float, float], ...] = (
    (80, -20.0), (100, 31.44), (150, 31.44), (250, 34.75), (350, 34.14), (450, 34.58),
    (570, 33.17), (700, 30.64), (840, 27.59), (1000, 25.01), (1170, 23.52), (1370, 22.28),
    (1600, 20.15), (1850, 18.29), (2150, 16.37), (2500, 13.80), (2900, 12.21), (3400, 11.09),
    (4000, 9.33), (4800, 5.84), (5800, 3.47), (7000, 1.78), (8500, -0.14), (9500, -0.14),
    (11_000, -40.0),
)  # fmt: skip
"""Spectrum of speech: frequency [Hz] and density [dB]; it ends with the lowest and highest band."""


def noise(n_samples: int, rng: np.random.Generator, *, slope: float = 0.0) -> Array:
    """Gaussian noise with an RMS of 1 and a spectrum of constant slope.

    Parameters
    ----------
    n_samples : int
        Length.
    rng : numpy.random.Generator
        Source of randomness.
    slope : float, optional
        Slope of the power spectrum [dB per octave]: 0 is white, -3 pink, -6 brown.

    Returns
    -------
    ndarray of shape (n_samples,)
        The noise.

    Notes
    -----
    White noise is weighted in the frequency domain by ``|f|^(slope / 6.02)``, without its mean. It is
    made a little longer, to a length whose transform is quick, and cut off.

    Examples
    --------
    >>> x = noise(4096, np.random.default_rng(0), slope=-3)
    >>> float(np.sqrt(np.mean(x**2)))
    1.000
    """
    in_range(n_samples, "n_samples", 1, 1e9)
    if slope == 0 or n_samples == 1:
        x = rng.standard_normal(n_samples)
    else:
        # a length whose factors are small; cutting it off also spares the ends from meeting
        n_fft = next_fast_len(n_samples, real=True)
        X = rfft(rng.standard_normal(n_fft))
        k = np.arange(X.size, dtype=np.float64)
        k[0] = np.inf if slope < 0 else 0.0
        x = irfft(X * k ** (slope / (20 * np.log10(2))), n_fft)[:n_samples]
    return np.asarray(x / np.sqrt(np.mean(x**2)))


def shaped_noise(
    n_samples: int,
    rng: np.random.Generator,
    rate: float,
    frequencies: ArrayLike,
    levels: ArrayLike,
) -> Array:
    """Gaussian noise whose spectrum follows a curve, with an RMS of 1.

    Parameters
    ----------
    n_samples : int
        Length.
    rng : numpy.random.Generator
        Source of randomness.
    rate : float
        Sampling rate [Hz].
    frequencies : array_like of shape (n_points,)
        Points of the curve [Hz], increasing and positive; some may lie above rate / 2.
    levels : array_like of shape (n_points,)
        Power density at these points [dB]; only differences count. Between the points the curve is
        straight over log frequency, outside it is constant.

    Returns
    -------
    ndarray of shape (n_samples,)
        The noise, without mean.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the points are no curve.

    Examples
    --------
    >>> x = shaped_noise(8192, np.random.default_rng(0), 8000, [500, 1000], [0, -60])
    >>> X = np.abs(np.fft.rfft(x)) ** 2
    >>> bool(X[2048:].mean() < 1e-5 * X[:512].mean())
    True
    """
    in_range(n_samples, "n_samples", 1, 1e9)
    in_range(rate, "rate", 1.0, 1e7, unit="Hz")
    f, level = _curve(frequencies, levels)
    k = np.arange(n_samples // 2 + 1)
    curve = np.interp(np.log(np.maximum(k, 0.5) * rate / n_samples), np.log(f), level)
    return _weighted(n_samples, rng, 10 ** ((curve - curve.max()) / 20))


def _curve(frequencies: ArrayLike, levels: ArrayLike) -> tuple[Array, Array]:
    f, level = np.asarray(frequencies, dtype=np.float64), np.asarray(levels, dtype=np.float64)
    if f.ndim != 1 or f.shape != level.shape or not f.size:
        raise InputError(
            "E-ARGUMENT",
            f"frequencies has shape {f.shape}, levels {level.shape}; expected (n_points,) for both",
        )
    if not (np.isfinite(f).all() and np.isfinite(level).all()):
        raise InputError("E-ARGUMENT", "the curve contains NaN or infinity; expected finite points")
    if f[0] <= 0 or (np.diff(f) <= 0).any():
        raise InputError("E-ARGUMENT", f"frequencies is {f}; expected increasing and above 0 Hz")
    return f, level


def _weighted(n_samples: int, rng: np.random.Generator, weights: Array) -> Array:
    """White noise times weights of shape (n_samples // 2 + 1,); without mean, with an RMS of 1."""
    X = rfft(rng.standard_normal(n_samples)) * weights
    X[0] = 0.0
    x = irfft(X, n_samples)
    level = np.sqrt(np.mean(x**2))
    return np.asarray(x / level if level > 0 else x)


def band_noise(
    n_samples: int, rng: np.random.Generator, rate: float, low: float, high: float
) -> Array:
    """Gaussian noise that is white within a band, and nothing outside, with an RMS of 1.

    Parameters
    ----------
    n_samples : int
        Length.
    rng : numpy.random.Generator
        Source of randomness.
    rate : float
        Sampling rate [Hz].
    low, high : float
        Edges of the band [Hz], 0 <= low < high <= rate / 2; at least one period of their
        difference must fit into the length.

    Returns
    -------
    ndarray of shape (n_samples,)
        The noise.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the band is empty or reaches above half the rate.

    Examples
    --------
    >>> x = band_noise(8000, np.random.default_rng(0), 8000, 1000, 2000)
    >>> X = np.abs(np.fft.rfft(x)) ** 2
    >>> float(X[1000:2001].sum() / X.sum())
    1.000
    """
    in_range(n_samples, "n_samples", 1, 1e9)
    in_range(high, "high", 0.0, rate / 2, unit="Hz", hint="aliasing above rate / 2")
    if not 0 <= low < high:
        raise InputError("E-ARGUMENT", f"low is {low:g} Hz; expected 0 <= low < high = {high:g} Hz")
    f = np.arange(n_samples // 2 + 1) * rate / n_samples
    inside = (f >= low) & (f <= high) & (f > 0)
    if not inside.any():
        raise InputError(
            "E-ARGUMENT",
            f"n_samples is {n_samples}; expected {rate / (high - low):.0f} or more for a band of "
            f"{high - low:g} Hz",
        )
    return _weighted(n_samples, rng, inside.astype(np.float64))


def speech_noise(n_samples: int, rng: np.random.Generator, rate: float) -> Array:
    """Gaussian noise with the long-term spectrum of speech, with an RMS of 1.

    Parameters
    ----------
    n_samples : int
        Length.
    rng : numpy.random.Generator
        Source of randomness.
    rate : float
        Sampling rate [Hz].

    Returns
    -------
    ndarray of shape (n_samples,)
        The noise; as a masker it covers speech equally well everywhere.

    References
    ----------
    ANSI S3.5 (1997), table 1

    Examples
    --------
    >>> x = speech_noise(16_000, np.random.default_rng(0), 16_000)
    >>> float(np.sqrt(np.mean(x**2)))
    1.000
    """
    frequencies, levels = zip(*SPEECH_SPECTRUM, strict=True)
    return shaped_noise(n_samples, rng, rate, frequencies, levels)
