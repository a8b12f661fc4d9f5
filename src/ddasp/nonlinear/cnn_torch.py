"""The convolutional network in PyTorch: forward and loss, gradients by autograd, training.

The layers are PyTorch's own functions (`conv2d`, `max_pool2d`, `batch_norm`, ...), applied to
parameters that stand in plain sight; the gradients, which `cnn_numpy` derives, come from
`torch.autograd.grad`. PyTorch's conventions are those of this package: maps in front of the sides,
the first of equal maxima takes the gradient, ReLU has slope 0 in its corner, the running variance
is unbiased. What differs, and how it is met:

- For a single value there is no unbiased variance: `torch.nn.functional.batch_norm` refuses and
  `torch.batch_norm` writes NaN; here the running statistics stay as they are.
- On a CPU `batch_norm` multiplies out, x g + (beta - mu g), so in float32 a nearly constant map far
  from zero loses digits that the other engines keep. It is left so, because it is quick.
- `torch.clamp(x, min=0)` has slope 1 in the corner; `torch.relu` has slope 0.

*Conventions*: those of `cnn_numpy`; NumPy arrays go in and come out; dtype in = dtype out. On a CPU
one thread computes, so that sums are formed in one order, and maps of frames and bands lie in
memory value by value (channels last), which is quicker; on a GPU cuDNN is held to deterministic
algorithms in full precision (no TF32).

*References*: those of `cnn_numpy`; A. Paszke et al., "Automatic differentiation in PyTorch",
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
from ddasp.nonlinear.optimizers_torch import Memory, start, update
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

try:
    import torch
    from torch.nn import functional as F
except ImportError as error:
    raise DependencyError(
        "E-DEPENDENCY", f'{__name__} needs PyTorch: pip install "ddasp[torch]"'
    ) from error

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
Tensors: TypeAlias = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Model:
    """A spec, its parameters, the running statistics, and what the optimizer remembers."""

    spec: CNNSpec
    theta: Tensors
    state: Tensors
    memory: Memory | None = None


def build(
    spec: CNNSpec, theta: Parameters, state: Parameters | None = None, *, device: str = "cpu"
) -> Model:
    """Put a spec, its parameters and its running statistics together.

    Parameters
    ----------
    spec : CNNSpec
    theta : tuple of numpy.ndarray of shape (n_out, n_in, *size), (n_in, n_out) or (n_out,)
        As `initial_parameters` gives them.
    state : tuple of numpy.ndarray of shape (n_maps,), optional
        Running means and variances; None is `initial_state`.
    device : str
        Where the parameters live and everything is computed: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.

    Raises
    ------
    InputError
        When a shape does not follow from the spec, or the device is not there.
    """
    running = initial_state(spec) if state is None else state
    check_parameters(spec, theta, running)
    try:
        place = torch.device(device)
        return Model(
            spec,
            tuple(_tensor(p, place) for p in theta),
            tuple(_tensor(s, place) for s in running),
        )
    except (AssertionError, RuntimeError) as error:  # what PyTorch raises differs with its build
        raise InputError(
            "E-ARGUMENT",
            f"device is {device!r}; expected one that PyTorch {torch.__version__} finds on this "
            "machine - is it a build without CUDA?",
        ) from error


def parameters(model: Model) -> Parameters:
    """Copies of the parameters, in the order of the layers."""
    return tuple(_array(p) for p in model.theta)


def state(model: Model) -> Parameters:
    """Copies of the running mean and variance of every batch normalisation."""
    return tuple(_array(s) for s in model.state)


def folded(model: Model) -> tuple[MapLayer, ...]:
    """The network as data; see `map_layers.fold`."""
    return fold(model.spec, parameters(model), state(model))


def _tensor(values: ArrayLike, device: torch.device) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(values), device=device)


def _array(values: torch.Tensor) -> Array:
    return np.array(values.detach().cpu().numpy(), order="C")


def _copies(arrays: Tensors, dtype: np.dtype) -> Tensors:
    """Copies in the dtype of X; weights of 3 x 3 windows and their like with channels last."""
    wanted = torch.float32 if dtype == np.float32 else torch.float64
    return tuple(_laid_out(a.detach().to(wanted, copy=True)) for a in arrays)


def _laid_out(A: torch.Tensor) -> torch.Tensor:
    return A.to(memory_format=torch.channels_last) if A.ndim == 4 else A


@contextmanager
def _reproducible() -> Iterator[None]:
    """Sums in one order, and no quarrel with the processes beside this one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_num_threads(before)


# ---- the layers


def _batch_norm(
    layer: BatchNorm, X: torch.Tensor, p: Tensors, s: Tensors | None, training: bool
) -> torch.Tensor:
    """Normalise; in training, running statistics s are moved in place where they are given."""
    single = X.numel() == X.shape[1]  # one value in each map has no unbiased variance
    mean, variance = (None, None) if s is None or (training and single) else s
    return torch.batch_norm(
        X, *p, mean, variance, training, layer.momentum, layer.epsilon, X.is_cuda
    )


def _pool(layer: Pool, X: torch.Tensor) -> torch.Tensor:
    if len(layer.size) == 1:
        pool = F.max_pool1d if layer.kind == "max" else F.avg_pool1d
    else:
        pool = F.max_pool2d if layer.kind == "max" else F.avg_pool2d
    return pool(X, layer.size, layer.stride)


def _activation(layer: Activation, X: torch.Tensor) -> torch.Tensor:
    match layer.name:
        case "relu":
            return torch.relu(X)
        case "tanh":
            return torch.tanh(X)
        case "sigmoid":
            return torch.sigmoid(X)
    return X


def _forward(
    spec: CNNSpec,
    theta: Tensors,
    state: Tensors | None,
    X: torch.Tensor,
    masks: Tensors | None = None,
) -> list[torch.Tensor]:
    """Output of every layer.

    With masks as in training, with () without its dropout, running statistics moved in place;
    masks = None is `predict`.
    """
    p, s, m = iter(theta), iter(state or ()), iter(masks or ())
    outputs = []
    for layer in spec.layers:
        match layer:
            case Convolution():
                convolve = F.conv1d if len(layer.size) == 1 else F.conv2d
                W, b = next(p), next(p) if layer.bias else None
                X = convolve(X, W, b, layer.stride, layer.padding)
            case BatchNorm():
                running = (next(s), next(s)) if state else None
                X = _batch_norm(layer, X, (next(p), next(p)), running, masks is not None)
            case Activation():
                X = _activation(layer, X)
            case Pool():
                X = _pool(layer, X)
            case Flatten():
                X = X.flatten(1)
            case Dropout() if masks and layer.p:
                X = X * next(m)
            case Dense():
                X = X @ next(p)
                X = X + next(p) if layer.bias else X
        outputs.append(X)
    return outputs


# ---- the loss, prediction and training


def _loss(
    spec: CNNSpec, theta: Tensors, z: torch.Tensor, y: torch.Tensor, w: torch.Tensor | None
) -> torch.Tensor:
    """Weighted mean loss of the logits with its penalties, ready to be differentiated."""
    if spec.loss == "categorical_cross_entropy":
        each = F.cross_entropy(z, y, reduction="none")
    elif spec.loss == "binary_cross_entropy":
        each = F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(dim=1)
    else:
        each = ((z - y) ** 2).sum(dim=1) / 2
    value = (each if w is None else w * each).mean()
    for W in theta:
        if W.ndim > 1 and spec.l2:  # weights; biases, gamma and beta are not penalised
            value = value + spec.l2 / 2 * (W * W).sum()
        if W.ndim > 1 and spec.l1:
            value = value + spec.l1 * W.abs().sum()
    return value


def logits(model: Model, X: ArrayLike) -> Array:
    """Output of the last layer, (n_observations, n_outputs); normalised as training left it."""
    X = maps_of(model.spec, X)
    theta, running = _copies(model.theta, X.dtype), _copies(model.state, X.dtype)
    starts = range(0, max(len(X), 1), 256)
    with _reproducible(), torch.inference_mode():
        batches = (_laid_out(_tensor(X[i : i + 256], theta[0].device)) for i in starts)
        return np.concatenate(
            [_array(_forward(model.spec, theta, running, A)[-1]) for A in batches]
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
    z = torch.from_numpy(logits(model, X))
    if model.spec.loss == "categorical_cross_entropy":
        z = torch.softmax(z, dim=1)
    elif model.spec.loss == "binary_cross_entropy":
        z = torch.sigmoid(z)
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
    theta = tuple(p.requires_grad_() for p in _copies(model.theta, X.dtype))
    device = theta[0].device
    w = None if weights is None else _tensor(weights, device)
    with _reproducible():
        z = _forward(spec, theta, None, _laid_out(_tensor(X, device)), ())[-1]
        value = _loss(spec, theta, z, _tensor(y, device), w)
        gradient = torch.autograd.grad(value, theta)
    return value.item(), tuple(_array(g) for g in gradient)


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
    theta = tuple(p.requires_grad_() for p in _copies(model.theta, X.dtype))
    running = _copies(model.state, X.dtype)
    memory = start(optimizer, theta, model.memory)
    batches = Minibatches.of(batches, len(X))
    in_range(report_every, "report_every", 1, np.inf)
    device = theta[0].device
    # losses stay on the device until the end: a GPU would have to wait for each that is read
    losses = torch.zeros(len(batches), dtype=torch.float64, device=device)
    n_steps = len(batches)
    with _reproducible():
        for i, rate in enumerate(learning_rates(optimizer, len(batches)).tolist()):
            rows = batches[i]
            A, drawn = disturbed(spec, X[rows], augmentation, rng)
            masks = tuple(_tensor(mask, device) for mask in drawn)
            w = None if weights is None else _tensor(weights[rows], device)
            outputs = _forward(spec, theta, running, _laid_out(_tensor(A, device)), masks)
            value = _loss(spec, theta, outputs[-1], _tensor(y[rows], device), w)
            gradient = torch.autograd.grad(value, theta)
            update(optimizer, theta, gradient, memory, rate)
            losses[i] = value.detach()
            if report and (i + 1) % report_every == 0:
                norm = float(np.sqrt(sum(float((g * g).sum()) for g in gradient)))
                found, copies = (tuple(map(_array, a)) for a in (outputs, theta))
                if report(Step(i, value.item(), norm, found, copies)):
                    n_steps = i + 1
                    break
    theta = tuple(p.detach() for p in theta)
    return Model(spec, theta, running, memory), losses[:n_steps].cpu().numpy()
