"""Feature sets: from one sound to the rows that models learn from.

Each set is one `FeatureSet` in the registry `FEATURE_SETS`: its formula in words for the report,
the names and units of its columns, and the function that computes them. Adding one touches this
file and its twin in the graph, `graph/waveform.py`. All sets of a sound share one `Analysis`, so
that no spectrum is computed twice.

*Conventions*: one observation is one mono signal of shape (n_samples,), full scale = 1, at the
run's common rate. Its features have shape (n_variants, n_features), float32: variant 0 is the
sound as it is; the others, in sets built on mel bands, see its frequency axis warped by 0.92 and
1.08 and enlarge the training data only. A signal shorter than one frame is followed by zeros. All
values are finite, for a signal of zeros too.

*References*: Peeters 2004, "A large set of audio features for sound description"; Davis and
Mermelstein 1980 (MFCC); Hermansky 1990, "Perceptual linear predictive analysis of speech" (power
law in place of the logarithm); Jaitly and Hinton 2013 (warping); Viikki and Laurila 1998 (mean
and variance normalisation over the utterance); ISO 3382 (decay).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import one_of
from ddasp._errors import InputError
from ddasp.audio import levels, loudness, mel
from ddasp.procedure.analysis import (
    N_MELS,
    N_OCTAVES,
    Analysis,
    Array,
    normalise,
    shortest,
    time_normalise,
)

__all__ = [
    "FEATURE_SETS",
    "VERSION",
    "FeatureSet",
    "FeatureTable",
    "extract",
    "shortest",
    "stack",
]

VERSION = "2"
"""Version of the definitions below; a part of the key under which features are cached."""

N_MFCC = 13
N_CEPSTRA, N_STEPS = 12, 16  # of the trajectories
ROOT, ROOT_FLOOR = 0.1, 1e-10  # P^0.1 compresses powers as hearing does; relative power
MAP_STEPS = 32
TIE = 1e-9  # a frame that is softer by that share is as loud: rounding may not choose
FLOOR = -100.0  # dBFS, stands for the level of silence
WARPS = (1.0, 0.92, 1.08)


@dataclass(frozen=True)
class FeatureSet:
    """One set of features.

    Parameters
    ----------
    name, title : str
        Short name in tables and settings; name in sentences.
    formula : str
        How it is computed, for a reader, as plain text.
    names, units : tuple of str
        One for each column.
    compute : callable
        Given an `Analysis` and a warp, the features, shape (n_features,) in the order of `names`
        (maps: any shape of that size).
    courses : tuple of str
        Courses of `Grid.course` that it stands on: a stream computes them as the samples come.
    warps : tuple of float
        Factors on the frequency axis, one variant each; the first one is 1.
    shape : tuple of int, optional
        (n_frames, n_bands) when the features are a map.
    shortcut : bool
        Whether the set tells nothing about the sound itself: a baseline that must not score.
    """

    name: str
    title: str
    formula: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    compute: Callable[[Analysis, float], NDArray[np.floating]]
    courses: tuple[str, ...] = ()
    warps: tuple[float, ...] = (1.0,)
    shape: tuple[int, int] | None = None
    shortcut: bool = False


# ---- levels ----------------------------------------------------------------------------------

LEVEL_COLUMNS = {
    "RMS": "dBFS",
    "peak": "dBFS",
    "crest factor": "dB",
    "loudness": "LUFS",
    "frame level, 10 % quantile": "dBFS",
    "frame level, median": "dBFS",
    "frame level, 90 % quantile": "dBFS",
    "time of the loudest frame": "s",
    "attack time": "s",
    "temporal centroid": "s",
    "temporal spread": "s",
    "time above -20 dB": "s",
    "decay slope": "dB/s",
}


def _levels(a: Analysis, warp: float) -> Array:
    frame_levels = levels.power_to_db(a.energies, floor=FLOOR)
    rms, peak = levels.rms(a.signal), levels.peak(a.signal)
    crest = peak / rms if rms > 0 else 1.0
    whole = [*levels.amplitude_to_db([rms, peak, crest], floor=FLOOR)]
    heard = max(FLOOR, loudness.integrated_loudness(a.signal, a.rate))
    return np.array([*whole, heard, *_quantiles(frame_levels), *_envelope(a, frame_levels)])


def _quantiles(values: NDArray[np.floating]) -> Array:
    """10 %, 50 % and 90 % quantiles over the first axis: straight lines between sorted values.

    Those of `numpy.quantile`, without its generality, which a stream would pay for ten times a
    second.
    """
    ordered = np.sort(values, axis=0)
    place = (len(ordered) - 1) * np.array([0.1, 0.5, 0.9])
    below = place.astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    share = (place - below).reshape(3, *[1] * (ordered.ndim - 1))
    return np.asarray(ordered[below] + (ordered[above] - ordered[below]) * share)


def _envelope(a: Analysis, frame_levels: NDArray[np.floating]) -> list[float]:
    """Attack, place, width and decay of the course of the level."""
    t, energy = a.times, a.energies
    top = int(np.argmax(energy >= energy.max() - TIE * energy.max()))  # the first of equal ones
    total = energy.sum()
    share = energy / total if total > 0 else np.full(len(energy), 1.0 / len(energy))
    centre = float(share @ t)
    width = math.sqrt(max(0.0, float(share @ np.square(t - centre))))
    loud = energy >= 0.01 * energy[top]  # within 20 dB
    step = a.grid.hop_length / a.rate
    attack = int(np.argmax(energy >= 0.5 * energy[top])) - int(np.argmax(loud))
    return [
        float(t[top]),
        attack * step,
        centre,
        width,
        np.count_nonzero(loud) * step,
        _decay_slope(frame_levels[top:], step),
    ]


def _decay_slope(decay: NDArray[np.floating], step: float) -> float:
    """Slope of the line through the levels from 5 to 35 dB below the first one [dB/s].

    As in ISO 3382, for T30. When it falls so fast that less than two frames lie there, those
    before and after them count too.
    """
    fall = decay[0] - decay
    end = int(np.argmax(fall > 35.0)) if (fall > 35.0).any() else len(decay)
    part = np.flatnonzero(fall[:end] >= 5.0)
    if len(part) < 2:
        part = np.arange(min(end + 1, len(decay)))
    if len(part) < 2:
        return 0.0
    t = (part - part.mean()) * step
    return float(t @ decay[part] / (t @ t))


# ---- spectral descriptors --------------------------------------------------------------------

DESCRIPTORS = {
    "zero-crossing rate": "1/sample",
    "centroid": "Hz",
    "spread": "Hz",
    "roll-off": "Hz",
    "flatness": "1",
    "flux": "1",
}
STATISTICS = ("mean", "standard deviation", "10 % quantile", "median", "90 % quantile")


def _descriptors(a: Analysis, warp: float) -> Array:
    D = a.course("descriptors")[a.active]
    n = len(DESCRIPTORS)
    statistics = np.vstack([D.mean(axis=0), D.std(axis=0)])  # (2, n + N_OCTAVES)
    quantiles = _quantiles(D[:, :n])
    return np.concatenate(
        [np.vstack([statistics[:, :n], quantiles]).T.ravel(), statistics[:, n:].T.ravel()]
    )


# ---- mel cepstra and maps --------------------------------------------------------------------


def _mfcc(a: Analysis, warp: float) -> Array:
    C = mel.mfcc(a.log_mel(warp), N_MFCC)
    D = mel.delta(C)
    return np.concatenate([C.mean(axis=0), C.std(axis=0), D.mean(axis=0), D.std(axis=0)])


def _trajectories(a: Analysis, warp: float) -> Array:
    C = mel.mfcc(np.maximum(a.mel(warp), ROOT_FLOOR) ** ROOT, N_CEPSTRA)
    course = np.hstack([normalise(C), normalise(mel.delta(C))])
    return time_normalise(course, N_STEPS, a.loudness(warp)).ravel()


def _logmel(a: Analysis, warp: float) -> Array:
    return time_normalise(a.log_mel(warp), MAP_STEPS, a.loudness(warp))


# ---- the registry ----------------------------------------------------------------------------


def _register(*sets: FeatureSet) -> dict[str, FeatureSet]:
    return {s.name: s for s in sets}


_COEFFICIENTS = tuple(f"c{i}" for i in range(N_MFCC))

FEATURE_SETS: dict[str, FeatureSet] = _register(
    FeatureSet(
        name="levels",
        title="levels and loudness",
        formula=(
            "RMS = 20 log₁₀ √(mean x²); peak = 20 log₁₀ max|x|; crest factor = peak − RMS; "
            "loudness after ITU-R BS.1770. Frames of 32 ms every 10 ms with mean squares Eₘ at "
            "times tₘ have the levels Lₘ = 10 log₁₀ Eₘ. Attack time: from the first frame within "
            "20 dB of the loudest to the first within 3 dB. Temporal centroid t̄ = Σ Eₘtₘ / Σ Eₘ, "
            "spread √(Σ Eₘ(tₘ − t̄)² / Σ Eₘ). Decay slope: of the line through Lₘ from 5 to 35 dB "
            "below the loudest frame, after it. Silence stands as −100 dB."
        ),
        names=tuple(LEVEL_COLUMNS),
        units=tuple(LEVEL_COLUMNS.values()),
        compute=_levels,
        courses=("energy",),
    ),
    FeatureSet(
        name="descriptors",
        title="statistics of spectral descriptors",
        formula=(
            "Frames of 32 ms (Hann window) every 10 ms have magnitudes Sₖ at frequencies fₖ. "
            "Zero-crossing rate; centroid c = Σ fₖSₖ / Σ Sₖ; spread √(Σ (fₖ − c)²Sₖ / Σ Sₖ); "
            "roll-off, below which 85 % of Σ Sₖ lie; flatness = geometric / arithmetic mean of "
            "Sₖ²; flux √(Σ (qₖ − q′ₖ)²) with q = S / √(Σ Sₖ²) and q′ that of the frame before. Of "
            "each the mean, standard deviation and 10, 50, 90 % quantiles over the frames within "
            "60 dB of the loudest. Share of the energy in 7 octaves below half the sampling rate "
            "in dB: mean and standard deviation over the same frames."
        ),
        names=(
            *(f"{d}, {s}" for d in DESCRIPTORS for s in STATISTICS),
            *(
                f"octave {b + 1} of {N_OCTAVES}, {s}"
                for b in range(N_OCTAVES)
                for s in STATISTICS[:2]
            ),
        ),
        units=(*(u for u in DESCRIPTORS.values() for _ in STATISTICS), *["dB"] * (2 * N_OCTAVES)),
        compute=_descriptors,
        courses=("energy", "descriptors"),
    ),
    FeatureSet(
        name="mfcc",
        title="statistics of MFCC and deltas",
        formula=(
            "P = power in 40 mel bands (triangles, Slaney's scale) from 60 Hz to 0.45 times "
            "the sampling rate, frames of 32 ms (Hann window) every 10 ms, relative to the largest P "
            "of the sound. C = first 13 coefficients of the orthonormal DCT-II of 10 log₁₀ P, P "
            "not below −80 dB. Δ = slope of C over 5 frames by linear regression. Mean and "
            "standard deviation of C and Δ over the frames."
        ),
        names=tuple(
            f"{d}{c}, {s}" for d in ("", "Δ") for s in STATISTICS[:2] for c in _COEFFICIENTS
        ),
        units=(*["dB"] * (2 * N_MFCC), *["dB/frame"] * (2 * N_MFCC)),
        compute=_mfcc,
        courses=("mel",),
        warps=WARPS,
    ),
    FeatureSet(
        name="trajectories",
        title="time-normalised cepstral trajectories",
        formula=(
            "C = first 12 coefficients of the orthonormal DCT-II of P^0.1, with P (not below "
            "10⁻¹⁰) and Δ as in MFCC. Each column of C and Δ minus its mean over the sound, "
            "divided by its standard deviation plus 0.001. Then the sound is cut into 16 parts of "
            "equal loudness, Σ wₘ with wₘ = (Σ P / max Σ P)^0.3 + 0.001, and each part stands as "
            "its mean weighted by w."
        ),
        names=tuple(
            f"{d}{c} at {t + 1}/{N_STEPS}"
            for t in range(N_STEPS)
            for d in ("", "Δ")
            for c in _COEFFICIENTS[:N_CEPSTRA]
        ),
        units=("1",) * (N_STEPS * 2 * N_CEPSTRA),
        compute=_trajectories,
        courses=("mel",),
        warps=WARPS,
    ),
    FeatureSet(
        name="logmel",
        title="log-mel map",
        formula=(
            "10 log₁₀ P as in MFCC, averaged over 32 parts of equal loudness as in the "
            "trajectories."
        ),
        names=tuple(
            f"band {b + 1} at {t + 1}/{MAP_STEPS}" for t in range(MAP_STEPS) for b in range(N_MELS)
        ),
        units=("dB",) * (MAP_STEPS * N_MELS),
        compute=_logmel,
        courses=("mel",),
        warps=WARPS,
        shape=(MAP_STEPS, N_MELS),
    ),
    FeatureSet(
        name="duration",
        title="duration only",
        formula="Length of the sound in seconds.",
        names=("duration",),
        units=("s",),
        compute=lambda a, warp: np.array([a.n_samples / a.rate]),
        shortcut=True,
    ),
    FeatureSet(
        name="rate",
        title="sampling rate only",
        formula="Sampling rate of the file in Hz.",
        names=("sampling rate",),
        units=("Hz",),
        compute=lambda a, warp: np.array([a.file_rate]),
        shortcut=True,
    ),
    FeatureSet(
        name="level",
        title="level only",
        formula="RMS of the sound, 20 log₁₀ √(mean x²), silence as −100 dBFS.",
        names=("RMS",),
        units=("dBFS",),
        compute=lambda a, warp: levels.amplitude_to_db([levels.rms(a.signal)], floor=FLOOR),
        shortcut=True,
    ),
)
"""All feature sets by name, from the simplest to the richest, then the shortcuts."""


def extract(
    signal: ArrayLike,
    rate: float,
    sets: Sequence[str] = tuple(FEATURE_SETS),
    *,
    file_rate: float | None = None,
    variants: bool = True,
) -> dict[str, NDArray[np.float32]]:
    """Features of one observation.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Mono, full scale = 1.
    rate : float
        Sampling rate [Hz], the same for all observations of a run.
    sets : sequence of str
        Names in `FEATURE_SETS`.
    file_rate : float, optional
        Sampling rate of the file before resampling [Hz], for the set "rate"; default `rate`.
    variants : bool
        Whether the warped variants, which only training needs, are computed too.

    Returns
    -------
    dict of ndarray of shape (n_variants, n_features)
        float32, by name; n_variants = 1 without variants.

    Examples
    --------
    >>> features = extract(np.zeros(4000), 8000, ("levels", "logmel"))
    >>> features["levels"].shape, features["logmel"].shape
    ((1, 13), (3, 1280))
    """
    chosen = [FEATURE_SETS[one_of(name, "sets", tuple(FEATURE_SETS))] for name in sets]
    analysis = Analysis(signal, rate, file_rate)
    found = {}
    for s in chosen:
        warps = s.warps if variants else s.warps[:1]
        X = np.stack([s.compute(analysis, warp).ravel() for warp in warps])
        found[s.name] = X.astype(np.float32)
    return found


@dataclass(frozen=True)
class FeatureTable:
    """One feature set of all observations.

    Parameters
    ----------
    name : str
        Name of the set.
    names : tuple of str
        Names of the columns.
    X : ndarray of shape (n_variants, n_observations, n_features)
        float32; variant 0 is the sound as it is.
    shape : tuple of int or None
        (n_frames, n_bands) of a map that is flattened in X.
    """

    name: str
    names: tuple[str, ...]
    X: NDArray[np.float32]
    shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.X.ndim != 3 or self.X.shape[2] != len(self.names):
            raise InputError(
                "E-ARGUMENT",
                f"X has shape {self.X.shape}; expected (n_variants, n_observations, "
                f"{len(self.names)})",
            )

    @property
    def n_variants(self) -> int:
        """Number of variants."""
        return int(self.X.shape[0])

    def rows(self, index: ArrayLike, *, variants: bool = False) -> NDArray[np.float32]:
        """Rows of some observations.

        Parameters
        ----------
        index : array_like of int, of shape (n,)
            Which observations.
        variants : bool
            Whether all variants are stacked below each other, variant 0 of all rows first; labels
            then go with ``np.tile(y[index], n_variants)``.

        Returns
        -------
        ndarray of shape (n, n_features) or (n_variants n, n_features)

        Examples
        --------
        >>> X = np.arange(4, dtype=np.float32).reshape(2, 2, 1)
        >>> FeatureTable("a", ("x",), X).rows([1, 0], variants=True).ravel()
        array([1., 0., 3., 2.], dtype=float32)
        """
        chosen = self.X[: None if variants else 1, np.asarray(index, dtype=np.int64)]
        return chosen.reshape(-1, self.X.shape[2])


def stack(observations: Sequence[dict[str, NDArray[np.float32]]]) -> dict[str, FeatureTable]:
    """Tables from the features of each observation, which all hold the same sets.

    Parameters
    ----------
    observations : sequence of dict
        What `extract` returned, in the order of the observations.

    Returns
    -------
    dict of FeatureTable
        By name.
    """
    if not observations:
        return {}
    tables = {}
    for name in observations[0]:
        s = FEATURE_SETS[name]
        X = np.stack([features[name] for features in observations], axis=1)
        tables[name] = FeatureTable(name, s.names, X, s.shape)
    return tables
