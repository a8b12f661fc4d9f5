"""Path, L-curve and cross-validation against Ridge, exact derivatives, and refitting without a row."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import linalg

from ddasp._errors import InputError
from ddasp.linear.regression import LeastSquares
from ddasp.linear.regularisation import (
    effective_degrees_of_freedom,
    generalised_cross_validation,
    l_curve,
    ridge_path,
)
from ddasp.linear.ridge import Ridge

from .matrices import integers

LAMBDAS = np.geomspace(1e-4, 1e4, 9)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 5)) * [1, 2, 0.1, 5, 0.01] + 3
    return X, X @ np.arange(5.0) + 7 + 0.3 * rng.normal(size=30)


@pytest.fixture
def blurred():
    """A pulse seen through a Gaussian blur, with little noise: singular values down to 1e-17."""
    t = np.linspace(0, 1, 60)
    X = np.exp(-((t[:, np.newaxis] - t) ** 2) / (2 * 0.05**2)) / 8
    truth = np.exp(-((t - 0.4) ** 2) / 0.005) - 0.6 * np.exp(-((t - 0.7) ** 2) / 0.01)
    return X, truth, X @ truth + 1e-3 * np.random.default_rng(0).normal(size=60)


def test_one_feature_worked_on_paper():
    # x = -1 0 1, y = 0 1 3: s^2 = 2, b = 3 / sqrt 2, T = 14/3, so ||y - U U^T y||^2 = 1/6.
    # lambda = 2: f = 1/2, eta = 9/16, rho = 9/8 + 1/6, df = 3/2, G = 3 rho / (3/2)^2
    X, y = [[-1.0], [0.0], [1.0]], [0.0, 1.0, 3.0]
    curve = l_curve(X, y, regularisations=[2.0])
    rho = 9 / 8 + 1 / 6
    assert_allclose(curve.solution_norms, [3 / 4], rtol=1e-13)
    assert_allclose(curve.residual_norms, [np.sqrt(rho)], rtol=1e-13)
    # eta' = -(2/2) (1/2)^2 (1/2) (9/2) / 2 = -9/32
    eta, slope = 9 / 16, -9 / 32
    turn = eta * rho + 2 * slope * rho + 4 * slope * eta
    kappa = 2 * eta * rho / -slope * turn / (rho**2 + 4 * eta**2) ** 1.5
    assert_allclose(curve.curvature, [kappa], rtol=1e-12)
    assert_allclose(
        generalised_cross_validation(X, y, regularisations=[2.0]).values, [4 * rho / 3], rtol=1e-13
    )
    path = ridge_path(X, y, [2.0])
    assert_allclose([path.coef[0, 0], path.intercepts[0]], [0.75, 4 / 3], rtol=1e-13)
    assert_allclose(path.degrees_of_freedom, [1.5], rtol=1e-13)


def test_the_path_is_ridge_at_every_lambda_and_least_squares_at_zero(data):
    X, y = data
    path = ridge_path(X, y, [*LAMBDAS, 0.0])
    for i, strength in enumerate(path.regularisations):
        ridge = Ridge(strength).fit(X, y)
        assert_allclose(path.coef[i], ridge.coef_, rtol=1e-9)
        assert_allclose(path.intercepts[i], ridge.intercept_, rtol=1e-9)
        assert_allclose(path.filter_factors[i], ridge.filter_factors_, rtol=1e-9)
    assert_allclose(path.coef[-1], LeastSquares().fit(X, y).coef_, rtol=1e-9)
    assert_allclose(path.degrees_of_freedom[-1], 6)


def test_effective_degrees_of_freedom_are_the_trace_of_the_hat_matrix(data):
    X, _ = data
    Xc = X - X.mean(axis=0)
    s = np.linalg.svd(Xc, compute_uv=False)
    for strength in LAMBDAS:
        hat = Xc @ np.linalg.solve(Xc.T @ Xc + strength * np.eye(5), Xc.T)
        assert_allclose(effective_degrees_of_freedom(s, strength), np.trace(hat), rtol=1e-9)
    assert effective_degrees_of_freedom(s, 0) == 5
    assert effective_degrees_of_freedom([2.0, 0.0], 0) == 1  # the rank, not the number of columns


def test_norms_of_the_l_curve_are_those_of_ridge(data):
    X, y = data
    curve = l_curve(X, y, regularisations=LAMBDAS[::-1])
    assert_allclose(curve.regularisations, LAMBDAS)  # ascending
    for i, strength in enumerate(LAMBDAS):
        ridge = Ridge(strength).fit(X, y)
        assert_allclose(curve.solution_norms[i], np.linalg.norm(ridge.coef_), rtol=1e-9)
        assert_allclose(curve.residual_norms[i], np.linalg.norm(y - ridge.predict(X)), rtol=1e-9)


@given(integers(), st.integers(0, 2**32 - 1), st.floats(-3, 3))
def test_curvature_is_that_of_the_curve_differentiated_with_fifty_digits(X, seed, exponent):
    y = np.random.default_rng(seed).normal(size=len(X))
    Xc, strength = X - X.mean(axis=0), 10.0**exponent
    if np.linalg.matrix_rank(Xc) == 0:
        return
    with mpmath.workdps(50):
        A, Y = mpmath.matrix(Xc.tolist()), mpmath.matrix((y - y.mean()).tolist())

        def norms(strength):
            theta = mpmath.lu_solve(A.T * A + strength * mpmath.eye(A.cols), A.T * Y)
            return mpmath.log(mpmath.norm(Y - A * theta)), mpmath.log(mpmath.norm(theta))

        (x1, x2), (y1, y2) = (
            [mpmath.diff(lambda t, i=i: norms(t)[i], strength, n) for n in (1, 2)] for i in (0, 1)
        )
        kappa = float((x1 * y2 - x2 * y1) / (x1**2 + y1**2) ** 1.5)
    ours = l_curve(X, y, regularisations=[strength]).curvature[0]
    # y and the SVD carry 1e-16; small curvatures are differences of terms near 1
    assert_allclose(ours, kappa, rtol=1e-7, atol=1e-9)


def test_the_corner_is_where_no_finer_grid_finds_more_curvature(blurred):
    X, _, y = blurred
    curve = l_curve(X, y)
    near = l_curve(X, y, regularisations=curve.corner * np.geomspace(0.5, 2, 4001))
    assert not curve.at_edge
    best = near.regularisations[np.argmax(near.curvature)]
    assert_allclose(best, curve.corner, rtol=1e-3)  # steps of 3.5e-4
    assert near.curvature.max() >= curve.curvature.max()


def test_corner_and_cross_validation_find_the_pulse_that_least_squares_loses(blurred):
    X, truth, y = blurred
    strengths = [l_curve(X, y).corner, generalised_cross_validation(X, y).minimiser]
    path = ridge_path(X, y, [*np.geomspace(1e-12, 1, 100), *strengths])
    errors = np.linalg.norm(path.coef - truth, axis=1) / np.linalg.norm(truth)
    assert np.linalg.norm(LeastSquares().fit(X, y).coef_ - truth) > 100 * np.linalg.norm(truth)
    assert errors[0] > 100  # nearly no regularisation: noise
    # the corner leaves somewhat more noise than the best lambda would, cross-validation little
    assert errors[-2] < 5 * errors.min()
    assert errors[-1] < 1.5 * errors.min()


def test_choices_follow_the_units_of_the_data(blurred):
    X, _, y = blurred
    for choose, name in ((l_curve, "corner"), (generalised_cross_validation, "minimiser")):
        plain = getattr(choose(X, y), name)
        # rounding moves the smallest singular values, hence the grid; the optimum is flat
        assert_allclose(getattr(choose(X, 1000 * y + 5), name), plain, rtol=1e-3)
        assert_allclose(getattr(choose(100 * X - 3, y), name), 1e4 * plain, rtol=1e-3)


def test_cross_validation_equals_leaving_one_out_where_all_leverages_are_equal():
    rng = np.random.default_rng(0)
    X, y = linalg.circulant(rng.normal(size=8)), rng.normal(size=8)
    for strength in (0.1, 1.0, 10.0):
        left_out = [
            y[i] - Ridge(strength).fit(np.delete(X, i, 0), np.delete(y, i)).predict(X[i : i + 1])[0]
            for i in range(8)
        ]
        G = generalised_cross_validation(X, y, regularisations=[strength]).values[0]
        assert_allclose(G, np.mean(np.square(left_out)), rtol=1e-9)


def test_the_minimiser_is_below_every_value_and_edges_are_told(data):
    X, y = data
    chosen = generalised_cross_validation(X, y)
    at = generalised_cross_validation(X, y, regularisations=[chosen.minimiser])
    assert at.values[0] <= chosen.values.min() * (1 + 1e-12)
    assert not chosen.at_edge
    low = generalised_cross_validation(X, y, regularisations=chosen.minimiser * np.array([2, 3, 4]))
    assert low.at_edge
    assert low.minimiser == low.regularisations[0]
    assert l_curve(X, y, regularisations=[1e-3, 2e-3]).at_edge


def test_noise_alone_asks_for_all_the_regularisation_there_is():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(200, 3)), rng.normal(size=200)
    y -= X @ np.linalg.lstsq(X - X.mean(axis=0), y - y.mean())[0]  # nothing left but rounding
    y += 1e-3 * X[:, 0]
    chosen = generalised_cross_validation(X, y)
    assert chosen.at_edge
    assert chosen.minimiser == chosen.regularisations[-1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kinks_wide_one_feature_constant_columns_and_single_precision(dtype):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 20)).astype(dtype) + 100, rng.normal(size=6)
    path = ridge_path(X, y, [0.0, 1.0])
    assert path.coef.dtype == path.intercepts.dtype == dtype
    assert path.filter_factors.shape == (2, 5)  # six centred rows span five directions
    assert_allclose(path.coef[0] @ X.T + path.intercepts[0], y, atol=1e-3)
    for curve in (l_curve(X, y), generalised_cross_validation(X, y)):
        assert all(np.isfinite(part).all() for part in vars(curve).values())
    one = np.column_stack([np.full(4, 0.1, dtype), [1, 2, 3, 5]]).astype(dtype)
    assert np.isfinite(l_curve(one, [1.0, 0.0, 2.0, 1.0]).curvature).all()
    assert_allclose(ridge_path(one, [1.0, 0.0, 2.0, 1.0], [0.0]).coef[0, 0], 0)
    flat = ridge_path(np.zeros((3, 2), dtype), [1.0, 2.0, 3.0], [1.0])
    assert_allclose(flat.coef, 0)
    assert_allclose(flat.intercepts, 2)
    assert_allclose(ridge_path(np.ones((1, 1), dtype), [4.0], [0.0, 1.0]).intercepts, 4)


def test_unusable_input_is_named(data):
    X, y = data
    for choose in (l_curve, generalised_cross_validation):
        with pytest.raises(InputError, match=r"X explains nothing of y.*constant"):
            choose(X, np.full(30, 0.1))
        with pytest.raises(InputError, match="X explains nothing of y"):
            choose(np.full((30, 2), 0.1), y)
        with pytest.raises(InputError, match="expected numbers above 0"):
            choose(X, y, regularisations=[0.0, 1.0])
    with pytest.raises(InputError, match="expected numbers from 0"):
        ridge_path(X, y, [-1.0])
    with pytest.raises(InputError, match=r"regularisations holds .*nan"):
        ridge_path(X, y, [np.nan])
    with pytest.raises(InputError, match=r"regularisations has shape \(0,\)"):
        ridge_path(X, y, [])
    with pytest.raises(InputError, match="y has length 29 and X 30 rows"):
        ridge_path(X, y[1:], [1.0])
