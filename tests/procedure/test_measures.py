"""Measures agree with scikit-learn, with sums worked by hand, and with what weights mean."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics

from ddasp._errors import InputError
from ddasp.procedure.measures import (
    MEASURES,
    Prediction,
    confusion,
    get,
    measures_for,
    per_class,
    weighted_quantile,
)

COST = np.array([[0.0, 1.0, 2.0], [5.0, 0.0, 1.0], [3.0, 4.0, -1.0]])


def of_classes(n_classes):
    rng = np.random.default_rng(n_classes)
    y = rng.integers(0, n_classes, 200)
    scores = rng.standard_normal((200, n_classes)) + 1.2 * np.eye(n_classes)[y]
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    p = np.round(p, 2)  # ties
    p /= p.sum(axis=1, keepdims=True)
    weight = rng.integers(0, 4, 200).astype(float)
    return y, Prediction(decided=p.argmax(axis=1), probabilities=p), weight


ORACLES = {
    "accuracy": lambda y, d, p, w: metrics.accuracy_score(y, d, sample_weight=w),
    "balanced_accuracy": lambda y, d, p, w: metrics.balanced_accuracy_score(y, d, sample_weight=w),
    "macro_f1": lambda y, d, p, w: metrics.f1_score(y, d, average="macro", sample_weight=w),
    "log_loss": lambda y, d, p, w: metrics.log_loss(y, p, sample_weight=w),
    "brier": lambda y, d, p, w: metrics.brier_score_loss(
        y, p if p.shape[1] > 2 else p[:, 1], sample_weight=w, scale_by_half=True
    ),
    "cost": lambda y, d, p, w: np.average(COST[y, d], weights=w),
    "roc_auc": lambda y, d, p, w: metrics.roc_auc_score(y, p[:, 1], sample_weight=w),
    "average_precision": lambda y, d, p, w: metrics.average_precision_score(
        y, p[:, 1], sample_weight=w
    ),
    "sensitivity": lambda y, d, p, w: metrics.recall_score(y, d, sample_weight=w),
    "specificity": lambda y, d, p, w: metrics.recall_score(y, d, pos_label=0, sample_weight=w),
}
REGRESSION = {
    "mae": lambda y, v, w: metrics.mean_absolute_error(y, v, sample_weight=w),
    "rmse": lambda y, v, w: metrics.root_mean_squared_error(y, v, sample_weight=w),
    "median_absolute_error": lambda y, v, w: metrics.median_absolute_error(y, v, sample_weight=w),
    "r2": lambda y, v, w: metrics.r2_score(y, v, sample_weight=w),
}


CASES = [
    (name, n_classes)
    for name in ORACLES
    for n_classes in (2, 3)
    if n_classes == 2 or "multi-class" in MEASURES[name].kinds
]


@pytest.mark.parametrize(("name", "n_classes"), CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_measures_of_classes_agree_with_scikit_learn(name, n_classes, weighted):
    y, prediction, weight = of_classes(n_classes)
    w = weight if weighted else None
    ours = get(name).compute(y, prediction, cost=COST, weight=w)
    theirs = ORACLES[name](y, prediction.decided, prediction.probabilities, w)
    assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("name", REGRESSION)
@pytest.mark.parametrize("n", [2, 7, 200])
def test_measures_of_values_agree_with_scikit_learn(name, n):
    rng = np.random.default_rng(n)
    y = rng.standard_normal(n)
    values = y + rng.standard_normal(n)
    for w in (None, rng.uniform(0.5, 2, n)):
        if name == "median_absolute_error" and w is not None:
            continue  # conventions for a weighted median differ; the case below is exact
        ours = get(name).compute(y, Prediction(values=values), weight=w)
        assert_allclose(ours, REGRESSION[name](y, values, w), rtol=1e-12)


def test_every_measure_has_an_oracle():
    assert set(ORACLES) | set(REGRESSION) == set(MEASURES)


@pytest.mark.parametrize(("name", "n_classes"), CASES)
def test_a_whole_weight_is_a_repetition(name, n_classes):
    y, prediction, weight = of_classes(n_classes)
    rows = np.repeat(np.arange(len(y)), weight.astype(int))
    weighted = get(name).compute(y, prediction, cost=COST, weight=weight)
    repeated = get(name).compute(y[rows], prediction.take(rows), cost=COST)
    assert_allclose(weighted, repeated, rtol=1e-12)


def test_weighted_quantile_is_the_quantile_of_the_repeated_sample():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(20), rng.integers(0, 4, 20)
    repeated = np.repeat(x, w)
    assert_allclose(weighted_quantile(x, 0.5, w.astype(float)), np.median(repeated), rtol=1e-14)


def test_the_order_of_observations_does_not_matter():
    y, prediction, weight = of_classes(3)
    turned = np.random.default_rng(1).permutation(len(y))
    for name in ("macro_f1", "log_loss", "brier"):
        a = get(name).compute(y, prediction, weight=weight)
        b = get(name).compute(y[turned], prediction.take(turned), weight=weight[turned])
        assert_allclose(a, b, rtol=1e-12)


def test_auc_is_unchanged_by_any_rising_map_of_the_score():
    rng = np.random.default_rng(2)
    p, y = rng.uniform(size=50), rng.integers(0, 2, 50)
    values = [
        get("roc_auc").compute(y, Prediction(probabilities=np.c_[1 - q, q])) for q in (p, p**3)
    ]
    assert values[0] == values[1]


def test_a_perfect_prediction_reaches_the_good_end_of_every_range():
    y = np.array([0, 1, 0, 1])
    perfect = Prediction(decided=y, probabilities=np.eye(2)[y])
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "average_precision",
                 "sensitivity", "specificity"):  # fmt: skip
        assert get(name).compute(y, perfect) == get(name).high
    for name in ("log_loss", "brier"):
        assert get(name).compute(y, perfect) == get(name).low
    t = np.array([1.0, 2.0, 4.0])
    assert get("r2").compute(t, Prediction(values=t)) == 1
    assert get("rmse").compute(t, Prediction(values=t)) == 0


def test_log_loss_of_a_certain_error_is_large_and_finite():
    found = get("log_loss").compute([1], Prediction(probabilities=[[1.0, 0.0]]))
    assert_allclose(found, -np.log(np.finfo(float).eps))


def test_a_class_that_is_absent_is_left_out_of_the_means():
    # class 2 never occurs: recalls are 1 and 1/2; it was decided once, so its F1 of 0 counts
    y, decided = [0, 1, 1], [0, 1, 2]
    prediction = Prediction(decided=decided, probabilities=np.eye(4)[decided])
    assert get("balanced_accuracy").compute(y, prediction) == 0.75
    assert_allclose(get("macro_f1").compute(y, prediction), (1 + 2 / 3 + 0) / 3)


def test_what_is_not_defined_is_nan():
    one_class = Prediction(decided=[1, 0], probabilities=[[0.3, 0.7], [0.6, 0.4]])
    assert np.isnan(get("roc_auc").compute([1, 1], one_class))
    assert np.isnan(get("specificity").compute([1, 1], one_class))
    assert np.isnan(get("average_precision").compute([0, 0], one_class))
    assert np.isnan(get("r2").compute([2.0, 2.0], Prediction(values=[1.0, 2.0])))


def test_one_observation_is_enough():
    assert get("accuracy").compute([1], Prediction(decided=[1])) == 1.0
    assert get("mae").compute([1.0], Prediction(values=[3.0])) == 2.0


def test_confusion_agrees_with_scikit_learn_and_keeps_absent_classes():
    y, decided = [0, 1, 1, 3], [1, 1, 0, 3]
    assert_array_equal(
        confusion(y, decided, 5), metrics.confusion_matrix(y, decided, labels=range(5))
    )


def test_per_class_agrees_with_scikit_learn():
    y, prediction, _ = of_classes(3)
    found = per_class(y, prediction.decided, 3)
    precision, recall, f1, n = metrics.precision_recall_fscore_support(y, prediction.decided)
    assert_allclose(found.precision, precision)
    assert_allclose(found.recall, recall)
    assert_allclose(found.f1, f1)
    assert_array_equal(found.n, n)


def test_per_class_of_a_class_never_seen_nor_decided_is_nan():
    found = per_class([0, 0], [0, 1], 3)
    assert np.isnan(found.recall[1])
    assert found.precision[1] == 0
    assert np.isnan(found.f1[2])


def test_inputs_are_left_as_they_were():
    y, p = np.array([1, 0]), np.array([[0.2, 0.8], [0.7, 0.3]])
    before = p.copy()
    get("roc_auc").compute(y, Prediction(probabilities=p))
    assert_array_equal(p, before)
    assert_array_equal(y, [1, 0])


def test_each_kind_has_measures_and_each_definition_a_formula():
    for kind in ("binary", "multi-class", "regression"):
        assert measures_for(kind)
    for measure in MEASURES.values():
        assert ":" in measure.definition
        assert measure.definition.endswith(".")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: get("acuracy"), "did you mean 'accuracy'"),
        (lambda: measures_for("clustering"), "kind is 'clustering'"),
        (lambda: Prediction(), "one or more of"),
        (lambda: Prediction(decided=[0], values=[1.0, 2.0]), "lengths"),
        (lambda: Prediction(decided=["a", "b"]), "are these labels"),
        (lambda: Prediction(probabilities=[[0.9, 0.9]]), "are these scores"),
        (lambda: Prediction(probabilities=[0.9, 0.1]), "Give both"),
        (lambda: get("accuracy").compute([0, 1], Prediction(decided=[0])), "y has length 2"),
        (lambda: get("accuracy").compute([0], Prediction(values=[0.0])), "needs a decision"),
        (lambda: get("cost").compute([0, 1], Prediction(decided=[0, 1])), "cost has shape None"),
        (
            lambda: get("log_loss").compute([2], Prediction(probabilities=[[0.5, 0.5]])),
            "y holds class 2",
        ),
        (
            lambda: get("roc_auc").compute([0], Prediction(probabilities=[[0.5, 0.25, 0.25]])),
            "roc_auc got 3 classes",
        ),
        (
            lambda: get("mae").compute([0.0], Prediction(values=[0.0]), weight=[-1.0]),
            "none below zero",
        ),
        (lambda: confusion([0], [3], 2), "below n_classes"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
