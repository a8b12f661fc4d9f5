"""Mistakes that people make in equations, each planted into a right hand-in: the message names it."""

from __future__ import annotations

import re

import pytest

from ddasp.homework.parts import NOT_YET, RIGHT

from .regression_solution import findings, program_text, with_mistake

KEYS = ["1", "3", "4", "8"]
Changes = tuple[tuple[str, str], ...]


def changed(*pairs: str) -> Changes:
    return tuple(zip(pairs[::2], pairs[1::2], strict=True))


OWN, OTHER = "linear model of your data", "linear model of other data"
PROJECTING = "np.linalg.solve(A.T @ A, A.T)"

LINEAR = [
    (
        "no bias",
        changed("left_inverse(B) @ y", "np.append(0, left_inverse(X) @ y)"),
        OTHER,
        r"not orthogonal to the column of ones for \d+ hidden observations",
    ),
    (
        "no bias on centred data",
        changed("left_inverse(B) @ y", "np.append(0, left_inverse(X) @ y)"),
        OWN,
        r"not orthogonal to the column of ones for your data",
    ),
    (
        "bias last",
        changed("left_inverse(B) @ y", "np.roll(left_inverse(B) @ y, -1)"),
        OTHER,
        r"not orthogonal to x2 for",
    ),
    (
        "weights typed in",
        changed("left_inverse(B) @ y", "[0.01, 0.2, -0.3]"),
        OWN,
        r"not orthogonal to x2 for",
    ),
    (
        "only two weights",
        changed("left_inverse(B) @ y", "left_inverse(X) @ y"),
        OTHER,
        r"has 2 entries; expected 3",
    ),
    (
        "ridge",
        changed(PROJECTING, "np.linalg.solve(A.T @ A + np.eye(A.shape[1]), A.T)"),
        "left inverse",
        r"L A = I fails for a hidden matrix A of shape \(\d, 3\)",
    ),
    (
        "a left inverse of another inner product",
        changed(
            PROJECTING,
            "np.linalg.solve(A.T @ (A * np.arange(1, len(A) + 1)[:, None]), "
            "(A * np.arange(1, len(A) + 1)[:, None]).T)",
        ),
        "left inverse",
        r"A L = \(A L\)ᵀ",
    ),
    (
        "left inverse of the transpose",
        changed(PROJECTING, "np.linalg.solve(A.T @ A, A.T).T"),
        "left inverse",
        r"is it transposed",
    ),
    ("no inverse, only Aᵀ", changed(PROJECTING, "A.T"), "left inverse", r"L A = I fails"),
    (
        "half the risk",
        changed("theta[1:]\n    return np.mean(r**2)", "theta[1:]\n    return np.mean(r**2) / 2"),
        "risk of a linear model",
        r"risk = mean of \(y − B theta\)² fails .*: it is 0\.5 times",
    ),
    (
        "sum for mean",
        changed("theta[1:]\n    return np.mean(r**2)", "theta[1:]\n    return np.sum(r**2)"),
        "risk of a linear model",
        r"risk = mean of",
    ),
    (
        "absolute residuals",
        changed("theta[1:]\n    return np.mean(r**2)", "theta[1:]\n    return np.mean(abs(r))"),
        "risk of a linear model",
        r"risk = mean of",
    ),
    (
        "another theta than the one given",
        changed("    r = y - theta[0]", "    theta = linear_model(X, y)\n    r = y - theta[0]"),
        "risk of a linear model",
        r"risk = mean of",
    ),
]

SUMS, UNITS, OUTPUT = "Z of each layer", "A of the tanh layers", "prediction of the linear output"

FORWARD = [
    (
        "forgotten bias",
        changed("below @ W + b", "below @ W"),
        SUMS,
        r"Z1 = X W1 \+ b1 fails for a 2-\d-1 network",
    ),
    ("bias subtracted", changed("below @ W + b", "below @ W - b"), SUMS, r"Z1 = X W1 \+ b1 fails"),
    (
        "standardised inputs",
        changed("    below = X\n", "    below = (X - X.mean(0)) / 2\n"),
        SUMS,
        r"Z1 = X W1 \+ b1 fails",
    ),
    (
        "Z handed up for A",
        changed("A.append(below)", "A.append(below)\n        below = Z[-1]"),
        SUMS,
        r"Z2 = A1 W2 \+ b2 fails",
    ),
    (
        "two layers only",
        changed("parameters[1::2]):\n        Z", "parameters[1:4:2]):\n        Z"),
        SUMS,
        r"Z has 2 arrays for a 3-\d-\d-1 network .*; expected 3",
    ),
    ("transposed Z", changed('{"Z": Z,', '{"Z": [z.T for z in Z],'), SUMS, r"is it transposed"),
    (
        "ReLU",
        changed("below = np.tanh(Z[-1])", "below = np.maximum(Z[-1], 0)"),
        UNITS,
        r"A1 = tanh\(Z1\) fails",
    ),
    (
        "sigmoid",
        changed("below = np.tanh(Z[-1])", "below = 1 / (1 + np.exp(-Z[-1]))"),
        UNITS,
        r"A1 = tanh\(Z1\) fails",
    ),
    (
        "tanh at the output",
        changed("    A[-1] = Z[-1]\n", ""),
        OUTPUT,
        r"A2 = Z2 \(the output is linear\) fails",
    ),
    (
        "prediction through tanh",
        changed('"prediction": Z[-1][:, 0]', '"prediction": np.tanh(Z[-1][:, 0])'),
        OUTPUT,
        r"prediction = Z2 fails",
    ),
    (
        "one number for all",
        changed('"prediction": Z[-1][:, 0]', '"prediction": Z[-1][0]'),
        OUTPUT,
        r"has 1 entry; expected",
    ),
    (
        "squeezed once too often",
        changed('"prediction": Z[-1][:, 0]', '"prediction": np.squeeze(Z[-1])'),
        "one observation",
        r"prediction for a 2-\d-1 network and 1 observation is .*; expected a list",
    ),
    ("no A at all", changed('"A": A, ', ""), UNITS, r"forward gave a dict without 'A'"),
    (
        "a tuple for the dict",
        changed('{"Z": Z, "A": A, "prediction": Z[-1][:, 0]}', "Z, A"),
        SUMS,
        r"forward gave a list of 2; expected a dict with 'Z'",
    ),
]

D_OUT, D_HIDDEN = "dL/dZ of the output", "dL/dZ of the tanh layers"
ERROR, SLOPE = '2 * (layers["prediction"] - y)[:, np.newaxis] / len(y)', "* (1 - A[i] ** 2)"
MEAN = '["prediction"] - y\n    return np.mean(r**2)'

BACKWARD = [
    (
        "wrong sign",
        changed(ERROR, ERROR.replace("2 *", "-2 *")),
        D_OUT,
        r"dL/dZ2 = the derivative of the risk fails for a 2-\d-1 network .* about -1 times",
    ),
    ("missing 2", changed(ERROR, ERROR.replace("2 * ", "")), D_OUT, r"dL/dZ2 .* about 0\.5 times"),
    (
        "missing 1/N",
        changed(ERROR, ERROR.replace(" / len(y)", "")),
        D_OUT,
        r"dL/dZ2 .* about [4567] times",
    ),
    (
        "1/N twice",
        changed("A[i].T @ D,", "A[i].T @ D / len(X),"),
        "dL/dW",
        r"dL/dW1 .* about 0\.\d+ times",
    ),
    (
        "tanh' = 1 - z²",
        changed(SLOPE, '* (1 - layers["Z"][i - 1] ** 2)'),
        D_HIDDEN,
        r"dL/dZ1 = .* fails for a 2-\d-1 network",
    ),
    ("tanh' = 1 - a", changed(SLOPE, "* (1 - A[i])"), D_HIDDEN, r"dL/dZ1 = .* fails"),
    ("tanh' forgotten", changed(SLOPE, ""), D_HIDDEN, r"dL/dZ1 = .* fails"),
    ("tanh' of ReLU", changed(SLOPE, "* (A[i] > 0)"), D_HIDDEN, r"dL/dZ1 = .* fails"),
    (
        "tanh' in the upper layer only",
        changed(SLOPE, "* (1 - A[i] ** 2 if i == len(weights) - 1 else 1)"),
        D_HIDDEN,
        r"dL/dZ1 = .* fails for a 3-\d-\d-1 network",
    ),
    (
        "deltas from below",
        changed("deltas.insert(0, D)", "deltas.append(D)"),
        D_OUT,
        r"deltas\[0\] for .* has shape",
    ),
    (
        "delta of the wrong layer",
        changed("(D @ weights[i].T)", "(deltas[-1] @ weights[-1].T)[:, :1]"),
        D_HIDDEN,
        r"dL/dZ1 = .* fails",
    ),
    (
        "W not transposed",
        changed("D @ weights[i].T", "D @ weights[i]"),
        D_HIDDEN,
        r"backward: ValueError|dL/dZ1",
    ),
    (
        "Z for A in dL/dW",
        changed("[A[i].T @ D,", '[(layers["Z"][i - 1] if i else X).T @ D,'),
        "dL/dW",
        r"dL/dW2 = .* fails",
    ),
    (
        "dL/dW transposed",
        changed("[A[i].T @ D,", "[D.T @ A[i],"),
        "dL/dW",
        r"has shape .* is it transposed|has shape",
    ),
    ("dL/db of one observation", changed("D.sum(axis=0)", "D[0]"), "dL/db", r"dL/db1 = .* fails"),
    ("dL/db not summed", changed("D.sum(axis=0)", "D"), "dL/db", r"gradients\[1\] for .* expected"),
    (
        "dL/db a mean",
        changed("D.sum(axis=0)", "D.mean(axis=0)"),
        "dL/db",
        r"dL/db1 = .* about 0\.\d+ times",
    ),
    (
        "dL/db summed over units",
        changed("D.sum(axis=0)", "D.sum(axis=1)"),
        "dL/db",
        r"gradients\[1\] .* entries; expected|dL/db1",
    ),
    (
        "no dL/db",
        changed("A[i].T @ D, D.sum(axis=0), *", "A[i].T @ D, *"),
        "dL/dW",
        r"gradients has 2 arrays .* expected 4",
    ),
    (
        "half the risk",
        changed(MEAN, MEAN + " / 2"),
        "risk",
        r"risk = mean of \(prediction − y\)² fails .*: it is 0\.5 times",
    ),
    (
        "root of the risk",
        changed(MEAN, '["prediction"] - y\n    return np.sqrt(np.mean(r**2))'),
        "risk",
        r"risk = mean of",
    ),
    (
        "a column minus a row",
        changed(MEAN, '["Z"][-1] - y\n    return np.mean(r**2)'),
        "risk",
        r"risk = mean of",
    ),
    (
        "divided by N - 1",
        changed(ERROR, ERROR.replace("len(y)", "max(len(y) - 1, 1)")),
        D_OUT,
        r"dL/dZ2 .* about 1\.\d times",
    ),
    (
        "right for many only",
        changed(ERROR, ERROR.replace("/ len(y)", "/ max(len(y), 2)")),
        "derivatives with one observation",
        r"dL/dZ2 .* fails for a 2-\d-1 network and 1 observation",
    ),
]

RESIDUALS = [
    (
        "prediction minus target",
        changed("r = y - predicted", "r = predicted - y"),
        "residuals: mean",
        r"mean = mean of r fails for 25 hidden observations: it is -1 times",
    ),
    (
        "std with N - 1",
        changed("np.std(r)", "np.std(r, ddof=1)"),
        "residuals: std",
        r"std = √\(mean of \(r − mean\)²\), with 1/N, fails",
    ),
    (
        "std about zero",
        changed("np.std(r)", "np.sqrt(np.mean(r**2))"),
        "residuals: std",
        r"std = √",
    ),
    (
        "r2 of the variance of r",
        changed("np.sum(r**2) / np.sum", "np.sum((r - r.mean())**2) / np.sum"),
        "residuals: r2",
        r"r2 = 1 − Σ r²",
    ),
    ("r2 about zero", changed("(y - np.mean(y))", "y"), "residuals: r2", r"r2 = 1 − Σ r²"),
    (
        "a signed largest",
        changed("abs(r[worst])", "r[worst]"),
        "residuals: largest",
        r"largest = max \|r\|",
    ),
    (
        "largest without its size",
        changed("np.argmax(np.abs(r))", "np.argmax(r)"),
        "residuals: where",
        r"where = row of the largest",
    ),
    (
        "rows from 1",
        changed('"where": worst', '"where": worst + 1'),
        "residuals: where",
        r"counted from 0, fails .*: it is the next row - counted from 1\?",
    ),
    (
        "correlation with y",
        changed("np.corrcoef(r, x)", "np.corrcoef(y, x)"),
        "residuals: correlation",
        r"correlation = those of r with each column of X fails",
    ),
    (
        "covariance",
        changed("np.corrcoef(r, x)", "np.cov(r, x)"),
        "residuals: correlation",
        r"correlation = ",
    ),
]

MISTAKES = [
    pytest.param(key, *mistake[1:], id=f"{key}: {mistake[0]}")
    for key, mistakes in {"1": LINEAR, "3": FORWARD, "4": BACKWARD, "8": RESIDUALS}.items()
    for mistake in mistakes
]


@pytest.mark.parametrize(("key", "changes", "item", "says"), MISTAKES)
def test_a_mistake_is_caught_by_the_property_that_it_breaks(
    key: str, changes: Changes, item: str, says: str
) -> None:
    finding = findings(with_mistake(*changes), key)[item]
    assert finding.status == NOT_YET
    assert re.search(says, finding.says), finding.says


@pytest.mark.parametrize("key", KEYS)
def test_without_a_mistake_all_items_are_right(key: str) -> None:
    assert {f.status for f in findings(program_text(), key).values()} == {RIGHT}


def test_a_mistake_in_one_layer_leaves_the_others_their_points() -> None:
    found = findings(with_mistake(*changed("D.sum(axis=0)", "D[0]")), "4")
    assert found["dL/dW"].status == RIGHT
    assert found["dL/dZ of the tanh layers"].status == RIGHT


def test_zeros_are_worth_nothing() -> None:
    program = with_mistake(
        (
            '    return {"Z": Z, "A": A, "prediction": Z[-1][:, 0]}',
            '    return {"Z": [0 * z for z in Z], "A": [0 * z for z in Z], "prediction": 0 * X[:, 0]}',
        )
    )
    found = findings(program, "3")
    assert {f.status for f in found.values()} == {NOT_YET}
    assert re.search("all of its entries are the same", found[UNITS].says)


def test_single_precision_is_precise_enough() -> None:
    """Rounding is no mistake: 1e-7 of a number here, against 1e-5 that counts as equal."""
    program = with_mistake(
        (
            "below = X\n",
            "below = X.astype(np.float32)\n    parameters = [p.astype(np.float32) for p in parameters]\n",
        ),
        ("    return left_inverse(B) @ y", "    return (left_inverse(B) @ y).astype(np.float32)"),
    )
    for key in ("1", "3", "4"):
        assert {f.status for f in findings(program, key).values()} == {RIGHT}, key


def test_a_prediction_may_be_a_column() -> None:
    program = with_mistake(
        ('"prediction": Z[-1][:, 0]}', '"prediction": Z[-1]}'),
        ('["prediction"] - y\n    return', '["prediction"][:, 0] - y\n    return'),
    )
    assert {f.status for f in findings(program, "3").values()} == {RIGHT}


QUOTIENTS = """
def backward(parameters, X, y):
    def slopes(of, at, h=STEP):
        found = np.zeros_like(at)
        for index in np.ndindex(at.shape):
            there = at.copy()
            there[index] += h
            above = of(there)
            there[index] -= 2 * h
            found[index] = (above - of(there)) / (2 * h)
        return found

    def with_Z(Z, i):
        for W, b in zip(parameters[2 * i + 2 :: 2], parameters[2 * i + 3 :: 2]):
            Z = np.tanh(Z) @ W + b
        return np.mean((Z[:, 0] - y) ** 2)

    def with_parameter(p, i):
        return risk([*parameters[:i], p, *parameters[i + 1 :]], X, y)

    Z = forward(parameters, X)["Z"]
    return {
        "deltas": [slopes(lambda at, i=i: with_Z(at, i), z) for i, z in enumerate(Z)],
        "gradients": [
            slopes(lambda at, i=i: with_parameter(at, i), p) for i, p in enumerate(parameters)
        ],
    }
"""


@pytest.mark.parametrize("step", ["1e-6", "1e-4", "1e-2", "1.0"])
def test_difference_quotients_of_any_step_are_no_backward_pass(step: str) -> None:
    found = findings(program_text() + QUOTIENTS.replace("STEP", step), "4")
    derivatives = [found[item] for item in found if item.startswith("dL/d")]
    assert len(derivatives) == 4
    assert {f.status for f in derivatives} == {NOT_YET}
    if step == "1e-6":
        assert "difference quotients have no digits left there" in derivatives[0].says
