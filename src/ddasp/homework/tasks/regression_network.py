"""The network that the checks mean, by definition: forward, risk, and derivatives by complex steps.

Layer l of m computes from the output of the layer below, A0 = X,

    Z_l = A_(l-1) W_l + b_l,    A_l = tanh(Z_l),    but A_m = Z_m (linear, one unit),

and the risk L is the mean over the N observations of (A_m - y)^2. Derivatives stand nowhere in here:
what a submission calls dL/dW or dL/dZ is held against this risk a small step off the real axis,

    dL/dt = Im L(t + ih) / h + O(h^2),

where t is one entry of W, of b, or of Z_l: then the layers from l on are computed anew. Nothing is
subtracted, so h may be so small that the result is exact to rounding, however large L is.

*Conventions*: parameters [W1, b1, W2, b2, ...] with W (n_in, n_out) and b (n_out,); X (N, F),
y (N,); float64. Nothing raises or warns on numbers that are too large: results are inf or nan then.

*References*: W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real
functions", SIAM Review 40, 1998.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.draw import Draw

__all__ = [
    "FAR",
    "Network",
    "deltas",
    "draw_network",
    "forward",
    "gradients",
    "n_parameters",
    "risk",
    "shapes",
]

Array = NDArray[np.float64]

# The risk of such targets is some 1e22, its rounding 1e6: a difference quotient with the step h is off by
# 1e6 / h, and the derivative is some 1e11.
FAR = 1e11
H = 1e-20  # its square is nothing beside 1


def shapes(n_features: int, widths: Sequence[int]) -> list[tuple[int, ...]]:
    """Shapes of [W1, b1, W2, b2, ...] with tanh layers of these widths and one output.

    Parameters
    ----------
    n_features : int
    widths : sequence of int
        Units of the tanh layers.

    Examples
    --------
    >>> shapes(2, [3])
    [(2, 3), (3,), (3, 1), (1,)]
    """
    sizes = [n_features, *widths, 1]
    return [shape for n_in, n_out in pairwise(sizes) for shape in ((n_in, n_out), (n_out,))]


def n_parameters(n_features: int, widths: Sequence[int]) -> int:
    """Number of entries of all W and b.

    Parameters
    ----------
    n_features : int
    widths : sequence of int
        Units of the tanh layers.
    """
    return sum(int(np.prod(shape)) for shape in shapes(n_features, widths))


def forward(
    parameters: Sequence[Array], X: Array, *, start: int = 0, Z: Array | None = None
) -> list[Array]:
    """What each layer is given, [Z1, ..., Zm], each of shape (N, n_units).

    Parameters
    ----------
    parameters : sequence of numpy.ndarray
        [W1, b1, W2, b2, ...]
    X : numpy.ndarray of shape (N, F)
        Inputs of the layer after `start`.
    start : int
        Number of layers to leave out.
    Z : numpy.ndarray of shape (N, n_units), optional
        What the first layer computes, if it is to be something else.
    """
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))[start:]
    given: list[Any] = []
    A: Any = X
    with np.errstate(all="ignore"):
        for W, b in layers:
            given.append(A @ W + b if given or Z is None else Z)
            A = np.tanh(given[-1])
    return given


def risk(parameters: Sequence[Array], X: Array, y: Array) -> float:
    """The empirical risk, the mean of the squared residuals.

    Parameters
    ----------
    parameters : sequence of numpy.ndarray
        [W1, b1, W2, b2, ...]
    X : numpy.ndarray of shape (N, F)
    y : numpy.ndarray of shape (N,)
    """
    return float(_mean_square(forward(parameters, X)[-1][:, 0] - y).real)


def _mean_square(r: Array) -> complex:
    with np.errstate(all="ignore"):
        return complex(np.mean(r * r))


def _derivatives(of: Callable[[Any], complex], at: Array) -> Array:
    """Of an analytic function by each entry of an array, in its shape."""
    found = np.empty_like(at)
    for index in np.ndindex(at.shape):
        there = at.astype(complex)
        there[index] += 1j * H
        found[index] = of(there).imag / H
    return found


def gradients(parameters: Sequence[Array], X: Array, y: Array) -> list[Array]:
    """dL/dW1, dL/db1, dL/dW2, ... in the shapes of the parameters.

    Parameters
    ----------
    parameters : sequence of numpy.ndarray
        [W1, b1, W2, b2, ...]
    X : numpy.ndarray of shape (N, F)
    y : numpy.ndarray of shape (N,)

    Examples
    --------
    One weight, no tanh layer: L = (2 w - 1)^2, so dL/dw = 4 (2 w - 1).

    >>> [W, b] = [np.array([[3.0]]), np.array([0.0])]
    >>> gradients([W, b], np.array([[2.0]]), np.array([1.0]))
    [array([[20.]]), array([10.])]
    """

    def risk_with(i: int) -> Callable[[Any], complex]:
        return lambda p: _mean_square(
            forward([*parameters[:i], p, *parameters[i + 1 :]], X)[-1][:, 0] - y
        )

    return [_derivatives(risk_with(i), p) for i, p in enumerate(parameters)]


def deltas(parameters: Sequence[Array], X: Array, y: Array) -> list[Array]:
    """dL/dZ1, ..., dL/dZm in the shapes of the Z.

    Parameters
    ----------
    parameters : sequence of numpy.ndarray
        [W1, b1, W2, b2, ...]
    X : numpy.ndarray of shape (N, F)
    y : numpy.ndarray of shape (N,)

    Examples
    --------
    >>> [W, b] = [np.array([[3.0]]), np.array([0.0])]
    >>> deltas([W, b], np.array([[2.0]]), np.array([1.0]))
    [array([[10.]])]
    """

    def risk_with(i: int) -> Callable[[Any], complex]:
        return lambda Z: _mean_square(forward(parameters, X, start=i, Z=Z)[-1][:, 0] - y)

    return [_derivatives(risk_with(i), Z) for i, Z in enumerate(forward(parameters, X))]


class Network:
    """A hidden network with hidden observations, and how to speak of it.

    Parameters
    ----------
    parameters : list of numpy.ndarray
        [W1, b1, W2, b2, ...]
    X : numpy.ndarray of shape (N, F)
    y : numpy.ndarray of shape (N,)
    """

    def __init__(self, parameters: list[Array], X: Array, y: Array) -> None:
        self.parameters = parameters
        self.X = X
        self.y = y

    def __str__(self) -> str:
        n = len(self.X)
        widths = "-".join(str(w) for w in (self.X.shape[1], *map(len, self.parameters[1::2])))
        some = f"a {widths} network and {n} observation{'s' if n > 1 else ''}"
        return f"{some} with targets near {FAR:g}" if self.far else some

    @property
    def far(self) -> bool:
        """Whether the targets are so large that difference quotients of the risk have no digits."""
        return bool(np.abs(self.y).max(initial=0.0) > FAR / 10)


def draw_network(
    draw: Draw, n_features: int, widths: Sequence[int], n: int, *, scale: float = 2.0
) -> Network:
    """A network and observations: no number is zero, the units bend but don't saturate.

    Parameters
    ----------
    draw : Draw
    n_features : int
    widths : sequence of int
        Units of the tanh layers.
    n : int
        Number of observations.
    scale : float
        Of the targets.
    """

    def some(*shape: int) -> Array:
        values = [draw.uniform(0.2, 1.2) * draw.choice((-1, 1)) for _ in range(int(np.prod(shape)))]
        return np.array(values).reshape(shape)

    parameters = [some(*shape) for shape in shapes(n_features, widths)]
    return Network(parameters, some(n, n_features), scale * some(n))
