"""Onset strength against librosa, and beginnings whose time is known."""

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.audio.mel import MelBands
from ddasp.audio.mel_spectrogram import log_mel_spectrogram
from ddasp.audio.onsets import onset_strength

LEVELS = np.random.default_rng(0).normal(size=(30, 20))


@pytest.mark.parametrize("lag", [1, 2, 5])
def test_onset_strength_is_librosas(lag):
    theirs = librosa.onset.onset_strength(S=LEVELS.T, lag=lag, center=False)
    assert_allclose(onset_strength(LEVELS, lag=lag), theirs, atol=1e-6)  # librosa's is float32


def test_a_gain_changes_nothing_and_a_rise_counts_once():
    assert_allclose(onset_strength(LEVELS + 10.0), onset_strength(LEVELS), atol=1e-12)
    step = np.repeat([[0.0], [12.0], [5.0]], 4, axis=0) * np.ones(3)
    expected = np.zeros(12)
    expected[4] = 12.0  # what falls, in frame 8, does not count
    assert_array_equal(onset_strength(step), expected)


def test_clicks_are_found_where_they_are():
    x = 1e-4 * np.random.default_rng(1).normal(size=16000)
    places = [3200, 8000, 12800]
    x[places] += 1.0
    L = log_mel_spectrogram(x, 16000, MelBands(40, 0.0, 8000.0), 512, 160)
    strongest = np.sort(np.argsort(onset_strength(L))[-3:])
    # a frame of 512 samples first sees a click about one hop and a half before its own middle
    assert_array_equal(np.abs(strongest * 160 - places) <= 256, True)


def test_one_frame_silence_and_long_lags_are_zero():
    assert_array_equal(onset_strength(np.zeros((1, 4))), [0.0])
    assert_array_equal(onset_strength(np.zeros((5, 4), np.float32)), np.zeros(5))
    assert onset_strength(np.zeros((5, 4), np.float32)).dtype == np.float32
    assert_array_equal(onset_strength(LEVELS[:3], lag=5), np.zeros(3))
    assert onset_strength(LEVELS[:0]).shape == (0,)


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match="lag is 0"):
        onset_strength(LEVELS, lag=0)
    with pytest.raises(InputError, match=r"levels has shape \(30,\)"):
        onset_strength(LEVELS[:, 0])
