"""A sound to be heard and seen: 16-bit WAV at one loudness, its envelope, its mel spectrogram.

Sounds that are compared by ear must be equally loud, or the louder one wins: each is brought to -23 LUFS,
or as near as its peak allows (-1 dBFS), by gain alone.

*Conventions*: one channel, shape (n_samples,), full scale = 1. In a picture times are in s and
frequencies in Hz; row 0 of the spectrogram is its top, the highest band. Levels are in dB re the loudest
cell of the same sound, floored at -80 dB, and stand as bytes: level = -80 + 80 byte / 255.

*References*: ITU-R BS.1770-5 (loudness); Slaney 1998 (mel bands).
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FLOOR", "LONGEST", "LOUDNESS", "PEAK", "levelled", "picture_of", "wav_of"]

Array = NDArray[np.float64]

LOUDNESS, PEAK = -23.0, -1.0  # LUFS, dBFS
LONGEST = 15.0  # s that are played and shown
N_COLUMNS, N_BANDS = 400, 64
FRAME, HOP = 0.032, 0.005  # s
F_MIN, FLOOR = 40.0, -80.0  # Hz, dB


def _excerpt(signal: ArrayLike, rate: int) -> Array:
    return np.asarray(signal, np.float64)[: int(LONGEST * rate)]


def levelled(signal: ArrayLike, rate: int) -> tuple[Array, float]:
    """The same sound at -23 LUFS, or as near as a peak of -1 dBFS allows.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Full scale = 1.
    rate : int
        Sampling rate [Hz].

    Returns
    -------
    signal : ndarray of shape (n_samples,)
    gain : float
        What it was raised by [dB]; 0 for silence.

    Examples
    --------
    >>> sine = 0.01 * np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))
    >>> round(levelled(sine, 8000)[1], 1)  # a sine of -40 dBFS has -43 LUFS
    20.0
    """
    from ddasp.audio.loudness import integrated_loudness

    x = np.asarray(signal, np.float64)
    peak = float(np.abs(x).max(initial=0.0))
    if peak == 0:
        return x, 0.0
    full = x / peak  # at full scale the absolute gate takes no soft sound for silence
    to_loudness = LOUDNESS - integrated_loudness(full, rate)  # infinite for a lone click
    gain = min(to_loudness, PEAK)
    return full * 10 ** (gain / 20), gain - 20 * math.log10(peak)


def wav_of(signal: ArrayLike, rate: int) -> bytes:
    """A sound as the bytes of a WAV file: 16 bits, one channel, levelled, at most 15 s.

    Examples
    --------
    >>> wav_of(np.zeros(800), 8000)[:4]
    b'RIFF'
    """
    from ddasp.audio.files import encode

    return encode(levelled(_excerpt(signal, rate), rate)[0], rate, container="WAV")


def picture_of(signal: ArrayLike, rate: int) -> dict[str, Any]:
    """What a page draws of a sound, as values of JSON.

    Parameters
    ----------
    signal : array_like of shape (n_samples,)
        Full scale = 1; at most 15 s of it are shown.
    rate : int
        Sampling rate [Hz].

    Returns
    -------
    dict
        ``duration`` [s], ``cut`` (whether the sound goes on), ``rate``, ``gain`` [dB] of the player;
        ``waveform``: ``low`` and ``high`` (lists, as long as there are columns: 400, or as many as
        samples), ``step`` [s]; ``spectrogram``: ``rows``, ``columns``, ``data`` (base64 of
        rows * columns bytes), ``floor`` [dB], ``times`` (centre of the first column and ``step``
        [s]), ``frequencies`` (centre of each row [Hz], top first).
    """
    x = _excerpt(signal, rate)
    low, high, step = _envelope(x, rate)
    return {
        "duration": len(x) / rate,
        "cut": len(x) < np.size(signal),
        "rate": rate,
        "gain": round(levelled(x, rate)[1], 2),
        "waveform": {"low": low, "high": high, "step": step},
        "spectrogram": _spectrogram(x, rate),
    }


def _envelope(x: Array, rate: int) -> tuple[list[float], list[float], float]:
    """Smallest and largest sample of each column."""
    if not len(x):
        return [], [], 0.0
    n = min(N_COLUMNS, len(x))
    first = np.arange(n) * len(x) // n
    low, high = (edge.reduceat(x, first) for edge in (np.minimum, np.maximum))
    return low.round(4).tolist(), high.round(4).tolist(), len(x) / n / rate


def _spectrogram(x: Array, rate: int) -> dict[str, Any]:
    from ddasp.audio import mel, stft

    frame = max(4, round(FRAME * rate))
    hop = max(1, round(HOP * rate), -(-len(x) // N_COLUMNS))
    n_fft = 4 * stft.next_power_of_2(frame)  # finer bins, so that no low band is empty
    bands = mel.MelBands(N_BANDS, F_MIN, rate / 2)
    power: NDArray[np.floating] = np.zeros((0, n_fft // 2 + 1))
    if len(x):
        power = stft.power_spectra(x, frame, hop, n_fft=n_fft)
    P = power @ mel.filter_bank(bands, n_fft, rate).T  # (n_frames, n_bands)
    top = float(P.max(initial=0.0))
    level = np.full(P.shape, FLOOR)
    if top > 0:
        level = 10 * np.log10(np.maximum(P / top, 10 ** (FLOOR / 10)))
    cells = np.rint((level.T[::-1] - FLOOR) / -FLOOR * 255).astype(np.uint8)
    edges = np.linspace(mel.hz_to_mel(F_MIN), mel.hz_to_mel(rate / 2), N_BANDS + 2)
    centres = mel.mel_to_hz(edges[1:-1])
    return {
        "rows": N_BANDS,
        "columns": len(P),
        "data": base64.b64encode(np.ascontiguousarray(cells).tobytes()).decode(),
        "floor": FLOOR,
        "times": {"first": 0.0, "step": hop / rate},
        "frequencies": centres[::-1].round(1).tolist(),
    }
