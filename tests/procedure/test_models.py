"""Each model against an independent oracle, and the frame around all of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.kernel_ridge import KernelRidge as Oracle
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from ddasp._errors import InputError
from ddasp.procedure import models
from ddasp.procedure.models.baselines import _best_intervals
from ddasp.procedure.models.frame import log_shares
from ddasp.procedure.models.kernels import squared_distances


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=120)
    X = rng.normal(size=(120, 6)).astype(np.float32)
    X[:, 2] += y
    X[:, 4] -= y % 2
    return X * 5 + 40, y


def test_standardised_columns_have_mean_0_and_deviation_1_and_constant_ones_vanish():
    X = np.random.default_rng(0).normal(1e4, 3, size=(50, 3)).astype(np.float32)
    X[:, 1] = 0.1
    standardiser = models.Standardiser.fit(X)
    Z = standardiser.apply(X)
    assert Z.dtype == np.float32
    assert_allclose(Z.mean(axis=0), 0, atol=1e-6)
    assert_allclose(Z.std(axis=0), [1, 0, 1], atol=1e-6)
    assert_array_equal(standardiser.apply(X + 1)[:, 1], 0)


def test_log_shares_are_those_of_the_counts_and_one_observation_more():
    assert_allclose(np.exp(log_shares(np.array([3.0, 0.0]))), [3.5 / 4, 0.5 / 4])
    assert_allclose(np.exp(log_shares(np.array([[1e9, 1e9], [0, 0]]))), 0.5)


def test_majority_knows_the_shares_and_the_mean(table):
    X, y = table
    shares = np.exp(models.Majority().fit(X, y).scores(X[:1]))[0]
    assert_allclose(shares.sum(), 1)
    assert_allclose(shares, (np.bincount(y) + 0.25) / 121)
    assert_allclose(models.Majority("regression").fit(X, y).predict(X[:2]), y.mean())


def test_rule_on_one_feature_is_as_good_as_the_best_tree_of_as_many_leaves(table):
    X, y = table
    rule = models.Rule(n_levels=200).fit(X, y)
    assert rule.feature == 2
    assert len(rule.thresholds) == 3
    cost = -np.mean(rule.scores(X)[np.arange(len(y)), y])
    for column in X.T:
        tree = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=4)
        leaves = tree.fit(column[:, None], y).apply(column[:, None])
        counts = np.array([np.bincount(y[leaves == leaf], minlength=4) for leaf in leaves])
        assert cost <= -np.mean(log_shares(counts.astype(float))[np.arange(len(y)), y]) + 1e-12


def test_best_intervals_equal_those_of_trying_all():
    counts = np.random.default_rng(1).integers(0, 6, size=(6, 3)).astype(float)
    cost, borders = _best_intervals(counts, 3)
    every = {}
    for a in range(5):
        for b in range(a + 1, 5):
            parts = np.array([p.sum(axis=0) for p in np.split(counts, [a + 1, b + 1])])
            every[a, b] = -(parts * log_shares(parts)).sum()
    assert_allclose(cost, min(every.values()))
    assert_allclose(every[tuple(borders)], cost)


def test_rule_of_a_regression_is_the_line_through_the_best_feature(table):
    X, _ = table
    v = 3 * X[:, 5].astype(float) - 7
    rule = models.Rule("regression").fit(X, v)
    assert rule.feature == 5
    assert_allclose(rule.predict(X), v, rtol=1e-6)


def test_squared_distances_are_the_sums_of_squares(table):
    X = table[0].astype(float)
    expected = ((X[:5, None] - X[None]) ** 2).sum(axis=2)
    assert_allclose(squared_distances(X[:5], X), expected, atol=1e-8)


def kernel(model, X, gamma):
    Z = model.standardiser.apply(X).astype(float)
    return rbf_kernel(Z, gamma=gamma / np.mean((Z**2).sum(axis=1)))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_scores_of_support_vectors_are_margins_of_each_class_against_the_rest(table, n_classes):
    X, y = table
    y = y % n_classes
    model = models.SupportVectors(C=3.0, gamma=0.7).fit(X, y)
    K = kernel(model, X, 0.7)
    for k in range(n_classes):
        oracle = SVC(C=3.0, kernel="precomputed").fit(K, y == k)
        assert_allclose(model.scores(X)[:, k], oracle.decision_function(K), atol=2e-3)  # its tol


@pytest.mark.parametrize("n_classes", [2, 4])
def test_scores_of_kernel_ridge_solve_its_linear_system(table, n_classes):
    X, y = table
    y = y % n_classes
    T = np.where(y[:, None] == np.arange(n_classes), 1, -1 / (n_classes - 1))
    model = models.KernelRidge(regularisation=0.3, gamma=0.7).fit(X, y)
    K = kernel(model, X, 0.7)
    B = np.linalg.solve(K + 0.3 * np.eye(len(X)), T - T.mean(axis=0))
    # the kernel of the training data comes from products in float32
    assert_allclose(model.scores(X), T.mean(axis=0) + K @ B, atol=1e-5)


def test_kernel_regressions_equal_scikit_learn(table):
    X, y = table
    v = X[:, 0] * 10.0 + y
    target = (v - v.mean()) / v.std()
    support = models.SupportVectors("regression", C=2.0).fit(X, v)
    K = kernel(support, X, 1.0)
    expected = SVR(C=2.0, kernel="precomputed").fit(K, target).predict(K)
    assert_allclose(support.predict(X), expected * v.std() + v.mean(), atol=2e-3 * v.std())
    ridge = models.KernelRidge("regression", regularisation=0.5).fit(X, v)
    expected = Oracle(alpha=0.5, kernel="precomputed").fit(K, target).predict(K)
    assert_allclose(ridge.predict(X), expected * v.std() + v.mean(), rtol=1e-5)


def test_kernels_of_duplicates_stay_finite():
    X = np.repeat(np.random.default_rng(0).normal(size=(5, 3)), 8, axis=0)
    for model in (models.SupportVectors(C=100.0), models.KernelRidge(regularisation=0.01)):
        assert np.isfinite(model.fit(X, np.arange(40) % 2).scores(X)).all()


def test_nearest_neighbour_is_found_and_scores_have_no_jump(table):
    X, y = table
    model = models.Neighbours(n_neighbours=1).fit(X, y)
    assert_array_equal(model.predict(X), y)
    # along a straight line through the data, no step may be larger than its share
    line = X[0] + np.linspace(0, 1, 4001)[:, None] * (X[1] - X[0])
    shares = np.exp(models.Neighbours(n_neighbours=5).fit(X, y).scores(line))
    assert np.abs(np.diff(shares, axis=0)).max() < 0.005


def test_forest_of_one_class_and_tree_of_one_observation_are_constant():
    for model in (models.Forest(n_trees=3), models.Tree()):
        assert_allclose(model.fit([[1.0]], [0], n_classes=1).scores([[3.0]]), 0)


def test_tree_shares_are_the_smoothed_counts_of_its_leaves():
    X = np.array([[0], [0], [0], [1]], dtype=np.float32)
    tree = models.Tree(min_leaf=1).fit(X, [0, 0, 0, 1])
    assert_allclose(np.exp(tree.scores(X[[0, 3]])), [[3.5 / 4, 0.5 / 4], [0.5 / 2, 1.5 / 2]])
    assert tree.n_parameters == 2 + 2 * 2


def test_an_absent_class_gets_the_score_of_the_unseen(table):
    X, y = table
    present = np.isin(y, [0, 3])
    model = models.Linear().fit(X[present], y[present], n_classes=5)
    scores = model.scores(X)
    assert scores.shape == (120, 5)
    assert_allclose(scores[:, [1, 2, 4]], -np.log(present.sum() + 5))
    assert set(model.predict(X)) <= {0, 3}


def test_what_does_not_fit_together_is_named(table):
    X, y = table
    with pytest.raises(InputError, match="integer codes 0 to 2"):
        models.Linear().fit(X, y, n_classes=3)
    with pytest.raises(InputError, match=r"y has shape \(119,\)"):
        models.Linear().fit(X, y[:-1])
    with pytest.raises(InputError, match="X has 5 columns; expected 6"):
        models.Linear().fit(X, y).scores(X[:, :5])
    with pytest.raises(InputError, match="y contains NaN"):
        models.Linear("regression").fit(X, np.where(y == 0, np.nan, 1.0))
