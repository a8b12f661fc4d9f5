"""What the world does to a recording: held-out sounds degraded step by step, features made anew.

*Conventions*: amounts are those of a recording engineer: signal-to-noise ratio in dB, change of level in
dB, upper cutoff in Hz, reverberation time in s. Each condition is drawn from a seed of its own, so
the same sound meets the same noise in every run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ddasp.audio import augment
from ddasp.procedure.features import extract
from ddasp.procedure.fits import seed_of

__all__ = ["Condition", "conditions", "degraded"]

Signal = NDArray[np.floating]


@dataclass(frozen=True)
class Condition:
    """One degradation by one amount."""

    name: str
    amount: float
    unit: str
    apply: Callable[[Signal, float, np.random.Generator], Signal]


def conditions(rate: float) -> tuple[Condition, ...]:
    """The conditions for sounds at one sampling rate, mildest first in each kind."""

    def noise(snr: float) -> Condition:
        return Condition("noise", snr, "dB SNR", lambda x, _, rng: augment.add_noise(x, snr, rng))

    def level(db: float) -> Condition:
        return Condition("level", db, "dB", lambda x, *_: augment.gain(x, db))

    def band(cutoff: float) -> Condition:
        return Condition(
            "band limit", cutoff, "Hz", lambda x, fs, _: augment.band_limit(x, fs, cutoff)
        )

    def room(t60: float) -> Condition:
        return Condition(
            "reverberation", t60, "s", lambda x, fs, rng: augment.reverberate(x, fs, t60, rng)
        )

    return (
        *map(noise, (30.0, 20.0, 10.0, 0.0)),
        *map(level, (20.0, -20.0, -40.0)),
        *(band(rate / 2 * share) for share in (0.75, 0.5, 0.25)),
        *map(room, (0.2, 0.5, 1.0)),
    )


def degraded(
    signal: Signal, rate: float, feature_set: str, *, seed: int
) -> list[NDArray[np.float32]]:
    """Features of one sound under each of `conditions`, in their order.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
        Mono sound at the analysis rate.
    rate : float
        Sampling rate [Hz].
    feature_set : str
        Name in `features.FEATURE_SETS`.
    seed : int
        The sound's own seed.

    Returns
    -------
    list of ndarray of shape (n_features,)
        One for each condition.
    """
    rows = []
    for condition in conditions(rate):
        rng = np.random.default_rng(seed_of(seed, condition.name, condition.amount))
        changed = condition.apply(signal, rate, rng)
        rows.append(extract(changed, rate, (feature_set,), variants=False)[feature_set][0])
    return rows
