"""Find sounds that are the same sound: exact copies by digest, near copies by their waveform.

A copy that was made louder, cut at its ends, resampled, sent through a lossy codec or laid under
faint noise still has the waveform of the original. Each file gives a small fingerprint; an index
over its landmarks proposes pairs and how they lie in time, and the waveforms of the proposed pairs
decide. Nothing compares all files with all.

*Conventions*: signals mono, shape (n_samples,), full scale = 1; rates in Hz, times in s, levels in
dB. A fingerprint describes the first 0.5 s after the onset at 16 kHz, and the course of the level
over the first 10 s. Files are numbered 0..n-1 in the order given.

*References*: Wang 2003, "An industrial-strength audio search algorithm" (landmarks in time);
Haitsma & Kalker 2002, "A highly robust audio fingerprinting system"; Bentley 1975,
"Multidimensional binary search trees".
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dct, irfft, rfft
from scipy.ndimage import gaussian_filter1d
from scipy.signal import firwin, resample_poly
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ddasp._check import in_range, signal_1d
from ddasp._errors import InputError

__all__ = [
    "THRESHOLD",
    "THRESHOLD_NARROW",
    "Fingerprint",
    "Pair",
    "duplicate_sets",
    "find",
    "fingerprint",
]

# Among 3,000 recorded digits no two utterances reach 0.93; their copies (codec, noise at -30 dB,
# cuts, all of them together) stay above 0.98, and drum hits through a 60 kb/s codec above 0.97 in
# nine cases of ten. Two different drums of nearly one pitch reach 0.986, but in one or two octaves
# only; there a copy has 0.99, for no codec hurts a tone that stands alone.
THRESHOLD = 0.97
THRESHOLD_NARROW = 0.99

_RATE = 16_000
_N_EXCERPT = 8192  # 0.512 s
_FRAME = 320  # 20 ms, within which an onset is known
_N_FFT = 12_288  # lags up to half an excerpt without wrapping round
_LOW, _HIGH = 100.0, 7000.0  # Hz: free of rumble, and inside the band of every copy at 16 kHz

_HOP, _WINDOW = 80, 400  # 5 ms, 25 ms
_N_BANDS = 10
_STEPS = np.arange(-4, 17, 4)  # frames of a patch around its landmark: -20 ms .. +80 ms
_N_LANDMARKS = 8
_N_TIMES, _N_SHAPES = 4, 6  # cosine coefficients kept of a patch's 6 x 10 levels
_N_PATCH = _N_TIMES * _N_SHAPES - 1  # without the mean, which is the gain
_N_LEVELS, _LEVEL_HOP = 200, 0.05  # 10 s

_HUGE = 1e6  # of full scale
_NEIGHBOURS = 4
_FAR = 12.0  # dB, root of the sum over a patch: copies lie within 3, cut and coded ones within 12


class Fingerprint(NamedTuple):
    """What is kept of one sound to recognise its copies: two arrays, about 10 kB.

    Attributes
    ----------
    vector : ndarray of shape (392,), float32
        Times of eight landmarks [5 ms], 23 cosine coefficients of the spectra around each, and the
        level's course [dB]; NaN where there is none. It proposes.
    excerpt : ndarray of shape (n <= 8192,), int8
        The waveform after the onset at 16 kHz, square-root companded; empty for silence.
        It decides.
    """

    vector: NDArray[np.float32]
    excerpt: NDArray[np.int8]


class Pair(NamedTuple):
    """Two files with the same sound, a < b.

    Attributes
    ----------
    a, b : int
        Numbers of the files.
    kind : str
        "exact" (equal digests) or "near".
    similarity : float
        Correlation of the aligned waveforms, 0 to 1: the median over their octaves.
    """

    a: int
    b: int
    kind: str
    similarity: float


# --- one sound: its fingerprint ----------------------------------------------------------------


def _band_matrix() -> NDArray[np.float32]:
    """Rectangular bands of equal width on the mel scale: shape (257, 10)."""
    low, high = (float(2595 * np.log10(1 + f / 700)) for f in (_LOW, _HIGH))
    mel = np.linspace(low, high, _N_BANDS + 1)
    edges = 700 * (10 ** (mel / 2595) - 1)
    f = np.fft.rfftfreq(512, 1 / _RATE)[:, np.newaxis]
    return np.asarray((f >= edges[:-1]) & (f < edges[1:]), dtype=np.float32)


_BANDS = _band_matrix()
_HANN = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


def _frame_energy(x: NDArray[np.float64], hop: int) -> NDArray[np.float64]:
    """Mean square of consecutive frames; a partial frame counts only where it is the only one."""
    hop = min(hop, x.size)
    frames = x[: x.size // hop * hop].reshape(-1, hop)
    return np.asarray(np.einsum("ij,ij->i", frames, frames) / hop)


def _onset(x: NDArray[np.float64], rate: float) -> int:
    """First sample of the first 20 ms within 20 dB of the loudest 20 ms.

    Faint noise doesn't move it, and a cut at the start moves it by the cut, so that what follows
    the onset overlaps in two copies.
    """
    hop = max(1, round(0.02 * rate))
    energy = _frame_energy(x, hop)
    return int(np.argmax(energy >= 0.01 * energy.max())) * hop


@lru_cache(maxsize=16)
def _anti_aliasing(up: int, down: int) -> Any:
    """The low-pass of `resample_poly`, kept: designing it takes longer than using it."""
    widest = max(up, down)
    return np.asarray(firwin(20 * widest + 1, 1 / widest, window=("kaiser", 5.0)))


def _excerpt(x: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """The first 0.512 s at 16 kHz."""
    x = x[: int(np.ceil(_N_EXCERPT / _RATE * rate)) + 1]
    ratio = Fraction(_RATE / rate).limit_denominator(1000)
    up, down = ratio.numerator, ratio.denominator
    if ratio != 1:
        x = resample_poly(x, up, down, window=_anti_aliasing(up, down))
    return x[:_N_EXCERPT]


def _compand(x: NDArray[np.float64]) -> NDArray[np.int8]:
    """Eight bits with steps that grow with the level: the faint end of a decay keeps its shape."""
    q = np.rint(127 * np.sign(x) * np.sqrt(np.abs(x) / np.abs(x).max()))
    return np.asarray(q, dtype=np.int8)


def _expand(excerpt: NDArray[np.int8]) -> NDArray[np.float32]:
    q = excerpt.astype(np.float32) / np.float32(127)
    return np.asarray(q * np.abs(q))


def _band_levels(x: NDArray[np.float64]) -> NDArray[np.float32]:
    """Levels [dB] every 5 ms, at most 60 dB below the loudest: shape (n_frames, 10)."""
    padded = np.pad(x.astype(np.float32), (_WINDOW // 2, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[: x.size + 1 : _HOP]
    power = np.abs(rfft(frames * _HANN, 512, axis=1)) ** 2 @ _BANDS
    return np.asarray(10 * np.log10(np.maximum(power, 1e-6 * power.max() + 1e-30)))


def _landmarks(levels: NDArray[np.float32]) -> NDArray[np.intp]:
    """Frames at which the level stands out most from its surroundings, at most eight.

    The difference of a narrow and a wide Gaussian average has no trend left, so that the decay
    of a struck sound has landmarks of its own when its attack is cut away. The loudest frame comes
    first: it stands firm against noise.
    """
    total = 10 * np.log10((10 ** (levels / 10)).sum(axis=1))
    contrast = gaussian_filter1d(total, 2) - gaussian_filter1d(total, 10)
    inner = contrast[1:-1]
    peaks = 1 + np.flatnonzero((inner > contrast[:-2]) & (inner >= contrast[2:]))
    peaks = peaks[np.argsort(-contrast[peaks], kind="stable")]
    loudest = int(np.argmax(gaussian_filter1d(total, 2)))
    return np.concatenate([[loudest], peaks[peaks != loudest]])[:_N_LANDMARKS]


def _patches(x: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Landmark times, shape (8,), and the spectra around them without gain, shape (8, 23)."""
    levels = _band_levels(x)
    marks = _landmarks(levels)
    smooth = gaussian_filter1d(levels, 1.5, axis=0)
    rows = np.clip(marks[:, np.newaxis] + _STEPS, 0, levels.shape[0] - 1)
    patches = smooth[rows]
    patches = np.maximum(
        patches, patches.max(axis=(1, 2), keepdims=True) - 25
    )  # noise fills the gaps
    cosines = dct(dct(patches, axis=1, norm="ortho"), axis=2, norm="ortho")
    times = np.full(_N_LANDMARKS, np.nan, np.float32)
    times[: marks.size] = marks
    patches = np.full((_N_LANDMARKS, _N_PATCH), np.nan, np.float32)
    patches[: marks.size] = cosines[:, :_N_TIMES, :_N_SHAPES].reshape(marks.size, -1)[:, 1:]
    return times, patches


def _level_course(x: NDArray[np.float64], rate: float) -> NDArray[np.float32]:
    """Level [dB] every 50 ms over the first 10 s, at most 30 dB below the loudest: (200,)."""
    hop = max(1, round(_LEVEL_HOP * rate))
    energy = _frame_energy(x[: _N_LEVELS * hop], hop)
    course = np.full(_N_LEVELS, np.nan, np.float32)
    course[: energy.size] = 10 * np.log10(np.maximum(energy, 1e-3 * energy.max()))
    return course


def fingerprint(signal: ArrayLike, rate: float) -> Fingerprint:
    """Describe a sound so that its copies can be found among many.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Mono sound.
    rate : float
        Sampling rate [Hz].

    Returns
    -------
    Fingerprint
        Two small arrays. Silence (below -80 dBFS once its mean is removed) has an empty excerpt
        and is never compared.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the signal is not mono or not finite.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=4000)
    >>> loud, soft = fingerprint(0.1 * x, 8000), fingerprint(0.05 * x, 8000)
    >>> loud.vector.shape, np.array_equal(loud.excerpt, soft.excerpt)
    ((392,), True)
    """
    x = np.asarray(signal_1d(signal), dtype=np.float64)
    in_range(rate, "rate", 1000.0, 1e6, unit="Hz")
    x = x - x.mean() if x.size else x
    loudest = float(np.abs(x).max(initial=0.0))
    if loudest > _HUGE:
        x = x / loudest  # a gain changes nothing here, and squares of float32 stay finite
    if x.size < 2 or loudest < 1e-4:
        nothing = _N_LANDMARKS * (1 + _N_PATCH) + _N_LEVELS
        return Fingerprint(np.full(nothing, np.nan, np.float32), np.zeros(0, np.int8))
    x = x[_onset(x, rate) :]
    excerpt = _excerpt(x, rate)
    times, patches = _patches(excerpt)
    vector = np.concatenate([times, patches.ravel(), _level_course(x, rate)])
    return Fingerprint(vector, _compand(excerpt))


# --- two sounds: are they the same? ------------------------------------------------------------

_F = np.fft.rfftfreq(_N_FFT, 1 / _RATE)
# Sounds have most of their energy at low frequencies, where many resemble each other; weighting
# the power by f lets more octaves speak.
_WEIGHT = np.where((_F >= _LOW) & (_F <= _HIGH), np.sqrt(_F / 1000), 0.0).astype(np.float32)
_EDGES = np.array([_LOW, 200, 400, 800, 1600, 3200, _HIGH])  # octaves
_OCTAVES = np.float32(np.digitize(_F, _EDGES) == np.arange(1, _EDGES.size)[:, np.newaxis])
_TAPS = np.arange(-16, 17)
_FRACTIONS = np.linspace(-0.5, 0.5, 33)
_SINC = np.sinc(_FRACTIONS[:, np.newaxis] - _TAPS) * np.hanning(_TAPS.size + 2)[1:-1]
_MARGIN = np.arange(-160, 161)  # samples: 10 ms about the lag that the landmarks propose
_PROMISING = 0.7  # a codec that cuts the top octaves leaves 0.8


class _Waveform(NamedTuple):
    """A weighted excerpt's spectrum, and the energy of its first 0, 1, .. n samples."""

    spectrum: NDArray[np.complex64]
    energy: NDArray[np.float64]


def _waveform(excerpt: NDArray[np.int8]) -> _Waveform:
    x = irfft(rfft(_expand(excerpt), _N_FFT) * _WEIGHT, _N_FFT)[: excerpt.size]
    energy = np.concatenate([[0.0], np.cumsum(np.square(x, dtype=np.float64))])
    return _Waveform(np.asarray(rfft(x, _N_FFT), dtype=np.complex64), energy)


def _align(a: _Waveform, b: _Waveform, lag: int) -> tuple[float, float]:
    """Largest correlation coefficient near a lag, and the lag [samples] where it is reached.

    Notes
    -----
    With ``a[l + i]`` over ``b[i]``: ``rho(l) = sum a b / sqrt(sum a^2 sum b^2)``, all sums over the
    overlap, which must be 0.6 of the shorter excerpt and hold half the energy of one of them. The
    peak lies between two samples; the correlation is interpolated there.
    """
    na, nb = a.energy.size - 1, b.energy.size - 1
    lags = lag + _MARGIN
    first, last = np.maximum(lags, 0), np.minimum(na, lags + nb)
    enough = last - first >= max(1, round(0.6 * min(na, nb)))
    lags, first, last = lags[enough], first[enough], last[enough]
    whole = a.energy[-1] * b.energy[-1]
    if lags.size == 0 or whole <= 0:
        return 0.0, float(lag)
    Ea = a.energy[last] - a.energy[first]
    Eb = b.energy[last - lags] - b.energy[first - lags]
    enough = np.maximum(Ea / a.energy[-1], Eb / b.energy[-1]) >= 0.5
    norm = np.where(enough, np.sqrt(np.maximum(Ea * Eb, 1e-12 * whole)), np.inf)
    r = irfft(a.spectrum * b.spectrum.conj(), _N_FFT)
    best = int(np.argmax(np.abs(r[lags]) / norm))
    around = np.abs(_SINC @ r[(lags[best] + _TAPS) % _N_FFT])
    fine = int(np.argmax(around))
    return float(around[fine] / norm[best]), float(lags[best] + _FRACTIONS[fine])


def _coherence(a: NDArray[np.int8], b: NDArray[np.int8], lag: float) -> tuple[float, bool]:
    """Median over the octaves of the correlation of two excerpts at a lag; whether it suffices.

    A copy equals its original in every octave that a codec or noise has left alone; two sounds of
    one source agree in the strongest octave at best. Octaves 25 dB below the strongest are left
    out.
    """
    whole = int(np.floor(lag))
    first, last = max(whole, 0), min(a.size, whole + b.size)
    if abs(whole) > _FRAME and last - first > 2 * _FRAME:
        # One of them was cut at its start. Its excerpt begins up to a frame before that cut, with
        # silence where the other one sounds.
        first += _FRAME
    # cut before filtering: a loud attack that one of them lacks must not ring into the rest
    X, Y = (rfft(_expand(e), _N_FFT) for e in (a[first:last], b[first - whole : last - whole]))
    x = irfft(X * _OCTAVES, _N_FFT)
    y = irfft(Y * np.exp(-2j * np.pi * _F / _RATE * (lag - whole)) * _OCTAVES, _N_FFT)
    Ex, Ey, xy = ((u * v).sum(axis=1, dtype=np.float64) for u, v in ((x, x), (y, y), (x, y)))
    level = np.sqrt(Ex / max(Ex.max(), 1e-30) * Ey / max(Ey.max(), 1e-30))
    heard = level > 10**-2.5
    if not heard.any():
        return 0.0, False
    median = float(np.median(np.abs(xy[heard]) / np.sqrt(Ex[heard] * Ey[heard])))
    needed = THRESHOLD if heard.sum() > 2 else THRESHOLD_NARROW
    return min(1.0, median), median >= needed


def _same_course(a: NDArray[np.float32], b: NDArray[np.float32], lag: float) -> bool:
    """Whether two sounds that begin alike also go on alike: equal courses of the level.

    Two recordings may open with the same signal tone. The lag is given in steps of the course.
    """
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    at = np.arange(a.size) - lag
    inside = (at >= 0) & (at <= b.size - 1)
    if inside.sum() < max(1, min(a.size, b.size) // 2):
        return min(a.size, b.size) < 4  # too short to say more than the waveform does
    x, y = a[inside], np.interp(at[inside], np.arange(b.size), b)
    loud = (x > a.max() - 20) & (y > b.max() - 20)
    gain = float(np.median(x[loud] - y[loud])) if loud.any() else 0.0
    floor = max(a.max() - 30, b.max() + gain - 30)
    return float(np.mean(np.abs(np.maximum(x, floor) - np.maximum(y + gain, floor)))) < 3.0


# --- many sounds -------------------------------------------------------------------------------


def _proposals(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """Pairs of files with similar landmarks: rows (a, b, lag in frames) by a, nearest first."""
    n = vectors.shape[0]
    times = vectors[:, :_N_LANDMARKS].ravel()
    patches = vectors[:, _N_LANDMARKS : _N_LANDMARKS * (1 + _N_PATCH)].reshape(-1, _N_PATCH)
    owner = np.repeat(np.arange(n), _N_LANDMARKS)
    known = ~np.isnan(times)
    times, patches, owner = times[known].astype(np.int64), patches[known], owner[known]
    if owner.size < 2:
        return np.zeros((0, 3), np.int64)
    tree = cKDTree(patches)
    # a steady sound resembles itself: its own landmarks must not crowd out the others'
    k = min(_NEIGHBOURS + _N_LANDMARKS, owner.size)
    distances, neighbours = map(np.asarray, tree.query(patches, k=k, distance_upper_bound=_FAR))
    foreign = np.isfinite(distances)
    foreign &= owner[np.minimum(neighbours, owner.size - 1)] != owner[:, np.newaxis]
    i, j = np.nonzero(foreign & (np.cumsum(foreign, axis=1) <= _NEIGHBOURS))
    near, d = neighbours[i, j], distances[i, j]
    a, b, lag = owner[i], owner[near], times[i] - times[near]
    a, b, lag = np.minimum(a, b), np.maximum(a, b), np.where(a < b, lag, -lag)
    rows = np.column_stack([a, b, lag])[np.argsort(d, kind="stable")]
    _, once = np.unique(rows // [1, 1, 2], axis=0, return_index=True)
    rows = rows[np.sort(once)]
    return np.asarray(rows[np.argsort(rows[:, 0], kind="stable")])


def _near_pairs(prints: Sequence[Fingerprint], files: NDArray[np.intp]) -> list[Pair]:
    """The proposals that hold: both waveforms and the courses of the level agree."""
    prints = [prints[i] for i in files.tolist()]
    vectors = np.array([p.vector for p in prints], dtype=np.float32)
    waveform = lru_cache(maxsize=1024)(lambda i: _waveform(prints[i].excerpt))
    courses = vectors[:, _N_LANDMARKS * (1 + _N_PATCH) :]
    found: dict[tuple[int, int], Pair] = {}
    for a, b, frames in _proposals(vectors).tolist():
        if (a, b) in found:
            continue
        promise, lag = _align(waveform(a), waveform(b), frames * _HOP)
        if promise < _PROMISING:
            continue
        similarity, same = _coherence(prints[a].excerpt, prints[b].excerpt, lag)
        course_lag = lag / (_RATE * _LEVEL_HOP)
        if same and _same_course(courses[a], courses[b], course_lag):
            found[a, b] = Pair(int(files[a]), int(files[b]), "near", similarity)
    return list(found.values())


def find(fingerprints: Sequence[Fingerprint], digests: Sequence[str]) -> list[Pair]:
    """Find the exact and near copies among many sounds.

    Parameters
    ----------
    fingerprints : sequence of Fingerprint
        One for each file.
    digests : sequence of str
        Digest of each file's samples; equal digests are exact copies.

    Returns
    -------
    list of Pair
        Sorted by a and b. Exact copies are each paired with the first of them, and near copies
        with their nearest: the pairs link all copies of a sound, they don't list every combination.
        Silent files are exact copies at most.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the numbers of fingerprints and digests differ.

    Notes
    -----
    Landmarks stand in a k-d tree; each proposes its four nearest neighbours with the lag between
    them. A proposal is accepted when the waveforms, best aligned near that lag and overlapping by
    0.6 of the shorter excerpt, correlate by `THRESHOLD` in the median of the octaves from 100 Hz to
    7 kHz (`THRESHOLD_NARROW` where one or two octaves hold all), and when the levels over the first
    10 s take the same course within 3 dB.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(2, 8000))
    >>> prints = [fingerprint(s, 16000) for s in (x[0], x[1], 0.1 * x[0, 800:], x[1])]
    >>> [(p.a, p.b, p.kind) for p in find(prints, ["p", "q", "r", "q"])]
    [(0, 2, 'near'), (1, 3, 'exact')]
    """
    if len(fingerprints) != len(digests):
        raise InputError(
            "E-ARGUMENT",
            f"digests has length {len(digests)}; expected {len(fingerprints)}, one for each "
            "fingerprint",
        )
    first: dict[str, int] = {}
    pairs = []
    for i, digest in enumerate(digests):
        if first.setdefault(digest, i) != i:
            pairs.append(Pair(first[digest], i, "exact", 1.0))
    files = np.array([i for i in first.values() if fingerprints[i].excerpt.size], dtype=np.intp)
    if files.size > 1:
        pairs += _near_pairs(fingerprints, files)
    return sorted(pairs)


def duplicate_sets(pairs: Sequence[Pair], n: int) -> NDArray[np.int64]:
    """Number the sets of files that share a sound.

    Parameters
    ----------
    pairs : sequence of Pair
        What `find` returned.
    n : int
        Number of files.

    Returns
    -------
    ndarray of shape (n,)
        Number of each file's set, counted from 0 in the order of their first file; -1 for a file
        without a copy. Copies of copies belong together.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when a pair names a file outside 0..n-1.

    Examples
    --------
    >>> duplicate_sets([Pair(1, 4, "near", 0.99), Pair(3, 4, "exact", 1.0)], 6)
    array([-1,  0, -1,  0,  0, -1])
    """
    a = np.array([pair.a for pair in pairs], dtype=np.int64)
    b = np.array([pair.b for pair in pairs], dtype=np.int64)
    if a.size and (min(a.min(), b.min()) < 0 or max(a.max(), b.max()) >= n):
        raise InputError(
            "E-ARGUMENT", f"pairs name files outside 0..{n - 1}; expected n = {n} files"
        )
    if n == 0:
        return np.zeros(0, np.int64)
    graph = coo_array((np.ones(a.size), (a, b)), shape=(n, n))
    _, component = connected_components(graph, directed=False)
    sets = np.full(n, -1, np.int64)
    numbers: dict[int, int] = {}
    size = np.bincount(component)
    for i, c in enumerate(component.tolist()):
        if size[c] > 1:
            sets[i] = numbers.setdefault(c, len(numbers))
    return sets
