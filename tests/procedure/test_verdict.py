"""The verdict follows from the interval and the goal, in words that a person can check."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from ddasp.procedure.intervals import Estimate, interval
from ddasp.procedure.measures import Prediction
from ddasp.procedure.verdict import MOST, verdict


def estimate(value, low, high, n_groups=20, n_observations=1000):
    return Estimate(value, low, high, "t interval", n_groups, n_observations)


@pytest.mark.parametrize(
    ("goal", "word"),
    [(0.80, "useful"), (0.81, "not decided"), (0.92, "not decided"), (0.93, "not useful")],
)
def test_the_whole_interval_must_lie_on_one_side(goal, word):
    assert verdict(estimate(0.87, 0.81, 0.92), "accuracy", goal).word == word


@pytest.mark.parametrize(
    ("goal", "word"), [(0.5, "useful"), (0.35, "not decided"), (0.2, "not useful")]
)
def test_for_a_loss_smaller_is_better(goal, word):
    found = verdict(estimate(0.35, 0.3, 0.4), "log_loss", goal)
    assert found.word == word


def test_sentences_are_whole():
    good = verdict(estimate(0.87, 0.81, 0.92), "accuracy", 0.8).sentence
    assert good == "Useful: accuracy 0.87 (95 % interval 0.81 to 0.92) is above the stated 0.80."
    bad = verdict(estimate(12.0, 11.0, 13.5), "mae", 5.0).sentence
    assert bad == (
        "Not useful: mean absolute error 12.00 (95 % interval 11.00 to 13.50) is above "
        "the stated 5.00."
    )


def test_the_numbers_shown_agree_with_the_word():
    # 0.8004 would be shown as 0.80, and "0.80 is above 0.80" would puzzle
    found = verdict(estimate(0.85, 0.8004, 0.89), "accuracy", 0.80)
    assert found.word == "useful"
    assert "0.8004 to 0.8900" in found.sentence
    assert "0.00012" in verdict(estimate(1.2e-4, 1e-4, 1.5e-4), "mae", 1e-3).sentence


def test_without_a_goal_there_is_no_verdict():
    for nothing in (None, float("nan")):
        found = verdict(estimate(0.87, 0.81, 0.92), "accuracy", nothing)
        assert found.word == "no goal stated"
        assert found.groups_more is None
        assert "0.87" in found.sentence


def test_a_measure_that_is_not_defined_decides_nothing():
    nan = float("nan")
    assert verdict(estimate(nan, nan, nan), "roc_auc", 0.8).word == "not decided"


def test_the_number_of_groups_more_is_the_smallest_that_decides():
    found = verdict(estimate(0.85, 0.75, 0.91), "accuracy", 0.80)
    n = 20 + found.groups_more

    def half(groups):
        return (
            0.10
            * np.sqrt(19 / (groups - 1))
            * stats.t.ppf(0.975, groups - 1)
            / stats.t.ppf(0.975, 19)
        )

    assert half(n) < 0.05 <= half(n - 1)
    assert f"about {found.groups_more} more groups would show it useful" in found.sentence


def test_an_estimate_on_the_bad_side_would_be_shown_not_useful():
    found = verdict(estimate(0.78, 0.70, 0.84), "accuracy", 0.80)
    assert "would show it not useful" in found.sentence


def test_more_than_a_thousand_is_not_counted_out():
    found = verdict(estimate(0.8001, 0.70, 0.88), "accuracy", 0.80)
    assert found.groups_more == MOST + 1
    assert "more than 1000 groups more" in found.sentence
    assert verdict(estimate(0.80, 0.70, 0.88), "accuracy", 0.80).groups_more == MOST + 1


def test_without_groups_sounds_are_counted():
    found = verdict(estimate(0.85, 0.79, 0.90, n_groups=0, n_observations=150), "accuracy", 0.80)
    assert "more sounds would show it useful" in found.sentence


def test_one_group_says_that_it_can_not_decide():
    found = verdict(estimate(0.9, 0.0, 1.0, n_groups=1), "accuracy", 0.80)
    assert found.groups_more is None
    assert "One group alone" in found.sentence
    assert verdict(estimate(0.2, 0.0, np.inf, n_groups=1), "mae", 0.1).word == "not decided"


def said(word, level, n_groups, repeats, seed, spread=0.5):
    rng = np.random.default_rng(seed)
    z = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    grid = np.linspace(0, 5, 2001)
    m = np.interp(level, [special.expit(g + spread * z).mean() for g in grid], grid)
    group = np.repeat(np.arange(n_groups), 50)
    count = 0
    for _ in range(repeats):
        p = special.expit(m + spread * rng.standard_normal(n_groups))
        right = (rng.random(n_groups * 50) < p[group]).astype(int)
        found = interval("accuracy", np.ones(len(right), dtype=int), Prediction(right), group)
        count += verdict(found, "accuracy", 0.80).word == word
    return count / repeats


def test_with_a_truth_of_90_and_20_groups_it_says_useful():
    assert said("useful", 0.90, 20, 100, seed=0) >= 0.80


def test_with_the_truth_at_the_goal_it_rarely_says_useful():
    assert said("useful", 0.80, 20, 400, seed=1) < 0.025 + 3 * np.sqrt(0.025 * 0.975 / 400)


def test_nor_does_it_where_groups_differ_strongly_and_few_often_miss_the_hard_ones():
    # groups at 0.80 ± 0.15 with a tail towards 0.4: without its correction 5 in 100
    assert said("useful", 0.80, 6, 1200, 2, spread=1) < 0.025 + 2 * np.sqrt(0.025 * 0.975 / 1200)
    assert said("useful", 0.90, 20, 400, 3, spread=1) >= 0.80 - 2 * np.sqrt(0.16 / 400)
