"""The verbs of homework at the command line: words, JSON, exit codes, and how to go on."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.homework.matrix_solution import program_text

from ddasp._errors import InputError, RunError
from ddasp.apps.cli import main
from ddasp.homework.grades import grading
from ddasp.homework.running.sandbox import Sandbox

Output = pytest.CaptureFixture[str]
TASK = "matrix_fundamentals"
SALT = "0123456789abcdef"


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in; the record of progress stays in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def answer_of(capsys: Output) -> Any:
    return json.loads(capsys.readouterr().out)


def with_ranks(student: str, ranks: str) -> str:
    """A hand-in of which only the ranks are attempted."""
    head = program_text(student).partition("\n\n\n")[0].partition("def ")[0]
    return f"{head}\n\ndef ranks():\n    return {ranks}\n"


# --- new -----------------------------------------------------------------------------------


def test_new_writes_the_folder_of_a_student_and_says_what_next(capsys: Output) -> None:
    assert main(["homework", "new", TASK, "--student", "S0123456"]) == 0
    out, err = capsys.readouterr()
    folder = Path(f"{TASK}_s0123456")
    assert sorted(path.name for path in folder.iterdir()) == [
        "homework.ipynb",
        "matrices.json",
        "sheet.html",
    ]
    assert f"wrote {folder}:\n  homework.ipynb\n" in out
    assert f"Then: ddasp homework check {folder}/homework.ipynb" in out
    assert err == ""


def test_new_in_json_names_folder_and_files(capsys: Output) -> None:
    words = ["homework", "new", TASK, "--student", "s1", "--out", "my task", "--json"]
    assert main(words) == 0
    assert answer_of(capsys) == {
        "folder": "my task",
        "files": ["homework.ipynb", "matrices.json", "sheet.html"],
    }


def test_a_task_that_is_none_is_answered_with_the_nearest(capsys: Output) -> None:
    assert main(["homework", "new", "matrix_fundamental", "--student", "s1"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ddasp: E-ARGUMENT: ")
    assert f"did you mean '{TASK}'?" in err
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["homework", "new", TASK],
        ["homework", "check"],
        ["homework", "check", "a.py", "--hint", "1", "--level", "3"],
        ["homework", "grade", "submissions"],
        ["homework", "grade", "submissions", "--out", "grades", "--workers", "0"],
    ],
)
def test_a_command_that_lacks_something_ends_with_2(words: list[str], capsys: Output) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--help" in err


# --- check ---------------------------------------------------------------------------------


@pytest.fixture
def hand_in(at_home: Path) -> Path:
    """One rank is wrong, the rest is not attempted."""
    (at_home / "mine.py").write_text(with_ranks("example", '{"A": 2, "B": 2, "D": 2}'))
    return Path("mine.py")


def test_check_says_right_not_yet_and_not_attempted_and_ends_with_0(
    hand_in: Path, capsys: Output
) -> None:
    assert main(["homework", "check", str(hand_in), "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert "◐ 2 Rank - 2 of 3 points\n    ◐ D: rank - not yet" in out
    assert "not attempted" in out
    assert err == ""
    assert any(path.suffix == ".html" for path in Path.cwd().iterdir())


def test_a_hint_is_given_when_it_is_asked_for_and_level_2_is_another(
    hand_in: Path, capsys: Output
) -> None:
    said = []
    for more in ([], ["--hint", "2"], ["--hint", "2", "--level", "2"]):
        assert main(["homework", "check", str(hand_in), *more, "--json"]) == 0
        said.append(answer_of(capsys)["hint"])
    assert said[0] == ""
    assert said[1]
    assert said[2]
    assert said[1] != said[2]


def test_check_in_json_holds_findings_and_the_card(hand_in: Path, capsys: Output) -> None:
    assert main(["homework", "check", str(hand_in), "--json"]) == 0
    answer = answer_of(capsys)
    assert (answer["student"], answer["task"]) == ("example", TASK)
    rank = next(part for part in answer["parts"] if part["key"] == "2")
    assert [finding["status"] for finding in rank["findings"]] == ["right", "right", "not yet"]
    assert Path(answer["card"]).is_file()


@pytest.mark.parametrize("as_json", [False, True])
def test_what_can_not_be_checked_is_an_error(as_json: bool, at_home: Path, capsys: Output) -> None:
    (at_home / "folder").mkdir()
    for name, code in (("folder", "E-ARGUMENT"), ("none.ipynb", "E-")):
        assert main(["homework", "check", name, *["--json"] * as_json]) == 2
        out, err = capsys.readouterr()
        if as_json:
            assert json.loads(out)["error"]["code"].startswith(code)
            assert json.loads(out)["exit_code"] == 2
        else:
            assert out == ""
            assert f"ddasp: {code}" in err


def test_a_hint_for_a_part_that_is_none_names_the_parts(hand_in: Path, capsys: Output) -> None:
    assert main(["homework", "check", str(hand_in), "--hint", "12"]) == 2
    assert "1, 2, 3" in capsys.readouterr().err


# --- progress ------------------------------------------------------------------------------


def test_progress_is_shown_and_written_as_a_page(hand_in: Path, capsys: Output) -> None:
    assert main(["homework", "check", str(hand_in), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["homework", "progress", "--out", "progress.html"]) == 0
    out, _ = capsys.readouterr()
    assert "Matrix fundamentals" in out
    assert out.endswith("As a page: progress.html\n")
    page = Path("progress.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "not yet" in page
    assert main(["homework", "progress", "--json"]) == 0
    assert TASK in json.dumps(answer_of(capsys))


def test_progress_in_a_place_that_can_not_be_written_says_so(at_home: Path, capsys: Output) -> None:
    (at_home / "file").write_text("")
    assert main(["homework", "progress", "--out", "file/progress.html"]) == 1
    assert "E-DISK" in capsys.readouterr().err


# --- grade ---------------------------------------------------------------------------------


@pytest.fixture
def three(at_home: Path) -> Path:
    """A right hand-in, one with two of three ranks, and one that is no program."""
    folder = at_home / "submissions"
    folder.mkdir()
    (folder / "example.py").write_text(program_text("example"))
    (folder / "s2.py").write_text(with_ranks("s2", '{"A": 99, "B": 99, "D": 99}'))
    (folder / "s3.ipynb").write_text("{")
    return Path("submissions")


@pytest.mark.sandbox
def test_three_submissions_are_graded_in_the_sandbox(three: Path, capsys: Output) -> None:
    try:
        Sandbox.find()
    except RunError as error:
        if os.environ.get("DDASP_NEEDS_SANDBOX"):
            pytest.fail(error.message)
        pytest.skip(error.message)
    words = ["homework", "grade", str(three), "--out", "grades"]
    assert main(words) == 1  # one has no result
    out, _ = capsys.readouterr()
    assert out.startswith("2 submissions run now, 0 known\n")
    assert "Set deadline, weights and points by hand in the settings; then run again." in out
    assert "no result: s3.ipynb: E-SUBMISSION: s3.ipynb is no notebook" in out
    assert "settings  grades/homework.toml" in out
    assert main([*words, "--json"]) == 1
    (flag,) = answer_of(capsys)["without_result"]["s3.ipynb"]
    assert "is no notebook" in flag
    with open("grades/grades.csv", newline="", encoding="utf-8") as file:
        rows = {row["submission"]: row for row in csv.DictReader(file)}
    assert [rows[name]["total"] for name in ("example.py", "s2.py", "s3.ipynb")] == ["54", "0", "0"]
    os.unlink(three / "s3.ipynb")
    assert main([*words, "--json"]) == 0
    answer = answer_of(capsys)
    assert (answer["n_new"], answer["n_known"], answer["n_without_result"]) == (0, 2, 0)
    assert any("no network" in text for text in answer["in_force"])
    assert Path(answer["table"]).is_file()
    assert Path(answer["summary"]).is_file()
    assert Path(answer["feedback"], "s2.html").is_file()
    assert Path(answer["settings"]).is_file()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'[homework]\nsalt = "{SALT}"\nroundng = 1\n', 'did you mean "rounding"?'),
        (f'[homework]\nsalt = "{SALT}"\nrounding = 0,5\n', "decimal sign as a point"),
        (f'[homework]\nsalt = "{SALT}"\n[weights]\n"12" = 3\n', "1, 2, 3, 4, 5, 6, 7, 8, 9"),
    ],
)
def test_wrong_settings_are_named_in_words_and_in_json(
    text: str, says: str, three: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grading.Sandbox, "find", staticmethod(lambda: None))  # nothing runs
    Path("grades").mkdir()
    Path("grades/homework.toml").write_text(text)
    words = ["homework", "grade", str(three), "--out", "grades"]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "ddasp: E-PROBLEM: homework.toml" in err
    assert says in err
    assert main([*words, "--json"]) == 2
    answer = answer_of(capsys)
    assert answer["error"]["code"] == "E-PROBLEM"
    assert says in answer["error"]["message"]
    assert not Path("grades/grades.csv").exists()


def test_submissions_that_are_not_there_are_named_and_nothing_is_made(capsys: Output) -> None:
    assert main(["homework", "grade", "none", "--out", "grades"]) == 2
    assert "E-PATH-MISSING: there is no none" in capsys.readouterr().err
    assert not Path("grades").exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("E-ARGUMENT", "the submissions are for two tasks"), 2),
        (RunError("E-SANDBOX", "there is no sandbox"), 1),
        (RunError("E-DISK", "could not write grades.csv"), 1),
    ],
)
def test_an_error_of_grading_is_one_message(
    error: Any, code: int, three: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: Any, **options: Any) -> Any:
        raise error

    monkeypatch.setattr(grading, "grade", fails)
    assert main(["homework", "grade", str(three), "--out", "grades"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ddasp: {error.code}: {error.message}\n")


def test_interrupted_grading_says_how_to_go_on(
    three: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(grading, "grade", stopped)
    monkeypatch.setattr(sys, "argv", ["ddasp"])
    words = ["homework", "grade", str(three), "--out", "my grades"]
    assert main(words) == 130
    assert "to go on: ddasp homework grade submissions --out 'my grades'" in capsys.readouterr().err


@pytest.mark.sandbox
def test_ctrl_c_ends_grading_at_once_and_what_is_done_stays(three: Path) -> None:
    try:
        Sandbox.find()
    except RunError as error:
        if os.environ.get("DDASP_NEEDS_SANDBOX"):
            pytest.fail(error.message)
        pytest.skip(error.message)
    os.unlink(three / "s3.ipynb")
    (three / "s4.py").write_text(with_ranks("s4", "1") + "\nwhile True:\n    pass\n")
    words = ["homework", "grade", str(three), "--out", "grades", "--workers", "1"]
    code = "import sys; from ddasp.apps.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while len(list(Path("grades").glob("results/*.json"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)  # s4 comes last and would run for a minute
    before = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - before < 30
    assert "what is finished is kept; to go on: ddasp homework grade submissions" in err
    assert len(list(Path("grades").glob("results/*.json"))) == 2
    assert not Path("grades/grades.csv").exists()
