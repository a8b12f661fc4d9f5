"""Properties of what the singular value decomposition says: values, vectors, terms, pseudo-inverse.

*Conventions*: as in `ddasp.homework.properties`, rounding too. Singular values of A are all different,
so that each vector is known up to its sign. Those that are 0 are left out, with their vectors.

*References*: R. Penrose, Proc. Cambridge Phil. Soc. 51, 1955, eqs. (1) to (4); G. Strang, "Linear
Algebra and Learning from Data", 2019, I.8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.parts import NotYet
from ddasp.homework.properties import ROUNDING, ZERO, holds, orthonormal
from ddasp.linear import subspaces

__all__ = [
    "add_up_to",
    "left_singular",
    "pseudo_inverse",
    "rank_one",
    "related_by",
    "right_singular",
    "singular_values",
]

Array = NDArray[np.float64]

CANCELLATION = 20.0  # a term may be so many times larger than the matrix


def singular_values(s: Array, A: Array, name: str) -> None:
    """The positive singular values of A in descending order.

    Parameters
    ----------
    s : numpy.ndarray of shape (n_terms,)
    A : numpy.ndarray of shape (n_rows, n_columns)
    name : str

    Notes
    -----
    The square of each is an eigenvalue of A^T A; the message gives the determinant that is not zero.
    """
    _positive_descending(s, name)
    gram = A.T @ A
    squares = np.linalg.eigvalsh(gram)[len(gram) - subspaces.numerical_rank(A) :]  # without 0
    known: list[int] = []
    for i, value in enumerate(s, 1):
        nearest = int(np.abs(squares - value**2).argmin())
        if abs(squares[nearest] - value**2) > 2 * ROUNDING * value**2:
            det = float(np.linalg.det(gram - value**2 * np.eye(len(gram))))
            raise NotYet(
                f"{name}: σ{i}² is no eigenvalue of AᵀA, det(AᵀA − σ{i}² I) is {det:.3g} and not 0"
            )
        if nearest in known:
            raise NotYet(f"{name}: σ{i - 1} and σ{i} are one and the same to four digits")
        known.append(nearest)
    _as_many(len(s), A, name)


def _positive_descending(s: Array, name: str) -> None:
    if (s <= ZERO).any():
        i = int(np.argmax(s <= ZERO)) + 1
        raise NotYet(f"{name}: σ{i} is not positive; those that are 0 are left out")
    if (np.diff(s) >= 0).any():
        i = int(np.argmax(np.diff(s) >= 0)) + 1
        raise NotYet(f"{name}: σ{i + 1} is not smaller than σ{i}; descending order fails")


def _as_many(n_terms: int, A: Array, name: str) -> None:
    rank = subspaces.numerical_rank(A)
    if n_terms != rank:
        raise NotYet(f"{name}: there are {n_terms}, and not as many as the rank of the matrix")


def right_singular(V: Array, A: Array, name: str, letter: str = "v") -> None:
    """Orthonormal eigenvectors of A^T A, those of the largest eigenvalue first.

    Parameters
    ----------
    V : numpy.ndarray of shape (n_columns, n_terms)
    A : numpy.ndarray of shape (n_rows, n_columns)
    name : str
    letter : str
        Of one vector; "u" where A is the transpose of the matrix in question.
    """
    orthonormal(V, name, letter)
    gram = A.T @ A
    named = "AᵀA" if letter == "v" else "A Aᵀ"
    squares = []
    for i, v in enumerate(V.T, 1):
        which = f"{letter}{i}"
        square = float((A @ v) @ (A @ v))
        if (np.abs(A @ v) <= 2 * ROUNDING * (np.abs(A) @ np.abs(v)) + ZERO).all():
            raise NotYet(f"{name}: {which} belongs to the singular value 0, which is left out")
        change = np.abs(gram) @ np.abs(v)
        size = change + square * np.abs(v) + 2 * float(np.abs(v @ gram) @ np.abs(v)) * np.abs(v)
        holds(gram @ v - square * v, size, f"{name}: {named} {which} = σ² {which}")
        squares.append(square)
    _positive_descending(np.array(squares), f"{name}, with σ² = |A {letter}|² in place of σ")
    _as_many(V.shape[1], A, name)


def left_singular(U: Array, A: Array, name: str) -> None:
    """Orthonormal eigenvectors of A A^T, those of the largest eigenvalue first.

    Parameters
    ----------
    U : numpy.ndarray of shape (n_rows, n_terms)
    A : numpy.ndarray of shape (n_rows, n_columns)
    name : str
    """
    right_singular(U, A.T, name, "u")


def related_by(A: Array, U: Array, s: Array, V: Array, name: str) -> None:
    """A v_i = s_i u_i for each i, with orthonormal vectors and positive values.

    Parameters
    ----------
    A : numpy.ndarray of shape (n_rows, n_columns)
    U : numpy.ndarray of shape (n_rows, n_terms)
    s : numpy.ndarray of shape (n_terms,)
    V : numpy.ndarray of shape (n_columns, n_terms)
    name : str
    """
    if not U.shape[1] == len(s) == V.shape[1]:
        raise NotYet(
            f"{name}: there are {len(s)} σ, {U.shape[1]} u and {V.shape[1]} v; expected as many of each"
        )
    _positive_descending(s, name)
    orthonormal(U, name, "u")
    orthonormal(V, name, "v")
    for i, (u, value, v) in enumerate(zip(U.T, s, V.T, strict=True), 1):
        size = np.abs(A) @ np.abs(v) + 2 * value * np.abs(u)
        holds(A @ v - value * u, size, f"{name}: A v{i} = σ{i} u{i}")
    _as_many(len(s), A, name)


def rank_one(T: Array, name: str) -> None:
    """All minors of two rows and two columns vanish, and not all entries.

    Parameters
    ----------
    T : numpy.ndarray of shape (n_rows, n_columns)
    name : str

    Notes
    -----
    t_ij t_kl = t_il t_kj for all i, k and j, l; each compared with its own two products.
    """
    if np.abs(T).max() <= ZERO:
        raise NotYet(f"{name}: it is zero, so rank 1 fails")
    products = np.einsum("ij,kl->ijkl", T, T)
    minors = products - products.transpose(0, 3, 2, 1)  # t_ij t_kl - t_il t_kj
    magnitudes = np.abs(products) + np.abs(products.transpose(0, 3, 2, 1))
    holds(minors, 2 * magnitudes, f"{name}: rank 1, all 2 x 2 minors 0,")


def add_up_to(terms: Sequence[Array], A: Array, name: str) -> None:
    """As many terms as the rank of A, each of rank 1, and their sum is A.

    Parameters
    ----------
    terms : sequence of numpy.ndarray of shape (n_rows, n_columns)
    A : numpy.ndarray of shape (n_rows, n_columns)
    name : str

    Notes
    -----
    Terms far larger than A that cancel each other are refused: with enough of it everything has
    rank 1 to four digits.
    """
    _as_many(len(terms), A, f"{name}: terms")
    for i, T in enumerate(terms, 1):
        if np.abs(T).max() > CANCELLATION * np.abs(A).max():
            raise NotYet(
                f"{name}: term {i} is more than {CANCELLATION:g} times larger than the matrix; "
                "take terms that don't cancel"
            )
        rank_one(T, f"{name}: term {i}")
    size = np.sum([np.abs(T) for T in terms], axis=0)
    holds(np.sum(terms, axis=0) - A, size, f"{name}: sum of the terms = {name}")


def pseudo_inverse(X: Array, A: Array, name: str) -> None:
    """The four conditions of Penrose; the message names each that fails.

    Parameters
    ----------
    X : numpy.ndarray of shape (n_columns, n_rows)
    A : numpy.ndarray of shape (n_rows, n_columns)
    name : str
        Of the matrix.
    """
    a, x, there, back = np.abs(A), np.abs(X), A @ X, X @ A
    plus = f"{name}⁺"
    conditions = (
        (A @ X @ A - A, a @ x @ a, f"{name} {plus} {name} = {name}"),
        # The products stand for themselves here, not for their magnitudes: |X| |A| |X| would allow
        # anything in large X.
        (
            X @ A @ X - X,
            x @ np.abs(there) + np.abs(back) @ x + x,
            f"{plus} {name} {plus} = {plus}",
        ),
        (there - there.T, a @ x + (a @ x).T, f"symmetry of {name} {plus}"),
        (back - back.T, x @ a + (x @ a).T, f"symmetry of {plus} {name}"),
    )
    failed = []
    for difference, size, says in conditions:
        try:
            holds(difference, size, says)
        except NotYet as one:
            failed.append(str(one))
    if failed:
        raise NotYet("; ".join(failed))
