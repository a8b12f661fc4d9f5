"""What the feature sets of one sound share: courses of its frames, and what is relative to its whole.

A course is what single frames give, one row each: a frame's energy, its powers in mel bands, its
spectral descriptors. It needs nothing but the frame (the flux: and the one before), so a stream
computes courses as the samples come and a file computes them at once, with the same numbers.
Whatever depends on the sound as a whole (its loudest band, its mean, its gate) is computed from
the courses, over the analysis window that a decision is made on.

*Conventions*: one mono signal of shape (n_samples,), full scale = 1, rounded to float32 (what
files, streams and graphs hold) and computed with in float64; time first. Each thing is computed
when it is first asked for, and once. Powers in the mel bands are relative to the loudest of the
sound, so that a gain changes nothing that is built on them.

*References*: Stevens 1955, "The measurement of loudness"; Jaitly and Hinton 2013 (warping);
Viikki and Laurila 1998 (mean and variance normalisation over the utterance).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, signal_1d
from ddasp.audio import descriptors, levels, mel, stft

__all__ = ["Analysis", "Grid", "normalise", "shortest", "time_normalise"]

FRAME, HOP = 0.032, 0.010  # s
N_MELS, F_MIN = 40, 60.0  # bands; Hz
# Of the rate: a bank warped by 1.08 stays below half the rate, and above it resampling has taken
# part of the spectrum away, which would tell the file's own rate.
F_MAX = 0.45
RANGE = 80.0  # dB below the loudest mel band of a sound, at which the mel spectrum is floored
LOUDNESS, LEAST_LOUDNESS = 0.3, 1e-3  # Stevens' exponent: loudness grows as that power of intensity
ACTIVE = 60.0  # dB below the loudest frame, from which on a frame counts as silent
SOFTENING = 1e-3  # of `normalise`
N_OCTAVES = 7  # octaves below half the sampling rate, the lowest one down to 0 Hz
SHARE_FLOOR = -60.0  # dB, of an octave's share

BLOCK = 1024  # frames whose spectra are held at a time

Array = NDArray[np.float64]


def shortest(rate: float) -> int:
    """Samples of one analysis frame: shorter sounds are followed by zeros.

    Examples
    --------
    >>> shortest(8000)
    256
    """
    return max(4, round(FRAME * rate))


def time_normalise(trajectory: ArrayLike, n_steps: int, weights: ArrayLike | None = None) -> Array:
    """Any number of frames as a fixed number of steps, by averaging over equal parts of the time.

    Parameters
    ----------
    trajectory : array_like of shape (n_frames, n_features)
        C; frame m stands for the time from m to m + 1.
    n_steps : int
        Number of steps T.
    weights : array_like of shape (n_frames,), optional
        How much time each frame is worth, w > 0; default 1. Parts are equal in sum of weights,
        so that a long soft part takes few steps.

    Returns
    -------
    ndarray of shape (n_steps, n_features)
        The weighted mean of C over each part; frames at a border count by the share that lies
        inside. The weighted mean over all time is kept.

    Examples
    --------
    >>> time_normalise([[0.0], [2.0], [4.0]], 2)
    array([[0.66666667],
           [3.33333333]])
    >>> time_normalise([[0.0], [2.0], [4.0]], 2, [1.0, 1.0, 2.0])
    array([[1.],
           [4.]])
    """
    C = np.asarray(trajectory, dtype=np.float64)
    n = len(C)
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    clock = np.concatenate([[0.0], np.cumsum(w)])
    integral = np.zeros((n + 1, C.shape[1]))  # of C over the clock
    np.cumsum(C * w[:, np.newaxis], axis=0, out=integral[1:])
    borders = np.linspace(0.0, clock[-1], n_steps + 1)
    frame = np.clip(np.searchsorted(clock, borders, side="right") - 1, 0, n - 1)
    at_borders = integral[frame] + (borders - clock[frame])[:, np.newaxis] * C[frame]
    return np.asarray(np.diff(at_borders, axis=0) * (n_steps / clock[-1]))


def normalise(trajectory: ArrayLike, *, softening: float = SOFTENING) -> Array:
    """Mean 0 and standard deviation 1 of each column over the frames, (C - mean) / (std + s).

    Examples
    --------
    >>> normalise([[1.0, 5.0], [3.0, 5.0]], softening=0.0 + 1e-9)
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    C = np.asarray(trajectory, dtype=np.float64)
    centred = C - C.mean(axis=0)
    return np.asarray(centred / (np.sqrt(np.mean(np.square(centred), axis=0)) + softening))


class Grid:
    """Frames of 32 ms every 10 ms at one sampling rate, and the courses that they give.

    Parameters
    ----------
    rate : float
        Sampling rate [Hz].
    """

    def __init__(self, rate: float) -> None:
        self.rate = in_range(rate, "rate", 1000.0, 768000.0, unit="Hz")
        self.frame_length = shortest(rate)
        self.hop_length = max(1, round(HOP * rate))
        self.n_fft = stft.next_power_of_2(self.frame_length)
        self.frequencies = stft.frequencies(self.n_fft, rate)  # (n_bins,)
        edges = np.concatenate([[0.0], rate / 2.0 ** np.arange(N_OCTAVES, 0, -1)])
        edges[-1] += 1.0  # the bin at half the rate belongs to the last octave
        self.octaves = edges

    def bank(self, warp: float) -> Array:
        """Weights of the mel bands, (N_MELS, n_bins)."""
        bands = mel.MelBands(N_MELS, F_MIN, F_MAX * self.rate, warp=warp)
        return mel.filter_bank(bands, self.n_fft, self.rate)

    def power(self, frames: Array) -> Array:
        """Power spectra of frames, (n_frames, n_bins)."""
        return np.asarray(stft.power(stft.spectra(frames, n_fft=self.n_fft)))

    def course(self, name: str, frames: Array, P: Array | None = None) -> Array:
        """One course of consecutive frames.

        Parameters
        ----------
        name : str
            "energy" (n_frames, 1): mean square. "mel" (n_frames, N_MELS), or "mel 0.92" for a
            warp: powers in the bands. "descriptors" (n_frames, 6 + N_OCTAVES): zero-crossing
            rate, centroid, spread, roll-off, flatness, flux (0 in the first frame), and the
            levels of the octaves' shares of the energy.
        frames : ndarray of shape (n_frames, frame_length)
            Without a window.
        P : ndarray of shape (n_frames, n_bins), optional
            Their power spectra, where they are known already.

        Returns
        -------
        ndarray of shape (n_frames, n_columns)
        """
        if name == "energy":
            energy = np.einsum("mn,mn->m", frames, frames) / self.frame_length
            return np.asarray(energy[:, np.newaxis])
        P = self.power(frames) if P is None else P
        if name == "descriptors":
            return self._descriptors(frames, P)
        return np.asarray(P @ self.bank(float(name.partition(" ")[2] or 1)).T)

    def _descriptors(self, frames: Array, P: Array) -> Array:
        f, S = self.frequencies, np.sqrt(P)
        shares = descriptors.band_energies(P, f, self.octaves)
        return np.column_stack(
            [
                descriptors.zero_crossing_rate(frames),
                descriptors.centroid(S, f),
                descriptors.spread(S, f),
                descriptors.rolloff(S, f),
                descriptors.flatness(P),
                descriptors.flux(S),
                levels.power_to_db(shares, floor=SHARE_FLOOR),
            ]
        )


class Analysis:
    """What the feature sets of one sound share, each computed when it is first asked for.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Full scale = 1; one shorter than a frame is followed by zeros.
    rate : float
        Sampling rate [Hz].
    file_rate : float, optional
        Sampling rate of the file the sound came from [Hz]; default `rate`.
    courses : dict of ndarray of shape (n_frames, n_columns), optional
        Courses that a stream has computed already, by name.
    """

    def __init__(
        self,
        signal: ArrayLike,
        rate: float,
        file_rate: float | None = None,
        *,
        courses: Mapping[str, Array] | None = None,
    ) -> None:
        x = signal_1d(signal).astype(np.float32).astype(np.float64)
        self.grid = Grid(rate)
        self.rate = self.grid.rate
        self.file_rate = self.rate if file_rate is None else file_rate
        self.n_samples = len(x)
        missing = max(0, self.grid.frame_length - len(x))
        self.signal = np.concatenate([x, np.zeros(missing)]) if missing else x
        self._courses = dict(courses or {})
        self._mel: dict[float, Array] = {}

    @cached_property
    def frames(self) -> Array:
        """Frames without a window, a view of shape (n_frames, frame_length)."""
        grid = self.grid
        return np.asarray(stft.frames(self.signal, grid.frame_length, grid.hop_length))

    def course(self, name: str) -> Array:
        """A course of `Grid.course` over all frames, (n_frames, n_columns)."""
        if name not in self._courses:
            self._courses[name] = np.concatenate(list(self._in_blocks(name)))
        return self._courses[name]

    def _in_blocks(self, name: str) -> Iterator[Array]:
        """Of `BLOCK` frames at a time: the spectra of a long recording are never held as a whole."""
        if len(self.frames) <= BLOCK:
            P = None if name == "energy" else self._power
            yield self.grid.course(name, self.frames, P)
            return
        for start in range(0, len(self.frames), BLOCK):
            before = 1 if start else 0  # the flux of a block's first frame needs the one before it
            yield self.grid.course(name, self.frames[start - before : start + BLOCK])[before:]

    @cached_property
    def _power(self) -> Array:
        """Power spectra of a short sound: several courses come from them."""
        return self.grid.power(self.frames)

    @cached_property
    def energies(self) -> Array:
        """Mean square of each frame, (n_frames,)."""
        return self.course("energy")[:, 0]

    @cached_property
    def times(self) -> Array:
        """Centres of the frames [s], (n_frames,)."""
        return np.asarray(np.arange(len(self.energies)) * (self.grid.hop_length / self.rate))

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Frames at most `ACTIVE` dB below the loudest; all of them in a sound of zeros."""
        return np.asarray(self.energies >= self.energies.max() * 10.0 ** (-ACTIVE / 10.0))

    def mel(self, warp: float) -> Array:
        """Powers in mel bands relative to the loudest of the sound, (n_frames, N_MELS).

        In a sound of zeros all are 1.
        """
        if warp not in self._mel:
            P = self.course("mel" if warp == 1 else f"mel {warp}")
            loudest = P.max()
            self._mel[warp] = np.asarray(P / loudest if loudest > 0 else np.ones_like(P))
        return self._mel[warp]

    def log_mel(self, warp: float) -> Array:
        """The same as levels, floored at -`RANGE` dB, (n_frames, N_MELS)."""
        return np.asarray(levels.power_to_db(self.mel(warp), floor=-RANGE))

    def loudness(self, warp: float) -> Array:
        """Stevens' loudness of each frame, the 0.3rd power of its sum over the bands, (n_frames,).

        Relative to the loudest frame, plus 0.001: as the weights of `time_normalise` it makes
        time run fast where the sound is loud, and pauses and reverberation take few steps.
        """
        E = self.mel(warp).sum(axis=1)
        return np.asarray((E / E.max()) ** LOUDNESS + LEAST_LOUDNESS)
