"""The model as one ONNX graph: waveform in, decision out.

Framing, window, spectrum, bands, logarithm, statistics, standardisation, model and calibration
stand in it one after the other; what stays outside is resampling to the model's rate and mixing
channels down, which ``model.json`` names.

*Conventions*: input ``waveform`` float32 (n_samples,), mono, at the model's rate, of any length from
1. Outputs for classes: ``probabilities`` float32 (n_classes,) = softmax(scores / temperature) and
``decided`` int64, the place of the largest; for a regression ``value`` float32. Besides ``features``
float32 (n_features,), what the decision was made from. Between them stand ``observations`` (n,
n_features) and the same outputs with an axis n in front ("all.probabilities" ...): the part from
there on decides on rows of features, and `decision_part` cuts it out.

*References*: ONNX operators (opset 17, ai.onnx.ml 3), https://onnx.ai/onnx/operators; C. Guo et
al., "On calibration of modern neural networks", ICML 2017 (temperature).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.utils import Extractor

from ddasp._errors import InputError
from ddasp.procedure import models
from ddasp.procedure.features import FEATURE_SETS
from ddasp.procedure.graph.builder import TYPES, Graph, Value
from ddasp.procedure.graph.families import outputs_of
from ddasp.procedure.graph.waveform import SETS, features_of
from ddasp.procedure.model_cost import check_cost
from ddasp.procedure.model_files import OPSETS

__all__ = ["Decision", "build_decision", "build_graph", "check_whole", "decision_part"]

OBSERVATIONS, ALL = "observations", "all."


@dataclass(frozen=True)
class Decision:
    """A fitted model and what turns its scores into an answer.

    Parameters
    ----------
    estimator : Model
        Fitted.
    temperature : float
        Scores are divided by it before the softmax, > 0; no matter in a regression.
    labels : sequence of str
        Names of the classes by code; empty in a regression.
    """

    estimator: models.Model
    temperature: float = 1.0
    labels: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.estimator.kind == "regression":
            return
        if len(self.labels) != self.estimator.n_classes or not self.temperature > 0:
            raise InputError(
                "E-ARGUMENT",
                f"labels has {len(self.labels)} entries and temperature is {self.temperature}; "
                f"expected {self.estimator.n_classes} and a number above 0",
            )


def build_graph(decision: Decision, features: str, rate: float) -> onnx.ModelProto:
    """Features, standardisation, model and calibration as one graph.

    Parameters
    ----------
    decision : Decision
        The model.
    features : str
        Name of the feature set that it was fitted on.
    rate : float
        Sampling rate of the waveform [Hz].

    Returns
    -------
    onnx.ModelProto
        Checked by ``onnx.checker``.

    Raises
    ------
    InputError
        When the set has no graph.

    Examples
    --------
    >>> X, y = np.zeros((2, 52), np.float32), [0, 1]
    >>> graph = build_graph(Decision(models.Majority().fit(X, y), 1, ("a", "b")), "mfcc", 8000)
    >>> [output.name for output in graph.graph.output]
    ['probabilities', 'decided', 'features']
    """
    g = Graph()
    waveform = g.input("waveform", np.float32)
    row = features_of(g, waveform, rate, features)
    results = _decide(g, g.node("Unsqueeze", row, g.constant([0]), name=OBSERVATIONS), decision)
    single = [value.squeeze(0, name.removeprefix(ALL)) for name, value in results.items()]
    shapes: list[list] = [["k"], []] if decision.labels else [[]]
    outputs = list(zip([*single, row], [*shapes, [decision.estimator.n_features]], strict=True))
    return _model(g, (waveform, ["n_samples"]), outputs, decision)


def build_decision(decision: Decision) -> onnx.ModelProto:
    """The part behind the features alone: observations in, decisions out.

    Examples
    --------
    >>> model = models.Linear("regression", C=1e9).fit([[0], [1]], [1.0, 3.0])
    >>> [node.op_type for node in build_decision(Decision(model)).graph.node][:3]
    ['Cast', 'Sub', 'Mul']
    """
    g = Graph()
    observations = g.input(OBSERVATIONS, np.float32)
    results = _decide(g, observations, decision)
    shapes: list[list] = [["n", "k"], ["n"]] if decision.labels else [["n"]]
    shape = ["n", decision.estimator.n_features]
    return _model(
        g, (observations, shape), list(zip(results.values(), shapes, strict=True)), decision
    )


def check_whole(content: bytes, about: dict[str, Any], name: str) -> None:
    """Refuse a graph that is not the one that ``model.json`` speaks of.

    What stands before the decision is written again from the names of the feature set and the rate,
    and must be the same to the last byte. So whatever decides how much is computed there, lengths,
    counts and shapes, is ours; what stands behind is arithmetic on a few numbers, and what it can cost
    at most is counted by `model_cost`.

    Raises
    ------
    InputError
        ``E-MODEL``.
    """
    if about["features"]["name"] not in SETS:
        raise InputError(
            "E-MODEL",
            f"{name} has features {about['features']['name'][:40]!r}; expected one of {', '.join(SETS)}",
        )
    model = onnx.load_model_from_string(content)
    g = Graph()
    features_of(g, g.input("waveform", np.float32), about["rate"], about["features"]["name"])
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    same = [n.SerializeToString() for n in model.graph.node[: len(g.nodes)]] == [
        n.SerializeToString() for n in g.nodes
    ] and all(t == stored.get(t.name) for t in g.constants)
    kind = "regression" if about["kind"] == "regression" else "classification"
    props = {"kind": kind, "labels": json.dumps(about["labels"])}
    told = {p.key: p.value for p in model.metadata_props}
    outputs = ["value"] if kind == "regression" else ["probabilities", "decided"]
    named = [o.name for o in model.graph.output] == [*outputs, "features"]
    if not (same and named and told == props):
        raise InputError(
            "E-MODEL",
            f"{name} does not begin with the features {about['features']['name']} at {about['rate']} Hz "
            "that model.json names, or its classes are others; expected the pair that a run wrote",
        )
    check_cost(model, len(FEATURE_SETS[about["features"]["name"]].names), name)


def decision_part(model: onnx.ModelProto) -> onnx.ModelProto:
    """Cut the part behind the features out of a graph of `build_graph`.

    Returns
    -------
    onnx.ModelProto
        As `build_decision` gives it.
    """
    names = [ALL + o.name for o in model.graph.output if o.name != "features"]
    known = {o.name: o for o in model.graph.output}
    n_features = known["features"].type.tensor_type.shape.dim[0].dim_value
    source = onnx.ModelProto()
    source.CopyFrom(model)
    info = helper.make_tensor_value_info
    source.graph.value_info.append(info(OBSERVATIONS, TensorProto.FLOAT, ["n", n_features]))
    for name in names:
        plain = known[name.removeprefix(ALL)].type.tensor_type
        shape = ["n", *(d.dim_value or d.dim_param for d in plain.shape.dim)]
        source.graph.value_info.append(info(name, plain.elem_type, shape))
    return Extractor(source).extract_model([OBSERVATIONS], names)


def _model(
    g: Graph,
    given: tuple[Value, list],
    outputs: Sequence[tuple[Value, list]],
    decision: Decision,
) -> onnx.ModelProto:
    def info(value: Value, shape: list) -> Any:
        return helper.make_tensor_value_info(value.name, TYPES[value.dtype], shape)

    results = [info(*output) for output in outputs]
    graph = helper.make_graph(g.nodes, "ddasp", [info(*given)], results, g.constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="ddasp")
    kind, labels = decision.estimator.kind, json.dumps(list(decision.labels))
    helper.set_model_props(model, {"kind": kind, "labels": labels})
    onnx.checker.check_model(model)
    return model


# ---- from features to the answer


def _decide(g: Graph, x: Value, decision: Decision) -> dict[str, Value]:
    """Outputs by name, each with an axis n in front."""
    model = decision.estimator
    outputs = outputs_of(model, g, _standardised(model, g, x))
    if model.kind == "regression":
        scale, offset = (g.constant(np.float64(v), n) for v, n in _target(model))
        value = (outputs * scale + offset).squeeze(1)
        return {f"{ALL}value": value.cast(np.float32, f"{ALL}value")}
    scores = _all_classes(model, g, outputs)
    cooled = scores / g.constant(np.float64(decision.temperature), "temperature")
    p = g.node("Softmax", cooled, axis=1).cast(np.float32, f"{ALL}probabilities")
    return {f"{ALL}probabilities": p, f"{ALL}decided": cooled.argmax(1, f"{ALL}decided")}


def _target(model: models.Model) -> list[tuple[float, str]]:
    return [(model.scale, "target.scale"), (model.offset, "target.offset")]


def _standardised(model: models.Model, g: Graph, x: Value) -> Value:
    if model.standardiser is None:
        return x
    centred = x.cast(np.float64) - g.constant(model.standardiser.mean, "standardise.mean")
    return (centred * g.constant(model.standardiser.gain, "standardise.gain")).cast(np.float32)


def _all_classes(model: models.Model, g: Graph, scores: Value) -> Value:
    """Put a column with the score of the unseen where the training data held no such class."""
    if model.n_outputs == model.n_classes:
        return scores
    seen = np.arange(model.n_classes) == model.present[:, np.newaxis]
    placed = scores @ g.constant(seen.astype(np.float64), "classes.seen")
    unseen = np.where(seen.any(axis=0), 0.0, model.absent_score)
    return placed + g.constant(unseen, "classes.unseen")
