"""Samples from a pipe: raw PCM or a WAV, read while it is still being written.

Nothing is waited for but the next bytes: a block is whatever has arrived, as whole frames. The
header is read forward only, so that standard input will do.

*Conventions*: as in `ddasp.audio.blocks`: float32 of shape (n_samples, n_channels), full scale = 1,
integers divided by 2^(bits - 1); the same bytes give the same samples as they do from a file. A
WAV that is written to a pipe can't know its length: the sizes that such writers leave in the header
(0 or all ones; SoX and arecord: about 2^31) mean "until the end".

*References*: Microsoft and IBM 1991, RIFF; EBU Tech 3306 (2009, RF64).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

from ddasp._check import one_of, whole
from ddasp._errors import AudioError
from ddasp.audio.containers import FLOAT, PCM, WavFormat, read_wav_start
from ddasp.audio.guard import check_channels, check_rate
from ddasp.audio.sample_blocks import Block, Finding, SampleBlocks

__all__ = ["open_pcm"]

SUBTYPES = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
BLOCK_BYTES = 1 << 16
MAX_SKIPPED = 1 << 26  # bytes of other chunks before the samples; a header may claim 4 GiB

Read = Callable[[int], bytes]


class _Coding(NamedTuple):
    """How samples stand in the bytes: kind as in NumPy's dtypes ("u", "i", "f")."""

    kind: str
    width: int  # bytes
    order: str = "<"


CODINGS = {
    "PCM_16": _Coding("i", 2),
    "PCM_24": _Coding("i", 3),
    "PCM_32": _Coding("i", 4),
    "FLOAT": _Coding("f", 4),
    "DOUBLE": _Coding("f", 8),
}


def open_pcm(
    file: BinaryIO, *, rate: int | None = None, channels: int | None = None, subtype: str = "PCM_16"
) -> SampleBlocks:
    """Samples from a stream that can't be rewound, such as ``sys.stdin.buffer``.

    Parameters
    ----------
    file : binary file
        Open for reading, blocking. With ``read1`` (any buffered file) or an unbuffered ``read`` a
        block comes as soon as bytes are there.
    rate : int, optional
        Sampling rate of raw PCM [Hz]; without it the stream must be a WAV. A WAV brings its own:
        if one is given as well, they must agree.
    channels : int, optional
        Number of channels of raw PCM, 1 if not given; of a WAV as for the rate.
    subtype : {"PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"}
        How a sample of raw PCM is stored, little-endian. A WAV brings its own.

    Returns
    -------
    SampleBlocks
        An iterator of blocks of shape (n_samples, n_channels), float32. After the last one
        ``W-AUDIO-TRUNCATED`` tells whether the stream ended inside a frame or before the length
        that its header declares.

    Raises
    ------
    AudioError
        ``E-AUDIO-FORMAT``, ``E-AUDIO-HEADER``, ``E-AUDIO-RATE`` or ``E-AUDIO-CHANNELS`` at once;
        ``E-AUDIO-NONFINITE`` and ``E-AUDIO-EMPTY`` while iterating.

    Notes
    -----
    This call waits for the header, or for the first 12 bytes of raw PCM. Of a WAV of known length
    nothing is read beyond its samples.

    Examples
    --------
    >>> import io
    >>> codes = np.array([0, 16384, -32768, 8192], "<i2")
    >>> blocks = open_pcm(io.BytesIO(codes.tobytes()), rate=8000, channels=2)
    >>> np.concatenate(list(blocks))
    array([[ 0.  ,  0.5 ], [-1.  ,  0.25]], dtype=float32)
    """
    one_of(subtype, "subtype", SUBTYPES)
    read = getattr(file, "read1", file.read)
    head = _exactly(read, 12)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] in (b"WAVE", b""):
        return _open_wav(read, head, rate, channels)
    return _open_raw(read, head, rate, 1 if channels is None else channels, CODINGS[subtype])


def _exactly(read: Read, n: int) -> bytes:
    """The next n bytes, fewer only at the end."""
    parts = []
    while n > 0 and (part := read(n)):
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


class _ForwardReader:
    """A stream as the parser of headers wants it: skipping is reading."""

    def __init__(self, read: Read, head: bytes) -> None:
        self._read = read
        self._head = head
        self._position = 0

    def read(self, size: int, /) -> bytes:
        known, self._head = self._head[:size], self._head[size:]
        content = known + _exactly(self._read, size - len(known))
        self._position += len(content)
        return content

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, /) -> int:
        if position > MAX_SKIPPED:
            raise AudioError(
                "E-AUDIO-HEADER",
                f"{position} bytes of other chunks come before the samples; expected at most "
                f"{MAX_SKIPPED}",
            )
        while self._position < position and self.read(min(position - self._position, BLOCK_BYTES)):
            pass
        return self._position


def _open_wav(read: Read, head: bytes, rate: int | None, channels: int | None) -> SampleBlocks:
    form, _, length = read_wav_start(_ForwardReader(read, head))
    check_channels(form.channels)
    check_rate(form.rate)
    for name, given, found in (("rate", rate, form.rate), ("channels", channels, form.channels)):
        if given is not None and given != found:
            raise AudioError(
                f"E-AUDIO-{name.upper()}", f"{name} is {given}; the WAV's header says {found}"
            )
    coding, known = _coding_of(form), not _is_open_ended(length)
    tally = _Tally(length if known else -1, length // form.frame_bytes if known else -1)
    return SampleBlocks(
        _blocks(read, b"", coding, form.channels, tally),
        form.rate,
        form.channels,
        declared=tally.declared,
        findings=[("W-HEADER", form.disagreement)] if form.disagreement else [],
        at_end=lambda n_frames: _truncation(tally, n_frames),
    )


def _coding_of(form: WavFormat) -> _Coding:
    """How a WAV's samples stand in its bytes."""
    width = (form.bits + 7) // 8
    if form.tag == PCM and 1 <= width <= 4:
        return _Coding("u" if width == 1 else "i", width, form.order)
    if form.tag == FLOAT and width in (4, 8):
        return _Coding("f", width, form.order)
    code = "E-AUDIO-HEADER" if form.tag in (PCM, FLOAT) else "E-AUDIO-FORMAT"
    raise AudioError(
        code,
        f"the WAV has format {form.tag:#06x} of {form.bits} bits; expected PCM of 8 to 32 bits or "
        "floats of 32 or 64 in a stream",
    )


def _is_open_ended(length: int) -> bool:
    """Whether a data chunk's size is what a writer leaves that could not know it."""
    return (
        length == 0
        or 0x7FFFF000 <= length <= 0x80000000  # SoX, arecord
        or 0xFFFFF000 <= length <= 0xFFFFFFFF
        or length >= 1 << 63
    )


def _open_raw(
    read: Read, head: bytes, rate: int | None, channels: int, coding: _Coding
) -> SampleBlocks:
    magic = head[:4] in (b"fLaC", b"OggS") or (head[:4] == b"FORM" and head[8:11] == b"AIF")
    if rate is None or magic:
        raise AudioError(
            "E-AUDIO-FORMAT",
            f"the stream begins with {head[:8]!r}; expected a WAV, or raw PCM whose rate is given",
        )
    rate, channels = whole(rate, "rate", 0), whole(channels, "channels", 0)
    check_rate(rate)
    check_channels(channels)
    tally = _Tally(-1, -1)
    return SampleBlocks(
        _blocks(read, head, coding, channels, tally),
        rate,
        channels,
        at_end=lambda n_frames: _truncation(tally, n_frames),
    )


class _Tally:
    """Bytes that are still due (-1: until the end), and those of a frame that was never finished."""

    def __init__(self, due: int, declared: int) -> None:
        self.due = due
        self.declared = declared
        self.rest = 0


def _blocks(
    read: Read, head: bytes, coding: _Coding, channels: int, tally: _Tally
) -> Iterator[Block]:
    step = channels * coding.width
    rest = head
    while True:
        n_whole = len(rest) // step * step
        if n_whole:
            yield _samples(rest[:n_whole], coding).reshape(-1, channels)
        rest = rest[n_whole:]
        part = read(BLOCK_BYTES if tally.due < 0 else min(BLOCK_BYTES, tally.due))
        if not part:
            tally.rest = len(rest)
            return
        if tally.due > 0:
            tally.due -= len(part)
        rest += part


def _samples(content: bytes, coding: _Coding) -> Block:
    """Bytes as numbers; a 24-bit integer becomes the upper bytes of a 32-bit one."""
    kind, width, order = coding
    if width == 3:
        padded = np.zeros((len(content) // 3, 4), np.uint8)
        low = slice(1, 4) if order == "<" else slice(0, 3)
        padded[:, low] = np.frombuffer(content, np.uint8).reshape(-1, 3)
        codes, width = padded.view(f"{order}i4")[:, 0], 4
    else:
        codes = np.frombuffer(content, f"{order}{kind}{width}")
    if kind == "f":
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # a double beyond float32 is infinite, and refused
            return codes.astype(np.float32)
    scale = np.float32(2.0 ** -(8 * width - 1))
    samples = codes.astype(np.float32) * scale
    return samples - np.float32(1) if kind == "u" else samples


def _truncation(tally: _Tally, n_frames: int) -> Iterator[Finding]:
    if n_frames < tally.declared:
        yield (
            "W-AUDIO-TRUNCATED",
            f"the WAV declares {tally.declared} frames, the stream holds {n_frames} frames",
        )
    elif tally.rest:
        yield (
            "W-AUDIO-TRUNCATED",
            f"the stream ends inside a frame: {tally.rest} bytes follow {n_frames} frames",
        )
