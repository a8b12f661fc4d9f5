"""Pitch classes against librosa, and notes whose name is known."""

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ddasp._errors import InputError
from ddasp.audio import chroma as room
from ddasp.audio import stft

RATE, N_FFT = 16000, 4096
NOISE = np.random.default_rng(0).normal(size=20_000)


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("n_fft", [256, 2048, 2049])
@pytest.mark.parametrize("tuning", [0.0, -0.3])
def test_the_bank_is_librosas(rate, n_fft, tuning):
    theirs = librosa.filters.chroma(sr=rate, n_fft=n_fft, tuning=tuning, dtype=np.float64)
    assert_allclose(room.chroma_bank(n_fft, rate, tuning=tuning), theirs, atol=1e-12)


def test_chroma_is_librosas():
    P = stft.power_spectra(NOISE, N_FFT, 512)
    theirs = librosa.feature.chroma_stft(S=P.T, sr=RATE, n_fft=N_FFT, tuning=0.0).T
    # librosa keeps its bank in float32
    assert_allclose(room.chroma(P, room.chroma_bank(N_FFT, RATE)), theirs, atol=1e-5)


@pytest.mark.parametrize("octave", [3, 4, 5, 6])
@pytest.mark.parametrize("name", range(12))
def test_a_note_is_strongest_in_its_class_in_every_octave(octave, name):
    frequency = 440.0 * 2.0 ** ((name - 9) / 12 + octave - 4)
    x = np.sin(2 * np.pi * frequency / RATE * np.arange(2 * N_FFT))
    C = room.chroma(stft.power_spectra(x, N_FFT, N_FFT), room.chroma_bank(N_FFT, RATE))
    assert np.argmax(C[1]) == name
    assert C[1, name] == 1.0


def test_silence_is_zero_and_a_gain_changes_nothing():
    W = room.chroma_bank(N_FFT, RATE)
    P = stft.power_spectra(NOISE.astype(np.float32), N_FFT, 512)
    assert room.chroma(P, W).dtype == np.float32
    assert_allclose(room.chroma(0 * P, W), 0.0)
    assert_allclose(room.chroma(4 * P, W), room.chroma(P, W))
    assert room.chroma(P[:1], W).shape == (1, 12)


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match=r"power has 100 bins.*another n_fft"):
        room.chroma(np.ones((2, 100)), room.chroma_bank(N_FFT, RATE))
    with pytest.raises(InputError, match="tuning is 3 semitones"):
        room.chroma_bank(N_FFT, RATE, tuning=3)
    with pytest.raises(ValueError, match="read-only"):
        room.chroma_bank(N_FFT, RATE)[0, 0] = 1.0
