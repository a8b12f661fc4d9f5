"""Checks of parts 1 and 8: the linear model by left inverse, and the analysis of residuals.

A linear model is right when its residual is orthogonal to every column of the design matrix B =
[1, x1, ..., xF] (the normal equations); nothing is fitted here. A left inverse L of A is the one that
solves least squares when L A = I and A L is symmetric, the orthogonal projector on the column space.

*Conventions*: X (N, F), y (N,), theta (1 + F,) with the bias first; standard deviations with 1/N.

*References*: G. Strang, Introduction to Linear Algebra, 6th ed., 2023, chapter 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.answers import matrix, number, vector
from ddasp.homework.draw import Draw
from ddasp.homework.parts import Call, Finding, NotYet, Outcome, Sheet
from ddasp.homework.tasks.regression_data import data_of
from ddasp.homework.tasks.regression_reading import CLOSE, Answer, equal, item, value_of

__all__ = ["analysis_calls", "judge_analysis", "judge_linear", "linear_calls"]

Array = NDArray[np.float64]


def _some(draw: Draw, *shape: int, low: float = -2.0, high: float = 2.0) -> Array:
    return np.array([draw.uniform(low, high) for _ in range(int(np.prod(shape)))]).reshape(shape)


def linear_calls(sheet: Sheet, draw: Draw) -> list[Call]:
    """A tall matrix, hidden data far from mean zero, hidden weights; and the student's own data.

    Parameters
    ----------
    sheet : Sheet
    draw : Draw
    """
    n = draw.between(20, 40)
    X, y = _some(draw, n, 2, low=-1.0, high=4.0), _some(draw, n, low=1.0, high=6.0)
    return [
        Call("left_inverse", (_some(draw, draw.between(6, 9), 3),)),
        Call("linear_model", (X, y)),
        Call("linear_risk", (_some(draw, 3), X, y)),
        Call("linear_model", data_of(sheet)),
    ]


def judge_linear(sheet: Sheet, calls: Sequence[Call], outcomes: Sequence[Outcome]) -> list[Finding]:
    """Findings of part 1.

    Parameters
    ----------
    sheet : Sheet
    calls, outcomes : sequence
        Of `linear_calls`.
    """
    inverse, model, risk, own = zip(calls, outcomes, strict=True)
    return [
        item("left inverse", [inverse], partial(_left_inverse, inverse)),
        item("linear model of other data", [model], partial(_linear_model, model)),
        item("risk of a linear model", [risk], partial(_linear_risk, risk)),
        item("linear model of your data", [own], partial(_linear_model, own, on_board=True)),
    ]


def _left_inverse(answer: Answer) -> None:
    (A,) = answer[0].arguments
    m, n = A.shape
    where = f"a hidden matrix A of shape {A.shape}"
    L = matrix(answer[1].value, f"left_inverse(A) for {where}", rows=n, columns=m)
    equal(L @ A, np.eye(n), "L A = I", where)
    equal(A @ L, (A @ L).T, "A L = (A L)ᵀ, so that A L b is the projection of b,", where)


def _design(X: Array) -> Array:
    return np.column_stack([np.ones(len(X)), X])


def _linear_model(answer: Answer, *, on_board: bool = False) -> dict[str, float] | None:
    X, y = answer[0].arguments
    where = "your data" if on_board else f"{len(X)} hidden observations"
    B = _design(X)
    theta = vector(answer[1].value, f"linear_model(X, y) for {where}", length=B.shape[1])
    r = y - B @ theta
    # Cosines are measured against y: the residual itself may be as small as rounding.
    cosines = np.abs(B.T @ r) / (np.linalg.norm(B, axis=0) * np.linalg.norm(y - y.mean()))
    worst = int(np.argmax(cosines))
    if cosines[worst] > CLOSE:
        column = f"x{worst}" if worst else "the column of ones"
        raise NotYet(
            f"the residual is not orthogonal to {column} for {where}: their inner product is "
            f"{cosines[worst]:.2g} times the product of the norms of {column} and y"
        )
    return {"parameters": 3.0, "risk": float(np.mean(r**2))} if on_board else None


def _linear_risk(answer: Answer) -> None:
    theta, X, y = answer[0].arguments
    expected = np.mean((y - _design(X) @ theta) ** 2)
    where = f"a hidden theta and {len(X)} hidden observations"
    found = number(answer[1].value, f"linear_risk(theta, X, y) for {where}")
    equal(np.array([found]), np.array([expected]), "risk = mean of (y − B theta)²", where)


def analysis_calls(sheet: Sheet, draw: Draw) -> list[Call]:
    """Hidden data and predictions that are off, by a mean and with a trend.

    Parameters
    ----------
    sheet : Sheet
    draw : Draw
    """
    calls = []
    for n, n_features, sign in ((25, 2, 1.0), (40, 3, -1.0)):
        X, y = _some(draw, n, n_features), _some(draw, n)
        trend = sign * draw.uniform(0.2, 0.4)
        predicted = 0.7 * y + trend * (1.0 + X[:, 0]) + 0.3 * _some(draw, n)
        predicted[draw.below(n)] += sign * 4.0  # so that largest |r| has either sign
        calls.append(Call("residual_analysis", (X, y, predicted)))
    return calls


LAWS: dict[str, tuple[str, Callable[[Array, Array, Array], Any]]] = {
    "mean": ("mean = mean of r", lambda X, y, r: np.mean(r)),
    "std": ("std = √(mean of (r − mean)²), with 1/N,", lambda X, y, r: np.std(r)),
    "r2": ("r2 = 1 − Σ r² / Σ (y − mean of y)²", lambda X, y, r: 1 - np.mean(r**2) / np.var(y)),
    "largest": ("largest = max |r|", lambda X, y, r: np.max(np.abs(r))),
    "where": (
        "where = row of the largest |r|, counted from 0,",
        lambda X, y, r: np.argmax(np.abs(r)),
    ),
    "correlation": (
        "correlation = those of r with each column of X",
        lambda X, y, r: (X - X.mean(0)).T @ (r - r.mean()) / (len(r) * X.std(0) * r.std()),
    ),
}


def judge_analysis(
    sheet: Sheet, calls: Sequence[Call], outcomes: Sequence[Outcome]
) -> list[Finding]:
    """Findings of part 8.

    Parameters
    ----------
    sheet : Sheet
    calls, outcomes : sequence
        Of `analysis_calls`.
    """
    answers = list(zip(calls, outcomes, strict=True))
    return [item(f"residuals: {key}", answers, partial(_analysis, answers, key)) for key in LAWS]


def _analysis(answers: Sequence[Answer], key: str) -> None:
    law, of = LAWS[key]
    for answer in answers:
        X, y, predicted = answer[0].arguments
        expected = np.atleast_1d(of(X, y, y - predicted)).astype(float)
        where = f"{len(X)} hidden observations"
        value = value_of(answer, key)
        name = f"{key} for {where}"
        if key == "correlation":
            found = vector(value, name, length=X.shape[1])
        else:
            found = np.array([number(value, name)])
        if key == "where":
            _row_of_largest(float(found[0]), np.abs(y - predicted), f"{law} fails for {where}")
        else:
            equal(found, expected, law, where)


def _row_of_largest(row: float, size: Array, says: str) -> None:
    """Raise unless the row is one where the size is largest; the text doesn't say how far it is."""
    largest = np.flatnonzero(size >= (1 - CLOSE) * size.max())
    if row in largest:
        return
    if row - 1 in largest:
        raise NotYet(f"{says}: it is the next row - counted from 1?")
    raise NotYet(f"{says}: |r| is larger in another row than in row {row:g}")
