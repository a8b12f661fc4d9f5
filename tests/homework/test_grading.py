"""Grading a class: points by hand-worked examples, what is run anew, what survives, what is flagged."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ddasp
from ddasp._errors import InputError, RunError
from ddasp._files import digest_file, lock, to_json
from ddasp._progress import Silent
from ddasp.homework import assessing, tasks
from ddasp.homework.grades import folder as grades_folder
from ddasp.homework.grades import grading
from ddasp.homework.grades.grading import UNSANDBOXED, Graded, grade
from ddasp.homework.grades.marking import flags_of_pairs
from ddasp.homework.grades.settings_file import load
from ddasp.homework.reading.similarity import Pair
from ddasp.homework.results import Grade
from ddasp.homework.running.execution import Limits

from .grading_example import HALF, NAME, RIGHT, TASK, WRONG, hand_in, program, run_here

SALT = "0123456789abcdef"
AT = 1_800_000_000.0  # 2027-01-15T08:00:00Z
DAY = 86_400.0
DEADLINE = "deadline = 2027-01-15T08:00:00+00:00\n"
MALICE = 'raise SystemError("the grader broke")'


class Confined:
    """Stands for the sandbox where nothing foreign runs."""

    @staticmethod
    def words(limits: Limits) -> tuple[str, ...]:
        return ("nothing foreign runs here", f"{limits.seconds:g} s")

    @staticmethod
    def find() -> Confined:
        return Confined()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The task of the example, run here; the students whose code ran."""
    ran: list[str] = []

    def execute(cells: Sequence[Any], calls: Sequence[Any], **options: Any) -> Any:
        names: dict[str, Any] = {}
        exec(cells[0].source.partition("\n\n\n")[0], names)
        ran.append(names["STUDENT"])
        return run_here(cells, calls, **options)

    monkeypatch.setattr(tasks, "load", lambda name: TASK)
    monkeypatch.setattr(assessing, "execute", execute)
    monkeypatch.setattr(grading, "Sandbox", Confined)
    monkeypatch.setattr(grading, "_source", lambda: "source")
    return ran


class Class:
    """A folder of submissions and one of grades."""

    def __init__(self, folder: Path) -> None:
        self.handed_in, self.out = folder / "handed_in", folder / "grades"
        self.handed_in.mkdir()

    def says(
        self, text: str = "", *, head: str = "", salt: str = SALT, rounding: float = 0
    ) -> None:
        """Write homework.toml."""
        self.out.mkdir(exist_ok=True)
        (self.out / "homework.toml").write_text(
            f'[homework]\ntask = "{NAME}"\nsalt = "{salt}"\nrounding = {rounding}\n{head}\n{text}'
        )

    def adds(self, name: str, text: str, **options: Any) -> Path:
        return hand_in(self.handed_in, name, text, **options)

    def graded(self, **options: Any) -> Graded:
        options = {"n_workers": 2, "progress": Silent()} | options
        return grade(self.handed_in, self.out, **options)

    def line(self, student: str, **options: Any) -> Grade:
        (found,) = [g for g in self.graded(**options).grades if g.student == student]
        return found

    def table(self) -> dict[str, dict[str, str]]:
        with open(self.out / "grades.csv", newline="", encoding="utf-8") as file:
            return {row["submission"]: row for row in csv.DictReader(file)}


@pytest.fixture
def pictured(tmp_path: Path, counted: list[str]) -> Class:
    """With the pages as people see them."""
    return Class(tmp_path)


@pytest.fixture
def school(pictured: Class, monkeypatch: pytest.MonkeyPatch) -> Class:
    """With pages that are quickly written: facts and problems alone."""

    def card(result: Any, task: Any, *, facts: Any, **_: Any) -> str:
        return "\n".join([*(f"{name}: {text}" for name, text in facts), *result.problems])

    def summary(task: Any, grades: Any, pairs: Any, *, facts: Any, links: Any) -> str:
        return "\n".join([*(f"{name}: {text}" for name, text in facts), *links.values()])

    monkeypatch.setattr(grades_folder, "card_page", card)
    monkeypatch.setattr(grades_folder, "summary_page", summary)
    return pictured


def has(found: Grade, words: str) -> bool:
    return any(words in flag for flag in found.flags)


# --- points --------------------------------------------------------------------------------


def test_points_of_a_worked_example(school: Class) -> None:
    # Weights 2, 8, 3, 1. Part 2 has items of weight 3 (right) and 1 (wrong): 8 x 3/4 = 6.
    # By hand 2.5 of 3; no essay was handed in: 0. Reached 2 + 6 + 2.5 = 10.5 of 14.
    # Two days late at a tenth each: 2.1 off, 8.4 left, to halves 8.5.
    school.says(
        '[late]\nper_day = 0.1\n[weights]\n"2" = 8\n[points.s1]\n"3" = 2.5\n',
        head=DEADLINE,
        rounding=0.5,
    )
    school.adds("s1.py", program("s1", HALF), at=AT + DAY + 1)
    found = school.line("s1")
    assert found.points == {"1": 2.0, "2": 6.0, "3": 2.5, "4": 0.0}
    assert (found.total, found.most, found.late_days) == (8.5, 14.0, 2.0)
    assert found.deduction == pytest.approx(2.1)
    assert found.flags == ("late by 2 days",)
    row = school.table()["s1.py"]
    assert [row[f"part {k}"] for k in "1234"] == ["2", "6", "2.5", "0"]
    assert (row["total"], row["late days"], row["deduction"]) == ("8.5", "2", "2.1")


def test_points_that_the_lecturer_has_not_entered_are_missing_and_said_to_be(
    pictured: Class,
) -> None:
    pictured.says()
    pictured.adds("s1", program("s1"), essay="I think so.")
    found = pictured.line("s1")
    assert found.points == {"1": 2.0, "2": 4.0, "3": None, "4": None}
    assert found.total == 6.0
    assert has(found, "points of parts 3, 4 are missing: the total is preliminary")
    assert pictured.table()["s1"]["part 4"] == ""
    assert "preliminary" in (pictured.out / "feedback" / "s1.html").read_text()


def test_what_was_found_can_be_overruled_and_it_shows(school: Class) -> None:
    school.says('[points.s1]\n"1" = 1.5\n"3" = 0\n"4" = 1\n')
    school.adds("s1.py", program("s1"))
    found = school.line("s1")
    assert found.points == {"1": 1.5, "2": 4.0, "3": 0.0, "4": 1.0}
    assert found.flags == ("points of part 1 are the lecturer's: 1.5 in place of 2",)


@pytest.mark.parametrize(
    ("seconds", "days", "off"),
    [(0, 0, 0.0), (60, 0, 0.0), (61, 1, 1.5), (DAY + 1, 2, 3.0), (40 * DAY, 40, 3.0)],
)
def test_lateness_counts_from_when_it_was_received(
    school: Class, seconds: float, days: int, off: float
) -> None:
    school.says(
        '[late]\nper_day = 0.25\nat_most = 0.5\ngrace_minutes = 1\n[points.s1]\n"3" = 0\n',
        head=DEADLINE,
    )
    school.adds("s1.py", program("s1"), at=AT + seconds)
    found = school.line("s1")
    assert (found.late_days, found.deduction, found.total) == (days, off, 6.0 - off)
    assert has(found, "late by") == bool(days)


@pytest.mark.parametrize(
    ("first", "third", "total"),
    [
        (2.2, 3, 10.2),  # all of 10.2 is not rounded down to 10
        (2.4, 3, 10.4),  # nor up to 10.5
        (2.4, 2.9, 10.4),  # 10.3 would be rounded to 10.5, above the most
        (2.4, 2.6, 10.0),
    ],
)
def test_all_points_are_all_points_and_none_are_above_them(
    school: Class, first: float, third: float, total: float
) -> None:
    school.says(f'[weights]\n"1" = {first}\n[points.s1]\n"3" = {third}\n"4" = 1\n', rounding=0.5)
    school.adds("s1.py", program("s1"))
    assert school.line("s1").total == total


# --- what runs -----------------------------------------------------------------------------


def test_what_is_known_is_not_run_again(pictured: Class, counted: list[str]) -> None:
    pictured.says()
    for k in range(5):
        pictured.adds(f"s{k}.py", program(f"s{k}", HALF if k % 2 else RIGHT))
    first = pictured.graded()
    table = (pictured.out / "grades.csv").read_bytes()
    pages = {p.name: p.read_bytes() for p in (pictured.out / "feedback").iterdir()}
    summary = (pictured.out / "summary.html").read_bytes()
    assert (first.n_new, first.n_known) == (5, 0)
    second = pictured.graded()
    assert (second.n_new, second.n_known) == (0, 5)
    assert sorted(counted) == [f"s{k}" for k in range(5)]
    assert second.grades == first.grades
    assert (pictured.out / "grades.csv").read_bytes() == table
    assert {p.name: p.read_bytes() for p in (pictured.out / "feedback").iterdir()} == pages
    assert (pictured.out / "summary.html").read_bytes() == summary


def test_weights_deadlines_and_points_run_nothing(school: Class, counted: list[str]) -> None:
    school.says()
    school.adds("s1.py", program("s1"))
    assert school.graded().grades[0].total == 6.0
    school.says('[weights]\n"1" = 20\n[late]\nper_day = 0.5\n[points.s1]\n"3" = 1\n', head=DEADLINE)
    assert school.graded().grades[0].total == 25.0
    assert counted == ["s1"]


@pytest.mark.parametrize(
    "change", ["salt", "limits", "submission", "sandbox", "source", "damage", "forged"]
)
def test_what_a_result_depends_on_makes_it_run_anew(
    school: Class, counted: list[str], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.says()
    school.adds("s1.py", program("s1"))
    school.adds("s2.py", program("s2"))
    school.graded()
    (known,) = [p for p in (school.out / "results").iterdir() if '"s1"' in p.read_text()]
    options: dict[str, Any] = {}
    n_new = 2
    if change == "salt":
        school.says(salt="fedcba9876543210")
    elif change == "limits":
        school.says("[limits]\nseconds = 59\n")
    elif change == "submission":
        school.adds("s1.py", program("s1", HALF))
        n_new = 1
    elif change == "sandbox":
        options["sandboxed"] = False
    elif change == "source":
        monkeypatch.setattr(grading, "_source", lambda: "other")
    elif change == "damage":
        known.write_bytes(known.read_bytes()[:-200])
        n_new = 1
    else:
        known.write_text(known.read_text().replace('"right"', '"not yet"'))
        n_new = 1
    again = school.graded(**options)
    assert (again.n_new, again.n_known) == (n_new, 2 - n_new)
    assert len(counted) == 2 + n_new


def test_another_numpy_is_another_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "version", lambda package: "0.0")
    one = grading._source()
    monkeypatch.setattr(grading, "version", lambda package: "0.1")
    assert len(one) == 64
    assert grading._source() != one


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("homework/tasks/matrix_items.py", True),
        ("homework/running/runner.py", True),
        ("homework/properties.py", True),
        ("linear/subspaces.py", True),
        ("homework/pages/page.py", False),
        ("homework/exercises/audio_levels.py", False),
    ],
)
def test_a_changed_line_of_what_judges_is_another_source(
    name: str, counts: bool, tmp_path: Path
) -> None:
    copy = tmp_path / "ddasp"
    shutil.copytree(Path(ddasp.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = grading._source(copy)
    assert before == grading._source()
    with open(copy / name, "a") as file:
        file.write("# another line\n")
    assert (grading._source(copy) != before) is counts


def test_a_result_under_another_key_is_not_believed(school: Class, counted: list[str]) -> None:
    school.says()
    school.adds("s1.py", program("s1", WRONG))
    school.adds("s2.py", program("s2"))
    school.graded()
    first, second = sorted((school.out / "results").iterdir())
    (first if '"s1"' in first.read_text() else second).write_bytes(
        (second if '"s1"' in first.read_text() else first).read_bytes()
    )
    assert school.line("s1").total == 0.0


def test_results_survive_a_round_trip_whatever_a_check_says(school: Class) -> None:
    school.says()
    school.adds(
        "s1.py", program("s1", RIGHT + 'PRINTED = "\\ud800\\0 a"\nPROBLEMS = ("\\udfff",)\n')
    )
    first = school.graded()
    second = school.graded()
    assert (second.n_known, second.grades) == (1, first.grades)
    (stored,) = (school.out / "results").iterdir()
    assert json.loads(stored.read_text())["result"]["printed"] == "\\ud800\0 a"
    assert has(first.grades[0], "1 problem, \\udfff")


def test_a_fault_in_one_submission_stops_no_other_and_is_tried_again(
    school: Class, counted: list[str]
) -> None:
    school.says()
    school.adds("s1.py", program("s1", MALICE))
    school.adds("s2.py", program("s2"))
    found = {g.student: g for g in school.graded().grades}
    assert found["s2"].total == 6.0
    assert has(found["s1"], "could not be graded: SystemError: the grader broke")
    assert found["s1"].points == dict.fromkeys("1234")
    assert "your lecturer looks at it" in (school.out / "feedback" / "s1.html").read_text()
    assert school.graded().n_new == 1
    assert counted.count("s1") == 2


def test_a_page_that_cannot_be_drawn_costs_no_other_page(
    school: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = grades_folder.card_page

    def card(result: Any, *args: Any, **options: Any) -> str:
        if result.student == "s1" and result.parts[0].findings[0].status == "right":
            raise ValueError("odd")
        return real(result, *args, **options)

    monkeypatch.setattr(grades_folder, "card_page", card)
    school.says()
    school.adds("s1.py", program("s1"))
    school.adds("s2.py", program("s2"))
    found = {g.student: g for g in school.graded().grades}
    assert found["s1"].total == found["s2"].total == 6.0
    assert has(found["s1"], "its page could not be drawn: ValueError: odd")
    assert "ask your lecturer" in (school.out / "feedback" / "s1.html").read_text()
    assert "page could not be drawn" in school.table()["s1.py"]["flags"]


def test_a_full_disk_stops_the_grading(school: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, value: Any) -> None:
        raise RunError("E-DISK", f"could not write {path}")

    monkeypatch.setattr(grades_folder, "write_json", full)
    school.says()
    school.adds("s1.py", program("s1"))
    with pytest.raises(RunError, match="E-DISK"):
        school.graded()


def test_ctrl_c_waits_for_nobody_and_keeps_what_is_done(
    school: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.says()
    for k in range(4):
        school.adds(f"s{k}.py", program(f"s{k}"))
    hang = threading.Event()
    real = grading.assess

    def assess(which: Any, *args: Any, **options: Any) -> Any:
        if which.student in ("s2", "s3"):
            hang.wait(30)
        return real(which, *args, **options)

    class Impatient(Silent):
        def track(self, items: Any, what: str, total: int) -> Any:
            for done, item in enumerate(items, 1):
                yield item
                if what == "grading" and done == 2:
                    raise KeyboardInterrupt

    monkeypatch.setattr(grading, "assess", assess)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        school.graded(progress=Impatient())
    assert time.monotonic() - start < 20
    assert len(list((school.out / "results").glob("*.json"))) == 2
    assert not (school.out / "grades.csv").exists()
    hang.set()
    monkeypatch.setattr(grading, "assess", real)
    assert len(school.graded().grades) == 4


# --- which counts, who is missing ----------------------------------------------------------


def total_of(school: Class, name: str) -> str:
    return school.table()[name]["total"]


def test_of_one_id_the_latest_in_time_counts_and_all_are_flagged(school: Class) -> None:
    school.says(head=DEADLINE)
    school.adds("s1_a.py", program("s1", RIGHT), at=AT - 100)
    school.adds("s1_b.py", program("s1", HALF), at=AT)
    school.adds("s1_c.py", program("s1", WRONG), at=AT + 1)
    found = {g.submission: g for g in school.graded().grades}
    assert [total_of(school, f"s1_{k}.py") for k in "abc"] == ["", "5", ""]
    assert has(
        found["s1_b.py"], "this one counts; of the same id and without a total: s1_a.py, s1_c.py"
    )
    assert has(found["s1_a.py"], "does not count: of the same id counts s1_b.py")
    assert has(found["s1_c.py"], "does not count")
    pages = {p.name for p in (school.out / "feedback").glob("*.html")}
    assert pages == {"s1.html", "s1+2.html", "s1+3.html"}
    assert (
        "another submission of the same id" in (school.out / "feedback" / "s1+2.html").read_text()
    )
    assert "another submission" not in (school.out / "feedback" / "s1.html").read_text()


def test_where_none_is_in_time_the_latest_counts(school: Class) -> None:
    school.says(head=DEADLINE)
    school.adds("s1_a.py", program("s1", RIGHT), at=AT + 5)
    school.adds("s1_b.py", program("s1", HALF), at=AT + 6)
    school.graded()
    assert [total_of(school, f"s1_{k}.py") for k in "ab"] == ["", "5"]


def test_who_writes_anothers_id_into_a_file_displaces_nobody(school: Class) -> None:
    school.says()
    school.adds("s1.py", program("s1"), at=AT)
    school.adds("s10.py", program("s1", WRONG), at=AT + 100)
    found = {g.submission: g for g in school.graded().grades}
    assert [total_of(school, n) for n in ("s1.py", "s10.py")] == ["6", ""]
    assert has(found["s10.py"], "its name does not hold the id")
    assert not has(found["s1.py"], "its name does not hold the id")


def test_a_submission_of_this_version_counts_before_a_later_one_of_another(school: Class) -> None:
    school.says()
    school.adds("s1_a.py", program("s1"), at=AT)
    school.adds("s1_b.py", program("s1", version=1), at=AT + 100)
    school.graded()
    assert [total_of(school, f"s1_{k}.py") for k in "ab"] == ["6", ""]


@pytest.mark.parametrize(("version", "age"), [(1, "an older"), (3, "a newer")])
def test_another_version_of_the_task_is_not_run_and_says_so(
    pictured: Class, counted: list[str], version: int, age: str
) -> None:
    pictured.says()
    pictured.adds("s1.py", program("s1", version=version))
    found = pictured.line("s1")
    assert (found.total, found.result, counted) == (0.0, None, [])
    assert has(found, f"is of version {version} of the task, {age} one than 2 here")
    assert f"version {version} of the task" in (pictured.out / "feedback" / "s1.html").read_text()


def test_a_submission_for_another_task_is_named_and_not_graded(
    school: Class, counted: list[str]
) -> None:
    school.says()
    school.adds("s1.py", program("s1", task="regression_with_nonlinear_model"))
    (found,) = school.graded().grades
    assert (found.total, counted) == (0.0, [])
    assert has(found, f"is for the task regression_with_nonlinear_model, not for {NAME}")


def test_what_else_is_in_a_submission_is_named(school: Class) -> None:
    school.says()
    folder = school.adds("s1", program("s1"), essay="x")
    (folder / "other.py").write_text(program("s1", task="regression_with_nonlinear_model"))
    assert has(
        school.line("s1"), "also holds other.py for the task regression_with_nonlinear_model"
    )


def test_what_cannot_be_read_gets_a_line_with_the_reason(pictured: Class) -> None:
    pictured.says()
    pictured.adds("s2.py", program("s2"))
    pictured.adds("s1.zip", "no zip")
    pictured.adds("s3.py", 'TASK = "matrix_fundamentals"\nVERSION = 2\n')
    found = {g.submission: g for g in pictured.graded().grades}
    assert (found["s1.zip"].total, found["s1.zip"].student) == (0.0, "")
    assert found["s1.zip"].points == dict.fromkeys("1234", 0.0)
    assert has(found["s1.zip"], "E-ARCHIVE")
    assert has(found["s3.py"], "STUDENT")
    pages = {p.name for p in (pictured.out / "feedback").glob("*.html")}
    assert pages == {"s2.html", "unread+s1_zip.html", "unread+s3_py.html"}
    assert "E-ARCHIVE" in (pictured.out / "feedback" / "unread+s1_zip.html").read_text()


def test_a_fault_in_reading_one_submission_stops_no_other(
    school: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = grading.read_entry

    def read(entry: Any) -> Any:
        if entry.name == "s1.py":
            raise OSError("gone")
        return real(entry)

    monkeypatch.setattr(grading, "read_entry", read)
    school.says()
    school.adds("s1.py", program("s1"))
    school.adds("s2.py", program("s2"))
    found = {g.submission: g for g in school.graded().grades}
    assert found["s2.py"].total == 6.0
    assert has(found["s1.py"], "could not be read: OSError: gone")


def test_who_handed_in_nothing_and_who_is_no_member_are_named(school: Class) -> None:
    school.says('[points.s7]\n"3" = 2\n', head='roster = "roster.csv"')
    (school.out / "roster.csv").write_text("id\ns1\nS5\n")
    school.adds("s1.py", program("s1"))
    school.adds("s2.py", program("s2"))
    found = {g.student: g for g in school.graded().grades}
    assert found["s5"].flags == ("nothing handed in",)
    assert (found["s5"].total, found["s5"].points["1"]) == (0.0, 0.0)
    assert has(found["s2"], "the id is not in the roster")
    assert not has(found["s1"], "roster")
    # On paper only, or an id that was mistyped: either way it is said.
    assert found["s7"].total == 2.0
    assert has(found["s7"], "the points are those that you entered, and no others")
    assert has(found["s7"], "not in the roster")
    assert not (school.out / "feedback" / "s5.html").exists()


def test_whose_submission_cannot_be_read_is_not_said_to_have_handed_in_nothing(
    school: Class,
) -> None:
    school.says(head='roster = "roster.csv"')
    (school.out / "roster.csv").write_text("id\ns1\ns10\n")
    school.adds("Ada_S1_late.zip", "no zip")
    found = {g.student: g for g in school.graded().grades}
    assert has(found["s1"], "that could be read; the id is in the name of Ada_S1_late.zip")
    assert found["s10"].flags == ("nothing handed in",)


def test_submissions_that_are_alike_are_flagged_on_both_sides(school: Class) -> None:
    school.says()
    names = ("s1.py", "s2.py", "s2_b.py", "s3.py")
    for name in names:
        school.adds(name, program(name[:2]))
    with pytest.MonkeyPatch.context() as patch:
        pairs = [Pair("s1.py", "s2.py", 0.83), Pair("s2.py", "s2_b.py", 1.0)]
        patch.setattr("ddasp.homework.reading.similarity.pairs", lambda prints, least: pairs)
        graded = school.graded()
    found = {g.submission: g for g in graded.grades}
    assert graded.pairs == (pairs[0],)  # one's own work may look like one's own
    assert has(found["s1.py"], "shares code with s2.py (83%)")
    assert has(found["s2.py"], "shares code with s1.py (83%)")
    assert not has(found["s2_b.py"], "shares")
    for page in (school.out / "feedback").glob("*.html"):
        assert "shares" not in page.read_text()


def test_what_cannot_be_compared_is_flagged_and_the_others_are(
    school: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = grading.similarity.fingerprint

    def fingerprint(cells: Any, template: Any) -> Any:
        if '"s1"' in cells[0].source:
            raise RecursionError("deep")
        return real(cells, template)

    monkeypatch.setattr(grading.similarity, "fingerprint", fingerprint)
    school.says()
    school.adds("s1.py", program("s1"))
    school.adds("s2.py", program("s2"))
    found = {g.student: g for g in school.graded().grades}
    assert has(found["s1"], "could not be compared with others: RecursionError: deep")
    assert not has(found["s2"], "compared")


def test_many_that_are_alike_are_counted_and_the_nearest_named() -> None:
    pairs = [
        Pair("a", name, share)
        for name, share in zip("bcdef", (0.7, 0.9, 0.6, 0.8, 1.0), strict=True)
    ]
    said = flags_of_pairs(pairs)
    assert said["a"] == ["shares code with f (100%), c (90%), e (80%) and 2 more"]
    assert said["d"] == ["shares code with a (60%)"]


# --- settings, folders ---------------------------------------------------------------------


def test_settings_are_written_once_with_the_task_that_was_found(school: Class) -> None:
    school.adds("s1.py", program("s1"))
    first = school.graded()
    assert first.is_new
    assert first.settings == school.out / "homework.toml"
    text = first.settings.read_text()
    assert load(first.settings).homework.task == NAME
    second = school.graded()
    assert not second.is_new
    assert second.n_known == 1
    assert first.settings.read_text() == text


def test_settings_elsewhere_are_read_and_none_are_written(school: Class, tmp_path: Path) -> None:
    school.says(head='roster = "roster.csv"')
    (school.out / "roster.csv").write_text("id\ns9\n")
    os.rename(school.out, tmp_path / "mine")
    school.adds("s1.py", program("s1"))
    graded = school.graded(settings=tmp_path / "mine" / "homework.toml")
    assert {g.student for g in graded.grades} == {"s1", "s9"}
    assert not (school.out / "homework.toml").exists()
    with pytest.raises(InputError, match="E-PATH-MISSING"):
        school.graded(settings=tmp_path / "none.toml")
    assert not (tmp_path / "none.toml").exists()


def test_a_task_that_is_not_clear_is_asked_for(school: Class) -> None:
    with pytest.raises(InputError, match="E-ARGUMENT: no submission says which task"):
        school.graded()
    school.adds("s1.py", program("s1"))
    school.adds("s2.py", program("s2", task="regression_with_nonlinear_model"))
    with pytest.raises(InputError, match=r"are for matrix_fundamentals \(1\), regression.*--task"):
        school.graded()
    assert not (school.out / "homework.toml").exists()
    assert school.graded(task=NAME).task == NAME
    with pytest.raises(InputError, match=r"--task is regression.*homework\.toml is for matrix"):
        school.graded(task="regression_with_nonlinear_model")


def test_names_by_person_flag_nobody_and_the_summary_says_so_once(pictured: Class) -> None:
    pictured.says()
    for k, who in enumerate(("Weber Ina_1", "Abel Jo_2", "Zorn Li_3")):
        pictured.adds(f"{who}_assignsubmission_file_", program(f"s{k}"), essay="x")
    assert not any(has(g, "does not hold") for g in pictured.graded().grades)
    assert "names of the submissions do not hold the ids" in (
        pictured.out / "summary.html"
    ).read_text(encoding="utf-8")
    pictured.adds("Boss Al s1_assignsubmission_file_", program("s7"), essay="x")
    (grade,) = [g for g in pictured.graded().grades if g.student == "s7"]
    assert has(grade, "its name holds the id s1, its code says s7")


def test_cells_that_were_left_out_on_purpose_are_no_problem(
    pictured: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictured.says()
    harmless = "PROBLEMS = ('cell 9: all of it (tagged not-graded)',)\n"
    pictured.adds("s1.py", program("s1", harmless + RIGHT))
    pictured.adds("s2.py", program("s2", harmless.replace("',)", "', 'cell 2: no')") + RIGHT))
    first, second = pictured.graded().grades
    assert not has(first, "problem")
    assert has(second, "1 problem, cell 2: no")


def test_a_deadline_of_an_id_that_handed_in_nothing_is_said(school: Class) -> None:
    school.says("[deadlines]\ns12 = 2027-01-15T08:00:00+01:00\n")  # s1 was meant, perhaps
    school.adds("s1.py", program("s1"))
    absent = school.line("s12")
    assert absent.total == 0.0
    assert has(absent, "nothing handed in")
    assert has(absent, "has a deadline of its own, 2027-01-15 08:00+01:00")


def test_the_class_of_another_task_does_not_take_the_place_of_this_one(school: Class) -> None:
    school.says()
    school.adds("s1.py", program("s1"))
    school.graded()
    before = (school.out / "grades.csv").read_bytes()
    for k in range(2, 5):
        school.adds(f"s{k}.py", program(f"s{k}", task="regression_with_nonlinear_model"))
    with pytest.raises(
        InputError, match=r"3 submissions are for regression.* and 1 for matrix.*--task"
    ):
        school.graded()
    assert (school.out / "grades.csv").read_bytes() == before
    assert len(school.graded(task=NAME).grades) == 4


def test_the_table_follows_the_decimal_sign_of_the_settings(school: Class) -> None:
    school.says(head='decimal = ","')
    school.adds("s1.py", program("s1", HALF), at=AT)
    school.graded()
    text = (school.out / "grades.csv").read_text(encoding="utf-8")
    assert text.startswith("\ufeffstudent;submission;part 1")
    assert "\ns1;s1.py;2;3;" in text


def test_points_of_a_file_are_those_of_the_grade(school: Class) -> None:
    school.says(head='points_file = "points.csv"')
    (school.out / "points.csv").write_text("id;part 3\ns1;2,5\n")
    school.adds("s1.py", program("s1"), essay="x")
    assert school.line("s1").points["3"] == 2.5
    (school.out / "points.csv").write_text("id;part 3\ns1;3\n")
    assert school.line("s1").points["3"] == 3.0


def test_a_board_is_drawn_once_and_again_where_its_file_is_damaged(
    pictured: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "load", lambda name: replace(TASK, board=("parameters", "risk")))
    drawn = []
    true = grades_folder.board.of_result
    monkeypatch.setattr(
        grades_folder.board, "of_result", lambda *given: drawn.append(1) or true(*given)
    )
    pictured.says()
    pictured.adds("s1.py", program("s1"), at=AT)
    pictured.adds("s2.py", program("s2", WRONG), at=AT)  # nothing stands on its board
    pages = []
    for damage in ("", "", "{", '{"svg": "<script>", "finding": "", "digest": ""}'):
        if damage:
            (file,) = (pictured.out / "boards").iterdir()
            file.write_text(damage)
        pictured.graded()
        pages.append((pictured.out / "feedback" / "s1.html").read_text(encoding="utf-8"))
    assert len(drawn) == 3
    assert "Risk 0.5 with 1 parameters." in pages[0]
    assert len(set(pages)) == 1
    assert "board" not in (pictured.out / "feedback" / "s2.html").read_text().partition("<main>")[2]


def test_settings_that_name_no_task_take_that_of_the_submissions(school: Class) -> None:
    school.says()
    path = school.out / "homework.toml"
    path.write_text(path.read_text().replace(f'task = "{NAME}"\n', ""))
    school.adds("s1.py", program("s1"))
    assert school.graded().task == NAME


def test_wrong_settings_run_nothing(school: Class, counted: list[str]) -> None:
    school.says('[weights]\n"77" = 1\n')
    school.adds("s1.py", program("s1"))
    with pytest.raises(InputError, match=r"E-PROBLEM: homework\.toml.*\n.*77"):
        school.graded()
    assert counted == []


@pytest.mark.parametrize("where", [".", "grades", "deep/grades"])
def test_grades_among_the_submissions_are_refused(school: Class, where: str) -> None:
    with pytest.raises(InputError, match=r"E-ARGUMENT.*lie in each other"):
        grade(school.handed_in, school.handed_in / where, progress=Silent())
    assert list(school.handed_in.iterdir()) == []


def test_submissions_among_the_grades_are_refused(school: Class, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"E-ARGUMENT.*lie in each other"):
        grade(school.handed_in, tmp_path / "link", progress=Silent())
    with pytest.raises(InputError, match="E-PATH-MISSING"):
        grade(tmp_path / "nothing", school.out, progress=Silent())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file; expected a folder"):
        grade(school.handed_in, tmp_path / "file", progress=Silent())


def test_two_graders_in_one_folder_are_one_too_many(school: Class) -> None:
    school.adds("s1.py", program("s1"))
    with lock(school.out / ".lock", "x"), pytest.raises(RunError, match=r"E-RUN.*in use by"):
        school.graded()


def test_nothing_among_the_submissions_is_changed(school: Class) -> None:
    school.says()
    school.adds("s1", program("s1"), essay="x")
    school.adds("s2.py", program("s2"))

    def state() -> list[tuple[str, bytes, int]]:
        files = [p for p in sorted(school.handed_in.rglob("*")) if p.is_file()]
        return [(str(p), p.read_bytes(), p.stat().st_mtime_ns) for p in files]

    before = state()
    school.graded()
    assert state() == before


def test_pages_of_submissions_that_are_gone_go_and_what_others_wrote_stays(school: Class) -> None:
    school.says()
    for k in range(4):
        school.adds(f"s{k}.py", program(f"s{k}"))
    school.graded()
    feedback = school.out / "feedback"
    (feedback / "s1.html").write_text("I wrote more.")
    (feedback / "mine.html").write_text("mine")
    for k in range(3):
        (school.handed_in / f"s{k}.py").unlink()
    school.graded()
    assert {p.name for p in feedback.glob("*.html")} == {"s1.html", "s3.html", "mine.html"}
    known = {"../summary.html": digest_file(school.out / "summary.html"), "s3.html": 1}
    (feedback / ".pages.json").write_text(to_json(known))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "write_summary", lambda *args: None)
        school.graded()
    assert (school.out / "summary.html").exists()


def test_an_empty_class_has_a_table_and_a_summary(school: Class) -> None:
    school.says()
    graded = school.graded()
    assert graded.grades == ()
    assert graded.table.read_text().startswith("student,submission,part 1")
    assert graded.summary.exists()


# --- what may be known ---------------------------------------------------------------------


def test_no_page_holds_the_salt_or_another_student(pictured: Class) -> None:
    pictured.says()
    pictured.adds("s1.py", program("s1"))
    pictured.adds("s2.py", program("s2", HALF))
    pictured.graded()
    for path in pictured.out.rglob("*"):
        if path.is_file() and path.name != "homework.toml":
            assert SALT.encode() not in path.read_bytes(), path
    page = (pictured.out / "feedback" / "s1.html").read_text()
    assert "s1" in page
    assert "s2" not in page


def test_without_a_sandbox_every_page_and_line_says_so(pictured: Class) -> None:
    pictured.says()
    pictured.adds("s1.py", program("s1"))
    graded = pictured.graded(sandboxed=False)
    assert graded.in_force == (UNSANDBOXED,)
    assert graded.grades[0].flags[0] == UNSANDBOXED
    assert "UNSANDBOXED" in pictured.table()["s1.py"]["flags"]
    for name in ("summary.html", "feedback/s1.html"):
        assert "UNSANDBOXED" in (pictured.out / name).read_text()
    graded = pictured.graded()
    assert graded.in_force == ("nothing foreign runs here", "60 s")
    for name in ("summary.html", "feedback/s1.html"):
        text = (pictured.out / name).read_text()
        assert "nothing foreign runs here" in text
        assert "UNSANDBOXED" not in text


def test_without_a_sandbox_on_the_machine_nothing_is_run_or_written(
    school: Class, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Missing:
        @staticmethod
        def find() -> None:
            raise RunError("E-SANDBOX", "there is none")

    monkeypatch.setattr(grading, "Sandbox", Missing)
    school.adds("s1.py", program("s1"))
    with pytest.raises(RunError, match="E-SANDBOX"):
        school.graded()
    assert counted == []
    assert not school.out.exists()


# --- killed half-way -----------------------------------------------------------------------

SCRIPT = """
import sys, time
from pathlib import Path
from tests_homework.grading_example import TASK, run_here
from ddasp._progress import Silent
from ddasp.homework import assessing, tasks
from ddasp.homework.grades import folder as grades_folder
from ddasp.homework.grades import grading

class Confined:
    words = staticmethod(lambda limits: ("nothing foreign runs here", f"{limits.seconds:g} s"))
    find = staticmethod(lambda: Confined())

def slow(cells, calls, **options):
    time.sleep(0.15)
    return run_here(cells, calls, **options)

tasks.load = lambda name: TASK
assessing.execute = slow
grading.Sandbox = Confined
grading._source = lambda: "source"
grading.grade(Path(sys.argv[1]), Path(sys.argv[2]), n_workers=2, progress=Silent())
"""


def test_a_grader_that_was_killed_goes_on_where_it_was(school: Class, tmp_path: Path) -> None:
    for k in range(12):
        school.adds(f"s{k}.py", program(f"s{k}", (RIGHT, HALF, WRONG)[k % 3]))
    school.says()
    package = tmp_path / "path" / "tests_homework"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    example = Path(__file__).with_name("grading_example.py")
    (package / "grading_example.py").write_text(example.read_text())
    environment = os.environ | {"PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-c", SCRIPT, str(school.handed_in), str(school.out)]
    process = subprocess.Popen(command, env=environment)
    results = school.out / "results"
    end = time.monotonic() + 60
    while process.poll() is None and len(list(results.glob("*.json"))) < 4:
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    n_done = len(list(results.glob("*.json")))
    assert 4 <= n_done < 12
    assert not (school.out / "grades.csv").exists()
    resumed = school.graded()
    assert (resumed.n_new, resumed.n_known) == (12 - n_done, n_done)
    table = resumed.table.read_bytes()
    (tmp_path / "undisturbed").mkdir()
    whole = Class(tmp_path / "undisturbed")
    whole.handed_in.rmdir()
    os.symlink(school.handed_in, whole.handed_in)
    whole.says()
    assert whole.graded().n_new == 12
    assert (whole.out / "grades.csv").read_bytes() == table


# --- in the sandbox ------------------------------------------------------------------------


@pytest.mark.sandbox
def test_submissions_run_in_the_sandbox_and_none_reaches_the_grader(
    tmp_path: Path, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "load", lambda name: TASK)
    monkeypatch.setattr(grading, "_source", lambda: "source")
    school = Class(tmp_path)
    school.says("[limits]\nseconds = 4\n")
    secret = school.out / "homework.toml"
    school.adds("s1.py", program("s1"))
    school.adds("s2.py", program("s2", "while True:\n    pass\n"))
    school.adds("s3.py", program("s3", f"SALT = open({str(secret)!r}).read()\n" + RIGHT))
    school.adds("s4.py", program("s4", "import os\nos._exit(0)\n"))
    graded = school.graded()
    found = {g.student: g for g in graded.grades}
    assert found["s1"].total == 6.0
    assert not has(found["s1"], "problem")
    assert found["s2"].total == 0.0
    assert has(found["s2"], "did not end within")
    assert has(found["s3"], "problem")
    assert found["s3"].total <= 6.0
    assert has(found["s4"], "problem")
    assert any("4 s" in words for words in graded.in_force)
    assert "no network" in (school.out / "feedback" / "s1.html").read_text()
    for page in school.out.rglob("*.html"):
        assert SALT not in page.read_text()
    again = school.graded()
    assert (again.n_known, again.grades) == (4, graded.grades)
