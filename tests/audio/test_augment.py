"""Changes of a sound by a stated amount: the amount is measured again."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import welch

from ddasp._errors import InputError
from ddasp.audio import augment

RATE = 16_000


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tone(frequency, n=RATE):
    return np.sin(2 * np.pi * frequency / RATE * np.arange(n))


def db(ratio):
    return 20 * np.log10(ratio)


def rms(x):
    return np.sqrt(np.mean(np.square(x, dtype=float)))


@pytest.mark.parametrize("snr", [-10.0, 0.0, 30.0])
def test_measured_signal_to_noise_ratio_is_the_one_asked_for(rng, snr):
    x = tone(440)
    noise = augment.add_noise(x, snr, rng) - x
    assert_allclose(db(rms(x) / rms(noise)), snr, atol=1e-9)


def test_added_noise_is_white(rng):
    noise = augment.add_noise(tone(440), 0.0, rng) - tone(440)
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[:4000].mean(), power[4000:].mean()
    assert_allclose(low / high, 1.0, atol=0.1)  # 4,000 periodogram bins: s.d. 1.6 % each


@pytest.mark.parametrize("slope", [-6.0, -3.0, 3.0])
def test_coloured_noise_has_its_slope_and_meets_the_ratio(rng, slope):
    x = tone(440, 4 * RATE)
    noise = augment.add_noise(x, 6.0, rng, slope=slope) - x
    assert_allclose(db(rms(x) / rms(noise)), 6.0, atol=1e-9)
    f, power = welch(noise, RATE, nperseg=2048)
    inner = (f > 100) & (f < 6000)
    fit = np.polyfit(np.log2(f[inner]), 10 * np.log10(power[inner]), 1)[0]
    assert_allclose(fit, slope, atol=0.3)  # dB per octave; 60 averages


@pytest.mark.parametrize("n_other", [RATE, 100, 3 * RATE])
def test_another_sound_is_mixed_at_the_ratio_asked_for(rng, n_other):
    x, other = tone(440), 7 * tone(3000, n_other)
    added = augment.mix_at_snr(x, other, 12.0) - x
    assert_allclose(db(rms(x) / rms(added)), 12.0, atol=1e-9)
    n = min(n_other, RATE)
    assert_allclose(added[:n], other[:n] * (rms(added) / rms(np.resize(other, RATE))), atol=1e-12)


def test_what_is_mixed_in_is_repeated_when_it_is_short():
    y = augment.mix_at_snr(np.ones(5), np.array([1.0, -1.0]), 0.0)
    assert_allclose(y, [2, 0, 2, 0, 2])


def test_gain_of_6_02_dB_doubles():
    assert_allclose(augment.gain(np.array([0.1, -0.2]), 20 * np.log10(2)), [0.2, -0.4])


@pytest.mark.parametrize("cutoff", [300.0, 1000.0, 3400.0])
def test_band_limit_keeps_tones_below_and_removes_tones_above(cutoff):
    middle = slice(RATE // 4, -RATE // 4)  # away from the ends, where the filter runs in

    def loss(frequency):
        y = augment.band_limit(tone(frequency), RATE, cutoff)
        return db(rms(y[middle]) / rms(tone(frequency)[middle]))

    assert abs(loss(0.9 * cutoff)) < 0.01
    assert loss(1.1 * cutoff) < -60
    assert_allclose(loss(cutoff), -6.02, atol=0.1)  # half the amplitude: Kaiser windowed ideal


def test_band_limit_does_not_delay():
    x = tone(200)
    y = augment.band_limit(x, RATE, 1000.0)
    assert_allclose(y[4000:-4000], x[4000:-4000], atol=2e-3)


def test_band_limit_at_half_the_rate_changes_nothing():
    assert_array_equal(augment.band_limit(tone(7000), RATE, RATE / 2), tone(7000))


@pytest.mark.parametrize("t60", [0.2, 0.8])
def test_reverberation_time_by_schroeder_integration_is_the_one_asked_for(rng, t60):
    x = np.zeros(int(2 * RATE))
    x[0] = 1.0
    h = augment.reverberate(x, RATE, t60, rng, level=20.0)
    remaining = db(np.sqrt(np.cumsum(h[::-1] ** 2)[::-1]))[1 : int(t60 * RATE)]
    remaining -= remaining[0]
    inside = (remaining < -5) & (remaining > -35)  # T30 of ISO 3382
    t = np.flatnonzero(inside) / RATE
    slope = np.polyfit(t, remaining[inside], 1)[0]
    assert_allclose(-60 / slope, t60, rtol=0.05)


def test_reverberation_keeps_direct_sound_and_level(rng):
    x = rng.standard_normal(RATE)
    y = augment.reverberate(x, RATE, 0.4, rng, level=-10.0)
    assert_allclose(rms(y), rms(x), rtol=1e-12)
    # direct sound: energy share 1 / (1 + 0.1), hence correlation 0.953 without delay
    assert_allclose(np.corrcoef(x, y)[0, 1], 1 / np.sqrt(1.1), atol=0.02)


def test_shift_there_and_back_loses_only_the_end():
    x = np.arange(1.0, 6.0)
    assert_array_equal(augment.shift(augment.shift(x, 2), -2), [1, 2, 3, 0, 0])
    assert_array_equal(augment.shift(x, 9), np.zeros(5))
    assert_array_equal(augment.shift(x, -5), np.zeros(5))


def test_clip_limits_and_leaves_the_rest():
    assert_array_equal(augment.clip(np.array([0.2, -0.7, 1.5]), level=0.5), [0.2, -0.5, 0.5])


CALLS = [
    lambda x, rng: augment.gain(x, -6.0),
    lambda x, rng: augment.add_noise(x, 10.0, rng),
    lambda x, rng: augment.add_noise(x, 10.0, rng, slope=-3.0),
    lambda x, rng: augment.mix_at_snr(x, np.array([0.1, 0.3]), 10.0),
    lambda x, rng: augment.band_limit(x, RATE, 1000.0),
    lambda x, rng: augment.reverberate(x, RATE, 0.1, rng),
    lambda x, rng: augment.shift(x, 3),
    lambda x, rng: augment.clip(x, level=0.5),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 100])
def test_dtype_length_and_input_are_kept(call, dtype, n):
    x = np.random.default_rng(0).standard_normal(n).astype(dtype)
    before = x.copy()
    y = call(x, np.random.default_rng(1))
    assert y.dtype == dtype
    assert y.shape == x.shape
    assert np.isfinite(y).all()
    assert_array_equal(x, before)
    assert_array_equal(y, call(x, np.random.default_rng(1)))


@pytest.mark.parametrize("call", CALLS)
def test_silence_stays_silence(call, rng):
    assert_array_equal(call(np.zeros(50), rng), np.zeros(50))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: augment.gain([0.1], 500.0), "db is 500 dB"),
        (lambda: augment.band_limit([0.1], RATE, 9000.0), "aliasing above rate / 2"),
        (lambda: augment.reverberate([0.1], RATE, 300.0, np.random.default_rng()), "milliseconds"),
        (lambda: augment.shift([0.1], 0.5), "given in seconds"),
        (lambda: augment.mix_at_snr([0.1], [], 0.0), "other has no samples"),
        (lambda: augment.mix_at_snr([0.1], [1.0], 300.0), "snr_db is 300 dB"),
        (
            lambda: augment.add_noise([0.1], 0.0, np.random.default_rng(), slope=90.0),
            "slope is 90 dB per octave",
        ),
        (lambda: augment.clip([0.1], level=0.0), "clipping at zero"),
        (lambda: augment.gain(np.zeros((5, 2)), 0.0), "mix the channels first"),
    ],
)
def test_wrong_arguments_are_explained(call, match):
    with pytest.raises(InputError, match=match):
        call()
