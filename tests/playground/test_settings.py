"""The table of settings: what is accepted, what stands in an address, what the page is told."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp._errors import InputError
from ddasp.playground.settings import (
    EFFECTS,
    GROUPS,
    SCHEMA,
    SETTINGS,
    Settings,
    as_json,
    from_address,
    parse,
    read_address,
    to_address,
)


def _values(key: str) -> st.SearchStrategy[Any]:
    row = SETTINGS[key]
    if row.choices:
        return st.sampled_from(sorted(row.choices))
    numbers = st.floats(row.low, min(row.high, 1e9))
    whole = st.integers(int(row.low), int(min(row.high, 1e9)))
    text = st.text(
        st.characters(categories=("L", "N", "P", "S", "Zs")).filter(str.isprintable),
        min_size=1,
        max_size=12,
    )
    return {
        "number": numbers,
        "whole": whole,
        "switch": st.booleans(),
        "numbers": st.lists(whole, max_size=row.most).map(tuple),
        "names": st.lists(text, max_size=5, unique=True).map(tuple),
        "text": text,
        "speed": st.one_of(numbers, st.just(math.inf)),
    }[row.kind]


settings_drawn = st.fixed_dictionaries({}, optional={key: _values(key) for key in SETTINGS}).map(
    lambda values: replace(Settings(), **values)
)


@given(settings_drawn)
def test_settings_survive_an_address_and_json(settings: Settings) -> None:
    assert from_address("#" + to_address(settings)) == settings
    assert read_address(to_address(settings))[1] == []
    assert parse(json.loads(json.dumps(as_json(settings), allow_nan=False))) == settings


def test_an_address_names_only_what_is_not_the_default_in_the_order_of_the_table() -> None:
    assert to_address(Settings()) == ""
    given_backwards = parse({"stopEpoch": 9, "learningRate": 0.00001, "noise": 25, "x": False})
    assert to_address(given_backwards) == "noise=25&x=false&learningRate=1e-05&stopEpoch=9"


def test_the_schema_is_json_and_describes_every_setting_once() -> None:
    schema = json.loads(json.dumps(SCHEMA, allow_nan=False))
    assert [one["key"] for one in schema["controls"]] == [one.name for one in fields(Settings)]
    for one in schema["controls"]:
        assert one["group"] in GROUPS
        assert one["effect"] in EFFECTS
        assert one["label"]
        assert one["help"].endswith(".")
        for key, values in one.get("when", {}).items():
            assert set(values) <= set(SETTINGS[key].choices)
        assert (
            getattr(parse({one["key"]: one["default"]}), one["key"]) == SETTINGS[one["key"]].default
        )
        assert ("choices" in one) == (one["kind"] == "choice")


# An address of TensorFlow Playground with all its keys.
ORIGINAL = (
    "#activation=relu&regularization=L2&batchSize=27&dataset=spiral&regDataset=reg-gauss"
    "&learningRate=0.003&regularizationRate=0.01&noise=15&networkShape=6,3,2&seed=0.71428"
    "&showTestData=true&discretize=true&percTrainData=70&x=false&y=true&xTimesY=true&xSquared=true"
    "&ySquared=false&cosX=false&sinX=true&cosY=false&sinY=true&collectStats=false&problem=regression"
    "&initZero=true&hideText=false&tutorial=&playButton_hide=true&learningRate_hide=true&noise_hide=false"
)


def test_an_address_of_the_original_is_read() -> None:
    settings, remarks = read_address(ORIGINAL)
    assert remarks == []
    assert settings == Settings(
        activation="relu", regularization="L2", batchSize=27, dataset="spiral",
        regDataset="reg-gauss", learningRate=0.003, regularizationRate=0.01, noise=15.0,
        networkShape=(6, 3, 2), seed=71428, dataSeed=71428, showTestData=True, discretize=True,
        percTrainData=70.0, x=False, xTimesY=True, xSquared=True, sinX=True, sinY=True,
        problem="regression", init="zero", hide=("playButton", "learningRate"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "key", "value", "remark"),
    [
        ("noise=80", "noise", 50.0, "taken as 50"),
        ("noise=-3", "noise", 0.0, "taken as 0"),
        ("networkShape=20,20", "networkShape", (4, 2), "left out"),
        ("networkShape=", "networkShape", (), ""),
        ("activation=swish", "activation", "tanh", "left out"),
        ("learningRate=fast", "learningRate", 0.03, "left out"),
        ("learningRate=nan", "learningRate", 0.03, "left out"),
        ("batchSize=2.5", "batchSize", 10, "left out"),
        ("seed=7", "dataSeed", 0, ""),
        ("unknown=1", "seed", 0, ""),
        ("%00%ff&&==", "seed", 0, ""),
    ],
)
def test_a_link_with_faults_still_opens(text: str, key: str, value: object, remark: str) -> None:
    settings, remarks = read_address(text)
    assert getattr(settings, key) == value
    assert len(remarks) == (1 if remark else 0)
    assert all(remark in one for one in remarks)


def test_an_address_with_thousands_of_keys_is_not_taken() -> None:
    settings, remarks = read_address("&".join(f"k{i}=1" for i in range(5000)))
    assert settings == Settings()
    assert "200" in remarks[0]


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"learningRat": 1}, "did you mean 'learningRate'"),
        ({"learningRate": -1}, "learningRate is -1; expected a number of 0 to 1e"),
        ({"learningRate": math.nan}, "learningRate is nan"),
        ({"learningRate": math.inf}, "learningRate is inf"),
        ({"learningRate": True}, "learningRate is True"),
        ({"learningRate": [1]}, r"learningRate is \[1\]"),
        ({"learningRate": 10**400}, "learningRate is 1000"),
        ({"batchSize": 0}, "batchSize is 0; expected a whole number of 1 to 1000"),
        ({"batchSize": "1e400"}, "batchSize"),
        ({"networkShape": "9"}, "whole numbers of 1 to 8"),
        ({"networkShape": [1] * 7}, "none to 6"),
        ({"networkShape": {"a": 1}}, "networkShape"),
        ({"activation": "Tanh"}, "did you mean 'tanh'"),
        ({"activation": 3}, "activation is 3"),
        ({"dataset": "reg-plane"}, "dataset is 'reg-plane'"),
        ({"x": "maybe"}, "expected true or false"),
        ({"x": 1}, "expected true or false"),
        ({"hide": "a,a"}, "each of them once"),
        ({"hide": "a,,b"}, "not empty"),
        ({"hide": ["x"] * 61}, "at most 60"),
        ({"mission": "x" * 201}, "at most 200 characters"),
        ({"mission": "a\nb"}, "printable"),
        ({"speed": "fast"}, "speed is 'fast'"),
        ({"momentum": 1.0}, "momentum"),
    ],
)
def test_what_can_not_be_is_refused_with_its_name(values: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        parse(values)


def test_a_message_does_not_repeat_a_flood_of_text() -> None:
    with pytest.raises(InputError) as caught:
        parse({"learningRate": "9" * 100_000})
    assert len(caught.value.message) < 300


def test_parse_keeps_what_is_not_named() -> None:
    base = Settings(noise=5.0)
    assert parse({"seed": "3"}, base) == Settings(noise=5.0, seed=3)
    assert base.seed == 0
