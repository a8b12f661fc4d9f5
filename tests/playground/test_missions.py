"""Every mission is solved by a training, none by its start, and none by making the task easier."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp.nonlinear import mlp_compiled
from ddasp.nonlinear.spec import ModelSpec
from ddasp.playground.datasets import Points
from ddasp.playground.knowing.measures import measure
from ddasp.playground.knowing.missions import MISSIONS, check, facts_of, settings_of
from ddasp.playground.knowing.stability import sharpness
from ddasp.playground.settings import INPUT_KEYS, SETTINGS, Settings, as_json, parse
from ddasp.playground.training.experiment import Experiment

KEYS = [mission["key"] for mission in MISSIONS]


def stats(experiment: Experiment) -> dict[str, Any]:
    """What a session would say of a state, with everything that a mission may need."""
    material, spec = experiment.material, experiment.spec
    points = material.points
    found = sharpness(
        spec, experiment.theta, material.U_train, material.t_train, experiment.optimizer,
        memory=experiment.memory,
    )  # fmt: skip
    return {
        "settings": experiment.settings,
        "spec": spec,
        "epoch": experiment.exact_epoch,
        "n_updates": experiment.n_updates,
        "losses": experiment.losses(),
        "unbroken": experiment.state.log.base.theta is None,
        "sharpness": {"value": found.value, "limit": found.limit},
        **measure(
            outputs(experiment),
            points.y,
            material.sets,
            activation=spec.activations[-1],
            n_classes=len(points.classes),
        ),
    }


def outputs(experiment: Experiment) -> np.ndarray:
    model = mlp_compiled.build(experiment.spec, experiment.theta)
    return mlp_compiled.predict(model, experiment.U)


def only(*keys: str) -> dict[str, bool]:
    return {key: key in keys for key in INPUT_KEYS}


def by_hand(experiment: Experiment) -> None:
    """Weights that differ from unit to unit, as someone would type them."""
    for j, (w1, w2) in enumerate([(0.5, -0.5), (-0.5, 0.2), (0.3, 0.6), (-0.2, -0.6)]):
        experiment.edit(1, 0, j, w1)
        experiment.edit(1, 1, j, w2)
        experiment.edit(2, j, 0, 0.5 if j % 2 else -0.5)
    experiment.train(epochs=400)


def trained(epochs: int, **values: Any) -> Callable[[Experiment], None]:
    def solve(experiment: Experiment) -> None:
        experiment.change(values)
        assert experiment.train(epochs=epochs) == ""

    return solve


def sine(experiment: Experiment) -> None:
    """Other first weights until one start gets there, as someone would."""
    for seed in range(8):
        experiment.change(
            {"networkShape": "6", "optimizer": "adam", "activation": "sigmoid", "seed": seed}
        )
        experiment.reset()
        experiment.train(epochs=1000)
        if check("sine", stats(experiment))["done"]:
            return


SOLUTIONS: dict[str, Callable[[Experiment], None]] = {
    "line": trained(100, networkShape=""),
    "feature": trained(200, scale="standard", **only("xSquared", "ySquared")),
    "triangle": trained(400, networkShape="3"),
    "hidden": trained(400, networkShape="3", activation="relu"),
    "symmetry": by_hand,
    "scale": trained(50, scale="standard"),
    "edge": trained(6000, learningRate=0.1),
    "sine": sine,
    "rings": trained(400, networkShape="3", optimizer="adam", learningRate=0.1, activation="relu"),
    "few": trained(600, regularization="L2", regularizationRate=0.01),
    "spiral": trained(
        6000, networkShape="4", optimizer="adam", learningRate=0.03, batchSize=250, seed=5,
        **only("x", "y", "sinX", "sinY"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("key", [key for key in KEYS if key != "leak"])
def test_a_training_solves_it(key: str) -> None:
    experiment = Experiment(settings_of(key))
    before = check(key, stats(experiment))
    assert not before["done"]
    assert before["parts"][-1]["met"], before["parts"][-1]
    SOLUTIONS[key](experiment)
    found = check(key, stats(experiment))
    assert found["done"], found


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("leak", "edge")])
def test_its_start_does_not_solve_it_however_long_it_trains(key: str) -> None:
    experiment = Experiment(settings_of(key))
    experiment.train(epochs=600)
    assert not check(key, stats(experiment))["done"]


def perfect(settings: Settings) -> dict[str, Any]:
    """A state that meets every bound."""
    return {
        "settings": settings, "spec": ModelSpec((1, 1), ("linear",), "squared_error"),
        "epoch": 500.0, "n_updates": 9999, "losses": (0.0, 0.0, 0.0), "r2": {"test": 1.0},
        "sharpness": {"value": 1.0, "limit": 1.0},
        "accuracy": {name: {"value": 1.0} for name in ("train", "validation", "test")},
    }  # fmt: skip


def another(key: str, value: Any) -> Any:
    """A value of a setting that it does not have."""
    row = SETTINGS[key]
    if row.choices:
        return next(choice for choice in row.choices if choice != value)
    return {"switch": not value, "numbers": "7,7,7"}.get(row.kind, 15 if value != 15 else 20)


@pytest.mark.parametrize("key", [key for key in KEYS if key != "leak"])
def test_another_task_does_not_count(key: str) -> None:
    mission = next(one for one in MISSIONS if one["key"] == key)
    begin = settings_of(key)
    assert check(key, perfect(begin))["done"]
    data = {"source", "problem", "dataset", "regDataset", "noise", "dataSeed", "percTrainData"}
    assert data | {"percValidation"} <= set(mission["pinned"])
    for name in mission["pinned"]:
        value = another(name, as_json(begin)[name])
        found = check(key, perfect(parse({name: value}, begin)))
        assert not found["done"]
        assert not found["parts"][-1]["met"]
        assert SETTINGS[name].label in found["parts"][-1]["differs"][0]


def test_points_that_were_painted_over_do_not_count() -> None:
    experiment = Experiment(settings_of("line"))
    points = experiment.points
    easy = Points(
        **{**{name: getattr(points, name) for name in points.__dataclass_fields__}, "y": points.y}
    )
    experiment.replace_points(easy)
    found = check("line", stats(experiment))
    assert not found["parts"][-1]["met"]
    assert "Source is Own points" in found["parts"][-1]["differs"][0]


def test_the_leak_asks_for_both_trainings_of_the_same_network() -> None:
    base = settings_of("leak")
    spec = Experiment(settings_of("line")).spec

    def said(accuracy: float, epoch: float, **values: Any) -> dict[str, Any]:
        return {
            "settings": parse(values, base), "spec": spec, "epoch": epoch, "n_updates": 100,
            "losses": (0.1, 0.1, 0.1), "unbroken": True, "accuracy": {"test": {"value": accuracy}},
        }  # fmt: skip

    found = check("leak", said(0.9, 10, split="file"))
    assert found["notes"] == {}  # too early
    found = check("leak", said(0.9, 40, split="file"), found["notes"])
    assert [part["met"] for part in found["parts"]] == [True, False, False, True]
    found = check("leak", said(0.7, 40, split="group"), found["notes"])
    assert found["done"]
    assert found["parts"][2]["value"] == pytest.approx(0.2)
    json.dumps(found, allow_nan=False)
    # another network: what the first one did no longer counts
    other = check("leak", said(0.7, 40, split="group", networkShape="7"), found["notes"])
    assert not other["done"]
    assert list(other["notes"]) == ["group"]
    # no difference, no leak
    again = check("leak", said(0.89, 40, split="group"), {})
    again = check("leak", said(0.9, 40, split="file"), again["notes"])
    assert not again["done"]


def test_the_leak_is_there_in_the_demo_sounds() -> None:
    from ddasp.playground.points.sounds import open_source

    settings = settings_of("leak")
    experiment = Experiment(settings, open_source("demo").points(settings))
    experiment.train(epochs=40)
    by_file = check("leak", stats(experiment))
    assert not by_file["done"]
    experiment.change({"split": "group"})
    experiment.train(epochs=40)  # without the reset: it has learned from what tests it now
    assert check("leak", stats(experiment), by_file["notes"])["notes"] == by_file["notes"]
    experiment.reset()
    experiment.train(epochs=40)
    found = check("leak", stats(experiment), by_file["notes"])
    assert found["done"], found


def test_all_is_json_and_said_in_whole_sentences() -> None:
    json.dumps(MISSIONS, allow_nan=False)
    assert len(set(KEYS)) == len(KEYS) >= 8
    for mission in MISSIONS:
        assert mission["settings"]["mission"] == mission["key"]
        for name in ("task", "lesson", "hint"):
            assert mission[name].endswith(".")
        assert mission["checks"]
        assert set(mission["pinned"]) <= set(SETTINGS)


def test_a_mission_that_needs_the_hessian_says_so_and_waits_for_it() -> None:
    experiment = Experiment(settings_of("edge"))
    without = {**stats(experiment), "sharpness": None}
    assert next(one for one in MISSIONS if one["key"] == "edge")["needs"] == ["stability"]
    found = check("edge", without)
    assert [part["value"] for part in found["parts"][2:4]] == [None, None]
    assert not found["done"]


def test_a_state_that_diverged_meets_nothing() -> None:
    experiment = Experiment(settings_of("line"))
    said = {**stats(experiment), "losses": (np.nan, np.nan, np.nan), "r2": {"test": None}}
    facts = facts_of(said)
    assert facts["test_loss"] is None
    json.dumps(facts, allow_nan=False)


def test_an_unknown_mission_is_named() -> None:
    with pytest.raises(InputError, match="did you mean 'spiral'"):
        settings_of("spirall")
