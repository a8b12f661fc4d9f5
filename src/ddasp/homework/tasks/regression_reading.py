"""What functions of a submission gave back, read as layers and held against the definition.

*Conventions*: every reader raises `NotYet` with a text that names the quantity and the input. Numbers
count as equal to `CLOSE` times the largest of them: far beyond what single precision and sums in
another order lose (1e-6), far below what any slip in a formula does. Messages say how far off something
is, never what it should be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.answers import given, matrix, shown, vector
from ddasp.homework.parts import (
    NOT_ATTEMPTED,
    NOT_YET,
    Call,
    Finding,
    NotYet,
    Outcome,
    judged,
)

__all__ = ["Answer", "arrays", "each", "equal", "item", "value_of"]

Array = NDArray[np.float64]
Answer = tuple[Call, Outcome]
T = TypeVar("T")

CLOSE = 1e-5


def item(
    name: str, answers: Sequence[Answer], check: Callable[[], Any], weight: float = 1.0
) -> Finding:
    """The finding of one item, which needs some of the calls.

    Parameters
    ----------
    name : str
        What was asked for.
    answers : sequence of (Call, Outcome)
        What `check` looks at. A stub among them: not attempted; one that failed: not yet.
    check : callable
        As for `parts.judged`.
    weight : float
        Beside the other items of the part.
    """
    for _, outcome in answers:
        if outcome.status == "not attempted":
            return Finding(name, NOT_ATTEMPTED, outcome.says, weight)
    for call, outcome in answers:
        if outcome.status != "value":
            named = outcome.says.startswith(call.function)
            says = outcome.says if named else f"{call.function}: {outcome.says}"
            return Finding(name, NOT_YET, says, weight)
    return judged(name, check, weight=weight)


def each(check: Callable[[T], None], inputs: Iterable[T]) -> Callable[[], None]:
    """A check of several inputs, one after the other.

    Parameters
    ----------
    check : callable
        Of one input; raises `NotYet`.
    inputs : iterable
    """

    def run() -> None:
        for one in inputs:
            check(one)

    return run


def value_of(answer: Answer, key: str) -> Any:
    """What stands under a key of the dict that a function gave.

    Parameters
    ----------
    answer : (Call, Outcome)
    key : str

    Raises
    ------
    NotYet
        When it gave no dict, or one without it.
    """
    call, outcome = answer
    if not isinstance(outcome.value, dict):
        raise NotYet(
            f"{call.function} gave {shown(outcome.value)}; expected a dict with {key!r} in it"
        )
    found = given(outcome.value, key)
    if found is None:
        raise NotYet(f"{call.function} gave a dict without {key!r}")
    return found


def arrays(value: Any, name: str, wanted: Sequence[tuple[int, ...]], where: str) -> list[Array]:
    """A list of matrices and vectors of the expected shapes.

    Parameters
    ----------
    value : object
        As it came back.
    name : str
        What it is: "Z", "gradients".
    wanted : sequence of tuple of int
        Shapes of (n, m) or (n,).
    where : str
        The input, for the message.

    Raises
    ------
    NotYet
        When it is anything else.
    """
    if not isinstance(value, list):
        raise NotYet(
            f"{name} is {shown(value)} for {where}; expected a list of {len(wanted)} arrays"
        )
    if len(value) != len(wanted):
        raise NotYet(f"{name} has {len(value)} arrays for {where}; expected {len(wanted)}")
    found = []
    for i, (inner, shape) in enumerate(zip(value, wanted, strict=True)):
        known = f"{name}[{i}] for {where}"
        if len(shape) == 1:
            found.append(vector(inner, known, length=shape[0]))
        else:
            found.append(matrix(inner, known, rows=shape[0], columns=shape[1]))
    return found


SLIPS = (2.0, 0.5, -1.0)  # factors of which nobody needs to be told where they come from


def equal(found: Array, expected: Array, law: str, where: str) -> None:
    """Raise `NotYet` unless two arrays are equal but for rounding.

    Parameters
    ----------
    found, expected : numpy.ndarray
        Of one shape.
    law : str
        The property, "dL/dW2 = the derivative of the risk".
    where : str
        The input.

    Examples
    --------
    >>> equal(np.array([1.0, 2.0]), np.array([2.0, 4.0]), "D = dL/dZ", "a network")
    Traceback (most recent call last):
    ddasp.homework.parts.NotYet: D = dL/dZ fails for a network: off by up to 50 % of the largest entry
    (all of it is about 0.5 times the right-hand side)
    """
    scale = float(np.abs(expected).max())
    off = float(np.abs(found - expected).max())
    if off <= CLOSE * max(scale, 1e-12):
        return
    factor = float(np.vdot(expected, found) / np.vdot(expected, expected)) if scale else 0.0
    alike = np.abs(found - factor * expected).max() <= 1e-3 * abs(factor) * scale
    told = (
        f" (all of it is about {factor:.2g} times the right-hand side)"
        if alike and factor and abs(factor - 1) > 0.05
        else ""
    )
    factor = round(factor, 2)
    if expected.size == 1:  # a share of a single number would be the number
        told = f": it is {factor:.2g} times the right-hand side" if factor in SLIPS else ""
        raise NotYet(f"{law} fails for {where}{told}")
    share = f"{100 * off / scale:.3g} % of the largest entry" if scale else f"{off:.2g}"
    raise NotYet(f"{law} fails for {where}: off by up to {share}{told}")
