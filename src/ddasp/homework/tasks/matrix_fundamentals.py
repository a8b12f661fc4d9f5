"""Task 1: what is in a matrix, on paper and in code of one's own.

Three matrices of integers: A (4, 3) and B (3, 4) of rank 2, D (3, 3) of full rank (C is a factor of
C R), and right sides b_A, b_B, b_D in the column spaces, c_A and c_B outside.

*Conventions*: each part is one function without arguments; what it gives back is a dict by matrix,
and `matrix_items` says what is looked for in it.

*References*: G. Strang, "Linear Algebra and Learning from Data", 2019, part I.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from ddasp.homework.draw import Draw, student_id
from ddasp.homework.parts import Call, Part, Sheet, Task
from ddasp.homework.tasks import matrix_items as items
from ddasp.homework.tasks.matrix_drawing import VERSION, drawn_matrix, drawn_system

__all__ = ["TASK", "draw"]

NAME = "matrix_fundamentals"
SHAPES = {"A": (4, 3, 2), "B": (3, 4, 2), "D": (3, 3, 3)}  # rows, columns, rank


def draw(student: str) -> Sheet:
    """The matrices and right sides of one student.

    Parameters
    ----------
    student : str
        The id.

    Returns
    -------
    Sheet
        Integers: A, B, D; b_A, c_A, b_B, c_B, b_D as columns; the same in ``matrices.json``.

    Examples
    --------
    >>> draw("example").matrices["D"]
    array([[ 5, -1, -6],
           [-5,  7, -6],
           [ 2,  2,  9]])
    """
    student = student_id(student)
    matrices: dict[str, list[list[int]]] = {}
    sides: dict[str, list[list[int]]] = {}
    for name, shape in SHAPES.items():
        stream = Draw(NAME, str(VERSION), student, name)
        matrix = drawn_matrix(stream, *shape)
        system = drawn_system(stream, matrix)
        matrices[name] = [list(row) for row in matrix.rows]
        sides[f"b_{name}"] = [[b] for b in system.inside]
        if system.outside is not None:
            sides[f"c_{name}"] = [[c] for c in system.outside]
    everything = {**matrices, **sides}
    return Sheet(
        student,
        {name: np.array(rows, dtype=np.int64) for name, rows in everything.items()},
        {"matrices.json": json.dumps(everything) + "\n"},
    )


def _call(function: str) -> Callable[[Sheet, Draw], list[Call]]:
    return lambda sheet, draw: [Call(function)]


INTRODUCTION = """\
Your three matrices are A (tall), B (wide) and D (square). Each has a right side in its column space,
b_A, b_B and b_D; A and B also have one outside of it, c_A and c_B. The numbers were made for paper:
every answer has small fractions, and roots of integers where lengths are asked for.

Write numbers as you found them: `2`, `-3/4` or `"3/4"`, `"sqrt(5)"`, `"2*sqrt(3)/5"`, `"√2/2"`, or as
decimals with at least four significant digits (more do no harm). Any right answer counts: any basis,
either sign of a singular vector, any solution of a system that has many. What is checked is the
property that the definition demands.

A vector is a list of numbers, a matrix a list of rows, a basis a list of vectors, `[]` where the space
holds only zero. Leave `None` where you have no answer yet.

Code of your own may help with the arithmetic. NumPy's ready solutions are refused.
"""

STUB = '''\
def {function}():
    """For each matrix: {what}.

    {form}
    """
    raise NotImplementedError("Task 1.{key}: {what}")
'''


def _stub(key: str, function: str, what: str, entry: str) -> str:
    lines = [f'"{name}": {entry},' for name in SHAPES]
    form = "\n".join(["{", *(f"        {line}" for line in lines), "    }"])
    return STUB.format(function=function, what=what, form=form, key=key)


FOUR = '{"column space": ..., "row space": ..., "null space": ..., "left null space": ...}'

PARTS = (
    Part(
        "1",
        "Elimination: reduced row echelon form and C R",
        "For each matrix: the reduced row echelon form (of the same shape, rows of zeros included), "
        "and its factors C and R. C holds the columns of the matrix that do not depend on the columns "
        "before them, R the rows of the reduced row echelon form that are not zero.",
        9.0,
        (
            "Row operations: swap two rows, scale a row, subtract a multiple of one row from another. "
            "Choose the pivot that keeps fractions away as long as possible.",
            "In the reduced form each pivot is 1, alone in its column, and to the right of the one "
            "above it. The pivots' columns tell which columns of the matrix itself belong into C; "
            "multiply C by R as a test.",
        ),
        _stub(
            "1",
            "rref_and_cr",
            "the reduced row echelon form, and the factors C and R",
            '{"rref": ..., "C": ..., "R": ...}',
        ),
        _call("rref_and_cr"),
        items.for_each(items.rref_and_cr),
    ),
    Part(
        "2",
        "Rank",
        "For each matrix: its rank, a whole number.",
        3.0,
        (
            "Part 1 has done the work.",
            "Count what elimination leaves: the pivots.",
        ),
        _stub("2", "ranks", "the rank", "..."),
        _call("ranks"),
        items.for_each(items.ranks),
    ),
    Part(
        "3",
        "Bases of the four subspaces",
        "For each matrix: a basis of the column space, of the row space, of the null space and of the "
        "left null space. Any basis counts, orthogonal or not; the basis of a space that holds only "
        "zero is `[]`.",
        8.0,
        (
            "C and R of part 1 hold two of the four. How many vectors the other two need follows from "
            "the shape of the matrix and the rank.",
            "Null space: set one free variable of the reduced form to 1, the others to 0, and solve for "
            "the pivots' variables. Left null space: the same for the transposed matrix.",
        ),
        _stub("3", "bases", "a basis of each of the four subspaces, a list of vectors", FOUR),
        _call("bases"),
        items.for_each(items.bases),
    ),
    Part(
        "4",
        "Projectors onto the four subspaces",
        "For each matrix: the four matrices P that project orthogonally onto the column space, the row "
        "space, the null space and the left null space.",
        8.0,
        (
            "Two of the four follow from the other two: each space has an orthogonal complement.",
            "With the basis vectors as columns of V: P = V (VᵀV)⁻¹ Vᵀ. Take the space of smaller "
            "dimension first; test P P = P and what P does with a vector of the space.",
        ),
        _stub(
            "4", "projectors", "the projector onto each of the four subspaces, a list of rows", FOUR
        ),
        _call("projectors"),
        items.for_each(items.projectors),
    ),
    Part(
        "5",
        "Singular values and singular vectors",
        "For each matrix: the positive singular values σ₁ > σ₂ > … in descending order, the right "
        "singular vectors v₁, v₂, … and the left ones u₁, u₂, …, of length one, with A v₁ = σ₁ u₁ and "
        "so on. As many as the rank: those that belong to σ = 0 are left out.",
        10.0,
        (
            "The squares of the singular values are eigenvalues of AᵀA and of A Aᵀ, whole numbers here. "
            "One of the two is the smaller matrix, or one where you know an eigenvector already: from "
            "the null space.",
            "Once v is found and has length one, A v gives both σ and u: its length and its direction. "
            "So the signs of u and v belong together.",
        ),
        _stub(
            "5",
            "singular_values_and_vectors",
            "positive singular values s, left singular vectors u and right ones v",
            '{"s": ..., "u": ..., "v": ...}',
        ),
        _call("singular_values_and_vectors"),
        items.for_each(items.singular_values_and_vectors),
    ),
    Part(
        "6",
        "Sum of rank-1 terms",
        "For each matrix: a list of matrices of rank 1 whose sum it is, as many as its rank. Those of "
        "the singular value decomposition are one way; any other counts too.",
        3.0,
        (
            "A column times a row has rank 1. You have columns and rows that belong together already, "
            "even twice.",
            "Either from part 1, the columns of C with the rows of R, or from part 5, with the singular "
            "values as factors. Multiplied out, the roots disappear.",
        ),
        _stub(
            "6", "rank_one_terms", "a list of matrices of rank 1, their sum is the matrix", "..."
        ),
        _call("rank_one_terms"),
        items.for_each(items.rank_one_terms),
    ),
    Part(
        "7",
        "Pseudo-inverse",
        "For each matrix X = A, B, D: the pseudo-inverse X⁺, the only matrix with X X⁺ X = X, "
        "X⁺ X X⁺ = X⁺, and with X X⁺ and X⁺ X symmetric.",
        6.0,
        (
            "What the matrix does between row space and column space is undone, and the left null space "
            "goes to zero. Which terms of part 5 say so?",
            "Turn each rank-1 term of the singular value decomposition around, u and v swapped, and "
            "divide by σ in place of multiplying. X X⁺ must then be a projector of part 4.",
        ),
        _stub("7", "pseudo_inverses", "the pseudo-inverse, a list of rows", "..."),
        _call("pseudo_inverses"),
        items.for_each(items.pseudo_inverses),
    ),
    Part(
        "8",
        "Systems with and without a solution",
        "For each matrix: any solution x of A x = b_A, and so for B and D. For A and B also, with the "
        "right side c that the matrix does not reach: the projection p of c onto the column space, the "
        "solution x_plus of least squares that has the least norm, and the residual e = c − p.",
        7.0,
        (
            "Where A x = c has no solution, A x = p has: p is the point of the column space next to c. "
            "Of its solutions the shortest has no part in the null space.",
            "Parts 4 and 7 give p and x_plus by one product each. Test e with the columns of the "
            "matrix: what must their scalar products be?",
        ),
        STUB.format(
            function="systems",
            what="solutions, and where there are none, least squares",
            form='{\n        "A": {"x": ..., "p": ..., "x_plus": ..., "e": ...},'
            '\n        "B": {"x": ..., "p": ..., "x_plus": ..., "e": ...},'
            '\n        "D": {"x": ...},\n    }',
            key="8",
        ),
        _call("systems"),
        items.for_each(items.systems),
    ),
    Part(
        "9",
        "On paper",
        "Hand in, written by hand: the elimination of A step by step; the singular values and vectors of "
        "A from an eigenvalue problem; a drawing of the four subspaces of B with their dimensions, and "
        "where b_B, c_B, p, e and the solutions lie; and in two sentences each, why P P = P for a "
        "projector, and why the residual is orthogonal to every column.",
        6.0,
        (
            "Each step of the elimination is one row operation: name it beside the arrow.",
            "Two of the spaces lie in the room where x lives and two in the room where b lives; in each "
            "room they are orthogonal to each other.",
        ),
        files=("paper.pdf",),
    ),
)

# What would hand over an answer: numpy.linalg.norm too, which gives singular values (ord 2, -2, "nuc"),
# and the class numpy.matrix, whose .I is the pseudo-inverse.
REFUSED = (
    "numpy.linalg", "numpy.matrix", "numpy.asmatrix", "numpy.bmat", "numpy.matlib", "numpy.matrixlib",
    "numpy.poly", "numpy.poly1d", "numpy.polyfit", "numpy.polynomial", "numpy.roots", "numpy.lib",
)  # fmt: skip

TASK = Task(
    NAME,
    "Matrix fundamentals",
    VERSION,
    INTRODUCTION,
    PARTS,
    draw,
    allowed=("fractions", "itertools", "json", "math", "numpy"),
    refused=REFUSED,
)
