"""Three exercises on the four subspaces: build a matrix from them, find them, leave terms out.

*Conventions*: a subspace of C^n has its basis as the columns of a matrix (n, k); the zero space has
(n, 0). Rank is counted as in `ddasp.linear.subspaces`. Matrices are drawn from a fixed seed, small
and large, tall and wide, with and without a null space, so that what is true of one shape only does
not pass.

*References*: G. Strang, "Linear Algebra and Learning from Data", 2019, I.3 and I.9; C. Eckart and
G. Young, Psychometrika 1, 1936.
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
TYPED = 5e-4  # four significant digits
COMPUTED = 1e-9  # relative; the SVD in double precision loses some 1e-15
NOT_SEEN = ((1, 2, 0, -1), (0, 1, 1, 1))
NOT_REACHED = (2, -1, 1)

# ------------------------------------------------------------------ 1: a matrix from its subspaces


def _given_subspaces(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("null space", _sees_neither),
            ("left null space", _reaches_not),
            ("rank", _has_rank_2),
        ],
    )


def _matrix(answer: Any) -> Array:
    return np.asarray(answers.matrix(answer, "A", rows=3, columns=4))


def _sees_neither(answer: Any) -> None:
    A = _matrix(answer)
    for x in NOT_SEEN:
        worst = np.abs(A @ x).max()
        if worst > TYPED * max(np.abs(A).max(), 1e-300) * np.abs(x).sum():
            raise NotYet(
                f"A x = 0 fails for x = {x}: the largest entry of A x is {worst:.3g}, so x is not "
                "orthogonal to every row"
            )


def _reaches_not(answer: Any) -> None:
    A, y = _matrix(answer), np.array(NOT_REACHED)
    worst = np.abs(y @ A).max()
    if worst > TYPED * max(np.abs(A).max(), 1e-300) * np.abs(y).sum():
        raise NotYet(
            f"yᵀA = 0 fails for y = {NOT_REACHED}: the largest entry of yᵀA is {worst:.3g}, so y is "
            "not orthogonal to every column"
        )


def _has_rank_2(answer: Any) -> None:
    s = np.linalg.svd(_matrix(answer), compute_uv=False)
    rank = int(np.sum(s > 2 * TYPED * s[0]))
    if rank != 2:
        raise NotYet(f"the rank is {rank}, the number of independent columns; expected 2")


# ------------------------------------------------------------------ 2: the four bases

NAMES = ("column space", "left null space", "row space", "null space")


def _matrices() -> list[tuple[str, Array, int]]:
    """Name, matrix, rank."""
    rng = np.random.default_rng(20)
    product = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 4))
    equal = np.random.default_rng(21).standard_normal((5, 3))[:, [0, 0, 1, 2]]
    return [
        ("a 6 × 4 matrix of rank 2", product, 2),
        ("a 3 × 5 matrix of full rank", rng.standard_normal((3, 5)), 3),
        ("a 5 × 3 matrix of full rank", rng.standard_normal((5, 3)), 3),
        ("a 4 × 4 matrix that can be inverted", rng.standard_normal((4, 4)), 4),
        ("a 6 × 4 matrix of rank 2 with entries near 1e-9", 1e-9 * product, 2),
        ("a 4 × 6 matrix of rank 2 with entries near 1e6", 1e6 * product.T, 2),
        ("a 5 × 4 matrix of rank 3 with two equal columns", equal, 3),
        ("a 2 × 3 matrix of zeros", np.zeros((2, 3)), 0),
    ]


def _four_bases(answer: Any) -> list[Finding]:
    return asked(answer, [(name, _basis_of(i)) for i, name in enumerate(NAMES)])


def _basis_of(index: int) -> Callable[[Any], None]:
    """The check of one of the four, on every matrix."""

    def check(answer: Any) -> None:
        for name, A, rank in _matrices():
            four = called(function(answer, "four_bases(A)"), A)
            if not isinstance(four, tuple | list) or len(four) != 4:
                raise NotYet(
                    f"four_bases(A) gives {answers.shown(four)}; expected the four, in a tuple"
                )
            n, k = _dimensions(A.shape, rank)[index]
            B = array(four[index], f"the basis of the {NAMES[index]} of {name}", (n, k))
            _orthonormal(B, f"the basis of the {NAMES[index]} of {name}")
            _in_place(B, A, index, name)

    return check


def _dimensions(shape: tuple[int, ...], rank: int) -> list[tuple[int, int]]:
    """Of each of the four: length of its vectors, number of them."""
    M, N = shape
    return [(M, rank), (M, M - rank), (N, rank), (N, N - rank)]


def _orthonormal(B: Array, name: str) -> None:
    off = np.abs(B.conj().T @ B - np.eye(B.shape[1])).max(initial=0.0)
    if off > COMPUTED:
        raise NotYet(f"{name} is not orthonormal: BᵀB differs from I by up to {off:.3g}")


def _in_place(B: Array, A: Array, index: int, name: str) -> None:
    """Its vectors are those of the subspace; with their number right, they span it."""
    T = A if index in (0, 1) else A.T
    if index in (0, 2):  # what is left of the columns of T outside the span
        off, says = T - B @ (B.T @ T), "it does not hold every " + ("row", "column")[index == 0]
    else:
        off, says = T.T @ B, ("A x = 0", "yᵀA = 0")[index == 1] + " fails for its vectors"
    worst = np.abs(off).max(initial=0.0)
    if worst > COMPUTED * max(np.abs(A).max(), 1e-300):
        raise NotYet(
            f"{NAMES[index]} of {name}: {says}, by up to {worst / np.abs(A).max():.3g} "
            "of the largest entry of A"
        )


# ------------------------------------------------------------------ 3: leaving terms out


def _to_be_approximated() -> list[tuple[str, Array, int]]:
    """Name, matrix, k."""
    rng = np.random.default_rng(36)
    tall = rng.standard_normal((6, 4))
    wide = rng.standard_normal((3, 5)) + 1j * rng.standard_normal((3, 5))
    return [
        ("a 6 × 4 matrix, k = 2", tall, 2),
        ("a 4 × 6 matrix, k = 1", tall.T, 1),
        ("a 4 × 6 matrix, k = 3", tall.T, 3),
        ("a complex 3 × 5 matrix, k = 2", wide, 2),
        ("a 6 × 4 matrix, k = 4", tall, 4),
        ("a 6 × 4 matrix, k = 0", tall, 0),
        ("the identity of size 4, k = 2", np.eye(4), 2),
        ("a 3 × 3 matrix of rank 1, k = 2", np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 1.0]), 2),
    ]


def _best(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("rank at most k", _of_rank_k),
            ("nearest by the sum of squares", _nearest_frobenius),
            ("nearest by the largest stretch", _nearest_spectral),
        ],
    )


def _approximation(answer: Any, name: str, A: Array, k: int) -> Array:
    value = called(function(answer, "best_rank_k(A, k)"), A, k)
    return array(value, f"best_rank_k of {name}", A.shape, real=False)


def _of_rank_k(answer: Any) -> None:
    for name, A, k in _to_be_approximated():
        B = _approximation(answer, name, A, k)
        rank = int(np.sum(np.linalg.svd(B, compute_uv=False) > COMPUTED * np.linalg.norm(A, 2)))
        if rank > k:
            raise NotYet(f"{name}: what came back has rank {rank}, that is more than k")


def _nearest_frobenius(answer: Any) -> None:
    for name, A, k in _to_be_approximated():
        B = _approximation(answer, name, A, k)
        left_out = np.linalg.svd(A, compute_uv=False)[k:]
        _compare(name, np.linalg.norm(A - B), np.linalg.norm(left_out), A, "‖A − B‖_F")


def _nearest_spectral(answer: Any) -> None:
    for name, A, k in _to_be_approximated():
        B = _approximation(answer, name, A, k)
        left_out = np.append(np.linalg.svd(A, compute_uv=False)[k:], 0.0)
        _compare(name, np.linalg.norm(A - B, 2), left_out[0], A, "‖A − B‖₂")


def _compare(name: str, distance: Any, least: Any, A: Array, norm: str) -> None:
    """No matrix of rank k is nearer than `least` (Eckart and Young); a farther one is not best."""
    if distance > least + COMPUTED * np.linalg.norm(A):
        raise NotYet(
            f"{name}: {norm} is {distance:.3g}, and there are matrices of that rank that are "
            f"{distance - least:.3g} nearer"
        )


EXERCISES = (
    Exercise(
        "svd_four_subspaces.1",
        """Write down a matrix A with 3 rows and 4 columns, of rank 2, whose null space contains
(1, 2, 0, −1) and (0, 1, 1, 1), and whose left null space contains (2, −1, 1). Any such matrix is
right; hand in a list of rows. How many free choices did you have?""",
        _given_subspaces,
        (
            "What is orthogonal to the null space, and what to the left null space? Count the "
            "dimensions of all four before you write a number.",
            "The rows of A lie in one plane of R⁴, its columns in one plane of R³. Find a basis of "
            "each plane; a sum of two rank-1 terms, column times row, stays inside both.",
        ),
    ),
    Exercise(
        "svd_four_subspaces.2",
        """Write `four_bases(A)` for real A (M, N): a tuple of four matrices whose columns are
orthonormal bases of the column space, the left null space, the row space and the null space, in this
order; a space that holds only zero has a basis without columns, shape (n, 0). A may have any shape,
rank and scale.""",
        _four_bases,
        (
            "One decomposition holds all four, if it is asked for all of its vectors; the rank says "
            "where to cut.",
            "A singular value is zero when it is small beside the largest one, not beside 1. And "
            "what does an SVD give by columns, what by rows?",
        ),
    ),
    Exercise(
        "svd_four_subspaces.3",
        """Write `best_rank_k(A, k)`: of all matrices of rank k or less, one that is nearest to A
(M, N), real or complex, 0 ≤ k ≤ min(M, N). Before you run it, say from the singular values how far it
will be from A, by the sum of squares and by the largest stretch.""",
        _best,
        (
            "A is a sum of rank-1 terms in order of size. Which may stay?",
            "The terms are orthogonal to each other, so squared distances add; that is why the order "
            "of size decides. For complex A look at which factor is conjugated already.",
        ),
    ),
)
