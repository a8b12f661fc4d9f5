"""Groups never straddle, every observation is tested once, copies never stand on both sides."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddasp._errors import InputError
from ddasp.procedure.fits import Data
from ddasp.procedure.outer import inner_folds
from ddasp.procedure.splits import Split, folds, plan, purge, too_few


def table(labels, groups=None, duplicate_set=None, target=None):
    n = len(labels)
    return pd.DataFrame(
        {
            "label": labels,
            "target": np.full(n, np.nan) if target is None else target,
            "group": [""] * n if groups is None else groups,
            "duplicate_set": [-1] * n if duplicate_set is None else duplicate_set,
        }
    )


@st.composite
def corpora(draw):
    n = draw(st.integers(8, 120))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n_groups = draw(st.integers(0, 60))
    groups = [""] * n if n_groups < 2 else [f"g{i}" for i in rng.integers(0, n_groups, n)]
    if n_groups >= 2:
        groups[:2] = ["g0", "g1"]
    labels = [f"c{i}" for i in rng.integers(0, draw(st.integers(1, 5)), n)]
    copies = rng.integers(-draw(st.integers(1, 40)), 6, n).clip(-1)
    kind = draw(st.sampled_from(["multi-class", "regression"]))
    target = rng.normal(size=n) if kind == "regression" else None
    return table(labels, groups, copies, target), kind, draw(st.integers(0, 99))


@given(corpora(), st.sampled_from([0.1, 0.25, 0.5]))
@settings(max_examples=80, deadline=None)
def test_no_split_lets_a_group_or_a_copy_stand_on_both_sides(corpus, share):
    rows, kind, seed = corpus
    split = plan(rows, kind=kind, share=share, seed=seed)
    group, copies = rows["group"].to_numpy(str), rows["duplicate_set"].to_numpy()
    sides = [*split.folds, (split.purged_development, split.sealed)]
    for train, test in sides:
        assert not set(train) & set(test)
        assert not set(group[train]) & set(group[test]) - {""}
        assert not set(copies[train]) & set(copies[test]) - {-1}
    tested = np.concatenate([test for _, test in split.folds])
    np.testing.assert_array_equal(np.sort(tested), split.purged_development)
    everyone = np.concatenate([split.sealed, split.development])
    np.testing.assert_array_equal(np.sort(everyone), np.arange(len(rows)))


@given(corpora())
@settings(max_examples=20, deadline=None)
def test_a_plan_is_repeatable_and_survives_the_run_folder(corpus):
    import json

    from ddasp._files import to_json

    rows, kind, seed = corpus
    split = plan(rows, kind=kind, seed=seed)
    stored = json.loads(to_json(split.to_json()))
    for other in (
        plan(rows, kind=kind, seed=seed),
        Split.from_json(stored, rows["duplicate_set"].to_numpy()),
    ):
        assert to_json(split.to_json()) == to_json(other.to_json())
        for (a, b), (c, d) in zip(split.folds, other.folds, strict=True):
            np.testing.assert_array_equal(a, c)
            np.testing.assert_array_equal(b, d)
        np.testing.assert_array_equal(split.purged_development, other.purged_development)


def test_six_groups_are_held_out_one_by_one():
    rows = table(["a", "b"] * 60, [f"speaker{i % 6}" for i in range(120)])
    split = plan(rows, kind="binary", seed=1)
    assert split.mode == "nested"
    assert split.fold_groups == tuple((f"speaker{i}",) for i in range(6))
    assert len(split.sealed) == 0
    assert "each group is held out once" in split.why


def test_twenty_groups_are_held_out_in_ten_folds_of_two():
    rows = table(["a", "b"] * 100, [f"g{i % 20:02d}" for i in range(200)])
    split = plan(rows, kind="binary", seed=1)
    assert split.mode == "nested"
    assert [len(names) for names in split.fold_groups] == [2] * 10


def test_forty_groups_give_a_sealed_set_of_ten_with_every_class_in_its_share():
    labels = ["a", "a", "a", "b"] * 100
    rows = table(labels, [f"g{i // 10:02d}" for i in range(400)])
    split = plan(rows, kind="binary", share=0.25, seed=1)
    assert split.mode == "sealed"
    assert len(set(rows["group"][split.sealed])) == 10
    shares = rows["label"][split.sealed].value_counts() / rows["label"].value_counts()
    np.testing.assert_allclose(shares, 0.25, atol=0.03)


def test_without_groups_each_class_is_sealed_in_its_share():
    rows = table(["a"] * 80 + ["b"] * 40 + ["c"] * 4)
    split = plan(rows, kind="multi-class", share=0.25, seed=3)
    assert split.mode == "sealed"
    assert rows["label"][split.sealed].value_counts().to_dict() == {"a": 20, "b": 10, "c": 1}
    assert "no groups are known" in split.why
    assert len(split.folds) == 5


def test_thirty_sounds_without_groups_are_too_few_to_seal():
    split = plan(table(["a", "b"] * 15), kind="binary", seed=0)
    assert split.mode == "nested"
    assert len(split.folds) == 5


def test_dealt_folds_are_alike_in_size_and_classes():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 1200).astype(str)
    y = rng.integers(0, 3, 1200)
    parts = folds(np.arange(1200), groups, y, kind="multi-class", seed=0)
    counts = np.array([np.bincount(y[test], minlength=3) for _, test in parts])
    assert counts.shape == (10, 3)
    assert np.ptp(counts.sum(axis=1)) <= 15
    np.testing.assert_allclose(counts, 40, atol=12)


def test_both_groups_of_a_rare_class_do_not_fall_into_one_fold():
    groups = np.repeat([f"g{i:02d}" for i in range(30)], 10)
    y = np.zeros(300, int)
    y[[3, 14]] = 1  # one sound each in g00 and g01
    for seed in range(10):
        parts = folds(np.arange(300), groups, y, kind="binary", seed=seed)
        assert all((y[train] == 1).any() for train, _ in parts)


def test_folds_of_a_regression_cover_the_range_of_the_target():
    y = np.linspace(0, 1, 100)
    for _, test in folds(np.arange(100), [""] * 100, y, kind="regression", seed=0):
        assert y[test].min() < 0.2
        assert y[test].max() > 0.8


def test_a_chain_of_copies_through_all_groups_keeps_the_groups_apart():
    groups = [f"g{i}" for i in range(6) for _ in range(10)]
    copies = np.full(60, -1)
    copies[::10] = 0  # the first sound of every group is the same sound
    split = plan(table(["a", "b"] * 30, groups, copies), kind="binary", seed=0)
    assert len(split.folds) == 6
    assert split.purged == (5,) * 6
    assert all(len(train) == 45 for train, _ in split.folds)


def test_purge_takes_copies_from_the_training_side_only():
    train, test = np.array([0, 1, 2, 3]), np.array([4, 5])
    np.testing.assert_array_equal(purge(train, test, [0, 0, -1, 1, 0, -1]), [2, 3])


def test_folds_within_a_side_number_its_rows():
    rows = np.array([1, 3, 5, 7])
    groups = np.array(["x", "a", "x", "a", "x", "b", "x", "b"])
    parts = folds(rows, groups, np.zeros(8), kind="binary", seed=0)
    assert [(a.tolist(), b.tolist()) for a, b in parts] == [([5, 7], [1, 3]), ([1, 3], [5, 7])]


def test_one_group_and_one_sound_are_refused():
    with pytest.raises(InputError, match=r"one group, 'a'; expected two or more"):
        folds(np.arange(3), ["a"] * 3, [0, 1, 0], kind="binary", seed=0)
    with pytest.raises(InputError, match="1 observations; expected two or more"):
        folds(np.arange(1), [""], [0], kind="binary", seed=0)


def test_a_class_is_set_aside_when_it_can_not_be_learned_and_tested():
    labels = ["ok"] * 4 + ["alone"] + ["copied"] * 3 + ["one group"] * 3
    groups = ["a", "b", "a", "b", "a", "a", "b", "a", "b", "b", "b"]
    copies = [-1] * 5 + [7, 7, 7] + [-1] * 3
    found = {item.label: item.why for item in too_few(labels, groups, copies)}
    assert found == {
        "alone": "1 sound; at least 3 are needed",
        "copied": "1 different sound; at least 3 are needed",
        "one group": "all of one group; sounds of at least 2 groups are needed",
    }


@given(st.integers(2, 8), st.integers(1, 6), st.integers(0, 50))
def test_without_groups_copies_are_kept_together_and_none_is_lost(n: int, copies: int, seed: int):
    sets = np.repeat(np.arange(n), copies)
    rows = np.arange(n * copies)
    blank = np.full(len(rows), "")
    parts = folds(rows, blank, sets % 2, kind="multi-class", seed=seed, duplicate_set=sets)
    for train, test in parts:
        assert len(purge(train, test, sets)) == len(train) > 0
    assert sorted(np.concatenate([test for _, test in parts])) == rows.tolist()


@given(
    st.lists(st.integers(1, 40), min_size=2, max_size=25),
    st.integers(2, 12),
    st.integers(0, 10_000),
)
@settings(max_examples=60, deadline=None)
def test_groups_of_any_sizes_stay_whole_in_outer_and_inner_folds(sizes, n_max, seed):
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat([f"g{i}" for i in range(len(sizes))], sizes))
    n = len(group)
    y, copies = rng.integers(0, 3, n), rng.integers(-20, 5, n).clip(-1)
    data = Data({}, y, ("a", "b", "c"), group, copies)
    outer = folds(np.arange(n), group, y, kind="multi-class", n_max=n_max, seed=seed)
    assert len(outer) == min(len(sizes), n_max)
    for train, test in outer:
        assert not set(group[train]) & set(group[test])
        if len(set(group[train])) < 2:
            continue  # of one group the inner choice is made by sounds
        for learned, tried in inner_folds(data, train, n_max=5, seed=seed):
            assert set(learned) | set(tried) <= set(train)
            assert not set(group[learned]) & set(group[tried])
            assert not set(copies[learned]) & set(copies[tried]) - {-1}
