"""Sound files: one guard in front of the decoder, and writing, encoding and resampling behind it.

*Conventions*: samples are float32 of shape (n_samples, n_channels), full scale = 1, rates in Hz.
Integer formats are divided by 2^(bits - 1). What can't be used raises `AudioError` with a code;
what can be used but is odd comes with flags (``W-...``) and one sentence for each.

*Rules*: only regular files are opened; the content decides what a file is, not its name; a
header is compared with the bytes that follow it; decoding goes in blocks and stops at a cap, so
that no header can make us allocate; samples are finite; 1 to 64 channels, 1 to 768 kHz.

*References*: libsndfile 1.2 and its command SFC_SET_CLIPPING; soxr, "HQ" (20 bits, pass band to
0.91 of the lower Nyquist frequency); `docs/errors.md` for the codes.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, one_of, signal_2d
from ddasp._errors import AudioError, DependencyError, InputError
from ddasp._files import digest_bytes, write_bytes
from ddasp.audio.containers import NATIVE, SUFFIXES_OF, Header, read_header
from ddasp.audio.levels import clipped_fraction

__all__ = [
    "SUFFIXES",
    "Recording",
    "digest",
    "encode",
    "read",
    "resample",
    "to_mono",
    "write",
]

SUFFIXES: frozenset[str] = frozenset(s for names in SUFFIXES_OF.values() for s in names)
"""Endings, in lower case, of the files that are taken for sounds when a folder is scanned."""

MAX_CHANNELS, MIN_RATE, MAX_RATE = 64, 1_000, 768_000
CAP_RATE, CAP_CHANNELS = 48_000, 8  # the cap on values is that many for each second of the cap
BLOCK_VALUES = 1 << 16  # libsndfile fills the whole buffer with zeros at the end of a file
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
INTEGER_BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
SUBTYPES = (*INTEGER_BITS, "FLOAT", "DOUBLE")

_STDERR = threading.Lock()


@dataclass(frozen=True)
class Recording:
    """A sound file as it was read.

    Parameters
    ----------
    samples : ndarray of shape (n_samples, n_channels)
        float32, full scale = 1.
    rate : int
        Sampling rate [Hz].
    declared : int
        Frames that the header claims, -1 where it doesn't say.
    flags : tuple of str
        Codes of what is odd, ``W-...``.
    details : tuple of str
        One sentence for each flag, with numbers.
    """

    samples: NDArray[np.float32]
    rate: int
    declared: int = -1
    flags: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Length [s]."""
        return len(self.samples) / self.rate


def read(path: str | bytes | os.PathLike, *, max_duration: float = 7200.0) -> Recording:
    """Read a sound file, whatever it may hold.

    Parameters
    ----------
    path : str, bytes or path-like
        The file; names that are no valid UTF-8 are fine.
    max_duration : float
        The longest recording that is accepted [s]. The cap on memory is that of this length at
        48 kHz and 8 channels.

    Returns
    -------
    Recording

    Raises
    ------
    AudioError
        ``E-PATH-...`` when it is no readable regular file, ``E-AUDIO-...`` when its content
        can't be used.
    """
    name = os.fsencode(path)
    in_range(max_duration, "max_duration", 0.0, 1e9, unit="s")
    with _open_regular(name) as file:
        header = read_header(file)
        _check_declared(header, max_duration)
        if header.container in NATIVE:
            samples, rate = _decode(file, header, max_duration)
        else:
            samples, rate = _decode_with_av(file, header, max_duration)
    if not len(samples):
        claim = f"declares {header.declared} frames" if header.declared > 0 else "is there"
        raise AudioError("E-AUDIO-EMPTY", f"the header {claim}, but no samples follow")
    if not np.isfinite(samples).all():
        n_bad = int((~np.isfinite(samples)).sum())
        message = f"{n_bad} of {samples.size} samples are NaN or infinite; expected finite samples"
        raise AudioError("E-AUDIO-NONFINITE", message)
    findings = [*_truncation(header, len(samples)), *_extension(name, header), *_clipping(samples)]
    flags, details = zip(*findings, strict=True) if findings else ((), ())
    return Recording(samples, rate, header.declared, flags, details)


@contextlib.contextmanager
def _open_regular(name: bytes) -> Iterator[BinaryIO]:
    """Open a regular file and nothing else; a pipe without a writer must not hold us for ever."""
    try:
        _check_regular(os.stat(name))
        handle = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except PermissionError as error:
        raise AudioError("E-PATH-PERM", f"the file may not be read: {error.strerror}") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        raise AudioError("E-PATH-MISSING", f"the path leads to no file: {reason}") from error
    with os.fdopen(handle, "rb") as file:
        _check_regular(os.fstat(file.fileno()))  # it may have been exchanged since
        yield file


def _check_regular(status: os.stat_result) -> None:
    kinds = {stat.S_IFDIR: "directory", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    if not stat.S_ISREG(status.st_mode):
        kind = kinds.get(stat.S_IFMT(status.st_mode), "device")
        raise AudioError("E-PATH-TYPE", f"the path is a {kind}; expected a regular file")


def _check_declared(header: Header, max_duration: float) -> None:
    """Judge what a header says before any decoder sees it."""
    if header.channels >= 0:
        _check_channels(header.channels)
    if header.rate >= 0:
        _check_rate(header.rate)
        frames = header.declared if header.present < 0 else header.present
        if header.channels > 0 and frames > _max_frames(header.channels, header.rate, max_duration):
            raise _too_long(frames, header.rate, header.channels, max_duration)


def _check_channels(channels: int) -> None:
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(
            "E-AUDIO-CHANNELS", f"the file has {channels} channels; expected 1 to {MAX_CHANNELS}"
        )


def _check_rate(rate: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(
            "E-AUDIO-RATE", f"the sampling rate is {rate} Hz; expected {MIN_RATE} to {MAX_RATE} Hz"
        )


def _max_frames(channels: int, rate: int, max_duration: float) -> int:
    return int(max_duration * min(rate, CAP_RATE * CAP_CHANNELS / channels))


def _too_long(frames: int, rate: int, channels: int, max_duration: float) -> AudioError:
    return AudioError(
        "E-AUDIO-TOOLONG",
        f"{frames} or more frames of {channels} channels at {rate} Hz ({frames / rate:.0f} s); "
        f"expected at most {max_duration:g} s, {CAP_CHANNELS} channels of {CAP_RATE} Hz",
    )


def _decode(file: BinaryIO, header: Header, max_duration: float) -> tuple[NDArray[np.float32], int]:
    """Samples and rate by libsndfile, through the descriptor that was checked."""
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    with _quiet_stderr(header.container == "MP3"):
        try:
            with sf.SoundFile(file.fileno(), closefd=False) as sound:
                _check_channels(sound.channels)
                _check_rate(sound.samplerate)
                # soundfile seeks after each read, which fails in a FLAC of unknown length
                sound._info.seekable = 0
                return _read_blocks(sound, max_duration), int(sound.samplerate)
        except (sf.SoundFileError, MemoryError) as error:
            raise _undecodable(header, error) from error


def _read_blocks(sound: sf.SoundFile, max_duration: float) -> NDArray[np.float32]:
    limit = _max_frames(sound.channels, sound.samplerate, max_duration)
    largest = max(1, BLOCK_VALUES // sound.channels)
    blocks: list[NDArray[np.float32]] = []
    n_frames = 0
    while True:
        # as much as is promised, and a little more in case it is not the end
        size = min(largest, max(sound.frames - n_frames, 0) + 256)
        block = sound.read(size, dtype="float32", always_2d=True)
        n_frames += len(block)
        if n_frames > limit:
            raise _too_long(n_frames, sound.samplerate, sound.channels, max_duration)
        if not len(block):
            return np.concatenate(blocks) if len(blocks) > 1 else (blocks or [block])[0]
        blocks.append(block)


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


def _decode_with_av(
    file: BinaryIO, header: Header, max_duration: float
) -> tuple[NDArray[np.float32], int]:
    """Samples and rate by PyAV, which is an extra."""
    try:
        from ddasp.audio import files_av
    except DependencyError as error:
        raise AudioError(
            "E-AUDIO-FORMAT",
            f'libsndfile does not read {header.container}; for it: pip install "ddasp[av]"',
        ) from error
    file.seek(0)
    samples, rate = files_av.decode(
        file, header.container, lambda channels, rate: _max_frames(channels, rate, max_duration)
    )
    _check_channels(samples.shape[1])
    _check_rate(rate)
    return samples, rate


def _truncation(header: Header, n_frames: int) -> Iterator[tuple[str, str]]:
    if header.cut or n_frames < header.declared:
        claim = f"{header.declared} frames" if n_frames < header.declared else "more bytes"
        yield (
            "W-AUDIO-TRUNCATED",
            f"the {header.container} declares {claim}, the file holds {n_frames} frames",
        )


def _extension(name: bytes, header: Header) -> Iterator[tuple[str, str]]:
    suffix = os.path.splitext(os.fsdecode(name))[1].lower()
    if suffix not in SUFFIXES_OF[header.container]:
        shown = suffix.encode("utf-8", "backslashreplace").decode() or "nothing"
        yield "W-EXTENSION", f"the name ends with {shown}, the content is {header.container}"


def _clipping(samples: NDArray[np.float32]) -> Iterator[tuple[str, str]]:
    fraction = clipped_fraction(samples)
    if fraction > 0:
        yield (
            "W-CLIP",
            f"{fraction:.3%} of the samples stand at full scale in runs of 3 or more, or beyond it "
            f"(peak {np.abs(samples).max():.4g})",
        )


def digest(recording: Recording) -> str:
    """SHA-256 of what is heard: the samples as little-endian float32, the rate, the channels.

    Two files with the same samples have the same digest, whatever their container.

    Examples
    --------
    >>> digest(Recording(np.zeros((2, 1), np.float32), 8000))[:16]
    '2e20ac1253ca7b30'
    """
    samples = np.ascontiguousarray(recording.samples, dtype="<f4")
    return digest_bytes(samples.tobytes(), struct.pack("<QQ", recording.rate, samples.shape[1]))


def to_mono(signal: ArrayLike) -> NDArray[np.floating]:
    """Mean of the channels, shape (n_samples,); what is in antiphase cancels.

    Examples
    --------
    >>> to_mono([[1.0, 0.5], [-1.0, 1.0]])
    array([0.75, 0.  ])
    """
    x = signal_2d(signal)
    return np.array(x[:, 0]) if x.shape[1] == 1 else np.asarray(x.mean(axis=1))


def resample(signal: ArrayLike, rate: float, new_rate: float) -> NDArray[np.floating]:
    """Another sampling rate, by soxr at quality "HQ"; a copy when the rates are equal.

    Parameters
    ----------
    signal : array_like of shape (n_samples,) or (n_samples, n_channels)
        float32 or float64, which is kept.
    rate, new_rate : float
        Sampling rates [Hz].

    Returns
    -------
    ndarray of shape (n_new,) or (n_new, n_channels)
        n_new = n_samples new_rate / rate, rounded, and at least 1.

    Examples
    --------
    >>> resample(np.zeros(480), 48000, 8000).shape
    (80,)
    """
    x = signal_2d(signal)
    in_range(rate, "rate", 1.0, 1e7, unit="Hz")
    in_range(new_rate, "new_rate", 1.0, 1e7, unit="Hz")
    if rate == new_rate or not len(x):
        return np.array(signal, dtype=x.dtype)
    n_new = max(1, round(len(x) * new_rate / rate))
    y = soxr.resample(x, rate, new_rate, quality="HQ")[:n_new]
    if len(y) < n_new:  # the end is rounded differently by one sample
        y = np.concatenate([y, np.zeros((n_new - len(y), x.shape[1]), x.dtype)])
    return np.asarray(y[:, 0] if np.ndim(signal) == 1 else y)


def _quantised(signal: NDArray[np.floating], subtype: str) -> NDArray:
    """Codes of an integer format, in the upper bits; floats stay as they are."""
    if subtype not in INTEGER_BITS:
        return signal
    bits = INTEGER_BITS[subtype]
    steps = np.rint(signal.astype(np.float64) * 2.0 ** (bits - 1))
    codes = np.clip(steps, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int64)
    return codes.astype(np.int16) if bits == 16 else (codes << (32 - bits)).astype(np.int32)


def write(
    path: str | os.PathLike, signal: ArrayLike, rate: int, *, subtype: str = "PCM_16"
) -> None:
    """Write a WAV, FLAC or AIFF file, whole or not at all.

    Parameters
    ----------
    path : str or path-like
        Its ending decides the container: .wav, .flac, .aiff.
    signal : array_like of shape (n_samples,) or (n_samples, n_channels)
        Full scale = 1. In integer formats it is rounded to the nearest step without dither, and
        what lies beyond full scale is clipped.
    rate : int
        Sampling rate [Hz].
    subtype : {"PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"}
        How a sample is stored.

    Raises
    ------
    InputError
        When the ending or the subtype is not known.
    RunError
        ``E-DISK`` when writing failed.
    """
    target = Path(path)
    containers = {".wav": "WAV", ".flac": "FLAC", ".aiff": "AIFF", ".aif": "AIFF"}
    container = containers[one_of(target.suffix.lower(), "path's ending", tuple(containers))]
    one_of(subtype, "subtype", SUBTYPES)
    write_bytes(target, _encoded(signal_2d(signal), rate, container, subtype))


def encode(signal: ArrayLike, rate: int, *, container: str = "MP3") -> bytes:
    """A sound as the bytes of a file, for the report's players.

    Parameters
    ----------
    signal : array_like of shape (n_samples,) or (n_samples, n_channels)
        Full scale = 1.
    rate : int
        Sampling rate [Hz].
    container : {"MP3", "OGG", "FLAC", "WAV"}
        MP3 and OGG (Vorbis) are lossy. MP3 knows nine rates and two channels: the sound is
        resampled to the next higher of them, and more channels are mixed to one.

    Returns
    -------
    bytes
    """
    x = signal_2d(signal)
    one_of(container, "container", ("MP3", "OGG", "FLAC", "WAV"))
    if container == "MP3":
        x = to_mono(x)[:, np.newaxis] if x.shape[1] > 2 else x
        new_rate = min((r for r in MP3_RATES if r >= rate), default=MP3_RATES[-1])
        x, rate = resample(x, rate, new_rate), new_rate
    subtype = {"MP3": "MPEG_LAYER_III", "OGG": "VORBIS"}.get(container, "PCM_16")
    return _encoded(x, rate, container, subtype)


def _encoded(signal: NDArray[np.floating], rate: int, container: str, subtype: str) -> bytes:
    buffer = io.BytesIO()
    try:
        sf.write(buffer, _quantised(signal, subtype), int(rate), format=container, subtype=subtype)
    except (sf.SoundFileError, ValueError) as error:
        raise InputError(
            "E-ARGUMENT",
            f"{signal.shape[1]} channels at {rate} Hz are no {container} {subtype}: {error}",
        ) from error
    return buffer.getvalue()
