"""Intervals: closed forms, oracles, invariances, and coverage in a small simulation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint

from ddasp._errors import InputError
from ddasp.procedure.intervals import group_index, interval, mean_interval, wilson
from ddasp.procedure.measures import Prediction, get, measures_for

COST = [[0.0, 1.0], [5.0, 0.0]]


def right_or_wrong(right: np.ndarray) -> tuple[np.ndarray, Prediction]:
    return np.ones(len(right), dtype=int), Prediction(decided=np.asarray(right).astype(int))


def binary(n_groups: int = 6, n: int = 30, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n_groups * n)
    p = special.expit(2 * y - 1 + rng.standard_normal(len(y)))
    prediction = Prediction(decided=(p > 0.5).astype(int), probabilities=np.c_[1 - p, p])
    return y, prediction, np.repeat(np.arange(n_groups), n)


def regression(n_groups: int = 6, n: int = 30, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n_groups * n)
    return y, Prediction(values=y + 0.5 * rng.standard_normal(len(y))), np.arange(len(y)) % n_groups


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (3, 10), (90, 100), (10, 10)])
def test_wilson_agrees_with_statsmodels(hits, n):
    assert_allclose(wilson(hits / n, n), proportion_confint(hits, n, method="wilson"), atol=1e-12)


def test_without_groups_accuracy_has_wilsons_interval():
    found = interval("accuracy", *right_or_wrong(np.arange(50) < 40))
    assert_allclose((found.low, found.high), wilson(0.8, 50))
    assert (found.n_groups, found.n_observations) == (0, 50)


def test_sensitivity_without_groups_counts_the_positives_only():
    y, prediction, _ = binary()
    found = interval("sensitivity", y, prediction)
    assert_allclose((found.low, found.high), wilson(found.value, (y == 1).sum()))


def test_mean_interval_agrees_with_scipy():
    x = np.array([0.2, 0.5, 0.9, 0.4])
    theirs = stats.ttest_1samp(x, 0).confidence_interval(0.9)
    assert_allclose(mean_interval(x, level=0.9)[1:], theirs)


def test_the_value_of_a_mean_is_the_mean_of_the_groups_means():
    right = np.r_[np.ones(90), np.zeros(10), np.ones(5), np.zeros(5)]
    group = np.r_[np.zeros(100), np.ones(10)]
    assert_allclose(interval("accuracy", *right_or_wrong(right), group).value, (0.9 + 0.5) / 2)


def shares_of(shares, n=20):
    """An interval over groups of n whose accuracies are given."""
    right = np.concatenate([np.arange(n) < round(n * share) for share in shares])
    return interval("accuracy", *right_or_wrong(right), np.repeat(np.arange(len(shares)), n))


def skewed(lean, bent, t):
    """Share by which the far bound moves away: what Hall's transformation leaves to the scale."""
    return min(0.2, lean * bent * (2.2 / 3 - 1 / 2 + 2.2 / (6 * t**2)))


def test_the_interval_of_an_accuracy_is_the_t_interval_on_the_logit_scale():
    # where the groups' mean is a half there is nothing skewed: divided by √(G − 1) and no more
    shares = np.array([0.4, 0.5, 0.65, 0.55, 0.4])
    found = shares_of(shares)
    half = stats.t.ppf(0.975, 4) * shares.std(ddof=1) / np.sqrt(4) / 0.25
    assert_allclose((found.low, found.high), special.expit([-half, half]), rtol=1e-9)


@pytest.mark.parametrize(
    "shares",
    [[0.7, 0.8, 0.95, 0.85, 0.6], [0.85, 0.9, 0.95, 0.9, 0.85, 0.95, 0.8, 0.9], [1, 1, 1, 0.5, 1]],
)
def test_the_bound_on_the_side_of_the_tail_lies_farther_out(shares):
    shares = np.array(shares)
    n, v, t = len(shares), shares.mean(), stats.t.ppf(0.975, len(shares) - 1)
    bent = t * shares.std(ddof=1) / np.sqrt(n - 1) / (v * (1 - v))
    expected = special.expit(
        special.logit(v) + bent * np.array([-1 - skewed(2 * v - 1, bent, t), 1])
    )
    found = shares_of(shares)
    assert_allclose((found.low, found.high), expected, rtol=1e-9)


def test_a_share_and_its_complement_have_mirrored_intervals():
    shares = np.array([0.7, 0.8, 0.95, 0.85, 0.6])
    a, b = shares_of(shares), shares_of(1 - shares)
    assert_allclose((b.low, b.high), (1 - a.high, 1 - a.low), rtol=1e-9)


def test_with_many_alike_groups_the_corrections_vanish():
    shares = np.tile([0.75, 0.85], 500)
    found = shares_of(shares)
    half = 1.96 * shares.std() / np.sqrt(1000) / 0.16
    expected = special.expit(special.logit(0.8) + np.array([-half, half]))
    assert_allclose((found.low, found.high), expected, atol=1e-4)


def test_the_interval_of_a_loss_is_the_t_interval_on_the_log_scale():
    y, prediction, group = regression()
    error = np.abs(y - prediction.values)
    mean = np.array([error[group == g].mean() for g in range(6)])
    found = interval("mae", y, prediction, group)
    t = stats.t.ppf(0.975, 5)
    half = t * mean.std(ddof=1) / np.sqrt(5) / mean.mean()
    ends = mean.mean() * np.exp([-half, half * (1 + skewed(1, half, t))])
    assert_allclose((found.low, found.high), ends, rtol=1e-9)


def test_leaving_groups_out_one_by_one_gives_the_error_of_a_mean():
    # where all are positive, sensitivity is the accuracy: one by leaving out, one in closed form
    right = np.random.default_rng(4).random(60) < 0.7
    y, prediction = right_or_wrong(right)
    group = np.repeat(np.arange(6), 10)
    closed, left_out = (
        interval(name, y, prediction, group) for name in ("accuracy", "sensitivity")
    )
    assert_allclose((left_out.low, left_out.high), (closed.low, closed.high), rtol=1e-9)


def test_the_jackknife_of_auc_is_near_that_of_delong():
    # DeLong's variance for independent observations: V10/m + V01/n
    y, prediction, _ = binary(n_groups=1, n=400, seed=3)
    p = prediction.probabilities[:, 1]
    wins = (p[y == 1][:, None] > p[y == 0]).astype(float)
    value = wins.mean()
    variance = wins.mean(axis=1).var(ddof=1) / wins.shape[0]
    variance += wins.mean(axis=0).var(ddof=1) / wins.shape[1]
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    found = interval("roc_auc", y, prediction)
    assert_allclose(found.value, value, rtol=1e-12)
    assert_allclose(found.high - found.low, 2 * half, rtol=0.25)  # 100 blocks: 7 % and the logit


@pytest.mark.parametrize("kind", ["binary", "regression"])
@pytest.mark.parametrize("grouped", [True, False])
def test_every_measure_has_an_interval_around_its_value_inside_its_range(kind, grouped):
    y, prediction, group = binary() if kind == "binary" else regression()
    for measure in measures_for(kind):
        found = interval(measure, y, prediction, group if grouped else None, cost=COST)
        assert measure.low <= found.low < found.value < found.high <= measure.high
        assert found.method
        if not grouped:
            assert_allclose(found.value, measure.compute(y, prediction, cost=COST), rtol=1e-12)


def test_fewer_alike_recordings_of_more_groups_say_more():
    rng = np.random.default_rng(1)
    right = rng.random((40, 10)) < rng.uniform(0.5, 1, (40, 1))
    y, prediction = right_or_wrong(right.ravel())
    many = interval("accuracy", y, prediction, np.repeat(np.arange(40), 10))
    few = interval("accuracy", y, prediction, np.repeat(np.arange(5), 80))
    assert many.high - many.low < few.high - few.low


def test_names_and_order_of_groups_do_not_matter():
    y, prediction, group = binary()
    turned = np.random.default_rng(2).permutation(len(y))
    names = np.array(list("fedcba"))[group]
    for name in ("accuracy", "macro_f1", "roc_auc"):
        a = interval(name, y, prediction, group)
        b = interval(name, y[turned], prediction.take(turned), names[turned])
        assert_allclose((a.value, a.low, a.high), (b.value, b.low, b.high), rtol=1e-9)


def test_scores_of_a_loss_scale_with_its_unit():
    y, prediction, group = regression()
    for name in ("mae", "rmse", "median_absolute_error"):
        a = interval(name, y, prediction, group)
        b = interval(name, 1000 * y, Prediction(values=1000 * prediction.values), group)
        assert_allclose((b.low, b.high), (1000 * a.low, 1000 * a.high), rtol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.9, 1.0])
def test_equal_groups_never_give_certainty(share):
    right = np.tile(np.arange(10) < 10 * share, 6)
    found = interval("accuracy", *right_or_wrong(right), np.repeat(np.arange(6), 10))
    assert found.low < found.high
    assert found.low <= share <= found.high
    assert "correlation 0.1" in found.method


def test_all_right_is_clopper_pearson_with_the_effective_number():
    found = interval("accuracy", *right_or_wrong(np.ones(60)), np.repeat(np.arange(6), 10))
    n = 60 / (1 + 9 * 0.1)
    assert_allclose(found.low, 0.025 ** (1 / n), rtol=1e-10)
    assert found.high == 1


def test_more_groups_that_are_all_right_raise_the_lower_bound():
    low = [
        interval("accuracy", *right_or_wrong(np.ones(10 * g)), np.repeat(np.arange(g), 10)).low
        for g in (2, 5, 20, 100)
    ]
    assert low == sorted(low)


def test_a_perfect_separation_is_not_called_certain():
    y = np.tile([0, 0, 0, 1, 1], 6)
    p = np.where(y == 1, 0.9, 0.2)
    prediction = Prediction(decided=y, probabilities=np.c_[1 - p, p])
    for name in ("roc_auc", "balanced_accuracy", "macro_f1", "sensitivity", "specificity"):
        found = interval(name, y, prediction, np.repeat(np.arange(6), 5))
        assert found.value == 1
        assert found.low < 0.95


def test_equal_losses_in_all_groups_fall_back_on_their_spread_within():
    y, values = np.tile([0.0, 1.0], 6), np.tile([0.5, 2.0], 6)
    found = interval("mae", y, Prediction(values=values), np.repeat(np.arange(6), 2))
    assert 0 < found.low < 0.75 < found.high < np.inf


def test_no_spread_at_all_gives_the_whole_range():
    y = np.arange(6.0)
    found = interval("mae", y, Prediction(values=y), np.arange(6))
    assert (found.value, found.low, found.high) == (0, 0, np.inf)


def test_a_bound_that_is_too_far_away_is_infinity():
    y, values = np.zeros(4), np.array([1e-9, 1e-9, 1.0, 1.0])
    found = interval("mae", y, Prediction(values=values), [0, 0, 1, 1], level=0.999)
    assert (found.low, found.high) == (0, np.inf)


def test_one_group_says_nothing_about_others():
    y, prediction, _ = binary()
    for name, high in (("accuracy", 1), ("log_loss", np.inf)):
        found = interval(name, y, prediction, np.zeros(len(y)))
        assert (found.low, found.high) == (0, high)
        assert "one group" in found.method
    y, prediction, _ = regression()
    assert interval("median_absolute_error", y, prediction, ["x"] * len(y)).high == np.inf


def test_a_measure_that_is_not_defined_has_no_interval():
    found = interval("roc_auc", [1, 1], Prediction(probabilities=[[0.5, 0.5], [0.1, 0.9]]), [0, 1])
    assert np.isnan([found.value, found.low, found.high]).all()


def test_positives_in_one_group_only_leave_auc_without_interval():
    y = np.r_[np.tile([0, 1], 5), np.zeros(10, dtype=int)]
    p = np.linspace(0.1, 0.9, 20)
    found = interval("roc_auc", y, Prediction(probabilities=np.c_[1 - p, p]), np.repeat([0, 1], 10))
    assert (found.low, found.high) == (0, 1)
    assert "without one of the groups" in found.method


def test_the_interval_of_a_cost_stays_within_the_matrix():
    y, prediction, group = binary()
    cost = [[-1.0, 1.0], [5.0, -2.0]]
    found = interval("cost", y, prediction, group, cost=cost)
    assert -2 <= found.low < found.value < found.high <= 5


def test_the_median_without_groups_is_covered_by_order_statistics():
    # n = 99 errors 1 ... 99: 50 ± t √(99)/2 = about 40 and 60, as with the binomial
    y = np.zeros(99)
    found = interval("median_absolute_error", y, Prediction(values=np.arange(1.0, 100)))
    assert found.value == 50
    low, high = stats.binom.ppf([0.025, 0.975], 99, 0.5)
    assert abs(found.low - low) <= 1
    assert abs(found.high - (high + 1)) <= 1


def test_empty_names_are_no_groups():
    assert group_index(["", ""], 2) is None
    assert group_index(None, 2) is None
    assert group_index(np.array(["b", "a"], dtype=object), 2).tolist() == [1, 0]


def test_the_same_call_gives_the_same_numbers():
    y, prediction, _ = binary(n=100)
    assert interval("roc_auc", y, prediction) == interval("roc_auc", y, prediction)


def test_a_higher_level_is_wider():
    y, prediction, group = binary()
    narrow = interval("accuracy", y, prediction, group, level=0.8)
    wide = interval("accuracy", y, prediction, group, level=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_intervals_by_group_cover_and_those_over_files_do_not():
    # groups at 0.75 ± 0.10 (six of 50): 95 % of 400 repeats ± 3 standard errors is 0.917 to 0.983
    rng = np.random.default_rng(11)
    group = np.repeat(np.arange(6), 50)
    covered = np.zeros(2)
    for _ in range(400):
        right = rng.random(300) < np.repeat(rng.beta(13.3, 4.43, 6), 50)
        y, prediction = right_or_wrong(right)
        for i, groups in enumerate((group, None)):
            found = interval("accuracy", y, prediction, groups)
            covered[i] += found.low <= 0.75 <= found.high
    assert 0.917 < covered[0] / 400 < 0.983
    assert covered[1] / 400 < 0.85


def test_intervals_cover_when_everything_is_learned_again():
    # leave one group out, nearest class mean, five groups: what the folds learn from each other makes
    # their spread too small (0.92 with √G). 600 repeats: 0.95 ± 3 standard errors is 0.923 to 0.977
    rng = np.random.default_rng(3)
    sign = np.array([-0.5, 0.5]).reshape(1, 2, 1, 1, 1)
    shift = 0.7 * rng.standard_normal((600, 2, 5, 1, 4))
    x = sign + shift + rng.standard_normal((600, 2, 5, 20, 4))
    mean = x.mean(axis=3)
    other = (mean.sum(axis=2, keepdims=True) - mean) / 4
    w, middle = other[:, 1] - other[:, 0], (other[:, 1] + other[:, 0]) / 2
    score = np.einsum("rcgnf,rgf->rcgn", x - middle[:, None, :, None, :], w)
    right = np.stack([score[:, 0] <= 0, score[:, 1] > 0], axis=1)  # (repeats, class, group, n)
    target, group = right.mean(), np.tile(np.repeat(np.arange(5), 20), 2)
    found = [interval("accuracy", *right_or_wrong(one.ravel()), group) for one in right]
    covered = np.mean([f.low <= target <= f.high for f in found])
    assert 0.923 < covered < 0.977


def test_wrong_input_is_named():
    y, prediction, group = binary()
    with pytest.raises(InputError, match=r"groups has shape \(2,\)"):
        interval("accuracy", y, prediction, [0, 1])
    with pytest.raises(InputError, match="level is 95"):
        interval("accuracy", y, prediction, group, level=95)
    with pytest.raises(InputError, match="cost has shape None"):
        interval(get("cost"), y, prediction, group)
