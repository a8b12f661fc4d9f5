"""The convolutional network in TensorFlow: forward and loss, gradients by a tape, training.

The layers are TensorFlow's own functions, applied to variables that stand in plain sight; the
gradients, which `cnn_numpy` derives, come from a `tf.GradientTape`. Training turns one step,
gradients and update together, into a graph with `tf.function`: Python runs once, when it is traced,
and the graph every time. What differs from the other engines, and how it is met:

- On a CPU, float64 and the gradient of maximum pooling exist only with the maps behind the sides
  (channels last): maps are transposed at the border and in front of `Flatten`, W inside the graph.
- ``padding="SAME"`` puts an odd zero behind the side, and how many there are depends on the stride;
  here `tf.pad` puts as many on either side, and the window moves over what is there (VALID).
- `tf.nn.batch_normalization` multiplies out, x g + (beta - mu g): for a constant map far from zero
  that is the difference of two large numbers. Here mu is subtracted first. Keras counts momentum
  from the other end (0.99 is 0.01 here), has epsilon 1e-3 and a biased running variance.
- `tf.maximum(x, 0)` has slope 1 in the corner; `tf.nn.relu` has slope 0.
- `tf.cast` takes a number of Python through float32, also on its way to float64; `tf.constant` with
  a dtype does not.

*Conventions*: those of `cnn_numpy`; NumPy arrays go in and come out; dtype in = dtype out, which in
TensorFlow means that every tensor and variable is given its dtype.

*References*: those of `cnn_numpy`; A. Agrawal et al., "TensorFlow Eager", MLSys 2019.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range
from ddasp._errors import DependencyError
from ddasp.nonlinear.cnn_data import (
    Augmentation,
    check_parameters,
    disturbed,
    maps_of,
    probabilities_of,
)
from ddasp.nonlinear.cnn_spec import (
    Activation,
    BatchNorm,
    CNNSpec,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Pool,
    initial_state,
)
from ddasp.nonlinear.map_layers import MapLayer, fold
from ddasp.nonlinear.spec import (
    Parameters,
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
    "folded",
    "gradients",
    "logits",
    "loss",
    "loss_and_gradients",
    "parameters",
    "predict",
    "state",
]

Array = NDArray[np.floating]
Tensors: TypeAlias = tuple[tf.Tensor, ...]
Variables: TypeAlias = tuple[tf.Variable, ...]
Graph: TypeAlias = Callable[..., tuple[tf.Tensor, Tensors, list[tf.Tensor]]]


@dataclass(frozen=True)
class Model:
    """A spec, its parameters, the running statistics, and what the optimizer remembers."""

    spec: CNNSpec
    theta: Variables
    state: Variables
    memory: Memory | None = None


def build(spec: CNNSpec, theta: Parameters, state: Parameters | None = None) -> Model:
    """Put a spec, its parameters and its running statistics together.

    Parameters
    ----------
    spec : CNNSpec
    theta : tuple of numpy.ndarray of shape (n_out, n_in, *size), (n_in, n_out) or (n_out,)
        As `initial_parameters` gives them.
    state : tuple of numpy.ndarray of shape (n_maps,), optional
        Running means and variances; None is `initial_state`.

    Raises
    ------
    InputError
        When a shape does not follow from the spec.
    """
    running = initial_state(spec) if state is None else state
    check_parameters(spec, theta, running)
    return Model(spec, _variables(theta), _variables(running))


def parameters(model: Model) -> Parameters:
    """Copies of the parameters, in the order of the layers."""
    return tuple(_array(p) for p in model.theta)


def state(model: Model) -> Parameters:
    """Copies of the running mean and variance of every batch normalisation."""
    return tuple(_array(s) for s in model.state)


def folded(model: Model) -> tuple[MapLayer, ...]:
    """The network as data; see `map_layers.fold`."""
    return fold(model.spec, parameters(model), state(model))


def _array(values: tf.Tensor | tf.Variable) -> Array:
    return np.array(values.numpy())


def _variables(arrays: Parameters | Variables, dtype: np.dtype | None = None) -> Variables:
    """Copies as variables, which a tape will watch."""
    return tuple(tf.Variable(a if dtype is None else tf.cast(a, dtype)) for a in arrays)


def _maps_last(A: Array) -> tf.Tensor:
    return tf.constant(np.ascontiguousarray(np.moveaxis(A, 1, -1)))


def _maps_first(A: tf.Tensor) -> Array:
    return np.ascontiguousarray(np.moveaxis(A.numpy(), -1, 1))


# ---- the layers; maps behind the sides


def _convolution(
    layer: Convolution, X: tf.Tensor, W: tf.Variable, b: tf.Variable | None
) -> tf.Tensor:
    P = tf.pad(X, [(0, 0), *((p, p) for p in layer.padding), (0, 0)])
    d = len(layer.size)
    filters = tf.transpose(W, (*range(2, 2 + d), 1, 0))  # (*size, n_in, n_out)
    Y = tf.nn.convolution(P, filters, strides=layer.stride, padding="VALID")
    return Y if b is None else Y + b


def _pool(layer: Pool, X: tf.Tensor) -> tf.Tensor:
    pool = tf.nn.max_pool if layer.kind == "max" else tf.nn.avg_pool
    return pool(X, layer.size, layer.stride, padding="VALID")


def _batch_norm(
    layer: BatchNorm, X: tf.Tensor, p: Variables, s: Variables, training: bool
) -> tuple[tf.Tensor, Tensors]:
    """Normalised maps, and the new running statistics."""
    (gamma, beta), (mu, v), running = p, s, s
    if training:
        mu, v = tf.nn.moments(X, axes=list(range(X.shape.rank - 1)))  # v biased, 1 / N
        N = tf.cast(tf.size(X), X.dtype) / X.shape[-1]
        # one value has no unbiased variance: it leaves the running statistics alone
        m = tf.where(N > 1, tf.constant(layer.momentum, X.dtype), 0)
        found = (mu, v * (N / tf.maximum(N - 1, 1)))
        running = tuple((1 - m) * r + m * f for r, f in zip(s, found, strict=True))
    return gamma * ((X - mu) / tf.sqrt(v + layer.epsilon)) + beta, running


def _activation(layer: Activation, X: tf.Tensor) -> tf.Tensor:
    match layer.name:
        case "relu":
            return tf.nn.relu(X)
        case "tanh":
            return tf.tanh(X)
        case "sigmoid":
            return tf.sigmoid(X)
    return X


def _flatten(X: tf.Tensor) -> tf.Tensor:
    first = tf.transpose(X, (0, X.shape.rank - 1, *range(1, X.shape.rank - 1)))
    return tf.reshape(first, (-1, np.prod(X.shape[1:])))


def _forward(
    spec: CNNSpec,
    theta: Variables,
    state: Variables,
    X: tf.Tensor,
    masks: Tensors | None = None,
) -> tuple[list[tf.Tensor], Tensors]:
    """Output of every layer, and the new running statistics.

    With masks as in training, with () without its dropout; masks = None is `predict`.
    """
    p, s, m = iter(theta), iter(state), iter(masks or ())
    outputs: list[tf.Tensor] = []
    running: list[tf.Tensor] = []
    for layer in spec.layers:
        match layer:
            case Convolution():
                X = _convolution(layer, X, next(p), next(p) if layer.bias else None)
            case BatchNorm():
                own, before = (next(p), next(p)), (next(s), next(s))
                X, now = _batch_norm(layer, X, own, before, masks is not None)
                running += now
            case Activation():
                X = _activation(layer, X)
            case Pool():
                X = _pool(layer, X)
            case Flatten():
                X = _flatten(X)
            case Dropout() if masks and layer.p:
                X = X * next(m)
            case Dense():
                X = X @ next(p)
                X = X + next(p) if layer.bias else X
        outputs.append(X)
    return outputs, tuple(running)


# ---- the loss, prediction and training


def _loss(
    spec: CNNSpec, theta: Variables, z: tf.Tensor, y: tf.Tensor, w: tf.Tensor | None
) -> tf.Tensor:
    """Weighted mean loss of the logits with its penalties; to be called under a tape."""
    if spec.loss == "categorical_cross_entropy":
        each = tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=z)
    elif spec.loss == "binary_cross_entropy":
        each = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z)
        each = tf.reduce_sum(each, axis=1)
    else:
        each = tf.reduce_sum((z - y) ** 2, axis=1) / 2
    value = tf.reduce_mean(each if w is None else w * each)
    for W in theta:
        if W.shape.rank > 1 and spec.l2:  # weights; biases, gamma and beta are not penalised
            value += spec.l2 / 2 * tf.reduce_sum(W * W)
        if W.shape.rank > 1 and spec.l1:
            value += spec.l1 * tf.reduce_sum(tf.abs(W))
    return value


def logits(model: Model, X: ArrayLike) -> Array:
    """Output of the last layer, (n_observations, n_outputs); normalised as training left it."""
    X = maps_of(model.spec, X)
    theta, running = (_variables(a, X.dtype) for a in (model.theta, model.state))
    starts = range(0, max(len(X), 1), 256)
    batches = (_maps_last(X[i : i + 256]) for i in starts)
    return np.concatenate([_array(_forward(model.spec, theta, running, A)[0][-1]) for A in batches])


def predict(model: Model, X: ArrayLike) -> Array:
    """Numbers or probabilities, (n_observations, n_outputs).

    Parameters
    ----------
    model : Model
    X : array_like of shape (n_observations, *input_shape)

    Raises
    ------
    InputError
        When X does not have the spec's shape, or is not finite.

    Examples
    --------
    >>> spec = CNNSpec((1, 3), (Convolution(1, (2,)), Flatten(), Dense(1)), "binary_cross_entropy")
    >>> theta = (np.array([[[1.0, -1.0]]]), np.zeros(1), np.ones((2, 1)), np.zeros(1))
    >>> predict(build(spec, theta), [[[2.0, 5.0, 2.0]], [[800.0, 0.0, 0.0]]])
    array([[0.5], [1. ]])
    """
    z = tf.constant(logits(model, X))
    if model.spec.loss == "categorical_cross_entropy":
        z = tf.nn.softmax(z, axis=1)
    elif model.spec.loss == "binary_cross_entropy":
        z = tf.sigmoid(z)
    return _array(z)


def loss_and_gradients(
    model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> tuple[float, Parameters]:
    """Loss and its gradients from one pass forward and one backward, as in training.

    Parameters
    ----------
    model : Model
    X : array_like of shape (n_observations, *input_shape)
    y : array_like of shape (n_observations,) or (n_observations, n_outputs)
    sample_weight : array_like of shape (n_observations,), optional
        How much each observation counts, >= 0; batch normalisation counts each one once.

    Returns
    -------
    loss : float
        (Weighted) mean over the observations plus l1 * sum |W| + l2 / 2 * sum W^2. Batch
        normalisation uses the mean and variance of X itself; dropout plays no part.
    gradients : tuple of numpy.ndarray of shape (n_out, n_in, *size), (n_in, n_out) or (n_out,)
        Shaped like the parameters.

    Raises
    ------
    InputError
        When X, y or the weights do not fit the model or each other.

    Examples
    --------
    >>> spec = CNNSpec((1, 2), (Convolution(1, (2,)), Flatten(), Dense(1)), "squared_error")
    >>> theta = (np.array([[[1.0, 2.0]]]), np.zeros(1), np.full((1, 1), 3.0), np.zeros(1))
    >>> value, gradient = loss_and_gradients(build(spec, theta), [[[1.0, 1.0]]], [8.0])
    >>> value, gradient[0]  # y_hat = 3 (1 + 2), error 1; its derivative by W is 3 * 1
    (0.5, array([[[3., 3.]]]))
    """
    spec, X = model.spec, maps_of(model.spec, X)
    y = probabilities_of(spec, y, len(X), X.dtype)
    weights = weights_of(sample_weight, len(X), X.dtype)
    w = None if weights is None else tf.constant(weights)
    theta, running = (_variables(a, X.dtype) for a in (model.theta, model.state))
    with tf.GradientTape() as tape:
        z = _forward(spec, theta, running, _maps_last(X), ())[0][-1]
        value = _loss(spec, theta, z, tf.constant(y), w)
    return float(value), tuple(_array(g) for g in tape.gradient(value, theta))


def loss(model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Loss alone; see `loss_and_gradients`."""
    return loss_and_gradients(model, X, y, sample_weight)[0]


def gradients(
    model: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> Parameters:
    """Gradients alone; see `loss_and_gradients`."""
    return loss_and_gradients(model, X, y, sample_weight)[1]


def _train(
    spec: CNNSpec, optimizer: SGD | Adam, theta: Variables, state: Variables, memory: Memory
) -> Graph:
    """One training step as a graph: loss before it, gradients, and the output of every layer."""

    def step(
        A: tf.Tensor, y: tf.Tensor, w: tf.Tensor | None, masks: Tensors, rate: tf.Tensor
    ) -> tuple[tf.Tensor, Tensors, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            outputs, running = _forward(spec, theta, state, A, masks)
            value = _loss(spec, theta, outputs[-1], y, w)
        gradient = tape.gradient(value, theta)
        update(optimizer, theta, gradient, memory, rate)
        for s, now in zip(state, running, strict=True):
            s.assign(now)
        return value, gradient, outputs

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
    augmentation: Augmentation | None = None,
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
    X : array_like of shape (n_observations, *input_shape)
    y : array_like of shape (n_observations,) or (n_observations, n_outputs)
    optimizer : SGD or Adam
    batches : sequence of numpy.ndarray of shape (n_batch,)
        Indices of each step's observations, as `minibatches` gives them.
    augmentation : Augmentation, optional
        How each minibatch's maps are varied.
    sample_weight : array_like of shape (n_observations,), optional
        How much each observation counts, >= 0; see `weights_of`.
    rng : numpy.random.Generator, optional
        Needed for augmentation and dropout.
    report : callable, optional
        Called with a `Step`, which holds the output of every layer; when it returns True, training
        ends.
    report_every : int
        After how many steps.

    Returns
    -------
    model : Model
        With the new parameters and running statistics.
    losses : numpy.ndarray of shape (n_steps,)
        Loss of each minibatch before its update.

    Raises
    ------
    InputError
        When shapes do not fit, or rng is missing.

    Examples
    --------
    >>> spec = CNNSpec((1, 1), (Flatten(), Dense(1)), "squared_error")
    >>> model = build(spec, (np.zeros((1, 1)), np.zeros(1)))
    >>> step = [np.array([0, 1])]
    >>> X, y = [[[-1.0]], [[1.0]]], [-2.0, 2.0]
    >>> fit(model, X, y, optimizer=SGD(0.5), batches=3 * step)[1]  # the error halves
    array([2. , 0.5 , 0.125])
    """
    spec, X = model.spec, maps_of(model.spec, X)
    y = probabilities_of(spec, y, len(X), X.dtype)
    weights = weights_of(sample_weight, len(X), X.dtype)
    theta, running = (_variables(a, X.dtype) for a in (model.theta, model.state))
    memory = start(optimizer, theta, model.memory)
    batches = Minibatches.of(batches, len(X))
    in_range(report_every, "report_every", 1, np.inf)
    train = _train(spec, optimizer, theta, running, memory)
    losses = np.empty(len(batches))
    for i, rate in enumerate(learning_rates(optimizer, len(batches))):
        rows = batches[i]
        A, drawn = disturbed(spec, X[rows], augmentation, rng)
        masks = tuple(map(_maps_last, drawn))
        w = None if weights is None else tf.constant(weights[rows])
        value, gradient, outputs = train(
            _maps_last(A), tf.constant(y[rows]), w, masks, tf.constant(rate, tf.float64)
        )
        losses[i] = float(value)
        if report and (i + 1) % report_every == 0:
            norm = float(np.sqrt(sum(float(tf.reduce_sum(g * g)) for g in gradient)))
            found, copies = tuple(map(_maps_first, outputs)), tuple(map(_array, theta))
            if report(Step(i, float(losses[i]), norm, found, copies)):
                losses = losses[: i + 1]
                break
    return Model(spec, theta, running, memory), losses
