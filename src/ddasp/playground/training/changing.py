"""Changes by hand, as functions from one state to another: settings, points, single weights.

What a setting's change asks for stands in the table of `settings`. A network that has not been
trained yet begins anew under the new settings, so that it is the one that its address describes. A
trained one keeps all it can: units that stay keep their weights, the training its place, and the
optimizer its memory unless the network got another shape. Points that fewer train on may end the
running epoch.

*Conventions*: a change that is refused raises an error, and no state is touched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ddasp._check import whole
from ddasp._errors import InputError
from ddasp.nonlinear.spec import Parameters
from ddasp.playground.datasets import Points
from ddasp.playground.settings import SETTINGS, Settings
from ddasp.playground.training.losses import ceiling_for
from ddasp.playground.training.material import (
    Material,
    material_for,
    points_for,
    spec_for,
    with_targets,
    with_view,
)
from ddasp.playground.training.starting import carried, drawn, first_parameters
from ddasp.playground.training.stretches import Base, Log, Segment, State, batch_length

__all__ = ["begun", "changed", "edited", "under_view_of", "with_parameters"]

Kind = Literal["begin", "go on", "view"]
MOST_SEGMENTS = 24
LARGEST_WEIGHT = 1e9


def begun(settings: Settings, material: Material) -> State:
    """The state before the first update.

    Parameters
    ----------
    settings : Settings
    material : Material
    """
    spec = spec_for(settings, material.inputs.n, material.points)
    theta = first_parameters(spec, settings.init, settings.seed)
    log = Log(Base(), (Segment(settings, 0),))
    return State(settings, material, spec, theta, None, log, ceiling_for(spec, theta, material))


def _material(
    state: State,
    settings: Settings,
    keys: set[str],
    points: Points | None,
    sets: NDArray[np.int8] | None,
) -> Material:
    """The state's material where nothing of it changes, otherwise as much of it as can stay."""
    effects = {SETTINGS[key].effect for key in keys}
    material = state.material
    if points is None and "points" in effects:
        points = points_for(settings, material.points)
    if points is not None or effects & {"split", "inputs"}:
        if points is None and "split" not in effects:
            sets = material.sets
        return material_for(settings, points or material.points, sets)
    if "loss" in keys:
        material = with_targets(settings, material)
    if keys & {"axisX", "axisY", "plane", "slicePoint"}:
        material = with_view(settings, material)
    return material


def changed(
    state: State,
    settings: Settings,
    points: Points | None = None,
    sets: NDArray[np.int8] | None = None,
) -> tuple[State, Kind]:
    """The state under other settings, perhaps with other points.

    Parameters
    ----------
    state : State
    settings : Settings
    points : Points, optional
    sets : numpy.ndarray of shape (n,), optional
        Of these points; dealt anew unless given.

    Returns
    -------
    state : State
    kind : {"begin", "go on", "view"}
        Whether training begins again, goes on from a change that matters to it, or does not notice.
    """
    keys = {key for key in SETTINGS if getattr(settings, key) != getattr(state.settings, key)}
    effects = {SETTINGS[key].effect for key in keys} - {"view"}
    material = _material(state, settings, keys, points, sets)
    if not effects and points is None:
        return replace(state, settings=settings, material=material), "view"
    untrained = state.n_updates == 0 and state.log.base.theta is None
    if "start" in effects or untrained:
        return begun(settings, material), "begin"
    literal = points is not None or "loss" in keys or effects != {"training"}
    return _continued(state, settings, material, literal), "go on"


def _continued(state: State, settings: Settings, material: Material, literal: bool) -> State:
    """Go on from the same place under other settings, perhaps with other data or another shape."""
    spec = spec_for(settings, material.inputs.n, material.points)
    theta, memory, draws = state.theta, state.memory, state.draws
    before = state.spec.widths, state.material.inputs.keys
    after = spec.widths, material.inputs.keys
    if before != after:
        draws += 1
        fresh = drawn(spec, settings.init, np.random.default_rng((settings.seed, 2, draws)))
        theta, memory = carried(theta, before, after, fresh), None
    epoch, row = state.epoch, state.row
    if row >= max(material.n_train, 1):
        epoch, row = epoch + 1, 0
    result = replace(
        state, settings=settings, material=material, spec=spec, theta=theta, memory=memory,
        ceiling=ceiling_for(spec, theta, material), epoch=epoch, row=row, draws=draws,
    )  # fmt: skip
    segments = tuple(one for one in state.log.segments if one.n_updates)
    log = Log(state.log.base, (*segments, Segment(settings, 0)))
    if literal or len(log.segments) > MOST_SEGMENTS:
        log = result.literal_log
    return replace(result, log=log, seen=max(0, min(state.seen, batch_length(result) - 1)))


def with_parameters(state: State, theta: Parameters) -> State:
    """The state with other parameters.

    Parameters
    ----------
    state : State
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    """
    result = replace(state, theta=theta, ceiling=ceiling_for(state.spec, theta, state.material))
    return replace(result, log=result.literal_log)


def edited(state: State, layer: int, i: int | None, j: int, value: float) -> State:
    """The state with another weight or bias.

    Parameters
    ----------
    state : State
    layer : int
        1 for the first layer behind the inputs.
    i : int or None
        Unit of the layer before; None for the bias.
    j : int
        Unit of the layer.
    value : float

    Raises
    ------
    InputError
        When there is no such weight, or the value is not finite.
    """
    n_layers = len(state.spec.activations)
    if whole(layer, "layer") > n_layers:
        raise InputError("E-ARGUMENT", f"layer is {layer}; expected 1 to {n_layers}")
    place = 2 * (layer - 1) + (i is None)
    names: dict[str, int | None] = {"j": j} if i is None else {"i": i, "j": j}
    for (name, index), size in zip(names.items(), state.theta[place].shape, strict=True):
        if whole(index, name, 0) >= size:
            raise InputError("E-ARGUMENT", f"{name} is {index}; expected 0 to {size - 1}")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not abs(value) <= LARGEST_WEIGHT:
        raise InputError(
            "E-ARGUMENT",
            f"value is {value!r}; expected a number of at most {LARGEST_WEIGHT:g}, with either sign",
        )
    theta = tuple(p.copy() for p in state.theta)
    theta[place][tuple(names.values())] = value
    return with_parameters(state, theta)


def under_view_of(state: State, current: Settings) -> State:
    """A state of the past under the current settings of view and stops, where they suit it.

    Parameters
    ----------
    state : State
    current : Settings
    """
    keys = [key for key, row in SETTINGS.items() if row.effect == "view"]
    settings = replace(state.settings, **{key: getattr(current, key) for key in keys})
    if settings == state.settings:
        return state
    try:
        return replace(state, settings=settings, material=with_view(settings, state.material))
    except InputError:  # axes that the points of then do not have
        return state
