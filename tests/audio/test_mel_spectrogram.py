"""Quick log-mel spectra against the readable ones, librosa, and themselves in other pieces."""

import subprocess
import sys
import warnings

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.audio import mel, mel_loops, mel_spectrogram, stft
from ddasp.audio.mel import MelBands
from ddasp.audio.mel_spectrogram import log_mel_frames, log_mel_spectrogram

RATE = 16000
NOISE = np.random.default_rng(0).normal(size=40_000)
BANDS = MelBands(64, 0.0, 8000.0)


def readable(x, bands, frame_length, hop):
    n_fft = stft.next_power_of_2(frame_length)
    W = mel.filter_bank(bands, n_fft, RATE)
    return mel.log_mel(stft.power_spectra(x, frame_length, hop, n_fft=n_fft), W)


@pytest.fixture(params=["compiled", "numpy"])
def engine(request, monkeypatch):
    """Both ways of computing, whatever is installed."""
    if request.param == "numpy":
        monkeypatch.setattr(mel_spectrogram, "_loops", lambda: None)
    mel_spectrogram._plan.cache_clear()
    yield request.param
    mel_spectrogram._plan.cache_clear()


@pytest.mark.parametrize("frame_length", [1, 20, 32, 33, 200, 400, 512, 1024, 5000])
@pytest.mark.parametrize("n_mels", [1, 40, 64])
def test_the_levels_are_those_of_the_readable_steps(engine, frame_length, n_mels):
    bands = MelBands(n_mels, 0.0, 8000.0)
    for n, hop in [(0, 1), (1, 7), (900, 40), (900, 1000), (5000, 160), (2000, 3)]:
        ours = log_mel_spectrogram(NOISE[:n], RATE, bands, frame_length, hop)
        theirs = readable(NOISE[:n], bands, frame_length, hop)
        assert ours.shape == theirs.shape
        # two ways of rounding in a transform: 1e-15 of the loudest bin of a frame
        assert_allclose(ours, theirs, atol=1e-6)


@settings(max_examples=40)
@given(
    n=st.integers(0, 3000),
    frame_length=st.integers(1, 300),
    hop=st.integers(1, 400),
    norm=st.sampled_from(["sum", "area", "peak"]),
    warp=st.sampled_from([0.92, 1.0, 1.08]),
)
def test_the_levels_are_those_of_the_readable_steps_for_any_frames(
    n, frame_length, hop, norm, warp
):
    bands = MelBands(13, 60.0, 7200.0, norm=norm, warp=warp)
    ours = log_mel_spectrogram(NOISE[:n], RATE, bands, frame_length, hop)
    assert_allclose(ours, readable(NOISE[:n], bands, frame_length, hop), atol=1e-6)


def test_float32_is_as_good_as_float32_can_be(engine):
    x = NOISE.astype(np.float32)
    ours = log_mel_spectrogram(x, RATE, BANDS, 512, 160)
    assert ours.dtype == np.float32
    # noise: all bins are near the loudest; an error of 4 eps of a power is 2e-6 dB, and the level
    # itself, up to 60 dB, is rounded to 4e-6
    assert_allclose(ours, readable(NOISE, BANDS, 512, 160), atol=2e-4)


def test_weak_bands_beside_a_strong_tone_keep_their_level(engine):
    t = np.arange(RATE) / RATE
    x = np.sin(2 * np.pi * 1000 * t) + 1e-4 * np.sin(2 * np.pi * 6000 * t)  # 80 dB below
    single = log_mel_spectrogram(x.astype(np.float32), RATE, BANDS, 512, 160)
    double = readable(x, BANDS, 512, 160)
    loud = double > double.max() - 85
    assert loud[50].sum() < 40
    assert_allclose(single[loud], double[loud], atol=0.05)  # noise of float32 lies at -120 dB


def test_librosa_agrees(engine):
    theirs = librosa.feature.melspectrogram(
        y=NOISE, sr=RATE, n_fft=512, hop_length=160, n_mels=40, fmax=8000, pad_mode="constant"
    )
    bands = MelBands(40, 0.0, 8000.0, norm="area")
    ours = log_mel_spectrogram(NOISE, RATE, bands, 512, 160)
    # librosa keeps its bank in float32
    assert_allclose(ours, librosa.power_to_db(theirs, amin=1e-12, top_db=None).T, atol=1e-4)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(theirs, amin=1e-12, top_db=None), n_mfcc=13)
    assert_allclose(mel.mfcc(ours, 13), mfcc.T, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_silence_lies_at_the_floor(engine, dtype):
    L = log_mel_spectrogram(np.zeros(5000, dtype), RATE, BANDS, 512, 160)
    assert_allclose(L, -120.0, rtol=1e-6)
    assert L.dtype == dtype


def test_a_band_without_a_bin_lies_at_the_floor(engine):
    bands = MelBands(40, 0.0, 8000.0, norm="peak")  # so narrow below that some triangles are empty
    W = mel.filter_bank(bands, 64, RATE)
    L = log_mel_spectrogram(NOISE, RATE, bands, 64, 160)
    assert (W.sum(axis=1) == 0).any()
    assert_allclose(L[:, W.sum(axis=1) == 0], -120.0)


@pytest.mark.parametrize("n_threads", [2, 3, 50])
def test_the_number_of_threads_changes_no_digit(monkeypatch, n_threads):
    monkeypatch.setattr(mel_spectrogram, "SHORT", 20)
    one = log_mel_spectrogram(NOISE, RATE, BANDS, 512, 160)
    many = log_mel_spectrogram(NOISE, RATE, BANDS, 512, 160, n_threads=n_threads)
    assert_array_equal(one, many)


@pytest.mark.parametrize(("frame_length", "hop"), [(512, 160), (200, 80), (64, 100), (301, 7)])
def test_long_signals_are_computed_in_parts_without_a_seam(engine, monkeypatch, frame_length, hop):
    whole = log_mel_spectrogram(NOISE, RATE, BANDS, frame_length, hop)
    monkeypatch.setattr(mel_spectrogram, "SHORT", 1)
    monkeypatch.setattr(mel_spectrogram, "BLOCK", 7)
    parts = log_mel_spectrogram(NOISE, RATE, BANDS, frame_length, hop, n_threads=2)
    assert_allclose(parts, whole, atol=1e-9)


def test_frames_have_the_levels_of_their_signal(engine):
    expected = log_mel_spectrogram(NOISE, RATE, BANDS, 400, 160)
    views = stft.frames(NOISE, 400, 160)
    for F in (views, views.copy(), np.asfortranarray(views)):
        assert_allclose(log_mel_frames(F, RATE, BANDS), expected, atol=1e-9)
    assert_allclose(log_mel_frames(views[::3], RATE, BANDS), expected[::3], atol=1e-9)
    assert_allclose(log_mel_frames(views[::-1], RATE, BANDS), expected[::-1], atol=1e-9)
    same = np.broadcast_to(views[7], (20, 400))
    assert_allclose(log_mel_frames(same, RATE, BANDS), expected[[7] * 20], atol=1e-9)
    assert log_mel_frames(views[:0], RATE, BANDS).shape == (0, 64)


@pytest.mark.parametrize("frame_length", [200, 256, 301])
def test_nothing_behind_the_samples_is_read(engine, frame_length):
    x = np.full(2000, np.nan)
    x[:1900] = NOISE[:1900]
    for hop in (1, 7, 80):
        views = stft.frames(x[:1900], frame_length, hop, centre=False)  # no copy: NaN behind them
        expected = log_mel_frames(views.copy(), RATE, BANDS)
        assert_allclose(log_mel_frames(views, RATE, BANDS), expected, atol=1e-9)


def test_the_signal_stays_as_it_is(engine):
    x = NOISE[:3000].copy()
    log_mel_spectrogram(x, RATE, BANDS, 512, 160)
    log_mel_spectrogram(x[::2], RATE, BANDS, 512, 160)  # not contiguous
    assert_array_equal(x, NOISE[:3000])


def test_the_tables_of_the_loop_describe_the_transform():
    for n in (1, 2, 4, 8, 16, 128):
        k = mel_loops.places(n)
        assert_array_equal(np.sort(k), np.arange(n))
        assert len(mel_loops.twiddles(n)) == 6 * sum(n // 4**i for i in range(1, 8) if n >= 4**i)
    assert_allclose(mel_loops.turns(4)[2:4], [np.sqrt(0.5), -np.sqrt(0.5)])
    W = mel.filter_bank(BANDS, 512, RATE)
    weights, borders = mel_loops.triangles(W)
    assert_allclose(weights.sum(), W.sum())
    assert len(borders) == 2 * 64


def test_the_room_is_imported_without_numba():
    code = (
        "import sys; from ddasp.audio import mel, stft, frame_stream, pitch, chroma, onsets, "
        "spectrum, mel_spectrogram; assert not {'numba', 'llvmlite'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_numba_numpy_computes_and_says_so_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "ddasp.audio.mel_loops", None)
    mel_spectrogram._loops.cache_clear()
    mel_spectrogram._plan.cache_clear()
    try:
        with pytest.warns(UserWarning, match=r"W-ENGINE.*pip install numba"):
            ours = log_mel_spectrogram(NOISE, RATE, BANDS, 512, 160)
        with warnings.catch_warnings(action="error"):
            log_mel_spectrogram(NOISE, RATE, BANDS, 256, 160)
        assert_allclose(ours, readable(NOISE, BANDS, 512, 160), atol=1e-6)
    finally:
        mel_spectrogram._loops.cache_clear()
        mel_spectrogram._plan.cache_clear()


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match=r"signal has shape \(10, 2\).*mix the channels"):
        log_mel_spectrogram(np.zeros((10, 2)), RATE, BANDS, 512, 160)
    with pytest.raises(InputError, match="hop_length is 0"):
        log_mel_spectrogram(NOISE, RATE, BANDS, 512, 0)
    with pytest.raises(InputError, match="frame_length is 0"):
        log_mel_spectrogram(NOISE, RATE, BANDS, 0, 160)
    with pytest.raises(InputError, match="n_threads is 0"):
        log_mel_spectrogram(NOISE, RATE, BANDS, 512, 160, n_threads=0)
    with pytest.raises(InputError, match=r"views has shape \(40000,\)"):
        log_mel_frames(NOISE, RATE, BANDS)
    with pytest.raises(InputError, match="signal contains NaN"):
        log_mel_spectrogram([np.nan], RATE, BANDS, 512, 160)
