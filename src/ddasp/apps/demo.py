"""The demo corpus: a drum machine's sounds in a folder, ready for `ddasp run`.

*Conventions*: one folder for each voice, ``VOICE/KIT_INDEX.wav``: the folder is the label, the kit
the group. 22.05 kHz, 16 bit, mono. Equal seeds give equal bytes.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from ddasp._check import in_range
from ddasp._files import write_text
from ddasp.audio.files import write
from ddasp.audio.signals import VOICES, DrumItem, drum_corpus

__all__ = ["write_drum_corpus"]

_COPIED = VOICES.index("snare")


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
