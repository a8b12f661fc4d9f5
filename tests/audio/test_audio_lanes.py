"""Sixteen numbers at a time: the logarithm against long double, transposing, and the operators."""

import numpy as np
import pytest
from numba import njit
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._lanes import LANES, load, store
from ddasp.audio.lanes import log2, not_below, transpose

U = np.uintp
WIDTH = U(LANES)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@njit
def _log2(x, out):
    for k in range(U(0), U(x.size), WIDTH):
        store(out, k, log2(load(x, k)))


@DTYPES
def test_the_logarithm_is_exact_to_two_eps(dtype):
    tiny, huge = np.finfo(dtype).tiny, np.finfo(dtype).max
    x = np.concatenate(
        [
            np.geomspace(tiny, huge, 4000, dtype=np.longdouble).astype(dtype).clip(tiny, huge),
            np.linspace(0.5, 2.0, 4000).astype(dtype),
            np.sqrt(0.5) * (1 + np.arange(-8, 8) * np.finfo(dtype).eps).astype(dtype),
            np.array([1, 2, 0.5, 1024, 1e-12, 1 + 1e-5, 1 - 1e-5, 3] * 2, dtype),
        ]
    ).astype(dtype)
    out = np.empty_like(x)
    _log2(x, out)
    exact = np.log2(x.astype(np.longdouble))  # 64 bits of mantissa
    # relative to the number, and near 1, where the logarithm is near 0, to that as well
    assert_allclose(out, exact, rtol=2 * np.finfo(dtype).eps)
    whole = np.ldexp(dtype(1), np.arange(-16, 16)).astype(dtype)
    out = np.empty_like(whole)
    _log2(whole, out)
    assert_array_equal(out, np.arange(-16, 16))


@DTYPES
def test_a_transposed_block_is_the_matrix_turned_and_scaled(dtype):
    @njit
    def turn(x, scale, out):
        transpose(x, U(3), U(20), load(scale, U(0)), out, U(5), U(17))

    x = np.random.default_rng(0).normal(size=400).astype(dtype)
    scale, out = np.arange(1, 17).astype(dtype), np.zeros(300, dtype)
    turn(x, scale, out)
    block = np.lib.stride_tricks.as_strided(x[3:], (16, 16), (20 * x.itemsize, x.itemsize))
    turned = np.lib.stride_tricks.as_strided(out[5:], (16, 16), (17 * x.itemsize, x.itemsize))
    assert_array_equal(turned, (block * scale).T)
    assert np.count_nonzero(out) == 256  # and nothing else was written


@DTYPES
def test_operators_mix_lanes_and_numbers(dtype):
    @njit
    def compute(x, out):
        v = load(x, U(0))
        store(out, U(0), (2.0 * v - v / 4.0) * v + 1.0)
        store(out, WIDTH, not_below(v, x[3]))

    x, out = np.arange(16).astype(dtype), np.empty(32, dtype)
    compute(x, out)
    # sums and products of small integers and quarters are exact
    assert_array_equal(out[:16], 1.75 * x * x + 1)
    assert_array_equal(out[16:], np.maximum(x, 3))


@DTYPES
def test_not_below_keeps_nan_where_it_is(dtype):
    @njit
    def limit(x, out):
        store(out, U(0), not_below(load(x, U(0)), 1.0))

    x, out = np.linspace(-2, 3, 16).astype(dtype), np.empty(16, dtype)
    x[4] = np.nan
    limit(x, out)
    assert_array_equal(out, np.where(np.isnan(x), x, np.maximum(x, 1)))
