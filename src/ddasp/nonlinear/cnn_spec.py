"""What a convolutional network is, as data: layers, shapes, first parameters.

A network is a list of layers, each a small frozen object. Behind a convolution or a pooling with
size k, stride s and padding p a side of length n has floor((n + 2 p - k) / s) + 1 places; what is
left over at its end is not looked at.

*Conventions*: maps are (n_observations, n_maps, n_samples) or (n_observations, n_maps, n_frames,
n_bands); parameters are one flat tuple in the order of the layers: W (n_out, n_in, *size) and b
(n_out,) of a convolution, gamma and beta (n_maps,) of a batch normalisation, W (n_in, n_out) and b
(n_out,) of a dense layer. Initial parameters are drawn here by NumPy, so that every engine sees the
same numbers.

*References*: K. He et al., ICCV 2015, and X. Glorot and Y. Bengio, AISTATS 2010 (initial
parameters); S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015; N. Srivastava et al.,
"Dropout", JMLR 15, 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddasp._check import in_range, one_of
from ddasp._errors import InputError
from ddasp.nonlinear.spec import (
    LOSSES,
    Parameters,
)

__all__ = [
    "Activation",
    "BatchNorm",
    "CNNSpec",
    "Convolution",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "Pool",
    "classifier",
    "initial_parameters",
    "initial_state",
    "n_parameters",
    "parameter_shapes",
    "shapes",
]

Array = NDArray[np.floating]
Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Convolution:
    """Each output map is the sum of all input maps, each seen through a small window of weights.

    Parameters
    ----------
    n_maps : int
        Of the output.
    size : tuple of int
        Of the window: one number for signals, two for maps of frames and bands.
    stride : tuple of int
        How far the window moves from place to place; () is 1 along every side.
    padding : tuple of int
        Zeros in front of and behind each side; () is none.
    bias : bool
        Whether a number is added to each map; batch normalisation would take it out again.

    Examples
    --------
    >>> Convolution(8, (3, 3), padding=(1, 1)).stride
    (1, 1)
    """

    n_maps: int
    size: Shape
    stride: Shape = ()
    padding: Shape = ()
    bias: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "stride", self.stride or (1,) * len(self.size))
        object.__setattr__(self, "padding", self.padding or (0,) * len(self.size))
        _positive("n_maps", (self.n_maps,), 1)
        _positive("size", self.size, len(self.size))
        _positive("stride", self.stride, len(self.size))
        _positive("padding", self.padding, len(self.size), least=0)


@dataclass(frozen=True)
class BatchNorm:
    """Each map to mean beta and standard deviation gamma, over observations and places.

    Parameters
    ----------
    momentum : float
        How much of the running mean and variance a minibatch replaces, 0 to 1.
    epsilon : float
        Added to the variance, > 0.

    Notes
    -----
    Training normalises with the minibatch's own mean and (biased, 1/N) variance; `predict` with
    the running ones, whose variance is unbiased, 1/(N - 1), as in PyTorch.
    """

    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        in_range(self.momentum, "momentum", 0.0, 1.0)
        in_range(self.epsilon, "epsilon", 1e-12, 1.0, hint="a constant map has variance 0")


@dataclass(frozen=True)
class Activation:
    """A function of every value: "relu", "tanh", "sigmoid" or "linear"."""

    name: str

    def __post_init__(self) -> None:
        one_of(self.name, "activation", ("relu", "tanh", "sigmoid", "linear"))


@dataclass(frozen=True)
class Pool:
    """Maximum or mean over windows.

    Parameters
    ----------
    kind : str
        "max" or "mean".
    size : tuple of int
    stride : tuple of int
        () is the size: windows side by side.
    """

    kind: Literal["max", "mean"]
    size: Shape
    stride: Shape = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "stride", self.stride or tuple(self.size))
        one_of(self.kind, "kind of pooling", ("max", "mean"))
        _positive("size", self.size, len(self.size))
        _positive("stride", self.stride, len(self.size))


@dataclass(frozen=True)
class Flatten:
    """All maps of an observation as one row: map by map, frame by frame, band by band."""


@dataclass(frozen=True)
class Dropout:
    """In training, each value is silent with probability p; the others grow by 1 / (1 - p)."""

    p: float

    def __post_init__(self) -> None:
        in_range(self.p, "p", 0.0, 0.99)


@dataclass(frozen=True)
class Dense:
    """X W + b behind `Flatten`; without bias X W, which is enough in front of `BatchNorm`."""

    n_units: int
    bias: bool = True

    def __post_init__(self) -> None:
        _positive("n_units", (self.n_units,), 1)


Layer: TypeAlias = Convolution | BatchNorm | Activation | Pool | Flatten | Dropout | Dense


def _positive(name: str, values: Shape, n_sides: int, least: int = 1) -> None:
    if len(values) != n_sides or not values or any(int(v) != v or v < least for v in values):
        raise InputError(
            "E-ARGUMENT", f"{name} is {values}; expected {n_sides or 1} integers >= {least}"
        )


@dataclass(frozen=True)
class CNNSpec:
    """A convolutional network and what it is trained for.

    Parameters
    ----------
    input_shape : tuple of int
        (n_maps, n_samples) or (n_maps, n_frames, n_bands).
    layers : tuple of Layer
        The last one gives the logits, one row for each observation.
    loss : str
        ``"squared_error"``, ``"binary_cross_entropy"`` or ``"categorical_cross_entropy"``, the mean
        over observations; `predict` gives the logits themselves, their sigmoid, their softmax.
    l1, l2 : float
        Weights of the penalties l1 * sum |W| and l2 / 2 * sum W^2 over the W of convolutions and
        dense layers.
    smoothing : float
        Share of each target's probability that is spread over all classes; categorical only.

    Examples
    --------
    >>> layers = (Convolution(4, (3,)), Activation("relu"), Pool("max", (2,)), Flatten(), Dense(2))
    >>> spec = CNNSpec((1, 10), layers, "categorical_cross_entropy")
    >>> shapes(spec)
    ((4, 8), (4, 8), (4, 4), (16,), (2,))
    >>> n_parameters(spec)  # 4 * 3 + 4, 16 * 2 + 2
    50
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    loss: str
    l1: float = 0.0
    l2: float = 0.0
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if len(self.input_shape) not in (2, 3) or min(self.input_shape) < 1:
            raise InputError(
                "E-ARGUMENT",
                f"input_shape is {self.input_shape}; expected (n_maps, n_samples) or "
                "(n_maps, n_frames, n_bands) - a single map? Begin with 1",
            )
        one_of(self.loss, "loss", tuple(LOSSES))
        in_range(self.l1, "l1", 0.0, np.inf)
        in_range(self.l2, "l2", 0.0, np.inf)
        in_range(self.smoothing, "smoothing", 0.0, 1.0)
        if self.smoothing and self.loss != "categorical_cross_entropy":
            raise InputError(
                "E-ARGUMENT", f"smoothing stands beside {self.loss}; expected it with classes only"
            )
        if not parameter_shapes(self):
            raise InputError("E-ARGUMENT", "layers hold nothing to train; expected Dense at least")
        if len(shapes(self)[-1]) != 1:
            raise InputError(
                "E-ARGUMENT",
                f"the last layer gives maps {shapes(self)[-1]}; expected one row - are Flatten and "
                "Dense missing?",
            )


def _behind(layer: Layer, shape: Shape, name: str) -> Shape:
    """Shape of one observation behind a layer; `name` is for messages."""
    match layer:
        case Flatten():
            return (prod(shape),)
        case Dense():
            if len(shape) != 1:
                raise InputError(
                    "E-ARGUMENT", f"{name} stands on maps {shape}; expected Flatten() before it"
                )
            return (layer.n_units,)
        case Convolution() | Pool():
            if len(shape) != 1 + len(layer.size):
                raise InputError(
                    "E-ARGUMENT",
                    f"{name} has a window of size {layer.size} on an input of shape {shape}; "
                    "expected one number for each side behind the maps",
                )
            padding = layer.padding if isinstance(layer, Convolution) else (0,) * len(layer.size)
            padded = tuple(n + 2 * p for n, p in zip(shape[1:], padding, strict=True))
            if any(k > n for k, n in zip(layer.size, padded, strict=True)):
                raise InputError(
                    "E-ARGUMENT",
                    f"{name} has a window of size {layer.size}, but the maps before it are "
                    f"{padded} with padding; expected a smaller window or fewer poolings before it",
                )
            n_maps = layer.n_maps if isinstance(layer, Convolution) else shape[0]
            sides = zip(padded, layer.size, layer.stride, strict=True)
            return (n_maps, *((n - k) // s + 1 for n, k, s in sides))
    return shape


def shapes(spec: CNNSpec) -> tuple[Shape, ...]:
    """Shape of one observation behind every layer.

    Raises
    ------
    InputError
        When a layer does not fit what the one before it gives.
    """
    found = [tuple(spec.input_shape)]
    for i, layer in enumerate(spec.layers):
        found.append(_behind(layer, found[-1], f"layers[{i}], {type(layer).__name__},"))
    return tuple(found[1:])


def parameter_shapes(spec: CNNSpec) -> list[Shape]:
    """Shapes of the parameters, in the order of the layers.

    Examples
    --------
    >>> parameter_shapes(classifier((1, 8), (4,), 2))  # W, gamma, beta; W, b
    [(4, 1, 3), (4,), (4,), (16, 2), (2,)]
    """
    found: list[Shape] = []
    for layer, shape in zip(spec.layers, (spec.input_shape, *shapes(spec)), strict=False):
        match layer:
            case Convolution():
                found.append((layer.n_maps, shape[0], *layer.size))
                found += [(layer.n_maps,)] * layer.bias
            case BatchNorm():
                found += [(shape[0],)] * 2
            case Dense():
                found.append((shape[0], layer.n_units))
                found += [(layer.n_units,)] * layer.bias
    return found


def n_parameters(spec: CNNSpec) -> int:
    """Number of all entries of the parameters."""
    return sum(map(prod, parameter_shapes(spec)))


def _meets_relu(layers: tuple[Layer, ...]) -> bool:
    """Whether the first nonlinearity in these layers is a ReLU."""
    for layer in layers:
        if isinstance(layer, Activation | Convolution | Dense):
            return layer == Activation("relu")
    return False


def initial_parameters(
    spec: CNNSpec, rng: np.random.Generator, *, dtype: DTypeLike = np.float64
) -> Parameters:
    """Random W, zero b, gamma = 1 and beta = 0.

    Parameters
    ----------
    spec : CNNSpec
    rng : numpy.random.Generator
    dtype : numpy dtype
        float32 or float64; the same numbers are drawn for both.

    Returns
    -------
    tuple of numpy.ndarray of shape (n_out, n_in, *size), (n_in, n_out) or (n_out,)

    Notes
    -----
    W is uniform in +-sqrt(6 / (n_in + n_out)) (Glorot), in front of ReLU in +-sqrt(6 / n_in) (He),
    where n_in and n_out count what one output sees, and what one input reaches: a window of k
    places on m maps has n_in = k m.

    Examples
    --------
    >>> spec = classifier((1, 8), (4,), 2)
    >>> abs(initial_parameters(spec, np.random.default_rng(0))[0]).max() <= np.sqrt(6 / 3)
    np.True_
    """
    remaining = iter(parameter_shapes(spec))
    theta: list[Array] = []
    for i, layer in enumerate(spec.layers):
        if isinstance(layer, Convolution | Dense):
            shape = next(remaining)
            taps = prod(shape[2:])
            n_out, n_in = shape[:2] if isinstance(layer, Convolution) else shape[::-1]
            he = _meets_relu(spec.layers[i + 1 :])
            limit = np.sqrt(6 / (taps * (n_in if he else n_in + n_out)))
            theta.append(rng.uniform(-limit, limit, size=shape))
            if layer.bias:
                theta.append(np.zeros(next(remaining)))
        elif isinstance(layer, BatchNorm):
            theta += [np.ones(next(remaining)), np.zeros(next(remaining))]
    return tuple(p.astype(dtype) for p in theta)


def initial_state(spec: CNNSpec, *, dtype: DTypeLike = np.float64) -> Parameters:
    """Running mean 0 and variance 1 of every batch normalisation, in the order of the layers.

    Examples
    --------
    >>> initial_state(classifier((1, 8), (2,), 2))
    (array([0., 0.]), array([1., 1.]))
    """
    sizes = zip(spec.layers, (spec.input_shape, *shapes(spec)), strict=False)
    normalised = [shape[0] for layer, shape in sizes if isinstance(layer, BatchNorm)]
    return tuple(f(n, dtype=dtype) for n in normalised for f in (np.zeros, np.ones))


def classifier(
    input_shape: Shape,
    channels: Shape,
    n_outputs: int,
    *,
    dropout: float = 0.0,
    batch_norm: bool = True,
    smoothing: float = 0.0,
) -> CNNSpec:
    """The standard classifier of maps: blocks that halve the sides, then one dense layer.

    Parameters
    ----------
    input_shape : tuple of int
        (n_maps, n_samples) or (n_maps, n_frames, n_bands).
    channels : tuple of int
        Maps behind each block of convolution (3 along every side, which keep their length), batch
        normalisation, ReLU and maximum pooling of 2, or 1 along a side that is used up.
    n_outputs : int
        Number of classes.
    dropout : float
        In front of the dense layer.
    batch_norm : bool
    smoothing : float
        Of the targets.

    Examples
    --------
    >>> shapes(classifier((1, 8, 2), (4, 6), 3))[3::4]  # behind each pooling
    ((4, 4, 1), (6, 2, 1))
    """
    layers: list[Layer] = []
    sides = tuple(input_shape[1:])
    for n_maps in channels:
        layers.append(Convolution(n_maps, (3,) * len(sides), (), (1,) * len(sides), not batch_norm))
        if batch_norm:
            layers.append(BatchNorm())
        pool = tuple(2 if side > 1 else 1 for side in sides)
        layers += [Activation("relu"), Pool("max", pool)]
        sides = tuple(side // k for side, k in zip(sides, pool, strict=True))
    layers += [Flatten(), Dropout(dropout), Dense(n_outputs)]
    loss = "categorical_cross_entropy"
    return CNNSpec(tuple(input_shape), tuple(layers), loss, smoothing=smoothing)
