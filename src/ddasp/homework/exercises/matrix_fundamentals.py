"""Three exercises on what is in a matrix: from its echelon form, what it doesn't see, ranks of products.

*Conventions*: columns count from 1 in words, pivots from 0 in code, as in `ddasp.linear.elimination`.
Matrices of integers are looked at without rounding.

*References*: G. Strang, "Linear Algebra and Learning from Data", 2019, I.1 to I.3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet
from ddasp.linear.elimination import rref

__all__ = ["EXERCISES"]

Array = NDArray[Any]
TYPED = 5e-4  # four significant digits
LARGEST = 1e6

# ------------------------------------------------------------------ 1: from the echelon form

RECIPES = {2: (-2, 0), 4: (3, -1)}  # column: so many times column 1, so many times column 3


def _from_form(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("column 2", _recipe(2)),
            ("column 4", _recipe(4)),
            ("pivots", _pivots),
            ("disguised", _disguised),
        ],
    )


def _three_by_four(answer: Any) -> Array:
    return np.asarray(answers.matrix(answer, "A", rows=3, columns=4))


def _recipe(column: int) -> Callable[[Any], None]:
    """The check that a column is made of the pivot columns as the form says."""

    def check(answer: Any) -> None:
        A, (first, third) = _three_by_four(answer), RECIPES[column]
        off = np.abs(A[:, column - 1] - first * A[:, 0] - third * A[:, 2])
        size = np.abs(A) @ np.array([abs(first), 0, abs(third), 0]) + np.abs(A[:, column - 1])
        if (off > TYPED * size).any():
            i = int(off.argmax())
            says = f"{first} times column 1" + (f" and {third} times column 3" if third else "")
            raise NotYet(
                f"in the form, column {column} is {says}; row operations keep that, yet in row {i + 1} "
                f"of A it fails by {off[i]:.4g}".replace("-", "−")
            )

    return check


def _pivots(answer: Any) -> None:
    A = _three_by_four(answer)
    for columns, says in (([0], "column 1 is zero"), ([0, 2], "column 3 depends on column 1")):
        s = np.linalg.svd(A[:, columns], compute_uv=False)
        if s[-1] <= 4 * TYPED * max(s[0], 1e-300):
            raise NotYet(f"{says}, so it holds no pivot")


def _disguised(answer: Any) -> None:
    A = _three_by_four(answer)
    if (A == 0.0).any():
        i, j = np.argwhere(A == 0.0)[0] + 1
        raise NotYet(f"row {i}, column {j} is 0; expected an A in which no entry is")
    for i, j in ((0, 1), (0, 2), (1, 2)):
        s = np.linalg.svd(A[[i, j]], compute_uv=False)
        if s[1] <= 4 * TYPED * s[0]:
            raise NotYet(f"row {j + 1} is a multiple of row {i + 1}; expected rows that are not")


# ------------------------------------------------------------------ 2: what a matrix doesn't see

EXACT = 1e-9


def _forms() -> list[tuple[str, Array, tuple[int, ...]]]:
    """What it is, R, pivots."""
    rng = np.random.default_rng(41)
    drawn = [
        ("a form with free columns between the pivots", rng.integers(-3, 4, (3, 6)), (0, 2, 4)),
        ("a form with the free columns last", rng.integers(-3, 4, (2, 5)), (0, 1)),
        ("a form with the free columns first", rng.integers(-3, 4, (2, 4)), (2, 3)),
        ("a form with rows of zeros", rng.integers(-3, 4, (5, 4)), (0, 3)),
        ("one row", rng.integers(1, 4, (1, 3)), (0,)),
        ("the identity", rng.integers(1, 4, (3, 3)), (0, 1, 2)),
        ("only zeros", np.zeros((2, 3)), ()),
    ]
    return [(name, _form(R.astype(float), pivots), pivots) for name, R, pivots in drawn]


def _form(R: Array, pivots: tuple[int, ...]) -> Array:
    """The drawn numbers where the form is free, 1 and 0 elsewhere."""
    R[len(pivots) :] = 0.0
    for row, column in enumerate(pivots):
        R[row, :column] = 0.0
        R[:, column] = 0.0
        R[row, column] = 1.0
    return R


def _unseen(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("how many", _as_many_as_free), ("R x = 0", _not_seen), ("independent", _none_depends)],
    )


def _basis(answer: Any, name: str, R: Array, pivots: tuple[int, ...]) -> Array:
    value = called(function(answer, "unseen_by(R, pivots)"), R, pivots)
    N = R.shape[1]
    return array(value, f"unseen_by(R, pivots) of {name}", (N, N - len(pivots)))


def _as_many_as_free(answer: Any) -> None:
    for case in _forms():
        _basis(answer, *case)


def _not_seen(answer: Any) -> None:
    for name, R, pivots in _forms():
        X = _basis(answer, name, R, pivots)
        off = np.abs(R @ X)
        if (off > EXACT * np.maximum(np.abs(R) @ np.abs(X), 1.0)).any():
            i, k = np.unravel_index(off.argmax(), off.shape)
            raise NotYet(
                f"{name}: row {i + 1} of R times vector {k + 1} is {off[i, k]:.3g} in magnitude; "
                "expected 0 - which sign do the pivot unknowns get?"
            )


def _none_depends(answer: Any) -> None:
    for name, R, pivots in _forms():
        X = _basis(answer, name, R, pivots)
        if not X.shape[1]:
            continue
        lengths = np.linalg.norm(X, axis=0)
        if lengths.min() == 0.0:
            raise NotYet(f"{name}: vector {int(lengths.argmin()) + 1} is zero")
        smallest = np.linalg.svd(X / lengths, compute_uv=False)[-1]
        if not smallest > 1e-6:
            raise NotYet(f"{name}: the {X.shape[1]} vectors depend on each other")


# ------------------------------------------------------------------ 3: ranks of products

SAID = {"A": 2, "B": 2, "A B": 1, "B A": 2, "A + B": 3}
BECAUSE = {
    "A": "it is the number of independent columns",
    "B": "it is the number of independent columns",
    "A B": "its columns are what A makes of the columns of B",
    "B A": "its columns are what B makes of the columns of A",
    "A + B": "sums of two terms and two terms",
}


def _ranks(answer: Any) -> list[Finding]:
    return asked(answer, [(f"rank of {name}", _rank_of(name)) for name in SAID])


def _integers(answer: Any) -> tuple[Array, Array]:
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(f"the answer is {answers.shown(answer)}; expected two matrices, (A, B)")
    pair = []
    for values, name in zip(answer, "AB", strict=True):
        M = np.asarray(answers.matrix(values, name, rows=3, columns=3))
        if (np.round(M) != M).any() or np.abs(M).max() > LARGEST:
            raise NotYet(f"{name} holds other things than integers of up to {LARGEST:g}")
        pair.append(M.astype(np.int64))
    return pair[0], pair[1]


def _rank_of(name: str) -> Callable[[Any], None]:
    """The check of one of the ranks."""

    def check(answer: Any) -> None:
        A, B = _integers(answer)
        M = {"A": A, "B": B, "A B": A @ B, "B A": B @ A, "A + B": A + B}[name]
        rank = rref(M).rank
        if rank != SAID[name]:
            raise NotYet(f"{name} has rank {rank}; expected {SAID[name]} - {BECAUSE[name]}")

    return check


EXERCISES = (
    Exercise(
        "matrix_fundamentals.1",
        """By hand: write down a matrix A with 3 rows and 4 columns whose reduced row echelon form has
the rows (1, −2, 0, 3), (0, 0, 1, −1) and (0, 0, 0, 0), with no 0 among the entries of A and no row that
is a multiple of another. Hand in a list of rows. Which part of A was yours to choose?""",
        _from_form,
        (
            "Row operations change the columns, but not the relations between them. Which relations "
            "does this form show?",
            "A = C R. What does R fix, what is free in C, and which entries of C R could become 0?",
        ),
    ),
    Exercise(
        "matrix_fundamentals.2",
        """Write `unseen_by(R, pivots)`: from a reduced row echelon form R (M, N), rows of zeros
included, and the columns of its r pivots, counted from 0, a matrix (N, N − r) whose columns are a basis
of all x with R x = 0; with r = N it has no column. Since A x = 0 has the same solutions, it finds what
A doesn't see.""",
        _unseen,
        (
            "The unknowns of the columns without a pivot may be anything. How many are there, and what "
            "do the rows say of the others once those are chosen?",
            "Choose one of the free unknowns 1 and the other free ones 0: one vector for each. The row "
            "of each pivot then tells one number; mind on which side of the equation it stands.",
        ),
    ),
    Exercise(
        "matrix_fundamentals.3",
        """Predict, then try: can two matrices of rank 2 with 3 rows and 3 columns have products of
different ranks, A B of rank 1 and B A of rank 2, while their sum has rank 3? Decide on paper, then hand
in such integer matrices (A, B), each a list of rows.""",
        _ranks,
        (
            "A B loses a dimension when A doesn't see one of the directions that B reaches.",
            "Two lines and two planes decide it: the x with A x = 0 and the plane B x, and the other way "
            "round. Put one line into its plane, the other beside it; simple matrices do.",
        ),
    ),
)
