"""All that EBU R 128 wants to know of a recording, in one pass, and for a signal that comes in pieces.

*Conventions*: those of `loudness` and `true_peak`. The maxima of momentary and short-term loudness
are those of blocks that begin each 10 ms; integrated loudness and range use blocks that begin each
100 ms, at every tenth of these places.

*References*: EBU R 128 (2023); EBU Tech 3341 (2023), sec. 2: what a meter shows.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, signal_2d, whole
from ddasp._errors import InputError
from ddasp.audio.loudness import (
    FINE_HOP,
    MOMENTARY,
    SHORT_TERM,
    block_powers,
    integrated_of,
    range_of,
    to_lufs,
)
from ddasp.audio.loudness_energies import SegmentEnergies, cuts_of
from ddasp.audio.true_peak import TruePeak, peak_level

__all__ = ["Loudness", "Meter", "measure"]

# Before its part, the filter of a thread runs in. What it remembers falls by exp(-2 pi 38 t): after
# half a second by 1e-52, far below rounding.
RUN_IN = 50  # segments of 10 ms
PART = 1000  # segments, at least, for a thread of its own


@dataclass(frozen=True)
class Loudness:
    """What was measured.

    Parameters
    ----------
    integrated : float
        Gated loudness of the whole [LUFS].
    range : float
        Loudness range [LU]; 0 for less than 3 s.
    maximum_momentary : float
        Loudness of the loudest 0.4 s [LUFS]; -inf where there are no 0.4 s.
    maximum_short_term : float
        Loudness of the loudest 3 s [LUFS]; -inf where there are no 3 s.
    true_peak : float
        Largest magnitude, between the samples too [dBTP].
    sample_peak : float
        Largest magnitude of a sample [dBFS].
    """

    integrated: float
    range: float
    maximum_momentary: float
    maximum_short_term: float
    true_peak: float
    sample_peak: float


class Meter:
    """A meter for a signal that comes in pieces of any size.

    It keeps eight bytes for each 10 ms of what it has heard, 10 MB for three hours, and the last
    samples. Where the signal is cut into pieces changes nothing but rounding.

    Parameters
    ----------
    sampling_rate : float
        Sampling rate [Hz].
    n_channels : int
        Number of channels, 1 to 64.
    weights : array_like of shape (n_channels,), optional
        Weights of the channels' powers; without them those of the layout (see `loudness`).
    n_expected : int
        How many samples are to come, if that is known. From 2^21 on, compiled loops are loaded,
        which takes half a second once; without a number, when so many have come.

    Examples
    --------
    >>> meter = Meter(8000, 1)
    >>> for piece in np.array_split(0.1 * np.sin(np.arange(40000)), 7):
    ...     meter.push(piece)
    >>> found = meter.loudness()
    >>> round(found.integrated, 2), round(found.true_peak, 2)
    (-22.32, -19.63)
    """

    def __init__(
        self,
        sampling_rate: float,
        n_channels: int,
        *,
        weights: ArrayLike | None = None,
        n_expected: int = 0,
    ) -> None:
        self.n_channels = int(in_range(whole(n_channels, "n_channels"), "n_channels", 1, 64))
        self._heard = _Heard(sampling_rate, n_channels, weights, n_expected)

    def push(self, signal: ArrayLike) -> None:
        """Take the next samples.

        Parameters
        ----------
        signal : array_like of shape (n_samples, n_channels) or (n_samples,)
            Any number of them, none included; full scale = 1.

        Raises
        ------
        InputError
            For another number of channels, integers, NaN or infinity.
        """
        x = np.asarray(signal)
        x = x[:, np.newaxis] if x.ndim == 1 else x
        if x.ndim != 2:
            signal_2d(x)
        if len(x) and x.shape[1] != self.n_channels:
            raise InputError(
                "E-ARGUMENT",
                f"signal has shape {x.shape}; expected (n_samples, {self.n_channels}), the "
                "channels that the meter was made for - is it transposed?",
            )
        self._heard.push(x if len(x) else np.zeros((0, self.n_channels)))

    def loudness(self) -> Loudness:
        """What was measured so far; the meter can go on."""
        return _together([self._heard])


class _Heard:
    """Energies and peaks of a part of the signal, from one of the grid's cuts on."""

    def __init__(
        self,
        sampling_rate: float,
        n_channels: int,
        weights: ArrayLike | None,
        n_expected: int,
        first_cut: int = 0,
    ) -> None:
        self.energies = SegmentEnergies(
            sampling_rate,
            n_channels,
            hop=FINE_HOP,
            weights=weights,
            n_expected=n_expected,
            first_cut=first_cut,
        )
        self.peaks = TruePeak(sampling_rate, n_channels, n_expected=n_expected)

    def push(self, x: NDArray) -> None:
        x = x.astype(signal_2d(x[:0]).dtype, copy=False)
        for piece in self.energies.pieces(x):  # while it is in the cache
            self.energies.push(piece)
            self.peaks.push(piece)

    def forget(self) -> None:
        self.energies.forget()
        self.peaks.forget()


def _together(parts: list[_Heard]) -> Loudness:
    """The measures of a signal whose parts follow each other."""
    rate, last = parts[0].energies.sampling_rate, parts[-1]
    energies = np.concatenate([part.energies.whole() for part in parts])
    momentary, short_term = (
        block_powers(energies, round(block / FINE_HOP), rate, FINE_HOP)
        for block in (MOMENTARY, SHORT_TERM)
    )
    sample = max(part.peaks.sample for part in parts)
    between = max(part.peaks.between for part in parts)
    # without a block the signal is short, and in one part
    return Loudness(
        integrated=integrated_of(energies, rate, last.energies.mean_power()),
        range=range_of(energies, rate),
        maximum_momentary=float(to_lufs(momentary.max(initial=0.0))),
        maximum_short_term=float(to_lufs(short_term.max(initial=0.0))),
        true_peak=peak_level(max(sample, between, last.peaks.true())),
        sample_peak=peak_level(sample),
    )


def measure(
    signal: ArrayLike,
    sampling_rate: float,
    *,
    weights: ArrayLike | None = None,
    n_threads: int = 1,
) -> Loudness:
    """Measure a whole recording.

    Parameters
    ----------
    signal : array_like of shape (n_samples, n_channels) or (n_samples,)
        Full scale = 1.
    sampling_rate : float
        Sampling rate [Hz].
    weights : array_like of shape (n_channels,), optional
        Weights of the channels' powers; without them those of the layout (see `loudness`).
    n_threads : int
        Parts of the recording, of ten seconds or more, that are measured at the same time. It
        changes nothing but rounding.

    Returns
    -------
    Loudness
        All measures.

    Examples
    --------
    >>> t = np.arange(160000) / 16000
    >>> found = measure(0.1 * np.sin(2 * np.pi * 1000 * t), 16000)
    >>> round(found.integrated, 1), round(found.range, 1), round(found.true_peak, 1)
    (-23.0, 0.0, -20.0)
    """
    x = np.asarray(signal)
    x = x[:, np.newaxis] if x.ndim == 1 else x
    whole(n_threads, "n_threads")
    in_range(sampling_rate, "sampling_rate", 100.0, np.inf, unit="Hz")
    signal_2d(x if x.ndim != 2 or x.shape[1] > 64 else x[:1])  # the samples: piece by piece
    last_cut = math.ceil(len(x) / (FINE_HOP * sampling_rate)) + 1
    n_parts = max(1, min(n_threads, last_cut // PART))
    firsts = [16 * round(k * last_cut / n_parts / 16) for k in range(n_parts)]

    def part(first: int, stop: int) -> _Heard:
        before = max(0, first - RUN_IN)
        heard = _Heard(sampling_rate, x.shape[1], weights, len(x), before)
        a, b, c = cuts_of([before, first, stop], sampling_rate, FINE_HOP)
        heard.push(x[a:b])
        heard.forget()
        heard.push(x[b:c])
        return heard

    with ThreadPoolExecutor(n_parts) as threads:
        return _together(list(threads.map(part, firsts, [*firsts[1:], last_cut])))
