"""What was handed in is read as text and trees; whatever is wrong with it is said, not raised."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp._errors import InputError
from ddasp.homework.reading import programs
from ddasp.homework.reading.sources import parsed, without_commands
from ddasp.homework.reading.submissions import (
    Cell,
    Entry,
    Submission,
    entries_of,
    read_entry,
    read_program,
    read_submission,
)

from . import zip_examples as z

HEAD = 'TASK = "matrix_fundamentals"\nSTUDENT = "S0123456"\nVERSION = 1\n'
CODE = HEAD + "def rank():\n    return 2\n"
OTHER = HEAD + "def rank():\n    return 3\n"
SECOND = CODE.replace("matrix_fundamentals", "regression_with_nonlinear_model")


def all_of(path: Path) -> list[Submission]:
    return [read_entry(entry) for entry in entries_of(path)]


def code(source: str | list[str], *tags: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {"tags": [*tags]}, "outputs": []}


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def notebook(*cells: object, version: object = 4) -> bytes:
    return json.dumps({"nbformat": version, "metadata": {}, "cells": [*cells]}).encode()


def code_of(name: str, data: bytes) -> str:
    """What reading ends with: nothing, or the code of the one error that may come."""
    try:
        read_program(name, data)
    except InputError as error:
        return error.code
    return ""


# --- programs ------------------------------------------------------------------------------------


def test_a_py_file_is_one_cell_named_by_its_file() -> None:
    program = read_program("anna/homework.py", CODE.encode())
    assert program.cells == (Cell("homework.py", CODE),)
    assert (program.task, program.student) == ("matrix_fundamentals", "s0123456")
    assert (program.version, program.left_out) == (1, ())
    assert program.name == "anna/homework.py"


def test_cells_are_numbered_as_code_cells_from_the_top() -> None:
    book = notebook(text("# Title"), code(HEAD), text("Part 1"), code(["a = 1\n", "b = 2"]))
    program = read_program("homework.ipynb", book)
    assert program.cells == (Cell("cell 1", HEAD), Cell("cell 2", "a = 1\nb = 2"))


def test_a_notebook_of_format_3_is_read() -> None:
    cells = [{"cell_type": "code", "input": HEAD}, {"cell_type": "code", "input": ["x = 1"]}]
    book = json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode()
    assert read_program("h.ipynb", book).cells[1] == Cell("cell 2", "x = 1")


def test_a_mark_of_utf_8_at_the_beginning_is_no_part_of_the_text() -> None:
    for name, data in (("h.py", CODE.encode()), ("h.ipynb", notebook(code(CODE)))):
        assert read_program(name, b"\xef\xbb\xbf" + data).student == "s0123456"


def test_cells_that_are_not_graded_are_left_out_named_and_still_counted() -> None:
    book = notebook(code(HEAD), code("import torch", "x", "not-graded"), code("a = 1"))
    program = read_program("h.ipynb", book)
    assert [cell.label for cell in program.cells] == ["cell 1", "cell 3"]
    assert program.left_out == ("cell 2: all of it (tagged not-graded)",)


def test_notebook_commands_are_left_out_named_and_keep_the_numbers_of_lines() -> None:
    source = "import math\n%matplotlib inline\nif 1:\n    !pip install torch \\\n  -q\n"
    source += "x = 5\nfiles = !ls\nx?"
    program = read_program("h.ipynb", notebook(code(HEAD), code(source)))
    assert (
        program.cells[1].source == "import math\npass\nif 1:\n    pass\n    pass\nx = 5\npass\npass"
    )
    assert program.left_out == (
        "cell 2, line 2: %matplotlib inline (a notebook command)",
        "cell 2, line 4: !pip install torch \\ (a notebook command)",
        "cell 2, line 7: files = !ls (a notebook command)",
        "cell 2, line 8: x? (a notebook command)",
    )


@pytest.mark.parametrize(
    "source",
    [
        "x = (7\n  % 4)",
        "x = 7 \\\n% 4",
        's = """\n!rm\n%cd\n"""',
        "s = '\\\n!x'",
        "f(  # (\n%x)",
        "s = '''it's\n!\\'''\n!'''",
        'd = {"a": ")",\n"b": 5\n% 3}',
    ],
)
def test_what_only_looks_like_a_notebook_command_stays(source: str) -> None:
    whole = f"%time 1\n{source}"  # the first line makes the cell one with commands
    python, left_out = without_commands("cell 1", whole)
    assert python == f"pass\n{source}"
    assert left_out == ["cell 1, line 1: %time 1 (a notebook command)"]


def test_of_cell_magics_those_that_run_python_keep_it() -> None:
    assert without_commands("cell 1", "%%time\nx = 1")[0] == "pass\nx = 1"
    assert without_commands("cell 1", "\n%%capture out\nx = 1")[0] == "\npass\nx = 1"
    python, left_out = without_commands("cell 1", "%%bash\nrm x")
    assert python == ""
    assert left_out == ["cell 1: all of it, %%bash (a notebook command)"]


def test_an_export_of_a_notebook_loses_its_commands_too() -> None:
    source = HEAD + "get_ipython().run_line_magic('matplotlib', 'inline')\n?\n"
    assert read_program("h.py", source.encode()).cells[0].source == HEAD + "pass\npass\n"


def test_lines_of_any_length_are_looked_at_in_linear_time() -> None:
    for line in (
        " " * 400_000 + "?x",
        "a," * 200_000 + "!",
        "'" * 400_001,
        "[" * 400_000,
        "x." * 200_000,
    ):
        without_commands("cell 1", "!\n" + line)


def test_a_slip_in_the_code_does_not_make_it_anonymous() -> None:
    broken = "\n\n" + HEAD + "def rank(:\n"
    program = read_program("h.py", broken.encode())
    assert program.student == "s0123456"
    assert program.cells[0].source == broken
    assert parsed(broken) is None


def test_annotated_and_chained_assignments_are_read() -> None:
    source = HEAD.replace("VERSION =", "VERSION: int = x =")
    assert read_program("h.py", HEAD.replace("VERSION =", "x = VERSION =").encode()).version == 1
    with pytest.raises(InputError, match="does not say its VERSION"):
        read_program("h.py", source.encode())  # no Python, and its line is none either
    assert read_program("h.py", HEAD.replace("VERSION =", "VERSION: int =").encode()).version == 1


WRONG: dict[str, tuple[str, str]] = {
    "no task": (CODE.replace("TASK", "TASKS"), "does not say its TASK; expected a line TASK = "),
    "no student": (CODE.replace("STUDENT", "#"), "does not say its STUDENT; expected a line"),
    "inside": (HEAD + "if 1:\n  VERSION = 2\n", ""),
    "only inside": (CODE.replace("VERSION", "if 1:\n  VERSION"), "does not say its VERSION"),
    "computed": (CODE.replace('"S', 'str() + "S'), "line 2: STUDENT is not a plain value; expected a text"),
    "number": (CODE.replace('"S0123456"', "123456"), "STUDENT is not a plain value; expected a text"),
    "text": (CODE.replace("= 1", '= "1"'), "line 3: VERSION is not a plain value; expected a whole"),
    "truth": (CODE.replace("= 1", "= True"), "VERSION is not a plain value"),
    "zero": (CODE.replace("= 1", "= 0"), "has VERSION 0; expected a whole number of at least 1"),
    "two": (CODE + "STUDENT = 's9'", r"line 6: STUDENT is 's9', and 'S0123456' before; expected one"),
    "typo": (CODE.replace("fundamentals", "fundmentals"), "did you mean 'matrix_fundamentals'"),
    "unknown": (CODE.replace("matrix_fundamentals", "x"), "has TASK 'x'; expected one of matrix_f"),
    "id": (CODE.replace("S0123456", "Müller"), "has no id in STUDENT: the student's id is 'Müller'"),
    "null": (CODE + "\0", r"holds the character U\+0000, which no source can hold"),
    "long": (CODE + "#" * 200_000, "holds more than 200000 characters of code"),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("kind", [".py", ".ipynb"])
def test_what_is_wrong_with_a_program_is_said(fault: str, kind: str) -> None:
    source, says = WRONG[fault]
    data = source.encode() if kind == ".py" else notebook(code(source))
    if not says:
        assert read_program("h" + kind, data).version == 1
        return
    with pytest.raises(InputError, match=says) as error:
        read_program("h" + kind, data)
    assert error.value.code == "E-SUBMISSION"
    assert error.value.message.startswith("h" + kind)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("h.docx", b"", "is no program; expected a notebook"),
        ("h.py", CODE.encode("utf-16"), "is UTF-16; expected UTF-8"),
        ("h.py", b"# \xfc\n", r"is no UTF-8 \(byte 2\); expected UTF-8"),
        ("h.ipynb", b"", "is no notebook .*was it saved to its end"),
        ("h.ipynb", b'{"nbformat": 4', "is no notebook"),
        ("h.ipynb", b"[" * 100_000, "is no notebook .nested too deep"),
        ("h.ipynb", b"[" * 1_000_001, "holds more than 1000000 lists and objects"),
        ("h.ipynb", b"[]", r"is no notebook of format 3 or 4 \(nbformat is None\)"),
        ("h.ipynb", b"1" * 5000, "is no notebook"),
        ("h.ipynb", notebook(version=5), "is no notebook of format 3 or 4 .nbformat is 5"),
        ("h.ipynb", notebook(version=[4]), "is no notebook of format 3 or 4"),
        ("h.ipynb", b'{"nbformat": 4}', "has no list of cells - damaged"),
        ("h.ipynb", b'{"nbformat": 3, "worksheets": 1}', "has no list of cells"),
        ("h.ipynb", b'{"nbformat": 3, "worksheets": [1]}', "has no list of cells"),
        ("h.ipynb", notebook({"cell_type": "code", "source": 1}), "cell 1 has no text as its source"),
        ("h.ipynb", notebook({"cell_type": "code", "source": [1]}), "cell 1 has no text"),
        ("h.ipynb", notebook(code("x = '\ud800'")), r"cell 1 holds the character U\+D800"),
        ("h.ipynb", notebook(1, None, [], {"cell_type": 1}), "does not say its TASK"),
    ],
)  # fmt: skip
def test_what_is_no_program_is_named(name: str, data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_program(name, data)


def test_the_size_of_a_notebook_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MOST_BYTES", 1_000_000)
    with pytest.raises(InputError, match="has 2 MB; expected at most 1 MB - clear its outputs"):
        read_program("h.ipynb", bytes(2_000_000))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("code"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "nbformat",
                    "cells",
                    "worksheets",
                    "cell_type",
                    "source",
                    "input",
                    "metadata",
                    "tags",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from([3, 4]))
def test_any_json_is_a_notebook_or_says_why_not(book: Any, version: int) -> None:
    cells = book if isinstance(book, list) else [book]
    for value in (book, {"nbformat": version, "cells": cells, "worksheets": [{"cells": cells}]}):
        assert code_of("h.ipynb", json.dumps(value).encode()) in ("", "E-SUBMISSION")


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_program_or_say_why_not(data: bytes) -> None:
    for name in ("h.py", "h.ipynb"):
        for junk in (data, CODE.encode() + data, notebook(code(CODE)) + data):
            assert code_of(name, junk) in ("", "E-SUBMISSION")


@given(
    st.lists(st.sampled_from(["!x", "%y", "'", '"""', "(", ")", "\\", "\n", "#", " ", "=", "?"]))
)
def test_leaving_commands_out_keeps_the_number_of_lines(pieces: list[str]) -> None:
    source = "".join(pieces)
    python, left_out = without_commands("cell 1", source)
    assert python.count("\n") == source.count("\n") or (python == "" and "all of it" in left_out[0])


@pytest.mark.parametrize(
    "source", ["-" * 100_000 + "1", "a" + ".b" * 50_000, "1+" * 50_000 + "1", "[" * 9999, "x\0"]
)
def test_source_of_any_depth_is_parsed_or_is_no_python(source: str) -> None:
    assert parsed(source) is None


# --- submissions ---------------------------------------------------------------------------------


def written(path: Path, data: bytes | str, time: float = 1e9) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    os.utime(path, (time, time))
    return path


def test_a_file_a_zip_and_a_folder_with_the_same_files_have_the_same_digest(tmp_path: Path) -> None:
    files = {"homework.py": CODE.encode(), "loss.json": b"[1]"}
    turned = dict(reversed(files.items()))
    zips = [written(tmp_path / f"{i}.zip", z.zipped(f)) for i, f in enumerate((files, turned))]
    for name, data in files.items():
        written(tmp_path / "anna" / name, data)
    read = [read_submission(path) for path in (*zips, tmp_path / "anna")]
    assert len({one.digest for one in read}) == 1
    assert [one.files for one in read] == [{"loss.json": b"[1]"}] * 3
    assert {one.programs for one in read} == {read[0].programs}
    assert read[0].problems == read[2].problems == ()
    single = read_submission(written(tmp_path / "homework.py", CODE))
    assert single.programs == read[0].programs
    assert single.digest != read[0].digest
    written(tmp_path / "anna/loss.json", "[2]")
    assert read_submission(tmp_path / "anna").digest != read[0].digest


def test_a_name_and_a_content_can_not_be_shifted_into_each_other(tmp_path: Path) -> None:
    one = read_submission(written(tmp_path / "1.zip", z.zipped({"a.txt": b"b.txtc"})))
    other = read_submission(written(tmp_path / "2.zip", z.zipped({"a.txtb.txt": b"c"})))
    assert one.digest != other.digest


def test_received_is_when_the_lecturer_got_it_and_never_a_date_in_the_zip(tmp_path: Path) -> None:
    data = z.zipped({"homework.py": CODE.encode()})  # says 2026
    assert read_submission(written(tmp_path / "a.zip", data, 1.2e9)).received == 1.2e9
    assert read_submission(written(tmp_path / "a.py", CODE, 1.3e9)).received == 1.3e9
    written(tmp_path / "b/homework.py", CODE, 1.4e9)
    written(tmp_path / "b/second.py", SECOND, 1.5e9)
    written(tmp_path / "b/paper.pdf", "", 1.6e9)
    assert read_submission(tmp_path / "b").received == 1.5e9
    assert read_submission(written(tmp_path / "c.zip", b"", 1.7e9)).received == 1.7e9


def test_a_folder_of_a_platform_may_hold_a_zip(tmp_path: Path) -> None:
    folder = tmp_path / "Mustermann Anna_123_assignsubmission_file_"
    written(
        folder / "work.zip", z.zipped({"h/homework.py": CODE.encode(), "h/.DS_Store": b""}), 2e9
    )
    written(folder / "paper.pdf", "%PDF")
    one = read_submission(folder)
    assert one.programs[0].name == "work.zip/h/homework.py"
    assert one.files == {"paper.pdf": b"%PDF"}
    assert one.skipped == ("work.zip/h/.DS_Store (left by macOS)",)
    assert (one.received, one.problems, one.name) == (2e9, (), folder.name)


def test_a_bad_zip_in_a_folder_is_a_problem_and_changes_the_digest(tmp_path: Path) -> None:
    written(tmp_path / "a/homework.py", CODE)
    before = read_submission(tmp_path / "a")
    written(tmp_path / "a/x.zip", z.zipped({"../x.py": b""}))
    one = read_submission(tmp_path / "a")
    assert one.programs == before.programs
    assert len(one.problems) == 1
    assert one.problems[0].startswith("E-ARCHIVE: x.zip: the entry '../x.py' leads out")
    assert one.digest != before.digest


def test_all_zips_of_a_submission_share_one_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ddasp.homework.reading import submissions
    from ddasp.homework.reading.archives import Bounds

    monkeypatch.setattr(submissions, "Bounds", lambda: Bounds(size=1000))
    inner = z.zipped({"a.txt": bytes(300)})
    for name in ("1.zip", "2.zip"):
        written(tmp_path / "a" / name, inner)
    written(tmp_path / "a/x.txt", bytes(500))
    one = read_submission(tmp_path / "a")
    assert list(one.files) == ["1.zip/a.txt", "x.txt"]
    assert "E-ARCHIVE: 2.zip: holds 300 bytes; expected at most 200" in one.problems[0]


def test_copies_are_one_program_and_two_different_ones_none(tmp_path: Path) -> None:
    book = notebook(code(CODE))
    run = json.loads(book)
    run["cells"][0]["outputs"] = [{"output_type": "stream", "text": "x"}]
    files = {"a.ipynb": book, "b.ipynb": json.dumps(run).encode(), "second.py": SECOND.encode()}
    one = read_submission(written(tmp_path / "a.zip", z.zipped(files)))
    assert [program.name for program in one.programs] == ["a.ipynb", "second.py"]
    assert one.problems == ()
    files["c.py"] = OTHER.encode()
    one = read_submission(written(tmp_path / "b.zip", z.zipped(files)))
    assert [program.name for program in one.programs] == ["second.py"]
    assert one.problems == (
        "E-SUBMISSION: a.ipynb and c.py are different programs for matrix_fundamentals; "
        "expected one - which of them counts?",
    )


def test_the_same_code_of_two_students_is_not_a_copy_of_one(tmp_path: Path) -> None:
    files = {"a.py": CODE.encode(), "b.py": CODE.replace("S0123456", "s9").encode()}
    one = read_submission(written(tmp_path / "a.zip", z.zipped(files)))
    assert "are different programs" in one.problems[0]
    assert one.programs == ()


def test_code_that_states_nothing_is_another_file_where_there_is_a_program(tmp_path: Path) -> None:
    files = {"comparison.py": b"import torch\n", "homework.py": CODE.encode()}
    one = read_submission(written(tmp_path / "a.zip", z.zipped(files)))
    assert one.files == {"comparison.py": b"import torch\n"}
    assert one.problems == ()
    del files["homework.py"]
    one = read_submission(written(tmp_path / "b.zip", z.zipped(files)))
    assert "comparison.py does not say its TASK" in one.problems[0]
    half = {**files, "x.py": b"TASK = 1"}
    one = read_submission(written(tmp_path / "c.zip", z.zipped(half)))
    assert "x.py line 1: TASK is not a plain value" in one.problems[0]


def test_a_submission_without_a_program_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", written(tmp_path / "a.zip", z.zipped({"paper.pdf": b""}))):
        problems = read_submission(path).problems
        assert problems == ("E-SUBMISSION: there is no notebook (.ipynb) and no .py file in it",)


@pytest.mark.parametrize("name", ["x.docx", "gone.py", "link.py", "pipe.py", "big.py"])
def test_what_can_not_be_read_is_a_problem_with_a_code(name: str, tmp_path: Path) -> None:
    written(tmp_path / "x.docx", "")
    (tmp_path / "link.py").symlink_to(written(tmp_path / "real.py", CODE))
    os.mkfifo(tmp_path / "pipe.py")
    with open(tmp_path / "big.py", "wb") as file:
        file.truncate(100_000_001)
    one = read_submission(tmp_path / name)
    assert one.programs == ()
    assert len(one.problems) == 1
    assert one.problems[0].startswith("E-SUBMISSION: ")
    assert len(one.digest) == 64


def test_entries_are_sorted_and_hidden_files_and_litter_left_out(tmp_path: Path) -> None:
    for name in ("b.py", "a.zip", "c.docx", ".x.py", ".DS_Store", "Thumbs.db"):
        written(tmp_path / name, "")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "Anna").mkdir()
    assert [one.name for one in all_of(tmp_path)] == ["Anna", "a.zip", "b.py", "c.docx"]


def test_a_folder_that_may_not_be_read_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:  # as root every folder may be read
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match=r"can't be read \(Permission denied"):
        entries_of(tmp_path)


def test_what_is_neither_a_folder_nor_a_download_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"a\.py is no folder and no \.zip; expected the folder of"
    ):
        entries_of(written(tmp_path / "a.py", CODE))
    with pytest.raises(InputError, match="none is no folder"):
        entries_of(tmp_path / "none")
    with pytest.raises(InputError, match=r"a\.py is no folder"):
        entries_of(tmp_path / "a.py")
    with pytest.raises(InputError, match=r"E-ARCHIVE: a\.zip: is no zip file"):
        entries_of(written(tmp_path / "a.zip", b""))


# --- bulk downloads ------------------------------------------------------------------------------

ANNA = {"homework.py": CODE.encode(), "loss.json": b"[1]"}
DOWNLOAD = {
    "Anna_1_file_/homework.py": CODE.encode(),
    "Anna_1_file_/loss.json": b"[1]",
    "Anna_1_file_/onlinetext.html": b"<p>",
    "Ben_2_file_/work.zip": z.zipped(ANNA),
    "Eve_3_file_/work.zip": z.zipped({"../x.py": b""}),
    "carl.zip": z.zipped(ANNA),
    "dora.py": CODE.encode(),
    "grades.xlsx": b"",
}


def test_a_bulk_download_is_read_entry_by_entry(tmp_path: Path) -> None:
    path = written(tmp_path / "all.zip", z.zipped(DOWNLOAD))
    entries = entries_of(path)
    names = ["Anna_1_file_", "Ben_2_file_", "Eve_3_file_", "carl.zip", "dora.py", "grades.xlsx"]
    assert [entry.name for entry in entries] == names
    anna, ben, eve, carl, dora, grades = all_of(path)
    assert anna.digest == carl.digest
    assert anna.files == {"loss.json": b"[1]"}
    assert "onlinetext.html (left by ddasp, a browser or the platform" in anna.skipped[0]
    assert ben.programs[0].name == "work.zip/homework.py"
    assert "the entry '../x.py' leads out of its folder" in eve.problems[0]
    assert dora.programs[0].name == "dora.py"
    assert "grades.xlsx is no submission; expected a notebook" in grades.problems[0]
    assert [one.problems for one in (anna, ben, carl, dora)] == [()] * 4


def test_an_entry_can_be_sent_to_a_worker(tmp_path: Path) -> None:
    path = written(tmp_path / "all.zip", z.zipped(DOWNLOAD))
    entry = pickle.loads(pickle.dumps(entries_of(path)[0]))  # noqa: S301 - our own bytes
    assert entry == Entry(path, "Anna_1_file_")
    assert read_entry(entry).programs[0].student == "s0123456"


def test_a_download_reads_as_the_folder_it_would_unpack_to(tmp_path: Path) -> None:
    path = written(tmp_path / "all.zip", z.zipped(DOWNLOAD))
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "all")
    both = zip(all_of(path), all_of(tmp_path / "all"), strict=True)
    for packed, unpacked in both:
        assert (packed.name, packed.programs, packed.files) == (
            unpacked.name,
            unpacked.programs,
            unpacked.files,
        )
        assert packed.digest == unpacked.digest or not packed.files


def test_received_in_a_download_is_the_date_that_the_platform_wrote(tmp_path: Path) -> None:
    from datetime import datetime

    one = all_of(written(tmp_path / "all.zip", z.zipped(DOWNLOAD)))[0]
    assert datetime.fromtimestamp(one.received) == datetime(2026, 11, 2, 8, 30)


def test_a_download_wrapped_in_one_folder_is_unwrapped(tmp_path: Path) -> None:
    wrapped = {f"all/{name}": data for name, data in DOWNLOAD.items() if name != "dora.py"}
    entries = entries_of(written(tmp_path / "a.zip", z.zipped({**wrapped, "__MACOSX/._all": b""})))
    assert [entry.name for entry in entries][:2] == ["Anna_1_file_", "Ben_2_file_"]
    assert read_entry(entries[0]).files == {"loss.json": b"[1]"}
    assert read_entry(entries[3]).programs[0].name == "homework.py"
    alone = {f"Anna/{name}": data for name, data in ANNA.items()}
    (entry,) = entries_of(written(tmp_path / "b.zip", z.zipped(alone)))
    assert read_entry(entry).files == {"loss.json": b"[1]"}


def test_a_bad_name_in_a_download_costs_its_own_submission_only(tmp_path: Path) -> None:
    bad = {
        "Eve/a\u202e.py": b"",
        "Eve/ok.py": CODE.encode(),
        "/abs.py": b"",
        "../up.py": b"",
        "C:x.py": b"",
        "Anna/homework.py": CODE.encode(),
    }
    read = {one.name: one for one in all_of(written(tmp_path / "a.zip", z.zipped(bad)))}
    assert set(read) == {"Eve", "/", "..", "C:x.py", "Anna"}
    assert read["Anna"].problems == ()
    for name in ("Eve", "/", "..", "C:x.py"):
        assert read[name].programs == ()
        assert read[name].problems[0].startswith("E-ARCHIVE: a.zip: the entry ")


def test_each_student_of_a_download_has_a_budget_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ddasp.homework.reading import submissions
    from ddasp.homework.reading.archives import Bounds

    monkeypatch.setattr(submissions, "Bounds", lambda: Bounds(size=500, files=2))
    files = {"a/h.py": CODE.encode(), "b/h.py": CODE.encode() + bytes(0), "c/h.txt": bytes(600)}
    files |= {f"d/{i}.txt": b"" for i in range(3)}
    a, b, c, d = all_of(written(tmp_path / "a.zip", z.zipped(files)))
    assert a.problems == b.problems == ()
    assert "holds 600 bytes; expected at most 500" in c.problems[0]
    assert "d: holds 3 entries; expected at most 2" in d.problems[0]


@given(st.data())
def test_a_download_with_any_bytes_changed_never_raises_while_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    changed = bytearray(z.zipped(DOWNLOAD))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path = written(tmp_path_factory.mktemp("bulk") / "all.zip", bytes(changed))
    try:
        entries = entries_of(path)
    except InputError as error:
        entries = []
        refused = error.code
    else:
        refused = "E-ARCHIVE"
    assert refused == "E-ARCHIVE"
    for entry in entries:
        one = read_entry(entry)
        assert one.programs or one.problems
        assert all(problem.startswith(("E-ARCHIVE", "E-SUBMISSION")) for problem in one.problems)


# --- what a hostile one costs --------------------------------------------------------------------


COSTLY: dict[str, tuple[str, str]] = {
    # Python's parser takes a minute for it, and holds its lock meanwhile
    "fields": (CODE + 'f"' + "{a}" * 60_000 + '"', "holds more than 4000 braces of code"),
    # whoever writes such a number in decimals gets a ValueError
    "version": (HEAD[:-2] + "0x" + "f" * 5_000, "line 3: VERSION is beyond 1000000"),
    "another": (CODE + "VERSION = 0x" + "f" * 5_000, "line 6: VERSION is beyond 1000000"),
}


@pytest.mark.parametrize("case", COSTLY)
def test_what_would_stop_the_grader_is_refused_before_it_is_parsed(case: str) -> None:
    source, says = COSTLY[case]
    for name, data in (("h.py", source.encode()), ("h.ipynb", notebook(code(source)))):
        with pytest.raises(InputError, match=says):
            read_program(name, data)


def test_a_line_of_stated_names_is_looked_at_once() -> None:
    # From each of 36,000 names to the end of the line it would be a thousand million characters.
    broken = HEAD + "(\n" + "TASK:" * 36_000
    assert read_program("h.py", broken.encode()).version == 1
    assert read_program("h.py", (HEAD + "(\n" + "VERSION=1 1\n" * 9_000).encode()).version == 1
    with pytest.raises(InputError, match="does not say its TASK"):
        read_program("h.py", ("(\nx; " + HEAD).encode())  # not where a line begins
    indented = HEAD.replace("TASK", "\r\nTASK") + "(\n"
    assert read_program("h.py", indented.encode()).task == "matrix_fundamentals"


def test_a_notebook_has_so_many_cells_and_values() -> None:
    cells = [code(CODE), *[code("")] * 1_999]
    assert len(read_program("h.ipynb", notebook(*cells)).cells) == 2_000
    with pytest.raises(InputError, match="holds more than 2000 cells of code; expected fewer"):
        read_program("h.ipynb", notebook(*cells, code("")))
    lines = code([CODE, *[""] * 3_000_000])
    with pytest.raises(InputError, match="holds more than 3000000 values - clear its outputs"):
        read_program("h.ipynb", notebook(lines))


def test_what_was_left_out_is_told_in_lines_that_can_be_read() -> None:
    program = read_program("h.ipynb", notebook(code(CODE), *[code("x", "not-graded")] * 900))
    assert len(program.left_out) == 51
    assert program.left_out[-1] == "and 850 more that were left out"
    program = read_program("h.py", (CODE + "!\x1b[2J\u202e\n").encode())
    assert program.left_out == (
        "h.py, line 6: !\\x1b[2J\\u202e (a notebook command)",
    )  # no terminal is steered by it


def test_a_submission_has_so_many_programs_and_zips(tmp_path: Path) -> None:
    for number in range(20):
        written(tmp_path / f"a/{number}.py", CODE)
        written(tmp_path / f"b/{number}.zip", z.zipped({"x.txt": b""}))
    assert [len(read_submission(tmp_path / "a").programs)] == [1]
    assert len(read_submission(tmp_path / "b").files) == 20
    written(tmp_path / "a/20.py", CODE)
    written(tmp_path / "b/20.zip", z.zipped({"x.txt": b""}))
    one, other = read_submission(tmp_path / "a"), read_submission(tmp_path / "b")
    assert one.programs == ()
    assert one.problems == (
        "E-SUBMISSION: it holds 21 notebooks and .py files; expected at most 20",
    )
    assert other.files == {}
    assert other.problems[0] == "E-SUBMISSION: it holds 21 zip files; expected at most 20"


def test_all_zips_of_a_submission_share_one_number_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ddasp.homework.reading import submissions
    from ddasp.homework.reading.archives import Bounds

    monkeypatch.setattr(submissions, "Bounds", lambda: Bounds(files=5))
    inner = z.zipped({f"{i}.txt": b"" for i in range(3)})
    for name in ("1.zip", "2.zip"):
        written(tmp_path / "a" / name, inner)
    one = read_submission(tmp_path / "a")
    assert len(one.files) == 3
    assert "E-ARCHIVE: 2.zip: holds 3 entries; expected at most 2" in one.problems[0]
