"""``ddasp verify``: its exit codes, its words in 80 columns, its JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.procedure.small_corpus import NESTED, write_corpus

from ddasp._progress import Silent
from ddasp.apps.cli import main
from ddasp.procedure.run import run

Output = pytest.CaptureFixture[str]
SMALL = NESTED.replace('["levels", "mfcc"]', '["levels"]').replace(
    '"rule", "linear", "tree"', '"linear"'
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("verify")
    write_corpus(base / "sounds", n_sources=3, n_each=2)
    (base / "problem.toml").write_text(SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(base / "state"))
        run(base / "problem.toml", out=base / "run", n_workers=1, progress=Silent())
    return base / "run"


def test_a_run_that_holds_ends_with_0_and_says_what_was_checked(made: Path, capsys: Output) -> None:
    assert main(["verify", str(made)]) == 0
    out = capsys.readouterr().out
    assert "18 files in = 18 used + 0 used with a warning + 0 rejected" in " ".join(out.split())
    assert out.endswith(f"{made} holds\n")
    assert "not checked" not in out


def test_an_edited_run_ends_with_1_and_names_file_and_cause(
    made: Path, tmp_path: Path, capsys: Output
) -> None:
    folder = shutil.copytree(made, tmp_path / "run")
    path = folder / "5_evaluation" / "evaluation.json"
    path.write_text(path.read_text().replace('"word": "', '"word": "very ', 1))
    assert main(["verify", str(folder), "--quiet"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "E-RUN: 5_evaluation/evaluation.json: SHA-256 is" in out
    assert "verdict.word is very" in out
    assert "`ddasp run` makes the step again" in out
    assert "does not hold: 3 faults" in out


def test_numbers_stand_with_their_rows_in_80_columns(made: Path, capsys: Output) -> None:
    assert main(["verify", str(made), "--numbers", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "5_evaluation/evaluation.json, from 5_evaluation/predictions.csv" in out
    line = next(line for line in out.splitlines() if line.startswith("estimate.n_observations"))
    assert line.split()[1:4] == ["18", "rows", "0-17:"]
    long = [line for line in out.splitlines() if len(line) > 80 and str(made) not in line]
    assert long == []


def test_json_holds_all_that_was_found(made: Path, capsys: Output) -> None:
    assert main(["verify", str(made), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["holds"] is True
    assert answer["faults"] == answer["not_checked"] == []
    estimate = next(one for one in answer["numbers"] if one["key"] == "estimate.value")
    assert estimate["source"] == "5_evaluation/predictions.csv"
    assert estimate["rows"] == [[0, 17]]


def test_sounds_that_lie_elsewhere_are_named_by_hand(
    made: Path, tmp_path: Path, capsys: Output
) -> None:
    base = shutil.copytree(made.parent, tmp_path / "base")
    problem = (made.parent / "problem.toml").rename(tmp_path / "away.toml")
    try:
        assert main(["verify", str(base / "run"), "--problem", str(base / "problem.toml")]) == 0
    finally:
        problem.rename(made.parent / "problem.toml")
    assert f"{base / 'sounds'} are those of the run" in " ".join(capsys.readouterr().out.split())


def test_what_is_no_run_folder_ends_with_2(tmp_path: Path, capsys: Output) -> None:
    assert main(["verify", str(tmp_path)]) == 2
    assert "E-RUN" in capsys.readouterr().err
    assert main(["verify", str(tmp_path / "none")]) == 2
    assert "E-PATH-MISSING" in capsys.readouterr().err
