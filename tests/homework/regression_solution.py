"""A hand-in for task 2 that is right for every id, and a way to run one within the tests.

Training is Levenberg and Marquardt's, on the smallest network of the ladder: it comes to rest within
some fifty steps, and begins anew where that was no good place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from ddasp.homework.draw import Draw
from ddasp.homework.parts import Call, Finding, Outcome
from ddasp.homework.tasks.regression_with_nonlinear_model import TASK, draw

__all__ = [
    "STUDENT",
    "answers",
    "calls_of",
    "findings",
    "judge",
    "program_text",
    "sheet_of",
    "with_mistake",
]

STUDENT = "example"
sheet_of = cache(draw)

PROGRAM = """\
# Whose and which task this is.
TASK = "regression_with_nonlinear_model"
STUDENT = "{student}"
VERSION = 1

import numpy as np

SEED = 1
STEPS = 3000
ATTEMPT = 60


def left_inverse(A):
    return np.linalg.solve(A.T @ A, A.T)


def linear_model(X, y):
    B = np.column_stack([np.ones(len(X)), X])
    return left_inverse(B) @ y


def linear_risk(theta, X, y):
    r = y - theta[0] - X @ theta[1:]
    return np.mean(r**2)


def forward(parameters, X):
    Z, A = [], []
    below = X
    for W, b in zip(parameters[::2], parameters[1::2]):
        Z.append(below @ W + b)
        below = np.tanh(Z[-1])
        A.append(below)
    A[-1] = Z[-1]
    return {{"Z": Z, "A": A, "prediction": Z[-1][:, 0]}}


def risk(parameters, X, y):
    r = forward(parameters, X)["prediction"] - y
    return np.mean(r**2)


def backward(parameters, X, y):
    layers = forward(parameters, X)
    A = [X, *layers["A"]]
    weights = parameters[::2]
    D = 2 * (layers["prediction"] - y)[:, np.newaxis] / len(y)
    deltas, gradients = [], []
    for i in reversed(range(len(weights))):
        deltas.insert(0, D)
        gradients = [A[i].T @ D, D.sum(axis=0), *gradients]
        if i:
            D = (D @ weights[i].T) * (1 - A[i] ** 2)
    return {{"deltas": deltas, "gradients": gradients}}


def network():
    return [3]


def drawn(rng):
    sizes = [2, *network(), 1]
    parameters = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        parameters += [rng.normal(size=(n_in, n_out)), rng.normal(size=n_out)]
    return parameters


def initial(seed=SEED):
    return drawn(np.random.default_rng(seed))


def residuals_and_slopes(theta, X, y):
    n = network()[0]
    W, b, v = theta[: 2 * n].reshape(2, n), theta[2 * n : 3 * n], theta[3 * n : 4 * n]
    A = np.tanh(X @ W + b)
    D = (1 - A**2) * v
    slopes = np.hstack([X[:, :1] * D, X[:, 1:] * D, D, A, np.ones((len(X), 1))])
    return A @ v + theta[-1] - y, slopes


def train(X, y, steps=STEPS, seed=SEED):
    rng = np.random.default_rng(seed)
    parameters = drawn(rng)  # = initial(seed)
    theta = np.concatenate([p.ravel() for p in parameters])
    r, J = residuals_and_slopes(theta, X, y)
    history, damping = [np.mean(r**2)], 0.01
    for step in range(steps):
        if step % ATTEMPT == ATTEMPT - 1 and history[-1] > 1e-4:
            there, damping = np.concatenate([p.ravel() for p in drawn(rng)]), 0.01
            r, J = residuals_and_slopes(there, X, y)
            theta = there
        elif history[-1] > 1e-12:
            H = J.T @ J
            there = theta - np.linalg.solve(H + damping * np.diag(np.diag(H) + 1e-9), J.T @ r)
            r_there, J_there = residuals_and_slopes(there, X, y)
            if r_there @ r_there < r @ r:
                theta, r, J, damping = there, r_there, J_there, max(damping / 5, 1e-12)
            else:
                damping = min(4 * damping, 1e8)
        history.append(np.mean(r**2))
    cuts = np.cumsum([p.size for p in parameters])[:-1]
    parts = np.split(theta, cuts)
    found = [part.reshape(p.shape) for part, p in zip(parts, parameters)]
    return {{"parameters": found, "history": history}}


def n_parameters(widths):
    sizes = [2, *widths, 1]
    return sum((n_in + 1) * n_out for n_in, n_out in zip(sizes, sizes[1:]))


def residual_analysis(X, y, predicted):
    r = y - predicted
    worst = np.argmax(np.abs(r))
    return {{
        "mean": np.mean(r),
        "std": np.std(r),
        "r2": 1 - np.sum(r**2) / np.sum((y - np.mean(y)) ** 2),
        "largest": abs(r[worst]),
        "where": worst,
        "correlation": [np.corrcoef(r, x)[0, 1] for x in X.T],
    }}
"""


def program_text(student: str = STUDENT) -> str:
    """A whole hand-in, as a .py file."""
    return PROGRAM.format(student=student)


def with_mistake(*changes: tuple[str, str], student: str = STUDENT) -> str:
    """The hand-in with other lines in it; each must have been there."""
    text = program_text(student)
    for old, new in changes:
        if old not in text:
            raise ValueError(f"the solution has no line {old!r}")
        text = text.replace(old, new)
    return text


def calls_of(key: str, student: str = STUDENT, salt: str = "salt") -> list[Call]:
    """What is called for a part."""
    calls = TASK.part(key).calls
    assert calls is not None
    return calls(sheet_of(student), Draw(salt, TASK.name, str(TASK.version), student, key))


def judge(
    key: str, calls: Sequence[Call], outcomes: Sequence[Outcome], student: str = STUDENT
) -> dict[str, Finding]:
    """What the judge of a part says, by item."""
    judges = TASK.part(key).judge
    assert judges is not None
    return {f.item: f for f in judges(sheet_of(student), calls, outcomes)}


@cache
def findings(program: str, key: str, student: str = STUDENT) -> dict[str, Finding]:
    """A part of a hand-in, run and judged."""
    calls = calls_of(key, student)
    return judge(key, calls, answers(program, calls), student)


def answers(program: str, calls: Sequence[Call]) -> list[Outcome]:
    """What the calls come to, in this process; values go through JSON as elsewhere."""
    names: dict[str, Any] = {}
    exec(compile(program, "submission", "exec"), names)
    return [_outcome(names, call) for call in calls]


def _outcome(names: dict[str, Any], call: Call) -> Outcome:
    if call.function not in names:
        return Outcome("not attempted", None, f"there is no function {call.function}")
    try:
        value = names[call.function](*_copies(list(call.arguments)))
        plain = json.loads(json.dumps(value, default=_plain))
    except NotImplementedError as stub:
        return Outcome("not attempted", None, str(stub))
    except Exception as error:
        return Outcome("failed", None, f"{type(error).__name__}: {error}")
    return Outcome("not attempted" if plain is None else "value", plain)


def _copies(value: Any) -> Any:
    if isinstance(value, list):
        return [_copies(inner) for inner in value]
    return value.copy() if isinstance(value, np.ndarray) else value


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"it gave {type(value).__name__}")
