"""Test signals from formulas: their frequencies and levels are measured again."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ddasp._errors import InputError
from ddasp.audio import signals


def test_sine_has_its_energy_at_its_frequency_and_an_rms_of_1_over_sqrt_2():
    x = signals.sine(1000, 1.0, 8000)
    assert int(np.argmax(np.abs(np.fft.rfft(x)))) == 1000  # 1 Hz per bin
    assert_allclose(np.sqrt(np.mean(x**2)), 1 / np.sqrt(2), rtol=1e-12)  # whole periods


def test_sine_of_zero_duration_is_empty():
    assert signals.sine(100, 0.0, 8000).shape == (0,)


def test_spectrum_of_an_impulse_is_one_everywhere():
    assert_allclose(np.abs(np.fft.rfft(signals.impulse(64, at=5))), 1.0)


def test_sweep_passes_the_geometric_mean_at_half_time():
    rate, low, high = 48_000, 100.0, 1600.0
    x = signals.sweep(low, high, 2.0, rate)
    around = x[rate - 2400 : rate + 2400]  # 100 ms about t = T / 2
    crossings = np.flatnonzero(np.diff(np.signbit(around)))
    frequency = (crossings.size - 1) / 2 * rate / (crossings[-1] - crossings[0])
    assert_allclose(frequency, np.sqrt(low * high), rtol=0.01)
    assert np.abs(x).max() <= 1.0


def test_a_linear_sweep_passes_the_arithmetic_mean_at_half_time():
    rate, low, high = 48_000, 100.0, 1600.0
    x = signals.sweep(low, high, 2.0, rate, spacing="linear", amplitude=0.5)
    around = x[rate - 2400 : rate + 2400]
    crossings = np.flatnonzero(np.diff(np.signbit(around)))
    frequency = (crossings.size - 1) / 2 * rate / (crossings[-1] - crossings[0])
    assert_allclose(frequency, (low + high) / 2, rtol=0.01)
    assert 0.49 < np.abs(x).max() <= 0.5


def spectrum(x):
    """Amplitude of each bin of a signal of whole periods."""
    return np.abs(np.fft.rfft(x)) / (len(x) / 2)


@pytest.mark.parametrize("frequency", [900, 1000])
def test_a_harmonic_tone_has_its_amplitudes_in_its_bins_and_none_from_half_the_rate_on(frequency):
    a = np.array([0.5, 0.25, 0.125, 1.0, 1.0])
    A = spectrum(signals.harmonic_tone(frequency, a, 1.0, 8000))
    k = np.arange(1, 6)
    heard = k * frequency < 4000  # 3600 Hz, and not 4000 or 4500
    expected = np.zeros(4001)
    expected[k[heard] * frequency] = a[heard]
    assert_allclose(A, expected, atol=1e-10)


def test_one_harmonic_is_a_sine():
    assert_allclose(
        signals.harmonic_tone(440, [1.0], 0.1, 8000), signals.sine(440, 0.1, 8000), atol=1e-11
    )


@pytest.mark.parametrize("frequency", [50, 441, 3999])
def test_a_sawtooth_holds_all_harmonics_with_1_over_k_and_nothing_between(frequency):
    A = spectrum(signals.sawtooth(frequency, 1.0, 8000, amplitude=0.5))
    k = np.arange(1, -(-4000 // frequency))
    expected = np.zeros(4001)
    expected[k * frequency] = 2 * 0.5 / (np.pi * k)
    assert_allclose(A, expected, atol=1e-10)


def test_a_square_wave_holds_odd_harmonics_only_and_jumps_at_half_its_period():
    x = signals.square(50, 1.0, 8000)
    A = spectrum(x)
    assert_allclose(A[100::100], 0, atol=1e-10)
    assert_allclose(A[50:4000:100], 4 / np.pi / np.arange(1, 80, 2), atol=1e-10)
    assert_allclose(x[[40, 120]], [1, -1], atol=0.02)  # the middle of each half; 40 harmonics


def test_a_sawtooth_rises_to_its_amplitude():
    x = signals.sawtooth(10, 0.1, 48_000, amplitude=0.8)
    n = np.arange(480, 1920)
    # 2399 harmonics: within 0.2 % of the straight line, away from the jump at 2400
    assert_allclose(x[n], 0.8 * n / 2400, atol=2e-3)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: signals.sine(5000, 1.0, 8000), "aliasing above rate / 2"),
        (lambda: signals.sine(500, -1.0, 8000), "duration"),
        (lambda: signals.impulse(4, at=4), "at is 4"),
        (lambda: signals.sweep(500, 200, 1.0, 8000), "expected 0 < low < high"),
        (lambda: signals.sweep(200, 500, 1.0, 8000, spacing="linaer"), "did you mean 'linear'"),
        (lambda: signals.sawtooth(5000, 1.0, 8000), "aliasing above rate / 2"),
        (lambda: signals.square(0, 1.0, 8000), "frequency is 0 Hz"),
        (lambda: signals.harmonic_tone(100, [[1.0]], 1.0, 8000), r"amplitudes has shape \(1, 1\)"),
        (lambda: signals.harmonic_tone(100, [np.nan], 1.0, 8000), "finite"),
    ],
)
def test_wrong_arguments_are_explained(call, match):
    with pytest.raises(InputError, match=match):
        call()
