"""Lossy formats: what comes back is the sound, in its place, and somewhat worse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.audio.codecs import CODECS, transcode
from ddasp.audio.noises import speech_noise

RATES = [8000, 16_000, 22_050, 44_100, 48_000]


def delay(x, y):
    """Of y behind x [samples], by the largest cross-correlation."""
    n = 2 * len(x)
    c = np.fft.irfft(np.fft.rfft(x, n).conj() * np.fft.rfft(y, n), n)
    at = int(np.argmax(c))
    return at - n if at > n // 2 else at


def snr(x, y):
    return 10 * np.log10(np.sum(x**2) / np.sum((x - y) ** 2))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("rate", RATES)
def test_a_sound_comes_back_in_its_place_with_some_loss(codec, rate):
    x = 0.1 * speech_noise(2 * rate + 137, np.random.default_rng(0), rate)
    y = transcode(x, rate, codec, compression=0.3)
    assert y.shape == x.shape
    assert delay(x, y) == 0
    # a shift by one sample alone would leave less than 8 dB at 8 kHz; bit-exact would be infinite
    assert 12 < snr(x, y) < 60


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("compression", [0.0, 0.7, 0.9])
def test_nothing_is_delayed_or_made_quieter_at_any_compression(codec, compression):
    x = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000) * np.hanning(16_000)
    y = transcode(x, 16_000, codec, compression=compression)
    assert delay(x, y) == 0
    gain = np.dot(x, y) / np.dot(x, x)
    assert_allclose(gain, 1.0, atol=0.03)


@pytest.mark.parametrize("codec", CODECS)
def test_more_compression_costs_more(codec):
    x = 0.1 * speech_noise(32_000, np.random.default_rng(0), 16_000)
    ratios = [snr(x, transcode(x, 16_000, codec, compression=c)) for c in (0.0, 0.5, 0.8)]
    assert ratios[0] > ratios[1] > ratios[2] > 0  # beyond 0.8 LAME saves bits in other ways


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("rate", [1000, 11_025, 96_000])
def test_rates_that_a_codec_does_not_know_are_taken_too(codec, rate):
    x = 0.5 * np.sin(2 * np.pi * 0.05 * np.arange(rate))
    y = transcode(x, rate, codec, compression=0.3)
    assert y.shape == x.shape
    inner = slice(rate // 10, -rate // 10)
    assert snr(x[inner], y[inner]) > 15


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 100])
def test_dtype_length_and_input_are_kept(codec, dtype, n):
    x = np.random.default_rng(0).uniform(-1, 1, n).astype(dtype)
    before = x.copy()
    y = transcode(x, 16_000, codec)
    assert y.dtype == dtype
    assert y.shape == x.shape
    assert np.isfinite(y).all()
    assert_array_equal(x, before)
    assert_array_equal(y, transcode(x, 16_000, codec))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("peak", [4.0, 1e4])
def test_what_lies_beyond_full_scale_is_not_clipped(codec, peak):
    x = peak * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    y = transcode(x, 16_000, codec, compression=0.0)
    assert_allclose(y[2000:-2000], x[2000:-2000], atol=0.1 * peak)


@pytest.mark.parametrize("codec", CODECS)
def test_silence_stays_silence(codec):
    assert_array_equal(transcode(np.zeros(500), 16_000, codec), np.zeros(500))


def test_wrong_arguments_are_explained():
    with pytest.raises(InputError, match="did you mean 'vorbis'"):
        transcode([0.1], 16_000, "vorbiss")
    with pytest.raises(InputError, match=r"compression is 1; expected 0 to 0.99"):
        transcode([0.1], 16_000, compression=1.0)
    with pytest.raises(InputError, match="rate is 10 Hz"):
        transcode([0.1], 10)
