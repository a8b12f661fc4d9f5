"""Gradient descent: steepest, with momentum, with Nesterov's look ahead, and on minibatches.

From theta a small step d changes J by Re(g^H d), g the gradient; among steps of equal length the
fall is largest for d = -mu g. Repeated,

    steepest      theta <- theta - mu g(theta)
    heavy ball    v <- beta v + g(theta),               theta <- theta - mu v
    Nesterov      v <- beta v + g(theta - mu beta v),   theta <- theta - mu v
    stochastic    as above, with g over a few observations, drawn anew each epoch

with learning rate mu and momentum beta. How large they may be says `ddasp.linear.step_size`.

*Conventions*: theta (n_parameters,), real or complex; objectives and their gradients are those of
`ddasp.linear.objectives`. The dtype of the trajectory holds start and gradient (float32 stays
float32). A run that leaves the finite numbers stops there and says so: divergence is a result.
Randomness is passed in.

*References*: B. T. Polyak, USSR Comput. Math. Math. Phys. 4, 1964 (heavy ball); Y. Nesterov, Soviet
Math. Doklady 27, 1983; I. Sutskever et al., ICML 2013; I. Goodfellow et al., "Deep Learning", 2016, 8.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from ddasp._check import in_range
from ddasp.linear._input import Array, real_or_complex, refuse
from ddasp.linear.objectives import Objective, observations, squared_error, squared_error_gradient

__all__ = [
    "Trajectory",
    "heavy_ball",
    "nesterov",
    "steepest_descent",
    "stochastic_gradient_descent",
]


@dataclass(frozen=True)
class Trajectory:
    """The way down, or up.

    Attributes
    ----------
    points : numpy.ndarray of shape (n_points, n_parameters)
        The start and theta after each step, all finite.
    values : numpy.ndarray of shape (n_points,)
        J at the points, float64.
    gradient_norms : numpy.ndarray of shape (n_points,)
        ||g|| at the points, float64.
    diverged : bool
        True when the run stopped because the next theta, J or g was not finite.
    """

    points: Array
    values: Array
    gradient_norms: Array
    diverged: bool


def steepest_descent(
    objective: Objective, start: ArrayLike, *, learning_rate: ArrayLike, n_steps: int
) -> Trajectory:
    """Down the gradient.

    Parameters
    ----------
    objective : Objective
    start : array_like of shape (n_parameters,)
    learning_rate : array_like
        mu > 0, one number or an array of shape (n_steps,).
    n_steps : int
        Number of steps.

    Returns
    -------
    Trajectory
        n_steps + 1 points, fewer when it diverged.

    Raises
    ------
    InputError
        When the learning rate is not positive, or the start or its gradient is unusable.

    Examples
    --------
    >>> from ddasp.linear.objectives import quadratic
    >>> bowl = quadratic([[1.0, 0.0], [0.0, 4.0]], [0.0, 0.0])
    >>> steepest_descent(bowl, [1.0, 1.0], learning_rate=0.25, n_steps=2).points
    array([[1. , 1. ], [0.75 , 0. ], [0.5625, 0. ]])
    """
    return heavy_ball(objective, start, learning_rate=learning_rate, n_steps=n_steps, momentum=0.0)


def heavy_ball(
    objective: Objective,
    start: ArrayLike,
    *,
    learning_rate: ArrayLike,
    n_steps: int,
    momentum: float = 0.9,
) -> Trajectory:
    """Down the gradients of all steps so far, older ones counting less.

    Parameters
    ----------
    objective : Objective
    start : array_like of shape (n_parameters,)
    learning_rate : array_like
        mu > 0, one number or an array of shape (n_steps,).
    n_steps : int
        Number of steps.
    momentum : float
        beta, 0 to 1; 0 is steepest descent.

    Returns
    -------
    Trajectory
        n_steps + 1 points, fewer when it diverged.

    Raises
    ------
    InputError
        As in `steepest_descent`, and when the momentum is out of range.

    Examples
    --------
    >>> from ddasp.linear.objectives import quadratic
    >>> bowl = quadratic([[1.0]], [0.0])
    >>> heavy_ball(bowl, [1.0], learning_rate=0.5, n_steps=2, momentum=0.5).points.ravel()
    array([1. , 0.5, 0. ])
    """
    gradients = (objective.gradient for _ in range(n_steps))
    return _descend(objective, start, learning_rate, momentum, 0.0, gradients, n_steps)


def nesterov(
    objective: Objective,
    start: ArrayLike,
    *,
    learning_rate: ArrayLike,
    n_steps: int,
    momentum: float = 0.9,
) -> Trajectory:
    """Heavy ball that takes the gradient where its momentum will have carried it.

    Parameters
    ----------
    objective : Objective
    start : array_like of shape (n_parameters,)
    learning_rate : array_like
        mu > 0, one number or an array of shape (n_steps,).
    n_steps : int
        Number of steps.
    momentum : float
        beta, 0 to 1.

    Returns
    -------
    Trajectory
        n_steps + 1 points, fewer when it diverged.

    Raises
    ------
    InputError
        As in `heavy_ball`.

    Examples
    --------
    >>> from ddasp.linear.objectives import quadratic
    >>> bowl = quadratic([[1.0]], [0.0])
    >>> nesterov(bowl, [1.0], learning_rate=0.5, n_steps=2, momentum=0.5).points.ravel()
    array([1. , 0.5 , 0.125])
    """
    gradients = (objective.gradient for _ in range(n_steps))
    return _descend(objective, start, learning_rate, momentum, 1.0, gradients, n_steps)


def stochastic_gradient_descent(
    X: ArrayLike,
    y: ArrayLike,
    start: ArrayLike,
    *,
    learning_rate: ArrayLike,
    n_epochs: int,
    rng: np.random.Generator,
    batch_size: int = 1,
    momentum: float = 0.0,
    record_every: int = 1,
) -> Trajectory:
    """Least squares by the gradients of minibatches.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_parameters)
        Real or complex.
    y : array_like of shape (n_observations,)
    start : array_like of shape (n_parameters,)
    learning_rate : array_like
        mu > 0, one number or an array of shape (n_steps,).
    n_epochs : int
        How often each observation is seen.
    rng : numpy.random.Generator
        Draws a new order of the observations for each epoch.
    batch_size : int
        Observations per step; the last batch of an epoch holds the rest.
    momentum : float
        beta, 0 to 1.
    record_every : int
        The start and every so many-th step become points of the trajectory.

    Returns
    -------
    Trajectory
        Of n_epochs times ceil(N / batch_size) steps; values and gradient norms are those of all
        observations, so that the noise of the way is seen and not that of the yardstick. That
        costs more than the step itself: record fewer points of long runs.

    Raises
    ------
    InputError
        As in `heavy_ball`, and when n_epochs, batch_size or record_every is less than 1.

    Notes
    -----
    The gradient of a minibatch has the full gradient as its mean over the minibatches of an epoch.
    It does not vanish at the minimum unless y = X theta exactly: with constant mu the way ends in a
    cloud, and mu must fall for the cloud to shrink. Its variance is proportional to mu while the
    descent forgets within an epoch, 1 / (mu h) steps for an eigenvalue h of the Hessian; beyond, it
    falls faster, since an epoch shows each observation once and their pulls cancel.

    Examples
    --------
    >>> X, y = [[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0]
    >>> rng = np.random.default_rng(0)
    >>> way = stochastic_gradient_descent(X, y, [0.0], learning_rate=0.1, n_epochs=20, rng=rng)
    >>> way.points[-1]
    array([2.])
    """
    X, y = observations(X, y)
    if min(n_epochs, batch_size, record_every) < 1:
        raise refuse(
            f"n_epochs, batch_size, record_every are {n_epochs}, {batch_size}, {record_every}; "
            "expected each to be at least 1"
        )
    if np.shape(start) != X.shape[1:]:
        raise refuse(f"start has shape {np.shape(start)}; expected {X.shape[1:]} as X has columns")
    borders = range(batch_size, len(X), batch_size)

    def gradients() -> Iterator[Callable[[Array], Array]]:
        for _ in range(n_epochs):
            for rows in np.split(rng.permutation(len(X)), borders):
                yield partial(squared_error_gradient, X[rows], y[rows])

    n_steps = n_epochs * (len(borders) + 1)
    objective = Objective(partial(squared_error, X, y), partial(squared_error_gradient, X, y))
    return _descend(
        objective, start, learning_rate, momentum, 0.0, gradients(), n_steps, record_every
    )


def _descend(
    objective: Objective,
    start: ArrayLike,
    learning_rate: ArrayLike,
    momentum: float,
    ahead: float,
    gradients: Iterator[Callable[[Array], Array]],
    n_steps: int,
    record_every: int = 1,
) -> Trajectory:
    """One step for each gradient, which is taken `ahead` (0 or 1) of theta by the momentum."""
    theta, rates, beta = _begin(objective, start, learning_rate, momentum, n_steps)
    way, diverged = [_stand(objective, theta)], False
    v = np.zeros_like(theta)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite ends the loop
        for step, (mu, gradient) in enumerate(zip(rates, gradients, strict=True), start=1):
            v = beta * v + gradient(theta - mu * beta * ahead * v)
            theta = theta - mu * v
            diverged = not np.isfinite(theta).all()
            if not diverged and step % record_every == 0:
                here = _stand(objective, theta)
                diverged = not np.isfinite(here[1:]).all()
                way += [] if diverged else [here]
            if diverged:
                break
    points, values, norms = (np.array(part) for part in zip(*way, strict=True))
    return Trajectory(points, values, norms, diverged)


def _stand(objective: Objective, theta: Array) -> tuple[Array, float, float]:
    """theta, J and ||g||."""
    return theta, float(objective.value(theta)), float(np.linalg.norm(objective.gradient(theta)))


def _begin(
    objective: Objective, start: ArrayLike, learning_rate: ArrayLike, momentum: float, n_steps: int
) -> tuple[Array, list[float], float]:
    """Checked: theta in the dtype of the run, mu of each step, beta."""
    theta = real_or_complex(start, "start", dimensions=1)
    if objective.hessian is not None and len(theta) != len(objective.hessian):
        raise refuse(
            f"start has length {len(theta)}; the objective has {len(objective.hessian)} parameters"
        )
    g = np.asarray(objective.gradient(theta))
    if g.shape != theta.shape or not np.isfinite(g).all():
        raise refuse(
            f"the gradient at start is {g} of shape {g.shape}; expected finite values of shape "
            f"{theta.shape}"
        )
    if n_steps < 0:
        raise refuse(f"n_steps is {n_steps}; expected 0 or more")
    mu = np.asarray(learning_rate, dtype=np.float64)
    if mu.shape not in ((), (n_steps,)) or not (np.isfinite(mu) & (mu > 0)).all():
        raise refuse(f"learning_rate is {mu}; expected a number above 0, or {n_steps} of them")
    beta = in_range(momentum, "momentum", 0.0, 1.0)
    return theta.astype(np.result_type(theta, g)), np.broadcast_to(mu, n_steps).tolist(), beta
