"""The mel scale, its filter banks and cepstra against librosa, and against their definitions."""

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import savgol_filter

from ddasp._errors import InputError
from ddasp.audio import mel
from ddasp.audio.mel import MelBands

POWER = np.random.default_rng(0).uniform(0.0, 1.0, (30, 129))


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_the_scales_are_librosas_and_invert(scale):
    f = np.linspace(0, 20000, 501)
    m = mel.hz_to_mel(f, scale=scale)
    assert_allclose(m, librosa.hz_to_mel(f, htk=scale == "htk"), atol=1e-9)
    assert_allclose(mel.mel_to_hz(m, scale=scale), f, atol=1e-8)
    assert (np.diff(m) > 0).all()


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["area", "peak"])
def test_the_filter_bank_is_librosas(scale, norm):
    W = mel.filter_bank(MelBands(40, 60.0, 7600.0, scale, norm), 1024, 16000)
    theirs = librosa.filters.mel(
        sr=16000,
        n_fft=1024,
        n_mels=40,
        fmin=60.0,
        fmax=7600.0,
        htk=scale == "htk",
        norm="slaney" if norm == "area" else None,
        dtype=np.float64,
    )
    assert_allclose(W, theirs, atol=1e-12)


@pytest.mark.parametrize("rate", [1000, 8000, 48000])
@pytest.mark.parametrize("n_mels", [1, 8, 40, 128])
def test_with_norm_sum_a_flat_spectrum_is_flat_in_mel(rate, n_mels):
    n_fft = 1 << int(np.ceil(np.log2(0.025 * rate)))
    for warp in (0.92, 1.0, 1.08):
        W = mel.filter_bank(MelBands(n_mels, 60.0, rate / 2, warp=warp), n_fft, rate)
        assert_allclose(W.sum(axis=1), 1.0)
        assert (W >= 0).all()


def test_the_peaks_stand_on_the_scale_at_equal_steps():
    edges = MelBands(10, 100.0, 4000.0).edges()
    assert_allclose(edges[[0, -1]], [100.0, 4000.0])
    assert_allclose(np.diff(mel.hz_to_mel(edges), 2), 0.0, atol=1e-9)


def test_a_warp_moves_all_bands_by_its_factor():
    bands, warped = MelBands(10, 100.0, 3000.0), MelBands(10, 100.0, 3000.0, warp=1.08)
    assert_allclose(warped.edges(), 1.08 * bands.edges())
    # a tone at 1.08 f in the warped bank lies where one at f lies in the plain one
    n_fft, rate, width = 8000, 8000, 1.0
    for f in (500, 1000, 2000):
        plain = mel.filter_bank(bands, n_fft, rate)[:, round(f / width)]
        assert_allclose(
            mel.filter_bank(warped, n_fft, rate)[:, round(1.08 * f / width)] * 1.08,
            plain,
            rtol=0.02,
            atol=1e-4,
        )


def test_log_mel_is_librosas():
    W = mel.filter_bank(MelBands(40, 0.0, 4000.0, norm="area"), 256, 8000)
    theirs = librosa.power_to_db(
        librosa.feature.melspectrogram(S=POWER.T, sr=8000, n_mels=40, fmax=4000.0),
        amin=1e-12,
        top_db=None,
    ).T
    # librosa keeps its bank in float32, and with 40 bands a few of them are empty
    filled = W.sum(axis=1) > 0
    assert_allclose(mel.log_mel(POWER, W)[:, filled], theirs[:, filled], atol=1e-4)


def test_mfcc_are_librosas_and_keep_the_energy():
    levels = np.random.default_rng(1).normal(size=(30, 40))
    C = mel.mfcc(levels, 13)
    assert_allclose(C, librosa.feature.mfcc(S=levels.T, n_mfcc=13).T, atol=1e-10)
    assert_allclose(np.sum(mel.mfcc(levels, 40) ** 2), np.sum(levels**2))  # Parseval


def test_a_gain_changes_only_the_first_coefficient():
    W = mel.filter_bank(MelBands(40, 60.0, 4000.0), 256, 8000)
    difference = mel.mfcc(mel.log_mel(10 * POWER, W)) - mel.mfcc(mel.log_mel(POWER, W))
    assert_allclose(difference[:, 0], 10 * np.sqrt(40))  # 10 dB in each of 40 bands
    assert_allclose(difference[:, 1:], 0.0, atol=1e-9)


@pytest.mark.parametrize("reach", [1, 2, 4])
def test_deltas_are_the_slope_of_a_line_and_a_savitzky_golay_derivative(reach):
    C = np.random.default_rng(2).normal(size=(25, 3))
    theirs = savgol_filter(C, 2 * reach + 1, polyorder=1, deriv=1, axis=0, mode="nearest")
    assert_allclose(mel.delta(C, reach=reach), theirs, atol=1e-12)
    other = librosa.feature.delta(C.T, width=max(3, 2 * reach + 1), mode="nearest").T
    assert_allclose(mel.delta(C, reach=reach), other, atol=1e-12)
    line = 3.0 * np.arange(25.0)[:, np.newaxis]
    assert_allclose(mel.delta(line, reach=reach)[reach:-reach], 3.0)


def test_one_frame_has_a_delta_of_zero():
    assert_allclose(mel.delta(np.ones((1, 4))), 0.0)


def test_silence_stands_at_the_floor_and_dtypes_are_kept():
    W = mel.filter_bank(MelBands(40, 60.0, 4000.0), 256, 8000)
    silence = np.zeros((2, 129), np.float32)
    levels = mel.log_mel(silence, W, floor=-90.0)
    assert_allclose(levels, -90.0, rtol=1e-6)
    assert levels.dtype == mel.mfcc(levels).dtype == mel.delta(levels).dtype == np.float32


def test_wrong_arguments_are_named():
    W = mel.filter_bank(MelBands(40, 60.0, 4000.0), 256, 8000)
    with pytest.raises(InputError, match=r"129.*another n_fft"):
        mel.log_mel(np.ones((2, 100)), W)
    with pytest.raises(InputError, match="f_min is 4000 Hz, f_max 60 Hz"):
        mel.filter_bank(MelBands(40, 4000.0, 60.0), 256, 8000)
    with pytest.raises(InputError, match="did you mean 'slaney'"):
        mel.hz_to_mel(100.0, scale="slanei")
    with pytest.raises(InputError, match="no more than there are bands"):
        mel.mfcc(np.zeros((2, 10)), 11)
    with pytest.raises(ValueError, match="read-only"):
        W[0, 0] = 1.0
