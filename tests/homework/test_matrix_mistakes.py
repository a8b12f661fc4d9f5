"""Task 1: planted mistakes are named by the property that fails; hostile answers do no harm."""

from __future__ import annotations

import copy
import functools
import math
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ddasp.homework.answers import number
from ddasp.homework.parts import NOT_YET, RIGHT, share_of

from .matrix_judging import (
    CHECKED,
    IDS,
    Answers,
    each_number,
    found,
    four_digits,
    function_of,
    sheet_of,
    solved,
)


def negated(x: Any) -> str:
    return f"-({x})"


def transposed(A: list[list[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*A, strict=True)]


def plant(key: str, path: tuple[Any, ...], value: Any) -> Callable[[Answers], tuple[str, Any]]:
    """Change one thing in the right answers; a function makes it from what was there."""

    def planted(answers: Answers) -> tuple[str, Any]:
        answer = answers[function_of(key)]
        inner = answer
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value(copy.deepcopy(inner[path[-1]])) if callable(value) else value
        return key, answer

    return planted


def swapped(items: list[Any]) -> list[Any]:
    return [items[1], items[0], *items[2:]]


MISTAKES = {
    # 1: elimination
    "rref: only echelon, not reduced": (
        plant("1", ("B", "rref", 0), [1, 2, 1, 0]),
        "B: reduced row echelon form",
        r"^B, rref: the pivot of row 2 is not alone in column 2; the form is not reduced",
    ),
    "rref: a pivot that is not 1": (
        plant("1", ("A", "rref", 1), [0, 2, -4]),
        "A: reduced row echelon form",
        "first number of row 2 that is not 0 is not 1",
    ),
    "rref: rows in the wrong order": (
        plant("1", ("A", "rref"), swapped),
        "A: reduced row echelon form",
        "the pivot of row 2 is not to the right of that of row 1",
    ),
    "rref: zeros on top": (
        plant("1", ("A", "rref"), lambda R: R[::-1]),
        "A: reduced row echelon form",
        "row 2 is zero and stands above one that is not",
    ),
    "rref: a sign": (
        plant("1", ("A", "rref", 0, 2), 2),
        "A: reduced row echelon form",
        r"row 1 is not in the row space of A: .* the largest difference is",
    ),
    "rref: a row is lost": (
        plant("1", ("B", "rref", 1), [0, 0, 0, 0]),
        "B: reduced row echelon form",
        r"row 1 is not in the row space of B|do not span the row space of B",
    ),
    "rref: the identity of a matrix that is not of full rank": (
        plant("1", ("A", "rref"), [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]),
        "A: reduced row echelon form",
        "row 1 is not in the row space of A",
    ),
    "rref: rows of zeros left out": (
        plant("1", ("A", "rref"), lambda R: R[:2]),
        "A: reduced row echelon form",
        r"A, rref has shape \(2, 3\); expected \(4, 3\)",
    ),
    "rref: of the transposed matrix": (
        plant("1", ("A", "rref"), [[1, 0, -1, -1], [0, 1, -1, 1], [0, 0, 0, 0]]),
        "A: reduced row echelon form",
        "is it transposed",
    ),
    "C: other columns than the pivots'": (
        plant("1", ("A", "C"), [[-1, -2], [6, -6], [-5, 8], [-7, 4]]),
        "A: C",
        "doesn't depend on those before it is missing",
    ),
    "C: columns of the reduced form": (
        plant("1", ("A", "C"), [[1, 0], [0, 1], [0, 0], [0, 0]]),
        "A: C",
        "A, C: column 1 is no column of the matrix",
    ),
    "C: all columns": (
        plant("1", ("A", "C"), [[-1, 2, -2], [6, -3, -6], [-5, 1, 8], [-7, 5, 4]]),
        "A: C",
        "column 3 depends on columns of the matrix that stand before it",
    ),
    "C: order of the columns": (
        plant("1", ("D", "C"), lambda C: [swapped(row) for row in C]),
        "D: C",
        "missing or not in its place",
    ),
    "R: with its row of zeros": (
        plant("1", ("B", "R"), [[1, 0, 5, 2], [0, 1, -2, -1], [0, 0, 0, 0]]),
        "B: R",
        "B, R: it has a row of zeros",
    ),
    "R: of another matrix": (
        plant("1", ("B", "R"), [[1, 0, 5, 2], [0, 1, 2, 1]]),
        "B: R",
        "row 2 is not in the row space of B",
    ),
    "C R: doesn't give A": (
        plant("1", ("A", "R", 1), [0, 1, 2]),
        "A: C R = A",
        "A: C R = A fails: the largest difference is 20",
    ),
    "C R: sizes don't fit": (
        plant("1", ("A", "R"), [[1, 0, -2]]),
        "A: C R = A",
        "C has 2 columns and R has 1 rows",
    ),
    "C R: C = A and R = I": (
        lambda answers: (
            "1",
            {"A": {"C": sheet_of("example").matrices["A"].tolist(), "R": np.eye(3).tolist()}},
        ),
        "A: C R = A",
        "A, C: the 3 vectors are not independent",
    ),
    # 2: rank
    "rank: the number of columns": (
        plant("2", ("A",), 3),
        "A: rank",
        "A: 3 is not the number of independent columns of A",
    ),
    "rank: no whole number": (plant("2", ("B",), "5/2"), "B: rank", "the rank is a whole number"),
    "rank: more than the smaller side": (
        plant("2", ("B",), 4),
        "B: rank",
        "at most the smaller side of the matrix",
    ),
    # 3: bases
    "basis: of the reduced form's columns": (
        plant("3", ("A", "column space"), [[1, 0, 0, 0], [0, 1, 0, 0]]),
        "A: basis of the column space",
        r"vector 1 does not lie in the column space of A; the part outside has length 0\.8165",
    ),
    "basis: too short": (
        plant("3", ("A", "row space"), [[1, 0, -2]]),
        "A: basis of the row space",
        "1 vectors do not span the row space of A",
    ),
    "basis: too long": (
        plant("3", ("A", "row space"), [[1, 0, -2], [0, 1, -2], [1, 1, -4]]),
        "A: basis of the row space",
        "A, row space: the 3 vectors are not independent",
    ),
    "basis: dependent": (
        plant("3", ("B", "null space"), [[-5, 2, 1, 0], [10, -4, -2, 0]]),
        "B: basis of the null space",
        "B, null space: the 2 vectors are not independent",
    ),
    "basis: with zero in it": (
        plant("3", ("A", "left null space"), [[1, 1, 1, 0], [0, 0, 0, 0]]),
        "A: basis of the left null space",
        "vector 2 is zero",
    ),
    "basis: zero for a space that holds only zero": (
        plant("3", ("D", "null space"), [[0, 0, 0]]),
        "D: basis of the null space",
        "vector 1 is zero",
    ),
    "basis: empty for a space that is larger": (
        plant("3", ("A", "null space"), []),
        "A: basis of the null space",
        "0 vectors do not span the null space of A",
    ),
    "basis: a sign": (
        plant("3", ("A", "null space"), [[2, -2, 1]]),
        "A: basis of the null space",
        "A, null space: it does not lie in the null space of A",
    ),
    "basis: null space and row space exchanged": (
        plant("3", ("B", "null space"), [[1, 2, 1, 0], [0, -1, 2, 1]]),
        "B: basis of the null space",
        "vector 1 does not lie in the null space of B",
    ),
    "basis: vectors as the columns of a matrix": (
        plant("3", ("A", "column space"), transposed),
        "A: basis of the column space",
        "Write one list for each vector|vectors of 4 numbers|entries; expected 4",
    ),
    # 4: projectors
    "projector: onto the complement": (
        lambda answers: plant("4", ("A", "row space"), answers["projectors"]["A"]["null space"])(
            answers
        ),
        "A: projector onto the row space",
        r"A, row space: P a = a for a in the row space of A fails",
    ),
    "projector: V Vᵀ of vectors that have not length one": (
        plant("4", ("A", "null space"), [[4, 4, 2], [4, 4, 2], [2, 2, 1]]),
        "A: projector onto the null space",
        r"A, null space: P P = P fails: the largest difference is 32",
    ),
    "projector: not symmetric": (
        plant("4", ("A", "null space"), [[0, 0, 2], [0, 0, 2], [0, 0, 1]]),
        "A: projector onto the null space",
        r"symmetry, Pᵀ = P, fails: the largest difference is 2",
    ),
    "projector: the identity": (
        plant("4", ("A", "row space"), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        "A: projector onto the row space",
        "the trace of P is 3, and not the dimension of the row space of A",
    ),
    "projector: onto a part of the space": (
        plant(
            "4",
            ("B", "row space"),
            [
                ["1/6", "2/6", "1/6", 0],
                ["2/6", "4/6", "2/6", 0],
                ["1/6", "2/6", "1/6", 0],
                [0, 0, 0, 0],
            ],
        ),
        "B: projector onto the row space",
        "P a = a for a in the row space of B fails",
    ),
    "projector: in the wrong room": (
        lambda answers: plant("4", ("A", "column space"), answers["projectors"]["A"]["row space"])(
            answers
        ),
        "A: projector onto the column space",
        r"shape \(3, 3\); expected \(4, 4\)",
    ),
    "projector: a sign": (
        plant("4", ("B", "null space", 1, 3), "-1/6"),
        "B: projector onto the null space",
        "symmetry",
    ),
    # 5: singular values and vectors
    "singular values: the root is missing": (
        plant("5", ("A", "s"), [243, 27]),
        "A: singular values",
        r"σ1² is no eigenvalue of AᵀA, det\(AᵀA − σ1² I\) is -2.*e\+14 and not 0",
    ),
    "singular values: in ascending order": (
        plant("5", ("B", "s"), lambda s: s[::-1]),
        "B: singular values",
        "σ2 is not smaller than σ1; descending order fails",
    ),
    "singular values: with a zero": (
        plant("5", ("A", "s"), ["9√3", "3√3", 0]),
        "A: singular values",
        "σ3 is not positive; those that are 0 are left out",
    ),
    "singular values: negative": (
        plant("5", ("B", "s"), [6, "-√30"]),
        "B: singular values",
        "σ2 is not positive",
    ),
    "singular values: one is missing": (
        plant("5", ("D", "s"), ["9√2", 9]),
        "D: singular values",
        "there are 2, and not as many as the rank",
    ),
    "singular vectors: not of length one": (
        plant("5", ("B", "v", 0), [1, 2, 1, 0]),
        "B: right singular vectors",
        r"B, v: v1 has length 2\.449, unit length fails",
    ),
    "singular vectors: of length one half": (
        plant("5", ("A", "u", 0), [0, "-1/2", "1/2", "1/2"]),
        "A: left singular vectors",
        r"u1 has length 0\.866",
    ),
    "singular vectors: not orthogonal": (
        plant("5", ("A", "v", 1), ["2/3", "-1/3", "2/3"]),
        "A: right singular vectors",
        r"A, v: orthogonality of v1 and v2 fails: the largest difference is 0\.1111",
    ),
    "singular vectors: any orthonormal basis of the row space": (
        plant("5", ("A", "v"), [["1/√5", 0, "-2/√5"], ["-4/√45", "5/√45", "-2/√45"]]),
        "A: right singular vectors",
        "A, v: AᵀA v1 = σ² v1 fails",
    ),
    "singular vectors: in another order": (
        plant("5", ("D", "u"), swapped),
        "D: left singular vectors",
        "descending order fails",
    ),
    "singular vectors: one of the null space": (
        plant("5", ("A", "v", 1), ["2/3", "2/3", "1/3"]),
        "A: right singular vectors",
        "v2 belongs to the singular value 0, which is left out",
    ),
    "singular vectors: u and v exchanged": (
        lambda answers: plant("5", ("D", "u"), answers["singular_values_and_vectors"]["D"]["v"])(
            answers
        ),
        "D: left singular vectors",
        r"A Aᵀ u1 = σ² u1 fails",
    ),
    "singular vectors: too few": (
        plant("5", ("D", "v"), lambda v: v[:2]),
        "D: right singular vectors",
        "there are 2, and not as many as the rank",
    ),
    "A v = s u: one sign": (
        plant("5", ("A", "u", 1), lambda u: [negated(x) for x in u]),
        "A: A v = σ u",
        r"A: A v2 = σ2 u2 fails: the largest difference is 6",
    ),
    "A v = s u: as many of each": (
        plant("5", ("D", "u"), lambda u: u[:2]),
        "D: D v = σ u",
        "there are 3 σ, 2 u and 3 v",
    ),
    # 6: rank-1 terms
    "terms: the matrix itself": (
        lambda answers: ("6", {"A": [sheet_of("example").matrices["A"].tolist()]}),
        "A: rank-1 terms",
        "A: terms: there are 1, and not as many as the rank",
    ),
    "terms: halves of the matrix": (
        lambda answers: ("6", {"A": [(sheet_of("example").matrices["A"] / 2).tolist()] * 2}),
        "A: rank-1 terms",
        "A: term 1: rank 1, all 2 x 2 minors 0, fails",
    ),
    "terms: a sign": (
        plant("6", ("B", 1), lambda T: [[negated(x) for x in row] for row in T]),
        "B: rank-1 terms",
        "B: sum of the terms = B fails: the largest difference is 8",
    ),
    "terms: without the singular value": (
        plant("6", ("B", 0), lambda T: [[f"({x})/6" for x in row] for row in T]),
        "B: rank-1 terms",
        "sum of the terms = . fails",
    ),
    "terms: one is zero": (
        plant("6", ("D", 2), [[0, 0, 0]] * 3),
        "D: rank-1 terms",
        "D: term 3: it is zero, so rank 1 fails",
    ),
    "terms: large ones that cancel": (
        lambda answers: (
            "6",
            {
                "A": [
                    np.full((4, 3), 1e6).tolist(),
                    (sheet_of("example").matrices["A"] - 1e6).tolist(),
                ]
            },
        ),
        "A: rank-1 terms",
        "more than 20 times larger than the matrix",
    ),
    # 7: pseudo-inverse
    "pseudo-inverse: the transpose": (
        lambda answers: plant("7", ("A",), sheet_of("example").matrices["A"].T.tolist())(answers),
        "A: pseudo-inverse",
        r"^A A⁺ A = A fails: the largest difference is \d+; A⁺ A A⁺ = A⁺ fails[^;]*$",
    ),
    "pseudo-inverse: zero": (
        plant("7", ("A",), np.zeros((3, 4)).tolist()),
        "A: pseudo-inverse",
        r"^A A⁺ A = A fails: the largest difference is 8$",
    ),
    "pseudo-inverse: transposed": (
        plant("7", ("A",), transposed),
        "A: pseudo-inverse",
        r"shape \(4, 3\); expected \(3, 4\) - is it transposed",
    ),
    "pseudo-inverse: three of four, not the second": (
        # plus a vector of the null space times one of the left null space
        plant("7", ("A",), lambda X: _plus(X, [2, 2, 1], [1, 1, 1, 0])),
        "A: pseudo-inverse",
        r"^A⁺ A A⁺ = A⁺ fails: the largest difference is 2$",
    ),
    "pseudo-inverse: three of four, not the second, and large": (
        plant("7", ("A",), lambda X: _plus(X, [20_000, 20_000, 10_000], [1, 1, 1, 0])),
        "A: pseudo-inverse",
        r"A⁺ A A⁺ = A⁺ fails: the largest difference is 2e\+04",
    ),
    "pseudo-inverse: three of four, not the third": (
        # any x for the left null space: X A stays the projector
        plant("7", ("A",), lambda X: _plus(X, [1, -2, 2], [1, 1, 1, 0])),
        "A: pseudo-inverse",
        r"^symmetry of A A⁺ fails: the largest difference is \d+$",
    ),
    "pseudo-inverse: three of four, not the fourth": (
        plant("7", ("A",), lambda X: _plus(X, [2, 2, 1], [-1, 0, 1, -1])),
        "A: pseudo-inverse",
        r"^symmetry of A⁺ A fails: the largest difference is \d+$",
    ),
    "pseudo-inverse: divided by the squares of the singular values": (
        plant("7", ("B",), lambda X: [[f"({x})/6" for x in row] for row in X]),
        "B: pseudo-inverse",
        r"^B B⁺ B = B fails",
    ),
    "pseudo-inverse: of a square matrix, a sign": (
        plant("7", ("D", 0, 0), "-25/162"),
        "D: pseudo-inverse",
        r"^D D⁺ D = D fails",
    ),
    # 8: systems
    "system: the solution for the other side": (
        plant("8", ("A", "x"), [-1, 0, 2]),
        "A: solution for b_A",
        r"A, x: A x = b_A fails: the largest difference is",
    ),
    "system: a sign": (
        plant("8", ("D", "x"), [0, 1, 2]),
        "D: solution for b_D",
        r"D, x: D x = b_D fails: the largest difference is 14",
    ),
    "system: a vector of the wrong room": (
        plant("8", ("A", "x"), [4, 7, 0, 0]),
        "A: solution for b_A",
        "A, x has 4 entries; expected 3",
    ),
    "projection: the side itself": (
        plant("8", ("A", "p"), [-1, -18, 22, 14]),
        "A: projection of c_A",
        r"A, p: it does not lie in the column space of A; the part outside has length 2\.449",
    ),
    "projection: the residual": (
        plant("8", ("B", "p"), [-5, 2, -1]),
        "B: projection of c_B",
        "does not lie in the column space of B",
    ),
    "projection: another vector of the column space": (
        plant("8", ("B", "p"), [-1, -2, 1]),
        "B: projection of c_B",
        r"B, p: Bᵀ \(c_B − p\) = 0, c_B − p orthogonal to every column, fails",
    ),
    "least squares: not the shortest": (
        plant("8", ("A", "x_plus"), [1, 2, 3]),
        "A: least squares of least norm for c_A",
        r"A, x_plus: it does not lie in the row space of A; .* length 3, so its norm is not the least",
    ),
    "least squares: of another side": (
        plant("8", ("B", "x_plus"), [0, -2, 0, 0]),
        "B: least squares of least norm for c_B",
        r"Bᵀ B x = Bᵀ c_B, the normal equations, fails",
    ),
    "residual: a sign": (
        plant("8", ("A", "e"), [-2, 0, -1, 1]),
        "A: residual of c_A",
        r"A, e: c_A − e in the column space of A fails",
    ),
    "residual: the projection": (
        plant("8", ("A", "e"), [-3, -18, 21, 15]),
        "A: residual of c_A",
        r"A, e: Aᵀ e = 0, e orthogonal to every column, fails",
    ),
}


def _plus(X: list[list[Any]], n: list[int], z: list[int]) -> list[list[float]]:
    """X + n zᵀ."""
    return [
        [number(q, "x") + a * b for q, b in zip(row, z, strict=True)]
        for row, a in zip(X, n, strict=True)
    ]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_planted_mistake_is_named_by_the_property_that_fails(mistake: str) -> None:
    planted, item, says = MISTAKES[mistake]
    key, answer = planted(solved("example"))
    finding = found(key, answer)[item]
    assert finding.status == NOT_YET, mistake
    assert re.search(says, finding.says), finding.says
    assert len(finding.says) < 400


@pytest.mark.parametrize("name", ["A", "B"])
@pytest.mark.parametrize("student", IDS[:10])
def test_a_large_part_in_the_null_space_makes_no_solution(student: str, name: str) -> None:
    # |A| |x| is so large that rounding alone would allow any b.
    n = np.linalg.svd(sheet_of(student).matrices[name])[2][2]
    finding = found("8", {name: {"x": (1e5 * n).tolist()}}, student)
    assert f"{name} x = b_{name} fails" in finding[f"{name}: solution for b_{name}"].says


@pytest.mark.parametrize("student", IDS[:10])
def test_a_solution_that_is_large_and_right_counts(student: str) -> None:
    A, b = (sheet_of(student).matrices[key].astype(float) for key in ("A", "b_A"))
    x = np.linalg.lstsq(A, b[:, 0], rcond=None)[0] + 1e3 * np.linalg.svd(A)[2][2]
    assert found("8", {"A": {"x": x.tolist()}}, student)["A: solution for b_A"].status == RIGHT


@pytest.mark.parametrize("student", IDS[:60])
def test_least_squares_are_asked_for_along_weak_directions_too(student: str) -> None:
    # AᵀA x alone tells v2 badly where s1² is large beside s2².
    A, c = (sheet_of(student).matrices[key].astype(float) for key in ("A", "c_A"))
    x = np.linalg.lstsq(A, c[:, 0], rcond=None)[0]
    x += 0.02 * np.linalg.norm(x) * np.linalg.svd(A)[2][1]
    finding = found("8", {"A": {"x_plus": x.tolist()}}, student)
    assert finding["A: least squares of least norm for c_A"].status == NOT_YET


@pytest.mark.parametrize("student", IDS[:10])
def test_one_singular_value_typed_twice_counts_once(student: str) -> None:
    first = float(np.linalg.svd(sheet_of(student).matrices["A"], compute_uv=False)[0])
    finding = found("5", {"A": {"s": [first, 0.9996 * first]}}, student)["A: singular values"]
    assert finding.says == "A, s: σ1 and σ2 are one and the same to four digits"


def test_singular_vectors_as_columns_of_a_matrix_are_told_from_wrong_ones() -> None:
    student = "s0123456"
    answers = solved(student)["singular_values_and_vectors"]
    U = transposed(answers["D"]["u"])
    says = found("5", {"D": {"u": U}}, student)["D: left singular vectors"].says
    assert says.endswith("are these the rows of a matrix? Write one list for each vector")
    U[0][0] = "1/7"
    says = found("5", {"D": {"u": U}}, student)["D: left singular vectors"].says
    assert "one list" not in says


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every number of an answer, with the keys that lead to it."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def still_right(key: str, path: tuple[Any, ...], student: str) -> bool:
    """Whether one number may be changed: that of a coordinate whose axis lies in the space."""
    if key != "3":
        return False
    name, space, _, j = path
    return Fraction(solved(student)["projectors"][name][space][j][j]) == 1


@pytest.mark.parametrize("part", CHECKED, ids=lambda part: part.key)
def test_one_number_that_is_off_by_three_percent_is_seen(part: Any) -> None:
    """Fifty times what rounding to four digits does."""
    for student in ["example", *IDS[:2]]:
        typed = each_number(solved(student)[function_of(part.key)], four_digits)
        for path, leaf in leaves(typed):
            if still_right(part.key, path, student):
                continue
            value = number(leaf, "x")
            _, answer = plant(part.key, path, 1.03 * value or 0.03)(
                {function_of(part.key): copy.deepcopy(typed)}
            )
            findings = found(part.key, answer, student)
            assert any(f.status == NOT_YET for f in findings.values()), (student, path)


@pytest.mark.parametrize("part", CHECKED, ids=lambda part: part.key)
def test_answers_of_another_student_are_not_right(part: Any) -> None:
    for first, second in zip(IDS[:20], IDS[20:40], strict=True):
        findings = found(part.key, solved(first)[function_of(part.key)], second)
        if part.key != "2":  # all have the same ranks
            assert share_of(findings.values()) < 0.6


def test_messages_hold_no_number_of_the_right_answer() -> None:
    """Singular values most of all: how far off one is would tell it."""
    findings = found("5", {name: {"s": [7.25], "u": [], "v": []} for name in "ABD"})
    for name, finding in ((n, findings[f"{n}: singular values"]) for n in "ABD"):
        said = [float(q) for q in re.findall(r"\d+(?:\.\d+)?(?:e[+-]\d+)?", finding.says)]
        for s in solved("example")["singular_values_and_vectors"][name]["s"]:
            value = number(s, "s")
            for secret in (value, value**2, abs(value - 7.25), abs(value**2 - 7.25**2)):
                assert not any(abs(q - secret) < 0.05 * secret for q in said), finding.says


DEEP: Any = functools.reduce(lambda inner, _: [inner], range(30), 1)
HOSTILE = {
    "nan": math.nan,
    "infinity": math.inf,
    "huge": 1e300,
    "large": 1e15,
    "tiny": 1e-300,
    "a long text": "9" * 1_000_000,
    "a long integer": 10**4000,
    "a program": "__import__('os').getcwd()",
    "a bool": True,
    "deep": DEEP,
    "long": [0] * 200_000,
    "wide": [[0] * 100_000] * 4,
    "many rows": [[0, 0, 0]] * 50_000,
    "a dict": {"A": {"A": {}}},
    "zero": 0,
    "zeros": [[0, 0, 0]] * 3,
    "empty rows": [[], []],
    "nothing": [],
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_answers_are_not_yet_and_never_an_exception(hostile: str) -> None:
    value = HOSTILE[hostile]
    for part in CHECKED:
        answers = solved("example")[function_of(part.key)]
        everywhere = each_number(answers, lambda q: value)
        by_thing = {
            name: dict.fromkeys(answers["A"], value) if isinstance(answers["A"], dict) else value
            for name in "ABD"
        }
        for answer in (value, dict.fromkeys("ABD", value), everywhere, by_thing):
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                findings = found(part.key, answer)
            for finding in findings.values():
                assert len(finding.says) < 500
            assert share_of(findings.values()) < 0.6, part.key
