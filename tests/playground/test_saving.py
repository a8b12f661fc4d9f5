"""Saved and loaded: the same frame, the same future; and files that nobody saved."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddasp._errors import InputError
from ddasp.playground.datasets import Points
from ddasp.playground.settings import Settings, from_address
from ddasp.playground.training.experiment import Experiment
from ddasp.playground.training.frames import encode
from ddasp.playground.training.saving import loaded, weights_as_text, weights_from
from ddasp.playground.training.stretches import advance, order_of


def through_a_file(experiment: Experiment) -> Experiment:
    other = Experiment()
    other.load(json.loads(json.dumps(experiment.save(), allow_nan=False)))
    return other


def sounds() -> Points:
    rng = np.random.default_rng(0)
    return Points(
        rng.normal(size=(40, 3)), np.arange(40) % 2, "classification", ("kick", "snare"),
        ("level / dB", "pitch / Hz", "width"), None, tuple("abcd"[k // 10] for k in range(40)),
        tuple(f"s{k}" for k in range(40)), "40 sounds", (0, 2),
    )  # fmt: skip


EXPERIMENTS = {
    "circle": (Settings(), None),
    "adam": (Settings(optimizer="adam", learningRate=0.01, networkShape=(8, 8, 8)), None),
    "momentum": (
        Settings(optimizer="momentum", regularization="L1", regularizationRate=0.001),
        None,
    ),
    "classes": (Settings(dataset="blobs4", noise=20.0), None),
    "regression": (Settings(problem="regression", regDataset="reg-gauss"), None),
    "sounds": (Settings(source="sound", scale="standard", plane="pca"), sounds()),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_loaded_experiment_has_the_same_frame_and_the_same_future(name: str) -> None:
    given_settings, points = EXPERIMENTS[name]
    experiment = Experiment(given_settings, points)
    experiment.train(updates=19)
    experiment.change({"batchSize": 7})
    experiment.train(updates=5)
    experiment.step("sample")
    other = through_a_file(experiment)
    assert encode(other.frame(number=4)) == encode(experiment.frame(number=4))
    assert other.save() == experiment.save()
    assert other.history() == experiment.history()
    for one in (experiment, other):
        one.train(updates=50)
    assert encode(other.frame()) == encode(experiment.frame())


def test_edited_weights_and_points_are_in_the_file() -> None:
    experiment = Experiment()
    some = experiment.points
    experiment.replace_points(replace(some, X=some.X[:30] / 3, y=some.y[:30]))
    experiment.edit(1, 0, 0, 1 / 3)
    experiment.train(updates=2)
    experiment.change({"networkShape": "5"})
    other = through_a_file(experiment)
    assert other.points.X.tobytes() == experiment.points.X.tobytes()
    for one in (experiment, other):
        one.change({"networkShape": "6"})  # draws the same new unit
    assert encode(other.frame()) == encode(experiment.frame())


def test_what_diverged_is_saved_as_it_last_was() -> None:
    experiment = Experiment(
        Settings(regularization="L2", regularizationRate=10.0, learningRate=0.3)
    )
    assert experiment.train(epochs=1000) == "diverged"
    other = through_a_file(experiment)
    experiment.to_finite()
    assert encode(other.frame()) == encode(experiment.frame())
    assert all(map(math.isfinite, other.losses()))


def test_an_address_holds_settings_and_weights() -> None:
    experiment = Experiment(Settings(dataset="xor", networkShape=(3,)))
    experiment.train(epochs=4)
    address = experiment.address(weights=True)
    assert from_address(address) == experiment.settings
    values = dict(part.split("=") for part in address.split("&"))
    other = Experiment()
    other.change(values)
    assert [p.tobytes() for p in other.theta] == [p.tobytes() for p in experiment.theta]
    assert other.losses() == experiment.losses()
    assert Experiment().address() == ""


@pytest.mark.parametrize("text", ["", "AAAA", "%%%%", "ÄÖ", "A" * 10**6, 5, None, ["A"]])
def test_weights_that_do_not_fit_are_refused(text: object) -> None:
    with pytest.raises(InputError, match="25 finite numbers in base 64, for widths 2,4,2,1"):
        weights_from(text, Experiment().spec)


def test_weights_that_are_not_finite_are_refused() -> None:
    theta = (np.array([[np.nan]]), np.zeros(1))
    spec = replace(Experiment(Settings(networkShape=(), y=False)).spec)
    with pytest.raises(InputError, match="finite"):
        weights_from(weights_as_text(theta), spec)


# ---- files that nobody saved --------------------------------------------------------------------


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    experiment = Experiment(Settings(source="sound", optimizer="adam"), sounds())
    experiment.train(epochs=3)
    experiment.change({"learningRate": 0.1})
    experiment.train(updates=1)
    return json.loads(json.dumps(experiment.save()))


HOSTILE = [
    ("format", "png", "is this a file that the playground saved"),
    ("version", 2, "version 1"),
    ("settings", [], "settings is .*an object of JSON"),
    ("settings.networkShape", "9,9", "networkShape is '9,9'"),
    ("settings.networkShape", [1e308], "networkShape"),
    ("settings.__class__", "x", "a setting is '__class__'"),
    ("points", None, "points is None"),
    ("points.kind", "clustering", "points.kind is 'clustering'"),
    ("points.x", "abc", "points.x is 'abc'"),
    ("points.x", [[0.0, 0.0, 0.0]] * 5001, "at most 5000"),
    ("points.x.3", [1, 2], "3 finite numbers, one for each axis"),
    ("points.x.3", [1, 2, 1e999], "3 finite numbers"),
    ("points.x.3", [1, 2, "3"], "3 finite numbers"),
    ("points.x.3", [1, 2, [3]], "3 finite numbers"),
    ("points.x.3", [1, 2, 10**400], "3 finite numbers"),
    ("points.y.0", 2, "points.y is .*codes"),
    ("points.y.0", 0.5, "points.y is .*codes"),
    ("points.y.0", -1, "points.y is .*codes"),
    ("points.y.0", True, "points.y"),
    ("points.y", [0], "a list of 40 finite numbers"),
    ("points.axes", [], "points.axes"),
    ("points.axes", ["x" * 301] * 3, "at most 300"),
    ("points.classes", ["a"] * 11, "at most 10"),
    ("points.domain", -1, "points.domain"),
    ("points.ids", ["a"], "ids has 1 entries"),
    ("points.title", 5, "points.title"),
    ("points.suggested", [7], "points.suggested"),
    ("points.suggested", [True], "points.suggested"),
    ("sets", [0] * 39, "40 codes, each 0, 1 or 2"),
    ("sets.0", 3, "40 codes"),
    ("sets.0", True, "40 codes"),
    ("theta", [], "theta is .*a list of 25 finite numbers"),
    ("theta.3", None, "25 finite numbers"),
    ("theta.3", float("nan"), "25 finite numbers"),
    ("memory.first", [0.0], "memory.first"),
    ("memory.second.1", -1.0, "none of them negative"),
    ("memory.step", -1, "memory.step"),
    ("memory", 5, "memory is 5"),
    ("epoch", 1.5, "epoch is 1.5"),
    ("epoch", 10**30, "epoch is 1000"),
    ("row", 20, "row is 20; expected a whole number of 0 to 19"),
    ("n_updates", 3, "segments"),
    ("seen", 10, "seen is 10"),
    ("draws", "x", "draws is 'x'"),
    ("ceiling", "inf", "ceiling"),
    ("base", 1, "base is 1"),
    ("base.theta", [1.0], "base.theta"),
    ("base.row", -1, "base.row"),
    ("segments", [], "segments"),
    ("segments", [{}] * 25, "at most 24"),
    ("segments.0", 7, "a segment"),
    ("segments.0.n_updates", 10**13, "a segment.n_updates"),
    ("history", {}, "history.epoch"),
    ("history.epoch", [], "history"),
    ("history.train.0", "x", "history.train"),
    ("history.n_updates.1", 10**6, "rising"),
    ("history.epoch", [0] * 2001, "at most 2000"),
]


def spoiled(good: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(good)
    *parts, last = path.split(".")
    at: Any = data
    for part in parts:
        at = at[int(part) if part.isdigit() else part]
    at[int(last) if last.isdigit() else last] = value
    return data


@pytest.mark.parametrize(("path", "value", "match"), HOSTILE, ids=lambda v: str(v)[:24])
def test_a_file_with_one_wrong_entry_is_refused_by_its_name(
    good: dict[str, Any], path: str, value: Any, match: str
) -> None:
    experiment = Experiment()
    before = experiment.state
    with pytest.raises(InputError, match=match) as caught:
        experiment.load(spoiled(good, path, value))
    assert len(caught.value.message) < 500
    assert experiment.state is before


@pytest.mark.parametrize("data", [None, [], 5, "text", {}, {"format": "ddasp playground"}])
def test_what_is_no_file_at_all_is_refused(data: Any) -> None:
    with pytest.raises(InputError):
        Experiment().load(data)


def test_the_good_file_is_good(good: dict[str, Any]) -> None:
    Experiment().load(good)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
PATHS = sorted({path for path, _, _ in HOSTILE})


@settings(max_examples=60)
@given(path=st.sampled_from(PATHS), value=junk)
def test_whatever_stands_in_an_entry_it_is_taken_or_refused_in_words(
    good: dict[str, Any], path: str, value: Any
) -> None:
    try:
        state, _ = loaded(spoiled(good, path, value))
    except InputError:
        return
    after, _ = advance(state, order_of(state), 1)
    assert after.n_updates <= state.n_updates + 1
