"""The runner: what a program may import, what a value may be, what is said of a failure."""

from __future__ import annotations

import ast
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp.homework.running import runner
from ddasp.homework.running.execution import packed
from ddasp.homework.running.runner import Door, Program, Unreadable, plain, unpack

LIBRARY = {
    "json",
    "os",
    "sys",
    "io",
    "ast",
    "types",
    "builtins",
    "importlib",
    "fractions",
    "typing",
}


def program(*sources: str, allowed: tuple[str, ...] = ("math", "numpy"), **door: object) -> Program:
    cells = [(f"cell {i}", source) for i, source in enumerate(sources, 1)]
    return Program(cells, Door(allowed, door.get("refused", ())))


@pytest.fixture(autouse=True)
def _no_program_stays() -> Iterator[None]:
    yield
    sys.modules.pop("submission", None)


# --- it stands alone ---


def test_the_runner_imports_nothing_but_pythons_library_and_numpy() -> None:
    tree = ast.parse(Path(runner.__file__).read_text())
    named = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
        )
    }
    assert named <= {*LIBRARY, "__future__", "collections", "resource", "numpy"}


def test_the_runner_runs_as_a_program_that_sees_no_packages() -> None:
    told = {"user": None, "limits": {}, "packages": str(Path(np.__file__).parents[1])}
    request = {
        "cells": [["cell 1", "def f(): return 1"]],
        "files": {},
        "allowed": [],
        "refused": [],
    }
    orders = [request, {"call": 0, "function": "f", "arguments": []}]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", runner.__file__, json.dumps(told)],
        input="".join(json.dumps(order) + "\n" for order in orders),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"ready": True},
        {"loaded": True, "problems": []},
        {"call": 0, "status": "value", "value": 1, "says": ""},
    ]


# --- values ---


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.zeros((0, 3)), []),
        (np.zeros((2, 0)), [[], []]),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("1/3"), "1/3"),
        (np.array([Fraction(1, 3), 2], dtype=object), ["1/3", 2]),
        (np.array([[1, 2]]).view(np.recarray), [[1, 2]]),
        (Fraction(-4, 6), "-2/3"),
        ((1, (2.5, None)), [1, [2.5, None]]),
        (range(3), [0, 1, 2]),
        ({"A": np.eye(1)}, {"A": [[1.0]]}),
        (True, True),
        ("", ""),
        (2**4000 - 1, 2**4000 - 1),
    ],
    ids=repr,
)
def test_values_become_what_json_can_hold(value: object, expected: object) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 5e-324])
def test_numbers_that_are_none_and_the_smallest_cross(value: float) -> None:
    found = json.loads(json.dumps(plain(np.array([value]))))
    np.testing.assert_array_equal(found, [value])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (1j, "it gave a complex number; expected numbers"),
        (np.array([1j]), "it gave a complex number"),
        (b"abc", "it gave bytes"),
        ({1, 2}, "it gave set"),
        (iter([1]), r"it gave list_iterator; .*list\(\.\.\.\) makes a list of it"),
        (lambda: 1, "it gave function"),
        ([[object()]], "it gave object"),
        ({1: 2}, "it gave a dict with the key 1; expected words as keys"),
        (2**4000, "it gave a whole number of more than 4000 bits"),
        (Fraction(1, 2**4001), "a whole number of more than 4000 bits"),
        (np.zeros(1_000_001), "an array of 1,000,001 numbers; expected at most 1,000,000"),
        ([0] * 1_000_001, "it gave more than 1,000,000 numbers"),
        (np.datetime64("2026-01-01"), "it gave datetime64"),
        (np.array(["2026"], dtype="M8[Y]"), "it gave date"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else type(value).__name__,
)
def test_what_can_not_be_read_says_what_could(value: object, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        plain(value)


def test_lists_may_be_32_deep_and_no_deeper() -> None:
    value: list[object] = []
    for _ in range(32):
        value = [value]
    assert plain(value) == value
    with pytest.raises(Unreadable, match="more than 32 deep"):
        plain([value])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_what_json_holds_stays_what_it_is(value: object) -> None:
    assert json.dumps(plain(value)) == json.dumps(value)


@pytest.mark.parametrize("dtype", ["float64", "int64", "bool", "float32", "uint8"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 3), (2, 0), (1, 2, 2)])
def test_arguments_arrive_as_the_arrays_they_were(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.asarray(np.arange(math.prod(shape)).reshape(shape) / 2).astype(dtype)
    back = unpack(json.loads(json.dumps(packed([array, {"x": (array, "a", None)}]))))
    for found in (back[0], back[1]["x"][0]):
        np.testing.assert_array_equal(found, array)
        assert found.shape == array.shape
        assert found.dtype == {"float32": "float64", "uint8": "int64"}.get(dtype, dtype)
        assert found.flags.writeable
    assert back[1]["x"][1:] == ["a", None]


# --- imports ---


def test_what_is_allowed_is_imported_and_works() -> None:
    done = program(
        """
from __future__ import annotations
import math, numpy as np
import numpy.linalg as la
from numpy.linalg import norm, LinAlgError
from numpy import *
from math import *
def f():
    rng = np.random.default_rng(1)
    assert np.newaxis is None and np.pi == math.pi and isinstance(eye(2), np.ndarray)
    assert issubclass(LinAlgError, Exception) and np.__version__ and "linalg" in dir(np)
    return [norm([3, 4]), la.matrix_rank(np.eye(3)), sqrt(4), np.fft.fft([1.0])[0].real,
            np.linalg.lstsq(np.eye(2), np.ones(2), rcond=None)[0], hypot(3, 4)]
"""
    )
    assert done.problems == []
    answer = done.call("f", [])
    assert answer["value"] == [5.0, 3, 2.0, 1.0, [1.0, 1.0], 5.0], answer


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import os", "os may not be imported here; allowed are math, numpy"),
        ("import os.path", r"os.path may not be imported here"),
        ("from scipy import linalg", "scipy may not be imported here"),
        ("import mathematics", "mathematics may not be imported here"),
        ("import numpy.ma", "numpy.ma may not be used here"),
        ("from numpy import ma", "numpy.ma may not be used here"),
        ("import numpy as np; np.ma.array", "numpy.ma may not be used here"),
        ("from . import x", "there is no package around this code"),
        ("import numpy as np; np.linalg.svd(1)", "numpy.linalg.svd may not be used here"),
        ("from numpy.linalg import svd; svd(1)", "numpy.linalg.svd may not be used here"),
        ("import numpy as np; np.linalg.linalg", "has no attribute 'linalg'"),
        ("import numpy as np; np.linalg._linalg", "has no attribute '_linalg'"),
        ("import numpy as np; np.os", "has no attribute 'os'"),
        ("from numpy import nothing_such", "cannot import name 'nothing_such'"),
        ("eval('1')", "eval may not be used here"),
        ("input()", "input may not be used here"),
    ],
)
def test_what_is_not_allowed_is_refused_with_a_reason(line: str, says: str) -> None:
    done = program(line, refused=("numpy.linalg.svd", "numpy.ma"))
    assert len(done.problems) == 1
    assert re.search(says, done.problems[0])
    assert done.problems[0].startswith("cell 1, line 1: ")


def test_numpy_itself_may_use_what_is_refused() -> None:
    done = program(
        "import numpy as np\ndef f(): return np.linalg.pinv([[2.0]])", refused=("numpy.linalg.svd",)
    )
    # The pseudo-inverse of 2 is 1/2; NumPy finds it by the singular value decomposition.
    np.testing.assert_allclose(done.call("f", [])["value"], [[0.5]], rtol=1e-15)


def test_the_longest_name_decides_so_a_refusal_can_have_an_exception() -> None:
    done = program(
        "import numpy as np\nfrom numpy.linalg import norm\ndef f(): return [norm([3, 4]), "
        "np.linalg.norm([3, 4])]\ndef g(): return np.linalg.inv([[1.0]])",
        allowed=("numpy", "numpy.linalg.norm"),
        refused=("numpy.linalg",),
    )
    assert done.call("f", [])["value"] == [5.0, 5.0]
    assert "numpy.linalg.inv may not be used here" in done.call("g", [])["says"]


def test_a_function_inside_a_module_can_be_all_that_is_allowed() -> None:
    done = program(
        "import math\ndef f(): return math.sqrt(4)\ndef g(): return math.cos(0)",
        allowed=("math.sqrt",),
    )
    assert done.call("f", [])["value"] == 2.0
    assert "has no attribute 'cos'" in done.call("g", [])["says"]


def test_a_refused_function_is_refused_under_its_other_names() -> None:
    done = program("import numpy as np\nnp.concat([[1]])", refused=("numpy.concatenate",))
    assert "numpy.concatenate may not be used here" in done.problems[0]


# --- cells and calls ---


def test_one_statement_that_fails_loses_no_other() -> None:
    done = program("a = 1\nb = a / 0\nc = a + 1\ndef f(): return [a, c]")
    assert done.problems == ["cell 1, line 2: ZeroDivisionError: division by zero"]
    assert done.call("f", [])["value"] == [1, 2]


def test_a_cell_that_is_no_python_loses_itself_only() -> None:
    done = program("a = 1", "b = 2\ndef f(:\n    pass", "def g(): return a")
    assert len(done.problems) == 1
    assert done.problems[0].startswith("cell 2, line 2: SyntaxError: ")
    assert done.problems[0].endswith("nothing of this cell was run")
    assert done.call("g", [])["value"] == 1
    assert "b" not in done.module.__dict__


@pytest.mark.parametrize("source", ["a = '\0'", "x = " + "(" * 500, "return 1", "break"])
def test_sources_that_do_not_compile_are_said_to_be_so(source: str) -> None:
    assert len(program(source).problems) == 1


def test_a_stub_that_a_cell_tries_out_is_no_problem() -> None:
    done = program("def f(): raise NotImplementedError('Task 2.3: the rank')", "print(f())")
    assert done.problems == []
    answer = done.call("f", [])
    assert (answer["status"], answer["says"]) == ("not attempted", "Task 2.3: the rank")


@pytest.mark.parametrize(
    ("source", "status", "says"),
    [
        ("", "not attempted", "there is no function f"),
        ("def f(): pass", "not attempted", "f gave None - is the return missing?"),
        ("f = [1]", "failed", "f is of type list; expected a function"),
        ("def f(x): return x", "failed", "TypeError: f.. missing 1 required"),
        ("def f(): return 1 / 0", "failed", r"ZeroDivisionError: .* \(cell 1, line 1\)"),
        (
            "def f(): return g()\ndef g():\n    return h",
            "failed",
            r"NameError: .* \(cell 1, line 3\)",
        ),
        ("def f(): raise SystemExit(3)", "failed", "SystemExit: it ended the program"),
        ("def f(): raise KeyboardInterrupt", "failed", "KeyboardInterrupt"),
        ("def f(): return f()", "failed", "RecursionError"),
        ("def f(): return [0] * 10**18", "failed", "MemoryError: it needed more memory"),
        ("def f(): return 'ä' * 2_000_000", "failed", "f: it gave more than 8 MB"),
        ("def f(): open('nothing')", "failed", "No such file or directory: 'nothing'"),
    ],
)
def test_a_call_without_a_value_says_why(source: str, status: str, says: str) -> None:
    answer = program(source).call("f", [])
    assert answer["status"] == status
    assert answer["value"] is None
    assert re.search(says, answer["says"]), answer


def test_no_message_names_a_folder_of_the_machine() -> None:
    hidden = ("/home/lecturer/work", "/opt/python")
    source = "def f(): raise ValueError('/home/lecturer/work/data.csv and /opt/python')"
    done = Program([("cell 1", source)], Door((), ()), hidden)
    assert done.call("f", [])["says"] == "ValueError: data.csv and (cell 1, line 1)".replace(
        "and ", "and  "
    )


def test_messages_and_problems_are_bounded() -> None:
    done = program("\n".join(["1 / 0"] * 100) + "\ndef f(): raise ValueError('x' * 10**6)")
    assert len(done.problems) == 30
    assert len(done.call("f", [])["says"]) < 600


def test_dataclasses_and_annotations_work_in_a_program() -> None:
    done = program(
        "from __future__ import annotations\nfrom dataclasses import dataclass",
        "@dataclass\nclass P:\n    x: NotThere = 1",
        "def f(y: AlsoNot = 2) -> Neither:\n    return P(3).x + y",
        allowed=("dataclasses",),
    )
    assert done.problems == []
    assert done.call("f", [])["value"] == 5


def test_main_blocks_are_not_run() -> None:
    assert program("if __name__ == '__main__':\n    1 / 0").problems == []
