"""Lessons read from text: as jupytext reads them, and what is no lesson is refused."""

from __future__ import annotations

import jupytext
import pytest

from ddasp._errors import DependencyError, InputError
from ddasp.course import needs
from ddasp.course.lessons import NAMES, TASKS, folder, load, read

HEAD = "---\nddasp: {seconds: 5, needs: [torch, av]}\n---\n"


@pytest.mark.parametrize("name", [*NAMES, *TASKS])
def test_cells_are_those_that_jupytext_reads(name: str) -> None:
    theirs = jupytext.reads((folder() / f"{name}.md").read_text("utf-8"), fmt="md:myst")
    ours = load(name).cells
    assert [
        (c.cell_type, c.source.strip(), tuple(c.metadata.get("tags", []))) for c in theirs.cells
    ] == [(c.kind, c.source.strip(), c.tags) for c in ours]


def test_a_lesson_says_its_time_and_what_it_needs() -> None:
    lesson = read("a", f"{HEAD}# A title\n\ntext\n")
    assert (lesson.title, lesson.seconds, lesson.needs) == ("A title", 5, ("torch", "av"))
    assert lesson.note == "*Runs in less than 5 s on two cores.* Uses PyTorch, PyAV."


def test_prose_is_split_at_plus_signs_and_around_code() -> None:
    code = "```{code-cell} ipython3\n:tags: [hide-input]\n\nx = 1\n```"
    text = f"{HEAD}# A\n\none\n\n+++\n\ntwo\n\n{code}\n\n+++\n"
    cells = read("a", text).cells
    assert [(c.kind, c.source, c.tags) for c in cells] == [
        ("markdown", "# A\n\none", ()),
        ("markdown", "two", ()),
        ("code", "x = 1", ("hide-input",)),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# A\n", "no head"),
        (HEAD, "no title"),
        ("---\na: 1\n---\n# A\n", "seconds"),
        (f"{HEAD}# A\n```{{code-cell}} ipython3\nx = 1\n", "does not end"),
    ],
)
def test_what_is_no_lesson_is_refused(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read("a", text)


def test_a_name_that_is_no_lesson_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'gradient_descent'"):
        load("gradient_decent")


def test_a_missing_package_is_one_line_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        DependencyError, match=r'This lesson needs PyTorch: pip install "ddasp\[torch\]"'
    ) as caught:
        needs("torch")
    shown = caught.value._render_traceback_()  # type: ignore[attr-defined]
    assert len(shown) == 1
    assert "\n" not in shown[0]
    with pytest.raises(
        DependencyError, match=r'needs PyTorch, librosa: pip install "ddasp\[course\]"'
    ):
        needs("torch", "librosa")
