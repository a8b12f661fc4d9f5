"""Short-time spectra: the periodic Hann window, frames, STFT and power spectra.

*Conventions*: time first, (n_frames, n_bins); one-sided spectra, bin k at k fs / n_fft. With
`centre`, the default, frame m is centred on sample m * hop_length: the signal is preceded and
followed by frame_length // 2 zeros, so that its first and last samples count. Without, frame m
begins at sample m * hop_length and only whole frames are taken. float32 in gives complex64 out.

*References*: Allen and Rabiner 1977, "A unified approach to short-time Fourier analysis and
synthesis", eq. (3); Oppenheim and Schafer 2010, *Discrete-Time Signal Processing*, ch. 10.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from ddasp._check import in_range, signal_1d

__all__ = [
    "frames",
    "frequencies",
    "hann",
    "next_power_of_2",
    "power",
    "power_spectra",
    "spectra",
    "stft",
]

BLOCK = 1024  # frames that are transformed at a time: bounds the memory of windowed copies


@cache
def hann(length: int) -> NDArray[np.float64]:
    """Periodic Hann window, w[n] = sin^2(pi n / N), n = 0 .. N - 1.

    Parameters
    ----------
    length : int
        Number of samples N.

    Returns
    -------
    ndarray of shape (length,)
        Read-only, since it is shared.

    Notes
    -----
    Periodic, not symmetric: shifted by N / 2 and added, the windows give exactly 1.

    Examples
    --------
    >>> hann(4)
    array([0. , 0.5, 1. , 0.5])
    """
    window: NDArray[np.float64] = np.sin(np.pi * np.arange(length) / length) ** 2
    window.flags.writeable = False
    return window


def next_power_of_2(n: int) -> int:
    """The smallest power of two that is not below n.

    Examples
    --------
    >>> next_power_of_2(200), next_power_of_2(256)
    (256, 256)
    """
    return 1 << max(0, int(n) - 1).bit_length()


def frequencies(n_fft: int, sampling_rate: float) -> NDArray[np.float64]:
    """Centre frequencies of the bins [Hz], shape (n_fft // 2 + 1,).

    Examples
    --------
    >>> frequencies(4, 8000)
    array([   0., 2000., 4000.])
    """
    return np.asarray(np.arange(n_fft // 2 + 1) * (sampling_rate / n_fft))


def frames(
    signal: ArrayLike, frame_length: int, hop_length: int, *, centre: bool = True
) -> NDArray[np.floating]:
    """Overlapping frames of a signal.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        The signal.
    frame_length, hop_length : int
        Length of a frame, and from one frame to the next [samples].
    centre : bool
        Whether frame m is centred on sample m * hop_length, with zeros around the signal.

    Returns
    -------
    ndarray of shape (n_frames, frame_length)
        A read-only view; n_frames = 1 + (n_samples + padding - frame_length) // hop_length. A
        signal shorter than one frame is followed by zeros.

    Examples
    --------
    >>> frames([1.0, 2.0, 3.0, 4.0], 2, 1, centre=False)
    array([[1., 2.],
           [2., 3.],
           [3., 4.]])
    """
    x = signal_1d(signal)
    in_range(frame_length, "frame_length", 1, np.inf, unit="samples")
    in_range(hop_length, "hop_length", 1, np.inf, unit="samples")
    before = frame_length // 2 if centre else 0
    after = max(before, frame_length - len(x) - before)
    if before or after:
        padded = np.zeros(before + len(x) + after, dtype=x.dtype)
        padded[before : before + len(x)] = x
        x = padded
    return np.asarray(np.lib.stride_tricks.sliding_window_view(x, frame_length)[::hop_length])


def stft(
    signal: ArrayLike,
    frame_length: int,
    hop_length: int,
    *,
    n_fft: int | None = None,
    centre: bool = True,
) -> NDArray[np.complexfloating]:
    """Short-time Fourier transform with the periodic Hann window.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        The signal, float32 or float64.
    frame_length, hop_length : int
        Length of a frame, and from one frame to the next [samples].
    n_fft : int, optional
        Length of the transform, n_fft >= frame_length; frames are followed by zeros. Default
        frame_length.
    centre : bool
        See `frames`.

    Returns
    -------
    ndarray of shape (n_frames, n_fft // 2 + 1)
        X[m, k] = sum_n w[n] x[n + m hop_length] exp(-2 pi i k n / n_fft), complex.
    """
    views = frames(signal, frame_length, hop_length, centre=centre)
    blocks = [
        spectra(views[start : start + BLOCK], n_fft=n_fft) for start in range(0, len(views), BLOCK)
    ]
    return np.concatenate(blocks) if len(blocks) > 1 else blocks[0]


def spectra(
    views: NDArray[np.floating], *, n_fft: int | None = None
) -> NDArray[np.complexfloating]:
    """One-sided spectra of frames through the periodic Hann window.

    Parameters
    ----------
    views : ndarray of shape (n_frames, frame_length)
        From `frames`.
    n_fft : int, optional
        Length of the transform, n_fft >= frame_length. Default frame_length.

    Returns
    -------
    ndarray of shape (n_frames, n_fft // 2 + 1)
        Complex.
    """
    frame_length = views.shape[1]
    n_fft = frame_length if n_fft is None else n_fft
    in_range(n_fft, "n_fft", frame_length, np.inf, unit="samples")
    return np.asarray(fft.rfft(views * hann(frame_length).astype(views.dtype), n_fft, axis=1))


def power(X: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    """Squared magnitudes |X|^2 of spectra, of the same shape.

    They are not divided by anything: Parseval's sum over both sides is n_fft times the energy of
    the windowed frame.

    Examples
    --------
    >>> power(np.array([3 + 4j]))
    array([25.])
    """
    return np.asarray(np.square(X.real) + np.square(X.imag))


def power_spectra(
    signal: ArrayLike,
    frame_length: int,
    hop_length: int,
    *,
    n_fft: int | None = None,
    centre: bool = True,
) -> NDArray[np.floating]:
    """`power` of the `stft`, with the same parameters, shape (n_frames, n_fft // 2 + 1)."""
    return power(stft(signal, frame_length, hop_length, n_fft=n_fft, centre=centre))
