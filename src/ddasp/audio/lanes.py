"""Transposing 16 by 16, and the logarithm of sixteen numbers at a time.

The compiled loops of this room work on the vectors of `_lanes`. In `mel_loops` one lane is one
frame, in `loudness_compiled` one segment, so the text of a loop is that for a single one and its
numbers are vectors. Samples of one frame lie side by side in memory, though, and `transpose` turns
them, 16 samples of 16 frames at once, by exchanging quarters as one turns a matrix of blocks,

    (A B; C D) -> (A C; B D),

for blocks of 8, of 4, of 2 and of 1. The binary logarithm has no instruction. With x = 2^e m and
m between sqrt 1/2 and sqrt 2, both read from the bits of x, and u = (m - 1) / (m + 1),

    log2 x = e + 2 / log 2 (u + u^3/3 + u^5/5 + ...),    |u| < 0.172.

*Conventions*: functions are called from compiled code only; indices are unsigned
(``numpy.uintp``); `log2` takes positive normal numbers.

*References*: W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980; J. O.
Eklundh, "A fast computer method for matrix transposing", 1972.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from ddasp._lanes import LANES, read, vectors, write

__all__ = ["log2", "not_below", "transpose"]


def _places(numbers: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), LANES), numbers)


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """16 vectors as rows of a matrix, and its columns."""
    for width in (8, 4, 2, 1):
        # of two rows r and r + width, numbered 0 to 15 and 16 to 31: what becomes either of them
        first = [k if not k & width else LANES + (k ^ width) for k in range(LANES)]
        second = [k | width if not k & width else LANES + k for k in range(LANES)]
        for r in range(LANES):
            if not r & width:
                a, b = rows[r], rows[r | width]
                rows[r] = builder.shuffle_vector(a, b, _places(first))
                rows[r | width] = builder.shuffle_vector(a, b, _places(second))
    return rows


@intrinsic
def transpose(
    typing: Any, source: Any, start: Any, step: Any, x: Any, target: Any, to: Any, to_step: Any
) -> Any:
    """target[to + j to_step + i] = source[start + i step + j] x[j] for i, j = 0 ... 15."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source_, place, step_, factor, target_, to_, to_step_ = values
        rows = []
        for _ in range(LANES):
            row = read(context, builder, source, source_, place)
            rows.append(builder.fmul(row, factor))
            place = builder.add(place, step_)
        for row in _turned(builder, rows):
            write(context, builder, target, target_, to_, row)
            to_ = builder.add(to_, to_step_)
        return context.get_dummy_value()

    return types.none(source, start, step, x, target, to, to_step), code


@intrinsic
def not_below(typing: Any, x: Any, limit: Any) -> Any:
    """In each lane x, or the limit where x is smaller."""
    lanes = x

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        value, least = vectors(context, builder, signature, values, lanes)
        return builder.select(builder.fcmp_ordered("<", value, least), least, value)

    return lanes(x, limit), code


def _bits(x: Any, builder: Any, value: Any) -> tuple[Any, Any, Any]:
    """The bits of x as whole numbers, those of its exponent e, and where that one stands."""
    shift, root = (23, np.float32(0.5)) if x.dtype == types.float32 else (52, np.float64(0.5))
    whole = ir.VectorType(ir.IntType(x.dtype.bitwidth), LANES)
    bits = builder.bitcast(value, whole)
    start = int(np.sqrt(root).view(f"i{x.dtype.bitwidth // 8}"))  # so that m begins at sqrt 1/2
    place = ir.Constant(whole, [shift] * LANES)
    return bits, builder.ashr(builder.sub(bits, ir.Constant(whole, [start] * LANES)), place), place


@intrinsic
def _exponent(typing: Any, x: Any) -> Any:
    """The exponent e in x = 2^e m."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _, e, _ = _bits(x, builder, values[0])
        return builder.sitofp(e, values[0].type)

    return x(x), code


@intrinsic
def _mantissa(typing: Any, x: Any) -> Any:
    """The mantissa m in x = 2^e m."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bits, e, place = _bits(x, builder, values[0])
        return builder.bitcast(builder.sub(bits, builder.shl(e, place)), values[0].type)

    return x(x), code


@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def log2(x: Any) -> Any:
    """log2 x for positive normal numbers; the first term left out is below 1e-17 u."""
    m = _mantissa(x)
    u = (m - 1.0) / (m + 1.0)
    v = u * u
    q = v * (1 / 21) + 1 / 19
    q = q * v + 1 / 17
    q = q * v + 1 / 15
    q = q * v + 1 / 13
    q = q * v + 1 / 11
    q = q * v + 1 / 9
    q = q * v + 1 / 7
    q = q * v + 1 / 5
    q = q * v + 1 / 3
    return (u * v * q + u) * 2.8853900817779268 + _exponent(x)
