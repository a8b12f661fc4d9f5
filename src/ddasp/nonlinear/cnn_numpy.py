"""The convolutional network in NumPy: forward, loss, gradients by hand, training.

Every layer gives its output and its way back, a function from D = dL/dY to dL/dX and the gradients
of its own parameters (`cnn_layers_numpy` derives them). A pass forward goes through the layers and
collects both; a pass backward starts from the loss,

    D = dL/dZ = (y_hat - y) / n

for softmax and sigmoid with their cross-entropies and for the squared error alike, and hands D from
layer to layer. The penalties l1 sum |W| + l2 / 2 sum W^2 add l1 sign(W) + l2 W to dL/dW.

*Conventions*: X (n_observations, n_maps, n_samples) or (n_observations, n_maps, n_frames, n_bands);
parameters as in `cnn_spec`; targets are codes 0 ... n_outputs - 1 of shape (n,) for categorical
cross-entropy, otherwise numbers of shape (n,) or (n, n_outputs); dtype in = dtype out; nothing that
is passed in is changed.

*References*: Y. LeCun et al., "Backpropagation applied to handwritten zip code recognition", 1989;
S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range
from ddasp.nonlinear import cnn_layers_numpy as layers
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
from ddasp.nonlinear.optimizers_numpy import Memory, start, update
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
NOTHING: layers.Back = layers.unchanged


@dataclass(frozen=True)
class Model:
    """A spec, its parameters, the running statistics, and what the optimizer remembers."""

    spec: CNNSpec
    theta: Parameters
    state: Parameters
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
    return Model(spec, tuple(np.array(p) for p in theta), tuple(np.array(s) for s in running))


def parameters(model: Model) -> Parameters:
    """Copies of the parameters, in the order of the layers."""
    return tuple(p.copy() for p in model.theta)


def state(model: Model) -> Parameters:
    """Copies of the running mean and variance of every batch normalisation."""
    return tuple(s.copy() for s in model.state)


def folded(model: Model) -> tuple[MapLayer, ...]:
    """The network as data; see `map_layers.fold`."""
    return fold(model.spec, parameters(model), state(model))


def _forward(
    spec: CNNSpec, theta: Parameters, state: Parameters, X: Array, masks: Parameters | None = None
) -> tuple[list[Array], list[layers.Back], Parameters]:
    """Output of every layer, its way back, and the new running statistics.

    With masks as in training, with () without its dropout; masks = None is `predict`.
    """
    p, s, m = iter(theta), iter(state), iter(masks or ())
    outputs: list[Array] = []
    backs: list[layers.Back] = []
    running: list[Array] = []
    for layer in spec.layers:
        Y, back = X, NOTHING
        match layer:
            case Convolution():
                Y, back = layers.convolution(layer, X, next(p), next(p) if layer.bias else None)
            case BatchNorm():
                gamma, beta, before = next(p), next(p), (next(s), next(s))
                if masks is None:
                    Y = layers.normalise(layer, X, gamma, beta, before)
                else:
                    Y, back, now = layers.batch_norm(layer, X, gamma, beta, before)
                    running += now
            case Activation():
                Y, back = layers.activation(layer, X)
            case Pool():
                Y, back = layers.pool(layer, X)
            case Flatten():
                Y, back = layers.flatten(X)
            case Dropout() if masks and layer.p:
                Y, back = layers.dropout(X, next(m))
            case Dense():
                Y, back = layers.dense(X, next(p), next(p) if layer.bias else None)
        outputs.append(Y)
        backs.append(back)
        X = Y
    return outputs, backs, tuple(running)


# ---- the loss, and the way back through all layers


def _data_loss(spec: CNNSpec, z: Array, y: Array, w: Array | None) -> tuple[float, Array]:
    """Weighted mean loss of the logits, and D = dL/dZ."""
    if spec.loss == "categorical_cross_entropy":
        # -sum_k y_k log softmax(z)_k = log(sum exp z) - y z, with the largest z out of the sum
        shifted = z - z.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        total = e.sum(axis=1, keepdims=True)
        each = np.log(total[:, 0]) - (y * shifted).sum(axis=1)
        D = e / total - y
    elif spec.loss == "binary_cross_entropy":
        # -y log s(z) - (1 - y) log(1 - s(z)) = max(z, 0) - y z + log(1 + exp(-|z|))
        each = (np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).sum(axis=1)
        D = layers.sigmoid(z) - y
    else:
        each = ((z - y) ** 2).sum(axis=1) / 2
        D = z - y
    if w is not None:
        each, D = w * each, w[:, np.newaxis] * D
    return float(each.mean()), D / len(z)


def _loss_and_gradients(
    spec: CNNSpec,
    theta: Parameters,
    state: Parameters,
    X: Array,
    y: Array,
    w: Array | None = None,
    masks: Parameters = (),
) -> tuple[float, Parameters, Parameters, list[Array]]:
    """Loss, gradients, new running statistics, and what `_forward` found on the way."""
    outputs, backs, running = _forward(spec, theta, state, X, masks)
    value, D = _data_loss(spec, outputs[-1], y, w)
    gradient: tuple[Array, ...] = ()
    for back in reversed(backs):
        D, own = back(D)
        gradient = (*own, *gradient)
    for W, dW in zip(theta, gradient, strict=True):
        if W.ndim > 1 and spec.l2:  # weights; biases, gamma and beta are not penalised
            value += spec.l2 / 2 * float(np.vdot(W, W))
            dW += spec.l2 * W
        if W.ndim > 1 and spec.l1:
            value += spec.l1 * float(np.abs(W).sum())
            dW += spec.l1 * np.sign(W)
    return value, gradient, running, outputs


def _cast(arrays: Parameters, dtype: np.dtype) -> Parameters:
    return tuple(a.astype(dtype, copy=False) for a in arrays)


def logits(model: Model, X: ArrayLike) -> Array:
    """Output of the last layer, (n_observations, n_outputs); normalised as training left it."""
    X = maps_of(model.spec, X)
    theta, state = _cast(model.theta, X.dtype), _cast(model.state, X.dtype)
    starts = range(0, max(len(X), 1), 256)
    return np.concatenate(
        [_forward(model.spec, theta, state, X[i : i + 256])[0][-1] for i in starts]
    )


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
    z = logits(model, X)
    if model.spec.loss == "categorical_cross_entropy":
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=1, keepdims=True))
    return layers.sigmoid(z) if model.spec.loss == "binary_cross_entropy" else z


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

    Notes
    -----
    Squared error is halved, 1/2 sum over outputs of (y_hat - y)^2, so that its derivative is
    y_hat - y.

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
    w = weights_of(sample_weight, len(X), X.dtype)
    theta, state = _cast(model.theta, X.dtype), _cast(model.state, X.dtype)
    return _loss_and_gradients(spec, theta, state, X, y, w)[:2]


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
    theta = tuple(p.astype(X.dtype) for p in model.theta)
    state = _cast(model.state, X.dtype)
    memory = start(optimizer, theta, model.memory)
    batches = Minibatches.of(batches, len(X))
    in_range(report_every, "report_every", 1, np.inf)
    losses = np.empty(len(batches))
    for i, rate in enumerate(learning_rates(optimizer, len(batches)).tolist()):
        rows = batches[i]
        A, masks = disturbed(spec, X[rows], augmentation, rng)
        w = None if weights is None else weights[rows]
        losses[i], gradient, state, outputs = _loss_and_gradients(
            spec, theta, state, A, y[rows], w, masks
        )
        update(optimizer, theta, gradient, memory, rate)
        if report and (i + 1) % report_every == 0:
            norm = float(np.sqrt(sum(float(np.vdot(g, g)) for g in gradient)))
            copies = tuple(p.copy() for p in theta)
            if report(Step(i, float(losses[i]), norm, tuple(outputs), copies)):
                losses = losses[: i + 1]
                break
    return Model(spec, theta, state, memory), losses
