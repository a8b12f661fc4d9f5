"""Canaries: what changes on test rows only, features or labels, changes nothing that was learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ddasp._files import Ledger, to_json
from ddasp._progress import Silent
from ddasp.procedure import fits as module
from ddasp.procedure.candidates import FAMILIES
from ddasp.procedure.features import FeatureTable
from ddasp.procedure.fits import Candidate, Data, Fits, Goal, fit, outputs
from ddasp.procedure.outer import inner_folds
from ddasp.procedure.preparation import SHORTCUTS
from ddasp.procedure.selection import half_width_of, select
from ddasp.procedure.spot_check import Search, spot_check
from ddasp.procedure.workers import Workers

LIGHT = ("majority", "rule", "linear", "tree", "neighbours", "kernel", "svm")
N, TEST = 90, slice(75, 90)  # six groups of 15; the last is tested
TRAIN = np.arange(75)


def corpus(kind: str) -> Data:
    """Two variants of three features; the first is constant, the second tells the class or value."""
    rng = np.random.default_rng(0)
    y = np.arange(N) % 2 if kind == "classification" else rng.standard_normal(N)
    X = rng.standard_normal((2, N, 3)).astype(np.float32)
    X[:, :, 0] = 1
    X[:, :, 1] += 2 * y
    tables = {"levels": FeatureTable("levels", ("a", "b", "c"), X)}
    tables |= {name: FeatureTable(name, (name,), X[:1, :, :1]) for name in SHORTCUTS}
    groups = np.repeat([f"g{i}" for i in range(6)], 15)
    labels = ("no", "yes") if kind == "classification" else ()
    return Data(tables, y, labels, groups, np.full(N, -1))


def with_canary(data: Data) -> Data:
    """A feature that is constant except on the test rows."""
    tables = {}
    for name, table in data.tables.items():
        X = table.X.copy()
        X[:, TEST, 0] = 1e4
        tables[name] = replace(table, X=X)
    return replace(data, tables=tables)


def with_exchanged(data: Data) -> Data:
    """Test rows with other features and other labels altogether."""
    rng, y, tables = np.random.default_rng(1), data.y.copy(), {}
    y[TEST] = 1 - y[TEST]
    for name, table in data.tables.items():
        X = table.X.copy()
        X[:, TEST] = rng.normal(9, 3, X[:, TEST].shape)
        tables[name] = replace(table, X=X)
    return replace(data, tables=tables, y=y)


@pytest.mark.parametrize("change", [with_canary, with_exchanged])
@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("family", LIGHT)
def test_no_model_and_no_standardisation_knows_the_test_rows(family, kind, change):
    if kind not in FAMILIES[family].kinds:
        pytest.skip("not for this kind")
    plain = corpus(kind)
    changed = change(plain)
    candidate = Candidate(family, "levels", enlarged=True)
    a, b = (
        outputs(plain, candidate, fit(data, candidate, TRAIN, seed=1), TRAIN)
        for data in (plain, changed)
    )
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("change", [with_canary, with_exchanged])
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_no_choice_temperature_or_half_width_knows_what_is_held_out(kind, change, monkeypatch):
    def chosen(data: Data) -> str:
        monkeypatch.setattr(module, "load_data", lambda folder: data)
        search = Search(
            folder=Path("."),
            data_digest="d",
            families=("majority", "rule", "linear", "tree"),
            features=("levels",),
            folds=inner_folds(data, TRAIN, n_max=5, seed=0),
            goal=Goal("log_loss" if kind == "classification" else "mae"),
            cap=40,
            survivors=2,
            trials=2,
            finalists=2,
            seed=0,
        )
        fits = Fits(Ledger(None), Workers(1), Silent())
        spot = spot_check(data, search, fits)
        found = select(data, search, spot, fits)
        assert found.chosen.candidate.family != "majority"
        return to_json(
            [
                [[s.candidate.to_json(), s.scores] for s in (*spot.equal, *found.trials)],
                [found.chosen.candidate.to_json(), found.finalists, found.temperature],
                [spot.statements, half_width_of(data, found)],
            ]
        )

    plain = corpus(kind)
    assert chosen(plain) == chosen(change(plain))
