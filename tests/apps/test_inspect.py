"""A look at a folder tells what is there and what to do, and problem.toml says the same."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from ddasp.apps.cli import main
from ddasp.audio.files import write
from ddasp.procedure import problem
from ddasp.procedure import run as procedure_run

Output = pytest.CaptureFixture[str]
QUICK = ["--workers", "1", "--quiet"]


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that can be learned, one that can't, and what a folder gathers."""
    root = tmp_path_factory.mktemp("messy") / "my sounds"
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        for i in range(4):
            write_new(root / label / f"täke {i}.wav", 0.1 * rng.normal(size=4000), 8000)
    write_new(root / "owl" / "one.wav", 0.1 * rng.normal(size=4000), 8000)
    stereo = 0.1 * rng.normal(size=(22050, 2))
    write_new(root / "dog" / "stereo.wav", stereo, 44100, subtype="PCM_24")
    (root / "cat" / "text.wav").write_text("no sound")
    (root / "notes.md").write_text("no sound either")
    (root / "cat" / os.fsdecode(b"b\xffd.wav")).write_bytes(
        (root / "dog" / "stereo.wav").read_bytes()
    )
    return root


def write_new(path: Path, signal: np.ndarray, rate: int, subtype: str = "PCM_16") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, signal, rate, subtype=subtype)


def test_nothing_is_lost_and_every_finding_says_what_to_do(messy: Path, capsys: Output) -> None:
    assert main(["inspect", str(messy), "--json", *QUICK]) == 0
    told = json.loads(capsys.readouterr().out)
    files = told["files"]
    assert files["in"] == 12 == files["used"] + files["warned"] + files["rejected"]
    assert told["labels"] == {"cat": 5, "dog": 5}
    assert [item["label"] for item in told["set_aside"]] == ["owl"]
    assert told["rates"] == {"8000": 8, "44100": 2}
    findings = {finding["code"]: finding for finding in told["findings"]}
    assert {"E-AUDIO-FORMAT", "W-NAME", "W-RATE", "W-CONFLICT", "W-RARE"} <= set(findings)
    assert findings["W-NAME"]["examples"] == [
        {"path": "cat/b\\xffd.wav", "detail": "bytes of its name are no UTF-8"}
    ]
    assert all(finding["to_do"] for finding in findings.values())


def test_words_hold_what_the_data_hold(messy: Path, capsys: Output) -> None:
    assert main(["inspect", str(messy), *QUICK]) == 0
    out = capsys.readouterr().out
    assert "12 files:" in out
    assert "passed over: 1 ×" in out
    assert "owl         1  set aside" in out
    assert "E-AUDIO-FORMAT, 1 file: " in out
    assert "cat/b\\xffd.wav" in out


def test_init_writes_a_problem_that_finds_the_sounds(
    messy: Path, tmp_path: Path, capsys: Output
) -> None:
    out = tmp_path / "here" / "problem.toml"
    assert main(["init", str(messy), "--out", str(out), *QUICK]) == 0
    assert f"ddasp run {out}" in capsys.readouterr().out
    asked = problem.load(out)
    assert asked.root.resolve() == messy.resolve()
    assert asked.sounds.labels.startswith("folder")
    assert "# 12 files:" in out.read_text("utf-8")


def test_init_replaces_nothing_unasked(messy: Path, tmp_path: Path, capsys: Output) -> None:
    out = tmp_path / "problem.toml"
    out.write_text("mine")
    assert main(["init", str(messy), "--out", str(out), *QUICK]) == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main(["init", str(messy), "--out", str(out), "--force", *QUICK]) == 0
    assert out.read_text() != "mine"


def test_init_finds_a_table_from_where_the_problem_stands(tmp_path: Path) -> None:
    sounds = tmp_path / "sounds"
    rng = np.random.default_rng(1)
    rows = ["file,target"]
    for i in range(4):
        write_new(sounds / f"s{i}.wav", 0.1 * rng.normal(size=4000), 8000)
        rows.append(f"s{i}.wav,{i}.5")
    (sounds / "decay.csv").write_text("\n".join(rows) + "\n")
    out = tmp_path / "problem.toml"
    assert main(["init", str(sounds), "--out", str(out), *QUICK]) == 0
    asked = problem.load(out)
    assert asked.kind == "regression"
    assert (asked.base / asked.sounds.table).exists()


def test_a_folder_that_is_not_there_is_wrong_input(tmp_path: Path, capsys: Output) -> None:
    assert main(["inspect", str(tmp_path / "none"), *QUICK]) == 2
    assert "E-PATH-MISSING" in capsys.readouterr().err


def test_a_folder_without_sounds_is_wrong_input(tmp_path: Path, capsys: Output) -> None:
    assert main(["inspect", str(tmp_path), *QUICK]) == 2
    assert "E-DATA" in capsys.readouterr().err


def test_the_demo_writes_sounds_and_a_valid_problem_and_keeps_an_edited_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ddasp.apps import demo

    def few(folder: Path) -> int:
        return small(folder, n_kits=1, n_hits=1)

    small, asked = demo.write_drum_corpus, []
    monkeypatch.setattr(demo, "write_drum_corpus", few)

    def run(source: Path, **options: object) -> None:
        asked.append((problem.load(source), options["out"]))
        raise KeyboardInterrupt

    monkeypatch.setattr(procedure_run, "run", run)
    assert main(["demo", str(tmp_path), "--quiet"]) == 130
    (first, out) = asked[0]
    assert out == tmp_path / "run"
    assert first.root == tmp_path / "sounds"
    assert len(list(first.root.rglob("*.wav"))) == 7
    (tmp_path / "problem.toml").write_text("[run]\nseed = 99\n")
    assert main(["demo", str(tmp_path), "--quiet"]) == 130
    assert asked[1][0].run.seed == 99
