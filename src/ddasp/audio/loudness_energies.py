"""Energy of the K-weighted signal between the cuts of a grid, for a signal that comes in pieces.

All measures of loudness are made from these energies (`loudness`). The grid's cuts are the samples
c_i = rint(i hop fs), i = 0, 1, 2, ..., halves to the even neighbour; a segment holds the samples
from c_i up to c_(i+1). The filter's state and the energy since the last cut go from one piece to
the next, so it does not matter where a signal is cut into pieces, and what is kept of it are eight
bytes for each segment: 10 MB for three hours in segments of 10 ms.

`segment_energies` is the whole computation, in SciPy. For long signals `loudness_compiled` takes
its place: the same numbers up to rounding, about ten times as fast.

*Conventions*: signals have shape (n_samples, n_channels), full scale = 1. Channels are weighted by
their place in the speaker layout: 1 for all, except five channels (L, R, C, Ls, Rs: 1, 1, 1, 1.41,
1.41) and six (L, R, C, LFE, Ls, Rs: 1, 1, 1, 0, 1.41, 1.41).

*References*: ITU-R BS.1770-5 (2023), annex 1. The filters' design constants are those of
libebur128, which give the standard's coefficients at 48 kHz.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import sosfilt

from ddasp._check import in_range, signal_2d
from ddasp._errors import InputError

__all__ = [
    "SegmentEnergies",
    "channel_weights",
    "compiled_loops",
    "cuts_of",
    "k_weighting",
    "segment_energies",
    "state_space",
]

SHELF_FREQUENCY, SHELF_GAIN, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
HIGH_PASS_FREQUENCY, HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773
# Samples from which on the compiled loops are worth it: loading Numba takes half a second, SciPy
# needs a tenth of one for so many.
COMPILED_FROM = 2**21
PIECE = 2**17  # samples that go through at once, about: they stay in the cache


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


def channel_weights(n_channels: int, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Weights of the channels' powers: those given, or those of the layout with as many channels.

    Parameters
    ----------
    n_channels : int
        Number of channels.
    weights : array_like of shape (n_channels,), optional
        For other layouts than those of the module's conventions: 1 in front, 1.41 for surround
        channels (60 to 120 degrees to the side, elevation below 30), 0 for LFE.

    Returns
    -------
    ndarray of shape (n_channels,)
        Weights, not negative.

    Examples
    --------
    >>> channel_weights(5)
    array([1. , 1. , 1. , 1.41, 1.41])
    """
    if weights is None:
        surround = {5: [1.0, 1.0, 1.0, 1.41, 1.41], 6: [1.0, 1.0, 1.0, 0.0, 1.41, 1.41]}
        return np.array(surround.get(n_channels, [1.0] * n_channels))
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (n_channels,):
        raise InputError(
            "E-ARGUMENT",
            f"weights has shape {given.shape}; expected ({n_channels},), one for each channel",
        )
    if not (np.isfinite(given) & (given >= 0)).all():
        raise InputError(
            "E-ARGUMENT",
            f"weights is {given.tolist()}; expected powers of at least 0 - are these decibels?",
        )
    return given


def cuts_of(index: ArrayLike, sampling_rate: float, hop: float) -> NDArray[np.int64]:
    """Samples at which the grid cuts, c_i = rint(i hop fs).

    Notes
    -----
    Multiplied in the order (i fs) hop, which is exact where it matters: for whole rates and a hop
    of 0.1 or 0.01 s, a cut that should fall halfway between two samples does, and every tenth cut
    of the finer grid is one of the coarser.
    """
    index = np.asarray(index, dtype=np.float64)
    return np.asarray(np.rint(index * sampling_rate * hop), dtype=np.int64)


def segment_energies(
    signal: NDArray[np.floating],
    sections: NDArray[np.float64],
    weights: NDArray[np.float64],
    state: NDArray[np.float64],
    cuts: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Energy of the K-weighted signal between neighbouring cuts, and the filter's state after it.

    Parameters
    ----------
    signal : ndarray of shape (n_samples, n_channels)
        Full scale = 1.
    sections : ndarray of shape (2, 6)
        The K-weighting.
    weights : ndarray of shape (n_channels,)
        Weights of the channels.
    state : ndarray of shape (2, 2, n_channels)
        The filter's state before the signal, for `scipy.signal.sosfilt`.
    cuts : ndarray of shape (n_segments + 1,)
        From 0 to n_samples; of the segments only the last one may be empty.

    Returns
    -------
    energies : ndarray of shape (n_segments,)
        Sums of the weighted squares.
    state : ndarray of shape (2, 2, n_channels)
        The filter's state after the signal.
    """
    y, state = sosfilt(sections, signal.astype(np.float64), axis=0, zi=state)
    power = np.append(np.square(y) @ weights, 0.0)  # the zero is what an empty segment has
    return np.add.reduceat(power, cuts[:-1]), state


def state_space(sections: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A, shape (4, 4), and B, shape (4,): a sample x takes the filter's state s to A s + B x.

    Column j of A is the state that follows the j-th unit vector when the sample is 0; B is what
    follows state 0 when the sample is 1.
    """
    states = np.concatenate([np.eye(4), np.zeros((4, 1))], axis=1).reshape(2, 2, 5)
    samples = np.array([[0.0, 0.0, 0.0, 0.0, 1.0]])
    after = sosfilt(sections, samples, axis=0, zi=states)[1].reshape(4, 5)
    return after[:, :4], after[:, 4]


def compiled_loops(n_samples: int) -> ModuleType | None:
    """The compiled loops, where so many samples are worth loading them and Numba is there."""
    return _loops() if n_samples >= COMPILED_FROM else None


@cache
def _loops() -> ModuleType | None:
    try:
        return import_module("ddasp.audio.loudness_compiled")
    except ImportError:  # SciPy does all of it: the same numbers, more slowly
        return None


class SegmentEnergies:
    """Energies of the K-weighted signal between the cuts of a grid, for a signal in pieces.

    Parameters
    ----------
    sampling_rate : float
        Sampling rate [Hz].
    n_channels : int
        Number of channels.
    hop : float
        Distance of the cuts [s], at least one sample.
    weights : array_like of shape (n_channels,), optional
        Weights of the channels; without them those of the layout.
    n_expected : int
        How many samples are to come, if that is known. From 2^21 on compiled loops take over,
        which give the same numbers up to rounding.
    first_cut : int
        Number of the cut at which the signal begins.

    Examples
    --------
    >>> energies = SegmentEnergies(8000, 1, hop=0.1)
    >>> for piece in np.split(0.1 * np.ones((2000, 1)), [300, 1500]):
    ...     energies.push(piece)
    >>> energies.n_samples, len(energies.whole())
    (2000, 2)
    """

    def __init__(
        self,
        sampling_rate: float,
        n_channels: int,
        *,
        hop: float = 0.01,
        weights: ArrayLike | None = None,
        n_expected: int = 0,
        first_cut: int = 0,
    ) -> None:
        self.sections = k_weighting(sampling_rate)
        self.weights = channel_weights(n_channels, weights)
        in_range(hop, "hop", 1.0 / sampling_rate, np.inf, unit="s")
        self.sampling_rate, self.hop, self.n_expected = sampling_rate, hop, n_expected
        self.n_samples, self._first_cut = 0, first_cut
        self._start = int(cuts_of(first_cut, sampling_rate, hop))
        self._state = np.zeros((2, 2, n_channels))
        self._whole = array("d")  # eight bytes for each segment
        self._begun = 0.0  # energy since the last cut
        self._tables: tuple[Any, ...] | None = None  # what the compiled loop needs

    def pieces(self, signal: NDArray[np.floating]) -> Iterator[NDArray[np.floating]]:
        """The next samples in pieces that stay in the cache.

        They end where a multiple of sixteen segments does, because so many are computed together.

        Parameters
        ----------
        signal : ndarray of shape (n_samples, n_channels)
            What is to be pushed.

        Yields
        ------
        ndarray of shape (n_samples, n_channels)
            Parts of it, one after the other; each is to be pushed before the next is asked for.
        """
        together = 16 * max(1, int(PIECE / (16 * self.hop * self.sampling_rate)))
        while len(signal):
            border = (self._n_cuts() // together + 1) * together
            stop = int(cuts_of(border, self.sampling_rate, self.hop))
            n = stop - self._start - self.n_samples
            yield signal[:n]
            signal = signal[n:]

    def push(self, signal: NDArray[np.floating]) -> None:
        """Take the next samples, any number of them.

        Parameters
        ----------
        signal : ndarray of shape (n_samples, n_channels)
            Floats; shape and type are not checked here.

        Raises
        ------
        InputError
            For NaN or infinity.
        """
        for piece in self.pieces(signal):
            self._push(piece)

    def _n_cuts(self) -> int:
        """Number of the last cut so far."""
        return self._first_cut + len(self._whole)

    def _push(self, x: NDArray[np.floating]) -> None:
        start = self._start + self.n_samples
        stop = start + len(x)
        index = np.arange(self._n_cuts() + 1, stop / (self.hop * self.sampling_rate) + 2)
        cuts = cuts_of(index, self.sampling_rate, self.hop)
        within = np.concatenate([[start], cuts[cuts <= stop], [stop]]) - start
        energies, state = self._filtered(x, within)
        if not np.isfinite(state).all():  # a recursive filter keeps NaN and infinity for ever
            signal_2d(x)
        energies[0] += self._begun
        self._begun, self._state = float(energies[-1]), state
        self._whole.frombytes(energies[:-1].tobytes())
        self.n_samples += len(x)

    def _filtered(
        self, x: NDArray[np.floating], cuts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        loops = compiled_loops(max(self.n_samples, self.n_expected))
        if loops is None:
            return segment_energies(x, self.sections, self.weights, self._state, cuts)
        if self._tables is None:
            length = round(self.hop * self.sampling_rate)
            f = tuple(map(float, [*self.sections[0, :3], *self.sections[:, 4:].ravel()]))
            tables = loops.block_tables(*state_space(self.sections), length)
            self._tables = (f, self.weights, *tables)
        out, state = np.empty(len(cuts) - 1), self._state.flatten()
        loops.energies(np.ravel(x), x.shape[1], *self._tables, state, cuts, out)
        return out, state.reshape(self._state.shape)

    def forget(self) -> None:
        """Drop the energies so far and keep the filter's state; the grid goes on."""
        self._first_cut = self._n_cuts()
        self._start = int(cuts_of(self._first_cut, self.sampling_rate, self.hop))
        self.n_samples, self._whole = 0, array("d")

    def whole(self) -> NDArray[np.float64]:
        """Energies of the whole segments so far, shape (n_segments,)."""
        return np.array(self._whole)

    def mean_power(self) -> float:
        """Mean power of all samples so far; 0 without any."""
        return (float(self.whole().sum()) + self._begun) / max(1, self.n_samples)
