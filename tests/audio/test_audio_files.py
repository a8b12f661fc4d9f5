"""The guard in front of the decoder: each case of a hostile or broken file has its answer."""

import io
import os
import socket
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

import ddasp.audio
from ddasp._errors import AudioError, InputError, RunError
from ddasp.audio import files

RATE = 8000
TONE = (0.5 * np.sin(0.3 * np.arange(1600))).astype(np.float32)


def encoded(container="WAV", subtype=None, *, signal=TONE, channels=1, rate=RATE):
    buffer = io.BytesIO()
    sf.write(buffer, np.stack([signal] * channels, axis=1), rate, format=container, subtype=subtype)
    return buffer.getvalue()


WAV = encoded("WAV", "PCM_16")
LONG_TONE = np.tile(TONE, 30)


def with_format(**changes):
    """The WAV with other values in its 'fmt ' chunk."""
    fields = dict(
        zip(
            ("tag", "channels", "rate", "bytes", "align", "bits"),
            struct.unpack("<HHIIHH", WAV[20:36]),
            strict=True,
        )
    )
    return WAV[:20] + struct.pack("<HHIIHH", *(fields | changes).values()) + WAV[36:]


def with_data_size(size):
    return WAV[:40] + struct.pack("<I", size) + WAV[44:]


def flac_claiming(n_frames):
    flac = bytearray(encoded("FLAC"))
    packed = int.from_bytes(flac[18:26], "big") & ~0xFFFFFFFFF | n_frames
    flac[18:26] = packed.to_bytes(8, "big")
    return bytes(flac)


def flipped(content):
    content = bytearray(content)
    content[len(content) // 2] ^= 0x10
    return bytes(content)


def cut(content, share=0.5):
    return content[: int(share * len(content))]


def float_wav(value):
    signal = TONE.copy()
    signal[5] = value
    return encoded("WAV", "FLOAT", signal=signal)


REJECTED = {
    "an empty file": (b"", "E-AUDIO-FORMAT"),
    "one byte": (b"R", "E-AUDIO-FORMAT"),
    "a text": ("Grüße, this is a text.\n".encode() * 10, "E-AUDIO-FORMAT"),
    "a UTF-16 text": ("this is a text".encode("utf-16"), "E-AUDIO-FORMAT"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "E-AUDIO-FORMAT"),
    "noise": (np.random.default_rng(2).bytes(1000), "E-AUDIO-FORMAT"),
    "an AVI film": (b"RIFF\x10\0\0\0AVI LIST" + bytes(100), "E-AUDIO-FORMAT"),
    "a WAV cut at byte 8": (WAV[:8], "E-AUDIO-HEADER"),
    "a WAV cut at byte 12": (WAV[:12], "E-AUDIO-HEADER"),
    "a WAV cut at byte 20": (WAV[:20], "E-AUDIO-HEADER"),
    "a WAV cut at byte 30": (WAV[:30], "E-AUDIO-HEADER"),
    "a WAV cut at byte 40": (WAV[:40], "E-AUDIO-HEADER"),
    "a WAV cut at byte 43": (WAV[:43], "E-AUDIO-EMPTY"),
    "a WAV of a header only": (WAV[:44], "E-AUDIO-EMPTY"),
    "a WAV with half a sample": (WAV[:45], "E-AUDIO-EMPTY"),
    "a WAV of no samples": (with_data_size(0), "E-AUDIO-EMPTY"),
    "a WAV of no channels": (with_format(channels=0), "E-AUDIO-CHANNELS"),
    "a WAV of 65 channels": (encoded("WAV", "PCM_16", channels=65), "E-AUDIO-CHANNELS"),
    "a WAV of 1025 channels": (with_format(channels=1025, align=2050), "E-AUDIO-CHANNELS"),
    "a WAV of rate 0": (with_format(rate=0), "E-AUDIO-RATE"),
    "a WAV of rate 1": (with_format(rate=1), "E-AUDIO-RATE"),
    "a WAV of rate 2^31": (with_format(rate=2**31), "E-AUDIO-RATE"),
    "a WAV of 65535 channels": (with_format(channels=65535, align=65534), "E-AUDIO-CHANNELS"),
    "a WAV of rate 2^32 - 1": (with_format(rate=2**32 - 1), "E-AUDIO-RATE"),
    "a WAV of rate 768001": (with_format(rate=768001), "E-AUDIO-RATE"),
    "a WAV of 0 bits": (with_format(bits=0), "E-AUDIO-HEADER"),
    "a WAV of 33 bits": (with_format(bits=33, align=5), "E-AUDIO-HEADER"),
    "a WAV without 'fmt '": (WAV[:12] + WAV[36:], "E-AUDIO-HEADER"),
    "a WAV of 2000 empty chunks": (WAV[:36] + b"LIST\0\0\0\0" * 2000 + WAV[36:], "E-AUDIO-HEADER"),
    "a WAV with a chunk of 4 GiB": (
        WAV[:36] + b"LIST\xff\xff\xff\xff" + WAV[36:],
        "E-AUDIO-HEADER",
    ),
    "NaN": (float_wav(np.nan), "E-AUDIO-NONFINITE"),
    "infinity": (float_wav(np.inf), "E-AUDIO-NONFINITE"),
    "minus infinity": (float_wav(-np.inf), "E-AUDIO-NONFINITE"),
    "a FLAC of 68 billion frames": (flac_claiming(2**36 - 1), "E-AUDIO-TOOLONG"),
    "a FLAC cut in half": (cut(encoded("FLAC", signal=LONG_TONE)), "E-AUDIO-CORRUPT"),
    "a FLAC cut in its header": (encoded("FLAC")[:30], "E-AUDIO-HEADER"),
    "a FLAC with a flipped bit": (flipped(encoded("FLAC", signal=LONG_TONE)), "E-AUDIO-CORRUPT"),
    "an OGG cut in its headers": (encoded("OGG", signal=LONG_TONE)[:100], "E-AUDIO-CORRUPT"),
    "an MP3 of 100 bytes": (encoded("MP3")[:100], "E-AUDIO-CORRUPT"),
    "an MP3 of an ID3 tag only": (b"ID3\x03\0\0\0\0\0\x0a" + bytes(10), "E-AUDIO-CORRUPT"),
    "an MP3 sync before zeros": (b"\xff\xfb\x90\x00" + bytes(3000), "E-AUDIO-CORRUPT"),
    "an AIFF cut in COMM": (encoded("AIFF", "PCM_16")[:20], "E-AUDIO-HEADER"),
    "an AIFF of a header only": (encoded("AIFF", "PCM_16")[:54], "E-AUDIO-EMPTY"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_unusable_content_is_rejected_with_its_code(tmp_path, case):
    content, code = REJECTED[case]
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError) as caught:
        files.read(path)
    assert caught.value.code == code
    assert len(caught.value.message) > 20


TRUNCATED = {
    "half of the data": (WAV[: 44 + 1600], 1600, 800),
    "an odd byte": (WAV[:-1], 1600, 1599),
    "a streaming writer's size": (with_data_size(0xFFFFFFFF), 2**31 - 1, 1600),
    "a declared 2 GiB": (with_data_size(2**31), 2**30, 1600),
    "a declared 4 GiB": (with_data_size(2**32 - 2), 2**31 - 1, 1600),
    "an AIFF cut": (encoded("AIFF", "PCM_16")[: 54 + 1600], 1600, 800),
    "a FLAC that claims twice its frames": (flac_claiming(3200), 3200, 1600),
}


@pytest.mark.parametrize("case", TRUNCATED)
def test_what_is_left_of_a_truncated_file_is_read_and_flagged_with_numbers(tmp_path, case):
    content, declared, present = TRUNCATED[case]
    path = tmp_path / "a"
    path.write_bytes(content)
    recording = files.read(path)
    assert recording.declared == declared
    assert_allclose(recording.samples[:, 0], TONE[:present], atol=2**-15)
    detail = dict(zip(recording.flags, recording.details, strict=True))["W-AUDIO-TRUNCATED"]
    assert str(declared) in detail
    assert str(present) in detail


def test_a_data_chunk_that_ends_inside_a_frame_is_flagged(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(with_data_size(3199)[:-1])
    recording = files.read(path)
    assert recording.flags == ("W-AUDIO-TRUNCATED",)
    assert recording.declared == len(recording.samples) == 1599


@pytest.mark.parametrize("container", ["OGG", "MP3"])
@pytest.mark.parametrize("damage", [cut, flipped])
def test_a_damaged_lossy_file_is_flagged_as_truncated(tmp_path, container, damage):
    path = tmp_path / f"a.{container.lower()}"
    path.write_bytes(
        damage(encoded(container, signal=LONG_TONE), *([0.8] if damage is cut else []))
    )
    recording = files.read(path)
    assert recording.flags == ("W-AUDIO-TRUNCATED",)
    assert 0 < len(recording.samples) < recording.declared == len(LONG_TONE)


DISAGREEING = {
    # what libsndfile reads by the bits alone: frames, and whether the samples are right
    "a block align of 3 bytes": (with_format(align=3), 1600, True),
    "a block align of 0": (with_format(align=0), 1600, True),
    "7 bits in 2 bytes": (with_format(bits=7), 3200, False),
    "24 bits in 2 bytes": (with_format(bits=24), 1066, False),
    "12 bits in 4 bytes": (with_format(bits=12, align=4), 1600, True),
}


@pytest.mark.parametrize("case", DISAGREEING)
def test_format_fields_that_contradict_each_other_are_flagged_with_numbers(tmp_path, case):
    content, n_frames, right = DISAGREEING[case]
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    recording = files.read(path)
    assert recording.flags[0] == "W-HEADER"
    assert "W-AUDIO-TRUNCATED" not in recording.flags
    assert len(recording.samples) == recording.declared == n_frames
    assert "bytes a frame" in recording.details[0]
    if right:
        assert_allclose(recording.samples[:, 0], TONE, atol=2**-15)


def with_bytes(content, start, new):
    return content[:start] + new + content[start + len(new) :]


AIFF = encoded("AIFF", "PCM_16")
FLAC = encoded("FLAC")

CONTRADICTING = {
    # which two things in the file do not go together, and a word of the finding
    "another rate in a WAV": (with_format(rate=11025), "16000 bytes a second, and 11025 Hz"),
    "mu-law of 16 bits": (with_format(tag=7, bits=16), "16 bits of A-law or mu-law"),
    "a WAV whose data are said to be half as long": (with_data_size(1600), "1600 bytes follow"),
    "an AIFF whose data are said to be half as long": (
        with_bytes(AIFF, AIFF.index(b"SSND") + 4, struct.pack(">I", 1608)),
        "1600 bytes follow",
    ),
    "another rate in a FLAC": (with_bytes(FLAC, 18, b"\x02\xb1\x10"), "the first frame 8000 Hz"),
    "a FLAC said to be half as long": (flac_claiming(800), "MD5"),
    "a FLAC with another checksum": (with_bytes(FLAC, 26, b"\x00\x01"), "MD5"),
}


@pytest.mark.parametrize("case", CONTRADICTING)
def test_what_a_file_says_twice_and_differently_is_flagged(tmp_path, case):
    content, words = CONTRADICTING[case]
    path = tmp_path / "a"
    path.write_bytes(content)
    flags = dict(zip(*(lambda r: (r.flags, r.details))(files.read(path)), strict=True))
    assert words in flags["W-HEADER"]


def test_an_mp3_of_more_samples_than_its_first_frame_counts_is_flagged(tmp_path):
    path = tmp_path / "a.mp3"
    # no longer all zeros: mpg123 takes the frame that counts for one that sounds, and adds it
    path.write_bytes(with_bytes(encoded("MP3"), 6, b"\2"))
    recording = files.read(path)
    assert recording.flags == ("W-HEADER",)
    assert f"counts 1600 samples, and {len(recording.samples)}" in recording.details[0]


AFTER_DATA = {
    "a chunk": b"LIST\4\0\0\0abcd",
    "a chunk at an odd place": b"\0LIST\4\0\0\0abcd",
    "padding": bytes(500),
    "a few bytes": b"\n\n\n",
}


@pytest.mark.parametrize("case", AFTER_DATA)
def test_what_may_stand_behind_the_samples_is_no_finding(tmp_path, case):
    path = tmp_path / "a.wav"
    odd = case == "a chunk at an odd place"
    content = with_data_size(3199)[:-1] if odd else WAV
    path.write_bytes(content + AFTER_DATA[case])
    assert "W-HEADER" not in files.read(path).flags


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 11025, 44100])
def test_the_checksum_of_a_good_flac_holds(tmp_path, subtype, channels, rate):
    path = tmp_path / "a.flac"
    noise = np.random.default_rng(0).uniform(-1, 1, 70_000)  # more than one block
    path.write_bytes(encoded("FLAC", subtype, signal=noise, channels=channels, rate=rate))
    assert files.read(path).flags == ()


def test_samples_that_no_sum_could_hold_are_not_finite(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(float_wav(1e31))
    with pytest.raises(AudioError, match=r"E-AUDIO-NONFINITE: 1 samples .* beyond 1.27e\+30"):
        files.read(path)


def test_12_bits_left_aligned_in_2_bytes_are_no_finding(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(with_format(bits=12))
    assert files.read(path).flags == ()


def test_a_header_of_68_billion_frames_allocates_next_to_nothing(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(flac_claiming(2**36 - 1))
    tracemalloc.start()
    try:
        with pytest.raises(AudioError, match="E-AUDIO-TOOLONG"):
            files.read(path)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_a_flac_of_unknown_length_is_read_whole(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(flac_claiming(0))
    recording = files.read(path)
    assert recording.declared == -1
    assert recording.flags == ()
    assert_allclose(recording.samples[:, 0], TONE, atol=2**-15)


FORMATS = [
    ("WAV", "PCM_16", 2**-15),
    ("WAV", "PCM_24", 2**-23),
    ("WAV", "PCM_32", 2**-23),
    ("WAV", "PCM_U8", 2**-7),
    ("WAV", "FLOAT", 0),
    ("WAV", "DOUBLE", 0),
    ("WAVEX", "PCM_24", 2**-23),
    ("RF64", "PCM_16", 2**-15),
    ("WAV", "ULAW", 0.02),
    ("WAV", "ALAW", 0.02),
    ("AIFF", "PCM_24", 2**-23),
    ("FLAC", "PCM_24", 2**-23),
    ("OGG", "VORBIS", 0.05),
    ("MP3", None, 0.05),
]


@pytest.mark.parametrize(("container", "subtype", "step"), FORMATS)
def test_a_good_file_is_read_without_flags_to_within_its_resolution(
    tmp_path, container, subtype, step
):
    suffix = {"WAVEX": "wav", "RF64": "wav"}.get(container, container.lower())
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(encoded(container, subtype, channels=2))
    recording = files.read(path)
    assert recording.flags == recording.details == ()
    assert recording.rate == RATE
    assert recording.samples.dtype == np.float32
    assert recording.samples.shape[1] == 2
    assert_allclose(recording.samples[:1600, 0], TONE, atol=step)


def test_one_sample_is_a_recording(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(encoded(signal=TONE[1:2]))
    assert files.read(path).samples.shape == (1, 1)


def test_rates_from_1_to_768_kHz_and_64_channels_are_read(tmp_path):
    path = tmp_path / "a.wav"
    for rate in (1000, 768000):
        path.write_bytes(encoded(rate=rate))
        assert files.read(path).rate == rate
    path.write_bytes(encoded(channels=64))
    assert files.read(path).samples.shape == (1600, 64)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_file_longer_than_the_cap_is_rejected(tmp_path, container):
    path = tmp_path / "a"
    path.write_bytes(encoded(container, signal=LONG_TONE))  # 6 s
    with pytest.raises(AudioError, match="E-AUDIO-TOOLONG"):
        files.read(path, max_duration=5.0)
    assert files.read(path, max_duration=6.1).duration == pytest.approx(6.0)


def test_the_cap_bounds_memory_for_many_channels(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(encoded(channels=64, rate=48000))  # 1600 frames of 64 channels: 1/30 s
    with pytest.raises(AudioError, match="E-AUDIO-TOOLONG"):
        files.read(path, max_duration=0.1)  # 0.1 s of 8 channels: 600 frames of 64


@pytest.mark.parametrize("name", ["a.flac", "a.mp3", "a", "a.txt"])
def test_the_content_decides_and_a_wrong_ending_is_flagged(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(WAV)
    recording = files.read(path)
    assert recording.flags == ("W-EXTENSION",)
    assert "WAV" in recording.details[0]


def test_an_ending_in_capitals_is_no_finding(tmp_path):
    path = tmp_path / "A.WAV"
    path.write_bytes(WAV)
    assert files.read(path).flags == ()


def test_a_run_at_full_scale_is_clipping_and_one_peak_is_not(tmp_path):
    path = tmp_path / "a.wav"
    for n_at_full_scale, flags in ((1, ()), (2, ()), (3, ("W-CLIP",))):
        signal = TONE.copy()
        signal[100 : 100 + n_at_full_scale] = 1.0
        files.write(path, signal, RATE)
        assert files.read(path).flags == flags


def test_a_huge_float_is_flagged_as_clipping(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(float_wav(1e30))
    assert files.read(path).flags == ("W-CLIP",)


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    here = os.getcwd()
    os.chdir(tmp_path)  # the name of a socket is limited to about 100 bytes
    try:
        server = socket.socket(socket.AF_UNIX)
        server.bind("socket.wav")
    finally:
        os.chdir(here)
    for name, kind in (("pipe.wav", "pipe"), ("folder.wav", "directory"), ("socket.wav", "socket")):
        with pytest.raises(AudioError, match=f"E-PATH-TYPE: the path is a {kind}"):
            files.read(tmp_path / name)
    server.close()
    with pytest.raises(AudioError, match="device"):
        files.read("/dev/null")


def test_a_file_exchanged_for_a_pipe_after_the_first_look_does_not_hang(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    os.mkfifo(path)
    regular = os.stat(__file__)
    monkeypatch.setattr(os, "stat", lambda *args, **kwargs: regular)
    with pytest.raises(AudioError, match="E-PATH-TYPE"):
        files.read(path)


def test_missing_files_dangling_links_and_loops_are_missing(tmp_path):
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nothing.wav")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    for name in ("nothing.wav", "dangling.wav", "loop.wav", "x" * 300, "zero\0byte.wav"):
        with pytest.raises(AudioError, match="E-PATH-MISSING"):
            files.read(tmp_path / name)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "a.wav"
    path.write_bytes(WAV)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(AudioError, match=r"E-PATH-PERM.*Permission denied"):
        files.read(path)


def test_names_that_are_no_utf8_are_read_as_bytes_str_and_path(tmp_path):
    name = os.path.join(os.fsencode(tmp_path), b"bad\xff\xfename.wav")
    try:
        with open(name, "wb") as file:
            file.write(WAV)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    for path in (name, os.fsdecode(name), tmp_path / os.fsdecode(b"bad\xff\xfename.wav")):
        assert files.read(path).samples.shape == (1600, 1)
    os.rename(name, name + b"\xff")
    (detail,) = files.read(name + b"\xff").details
    detail.encode()  # can be printed and stored


def test_an_mp3_of_garbage_prints_nothing(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(b"\xff\xfb\x90\x00" + np.random.default_rng(0).bytes(5000))
    program = (
        "import sys\nfrom ddasp._errors import AudioError\nfrom ddasp.audio import files\n"
        "try:\n    files.read(sys.argv[1])\nexcept AudioError as error:\n    print(error.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout == "E-AUDIO-CORRUPT\n"


def test_a_format_of_pyav_without_pyav_names_the_command_that_mends_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "ddasp.audio.files_av", raising=False)
    monkeypatch.delattr(ddasp.audio, "files_av", raising=False)
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(100))
    with pytest.raises(AudioError, match=r'MP4; for it: pip install "ddasp\[av\]"') as caught:
        files.read(path)
    assert caught.value.code == "E-AUDIO-FORMAT"


@pytest.mark.parametrize("container", ["MP4", "Matroska", "ASF", "AAC"])
def test_a_broken_file_of_a_format_of_pyav_is_corrupt(tmp_path, container):
    pytest.importorskip("av")
    magic = {
        "MP4": b"\0\0\0\x20ftypM4A ",
        "Matroska": b"\x1a\x45\xdf\xa3",
        "ASF": b"\x30\x26\xb2\x75",
        "AAC": b"\xff\xf1\x50\x80",
    }
    path = tmp_path / "a"
    path.write_bytes(magic[container] + bytes(200))
    with pytest.raises(AudioError, match=r"E-AUDIO-(CORRUPT|FORMAT|HEADER)"):
        files.read(path)


@pytest.mark.parametrize(
    ("name", "codec", "rate"), [("a.m4a", "aac", 16000), ("a.webm", "libopus", 48000)]
)
def test_a_tone_in_a_format_of_pyav_is_read_with_its_frequency_and_level(
    tmp_path, name, codec, rate
):
    av = pytest.importorskip("av")
    path = tmp_path / name
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    with av.open(str(path), "w") as target:
        track = target.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.round(32767 * tone[np.newaxis]).astype(np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = rate
        target.mux(track.encode(frame))
        target.mux(track.encode(None))
    recording = files.read(path)
    middle = recording.samples[rate // 4 : 3 * rate // 4, 0]
    spectrum = np.abs(np.fft.rfft(middle))
    assert recording.rate == rate
    assert recording.flags == ()
    assert np.argmax(spectrum) * rate / len(middle) == 1000
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    with pytest.raises(AudioError, match="E-AUDIO-TOOLONG"):
        files.read(path, max_duration=0.5)


def test_a_film_without_sound_says_so(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as target:
        track = target.add_stream("mpeg4", rate=10)
        track.width = track.height = 16
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        target.mux(track.encode(frame))
        target.mux(track.encode(None))
    with pytest.raises(AudioError, match=r"E-AUDIO-FORMAT.*no audio track"):
        files.read(path)


@pytest.mark.parametrize("container", ["wav", "flac", "aiff"])
@pytest.mark.parametrize(("subtype", "bits"), [("PCM_16", 16), ("PCM_24", 24)])
def test_what_was_written_is_read_back_to_half_a_step(tmp_path, container, subtype, bits):
    path = tmp_path / f"a.{container}"
    signal = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    files.write(path, signal, 44100, subtype=subtype)
    recording = files.read(path)
    assert recording.rate == 44100
    # half a step, a whole one next to +1, and the rounding of float32
    assert_allclose(recording.samples, signal, atol=2.0**-bits + 2.0**-24 + 2.0**-24)


def test_reading_and_writing_again_changes_nothing(tmp_path):
    path = tmp_path / "a.wav"
    codes = np.arange(-32768, 32768, 7, dtype=np.int16)
    sf.write(path, codes, RATE)
    first = files.read(path)
    files.write(path, first.samples, RATE)
    assert files.digest(files.read(path)) == files.digest(first)
    assert_array_equal(sf.read(path, dtype="int16")[0], codes)


def test_float_files_keep_what_lies_beyond_full_scale_and_integers_clip_it(tmp_path):
    path = tmp_path / "a.wav"
    files.write(path, np.array([1.5, -1.5]), RATE, subtype="FLOAT")
    assert_array_equal(files.read(path).samples[:, 0], [1.5, -1.5])
    files.write(path, np.array([1.5, -1.5]), RATE)
    assert_array_equal(files.read(path).samples[:, 0], np.float32([32767 / 32768, -1.0]))


def test_writing_names_the_endings_and_subtypes_it_knows(tmp_path):
    with pytest.raises(InputError, match=r"ending is '\.mp3'; expected one of \.wav"):
        files.write(tmp_path / "a.mp3", TONE, RATE)
    with pytest.raises(InputError, match="did you mean 'PCM_16'"):
        files.write(tmp_path / "a.wav", TONE, RATE, subtype="PCM16")
    with pytest.raises(InputError, match="are no FLAC FLOAT"):
        files.write(tmp_path / "a.flac", TONE, RATE, subtype="FLOAT")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="E-DISK"):
        files.write(tmp_path / "a.wav", TONE, RATE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("container", ["MP3", "OGG", "FLAC", "WAV"])
@pytest.mark.parametrize("channels", [1, 2])
def test_an_encoded_sound_decodes_to_the_same_tone(tmp_path, container, channels):
    path = tmp_path / f"a.{container.lower()}"
    signal = np.repeat(LONG_TONE[:8000, np.newaxis], channels, axis=1)
    path.write_bytes(files.encode(signal, RATE, container=container))
    recording = files.read(path)
    assert recording.samples.shape[1] == channels
    assert_allclose(np.std(recording.samples[2000:6000]), np.std(signal), rtol=0.02)


def test_mp3_takes_any_rate_and_any_channels(tmp_path):
    path = tmp_path / "a.mp3"
    for rate, new_rate in ((1000, 8000), (9000, 11025), (96000, 48000)):
        path.write_bytes(files.encode(np.zeros((rate, 5)), rate))
        recording = files.read(path)
        assert recording.rate == new_rate
        assert recording.samples.shape[1] == 1
        assert recording.duration == pytest.approx(1.0, abs=0.001)


def test_the_digest_knows_samples_rate_and_channels_and_not_the_container(tmp_path):
    for name in ("a.wav", "a.flac", "a.aiff"):
        files.write(tmp_path / name, TONE, RATE)
    digests = {files.digest(files.read(path)) for path in tmp_path.iterdir()}
    assert len(digests) == 1
    samples = np.zeros((4, 1), np.float32)
    others = [
        files.Recording(samples, 8000),
        files.Recording(samples, 8001),
        files.Recording(samples.reshape(2, 2), 8000),
        files.Recording(samples + 1e-7, 8000),
    ]
    assert len({files.digest(r) for r in others}) == 4


def test_a_folder_scan_takes_sounds_and_leaves_the_rest():
    assert {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".m4a"} <= files.SUFFIXES
    assert not {".txt", ".csv", ".toml", ".png", ""} & files.SUFFIXES


def test_many_random_mutations_end_in_a_recording_or_an_audio_error(tmp_path):
    rng = np.random.default_rng(7)
    path = tmp_path / "a.wav"
    for content in (WAV, encoded("AIFF"), encoded("FLAC"), encoded("OGG"), encoded("MP3")):
        for _ in range(40):
            mutant = bytearray(content)
            for position in rng.integers(0, min(len(content), 200), 3):
                mutant[position] = rng.integers(256)
            path.write_bytes(mutant)
            try:
                recording = files.read(path, max_duration=60)
            except AudioError:
                continue
            assert np.isfinite(recording.samples).all()
            assert recording.samples.size > 0
