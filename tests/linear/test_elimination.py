"""Elimination against SymPy's exact numbers and what a reduced row echelon form must be."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from numpy.testing import assert_allclose

from ddasp._errors import InputError
from ddasp.linear.elimination import cr_factorisation, rref

from .matrices import exact_rank, floats, integers


def test_a_form_worked_on_paper():
    form = rref([[1, 2, 3, 4], [2, 4, 6, 9], [1, 2, 4, 4]])
    assert form.pivots == (0, 2, 3)
    assert form.rank == 3
    assert (form.R == [[1, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]).all()


@given(integers())
def test_integers_give_the_form_of_sympy_without_rounding(A):
    form = rref(A)
    expected, pivots = sympy.Matrix(A.tolist()).rref()
    assert form.pivots == pivots
    ours = [sympy.Rational(q.numerator, q.denominator) for q in form.R.ravel()]
    assert ours == list(expected)


@given(integers())
def test_columns_times_recipe_is_the_matrix_exactly(A):
    factors = cr_factorisation(A)
    assert factors.C.shape == (len(A), exact_rank(A))
    assert (factors.C @ factors.R == A).all()
    assert (A[:, list(factors.pivots)] == factors.C).all()
    assert A.dtype == factors.C.dtype


@given(floats())
def test_floats_have_the_rank_and_the_form_of_exact_numbers(A):
    form, factors = rref(A), cr_factorisation(A)
    assert form.rank == exact_rank(A)
    assert form.R.dtype == factors.C.dtype == A.dtype
    for row, column in enumerate(form.pivots):
        assert_allclose(form.R[:, column], np.arange(len(A)) == row)  # 1, and alone
        assert not form.R[row, :column].any()
    assert not form.R[form.rank :].any()
    # entries of R are quotients of minors below 1e5, each off by some roundings
    assert_allclose(factors.C @ factors.R, A, atol=1e-9)


@given(integers())
def test_row_operations_keep_the_form(A):
    turned = A[::-1].copy()
    turned[0] = turned[0] * 3
    if len(A) > 1:
        turned[1] = turned[1] - 5 * turned[0]
    assert (rref(turned).R == rref(A).R).all()


def test_numbers_of_any_size_and_fractions_are_exact():
    big = 10**40
    form = rref([[big, big + 1], [big - 1, big]])  # determinant 1, lost in floats
    assert form.rank == 2
    assert rref(np.array([[1e20, 1e20 + 1], [1e20 - 1, 1e20]])).rank == 1
    third = Fraction(1, 3)
    assert (rref([[third, 1], [1, 3]]).R == [[1, 3], [0, 0]]).all()
    assert rref([[3, 1]]).R[0, 1] == third
    assert isinstance(rref([[3, 1]]).R[0, 0], int)
    assert ([[1, Fraction(1, 2)]] == rref(np.array([[2**63, 2**62]], np.uint64)).R).all()


def test_an_entry_below_the_tolerance_is_no_pivot():
    A = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-10]])
    assert rref(A).rank == 2
    assert (rref(A, tolerance=1e-8).R == [[1, 1], [0, 0]]).all()  # and no rest of it stays
    assert rref(np.float32(A)).rank == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_zeros_one_entry_one_row_and_one_column(dtype):
    assert rref(np.zeros((2, 3), dtype)).rank == 0
    assert cr_factorisation(np.zeros((2, 3), dtype)).R.shape == (0, 3)
    for A, R in (([[5]], [[1]]), ([[0, 2, 4]], [[0, 1, 2]]), ([[0], [3]], [[1], [0]])):
        form = rref(np.array(A, dtype))
        assert_allclose(form.R, R)
        assert form.R.dtype == dtype


def test_the_matrix_that_came_is_not_changed():
    for A in (np.array([[1, 2], [3, 4]]), np.array([[1.0, 2.0], [3.0, 4.0]])):
        before = A.copy()
        rref(A)
        assert (before == A).all()


def test_input_that_cannot_be_eliminated_is_named():
    with pytest.raises(InputError, match=r"A holds 0.5 among exact numbers"):
        rref(np.array([[Fraction(1, 3), 0.5]], dtype=object))
    with pytest.raises(InputError, match="one row and one column"):
        rref(np.zeros((0, 2), dtype=np.int64))
    with pytest.raises(InputError, match="one row and one column"):
        rref(np.zeros((0, 2), dtype=object))
    with pytest.raises(InputError, match=r"A has shape \(1,\)"):
        rref([Fraction(1, 3)])
    with pytest.raises(InputError, match="tolerance is 2"):
        rref([[1.0]], tolerance=2)
