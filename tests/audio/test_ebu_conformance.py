"""EBU Tech 3341 and 3342 (2023): every case that can be made from formulas, at four rates.

Of table 1 of Tech 3341 all but 7 and 8, of Tech 3342 all but 5 and 6 (those are recordings).
Signals are stereo 1 kHz sines, both channels alike; levels are those of a channel's peak.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import firwin, lfilter

from ddasp.audio import loudness, loudness_energies
from ddasp.audio.loudness_meter import measure
from ddasp.audio.true_peak import true_peak

RATES = [44100, 48000, 96000, 69313]  # the last one is prime: no cut falls on a sample
TOLERANCE = 0.1  # LU, the table's

# seconds and dBFS of the parts, one after the other
STEADY = {1: ([(20, -23)], -23.0), 2: ([(20, -33)], -33.0)}
INTEGRATED = {
    3: [(10, -36), (60, -23), (10, -36)],
    4: [(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)],
    5: [(20, -26), (20.1, -20), (20, -26)],
}
RANGE = {  # Tech 3342
    1: ([-20, -30], 10.0),
    2: ([-20, -15], 5.0),
    3: ([-40, -20], 20.0),
    4: ([-50, -35, -20, -35, -50], 15.0),
}
SILENCE = -np.inf


def stereo(parts, rate):
    """A sine with steps of its level; float32 keeps the test's memory small."""
    ends = np.rint(np.cumsum([s for s, _ in parts]) * rate).astype(int)
    gains = [10 ** (level / 20) for _, level in parts]
    sine = np.sin(2 * np.pi * 1000 / rate * np.arange(ends[-1])).astype(np.float32)
    for start, stop, gain in zip([0, *ends[:-1]], ends, gains, strict=True):
        sine[start:stop] *= np.float32(gain)
    return np.broadcast_to(sine[:, np.newaxis], (len(sine), 2))


@pytest.fixture(params=RATES)
def rate(request, monkeypatch):
    """Two of the rates go through the compiled loops, two through the readable text."""
    if request.param in (44100, 96000):
        monkeypatch.setattr(loudness_energies, "COMPILED_FROM", 0)
    return request.param


@pytest.mark.parametrize("case", STEADY)
def test_3341_a_steady_tone_has_one_loudness_for_all_time_scales(case, rate):
    parts, expected = STEADY[case]
    found = measure(stereo(parts, rate), rate)
    values = [found.integrated, found.maximum_momentary, found.maximum_short_term]
    assert_allclose(values, expected, atol=TOLERANCE)


@pytest.mark.parametrize("case", INTEGRATED)
def test_3341_the_gates_leave_the_loud_part(case, rate):
    found = loudness.integrated_loudness(stereo(INTEGRATED[case], rate), rate)
    assert_allclose(found, -23.0, atol=TOLERANCE)


def test_3341_case_6_five_channels(rate):
    levels = np.array([-28, -28, -24, -30, -30])  # L, R, C, Ls, Rs
    x = stereo([(20, 0)], rate)[:, :1] * (10 ** (levels / 20)).astype(np.float32)
    assert_allclose(loudness.integrated_loudness(x, rate), -23.0, atol=TOLERANCE)


def test_3341_case_9_short_term_loudness_stays_where_levels_alternate(rate):
    x = stereo([(1.34, -20), (1.66, -30)] * 5, rate)
    found = loudness.short_term_loudness(x, rate, hop=0.01)
    assert_allclose(found, -23.0, atol=TOLERANCE)


def test_3341_case_12_momentary_loudness_stays_where_levels_alternate(rate):
    x = stereo([(0.18, -20), (0.22, -30)] * 25, rate)
    found = loudness.momentary_loudness(x, rate, hop=0.01)
    assert_allclose(found[60:], -23.0, atol=TOLERANCE)  # blocks that end after 1 s


@pytest.mark.parametrize("i", range(20))
def test_3341_cases_10_and_13_a_meter_of_files_finds_a_tone_wherever_it_begins(i, rate):
    x = stereo([(i * 0.15, SILENCE), (3, -23), (1, SILENCE)], rate)
    found = loudness.short_term_loudness(x, rate, hop=0.01)
    assert_allclose(found.max(), -23.0, atol=TOLERANCE)
    x = stereo([(i * 0.02, SILENCE), (0.4, -23), (1, SILENCE)], rate)
    found = loudness.momentary_loudness(x, rate, hop=0.01)
    assert_allclose(found.max(), -23.0, atol=TOLERANCE)


@pytest.mark.parametrize("i", range(20))
def test_3341_cases_11_and_14_the_maximum_follows_the_level(i, rate):
    x = stereo([(i * 0.15, SILENCE), (3, i - 38), (3 - i * 0.15, SILENCE)], rate)
    found = loudness.short_term_loudness(x, rate, hop=0.01)
    assert_allclose(found.max(), i - 38, atol=TOLERANCE)
    x = stereo([(i * 0.02, SILENCE), (0.4, i - 38), (0.4 - i * 0.02, SILENCE)], rate)
    found = loudness.momentary_loudness(x, rate, hop=0.01)
    assert_allclose(found.max(), i - 38, atol=TOLERANCE)


# case: periods per sample, amplitude, degrees
TONES = {
    15: (1 / 4, 0.50, 0.0),
    16: (1 / 4, 0.50, 45.0),
    17: (1 / 6, 0.50, 60.0),
    18: (1 / 8, 0.50, 67.5),
    19: (1 / 4, 1.41, 45.0),
}


def within(found, expected):
    """The table's tolerance of true peaks."""
    return expected - 0.4 <= found <= expected + 0.2


@pytest.mark.parametrize("case", TONES)
def test_3341_cases_15_to_19_the_peak_of_a_tone_between_its_samples(case, rate):
    frequency, amplitude, phase = TONES[case]
    n = np.arange(rate // 2)
    fade = np.minimum(1.0, np.minimum(n, n[::-1]) / (0.01 * rate))
    x = fade * amplitude * np.sin(2 * np.pi * frequency * n + np.deg2rad(phase))
    assert within(true_peak(np.stack([x, x], axis=1), rate), 3.0 if case == 19 else -6.0)


@pytest.mark.parametrize("offset", range(4))
def test_3341_cases_20_to_23_one_period_that_is_twice_as_high(offset, rate):
    # at four times the rate: 0.5 at rate / 6 with one period of 1.0 at rate / 4 in the middle
    soft = 0.5 * np.sin(2 * np.pi / 24 * np.arange(24 * 200))
    fade = np.minimum(1.0, np.arange(len(soft)) / 400)
    loud = np.sin(2 * np.pi / 16 * np.arange(16))
    x = np.concatenate([fade * soft, loud, (fade * soft[::-1])[::-1]])
    x = lfilter(firwin(801, 0.5, fs=4), 1.0, np.append(x, np.zeros(800)))[offset::4]
    assert within(true_peak(x, rate), 0.0)


@pytest.mark.parametrize("case", RANGE)
def test_3342_the_range_of_steps(case, rate):
    levels, expected = RANGE[case]
    found = loudness.loudness_range(stereo([(20, level) for level in levels], rate), rate)
    assert_allclose(found, expected, atol=1.0)  # the table's
    # one value for each 20 s: nothing but the filter's start and the mixed blocks is left
    assert_allclose(found, expected, atol=0.1)


def test_3342_the_range_does_not_change_when_the_signal_is_repeated():
    x = stereo([(20, -20), (20, -30)], 8000)
    once, twice = (loudness.loudness_range(np.tile(x, (n, 1)), 8000) for n in (1, 2))
    assert_allclose(once, twice, atol=0.1)
