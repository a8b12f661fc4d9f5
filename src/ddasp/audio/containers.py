"""What the first bytes of a sound file say: its container and what its header declares.

The content decides, never the name. The headers of WAV, AIFF and FLAC are parsed here, because
decoders believe them (or mend them without a word): a file of 3 kB that declares 4 GiB, one that
was cut in half, one that claims 68 billion frames.

*Conventions*: a frame is one sample of every channel. A number that the header doesn't tell
is -1. Nothing is allocated by the size that a header claims.

*References*: Microsoft and IBM 1991, *Multimedia Programming Interface and Data Specifications
1.0* (RIFF); EBU Tech 3306 (2009, RF64); Apple 1989, *AIFF 1.3*; RFC 9639 (FLAC), 8.2 and 9.1.2;
RFC 3533 (Ogg), 6; ISO/IEC 11172-3 (MPEG audio), 2.4.1.3; the Xing/LAME tag of MP3 (LAME's mp3info).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from ddasp._errors import AudioError

__all__ = [
    "NATIVE",
    "SUFFIXES_OF",
    "Forward",
    "Header",
    "WavFormat",
    "read_header",
    "read_wav_start",
]

SUFFIXES_OF: dict[str, tuple[str, ...]] = {
    "WAV": (".wav", ".wave", ".bwf", ".rf64"),
    "AIFF": (".aif", ".aiff", ".aifc"),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "MP3": (".mp3", ".mp2"),
    "MP4": (".m4a", ".mp4", ".m4b", ".mov", ".3gp"),
    "Matroska": (".webm", ".mka", ".mkv"),
    "AAC": (".aac",),
    "ASF": (".wma", ".asf"),
    "CAF": (".caf",),
    "AU": (".au", ".snd"),
}
"""The usual endings of each container's names."""

NATIVE = ("WAV", "AIFF", "FLAC", "OGG", "MP3")
"""Containers that libsndfile reads; the others need PyAV."""

MAX_CHUNKS = 1000
MAX_OGG_PAGE = 65307
FLAC_RATES = {
    1: 88200, 2: 176400, 3: 192000, 4: 8000, 5: 16000, 6: 22050, 7: 24000, 8: 32000, 9: 44100,
    10: 48000, 11: 96000,
}  # fmt: skip
PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE


@dataclass(frozen=True)
class Header:
    """What a header declares; -1 where it doesn't say.

    Parameters
    ----------
    container : str
        A key of `SUFFIXES_OF`.
    channels : int
        Number of channels.
    rate : int
        Sampling rate [Hz].
    declared : int
        Number of frames that the header claims.
    present : int
        Number of whole frames that the bytes in the file can hold.
    cut : bool
        Whether the sound's bytes end before the header says.
    disagrees : str
        One sentence if the header's fields contradict each other.
    md5 : bytes
        Checksum of the samples as integers, where the header holds one (FLAC).
    bits : int
        Bits of these integers.
    """

    container: str
    channels: int = -1
    rate: int = -1
    declared: int = -1
    present: int = -1
    cut: bool = False
    disagrees: str = ""
    md5: bytes = b""
    bits: int = -1


def read_header(file: BinaryIO) -> Header:
    """Recognise a sound file by its content and read what it declares.

    Parameters
    ----------
    file : binary file
        Open for reading, seekable.

    Returns
    -------
    Header

    Raises
    ------
    AudioError
        ``E-AUDIO-FORMAT`` when the content is no known sound format, ``E-AUDIO-HEADER`` when it
        begins like one and is cut or contradicts itself.
    """
    size = file.seek(0, 2)
    file.seek(0)
    container = _sniff(file.read(64), size)
    file.seek(0)
    if container == "WAV":
        return _read_wav(file, size)
    if container == "AIFF":
        return _read_aiff(file, size)
    if container == "FLAC":
        return _read_flac(file)
    if container == "OGG":
        return _read_ogg(file, size)
    if container == "MP3":
        return _read_mp3(file)
    return Header(container)


def _sniff(head: bytes, size: int) -> str:
    """The container by its magic bytes: an allow-list."""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] in (b"WAVE", b""):
        return "WAV"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC", b""):
        return "AIFF"
    magics = {b"fLaC": "FLAC", b"OggS": "OGG", b"caff": "CAF", b".snd": "AU"}
    magics |= {b"\x1a\x45\xdf\xa3": "Matroska", b"\x30\x26\xb2\x75": "ASF"}
    if head[:4] in magics:
        return magics[head[:4]]
    if head[4:8] == b"ftyp":
        return "MP4"
    if head[:3] == b"ID3" or _is_mpeg_sync(head):
        return "MP3"
    if len(head) >= 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "AAC"  # ADTS: the sync word with layer 0
    what = f"begins with {head[:8]!r}" if size else "is empty (0 bytes)"
    raise AudioError(
        "E-AUDIO-FORMAT",
        f"the content {what}; expected {', '.join(SUFFIXES_OF)} - is it a sound file at all?",
    )


def _is_mpeg_sync(head: bytes) -> bool:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    # layer I is left out: nobody writes it, and UTF-16 text begins like it
    return version != 1 and layer in (1, 2) and bitrate != 15 and rate != 3


def _malformed(what: str) -> AudioError:
    return AudioError("E-AUDIO-HEADER", f"{what} - was the file cut or badly exported?")


class Forward(Protocol):
    """What the parser of chunks needs of a file: reading, and skipping what it does not read."""

    def read(self, size: int, /) -> bytes:
        """Take the next bytes."""

    def tell(self) -> int:
        """Say where the next byte stands."""

    def seek(self, position: int, /) -> int:
        """Go forward."""


def _chunks(file: Forward, order: str) -> Iterator[tuple[bytes, int]]:
    """Ids and declared sizes of the chunks; the file stands at each one's content."""
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if head[:4] == b"data" and len(head) < 8:
            yield b"data", 0  # cut inside the size of the data chunk: there are no data
            return
        if len(head) < 8:
            return
        name, size = head[:4], struct.unpack(order + "I", head[4:])[0]
        start = file.tell()
        yield name, size
        file.seek(start + size + size % 2)
    raise _malformed(f"the header has more than {MAX_CHUNKS} chunks")


class WavFormat(NamedTuple):
    """A 'fmt ' chunk; `order` is "<" or ">" for the bytes of numbers."""

    tag: int
    channels: int
    rate: int
    align: int
    bits: int
    order: str = "<"
    byte_rate: int = 0  # bytes of a second; 0 where the writer left it out

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame, 0 where no such number exists.

        Decoders go by the bits of a sample; the block align should say the same.
        """
        if self.tag in (PCM, FLOAT):
            return self.channels * ((self.bits + 7) // 8)
        return self.align if self.tag in (ALAW, MULAW) else 0

    @property
    def disagreement(self) -> str:
        """One sentence if bits, block align, rate and bytes a second contradict each other."""
        if self.tag in (ALAW, MULAW) and self.bits != 8:
            return f"the 'fmt ' chunk declares {self.bits} bits of A-law or mu-law; read as 8 bits"
        if self.tag not in (PCM, FLOAT):
            return ""
        if self.align != self.frame_bytes:
            return (
                f"the 'fmt ' chunk declares {self.channels} channels of {self.bits} bits in "
                f"{self.align} bytes a frame; read as {self.frame_bytes} bytes a frame"
            )
        if self.byte_rate and self.byte_rate != self.rate * self.align % 2**32:
            return (
                f"the 'fmt ' chunk declares {self.byte_rate} bytes a second, and {self.rate} Hz of "
                f"{self.align} bytes a frame; read at {self.rate} Hz"
            )
        return ""


def read_wav_start(file: Forward) -> tuple[WavFormat, int, int]:
    """Read a WAV up to its samples, going forward only.

    Parameters
    ----------
    file : binary file
        At its beginning; `read`, `tell` and `seek` to what lies ahead are all it needs.

    Returns
    -------
    form : WavFormat
        The 'fmt ' chunk.
    fact : int
        Frames that a 'fact' chunk declares, or -1.
    length : int
        Bytes that the data chunk declares. The file stands at the first of them.

    Raises
    ------
    AudioError
        ``E-AUDIO-HEADER`` when the header is cut or contradicts itself.
    """
    head = file.read(12)
    if len(head) < 12:
        raise _malformed(f"the file ends after {len(head)} bytes of its header")
    order = ">" if head[:4] == b"RIFX" else "<"
    form: WavFormat | None = None
    fact, long_size = -1, -1
    for name, length in _chunks(file, order):
        if name == b"ds64":  # RF64: the sizes that don't fit into 32 bits
            content = file.read(16)
            long_size = struct.unpack(order + "QQ", content)[1] if len(content) == 16 else -1
        elif name == b"fact":
            content = file.read(4)
            fact = struct.unpack(order + "I", content)[0] if len(content) == 4 else -1
        elif name == b"fmt ":
            form = _read_wav_format(file.read(min(length, 40)), order)
        elif name == b"data":
            if form is None:
                raise _malformed("the data chunk comes before any 'fmt ' chunk")
            if length == 0xFFFFFFFF and long_size >= 0:
                length = long_size
            return form, fact, length
    raise _malformed("the header has no 'data' chunk")


def _read_wav_format(content: bytes, order: str) -> WavFormat:
    if len(content) < 16:
        raise _malformed(f"the 'fmt ' chunk holds {len(content)} bytes; expected 16 or more")
    tag, channels, rate, byte_rate, align, bits = struct.unpack(order + "HHIIHH", content[:16])
    if tag == EXTENSIBLE and len(content) >= 26:
        tag = struct.unpack(order + "H", content[24:26])[0]
    if tag in (PCM, FLOAT) and bits == 0 and channels > 0:
        raise _malformed(f"the 'fmt ' chunk declares {channels} channels of 0 bits")
    return WavFormat(tag, channels, rate, align, bits, order, byte_rate)


def _read_wav(file: BinaryIO, size: int) -> Header:
    form, fact, length = read_wav_start(file)
    left = max(0, size - file.tell())
    step, odd = form.frame_bytes, form.disagreement
    if step > 0:
        # a data chunk that ends inside a frame was cut there before its size was written
        cut = left < length or (not odd and length % step > 0)
        present = min(left, length) // step
        odd = odd or _after_data(file, length, size)
        return Header("WAV", form.channels, form.rate, length // step, present, cut, odd)
    declared = 0 if min(left, length) == 0 else fact  # compressed: only 'fact' knows
    return Header("WAV", form.channels, form.rate, declared, -1, left < length, odd)


def _after_data(file: BinaryIO, length: int, size: int) -> str:
    """One sentence if what follows the chunk of samples is no chunk: they may go on there."""
    start = file.tell() + length
    left = size - start
    if left < 8:
        return ""
    file.seek(start)
    rest = file.read(min(left, 65536))
    # chunks begin at even places; some writers forget the byte that makes it so
    chunks = (rest[place : place + 8] for place in {length % 2, 0})
    if not any(rest) or any(_may_be_chunk(head, left) for head in chunks):
        return ""
    return (
        f"the samples' chunk declares {length} bytes, and {left} bytes follow that are no chunk; "
        "they are left out"
    )


def _may_be_chunk(head: bytes, left: int) -> bool:
    name, length = head[:4], int.from_bytes(head[4:8], "little")
    order_kept = min(length, int.from_bytes(head[4:8], "big")) <= left  # RIFF or RIFX
    return len(head) == 8 and all(0x20 <= byte < 0x7F for byte in name) and order_kept


def _read_aiff(file: BinaryIO, size: int) -> Header:
    head = file.read(12)
    if len(head) < 12:
        raise _malformed(f"the file ends after {len(head)} bytes of its header")
    channels, rate, declared, present, cut, odd = -1, -1, -1, -1, False, ""
    for name, length in _chunks(file, ">"):
        if name == b"COMM":
            content = file.read(18)
            if len(content) < 18:
                raise _malformed("the 'COMM' chunk is cut")
            channels, declared, bits, exponent, mantissa = struct.unpack(">HIHHQ", content)
            rate = int(mantissa * 2.0 ** (min(exponent, 0x403E + 40) - 0x3FFF - 63))
        elif name == b"SSND":
            left = max(0, size - file.tell())
            cut = left < length
            odd = _after_data(file, length, size)
            if channels > 0 and head[8:12] == b"AIFF":
                present = max(0, min(left, length) - 8) // (channels * max(1, (bits + 7) // 8))
    if channels < 0:
        raise _malformed("the header has no 'COMM' chunk")
    return Header("AIFF", channels, rate, declared, present, cut, odd)


def _read_flac(file: BinaryIO) -> Header:
    head = file.read(42)
    if len(head) < 42:
        raise _malformed(f"the file ends after {len(head)} bytes of its header")
    packed = int.from_bytes(head[18:26], "big")  # 20 bits rate, 3 channels, 5 depth, 36 frames
    declared = packed & 0xFFFFFFFFF
    md5 = head[26:42] if any(head[26:42]) else b""  # all zeros: the encoder did not know it
    bits, channels, rate = (packed >> 36 & 31) + 1, (packed >> 41 & 7) + 1, packed >> 44
    of_frame = _flac_frame_rate(file)
    odd = f"STREAMINFO declares {rate} Hz, the first frame {of_frame} Hz; read at {rate} Hz"
    odd = odd if of_frame not in (-1, rate) else ""
    return Header("FLAC", channels, rate, declared or -1, disagrees=odd, md5=md5, bits=bits)


def _flac_frame_rate(file: BinaryIO) -> int:
    """The sampling rate that the first frame names, -1 where it names none."""
    file.seek(4)
    for _ in range(MAX_CHUNKS):
        head = file.read(4)  # a bit for the last block of metadata, its type, its length
        if len(head) < 4:
            return -1
        file.seek(int.from_bytes(head[1:], "big"), 1)
        if head[0] & 0x80:
            break
    frame = file.read(4)
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xFE != 0xF8:
        return -1
    return FLAC_RATES.get(frame[2] & 0x0F, -1)


def _read_ogg(file: BinaryIO, size: int) -> Header:
    """The last page tells the length (for Vorbis, in samples) and whether the stream is whole."""
    first = file.read(64)
    file.seek(max(0, size - MAX_OGG_PAGE))
    tail = file.read()
    start = tail.rfind(b"OggS")
    page = tail[start : start + 14]
    if start < 0 or len(page) < 14:
        return Header("OGG", cut=True)
    flags, position = struct.unpack("<BQ", page[5:14])
    ends = bool(flags & 4)
    known = ends and first[28:35] == b"\x01vorbis" and position < 1 << 62
    return Header("OGG", declared=position if known else -1, cut=not ends)


def _read_mp3(file: BinaryIO) -> Header:
    """The first frame may be a tag that counts the frames, and what the encoder added to them."""
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:  # its size has seven bits in each byte
        start = 10 + sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)
        )
    file.seek(start)
    frame = file.read(256)
    if not _is_mpeg_sync(frame):
        return Header("MP3")
    tag = max(frame.find(b"Xing"), frame.find(b"Info"))
    if not 0 <= tag <= 40 or frame[tag + 120 : tag + 122] not in (b"LA", b"La"):
        return Header("MP3")  # only LAME's form (FFmpeg writes it as "Lavc") tells the padding
    n_frames = int.from_bytes(frame[tag + 8 : tag + 12], "big")
    frame_length = 1152 if frame[1] >> 3 & 3 == 3 else 576  # MPEG 1, or 2 and 2.5
    added = int.from_bytes(frame[tag + 141 : tag + 144], "big")  # 12 bits of delay, 12 of padding
    return Header("MP3", declared=max(0, n_frames * frame_length - (added >> 12) - (added & 0xFFF)))
