"""Individual numbers from a name: the same on every machine and under every version.

The generators of NumPy may change their streams from one version to the next, and a task that is
drawn anew when the lecturer grades it must be the one that was handed out. So numbers come from
SHA-256 of the name and a counter, and nothing else.

*Conventions*: a draw is known by its words, ("task", "1", "s0123456"); each further draw depends on
the ones before it. Integers are exactly uniform (by rejection), reals are multiples of 2**-53.

*References*: FIPS 180-4 (SHA-256); Knuth, The Art of Computer Programming 2, section 3.4.2,
algorithm P (shuffling).
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

from ddasp._check import whole
from ddasp._errors import InputError

__all__ = ["Draw", "student_id"]

T = TypeVar("T")
LONGEST = 64
ALSO = "._-@"


def student_id(text: str) -> str:
    """The one form of a student's id: without blanks around it, in small letters.

    Parameters
    ----------
    text : str
        As typed: letters, digits, and ``. _ - @`` inside; 64 characters at most.

    Returns
    -------
    str
        The form that tasks are drawn from.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when it is empty, too long, or holds anything else.

    Examples
    --------
    >>> student_id(" S0123456 ")
    's0123456'
    """
    known = unicodedata.normalize("NFC", str(text)).strip().lower()
    plain = all(c.isascii() and (c.isalnum() or c in ALSO) for c in known)
    if not known or len(known) > LONGEST or not plain or not known[0].isalnum():
        raise InputError(
            "E-ARGUMENT",
            f"the student's id is {text!r}; expected 1 to {LONGEST} of a-z, 0-9 and {' '.join(ALSO)}, "
            "beginning with a letter or a digit - the number on the student card?",
        )
    return known


class Draw:
    """A stream of numbers that belongs to a few words.

    Parameters
    ----------
    *words : str
        What the stream is known by, say task, version and student.

    Examples
    --------
    >>> draw = Draw("example", "1", "s0123456")
    >>> [draw.between(-3, 3) for _ in range(8)]
    [1, 0, -3, -3, 1, -2, -3, -1]
    """

    def __init__(self, *words: str) -> None:
        # Lengths stand before the words, so that ("ab", "c") is not ("a", "bc").
        self._key = b"".join(
            len(word.encode()).to_bytes(8, "little") + word.encode() for word in words
        )
        self._count = 0

    def bits(self) -> int:
        """The next 64 bits, as an integer from 0 to 2**64 - 1."""
        block = hashlib.sha256(self._key + self._count.to_bytes(8, "little")).digest()
        self._count += 1
        return int.from_bytes(block[:8], "little")

    def below(self, n: int) -> int:
        """An integer from 0 to n - 1, each as likely.

        Parameters
        ----------
        n : int
            At least 1, at most 2**63.
        """
        n = whole(n, "n")
        if n > 2**63:
            raise InputError(
                "E-ARGUMENT", f"n is {n}; expected at most 2**63, as a draw has 64 bits"
            )
        whole_turns = 2**64 - 2**64 % n  # what lies beyond would make the first ones likelier
        while (value := self.bits()) >= whole_turns:
            pass
        return value % n

    def between(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + self.below(high - low + 1)

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in an order of its own."""
        mixed = list(items)
        for i in range(len(mixed) - 1, 0, -1):
            j = self.below(i + 1)
            mixed[i], mixed[j] = mixed[j], mixed[i]
        return mixed

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A real number, low <= number < high."""
        return low + (high - low) * ((self.bits() >> 11) * 2.0**-53)
