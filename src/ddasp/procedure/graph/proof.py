"""Running a graph, and the proof that it decides as the tool chain does.

The proof goes through the whole way: each clip from its samples by `features.extract` and the
estimator, and by the graph. It speaks of recordings of the corpus, and of corner sounds
(silence, a single sample, an impulse ...) that few corpora hold and every application meets: no
stage of the graph is left untouched by all of them.

*Conventions*: clips are float32 (n_samples,) at the model's rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import ArrayLike, NDArray
from onnx.reference import ReferenceEvaluator
from scipy.special import softmax

from ddasp._errors import InputError
from ddasp.procedure import models
from ddasp.procedure.analysis import Grid
from ddasp.procedure.features import extract
from ddasp.procedure.graph.compose import OBSERVATIONS, Decision

__all__ = ["TOLERANCE", "Proof", "corner_sounds", "prove", "run_rows", "session"]

TOLERANCE = 1e-5
"""Largest difference between graph and estimator: of a probability, or relative to the values."""

MOST_NEAR = 0.02  # share of the clips that may lie near a threshold
N_MOVED, NEAR_FEATURES = 32, 1e-4  # movements by the last digit that are tried; how near they come
JUMPING = (models.Tree, models.Rule, models.Neighbours)  # families whose output jumps
REFERENCE_NODES = 20_000  # nodes of trees up to which onnx.reference, written in Python, is asked
REFERENCE_SECONDS = (
    600.0  # of sound that it hears at most; a convolution takes it thirty times as long
)

Clip = NDArray[np.float32]
Outputs = dict[str, NDArray]


def session(model: bytes | onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session that runs the graph on one thread of the CPU and is silent."""
    content = model if isinstance(model, bytes) else model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run_rows(
    model: bytes | onnx.ModelProto | onnxruntime.InferenceSession, X: ArrayLike
) -> list[NDArray]:
    """Outputs of a `decision_part` for rows of features.

    Parameters
    ----------
    model : bytes, onnx.ModelProto or onnxruntime.InferenceSession
        From `decision_part` or `build_decision`.
    X : array_like of shape (n, n_features)
        Observations.

    Returns
    -------
    list of ndarray of shape (n, ...)
        Probabilities (n, n_classes) and decisions (n,), or values (n,).
    """
    running = model if isinstance(model, onnxruntime.InferenceSession) else session(model)
    rows = np.ascontiguousarray(X, dtype=np.float32)
    expected = running.get_inputs()[0].shape[1]
    if rows.ndim != 2 or rows.shape[1] != expected:
        raise InputError("E-ARGUMENT", f"X has shape {rows.shape}; expected (n, {expected})")
    starts = range(0, max(len(rows), 1), 1024)
    outputs = [running.run(None, {OBSERVATIONS: rows[i : i + 1024]}) for i in starts]
    return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]


def corner_sounds(rate: float, *, length: float = 1.0) -> list[Clip]:
    """Sounds at the edges of what a microphone gives, for the proof.

    Parameters
    ----------
    rate : float
        Sampling rate [Hz].
    length : float
        Of the longer ones [s].

    Returns
    -------
    list of ndarray of shape (n_samples,)
        Silence, one sample, less than a frame, an impulse, a full-scale tone, noise below every
        gate and one that fades through the absolute gate, noise that begins after
        silence, a fast decay, a square wave, a staircase whose steps lie on both sides of the
        relative gate, and a click at the very end, which a single frame sees.

    Examples
    --------
    >>> [len(x) for x in corner_sounds(8000)][:4]
    [8000, 1, 100, 8000]
    """
    n = max(8, round(length * rate))
    t = np.arange(n) / rate
    white = np.random.default_rng(0).standard_normal(n)
    impulse = np.zeros(n)
    impulse[n // 3] = 1.0
    late = np.where(np.arange(n) < n // 2, 0.0, 0.05 * white)
    decay = np.where(t < 0.3 * length, 0.01, np.exp(-30 * (t - 0.3 * length) / length)) * white / 4
    tone = np.sin(2 * np.pi * 0.05 * rate * t)
    soft = 10 ** (np.linspace(-66, -78, 2 * n) / 20) * np.tile(white, 2)
    stairs = np.repeat(10 ** (np.array([0, -8, -14.6, -40]) / 20), n) * np.tile(white, 4) / 4
    sounds = [np.zeros(n), np.full(1, 0.5), 0.1 * white[: max(1, round(0.0125 * rate))], impulse]
    hop = Grid(rate).hop_length
    click = np.zeros(n - n % hop + hop - 1)
    click[-1] = 0.5
    sounds += [tone, 1e-6 * white, soft, late, decay, np.sign(tone + 0.5), stairs, click]
    return [x.astype(np.float32) for x in sounds]


@dataclass(frozen=True)
class Proof:
    """How far graph and tool chain are apart.

    Parameters
    ----------
    n, n_corners : int
        Clips on which they were compared, and the corner sounds behind them.
    max_difference : float
        Largest difference of a probability, or of a value relative to the largest value and the
        spread of the training targets; infinite when one is not finite, or when a decision
        differs whose two largest probabilities are further apart than twice the tolerance.
    near_threshold : int
        Clips left out of it because the last digit decides about them: the features of
        `ddasp.audio` themselves jump to the graph's when the samples move by their last digit (the
        loudest of equal frames, a bin of the roll-off), or a model jumps (a tree, a rule,
        neighbours) though all features agree; and the estimator gives the graph's answer for the
        graph's features.
    feature_difference : float
        Largest difference of a feature, relative to its size or to 0.001.
    n_reference : int
        Sounds that ``onnx.reference`` ran too, the corner sounds first.
    reference_difference : float
        The same as `max_difference` for it.
    """

    n: int
    n_corners: int
    max_difference: float
    near_threshold: int
    feature_difference: float = 0.0
    n_reference: int = 0
    reference_difference: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether all differences are within `TOLERANCE`, and few clips were left out."""
        worst = max(self.max_difference, self.reference_difference, self.feature_difference)
        return worst <= TOLERANCE and self.near_threshold <= max(1, MOST_NEAR * self.n)

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``model.json``."""
        return asdict(self) | {"tolerance": TOLERANCE}


def prove(
    model: onnx.ModelProto | bytes,
    decision: Decision,
    clips: Iterable[NDArray[np.floating]],
    features: str,
    rate: float,
) -> Proof:
    """Compare the graph with the features and the estimator, clip by clip.

    Parameters
    ----------
    model : onnx.ModelProto or bytes
        From `build_graph`.
    decision : Decision
        What it was built from.
    clips : iterable of ndarray of shape (n_samples,)
        Sounds of the corpus; the corner sounds are added.
    features : str
        The feature set.
    rate : float
        Sampling rate [Hz].
    """
    corners = corner_sounds(rate)
    sounds = corners + [np.asarray(x, np.float32) for x in clips]

    def features_of(x: Clip) -> NDArray[np.float32]:
        return np.asarray(extract(x, rate, (features,), variants=False)[features][0])

    X = np.stack([features_of(x) for x in sounds])
    running = session(model)
    names = [output.name for output in running.get_outputs()]
    found = [dict(zip(names, running.run(None, {"waveform": x}), strict=True)) for x in sounds]
    others = _reference(model, decision.estimator, sounds, rate)
    task = _Task(decision, sounds, X, len(corners), features_of)
    main, beside = task.compare(found), task.compare(others)
    return Proof(
        n=len(sounds) - len(corners),
        n_corners=len(corners),
        max_difference=main.difference,
        near_threshold=main.n_near,
        feature_difference=main.features,
        n_reference=len(others),
        reference_difference=max(beside.difference, beside.features),
    )


class _Comparison(NamedTuple):
    difference: float
    features: float
    n_near: int


def _reference(
    model: onnx.ModelProto | bytes, estimator: models.Model, sounds: Sequence[Clip], rate: float
) -> list[Outputs]:
    """What ``onnx.reference`` gives for the first sounds, none where it would take minutes."""
    if isinstance(estimator, models.Tree) and _n_nodes(estimator) > REFERENCE_NODES:
        return []
    cost = 30.0 if isinstance(estimator, models.Convolutional) else 1.0
    heard = np.cumsum([len(x) for x in sounds]) * cost / rate
    proto = onnx.load_model_from_string(model) if isinstance(model, bytes) else model
    slow = ReferenceEvaluator(proto)
    names = [output.name for output in proto.graph.output]
    with np.errstate(all="ignore"):
        return [
            dict(zip(names, slow.run(None, {"waveform": x}), strict=True))
            for x in sounds[: int((heard <= REFERENCE_SECONDS).sum())]
        ]


def _n_nodes(estimator: models.Tree) -> int:
    return sum(tree.node_count for tree in estimator.trees)


@dataclass(frozen=True)
class _Task:
    """What outputs are compared with: the corner sounds first, then clips."""

    decision: Decision
    sounds: list[Clip]
    X: NDArray[np.float32]
    n_corners: int
    features_of: Callable[[Clip], NDArray[np.float32]]

    def compare(self, given: Sequence[Outputs]) -> _Comparison:
        """Differences on all of the first sounds but those clips that lie near a threshold."""
        if not given:
            return _Comparison(0.0, 0.0, 0)
        X = self.X[: len(given)]
        found = np.stack([outputs["features"] for outputs in given]).astype(np.float32)
        moved = (np.abs(found - X) / np.maximum(np.abs(X), 1e-3)).max(axis=1)
        apart, alike = _apart(self.decision, X, given), _apart(self.decision, found, given)
        jumped = moved > TOLERANCE
        if isinstance(self.decision.estimator, JUMPING):
            jumped |= apart > TOLERANCE
        jumped &= (alike <= TOLERANCE) & (np.arange(len(X)) >= self.n_corners)
        for i in np.flatnonzero(jumped & (moved > TOLERANCE)):
            jumped[i] = self._last_digit_decides(self.sounds[i], found[i])
        return _Comparison(_largest(apart[~jumped]), _largest(moved[~jumped]), int(jumped.sum()))

    def _last_digit_decides(self, x: Clip, found: NDArray[np.float32]) -> bool:
        """Whether some movement of the samples by their last digit gives the graph's features."""
        rng = np.random.default_rng(0)
        for _ in range(N_MOVED):
            towards = np.where(rng.random(len(x)) < 0.5, -np.inf, np.inf).astype(np.float32)
            row = self.features_of(np.nextafter(x, towards))
            if (np.abs(found - row) / np.maximum(np.abs(row), 1e-3)).max() <= NEAR_FEATURES:
                return True
        return False


def _apart(
    decision: Decision, X: NDArray[np.float32], given: Sequence[Outputs]
) -> NDArray[np.float64]:
    """Difference between the estimator on rows of features and what a graph gave, (n,)."""
    estimator = decision.estimator
    if estimator.kind == "regression":
        expected = estimator.predict(X)
        size = np.max(np.abs(expected), initial=estimator.scale)
        values = np.array([float(outputs["value"]) for outputs in given])
        return np.asarray(np.abs(values - expected) / size)
    p = _probabilities(decision, X)
    stated = np.stack([outputs["probabilities"] for outputs in given]).astype(np.float64)
    decided = np.array([int(outputs["decided"]) for outputs in given])
    flipped = (decided != p.argmax(axis=1)) & ~_tied(decision, X)
    return np.where(flipped, np.inf, np.abs(stated - p).max(axis=1))


def _probabilities(decision: Decision, X: NDArray[np.float32]) -> NDArray[np.float64]:
    scores = decision.estimator.scores(X)
    return np.asarray(softmax(scores / decision.temperature, axis=1))


def _tied(decision: Decision, X: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Rows whose two largest probabilities are closer than twice the tolerance."""
    if decision.estimator.kind == "regression" or len(decision.labels) < 2 or not len(X):
        return np.zeros(len(X), bool)
    top = np.sort(_probabilities(decision, X), axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0] < 2 * TOLERANCE)


def _largest(difference: NDArray) -> float:
    largest = float(np.max(np.abs(difference), initial=0.0))
    return largest if np.isfinite(largest) else np.inf
