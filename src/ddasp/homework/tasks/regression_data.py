"""A thousand samples that only a non-linear model can explain, drawn from a student's id.

The target is what a teacher network of three tanh units computes, without noise,

    y = v1 tanh(w1 . x + c1) + v2 tanh(w2 . x + c2) + v3 tanh(w3 . x + c3),

shifted and scaled to mean 0 and variance 1, so that a risk means the same to every student: the
share of the variance that a model leaves. Teachers are drawn until none of the simple models will do:

- the best linear model leaves at least half of the variance;
- no function of one projection of x, of whatever shape, explains it, so no single unit does;
- no unit is idle: with any one left out, and the others weighted anew, much is left.

*Conventions*: X (N, 2) on a grid of 0.01, y (N,) rounded to 6 decimals: functions of the C library
differ in their last bit from machine to machine, the file must not. Sums of the standardisation are
exact (`math.fsum`) for the same reason.

*References*: J. H. Friedman and W. Stuetzle, "Projection Pursuit Regression", JASA 76, 1981.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.draw import Draw
from ddasp.homework.parts import Sheet

__all__ = ["N_ROWS", "N_UNITS", "Teacher", "data_of", "draw_sheet", "draw_teacher", "left_linear"]

Array = NDArray[np.float64]

N_ROWS = 1000
N_UNITS = 3
LEFT_BY_LINEAR = 0.5  # shares of the variance that are left, at least
LEFT_BY_PROJECTION = 0.2
LEFT_WITHOUT_A_UNIT = 0.15
N_DIRECTIONS, N_BINS = 24, 20


@dataclass(frozen=True)
class Teacher:
    """Three tanh units, with weights on decimal grids.

    Parameters
    ----------
    W : numpy.ndarray of shape (2, 3)
        Weights of the inputs.
    c : numpy.ndarray of shape (3,)
        Biases.
    v : numpy.ndarray of shape (3,)
        Weights of the outputs.
    """

    W: Array
    c: Array
    v: Array

    def units(self, X: Array) -> Array:
        """What each unit gives, (N, 3); one sample at a time, by the tanh of the C library.

        Parameters
        ----------
        X : numpy.ndarray of shape (N, 2)
        """
        (w1, w2), c = self.W.tolist(), self.c.tolist()
        return np.array(
            [
                [math.tanh(w1[k] * x1 + w2[k] * x2 + c[k]) for k in range(len(c))]
                for x1, x2 in X.tolist()
            ]
        )

    def target(self, A: Array) -> Array:
        """The output, (N,), of mean 0 and variance 1, to 6 decimals.

        Parameters
        ----------
        A : numpy.ndarray of shape (N, 3)
            From `units`.
        """
        v = self.v.tolist()
        y = [math.fsum(vk * ak for vk, ak in zip(v, row, strict=True)) for row in A.tolist()]
        mean = math.fsum(y) / len(y)
        scale = math.sqrt(math.fsum((value - mean) ** 2 for value in y) / len(y))
        return np.array([round((value - mean) / scale, 6) + 0.0 for value in y])


def draw_teacher(draw: Draw) -> Teacher:
    """Any teacher: units that bend within the range of the inputs, none of them weak.

    Parameters
    ----------
    draw : Draw
    """
    while True:
        W = np.array([[draw.between(-20, 20) for _ in range(N_UNITS)] for _ in range(2)]) / 10
        c = np.array([draw.between(-15, 15) for _ in range(N_UNITS)]) / 10
        v = np.array([draw.choice((-1, 1)) * draw.between(5, 15) for _ in range(N_UNITS)]) / 10
        if np.sum(W**2, axis=0).min() >= 1.0:
            return Teacher(W, c, v)


def draw_inputs(draw: Draw, n: int) -> Array:
    """Inputs (n, 2), each from -2 to 2 in steps of 0.01."""
    return np.array([[draw.between(-200, 200), draw.between(-200, 200)] for _ in range(n)]) / 100


def left_linear(B: Array, y: Array) -> float:
    """The risk of the best y = b + B w: what a linear model of the columns of B leaves.

    Parameters
    ----------
    B : numpy.ndarray of shape (N, F)
    y : numpy.ndarray of shape (N,)
    """
    B = np.column_stack([np.ones(len(B)), B])
    theta = np.linalg.solve(B.T @ B, B.T @ y)
    return float(np.mean((y - B @ theta) ** 2))


def left_by_projection(X: Array, y: Array) -> float:
    """What the best step function of one projection of x leaves, over directions half a turn wide."""
    bins = np.arange(len(y)) * N_BINS // len(y)
    n = np.bincount(bins)
    left = math.inf
    for angle in np.pi * np.arange(N_DIRECTIONS) / N_DIRECTIONS:
        along = y[np.argsort(X @ [np.cos(angle), np.sin(angle)], kind="stable")]
        means = np.bincount(bins, along) / n
        left = min(left, float(np.mean((along - means[bins]) ** 2)))
    return left


def is_demanding(X: Array, A: Array, y: Array) -> bool:
    """Whether the simple models fail.

    Parameters
    ----------
    X : numpy.ndarray of shape (N, 2)
    A : numpy.ndarray of shape (N, 3)
        What the teacher's units give.
    y : numpy.ndarray of shape (N,)
    """
    return (
        left_linear(X, y) >= LEFT_BY_LINEAR
        and min(left_linear(np.delete(A, k, axis=1), y) for k in range(N_UNITS))
        >= LEFT_WITHOUT_A_UNIT
        and left_by_projection(X, y) >= LEFT_BY_PROJECTION
    )


def draw_data(draw: Draw) -> tuple[Array, Array]:
    """Inputs (N_ROWS, 2) and target (N_ROWS,) of a demanding teacher."""
    X = draw_inputs(draw, N_ROWS)
    while True:
        teacher = draw_teacher(draw)
        A = teacher.units(X)
        y = teacher.target(A)
        if is_demanding(X, A, y):
            return X, y


def draw_sheet(draw: Draw, student: str) -> Sheet:
    """The sheet of one student: ``data.csv`` with x1, x2, y, and its first row in words.

    Parameters
    ----------
    draw : Draw
        Known by task, version and student.
    student : str
        The id.
    """
    X, y = draw_data(draw)
    rows = [
        f"{x1:.2f},{x2:.2f},{t:.6f}" for (x1, x2), t in zip(X.tolist(), y.tolist(), strict=True)
    ]
    x1, x2, t = rows[0].replace("-", "−").split(",")
    return Sheet(
        student,
        files={"data.csv": "\n".join(["x1,x2,y", *rows, ""])},
        words={"n_rows": f"{N_ROWS:,}", "first_row": f"x₁ = {x1}, x₂ = {x2}, y = {t}"},
    )


def data_of(sheet: Sheet) -> tuple[Array, Array]:
    """X (N_ROWS, 2) and y (N_ROWS,) of a sheet, read from its file as a student reads it.

    Parameters
    ----------
    sheet : Sheet
    """
    rows = [line.split(",") for line in sheet.files["data.csv"].splitlines()[1:]]
    data = np.array(rows, dtype=np.float64)
    return data[:, :2], data[:, 2]
