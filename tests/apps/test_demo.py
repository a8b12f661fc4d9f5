"""The demo corpus on disk: complete, repeatable, and with exactly one planted copy."""

import csv
import hashlib
import itertools

import numpy as np
import pytest
import soundfile

from ddasp._errors import InputError
from ddasp.apps.demo import write_drum_corpus, write_voice_corpus
from ddasp.audio.drums import VOICES
from ddasp.procedure.duplicates import find, fingerprint
from ddasp.procedure.labels import read_track
from ddasp.procedure.problem import from_source


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "drums"
    assert write_drum_corpus(path, n_kits=2, n_hits=2) == 25
    return path


def test_each_voice_has_a_folder_and_each_file_names_its_kit(folder):
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.wav"))
    expected = {f"{v}/kit{k}_0{i}.wav" for v in VOICES for k in "AB" for i in (1, 2)}
    assert set(files) == expected | {"snare/kitA_03.wav"}


def test_table_of_decay_times_has_one_row_for_each_file(folder):
    with open(folder / "decay.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["file"] for r in rows] == sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*.wav")
    )
    times = {r["file"]: float(r["decay_time"]) for r in rows}
    assert all(0.02 < t < 2.5 for t in times.values())
    assert times["snare/kitA_03.wav"] == times["snare/kitA_01.wav"]


def test_search_finds_the_planted_copy_and_no_other(folder):
    files = sorted(p for p in folder.rglob("*.wav"))
    prints = [fingerprint(*soundfile.read(p)) for p in files]
    digests = [hashlib.sha256(soundfile.read(p)[0].tobytes()).hexdigest() for p in files]
    pairs = [(files[p.a].name, files[p.b].name, p.kind) for p in find(prints, digests)]
    assert pairs == [("kitA_01.wav", "kitA_03.wav", "near")]


def test_planted_copy_is_6_dB_fainter_and_shorter(folder):
    a, rate = soundfile.read(folder / "snare/kitA_01.wav")
    b, _ = soundfile.read(folder / "snare/kitA_03.wav")
    assert rate == 22_050
    assert a.size - b.size == round(0.05 * rate)
    np.testing.assert_allclose(b, 0.5 * a[: b.size], atol=2 / 32768)  # two roundings


def test_equal_seeds_write_equal_bytes(folder, tmp_path):
    write_drum_corpus(tmp_path, n_kits=2, n_hits=2)
    for path in folder.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes()


def test_no_kit_is_refused(tmp_path):
    with pytest.raises(InputError, match="n_kits"):
        write_drum_corpus(tmp_path, n_kits=0)


def test_voices_are_recordings_with_a_track_that_says_where_each_vowel_lies(tmp_path):
    assert write_voice_corpus(tmp_path, n_speakers=2, n_takes=2) == 2
    for name in ("speaker1", "speaker2"):
        x, rate = soundfile.read(tmp_path / f"{name}.wav")
        segments = read_track(tmp_path / f"{name}.txt")
        assert sorted(s.label for s in segments) == sorted("aeiou" * 2)
        inside = np.zeros(len(x), bool)
        for s in segments:
            inside[round(s.start * rate) : round(s.stop * rate)] = True
        assert np.mean(x[inside] ** 2) > 100 * np.mean(x[~inside] ** 2)
        gaps = [b.start - a.stop for a, b in itertools.pairwise(segments)]
        assert min(gaps) > 0.39


def test_voices_of_one_seed_are_equal_and_of_another_are_not(tmp_path):
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_voice_corpus(tmp_path / folder, seed=seed, n_speakers=1, n_takes=1)
    a, b, c = ((tmp_path / f / "speaker1.wav").read_bytes() for f in "abc")
    assert a == b
    assert a != c


def test_both_problems_of_the_demo_are_valid(tmp_path):
    from importlib.resources import files

    for name in ("demo.toml", "demo_voices.toml"):
        path = tmp_path / name
        path.write_text(files("ddasp.apps").joinpath(name).read_text("utf-8"))
        assert from_source(path).definition.useful_from == 0.8
