"""A sound file block by block: one guard in front of the decoder, and memory that doesn't grow.

*Rules*: only regular files are opened; the content decides what a file is, not its name; a
header is compared with the bytes that follow it; decoding goes in blocks and stops at a cap, so
that no header can make us allocate; samples are finite; 1 to 64 channels, 1 to 768 kHz.

*Conventions*: blocks are float32 of shape (n_samples, n_channels), full scale = 1; integer formats
are divided by 2^(bits - 1). What can't be used raises `AudioError` with a code; what can be used
but is odd comes with flags (``W-...``) and one sentence for each.

*References*: libsndfile 1.2; mpg123, inside it; `docs/errors.md` for the codes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import soundfile as sf

from ddasp._check import in_range, whole
from ddasp._errors import AudioError, DependencyError
from ddasp.audio.containers import NATIVE, SUFFIXES_OF, Header, read_header
from ddasp.audio.guard import (
    check_channels,
    check_declared,
    check_rate,
    max_frames,
    open_regular,
    too_long,
)
from ddasp.audio.sample_blocks import Block, Finding, SampleBlocks

__all__ = ["read_blocks"]

_STDERR = threading.Lock()


@contextlib.contextmanager
def read_blocks(
    path: str | bytes | os.PathLike, *, max_duration: float = 7200.0, block: int = 1 << 16
) -> Iterator[SampleBlocks]:
    """Open a sound file, whatever it may hold, to read it block by block.

    Parameters
    ----------
    path : str, bytes or path-like
        The file; names that are no valid UTF-8 are fine.
    max_duration : float
        The longest recording that is accepted [s]. The cap on values is that of this length at
        48 kHz and 8 channels.
    block : int
        The most frames in a block; there may be fewer in any.

    Yields
    ------
    SampleBlocks
        An iterator of blocks of shape (n_samples, n_channels), float32. Its ``flags`` and
        ``details`` are complete when it has come to its end.

    Raises
    ------
    AudioError
        ``E-PATH-...`` when it is no readable regular file, ``E-AUDIO-...`` when its content
        can't be used: some at once, others while iterating.

    Examples
    --------
    >>> with read_blocks("speech.wav") as blocks:  # doctest: +SKIP
    ...     level = sum(float((block**2).sum()) for block in blocks) / blocks.n_frames
    """
    name = os.fsencode(path)
    in_range(max_duration, "max_duration", 0.0, 1e9, unit="s")
    whole(block, "block")
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open_regular(name))
        header = read_header(file)
        check_declared(header, max_duration)
        native = header.container in NATIVE
        decode = _decode if native else _decode_with_av
        source, rate, channels = stack.enter_context(decode(file, header, block))
        check_channels(channels)
        check_rate(rate)
        checksum = _Checksum(header)
        blocks = SampleBlocks(
            checksum.of(_capped(source, rate, channels, max_duration)),
            rate,
            channels,
            declared=header.declared,
            findings=[*_extension(name, header), *_disagreement(header)],
            at_end=lambda n_frames: [*_truncation(header, n_frames), *checksum.findings(n_frames)],
        )
        stack.callback(blocks.close)
        yield blocks


class _Checksum:
    """MD5 of the samples of a FLAC, compared with the one that its encoder wrote.

    It is taken of the integers, little-endian, in as many bytes as their bits need (RFC 9639, 8.2):
    float32 holds up to 24 bits of them exactly.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self._needed = bool(header.md5) and header.bits in (8, 16, 24)
        self._md5 = hashlib.md5(usedforsecurity=False)

    def of(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """The blocks as they come."""
        for block in blocks:
            if self._needed:
                codes = (block * np.float32(2.0 ** (self.header.bits - 1))).astype("<i4")
                as_bytes = codes.view(np.uint8).reshape(-1, 4)[:, : self.header.bits // 8]
                self._md5.update(as_bytes.tobytes())
            yield block

    def findings(self, n_frames: int) -> Iterator[Finding]:
        """What there is to say at the end; a truncation was said already."""
        whole = n_frames >= self.header.declared
        if self._needed and whole and self._md5.digest() != self.header.md5:
            yield "W-HEADER", "the FLAC's checksum (MD5) is not that of the samples that were read"


def _capped(
    source: Iterator[Block], rate: int, channels: int, max_duration: float
) -> Iterator[Block]:
    limit, n_frames = max_frames(channels, rate, max_duration), 0
    for block in source:
        n_frames += len(block)
        if n_frames > limit:
            raise too_long(n_frames, rate, channels, max_duration)
        yield block


_Decoded = contextlib.AbstractContextManager[tuple[Iterator[Block], int, int]]


@contextlib.contextmanager
def _decode(
    file: BinaryIO, header: Header, block: int
) -> Iterator[tuple[Iterator[Block], int, int]]:
    """Blocks, rate and channels by libsndfile, through the descriptor that was checked."""
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    with _decoding(header):
        sound = sf.SoundFile(file.fileno(), closefd=False)
    # soundfile seeks after each read, which fails in a FLAC of unknown length
    sound._info.seekable = 0
    with sound:
        yield _native_blocks(sound, header, block), int(sound.samplerate), int(sound.channels)


def _native_blocks(sound: sf.SoundFile, header: Header, block: int) -> Iterator[Block]:
    n_frames = 0
    while True:
        # as much as is promised, and a little more in case it is not the end: libsndfile fills
        # the whole buffer with zeros at the end of a file
        size = min(block, max(sound.frames - n_frames, 0) + 256)
        with _decoding(header):
            samples = sound.read(size, dtype="float32", always_2d=True)
        if not len(samples):
            return
        n_frames += len(samples)
        yield samples


@contextlib.contextmanager
def _decoding(header: Header) -> Iterator[None]:
    """Around each call of libsndfile: its errors get our codes."""
    try:
        with _quiet_stderr(header.container == "MP3"):
            yield
    except sf.SoundFileError as error:
        raise _undecodable(header, error) from error


def _undecodable(header: Header, error: Exception) -> AudioError:
    reason = re.sub(r"^Error opening \d+: ", "", str(error)).replace("\n", " ")
    if header.container == "MP3" and "pipe" in reason:
        reason = "no MPEG frames follow the first bytes"
    if header.container in ("WAV", "AIFF"):  # nothing can go wrong there but the header
        return AudioError("E-AUDIO-HEADER", f"the {header.container} can't be used: {reason}")
    return AudioError("E-AUDIO-CORRUPT", f"decoding the {header.container} stopped: {reason}")


@contextlib.contextmanager
def _quiet_stderr(needed: bool) -> Iterator[None]:
    """Keep mpg123's own messages off the terminal; they go to the descriptor, not to Python."""
    if not needed:
        yield
        return
    with _STDERR, open(os.devnull, "wb") as sink:
        saved = os.dup(2)
        try:
            os.dup2(sink.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _decode_with_av(file: BinaryIO, header: Header, block: int) -> _Decoded:
    """Blocks, rate and channels by PyAV, which is an extra."""
    try:
        from ddasp.audio import files_av
    except DependencyError as error:
        raise AudioError(
            "E-AUDIO-FORMAT",
            f'libsndfile does not read {header.container}; for it: pip install "ddasp[av]"',
        ) from error
    file.seek(0)
    return files_av.open_track(file, header.container, block=block)


def _truncation(header: Header, n_frames: int) -> Iterator[Finding]:
    if header.cut or n_frames < header.declared:
        claim = f"{header.declared} frames" if n_frames < header.declared else "more bytes"
        yield (
            "W-AUDIO-TRUNCATED",
            f"the {header.container} declares {claim}, the file holds {n_frames} frames",
        )
    elif header.container == "MP3" and 0 <= header.declared < n_frames:
        yield (
            "W-HEADER",
            f"the MP3's first frame counts {header.declared} samples, and {n_frames} were decoded",
        )


def _extension(name: bytes, header: Header) -> Iterator[Finding]:
    suffix = os.path.splitext(os.fsdecode(name))[1].lower()
    if suffix not in SUFFIXES_OF[header.container]:
        shown = suffix.encode("utf-8", "backslashreplace").decode() or "nothing"
        yield "W-EXTENSION", f"the name ends with {shown}, the content is {header.container}"


def _disagreement(header: Header) -> Iterator[Finding]:
    if header.disagrees:
        yield "W-HEADER", header.disagrees
