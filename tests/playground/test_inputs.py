"""What the network is fed: the right functions, of the right columns, scaled by training points only."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.playground.datasets import Points, make
from ddasp.playground.points.inputs import INPUTS, available, fed_columns, inputs_for, name_of
from ddasp.playground.settings import INPUT_KEYS, parse

OFF = dict.fromkeys(INPUT_KEYS, False)


def table(X, **more):
    n, d = X.shape
    given = {
        "y": np.arange(n) % 2, "kind": "classification", "classes": ("a", "b"),
        "axes": tuple("pqrstuvwxyz"[:d]), "domain": None, "groups": None, "ids": None, "title": "",
    }  # fmt: skip
    return Points(X=X, **{**given, **more})


@pytest.fixture
def wide():
    rng = np.random.default_rng(0)
    return table(rng.normal([1000, -5, 0.1, 7, 0], [300, 2, 0.01, 1, 1], (60, 5)))


def test_the_nine_functions_are_those_of_the_settings():
    assert set(INPUTS) == set(INPUT_KEYS)


@pytest.mark.parametrize(
    ("key", "function"),
    [
        ("x", lambda a, b: a), ("y", lambda a, b: b), ("xSquared", lambda a, b: a * a),
        ("ySquared", lambda a, b: b * b), ("xTimesY", lambda a, b: a * b),
        ("sinX", lambda a, b: np.sin(a)), ("sinY", lambda a, b: np.sin(b)),
        ("cosX", lambda a, b: np.cos(a)), ("cosY", lambda a, b: np.cos(b)),
    ],
)  # fmt: skip
def test_each_function_by_its_key(key, function):
    points = make("gauss", seed=1)
    inputs = inputs_for(parse({**OFF, key: True}), points, np.arange(200))
    assert inputs.keys == (key,)
    expected = function(points.X[:, 0], points.X[:, 1])
    assert_allclose(inputs.of(points.X)[:, 0], expected)
    # the line of Python that is shown and exported computes the same
    assert_allclose(eval(INPUTS[key].numpy, {"np": np, "x": points.X}), expected)


def test_inputs_keep_the_order_of_the_table_whatever_is_switched_on():
    inputs = inputs_for(parse({"cosX": True, "xSquared": True}), make("xor"), np.arange(9))
    assert inputs.keys == ("x", "y", "xSquared", "cosX")
    assert inputs.names == ("x₁", "x₂", "x₁²", "cos(x₁)")
    assert inputs.of(make("xor").X).shape == (500, 4)
    assert inputs.columns == (0, 1)


def test_points_on_a_line_have_functions_of_x_only():
    points = make("reg-sine1d")
    assert available(points) == ("x", "xSquared", "sinX", "cosX")
    inputs = inputs_for(parse({"y": True, "sinX": True}), points, np.arange(100))
    assert inputs.keys == ("x", "sinX")
    assert inputs.names == ("x", "sin(x)")


def test_standardised_inputs_have_mean_0_and_deviation_1_over_training_points():
    points, rows = make("reg-gauss", seed=2), np.arange(0, 1200, 3)
    settings = parse({"xSquared": True, "xTimesY": True, "scale": "standard"})
    U = inputs_for(settings, points, rows).of(points.X)
    assert_allclose(U[rows].mean(axis=0), 0, atol=1e-12)
    assert_allclose(U[rows].std(axis=0), 1)


@pytest.mark.parametrize("domain", [6.0, None])
def test_scaling_never_looks_at_other_points(domain):
    points, rows = replace(make("moons", seed=2), domain=domain), np.arange(100)
    changed = points.X.copy()
    changed[100:] = 1e6
    settings = parse({"sinX": True, "scale": "standard"})
    a = inputs_for(settings, points, rows)
    b = inputs_for(settings, replace(points, X=changed), rows)
    for name in ("mean", "spread", "origin", "unit"):
        assert_array_equal(getattr(a, name), getattr(b, name))
    c = inputs_for(settings, replace(points, X=changed), np.arange(101))
    assert not np.allclose(a.mean, c.mean)


def test_formulas_say_mean_and_spread():
    points = replace(make("xor"), X=np.tile([[1.0, 2.0], [3.0, -2.0]], (250, 1)))
    inputs = inputs_for(parse({"scale": "standard"}), points, np.arange(100))
    assert inputs.formulas == ("(x₁ − 2) / 1", "(x₂ − 0) / 2")
    assert inputs_for(parse({}), points, np.arange(100)).formulas == ("x₁", "x₂")


def test_without_a_domain_functions_take_training_deviations():
    rng = np.random.default_rng(1)
    points = table(rng.normal([1834.0, -20.0], [400.0, 3.0], (80, 2)))
    settings = parse({**OFF, "x": True, "sinX": True, "xTimesY": True})
    inputs = inputs_for(settings, points, np.arange(50))
    mean, deviation = points.X[:50].mean(axis=0), points.X[:50].std(axis=0)
    z = (points.X - mean) / deviation
    expected = np.column_stack([points.X[:, 0], z[:, 0] * z[:, 1], np.sin(z[:, 0])])
    assert_allclose(inputs.of(points.X), expected)
    assert inputs.names == ("p", "z(p) · z(q)", "sin(z(p))")


def test_a_column_that_does_not_vary_is_centred_and_stays_finite():
    points = table(np.column_stack([np.full(20, 7.3), np.arange(20.0)]))
    U = inputs_for(parse({"scale": "standard"}), points, np.arange(10)).of(points.X)
    assert_allclose(U[:, 0], 0, atol=1e-12)
    assert np.isfinite(U).all()


def test_many_columns_are_fed_as_they_are(wide):
    inputs = inputs_for(parse({"columns": "3,0"}), wide, np.arange(30))
    assert inputs.keys == ("column:0", "column:3")
    assert inputs.names == ("p", "s")
    assert inputs.columns == (0, 3)
    assert_array_equal(inputs.of(wide.X), wide.X[:, [0, 3]])


def test_columns_left_over_from_other_data_are_passed_over(wide):
    rows, none = np.arange(4), parse({"columns": "99"})
    assert fed_columns(wide, parse({"columns": "2,99"}), rows) == (2,)
    assert fed_columns(wide, none, rows) == (0, 1, 2, 3, 4)
    assert fed_columns(replace(wide, suggested=(1, 4)), none, rows) == (1, 4)
    many = table(np.zeros((4, 11)))
    assert fed_columns(many, parse({}), rows) == tuple(range(8))


def test_no_input_is_an_error_that_says_what_there_is():
    with pytest.raises(InputError, match="no input is chosen; expected one or more of x, xSquared"):
        inputs_for(parse({**OFF, "y": True}), make("stripes1d"), np.arange(10))


def test_no_points_at_all_are_no_reason_to_fail():
    empty = replace(make("xor", n=10), X=np.zeros((0, 2)), y=np.zeros(0, np.int64), domain=None)
    inputs = inputs_for(parse({"scale": "standard"}), empty, np.zeros(0, int))
    assert inputs.of(empty.X).shape == (0, 2)


def test_names_follow_the_points_columns():
    assert name_of("xTimesY", make("xor")) == "x₁x₂"
    assert name_of("xSquared", table(np.zeros((3, 2)))) == "z(p)²"
