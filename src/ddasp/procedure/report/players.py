"""Sounds for the report: cut, compressed, at equal loudness, and never more than the budget.

*Conventions*: loudness by ITU-R BS.1770; every sound is brought to -20 LUFS, or as near as its
peak allows (-1 dBFS), so that neighbours can be compared and none startles. MP3 in base64.

*References*: ITU-R BS.1770-5.
"""

from __future__ import annotations

import base64
import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import DdaspError
from ddasp.audio.blocks import read_blocks
from ddasp.audio.files import encode
from ddasp.audio.loudness import integrated_loudness
from ddasp.audio.resampling import to_mono

__all__ = ["Excerpt", "Players", "load"]

LOUDNESS, PEAK = -20.0, -1.0
LONGEST = 8.0  # seconds of a player; the picture beside it shows the same
ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass(frozen=True)
class Excerpt:
    """A piece of a file, one channel, full scale 1, at most `LONGEST` seconds."""

    signal: NDArray[np.float64]
    rate: int
    is_cut: bool


def locate(sounds: Path, name: str) -> Path | None:
    """The file that a shown name stands for; None when it is gone or would lie outside.

    A name that is no UTF-8 is shown with escapes; they are turned back into its bytes.
    """
    raw = ESCAPED.sub(lambda m: bytes([int(m.group(1), 16)]), name.encode("utf-8", "replace"))
    for found in (sounds / name, sounds / os.fsdecode(raw)):
        try:
            if found.is_file() and found.resolve().is_relative_to(sounds.resolve()):
                return found
        except (OSError, ValueError):
            continue
    return None


def load(sounds: Path, name: str, start: float, stop: float) -> Excerpt | None:
    """Read an excerpt; None when the file can't be found or read any more."""
    path = locate(sounds, name)
    if path is None:
        return None
    try:
        return _excerpt(path, start if math.isfinite(start) else 0.0, stop)
    except DdaspError:
        return None


def _excerpt(path: Path, start: float, stop: float) -> Excerpt | None:
    """At most `LONGEST` seconds; what follows is not read, and nothing else is kept."""
    with read_blocks(path, max_duration=1e9) as blocks:
        first = round(start * blocks.rate)
        last = round(stop * blocks.rate) if math.isfinite(stop) else math.inf
        end = int(min(last, first + int(LONGEST * blocks.rate)))
        parts, n = [np.zeros(0)], 0
        for block in blocks:
            parts.append(np.asarray(to_mono(block[max(first - n, 0) : max(end - n, 0)]), float))
            n += len(block)
            if n > end:
                break
    signal = np.concatenate(parts)
    return Excerpt(signal, blocks.rate, n > end and last > end) if signal.size else None


def level(signal: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """The same sound at the loudness of all players."""
    peak = float(np.abs(signal).max())
    if peak == 0:
        return signal
    loudness = integrated_loudness(signal, rate)
    gain = LOUDNESS - loudness if math.isfinite(loudness) else 0.0
    gain = min(gain, PEAK - 20 * math.log10(peak))
    return np.asarray(signal * 10 ** (gain / 20))


@dataclass
class Players:
    """The sounds of one report.

    Parameters
    ----------
    sounds : Path
        The folder of sounds.
    most : int
        Sounds at most; 0 keeps all of them out.
    budget : int
        Bytes at most, as they stand in the page.
    """

    sounds: Path
    most: int
    budget: int
    data: dict[str, str] = field(default_factory=dict)
    _known: dict[tuple[str, float, float], str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that the sounds take in the page."""
        return sum(len(text) + 12 for text in self.data.values())

    def key(self, name: str, start: float, stop: float) -> str:
        """The key of a sound that is in, "" for others."""
        return self._known.get((name, float(start), float(stop)), "")

    def add(self, name: str, start: float, stop: float, *, excerpt: Excerpt | None = None) -> str:
        """Take a sound in; returns its key, or "" when it has no place or can't be read."""
        place = (name, float(start), float(stop))
        if place in self._known:
            return self._known[place]
        if len(self.data) >= self.most:
            return ""
        excerpt = excerpt or load(self.sounds, name, start, stop)
        if excerpt is None:
            return ""
        try:
            sound = encode(level(excerpt.signal, excerpt.rate), excerpt.rate, container="MP3")
        except DdaspError:
            return ""
        text = base64.b64encode(sound).decode()
        if self.size + len(text) > self.budget:
            return ""
        key = f"s{len(self.data)}"
        self.data[key] = text
        self._known[place] = key
        return key
