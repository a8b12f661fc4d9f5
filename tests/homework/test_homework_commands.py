"""What the verbs for students say beside the findings: files, folders, hints that lack a part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ddasp.apps.cli import main

NEW = ["homework", "new", "matrix_fundamentals", "--student", "anna"]
FOLDER = "matrix_fundamentals_anna"
FILES = ["homework.ipynb", "matrices.json", "sheet.html"]


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_new_names_what_it_wrote_and_not_what_was_there(
    at_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (at_home / FOLDER).mkdir()
    (at_home / FOLDER / "paper.pdf").write_bytes(b"mine")
    assert main([*NEW, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == FILES
    (at_home / FOLDER / "sheet.html").unlink()
    assert main(NEW) == 0
    assert capsys.readouterr().out.startswith(f"wrote {FOLDER}:\n  sheet.html\n\nWork in")
    assert main(NEW) == 0
    assert capsys.readouterr().out.startswith(f"{FOLDER} has all of it already, unchanged.\n\n")


def test_a_folder_in_place_of_its_notebook_is_answered_with_the_notebook(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(NEW) == 0
    assert main(["homework", "check", FOLDER]) == 2
    assert f"did you mean {Path(FOLDER, 'homework.ipynb')}?" in capsys.readouterr().err


def test_a_level_without_a_hint_is_refused_before_anything_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["homework", "check", "none.ipynb", "--level", "2"]) == 2
    assert "--level is 2 without --hint; expected --hint PART, too" in capsys.readouterr().err


def test_a_check_in_json_says_whether_all_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(NEW) == 0
    capsys.readouterr()
    assert main(["homework", "check", f"{FOLDER}/homework.ipynb", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["right"] is False
