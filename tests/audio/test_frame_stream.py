"""A signal in pieces gives the frames of the whole signal, however it is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.audio import mel, stft
from ddasp.audio.frame_stream import FrameStream
from ddasp.audio.mel_spectrogram import log_mel_frames, log_mel_spectrogram

SIGNAL = np.random.default_rng(0).normal(size=4000)


def streamed(stream, x, cuts):
    pieces = np.split(x, sorted(min(c, len(x)) for c in cuts))
    return np.concatenate([*(stream.push(piece) for piece in pieces), stream.flush()])


@settings(max_examples=300)
@given(
    n=st.integers(0, 120),
    frame_length=st.integers(1, 40),
    hop=st.integers(1, 60),
    centre=st.booleans(),
    single=st.booleans(),
    cuts=st.lists(st.integers(0, 120), max_size=12),
)
def test_the_frames_are_those_of_the_whole_signal(n, frame_length, hop, centre, single, cuts):
    x = SIGNAL[:n].astype(np.float32 if single else np.float64)
    expected = stft.frames(x, frame_length, hop, centre=centre)
    frames = streamed(FrameStream(frame_length, hop, centre=centre), x, cuts)
    assert_array_equal(frames, expected)
    assert frames.dtype == x.dtype


@pytest.mark.parametrize("centre", [True, False])
def test_single_samples_and_empty_pieces_are_fine(centre):
    x = SIGNAL[:100]
    every = list(range(100)) * 2  # each sample alone, an empty piece between
    frames = streamed(FrameStream(16, 5, centre=centre), x, every)
    assert_array_equal(frames, stft.frames(x, 16, 5, centre=centre))


def test_a_frame_comes_as_soon_as_its_samples_are_there():
    stream = FrameStream(20, 10)
    assert len(stream.push(SIGNAL[:9])) == 0
    assert len(stream.push(SIGNAL[9:10])) == 1  # half a frame of zeros, half of samples
    assert len(stream.push(SIGNAL[10:19])) == 0
    assert len(stream.push(SIGNAL[19:40])) == 3
    assert len(stream.flush()) == 1


def test_what_is_kept_is_shorter_than_a_frame():
    stream = FrameStream(64, 10)
    for start in range(0, 4000, 100):
        stream.push(SIGNAL[start : start + 100])
        kept = stream._kept
        assert len(kept) < 64
        assert kept.base is None  # and holds on to nothing larger


def test_the_frames_of_one_push_stay_as_they_are():
    stream = FrameStream(8, 4)
    first = stream.push(SIGNAL[:20])
    before = first.copy()
    stream.push(SIGNAL[20:60])
    stream.flush()
    assert_array_equal(first, before)
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1.0


def test_after_the_end_another_signal_begins():
    stream = FrameStream(16, 4)
    first = streamed(stream, SIGNAL[:50], [7])
    again = streamed(stream, SIGNAL[:50].astype(np.float32), [20, 30])
    assert_array_equal(first.astype(np.float32), again)
    assert again.dtype == np.float32


def test_an_empty_signal_gives_the_frame_of_an_empty_signal():
    for centre in (True, False):
        expected = stft.frames([], 6, 2, centre=centre)
        assert_array_equal(FrameStream(6, 2, centre=centre).flush(), expected)


@settings(max_examples=25)
@given(n=st.sampled_from([0, 1, 300, 4000]), cuts=st.lists(st.integers(0, 4000), max_size=8))
def test_log_mel_and_mfcc_of_a_stream_are_those_of_the_file(n, cuts):
    rate, bands, x = 8000, mel.MelBands(24, 60.0, 4000.0), SIGNAL[:n]
    stream = FrameStream(256, 80)
    pieces = np.split(x, sorted(min(c, n) for c in cuts))
    frames = [*(stream.push(piece) for piece in pieces), stream.flush()]
    rows = np.concatenate([log_mel_frames(F, rate, bands) for F in frames])
    whole = log_mel_spectrogram(x, rate, bands, 256, 80)
    assert_array_equal(rows, whole)  # compiled: each lane computes what it would compute alone
    assert_allclose(mel.mfcc(rows), mel.mfcc(whole), atol=1e-6)
    # and so step by step, with the readable functions
    W = mel.filter_bank(bands, 256, rate)
    steps = [mel.log_mel(stft.power(stft.spectra(F)), W) for F in frames if len(F)]
    assert_allclose(np.concatenate(steps), whole, atol=1e-6)


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match="frame_length is 0"):
        FrameStream(0, 1)
    with pytest.raises(InputError, match=r"hop_length is 2\.5"):
        FrameStream(4, 2.5)
    with pytest.raises(InputError, match=r"chunk has shape \(2, 2\)"):
        FrameStream(4, 2).push(np.zeros((2, 2)))
    with pytest.raises(InputError, match="chunk contains NaN"):
        FrameStream(4, 2).push([np.nan])
