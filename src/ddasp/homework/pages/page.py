"""The pages of homework: the sheet to print, the card of one submission, the summary of a class.

*Conventions*: a page brings everything along and runs nothing. Its content security policy allows the
one style sheet by its digest and nothing else. All text is escaped; control characters, and marks
that turn the direction of writing around, become "�"; what may be long is cut and says so.

*References*: Content Security Policy Level 3; CommonMark 0.31; WCAG 2.2; Unicode Standard Annex 9
(directional formatting characters).
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup

import ddasp
from ddasp import plot
from ddasp.homework.pages import board, overview
from ddasp.homework.parts import (
    MARKS,
    NOT_ATTEMPTED,
    RIGHT,
    Finding,
    Sheet,
    Task,
)
from ddasp.homework.reading.similarity import Pair
from ddasp.homework.results import Grade, PartResult, Result

__all__ = ["card_page", "filled", "progress_page", "sheet_page", "summary_page"]

TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
MOST_PRINTED = 4000  # characters of what the code printed
MOST_SAID = 1200  # of one message
MOST_NAME = 120
MOST_PROBLEMS = 40
MOST_FILES = 60
WIDEST = 12  # rows and columns of a matrix that is printed
CODE = re.compile(r"(<(?:code|pre)\b.*?</(?:code|pre)>|<[^>]*>)", re.DOTALL)
INDEXED = re.compile(r"\b([A-Za-z])_([A-Za-z0-9])\b")
NAMED = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Shown:
    """A part as the card shows it."""

    key: str
    title: str
    state: str
    is_closed: bool
    counts: str
    points: str
    findings: tuple[Finding, ...]


def filled(text: str, sheet: Sheet) -> str:
    """A text of a task with a student's words in it.

    Parameters
    ----------
    text : str
        Markdown with ``{name}``; braces around anything else stay.
    sheet : Sheet

    Examples
    --------
    >>> filled("Solve A x = {b}, x in {1, 2}.", Sheet("s1", words={"b": "(1, 0)"}))
    'Solve A x = (1, 0), x in {1, 2}.'
    """
    return NAMED.sub(lambda found: sheet.words.get(found.group(1), found.group()), text)


def sheet_page(task: Task, sheet: Sheet) -> str:
    """The task sheet of one student, for print.

    Parameters
    ----------
    task : Task
    sheet : Sheet
        From ``task.draw(student)``.

    Returns
    -------
    str
        HTML without any answer.
    """
    return _page(
        "sheet.html.jinja",
        task=task,
        sheet=sheet,
        introduction=_prose(filled(task.introduction, sheet)),
        parts=[(part, _prose(filled(part.asked, sheet))) for part in task.parts],
        matrices=[_matrix(name, values) for name, values in sheet.matrices.items()],
        files=[_file(name, text) for name, text in sheet.files.items()],
        total=_points(sum(part.points for part in task.parts)),
    )


def card_page(
    result: Result,
    task: Task,
    *,
    title: str,
    facts: Sequence[tuple[str, str]] = (),
    points: Mapping[str, float | None] | None = None,
    most: Mapping[str, float] | None = None,
    board_of: Callable[[Result, Task], board.Board | None] = board.of_result,
) -> str:
    """What was found in one submission: the student's card and the lecturer's feedback are one page.

    Parameters
    ----------
    result : Result
        What the check found.
    task : Task
        The one that it was checked against.
    title : str
        What stands above: student and task, say.
    facts : sequence of (str, str)
        Name and text: when it was received, which limits were in force.
    points : mapping of str to (float or None), optional
        By part; None where the lecturer has not entered them. Without it, no points are shown.
    most : mapping of str to float, optional
        The weights of the parts, where they are not those of the task.
    board_of : callable
        Gives the board of a result; drawing one takes longer than the rest of the page.

    Returns
    -------
    str
        HTML.
    """
    printed = result.printed
    problems, left_out = list(result.failures), list(result.left_out)
    return _page(
        "card.html.jinja",
        title=title,
        task=task,
        sentence=overview.sentence(result),
        rest=overview.rest(result),
        total=_total(result, points, most),
        facts=list(facts),
        parts=[_shown(part, points, most) for part in result.parts],
        problems=problems[:MOST_PROBLEMS],
        more_problems=max(0, len(problems) - MOST_PROBLEMS),
        left_out=left_out[:MOST_PROBLEMS],
        printed=printed[:MOST_PRINTED],
        more_printed=max(0, len(printed) - MOST_PRINTED),
        files=result.files[:MOST_FILES],
        board=board_of(result, task),
    )


def summary_page(
    task: Task,
    grades: Sequence[Grade],
    pairs: Sequence[Pair],
    *,
    facts: Sequence[tuple[str, str]],
    links: Mapping[str, str] | None = None,
) -> str:
    """What a class has reached, for its lecturer.

    Parameters
    ----------
    task : Task
    grades : sequence of Grade
        One for each submission.
    pairs : sequence of Pair
        Submissions whose code is alike.
    facts : sequence of (str, str)
        Name and text: deadline, which limits were in force.
    links : mapping of str to str, optional
        From `Grade.submission` to the feedback page, relative to this one.

    Returns
    -------
    str
        HTML.
    """
    ordered = sorted(grades, key=lambda grade: (grade.student or "~", grade.submission))
    remarkable = [grade for grade in ordered if grade.flags or grade.result is None]
    return _page(
        "summary.html.jinja",
        task=task,
        facts=list(facts),
        sentence=overview.class_sentence(task, ordered),
        note=overview.class_note(ordered),
        distribution=overview.distribution(ordered),
        parts=overview.parts(task, ordered),
        attention=[grade for grade in remarkable if not grade.waits_only],
        n_waiting=sum(grade.waits_only for grade in remarkable),
        grades=[_row(grade, task) for grade in ordered],
        by_name={grade.submission: grade for grade in ordered},
        most=max((grade.most for grade in ordered), default=0.0),
        links=dict(links or {}),
        pairs=sorted(pairs, key=lambda pair: (-pair.share, pair.first, pair.second)),
        board=board.of_class([grade.result for grade in ordered if grade.result], task),
    )


def progress_page(
    groups: Mapping[str, Sequence[tuple[str, str, str]]], notes: Sequence[str]
) -> str:
    """The local card over exercises and tasks.

    Parameters
    ----------
    groups : mapping of str to sequence of (str, str, str)
        Title of a lesson or a task to name, state and a remark of each of its pieces.
    notes : sequence of str
        What is to be said about the record itself.

    Returns
    -------
    str
        HTML.
    """
    everything = [piece for pieces in groups.values() for piece in pieces]
    right = sum(state == RIGHT for _, state, _ in everything)
    return _page(
        "progress.html.jinja",
        sentence=f"{right} of {len(everything)} are right" if everything else "Nothing to do yet",
        groups=[
            (title, pieces, sum(state == RIGHT for _, state, _ in pieces))
            for title, pieces in groups.items()
        ],
        notes=notes,
    )


def _page(template: str, **context: Any) -> str:
    style = plot.css() + _asset("style.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            **context,
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
            style=Markup(style),
            version=ddasp.__version__,
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    """What compiles the templates, once for all pages of a class."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_clean,
    )
    environment.filters |= {"points": _points, "said": _said, "name": _name, "state": _state}
    return environment


def _asset(name: str) -> str:
    return resources.files("ddasp.homework.pages").joinpath(name).read_text("utf-8")


def _clean(value: Any) -> Any:
    """Text without characters that steer instead of showing something."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join("�" if _steers(c) else c for c in value)


def _steers(c: str) -> bool:
    return c in TURNING or (unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co") and c not in "\n\t")


def _said(text: str, most: int = MOST_SAID) -> str:
    more = len(text) - most
    return text if more <= 0 else f"{text[:most]} … ({more} more characters)"


def _name(text: str) -> str:
    return plot.canvas.short(text, MOST_NAME)


def _state(state: str) -> Markup:
    """Its mark and its word; the word says it alone as well."""
    return Markup('<span class="state s-{}"><span aria-hidden="true">{}</span> {}</span>').format(
        state.replace(" ", "-"), MARKS[state], state
    )


def _points(value: float | None) -> str:
    """Points without needless decimals.

    Examples
    --------
    >>> _points(2.0), _points(2.5), _points(-1 / 3), _points(None)
    ('2', '2.5', '−0.33', '–')
    """
    if value is None:
        return "–"
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "−")


def _prose(text: str) -> Markup:
    """Markdown as HTML; b_A outside of code is b with an index."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    pieces = CODE.split(markdown.render(text))  # what is not code stands at even places
    pieces[::2] = [INDEXED.sub(r"\1<sub>\2</sub>", piece) for piece in pieces[::2]]
    return Markup("".join(pieces))


def _file(name: str, text: str) -> tuple[str, int, str]:
    """Name; rows and columns of a table, as text."""
    if not name.endswith(".csv"):
        return name, 0, ""
    return name, text.count("\n") - 1, ", ".join(text.partition("\n")[0].split(","))


def _matrix(name: str, values: Any) -> tuple[tuple[str, str], str, list[list[str]]]:
    """Letter and index, size in words, entries as text; none where it is too large for paper."""
    rows = values.reshape(len(values), -1)
    n, m = rows.shape
    fits = max(n, m) <= WIDEST
    entries = [[f"{value:g}".replace("-", "−") for value in row] for row in rows] if fits else []
    letter, _, index = name.partition("_")
    return (letter, index), f"{n} by {m}", entries


def _shown(
    part: PartResult,
    points: Mapping[str, float | None] | None,
    most: Mapping[str, float] | None,
) -> Shown:
    state = part.status
    n, right = len(part.findings), sum(f.status == RIGHT for f in part.findings)
    counts = "" if part.by_hand else f"{right} of {n}"
    at_most = _points((most or {}).get(part.key, part.points))
    reached = at_most if points is None else f"{_points(points.get(part.key))} of {at_most}"
    is_closed = state == RIGHT or (state == NOT_ATTEMPTED and not part.by_hand)
    return Shown(part.key, part.title, state, is_closed, counts, reached, part.findings)


def _total(
    result: Result,
    points: Mapping[str, float | None] | None,
    most: Mapping[str, float] | None,
) -> tuple[str, str, str] | None:
    """Points reached, points at most, points that are still to be entered."""
    if points is None:
        return None
    weight = {part.key: (most or {}).get(part.key, part.points) for part in result.parts}
    known = {key: value for key in weight if (value := points.get(key)) is not None}
    open_ = sum(weight[key] for key in weight if key not in known)
    return (
        _points(sum(known.values())),
        _points(sum(weight.values())),
        _points(open_) if open_ else "",
    )


def _row(grade: Grade, task: Task) -> tuple[Grade, list[str]]:
    """A grade and its points by part."""
    return grade, [_points(grade.points.get(part.key)) for part in task.parts]
