"""Spectral descriptors against librosa where the definition is the same, and on paper."""

import librosa
import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.audio import descriptors, stft

RATE, N_FFT, HOP = 8000, 256, 80
SOUND = np.random.default_rng(0).normal(size=4000) * np.hanning(4000)
S = np.abs(stft.stft(SOUND, N_FFT, HOP))
F = stft.frequencies(N_FFT, RATE)
FRAMES = stft.frames(SOUND, N_FFT, HOP)


def test_centroid_spread_rolloff_and_flatness_are_librosas():
    theirs = {"S": S.T, "sr": RATE}
    assert_allclose(
        descriptors.centroid(S, F), librosa.feature.spectral_centroid(**theirs)[0], rtol=1e-5
    )
    assert_allclose(
        descriptors.spread(S, F), librosa.feature.spectral_bandwidth(**theirs)[0], rtol=1e-5
    )
    assert_allclose(
        descriptors.rolloff(S, F), librosa.feature.spectral_rolloff(**theirs)[0], rtol=1e-5
    )
    assert_allclose(
        descriptors.flatness(S**2), librosa.feature.spectral_flatness(S=S.T)[0], rtol=1e-5
    )


def test_the_zero_crossing_rate_is_librosas():
    theirs = librosa.feature.zero_crossing_rate(
        SOUND, frame_length=N_FFT, hop_length=HOP, center=False
    )[0]
    ours = descriptors.zero_crossing_rate(stft.frames(SOUND, N_FFT, HOP, centre=False))
    assert_allclose(ours, theirs, atol=1e-12)


def test_a_sine_crosses_zero_twice_a_period():
    x = np.sin(2 * np.pi * 500 / RATE * np.arange(RATE) + 0.1)
    rate = descriptors.zero_crossing_rate(x[np.newaxis])
    assert_allclose(rate, 2 * 500 / RATE, atol=1 / RATE)


def test_one_line_has_its_frequency_as_centroid_and_rolloff_and_no_spread():
    line = np.eye(129)[[20]]
    assert descriptors.centroid(line, F) == descriptors.rolloff(line, F) == F[20]
    assert descriptors.spread(line, F) == 0.0


def test_a_flat_spectrum_has_the_moments_of_a_uniform_distribution():
    flat = np.ones((1, 129))
    assert_allclose(descriptors.centroid(flat, F), RATE / 4)
    # variance of n equal steps d: d^2 (n^2 - 1) / 12
    assert_allclose(descriptors.spread(flat, F), F[1] * np.sqrt((129**2 - 1) / 12))
    assert_allclose(descriptors.flatness(flat), 1.0)
    assert descriptors.rolloff(flat, F) == F[109]  # the 110th of 129 bins reaches 85 %


def test_the_rolloff_is_the_first_frequency_that_reaches_the_share():
    assert descriptors.rolloff(np.ones((1, 4)), np.arange(4.0), share=0.5) == 1.0
    assert descriptors.rolloff(np.ones((1, 4)), np.arange(4.0), share=0.51) == 2.0


def test_skewness_and_kurtosis_are_scipys_of_the_frequencies_that_occur():
    counts = np.random.default_rng(3).integers(0, 5, (4, 40))
    f = np.linspace(0.0, 4000.0, 40)
    drawn = [np.repeat(f, row) for row in counts]
    assert_allclose(descriptors.skewness(counts, f), [scipy.stats.skew(d) for d in drawn])
    theirs = [scipy.stats.kurtosis(d, fisher=False) for d in drawn]
    assert_allclose(descriptors.kurtosis(counts, f), theirs)


def test_a_bell_has_no_skewness_and_a_kurtosis_of_three():
    f = np.linspace(0.0, 4000.0, 2001)
    bell = np.exp(-0.5 * ((f - 2000.0) / 200.0) ** 2)[np.newaxis]
    assert_allclose(descriptors.skewness(bell, f), 0.0, atol=1e-9)
    assert_allclose(descriptors.kurtosis(bell, f), 3.0, rtol=1e-9)
    slope = np.arange(2001.0)[np.newaxis]  # more and more towards high frequencies: tail below
    assert_allclose(descriptors.skewness(slope, f), -2 * np.sqrt(2) / 5, rtol=1e-2)


def test_one_line_has_neither_skewness_nor_kurtosis_but_the_largest_crest():
    line = np.eye(129)[[20]]
    for S_ in (line, 0.1 * line.astype(np.float32)):
        assert descriptors.skewness(S_, F) == descriptors.kurtosis(S_, F) == 0.0
        assert_allclose(descriptors.crest(S_), 129)
    assert_allclose(descriptors.crest(np.full((1, 129), 0.3)), 1.0)
    nearly = np.array([[1.0, 1e-13]])  # a line, and what rounding left elsewhere
    assert descriptors.skewness(nearly, [0.0, 4000.0]) == 0.0


def test_an_impulse_is_flat_and_a_tone_is_not():
    impulse = np.zeros(N_FFT)
    impulse[N_FFT // 2] = 1.0
    tone = np.sin(2 * np.pi * 20 / N_FFT * np.arange(N_FFT))
    P = stft.power_spectra(np.concatenate([impulse, tone]), N_FFT, N_FFT, centre=False)
    assert_allclose(descriptors.flatness(P)[0], 1.0)
    assert_allclose(descriptors.crest(P)[0], 1.0)
    assert_allclose(descriptors.centroid(P, F)[0], RATE / 4)
    assert descriptors.flatness(P)[1] < 1e-7
    assert_allclose(descriptors.centroid(P, F)[1], F[20])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flatness_depends_neither_on_the_level_nor_on_other_frames(dtype):
    P = np.abs(np.random.default_rng(4).normal(size=(5, 129))).astype(dtype) ** 8
    whole = descriptors.flatness(P)
    # powers of two change no digit
    assert_array_equal(descriptors.flatness(P * dtype(2.0**-60)), whole)
    assert_array_equal([descriptors.flatness(P[[m]])[0] for m in range(5)], whole)


def test_powers_below_the_floor_count_as_the_floor():
    P = np.array([[4.0, 4.0, 0.0, 0.0]])  # floor 1/4: as 4, 4, 1, 1
    assert_allclose(descriptors.flatness(P, floor=0.25), 0.8)
    assert_allclose(descriptors.flatness(P, floor=1e-10), 1e-5 / 0.5, rtol=1e-9)


def test_flux_is_zero_for_a_steady_spectrum_and_sqrt_2_between_disjoint_ones():
    steady = np.outer([1.0, 2.0, 0.5], np.arange(1.0, 6.0))
    assert_allclose(descriptors.flux(steady), 0.0, atol=1e-12)
    assert_allclose(descriptors.flux(np.eye(3)), [0.0, np.sqrt(2), np.sqrt(2)])


def test_band_energies_are_shares_that_sum_to_one():
    edges = [0, 500, 1000, 2000, 4001]
    shares = descriptors.band_energies(S**2, F, edges)
    assert_allclose(shares.sum(axis=1), 1.0)
    lowest = (S**2)[:, F < 500].sum(axis=1) / (S**2).sum(axis=1)
    assert_allclose(shares[:, 0], lowest)
    assert_allclose(descriptors.band_energies(S**2, F, [500, 1000])[:, 0], shares[:, 1])


@pytest.mark.parametrize("gain", [1e-3, 10.0])
def test_a_gain_changes_no_descriptor(gain):
    for ours in (
        lambda g: descriptors.centroid(g * S, F),
        lambda g: descriptors.spread(g * S, F),
        lambda g: descriptors.rolloff(g * S, F),
        lambda g: descriptors.skewness(g * S, F),
        lambda g: descriptors.kurtosis(g * S, F),
        lambda g: descriptors.crest(g * S),
        lambda g: descriptors.flatness((g * S) ** 2),
        lambda g: descriptors.flux(g * S),
        lambda g: descriptors.band_energies((g * S) ** 2, F, [0, 1000, 4001]),
        lambda g: descriptors.zero_crossing_rate(g * FRAMES),
    ):
        assert_allclose(ours(gain), ours(1.0), rtol=1e-9, atol=1e-12)


def test_frames_of_zeros_are_zero_everywhere_and_keep_float32():
    zeros = np.zeros((2, 129), np.float32)
    for values in (
        descriptors.centroid(zeros, F),
        descriptors.spread(zeros, F),
        descriptors.rolloff(zeros, F),
        descriptors.skewness(zeros, F),
        descriptors.kurtosis(zeros, F),
        descriptors.crest(zeros),
        descriptors.flatness(zeros),
        descriptors.flux(zeros),
        descriptors.band_energies(zeros, F, [0, 1000, 4001]),
        descriptors.zero_crossing_rate(zeros),
    ):
        assert_allclose(values, 0.0)
    assert descriptors.flatness(zeros).dtype == descriptors.flux(zeros).dtype == np.float32
    assert descriptors.skewness(zeros, F).dtype == descriptors.crest(zeros).dtype == np.float32


def test_wrong_spectra_are_named():
    with pytest.raises(InputError, match=r"negative values.*in dB"):
        descriptors.centroid(-S, F)
    with pytest.raises(InputError, match=r"floor is 2;.*largest power"):
        descriptors.flatness(S, floor=2.0)
    with pytest.raises(InputError, match=r"increasing frequencies"):
        descriptors.band_energies(S, F, [0, 1000, 1000])
