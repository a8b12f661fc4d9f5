"""Sounds as points: from the demo, a folder and a run, and never anything that lies elsewhere."""

import io
import json
import shlex
import shutil
import subprocess
import sys
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import AudioError, InputError
from ddasp.audio.drums import drum_corpus
from ddasp.audio.files import write
from ddasp.audio.loudness import integrated_loudness
from ddasp.audio.resampling import resample
from ddasp.playground.points import sounds
from ddasp.playground.points.sound_features import SETS, extracted
from ddasp.playground.points.sounds import open_source
from ddasp.playground.points.splitting import TRAIN, leak, sets_for
from ddasp.playground.settings import parse
from ddasp.playground.training.material import material_for
from ddasp.procedure import preparation
from ddasp.procedure.problem import from_source

SOUND = parse({"source": "sound"})


def write_drums(folder, *, voices=("kick", "tom"), n_kits=3, n_hits=2):
    """Files VOICE/KIT_INDEX.wav, as the demo of a run."""
    for item in drum_corpus(np.random.default_rng(1), n_kits=n_kits, n_hits=n_hits, rate=8000):
        if item.voice in voices:
            (folder / item.voice).mkdir(parents=True, exist_ok=True)
            write(folder / item.voice / f"{item.kit}_{item.index}.wav", item.signal, item.rate)
    return folder


def listing(folder):
    return sorted((str(p), p.lstat().st_size, p.lstat().st_mtime_ns) for p in folder.rglob("*"))


@pytest.fixture(scope="module")
def demo():
    return open_source("demo")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A folder with sounds and with what is none; the folder, what was in it, and the source."""
    root = tmp_path_factory.mktemp("sounds")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret.wav"
    write(elsewhere, np.full(4000, 0.1), 8000)
    folder = write_drums(root / "drums")
    good = (folder / "kick" / "kitA_1.wav").read_bytes()
    (folder / "kick" / "kitA_8.wav").write_bytes(good[:30])
    (folder / "kick" / "kitA_9.wav").write_bytes(b"#!/bin/sh\nrm -rf /\n")
    (folder / "kick" / "kitB_8.wav").write_bytes(b"")
    (folder / "tom" / "kitB_9.wav").symlink_to(elsewhere)
    (folder / "tom" / "notes.txt").write_text("nothing")
    before = listing(folder)
    return folder, before, open_source(folder)


@pytest.fixture
def in_this_process(monkeypatch):
    """Folders whose files harm no one are read here: processes of their own take long to start."""
    monkeypatch.setattr(sounds, "N_WORKERS", (1, 1))


@pytest.fixture(scope="module")
def prepared_run(hostile, tmp_path_factory):
    """A run folder that got as far as its second step."""
    folder, _, _ = hostile
    asked = from_source(folder)
    wanted = asked.preparation.model_copy(update={"features": ("levels", "descriptors", "mfcc")})
    asked = asked.model_copy(update={"preparation": wanted}).at(asked.base)
    run = tmp_path_factory.mktemp("prepared") / "run"
    step = run / "2_preparation"
    preparation.save(preparation.prepare(asked), step)
    (step / "step.json").write_text("{}")
    command = shlex.join(["ddasp", "run", str(folder), "--out", "run"])
    about = {"name": "drums", "command": command, "sounds": "."}
    (run / "run.json").write_text(json.dumps(about))
    return run


@pytest.fixture
def a_run(prepared_run, tmp_path):
    """A copy of it, to be changed."""
    return Path(shutil.copytree(prepared_run, tmp_path / "run"))


# ---- the demo --------------------------------------------------------------------------------


def test_the_demo_has_six_voices_on_twelve_machines(demo):
    points = demo.points(SOUND)
    assert points.X.shape == (216, 70)
    assert points.classes == ("clap", "closed_hat", "kick", "open_hat", "snare", "tom")
    assert np.bincount(points.y).tolist() == [36] * 6
    assert len(set(points.groups)) == 12
    assert points.domain is None
    assert np.isfinite(points.X).all()


def test_the_demo_is_the_same_each_time(demo):
    assert_array_equal(open_source("demo").points(SOUND).X, demo.points(SOUND).X)


def test_features_are_those_of_the_sound_behind_the_id(demo):
    points = demo.points(parse({"source": "sound", "featureSet": "levels"}))
    number = points.ids.index("s0101")
    x = demo.read(number)
    rms = 20 * np.log10(np.sqrt(np.mean(x**2)))
    assert points.axes[0] == "RMS / dBFS"
    assert_allclose(points.X[number, 0], rms, atol=1e-3)


def test_ids_tell_nothing(demo):
    assert demo.ids[:2] == ("s0001", "s0002")
    assert demo.place("s0001").path == "kick/kitA_01"


def test_sounds_are_equally_loud_as_far_as_peaks_allow(demo):
    for sound in demo.ids[::20]:
        with wave.open(io.BytesIO(demo.wav(sound))) as file:
            assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
            x = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
            heard = integrated_loudness(x, file.getframerate())
        at_peak = 20 * np.log10(np.abs(x).max()) > -1.01
        assert at_peak or abs(heard + 23) < 0.1
        assert heard < -22.9


def test_a_picture_shows_the_sound_behind_the_id(demo):
    picture = demo.picture("s0003")
    assert_allclose(picture["duration"], len(demo.read(2)) / demo.rate)
    json.dumps(picture)


@pytest.mark.parametrize("name", ["s9999", "../../etc/passwd", "kick/kitA_01", ""])
def test_only_ids_are_known(demo, name):
    for ask in (demo.wav, demo.picture, demo.place):
        with pytest.raises(InputError, match="expected one of s0001 to s0216"):
            ask(name)


def test_the_page_learns_which_columns_there_are(demo):
    offered = demo.feature_sets()
    assert [one["key"] for one in offered] == ["all", "levels", "descriptors", "mfcc"]
    for one in offered:
        points = demo.points(parse({"source": "sound", "featureSet": one["key"]}))
        assert list(points.axes) == one["columns"]
        assert one["formula"]
    with pytest.raises(InputError, match="featureSet is 'logmel'"):
        demo.points(parse({"source": "sound", "featureSet": "logmel"}))


def test_only_training_sounds_suggest_the_columns(demo):
    points = demo.points(SOUND)
    test = sets_for(points, SOUND) != TRAIN
    lying = np.where(test, points.y * 1000.0, 0.0)  # tells all, of those that are no business
    tables = {**demo.tables, "levels": demo.tables["levels"].copy()}
    tables["levels"][:, 0] = lying
    again = replace(demo, tables=tables).points(SOUND)
    assert 0 not in again.suggested
    assert len(again.suggested) == 2


def test_under_another_split_columns_are_suggested_anew(demo):
    points = demo.points(SOUND)
    for values in ({"percTrainData": 20}, {"split": "file"}, {"dataSeed": 4}):
        asked = parse(values, SOUND)
        sets = sets_for(points, asked)
        lying = np.where(sets == TRAIN, 0.0, points.y * 1000.0)  # tells all but while it learns
        X = np.column_stack([lying, points.X[:, 1:]])
        material = material_for(asked, replace(points, X=X, suggested=(0, 1)))
        assert 0 not in material.inputs.columns
        assert len(material.inputs.columns) == 2
        assert material.view.axes == material.inputs.names


def test_the_leak_suggests_columns_to_each_split_by_its_training_sounds(demo):
    points = demo.points(SOUND)
    fair = leak(points, SOUND)
    assert leak(replace(points, suggested=(0, 1)), SOUND) == fair


# ---- the microphone --------------------------------------------------------------------------


def test_a_recording_of_a_sound_lands_on_the_sound(demo):
    points = demo.points(SOUND)
    spread = points.X.std(axis=0)
    hop = round(0.01 * demo.rate)  # silence of whole frames, so that the others stay the same
    for number in (0, 50, 130):
        x = np.concatenate([np.zeros(60 * hop), demo.read(number), np.zeros(95 * hop)])
        row = demo.describe(resample(x, demo.rate, 44_100).astype(np.float32), 44_100)
        away = np.median(np.abs(points.X - row) / spread, axis=1)
        assert away.argmin() == number
        assert away[number] < 0.2
        assert np.median(away) > 0.5


def test_a_recording_has_as_many_features_as_the_points(demo):
    x = demo.read(0)
    assert demo.describe(x, demo.rate).shape == (70,)
    stereo = np.stack([x, x], axis=1)
    assert_allclose(demo.describe(stereo, demo.rate, "mfcc"), demo.describe(x, demo.rate, "mfcc"))


def test_where_pieces_are_points_the_loudest_piece_is_taken(demo):
    source = replace(demo, window=(0.5, 0.25))
    x = np.random.default_rng(0).normal(size=3 * demo.rate) * 0.01
    x[2 * demo.rate : 2 * demo.rate + 1000] *= 50
    piece = source.heard(x, demo.rate)
    assert len(piece) == round(0.5 * demo.rate)
    assert np.abs(piece).max() == np.abs(x).max()
    assert len(source.heard(x[:2000], demo.rate)) == round(0.5 * demo.rate)


@pytest.mark.parametrize(
    ("samples", "rate", "words"),
    [
        (np.zeros(8000), 8000, "peak lies below -60 dBFS; .* is the microphone muted"),
        (np.ones(100), 8000, "duration of the recording is 0.0125 s; expected 0.05 to 15"),
        (np.ones(8000 * 16), 8000, "duration of the recording is 16 s"),
        (np.full(8000, np.nan), 8000, "NaN"),
        (np.ones(8000), 10, "rate is 10 Hz"),
        (np.ones((2, 8000)), 8000, "is it transposed"),
        (np.ones(8000, np.int16), 8000, "integers"),
    ],
)
def test_recordings_that_tell_nothing_are_refused(demo, samples, rate, words):
    with pytest.raises(InputError, match=words):
        demo.describe(samples, rate)


# ---- a folder --------------------------------------------------------------------------------


def test_labels_and_groups_are_guessed_as_a_run_does(hostile):
    _, _, source = hostile
    points = source.points(SOUND)
    assert points.classes == ("kick", "tom")
    assert set(points.groups) == {"kitA", "kitB", "kitC"}
    assert points.n == 12
    assert source.rate == 8000
    assert "The label seems to be" in source.words[0]


def test_what_is_no_sound_is_set_aside_with_the_reason(hostile):
    _, _, source = hostile
    aside = dict(source.set_aside)
    assert set(aside) == {
        "kick/kitA_8.wav", "kick/kitA_9.wav", "kick/kitB_8.wav", "tom/kitB_9.wav",
    }  # fmt: skip
    assert aside["kick/kitA_9.wav"].startswith("E-AUDIO-FORMAT: ")
    assert aside["tom/kitB_9.wav"].startswith("E-PATH-OUTSIDE: ")
    assert all(": " in why and len(why) > 20 for why in aside.values())
    assert "4 of 16 files are set aside." in source.words


def test_nothing_is_written_into_the_folder(hostile):
    folder, before, source = hostile
    source.wav("s0001")
    source.picture("s0002")
    assert listing(folder) == before


@pytest.mark.usefixtures("in_this_process")
def test_a_sound_that_was_deleted_or_replaced_by_a_link_is_not_played(tmp_path):
    folder = write_drums(tmp_path / "copy")
    source = open_source(folder)
    (folder / source.place("s0001").path).unlink()
    with pytest.raises(AudioError, match="E-PATH-MISSING"):
        source.wav("s0001")
    outside = tmp_path / "outside.wav"
    write(outside, np.full(4000, 0.1), 8000)
    (folder / source.place("s0001").path).symlink_to(outside)
    with pytest.raises(AudioError, match="outside the folder"):
        source.wav("s0001")


@pytest.mark.usefixtures("in_this_process")
def test_a_problem_with_targets_is_regression(tmp_path):
    folder = write_drums(tmp_path / "drums", n_kits=3)
    files = sorted(folder.rglob("*.wav"))
    rows = [f"{p.relative_to(folder)},{i / 4}" for i, p in enumerate(files)]
    (folder / "decay.csv").write_text("file,target\n" + "\n".join(rows) + "\n")
    source = open_source(folder)
    points = source.points(SOUND)
    assert points.kind == "regression"
    assert points.classes == ()
    assert points.groups is None
    assert_allclose(points.y, np.arange(12) / 4)
    assert any(words.startswith("No groups are known") for words in source.words)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p / "nowhere", "there is no .*nowhere; expected a folder of sounds"),
        (lambda p: p, "holds no sounds"),
        (lambda p: write_drums(p, voices=("kick",)), "expected two or more"),
    ],
)
@pytest.mark.usefixtures("in_this_process")
def test_folders_that_can_not_be_learned_from_are_refused_in_words(tmp_path, make, words):
    with pytest.raises(InputError, match=words):
        open_source(make(tmp_path))


def test_too_many_files_are_refused_before_any_is_read(hostile, monkeypatch):
    monkeypatch.setattr(sounds, "MAX_POINTS", 11)
    with pytest.raises(InputError, match="holds 16 sound files; expected at most 11"):
        open_source(hostile[0])


# ---- a run -----------------------------------------------------------------------------------


def test_a_run_gives_the_points_of_its_folder(a_run, hostile):
    source, folder = open_source(a_run), hostile[2]
    assert source.title == "drums"
    for key in SETS:
        asked = parse({"source": "sound", "featureSet": key})
        assert_array_equal(source.points(asked).X, folder.points(asked).X)
    assert source.points(SOUND).groups == folder.points(SOUND).groups
    assert source.wav("s0005") == folder.wav("s0005")
    assert not any("anew" in words for words in source.words)


def test_a_run_whose_sounds_are_gone_can_be_seen_not_heard(a_run):
    about = json.loads((a_run / "run.json").read_text())
    (a_run / "run.json").write_text(json.dumps({**about, "command": "ddasp run /nowhere/at/all"}))
    source = open_source(a_run)
    assert source.points(SOUND).n == 12
    assert any("can be seen, not heard" in words for words in source.words)
    with pytest.raises(AudioError, match="not there any more"):
        source.wav("s0001")


def test_features_by_other_definitions_are_measured_anew(a_run, hostile):
    path = a_run / "2_preparation" / "features" / "mfcc.npz"
    with np.load(path) as stored:
        X = stored["X"]
    np.savez(path, X=X + 1)
    source = open_source(a_run)
    assert any("measured anew" in words for words in source.words)
    assert_allclose(source.points(SOUND).X, hostile[2].points(SOUND).X, atol=1e-5)


def test_features_that_a_run_does_not_have_are_measured(a_run, hostile):
    path = a_run / "2_preparation" / "features.json"
    kept = [one for one in json.loads(path.read_text()) if one["name"] != "levels"]
    path.write_text(json.dumps(kept))
    assert_allclose(open_source(a_run).points(SOUND).X, hostile[2].points(SOUND).X, atol=1e-5)
    about = json.loads((a_run / "run.json").read_text())
    (a_run / "run.json").write_text(json.dumps({**about, "command": ""}))
    with pytest.raises(InputError, match="no features levels, and its sounds are not where"):
        open_source(a_run)


def test_a_run_can_not_name_files_outside_its_sounds(a_run, tmp_path):
    write(tmp_path / "secret.wav", np.full(8000, 0.1), 8000)
    path = a_run / "2_preparation" / "observations.csv"
    lines = path.read_text().splitlines()
    lines[3] = ",".join([str(tmp_path / "secret.wav"), *lines[3].split(",")[1:]])
    lines[4] = ",".join(["../../../../../../etc/passwd", *lines[4].split(",")[1:]])
    path.write_text("\n".join(lines) + "\n")
    source = open_source(a_run)
    for sound in ("s0003", "s0004"):
        with pytest.raises(AudioError, match="E-PATH-OUTSIDE"):
            source.wav(sound)


def test_large_runs_are_thinned_and_it_is_said(a_run, monkeypatch):
    monkeypatch.setattr(sounds, "MAX_POINTS", 7)
    source = open_source(a_run)
    assert source.points(SOUND).n == 7
    assert "7 of 12 sounds are shown, drawn at random." in source.words
    assert_allclose(extracted([source.read(6)], 8000)["mfcc"][0], source.tables["mfcc"][6])


def test_of_many_classes_the_largest_are_shown(a_run, monkeypatch):
    monkeypatch.setattr(sounds, "MAX_CLASSES", 1)
    source = open_source(a_run)
    assert source.classes in (("kick",), ("tom",))
    assert set(source.y) == {0}
    assert any("1 largest of 2 classes" in words for words in source.words)


def test_a_run_that_did_not_get_far_enough_is_refused(a_run):
    (a_run / "2_preparation" / "step.json").unlink()
    with pytest.raises(InputError, match="without a finished step 2"):
        open_source(a_run)


# ---- lightness -------------------------------------------------------------------------------


def test_importing_loads_nothing_that_only_sounds_need():
    program = (
        "import sys, ddasp.playground.points.sounds, ddasp.playground.points.plane\n"
        "heavy = ('pandas', 'scipy', 'soundfile', 'soxr', 'pydantic', 'numba', 'sklearn')\n"
        "print([m for m in sys.modules if m.startswith((*heavy, 'ddasp.procedure', 'ddasp.audio'))])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
