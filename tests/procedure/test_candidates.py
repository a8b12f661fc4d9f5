"""Every family keeps the contract of candidates."""

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ddasp._errors import InputError
from ddasp.procedure.candidates import FAMILIES, Choice, LogRange

SHAPE = (6, 5)
EVERY = [(family, kind) for family in FAMILIES.values() for kind in family.kinds]
IDS = [f"{family.name}-{kind}" for family, kind in EVERY]
QUICK = {"mlp": {"n_epochs": 5}, "cnn": {"n_epochs": 2}, "forest": {"n_trees": 5}}


def build(family, kind, seed=0):
    if family.needs:
        pytest.importorskip(family.needs)
    return family.build(QUICK.get(family.name, {}), kind, seed, SHAPE)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=60)
    X = rng.normal(size=(60, 30)).astype(np.float32)
    X[:, 7] += 3 * y
    return X, y


def target(kind, y):
    return y if kind == "classification" else y * 10.0 + 3


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=IDS)
def test_equal_seeds_give_equal_outputs_and_inputs_stay_unchanged(family, kind, data):
    X, y = data
    before = X.copy()
    first, second = (build(family, kind, 3).fit(X, target(kind, y)) for _ in range(2))
    assert_array_equal(X, before)
    if kind == "classification":
        scores = first.scores(X)
        assert scores.shape == (60, 3)
        assert scores.dtype == np.float64
        assert_array_equal(scores, second.scores(X))
    values = first.predict(X)
    assert values.shape == (60,)
    assert_array_equal(values, second.predict(X))
    assert isinstance(first.n_parameters, int)
    assert first.n_parameters > 0


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=IDS)
def test_kinks_one_observation_constant_features_and_one_class(family, kind, data):
    X, y = data
    for rows, values in (
        (X[:1], target(kind, y)[:1]),
        (np.zeros_like(X), target(kind, y)),
        (X, np.full(60, target(kind, y)[0])),
        (X[:2], target(kind, np.array([0, 2]))),
    ):
        model = build(family, kind).fit(rows, values, n_classes=4 if kind[0] == "c" else None)
        out = model.scores(X) if kind == "classification" else model.predict(X)
        assert out.shape == ((60, 4) if kind == "classification" else (60,))
        assert np.isfinite(out).all()


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=IDS)
def test_one_row_gets_what_it_gets_among_many(family, kind, data):
    X, y = data
    model = build(family, kind).fit(X, target(kind, y))
    apply = model.scores if kind == "classification" else model.predict
    np.testing.assert_allclose(apply(X[4:5]), apply(X)[4:5], atol=1e-5)
    assert len(apply(X[:0])) == 0


@pytest.mark.parametrize(("family", "kind"), EVERY, ids=IDS)
def test_what_a_feature_plainly_tells_is_learned_by_all_but_the_majority(family, kind, data):
    X, y = data
    model = family.build({}, kind, 0, SHAPE) if family.name != "cnn" else build(family, kind)
    predicted = model.fit(X, target(kind, y)).predict(X)
    correct = np.mean(np.abs(predicted - target(kind, y)) < (1 if kind[0] == "c" else 6))
    assert (correct > 0.6) == (family.name not in ("majority", "cnn"))


def test_the_order_of_simplicity_is_strict_and_has_reasons():
    families = list(FAMILIES.values())
    assert [family.order for family in families] == list(range(len(families)))
    assert all(family.why for family in families)
    assert list(FAMILIES)[:3] == ["majority", "rule", "linear"]


def test_search_spaces_hold_parameters_and_their_defaults_are_plain_numbers():
    for family in FAMILIES.values():
        json.dumps(dict(family.defaults))
        for name, space in family.space.items():
            default = family.defaults[name]
            if isinstance(space, LogRange):
                assert 0 < space.low <= default <= space.high
            else:
                assert isinstance(space, Choice)
                assert default in space.values


def test_only_the_convolutional_network_asks_for_maps():
    assert [f.name for f in FAMILIES.values() if not f.accepts("mfcc")] == ["cnn"]
    assert FAMILIES["cnn"].accepts("logmel")
    with pytest.raises(InputError, match="learns from maps"):
        FAMILIES["cnn"].build({}, "classification", 0)


def test_wrong_parameters_and_kinds_are_named():
    with pytest.raises(InputError, match="did you mean 'gamma'"):
        FAMILIES["svm"].build({"gama": 1.0}, "classification", 0)
    with pytest.raises(InputError, match="cnn can't do regression"):
        FAMILIES["cnn"].build({}, "regression", 0, SHAPE)
