"""The model as one ONNX graph: features in, decision out, and the proof that it decides the same.

Each family's arithmetic is written out with the operators of ONNX. Distances, kernels and scores
are computed in float64, networks in float32, both as the estimator does; trees compare float32
features with thresholds rounded toward minus infinity to float32, which decides each comparison
as the float64 threshold does.

*Conventions*: input ``features`` float32 (n_observations, n_features); outputs ``probabilities``
float32 (n_observations, n_classes) = softmax(scores / temperature) and ``decided`` int64
(n_observations,), or ``value`` float32 (n_observations,).

*References*: ONNX operators (opset 17, ai.onnx.ml 3), https://onnx.ai/onnx/operators; C. Guo et
al., "On calibration of modern neural networks", ICML 2017 (temperature).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy.special import softmax

from ddasp._errors import InputError
from ddasp.procedure import models
from ddasp.procedure.model_files import ML, OPSETS, load_model

__all__ = ["TOLERANCE", "Proof", "build_graph", "load_model", "prove", "run_graph", "session"]

TOLERANCE = 1e-5
"""Largest difference between graph and estimator: of a probability, or relative to the values."""


class _Graph:
    """Nodes and constants while a graph is put together; every method returns a name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: NDArray | Sequence[float] | float) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(
        self,
        op: str,
        *inputs: str,
        attributes: Mapping[str, Any] | None = None,
        domain: str = "",
        name: str = "",
    ) -> str:
        name = name or f"n{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op, list(inputs), [name], domain=domain, **(attributes or {}))
        )
        return name

    def to_double(self, x: str) -> str:
        return self.node("Cast", x, attributes={"to": TensorProto.DOUBLE})

    def to_float(self, x: str, name: str = "") -> str:
        return self.node("Cast", x, attributes={"to": TensorProto.FLOAT}, name=name)

    def sum_over(self, x: str, axis: int, *, keep: bool) -> str:
        axes = self.constant(np.array([axis]))
        return self.node("ReduceSum", x, axes, attributes={"keepdims": int(keep)})


# ---- one piece for each family: from inputs z, float32 (n, n_features), to float64 (n, n_outputs)


@singledispatch
def _piece(model: Any, g: _Graph, z: str) -> str:
    raise InputError("E-ARGUMENT", f"{type(model).__name__} has no graph; expected a candidate")


def _lookup(g: _Graph, z: str, feature: int, thresholds: NDArray, table: NDArray) -> str:
    """Row of the table whose number is that of the thresholds below the feature."""
    column = g.node("Gather", z, g.constant(np.array([feature])), attributes={"axis": 1})
    above = g.node("Greater", column, g.constant(thresholds[np.newaxis, :]))
    counted = g.node("Cast", above, attributes={"to": TensorProto.INT64})
    return g.node("Gather", g.constant(table), g.sum_over(counted, 1, keep=False))


@_piece.register
def _(model: models.Majority, g: _Graph, z: str) -> str:
    return _lookup(g, z, 0, np.zeros(0, np.float32), model.constant[np.newaxis, :])


@_piece.register
def _(model: models.Rule, g: _Graph, z: str) -> str:
    if model.kind == "classification":
        return _lookup(g, z, model.feature, model.thresholds, model.table)
    column = g.node("Gather", z, g.constant(np.array([model.feature])), attributes={"axis": 1})
    sloped = g.node("Mul", g.to_double(column), g.constant(model.slope))
    return g.node("Add", sloped, g.constant(model.intercept))


@_piece.register
def _(model: models.Linear, g: _Graph, z: str) -> str:
    product = g.node("MatMul", g.to_double(z), g.constant(model.coefficients))
    return g.node("Add", product, g.constant(model.intercept))


def _squared_distances(g: _Graph, z: str, observations: NDArray[np.float32]) -> str:
    """||z - o||^2 = ||z||^2 + ||o||^2 - 2 z o, not below 0; float64 (n, n_observations)."""
    z = g.to_double(z)
    o = observations.astype(np.float64)
    # the observations are stored in float32, in which they are exact
    transposed = g.to_double(g.constant(np.ascontiguousarray(observations.T)))
    product = g.node("Mul", g.node("MatMul", z, transposed), g.constant(-2.0))
    squares = g.sum_over(g.node("Mul", z, z), 1, keep=True)
    distances = g.node("Add", product, squares)
    distances = g.node("Add", distances, g.constant(np.einsum("nf,nf->n", o, o)))
    return g.node("Max", distances, g.constant(0.0))


@_piece.register
def _(model: models.Kernel, g: _Graph, z: str) -> str:
    distances = _squared_distances(g, z, model.support)
    kernel = g.node("Exp", g.node("Mul", distances, g.constant(-model.rate)))
    product = g.node("MatMul", kernel, g.constant(model.coefficients))
    return g.node("Add", product, g.constant(model.intercept))


@_piece.register
def _(model: models.Neighbours, g: _Graph, z: str) -> str:
    distances = _squared_distances(g, z, model.observations)
    g.nodes.append(
        helper.make_node(
            "TopK",
            [distances, g.constant(np.array([model.n_looked_at]))],
            ["nearest_distances", "nearest"],
            largest=0,
        )
    )
    softening = g.constant(model.softening)
    reach = g.node("ReduceMax", "nearest_distances", attributes={"axes": [1]})
    above = g.node("Add", g.node("Sub", reach, "nearest_distances"), softening)
    weights = g.node("Div", above, g.node("Add", reach, softening))
    targets = g.node("Gather", g.constant(model.targets), "nearest")
    wide = g.node("Unsqueeze", weights, g.constant(np.array([2])))
    total = g.sum_over(g.node("Mul", wide, targets), 1, keep=False)
    if model.kind == "regression":
        return g.node("Div", total, g.sum_over(weights, 1, keep=True))
    smoothed = g.node("Add", total, g.constant(1 / model.n_outputs))
    everything = g.node("Add", g.sum_over(total, 1, keep=True), g.constant(1.0))
    return g.node("Log", g.node("Div", smoothed, everything))


def _float32_below(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Largest float32 that is not above: x <= t decides alike for every float32 x."""
    rounded = thresholds.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > thresholds, below, rounded)


def _tree_attributes(model: models.Tree) -> dict[str, Any]:
    nodes: dict[str, list[NDArray]] = {}
    for number, (tree, table) in enumerate(zip(model.trees, model.tables, strict=True)):
        ids, leaf = np.arange(tree.node_count), tree.children_left < 0
        leaves = np.repeat(ids[leaf], model.n_outputs)
        for name, values in {
            "nodes_treeids": np.full(len(ids), number),
            "nodes_nodeids": ids,
            "nodes_featureids": np.where(leaf, 0, tree.feature),
            "nodes_values": _float32_below(np.where(leaf, 0.0, tree.threshold)),
            "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ"),
            "nodes_truenodeids": np.where(leaf, 0, tree.children_left),
            "nodes_falsenodeids": np.where(leaf, 0, tree.children_right),
            "target_treeids": np.full(len(leaves), number),
            "target_nodeids": leaves,
            "target_ids": np.tile(np.arange(model.n_outputs), leaf.sum()),
            "target_weights": table[leaf].ravel() / len(model.trees),
        }.items():
            nodes.setdefault(name, []).append(values)
    return {name: np.concatenate(parts).tolist() for name, parts in nodes.items()}


@_piece.register
def _(model: models.Tree, g: _Graph, z: str) -> str:
    attributes = {**_tree_attributes(model), "n_targets": model.n_outputs}
    mean = g.to_double(g.node("TreeEnsembleRegressor", z, attributes=attributes, domain=ML))
    return mean if model.kind == "regression" else g.node("Log", mean)


@_piece.register
def _(model: models.Perceptron, g: _Graph, z: str) -> str:
    words = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
    theta, activations = model.network.theta, model.network.spec.activations
    for layer in range(len(activations)):
        W, b = g.constant(theta[2 * layer]), g.constant(theta[2 * layer + 1])
        z = g.node("Gemm", z, W, b)
        if layer < len(activations) - 1 and activations[layer] in words:
            z = g.node(words[activations[layer]], z)
    return g.to_double(z)


@_piece.register
def _(model: models.Convolutional, g: _Graph, z: str) -> str:
    z = g.node("Reshape", z, g.constant(np.array([-1, 1, *model.input_shape])))
    functions = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
    for layer in model.network.layers_:
        place = {"strides": list(layer.stride), "pads": list(layer.padding) * 2}
        if layer.kind == "pool":
            kind = "MaxPool" if layer.function == "max" else "AveragePool"
            size = {"kernel_shape": list(layer.size), "strides": list(layer.stride)}
            z = g.node(kind, z, attributes=size)
        elif layer.kind == "flatten":
            z = g.node("Flatten", z)
        elif layer.kind == "activation":
            z = g.node(functions[layer.function], z)
        else:
            W, b = g.constant(layer.weights), g.constant(layer.bias)
            convolution = layer.kind == "convolution"
            z = (
                g.node("Conv", z, W, b, attributes=place)
                if convolution
                else g.node("Gemm", z, W, b)
            )
    return g.to_double(z)


# ---- the frame around the piece


def _standardised(model: models.Model, g: _Graph, x: str) -> str:
    if model.standardiser is None:
        return x
    centred = g.node("Sub", g.to_double(x), g.constant(model.standardiser.mean))
    return g.to_float(g.node("Mul", centred, g.constant(model.standardiser.gain)))


def _all_classes(model: models.Model, g: _Graph, scores: str) -> str:
    """Put a column with the score of the unseen where the training data held no such class."""
    if model.n_outputs == model.n_classes:
        return scores
    seen = np.arange(model.n_classes) == model.present[:, np.newaxis]
    placed = g.node("MatMul", scores, g.constant(seen.astype(np.float64)))
    return g.node("Add", placed, g.constant(np.where(seen.any(axis=0), 0.0, model.absent_score)))


def build_graph(
    estimator: models.Model,
    *,
    temperature: float,
    labels: Sequence[str],
    n_features: int,
    kind: models.Kind,
) -> onnx.ModelProto:
    """Standardisation, model and calibration as one graph.

    Parameters
    ----------
    estimator : Model
        Fitted.
    temperature : float
        Scores are divided by it before the softmax, > 0; no matter in a regression.
    labels : sequence of str
        Names of the classes by code; empty in a regression.
    n_features : int
    kind : str
        "classification" or "regression".

    Returns
    -------
    onnx.ModelProto
        Checked by ``onnx.checker``.

    Raises
    ------
    InputError
        When the estimator was fitted for something else.

    Examples
    --------
    >>> model = models.Linear("regression", C=1e9).fit([[0], [1]], [1.0, 3.0])
    >>> graph = build_graph(model, temperature=1, labels=(), n_features=1, kind="regression")
    >>> run_graph(graph.SerializeToString(), [[2.0]])
    array([5.], dtype=float32)
    """
    if (estimator.kind, estimator.n_features) != (kind, n_features):
        raise InputError(
            "E-ARGUMENT",
            f"estimator was fitted for {estimator.kind} with {estimator.n_features} features; "
            f"expected {kind} with {n_features}",
        )
    g = _Graph()
    outputs = _piece(estimator, g, _standardised(estimator, g, "features"))
    if kind == "regression":
        scaled = g.node("Mul", outputs, g.constant(estimator.scale))
        value = g.node("Add", scaled, g.constant(estimator.offset))
        flat = g.node("Squeeze", value, g.constant(np.array([1])))
        g.to_float(flat, "value")
        results = [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["n"])]
    else:
        results = _decide(estimator, g, outputs, temperature, labels)
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", n_features])
    graph = helper.make_graph(g.nodes, "ddasp", [features], results, g.constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="ddasp")
    helper.set_model_props(model, {"kind": kind, "labels": json.dumps(list(labels))})
    onnx.checker.check_model(model)
    return model


def _decide(
    estimator: models.Model, g: _Graph, outputs: str, temperature: float, labels: Sequence[str]
) -> list[Any]:
    if len(labels) != estimator.n_classes or not temperature > 0:
        raise InputError(
            "E-ARGUMENT",
            f"labels has {len(labels)} entries and temperature is {temperature}; expected "
            f"{estimator.n_classes} and a number above 0",
        )
    scores = _all_classes(estimator, g, outputs)
    cooled = g.node("Div", scores, g.constant(float(temperature)))
    p = g.node("Softmax", cooled, attributes={"axis": 1})
    g.node("ArgMax", cooled, attributes={"axis": 1, "keepdims": 0}, name="decided")
    g.to_float(p, "probabilities")
    return [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(labels)]),
        helper.make_tensor_value_info("decided", TensorProto.INT64, ["n"]),
    ]


# ---- running and proving it


def session(model: bytes) -> onnxruntime.InferenceSession:
    """A session that runs the graph on one thread of the CPU and is silent."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _run(model: onnxruntime.InferenceSession, X: Any) -> list[NDArray]:
    X = np.ascontiguousarray(X, dtype=np.float32)
    expected = model.get_inputs()[0].shape[1]
    if X.ndim != 2 or X.shape[1] != expected:
        raise InputError("E-ARGUMENT", f"X has shape {X.shape}; expected (n, {expected})")
    outputs = [model.run(None, {"features": X[i : i + 1024]}) for i in range(0, len(X), 1024)]
    if not outputs:
        outputs = [[np.zeros((0, *o.shape[1:]), np.float32) for o in model.get_outputs()]]
    return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]


def run_graph(model: bytes | onnxruntime.InferenceSession, X: Any) -> NDArray[np.float32]:
    """Probabilities (n_observations, n_classes), or values (n_observations,).

    Parameters
    ----------
    model : bytes or onnxruntime.InferenceSession
        What `load_model` returns, or a `session` of it.
    X : array_like of shape (n_observations, n_features)
    """
    return _run(session(model) if isinstance(model, bytes) else model, X)[0]


@dataclass(frozen=True)
class Proof:
    """How far graph and estimator are apart.

    Parameters
    ----------
    n : int
        Observations on which they were compared.
    max_difference : float
        Largest difference of a probability, or of a value relative to the largest value and the
        spread of the training targets; infinite when a value is not finite, or when a decision
        differs that was not near its threshold.
    near_threshold : int
        Observations whose two largest probabilities are closer than twice the tolerance.
    """

    n: int
    max_difference: float
    near_threshold: int

    @property
    def holds(self) -> bool:
        """Whether the difference is within `TOLERANCE`."""
        return self.max_difference <= TOLERANCE


def prove(
    model: onnx.ModelProto | bytes, estimator: models.Model, X: Any, temperature: float = 1.0
) -> Proof:
    """Compare the graph with the estimator on observations.

    Parameters
    ----------
    model : onnx.ModelProto or bytes
    estimator : Model
        What the graph was built from.
    X : array_like of shape (n_observations, n_features)
    temperature : float
        That of the graph.
    """
    content = model if isinstance(model, bytes) else model.SerializeToString()
    outputs = _run(session(content), X)
    if estimator.kind == "regression":
        expected = estimator.predict(X)
        size = np.max(np.abs(expected), initial=estimator.scale)
        return Proof(len(expected), _largest((outputs[0] - expected) / size), 0)
    scores = estimator.scores(X)
    p = softmax(scores / temperature, axis=1)
    top = np.sort(p, axis=1)[:, -2:]
    near = top[:, -1] - top[:, 0] < 2 * TOLERANCE if p.shape[1] > 1 else np.zeros(len(p), bool)
    flipped = (outputs[1] != scores.argmax(axis=1)) & ~near
    difference = np.inf if flipped.any() else _largest(outputs[0] - p)
    return Proof(len(p), difference, int(near.sum()))


def _largest(difference: NDArray) -> float:
    largest = float(np.max(np.abs(difference), initial=0.0))
    return largest if np.isfinite(largest) else np.inf
