"""The exercises of the lessons: what is right passes in any form, what is wrong is named."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp.homework.exercises import LESSONS, find, load
from ddasp.homework.parts import NOT_ATTEMPTED, NOT_YET, RIGHT

from .sealed_answers import answers, right, wrong

Array = NDArray[Any]
level_dbfs = answers("audio_levels").level_dbfs

NAMES = [exercise.name for lesson in LESSONS for exercise in load(lesson)]
ALL_RIGHT = [(f"{lesson}.{k}", answer) for lesson in LESSONS for k, answer in right(lesson)]
WRONG = {f"{lesson}.{k}": planted for lesson in LESSONS for k, planted in wrong(lesson).items()}


def failing(name: str, answer: Any) -> dict[str, str]:
    """What an exercise says about an answer, item by item that isn't right."""
    return {f.item: f.says for f in find(name).judge(answer) if f.status != RIGHT}


@pytest.mark.parametrize(
    ("name", "answer"), ALL_RIGHT, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_right_answer_passes_in_any_form(name: str, answer: Any) -> None:
    assert failing(name, answer) == {}


PLANTED = [
    pytest.param(name, *mistake, id=f"{name}-{mistake[1]}-{i}")
    for name, mistakes in WRONG.items()
    for i, mistake in enumerate(mistakes)
]


@pytest.mark.parametrize(("name", "answer", "item", "says"), PLANTED)
def test_a_planted_mistake_is_named_by_its_property(
    name: str, answer: Any, item: str, says: str
) -> None:
    found = failing(name, answer)
    assert item in found, found
    assert re.search(says, found[item]), found[item]


def raising(*arguments: Any) -> Any:
    raise ValueError("<b>no</b>" * 200)


def unwritten(*arguments: Any) -> Any:
    raise NotImplementedError("Exercise 1")


class Hostile:
    """An object that refuses to be an array, a number, or a word."""

    def __array__(self, *arguments: Any, **named: Any) -> Array:
        raise MemoryError("no")

    def __len__(self) -> int:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("no")


BAD: list[Any] = [
    object(), Hostile(), "", "import os", "1/0", b"bytes", True, 10**400, float("nan"), -np.inf,
    1e308, [[1.0], [2.0, 3.0]], [[np.nan] * 4] * 3, np.full(1024, np.inf), np.zeros((0, 0)),
    np.full((3, 4), 1e308), np.full(1024, 5e-324), [], {}, {"start": None}, ([None, 1], 2), {1, 2},
    [[[[]]]], np.array(["a"]), np.array([None, 1]), 1j, np.zeros((3, 4)) * 1j, int, len, print,
    raising, Hostile, lambda: 1, lambda *a: None, lambda *a: a, lambda *a: [[1], [2, 3]],
    lambda *a: "word", lambda *a: Hostile(), lambda *a: a[0] * np.nan, lambda *a: [Hostile()] * 4,
    lambda *a: np.zeros((1000, 1000)), lambda *a: 10**400, lambda *a: (_ for _ in ()),
    lambda *a: exit(), lambda *a: np.full_like(a[0], 1e308, dtype=float), lambda *a: 1j * a[0],
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_whatever_the_answer_is_there_is_a_finding_and_no_traceback(name: str) -> None:
    items = [finding.item for finding in find(name).judge(None)]
    for answer in BAD:
        with np.errstate(all="ignore"):
            findings = find(name).judge(answer)
        assert [finding.item for finding in findings] == items
        assert any(finding.status != RIGHT for finding in findings), answer
        assert all(finding.says or finding.status != NOT_YET for finding in findings)
        assert all(len(finding.says) < 500 for finding in findings)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("answer", [None, unwritten, ...], ids=["None", "stub", "dots"])
def test_nothing_is_not_attempted(name: str, answer: Any) -> None:
    if answer is unwritten and find(name).judge(1.0)[0].says.find("expected a function") < 0:
        return  # asked for a value
    assert {finding.status for finding in find(name).judge(answer)} == {NOT_ATTEMPTED}


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_left_as_it_was_and_judged_the_same_twice(name: str) -> None:
    for asked, answer in ALL_RIGHT:
        if asked == name:
            before = answer.copy() if isinstance(answer, np.ndarray) else answer
            assert find(name).judge(answer) == find(name).judge(answer)
            assert np.array_equal(before, answer) if isinstance(before, np.ndarray) else True


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_has_a_question_two_hints_and_right_and_wrong_answers(name: str) -> None:
    exercise = find(name)
    assert len(exercise.asked) > 100
    assert len(exercise.hints) == 2
    assert len(set(exercise.hints)) == 2
    assert sum(asked == name for asked, _ in ALL_RIGHT) >= 2
    assert len(WRONG.get(name, [])) >= 4


def test_a_function_that_writes_into_its_input_spoils_nothing() -> None:
    def in_place(x: Array) -> float:
        level = level_dbfs(x)
        x[...] = np.nan
        return level

    assert failing("audio_levels.1", in_place) == {}


def test_what_a_function_raises_is_told_with_its_line() -> None:
    line = inspect.getsourcelines(raising)[1] + 1
    says = failing("svd_four_subspaces.3", raising)["rank at most k"]
    assert f"it raised ValueError in line {line} of raising: <b>no</b>" in says


def test_a_function_that_was_called_already_is_asked_for_itself() -> None:
    says = failing("audio_levels.1", level_dbfs(np.ones(3)))["decibels"]
    assert re.search("the answer is .*; expected a function.*without brackets", says)


def test_other_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'audio_levels'"):
        find("audio_level.1")
    with pytest.raises(InputError, match=r"exercise is 'audio_levels.4'.*audio_levels.3"):
        find("audio_levels.4")


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_three_exercises_in_order(lesson: str) -> None:
    assert [exercise.name for exercise in load(lesson)] == [f"{lesson}.{i}" for i in (1, 2, 3)]
