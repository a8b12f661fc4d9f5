"""Findings come to shares and states; results survive the way to a file and back."""

from __future__ import annotations

import json

import pytest

from ddasp._files import to_json
from ddasp.homework.parts import (
    BY_HAND,
    NOT_ATTEMPTED,
    NOT_YET,
    RIGHT,
    Finding,
    NotYet,
    judged,
    share_of,
)
from ddasp.homework.results import PartResult, Result, from_json


def test_the_share_weighs_items() -> None:
    findings = [Finding("a", RIGHT, weight=3), Finding("b", NOT_YET, weight=1)]
    assert share_of(findings) == 0.75
    assert share_of([]) == 0.0


def test_a_property_that_fails_becomes_the_finding_and_numbers_are_kept() -> None:
    def fails() -> None:
        raise NotYet("P P = P fails")

    assert judged("P", fails) == Finding("P", NOT_YET, "P P = P fails")
    assert judged("P", lambda: {"risk": 0.5}).numbers == {"risk": 0.5}
    assert judged("P", lambda: None).status == RIGHT


def test_a_fault_of_a_check_is_not_taken_for_a_wrong_answer() -> None:
    with pytest.raises(ZeroDivisionError):
        judged("P", lambda: 1 / 0)


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ((RIGHT, RIGHT), RIGHT),
        ((RIGHT, NOT_ATTEMPTED), NOT_YET),
        ((NOT_ATTEMPTED, NOT_ATTEMPTED), NOT_ATTEMPTED),
        ((NOT_YET,), NOT_YET),
        ((), NOT_ATTEMPTED),
    ],
)
def test_the_state_of_a_part_follows_from_its_items(states: tuple[str, ...], whole: str) -> None:
    findings = tuple(Finding(str(i), state) for i, state in enumerate(states))
    assert PartResult("1", "rank", 5.0, False, findings).status == whole


def test_what_the_lecturer_reads_is_there_or_not_attempted() -> None:
    assert PartResult("9", "paper", 5.0, True, (Finding("p", BY_HAND),)).status == BY_HAND
    missing = (Finding("paper.pdf", NOT_ATTEMPTED),)
    assert PartResult("9", "paper", 5.0, True, missing).status == NOT_ATTEMPTED


def test_a_result_comes_back_from_json_as_it_was() -> None:
    part = PartResult("1", "rank", 5.0, False, (Finding("A", RIGHT, numbers={"risk": 0.1}),))
    hand = PartResult("2", "paper", 5.0, True, (Finding("paper", BY_HAND),))
    result = Result("s1", "t", 1, (part, hand), ("cell 1: torch",), "hello", ("a.pdf",))
    assert from_json(json.loads(to_json(result.to_json()))) == result


def test_what_was_left_out_as_its_author_wanted_is_no_failure() -> None:
    left_out = ("cell 2: all of it (tagged not-graded)", "cell 3, line 1: !ls (a notebook command)")
    result = Result("s1", "doubling", 1, (), (left_out[0], "cell 4: no", left_out[1]))
    assert result.failures == ("cell 4: no",)
    assert result.left_out == left_out
