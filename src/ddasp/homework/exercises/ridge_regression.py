"""Three exercises on ridge regression: one parameter's worth by hand, the function, what lambda means.

*Conventions*: those of `ddasp.linear.ridge`: J = ||y - theta_0 - X theta||^2 + lambda ||theta||^2, the
sum and not the mean of squares, the intercept not charged. What is handed in is put into the equations
that it should solve.

*References*: A. E. Hoerl and R. W. Kennard, Technometrics 12, 1970; T. Hastie, R. Tibshirani and
J. Friedman, "The Elements of Statistical Learning", 2nd ed. 2009, 3.4.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet
from ddasp.linear.ridge import Ridge

__all__ = ["EXERCISES"]

Array = NDArray[Any]
TYPED = 1e-3  # four significant digits in sums of a few terms
COMPUTED = 1e-7  # relative, for condition numbers up to some 1e4

# ------------------------------------------------------------------ 1: one parameter's worth

FIRST, SECOND, TARGETS = (5, 4, 2, 1), (2, -1, 1, -2), (7, 3, 2, 0)


def _by_hand(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("one degree of freedom", _spends_one),
            ("intercept", _intercept_is_free),
            ("minimum", _is_minimum),
        ],
    )


def _typed(answer: Any) -> tuple[float, Array, Array, Array]:
    """lambda, theta, X (4, 2), residuals (4,)."""
    lam, theta_0, *theta = answers.vector(answer, "[λ, θ₀, θ₁, θ₂]", length=4)
    X = np.column_stack([FIRST, SECOND]).astype(float)
    return float(lam), np.array(theta), X, TARGETS - theta_0 - X @ np.array(theta)


def _spends_one(answer: Any) -> None:
    lam, _, X, _ = _typed(answer)
    if lam <= 0:
        raise NotYet(f"λ is {lam:g}; a cost for the parameters is above 0")
    spent, raw = _degrees(X - X.mean(axis=0), lam), _degrees(X, lam)
    if abs(spent - 1) > TYPED:
        cause = " - were the means of the columns left in?" if abs(raw - 1) < TYPED else ""
        raise NotYet(f"at your λ the filter factors sum to {spent:.4g}; expected 1{cause}")


def _degrees(X: Array, lam: float) -> float:
    squares = np.linalg.svd(X, compute_uv=False) ** 2
    return float(np.sum(squares / (squares + lam)))


def _intercept_is_free(answer: Any) -> None:
    *_, r = _typed(answer)
    if abs(r.sum()) > TYPED * np.sum(TARGETS):
        raise NotYet(
            f"the residuals sum to {r.sum():.4g} and not to 0: another θ₀ comes nearer, and it costs "
            "nothing"
        )


def _is_minimum(answer: Any) -> None:
    lam, theta, X, r = _typed(answer)
    _spends_one(answer)
    slope = (X - X.mean(axis=0)).T @ r
    if np.abs(slope).max() < 4 * TYPED * np.abs(X).max():
        raise NotYet(
            "the residual is orthogonal to both columns: that is least squares, no λ was charged"
        )
    off = np.abs(slope - lam * theta).max()
    if off > TYPED * float(np.abs(X).max() * np.sum(TARGETS)):
        raise NotYet(
            f"at the minimum Xᵀr = λθ; here the two differ by up to {off:.3g}, with the columns of X "
            "centred"
        )


# ------------------------------------------------------------------ 2: the function


def _ridge(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("residuals sum to zero", _sums_to_zero),
            ("gradient", _has_no_gradient),
            ("shift of the targets", _shifts),
            ("more features than observations", _fits_wide),
            ("without a penalty", _becomes_least_squares),
        ],
    )


def _table(n: int, n_features: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, n_features)) @ rng.normal(size=(n_features, n_features)) + 2
    return X, 7 + X[:, 0] + rng.normal(size=n)


def _fit(answer: Any, X: Array, y: Array, lam: float) -> tuple[Array, Array, Array]:
    """theta_0, theta, residuals."""
    value = called(function(answer, "ridge(X, y, lam)"), X, y, lam)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise NotYet(f"ridge(X, y, lam) gives {answers.shown(value)}; expected (theta_0, theta)")
    theta_0 = array(value[0], "theta_0", ())
    theta = array(value[1], "theta", (X.shape[1],))
    return theta_0, theta, y - theta_0 - X @ theta


def _sums_to_zero(answer: Any) -> None:
    X, y = _table(20, 4)
    for lam in (0.5, 50.0):
        *_, r = _fit(answer, X, y, lam)
        if abs(r.mean()) > COMPUTED * np.abs(y).max():
            raise NotYet(
                f"λ = {lam:g}: the residuals have the mean {r.mean():.4g}; expected 0 - was the "
                "intercept charged?"
            )


def _has_no_gradient(answer: Any) -> None:
    X, y = _table(20, 4)
    for lam in (0.5, 50.0):
        _, theta, r = _fit(answer, X, y, lam)
        _refuse_gradient(X, theta, r, lam, "20 observations, 4 features")


def _refuse_gradient(X: Array, theta: Array, r: Array, lam: float, name: str) -> None:
    off = np.abs(X.T @ r - lam * theta).max()
    if off > COMPUTED * np.abs(X).sum() * (np.abs(r).max() + np.abs(theta).max()):
        for cause, said in ((lam * len(X), "the mean in place of the sum"), (lam**2, "λ squared")):
            if np.allclose(X.T @ r, cause * theta, rtol=1e-5, atol=1e-6):
                raise NotYet(f"{name}, λ = {lam:g}: J is least for another λ - {said} of squares?")
        raise NotYet(
            f"{name}, λ = {lam:g}: the gradient of J by θ is not zero there, Xᵀr and λθ differ by up "
            f"to {off:.3g}"
        )


def _shifts(answer: Any) -> None:
    X, y = _table(20, 4)
    (low, theta, _), (high, same, _) = _fit(answer, X, y, 5.0), _fit(answer, X, y + 100, 5.0)
    off = max(float(np.abs(theta - same).max()), abs(float(high - low) - 100))
    if off > COMPUTED * 100:
        raise NotYet(
            f"all targets raised by 100: θ₀ must rise by 100 and θ stay; it is off by {off:.3g}"
        )


def _fits_wide(answer: Any) -> None:
    X, y = _table(5, 9)
    _, theta, r = _fit(answer, X, y, 2.0)
    _refuse_gradient(X, theta, r, 2.0, "5 observations, 9 features")


def _becomes_least_squares(answer: Any) -> None:
    X, y = _table(20, 4)
    _, _, r = _fit(answer, X, y, 0.0)
    off = np.abs(X.T @ r).max()
    if off > COMPUTED * np.abs(X).sum() * np.abs(y).max():
        raise NotYet(
            f"λ = 0 is least squares, but the residual is not orthogonal to X, by {off:.3g}"
        )


# ------------------------------------------------------------------ 3: what lambda means

LAMBDA, N, COPIES, MILLI = 3.0, 20, 4, 1000.0


def _meanings(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("copies", _judge(0, lambda X, y: (np.tile(X, (COPIES, 1)), np.tile(y, COPIES)), 1.0)),
            ("features in millimetres", _judge(1, lambda X, y: (MILLI * X, y), 1.0)),
            ("targets in millimetres", _judge(2, lambda X, y: (X, MILLI * y), MILLI)),
            ("mean for sum", _judge(3, lambda X, y: (X / N**0.5, y / N**0.5), N**-0.5)),
        ],
    )


def _judge(
    which: int, changed: Callable[[Array, Array], tuple[Array, Array]], unit: float
) -> Callable[[Any], None]:
    """The check that ridge on a changed table predicts as it did, in the unit of its targets."""

    def check(answer: Any) -> None:
        lam = float(answers.vector(answer, "[λa, λb, λc, λd]", length=4)[which])
        if lam < 0:
            raise NotYet(f"λ is {lam:g}; a cost is not below 0")
        X, y = _table(N, 3)
        X, y = X - X.mean(axis=0), y - y.mean()
        before = Ridge(LAMBDA).fit(X, y).coef_
        table, targets = changed(X, y)
        after = Ridge(lam).fit(table, targets).coef_ * (table[0, 0] / X[0, 0]) / unit
        ratio = float(np.linalg.norm(after) / np.linalg.norm(before))
        if np.abs(after - before).max() > 1e-4 * np.abs(before).max():
            sense = "less" if ratio < 1 else "more"
            raise NotYet(
                f"with your λ = {lam:g} the predictions spread {ratio:.4g} times as far as before: "
                f"{sense} is left than λ = {LAMBDA:g} left; try it on a drawn table"
            )

    return check


EXERCISES = (
    Exercise(
        "ridge_regression.1",
        f"""Two features, x₁ = ({", ".join(map(str, FIRST))}) and
x₂ = ({", ".join(map(str, SECOND)).replace("-", "−")}),
and the targets y = ({", ".join(map(str, TARGETS))}). Which λ leaves exactly one effective degree of freedom
(the intercept not counted), and where does ridge regression then stand? By hand: `[λ, θ₀, θ₁, θ₂]`.""",
        _by_hand,
        (
            "What has to be taken off the columns before XᵀX says anything about ridge regression?",
            "The centred XᵀX has the eigenvectors (1, 1) and (1, −1). Two filter factors that sum to 1: "
            "a quadratic equation for λ in which one term cancels.",
        ),
    ),
    Exercise(
        "ridge_regression.2",
        """Write `ridge(X, y, lam)` with NumPy alone: `(theta_0, theta)` that minimise
‖y − θ₀ − Xθ‖² + λ‖θ‖² for X (N, F) of any shape, the intercept free of charge. Before you run it: what
must be true of the residuals, whatever λ is?""",
        _ridge,
        (
            "The derivative by θ₀ has no λ in it. What does it say, and what does it allow you to do "
            "with X and y first?",
            "After the means are off, one linear system of F equations is left. It can be solved for "
            "every shape of X, for it is not XᵀX that is inverted.",
        ),
    ),
    Exercise(
        "ridge_regression.3",
        f"""Ridge regression with λ = {LAMBDA:g} was fitted to a table of {N} rows. Which λ gives the same
predictions (a) when every row stands in the table {COPIES} times, (b) when all features are written in
millimetres instead of metres, (c) when instead the targets are, and the predictions with them, (d) in a
program that minimises the mean of the squared residuals plus λ‖θ‖²? Predict
`[λa, λb, λc, λd]`, then try.""",
        _meanings,
        (
            "λ is compared with s². What does each change do to the singular values of X?",
            "Write J before and after; two objectives have the same minimum when one is a multiple of "
            "the other. In (b) θ has another unit too.",
        ),
    ),
)
