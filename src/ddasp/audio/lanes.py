"""Sixteen numbers at a time: a vector type for Numba, transposing 16 by 16, and the logarithm.

A CPU works on 16 numbers of float32 as quickly as on one, if it is told to. `mel_loops` tells it:
one lane is one frame, so the text of a loop is that for a single frame and its numbers are
vectors. Samples of one frame lie side by side in memory, though, and `transpose` turns them, 16
samples of 16 frames at once, by exchanging quarters as one turns a matrix of blocks,

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

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, models, overload, register_model

__all__ = ["LANES", "Lanes", "load", "log2", "not_below", "store", "transpose"]

LANES = 16
CONTRACT = ("contract", "nsz")  # a * b + c in one rounding
I32 = ir.IntType(32)


class Lanes(types.Type):
    """Numba's type of `LANES` numbers of ``dtype``, which is its float32 or float64."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"audio.Lanes({dtype})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    """In LLVM: <16 x float> or <16 x double>."""

    def __init__(self, manager: Any, lanes: Lanes) -> None:
        element = manager.lookup(lanes.dtype).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(element, LANES))


def _vectors(context: Any, builder: Any, signature: Any, values: Any, lanes: Lanes) -> list[Any]:
    """The arguments as vectors; a plain number is repeated."""
    vector = context.get_value_type(lanes)
    found = []
    for kind, value in zip(signature.args, values, strict=True):
        if not isinstance(kind, Lanes):
            number = context.cast(builder, value, kind, lanes.dtype)
            empty = ir.Constant(vector, ir.Undefined)
            one = builder.insert_element(empty, number, I32(0))
            value = builder.shuffle_vector(one, empty, _places([0] * LANES))
        found.append(value)
    return found


def _places(numbers: list[int]) -> Any:
    return ir.Constant(ir.VectorType(I32, LANES), numbers)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    vector = context.get_value_type(Lanes(kind.dtype))
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _alignment(array: Any) -> int:
    return int(array.dtype.bitwidth // 8)


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """Numbers index ... index + 15 of a one-dimensional array."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_pointer(context, builder, array, *values), align=_alignment(array))

    return Lanes(array.dtype)(array, index), code


@intrinsic
def store(typing: Any, array: Any, index: Any, x: Any) -> Any:
    """Write x to index ... index + 15 of a one-dimensional array."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _pointer(context, builder, array, values[0], values[1])
        builder.store(values[2], place, align=_alignment(array))
        return context.get_dummy_value()

    return types.none(array, index, x), code


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
            pointer = _pointer(context, builder, source, source_, place)
            row = builder.load(pointer, align=_alignment(source))
            rows.append(builder.fmul(row, factor))
            place = builder.add(place, step_)
        for row in _turned(builder, rows):
            pointer = _pointer(context, builder, target, target_, to_)
            builder.store(row, pointer, align=_alignment(target))
            to_ = builder.add(to_, to_step_)
        return context.get_dummy_value()

    return types.none(source, start, step, x, target, to, to_step), code


@intrinsic
def not_below(typing: Any, x: Any, limit: Any) -> Any:
    """In each lane x, or the limit where x is smaller."""
    lanes = x

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        value, least = _vectors(context, builder, signature, values, lanes)
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


def _arithmetic(sign: Any, name: str) -> None:
    """Give the operator its meaning for lanes, and for lanes with a number."""

    @intrinsic
    def both(typing: Any, x: Any, y: Any) -> Any:
        lanes = x if isinstance(x, Lanes) else y

        def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            left, right = _vectors(context, builder, signature, values, lanes)
            return getattr(builder, name)(left, right, flags=CONTRACT)

        return lanes(x, y), code

    def operate(x: Any, y: Any) -> Any:
        return both(x, y)

    @overload(sign)
    def operator_of(x: Any, y: Any) -> Any:
        return operate if isinstance(x, Lanes) or isinstance(y, Lanes) else None


for _sign, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_sign, _name)


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
