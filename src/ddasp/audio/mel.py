"""The mel scale, triangular filter banks, log-mel spectra, MFCC and their deltas.

*Conventions*: frequencies in Hz; time first, (n_frames, n_mels); a filter bank has shape
(n_mels, n_bins), so that the mel spectrum of power spectra P is P W^T. Logarithms are decibels,
10 log10. Two scales are known: "slaney", linear below 1 kHz and logarithmic above, and "htk",
2595 log10(1 + f / 700).

*References*: Stevens, Volkmann and Newman 1937 (the scale); Davis and Mermelstein 1980 (MFCC);
Slaney 1998, *Auditory Toolbox*; Young et al. 2006, *The HTK Book*, 5.4 and 5.9 (HTK's scale,
regression deltas); Jaitly and Hinton 2013, "Vocal tract length perturbation improves speech
recognition" (warping the frequency axis).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from ddasp._check import in_range, matrix, one_of
from ddasp._errors import InputError
from ddasp.audio.levels import power_to_db
from ddasp.audio.stft import frequencies

__all__ = [
    "MelBands",
    "dct_matrix",
    "delta",
    "filter_bank",
    "hz_to_mel",
    "log_mel",
    "mel_to_hz",
    "mfcc",
]

SCALES = ("slaney", "htk")
NORMS = ("peak", "sum", "area")
LOG_STEP = math.log(6.4) / 27.0  # Slaney: 27 steps of the logarithmic part span a factor of 6.4


def hz_to_mel(frequency: ArrayLike, *, scale: str = "slaney") -> NDArray[np.float64]:
    """Frequencies in mel.

    Examples
    --------
    >>> hz_to_mel([0.0, 200.0, 1000.0, 6400.0])
    array([ 0.,  3., 15., 42.])
    >>> hz_to_mel(1000.0, scale="htk").round(2)
    np.float64(999.99)
    """
    f = np.asarray(frequency, dtype=np.float64)
    if one_of(scale, "scale", SCALES) == "htk":
        return np.asarray(2595.0 * np.log10(1.0 + f / 700.0))
    logarithmic = 15.0 + np.log(np.maximum(f, 1.0) / 1000.0) / LOG_STEP
    return np.where(f < 1000.0, f * 3.0 / 200.0, logarithmic)


def mel_to_hz(mel: ArrayLike, *, scale: str = "slaney") -> NDArray[np.float64]:
    """Mel back to frequencies [Hz], the inverse of `hz_to_mel`.

    Examples
    --------
    >>> mel_to_hz([3.0, 15.0, 42.0])
    array([ 200., 1000., 6400.])
    """
    m = np.asarray(mel, dtype=np.float64)
    if one_of(scale, "scale", SCALES) == "htk":
        return np.asarray(700.0 * (np.power(10.0, m / 2595.0) - 1.0))
    return np.where(m < 15.0, m * 200.0 / 3.0, 1000.0 * np.exp((m - 15.0) * LOG_STEP))


@dataclass(frozen=True)
class MelBands:
    """Where the triangles of a mel filter bank stand.

    Parameters
    ----------
    n_mels : int
        Number of bands.
    f_min, f_max : float
        The lower foot of the first triangle and the upper foot of the last one [Hz].
    scale : {"slaney", "htk"}
        Feet and peaks are equally spaced on this scale.
    norm : {"sum", "area", "peak"}
        What is 1 for each triangle: the sum of its weights (a band's value is a weighted mean of
        power, whatever its width), its area over frequency in Hz (librosa's "slaney"), or its
        peak (HTK).
    warp : float
        Factor on all frequencies of the bank after they were placed. The bank then sees a sound
        as the plain one would see it with all its frequencies divided by the factor: warp > 1
        makes a voice seem lower, as from a longer vocal tract.
    """

    n_mels: int
    f_min: float
    f_max: float
    scale: str = "slaney"
    norm: str = "sum"
    warp: float = 1.0

    def edges(self) -> NDArray[np.float64]:
        """Feet and peaks [Hz], shape (n_mels + 2,): triangle i spans edges i to i + 2."""
        low, high = hz_to_mel([self.f_min, self.f_max], scale=self.scale).tolist()
        points = np.linspace(low, high, self.n_mels + 2)
        return np.asarray(self.warp * mel_to_hz(points, scale=self.scale))


@lru_cache(maxsize=64)
def filter_bank(bands: MelBands, n_fft: int, sampling_rate: float) -> NDArray[np.float64]:
    """Weights of the triangular filters.

    Parameters
    ----------
    bands : MelBands
        Where the triangles stand.
    n_fft : int
        Length of the transform.
    sampling_rate : float
        Sampling rate [Hz].

    Returns
    -------
    ndarray of shape (n_mels, n_fft // 2 + 1)
        W, read-only since it is shared.

    Notes
    -----
    With feet l and u and peak c of one triangle, W[k] = max(0, min((f_k - l) / (c - l),
    (u - f_k) / (u - c))). A triangle so narrow that no bin falls inside it would be empty; with
    norm "sum" it interpolates between the two bins next to its peak instead. What lies above
    half the sampling rate is cut off.

    Examples
    --------
    >>> filter_bank(MelBands(2, 0.0, 900.0, norm="peak"), 8, 1200)  # feet at 0, 300, 600, 900 Hz
    array([[0. , 0.5, 1. , 0.5, 0. ],
           [0. , 0. , 0. , 0.5, 1. ]])
    """
    _check_bands(bands)
    f = frequencies(n_fft, sampling_rate)
    edges = bands.edges()
    lower, centre, upper = edges[:-2, np.newaxis], edges[1:-1, np.newaxis], edges[2:, np.newaxis]
    rising, falling = (f - lower) / (centre - lower), (upper - f) / (upper - centre)
    W = np.maximum(0.0, np.minimum(rising, falling))
    if bands.norm == "sum":
        bin_width = sampling_rate / n_fft
        nearest = np.maximum(0.0, 1.0 - np.abs(f - np.minimum(centre, f[-1])) / bin_width)
        W = np.where(W.sum(axis=1, keepdims=True) < 1e-3, nearest, W)
        W /= W.sum(axis=1, keepdims=True)
    elif bands.norm == "area":
        W *= 2.0 / (upper - lower)
    W.flags.writeable = False
    return W


def _check_bands(bands: MelBands) -> None:
    one_of(bands.norm, "norm", NORMS)
    in_range(bands.n_mels, "n_mels", 1, 4096)
    in_range(bands.warp, "warp", 0.25, 4.0)
    if not 0.0 <= bands.f_min < bands.f_max:
        raise InputError(
            "E-ARGUMENT",
            f"f_min is {bands.f_min:g} Hz, f_max {bands.f_max:g} Hz; expected 0 <= f_min < f_max",
        )


def log_mel(
    power: ArrayLike, W: NDArray[np.floating], *, floor: float = -120.0
) -> NDArray[np.floating]:
    """Levels in mel bands, 10 log10 (P W^T).

    Parameters
    ----------
    power : array_like of shape (n_frames, n_bins)
        Power spectra P.
    W : ndarray of shape (n_mels, n_bins)
        A `filter_bank`.
    floor : float
        The smallest level that is returned [dB].

    Returns
    -------
    ndarray of shape (n_frames, n_mels)
        Levels [dB].
    """
    P = matrix(power, "power")
    if P.shape[1] != W.shape[1]:
        raise InputError(
            "E-ARGUMENT",
            f"power has {P.shape[1]} bins and the filter bank {W.shape[1]}; expected the same "
            "number - was the bank made for another n_fft?",
        )
    return power_to_db(P @ W.T.astype(P.dtype), floor=floor)


@lru_cache(maxsize=16)
def dct_matrix(n_coefficients: int, n_mels: int) -> NDArray[np.float64]:
    """The first rows of the orthonormal DCT-II, shape (n_coefficients, n_mels), read-only.

    Notes
    -----
    D[i, j] = sqrt(2 / n) cos(pi i (j + 1/2) / n), the row i = 0 divided by sqrt 2.
    """
    in_range(n_coefficients, "n_coefficients", 1, n_mels, hint="no more than there are bands")
    D = fft.dct(np.eye(n_mels), type=2, norm="ortho", axis=0)[:n_coefficients]
    D.flags.writeable = False
    return np.asarray(D)


def mfcc(levels: ArrayLike, n_coefficients: int = 13) -> NDArray[np.floating]:
    """Mel-frequency cepstral coefficients: the DCT of each frame's band levels.

    Parameters
    ----------
    levels : array_like of shape (n_frames, n_mels)
        Log-mel levels [dB].
    n_coefficients : int
        How many are kept; the first one, C0, is proportional to the mean level.

    Returns
    -------
    ndarray of shape (n_frames, n_coefficients)
        C = L D^T.

    Examples
    --------
    Equal levels in all bands leave only C0, sqrt(n_mels) times the level:

    >>> mfcc([[10.0, 10.0, 10.0, 10.0]], 3).round(9) + 0.0
    array([[20.,  0.,  0.]])
    """
    L = matrix(levels, "levels")
    return np.asarray(L @ dct_matrix(n_coefficients, L.shape[1]).T.astype(L.dtype))


def delta(trajectory: ArrayLike, *, reach: int = 2) -> NDArray[np.floating]:
    """Slope over time by linear regression on 2 reach + 1 frames.

    Parameters
    ----------
    trajectory : array_like of shape (n_frames, n_features)
        C, any features over time.
    reach : int
        Frames to each side, K.

    Returns
    -------
    ndarray of shape (n_frames, n_features)
        Change per frame; the first and last frames are repeated beyond the ends.

    Notes
    -----
    D[m] = sum_{k=1..K} k (C[m + k] - C[m - k]) / (2 sum_{k=1..K} k^2), the HTK Book's eq. (5.16).
    `librosa.feature.delta` is the same with ``width=2 * reach + 1, mode="nearest"``; by default it
    continues the line of the first and last frames beyond the ends, and it needs `width` frames.

    Examples
    --------
    >>> delta([[0.0], [3.0], [6.0], [9.0], [12.0]])[2]
    array([3.])
    """
    C = matrix(trajectory, "trajectory")
    in_range(reach, "reach", 1, 1000, unit="frames")
    n = len(C)
    index = np.arange(n)
    slope = np.zeros_like(C)
    for k in range(1, reach + 1):
        slope += k * (C[np.minimum(index + k, n - 1)] - C[np.maximum(index - k, 0)])
    return np.asarray(slope / (reach * (reach + 1) * (2 * reach + 1) / 3))
