"""Solutions of task 1 by exact arithmetic, from nothing but the integers on the sheet.

Another way than the one the matrices were drawn by: elimination in fractions, singular values from the
integer roots of det(A^T A - t I), the pseudo-inverse from C R. Numbers are integers, "p/q", or
"p*sqrt(n)/q"; where one isn't of that kind, the task was not neat and this raises.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

Rows = list[list[Fraction]]


def rows(values: Any) -> Rows:
    return [[Fraction(int(a)) for a in row] for row in values]


def turned(A: Rows) -> Rows:
    return [list(column) for column in zip(*A, strict=True)]


def times(A: Rows, B: Rows) -> Rows:
    return [
        [sum((a * b for a, b in zip(r, c, strict=True)), Fraction(0)) for c in turned(B)] for r in A
    ]


def minus(A: Rows, B: Rows) -> Rows:
    return [[a - b for a, b in zip(p, q, strict=True)] for p, q in zip(A, B, strict=True)]


def identity(n: int, factor: Fraction | int = 1) -> Rows:
    return [[Fraction(factor * (i == j)) for j in range(n)] for i in range(n)]


def echelon(A: Rows) -> tuple[Rows, list[int]]:
    """The reduced row echelon form and the columns of its pivots."""
    R, pivots = [row[:] for row in A], []
    for j in range(len(R[0])):
        i = next((i for i in range(len(pivots), len(R)) if R[i][j] != 0), None)
        if i is None:
            continue
        k = len(pivots)
        R[k], R[i] = R[i], R[k]
        R[k] = [a / R[k][j] for a in R[k]]
        for i in set(range(len(R))) - {k}:
            R[i] = [a - R[i][j] * b for a, b in zip(R[i], R[k], strict=True)]
        pivots.append(j)
    return R, pivots


def inverse(A: Rows) -> Rows:
    n = len(A)
    R, pivots = echelon([row + unit for row, unit in zip(A, identity(n), strict=True)])
    assert pivots == list(range(n))
    return [row[n:] for row in R]


def null_space(A: Rows) -> Rows:
    """A basis, one vector a row, of integers without a common divisor."""
    R, pivots = echelon(A)
    n = len(A[0])
    basis = []
    for free in sorted(set(range(n)) - set(pivots)):
        x = [Fraction(int(j == free)) for j in range(n)]
        for i, j in enumerate(pivots):
            x[j] = -R[i][free]
        basis.append(whole(x))
    return basis


def whole(x: list[Fraction]) -> list[Fraction]:
    """The shortest integer vector in the direction of x."""
    y = [a * math.lcm(*(a.denominator for a in x)) for a in x]
    return [a / math.gcd(*(int(a) for a in y)) for a in y]


def projector(basis: Rows, n: int) -> Rows:
    if not basis:
        return identity(n, 0)
    V = turned(basis)
    return times(times(V, inverse(times(basis, V))), basis)


def determinant(A: Rows) -> Fraction:
    if len(A) == 1:
        return A[0][0]
    minors = ([row[:j] + row[j + 1 :] for row in A[1:]] for j in range(len(A)))
    signed = ((-1) ** j * A[0][j] * determinant(minor) for j, minor in enumerate(minors))
    return sum(signed, Fraction(0))


def squares_of(A: Rows) -> list[int]:
    """The squares of the positive singular values, descending; all of them integers.

    They are the roots t of det(t I - G) = t^n - e_1 t^(n-1) + e_2 t^(n-2) - ..., where e_k is the sum of
    the principal minors of k rows of G = A^T A.
    """
    G = times(turned(A), A)
    n = len(G)
    polynomial = [1]
    for k in range(1, n + 1):
        chosen = itertools.combinations(range(n), k)
        minors = sum(determinant([[G[i][j] for j in some] for i in some]) for some in chosen)
        polynomial.append(int((-1) ** k * minors))
    roots = [t for t in range(-polynomial[1], 0, -1) if _at(polynomial, t) == 0]
    assert len(roots) == len(echelon(A)[1]), "the squares are integers, and all different"
    return roots


def _at(polynomial: list[int], t: int) -> int:
    value = 0
    for coefficient in polynomial:
        value = value * t + coefficient
    return value


def text(q: Fraction) -> int | str:
    return int(q) if q.denominator == 1 else f"{q.numerator}/{q.denominator}"


def root(q: Fraction, n: int) -> int | str:
    """q sqrt(n), with squares taken out of n."""
    for k in range(math.isqrt(n), 1, -1):
        if n % (k * k) == 0:
            q, n = q * k, n // (k * k)
    if n == 1 or q == 0:
        return text(q)
    sign = "-" if q < 0 else ""
    above = "" if abs(q.numerator) == 1 else f"{abs(q.numerator)}*"
    below = "" if q.denominator == 1 else f"/{q.denominator}"
    return f"{sign}{above}sqrt({n}){below}"


def texts(A: Rows) -> list[list[int | str]]:
    return [[text(q) for q in row] for row in A]


def unit(x: list[Fraction]) -> list[int | str]:
    """x over its length."""
    n = int(sum(a * a for a in x))
    return [root(a / n, n) for a in x]


def spaces_of(A: Rows) -> dict[str, Rows]:
    R, pivots = echelon(A)
    return {
        "column space": [turned(A)[j] for j in pivots],
        "row space": R[: len(pivots)],
        "null space": null_space(A),
        "left null space": null_space(turned(A)),
    }


def pseudo_inverse(A: Rows) -> Rows:
    R, pivots = echelon(A)
    C, R = turned([turned(A)[j] for j in pivots]), R[: len(pivots)]
    of_R = times(turned(R), inverse(times(R, turned(R))))
    return times(of_R, times(inverse(times(turned(C), C)), turned(C)))


def singular(A: Rows) -> list[tuple[int, list[Fraction], list[Fraction]]]:
    """(s^2, u, v) for each term, u and v integers of no particular length."""
    G = times(turned(A), A)
    terms = []
    for t in squares_of(A):
        (v,) = null_space(minus(G, identity(len(G), t)))
        u = whole([sum((a * b for a, b in zip(row, v, strict=True)), Fraction(0)) for row in A])
        terms.append((t, u, v))
    return terms


def solution(matrices: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What each function of the task gives back, by its name and by matrix."""
    answers: dict[str, dict[str, Any]] = {}
    for name in ("A", "B", "D"):
        A = rows(matrices[name])
        for function, answer in _of_one(A, name, matrices).items():
            answers.setdefault(function, {})[name] = answer
    return answers


def _of_one(A: Rows, name: str, matrices: dict[str, Any]) -> dict[str, Any]:
    R, pivots = echelon(A)
    spaces = spaces_of(A)
    sizes = {"column space": len(A), "left null space": len(A)}
    terms = singular(A)
    C = turned(spaces["column space"])
    return {
        "rref_and_cr": {"rref": texts(R), "C": texts(C), "R": texts(R[: len(pivots)])},
        "ranks": len(pivots),
        "bases": {key: texts(basis) for key, basis in spaces.items()},
        "projectors": {
            key: texts(projector(basis, sizes.get(key, len(A[0])))) for key, basis in spaces.items()
        },
        "singular_values_and_vectors": {
            "s": [root(Fraction(1), t) for t, _, _ in terms],
            "u": [unit(u) for _, u, _ in terms],
            "v": [unit(v) for _, _, v in terms],
        },
        "rank_one_terms": [texts(term(A, v)) for _, _, v in terms],
        "pseudo_inverses": texts(pseudo_inverse(A)),
        "systems": _systems(A, name, matrices),
    }


def term(A: Rows, v: list[Fraction]) -> Rows:
    """A v v^T / v.v, which is s u v^T."""
    length = sum((a * a for a in v), Fraction(0))
    Av = times(A, [[a] for a in v])
    return [[a[0] * b / length for b in v] for a in Av]


def _systems(A: Rows, name: str, matrices: dict[str, Any]) -> dict[str, Any]:
    b = rows(matrices[f"b_{name}"])
    R, pivots = echelon([row + side for row, side in zip(A, b, strict=True)])
    assert len(A[0]) not in pivots, "b is in the column space"
    x = [Fraction(0)] * len(A[0])
    for i, j in enumerate(pivots):
        x[j] = R[i][-1]
    answer: dict[str, Any] = {"x": [text(q) for q in x]}
    if f"c_{name}" in matrices:
        c = rows(matrices[f"c_{name}"])
        x_plus = times(pseudo_inverse(A), c)
        p = times(A, x_plus)
        e = minus(c, p)
        assert any(q != 0 for (q,) in e), "c is not in the column space"
        for key, column in (("p", p), ("x_plus", x_plus), ("e", e)):
            answer[key] = [text(q) for (q,) in column]
    return answer
