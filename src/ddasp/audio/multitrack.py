"""A few bars of music in separate tracks, with every note known: drums, bass, chords, voice.

Tempo, key, harmony and melody are drawn; the sounds come from `drums`, `signals` and `voices`. The
mix is exactly the sum of its stems, so that whatever takes it apart again can be compared with the
truth, and whatever hears notes in it with the list of notes.

*Conventions*: mono signals of shape (n_samples,), float64, full scale = 1; rates in Hz, times in s,
tempo in quarter notes per minute, pitches as MIDI numbers (69 is 440 Hz, equal temperament). Four
quarters a bar, one chord a bar. All randomness comes from the generator that is passed in; each
stem has one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from ddasp._check import in_range, whole
from ddasp.audio.drums import drum_kit, drum_stroke
from ddasp.audio.signals import harmonic_tone, sawtooth
from ddasp.audio.voices import VOWELS, speaker, vowel

__all__ = ["STEMS", "Multitrack", "Note", "frequency", "multitrack"]

STEMS = ("drums", "bass", "chords", "voice")

Array = NDArray[np.float64]

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
HARMONIES = {  # degrees of the scale, from 0, one a bar
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4)),
    "minor": ((0, 5, 2, 6), (0, 3, 5, 6), (0, 5, 3, 4)),
}
LEVELS = {"drums": -20.0, "bass": -21.0, "chords": -26.0, "voice": -21.0}  # dB RMS
TAIL = 0.5  # s after the last bar
PEAK = 0.9


class Note(NamedTuple):
    """One note: `pitch` is a MIDI number, or None of a drum; `name` a drum or a sung vowel."""

    stem: str
    start: float
    duration: float
    pitch: int | None
    name: str


@dataclass(frozen=True)
class Multitrack:
    """Stems, their sum, and what is played.

    Parameters
    ----------
    stems : dict of str to ndarray of shape (n_samples,)
        The tracks, in the order of `STEMS`.
    mix : ndarray of shape (n_samples,)
        Their sum, in this order.
    rate : int
        Sampling rate [Hz].
    tempo : float
        Quarter notes per minute.
    key : str
        As "A minor".
    notes : tuple of Note
        All notes by time; times are whole numbers of samples.
    """

    stems: dict[str, Array]
    mix: Array
    rate: int
    tempo: float
    key: str
    notes: tuple[Note, ...]


class _Score(NamedTuple):
    """What the players share: bars, tempo, the scale as MIDI numbers from the tonic, a chord a bar."""

    n_bars: int
    tempo: float
    rate: int
    tonic: int
    scale: tuple[int, ...]
    chords: tuple[int, ...]

    def time(self, sixteenths: float) -> float:
        """When a sixteenth begins, on a sample [s]."""
        return round(sixteenths * 15 / self.tempo * self.rate) / self.rate

    def degree(self, d: int) -> int:
        """Semitones above the tonic of a degree of the scale, from 0; 7 is the octave."""
        return 12 * (d // 7) + self.scale[d % 7]


def frequency(pitch: float) -> float:
    """Frequency of a MIDI number in equal temperament, ``440 * 2^((pitch - 69) / 12)`` [Hz].

    Examples
    --------
    >>> frequency(69), frequency(57)
    (440.0, 220.0)
    """
    return float(440.0 * 2 ** ((pitch - 69) / 12))


def multitrack(rng: np.random.Generator, *, n_bars: int = 4, rate: int = 22_050) -> Multitrack:
    """Draw a piece of music and play it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_bars : int, optional
        Length in bars of 1.7 to 3 s.
    rate : int, optional
        Sampling rate [Hz], 8000 or more.

    Returns
    -------
    Multitrack
        Stems, mix and notes; the mix has a peak of 0.9.

    Examples
    --------
    >>> music = multitrack(np.random.default_rng(0), n_bars=1, rate=8000)
    >>> list(music.stems), bool((sum(music.stems.values()) == music.mix).all())
    (['drums', 'bass', 'chords', 'voice'], True)
    >>> music.notes[0].stem, music.notes[0].start
    ('bass', 0.0)
    """
    whole(n_bars, "n_bars")
    in_range(n_bars, "n_bars", 1, 1000)
    in_range(rate, "rate", 8000, 192_000, unit="Hz")
    tempo, tonic = float(rng.uniform(80, 140)), int(rng.integers(12))
    mode = ("major", "minor")[int(rng.integers(2))]
    harmony = HARMONIES[mode][int(rng.integers(3))]
    score = _Score(n_bars, tempo, rate, tonic, SCALES[mode], harmony)
    n_samples = round((score.time(16 * n_bars) + TAIL) * rate)
    stems, notes = {}, []
    for name, child in zip(STEMS, rng.spawn(len(STEMS)), strict=True):
        x = np.zeros(n_samples)
        for note, sound in PLAYERS[name](score, child):
            notes.append(note)
            at = round(note.start * rate)
            part = sound[: n_samples - at]
            x[at : at + part.size] += part
        stems[name] = x * (10 ** (LEVELS[name] / 20) / np.sqrt(np.mean(x**2)))
    scale = PEAK / np.abs(sum(stems.values())).max()
    stems = {name: x * scale for name, x in stems.items()}
    mix = np.zeros(n_samples) + sum(stems.values())
    key = f"{TONICS[tonic]} {mode}"
    return Multitrack(stems, mix, rate, tempo, key, tuple(sorted(notes, key=_order)))


def _order(note: Note) -> tuple[float, str, int, str]:
    return note.start, note.stem, note.pitch or 0, note.name


Played = Iterator[tuple[Note, Array]]


def _play_drums(score: _Score, rng: np.random.Generator) -> Played:
    """Kick on 1 and 3, snare on 2 and 4, hats between, and some strokes that are drawn."""
    kit = drum_kit(rng)
    chances = {
        "kick": {0: 1.0, 8: 0.9, 6: 0.3, 10: 0.3, 14: 0.2},
        "snare": {4: 1.0, 12: 1.0, 15: 0.15},
        "closed_hat": dict.fromkeys(range(0, 14, 2), 0.9),
        "open_hat": {14: 0.7},
    }
    for bar in range(score.n_bars):
        for voice, steps in chances.items():
            for step, chance in steps.items():
                if rng.uniform() < chance:
                    stroke = drum_stroke(voice, kit, rng, score.rate, duration=0.4)
                    start = score.time(16 * bar + step)
                    gain = rng.uniform(0.7, 1.0)
                    yield Note("drums", start, 0.4, None, voice), gain * stroke


def _play_bass(score: _Score, rng: np.random.Generator) -> Played:
    """The root of the chord in eighths, now and then an octave higher or a rest."""
    cutoff = float(rng.uniform(300, 900))
    for bar in range(score.n_bars):
        root = 33 + (score.tonic + score.degree(score.chords[bar % 4]) - 9) % 12  # from A1, 55 Hz
        for step in range(0, 16, 2):
            if step and rng.uniform() < 0.25:
                continue
            pitch = root + 12 * int(rng.uniform() < 0.15)
            start, stop = score.time(16 * bar + step), score.time(16 * bar + step + 1.8)
            x = sawtooth(frequency(pitch), stop - start, score.rate)
            low = butter(2, min(cutoff, 0.45 * score.rate), fs=score.rate, output="sos")
            yield _note("bass", start, stop, pitch, np.asarray(sosfilt(low, x)), score.rate)


def _play_chords(score: _Score, rng: np.random.Generator) -> Played:
    """A triad for each bar, each of its notes a few harmonics."""
    amplitudes = np.arange(1.0, 9.0) ** -float(rng.uniform(1.2, 2.0))
    for bar in range(score.n_bars):
        start, stop = score.time(16 * bar), score.time(16 * bar + 15)
        for third in (0, 2, 4):
            degree = score.degree(score.chords[bar % 4] + third)
            pitch = 55 + (score.tonic + degree - 7) % 12  # from G3, 196 Hz
            x = harmonic_tone(frequency(pitch), amplitudes, stop - start, score.rate)
            yield _note("chords", start, stop, pitch, x, score.rate)


def _play_voice(score: _Score, rng: np.random.Generator) -> Played:
    """A melody that steps through the scale in quarters and eighths, on a vowel each."""
    who = speaker(rng)
    centre = 57 + (score.tonic - 9) % 12  # a tonic from A3, 220 Hz
    degree, step = int(rng.integers(0, 5)), 0
    while step < 16 * score.n_bars:
        length = int(rng.choice([2, 4, 4, 6]))
        if step == 0 or rng.uniform() < 0.85:
            degree = int(np.clip(degree + rng.integers(-2, 3), -3, 9))
            pitch, name = centre + score.degree(degree), VOWELS[int(rng.integers(5))]
            start = score.time(step)
            stop = score.time(min(step + length, 16 * score.n_bars) - 0.2)
            x = vowel(name, who, rng, score.rate, duration=stop - start, pitch=frequency(pitch))
            yield Note("voice", start, stop - start, pitch, name), x
        step += length


def _note(
    stem: str, start: float, stop: float, pitch: int, x: Array, rate: int
) -> tuple[Note, Array]:
    """A tone with an attack of 5 ms, a slow decay, and a release of 20 ms."""
    n_attack, n_release = round(0.005 * rate), round(0.02 * rate)
    envelope = np.exp(-np.arange(x.size) / (1.2 * rate))
    envelope[:n_attack] *= np.linspace(0, 1, n_attack, endpoint=False)
    envelope[-n_release:] *= np.linspace(1, 0, n_release)
    return Note(stem, start, stop - start, pitch, ""), x * envelope


PLAYERS: dict[str, Callable[[_Score, np.random.Generator], Played]] = {
    "drums": _play_drums,
    "bass": _play_bass,
    "chords": _play_chords,
    "voice": _play_voice,
}
