"""The exponential function on sixteen numbers at a time, and what networks make of it.

Small networks consist of short loops. `mlp_loops` writes them for the vectors of `_lanes`; what
these can't do by themselves stands here: tanh and the like, sums over the lanes, and choices
between two vectors where a loop would branch.

The exponential function has no instruction. With k = round(t / log 2) and r = t - k log 2,

    exp(t) = 2^k (1 + p),    p = exp(r) - 1 = r + r^2/2! + r^3/3! + ...,    |r| <= log(2) / 2,

where 2^k is made by writing k into the exponent's bits. The series ends where the next term is
below half an ulp of p. expm1(t) = 2^k p + (2^k - 1) keeps its relative accuracy near zero, so
tanh(z) = -e / (2 + e) with e = expm1(-2 |z|) does as well.

*Conventions*: functions are called from compiled code only; their largest relative error is 2 eps
(eps of the dtype; tested); NaN stays NaN.

*References*: W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980
(log 2 in two parts); N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2002.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

from ddasp._lanes import LANES, call, vectors

__all__ = [
    "LANES",
    "exp",
    "log1p",
    "magnitude",
    "sigmoid",
    "tanh",
    "total",
    "where_less",
]


@intrinsic
def total(typing: Any, x: Any) -> Any:
    """Sum over the lanes."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        element = values[0].type.element
        zero = ir.Constant(element, 0.0)
        # "reassoc": in pairs, not one after the other
        return call(
            builder, "vector.reduce.fadd", element, [zero, values[0]], fastmath=("reassoc",)
        )

    return x.dtype(x), code


@intrinsic
def where_less(typing: Any, x: Any, limit: Any, a: Any, b: Any) -> Any:
    """In each lane a where x < limit, otherwise b (also where x is NaN)."""
    lanes = x

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        left, right, yes, no = vectors(context, builder, signature, values, lanes)
        return builder.select(builder.fcmp_ordered("<", left, right), yes, no)

    return lanes(x, limit, a, b), code


@intrinsic
def _floor(typing: Any, x: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return call(builder, "floor", values[0].type, list(values))

    return x(x), code


@intrinsic
def magnitude(typing: Any, x: Any) -> Any:
    """|x|."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return call(builder, "fabs", values[0].type, list(values))

    return x(x), code


@intrinsic
def _copysign(typing: Any, x: Any, sign: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return call(builder, "copysign", values[0].type, list(values))

    return x(x, sign), code


@intrinsic
def _two_to(typing: Any, k: Any) -> Any:
    """2^k for whole k: k and the bias, written where a float keeps its exponent."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bits, bias, shift = (64, 1023, 52) if k.dtype == types.float64 else (32, 127, 23)
        whole = ir.VectorType(ir.IntType(bits), LANES)
        exponent = builder.fptosi(values[0], ir.VectorType(ir.IntType(32), LANES))
        if bits == 64:
            exponent = builder.sext(exponent, whole)
        exponent = builder.add(exponent, ir.Constant(whole, [bias] * LANES))
        exponent = builder.shl(exponent, ir.Constant(whole, [shift] * LANES))
        return builder.bitcast(exponent, values[0].type)

    return k(k), code


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
