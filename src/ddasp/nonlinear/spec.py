"""What a layered model is, as data: widths, activations, loss, optimizer, and all randomness.

*Conventions*: a layer is a = f(X W + b) with X (n_observations, n_in), W (n_in, n_out), b (n_out,);
parameters are one flat tuple (W1, b1, W2, b2, ...). Initial parameters and the order of the
minibatches are made here and passed in, so that every engine sees the same numbers.

*References*: X. Glorot and Y. Bengio, AISTATS 2010; K. He et al., ICCV 2015 (initial parameters);
D. P. Kingma and J. Ba, "Adam", ICLR 2015; I. Loshchilov and F. Hutter, "Decoupled weight decay
regularization", ICLR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddasp._check import in_range, one_of
from ddasp._errors import InputError

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "SGD",
    "Adam",
    "Augmentation",
    "CNNSpec",
    "MapLayer",
    "ModelSpec",
    "Parameters",
    "initial_parameters",
    "learning_rates",
    "minibatches",
    "n_parameters",
]

Parameters = tuple[NDArray[np.floating], ...]

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
    l2 : float
        Weight of the penalty l2 / 2 * sum W^2 (matrices only, never the intercepts).

    Examples
    --------
    >>> spec = ModelSpec((2, 8, 3), ("tanh", "softmax"), "categorical_cross_entropy")
    >>> n_parameters(spec)
    51
    """

    widths: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    l2: float = 0.0

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or any(width < 1 for width in self.widths):
            raise InputError(
                "E-ARGUMENT", f"widths is {self.widths}; expected two or more positive integers"
            )
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
        in_range(self.l2, "l2", 0.0, np.inf)


@dataclass(frozen=True)
class SGD:
    """Steepest descent on minibatches: v <- momentum v - rate g, theta <- theta + v."""

    learning_rate: float = 0.01
    momentum: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"


@dataclass(frozen=True)
class Adam:
    """Adam with decoupled weight decay on the matrices (AdamW; 0 is Adam as it was published)."""

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"


@dataclass(frozen=True)
class CNNSpec:
    """A convolutional network on maps: blocks of convolution, ReLU and pooling, then a dense head.

    Parameters
    ----------
    input_shape : tuple of int
        (n_frames, n_bands).
    channels : tuple of int
        Maps behind each block; a block's 3 x 3 convolution keeps the size, its pooling halves each
        side of two or more.
    n_outputs : int
        Number of classes.
    dropout : float
        In front of the dense head, in training only.
    """

    input_shape: tuple[int, ...]
    channels: tuple[int, ...]
    n_outputs: int
    dropout: float = 0.0

    def pools(self) -> list[tuple[int, int]]:
        """Size of each block's pooling window: 2, or 1 along a side that is used up.

        Examples
        --------
        >>> CNNSpec((8, 2), (4, 4), 3).pools()
        [(2, 2), (2, 1)]
        """
        n_frames, n_bands = self.input_shape
        pools = []
        for _ in self.channels:
            pool = (2 if n_frames > 1 else 1, 2 if n_bands > 1 else 1)
            n_frames, n_bands = n_frames // pool[0], n_bands // pool[1]
            pools.append(pool)
        return pools

    def n_flat(self) -> int:
        """Number of inputs of the dense head.

        Examples
        --------
        >>> CNNSpec((8, 2), (4, 4), 3).n_flat()  # 4 maps of 2 x 1
        8
        """
        n_frames, n_bands = self.input_shape
        for pool in self.pools():
            n_frames, n_bands = n_frames // pool[0], n_bands // pool[1]
        return n_frames * n_bands * (self.channels[-1] if self.channels else 1)


@dataclass(frozen=True)
class Augmentation:
    """How maps are varied in training: largest shift in time, widest stripe, as shares of a side."""

    shift: float = 0.0
    mask: float = 0.0


@dataclass(frozen=True)
class MapLayer:
    """One layer of a trained network as data.

    ``"convolution"`` (weights (n_out, n_in, height, width), zeros around the map, then ReLU),
    ``"pool"`` (maximum over windows of `size`), ``"flatten"`` (maps to one row), ``"dense"``
    (weights (n_in, n_out)).
    """

    kind: Literal["convolution", "pool", "flatten", "dense"]
    weights: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None
    size: tuple[int, int] = (1, 1)


def n_parameters(spec: ModelSpec) -> int:
    """Number of entries of all W and b."""
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(spec.widths))


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


def minibatches(
    n_observations: int, batch_size: int, n_epochs: int, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Which observations each training step sees: a new order every epoch, cut into batches.

    Parameters
    ----------
    n_observations, batch_size, n_epochs : int
    rng : numpy.random.Generator

    Returns
    -------
    list of numpy.ndarray of shape (<= batch_size,)
        Indices; the last batch of an epoch holds the rest.

    Examples
    --------
    >>> [len(batch) for batch in minibatches(5, 2, 2, np.random.default_rng(0))]
    [2, 2, 1, 2, 2, 1]
    """
    if min(n_observations, batch_size, n_epochs) < 1:
        raise InputError(
            "E-ARGUMENT",
            f"n_observations, batch_size, n_epochs are {n_observations}, {batch_size}, "
            f"{n_epochs}; expected each to be at least 1",
        )
    borders = np.arange(batch_size, n_observations, batch_size)
    return [
        batch
        for _ in range(n_epochs)
        for batch in np.split(rng.permutation(n_observations), borders)
    ]


def learning_rates(optimizer: SGD | Adam, n_steps: int) -> NDArray[np.float64]:
    """The learning rate of each step: constant, or half a cosine from the full rate to zero.

    Examples
    --------
    >>> learning_rates(SGD(0.1, schedule="cosine"), 4)
    array([0.1 , 0.0854, 0.05 , 0.0146])
    """
    if optimizer.schedule == "constant":
        return np.full(n_steps, optimizer.learning_rate)
    return optimizer.learning_rate * (1 + np.cos(np.pi * np.arange(n_steps) / n_steps)) / 2
