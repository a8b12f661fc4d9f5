from __future__ import annotations

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp.audio import augment

RATE = 8000


def tone(frequency: float, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


@pytest.mark.parametrize("snr", [40.0, 20.0, 0.0, -10.0])
def test_the_noise_has_the_ratio_that_was_asked_for(snr: float) -> None:
    x = tone(440)
    noise = augment.add_noise(x, snr, np.random.default_rng(1)) - x
    measured = 10 * np.log10(np.sum(x**2) / np.sum(noise**2))
    np.testing.assert_allclose(measured, snr, atol=1e-9)


def test_the_noise_is_white() -> None:
    x = 1e-6 * tone(440, 8)
    noise = augment.add_noise(x, -60.0, np.random.default_rng(1)) - x
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[1 : len(power) // 2].mean(), power[len(power) // 2 :].mean()
    np.testing.assert_allclose(low / high, 1.0, atol=0.05)  # 32,000 bins: 1 % standard error


def test_silence_stays_silent_under_a_ratio() -> None:
    assert not augment.add_noise(np.zeros(100), 10.0, np.random.default_rng(0)).any()


def test_gain_moves_the_level_by_its_decibels() -> None:
    x = tone(440)
    change = 20 * np.log10(np.std(augment.gain(x, -12.5)) / np.std(x))
    np.testing.assert_allclose(change, -12.5, atol=1e-12)


def test_band_limit_keeps_what_lies_below_and_takes_what_lies_above() -> None:
    middle = slice(300, -300)
    low, at, high = (
        np.std(augment.band_limit(tone(f), RATE, 1000.0)[middle]) / np.std(tone(f)[middle])
        for f in (700.0, 1000.0, 1300.0)
    )
    np.testing.assert_allclose(20 * np.log10(low), 0.0, atol=0.01)
    np.testing.assert_allclose(20 * np.log10(at), -6.0, atol=0.1)
    assert 20 * np.log10(high) < -60


def test_band_limit_has_no_delay() -> None:
    pulse = np.exp(-0.5 * ((np.arange(2001) - 1000) / 20.0) ** 2)
    np.testing.assert_array_equal(np.argmax(augment.band_limit(pulse, RATE, 1000.0)), 1000)


@pytest.mark.parametrize("t60", [0.3, 1.0])
def test_the_tail_falls_by_60_dB_in_its_reverberation_time(t60: float) -> None:
    x = np.zeros(2 * RATE)
    x[0] = 1.0
    response = augment.reverberate(x, RATE, t60, np.random.default_rng(3))[1:]
    energy = np.cumsum(response[::-1] ** 2)[::-1]  # Schroeder's backward integration
    decay = 10 * np.log10(energy[: int(t60 * RATE)] / energy[0] + 1e-12)
    rows = np.flatnonzero((decay < -5) & (decay > -25))
    slope = np.polyfit(rows / RATE, decay[rows], 1)[0]
    np.testing.assert_allclose(-60 / slope, t60, rtol=0.06)


def test_reverberation_keeps_the_level_and_the_length() -> None:
    x = tone(500) * np.hanning(RATE)
    wet = augment.reverberate(x, RATE, 0.5, np.random.default_rng(0))
    assert wet.shape == x.shape
    np.testing.assert_allclose(np.sum(wet**2), np.sum(x**2), rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_and_the_input_are_kept(dtype: type) -> None:
    x = tone(440).astype(dtype)
    before, rng = x.copy(), np.random.default_rng(0)
    for y in (
        augment.gain(x, 3.0),
        augment.add_noise(x, 10.0, rng),
        augment.band_limit(x, RATE, 1000.0),
        augment.reverberate(x, RATE, 0.2, rng),
        augment.shift(x, 5),
        augment.clip(x, 0.5),
    ):
        assert y.dtype == dtype
        assert y.shape == x.shape
    np.testing.assert_array_equal(x, before)


def test_the_same_seed_gives_the_same_noise() -> None:
    a, b = (augment.add_noise(tone(440), 10.0, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_a_cutoff_above_half_the_rate_is_refused() -> None:
    with pytest.raises(InputError, match="cutoff is 5000 Hz; expected"):
        augment.band_limit(tone(440), RATE, 5000.0)


def test_a_shift_beyond_the_length_leaves_silence() -> None:
    assert not augment.shift(np.ones(4), 9).any()
    assert not augment.shift(np.ones(4), -9).any()
