"""Copies are found, different sounds are not: planted copies, drum hits, and real recordings."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_array_equal
from scipy.signal import resample_poly

from ddasp._errors import InputError
from ddasp.audio.drums import drum_corpus
from ddasp.audio.signals import sine
from ddasp.audio.voices import voice_corpus
from ddasp.procedure.duplicates import Pair, duplicate_sets, find, fingerprint

RATE = 22_050


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def hits():
    return list(drum_corpus(np.random.default_rng(7), n_kits=3, n_hits=4))


def search(sounds, digests=None):
    prints = [fingerprint(x, rate) for x, rate in sounds]
    return find(prints, digests or [str(i) for i in range(len(sounds))])


def mp3(x, rate, compression):
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", rate, 1, "MPEG_LAYER_III", format="MP3",
        bitrate_mode="CONSTANT", compression_level=compression,
    ) as out:  # fmt: skip
        out.write(x)
    file.seek(0)
    return soundfile.read(file)


def louder(x, rate, rng):
    return 2 * x, rate


def fainter(x, rate, rng):
    return 0.1 * x, rate


def end_cut(x, rate, rng):
    return x[: -round(0.1 * rate)], rate


def resampled(x, rate, rng):
    return resample_poly(resample_poly(x, 44_100, rate), 160, 441), 16_000


def noisy(x, rate, rng):
    return x + rng.standard_normal(x.size) * np.sqrt(np.mean(x**2)) * 10**-1.5, rate


def coded(x, rate, rng):
    return mp3(x, rate, 0.7 if rate > 8000 else 0.0)  # 61 kb/s at 22.05 kHz, 64 kb/s at 8 kHz


def start_cut(x, rate, rng):
    return x[round(0.1 * rate) :], rate


@pytest.mark.parametrize("change", [louder, fainter, end_cut, resampled, noisy, coded])
def test_at_least_95_percent_of_copies_of_drum_hits_are_found_and_nothing_else(hits, change):
    rng = np.random.default_rng(0)
    sounds = [(hit.signal, hit.rate) for hit in hits]
    n = len(sounds)
    pairs = search(sounds + [change(x, rate, rng) for x, rate in sounds])
    found = {(pair.a, pair.b) for pair in pairs}
    planted = {(i, n + i) for i in range(n)}
    assert len(found & planted) >= 0.95 * n
    assert len(found - planted) <= 0.01 * len(found)


def test_a_copy_without_its_first_100_ms_is_found():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((5, RATE)) * np.exp(-np.arange(RATE) / RATE / 0.3)
    sounds = [(s, RATE) for s in x] + [start_cut(s, RATE, rng) for s in x]
    assert [(p.a, p.b) for p in search(sounds)] == [(i, i + 5) for i in range(5)]


def test_copies_that_were_cut_and_moved_and_coded_are_found_and_nothing_else():
    """What comes before the cut is silence in the copy, and the excerpt begins inside of it."""
    rng = np.random.default_rng(2)
    takes = list(voice_corpus(rng, n_speakers=2, n_takes=2, rate=8000))
    n, copies = len(takes), []
    for take in takes:
        cut = np.concatenate([np.zeros(round(rng.uniform(0.3, 1.0) * 8000)), take.signal[800:]])
        x, rate = coded(noisy(-0.5 * cut, 8000, rng)[0], 8000, rng)
        copies.append((resampled(x, rate, rng)[0] + 0.02, 16_000))
    pairs = search([(take.signal, 8000) for take in takes] + copies)
    found = {(pair.a, pair.b) for pair in pairs}
    assert found <= {(i, n + i) for i in range(n)}
    assert len(found) >= 0.95 * n


def test_hits_of_one_voice_and_kit_are_no_duplicates(hits):
    assert search([(hit.signal, hit.rate) for hit in hits]) == []


def test_two_tones_of_one_frequency_are_the_same_sound_and_two_frequencies_are_not():
    a = sine(440, 1.0, RATE)
    b = 0.3 * sine(440, 0.9, RATE, phase=1.0)
    c = sine(445, 1.0, RATE)
    pairs = search([(a, RATE), (b, RATE), (c, RATE)])
    assert [(p.a, p.b, p.kind) for p in pairs] == [(0, 1, "near")]


def test_recordings_that_open_with_one_signal_tone_and_go_on_differently_are_no_duplicates(rng):
    beep = sine(1000, 0.6, RATE)
    steady = 0.5 * rng.standard_normal(2 * RATE)
    gated = steady[::-1] * (np.arange(2 * RATE) // 4000 % 2)
    sounds = [(np.concatenate([beep, rest]), RATE) for rest in (steady, gated)]
    assert search(sounds) == []


def test_equal_digests_are_exact_copies_even_of_silence():
    silence = np.zeros(1000)
    pairs = search([(silence, RATE)] * 3, ["s", "other", "s"])
    assert pairs == [Pair(0, 2, "exact", 1.0)]


@pytest.mark.parametrize("x", [[], [0.0], [0.3], np.full(5000, 0.5), np.zeros(5000)])
def test_silence_a_constant_and_a_single_sample_have_an_empty_excerpt(x):
    empty = fingerprint(np.asarray(x, dtype=float), RATE)
    assert empty.excerpt.size == 0
    assert np.isnan(empty.vector).all()


def test_the_vector_has_one_size_whatever_the_sound(rng):
    sizes = {fingerprint(rng.standard_normal(n), rate).vector.shape
             for n, rate in ((2, 8000), (30, 48_000), (9000, 8000), (400_000, 44_100))}  # fmt: skip
    assert len(sizes) == 1


def test_a_fingerprint_does_not_depend_on_gain_and_survives_storage(rng, tmp_path):
    x = rng.standard_normal(9000) * np.exp(-np.arange(9000) / 3000)
    a, b = fingerprint(x, 8000), fingerprint(0.25 * x, 8000)
    assert_array_equal(a.excerpt, b.excerpt)
    np.savez(tmp_path / "f.npz", vector=a.vector, excerpt=a.excerpt)
    with np.load(tmp_path / "f.npz", allow_pickle=False) as stored:
        back = type(a)(stored["vector"], stored["excerpt"])
    assert [p.kind for p in find([back, b], ["a", "b"])] == ["near"]
    assert a.vector.dtype == np.float32
    assert a.excerpt.dtype == np.int8
    assert a.vector.nbytes + a.excerpt.nbytes < 11_000


def test_a_fingerprint_of_huge_floats_is_that_of_their_shape(rng):
    # 2^96 squared is beyond float32, and a power of two changes no digit
    x = rng.standard_normal(9000) * np.exp(-np.arange(9000) / 3000)
    x = x / np.abs(x - x.mean()).max()
    with np.errstate(all="raise"):
        huge = fingerprint(2.0**96 * x, 8000)
    assert_array_equal(huge.excerpt, fingerprint(x, 8000).excerpt)
    assert_array_equal(np.isfinite(huge.vector), np.isfinite(fingerprint(x, 8000).vector))


def test_find_of_nothing_and_of_one_is_nothing(rng):
    assert find([], []) == []
    assert search([(rng.standard_normal(3000), RATE)]) == []


def test_copies_of_copies_are_one_set():
    pairs = [Pair(1, 4, "near", 0.99), Pair(3, 4, "exact", 1.0), Pair(5, 6, "near", 0.98)]
    assert_array_equal(duplicate_sets(pairs, 8), [-1, 0, -1, 0, 0, 1, 1, -1])
    assert_array_equal(duplicate_sets([], 3), [-1, -1, -1])
    assert duplicate_sets([], 0).shape == (0,)


def test_wrong_arguments_are_explained(rng):
    print_ = fingerprint(rng.standard_normal(3000), RATE)
    with pytest.raises(InputError, match="one for each"):
        find([print_], [])
    with pytest.raises(InputError, match="outside 0"):
        duplicate_sets([Pair(0, 3, "near", 0.99)], 3)
    with pytest.raises(InputError, match="mix the channels"):
        fingerprint(np.zeros((10, 2)), RATE)


@pytest.mark.fsdd
def test_real_utterances_are_told_from_planted_copies(fsdd: Path):
    """Two speakers' utterances of three words, and a copy of each tenth by each change."""
    rng = np.random.default_rng(1)
    paths = [p for w in (4, 7) for who in ("george", "jackson") for p in fsdd.rglob(f"{w}_{who}_*")]
    sounds = [soundfile.read(path) for path in sorted(paths)]
    n = len(sounds)
    assert search(sounds) == []
    changes = [louder, fainter, end_cut, start_cut, resampled, noisy, coded]
    copies = [(i, change(*sounds[i], rng)) for i in range(0, n, 10) for change in changes]
    pairs = search(sounds + [copy for _, copy in copies])
    original = np.array([*range(n), *(i for i, _ in copies)])
    assert all(original[p.a] == original[p.b] for p in pairs)
    sets = duplicate_sets(pairs, n + len(copies))
    together = [sets[n + k] >= 0 and sets[n + k] == sets[i] for k, (i, _) in enumerate(copies)]
    assert np.mean(together) >= 0.95
