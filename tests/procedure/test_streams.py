"""Development streams: the same signal for every chunk size, clips where the truth says, levels in dB."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import welch

from ddasp._errors import InputError
from ddasp.procedure.streams import OVERLAP, Clip, Layout, Scene, recorded

RATE = 8000


def clips(n=4, *, level=0.1, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1000, 6000, n)
    return [
        Clip(level * rng.standard_normal(m), "ab"[i % 2], f"g{i}") for i, m in enumerate(lengths)
    ]


def scene(seed=0, *, some=None, background=(), **layout):
    layout = Layout(**{"duration": 20.0, "gap": 1.0} | layout)
    some = clips() if some is None else some
    rng = np.random.default_rng(seed)
    return Scene(some, RATE, rng, layout=layout, background=background)


def whole(found, size=1 << 16):
    return np.concatenate(list(found.chunks(size)))


@settings(max_examples=12)
@given(st.integers(1, 200_000), st.booleans())
def test_the_signal_is_the_same_for_every_size_of_its_chunks(size, with_sounds):
    sounds = [np.random.default_rng(1).standard_normal(9000)] if with_sounds else []
    found = scene(background=sounds)
    parts = list(found.chunks(max(size, 50)))
    assert {len(part) for part in parts[:-1]} <= {max(size, 50)}
    assert_array_equal(np.concatenate(parts), whole(found))
    assert sum(map(len, parts)) == found.n_samples == 20 * RATE
    assert parts[0].dtype == np.float32


def test_the_same_seed_gives_the_same_scene_and_another_seed_another():
    assert_array_equal(whole(scene(3)), whole(scene(3)))
    assert scene(3).truth == scene(3).truth
    assert scene(3).truth != scene(4).truth


@pytest.mark.parametrize("given_sounds", [False, True])
def test_each_clip_is_added_where_the_truth_says(given_sounds):
    some = clips()
    silent = [Clip(0 * clip.signal, clip.label, clip.group) for clip in some]
    sounds = [np.random.default_rng(1).standard_normal(9000)] if given_sounds else []
    layout = {"duration": 100.0, "background": sounds, "snr": None if given_sounds else 60.0}
    found = scene(some=some, **layout)
    # the same draws, without the clips: what is left are they
    x = whole(found) - (whole(scene(some=silent, **layout)) if given_sounds else 0)
    quiet = np.ones(len(x), bool)
    for segment, group in zip(found.truth, found.groups, strict=True):
        clip = some[int(group[1])]
        assert clip.label == segment.label
        first, last = round(segment.start * RATE), round(segment.stop * RATE)
        assert last - first == len(clip.signal)
        inner = slice(40, -40)  # the fades of 5 ms have 40 samples
        # float32 has 1e-7; noise 60 dB below 0.1 seldom reaches 5 σ = 5e-4
        assert_allclose(x[first:last][inner], clip.signal[inner], atol=1e-6 + (not sounds) * 7e-4)
        quiet[first:last] = False
    assert np.abs(x[quiet]).max() < 1e-6 + (not sounds) * 7e-4


def test_clips_fade_in_and_out():
    found = scene(some=[Clip(np.ones(800), "a")], snr=120.0)
    at = round(found.truth[0].start * RATE)
    x = whole(found)[at : at + 800]
    assert abs(x[0]) < 0.001
    assert abs(x[-1]) < 0.001
    assert_allclose(x[20], np.sin(np.pi / 4 * 20.5 / 20) ** 2, atol=1e-4)
    assert_allclose(x[40:760], 1.0, atol=1e-4)


def test_every_clip_is_taken_once_before_one_is_taken_again():
    found = scene(duration=60.0)
    turns = [found.groups[i : i + 4] for i in range(0, len(found.groups) - 4, 4)]
    assert len(turns) > 3
    assert all(len(set(turn)) == 4 for turn in turns)


def test_gaps_are_exponential_around_their_mean():
    found = scene(duration=20_000.0, gap=3.0)
    starts = np.array([s.start for s in found.truth[1:]])
    gaps = starts - np.array([s.stop for s in found.truth[:-1]])
    # the mean of n exponential gaps has the standard error 3 / √n; 4 of them are allowed
    assert abs(gaps.mean() - 3.0) < 4 * 3.0 / np.sqrt(len(gaps))
    assert abs(gaps.std() - 3.0) < 8 * 3.0 / np.sqrt(len(gaps))
    assert gaps.min() >= 0


@pytest.mark.parametrize("given_sounds", [False, True])
def test_the_background_lies_the_given_level_below_the_median_clip(given_sounds):
    rng = np.random.default_rng(2)
    sounds = [0.3 * rng.standard_normal(60 * RATE)] if given_sounds else []
    some = [Clip(np.full(800, level), "a") for level in (0.05, 0.1, 0.8)]
    found = scene(some=some, background=sounds, duration=50.0, gap=45.0, snr=14.0)
    x = whole(found)[: round(found.truth[0].start * RATE)]
    level = 20 * np.log10(np.sqrt(np.mean(x**2)) / 0.1)
    # pink noise wanders from one stretch to the next: within 1 dB over many seconds. Fades take
    # 0.3 dB from a clip of 0.1 s
    assert level == pytest.approx(-14.3, abs=1.0)


def test_background_without_a_level_is_left_as_it_is():
    sound = 0.3 * np.random.default_rng(2).standard_normal(30 * RATE)
    found = scene(background=[sound], gap=8.0, snr=None)
    n = round(found.truth[0].start * RATE)
    assert_allclose(whole(found)[:n], sound[:n], atol=1e-7)


def test_noise_is_pink():
    found = scene(some=[Clip(np.full(10, 0.1), "a")], duration=200.0, gap=90.0)
    f, power = welch(whole(found), RATE, nperseg=4096)
    band = (f > 20) & (f < 3000)
    slope = np.polyfit(np.log2(f[band]), 10 * np.log10(power[band]), 1)[0]
    # 390 averaged spectra: 10 lg of each is known to 0.2 dB, the slope to 0.02 dB per octave
    assert slope == pytest.approx(-3.0, abs=0.1)


def test_joins_come_where_a_sound_ends_and_nothing_is_heard_twice():
    found = scene(
        some=[Clip(np.zeros(10), "a")], background=[np.ones(2 * RATE)], duration=9.0, snr=None
    )
    x, fade = whole(found), round(0.05 * RATE)
    expected = np.ones(len(x))
    angle = np.pi / 2 * (np.arange(fade) + 0.5) / fade
    for at in range(2 * RATE - fade, len(x), 2 * RATE - fade):
        expected[at : at + fade] = np.sin(angle) + np.cos(angle)
    assert_allclose(x, expected, atol=1e-6)


def test_joins_keep_the_power():
    rng = np.random.default_rng(0)
    sounds = [rng.standard_normal(2 * RATE) for _ in range(3)]
    found = scene(some=[Clip(np.zeros(10), "a")], background=sounds, duration=400.0, snr=None)
    x = whole(found)
    # joins come every 2 - 0.05 s; their 0.05 s hold the same power as all else, to 5 % for 200 joins
    period, fade = round(1.95 * RATE), round(0.05 * RATE)
    joins = [x[k * period : k * period + fade] for k in range(1, len(x) // period)]
    assert np.mean(np.square(joins)) == pytest.approx(np.mean(x**2), rel=0.05)


def test_noise_keeps_its_power_where_blocks_meet():
    period = 3 * OVERLAP
    found = scene(
        some=[Clip(np.full(10, 0.1), "a")], duration=50 * period / RATE, gap=99.0, snr=0.0
    )
    blocks = whole(found)[period : 50 * period].reshape(
        49, 12, -1
    )  # the first quarter: a crossfade
    power = np.mean(np.square(blocks), axis=(0, 2))
    # each of the 12 places in a block is a mean over 49 blocks; low frequencies scatter by 15 %
    assert power.max() / power.min() < 1.4


def test_a_very_long_scene_begins_at_once():
    found = scene(duration=1e6, gap=600.0)
    assert sum(map(len, itertools.islice(found.chunks(), 3))) == 3 * 65536


def test_scenes_that_can_not_be_made_are_refused():
    with pytest.raises(InputError, match="there are no clips"):
        scene(some=[])
    with pytest.raises(InputError, match="the clip of 'a' is empty"):
        scene(some=[Clip(np.zeros(0), "a")])
    with pytest.raises(InputError, match=r"no clip fits into 0\.2 s"):
        scene(some=[Clip(np.zeros(8000), "a")], duration=0.2)
    with pytest.raises(InputError, match="is it a clip"):
        scene(background=[np.zeros(100)])
    with pytest.raises(InputError, match="noise has none of its own"):
        scene(snr=None)
    with pytest.raises(InputError, match="duration is 0 s"):
        Layout(duration=0.0)
    with pytest.raises(InputError, match="gap is -1 s"):
        Layout(gap=-1.0)
    with pytest.raises(InputError, match="snr is 500 dB"):
        Layout(snr=500.0)
    with pytest.raises(InputError, match="size is 0"):
        scene().chunks(0)


# --- recordings -------------------------------------------------------------------------------


def sound_at(path):
    sf.write(path, np.zeros(800, np.float32), RATE)
    return path


def test_recordings_come_with_the_track_beside_them(tmp_path):
    sound_at(tmp_path / "a.wav").with_suffix(".txt").write_text("0.5\t1.5\tdog\n2\t3\tcat\n")
    sound_at(tmp_path / "b.wav").with_suffix(".csv").write_text("start,stop,label\n1,2,dog\n")
    sound_at(tmp_path / "c.wav").with_suffix(".txt").write_text("")
    found = list(recorded([tmp_path]))
    assert [one.path.name for one in found] == ["a.wav", "b.wav", "c.wav"]
    assert [[(s.start, s.stop, s.label) for s in one.truth] for one in found] == [
        [(0.5, 1.5, "dog"), (2.0, 3.0, "cat")],
        [(1.0, 2.0, "dog")],
        [],
    ]


def test_a_recording_without_a_track_is_refused(tmp_path):
    sound_at(tmp_path / "a.wav")
    with pytest.raises(InputError, match=r"a\.wav: no label track beside it.*expected a\.txt"):
        list(recorded([tmp_path]))


def test_a_track_that_can_not_be_read_names_its_line(tmp_path):
    sound_at(tmp_path / "a.wav").with_suffix(".txt").write_text("0\t1\tdog\n3\t2\tdog\n")
    with pytest.raises(InputError, match=r"entry 2 of a\.txt"):
        list(recorded([tmp_path]))


def test_a_folder_without_sounds_is_refused(tmp_path):
    with pytest.raises(InputError, match="no sounds in"):
        list(recorded([tmp_path]))
