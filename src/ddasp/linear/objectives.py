"""Objectives: functions J of parameters theta, with gradient and Hessian, real or complex.

*Real theta.* The gradient g collects the slopes dJ/dtheta_j; the Hessian H their slopes. Near a
point J(theta + d) = J + g^T d + d^T H d / 2: where g = 0, eigenvalues of H that are all positive make
a minimum, all negative a maximum, of both signs a saddle.

*Complex theta.* A real J of theta = a + i b has no complex derivative, but a and b are real
parameters. Their two gradients, written as one complex vector, are Wirtinger's derivative with
respect to the conjugate, times two:

    g = dJ/da + i dJ/db = 2 dJ/dtheta*,    J(theta + d) = J + Re(g^H d) + ...

For J = ||y - X theta||^2 / (2 N), that is (y - X theta)^H (y - X theta) / (2 N), theta* occurs in
the first factor alone, so dJ/dtheta* = -X^H (y - X theta) / (2 N) and

    g = X^H (X theta - y) / N,    Hessian X^H X / N,

as for real data with ^H in place of ^T: every descent works unchanged.

*Conventions*: theta (n_parameters,), X (n_observations, n_parameters), y (n_observations,); J of
least squares is a mean over N observations with the factor 1/2, so that the learning rate does not
depend on N. dtype in = dtype out.

*References*: D. H. Brandwood, "A complex gradient operator and its application in adaptive array
theory", IEE Proc. 130 F/H, 1983; S. Haykin, "Adaptive Filter Theory", 5th ed. 2014, app. B.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ddasp.linear._input import Array, real_or_complex, refuse

__all__ = [
    "Objective",
    "fir_regressors",
    "least_squares",
    "observations",
    "quadratic",
    "squared_error",
    "squared_error_gradient",
]


@dataclass(frozen=True)
class Objective:
    """A function to be made small, with its gradient.

    Attributes
    ----------
    value : callable
        theta -> J, a real number.
    gradient : callable
        theta -> g, of the shape of theta; of complex theta dJ/da + i dJ/db.
    hessian : numpy.ndarray of shape (n_parameters, n_parameters), optional
        Where it is the same everywhere.

    Examples
    --------
    >>> from ddasp.linear.gradient_descent import steepest_descent
    >>> saddle = Objective(lambda t: t[0] ** 2 - t[1] ** 2, lambda t: np.array([2 * t[0], -2 * t[1]]))
    >>> steepest_descent(saddle, [1.0, 0.0], learning_rate=0.25, n_steps=2).points  # on its ridge
    array([[1. , 0. ], [0.5 , 0. ], [0.25, 0. ]])
    """

    value: Callable[[Array], float]
    gradient: Callable[[Array], Array]
    hessian: Array | None = None


def quadratic(A: ArrayLike, b: ArrayLike) -> Objective:
    """J = theta^H A theta / 2 - Re(b^H theta): a bowl, a valley or a saddle.

    Parameters
    ----------
    A : array_like of shape (n_parameters, n_parameters)
        Hermitian (symmetric, when real).
    b : array_like of shape (n_parameters,)

    Returns
    -------
    Objective
        With g = A theta - b and the Hessian A.

    Raises
    ------
    InputError
        When A is not Hermitian or the shapes differ.

    Examples
    --------
    >>> bowl = quadratic([[1.0, 0.0], [0.0, 4.0]], [0.0, 0.0])
    >>> bowl.value(np.array([1.0, 1.0])), bowl.gradient(np.array([1.0, 1.0]))
    (2.5, array([1., 4.]))
    """
    A, b = real_or_complex(A), real_or_complex(b, "b", dimensions=1)
    rounding = 100 * np.finfo(A.dtype).eps * np.abs(A).max()
    if A.shape != (len(b), len(b)) or np.abs(A - A.conj().T).max() > rounding:
        raise refuse(
            f"A has shape {A.shape} and b {b.shape}; expected a Hermitian A of side {len(b)} - "
            "take (A + A^H) / 2, the rest has no part in J"
        )

    def value(theta: Array) -> float:
        return float(np.vdot(theta, A @ theta).real / 2 - np.vdot(b, theta).real)

    return Objective(value, lambda theta: A @ theta - b, A)


def least_squares(X: ArrayLike, y: ArrayLike) -> Objective:
    """J = ||y - X theta||^2 / (2 N), real or complex.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_parameters)
    y : array_like of shape (n_observations,)

    Returns
    -------
    Objective
        With g = X^H (X theta - y) / N and the Hessian X^H X / N.

    Raises
    ------
    InputError
        When the lengths differ or a value is not finite.

    Examples
    --------
    >>> J = least_squares([[1.0], [1j]], [1.0, 0.0])
    >>> J.value(np.array([0.5])), J.gradient(np.array([0.5]))
    (0.125, array([0.+0.j]))
    """
    X, y = observations(X, y)
    return Objective(
        lambda theta: squared_error(X, y, theta),
        lambda theta: squared_error_gradient(X, y, theta),
        X.conj().T @ X / len(X),
    )


def squared_error(X: Array, y: Array, theta: Array) -> float:
    """J = ||y - X theta||^2 / (2 N) of all observations, or of some.

    Parameters
    ----------
    X : numpy.ndarray of shape (n_observations, n_parameters)
    y : numpy.ndarray of shape (n_observations,)
    theta : numpy.ndarray of shape (n_parameters,)

    Returns
    -------
    float
        J.

    Examples
    --------
    >>> squared_error(np.array([[1.0], [2.0]]), np.array([1.0, 0.0]), np.array([1.0]))
    1.0
    """
    return float(np.sum(np.abs(y - X @ theta) ** 2) / (2 * len(X)))


def squared_error_gradient(X: Array, y: Array, theta: Array) -> Array:
    """Gradient g = X^H (X theta - y) / N of all observations, or of some.

    Parameters
    ----------
    X : numpy.ndarray of shape (n_observations, n_parameters)
    y : numpy.ndarray of shape (n_observations,)
    theta : numpy.ndarray of shape (n_parameters,)

    Returns
    -------
    numpy.ndarray of shape (n_parameters,)
        g; of complex data dJ/da + i dJ/db.

    Examples
    --------
    >>> squared_error_gradient(np.array([[1.0], [2.0]]), np.array([1.0, 0.0]), np.array([1.0]))
    array([2.])
    """
    return np.asarray(X.conj().T @ (X @ theta - y) / len(X))


def observations(X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """X (n_observations, n_parameters) and y (n_observations,), checked, real or complex."""
    X, y = real_or_complex(X, "X"), real_or_complex(y, "y", dimensions=1)
    if len(y) != len(X):
        raise refuse(f"y has length {len(y)} and X {len(X)} rows; expected as many")
    return X, y


def fir_regressors(spectrum: ArrayLike, n_taps: int) -> Array:
    """X of the model Y = S H: the spectrum of a recording from that of its source.

    Parameters
    ----------
    spectrum : array_like of shape (n_bins,)
        DFT S[k] of one period of the source, all bins k = 0 ... K-1.
    n_taps : int
        Length L of the impulse response h, 1 to n_bins.

    Returns
    -------
    numpy.ndarray of shape (n_bins, n_taps)
        X[k, n] = S[k] e^(-2 pi i k n / K), complex; then Y = X h.

    Raises
    ------
    InputError
        When more taps than bins are asked for: h would wrap around.

    Notes
    -----
    A room h of L taps has the spectrum H[k] = sum_n h[n] e^(-2 pi i k n / K), and of a periodic
    source Y[k] = S[k] H[k]: linear in h. Columns are orthogonal, with the Hessian I times the mean
    power, when all |S[k]| are equal: such a source (a maximum-length sequence, nearly) lets all
    taps converge at one rate.

    Examples
    --------
    >>> h = np.array([1.0, 0.5])
    >>> S = np.fft.fft([1.0, 0.0, 0.0, 0.0])
    >>> np.fft.ifft(fir_regressors(S, 2) @ h).real
    array([1. , 0.5, 0. , 0. ])
    """
    S = real_or_complex(spectrum, "spectrum", dimensions=1)
    if not 1 <= n_taps <= len(S):
        raise refuse(f"n_taps is {n_taps}; expected 1 to {len(S)}, the number of bins")
    turns = np.outer(np.arange(len(S)), np.arange(n_taps)) % len(S) / len(S)
    X = S[:, np.newaxis] * np.exp(-2j * np.pi * turns)
    return np.asarray(X.astype(np.result_type(S, np.complex64)))
