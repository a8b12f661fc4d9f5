"""What the room takes and counts as zero or equal: matrices, targets, strengths, rank, signs.

*Conventions*: each check returns what it checked, as an array; float32, float64, complex64 and
complex128 are kept, integers become float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range
from ddasp._errors import InputError

__all__ = [
    "Array",
    "lambdas",
    "leading",
    "nonempty",
    "nonzero_terms",
    "one_target",
    "real_or_complex",
    "refuse",
]

Array = NDArray[Any]  # of real or complex numbers


def refuse(message: str) -> InputError:
    """The error of an argument that can't be used."""
    return InputError("E-ARGUMENT", message)


def real_or_complex(values: ArrayLike, name: str = "A", *, dimensions: int = 2) -> Array:
    """A finite matrix (or vector, for `dimensions` = 1) with at least one entry."""
    array = np.asarray(values)
    if array.dtype.kind not in "iubfc":
        raise refuse(f"{name} has dtype {array.dtype}; expected real or complex numbers")
    if array.dtype.kind in "iub" or array.dtype.name not in ("float32", "complex64"):
        array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64, copy=False)
    if array.ndim != dimensions:
        expected = "(n_rows, n_columns)" if dimensions == 2 else "(n_values,)"
        hint = " - one column? Use x[:, np.newaxis]" if array.ndim < dimensions else ""
        raise refuse(f"{name} has shape {array.shape}; expected {expected}{hint}")
    nonempty(array, name)
    if not np.isfinite(array).all():
        raise refuse(f"{name} contains NaN or infinity; expected finite values")
    return array


def nonempty(array: Array, name: str) -> None:
    """At least one row and one column; nothing spans no space and has no mean."""
    if array.size == 0:
        raise refuse(
            f"{name} has shape {array.shape}; expected at least one row and one column - "
            "did a mask or a slice select nothing?"
        )


def nonzero_terms(s: Array, shape: tuple[int, ...], tolerance: float | None = None) -> int:
    """How many singular values of a matrix of this shape are not zero up to rounding."""
    if tolerance is None:
        tolerance = max(shape) * float(np.finfo(s.dtype).eps)
    return int(np.count_nonzero(s > in_range(tolerance, "tolerance", 0.0, 1.0) * s[0]))


def leading(V: Array) -> NDArray[np.intp]:
    """In each column, the first entry that has its largest magnitude up to rounding.

    Ties are common (two standardised features have the components (1, 1) and (1, -1) / sqrt 2):
    the last bit must not decide which of them gets the sign.
    """
    magnitude = np.abs(V)
    nearly = 1 - np.sqrt(np.finfo(V.dtype).eps)
    return np.asarray(np.argmax(magnitude >= nearly * magnitude.max(axis=0, initial=0.0), axis=0))


def one_target(y: ArrayLike, n_observations: int, dtype: Any) -> NDArray[np.floating]:
    """Finite real y of shape (n_observations,)."""
    array = real_or_complex(y, "y", dimensions=1)
    if array.dtype.kind == "c":
        raise refuse("y is complex; expected real values - solve_svd takes complex data")
    if len(array) != n_observations:
        raise refuse(f"y has length {len(array)} and X {n_observations} rows; expected as many")
    return array.astype(dtype, copy=False)


def lambdas(regularisations: ArrayLike, *, lowest: str = "above 0") -> NDArray[np.float64]:
    """Strengths of a regularisation, of shape (n_lambdas,), positive or (`lowest`) from 0."""
    values = np.asarray(regularisations, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise refuse(
            f"regularisations has shape {values.shape}; expected (n_lambdas,), one or more"
        )
    allowed = values >= 0 if lowest == "from 0" else values > 0
    if not (np.isfinite(values) & allowed).all():
        raise refuse(f"regularisations holds {values[~allowed][:1]}; expected numbers {lowest}")
    return values
