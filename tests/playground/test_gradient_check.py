"""The check finds every wrong derivative and blames no right one."""

import itertools

import numpy as np
import pytest

from ddasp.nonlinear import mlp_numpy
from ddasp.nonlinear.spec import ModelSpec, Parameters, initial_parameters
from ddasp.playground.knowing.gradient_check import TOLERANCE, gradient_check

HIDDEN = ("tanh", "relu", "sigmoid", "linear")
HEADS = [
    ("squared_error", "tanh", 1),
    ("squared_error", "linear", 1),
    ("binary_cross_entropy", "sigmoid", 1),
    ("categorical_cross_entropy", "softmax", 3),
]


def drawn(
    spec: ModelSpec, seed: int = 0, n: int = 40, scale: float = 1.0
) -> tuple[Parameters, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    theta = tuple(p + 0.1 * rng.normal(size=p.shape) for p in initial_parameters(spec, rng))
    U = scale * rng.normal(size=(n, spec.widths[0]))
    if spec.loss == "categorical_cross_entropy":
        return theta, U, rng.integers(0, spec.widths[-1], n)
    return theta, U, rng.integers(0, 2, (n, 1)).astype(float)


@pytest.mark.parametrize(("hidden", "head"), list(itertools.product(HIDDEN, HEADS)))
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.03, 0.0), (0.0, 0.3)])
def test_the_engines_gradients_are_right(
    hidden: str, head: tuple[str, str, int], l1: float, l2: float
) -> None:
    loss, last, k = head
    spec = ModelSpec((2, 5, 4, k), (hidden, hidden, last), loss, l1=l1, l2=l2)
    found = gradient_check(spec, *drawn(spec))
    assert found["ok"], found
    assert found["worst"] < TOLERANCE
    assert found["n"] + found["n_corners"] == 15 + 24 + 5 * k
    assert "equal central differences" in found["words"]


@pytest.mark.parametrize(("place", "index"), [(0, (1, 2)), (1, (0,)), (2, (3, 0)), (5, (0,))])
def test_one_derivative_that_is_off_by_a_thousandth_is_found_and_named(
    place: int, index: tuple[int, ...]
) -> None:
    spec = ModelSpec((2, 4, 3, 1), ("tanh", "tanh", "tanh"), "squared_error")
    theta, U, y = drawn(spec)
    gradients = [g.copy() for g in mlp_numpy.gradients(mlp_numpy.build(spec, theta), U, y)]
    gradients[place][index] *= 1.001
    gradients[place][index] += 1e-6
    found = gradient_check(spec, theta, U, y, gradients=tuple(gradients))
    assert not found["ok"]
    at = found["parameter"]
    i = None if place % 2 else index[0]
    assert (at["layer"], at["i"], at["j"]) == (place // 2 + 1, i, index[-1])
    assert at["engine"] == gradients[place][index]
    assert at["name"] in found["words"]


def test_the_difference_is_that_of_two_losses() -> None:
    spec = ModelSpec((2, 3, 1), ("tanh", "sigmoid"), "binary_cross_entropy", l2=0.1)
    theta, U, y = drawn(spec)
    found = gradient_check(spec, theta, U, y, most=7)
    at, h = found["parameter"], 1e-6
    place, index = 2 * at["layer"] - 2 + (at["i"] is None), (at["i"], at["j"])
    losses = []
    for sign in (1, -1):
        moved = [p.copy() for p in theta]
        moved[place][index[1:] if at["i"] is None else index] += sign * h
        losses.append(mlp_numpy.loss(mlp_numpy.build(spec, tuple(moved)), U[:7], y[:7]))
    assert at["difference"] == pytest.approx((losses[0] - losses[1]) / (2 * h), abs=1e-8)
    assert found["n_rows"] == 7


def test_a_relu_whose_input_is_zero_stands_at_a_corner_and_is_no_failure() -> None:
    spec = ModelSpec((1, 1, 1), ("relu", "linear"), "squared_error")
    theta = (np.array([[1.0]]), np.array([-0.5]), np.array([[1.0]]), np.array([0.0]))
    found = gradient_check(spec, theta, [[0.5]], [1.0])  # z = 0
    assert found["ok"]
    assert {one["name"] for one in found["corners"]} == {"W1[0, 0]", "b1[0]"}
    assert found["n"] == 2
    assert "corner" in found["words"]


def test_a_weight_at_zero_under_l1_is_compared_and_one_beside_it_is_a_corner() -> None:
    spec = ModelSpec((1, 1), ("linear",), "squared_error", l1=0.5)
    for weight, n_corners in ((0.0, 0), (1e-7, 1), (0.1, 0)):
        found = gradient_check(spec, (np.array([[weight]]), np.zeros(1)), [[0.4]], [1.0])
        assert found["ok"]
        assert found["n_corners"] == n_corners


def test_inputs_in_hertz_do_not_mislead_it() -> None:
    spec = ModelSpec((2, 4, 1), ("tanh", "tanh"), "squared_error")
    theta, U, y = drawn(spec, scale=3000.0)
    theta = (theta[0] / 3000, *theta[1:])
    assert gradient_check(spec, theta, U, y)["ok"]


def test_a_trained_network_whose_gradients_have_vanished_is_right_too() -> None:
    spec = ModelSpec((1, 1), ("linear",), "squared_error")
    found = gradient_check(spec, (np.array([[2.0]]), np.array([1.0])), [[1.0], [3.0]], [3.0, 7.0])
    assert found["ok"]
    assert found["worst"] < TOLERANCE


@pytest.mark.parametrize("broken", [np.nan, np.inf, 1e200])
def test_what_is_not_finite_has_no_gradient_to_check(broken: float) -> None:
    spec = ModelSpec((1, 1), ("linear",), "squared_error")
    with np.errstate(all="ignore"):
        found = gradient_check(spec, (np.array([[broken]]), np.zeros(1)), [[1e200]], [0.0])
    assert not found["ok"]
    assert found["worst"] is None
    assert "no longer finite" in found["words"]


def test_the_largest_network_of_the_page_is_checked_in_every_parameter() -> None:
    spec = ModelSpec((2, *(8,) * 6, 1), ("tanh",) * 7, "squared_error")
    theta, U, y = drawn(spec, n=250)
    found = gradient_check(spec, theta, U, y)
    assert found["ok"]
    assert (found["n"], found["n_rows"]) == (393, 64)
