from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddasp._files import Ledger
from ddasp._progress import Silent
from ddasp.procedure import fits as module
from ddasp.procedure.candidates import FAMILIES, Choice, LogRange
from ddasp.procedure.features import FeatureTable
from ddasp.procedure.fits import Data, Fits, Goal
from ddasp.procedure.outer import inner_folds
from ddasp.procedure.selection import select
from ddasp.procedure.spot_check import Search, pairs, spot_check
from ddasp.procedure.workers import Workers


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> Data:
    """A disc inside a ring: no line and no threshold on one number can part them."""
    rng = np.random.default_rng(0)
    y = np.arange(240) % 2
    angle, radius = rng.uniform(0, 2 * np.pi, 240), 1 + 2.0 * y + 0.2 * rng.standard_normal(240)
    X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)[None]
    groups = np.array([f"g{i // 2 % 5}" for i in range(240)])
    named = {
        name: FeatureTable(name, ("a", "b"), X, None)
        for name in ("levels", "mfcc", "duration", "rate", "level")
    }
    for name in ("duration", "rate", "level"):
        named[name] = FeatureTable(name, (name,), np.zeros((1, 240, 1), np.float32), None)
    data = Data(named, y, ("disc", "ring"), groups, np.full(240, -1))
    monkeypatch.setattr(module, "load_data", lambda folder: data)
    return data


def search_of(data: Data, **changes: object) -> Search:
    folds = inner_folds(data, np.arange(len(data.y)), n_max=5, seed=0)
    options = {
        "folder": Path("."),
        "data_digest": "d",
        "families": ("majority", "rule", "linear", "kernel", "tree"),
        "features": ("levels", "mfcc"),
        "folds": folds,
        "goal": Goal("accuracy"),
        "cap": 60,
        "survivors": 2,
        "trials": 2,
        "finalists": 2,
        "seed": 0,
    }
    return Search(**(options | changes))


def test_every_pair_gets_the_same_budget_and_the_same_folds(rings: Data) -> None:
    with Workers(1) as workers:
        spot = spot_check(rings, search_of(rings), Fits(Ledger(None), workers, Silent()))
    # majority once, four families on two sets, three shortcuts
    assert len(spot.equal) == 1 + 4 * 2 + 3
    assert {s.n_train for s in spot.equal} == {60}
    assert {len(s.scores) for s in spot.equal} == {5}
    assert spot.n_fits == (len(spot.equal) + len(spot.whole)) * 5


def test_learning_and_non_linearity_pay_where_no_line_can_part_the_classes(rings: Data) -> None:
    with Workers(1) as workers:
        spot = spot_check(rings, search_of(rings), Fits(Ledger(None), workers, Silent()))
    over_rule, over_linear = spot.statements
    assert over_linear["answer"] == "yes"
    assert over_linear["n_compared"] == 4
    assert over_rule["p_corrected"] >= over_rule["p"]
    assert next(s for s in spot.equal if s.word == "shortcut").mean == 0.5


def test_shortcuts_never_pass_to_the_second_stage(rings: Data) -> None:
    with Workers(1) as workers:
        spot = spot_check(rings, search_of(rings), Fits(Ledger(None), workers, Silent()))
    assert "shortcut" not in {s.word for s in spot.whole}
    assert {s.word for s in spot.whole} == {"baseline", "rule", "linear", "nonlinear"}


def test_the_choice_lies_within_one_standard_error_and_is_the_simplest_that_does(
    rings: Data,
) -> None:
    with Workers(1) as workers:
        fits = Fits(Ledger(None), workers, Silent())
        search = search_of(rings)
        selection = select(rings, search, spot_check(rings, search, fits), fits)
    within = [f for f in selection.finalists if f["within"]]
    assert FAMILIES[selection.chosen.candidate.family].order == min(f["order"] for f in within)
    for row in within:
        assert row["difference_to_best"] <= row["se_difference"] + 1e-9
    assert selection.best.mean == max(f["mean"] for f in selection.finalists)
    assert selection.temperature > 0


def test_an_interrupted_selection_goes_on_as_if_nothing_had_happened(
    rings: Data, tmp_path: Path
) -> None:
    search = search_of(rings)

    def whole(path: Path | None) -> tuple:
        with Workers(1) as workers:
            fits = Fits(Ledger(path), workers, Silent())
            selection = select(rings, search, spot_check(rings, search, fits), fits)
        return selection.chosen.candidate, [(t.candidate, t.mean) for t in selection.trials]

    undisturbed = whole(None)
    path = tmp_path / "search.fits"
    assert whole(path) == undisturbed
    lines = path.read_bytes().splitlines(keepends=True)
    for n in (10, len(lines) // 2, len(lines) - 3):  # killed here, in the middle of a line
        path.write_bytes(b"".join(lines[:n]) + lines[n][: len(lines[n]) // 2])
        assert whole(path) == undisturbed


def test_the_majority_stands_once_and_a_regression_has_its_families() -> None:
    names = [
        c.family for c in pairs(("majority", "linear", "cnn"), ("levels", "logmel"), "regression")
    ]
    assert names == ["majority", "linear", "linear", "tree", "tree", "tree"]


def test_defaults_lie_inside_the_search_space_of_every_family() -> None:
    for family in FAMILIES.values():
        for name, space in family.space.items():
            value = family.defaults[name]
            if isinstance(space, Choice):
                assert value in space.values, (family.name, name)
            else:
                assert isinstance(space, LogRange)
                assert space.low <= value <= space.high, (family.name, name)
