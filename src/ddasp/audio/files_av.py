"""Sound files that libsndfile doesn't read (MP4, WebM, AAC, WMA, ...), decoded by PyAV.

*Conventions*: as in `ddasp.audio.files`, which is the way in: it has checked that the file is a
regular one and what container it is. The first audio track is read.

*References*: PyAV 14 and later, FFmpeg's libavformat. The demuxer is named, never guessed, so
that no playlist can lead FFmpeg to other files or to the network.
"""

from __future__ import annotations

from collections.abc import Callable
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

__all__ = ["decode"]

DEMUXERS = {
    "MP4": "mov",
    "Matroska": "matroska",
    "AAC": "aac",
    "ASF": "asf",
    "CAF": "caf",
    "AU": "au",
}


def decode(
    file: BinaryIO, container: str, max_frames: Callable[[int, int], int]
) -> tuple[NDArray[np.float32], int]:
    """Decode the first audio track.

    Parameters
    ----------
    file : binary file
        At its beginning.
    container : str
        A key of `DEMUXERS`.
    max_frames : callable
        Given channels and rate [Hz], the number of frames at which decoding stops.

    Returns
    -------
    samples : ndarray of shape (n_samples, n_channels)
        float32, full scale = 1.
    rate : int
        Sampling rate [Hz].

    Raises
    ------
    AudioError
        ``E-AUDIO-FORMAT`` without an audio track, ``E-AUDIO-CORRUPT`` when decoding stops,
        ``E-AUDIO-TOOLONG`` at the cap.
    """
    try:
        demuxer = DEMUXERS[container]
        with av.open(file, mode="r", format=demuxer, metadata_errors="replace") as source:
            if not source.streams.audio:
                raise AudioError("E-AUDIO-FORMAT", f"the {container} file has no audio track")
            return _decode_track(source, source.streams.audio[0], max_frames)
    except (av.FFmpegError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(
            "E-AUDIO-CORRUPT", f"decoding the {container} stopped: {reason}"
        ) from error


def _decode_track(
    source: av.container.InputContainer,
    track: av.AudioStream,
    max_frames: Callable[[int, int], int],
) -> tuple[NDArray[np.float32], int]:
    rate, channels = int(track.rate or 0), int(track.channels or 0)
    if rate < 1 or channels < 1:
        raise AudioError("E-AUDIO-HEADER", f"the track has {channels} channels at {rate} Hz")
    limit = max_frames(channels, rate)
    to_planes = av.AudioResampler(format="fltp", layout=track.layout, rate=rate)
    blocks, n_frames = [np.zeros((channels, 0), np.float32)], 0
    for frame in source.decode(track):
        for block in to_planes.resample(frame):
            blocks.append(block.to_ndarray())
            n_frames += block.samples
            if n_frames > limit:
                raise AudioError(
                    "E-AUDIO-TOOLONG",
                    f"{n_frames} or more frames of {channels} channels at {rate} Hz; "
                    f"expected at most {limit}",
                )
    blocks += [block.to_ndarray() for block in to_planes.resample(None)]
    return np.ascontiguousarray(np.concatenate(blocks, axis=1).T, dtype=np.float32), rate
