"""Signals from formulas: their frequency, slope and level are measured again."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import welch

from ddasp._errors import InputError
from ddasp.audio import signals

RATE = 22_050


def test_sine_has_its_energy_at_its_frequency_and_an_rms_of_1_over_sqrt_2():
    x = signals.sine(1000, 1.0, 8000)
    assert int(np.argmax(np.abs(np.fft.rfft(x)))) == 1000  # 1 Hz per bin
    assert_allclose(np.sqrt(np.mean(x**2)), 1 / np.sqrt(2), rtol=1e-12)  # whole periods


def test_sine_of_zero_duration_is_empty():
    assert signals.sine(100, 0.0, 8000).shape == (0,)


def test_spectrum_of_an_impulse_is_one_everywhere():
    assert_allclose(np.abs(np.fft.rfft(signals.impulse(64, at=5))), 1.0)


@pytest.mark.parametrize("slope", [0.0, -3.0, -6.0, 3.0])
def test_noise_has_the_slope_asked_for_and_unit_rms(slope):
    x = signals.noise(2**17, np.random.default_rng(0), slope=slope)
    assert_allclose(np.sqrt(np.mean(x**2)), 1.0, rtol=1e-12)
    f, power = welch(x, nperseg=2048)
    inner = (f > 0.01) & (f < 0.4)
    fit = np.polyfit(np.log2(f[inner]), 10 * np.log10(power[inner]), 1)[0]
    assert_allclose(fit, slope, atol=0.1)  # dB per octave; 128 averages


def test_noise_of_one_sample_has_unit_magnitude():
    assert_allclose(np.abs(signals.noise(1, np.random.default_rng(0), slope=-3)), [1.0])


def test_sweep_passes_the_geometric_mean_at_half_time():
    rate, low, high = 48_000, 100.0, 1600.0
    x = signals.sweep(low, high, 2.0, rate)
    around = x[rate - 2400 : rate + 2400]  # 100 ms about t = T / 2
    crossings = np.flatnonzero(np.diff(np.signbit(around)))
    frequency = (crossings.size - 1) / 2 * rate / (crossings[-1] - crossings[0])
    assert_allclose(frequency, np.sqrt(low * high), rtol=0.01)
    assert np.abs(x).max() <= 1.0


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: signals.sine(5000, 1.0, 8000), "aliasing above rate / 2"),
        (lambda: signals.sine(500, -1.0, 8000), "duration"),
        (lambda: signals.impulse(4, at=4), "at is 4"),
        (lambda: signals.sweep(500, 200, 1.0, 8000), "expected 0 < low < high"),
        (lambda: signals.noise(0, np.random.default_rng(0)), "n_samples"),
        (
            lambda: signals.drum_hit(
                "kik", signals.drum_kit(np.random.default_rng(0)), np.random.default_rng(0)
            ),
            "did you mean 'kick'",
        ),
    ],
)
def test_wrong_arguments_are_explained(call, match):
    with pytest.raises(InputError, match=match):
        call()


# --- the drum machine ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus():
    return list(signals.drum_corpus(np.random.default_rng(7), n_kits=6, n_hits=4))


def test_corpus_is_complete_finite_and_within_full_scale(corpus):
    assert len(corpus) == 6 * 4 * 6
    assert {(i.voice, i.kit, i.index) for i in corpus} == set(
        itertools.product(signals.VOICES, (f"kit{c}" for c in "ABCDEF"), range(1, 5))
    )
    for item in corpus:
        assert item.signal.dtype == np.float64
        assert item.signal.ndim == 1
        assert 10**-1.2 <= np.abs(item.signal).max() <= 10**-0.15  # -24 to -3 dB
        assert item.rate == RATE


def test_equal_seeds_give_equal_sounds_and_other_seeds_others(corpus):
    again = next(signals.drum_corpus(np.random.default_rng(7), n_kits=6, n_hits=4))
    other = next(signals.drum_corpus(np.random.default_rng(8), n_kits=6, n_hits=4))
    assert_array_equal(again.signal, corpus[0].signal)
    assert again.decay_time == corpus[0].decay_time
    assert again.decay_time != other.decay_time


def test_a_kit_sounds_the_same_however_many_follow(corpus):
    alone = list(signals.drum_corpus(np.random.default_rng(7), n_kits=1, n_hits=4))
    for a, b in zip(alone, corpus, strict=False):
        assert_array_equal(a.signal, b.signal)


def explained(values, labels):
    """Share of the variance that the classes explain (eta squared)."""
    values = np.asarray(values)
    means = np.array([values[labels == c].mean() for c in labels])
    return np.var(means) / np.var(values)


def test_neither_duration_nor_level_tells_the_voice():
    """By chance, K classes explain (K - 1) / (n - 1) = 0.017 of n = 300 values."""
    corpus = list(signals.drum_corpus(np.random.default_rng(1), n_kits=10, n_hits=5))
    labels = np.array([i.voice for i in corpus])
    assert explained([i.signal.size for i in corpus], labels) < 0.05
    assert explained([np.log(np.abs(i.signal).max()) for i in corpus], labels) < 0.05


def test_kits_overlap_so_that_pitch_and_decay_alone_mislead():
    kits = [signals.drum_kit(np.random.default_rng(i)) for i in range(40)]
    closed, opened = (signals.VOICES.index(v) for v in ("closed_hat", "open_hat"))
    assert max(k.kick_pitch * k.kick_drop for k in kits) > min(k.tom_pitch for k in kits)
    assert max(k.decay[closed] for k in kits) > min(k.decay[opened] for k in kits)
    assert all(k.decay[closed] < k.decay[opened] for k in kits)  # but never within a kit


def test_decay_time_is_the_t60_of_the_sound_where_nothing_hides_it():
    """A dry, linear, noiseless hat: the envelope's slope is -60 dB in one decay time."""
    from dataclasses import replace

    rng = np.random.default_rng(2)
    kit = replace(
        signals.drum_kit(rng), drive=1e-3, room_level=-120.0, hiss_level=-140.0, brightness=9500.0,
        hat_metal=0.0, tilt=0.0,
    )  # fmt: skip
    hit = signals.drum_hit("open_hat", kit, rng, RATE)
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

    corpus = list(signals.drum_corpus(np.random.default_rng(7)))
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
