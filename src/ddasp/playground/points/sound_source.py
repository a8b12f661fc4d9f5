"""Sounds as points: features with names and units, groups, and the sounds themselves behind safe ids.

A `SoundSource` holds what was measured of each sound, and a way to read the sound again when somebody
wants to hear it. A recording from the microphone is described by the same code at the same sampling
rate, so that it lands where a training sound like it would.

*Conventions*: X (n, d) in the units of the columns; ids ``s0001``, ``s0002``, ... in the order of the
sounds tell nothing about names or places; signals are mono, shape (n_samples,), full scale = 1, at
`SoundSource.rate`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._errors import InputError
from ddasp.playground.datasets import Kind, Points
from ddasp.playground.points.sound_features import (
    ALL,
    SETS,
    column_names,
    columns_of,
    extracted,
    suggested,
)
from ddasp.playground.points.sound_pictures import picture_of, wav_of
from ddasp.playground.points.splitting import TRAIN, sets_for

if TYPE_CHECKING:
    from ddasp.playground.settings import Settings

__all__ = ["Place", "SoundSource"]

Array = NDArray[np.float64]

LEAST, MOST = 0.05, 15.0  # s of a recording
HEARD = -60.0  # dBFS of the peak, below which a recording is taken for silence
TRIM, AROUND = 40.0, 0.05  # dB below the loudest 10 ms, and s that are kept around it


@dataclass(frozen=True)
class Place:
    """Where a sound lies: a path below the source's folder, and a piece of it [s]."""

    path: str
    start: float
    stop: float


@dataclass(frozen=True)
class SoundSource:
    """Sounds that have been measured.

    Parameters
    ----------
    title : str
        For a reader.
    kind : {"classification", "regression"}
        Which of the two.
    classes : tuple of str
        Names of the classes in the order of their codes.
    y : ndarray of shape (n,)
        Codes or targets.
    groups : tuple of str or None
        Of each sound; None when fewer than two are known.
    rate : int
        Sampling rate that all was measured at [Hz].
    tables : dict of ndarray of shape (n, d)
        Features by the names of `SETS`.
    places : tuple of Place
        Of each sound.
    read : callable
        Given the number of a sound, its signal.
    window : tuple of float or None
        Length and hop of the pieces [s]; None when whole sounds are points.
    words : tuple of str
        What somebody who looks at these points should know.
    set_aside : tuple of (str, str)
        Files that are no points, each with the reason.
    """

    title: str
    kind: Kind
    classes: tuple[str, ...]
    y: NDArray
    groups: tuple[str, ...] | None
    rate: int
    tables: dict[str, Array]
    places: tuple[Place, ...]
    read: Callable[[int], Array] = field(repr=False)
    window: tuple[float, float] | None = None
    words: tuple[str, ...] = ()
    set_aside: tuple[tuple[str, str], ...] = ()

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Of each sound, what the page may know it by."""
        return tuple(f"s{i + 1:04d}" for i in range(len(self.y)))

    @cached_property
    def _row(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.ids)}

    def feature_sets(self) -> list[dict[str, Any]]:
        """For the page: key, title, formula and names of the columns of each set."""
        from ddasp.procedure.features import FEATURE_SETS

        offered = {
            ALL: ("all with a name", "Levels, descriptors and the means of the MFCC together."),
            **{key: (FEATURE_SETS[key].title, FEATURE_SETS[key].formula) for key in SETS},
        }
        return [
            {"key": key, "title": title, "formula": formula, "columns": list(column_names(key))}
            for key, (title, formula) in offered.items()
        ]

    def points(self, settings: Settings) -> Points:
        """The sounds as points.

        Parameters
        ----------
        settings : Settings
            ``featureSet`` chooses the columns (blank: all with a name); what concerns the split says
            which sounds may be looked at to suggest two of them.

        Returns
        -------
        Points
            With all columns of the set; `Points.suggested` are two that part the classes well.

        Raises
        ------
        InputError
            For an unknown feature set.
        """
        key = settings.featureSet or ALL
        bare = Points(
            X=columns_of(self.tables, key),
            y=self.y,
            kind=self.kind,
            classes=self.classes,
            axes=column_names(key),
            domain=None,
            groups=self.groups,
            ids=self.ids,
            title=self.title,
        )
        train = sets_for(bare, settings) == TRAIN
        found = suggested(bare.X[train], self.y[train], self.kind)
        return Points(**{**vars(bare), "suggested": found})

    def place(self, sound: str) -> Place:
        """Where a sound lies; for whoever runs the server, not for the page."""
        return self.places[self._number(sound)]

    def wav(self, sound: str) -> bytes:
        """A WAV file of one sound: 16 bits, mono, -23 LUFS or a peak of -1 dBFS.

        Raises
        ------
        InputError
            When there is no such id.
        AudioError
            When its file is gone or can't be read any more.
        """
        return wav_of(self.read(self._number(sound)), self.rate)

    def picture(self, sound: str) -> dict[str, Any]:
        """Waveform and spectrogram of one sound; see `sound_pictures.picture_of`."""
        return picture_of(self.read(self._number(sound)), self.rate)

    def describe(self, samples: ArrayLike, rate: float, feature_set: str = "") -> Array:
        """Features of a recording, measured as those of the points.

        Parameters
        ----------
        samples : array_like of shape (n_samples,) or (n_samples, n_channels)
            Full scale = 1, 0.05 to 15 s.
        rate : float
            Sampling rate [Hz]; the recording is brought to that of the source first.
        feature_set : str
            As in the settings.

        Returns
        -------
        ndarray of shape (d,)

        Raises
        ------
        InputError
            When it is too short, too long, not finite or silent.

        Notes
        -----
        Where whole sounds are points, silence around the recording is cut off: all but 50 ms before
        the first and after the last 10 ms that lie within 40 dB of the loudest. Where pieces are
        points, the loudest piece of that length is taken.
        """
        tables = extracted([self.heard(samples, rate)], self.rate)
        return np.asarray(columns_of(tables, feature_set or ALL)[0])

    def heard(self, samples: ArrayLike, rate: float) -> Array:
        """The part of a recording that `describe` measures, at the source's rate."""
        from ddasp._check import in_range, signal_2d
        from ddasp.audio.resampling import resample, to_mono

        in_range(rate, "rate", 1000, 768_000, unit="Hz")
        x = np.asarray(to_mono(signal_2d(samples, "samples")), np.float64)
        hint = "was the button held long enough?"
        in_range(len(x) / rate, "duration of the recording", LEAST, MOST, unit="s", hint=hint)
        peak = float(np.abs(x).max())
        if peak < 10 ** (HEARD / 20):
            raise InputError(
                "E-DATA",
                f"the recording's peak lies below {HEARD:g} dBFS; expected a sound - is the microphone "
                "muted, or another one chosen?",
            )
        x = np.asarray(resample(x, rate, self.rate))
        return _trimmed(x, self.rate) if self.window is None else self._loudest(x)

    def _loudest(self, x: Array) -> Array:
        assert self.window is not None
        n = max(1, round(self.window[0] * self.rate))
        if len(x) <= n:
            return np.concatenate([x, np.zeros(n - len(x))])
        energy = np.concatenate([[0.0], np.cumsum(np.square(x))])
        first = int(np.argmax(energy[n:] - energy[:-n]))
        return x[first : first + n]

    def _number(self, sound: str) -> int:
        if sound not in self._row:
            raise InputError(
                "E-ARGUMENT",
                f"sound is {str(sound)[:20]!r}; expected one of {self.ids[0]} to {self.ids[-1]} - was "
                "the page opened with other data?",
            )
        return self._row[sound]


def _trimmed(x: Array, rate: int) -> Array:
    """Without the silence before and after."""
    hop = max(1, round(0.01 * rate))
    energy = np.add.reduceat(np.square(x), np.arange(0, len(x), hop))
    loud = np.flatnonzero(energy >= energy.max() * 10 ** (-TRIM / 10))
    around = round(AROUND * rate)
    return x[max(0, loud[0] * hop - around) : (loud[-1] + 1) * hop + around]
