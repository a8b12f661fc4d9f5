"""Checks by the one who answers: verdicts for any answer, the same values as from another process."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddasp.homework
from ddasp._errors import InputError, RunError
from ddasp.homework import checking, exercises, tasks
from ddasp.homework.checking import Checked, Verdict, check, check_file, lines
from ddasp.homework.exercises import find
from ddasp.homework.parts import (
    BY_HAND,
    NOT_ATTEMPTED,
    NOT_YET,
    RIGHT,
    Call,
    Exercise,
    Finding,
    Part,
    Sheet,
    Task,
)
from ddasp.homework.progress import progress
from ddasp.homework.reading.programs import Cell
from ddasp.homework.results import PartResult, Result
from ddasp.homework.running.execution import Limits, execute

STUDENT = "s0123456"


def level_dbfs(x: np.ndarray) -> float:
    return float(20.0 * np.log10(max(np.sqrt(np.mean(np.square(x))), 1e-6)))


def natural(x: np.ndarray) -> float:
    return float(max(20.0 * np.log(np.sqrt(np.mean(np.square(x))) + 1e-300), -120.0))


# ------------------------------------------------------------------ exercises


def test_a_right_answer_is_true_and_offers_no_hints() -> None:
    verdict = ddasp.homework.check("audio_levels.1", level_dbfs)
    assert verdict.right
    assert bool(verdict) is True
    assert verdict.share == 1.0
    assert str(verdict).startswith("audio_levels.1: right\n  ✓ decibels\n")
    assert "hint" not in str(verdict).lower()


def test_a_wrong_answer_names_the_property_and_says_that_there_are_hints() -> None:
    verdict = check("audio_levels.1", natural)
    assert not verdict
    assert 0.0 < verdict.share < 1.0
    assert "audio_levels.1: not yet, 3 of 6 items right" in str(verdict)
    assert "◐ decibels - not yet: ten times the amplitude" in str(verdict)
    assert "There are two hints: hint=1" in str(verdict)
    assert repr(verdict) == str(verdict)
    assert max(map(len, str(verdict).splitlines())) <= 100


def test_nothing_is_not_attempted_and_said_in_one_line() -> None:
    verdict = check("svd_four_subspaces.1", None)
    assert verdict.status == NOT_ATTEMPTED
    assert "  ○ not attempted: null space, left null space, rank\n" in str(verdict)


@pytest.mark.parametrize("hint", [1, 2])
def test_a_hint_is_given_when_it_is_asked_for(hint: int) -> None:
    verdict = check("gradient_descent.1", 5, hint=hint)
    assert verdict.hint == find("gradient_descent.1").hints[hint - 1]
    assert "Hint: " in str(verdict)
    assert "There are two hints" not in str(verdict)
    assert check("gradient_descent.1", 5).hint == ""


@pytest.mark.parametrize("hint", [3, -1, True, "1", 1.5, None, [1]])
def test_there_is_no_other_hint(hint: Any) -> None:
    with pytest.raises(InputError, match=r"hint is .*; expected 0, 1 or 2"):
        check("gradient_descent.1", 5, hint=hint)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("svd_four_subspace.2", "did you mean 'svd_four_subspaces.2'"),
        ("audio_levels", "LESSON.NUMBER, as at the end of each lesson"),
        ("", "TASK.PART of matrix_fundamentals, regression_with_nonlinear_model$"),
        ("matrix_fundamental.1", "did you mean 'matrix_fundamentals.1'"),
        ("audio_levels.4", "exercise is 'audio_levels.4'.*audio_levels.3"),
        ("matrix_fundamentals.99", "part of matrix_fundamentals is '99'; expected one of 1, 2"),
        ("x" * 100_000, "name is 'xxx"),
        (None, "name is None"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(name: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        check(name, None, student=STUDENT if str(name).startswith("matrix") else "")


def test_a_judge_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(answer: Any) -> list[Finding]:
        raise RuntimeError("no")

    broken = Exercise("audio_levels.1", "", judge, ("a", "b"))
    monkeypatch.setattr(exercises, "find", lambda name: broken)
    verdict = check("audio_levels.1", 1)
    assert verdict.findings[0].says == "the answer can't be judged (RuntimeError)"


def test_an_interrupted_answer_is_not_judged() -> None:
    def endless(x: np.ndarray) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("audio_levels.1", endless)


# ------------------------------------------------------------------ how it is shown


def hostile(x: np.ndarray) -> float:
    raise ValueError("<script>alert(1)</script>\x1b[31m\n\u202e&\ud800")


def test_foreign_words_can_neither_run_in_a_page_nor_command_a_terminal() -> None:
    verdict = check("audio_levels.1", hostile)
    page = verdict._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [31m &amp;" in page
    for text in (page, str(verdict)):
        assert all(c.isprintable() or c == "\n" for c in text)
        text.encode("utf-8")


def test_a_notebook_shows_marks_words_hint_and_no_colours_of_its_own() -> None:
    page = Verdict(
        "a.1", (Finding("b", RIGHT), Finding("c", NOT_YET, "d")), "e", ("f",)
    )._repr_html_()
    for part in (
        "<strong>a.1: not yet, 1 of 2 items right</strong>",
        "<li>✓ b</li>",
        "Hint: e",
        ">f<",
    ):
        assert part in page
    assert "<li>◐ c - not yet: d</li>" in page
    assert "#" not in page
    assert "background" not in page


# ------------------------------------------------------------------ parts of a task


def sheet_of(student: str) -> Sheet:
    return Sheet(student, {"A": np.array([[1, 2], [3, 4]])})


def calls(sheet: Sheet, draw: Any) -> list[Call]:
    A = sheet.matrices["A"]
    return [
        Call("total", (A,)),
        Call("total", (draw.between(2, 9) * A,)),
        Call("size", ([A, (1, 2)],)),
    ]


def judge(sheet: Sheet, asked: Any, outcomes: Any) -> list[Finding]:
    expected = [float(call.arguments[0].sum()) for call in asked[:2]] + [4]
    return [
        Finding(f"{call.function} {i}", RIGHT)
        if outcome.status == "value" and outcome.value == value
        else Finding(
            f"{call.function} {i}",
            NOT_YET if outcome.status != "not attempted" else NOT_ATTEMPTED,
            outcome.says or f"the sum is not {type(outcome.value).__name__}",
        )
        for i, (call, outcome, value) in enumerate(zip(asked, outcomes, expected, strict=True))
    ]


STUB = (
    "def total(A):\n    raise NotImplementedError\n\ndef size(x):\n    raise NotImplementedError\n"
)
TOY = Task(
    "toy",
    "A toy",
    3,
    "",
    (
        Part("1", "Sums", "", 4.0, ("add", "add all"), STUB, calls, judge),
        Part("2", "On paper", "", 2.0, files=("paper.pdf",)),
        Part("3", "One", "", 1.0, (), STUB, lambda s, d: calls(s, d)[:1], lambda s, c, o: judge(
            s, [*c, *calls(s, NO_DRAW)[1:]], [*o, *[o[0]] * 2])[:1]),
    ),
    sheet_of,
)  # fmt: skip


class _NoDraw:
    def between(self, low: int, high: int) -> int:
        return low


NO_DRAW = _NoDraw()


@pytest.fixture
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    load = tasks.load
    monkeypatch.setattr(tasks, "NAMES", (*tasks.NAMES, "toy"))
    monkeypatch.setattr(tasks, "load", lambda name: TOY if name == "toy" else load(name))


def total(A: np.ndarray) -> Any:
    return A.sum()


def size(x: Any) -> int:
    assert isinstance(x, list)
    assert x[1] == [1, 2]
    return int(x[0].size)


@pytest.mark.usefixtures("_toy")
def test_a_part_takes_its_functions_by_name() -> None:
    assert check("toy.1", {"total": total, "size": size}, student=STUDENT).right
    verdict = check("toy.1", {"total": total}, student=STUDENT)
    assert [f.status for f in verdict.findings] == [RIGHT, RIGHT, NOT_ATTEMPTED]
    assert "there is no function size" in str(verdict)


@pytest.mark.usefixtures("_toy")
def test_a_part_with_one_function_takes_it_alone() -> None:
    assert check("toy.3", total, student=STUDENT).right
    assert check("toy.3", {"total": total, "other": 1}, student=STUDENT).right


@pytest.mark.usefixtures("_toy")
@pytest.mark.parametrize(
    ("name", "answer", "says"),
    [
        ("toy.1", total, "expected the functions as {'total': total, 'size': size}"),
        (
            "toy.3",
            10,
            "the answer is 10; expected its function, or the functions as {'total': total}",
        ),
        ("toy.3", {"sum": total}, "the answer names 'sum'; expected"),
        ("toy.3", {"total": 10}, "total is 10; expected a function"),
        ("toy.3", lambda A: 1 / 0, "total: it raised ZeroDivisionError in line [0-9]+ of <lambda>"),
        ("toy.3", lambda A: {1}, "total: it gave set; expected numbers"),
        ("toy.3", lambda A: None, "total gave None - is the return missing"),
        ("toy.3", lambda A, b: 1, "total: it raised TypeError"),
        ("toy.3", lambda A: "word", "the sum is not str"),
    ],
)
def test_what_is_no_answer_to_a_part_is_said(name: str, answer: Any, says: str) -> None:
    verdict = check(name, answer, student=STUDENT)
    assert not verdict.right
    assert any(re.search(says, finding.says) for finding in verdict.findings), verdict


@pytest.mark.usefixtures("_toy")
def test_nothing_is_not_attempted_in_a_part_either() -> None:
    def stub(A: np.ndarray) -> Any:
        raise NotImplementedError("Task 1.3: total")

    for answer in (None, {}, {"total": stub}, {"total": None}):
        assert check("toy.3", answer, student=STUDENT).status == NOT_ATTEMPTED


@pytest.mark.usefixtures("_toy")
def test_a_part_on_paper_is_read_by_the_lecturer() -> None:
    verdict = check("toy.2", None, student=STUDENT, hint=1)
    assert verdict.status == BY_HAND
    assert not verdict.right
    assert "On paper - read by the lecturer: to be handed in: paper.pdf" in str(verdict)
    assert "There is no such hint here." in str(verdict)


@pytest.mark.usefixtures("_toy")
def test_a_task_is_drawn_from_an_id_so_it_asks_for_one() -> None:
    with pytest.raises(InputError, match=r"student is missing.*check\('toy.1', answer, student="):
        check("toy.1", total)
    with pytest.raises(InputError, match="the student's id is"):
        check("toy.1", total, student="?")


def test_where_a_lesson_and_a_task_have_one_name_the_id_means_the_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exercise = Exercise(
        "matrix_fundamentals.1", "", lambda a: [Finding("of the lesson", RIGHT)], ()
    )
    monkeypatch.setattr(exercises, "LESSONS", (*exercises.LESSONS, "matrix_fundamentals"))
    monkeypatch.setattr(exercises, "find", lambda name: exercise)
    assert check("matrix_fundamentals.1", 1).findings[0].item == "of the lesson"
    assert check("matrix_fundamentals.1", None, student=STUDENT).findings[0].item != "of the lesson"


GIVEN = """
import numpy as np
from fractions import Fraction
def array(): return np.arange(6).reshape(2, 3)
def whole(): return np.int64(3)
def real(): return np.float32(0.1)
def fraction(): return [Fraction(1, 3), (1, True)]
def nested(): return {"a": {"b": np.array([0.5, np.nan])}, "c": "1/2"}
def nothing(): return None
def stub(): raise NotImplementedError("Task 2.1: stub")
def unreadable(): return {1, 2}
def complex_number(): return 1j
def wrong(): raise ValueError("no")
def words(): return np.array(["a", "b"])
def kinds(x): return [str(x[0].dtype), list(x[0].shape), str(x[1]["b"].dtype), type(x[2]).__name__]
"""


def test_a_call_here_gives_what_a_call_in_another_process_gives() -> None:
    names = [line.split()[1].split("(")[0] for line in GIVEN.splitlines() if line[:3] == "def"]
    argument = [np.zeros((2, 1), np.float32), {"b": np.array([1], np.int8)}, (1, 2)]
    asked = [Call(name, (argument,) if name == "kinds" else ()) for name in names]
    there = execute(
        [Cell("cell 1", GIVEN)],
        asked,
        files={},
        allowed=("numpy", "fractions"),
        refused=(),
        limits=Limits(),
        sandbox=None,
    ).outcomes
    known: dict[str, Any] = {}
    exec(GIVEN, known)
    here = checking._outcomes({name: known[name] for name in names}, asked)
    assert {a.status for a in here} == {"value", "failed", "not attempted"}
    for name, a, b in zip(names, here, there, strict=True):
        assert a.status == b.status, name
        assert repr(a.value) == repr(b.value), name
    assert here[names.index("fraction")].value == ["1/3", [1, True]]
    assert known["fraction"]()[0] == Fraction(1, 3)


# ------------------------------------------------------------------ the record


def test_a_check_is_kept_in_the_record() -> None:
    check("gradient_descent.1", 1.0)
    assert progress()["seen"]["gradient_descent.1"]["status"] == NOT_YET
    check("gradient_descent.1", "10/9")
    assert progress()["seen"]["gradient_descent.1"]["status"] == RIGHT


def test_a_record_that_cannot_be_kept_is_said_and_the_verdict_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    verdict = check("gradient_descent.1", "10/9")
    assert verdict.right
    assert str(verdict).count("the progress could not be saved") == 1


# ------------------------------------------------------------------ files

HEADER = f'TASK = "matrix_fundamentals"\nSTUDENT = "{STUDENT}"\nVERSION = {{version}}\n'


@pytest.fixture
def homework(tmp_path: Path) -> Path:
    """A file whose ranks are right, whose elimination fails, and nothing else."""
    task = tasks.load("matrix_fundamentals")
    ranks = {
        name: int(np.linalg.matrix_rank(A.astype(float)))
        for name, A in task.draw(STUDENT).matrices.items()
        if A.ndim == 2 and min(A.shape) > 1
    }
    text = HEADER.format(version=task.version) + (
        f"import numpy as np\nimport os\nprint('a \\x1b[31mword')\ndef ranks():\n    return {ranks}\n"
        "def rref_and_cr():\n    return {'A': {'C': np.eye(17).tolist()}}\n"
        "def bases():\n    raise NotImplementedError('Task 1.3: bases')\n"
    )
    path = tmp_path / "homework.py"
    path.write_text(text)
    return path


def test_a_file_is_told_part_by_part(homework: Path) -> None:
    checked = check_file(homework)
    text = "\n".join(checked.lines)
    states = {part.key: part.status for part in checked.result.parts}
    assert (states["1"], states["2"], states["3"]) == (NOT_YET, RIGHT, NOT_ATTEMPTED)
    assert not checked.right
    assert "✓ 2 Rank - 3 of 3 points" in text
    assert "◐ 1 Elimination" in text
    assert "A: C - not yet: " in text
    assert "○ 3 Bases of the four subspaces - not attempted, 8 points" in text
    assert "✎ 9 On paper - read by the lecturer, up to 6 points" in text
    assert "no file paper.pdf was handed in" in text
    assert "os may not be imported" in text
    assert "[31mword" in text
    assert "\x1b" not in text
    assert "1 of 8 parts right, 3 of 54 points with inputs for practice." in checked.lines[-2]
    assert "The lecturer reads part 9 (6 points)" in checked.lines[-2]
    assert checked.lines[-1] == f"As a page: {checked.card}"
    page = homework.with_name("homework_card.html").read_text(encoding="utf-8")
    assert checked.card == str(homework.with_name("homework_card.html"))
    assert "Rank" in page
    assert "\x1b" not in page
    assert progress()["seen"]["task matrix_fundamentals.2"]["status"] == RIGHT


def test_what_lies_beside_a_file_counts_as_handed_in(homework: Path) -> None:
    homework.with_name("paper.pdf").write_bytes(b"%PDF")
    checked = check_file(str(homework), hint_for="2", hint=1)
    assert checked.result.files == ("paper.pdf",)
    assert check_file(homework).result.files == (
        "paper.pdf",
    )  # the page of the first check is none
    text = " ".join(" ".join(checked.lines).split())
    assert "handed in: paper.pdf" in text
    assert checked.hint == tasks.load("matrix_fundamentals").part("2").hints[0]
    assert f"Hint: {tasks.load('matrix_fundamentals').part('2').hints[0]}" in text


def test_a_page_that_cannot_be_written_is_said_and_the_result_stands(
    homework: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, text: str) -> None:
        raise RunError("E-DISK", "no space")

    monkeypatch.setattr("ddasp._files.write_text", refuse)
    checked = check_file(homework)
    assert checked.card == ""
    assert checked.lines[-1] == "the page is not written: no space"
    assert {part.key: part.status for part in checked.result.parts}["2"] == RIGHT


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hint_for": "2"}, "hint is 0; expected 1 or 2 for part 2"),
        ({"hint_for": "2", "hint": 3}, "hint is 3"),
        ({"hint_for": "99", "hint": 1}, "the part for a hint is '99'"),
        ({"hint": 1}, "the part for a hint is ''"),
    ],
)
def test_a_hint_that_there_is_not_is_refused_before_anything_runs(
    homework: Path, options: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ddasp.homework.assessing.assess", None)
    with pytest.raises(InputError, match=says):
        check_file(homework, **options)


def test_a_sheet_of_another_version_is_not_compared_with_this_one(tmp_path: Path) -> None:
    path = tmp_path / "homework.py"
    path.write_text(HEADER.format(version=99))
    with pytest.raises(
        InputError, match=r"E-SUBMISSION: homework.py has VERSION 99.*ddasp homework new"
    ):
        check_file(path)


def test_what_is_no_file_of_homework_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"E-PATH-MISSING: .*none.py does not exist"):
        check_file(tmp_path / "none.py")
    with pytest.raises(InputError, match=r"E-PATH-TYPE: .* is no file"):
        check_file(tmp_path)
    (tmp_path / "notes.py").write_text("x = 1\n")
    with pytest.raises(InputError, match=r"E-SUBMISSION: .*TASK"):
        check_file(tmp_path / "notes.py")
    (tmp_path / "notes.txt").write_text("x = 1\n")
    with pytest.raises(InputError, match=r"E-SUBMISSION: notes.txt is no program"):
        check_file(tmp_path / "notes.txt")


def test_a_file_that_may_not_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "homework.py"
    path.write_text("")

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"E-PATH-PERM: .* can't be read: Permission denied"):
        check_file(path)


def result_of(*parts: PartResult, **more: Any) -> Result:
    return Result(STUDENT, "toy", 3, parts, **more)


def test_a_file_is_right_when_all_is_that_can_be_checked_here() -> None:
    right = PartResult("1", "Sums", 4.0, False, (Finding("a", RIGHT),))
    paper = PartResult("2", "On paper", 2.0, True, (Finding("paper.pdf", NOT_ATTEMPTED),))
    assert Checked(result_of(right, paper), ()).right
    wrong = PartResult("3", "One", 1.0, False, (Finding("a", RIGHT), Finding("b", NOT_YET, "c")))
    assert not Checked(result_of(right, paper, wrong), ()).right


def test_points_of_a_part_follow_its_share() -> None:
    two = (
        Finding("a", RIGHT, weight=3.0),
        Finding("b", NOT_YET, "c is 2"),
        Finding("d", NOT_ATTEMPTED),
    )
    paper = PartResult("2", "On paper", 2.0, True, (Finding("paper.pdf", BY_HAND, "handed in: p"),))
    said = lines(result_of(PartResult("1", "Sums", 4.0, False, two), paper), TOY)
    assert said[:6] == [
        "A toy (toy), s0123456",
        "◐ 1 Sums - 2.4 of 4 points",
        "    ◐ b - not yet: c is 2",
        "    ○ not attempted: d",
        "✎ 2 On paper - read by the lecturer, up to 2 points",
        "    ✎ paper.pdf - read by the lecturer: handed in: p",
    ]
    assert " ".join(said[6].split()) == (
        "0 of 1 parts right, 2.4 of 4 points with inputs for practice. "
        "The lecturer reads part 2 (2 points)."
    )


def test_long_prints_and_problems_are_cut_to_what_one_reads() -> None:
    part = PartResult("1", "Sums", 4.0, False, (Finding("a", RIGHT),))
    printed = "\n".join(f"line {i} " + "x" * 500 for i in range(50))
    said = lines(
        result_of(
            part,
            problems=("cell 1: \x07no", "cell 2: all of it (tagged not-graded)"),
            printed=printed,
        ),
        TOY,
    )
    assert said[2:6] == [
        "Problems:",
        "  ! cell 1: no",
        "Not looked at:",
        "  - cell 2: all of it (tagged not-graded)",
    ]
    assert sum(line.startswith("  | ") for line in said) == 11
    assert max(map(len, said)) <= 104
    assert said[1] == "✓ 1 Sums - 4 of 4 points"


def test_what_is_said_of_many_items_is_said_once() -> None:
    says = "it gave set"
    items = tuple(Finding(name, NOT_YET, says) for name in "abcd")
    told = str(Verdict("x.1", (*items, Finding("e", NOT_YET, "other"), Finding("f", RIGHT))))
    assert told.splitlines()[1:] == [
        "  ◐ a and 3 more - not yet: it gave set",
        "  ◐ e - not yet: other",
        "  ✓ f",
    ]
    two = str(Verdict("x.1", items[:2]))
    assert two.count(says) == 2


def test_a_function_that_is_missing_is_named_and_a_stub_is_not_spoken_of() -> None:
    task = tasks.load("matrix_fundamentals")
    for says, more in (("there is no function ranks", 1), ("the rank", 0), ("", 0)):
        part = PartResult(
            "2", "Rank", 3.0, False, tuple(Finding(f"{x}: rank", NOT_ATTEMPTED, says) for x in "AB")
        )
        told = lines(Result(STUDENT, task.name, 1, (part,)), task)
        assert told[1] == "○ 2 Rank - not attempted, 3 points"
        assert told[2:-1] == ["    ○ there is no function ranks"] * more
