"""Another speed at the same pitch, another pitch at the same speed: both are measured again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.audio import time_scale

RATE = 16_000


def tones(n=RATE):
    t = np.arange(n) / RATE
    return np.sin(2 * np.pi * 440 * t) + 0.5 * np.sin(2 * np.pi * 1234.5 * t)


def amplitudes(y, frequencies):
    """Amplitudes of tones by least squares, and the level of all else relative to them [dB]."""
    inner = slice(len(y) // 5, -(len(y) // 5))
    t = np.arange(len(y))[inner] / RATE
    A = np.stack([w(2 * np.pi * f * t) for f in frequencies for w in (np.cos, np.sin)], axis=1)
    c = np.linalg.lstsq(A, y[inner], rcond=None)[0]
    rest = y[inner] - A @ c
    noise = 10 * np.log10(np.mean(rest**2) / np.mean(y[inner] ** 2))
    return np.hypot(c[::2], c[1::2]), noise


@pytest.mark.parametrize("factor", [0.25, 0.5, 0.83, 1.21, 2.0, 4.0])
def test_stretched_tones_keep_frequency_and_level_and_last_factor_times(factor):
    y = time_scale.stretch(tones(), RATE, factor)
    assert y.size == round(factor * RATE)
    a, noise = amplitudes(y, (440, 1234.5))
    assert_allclose(a, [1.0, 0.5], rtol=0.02)
    # tones 0.25 Hz off would leave more than this over the 150 ms of the shortest
    assert noise < -35


@pytest.mark.parametrize("semitones", [-12, -5, -0.5, 1, 7, 12])
def test_pitch_moves_by_the_ratio_and_the_duration_stays(semitones):
    y = time_scale.pitch_shift(tones(), RATE, semitones)
    ratio = 2 ** (semitones / 12)
    assert y.size == RATE
    a, noise = amplitudes(y, (440 * ratio, 1234.5 * ratio))
    assert_allclose(a, [1.0, 0.5], rtol=0.02)
    assert noise < -35


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_what_was_at_a_time_is_at_factor_times_it(factor):
    clicks = np.zeros(2 * RATE)
    clicks[[5000, 20_000]] = 1.0
    y = time_scale.stretch(clicks, RATE, factor)
    power = y**2
    half = len(y) // 2 if factor != 1 else RATE
    for part, at in ((slice(0, half), 5000), (slice(half, None), 20_000)):
        centre = np.sum(np.arange(len(y))[part] * power[part]) / power[part].sum()
        assert abs(centre - factor * at) < 0.03 * RATE  # half a window of 64 ms
        assert power[part].sum() > 0


def test_a_course_of_pitch_is_stretched_along():
    t = np.arange(2 * RATE) / RATE
    glide = np.sin(2 * np.pi * (300 * t + 100 * t**2))  # 300 to 700 Hz
    y = time_scale.stretch(glide, RATE, 1.5)
    for share in (0.25, 0.5, 0.75):
        here = slice(int(share * y.size) - 1600, int(share * y.size) + 1600)
        crossings = np.flatnonzero(np.diff(np.signbit(y[here])))
        f = (crossings.size - 1) / 2 * RATE / (crossings[-1] - crossings[0])
        assert_allclose(f, 300 + 400 * share, rtol=0.02)


@given(st.integers(0, 3000), st.floats(0.25, 4.0), st.sampled_from([np.float32, np.float64]))
def test_any_length_and_factor_give_the_rule_of_lengths_and_finite_samples(n, factor, dtype):
    x = np.random.default_rng(n).uniform(-1, 1, n).astype(dtype)
    before = x.copy()
    y = time_scale.stretch(x, RATE, factor)
    assert y.shape == ((max(1, round(factor * n)) if n else 0),)
    assert y.dtype == dtype
    assert np.isfinite(y).all()
    assert_array_equal(x, before)
    z = time_scale.pitch_shift(x, RATE, 12 * np.log2(factor))
    assert z.shape == x.shape
    assert z.dtype == dtype
    assert np.isfinite(z).all()


def test_a_factor_of_one_and_no_semitones_change_nothing():
    assert_array_equal(time_scale.stretch(tones(), RATE, 1.0), tones())
    assert_array_equal(time_scale.pitch_shift(tones(), RATE, 0.0), tones())


def test_silence_stays_silence():
    assert_array_equal(time_scale.stretch(np.zeros(5000), RATE, 1.3), np.zeros(6500))
    assert_array_equal(time_scale.pitch_shift(np.zeros(5000), RATE, 3), np.zeros(5000))


def test_wrong_arguments_are_explained():
    with pytest.raises(InputError, match=r"factor is 120; expected 0.25 to 4 - in percent"):
        time_scale.stretch(tones(), RATE, 120)
    with pytest.raises(InputError, match=r"semitones is 100; .* in cents"):
        time_scale.pitch_shift(tones(), RATE, 100)
