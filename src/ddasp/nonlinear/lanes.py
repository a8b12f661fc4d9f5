"""Sixteen numbers at a time: a vector type for Numba, and the exponential function on it.

A CPU adds 16 numbers of float32 as quickly as one, if it is told to. Compilers find such chances
in simple loops, and lose them where a loop is short or its body long; small networks consist of
such loops. So the loops of `mlp_compiled` say it themselves: ``load`` takes 16 neighbours from an
array, ``+ - * /`` work on all of them, ``store`` puts them back. LLVM turns that into whatever the
CPU has: one register of AVX-512, two of AVX2, four of NEON or SSE.

The exponential function has no instruction. With k = round(t / log 2) and r = t - k log 2,

    exp(t) = 2^k (1 + p),    p = exp(r) - 1 = r + r^2/2! + r^3/3! + ...,    |r| <= log(2) / 2,

where 2^k is made by writing k into the exponent's bits. The series ends where the next term is
below half an ulp of p. expm1(t) = 2^k p + (2^k - 1) keeps its relative accuracy near zero, so
tanh(z) = -e / (2 + e) with e = expm1(-2 |z|) does as well.

*Conventions*: functions are called from compiled code only; their largest relative error is 2 eps
(eps of the dtype; tested); NaN stays NaN; indices are unsigned (``numpy.uintp``), because a signed
one costs a test for "from the end".

*References*: W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980
(log 2 in two parts); N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2002.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

__all__ = [
    "LANES",
    "Lanes",
    "exp",
    "load",
    "log1p",
    "magnitude",
    "sigmoid",
    "spread",
    "store",
    "tanh",
    "total",
    "where_less",
]

LANES = 16
CONTRACT = ("contract", "nsz")  # a * b + c in one rounding
I32 = ir.IntType(32)


class Lanes(types.Type):
    """Numba's type of `LANES` numbers of ``dtype``, which is its float32 or float64."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Lanes({dtype})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    """In LLVM: <16 x float> or <16 x double>."""

    def __init__(self, manager: Any, lanes: Lanes) -> None:
        element = manager.lookup(lanes.dtype).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(element, LANES))


def _splat(builder: Any, x: Any, vector: Any) -> Any:
    empty = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, x, I32(0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(I32, LANES), [0] * LANES))


def _vectors(context: Any, builder: Any, signature: Any, values: Any, lanes: Lanes) -> list[Any]:
    """The arguments as vectors; a plain number is repeated."""
    vector = context.get_value_type(lanes)
    return [
        value
        if isinstance(kind, Lanes)
        else _splat(builder, context.cast(builder, value, kind, lanes.dtype), vector)
        for kind, value in zip(signature.args, values, strict=True)
    ]


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any, vector: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _llvm(builder: Any, name: str, result: Any, arguments: list[Any], **flags: Any) -> Any:
    """Call one of LLVM's own functions for this vector type."""
    vector = arguments[-1].type
    bits = 32 if isinstance(vector.element, ir.FloatType) else 64
    kind = ir.FunctionType(result, [a.type for a in arguments])
    full = f"llvm.{name}.v{LANES}f{bits}"
    function = cgutils.get_or_insert_function(builder.module, kind, full)
    return builder.call(function, arguments, **flags)


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """Numbers index ... index + 15 of a one-dimensional array."""
    lanes = Lanes(array.dtype)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        vector = context.get_value_type(lanes)
        place = _pointer(context, builder, array, values[0], values[1], vector)
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return lanes(array, index), code


@intrinsic
def store(typing: Any, array: Any, index: Any, x: Any) -> Any:
    """Write x to index ... index + 15 of a one-dimensional array."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _pointer(context, builder, array, values[0], values[1], values[2].type)
        builder.store(values[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, index, x), code


@intrinsic
def spread(typing: Any, x: Any) -> Any:
    """One number in all lanes."""
    lanes = Lanes(x)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _splat(builder, values[0], context.get_value_type(lanes))

    return lanes(x), code


@intrinsic
def total(typing: Any, x: Any) -> Any:
    """Sum over the lanes."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        element = values[0].type.element
        zero = ir.Constant(element, 0.0)
        # "reassoc": in pairs, not one after the other
        return _llvm(
            builder, "vector.reduce.fadd", element, [zero, values[0]], fastmath=("reassoc",)
        )

    return x.dtype(x), code


@intrinsic
def where_less(typing: Any, x: Any, limit: Any, a: Any, b: Any) -> Any:
    """In each lane a where x < limit, otherwise b (also where x is NaN)."""
    lanes = x

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        left, right, yes, no = _vectors(context, builder, signature, values, lanes)
        return builder.select(builder.fcmp_ordered("<", left, right), yes, no)

    return lanes(x, limit, a, b), code


@intrinsic
def _floor(typing: Any, x: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _llvm(builder, "floor", values[0].type, list(values))

    return x(x), code


@intrinsic
def magnitude(typing: Any, x: Any) -> Any:
    """|x|."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _llvm(builder, "fabs", values[0].type, list(values))

    return x(x), code


@intrinsic
def _copysign(typing: Any, x: Any, sign: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _llvm(builder, "copysign", values[0].type, list(values))

    return x(x, sign), code


@intrinsic
def _two_to(typing: Any, k: Any) -> Any:
    """2^k for whole k: k and the bias, written where a float keeps its exponent."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bits, bias, shift = (64, 1023, 52) if k.dtype == types.float64 else (32, 127, 23)
        whole = ir.VectorType(ir.IntType(bits), LANES)
        exponent = builder.fptosi(values[0], ir.VectorType(I32, LANES))
        if bits == 64:
            exponent = builder.sext(exponent, whole)
        exponent = builder.add(exponent, ir.Constant(whole, [bias] * LANES))
        exponent = builder.shl(exponent, ir.Constant(whole, [shift] * LANES))
        return builder.bitcast(exponent, values[0].type)

    return k(k), code


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


def _power(t: Any) -> Any:
    """The two parts of exp(t) = 2^k (1 + p) for t <= 0: p and 2^k."""


@overload(_power)
def _power_of(t: Any) -> Any:
    if t.dtype == types.float64:

        def double(t: Any) -> Any:
            t = where_less(t, -700.0, -700.0, t)  # 2^k stays a normal number
            k = _floor(t * 1.4426950408889634 + 0.5)
            r = t - k * 0.6931471803691238  # log 2 to 33 bits: k times it is exact
            r = r - k * 1.9082149292705877e-10  # and the rest of log 2
            q = r * (1 / 6227020800) + 1 / 479001600
            q = q * r + 1 / 39916800
            q = q * r + 1 / 3628800
            q = q * r + 1 / 362880
            q = q * r + 1 / 40320
            q = q * r + 1 / 5040
            q = q * r + 1 / 720
            q = q * r + 1 / 120
            q = q * r + 1 / 24
            q = q * r + 1 / 6
            q = q * r + 0.5
            return r * r * q + r, _two_to(k)

        return double

    def single(t: Any) -> Any:
        t = where_less(t, -80.0, -80.0, t)
        k = _floor(t * 1.4426950408889634 + 0.5)
        r = t - k * 0.693359375  # log 2 to 10 bits
        r = r + k * 2.1219444005469058e-4
        q = r * (1 / 5040) + 1 / 720
        q = q * r + 1 / 120
        q = q * r + 1 / 24
        q = q * r + 1 / 6
        q = q * r + 0.5
        return r * r * q + r, _two_to(k)

    return single


@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def exp(t: Any) -> Any:
    """exp(t) for t <= 0; below -700 (float32: -80) as at that limit, practically 0."""
    p, s = _power(t)
    return s * p + s


@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def tanh(z: Any) -> Any:
    """tanh(z) = -e / (2 + e), e = expm1(-2 |z|), with the sign of z."""
    p, s = _power(magnitude(z) * -2.0)
    e = s * p + (s - 1.0)
    return _copysign(e / (e + 2.0), z)


@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def sigmoid(z: Any) -> Any:
    """1 / (1 + exp(-z)), for z < 0 as exp(z) / (1 + exp(z))."""
    e = exp(magnitude(z) * -1.0)
    return where_less(z, 0.0, e, 1.0) / (e + 1.0)


@njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
def log1p(e: Any) -> Any:
    """log(1 + e) for 0 <= e <= 1.

    With u = e / (2 + e) <= 1/3 it is 2 artanh(u) = 2 (u + u^3/3 + u^5/5 + ...); the first term
    left out is below 1e-17 u.
    """
    u = e / (e + 2.0)
    v = u * u
    q = v * (1 / 35) + 1 / 33
    q = q * v + 1 / 31
    q = q * v + 1 / 29
    q = q * v + 1 / 27
    q = q * v + 1 / 25
    q = q * v + 1 / 23
    q = q * v + 1 / 21
    q = q * v + 1 / 19
    q = q * v + 1 / 17
    q = q * v + 1 / 15
    q = q * v + 1 / 13
    q = q * v + 1 / 11
    q = q * v + 1 / 9
    q = q * v + 1 / 7
    q = q * v + 1 / 5
    q = q * v + 1 / 3
    return (u * v * q + u) * 2.0
