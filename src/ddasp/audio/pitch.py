"""Fundamental frequency by autocorrelation.

A sound of period T looks like itself T later. The autocorrelation of a frame through a window,
divided by that of the window alone, estimates how much it does at each lag, from -1 to 1: the
window's own fall towards longer lags is taken out, and what the frame's ends do to a plain sum is
small, since the window is small there. The first peak that is nearly as high as the highest gives
the period; a parabola through its three points places it between the samples.

*Conventions*: time first, frames of shape (n_frames, frame_length). An unvoiced frame (silence,
noise) has the fundamental frequency 0, not NaN, so that features stay finite; the periodicity is
returned beside it, for who wants to decide otherwise. dtype in is dtype out.

*References*: Boersma 1993, "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound", eq. (9); McLeod and Wyvill 2005, "A smarter way to
find pitch" (the first peak above a share of the highest).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from ddasp._check import in_range, matrix
from ddasp._errors import InputError
from ddasp.audio.stft import hann, next_power_of_2

__all__ = ["autocorrelation", "pitch"]

SHARE = 0.9  # of the highest peak: the first peak above it counts, so not twice the period
BLOCK = 256  # frames at a time


def autocorrelation(frames: ArrayLike, n_lags: int) -> NDArray[np.floating]:
    """Normalised autocorrelation of each frame, as of the sound without the window.

    Parameters
    ----------
    frames : array_like of shape (n_frames, frame_length)
        Frames of the signal, without a window.
    n_lags : int
        Lags 0 to n_lags - 1 samples; at most half a frame and one, because what is divided by
        vanishes towards its end.

    Returns
    -------
    ndarray of shape (n_frames, n_lags)
        1 at lag 0; frames that are constant have 0 everywhere.

    Notes
    -----
    With y[n] = w[n] (x[n] - mean x), r_y[l] = sum_n y[n] y[n + l] and r_w that of the Hann
    window, r[l] = (r_y[l] / r_y[0]) / (r_w[l] / r_w[0]).

    Examples
    --------
    >>> x = np.cos(2 * np.pi / 8 * np.arange(64))
    >>> autocorrelation([x], 9)[0, [0, 4, 8]].round(2)
    array([ 1., -1.,  1.])
    """
    x = matrix(frames, "frames")
    length = x.shape[1]
    in_range(n_lags, "n_lags", 1, length // 2 + 1, hint="half a frame; take longer frames?")
    centred = x - x.mean(axis=1, keepdims=True)
    magnitude = np.abs(x).max(axis=1, initial=0, keepdims=True)
    # what is left of a constant is rounding
    varies = np.abs(centred).max(axis=1, initial=0, keepdims=True) > (
        4 * np.finfo(x.dtype).eps * magnitude
    )
    r = _lagged(np.where(varies, centred, 0) * hann(length).astype(x.dtype), n_lags)
    r_w = _lagged(hann(length)[np.newaxis], n_lags)
    energy = np.where(varies & (r[:, :1] > 0), r[:, :1], np.inf)
    return np.asarray(r / energy / (r_w / r_w[:, :1]).astype(x.dtype))


def _lagged(y: NDArray[np.floating], n_lags: int) -> NDArray[np.floating]:
    """Sums y[n] y[n + l] by the theorem of Wiener and Khinchin, with zeros against wrapping."""
    n_fft = next_power_of_2(y.shape[1] + n_lags)
    Y = fft.rfft(y, n_fft, axis=1)
    return np.asarray(fft.irfft(np.square(Y.real) + np.square(Y.imag), n_fft, axis=1))[:, :n_lags]


def pitch(
    frames: ArrayLike,
    sampling_rate: float,
    *,
    f_min: float = 60.0,
    f_max: float = 600.0,
    threshold: float = 0.5,
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Fundamental frequency and periodicity of each frame.

    Parameters
    ----------
    frames : array_like of shape (n_frames, frame_length)
        Frames of the signal, without a window; each holds two or more periods of `f_min`, better
        three.
    sampling_rate : float
        Sampling rate [Hz].
    f_min, f_max : float
        Where the fundamental frequency is looked for [Hz], 0 < f_min < f_max < sampling_rate / 4.
    threshold : float
        Periodicity from which on a frame is voiced.

    Returns
    -------
    f0 : ndarray of shape (n_frames,)
        Fundamental frequency [Hz], 0 where the frame is unvoiced.
    periodicity : ndarray of shape (n_frames,)
        Height of the chosen peak of the autocorrelation, 0 to 1; 0 where there is no peak.

    Notes
    -----
    A steady tone is found within 0.1 % for periods of ten samples or more: with the true peak d
    samples beside the highest one and w = 2 pi f / fs, the parabola says tan(w d) / (2 tan(w/2)).

    Examples
    --------
    >>> x = np.sin(2 * np.pi * 220 / 16000 * np.arange(1024))
    >>> f0, periodicity = pitch([x, 0 * x], 16000)
    >>> f0.round(1), periodicity.round(2)
    (array([220.,   0.]), array([1., 0.]))
    """
    x = matrix(frames, "frames")
    if not 0.0 < f_min < f_max < sampling_rate / 4:
        raise InputError(
            "E-ARGUMENT",
            f"f_min is {f_min:g} Hz, f_max {f_max:g} Hz; expected 0 < f_min < f_max < "
            f"{sampling_rate / 4:g} Hz, a quarter of the sampling rate",
        )
    in_range(threshold, "threshold", 0.0, 1.0)
    shortest, longest = (int(np.ceil(sampling_rate / f - 1e-9)) for f in (f_max, f_min))
    if longest + 1 > x.shape[1] // 2:
        raise InputError(
            "E-ARGUMENT",
            f"frames have {x.shape[1]} samples; expected at least {2 * longest + 2}, two periods "
            f"of f_min = {f_min:g} Hz - take longer frames, or a higher f_min?",
        )
    lag, height = np.zeros(len(x), x.dtype), np.zeros(len(x), x.dtype)
    for start in range(0, len(x), BLOCK):
        part = slice(start, start + BLOCK)
        lag[part], height[part] = _first_peak(autocorrelation(x[part], longest + 2), shortest)
    voiced = (height > 0) & (height >= threshold)
    f0 = np.where(voiced, x.dtype.type(sampling_rate) / np.where(voiced, lag, 1), 0)
    return f0.astype(x.dtype), np.clip(height, 0, 1)


def _first_peak(
    r: NDArray[np.floating], shortest: int
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Lag and height of the first peak from `shortest` on that is nearly the highest; 0 for none."""
    start = max(1, shortest)
    before, here, behind = r[:, start - 1 : -2], r[:, start:-1], r[:, start + 1 :]
    heights = np.where((here > before) & (here >= behind) & (here > 0), here, 0)
    highest = heights.max(axis=1, keepdims=True)
    first = np.argmax((heights >= SHARE * highest) & (heights > 0), axis=1)
    row = np.arange(len(r))
    a, b, c = before[row, first], here[row, first], behind[row, first]
    found = highest[:, 0] > 0
    curvature = np.where(found, 2 * b - a - c, 1)
    shift = (c - a) / (2 * curvature)
    height = b + (c - a) * shift / 4
    return np.where(found, start + first + shift, 0), np.where(found, height, 0)
