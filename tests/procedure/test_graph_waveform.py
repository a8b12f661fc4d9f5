"""From the waveform to the decision the graph does what features and estimator do, or is found out."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from onnx import numpy_helper

from ddasp._errors import InputError
from ddasp.audio import loudness
from ddasp.procedure import features, models
from ddasp.procedure.features import extract
from ddasp.procedure.graph import (
    TOLERANCE,
    Decision,
    build_graph,
    corner_sounds,
    proof,
    prove,
    session,
)
from ddasp.procedure.graph.waveform import SETS

RATE = 4000
LABELS = ("a", "b", "c")


def clips(n=6, rate=RATE, seed=0):
    """Decaying noises and tones of several lengths, with a pause inside."""
    rng = np.random.default_rng(seed)
    sounds = []
    for i in range(n):
        m = int(rate * rng.uniform(0.5, 0.9))
        t = np.arange(m) / rate
        x = rng.standard_normal(m) * np.exp(-t * rng.uniform(1, 20)) * 0.2
        x += 0.3 * np.sin(2 * np.pi * rng.uniform(100, 0.4 * rate) * t) * (t > 0.2 * (i % 3))
        x[int(0.3 * m) : int(0.3 * m) + rate // 20] *= 1e-5
        sounds.append(x.astype(np.float32))
    return sounds


def rows(sounds, name, rate=RATE):
    return np.concatenate([extract(x, rate, (name,), variants=False)[name] for x in sounds])


def decision(name, rate=RATE):
    """A linear model: each feature counts in it."""
    sounds = clips(24, rate, seed=1)
    X, y = rows(sounds, name, rate), np.arange(24) % 3
    return Decision(models.Linear(C=0.01).fit(X, y), 0.7, LABELS)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("rate", [1000, 8000, 11025, 22050, 48000])
def test_the_graph_equals_features_and_estimator_at_any_rate(name, rate):
    model = decision(name, rate)
    found = prove(build_graph(model, name, rate), model, clips(3, rate), name, rate)
    assert found.holds
    assert found.near_threshold == 0
    assert (found.n, found.n_corners, found.n_reference) == (3, 12, 15)
    # float64 on both sides, rounded to float32 once
    assert found.feature_difference < 1e-6
    assert found.max_difference < 2e-6


@given(
    length=st.integers(1, 1500),
    gain=st.floats(-90, 20),
    name=st.sampled_from(list(SETS)),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=60)
def test_sounds_of_any_length_and_level_give_the_same_features(length, gain, name, seed):
    x = np.random.default_rng(seed).standard_normal(length) * 10 ** (gain / 20)
    x = x.astype(np.float32)
    got = graphs[name].run(["features"], {"waveform": x})[0]
    want = extract(x, RATE, (name,), variants=False)[name][0]
    assert_allclose(got, want, rtol=TOLERANCE, atol=1e-6)


class _Graphs(dict):
    def __missing__(self, name):
        self[name] = session(build_graph(decision(name), name, RATE))
        return self[name]


graphs = _Graphs()


def test_the_loudness_by_frequency_response_is_that_of_the_recursion():
    rng = np.random.default_rng(0)
    place = list(features.LEVEL_COLUMNS).index("loudness")
    for rate in (8000, 16000, 44100):
        graph = session(build_graph(decision("levels", rate), "levels", rate))
        slow = np.cumsum(rng.standard_normal(rate))  # much below 38 Hz, where the high-pass rings
        for x in (rng.standard_normal(2 * rate) / 10, slow / np.abs(slow).max()):
            x = x.astype(np.float32)
            got = graph.run(["features"], {"waveform": x})[0][place]
            want = loudness.integrated_loudness(x.astype(np.float64), rate)
            assert_allclose(got, want, atol=1e-5)  # float32 keeps 4e-6 at 30 LUFS


OTHER = {
    "Max": "Min",
    "Min": "Max",
    "Add": "Sub",
    "Sub": "Add",
    "Mul": "Div",
    "Div": "Mul",
    "Greater": "Less",
    "Less": "Greater",
    "GreaterOrEqual": "Less",
    "Floor": "Round",
    "Sqrt": "Abs",
    "Exp": "Abs",
    "Log": "Abs",
    "Abs": "Sqrt",
    "ReduceMax": "ReduceMean",
    "ReduceMean": "ReduceMax",
}
# what no sound can tell apart, and why
ALIKE = {
    ("Max", 1e-300): "stands where 0 would be divided, and the quotient is replaced",
    ("Max", 1.0): "a mean over nothing, which is replaced",
    ("Max", 0.0): "running sums of squares never fall",
    ("Where", 1.0): "stands where 0 would be divided by 0, and 0 / 1 as 0 / 0.6 is 0",
    ("Where", -1000.0): "below the floor, whatever it is",
    ("Mul", 1e-9): "parts equal frames from unequal ones, and none is that close",
    ("Add", 0.0): "the frames' length is even",
    ("Div", 64.0): "the descriptors ask for the energies' ratios only",
    ("Div", 200.0): "more blocks than there are, which are not counted",
}


def mutants(graph):
    """Each number changed, each operator exchanged, in what stands before the decision."""
    nodes = list(graph.graph.node)
    end = next(i for i, n in enumerate(nodes) if n.output[0] == "features")
    used = {name for n in nodes[:end] for name in n.input}
    values = {t.name: numpy_helper.to_array(t) for t in graph.graph.initializer}
    for place, tensor in enumerate(graph.graph.initializer):
        value = values[tensor.name]
        if tensor.name not in used or value.dtype.kind != "f" or value.size == 0:
            continue
        changed = onnx.ModelProto.FromString(graph.SerializeToString())
        new = (value * 0.6 + np.where(value == 0, 0.3, 0.0)).astype(value.dtype)
        changed.graph.initializer[place].CopyFrom(numpy_helper.from_array(new, tensor.name))
        users = {n.op_type for n in nodes[:end] if tensor.name in n.input}
        scalar = float(value.ravel()[0]) if value.size == 1 else None
        yield f"{tensor.name} {scalar} in {sorted(users)}", users, scalar, changed
    for place, node in enumerate(nodes[:end]):
        if node.op_type not in OTHER:
            continue
        changed = onnx.ModelProto.FromString(graph.SerializeToString())
        changed.graph.node[place].op_type = OTHER[node.op_type]
        scalars = [values[i].ravel() for i in node.input if i in values and values[i].size == 1]
        scalar = float(scalars[0][0]) if scalars else None
        yield f"{node.op_type} {scalar} at {place}", {node.op_type}, scalar, changed


@pytest.mark.parametrize("name", SETS)
def test_changing_any_stage_before_the_decision_is_found_out(name, monkeypatch):
    known = {}

    def once(x, rate, sets, **options):
        key = x.tobytes()
        known[key] = known.get(key) or extract(x, rate, sets, **options)
        return known[key]

    monkeypatch.setattr(proof, "extract", once)
    monkeypatch.setattr(proof, "_reference", lambda *_: [])
    rate = 2000  # enough for every stage, and quick
    model, sounds = decision(name, rate), clips(2, rate)
    graph = build_graph(model, name, rate)
    assert prove(graph, model, sounds, name, rate).holds
    survivors, n = [], 0
    for what, users, scalar, changed in mutants(graph):
        try:
            found_out = not prove(changed, model, sounds, name, rate).holds
        except Exception:  # no types or shapes that fit: the runtime refuses it
            found_out = True
        n += 1
        alike = any((op, scalar) in ALIKE for op in users)
        if not found_out and not alike:
            survivors.append(what)
    assert n > 30
    assert not survivors, "\n".join(survivors)


def test_a_clip_near_a_threshold_is_counted_and_many_are_not_accepted(monkeypatch):
    """The threshold of a rule lies on a feature, which the last digit moves to the other side."""
    sounds = clips(60)
    X = rows(sounds, "levels")
    rule = models.Rule().fit(X, np.arange(60) % 2)
    rule.feature = list(features.LEVEL_COLUMNS).index("RMS")
    rule.table = np.log([[0.9, 0.1], [0.1, 0.9]])
    model = Decision(rule, 1.0, ("a", "b"))

    def proven_with(n):
        """The tool chain sees n clips one digit above the threshold, the graph all of them on it."""
        column = X[:n, rule.feature]
        rule.thresholds = column[:1]
        moved = {x.tobytes() for x in sounds[:n]}

        def above(x, rate, sets, **options):
            found = {name: F.copy() for name, F in extract(x, rate, sets, **options).items()}
            if x.tobytes() in moved:
                F = found["levels"]
                F[0, rule.feature] = np.nextafter(F[0, rule.feature], np.float32(np.inf))
            return found

        monkeypatch.setattr(proof, "extract", above)
        return prove(build_graph(model, "levels", RATE), model, sounds, "levels", RATE)

    one = proven_with(1)
    assert one.holds
    assert one.near_threshold == 1
    monkeypatch.setattr(proof, "MOST_NEAR", 0.0)
    sounds[1] = sounds[0].copy()
    X[1] = X[0]
    assert not proven_with(2).holds


def test_a_fault_of_the_graph_on_few_clips_is_no_threshold(monkeypatch):
    """Only what the last digit of the samples explains is excused."""
    sounds = clips(60)
    model = decision("levels")
    graph = build_graph(model, "levels", RATE)

    def wrong_on_the_first(x, rate, sets, **options):
        found = {name: X.copy() for name, X in extract(x, rate, sets, **options).items()}
        if np.abs(x - sounds[0][: len(x)]).max() < 1e-6 if len(x) == len(sounds[0]) else False:
            found["levels"][0, 2] += 1.0
        return found

    monkeypatch.setattr(proof, "extract", wrong_on_the_first)
    found = prove(graph, model, sounds, "levels", RATE)
    assert not found.holds
    assert found.near_threshold == 0


def test_a_loudest_frame_that_the_last_digit_decides_is_near_a_threshold():
    """Two frames, equally loud but for the last digit: which one is the loudest is no fault."""
    rng = np.random.default_rng(0)
    x = np.zeros(RATE)
    burst = rng.standard_normal(100)
    x[400:500], x[2400:2500] = burst, burst * (1 - 0.5e-9)
    x = x.astype(np.float32)
    model = decision("levels")
    graph = build_graph(model, "levels", RATE)
    task = proof._Task(model, [x], rows([x], "levels"), 0, lambda y: rows([y], "levels")[0])
    moved = np.nextafter(x, np.where(np.arange(len(x)) < 1000, 0, x * 2).astype(np.float32))
    assert rows([moved], "levels")[0, 7] != rows([x], "levels")[0, 7]  # its time
    assert task._last_digit_decides(x, rows([moved], "levels")[0])
    assert not task._last_digit_decides(x, rows([x * 1.1], "levels")[0])
    assert prove(graph, model, [x], "levels", RATE).holds


def test_every_feature_set_that_a_model_may_stand_on_has_a_graph():
    assert list(SETS) == [s.name for s in features.FEATURE_SETS.values() if not s.shortcut]


def test_weights_that_are_no_numbers_never_pass_the_proof():
    model = decision("mfcc")
    model.estimator.intercept = np.array([np.nan, 0.0, 0.0])
    found = prove(build_graph(model, "mfcc", RATE), model, clips(2), "mfcc", RATE)
    assert found.max_difference == np.inf
    assert not found.holds


def test_a_regression_and_a_constant_answer_are_proven_too():
    X = rows(clips(8), "mfcc")
    for estimator in (
        models.Linear("regression").fit(X, np.arange(8.0) * 100),
        models.Majority("regression").fit(X, np.arange(8.0)),
    ):
        model = Decision(estimator)
        graph = build_graph(model, "mfcc", RATE)
        assert [o.name for o in graph.graph.output] == ["value", "features"]
        assert prove(graph, model, clips(3), "mfcc", RATE).holds
    even = Decision(models.Majority().fit(X, np.arange(8) % 2), 1.0, ("a", "b"))
    assert prove(build_graph(even, "mfcc", RATE), even, clips(3), "mfcc", RATE).holds


def test_a_large_forest_is_not_handed_to_the_slow_reference(monkeypatch):
    X = rows(clips(8), "levels")
    model = Decision(models.Forest(n_trees=5).fit(X, np.arange(8) % 2), 1.0, ("a", "b"))
    graph = build_graph(model, "levels", RATE)
    assert prove(graph, model, clips(2), "levels", RATE).n_reference == 14
    monkeypatch.setattr(proof, "REFERENCE_NODES", 3)
    assert prove(graph, model, clips(2), "levels", RATE).n_reference == 0


def test_shortcuts_have_no_graph():
    with pytest.raises(InputError, match="name is 'duration'"):
        build_graph(decision("mfcc"), "duration", RATE)


def test_corner_sounds_are_what_they_are_called():
    silence, one, short, impulse, tone, *rest = corner_sounds(RATE)
    faint, soft, late, decay, square, stairs, click = rest
    assert not silence.any()
    assert len(one) == 1
    assert len(short) < 0.032 * RATE
    assert np.count_nonzero(impulse) == 1
    assert_allclose(np.abs(tone).max(), 1, atol=0.02)
    assert np.abs(faint).max() < 1e-5
    assert not late[: RATE // 2].any()
    assert np.argmax(np.abs(decay)) > 0.29 * RATE
    assert len(stairs) == 4 * RATE
    assert np.flatnonzero(click).tolist() == [len(click) - 1]
    assert len(click) % 40 == 39  # behind the middle of its last frame: no other one sees it
    assert np.abs(faint).max() < np.abs(soft).max() / 100
    assert set(np.unique(square)) <= {-1.0, 1.0}
