"""Short-time spectra against theorems and against librosa."""

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
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
    if n_fft == frame_length:
        assert_allclose(X, theirs, atol=atol)


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


# ---- the inverse -----------------------------------------------------------------------------


@settings(max_examples=80)
@given(
    n=st.integers(1, 700),
    frame_length=st.integers(2, 90),
    share=st.floats(0.02, 0.5),
    more=st.integers(0, 40),
    single=st.booleans(),
)
def test_the_inverse_of_the_transform_is_the_signal(n, frame_length, share, more, single):
    hop, n_fft = max(1, int(share * frame_length)), frame_length + more
    x = NOISE[:n].astype(np.float32 if single else np.float64)
    y = stft.istft(
        stft.stft(x, frame_length, hop, n_fft=n_fft), frame_length, hop, n_samples=n, n_fft=n_fft
    )
    assert y.dtype == x.dtype
    # rounding grows by 1 / w at the foot of a window; up to half a frame, another one is there
    assert_allclose(y, x, atol=1e-4 if single else 1e-10)


@pytest.mark.parametrize(("frame_length", "hop"), [(512, 128), (400, 160), (201, 67), (512, 500)])
def test_the_inverse_is_exact_for_usual_frames_and_for_long_hops_inside_the_signal(
    frame_length, hop
):
    n = len(NOISE) // hop * hop - hop  # with hops beyond half a frame the frames end before the end
    y = stft.istft(stft.stft(NOISE, frame_length, hop), frame_length, hop, n_samples=n)
    assert_allclose(y, NOISE[:n], atol=1e-10)


def test_without_centring_only_what_no_window_sees_is_lost():
    y = stft.istft(stft.stft(NOISE, 200, 100, centre=False), 200, 100, centre=False)
    assert len(y) == 3000
    assert y[0] == 0.0  # the window is 0 there
    assert_allclose(y[1:], NOISE[1:3000], atol=1e-10)


def test_librosa_and_scipy_invert_to_the_same_signal():
    X = stft.stft(NOISE, 256, 64)
    X = X * np.random.default_rng(1).uniform(size=X.shape)  # no STFT of any signal any more
    y = stft.istft(X, 256, 64, n_samples=3001)
    assert_allclose(y, librosa.istft(X.T, hop_length=64, length=3001), atol=1e-10)
    scale = stft.hann(256).sum()
    _, theirs = scipy.signal.istft(X.T / scale, nperseg=256, noverlap=192)
    assert_allclose(y[: len(theirs)], theirs[:3001], atol=1e-10)


def test_scipy_transforms_to_the_same_spectra():
    _, _, theirs = scipy.signal.stft(NOISE, nperseg=256, noverlap=192, padded=False)
    X = stft.stft(NOISE, 256, 64) / stft.hann(256).sum()
    assert_allclose(X[: theirs.shape[1]], theirs.T, atol=1e-12)


def test_no_signal_is_nearer_to_a_modified_spectrum():
    X = stft.stft(NOISE, 64, 16)
    X = X * np.random.default_rng(2).uniform(size=X.shape)
    weight = np.full(33, 2.0)
    weight[[0, -1]] = 1.0  # both sides of the spectrum

    def distance(y):
        return np.sum(weight * np.abs(stft.stft(y, 64, 16) - X) ** 2)

    y = stft.istft(X, 64, 16, n_samples=3001)
    for _ in range(5):
        step = 1e-3 * np.random.default_rng(3).normal(size=3001)
        assert distance(y) < distance(y + step)
        assert distance(y) < distance(y - step)


def test_a_single_frame_and_silence_can_be_inverted():
    for x in (np.zeros(100), NOISE[:1], NOISE[:0]):
        y = stft.istft(stft.stft(x, 64, 16), 64, 16, n_samples=len(x))
        assert_allclose(y, x, atol=1e-12)


def test_gaps_between_the_windows_are_named():
    with pytest.raises(InputError, match=r"hop_length is 64.*leave out sample 32 of.*shorter hop"):
        stft.istft(stft.stft(NOISE, 64, 64), 64, 64)
    with pytest.raises(InputError, match=r"leave out sample \d+ of.*shorter hop"):
        stft.istft(stft.stft(NOISE, 64, 70, centre=False), 64, 70, centre=False)
    with pytest.raises(InputError, match=r"leave out sample 3\d\d\d of 9000.*n_samples"):
        stft.istft(stft.stft(NOISE, 64, 16), 64, 16, n_samples=9000)


def test_spectra_that_fit_nothing_are_named():
    X = stft.stft(NOISE, 64, 16)
    with pytest.raises(InputError, match=r"X has 20 bins.*n_fft 38.*transposed"):
        stft.istft(X[:, :20], 64, 16)
    with pytest.raises(InputError, match=r"n_fft 128; expected n_fft // 2"):
        stft.istft(X, 64, 16, n_fft=128)
    with pytest.raises(InputError, match=r"X has shape \(33,\)"):
        stft.istft(X[0], 64, 16)
    with pytest.raises(InputError, match=r"X has shape \(0, 33\)"):
        stft.istft(X[:0], 64, 16)
    with pytest.raises(InputError, match="X contains NaN"):
        stft.istft(X * np.nan, 64, 16)
    with pytest.raises(InputError, match="n_samples is -1"):
        stft.istft(X, 64, 16, n_samples=-1)
