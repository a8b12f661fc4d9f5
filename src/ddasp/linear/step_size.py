"""How large a step: limits and best values from the Hessian, and momentum as a filter.

On a quadratic J with Hessian H the error e = theta - theta_min follows H's eigenvectors, one number
z for each eigenvalue h:

    steepest      e <- (1 - mu h) e                                     z = 1 - mu h
    heavy ball    e_k+1 = (1 + beta - mu h) e_k - beta e_k-1            z^2 - (1 + beta - mu h) z + beta = 0
    Nesterov      e_k+1 = (1 - mu h) ((1 + beta) e_k - beta e_k-1)

Each error shrinks when all |z| < 1. The direction of the largest eigenvalue gives way first, at
z = -1, an oscillation from step to step:

    mu < 2 / h_max,    mu < 2 (1 + beta) / h_max,    mu < 2 (1 + beta) / ((1 + 2 beta) h_max).

The best step makes the slowest direction as fast as possible. Steepest descent balances both ends,
1 - mu h_min = -(1 - mu h_max); the heavy ball makes both ends critically damped (double roots z),
|z| = sqrt(beta) for all eigenvalues between. With the condition number kappa = h_max / h_min

    steepest      mu = 2 / (h_max + h_min)                      |z| = (kappa - 1) / (kappa + 1)
    heavy ball    mu = (2 / (sqrt h_max + sqrt h_min))^2,       |z| = (sqrt kappa - 1) / (sqrt kappa + 1)
                  beta = |z|^2

*Momentum as a filter.* v_k = beta v_k-1 + g_k is a recursive filter with the gradients as input,

    H(z) = 1 / (1 - beta z^-1),

a one-pole low-pass: gradients that keep their sign (0 cycles per step) are multiplied by
1 / (1 - beta), those that alternate (1/2 cycle per step: the zigzag across a valley) by 1 / (1 + beta).

*Conventions*: H (n_parameters, n_parameters) Hermitian, of least squares X^H X / N. Eigenvalues that
are zero up to rounding belong to directions in which nothing moves; they are left out. Frequencies
are in cycles per step, 0 to 1/2.

*References*: B. T. Polyak, USSR Comput. Math. Math. Phys. 4, 1964; G. Goh, "Why momentum really
works", Distill, 2017; L. Lessard, B. Recht and A. Packard, SIAM J. Optim. 26, 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, one_of
from ddasp.linear._input import real_or_complex, refuse

__all__ = ["Tuning", "momentum_response", "optimal_momentum", "optimal_step", "step_limit"]


@dataclass(frozen=True)
class Tuning:
    """The best constants for a Hessian.

    Attributes
    ----------
    learning_rate : float
        mu.
    momentum : float
        beta, 0 for steepest descent.
    rate : float
        |z|: what is left of the error after each step, in the long run.
    """

    learning_rate: float
    momentum: float
    rate: float


def step_limit(hessian: ArrayLike, *, momentum: float = 0.0, method: str = "heavy_ball") -> float:
    """The learning rate at which descent stops converging.

    Parameters
    ----------
    hessian : array_like of shape (n_parameters, n_parameters)
        Hermitian, no negative eigenvalue.
    momentum : float
        beta, 0 to 1; 0 is steepest descent.
    method : str
        "heavy_ball" or "nesterov".

    Returns
    -------
    float
        2 / h_max without momentum; infinity for a Hessian of zeros, where nothing moves.

    Raises
    ------
    InputError
        When the Hessian is not Hermitian or has a negative eigenvalue (a saddle).

    Examples
    --------
    >>> step_limit([[1.0, 0.0], [0.0, 4.0]]), step_limit([[4.0]], momentum=0.5)
    (0.5, 0.75)
    """
    beta = in_range(momentum, "momentum", 0.0, 1.0)
    one_of(method, "method", ("heavy_ball", "nesterov"))
    h = _positive_eigenvalues(hessian)
    if not len(h):
        return float("inf")
    ahead = 1 + 2 * beta if method == "nesterov" else 1.0
    return 2 * (1 + beta) / (ahead * float(h[-1]))


def optimal_step(hessian: ArrayLike) -> Tuning:
    """The fastest constant learning rate of steepest descent.

    Parameters
    ----------
    hessian : array_like of shape (n_parameters, n_parameters)
        Hermitian, no negative eigenvalue.

    Returns
    -------
    Tuning
        mu = 2 / (h_max + h_min) and its rate.

    Raises
    ------
    InputError
        When an eigenvalue is negative (a saddle) or all are zero.

    Examples
    --------
    >>> optimal_step([[1.0, 0.0], [0.0, 4.0]])
    Tuning(learning_rate=0.4, momentum=0.0, rate=0.6)
    """
    low, high = _ends(hessian)
    return Tuning(2 / (high + low), 0.0, (high - low) / (high + low))


def optimal_momentum(hessian: ArrayLike) -> Tuning:
    """The fastest constant learning rate and momentum of the heavy ball.

    Parameters
    ----------
    hessian : array_like of shape (n_parameters, n_parameters)
        Hermitian, no negative eigenvalue.

    Returns
    -------
    Tuning
        mu, beta and their rate sqrt(beta), reached in the long run: double roots z let the error
        grow as k z^k at first.

    Raises
    ------
    InputError
        When an eigenvalue is negative (a saddle) or all are zero.

    Examples
    --------
    >>> optimal_momentum([[1.0, 0.0], [0.0, 4.0]])
    Tuning(learning_rate=0.444, momentum=0.111, rate=0.333)
    """
    low, high = (np.sqrt(h) for h in _ends(hessian))
    rate = float((high - low) / (high + low))
    return Tuning(float((2 / (high + low)) ** 2), rate**2, rate)


def momentum_response(momentum: float, frequencies: ArrayLike) -> NDArray[np.complex128]:
    """Frequency response of momentum, from gradients to steps.

    Parameters
    ----------
    momentum : float
        beta, 0 to 1; at 1 the filter sums all gradients and a constant one grows without end, so
        that its response at frequency 0 does not exist.
    frequencies : array_like of shape (n_frequencies,)
        Cycles per step, 0 to 1/2.

    Returns
    -------
    numpy.ndarray of shape (n_frequencies,)
        1 / (1 - beta e^(-2 pi i f)), complex.

    Raises
    ------
    InputError
        When the momentum is not below 1.

    Examples
    --------
    >>> np.abs(momentum_response(0.9, [0.0, 0.5]))
    array([10. , 0.526])
    """
    beta = in_range(momentum, "momentum", 0.0, 1.0)
    if beta == 1:
        raise refuse("momentum is 1; expected less: a sum without forgetting has no response at 0")
    turn = np.exp(-2j * np.pi * np.asarray(frequencies, dtype=np.float64))
    return np.asarray(1 / (1 - beta * turn))


def _positive_eigenvalues(hessian: ArrayLike) -> NDArray[np.floating]:
    """In ascending order, without zeros."""
    H = real_or_complex(hessian, "hessian")
    rounding = len(H) * float(np.finfo(H.dtype).eps)
    if H.shape[0] != H.shape[1] or np.abs(H - H.conj().T).max() > 100 * rounding * np.abs(H).max():
        raise refuse(f"hessian of shape {H.shape} is not Hermitian; expected X^H X / N or its like")
    h = np.linalg.eigvalsh(H)
    zero = rounding * np.abs(h).max()
    if h[0] < -zero:
        raise refuse(
            f"hessian has the eigenvalue {h[0]:g}; expected none below 0 - at a saddle no step "
            "converges, the descent leaves along that direction"
        )
    return np.asarray(h[h > zero])


def _ends(hessian: ArrayLike) -> tuple[float, float]:
    """Smallest and largest eigenvalue that are not zero."""
    h = _positive_eigenvalues(hessian)
    if not len(h):
        raise refuse("hessian is zero; expected a curvature: on a plane no step is best")
    return float(h[0]), float(h[-1])
