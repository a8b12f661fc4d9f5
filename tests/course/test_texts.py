"""What every lesson has in common, read from its text: one grammar, real references, no loose end."""

from __future__ import annotations

import ast
import re

import pytest

from ddasp.course.lessons import NAMES, PARTS, TASKS, folder, load
from ddasp.course.references import read

SECTIONS = [
    "By hand",
    "With the library",
    "With the field's tool",
    "Look and listen",
    "Where it breaks",
    "Your turn",
    "Read on",
]
ALL = (*NAMES, *TASKS)
BIBLIOGRAPHY = read(folder() / "references.bib")


def prose(name: str) -> str:
    return "\n\n".join(cell.source for cell in load(name).cells if cell.kind == "markdown")


def code(name: str) -> list[str]:
    return [cell.source for cell in load(name).cells if cell.kind == "code"]


def cited(name: str) -> set[str]:
    found = re.findall(r"\{cite(?::[tp])?\}`([^`]+)`", prose(name))
    return {key.strip() for keys in found for key in keys.split(",")}


def test_the_folder_holds_the_lessons_of_the_syllabus_and_no_others() -> None:
    there = {
        path.relative_to(folder()).with_suffix("").as_posix() for path in folder().rglob("*.md")
    }
    assert there == {*ALL, "index"}


def test_the_map_leads_to_every_lesson() -> None:
    text = (folder() / "index.md").read_text("utf-8")
    assert [name for name in ALL if f"({name}.md)" not in text] == []
    assert all(part in text for part in PARTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_has_the_one_grammar(name: str) -> None:
    headings = re.findall(r"^(#{1,2}) (.+)$", prose(name), re.MULTILINE)
    assert [text for level, text in headings if level == "##"] == SECTIONS
    assert [level for level, _ in headings].count("#") == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_asks_its_three_exercises_and_answers_none(name: str) -> None:
    cells = "\n".join(code(name))
    for k in (1, 2, 3):
        assert f'exercise("{name}.{k}")' in cells
        assert f'check("{name}.{k}",' in cells


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_has_figures_and_ends_on_assertions(name: str) -> None:
    assert sum(text.count("show(") for text in code(name)) >= 1
    last = load(name).cells[-1]
    assert last.kind == "code"
    assert last.source.count("assert") >= 3


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_sends_its_reader_to_two_references_or_more(name: str) -> None:
    read_on = prose(name).partition("## Read on")[2]
    assert 2 <= len(re.findall(r"\{cite:t\}", read_on)) <= 4


@pytest.mark.parametrize("name", ALL)
def test_every_citation_is_in_the_bibliography(name: str) -> None:
    assert sorted(cited(name) - set(BIBLIOGRAPHY)) == []


def test_every_entry_of_the_bibliography_is_cited() -> None:
    index = (folder() / "index.md").read_text("utf-8")
    used = set().union(*map(cited, ALL)) | set(re.findall(r"\{cite:t\}`(\w+)`", index))
    assert sorted(set(BIBLIOGRAPHY) - used) == []


@pytest.mark.parametrize("name", ALL)
def test_code_cells_parse_and_fit_the_column(name: str) -> None:
    for text in code(name):
        ast.parse(re.sub(r"^[!%].*$", "pass", text, flags=re.MULTILINE))
        assert max(map(len, text.splitlines())) <= 108, text


@pytest.mark.parametrize("name", ALL)
def test_what_a_cell_shows_is_its_last_value(name: str) -> None:
    shown = {"show", "listen", "Markdown", "check", "exercise"}
    for text in code(name):
        body = ast.parse(re.sub(r"^[!%].*$", "pass", text, flags=re.MULTILINE)).body
        for statement in body[:-1]:
            call = statement.value if isinstance(statement, ast.Expr) else None
            lost = isinstance(call, ast.Call) and getattr(call.func, "id", "") in shown
            assert not lost, f"made and not shown: {ast.unparse(statement)[:80]}"


@pytest.mark.parametrize("name", ALL)
def test_prose_keeps_its_tone(name: str) -> None:
    text = re.sub(r"`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)", "", prose(name), flags=re.DOTALL)
    assert re.findall(r"\w!(?!\[)", text) == []
    assert (
        re.findall(r"(?i)\blet['’]s\b|\bsimply\b|\bobviously\b|\bof course\b|\bpowerful\b", text)
        == []
    )


@pytest.mark.parametrize("name", ALL)
def test_links_lead_to_lessons_or_out(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)]+)\)", prose(name)):
        place = (folder() / f"{name}.md").parent / target.partition("#")[0]
        assert place.is_file(), target


@pytest.mark.parametrize("name", ALL)
def test_what_a_lesson_needs_is_said_before_it_is_imported(name: str) -> None:
    lesson = load(name)
    first = code(name)[0]
    asked = re.search(r"^needs\((.*)\)$", first, re.MULTILINE)
    assert tuple(re.findall(r"\w+", asked.group(1)) if asked else ()) == lesson.needs
    for package in lesson.needs:
        assert not re.search(
            rf"^(import|from) {package}", first.partition("needs(")[0], re.MULTILINE
        )


@pytest.mark.parametrize("name", ALL)
def test_a_lesson_names_what_it_uses_beyond_the_packages_of_ddasp(name: str) -> None:
    extra = {"torch", "tensorflow", "keras_tuner", "librosa", "statsmodels", "pyloudnorm", "av"}
    used = set(re.findall(r"^\s*(?:import|from) (\w+)", "\n".join(code(name)), re.MULTILINE))
    used |= {"tensorflow"} if "keras" in used else set()
    assert used & extra <= set(load(name).needs)
