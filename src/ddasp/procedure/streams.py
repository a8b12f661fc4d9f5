"""Development streams: sounds of hours whose true events are known, made from clips or recorded.

Rules are tuned on streams, for false alarms come from what lies between the events, and clips
alone have no between. Whoever has recordings with label tracks uses these (`recorded`). Whoever
has clips only lays them into background sound at known times (`Scene`): better than nothing, and
the rate of false alarms then speaks of that background.

*Conventions*: mono signals of shape (n_samples,), full scale = 1, rates in Hz, times in s, levels
in dB. Clips keep their own levels, which the model has learned, and get fades of 5 ms; they are
added to the background, whose RMS over all of it lies ``snr`` below that of the median clip. Gaps
between them are exponential, as of events that happen independently of each other. All that is
drawn comes from the generator that is passed in, when the scene is made; its signal is computed as
it is asked for, in memory that does not grow with its duration, and the same for every size of its
chunks.

*References*: Salamon, MacConnell, Cartwright, Li and Bello 2017, "Scaper: a library for soundscape
synthesis and augmentation"; Voss and Clarke 1975, "1/f noise in music and speech".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, signal_1d, whole
from ddasp._errors import InputError
from ddasp.audio.levels import db_to_amplitude, rms
from ddasp.audio.noises import noise
from ddasp.procedure.labels import Segment, read_track
from ddasp.procedure.recordings import inputs

__all__ = ["Clip", "Labelled", "Layout", "Scene", "recorded"]

FADE = 0.005  # s, of a clip at both ends
JOIN = 0.05  # s, over which one background sound becomes the next
OVERLAP = 1 << 14  # samples over which one block of noise, four times as long, becomes the next
PINK = -3.0  # dB per octave

Signal = NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """A short sound that is one event.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
        The sound.
    label : str
        Its class; a background class is laid into the stream as well and is no event.
    group : str
        Speaker, device, place, day; blank for none.
    """

    signal: NDArray[np.floating]
    label: str
    group: str = ""


@dataclass(frozen=True)
class Layout:
    """How a scene is laid out.

    Parameters
    ----------
    duration : float
        Of the whole [s].
    gap : float
        Mean time from the end of a clip to the start of the next [s].
    snr : float or None
        Level of the median clip above the background [dB]; None leaves given background sounds as they
        are.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when one lies outside its range.
    """

    duration: float = 1800.0
    gap: float = 10.0
    snr: float | None = 20.0

    def __post_init__(self) -> None:
        in_range(self.duration, "duration", 0.1, 1e6, unit="s")
        in_range(self.gap, "gap", 0.0, 1e6, unit="s")
        if self.snr is not None:
            in_range(self.snr, "snr", -60.0, 120.0, unit="dB")


class Scene:
    """Clips at known times in background sound.

    Each clip is taken once, in an order that is drawn, before any is taken again; one that would
    reach beyond the end is left out, and with it all that would follow.

    Parameters
    ----------
    clips : sequence of Clip
        At the scene's rate.
    rate : int
        Sampling rate [Hz].
    rng : numpy.random.Generator
        Draws order, gaps and noise.
    layout : Layout
        Duration, mean gap and level.
    background : sequence of array_like of shape (n_samples,)
        Background sounds; each is played once, in an order that is drawn, before any is played
        again, with crossfades of 50 ms at equal power. Without any: pink noise.

    Attributes
    ----------
    truth : tuple of Segment
        Where each clip lies, background classes included.
    groups : tuple of str
        The group of each.
    n_samples : int
        Length.

    Raises
    ------
    InputError
        ``E-DATA`` without clips or when none fits, ``E-ARGUMENT`` for signals that can't be used.

    Notes
    -----
    Background sounds v_i of length N_i overlap by M samples: x[n] = Σ w_i[n - n_i] v_i[n - n_i],
    n_{i+1} = n_i + N_i - M, and w_i rises and falls over M samples as the sine and the cosine of an
    angle from 0 to π/2, whose squares sum to one. Noise is made so too, in blocks of which each
    overlaps the next by a quarter.

    Examples
    --------
    >>> clip = Clip(np.ones(800), "tap")
    >>> scene = Scene([clip], 8000, np.random.default_rng(0), layout=Layout(duration=2.0, gap=0.3))
    >>> len(scene.truth), round(scene.truth[0].stop - scene.truth[0].start, 2)
    (6, 0.1)
    >>> [len(chunk) for chunk in scene.chunks(6000)]
    [6000, 6000, 4000]
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        rate: int,
        rng: np.random.Generator,
        *,
        layout: Layout | None = None,
        background: Sequence[ArrayLike] = (),
    ) -> None:
        layout = layout or Layout()
        self.rate = whole(rate, "rate", 1000)
        self.n_samples = round(layout.duration * self.rate)
        self._clips = _faded(clips, round(FADE * self.rate))
        self._sounds = [signal_1d(sound, "background") for sound in background]
        self._check_sounds(layout)
        self._places = self._laid_out(layout.gap, rng)
        self._seed = int(rng.integers(1 << 62))
        self._gain = self._background_gain(layout.snr)
        self.truth = tuple(
            Segment(at / self.rate, (at + len(self._clips[c].signal)) / self.rate, clips[c].label)
            for at, c in self._places
        )
        self.groups = tuple(clips[c].group for _, c in self._places)

    @property
    def duration(self) -> float:
        """Length [s]."""
        return self.n_samples / self.rate

    def _check_sounds(self, layout: Layout) -> None:
        shortest = 4 * round(JOIN * self.rate)
        for sound in self._sounds:
            if len(sound) < shortest:
                raise InputError(
                    "E-ARGUMENT",
                    f"a background sound has {len(sound)} samples; expected at least {shortest}, "
                    f"{4 * JOIN:g} s - is it a clip?",
                )
        if layout.snr is None and not self._sounds:
            raise InputError(
                "E-ARGUMENT", "snr is None; expected a level in dB, for noise has none of its own"
            )

    def _laid_out(self, gap: float, rng: np.random.Generator) -> list[tuple[int, int]]:
        """Sample at which each clip begins, and which clip it is."""
        places: list[tuple[int, int]] = []
        at, order = 0, list[int]()
        while True:
            order = order or rng.permutation(len(self._clips)).tolist()
            at += round(float(rng.exponential(gap)) * self.rate)
            clip = order.pop()
            if at + len(self._clips[clip].signal) > self.n_samples:
                break
            places.append((at, clip))
            at += len(self._clips[clip].signal)
        if not places:
            raise InputError(
                "E-DATA",
                f"no clip fits into {self.n_samples / self.rate:g} s with gaps of {gap:g} s; expected "
                "a longer duration or a smaller gap",
            )
        return places

    def _background_gain(self, snr: float | None) -> float:
        if snr is None:
            return 1.0
        level = 1.0
        if self._sounds:
            power = sum(float(np.sum(np.square(s, dtype=np.float64))) for s in self._sounds)
            level = np.sqrt(power / sum(map(len, self._sounds)))
        wanted = float(np.median([rms(clip.signal) for clip in self._clips]))
        return float(wanted * db_to_amplitude(-snr) / level) if level > 0 else 0.0

    def chunks(self, size: int = 1 << 16) -> Iterator[Signal]:
        """The signal, part by part.

        Parameters
        ----------
        size : int
            Samples of each part; the last may be shorter.

        Yields
        ------
        ndarray of shape (n,)
            float32. The same signal for every size, and each time.

        Raises
        ------
        InputError
            ``E-ARGUMENT`` when the size is no positive integer.
        """
        return _cut(self._mixed(), whole(size, "size"))

    def _mixed(self) -> Iterator[Signal]:
        """Background with the clips, in parts of its own."""
        done, upcoming = 0, 0
        running: list[tuple[int, int]] = []
        for part in _joined(self._backgrounds(), self._overlap):
            x = self._gain * part[: self.n_samples - done]
            while upcoming < len(self._places) and self._places[upcoming][0] < done + len(x):
                running.append(self._places[upcoming])
                upcoming += 1
            for at, clip in running:
                _add(x, done, self._clips[clip].signal, at)
            done += len(x)
            running = [(at, c) for at, c in running if at + len(self._clips[c].signal) > done]
            yield x.astype(np.float32)
            if done == self.n_samples:
                return

    @property
    def _overlap(self) -> int:
        return round(JOIN * self.rate) if self._sounds else OVERLAP

    def _backgrounds(self) -> Iterator[NDArray[np.floating]]:
        """Background sounds without end; all that is drawn here has a seed of its own."""
        rng = np.random.default_rng(self._seed)
        while True:
            if not self._sounds:
                yield noise(4 * OVERLAP, rng, slope=PINK)
            for i in rng.permutation(len(self._sounds)).tolist():
                yield self._sounds[i]


def _faded(clips: Sequence[Clip], n_fade: int) -> list[Clip]:
    """The clips, rising and falling over some samples as sin²."""
    if not clips:
        raise InputError("E-DATA", "there are no clips; expected at least one")
    found = []
    for clip in clips:
        x = signal_1d(clip.signal, f"the clip of {clip.label!r}").astype(np.float64)
        if not len(x):
            raise InputError("E-ARGUMENT", f"the clip of {clip.label!r} is empty; expected samples")
        n = min(n_fade, len(x) // 2)
        rise = np.sin(0.5 * np.pi * (np.arange(n) + 0.5) / max(n, 1)) ** 2
        x[:n] *= rise
        x[len(x) - n :] *= rise[::-1]
        found.append(Clip(x, clip.label, clip.group))
    return found


def _joined(sounds: Iterable[NDArray[np.floating]], overlap: int) -> Iterator[NDArray[np.float64]]:
    """Sounds one after the other, crossfaded at equal power."""
    angle = 0.5 * np.pi * (np.arange(overlap) + 0.5) / overlap
    tail: NDArray[np.float64] | None = None
    for sound in sounds:
        x = np.array(sound, dtype=np.float64)
        if tail is not None:
            x[:overlap] = np.sin(angle) * x[:overlap] + np.cos(angle) * tail
        tail = x[-overlap:].copy()
        yield x[:-overlap]


def _add(x: NDArray[np.float64], start: int, clip: NDArray[np.floating], at: int) -> None:
    """Add to x, which begins at ``start``, the part of a clip at ``at`` that lies in it."""
    first, last = max(at, start), min(at + len(clip), start + len(x))
    x[first - start : last - start] += clip[first - at : last - at]


def _cut(parts: Iterable[Signal], size: int) -> Iterator[Signal]:
    """The same samples in chunks of one size."""
    kept: list[Signal] = []
    n = 0
    for part in parts:
        kept.append(part)
        n += len(part)
        if n >= size:
            whole_part = np.concatenate(kept)
            n_out = n // size * size
            for first in range(0, n_out, size):
                yield whole_part[first : first + size].copy()
            kept, n = [whole_part[n_out:]], n - n_out
    if n:
        yield np.concatenate(kept)


# ---------------------------------------------------------------------------------- recordings


@dataclass(frozen=True)
class Labelled:
    """A recording and its true events.

    Attributes
    ----------
    path : Path
        The sound.
    shown : str
        Its name for people.
    truth : tuple of Segment
        Its label track.
    """

    path: Path
    shown: str
    truth: tuple[Segment, ...]


def recorded(paths: Sequence[Path]) -> Iterator[Labelled]:
    """Recordings with a label track beside each.

    Parameters
    ----------
    paths : sequence of Path
        Sounds, or folders of them.

    Yields
    ------
    Labelled
        A sound with ``name.txt`` (Audacity) or else ``name.csv`` (start, stop, label) beside it. An
        empty text says that nothing happened in it.

    Raises
    ------
    InputError
        ``E-LABEL`` when a track is missing or can't be read, ``E-DATA`` when there is no sound.
    """
    for path, shown in inputs(paths):
        track = next(
            (t for t in map(path.with_suffix, (".txt", ".csv")) if t.is_file()),
            path.with_suffix(".txt"),
        )
        try:
            yield Labelled(path, shown, tuple(read_track(track)))
        except InputError as error:
            raise InputError(
                "E-LABEL",
                f"{shown}: {error.message}; expected {track.name} with start, stop and label between "
                "tabs, empty where nothing happens",
            ) from error
