"""What a layered model is, as data: widths, activations, loss, penalties, and where it starts.

*Conventions*: a layer is a = f(X W + b) with X (n_observations, n_in), W (n_in, n_out), b (n_out,);
parameters are one flat tuple (W1, b1, W2, b2, ...). Initial parameters, noise and dropout are drawn
here by NumPy, so that every engine sees the same numbers.

*References*: X. Glorot and Y. Bengio, AISTATS 2010; K. He et al., ICCV 2015 (initial parameters);
N. Srivastava et al., "Dropout", JMLR 15, 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ddasp._check import in_range, matrix, one_of, whole
from ddasp._errors import InputError

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "ModelSpec",
    "Parameters",
    "disturbances",
    "initial_parameters",
    "inputs_of",
    "n_parameters",
    "shapes_of",
    "targets_of",
    "weights_of",
]

Array = NDArray[np.floating]
Parameters = tuple[Array, ...]

ACTIVATIONS = ("linear", "tanh", "sigmoid", "relu", "softmax")
# loss: activations of the last layer that it can stand behind
LOSSES = {
    "squared_error": ("linear", "tanh", "sigmoid", "relu"),
    "binary_cross_entropy": ("sigmoid",),
    "categorical_cross_entropy": ("softmax",),
}


@dataclass(frozen=True)
class ModelSpec:
    """A layered model, y = f3(f2(f1(X, theta1), theta2), theta3), and what it is trained for.

    Parameters
    ----------
    widths : tuple of int
        Number of inputs, of each hidden layer's units, and of outputs.
    activations : tuple of str
        One of `ACTIVATIONS` for each layer, so one fewer than widths.
    loss : str
        ``"squared_error"``, ``"binary_cross_entropy"`` or ``"categorical_cross_entropy"``, the mean
        over observations; the cross-entropies are computed from the logits.
    l1, l2 : float
        Weights of the penalties l1 * sum |W| and l2 / 2 * sum W^2 (matrices only, never the
        intercepts).
    noise : float
        In training: standard deviation of Gaussian noise that is added to every input.
    dropout : float
        In training: probability, below 1, with which a hidden unit is silent in a step; the others
        are amplified by 1 / (1 - dropout), so that nothing changes in `predict`.

    Examples
    --------
    >>> spec = ModelSpec((2, 8, 3), ("tanh", "softmax"), "categorical_cross_entropy")
    >>> n_parameters(spec)
    51
    """

    widths: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    l1: float = 0.0
    l2: float = 0.0
    noise: float = 0.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if len(self.widths) < 2:
            raise InputError(
                "E-ARGUMENT", f"widths is {self.widths}; expected two or more positive integers"
            )
        for width in self.widths:
            whole(width, f"a width of {self.widths}")
        if len(self.activations) != len(self.widths) - 1:
            raise InputError(
                "E-ARGUMENT",
                f"activations has {len(self.activations)} entries; expected "
                f"{len(self.widths) - 1}, one for each layer behind the input",
            )
        for activation in self.activations:
            one_of(activation, "activation", ACTIVATIONS)
        if "softmax" in self.activations[:-1]:
            raise InputError("E-ARGUMENT", "softmax stands in a hidden layer; expected it last")
        one_of(self.loss, "loss", tuple(LOSSES))
        one_of(self.activations[-1], f"last activation (loss is {self.loss})", LOSSES[self.loss])
        in_range(self.l1, "l1", 0.0, np.inf)
        in_range(self.l2, "l2", 0.0, np.inf)
        in_range(self.noise, "noise", 0.0, np.inf)
        in_range(self.dropout, "dropout", 0.0, 0.99)


def n_parameters(spec: ModelSpec) -> int:
    """Number of entries of all W and b."""
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(spec.widths))


def shapes_of(spec: ModelSpec) -> list[tuple[int, ...]]:
    """Shapes of (W1, b1, W2, b2, ...).

    Examples
    --------
    >>> shapes_of(ModelSpec((2, 3), ("linear",), "squared_error"))
    [(2, 3), (3,)]
    """
    return [shape for n_in, n_out in pairwise(spec.widths) for shape in ((n_in, n_out), (n_out,))]


def inputs_of(spec: ModelSpec, X: ArrayLike) -> Array:
    """Check X (n_observations, n_inputs): finite, as wide as the first layer; dtype is kept.

    Raises
    ------
    InputError
        When X is not a matrix of that width.
    """
    X = matrix(X)
    if X.shape[1] != spec.widths[0]:
        raise InputError("E-ARGUMENT", f"X has {X.shape[1]} columns; expected {spec.widths[0]}")
    return X


def targets_of(spec: ModelSpec, y: ArrayLike, n: int, dtype: DTypeLike) -> NDArray:
    """Check y: codes (n,) for categorical cross-entropy, else numbers as (n, n_outputs).

    Raises
    ------
    InputError
        When y does not fit X or the loss, or X has no rows.
    """
    y = np.asarray(y)
    k = spec.widths[-1]
    if not n:
        raise InputError("E-ARGUMENT", "X has no rows; expected at least one observation")
    if spec.loss == "categorical_cross_entropy":
        if y.shape != (n,) or y.dtype.kind not in "iu" or not 0 <= y.min() <= y.max() < k:
            reach = f" from {y.min()} to {y.max()}" if y.size and y.dtype.kind in "iuf" else ""
            raise InputError(
                "E-ARGUMENT",
                f"y has shape {y.shape}, dtype {y.dtype} and values{reach}; expected ({n},) integer "
                f"codes 0 to {k - 1}, one for each row of X",
            )
        return y
    if y.shape not in ((n, k), (n,) if k == 1 else (n, k)):
        raise InputError(
            "E-ARGUMENT", f"y has shape {y.shape}; expected {(n, k)}, a row for each of X"
        )
    y = y.reshape(n, k).astype(dtype)
    if not np.isfinite(y).all():
        raise InputError("E-ARGUMENT", "y contains NaN or infinity; expected finite values")
    if spec.loss == "binary_cross_entropy" and not 0 <= y.min() <= y.max() <= 1:
        raise InputError(
            "E-ARGUMENT",
            f"y reaches from {y.min():g} to {y.max():g}; expected 0 to 1 for binary cross-entropy "
            "- are these labels -1 and 1?",
        )
    return y


def weights_of(sample_weight: ArrayLike | None, n: int, dtype: DTypeLike) -> Array | None:
    """Check weights of observations, (n,), and divide them by their mean.

    A minibatch's loss is sum(w_i loss_i) / n_batch: its expected value over all minibatches is the
    weighted mean over all observations, and weights that are all equal change nothing.

    Raises
    ------
    InputError
        When a weight is negative or not finite, or all are zero.

    Examples
    --------
    >>> weights_of([1, 1, 4], 3, np.float64)
    array([0.5, 0.5, 2. ])
    """
    if sample_weight is None:
        return None
    w = np.asarray(sample_weight, dtype=np.float64)
    if w.shape != (n,) or not np.isfinite(w).all() or w.min() < 0 or w.max() == 0:
        reach = f" and reaches from {w.min():g} to {w.max():g}" if w.size else ""
        raise InputError(
            "E-ARGUMENT",
            f"sample_weight has shape {w.shape}{reach}; expected ({n},), one finite number >= 0 "
            "for each row of X, not all zero",
        )
    return np.asarray(w / w.mean(), dtype=dtype)


def disturbances(
    spec: ModelSpec, n: int, rng: np.random.Generator | None, dtype: DTypeLike
) -> tuple[Array | None, Parameters]:
    """Noise and dropout of one training step.

    Parameters
    ----------
    spec : ModelSpec
    n : int
        Observations in the minibatch.
    rng : numpy.random.Generator or None
        Needed when the spec asks for noise or dropout.
    dtype : numpy dtype

    Returns
    -------
    noise : numpy.ndarray of shape (n, n_inputs), or None
        To be added to the inputs.
    masks : tuple of numpy.ndarray of shape (n, n_units)
        To be multiplied with each hidden layer's output; empty without dropout.

    Raises
    ------
    InputError
        When rng is missing.

    Examples
    --------
    >>> spec = ModelSpec((1, 4, 1), ("relu", "linear"), "squared_error", dropout=0.5)
    >>> disturbances(spec, 2, np.random.default_rng(0), np.float64)
    (None, (array([[0., 0., 0., 2.], [2., 2., 2., 2.]]),))
    """
    if not (spec.noise or spec.dropout):
        return None, ()
    if rng is None:
        raise InputError("E-ARGUMENT", "rng is None; expected a Generator for noise and dropout")
    noise: Array | None = None
    masks: Parameters = ()
    if spec.noise:
        noise = spec.noise * rng.standard_normal((n, spec.widths[0]), dtype=np.float32)
        noise = noise.astype(dtype)
    if spec.dropout:
        keep = 1 - spec.dropout
        masks = tuple(
            ((rng.random((n, width), dtype=np.float32) < keep) / keep).astype(dtype)
            for width in spec.widths[1:-1]
        )
    return noise, masks


def initial_parameters(
    spec: ModelSpec, rng: np.random.Generator, *, dtype: DTypeLike = np.float64
) -> Parameters:
    """Random W and zero b.

    Parameters
    ----------
    spec : ModelSpec
    rng : numpy.random.Generator
    dtype : numpy dtype
        float32 or float64; the same numbers are drawn for both.

    Returns
    -------
    tuple of numpy.ndarray
        (W1, b1, W2, b2, ...).

    Notes
    -----
    W is uniform in +-sqrt(6 / (n_in + n_out)) (Glorot), in front of ReLU in +-sqrt(6 / n_in) (He):
    the variance of the signal is kept from layer to layer.

    Examples
    --------
    >>> spec = ModelSpec((2, 3, 1), ("relu", "linear"), "squared_error")
    >>> [p.shape for p in initial_parameters(spec, np.random.default_rng(0))]
    [(2, 3), (3,), (3, 1), (1,)]
    """
    theta: list[NDArray[np.floating]] = []
    for (n_in, n_out), activation in zip(pairwise(spec.widths), spec.activations, strict=True):
        limit = np.sqrt(6 / (n_in if activation == "relu" else n_in + n_out))
        theta.append(rng.uniform(-limit, limit, size=(n_in, n_out)).astype(dtype))
        theta.append(np.zeros(n_out, dtype=dtype))
    return tuple(theta)
