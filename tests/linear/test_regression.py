"""Least squares against paper, orthogonality, statsmodels, and what rank deficiency leaves."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import linalg, stats

from ddasp._errors import InputError
from ddasp.linear.regression import LeastSquares, solve_normal_equations, solve_qr, solve_svd
from ddasp.linear.ridge import Ridge
from ddasp.linear.subspaces import left_null_space, null_space

from .matrices import exact_rank, floats, rounding

SOLVERS = [solve_normal_equations, solve_qr, solve_svd]
SAME = 1e-10  # what is promised against statsmodels


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3)) * [1, 10, 0.1] + [0, 100, -5]
    return X, X @ [1.0, 0.3, -2.0] + 7 + rng.normal(size=40)


@pytest.mark.parametrize("solve", SOLVERS)
def test_the_line_through_three_points_is_that_of_the_textbook(solve):
    # G. Strang: (0, 6), (1, 0), (2, 0): X^T X = [[3, 3], [3, 5]], X^T y = (6, 0), y = 5 - 3 t
    X = [[1, 0], [1, 1], [1, 2]]
    assert_allclose(solve(X, [6, 0, 0]), [5, -3], rtol=1e-12)
    both = solve(X, [[6, 1], [0, 1], [0, 1]])
    assert_allclose(both, [[5, 1], [-3, 0]], atol=1e-12)


@given(floats(), st.integers(0, 2**32 - 1))
def test_the_residual_is_orthogonal_to_the_column_space_and_theta_the_shortest(X, seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=len(X)) + (1j * rng.normal(size=len(X)) if np.iscomplexobj(X) else 0)
    size = (1 + np.abs(X).max()) * rounding(X)
    theta = solve_svd(X, y)
    residual = y - X @ theta
    assert_allclose(X.conj().T @ residual, 0, atol=10 * size)
    L = left_null_space(X)
    assert_allclose(L @ (L.conj().T @ y), residual, atol=10 * size)
    assert_allclose(null_space(X).conj().T @ theta, 0, atol=size * (1 + np.abs(theta).max()))
    if exact_rank(X) == X.shape[1]:
        for solve in (solve_qr, solve_normal_equations):
            # both solutions carry an error of eps kappa (QR) or eps kappa^2 (normal equations)
            power = 2 if solve is solve_normal_equations else 1
            tolerance = 1e-11 * np.linalg.cond(X) ** power * (1 + np.abs(theta).max())
            assert_allclose(solve(X, y), theta, atol=tolerance)


@pytest.mark.parametrize("solve", SOLVERS)
def test_complex_solutions_are_those_of_scipy(solve):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(9, 3)) + 1j * rng.normal(size=(9, 3))
    y = rng.normal(size=9) + 1j * rng.normal(size=9)
    assert_allclose(solve(X, y), linalg.lstsq(X, y)[0], rtol=1e-12)
    assert np.iscomplexobj(solve(X.real, y))  # a real X times a complex theta


def test_normal_equations_fail_where_qr_and_svd_still_solve():
    e = 1e-8  # Läuchli: X^T X = [[1 + e^2, 1], [1, 1 + e^2]] rounds to a matrix of ones
    X, y = np.array([[1, 1], [e, 0], [0, e]]), np.array([2, e, e])
    for solve in (solve_qr, solve_svd):
        assert_allclose(solve(X, y), [1, 1], rtol=1e-7)
    with pytest.raises(InputError, match=r"rounding of X\^H X, which squares the condition"):
        solve_normal_equations(X, y)


def test_dependent_columns_and_too_few_rows_are_refused_where_they_have_no_answer():
    for solve in (solve_normal_equations, solve_qr):
        with pytest.raises(InputError, match="columns of X depend on each other up to"):
            solve([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], [1.0, 2.0, 3.0])
        with pytest.raises(InputError, match="columns of X depend on each other up to"):
            solve(np.zeros((3, 1)), np.ones(3))
        with pytest.raises(InputError, match="X has 1 rows and 2 columns, which then depend"):
            solve([[1.0, 2.0]], [1.0])
        assert_allclose(solve([[1e-30], [1e-30]], [1.0, 3.0]), 2e30)  # small is not dependent
    rng = np.random.default_rng(0)
    for n_columns in (2, 3, 5, 20):  # real dependencies, hidden by rounding
        for _ in range(20):
            X = rng.normal(size=(60, n_columns)) + 3
            X[:, -1] = X[:, :-1] @ rng.normal(size=n_columns - 1)
            for solve in (solve_normal_equations, solve_qr):
                with pytest.raises(InputError, match="columns of X depend"):
                    solve(X, np.ones(60))
    assert_allclose(solve_svd([[1.0, 2.0], [2.0, 4.0]], [5.0, 10.0]), [1, 2], rtol=1e-12)
    with pytest.raises(InputError, match="y has length 1 and X 2 rows"):
        solve_svd(np.eye(2), [1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("solve", SOLVERS)
def test_solvers_keep_the_dtype_of_X(solve, dtype):
    X = np.array([[1, 0], [1, 1], [1, 2]], dtype)
    theta = solve(X, [6.0, 0.0, 0.0])
    assert theta.dtype == dtype
    assert_allclose(theta, [5, -3], rtol=1e-5)
    assert solve(X, np.ones(3) * 1j).dtype == np.result_type(dtype, np.complex64)


def test_statistics_of_a_line_worked_on_paper():
    # x = 0 1 2 3, y = 1 2 4 5: mean 1.5 and 3, Sxx = 5, Sxy = 7, slope 1.4, intercept 0.9;
    # residuals 0.1 -0.3 0.3 -0.1, their squares sum to 0.2, sigma^2 = 0.1; T = 10
    fit = LeastSquares().fit([[0], [1], [2], [3]], [1, 2, 4, 5])
    known = fit.statistics_
    assert_allclose(fit.residuals_, [0.1, -0.3, 0.3, -0.1], atol=1e-14)
    assert_allclose(known.parameters, [0.9, 1.4], rtol=1e-13)
    assert_allclose(known.residual_variance, 0.1, rtol=1e-12)
    assert_allclose(known.standard_errors, np.sqrt([0.1 * (1 / 4 + 2.25 / 5), 0.1 / 5]), rtol=1e-12)
    assert_allclose([known.r_squared, known.adjusted_r_squared], [0.98, 0.97], rtol=1e-12)
    assert_allclose(known.f_value, 9.8 / 0.1, rtol=1e-12)
    assert (known.n_observations, known.rank, known.residual_degrees_of_freedom) == (4, 2, 2)
    # t of 2 degrees of freedom at 97.5 %: 4.302653; at x = 1.5 the leverage is 1/4
    half = 4.302653 * np.sqrt(0.1 * np.array([1 / 4, 5 / 4]))
    assert_allclose(fit.mean_intervals([[1.5]]), [[3 - half[0], 3 + half[0]]], rtol=1e-6)
    assert_allclose(fit.prediction_intervals([[1.5]]), [[3 - half[1], 3 + half[1]]], rtol=1e-6)


@pytest.mark.parametrize("intercept", [True, False])
def test_every_number_is_that_of_statsmodels(data, intercept):
    X, y = data
    design = sm.add_constant(X) if intercept else X
    theirs, fit = sm.OLS(y, design).fit(), LeastSquares(intercept=intercept).fit(X, y)
    ours = fit.statistics_
    for mine, other in (
        (ours.parameters, theirs.params),
        (ours.standard_errors, theirs.bse),
        (ours.t_values, theirs.tvalues),
        (ours.p_values, theirs.pvalues),
        (ours.r_squared, theirs.rsquared),
        (ours.adjusted_r_squared, theirs.rsquared_adj),
        (ours.f_value, theirs.fvalue),
        (ours.f_p_value, theirs.f_pvalue),
        (ours.log_likelihood, theirs.llf),
        (ours.aic, theirs.aic),
        (ours.bic, theirs.bic),
        (ours.residual_variance, theirs.scale),
        (ours.residual_degrees_of_freedom, theirs.df_resid),
        (fit.residuals_, theirs.resid),
        (fit.confidence_intervals(), theirs.conf_int()),
        (fit.confidence_intervals(0.5), theirs.conf_int(0.5)),
    ):
        assert_allclose(mine, other, rtol=SAME, atol=1e-13 * np.abs(y).max())
    new = X[:5] + 1
    forecast = theirs.get_prediction(sm.add_constant(new, has_constant="add") if intercept else new)
    assert_allclose(fit.predict(new), forecast.predicted, rtol=SAME)
    assert_allclose(fit.mean_intervals(new, 0.9), forecast.conf_int(alpha=0.1), rtol=SAME)
    assert_allclose(
        fit.prediction_intervals(new, 0.9), forecast.conf_int(obs=True, alpha=0.1), rtol=SAME
    )


def test_a_column_of_ones_without_intercept_is_a_feature_like_any_other(data):
    X, y = data
    ones = np.column_stack([np.ones(len(X)), X])
    plain = LeastSquares(intercept=False).fit(ones, y).statistics_
    theirs = sm.OLS(y, ones, hasconst=False).fit()
    assert_allclose(plain.r_squared, 1 - np.sum(theirs.resid**2) / np.sum(y**2), rtol=SAME)
    assert_allclose(plain.parameters, LeastSquares().fit(X, y).statistics_.parameters, rtol=1e-8)


def test_intervals_hold_the_truth_as_often_as_they_promise():
    rng = np.random.default_rng(0)
    X, n_trials = rng.normal(size=(12, 2)), 1000
    held = np.zeros(3)
    for _ in range(n_trials):
        fit = LeastSquares().fit(X, X @ [1.0, -2.0] + 3 + rng.normal(size=12))
        low, high = fit.confidence_intervals(0.9).T
        held += (low < [3, 1, -2]) & (high > [3, 1, -2])
    # four standard deviations of a share of 0.9 in 1000 trials
    assert_allclose(held / n_trials, 0.9, atol=4 * np.sqrt(0.9 * 0.1 / n_trials))


def test_of_dependent_columns_what_the_data_determine_has_an_error_and_the_rest_has_none(data):
    X, y = data
    twice = np.column_stack([X, X[:, 0] + X[:, 1]])  # columns 0, 1, 3 dependent, column 2 free
    fit, full = LeastSquares().fit(twice, y), LeastSquares().fit(X, y)
    ours, theirs = fit.statistics_, full.statistics_
    assert np.isnan(ours.standard_errors).tolist() == [False, True, True, False, True]
    assert np.isnan(fit.confidence_intervals()[4]).all()
    for name in ("r_squared", "adjusted_r_squared", "f_value", "log_likelihood", "aic", "rank"):
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9)
    determined = [0, 3]
    assert_allclose(ours.standard_errors[determined], theirs.standard_errors[determined], rtol=1e-9)
    assert_allclose(ours.parameters[determined], theirs.parameters[determined], rtol=1e-8)
    assert_allclose(fit.prediction_intervals(twice), full.prediction_intervals(X), rtol=1e-9)
    off = twice[:1] + [0, 0, 0, 1]  # where the dependency does not hold
    assert np.isnan(fit.prediction_intervals(off)).all()
    assert_allclose(null_space(twice - twice.mean(axis=0)).T @ fit.coef_, 0, atol=1e-9)


@given(floats().filter(np.isrealobj), st.integers(0, 2**32 - 1))
def test_least_squares_is_the_limit_of_ridge_for_any_rank(X, seed):
    y = np.random.default_rng(seed).normal(size=len(X))
    fit, ridge = LeastSquares().fit(X, y), Ridge(0.0).fit(X, y)
    s = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)
    assert_allclose(fit.coef_, ridge.coef_, atol=1e-9)
    assert_allclose(fit.intercept_, ridge.intercept_, atol=1e-8)
    smallest = min(s[s > 1e-9], default=1.0)
    distances = [
        np.abs(Ridge(strength * smallest**2).fit(X, y).coef_ - fit.coef_).max()
        for strength in (1e-2, 1e-4, 1e-6)
    ]
    # 1 - f < lambda / s^2: the error falls in proportion to lambda
    assert distances[2] <= 2e-6 * (1 + np.abs(fit.coef_).max()) * np.sqrt(len(s))
    assert distances[2] <= distances[1] + 1e-9 <= distances[0] + 2e-9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_statistics_keep_the_dtype_and_know_its_rounding(dtype, data):
    X, y = data
    fit = LeastSquares().fit(X.astype(dtype), y)
    known = fit.statistics_
    for array in (fit.coef_, fit.residuals_, known.p_values, fit.predict(X.astype(dtype))):
        assert array.dtype == dtype
    assert fit.prediction_intervals(X.astype(dtype)).dtype == dtype


def test_kinks_constant_data_one_row_no_freedom_and_wide():
    constant = LeastSquares().fit(np.full((3, 2), 0.1), [1.0, 2.0, 3.0])  # 0.1 is no binary number
    assert_allclose(constant.coef_, 0)
    assert_allclose(constant.predict([[5.0, 5.0]]), 2)
    assert constant.statistics_.rank == 1
    assert np.isnan(constant.statistics_.f_value)
    assert np.isnan(constant.statistics_.standard_errors[1:]).all()
    assert_allclose(constant.statistics_.r_squared, 0, atol=1e-15)
    silent = LeastSquares().fit([[0.0], [1.0], [2.0]], [0.1, 0.1, 0.1]).statistics_
    assert silent.residual_variance == 0
    assert np.isnan(silent.r_squared)  # nothing to explain
    one = LeastSquares().fit([[2.0]], [3.0])
    assert_allclose(one.predict([[9.0]]), 3)
    assert np.isnan(one.confidence_intervals()).all()
    exact = LeastSquares().fit([[0.0], [1.0]], [0.3, 1.7])  # a line through two points
    assert np.isnan(exact.statistics_.residual_variance)
    assert np.isnan(exact.prediction_intervals([[0.5]])).all()
    assert_allclose(exact.coef_, [1.4])
    wide = LeastSquares().fit([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]], [1.0, 2.0])
    assert_allclose(wide.predict([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]), [1, 2], rtol=1e-12)
    zero = LeastSquares(intercept=False).fit(np.zeros((3, 1)), [1.0, 2.0, 3.0])
    assert_allclose(zero.coef_, 0)
    assert zero.statistics_.rank == 0


def test_p_values_of_noise_are_spread_evenly():
    rng = np.random.default_rng(3)
    p = [
        LeastSquares().fit(X, rng.normal(size=10)).statistics_.f_p_value
        for X in rng.normal(size=(500, 10, 2))
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_unusable_input_is_named(data):
    X, y = data
    with pytest.raises(InputError, match="y has length 39 and X 40 rows"):
        LeastSquares().fit(X, y[1:])
    with pytest.raises(InputError, match="y is complex; expected real"):
        LeastSquares().fit(X, y * 1j)
    with pytest.raises(InputError, match="y contains NaN"):
        LeastSquares().fit(X, y * np.nan)
    with pytest.raises(InputError, match=r"y has shape \(40, 2\); expected \(n_values,\)"):
        LeastSquares().fit(X, np.column_stack([y, y]))
    with pytest.raises(InputError, match=r"X has shape \(0, 3\).*select nothing"):
        LeastSquares().fit(X[:0], y[:0])
    fit = LeastSquares().fit(X, y)
    with pytest.raises(InputError, match="X has 2 columns; expected 3 as in fit"):
        fit.predict(X[:, :2])
    with pytest.raises(InputError, match=r"level is 95; expected 0 to 1 - a level of 95 % is 0.95"):
        fit.confidence_intervals(95)


def test_certified_values_of_the_longley_data_of_NIST_are_met():
    # NIST Statistical Reference Datasets, "Longley", certified to 15 digits. With the column of ones
    # the condition number is 5e9; centring takes most of that out (measured: 1e-14)
    longley = sm.datasets.longley.load_pandas()
    known = LeastSquares().fit(longley.exog.to_numpy(), longley.endog.to_numpy()).statistics_
    certified = [
        (-3482258.63459582, 890420.383607373),
        (15.0618722713733, 84.9149257747669),
        (-0.358191792925910e-01, 0.334910077722432e-01),
        (-2.02022980381683, 0.488399681651699),
        (-1.03322686717359, 0.214274163161675),
        (-0.511041056535807e-01, 0.226073200069370),
        (1829.15146461355, 455.478499142212),
    ]
    assert_allclose(
        np.column_stack([known.parameters, known.standard_errors]), certified, rtol=1e-9
    )
    assert_allclose(np.sqrt(known.residual_variance), 304.854073561965, rtol=1e-10)
    assert_allclose(
        [known.r_squared, known.f_value], [0.995479004577296, 330.285339234588], rtol=1e-9
    )
