"""Every number of the formula panel is the engine's, and every source line exists."""

import itertools
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp.nonlinear import mlp_compiled, mlp_numpy
from ddasp.nonlinear.spec import ModelSpec, Parameters, initial_parameters
from ddasp.nonlinear.steps import SGD, Adam, minibatches
from ddasp.playground.knowing import formulas
from ddasp.playground.knowing.formulas import MARKERS, source_of
from ddasp.playground.knowing.numbers import numbers

HEADS = [
    ("squared_error", "tanh", 1),
    ("squared_error", "linear", 1),
    ("squared_error", "sigmoid", 2),
    ("squared_error", "relu", 1),
    ("binary_cross_entropy", "sigmoid", 1),
    ("categorical_cross_entropy", "softmax", 3),
]
OPTIMIZERS = [SGD(0.05), SGD(0.05, momentum=0.9), Adam(0.02)]
PENALTIES = [(0.0, 0.0), (0.02, 0.0), (0.0, 0.3), (0.02, 0.3)]


def state(
    hidden: str, head: tuple[str, str, int], optimizer: SGD | Adam, penalties: tuple[float, float]
) -> tuple[mlp_compiled.Model, np.ndarray, np.ndarray, np.ndarray]:
    """A model that has been trained a little, its data, and the rows of its next update."""
    loss, last, k = head
    rng = np.random.default_rng(3)
    spec = ModelSpec((3, 4, 3, k), (hidden, hidden, last), loss, l1=penalties[0], l2=penalties[1])
    U = rng.normal(size=(30, 3))
    y = rng.integers(0, k, 30) if last == "softmax" else rng.integers(0, 2, (30, k)).astype(float)
    model = mlp_compiled.build(spec, initial_parameters(spec, rng))
    model, _ = mlp_compiled.fit(
        model, U, y, optimizer=optimizer, batches=minibatches(30, 7, 3, rng)
    )
    return model, U, y, rng.permutation(30)[:8]


def asked(
    model: Any, optimizer: SGD | Adam, U: np.ndarray, y: np.ndarray, batch: np.ndarray, **where: int
) -> dict[str, Any]:
    return numbers(
        model.spec, model.theta, model.memory, optimizer, U, y, batch,
        input_names=("x", "y", "xy"), **where,
    )  # fmt: skip


@pytest.mark.parametrize("hidden", ["tanh", "relu", "sigmoid", "linear"])
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("penalties", PENALTIES)
def test_the_engines_next_update_gives_the_predicted_weights(
    hidden: str, head: tuple[str, str, int], optimizer: SGD | Adam, penalties: tuple[float, float]
) -> None:
    model, U, y, batch = state(hidden, head, optimizer, penalties)
    after, _ = mlp_compiled.fit(model, U, y, optimizer=optimizer, batches=[batch])
    gradients = mlp_numpy.gradients(mlp_numpy.build(model.spec, model.theta), U[batch], y[batch])
    for layer in (1, 2, 3):
        for unit in range(model.spec.widths[layer]):
            found = asked(model, optimizer, U, y, batch, layer=layer, unit=unit, sample=5)
            for one in found["parameters"]:
                place = 2 * layer - 2 + (one["i"] is None)
                index = (unit,) if one["i"] is None else (one["i"], unit)
                assert one["value"] == model.theta[place][index]
                assert one["gradient"] == pytest.approx(
                    gradients[place][index], rel=1e-12, abs=1e-14
                )
                assert one["new"] == pytest.approx(after.theta[place][index], rel=1e-12, abs=1e-14)
                assert one["lines"][-1]["value"] == one["new"]


@pytest.mark.parametrize("hidden", ["tanh", "relu", "sigmoid", "linear"])
@pytest.mark.parametrize("head", HEADS)
def test_forward_and_backward_numbers_are_those_of_the_passes(
    hidden: str, head: tuple[str, str, int]
) -> None:
    model, U, y, batch = state(hidden, head, SGD(0.05), (0.0, 0.0))
    spec, theta, sample = model.spec, model.theta, int(batch[2])
    n = len(batch)
    z, a = [], [U[sample]]
    for layer, activation in enumerate(spec.activations):
        z.append(a[-1] @ theta[2 * layer] + theta[2 * layer + 1])
        single = ModelSpec((len(z[-1]), len(z[-1])), (activation,), loss_for(activation))
        identity = (np.eye(len(z[-1])), np.zeros(len(z[-1])))
        a.append(mlp_numpy.predict(mlp_numpy.build(single, identity), z[-1][np.newaxis])[0])

    def loss_with_bias(layer: int, unit: int, h: float) -> float:
        """Loss of the sample, over n, with that unit's Z moved by h."""
        moved = [p.copy() for p in theta]
        moved[2 * layer - 1][unit] += h
        one = mlp_numpy.build(spec, tuple(moved))
        return mlp_numpy.loss(one, U[[sample]], y[[sample]]) / n

    for layer in (1, 2, 3):
        for unit in range(spec.widths[layer]):
            found = asked(model, SGD(0.05), U, y, batch, layer=layer, unit=unit, sample=sample)
            assert found["in_batch"]
            values = {line["section"]: line["value"] for line in found["lines"]}
            assert found["lines"][0]["value"] == pytest.approx(z[layer - 1][unit], rel=1e-12)
            assert values["forward"] == pytest.approx(a[layer][unit], rel=1e-12)
            terms = sum(term["product"] for term in found["terms"])
            assert terms + theta[2 * layer - 1][unit] == pytest.approx(
                z[layer - 1][unit], rel=1e-12
            )
            h = 1e-6
            slope = (loss_with_bias(layer, unit, h) - loss_with_bias(layer, unit, -h)) / (2 * h)
            assert values["backward"] == pytest.approx(slope, rel=1e-5, abs=1e-9)
            if layer == 3:
                expected = mlp_numpy.loss(mlp_numpy.build(spec, theta), U[[sample]], y[[sample]])
                assert values["loss"] == pytest.approx(expected, rel=1e-12)


def loss_for(activation: str) -> str:
    return "categorical_cross_entropy" if activation == "softmax" else "squared_error"


def evaluated(text: str) -> float:
    """The numbers of a line, as a pocket calculator has them."""
    text = text.replace("−", "-").replace("·", "*").replace("²", "**2").replace("½", "0.5*")
    names = {"exp": math.exp, "tanh": math.tanh, "max": max, "ln": math.log, "sqrt": math.sqrt}
    text = text.replace("ln ", "ln").replace("(√", "(sqrt ")
    for word in ("ln", "sqrt "):
        parts = text.split(word)
        text = parts[0] + "".join(
            f"{word.strip()}({number}){part[len(number) :]}"
            if not part.startswith("(")
            else word.strip() + part
            for part in parts[1:]
            for number in [leading(part)]
        )
    return float(eval(text, {"__builtins__": {}}, names))


def leading(text: str) -> str:
    """The number that a text begins with."""
    n = 0
    while n < len(text) and (text[n].isdigit() or (text[n] in ".e-" and text[n : n + 1] != " ")):
        n += 1
    return text[:n]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_whoever_types_the_numbers_gets_the_value(
    head: tuple[str, str, int], optimizer: SGD | Adam
) -> None:
    n_checked = 0
    for hidden in ("tanh", "sigmoid"):
        model, U, y, batch = state(hidden, head, optimizer, (0.02, 0.3))
        for layer, unit in ((1, 0), (2, 2), (3, 0)):
            found = asked(model, optimizer, U, y, batch[:3], layer=layer, unit=unit, sample=4)
            lines = found["lines"] + [one for p in found["parameters"] for one in p["lines"]]
            for one in lines:
                if ">" in one["numeric"] or "above" in one["numeric"]:
                    continue
                assert evaluated(one["numeric"]) == pytest.approx(
                    one["value"], rel=2e-4, abs=2e-6
                ), one
                n_checked += 1
    assert n_checked > 100


def test_long_sums_say_how_many_terms_are_not_shown() -> None:
    model, U, y, batch = state("tanh", HEADS[0], SGD(0.05), (0.0, 0.0))
    found = asked(model, SGD(0.05), U, y, batch, layer=1, unit=0, sample=0)
    assert found["parameters"][0]["lines"][0]["numeric"].endswith("… (5 more)")
    assert [one["from"] for one in found["parameters"]] == ["x", "y", "xy", "1"]


def test_notation_is_that_of_the_lessons() -> None:
    model, U, y, batch = state("tanh", HEADS[0], Adam(0.02), (0.02, 0.0))
    found = asked(model, Adam(0.02), U, y, batch, layer=2, unit=1, sample=0)
    symbols = [one["symbolic"] for one in found["lines"]]
    assert symbols[:2] == ["z₂ = Σᵢ aᵢ wᵢ₂ + b₂", "a₂ = tanh(z₂)"]
    assert "D₂ = dL/da₂ · f′(z₂)" in symbols
    weight = [one["symbolic"] for one in found["parameters"][0]["lines"]]
    assert weight[0] == "dL/dw₁₂ = Σₙ aₙ Dₙ"
    assert "λ sign(w₁₂)" in weight
    assert "m ← β₁ m + (1 − β₁) g" in weight
    momentum = asked(model, SGD(0.1, momentum=0.5), U, y, batch, layer=2, unit=1, sample=0)
    assert "v ← β v − μ g" in [one["symbolic"] for one in momentum["parameters"][0]["lines"]]


def test_memory_of_the_numpy_engine_gives_the_same_numbers() -> None:
    model, U, y, batch = state("tanh", HEADS[0], Adam(0.02), (0.0, 0.0))
    memory = model.memory
    assert memory is not None

    def shaped(flat: np.ndarray) -> Parameters:
        parts = np.split(flat, np.cumsum([p.size for p in model.theta])[:-1])
        return tuple(v.reshape(p.shape) for v, p in zip(parts, model.theta, strict=True))

    other = mlp_numpy.Memory(memory.step, shaped(memory.first), shaped(memory.second))
    where = {"layer": 1, "unit": 1, "sample": 0}
    flat = asked(model, Adam(0.02), U, y, batch, **where)
    assert asked(replace(model, memory=other), Adam(0.02), U, y, batch, **where) == flat
    # what Adam remembers says nothing to momentum: it starts anew, as the engine does
    fresh = asked(model, SGD(0.1, momentum=0.9), U, y, batch, **where)
    after, _ = mlp_compiled.fit(model, U, y, optimizer=SGD(0.1, momentum=0.9), batches=[batch])
    assert fresh["parameters"][0]["new"] == pytest.approx(after.theta[0][0, 1], rel=1e-12)
    assert fresh["update"] == 1


def test_everything_is_json_even_after_a_divergence() -> None:
    model, U, y, batch = state("tanh", HEADS[0], SGD(0.05), (0.0, 0.0))
    theta = tuple(p * np.inf for p in model.theta)
    found = asked(replace(model, theta=theta), SGD(0.05), U, y, batch, layer=2, unit=0, sample=0)
    json.dumps(found, allow_nan=False)
    assert found["lines"][0]["value"] is None


def test_an_input_shows_its_value() -> None:
    model, U, y, batch = state("tanh", HEADS[0], SGD(0.05), (0.0, 0.0))
    found = asked(model, SGD(0.05), U, y, batch, layer=0, unit=2, sample=3)
    assert found["title"] == "Input xy"
    assert found["lines"][0]["value"] == U[3, 2]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"layer": 4, "unit": 0, "sample": 0}, "layer is 4; expected 0 to 3"),
        ({"layer": 1, "unit": 4, "sample": 0}, "unit of layer 1 is 4; expected 0 to 3"),
        ({"layer": 1, "unit": 0, "sample": 30}, "sample is 30; expected 0 to 29"),
        ({"layer": -1, "unit": 0, "sample": 0}, "layer is -1"),
    ],
)
def test_what_is_not_there_is_named(where: dict[str, int], message: str) -> None:
    model, U, y, batch = state("tanh", HEADS[0], SGD(0.05), (0.0, 0.0))
    with pytest.raises(InputError, match=message):
        asked(model, SGD(0.05), U, y, batch, **where)
    with pytest.raises(InputError, match="batch is empty"):
        asked(model, SGD(0.05), U, y, batch[:0], layer=1, unit=0, sample=0)


@pytest.mark.parametrize("key", list(MARKERS))
def test_every_marker_stands_in_its_module_exactly_once(key: str) -> None:
    found = source_of(key)
    path = formulas.MODULES[found["file"]].__file__
    assert path is not None
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert lines[found["line"] - 1].strip() == found["text"]
    assert MARKERS[key][1].strip() in found["text"]


def test_a_marker_that_is_gone_or_ambiguous_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for marker, times in (("no such text at all", 0), ("import numpy", None)):
        monkeypatch.setitem(MARKERS, "odd", ("mlp_numpy", marker if times == 0 else "def "))
        source_of.cache_clear()
        with pytest.raises(InputError, match="expected once"):
            source_of("odd")
    source_of.cache_clear()


def test_all_combinations_of_settings_point_at_lines() -> None:
    for hidden, head, optimizer in itertools.product(("tanh", "relu"), HEADS, OPTIMIZERS):
        model, U, y, batch = state(hidden, head, optimizer, (0.02, 0.3))
        for layer in (1, 3):
            found = asked(model, optimizer, U, y, batch, layer=layer, unit=0, sample=0)
            lines = found["lines"] + [one for p in found["parameters"] for one in p["lines"]]
            without = [one["symbolic"] for one in lines if one["source"] is None]
            assert set(without) <= {"g = dL/dw + penalty"}
