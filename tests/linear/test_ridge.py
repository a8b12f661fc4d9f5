"""Ridge regression against least squares, its normal equations and scikit-learn."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge as Oracle

from ddasp._errors import InputError
from ddasp.linear.ridge import Ridge, filter_factors


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 5)) + 3
    return X, X @ np.arange(5.0) + 7 + 0.1 * rng.normal(size=30)


def test_ridge_without_regularisation_is_least_squares(data):
    X, y = data
    A = np.column_stack([np.ones(len(X)), X])
    theta = np.linalg.lstsq(A, y)[0]
    ridge = Ridge(0.0).fit(X, y)
    assert_allclose(np.r_[ridge.intercept_, ridge.coef_], theta, rtol=1e-10)


@pytest.mark.parametrize("regularisation", [1e-3, 1.0, 100.0])
def test_ridge_equals_scikit_learn(data, regularisation):
    X, y = data
    ours, theirs = Ridge(regularisation).fit(X, y), Oracle(regularisation).fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)


def test_the_intercept_is_not_penalised(data):
    X, y = data
    assert_allclose(Ridge(1e12).fit(X, y).predict(X), y.mean(), rtol=1e-8)
    assert_allclose(Ridge(5.0).fit(X, y + 1000).coef_, Ridge(5.0).fit(X, y).coef_, rtol=1e-9)


def test_gradient_of_the_penalised_error_vanishes_for_more_features_than_observations():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(6, 20)), rng.normal(size=(6, 2))
    ridge = Ridge(0.5).fit(X, y)
    residual = y - ridge.predict(X)
    Xc = X - X.mean(axis=0)
    assert_allclose(Xc.T @ residual, 0.5 * ridge.coef_, atol=1e-12)
    assert_allclose(residual.sum(axis=0), 0, atol=1e-12)


def test_filter_factors_fall_from_one_to_zero_and_sum_to_the_effective_number_of_parameters(data):
    X, y = data
    f = Ridge(10.0).fit(X, y).filter_factors_
    assert np.all(np.diff(f) <= 0)
    assert np.all((f > 0) & (f < 1))
    Xc = X - X.mean(axis=0)
    hat = Xc @ np.linalg.solve(Xc.T @ Xc + 10 * np.eye(5), Xc.T)
    assert_allclose(f.sum(), np.trace(hat), rtol=1e-10)
    assert_allclose(filter_factors([2.0, 0.0], 0.0), [1.0, 0.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ridge_keeps_the_dtype_and_survives_constant_input_and_one_observation(dtype):
    zero = Ridge().fit(np.zeros((4, 3), dtype), np.arange(4))
    assert zero.coef_.dtype == dtype
    assert zero.predict(np.ones((2, 3), dtype)).dtype == dtype
    assert_allclose(zero.predict(np.ones((2, 3), dtype)), 1.5)
    assert_allclose(Ridge().fit(np.ones((1, 2), dtype), [3.0]).predict(np.zeros((1, 2), dtype)), 3)


def test_lengths_that_differ_and_negative_regularisation_are_named():
    with pytest.raises(InputError, match="y has length 2 and X 3 rows"):
        Ridge().fit(np.ones((3, 1)), [1.0, 2.0])
    with pytest.raises(InputError, match="regularisation is -1"):
        Ridge(-1.0).fit(np.ones((3, 1)), np.ones(3))
    with pytest.raises(InputError, match="X has 2 columns; expected 1"):
        Ridge().fit(np.ones((3, 1)), np.ones(3)).predict(np.ones((1, 2)))


def test_constant_columns_have_no_part_even_without_regularisation():
    X = np.column_stack([np.full(3, 0.1), [0.0, 1.0, 2.0]])  # the mean of three 0.1 is not 0.1
    ridge = Ridge(0.0).fit(X, [1.0, 3.0, 5.0])
    assert_allclose(ridge.coef_, [0, 2], atol=1e-13)
    # neither is the sum of these deviations 0: rounding over rounding would be a slope of 3.7
    alone = Ridge(0.0).fit(X[:, :1], [0.1, 0.3, 0.7])
    assert_allclose(alone.coef_, 0)
    assert_allclose(alone.predict([[7.0]]), 1.1 / 3, rtol=1e-14)


def test_targets_that_are_not_finite_are_named():
    with pytest.raises(InputError, match="y contains NaN or infinity"):
        Ridge().fit(np.ones((2, 1)), [1.0, np.nan])
