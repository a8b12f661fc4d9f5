"""Who learns and who tests: whole groups, every class in training, shares as asked for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.playground.datasets import Points, make
from ddasp.playground.points.splitting import TEST, TRAIN, VALIDATION, leak, sets_for, shares
from ddasp.playground.settings import parse


def sounds(y, groups, X=None, kind="classification"):
    y = np.asarray(y)
    X = np.zeros((len(y), 3)) if X is None else X
    classes = tuple(f"c{k}" for k in range(int(y.max()) + 1)) if kind == "classification" else ()
    axes = tuple(f"x{j}" for j in range(X.shape[1]))
    names = None if groups is None else tuple(map(str, groups))
    return Points(X, y, kind, classes, axes, None, names, None, "")


@given(
    st.integers(10, 400), st.integers(1, 5), st.floats(10, 90), st.floats(0, 80),
    st.integers(0, 99),
)  # fmt: skip
def test_without_groups_counts_are_exact_and_classes_stand_in_their_shares(n, k, train, val, seed):
    y = np.random.default_rng(seed).integers(0, k, n)
    asked = parse({"percTrainData": train, "percValidation": val, "dataSeed": seed})
    sets = sets_for(sounds(y, None), asked)
    parts = shares(asked)
    assert_allclose(sum(parts), 1)
    assert parts[2] > 0.0499
    assert np.count_nonzero(sets == TRAIN) == int(n * parts[0] + 1e-9)
    assert np.count_nonzero(sets == VALIDATION) == int(n * parts[1] + 1e-9)
    for code in range(k):
        mine = sets[y == code]
        for which in (TRAIN, VALIDATION, TEST):
            assert abs(np.count_nonzero(mine == which) - parts[which] * len(mine)) <= k + 1


def test_the_default_of_the_original_is_half_and_half_when_nothing_validates():
    sets = sets_for(make("circle"), parse({"percValidation": 0}))
    assert np.bincount(sets, minlength=3).tolist() == [250, 0, 250]
    assert sets.dtype == np.int8


def test_the_seed_deals_and_the_same_seed_deals_the_same():
    points = make("xor")
    a, b, c = (sets_for(points, parse({"dataSeed": seed})) for seed in (1, 1, 2))
    assert_array_equal(a, b)
    assert np.count_nonzero(a != c) > 100


def test_targets_are_dealt_alike():
    points = make("reg-plane", seed=1)
    sets = sets_for(points, parse({}))
    means = [points.y[sets == k].mean() for k in range(3)]
    assert np.ptp(means) < 0.05


@st.composite
def grouped(draw):
    n_groups = draw(st.integers(2, 30))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.integers(n_groups, 300))
    groups = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n - n_groups)])
    k = draw(st.integers(1, 6))
    # some groups hold one class only
    y = np.where(rng.random(n) < draw(st.floats(0, 1)), groups % k, rng.integers(0, k, n))
    return sounds(y, groups), draw(st.integers(0, 99))


@given(grouped(), st.sampled_from([10, 50, 90]), st.sampled_from([0, 20]))
@settings(deadline=None)
def test_groups_never_straddle_and_something_is_left_to_test(corpus, train, val):
    points, seed = corpus
    asked = parse({"percTrainData": train, "percValidation": val, "dataSeed": seed})
    sets = sets_for(points, asked)
    groups = np.array(points.groups)
    for name in set(points.groups):
        assert len(set(sets[groups == name])) == 1
    assert (sets == TRAIN).any()
    assert (sets == TEST).any()
    if val == 0:
        assert not (sets == VALIDATION).any()
    n_test = len(set(groups[sets == TEST]))
    for code in set(points.y.tolist()):
        if code not in points.y[sets == TRAIN]:  # only the last group of the test may keep it
            assert n_test == 1
            assert set(groups[points.y == code]) <= set(groups[sets == TEST])


def test_twelve_equal_groups_are_dealt_six_two_four():
    groups = np.repeat(np.arange(12), 30)
    sets = sets_for(sounds(np.tile(np.arange(6), 60), groups), parse({"percValidation": 17}))
    assert [len(set(groups[sets == k])) for k in range(3)] == [6, 2, 4]


def test_different_seeds_draw_different_groups():
    groups = np.repeat(np.arange(12), 10)
    points = sounds(np.tile([0, 1], 60), groups)
    drawn = {tuple(sets_for(points, parse({"dataSeed": s}))) for s in range(10)}
    assert len(drawn) > 5


def test_of_three_groups_each_set_has_one():
    groups = np.repeat(["a", "b", "c"], [80, 10, 10])
    sets = sets_for(sounds(np.tile([0, 1], 50), groups), parse({}))
    assert sorted(set(sets)) == [0, 1, 2]


def test_two_groups_leave_none_to_validate():
    sets = sets_for(sounds(np.tile([0, 1], 20), np.repeat(["a", "b"], 20)), parse({}))
    assert sorted(set(sets)) == [TRAIN, TEST]


def test_a_class_of_one_group_is_learned_rather_than_tested():
    groups = np.repeat(np.arange(8), 10)
    y = np.where(groups == 3, 2, np.tile([0, 1], 40))
    for seed in range(20):
        sets = sets_for(sounds(y, groups), parse({"dataSeed": seed, "percTrainData": 20}))
        assert (sets[groups == 3] == TRAIN).all()


def test_one_group_can_not_be_split_by_group_but_by_file():
    points = sounds(np.tile([0, 1], 20), ["kitA"] * 40)
    with pytest.raises(InputError, match="all 40 sounds are of one group, 'kitA'"):
        sets_for(points, parse({}))
    assert (sets_for(points, parse({"split": "file"})) == TRAIN).sum() == 20


def test_no_points_are_dealt_to_nobody():
    empty = replace(make("xor", n=10), X=np.zeros((0, 2)), y=np.zeros(0, np.int64))
    assert sets_for(empty, parse({})).shape == (0,)
    assert sets_for(replace(empty, groups=()), parse({})).shape == (0,)


# ---- the leak --------------------------------------------------------------------------------


def voices(n=500, n_groups=10, d=40, seed=0):
    """Sounds that only tell who speaks; each speaker says one word more often than others."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, n_groups, n)
    y = np.where(rng.random(n) < 0.8, groups % 4, rng.integers(0, 4, n))
    X = 10 * rng.normal(size=(n_groups, d))[groups] + rng.normal(size=(n, d))
    return sounds(y, groups, X)


def test_speakers_that_are_recognised_look_like_words_that_are_understood():
    found = leak(voices(), parse({"columns": "0,1,2,3,4,5,6,7"}))
    assert found["by_file"] > 0.6
    assert found["by_group"] < 0.45
    assert found["shared"] == 1.0
    assert found["n_groups"] == 10
    assert f"{found['by_file']:.2f}; on new groups {found['by_group']:.2f}" in found["words"]


def test_where_groups_tell_nothing_nothing_leaks():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 400)
    X = y[:, np.newaxis] * 6.0 + rng.normal(size=(400, 3))
    found = leak(sounds(y, rng.integers(0, 10, 400), X), parse({}))
    assert found["by_file"] > 0.98
    assert found["by_group"] > 0.98


def test_the_nearest_neighbour_is_found_by_brute_force():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(30, 2)) * [1, 1000], rng.integers(0, 3, 30)
    points = sounds(y, np.arange(30) % 5, X)
    asked = parse({"split": "file", "dataSeed": 4})
    accuracies = []
    for k in range(12):
        sets = sets_for(points, parse({"split": "file", "dataSeed": 4 + k}))
        train, test = np.flatnonzero(sets == TRAIN), np.flatnonzero(sets == TEST)
        Z = (X - X[train].mean(axis=0)) / X[train].std(axis=0)
        near = [min(train, key=lambda i, j=j: np.sum((Z[i] - Z[j]) ** 2)) for j in test]
        accuracies.append(np.mean(y[near] == y[test]))
    assert_allclose(leak(points, asked)["by_file"], np.mean(accuracies))


def test_only_the_columns_that_are_fed_are_compared():
    points = voices()
    few = leak(points, parse({"columns": "0"}))
    assert few["by_file"] < leak(points, parse({"columns": "0,1,2,3,4,5,6,7"}))["by_file"]


def test_targets_have_r2_in_place_of_accuracy():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    found = leak(sounds(X[:, 0], np.arange(200) % 10, X, kind="regression"), parse({}))
    assert found["measure"] == "R²"
    assert 0.8 < found["by_file"] < 1


@pytest.mark.parametrize("groups", [None, ["one"] * 8])
def test_without_groups_it_is_said_that_nothing_is_known(groups):
    found = leak(sounds(np.tile([0, 1], 4), groups), parse({}))
    assert not found["known"]
    assert "No groups are known" in found["words"]
