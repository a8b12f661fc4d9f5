"""The multilayer perceptron in NumPy: forward, loss, gradients by hand, optimizers, training.

This text is the derivation. Layer l computes from its input A (n, n_in)

    Z = A W + b,    A' = f(Z),

and the loss L is the mean over the n observations. Backwards, D = dL/dZ (n, n_out) gives

    dL/dW = A^T D,    dL/db = sum over observations of D,    dL/dA = D W^T,

and one layer down D = dL/dA * f'(Z). Behind the last layer the cross-entropies of softmax and
sigmoid have the same derivative as the squared error of a linear output, D = (y_hat - y) / n.

*Conventions*: X (n_observations, n_inputs); parameters (W1, b1, W2, b2, ...); targets are codes
0 ... n_outputs - 1 of shape (n,) for categorical cross-entropy, otherwise numbers of shape (n,) or
(n, n_outputs); dtype in = dtype out; nothing that is passed in is changed.

*References*: D. E. Rumelhart, G. E. Hinton and R. J. Williams, Nature 323, 1986;
N. Srivastava et al., "Dropout", JMLR 15, 2014.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, matrix
from ddasp._errors import InputError
from ddasp.nonlinear.spec import SGD, Adam, ModelSpec, Parameters, learning_rates

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
    """A spec and its parameters."""

    spec: ModelSpec
    theta: Parameters


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
    expected = [
        shape
        for n_in, n_out in zip(spec.widths, spec.widths[1:], strict=False)
        for shape in ((n_in, n_out), (n_out,))
    ]
    shapes = [np.shape(p) for p in theta]
    if shapes != expected:
        raise InputError("E-ARGUMENT", f"theta has shapes {shapes}; expected {expected}")
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


def _data_loss(spec: ModelSpec, z: Array, y: Array) -> tuple[float, Array]:
    """Mean loss of the last layer's Z, and D = dL/dZ."""
    n = len(z)
    if spec.loss == "categorical_cross_entropy":
        # -log softmax(z)_y = log(sum exp z) - z_y, with the largest z taken out of the sum
        shifted = z - z.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        total = e.sum(axis=1)
        rows = np.arange(n)
        value = np.mean(np.log(total) - shifted[rows, y])
        D = e / total[:, np.newaxis]
        D[rows, y] -= 1
        return float(value), D / n
    if spec.loss == "binary_cross_entropy":
        # -y log s(z) - (1 - y) log(1 - s(z)) = max(z, 0) - y z + log(1 + exp(-|z|))
        each = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
        return float(each.sum(axis=1).mean()), (_sigmoid(z) - y) / n
    a = _activate(spec.activations[-1], z)
    error = a - y
    D = error * _slope(spec.activations[-1], a) / n
    return float((error**2).sum(axis=1).mean() / 2), D


def _targets(spec: ModelSpec, y: ArrayLike, n: int, dtype: np.dtype) -> NDArray:
    y = np.asarray(y)
    k = spec.widths[-1]
    if spec.loss == "categorical_cross_entropy":
        if y.shape != (n,) or y.dtype.kind not in "iu" or (n and not 0 <= y.min() <= y.max() < k):
            raise InputError(
                "E-ARGUMENT",
                f"y has shape {y.shape} and dtype {y.dtype}; expected ({n},) integer codes "
                f"0 to {k - 1}, one for each row of X",
            )
        return y
    if y.shape not in ((n, k), (n,) if k == 1 else (n, k)):
        raise InputError(
            "E-ARGUMENT", f"y has shape {y.shape}; expected {(n, k)}, a row for each of X"
        )
    return y.reshape(n, k).astype(dtype)


def _inputs(model: Model, X: ArrayLike) -> Array:
    X = matrix(X)
    if X.shape[1] != model.spec.widths[0]:
        raise InputError(
            "E-ARGUMENT", f"X has {X.shape[1]} columns; expected {model.spec.widths[0]}"
        )
    return X


def logits(model: Model, X: ArrayLike) -> Array:
    """Z of the last layer, (n_observations, n_outputs)."""
    return _forward(model.spec, model.theta, _inputs(model, X))[-1]


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
    spec: ModelSpec, theta: Parameters, X: Array, y: NDArray, masks: Sequence[Array] = ()
) -> tuple[float, Parameters]:
    *inputs, z = _forward(spec, theta, X, masks)
    value, D = _data_loss(spec, z, y)
    gradient: list[Array] = []
    for layer in range(len(spec.activations) - 1, -1, -1):
        A, W = inputs[layer], theta[2 * layer]
        value += spec.l2 / 2 * float(np.vdot(W, W))
        gradient[:0] = [A.T @ D + spec.l2 * W if spec.l2 else A.T @ D, D.sum(axis=0)]
        if layer > 0:
            dA = D @ W.T
            if masks:  # A = f(Z) mask: the chain rule meets the mask first
                dA *= masks[layer - 1]
                A = np.divide(A, masks[layer - 1], out=np.zeros_like(A), where=masks[layer - 1] > 0)
            D = dA * _slope(spec.activations[layer - 1], A)
    return value, tuple(gradient)


def loss_and_gradients(model: Model, X: ArrayLike, y: ArrayLike) -> tuple[float, Parameters]:
    """Loss and its gradients from one pass forward and one backward.

    Parameters
    ----------
    model : Model
    X : array_like of shape (n_observations, n_inputs)
    y : array_like of shape (n_observations,) or (n_observations, n_outputs)

    Returns
    -------
    loss : float
        Mean over the observations plus l2 / 2 * sum W^2.
    gradients : tuple of numpy.ndarray
        (dL/dW1, dL/db1, ...), shaped like the parameters.

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
    X = _inputs(model, X)
    if not len(X):
        raise InputError("E-ARGUMENT", "X has no rows; expected at least one observation")
    y = _targets(model.spec, y, len(X), X.dtype)
    return _loss_and_gradients(model.spec, model.theta, X, y)


def loss(model: Model, X: ArrayLike, y: ArrayLike) -> float:
    """Loss alone; see `loss_and_gradients`."""
    return loss_and_gradients(model, X, y)[0]


def gradients(model: Model, X: ArrayLike, y: ArrayLike) -> Parameters:
    """Gradients alone; see `loss_and_gradients`."""
    return loss_and_gradients(model, X, y)[1]


def _sgd(optimizer: SGD, theta: Parameters) -> Callable[[Parameters, float], None]:
    velocity = [np.zeros_like(p) for p in theta]

    def step(gradient: Parameters, rate: float) -> None:
        for p, v, g in zip(theta, velocity, gradient, strict=True):
            v *= optimizer.momentum
            v -= rate * g
            p += v

    return step


def _adam(optimizer: Adam, theta: Parameters) -> Callable[[Parameters, float], None]:
    mean = [np.zeros_like(p) for p in theta]
    square = [np.zeros_like(p) for p in theta]
    b1, b2, t = optimizer.beta1, optimizer.beta2, 0

    def step(gradient: Parameters, rate: float) -> None:
        nonlocal t
        t += 1
        # both averages start at zero; dividing by 1 - b^t takes that bias out
        correction1, correction2 = 1 - b1**t, 1 - b2**t
        for p, m, s, g in zip(theta, mean, square, gradient, strict=True):
            m += (1 - b1) * (g - m)
            s += (1 - b2) * (g * g - s)
            if p.ndim == 2 and optimizer.weight_decay:
                p *= 1 - rate * optimizer.weight_decay
            p -= rate / correction1 * m / (np.sqrt(s / correction2) + optimizer.epsilon)

    return step


def fit(
    model: Model,
    X: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: SGD | Adam,
    batches: Sequence[NDArray[np.intp]],
    noise: float = 0.0,
    dropout: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[Model, NDArray[np.float64]]:
    """Train: one update of all parameters for each minibatch.

    Parameters
    ----------
    model : Model
        Where training starts; it is not changed.
    X : array_like of shape (n_observations, n_inputs)
    y : array_like of shape (n_observations,) or (n_observations, n_outputs)
    optimizer : SGD or Adam
    batches : sequence of numpy.ndarray
        Indices of each step's observations, as `minibatches` gives them.
    noise : float
        Standard deviation of Gaussian noise that is added to every input of every batch.
    dropout : float
        Probability, below 1, with which a hidden unit is silent in a step; the others are
        amplified by 1 / (1 - dropout), so that nothing changes in `predict`.
    rng : numpy.random.Generator, optional
        Needed for noise and dropout.

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
    """
    X = _inputs(model, X)
    spec, y = model.spec, _targets(model.spec, y, len(X), X.dtype)
    in_range(dropout, "dropout", 0.0, 0.99)
    if rng is None and (noise or dropout):
        raise InputError("E-ARGUMENT", "rng is None; expected a Generator for noise and dropout")
    theta = tuple(p.astype(X.dtype) for p in model.theta)
    step = _sgd(optimizer, theta) if isinstance(optimizer, SGD) else _adam(optimizer, theta)
    losses = np.empty(len(batches))
    for i, rate in enumerate(learning_rates(optimizer, len(batches)).tolist()):
        A = X[batches[i]]
        if rng is not None and noise:
            A = A + noise * rng.standard_normal(A.shape, dtype=np.float32).astype(X.dtype)
        masks = _dropout_masks(spec, len(A), dropout, rng, X.dtype)
        losses[i], gradient = _loss_and_gradients(spec, theta, A, y[batches[i]], masks)
        step(gradient, rate)
    return Model(spec, theta), losses


def _dropout_masks(
    spec: ModelSpec, n: int, dropout: float, rng: np.random.Generator | None, dtype: np.dtype
) -> tuple[Array, ...]:
    if rng is None or not dropout:
        return ()
    keep = 1 - dropout
    return tuple(
        ((rng.random((n, width), dtype=np.float32) < keep) / keep).astype(dtype)
        for width in spec.widths[1:-1]
    )
