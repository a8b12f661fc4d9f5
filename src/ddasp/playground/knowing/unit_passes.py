"""One pass forward and one backward, derived once more without the engine.

A layer computes Z = A W + b, A' = f(Z); backwards D = dL/dZ, and one layer down (D W^T) f'(Z). The formula
panel takes its numbers from here; that the engine finds the same ones is tested.

*Conventions*: float64; the optimizer's memory is shaped like the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.nonlinear.spec import ModelSpec, Parameters, shapes_of
from ddasp.nonlinear.steps import SGD, Adam

__all__ = ["Passing", "passes", "remembered", "slope_of", "targets_as_rows"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Passing:
    """What the numbers of a unit are made of.

    Parameters
    ----------
    spec : ModelSpec
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    t : int
        Updates so far.
    first, second : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
        The optimizer's means, as of `optimizers_numpy`; zeros where it has none.
    optimizer : SGD or Adam
    U : numpy.ndarray of shape (n, n_inputs)
    y : numpy.ndarray of shape (n,) or (n, n_outputs)
    batch : numpy.ndarray of shape (n_batch,)
        Rows of the next update.
    sample : int
        Row that is shown.
    """

    spec: ModelSpec
    theta: Parameters
    t: int
    first: Parameters
    second: Parameters
    optimizer: SGD | Adam
    U: Floats
    y: NDArray
    batch: NDArray[np.intp]
    sample: int


def remembered(
    spec: ModelSpec, optimizer: SGD | Adam, memory: Any, theta: Parameters
) -> tuple[int, Parameters, Parameters]:
    """Updates so far, and the optimizer's means shaped like theta; zeros where there are none of its kind.

    Parameters
    ----------
    spec : ModelSpec
    optimizer : SGD or Adam
    memory : Memory or None
        Of either engine.
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)

    Returns
    -------
    t : int
    first, second : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    """
    nothing = tuple(np.zeros_like(p) for p in theta)
    if memory is None:
        return 0, nothing, nothing
    flat = [
        np.concatenate([np.ravel(part) for part in kept] or [np.zeros(0)])
        if isinstance(kept, tuple)
        else np.asarray(kept)
        for kept in (memory.first, memory.second)
    ]
    n = sum(p.size for p in theta)
    if flat[1].size != (n if isinstance(optimizer, Adam) else 0):
        return 0, nothing, nothing
    borders = np.cumsum([p.size for p in theta])[:-1]

    def shaped(values: Floats) -> Parameters:
        parts = np.split(values, borders)
        return tuple(p.reshape(shape) for p, shape in zip(parts, shapes_of(spec), strict=True))

    return int(memory.step), shaped(flat[0]), shaped(flat[1]) if flat[1].size else nothing


def _f(name: str, z: Floats) -> Floats:
    if name == "softmax":
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=1, keepdims=True))
    if name == "sigmoid":
        e = np.exp(-np.abs(z))
        return np.asarray(np.where(z >= 0, 1, e) / (1 + e))
    return {"tanh": np.tanh(z), "relu": np.maximum(z, 0)}.get(name, z)


def slope_of(name: str, a: Floats) -> Floats:
    """f'(z), written with a = f(z).

    Parameters
    ----------
    name : str
        Of the activation.
    a : numpy.ndarray of shape (n, n_units)
    """
    slopes = {"tanh": 1 - a * a, "sigmoid": a * (1 - a), "relu": np.where(a > 0, 1.0, 0.0)}
    return slopes.get(name, np.ones_like(a))


def passes(
    state: Passing, rows: NDArray[np.intp]
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """A, Z and D of all layers for some rows, each as part of a minibatch of n.

    Parameters
    ----------
    state : Passing
    rows : numpy.ndarray of shape (n_rows,)

    Returns
    -------
    A, Z, D : list of numpy.ndarray of shape (n_rows, n_units)
        At index l those of layer l; A[0] are the inputs, Z[0] and D[0] are empty.
    """
    spec, theta = state.spec, state.theta
    A, Z = [state.U[rows]], [np.zeros(0)]
    for layer, activation in enumerate(spec.activations):
        Z.append(A[-1] @ theta[2 * layer] + theta[2 * layer + 1])
        A.append(_f(activation, Z[-1]))
    y = targets_as_rows(state, rows)
    D = [np.zeros(0)] * len(A)
    D[-1] = (A[-1] - y) / len(state.batch)
    if spec.loss == "squared_error":
        D[-1] = D[-1] * slope_of(spec.activations[-1], A[-1])
    for layer in range(len(A) - 2, 0, -1):
        D[layer] = (D[layer + 1] @ theta[2 * layer].T) * slope_of(
            spec.activations[layer - 1], A[layer]
        )
    return A, Z, D


def targets_as_rows(state: Passing, rows: NDArray[np.intp]) -> Floats:
    """Targets (n_rows, n_outputs); codes become rows with a single 1.

    Parameters
    ----------
    state : Passing
    rows : numpy.ndarray of shape (n_rows,)
    """
    if state.spec.loss == "categorical_cross_entropy":
        return np.asarray(np.eye(state.spec.widths[-1])[state.y[rows]])
    return np.asarray(state.y[rows])
