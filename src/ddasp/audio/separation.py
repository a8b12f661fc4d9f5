r"""Taking a sound out of a mixture: masks over time and frequency, and how near the result comes.

A mask M multiplies the short-time spectrum of the mixture, bin by bin, and leaves its phase:

    s_hat = istft(M X).

Where target S and noise N are known, the ideal ratio mask is (|S|^2 / (|S|^2 + |N|^2))^e: for e = 1
the Wiener gain of two uncorrelated sounds with these powers, for e = 1/2 its root. How near an
estimate comes to the target is told by the scale-invariant signal-to-distortion ratio,

    s_hat = a s + r,   a = <s_hat, s> / <s, s>,   SI-SDR = 10 lg(|a s|^2 / |r|^2):

the part along the target against what is orthogonal to it. A gain changes nothing.

*Conventions*: signals (n_samples,); spectra and masks (n_frames, n_bins) as in `stft`; dB. No mean is
taken out of the signals.

*References*: J. Le Roux, S. Wisdom, H. Erdogan and J. R. Hershey, "SDR - half-baked or well done?",
ICASSP 2019; D. Wang and J. Chen, "Supervised speech separation based on deep learning: an overview",
IEEE/ACM Trans. Audio, Speech, Lang. Process. 26, 2018 (ideal ratio mask).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, signal_1d
from ddasp._errors import InputError
from ddasp.audio.stft import istft, power, stft

__all__ = ["apply_mask", "ideal_ratio_mask", "si_sdr"]


def si_sdr(reference: ArrayLike, estimate: ArrayLike) -> float:
    """Scale-invariant signal-to-distortion ratio.

    Parameters
    ----------
    reference : array_like of shape (n_samples,)
        The target, not all zero.
    estimate : array_like of shape (n_samples,)
        What is judged.

    Returns
    -------
    float
        SI-SDR [dB]; inf for a multiple of the reference, -inf where nothing of it is there.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the lengths differ or the reference is silent.

    References
    ----------
    Le Roux et al. 2019 (SI-SDR)

    Examples
    --------
    >>> si_sdr([1.0, 2.0, 2.0], [2.0, 1.0, 2.0])  # 10 lg(64 / 17)
    5.758
    """
    s, x = signal_1d(reference, "reference"), signal_1d(estimate, "estimate")
    if s.shape != x.shape:
        raise InputError(
            "E-ARGUMENT",
            f"reference has {len(s)} samples, estimate {len(x)}; expected the same - did an inverse "
            "transform cut or add some? istft takes n_samples",
        )
    s, x = (_unit_peak(np.asarray(a, dtype=np.float64)) for a in (s, x))
    if not s.any():
        raise InputError(
            "E-ARGUMENT", "reference is silent; expected a target that something can be near to"
        )
    along = s * (x @ s / (s @ s))
    rest = x - along
    # what rounding leaves of nothing
    tiny = len(s) * np.finfo(np.float64).eps ** 2 * float(x @ x)
    signal, distortion = float(along @ along), float(rest @ rest)
    if signal <= tiny:
        return -np.inf
    return np.inf if distortion <= tiny else float(10 * np.log10(signal / distortion))


def _unit_peak(x: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(x).max(initial=0.0)
    return x / largest if largest > 0 else x


def ideal_ratio_mask(target: ArrayLike, noise: ArrayLike, *, exponent: float = 0.5) -> NDArray:
    """Share of the target in each bin.

    Parameters
    ----------
    target, noise : array_like of shape (n_frames, n_bins)
        Their short-time spectra, complex, or magnitudes.
    exponent : float
        Of the share of power: 1 is the Wiener gain, 1/2 the mask that is usual for training.

    Returns
    -------
    ndarray of shape (n_frames, n_bins)
        (|S|^2 / (|S|^2 + |N|^2))^exponent, 0 to 1; 0 where both are silent.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the shapes differ.

    Examples
    --------
    >>> ideal_ratio_mask([[3.0, 1.0, 0.0]], [[4.0, 0.0, 0.0]], exponent=1.0)
    array([[0.36, 1. , 0. ]])
    """
    in_range(exponent, "exponent", 0.01, 10.0)
    S, N = np.asarray(target), np.asarray(noise)
    if S.shape != N.shape:
        raise InputError(
            "E-ARGUMENT", f"target has shape {S.shape}, noise {N.shape}; expected the same"
        )
    if not (np.isfinite(S).all() and np.isfinite(N).all()):
        raise InputError("E-ARGUMENT", "target or noise contains NaN or infinity")
    p, q = power(S), power(N)
    both = p + q
    return np.asarray(
        np.divide(p, both, out=np.zeros_like(both, float), where=both > 0) ** exponent
    )


def apply_mask(
    signal: ArrayLike, mask: ArrayLike, frame_length: int, hop_length: int
) -> NDArray[np.floating]:
    """A signal through a mask of its short-time spectrum; the phase stays as it is.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        The mixture.
    mask : array_like of shape (n_frames, n_bins)
        Real gains; the shape is that of ``stft(signal, frame_length, hop_length)``.
    frame_length, hop_length : int
        Length of a frame, and from one frame to the next [samples].

    Returns
    -------
    ndarray of shape (n_samples,)
        The signal whose transform is nearest to M X.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the mask has another shape, or is complex.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    >>> apply_mask(x, np.full((3, 3), 0.5), 4, 2)
    array([0.5, 1. , 1.5, 2. , 2.5])
    """
    x = signal_1d(signal)
    X, M = stft(x, frame_length, hop_length), np.asarray(mask)
    if M.shape != X.shape or M.dtype.kind not in "fiub":
        raise InputError(
            "E-ARGUMENT",
            f"mask has shape {M.shape} and dtype {M.dtype}; expected real numbers of shape "
            f"{X.shape} - is it transposed, or of another hop?",
        )
    return istft(M.astype(x.dtype) * X, frame_length, hop_length, n_samples=len(x))
