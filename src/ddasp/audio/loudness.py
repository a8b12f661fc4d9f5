"""Loudness after ITU-R BS.1770: K-weighting, block loudness, and the gated integrated loudness.

*Conventions*: signals have shape (n_samples, n_channels), full scale = 1; one channel may come as
(n_samples,). Loudness in LUFS; silence is -inf. Channels are weighted by their place in the
speaker layout: 1 for all, except five channels (L, R, C, Ls, Rs: 1, 1, 1, 1.41, 1.41) and six
(L, R, C, LFE, Ls, Rs: 1, 1, 1, 0, 1.41, 1.41). A mono file is one channel and therefore 3 LU
softer than the same signal on two.

*References*: ITU-R BS.1770-5 (2023), annex 1; EBU Tech 3341 (2023), table 1: the conformance
cases of the tests. The filters' design constants are those of libebur128, which give the
standard's coefficients at 48 kHz.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import sosfilt

from ddasp._check import in_range, signal_2d

__all__ = ["block_loudness", "integrated_loudness", "k_weighting"]

SHELF_FREQUENCY, SHELF_GAIN, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
HIGH_PASS_FREQUENCY, HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773
ABSOLUTE_GATE = -70.0  # LUFS
RELATIVE_GATE = -10.0  # LU
OFFSET = -0.691  # LU: makes a 997 Hz sine of 0 dBFS on one channel -3.01 LUFS


def k_weighting(sampling_rate: float) -> NDArray[np.float64]:
    """Second-order sections of the K-weighting: a high shelf (the head), then a high-pass.

    Parameters
    ----------
    sampling_rate : float
        Sampling rate [Hz].

    Returns
    -------
    ndarray of shape (2, 6)
        Rows [b0, b1, b2, 1, a1, a2], for `scipy.signal.sosfilt`.

    Notes
    -----
    Both are analog prototypes through the bilinear transform with K = tan(pi f0 / fs). Below
    fs = 2 f0 = 3364 Hz no part of the shelf's transition is left, and its limit K -> infinity,
    a gain of 1, is used.

    Examples
    --------
    >>> k_weighting(48000)[0, :3]
    array([ 1.53512486, -2.69169619,  1.19839281])
    """
    in_range(sampling_rate, "sampling_rate", 100.0, np.inf, unit="Hz")
    shelf = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    if sampling_rate > 2 * SHELF_FREQUENCY:
        k = math.tan(math.pi * SHELF_FREQUENCY / sampling_rate)
        high = 10.0 ** (SHELF_GAIN / 20.0)
        band = high**0.4996667741545416
        a0 = 1.0 + k / SHELF_Q + k * k
        shelf = [
            (high + band * k / SHELF_Q + k * k) / a0,
            2.0 * (k * k - high) / a0,
            (high - band * k / SHELF_Q + k * k) / a0,
            1.0,
            2.0 * (k * k - 1.0) / a0,
            (1.0 - k / SHELF_Q + k * k) / a0,
        ]
    k = math.tan(math.pi * HIGH_PASS_FREQUENCY / sampling_rate)
    a0 = 1.0 + k / HIGH_PASS_Q + k * k
    a1, a2 = 2.0 * (k * k - 1.0) / a0, (1.0 - k / HIGH_PASS_Q + k * k) / a0
    return np.array([shelf, [1.0, -2.0, 1.0, 1.0, a1, a2]])


def _channel_weights(n_channels: int) -> NDArray[np.float64]:
    surround = {5: [1.0, 1.0, 1.0, 1.41, 1.41], 6: [1.0, 1.0, 1.0, 0.0, 1.41, 1.41]}
    return np.array(surround.get(n_channels, [1.0] * n_channels))


def _weighted_power(signal: NDArray[np.floating], sampling_rate: float) -> NDArray[np.float64]:
    """Sum of the K-weighted channels' squares, shape (n_samples,)."""
    y = sosfilt(k_weighting(sampling_rate), signal.astype(np.float64), axis=0)
    return np.asarray(np.square(y) @ _channel_weights(signal.shape[1]))


def _to_lufs(power: ArrayLike) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):  # silence is -inf by definition
        return np.asarray(OFFSET + 10.0 * np.log10(np.asarray(power, dtype=np.float64)))


def _block_powers(
    power: NDArray[np.float64], sampling_rate: float, block: float, hop: float
) -> NDArray[np.float64]:
    """Mean power of the whole blocks in a signal, shape (n_blocks,)."""
    running = np.concatenate([[0.0], np.cumsum(power)])
    length = round(block * sampling_rate)
    n_blocks = max(0, math.floor((len(power) - length) / (hop * sampling_rate) + 1e-9) + 1)
    starts = np.rint(np.arange(n_blocks) * hop * sampling_rate).astype(np.int64)
    starts = starts[starts + length <= len(power)]
    return np.asarray(np.maximum(running[starts + length] - running[starts], 0.0) / length)


def block_loudness(
    signal: ArrayLike, sampling_rate: float, *, block: float = 0.4, hop: float = 0.1
) -> NDArray[np.float64]:
    """Loudness of overlapping blocks: momentary with 0.4 s, short-term with 3 s.

    Parameters
    ----------
    signal : array_like of shape (n_samples, n_channels) or (n_samples,)
        Full scale = 1.
    sampling_rate : float
        Sampling rate [Hz].
    block, hop : float
        Length of a block, and from one block's start to the next one's [s].

    Returns
    -------
    ndarray of shape (n_blocks,)
        Loudness of each whole block [LUFS]; empty when the signal is shorter than one.
    """
    x = signal_2d(signal)
    in_range(hop, "hop", 1.0 / sampling_rate, np.inf, unit="s")
    return _to_lufs(_block_powers(_weighted_power(x, sampling_rate), sampling_rate, block, hop))


def integrated_loudness(signal: ArrayLike, sampling_rate: float) -> float:
    """Gated loudness of a whole recording.

    Parameters
    ----------
    signal : array_like of shape (n_samples, n_channels) or (n_samples,)
        Full scale = 1.
    sampling_rate : float
        Sampling rate [Hz].

    Returns
    -------
    float
        Loudness [LUFS]; -inf when no block passes the absolute gate, or nothing is there.

    Notes
    -----
    Blocks of 400 ms, a new one each 100 ms. Those at or below -70 LUFS are dropped, then those
    at or below the mean of the rest minus 10 LU; the loudness is that of the mean power of what
    is left. A signal shorter than 400 ms has no block: its loudness is the ungated one of all
    its samples.

    Examples
    --------
    A 1 kHz sine on two channels, each with a peak of -23 dBFS:

    >>> t = np.arange(48000) / 48000
    >>> sine = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * t)
    >>> round(integrated_loudness(np.stack([sine, sine], axis=1), 48000), 1)
    -23.0
    """
    x = signal_2d(signal)
    if not len(x):
        return -math.inf
    power = _weighted_power(x, sampling_rate)
    blocks = _block_powers(power, sampling_rate, 0.4, 0.1)
    if not len(blocks):
        return float(_to_lufs(power.mean()))
    blocks = blocks[_to_lufs(blocks) > ABSOLUTE_GATE]
    if not len(blocks):
        return -math.inf
    relative = _to_lufs(blocks.mean()) + RELATIVE_GATE
    return float(_to_lufs(blocks[_to_lufs(blocks) > relative].mean()))
