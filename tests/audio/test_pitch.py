"""Fundamental frequency: tones whose period is known, sums of partials, noise and silence."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.audio import pitch as room
from ddasp.audio import stft
from ddasp.audio.pitch import autocorrelation, pitch

RATE, LENGTH = 16000, 1024


def tone(frequency, n=4 * LENGTH, partials=(1.0,), phase=0.3):
    t = np.arange(n) / RATE
    return sum(
        a * np.sin(2 * np.pi * (k + 1) * frequency * t + phase * (k + 1))
        for k, a in enumerate(partials)
    )


@pytest.mark.parametrize("frequency", [61.0, 77.7, 100.0, 123.4, 220.0, 440.0, 599.0])
@pytest.mark.parametrize("phase", [0.0, 1.0, 2.5])
def test_the_pitch_of_a_pure_tone_is_its_frequency_within_a_thousandth(frequency, phase):
    views = stft.frames(tone(frequency, phase=phase), LENGTH, 256, centre=False)
    f0, periodicity = pitch(views, RATE)
    assert_allclose(f0, frequency, rtol=1e-3)
    assert (periodicity > 0.98).all()


@pytest.mark.parametrize(
    "partials", [(1, 0.5, 0.3, 0.2), (0.2, 1.0, 0.7), (0.0, 1.0, 1.0, 1.0), (1, 1, 1, 1, 1, 1, 1)]
)
def test_the_pitch_of_a_sum_of_partials_is_their_common_frequency(partials):
    views = stft.frames(tone(140.0, partials=partials), LENGTH, 256, centre=False)
    # also where the fundamental itself is missing
    assert_allclose(pitch(views, RATE)[0], 140.0, rtol=1e-3)


def test_the_autocorrelation_is_the_sum_of_products_over_that_of_the_window():
    x = np.random.default_rng(0).normal(size=(3, 40))
    w = stft.hann(40)
    y = (x - x.mean(axis=1, keepdims=True)) * w

    def lagged(v):
        return np.array([np.sum(v[..., : 40 - lag] * v[..., lag:], axis=-1) for lag in range(15)]).T

    expected = (lagged(y) / lagged(y)[:, :1]) / (lagged(w) / lagged(w)[0])
    assert_allclose(autocorrelation(x, 15), expected, atol=1e-12)


def test_the_autocorrelation_of_a_cosine_is_a_cosine():
    x = tone(500.0, LENGTH)[np.newaxis]
    lag = np.arange(200)
    # a frame holds 32 periods; what remains of the other frequency, -500 Hz, is below a thousandth
    assert_allclose(autocorrelation(x, 200)[0], np.cos(2 * np.pi * 500 / RATE * lag), atol=1e-3)


def test_noise_and_silence_and_a_constant_are_unvoiced():
    noise = np.random.default_rng(1).normal(size=(50, LENGTH))
    f0, periodicity = pitch(noise, RATE)
    assert_array_equal(f0, 0.0)
    assert (periodicity < 0.5).all()
    still = np.stack([np.zeros(LENGTH), np.full(LENGTH, 0.1), np.full(LENGTH, 1e-300)])
    f0, periodicity = pitch(still, RATE)
    assert_array_equal(f0, 0.0)
    assert_array_equal(periodicity, 0.0)


def test_neither_gain_nor_offset_changes_the_pitch():
    views = stft.frames(tone(150.0, partials=(1, 0.5)), LENGTH, 512, centre=False)
    f0, periodicity = pitch(views, RATE)
    for other in (pitch(1e-6 * views, RATE), pitch(views + 3.0, RATE)):
        assert_allclose(other[0], f0, rtol=1e-9)
        assert_allclose(other[1], periodicity, rtol=1e-9)


def test_noise_lowers_the_periodicity_to_the_share_of_the_tones_power():
    rng = np.random.default_rng(2)
    noisy = tone(200.0, n=200 * LENGTH) + np.sqrt(0.5) * rng.normal(size=200 * LENGTH)  # 0 dB
    r = autocorrelation(noisy.reshape(200, LENGTH), 81)
    assert_allclose(r[:, 80].mean(), 0.5, atol=0.02)  # period 80 samples; 200 frames


def test_the_threshold_decides_what_is_voiced():
    views = tone(200.0, LENGTH)[np.newaxis] + np.random.default_rng(3).normal(size=(1, LENGTH))
    height = pitch(views, RATE)[1][0]
    assert 0.2 < height < 0.6
    assert pitch(views, RATE, threshold=height - 0.01)[0] > 0
    assert pitch(views, RATE, threshold=height + 0.01)[0] == 0


def test_the_pitch_follows_a_glide():
    t = np.arange(RATE) / RATE
    glide = np.sin(2 * np.pi * (100 * t + 50 * t**2))  # 100 to 200 Hz in one second
    f0, _ = pitch(stft.frames(glide, LENGTH, 160, centre=False), RATE)
    middle = (np.arange(len(f0)) * 160 + LENGTH / 2) / RATE
    assert_allclose(f0, 100 + 100 * middle, rtol=5e-3)


def test_frames_are_computed_in_blocks_and_float32_stays(monkeypatch):
    views = stft.frames(tone(150.0).astype(np.float32), LENGTH, 256)
    whole = pitch(views, RATE)
    assert whole[0].dtype == whole[1].dtype == np.float32
    monkeypatch.setattr(room, "BLOCK", 3)
    assert_allclose(pitch(views, RATE)[0], whole[0], rtol=1e-6)
    assert_allclose(whole[0][3:-3], 150.0, rtol=1e-3)
    assert pitch(views[:0], RATE)[0].shape == (0,)


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match=r"frames have 512 samples; expected at least 536"):
        pitch(np.zeros((1, 512)), RATE)
    with pytest.raises(InputError, match=r"f_min is 600 Hz, f_max 60 Hz"):
        pitch(np.zeros((1, LENGTH)), RATE, f_min=600, f_max=60)
    with pytest.raises(InputError, match="n_lags is 600; expected 1 to 513"):
        autocorrelation(np.zeros((1, LENGTH)), 600)
    with pytest.raises(InputError, match="threshold is 2"):
        pitch(np.zeros((1, LENGTH)), RATE, threshold=2)
