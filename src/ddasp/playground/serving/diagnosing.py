"""What is found out beside a training: measures at every look, slow diagnostics only for who looks.

A session's thread hands over a state, which nobody changes afterwards; the helper computes from it while
training goes on. So nothing is copied, and nobody waits.

*Conventions*: a look is a ``stats`` message. The panels that are watched decide what is computed beyond
the measures: "stability" sharpness and gradient check, "numbers" the gradient check, "sound" what a split
by file would hide. What a mission asks about is watched with them. What is not computed is left out.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ddasp.nonlinear.engines import engine_of
from ddasp.playground.knowing import intervals, measures
from ddasp.playground.knowing.explaining import explain
from ddasp.playground.knowing.gradient_check import gradient_check
from ddasp.playground.knowing.missions import MISSIONS, check
from ddasp.playground.knowing.stability import sharpness
from ddasp.playground.points.splitting import leak
from ddasp.playground.training.material import optimizer_for
from ddasp.playground.training.starting import first_parameters

if TYPE_CHECKING:
    from ddasp.playground.datasets import Points
    from ddasp.playground.training.experiment import Experiment
    from ddasp.playground.training.stretches import State

__all__ = ["Diagnosis", "Look", "why_diverged"]

KEPT = 400  # values of sharpness
# What each mission asks about; a link may name one that is no more.
NEEDS = {mission["key"]: frozenset(mission["needs"]) for mission in MISSIONS}


@dataclass(frozen=True)
class Look:
    """What a session's thread knows when it asks for measures.

    Parameters
    ----------
    state : State
    losses : tuple of float
        Training, validation, test.
    generation : int
    panels : frozenset of str
        That are watched.
    speed : float
        Epochs per second.
    mission : str
        The one that is being solved; blank for none.
    """

    state: State
    losses: tuple[float, float, float]
    generation: int
    panels: frozenset[str]
    speed: float
    mission: str


class Diagnosis:
    """Looks at one session after the other look; remembers what makes the next one faster.

    Attributes
    ----------
    values : collections.deque of (float, float, float)
        Epoch, sharpness and its limit, the newest last.
    """

    def __init__(self) -> None:
        self.values: deque[tuple[float, float, float]] = deque(maxlen=KEPT)
        self._key: tuple[Any, ...] = ()
        self._vector: Any = None
        self._groups: Any = None
        self._groups_of: Points | None = None
        self._leak: dict[str, Any] | None = None
        self._leak_points: Points | None = None
        self._leak_key: tuple[Any, ...] = ()
        self._notes: dict[str, Any] = {}

    def of(self, look: Look) -> dict[str, Any]:
        """Everything there is to say, as a ``stats`` message.

        Parameters
        ----------
        look : Look
        """
        state, points = look.state, look.state.material.points
        panels = look.panels | NEEDS.get(look.mission, frozenset())
        self._begin(look)
        engine = engine_of("mlp", "compiled")
        with np.errstate(all="ignore"):  # a state that diverged is looked at, too
            model = engine.Model(state.spec, state.theta, None)
            z = engine.logits(model, state.material.U)
            outputs = measures.activate(state.spec.activations[-1], z)
            found: dict[str, Any] = {
                "type": "stats",
                "generation": look.generation,
                "epoch": state.exact_epoch,
                "n_updates": state.n_updates,
                "losses": look.losses,
                "speed": look.speed,
                **measures.measure(
                    outputs,
                    points.y,
                    state.material.sets,
                    activation=state.spec.activations[-1],
                    n_classes=len(points.classes) if points.kind == "classification" else 0,
                    groups=self._groups,
                ),
                "band": self._band(state, z),
            }
            if panels & {"stability", "numbers"}:
                found["gradient_check"] = gradient_check(
                    state.spec, state.theta, state.material.U_train, state.material.t_train
                )
            if "stability" in panels:
                found["sharpness"] = self._sharpness(state)
        if "sound" in panels and points.groups is not None:
            found["leak"] = self._leaking(state)
        if look.mission in NEEDS:
            found["mission"] = self._check(look, found)
        return found

    def _begin(self, look: Look) -> None:
        """Forget what belonged to another network or other data."""
        points = look.state.material.points
        key = (look.generation, look.state.spec.widths)
        if key != self._key or (self.values and look.state.exact_epoch < self.values[-1][0]):
            self._key, self._vector = key, None
            self.values.clear()
        if points is not self._groups_of:
            self._groups_of = points
            self._groups = None if points.groups is None else intervals.group_codes(points.groups)

    def _band(self, state: State, z: Any) -> tuple[float, float]:
        rows = state.material.sets == 2
        losses = measures.observation_losses(state.spec, z[rows], state.material.targets[rows])
        return intervals.band(losses, None if self._groups is None else self._groups[rows])

    def _sharpness(self, state: State) -> dict[str, Any]:
        if not state.material.n_train:
            return {"value": None, "limit": None, "kind": "", "history": []}
        found = sharpness(
            state.spec, state.theta, state.material.U_train, state.material.t_train,
            optimizer_for(state.settings), memory=state.memory, start=self._vector,
        )  # fmt: skip
        self._vector = found.vector
        if math.isfinite(found.value):
            self.values.append((state.exact_epoch, found.value, found.limit))
        return {
            "value": found.value,
            "limit": found.limit,
            "kind": found.kind,
            "words": found.words,
            "history": list(self.values),
        }

    def _leaking(self, state: State) -> dict[str, Any]:
        """The same until points or their dealing change."""
        settings, points = state.settings, state.material.points
        key = (
            settings.percTrainData, settings.percValidation, settings.dataSeed, settings.columns,
        )  # fmt: skip
        if self._leak is None or self._leak_points is not points or self._leak_key != key:
            self._leak, self._leak_points, self._leak_key = leak(points, settings), points, key
        return self._leak

    def _check(self, look: Look, found: dict[str, Any]) -> dict[str, Any]:
        """How far the mission is; it may need to remember an earlier training."""
        state = look.state
        stats = {**found, "settings": state.settings, "spec": state.spec}
        stats["unbroken"] = state.log.base.theta is None
        checked = check(look.mission, stats, self._notes.get(look.mission))
        self._notes = {look.mission: checked["notes"]}
        return checked


def why_diverged(experiment: Experiment) -> dict[str, Any]:
    """The causes of a divergence in words; see `stability.explain`.

    Parameters
    ----------
    experiment : Experiment
        One that has diverged.
    """
    divergence, material = experiment.divergence, experiment.material
    assert divergence is not None
    last, optimizer = divergence.last, optimizer_for(experiment.settings)
    first = experiment.log.base.theta
    if first is None:
        first = first_parameters(last.spec, last.settings.init, last.settings.seed)
    data = material.U_train, material.t_train
    with np.errstate(all="ignore"):
        value, start_value = (
            sharpness(last.spec, theta, *data, optimizer, memory=memory).value
            for theta, memory in ((last.theta, last.memory), (first, None))
        )
        return explain(
            optimizer=optimizer, spec=last.spec, U=data[0], y=data[1],
            input_names=material.inputs.names, value=value, start_value=start_value,
            scaled=experiment.settings.scale == "standard", epoch=divergence.epoch,
            loss=divergence.loss,
        )  # fmt: skip
