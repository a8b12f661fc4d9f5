"""Three exercises on gradient descent: the largest step, momentum as a filter, a way to a saddle.

*Conventions*: those of `ddasp.linear.gradient_descent`: theta (n_parameters,), learning rate mu,
momentum beta, J of least squares with the factor 1 / (2 N). Steps are checked by taking them.

*References*: B. T. Polyak, USSR Comput. Math. Math. Phys. 4, 1964; G. Goh, "Why momentum really works",
Distill, 2017; J. D. Lee et al., "Gradient descent only converges to minimizers", COLT 2016.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: the largest step

FEATURE = (2, -1, 1, 1, -1)
MARGIN, N_STEPS = 1e-3, 5000  # (1 - 2e-3)^5000 is 5e-5


def _limit(answer: Any) -> list[Finding]:
    return asked(answer, [("stable below it", _stays), ("unstable above it", _leaves)])


def _growth(mu: float) -> float:
    """Distance to the minimum after the steps, beside that before them."""
    # X (5, 2), theta (2,), y (5,)
    X, rng = np.column_stack([np.ones(5), FEATURE]), np.random.default_rng(3)
    y, start = rng.standard_normal(5), rng.standard_normal(2)
    best = np.linalg.solve(X.T @ X, X.T @ y)
    theta = start
    for _ in range(N_STEPS):
        theta = theta - mu * (X.T @ (X @ theta - y)) / len(y)
        if np.abs(theta).max() > 1e9:
            break
    return float(np.linalg.norm(theta - best) / np.linalg.norm(start - best))


def _rate(answer: Any) -> float:
    mu = answers.number(answer, "the learning rate")
    if mu <= 0.0:
        raise NotYet(f"the learning rate is {mu:g}: a step against the gradient needs one above 0")
    return mu


def _stays(answer: Any) -> None:
    mu = _rate(answer)
    if _growth((1.0 - MARGIN) * mu) >= 1.0:
        raise NotYet(
            "at 0.999 of your learning rate the distance to the minimum grows without end: there is "
            "a direction whose error is multiplied by less than −1 in each step"
        )


def _leaves(answer: Any) -> None:
    mu = _rate(answer)
    growth = _growth((1.0 + MARGIN) * mu)
    if growth <= 1.0:
        raise NotYet(
            "at 1.001 of your learning rate the descent still converges (after "
            f"{N_STEPS} steps {growth:.2g} of the distance is left): a larger step is stable too"
        )


# ------------------------------------------------------------------ 2: momentum is a filter

RATE = 0.25
NEAR = 1e-9


def _filter(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("first step", _first),
            ("memory", _remembers),
            ("steady gradients", _gain_at(1.0, "gradients that stay the same")),
            ("alternating gradients", _gain_at(-1.0, "gradients that change sign in each step")),
            ("linear", _is_linear),
            ("parameters apart", _keeps_parameters_apart),
        ],
    )


def _moves(answer: Any, g: Array, beta: float) -> Array:
    """Steps (n_steps, n_parameters) for gradients of that shape, mu = RATE."""
    value = called(function(answer, "moves(gradients, mu, beta)"), g, RATE, beta)
    return array(value, "moves(gradients, mu, beta)", g.shape) + 0.0  # no -0


def _impulse(n: int) -> Array:
    return np.asarray(np.eye(n)[:, :1])


def _first(answer: Any) -> None:
    for g in (_impulse(8), np.array([[2.0, -3.0]])):
        ratio = float(_moves(answer, g, 0.8)[0, 0] / g[0, 0] / -RATE)
        if abs(ratio - 1.0) > NEAR:
            raise NotYet(
                f"at rest, the first gradient moves theta by {ratio:.3g} times what it does without "
                f"momentum; expected the same{_cause(ratio)}"
            )


def _cause(ratio: float) -> str:
    """Where a wrong first step comes from, for beta = 0.8."""
    if ratio == 0.0:
        return " - does it act one step late?"
    if ratio < 0.0:
        return " - uphill?"
    return " - were the gradients averaged?" if abs(ratio - 0.2) < NEAR else ""


def _remembers(answer: Any) -> None:
    for beta in (0.5, 0.8, 0.0):
        h = _moves(answer, _impulse(12), beta)[:, 0]
        off = np.abs(h[1:] - beta * h[:-1])
        if off.max() > NEAR:
            k = int(off.argmax()) + 1
            raise NotYet(
                f"one gradient, then zeros, beta = {beta:g}: step {k} is {h[k]:.3g} after "
                f"{h[k - 1]:.3g}; expected each step to be beta times the one before"
            )


def _gain_at(sign: float, name: str) -> Callable[[Any], None]:
    """The check of the gain at 0 (sign 1) or 1/2 (sign -1) cycles per step."""

    def check(answer: Any) -> None:
        for beta in (0.0, 0.5, 0.9):
            g = np.power(sign, np.arange(400.0))[:, np.newaxis]
            gain = float(_moves(answer, g, beta)[-1, 0] / g[-1, 0] / -RATE)
            if abs(gain * (1.0 - sign * beta) - 1.0) > NEAR:
                raise NotYet(
                    f"{name}, beta = {beta:g}: after many steps they count {gain:.4g} times; that is "
                    "not the sum of the series that v settles at"
                )

    return check


def _is_linear(answer: Any) -> None:
    rng = np.random.default_rng(11)
    a, b = rng.standard_normal((2, 30, 3))
    both = _moves(answer, a + 2.0 * b, 0.7)
    off = np.abs(both - _moves(answer, a, 0.7) - 2.0 * _moves(answer, b, 0.7)).max()
    if off > NEAR:
        raise NotYet(
            "moves(a + 2 b) = moves(a) + 2 moves(b) fails for drawn gradients, by up to "
            f"{off:.3g}: does something remain from one call to the next, or is something clipped?"
        )


def _keeps_parameters_apart(answer: Any) -> None:
    g = np.random.default_rng(12).standard_normal((20, 3))
    together = _moves(answer, g, 0.6)
    for j in range(3):
        off = np.abs(together[:, j] - _moves(answer, g[:, j : j + 1], 0.6)[:, 0]).max()
        if off > NEAR:
            raise NotYet(
                f"parameter {j} of three moves otherwise than with the same gradients alone, by up "
                f"to {off:.3g}: each has a velocity of its own"
            )


# ------------------------------------------------------------------ 3: a way to a saddle

TO_U, TO_V = np.array([1.0, -2.0]), np.array([2.0, 1.0])
FAR, CLOSE, WAY = 1.0, 1e-6, 300


def _u_and_v(theta: Array) -> tuple[float, float]:
    return float(TO_U @ theta + 1.0), float(TO_V @ theta - 3.0)


def _gradient(theta: Array) -> Array:
    """Of J = u^4/4 - u^2/2 + v^2/2."""
    u, v = _u_and_v(theta)
    return np.asarray((u**3 - u) * TO_U + v * TO_V)


def _to_saddle(answer: Any) -> list[Finding]:
    return asked(
        answer, [("start", _start_is_far), ("the way", _converges), ("the end", _ends_at_saddle)]
    )


def _start_and_rate(answer: Any) -> tuple[Array, float]:
    if isinstance(answer, dict):
        answer = (answer.get("start"), answer.get("mu"))
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(f"the answer is {answers.shown(answer)}; expected two things, ([a, b], mu)")
    start, mu = answer
    return np.asarray(answers.vector(start, "the start", length=2)), _rate(mu)


def _start_is_far(answer: Any) -> None:
    start, _ = _start_and_rate(answer)
    u, v = _u_and_v(start)
    distance = float(
        np.hypot(u, v) / np.sqrt(5.0)
    )  # (u, v) is (a, b) turned, sqrt(5) times as long
    if distance < FAR * (1.0 - 1e-9):
        raise NotYet(
            f"the start is {distance:.3g} away from the saddle; expected {FAR:g} or more, so that "
            "there is a way to go"
        )


def _way(answer: Any) -> tuple[list[Array], Array]:
    """The points of the way, and the norms of the gradients there."""
    theta, mu = _start_and_rate(answer)
    points = [theta]
    for _ in range(WAY):
        theta = theta - mu * _gradient(theta)
        if np.abs(theta).max() > 1e6:
            raise NotYet(
                f"the descent leaves: at step {len(points)} theta is beyond a million. The step is too "
                "large for the curvature it meets there"
            )
        points.append(theta)
    return points, np.array([np.linalg.norm(_gradient(point)) for point in points])


def _converges(answer: Any) -> None:
    _, norms = _way(answer)
    if norms.min() > CLOSE:
        raise NotYet(
            f"in {WAY} steps no point of the way has a gradient below {norms.min():.2g}: the descent "
            "approaches no point at which it would rest"
        )


def _ends_at_saddle(answer: Any) -> None:
    points, norms = _way(answer)
    rests = [point for point, norm in zip(points, norms, strict=True) if norm <= CLOSE]
    if not rests:
        raise NotYet(
            f"the gradient is nowhere on the way below {norms.min():.2g}; at a saddle it is 0"
        )
    if all(_curvatures(point)[0] > 0.0 for point in rests):
        raise NotYet(
            "the way ends where both eigenvalues of the Hessian are positive, in a minimum; at a "
            "saddle they have both signs"
        )


def _curvatures(theta: Array) -> Array:
    """Eigenvalues of the Hessian, ascending."""
    u, _ = _u_and_v(theta)
    H = (3.0 * u**2 - 1.0) * np.outer(TO_U, TO_U) + np.outer(TO_V, TO_V)
    return np.asarray(np.linalg.eigvalsh(H))


EXERCISES = (
    Exercise(
        "gradient_descent.1",
        f"""A line is fitted to five observations at x = {", ".join(map(str, FEATURE))} with its
intercept: J(θ) = ‖y − Xθ‖² / (2N), X = [1 x]. Below which learning rate μ does steepest descent converge
from every start, for every y? By hand; a fraction, or four digits.""",
        _limit,
        (
            "What does one step do to the error θ − θ_min? y cancels.",
            "Along each eigenvector of the Hessian the error is multiplied by one number. Which "
            "direction is the first to lose, and does your Hessian hold the factor that J has?",
        ),
    ),
    Exercise(
        "gradient_descent.2",
        """Write `moves(gradients, mu, beta)`: for gradients (n_steps, n_parameters), in the order in
which they arrive, the steps that the heavy ball takes, Δθ (n_steps, n_parameters), starting at rest. By
how much do gradients count that stay the same, and those that alternate? Say both before you run it.""",
        _filter,
        (
            "The velocity is a recursive filter of the gradients with one pole. Where is it?",
            "Put a single 1 in, then zeros, and write down what comes out: the first step is that of "
            "plain descent. A steady input gives the sum of what you wrote down.",
        ),
    ),
    Exercise(
        "gradient_descent.3",
        f"""J(a, b) = u⁴/4 − u²/2 + v²/2 with u = a − 2b + 1 and v = 2a + b − 3 has two minima and a
saddle. Find a start, at least {FAR:g} away from the saddle, and a learning rate with which steepest
descent converges to the saddle within {WAY} steps; hand in `([a, b], mu)`. Why does almost no start do
that?""",
        _to_saddle,
        (
            "Write the step in u and v instead of a and b. Which of them is driven away from the saddle?",
            "Along the eigenvector with the positive eigenvalue the saddle is a valley like any other, "
            "with a limit for the step like any other. Rounding pulls you off; be quick.",
        ),
    ),
)
