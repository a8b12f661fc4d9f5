"""A lesson as a notebook: valid, runnable without the site's dialect, and the same bytes every time."""

from __future__ import annotations

import json
import re

import nbformat
import pybtex.database
import pytest

from ddasp._errors import InputError
from ddasp.course.lessons import NAMES, TASKS, folder, load, read
from ddasp.course.notebooks import executable, for_reader, map_of_lessons
from ddasp.course.references import Reference
from ddasp.course.references import read as read_references

HEAD = "---\nddasp: {seconds: 5}\n---\n"
BOOKS = {
    "a1999": Reference("a1999", ("Berg", "Cao", "Diaz"), "1999", "On sound", "J. Sound 3"),
    "b2001": Reference("b2001", ("Ito", "Fox"), "2001", "On noise", "Springer", "10.1/x"),
}


def prose_of(body: str) -> str:
    book = json.loads(for_reader(read("a", f"{HEAD}# A\n\n{body}\n"), BOOKS))
    return "\n\n".join(cell["source"] for cell in book["cells"] if cell["cell_type"] == "markdown")


def test_citations_become_author_and_year_with_a_list_at_the_end() -> None:
    text = prose_of("As {cite:t}`a1999` say {cite:p}`b2001, a1999`.")
    assert "As Berg et al. (1999) say (Ito and Fox 2001; Berg et al. 1999)." in text
    assert text.count("*On sound.*") == 1
    assert "- Ito, Fox (2001). *On noise.* Springer. https://doi.org/10.1/x" in text


def test_boxes_become_quotations_and_links_lead_to_notebooks() -> None:
    text = prose_of(
        ":::{admonition} Look\n:class: tip\nat this\n\nand that\n:::\n\n[b](pca.md#x) [c](../docs/y.md)"
    )
    assert "> **Look**\n>\n> at this\n>\n> and that" in text
    assert "[b](pca.ipynb) c" in text


def test_the_first_cell_says_the_time_below_the_title() -> None:
    assert prose_of("x").startswith("# A\n\n*Runs in less than 5 s on two cores.*\n\nx")


@pytest.mark.parametrize("name", [*NAMES, *TASKS])
def test_every_lesson_is_a_valid_notebook_without_the_sites_dialect(name: str) -> None:
    bibliography = read_references(folder() / "references.bib")
    text = for_reader(load(name), bibliography)
    assert text == for_reader(load(name), bibliography)
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    nbformat.validate(executable(load(name)))
    prose = "\n".join(c.source for c in book.cells if c.cell_type == "markdown")
    assert re.findall(r"\{cite|^:::|\]\([\w/]*\.md", prose, re.MULTILINE) == []


def test_the_map_leads_to_all_notebooks() -> None:
    text = map_of_lessons(load(name) for name in (*NAMES, *TASKS))
    nbformat.validate(nbformat.reads(text, as_version=4))
    assert all(f"({name}.ipynb)" in text for name in (*NAMES, *TASKS))


def test_the_bibliography_is_what_pybtex_reads() -> None:
    path = folder() / "references.bib"
    theirs = pybtex.database.parse_file(str(path))
    ours = read_references(path)
    assert set(ours) == set(theirs.entries)
    for key, entry in theirs.entries.items():
        names = tuple(" ".join([*p.prelast_names, *p.last_names]) for p in entry.persons["author"])
        bare = tuple(name.replace("{", "").replace("}", "") for name in names)
        assert ours[key].authors == bare
        assert ours[key].year == entry.fields["year"]
        assert ours[key].title == entry.fields["title"].replace("{", "").replace("}", "")


def test_an_entry_without_a_place_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "x.bib"
    path.write_text("@book{k2000,\n  author = {A, B},\n  title = {T},\n  year = {2000}\n}\n")
    with pytest.raises(InputError, match=r"k2000 in x\.bib lacks a place"):
        read_references(path)
