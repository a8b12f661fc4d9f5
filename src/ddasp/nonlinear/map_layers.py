"""A trained convolutional network as a short list of arrays, ready to be exchanged (ONNX).

Behind training a batch normalisation is a fixed straight line, gamma (z - mu) / sqrt(s^2 + eps) +
beta; with g = gamma / sqrt(s^2 + eps) the convolution before it takes it up, as weights g W and
bias g (b - mu) + beta. One that has no convolution or dense layer before it becomes one of its own,
which gives each map itself times g. Dropout belongs to training and is gone.

*Conventions*: weights of a convolution (n_out, n_in, *size), of a dense layer (n_in, n_out).

*References*: S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015, algorithm 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ddasp.nonlinear.cnn_spec import (
    Activation,
    BatchNorm,
    CNNSpec,
    Convolution,
    Dense,
    Flatten,
    Pool,
    Shape,
    shapes,
)
from ddasp.nonlinear.spec import (
    Parameters,
)

__all__ = ["MapLayer", "fold"]

Array = NDArray[np.floating]


@dataclass(frozen=True)
class MapLayer:
    """One layer of a trained network.

    Parameters
    ----------
    kind : str
        ``"convolution"``, ``"activation"``, ``"pool"``, ``"flatten"`` (maps to one row) or
        ``"dense"``.
    weights, bias : numpy.ndarray of shape (n_out, n_in, *size) or (n_in, n_out), and (n_out,)
        Of a convolution or dense layer, otherwise None.
    size, stride, padding : tuple of int
        Of a convolution's or pooling's window.
    function : str
        "relu", "tanh" or "sigmoid" of an activation; "max" or "mean" of a pooling.
    """

    kind: Literal["convolution", "activation", "pool", "flatten", "dense"]
    weights: Array | None = None
    bias: Array | None = None
    size: Shape = ()
    stride: Shape = ()
    padding: Shape = ()
    function: str = ""


def _take_up(before: MapLayer | None, gain: Array, shift: Array, shape: Shape) -> list[MapLayer]:
    """Map k of the layer before, times gain k, plus shift k."""
    ones = (1,) * (len(shape) - 1)
    if before is None or before.weights is None or before.bias is None:
        eye, zero = np.eye(shape[0]), np.zeros(shape[0])
        unchanged = MapLayer("dense", eye, zero)
        if ones:
            W = eye.reshape(*eye.shape, *ones)
            unchanged = MapLayer("convolution", W, zero, ones, ones, (0,) * len(ones))
        return [*([before] if before else []), *_take_up(unchanged, gain, shift, shape)]
    wide = gain if before.kind == "dense" else gain.reshape(-1, 1, *ones)
    return [replace(before, weights=before.weights * wide, bias=before.bias * gain + shift)]


def fold(spec: CNNSpec, theta: Parameters, state: Parameters) -> tuple[MapLayer, ...]:
    """The network as data, batch normalisation taken up by the layer before it.

    Parameters
    ----------
    spec : CNNSpec
    theta : tuple of numpy.ndarray of shape (n_out, n_in, *size), (n_in, n_out) or (n_out,)
    state : tuple of numpy.ndarray of shape (n_maps,)
        Running means and variances.

    Returns
    -------
    tuple of MapLayer
        Computed in float64, given in the dtype of the parameters.

    Examples
    --------
    >>> spec = CNNSpec((1, 4), (Convolution(1, (1,), bias=False), BatchNorm(), Flatten(), Dense(1)),
    ...                "squared_error")
    >>> one, zero = np.ones(1), np.zeros(1)
    >>> theta = (np.full((1, 1, 1), 3.0), 2 * one, one, np.ones((4, 1)), zero)
    >>> layers = fold(spec, theta, (5 * one, 4 * one))  # 2 (3 x - 5) / sqrt(4) + 1
    >>> layers[0].weights.round(4), layers[0].bias.round(4)
    (array([[[3.]]]), array([-4.]))
    """
    p, s = ((a.astype(np.float64) for a in arrays) for arrays in (theta, state))
    layers: list[MapLayer] = []
    for layer, shape in zip(spec.layers, shapes(spec), strict=True):
        match layer:
            case Convolution():
                W, b = next(p), next(p) if layer.bias else np.zeros(layer.n_maps)
                window = (layer.size, layer.stride, layer.padding)
                layers.append(MapLayer("convolution", W, b, *window))
            case Dense():
                W, b = next(p), next(p) if layer.bias else np.zeros(layer.n_units)
                layers.append(MapLayer("dense", W, b))
            case BatchNorm():
                gamma, beta, mean, variance = next(p), next(p), next(s), next(s)
                gain = gamma / np.sqrt(variance + layer.epsilon)
                before = layers.pop() if layers else None
                layers += _take_up(before, gain, beta - gain * mean, shape)
            case Activation() if layer.name != "linear":
                layers.append(MapLayer("activation", function=layer.name))
            case Pool():
                window = (layer.size, layer.stride, (0,) * len(layer.size))
                layers.append(MapLayer("pool", None, None, *window, layer.kind))
            case Flatten():
                layers.append(MapLayer("flatten"))
    return tuple(_cast(layer, theta[0].dtype) for layer in layers)


def _cast(layer: MapLayer, dtype: np.dtype) -> MapLayer:
    if layer.weights is None or layer.bias is None:
        return layer
    return replace(layer, weights=layer.weights.astype(dtype), bias=layer.bias.astype(dtype))
