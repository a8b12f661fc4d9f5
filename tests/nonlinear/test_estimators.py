"""The scikit-learn faces: its own checks, its own solvers as oracle, and determinism."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression as Oracle
from sklearn.utils.estimator_checks import parametrize_with_checks

from ddasp._errors import DependencyError, InputError
from ddasp.nonlinear.estimators import (
    CNNClassifier,
    LogisticRegression,
    MLPClassifier,
    MLPRegressor,
)


@parametrize_with_checks(
    [
        LogisticRegression(),
        MLPClassifier((16,), n_epochs=60, learning_rate=0.01, random_state=0),
        MLPRegressor((16,), n_epochs=60, learning_rate=0.02, random_state=0),
    ]
)
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


@pytest.fixture
def blobs():
    return make_blobs(90, 5, centers=3, cluster_std=4.0, random_state=0)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_logistic_regression_equals_scikit_learn(blobs, C):
    X, y = blobs
    X = X / X.std(axis=0)
    ours = LogisticRegression(C, tol=1e-8, max_iter=5000).fit(X, y)
    theirs = Oracle(C=C, tol=1e-10, max_iter=5000).fit(X, y)
    # both stop where the gradient is small, not at the optimum itself
    assert_allclose(ours.coef_.T, theirs.coef_, atol=2e-4 * np.abs(theirs.coef_).max())
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-4)


def test_a_strong_penalty_leaves_the_shares_of_the_classes(blobs):
    X, y = blobs
    rows = np.r_[np.flatnonzero(y == 0)[:5], np.flatnonzero(y == 1)[:20]]
    p = LogisticRegression(1e-9, tol=1e-9).fit(X[rows], y[rows]).predict_proba(X[:1])
    assert_allclose(p, [[0.2, 0.8]], atol=1e-4)


def test_float32_reaches_the_optimum_of_float64(blobs):
    X, y = blobs
    X = X / X.std(axis=0)
    single = LogisticRegression(0.1).fit(X.astype(np.float32), y)
    assert single.coef_.dtype == np.float32
    double = LogisticRegression(0.1, tol=1e-9).fit(X, y)
    # a gradient of at most tol = 1e-4 leaves this much
    assert_allclose(single.predict_proba(X), double.predict_proba(X), atol=5e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_seeds_give_equal_networks_and_others_differ(blobs, dtype):
    X, y = blobs
    X = X.astype(dtype)
    mlp = MLPClassifier((8,), n_epochs=3, noise=0.1, dropout=0.2, random_state=1)
    first, second = clone(mlp).fit(X, y).logits(X), clone(mlp).fit(X, y).logits(X)
    assert first.dtype == dtype
    assert_array_equal(first, second)
    other = clone(mlp).set_params(random_state=2).fit(X, y).logits(X)
    assert not np.array_equal(first, other)


def test_probabilities_are_the_softmax_of_the_logits_and_labels_come_back(blobs):
    X, y = blobs
    names = np.array(["äh", "b", "c"])[y]
    model = LogisticRegression().fit(X, names)
    assert_array_equal(model.classes_, ["b", "c", "äh"])
    z = model.logits(X)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(X), p, rtol=1e-10)
    assert_array_equal(model.predict(X), model.classes_[z.argmax(axis=1)])


def test_regressor_follows_a_curve_that_no_line_follows():
    X = np.linspace(-1, 1, 101)[:, np.newaxis]
    y = X[:, 0] ** 2
    mlp = MLPRegressor((16,), learning_rate=0.02, n_epochs=200, random_state=0).fit(X, y)
    assert mlp.score(X, y) > 0.98


def test_a_penalty_of_the_wrong_sign_is_named(blobs):
    with pytest.raises(InputError, match="C is -1"):
        LogisticRegression(-1.0).fit(*blobs)


def test_missing_torch_is_named_with_the_command_that_mends_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "ddasp.nonlinear.cnn_torch", raising=False)
    with pytest.raises(DependencyError, match=r'pip install "ddasp\[torch\]"'):
        CNNClassifier((2, 2)).fit(np.zeros((4, 4)), [0, 0, 1, 1])
