"""Every lesson, from a clean kernel, without a network: no error, no unforeseen warning, in its bounds."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from ddasp.course.lessons import NAMES, TASKS, Cell, Lesson, load
from ddasp.course.notebooks import executable

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))

import lesson_runs

# What takes long first, so that two workers end together.
SLOW_FIRST = sorted((*NAMES, *TASKS), key=lambda name: -load(name).seconds)


@pytest.mark.lesson
@pytest.mark.parametrize("name", SLOW_FIRST)
def test_a_lesson_runs_from_a_clean_kernel(name: str) -> None:
    run = lesson_runs.run(name)
    assert run.seconds <= lesson_runs.MOST_SECONDS
    assert run.assertions >= 3


def problems_of(*code: str) -> list[str]:
    """What is found wrong with a lesson of these cells."""
    cells = (Cell("markdown", "# Made up"), *(Cell("code", text) for text in code))
    lesson = Lesson("made_up", "Made up", 5, (), cells)
    return lesson_runs.execute(executable(lesson), lesson)[2]


@pytest.mark.lesson
def test_a_lesson_that_is_well_has_no_problems() -> None:
    assert problems_of("x = 1", "assert x == 1\nprint(x)") == []


@pytest.mark.lesson
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("assert 1 == 2", "AssertionError"),
        ("import warnings; warnings.warn('look out')", "stderr: .*look out"),
        ("import urllib.request as u; u.urlopen('http://example.org')", "reached for the network"),
        ("import socket; socket.create_connection(('192.0.2.1', 80))", "reached for the network"),
        ("x = bytearray(1200 * 2**20)", "held 1.* GiB; expected 1"),
    ],
)
def test_what_a_lesson_must_not_do_is_found(code: str, says: str) -> None:
    found = problems_of(code)
    assert found
    assert re.search(says, found[0], re.DOTALL), found


@pytest.mark.lesson
def test_a_lesson_starts_with_no_name_but_the_kernels_own() -> None:
    own = ["In", "Out", "exit", "get_ipython", "open", "quit"]
    assert problems_of(f"assert [n for n in dir() if n[0] != '_'] == {own}") == []
