"""Test signals made from formulas: tones, waves with harmonics, impulses, sweeps.

*Conventions*: mono signals of shape (n_samples,), float64, full scale = 1; rates and frequencies
in Hz, times in s. Nothing lies above half the sampling rate: waves that have corners are sums of
the harmonics below it.

*References*: Farina 2000, "Simultaneous measurement of impulse response and distortion with a
swept-sine technique"; Fourier series of the sawtooth and the square wave in any calculus.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, one_of
from ddasp._errors import InputError

__all__ = ["harmonic_tone", "impulse", "sawtooth", "sine", "square", "sweep"]

Array = NDArray[np.float64]


def _n_samples(duration: float, rate: float) -> int:
    in_range(rate, "rate", 1.0, 1e7, unit="Hz")
    in_range(duration, "duration", 0.0, 1e5, unit="s", hint="given in milliseconds?")
    return round(duration * rate)


def sine(
    frequency: float, duration: float, rate: float, *, amplitude: float = 1.0, phase: float = 0.0
) -> Array:
    """Sine tone.

    Parameters
    ----------
    frequency : float
        Frequency [Hz], 0 <= frequency <= rate / 2.
    duration : float
        Duration [s].
    rate : float
        Sampling rate [Hz].
    amplitude : float, optional
        Peak value, full scale = 1.
    phase : float, optional
        Phase at n = 0 [rad].

    Returns
    -------
    ndarray of shape (n_samples,)
        The tone; n_samples = duration * rate, rounded.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the frequency lies above half the sampling rate.

    Notes
    -----
    ``x[n] = a sin(2 pi f n / rate + phase)``

    Examples
    --------
    >>> sine(1000, 0.0005, 8000)
    array([0.    , 0.7071, 1.    , 0.7071])
    """
    n = np.arange(_n_samples(duration, rate))
    in_range(frequency, "frequency", 0.0, rate / 2, unit="Hz", hint="aliasing above rate / 2")
    return np.asarray(amplitude * np.sin(2 * np.pi * frequency / rate * n + phase))


def harmonic_tone(frequency: float, amplitudes: ArrayLike, duration: float, rate: float) -> Array:
    """A sum of harmonics, all in sine phase.

    Parameters
    ----------
    frequency : float
        Fundamental frequency [Hz], 0 < frequency <= rate / 2.
    amplitudes : array_like of shape (n_harmonics,)
        Amplitudes a of the fundamental, the octave, ...; those of harmonics at or above half the
        rate are left out.
    duration : float
        Duration [s].
    rate : float
        Sampling rate [Hz].

    Returns
    -------
    ndarray of shape (n_samples,)
        The tone.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the fundamental lies above half the sampling rate.

    Notes
    -----
    ``x[n] = sum_k a_k sin(2 pi k f n / rate)``, the imaginary part of the polynomial
    ``sum_k a_k z^k`` at ``z = exp(2 pi i f n / rate)``, evaluated by Horner's rule.

    Examples
    --------
    >>> harmonic_tone(1000, [1.0, 0.5], 0.0005, 8000)
    array([0.    , 1.2071, 1.    , 0.2071])
    """
    n = np.arange(_n_samples(duration, rate))
    in_range(frequency, "frequency", 1e-3, rate / 2, unit="Hz", hint="aliasing above rate / 2")
    a = np.asarray(amplitudes, dtype=np.float64)
    if a.ndim != 1 or not np.isfinite(a).all():
        raise InputError(
            "E-ARGUMENT", f"amplitudes has shape {a.shape}; expected (n_harmonics,), finite"
        )
    a = a[: int(np.ceil(rate / 2 / frequency)) - 1]
    z = np.exp(2j * np.pi * (frequency * n / rate % 1.0))
    y = np.zeros(n.size, dtype=complex)
    for a_k in a[::-1]:
        y = (y + a_k) * z
    return np.asarray(y.imag)


def _harmonic_numbers(frequency: float, rate: float) -> Array:
    in_range(frequency, "frequency", 1e-3, rate / 2, unit="Hz", hint="aliasing above rate / 2")
    return np.arange(1.0, np.ceil(rate / 2 / frequency))


def sawtooth(frequency: float, duration: float, rate: float, *, amplitude: float = 1.0) -> Array:
    """Band-limited sawtooth: it rises and falls at once, and holds every harmonic below rate / 2.

    Parameters
    ----------
    frequency : float
        Fundamental frequency [Hz], 0 < frequency < rate / 2.
    duration : float
        Duration [s].
    rate : float
        Sampling rate [Hz].
    amplitude : float, optional
        Peak value a of the wave without band limit; with it, about 9 % of the jump come on top.

    Returns
    -------
    ndarray of shape (n_samples,)
        The wave; it begins at 0, rising.

    Notes
    -----
    ``x = (2 a / pi) sum_k (-1)^(k + 1) sin(2 pi k f t) / k``

    Examples
    --------
    >>> bool(np.allclose(sawtooth(10, 0.04, 8000), 2 * 10 * np.arange(320) / 8000, atol=0.02))
    True
    """
    k = _harmonic_numbers(frequency, rate)
    series = 2 * amplitude / np.pi * (-1) ** (k + 1) / k
    return harmonic_tone(frequency, series, duration, rate)


def square(frequency: float, duration: float, rate: float, *, amplitude: float = 1.0) -> Array:
    """Band-limited square wave: every odd harmonic below rate / 2.

    Parameters
    ----------
    frequency : float
        Fundamental frequency [Hz], 0 < frequency < rate / 2.
    duration : float
        Duration [s].
    rate : float
        Sampling rate [Hz].
    amplitude : float, optional
        Peak value a of the wave without band limit; with it, about 9 % of the jump come on top.

    Returns
    -------
    ndarray of shape (n_samples,)
        The wave; it begins at 0, rising.

    Notes
    -----
    ``x = (4 a / pi) sum_(k odd) sin(2 pi k f t) / k``

    Examples
    --------
    >>> x = square(10, 0.05, 8000)
    >>> float(x[200]), float(np.abs(x).max())
    (1.00, 1.18)
    """
    k = _harmonic_numbers(frequency, rate)
    series = np.where(k % 2 == 1, 4 * amplitude / np.pi / k, 0.0)
    return harmonic_tone(frequency, series, duration, rate)


def impulse(n_samples: int, *, at: int = 0) -> Array:
    """Unit impulse, shape (n_samples,): one at sample `at`, zero elsewhere.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when `at` lies outside the signal.

    Examples
    --------
    >>> impulse(4, at=1)
    array([0., 1., 0., 0.])
    """
    in_range(at, "at", 0, n_samples - 1, unit="samples")
    x = np.zeros(n_samples)
    x[at] = 1.0
    return x


def sweep(
    low: float,
    high: float,
    duration: float,
    rate: float,
    *,
    amplitude: float = 1.0,
    spacing: str = "exponential",
) -> Array:
    """Sine sweep from `low` to `high`.

    Parameters
    ----------
    low, high : float
        First and last frequency [Hz], 0 < low < high <= rate / 2.
    duration : float
        Duration T [s].
    rate : float
        Sampling rate [Hz].
    amplitude : float, optional
        Peak value.
    spacing : {"exponential", "linear"}
        Equal time in every octave, or in every hertz.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sweep.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the frequencies are not in order or above half the sampling rate.

    Notes
    -----
    Exponential: ``x(t) = a sin(2 pi low L (exp(t / L) - 1))`` with ``L = T / ln(high / low)``;
    linear: ``x(t) = a sin(2 pi (low t + (high - low) t^2 / (2 T)))``.

    References
    ----------
    Farina 2000, eq. (8)

    Examples
    --------
    >>> sweep(20, 2000, 1.0, 8000).shape
    (8000,)
    """
    t = np.arange(_n_samples(duration, rate)) / rate
    one_of(spacing, "spacing", ("exponential", "linear"))
    in_range(high, "high", 0.0, rate / 2, unit="Hz", hint="aliasing above rate / 2")
    if not 0 < low < high:
        raise InputError("E-ARGUMENT", f"low is {low:g} Hz; expected 0 < low < high = {high:g} Hz")
    if spacing == "linear":
        cycles = low * t + (high - low) * t**2 / (2 * max(duration, 1 / rate))
        return np.asarray(amplitude * np.sin(2 * np.pi * cycles))
    L = duration / np.log(high / low)
    return np.asarray(amplitude * np.sin(2 * np.pi * low * L * np.expm1(t / L)))
