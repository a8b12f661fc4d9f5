"""Performance measures: what each says, in which unit, and which direction is better.

`MEASURES` is the one list of them; `problem.toml` names one that decides, the report prints the
rest beside it. Each measure is one formula on the truth ``y`` and a `Prediction`.

*Conventions*: classes are codes 0 ... K-1; in a binary problem the positive class is code 1 (the
second label). Confusion counts and cost matrices are indexed ``[true, decided]``. Every sum may be
weighted, w (N,) ≥ 0: a weight of zero leaves an observation out, weights 1/n_g let each group
count the same. A measure that is not defined on the data (AUC with one class, R² of a constant)
is NaN. Probabilities are clipped at 2.2e-16 inside logarithms.

*References*: Brier 1950, "Verification of forecasts expressed in terms of probability"; Fawcett
2006, "An introduction to ROC analysis"; Davis and Goadrich 2006, "The relationship between
precision-recall and ROC curves" (why AP is a sum of steps); Brodersen et al. 2010, "The balanced
accuracy and its posterior distribution".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import one_of
from ddasp._errors import InputError

__all__ = [
    "MEASURES",
    "Measure",
    "PerClass",
    "Prediction",
    "confusion",
    "get",
    "measures_for",
    "per_class",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Needs = Literal["decision", "probability", "value"]
Scale = Literal["proportion", "positive", "root", "determination"]


@dataclass(frozen=True)
class Prediction:
    """What a model says about N observations: classes, probabilities, or values.

    Parameters
    ----------
    decided : array_like of int, shape (n_observations,), optional
        Decided class codes.
    probabilities : array_like of shape (n_observations, n_classes), optional
        Rows sum to one.
    values : array_like of shape (n_observations,), optional
        Predicted values of a regression.

    Raises
    ------
    InputError
        When nothing is given, lengths differ, or probabilities are none.

    Examples
    --------
    >>> prediction = Prediction(decided=[0, 1], probabilities=[[0.9, 0.1], [0.4, 0.6]])
    >>> prediction.n_observations, prediction.take([1]).decided
    (2, array([1]))
    """

    decided: IntArray | None = None
    probabilities: FloatArray | None = None
    values: FloatArray | None = None

    def __init__(
        self,
        decided: ArrayLike | None = None,
        probabilities: ArrayLike | None = None,
        values: ArrayLike | None = None,
    ) -> None:
        object.__setattr__(self, "decided", None if decided is None else _codes(decided, "decided"))
        object.__setattr__(
            self, "probabilities", None if probabilities is None else _distribution(probabilities)
        )
        object.__setattr__(self, "values", None if values is None else _finite(values, "values"))
        lengths = {len(part) for part in self._parts()}
        if len(lengths) != 1:
            raise InputError(
                "E-ARGUMENT",
                f"the prediction's parts have lengths {sorted(lengths)}; expected one or more of "
                "decided, probabilities and values, all of one length",
            )

    def _parts(self) -> list[NDArray]:
        parts = (self.decided, self.probabilities, self.values)
        return [part for part in parts if part is not None]

    @property
    def n_observations(self) -> int:
        """Number of observations."""
        return len(self._parts()[0])

    def take(self, rows: ArrayLike) -> Prediction:
        """The same for some of the observations (indices or a mask)."""
        chosen = np.asarray(rows)
        return Prediction(
            decided=None if self.decided is None else self.decided[chosen],
            probabilities=None if self.probabilities is None else self.probabilities[chosen],
            values=None if self.values is None else self.values[chosen],
        )


@dataclass(frozen=True)
class Measure:
    """One performance measure.

    Parameters
    ----------
    name, title : str
        The word in `problem.toml`, and the words in a sentence.
    kinds : tuple of str
        Of "binary", "multi-class", "regression".
    definition : str
        One sentence and the formula.
    unit : str
        "" for a share of one.
    greater_is_better : bool
        Direction.
    low, high : float
        Its range; the range of ``cost`` follows from the matrix.
    needs : str
        "decision", "probability" or "value".
    scale : str
        How its interval is formed: "proportion" (bounded on both sides), "positive" (a loss without
        upper bound), "root" (the root of a mean square), "determination" (bounded above by one).
    formula : callable
        ``formula(y, prediction, w, cost) -> float`` on checked arrays.
    loss : callable, optional
        For a measure that is a mean over observations: ``loss(y, prediction, cost) -> (N,)``.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    definition: str
    unit: str
    greater_is_better: bool
    low: float
    high: float
    needs: Needs
    scale: Scale
    formula: Callable[[NDArray, Prediction, FloatArray, FloatArray | None], float]
    loss: Callable[[NDArray, Prediction, FloatArray | None], FloatArray] | None = None

    def check(self, y: ArrayLike, prediction: Prediction, cost: ArrayLike | None = None) -> NDArray:
        """Return ``y`` as an array that fits the prediction, or raise what says why it does not."""
        part = {
            "decision": prediction.decided,
            "probability": prediction.probabilities,
            "value": prediction.values,
        }[self.needs]
        if part is None:
            raise InputError(
                "E-ARGUMENT",
                f"{self.name} needs a {self.needs} for each observation; the prediction has none",
            )
        truth = _finite(y, "y") if self.needs == "value" else _codes(y, "y")
        if len(truth) != prediction.n_observations or len(truth) == 0:
            raise InputError(
                "E-ARGUMENT",
                f"y has length {len(truth)}, the prediction {prediction.n_observations}; "
                "expected one truth for each prediction, and at least one",
            )
        if part.ndim == 2 and truth.max() >= part.shape[1]:
            raise InputError(
                "E-ARGUMENT",
                f"y holds class {truth.max()}, probabilities has {part.shape[1]} columns; "
                "expected one column for each class",
            )
        if "multi-class" not in self.kinds and self.needs != "value":
            _check_binary(self.name, truth, part)
        if self.name == "cost":
            _check_cost(cost, max(truth.max(), part.max()) + 1)
        return truth

    def compute(
        self,
        y: ArrayLike,
        prediction: Prediction,
        *,
        cost: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> float:
        """The measure's value.

        Parameters
        ----------
        y : array_like of shape (n_observations,)
            True class codes, or true values.
        prediction : Prediction
            What the model said.
        cost : array_like of shape (n_classes, n_classes), optional
            ``cost[true, decided]``; only the measure ``cost`` reads it.
        weight : array_like of shape (n_observations,), optional
            Weights ≥ 0; one each by default.

        Returns
        -------
        float
            NaN where the measure is not defined.

        Raises
        ------
        InputError
            When lengths differ or the prediction lacks what the measure needs.
        """
        truth = self.check(y, prediction, cost)
        matrix = None if cost is None else np.asarray(cost, dtype=np.float64)
        w = np.ones(len(truth)) if weight is None else np.asarray(weight, dtype=np.float64)
        if w.shape != truth.shape or (w < 0).any():
            raise InputError(
                "E-ARGUMENT",
                f"weight has shape {w.shape}; expected {truth.shape}, none below zero",
            )
        return float(self.formula(truth, prediction, w, matrix)) if w.sum() > 0 else float("nan")


@dataclass(frozen=True)
class PerClass:
    """Each class's number of observations, recall, precision and F1, each of shape (n_classes,).

    Recall is NaN for a class that is absent in y, precision for one that was never decided, F1 for
    one that is both.
    """

    n: IntArray
    recall: FloatArray
    precision: FloatArray
    f1: FloatArray


def _codes(values: ArrayLike, name: str) -> IntArray:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iub" or (array.size and array.min() < 0):
        raise InputError(
            "E-ARGUMENT",
            f"{name} has shape {array.shape} and dtype {array.dtype}; expected class codes 0, 1, "
            "... of shape (n_observations,) - are these labels? Use their index",
        )
    return array.astype(np.int64)


def _finite(values: ArrayLike, name: str) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise InputError(
            "E-ARGUMENT",
            f"{name} has shape {array.shape}; expected finite numbers of shape (n_observations,)",
        )
    return array


def _distribution(values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:
        raise InputError(
            "E-ARGUMENT",
            f"probabilities has shape {array.shape}; expected (n_observations, n_classes) - "
            "one column of a binary problem? Give both",
        )
    sums_to_one = np.allclose(array.sum(axis=1), 1, atol=1e-4)
    if not np.isfinite(array).all() or (array < 0).any() or not sums_to_one:
        raise InputError(
            "E-ARGUMENT",
            "probabilities has rows that are no distributions; expected numbers of at least 0 that "
            "sum to 1 - are these scores? Use calibration.probabilities(scores, temperature)",
        )
    return array


def _check_binary(name: str, y: NDArray, part: NDArray) -> None:
    n_classes = part.shape[1] if part.ndim == 2 else max(y.max(), part.max()) + 1
    if n_classes > 2:
        raise InputError(
            "E-ARGUMENT",
            f"{name} got {n_classes} classes; expected two - use balanced_accuracy or macro_f1",
        )


def _check_cost(cost: ArrayLike | None, n_classes: int) -> None:
    shape = None if cost is None else np.shape(cost)
    if shape is None or len(shape) != 2 or shape[0] != shape[1] or shape[0] < n_classes:
        raise InputError(
            "E-ARGUMENT",
            f"cost has shape {shape}; expected a square matrix cost[true, decided] for "
            f"{n_classes} classes",
        )


def confusion(
    y: ArrayLike, decided: ArrayLike, n_classes: int, *, weight: ArrayLike | None = None
) -> FloatArray:
    """Count how often true class k was decided as class l.

    Parameters
    ----------
    y, decided : array_like of int, shape (n_observations,)
        True and decided class codes.
    n_classes : int
        Number of classes; an absent class keeps its row and column of zeros.
    weight : array_like of shape (n_observations,), optional
        Weights; one each by default.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        Counts as float64 (sums of weights).

    Raises
    ------
    InputError
        When lengths differ or a code is outside 0 ... n_classes - 1.

    Examples
    --------
    >>> confusion([0, 0, 1], [0, 1, 1], 2)
    array([[1., 1.],
           [0., 1.]])
    """
    truth, choice = _codes(y, "y"), _codes(decided, "decided")
    if truth.shape != choice.shape or max(truth.max(initial=0), choice.max(initial=0)) >= n_classes:
        raise InputError(
            "E-ARGUMENT",
            f"y has length {len(truth)}, decided {len(choice)}; expected equal lengths and codes "
            f"below n_classes = {n_classes}",
        )
    w = None if weight is None else np.asarray(weight, dtype=np.float64)
    counts = np.bincount(truth * n_classes + choice, weights=w, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).astype(np.float64)


def per_class(y: ArrayLike, decided: ArrayLike, n_classes: int) -> PerClass:
    """Recall, precision and F1 of each class.

    Parameters
    ----------
    y, decided : array_like of int, shape (n_observations,)
        True and decided class codes.
    n_classes : int
        Number of classes.

    Returns
    -------
    PerClass
        Arrays of shape (n_classes,).

    Notes
    -----
    recall = TP / (TP + FN), precision = TP / (TP + FP), F1 = 2 TP / (2 TP + FP + FN).

    Examples
    --------
    >>> per_class([0, 0, 1, 1], [0, 1, 1, 1], 2).recall
    array([0.5, 1. ])
    """
    counts = confusion(y, decided, n_classes)
    hits, n, n_decided = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return PerClass(
        n=n.astype(np.int64),
        recall=_divide(hits, n),
        precision=_divide(hits, n_decided),
        f1=_divide(2 * hits, n + n_decided),
    )


def _divide(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Divide a by b; NaN where b = 0."""
    numerator, denominator = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    out = np.full(numerator.shape, np.nan)
    return np.asarray(np.divide(numerator, denominator, out=out, where=denominator > 0))


def _mean(x: NDArray, w: FloatArray) -> float:
    return float(w @ x / w.sum())


# --- of decisions ---------------------------------------------------------------------------------


def _decided(prediction: Prediction) -> IntArray:
    if prediction.decided is None:
        raise InputError("E-ARGUMENT", "the prediction holds no decisions; expected decided")
    return prediction.decided


def _counts(y: IntArray, prediction: Prediction, w: FloatArray) -> FloatArray:
    decided = _decided(prediction)
    n_classes = int(max(y.max(), decided.max(), 1)) + 1
    counts = np.bincount(y * n_classes + decided, weights=w, minlength=n_classes**2)
    return np.asarray(counts, dtype=np.float64).reshape(n_classes, n_classes)


def _correct(y: NDArray, prediction: Prediction, cost: FloatArray | None) -> FloatArray:
    return np.asarray(y == _decided(prediction), dtype=np.float64)


def _balanced_accuracy(
    y: NDArray, prediction: Prediction, w: FloatArray, cost: FloatArray | None
) -> float:
    counts = _counts(y, prediction, w)
    recall = _divide(np.diag(counts), counts.sum(axis=1))
    return float(np.nanmean(recall))  # some weight is positive, so some class is present


def _macro_f1(y: NDArray, prediction: Prediction, w: FloatArray, cost: FloatArray | None) -> float:
    counts = _counts(y, prediction, w)
    f1 = _divide(2 * np.diag(counts), counts.sum(axis=0) + counts.sum(axis=1))
    return float(np.nanmean(f1))


def _recall_of(code: int) -> Callable[[NDArray, Prediction, FloatArray, FloatArray | None], float]:
    def recall(y: NDArray, prediction: Prediction, w: FloatArray, cost: FloatArray | None) -> float:
        counts = _counts(y, prediction, w)
        return float(_divide(counts[code, code], counts[code].sum()))

    return recall


def _cost_of(y: NDArray, prediction: Prediction, cost: FloatArray | None) -> FloatArray:
    _check_cost(cost, 1)
    return np.asarray(np.asarray(cost)[y, _decided(prediction)], dtype=np.float64)


# --- of probabilities -----------------------------------------------------------------------------


def _probabilities(prediction: Prediction) -> FloatArray:
    if prediction.probabilities is None:
        raise InputError("E-ARGUMENT", "the prediction holds no probabilities; expected them")
    return prediction.probabilities


def _surprise(y: NDArray, prediction: Prediction, cost: FloatArray | None) -> FloatArray:
    p = _probabilities(prediction)[np.arange(len(y)), y]
    return np.asarray(-np.log(np.clip(p, np.finfo(float).eps, 1)))


def _half_square(y: NDArray, prediction: Prediction, cost: FloatArray | None) -> FloatArray:
    p = _probabilities(prediction)
    return np.asarray(0.5 * ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1))


def _steps(y: NDArray, prediction: Prediction, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weight of the positives and of the negatives at or above each distinct score, falling."""
    score = _probabilities(prediction)[:, 1]
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.r_[np.diff(score[order]) != 0, True]
    positive = (y[order] == 1) * w[order]
    negative = (y[order] != 1) * w[order]
    return np.cumsum(positive)[last_of_tie], np.cumsum(negative)[last_of_tie]


def _roc_auc(y: NDArray, prediction: Prediction, w: FloatArray, cost: FloatArray | None) -> float:
    hits, false_alarms = _steps(y, prediction, w)
    if hits[-1] <= 0 or false_alarms[-1] <= 0:
        return float("nan")
    area = np.trapezoid(np.r_[0, hits], np.r_[0, false_alarms])
    return float(area / (hits[-1] * false_alarms[-1]))


def _average_precision(
    y: NDArray, prediction: Prediction, w: FloatArray, cost: FloatArray | None
) -> float:
    hits, false_alarms = _steps(y, prediction, w)
    if hits[-1] <= 0:
        return float("nan")
    precision = _divide(hits, hits + false_alarms)
    return float(np.nansum(np.diff(np.r_[0, hits]) * precision) / hits[-1])


# --- of values ------------------------------------------------------------------------------------


def _values(prediction: Prediction) -> FloatArray:
    if prediction.values is None:
        raise InputError("E-ARGUMENT", "the prediction holds no values; expected them")
    return prediction.values


def _absolute(y: NDArray, prediction: Prediction, cost: FloatArray | None) -> FloatArray:
    return np.asarray(np.abs(y - _values(prediction)))


def _rmse(y: NDArray, prediction: Prediction, w: FloatArray, cost: FloatArray | None) -> float:
    return float(np.sqrt(_mean((y - _values(prediction)) ** 2, w)))


def _r2(y: NDArray, prediction: Prediction, w: FloatArray, cost: FloatArray | None) -> float:
    spread = _mean((y - _mean(y, w)) ** 2, w)
    return 1 - _mean((y - _values(prediction)) ** 2, w) / spread if spread > 0 else float("nan")


def _median_absolute(
    y: NDArray, prediction: Prediction, w: FloatArray, cost: FloatArray | None
) -> float:
    return weighted_quantile(np.abs(y - _values(prediction)), 0.5, w)


def weighted_quantile(x: NDArray, q: float, w: FloatArray) -> float:
    """The q-quantile of x under the weights w: half-way between two values where they share it.

    Examples
    --------
    >>> weighted_quantile(np.array([3.0, 1.0, 2.0, 4.0]), 0.5, np.ones(4))
    2.5
    """
    order = np.argsort(x, kind="stable")
    order = order[w[order] > 0]
    share = np.cumsum(w[order]) / w[order].sum()
    at = min(int(np.searchsorted(share, q - 1e-12)), len(order) - 1)
    after = min(at + 1, len(order) - 1) if abs(share[at] - q) <= 1e-12 else at
    return float((x[order[at]] + x[order[after]]) / 2)


def _of_loss(
    loss: Callable[[NDArray, Prediction, FloatArray | None], FloatArray],
) -> Callable[[NDArray, Prediction, FloatArray, FloatArray | None], float]:
    def mean_loss(
        y: NDArray, prediction: Prediction, w: FloatArray, cost: FloatArray | None
    ) -> float:
        return _mean(loss(y, prediction, cost), w)

    return mean_loss


_BINARY, _CLASSES, _REGRESSION = ("binary",), ("binary", "multi-class"), ("regression",)
_INF = float("inf")

# fmt: off
MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            "accuracy", "accuracy", _CLASSES,
            "Share of observations that are decided correctly: (1/N) Σ 1[ŷᵢ = yᵢ].",
            "", True, 0, 1, "decision", "proportion", _of_loss(_correct), _correct,
        ),
        Measure(
            "balanced_accuracy", "balanced accuracy", _CLASSES,
            "Mean of the classes' recalls, over the classes that occur: "
            "(1/K) Σₖ TPₖ / (TPₖ + FNₖ).",
            "", True, 0, 1, "decision", "proportion", _balanced_accuracy,
        ),
        Measure(
            "macro_f1", "macro F1", _CLASSES,
            "Mean of the classes' F1, over the classes that occur or were decided: "
            "(1/K) Σₖ 2 TPₖ / (2 TPₖ + FPₖ + FNₖ).",
            "", True, 0, 1, "decision", "proportion", _macro_f1,
        ),
        Measure(
            "roc_auc", "area under the ROC curve", _BINARY,
            "Probability that a positive gets a higher score than a negative, ties counting half: "
            "P(s⁺ > s⁻) + ½ P(s⁺ = s⁻).",
            "", True, 0, 1, "probability", "proportion", _roc_auc,
        ),
        Measure(
            "average_precision", "average precision", _BINARY,
            "Precision averaged over the positives found as the threshold falls: "
            "Σᵢ (Rᵢ − Rᵢ₋₁) Pᵢ, with recall R and precision P.",
            "", True, 0, 1, "probability", "proportion", _average_precision,
        ),
        Measure(
            "log_loss", "log-loss", _CLASSES,
            "Mean surprise at the true class: −(1/N) Σ ln p(yᵢ).",
            "nat", False, 0, _INF, "probability", "positive", _of_loss(_surprise), _surprise,
        ),
        Measure(
            "brier", "Brier score", _CLASSES,
            "Mean squared distance of the probabilities from the truth, halved: "
            "(1/2N) Σᵢ Σₖ (pᵢₖ − 1[yᵢ = k])².",
            "", False, 0, 1, "probability", "proportion", _of_loss(_half_square), _half_square,
        ),
        Measure(
            "cost", "mean cost", _CLASSES,
            "Mean cost of a decision under the cost matrix: (1/N) Σ C[yᵢ, ŷᵢ].",
            "cost per decision", False, -_INF, _INF, "decision", "proportion",
            _of_loss(_cost_of), _cost_of,
        ),
        Measure(
            "sensitivity", "sensitivity", _BINARY,
            "Share of the positives that are found: TP / (TP + FN).",
            "", True, 0, 1, "decision", "proportion", _recall_of(1),
        ),
        Measure(
            "specificity", "specificity", _BINARY,
            "Share of the negatives that are left alone: TN / (TN + FP).",
            "", True, 0, 1, "decision", "proportion", _recall_of(0),
        ),
        Measure(
            "mae", "mean absolute error", _REGRESSION,
            "Mean distance of the prediction from the truth: (1/N) Σ |yᵢ − ŷᵢ|.",
            "unit of the target", False, 0, _INF, "value", "positive",
            _of_loss(_absolute), _absolute,
        ),
        Measure(
            "rmse", "root mean squared error", _REGRESSION,
            "Root of the mean squared error, large errors weigh more: √((1/N) Σ (yᵢ − ŷᵢ)²).",
            "unit of the target", False, 0, _INF, "value", "root", _rmse,
        ),
        Measure(
            "median_absolute_error", "median absolute error", _REGRESSION,
            "Half of the errors are smaller: median |yᵢ − ŷᵢ|.",
            "unit of the target", False, 0, _INF, "value", "positive", _median_absolute,
        ),
        Measure(
            "r2", "R²", _REGRESSION,
            "Share of the target's variance that is explained: 1 − Σ (yᵢ − ŷᵢ)² / Σ (yᵢ − ȳ)².",
            "", True, -_INF, 1, "value", "determination", _r2,
        ),
    )
}
# fmt: on


def get(name: str) -> Measure:
    """The measure of that name.

    Examples
    --------
    >>> get("brier").greater_is_better
    False
    """
    return MEASURES[one_of(name, "measure", tuple(MEASURES))]


def measures_for(kind: str) -> tuple[Measure, ...]:
    """The measures of a kind of problem: "binary", "multi-class" or "regression".

    Examples
    --------
    >>> [measure.name for measure in measures_for("regression")]
    ['mae', 'rmse', 'median_absolute_error', 'r2']
    """
    one_of(kind, "kind", ("binary", "multi-class", "regression"))
    return tuple(measure for measure in MEASURES.values() if kind in measure.kinds)
