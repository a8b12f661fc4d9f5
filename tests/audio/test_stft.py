"""Short-time spectra against theorems and against librosa."""

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.audio import stft

NOISE = np.random.default_rng(0).normal(size=3001)


@pytest.mark.parametrize("n", [2, 8, 200, 201])
def test_the_hann_window_is_periodic(n):
    w = stft.hann(n)
    assert w[0] == 0.0
    assert_allclose(w[1:], w[:0:-1])  # w[n] = w[N - n]
    if n % 2 == 0:
        assert_allclose(w + np.roll(w, n // 2), 1.0)  # shifted by half, it sums to one


def test_the_shared_window_can_not_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        stft.hann(8)[0] = 1.0


def test_frames_are_centred_on_multiples_of_the_hop():
    x = np.arange(1.0, 101.0)
    centred = stft.frames(x, 20, 10)
    assert centred.shape == (11, 20)
    assert_array_equal(centred[:, 10][:10], x[::10])
    plain = stft.frames(x, 20, 10, centre=False)
    assert plain.shape == (9, 20)
    assert_array_equal(plain[:, 0], x[:81:10])


@pytest.mark.parametrize("n", [0, 1, 19, 20, 21])
@pytest.mark.parametrize("frame_length", [20, 21])
@pytest.mark.parametrize("centre", [True, False])
def test_a_short_signal_has_at_least_one_frame_with_all_its_samples(n, frame_length, centre):
    x = np.arange(1.0, n + 1.0)
    frames = stft.frames(x, frame_length, 5, centre=centre)
    assert len(frames) >= 1
    seen = set(frames.ravel()) - {0.0}
    assert seen >= set(x[: frame_length - 5])


@pytest.mark.parametrize(("dtype", "atol"), [(np.float64, 1e-10), (np.float32, 1e-4)])
@pytest.mark.parametrize(("frame_length", "hop", "n_fft"), [(256, 80, 256), (200, 80, 256)])
def test_librosa_agrees(frame_length, hop, n_fft, dtype, atol):
    x = NOISE.astype(dtype)
    X = stft.stft(x, frame_length, hop, n_fft=n_fft)
    # librosa centres the window inside n_fft, which only turns the phases; it pads n_fft // 2
    theirs = librosa.stft(
        x, n_fft=n_fft, hop_length=hop, win_length=frame_length, pad_mode="constant"
    ).T
    assert X.dtype == (np.complex64 if dtype == np.float32 else np.complex128)
    n = min(len(X), len(theirs))
    assert_allclose(np.abs(X[:n]), np.abs(theirs[:n]), atol=atol)


def test_parsevals_theorem_holds_for_each_frame():
    P = stft.power(stft.stft(NOISE, 200, 80, n_fft=256))
    both_sides = 2 * P.sum(axis=1) - P[:, 0] - P[:, -1]
    windowed = stft.frames(NOISE, 200, 80) * stft.hann(200)
    assert_allclose(both_sides, 256 * np.sum(windowed**2, axis=1))


def test_a_cosine_on_a_bin_has_a_quarter_of_the_frame_length_times_its_amplitude():
    x = 0.7 * np.cos(2 * np.pi * 10 / 200 * np.arange(2000))
    X = stft.stft(x, 200, 100, centre=False)
    assert_allclose(np.abs(X[:, 10]), 0.7 * 200 / 4)
    assert_allclose(np.abs(X[:, 9]), 0.7 * 200 / 8)  # Hann: half as much next to it
    assert_allclose(np.abs(X[:, 13:]), 0.0, atol=1e-10)
    assert stft.frequencies(200, 8000)[10] == 400.0


def test_the_transform_is_linear_and_delays_turn_phases():
    assert_allclose(
        stft.stft(2 * NOISE + 1, 128, 64),
        2 * stft.stft(NOISE, 128, 64) + stft.stft(np.ones_like(NOISE), 128, 64),
        atol=1e-9,
    )
    delayed = np.concatenate([np.zeros(64), NOISE])
    assert_allclose(stft.stft(delayed, 128, 64)[2:], stft.stft(NOISE, 128, 64)[1:], atol=1e-9)


def test_long_signals_are_transformed_in_blocks_without_a_seam(monkeypatch):
    whole = stft.stft(NOISE, 64, 16)
    monkeypatch.setattr(stft, "BLOCK", 7)
    assert_array_equal(stft.stft(NOISE, 64, 16), whole)
    assert_array_equal(stft.spectra(stft.frames(NOISE, 64, 16)), whole)


def test_float32_stays_single_precision():
    X = stft.stft(NOISE.astype(np.float32), 64, 16)
    assert stft.power(X).dtype == np.float32
    assert_allclose(stft.power(X), np.abs(X) ** 2, rtol=1e-5)


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match=r"signal has shape \(10, 2\).*mix the channels"):
        stft.stft(np.zeros((10, 2)), 4, 2)
    with pytest.raises(InputError, match="n_fft is 100 samples; expected 200"):
        stft.stft(NOISE, 200, 80, n_fft=100)
    with pytest.raises(InputError, match="hop_length is 0"):
        stft.stft(NOISE, 200, 0)
