"""One row a file: levels that can be worked out, pieces that fit, a cache that can be trusted."""

import errno
import os
import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest
import soundfile as sf

from ddasp.procedure.recordings import (
    Task,
    bytes_digest,
    declared_rate,
    examine,
    load_sound,
    load_sounds,
    pieces,
)
from ddasp.procedure.windows import cut, windows

RATE = 8000


@pytest.fixture
def sine(tmp_path):
    """One second of a full-scale sine of 100 Hz, in 32-bit floats."""
    path = tmp_path / "sine.wav"
    t = np.arange(RATE) / RATE
    sf.write(path, np.sin(2 * np.pi * 100 * t), RATE, subtype="FLOAT")
    return path


def task(path, **options):
    return Task(os.fspath(path), os.fspath(path.parent), **options)


def test_the_row_of_a_full_scale_sine_is_as_worked_on_paper(sine):
    row = examine(task(sine)).row
    np.testing.assert_allclose(row["peak"], 0, atol=0.01)  # 100 Hz meets its crest at 8 kHz
    np.testing.assert_allclose(row["rms"], 20 * np.log10(np.sqrt(0.5)), atol=0.01)
    np.testing.assert_allclose(row["dc"], 0, atol=1e-6)
    assert row["duration"] == 1.0
    assert (row["rate"], row["channels"], row["declared"], row["actual"]) == (RATE, 1, RATE, RATE)
    assert row["silent"] == 0.0
    assert row["flags"] == []


def test_silence_is_minus_infinity_lufs_and_is_flagged(tmp_path):
    sf.write(tmp_path / "still.wav", np.zeros(RATE), RATE)
    row = examine(task(tmp_path / "still.wav")).row
    assert row["loudness"] == -np.inf
    assert row["silent"] == 1.0
    assert row["flags"] == ["W-SILENT"]


def test_the_same_samples_have_the_same_digest_in_another_container(tmp_path):
    x = np.random.default_rng(0).integers(-9000, 9000, 500, dtype=np.int16)
    sf.write(tmp_path / "a.wav", x, RATE)
    sf.write(tmp_path / "b.flac", x, RATE)
    a, b = (examine(task(tmp_path / name)) for name in ("a.wav", "b.flac"))
    assert a.row["digest"] == b.row["digest"]
    assert a.file_digest != b.file_digest


def test_windows_fit_into_the_sound_and_cover_it():
    assert windows(10.0, None) == [(0.0, 10.0)]
    assert windows(3.0, (1.0, 1.0)) == [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]
    assert windows(0.3, (0.1, 0.1))[-1] == pytest.approx((0.2, 0.3))  # not lost to rounding
    assert windows(0.0, (1.0, 0.5)) == [(0.0, 1.0)]


def test_a_piece_beyond_the_end_is_followed_by_zeros():
    np.testing.assert_array_equal(cut(np.ones(6), 10, 0.4, 0.8), [1, 1, 0, 0])


def test_pieces_of_a_file_are_the_same_wherever_they_are_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    sf.write(tmp_path / "a.wav", rng.uniform(-0.5, 0.5, (44100, 2)), 44100)
    found = list(pieces(tmp_path / "a.wav", rate=RATE, window=(0.3, 0.3), max_duration=9))
    assert [round(start, 3) for start, _, _ in found] == [0.0, 0.3, 0.6]
    for start, stop, signal in found:
        assert signal.shape == (2400,)
        np.testing.assert_array_equal(load_sound(tmp_path, "a.wav", start, stop, rate=RATE), signal)


def test_pieces_are_the_same_in_any_order_and_each_file_is_decoded_once_for_those_that_follow(
    tmp_path, monkeypatch
):
    from ddasp.procedure import recordings

    def counted(path, **options):
        opened.append(os.path.basename(path))
        return whole(path, **options)

    rng = np.random.default_rng(0)
    for name in ("a.wav", "b.wav"):
        sf.write(tmp_path / name, rng.uniform(-0.5, 0.5, (80_000, 2)), 22050)
    signal = np.concatenate(
        [x for *_, x in pieces(tmp_path / "a.wav", rate=RATE, window=None, max_duration=9)]
    )
    paths = ["a.wav", "a.wav", "a.wav", "b.wav", "a.wav", "a.wav"]
    starts, stops = [0.0, 0.1, 3.4, 0.0, 2.0, 1.0], [0.5, 3.0, 4.0, 9.0, 2.5, 1.25]
    opened, whole = [], recordings.read_blocks
    monkeypatch.setattr(recordings, "read_blocks", counted)
    found = list(load_sounds(tmp_path, paths, starts, stops, rate=RATE))
    assert opened == ["a.wav", "b.wav", "a.wav", "a.wav"]
    for path, start, stop, x in zip(paths, starts, stops, found, strict=True):
        assert len(x) == round((stop - start) * RATE)
        if path == "a.wav":
            np.testing.assert_array_equal(x, cut(signal, RATE, start, stop))


def test_memory_does_not_grow_with_a_recording_of_windows(tmp_path):
    peaks = []
    for n_seconds in (10, 40):
        path = tmp_path / "a.wav"
        sf.write(path, np.zeros(n_seconds * 44100), 44100)  # 14 MB of float64 in the longer one
        tracemalloc.start()
        found = examine(task(path, rate=RATE, window=(1.0, 1.0), sets=("levels",)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(found.pieces) == n_seconds
    assert peaks[1] < 1.2 * peaks[0]


def test_a_decoder_that_meets_its_bound_of_memory_costs_the_file_and_no_other_want_does(
    sine, monkeypatch
):
    from ddasp.procedure import recordings

    def refused(*args, **options):
        raise MemoryError

    monkeypatch.setattr(sf.SoundFile, "read", refused)
    with pytest.raises(MemoryError):
        examine(task(sine))
    monkeypatch.setattr(recordings, "limited", lambda *_: nullcontext(True))
    assert examine(task(sine)).code == "E-AUDIO-DECODER"


def test_a_sound_that_no_loudspeaker_could_play_is_rejected_and_stops_nothing(tmp_path):
    for value, code in ((1e30, ""), (1e37, "E-AUDIO-NONFINITE")):
        path = tmp_path / "a.wav"
        sf.write(path, value * np.sign(np.sin(np.arange(4000))), 16000, subtype="FLOAT")
        found = examine(task(path, rate=RATE, sets=("levels", "mfcc")))
        assert found.code == code
        assert all(np.isfinite(X).all() for X in found.features.values())


def test_features_of_a_window_are_those_of_its_samples(sine):
    from ddasp.procedure.features import extract

    found = examine(task(sine, rate=RATE, window=(0.5, 0.25), sets=("levels", "mfcc", "rate")))
    assert found.pieces == [(0.0, 0.5), (0.25, 0.75), (0.5, 1.0)]
    assert found.features["mfcc"].shape[:2] == (3, 3)
    second = extract(load_sound(sine.parent, "sine.wav", 0.25, 0.75, rate=RATE), RATE, ("mfcc",))
    np.testing.assert_array_equal(found.features["mfcc"][:, 1], second["mfcc"])
    assert len(found.fingerprints) == 3


def test_the_cache_gives_back_what_was_stored(sine, tmp_path):
    asked = task(sine, rate=RATE, sets=("levels", "mfcc"), cache=os.fspath(tmp_path / "cache"))
    first, second = examine(asked), examine(asked)
    assert (first.from_cache, second.from_cache) == (False, True)
    assert first.row == second.row
    assert first.pieces == second.pieces
    for name, X in first.features.items():
        np.testing.assert_array_equal(X, second.features[name])
    np.testing.assert_array_equal(first.fingerprints[0].excerpt, second.fingerprints[0].excerpt)
    np.testing.assert_array_equal(first.fingerprints[0].vector, second.fingerprints[0].vector)


@pytest.mark.parametrize("damage", ["empty", "cut", "flip", "text"])
def test_a_damaged_cache_is_computed_anew(sine, tmp_path, damage):
    asked = task(sine, rate=RATE, sets=("levels",), cache=os.fspath(tmp_path / "cache"))
    first = examine(asked)
    (stored,) = (tmp_path / "cache").glob("*.npz")
    whole = bytearray(stored.read_bytes())
    whole[len(whole) // 2] ^= 1
    damaged = {"empty": b"", "cut": whole[: len(whole) // 2], "flip": whole, "text": b"hello"}
    stored.write_bytes(damaged[damage])
    second = examine(asked)
    assert not second.from_cache
    np.testing.assert_array_equal(first.features["levels"], second.features["levels"])
    assert examine(asked).from_cache


def test_other_parameters_or_another_content_are_not_found_in_the_cache(sine, tmp_path):
    cache = os.fspath(tmp_path / "cache")
    examine(task(sine, rate=RATE, sets=("levels",), cache=cache))
    assert not examine(task(sine, rate=4000, sets=("levels",), cache=cache)).from_cache
    sf.write(sine, np.zeros(100), RATE)
    assert not examine(task(sine, rate=RATE, sets=("levels",), cache=cache)).from_cache


def test_a_file_that_changes_while_it_is_read_is_noticed(sine, monkeypatch):
    from ddasp.procedure import recordings

    def measure_and_touch(asked):
        found = whole(asked)
        os.utime(asked.path, ns=(1, 1))
        return found

    whole = recordings._measure
    monkeypatch.setattr(recordings, "_measure", measure_and_touch)
    assert examine(task(sine)).changed


def test_samples_that_changed_under_the_reader_are_not_remembered(sine, tmp_path, monkeypatch):
    from ddasp.procedure import recordings

    def measure_another(asked):
        before, status = sine.read_bytes(), sine.stat()
        sf.write(sine, np.zeros(RATE), RATE, subtype="FLOAT")
        found = whole(asked)
        sine.write_bytes(before)  # as it was, with the times it had
        os.utime(sine, ns=(status.st_atime_ns, status.st_mtime_ns))
        return found

    asked = task(sine, rate=RATE, sets=("levels",), cache=os.fspath(tmp_path / "cache"))
    with monkeypatch.context() as patched:
        whole = recordings._measure
        patched.setattr(recordings, "_measure", measure_another)
        assert examine(asked).changed
    again = examine(asked)
    assert (again.changed, again.from_cache) == (False, False)
    np.testing.assert_allclose(again.row["rms"], 20 * np.log10(np.sqrt(0.5)), atol=0.01)


def test_a_file_without_permission_is_rejected(sine, monkeypatch):
    from ddasp.procedure import recordings

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(recordings, "digest_file", refuse)
    found = examine(task(sine))
    assert found.code == "E-PATH-PERM"
    assert bytes_digest(os.fspath(sine), os.fspath(sine.parent)) == ""


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM])
def test_a_machine_at_its_limit_is_no_fault_of_a_file(sine, monkeypatch, number):
    def opened(path):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("ddasp.procedure.recordings.digest_file", opened)
    with pytest.raises(OSError, match=os.strerror(number)):
        examine(task(sine))


def test_the_longest_duration_is_a_cap(sine):
    assert examine(task(sine, max_duration=0.5)).code == "E-AUDIO-TOOLONG"


def test_the_header_tells_the_rate_without_decoding(sine, tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    rates = [declared_rate(os.fspath(tmp_path / n)) for n in ("sine.wav", "text.wav", "none.wav")]
    assert rates == [RATE, -1, -1]
