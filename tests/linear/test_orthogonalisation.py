"""Gram-Schmidt and Householder against a case on paper, SciPy, and their known loss of accuracy."""

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose
from scipy import linalg

from ddasp._errors import InputError
from ddasp.linear.orthogonalisation import gram_schmidt, householder_qr
from ddasp.linear.subspaces import projector

from .matrices import exact_rank, floats, rounding

EXACT = 1e-12


def lost(Q):
    return np.linalg.norm(np.eye(Q.shape[1]) - Q.conj().T @ Q)


@pytest.mark.parametrize("method", [gram_schmidt, householder_qr])
def test_three_columns_worked_on_paper(method):
    A = [[1, 1, 2], [0, 0, 1], [1, 0, 0]]  # after G. Strang's (a, b, c)
    root = np.sqrt(2)
    factors = method(A)
    assert_allclose(
        factors.Q, [[1 / root, 1 / root, 0], [0, 0, 1], [1 / root, -1 / root, 0]], atol=EXACT
    )
    assert_allclose(factors.R, [[root, 1 / root, root], [0, 1 / root, root], [0, 0, 1]], atol=EXACT)


@given(floats())
def test_householder_factors_any_matrix_with_orthonormal_columns_and_a_triangle(A):
    factors = householder_qr(A)
    assert factors.Q.shape == (len(A), min(A.shape))
    assert_allclose(factors.Q @ factors.R, A, atol=EXACT * (1 + np.abs(A).max()))
    assert lost(factors.Q) < EXACT
    assert not np.tril(factors.R, -1).any()
    diagonal = np.diagonal(factors.R)
    assert (diagonal == np.abs(diagonal)).all()
    # the signs of LAPACK differ, the magnitudes of the first columns can't
    independent = exact_rank(A) == A.shape[1]
    if independent:
        R = linalg.qr(A, mode="economic")[1]
        assert_allclose(np.abs(factors.R), np.abs(R), atol=rounding(A) * (1 + np.abs(A).max()))


@pytest.mark.parametrize("method", ["modified", "classical"])
@given(A=floats())
def test_gram_schmidt_has_a_direction_for_each_independent_column(method, A):
    # 1e-9: far above what rounding leaves of a dependent column, far below what integers can
    factors = gram_schmidt(A, method=method, tolerance=1e-9)
    assert factors.Q.shape[1] == exact_rank(A)
    assert_allclose(factors.Q @ factors.R, A, atol=EXACT * (1 + np.abs(A).max()))
    assert lost(factors.Q) < 1e-6
    assert_allclose(factors.Q @ factors.Q.conj().T, projector(A), atol=1e-6)
    assert factors.Q.dtype == factors.R.dtype == A.dtype


@given(floats())
def test_both_give_the_same_factors_of_independent_columns(A):
    if exact_rank(A) == A.shape[1]:
        ours, mirrored = gram_schmidt(A), householder_qr(A)
        assert_allclose(ours.Q, mirrored.Q, atol=rounding(A))
        assert_allclose(ours.R, mirrored.R, atol=rounding(A) * (1 + np.abs(A).max()))


def test_orthogonality_is_lost_as_kappa_squared_as_kappa_and_not_at_all():
    # Läuchli: columns (1, e, 0, 0), (1, 0, e, 0), (1, 0, 0, e) with 1 + e^2 = 1 in float64
    e = 1e-8
    A = np.vstack([np.ones(3), e * np.eye(3)])
    # classical: q2 = (0, -1, 1, 0) / sqrt 2, q3 = (0, -1, 0, 1) / sqrt 2 on paper: q2 q3 = 1/2
    classical = gram_schmidt(A, method="classical").Q
    assert_allclose(classical[:, 1] @ classical[:, 2], 0.5, atol=1e-7)
    modified = gram_schmidt(A, method="modified").Q
    assert e / 10 < lost(modified) < 10 * e  # u kappa = 1e-16 * 1e8
    mirrored = householder_qr(A)
    assert lost(mirrored.Q) < 1e-14
    # 1 - ||x|| would be 0 here: the reflection adds, and A comes back to the last digit
    assert_allclose(mirrored.Q @ mirrored.R, A, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_zeros_one_entry_one_row_and_one_column(dtype):
    for A in (np.zeros((3, 2), dtype), np.full((1, 1), -2, dtype), np.ones((1, 3), dtype)):
        for factors in (householder_qr(A), gram_schmidt(A)):
            assert factors.Q.dtype == factors.R.dtype == dtype
            assert_allclose(factors.Q @ factors.R, A, atol=1e-6)
    assert gram_schmidt(np.zeros((3, 2), dtype)).Q.shape == (3, 0)
    assert_allclose(gram_schmidt(np.array([[3], [4]], dtype)).Q, [[0.6], [0.8]], rtol=1e-6)


def test_a_nearly_dependent_column_is_kept_or_not_as_the_tolerance_says():
    A = np.array([[1.0, 1.0], [0.0, 1e-5]])
    assert gram_schmidt(A).Q.shape == (2, 2)
    assert gram_schmidt(A, tolerance=1e-4).R.shape == (1, 2)


def test_unusable_input_is_named():
    with pytest.raises(InputError, match="did you mean 'modified'"):
        gram_schmidt(np.eye(2), method="modifed")
    with pytest.raises(InputError, match="one row and one column"):
        householder_qr(np.zeros((0, 2)))
    with pytest.raises(InputError, match="tolerance is 3"):
        gram_schmidt(np.eye(2), tolerance=3)
