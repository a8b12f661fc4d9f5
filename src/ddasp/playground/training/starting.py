"""Where weights come from: drawn before training, or carried over when the network changes its shape.

*Conventions*: first weights are drawn from ``default_rng((seed, 1))``, units that come later from
``default_rng((seed, 2, counter))``, so that a training is the same whenever it is repeated.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise

import numpy as np

from ddasp._check import one_of
from ddasp.nonlinear.spec import ModelSpec, Parameters, initial_parameters, shapes_of

__all__ = ["carried", "drawn", "first_parameters"]

INITS = ("uniform", "glorot", "zero")


def drawn(spec: ModelSpec, init: str, rng: np.random.Generator) -> Parameters:
    """Weights as `init` says.

    Parameters
    ----------
    spec : ModelSpec
    init : str
        "uniform": W in +-1/2 and b = 0.1 (as TensorFlow Playground has it); "glorot": as
        `initial_parameters`; "zero": all zero.
    rng : numpy.random.Generator

    Returns
    -------
    tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)

    Examples
    --------
    >>> spec = ModelSpec((2, 1), ("tanh",), "squared_error")
    >>> drawn(spec, "uniform", np.random.default_rng(0))[1]
    array([0.1])
    """
    one_of(init, "init", INITS)
    if init == "glorot":
        return initial_parameters(spec, rng)
    if init == "zero":
        return tuple(np.zeros(shape) for shape in shapes_of(spec))
    return tuple(
        rng.uniform(-0.5, 0.5, shape) if len(shape) == 2 else np.full(shape, 0.1)
        for shape in shapes_of(spec)
    )


def first_parameters(spec: ModelSpec, init: str, seed: int) -> Parameters:
    """Weights before the first update; the same seed gives the same ones.

    Parameters
    ----------
    spec : ModelSpec
    init : str
        See `drawn`.
    seed : int

    Returns
    -------
    tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    """
    return drawn(spec, init, np.random.default_rng((seed, 1)))


Names = list[list[Hashable]]


def _names(widths: Sequence[int], inputs: Sequence[str]) -> Names:
    """A name for every unit: inputs by their key, hidden units by place, outputs as such."""
    last = len(widths) - 1
    names: Names = [list(inputs)]
    names += [[("hidden", layer, j) for j in range(widths[layer])] for layer in range(1, last)]
    return [*names, [("output", j) for j in range(widths[last])]]


def carried(
    theta: Parameters,
    before: tuple[Sequence[int], Sequence[str]],
    after: tuple[Sequence[int], Sequence[str]],
    fresh: Parameters,
) -> Parameters:
    """Fresh weights, overwritten by those between units that stay.

    A unit stays when it stands at the same place of the same hidden layer, when it is the same
    input, or the same output (of the same number of outputs: one output and three mean different
    things). A bias stays with its unit, a weight with the two units that it joins.

    Parameters
    ----------
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
        What the network had.
    before, after : tuple of (widths, input keys)
        Its shape, and the one that it gets.
    fresh : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
        Weights in the new shape.

    Returns
    -------
    tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)

    Examples
    --------
    >>> W, b = np.array([[1.0], [2.0]]), np.array([3.0])
    >>> new = (np.zeros((2, 1)), np.zeros(1))
    >>> carried((W, b), ((2, 1), ("x", "y")), ((2, 1), ("y", "sinX")), new)
    (array([[2.], [0.]]), array([3.]))
    """
    old, new = _names(*before), _names(*after)
    if before[0][-1] != after[0][-1] and min(before[0][-1], after[0][-1]) == 1:
        old[-1] = []
    weights, biases = {}, {}
    for layer, (left, right) in enumerate(pairwise(old)):
        for j, unit in enumerate(right):
            biases[unit] = theta[2 * layer + 1][j]
            for i, origin in enumerate(left):
                weights[origin, unit] = theta[2 * layer][i, j]
    result = tuple(p.copy() for p in fresh)
    for layer, (left, right) in enumerate(pairwise(new)):
        for j, unit in enumerate(right):
            result[2 * layer + 1][j] = biases.get(unit, result[2 * layer + 1][j])
            for i, origin in enumerate(left):
                kept = weights.get((origin, unit), result[2 * layer][i, j])
                result[2 * layer][i, j] = kept
    return result
