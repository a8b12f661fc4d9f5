"""Loudness: EBU's conformance cases, pyloudnorm, and laws that follow from the definition."""

import math

import numpy as np
import pyloudnorm
import pytest
from numpy.testing import assert_allclose

from ddasp.audio import loudness

RATES = [44100, 48000]
# EBU Tech 3341 (2023), table 1: seconds and dBFS of the parts of a stereo 1 kHz sine
EBU_3341 = {
    1: ([(20, -23)], -23.0),
    2: ([(20, -33)], -33.0),
    3: ([(10, -36), (60, -23), (10, -36)], -23.0),
    4: ([(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)], -23.0),
    5: ([(20, -26), (20.1, -20), (20, -26)], -23.0),
}


def tone(parts, rate, frequency=1000.0, channels=2):
    envelope = np.concatenate([np.full(round(s * rate), 10 ** (level / 20)) for s, level in parts])
    sine = envelope * np.sin(2 * np.pi * frequency / rate * np.arange(len(envelope)))
    return np.repeat(sine[:, np.newaxis], channels, axis=1)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("case", EBU_3341)
def test_ebu_3341(case, rate):
    parts, expected = EBU_3341[case]
    assert_allclose(loudness.integrated_loudness(tone(parts, rate), rate), expected, atol=0.1)


def test_ebu_3341_case_6_five_channels():
    levels = np.array([-28, -28, -24, -30, -30])
    x = tone([(20, 0)], 48000, channels=5) * 10 ** (levels / 20)
    assert_allclose(loudness.integrated_loudness(x, 48000), -23.0, atol=0.1)


def test_the_momentary_loudness_of_a_steady_tone_is_steady():
    blocks = loudness.block_loudness(tone([(5, -23)], 48000), 48000)
    assert len(blocks) == 47  # 0.4 s every 0.1 s in 5 s
    assert_allclose(blocks[1:], -23.0, atol=0.1)
    assert_allclose(
        loudness.block_loudness(tone([(5, -23)], 48000), 48000, block=3.0)[1:], -23, atol=0.1
    )


def test_the_coefficients_at_48_kHz_are_those_of_the_standard():
    # BS.1770-5, annex 1, tables 1 and 2
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285]
    shelf += [1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    assert_allclose(loudness.k_weighting(48000), [shelf, high_pass], atol=1e-9)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 69313, 96000, 192000])
def test_a_tone_has_the_same_loudness_at_any_rate(rate):
    x = tone([(3, -23)], rate, frequency=500.0)
    reference = loudness.integrated_loudness(tone([(3, -23)], 48000, frequency=500.0), 48000)
    # the bilinear transform moves the shelf a little at low rates
    assert_allclose(loudness.integrated_loudness(x, rate), reference, atol=0.2)


@pytest.mark.parametrize("rate", [1000, 2000, 3363, 3365])
def test_the_filter_is_stable_where_the_shelf_lies_above_the_band(rate):
    for section in loudness.k_weighting(rate):
        assert np.abs(np.roots(section[3:])).max() < 1.0
    assert math.isfinite(loudness.integrated_loudness(tone([(1, -23)], rate, 200.0), rate))


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_pyloudnorm_agrees_on_noise_with_a_changing_level(channels):
    rate = 48000
    rng = np.random.default_rng(3)
    envelope = np.repeat([0.3, 0.001, 0.1, 0.02, 0.2], rate)
    x = rng.normal(size=(5 * rate, channels)) * envelope[:, np.newaxis] * 0.3
    theirs = pyloudnorm.Meter(rate).integrated_loudness(x)
    # their shelf differs in its constants by less than this
    assert_allclose(loudness.integrated_loudness(x, rate), theirs, atol=0.05)


@pytest.mark.parametrize("gain", [-20.0, -6.0, 6.0])
def test_a_gain_in_dB_is_the_same_change_in_LU(gain):
    x = np.random.default_rng(0).normal(size=(16000, 2)) * 0.1
    before = loudness.integrated_loudness(x, 8000)
    after = loudness.integrated_loudness(x * 10 ** (gain / 20), 8000)
    assert_allclose(after - before, gain, atol=1e-9)


def test_one_channel_is_3_LU_softer_than_two_equal_ones():
    x = tone([(2, -23)], 48000)
    one, two = (loudness.integrated_loudness(x[:, :n], 48000) for n in (1, 2))
    assert_allclose(two - one, 10 * np.log10(2), atol=1e-9)


def test_the_lfe_channel_does_not_count():
    x = np.zeros((48000, 6))
    x[:, 3] = tone([(1, -6)], 48000)[:, 0]
    assert loudness.integrated_loudness(x, 48000) == -math.inf


def test_silence_and_what_lies_below_the_absolute_gate_are_minus_infinity():
    assert loudness.integrated_loudness(np.zeros(48000), 48000) == -math.inf
    assert loudness.integrated_loudness(np.zeros(100), 48000) == -math.inf
    assert loudness.integrated_loudness(np.zeros((0, 2)), 48000) == -math.inf
    assert loudness.integrated_loudness(tone([(2, -75)], 48000), 48000) == -math.inf


def test_a_sound_shorter_than_a_block_has_its_ungated_loudness():
    x = tone([(0.3, -23)], 48000)
    assert_allclose(loudness.integrated_loudness(x, 48000), -23.0, atol=0.2)
    soft = tone([(0.3, -80)], 48000)
    assert_allclose(loudness.integrated_loudness(soft, 48000), -80.0, atol=0.2)
    assert len(loudness.block_loudness(x, 48000)) == 0


def test_appended_silence_is_gated_away():
    x = tone([(5, -23)], 48000)
    longer = np.concatenate([x, np.zeros((5 * 48000, 2))])
    difference = loudness.integrated_loudness(longer, 48000) - loudness.integrated_loudness(
        x, 48000
    )
    assert abs(difference) < 0.2  # three blocks hold a part of both
