"""Three exercises on minibatches: the size of the cloud, the walk itself, rates that forget nothing.

*Conventions*: those of `ddasp.linear.gradient_descent`: X (n_observations, n_parameters), theta
(n_parameters,), J of a minibatch is its mean squared error with the factor 1/2, the gradient of
complex parameters dJ/da + i dJ/db. Rates and walks are checked by walking.

*References*: H. Robbins and S. Monro, Ann. Math. Stat. 22, 1951; D. H. Brandwood, IEE Proc. 130, 1983.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]
NEAR = 1e-9

# ------------------------------------------------------------------ 1: the size of the cloud

VARIANCE, BATCH, SPREAD, LEFT = 45.0, 5, 1.0, 0.01


def _cloud(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("settles", _settles), ("spread", _spreads), ("start forgotten", _forgets)],
    )


def _rate_and_steps(answer: Any) -> tuple[float, float]:
    answer = answer.tolist() if isinstance(answer, np.ndarray) else answer
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(f"the answer is {answers.shown(answer)}; expected two numbers, (μ, k)")
    return answers.number(answer[0], "μ"), answers.number(answer[1], "k")


def _settles(answer: Any) -> float:
    mu, _ = _rate_and_steps(answer)
    if not abs(1.0 - mu) < 1.0 - 1e-12:
        raise NotYet(
            f"μ = {mu:g}: the pole of the recursion is at {1.0 - mu:g}, so that the start is never "
            "forgotten"
        )
    return mu


def _spreads(answer: Any) -> None:
    mu, v = _settles(answer), 0.0
    if mu < 1e-3:
        raise NotYet(f"μ = {mu:g} is so small that the cloud is far smaller than asked for")
    for _ in range(20_000):
        v = (1.0 - mu) ** 2 * v + mu**2 * VARIANCE / BATCH
    if abs(np.sqrt(v) / SPREAD - 1.0) > 2e-3:
        cause = ""
        if abs(v * BATCH - SPREAD**2) < 4e-3 * BATCH:
            cause = " - is it the variance of one observation that you balanced?"
        elif abs(v - mu * VARIANCE / BATCH / (2.0 - mu)) < 1e-9 and abs(mu * 9 - 1.0) < 2e-3:
            cause = " - for a step that is not small the 2 − μ below counts"
        raise NotYet(
            f"μ = {mu:g}: in the long run the standard deviation of θ is {np.sqrt(v):.4g}; expected "
            f"{SPREAD:g}{cause}"
        )


def _forgets(answer: Any) -> None:
    mu, k = _settles(answer), _rate_and_steps(answer)[1]
    if k != round(k) or k < 0:
        raise NotYet(f"k is {k:g}; expected a whole number of steps")
    k = min(k, 1e6)
    if abs(1.0 - mu) ** k > LEFT:
        raise NotYet(
            f"after {k:g} steps with μ = {mu:g} the start still counts {abs(1.0 - mu) ** k:.3g} times; "
            f"expected {LEFT:g} or less"
        )
    if k > 0 and abs(1.0 - mu) ** (k - 1) <= LEFT:
        raise NotYet(
            f"one step fewer than {k:g} forgets the start as well: it counts "
            f"{abs(1.0 - mu) ** (k - 1):.3g} times then"
        )


# ------------------------------------------------------------------ 2: the walk

FORM = "walk_of(X, y, start, mu, batches)"


def _walk(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("start", _begins),
            ("downhill", _goes_down),
            ("complex data", _goes_down_complex),
            ("mean of the minibatch", _averages),
            ("minibatches in order", _keeps_order),
        ],
    )


def _data(n: int, *, imaginary: float = 0.0) -> tuple[Array, Array, Array]:
    """X (n, 3), y (n,), start (3,)."""
    rng = np.random.default_rng(41)

    def drawn(*shape: int) -> Array:
        real = rng.standard_normal(shape)
        return np.asarray(real + 1j * imaginary * rng.standard_normal(shape) if imaginary else real)

    return drawn(n, 3), drawn(n), drawn(3)


def _points(
    answer: Any, data: tuple[Array, Array, Array], mu: float, batches: list[list[int]]
) -> Array:
    rows = [np.array(batch) for batch in batches]
    value = called(function(answer, FORM), *data, mu, rows)
    return array(value, FORM, (len(rows) + 1, 3), real=not np.iscomplexobj(data[0]))


def _begins(answer: Any) -> None:
    data = _data(8)
    first = _points(answer, data, 0.1, [[0, 1], [2, 3, 4]])[0]
    if np.abs(first - data[2]).max() > NEAR:
        raise NotYet(
            f"the first point is {np.abs(first - data[2]).max():.3g} away from the start; expected the "
            "start itself, then θ after each minibatch"
        )


def _slopes(data: tuple[Array, Array, Array], rows: list[int]) -> Array:
    """Slopes of the minibatch's J along the real and the imaginary parts, by differences."""
    X, y, theta = data
    units = np.eye(3, dtype=complex)

    def J(t: Array) -> float:
        return float(np.mean(np.abs(y[rows] - X[rows] @ t) ** 2) / 2)

    h = 1e-4  # J is quadratic: central differences are exact up to rounding
    along = [(J(theta + h * d) - J(theta - h * d)) / (2 * h) for d in (*units, *(1j * units))]
    return np.array(along[:3]) + 1j * np.array(along[3:])


def _step_is(answer: Any, data: tuple[Array, Array, Array], rows: list[int], kind: str) -> None:
    mu = 0.01
    step = (_points(answer, data, mu, [rows])[1] - data[2]) / -mu
    g = _slopes(data, rows)
    if np.abs(step - g).max() < 1e-6:
        return
    ratios = step / np.where(np.abs(g) > 1e-12, g, 1.0)
    cause = ""
    if np.abs(step - np.conj(g)).max() < 1e-6:
        cause = " - the imaginary part goes uphill: which factor is conjugated?"
    elif np.abs(ratios - ratios[0]).max() < 1e-6:
        cause = f" - it is {ratios[0].real:.3g} times that; a factor of J, or the sign?"
    raise NotYet(
        f"{kind}: one step with a minibatch of {len(rows)} is not −μ times the slopes of its J, off by "
        f"{np.abs(step - g).max():.3g}{cause}"
    )


def _goes_down(answer: Any) -> None:
    _step_is(answer, _data(8), [0, 1, 2, 3, 4, 5, 6, 7], "real data")


def _goes_down_complex(answer: Any) -> None:
    _step_is(answer, _data(8, imaginary=1.0), [0, 1, 2, 3, 4, 5, 6, 7], "complex data")


def _averages(answer: Any) -> None:
    data = _data(8)
    once = _points(answer, data, 0.05, [[3, 1]])
    twice = _points(answer, data, 0.05, [[3, 1, 3, 1]])
    off = np.abs(once - twice).max()
    if off > NEAR:
        raise NotYet(
            f"each observation twice in the minibatch changes the step by {off:.3g}; its J is a mean "
            "over the minibatch, so that it must not - divided by which number?"
        )
    _step_is(answer, data, [5, 2], "a part of the data")


def _keeps_order(answer: Any) -> None:
    data = _data(8)
    whole = _points(answer, data, 0.2, [[0, 1], [2, 3], [4, 5, 6]])
    for k, batch in ((1, [2, 3]), (2, [4, 5, 6])):
        alone = _points(answer, (data[0], data[1], whole[k]), 0.2, [batch])[1]
        off = np.abs(alone - whole[k + 1]).max()
        if off > NEAR:
            raise NotYet(
                f"step {k + 1} is not the step that its minibatch makes from where step {k} ended, off "
                f"by {off:.3g}: is the gradient taken at the newest θ, and nothing kept from before?"
            )


# ------------------------------------------------------------------ 3: rates that forget nothing


def _rates(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("start forgotten", _first_step_settles),
            ("least squares so far", _fits_so_far),
            ("complex data", _fits_complex),
            ("only what was seen", _is_causal),
        ],
    )


def _of(answer: Any, x: Array) -> Array:
    return array(called(function(answer, "rates(x)"), x), "rates(x)", x.shape)


def _missed(answer: Any, x: Array, theta: complex, *, until: int) -> tuple[float, int]:
    """Largest distance from the least-squares solution of all observations so far, and where."""
    rng = np.random.default_rng(8)
    y = (
        2.0 * x
        + rng.standard_normal(len(x))
        + (1j * rng.standard_normal(len(x)) if theta.imag else 0)
    )
    mu, worst, at = _of(answer, x), 0.0, 0
    for k in range(until):
        theta = theta - mu[k] * np.conj(x[k]) * (x[k] * theta - y[k])
        best = np.vdot(x[: k + 1], y[: k + 1]) / np.vdot(x[: k + 1], x[: k + 1])
        if abs(theta - best) > max(worst, NEAR * 100):
            return float(abs(theta - best)), k + 1
    return worst, at


def _x(n: int) -> Array:
    return np.random.default_rng(9).uniform(0.5, 3.0, n) * np.where(np.arange(n) % 3 == 1, -1, 1)


def _first_step_settles(answer: Any) -> None:
    for start in (0j, 50.0 + 0j):
        off, _ = _missed(answer, _x(6), start, until=1)
        if off:
            raise NotYet(
                f"from θ = {start.real:g} the first step ends {off:.3g} away from the θ that meets the "
                "first observation exactly: the start is not forgotten"
            )


def _fits_so_far(answer: Any) -> None:
    for x, name in ((np.ones(30), "all x equal to 1"), (_x(30), "x of different sizes")):
        off, k = _missed(answer, x, 5.0 + 0j, until=len(x))
        if off:
            raise NotYet(
                f"{name}: after step {k} θ is {off:.3g} away from the least-squares solution of the first "
                f"{k} observations"
            )


def _fits_complex(answer: Any) -> None:
    x = _x(20) * np.exp(1j * np.arange(20))
    off, k = _missed(answer, x, 1.0 + 1.0j, until=len(x))
    if off:
        raise NotYet(
            f"complex x: after step {k} θ is {off:.3g} away from the least-squares solution; the size of "
            "an observation is |x|, real and positive"
        )


def _is_causal(answer: Any) -> None:
    x = _x(12)
    early, late = _of(answer, x[:6]), _of(answer, x)[:6]
    if np.abs(early - late).max() > NEAR:
        raise NotYet(
            "the first 6 rates change when 6 more observations follow: a step can't know what comes later"
        )


EXERCISES = (
    Exercise(
        "stochastic_gradient_descent.1",
        f"""A constant level is estimated from independent measurements with variance {VARIANCE:g}: J is
the mean of |yᵢ − θ|²/2, and each step takes a fresh minibatch of {BATCH}. With which learning rate μ is
the standard deviation of θ in the long run {SPREAD:g}? And after how many steps k does the start count
{LEFT:g} times or less, for the first time? By hand; hand in `(mu, k)`.""",
        _cloud,
        (
            "What is the variance of the mean of a minibatch? That is the input of the one-pole filter.",
            "In the long run a step leaves the variance of θ as it is. Write that as an equation for μ; "
            "nothing needs to be small. The start is multiplied by the pole in each step.",
        ),
    ),
    Exercise(
        "stochastic_gradient_descent.2",
        f"""Write `{FORM}`: least squares by the gradients of the given minibatches, `batches` being a list
of arrays of row numbers, in order; X (N, F), y (N,) and start (F,), real or complex. It returns the
start and θ after each step, shape (len(batches) + 1, F). J of a minibatch is the mean of |yᵢ − xᵢθ|²/2
over it.""",
        _walk,
        (
            "Only the rows of the minibatch take part, in X and in y. By how many observations is the sum "
            "divided?",
            "`X.T` is not `X.conj().T`; for real data you will not notice. And an array of points keeps "
            "its entries only if θ is a new array in each step.",
        ),
    ),
    Exercise(
        "stochastic_gradient_descent.3",
        """One parameter, one observation a step, each seen once: θ ← θ − μₖ xₖ*(xₖθ − yₖ). Write `rates(x)`
for x (n,), real or complex and nowhere 0: the μₖ, shape (n,), with which θ after every step k is the
least-squares solution of the first k observations, whatever the start was. Predict first: what happens
to the rates of later steps when one observation is ten times larger?""",
        _rates,
        (
            "The first step has to land on y₁/x₁ from anywhere. Which μ₁ does that?",
            "Write the least-squares solution of the first k observations as a fraction, and the one "
            "before it. By how much do they differ, in terms of xₖθ − yₖ?",
        ),
    ),
)
