"""What a person may type as a number, and what is refused with a word of help."""

from __future__ import annotations

import contextlib
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from ddasp.homework.answers import basis, blank, given, matrix, number, shown, vector
from ddasp.homework.parts import NotYet


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        (3, 3),
        (-0.25, -0.25),
        (Fraction(3, 4), 0.75),
        (np.float64(0.5), 0.5),
        (np.int64(-7), -7),
        (np.array(2.5), 2.5),
        ("3/4", 0.75),
        (" -2 ", -2),
        ("−2", -2),
        ("+.5", 0.5),
        ("1e-3", 1e-3),
        ("sqrt(5)", math.sqrt(5)),
        ("2*sqrt(3)/5", 2 * math.sqrt(3) / 5),
        ("1/sqrt(2)", 1 / math.sqrt(2)),
        ("√2", math.sqrt(2)),
        ("2√3/5", 2 * math.sqrt(3) / 5),
        ("√2√3", math.sqrt(6)),
        ("√(2/9)", math.sqrt(2) / 3),
        ("2 sqrt(2)", 2 * math.sqrt(2)),
        ("3·√2 ÷ 2", 3 * math.sqrt(2) / 2),
        ("(1 + sqrt(5))/2", (1 + math.sqrt(5)) / 2),
        ("2^(1/2)", math.sqrt(2)),
        ("2**-2", 0.25),
        ("3^(-1/2)", 1 / math.sqrt(3)),
        ("-2^2", -4),
        ("1\u00a0/\u202f2", 0.5),
        ("3⁄4", 0.75),
        ("−½", -0.5),
        ("np.sqrt(5)/2", math.sqrt(5) / 2),
        ("2*math.sqrt(3)", 2 * math.sqrt(3)),
    ],
)
def test_fractions_roots_and_decimals_are_numbers(typed: Any, value: float) -> None:
    assert number(typed, "x") == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (None, "x is None; expected a number"),
        (True, "x is True; expected"),
        ([1], "x is a list of 1; expected"),
        ({}, "x is a dict; expected"),
        (1j, "x is a complex; expected"),
        ("", "can't be read|expected a number"),
        ("0,75", "a point here, not a comma"),
        ("three", "expected a number, 3/4"),
        ("1/", "can't be read"),
        ("2(3)", "can't be read"),
        ("1//2", "can't be read"),
        ("5%3", "expected a number"),
        ("e", "can't be read"),
        ("sqrt", "can't be read"),
        ("sqrt()", "can't be read"),
        ("2½", "can't be read"),
        ("os.sqrt(2)", "expected a number"),
        ("sqrt(1)(2)", "can't be read"),
        ("sqrt(-1)", "root of a number below 0"),
        ("(0-2)^(1/2)", "root of a number below 0"),
        ("2**0.3", "can't be read"),
        ("2**99", "can't be read"),
        ("9**8**8**8", "can't be read"),
        ("1e300*1e300", "expected a finite number"),
        ("1e200**8", "larger than 1e\\+15"),
        ("1/0", "divides by 0"),
        ("1/(2-2)", "divides by 0"),
        ("0**-1", "divides by 0"),
        ("1e999", "expected a finite number"),
        (float("nan"), "expected a finite number"),
        (-math.inf, "expected a finite number"),
        (1e16, "larger than 1e\\+15"),
        (10**10_000, "larger than 1e\\+15"),
        (Fraction(1, 10**10_000), "larger than 1e\\+15"),
        ("7" * 1_000_000, "1000000 characters; expected a number of 100"),
        ("__import__('os').system('true')", "expected"),
        ("().__class__", "expected"),
        ("0x10", "expected a number"),
        ("1_000", "expected a number"),
        ("2j", "expected a number"),
        ("lambda: 1", "expected a number"),
        ("1\n+2", "expected a number"),
    ],
    ids=lambda value: shown(value)[:24],
)
def test_what_is_no_number_is_refused_in_words(typed: Any, says: str) -> None:
    with pytest.raises(NotYet, match=says):
        number(typed, "x")


@drawn(st.text(max_size=120))
def test_any_text_is_a_number_or_not_yet(text: str) -> None:
    with contextlib.suppress(NotYet):
        assert math.isfinite(number(text, "x"))


@drawn(st.text(alphabet="sqrt()0123456789.+-*/√^ eE", max_size=100))
def test_any_formula_is_a_number_or_not_yet(text: str) -> None:
    with contextlib.suppress(NotYet):
        assert abs(number(text, "x")) <= 1e15


@drawn(st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**6))
def test_a_fraction_reads_the_same_typed_and_given(q: Fraction) -> None:
    assert number(str(q), "x") == number(q, "x") == float(q)


def test_deep_nesting_is_refused_without_harm() -> None:
    assert number("(" * 49 + "1" + ")" * 49, "x") == 1
    assert number("-" * 98 + "1", "x") == 1
    with pytest.raises(NotYet, match="can't be read"):
        number("(" * 100, "x")


def test_a_vector_is_a_list_or_a_column() -> None:
    np.testing.assert_array_equal(vector([1, "1/2", 0.25], "x"), [1, 0.5, 0.25])
    np.testing.assert_array_equal(vector([[1], ["1/2"]], "x", length=2), [1, 0.5])
    np.testing.assert_array_equal(vector(np.arange(3), "x", length=3), [0, 1, 2])
    assert vector([], "x").shape == (0,)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1, 2], "x has 2 entries; expected 3"),
        ([1], "x has 1 entry; expected 3"),
        (
            [[1, 2, 3]],
            r"x is a row inside a list, shape \(1, 3\); expected 3 numbers, shape \(3,\)",
        ),
        ("abc", "x is 'abc'; expected a list of numbers"),
        (None, "x is None; expected a list"),
        ([1, 2, "?"], "x, entry 3 is '\\?'"),
        ([1, [2], 3], "x, entry 2 is a list of 1"),
        ([0] * 200_000, "200000 entries; expected 100000 at most"),
        (np.zeros(200_000), "200000 numbers; expected 100000 at most"),
    ],
)
def test_what_is_no_vector_is_refused_in_words(value: Any, says: str) -> None:
    with pytest.raises(NotYet, match=says):
        vector(value, "x", length=3)


def test_a_matrix_is_a_list_of_rows() -> None:
    np.testing.assert_array_equal(matrix([[1, "1/2"], [0, 2]], "P"), [[1, 0.5], [0, 2]])
    np.testing.assert_array_equal(matrix(np.eye(2), "P", rows=2), np.eye(2))
    assert matrix([[1, 2, 3]], "P", columns=3).shape == (1, 3)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([[1, 2], [3, 4], [5, 6]], r"P has shape \(3, 2\); expected \(2, 3\) - is it transposed\?"),
        ([[1, 2], [3, 4]], r"P has shape \(2, 2\); expected \(2, 3\)$"),
        ([[1, 2, 3], [4, 5]], "rows of different lengths"),
        ([], "P is empty"),
        ([1, 2], "holds 1 where a row belongs"),
        ([[], []], r"shape \(2, 0\)"),
        (7, "P is 7; expected a list of rows"),
        ([[1, 2, 3], [4, 5, None]], "P, row 2, column 3 is None"),
        ([[1, 2, 3], [4, 5, [6]]], "P, row 2, column 3 is a list"),
        (["123", "456"], "holds '123' where a row belongs"),
        ([[0] * 1000] * 1000, r"shape \(1000, 1000\)"),
    ],
)
def test_what_is_no_matrix_is_refused_in_words(value: Any, says: str) -> None:
    with pytest.raises(NotYet, match=says):
        matrix(value, "P", rows=2, columns=3)


def test_a_matrix_of_unknown_shape_is_not_read_when_it_is_huge() -> None:
    with pytest.raises(NotYet, match=r"shape \(1000, 1000\); expected 1 to 100000"):
        matrix([[0] * 1000] * 1000, "P")
    with pytest.raises(NotYet, match=r"shape \(1, 2\); expected 1 to|expected \(any, 3\)"):
        matrix([[1, 2]], "P", columns=3)


def test_the_vectors_of_a_basis_become_columns() -> None:
    np.testing.assert_array_equal(
        basis([[1, 2, 3], [4, 5, 6]], "V", length=3), [[1, 4], [2, 5], [3, 6]]
    )
    np.testing.assert_array_equal(basis([[[1], [2]]], "V", length=2), [[1], [2]])
    assert basis([], "V", length=3).shape == (3, 0)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1, 2, 3], r"a list of numbers; expected a list of vectors, one vector is \[\[...\]\]"),
        ([[1, 2], [3, 4], [5, 6]], "columns of a matrix\\? Write one list for each vector"),
        ([[1, 2]], "vector 1 has 2 entries; expected 3"),
        ([[1, 2, 3], 4], "vector 2 is 4; expected a list"),
        ([[1, 0, 0]] * 4, "4 vectors of 3 numbers; more than 3 are never independent"),
        ([[1, 0, 0]] * 1_000_000, "1000000 entries"),
        ("V", "expected a list of vectors"),
    ],
)
def test_what_is_no_basis_is_refused_in_words(value: Any, says: str) -> None:
    with pytest.raises(NotYet, match=says):
        basis(value, "V", length=3)


def test_blank_answers_are_known() -> None:
    for value in (None, ..., "...", " … ", "", [None], [[None, "..."], [None]]):
        assert blank(value), value
    for value in (0, [], [None, 1], False, {}, [[]], "x"):
        assert not blank(value), value


def test_what_is_given_is_found_by_its_keys() -> None:
    answer = {"A": {"null space": []}, "B": None, "D": 3}
    assert given(answer, "A", "null space") == []
    assert given(answer, "A", "rank") is None
    assert given(answer, "B", "rank") is None
    assert given(None, "B", "rank") is None
    with pytest.raises(NotYet, match=r"the answer\['D'\] is 3; expected a dict with 'rank' in it"):
        given(answer, "D", "rank")
    with pytest.raises(NotYet, match="the answer is a list of 2; expected a dict with 'A'"):
        given([1, 2], "A")


def test_huge_answers_are_refused_before_they_are_read() -> None:
    # Each of them would keep a reader busy that looks at contents before sizes.
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert not blank(deep)
    for value in (
        deep,
        "x" * 10**7,
        [["9" * 10**6] * 3] * 3,
        10**100_000,
        {str(i): i for i in range(10**5)},
    ):
        for read in (
            lambda v: number(v, "x"),
            lambda v: vector(v, "x", length=3),
            lambda v: matrix(v, "x", rows=3, columns=3),
            lambda v: basis(v, "x", length=3),
        ):
            with pytest.raises(NotYet) as caught:
                read(value)
            assert len(str(caught.value)) < 300


def test_any_value_is_shown_in_a_few_words() -> None:
    values = ("x" * 100, 10**100, [1] * 5, 0.1 + 0.2, None, True, {}, -3, b"")
    assert [shown(value) for value in values] == [
        "'" + "x" * 30 + "'...",
        "an integer of 333 bits",
        "a list of 5",
        "0.3",
        "None",
        "True",
        "a dict",
        "-3",
        "a bytes",
    ]
