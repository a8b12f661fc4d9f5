"""Spectral descriptors, one number a frame: where the spectrum lies, how wide, how noisy.

*Conventions*: time first. Frames have shape (n_frames, frame_length), spectra S (n_frames,
n_bins) with S >= 0, magnitudes or powers as stated, f the frequencies of the bins [Hz]. A frame
without energy has the value 0 in every descriptor.

*References*: Peeters 2004, "A large set of audio features for sound description", IRCAM;
Lerch 2012, *An Introduction to Audio Content Analysis*, ch. 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, matrix
from ddasp._errors import InputError

__all__ = [
    "band_energies",
    "centroid",
    "crest",
    "flatness",
    "flux",
    "kurtosis",
    "rolloff",
    "skewness",
    "spread",
    "zero_crossing_rate",
]


def _spectra(S: ArrayLike) -> NDArray[np.floating]:
    S = matrix(S, "S")
    if (S < 0).any():
        raise InputError(
            "E-ARGUMENT", "S has negative values; expected magnitudes or powers - are they in dB?"
        )
    return S


def _shares(S: NDArray[np.floating]) -> NDArray[np.floating]:
    """Each frame divided by its sum; frames of zeros stay zero."""
    total = S.sum(axis=1, keepdims=True)
    return np.asarray(S / np.where(total > 0, total, 1.0))


def zero_crossing_rate(frames: ArrayLike) -> NDArray[np.floating]:
    """Changes of sign in a frame over its length, 0 to 1; zero counts as positive.

    Parameters
    ----------
    frames : array_like of shape (n_frames, frame_length)
        Frames of the signal, without a window.

    Returns
    -------
    ndarray of shape (n_frames,)
        Crossings per sample: 2 f / fs for a sine of frequency f.

    Examples
    --------
    >>> zero_crossing_rate([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, 1.0, 1.0]])
    array([0.75, 0.  ])
    """
    negative = matrix(frames, "frames") < 0
    crossings = np.count_nonzero(negative[:, 1:] != negative[:, :-1], axis=1)
    return np.asarray(crossings / negative.shape[1])


def centroid(S: ArrayLike, f: ArrayLike) -> NDArray[np.floating]:
    """Centre of gravity of the spectrum [Hz], sum f S / sum S.

    Examples
    --------
    >>> centroid([[0.0, 1.0, 1.0]], [0.0, 100.0, 200.0])
    array([150.])
    """
    return np.asarray(_shares(_spectra(S)) @ np.asarray(f))


def spread(S: ArrayLike, f: ArrayLike) -> NDArray[np.floating]:
    """Standard deviation of frequency about the centroid [Hz], sqrt(sum (f - c)^2 S / sum S).

    Examples
    --------
    >>> spread([[1.0, 0.0, 1.0]], [0.0, 100.0, 200.0])
    array([100.])
    """
    p = _shares(_spectra(S))
    f = np.asarray(f)
    return np.asarray(np.sqrt(np.sum(p * np.square(f - (p @ f)[:, np.newaxis]), axis=1)))


def skewness(S: ArrayLike, f: ArrayLike) -> NDArray[np.floating]:
    """Which side of the centroid the longer tail lies on: > 0 above, < 0 below, 0 for symmetry.

    Notes
    -----
    sum ((f - c) / s)^3 S / sum S with the `centroid` c and the `spread` s; 0 where s is 0.

    Examples
    --------
    >>> skewness([[1.0, 0.0, 1.0], [4.0, 0.0, 1.0]], [0.0, 100.0, 200.0])
    array([0. , 1.5])
    """
    return _standardised_moment(S, f, 3)


def kurtosis(S: ArrayLike, f: ArrayLike) -> NDArray[np.floating]:
    """Weight of the tails about the centroid: 1 for two lines, 1.8 for a flat spectrum, 3 for a bell.

    Notes
    -----
    sum ((f - c) / s)^4 S / sum S with the `centroid` c and the `spread` s; 0 where s is 0. It is
    not reduced by 3.

    Examples
    --------
    >>> kurtosis([[1.0, 0.0, 1.0], [1.0, 2.0, 1.0]], [0.0, 100.0, 200.0])
    array([1., 2.])
    """
    return _standardised_moment(S, f, 4)


def _standardised_moment(S: ArrayLike, f: ArrayLike, order: int) -> NDArray[np.floating]:
    p, f = _shares(_spectra(S)), np.asarray(f, dtype=np.float64)
    away = f - (p @ f)[:, np.newaxis]
    s = np.sqrt(np.sum(p * np.square(away), axis=1, keepdims=True))
    # one line has a spread of rounding only
    wide = s > 1e-6 * np.abs(f).max(initial=0.0)
    moment = np.sum(p * (away / np.where(wide, s, 1.0)) ** order, axis=1)
    return np.asarray(np.where(wide[:, 0], moment, 0.0).astype(p.dtype))


def rolloff(S: ArrayLike, f: ArrayLike, *, share: float = 0.85) -> NDArray[np.floating]:
    """The smallest frequency below or at which a share of the sum of S lies [Hz].

    Examples
    --------
    >>> rolloff([[8.0, 1.0, 1.0]], [0.0, 100.0, 200.0], share=0.85)
    array([100.])
    """
    in_range(share, "share", 0.0, 1.0)
    cumulated = np.cumsum(_spectra(S), axis=1)
    first = np.argmax(cumulated >= share * cumulated[:, -1:], axis=1)
    reached: NDArray[np.float64] = np.asarray(f, dtype=np.float64)[first]
    return reached


def flatness(power: ArrayLike, *, floor: float = 1e-10) -> NDArray[np.floating]:
    """Geometric over arithmetic mean of the power spectrum: 1 for white, near 0 for a tone.

    Parameters
    ----------
    power : array_like of shape (n_frames, n_bins)
        Power spectra.
    floor : float
        Powers below `floor` times the frame's own largest power are raised to that, so that a
        bin of zeros does not decide alone and the level of the frame does not matter.

    Returns
    -------
    ndarray of shape (n_frames,)
        0 to 1.

    Notes
    -----
    exp(mean_k log P[k]) / mean_k P[k]. `librosa.feature.spectral_flatness` is the same with a
    floor that is 1e-10 for all frames, so that it depends on the level of soft ones.

    Examples
    --------
    >>> flatness([[2.0, 2.0, 2.0, 2.0], [4.0, 4.0, 1.0, 1.0]])
    array([1. , 0.8])
    """
    P = _spectra(power)
    in_range(floor, "floor", 1e-30, 1.0, hint="relative to the largest power of a frame")
    largest = P.max(axis=1, keepdims=True)
    raised = np.maximum(P / np.where(largest > 0, largest, 1), P.dtype.type(floor))
    ratio = np.exp(np.mean(np.log(raised), axis=1)) / np.mean(raised, axis=1)
    return np.where(largest[:, 0] > 0, ratio, P.dtype.type(0))


def crest(S: ArrayLike) -> NDArray[np.floating]:
    """Largest over mean value of the spectrum: 1 for white, the number of bins for one line.

    Examples
    --------
    >>> crest([[2.0, 2.0, 2.0, 2.0], [0.0, 4.0, 0.0, 0.0]])
    array([1., 4.])
    """
    p = _shares(_spectra(S))
    return np.asarray(p.max(axis=1, initial=0) * p.dtype.type(p.shape[1]))


def flux(S: ArrayLike) -> NDArray[np.floating]:
    """Change of the spectrum's shape from frame to frame, 0 to sqrt 2.

    Notes
    -----
    flux[m] = sqrt(sum_k (q[m, k] - q[m - 1, k])^2) with q = S / sqrt(sum_k S^2); 0 in the first
    frame. It does not depend on the level.

    Examples
    --------
    >>> flux([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    array([0.  , 0.  , 1.41421356])
    """
    S = _spectra(S)
    norm = np.sqrt(np.sum(np.square(S), axis=1, keepdims=True))
    q = S / np.where(norm > 0, norm, 1.0)
    change = np.zeros(len(S), dtype=S.dtype)
    change[1:] = np.sqrt(np.sum(np.square(np.diff(q, axis=0)), axis=1))
    return change


def band_energies(power: ArrayLike, f: ArrayLike, edges: ArrayLike) -> NDArray[np.floating]:
    """Share of a frame's energy in each of several bands.

    Parameters
    ----------
    power : array_like of shape (n_frames, n_bins)
        Power spectra.
    f : array_like of shape (n_bins,)
        Frequencies of the bins [Hz].
    edges : array_like of shape (n_bands + 1,)
        Increasing edges [Hz]; band b holds the bins with edges[b] <= f < edges[b + 1].

    Returns
    -------
    ndarray of shape (n_frames, n_bands)
        0 to 1; each row sums to 1 when the bands cover all bins.

    Examples
    --------
    >>> band_energies([[1.0, 1.0, 2.0]], [0.0, 100.0, 200.0], [0.0, 150.0, 300.0])
    array([[0.5, 0.5]])
    """
    P, e = _spectra(power), np.asarray(edges, dtype=np.float64)
    if (np.diff(e) <= 0).any():
        raise InputError("E-ARGUMENT", f"edges are {e.tolist()}; expected increasing frequencies")
    band = np.digitize(np.asarray(f), e) - 1  # -1 and n_bands lie outside
    member = band == np.arange(len(e) - 1)[:, np.newaxis]
    return np.asarray(_shares(P) @ member.T.astype(P.dtype))
