"""What a network computes over the plane of the map: one large picture, and a small one of each unit.

The large one is the engine's `predict` on 100 x 100 points. The small ones come from one pass
through all layers at 20 x 20 points, in NumPy: that is less work than keeping every layer of the large
one.

*Conventions*: row 0 is the top. A scale (low, high) belongs to 0 and 255 of the large picture; in the
small ones 128 is zero, and 128 +- 127 is +- the unit's largest value: 1 for tanh and sigmoid, otherwise
what occurs on the map. Not a number counts as the middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ddasp.nonlinear.engines import engine_of
from ddasp.nonlinear.spec import ModelSpec, Parameters
from ddasp.playground.knowing.measures import activate
from ddasp.playground.training.frames import CLASSES, FOCUS, LINE, MAP_SIDE, THUMBNAIL_SIDE
from ddasp.playground.training.material import Material
from ddasp.playground.training.stretches import State

__all__ = ["Grids", "bytes_of", "picture", "thumbnails"]

Floats = NDArray[np.float64]
BOUNDED = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0)}


@dataclass(frozen=True, eq=False)
class Grids:
    """The inputs at the points of the map, large and small.

    Parameters
    ----------
    large : numpy.ndarray of shape (M * M, n_in) or (M, n_in)
    small : numpy.ndarray of shape (T * T, n_in) or (T, n_in)
    line : bool
        Whether the map is a line.
    scale : tuple of float
        Of a linear output: the largest training target, with both signs.
    """

    large: Floats
    small: Floats
    line: bool
    scale: tuple[float, float]

    @classmethod
    def of(cls, material: Material) -> Grids:
        """The grids of a plane.

        Parameters
        ----------
        material : Material
        """
        view, inputs = material.view, material.inputs
        large, small = (
            np.ascontiguousarray(inputs.of(view.grid(side)), np.float64)
            for side in (MAP_SIDE, THUMBNAIL_SIDE)
        )
        return cls(large, small, view.kind == "line", symmetric(material.t_train))


def symmetric(values: NDArray) -> tuple[float, float]:
    """A scale around zero that holds all finite values.

    Parameters
    ----------
    values : numpy.ndarray
        Of any shape.

    Examples
    --------
    >>> symmetric(np.array([1.0, -3.0]))
    (-3.0, 3.0)
    """
    if not values.size:
        return -1.0, 1.0
    top = float(max(values.max(), -values.min()))
    if not np.isfinite(top):
        top = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    top = top or 1.0
    return -top, top


def bytes_of(values: Floats, low: float, high: float) -> NDArray[np.uint8]:
    """Values as 0 (low) to 255 (high), beyond them clipped.

    Parameters
    ----------
    values : numpy.ndarray
        Of any shape.
    low, high : float

    Examples
    --------
    >>> bytes_of(np.array([-1.0, 0.0, 1.0, 7.0, np.nan]), -1.0, 1.0)
    array([  0, 128, 255, 255, 128], dtype=uint8)
    """
    step = 255 / (high - low)
    scaled = values * step
    scaled += 0.5 - low * step  # truncation then rounds to the nearest
    np.clip(scaled, 0.0, 255.0, out=scaled)
    if np.isnan(scaled.min(initial=0.0)):
        np.nan_to_num(scaled, copy=False, nan=128.0)
    return scaled.astype(np.uint8)


def _one_unit(state: State, layer: int, unit: int, U: Floats) -> tuple[Floats, tuple[float, float]]:
    """Values of one unit, (n,), and their scale; layer 0 are the inputs."""
    if layer == 0:
        return U[:, unit], symmetric(U[:, unit])
    spec, theta = state.spec, state.theta
    if layer == len(spec.widths) - 1:
        values = _outputs(spec, theta, U)[:, unit]
    else:  # the network up to there, with that unit as its only output
        W, b = theta[2 * layer - 2], theta[2 * layer - 1]
        part = ModelSpec((*spec.widths[:layer], 1), spec.activations[:layer], "squared_error")
        column = np.ascontiguousarray(W[:, unit : unit + 1]), b[unit : unit + 1]
        values = _outputs(part, (*theta[: 2 * layer - 2], *column), U)[:, 0]
    kind = spec.activations[layer - 1]
    return values, BOUNDED[kind] if kind in BOUNDED else symmetric(values)


def _outputs(spec: ModelSpec, theta: Parameters, U: Floats) -> Floats:
    engine = engine_of("mlp", "compiled")
    outputs: Floats = engine.predict(engine.Model(spec, theta), U)
    return outputs


def picture(
    state: State, grids: Grids, focus: tuple[int, int] | None = None
) -> tuple[NDArray, tuple[float, float], int]:
    """The large picture: of the output, or of one unit.

    Parameters
    ----------
    state : State
    grids : Grids
    focus : tuple of (layer, unit), optional
        The only output of a network is shown as the output.

    Returns
    -------
    picture : numpy.ndarray of shape (M, M), (2, M, M) or (M, k)
        As `frames` describes it.
    scale : tuple of float
        Low and high.
    flags : int
        Those of `frames` that tell its kind.
    """
    spec, side = state.spec, MAP_SIDE
    n_out = spec.widths[-1]
    if focus is not None and (n_out > 1 or focus[0] < len(spec.widths) - 1):
        values, scale = _one_unit(state, *focus, grids.large)
        if grids.line:
            return values.reshape(side, 1).astype(np.float32), scale, LINE | FOCUS
        return bytes_of(values, *scale).reshape(side, side), scale, FOCUS
    outputs = _outputs(spec, state.theta, grids.large)
    scale = BOUNDED.get(spec.activations[-1], grids.scale)
    if grids.line:
        return outputs.astype(np.float32), scale, LINE
    if n_out == 1:
        return bytes_of(outputs[:, 0], *scale).reshape(side, side), scale, 0
    likeliest = outputs.argmax(axis=1).astype(np.uint8)
    pair = np.stack([likeliest, bytes_of(outputs.max(axis=1), 0.0, 1.0)])
    return pair.reshape(2, side, side), scale, CLASSES


def thumbnails(state: State, grids: Grids) -> NDArray[np.uint8]:
    """A small picture of every unit, the inputs first.

    Parameters
    ----------
    state : State
    grids : Grids

    Returns
    -------
    numpy.ndarray of shape (n_units, T, T)
    """
    spec, theta, side = state.spec, state.theta, THUMBNAIL_SIDE
    columns = np.empty((sum(spec.widths), len(grids.small)))  # units in rows
    a = grids.small.T
    at = len(a)
    columns[:at] = a
    _symmetrise(columns[:at], None)
    for layer, kind in enumerate(spec.activations):
        z = theta[2 * layer].T @ a
        z += theta[2 * layer + 1][:, np.newaxis]
        if kind == "softmax":
            z -= z.max(axis=0)
            np.exp(z, out=z)
            z /= z.sum(axis=0)
            a = z
        else:
            a = activate(kind, z)
        behind = columns[at : at + len(a)]
        behind[:] = a
        last = layer == len(spec.activations) - 1
        _symmetrise(behind, 1.0 if kind in BOUNDED else grids.scale[1] if last else None)
        at += len(a)
    small = bytes_of(columns, -128 / 127, 1.0)
    if grids.line:
        return np.repeat(small[:, np.newaxis, :], side, axis=1)
    return small.reshape(-1, side, side)


def _symmetrise(rows: Floats, top: float | None) -> None:
    """Divide each row by its largest value, or all by the same one; in place."""
    if top is None:
        each = np.maximum(rows.max(axis=1), -rows.min(axis=1))
        rows /= np.where(np.isfinite(each) & (each > 0), each, 1.0)[:, np.newaxis]
    elif top != 1.0:
        rows /= top
