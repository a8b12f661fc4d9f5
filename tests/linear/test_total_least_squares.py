"""Total least squares against perpendicular distances, PCA, and cases without a solution."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import linalg, optimize

from ddasp._errors import InputError
from ddasp.linear.pca import PCA
from ddasp.linear.regression import solve_svd
from ddasp.linear.total_least_squares import total_least_squares


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    Y = X @ rng.normal(size=(3, 2))
    return X + 0.1 * rng.normal(size=X.shape), Y + 0.1 * rng.normal(size=Y.shape)


def test_a_line_through_four_points_worked_on_paper():
    # (1, 2), (2, 1) and their negatives: Z^T Z = [[10, 8], [8, 10]], eigenvectors (1, 1), (1, -1),
    # so the line is y = x, at the squared distance 2; least squares has the slope 8 / 10
    x, y = np.array([[1.0], [2.0], [-1.0], [-2.0]]), [2.0, 1.0, -2.0, -1.0]
    line = total_least_squares(x, y)
    assert_allclose(line.theta, [1], rtol=1e-12)
    assert_allclose(line.distance, np.sqrt(2), rtol=1e-12)
    assert_allclose(line.X_corrected[:, 0], [1.5, 1.5, -1.5, -1.5], rtol=1e-12)
    assert_allclose(line.y_corrected, line.X_corrected[:, 0], rtol=1e-12)
    assert_allclose(solve_svd(x, y), [0.8], rtol=1e-12)


def test_the_corrected_data_are_solved_and_no_nearer_ones_are(data):
    X, Y = data
    fit = total_least_squares(X, Y)
    assert_allclose(fit.X_corrected @ fit.theta, fit.y_corrected, atol=1e-12)
    change = np.column_stack([fit.X_corrected - X, fit.y_corrected - Y])
    assert_allclose(np.linalg.norm(change), fit.distance, rtol=1e-12)

    def distance(theta):  # of each observation to the plane, by the formula for any theta
        B = np.vstack([theta.reshape(3, 2), -np.eye(2)])
        Q = np.linalg.qr(B)[0]
        return np.linalg.norm(np.column_stack([X, Y]) @ Q)

    assert_allclose(distance(fit.theta), fit.distance, rtol=1e-12)
    found = optimize.minimize(lambda t: distance(t) ** 2, np.zeros(6), tol=1e-12)
    assert_allclose(found.x.reshape(3, 2), fit.theta, atol=1e-5)


def test_one_target_has_the_closed_form_with_the_smallest_eigenvalue_taken_from_the_diagonal(data):
    X, y = data[0], data[1][:, 0]
    Z = np.column_stack([X, y])
    smallest = linalg.eigvalsh(Z.T @ Z)[0]  # (X^T X - s^2 I) theta = X^T y, Golub and Van Loan
    closed = np.linalg.solve(X.T @ X - smallest * np.eye(3), X.T @ y)
    assert_allclose(total_least_squares(X, y).theta, closed, rtol=1e-9)


def test_the_line_is_the_first_principal_component_of_centred_data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=30)
    Z = np.column_stack([x, 2 * x]) + 0.2 * rng.normal(size=(30, 2))
    Z -= Z.mean(axis=0)
    direction = PCA(1).fit(Z).components_[0]
    assert_allclose(total_least_squares(Z[:, :1], Z[:, 1]).theta, direction[1] / direction[0])


def test_exact_data_have_their_exact_solution_in_any_number_of_rows_from_square_on():
    rng = np.random.default_rng(2)
    theta = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    for n in (3, 4, 5, 9):
        X = rng.normal(size=(n, 3)) + 1j * rng.normal(size=(n, 3))
        fit = total_least_squares(X, X @ theta)
        assert_allclose(fit.theta, theta, rtol=1e-9)
        assert fit.distance < 1e-12


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_dtype_in_is_dtype_out(dtype):
    fit = total_least_squares(np.array([[1], [2], [3]], dtype), np.array([1.0, 2.0, 2.0]))
    assert fit.theta.dtype == fit.X_corrected.dtype == fit.y_corrected.dtype == dtype
    assert fit.theta.shape == (1,)


def test_problems_without_one_solution_are_refused():
    with pytest.raises(InputError, match="no solution: the smallest change makes X lose rank"):
        total_least_squares([[1.0], [0.0]], [0.0, 2.0])  # upright: y has nothing of x
    with pytest.raises(InputError, match=r"are equal.*more than one solution"):
        total_least_squares([[1.0], [0.0]], [0.0, 1.0])  # a round cloud
    with pytest.raises(InputError, match="more than one solution - are columns of X dependent"):
        total_least_squares([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="more than one solution"):
        total_least_squares([[0.0], [0.0]], [0.0, 0.0])
    with pytest.raises(InputError, match=r"y has length 2 and X shape \(3, 1\)"):
        total_least_squares([[1.0], [2.0], [3.0]], [1.0, 2.0])
    with pytest.raises(InputError, match="at least as many rows as features"):
        total_least_squares([[1.0, 2.0]], [1.0])
