"""Chroma: the energy of a spectrum in the twelve pitch classes, octaves folded onto each other.

*Conventions*: time first; classes from C to B, equal temperament, A = 440 Hz; a bank of weights has
shape (12, n_bins), as a mel filter bank. Each class collects bins around its pitches with a
Gaussian whose width is that of a bin or a semitone, whichever is wider. Octaves count with a
Gaussian about the fifth one (A4 lies in 4 to 5), two octaves wide.

*References*: Fujishima 1999 (pitch class profiles); Ellis 2007, "Chroma feature analysis and
synthesis", whose weights these are, by way of librosa.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, matrix, whole
from ddasp._errors import InputError

__all__ = ["PITCH_CLASSES", "chroma", "chroma_bank"]

PITCH_CLASSES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
"""Names of the columns."""

N = len(PITCH_CLASSES)
A0 = 27.5  # Hz
CENTRE, WIDTH = 5.0, 2.0  # octaves above A0


@lru_cache(maxsize=16)
def chroma_bank(n_fft: int, sampling_rate: float, *, tuning: float = 0.0) -> NDArray[np.float64]:
    """Weights of the pitch classes.

    Parameters
    ----------
    n_fft : int
        Length of the transform; below about 4 sampling_rate / 100 the classes of low notes run
        into each other.
    sampling_rate : float
        Sampling rate [Hz].
    tuning : float
        By how much the music is tuned above A = 440 Hz [semitones], -0.5 to 0.5.

    Returns
    -------
    ndarray of shape (12, n_fft // 2 + 1)
        Read-only, since it is shared.

    Notes
    -----
    Bin k lies q_k = 12 log2(f_k / 27.5 Hz) semitones above A0, and d = q_k - i, reduced to -6 to
    6, from class i. W[i, k] = exp(-2 (d / b_k)^2), with b_k the width of the bin in semitones, at
    least 1; each column is divided by its Euclidean norm and multiplied by exp(-((q_k / 12 - 5) /
    2)^2 / 2). Bin 0, which has no pitch, stands an octave and a half below bin 1.
    """
    whole(n_fft, "n_fft", 4)
    in_range(sampling_rate, "sampling_rate", 1e-6, 1e12, unit="Hz")
    in_range(tuning, "tuning", -0.5, 0.5, unit="semitones")
    f = np.arange(1, n_fft // 2 + 2) * (sampling_rate / n_fft)
    q = N * np.log2(f / (A0 * 2.0 ** (tuning / N)))
    q = np.concatenate([[q[0] - 1.5 * N], q])
    width = np.maximum(np.diff(q), 1.0)
    q = q[:-1]
    d = np.remainder(q - np.arange(N)[:, np.newaxis] + N / 2, N) - N / 2
    W = np.exp(-2.0 * np.square(d / width))
    W /= np.linalg.norm(W, axis=0)
    W *= np.exp(-0.5 * np.square((q / N - CENTRE) / WIDTH))
    W = np.asarray(np.roll(W, -3, axis=0))  # from A first to C first
    W.flags.writeable = False
    return W


def chroma(power: ArrayLike, W: NDArray[np.floating]) -> NDArray[np.floating]:
    """Strength of the pitch classes over time.

    Parameters
    ----------
    power : array_like of shape (n_frames, n_bins)
        Power spectra.
    W : ndarray of shape (12, n_bins)
        A `chroma_bank`.

    Returns
    -------
    ndarray of shape (n_frames, 12)
        The strongest class of each frame has 1; a frame of zeros has 0.

    Examples
    --------
    >>> from ddasp.audio.stft import power_spectra
    >>> x = np.sin(2 * np.pi * 440 / 8000 * np.arange(8000))
    >>> C = chroma(power_spectra(x, 2048, 1024), chroma_bank(2048, 8000))
    >>> PITCH_CLASSES[np.argmax(C[4])], float(C[4].max())
    ('A', 1.0)
    """
    P = matrix(power, "power")
    if P.shape[1] != W.shape[1]:
        raise InputError(
            "E-ARGUMENT",
            f"power has {P.shape[1]} bins and the bank {W.shape[1]}; expected the same number - "
            "was the bank made for another n_fft?",
        )
    C = P @ W.T.astype(P.dtype)
    strongest = C.max(axis=1, keepdims=True)
    return np.asarray(C / np.where(strongest > 0, strongest, 1))
