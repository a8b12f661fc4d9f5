"""A person's messy folder: nothing crashes, nothing is lost silently, every finding has a code."""

import os
import sys

import numpy as np
import pytest
import soundfile as sf

from ddasp._errors import CODES, InputError
from ddasp.procedure.preparation import corpus_digest, load, prepare, save, survey
from ddasp.procedure.problem import from_source, parse
from ddasp.procedure.recordings import load_sound
from ddasp.procedure.workers import Workers

RATE = 16000


def tone(frequency, *, seconds=0.3, rate=RATE, seed=0):
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(size=len(t))
    return 0.3 * np.sin(2 * np.pi * frequency * t) * np.exp(-5 * t) + 0.02 * noise


def write(path, signal, rate=RATE, subtype="PCM_16"):
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(os.fsencode(path), signal, rate, subtype=subtype, format="WAV")


@pytest.fixture(scope="module")
def messy(tmp_path_factory):
    root = tmp_path_factory.mktemp("my sounds")
    rng = np.random.default_rng(1)
    for i in range(6):
        write(root / "Hund" / f"bellen {i}.wav", tone(rng.uniform(200, 300), seed=i))
        write(root / "Tür" / f"knarrt-{i}.wav", tone(rng.uniform(900, 1200), seed=10 + i))
    write(root / "Tu\u0308r" / "knallt.wav", tone(1000, seed=20))  # the same word, decomposed
    write(root / "Hund" / "high rate.wav", tone(250, rate=44100, seed=21), 44100)
    stereo = np.stack([tone(220, seed=22), tone(230, seed=23)], axis=1)
    write(root / "Hund" / "stereo 24 bit.wav", stereo, subtype="PCM_24")
    write(root / "Hund" / "long.wav", tone(240, seconds=8, seed=24))
    write(root / "Hund" / "hot.wav", np.clip(8 * tone(260, seed=25), -1, 1))
    write(root / "Hund" / "offset.wav", tone(260, seed=26) + 0.2)
    write(root / "Tür" / "still.wav", np.zeros(RATE // 2))
    write(root / "Tür" / "click.wav", tone(1000, seconds=0.01, seed=27))
    write(root / "hund" / "shift key.wav", tone(250, seed=28))
    write(root / "hund" / "again.wav", tone(251, seed=29))
    write(root / "hund" / "once more.wav", tone(252, seed=30))
    write(root / "Pfeife" / "einmal.wav", tone(3000, seed=31))
    (root / "Hund" / "empty.wav").write_bytes(b"")
    (root / "Hund" / "letter.wav").write_text("Dear all, please find attached")
    whole = (root / "Hund" / "bellen 0.wav").read_bytes()
    (root / "Hund" / "half.wav").write_bytes(whole[: len(whole) // 2])
    (root / "Tür" / "copy of a bark.wav").write_bytes((root / "Hund" / "bellen 1.wav").read_bytes())
    nan = tone(250, seed=32)
    nan[5] = np.nan
    write(root / "Hund" / "nan.wav", nan, subtype="FLOAT")
    write(root / "lost.wav", tone(250, seed=33))
    (root / "Hund" / "a link.wav").symlink_to("/etc/hostname")
    (root / "Hund" / "nowhere.wav").symlink_to("gone.wav")
    (root / "Hund" / "circle").symlink_to(root)
    (root / "Hund" / "a folder.wav").mkdir()
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "notes.txt", "__MACOSX/._x.wav"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    if sys.platform == "linux":
        os.mkfifo(root / "Hund" / "pipe.wav")
        odd = os.path.join(os.fsencode(root), b"Hund", b"w\xfcff \xff.wav")
        sf.write(odd, tone(255, seed=34), RATE, format="WAV")
    return root


@pytest.fixture(scope="module")
def prepared(messy, tmp_path_factory):
    problem, cache = from_source(messy), tmp_path_factory.mktemp("cache")
    with Workers(1) as workers:
        return prepare(problem, cache=cache, workers=workers, expected=corpus_digest(problem))


def flags_of(prepared, name):
    rows = prepared.recordings
    return rows.loc[rows["path"].str.endswith(name), "flags"].item().split()


def test_every_file_has_a_row_and_the_numbers_add_up(messy, prepared):
    names = [
        name
        for folder, folders, files in os.walk(os.fsencode(messy))
        for name in files
        if name.endswith(b".wav") and not name.startswith(b".")
    ]
    summary = prepared.summary
    assert len(prepared.recordings) == summary["n_in"] == len(names)
    status = prepared.recordings["status"].value_counts()
    assert summary["n_used"] == status["used"]
    assert summary["n_in"] == sum(summary[f"n_{s}"] for s in ("used", "warned", "rejected"))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("empty.wav", "E-AUDIO-FORMAT"),
        ("letter.wav", "E-AUDIO-FORMAT"),
        ("nan.wav", "E-AUDIO-NONFINITE"),
        ("lost.wav", "E-LABEL"),
        ("a link.wav", "E-PATH-OUTSIDE"),
        ("nowhere.wav", "E-PATH-MISSING"),
        ("half.wav", "W-AUDIO-TRUNCATED"),
        ("high rate.wav", "W-RATE"),
        ("hot.wav", "W-CLIP"),
        ("offset.wav", "W-DC"),
        ("still.wav", "W-SILENT"),
        ("click.wav", "W-SHORT"),
        ("einmal.wav", "W-RARE"),
        ("shift key.wav", "W-LABEL-TYPO"),
        ("copy of a bark.wav", "W-DUPLICATE"),
        ("copy of a bark.wav", "W-CONFLICT"),
    ],
)
def test_each_fault_is_found_under_its_code(prepared, name, code):
    assert code in flags_of(prepared, name)


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes, and pipes")
def test_a_name_that_is_no_utf8_is_read_and_a_pipe_is_not(messy, prepared):
    assert flags_of(prepared, r"w\xfcff \xff.wav") == ["W-NAME"]
    assert flags_of(prepared, "pipe.wav") == ["E-PATH-TYPE"]
    rows = prepared.observations
    path = rows.loc[rows["path"].str.contains("xfc"), "path"].item()
    sound = load_sound(messy, path, 0.0, 0.3, rate=8000)
    assert len(sound) == 2400


def test_every_finding_has_a_code_and_words(prepared):
    for flags, detail, status in zip(
        *(prepared.recordings[name] for name in ("flags", "detail", "status")), strict=True
    ):
        assert all(code in CODES for code in flags.split())
        assert bool(flags) == bool(detail) == (status != "used")
        assert not flags or len(flags.split()) == len(detail.split("; "))


def test_stereo_24_bit_and_long_files_are_taken_as_they_are(prepared):
    rows = prepared.recordings.set_index("path")
    assert flags_of(prepared, "stereo 24 bit.wav") == []
    assert rows.loc["Hund/stereo 24 bit.wav", "channels"] == 2
    np.testing.assert_allclose(rows.loc["Hund/long.wav", "duration"], 8.0)


def test_one_word_in_two_spellings_of_unicode_is_one_class(prepared):
    assert "Tür" in prepared.summary["labels"]
    assert "Tu\u0308r" not in prepared.summary["labels"]


def test_what_was_passed_over_is_counted_with_the_reason(prepared):
    ignored = prepared.summary["ignored"]
    assert ignored["hidden"] == 1
    assert ignored["a link to a folder"] == 1
    assert ignored["left behind by an operating system (Thumbs.db)"] == 1
    assert ignored["left behind by an operating system (__MACOSX)"] == 1
    assert ignored["no sound by its ending (.txt)"] == 1


def test_a_class_of_one_sound_is_set_aside_by_name(prepared):
    assert [item["label"] for item in prepared.summary["set_aside"]] == ["Pfeife"]
    assert "Pfeife" not in set(prepared.observations["label"])


def test_features_of_every_observation_are_finite(prepared):
    n = len(prepared.observations)
    for table in prepared.features.values():
        assert table.X.dtype == np.float32
        assert table.X.shape[1] == n
        assert np.isfinite(table.X).all()


def test_the_copy_never_stands_on_both_sides(prepared):
    copies = prepared.observations["duplicate_set"].to_numpy()
    assert (copies >= 0).sum() >= 2
    for train, test in prepared.split.folds:
        assert not set(copies[train]) & set(copies[test]) - {-1}


def test_it_survives_the_run_folder(prepared, tmp_path):
    save(prepared, tmp_path)
    again = load(tmp_path)
    save(again, tmp_path / "again")
    for path in sorted(tmp_path.glob("*.*")):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_a_survey_tells_the_same_without_a_problem(messy):
    found = survey(messy)
    assert found.guess.labels == "folder"
    assert found.summary["n_in"] == len(found.recordings)
    assert set(found.summary["labels"]) == {"Hund", "Tür", "hund"}


def test_an_empty_folder_says_what_was_passed_over(tmp_path):
    (tmp_path / "song.txt").write_text("la")
    with pytest.raises(InputError, match=r"E-DATA: .*holds no sounds.*1 × no sound by its ending"):
        prepare(from_source(tmp_path))


def test_one_class_alone_says_so(tmp_path):
    for i in range(4):
        write(tmp_path / "only" / f"{i}.wav", tone(300, seed=i))
    with pytest.raises(InputError, match="one class, 'only', can be learned and tested"):
        prepare(parse("", base=tmp_path))
