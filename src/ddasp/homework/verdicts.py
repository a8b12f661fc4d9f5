"""How a check is said: marks and words for a terminal, a short list for a notebook.

*Conventions*: each item says a mark, its name, and the property that fails. Words that came from a
learner's code are foreign: shown in one line, without characters that a terminal would obey, and escaped
in a page. Terminal lines have 100 characters at most. Pages have no colours of their own, so that they
read well on light and dark ground.
"""

from __future__ import annotations

import html
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ddasp._check import one_of
from ddasp._errors import InputError
from ddasp.homework.answers import shown
from ddasp.homework.parts import (
    BY_HAND,
    MARKS,
    NOT_ATTEMPTED,
    NOT_YET,
    RIGHT,
    Finding,
    Task,
    share_of,
)
from ddasp.homework.results import PartResult, Result

__all__ = ["Verdict", "hint_of", "lines", "wrapped"]

WORDS = {**{status: status for status in MARKS}, BY_HAND: "read by the lecturer"}
WIDTH = 100
LONGEST = 2000  # characters of one line
MOST_PRINTED = 10  # lines of what the code printed
NOTHING_CAME = ("there is no function ", " gave None - ")  # in words of the runner
MANY = 3  # items of which the same is said


@dataclass(frozen=True)
class Verdict:
    """What a check says: in a terminal as text, in a notebook as a short list; true when all is right.

    Parameters
    ----------
    name : str
        Of the exercise, or of the part of a task.
    findings : tuple of Finding
        One for each item.
    hint : str
        The one that was asked for.
    notes : tuple of str
        What else is to be said: how to get a hint, that no record could be kept.

    Examples
    --------
    >>> Verdict("levels.1", (Finding("decibels", RIGHT), Finding("silence", NOT_YET, "it is NaN")))
    levels.1: not yet, 1 of 2 items right
      ✓ decibels
      ◐ silence - not yet: it is NaN
    """

    name: str
    findings: tuple[Finding, ...]
    hint: str = ""
    notes: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether every item is right."""
        return self.status == RIGHT

    @property
    def status(self) -> str:
        """`RIGHT`, `NOT_YET`, `NOT_ATTEMPTED` or `BY_HAND`, of all items together."""
        states = {finding.status for finding in self.findings}
        return states.pop() if len(states) == 1 else NOT_YET

    @property
    def share(self) -> float:
        """How much of it is right, 0 to 1."""
        return share_of(self.findings)

    def __bool__(self) -> bool:
        return self.right

    def _headline(self) -> str:
        n = sum(finding.status == RIGHT for finding in self.findings)
        some = f", {n} of {len(self.findings)} items right" if self.status == NOT_YET else ""
        return f"{self.name}: {WORDS[self.status]}{some}"

    def __str__(self) -> str:
        text = [wrapped(self._headline())]
        text += [wrapped(item, "  ") for item in _items(self.findings)]
        text += [wrapped(f"Hint: {self.hint}", "  ")] if self.hint else []
        return "\n".join([*text, *(wrapped(note, "  ") for note in self.notes)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{_escaped(item)}</li>" for item in _items(self.findings))
        below = [f"Hint: {self.hint}"] * bool(self.hint) + list(self.notes)
        return (
            '<div style="border-left:3px solid currentColor;padding-left:.8em;color:inherit">'
            f"<strong>{_escaped(self._headline())}</strong>"
            f'<ul style="list-style:none;margin:.3em 0;padding:0">{items}</ul>'
            + "".join(f'<p style="margin:.3em 0">{_escaped(line)}</p>' for line in below)
            + "</div>"
        )


def _one_line(text: str) -> str:
    """Foreign words without line ends and without what a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:LONGEST]).split())


def _escaped(text: str) -> str:
    return html.escape(_one_line(text))


def wrapped(text: str, indent: str = "") -> str:
    r"""Foreign words in lines that a terminal shows whole.

    Parameters
    ----------
    text : str
    indent : str
        Before the first line; the others stand further to the right.

    Examples
    --------
    >>> wrapped("no\x1b[31m\nway", "  ")
    '  no [31m way'
    """
    return textwrap.fill(
        _one_line(text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _items(findings: Sequence[Finding]) -> list[str]:
    """Mark, item, and what is said of it; many of which the same is said in one line."""
    tried = [finding for finding in findings if finding.status != NOT_ATTEMPTED or finding.says]
    alike = Counter((finding.status, finding.says) for finding in tried if finding.says)
    text = []
    for finding in tried:
        n = alike.get((finding.status, finding.says), 1)
        if n >= MANY:
            alike[finding.status, finding.says] = 0  # the others are counted here
        if n:
            text.append(
                f"{MARKS[finding.status]} {finding.item}"
                + (f" and {n - 1} more" if n >= MANY else "")
                + (f" - {WORDS[finding.status]}" if finding.status != RIGHT else "")
                + (f": {finding.says}" if finding.says else "")
            )
    rest = ", ".join(finding.item for finding in findings if finding not in tried)
    return [*text, f"{MARKS[NOT_ATTEMPTED]} {NOT_ATTEMPTED}: {rest}"] if rest else text


# ------------------------------------------------------------------ a file


def hint_of(task: Task, key: str, hint: int) -> str:
    """The text of a hint to a part.

    Parameters
    ----------
    task : Task
    key : str
        The part's number; blank, with hint 0, for none.
    hint : int
        1 or 2.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is no such part or hint.
    """
    if not key and not hint:
        return ""
    part = task.part(one_of(key, "the part for a hint", tuple(part.key for part in task.parts)))
    if isinstance(hint, bool) or hint not in (1, 2):
        raise InputError("E-ARGUMENT", f"hint is {shown(hint)}; expected 1 or 2 for part {key}")
    return part.hints[hint - 1] if hint <= len(part.hints) else "there is none for this part"


def lines(result: Result, task: Task, *, hint_for: str = "", hint: int = 0) -> list[str]:
    """What was found, for a terminal.

    Parameters
    ----------
    result : Result
    task : Task
        The one it is of.
    hint_for : str
        A part's number.
    hint : int
        1 or 2 for a hint to that part.

    Returns
    -------
    list of str
        Part by part, then problems, what the code printed, and a closing line.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is no such part or hint.
    """
    help_with = hint_of(task, hint_for, hint)
    text = [wrapped(f"{task.title} ({result.task}), {result.student}")]
    for part in result.parts:
        text += _of_part(part)
        if part.key == hint_for and help_with:
            text.append(wrapped(f"Hint: {help_with}", "    "))
    problems, left_out = list(result.failures), list(result.left_out)
    if problems:
        text += ["Problems:", *(wrapped(f"! {problem}", "  ") for problem in problems)]
    if left_out:
        text += ["Not looked at:", *(wrapped(f"- {cell}", "  ") for cell in left_out)]
    printed = [_one_line(line)[:WIDTH] for line in result.printed.splitlines() if line.strip()]
    if printed:
        more = ["  | ..."] * (len(printed) > MOST_PRINTED)
        text += ["Printed:", *(f"  | {line}" for line in printed[:MOST_PRINTED]), *more]
    return [*text, wrapped(_closing(result))]


def _of_part(part: PartResult) -> list[str]:
    """A part's line, and one for each item that is not right."""
    if part.by_hand:
        head, mark = f"read by the lecturer, up to {part.points:g} points", MARKS[BY_HAND]
    elif part.status == NOT_ATTEMPTED:
        head, mark = f"not attempted, {part.points:g} points", MARKS[NOT_ATTEMPTED]
    else:
        head, mark = f"{part.share * part.points:.3g} of {part.points:g} points", MARKS[part.status]
    line = wrapped(f"{mark} {part.key} {part.title} - {head}")
    items = [finding for finding in part.findings if finding.status != RIGHT]
    if not part.by_hand and part.status == NOT_ATTEMPTED:  # more than a stub, then
        reasons = {f.says: f for f in items if any(word in f.says for word in NOTHING_CAME)}
        return [line, *(wrapped(f"{mark} {says}", "    ") for says in reasons)]
    return [line, *(wrapped(item, "    ") for item in _items(items))]


def _closing(result: Result) -> str:
    """How far it is."""
    here = [part for part in result.parts if not part.by_hand]
    right = sum(part.status == RIGHT for part in here)
    earned, most = sum(p.share * p.points for p in here), sum(p.points for p in here)
    text = f"{right} of {len(here)} parts right, {earned:.3g} of {most:g} points with inputs for practice."
    read = [part for part in result.parts if part.by_hand]
    if read:
        keys, points = ", ".join(part.key for part in read), sum(part.points for part in read)
        text += f" The lecturer reads part{'s' * (len(read) > 1)} {keys} ({points:g} points)."
    return text
