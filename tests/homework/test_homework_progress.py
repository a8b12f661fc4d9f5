"""The local record: what is right since when, kept through damage and through two at a time."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ddasp.homework.pages.page import progress_page
from ddasp.homework.parts import BY_HAND, NOT_ATTEMPTED, NOT_YET, RIGHT, Finding
from ddasp.homework.progress import card, everything, lines, place, progress, record

NAME = "matrix_fundamentals.2"
MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def findings(*states: str) -> list[Finding]:
    return [Finding(f"item {k}", state, "says: my answer is 42") for k, state in enumerate(states)]


def test_nothing_is_known_at_first_and_looking_writes_nothing():
    assert progress() == {"seen": {}, "notes": []}
    assert not place().parent.exists()


def test_the_first_time_it_was_right_is_kept_whatever_comes_later():
    record(NAME, findings(RIGHT, NOT_YET), now=MONDAY)
    assert progress()["seen"][NAME] == {
        "status": NOT_YET,
        "right": 1,
        "items": 2,
        "first_right": "",
    }
    record(NAME, findings(RIGHT, RIGHT), now=MONDAY)
    record(NAME, findings(RIGHT, RIGHT), now=TUESDAY)
    assert progress()["seen"][NAME]["first_right"] == "2026-03-02T10:00:00+00:00"
    record(NAME, findings(NOT_YET, RIGHT), now=TUESDAY)
    again = progress()["seen"][NAME]
    assert (again["status"], again["first_right"][:10]) == (NOT_YET, "2026-03-02")


def test_times_are_utc_wherever_they_were_taken():
    record(NAME, findings(RIGHT), now=datetime.fromisoformat("2026-03-03T01:00:00+05:00"))
    assert progress()["seen"][NAME]["first_right"] == "2026-03-02T20:00:00+00:00"


@pytest.mark.parametrize(
    "states", [(), (NOT_ATTEMPTED, NOT_ATTEMPTED), (BY_HAND,), (BY_HAND, NOT_ATTEMPTED)]
)
def test_what_was_not_attempted_or_is_read_by_hand_leaves_no_trace(states: tuple[str, ...]):
    record(NAME, findings(RIGHT))
    before = place().read_bytes()
    record(NAME, findings(*states))
    assert place().read_bytes() == before


def test_no_answer_and_no_message_is_kept():
    record(NAME, findings(RIGHT, NOT_YET))
    text = place().read_text()
    assert "42" not in text
    assert "item" not in text.replace("items", "")
    assert set(json.loads(text)["seen"][NAME]) == {"status", "right", "items", "first_right"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"form": 2, "seen": {}}',
        '{"form": 1}',
        '{"form": 1, "seen": {"x": 3}}',
        '{"form": 1, "seen": {"x": {"status": "great", "right": 1, "items": 1, "first_right": ""}}}',
        '{"form": 1, "seen": {"x": {"status": "right", "right": true, "items": 1, "first_right": ""}}}',
        '{"form": 1, "seen": {"x": {"status": [], "right": 1, "items": 1, "first_right": ""}}}',
    ],
)
def test_a_damaged_record_is_named_kept_and_begun_anew(text: str):
    place().parent.mkdir(parents=True)
    place().write_text(text)
    (note,) = record(NAME, findings(RIGHT))
    kept = place().with_name("homework.damaged-1.json")
    assert str(kept) in note
    assert "could not be read" in note
    assert kept.read_text() == text
    assert list(progress()["seen"]) == [NAME]
    place().write_text(text)
    assert "damaged-2" in progress()["notes"][0]
    assert kept.read_text() == text


def test_bytes_that_are_no_text_are_damage_too():
    place().parent.mkdir(parents=True)
    place().write_bytes(b"\xff\xfe\x00")
    assert "could not be read" in progress()["notes"][0]


def test_a_place_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path):
    (tmp_path / "state").write_text("a file where the folder should be")
    (note,) = record(NAME, findings(RIGHT))
    assert note.startswith("the progress could not be saved: ")
    assert progress() == {"seen": {}, "notes": []}


def test_many_at_a_time_lose_nothing():
    names = [f"lesson.{k}" for k in range(24)]
    threads = [threading.Thread(target=record, args=(n, findings(RIGHT))) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(progress()["seen"]) == set(names)
    assert not list(place().parent.glob("*.tmp"))


def test_the_card_names_every_piece_with_its_state_and_the_day():
    record("a.1", findings(RIGHT), now=MONDAY)
    record("a.2", findings(RIGHT), now=MONDAY)
    record("a.2", findings(NOT_YET, RIGHT), now=TUESDAY)
    names = {"A": {"a.1": "1 one", "a.2": "2 two", "a.3": "3"}, "B": {}}
    assert card(progress(), names) == {
        "A": [
            ("1 one", RIGHT, "since 2026-03-02"),
            ("2 two", NOT_YET, "1 of 2 items right; it was right on 2026-03-02"),
            ("3", NOT_ATTEMPTED, ""),
        ],
        "B": [],
    }
    assert lines(progress(), names) == [
        "A: 1 of 3 right",
        "  ✓ 1 one  right          since 2026-03-02",
        "  ◐ 2 two  not yet        1 of 2 items right; it was right on 2026-03-02",
        "  ○ 3      not attempted",
        "B: not begun",
    ]


def test_notes_end_the_lines():
    assert lines({"seen": {}, "notes": ["kept"]}, {}) == ["Note: kept"]


def test_everything_holds_the_exercises_and_the_checked_parts_of_the_tasks():
    found = everything()
    assert found["Matrix fundamentals"]["task matrix_fundamentals.2"] == "2 Rank"
    assert "task matrix_fundamentals.9" not in found["Matrix fundamentals"]  # read by hand
    assert found["Lesson audio_levels"]["audio_levels.1"] == "exercise 1"
    assert "Matrix fundamentals: not begun" in lines(progress())


def test_the_page_says_how_many_are_right():
    record(NAME, findings(RIGHT), now=MONDAY)
    page = progress_page(card(progress()), ["<b>a note</b>"])
    total = sum(map(len, everything().values()))
    assert f"1 of {total} are right" in page
    assert "since 2026-03-02" in page
    assert "&lt;b&gt;a note" in page


def test_a_lesson_and_a_task_of_one_name_are_kept_apart():
    found = everything()
    assert found["Lesson matrix_fundamentals"]["matrix_fundamentals.2"] == "exercise 2"
    record("matrix_fundamentals.2", findings(RIGHT), now=MONDAY)
    said = lines(progress())
    assert "Lesson matrix_fundamentals: 1 of 3 right" in said
    assert "Matrix fundamentals: not begun" in said
