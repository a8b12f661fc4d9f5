"""Small sound files and what becomes of them when single bytes are changed or the end is missing.

*Conventions*: a file is bytes; a mutant is known by its number, so that any process makes the same one.
The *head* of a file is what stands before its first sample (MP3: before its second frame), but at
most `EARLY` bytes: the code books of Vorbis alone would fill 4 kB.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import soundfile as sf

__all__ = ["KINDS", "Mutant", "changed", "head_length", "mutants", "original", "suffix"]

RATE, N_SAMPLES = 8000, 800
EARLY = 200  # bytes
EXTREMES = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)

KINDS = {
    "WAV 16": ("WAV", "PCM_16"),
    "WAV 24": ("WAV", "PCM_24"),
    "WAV float": ("WAV", "FLOAT"),
    "FLAC": ("FLAC", "PCM_16"),
    "OGG": ("OGG", "VORBIS"),
    "MP3": ("MP3", "MPEG_LAYER_III"),
    "AIFF": ("AIFF", "PCM_16"),
}
"""Name -> container and subtype of libsndfile."""


@dataclass(frozen=True)
class Mutant:
    """A change of one file.

    Attributes: ``kind`` is one of `KINDS`; ``how`` says in words what was done; ``content`` is what is
    left.
    """

    kind: str
    how: str
    content: bytes

    @property
    def first(self) -> int:
        """The first byte that is another one than in the original, or is not there."""
        pairs = zip(original(self.kind), self.content, strict=False)
        shorter = min(len(original(self.kind)), len(self.content))
        return next((i for i, (a, b) in enumerate(pairs) if a != b), shorter)


@cache
def original(kind: str) -> bytes:
    """A tone that decays, on one channel at 8 kHz, as a file of that kind."""
    container, subtype = KINDS[kind]
    t = np.arange(N_SAMPLES) / RATE
    signal = 0.5 * np.sin(2 * np.pi * 440 * t) * np.exp(-8 * t)
    buffer = io.BytesIO()
    sf.write(buffer, signal, RATE, format=container, subtype=subtype)
    return buffer.getvalue()


def suffix(kind: str) -> str:
    """The ending of a name of that kind."""
    return "." + KINDS[kind][0].lower()


@cache
def head_length(kind: str) -> int:
    """Bytes before the first sample, at most `EARLY`."""
    content = original(kind)
    if kind.startswith("WAV"):
        found = content.index(b"data") + 8
    elif kind == "AIFF":
        found = content.index(b"SSND") + 16
    elif kind == "FLAC":
        found, last = 4, False
        while not last:  # blocks of metadata: a bit for the last one, a type, a length
            last = content[found] >= 0x80
            found += 4 + int.from_bytes(content[found + 1 : found + 4], "big")
    else:
        found = EARLY
    return min(found, EARLY)


def mutants(seed: int, n: int) -> list[tuple[str, str, int]]:
    """Names of n mutants or more: all systematic ones, then as many drawn from a seed.

    Each is a kind, what is done, and a number; `changed` makes its content.
    """
    named = [(kind, how, i) for kind in KINDS for how, i in _systematic(kind)]
    rng = np.random.default_rng(seed)
    kinds = list(KINDS)
    for number in range(max(n - len(named), 0)):
        named.append((kinds[number % len(kinds)], "drawn", int(rng.integers(2**31))))
    return named


def _systematic(kind: str) -> Iterator[tuple[str, int]]:
    head = head_length(kind)
    yield from (("cut", i) for i in range(head + 1))
    yield from (("bit", i) for i in range(8 * head))
    yield from (("field", i) for i in range(len(EXTREMES) * (head - 3)))


def changed(kind: str, how: str, number: int) -> Mutant:
    """The mutant of that name."""
    content = bytearray(original(kind))
    if how == "cut":
        return Mutant(kind, f"cut at byte {number}", bytes(content[:number]))
    if how == "bit":
        at, bit = divmod(number, 8)
        content[at] ^= 1 << bit
        return Mutant(kind, f"bit {bit} of byte {at} flipped", bytes(content))
    if how == "field":
        at, which = divmod(number, len(EXTREMES))
        order = ">" if kind in ("AIFF", "FLAC") else "<"
        content[at : at + 4] = struct.pack(order + "I", EXTREMES[which])
        return Mutant(kind, f"bytes {at} to {at + 3} = {EXTREMES[which]:#x}", bytes(content))
    return _drawn(kind, number)


def _drawn(kind: str, number: int) -> Mutant:
    """One to eight bytes anywhere, a part taken out, doubled or zeroed."""
    rng = np.random.default_rng(number)
    content = original(kind)
    n = len(content)
    start = int(rng.integers(n))
    stop = min(n, start + int(rng.integers(1, 1 + rng.choice([8, n // 2]))))
    part = content[start:stop]
    what, new = (
        ("overwritten", rng.bytes(len(part))),
        ("taken out", b""),
        ("doubled", part + part),
        ("zeroed", bytes(len(part))),
    )[int(rng.integers(4))]
    made = content[:start] + new + content[stop:]
    return Mutant(kind, f"bytes {start} to {stop - 1} {what} (draw {number})", made)
