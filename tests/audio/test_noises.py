"""Noises with given spectra: the spectrum is measured again."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import welch

from ddasp._errors import InputError
from ddasp.audio import noises

RATE = 16_000


@pytest.mark.parametrize("slope", [0.0, -3.0, -6.0, 3.0])
def test_noise_has_the_slope_asked_for_and_unit_rms(slope):
    x = noises.noise(2**17, np.random.default_rng(0), slope=slope)
    assert_allclose(np.sqrt(np.mean(x**2)), 1.0, rtol=1e-12)
    f, power = welch(x, nperseg=2048)
    inner = (f > 0.01) & (f < 0.4)
    fit = np.polyfit(np.log2(f[inner]), 10 * np.log10(power[inner]), 1)[0]
    assert_allclose(fit, slope, atol=0.1)  # dB per octave; 128 averages


def test_noise_of_one_sample_has_unit_magnitude():
    assert_allclose(np.abs(noises.noise(1, np.random.default_rng(0), slope=-3)), [1.0])


def density(x, n=2048):
    """Frequencies [Hz] and power density [dB]."""
    f, power = welch(x, RATE, nperseg=n, detrend=False)
    return f, 10 * np.log10(power)


def test_shaped_noise_follows_its_curve_with_unit_rms():
    x = noises.shaped_noise(2**18, np.random.default_rng(0), RATE, [200, 1000, 4000], [0, -20, 10])
    assert_allclose(np.sqrt(np.mean(x**2)), 1.0, rtol=1e-12)
    f, level = density(x)
    inner = (f > 100) & (f < 7900)
    expected = np.interp(np.log(f[inner]), np.log([200, 1000, 4000]), [0, -20, 10])
    difference = level[inner] - expected
    # 256 averages: s.d. 0.3 dB
    assert np.std(difference - difference.mean()) < 0.4


def test_a_curve_of_one_point_is_white():
    rng = np.random.default_rng(0)
    _, level = density(noises.shaped_noise(2**17, rng, RATE, [1000], [30.0]))
    assert np.std(level[2:-2]) < 0.6  # 128 averages: s.d. 0.4 dB


def test_shaped_noise_has_no_mean():
    x = noises.shaped_noise(1024, np.random.default_rng(0), RATE, [100, 1000], [0, -60])
    assert abs(x.mean()) < 1e-12  # all bins but that of 0 Hz


def test_only_differences_of_levels_count():
    a, b = (
        noises.shaped_noise(1000, np.random.default_rng(0), RATE, [100, 1000], [0 + s, -9 + s])
        for s in (0, 300)
    )
    assert_allclose(a, b, rtol=1e-9)


def test_band_noise_is_white_within_its_band_and_nothing_outside():
    x = noises.band_noise(2**17, np.random.default_rng(1), RATE, 500, 3000)
    f, level = density(x)
    inside, outside = (f > 550) & (f < 2950), (f < 450) | (f > 3050)
    # the whole power of 1 is spread over 2500 Hz
    assert_allclose(np.mean(level[inside]), -10 * np.log10(2500), atol=0.1)
    assert level[outside].max() < level[inside].mean() - 60


def test_speech_noise_has_the_spectrum_of_speech():
    f, level = density(noises.speech_noise(2**18, np.random.default_rng(0), RATE))
    centres, table = np.array(noises.SPEECH_SPECTRUM[2:-4]).T  # the bands from 150 Hz to 5.8 kHz
    measured = np.interp(centres, f, level)
    difference = measured - table
    assert np.abs(difference - difference.mean()).max() < 1.0  # dB, 3 s.d. of the estimate
    assert level[f < 30].max() < level.max() - 30


CALLS = [
    lambda n, rng: noises.noise(n, rng, slope=-3),
    lambda n, rng: noises.shaped_noise(n, rng, RATE, [100, 200], [0, 6]),
    lambda n, rng: noises.band_noise(n, rng, RATE, 0, 8000),
    lambda n, rng: noises.speech_noise(n, rng, RATE),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("n", [2, 17, 1009])
def test_any_length_is_finite_has_unit_rms_and_depends_on_the_generator_alone(call, n):
    x = call(n, np.random.default_rng(3))
    assert x.shape == (n,)
    assert_allclose(np.sqrt(np.mean(x**2)), 1.0, rtol=1e-12)
    assert_array_equal(x, call(n, np.random.default_rng(3)))
    assert not np.array_equal(x, call(n, np.random.default_rng(4)))


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: noises.noise(0, RNG), "n_samples"),
        (
            lambda: noises.shaped_noise(9, RNG, RATE, [1, 2], [0]),
            r"expected \(n_points,\) for both",
        ),
        (lambda: noises.shaped_noise(9, RNG, RATE, [2, 1], [0, 0]), "expected increasing"),
        (lambda: noises.shaped_noise(9, RNG, RATE, [0, 1], [0, 0]), "above 0 Hz"),
        (lambda: noises.shaped_noise(9, RNG, RATE, [1], [np.nan]), "NaN"),
        (lambda: noises.band_noise(9, RNG, RATE, 100, 9000), "aliasing above rate / 2"),
        (lambda: noises.band_noise(9, RNG, RATE, 300, 200), "expected 0 <= low < high"),
        (lambda: noises.band_noise(9, RNG, RATE, 300, 301), "expected 16000 or more"),
    ],
)
def test_wrong_arguments_are_explained(call, match):
    with pytest.raises(InputError, match=match):
        call()
