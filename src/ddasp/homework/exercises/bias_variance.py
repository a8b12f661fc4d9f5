"""Three exercises on bias and variance: a moving average by hand, ridge regression, optimism.

*Conventions*: errors of measurement are independent, of mean 0 and variance sigma^2; the truth is
(n_places,), and errors of a fit are averaged over the places where the data were taken.

*References*: S. Geman, E. Bienenstock and R. Doursat, Neural Computation 4, 1992; T. Hastie,
R. Tibshirani and J. Friedman, "The Elements of Statistical Learning", 2nd ed. 2009, 7.3 and 7.4.
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
TYPED = 6e-4

# ------------------------------------------------------------------ 1: how long an average

CURVATURE, NOISE = 0.03, 1.0  # x[n] = 0.03 n^2, sigma = 1
LONGEST = 1000


def _average(answer: Any) -> list[Finding]:
    return asked(answer, [("bias²", _has_bias), ("variance", _has_variance), ("best", _is_best)])


def _three(answer: Any) -> tuple[int, float, float]:
    M, bias2, variance = answers.vector(answer, "[M, bias², variance]", length=3)
    if round(M) != M or not 0 <= M <= LONGEST:
        raise NotYet(f"M is {M:g}; expected a whole number from 0 to {LONGEST}")
    return int(M), float(bias2), float(variance)


def _true(M: int) -> tuple[float, float]:
    """Squared bias and variance of the average of 2 M + 1 samples around n = 0, by definition."""
    n = np.arange(-M, M + 1)
    weights = np.full(len(n), 1 / len(n))
    return float(weights @ (CURVATURE * n**2)) ** 2, NOISE**2 * float(weights @ weights)


def _has_bias(answer: Any) -> None:
    M, bias2, _ = _three(answer)
    right, _ = _true(M)
    if abs(bias2 - right) > 2 * TYPED * max(right, TYPED):
        cause = ""
        if right > 0 and abs(bias2 - right**0.5) < TYPED * right**0.5:
            cause = " - not yet squared?"
        raise NotYet(
            f"without noise the average of {2 * M + 1} samples around n = 0 misses x[0] by an amount whose "
            f"square is not {bias2:.4g}{cause}"
        )


def _has_variance(answer: Any) -> None:
    M, _, variance = _three(answer)
    _, right = _true(M)
    if abs(variance - right) > 2 * TYPED * right:
        cause = (
            " - is it the standard deviation?" if abs(variance**2 - right) < TYPED * right else ""
        )
        cause = " - are there M samples in the average?" if M and variance == 1 / M else cause
        raise NotYet(
            f"the average of {2 * M + 1} independent errors of variance 1 doesn't have the variance "
            f"{variance:.4g}{cause}"
        )


def _is_best(answer: Any) -> None:
    M, _, _ = _three(answer)
    for other, word in ((M - 1, "shorter"), (M + 1, "longer")):
        if other >= 0 and sum(_true(other)) < sum(_true(M)):
            raise NotYet(
                f"an average with M = {other}, which is {word}, has the smaller sum of bias² and "
                f"variance, {sum(_true(other)):.4g} against {sum(_true(M)):.4g}"
            )


# ------------------------------------------------------------------ 2: what to expect of ridge

NEAR = 1e-8


def _expected(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("bias", _misses_without_noise),
            ("variance", _scatters),
            ("noise and truth apart", _keeps_apart),
            ("least squares", _counts_parameters),
        ],
    )


def _errors(answer: Any, X: Array, truth: Array, sigma: float, lam: float) -> tuple[float, float]:
    form = "expected_errors(X, truth, sigma, lam)"
    value = called(function(answer, form), X, truth, sigma, lam)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise NotYet(f"{form} gives {answers.shown(value)}; expected (bias2, variance)")
    bias2, variance = (
        float(array(v, n, ())) for v, n in zip(value, ("bias2", "variance"), strict=True)
    )
    return bias2, variance


def _problems() -> list[tuple[str, Array, Array, float]]:
    """Name, X, truth, lambda."""
    rng = np.random.default_rng(15)
    return [
        ("12 places, 3 features, λ = 2", rng.normal(size=(12, 3)), rng.normal(size=12), 2.0),
        ("5 places, 8 features, λ = 0.5", rng.normal(size=(5, 8)), rng.normal(size=5), 0.5),
        ("one feature, λ = 4", np.full((4, 1), 1.0), np.array([1.0, 2.0, 3.0, 6.0]), 4.0),
    ]


def _fitted(X: Array, Y: Array, lam: float) -> Array:
    """Predictions at the places of the fit, for each column of Y."""
    return np.asarray(X @ np.linalg.solve(X.T @ X + lam * np.eye(X.shape[1]), X.T @ Y))


def _misses_without_noise(answer: Any) -> None:
    for name, X, truth, lam in _problems():
        bias2, _ = _errors(answer, X, truth, 0.7, lam)
        right = float(np.mean((_fitted(X, truth, lam) - truth) ** 2))
        if abs(bias2 - right) > NEAR * right:
            raise NotYet(
                f"{name}: fitted to the truth without noise, ridge misses it by {right:.4g} in the mean "
                f"square; your bias² is {bias2:.4g}"
            )


def _scatters(answer: Any) -> None:
    for name, X, truth, lam in _problems():
        _, variance = _errors(answer, X, truth, 1.0, lam)
        moved = _fitted(X, np.eye(len(X)), lam)  # by an error of 1 at each place in turn
        right = float(np.sum(moved**2)) / len(X)
        if abs(variance - right) > NEAR * right:
            causes = {
                float(np.trace(moved)) / len(X): "was the trace of S taken, and not of S Sᵀ",
                right * len(X): "was it summed over the places, not averaged",
                min(X.shape) / len(X): "that is the variance of least squares",
            }
            near = [says for wrong, says in causes.items() if abs(variance - wrong) < NEAR * wrong]
            raise NotYet(
                f"{name}, σ = 1: an error of 1 at each place in turn moves the fit by squares that sum to "
                f"{right * len(X):.4g}; your variance is {variance:.4g}"
                f"{f' - {near[0]}?' if near else ''}"
            )


def _keeps_apart(answer: Any) -> None:
    name, X, truth, lam = _problems()[0]
    (bias2, variance), (same, four) = (
        _errors(answer, X, truth, sigma, lam) for sigma in (1.0, 2.0)
    )
    if abs(same - bias2) > NEAR * abs(bias2) or abs(four - 4 * variance) > NEAR * abs(variance):
        raise NotYet(
            f"{name}: with σ doubled, bias² went from {bias2:.4g} to {same:.4g} and the variance from "
            f"{variance:.4g} to {four:.4g}; expected one to stay, the other to be four times as large"
        )
    _, other = _errors(answer, X, 10 * truth, 1.0, lam)
    if abs(other - variance) > NEAR * abs(variance):
        raise NotYet(
            f"{name}: with a truth ten times as large the variance changes; it is made of noise"
        )


def _counts_parameters(answer: Any) -> None:
    name, X, _, _ = _problems()[0]
    bias2, variance = _errors(answer, X, X @ np.ones(3), 2.0, 0.0)
    if abs(variance - 4 * 3 / 12) > NEAR:
        raise NotYet(
            f"{name} but λ = 0, σ = 2: the variance is {variance:.4g}; expected σ² k/N = 1"
        )
    if abs(bias2) > NEAR:
        raise NotYet(f"λ = 0 and a truth that X reaches: bias² is {bias2:.4g}; expected 0")


# ------------------------------------------------------------------ 3: optimism

N, ORDERS, SIGMA2 = 40, (3, 9), 2.0


def _optimism(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("training, order 3", _error(0, 0)),
            ("new, order 3", _error(0, 1)),
            ("training, order 9", _error(1, 0)),
            ("new, order 9", _error(1, 1)),
        ],
    )


def _error(which: int, is_new: int) -> Callable[[Any], None]:
    """The check of one of the four numbers, by the trace of what multiplies the noise."""

    def check(answer: Any) -> None:
        table = answers.matrix(answer, "[[training, new], [training, new]]", rows=2, columns=2)
        said = float(table[which, is_new])
        x = np.linspace(-1, 1, N)
        Q, _ = np.linalg.qr(np.polynomial.legendre.legvander(x, ORDERS[which]))
        rest = np.eye(N) - Q @ Q.T
        # r = (I - P) e; on new observations e' - P e
        mean = float(np.sum(rest**2) if not is_new else N + np.sum((Q @ Q.T) ** 2)) / N * SIGMA2
        if abs(said - mean) > 2 * TYPED * mean:
            raise NotYet(
                f"order {ORDERS[which]}: over many data sets the mean squared "
                f"{'error on new observations' if is_new else 'residual'} is not {said:.4g}"
                + _cause(said, which, is_new)
            )

    return check


def _cause(said: float, which: int, is_new: int) -> str:
    k = ORDERS[which] + 1
    causes = {
        SIGMA2: "that is the noise alone: what do the parameters do with it?",
        SIGMA2 * (1 + (1 if is_new else -1) * (k - 1) / N): "an order p has p + 1 parameters",
        SIGMA2
        * (1 + (-1 if is_new else 1) * k / N): "which of the two has seen the noise already?",
        SIGMA2 * k / N: "the new observations scatter too",
        np.sqrt(SIGMA2) * (1 + (1 if is_new else -1) * k / N): "σ² is given, not σ",
    }
    near = [says for wrong, says in causes.items() if abs(said - wrong) < TYPED * wrong]
    return f" - {near[0]}" if near else "; simulate a thousand data sets"


EXERCISES = (
    Exercise(
        "bias_variance.1",
        f"""A slow signal x[n] = {CURVATURE} n² is measured with independent errors of variance 1, and x[0]
is estimated by the average of the 2M + 1 samples from −M to M. Which M gives the smallest mean squared
error? By hand: hand in `[M, bias², variance]`. What would happen to M if the noise were ten times
weaker?""",
        _average,
        (
            "What is the average without the noise, and what is the average of the noise alone?",
            "The sum of n² from 1 to M is M(M + 1)(2M + 1)/6, and a factor cancels. Then try a few M.",
        ),
    ),
    Exercise(
        "bias_variance.2",
        """Write `expected_errors(X, truth, sigma, lam)`, without simulating: for ridge regression without
intercept on X (N, F), with y = truth + noise of standard deviation sigma, the squared bias and the variance
of the predictions at the same places, `(bias2, variance)`, both averaged over the N places. The truth (N,)
need not lie in the column space of X.""",
        _expected,
        (
            "The predictions are linear in y: ŷ = S y. What do you get when y is the truth alone, and "
            "what when it is the noise alone?",
            "The covariance of S e is σ² S Sᵀ, and the places stand on its diagonal.",
        ),
    ),
    Exercise(
        "bias_variance.3",
        f"""Polynomials of order {ORDERS[0]} and {ORDERS[1]} are fitted by least squares to {N}
observations of a parabola, with errors of variance σ² = {SIGMA2:g}. Both are rich enough, so neither has a
bias. Predict, averaged over all data sets, the mean squared residual of the training data and the mean
squared error on new observations at the same places; then simulate. Hand in
`[[training, new], [training, new]]`, order {ORDERS[0]} first.""",
        _optimism,
        (
            "The residual is a projection of the noise. Onto how many of the dimensions?",
            "A new observation has a noise of its own, which the fit has not seen; what the fit made of "
            "the old one comes on top.",
        ),
    ),
)
