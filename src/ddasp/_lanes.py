"""Sixteen numbers at a time: a vector type for Numba, with its arithmetic.

A CPU adds 16 numbers of float32 as quickly as one, if it is told to. Compilers find such chances
in simple loops, and lose them where a loop is short or its body long. So the compiled loops of the
rooms say it themselves: ``load`` takes 16 neighbours from an array, ``spread`` repeats one number,
``+ - * /`` work on all of them, also together with plain numbers, ``store`` puts them back. LLVM
turns that into whatever the CPU has: one register of AVX-512, two of AVX2, four of NEON or SSE.

What else a room needs of its vectors stands in its own file, `audio.lanes` and `nonlinear.lanes`.
For what such a file writes in LLVM itself there are ``vectors``, ``read``, ``write`` and ``call``.
Loops are compiled by `compiled`, under a number that `source_number` gives.

*Conventions*: functions are called from compiled code only, those four from what generates it.
Indices are unsigned (``numpy.uintp``), because a signed one costs a test for "from the end", and
are not checked. a * b + c may be rounded once; arithmetic may lose the sign of a zero.

*References*: S. K. Lam, A. Pitrou and S. Seibert, "Numba", 2015.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

__all__ = [
    "LANES",
    "Lanes",
    "call",
    "compiled",
    "load",
    "read",
    "small",
    "source_number",
    "spread",
    "store",
    "vectors",
    "write",
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


def vectors(context: Any, builder: Any, signature: Any, values: Any, lanes: Lanes) -> list[Any]:
    """The arguments as vectors; a plain number is repeated."""
    vector = context.get_value_type(lanes)
    return [
        value
        if isinstance(kind, Lanes)
        else _splat(builder, context.cast(builder, value, kind, lanes.dtype), vector)
        for kind, value in zip(signature.args, values, strict=True)
    ]


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> tuple[Any, int]:
    """Where a vector stands in an array, and the alignment [bytes], that of a single number."""
    data = context.make_array(kind)(context, builder, array).data
    vector = context.get_value_type(Lanes(kind.dtype))
    pointer = builder.bitcast(builder.gep(data, [index]), vector.as_pointer())
    return pointer, kind.dtype.bitwidth // 8


def read(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Generate what `load` does; ``kind`` is Numba's type of the array."""
    pointer, alignment = _place(context, builder, kind, array, index)
    return builder.load(pointer, align=alignment)


def write(context: Any, builder: Any, kind: Any, array: Any, index: Any, x: Any) -> None:
    """Generate what `store` does."""
    pointer, alignment = _place(context, builder, kind, array, index)
    builder.store(x, pointer, align=alignment)


def call(builder: Any, name: str, result: Any, arguments: list[Any], **flags: Any) -> Any:
    """Generate a call of one of LLVM's own functions for the vector type of the last argument."""
    vector = arguments[-1].type
    bits = 32 if isinstance(vector.element, ir.FloatType) else 64
    kind = ir.FunctionType(result, [a.type for a in arguments])
    full = f"llvm.{name}.v{LANES}f{bits}"
    function = cgutils.get_or_insert_function(builder.module, kind, full)
    return builder.call(function, arguments, **flags)


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """Numbers index ... index + 15 of a one-dimensional array."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return read(context, builder, array, *values)

    return Lanes(array.dtype)(array, index), code


@intrinsic
def store(typing: Any, array: Any, index: Any, x: Any) -> Any:
    """Write x to index ... index + 15 of a one-dimensional array."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        write(context, builder, array, *values)
        return context.get_dummy_value()

    return types.none(array, index, x), code


@intrinsic
def spread(typing: Any, x: Any) -> Any:
    """One number in all lanes."""
    lanes = Lanes(x)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _splat(builder, values[0], context.get_value_type(lanes))

    return lanes(x), code


def _arithmetic(sign: Any, name: str) -> None:
    """Give the operator its meaning for lanes, and for lanes with a number."""

    @intrinsic
    def both(typing: Any, x: Any, y: Any) -> Any:
        lanes = x if isinstance(x, Lanes) else y

        def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            left, right = vectors(context, builder, signature, values, lanes)
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


small = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Decorator of functions that compiled loops call and nobody else."""


def compiled(loop: Callable[..., Any]) -> Any:
    """The loop, to be compiled when it is first called, and then kept on disk if that can be."""
    try:
        return njit(error_model="numpy", nogil=True, cache=True)(loop)
    except RuntimeError:  # no folder that may be written to: compiled again in every process
        return njit(error_model="numpy", nogil=True)(loop)


def source_number(*modules: ModuleType) -> int:
    """A number that changes with this file and with the modules that a loop inlines.

    Numba's cache looks at the loop's own file only; a loop that closes over this number is compiled
    again when one of the others has changed.
    """
    files = [Path(__file__), *(Path(str(module.__file__)) for module in modules)]
    return int(sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8], 16)
