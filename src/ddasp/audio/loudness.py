"""Loudness after ITU-R BS.1770 and EBU R 128: momentary, short-term, integrated, and its range.

*Conventions*: signals have shape (n_samples, n_channels), full scale = 1; one channel may come as
(n_samples,). Loudness in LUFS; silence is -inf. Channels are weighted by their place in the
speaker layout: 1 for all, except five channels (L, R, C, Ls, Rs: 1, 1, 1, 1.41, 1.41) and six
(L, R, C, LFE, Ls, Rs: 1, 1, 1, 0, 1.41, 1.41). A mono file is one channel and therefore 3 LU
softer than the same signal on two.

Blocks lie on a grid with the cuts c_i = rint(i hop fs), i = 0, 1, 2, ..., halves to the even
neighbour. A block is a whole number of the grid's segments, its power their energy over its
c_(i+n) - c_i samples (`loudness_energies`). Only whole blocks count. `loudness_meter` gives all
measures at once, with the true peak, and for a signal that comes in pieces.

*References*: ITU-R BS.1770-5 (2023), annex 1; EBU Tech 3341 (2023), table 1, and EBU Tech 3342
(2023): the conformance cases of the tests.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import signal_2d
from ddasp._errors import InputError
from ddasp.audio.loudness_energies import SegmentEnergies, cuts_of, k_weighting

__all__ = [
    "block_loudness",
    "block_powers",
    "gated_loudness",
    "gated_range",
    "integrated_loudness",
    "k_weighting",
    "loudness_range",
    "momentary_loudness",
    "short_term_loudness",
    "to_lufs",
]

ABSOLUTE_GATE = -70.0  # LUFS
RELATIVE_GATE, RELATIVE_GATE_OF_RANGE = -10.0, -20.0  # LU
OFFSET = -0.691  # LU: makes a 997 Hz sine of 0 dBFS on one channel -3.01 LUFS
MOMENTARY, SHORT_TERM, HOP, FINE_HOP = 0.4, 3.0, 0.1, 0.01  # seconds


def to_lufs(power: ArrayLike) -> NDArray[np.float64]:
    """Loudness of a weighted mean power, -0.691 + 10 log10 p.

    Examples
    --------
    >>> to_lufs([1.0, 0.0])
    array([-0.691,   -inf])
    """
    with np.errstate(divide="ignore"):  # silence is -inf by definition
        return np.asarray(OFFSET + 10.0 * np.log10(np.asarray(power, dtype=np.float64)))


def block_powers(
    energies: NDArray[np.float64], n: int, sampling_rate: float, hop: float
) -> NDArray[np.float64]:
    """Mean powers of the blocks of n neighbouring segments.

    Parameters
    ----------
    energies : ndarray of shape (n_segments,)
        Energies of a grid's segments, from its first cut on.
    n : int
        Segments in a block.
    sampling_rate : float
        Sampling rate [Hz].
    hop : float
        Distance of the grid's cuts [s].

    Returns
    -------
    ndarray of shape (n_blocks,)
        Sums of n neighbours over the number of their samples; a block begins at each cut.
    """
    if len(energies) < n:
        return np.zeros(0)
    cuts = cuts_of(np.arange(len(energies) + 1), sampling_rate, hop)
    return np.asarray(np.convolve(energies, np.ones(n), "valid") / (cuts[n:] - cuts[:-n]))


def gated_loudness(powers: NDArray[np.float64]) -> float:
    """Integrated loudness from the powers of blocks of 0.4 s, a new one each 0.1 s.

    Parameters
    ----------
    powers : ndarray of shape (n_blocks,)
        Mean powers.

    Returns
    -------
    float
        Loudness [LUFS]; -inf when no block passes the absolute gate.
    """
    loud = powers[to_lufs(powers) > ABSOLUTE_GATE]
    if not len(loud):
        return -math.inf
    relative = to_lufs(loud.mean()) + RELATIVE_GATE
    return float(to_lufs(loud[to_lufs(loud) > relative].mean()))


def gated_range(powers: NDArray[np.float64]) -> float:
    """Loudness range from the powers of blocks of 3 s, a new one each 0.1 s.

    Parameters
    ----------
    powers : ndarray of shape (n_blocks,)
        Mean powers.

    Returns
    -------
    float
        Range [LU]; 0 when no block passes the absolute gate.
    """
    loud = powers[to_lufs(powers) >= ABSOLUTE_GATE]
    if not len(loud):
        return 0.0
    relative = to_lufs(loud.mean()) + RELATIVE_GATE_OF_RANGE
    levels = np.sort(to_lufs(loud[to_lufs(loud) >= relative]))
    low, high = (int((len(levels) - 1) * p + 0.5) for p in (0.10, 0.95))  # nearest rank
    return float(levels[high] - levels[low])


def _whole_signal(
    signal: ArrayLike, sampling_rate: float, hop: float, weights: ArrayLike | None
) -> SegmentEnergies:
    x = signal_2d(signal)
    energies = SegmentEnergies(
        sampling_rate, x.shape[1], hop=hop, weights=weights, n_expected=len(x)
    )
    energies.push(x)
    return energies


def block_loudness(
    signal: ArrayLike,
    sampling_rate: float,
    *,
    block: float = MOMENTARY,
    hop: float = HOP,
    weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Loudness of overlapping blocks: momentary with 0.4 s, short-term with 3 s.

    Parameters
    ----------
    signal : array_like of shape (n_samples, n_channels) or (n_samples,)
        Full scale = 1.
    sampling_rate : float
        Sampling rate [Hz].
    block, hop : float
        Length of a block, and from one block's start to the next one's [s]; block is a whole
        multiple of hop. Meters of files find the true maximum with a hop of 0.01 s.
    weights : array_like of shape (n_channels,), optional
        Weights of the channels; without them those of the layout.

    Returns
    -------
    ndarray of shape (n_blocks,)
        Loudness of each whole block [LUFS]; empty when the signal is shorter than one.

    Notes
    -----
    Block i holds the samples from c_i up to c_(i+n), with the grid c_i = rint(i hop fs) and
    n = block / hop.
    """
    energies = _whole_signal(signal, sampling_rate, hop, weights)
    n = max(1, round(block / hop))
    if not abs(n * hop - block) <= 1e-9 * n * hop:
        raise InputError(
            "E-ARGUMENT",
            f"block is {block:g} s; expected a whole multiple of hop = {hop:g} s - "
            "a hop of 0.1 or 0.01 s divides both 0.4 s and 3 s",
        )
    return to_lufs(block_powers(energies.whole(), n, sampling_rate, hop))


def momentary_loudness(
    signal: ArrayLike, sampling_rate: float, *, hop: float = HOP, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Loudness of blocks of 0.4 s, shape (n_blocks,); see `block_loudness`."""
    return block_loudness(signal, sampling_rate, block=MOMENTARY, hop=hop, weights=weights)


def short_term_loudness(
    signal: ArrayLike, sampling_rate: float, *, hop: float = HOP, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Loudness of blocks of 3 s, shape (n_blocks,); see `block_loudness`."""
    return block_loudness(signal, sampling_rate, block=SHORT_TERM, hop=hop, weights=weights)


def integrated_loudness(
    signal: ArrayLike, sampling_rate: float, *, weights: ArrayLike | None = None
) -> float:
    """Gated loudness of a whole recording.

    Parameters
    ----------
    signal : array_like of shape (n_samples, n_channels) or (n_samples,)
        Full scale = 1.
    sampling_rate : float
        Sampling rate [Hz].
    weights : array_like of shape (n_channels,), optional
        Weights of the channels; without them those of the layout.

    Returns
    -------
    float
        Loudness [LUFS]; -inf when no block passes the absolute gate, or nothing is there.

    Notes
    -----
    Blocks of 400 ms, a new one each 100 ms: block i holds the samples from c_i up to c_(i+4),
    c_i = rint(0.1 i fs), halves to the even neighbour; only whole blocks count. Blocks at or below
    -70 LUFS are dropped, then those at or below the mean of the rest minus 10 LU; the loudness is
    that of the mean power of what is left. A signal shorter than one block has none: its loudness
    is the ungated one of all its samples.

    Examples
    --------
    A 1 kHz sine on two channels, each with a peak of -23 dBFS:

    >>> t = np.arange(48000) / 48000
    >>> sine = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * t)
    >>> round(integrated_loudness(np.stack([sine, sine], axis=1), 48000), 1)
    -23.0
    """
    energies = _whole_signal(signal, sampling_rate, FINE_HOP, weights)
    return integrated_of(energies.whole(), sampling_rate, energies.mean_power())


def integrated_of(energies: NDArray[np.float64], sampling_rate: float, mean_power: float) -> float:
    """Integrated loudness [LUFS] from the energies of segments of 10 ms.

    Parameters
    ----------
    energies : ndarray of shape (n_segments,)
        Energies of the whole segments.
    sampling_rate : float
        Sampling rate [Hz].
    mean_power : float
        What counts where there is no block.
    """
    powers = block_powers(in_tens(energies), 4, sampling_rate, HOP)
    return gated_loudness(powers) if len(powers) else float(to_lufs(mean_power))


def in_tens(energies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energies of segments of 100 ms, shape (n_segments // 10,), from those of 10 ms."""
    n = len(energies) // 10
    return np.asarray(energies[: n * 10].reshape(n, 10).sum(axis=1))


def loudness_range(
    signal: ArrayLike, sampling_rate: float, *, weights: ArrayLike | None = None
) -> float:
    """Loudness range: how far apart the soft and the loud passages of a recording are.

    Parameters
    ----------
    signal : array_like of shape (n_samples, n_channels) or (n_samples,)
        Full scale = 1.
    sampling_rate : float
        Sampling rate [Hz].
    weights : array_like of shape (n_channels,), optional
        Weights of the channels; without them those of the layout.

    Returns
    -------
    float
        Range [LU]; 0 for a signal shorter than 3 s, or below the absolute gate.

    Notes
    -----
    Short-term loudness (3 s) each 100 ms. Blocks below -70 LUFS are dropped, then those more than
    20 LU below the mean of the rest; the range is from the 10th to the 95th percentile of what is
    left, each the nearest of the ordered values (Tech 3342, 2023, section 3). Only whole blocks
    count; no silence is appended.

    Examples
    --------
    20 s at -20 dBFS, then 20 s at -30 dBFS (Tech 3342, case 1):

    >>> sine = np.sin(2 * np.pi * 1000 / 8000 * np.arange(320000))
    >>> sine *= np.repeat([0.1, 0.1 / np.sqrt(10)], 160000)
    >>> round(loudness_range(sine, 8000), 1)
    10.0
    """
    energies = _whole_signal(signal, sampling_rate, FINE_HOP, weights)
    return range_of(energies.whole(), sampling_rate)


def range_of(energies: NDArray[np.float64], sampling_rate: float) -> float:
    """Loudness range [LU] from the energies of segments of 10 ms, shape (n_segments,)."""
    return gated_range(block_powers(in_tens(energies), 30, sampling_rate, HOP))
