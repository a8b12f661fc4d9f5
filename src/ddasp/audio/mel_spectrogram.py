"""Log-mel spectra of whole signals and of streams, quickly: the same numbers as step by step.

`log_mel_spectrogram` is `mel.log_mel` of `stft.power_spectra`, without the spectra of all frames
ever standing in memory. Where Numba is there, a compiled loop does the work (`mel_loops`);
otherwise NumPy does it, a block of frames at a time, small enough to stay in the cache.

*Conventions*: those of `stft` and `mel`: time first, periodic Hann window, frame m centred on
sample m * hop_length with zeros around the signal, levels 10 log10 of power, not below -120 dB.
The transform is as long as the smallest power of two that holds a frame. float32 stays float32.
The first call in a process loads Numba, nearly a second; the very first on a machine compiles for
some seconds for each dtype.

*References*: those of `stft` and `mel`; `docs/benchmarks/features.md` for the times.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from importlib import import_module
from itertools import pairwise
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from ddasp._check import in_range, matrix, signal_1d, whole
from ddasp.audio.mel import MelBands, filter_bank
from ddasp.audio.stft import hann, next_power_of_2

__all__ = ["log_mel_frames", "log_mel_spectrogram"]

Array = NDArray[np.floating]
Plan = Callable[[Array, int, Array], None]  # x, hop_length, out
FLOOR = -120.0  # dB, as in `mel.log_mel`
GROUP = 16  # frames that the compiled loop takes together, and samples that it reads together
BLOCK = 256  # frames that NumPy takes together: their spectra fit into the second cache
SHORT = 2048  # frames below which a signal is simply copied between its zeros
LEAST_N_FFT = 32  # shorter transforms are left to NumPy


def log_mel_spectrogram(
    signal: ArrayLike,
    sampling_rate: float,
    bands: MelBands,
    frame_length: int,
    hop_length: int,
    *,
    n_threads: int = 1,
) -> Array:
    """Levels of a signal in mel bands over time.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        The signal, float32 or float64.
    sampling_rate : float
        Sampling rate [Hz].
    bands : MelBands
        Where the bands lie.
    frame_length, hop_length : int
        Length of a frame, and from one frame to the next [samples].
    n_threads : int
        How many threads share the frames; fewer than 2048 stay with one.

    Returns
    -------
    ndarray of shape (n_frames, n_mels)
        Levels [dB], n_frames as in `stft.frames`.

    Notes
    -----
    ``log_mel(power_spectra(signal, frame_length, hop_length, n_fft=n_fft), W)`` with n_fft the
    next power of two and W the `filter_bank`. In float32 the error of a bin is about eps of the
    loudest one in its frame, so that a level 120 dB below that is known to a few tenths of a dB.

    Examples
    --------
    A sine of 1 kHz is loudest in the band whose triangle has its peak nearest:

    >>> x = np.sin(2 * np.pi * 1000 / 8000 * np.arange(4000))
    >>> bands = MelBands(20, 0.0, 4000.0)
    >>> L = log_mel_spectrogram(x, 8000, bands, 256, 80)
    >>> L.shape, int(np.argmax(L[25])), int(np.argmin(np.abs(bands.edges()[1:-1] - 1000)))
    ((51, 20), 8, 8)
    """
    x = np.ascontiguousarray(signal_1d(signal))
    in_range(frame_length, "frame_length", 1, np.inf, unit="samples")
    in_range(hop_length, "hop_length", 1, np.inf, unit="samples")
    compute = _plan(bands, frame_length, sampling_rate, x.dtype.str)
    before = frame_length // 2
    padded = max(2 * before + len(x), frame_length)
    out = np.empty((1 + (padded - frame_length) // hop_length, bands.n_mels), x.dtype)

    def fill(part: slice) -> None:
        start = part.start * hop_length - before
        stop = (part.stop - 1) * hop_length - before + frame_length
        compute(_samples(x, start, stop), hop_length, out[part])

    edges = -(-before // hop_length), (len(x) + before - frame_length) // hop_length + 1
    parts = _parts(len(out), edges, whole(n_threads, "n_threads"))
    if len(parts) == 1:
        fill(parts[0])
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(fill, parts))
    return out


def log_mel_frames(views: ArrayLike, sampling_rate: float, bands: MelBands) -> Array:
    """Levels of given frames in mel bands: of `stft.frames`, or as they come from a stream.

    Parameters
    ----------
    views : array_like of shape (n_frames, frame_length)
        Frames of the signal, without a window; n_frames may be 0.
    sampling_rate : float
        Sampling rate [Hz].
    bands : MelBands
        Where the bands lie.

    Returns
    -------
    ndarray of shape (n_frames, n_mels)
        Levels [dB], the rows of `log_mel_spectrogram`.

    Examples
    --------
    >>> log_mel_frames(np.zeros((2, 256)), 8000, MelBands(3, 0.0, 4000.0))
    array([[-120., -120., -120.],
           [-120., -120., -120.]])
    """
    F = matrix(views, "views")
    in_range(F.shape[1], "frame_length", 1, np.inf, unit="samples")
    out = np.empty((len(F), bands.n_mels), F.dtype)
    if len(F):
        hop, rest = divmod(F.strides[0], F.itemsize)
        if rest or hop < 1 or F.strides[1] != F.itemsize:
            F = np.ascontiguousarray(F)
            hop = F.shape[1]
        # overlapping frames of one signal stay views of it
        n_samples = (len(F) - 1) * hop + F.shape[1]
        x = np.lib.stride_tricks.as_strided(F, (n_samples,), (F.itemsize,))
        _plan(bands, F.shape[1], sampling_rate, F.dtype.str)(x, hop, out)
    return out


def _parts(n_frames: int, edges: tuple[int, int], n_threads: int) -> list[slice]:
    """Frames in parts: those that reach over the beginning or the end apart from the others."""
    first, last = edges
    if n_frames < SHORT or first >= last:
        return [slice(0, n_frames)]
    size = -(-(last - first) // (n_threads * GROUP)) * GROUP
    starts = [0, *range(first, last, size), last, n_frames]
    return [slice(a, b) for a, b in pairwise(starts) if a < b]


def _samples(x: Array, start: int, stop: int) -> Array:
    """x[start:stop], with zeros where there is no x; a view where there is."""
    if start >= 0 and stop <= len(x):
        return x[start:stop]
    padded = np.zeros(stop - start, x.dtype)
    inside = x[max(start, 0) : max(stop, 0)]
    padded[max(-start, 0) : max(-start, 0) + len(inside)] = inside
    return padded


@lru_cache(maxsize=32)
def _plan(bands: MelBands, frame_length: int, sampling_rate: float, dtype: str) -> Plan:
    """What is computed once for all signals of one kind."""
    n_fft = next_power_of_2(frame_length)
    W = filter_bank(bands, n_fft, sampling_rate)
    loops = _loops() if n_fft >= LEAST_N_FFT else None
    if loops is None:
        return _Blocks(frame_length, n_fft, W, np.dtype(dtype))
    return _Compiled(loops, frame_length, n_fft, W, np.dtype(dtype))


@cache
def _loops() -> ModuleType | None:
    """The compiled loop, if Numba can be loaded."""
    try:
        return import_module("ddasp.audio.mel_loops")
    except ImportError as error:
        warnings.warn(
            f"W-ENGINE: {error}. NumPy computes the mel spectra: the same numbers up to "
            "rounding, more slowly. Install Numba with `pip install numba`.",
            stacklevel=1,
        )
        return None


class _Blocks:
    """NumPy's way: a few frames at a time, in memory that is made once."""

    def __init__(self, frame_length: int, n_fft: int, W: Array, dtype: np.dtype) -> None:
        self.n_fft = n_fft
        self.window = hann(frame_length).astype(dtype)
        self.weights = np.ascontiguousarray(W.T.astype(dtype))

    def __call__(self, x: Array, hop_length: int, out: Array) -> None:
        """Write the levels of the frames of x."""
        views = np.lib.stride_tricks.sliding_window_view(x, len(self.window))[::hop_length]
        windowed = np.empty((min(BLOCK, len(out)), len(self.window)), out.dtype)
        for start in range(0, len(out), BLOCK):
            levels = out[start : start + BLOCK]
            n = len(levels)
            np.multiply(views[start : start + n], self.window, out=windowed[:n])
            X = fft.rfft(windowed[:n], self.n_fft, axis=1)
            P = np.square(X.real)
            P += np.square(X.imag, out=X.imag)
            np.matmul(P, self.weights, out=levels)
            np.maximum(levels, 10.0 ** (FLOOR / 10.0), out=levels)
            np.multiply(np.log10(levels, out=levels), 10.0, out=levels)


class _Compiled:
    """Numba's way: sixteen frames at a time, from the samples to the levels in one loop."""

    def __init__(
        self, loops: ModuleType, frame_length: int, n_fft: int, W: Array, dtype: np.dtype
    ) -> None:
        self.run, self.n = loops.run, np.uintp(n_fft // 2)
        self.window = np.zeros(-(-frame_length // GROUP) * GROUP, dtype)
        self.window[:frame_length] = hann(frame_length)
        weights, borders = loops.triangles(W)
        factors, turns = loops.twiddles(n_fft // 2), loops.turns(n_fft // 2)
        place = loops.places(n_fft // 2)
        kept = (factors.astype(dtype), place, turns.astype(dtype), weights.astype(dtype), borders)
        self.tables, self.floor = kept, dtype.type(10.0 ** (FLOOR / 10.0))

    def __call__(self, x: Array, hop_length: int, out: Array) -> None:
        """Write the levels of the frames of x."""
        room = (len(x) - len(self.window)) // hop_length + 1  # frames with all that is read of them
        n = max(0, min(room, len(out))) // GROUP * GROUP
        if n:
            self._run(x, hop_length, out[:n])
        rest = len(out) - n
        if rest:
            n_frames = -(-rest // GROUP) * GROUP
            padded = np.zeros((n_frames - 1) * hop_length + len(self.window), x.dtype)
            padded[: len(x) - n * hop_length] = x[n * hop_length :]
            levels = np.empty((n_frames, out.shape[1]), out.dtype)
            self._run(padded, hop_length, levels)
            out[n:] = levels[:rest]

    def _run(self, x: Array, hop_length: int, out: Array) -> None:
        x = x.view()
        x.flags.writeable = False  # for Numba another type: it would compile the loop for both
        self.run(x, np.uintp(hop_length), self.window, self.n, self.tables, self.floor, out)
