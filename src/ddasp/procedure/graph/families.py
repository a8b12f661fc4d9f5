"""Each family's arithmetic as nodes: from inputs z, float32 (n, n_features), to outputs.

Distances, kernels and scores are computed in float64, networks in float32, both as the estimator
does; trees compare float32 features with thresholds rounded toward minus infinity to float32, which
decides each comparison as the float64 threshold does.

*Conventions*: outputs are float64 (n, n_outputs), those of the model's ``outputs``. Constants are
named "FAMILY.what".

*References*: ONNX operators (opset 17, ai.onnx.ml 3), https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp.procedure import models
from ddasp.procedure.graph.builder import Graph, Value
from ddasp.procedure.model_files import ML

__all__ = ["outputs_of"]

ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}


@singledispatch
def outputs_of(model: Any, g: Graph, z: Value) -> Value:
    """The model's outputs for inputs z."""
    raise InputError("E-ARGUMENT", f"{type(model).__name__} has no graph; expected a candidate")


def _lookup(z: Value, feature: int, thresholds: NDArray, table: NDArray, name: str) -> Value:
    """Row of the table whose number is that of the thresholds below the feature."""
    g = z.graph
    column = z.take(g.constant(np.array([feature]), f"{name}.feature"), axis=1)
    above = column > g.constant(thresholds[np.newaxis, :], f"{name}.thresholds")
    return g.constant(table, f"{name}.table").take(above.cast(np.int64).sum(1))


@outputs_of.register
def _(model: models.Majority, g: Graph, z: Value) -> Value:
    return _lookup(z, 0, np.zeros(0, np.float32), model.constant[np.newaxis, :], "majority")


@outputs_of.register
def _(model: models.Rule, g: Graph, z: Value) -> Value:
    if model.kind == "classification":
        return _lookup(z, model.feature, model.thresholds, model.table, "rule")
    column = z.take(g.constant(np.array([model.feature]), "rule.feature"), axis=1)
    slope = g.constant(np.float64(model.slope), "rule.slope")
    return column.cast(np.float64) * slope + g.constant(
        np.float64(model.intercept), "rule.intercept"
    )


@outputs_of.register
def _(model: models.Linear, g: Graph, z: Value) -> Value:
    product = z.cast(np.float64) @ g.constant(model.coefficients, "linear.coefficients")
    return product + g.constant(model.intercept, "linear.intercept")


def _squared_distances(z: Value, observations: NDArray[np.float32], name: str) -> Value:
    """||z - o||^2 = ||z||^2 + ||o||^2 - 2 z o, not below 0; float64 (n, n_observations)."""
    g, z = z.graph, z.cast(np.float64)
    o = observations.astype(np.float64)
    # the observations are stored in float32, in which they are exact, (n_features, n_observations)
    transposed = g.constant(np.ascontiguousarray(observations.T), name).cast(np.float64)
    squares = g.constant(np.einsum("nf,nf->n", o, o), f"{name}.squares")
    distances = (z @ transposed) * -2.0 + (z * z).sum(1, keep=True) + squares
    return distances.maximum(0.0)


@outputs_of.register
def _(model: models.Kernel, g: Graph, z: Value) -> Value:
    distances = _squared_distances(z, model.support, "kernel.support")
    kernel = (distances * g.constant(np.float64(-model.rate), "kernel.rate")).apply("Exp")
    product = kernel @ g.constant(model.coefficients, "kernel.coefficients")
    return product + g.constant(model.intercept, "kernel.intercept")


@outputs_of.register
def _(model: models.Neighbours, g: Graph, z: Value) -> Value:
    distances = _squared_distances(z, model.observations, "neighbours.observations")
    near, places = g.smallest(distances, model.n_looked_at, "neighbours.n_looked_at")
    softening = g.constant(np.float64(model.softening), "neighbours.softening")
    reach = near.max(1, keep=True)
    weights = (reach - near + softening) / (reach + softening)
    targets = g.constant(model.targets, "neighbours.targets").take(places)
    total = (weights.expand(2) * targets).sum(1)
    if model.kind == "regression":
        return total / weights.sum(1, keep=True)
    smoothed = (total + 1 / model.n_outputs) / (total.sum(1, keep=True) + 1.0)
    return smoothed.apply("Log")


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


@outputs_of.register
def _(model: models.Tree, g: Graph, z: Value) -> Value:
    attributes = {**_tree_attributes(model), "n_targets": model.n_outputs}
    mean = g.node("TreeEnsembleRegressor", z, domain=ML, **attributes).cast(np.float64)
    return mean if model.kind == "regression" else mean.apply("Log")


@outputs_of.register
def _(model: models.Perceptron, g: Graph, z: Value) -> Value:
    theta, activations = model.network.theta, model.network.spec.activations
    for layer, activation in enumerate(activations):
        W = g.constant(theta[2 * layer], f"mlp.{layer + 1}.weights")
        b = g.constant(theta[2 * layer + 1], f"mlp.{layer + 1}.bias")
        z = g.node("Gemm", z, W, b)
        if layer < len(activations) - 1 and activation in ACTIVATIONS:
            z = z.apply(ACTIVATIONS[activation])
    return z.cast(np.float64)


@outputs_of.register
def _(model: models.Convolutional, g: Graph, z: Value) -> Value:
    z = z.reshape(-1, 1, *model.input_shape)
    for number, layer in enumerate(model.network.layers_, start=1):
        place: dict[str, Any] = {"strides": list(layer.stride), "pads": list(layer.padding) * 2}
        if layer.kind == "pool":
            kind = "MaxPool" if layer.function == "max" else "AveragePool"
            z = g.node(kind, z, kernel_shape=list(layer.size), strides=list(layer.stride))
        elif layer.kind == "flatten":
            z = z.apply("Flatten")
        elif layer.kind == "activation":
            z = z.apply(ACTIVATIONS[layer.function])
        else:
            W = g.constant(layer.weights, f"cnn.{number}.weights")
            b = g.constant(layer.bias, f"cnn.{number}.bias")
            convolution = layer.kind == "convolution"
            z = g.node("Conv", z, W, b, **place) if convolution else g.node("Gemm", z, W, b)
    return z.cast(np.float64)
