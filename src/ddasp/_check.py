"""The few checks of input that every room shares.

*Conventions*: each returns what it checked, as an array where it got one, so that a function's
first lines read ``x = signal_1d(x)``. Messages say argument, got, expected, likely cause.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._errors import InputError

__all__ = ["in_range", "matrix", "one_of", "signal_1d", "signal_2d", "whole"]


MOST_NAMED = 24  # of a list in a message


def _floating(values: ArrayLike, name: str) -> NDArray[np.floating]:
    array = np.asarray(values)
    if array.dtype == np.float32 or array.dtype == np.float64:
        return array
    if array.dtype.kind in "iu":
        raise InputError(
            "E-ARGUMENT",
            f"{name} has dtype {array.dtype}; expected float with full scale = 1 - "
            "are these integers of a file? Divide by 2**(bits - 1)",
        )
    if array.dtype.kind != "f":
        raise InputError("E-ARGUMENT", f"{name} has dtype {array.dtype}; expected float")
    return array.astype(np.float64)


def signal_1d(values: ArrayLike, name: str = "signal") -> NDArray[np.floating]:
    """One channel, shape (n_samples,), finite floats; dtype float32 or float64 is kept."""
    array = _floating(values, name)
    if array.ndim != 1:
        raise InputError(
            "E-ARGUMENT",
            f"{name} has shape {array.shape}; expected (n_samples,) - mix the channels first?",
        )
    if not np.isfinite(array).all():
        raise InputError("E-ARGUMENT", f"{name} contains NaN or infinity; expected finite samples")
    return array


def signal_2d(values: ArrayLike, name: str = "signal") -> NDArray[np.floating]:
    """Any channels, shape (n_samples, n_channels); a 1-D signal becomes one column."""
    array = _floating(values, name)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:
        raise InputError(
            "E-ARGUMENT", f"{name} has shape {array.shape}; expected (n_samples, n_channels)"
        )
    if array.shape[1] > 64:
        raise InputError(
            "E-ARGUMENT",
            f"{name} has shape {array.shape}; expected (n_samples, n_channels) with at most "
            "64 channels - is it transposed?",
        )
    if not np.isfinite(array).all():
        raise InputError("E-ARGUMENT", f"{name} contains NaN or infinity; expected finite samples")
    return array


def matrix(values: ArrayLike, name: str = "X") -> NDArray[np.floating]:
    """A finite float matrix of shape (n_observations, n_features); integers become float64."""
    array = np.asarray(values)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    array = _floating(array, name)
    if array.ndim != 2:
        raise InputError(
            "E-ARGUMENT",
            f"{name} has shape {array.shape}; expected (n_observations, n_features) - "
            "one observation? Use x[np.newaxis, :]",
        )
    if not np.isfinite(array).all():
        raise InputError("E-ARGUMENT", f"{name} contains NaN or infinity; expected finite values")
    return array


def in_range(
    value: float, name: str, low: float, high: float, *, unit: str = "", hint: str = ""
) -> float:
    """A finite number with low <= value <= high."""
    if not np.isfinite(value) or not low <= value <= high:
        tail = f" - {hint}" if hint else ""
        raise InputError(
            "E-ARGUMENT",
            f"{name} is {value:g}{' ' + unit if unit else ''}; expected {low:g} to {high:g}{tail}",
        )
    return float(value)


def whole(value: object, name: str, least: int = 1) -> int:
    """A whole number of at least `least`.

    Raises
    ------
    InputError
        When it is anything else, 2.0 included.

    Examples
    --------
    >>> whole(np.int64(3), "n_epochs")
    3
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(
            "E-ARGUMENT", f"{name} is {value!r}; expected an integer of at least {least}"
        )
    return int(value)


def one_of(value: str, name: str, allowed: tuple[str, ...]) -> str:
    """A word of a short list; the nearest one is proposed."""
    if value not in allowed:
        import difflib

        near = difflib.get_close_matches(value, allowed, n=1)
        tail = f" - did you mean {near[0]!r}?" if near else ""
        named = ", ".join(allowed[:MOST_NAMED])
        more = f" and {len(allowed) - MOST_NAMED} more" if len(allowed) > MOST_NAMED else ""
        raise InputError("E-ARGUMENT", f"{name} is {value!r}; expected one of {named}{more}{tail}")
    return value
