"""Levels: peak, RMS, crest factor, decibels, and the fractions that are clipped or silent.

*Conventions*: signals have shape (n_samples,) or (n_samples, n_channels), full scale = 1; with
channels, a level is that of all samples together. Levels in dBFS are relative to an amplitude of
1, so that a full-scale sine has a peak of 0 dBFS and an RMS of -3.01 dBFS. Where a logarithm of
zero would arise, a stated floor stands instead.

*References*: IEC 61606-1 (2009), AES17 (2020): amplitude relative to full scale (AES17 adds
3.01 dB to RMS levels; here RMS is left as it is).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, signal_2d

__all__ = [
    "FULL_SCALE",
    "amplitude_to_db",
    "clipped_fraction",
    "crest_factor",
    "db_to_amplitude",
    "dc_offset",
    "frame_rms",
    "peak",
    "power_to_db",
    "rms",
    "silent_fraction",
]

FULL_SCALE = 1.0 - 2.0**-15
"""The largest code of a 16-bit file, 32767/32768: at or above it a sample may be clipped."""


def peak(signal: ArrayLike) -> float:
    """Largest magnitude of all samples, max |x|; 0 for no samples.

    Examples
    --------
    >>> peak([0.1, -0.5, 0.2])
    0.5
    """
    x = signal_2d(signal)
    return float(max(x.max(), -x.min())) if x.size else 0.0


def rms(signal: ArrayLike) -> float:
    """Root of the mean square of all samples, sqrt(mean x^2); 0 for no samples.

    Examples
    --------
    >>> rms([1.0, -1.0, 1.0, -1.0])
    1.0
    """
    x = signal_2d(signal)
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) if x.size else 0.0


def crest_factor(signal: ArrayLike) -> float:
    """Peak over RMS, >= 1; a signal of zeros has 1 by convention.

    Examples
    --------
    >>> crest_factor([0.0, 0.0, 0.0, 1.0])
    2.0
    """
    root_mean_square = rms(signal)
    return peak(signal) / root_mean_square if root_mean_square > 0 else 1.0


def dc_offset(signal: ArrayLike) -> float:
    """Mean of all samples, full scale = 1; 0 for no samples."""
    x = signal_2d(signal)
    return float(np.mean(x, dtype=np.float64)) if x.size else 0.0


def amplitude_to_db(amplitude: ArrayLike, *, floor: float = -120.0) -> NDArray[np.floating]:
    """Amplitudes in decibels, 20 log10 |a|, never below a floor.

    Parameters
    ----------
    amplitude : array_like
        Amplitudes of any shape, relative to full scale.
    floor : float
        The smallest level that is returned [dB].

    Returns
    -------
    ndarray
        Levels [dB], of the same shape.

    Examples
    --------
    >>> amplitude_to_db([1.0, 0.1, 0.0])
    array([   0.,  -20., -120.])
    """
    magnitude = np.abs(np.asarray(amplitude))
    return np.asarray(20.0 * np.log10(np.maximum(magnitude, 10.0 ** (floor / 20.0))))


def power_to_db(power: ArrayLike, *, floor: float = -120.0) -> NDArray[np.floating]:
    """Powers in decibels, 10 log10 p, never below a floor.

    Examples
    --------
    >>> power_to_db([1.0, 0.01, 0.0])
    array([   0.,  -20., -120.])
    """
    return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (floor / 10.0))))


def db_to_amplitude(level: ArrayLike) -> NDArray[np.floating]:
    """Decibels back to amplitudes, 10^(L / 20).

    Examples
    --------
    >>> db_to_amplitude([0.0, -20.0])
    array([1. , 0.1])
    """
    return np.power(10.0, np.asarray(level, dtype=np.float64) / 20.0)


def clipped_fraction(signal: ArrayLike, *, run_length: int = 3) -> float:
    """Fraction of the samples that are clipped.

    A sample counts when it belongs to `run_length` or more consecutive samples of one channel
    that all stand at full scale (|x| >= 32767/32768), or when it lies beyond it (|x| > 1). One
    sample that touches full scale is a normalised recording, not a clipped one.

    Parameters
    ----------
    signal : array_like of shape (n_samples,) or (n_samples, n_channels)
        Full scale = 1.
    run_length : int
        The shortest run that counts.

    Returns
    -------
    float
        0 to 1.

    Examples
    --------
    >>> clipped_fraction([0.5, 1.0, 1.0, 1.0, 0.5, -1.0, 0.5, 0.0])
    0.375
    """
    x = np.abs(signal_2d(signal))
    in_range(run_length, "run_length", 1, np.inf, unit="samples")
    if not x.size or x.max() < FULL_SCALE:
        return 0.0
    at_full_scale = x >= FULL_SCALE
    counts = x > 1.0
    for channel in range(x.shape[1]):
        # edges of runs: +1 where one begins, -1 after it ends
        edges = np.diff(at_full_scale[:, channel].astype(np.int8), prepend=0, append=0)
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        for start, stop in zip(starts, stops, strict=True):
            if stop - start >= run_length:
                counts[start:stop, channel] = True
    return float(counts.mean())


def frame_rms(
    signal: ArrayLike, sampling_rate: float, *, frame: float = 0.05
) -> NDArray[np.float64]:
    """RMS of consecutive frames without overlap; the last one may be shorter.

    Parameters
    ----------
    signal : array_like of shape (n_samples,) or (n_samples, n_channels)
        Full scale = 1; channels are taken together.
    sampling_rate : float
        Sampling rate [Hz].
    frame : float
        Length of a frame [s].

    Returns
    -------
    ndarray of shape (n_frames,)
        RMS of each frame, full scale = 1.

    Examples
    --------
    >>> frame_rms([1.0, -1.0, 0.5, 0.5, 0.0], 2, frame=1.0)
    array([1. , 0.5, 0. ])
    """
    x = signal_2d(signal)
    length = max(1, round(frame * sampling_rate))
    starts = np.arange(0, len(x), length)
    if not len(starts):
        return np.zeros(0)
    mean_square = np.mean(np.square(x, dtype=np.float64), axis=1)
    lengths = np.diff(np.append(starts, len(x)))
    return np.sqrt(np.add.reduceat(mean_square, starts) / lengths)


def silent_fraction(
    signal: ArrayLike, sampling_rate: float, *, frame: float = 0.05, threshold: float = -60.0
) -> float:
    """Fraction of the frames whose RMS lies below a threshold; 1 for no samples.

    Parameters
    ----------
    signal : array_like of shape (n_samples,) or (n_samples, n_channels)
        Full scale = 1.
    sampling_rate : float
        Sampling rate [Hz].
    frame : float
        Length of a frame [s].
    threshold : float
        What counts as silence [dBFS].

    Returns
    -------
    float
        0 to 1.

    Examples
    --------
    >>> silent_fraction([0.5, -0.5, 0.0, 0.0], 2, frame=1.0)
    0.5
    """
    levels = frame_rms(signal, sampling_rate, frame=frame)
    return float(np.mean(levels < db_to_amplitude(threshold))) if levels.size else 1.0
