"""The multilayer perceptron in NumPy: forward, loss, gradients by hand, optimizers, training.

This text is the derivation. Layer l computes from its input A (n, n_in)

    Z = A W + b,    A' = f(Z),

and the loss L is the mean over the n observations. Backwards, D = dL/dZ (n, n_out) gives

    dL/dW = A^T D,    dL/db = sum over observations of D,    dL/dA = D W^T,

and one layer down D = dL/dA * f'(Z). Behind the last layer the cross-entropies of softmax and
sigmoid have the same derivative as the squared error of a linear output, D = (y_hat - y) / n.
The penalties l1 sum |W| + l2 / 2 sum W^2 add l1 sign(W) + l2 W to dL/dW.

*Conventions*: X (n_observations, n_inputs); parameters (W1, b1, W2, b2, ...); targets are codes
0 ... n_outputs - 1 of shape (n,) for categorical cross-entropy, otherwise numbers of shape (n,) or
(n, n_outputs); dtype in = dtype out; nothing that is passed in is changed.

*References*: D. E. Rumelhart, G. E. Hinton and R. J. Williams, Nature 323, 1986;
N. Srivastava et al., "Dropout", JMLR 15, 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range
from ddasp._errors import InputError
from ddasp.nonlinear.optimizers_numpy import Memory, start, update
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


@dataclass(frozen=True)
class Model:
    """A spec, its parameters, and what the optimizer remembers of their training."""

    spec: ModelSpec
    theta: Parameters
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
    return Model(spec, tuple(np.array(p) for p in theta))


def parameters(model: Model) -> Parameters:
    """Copies of (W1, b1, W2, b2, ...)."""
    return tuple(p.copy() for p in model.theta)


# f(z), and f'(z) written with a = f(z); where ReLU has a corner, z = 0, its slope counts as 0


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))  # never above 1, so |z| = 800 can't overflow
    return np.asarray(np.where(z >= 0, 1, e) / (1 + e))


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def _activate(name: str, z: Array) -> Array:
    match name:
        case "tanh":
            return np.tanh(z)
        case "sigmoid":
            return _sigmoid(z)
        case "relu":
            return np.maximum(z, 0)
        case "softmax":
            return _softmax(z)
    return z


def _slope(name: str, a: Array) -> Array | int:
    match name:
        case "tanh":
            return 1 - a * a
        case "sigmoid":
            return a * (1 - a)
        case "relu":
            return (a > 0).astype(a.dtype)
    return 1


def _forward(
    spec: ModelSpec, theta: Parameters, X: Array, masks: Sequence[Array] = ()
) -> list[Array]:
    """Input of every layer, and behind them the last layer's Z (the logits)."""
    inputs = [X]
    for layer, activation in enumerate(spec.activations[:-1]):
        a = _activate(activation, inputs[-1] @ theta[2 * layer] + theta[2 * layer + 1])
        inputs.append(a * masks[layer] if masks else a)
    return [*inputs, inputs[-1] @ theta[-2] + theta[-1]]


def _data_loss(spec: ModelSpec, z: Array, y: Array, w: Array | None) -> tuple[float, Array]:
    """Weighted mean loss of the last layer's Z, and D = dL/dZ."""
    n = len(z)
    if spec.loss == "categorical_cross_entropy":
        # -log softmax(z)_y = log(sum exp z) - z_y, with the largest z taken out of the sum
        shifted = z - z.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        total = e.sum(axis=1)
        rows = np.arange(n)
        each = np.log(total) - shifted[rows, y]
        D = e / total[:, np.newaxis]
        D[rows, y] -= 1
    elif spec.loss == "binary_cross_entropy":
        # -y log s(z) - (1 - y) log(1 - s(z)) = max(z, 0) - y z + log(1 + exp(-|z|))
        each = (np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).sum(axis=1)
        D = _sigmoid(z) - y
    else:
        a = _activate(spec.activations[-1], z)
        each = ((a - y) ** 2).sum(axis=1) / 2
        D = (a - y) * _slope(spec.activations[-1], a)
    if w is not None:
        each, D = w * each, w[:, np.newaxis] * D
    return float(each.mean()), D / n


def _cast(theta: Parameters, dtype: np.dtype) -> Parameters:
    return tuple(p.astype(dtype, copy=False) for p in theta)


def logits(model: Model, X: ArrayLike) -> Array:
    """Z of the last layer, (n_observations, n_outputs)."""
    X = inputs_of(model.spec, X)
    return _forward(model.spec, _cast(model.theta, X.dtype), X)[-1]


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
    return _activate(model.spec.activations[-1], logits(model, X))


def _loss_and_gradients(
    spec: ModelSpec,
    theta: Parameters,
    X: Array,
    y: NDArray,
    w: Array | None = None,
    masks: Sequence[Array] = (),
) -> tuple[float, Parameters, list[Array]]:
    """Loss, gradients, and what `_forward` found on the way."""
    found = _forward(spec, theta, X, masks)
    value, D = _data_loss(spec, found[-1], y, w)
    gradient: list[Array] = []
    for layer in range(len(spec.activations) - 1, -1, -1):
        A, W = found[layer], theta[2 * layer]
        dW = A.T @ D
        if spec.l2:
            value += spec.l2 / 2 * float(np.vdot(W, W))
            dW += spec.l2 * W
        if spec.l1:
            value += spec.l1 * float(np.abs(W).sum())
            dW += spec.l1 * np.sign(W)
        gradient[:0] = [dW, D.sum(axis=0)]
        if layer > 0:
            dA = D @ W.T
            if masks:  # A = f(Z) mask: the chain rule meets the mask first
                dA *= masks[layer - 1]
                A = np.divide(A, masks[layer - 1], out=np.zeros_like(A), where=masks[layer - 1] > 0)
            D = dA * _slope(spec.activations[layer - 1], A)
    return value, tuple(gradient), found


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

    Notes
    -----
    Squared error is halved, 1/2 sum over outputs of (y_hat - y)^2, so that its derivative is
    y_hat - y.

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
    return _loss_and_gradients(model.spec, _cast(model.theta, X.dtype), X, y, w)[:2]


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
    theta = tuple(p.astype(X.dtype) for p in model.theta)
    memory = start(optimizer, theta, model.memory)
    batches = Minibatches.of(batches, len(X))
    in_range(report_every, "report_every", 1, np.inf)
    losses = np.empty(len(batches))
    for i, rate in enumerate(learning_rates(optimizer, len(batches)).tolist()):
        rows = batches[i]
        noise, masks = disturbances(spec, len(rows), rng, X.dtype)
        A = X[rows] if noise is None else X[rows] + noise
        w = None if weights is None else weights[rows]
        losses[i], gradient, found = _loss_and_gradients(spec, theta, A, y[rows], w, masks)
        update(optimizer, theta, gradient, memory, rate)
        if report and (i + 1) % report_every == 0:
            outputs = (*found[1:-1], _activate(spec.activations[-1], found[-1]))
            norm = float(np.sqrt(sum(float(np.vdot(g, g)) for g in gradient)))
            copies = tuple(p.copy() for p in theta)
            if report(Step(i, float(losses[i]), norm, outputs, copies)):
                return Model(spec, theta, memory), losses[: i + 1]
    return Model(spec, theta, memory), losses
