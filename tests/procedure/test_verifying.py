"""A run folder holds until somebody edits it, and each edit is named with file, expected and got."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ddasp._errors import InputError, RunError
from ddasp._files import Ledger, digest_file, digest_json, read_json, write_json
from ddasp._progress import Silent
from ddasp.procedure import report, verifying
from ddasp.procedure.outer import kept_fold
from ddasp.procedure.run import STEPS, run
from ddasp.procedure.verifying import Verified, verify
from ddasp.procedure.verifying.findings import first_difference

from .small_corpus import BINARY, NESTED, REGRESSION, SEALED, write_corpus

SMALL = NESTED.replace('["levels", "mfcc"]', '["levels"]').replace(
    '"rule", "linear", "tree"', '"linear"'
)
EVALUATION, PREDICTIONS = "5_evaluation/evaluation.json", "5_evaluation/predictions.csv"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three sources, its sounds and problem.toml beside it."""
    base = tmp_path_factory.mktemp("verifying")
    write_corpus(base / "sounds", n_sources=3, n_each=2)
    (base / "sounds" / "broken_a_0.wav").write_bytes(b"")
    go(base, SMALL, base / "run")
    return base / "run"


def go(base: Path, text: str, out: Path, **options: object) -> None:
    problem = base / f"{out.name}.toml"
    problem.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(base / "state"))
        run(problem, out=out, n_workers=1, progress=Silent(), **options)


@pytest.fixture
def edited(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that may be edited; the report, which takes longest, is not made again."""
    monkeypatch.setattr(verifying, "_check_report", lambda *_: None)
    return shutil.copytree(made, tmp_path / "run")


def tree(folder: Path) -> dict[Path, tuple[int, int, int]]:
    stats = {path: path.lstat() for path in folder.rglob("*")}
    return {path: (s.st_mode, s.st_size, s.st_mtime_ns) for path, s in stats.items()}


def said(found: Verified) -> str:
    return "\n".join(map(str, found.faults))


def change(path: Path, act: Callable[[dict], object]) -> None:
    content = read_json(path)
    act(content)
    write_json(path, content)


def page(folder: Path) -> Path:
    """In the place of a report, which takes longer than all else."""
    (folder / "report.html").write_text("<!doctype html>")
    return folder / "report.html"


def forge(folder: Path) -> None:
    """Every digest anew, so that only numbers and sums can give an edit away."""
    digests: dict[str, str] = {}
    for step in STEPS:
        about = folder / step / "model.json"
        if about.exists():
            model = digest_file(folder / step / "model.onnx")
            change(about, lambda d, m=model: d.update(digests=digests | {"model.onnx": m}))
        paths = [p for p in (folder / step).rglob("*") if p.is_file() and p.name != "step.json"]
        files = {p.relative_to(folder / step).as_posix(): digest_file(p) for p in paths}
        digests[step] = digest_json(files)
        new = {"files": files, "digest": digests[step]}
        change(folder / step / "step.json", lambda d, new=new: d.update(new))
    change(folder / "run.json", lambda d: d.update(steps=digests))


def test_an_undisturbed_run_holds_in_all_its_parts(made: Path) -> None:
    before = tree(made)
    found = verify(made)
    assert (found.faults, found.unchecked) == ((), ())
    assert {what for what, _ in found.checks} == {
        *("files", "ledgers", "sums", "rows", "numbers", "again", "keys", "sounds", "report")
    }
    sums = dict(found.checks)["sums"]
    assert sums == "19 files in = 18 used + 0 used with a warning + 1 rejected"
    assert tree(made) == before


def test_each_number_is_traced_to_the_rows_that_give_it(edited: Path) -> None:
    numbers = {(one.file, one.key): one for one in verify(edited).numbers}
    table = pd.read_csv(edited / PREDICTIONS)
    labels = read_json(edited / EVALUATION)["confusion"]["labels"]
    for k, true in enumerate(labels):
        for j, decided in enumerate(labels):
            one = numbers[EVALUATION, f"confusion.counts[{k}][{j}]"]
            rows = [row for a, b in one.rows for row in range(a, b + 1)]
            expected = np.flatnonzero((table["label"] == true) & (table["decided"] == decided))
            assert one.source == PREDICTIONS
            assert rows == expected.tolist()
            assert one.value == len(rows)
    rejected = numbers["2_preparation/preparation.json", "n_rejected"]
    row = rejected.rows[0][0]
    names = pd.read_csv(edited / "2_preparation/recordings.csv")["path"]
    assert (rejected.value, names[row]) == (1, "broken_a_0.wav")


@pytest.mark.parametrize(
    ("kind", "text"), [("binary", BINARY), ("regression", REGRESSION), ("sealed", SEALED)]
)
def test_other_kinds_of_problem_hold_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, text: str
) -> None:
    monkeypatch.setattr("ddasp.procedure.run.report.write", lambda run, *_, **__: page(run))
    monkeypatch.setattr(verifying, "_check_report", lambda *_: None)
    write_corpus(tmp_path / "sounds", n_sources=4, n_each=4 if kind == "sealed" else 2)
    rows = pd.read_csv(tmp_path / "crossings.csv")
    rows["label"] = np.where(rows["file"].str.startswith("hiss"), "hiss", "other")
    rows[["file", "label", "group"]].to_csv(tmp_path / "binary.csv", index=False)
    go(tmp_path, text.replace('["levels", "mfcc"]', '["levels"]'), tmp_path / kind)
    found = verify(tmp_path / kind)
    assert (said(found), found.unchecked) == ("", ())


def test_a_report_without_sounds_can_be_made_again_without_them(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "run")
    report.write(folder, made.parent / "sounds", with_sounds=False)
    found = verify(folder, source=tmp_path / "away.toml")
    assert found.holds
    assert "report" in dict(found.checks)
    assert [text.partition(":")[0] for text in found.unchecked] == ["the sounds"]


@pytest.mark.parametrize(
    ("act", "file", "what"),
    [
        (lambda d: d["estimate"].update(value=0.123), EVALUATION, "estimate.value is 0.123; expected"),
        (lambda d: d["verdict"].update(word="sure"), EVALUATION, "verdict.word is sure; expected"),
        (lambda d: d["confusion"]["counts"][0].__setitem__(0, 99), EVALUATION, "confusion.counts[0][0]"),
        (lambda d: d["baselines"][0].update(value=0.1), EVALUATION, "ledgers in .work give another"),
        (lambda d: d.update(n_in=20), "2_preparation/preparation.json", "n_in is 20; expected 19"),
        (lambda d: d["groups"].update(a=7), "2_preparation/preparation.json", 'groups["a"] is 7'),
        (lambda d: d["table"][0].update(mean=0.9), "3_spot_check/spot_check.json", "table[0].mean"),
        (lambda d: d["chosen"].update(mean=0.9), "4_selection/selection.json", "chosen.mean"),
        (lambda d: d["card"]["estimate"].update(low=0.9), "6_application/model.json", "card.estimate.low"),
        (lambda d: d["folds"][0].append(d["folds"][1].pop()), "2_preparation/split.json", "on one side"),
    ],
)  # fmt: skip
def test_a_forged_number_is_named_though_every_digest_fits(
    edited: Path, act: Callable[[dict], object], file: str, what: str
) -> None:
    change(edited / file, act)
    forge(edited)
    found = verify(edited)
    messages = [str(fault) for fault in found.faults if fault.file == file]
    assert any(what in message for message in messages), said(found)
    assert "SHA-256" not in said(found)


@pytest.mark.parametrize(
    ("name", "at", "what"),
    [
        (PREDICTIONS, slice(1, 2), "the output of observations"),
        ("2_preparation/observations.csv", slice(-1, None), "the observation of"),
        ("2_preparation/recordings.csv", slice(1, 2), "n_in is 19; expected 18"),
        ("3_spot_check/scores.csv", slice(1, 2), "n_fits"),
        ("5_evaluation/tried.csv", slice(1, 2), "size is"),
    ],
)
def test_a_row_that_was_dropped_is_named_though_every_digest_fits(
    edited: Path, name: str, at: slice, what: str
) -> None:
    lines = (edited / name).read_text().splitlines()
    del lines[at]
    (edited / name).write_text("\n".join(lines) + "\n")
    forge(edited)
    assert what in said(verify(edited))


def test_a_row_that_stands_there_twice_is_named(edited: Path) -> None:
    path = edited / PREDICTIONS
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[-1]]) + "\n")
    forge(edited)
    assert "the output of observation 17 is several; expected one" in said(verify(edited))


def test_an_edited_file_is_named_with_both_digests(edited: Path) -> None:
    path = edited / "4_selection" / "trials.csv"
    before = digest_file(path)
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    found = verify(edited)
    assert found.faults[0].file == "4_selection/trials.csv"
    assert (found.faults[0].expected, found.faults[0].got) == (before, digest_file(path))
    assert not found.holds


@pytest.mark.parametrize(
    ("act", "what"),
    [
        (
            lambda f: (f / "5_evaluation/step.json").unlink(),
            "5_evaluation/step.json: it is missing",
        ),
        (lambda f: shutil.rmtree(f / "3_spot_check"), "3_spot_check: it is missing"),
        (
            lambda f: (f / "1_problem/more.json").write_text("{}"),
            "more.json: it is file; expected not",
        ),
        (lambda f: (f / "report.html").unlink(), "report.html: it is missing"),
        (lambda f: (f / "times.json").write_text("[1]"), "times.json: content is [1]"),
        (
            lambda f: (f / "1_problem/step.json").write_text("[" * 100_000),
            "step.json: content is could",
        ),
        (
            lambda f: (f / "6_application/model.onnx").write_bytes(b"\x80\x04."),
            "E-MODEL: 6_application",
        ),
    ],
)
def test_what_is_missing_or_too_much_is_named(
    edited: Path, act: Callable[[Path], object], what: str
) -> None:
    act(edited)
    assert what in said(verify(edited))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_file_is_named_and_not_opened(
    edited: Path, make: Callable[[Path], None]
) -> None:
    (edited / PREDICTIONS).unlink()
    make(edited / PREDICTIONS)
    found = verify(edited)
    assert f"{PREDICTIONS}: it is" in said(found)
    assert any("is no file" in text for text in found.unchecked)


@pytest.mark.parametrize(("key", "value"), [("seed", 1), ("code", "0" * 64)])
def test_keys_tell_when_seed_or_source_are_not_those_of_the_run(
    edited: Path, key: str, value: object
) -> None:
    change(edited / "run.json", lambda d: d.update({key: value}))
    message = said(verify(edited))
    assert "2_preparation/step.json: key is" in message
    assert "code or seed in run.json" in message


def test_a_goal_that_was_set_afterwards_changes_the_keys(edited: Path) -> None:
    change(edited / "1_problem/problem.json", lambda d: d["problem"].update(useful_from=0.1))
    forge(edited)
    message = said(verify(edited))
    assert "1_problem/step.json: key is" in message
    assert "measure.useful_from is 0.5; expected 0.1" in message


def test_ledgers_are_checked_line_by_line_and_may_be_deleted(edited: Path) -> None:
    path = next((edited / ".work").glob("*/search.fits"))
    first, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(first.replace(b'"score": 0', b'"score": 1') + b"\n" + rest)
    assert "search.fits: line 1 is something else" in said(verify(edited))
    shutil.rmtree(edited / ".work")
    found = verify(edited)
    assert found.holds
    assert any("not made again" in text for text in found.unchecked)


def test_an_edited_result_of_a_fold_is_computed_again_and_not_believed(edited: Path) -> None:
    path = next((edited / ".work").glob("*/00.json"))
    assert kept_fold(path) is not None
    change(path, lambda d: d.update(temperature=7.0))
    assert kept_fold(path) is None
    assert "00.json: content is something else" in said(verify(edited))


def test_an_edited_line_of_a_ledger_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    ledger = Ledger(path)
    ledger.put("a", {"score": 0.5})
    ledger.put("b", {"score": 0.25})
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.9"))
    again = Ledger(path)
    assert (again.get("a"), again.get("b"), again.damaged) == (None, {"score": 0.25}, (1,))


def test_sounds_and_settings_that_changed_since_are_named(made: Path, tmp_path: Path) -> None:
    base = shutil.copytree(made.parent, tmp_path / "base")
    problem = base / "run.toml"
    (base / "sounds" / "hum_a_0.wav").write_bytes((base / "sounds" / "hum_b_0.wav").read_bytes())
    problem.write_text(problem.read_text().replace("trials = 2", "trials = 3"))
    found = verify(base / "run", source=problem)
    assert {fault.code for fault in found.faults} == {"E-CHANGED"}
    assert "digest of all" in said(found)
    assert "selection.trials is 3; expected 2" in said(found)
    assert "broken_a_0.wav" not in said(found)
    (base / "sounds" / "hum_a_0.wav").unlink()
    assert "number of files is 18; expected 19" in said(verify(base / "run", source=problem))


def test_an_edited_report_is_named_at_the_place(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "run")
    path = folder / "report.html"
    path.write_text(path.read_text().replace("18", "19", 1))
    found = verify(folder)
    assert [fault.file for fault in found.faults] == ["report.html"]
    assert "19" in found.faults[0].got


def test_the_first_difference_is_found_also_behind_the_end() -> None:
    assert first_difference("a\nb", "a\nb\nc") == (3, "\0", "c")


def test_a_run_at_work_and_what_is_no_run_are_refused(edited: Path, tmp_path: Path) -> None:
    with open(edited / ".lock") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="a run is at work"):
            verify(edited)
    with pytest.raises(InputError, match="expected a run folder"):
        verify(tmp_path / "none")
    with pytest.raises(InputError, match=r"neither run\.json nor a step"):
        verify(edited / "5_evaluation")


@pytest.mark.parametrize(
    "act",
    [
        lambda f: (f / "times.json").write_text('{"fits": {"linear/levels": 3}}'),
        lambda f: (f / "5_evaluation/step.json").write_text("[]"),
        lambda f: change(f / "4_selection/step.json", lambda d: d.update(digest="0")),
        lambda f: shutil.rmtree(f / "6_application") or (f / "6_application").write_text("no folder"),
        lambda f: (f / "4_selection").rename(f.parent / "x") and (f / "4_selection").symlink_to("/tmp"),
        lambda f: os.unlink(f / "times.json") or os.mkfifo(f / "times.json"),
    ],
)  # fmt: skip
def test_a_run_mends_what_was_edited(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], object]
) -> None:
    monkeypatch.setattr("ddasp.procedure.run.report.write", lambda run, *_, **__: page(run))
    folder = shutil.copytree(made, tmp_path / "run")
    act(folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    run(made.parent / "run.toml", out=folder, n_workers=1, progress=Silent())
    for step in STEPS:
        stands = (made / step / "step.json").read_text()
        assert json.loads((folder / step / "step.json").read_text()) == json.loads(stands)
