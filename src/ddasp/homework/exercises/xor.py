"""Three exercises on exclusive or: weights by hand, whether a line is enough, parity of n bits.

*Conventions*: a network of two layers is (W1 (n_inputs, n_hidden), b1 (n_hidden,), w2 (n_hidden,), b2),
its output relu(X W1 + b1) w2 + b2; observations are rows. Networks are checked by what they give.

*References*: M. Minsky and S. Papert, "Perceptrons", 1969 (parity); I. Goodfellow et al., "Deep
Learning", 2016, 6.1.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]
TYPED = 2e-3  # four digits a weight
COMPUTED = 1e-9

Network = tuple[Array, Array, Array, float]


def _output(network: Network, X: Array) -> Array:
    W1, b1, w2, b2 = network
    return np.asarray(np.maximum(X @ W1 + b1, 0.0) @ w2 + b2)


# ------------------------------------------------------------------ 1: the sign of a product


def _product(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("equal signs", lambda a: _gives(a, 1.0)),
            ("different signs", lambda a: _gives(a, -1.0)),
            ("zero input", _is_zero_at_zero),
        ],
    )


def _typed_network(answer: Any) -> Network:
    if not isinstance(answer, tuple | list) or len(answer) != 4:
        raise NotYet(
            f"the answer is {answers.shown(answer)}; expected four things, (W1, b1, w2, b2)"
        )
    W1, b1, w2, b2 = answer
    if isinstance(b2, tuple | list | np.ndarray):
        b2 = answers.vector(b2, "b2", length=1)[0]
    return (
        answers.matrix(W1, "W1", rows=2, columns=2),
        answers.vector(b1, "b1", length=2),
        answers.vector(w2, "w2", length=2),
        answers.number(b2, "b2"),
    )


def _gives(answer: Any, sign: float) -> None:
    network = _typed_network(answer)
    for u1 in (1.0, -1.0):
        u = np.array([[u1, sign * u1]])
        found = float(_output(network, u)[0])
        if not abs(found - sign) <= TYPED:
            other = " - it is that of exclusive or" if abs(found + sign) <= TYPED else ""
            raise NotYet(
                f"for u = ({u[0, 0]:g}, {u[0, 1]:g}) the network gives {found:.4g}; expected the "
                f"product of the two{other}"
            )


def _is_zero_at_zero(answer: Any) -> None:
    found = float(_output(_typed_network(answer), np.zeros((1, 2)))[0])
    if not abs(found + 1.0) <= TYPED:
        raise NotYet(
            f"for u = (0, 0) the network gives {found:.4g}; expected −1. Where do your corners lie: is a "
            "unit bent elsewhere than on the diagonal u₁ + u₂ = 0 or u₁ − u₂ = 0?"
        )


# ------------------------------------------------------------------ 2: is a line enough?

CORNERS = np.array(list(product((0.0, 1.0), repeat=2)))


def _separable(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("two bits", _all_of_two_bits),
            ("separated data", _says_yes),
            ("mixed data", _says_no),
            ("scale and place", _moved),
            ("one class", _one_class),
        ],
    )


def _says(answer: Any, X: Array, y: Array, name: str, expected: bool) -> None:
    value = called(function(answer, "separable(X, y)"), X, y)
    if not isinstance(value, bool | np.bool_):
        raise NotYet(f"separable(X, y) gives {answers.shown(value)}; expected True or False")
    if bool(value) != expected:
        there = (
            "there is a line with one class on each side" if expected else "no line separates them"
        )
        raise NotYet(f"{name}: separable gives {value}, but {there}")


def _all_of_two_bits(answer: Any) -> None:
    for y in product((0, 1), repeat=4):
        expected = y not in ((0, 1, 1, 0), (1, 0, 0, 1))
        told = ", ".join(f"{int(a)}{int(b)}: {c}" for (a, b), c in zip(CORNERS, y, strict=True))
        _says(answer, CORNERS, np.array(y), f"the function {told}", expected)


def _planted(n: int, n_features: int, *, gap: float, seed: int) -> tuple[Array, Array]:
    """Observations with a gap along a drawn direction, not through the origin."""
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(n_features)
    w /= np.linalg.norm(w)
    X, y = rng.standard_normal((n, n_features)), rng.integers(0, 2, n)
    X += np.outer(gap * (2 * y - 1) - X @ w + (2 * y - 1) * rng.exponential(1.0, n), w)
    return X + 3.0 * w, y


def _says_yes(answer: Any) -> None:
    for n_features, gap in ((2, 0.5), (5, 0.05), (1, 0.1)):
        X, y = _planted(40, n_features, gap=gap, seed=n_features)
        _says(answer, X, y, f"40 observations, {n_features} features, a gap of {2 * gap:g}", True)


def _says_no(answer: Any) -> None:
    X, y = _planted(40, 3, gap=0.5, seed=7)
    inside = X[y == 1][:4].mean(axis=0)  # of the other class, between four of this one
    _says(
        answer,
        np.vstack([X, inside]),
        np.append(y, 0),
        "41 observations, one amid four of the other class",
        False,
    )
    bits = np.array(list(product((0.0, 1.0), repeat=3)))
    _says(answer, bits, bits.sum(axis=1).astype(int) % 2, "the parity of three bits", False)


def _moved(answer: Any) -> None:
    X, y = _planted(40, 2, gap=0.2, seed=4)
    for scale, place in ((1e-3, 0.0), (1.0, 100.0), (1e3, 0.0)):
        name = f"separated data times {scale:g}, moved by {place:g}"
        _says(answer, scale * X + place, y, name, True)
        name = f"exclusive or times {scale:g}, moved by {place:g}"
        _says(answer, scale * CORNERS + place, np.array([0, 1, 1, 0]), name, False)


def _one_class(answer: Any) -> None:
    for value in (0, 1):
        _says(answer, CORNERS, np.full(4, value), f"all four of class {value}", True)


# ------------------------------------------------------------------ 3: parity


def _parity(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("exclusive or", lambda a: _is_parity(a, (2,))),
            ("three bits", lambda a: _is_parity(a, (3,))),
            ("more bits", lambda a: _is_parity(a, (1, 4, 5, 8))),
            ("hidden units", _is_narrow),
        ],
    )


def _written(answer: Any, n: int) -> Network:
    value = called(function(answer, "parity_network(n)"), n)
    name = f"parity_network({n})"
    if not isinstance(value, tuple | list) or len(value) != 4:
        raise NotYet(f"{name} gives {answers.shown(value)}; expected four things, (W1, b1, w2, b2)")
    b1 = value[1]
    if not isinstance(b1, np.ndarray | list | tuple) or not 1 <= len(b1) <= 1000:
        raise NotYet(
            f"b1 of {name} is {answers.shown(b1)}; expected one number for each hidden unit"
        )
    n_hidden = len(b1)
    w2 = value[2]
    if isinstance(w2, np.ndarray) and w2.shape == (n_hidden, 1):
        w2 = w2[:, 0]
    b2 = value[3]
    if isinstance(b2, np.ndarray | list | tuple) and len(np.shape(b2)) == 1:
        b2 = array(b2, f"b2 of {name}", (1,))[0]
    return (
        array(value[0], f"W1 of {name}", (n, n_hidden)),
        array(b1, f"b1 of {name}", (n_hidden,)),
        array(w2, f"w2 of {name}", (n_hidden,)),
        float(array(b2, f"b2 of {name}", ())),
    )


def _is_parity(answer: Any, sizes: tuple[int, ...]) -> None:
    for n in sizes:
        X = np.array(list(product((0.0, 1.0), repeat=n)))
        found, wanted = _output(_written(answer, n), X), X.sum(axis=1) % 2
        off = np.abs(found - wanted)
        if not off.max() <= COMPUTED:
            i = int(off.argmax())
            bits = "".join(str(int(x)) for x in X[i])
            raise NotYet(
                f"n = {n}: for the bits {bits} the network gives {found[i]:.4g}; expected "
                f"{wanted[i]:g}, for {X[i].sum():g} of them are 1"
            )


def _is_narrow(answer: Any) -> None:
    for n in (2, 4, 8):
        n_hidden = len(_written(answer, n)[1])
        if n_hidden > n:
            raise NotYet(
                f"n = {n}: the network has {n_hidden} hidden units; expected {n} at most. Parity depends "
                "on the number of ones only: how many corners does that function of one number have?"
            )


EXERCISES = (
    Exercise(
        "xor.1",
        """Bits as signs: u₁, u₂ = ±1. Find by hand a network with two ReLU units, relu(u W1 + b1)
w2 + b2, that gives the product u₁u₂ for all four observations, and −1 for u = (0, 0). Hand in `(W1,
b1, w2, b2)`, W1 as a list of two rows (one for each input), b1 and w2 with two numbers each, b2
one.""",
        _product,
        (
            "The product is 1 when the signs agree. What does |u₁ + u₂| give for the four?",
            "An absolute value is the sum of two ReLUs. What remains is a factor and an offset.",
        ),
    ),
    Exercise(
        "xor.2",
        """Write `separable(X, y)`: whether a line (a plane, a hyperplane; it need not pass the
origin) has all observations with y = 1 strictly on one side and all with y = 0 strictly on the
other. X (N, F), y (N,) of 0 and 1; returns True or False, and must not be fooled by the scale of
the features. Predict first: of the 16 functions of two bits, how many are separable?""",
        _separable,
        (
            "Demand s(w·x + b) ≥ 1 for each observation, s = ±1 by its class. Any number in place of 1 "
            "would do: why? And of which kind are these demands, as conditions on w and b?",
            "Linear conditions with nothing to optimise: a linear program that is feasible or not "
            "(`scipy.optimize.linprog` with unbounded variables). Standardising the features helps it.",
        ),
    ),
    Exercise(
        "xor.3",
        """Parity asks whether the number of ones is odd; exclusive or is its case of two bits.
Predict: how many hidden ReLU units are enough for n bits? Then write `parity_network(n)`, giving
(W1, b1, w2, b2) of shapes (n, H), (H,), (H,) and (), H ≤ n, with relu(X W1 + b1) w2 + b2 exactly 0
or 1 for all 2ⁿ rows X of bits.""",
        _parity,
        (
            "Draw the wanted output over the number of ones, 0 to n, and connect the points. How often "
            "does the slope change?",
            "Each unit adds one corner: relu(s − k) is 0 up to s = k and has slope 1 behind it. Which "
            "change of slope does each corner need, the first and the others?",
        ),
    ),
)
