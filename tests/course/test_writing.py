"""A folder of lessons: brought up to date, and a reader's work is never lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ddasp._errors import InputError
from ddasp.apps import cli_course
from ddasp.course import writing

FIRST = {"index.ipynb": "map 1", "pca.ipynb": "pca 1", "homework/a.ipynb": "a 1"}
SECOND = {"index.ipynb": "map 1", "pca.ipynb": "pca 2", "homework/a.ipynb": "a 2"}


@pytest.fixture
def lessons(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the course holds; a test changes it to make a newer edition."""
    now = dict(FIRST)
    monkeypatch.setattr(writing, "contents", lambda: dict(now))
    return now


def there(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): p.read_text() for p in sorted(folder.rglob("*.ipynb"))
    }


def test_an_empty_folder_gets_everything(tmp_path: Path, lessons: dict[str, str]) -> None:
    done = writing.write(tmp_path / "new" / "folder")
    assert set(done.new) == set(FIRST)
    assert there(tmp_path / "new" / "folder") == FIRST


def test_the_second_time_nothing_changes(tmp_path: Path, lessons: dict[str, str]) -> None:
    writing.write(tmp_path)
    done = writing.write(tmp_path)
    assert (set(done.unchanged), done.new, done.renewed, done.kept) == (set(FIRST), (), (), ())


def test_a_newer_lesson_replaces_one_that_nobody_touched(
    tmp_path: Path, lessons: dict[str, str]
) -> None:
    writing.write(tmp_path)
    lessons.update(SECOND)
    done = writing.write(tmp_path)
    assert done.renewed == ("pca.ipynb", "homework/a.ipynb")
    assert there(tmp_path) == SECOND


def test_a_readers_work_is_kept_and_the_newer_lesson_stands_beside_once(
    tmp_path: Path, lessons: dict[str, str]
) -> None:
    writing.write(tmp_path)
    (tmp_path / "pca.ipynb").write_text("mine")
    assert writing.write(tmp_path).beside == ()  # the same edition: nothing to offer
    lessons.update(SECOND)
    done = writing.write(tmp_path)
    assert (done.kept, done.beside) == (("pca.ipynb",), ("pca.new.ipynb",))
    assert writing.write(tmp_path).beside == ()
    assert there(tmp_path) == {**SECOND, "pca.ipynb": "mine", "pca.new.ipynb": "pca 2"}


def test_work_in_the_newer_lesson_is_kept_too(tmp_path: Path, lessons: dict[str, str]) -> None:
    writing.write(tmp_path)
    (tmp_path / "pca.ipynb").write_text("mine")
    lessons["pca.ipynb"] = "pca 2"
    writing.write(tmp_path)
    (tmp_path / "pca.new.ipynb").write_text("mine too")
    lessons["pca.ipynb"] = "pca 3"
    assert writing.write(tmp_path).beside == ("pca.new2.ipynb",)
    found = there(tmp_path)
    assert (found["pca.ipynb"], found["pca.new.ipynb"], found["pca.new2.ipynb"]) == (
        "mine",
        "mine too",
        "pca 3",
    )


def test_a_file_that_was_there_before_the_course_is_kept(
    tmp_path: Path, lessons: dict[str, str]
) -> None:
    (tmp_path / "pca.ipynb").write_text("somebody's own")
    done = writing.write(tmp_path)
    assert (done.kept, done.beside) == (("pca.ipynb",), ("pca.new.ipynb",))
    assert there(tmp_path)["pca.ipynb"] == "somebody's own"


@pytest.mark.parametrize("damage", ["", "{", "[1]", "\x00"])
def test_with_a_damaged_ledger_nothing_is_replaced(
    tmp_path: Path, lessons: dict[str, str], damage: str
) -> None:
    writing.write(tmp_path)
    (tmp_path / writing.LEDGER).write_text(damage)
    lessons.update(SECOND)
    assert set(writing.write(tmp_path).kept) == {"pca.ipynb", "homework/a.ipynb"}
    assert there(tmp_path)["pca.ipynb"] == "pca 1"


def test_a_deleted_notebook_comes_again(tmp_path: Path, lessons: dict[str, str]) -> None:
    writing.write(tmp_path)
    (tmp_path / "pca.ipynb").unlink()
    assert writing.write(tmp_path).new == ("pca.ipynb",)


def test_a_place_that_is_taken_is_refused(tmp_path: Path, lessons: dict[str, str]) -> None:
    (tmp_path / "pca.ipynb").mkdir()
    with pytest.raises(InputError, match="is no file"):
        writing.write(tmp_path)
    (tmp_path / "f").write_text("")
    with pytest.raises(InputError, match="is a file"):
        writing.write(tmp_path / "f")


def test_the_whole_course_is_written_by_the_command(tmp_path: Path) -> None:
    run = CliRunner().invoke(cli_course.course, [str(tmp_path), "--json"], standalone_mode=False)
    said = json.loads(run.output)
    assert "index.ipynb" in said["written"]
    assert "homework/matrix_fundamentals.ipynb" in said["written"]
    assert len(said["written"]) == len(there(tmp_path)) == 36
    again = CliRunner().invoke(
        cli_course.course, [str(tmp_path), "--only-write"], standalone_mode=False
    )
    assert "0 notebooks written, 0 brought up to date, 36 as they were" in again.output


def test_without_jupyterlab_the_command_says_how_to_get_it(
    tmp_path: Path, lessons: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_course, "find_spec", lambda name: None)
    run = CliRunner().invoke(cli_course.course, [str(tmp_path)], standalone_mode=False)
    assert run.return_value == 0
    assert 'pip install "ddasp[course]"' in run.output


@pytest.mark.parametrize(
    ("option", "has"), [((), "index.ipynb"), (("--no-browser",), "--no-browser")]
)
def test_jupyterlab_is_started_in_the_folder(
    tmp_path: Path,
    lessons: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    option: tuple[str, ...],
    has: str,
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(cli_course.subprocess, "call", lambda command: called.append(command) or 0)
    CliRunner().invoke(cli_course.course, [str(tmp_path), *option], standalone_mode=False)
    assert called[0][1:3] == ["-m", "jupyterlab"]
    assert f"--notebook-dir={tmp_path}" in called[0]
    assert has in called[0]
