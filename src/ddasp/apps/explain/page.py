"""The notebook as one HTML page: the answer and its reasons first, then every step.

*Conventions*: the page brings everything along. Its content security policy allows the one script and
the one style sheet by their digests, pictures and sounds from data, and nothing else. All text is
escaped; of what cells gave only text, drawings (see `figures`) and sounds are taken.

*References*: Content Security Policy Level 3; CommonMark 0.31; WCAG 2.2.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

import ddasp
from ddasp import plot
from ddasp.apps.explain.figures import guest
from ddasp.procedure.report.tables import power
from ddasp.procedure.report.words import minus

__all__ = ["Head", "Part", "Section", "page"]

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
SOUND = re.compile(r"data:audio/wav;base64,[A-Za-z0-9+/=]+")
NUMBER = re.compile(r"[\d.]+e[-+]\d+")
TOOLS = "Tools"  # first in the notebook, where they must run; last on the page, as an appendix
CLOSED = ("tools", "picture", "chart", "reasons")  # roles whose code is folded


@dataclass(frozen=True)
class Head:
    """What stands above the steps.

    Parameters
    ----------
    sentence : str
        The decision in words.
    name : str
        Of the sound.
    question : str
        What was asked; may be blank.
    facts : tuple of (name, text)
        About piece and model.
    """

    sentence: str
    name: str
    question: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Part:
    """A piece of a section: "prose", "code", "text", "figure" or "sound".

    Parameters
    ----------
    kind : str
    content : str
        HTML of prose, code and figures; plain text of "text"; the data of a sound.
    caption : str
        Words beside a figure, a sound, or a block of code that is closed.
    """

    kind: str
    content: str
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A heading and what follows it."""

    id: str
    title: str
    parts: list[Part] = field(default_factory=list)


def page(book: Any, head: Head) -> str:
    """The page of a notebook that has run.

    Parameters
    ----------
    book : nbformat.NotebookNode
        From `execute`.
    head : Head
        The decision.

    Returns
    -------
    str
        HTML.
    """
    sections = _sections(book)
    roles = {
        name: [part for part in _outputs_of(book, name) if part.kind == "text"]
        for name in ("reasons", "proof")
    }
    script, style = _asset("page.js"), plot.css() + _asset("page.css")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    sounds = [p for section in sections for p in section.parts if p.kind == "sound"]
    return environment.from_string(_asset("page.html.jinja")).render(
        head=head,
        sections=sections,
        reasons=[minus(line) for part in roles["reasons"] for line in part.content.splitlines()],
        proof=[_in_powers(line) for part in roles["proof"] for line in part.content.splitlines()],
        picture=next(_outputs_of(book, "chart", prefix="top"), None),
        sound=sounds[0] if sounds else None,
        policy=_policy(script, style),
        script=Markup(script),
        style=Markup(style),
        version=ddasp.__version__,
    )


def _asset(name: str) -> str:
    return resources.files("ddasp.apps.explain").joinpath(name).read_text("utf-8")


def _policy(script: str, style: str) -> str:
    """Content security policy: this script, this style sheet, data; nothing else."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


def _sections(book: Any) -> list[Section]:
    """What stands below each heading; the title is the page's own."""
    markdown = MarkdownIt("commonmark", {"html": False})
    sections: list[Section] = []
    for number, cell in enumerate(book.cells):
        tags = cell.metadata.get("tags", [])
        if "title" in tags:
            continue
        if cell.cell_type == "code":
            outputs = list(_outputs(cell, number))
            code = _code(cell.source, tags, drawn=any(p.kind == "figure" for p in outputs))
            sections[-1].parts.extend([*outputs, code] if code.caption else [code, *outputs])
            continue
        pieces = HEADING.split(cell.source)  # prose, heading, prose, heading ...
        for k, text in enumerate(pieces):
            if k % 2:
                sections.append(Section(f"step-{len(sections)}", text))
            elif text.strip():
                sections[-1].parts.append(Part("prose", markdown.render(text)))
    tools = [section for section in sections if section.title == TOOLS]
    return [section for section in sections if section.title != TOOLS] + tools


def _in_powers(line: str) -> str:
    return NUMBER.sub(lambda found: power(float(found.group())), line)


def _code(source: str, tags: list[str], *, drawn: bool) -> Part:
    formatter = HtmlFormatter(nowrap=True, classprefix="c-")
    folded = any(tag in CLOSED for tag in tags)
    caption = ("Code of the figure" if drawn else "Code") if folded else ""
    return Part("code", highlight(source, PythonLexer(), formatter).rstrip("\n"), caption)


def _outputs_of(book: Any, role: str, *, prefix: str = "f") -> Iterator[Part]:
    for number, cell in enumerate(book.cells):
        if role in cell.metadata.get("tags", []):
            yield from _outputs(cell, number, prefix=prefix)


def _outputs(cell: Any, number: int, *, prefix: str = "f") -> Iterator[Part]:
    """What a cell printed, drew and played."""
    for k, output in enumerate(cell.get("outputs", [])):
        data = output.get("data", {})
        caption = str(data.get("text/plain", ""))
        if "image/svg+xml" in data:
            svg = guest(str(data["image/svg+xml"]), caption=caption, prefix=f"{prefix}{number}-{k}")
            yield Part("figure", svg, caption)
        elif found := SOUND.search(str(data.get("text/html", ""))):
            yield Part("sound", found.group(), caption)
        elif text := str(output.get("text", "")).rstrip():
            yield Part("text", text, "reasons" * ("reasons" in cell.metadata.get("tags", [])))
