"""A corpus that takes seconds: three classes of short bursts, six sources that colour them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ddasp.audio.files import write

RATE = 8000
CLASSES = ("hiss", "hum", "ping")


def burst(label: str, source: int, rng: np.random.Generator) -> np.ndarray:
    """A burst of noise, a low tone or a decaying high tone, tuned by its source."""
    n = int(rng.uniform(0.12, 0.2) * RATE)
    t = np.arange(n) / RATE
    colour = 1 + 0.15 * source
    if label == "hiss":
        x = np.diff(rng.standard_normal(n + 1)) * np.hanning(n)
    elif label == "hum":
        x = np.sin(2 * np.pi * 150 * colour * rng.uniform(0.95, 1.05) * t) * np.hanning(n)
    else:
        x = np.sin(2 * np.pi * 700 * colour * rng.uniform(0.95, 1.05) * t) * np.exp(-t / 0.03)
    x = x / np.abs(x).max() * rng.uniform(0.1, 0.8)
    return x + 0.01 * rng.standard_normal(n)


def write_corpus(folder: Path, *, n_sources: int = 6, n_each: int = 4, seed: int = 5) -> Path:
    """Files named ``label_source_index.wav``, and ``decay.csv`` with a number for each."""
    rng = np.random.default_rng(seed)
    rows = ["file,target,group"]
    for source in range(n_sources):
        for label in CLASSES:
            for index in range(n_each):
                name = f"{label}_{chr(97 + source)}_{index}.wav"
                signal = burst(label, source, rng)
                write(folder / name, signal[:, np.newaxis], RATE)
                crossings = np.mean(signal[1:] * signal[:-1] < 0)
                rows.append(f"{name},{float(crossings)!r},{chr(97 + source)}")
    (folder.parent / "crossings.csv").write_text("\n".join(rows) + "\n")
    return folder


def write_recordings(folder: Path, *, n_files: int = 4, seconds: float = 3.0) -> Path:
    """Recordings of alternating half seconds of hiss and hum, each with an Audacity label track."""
    rng = np.random.default_rng(11)
    half = RATE // 2
    for number in range(n_files):
        parts, lines = [], []
        for k in range(int(2 * seconds)):
            label = ("hiss", "hum")[(k + number) % 2]
            tone = np.sin(2 * np.pi * 140 * (1 + 0.1 * number) * np.arange(half) / RATE)
            parts.append(0.2 * (tone if label == "hum" else rng.standard_normal(half)))
            lines.append(f"{k / 2}\t{(k + 1) / 2}\t{label}")
        name = chr(97 + number)
        write(folder / f"{name}.wav", np.clip(np.concatenate(parts), -1, 1)[:, np.newaxis], RATE)
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return folder


SMALL = """
[preparation]
features = ["levels", "mfcc"]
[spot_check]
families = ["majority", "rule", "linear", "tree"]
cap = 40
survivors = 1
[selection]
trials = 2
finalists = 1
[evaluation]
players = 6
"""

NESTED = (
    """
[problem]
question = "Which of three bursts is it?"
useful_from = 0.5
[sounds]
folder = "sounds"
pattern = '(?P<label>[a-z]+)_(?P<group>[a-z])_\\d'
"""
    + SMALL
)

SEALED = NESTED.replace("(?P<group>[a-z])", "[a-z]")

BINARY = (
    """
[problem]
kind = "binary"
measure = "cost"
useful_from = 0.5
positive = "hiss"
cost.hiss = { other = 5.0 }
[sounds]
folder = "sounds"
table = "binary.csv"
"""
    + SMALL
)

REGRESSION = (
    """
[problem]
kind = "regression"
useful_from = 0.1
unit = "crossings per sample"
[sounds]
folder = "sounds"
table = "crossings.csv"
"""
    + SMALL
)

TRACKS = (
    """
[problem]
kind = "binary"
useful_from = 0.8
[sounds]
folder = "sounds"
tracks = "audacity"
window.length = 0.25
"""
    + SMALL
)
