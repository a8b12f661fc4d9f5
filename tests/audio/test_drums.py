"""The drum machine: complete, repeatable, and neither too easy nor hopeless to learn."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp._files import digest_bytes
from ddasp.audio import drums

RATE = 22_050


@pytest.fixture(scope="module")
def corpus():
    return list(drums.drum_corpus(np.random.default_rng(7), n_kits=6, n_hits=4))


def test_corpus_is_complete_finite_and_within_full_scale(corpus):
    assert len(corpus) == 6 * 4 * 6
    assert {(i.voice, i.kit, i.index) for i in corpus} == set(
        itertools.product(drums.VOICES, (f"kit{c}" for c in "ABCDEF"), range(1, 5))
    )
    for item in corpus:
        assert item.signal.dtype == np.float64
        assert item.signal.ndim == 1
        assert 10**-1.2 <= np.abs(item.signal).max() <= 10**-0.15  # -24 to -3 dB
        assert item.rate == RATE


def test_equal_seeds_give_equal_sounds_and_other_seeds_others(corpus):
    again = next(drums.drum_corpus(np.random.default_rng(7), n_kits=6, n_hits=4))
    other = next(drums.drum_corpus(np.random.default_rng(8), n_kits=6, n_hits=4))
    assert_array_equal(again.signal, corpus[0].signal)
    assert again.decay_time == corpus[0].decay_time
    assert again.decay_time != other.decay_time


def test_a_kit_sounds_the_same_however_many_follow(corpus):
    alone = list(drums.drum_corpus(np.random.default_rng(7), n_kits=1, n_hits=4))
    for a, b in zip(alone, corpus, strict=False):
        assert_array_equal(a.signal, b.signal)


def explained(values, labels):
    """Share of the variance that the classes explain (eta squared)."""
    values = np.asarray(values)
    means = np.array([values[labels == c].mean() for c in labels])
    return np.var(means) / np.var(values)


def test_neither_duration_nor_level_tells_the_voice():
    """By chance, K classes explain (K - 1) / (n - 1) = 0.017 of n = 300 values."""
    corpus = list(drums.drum_corpus(np.random.default_rng(1), n_kits=10, n_hits=5))
    labels = np.array([i.voice for i in corpus])
    assert explained([i.signal.size for i in corpus], labels) < 0.05
    assert explained([np.log(np.abs(i.signal).max()) for i in corpus], labels) < 0.05


def test_kits_overlap_so_that_pitch_and_decay_alone_mislead():
    kits = [drums.drum_kit(np.random.default_rng(i)) for i in range(40)]
    closed, opened = (drums.VOICES.index(v) for v in ("closed_hat", "open_hat"))
    assert max(k.kick_pitch * k.kick_drop for k in kits) > min(k.tom_pitch for k in kits)
    assert max(k.decay[closed] for k in kits) > min(k.decay[opened] for k in kits)
    assert all(k.decay[closed] < k.decay[opened] for k in kits)  # but never within a kit


def test_decay_time_is_the_t60_of_the_sound_where_nothing_hides_it():
    """A dry, linear, noiseless hat: the envelope's slope is -60 dB in one decay time."""
    from dataclasses import replace

    rng = np.random.default_rng(2)
    kit = replace(
        drums.drum_kit(rng), drive=1e-3, room_level=-120.0, hiss_level=-140.0, brightness=9500.0,
        hat_metal=0.0, tilt=0.0,
    )  # fmt: skip
    hit = drums.drum_hit("open_hat", kit, rng, RATE)
    x = hit.signal[np.argmax(np.abs(hit.signal) > 0.05 * np.abs(hit.signal).max()) :]
    remaining = 10 * np.log10(np.cumsum(x[::-1] ** 2)[::-1] / np.sum(x**2))
    inside = (remaining < -3) & (remaining > -30)
    slope = np.polyfit(np.flatnonzero(inside) / RATE, remaining[inside], 1)[0]
    assert_allclose(-60 / slope, hit.decay_time, rtol=0.08)


def band_levels(x):
    """Log levels of 24 bands at ten times after the onset: a plain feature of this test alone."""
    n, hop = 512, 220
    x = x / np.sqrt(np.mean(x**2))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(x, (n // 2, 2 * n)), n)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(n))) ** 2
    edges = np.unique(np.round(np.geomspace(1, n // 2, 25)).astype(int))
    levels = np.log(np.add.reduceat(power, edges[:-1], axis=1) + 1e-6)
    energy = power.sum(axis=1)
    onset = int(np.argmax(energy > 0.1 * energy.max()))
    times = np.clip(onset + np.array([-1, 0, 1, 2, 4, 7, 11, 16, 24, 36]), 0, len(levels) - 1)
    return levels[times].ravel()


def test_one_rule_fails_a_model_does_well_and_a_random_split_flatters():
    from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    corpus = list(drums.drum_corpus(np.random.default_rng(7)))
    X = np.array([band_levels(i.signal) for i in corpus])
    y = np.array([i.voice for i in corpus])
    kits = np.array([i.kit for i in corpus])
    model = make_pipeline(StandardScaler(), SVC(C=10, gamma=0.3 / X.shape[1]))
    rule = DecisionTreeClassifier(max_leaf_nodes=6, random_state=0)

    by_kit = GroupKFold(6)
    honest = cross_val_score(model, X, y, groups=kits, cv=by_kit).mean()
    random = cross_val_score(model, X, y, cv=StratifiedKFold(6, shuffle=True, random_state=0))
    one_rule = max(
        cross_val_score(rule, X[:, [j]], y, groups=kits, cv=by_kit).mean()
        for j in range(0, X.shape[1], 7)
    )
    assert one_rule < 0.6
    assert 0.7 < honest < 0.95
    assert random.mean() - honest > 0.04


def test_the_demo_corpus_is_the_one_that_its_published_results_speak_of():
    """Digest of the first hit of seed 0, as 16 bits, so that the last bit of a sine is free."""
    first = next(drums.drum_corpus(np.random.default_rng(0)))
    codes = np.rint(first.signal * 2**15).astype("<i2")
    assert digest_bytes(codes.tobytes())[:16] == "65315a93cd9a1084"


@pytest.mark.parametrize("voice", drums.VOICES)
@pytest.mark.parametrize("rate", [8000, 48_000])
def test_a_stroke_begins_at_once_at_full_level_and_ends_in_silence(voice, rate):
    rng = np.random.default_rng(5)
    x = drums.drum_stroke(voice, drums.drum_kit(rng), rng, rate, duration=0.3)
    assert x.shape == (round(0.3 * rate),)
    assert np.abs(x).max() == 1.0
    assert np.abs(x[: rate // 50]).max() > 0.05  # within 20 ms
    assert x[-1] == 0.0


def test_wrong_arguments_are_explained():
    kit, rng = drums.drum_kit(np.random.default_rng(0)), np.random.default_rng(0)
    for strike in (drums.drum_hit, drums.drum_stroke):
        with pytest.raises(InputError, match="did you mean 'kick'"):
            strike("kik", kit, rng)
        with pytest.raises(InputError, match="rate is 4000 Hz"):
            strike("kick", kit, rng, 4000)
    with pytest.raises(InputError, match="given in milliseconds"):
        drums.drum_stroke("kick", kit, rng, duration=500.0)
    with pytest.raises(InputError, match="n_kits"):
        next(drums.drum_corpus(rng, n_kits=0))
