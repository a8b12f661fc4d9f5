"""From the waveform to the features, as nodes: the text of `features.py` once more, in ONNX.

Each function here has its namesake there (or in `analysis.py`, `loudness.py`), is computed in
float64 from the same float32 samples, and is held to it by the proof that step 6 demands. What
differs: spectra by the operator DFT, and the K-weighting of the loudness by its frequency response
in place of its recursion. That response is sampled at N points with N / rate >= 256 ms, which
folds the impulse response's tail beyond N samples back into the result, and the overlap-save method
drops what lies beyond N / 2: the high-pass decays with exp(-240 t / s), so both lie below 1e-12 of
full scale.

*Conventions*: a signal is (n_samples,), frames (n_frames, frame_length), courses (n_frames,
n_columns), features (n_features,).

*References*: Oppenheim and Schafer 2010, ch. 8.7.3 (overlap-save); those of `features.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy.signal import sosfreqz

from ddasp._check import one_of
from ddasp.audio import loudness, mel, stft
from ddasp.procedure import analysis, features
from ddasp.procedure.analysis import Grid
from ddasp.procedure.graph.builder import Graph, Value

__all__ = ["SETS", "features_of"]

FULL_ENERGY = 1e-300  # stands for the energy of silence where it would be divided by
K_TIME = 0.256  # s, least length of the transform that applies the K-weighting


def features_of(g: Graph, waveform: Value, rate: float, name: str) -> Value:
    """The features of one set, float32 (n_features,), named "features".

    Parameters
    ----------
    g : Graph
        Where the nodes are put.
    waveform : Value
        float32, (n_samples,), n_samples >= 1.
    rate : float
        Sampling rate [Hz].
    name : str
        One of `SETS`.
    """
    compute = SETS[one_of(name, "name", tuple(SETS))]
    return compute(_Window(g, waveform, rate)).cast(np.float32, "features")


def _db(power: Value, floor: float) -> Value:
    """`levels.power_to_db`."""
    return power.maximum(10.0 ** (floor / 10.0)).apply("Log") * (10.0 / math.log(10.0))


def _ratio(part: Value, whole: Value) -> Value:
    """Part / whole, 0 where the whole is 0."""
    return part / whole.graph.where(whole > 0.0, whole, 1.0)


class _Window:
    """`analysis.Analysis` as nodes."""

    def __init__(self, g: Graph, waveform: Value, rate: float) -> None:
        self.g, self.rate, self.grid = g, rate, Grid(rate)
        x = waveform.cast(np.float64)
        missing = (g.constant(self.grid.frame_length) - x.length()).maximum(0)
        self.signal = x.pad(0, missing)

    def cut(self, signal: Value, n: Value, length: int, hop: int) -> Value:
        """N frames of a signal, the first at its first sample, (n, length)."""
        starts = (self.g.arange(0, n) * hop).expand(1)
        return signal.take(starts + np.arange(length)[np.newaxis])

    @cached_property
    def frames(self) -> Value:
        length, hop = self.grid.frame_length, self.grid.hop_length
        half = length // 2
        n = (self.signal.length() + (2 * half - length)) / hop + 1
        return self.cut(self.signal.pad(half, half), n, length, hop)

    @cached_property
    def energies(self) -> Value:
        return (self.frames * self.frames).sum(1) / float(self.grid.frame_length)

    @cached_property
    def power(self) -> Value:
        """`Grid.power`."""
        windowed = self.frames * self.g.constant(stft.hann(self.grid.frame_length), "hann")
        length = self.g.constant(np.int64(self.grid.n_fft))
        X = self.g.node("DFT", windowed.expand(2), length, axis=1, onesided=1)
        return (X * X).sum(2)

    @cached_property
    def mel(self) -> Value:
        bank = self.g.constant(np.ascontiguousarray(self.grid.bank(1.0).T), "mel.bank")
        P = self.power @ bank
        loudest = P.max()
        silent = (P >= 0.0).cast(np.float64)  # ones
        return self.g.where(loudest > 0.0, P / loudest.maximum(FULL_ENERGY), silent)

    @cached_property
    def log_mel(self) -> Value:
        return _db(self.mel, -analysis.RANGE)

    @cached_property
    def loudness(self) -> Value:
        E = self.mel.sum(1)
        return (E / E.max()) ** analysis.LOUDNESS + analysis.LEAST_LOUDNESS

    @cached_property
    def times(self) -> Value:
        n = self.energies.length()
        return self.g.arange(0, n).cast(np.float64) * (self.grid.hop_length / self.rate)

    def neighbour(self, course: Value, k: int) -> Value:
        """The course k frames later, the first and last row repeated."""
        n = course.length()
        place = self.g.arange(0, n) + k
        return course.take(place.maximum(0) if k < 0 else place.minimum(n - 1))

    def delta(self, course: Value) -> Value:
        """`mel.delta`."""
        slope = self.neighbour(course, 1) - self.neighbour(course, -1)
        slope = slope + (self.neighbour(course, 2) - self.neighbour(course, -2)) * 2.0
        return slope / 10.0

    def cepstra(self, bands: Value, n: int) -> Value:
        """`mel.mfcc`."""
        D = np.ascontiguousarray(mel.dct_matrix(n, analysis.N_MELS).T)
        return bands @ self.g.constant(D, "dct")


# ---- statistics over the window ---------------------------------------------------------------


def _normalise(course: Value) -> Value:
    centred = course - course.mean(0, keep=True)
    spread = (centred * centred).mean(0, keep=True).apply("Sqrt")
    return centred / (spread + analysis.SOFTENING)


def _time_normalise(course: Value, n_steps: int, weights: Value) -> Value:
    g = course.graph
    clock = weights.cumsum(0).pad(1, 0)  # (n_frames + 1,)
    total = weights.sum(0, keep=True)  # (1,)
    n = course.length()
    integral = (course * weights.expand(1)).cumsum(0)
    integral = g.concat([integral.take(np.array([0])) * 0.0, integral])
    borders = total * np.linspace(0.0, 1.0, n_steps + 1)
    passed = (borders.expand(1) >= clock.expand(0)).cast(np.int64).sum(1)
    frame = (passed - 1).minimum(n - 1)
    inside = (borders - clock.take(frame)).expand(1) * course.take(frame)
    at_borders = integral.take(frame) + inside
    steps = at_borders.slice(1, n_steps + 1, 0) - at_borders.slice(0, n_steps, 0)
    return steps * (float(n_steps) / total)


def _quantiles(values: Value, *, few: bool) -> Value:
    """10 %, 50 % and 90 % quantiles between the sorted rows, (3, n_columns); few may be one row."""
    shares = (0.1, 0.5, 0.9)
    rows, n = values.sorted(), values.length()
    place = (n - 1).cast(np.float64).reshape(1) * np.array(shares)
    below = place.apply("Floor")
    lower = below.cast(np.int64)
    above = lower + 1
    low, high = rows.take(lower), rows.take(above.minimum(n - 1) if few else above)
    return low + (high - low) * (place - below).expand(1)


# ---- the sets ---------------------------------------------------------------------------------


def _mfcc(w: _Window) -> Value:
    C = w.cepstra(w.log_mel, features.N_MFCC)
    D = w.delta(C)
    return w.g.concat([C.mean(0), C.std(0), D.mean(0), D.std(0)])


def _trajectories(w: _Window) -> Value:
    root = w.mel.maximum(features.ROOT_FLOOR) ** features.ROOT
    C = w.cepstra(root, features.N_CEPSTRA)
    course = w.g.concat([_normalise(C), _normalise(w.delta(C))], axis=1)
    return _time_normalise(course, features.N_STEPS, w.loudness).reshape(-1)


def _logmel(w: _Window) -> Value:
    return _time_normalise(w.log_mel, features.MAP_STEPS, w.loudness).reshape(-1)


def _descriptors(w: _Window) -> Value:
    loudest = w.energies.max()
    D = _courses(w).compress(w.energies >= loudest * 10.0 ** (-analysis.ACTIVE / 10.0))
    n = len(features.DESCRIPTORS)
    both = [s.expand(0) for s in (D.mean(0), D.std(0))]
    own = w.g.concat([*(s.slice(0, n, 1) for s in both), _quantiles(D.slice(0, n, 1), few=True)])
    octaves = w.g.concat([s.slice(n, n + analysis.N_OCTAVES, 1) for s in both])
    flat = [w.g.node("Transpose", part, perm=[1, 0]).reshape(-1) for part in (own, octaves)]
    return w.g.concat(flat)


def _courses(w: _Window) -> Value:
    """`Grid.course` "descriptors", (n_frames, 6 + N_OCTAVES)."""
    f, P = w.grid.frequencies, w.power
    S = P.apply("Sqrt")
    shares = _ratio(S, S.sum(1, keep=True))
    c = shares @ w.g.constant(f[:, np.newaxis], "frequencies")  # (n_frames, 1)
    away = f[np.newaxis] - c
    spread = (shares * (away * away)).sum(1, keep=True).apply("Sqrt")
    columns = [_crossings(w), c, spread, _rolloff(w, S), _flatness(P), _flux(w, S)]
    member = np.digitize(f, w.grid.octaves) - 1 == np.arange(analysis.N_OCTAVES)[:, np.newaxis]
    energy = _ratio(P, P.sum(1, keep=True)) @ member.T.astype(np.float64)
    return w.g.concat([*columns, _db(energy, analysis.SHARE_FLOOR)], axis=1)


def _crossings(w: _Window) -> Value:
    length = w.grid.frame_length
    negative = (w.frames < 0.0).cast(np.float64)
    change = negative.slice(1, length, 1) - negative.slice(0, length - 1, 1)
    return (change * change).sum(1, keep=True) / float(length)


def _rolloff(w: _Window, S: Value) -> Value:
    cumulated, n_bins = S.cumsum(1), len(w.grid.frequencies)
    reached = cumulated >= cumulated.slice(n_bins - 1, n_bins, 1) * 0.85
    place = reached.cast(np.int64).argmax(1)
    return w.g.constant(w.grid.frequencies).take(place).expand(1)


def _flatness(P: Value, floor: float = 1e-10) -> Value:
    largest = P.max(1, keep=True)
    raised = _ratio(P, largest).maximum(floor)
    ratio = raised.apply("Log").mean(1, keep=True).apply("Exp") / raised.mean(1, keep=True)
    return P.graph.where(largest > 0.0, ratio, 0.0)


def _flux(w: _Window, S: Value) -> Value:
    norm = (S * S).sum(1, keep=True).apply("Sqrt")
    q = _ratio(S, norm)
    change = q - w.neighbour(q, -1)  # the first frame minus itself: 0
    return (change * change).sum(1, keep=True).apply("Sqrt")


def _levels(w: _Window) -> Value:
    g, x = w.g, w.signal
    rms, peak = (x * x).mean(0).apply("Sqrt"), x.apply("Abs").max()
    crest = g.where(rms > 0.0, peak / rms.maximum(FULL_ENERGY), 1.0)
    least = 10.0 ** (features.FLOOR / 20.0)
    whole = [v.maximum(least).apply("Log") * (20.0 / math.log(10.0)) for v in (rms, peak, crest)]
    frame_levels = _db(w.energies, features.FLOOR)
    quantiles = _quantiles(frame_levels.expand(1), few=False).reshape(-1)
    parts = [*whole, _integrated_loudness(w).maximum(features.FLOOR)]
    scalars = [v.reshape(1) for v in parts]
    return g.concat([*scalars, quantiles, *(v.reshape(1) for v in _envelope(w, frame_levels))])


def _envelope(w: _Window, frame_levels: Value) -> list[Value]:
    g, t, energy = w.g, w.times, w.energies
    total, largest = energy.sum(0), energy.max()
    # not a product with 1 - TIE: runtimes take that for one and leave it out
    top = (energy >= largest - largest * features.TIE).first()
    step = w.grid.hop_length / w.rate
    even = (energy >= 0.0).cast(np.float64) / energy.length().cast(np.float64)
    share = g.where(total > 0.0, energy / total.maximum(FULL_ENERGY), even)
    centre = (share * t).sum(0)
    away = t - centre
    width = (share * (away * away)).sum(0).apply("Sqrt")
    loud = energy >= largest * 0.01
    attack = (energy >= largest * 0.5).first() - loud.first()
    duration = loud.cast(np.float64).sum(0) * step
    slope = _decay_slope(w, frame_levels, top, step)
    return [t.take(top), attack.cast(np.float64) * step, centre, width, duration, slope]


def _decay_slope(w: _Window, frame_levels: Value, top: Value, step: float) -> Value:
    g, n = w.g, frame_levels.length()
    frame = g.arange(0, n)
    after = frame > top - 1  # from the loudest frame on
    fall = frame_levels.take(top) - frame_levels
    gone = (after & (fall > 35.0)).cast(np.int64)
    end = g.where(gone.max() > 0, gone.argmax(), n)  # the first frame that is down by 35 dB
    part = after & (frame < end) & (fall >= 5.0)
    few = part.cast(np.int64).sum(0) < 2
    part = g.where(few, (after & (frame < end + 1)).cast(np.int64), part.cast(np.int64))
    weight = part.cast(np.float64)
    count = weight.sum(0)
    time = frame.cast(np.float64)
    away = (time - (weight * time).sum(0) / count.maximum(1.0)) * weight * step
    slope = (away * frame_levels).sum(0) / (away * away).sum(0).maximum(FULL_ENERGY)
    return g.where(count > 1.0, slope, 0.0)


# ---- loudness ---------------------------------------------------------------------------------


def _k_weighted(w: _Window) -> Value:
    """The signal through the K-weighting, by overlap-save with transforms of N points."""
    N = stft.next_power_of_2(math.ceil(K_TIME * w.rate))
    half = N // 2
    n = w.signal.length()
    n_blocks = (n + (half - 1)) / half
    # each block of N samples begins N / 2 before the half that is kept of it
    blocks = w.cut(w.signal.pad(half, half), n_blocks, N, half)
    length = w.g.constant(np.int64(N))
    X = w.g.node("DFT", blocks.expand(2), length, axis=1, onesided=0)
    _, H = sosfreqz(loudness.k_weighting(w.rate), worN=N, whole=True)
    turned = np.stack([np.stack([H.real, H.imag], 1), np.stack([-H.imag, H.real], 1)], 1)
    Y = (X.expand(2) @ w.g.constant(turned, "k_weighting")).squeeze(2)
    y = w.g.node("DFT", Y, length, axis=1, inverse=1)
    kept = y.take(0, axis=2).slice(half, N, 1).reshape(-1)
    return kept.take(w.g.arange(0, n))


def _integrated_loudness(w: _Window) -> Value:
    """`loudness.integrated_loudness` of one channel."""
    g, y, n = w.g, _k_weighted(w), w.signal.length()
    power = y * y
    running = power.cumsum(0).pad(1, 0)
    n_cuts = (n.cast(np.float64) / (0.1 * w.rate)).cast(np.int64) + 6
    # first the rate, then the hop, as in `loudness`: rounding may fall on a tie
    cuts = (g.arange(0, n_cuts).cast(np.float64) * w.rate * 0.1).apply("Round").cast(np.int64)
    starts, stops = cuts.take(g.arange(0, n_cuts - 4)), cuts.take(g.arange(4, n_cuts))
    whole = (stops < n + 1).cast(np.float64)
    clipped = [v.minimum(n) for v in (starts, stops)]
    energy = running.take(clipped[1]) - running.take(clipped[0])
    blocks = energy.maximum(0.0) / (stops - starts).cast(np.float64)
    absolute = whole * (_lufs(blocks) > loudness.ABSOLUTE_GATE).cast(np.float64)
    relative = _lufs(_mean(blocks, absolute)) + loudness.RELATIVE_GATE
    gated = absolute * (_lufs(blocks) > relative).cast(np.float64)
    ungated = _lufs(power.mean(0))
    result = g.where(gated.sum(0) > 0.0, _lufs(_mean(blocks, gated)), 10.0 * features.FLOOR)
    return g.where(whole.sum(0) > 0.0, result, ungated)


def _mean(values: Value, weights: Value) -> Value:
    return (values * weights).sum(0) / weights.sum(0).maximum(1.0)


def _lufs(power: Value) -> Value:
    """Silence is -3001 LUFS here, below every gate."""
    return power.maximum(FULL_ENERGY).apply("Log") * (10.0 / math.log(10.0)) + loudness.OFFSET


SETS: dict[str, Callable[[_Window], Value]] = {
    "levels": _levels,
    "descriptors": _descriptors,
    "mfcc": _mfcc,
    "trajectories": _trajectories,
    "logmel": _logmel,
}
"""The feature sets that a model may be built on, by name."""
