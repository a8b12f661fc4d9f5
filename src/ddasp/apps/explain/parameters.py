"""The numbers of a model as named arrays, read back from its graph.

*Conventions*: constants keep the names that the graph gives them ("linear.coefficients"). What
stands in a graph as attributes or as the order of its nodes becomes arrays too: "trees.*" (one row
for each node of all trees; yes and no are rows, feature is -1 in a leaf), "mlp.activations",
"cnn.kinds", "cnn.sizes", "cnn.strides", "cnn.padding" and "cnn.shape".

*References*: ONNX operators (opset 17, ai.onnx.ml 3), https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

__all__ = ["Arrays", "parameters_of"]

Arrays = dict[str, NDArray[Any]]

PARTS = (
    "standardise.",
    "majority.",
    "rule.",
    "linear.",
    "neighbours.",
    "kernel.",
    "mlp.",
    "cnn.",
    "classes.",
    "target.",
    "temperature",
)
DERIVED = ".squares"  # of the observations: computed in the notebook
BENDS = ("Relu", "Tanh", "Sigmoid")
LAYERS = (*BENDS, "Conv", "MaxPool", "AveragePool", "Flatten", "Gemm")


def parameters_of(content: bytes) -> Arrays:
    """The parameters of a model by name.

    Parameters
    ----------
    content : bytes
        ``model.onnx``, checked.

    Returns
    -------
    dict of ndarray
        Of any shape; see the conventions of the module.
    """
    graph = onnx.load_model_from_string(content).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {
        name: values
        for name, values in constants.items()
        if name.startswith(PARTS) and not name.endswith(DERIVED)
    }
    nodes = _behind_the_features(graph)
    for node in nodes:
        if node.op_type == "TreeEnsembleRegressor":
            found |= _trees(_attributes(node))
    if "mlp.1.weights" in found:
        found["mlp.activations"] = _bends(nodes)
    if any(name.startswith("cnn.") for name in found):
        found |= _maps(nodes, constants)
    return found


def _behind_the_features(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    names = [node.output[0] for node in graph.node]
    return list(graph.node)[names.index("observations") :]


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _trees(stored: Mapping[str, Any]) -> Arrays:
    """One row for each node of all trees, one column of "leaf" for each output."""
    tree, node = (np.array(stored[f"nodes_{name}"]) for name in ("treeids", "nodeids"))
    first = np.flatnonzero(node == 0)  # the roots
    is_leaf = np.array([mode == b"LEAF" for mode in stored["nodes_modes"]])

    def row(trees: NDArray, nodes: NDArray) -> NDArray:
        return np.asarray(first[trees] + nodes)

    leaf = np.zeros((len(node), stored["n_targets"]))
    places = (np.array(stored[f"target_{name}"]) for name in ("treeids", "nodeids"))
    leaf[row(*places), stored["target_ids"]] = stored["target_weights"]
    return {
        "trees.root": first,
        "trees.feature": np.where(is_leaf, -1, stored["nodes_featureids"]),
        "trees.threshold": np.array(stored["nodes_values"], np.float32),
        "trees.yes": np.where(is_leaf, -1, row(tree, np.array(stored["nodes_truenodeids"]))),
        "trees.no": np.where(is_leaf, -1, row(tree, np.array(stored["nodes_falsenodeids"]))),
        "trees.leaf": leaf,
    }


def _bends(nodes: Sequence[onnx.NodeProto]) -> NDArray[np.str_]:
    """The operator behind each layer of a perceptron, "" behind one without."""
    kinds = [node.op_type for node in nodes if node.op_type in LAYERS]
    behind = [*kinds[1:], ""]
    return np.array(
        [b if b in BENDS else "" for k, b in zip(kinds, behind, strict=True) if k == "Gemm"]
    )


def _maps(nodes: Sequence[onnx.NodeProto], constants: Mapping[str, NDArray]) -> Arrays:
    """The layers of a convolutional network in their order."""
    shape = next(node for node in nodes if node.op_type == "Reshape")
    layers = [node for node in nodes if node.op_type in LAYERS]
    given = [_attributes(node) for node in layers]

    def pairs(name: str) -> NDArray[np.int64]:
        return np.array([list(a.get(name, ()))[:2] or [0, 0] for a in given], np.int64)

    return {
        "cnn.shape": constants[shape.input[1]][2:],
        "cnn.kinds": np.array([node.op_type for node in layers]),
        "cnn.sizes": pairs("kernel_shape"),
        "cnn.strides": pairs("strides"),
        "cnn.padding": pairs("pads"),
    }
