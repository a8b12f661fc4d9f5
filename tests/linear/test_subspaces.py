"""Subspaces against exact ranks, the theorem of the four subspaces, and SciPy."""

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose
from scipy import linalg

from ddasp._errors import InputError
from ddasp.linear.subspaces import (
    column_space,
    left_null_space,
    null_space,
    numerical_rank,
    projector,
    row_space,
    svd,
    truncated,
)

from .matrices import exact_rank, floats

EXACT = 1e-12  # some hundred roundings of float64 on numbers near 1


def test_svd_of_a_matrix_worked_on_paper():
    # A = [[3, 0], [4, 5]]: A^T A = [[25, 20], [20, 25]] has eigenvalues 45 and 5
    terms = svd([[3, 0], [4, 5]])
    assert_allclose(terms.s, np.sqrt([45, 5]), rtol=EXACT)
    assert_allclose(np.abs(terms.Vh), np.sqrt(0.5), rtol=EXACT)
    assert_allclose(np.abs(terms.U), np.array([[1, 3], [3, 1]]) / np.sqrt(10), rtol=EXACT)


@given(floats())
def test_the_terms_of_the_svd_sum_to_the_matrix_and_its_largest_entries_are_positive(A):
    terms = svd(A)
    assert_allclose(terms.U * terms.s @ terms.Vh, A, atol=EXACT * (1 + np.abs(A).max()))
    for row in [*terms.Vh, *null_space(A).T, *left_null_space(A).T]:
        largest = row[
            np.argmax(np.abs(row) > (1 - 1e-8) * np.abs(row).max())
        ]  # the first, of several
        assert_allclose(largest, np.abs(largest), atol=EXACT)


@given(floats())
def test_numerical_rank_is_the_rank_of_exact_elimination(A):
    assert numerical_rank(A) == exact_rank(A)


def test_numerical_rank_counts_what_lies_above_the_tolerance():
    A = np.diag([1.0, 1e-3, 1e-6])
    assert [numerical_rank(A, tolerance=t) for t in (0, 1e-7, 1e-6, 1e-4, 1e-3, 1)] == [
        3, 3, 2, 2, 1, 0,
    ]  # fmt: skip
    assert numerical_rank(1e-200 * A) == numerical_rank(1e200 * A) == 3  # relative, not absolute


@given(floats())
def test_the_four_subspaces_have_their_dimensions_and_split_both_spaces(A):
    r, (m, n) = exact_rank(A), A.shape
    C, L, R, N = column_space(A), left_null_space(A), row_space(A), null_space(A)
    assert [C.shape, L.shape, R.shape, N.shape] == [(m, r), (m, m - r), (n, r), (n, n - r)]
    for left, right in ((C, L), (R, N)):
        whole = np.column_stack([left, right])
        assert_allclose(whole.conj().T @ whole, np.eye(len(whole)), atol=EXACT)
    size = 1 + np.abs(A).max()
    assert_allclose(A @ N, 0, atol=EXACT * size)
    assert_allclose(L.conj().T @ A, 0, atol=EXACT * size)


@given(floats())
def test_bases_span_what_those_of_scipy_span(A):
    for ours, theirs in (
        (column_space(A), linalg.orth(A)),
        (null_space(A), linalg.null_space(A)),
        (left_null_space(A), linalg.null_space(A.conj().T)),
        (row_space(A), linalg.orth(A.conj().T)),
    ):
        assert_allclose(ours @ ours.conj().T, theirs @ theirs.conj().T, atol=EXACT)


@given(floats())
def test_a_projector_keeps_its_space_and_nothing_else(A):
    P, r = projector(A), exact_rank(A)
    size = 1 + np.abs(A).max()
    assert_allclose(P @ P, P, atol=EXACT)
    assert_allclose(P.conj().T, P, atol=EXACT)
    assert_allclose(P @ A, A, atol=EXACT * size)
    assert_allclose(np.trace(P), r, atol=EXACT)
    assert_allclose(P + projector(left_null_space(A)), np.eye(len(A)), atol=EXACT)


def test_projector_onto_a_line_and_onto_nothing():
    assert_allclose(projector([[1.0], [2.0], [2.0]])[0], np.array([1, 2, 2]) / 9, rtol=EXACT)
    assert_allclose(projector(np.zeros((2, 0))), 0)
    assert_allclose(projector(np.zeros((2, 3))), 0)


@given(floats())
def test_truncation_is_as_near_as_eckart_and_young_say(A):
    s, size = np.linalg.svd(A, compute_uv=False), 1 + np.abs(A).max()
    for k in range(len(s) + 1):
        error = A - truncated(A, k)
        assert numerical_rank(truncated(A, k)) <= k
        assert_allclose(np.linalg.norm(error, 2), s[k] if k < len(s) else 0, atol=EXACT * size)
        assert_allclose(np.linalg.norm(error), np.linalg.norm(s[k:]), atol=EXACT * size)


def test_no_drawn_matrix_of_rank_two_comes_nearer_than_the_truncated_one():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(5, 4))
    best = np.linalg.norm(A - truncated(A, 2))
    for _ in range(200):
        B = truncated(A, 2) + truncated(0.1 * rng.normal(size=(5, 4)), 2)
        assert np.linalg.norm(A - truncated(B, 2)) >= best


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_dtype_in_is_dtype_out(dtype):
    A = np.array([[1, 2, 3], [2, 4, 6]]).astype(dtype)
    terms = svd(A)
    assert {terms.U.dtype, terms.Vh.dtype, truncated(A, 1).dtype, projector(A).dtype} == {
        np.dtype(dtype)
    }
    for basis in (column_space, row_space, null_space, left_null_space):
        assert basis(A).dtype == dtype
    assert projector(np.zeros((3, 0), dtype)).dtype == dtype
    assert numerical_rank(A) == 1  # the tolerance is that of the dtype
    thin = np.random.default_rng(0).normal(size=(20, 2))
    assert numerical_rank((thin @ thin[:9].T).astype(dtype)) == 2  # and 7 times its rounding
    assert numerical_rank((A + np.diag([1e-4, 1e-4, 1])[:2]).astype(dtype)) == 2


def test_other_numbers_are_computed_in_double_precision():
    for dtype in (bool, np.uint8, np.float16, np.longdouble):
        assert svd(np.eye(2, dtype=dtype)).U.dtype == np.float64
    assert svd(np.eye(2, dtype=np.clongdouble)).U.dtype == np.complex128


@pytest.mark.parametrize("A", [[[0.0]], [[0.0, 0.0]], np.zeros((3, 2))])
def test_a_matrix_of_zeros_has_no_column_space_and_all_null_space(A):
    m, n = np.shape(A)
    assert numerical_rank(A) == 0
    assert column_space(A).shape == (m, 0)
    assert null_space(A).shape == (n, n)
    assert_allclose(projector(left_null_space(A)), np.eye(m), atol=EXACT)
    assert_allclose(truncated(A, 0), 0)


def test_a_tall_matrix_needs_no_square_one_beside_it():
    A = np.random.default_rng(0).normal(size=(200_000, 2))  # M x M would be 320 GB
    assert column_space(A).shape == (200_000, 2)
    assert null_space(A).shape == (2, 0)


def test_input_that_is_no_matrix_is_named():
    with pytest.raises(InputError, match=r"A has shape \(0, 3\).*slice select nothing"):
        numerical_rank(np.zeros((0, 3)))
    with pytest.raises(InputError, match=r"A has shape \(3,\).*x\[:, np.newaxis\]"):
        column_space([1.0, 2.0, 3.0])
    with pytest.raises(
        InputError, match=r"A has shape \(1, 1, 1\); expected \(n_rows, n_columns\)$"
    ):
        column_space([[[1.0]]])
    with pytest.raises(InputError, match="A contains NaN"):
        svd([[np.nan]])
    with pytest.raises(InputError, match="A has dtype <U1"):
        svd([["a"]])
    with pytest.raises(InputError, match="tolerance is -1; expected 0 to 1"):
        numerical_rank([[1.0]], tolerance=-1)
    with pytest.raises(InputError, match="rank is 3; expected 0 to 2"):
        truncated(np.eye(2), 3)
