"""What a foreign model can cost when it decides, known before it is run.

Everything before the features is ours to the last byte (`graph.check_whole`), so the shape of what
enters the decision is known, and with it the shape of every value behind: the operators that are
allowed there have no shape that depends on samples. The sizes of the values bound the memory, and
with the inner lengths of products and windows they bound the operations. Where a shape remains
unknown, the model is refused.

Why not run it under limits, in a process of its own? A limit of time would need another process for
each model in use, has no number that is right for slow and fast machines, and would say nothing of
the page that `ddasp export` writes, which runs in a browser. A bound is the same everywhere.

*Conventions*: an operation is one multiplication with its addition, or one element taken in or
given out; sizes are numbers of elements, of at most eight bytes. Of one sound or one window.

*References*: ONNX, "Shape inference", https://onnx.ai/onnx/repo-docs/ShapeInference.html.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import onnx
from onnx import NodeProto, TensorProto, helper

from ddasp._errors import InputError
from ddasp.procedure.model_files import OPSETS

__all__ = ["MOST_OPERATIONS", "MOST_VALUES", "Cost", "check_cost", "cost"]

MOST_OPERATIONS = 2**29  # about half a second
MOST_VALUES = 2**24  # 128 MiB in float64
COPIES = 2  # of each stored weight besides: neighbours are stored in float32 and used in float64
SMALL = 64  # elements of what can be a shape, an axis or a count
FEATURES, OBSERVATIONS = "features", "observations"
Shape = tuple[int, ...]
# what the families write (`graph.families`), and the steps around them (`graph.compose`)
OPERATORS = {
    "Add", "ArgMax", "AveragePool", "Cast", "Conv", "Div", "Exp", "Flatten", "Gather", "Gemm",
    "Greater", "Log", "MatMul", "Max", "MaxPool", "Mul", "ReduceMax", "ReduceSum", "Relu", "Reshape",
    "Sigmoid", "Softmax", "Squeeze", "Sub", "Tanh", "TopK", "TreeEnsembleRegressor", "Unsqueeze",
}  # fmt: skip


class Cost(NamedTuple):
    """Of one decision: operations, elements of all values together, and weights in the file."""

    operations: int
    values: int
    weights: int


def _refuse(what: str) -> InputError:
    return InputError("E-MODEL", f"{what}; expected the model.onnx that `ddasp run` wrote")


def check_cost(model: onnx.ModelProto, n_features: int, name: str = "the model") -> Cost:
    """Refuse a decision that would take long or fill the memory.

    Parameters
    ----------
    model : onnx.ModelProto
        A graph that `graph.check_whole` has accepted.
    n_features : int
        Length of its feature vector.
    name : str
        For the message.

    Returns
    -------
    Cost
        What it takes at most.

    Raises
    ------
    InputError
        ``E-MODEL``, with what was found.
    """
    found = cost(model, n_features, name)
    most_values = MOST_VALUES + COPIES * found.weights
    for what, number, most in (
        ("operations", found.operations, MOST_OPERATIONS),
        ("numbers in memory", found.values, most_values),
    ):
        if number > most:
            raise _refuse(
                f"{name} takes up to {number:.2g} {what} for a decision, above {most:.2g}"
            )
    return found


def cost(model: onnx.ModelProto, n_features: int, name: str = "the model") -> Cost:
    """Count what one decision takes at most.

    Parameters
    ----------
    model : onnx.ModelProto
        As for `check_cost`.
    n_features : int
        Length of the feature vector.
    name : str
        For the message.

    Returns
    -------
    Cost

    Raises
    ------
    InputError
        ``E-MODEL`` when there is an operator that no family has, a value from before the features,
        or a value of unknown shape.
    """
    nodes = _behind_the_features(model.graph, name)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    used = {i for node in nodes for i in node.input}
    shapes = _shapes(nodes, {n: t for n, t in tensors.items() if n in used}, n_features, name)
    weights = sum(math.prod(t.dims) for t in tensors.values())
    weights += sum(len(a.floats) + len(a.ints) for node in nodes for a in node.attribute)
    values = sum(math.prod(shapes[o]) for node in nodes for o in node.output)
    try:
        operations = sum(_operations(node, shapes) for node in nodes)
        reach = all(_reaches(n, shapes) for n in nodes if n.op_type == "TreeEnsembleRegressor")
    except (IndexError, KeyError, StopIteration) as error:  # an axis or an attribute is missing
        raise _refuse(f"{name} has an operator without what it needs ({error!r})") from error
    if not reach:
        raise _refuse(
            f"{name} has trees that look at features, or give outputs, that are not there"
        )
    return Cost(operations, values, weights)


def _behind_the_features(graph: onnx.GraphProto, name: str) -> list[NodeProto]:
    """The nodes from the features on; they know nothing of what stands before."""
    outputs = [list(node.output) for node in graph.node]
    try:
        nodes = list(graph.node[outputs.index([FEATURES]) + 1 :])
        first = nodes[0]
    except (ValueError, IndexError):
        raise _refuse(f"{name} decides nothing from its features") from None
    if (first.op_type, list(first.output), first.input[0]) != (
        "Unsqueeze",
        [OBSERVATIONS],
        FEATURES,
    ):
        raise _refuse(f"{name} has no {OBSERVATIONS} behind its features")
    known = {OBSERVATIONS, *(tensor.name for tensor in graph.initializer)}
    for node in nodes[1:]:
        if node.op_type not in OPERATORS:
            raise _refuse(f"{name} decides by the operator {node.op_type}")
        foreign = sorted(set(node.input) - known)
        if foreign:
            raise _refuse(f"{name} decides from {foreign[0]!r}, which stands before its features")
        known.update(node.output)
    return nodes


def _shapes(
    nodes: list[NodeProto], tensors: Mapping[str, TensorProto], n_features: int, name: str
) -> dict[str, Shape]:
    """The shape of every value; large tensors stand in by their shapes, without their content."""
    info = helper.make_tensor_value_info
    small = [t for t in tensors.values() if math.prod(t.dims) <= SMALL]
    large = [t for t in tensors.values() if math.prod(t.dims) > SMALL]
    given = [info(FEATURES, TensorProto.FLOAT, [n_features])]
    given += [info(t.name, t.data_type, list(t.dims)) for t in large]
    ends = [info(o, TensorProto.UNDEFINED, None) for o in nodes[-1].output]
    graph = helper.make_graph(nodes, "decision", given, ends, small)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    try:
        inferred = onnx.shape_inference.infer_shapes(
            helper.make_model(graph, opset_imports=opsets, ir_version=8),
            check_type=True,
            strict_mode=True,
            data_prop=True,
        )
    except Exception as error:  # the library of ONNX has exceptions of its own
        reason = str(error).strip().splitlines()[-1][:200]
        raise _refuse(f"{name} has shapes that do not fit each other ({reason})") from error
    shapes = {t.name: tuple(t.dims) for t in tensors.values()} | {FEATURES: (n_features,)}
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        dims = value.type.tensor_type.shape.dim
        known = value.type.tensor_type.HasField("shape")
        if known and all(d.HasField("dim_value") and d.dim_value >= 0 for d in dims):
            shapes[value.name] = tuple(d.dim_value for d in dims)
    unknown = [o for node in nodes for o in node.output if o not in shapes]
    if unknown:
        raise _refuse(f"{name} has a value of unknown shape, {unknown[0]!r}")
    return shapes


def _operations(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    """Of one node at most."""
    taken = [shapes[i] for i in node.input]
    out = sum(math.prod(shapes[o]) for o in node.output)
    whole = {a.name: a.i for a in node.attribute}
    inner = 1
    if node.op_type == "MatMul":
        inner = taken[0][-1]
    elif node.op_type == "Gemm":
        inner = taken[0][0 if whole.get("transA") else 1]
    elif node.op_type == "Conv":
        inner = math.prod(taken[1][1:])
    elif node.op_type in ("MaxPool", "AveragePool"):
        inner = math.prod(next(a.ints for a in node.attribute if a.name == "kernel_shape"))
    elif node.op_type == "TreeEnsembleRegressor":  # every tree, from its root to a leaf
        inner = max(len(a.ints) for a in node.attribute)
    elif node.op_type == "TopK":  # a comparison for each halving
        inner = max(taken[0][-1].bit_length(), 1)
    return sum(map(math.prod, taken)) + out * inner


def _reaches(node: NodeProto, shapes: Mapping[str, Shape]) -> bool:
    """Whether trees look at features that are there, and add to outputs that are there."""
    values = {a.name: a for a in node.attribute}
    n_features, n_targets = shapes[node.input[0]][-1], values["n_targets"].i
    features, targets = values["nodes_featureids"].ints, values["target_ids"].ints
    return all(
        min(places, default=0) >= 0 and max(places, default=0) < n
        for places, n in ((features, n_features), (targets, n_targets))
    )
