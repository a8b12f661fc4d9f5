"""What a model file must be before it is run: an ONNX graph of the operators that ddasp writes.

A model may come from a stranger. ONNX holds no code, but it can name files outside itself,
operators that loop or allocate without end, and trees that point back at themselves; all of it is
refused here, before the runtime sees it. How large it would become when it is parsed is counted by
`model_wire`, what it would take to run it by `model_cost`.

*Conventions*: refusals are `InputError` with ``E-MODEL`` and name what was found.

*References*: ONNX external data, https://onnx.ai/onnx/repo-docs/ExternalData.html; CVE-2022-25882
(external data that leave the folder).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto, numpy_helper

from ddasp._errors import InputError
from ddasp.procedure.model_wire import Malformed, structure

__all__ = ["MAX_BYTES", "ML", "OPERATORS", "OPSETS", "check_model", "load_model"]

ML = "ai.onnx.ml"
OPSETS = {"": 17, ML: 3}
MAX_BYTES = 256 * 2**20
MOST_NODES = 2000  # the largest graph of ours has some hundred
DEEPEST = 1000  # levels of a tree
WIDEST = 1024  # of a pooling or convolution, its steps and edges
LARGEST = 2**26  # of a whole number: lengths, places and counts come from these
FIELDS = {"dims", "data_type", "name", "raw_data"}  # of a tensor
TREES = {
    *(f"nodes_{what}ids" for what in ("tree", "node", "feature", "truenode", "falsenode")),
    *("nodes_values", "nodes_modes", "n_targets"),
    *(f"target_{what}" for what in ("treeids", "nodeids", "ids", "weights")),
}
OPERATORS = {
    "Abs", "Add", "And", "ArgMax", "AveragePool", "Cast", "Compress", "Concat", "Conv", "CumSum",
    "DFT", "Div", "Exp", "Flatten", "Floor", "Gather", "Gemm", "Greater", "GreaterOrEqual", "Less",
    "Log", "MatMul", "Max", "MaxPool", "Min", "Mul", "Pad", "Pow", "Range", "ReduceMax",
    "ReduceMean", "ReduceSum", "Relu", "Reshape", "Round", "Shape", "Sigmoid", "Slice", "Softmax",
    "Sqrt", "Squeeze", "Sub", "Tanh", "TopK", "Transpose", "TreeEnsembleRegressor", "Unsqueeze",
    "Where",
}  # fmt: skip
# first bytes of files that are taken for models, and what they are
FOREIGN = {
    b"\x80\x02": "a Python pickle, which could run any program",
    b"\x80\x03": "a Python pickle, which could run any program",
    b"\x80\x04": "a Python pickle, which could run any program",
    b"\x80\x05": "a Python pickle, which could run any program",
    b"PK\x03\x04": "a ZIP archive (PyTorch's .pt is one, with a pickle inside)",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"\x1f\x8b": "a gzip archive",
    b"\x78\x9c": "compressed, as joblib does it with a pickle inside",
}


def _refuse(what: str) -> InputError:
    return InputError("E-MODEL", f"{what}; expected the model.onnx that `ddasp run` wrote")


def load_model(path: str | Path) -> bytes:
    """Read and check a model file.

    Parameters
    ----------
    path : path
        The .onnx file.

    Returns
    -------
    bytes
        Its content, fit for `graph.session`.

    Raises
    ------
    InputError
        ``E-MODEL``, with what was found.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _refuse(f"{path} has {size / 2**20:.0f} MiB, above {MAX_BYTES // 2**20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise _refuse(f"{path} could not be read: {error.strerror}") from error
    for magic, what in FOREIGN.items():
        if content.startswith(magic):
            raise _refuse(f"{path} is {what}")
    try:
        structure(content)
    except Malformed as error:
        raise _refuse(f"{path} is no ONNX file of ours: {error}") from error
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # the parser of protocol buffers has exceptions of its own
        raise _refuse(f"{path} is no ONNX file, or is cut") from error
    check_model(model, str(path))
    return content


def check_model(model: onnx.ModelProto, name: str = "the model") -> None:
    """Refuse a graph that holds more than ddasp's own graphs do.

    Raises
    ------
    InputError
        ``E-MODEL``, with what was found.
    """
    if not model.graph.node:
        raise _refuse(f"{name} holds no graph")
    if len(model.graph.node) > MOST_NODES:
        raise _refuse(f"{name} has {len(model.graph.node)} nodes")
    if model.functions or model.graph.sparse_initializer or model.training_info:
        raise _refuse(f"{name} holds functions, sparse tensors or a training graph")
    for opset in model.opset_import:
        if OPSETS.get(opset.domain) != opset.version:
            raise _refuse(f"{name} asks for operators {opset.domain or 'onnx'} {opset.version}")
    for tensor in model.graph.initializer:
        _check_tensor(tensor, name)
    for node in model.graph.node:
        domain = ML if node.op_type == "TreeEnsembleRegressor" else ""
        if node.op_type not in OPERATORS or node.domain != domain:
            raise _refuse(f"{name} uses the operator {node.domain}:{node.op_type}")
        plain = (AttributeProto.INT, AttributeProto.INTS, AttributeProto.FLOATS)
        if any(a.type not in (*plain, AttributeProto.STRINGS) for a in node.attribute):
            raise _refuse(f"{name} holds a graph or tensor inside the operator {node.op_type}")
        if node.op_type == "TreeEnsembleRegressor":
            _check_trees(node, name)
        elif any(abs(i) > WIDEST for a in node.attribute for i in (*a.ints, a.i)):
            raise _refuse(f"{name} has a number in {node.op_type} that would fill the memory")
    if [i.name for i in model.graph.input] != ["waveform"]:
        raise _refuse(f"{name} has inputs {[i.name for i in model.graph.input]}")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise _refuse(f"{name} is malformed ({str(error).splitlines()[0]})") from error


def _check_tensor(tensor: TensorProto, name: str) -> None:
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise _refuse(f"{name} keeps {tensor.name} in another file")
    if {field.name for field, _ in tensor.ListFields()} - FIELDS:
        raise _refuse(f"{name} keeps {tensor.name} in another form than as bytes")
    try:
        values = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise _refuse(f"{name} has a damaged tensor {tensor.name}") from error
    if values.dtype.kind not in "fi":
        raise _refuse(f"{name} has a tensor {tensor.name} of {values.dtype}")
    if values.dtype.kind == "i" and np.abs(values.astype(float)).max(initial=0) > LARGEST:
        raise _refuse(f"{name} has a number in {tensor.name} that would fill the memory")
    if not np.isfinite(values).all():
        raise _refuse(f"{name} has NaN or infinite weights in {tensor.name}")


def _check_trees(node: Any, name: str) -> None:
    """Nodes are numbered in their order, and children stand behind their parent: every walk ends."""
    values = {a.name: a for a in node.attribute}
    if set(values) != TREES:
        raise _refuse(f"{name} has trees with {sorted(set(values) ^ TREES)[0]}")

    def places(key: str) -> NDArray[np.int64]:
        return np.array(values[key].ints, dtype=np.int64)

    try:
        ids, trees = places("nodes_nodeids"), places("nodes_treeids")
        left, right = places("nodes_truenodeids"), places("nodes_falsenodeids")
        leaf = np.array(values["nodes_modes"].strings) == b"LEAF"
        thresholds = np.array(values["nodes_values"].floats)
        weights = np.array(values["target_weights"].floats)
        numbers, begins, sizes = np.unique(trees, return_index=True, return_counts=True)
        last = np.repeat(sizes, sizes) - 1
        inside = (left <= last) & (right <= last)
        forward = (left > ids) & (right > ids)
        leaves = begins[places("target_treeids")] + places("target_nodeids")
        whole = (
            np.array_equal(numbers, np.arange(len(numbers)))
            and np.array_equal(trees, np.repeat(numbers, sizes))
            and np.array_equal(ids, np.arange(len(ids)) - np.repeat(begins, sizes))
            and bool((leaf | (inside & forward)).all())
            and len(thresholds) == len(places("nodes_featureids")) == len(ids)
            and len(leaves) == len(places("target_ids")) == len(weights)
            and bool(leaf[leaves].all() and (trees[leaves] == places("target_treeids")).all())
            and bool(np.isfinite(thresholds).all() and np.isfinite(weights).all())
        )
        flat = not whole or _depth(trees, left, right, leaf) <= DEEPEST
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise _refuse(f"{name} has damaged trees") from error
    if not flat:
        raise _refuse(f"{name} has a tree of more than {DEEPEST} levels")
    if not whole:
        raise _refuse(
            f"{name} has trees that point back or outside, or weights that are not finite"
        )


def _depth(trees: NDArray, left: NDArray, right: NDArray, leaf: NDArray) -> int:
    """Levels of the deepest tree, at most one more than are allowed; children stand behind."""
    _, begins, sizes = np.unique(trees, return_index=True, return_counts=True)
    begin = np.repeat(begins, sizes)
    inner = ~leaf
    level = np.zeros(len(trees), np.int64)
    for depth in range(1, DEEPEST + 2):
        parents = np.flatnonzero(inner & (level == depth - 1))
        if not len(parents):
            return depth
        level[begin[parents] + left[parents]] = depth
        level[begin[parents] + right[parents]] = depth
    return DEEPEST + 1
