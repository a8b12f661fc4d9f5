"""What a foreign graph would take, before it is parsed and before it is run."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.testing import assert_array_equal
from onnx import TensorProto, helper, numpy_helper
from tests.procedure.test_graph import EVERY, FAMILIES, IDS, whole_graph

from ddasp._errors import InputError
from ddasp.procedure import model_cost, model_wire, models
from ddasp.procedure.graph import Decision, build_graph, check_whole, session
from ddasp.procedure.model_cost import check_cost, cost
from ddasp.procedure.model_files import OPERATORS, load_model
from ddasp.procedure.model_wire import MOST_STRUCTURE, Malformed, structure

SCORES = "all.probabilities"


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=IDS)
def test_what_ddasp_writes_is_far_within_the_limits(family, kind):
    graph, _ = whole_graph(family, kind)
    found = check_cost(graph, 52)
    assert found.operations < model_cost.MOST_OPERATIONS / 1000
    assert found.values < model_cost.MOST_VALUES / 1000
    assert structure(graph.SerializeToString()) < MOST_STRUCTURE / 50


def test_the_operators_of_decisions_are_among_those_of_graphs():
    assert model_cost.OPERATORS < OPERATORS


def linear():
    return whole_graph(FAMILIES["linear"], "classification")[0]


def with_nodes(nodes, **constants):
    """Nodes between the probabilities and their cast; "last" is the value before."""
    model = linear()
    place = next(i for i, n in enumerate(model.graph.node) if n.output[0] == SCORES)
    scores = last = model.graph.node[place].input[0]
    for number, (op, inputs, attributes) in enumerate(nodes):
        names = [{"last": last, "scores": scores}.get(name, name) for name in inputs]
        last = f"more{number}"
        model.graph.node.insert(place + number, helper.make_node(op, names, [last], **attributes))
    model.graph.node[place + len(nodes)].input[0] = last
    for name, values in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
    return model


UNSEEN = (
    ("ReduceMax", ["last"], {"keepdims": 0}),
    ("Mul", ["last", "nothing"], {}),
    ("Add", ["scores", "last"], {}),
)
NOTHING = {"nothing": np.array(0.0)}


def test_operations_and_values_of_a_product_are_counted():
    before = cost(linear(), 52)
    nodes = [("MatMul", ["a", "b"], {}), *UNSEEN]
    after = cost(with_nodes(nodes, a=np.ones((3, 5)), b=np.ones((5, 7)), **NOTHING), 52)
    # the product: 21 sums of 5, 15 + 35 elements taken in; its maximum takes 21 and gives one
    product, maximum = 15 + 35 + 21 * 5, 21 + 1
    scaled, added = 1 + 1 + 1, 3 + 1 + 3
    assert after.operations - before.operations == product + maximum + scaled + added
    assert after.values - before.values == 21 + 1 + 1 + 3
    assert after.weights - before.weights == 15 + 35 + 1


def test_such_a_graph_would_run_with_the_same_answers():
    """The attacks below are no broken graphs: without a bound they would be computed."""
    nodes = [("MatMul", ["a", "b"], {}), *UNSEEN]
    model = with_nodes(nodes, a=np.ones((3, 5)), b=np.ones((5, 7)), **NOTHING)
    given = {"waveform": np.zeros(1000, np.float32)}
    assert_array_equal(session(model).run(None, given)[0], session(linear()).run(None, given)[0])


LARGE = np.ones((900, 900))
REFUSED = {
    "a product of constants": (
        [("MatMul", ["big", "big"], {}), *UNSEEN],
        {"big": LARGE},
        "operations for a decision",
    ),
    "many small products": (
        [*[("MatMul", ["big", "big"], {})] * 100, *UNSEEN],
        {"big": np.ones((200, 200))},
        "operations for a decision",
    ),
    "an outer product": (
        [("MatMul", ["column", "row"], {}), *UNSEEN],
        {"column": np.ones((5000, 1)), "row": np.ones((1, 5000))},
        "numbers in memory for a decision",
    ),
    "a wide pooling": (
        [("Reshape", ["big", "map"], {}), ("MaxPool", ["last"], {"kernel_shape": [300, 300]}), *UNSEEN],
        {"big": LARGE, "map": np.array([1, 1, 900, 900])},
        "operations for a decision",
    ),
    "a wide convolution": (
        [("Reshape", ["big", "map"], {}), ("Conv", ["last", "kernel"], {}), *UNSEEN],
        {"big": LARGE, "map": np.array([1, 1, 900, 900]), "kernel": np.ones((4, 1, 300, 300))},
        "operations for a decision",
    ),
    "a layer of a thousand": (
        [("Gemm", ["big", "big"], {"transA": 1}), *UNSEEN],
        {"big": LARGE},
        "operations for a decision",
    ),
    "an operator of lengths": (
        [("Pad", ["last", "ends"], {})],
        {"ends": np.array([0, 0, 0, 9])},
        "decides by the operator Pad",
    ),
    "the samples": ([("Gather", ["last", "n0"], {})], {}, "stands before its features"),
    "a shape from an answer": (
        [("Cast", ["last"], {"to": TensorProto.INT64}), ("Squeeze", ["last", "axis"], {}),
         ("Reshape", ["big", "last"], {}), *UNSEEN],
        {"big": np.ones((100, 1)), "axis": np.array([0])},
        "unknown shape",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("nodes", "constants", "words"), REFUSED.values(), ids=REFUSED)
def test_a_decision_that_could_take_long_or_much_is_refused(nodes, constants, words):
    with pytest.raises(InputError, match=words):
        check_cost(with_nodes(nodes, **constants, **NOTHING), 52)


def test_the_bound_is_asked_where_a_model_is_loaded():
    about = {
        "kind": "multi-class",
        "labels": ["a", "b", "c"],
        "rate": 4000,
        "features": {"name": "mfcc"},
    }
    nodes, constants, words = REFUSED["a product of constants"]
    with pytest.raises(InputError, match=words):
        check_whole(with_nodes(nodes, **constants, **NOTHING).SerializeToString(), about, "m")


def test_stored_neighbours_may_take_their_size_twice():
    """A model of many sounds is large, but not larger than its file allows."""
    X = np.random.default_rng(0).normal(size=(4000, 1280)).astype(np.float32)
    fitted = models.Neighbours("classification").fit(X, np.arange(4000) % 2)
    graph = build_graph(Decision(fitted, 1.0, ("a", "b")), "logmel", 4000)
    content = graph.SerializeToString()
    assert len(content) > 20e6 > 1000 * structure(content)
    found = check_cost(graph, 1280)
    assert found.weights < found.values < 2 * found.weights


def trees(**changes):
    graph = whole_graph(FAMILIES["forest"], "classification")[0]
    node = next(n for n in graph.graph.node if n.op_type == "TreeEnsembleRegressor")
    for attribute in node.attribute:
        if attribute.name in changes:
            values = changes[attribute.name](helper.get_attribute_value(attribute))
            attribute.CopyFrom(helper.make_attribute(attribute.name, values))
    return graph


@pytest.mark.parametrize("name", ["nodes_featureids", "target_ids"])
@pytest.mark.parametrize("place", [-1, 52])
def test_trees_that_reach_beyond_features_or_outputs_are_refused(name, place):
    check_cost(trees(), 52)
    graph = trees(**{name: lambda values: [*values[:-1], place]})
    with pytest.raises(InputError, match="that are not there"):
        check_cost(graph, 52)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("target_nodeids", lambda x: [10**6] * len(x)),
        ("target_nodeids", lambda x: [0] * len(x)),  # the root is no leaf
        ("nodes_nodeids", lambda x: [7 * i for i in x]),
        ("nodes_treeids", lambda x: [i + 1 for i in x]),
        ("nodes_values", lambda x: x[:1]),
        ("target_weights", lambda x: x[:1]),
    ],
)
def test_trees_whose_numbers_do_not_belong_together_are_refused(name, change, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(trees(**{name: change}).SerializeToString())
    with pytest.raises(InputError, match=r"damaged trees|point back or outside"):
        load_model(path)


# ---- before it is parsed


def message(*parts, tag=b"\x3a"):
    body = b"".join(parts)
    length, size = b"", len(body)
    while size >= 128:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return tag + length + bytes([size]) + body


def test_structure_is_what_is_neither_array_nor_list():
    tensor = numpy_helper.from_array(np.zeros(1000), "zeros")
    node = helper.make_node("Op", ["x"], ["y"], places=list(range(1000)), values=[0.5] * 1000)
    sizes = {}
    for name, nodes, tensors in (("node", [node], []), ("tensor", [], [tensor])):
        graph = helper.make_graph(nodes, "g", [], [], tensors)
        content = helper.make_model(graph, producer_name="").SerializeToString()
        sizes[name] = len(content), structure(content)
    assert sizes["tensor"][0] > 8000 > 100 > sizes["tensor"][1]
    assert sizes["node"][0] > 7000 > 120 > sizes["node"][1]


@pytest.mark.parametrize("inside", [b"", b"\x0a", b"\x0a\x2a"])
@pytest.mark.parametrize("entry", [b"\x0a\x00", b"\x2a\x00", b"\x52\x00"])
def test_a_file_of_empty_entries_is_refused_before_each_becomes_an_object(inside, entry, tmp_path):
    body = entry * MOST_STRUCTURE
    for tag in inside[::-1]:
        body = message(body, tag=bytes([tag]))
    content = message(body)
    with pytest.raises(Malformed, match="beside its arrays"):
        structure(content)
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"E-MODEL.*beside its arrays"):
        load_model(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x3a\x05ab", "cut"),
        (b"\x3a", "cut"),
        (b"\x09abc", "cut"),
        (b"\x0b", "cut"),  # a group: no kind of field that ONNX has
        (b"\xff" * 11, "never ends"),
        (message() * 2, "more than one graph"),
    ],
)
def test_what_is_no_message_is_refused(content, words):
    with pytest.raises(Malformed, match=words):
        structure(content)


def test_a_tensor_that_keeps_its_numbers_in_another_form_is_refused(tmp_path):
    model = linear()
    tensor = model.graph.initializer[-1]
    values = numpy_helper.to_array(tensor).ravel()
    tensor.CopyFrom(helper.make_tensor(tensor.name, TensorProto.DOUBLE, tensor.dims, values))
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    with pytest.raises(InputError, match="in another form than as bytes"):
        load_model(path)


def test_lists_hold_numbers_and_the_words_of_trees_only():
    assert model_wire.LISTS.fullmatch(b"\x40\x01\x40\x80\x01\x3d\x00\x00\x80\x3f\x4a\x04LEAF")
    assert not model_wire.LISTS.fullmatch(b"\x40\x01\x52\x00")
