"""What is handed out: the same bytes for the same student, a notebook that runs, work that stays."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp.homework import tasks
from ddasp.homework.assessing import assess
from ddasp.homework.handing_out import NOTEBOOK, SHEET, cells_of, contents, new, notebook
from ddasp.homework.pages.page import card_page
from ddasp.homework.parts import NOT_ATTEMPTED
from ddasp.homework.reading.programs import read_program

from .pages_example import TASK, draw

STUDENT = "s0123456"


def book(task=TASK, sheet=None) -> dict[str, Any]:
    return json.loads(notebook(task, sheet or draw(STUDENT)))


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code_of(name: str) -> str:
    found = book()
    return next(source(cell) for cell in found["cells"] if cell["id"] == name)


@pytest.mark.parametrize("name", tasks.NAMES)
def test_a_task_is_handed_out_read_back_and_nothing_in_it_is_attempted(name: str, tmp_path: Path):
    folder = new(name, " S0123456 ", tmp_path / "work")
    task = tasks.load(name)
    sheet = task.draw(STUDENT)
    assert {path.name for path in folder.iterdir()} == {NOTEBOOK, SHEET, *sheet.files}
    program = read_program(NOTEBOOK, (folder / NOTEBOOK).read_bytes())
    assert (program.task, program.student, program.version) == (name, STUDENT, task.version)
    assert list(program.cells) == cells_of(task, sheet)
    result = assess(program, task)
    checked = [part for part in result.parts if not part.by_hand]
    assert [part.status for part in checked] == [NOT_ATTEMPTED] * len(checked)
    assert all(text.endswith("(tagged not-graded)") for text in result.problems)
    card = card_page(result, task, title="t")
    assert "Nothing that can be checked was found" not in card  # left out on purpose: no problem
    assert "What was refused or failed" not in card


def test_the_same_student_gets_the_same_bytes_and_another_one_others():
    first, again, other = (contents(TASK, draw(student)) for student in ("a1", "a1", "a2"))
    assert first == again
    assert first[NOTEBOOK] != other[NOTEBOOK]
    assert first[SHEET] != other[SHEET]


def test_the_notebook_is_valid_nbformat_and_its_ids_are_unique():
    nbformat = pytest.importorskip("nbformat")
    found = nbformat.reads(notebook(TASK, draw(STUDENT)), 4)
    nbformat.validate(found)
    assert (found.nbformat, found.nbformat_minor) == (4, 5)
    assert len({cell.id for cell in found.cells}) == len(found.cells)


def test_the_numbers_of_the_notebook_are_those_of_the_sheet(tmp_path: Path):
    names: dict[str, Any] = {}
    exec(code_of("matrices"), names)
    for name, values in draw(STUDENT).matrices.items():
        np.testing.assert_array_equal(names[name], values)
        assert names[name].shape == values.shape
    assert r"A = \begin{bmatrix} 1 & 2 & 3 \\ 2 & -4 & 10 \\" in code_of("numbers")


def test_columns_and_scalars_of_columns_keep_their_shape_in_a_short_line():
    column = np.array([[1], [-2]])
    sheet = replace(draw(STUDENT), matrices={"b_A": column, "z": np.array([0.5, 0.25])})
    cells = {cell["id"]: source(cell) for cell in book(TASK, sheet)["cells"]}
    assert "b_A = np.array([[1], [-2]])" in cells["matrices"]
    assert "z = np.array([0.5, 0.25])" in cells["matrices"]
    assert r"b_A = \begin{bmatrix} 1 \\ -2 \end{bmatrix}" in cells["numbers"]


def test_many_matrices_are_typeset_in_lines_that_fit():
    sheet = replace(draw(STUDENT), matrices={name: np.eye(4, dtype=int) for name in "ABCDEFG"})
    text = {cell["id"]: source(cell) for cell in book(TASK, sheet)["cells"]}["numbers"]
    formulas = [line for line in text.splitlines() if line.startswith("$$")]
    assert [line.count("bmatrix} 1") for line in formulas] == [3, 3, 1]  # 6 columns each of 18


def test_the_data_are_loaded_as_features_and_target(tmp_path, monkeypatch):
    sheet = draw(STUDENT)
    (tmp_path / "data.csv").write_text(sheet.files["data.csv"])
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code_of("data-1"), names)
    assert (names["X"].shape, names["y"].shape) == ((20, 2), (20,))
    np.testing.assert_allclose(names["y"], [k * k / 100 for k in range(20)])  # printed exactly


def test_every_checked_part_has_its_question_its_points_and_its_stub():
    cells = {cell["id"]: source(cell) for cell in book()["cells"]}
    assert cells["part-1"].startswith("## 1 Rank (2 points)\n\nState the rank")
    assert cells["part-1-code"] == TASK.parts[0].stub.rstrip("\n")
    assert "Risk below 0.1 with" in cells["part-3"]  # this student's words
    assert "part-3-code" not in cells  # the part has no stub
    assert "`derivation.pdf`" in cells["part-4"]
    assert cells["part-4-text"].startswith("*Write here")


def test_only_the_check_is_left_ungraded_and_what_is_refused_is_said():
    cells = book()["cells"]
    ungraded = [cell for cell in cells if "not-graded" in cell["metadata"].get("tags", [])]
    check = f'!"{{sys.executable}}" -m ddasp homework check {NOTEBOOK}'
    assert [source(cell) for cell in ungraded] == [f"import sys\n\n{check}"]
    assert cells[-1] == ungraded[0]
    rules = next(source(cell) for cell in cells if cell["id"] == "rules")
    assert "`numpy`" in rules
    assert "`numpy.linalg.svd`" in rules


@pytest.mark.parametrize("name", tasks.NAMES)
def test_every_stub_raises_and_the_hints_are_nowhere(name: str):
    task = tasks.load(name)
    files = contents(task, task.draw(STUDENT))
    for cell in cells_of(task, task.draw(STUDENT))[2:]:
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.FunctionDef):
                last = node.body[-1]
                assert isinstance(last, ast.Raise), node.name
                assert "NotImplementedError" in ast.unparse(last)
    text = b"".join(files.values()).decode()
    assert not any(hint in text for part in task.parts for hint in part.hints)


# ----------------------------------------------------------------------------- what is there


def test_handing_out_twice_changes_nothing(tmp_path: Path):
    folder = new("matrix_fundamentals", STUDENT, tmp_path / "w")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    new("matrix_fundamentals", STUDENT, folder)
    after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert before == after


@pytest.mark.parametrize("name", [NOTEBOOK, SHEET, "matrices.json"])
def test_a_file_that_was_changed_is_not_overwritten_and_nothing_else_is_written(name, tmp_path):
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / name).write_text("my work")
    with pytest.raises(InputError, match=f"{name} is there already and has been changed"):
        new("matrix_fundamentals", STUDENT, folder)
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == "my work"


def test_another_students_notebook_stays(tmp_path: Path):
    folder = new("matrix_fundamentals", "a1", tmp_path / "w")
    with pytest.raises(InputError, match="it may hold your work"):
        new("matrix_fundamentals", "a2", folder)
    assert read_program(NOTEBOOK, (folder / NOTEBOOK).read_bytes()).student == "a1"


def test_what_was_lost_is_written_again(tmp_path: Path):
    folder = new("matrix_fundamentals", STUDENT, tmp_path / "w")
    (folder / SHEET).unlink()
    new("matrix_fundamentals", STUDENT, folder)
    assert (folder / SHEET).exists()


@pytest.mark.parametrize("kind", ["folder", "broken link", "link to work"])
def test_what_is_no_plain_file_is_in_the_way(kind: str, tmp_path: Path):
    folder = tmp_path / "w"
    folder.mkdir()
    (tmp_path / "work").write_text("my work")
    if kind == "folder":
        (folder / NOTEBOOK).mkdir()
    else:
        (folder / NOTEBOOK).symlink_to(tmp_path / ("work" if kind == "link to work" else "nowhere"))
    with pytest.raises(InputError, match="is there already"):
        new("matrix_fundamentals", STUDENT, folder)
    assert (tmp_path / "work").read_text() == "my work"


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "w").write_text("")
    with pytest.raises(InputError, match="is a file; expected a folder"):
        new("matrix_fundamentals", STUDENT, tmp_path / "w")


def test_no_such_task_and_no_such_id_are_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(InputError, match="did you mean 'matrix_fundamentals'"):
        new("matrix_fundamental", STUDENT, tmp_path / "w")
    with pytest.raises(InputError, match=r"the student's id is '\.\./x'"):
        new("matrix_fundamentals", "../x", tmp_path / "w")
    assert not (tmp_path / "w").exists()
