"""A learner's answer, looked at where it was made: values checked, functions called in this process.

*Conventions*: the answer is the learner's own code on the learner's own machine, so it is called
directly; what it raises becomes a finding with its kind, its words and its line. A call that does not
end can't be stopped from here: interrupt it, as any cell. Arguments are copies, so that a function
that writes into them spoils nothing but its own.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.answers import blank, shown
from ddasp.homework.parts import NOT_ATTEMPTED, Finding, NotYet, judged

__all__ = ["NotAttempted", "array", "asked", "called", "function"]

Array = NDArray[Any]
LONGEST = 200


class NotAttempted(Exception):
    """The function is still the stub."""


def function(answer: Any, form: str) -> Callable[..., Any]:
    """The answer, when it can be called.

    Parameters
    ----------
    answer : object
    form : str
        How it is called, "best_rank_k(A, k)".

    Raises
    ------
    NotYet
        When it is no function.

    Examples
    --------
    >>> function(abs, "level(x)")(-1)
    1
    """
    if not callable(answer):
        raise NotYet(
            f"the answer is {shown(answer)}; expected a function, to be called as {form} - "
            "pass the function itself, without brackets?"
        )
    found: Callable[..., Any] = answer
    return found


def called(answer: Callable[..., Any], *arguments: Any) -> Any:
    """What the learner's function gives for copies of these arguments.

    Parameters
    ----------
    answer : callable
    *arguments : object
        Arrays are copied.

    Raises
    ------
    NotAttempted
        When it raises NotImplementedError.
    NotYet
        When it raises anything else; the text says what, and in which line.

    Examples
    --------
    >>> called(lambda x: x + 1, 1)
    2
    """
    own = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    try:
        return answer(*own)
    except NotImplementedError:
        raise NotAttempted from None
    except (Exception, SystemExit) as error:  # whatever a learner's code raises
        raise NotYet(_says(error, answer)) from None


def _says(error: BaseException, answer: Callable[..., Any]) -> str:
    """Kind, words and line of what was raised in a learner's function."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first one is `called`
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    own = [frame for frame in frames if frame.filename == file] or frames
    where = f" in line {own[-1].lineno} of {own[-1].name}" if own else ""
    try:
        words = str(error)[:LONGEST]
    except Exception:
        words = "its words can't be read"
    return f"it raised {type(error).__name__}{where}{': ' if words else ''}{words}"


def array(value: Any, name: str, shape: tuple[int, ...], *, real: bool = True) -> Array:
    """Finite numbers of the expected shape.

    Parameters
    ----------
    value : array_like
        Of any shape; what is wrong with it is said.
    name : str
        What it is, for the message: "best_rank_k(A, 2)".
    shape : tuple of int
        As expected.
    real : bool
        Whether complex numbers are refused; real ones that are written as complex are not.

    Returns
    -------
    numpy.ndarray
        Of that shape, float64, or complex128 where that is no contradiction.

    Raises
    ------
    NotYet
        When it is anything else.

    Examples
    --------
    >>> array([1, 2], "x", (2,))
    array([1., 2.])
    """
    if value is None:
        raise NotYet(f"{name} is None - is a return missing?")
    try:
        numbers = np.asarray(value)
    except Exception:  # ragged lists, and whatever an object does when it is asked for an array
        raise NotYet(
            f"{name} is {shown(value)} that makes no array - rows of one length?"
        ) from None
    if numbers.dtype.kind not in "biufc":
        raise NotYet(f"{name} is {shown(value)} of {numbers.dtype}; expected numbers")
    if numbers.shape != shape:
        raise NotYet(f"{name} has shape {numbers.shape}; expected {shape}")
    numbers = numbers.astype(np.complex128 if numbers.dtype.kind == "c" else np.float64)
    if not np.isfinite(numbers).all():
        raise NotYet(f"{name} contains NaN or infinity; expected finite numbers")
    if real and np.abs(numbers.imag).max(initial=0.0) > 0.0:
        raise NotYet(f"{name} is complex; expected real numbers")
    return numbers.real if real else numbers


def asked(answer: Any, items: Sequence[tuple[str, Callable[[Any], Any]]]) -> list[Finding]:
    """A finding for each item that an exercise asks for.

    Parameters
    ----------
    answer : object
        What is `blank`, and a function that raises NotImplementedError, are not attempted.
    items : sequence of (str, callable)
        Name, and a check of the answer that raises `NotYet`.

    Examples
    --------
    >>> def positive(x):
    ...     if x <= 0:
    ...         raise NotYet(f"{x} is not above 0")
    >>> [finding.says for finding in asked(-1, [("sign", positive)])]
    ['-1 is not above 0']
    """
    return [_item(answer, name, check) for name, check in items]


def _item(answer: Any, name: str, check: Callable[[Any], Any]) -> Finding:
    if blank(answer):
        return Finding(name, NOT_ATTEMPTED)
    try:
        return judged(name, lambda: check(answer))
    except NotAttempted:
        return Finding(name, NOT_ATTEMPTED)
