"""What a lossy format leaves of a sound: encoded in memory and decoded again.

*Conventions*: mono signals of shape (n_samples,), full scale = 1; length, alignment and floating
dtype are kept. Nothing is random.

*References*: libsndfile 1.2 with LAME (MP3), libvorbis and libopus; the encoder's delay and
padding are written to the file and taken off by the decoder.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile as sf
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, one_of, signal_1d
from ddasp.audio.resampling import resample

__all__ = ["CODECS", "transcode"]

CODECS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "mp3": (
        "MP3", "MPEG_LAYER_III",
        (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    ),
    "opus": ("OGG", "OPUS", (8000, 12000, 16000, 24000, 48000)),
    "vorbis": ("OGG", "VORBIS", (8000, 11025, 16000, 22050, 32000, 44100, 48000)),
}  # fmt: skip
"""Container, subtype and sampling rates [Hz] of each codec."""


def transcode(
    signal: ArrayLike, rate: int, codec: str = "mp3", *, compression: float = 0.5
) -> NDArray[np.floating]:
    """Encode a sound and decode it again.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Sound. What lies beyond full scale is scaled down for the encoder and up again.
    rate : int
        Sampling rate [Hz]. Where the codec doesn't know it, the sound is resampled to the next
        higher one that it knows (else to its highest) and back.
    codec : {"mp3", "opus", "vorbis"}
        Format.
    compression : float, optional
        0 (best) to 0.99 (smallest), libsndfile's scale, at a variable bit rate. Noise at 16 kHz
        becomes about 37 kbit/s as MP3, 53 as Vorbis and 137 as Opus at 0.5; 31, 40 and 35 at 0.9.

    Returns
    -------
    ndarray of shape (n_samples,)
        What was heard of it, without delay.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` for an unknown codec.

    Examples
    --------
    >>> x = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    >>> y = transcode(x, 8000, "mp3")
    >>> y.size, bool(np.sum(x**2) > 100 * np.sum((x - y) ** 2) > 0)
    (8000, True)
    """
    x = signal_1d(signal)
    container, subtype, rates = CODECS[one_of(codec, "codec", tuple(sorted(CODECS)))]
    in_range(rate, "rate", 1000, 768_000, unit="Hz")
    in_range(compression, "compression", 0.0, 0.99)
    peak = float(np.abs(x).max()) if x.size else 0.0
    if peak == 0:
        return x.copy()
    scale = max(1.0, peak)
    coded_rate = min((r for r in rates if r >= rate), default=rates[-1])
    buffer = io.BytesIO()
    # at a constant bit rate libsndfile's MP3 comes out 0.95 times as loud, and late; the others
    # know no mode
    sf.write(
        buffer, resample(x / scale, rate, coded_rate), coded_rate,
        format=container, subtype=subtype,
        compression_level=compression, bitrate_mode="VARIABLE" if codec == "mp3" else None,
    )  # fmt: skip
    buffer.seek(0)
    decoded, _ = sf.read(buffer)
    y = resample(decoded, coded_rate, rate)[: x.size] * scale
    return np.pad(y, (0, x.size - y.size)).astype(x.dtype)
