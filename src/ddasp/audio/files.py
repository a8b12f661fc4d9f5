"""Sound files: read whole, written whole, encoded, and known by a digest.

*Conventions*: samples are float32 of shape (n_samples, n_channels), full scale = 1, rates in Hz.
Integer formats are divided by 2^(bits - 1). What can't be used raises `AudioError` with a code;
what can be used but is odd comes with flags (``W-...``) and one sentence for each. The rules of
what is let in stand in `ddasp.audio.blocks`, which reads the same files block by block.

*References*: libsndfile 1.2 and its command SFC_SET_CLIPPING; `docs/errors.md` for the codes.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import ArrayLike, NDArray

from ddasp._check import one_of, signal_2d
from ddasp._errors import InputError
from ddasp._files import write_bytes
from ddasp.audio.blocks import read_blocks
from ddasp.audio.containers import SUFFIXES_OF
from ddasp.audio.resampling import resample, to_mono

__all__ = ["SUFFIXES", "Recording", "SoundDigest", "digest", "encode", "read", "write"]

SUFFIXES: frozenset[str] = frozenset(s for names in SUFFIXES_OF.values() for s in names)
"""Endings, in lower case, of the files that are taken for sounds when a folder is scanned."""

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
INTEGER_BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
SUBTYPES = (*INTEGER_BITS, "FLOAT", "DOUBLE")


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
    with read_blocks(path, max_duration=max_duration) as blocks:
        parts = list(blocks)
        samples = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return Recording(samples, blocks.rate, blocks.declared, blocks.flags, blocks.details)


class SoundDigest:
    """SHA-256 of what is heard, of a sound that comes in blocks.

    Samples as little-endian float32, then their number, the rate and the channels: two files with
    the same samples have the same digest, whatever their container and wherever they were cut.

    Parameters
    ----------
    rate : int
        Sampling rate [Hz].
    n_channels : int
        Number of channels.

    Examples
    --------
    >>> sha = SoundDigest(8000, 1)
    >>> for block in np.zeros((2, 1, 1), np.float32):
    ...     sha.add(block)
    >>> sha.value() == digest(Recording(np.zeros((2, 1), np.float32), 8000))
    True
    """

    def __init__(self, rate: int, n_channels: int) -> None:
        self.rate, self.n_channels = rate, n_channels
        self._n_samples, self._sha = 0, hashlib.sha256()

    def add(self, block: NDArray[np.floating]) -> None:
        """Take the next block.

        Parameters
        ----------
        block : ndarray of shape (n_samples, n_channels)
            Full scale = 1.
        """
        self._sha.update(np.ascontiguousarray(block, dtype="<f4").data)
        self._n_samples += len(block)

    def value(self) -> str:
        """The digest of all samples so far, in hex."""
        sha = self._sha.copy()
        sha.update(struct.pack("<QQQ", self._n_samples, self.rate, self.n_channels))
        return sha.hexdigest()


def digest(recording: Recording) -> str:
    """`SoundDigest` of a whole recording.

    Examples
    --------
    >>> digest(Recording(np.zeros((2, 1), np.float32), 8000))[:16]
    'a537bcb50e931a6b'
    """
    sha = SoundDigest(recording.rate, recording.samples.shape[1])
    sha.add(recording.samples)
    return sha.value()


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
