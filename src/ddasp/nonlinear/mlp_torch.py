"""The multilayer perceptron in PyTorch: forward and loss by hand, gradients by autograd, training.

Layer l computes Z = A W + b and A' = f(Z), as in `mlp_numpy`, whose text derives the gradients.
Here nobody writes them: PyTorch records every operation on a tensor that requires a gradient, and
`torch.autograd.grad` walks that record backwards, from the loss to the parameters.

The losses are PyTorch's own. `cross_entropy` takes the largest logit out of the sum and
`binary_cross_entropy_with_logits` never forms exp(|z|), so both stand at |z| = 800 and agree with
the formulas of `mlp_numpy` to the last digits; `mse_loss` is written out, because it would divide
by the number of outputs as well. `relu`, `abs` and their slopes, 0 in the corner, are the same.

*Conventions*: those of `mlp_numpy`: parameters (W1, b1, W2, b2, ...) with W (n_in, n_out), so
transposed against `torch.nn.Linear`; NumPy arrays go in and come out; dtype in = dtype out. On a
CPU one thread computes, so that sums are formed in one order.

*References*: those of `mlp_numpy`; A. Paszke et al., "Automatic differentiation in PyTorch",
NIPS workshop 2017.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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

try:
    import torch
    from torch.nn import functional as F
except ImportError as error:
    raise DependencyError(
        "E-DEPENDENCY", f'{__name__} needs PyTorch: pip install "ddasp[torch]"'
    ) from error

from ddasp.nonlinear.optimizers_torch import Memory, start, update

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
Tensors: TypeAlias = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Model:
    """A spec, its parameters, and what the optimizer remembers of their training."""

    spec: ModelSpec
    theta: Tensors
    memory: Memory | None = None


def build(spec: ModelSpec, theta: Parameters, *, device: str = "cpu") -> Model:
    """Put a spec and its parameters together.

    Parameters
    ----------
    spec : ModelSpec
    theta : tuple of numpy.ndarray
        (W1, b1, W2, b2, ...), as `initial_parameters` gives them.
    device : str
        Where the parameters live and everything is computed: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.

    Raises
    ------
    InputError
        When a shape does not follow from the widths, or the device is not there.
    """
    shapes = [np.shape(p) for p in theta]
    if shapes != shapes_of(spec):
        raise InputError("E-ARGUMENT", f"theta has shapes {shapes}; expected {shapes_of(spec)}")
    try:
        return Model(spec, tuple(_tensor(p, torch.device(device)) for p in theta))
    except (AssertionError, RuntimeError) as error:  # what PyTorch raises differs with its build
        raise InputError(
            "E-ARGUMENT",
            f"device is {device!r}; expected one that PyTorch {torch.__version__} finds on this "
            "machine - is it a build without CUDA?",
        ) from error


def parameters(model: Model) -> Parameters:
    """Copies of (W1, b1, W2, b2, ...)."""
    return tuple(_array(p) for p in model.theta)


def _tensor(values: ArrayLike, device: torch.device) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(values), device=device)


def _array(values: torch.Tensor) -> Array:
    return np.array(values.detach().cpu().numpy())


def _leaves(theta: Tensors, dtype: np.dtype) -> Tensors:
    """Copies of the parameters, from which autograd counts on."""
    wanted = torch.float32 if dtype == np.float32 else torch.float64
    return tuple(p.detach().to(wanted, copy=True).requires_grad_() for p in theta)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order, and no quarrel with the processes beside this one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _activate(name: str, z: torch.Tensor) -> torch.Tensor:
    match name:
        case "tanh":
            return torch.tanh(z)
        case "sigmoid":
            return torch.sigmoid(z)
        case "relu":
            return torch.relu(z)  # slope 0 in the corner; torch.clamp(z, min=0) has slope 1
        case "softmax":
            return torch.softmax(z, dim=1)
    return z


def _forward(
    spec: ModelSpec, theta: Tensors, X: torch.Tensor, masks: Sequence[torch.Tensor] = ()
) -> list[torch.Tensor]:
    """Input of every layer, and behind them the last layer's Z (the logits)."""
    inputs = [X]
    for layer, activation in enumerate(spec.activations[:-1]):
        a = _activate(activation, inputs[-1] @ theta[2 * layer] + theta[2 * layer + 1])
        inputs.append(a * masks[layer] if masks else a)
    return [*inputs, inputs[-1] @ theta[-2] + theta[-1]]


def _data_loss(
    spec: ModelSpec, z: torch.Tensor, y: torch.Tensor, w: torch.Tensor | None
) -> torch.Tensor:
    """Weighted mean loss of the last layer's Z."""
    if spec.loss == "categorical_cross_entropy":
        each = F.cross_entropy(z, y, reduction="none")
    elif spec.loss == "binary_cross_entropy":
        each = F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(dim=1)
    else:
        each = ((_activate(spec.activations[-1], z) - y) ** 2).sum(dim=1) / 2
    return (each if w is None else w * each).mean()


def logits(model: Model, X: ArrayLike) -> Array:
    """Z of the last layer, (n_observations, n_outputs)."""
    X = inputs_of(model.spec, X)
    theta = _leaves(model.theta, X.dtype)
    with _one_thread(), torch.inference_mode():
        return _array(_forward(model.spec, theta, _tensor(X, theta[0].device))[-1])


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
    return _array(_activate(model.spec.activations[-1], torch.from_numpy(logits(model, X))))


def _loss(
    spec: ModelSpec,
    theta: Tensors,
    X: torch.Tensor,
    y: torch.Tensor,
    w: torch.Tensor | None = None,
    masks: Sequence[torch.Tensor] = (),
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Loss with its penalties, ready to be differentiated, and what `_forward` found on the way."""
    found = _forward(spec, theta, X, masks)
    value = _data_loss(spec, found[-1], y, w)
    for W in theta[::2]:
        if spec.l2:
            value = value + spec.l2 / 2 * (W * W).sum()
        if spec.l1:
            value = value + spec.l1 * W.abs().sum()
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
    theta = _leaves(model.theta, X.dtype)
    device = theta[0].device
    weights = None if w is None else _tensor(w, device)
    with _one_thread():
        value, _ = _loss(model.spec, theta, _tensor(X, device), _targets(y, device), weights)
        gradient = torch.autograd.grad(value, theta)
    return value.item(), tuple(_array(g) for g in gradient)


def _targets(y: NDArray, device: torch.device) -> torch.Tensor:
    return _tensor(y.astype(np.int64) if y.dtype.kind in "iu" else y, device)


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
    theta = _leaves(model.theta, X.dtype)
    memory = start(optimizer, theta, model.memory)
    batches = Minibatches.of(batches, len(X))
    in_range(report_every, "report_every", 1, np.inf)
    device = theta[0].device
    inputs, targets = _tensor(X, device), _targets(y, device)
    shares = None if weights is None else _tensor(weights, device)
    # losses stay on the device until the end: a GPU would have to wait for each that is read
    losses = torch.zeros(len(batches), dtype=torch.float64, device=device)
    with _one_thread():
        for i, rate in enumerate(learning_rates(optimizer, len(batches)).tolist()):
            rows = _tensor(batches[i], device)
            noise, drawn = disturbances(spec, len(rows), rng, X.dtype)
            A = inputs[rows] if noise is None else inputs[rows] + _tensor(noise, device)
            w = None if shares is None else shares[rows]
            masks = [_tensor(mask, device) for mask in drawn]
            value, found = _loss(spec, theta, A, targets[rows], w, masks)
            gradient = torch.autograd.grad(value, theta)
            update(optimizer, theta, gradient, memory, rate)
            losses[i] = value.detach()
            if report and (i + 1) % report_every == 0:
                outputs = (*found[1:-1], _activate(spec.activations[-1], found[-1]))
                norm = float(np.sqrt(sum(float((g * g).sum()) for g in gradient)))
                seen, copies = (tuple(map(_array, tensors)) for tensors in (outputs, theta))
                if report(Step(i, value.item(), norm, seen, copies)):
                    return Model(spec, theta, memory), losses[: i + 1].cpu().numpy()
    return Model(spec, theta, memory), losses.cpu().numpy()
