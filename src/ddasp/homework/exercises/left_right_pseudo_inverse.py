"""Three exercises on undoing a matrix: two left inverses, the shortest answer, how far an error grows.

*Conventions*: those of `ddasp.linear.inverses`: A (M, N), a singular value counts as zero when
s <= tolerance * s_1. Matrices are drawn from a fixed seed, of every shape and rank, real and complex.

*References*: R. Penrose, Proc. Cambridge Phil. Soc. 51, 1955; G. Strang, "Linear Algebra and Learning
from Data", 2019, II.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet
from ddasp.linear.inverses import condition_number

__all__ = ["EXERCISES"]

Array = NDArray[Any]
TYPED = 6e-4  # four significant digits, and the second order
COMPUTED = 1e-9  # relative

# ------------------------------------------------------------------ 1: two left inverses

TALL = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 3.0]])
UPRIGHT = np.array([2.0, -3.0, 1.0])  # orthogonal to both columns
DEAF = 1  # the row that is not to be used


def _two_left_inverses(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("without measurement 2: L A = I", _undoes(0)),
            ("without measurement 2: not used", _is_deaf),
            ("shortest rows: L A = I", _undoes(1)),
            ("shortest rows: shortest", _is_shortest),
        ],
    )


def _of_two(answer: Any, index: int) -> Array:
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(f"the answer is {answers.shown(answer)}; expected two matrices, (L1, L2)")
    return np.asarray(answers.matrix(answer[index], f"L{index + 1}", rows=2, columns=3))


def _undoes(index: int) -> Callable[[Any], None]:
    """The check that one of the two is a left inverse."""

    def check(answer: Any) -> None:
        L = _of_two(answer, index)
        off = np.abs(L @ TALL - np.eye(2))
        if (off > TYPED * (np.abs(L) @ TALL + np.eye(2))).any():
            i, j = np.unravel_index(off.argmax(), off.shape)
            raise NotYet(
                f"L A = I fails: row {i + 1} of L times column {j + 1} of A is "
                f"{(L @ TALL)[i, j]:.4g}; expected {int(i == j)}"
            )

    return check


def _is_deaf(answer: Any) -> None:
    L = _of_two(answer, 0)
    if (L[:, DEAF] != 0.0).any():
        raise NotYet(
            f"column {DEAF + 1} of L is not 0: that measurement still has a say in the answer"
        )


def _is_shortest(answer: Any) -> None:
    L = _of_two(answer, 1)
    along = L @ UPRIGHT
    if (np.abs(along) > TYPED * (np.abs(L) @ np.abs(UPRIGHT))).any():
        i = int(np.abs(along).argmax())
        raise NotYet(
            f"row {i + 1} is not as short as it can be: it holds a part of the left null space of A, "
            f"of length {abs(along[i]) / np.linalg.norm(UPRIGHT):.3g}, that does nothing for L A"
        )


# ------------------------------------------------------------------ 2: the shortest answer


def _systems() -> list[tuple[str, Array, Array, float]]:
    """Name, A, b, tolerance."""
    rng = np.random.default_rng(51)
    tall, wide = rng.standard_normal((6, 3)), rng.standard_normal((3, 6))
    product = rng.standard_normal((5, 2)) @ rng.standard_normal((2, 4))
    complex_ = rng.standard_normal((4, 6)) + 1j * rng.standard_normal((4, 6))
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    graded = Q * np.array([1.0, 0.1, 1e-3, 1e-5]) @ Q[::-1].T
    b = rng.standard_normal(6)
    return [
        ("a 6 × 3 matrix of full rank", tall, b, 1e-12),
        ("a 3 × 6 matrix of full rank", wide, b[:3], 1e-12),
        ("a 4 × 4 matrix", Q, b[:4], 1e-12),
        ("a 5 × 4 matrix of rank 2", product, b[:5], 1e-12),
        ("a 4 × 5 matrix of rank 2 with entries near 1e-9", 1e-9 * product.T, b[:4], 1e-12),
        ("a complex 4 × 6 matrix", complex_, b[:4] + 1j * b[2:], 1e-12),
        ("singular values 1, 0.1, 1e-3, 1e-5 and tolerance 1e-2", graded, b[:4], 1e-2),
        ("singular values 1, 0.1, 1e-3, 1e-5 and tolerance 1e-4", graded, b[:4], 1e-4),
        ("singular values 100, 10, 0.1, 1e-3 and tolerance 1e-2", 100 * graded, b[:4], 1e-2),
        ("a 2 × 3 matrix of zeros", np.zeros((2, 3)), b[:2], 1e-12),
    ]


def _shortest(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("numbers", _gives_numbers),
            ("smallest residual", _explains),
            ("shortest", _holds_nothing_unseen),
        ],
    )


def _solution(answer: Any, name: str, A: Array, b: Array, tolerance: float) -> Array:
    value = called(function(answer, "shortest(A, b, tolerance)"), A, b, tolerance)
    real = not np.iscomplexobj(A)
    return array(value, f"shortest for {name}", (A.shape[1],), real=real)


def _gives_numbers(answer: Any) -> None:
    for case in _systems():
        _solution(answer, *case)


def _kept(A: Array, tolerance: float) -> tuple[Array, Array, Array]:
    """Vectors u and values s of the directions that count, and a basis of those v that don't."""
    U, s, Vh = np.linalg.svd(A)
    r = int(np.sum(s > tolerance * s[0]))
    return U[:, :r], s[:r], Vh[r:].conj().T


def _explains(answer: Any) -> None:
    for name, A, b, tolerance in _systems():
        x = _solution(answer, name, A, b, tolerance)
        U, s, _ = _kept(A, tolerance)
        left = np.abs(U.conj().T @ (b - A @ x))
        size = np.linalg.norm(b) + (s[0] if s.size else 0.0) * np.linalg.norm(x)
        if left.max(initial=0.0) > COMPUTED * size:
            raise NotYet(
                f"{name}: what is left, b − A x, has a part of {left.max():.3g} in directions that A "
                "reaches; another x makes it smaller"
            )


def _holds_nothing_unseen(answer: Any) -> None:
    for name, A, b, tolerance in _systems():
        x = _solution(answer, name, A, b, tolerance)
        beyond = float(np.linalg.norm(_kept(A, tolerance)[2].conj().T @ x))
        if beyond > COMPUTED * max(1.0, float(np.linalg.norm(x))):
            raise NotYet(
                f"{name}: x has a part of length {beyond:.3g} in directions whose singular value is 0 "
                "or counts as 0; without it x is shorter and A x as good"
            )


# ------------------------------------------------------------------ 3: how far an error grows

PAIR = np.array([[3.0, 0.0], [4.0, 5.0]])


def _growths(answer: Any) -> list[Finding]:
    return asked(answer, [("most", _grows_most), ("least", _grows_least)])


def _growth(answer: Any, index: int) -> float:
    """Relative error of x over that of b."""
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(f"the answer is {answers.shown(answer)}; expected (most, least), each (b, d)")
    name = ("most", "least")[index]
    pair = answers.matrix(answer[index], name, rows=2, columns=2)
    for vector, letter in zip(pair, "bd", strict=True):
        if np.linalg.norm(vector) < 1e-12:
            raise NotYet(f"{name}: {letter} is 0; a relative error of it has no meaning")
    b, d = pair / np.linalg.norm(pair, axis=1, keepdims=True)
    x, error = np.linalg.solve(PAIR, np.column_stack([b, d])).T
    return float(np.linalg.norm(error) / np.linalg.norm(x))


def _grows_most(answer: Any) -> None:
    grown, kappa = _growth(answer, 0), condition_number(PAIR)
    if grown < kappa * (1.0 - 1e-4):
        raise NotYet(
            f"the relative error grows by {grown:.4g}; there is a larger growth - in which direction "
            "is x large for the b that it causes, in which is b large for its x?"
        )


def _grows_least(answer: Any) -> None:
    grown, kappa = _growth(answer, 1), condition_number(PAIR)
    if grown > (1.0 + 1e-4) / kappa:
        raise NotYet(f"the relative error is multiplied by {grown:.4g}; it can be less than that")


EXERCISES = (
    Exercise(
        "left_right_pseudo_inverse.1",
        """By hand: A has the rows (1, 0), (1, 1) and (1, 3), a line through three points. Find two left
inverses: L1, which does not use the second measurement, and L2, whose rows are as short as possible. Hand
in (L1, L2), each a list of two rows. Noise of the same variance is in all three measurements: by how much
is the slope worse with L1?""",
        _two_left_inverses,
        (
            "Without the second measurement two equations are left for two unknowns. For L2: which "
            "matrix has to be inverted, and how large is it?",
            "Two left inverses differ by rows that are orthogonal to both columns of A. Shortest are "
            "those that hold nothing of that direction.",
        ),
    ),
    Exercise(
        "left_right_pseudo_inverse.2",
        """Write `shortest(A, b, tolerance)`: of all x for which ‖A x − b‖ is smallest, the shortest; A
(M, N) of any shape and rank, real or complex, b (M,). Singular values that are at most `tolerance` times
the largest count as zero, their directions as not seen. What should come out for a matrix of zeros?""",
        _shortest,
        (
            "Between row space and column space each direction goes one way with s and back with 1/s. "
            "Which directions of b may go back?",
            "For complex A, one of the factors of an SVD comes conjugated already and the other does "
            "not. And compare each s with the largest one, not with 1.",
        ),
    ),
    Exercise(
        "left_right_pseudo_inverse.3",
        """Predict, then try: A has the rows (3, 0) and (4, 5). For which right side b and which error d of
it does the relative error grow most on the way to x, (‖A⁻¹d‖/‖x‖) / (‖d‖/‖b‖), and for which does it grow
least? Say by how much before you compute. Hand in ((b, d), (b, d)): most, least; lengths don't matter.""",
        _growths,
        (
            "A circle of vectors x becomes an ellipse of vectors b. Mark its longest and its shortest "
            "half-axis.",
            "AAᵀ has two simple eigenvectors. One of them is the direction in which A gives most b for an "
            "x; an error in the other direction needs a large change of x to be explained.",
        ),
    ),
)
