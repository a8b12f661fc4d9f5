"""Task 2: the definition that checks lean on, hidden inputs, and judges that take anything calmly."""

from __future__ import annotations

import json
import math
import re
import time
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddasp.homework.draw import Draw
from ddasp.homework.parts import (
    NOT_ATTEMPTED,
    NOT_YET,
    RIGHT,
    Call,
    Finding,
    NotYet,
    Outcome,
    share_of,
)
from ddasp.homework.tasks import load
from ddasp.homework.tasks import regression_network as network
from ddasp.homework.tasks.regression_reading import arrays, equal, item, value_of
from ddasp.homework.tasks.regression_training import RUNGS
from ddasp.homework.tasks.regression_with_nonlinear_model import TASK, THRESHOLDS
from ddasp.nonlinear import mlp_numpy
from ddasp.nonlinear.spec import ModelSpec

from .regression_solution import (
    answers,
    calls_of,
    findings,
    judge,
    program_text,
    sheet_of,
    with_mistake,
)

CHECKED = [part for part in TASK.parts if not part.by_hand]


# --- the definition ----------------------------------------------------------------------------


@given(
    seed=st.integers(0, 2**32),
    widths=st.lists(st.integers(1, 4), max_size=3),
    n_features=st.integers(1, 3),
    n=st.integers(1, 6),
)
@settings(deadline=None, max_examples=30)
def test_derivatives_by_complex_steps_agree_with_backpropagation(
    seed: int, widths: list[int], n_features: int, n: int
) -> None:
    known = network.draw_network(Draw(str(seed)), n_features, widths, n)
    tanh = ("tanh",) * len(widths)
    spec = ModelSpec((n_features, *widths, 1), (*tanh, "linear"), "squared_error")
    model = mlp_numpy.build(spec, tuple(known.parameters))
    # ddasp's loss has the factor 1/2. A complex step of 1e-20 is exact to rounding.
    assert network.risk(known.parameters, known.X, known.y) == pytest.approx(
        2 * mlp_numpy.loss(model, known.X, known.y), rel=1e-12
    )
    by_hand = [2 * g for g in mlp_numpy.gradients(model, known.X, known.y)]
    quotients = network.gradients(known.parameters, known.X, known.y)
    deltas = network.deltas(known.parameters, known.X, known.y)
    for quotient, exact in zip(quotients, by_hand, strict=True):
        np.testing.assert_allclose(quotient, exact, atol=1e-12 * max(1.0, np.abs(exact).max()))
    for delta, exact in zip(deltas, by_hand[1::2], strict=True):  # db is the sum of dL/dZ
        np.testing.assert_allclose(
            delta.sum(axis=0), exact, atol=1e-12 * max(1.0, np.abs(exact).max())
        )


def test_the_network_of_one_unit_on_paper() -> None:
    # x = 0.5, w = 2, b = -1: z = 0, a = 0; v = 3, c = 4: prediction 4; y = 1: risk 9.
    parameters = [np.array([[2.0]]), np.array([-1.0]), np.array([[3.0]]), np.array([4.0])]
    X, y = np.array([[0.5]]), np.array([1.0])
    assert [Z.tolist() for Z in network.forward(parameters, X)] == [[[0.0]], [[4.0]]]
    assert network.risk(parameters, X, y) == 9.0
    # dL/dz2 = 2 * 3 = 6; dL/dz1 = 6 * 3 * (1 - 0) = 18
    assert network.deltas(parameters, X, y)[1][0, 0] == pytest.approx(6, rel=1e-8)
    assert network.deltas(parameters, X, y)[0][0, 0] == pytest.approx(18, rel=1e-8)
    expected = [[18 * 0.5], [18.0], [0.0], [6.0]]
    found = [g.ravel().tolist() for g in network.gradients(parameters, X, y)]
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_counts_are_those_of_the_shapes() -> None:
    assert network.n_parameters(2, [3]) == 2 * 3 + 3 + 3 + 1
    assert network.n_parameters(2, [4, 3]) == 2 * 4 + 4 + 4 * 3 + 3 + 3 + 1
    assert network.n_parameters(2, []) == 3


# --- hidden inputs -----------------------------------------------------------------------------


def plain(calls: list[Call]) -> str:
    return json.dumps([(c.function, c.arguments) for c in calls], default=lambda a: a.tolist())


@pytest.mark.parametrize("key", [part.key for part in CHECKED])
def test_hidden_inputs_belong_to_the_salt_and_the_student(key: str) -> None:
    assert plain(calls_of(key)) == plain(calls_of(key))
    assert plain(calls_of(key)) != plain(calls_of(key, salt="another"))
    assert plain(calls_of(key)) != plain(calls_of(key, student="s0000000"))


def test_hidden_networks_have_one_two_and_three_layers_and_once_one_observation() -> None:
    for salt in "abcdefgh":
        calls = calls_of("4", salt=salt)
        shapes = [(len(c.arguments[0]) // 2 - 1, len(c.arguments[1])) for c in calls[4:]]
        assert [layers for layers, _ in shapes] == [1, 2, 3, 1, 1]
        assert [n == 1 for _, n in shapes] == [False, False, False, True, False]


def test_the_largest_hidden_residual_is_once_below_and_once_above_zero() -> None:
    for salt in "abcdefgh":
        residuals = [
            y - predicted for _, y, predicted in (c.arguments for c in calls_of("8", salt=salt))
        ]
        assert [bool(r[np.argmax(np.abs(r))] > 0) for r in residuals] == [False, True]


def test_the_whole_of_a_submission_is_over_in_time() -> None:
    allowed = sum(
        call.seconds for part in CHECKED for call in calls_of(part.key) if call.seconds > 10
    )
    assert allowed == 25.0  # one long call, the rest of the minute for all others


# --- judges ------------------------------------------------------------------------------------


ITEMS = {part.key: list(findings(program_text(), part.key)) for part in CHECKED}


@pytest.mark.parametrize("key", ITEMS)
def test_a_stub_is_not_attempted_and_a_failure_is_not_yet_item_by_item(key: str) -> None:
    calls = calls_of(key)
    stubs = judge(key, calls, [Outcome("not attempted")] * len(calls))
    assert list(stubs) == ITEMS[key]
    assert {f.status for f in stubs.values()} == {NOT_ATTEMPTED}
    failed = judge(key, calls, [Outcome("failed", None, "ValueError: no")] * len(calls))
    assert list(failed) == ITEMS[key]
    assert {f.status for f in failed.values()} == {NOT_YET}
    assert all(re.match(r"\w+: ValueError: no", f.says) for f in failed.values())
    weights = [[f.weight for f in found.values()] for found in (stubs, failed)]
    assert weights[0] == weights[1] == [f.weight for f in findings(program_text(), key).values()]


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(
        [10**400, -(10**30), 2**64, math.nan, math.inf, -math.inf, 1e308, 5e-324, 1e15]
    ),
    st.floats(),
    st.sampled_from(["", "1/2", "nan", "9" * 200, "sqrt(", "__import__('os')"]),
)
KEYS = ["Z", "A", "prediction", "deltas", "gradients", "parameters", "history", "mean", "where"]
HOSTILE = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(HOSTILE, min_size=13, max_size=13), st.sampled_from(sorted(ITEMS)))
@settings(deadline=None, max_examples=80)
def test_a_judge_takes_any_values(values: list[Any], key: str) -> None:
    calls = calls_of(key)
    found = judge(key, calls, [Outcome("value", v) for v in values[: len(calls)]])
    assert list(found) == ITEMS[key]


@cache
def right_values(key: str) -> str:
    calls = calls_of(key)
    return json.dumps([outcome.value for outcome in answers(program_text(), calls)])


def spoilt(value: Any, index: int, by: Any) -> tuple[Any, int]:
    """The value with its leaf of that number replaced."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for k, inner in list(pairs):
            value[k], index = spoilt(inner, index, by)
            if index < 0:
                break
        return value, index
    return (by if index == 0 else value), index - 1


@given(st.data(), st.sampled_from(sorted(ITEMS)))
@settings(deadline=None, max_examples=80)
def test_a_judge_takes_right_values_with_one_of_them_spoilt(drawn: st.DataObject, key: str) -> None:
    values = json.loads(right_values(key))
    which = drawn.draw(st.integers(0, len(values) - 1))
    values[which], _ = spoilt(values[which], drawn.draw(st.integers(0, 40)), drawn.draw(HOSTILE))
    found = judge(key, calls_of(key), [Outcome("value", v) for v in values])
    assert list(found) == ITEMS[key]


def test_huge_answers_are_refused_at_once() -> None:
    start = time.process_time()
    for key in ITEMS:
        calls = calls_of(key)
        for value in ([0.0] * 1_000_000, {k: [[0.0] * 1000] * 1000 for k in KEYS}, "9" * 5_000_000):
            found = judge(key, calls, [Outcome("value", value)] * len(calls))
            assert RIGHT not in {f.status for f in found.values()}
    assert time.process_time() - start < 20  # a bound against hanging, not a timing


def test_parameters_too_large_to_compute_with_are_not_yet() -> None:
    """Without a warning: overflow in the definition's own forward pass is no business of anybody."""
    calls = calls_of("6")
    outcomes = answers(program_text(), calls)
    huge = [[[1e14] * 3] * 2, [1e14] * 3, [[1e15]] * 3, [1e15]]
    outcomes[5] = Outcome("value", {"parameters": huge, "history": [1.0, 2.0]})
    found = judge("6", calls, outcomes)
    assert found["your network, trained from its seed"].status == NOT_YET


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (3, r"network\(\) gave 3; expected the widths"),
        ([1] * 9, r"network\(\) gave a list of 9; expected the widths of at most 8 tanh layers"),
        ([0], r"network\(\) holds 0; expected whole numbers from 1 to 100"),
        ([1000], r"network\(\) holds 1000; expected whole numbers from 1 to 100"),
        (["three"], r"network\(\), width 1 is 'three'"),
    ],
)
def test_widths_that_are_none(value: Any, says: str) -> None:
    calls = calls_of("5")
    outcomes = answers(program_text(), calls)
    outcomes[0] = Outcome("value", value)
    found = judge("5", calls, outcomes)["parameters at the start"]
    assert found.status == NOT_YET
    assert re.search(says, found.says), found.says


def test_readers_say_what_they_expected() -> None:
    with pytest.raises(NotYet, match=r"Z is 3 for a net; expected a list of 2 arrays"):
        arrays(3, "Z", [(1,), (1,)], "a net")
    with pytest.raises(NotYet, match=r"Z has 1 arrays for a net; expected 2"):
        arrays([[1]], "Z", [(1,), (1,)], "a net")
    call = Call("forward")
    with pytest.raises(NotYet, match=r"forward gave a list of 1; expected a dict with 'Z' in it"):
        value_of((call, Outcome("value", [1])), "Z")
    with pytest.raises(NotYet, match=r"forward gave a dict without 'Z'"):
        value_of((call, Outcome("value", {"A": 1})), "Z")
    with pytest.raises(NotYet, match=r"x = 0 fails for me$"):
        equal(np.array([2.0]), np.array([0.0]), "x = 0", "me")
    with pytest.raises(
        NotYet, match=r"x = y fails for me: off by up to 50 % of the largest entry$"
    ):
        equal(np.array([2.0, 1.0]), np.array([1.0, 2.0]), "x = y", "me")
    equal(np.array([1.0 + 1e-6]), np.array([1.0]), "x = 1", "me")


def test_an_item_that_needs_several_calls_names_the_one_that_failed() -> None:
    ok, bad = (Call("a"), Outcome("value", 1)), (Call("b"), Outcome("failed", None, "it broke"))
    assert item("x", [ok, bad], lambda: None) == Finding("x", NOT_YET, "b: it broke")
    assert (
        item("x", [bad, (Call("c"), Outcome("not attempted"))], lambda: None).status
        == NOT_ATTEMPTED
    )


def test_parts_of_the_ladder_count_for_themselves() -> None:
    """Five units: 21 parameters, small risk: two of four rungs."""
    found = list(findings(with_mistake(("return [3]", "return [5]")), "6").values())
    assert [f.status for f in found[2:]] == [RIGHT, RIGHT, NOT_YET, NOT_YET]
    assert share_of(found) == pytest.approx((1 + 3 + 3 + 3) / 14)
    assert re.search("at most 17 parameters fails: the network has 21", found[4].says)


def test_messages_do_not_give_the_number_away() -> None:
    wrong = {
        "risk": (
            "4",
            '["prediction"] - y\n    return np.mean(r**2)',
            '["prediction"] - y\n    return 1.2345',
        ),
        "risk of a linear model": (
            "1",
            "theta[1:]\n    return np.mean(r**2)",
            "theta[1:]\n    return 1.2345",
        ),
        "number of parameters": ("6", "(n_in + 1) * n_out for", "n_in * n_out + 1.2345 for"),
    }
    for name, (key, old, new) in wrong.items():
        program = with_mistake((old, new))
        calls = calls_of(key)
        function = {"4": "risk", "1": "linear_risk", "6": "n_parameters"}[key]
        asked = [call for call in calls if call.function == function]
        right = [o.value for o in answers(program_text(), asked)]
        finding = judge(key, calls, answers(program, calls))[name]
        assert finding.status == NOT_YET
        numbers = [float(n) for n in re.findall(r"(?<![\w.])\d+\.?\d*(?![\w.])", finding.says)]
        off = [abs(float(o.value) - r) for o, r in zip(answers(program, asked), right, strict=True)]
        for n in numbers:
            assert all(abs(n - r) > 1e-3 * r for r in right), finding.says
            assert all(abs(n - d) > 1e-3 * d for d in off), finding.says


# --- the sheet ---------------------------------------------------------------------------------


def test_the_task_is_found_by_its_name_and_comes_to_100_points() -> None:
    assert load(TASK.name) is TASK
    assert sum(part.points for part in TASK.parts) == 100
    assert [part.key for part in TASK.parts] == list("123456789")
    assert [part.key for part in TASK.parts if part.by_hand] == ["2", "7", "9"]
    assert TASK.part("2").files == ("equations.pdf",)
    assert TASK.part("7").files == ("comparison.csv",)


def test_every_part_has_two_hints_and_every_stub_says_which_part_it_is() -> None:
    for part in TASK.parts:
        assert len(part.hints) == 2
        names: dict[str, Any] = {}
        exec("import numpy as np\n" + part.stub, names)
        functions = [f for f in names.values() if callable(f)]
        assert bool(functions) is not part.by_hand
        for function in functions:
            n = function.__code__.co_argcount - len(function.__defaults__ or ())
            with pytest.raises(NotImplementedError, match=rf"^Task 2\.{part.key}: "):
                function(*[None] * n)


def test_the_template_as_it_is_handed_out_is_not_attempted() -> None:
    template = "\n".join(part.stub for part in TASK.parts)
    for part in CHECKED:
        assert {f.status for f in findings(template, part.key).values()} == {NOT_ATTEMPTED}


def test_the_sheet_speaks_of_this_student() -> None:
    sheet = sheet_of("example")
    x1, x2, y = sheet.files["data.csv"].splitlines()[1].split(",")
    assert sheet.words["first_row"] == f"x₁ = {x1}, x₂ = {x2}, y = {y}".replace("-", "−")
    texts = [TASK.introduction, *(part.asked for part in TASK.parts)]
    used = {word for text in texts for word in re.findall(r"\{(\w+)\}", text)}
    assert used == set(sheet.words)
    for name, most, _ in RUNGS:
        assert f"below {THRESHOLDS[name]:g} with at most {most} parameters" in sheet.words["ladder"]
