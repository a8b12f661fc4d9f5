from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ddasp._errors import InputError, RunError
from ddasp._files import lock
from ddasp._progress import Silent
from ddasp.procedure import deployed
from ddasp.procedure.run import STEPS, run

from .small_corpus import (
    BINARY,
    NESTED,
    REGRESSION,
    SEALED,
    TRACKS,
    write_corpus,
    write_recordings,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("corpus")
    write_corpus(base / "sounds")
    (base / "binary.csv").write_text(
        (base / "crossings.csv").read_text().replace("target", "label").replace("\nhiss", "\n#hiss")
    )
    rows = pd.read_csv(base / "crossings.csv")
    rows["label"] = np.where(rows["file"].str.startswith("hiss"), "hiss", "other")
    rows[["file", "label", "group"]].to_csv(base / "binary.csv", index=False)
    return base


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def go(base: Path, text: str, out: Path, **options: object):
    problem = base / f"{out.name}.toml"
    problem.write_text(text)
    return run(problem, out=out, progress=Silent(), **({"n_workers": 1} | options))


def digests(folder: Path) -> dict[str, str]:
    return {name: json.loads((folder / name / "step.json").read_text())["digest"] for name in STEPS}


@pytest.fixture(scope="module")
def nested(corpus: Path, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("runs") / "nested"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(out.parent))
        return go(corpus, NESTED, out)


def test_a_run_ends_with_a_verdict_a_report_and_a_model(nested) -> None:
    assert nested.verdict_word in ("useful", "not useful", "not decided")
    assert nested.report.read_text().lstrip().lower().startswith("<!doctype html>")
    assert (nested.folder / "6_application" / "model.onnx").stat().st_size > 0
    assert set(nested.steps.values()) == {"done"}


def test_few_groups_are_each_held_out_once_and_every_sound_is_judged_once(nested) -> None:
    evaluation = json.loads((nested.folder / "5_evaluation/evaluation.json").read_text())
    assert evaluation["mode"] == "nested"
    assert evaluation["speaks_of"] == "the procedure"
    assert [row["groups"] for row in evaluation["outer"]] == [[c] for c in "abcdef"]
    predictions = pd.read_csv(nested.folder / "5_evaluation/predictions.csv")
    assert predictions["observation"].tolist() == list(range(72))


def test_the_decisive_number_is_the_share_of_correct_rows(nested) -> None:
    predictions = pd.read_csv(nested.folder / "5_evaluation/predictions.csv")
    evaluation = json.loads((nested.folder / "5_evaluation/evaluation.json").read_text())
    by_group = predictions.groupby("group")["correct"].mean()
    assert evaluation["estimate"]["value"] == pytest.approx(by_group.mean(), abs=1e-12)
    assert evaluation["estimate"]["low"] <= by_group.mean() <= evaluation["estimate"]["high"]


def test_known_says_of_each_row_whether_its_own_probability_reaches_the_limit(
    corpus: Path, tmp_path: Path
) -> None:
    text = NESTED.replace("[evaluation]", "[evaluation]\ndont_know_below = 0.93")
    result = go(corpus, text, tmp_path / "limit")
    rows = pd.read_csv(result.folder / "5_evaluation/predictions.csv")
    largest = rows[["p:hiss", "p:hum", "p:ping"]].max(axis=1)
    assert rows["known"].nunique() == 2
    assert (rows["known"] == (largest >= 0.93)).all()


def test_shortcuts_that_know_nothing_of_the_sound_stand_near_chance(nested) -> None:
    evaluation = json.loads((nested.folder / "5_evaluation/evaluation.json").read_text())
    rate = next(b for b in evaluation["baselines"] if b["name"] == "rate only")
    assert rate["value"] == pytest.approx(1 / 3, abs=0.01)


def test_a_second_run_in_the_same_folder_does_nothing(nested, corpus: Path) -> None:
    again = go(corpus, NESTED, nested.folder)
    assert set(again.steps.values()) == {"unchanged"}
    assert again.verdict_sentence == nested.verdict_sentence


def test_another_folder_and_more_workers_give_the_same_bytes(
    nested, corpus: Path, tmp_path: Path
) -> None:
    other = go(corpus, NESTED, tmp_path / "other", n_workers=2)
    assert digests(other.folder) == digests(nested.folder)


def test_a_changed_budget_makes_only_the_steps_after_it_stale(
    nested, corpus: Path, tmp_path: Path
) -> None:
    out = tmp_path / "changed"
    go(corpus, NESTED, out)
    result = go(corpus, NESTED.replace("trials = 2", "trials = 1"), out)
    assert [result.steps[name] for name in STEPS] == ["done"] + 2 * ["unchanged"] + 3 * ["done"]


def test_a_changed_sound_makes_every_step_after_the_problem_stale(tmp_path: Path) -> None:
    write_corpus(tmp_path / "sounds", n_sources=3, n_each=2)
    go(tmp_path, NESTED, tmp_path / "run")
    write_corpus(tmp_path / "sounds", n_sources=3, n_each=2, seed=6)
    result = go(tmp_path, NESTED, tmp_path / "run")
    assert [result.steps[name] for name in STEPS] == ["unchanged"] + 5 * ["done"]


def test_a_damaged_result_is_made_again(nested, corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "damaged"
    go(corpus, NESTED, out)
    path = out / "4_selection" / "trials.csv"
    path.write_bytes(path.read_bytes()[:-10])
    result = go(corpus, NESTED, out)
    assert result.steps["4_selection"] == "done"
    assert digests(out) == digests(nested.folder)


SCRIPT = """
import sys
from pathlib import Path
from ddasp._progress import Silent
from ddasp.procedure.run import run
if __name__ == "__main__":
    run(Path(sys.argv[1]), out=Path(sys.argv[2]), n_workers=1, progress=Silent())
"""


@pytest.mark.parametrize("sign", ["2_preparation", "3_spot_check/step.json", ".work/*/00.json"])
def test_a_run_killed_at_some_point_ends_with_the_digests_of_an_undisturbed_one(
    nested, corpus: Path, tmp_path: Path, sign: str
) -> None:
    out = tmp_path / "killed"
    (corpus / "killed.toml").write_text(NESTED)
    (tmp_path / "script.py").write_text(SCRIPT)
    arguments = [sys.executable, str(tmp_path / "script.py"), str(corpus / "killed.toml"), str(out)]
    process = subprocess.Popen(arguments, env=os.environ | {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while not list(out.glob(sign)) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "report.html").exists()
    go(corpus, NESTED, out)
    assert digests(out) == digests(nested.folder)
    assert not list(out.rglob("*.tmp"))


def test_two_runs_in_one_folder_are_refused(corpus: Path, tmp_path: Path) -> None:
    with (
        lock(tmp_path / "busy" / ".lock", "test"),
        pytest.raises(RunError, match="in use by process"),
    ):
        go(corpus, NESTED, tmp_path / "busy")


def test_a_run_folder_inside_the_sounds_is_refused(corpus: Path) -> None:
    with pytest.raises(InputError, match="inside the sounds"):
        go(corpus, NESTED, corpus / "sounds" / "run")


def test_without_groups_the_test_set_is_sealed_and_the_score_speaks_of_the_deployed_model(
    corpus: Path, tmp_path: Path
) -> None:
    result = go(corpus, SEALED, tmp_path / "sealed")
    evaluation = json.loads((result.folder / "5_evaluation/evaluation.json").read_text())
    assert evaluation["mode"] == "sealed"
    assert evaluation["speaks_of"] == "the deployed model"
    predictions = pd.read_csv(result.folder / "5_evaluation/predictions.csv")
    held_out = [corpus / "sounds" / path for path in predictions["path"]]
    applied = pd.DataFrame(deployed.apply(result.folder, held_out))
    for label in ("hiss", "hum", "ping"):
        np.testing.assert_allclose(applied[f"p:{label}"], predictions[f"p:{label}"], atol=1e-5)
    assert (applied["decided"] == predictions["decided"]).all()


def test_a_regression_ends_with_residuals_and_an_interval_that_covers(
    corpus: Path, tmp_path: Path
) -> None:
    result = go(corpus, REGRESSION, tmp_path / "regression")
    evaluation = json.loads((result.folder / "5_evaluation/evaluation.json").read_text())
    predictions = pd.read_csv(result.folder / "5_evaluation/predictions.csv")
    np.testing.assert_allclose(
        predictions["residual"], predictions["target"] - predictions["predicted"], atol=1e-12
    )
    assert evaluation["residuals"]["coverage"] > 0.7
    assert evaluation["estimate"]["value"] < evaluation["baselines"][0]["value"]  # the mean
    row = next(iter(deployed.apply(result.folder, [corpus / "sounds" / "hum_a_0.wav"])))
    assert row["low"] < row["predicted"] < row["high"]


def test_a_cost_matrix_moves_the_threshold_away_from_one_half(corpus: Path, tmp_path: Path) -> None:
    result = go(corpus, BINARY, tmp_path / "binary")
    evaluation = json.loads((result.folder / "5_evaluation/evaluation.json").read_text())
    # missing a hiss costs 5, a false alarm 1: decide "hiss" from p = 1 / (1 + 5) on
    assert evaluation["threshold"]["threshold"] == pytest.approx(1 / 6)
    assert evaluation["threshold"]["labels"] == ["other", "hiss"]
    predictions = pd.read_csv(result.folder / "5_evaluation/predictions.csv")
    assert ((predictions["p:hiss"] >= 1 / 6) == (predictions["decided"] == "hiss")).all()


def test_the_count_of_openings_grows_with_new_settings_only(corpus: Path, tmp_path: Path) -> None:
    def opened(out: Path) -> int:
        return json.loads((out / "opened.json").read_text())["opened"]

    go(corpus, SEALED, tmp_path / "one")
    go(corpus, SEALED, tmp_path / "two")
    assert opened(tmp_path / "two") == 1
    go(corpus, SEALED, tmp_path / "three", seed=1)
    assert opened(tmp_path / "three") == 2


def test_a_tampered_model_is_refused(nested, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(nested.folder / "6_application", tmp_path / "model")
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(bytes(content))
    with pytest.raises(RunError, match="not the file that"):
        next(iter(deployed.apply(folder, [tmp_path])))


def test_long_recordings_are_decided_on_in_the_window_that_training_used(tmp_path: Path) -> None:
    write_recordings(tmp_path / "sounds")
    result = go(tmp_path, TRACKS, tmp_path / "run")
    observations = pd.read_csv(result.folder / "2_preparation/observations.csv")
    assert set(observations["stop"] - observations["start"]) == {0.25}
    evaluation = json.loads((result.folder / "5_evaluation/evaluation.json").read_text())
    # the windows of one recording are one group: they never stand on both sides
    assert all(len(row["groups"]) == 1 for row in evaluation["outer"])
    rows = pd.DataFrame(deployed.apply(result.folder, [tmp_path / "sounds" / "a.wav"]))
    np.testing.assert_allclose(np.diff(rows["start"]), 0.25)
    assert rows["stop"].iloc[-1] == 3.0
    known = observations[observations["path"] == "a.wav"].set_index("start")["label"]
    decided = rows.set_index("start")["decided"].loc[known.index]
    assert (decided == known).mean() > 0.8


def test_a_folder_with_broken_files_reaches_its_report_and_loses_nothing(tmp_path: Path) -> None:
    write_corpus(tmp_path / "sounds", n_sources=3, n_each=2)
    (tmp_path / "sounds" / "hum_a_7.wav").write_bytes(b"")
    (tmp_path / "sounds" / "hum_a_8.wav").write_text("no sound at all, but a text")
    (tmp_path / "sounds" / "unlabelled.wav").write_bytes(
        (tmp_path / "sounds" / "hum_a_0.wav").read_bytes()
    )
    result = go(tmp_path, NESTED, tmp_path / "run")
    counts = json.loads((result.folder / "2_preparation/preparation.json").read_text())
    assert counts["n_in"] == 21 == counts["n_used"] + counts["n_warned"] + counts["n_rejected"]
    assert counts["n_rejected"] == 3
    report = result.report.read_text()
    for name in ("hum_a_7.wav", "hum_a_8.wav", "unlabelled.wav"):
        assert name in report
    rows = list(deployed.apply(result.folder, [tmp_path / "sounds"]))
    assert sorted(row["error"] for row in rows if "error" in row) == 2 * ["E-AUDIO-FORMAT"]
    assert sum("decided" in row for row in rows) == 19


def test_two_groups_are_enough_and_the_inner_choice_is_then_made_by_sounds(tmp_path: Path) -> None:
    write_corpus(tmp_path / "sounds", n_sources=2)
    result = go(tmp_path, NESTED, tmp_path / "run")
    evaluation = json.loads((result.folder / "5_evaluation/evaluation.json").read_text())
    assert [row["groups"] for row in evaluation["outer"]] == [["a"], ["b"]]


def test_each_baseline_is_the_best_of_its_kind_in_every_fold(nested) -> None:
    evaluation = json.loads((nested.folder / "5_evaluation/evaluation.json").read_text())
    names = [row["name"] for row in evaluation["baselines"]]
    assert names == ["baseline", "rule", "linear", "duration only", "rate only", "level only"]
    folds = [json.loads(p.read_text()) for p in nested.folder.glob(".work/*/0?.json")]
    for fold in folds:
        assert [b["name"] for b in fold["beside"]] == names


def test_a_measure_that_no_fold_could_state_is_refused_before_any_fit(tmp_path: Path) -> None:
    write_corpus(tmp_path / "sounds", n_sources=4, n_each=3)
    for path in (tmp_path / "sounds").glob("*.wav"):
        label, source, _ = path.stem.split("_")
        if label == "ping" or (label == "hiss") != (source in "ab"):
            path.unlink()  # each source keeps one class, as patients have one diagnosis
    text = NESTED.replace("[problem]", '[problem]\nkind = "binary"\nmeasure = "roc_auc"', 1)
    with pytest.raises(InputError, match="needs both classes in one group"):
        go(tmp_path, text, tmp_path / "run")


def test_families_that_accept_none_of_the_features_are_refused(
    corpus: Path, tmp_path: Path
) -> None:
    text = NESTED.replace('["majority", "rule", "linear", "tree"]', '["rule"]')
    with pytest.raises(InputError, match="no family of rule accepts"):
        go(corpus, text.replace('["levels", "mfcc"]', '["trajectories"]'), tmp_path / "run")


def test_what_only_the_report_shows_is_no_new_look_at_the_held_out_sounds(
    corpus: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    go(corpus, SEALED, out)
    result = go(corpus, SEALED.replace("players = 6", "players = 5"), out)
    assert result.steps["5_evaluation"] == "unchanged"
    assert json.loads((out / "opened.json").read_text())["opened"] == 1


def test_a_state_folder_that_cannot_be_written_costs_the_count_and_not_the_run(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/none")
    result = go(corpus, SEALED, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "opened.json").read_text())["opened"] is None
    assert result.report.exists()
