"""Step 2: windows with label tracks, regression from a table, repeatability, and what stops it."""

import numpy as np
import pytest
import soundfile as sf

from ddasp._errors import InputError, RunError
from ddasp.procedure import corpus
from ddasp.procedure.preparation import common_rate, corpus_digest, load, prepare, save
from ddasp.procedure.problem import parse
from ddasp.procedure.workers import Crash, Workers

RATE = 8000
LEAN = '[preparation]\nfeatures = ["levels"]\n'


def noise(seconds, seed):
    return 0.2 * np.random.default_rng(seed).normal(size=round(seconds * RATE))


@pytest.fixture
def folder(tmp_path):
    """Two classes, three groups, two sounds each."""
    for number, (label, group, i) in enumerate(
        (label, group, i) for label in ("a", "b") for group in ("x", "y", "z") for i in (1, 2)
    ):
        sf.write(tmp_path / f"{label}_{group}_{i}.wav", noise(0.1, number), RATE)
    return tmp_path


def named(folder, more=""):
    text = LEAN + "[sounds]\npattern = '(?P<label>\\w)_(?P<group>\\w)_\\d'\n" + more
    return parse(text, base=folder)


def test_rows_features_and_split_belong_together(folder):
    found = prepare(named(folder))
    assert found.summary["classes"] == ["a", "b"]
    assert found.summary["groups"] == {"x": 4, "y": 4, "z": 4}
    assert found.summary["rate"] == RATE
    assert set(found.features) == {"levels", "duration", "rate", "level"}
    np.testing.assert_allclose(found.features["duration"].X.ravel(), 0.1)
    np.testing.assert_allclose(found.features["rate"].X.ravel(), RATE)
    assert found.split.fold_groups == (("x",), ("y",), ("z",))
    assert (found.recordings["status"] == "used").all()


def test_the_step_has_equal_bytes_for_any_number_of_workers(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    with Workers(2) as two:
        for name, workers in (("one", None), ("two", two)):
            save(prepare(named(folder), workers=workers), out / name)
    paths = [p for p in (out / "one").rglob("*") if p.is_file()]
    assert len(paths) == 10
    for path in paths:
        other = out / "two" / path.relative_to(out / "one")
        assert path.read_bytes() == other.read_bytes(), path.name


def test_what_is_loaded_is_what_was_saved(folder, tmp_path):
    found = prepare(named(folder))
    save(found, tmp_path / "step")
    again = load(tmp_path / "step")
    for name in ("recordings", "observations", "duplicates"):
        a, b = getattr(found, name), getattr(again, name)
        assert list(a.columns) == list(b.columns)
        assert a.astype(str).equals(b.astype(str)), name
    assert (again.observations["group"] != "").all()
    assert found.split.to_json()["mode"] == again.split.mode
    assert again.features["levels"].names == found.features["levels"].names
    np.testing.assert_array_equal(again.features["levels"].X, found.features["levels"].X)


def test_the_corpus_digest_knows_every_byte_and_name(folder):
    problem = named(folder)
    before = corpus_digest(problem)
    found = prepare(problem, expected=before)
    assert found.summary["corpus_digest"] == before
    (folder / "a_x_1.wav").rename(folder / "a_x_3.wav")
    assert corpus_digest(problem) != before
    with pytest.raises(RunError, match="E-CHANGED: files changed while they were read"):
        prepare(problem, expected=before)


def test_a_crash_rejects_its_file_and_a_changed_file_stops_the_step(folder, monkeypatch):
    def crash(task):
        found = whole(task)
        return Crash("gone") if task.path.endswith("a_x_1.wav") else found

    whole = corpus.examine
    monkeypatch.setattr(corpus, "examine", crash)
    found = prepare(named(folder), expected=corpus_digest(named(folder)))
    row = found.recordings.set_index("path").loc["a_x_1.wav"]
    assert (row["status"], row["flags"]) == ("rejected", "E-AUDIO-DECODER")
    assert len(found.observations) == 11

    def change(task):
        return corpus.Examined(whole(task).row, changed=True)

    monkeypatch.setattr(corpus, "examine", change)
    with pytest.raises(RunError, match=r"E-CHANGED: a_x_1.wav changed while it was read"):
        prepare(named(folder))


def test_copies_are_numbered_flagged_and_kept_apart(folder):
    sf.write(folder / "a_y_1.wav", noise(0.1, 0), RATE)  # the sound of a_x_1
    found = prepare(named(folder))
    (pair,) = found.duplicates.to_dict("records")
    assert (pair["a"], pair["b"], pair["kind"]) == ("a_x_1.wav", "a_y_1.wav", "exact")
    assert (pair["same_label"], pair["same_group"]) == (True, False)
    assert found.summary["flags"] == {"W-DUPLICATE": 2}
    assert found.split.purged == (1, 1, 0)
    (note,) = found.summary["notes"]
    assert note.startswith(
        'Copies of a sound stand in different groups: "x" and "y" (1). Are these'
    )


def test_copies_within_a_group_ask_nothing(folder):
    sf.write(folder / "a_x_2.wav", noise(0.1, 0), RATE)  # the sound of a_x_1
    found = prepare(named(folder))
    assert list(found.duplicates["same_group"]) == [True]
    assert found.summary["notes"] == []


def test_a_sound_that_stands_in_every_group_welds_none_together(folder):
    for number, name in enumerate(("b_u_1", "b_v_1", "a_u_2", "a_v_2")):
        sf.write(folder / f"{name}.wav", noise(0.1, 50 + number), RATE)
    for group in "uvyz":
        sf.write(folder / f"a_{group}_1.wav", noise(0.1, 0), RATE)  # the sound of a_x_1
    found = prepare(named(folder))
    assert found.summary["groups"] == {"u": 3, "v": 3, "x": 4, "y": 4, "z": 4}
    assert found.split.fold_groups == (("u",), ("v",), ("x",), ("y",), ("z",))
    (note,) = found.summary["notes"]
    assert '"u" and "v" (1), "u" and "x" (1), "u" and "y" (1) and 1 more. Are these' in note


def test_a_regression_takes_its_target_from_a_table(folder):
    lines = [
        f"{path.name},{i / 10},{path.name[2]}"
        for i, path in enumerate(sorted(folder.glob("*.wav")))
    ]
    (folder / "t.csv").write_text("file,target,group\n" + "\n".join(lines))
    text = LEAN + '[problem]\nkind = "regression"\n[sounds]\ntable = "t.csv"'
    found = prepare(parse(text, base=folder))
    assert (found.observations["label"] == "").all()
    np.testing.assert_allclose(found.observations["target"], np.arange(12) / 10)
    assert found.summary["classes"] == []
    assert found.summary["label_source"] == "table"


def test_long_recordings_with_label_tracks_are_cut_into_windows(tmp_path):
    for i, name in enumerate(("mon", "tue", "wed")):
        sf.write(tmp_path / f"{name}.wav", noise(5.3, i), RATE)
        (tmp_path / f"{name}.txt").write_text("0.0\t2.0\tsnore\n2.0\t3.6\tquiet\n")
    sf.write(tmp_path / "thu.wav", noise(2, 9), RATE)
    text = LEAN + '[problem]\nkind = "binary"\n[sounds]\ntracks = "audacity"\nwindow.length = 1.0'
    found = prepare(parse(text, base=tmp_path))
    mine = found.observations[found.observations["path"] == "mon.wav"]
    assert list(mine["label"]) == ["snore", "snore", "quiet", "quiet"]
    assert list(mine["start"]) == [0.0, 1.0, 2.0, 3.0]
    assert set(found.observations["group"]) == {"mon.wav", "tue.wav", "wed.wav"}
    rows = found.recordings.set_index("path")
    assert rows.loc["mon.wav", "flags"] == "W-GAP"
    assert rows.loc["mon.wav", "detail"] == "1 of 5 windows have no clear label and are left out"
    assert rows.loc["thu.wav", "flags"] == "E-LABEL"
    assert found.features["levels"].X.shape[1] == len(found.observations) == 12
    background = prepare(parse(text + '\nbackground = "quiet"', base=tmp_path))
    assert background.summary["labels"] == {"quiet": 9, "snore": 6}
    assert "W-GAP" not in background.summary["flags"]


def test_windows_without_a_group_stay_together_by_file(tmp_path):
    for label in ("a", "b"):
        for i in range(3):
            (tmp_path / label).mkdir(exist_ok=True)
            sf.write(tmp_path / label / f"{i}.wav", noise(1.0, i + 3 * (label == "b")), RATE)
    found = prepare(parse(LEAN + "[sounds]\nwindow.length = 0.25", base=tmp_path))
    paths = found.observations["path"].to_numpy()
    assert len(paths) == 24
    for train, test in found.split.folds:
        assert not set(paths[train]) & set(paths[test])
    assert found.summary["flags"]["W-NOGROUP"] == 6


def test_one_group_for_all_is_none_and_files_without_one_share_the_unknown(folder):
    text = LEAN + '[sounds]\npattern = \'(?P<label>\\w)_\\w_\\d\'\ngroup = "table"\ntable = "g.csv"'
    names = sorted(path.name for path in folder.glob("*.wav"))
    (folder / "g.csv").write_text("file,group\n" + "\n".join(f"{name},g" for name in names))
    one = prepare(parse(text, base=folder))
    assert (one.observations["group"] == "").all()
    assert "All sounds stand in one group, g" in one.summary["notes"][0]
    assert one.summary["flags"]["W-NOGROUP"] == 12
    (folder / "g.csv").write_text(
        "file,group\n" + "\n".join(f"{name},{name[2]}" for name in names[:-1])
    )
    some = prepare(parse(text, base=folder))
    assert some.observations["group"].iloc[-1] == "unknown"
    assert "1 files have no group" in some.summary["notes"][0]


def test_the_positive_class_is_the_last_of_two(folder):
    more = '[problem]\nkind = "binary"\npositive = "a"\n'
    assert prepare(named(folder, more)).summary["classes"] == ["b", "a"]
    with pytest.raises(InputError, match=r'positive = "c": expected one of the classes found'):
        prepare(named(folder, more.replace('"a"', '"c"')))


def test_too_little_says_what_there_is(folder):
    lines = [f"{path.name},1" for path in folder.glob("*.wav")]
    (folder / "t.csv").write_text("file,target\n" + "\n".join(lines))
    text = LEAN + '[problem]\nkind = "regression"\n[sounds]\ntable = "t.csv"'
    problem = parse(text, base=folder)
    with pytest.raises(InputError, match="12 sounds with 1 different targets; expected 10 or more"):
        prepare(problem)
    for path in folder.glob("b_*.wav"):
        path.write_text("no sound")
    with pytest.raises(InputError, match=r"one class, 'a',.*6 × E-AUDIO-FORMAT.*b_x_1.wav"):
        prepare(named(folder))


def test_a_damaged_folder_of_the_step_is_named(folder, tmp_path):
    save(prepare(named(folder)), tmp_path / "step")
    (tmp_path / "step" / "observations.csv").unlink()
    with pytest.raises(RunError, match=r"E-RUN: could not read .*observations.csv"):
        load(tmp_path / "step")


def test_the_common_rate_is_the_smallest_that_is_not_rare():
    assert common_rate([8000] * 9 + [48000]) == 8000
    assert common_rate([48000] * 9) == 16000
    assert common_rate([4000] * 3) == 4000
    assert common_rate([-1, -1]) == 16000


def test_a_group_pattern_that_fits_no_name_is_refused_and_one_that_misses_some_is_a_finding(folder):
    names = sorted(path.name for path in folder.glob("*.wav"))
    (folder / "l.csv").write_text("file,label\n" + "\n".join(f"{n},{n[0]}" for n in names))
    text = LEAN + "[sounds]\ntable = 'l.csv'\nlabels = 'table'\ngroup = 'pattern'\npattern = '{}'"
    with pytest.raises(InputError, match="finds a group in none of 12 names"):
        prepare(parse(text.format(r"sp(?P<group>\d+)"), base=folder))
    some = prepare(parse(text.format(r"\w_(?P<group>[xy])_\d"), base=folder))
    missed = some.recordings[some.recordings["flags"].str.contains("W-NOGROUP")]
    assert missed["path"].tolist() == [name for name in names if name[2] not in "xy"]
    assert some.summary["flags"]["W-NOGROUP"] == len(missed)
