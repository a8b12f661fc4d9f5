"""Sixteen numbers at a time: against NumPy in long double, at the ends of the range, and NaN."""

import numpy as np
import pytest
from numba import njit
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._lanes import LANES, load, spread, store
from ddasp.nonlinear import lanes

U = np.uintp
WIDTH = U(LANES)


def on_arrays(function):
    @njit
    def apply(x, out):
        for k in range(U(0), U(x.size), WIDTH):
            store(out, k, function(load(x, k)))

    return apply


def exact_sigmoid(x):
    return 1 / (1 + np.exp(-x))


FUNCTIONS = {
    "tanh": (lanes.tanh, np.tanh, -30, 30),
    "sigmoid": (lanes.sigmoid, exact_sigmoid, -60, 60),
    "exp": (lanes.exp, np.exp, -60, 0),
    "log1p": (lanes.log1p, np.log1p, 0, 1),
}
APPLY = {name: on_arrays(entry[0]) for name, entry in FUNCTIONS.items()}


def applied(name, x):
    padded = np.zeros(-(-len(x) // LANES) * LANES, x.dtype)
    padded[: len(x)] = x
    out = np.empty_like(padded)
    APPLY[name](padded, out)
    return out[: len(x)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_relative_error_is_at_most_two_eps(name, dtype):
    _, exact, low, high = FUNCTIONS[name]
    far = low or high
    x = np.concatenate([np.linspace(low, high, 50_001), far * np.geomspace(1e-9, 1, 20_001)])
    x = x.astype(dtype)
    # long double has 64 bits of mantissa: exact here
    assert_allclose(applied(name, x), exact(x.astype(np.longdouble)), rtol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ends_of_the_range_zero_with_its_sign_and_nan(dtype):
    x = np.array([0.0, -0.0, 800, -800, np.inf, -np.inf, np.nan, 1e-30], dtype)
    y = applied("tanh", x)
    assert_array_equal(y, np.array([0, 0, 1, -1, 1, -1, np.nan, 1e-30], dtype))
    assert_array_equal(np.signbit(y[:2]), [False, True])
    # where exp would be below the smallest number, it stops at exp(-80) or exp(-700)
    assert_allclose(applied("sigmoid", x), [0.5, 0.5, 1, 0, 1, 0, np.nan, 0.5], atol=2e-35)
    assert_allclose(applied("exp", -np.abs(x)), [1, 1, 0, 0, 0, 0, np.nan, 1], atol=2e-35)


def test_operators_mix_lanes_and_numbers_and_totals_add_up():
    @njit
    def compute(x, out):
        v = load(x, U(0))
        store(out, U(0), (2.0 * v - v / 4.0) * v + 1.0)
        store(out, WIDTH, lanes.where_less(v, 3.0, v, lanes.magnitude(v * -1.0) * 10.0))
        store(out, WIDTH + WIDTH, spread(x[1]))
        return lanes.total(v)

    for dtype in (np.float32, np.float64):
        x = np.arange(16).astype(dtype)
        out = np.empty(48, dtype)
        assert compute(x, out) == 120
        # sums and products of small integers and quarters are exact
        assert_array_equal(out[:16], 1.75 * x * x + 1)
        assert_array_equal(out[16:32], np.where(x < 3, x, 10 * x))
        assert_array_equal(out[32:], 1)
