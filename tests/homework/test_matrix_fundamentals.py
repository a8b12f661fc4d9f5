"""Task 1: each id has a neat task of its own, and every right answer counts."""

from __future__ import annotations

import ast
import hashlib
import json
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp.homework.answers import number
from ddasp.homework.draw import Draw
from ddasp.homework.parts import NOT_ATTEMPTED, NOT_YET, RIGHT, Outcome, share_of
from ddasp.homework.reading.imports import may_use
from ddasp.homework.tasks.matrix_drawing import (
    FRAMES,
    VERSION,
    Drawn,
    dot,
    drawn_matrix,
    drawn_system,
    neat,
)

from .matrix_exact import echelon, pseudo_inverse, rows, squares_of
from .matrix_judging import (
    CHECKED,
    IDS,
    TASK,
    Answers,
    each_number,
    found,
    four_digits,
    function_of,
    judged,
    not_right,
    sheet_of,
    solved,
)
from .matrix_solution import program_text

Vector = tuple[int, ...]
DIGEST = "0537c944e5e89d1410b7fdb8c2441be9830b2b61e11fe8bb224bfa52a74a698b"


# The sheet


def test_the_points_come_to_sixty_and_one_part_is_read_by_hand() -> None:
    assert sum(part.points for part in TASK.parts) == 60
    assert [part.key for part in TASK.parts if part.by_hand] == ["9"]
    assert [part.key for part in TASK.parts] == [str(i) for i in range(1, 10)]
    assert TASK.part("9").files == ("paper.pdf",)


def test_each_part_has_two_hints_and_no_text_holds_a_number_of_an_answer() -> None:
    for part in TASK.parts:
        assert len(part.hints) == 2
        assert not any("sqrt(" in hint or "/" in hint for hint in part.hints)


def test_stubs_are_python_that_says_which_part_is_open() -> None:
    for part in CHECKED:
        functions: dict[str, Any] = {}
        exec(compile(ast.parse(part.stub), "stub", "exec"), functions)
        with pytest.raises(NotImplementedError, match=rf"^Task 1\.{part.key}: "):
            functions[function_of(part.key)]()


def test_the_form_in_each_stub_leads_to_every_item() -> None:
    """What the docstring shows, with its ... in place, is not attempted item by item."""
    for part in CHECKED:
        doc = ast.get_docstring(ast.parse(part.stub).body[0])  # type: ignore[arg-type]
        assert doc is not None
        form = ast.literal_eval(doc[doc.index("{") :])
        findings = found(part.key, form)
        assert {finding.status for finding in findings.values()} == {NOT_ATTEMPTED}


@pytest.mark.parametrize("value", ["?", 3, [1, 2], {"A": "?", "B": "?", "D": "?"}, True])
def test_what_has_not_the_form_is_not_yet_in_every_item(value: Any) -> None:
    for part in CHECKED:
        findings = found(part.key, value)
        assert {finding.status for finding in findings.values()} == {NOT_YET}
        assert all(finding.says for finding in findings.values())


def test_items_and_weights_are_the_same_whatever_came_back() -> None:
    for part in CHECKED:
        right = found(part.key, solved("example")[function_of(part.key)])
        for outcome, status in (
            (Outcome("failed", None, "line 3: ZeroDivisionError"), NOT_YET),
            (Outcome("not attempted"), NOT_ATTEMPTED),
            (Outcome("value", None), NOT_ATTEMPTED),
            (Outcome("value", {}), NOT_ATTEMPTED),
            (Outcome("value", {"A": None}), NOT_ATTEMPTED),
            (Outcome("value", 7), NOT_YET),
        ):
            other = judged(part.key, outcome)
            assert [(f.item, f.weight) for f in other.values()] == [
                (f.item, f.weight) for f in right.values()
            ]
            assert {finding.status for finding in other.values()} == {status}
        failed = judged(part.key, Outcome("failed", None, "line 3: ZeroDivisionError"))
        assert all("ZeroDivisionError" in finding.says for finding in failed.values())


def test_half_of_the_items_is_half_of_the_part() -> None:
    answers = solved("example")["bases"]
    answers["A"]["null space"] = None
    answers["B"] = {}
    findings = found("3", answers)
    assert findings["A: basis of the null space"].status == NOT_ATTEMPTED
    assert findings["A: basis of the row space"].status == RIGHT
    assert share_of(findings.values()) == pytest.approx(7 / 12)


# The draw


def test_frames_are_orthogonal() -> None:
    for size, frames in FRAMES.items():
        for frame in frames:
            assert len(frame) == size
            for i, x in enumerate(frame):
                assert len(x) == size
                assert any(x)
                assert not any(dot(x, y) for y in frame[:i])


def test_the_same_id_has_the_same_task_on_every_machine() -> None:
    # A change of this digest gives students other tasks than the ones they were handed: then VERSION
    # in matrix_drawing.py counts one up, and the digest is computed anew.
    sheets = [sheet_of(student) for student in ("example", "s0123456", "a.b@c-d", *IDS[:20])]
    text = "".join(sheet.files["matrices.json"] for sheet in sheets)
    assert VERSION == TASK.version == 1
    assert hashlib.sha256(text.encode()).hexdigest() == DIGEST


def test_the_file_holds_what_is_printed() -> None:
    sheet = sheet_of("example")
    read = json.loads(sheet.files["matrices.json"])
    assert list(read) == list(sheet.matrices) == ["A", "B", "D", "b_A", "c_A", "b_B", "c_B", "b_D"]
    for name, values in read.items():
        np.testing.assert_array_equal(values, sheet.matrices[name])
        assert sheet.matrices[name].dtype == np.int64


def test_an_id_has_one_form() -> None:
    assert TASK.draw(" S0000001 ").files == sheet_of("s0000001").files
    with pytest.raises(InputError, match="the student's id is ''"):
        TASK.draw("")


def test_two_hundred_ids_have_two_hundred_tasks() -> None:
    assert len({sheet_of(student).files["matrices.json"] for student in IDS}) == 200
    # not even one of the matrices is shared by many
    for name in ("A", "B", "D"):
        assert len({sheet_of(student).matrices[name].tobytes() for student in IDS}) >= 195


def test_two_hundred_tasks_are_solvable_and_every_answer_is_accepted() -> None:
    for student in IDS:
        assert not not_right(solved(student), student), student


def test_two_hundred_tasks_are_neat() -> None:
    for student in IDS:
        matrices = sheet_of(student).matrices
        for name, (shape, rank) in {"A": ((4, 3), 2), "B": ((3, 4), 2), "D": ((3, 3), 3)}.items():
            assert matrices[name].shape == shape
            assert np.abs(matrices[name]).max() <= 9
            A = rows(matrices[name])
            form, pivots = echelon(A)
            assert len(pivots) == rank
            assert all(max(abs(q.numerator), q.denominator) <= 6 for row in form for q in row)
            assert all(q.denominator <= 210 for row in pseudo_inverse(A) for q in row)
            squares = squares_of(A)  # integers, all different: or it raises
            assert squares == sorted(squares, reverse=True)
            assert squares[0] <= 500
        for side in ("b_A", "c_A", "b_B", "c_B", "b_D"):
            assert 0 < np.abs(matrices[side]).max() <= 24


def test_projectors_and_least_squares_are_neat_too() -> None:
    for student in IDS[:50]:
        answers = solved(student)
        for name in "AB":
            assert all(isinstance(x, int) for x in answers["systems"][name]["x_plus"])
            for P in answers["projectors"][name].values():
                assert all(Fraction(q).denominator <= 120 for row in P for q in row)


def test_a_drawn_matrix_knows_its_singular_values_and_its_inverse() -> None:
    for i in range(20):
        matrix = drawn_matrix(Draw("test", str(i)), 3, 4, 2)
        exact = rows(matrix.rows)
        assert sorted(matrix.squares, reverse=True) == squares_of(exact)
        assert [list(row) for row in matrix.inverse] == pseudo_inverse(exact)


def two_terms(c: int, u1: Vector, v1: Vector, u2: Vector, v2: Vector, u3: Vector) -> Drawn:
    return Drawn((u1, u2, u3), (v1, v2, (0, 0, 0)), (c, 1))


def test_each_bound_of_neatness_is_looked_at() -> None:
    one, two, three = (1, 1, 1), (1, 0, -1), (1, -2, 1)
    assert neat(two_terms(6, one, one, two, two, three))  # s^2 = 36 3 3, A+ of 108ths
    assert not neat(two_terms(7, one, one, two, two, three))  # A+ of 252ths
    assert not neat(two_terms(8, one, one, two, two, three))  # s^2 = 576, A+ of 72ths
    assert not neat(two_terms(9, one, one, two, two, three))  # an entry of 10
    for free, good in ((6, True), (7, False)):  # the reduced form has (1, 0, -free) in it
        assert neat(two_terms(1, two, (1, 0, -free), (1, 3, 1), (0, 1, 0), (3, -2, 3))) == good
    assert not neat(two_terms(1, (1, 1, -2), two, one, one, (1, -1, 0)))  # rows like each other


def test_a_matrix_of_full_rank_has_nothing_outside() -> None:
    draw = Draw("test")
    assert drawn_system(draw, drawn_matrix(draw, 3, 3, 3)).outside is None


# Right answers of every kind


def test_the_solution_worked_on_paper_is_right_in_every_part() -> None:
    answers = solved("example")
    for part in CHECKED:
        findings = found(part.key, answers[function_of(part.key)])
        assert share_of(findings.values()) == 1, [f for f in findings.values() if f.says]


def test_decimals_with_four_significant_digits_are_right() -> None:
    for student in ["example", *IDS[:40]]:
        typed = each_number(solved(student), four_digits)
        assert not not_right(typed, student), (student, not_right(typed, student))


def test_floats_that_a_program_gives_are_right() -> None:
    for student in IDS[:20]:
        computed = each_number(solved(student), lambda q: number(q, "x"))
        assert not not_right(computed, student), student


def test_noise_of_a_program_beside_its_zeros_is_right() -> None:
    def noisy(q: Any) -> float:
        return number(q, "x") * (1 + 3e-16) + 2e-16

    for student in IDS[:20]:
        assert not not_right(each_number(solved(student), noisy), student), student


def test_the_svd_of_numpy_in_its_signs_is_right() -> None:
    for student in IDS[:20]:
        answers = {"singular_values_and_vectors": {}, "rank_one_terms": {}, "pseudo_inverses": {}}
        for name, r in (("A", 2), ("B", 2), ("D", 3)):
            A = sheet_of(student).matrices[name].astype(float)
            U, s, Vh = np.linalg.svd(A)
            answers["singular_values_and_vectors"][name] = {
                "s": s[:r].tolist(), "u": U.T[:r].tolist(), "v": Vh[:r].tolist()
            }  # fmt: skip
            answers["rank_one_terms"][name] = [
                (s[i] * np.outer(U[:, i], Vh[i])).tolist() for i in range(r)
            ]
            answers["pseudo_inverses"][name] = np.linalg.pinv(A, rcond=1e-10).tolist()
        for key in ("5", "6", "7"):
            assert share_of(found(key, answers[function_of(key)], student).values()) == 1


def combined(vectors: list[list[Any]], chance: random.Random) -> list[list[float]]:
    """Another basis: integer combinations with a determinant that is not 0, scaled."""
    V = np.array([[number(x, "x") for x in v] for v in vectors])
    while True:
        M = np.array([[chance.randint(-3, 3) for _ in V] for _ in V])
        if abs(np.linalg.det(M)) > 0.5:
            scale = chance.choice([0.01, 0.5, 1, 7, 1000])
            return (scale * M @ V).tolist()  # type: ignore[no-any-return]


def test_any_basis_is_right() -> None:
    chance = random.Random(1)
    for student in ["example", *IDS[:20]]:
        answers = solved(student)["bases"]
        for bases in answers.values():
            for key, vectors in bases.items():
                bases[key] = combined(vectors, chance) if vectors else []
        for typed in (answers, each_number(answers, four_digits)):
            findings = found("3", typed, student)
            assert share_of(findings.values()) == 1, (student, findings)


def test_either_sign_of_a_pair_of_singular_vectors_is_right() -> None:
    chance = random.Random(2)
    for student in ["example", *IDS[:20]]:
        answers = solved(student)["singular_values_and_vectors"]
        for answer in answers.values():
            for u, v in zip(answer["u"], answer["v"], strict=True):
                if chance.random() < 0.5:
                    u[:] = [f"-({x})" for x in u]
                    v[:] = [f"-({x})" for x in v]
        assert share_of(found("5", answers, student).values()) == 1


def test_columns_times_rows_of_part_1_are_rank_1_terms() -> None:
    for student in ["example", *IDS[:20]]:
        factors = solved(student)["rref_and_cr"]
        terms: Answers = {}
        for name, answer in factors.items():
            C, R = (np.array(each_number(answer[key], lambda q: number(q, "x"))) for key in "CR")
            terms[name] = [np.outer(c, r).tolist() for c, r in zip(C.T, R, strict=True)]
        assert share_of(found("6", terms, student).values()) == 1
        typed = each_number(terms, four_digits)
        assert share_of(found("6", typed, student).values()) == 1


def test_any_solution_of_a_system_that_has_many_is_right() -> None:
    for student in ["example", *IDS[:20]]:
        answers = solved(student)
        for name in ("A", "B"):
            x = [number(q, "x") for q in answers["systems"][name]["x"]]
            n = [number(q, "n") for q in answers["bases"][name]["null space"][0]]
            answers["systems"][name]["x"] = [a - 3.5 * b for a, b in zip(x, n, strict=True)]
        assert share_of(found("8", answers["systems"], student).values()) == 1


def test_roots_are_right_in_any_spelling() -> None:
    def respelled(q: Any) -> Any:
        return (
            q.replace("sqrt(", "√(").replace("*√", "√").replace("-", "−")
            if isinstance(q, str)
            else q
        )

    answers = each_number(solved("s0000003"), respelled)
    assert "√" in json.dumps(answers, ensure_ascii=False)
    assert not not_right(answers, "s0000003")


def test_the_solution_imports_nothing_that_the_task_refuses() -> None:
    tree = ast.parse(program_text("example"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert program_text("s0000001").startswith(
        'TASK = "matrix_fundamentals"\nSTUDENT = "s0000001"\nVERSION = 1'
    )


def test_what_hands_over_an_answer_is_refused() -> None:
    for name in (
        "numpy.linalg.svd",
        "numpy.linalg.norm",
        "numpy.matrix",
        "numpy.polyfit",
        "scipy",
        "ddasp",
    ):
        assert not may_use(name, TASK.allowed, TASK.refused), name
    for name in ("numpy.array", "numpy.sqrt", "fractions.Fraction", "itertools", "math", "json"):
        assert may_use(name, TASK.allowed, TASK.refused), name
