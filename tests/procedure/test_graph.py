"""Behind the features the graph decides as the estimator; a foreign graph is refused."""

import json
import pickle

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx import helper, numpy_helper
from scipy.special import softmax

from ddasp._errors import InputError
from ddasp.nonlinear import cnn_spec
from ddasp.procedure import model_files
from ddasp.procedure.candidates import FAMILIES
from ddasp.procedure.features import extract
from ddasp.procedure.graph import (
    TOLERANCE,
    Decision,
    build_decision,
    build_graph,
    check_whole,
    decision_part,
    families,
    load_model,
    prove,
    run_rows,
    session,
)

SHAPE = (6, 5)
EVERY = [(family, kind) for family in FAMILIES.values() for kind in family.kinds]
IDS = [f"{family.name}-{kind}" for family, kind in EVERY]
QUICK = {"mlp": {"n_epochs": 5}, "cnn": {"n_epochs": 2}, "forest": {"n_trees": 20}}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=90)
    X = rng.normal(size=(90, 30))
    X[:, 7] += y
    X[:, 9] -= y
    X[:, 3] = -4
    fresh = rng.normal(size=(400, 30)) * 2
    return (X * 20 + 300).astype(np.float32), y, (fresh * 20 + 300).astype(np.float32)


def fitted(family, kind, X, y, n_classes=None):
    if family.needs:
        pytest.importorskip(family.needs)
    model = family.build(QUICK.get(family.name, {}), kind, 0, SHAPE)
    return model.fit(X, y, n_classes=n_classes)


def decision_of(model, temperature=0.4):
    labels = () if model.kind == "regression" else tuple("abcdef"[: model.n_classes])
    return Decision(model, temperature, labels)


def graph_of(model, temperature=0.4):
    return build_decision(decision_of(model, temperature))


def apart(graph, model, X, temperature=0.4):
    """Largest difference from the estimator; infinite where another class is decided on."""
    outputs = run_rows(graph, X)
    if model.kind == "regression":
        expected = model.predict(X)
        size = np.max(np.abs(expected), initial=model.scale)
        return worst(np.abs(outputs[0] - expected) / size)
    p = softmax(model.scores(X) / temperature, axis=1)
    top = np.sort(p, axis=1)
    clear = top[:, -1] - top[:, -2] > 2 * TOLERANCE if p.shape[1] > 1 else np.ones(len(X), bool)
    if (outputs[1] != p.argmax(axis=1))[clear].any():
        return np.inf
    return worst(np.abs(outputs[0] - p))


def worst(differences):
    largest = np.max(differences, initial=0.0)
    return largest if np.isfinite(largest) else np.inf


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=IDS)
def test_the_graph_equals_the_estimator(family, kind, data):
    X, y, fresh = data
    model = fitted(family, kind, X, y if kind == "classification" else y * 700.0 + X[:, 0])
    graph = graph_of(model)
    out = run_rows(graph, fresh)[0]
    assert out.dtype == np.float32
    if kind == "classification":
        expected = softmax(model.scores(fresh) / 0.4, axis=1)
        assert_allclose(out, expected, atol=TOLERANCE)
        assert_allclose(out.sum(axis=1), 1, atol=1e-6)
    else:
        assert_allclose(out, model.predict(fresh), rtol=TOLERANCE, atol=TOLERANCE * model.scale)
    assert apart(graph, model, fresh) <= TOLERANCE


def test_the_graph_holds_every_kind_of_convolutional_layer(data):
    pytest.importorskip("torch")
    X, y, fresh = data
    model = fitted(FAMILIES["cnn"], "classification", X, y)
    layers = (
        cnn_spec.BatchNorm(),  # with no convolution before it
        cnn_spec.Convolution(4, (3, 2), stride=(2, 1), padding=(1, 1), bias=False),
        cnn_spec.BatchNorm(),
        cnn_spec.Activation("tanh"),
        cnn_spec.Pool("mean", (2, 3), (1, 2)),
        cnn_spec.Convolution(3, (2, 1)),
        cnn_spec.Activation("sigmoid"),
        cnn_spec.Flatten(),
        cnn_spec.Dense(3),
    )
    spec = cnn_spec.CNNSpec((1, *SHAPE), layers, "categorical_cross_entropy")
    rng = np.random.default_rng(1)
    model.network.spec_ = spec
    model.network.state_ = tuple(
        rng.uniform(0.5, 2, s.shape).astype(np.float32) for s in cnn_spec.initial_state(spec)
    )
    model.network.parameters_ = tuple(
        rng.normal(size=shape).astype(np.float32) for shape in cnn_spec.parameter_shapes(spec)
    )
    graph = graph_of(model)
    assert_allclose(
        run_rows(graph, fresh)[0], softmax(model.scores(fresh) / 0.4, axis=1), atol=TOLERANCE
    )
    kinds = {node.op_type for node in graph.graph.node}
    assert {"Conv", "AveragePool", "Tanh", "Sigmoid", "Flatten", "Gemm"} <= kinds


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=IDS)
def test_the_graph_knows_classes_that_training_did_not(family, kind, data):
    X, y, fresh = data
    if kind == "regression":
        model = fitted(family, kind, X[:1], [5.0])
    else:
        rows = np.flatnonzero(y != 1)[:20]
        model = fitted(family, kind, X[rows], y[rows], 5)
        one = fitted(family, kind, X[:1], y[:1], 3)
        assert apart(graph_of(one), one, fresh) <= TOLERANCE
    assert apart(graph_of(model), model, fresh) <= TOLERANCE


@pytest.mark.parametrize("family", [f for f in FAMILIES.values() if f.name != "cnn"])
def test_constant_features_do_not_part_graph_and_estimator(family, data):
    _, y, fresh = data
    model = fitted(family, "classification", np.zeros((90, 30)), y)
    assert apart(graph_of(model), model, fresh) <= TOLERANCE


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=IDS)
def test_equal_models_give_equal_bytes(family, kind, data):
    X, y, _ = data
    one, two = (graph_of(fitted(family, kind, X, y)) for _ in range(2))
    assert one.SerializeToString(deterministic=True) == two.SerializeToString(deterministic=True)


def test_float32_features_on_a_threshold_fall_on_the_side_of_the_estimator():
    # neighbours in float32: the tree's threshold lies half way, where float32 has no number
    low = np.float32(1000)
    high = np.nextafter(low, np.float32(2000))
    X = np.array([[low], [high]] * 5, dtype=np.float32)
    y = np.arange(10) % 2
    for name in ("tree", "rule"):
        model = FAMILIES[name].build({}, "classification", 0).fit(X, y)
        assert_array_equal(model.predict(X), y)
        assert_array_equal(run_rows(graph_of(model), X)[0].argmax(axis=1), y)


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=IDS)
def test_changing_any_stage_is_found_out(family, kind, data):
    X, y, fresh = data
    # one class is absent, so that what all scores have in common counts too
    model = fitted(family, kind, X, y, 4 if kind == "classification" else None)
    temperature = 5.0  # warm enough for the unseen class to be seen
    graph = graph_of(model, temperature)
    looked_at = 0
    for position, tensor in enumerate(graph.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind != "f" or values.size == 0:
            continue
        distances = family.name in ("neighbours", "kernel", "svm") and values.size == 1
        if distances and values in (0.0, getattr(model, "softening", 0.0)):
            continue  # the floor of the distances has no part where they differ
        if (family.name, kind) == ("majority", "regression") and values == model.scale:
            continue  # it scales a zero
        changed = onnx.ModelProto.FromString(graph.SerializeToString())
        other = numpy_helper.from_array((values * 0.5 + 0.7).astype(values.dtype), tensor.name)
        changed.graph.initializer[position].CopyFrom(other)
        found = apart(changed, model, fresh, temperature)
        assert found > TOLERANCE, (tensor.name, values.shape)
        looked_at += 1
    assert looked_at > 0 or family.name in ("tree", "forest")  # whose numbers are attributes


def test_another_temperature_or_estimator_is_found_out(data):
    X, y, fresh = data
    model = fitted(FAMILIES["linear"], "classification", X, y)
    assert apart(graph_of(model, 0.5), model, fresh) > TOLERANCE
    other = fitted(FAMILIES["linear"], "classification", X[:80], y[:80])
    assert apart(graph_of(model), other, fresh) > TOLERANCE


def test_the_graph_carries_labels_and_refuses_another_width(data):
    X, y, fresh = data
    graph = graph_of(fitted(FAMILIES["linear"], "classification", X, y))
    properties = {p.key: p.value for p in graph.metadata_props}
    assert json.loads(properties["labels"]) == ["a", "b", "c"]
    with pytest.raises(InputError, match=r"X has shape \(400, 29\); expected \(n, 30\)"):
        run_rows(graph, fresh[:, 1:])
    assert run_rows(session(graph), fresh[:0])[0].shape == (0, 3)


def test_a_decision_that_does_not_fit_its_model_is_refused(data):
    X, y, _ = data
    model = fitted(FAMILIES["linear"], "classification", X, y)
    with pytest.raises(InputError, match="labels has 2 entries"):
        Decision(model, 1.0, ("a", "b"))
    with pytest.raises(InputError, match="temperature is 0"):
        Decision(model, 0, ("a", "b", "c"))
    with pytest.raises(InputError, match="dict has no graph; expected a candidate"):
        families.outputs_of({}, None, None)


def whole_graph(family, kind, rate=4000):
    """A model on 52 features, those of the set mfcc, as the graph from the waveform on."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(60, 52)).astype(np.float32) * 20, np.arange(60) % 3
    if family.needs:
        pytest.importorskip(family.needs)
    settings = QUICK.get(family.name, {})
    model = family.build(settings, kind, 0, (4, 13)).fit(X, y * 1.0 if kind == "regression" else y)
    return build_graph(decision_of(model), "mfcc", rate), model


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=IDS)
def test_a_written_graph_can_be_loaded_and_cut_behind_the_features(family, kind, tmp_path):
    graph, model = whole_graph(family, kind)
    path = tmp_path / "model.onnx"
    path.write_bytes(graph.SerializeToString())
    content = load_model(path)
    clips = np.random.default_rng(0).normal(size=(3, 2000)).astype(np.float32) / 10
    proof = prove(content, decision_of(model), clips, "mfcc", 4000)
    assert proof.holds, proof
    rows = np.concatenate([extract(x, 4000, ("mfcc",), variants=False)["mfcc"] for x in clips])
    alone = run_rows(decision_part(onnx.load_from_string(content)), rows)
    for got, expected in zip(
        alone, run_rows(build_decision(decision_of(model)), rows), strict=True
    ):
        assert_array_equal(got, expected)


def refused(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    with pytest.raises(InputError) as caught:
        load_model(path)
    assert caught.value.code == "E-MODEL"
    return str(caught.value)


def test_foreign_files_are_refused_and_named(tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    assert "pickle" in refused(path, pickle.dumps([1]))
    assert "ZIP" in refused(path, b"PK\x03\x04rest")
    assert "no ONNX file" in refused(path, b"\xff\xff\xff\xff")
    assert "no graph" in refused(path, b"")
    monkeypatch.setattr(model_files, "MAX_BYTES", 3)
    assert "above" in refused(path, b"1234")
    with pytest.raises(InputError, match="could not be read"):
        load_model(tmp_path / "absent.onnx")


def test_graphs_that_hold_more_than_ours_are_refused_and_named(tmp_path):
    path = tmp_path / "model.onnx"
    linear = whole_graph(FAMILIES["linear"], "classification")[0].SerializeToString()

    def changed():
        return onnx.ModelProto.FromString(linear)

    model = changed()
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    assert "in another file" in refused(path, model)

    model = changed()
    values = np.full(30, np.nan)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "c0"))
    assert "NaN or infinite weights in c0" in refused(path, model)

    model = changed()
    values = np.array(2**40)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "c0"))
    assert "a number in c0 that would fill the memory" in refused(path, model)

    for op, domain in (("Loop", ""), ("ConstantOfShape", ""), ("Add", "com.microsoft")):
        model = changed()
        model.graph.node.append(helper.make_node(op, ["waveform"], ["out"], domain=domain))
        assert f"uses the operator {domain}:{op}" in refused(path, model)

    model = changed()
    body = helper.make_graph([], "body", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("body", body))
    assert "inside the operator" in refused(path, model)

    model = changed()
    model.opset_import.append(helper.make_opsetid("evil", 1))
    assert "asks for operators evil 1" in refused(path, model)

    model = changed()
    model.graph.input[0].name = "other"
    assert "has inputs ['other']" in refused(path, model)

    assert "E-MODEL" in refused(path, linear[: len(linear) // 2])


def test_graphs_that_would_take_all_time_or_memory_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    linear = whole_graph(FAMILIES["linear"], "classification")[0].SerializeToString()
    model = onnx.ModelProto.FromString(linear)
    pool = helper.make_node("MaxPool", ["waveform"], ["out"], kernel_shape=[2**30])
    model.graph.node.append(pool)
    assert "a number in MaxPool that would fill the memory" in refused(path, model)
    monkeypatch.setattr(model_files, "MOST_NODES", 3)
    assert "nodes" in refused(path, linear)


def test_a_tree_too_deep_to_walk_is_refused(tmp_path, monkeypatch):
    graph, model = whole_graph(FAMILIES["tree"], "classification")
    path = tmp_path / "model.onnx"
    path.write_bytes(graph.SerializeToString())
    load_model(path)
    monkeypatch.setattr(model_files, "DEEPEST", model.trees[0].max_depth)
    assert "a tree of more than" in refused(path, graph)  # levels are one more than its depth
    monkeypatch.setattr(model_files, "DEEPEST", model.trees[0].max_depth + 1)
    load_model(path)


def test_what_stands_before_the_decision_must_be_what_the_names_in_model_json_give():
    graph, _ = whole_graph(FAMILIES["linear"], "classification")
    about = {
        "kind": "multi-class",
        "labels": ["a", "b", "c"],
        "rate": 4000,
        "features": {"name": "mfcc"},
    }
    content = graph.SerializeToString()
    check_whole(content, about, "m")
    others = ({"rate": 4001}, {"features": {"name": "logmel"}}, {"labels": ["a", "c", "b"]})
    for other in (*others, {"kind": "regression", "labels": []}):
        with pytest.raises(InputError, match="m does not begin with the features"):
            check_whole(content, about | other, "m")
    end = next(i for i, n in enumerate(graph.graph.node) if n.output[0] == "features")
    before = {name for n in graph.graph.node[: end + 1] for name in n.input}
    positions = [i for i, t in enumerate(graph.graph.initializer) if t.name in before]
    assert len(positions) > 10
    for position in positions:
        changed = onnx.ModelProto.FromString(content)
        tensor = changed.graph.initializer[position]
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) + 1, tensor.name))
        with pytest.raises(InputError, match="does not begin"):
            check_whole(changed.SerializeToString(), about, "m")


def test_trees_that_walk_in_circles_are_refused(tmp_path):
    graph, _ = whole_graph(FAMILIES["forest"], "classification")
    node = next(n for n in graph.graph.node if n.op_type == "TreeEnsembleRegressor")
    children = next(a for a in node.attribute if a.name == "nodes_truenodeids")
    children.ints[0] = 0
    assert "trees that point back" in refused(tmp_path / "model.onnx", graph)
    children.ints[0] = 10**6
    assert "trees that point back or outside" in refused(tmp_path / "model.onnx", graph)
