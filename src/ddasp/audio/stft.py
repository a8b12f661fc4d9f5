"""Short-time spectra: the periodic Hann window, frames, STFT, its inverse, and power spectra.

*Conventions*: time first, (n_frames, n_bins); one-sided spectra, bin k at k fs / n_fft. With
`centre`, the default, frame m is centred on sample m * hop_length: the signal is preceded and
followed by frame_length // 2 zeros, so that its first and last samples count. Without, frame m
begins at sample m * hop_length and only whole frames are taken. float32 in gives complex64 out.

*References*: Allen and Rabiner 1977, "A unified approach to short-time Fourier analysis and
synthesis", eq. (3); Griffin and Lim 1984, "Signal estimation from modified short-time Fourier
transform", eq. (6); Oppenheim and Schafer 2010, *Discrete-Time Signal Processing*, ch. 10.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from ddasp._check import in_range, signal_1d, whole
from ddasp._errors import InputError

__all__ = [
    "frames",
    "frequencies",
    "hann",
    "istft",
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

    Notes
    -----
    `librosa.stft` is the transpose for n_fft = frame_length; for longer transforms it places the
    window in the middle of the n_fft samples, which turns the phases, and pads n_fft // 2 zeros.
    `scipy.signal.stft` divides by sum_n w[n].
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


def istft(
    X: ArrayLike,
    frame_length: int,
    hop_length: int,
    *,
    n_samples: int | None = None,
    n_fft: int | None = None,
    centre: bool = True,
) -> NDArray[np.floating]:
    """Signal of a short-time Fourier transform, by weighted overlap-add.

    Parameters
    ----------
    X : array_like of shape (n_frames, n_fft // 2 + 1)
        From `stft` with the same frame_length, hop_length, n_fft and centre.
    frame_length, hop_length : int
        Length of a frame, and from one frame to the next [samples].
    n_samples : int, optional
        Length of the signal, which X does not tell to the sample. Default: as far as all frames
        reach, with `centre` to the middle of the last one.
    n_fft : int, optional
        Length of the transform. Default frame_length where the number of bins permits it, else
        the even length.
    centre : bool
        See `frames`.

    Returns
    -------
    ndarray of shape (n_samples,)
        complex64 gives float32.

    Raises
    ------
    InputError
        Where the windows leave a gap.

    Notes
    -----
    y[n] = sum_m w[n - m H] x_m[n - m H] / sum_m w^2[n - m H], with x_m the inverse transform of
    frame m. For an STFT it is the signal, exactly; for any other X it is the signal whose STFT
    is nearest to X in the sense of least squares. Samples are known where the sum of w^2 is not
    practically 0; without `centre` those at the two ends, where it is (sample 0 always), are 0.
    With the Hann window hops up to a quarter of a frame give 1e-10 in float64. At half a frame the
    last samples may lie where the only window over them has nearly vanished: rounding is
    magnified there, and where nothing is left of them it is an error; ask for fewer samples.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    >>> istft(stft(x, 4, 2), 4, 2, n_samples=5)
    array([1., 2., 3., 4., 5.])
    """
    spectrum = _spectrum(X)
    in_range(frame_length, "frame_length", 1, np.inf, unit="samples")
    in_range(hop_length, "hop_length", 1, np.inf, unit="samples")
    n_fft = _length_of_transform(spectrum.shape[1], frame_length, n_fft)
    x = np.asarray(fft.irfft(spectrum, n_fft, axis=1))[:, :frame_length]
    w = hann(frame_length).astype(x.dtype)
    y = _overlap_add(x * w, hop_length)
    norm = _overlap_add(np.broadcast_to(np.square(w), x.shape), hop_length)
    known = norm > np.finfo(x.dtype).eps ** (2 / 3)
    y = np.where(known, y / np.where(known, norm, 1), 0)
    if not centre:  # of its ends nothing can be known
        inside = np.flatnonzero(known)
        known[: inside[0] if len(inside) else 0] = True
        known[inside[-1] if len(inside) else 0 :] = True
    before = frame_length // 2 if centre else 0
    reach = max(len(y) - 2 * before, 0)
    n = reach if n_samples is None else whole(n_samples, "n_samples", 0)
    _check_coverage(known[before : before + n], n, frame_length, hop_length)
    return y[before : before + n]


def _spectrum(X: ArrayLike) -> NDArray[np.complexfloating]:
    spectrum = np.asarray(X)
    if spectrum.ndim != 2 or spectrum.dtype.kind not in "fc" or not spectrum.shape[0]:
        raise InputError(
            "E-ARGUMENT",
            f"X has shape {spectrum.shape} and dtype {spectrum.dtype}; expected complex of shape "
            "(n_frames, n_bins) with at least one frame - is it transposed?",
        )
    if not np.isfinite(spectrum).all():
        raise InputError("E-ARGUMENT", "X contains NaN or infinity; expected finite values")
    return spectrum


def _length_of_transform(n_bins: int, frame_length: int, n_fft: int | None) -> int:
    if n_fft is None:
        n_fft = frame_length if frame_length // 2 + 1 == n_bins else max(1, 2 * (n_bins - 1))
    if n_fft < frame_length or n_fft // 2 + 1 != n_bins:
        raise InputError(
            "E-ARGUMENT",
            f"X has {n_bins} bins, frame_length is {frame_length}, n_fft {n_fft}; expected "
            "n_fft // 2 + 1 bins and n_fft >= frame_length - is X transposed?",
        )
    return n_fft


def _overlap_add(x: NDArray[np.floating], hop_length: int) -> NDArray[np.floating]:
    """Frames added where they stand: in slices of one hop, those of all frames at once."""
    n_frames, frame_length = x.shape
    n_slices = -(-frame_length // hop_length)
    padded = np.zeros((n_frames, n_slices * hop_length), x.dtype)
    padded[:, :frame_length] = x
    slices = padded.reshape(n_frames, n_slices, hop_length)
    y = np.zeros((n_frames + n_slices - 1, hop_length), x.dtype)
    for j in range(n_slices):
        y[j : j + n_frames] += slices[:, j]
    return y.ravel()[: (n_frames - 1) * hop_length + frame_length]


def _check_coverage(known: NDArray[np.bool_], n: int, frame_length: int, hop_length: int) -> None:
    if len(known) == n and known.all():
        return
    first = int(np.argmin(known)) if not known.all() else len(known)
    ends = not known[first:].any()
    cause = "is n_samples that of this X?" if ends else "were the frames cut with a shorter hop?"
    raise InputError(
        "E-ARGUMENT",
        f"hop_length is {hop_length} samples and the windows of {frame_length} samples leave out "
        f"sample {first} of {n}; expected each sample under a window - {cause}",
    )


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
