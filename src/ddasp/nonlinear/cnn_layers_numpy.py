"""The layers of a convolutional network in NumPy, forward and back.

This text is the derivation. Every layer is a function that gives its output Y and a second
function, which takes D = dL/dY and gives dL/dX and the gradients of the layer's parameters.

*Convolution*: cut X, padded with zeros, into windows, and write window t of observation i as one
column of X_i (n_in * n_taps, n_places). Then the layer is dense in every column,

    Y_i = W X_i + b,  with W (n_out, n_in * n_taps),

and as in a dense layer dL/dW = sum over i of D_i X_i^T, dL/db = sum of D over observations and
places, dL/dX_i = W^T D_i. A sample that stands in several windows has an entry in several columns,
and the chain rule sums over all of them: overlap-add.

*Pooling*: in each window the mean passes D / n_taps to every sample, the maximum all of D to the
largest one (of equal ones to the first). Windows that overlap are added again.

*Batch normalisation*: with mean mu and variance v over the N values of a map, c = (v + eps)^(-1/2),
U = (X - mu) c and Y = gamma U + beta,

    dL/dbeta = sum D,   dL/dgamma = sum D U.

A change dX moves mu by mean(dX) and v by 2 mean((X - mu) dX), so dU = c (dX - mean(dX) - U mean(U
dX)): what is constant, and what is proportional to U, is taken out of dX. This projection is
symmetric, so it takes the same out of D:

    dL/dX = gamma c (D - mean(D) - U mean(D U)).

With N = 1 nothing is left: Y = beta and dL/dX = 0.

*Dense, activation, dropout*: Y = X W + b gives dL/dW = X^T D, dL/db = sum D, dL/dX = D W^T;
Y = f(X) gives f'(X) D; a mask gives mask D.

*Conventions*: X (n_observations, n_maps, *sides); D like the output Y; dtype in = dtype out; X is
not changed.

*References*: Y. LeCun et al., "Backpropagation applied to handwritten zip code recognition", 1989;
S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ddasp.nonlinear.cnn_spec import Activation, BatchNorm, Convolution, Pool, Shape
from ddasp.nonlinear.spec import (
    Parameters,
)

__all__ = [
    "Back",
    "activation",
    "batch_norm",
    "convolution",
    "dense",
    "dropout",
    "flatten",
    "normalise",
    "overlap_add",
    "pool",
    "sigmoid",
    "unchanged",
    "windows",
]

Array = NDArray[np.floating]
Back: TypeAlias = Callable[[Array], tuple[Array, Parameters]]  # from dL/dY to dL/dX and gradients


def windows(X: Array, size: Shape, stride: Shape) -> Array:
    """Every window of the maps as a column.

    Parameters
    ----------
    X : numpy.ndarray of shape (n, n_maps, *sides)
    size, stride : tuple of int

    Returns
    -------
    numpy.ndarray of shape (n, n_maps, n_taps, *places)
        A window's samples, the last side running fastest.

    Examples
    --------
    >>> windows(np.array([[[1.0, 2.0, 3.0, 4.0, 5.0]]]), (3,), (2,))[0, 0]
    array([[1., 3.],
           [2., 4.],
           [3., 5.]])
    """
    every = sliding_window_view(X, size, tuple(range(2, X.ndim)))
    steps: Any = (..., *(slice(None, None, s) for s in stride), *map(slice, size))
    seen: Array = every[steps]  # (n, n_maps, *places, *size)
    d = len(size)
    columns = np.moveaxis(seen, range(-d, 0), range(2, 2 + d))
    return columns.reshape(*X.shape[:2], prod(size), *seen.shape[2:-d])


def overlap_add(columns: Array, shape: Shape, size: Shape, stride: Shape) -> Array:
    """Samples of windows back in their places and added up: `windows` transposed.

    Parameters
    ----------
    columns : numpy.ndarray of shape (n, n_maps, n_taps, *places)
    shape : tuple of int
        Of the maps.
    size, stride : tuple of int

    Returns
    -------
    numpy.ndarray of shape (n, n_maps, *sides)

    Examples
    --------
    >>> overlap_add(np.ones((1, 1, 3, 2)), (1, 1, 5), (3,), (2,))
    array([[[1., 1., 2., 1., 1.]]])
    """
    X = np.zeros(shape, dtype=columns.dtype)
    sides = list(zip(stride, columns.shape[3:], strict=True))
    for tap, offset in enumerate(np.ndindex(*size)):
        # the places of this tap in all windows: offset, offset + stride, ...
        places = zip(offset, sides, strict=True)
        seen: Any = (..., *(slice(k, k + s * (n - 1) + 1, s) for k, (s, n) in places))
        X[seen] += columns[:, :, tap]
    return X


def convolution(layer: Convolution, X: Array, W: Array, b: Array | None) -> tuple[Array, Back]:
    """Y_i = W X_i + b with the windows of observation i as columns of X_i.

    Examples
    --------
    >>> X, W = np.array([[[0.0, 0.0, 1.0, 0.0, 0.0]]]), np.array([[[1.0, 2.0, 3.0]]])
    >>> convolution(Convolution(1, (3,)), X, W, None)[0]  # a correlation: W is not turned round
    array([[[3., 2., 1.]]])
    """
    P = np.pad(X, [(0, 0), (0, 0), *((p, p) for p in layer.padding)])
    seen = windows(P, layer.size, layer.stride)
    n, n_in, n_taps, *places = seen.shape
    columns = seen.reshape(n, n_in * n_taps, prod(places))
    M = W.reshape(len(W), n_in * n_taps)
    Y = M @ columns  # (n, n_out, n_places)
    if b is not None:
        Y += b[:, np.newaxis]

    def back(D: Array) -> tuple[Array, Parameters]:
        D = D.reshape(Y.shape)
        dW = (D @ columns.swapaxes(1, 2)).sum(axis=0).reshape(W.shape)
        dP = overlap_add((M.T @ D).reshape(seen.shape), P.shape, layer.size, layer.stride)
        sides = zip(layer.padding, X.shape[2:], strict=True)
        inside: Any = (..., *(slice(p, p + side) for p, side in sides))
        return dP[inside], (dW,) if b is None else (dW, D.sum(axis=(0, 2)))

    return Y.reshape(n, len(W), *places), back


def pool(layer: Pool, X: Array) -> tuple[Array, Back]:
    """Mean or maximum of each window.

    Examples
    --------
    >>> Y, back = pool(Pool("max", (2,)), np.array([[[1.0, 5.0, 3.0, 3.0]]]))
    >>> Y, back(np.array([[[10.0, 20.0]]]))[0]  # of equal ones the first
    (array([[[5., 3.]]]), array([[[ 0., 10., 20.,  0.]]]))
    """
    seen = windows(X, layer.size, layer.stride)
    if layer.kind == "mean":

        def back(D: Array) -> tuple[Array, Parameters]:
            columns = np.broadcast_to(D[:, :, np.newaxis] / seen.shape[2], seen.shape)
            return overlap_add(columns, X.shape, layer.size, layer.stride), ()

        return seen.mean(axis=2), back

    first = seen.argmax(axis=2, keepdims=True)

    def back_to_first(D: Array) -> tuple[Array, Parameters]:
        columns = np.zeros_like(seen)
        np.put_along_axis(columns, first, D[:, :, np.newaxis], axis=2)
        return overlap_add(columns, X.shape, layer.size, layer.stride), ()

    return np.take_along_axis(seen, first, axis=2)[:, :, 0], back_to_first


def _wide(X: Array) -> Shape:
    """The shape that sets (n_maps,) beside X."""
    return (-1, *(1,) * (X.ndim - 2))


def batch_norm(
    layer: BatchNorm, X: Array, gamma: Array, beta: Array, running: Parameters
) -> tuple[Array, Back, Parameters]:
    """Y = gamma U + beta with the maps' own mean and variance, and the new running statistics.

    Examples
    --------
    >>> X, one, zero = np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1)
    >>> Y, _, running = batch_norm(BatchNorm(), X, one, zero, (zero, one))
    >>> Y.ravel().round(3), running  # 0.9 * 0 + 0.1 * 2 and 0.9 * 1 + 0.1 * 2
    (array([-1., 1.]), (array([0.2]), array([1.1])))
    """
    axes, wide = (0, *range(2, X.ndim)), _wide(X)
    N = X.size // X.shape[1]
    mu = X.mean(axis=axes)
    centred = X - mu.reshape(wide)
    v = (centred * centred).mean(axis=axes)
    c = 1 / np.sqrt(v + layer.epsilon)
    U = centred * c.reshape(wide)

    def back(D: Array) -> tuple[Array, Parameters]:
        dbeta, dgamma = D.sum(axis=axes), (D * U).sum(axis=axes)
        rest = D - (dbeta / N).reshape(wide) - U * (dgamma / N).reshape(wide)
        return (gamma * c).reshape(wide) * rest, (dgamma, dbeta)

    if N > 1:  # one value has no unbiased variance: it leaves the running statistics alone
        m, found = layer.momentum, (mu, v * (N / (N - 1)))
        running = tuple((1 - m) * r + m * f for r, f in zip(running, found, strict=True))
    return gamma.reshape(wide) * U + beta.reshape(wide), back, running


def normalise(layer: BatchNorm, X: Array, gamma: Array, beta: Array, running: Parameters) -> Array:
    """Batch normalisation behind training: a fixed straight line for each map."""
    mean, variance = running
    gain = gamma / np.sqrt(variance + layer.epsilon)
    wide = _wide(X)
    return np.asarray((X - mean.reshape(wide)) * gain.reshape(wide) + beta.reshape(wide))


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)) without overflow.

    Examples
    --------
    >>> sigmoid(np.array([-800.0, 0.0, 800.0]))
    array([0. , 0.5, 1. ])
    """
    e = np.exp(-np.abs(z))  # never above 1
    return np.asarray(np.where(z >= 0, 1, e) / (1 + e))


def activation(layer: Activation, X: Array) -> tuple[Array, Back]:
    """Y = f(X); f' is written with Y.

    Examples
    --------
    >>> Y, back = activation(Activation("relu"), np.array([-1.0, 0.0, 2.0]))
    >>> Y, back(np.ones(3))[0]  # where ReLU has its corner, its slope counts as 0
    (array([0., 0., 2.]), array([0., 0., 1.]))
    """
    match layer.name:
        case "relu":
            Y = np.maximum(X, 0)
            return Y, lambda D: (D * (Y > 0), ())
        case "tanh":
            Y = np.tanh(X)
            return Y, lambda D: (D * (1 - Y * Y), ())
        case "sigmoid":
            Y = sigmoid(X)
            return Y, lambda D: (D * Y * (1 - Y), ())
    return X, unchanged


def unchanged(D: Array) -> tuple[Array, Parameters]:
    """The way back of a layer that does nothing."""
    return D, ()


def dense(X: Array, W: Array, b: Array | None) -> tuple[Array, Back]:
    """Y = X W + b."""
    if b is None:
        return X @ W, lambda D: (D @ W.T, (X.T @ D,))
    return X @ W + b, lambda D: (D @ W.T, (X.T @ D, D.sum(axis=0)))


def flatten(X: Array) -> tuple[Array, Back]:
    """Each observation's maps as one row."""
    return X.reshape(len(X), prod(X.shape[1:])), lambda D: (D.reshape(X.shape), ())


def dropout(X: Array, mask: Array) -> tuple[Array, Back]:
    """Y = mask X; the mask is 0 where a value is silent and 1 / (1 - p) elsewhere."""
    return X * mask, lambda D: (D * mask, ())
