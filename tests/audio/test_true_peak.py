"""True peak: known on paper, by the interpolator's response, and beside an FFT that interpolates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.signal import resample

from ddasp._errors import InputError
from ddasp.audio import loudness_energies
from ddasp.audio.levels import peak
from ddasp.audio.true_peak import (
    N_TAPS,
    PASS_BAND,
    TruePeak,
    interpolator,
    largest_between,
    oversampling,
    peak_level,
    true_peak,
)

PLACES = np.array([1, 2, 3]) / 4


@pytest.fixture
def compiled_always(monkeypatch):
    monkeypatch.setattr(loudness_energies, "COMPILED_FROM", 0)


def faded(x):
    n = np.arange(len(x))
    return x * np.minimum(1.0, np.minimum(n, n[::-1]) / 400)


def response(taps, f):
    """H(f) e^(-i 2 pi f p) of each place: 1 where the interpolator is right."""
    k = np.arange(N_TAPS) - (N_TAPS // 2 - 1)
    H = np.exp(2j * np.pi * np.outer(f, k)) @ taps.T
    return H * np.exp(-2j * np.pi * np.outer(f, PLACES))


def test_the_interpolator_delays_by_a_fraction_of_a_sample_and_changes_nothing_else():
    H = response(interpolator(4), np.linspace(0, PASS_BAND, 500))
    assert np.abs(20 * np.log10(np.abs(H))).max() < 0.061  # dB, as the docstring says
    assert np.abs(np.angle(H)).max() < 0.01


def test_no_other_taps_come_nearer_in_least_squares():
    f = np.linspace(-PASS_BAND, PASS_BAND, 4001)
    taps = interpolator(4)
    error = np.mean(np.abs(response(taps, f) - 1) ** 2)
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = taps + rng.normal(scale=1e-4, size=taps.shape)
        assert np.mean(np.abs(response(other, f) - 1) ** 2) > error


def test_taps_are_mirrored_about_the_middle():
    taps = interpolator(4)
    assert_allclose(taps[0], taps[2][::-1], atol=1e-12)
    assert_allclose(taps[1], taps[1][::-1], atol=1e-12)


@pytest.mark.parametrize("frequency", [0.05, 0.11, 0.24, 0.33, 0.41])
def test_a_tone_is_read_too_low_by_no_more_than_its_crest_can_hide(frequency):
    n = np.arange(4000)
    for phase in np.linspace(0, np.pi, 7):
        found = true_peak(faded(np.sin(2 * np.pi * frequency * n + phase)), 48000)
        # the crest may lie an eighth of a sample beside a place; 0.061 dB are the interpolator's
        assert 20 * np.log10(np.cos(np.pi * frequency / 4)) - 0.061 < found < 0.061


def test_a_tone_at_a_quarter_of_the_rate_rises_3_dB_above_its_samples():
    x = faded(np.sin(np.pi / 2 * np.arange(4000) + np.pi / 4))
    assert_allclose(true_peak(x, 48000), 0.0, atol=0.03)
    assert_allclose(peak_level(peak(x)), -3.01, atol=0.01)


def test_an_fft_that_interpolates_a_periodic_signal_finds_the_same_peak():
    rng = np.random.default_rng(5)
    X = np.zeros(1001, complex)
    X[1:800] = rng.normal(size=799) + 1j * rng.normal(size=799)  # below 0.4 cycles per sample
    x = np.fft.irfft(X, 2000)
    expected = np.abs(resample(x, 8000)).max()
    three_periods = np.tile(x, 3)[:, np.newaxis]
    inner = largest_between(three_periods, interpolator(4))
    # 0.02 dB is what the interpolator is off by below 0.4
    assert_allclose(max(inner, peak(x)), expected, rtol=0.003)


@pytest.mark.parametrize("rate", [192000, 384000, 768000])
def test_from_192_kHz_on_the_true_peak_is_the_sample_peak(rate):
    x = np.random.default_rng(1).normal(size=(500, 2))
    assert oversampling(rate) == 1
    assert true_peak(x, rate) == peak_level(peak(x))


@given(st.integers(1, 3), st.integers(0, 2**32 - 1), st.sampled_from([8000, 48000, 96000]))
@settings(deadline=None, max_examples=30)
def test_the_true_peak_is_never_below_the_sample_peak(n_channels, seed, rate):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rng.integers(1, 300), n_channels))
    assert true_peak(x, rate) >= peak_level(peak(x))
    assert_allclose(true_peak(3 * x, rate), true_peak(x, rate) + 20 * np.log10(3), atol=1e-9)


def test_the_overshoot_at_an_edge_counts():
    # a step of a band-limited signal rises above it: Gibbs, 9 % of the jump
    assert 0.5 < true_peak(np.ones(1000), 48000) < 1.2


def test_silence_and_nothing_are_minus_infinity():
    for x in (np.zeros(100), np.zeros(0), np.zeros((0, 2)), np.zeros((3, 2))):
        assert true_peak(x, 48000) == -np.inf


def test_a_single_sample_is_its_own_peak():
    assert true_peak([0.0, 0.0, -0.5, 0.0], 48000) == 20 * np.log10(0.5)


def signals():
    """Shapes and dtypes, with loud places far apart, so that some blocks are skipped."""

    def make(seed, n, n_channels, dtype):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, n_channels)) * 0.01
        for start in rng.integers(0, n, 3):
            x[start : start + 30] *= rng.uniform(1, 100)
        return x.astype(dtype)

    dtypes = st.sampled_from([np.float32, np.float64])
    return st.builds(make, st.integers(0, 999), st.integers(1, 3000), st.integers(1, 7), dtypes)


@given(signals())
@settings(deadline=None, max_examples=60)
def test_the_compiled_loop_finds_what_the_readable_text_finds(x):
    readable = true_peak(x, 48000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loudness_energies, "COMPILED_FROM", 0)
        assert_allclose(true_peak(x, 48000), readable, atol=2e-6)  # dB; float32 has 24 bits
        peaks = TruePeak(48000, x.shape[1])
        peaks.push(x)
        assert peaks.sample == peak(x)


@given(signals(), st.lists(st.integers(0, 3000), max_size=6))
@settings(deadline=None, max_examples=60)
def test_it_does_not_matter_where_the_signal_is_cut(x, cuts):
    for first in (0, 2**40):  # compiled, readable
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loudness_energies, "COMPILED_FROM", first)
            peaks = TruePeak(48000, x.shape[1])
            for piece in np.split(x, sorted(min(c, len(x)) for c in cuts)):
                peaks.push(piece)
            assert peaks.sample == peak(x)
            assert_allclose(peak_level(peaks.true()), true_peak(x, 48000), atol=2e-6)


def test_a_peak_in_the_last_samples_is_found(compiled_always):
    for n in (64, 100, 1000):
        for place in (0, 1, 9, 10, 11):
            x = np.zeros((n, 1), np.float32)
            x[n - 1 - place : n - place + 1] = 0.5  # two equal samples: more in between, place > 0
            expected = 0.5 if place == 0 else 1.0 * 0.633
            assert_allclose(10 ** (true_peak(x, 48000) / 20), expected, atol=0.02)


def test_samples_beyond_the_range_of_float32_are_read_right(compiled_always):
    x = 1e200 * faded(np.sin(np.pi / 2 * np.arange(4000) + np.pi / 4))
    assert_allclose(true_peak(x, 48000), 4000.0, atol=0.03)


def test_nan_is_refused():
    with pytest.raises(InputError, match="NaN or infinity"):
        true_peak([0.0, np.nan], 48000)
    with pytest.raises(InputError, match="sampling_rate is -1 Hz"):
        true_peak([0.0], -1)
