"""What happens to a sound on its way to the microphone: noise, level, band limit, room, clipping.

Each function makes one such change by a stated amount. They enlarge training sets and test how far
a model's score survives; sounds that are to be decided on are never changed. Other speeds and
pitches stand in `ddasp.audio.time_scale`, rooms made of walls in `ddasp.audio.rooms`, lossy formats
in `ddasp.audio.codecs`.

*Conventions*: mono signals of shape (n_samples,), full scale = 1; the length and the floating
dtype of the input are kept. Rates and frequencies in Hz, times in s, ratios in dB. Randomness
comes from the generator that is passed in. Nothing is limited to [-1, 1] but by `clip`.

*References*: Schroeder 1965, "New method of measuring reverberation time"; Oppenheim & Schafer
2010, ch. 7 (Kaiser window).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import fftconvolve, firwin, kaiser_beta

from ddasp._check import in_range, signal_1d
from ddasp._errors import InputError
from ddasp.audio.noises import noise

__all__ = ["add_noise", "band_limit", "clip", "gain", "mix_at_snr", "reverberate", "shift"]

Array = NDArray[np.floating]


def _rms(x: Array) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) if x.size else 0.0


def gain(signal: ArrayLike, db: float) -> Array:
    """Change the level.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound.
    db : float
        Gain [dB].

    Returns
    -------
    ndarray of shape (n_samples,)
        ``10^(db / 20) x``.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the gain lies outside -200 to 200 dB.

    Examples
    --------
    >>> gain([0.1, -0.2], 20.0)
    array([ 1., -2.])
    """
    x = signal_1d(signal)
    in_range(db, "db", -200.0, 200.0, unit="dB")
    return x * x.dtype.type(10 ** (db / 20))


def add_noise(
    signal: ArrayLike, snr_db: float, rng: np.random.Generator, *, slope: float = 0.0
) -> Array:
    """Add Gaussian noise at a signal-to-noise ratio.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound.
    snr_db : float
        Power of the signal over power of the noise, both over the whole sound [dB].
    rng : numpy.random.Generator
        Source of the noise.
    slope : float, optional
        Slope of the noise's power spectrum [dB per octave]: 0 is white, -3 pink, -6 brown.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sum. The noise is scaled to its own measured power, so that the ratio is met exactly;
        silence stays silence.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the ratio lies outside -200 to 200 dB.

    Examples
    --------
    >>> x = np.sin(np.arange(1000.0))
    >>> n = add_noise(x, 20.0, np.random.default_rng(0)) - x
    >>> float(10 * np.log10(np.sum(x**2) / np.sum(n**2)))
    20.0
    """
    x = signal_1d(signal)
    in_range(slope, "slope", -24.0, 24.0, unit="dB per octave")
    if not x.size:
        return x.copy()
    other = rng.standard_normal(x.size) if slope == 0 else noise(x.size, rng, slope=slope)
    return mix_at_snr(x, other, snr_db)


def mix_at_snr(signal: ArrayLike, other: ArrayLike, snr_db: float) -> Array:
    """Add another sound, such as a recorded background, at a signal-to-noise ratio.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound.
    other : array_like of shape (n_other,)
        What is added, at any level; repeated if it is shorter, cut if it is longer.
    snr_db : float
        Power of the signal over power of what is added, both over the whole sound [dB].

    Returns
    -------
    ndarray of shape (n_samples,)
        ``x + g n`` with g such that the ratio is met exactly. Silence stays silence, and silence
        that is added changes nothing.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the ratio lies outside -200 to 200 dB, or `other` is empty.

    Examples
    --------
    >>> mix_at_snr([1.0, 1.0, 1.0, 1.0], [0.5, -0.5], 20.0)
    array([1.1, 0.9, 1.1, 0.9])
    """
    x, n = signal_1d(signal), signal_1d(other, "other")
    in_range(snr_db, "snr_db", -200.0, 200.0, unit="dB")
    if not n.size:
        raise InputError("E-ARGUMENT", "other has no samples; expected the sound that is added")
    n = np.resize(n.astype(np.float64, copy=False), x.size)
    level, other_level = _rms(x), _rms(n)
    if level == 0 or other_level == 0:
        return x.copy()
    return x + (n * (level * 10 ** (-snr_db / 20) / other_level)).astype(x.dtype)


def band_limit(signal: ArrayLike, rate: float, cutoff: float) -> Array:
    """Remove what lies above a frequency, as a telephone or a low sampling rate does.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound.
    rate : float
        Sampling rate [Hz].
    cutoff : float
        Frequency at which the amplitude has fallen to one half (-6 dB) [Hz], at most rate / 2;
        there and above 0.45 rate nothing is removed.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound without delay: above 1.1 cutoff at least 60 dB down, below 0.9 cutoff unchanged
        within 0.01 dB.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the cutoff is not between 10 Hz and half the rate.

    Notes
    -----
    Linear-phase FIR low-pass by the Kaiser window: stop band A = 70 dB, transition width 0.2
    cutoff, hence ``(A - 7.95) / (2.285 * 2 pi 0.2 cutoff / rate)`` taps.

    References
    ----------
    Oppenheim & Schafer 2010, eq. (7.76)

    Examples
    --------
    >>> t = np.arange(8000) / 8000
    >>> low, high = np.sin(2 * np.pi * 500 * t), np.sin(2 * np.pi * 3000 * t)
    >>> y = band_limit(low + high, 8000, 1000.0)
    >>> bool(np.abs(y - low)[1000:-1000].max() < 0.002)
    True
    """
    x = signal_1d(signal)
    in_range(rate, "rate", 1.0, 1e7, unit="Hz")
    in_range(cutoff, "cutoff", 10.0, rate / 2, unit="Hz", hint="aliasing above rate / 2")
    if x.size == 0 or cutoff >= 0.45 * rate:
        return x.copy()
    attenuation, width = 70.0, 0.2 * cutoff
    half = int(np.ceil((attenuation - 7.95) / (2.285 * 2 * np.pi * width / rate) / 2))
    h = firwin(2 * half + 1, cutoff, window=("kaiser", kaiser_beta(attenuation)), fs=rate)
    return np.asarray(fftconvolve(x, h)[half : half + x.size]).astype(x.dtype)


def reverberate(
    signal: ArrayLike, rate: float, t60: float, rng: np.random.Generator, *, level: float = -6.0
) -> Array:
    """Add a room: an exponentially decaying tail of noise behind the direct sound.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound.
    rate : float
        Sampling rate [Hz].
    t60 : float
        Reverberation time [s].
    rng : numpy.random.Generator
        Source of the tail.
    level : float, optional
        Energy of the tail relative to the direct sound [dB].

    Returns
    -------
    ndarray of shape (n_samples,)
        Direct sound and tail, without delay, cut to the length of the input and scaled to its RMS.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the reverberation time is not between 1 ms and 20 s.

    Notes
    -----
    ``h[n] = delta[n] + g w[n] 10^(-3 n / (t60 rate))`` with white noise w and g such that the
    tail's energy is 10^(level / 10).

    Examples
    --------
    >>> x = np.zeros(8000)
    >>> x[0] = 1.0
    >>> y = reverberate(x, 8000, 0.3, np.random.default_rng(0))
    >>> int(np.argmax(np.abs(y))), float(np.sum(y**2))
    (0, 1.0)
    """
    x = signal_1d(signal)
    in_range(rate, "rate", 1.0, 1e7, unit="Hz")
    in_range(t60, "t60", 1e-3, 20.0, unit="s", hint="given in milliseconds?")
    in_range(level, "level", -100.0, 60.0, unit="dB")
    loudness = _rms(x)
    if loudness == 0:
        return x.copy()
    n = np.arange(1, max(2, round(t60 * rate)) + 1)
    tail = rng.standard_normal(n.size) * 10 ** (-3 * n / (t60 * rate))
    tail *= 10 ** (level / 20) / np.sqrt(np.sum(tail**2))
    y = fftconvolve(x, np.concatenate([[1.0], tail]))[: x.size]
    return np.asarray(y * (loudness / _rms(y))).astype(x.dtype)


def shift(signal: ArrayLike, n_samples: int) -> Array:
    """Move in time, with zeros where nothing was: later for n_samples > 0, earlier below.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound.
    n_samples : int
        Delay [samples].

    Returns
    -------
    ndarray of shape (n_samples,)
        ``y[n] = x[n - n_samples]``, zero outside.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the delay is no whole number.

    Examples
    --------
    >>> shift([1.0, 2.0, 3.0], 1), shift([1.0, 2.0, 3.0], -1)
    (array([0., 1., 2.]), array([2., 3., 0.]))
    """
    x = signal_1d(signal)
    if n_samples != int(n_samples):
        raise InputError(
            "E-ARGUMENT", f"n_samples is {n_samples}; expected a whole number - given in seconds?"
        )
    y = np.zeros_like(x)
    k = int(n_samples)
    if 0 <= k < x.size:
        y[k:] = x[: x.size - k]
    elif -x.size < k < 0:
        y[:k] = x[-k:]
    return y


def clip(signal: ArrayLike, *, level: float = 1.0) -> Array:
    """Cut off what exceeds a level, as a converter that is driven too hard does.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound.
    level : float, optional
        Largest magnitude, full scale = 1, above 0.

    Returns
    -------
    ndarray of shape (n_samples,)
        ``max(-level, min(level, x))``

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the level is not positive.

    Examples
    --------
    >>> clip([0.2, -0.7, 1.5], level=0.5)
    array([ 0.2, -0.5,  0.5])
    """
    x = signal_1d(signal)
    in_range(level, "level", 1e-9, 1e9, hint="clipping at zero leaves nothing")
    return np.asarray(np.clip(x, -level, level))
