"""Power spectral density against SciPy, Parseval's theorem, and the levels of tones and noise."""

import numpy as np
import pytest
import scipy.signal
from numpy.testing import assert_allclose

from ddasp._errors import InputError
from ddasp.audio import spectrum, stft

RATE = 8000
NOISE = np.random.default_rng(0).normal(size=5000)


@pytest.mark.parametrize("n", [1, 2, 3, 16, 17, 5000, 4999])
def test_the_periodogram_is_scipys_and_sums_to_the_mean_square(n):
    x = NOISE[:n] + 0.3
    P = spectrum.periodogram(x, RATE)
    _, theirs = scipy.signal.periodogram(x, RATE, detrend=False)
    assert_allclose(P, theirs, atol=1e-18)
    assert_allclose(P.sum() * RATE / n, np.mean(x**2))  # Parseval


@pytest.mark.parametrize("length", [2, 3, 255, 256])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75])
def test_welch_is_scipys(length, overlap):
    overlap = min(overlap, 1 - 1 / length)
    hop = round(length * (1 - overlap))
    _, theirs = scipy.signal.welch(
        NOISE, RATE, "hann", nperseg=length, noverlap=length - hop, detrend=False
    )
    assert_allclose(spectrum.welch(NOISE, RATE, length, overlap=overlap), theirs, rtol=1e-10)


def test_white_noise_lies_at_twice_its_variance_over_the_rate():
    x = 0.1 * np.random.default_rng(1).normal(size=200_000)
    P = spectrum.welch(x, RATE, 256)
    level = 2 * 0.1**2 / RATE
    # the mean of 125 bins of some 1500 segments: 4 standard deviations are about 1 %
    assert_allclose(P[2:-2].mean(), level, rtol=0.01)
    assert_allclose(P[[0, -1]], level / 2, rtol=0.15)  # one side only
    assert_allclose(P[2:-2], level, rtol=0.2)


def test_the_density_does_not_depend_on_the_length_but_a_tone_keeps_its_power():
    x = 0.5 * np.sin(2 * np.pi * 1000 / RATE * np.arange(RATE))
    for length in (80, 256, 1000):
        P = spectrum.welch(x, RATE, length)
        f = stft.frequencies(length, RATE)
        assert abs(f[np.argmax(P)] - 1000) <= RATE / length / 2
        assert_allclose(P.sum() * RATE / length, 0.5**2 / 2, rtol=1e-3)


def test_many_segments_are_averaged_in_blocks_without_a_seam(monkeypatch):
    whole = spectrum.welch(NOISE, RATE, 64)
    monkeypatch.setattr(spectrum, "BLOCK", 7)
    assert_allclose(spectrum.welch(NOISE, RATE, 64), whole, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_silence_is_zero_and_dtypes_are_kept(dtype):
    zeros = np.zeros(300, dtype)
    for P in (spectrum.periodogram(zeros, RATE), spectrum.welch(zeros, RATE, 64)):
        assert_allclose(P, 0.0)
        assert P.dtype == dtype


def test_one_segment_and_rests_are_fine():
    one = spectrum.welch(NOISE[:64], RATE, 64)
    assert_allclose(spectrum.welch(NOISE[:95], RATE, 64), one)  # 31 samples more are no segment
    windowed = NOISE[:64] * stft.hann(64)
    assert_allclose(one.sum() * RATE, np.sum(windowed**2) * 64 / np.sum(stft.hann(64) ** 2))


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match=r"signal has 10 samples.*shorter segments"):
        spectrum.welch(NOISE[:10], RATE, 64)
    with pytest.raises(InputError, match=r"overlap is 1;.*must move on"):
        spectrum.welch(NOISE, RATE, 64, overlap=1.0)
    with pytest.raises(InputError, match="number of samples is 0"):
        spectrum.periodogram([], RATE)
    with pytest.raises(InputError, match="sampling_rate is 0 Hz"):
        spectrum.periodogram(NOISE, 0)
    with pytest.raises(InputError, match="segment_length is 1;"):
        spectrum.welch(NOISE, RATE, 1)
