"""A graph while it is put together: values that are written like NumPy, and become ONNX nodes.

``(x * w).sum(1)`` appends a Mul and a ReduceSum and gives the value they make. So the text of a
graph reads like the text of the function that it stands for.

*Conventions*: a `Value` knows its dtype (float32, float64, int64 or bool), not its shape. Plain
numbers and arrays beside a value become constants of its dtype. Reductions drop the axis unless
``keep``. Names of constants say what they are ("linear.coefficients"): `ddasp explain` and a
reader of the file find them by these.

*References*: ONNX operators, opset 17, https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Graph", "Value"]

TYPES = {
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.float64): TensorProto.DOUBLE,
    np.dtype(np.int64): TensorProto.INT64,
    np.dtype(np.bool_): TensorProto.BOOL,
}


class Graph:
    """Nodes and constants of one graph.

    Attributes
    ----------
    nodes, constants : list
        In the order in which they were made.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._known: dict[tuple[str, bytes, tuple[int, ...]], Value] = {}
        self._names: set[str] = set()

    def constant(self, values: ArrayLike, name: str = "", dtype: DTypeLike | None = None) -> Value:
        """A constant; one that stands there already is not stored twice unless it has a name."""
        array = np.asarray(values, dtype=dtype)
        key = (array.dtype.str, array.tobytes(), array.shape)
        if not name and key in self._known:
            return self._known[key]
        name = self._free(name or f"c{len(self.constants)}")
        self.constants.append(numpy_helper.from_array(array, name))
        value = Value(self, name, array.dtype)
        return self._known.setdefault(key, value) if name.startswith("c") else value

    def _free(self, name: str) -> str:
        unique, n = name, 1
        while unique in self._names:
            n += 1
            unique = f"{name}.{n}"
        self._names.add(unique)
        return unique

    def node(
        self,
        op: str,
        *inputs: Value,
        dtype: DTypeLike | None = None,
        name: str = "",
        domain: str = "",
        **attributes: Any,
    ) -> Value:
        """Append a node with one output; its dtype is that of the first input unless given."""
        name = self._free(name or f"n{len(self.nodes)}")
        taken = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(
            helper.make_node(op, [i.name for i in inputs], [name], domain=domain, **taken)
        )
        return Value(self, name, np.dtype(dtype) if dtype is not None else inputs[0].dtype)

    def input(self, name: str, dtype: DTypeLike) -> Value:
        """A value that comes from outside."""
        return Value(self, self._free(name), np.dtype(dtype))

    def arange(self, start: int | Value, stop: int | Value) -> Value:
        """Whole numbers from start to stop, that excluded, shape (stop - start,)."""
        ends = [self._scalar(v) for v in (start, stop, 1)]
        return self.node("Range", *ends, dtype=np.int64)

    def _scalar(self, value: int | Value) -> Value:
        return value if isinstance(value, Value) else self.constant(np.int64(value))

    def concat(self, values: Sequence[Value], axis: int = 0) -> Value:
        """Values one after the other along an axis."""
        return self.node("Concat", *values, axis=axis)

    def smallest(
        self, values: Value, count: int | Value, name: str = "", *, axis: int = 1
    ) -> tuple[Value, Value]:
        """The smallest elements along one axis, in order, and their places."""
        if not isinstance(count, Value):
            count = self.constant(np.array([count]), name)
        least = self._free(f"n{len(self.nodes)}")
        outputs = [least, f"{least}.places"]
        names = [values.name, count.name]
        self.nodes.append(helper.make_node("TopK", names, outputs, axis=axis, largest=0))
        return Value(self, least, values.dtype), Value(self, outputs[1], np.dtype(np.int64))

    def where(self, condition: Value, yes: Value | float, no: Value | float) -> Value:
        """One or the other, element by element."""
        like = yes if isinstance(yes, Value) else no
        assert isinstance(like, Value)
        pair = [v if isinstance(v, Value) else like._other(v) for v in (yes, no)]
        return self.node("Where", condition, *pair, dtype=like.dtype)


class Value:
    """What a node gives or a constant holds.

    Parameters
    ----------
    graph : Graph
        Where it stands.
    name : str
        Its name there.
    dtype : numpy.dtype
        Of its elements.
    """

    __array_ufunc__ = None  # array * value is ours to answer

    def __init__(self, graph: Graph, name: str, dtype: np.dtype) -> None:
        self.graph, self.name, self.dtype = graph, name, dtype

    def _other(self, other: Any) -> Value:
        if isinstance(other, Value):
            return other
        return self.graph.constant(other, dtype=self.dtype)

    def _binary(self, op: str, other: Any, *, swapped: bool = False, dtype: Any = None) -> Value:
        pair = (self._other(other), self) if swapped else (self, self._other(other))
        return self.graph.node(op, *pair, dtype=dtype)

    def __add__(self, other: Any) -> Value:
        return self._binary("Add", other)

    def __sub__(self, other: Any) -> Value:
        return self._binary("Sub", other)

    def __mul__(self, other: Any) -> Value:
        return self._binary("Mul", other)

    def __truediv__(self, other: Any) -> Value:
        return self._binary("Div", other)

    def __pow__(self, exponent: float) -> Value:
        return self._binary("Pow", exponent)

    def __matmul__(self, other: Any) -> Value:
        return self._binary("MatMul", other)

    def __rsub__(self, other: Any) -> Value:
        return self._binary("Sub", other, swapped=True)

    def __rmul__(self, other: Any) -> Value:
        return self._binary("Mul", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._binary("Div", other, swapped=True)

    def __gt__(self, other: Any) -> Value:
        return self._binary("Greater", other, dtype=np.bool_)

    def __ge__(self, other: Any) -> Value:
        return self._binary("GreaterOrEqual", other, dtype=np.bool_)

    def __lt__(self, other: Any) -> Value:
        return self._binary("Less", other, dtype=np.bool_)

    def __and__(self, other: Value) -> Value:
        return self._binary("And", other)

    def maximum(self, other: Any) -> Value:
        """The larger one, element by element."""
        return self._binary("Max", other)

    def minimum(self, other: Any) -> Value:
        """The smaller one, element by element."""
        return self._binary("Min", other)

    def apply(self, op: str) -> Value:
        """An operator of one input: "Sqrt", "Log", "Exp", "Abs", "Floor", "Round" (half to even)."""
        return self.graph.node(op, self)

    def cast(self, dtype: DTypeLike, name: str = "") -> Value:
        """The same values in another dtype."""
        kind = np.dtype(dtype)
        return self.graph.node("Cast", self, dtype=kind, name=name, to=TYPES[kind])

    def sum(self, axis: int, *, keep: bool = False) -> Value:
        """Sum over one axis."""
        axes = self.graph.constant(np.array([axis]))
        return self.graph.node("ReduceSum", self, axes, keepdims=int(keep))

    def mean(self, axis: int, *, keep: bool = False) -> Value:
        """Mean over one axis."""
        return self.graph.node("ReduceMean", self, axes=[axis], keepdims=int(keep))

    def max(self, axis: int | None = None, *, keep: bool = False) -> Value:
        """Largest value over one axis, or of all."""
        axes = None if axis is None else [axis]
        return self.graph.node("ReduceMax", self, axes=axes, keepdims=int(keep))

    def std(self, axis: int) -> Value:
        """Standard deviation over one axis, sqrt(mean (x - mean x)^2)."""
        centred = self - self.mean(axis, keep=True)
        return (centred * centred).mean(axis).apply("Sqrt")

    def cumsum(self, axis: int) -> Value:
        """Running sum along one axis."""
        return self.graph.node("CumSum", self, self.graph.constant(np.int64(axis)))

    def argmax(self, axis: int = 0, name: str = "") -> Value:
        """Place of the largest value along one axis, the first of equal ones."""
        return self.graph.node("ArgMax", self, dtype=np.int64, name=name, axis=axis, keepdims=0)

    def first(self) -> Value:
        """Place of the first true value of a condition of shape (n,); 0 where none is."""
        return self.cast(np.int64).argmax()

    def take(self, indices: Value | NDArray[np.int64] | int, axis: int = 0) -> Value:
        """Elements at whole-number places along one axis; places may have any shape."""
        if not isinstance(indices, Value):
            indices = self.graph.constant(np.asarray(indices, np.int64))
        return self.graph.node("Gather", self, indices, axis=axis)

    def slice(self, start: int, stop: int, axis: int) -> Value:
        """Elements from start to stop along one axis; negative places count from the end."""
        places = (self.graph.constant(np.array([v])) for v in (start, stop, axis))
        return self.graph.node("Slice", self, *places)

    def length(self, axis: int = 0) -> Value:
        """Number of elements along one axis, an int64 scalar."""
        return self.graph.node("Shape", self, dtype=np.int64).take(axis)

    def expand(self, *axes: int) -> Value:
        """The same values with axes of length 1 put in."""
        return self.graph.node("Unsqueeze", self, self.graph.constant(np.array(axes)))

    def squeeze(self, axis: int, name: str = "") -> Value:
        """The same values without an axis of length 1."""
        return self.graph.node("Squeeze", self, self.graph.constant(np.array([axis])), name=name)

    def reshape(self, *shape: int) -> Value:
        """The same values in another shape; -1 stands for what is left."""
        return self.graph.node("Reshape", self, self.graph.constant(np.array(shape)))

    def pad(self, before: int | Value, after: int | Value, value: float | None = None) -> Value:
        """Zeros (or a value) before and after the elements of a value of shape (n,)."""
        g = self.graph
        ends = g.concat([g._scalar(v).reshape(1) for v in (before, after)])
        filling = [] if value is None else [g.constant(value, dtype=self.dtype)]
        return g.node("Pad", self, ends, *filling)

    def compress(self, condition: Value) -> Value:
        """The rows for which a condition of shape (n_rows,) holds."""
        return self.graph.node("Compress", self, condition, axis=0)

    def sorted(self) -> Value:
        """Values in increasing order along axis 0."""
        return self.graph.smallest(self, self.length().reshape(1), axis=0)[0]
