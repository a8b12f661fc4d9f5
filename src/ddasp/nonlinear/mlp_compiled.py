"""The multilayer perceptron compiled by Numba: the arithmetic of `mlp_numpy` in one fused loop.

For small layers NumPy spends its time between the operations: about a microsecond for each of some
sixty calls per step, whatever the arrays' size. Here the steps of a training run in one compiled
loop (`mlp_loops`). This file checks what goes in, lays it out for the loop, returns to Python now
and then, and gives back what came out.

*Conventions*: those of `mlp_numpy`, which explains every line. float32 and float64; tanh, sigmoid
and exp have a relative error of at most 2 eps.

*References*: those of `mlp_numpy` and `mlp_loops`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range
from ddasp._errors import InputError
from ddasp.nonlinear.lanes import LANES
from ddasp.nonlinear.mlp_loops import forward_all, train_steps
from ddasp.nonlinear.spec import (
    ACTIVATIONS,
    LOSSES,
    ModelSpec,
    Parameters,
    disturbances,
    inputs_of,
    shapes_of,
    targets_of,
    weights_of,
)
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
    Minibatches,
    Report,
    Step,
    learning_rates,
)

__all__ = [
    "Model",
    "build",
    "fit",
    "gradients",
    "logits",
    "loss",
    "loss_and_gradients",
    "parameters",
    "predict",
]

Array = NDArray[np.floating]
# Multiplications between two looks at the keyboard (about 0.1 s), and random numbers of noise and
# dropout that are drawn at once.
WORK_AT_ONCE, DRAWN_AT_ONCE = 2**28, 2**20


@dataclass(frozen=True)
class Memory:
    """What an optimizer knows of earlier steps; see `optimizers_numpy`.

    Parameters
    ----------
    step : int
        Number of updates so far.
    first : numpy.ndarray of shape (n_parameters,)
        Velocity, or mean of the gradients.
    second : numpy.ndarray of shape (n_parameters,)
        Mean of the squared gradients; empty for SGD.
    """

    step: int
    first: Array
    second: Array


@dataclass(frozen=True)
class Model:
    """A spec, its parameters, and what the optimizer remembers of their training."""

    spec: ModelSpec
    theta: Parameters
    memory: Memory | None = None


def build(spec: ModelSpec, theta: Parameters) -> Model:
    """Put a spec and its parameters together; see `mlp_numpy.build`."""
    shapes = [np.shape(p) for p in theta]
    if shapes != shapes_of(spec):
        raise InputError("E-ARGUMENT", f"theta has shapes {shapes}; expected {shapes_of(spec)}")
    return Model(spec, tuple(np.array(p) for p in theta))


def parameters(model: Model) -> Parameters:
    """Copies of (W1, b1, W2, b2, ...)."""
    return tuple(p.copy() for p in model.theta)


def _flat(arrays: Sequence[NDArray], dtype: np.dtype) -> Array:
    return np.concatenate([np.ravel(p) for p in arrays]).astype(dtype)


def _shaped(spec: ModelSpec, flat: Array) -> Parameters:
    shapes = shapes_of(spec)
    borders = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    parts = np.split(flat, borders)
    return tuple(part.reshape(shape).copy() for part, shape in zip(parts, shapes, strict=True))


def _layers(spec: ModelSpec) -> tuple[NDArray, NDArray]:
    """The activations' numbers, and the widths as unsigned indices."""
    kinds = np.array([ACTIVATIONS.index(name) for name in spec.activations])
    return kinds, np.array(spec.widths, dtype=np.uintp)


def _buffers(spec: ModelSpec, n: int, dtype: np.dtype) -> tuple[Array, ...]:
    """a, d, g, c, values for minibatches of up to n observations."""
    n = -(-n // LANES) * LANES
    units, outputs = sum(spec.widths) * n, spec.widths[-1] * n
    sizes = (units, units, sum(math.prod(shape) for shape in shapes_of(spec)), n, outputs)
    return tuple(np.zeros(size, dtype) for size in sizes)


class _Loop:
    """One training's arrays, and the compiled loop over some of its steps."""

    def __init__(
        self, model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> None:
        self.spec = model.spec
        self.X = np.require(inputs_of(self.spec, X), requirements=["C", "W"])
        n, self.dtype = len(self.X), self.X.dtype
        targets = targets_of(self.spec, y, n, self.dtype)
        is_code = self.spec.loss == "categorical_cross_entropy"
        self.codes_of = targets.astype(np.intp) if is_code else np.zeros(0, np.intp)
        values = np.zeros((n, 0), self.dtype) if is_code else targets
        self.targets = np.require(values, requirements=["C", "W"])
        weights = weights_of(sample_weight, n, self.dtype)
        self.weights = np.zeros(0, self.dtype) if weights is None else weights
        self.theta = _flat(model.theta, self.dtype)

    def prepare(self, batches: Sequence[NDArray[np.intp]]) -> None:
        """Lay the minibatches end to end, and make room for the largest."""
        together = Minibatches.of(batches, len(self.X))
        self.order, self.ends = together.order, together.ends
        longest = int(np.diff(self.ends, prepend=0).max(initial=1))
        self.buffers = _buffers(self.spec, longest, self.dtype)
        self.codes = np.zeros(longest, np.intp)

    def start(self, optimizer: SGD | Adam | None, before: Memory | None) -> None:
        """Continue with an optimizer's memory, or begin with zeros."""
        self.is_adam = isinstance(optimizer, Adam)
        self.constants: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
        if isinstance(optimizer, SGD):
            self.constants = (float(optimizer.momentum), 0.0, 0.0, 0.0)
        elif optimizer is not None:
            self.constants = (
                float(optimizer.beta1),
                float(optimizer.beta2),
                float(optimizer.epsilon),
                float(optimizer.weight_decay),
            )
        n_second = self.theta.size if self.is_adam else 0
        if before is not None and before.second.size == n_second:
            self.t = before.step
            self.first, self.second = (m.astype(self.dtype) for m in (before.first, before.second))
        else:
            self.t = 0
            self.first = np.zeros_like(self.theta)
            self.second = np.zeros(n_second, self.dtype)

    def steps_at_once(self) -> int:
        """How many steps may be taken without returning to Python."""
        n_max, spec = self.buffers[3].size, self.spec
        steps = WORK_AT_ONCE // (n_max * self.theta.size)
        if spec.noise or spec.dropout:
            steps = min(steps, DRAWN_AT_ONCE // (n_max * sum(spec.widths[:-1])))
        return max(steps, 1)

    def draw(self, steps: range, rng: np.random.Generator | None) -> tuple[Array, Array]:
        """Noise and dropout masks of some steps, each as long as the largest; units in rows."""
        spec = self.spec
        if not (spec.noise or spec.dropout):
            nothing = np.zeros(0, self.dtype)
            return nothing, nothing
        n_max = self.buffers[3].size
        noises = np.zeros((len(steps), n_max * spec.widths[0] * bool(spec.noise)), self.dtype)
        masks = np.zeros(
            (len(steps), n_max * sum(spec.widths[1:-1]) * bool(spec.dropout)), self.dtype
        )
        for row, step in enumerate(steps):
            n_real = int(self.ends[step] - (self.ends[step - 1] if step else 0))
            n = -(-n_real // LANES) * LANES
            noise, layers = disturbances(spec, n_real, rng, self.dtype)
            if noise is not None:
                noises[row, : n * spec.widths[0]].reshape(-1, n)[:, :n_real] = noise.T
            if layers:
                mask = np.concatenate(layers, axis=1).T
                masks[row, : n * len(mask)].reshape(-1, n)[:, :n_real] = mask
        return noises.ravel(), masks.ravel()

    def run(
        self, steps: range, rates: NDArray[np.float64], drawn: tuple[Array, Array]
    ) -> NDArray[np.float64]:
        """Take some steps; their losses."""
        losses = np.empty(len(steps))
        kinds, widths = _layers(self.spec)
        begin = int(self.ends[steps[0] - 1]) if steps[0] else 0
        penalties = (float(self.spec.l1), float(self.spec.l2), 1 - float(self.spec.dropout))
        train_steps(
            kinds, widths, tuple(LOSSES).index(self.spec.loss), penalties,
            self.is_adam, self.constants,
            self.X, self.targets, self.codes_of, self.weights,
            self.order[begin:], self.ends[steps.start : steps.stop] - begin, rates,
            self.theta, self.first, self.second, self.t,
            *drawn, self.buffers, self.codes, losses,
        )  # fmt: skip
        self.t += len(rates)
        return losses

    def report(self, index: int, loss: float) -> Step:
        """What the last step saw and did."""
        n_real = int(self.ends[index] - (self.ends[index - 1] if index else 0))
        n = -(-n_real // LANES) * LANES
        borders = np.cumsum(self.spec.widths) * n
        activations = tuple(
            self.buffers[0][first:last].reshape(-1, n)[:, :n_real].T.copy()
            for first, last in pairwise(borders)
        )
        norm = float(np.sqrt(np.vdot(self.buffers[2], self.buffers[2])))
        return Step(index, loss, norm, activations, _shaped(self.spec, self.theta))


def _forward_all(model: Model, X: ArrayLike) -> tuple[Array, Array]:
    X = np.require(inputs_of(model.spec, X), requirements=["C", "W"])
    z = np.empty((len(X), model.spec.widths[-1]), X.dtype)
    outputs = np.empty_like(z)
    buffers = _buffers(model.spec, min(max(len(X), 1), 256), X.dtype)
    forward_all(*_layers(model.spec), X, _flat(model.theta, X.dtype), buffers, z, outputs)
    return z, outputs


def logits(model: Model, X: ArrayLike) -> Array:
    """Z of the last layer, (n_observations, n_outputs)."""
    return _forward_all(model, X)[0]


def predict(model: Model, X: ArrayLike) -> Array:
    """Output of the last layer, (n_observations, n_outputs): numbers or probabilities.

    Parameters
    ----------
    model : Model
    X : array_like of shape (n_observations, n_inputs)

    Examples
    --------
    >>> spec = ModelSpec((1, 1, 1), ("relu", "sigmoid"), "binary_cross_entropy")
    >>> one = (np.ones((1, 1)), np.zeros(1))
    >>> predict(build(spec, (*one, *one)), [[-3.0], [0.0], [800.0]]).ravel()
    array([0.5, 0.5, 1. ])
    """
    return _forward_all(model, X)[1]


def loss_and_gradients(
    model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> tuple[float, Parameters]:
    """Loss and its gradients; see `mlp_numpy.loss_and_gradients`.

    Parameters
    ----------
    model : Model
    X : array_like of shape (n_observations, n_inputs)
    y : array_like of shape (n_observations,) or (n_observations, n_outputs)
    sample_weight : array_like of shape (n_observations,), optional

    Returns
    -------
    loss : float
    gradients : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)

    Examples
    --------
    >>> spec = ModelSpec((1, 1), ("linear",), "squared_error")
    >>> model = build(spec, (np.array([[2.0]]), np.array([1.0])))
    >>> loss_and_gradients(model, [[3.0]], [5.0])
    (2.0, (array([[6.]]), array([2.])))
    """
    loop = _Loop(model, X, y, sample_weight)
    loop.prepare([np.arange(len(loop.X))])
    loop.start(None, None)
    nothing = np.zeros(0, loop.dtype)
    value = loop.run(range(1), np.zeros(0), (nothing, nothing))[0]
    return float(value), _shaped(model.spec, loop.buffers[2])


def loss(model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Loss alone; see `loss_and_gradients`."""
    return loss_and_gradients(model, X, y, sample_weight)[0]


def gradients(
    model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> Parameters:
    """Gradients alone; see `loss_and_gradients`."""
    return loss_and_gradients(model, X, y, sample_weight)[1]


def fit(
    model: Model,
    X: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: SGD | Adam,
    batches: Sequence[NDArray[np.intp]],
    sample_weight: ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    report: Report | None = None,
    report_every: int = 1,
) -> tuple[Model, NDArray[np.float64]]:
    """Train: one update of all parameters for each minibatch; see `mlp_numpy.fit`.

    Parameters
    ----------
    model : Model
    X : array_like of shape (n_observations, n_inputs)
    y : array_like of shape (n_observations,) or (n_observations, n_outputs)
    optimizer : SGD or Adam
    batches : sequence of numpy.ndarray of shape (n_batch,)
    sample_weight : array_like of shape (n_observations,), optional
    rng : numpy.random.Generator, optional
    report : callable, optional
        Ends one compiled stretch, so it costs some microseconds.
    report_every : int

    Returns
    -------
    model : Model
    losses : numpy.ndarray of shape (n_steps,)

    Raises
    ------
    InputError
        When shapes do not fit, a row is not one of X, or noise is asked for without rng.

    Examples
    --------
    >>> spec = ModelSpec((1, 1), ("linear",), "squared_error")
    >>> model = build(spec, (np.zeros((1, 1)), np.zeros(1)))
    >>> step = [np.array([0, 1])]
    >>> _, losses = fit(model, [[-1.0], [1.0]], [-2.0, 2.0], optimizer=SGD(0.5), batches=3 * step)
    >>> losses
    array([2. , 0.5 , 0.125])
    """
    loop = _Loop(model, X, y, sample_weight)
    loop.prepare(batches)
    loop.start(optimizer, model.memory)
    in_range(report_every, "report_every", 1, np.inf)
    rates = learning_rates(optimizer, len(batches))
    at_once = loop.steps_at_once()
    losses = np.empty(len(batches))
    i, ended = 0, False
    while i < len(batches) and not ended:
        to_report = report_every - i % report_every if report else at_once
        steps = range(i, min(i + at_once, i + to_report, len(batches)))
        losses[i : steps.stop] = loop.run(steps, rates[i : steps.stop], loop.draw(steps, rng))
        i = steps.stop
        if report and i % report_every == 0:
            ended = bool(report(loop.report(i - 1, float(losses[i - 1]))))
    memory = Memory(loop.t, loop.first, loop.second)
    return Model(model.spec, _shaped(model.spec, loop.theta), memory), losses[:i]
