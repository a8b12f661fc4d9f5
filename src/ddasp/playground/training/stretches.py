"""A pure step from one state of a training to a later one.

A `State` is everything that the next update depends on, and how it came about. `advance` gives the
state after some more updates and leaves the first one as it was; the same state and number of
updates give the same bits, in however many stretches. That is what going back, repeating a training
and exporting it as a script rest on.

A state is broken when a parameter is not finite, or when its next minibatch has no finite loss, or one
beyond the ceiling. `advance` ends with the first such state, and with a `Divergence` that holds the
last one before.

*Conventions*: parameters, memory and data are float64; positions as in `ordering`. Losses of
updates are those of `mlp_numpy.fit`, penalties included, each before its update.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.nonlinear.engines import engine_of
from ddasp.nonlinear.spec import ModelSpec, Parameters
from ddasp.playground.settings import Settings
from ddasp.playground.training.material import Material, optimizer_for
from ddasp.playground.training.ordering import Order

__all__ = [
    "Base",
    "Divergence",
    "Log",
    "Segment",
    "State",
    "advance",
    "all_finite",
    "batch_length",
    "order_of",
    "updates_until",
]

TRACE = 20  # losses of updates that a divergence shows


@dataclass(frozen=True, eq=False)
class Base:
    """Where a log of a training begins.

    Parameters
    ----------
    theta : tuple of numpy.ndarray, or None
        Parameters; None: `starting.first_parameters` of the settings' init and seed.
    memory : Memory or None
        The optimizer's, of the engine.
    epoch, row, n_updates : int
        Position.
    """

    theta: Parameters | None = None
    memory: Any = None
    epoch: int = 0
    row: int = 0
    n_updates: int = 0


@dataclass(frozen=True)
class Segment:
    """A number of updates under the same settings."""

    settings: Settings
    n_updates: int


@dataclass(frozen=True, eq=False)
class Log:
    """How parameters came about: a base, then segments; data and shape are the same in all."""

    base: Base
    segments: tuple[Segment, ...]

    def longer(self, n_updates: int) -> Log:
        """The log after some more updates."""
        last = self.segments[-1]
        return Log(
            self.base,
            (*self.segments[:-1], Segment(last.settings, last.n_updates + n_updates)),
        )


@dataclass(frozen=True, eq=False)
class State:
    """Everything that the next update depends on.

    Parameters
    ----------
    settings : Settings
    material : Material
        Points, sets, inputs and targets.
    spec : ModelSpec
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    memory : Memory or None
        What the optimizer remembers, as the engine keeps it.
    log : Log
        How theta came about.
    ceiling : float
        A loss beyond it is a divergence; see `losses.ceiling_for`.
    epoch, row, n_updates : int
        Position: whole epochs, rows of the running one, updates since the start.
    seen : int
        Samples of the next minibatch that were looked at one by one.
    draws : int
        How often new units were drawn.
    """

    settings: Settings
    material: Material
    spec: ModelSpec
    theta: Parameters
    memory: Any
    log: Log
    ceiling: float
    epoch: int = 0
    row: int = 0
    n_updates: int = 0
    seen: int = 0
    draws: int = 0

    @property
    def exact_epoch(self) -> float:
        """Epochs, with the part of the running one that is used up."""
        return self.epoch + self.row / max(self.material.n_train, 1)

    @property
    def literal_log(self) -> Log:
        """A log that begins here, with the parameters as they are."""
        base = Base(self.theta, self.memory, self.epoch, self.row, self.n_updates)
        return Log(base, (Segment(self.settings, 0),))


@dataclass(frozen=True, eq=False)
class Divergence:
    """That and how a training stopped making sense.

    Parameters
    ----------
    last : State
        The last one that was not broken; the broken one itself where that is not known.
    n_updates : int
        Of the broken state.
    epoch : float
        Of the broken state.
    loss : float
        Of its next minibatch; NaN where a parameter is not finite.
    kind : str
        "not finite" or "too large".
    losses : tuple of float
        Of the updates before, the newest last.
    """

    last: State
    n_updates: int
    epoch: float
    loss: float
    kind: str
    losses: tuple[float, ...]


def all_finite(theta: Parameters) -> bool:
    """Whether all parameters are finite.

    Parameters
    ----------
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    """
    return all(bool(np.isfinite(p).all()) for p in theta)


def batch_length(state: State) -> int:
    """Number of samples in the next minibatch; 0 without training points."""
    return min(state.settings.batchSize, state.material.n_train - state.row)


def order_of(state: State, before: Order | None = None) -> Order:
    """The order of the state's rows.

    Parameters
    ----------
    state : State
    before : Order, optional
        Kept where it is the same one.
    """
    seed, n = state.settings.seed, max(state.material.n_train, 1)
    return before if before and (before.seed, before.n) == (seed, n) else Order(seed, n)


def updates_until(state: State, epoch: int) -> int:
    """Number of updates until an epoch begins.

    Parameters
    ----------
    state : State
    epoch : int
        Later than the state's.
    """
    n, size = state.material.n_train, state.settings.batchSize
    return -(-(n - state.row) // size) + (epoch - state.epoch - 1) * -(-n // size)


def _moved(state: State, order: Order, n_updates: int) -> tuple[State, NDArray[np.float64]]:
    """The state after some updates, whatever they do to it, and their losses."""
    if not n_updates:
        return state, np.zeros(0)
    engine, material = engine_of("mlp", "compiled"), state.material
    batches, epoch, row = order.upcoming(
        state.settings.batchSize, state.epoch, state.row, n_updates
    )
    with np.errstate(all="ignore"):  # what overflows is looked at below
        model, losses = engine.fit(
            engine.Model(state.spec, state.theta, state.memory),
            material.U_train,
            material.t_train,
            optimizer=optimizer_for(state.settings),
            batches=batches,
        )
    after = replace(
        state,
        theta=model.theta,
        memory=model.memory,
        log=state.log.longer(n_updates),
        epoch=epoch,
        row=row,
        n_updates=state.n_updates + n_updates,
        seen=0,
    )
    return after, losses


def advance(state: State, order: Order, n_updates: int) -> tuple[State, Divergence | None]:
    """The state after some more updates.

    Parameters
    ----------
    state : State
        With training points.
    order : Order
        Of the state's seed and number of training points.
    n_updates : int

    Returns
    -------
    state : State
        After fewer updates where it diverged.
    divergence : Divergence or None
    """
    after, losses = _moved(state, order, n_updates)
    with np.errstate(invalid="ignore"):
        wrong = np.flatnonzero(~(losses <= state.ceiling))
    finite = all_finite(after.theta)
    if finite and not len(wrong):
        return after, None
    broken = int(wrong[0]) if len(wrong) else n_updates
    if not finite:  # perhaps before a loss shows it: a tanh of infinity is 1
        low, high = -1, broken
        while high - low > 1:
            middle = (low + high) // 2
            if all_finite(_moved(state, order, middle)[0].theta):
                low = middle
            else:
                high = middle
        broken = broken if all_finite(_moved(state, order, high)[0].theta) else high
    after, last = (_moved(state, order, max(n, 0))[0] for n in (broken, broken - 1))
    loss = float(losses[broken]) if broken < n_updates else float("nan")
    before = losses[max(broken - TRACE, 0) : broken]
    kind = "too large" if np.isfinite(loss) else "not finite"
    return after, Divergence(
        last, after.n_updates, after.exact_epoch, loss, kind, tuple(before.tolist())
    )
