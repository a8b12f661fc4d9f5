"""Levels of signals whose levels are known on paper."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ddasp._errors import InputError
from ddasp.audio import levels

SINE = np.sin(2 * np.pi * np.arange(4800) / 48)  # whole periods, a sample on the peak
SQUARE = np.where(np.arange(4800) % 48 < 24, 1.0, -1.0)


def test_rms_of_a_full_scale_sine_is_minus_3_dB():
    assert_allclose(levels.amplitude_to_db(levels.rms(SINE)), -3.0103, atol=1e-4)


def test_peak_rms_and_crest_factor_of_a_square_wave_are_1():
    assert levels.peak(SQUARE) == levels.rms(SQUARE) == levels.crest_factor(SQUARE) == 1.0


def test_the_crest_factor_of_a_sine_is_sqrt_2():
    assert_allclose(levels.crest_factor(0.3 * SINE), np.sqrt(2))


def test_the_negative_half_counts_in_the_peak():
    assert levels.peak([0.2, -0.7]) == 0.7


def test_channels_are_taken_together():
    x = np.stack([SQUARE, 0 * SQUARE], axis=1)
    assert levels.peak(x) == 1.0
    assert_allclose(levels.rms(x), np.sqrt(0.5))
    assert_allclose(levels.dc_offset(x + [0.1, 0.3]), 0.2)


def test_silence_and_nothing_have_finite_levels():
    for x in (np.zeros(10), np.zeros(0), np.zeros((0, 2))):
        assert levels.peak(x) == levels.rms(x) == levels.dc_offset(x) == 0.0
        assert levels.crest_factor(x) == 1.0
        assert levels.clipped_fraction(x) == 0.0
        assert levels.silent_fraction(x, 8000) == 1.0


def test_decibels_and_back_change_nothing():
    a = np.array([1e-5, 0.5, 1.0, 20.0])
    assert_allclose(levels.db_to_amplitude(levels.amplitude_to_db(a)), a)


def test_power_in_dB_is_that_of_its_root_as_an_amplitude():
    p = np.array([1e-6, 0.5, 1.0, 20.0])
    assert_allclose(levels.power_to_db(p), levels.amplitude_to_db(np.sqrt(p)))


def test_the_floor_stands_for_zero_and_keeps_the_dtype():
    zeros = np.zeros(3, np.float32)
    assert_allclose(levels.amplitude_to_db(zeros, floor=-80), -80.0, rtol=1e-6)
    assert_allclose(levels.power_to_db(zeros, floor=-80), -80.0, rtol=1e-6)
    assert levels.amplitude_to_db(zeros).dtype == np.float32
    assert levels.power_to_db(zeros).dtype == np.float32


def test_runs_at_full_scale_are_clipped_from_three_samples_on():
    x = np.zeros(100)
    x[10:12], x[20:23], x[-4:] = 1.0, -1.0, 32767 / 32768
    assert levels.clipped_fraction(x) == 0.07
    assert levels.clipped_fraction(x, run_length=2) == 0.09


def test_a_run_does_not_go_from_one_channel_to_the_next():
    x = np.zeros((10, 2))
    x[-2:, 0] = x[:2, 1] = 1.0
    assert levels.clipped_fraction(x) == 0.0


def test_a_sample_beyond_full_scale_is_clipped_alone():
    assert levels.clipped_fraction([0.0, 1.001, 0.0, 0.0]) == 0.25


def test_a_limited_sine_is_clipped_where_it_was_limited():
    x = np.clip(2 * SINE, -1, 1)
    # |sin| >= 1/2 during two thirds of the period
    assert_allclose(levels.clipped_fraction(x), 2 / 3, atol=1 / 24)


def test_frame_rms_keeps_the_energy():
    x = np.random.default_rng(0).normal(size=(1000, 2))
    rms = levels.frame_rms(x, 1000, frame=0.03)  # the last frame has 10 samples
    lengths = np.append(np.full(33, 30), 10)
    assert_allclose(np.sum(lengths * rms**2) * 2, np.sum(x**2))


def test_half_a_silent_recording_is_half_silent():
    x = np.concatenate([SINE, 1e-4 * SINE])
    assert levels.silent_fraction(x, 48000) == 0.5
    assert levels.silent_fraction(x, 48000, threshold=-90) == 0.0


def test_integers_of_a_file_are_refused_with_the_likely_cause():
    with pytest.raises(InputError, match=r"dtype int16; expected float.*Divide by"):
        levels.rms(np.zeros(10, np.int16))
