"""Integer matrices whose singular values are roots of integers, drawn from an id.

With u_1, u_2, ... and v_1, v_2, ... two frames of orthogonal integer vectors,

    A = c_1 u_1 v_1^T + ... + c_r u_r v_r^T

has the singular values s_i = |c_i| |u_i| |v_i|, and s_i^2 = c_i^2 (u_i.u_i) (v_i.v_i) is an integer for
integers c_i; where all entries of A have a common divisor it is taken out of A and of the c_i. The
rest of the frames spans the null spaces, so bases are integers, and projectors and the pseudo-inverse

    A+ = v_1 u_1^T / (c_1 u_1.u_1 v_1.v_1) + ...

are fractions with small denominators. Frames, the coordinates' order and signs, and the c_i are
drawn until the matrix suits paper (`neat`).

How many there are: of 4,000 draws 21 pairs were alike for (4, 3), 16 for (3, 4) and 20 for (3, 3), which
is what some 4e5 equally likely matrices of each kind would give; 7e16 tasks of three matrices, before
the right sides.

*Conventions*: integers and fractions only, nothing is rounded, so that a draw is the same everywhere.
Matrices are tuples of rows. `VERSION` belongs to the stream: another frame, bound or order of draws
gives other tasks.

*References*: G. Strang, "Linear Algebra and Learning from Data", 2019, I.8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ddasp.homework.draw import Draw

__all__ = ["VERSION", "Drawn", "System", "drawn_matrix", "drawn_system", "neat"]

VERSION = 1
Vector = tuple[int, ...]
Frame = tuple[Vector, ...]

FRAMES: dict[int, tuple[Frame, ...]] = {
    3: (
        ((1, 0, 0), (0, 1, 1), (0, 1, -1)),
        ((1, 0, 0), (0, 2, 1), (0, 1, -2)),
        ((1, 1, 1), (1, -1, 0), (1, 1, -2)),
        ((1, 2, 2), (2, 1, -2), (2, -2, 1)),
        ((1, 2, 0), (2, -1, 1), (2, -1, -5)),
        ((1, 1, -1), (2, -1, 1), (0, 1, 1)),
        ((1, 2, 2), (0, 1, -1), (4, -1, -1)),
    ),
    4: (
        ((1, 1, 1, 1), (1, 1, -1, -1), (1, -1, 1, -1), (1, -1, -1, 1)),
        ((1, 1, 0, 0), (1, -1, 0, 0), (0, 0, 1, 1), (0, 0, 1, -1)),
        ((1, 2, 0, 0), (2, -1, 0, 0), (0, 0, 1, 1), (0, 0, 1, -1)),
        ((1, 2, 0, 0), (2, -1, 0, 0), (0, 0, 1, 2), (0, 0, 2, -1)),
        ((1, 1, 1, 0), (1, -1, 0, 1), (1, 0, -1, -1), (0, 1, -1, 1)),
        ((2, 1, 1, 0), (1, -2, 0, 1), (1, 0, -2, -1), (0, 1, -1, 2)),
        ((1, 1, 1, 1), (1, -1, 0, 0), (0, 0, 1, -1), (1, 1, -1, -1)),
        ((1, 1, 1, 0), (1, -1, 0, 0), (1, 1, -2, 0), (0, 0, 0, 1)),
        ((1, 1, 1, 0), (1, 1, -2, 1), (1, -1, 0, 0), (1, 1, -2, -6)),
        ((1, 1, 1, 1), (1, 1, 1, -3), (1, -1, 0, 0), (1, 1, -2, 0)),
        ((1, 0, 1, 1), (1, 1, -1, 0), (1, -1, 0, -1), (0, 1, 1, -1)),
    ),
}
FACTORS = (-3, -2, -1, 1, 2, 3)

LARGEST_ENTRY = 9
LARGEST_SQUARE = 500  # of a singular value
LARGEST_DENOMINATOR = 210  # of the pseudo-inverse
LARGEST_IN_RREF = 6
LARGEST_RIGHT_SIDE = 24


@dataclass(frozen=True)
class Drawn:
    """A matrix as a sum of orthogonal terms.

    Parameters
    ----------
    u, v : tuple of tuple of int
        Whole frames; the first terms belong to the factors, what follows spans the null spaces.
    factors : tuple of (int or Fraction)
        c_1 ... c_r.
    """

    u: Frame
    v: Frame
    factors: tuple[int | Fraction, ...]

    @property
    def rank(self) -> int:
        """Number of terms."""
        return len(self.factors)

    @property
    def exact(self) -> tuple[tuple[int | Fraction, ...], ...]:
        """The rows, whole numbers or not."""
        terms = list(zip(self.factors, self.u, self.v, strict=False))
        return tuple(
            tuple(sum(c * u[i] * v[j] for c, u, v in terms) for j in range(len(self.v)))
            for i in range(len(self.u))
        )

    @property
    def rows(self) -> tuple[Vector, ...]:
        """The rows of a matrix of integers."""
        return tuple(tuple(int(a) for a in row) for row in self.exact)

    @property
    def squares(self) -> tuple[int | Fraction, ...]:
        """s_1^2 ... s_r^2 in the order of the terms."""
        terms = zip(self.factors, self.u, self.v, strict=False)
        return tuple(c * c * dot(u, u) * dot(v, v) for c, u, v in terms)

    @property
    def inverse(self) -> tuple[tuple[int | Fraction, ...], ...]:
        """The rows of the pseudo-inverse."""
        turned = tuple(
            Fraction(c) / square for c, square in zip(self.factors, self.squares, strict=True)
        )
        return Drawn(self.v, self.u, turned).exact


@dataclass(frozen=True)
class System:
    """Two right sides for one matrix.

    Parameters
    ----------
    inside : tuple of int
        In the column space.
    outside : tuple of int or None
        Not in it; None where there is nothing outside.
    """

    inside: Vector
    outside: Vector | None


def dot(x: Sequence[int], y: Sequence[int]) -> int:
    """The scalar product x.y."""
    return sum(a * b for a, b in zip(x, y, strict=True))


def drawn_frame(draw: Draw, size: int) -> Frame:
    """Orthogonal integer vectors: a known frame with its coordinates and vectors mixed.

    Parameters
    ----------
    draw : Draw
    size : int
        3 or 4.
    """
    frame = draw.choice(FRAMES[size])
    order = draw.shuffled(range(size))
    signs = [draw.choice((-1, 1)) for _ in range(size)]
    return tuple(
        draw.shuffled([tuple(s * x[i] for s, i in zip(signs, order, strict=True)) for x in frame])
    )


def drawn_matrix(draw: Draw, n_rows: int, n_columns: int, rank: int) -> Drawn:
    """Draw until a matrix is neat.

    Parameters
    ----------
    draw : Draw
    n_rows, n_columns : int
        3 or 4.
    rank : int
        At least 1.

    Examples
    --------
    >>> drawn_matrix(Draw("example"), 4, 3, 2).rows
    ((-2, -2, -4), (2, -2, 0), (1, -1, 0), (1, 1, 2))
    """
    while True:
        u, v = drawn_frame(draw, n_rows), drawn_frame(draw, n_columns)
        factors = [draw.choice(FACTORS) for _ in range(rank)]
        entries = [a for row in Drawn(u, v, tuple(factors)).rows for a in row]
        divisor = math.gcd(*entries)
        if max(map(abs, entries)) > LARGEST_ENTRY * divisor:
            continue
        matrix = Drawn(u, v, tuple(Fraction(c, divisor) for c in factors))
        if neat(matrix):
            return matrix


def neat(matrix: Drawn) -> bool:
    """Whether the matrix suits paper: every quantity that is asked for has few digits.

    Parameters
    ----------
    matrix : Drawn
        Of integers.

    Notes
    -----
    Entries up to 9, two zeros at most, no row or column that is zero or up to its sign another one;
    the squares of the singular values are integers up to 500 and all different; numerators and
    denominators of the reduced row echelon form up to 6, denominators of the pseudo-inverse up to
    210; and there is a right side outside the column space with entries up to 24, so that
    `drawn_system` ends.
    """
    rows, squares = matrix.rows, matrix.squares
    entries = [a for row in rows for a in row]
    if max(map(abs, entries)) > LARGEST_ENTRY or entries.count(0) > 2:
        return False
    columns = tuple(zip(*rows, strict=True))
    if not (_all_differ(rows) and _all_differ(columns)):
        return False
    if len(set(squares)) < len(squares) or max(squares) > LARGEST_SQUARE:
        return False
    if any(square.denominator > 1 for square in squares):
        return False
    if any(q.denominator > LARGEST_DENOMINATOR for row in matrix.inverse for q in row):
        return False
    if not _has_small_side_outside(matrix):
        return False
    form = [q for row in reduced(rows) for q in row]
    return all(max(abs(q.numerator), q.denominator) <= LARGEST_IN_RREF for q in form)


def _has_small_side_outside(matrix: Drawn) -> bool:
    beyond = [max(map(abs, u)) for u in matrix.u[matrix.rank :]]
    reached = [max(abs(dot(row, v)) for row in matrix.rows) for v in matrix.v[: matrix.rank]]
    return not beyond or min(reached) + min(beyond) <= LARGEST_RIGHT_SIDE


def _all_differ(vectors: Sequence[Vector]) -> bool:
    signed = {tuple(sign * a for a in x) for x in vectors for sign in (1, -1)}
    return len(signed) == 2 * len(vectors)  # zero is its own opposite


def reduced(rows: Sequence[Sequence[int]]) -> list[list[Fraction]]:
    """The reduced row echelon form, by Gauss-Jordan elimination."""
    R = [[Fraction(a) for a in row] for row in rows]
    done = 0
    for j in range(len(R[0])):
        pivot = next((i for i in range(done, len(R)) if R[i][j]), None)
        if pivot is None:
            continue
        R[done], R[pivot] = R[pivot], R[done]
        R[done] = [a / R[done][j] for a in R[done]]
        for i in range(len(R)):
            if i != done:
                R[i] = [a - R[i][j] * b for a, b in zip(R[i], R[done], strict=True)]
        done += 1
    return R


def drawn_system(draw: Draw, matrix: Drawn) -> System:
    """Right sides with small integers: A x for an integer x, and one that A does not reach.

    Parameters
    ----------
    draw : Draw
    matrix : Drawn

    Notes
    -----
    The second one is A y + e with y in the row space and e in the left null space, both of
    integers, neither zero; so y is its least-squares solution of least norm.
    """
    inside = _reached(matrix, [draw.between(-3, 3) for _ in matrix.v])
    while not _small(inside):
        inside = _reached(matrix, [draw.between(-3, 3) for _ in matrix.v])
    if matrix.rank == len(matrix.u):
        return System(inside, None)
    while True:
        y = _combined(draw, matrix.v[: matrix.rank])
        e = _combined(draw, matrix.u[matrix.rank :])
        reached = [dot(row, y) for row in matrix.rows]
        outside = tuple(p + q for p, q in zip(reached, e, strict=True))
        if any(reached) and any(e) and _small(outside) and outside != inside:
            return System(inside, outside)


def _reached(matrix: Drawn, x: Sequence[int]) -> Vector:
    return tuple(dot(row, x) for row in matrix.rows)


def _small(b: Vector) -> bool:
    return any(b) and max(map(abs, b)) <= LARGEST_RIGHT_SIDE


def _combined(draw: Draw, vectors: Frame) -> Vector:
    """A small integer vector of their span; (0, 0, ...) may come too."""
    weights = [draw.between(-2, 2) for _ in vectors]
    total = [dot(weights, column) for column in zip(*vectors, strict=True)]
    divisor = math.gcd(*total)
    return tuple(a // divisor for a in total) if divisor else tuple(total)
