"""homework.toml: what it may say, what its errors say, and that nobody's file is overwritten."""

from __future__ import annotations

import re
import stat
from datetime import datetime
from pathlib import Path

import pytest

from ddasp._errors import InputError
from ddasp.homework.grades.settings import HomeworkSettings
from ddasp.homework.grades.settings_file import (
    load,
    parse,
    roster_of,
    template,
    with_points,
    write_template,
)
from ddasp.homework.running.execution import Limits

from .grading_example import TASK

SALT = "0123456789abcdef"
HEAD = f'[homework]\nsalt = "{SALT}"\n'
DEADLINE = "deadline = 2026-12-01T23:59:59+01:00\n"
AT = datetime.fromisoformat("2026-12-01T23:59:59+01:00").timestamp()
DAY = 86_400


def settings(more: str = "", head: str = HEAD) -> HomeworkSettings:
    return parse(head + more)


# --- lateness ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "days"),
    [(-1, 0), (0, 0), (0.5, 1), (1, 1), (DAY, 1), (DAY + 1, 2), (7 * DAY, 7), (7 * DAY + 1, 8)],
)
def test_a_day_late_is_24_hours_that_have_begun(seconds: float, days: int) -> None:
    assert settings(DEADLINE).late_days("s1", AT + seconds) == days


@pytest.mark.parametrize(("seconds", "days"), [(600, 0), (601, 1), (DAY, 1), (DAY + 1, 2)])
def test_grace_forgives_but_does_not_extend(seconds: float, days: int) -> None:
    # A day and a second after the deadline is the second day, although grace moved the first border.
    given = settings(DEADLINE + "[late]\ngrace_minutes = 10\n")
    assert given.late_days("s1", AT + seconds) == days


def test_without_a_deadline_nothing_is_late() -> None:
    assert settings().late_days("s1", AT + 10 * DAY) == 0


def test_a_student_may_have_another_deadline() -> None:
    given = settings(DEADLINE + "[deadlines]\nS1 = 2026-12-08T23:59:59+01:00\n")
    assert given.late_days("s1", AT + 7 * DAY) == 0
    assert given.late_days("s1", AT + 7 * DAY + 1) == 1
    assert given.late_days("s2", AT + 7 * DAY) == 7


@pytest.mark.parametrize(
    ("days", "off"), [(0, 0.0), (1, 0.8), (2, 1.6), (3, 2.4), (4, 2.4), (400, 2.4)]
)
def test_each_day_takes_its_share_of_what_was_reached_up_to_the_limit(
    days: int, off: float
) -> None:
    given = settings("[late]\nper_day = 0.1\nat_most = 0.3\n")
    assert given.deduction(8.0, days) == pytest.approx(off)


def test_by_default_being_late_costs_nothing() -> None:
    assert settings(DEADLINE).deduction(8.0, 5) == 0.0


# --- rounding ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "points", "rounded"),
    [
        (0.5, 7.24, 7.0),
        (0.5, 7.25, 7.5),
        (0.5, 7.75, 8.0),
        (1, 0.5, 1.0),
        (0.1, 0.15, 0.2),  # 0.15 as a binary fraction is below the half
        (0.1, 2.3, 2.3),
        (0.25, 3.1, 3.0),
        (0, 7.23456, 7.23456),
        (0.5, 0.0, 0.0),
    ],
)
def test_a_total_is_rounded_to_the_step_with_halves_upwards(
    step: float, points: float, rounded: float
) -> None:
    assert settings(f"rounding = {step}\n").rounded(points) == rounded


def test_a_sum_of_tenths_that_is_a_half_counts_as_one() -> None:
    points = sum([0.1] * 2 + [0.05])  # 0.25 on paper
    assert settings("rounding = 0.5\n").rounded(points) == 0.5
    assert settings("rounding = 0.5\n").rounded(sum([1.1, 2.2, 3.95])) == 7.5  # 7.25 on paper


# --- weights and limits --------------------------------------------------------------------


def test_weights_are_those_of_the_task_where_none_is_given() -> None:
    given = settings('[weights]\n"2" = 6\n')
    assert given.weights_of(TASK) == {"1": 2.0, "2": 6.0, "3": 3.0, "4": 1.0}


def test_limits_are_those_of_the_execution() -> None:
    given = settings("[limits]\nseconds = 5\nmemory_mb = 256\noutput_mb = 2\nprocesses = 8\n")
    assert given.run_limits() == Limits(5.0, 256 * 2**20, 2_000_000, 8)
    assert settings().run_limits() == Limits()


def test_ids_are_known_in_any_spelling() -> None:
    given = settings('[points." S0123456 "]\n"3" = 2\n')
    assert given.points == {"s0123456": {"3": 2.0}}


# --- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            HEAD + "deadline = 2026-12-01T23:59:59\n",
            r"\[homework\] deadline = .*offset from UTC.*without the offset",
        ),
        (
            HEAD + "deadline = 2026-12-01\n",
            r"\[homework\] deadline = .*expected a date, a time and",
        ),
        (HEAD + 'deadline = "tomorrow"\n', r"deadline = \"tomorrow\": expected a date, a time"),
        (
            HEAD + "[deadlines]\ns1 = 2026-12-01T10:00:00\n",
            r"\[deadlines\] s1 = .*without the offset",
        ),
        (HEAD + '[deadlines]\n"?" = 2026-12-01T10:00:00Z\n', r"\[deadlines\] \"\?\".*student's id"),
        ("", r"\[homework\] salt = .*secret of at least 16 characters.*token_hex"),
        ('[homework]\nsalt = "short"\n', r"\(5 characters\).*at least 16"),
        ('[homework]\nsalt = "               "\n', r"at least 16"),
        ("[homework]\nsalt = 12\n", r"\[homework\] salt = 12: expected a text"),
        (HEAD + "deadlin = 1\n", r"unknown key; expected one of task, deadline.*\"deadline\""),
        (HEAD + "[lat]\nper_day = 0.1\n", r"\[lat\]: unknown table; expected one of.*\"late\""),
        (HEAD + "[late]\nper_day = 10\n", r"\[late\] per_day = 10: expected at most 1"),
        (HEAD + "[late]\nper_day = -0.1\n", r"\[late\] per_day = -0.1: expected at least 0"),
        (HEAD + '[late]\nper_day = "0.1"\n', r"\[late\] per_day = \"0.1\": expected a number"),
        (HEAD + "[late]\nat_most = nan\n", r"\[late\] at_most = nan: expected"),
        (HEAD + "[limits]\nprocesses = 0\n", r"\[limits\] processes = 0: expected at least 8"),
        (HEAD + "[limits]\nseconds = 0\n", r"\[limits\] seconds = 0: expected more than 0"),
        (HEAD + "[limits]\nmemory_mb = 0.5\n", r"memory_mb = 0.5: expected a whole number"),
        (HEAD + "similarity = 0\n", r"similarity = 0: expected more than 0"),
        (HEAD + "rounding = -1\n", r"rounding = -1: expected at least 0"),
        (HEAD + "[weights]\n1 = -2\n", r"\[weights\] 1 = -2: expected at least 0"),
        (HEAD + "[points.s1]\n3 = true\n", r"\[points.s1\] 3 = true: expected a number"),
        (HEAD + "[points]\ns1 = 3\n", r"\[points\] s1 = 3: expected a table"),
        (HEAD + "[points.a.b]\n3 = 1\n", r"\[points\] a = .*an id with a dot in quotes"),
        (HEAD + '[points.s1]\n3 = 1\n[points."S1"]\n3 = 2\n', r"the id s1 once.*twice"),
        (HEAD + "deadline = 2026-12-01T23:59\n", r"is no valid TOML"),
        (HEAD + "salt = 1\n", r"is no valid TOML.*[Oo]verwrite"),
        ("homework = 3\n", r"homework = 3: expected a table"),
    ],
)
def test_an_error_names_key_value_and_what_is_expected(text: str, says: str) -> None:
    with pytest.raises(InputError, match=r"E-PROBLEM: homework\.toml[\s\S]*" + says):
        parse(text)


def test_a_salt_that_is_refused_is_not_shown() -> None:
    with pytest.raises(InputError) as caught:
        parse('[homework]\nsalt = "hunter2"\n')
    assert "hunter2" not in str(caught.value)


def test_all_errors_are_said_at_once() -> None:
    with pytest.raises(InputError, match="has 3 errors"):
        parse(HEAD + "rounding = -1\n[late]\nper_day = 2\n[limits]\nseconds = -1\n")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[weights]\n"22" = 1\n', r"\[weights\] 22 = 1: expected a part of .*: 1, 2, 3, 4.*\"2\""),
        ('[points.s1]\n"9" = 1\n', r"\[points\.s1\] 9 = 1: expected a part of"),
        ('[points.s1]\n"3" = 3.5\n', r"\[points\.s1\] 3 = 3.5: expected at most 3, the points of"),
        ('[points."a.b"]\n"3" = 9\n', r'\[points\."a\.b"\] 3 = 9: expected at most'),
        ('[weights]\n"1" = 0\n"2" = 0\n"3" = 0\n"4" = 0\n', r"expected points for some part"),
    ],
)
def test_parts_and_points_must_fit_the_task(more: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        settings(more).check(TASK)


def test_points_up_to_the_weight_fit() -> None:
    settings('[weights]\n"3" = 4\n[points.s1]\n"3" = 4\n').check(TASK)


# --- the file ------------------------------------------------------------------------------


def test_what_is_written_is_read_with_the_defaults() -> None:
    text = template(TASK, salt=SALT)
    read = parse(text)
    assert read == settings(f'task = "{TASK.name}"\n')
    assert all(len(line) <= 100 for line in text.splitlines())
    for part in TASK.parts:
        assert f'# "{part.key}" = {part.points:g}  # {part.title}' in text


def test_the_commented_examples_are_valid_once_the_marks_are_gone() -> None:
    text = template(TASK, salt=SALT)
    example = re.compile(r'^# (?=("[^"]+"|deadline|roster) = \S|\[points\.)', re.MULTILINE)
    read = parse(example.sub("", text))
    assert read.homework.deadline is not None
    assert read.deadlines
    assert read.points
    assert read.weights
    read.check(TASK)


def test_the_file_is_for_its_owner_alone_and_its_salt_is_fresh(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_template(tmp_path / name / "homework.toml", TASK)
    first, second = (load(tmp_path / name / "homework.toml") for name in ("a", "b"))
    assert first.homework.salt != second.homework.salt
    assert len(first.homework.salt) == 32
    mode = stat.S_IMODE((tmp_path / "a" / "homework.toml").stat().st_mode)
    assert mode == 0o600
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["homework.toml"]


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "homework.toml"
    path.write_text("mine")
    with pytest.raises(InputError, match=r"E-ARGUMENT.*is there already"):
        write_template(path, TASK)
    assert path.read_text() == "mine"


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"E-PATH-MISSING: could not read .*none\.toml"):
        load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# gr\xfc\xdfe\n")
    with pytest.raises(InputError, match=r"latin\.toml is no UTF-8"):
        load(tmp_path / "latin.toml")


def test_editors_that_write_a_mark_at_the_beginning_are_forgiven(tmp_path: Path) -> None:
    (tmp_path / "homework.toml").write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert load(tmp_path / "homework.toml").homework.salt == SALT


# --- the roster ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["id\nS2\ns1\ns2\n", "Name;ID\nx; s2 \ny;s1\nz;\n", '\ufeffid,n\r\n"s2","a\nb"\r\ns1,\r\n'],
)
def test_a_roster_is_a_csv_with_a_column_id(tmp_path: Path, text: str) -> None:
    (tmp_path / "roster.csv").write_text(text, newline="")
    assert roster_of(settings('roster = "roster.csv"\n'), tmp_path) == ("s2", "s1")


def test_without_a_roster_there_is_none(tmp_path: Path) -> None:
    assert roster_of(settings(), tmp_path) is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"name,number\na,1\n", "has name, number in its first line; expected a column id"),
        (b"", "has nothing in its first line"),
        (b"id\n\xff\n", "is no UTF-8"),
        (b"id\n=1+2\n", "the student's id is '=1\\+2'"),
    ],
)
def test_a_roster_that_cannot_be_one_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "roster.csv").write_bytes(data)
    with pytest.raises(InputError, match=says):
        roster_of(settings('roster = "roster.csv"\n'), tmp_path)


def test_a_roster_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"E-PATH-MISSING: could not read .*none\.csv"):
        roster_of(settings('roster = "none.csv"\n'), tmp_path)


# --- TOML that is none ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            "deadline = 15.1.2027 08:00",
            r"write a time as 2026-12-01T23:59:59[\s\S]*  deadline = 15\.1",
        ),
        ("deadline = 2026-12-01 8:00", "write a time as 2026-12-01T23:59:59"),
        ("rounding = 0,5", r"decimal sign as a point, 0\.5\n  rounding = 0,5"),
        ("rounding 0.5", r"line 3[\s\S]*\n  rounding 0\.5"),
    ],
)
def test_a_line_that_is_no_toml_is_shown_with_what_was_meant(wrong: str, says: str) -> None:
    with pytest.raises(InputError, match=r"is no valid TOML: [\s\S]*" + says):
        parse(HEAD + wrong + "\n")


def test_the_line_of_the_salt_is_never_shown() -> None:
    with pytest.raises(InputError, match="is no valid TOML") as caught:
        parse("[homework]\nsalt = 0123456789abcdef\n")
    assert "0123456789" not in caught.value.message


def test_the_decimal_sign_is_one_of_two() -> None:
    assert settings('decimal = ","\n').homework.decimal == ","
    with pytest.raises(InputError, match=r"\[homework\] decimal = \";\": expected one of"):
        settings('decimal = ";"\n')


# --- points in a table of their own ----------------------------------------------------------


def entered(folder: Path, text: str, more: str = "") -> HomeworkSettings:
    (folder / "points.csv").write_text(text, encoding="utf-8")
    return with_points(settings(more, HEAD + 'points_file = "points.csv"\n'), TASK, folder)


@pytest.mark.parametrize(
    "text",
    [
        "id,3,4\nS1,2.5,\ns2,,1\ns3,,\n",
        "name;id;part 3;Part 4\r\nInaé;s1;2,5;\r\n;s2;;1\r\n\r\n",
        "\ufeffstudent\t3\t4\ttotal\ns1\t2.5\t\t9\ns2\t\t1\t=9\n",
    ],
)
def test_points_come_from_a_csv_as_spreadsheets_write_it(text: str, tmp_path: Path) -> None:
    assert entered(tmp_path, text).points == {"s1": {"3": 2.5}, "s2": {"4": 1.0}}


def test_what_stands_in_the_settings_goes_before_the_file(tmp_path: Path) -> None:
    given = entered(tmp_path, "id,3,4\ns1,1,1\n", "[points.s1]\n4 = 0.5\n[points.s2]\n3 = 3\n")
    assert given.points == {"s1": {"3": 1.0, "4": 0.5}, "s2": {"3": 3.0}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"points\.csv have nothing in their first line; expected id"),
        ("3,4\n1,1\n", "expected id and"),
        ("id,name\ns1,Ina\n", "once each, parts out of 1, 2, 3, 4"),
        ("id,part 3,part 9\ns1,1,1\n", "parts out of 1, 2, 3, 4"),
        ("id,3,part 3\ns1,1,1\n", "once each"),
        ("id,3\ns1,3.5\n", r'1 error[\s\S]*line 2, part 3 = "3\.5": expected a number from 0 to 3'),
        ("id,3\ns1,-1\ns2,good\ns3,nan\ns4,1e0\n", "4 errors"),
        ("id,3\ns1,1\nS1,2\n", "line 3: expected the id s1 once"),
        ("id,3\n,1\n", "line 2: expected an id"),
    ],
)
def test_what_is_wrong_in_the_points_is_named_by_line(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"E-PROBLEM: [\s\S]*" + says):
        entered(tmp_path, text)


def test_points_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"E-PATH-MISSING: could not read .*points\.csv"):
        with_points(settings(head=HEAD + 'points_file = "points.csv"\n'), TASK, tmp_path)
