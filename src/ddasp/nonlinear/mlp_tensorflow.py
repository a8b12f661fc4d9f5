"""The multilayer perceptron in TensorFlow: forward and loss by hand, gradients by a tape, training.

Layer l computes Z = A W + b and A' = f(Z), as in `mlp_numpy`, whose text derives the gradients.
Here nobody writes them: a `tf.GradientTape` records what is done with the variables, and
`tape.gradient` walks the record backwards. Training turns one step, gradients and update together,
into a graph with `tf.function`: Python runs once, when it is traced, and the graph every time.

The losses are TensorFlow's own. `sparse_softmax_cross_entropy_with_logits` takes the largest logit
out of the sum and `sigmoid_cross_entropy_with_logits` never forms exp(|z|), so both stand at
|z| = 800 and agree with the formulas of `mlp_numpy` to the last digits. `keras.losses` holds losses
of probabilities, which clip them to 1e-7 first, and means over outputs; neither is wanted here.
`tf.nn.relu` and `tf.abs` have slope 0 in the corner, as everywhere in this package.

*Conventions*: those of `mlp_numpy`: parameters (W1, b1, W2, b2, ...), W (n_in, n_out); NumPy arrays
go in and come out; dtype in = dtype out, which in TensorFlow means that every tensor and variable
is given its dtype, as float64 and float32 never mix.

*References*: those of `mlp_numpy`; A. Agrawal et al., "TensorFlow Eager", MLSys 2019.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range
from ddasp._errors import DependencyError, InputError
from ddasp.nonlinear.spec import (
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

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors, but no notes about the processor
try:
    import tensorflow as tf
except ImportError as error:
    raise DependencyError(
        "E-DEPENDENCY", f'{__name__} needs TensorFlow: pip install "ddasp[tensorflow]"'
    ) from error

from ddasp.nonlinear.optimizers_tensorflow import Memory, start, update

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
Tensors: TypeAlias = tuple[tf.Tensor, ...]
Variables: TypeAlias = tuple[tf.Variable, ...]
Graph: TypeAlias = Callable[..., tuple[tf.Tensor, Tensors, list[tf.Tensor]]]


@dataclass(frozen=True)
class Model:
    """A spec, its parameters, and what the optimizer remembers of their training."""

    spec: ModelSpec
    theta: Variables
    memory: Memory | None = None


def build(spec: ModelSpec, theta: Parameters) -> Model:
    """Put a spec and its parameters together.

    Parameters
    ----------
    spec : ModelSpec
    theta : tuple of numpy.ndarray
        (W1, b1, W2, b2, ...), as `initial_parameters` gives them.

    Raises
    ------
    InputError
        When a shape does not follow from the widths.
    """
    shapes = [np.shape(p) for p in theta]
    if shapes != shapes_of(spec):
        raise InputError("E-ARGUMENT", f"theta has shapes {shapes}; expected {shapes_of(spec)}")
    return Model(spec, tuple(tf.Variable(np.asarray(p)) for p in theta))


def parameters(model: Model) -> Parameters:
    """Copies of (W1, b1, W2, b2, ...)."""
    return tuple(_array(p) for p in model.theta)


def _array(values: tf.Tensor | tf.Variable) -> Array:
    return np.array(values.numpy())


def _variables(theta: Variables, dtype: np.dtype) -> Variables:
    """Copies of the parameters, which a tape will watch."""
    return tuple(tf.Variable(tf.cast(p, dtype)) for p in theta)


def _activate(name: str, z: tf.Tensor) -> tf.Tensor:
    match name:
        case "tanh":
            return tf.tanh(z)
        case "sigmoid":
            return tf.sigmoid(z)
        case "relu":
            return tf.nn.relu(z)  # slope 0 in the corner; tf.maximum(z, 0) has slope 1
        case "softmax":
            return tf.nn.softmax(z, axis=1)
    return z


def _forward(
    spec: ModelSpec, theta: Variables, X: tf.Tensor, masks: Sequence[tf.Tensor] = ()
) -> list[tf.Tensor]:
    """Input of every layer, and behind them the last layer's Z (the logits)."""
    inputs = [X]
    for layer, activation in enumerate(spec.activations[:-1]):
        a = _activate(activation, inputs[-1] @ theta[2 * layer] + theta[2 * layer + 1])
        inputs.append(a * masks[layer] if masks else a)
    return [*inputs, inputs[-1] @ theta[-2] + theta[-1]]


def _data_loss(spec: ModelSpec, z: tf.Tensor, y: tf.Tensor, w: tf.Tensor | None) -> tf.Tensor:
    """Weighted mean loss of the last layer's Z."""
    if spec.loss == "categorical_cross_entropy":
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=z)
    elif spec.loss == "binary_cross_entropy":
        each = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z)
        each = tf.reduce_sum(each, axis=1)
    else:
        each = tf.reduce_sum((_activate(spec.activations[-1], z) - y) ** 2, axis=1) / 2
    return tf.reduce_mean(each if w is None else w * each)


def logits(model: Model, X: ArrayLike) -> Array:
    """Z of the last layer, (n_observations, n_outputs)."""
    X = inputs_of(model.spec, X)
    return _array(_forward(model.spec, _variables(model.theta, X.dtype), tf.constant(X))[-1])


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
    return _array(_activate(model.spec.activations[-1], tf.constant(logits(model, X))))


def _loss(
    spec: ModelSpec,
    theta: Variables,
    X: tf.Tensor,
    y: tf.Tensor,
    w: tf.Tensor | None = None,
    masks: Sequence[tf.Tensor] = (),
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Loss with its penalties, and what `_forward` found on the way; to be called under a tape."""
    found = _forward(spec, theta, X, masks)
    value = _data_loss(spec, found[-1], y, w)
    for W in theta[::2]:
        if spec.l2:
            value += spec.l2 / 2 * tf.reduce_sum(W * W)
        if spec.l1:
            value += spec.l1 * tf.reduce_sum(tf.abs(W))
    return value, found


def loss_and_gradients(
    model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> tuple[float, Parameters]:
    """Loss and its gradients from one pass forward and one backward.

    Parameters
    ----------
    model : Model
    X : array_like of shape (n_observations, n_inputs)
    y : array_like of shape (n_observations,) or (n_observations, n_outputs)
    sample_weight : array_like of shape (n_observations,), optional
        How much each observation counts, >= 0.

    Returns
    -------
    loss : float
        (Weighted) mean over the observations plus l1 * sum |W| + l2 / 2 * sum W^2; noise and
        dropout belong to training and play no part.
    gradients : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
        (dL/dW1, dL/db1, ...).

    Raises
    ------
    InputError
        When X, y or the weights do not fit the model or each other.

    Examples
    --------
    >>> spec = ModelSpec((1, 1), ("linear",), "squared_error")
    >>> model = build(spec, (np.array([[2.0]]), np.array([1.0])))
    >>> loss_and_gradients(model, [[3.0]], [5.0])  # y_hat = 7, so error 2: 2^2 / 2, 2 * 3, 2
    (2.0, (array([[6.]]), array([2.])))
    """
    X = inputs_of(model.spec, X)
    y = targets_of(model.spec, y, len(X), X.dtype)
    w = weights_of(sample_weight, len(X), X.dtype)
    theta = _variables(model.theta, X.dtype)
    weights = None if w is None else tf.constant(w)
    with tf.GradientTape() as tape:
        value, _ = _loss(model.spec, theta, tf.constant(X), tf.constant(y), weights)
    gradient = tape.gradient(value, theta)
    return float(value), tuple(_array(g) for g in gradient)


def loss(model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Loss alone; see `loss_and_gradients`."""
    return loss_and_gradients(model, X, y, sample_weight)[0]


def gradients(
    model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> Parameters:
    """Gradients alone; see `loss_and_gradients`."""
    return loss_and_gradients(model, X, y, sample_weight)[1]


@lru_cache(maxsize=32)
def _graph(spec: ModelSpec, optimizer: SGD | Adam) -> Graph:
    """One training step as a graph: loss before it, gradients, and what `_forward` found.

    Variables are arguments, so that trainings of one kind share the graph, such as those of
    successive epochs; TensorFlow would need longer to trace it than to go through an epoch.
    """

    def step(
        theta: Variables,
        memory: tuple[tf.Variable, Variables, Variables],
        A: tf.Tensor,
        y: tf.Tensor,
        w: tf.Tensor | None,
        masks: Tensors,
        rate: tf.Tensor,
    ) -> tuple[tf.Tensor, Tensors, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            value, found = _loss(spec, theta, A, y, w, masks)
        gradient = tape.gradient(value, theta)
        update(optimizer, theta, gradient, Memory(*memory), rate)
        return value, gradient, found

    # a second length of batches is traced once more, as one of any length, then never again; no
    # branch depends on data, so the source needn't be rewritten (autograph)
    graph: Graph = tf.function(step, reduce_retracing=True, autograph=False)
    return graph


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
    """Train: one update of all parameters for each minibatch.

    Parameters
    ----------
    model : Model
        Where training starts, with the optimizer's memory of earlier steps if there is one; it is
        not changed.
    X : array_like of shape (n_observations, n_inputs)
    y : array_like of shape (n_observations,) or (n_observations, n_outputs)
    optimizer : SGD or Adam
    batches : sequence of numpy.ndarray of shape (n_batch,)
        Indices of each step's observations, as `minibatches` gives them.
    sample_weight : array_like of shape (n_observations,), optional
        How much each observation counts, >= 0; see `weights_of`.
    rng : numpy.random.Generator, optional
        Needed for noise and dropout.
    report : callable, optional
        Called with a `Step`; when it returns True, training ends.
    report_every : int
        After how many steps.

    Returns
    -------
    model : Model
        With the new parameters.
    losses : numpy.ndarray of shape (n_steps,)
        Loss of each minibatch before its update.

    Raises
    ------
    InputError
        When shapes do not fit, or noise is asked for without rng.

    Examples
    --------
    >>> spec = ModelSpec((1, 1), ("linear",), "squared_error")
    >>> model = build(spec, (np.zeros((1, 1)), np.zeros(1)))
    >>> step = [np.array([0, 1])]
    >>> _, losses = fit(model, [[-1.0], [1.0]], [-2.0, 2.0], optimizer=SGD(0.5), batches=3 * step)
    >>> losses  # the error halves with every step
    array([2. , 0.5 , 0.125])
    """
    spec, X = model.spec, inputs_of(model.spec, X)
    y = targets_of(spec, y, len(X), X.dtype)
    weights = weights_of(sample_weight, len(X), X.dtype)
    theta = _variables(model.theta, X.dtype)
    memory = start(optimizer, theta, model.memory)
    batches = Minibatches.of(batches, len(X))
    in_range(report_every, "report_every", 1, np.inf)
    step = _graph(spec, replace(optimizer, learning_rate=0.0, schedule="constant"))
    state = theta, (memory.step, memory.first, memory.second)
    losses = np.empty(len(batches))
    for i, rate in enumerate(tf.constant(learning_rates(optimizer, len(batches)))):
        rows = batches[i]
        noise, drawn = disturbances(spec, len(rows), rng, X.dtype)
        A = tf.constant(X[rows] if noise is None else X[rows] + noise)
        w = None if weights is None else tf.constant(weights[rows])
        masks = tuple(tf.constant(mask) for mask in drawn)
        value, gradient, found = step(*state, A, tf.constant(y[rows]), w, masks, rate)
        losses[i] = float(value)
        if report and (i + 1) % report_every == 0:
            outputs = (*found[1:-1], _activate(spec.activations[-1], found[-1]))
            norm = float(np.sqrt(sum(float(tf.reduce_sum(g * g)) for g in gradient)))
            seen, copies = (tuple(map(_array, tensors)) for tensors in (outputs, theta))
            if report(Step(i, float(value), norm, seen, copies)):
                return Model(spec, theta, memory), losses[: i + 1]
    return Model(spec, theta, memory), losses
