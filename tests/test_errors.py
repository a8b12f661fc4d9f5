"""The list of codes is the one truth, and every message stays readable."""

from __future__ import annotations

import pickle
import re
import runpy
from pathlib import Path

import pytest

from ddasp._errors import CODES, AudioError, DdaspError, DependencyError, InputError, RunError

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["errors.md", "problem.md"])
def test_a_page_of_the_docs_is_what_the_code_says(name: str) -> None:
    pages = runpy.run_path(str(ROOT / "docs" / "make_pages.py"))["PAGES"]
    assert (ROOT / "docs" / name).read_text("utf-8") == pages[name](), "stale: run make pages"


def test_an_unknown_code_is_refused_where_it_is_written() -> None:
    with pytest.raises(KeyError, match="E-NONE is no code of ddasp"):
        DdaspError("E-NONE", "")


@pytest.mark.parametrize("kind", [DdaspError, InputError, AudioError, RunError, DependencyError])
def test_an_error_survives_the_way_from_a_worker(kind: type[DdaspError]) -> None:
    error = pickle.loads(pickle.dumps(kind("E-DATA", "one class")))  # noqa: S301 - our own bytes
    assert type(error) is kind
    assert (error.code, error.message, str(error)) == ("E-DATA", "one class", "E-DATA: one class")


def test_errors_can_be_caught_as_what_python_calls_them() -> None:
    assert issubclass(InputError, ValueError)
    assert issubclass(DependencyError, ImportError)


def test_every_code_says_what_it_means_and_what_to_do_in_sentences() -> None:
    for code, words in CODES.items():
        assert re.fullmatch(r"[EW](-[A-Z]+)+", code), code
        assert len(words) == 2, code
        assert all(text.endswith(".") and " " in text for text in words), code
        assert not any("|" in text for text in words), f"{code} breaks the table"


def test_every_code_in_the_source_is_in_the_list_and_every_code_is_used() -> None:
    source = "\n".join(
        path.read_text("utf-8")
        for path in sorted((ROOT / "src" / "ddasp").rglob("*.py"))
        if path.name != "_errors.py"
    )
    written = set(re.findall(r'"([EW]-[A-Z]+(?:-[A-Z]+)*)"', source))
    assert written - set(CODES) == set()
    assert set(CODES) - written == set()
