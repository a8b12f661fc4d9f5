"""Samples from a pipe: however the bytes arrive, the samples are those of the file."""

import io
import os
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from ddasp._errors import AudioError, InputError
from ddasp.audio import files
from ddasp.audio.pcm_stream import open_pcm

RATE = 8000
SIGNAL = np.random.default_rng(3).uniform(-1, 1, (500, 2))


def wav(container="WAV", subtype="PCM_16", *, signal=SIGNAL, endian=None):
    buffer = io.BytesIO()
    sf.write(buffer, signal, RATE, format=container, subtype=subtype, endian=endian)
    return buffer.getvalue()


def chunk(name, content):
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def hand_made(data, *, tag=1, channels=1, bits=16, before=b"", size=None, extensible=False):
    align = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, RATE, RATE * align, align, bits)
    if extensible:
        form = struct.pack("<H", 0xFFFE) + form[2:] + struct.pack("<HHIH", 22, bits, 0, tag)
        form += bytes.fromhex("000000001000800000aa00389b71")
    content = b"WAVE" + chunk(b"fmt ", form) + before
    content += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF if size else len(content)) + content


class Dribble(io.RawIOBase):
    """A pipe that hands out its bytes in portions of given sizes."""

    def __init__(self, content, sizes):
        self.left, self.sizes = content, list(sizes)

    def readable(self):
        return True

    def seekable(self):
        return False

    def readinto(self, buffer):
        n = min(len(buffer), self.sizes.pop(0) if self.sizes else len(self.left))
        part, self.left = self.left[:n], self.left[n:]
        buffer[: len(part)] = part
        return len(part)


def through(content, sizes=(), **settings):
    blocks = open_pcm(Dribble(content, sizes), **settings)
    parts = list(blocks)
    return np.concatenate(parts), blocks


SUBTYPES = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64", "RIFX"])
@pytest.mark.parametrize("subtype", SUBTYPES)
def test_a_wav_gives_the_samples_of_the_file(tmp_path, container, subtype):
    content = wav("WAV", subtype, endian="BIG") if container == "RIFX" else wav(container, subtype)
    assert content[:4] == (container.encode() if container in ("RF64", "RIFX") else b"RIFF")
    (tmp_path / "a.wav").write_bytes(content)
    whole = files.read(tmp_path / "a.wav")
    samples, blocks = through(content)
    assert_array_equal(samples, whole.samples)
    assert (blocks.rate, blocks.n_channels) == (RATE, 2)
    assert blocks.declared == blocks.n_frames == 500
    assert blocks.flags == whole.flags == ()


@given(
    sizes=st.lists(st.integers(1, 100), max_size=60),
    subtype=st.sampled_from(SUBTYPES),
    n=st.integers(1, 60),
)
def test_every_cut_of_a_wav_into_reads_gives_the_same_samples(sizes, subtype, n):
    content = wav("WAVEX", subtype, signal=SIGNAL[:n])
    samples, blocks = through(content, sizes)
    assert_array_equal(samples, through(content)[0])
    assert blocks.flags == ()
    assert len(samples) == n


RAW = {"PCM_16": "<i2", "PCM_32": "<i4", "FLOAT": "<f4", "DOUBLE": "<f8"}


@given(sizes=st.lists(st.integers(1, 30), max_size=60), subtype=st.sampled_from([*RAW, "PCM_24"]))
def test_every_cut_of_raw_pcm_into_reads_gives_the_samples_of_a_wav(sizes, subtype):
    content = wav("WAV", subtype, signal=SIGNAL[:40])
    data = content[content.index(b"data") + 8 :]
    samples, _ = through(data, sizes, rate=RATE, channels=2, subtype=subtype)
    assert_array_equal(samples, through(content)[0])


@pytest.mark.parametrize("subtype", RAW)
def test_raw_pcm_is_little_endian_with_full_scale_one(subtype):
    values = np.array([0.0, 0.5, -1.0, 0.25])
    kind = np.dtype(RAW[subtype])
    scale = 1 if kind.kind == "f" else 2.0 ** (8 * kind.itemsize - 1)
    samples, blocks = through((values * scale).astype(kind).tobytes(), rate=1000, subtype=subtype)
    assert_array_equal(samples[:, 0], values)
    assert samples.dtype == np.float32
    assert (blocks.rate, blocks.n_channels, blocks.declared) == (1000, 1, -1)


CODES = np.array([1, -2, 3, 32767, -32768, 5], "<i2")


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 0x80000000])
@pytest.mark.parametrize("extensible", [False, True])
def test_sizes_of_writers_that_could_not_know_mean_until_the_end(size, extensible):
    content = hand_made(CODES.tobytes(), size=size, extensible=extensible)
    samples, blocks = through(content, [1] * 200)
    assert_array_equal(samples[:, 0] * 32768, CODES)
    assert blocks.declared == -1
    assert blocks.flags == ()


def test_an_rf64_of_unknown_length_is_read_to_its_end():
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, 2**64 - 1, 0, 0))
    content = hand_made(CODES.tobytes(), size=0xFFFFFFFF)
    content = b"RF64" + content[4:12] + ds64 + content[12:]
    samples, blocks = through(content)
    assert_array_equal(samples[:, 0] * 32768, CODES)
    assert blocks.declared == -1


def test_chunks_before_the_samples_are_skipped_and_those_behind_are_not_read():
    before = chunk(b"LIST", b"INFOISFT\x05\0\0\0Lavf\0") + chunk(b"odd ", b"123")
    after = chunk(b"LIST", b"behind")
    file = io.BytesIO(hand_made(CODES.tobytes(), before=before) + after)
    samples = np.concatenate(list(open_pcm(file)))
    assert_array_equal(samples[:, 0] * 32768, CODES)
    assert file.read() == after


def test_a_stream_that_ends_too_early_is_flagged_with_numbers():
    samples, blocks = through(hand_made(CODES.tobytes())[:-5])
    assert len(samples) == 3
    assert blocks.flags == ("W-AUDIO-TRUNCATED",)
    assert blocks.details == ("the WAV declares 6 frames, the stream holds 3 frames",)


def test_a_cut_inside_a_frame_is_flagged_with_numbers():
    samples, blocks = through(CODES.tobytes()[:-1], [5, 1, 3], rate=RATE, channels=2)
    assert_array_equal(samples * 32768, CODES[:4].reshape(2, 2))
    assert blocks.flags == ("W-AUDIO-TRUNCATED",)
    assert "inside a frame: 3 bytes follow 2 frames" in blocks.details[0]


def test_a_block_comes_as_soon_as_its_bytes_are_there():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source, os.fdopen(writer, "wb", buffering=0) as target:
        target.write(CODES.tobytes())  # twelve bytes, and the pipe stays open
        blocks = open_pcm(source, rate=RATE)
        assert_array_equal(next(blocks)[:, 0] * 32768, CODES)
        target.write(CODES[:1].tobytes() + b"\x07")
        assert_array_equal(next(blocks)[:, 0] * 32768, CODES[:1])
        target.write(b"\x00")
        assert_array_equal(next(blocks)[:, 0] * 32768, [7])
        threading.Timer(0.05, target.close).start()
        assert list(blocks) == []
    assert blocks.flags == ()


def test_standard_input_of_a_program_is_such_a_stream():
    program = (
        "import sys\nfrom ddasp.audio.pcm_stream import open_pcm\n"
        "blocks = open_pcm(sys.stdin.buffer)\n"
        "print(sum(map(len, blocks)), blocks.rate, blocks.n_channels, blocks.flags)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=wav(), capture_output=True, check=True
    )
    assert done.stdout == b"500 8000 2 ()\n"


def test_fields_that_contradict_each_other_are_flagged():
    content = hand_made(CODES.tobytes()).replace(b"\x02\0\x10\0data", b"\x03\0\x10\0data")
    samples, blocks = through(content)
    assert_array_equal(samples[:, 0] * 32768, CODES)
    assert blocks.flags == ("W-HEADER",)


def test_clipping_is_found_across_blocks():
    _, blocks = through(np.full(10, 32767, "<i2").tobytes(), [12, 2, 2, 2, 2], rate=RATE)
    assert blocks.flags == ("W-CLIP",)


REFUSED = {
    "nothing": (b"", {}, "E-AUDIO-FORMAT"),
    "raw PCM without a rate": (CODES.tobytes(), {}, "E-AUDIO-FORMAT"),
    "a FLAC": (wav("FLAC"), {"rate": RATE}, "E-AUDIO-FORMAT"),
    "an OGG": (wav("OGG", "VORBIS"), {"rate": RATE}, "E-AUDIO-FORMAT"),
    "an AIFF": (wav("AIFF"), {"rate": RATE}, "E-AUDIO-FORMAT"),
    "an AVI film": (b"RIFF\x10\0\0\0AVI LIST" + bytes(100), {}, "E-AUDIO-FORMAT"),
    "mu-law": (wav("WAV", "ULAW"), {}, "E-AUDIO-FORMAT"),
    "a WAV cut in its header": (wav()[:30], {}, "E-AUDIO-HEADER"),
    "a WAV cut before its data": (wav()[:36], {}, "E-AUDIO-HEADER"),
    "floats of 16 bits": (hand_made(b"1234", tag=3), {}, "E-AUDIO-HEADER"),
    "a chunk of 4 GiB": (
        hand_made(b"12", before=b"LIST\xff\xff\xff\xff"),
        {},
        "E-AUDIO-HEADER",
    ),
    "2000 empty chunks": (
        hand_made(b"12", before=chunk(b"LIST", b"") * 2000),
        {},
        "E-AUDIO-HEADER",
    ),
    "no channels": (hand_made(b"12", channels=0), {}, "E-AUDIO-CHANNELS"),
    "65 channels": (hand_made(b"12", channels=65), {}, "E-AUDIO-CHANNELS"),
    "another rate than given": (wav(), {"rate": 16000}, "E-AUDIO-RATE"),
    "other channels than given": (wav(), {"channels": 1}, "E-AUDIO-CHANNELS"),
    "a raw rate of 1": (CODES.tobytes(), {"rate": 1}, "E-AUDIO-RATE"),
    "65 raw channels": (CODES.tobytes(), {"rate": RATE, "channels": 65}, "E-AUDIO-CHANNELS"),
    "no raw channels": (CODES.tobytes(), {"rate": RATE, "channels": 0}, "E-AUDIO-CHANNELS"),
    "a WAV of no samples": (hand_made(b""), {}, "E-AUDIO-EMPTY"),
    "raw PCM of no samples": (b"", {"rate": RATE}, "E-AUDIO-EMPTY"),
    "NaN": (
        np.array([0, np.nan], "<f4").tobytes(),
        {"rate": RATE, "subtype": "FLOAT"},
        "E-AUDIO-NONFINITE",
    ),
    "1e300": (
        np.array([1e300], "<f8").tobytes(),
        {"rate": RATE, "subtype": "DOUBLE"},
        "E-AUDIO-NONFINITE",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_unusable_streams_are_refused_with_their_code(case):
    content, settings, code = REFUSED[case]
    with pytest.raises(AudioError) as caught:
        through(content, [7] * 100, **settings)
    assert caught.value.code == code
    assert len(caught.value.message) > 20


def test_a_claimed_chunk_of_4_GiB_is_not_waited_for():
    class Endless(Dribble):
        n_read = 0

        def readinto(self, buffer):
            self.n_read += len(buffer)
            return super().readinto(buffer) if self.left else len(buffer)

    stream = Endless(hand_made(b"12", before=b"LIST\xff\xff\xff\xff"), [])
    with pytest.raises(AudioError, match="bytes of other chunks come before the samples"):
        open_pcm(stream)
    assert stream.n_read < 1000


def test_a_wav_may_be_told_what_it_says_itself():
    samples, _ = through(wav(), rate=RATE, channels=2)
    assert len(samples) == 500


def test_wrong_arguments_are_explained():
    with pytest.raises(InputError, match="did you mean 'PCM_16'"):
        open_pcm(io.BytesIO(), rate=RATE, subtype="PCM16")
    with pytest.raises(InputError, match=r"rate is 8000\.0; expected an integer"):
        open_pcm(io.BytesIO(bytes(20)), rate=8000.0)
