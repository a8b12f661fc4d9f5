"""What is copied is found through every disguise; what two people wrote for one task is not."""

from __future__ import annotations

import ast
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp.homework.handing_out import cells_of
from ddasp.homework.reading.similarity import (
    COMMON,
    GRAM,
    LEAST,
    WINDOW,
    Pair,
    _winnowed,
    fingerprint,
    pairs,
)
from ddasp.homework.reading.sources import Cell
from ddasp.homework.tasks import NAMES, load

from . import matrix_solution, regression_solution

TASK = "regression_with_nonlinear_model"
ONE = regression_solution.program_text("anna")

# The same task by another hand: two loops, its own order, steepest descent.
OTHER = '''
TASK = "regression_with_nonlinear_model"
STUDENT = "ben"
VERSION = 1
import numpy as np

def left_inverse(A):
    """(A^T A)^-1 A^T."""
    gram = A.transpose().dot(A)
    return np.linalg.inv(gram).dot(A.transpose())

def linear_model(X, y):
    n = X.shape[0]
    augmented = np.ones((n, 3))
    augmented[:, 1] = X[:, 0]
    augmented[:, 2] = X[:, 1]
    theta = left_inverse(augmented).dot(y)
    return theta

def linear_risk(theta, X, y):
    total = 0.0
    for i in range(len(y)):
        predicted = theta[0] + theta[1] * X[i, 0] + theta[2] * X[i, 1]
        total += (y[i] - predicted) ** 2
    return total / len(y)

def forward(parameters, X):
    n_layers = len(parameters) // 2
    a = X
    zs = []
    activations = []
    for layer in range(n_layers):
        weight = parameters[2 * layer]
        bias = parameters[2 * layer + 1]
        z = np.dot(a, weight) + bias
        zs.append(z)
        if layer < n_layers - 1:
            a = np.tanh(z)
        else:
            a = z
        activations.append(a)
    return {"Z": zs, "A": activations, "prediction": a.ravel()}

def risk(parameters, X, y):
    return float(((forward(parameters, X)["prediction"] - y) ** 2).mean())

def backward(parameters, X, y):
    state = forward(parameters, X)
    n_layers = len(parameters) // 2
    n = X.shape[0]
    deltas = [None] * n_layers
    gradients = [None] * (2 * n_layers)
    error = state["prediction"] - y
    deltas[n_layers - 1] = (2.0 / n) * error.reshape(-1, 1)
    for layer in range(n_layers - 2, -1, -1):
        back = np.dot(deltas[layer + 1], parameters[2 * (layer + 1)].T)
        slope = 1.0 - np.tanh(state["Z"][layer]) ** 2
        deltas[layer] = back * slope
    for layer in range(n_layers):
        if layer == 0:
            below = X
        else:
            below = state["A"][layer - 1]
        gradients[2 * layer] = np.dot(below.T, deltas[layer])
        gradients[2 * layer + 1] = np.sum(deltas[layer], axis=0)
    return {"deltas": deltas, "gradients": gradients}

def network():
    return [4]

def initial(seed=7):
    generator = np.random.RandomState(seed)
    w1 = generator.randn(2, 4) * 0.5
    w2 = generator.randn(4, 1) * 0.5
    return [w1, np.zeros(4), w2, np.zeros(1)]

def train(X, y, steps=20000, seed=7):
    parameters = initial(seed)
    velocity = [np.zeros_like(p) for p in parameters]
    history = []
    for step in range(steps):
        gradients = backward(parameters, X, y)["gradients"]
        history.append(risk(parameters, X, y))
        for k in range(len(parameters)):
            velocity[k] = 0.9 * velocity[k] - 0.05 * gradients[k]
            parameters[k] = parameters[k] + velocity[k]
    return {"parameters": parameters, "history": history}

def n_parameters(widths):
    count = 0
    before = 2
    for width in widths:
        count += before * width + width
        before = width
    return count + before + 1
'''


def marks(source: str, template: str = "") -> frozenset[int]:
    return fingerprint([Cell("cell 1", source)], [Cell("cell 1", template)])


def share(one: str, other: str, template: str = "") -> float:
    found = pairs({"a": marks(one, template), "b": marks(other, template)}, 0.0)
    return found[0].share if found else 0.0


def handed_out() -> list[Cell]:
    task = load(TASK)
    return cells_of(task, task.draw("anna"))


class Renaming(ast.NodeTransformer):
    """Other names for all but functions and modules, other numbers, no docstrings."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = node.id if node.id == "np" else f"my_{node.id[::-1]}"
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = f"my_{node.arg[::-1]}"
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return ast.Constant(node.value * 1.01)
        return node


def disguised(source: str) -> str:
    """Renamed, put in another order, with comments between the lines."""
    tree = Renaming().visit(ast.parse(source))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    others = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    random.Random(1).shuffle(functions)
    for function in functions:
        function.name = function.name.upper()
    mixed = ast.unparse(ast.Module([*others, *functions], []))
    return mixed.replace("\n", "  # my own thoughts\n\n").replace(":  #", ":   #")


def test_a_copy_in_disguise_is_a_copy() -> None:
    assert disguised(ONE) != ONE
    assert len(marks(ONE)) > 2 * LEAST
    assert share(ONE, disguised(ONE)) == 1.0
    assert share(OTHER, disguised(OTHER)) == 1.0


def test_two_solutions_of_the_same_task_share_little() -> None:
    assert share(ONE, OTHER) < 0.1


def test_half_a_copy_is_half_a_share_however_much_is_added() -> None:
    half = "\ndef ".join(OTHER.split("\ndef ")[:6])
    mixed = half + ONE
    assert share(OTHER, half) == 1.0  # of the smaller one
    assert share(ONE, mixed) == 1.0
    copied = len(marks(half)) / len(marks(OTHER))
    assert 0.3 < copied < 0.7
    assert share(OTHER, mixed) == pytest.approx(copied, abs=0.05)  # some are in ONE as well


@pytest.mark.parametrize("name", NAMES)
def test_what_was_handed_out_has_no_marks_and_makes_no_pair(name: str) -> None:
    task = load(name)
    template = cells_of(task, task.draw("anna"))
    for student in ("anna", "ben"):
        assert fingerprint(cells_of(task, task.draw(student)), template) == frozenset()


def test_what_was_handed_out_does_not_make_two_solutions_alike() -> None:
    stubs = "\n".join(cell.source for cell in handed_out())
    template = stubs + "\n" + OTHER.split("def risk")[0]
    one, other = (template + "\n" + code for code in (ONE, "def own(x):\n    return x\n" * 9))
    assert share(one, other) > 0.5
    assert share(one, other, template) < 0.1


def test_answers_that_are_only_typed_have_no_marks() -> None:
    """Their form is the task's: all who are right would be alike."""
    for student in ("anna", "ben"):
        assert marks(matrix_solution.program_text(student)) == frozenset()
    typed = (
        "import numpy as np\n"
        "def f():\n    'doc'\n    a = np.array([[1, 0], [2, 1]])\n"
        "    b: list = [Fraction(1, 2), -np.sqrt(5) / 2, (1, '3/4')]\n    return {'a': [1, -2]}\n"
    )
    assert marks(typed * 20) == frozenset()


def test_small_programs_do_not_agree_by_accident() -> None:
    mean = "def mean(x):\n    n = 0\n    for v in x:\n        n = n + v\n    return n / len(x)\n"
    assert marks(mean) == marks(mean.replace("x", "values"))
    assert 0 < share(mean, mean) <= 3 / LEAST


def test_whatever_has_so_many_tokens_in_common_shares_a_mark() -> None:
    """The guarantee of winnowing: GRAM + WINDOW - 1 tokens in a row, wherever they stand."""
    # x.a = f.b(y) is Assign, Attribute a, Name, Call, Attribute b, Name, Name: seven tokens
    assert GRAM + WINDOW - 1 == 23
    for n, shared in ((4, True), (2, False)):  # 28 tokens, 14 tokens
        common = "\n".join(f"x.a{i} = f.b{i}(y)" for i in range(n))
        for lead in range(1, 9):
            one = "\n".join([*(f"c.q{i}(z)" for i in range(5)), common, "u.v(w)"])
            other = "\n".join([*(f"d.r{i}(z)" for i in range(lead)), common, "u + w + x"])
            assert bool(marks(one) & marks(other)) is shared


def test_the_smallest_of_each_window_is_kept_the_last_one_included() -> None:
    assert _winnowed(range(WINDOW + 2, 0, -1)) == {3, 2, 1}
    assert _winnowed(range(WINDOW + 2)) == {0, 1, 2}
    assert _winnowed([7, 5]) == {5}


def test_no_mark_comes_from_fewer_tokens_than_a_gram() -> None:
    assert GRAM == 16
    short = "x.a = y.b(z)"  # Assign, Attribute, Name, Call, Attribute, Name, Name
    assert marks("\n".join([short] * 2)) == frozenset()
    assert len(marks("\n".join([short] * 3))) == 1


def test_classes_and_code_between_functions_count() -> None:
    body = "".join(f"    self.w{i} = np.tanh(x @ self.v{i}) + {i}\n" for i in range(9))
    as_class = "class Net:\n  def run(self, x):\n" + body
    assert share(as_class, as_class.replace("Net", "Model").replace("x", "data")) > 0.5
    loop = "for self in nets:\n" + body
    assert marks(loop)


def test_code_that_is_no_python_has_no_marks() -> None:
    assert marks("def f(:\n" + ONE) == frozenset()
    assert marks("") == frozenset()


def test_marks_are_the_same_in_every_process() -> None:
    code = (
        "from ddasp.homework.reading.similarity import fingerprint;"
        "from ddasp.homework.reading.sources import Cell;"
        "print(sum(fingerprint([Cell('c', 'for i in x.y(z):\\n  x.a(i + 1, j=x.b(i) * x.c(j))')])))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(said) == 1
    assert int(said.pop()) > 0


def test_pairs_are_sorted_by_share_and_name_whatever_the_order() -> None:
    prints = {
        "c": frozenset(range(100)),
        "a": frozenset(range(50, 150)),
        "d": frozenset(range(100)),
        "b": frozenset(range(140, 240)),
    }
    expected = [Pair("c", "d", 1.0), Pair("a", "c", 0.5), Pair("a", "d", 0.5), Pair("a", "b", 0.1)]
    assert pairs(prints, 0.1) == expected
    assert pairs(dict(reversed(prints.items())), 0.1) == expected
    assert pairs(prints, 0.5) == expected[:3]
    assert pairs(prints, 0.51) == expected[:1]
    assert pairs({}, 0.0) == []


def test_the_share_is_of_the_smaller_one_and_none_is_smaller_than_least() -> None:
    small, large = frozenset(range(LEAST * 2)), frozenset(range(LEAST, 1000))
    assert pairs({"a": small, "b": large}, 0) == [Pair("a", "b", 0.5)]
    assert pairs({"a": frozenset([1]), "b": frozenset([1])}, 0) == [Pair("a", "b", 1 / LEAST)]


def test_what_many_have_in_common_counts_for_nobody() -> None:
    """A passage of the lecture, in the programs of all; one pair has copied beyond that."""
    lecture = range(1000, 1100)
    prints = {f"s{i:02}": frozenset({*lecture, *range(i * 50, i * 50 + 50)}) for i in range(15)}
    prints["s14"] = prints["s13"]
    assert pairs(prints, 0.1) == [Pair("s13", "s14", 1.0)]
    few = dict(list(prints.items())[:COMMON])
    assert pairs(few, 0.1)[0].share == 100 / 150
    ring = {f"s{i:02}": frozenset(lecture) for i in range(15)}  # fifteen of sixty is a quarter
    rest = {f"t{i:02}": frozenset(range(10**4 + i * 50, 10**4 + i * 50 + 50)) for i in range(45)}
    assert len(pairs({**ring, **rest}, 0.9)) == 15 * 14 / 2
    rest.popitem()  # more than a quarter: each is paired with the next only
    assert len(pairs({**ring, **rest}, 0.9)) == 14


def test_two_hundred_submissions_are_compared_in_one_pass() -> None:
    rng = random.Random(0)
    known = [rng.getrandbits(64) for _ in range(20_000)]
    prints = {f"s{i}": frozenset(rng.sample(known, 300)) for i in range(198)}
    prints |= {"x": frozenset(known[:300]), "y": frozenset(known[30:330])}
    assert pairs(prints, 0.5) == [Pair("x", "y", 0.9)]


@given(st.text(max_size=60))
def test_any_source_has_marks_or_none(source: str) -> None:
    assert isinstance(marks(source), frozenset)
    assert isinstance(marks(f"x = '''{source}'''"), frozenset)


def test_trees_of_any_depth_are_walked_without_recursion() -> None:
    assert marks("x = " + "-" * 60 + "y" + ".a" * 200 + "()" * 60)


def test_a_ring_larger_than_what_the_class_shares_is_seen() -> None:
    same, own = (
        frozenset(range(60)),
        {f"own{k}": frozenset(range(100 * k, 100 * k + 60)) for k in range(1, 9)},
    )
    ring = {f"ring{k:02}": same for k in range(12)}
    found = pairs({**ring, **own}, 0.6)
    assert [(pair.first, pair.second) for pair in found] == [
        (f"ring{k:02}", f"ring{k + 1:02}") for k in range(11)
    ]
    assert {pair.share for pair in found} == {1.0}
    assert pairs({name: frozenset(range(5)) for name in ring}, 0.6) == []  # too little to tell
