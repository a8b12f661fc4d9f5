"""Files block by block: the same samples and findings as whole, in flat memory."""

import io
import os
import sys
import tracemalloc

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from ddasp._errors import AudioError, InputError
from ddasp.audio import files, levels
from ddasp.audio.blocks import read_blocks
from ddasp.audio.sample_blocks import ClippingCounter, SampleBlocks

RATE = 8000
TONE = np.stack([0.5 * np.sin(0.3 * np.arange(20_000)), np.zeros(20_000)], axis=1)


def write(path, signal=TONE, container="WAV", subtype=None, rate=RATE):
    buffer = io.BytesIO()
    sf.write(buffer, signal, rate, format=container, subtype=subtype)
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize("container", ["WAV", "AIFF", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("block", [501, 1 << 16])
def test_the_blocks_of_a_file_are_its_samples(tmp_path, container, block):
    path = write(tmp_path / "a", container=container)
    whole = files.read(path)
    with read_blocks(path, block=block) as blocks:
        assert (blocks.rate, blocks.n_channels, blocks.n_frames) == (RATE, 2, 0)
        parts = list(blocks)
        assert blocks.n_frames == len(whole.samples)
        assert (blocks.flags, blocks.details) == (whole.flags, whole.details)
        assert blocks.declared == whole.declared
    assert {part.dtype for part in parts} == {np.dtype(np.float32)}
    assert 0 < max(map(len, parts)) <= block
    assert_array_equal(np.concatenate(parts), whole.samples)


def test_the_blocks_of_a_file_of_pyav_are_its_samples(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w") as target:
        track = target.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.round(9000 * np.sin(0.2 * np.arange(16000)))[np.newaxis].astype(np.int16),
            format="s16", layout="mono",
        )  # fmt: skip
        frame.sample_rate = 16000
        target.mux(track.encode(frame))
        target.mux(track.encode(None))
    with read_blocks(path, block=100) as blocks:
        assert (blocks.rate, blocks.n_channels) == (16000, 1)
        parts = list(blocks)
    assert max(map(len, parts)) == 100
    assert_array_equal(np.concatenate(parts), files.read(path).samples)


def test_memory_is_flat_in_the_length_of_the_file(tmp_path):
    peaks = []
    for n_seconds in (20, 200):
        path = write(tmp_path / "a.wav", np.zeros((n_seconds * 16000, 1), np.float32), rate=16000)
        tracemalloc.start()
        with read_blocks(path, block=4096) as blocks:
            assert sum(map(len, blocks)) == n_seconds * 16000
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 1e6  # the longer file holds 12.8 MB of float32


def test_a_truncation_is_known_at_the_end_and_a_wrong_ending_at_once(tmp_path):
    path = write(tmp_path / "a.mp3")
    path.write_bytes(path.read_bytes()[:-40_000])
    with read_blocks(path, block=3000) as blocks:
        next(blocks)
        assert blocks.flags == ("W-EXTENSION",)
        list(blocks)
        assert blocks.flags == ("W-AUDIO-TRUNCATED", "W-EXTENSION")
        assert "declares 20000 frames, the file holds 10000 frames" in blocks.details[0]


def test_what_comes_before_a_nan_is_given_and_then_the_place_is_named(tmp_path):
    signal = TONE.copy()
    signal[12_000] = np.nan
    path = write(tmp_path / "a.wav", signal, subtype="FLOAT")
    with (
        pytest.raises(AudioError, match=r"E-AUDIO-NONFINITE: 2 samples after 1\.250 s"),
        read_blocks(path, block=5000) as blocks,
    ):
        seen = [len(block) for block in blocks]
    with read_blocks(path, block=5000) as blocks:
        seen = [len(next(blocks)), len(next(blocks))]
    assert seen == [5000, 5000]


def test_the_cap_stops_decoding_where_it_lies(tmp_path):
    path = write(tmp_path / "a.ogg", container="OGG")  # 2.5 s
    seen = []
    with (
        pytest.raises(AudioError, match="E-AUDIO-TOOLONG"),
        read_blocks(path, max_duration=1.0, block=1000) as blocks,
    ):
        seen.extend(map(len, blocks))
    assert sum(seen) == 8000


def test_no_file_stays_open_and_no_block_comes_after_the_with(tmp_path):
    path = write(tmp_path / "a.wav")
    n_open = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    with read_blocks(path, block=1000) as blocks:
        next(blocks)
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) == n_open
    with pytest.raises(InputError, match="outside the with"):
        next(blocks)


def test_the_reader_of_an_mp3_leaves_standard_error_to_the_caller(tmp_path, capfd):
    path = write(tmp_path / "a.mp3", container="MP3")
    with read_blocks(path, block=4000) as blocks:
        for _ in blocks:
            os.write(2, b".")
    assert set(capfd.readouterr().err) == {"."}


def test_an_error_of_the_caller_is_not_taken_for_one_of_the_decoder(tmp_path):
    path = write(tmp_path / "a.mp3", container="MP3")
    with pytest.raises(ValueError, match="mine"), read_blocks(path) as blocks:
        raise ValueError(f"mine, after {len(next(blocks))} samples")


def test_wrong_arguments_are_explained(tmp_path):
    path = write(tmp_path / "a.wav")
    with pytest.raises(InputError, match="block is 0"), read_blocks(path, block=0):
        pass
    with pytest.raises(InputError, match="max_duration is -1"), read_blocks(path, max_duration=-1):
        pass


@given(st.lists(st.lists(st.sampled_from([0.5, 1.0, -1.0, 1.5, 0.0]), max_size=9), max_size=6))
def test_clipping_counted_in_blocks_is_that_of_the_whole(parts):
    counter = ClippingCounter()
    for part in parts:
        counter.add(np.array([part, part[::-1]], np.float32).T.reshape(-1, 2))
    whole = np.concatenate([np.array([p, p[::-1]]).T.reshape(-1, 2) for p in [[], *parts]])
    # the same counts, divided once
    assert counter.fraction == pytest.approx(levels.clipped_fraction(whole), rel=1e-12)
    assert counter.peak == levels.peak(whole)


def test_a_run_that_crosses_a_border_of_blocks_is_clipping():
    counter = ClippingCounter()
    for block in (np.zeros(5), np.ones(2), np.ones(1), np.zeros(2)):
        counter.add(block[:, np.newaxis])
    assert counter.fraction == 0.3


def test_blocks_without_samples_are_an_error_at_their_end():
    with pytest.raises(AudioError, match="E-AUDIO-EMPTY"):
        next(SampleBlocks(iter([]), 8000, 1))
