"""What is let in: regular files, 1 to 64 channels, 1 to 768 kHz, and no more than a cap.

*Conventions*: what is refused raises `AudioError`; its code says which rule it broke. A frame is one
sample of every channel. The cap on a recording is a duration; the cap on its values is that of this
duration at 48 kHz and 8 channels, so that neither many channels nor a high rate gets around it.

*References*: ``docs/errors.md`` for the codes.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from ddasp._errors import AudioError
from ddasp.audio.containers import Header

__all__ = [
    "check_channels",
    "check_declared",
    "check_rate",
    "max_frames",
    "open_regular",
    "too_long",
]

MAX_CHANNELS, MIN_RATE, MAX_RATE = 64, 1_000, 768_000
CAP_RATE, CAP_CHANNELS = 48_000, 8  # the cap on values is that many for each second of the cap


@contextlib.contextmanager
def open_regular(name: bytes) -> Iterator[BinaryIO]:
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


def check_declared(header: Header, max_duration: float) -> None:
    """Judge what a header says before any decoder sees it."""
    if header.channels >= 0:
        check_channels(header.channels)
    if header.rate >= 0:
        check_rate(header.rate)
        frames = header.declared if header.present < 0 else header.present
        if header.channels > 0 and frames > max_frames(header.channels, header.rate, max_duration):
            raise too_long(frames, header.rate, header.channels, max_duration)


def check_channels(channels: int) -> None:
    """One to 64 channels."""
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(
            "E-AUDIO-CHANNELS", f"the sound has {channels} channels; expected 1 to {MAX_CHANNELS}"
        )


def check_rate(rate: int) -> None:
    """A sampling rate of 1 to 768 kHz."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(
            "E-AUDIO-RATE", f"the sampling rate is {rate} Hz; expected {MIN_RATE} to {MAX_RATE} Hz"
        )


def max_frames(channels: int, rate: int, max_duration: float) -> int:
    """The number of frames that the cap allows.

    Examples
    --------
    >>> max_frames(2, 16_000, 10.0), max_frames(64, 48_000, 10.0)
    (160000, 60000)
    """
    return int(max_duration * min(rate, CAP_RATE * CAP_CHANNELS / channels))


def too_long(frames: int, rate: int, channels: int, max_duration: float) -> AudioError:
    """The error that says by how much a recording exceeds the cap."""
    return AudioError(
        "E-AUDIO-TOOLONG",
        f"{frames} or more frames of {channels} channels at {rate} Hz ({frames / rate:.0f} s); "
        f"expected at most {max_duration:g} s, {CAP_CHANNELS} channels of {CAP_RATE} Hz",
    )
