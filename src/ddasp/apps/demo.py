"""The demo corpora, ready for `ddasp run`: the hits of a drum machine, and speakers who say vowels.

*Conventions*: drums are short files, ``VOICE/KIT_INDEX.wav``: the folder is the label, the kit the
group; 22.05 kHz. Voices are longer recordings, ``SPEAKER.wav`` at 16 kHz, with an Audacity label track
beside each, as one gets them from a microphone: something happens at known times in a room. 16 bit,
mono. Equal seeds give equal bytes.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from ddasp._check import in_range
from ddasp._files import write_text
from ddasp.audio.drums import VOICES, DrumItem, drum_corpus
from ddasp.audio.files import write
from ddasp.audio.noises import noise
from ddasp.audio.voices import VoiceItem, voice_corpus

__all__ = ["write_drum_corpus", "write_voice_corpus"]

_COPIED = VOICES.index("snare")
VOICE_RATE = 16_000


def _copy(item: DrumItem, index: int) -> DrumItem:
    """The same hit once more: 6 dB fainter, 50 ms cut off at the end."""
    signal = 0.5 * item.signal[: -round(0.05 * item.rate)]
    return replace(item, index=index, signal=signal)


def write_drum_corpus(
    folder: str | os.PathLike[str], *, seed: int = 7, n_kits: int = 12, n_hits: int = 5
) -> int:
    """Write the drum machine's sounds and a table of their decay times.

    One sound is planted on purpose: the first snare of the first kit stands in its folder twice,
    the second time 6 dB fainter, 50 ms shorter and numbered ``n_hits + 1``. A search for duplicates
    has to find this pair and no other.

    Parameters
    ----------
    folder : str or path-like
        Where to write; made if absent. Files of the same names are replaced.
    seed : int, optional
        Seed of all randomness.
    n_kits : int, optional
        Number of kits (groups).
    n_hits : int, optional
        Hits of each voice in each kit.

    Returns
    -------
    int
        Number of sound files: ``6 * n_kits * n_hits + 1``.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` for a number of kits or hits below 1.
    RunError
        ``E-DISK`` when the folder can't be written.

    Notes
    -----
    ``decay.csv`` has the columns ``file`` (relative path) and ``decay_time`` (T60 of the dry voice
    in s): the target of a regression.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     n = write_drum_corpus(folder, n_kits=1, n_hits=1)
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['clap', 'closed_hat', 'decay.csv', 'kick', 'open_hat', 'snare', 'tom']
    """
    in_range(n_kits, "n_kits", 1, 100_000)
    in_range(n_hits, "n_hits", 1, 100_000)
    folder = Path(folder)
    rows = []

    def put(item: DrumItem) -> None:
        name = f"{item.voice}/{item.kit}_{item.index:02d}.wav"
        (folder / item.voice).mkdir(parents=True, exist_ok=True)
        write(folder / name, item.signal, item.rate)
        rows.append(f"{name},{item.decay_time:.6f}\n")

    corpus = drum_corpus(np.random.default_rng(seed), n_kits=n_kits, n_hits=n_hits)
    for i, item in enumerate(corpus):
        put(item)
        if i == _COPIED:
            put(_copy(item, n_hits + 1))
    write_text(folder / "decay.csv", "file,decay_time\n" + "".join(sorted(rows)))
    return len(rows)


def write_voice_corpus(
    folder: str | os.PathLike[str], *, seed: int = 7, n_speakers: int = 10, n_takes: int = 3
) -> int:
    """Write recordings of speakers who say vowels, with pauses between, and their label tracks.

    Parameters
    ----------
    folder : str or path-like
        Where to write; made if absent. Files of the same names are replaced.
    seed : int, optional
        Seed of all randomness.
    n_speakers : int, optional
        Number of recordings, one a speaker (groups).
    n_takes : int, optional
        How often each says each vowel.

    Returns
    -------
    int
        Number of sound files.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` for a number of speakers or takes below 1.
    RunError
        ``E-DISK`` when the folder can't be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     n = write_voice_corpus(folder, n_speakers=1, n_takes=1)
    ...     sorted(path.suffix for path in Path(folder).iterdir())
    ['.txt', '.wav']
    """
    in_range(n_speakers, "n_speakers", 1, 100_000)
    in_range(n_takes, "n_takes", 1, 100_000)
    folder, rng = Path(folder), np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    items = voice_corpus(rng, n_speakers=n_speakers, n_takes=n_takes, rate=VOICE_RATE)
    for speaker, takes in groupby(items, key=lambda item: item.speaker):
        signal, track = _recording(list(takes), rng)
        write(folder / f"{speaker}.wav", signal, VOICE_RATE)
        write_text(folder / f"{speaker}.txt", track)
    return n_speakers


def _recording(takes: list[VoiceItem], rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """Takes in a drawn order, with pauses, over the noise of a room; and the label track."""
    parts, lines, at = [], [], 0
    for i in rng.permutation(len(takes)):
        pause = np.zeros(round(rng.uniform(0.4, 1.2) * VOICE_RATE))
        start = at + len(pause)
        at = start + len(takes[i].signal)
        parts += [pause, takes[i].signal]
        lines.append(f"{start / VOICE_RATE:.4f}\t{at / VOICE_RATE:.4f}\t{takes[i].vowel}\n")
    x = np.concatenate([*parts, np.zeros(VOICE_RATE // 2)])
    room = 10 ** (rng.uniform(-62, -48) / 20) * noise(len(x), rng, slope=rng.uniform(-6, -2))
    return np.clip(x + room, -1.0, 1.0), "".join(lines)
