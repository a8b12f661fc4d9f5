"""The grade table: one line each, digits that are known, and nothing that a spreadsheet computes."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp.homework.grades.table import UNCOUNTED, cell, grades_csv, in_order, number
from ddasp.homework.results import Grade

from .grading_example import TASK

GRADE = Grade(
    "s1",
    "s1.py",
    None,
    {"1": 2.0, "2": 1 / 3, "3": None, "4": 0.0},
    total=2.5,
    most=10.0,
    late_days=2.0,
    deduction=0.25,
    flags=("late by 2 days", "points of part 3 are missing: the total is preliminary"),
)


def rows(*grades: Grade) -> list[list[str]]:
    return list(csv.reader(io.StringIO(grades_csv(TASK, grades), newline="")))


def test_a_line_holds_points_by_part_and_what_is_missing_stays_empty() -> None:
    assert rows(GRADE) == [
        ["student", "submission", "part 1", "part 2", "part 3", "part 4"]
        + ["total", "most", "late days", "deduction", "flags"],
        ["s1", "s1.py", "2", "0.33", "", "0", "2.5", "10", "2", "0.25"]
        + ["late by 2 days; points of part 3 are missing: the total is preliminary"],
    ]


def test_lines_end_as_rfc_4180_says() -> None:
    text = grades_csv(TASK, [GRADE, replace(GRADE, student="s2", submission='a "b", c')])
    assert text.count("\r\n") == 3
    assert "\n" not in text.replace("\r\n", "")
    assert '"a ""b"", c"' in text


def test_a_line_that_does_not_count_has_no_total() -> None:
    other = replace(GRADE, flags=(f"{UNCOUNTED}: of the same id counts s1.zip",))
    assert rows(other)[1][6] == ""
    assert rows(other)[1][2] == "2"


def test_lines_are_in_the_order_of_ids_and_the_unread_stand_last() -> None:
    names = [("", "a"), ("s2", "b"), ("s1", "d"), ("s1", "c")]
    grades = [replace(GRADE, student=s, submission=n) for s, n in names]
    assert [g.submission for g in in_order(grades)] == ["c", "d", "b", "a"]


def test_without_a_submission_there_is_the_head_alone() -> None:
    assert len(rows()) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "0"), (-0.001, "0"), (2.0, "2"), (2.345, "2.35"), (10.0, "10"), (None, "")],
)
def test_numbers_have_the_digits_that_are_known(value: float | None, text: str) -> None:
    # 2.345 is 2.34500000000000019984 as a binary fraction
    assert number(value) == text


@pytest.mark.parametrize("sign", list("=+-@") + ["\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize("before", ["", " ", "\u00a0", "x;", "x; ", 'x"', "x'", "x,", "x|"])
def test_nothing_is_computed_wherever_a_cell_may_begin(sign: str, before: str) -> None:
    shown = cell(f"{before}{sign}HYPERLINK(1)")
    assert shown == f"{before}'{sign}HYPERLINK(1)"


def test_plain_words_stay_as_they_are() -> None:
    for text in (
        "s0123456",
        "Müller_1.zip",
        "late by 2 days - see there",
        "a@b",
        "x = 3",
        "日本.py",
    ):
        assert cell(text) == text


def test_what_steers_is_shown_instead() -> None:
    assert cell("a\r\n=1\tb\0\x1b[31m\u202egpj\ud800") == (r"a\r\n=1\tb\x00\x1b[31m\u202egpj\ud800")


def test_a_hostile_name_stays_in_its_cell() -> None:
    bad = replace(
        GRADE,
        submission='=cmd|" /C calc"!A0\r\ns9,"x',
        flags=("also holds @SUM(1)", "=1+1"),
    )
    (_, line) = rows(bad)
    assert line[1].startswith("'=cmd|")
    assert line[-1] == "also holds @SUM(1); '=1+1"


@given(st.text(max_size=30))
def test_any_text_comes_back_as_one_cell_that_begins_no_formula(text: str) -> None:
    (_, line) = rows(replace(GRADE, submission=text))
    assert line[1] == cell(text)
    for part in re.split(r"[,;|\t]", line[1]):
        assert part.strip()[:1] not in tuple("=+-@\t\r")


def test_with_a_decimal_comma_cells_are_parted_by_semicolons_and_excel_knows_utf_8() -> None:
    text = grades_csv(TASK, [replace(GRADE, submission="Müller;=1+2, b")], decimal=",")
    assert text.startswith("\ufeffstudent;submission;part 1;")
    (_, line) = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    assert line[1] == "Müller;'=1+2, b"
    assert line[2:10] == ["2", "0,33", "", "0", "2,5", "10", "2", "0,25"]
