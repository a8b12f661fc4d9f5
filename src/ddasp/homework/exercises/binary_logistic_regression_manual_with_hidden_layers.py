"""Three exercises on hidden layers: one step back on paper, any depth in code, a region of one's own.

*Conventions*: those of `ddasp.nonlinear.mlp_numpy`: parameters (W1, b1, W2, b2, ...) with W (n_in,
n_out), the mean cross-entropy of a sigmoid at the end; the slope of ReLU at 0 is 0. Gradients are
checked by differences of the loss, a region by looking at it from far away and from inside.

*References*: D. E. Rumelhart, G. E. Hinton and R. J. Williams, Nature 323, 1986; I. Goodfellow et al.,
"Deep Learning", 2016, chapter 6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.answers import shown
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: one step back on paper

PAPER: tuple[Array, ...] = (
    np.array([[1.0, -2.0], [2.0, 1.0]]), np.array([-1.0, -1.0]), np.array([[1.0], [2.0]]),
    np.array([-2.0]),
)  # fmt: skip
PAPER_X, PAPER_Y = np.array([[1.0, 1.0]]), np.array([[0.0]])
HALF_A_DIGIT = 2e-3


def _loss(theta: Sequence[Array], X: Array, y: Array) -> float:
    """Mean cross-entropy of a ReLU network, from its scores."""
    A = X
    for W, b in zip(theta[:-2:2], theta[1:-2:2], strict=True):
        A = np.maximum(A @ W + b, 0.0)
    z = A @ theta[-2] + theta[-1]
    return float(np.mean(np.logaddexp(0.0, z) - y * z))


def _slopes(theta: Sequence[Array], X: Array, y: Array) -> list[Array]:
    """Gradients by differences."""
    found = []
    for k, p in enumerate(theta):
        g = np.zeros_like(p)
        for index in np.ndindex(p.shape):
            step = np.zeros_like(p)
            step[index] = 1e-5
            up, down = ([*theta[:k], p + s * step, *theta[k + 1 :]] for s in (1.0, -1.0))
            g[index] = (_loss(up, X, y) - _loss(down, X, y)) / 2e-5
        found.append(g)
    return found


def _step_back(answer: Any) -> list[Finding]:
    return asked(answer, [("the open unit", _column(0)), ("the closed unit", _column(1))])


def _column(j: int) -> Callable[[Any], None]:
    """The check of one unit's weights."""

    def check(answer: Any) -> None:
        given = answers.matrix(answer, "the gradient", rows=2, columns=2)[:, j]
        slope = _slopes(PAPER, PAPER_X, PAPER_Y)[0][:, j]
        off = float(np.abs(given - slope).max())
        if off <= HALF_A_DIGIT:
            return
        if j == 1 and np.abs(slope).max() == 0.0:
            raise NotYet(
                f"you say {given.tolist()} for the unit that gives 0; a small change of its weights "
                "leaves it at 0 and changes nothing"
            )
        cause = (
            " - was y − p taken for p − y?" if np.abs(given + slope).max() <= HALF_A_DIGIT else ""
        )
        raise NotYet(
            f"unit {j + 1}: small changes of its two weights contradict {given.tolist()}, by up to "
            f"{off:.3g}{cause}"
        )

    return check


# ------------------------------------------------------------------ 2: any depth in code

NEAR = 1e-7
DEPTHS = {
    "no hidden layer": (3, 1),
    "one hidden layer": (2, 3, 1),
    "three hidden layers": (2, 4, 3, 2, 1),
}


def _any_depth(answer: Any) -> list[Finding]:
    items = [(name, _fits(widths)) for name, widths in DEPTHS.items()]
    return asked(answer, [*items, ("mean", _is_a_mean), ("inputs", _changes_nothing)])


def _case(widths: tuple[int, ...], n: int = 5) -> tuple[tuple[Array, ...], Array, Array]:
    rng = np.random.default_rng(sum(widths))
    theta: list[Array] = []
    for m, k in pairwise(widths):
        theta += [rng.standard_normal((m, k)), rng.standard_normal(k)]
    return tuple(theta), rng.standard_normal((n, widths[0])), (rng.random((n, 1)) < 0.5) * 1.0


def _given(answer: Any, theta: tuple[Array, ...], X: Array, y: Array) -> list[Array]:
    own = tuple(p.copy() for p in theta)
    found = called(function(answer, "gradients(theta, X, y)"), own, X, y)
    if not isinstance(found, list | tuple) or len(found) != len(theta) + 1:
        raise NotYet(
            f"gradients(theta, X, y) gives {shown(found)}; expected {len(theta) + 1} arrays, one for "
            "each of (W1, b1, W2, b2, ...) and one for X, in a list"
        )
    if any(not np.array_equal(a, b) for a, b in zip(own, theta, strict=True)):
        raise NotYet("theta is another one after the call: gradients are asked for, not a step")
    return [
        array(g, f"the gradient of {_name(k, len(theta))}", p.shape)
        for k, (g, p) in enumerate(zip(found, (*theta, X), strict=True))
    ]


def _name(k: int, n: int) -> str:
    """Of the k-th of n parameters; X comes after them."""
    if k == n:
        return "X"
    return f"{'Wb'[k % 2]}{k // 2 + 1}"


def _fits(widths: tuple[int, ...]) -> Callable[[Any], None]:
    """The check of one network, from its last layer to its first."""

    def check(answer: Any) -> None:
        theta, X, y = _case(widths)
        found, slopes = _given(answer, theta, X, y), _slopes(theta, X, y)
        for k in range(len(theta) - 1, -1, -1):
            off = float(np.abs(found[k] - slopes[k]).max())
            if off > NEAR:
                above = (
                    "" if k >= len(theta) - 2 else ", while those of the layers above it are right"
                )
                raise NotYet(
                    f"network {'-'.join(map(str, widths))}: the gradient of {_name(k, len(theta))} "
                    f"contradicts small changes of the loss by up to {off:.3g}{above}"
                )
        off = float(np.abs(found[-1] - _slopes_by_inputs(theta, X, y)).max())
        if off > NEAR:
            raise NotYet(
                f"network {'-'.join(map(str, widths))}: the gradient of X contradicts small changes of "
                f"the loss by up to {off:.3g}; no bend stands before the inputs"
            )

    return check


def _slopes_by_inputs(theta: Sequence[Array], X: Array, y: Array) -> Array:
    """Gradient by X, by differences."""
    g = np.zeros_like(X)
    for index in np.ndindex(X.shape):
        step = np.zeros_like(X)
        step[index] = 1e-5
        up, down = (_loss(theta, X + s * step, y) for s in (1.0, -1.0))
        g[index] = (up - down) / 2e-5
    return g


def _is_a_mean(answer: Any) -> None:
    theta, X, y = _case((2, 3, 1))
    once = _given(answer, theta, X, y)
    twice = _given(answer, theta, np.tile(X, (2, 1)), np.tile(y, (2, 1)))
    off = max(float(np.abs(a - b).max()) for a, b in zip(once[:-1], twice[:-1], strict=True))
    if off > NEAR:
        raise NotYet(
            f"the same observations twice over change the gradients, by up to {off:.3g}; the loss is a mean"
        )


def _changes_nothing(answer: Any) -> None:
    theta, X, y = _case((2, 2, 1), n=1)
    first, again = (_given(answer, theta, X, y) for _ in range(2))
    if any(not np.array_equal(a, b) for a, b in zip(first, again, strict=True)):
        raise NotYet("the same call twice gives two results")


# ------------------------------------------------------------------ 3: a region of one's own

FAR = 1e6
N_DIRECTIONS = 3600


def _region(answer: Any) -> list[Finding]:
    return asked(answer, [("parameters", _network), ("inside", _holds), ("outside", _ends)])


def _network(answer: Any) -> tuple[Array, Array, Array, float]:
    """W1 (2, h), b1 (h,), w2 (h,), b2, with h units."""
    if not isinstance(answer, list | tuple) or len(answer) != 4:
        raise NotYet(f"the answer is {shown(answer)}; expected four things, [W1, b1, W2, b2]")
    W1 = answers.matrix(answer[0], "W1", rows=2)
    h = W1.shape[1]
    b1, w2 = (
        answers.vector(v, name, length=h) for v, name in ((answer[1], "b1"), (answer[2], "W2"))
    )
    b2 = answers.vector(answer[3], "b2", length=1)[0]
    if h > 3:
        raise NotYet(f"there are {h} units; expected 3 at most")
    if max(np.abs(W1).max(), np.abs(b1).max(), np.abs(w2).max(), abs(b2)) > 1000.0:
        raise NotYet("expected parameters between −1000 and 1000, so that one can look around")
    return W1, b1, w2, float(b2)


def _scores(network: tuple[Array, Array, Array, float], X: Array) -> Array:
    W1, b1, w2, b2 = network
    return np.asarray(np.maximum(X @ W1 + b1, 0.0) @ w2 + b2)


def _directions(W1: Array) -> Array:
    """All around, and along the lines on which a unit begins."""
    angles = 2.0 * np.pi * np.arange(N_DIRECTIONS) / N_DIRECTIONS
    kinks = np.arctan2(W1[0], -W1[1])
    both = np.concatenate([angles, kinks, kinks + np.pi])
    return np.column_stack([np.cos(both), np.sin(both)])


def _holds(answer: Any) -> None:
    W1, b1, _, _ = network = _network(answer)
    points = [np.zeros((1, 2))]
    for i in range(W1.shape[1]):  # where two of the lines meet the score has its corners
        for j in range(i):
            pair = W1[:, [i, j]].T
            if abs(np.linalg.det(pair)) > 1e-12:
                points.append(np.linalg.solve(pair, -b1[[i, j]])[np.newaxis])
    corners = np.concatenate(points)
    centre = corners.mean(axis=0)
    around = np.geomspace(1e-2, 1e3, 60)[:, np.newaxis, np.newaxis] * _directions(W1)[::30]
    best = max(
        float(_scores(network, corners).max()),
        float(_scores(network, centre[np.newaxis]).max()),
        float(_scores(network, around.reshape(-1, 2) + centre).max()),
    )
    if best <= 0.0:
        raise NotYet(
            f"the largest score found is {best:.3g}: no point belongs to class 1. Is the last bias above 0?"
        )


def _ends(answer: Any) -> None:
    network = _network(answer)
    directions = _directions(network[0])
    z = _scores(network, FAR * directions)
    if (z > 0.0).any():
        a, b = directions[int(z.argmax())]
        raise NotYet(
            f"a million away, in the direction ({a:.2f}, {b:.2f}), the score is {z.max():.3g}: class 1 "
            f"goes on for ever there, as it does in {100.0 * np.mean(z > 0.0):.0f} % of the directions"
        )


EXERCISES = (
    Exercise(
        "binary_logistic_regression_manual_with_hidden_layers.1",
        """A network 2-2-1 with ReLU: W₁ = [[1, −2], [2, 1]], b₁ = (−1, −1), w₂ = (1, 2), b₂ = −2, the
score is z = max(xW₁ + b₁, 0) · w₂ + b₂. One observation, x = (1, 1) with y = 0. What is the gradient of
its cross-entropy by W₁? By hand; hand in the matrix `[[., .], [., .]]`, rows are inputs.""",
        _step_back,
        (
            "Forward first, all numbers written down: two before ReLU, two behind it, the score, p.",
            "p − y goes back through w₂, then through the slopes of ReLU, of which one is 0. What is "
            "left is multiplied with x.",
        ),
    ),
    Exercise(
        "binary_logistic_regression_manual_with_hidden_layers.2",
        """Write `gradients(theta, X, y)` for hidden layers with ReLU, any number of them, none included,
a sigmoid and the mean cross-entropy at the end. theta is (W1, b1, W2, b2, ...), X (N, n_in), y (N, 1); hand
back a list of the gradients in the same order and, as the last one, the gradient by X itself, (N, n_in):
how would each input have to change? Try yours against differences of the loss before you check it.""",
        _any_depth,
        (
            "What of the lesson's way back knows about tanh? The slope of ReLU, too, can be told from what "
            "a unit gave.",
            "What is handed down is D times the transposed weights; it gets the slope of the unit that it "
            "comes to. Which slope do the inputs have, before which no unit stands?",
        ),
    ),
    Exercise(
        "binary_logistic_regression_manual_with_hidden_layers.3",
        """Find parameters of a network 2-h-1 with ReLU, score z = max(xW₁ + b₁, 0) · w₂ + b₂, whose class
1 (z > 0) is a bounded region of the plane that is not empty: something, but in no direction for ever.
What is the least h? Say why one less can't do it, then try; hand in `[W1, b1, W2, b2]`, W1 as two rows
of h numbers, b1 and W2 with h numbers, b2 as `[number]`.""",
        _region,
        (
            "Far away, biases don't count. Each unit sees half of all directions and is 0 in the rest.",
            "Every direction must be seen by a unit that lowers the score. How many half-planes cover the "
            "plane, when their edges may not coincide?",
        ),
    ),
)
