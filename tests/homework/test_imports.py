"""What a task doesn't allow is found in the source, with its line, and the rule is the runner's."""

from __future__ import annotations

import ast
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp.homework.reading.imports import Refusal, may_import, may_use, refusals, sifted
from ddasp.homework.reading.sources import Cell
from ddasp.homework.running.runner import NOT_HERE, Door
from ddasp.homework.tasks import NAMES, load

ALLOWED = ("math", "numpy", "scipy.special")
REFUSED = ("numpy.linalg.svd", "numpy.linalg.pinv", "numpy.polynomial", "numpy.lib")


def found(*sources: str) -> list[str]:
    cells = [Cell(f"cell {i}", source) for i, source in enumerate(sources, 1)]
    return [f"{one.where}: {one.name}" for one in refusals(cells, ALLOWED, REFUSED)]


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("numpy", True),
        ("numpy.linalg", True),
        ("numpy.linalg.norm", True),
        ("numpy.linalg.svdvals", True),  # no dot between: another name
        ("numpy.linalg.svd", False),
        ("numpy.linalg.svd.x", False),
        ("numpy.polynomial", False),
        ("numpy.polynomial.polynomial.polyfit", False),
        ("numpyx", False),
        ("scipy", False),
        ("scipy.special", True),
        ("scipy.special.erf", True),
        ("torch", False),
        ("", False),
        ("__future__.annotations", True),
    ],
)
def test_a_name_may_be_used_if_it_is_allowed_and_nothing_refuses_it(name: str, may: bool) -> None:
    assert may_use(name, ALLOWED, REFUSED) is may


def test_the_longest_name_decides_and_of_equal_ones_the_refusal() -> None:
    lists = ("numpy", "numpy.linalg.norm"), ("numpy.linalg",)
    assert may_use("numpy.linalg.norm", *lists)
    assert not may_use("numpy.linalg.norms", *lists)
    assert not may_use("numpy.linalg", *lists)
    assert may_use("numpy.lin", *lists)
    assert not may_use("math", ("math",), ("math",))
    assert not may_use("numpy.linalg.norm.x", *(lists[0], ("numpy.linalg.norm",)))


def test_a_module_that_leads_to_something_allowed_may_be_imported_for_that() -> None:
    lists = ("numpy", "numpy.linalg.norm", "scipy.special"), ("numpy.linalg",)
    assert may_import("scipy", *lists)
    assert may_import("numpy.linalg", *lists)
    assert not may_import("scipy.linalg", *lists)
    assert not may_import("sci", *lists)
    assert not may_import("math", ("math", "math.sqrt"), ("math",))
    cells = [Cell("cell 1", "import numpy as np\nimport scipy\nla = np.linalg\nla.norm(1)")]
    cells += [Cell("cell 2", "la.svd(1)\nscipy.special.erf(0)\nscipy.linalg.svd(1)")]
    said = [f"{one.where}: {one.name}" for one in refusals(cells, *lists)]
    assert said == ["cell 2, line 1: numpy.linalg.svd", "cell 2, line 3: scipy.linalg.svd"]


MODULES = [
    "math",
    "numpy",
    "numpy.linalg",
    "numpy.polynomial",
    "os",
    "scipy",
    "scipy.special",
    "json",
]


@given(
    st.sampled_from(MODULES),
    st.lists(st.sampled_from([*MODULES, "numpy.polynomial.chebyshev"]), max_size=3),
    st.lists(st.sampled_from([*MODULES, "num", "numpy.lin"]), max_size=2),
)
def test_the_runner_holds_the_same_rule(name: str, allowed: list[str], refused: list[str]) -> None:
    door = Door(tuple(allowed), tuple(refused))
    try:
        door(name, fromlist=("x",))
    except ImportError as error:
        let_in, says = False, str(error)
    else:
        let_in, says = True, "may not be"
    assert let_in is may_import(name, allowed, refused)
    assert door._may_be_used(name) is may_use(name, allowed, refused)
    assert "may not be" in says


def test_the_runner_takes_away_the_same_builtins() -> None:
    for name in NOT_HERE:
        assert found(f"{name}('1')") == [f"cell 1, line 1: {name}"]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import torch", ["torch"]),
        ("import torch.nn as nn\nnn.Linear(1, 1)", ["torch.nn"]),
        ("import os, math, sys", ["os", "sys"]),
        ("from os import path", ["os.path"]),
        ("from . import helper", ["."]),
        ("from ..a import b", ["..a"]),
        ("from numpy.linalg import svd as s\ns(1)", ["numpy.linalg.svd"]),
        ("from numpy import polynomial as p", ["numpy.polynomial"]),
        ("from os import *", ["os"]),
        ("from numpy.polynomial import *", ["numpy.polynomial"]),
        ("import scipy\nscipy.linalg.svd", ["scipy.linalg.svd"]),
        ("import importlib", ["importlib"]),
        ("import ddasp.linear", ["ddasp.linear"]),
        ("import numpy as np\nnp.linalg.svd(1)", ["numpy.linalg.svd"]),
        ("import numpy as np\nnp.linalg.svd(1).U.T", ["numpy.linalg.svd"]),
        (
            "import numpy as np\ndef f(a):\n  return [np.linalg.pinv(x) for x in a]",
            ["numpy.linalg.pinv"],
        ),
        ("from numpy import linalg as la\nla.pinv", ["numpy.linalg.pinv"]),
        ("import numpy.linalg as la\nla.svd", ["numpy.linalg.svd"]),
        ("import numpy.linalg\nnumpy.linalg.svd", ["numpy.linalg.svd"]),
        ("import numpy as np\na = b = np\nc = b.linalg\nd = c\nd.svd", ["numpy.linalg.svd"]),
        ("import numpy as np\na, b = np, np.linalg\nb.svd", ["numpy.linalg.svd"]),
        ("import numpy as np\n(a := np.linalg).svd\na.pinv", ["numpy.linalg.pinv"]),
        ("import numpy as np\nx: object = np\nx.linalg.svd", ["numpy.linalg.svd"]),
        ("import numpy as np\ngetattr(np.linalg, 'svd')", ["numpy.linalg.svd"]),
        ("import numpy as np\ngetattr(np, 's' + 'vd')", ["getattr(numpy, ...)"]),
        ("import numpy as np\nvars(np)['linalg']", ["vars(numpy, ...)"]),
        ("import numpy as np\nnp._core.x", ["numpy._core.x"]),
        ("__import__('os')", ["__import__"]),
        ("().__class__.__base__.__subclasses__()", ["__base__", "__subclasses__"]),
        ("f = lambda: 0\nf.__globals__", ["__globals__"]),
        ("getattr(f, '__code__')", ["__code__"]),
        ("__builtins__['eval']", ["__builtins__"]),
        ("import numpy as np\nnp.__dict__['linalg']", ["__dict__"]),
    ],
)
def test_what_may_not_be_used_is_found(source: str, names: list[str]) -> None:
    assert sorted(line.partition(": ")[2] for line in found(source)) == names


@pytest.mark.parametrize(
    "source",
    [
        "from __future__ import annotations\nimport math\nfrom math import *",
        "import numpy as np\nnp.linalg.norm(np.array([1.0]).T)\nnp.__version__",
        "from numpy.linalg import norm, svdvals",
        "import scipy.special\nscipy.special.erf(1)",
        "def layer(input, weights):\n    input = input @ weights\n    return input",
        "def compile(x):\n    return x\ncompile(1)",
        "class A:\n    def __init__(self):\n        self.svd = 1\n        self.__class__.__name__\nA().svd",
        "with open('data.csv') as file:\n    file.read()",
        "torch = 1\ntorch.x",
        "def broken(:\nimport torch",
        "getattr(x, 'svd', None)\nvars()",
    ],
)
def test_honest_code_is_let_through(source: str) -> None:
    assert found(source) == []


def test_names_reach_from_one_cell_into_the_next_and_places_are_in_order() -> None:
    assert found("import numpy as np\nimport os", "x = 1\nnp.linalg.svd", "import sys") == [
        "cell 1, line 2: os",
        "cell 2, line 2: numpy.linalg.svd",
        "cell 3, line 1: sys",
    ]


def test_a_name_is_named_once_a_line() -> None:
    assert found("import numpy as np\nnp.linalg.svd(np.linalg.svd(1))") == [
        "cell 1, line 2: numpy.linalg.svd"
    ]


def test_nobody_reads_more_than_fifty() -> None:
    assert len(found("import os\n" * 60)) == 50


def test_messages_say_what_is_allowed_or_why_not() -> None:
    cells = [Cell("cell 3", "import numpy as np\nimport torch\nnp.lib\nnp._x\neval('1')\ninput()")]
    cells += [Cell("cell 4", "from .a import b\n().__globals__\nvars(np)")]
    says = [one.says for one in refusals(cells, ("math", "numpy"), ("numpy.lib",))]
    assert says == [
        "torch may not be used here; this task allows math, numpy",
        "numpy.lib may not be used here; it would hand over what is asked for",
        "numpy._x may not be used here; it is private to its module",
        "eval may not be used here; it computes code, and only what is written down can be graded",
        "input may not be used here; it waits for a person, and none is there",
        ".a may not be used here; a program stands alone and has no files of code beside it",
        "__globals__ may not be used here; it is a door to the inside of Python",
        "vars(numpy, ...) may not be used here; it hides which name is meant; write that name",
    ]
    assert refusals([Cell("a.py", "import os")], (), ()) == [
        Refusal("a.py, line 1", "os", "os may not be used here; this task allows no modules")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_no_task_lets_a_solution_in(name: str) -> None:
    task = load(name)
    for module in (
        "ddasp",
        "torch",
        "tensorflow",
        "jax",
        "keras",
        "scipy.linalg",
        "sklearn",
        "sympy",
    ):
        assert not may_use(module, task.allowed, task.refused), module
        assert refusals([Cell("cell 1", f"import {module}")], task.allowed, task.refused)


def test_names_that_change_hands_often_end() -> None:
    chain = "\n".join(f"a{i} = a{i - 1}.x" for i in range(1, 300))
    assert found(f"import numpy as a0\n{chain}") == []
    growing = "b = b.c\nb = b.d\nc = b.e\nb = c\n" * 1_000
    assert found(f"import numpy as b\n{growing}", "b.linalg.svd") == [
        "cell 2, line 1: numpy.linalg.svd"
    ]


@given(
    st.text(max_size=80) | st.sampled_from(["a" + ".b" * 500, "-" * 500 + "1", "x" + "[0]" * 400])
)
def test_any_source_is_looked_at_without_an_exception(source: str) -> None:
    for cell in (source, f"import numpy as np\nnp.{source}", f"'''{source}'''"):
        for one in refusals([Cell("cell 1", cell)], ALLOWED, REFUSED):
            assert one.says


@pytest.mark.parametrize(
    ("hidden", "n"),
    [
        ("".join(f"import {letter * 11_000} as m\n" for letter in "abcdefgh"), 8),
        (f"import numpy as n\nm = n.{'a' * 90_000}\n", 0),
    ],
    ids=["modules", "attributes"],
)
def test_names_of_any_length_cost_no_more_than_they_are_long(hidden: str, n: int) -> None:
    # Each of 2,000 names would hold 90,000 characters of others: 180 MB.
    source = hidden + "".join(f"x{i} = m.b\n" for i in range(2_000))
    tracemalloc.start()
    found = refusals([Cell("cell 1", source)], ALLOWED, REFUSED)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6  # the tree of so many lines takes some 6 MB
    assert len(found) == n
    assert all(len(one.says) < 400 for one in found)


def test_a_refusal_can_be_printed_whatever_the_name_holds() -> None:
    source = "import numpy as np\nx = getattr(np, '_\\x1b[2J\\u202e')\n"
    (one,) = refusals([Cell("cell 1", source)], ALLOWED, REFUSED)
    assert one.name == "numpy._\\x1b[2J\\u202e"
    assert one.says.isprintable()


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("def f(A):\n    return np.linalg.pinv(A)\nx = 1", "def f(*_, **__): raise ImportError("),
        ("@cache\ndef f(A):\n    return np.linalg.pinv(A)\nx = 1", "def f(*_, **__): raise"),
        ("class f:\n    y = np.linalg.pinv\nx = 1", "def f(*_, **__): raise ImportError("),
        ("y = np.linalg.pinv(\n    A\n)\nx = 1", "pass\n\n\nx = 1"),
        ("def f(A):\r\n    '''a\n\n'''\n    return eval('A')\nx = 1", "def f(*_, **__): raise"),
    ],
)
def test_what_is_refused_is_taken_out_and_every_line_keeps_its_number(
    source: str, left: str
) -> None:
    before = Cell("cell 1", f"import numpy as np, torch\n{source}")
    (cell,), _ = sifted([before], ("numpy",), ("numpy.linalg.pinv",))
    assert cell.source.startswith(f"import numpy as np, torch\n{left}")
    assert "linalg.pinv(" not in cell.source
    assert "eval(" not in cell.source
    whole, kept = (ast.parse(one.source).body[-1] for one in (before, cell))
    assert ast.dump(whole) == ast.dump(kept)
    assert whole.lineno == kept.lineno


def test_an_honest_program_and_one_that_is_no_python_stay_as_they_are() -> None:
    cells = [Cell("cell 1", "import numpy as np\nx = np.eye(2)"), Cell("cell 2", "def = 3")]
    assert sifted(cells, ("numpy",), ("numpy.linalg",)) == (cells, [])


def test_all_is_taken_out_where_only_the_first_are_listed() -> None:
    lines = [f"def f{i}(A): return np.linalg.svd(A)" for i in range(80)]
    cells = [Cell("cell 1", "\n".join(["import numpy as np", *lines]))]
    assert len(refusals(cells, ("numpy",), ("numpy.linalg",))) == 50
    (cell,), _ = sifted(cells, ("numpy",), ("numpy.linalg",))
    assert cell.source.count("raise ImportError") == 80
