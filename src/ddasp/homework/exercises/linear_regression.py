"""Three exercises on linear regression: a line by hand, leaving one out, where to measure.

*Conventions*: X (n_observations, n_features), y (n_observations,), theta (n_features,); a column of
ones in X is a feature like any other. Errors are independent, all of variance sigma^2.

*References*: T. Hastie, R. Tibshirani and J. Friedman, "The Elements of Statistical Learning", 2nd ed.
2009, 3.2; R. D. Cook and S. Weisberg, "Residuals and Influence in Regression", 1982 (leverage).
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
TYPED = 6e-4  # four significant digits

# ------------------------------------------------------------------ 1: a line and its error

PLACES, MEASURED = (-1, 1, 3, 5), (2, 6, 4, 8)


def _line(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("residuals sum to zero", _sums_to_zero),
            ("residuals orthogonal to x", _is_orthogonal),
            ("standard error", _has_error),
        ],
    )


def _three(answer: Any) -> tuple[Array, float]:
    """Residuals, and the standard error of the answer."""
    intercept, slope, error = answers.vector(answer, "[θ₀, θ₁, se]", length=3)
    return np.array(MEASURED) - intercept - slope * np.array(PLACES), float(error)


def _sums_to_zero(answer: Any) -> None:
    r, _ = _three(answer)
    if abs(r.sum()) > TYPED * np.sum(MEASURED):
        raise NotYet(
            f"the residuals of your line sum to {r.sum():.4g}, so a line that is shifted by "
            f"{r.mean():.3g} comes nearer"
        )


def _is_orthogonal(answer: Any) -> None:
    r, _ = _three(answer)
    product = float(r @ PLACES)
    if abs(product) > TYPED * float(np.abs(PLACES) @ np.abs(MEASURED)):
        raise NotYet(
            f"Σ x r is {product:.4g} and not 0: the residual still holds something that a line "
            "through 0 along x explains"
        )


def _has_error(answer: Any) -> None:
    r, error = _three(answer)
    _sums_to_zero(answer)
    _is_orthogonal(answer)
    x, n = np.array(PLACES), len(PLACES)
    spread, squares = float(np.sum((x - x.mean()) ** 2)), float(r @ r)
    right = np.sqrt(squares / (n - 2) / spread)
    causes = {
        np.sqrt(
            squares / n / spread
        ): "was the residual divided by n, as if nothing were estimated",
        np.sqrt(squares / (n - 1) / spread): "was one parameter forgotten in n − k",
        np.sqrt(
            squares / (n - 2) / float(x @ x)
        ): "were the x squared without their mean taken off",
        right**2: "is it the variance, without its root",
        np.sqrt(squares / (n - 2)): "is it the error of one observation, not of the slope",
    }
    if abs(error - right) > 2 * TYPED * right:
        near = [says for wrong, says in causes.items() if abs(error - wrong) < 2 * TYPED * wrong]
        raise NotYet(
            f"se² is {error**2:.4g}; it does not equal ‖r‖²/(n − k) times the entry of (XᵀX)⁻¹ that "
            f"belongs to the slope{f' - {near[0]}?' if near else ''}"
        )


# ------------------------------------------------------------------ 2: leaving one out

COMPUTED = 1e-7


def _left_out(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("each left out in turn", _as_if_refitted),
            ("not the residual", _exceeds_residual),
            ("what X explains", _ignores_explained),
            ("order", _keeps_order),
        ],
    )


def _systems() -> list[tuple[str, Array, Array]]:
    rng = np.random.default_rng(61)
    return [
        (
            "a line through 5 points",
            np.column_stack([np.ones(5), np.arange(5.0)]),
            rng.normal(size=5),
        ),
        ("20 observations, 4 features", rng.normal(size=(20, 4)), 5 + rng.normal(size=20)),
        ("a mean of 6", np.ones((6, 1)), 1e3 * rng.normal(size=6)),
    ]


def _errors(answer: Any, X: Array, y: Array) -> Array:
    value = called(function(answer, "leave_one_out(X, y)"), X, y)
    return array(value, "leave_one_out(X, y)", y.shape)


def _fitted(X: Array, y: Array) -> Array:
    return np.asarray(np.linalg.lstsq(X, y, rcond=None)[0])


def _as_if_refitted(answer: Any) -> None:
    for name, X, y in _systems():
        found = _errors(answer, X, y)
        for i in range(len(y)):
            rest = np.arange(len(y)) != i
            error = y[i] - X[i] @ _fitted(X[rest], y[rest])
            if abs(found[i] - error) > COMPUTED * np.abs(y).max():
                raise NotYet(
                    f"{name}: fitted without observation {i}, the line misses it by {error:.4g}; "
                    f"yours says {found[i]:.4g}" + _cause(found[i], error)
                )


def _cause(found: float, error: float) -> str:
    return " - the sign is y minus prediction" if np.isclose(found, -error) else ""


def _exceeds_residual(answer: Any) -> None:
    for name, X, y in _systems():
        found, r = _errors(answer, X, y), y - X @ _fitted(X, y)
        if np.any(np.abs(found) < (1 - COMPUTED) * np.abs(r)):
            i = int(np.argmax(np.abs(r) - np.abs(found)))
            raise NotYet(
                f"{name}: observation {i} is predicted better without it than with it, "
                f"{abs(found[i]):.4g} against {abs(r[i]):.4g}; every point pulls the fit towards itself"
            )
        if np.allclose(found, r, rtol=1e-6):
            raise NotYet(
                f"{name}: these are the residuals of the fit that has seen every observation"
            )


def _ignores_explained(answer: Any) -> None:
    for name, X, y in _systems():
        off = np.abs(_errors(answer, X, y + X.sum(axis=1)) - _errors(answer, X, y)).max()
        if off > COMPUTED * np.abs(y).max():
            raise NotYet(
                f"{name}: adding to y the sum of the columns of X, which every fit explains, changes "
                f"the errors by up to {off:.3g}; was an intercept added, or something centred?"
            )


def _keeps_order(answer: Any) -> None:
    for name, X, y in _systems():
        there, back = _errors(answer, X, y), _errors(answer, X[::-1], y[::-1])[::-1]
        if np.abs(there - back).max() > COMPUTED * np.abs(y).max():
            raise NotYet(f"{name}: the observations in reverse order have other errors")


# ------------------------------------------------------------------ 3: where to measure

N_PLACES, REACH = 6, 2.0


def _design(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("six places within reach", _within),
            ("standard error as predicted", _as_predicted),
            ("none is better", _is_best),
        ],
    )


def _places(answer: Any) -> tuple[Array, Any]:
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(
            f"the answer is {answers.shown(answer)}; expected two things, ([x1 ... x6], se)"
        )
    return np.asarray(answers.vector(answer[0], "the places", length=N_PLACES)), answer[1]


def _within(answer: Any) -> None:
    x, _ = _places(answer)
    if np.abs(x).max() > REACH:
        raise NotYet(f"a place is {x[np.abs(x).argmax()]:g}; you can measure from −2 to 2 alone")


def _of_slope(x: Array) -> float:
    """Standard error of the slope for sigma = 1."""
    spread = float(np.sum((x - x.mean()) ** 2))
    if spread < 1e-9:
        raise NotYet("all places are the same: any slope fits, and its standard error is infinite")
    return float(1 / np.sqrt(spread))


def _as_predicted(answer: Any) -> None:
    x, predicted = _places(answer)
    said, found = answers.number(predicted, "the standard error"), _of_slope(x)
    if abs(said - found) > 0.005 * found:
        raise NotYet(
            f"at your places a slope scatters with {found:.4g} σ from one data set to the next, "
            f"you predicted {said:.4g}"
        )


def _is_best(answer: Any) -> None:
    x, _ = _places(answer)
    _within(answer)
    found = _of_slope(x)
    for i in range(N_PLACES):
        for end in (-REACH, REACH):
            moved = np.where(np.arange(N_PLACES) == i, end, x)
            if np.ptp(moved) > 0 and _of_slope(moved) < found * (1 - 1e-6):
                raise NotYet(
                    f"with the place {x[i]:g} moved to {end:g} the standard error of the slope falls "
                    f"from {found:.4g} to {_of_slope(moved):.4g}"
                )


EXERCISES = (
    Exercise(
        "linear_regression.1",
        f"""Fit a line θ₀ + θ₁x to the four points with x = {", ".join(map(str, PLACES)).replace("-", "−")}
and y = {", ".join(map(str, MEASURED))}, by hand, and give the standard error of its slope. Hand in
`[θ₀, θ₁, se]`; fractions and roots are welcome.""",
        _line,
        (
            "Both normal equations are statements on the residual. Which two?",
            "The slope is easier to see with the mean of x taken off: then XᵀX is diagonal. Two numbers "
            "were estimated before the residual was left.",
        ),
    ),
    Exercise(
        "linear_regression.2",
        """Write `leave_one_out(X, y)`: for each observation i the error y_i − x_iᵀθ of a least squares
fit that has not seen observation i; X (N, F) holds its own column of ones or none. A loop of N fits is
right; can you do it with one?""",
        _left_out,
        (
            "How much does a prediction move when its own y moves by 1? That number is the leverage.",
            "Give observation i the y that the fit without it would predict: the fit then does not "
            "change. What does that say about the prediction of the fit with the true y?",
        ),
    ),
    Exercise(
        "linear_regression.3",
        """You may measure six times, anywhere from x = −2 to x = 2, each time with an independent error
of standard deviation σ = 1, and want the slope of a line (with its intercept) as exactly as can be. Hand in
`([x1, x2, x3, x4, x5, x6], se)`, where se is the standard error of the slope that you predict. Then say why
hardly anybody measures like that.""",
        _design,
        (
            "Which entry of (XᵀX)⁻¹ belongs to the slope, and what of the x does it hold?",
            "It is a lever: the farther from the mean, the better. And what would this design never "
            "show you, if the truth were no line?",
        ),
    ),
)
