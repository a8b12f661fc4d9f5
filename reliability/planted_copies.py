"""Copies of eight kinds, planted among real recordings, and what is found of them.

Of every sixth recording eight copies are made. A kind's recall is the share of its copies that end in
the set of their original; a pair is right when both are copies of one recording. Both are counted with
everything in one search, as in a run. With ``DDASP_DATA`` naming the Free Spoken Digit Dataset the
recordings are its utterances (0.4 s on average, three thousand), else voices that the demo makes.

*Conventions*: signals mono, rates in Hz, times in s. Processor time is that of fingerprints and search.

*References*: Jackson et al., "Free Spoken Digit Dataset", https://github.com/Jakobovski/free-spoken-digit-dataset.
"""

from __future__ import annotations

import io
import itertools
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ddasp.audio.voices import VOWELS, voice_corpus
from ddasp.procedure.duplicates import Pair, duplicate_sets, find, fingerprint
from reliability.harness import Found, Place, Row

Sound = tuple[NDArray[np.float64], int]  # signal, rate
LEAST_RECALL, LEAST_PRECISION = 0.95, 0.99
EVERY = 6  # one recording in that many is copied; of a few, one in three
TAKES = 3  # of a vowel by a generated voice


def _gain(sound: Sound, rng: np.random.Generator) -> Sound:
    """6 dB more or less."""
    x, rate = sound
    return x * 10 ** (rng.choice([-6, 6]) / 20), rate


def _trim(sound: Sound, rng: np.random.Generator) -> Sound:
    """0.1 s less, at the beginning or the end."""
    x, rate = sound
    n = round(0.1 * rate)
    return (x[n:] if rng.random() < 0.5 else x[:-n]), rate


def _mp3(sound: Sound, _rng: np.random.Generator) -> Sound:
    """64 kb/s, as near as the codec has it for the rate."""
    x, rate = sound
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", rate, 1, "MPEG_LAYER_III", format="MP3",
        bitrate_mode="CONSTANT", compression_level=0.7 if rate > 8000 else 0.0,
    ) as out:  # fmt: skip
        out.write(x)
    file.seek(0)
    decoded, _ = soundfile.read(file)
    return decoded, rate


def _resampled(sound: Sound, _rng: np.random.Generator) -> Sound:
    """To 44.1 kHz, and from there to 16 kHz."""
    x, rate = sound
    return resample_poly(resample_poly(x, 44_100, rate), 160, 441), 16_000


def _noise(sound: Sound, rng: np.random.Generator) -> Sound:
    """White noise 30 dB below."""
    x, rate = sound
    return x + rng.standard_normal(x.size) * np.sqrt(np.mean(x**2)) * 10**-1.5, rate


def _polarity(sound: Sound, rng: np.random.Generator) -> Sound:
    """Turned upside down, with a constant added."""
    x, rate = sound
    return -x + rng.uniform(-0.05, 0.05), rate


def _later(sound: Sound, rng: np.random.Generator) -> Sound:
    """0.3 to 1 s of silence before it, as quiet as a recorder's."""
    x, rate = sound
    silence = 1e-4 * np.abs(x).max() * rng.standard_normal(round(rng.uniform(0.3, 1.0) * rate))
    return np.concatenate([silence, x]), rate


def _all(sound: Sound, rng: np.random.Generator) -> Sound:
    """All of them, one after the other."""
    for change in (_trim, _later, _gain, _noise, _mp3, _resampled, _polarity):
        sound = change(sound, rng)
    return sound


KINDS: dict[str, Callable[[Sound, np.random.Generator], Sound]] = {
    "gain of 6 dB": _gain,
    "0.1 s cut off": _trim,
    "MP3 at 64 kb/s": _mp3,
    "44.1 to 16 kHz": _resampled,
    "noise at -30 dB": _noise,
    "polarity and DC": _polarity,
    "0.3 to 1 s later": _later,
    "all together": _all,
}


def recordings(n: int, seed: int) -> tuple[str, list[Sound]]:
    """As many as asked for: real ones where there are some, and what they are."""
    rng, named = np.random.default_rng(seed), os.environ.get("DDASP_DATA", "")
    paths = sorted(Path(named).rglob("[0-9]_*_*.wav")) if named else []
    if paths:
        drawn = sorted(rng.permutation(len(paths))[:n])
        sounds = (soundfile.read(paths[i]) for i in drawn)
        return "spoken digits", [(np.asarray(x, np.float64), int(rate)) for x, rate in sounds]
    n_speakers = -(-n // (len(VOWELS) * TAKES))
    voices = itertools.islice(voice_corpus(rng, n_speakers=n_speakers, n_takes=TAKES), n)
    return "generated voices", [(item.signal, item.rate) for item in voices]


def _searched(sounds: Sequence[Sound]) -> tuple[list[Pair], float]:
    """The pairs that are found, and the processor time that it took [s]."""
    begin = time.process_time()
    prints = [fingerprint(x, rate) for x, rate in sounds]
    return find(prints, [str(i) for i in range(len(prints))]), time.process_time() - begin


def planted(place: Place) -> Found:
    """Recall of each kind, precision of pairs, and how the time grows."""
    n = place.number(quick=60, usual=600, full=3000)
    what, sounds = recordings(n, place.seed)
    rng, faults = np.random.default_rng(place.seed), []
    originals = range(0, n, place.number(quick=3, usual=EVERY))
    copies = [
        (i, kind, change(sounds[i], rng)) for i in originals for kind, change in KINDS.items()
    ]
    pairs, _ = _searched([*sounds, *(copy for _, _, copy in copies)])
    original = np.array([*range(n), *(i for i, _, _ in copies)])
    right = np.mean([original[p.a] == original[p.b] for p in pairs]) if pairs else 0.0
    if right < LEAST_PRECISION:
        faults.append(f"of {len(pairs)} pairs {right:.4f} are right")
    sets = duplicate_sets(pairs, len(original))
    figures: dict[str, float | int | str] = {"recordings": f"{n} {what}", "pairs": len(pairs)}
    figures["precision"] = round(float(right), 4)
    for kind in KINDS:
        found = [
            sets[n + k] >= 0 and sets[n + k] == sets[i]
            for k, (i, of, _) in enumerate(copies)
            if of == kind
        ]
        figures[kind] = f"{np.mean(found):.3f}"
        if np.mean(found) < LEAST_RECALL:
            faults.append(f"{kind}: {np.mean(found):.3f} of {len(found)} copies were found")
    sizes = [n // 4, n // 2, n]
    each = [1000 * _searched(sounds[:size])[1] / size for size in sizes]  # ms a file
    figures["ms a file, for " + ", ".join(map(str, sizes))] = ", ".join(f"{t:.1f}" for t in each)
    if each[-1] > 2 * max(each[0], 1.0):
        faults.append(
            f"the time for each of {n} files is {each[-1] / each[0]:.1f} times that of {n // 4}"
        )
    return Found(len(copies), figures, tuple(faults))


ROWS = (
    Row(
        "Leakage can't happen",
        "copies of eight kinds among recordings",
        "of each kind 95 % or more are found; 99 % of pairs or more are right; time linear in files",
        90,
        planted,
    ),
)
