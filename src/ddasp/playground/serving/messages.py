"""What a page may say: JSON objects of a few types, bounded in size, depth and number.

A message is looked at in three steps, and whatever does not pass is answered in words: the text is
bounded before it is parsed, the value is bounded after it, and then its type says which entries it must
have. What the entries mean (is this a learning rate?) is checked by those who use them.

*Conventions*: a message is a JSON object with a ``type``; further entries are left alone. Numbers are
finite and no larger than 1e15 in size.

*References*: RFC 8259 (JSON).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any

from ddasp._errors import InputError

__all__ = ["MAX_BYTES", "TYPES", "Bucket", "parse"]

MAX_BYTES, MAX_DEPTH, MAX_VALUES, LARGEST = 2**20, 10, 200_000, 1e15
REQUIRED = object()


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_label(value: Any) -> bool:
    return _is_number(value) or isinstance(value, str)


def _are_rows(*entries: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A list of lists, each entry of which passes its check."""

    def holds(value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(row, list)
            and len(row) == len(entries)
            and all(fits(entry) for fits, entry in zip(entries, row, strict=True))
            for row in value
        )

    return holds


A_TEXT = ("a text", lambda value: isinstance(value, str))
A_COUNT = ("a whole number of at least 0", _is_count)
A_COUNT_OR_NULL = (
    "a whole number of at least 0, or null",
    lambda value: value is None or _is_count(value),
)
AN_OBJECT = ("an object", lambda value: isinstance(value, dict))
A_UNIT_OF_STEPS = (
    '"sample", "batch" or "epoch"',
    lambda value: value in ("sample", "batch", "epoch"),
)
Field = tuple[str, Callable[[Any], bool], Any]


def _must(kind: tuple[str, Callable[[Any], bool]]) -> Field:
    return (*kind, REQUIRED)


# type: {entry: (what it is, the check, the value when it is left out)}
TYPES: dict[str, dict[str, Field]] = {
    "change": {"set": _must(AN_OBJECT)},
    "address": {"text": _must(A_TEXT)},
    "play": {},
    "pause": {},
    "step": {"unit": _must(A_UNIT_OF_STEPS)},
    "back": {"unit": _must(A_UNIT_OF_STEPS)},
    "reset": {},
    "reseed": {"seed": (*A_COUNT_OR_NULL, None)},
    "regenerate": {"seed": (*A_COUNT_OR_NULL, None)},
    "edit": {
        "layer": _must(("a layer, 1 or more", lambda value: _is_count(value) and value >= 1)),
        "i": (*A_COUNT_OR_NULL, None),
        "j": _must(A_COUNT),
        "value": _must(("a number", _is_number)),
    },
    "points": {
        "add": ("a list of [x1, x2, label]", _are_rows(_is_number, _is_number, _is_label), ()),
        "move": ("a list of [index, x1, x2]", _are_rows(_is_count, _is_number, _is_number), ()),
        "delete": (
            "a list of indices",
            lambda value: isinstance(value, list) and all(map(_is_count, value)),
            (),
        ),
        "clear": ("true or false", lambda value: isinstance(value, bool), False),
    },
    "csv": {"text": _must(A_TEXT)},
    "focus": {"layer": _must(A_COUNT_OR_NULL), "unit": (*A_COUNT_OR_NULL, None)},
    "ack": {"frame": _must(A_COUNT)},
    "watch": {
        "panels": _must(
            (
                "a list of at most 20 texts",
                lambda value: (
                    isinstance(value, list)
                    and len(value) <= 20
                    and all(isinstance(name, str) for name in value)
                ),
            )
        )
    },
    "load": {"state": _must(AN_OBJECT)},
    "finite": {},
    "ask": {"id": _must(("a whole number of at least 0", _is_count)), "what": _must(A_TEXT)},
}


def parse(text: str | bytes) -> dict[str, Any]:
    """One message of a page, checked.

    Parameters
    ----------
    text : str or bytes
        As it came from the socket; bytes are refused, for pages send text.

    Returns
    -------
    message : dict
        With its ``type``, and every entry that the type has.

    Raises
    ------
    InputError
        ``E-ARGUMENT``, in words for the person at the page.

    Examples
    --------
    >>> parse('{"type": "reseed"}')
    {'type': 'reseed', 'seed': None}
    >>> parse('{"type": "step", "unit": "week"}')
    Traceback (most recent call last):
    ddasp._errors.InputError: E-ARGUMENT: step: unit is 'week'; expected "sample", "batch" or "epoch"
    """
    if not isinstance(text, str):
        raise InputError("E-ARGUMENT", "a message came as bytes; expected JSON as text")
    if (
        len(text) > MAX_BYTES
    ):  # the socket counts bytes and has closed before; this counts characters
        raise InputError(
            "E-ARGUMENT", f"a message has {len(text)} characters; expected {MAX_BYTES} at most"
        )
    try:
        message = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InputError("E-ARGUMENT", f"a message is no JSON ({_short(error)})") from None
    _bound(message)
    if not isinstance(message, dict):
        raise InputError(
            "E-ARGUMENT", f"a message is a {type(message).__name__}; expected an object with a type"
        )
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise InputError(
            "E-ARGUMENT",
            f"a message has the type {_short(kind)}; expected one of {', '.join(TYPES)}",
        )
    for name, (what, holds, default) in TYPES[kind].items():
        if name not in message and default is not REQUIRED:
            message[name] = list(default) if default == () else default
        elif name not in message:
            raise InputError("E-ARGUMENT", f"{kind}: {name} is missing; expected {what}")
        elif not holds(message[name]):
            raise InputError(
                "E-ARGUMENT", f"{kind}: {name} is {_short(message[name])}; expected {what}"
            )
    return message


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _bound(message: Any) -> None:
    """Refuse what is too deep, too much, or no finite number; breadth first, so nothing recurses."""
    level, n_values = [message], 0
    for _depth in range(MAX_DEPTH):
        n_values += len(level)
        if n_values > MAX_VALUES:
            raise InputError(
                "E-ARGUMENT", f"a message holds more than {MAX_VALUES} values; send it in parts"
            )
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
                below.extend(value.keys())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, str):
                _bound_text(value)
            elif _is_number(value) and not (
                abs(value) <= LARGEST and math.isfinite(value)
            ):  # an integer may be too long for isfinite, so its size is compared first
                raise InputError(
                    "E-ARGUMENT", f"a message holds a number beyond {LARGEST:g}; it can't be meant"
                )
        if not below:
            return
        level = below
    raise InputError("E-ARGUMENT", f"a message is nested deeper than {MAX_DEPTH} levels")


def _bound_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(
            "E-ARGUMENT", f"a message holds half a character ({_short(text)}); expected text"
        ) from None


class Bucket:
    """How many messages may come: so many a second, and a stock for moments with more.

    Parameters
    ----------
    rate : float
        Messages per second that may go on for ever.
    stock : float
        Messages that may come at once.
    clock : callable
        Seconds that never run back.

    Examples
    --------
    >>> seconds = iter([0.0, 0.0, 0.0, 0.1])
    >>> bucket = Bucket(10, 1, clock=lambda: next(seconds))
    >>> [bucket.take() for _ in range(3)]
    [True, False, True]
    """

    def __init__(
        self, rate: float, stock: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate, self.stock, self.clock = rate, stock, clock
        self.left, self.before = stock, clock()

    def take(self) -> bool:
        """Whether one more may come now."""
        now = self.clock()
        self.left = min(self.stock, self.left + (now - self.before) * self.rate)
        self.before = now
        if self.left < 1 - 1e-9:  # tenths do not add up to one exactly
            return False
        self.left -= 1
        return True
