"""Inverses against the four equations of Penrose, the formulas of the textbook, and NumPy."""

import numpy as np
import pytest
from hypothesis import assume, given
from numpy.testing import assert_allclose
from scipy import linalg

from ddasp._errors import InputError
from ddasp.linear.inverses import condition_number, left_inverse, pseudo_inverse, right_inverse
from ddasp.linear.subspaces import projector

from .matrices import exact_rank, floats, rounding


def test_pseudo_inverse_of_rank_one_worked_on_paper():
    # A = u s v^T with u = (3, 4) / 5, v = (1, 2, 2) / 3, s = 15: A+ = v u^T / 15
    A = np.outer([3, 4], [1, 2, 2])
    assert_allclose(pseudo_inverse(A), np.outer([1, 2, 2], [3, 4]) / 225, rtol=1e-13)


@given(floats())
def test_the_four_equations_of_penrose_hold(A):
    P, tolerance = pseudo_inverse(A), rounding(A)
    assert_allclose(A @ P @ A, A, atol=tolerance * (1 + np.abs(A).max()))
    assert_allclose(P @ A @ P, P, atol=tolerance * (1 + np.abs(P).max()))
    assert_allclose((A @ P).conj().T, A @ P, atol=tolerance)
    assert_allclose((P @ A).conj().T, P @ A, atol=tolerance)


@given(floats())
def test_products_with_the_pseudo_inverse_are_projectors_and_scipy_agrees(A):
    P = pseudo_inverse(A)
    assert_allclose(A @ P, projector(A), atol=rounding(A))
    assert_allclose(P @ A, projector(A.conj().T), atol=rounding(A))
    assert_allclose(P, linalg.pinv(A), atol=rounding(A) * (1 + np.abs(P).max()))
    assert P.dtype == A.dtype


@given(floats())
def test_left_and_right_inverse_are_those_of_the_formulas(A):
    H, rank, (m, n) = A.conj().T, exact_rank(A), A.shape
    assume(rank == min(m, n))
    tolerance = rounding(A) ** 2 / np.finfo(float).eps  # the formula squares the condition
    if rank == n:
        assert_allclose(left_inverse(A), np.linalg.inv(H @ A) @ H, atol=tolerance)
        assert_allclose(left_inverse(A) @ A, np.eye(n), atol=rounding(A))
    if rank == m:
        assert_allclose(right_inverse(A), H @ np.linalg.inv(A @ H), atol=tolerance)
        assert_allclose(A @ right_inverse(A), np.eye(m), atol=rounding(A))


def test_of_all_left_inverses_ours_is_the_shortest():
    A = np.array([[1.0], [2.0], [2.0]])
    assert_allclose(left_inverse(A), [[1 / 9, 2 / 9, 2 / 9]], rtol=1e-13)
    other = np.array([[1.0, 0.0, 0.0]])
    assert_allclose(other @ A, 1)
    assert np.linalg.norm(left_inverse(A)) < np.linalg.norm(other)


def test_condition_number_is_the_growth_of_a_relative_error():
    A = np.array([[3.0, 0.0], [4.0, 5.0]])
    assert_allclose(condition_number(A), 3, rtol=1e-13)  # s^2 = 45 and 5
    assert_allclose(condition_number(7j * A), np.linalg.cond(A), rtol=1e-13)
    assert condition_number([[5.0]]) == condition_number([[3.0], [4.0]]) == 1
    U, _, Vh = np.linalg.svd(A)
    b, error = A @ Vh[0], 1e-6 * U[:, 1]  # the worst pair
    x, moved = np.linalg.solve(A, b), np.linalg.solve(A, b + error)
    growth = np.linalg.norm(moved - x) / np.linalg.norm(x) * np.linalg.norm(b) / 1e-6
    assert_allclose(growth, condition_number(A), rtol=1e-8)


def test_condition_number_is_infinite_where_the_rank_is_too_low():
    assert condition_number(np.zeros((2, 3))) == np.inf
    assert condition_number([[1, 2], [2, 4]]) == np.inf
    H = linalg.hilbert(5)
    assert_allclose(condition_number(H, tolerance=0), np.linalg.cond(H), rtol=1e-9)
    assert condition_number(H, tolerance=1e-3) == np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_stays_single(dtype):
    A = np.array([[1, 2], [2, 4], [0, 1]]).astype(dtype)
    assert pseudo_inverse(A).dtype == left_inverse(A).dtype == right_inverse(A.T).dtype == dtype


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (3, 2)])
def test_the_pseudo_inverse_of_zeros_is_zeros_turned(shape):
    assert_allclose(pseudo_inverse(np.zeros(shape)), np.zeros(shape[::-1]))


def test_inverses_that_do_not_exist_say_why():
    with pytest.raises(InputError, match="A has 2 columns and rank 1; a left inverse needs"):
        left_inverse([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
    with pytest.raises(InputError, match="A has 3 columns and rank 2; a left inverse needs"):
        left_inverse([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    with pytest.raises(InputError, match="A has 3 rows and rank 2; a right inverse needs"):
        right_inverse([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    with pytest.raises(InputError, match="one row and one column"):
        pseudo_inverse(np.zeros((2, 0)))
