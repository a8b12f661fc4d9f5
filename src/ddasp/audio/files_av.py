"""Sound files that libsndfile doesn't read (MP4, WebM, AAC, WMA, ...), decoded by PyAV.

*Conventions*: as in `ddasp.audio.blocks`, which is the way in: it has checked that the file is a
regular one and what container it is. The first audio track is read.

*References*: PyAV 14 and later, FFmpeg's libavformat. The demuxer is named, never guessed, so
that no playlist can lead FFmpeg to other files or to the network.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import AudioError, DependencyError

try:
    import av
except ImportError as error:
    raise DependencyError(
        "E-DEPENDENCY", 'ddasp.audio.files_av needs PyAV: pip install "ddasp[av]"'
    ) from error

__all__ = ["open_track"]

DEMUXERS = {
    "MP4": "mov",
    "Matroska": "matroska",
    "AAC": "aac",
    "ASF": "asf",
    "CAF": "caf",
    "AU": "au",
}

Block = NDArray[np.float32]


@contextlib.contextmanager
def open_track(
    file: BinaryIO, container: str, *, block: int = 1 << 16
) -> Iterator[tuple[Iterator[Block], int, int]]:
    """Open the first audio track, to decode it block by block.

    Parameters
    ----------
    file : binary file
        At its beginning.
    container : str
        A key of `DEMUXERS`.
    block : int
        The most frames in a block.

    Yields
    ------
    blocks : iterator of ndarray of shape (n_samples, n_channels)
        float32, full scale = 1.
    rate : int
        Sampling rate [Hz].
    channels : int
        Number of channels.

    Raises
    ------
    AudioError
        ``E-AUDIO-FORMAT`` without an audio track, ``E-AUDIO-CORRUPT`` when decoding stops.
    """
    with _decoding(container):
        source = av.open(file, mode="r", format=DEMUXERS[container], metadata_errors="replace")
    with source:
        if not source.streams.audio:
            raise AudioError("E-AUDIO-FORMAT", f"the {container} file has no audio track")
        track = source.streams.audio[0]
        rate, channels = int(track.rate or 0), int(track.channels or 0)
        if rate < 1 or channels < 1:
            raise AudioError("E-AUDIO-HEADER", f"the track has {channels} channels at {rate} Hz")
        yield _blocks(source, track, container, block), rate, channels


@contextlib.contextmanager
def _decoding(container: str) -> Iterator[None]:
    """Around each call of FFmpeg: its errors get our codes."""
    try:
        yield
    except (av.FFmpegError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(
            "E-AUDIO-CORRUPT", f"decoding the {container} stopped: {reason}"
        ) from error


def _blocks(
    source: av.container.InputContainer, track: av.AudioStream, container: str, largest: int
) -> Iterator[Block]:
    planes = _planes(source, track)
    while True:
        with _decoding(container):
            samples = next(planes, None)
        if samples is None:
            return
        for start in range(0, samples.shape[1], largest):
            part = samples[:, start : start + largest]
            yield np.ascontiguousarray(part.T, dtype=np.float32)


def _planes(source: av.container.InputContainer, track: av.AudioStream) -> Iterator[Block]:
    """The track's frames as arrays of shape (n_channels, n_samples)."""
    to_planes = av.AudioResampler(format="fltp", layout=track.layout, rate=int(track.rate))
    for frame in source.decode(track):
        for part in to_planes.resample(frame):
            yield part.to_ndarray()
    for part in to_planes.resample(None):
        yield part.to_ndarray()
