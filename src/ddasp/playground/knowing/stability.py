"""Why a training is stable, and why one blew up: the steepest curvature against the learning rate.

Near a minimum the loss is a bowl. Along an eigenvector of its Hessian H with eigenvalue h, steepest
descent multiplies the distance to the bottom by 1 - μ h at every step, so it grows when h > 2 / μ:
the steepest direction decides. Momentum bears more, h < 2 (1 + β) / μ. Adam divides each gradient
by its running size first, so that the Hessian of the divided coordinates counts, P^-1/2 H P^-1/2,
with the limit (2 + 2 β₁) / ((1 - β₁) μ). `limits` has them, `explaining` tells what follows.

*Conventions*: the loss is that of all training observations, penalties included; on minibatches
noise comes on top, and training can leave a bowl that the limit still allows. The Hessian is never
formed: H v = (g(θ + ε v) - g(θ - ε v)) / 2 ε from two gradients, and Lanczos' method needs only such
products. |w| of L1 has no curvature and adds nothing.

*References*: B. T. Polyak, USSR Comput. Math. 4, 1964 (momentum); C. Lanczos, J. Res. NBS 45, 1950;
J. Cohen et al., "Gradient descent on neural networks typically occurs at the edge of stability",
ICLR 2021; J. Cohen et al., "Adaptive gradient methods at the edge of stability", 2022.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp.nonlinear.engines import engine_of
from ddasp.nonlinear.spec import ModelSpec, Parameters, inputs_of, shapes_of, targets_of
from ddasp.nonlinear.steps import SGD, Adam
from ddasp.playground.knowing.explaining import explain
from ddasp.playground.knowing.limits import kind_of, limit_of

__all__ = ["Sharpness", "explain", "limit_of", "sharpness"]

Floats = NDArray[np.float64]
STEP = float(np.cbrt(np.finfo(np.float64).eps))


@dataclass(frozen=True)
class Sharpness:
    """The largest eigenvalue of the Hessian, and what the optimizer bears.

    Parameters
    ----------
    value : float
        Of H, or of P^-1/2 H P^-1/2 for Adam; NaN when the loss is no longer finite.
    limit : float
        Above it the steepest direction grows; infinite for a learning rate of zero.
    kind : str
        "sgd", "momentum" or "adam".
    vector : numpy.ndarray of shape (n_parameters,)
        The direction, of length 1: where the next call should start.
    error : float
        |H v - h v|, how far the value may be off.
    n_gradients : int
        Gradients that were computed.
    """

    value: float
    limit: float
    kind: str
    vector: Floats
    error: float
    n_gradients: int

    @property
    def words(self) -> str:
        """One sentence for the panel."""
        if not math.isfinite(self.value):
            return "The loss is no longer finite, so it has no curvature."
        side = "below" if self.value < self.limit else "above"
        end = (
            "the steepest direction shrinks with every full step."
            if self.value < self.limit
            else "along the steepest direction a full step overshoots and grows."
        )
        return f"Sharpness {self.value:.4g} is {side} the limit {self.limit:.4g}: {end}"


def sharpness(
    spec: ModelSpec,
    theta: Parameters,
    U: ArrayLike,
    y: ArrayLike,
    optimizer: SGD | Adam,
    *,
    memory: Any = None,
    start: ArrayLike | None = None,
    tolerance: float = 1e-3,
    n_products: int = 40,
) -> Sharpness:
    """Largest eigenvalue of the Hessian of the training loss.

    Parameters
    ----------
    spec : ModelSpec
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
    U : array_like of shape (n, n_inputs)
        Inputs of the training rows.
    y : array_like of shape (n,) or (n, n_outputs)
        Targets as the engine takes them.
    optimizer : SGD or Adam
    memory : Memory, optional
        Of either engine; Adam's mean squares divide the coordinates. Before its first step they are
        those that the gradient of this loss would give.
    start : array_like of shape (n_parameters,), optional
        `vector` of an earlier call: from step to step the direction changes little.
    tolerance : float
        Relative error of the value at which the search ends.
    n_products : int
        It ends at the latest after so many products H v, two gradients each.

    Returns
    -------
    Sharpness

    Examples
    --------
    Least squares of one weight and a bias: H = [[1, 0], [0, 1]] for inputs -1 and 1.

    >>> spec = ModelSpec((1, 1), ("linear",), "squared_error")
    >>> found = sharpness(spec, (np.ones((1, 1)), np.zeros(1)), [[-1.0], [1.0]], [0.0, 1.0], SGD(0.5))
    >>> round(found.value, 6), found.limit
    (1.0, 4.0)
    """
    U = inputs_of(spec, np.asarray(U, dtype=np.float64))
    y = targets_of(spec, y, len(U), np.float64)
    flat = _flat(theta)
    kind = kind_of(optimizer)
    if not np.isfinite(flat).all():
        return Sharpness(math.nan, limit_of(optimizer), kind, np.zeros_like(flat), math.nan, 0)
    gradient = _gradient_of(spec, U, y)
    divided = np.ones_like(flat)
    if isinstance(optimizer, Adam):
        divided = 1 / np.sqrt(_preconditioner(optimizer, memory, gradient, flat))
    reach = max(1.0, float(np.abs(U).max()))

    def product(v: Floats) -> Floats:
        """P^-1/2 H P^-1/2 v."""
        direction = divided * v
        length = float(np.linalg.norm(direction))
        e = STEP * max(1.0, float(np.linalg.norm(flat)) / math.sqrt(flat.size)) / (reach * length)
        up, down = gradient(flat + e * direction), gradient(flat - e * direction)
        return divided * (up - down) / (2 * e)

    if start is None or np.shape(start) != flat.shape or not np.linalg.norm(start):
        start = np.random.default_rng((0, flat.size)).standard_normal(flat.size)
    value, vector, error, n = _lanczos(product, np.asarray(start, float), tolerance, n_products)
    return Sharpness(value, limit_of(optimizer), kind, vector, error, 2 * n)


def _flat(arrays: Sequence[NDArray]) -> Floats:
    return np.concatenate([np.ravel(p) for p in arrays]).astype(np.float64)


def _gradient_of(
    spec: ModelSpec, U: NDArray[np.floating], y: NDArray
) -> Callable[[Floats], Floats]:
    """Gradient of the loss without the kinks of L1, from flat to flat parameters."""
    smooth = ModelSpec(spec.widths, spec.activations, spec.loss, l2=spec.l2)
    engine = engine_of("mlp", "compiled")
    shapes = shapes_of(spec)
    borders = np.cumsum([math.prod(shape) for shape in shapes])[:-1]

    def gradient(flat: Floats) -> Floats:
        parts = np.split(flat, borders)
        theta = tuple(p.reshape(shape) for p, shape in zip(parts, shapes, strict=True))
        return _flat(engine.gradients(engine.Model(smooth, theta), U, y))

    return gradient


def _preconditioner(
    optimizer: Adam, memory: Any, gradient: Callable[[Floats], Floats], flat: Floats
) -> Floats:
    """P of the next update, P^-1 being what stands before the mean gradient besides the rate."""
    second = () if memory is None else memory.second
    s = _flat(second) if isinstance(second, tuple) and second else np.asarray(second, dtype=float)
    t = 0 if memory is None else memory.step
    g = gradient(flat)
    if s.size != flat.size:
        s, t = np.zeros_like(flat), 0
    b1, b2 = optimizer.beta1, optimizer.beta2
    s = s + (1 - b2) * (g * g - s)
    P = (1 - b1 ** (t + 1)) * (np.sqrt(s / (1 - b2 ** (t + 1))) + optimizer.epsilon)
    return np.asarray(np.maximum(P, np.finfo(np.float64).tiny ** 0.5))


def _lanczos(
    product: Callable[[Floats], Floats], start: Floats, tolerance: float, most: int
) -> tuple[float, Floats, float, int]:
    """Largest eigenvalue of a symmetric product, its vector, error and the products used.

    In the space of v, H v, H² v, ... H is a tridiagonal matrix T (α on the diagonal, β beside it).
    Its largest eigenvalue is the best that this space can say; β times the last entry of its
    eigenvector is the length of what is left over, H x - h x.
    """
    q = start / np.linalg.norm(start)
    basis = np.empty((min(most, start.size), start.size))
    alpha: list[float] = []
    beta: list[float] = []
    for k in range(len(basis)):
        basis[k] = q
        r = product(q)
        if not np.isfinite(r).all():
            return math.nan, start, math.nan, k + 1
        alpha.append(float(q @ r))
        for _ in range(2):  # against rounding, all earlier directions are taken out twice
            r = r - basis[: k + 1].T @ (basis[: k + 1] @ r)
        length = float(np.linalg.norm(r))
        values, vectors = np.linalg.eigh(np.diag(alpha) + np.diag(beta, 1) + np.diag(beta, -1))
        error = length * abs(float(vectors[-1, -1]))
        if error <= tolerance * abs(values[-1]) or length <= 1e-12 * max(map(abs, alpha)):
            break
        beta.append(length)
        q = r / length
    x = vectors[:, -1] @ basis[: len(alpha)]
    return float(values[-1]), x / np.linalg.norm(x), error, len(alpha)
