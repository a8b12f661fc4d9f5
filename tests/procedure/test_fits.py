from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp._files import Ledger
from ddasp._progress import Silent
from ddasp.procedure import fits as module
from ddasp.procedure.features import FeatureTable
from ddasp.procedure.fits import (
    Candidate,
    Data,
    Fits,
    FitTask,
    Goal,
    fit,
    fold_scores,
    outputs,
    pack,
    seed_of,
    subset,
    unpack,
)
from ddasp.procedure.workers import Workers


def blobs(n: int = 60, *, n_variants: int = 1) -> Data:
    """Two classes that differ in the first of three features; six groups."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    X = rng.standard_normal((n_variants, n, 3)).astype(np.float32)
    X[:, :, 0] += 4 * y
    groups = np.array([f"g{i // 2 % 6}" for i in range(n)])
    table = FeatureTable("mfcc", ("a", "b", "c"), X, None)
    return Data({"mfcc": table}, y, ("no", "yes"), groups, np.full(n, -1))


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Data:
    made = blobs()
    monkeypatch.setattr(module, "load_data", lambda folder: made)
    return made


def task(data: Data, candidate: Candidate, goal: Goal, **options: object) -> FitTask:
    rows = np.arange(len(data.y))
    test = data.groups == "g0"
    return FitTask(Path("."), "digest", candidate, rows[~test], rows[test], goal, 3, **options)


def test_a_candidate_survives_json() -> None:
    candidate = Candidate("mlp", "mfcc", (("noise", 0.3), ("width", 64)), enlarged=True)
    assert Candidate.from_json(candidate.to_json()) == candidate


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 90), st.integers(0, 99))
def test_a_subset_has_the_size_asked_for_and_spreads_over_classes_and_groups(
    n_groups: int, n_classes: int, size: int, seed: int
) -> None:
    n = 6 * n_groups * n_classes
    y, groups = (
        np.arange(n) % n_classes,
        np.array([f"g{i // n_classes % n_groups}" for i in range(n)]),
    )
    data = Data({}, y, tuple("abcd"[:n_classes]), groups, np.full(n, -1))
    rows = subset(data, np.arange(n), size, seed=seed)
    assert len(rows) == min(size, n) == len(set(rows))
    _, counts = np.unique([f"{groups[r]}/{y[r]}" for r in rows], return_counts=True)
    if len(rows) >= n_groups * n_classes:
        assert len(counts) == n_groups * n_classes
        assert counts.max() - counts.min() <= 1


def test_a_subset_depends_on_its_seed_and_on_nothing_else(data: Data) -> None:
    rows = np.arange(len(data.y))
    a, b, c = (subset(data, rows, 20, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_feature_that_is_constant_but_for_test_rows_changes_nothing_that_is_fitted() -> None:
    plain, planted = blobs(), blobs()
    test = np.flatnonzero(plain.groups == "g0")
    train = np.flatnonzero(plain.groups != "g0")
    plain.tables["mfcc"].X[0, :, 2] = 1.0
    planted.tables["mfcc"].X[0, :, 2] = 1.0
    planted.tables["mfcc"].X[0, test, 2] = 1e3
    for family in ("linear", "kernel", "svm", "neighbours", "mlp"):
        candidate = Candidate(family, "mfcc")
        a, b = (fit(d, candidate, train, seed=0) for d in (plain, planted))
        np.testing.assert_array_equal(
            outputs(plain, candidate, a, test), outputs(plain, candidate, b, test)
        )


def test_enlarging_multiplies_the_training_side_only(monkeypatch: pytest.MonkeyPatch) -> None:
    data = blobs(n_variants=3)
    seen = {}

    class Spy:
        n_parameters = 1

        def fit(self, X, y, *, n_classes):
            seen["X"], seen["y"] = X, y
            return self

    monkeypatch.setattr(
        type(module.FAMILIES["linear"]), "build", lambda self, *args, **kwargs: Spy()
    )
    train = np.arange(10, 30)
    fit(data, Candidate("linear", "mfcc", enlarged=True), train, seed=0)
    assert seen["X"].shape == (60, 3)
    np.testing.assert_array_equal(seen["y"], np.tile(data.y[train], 3))
    np.testing.assert_array_equal(seen["X"][20:40], data.tables["mfcc"].X[1, train])


def test_outputs_survive_the_ledger_to_the_last_bit() -> None:
    values = np.random.default_rng(0).standard_normal((7, 3))
    np.testing.assert_array_equal(unpack(pack(values), 7), values)
    np.testing.assert_array_equal(unpack(pack(values[:, 0]), 7), values[:, 0])


def test_a_finished_fit_is_looked_up_and_not_computed(data: Data, tmp_path: Path) -> None:
    goal = Goal("accuracy")
    tasks = [task(data, Candidate(name, "mfcc"), goal) for name in ("majority", "linear")]
    with Workers(1) as workers:
        first = Fits(Ledger(tmp_path / "a.fits"), workers, Silent()).run(tasks, "fits")

        class Never(Workers):
            def map(self, function, tasks, **options):
                assert not tasks
                return []

        again = Fits(Ledger(tmp_path / "a.fits"), Never(1), Silent()).run(tasks, "fits")
    assert again == first
    assert first[1]["score"] == 1.0


def test_the_key_of_a_fit_changes_with_all_that_its_result_depends_on(data: Data) -> None:
    goal = Goal("accuracy")
    plain = task(data, Candidate("linear", "mfcc"), goal)
    others = [
        task(data, Candidate("linear", "mfcc", (("C", 2.0),)), goal),
        task(data, Candidate("linear", "mfcc", enlarged=True), goal),
        task(data, Candidate("linear", "mfcc"), Goal("log_loss")),
        task(data, Candidate("linear", "mfcc"), goal, keep_outputs=True),
        FitTask(Path("."), "other", plain.candidate, plain.train, plain.test, goal, 3),
        FitTask(Path("."), "digest", plain.candidate, plain.train[1:], plain.test, goal, 3),
        FitTask(Path("."), "digest", plain.candidate, plain.train, plain.test, goal, 4),
    ]
    assert len({t.key for t in [plain, *others]}) == 8


def test_a_fold_is_judged_with_the_temperature_of_the_other_folds(data: Data) -> None:
    """Folds whose scores are right but far too bold: the others' temperature mends the log-loss."""
    goal = Goal("log_loss")
    rng = np.random.default_rng(0)
    tasks, results = [], []
    for fold in range(3):
        test = np.arange(20 * fold, 20 * fold + 20)
        right = rng.random(20) < 0.8
        scores = np.where((data.y[test] == 1) == right, 1.0, -1.0)[:, None] * np.array([-9.0, 9.0])
        tasks.append(FitTask(Path("."), "d", Candidate("linear", "mfcc"), test, test, goal, 0))
        results.append({"outputs": pack(scores)})
    assert fold_scores(data, goal, tasks, results).max() < 1.0  # at temperature 1 it would be 3.6


def test_seeds_come_from_names() -> None:
    assert seed_of(1, "a") == seed_of(1, "a")
    assert seed_of(1, "a") != seed_of(2, "a")
