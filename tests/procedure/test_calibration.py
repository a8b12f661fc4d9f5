"""Calibration: known temperatures are found again, errors vanish, decisions are Bayes'."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize, special
from sklearn import metrics

from ddasp._errors import InputError
from ddasp.procedure.calibration import (
    calibration_by_chance,
    cost_curve,
    cost_threshold,
    decide,
    dont_know,
    expected_calibration_error,
    fit_temperature,
    probabilities,
    reliability,
    residual_half_width,
)
from ddasp.procedure.intervals import wilson


def calibrated(n: int, n_classes: int = 4, seed: int = 0):
    """Scores whose softmax at temperature 1 is the truth from which y is drawn."""
    rng = np.random.default_rng(seed)
    scores = 2 * rng.standard_normal((n, n_classes))
    cumulated = special.softmax(scores, axis=1).cumsum(axis=1)
    y = (rng.random((n, 1)) > cumulated).sum(axis=1).clip(max=n_classes - 1)
    return scores, y


def test_probabilities_are_the_softmax_and_sum_to_one():
    scores, _ = calibrated(20)
    p = probabilities(scores, 2.0)
    assert_allclose(p, special.softmax(scores / 2, axis=1))
    assert_allclose(p.sum(axis=1), 1, rtol=1e-12)


def test_probabilities_of_scores_of_800_are_finite():
    assert_allclose(probabilities([[800.0, -800.0]]), [[1.0, 0.0]])


def test_adding_a_number_to_all_scores_of_a_row_changes_nothing():
    scores, y = calibrated(200)
    moved = scores + np.arange(200)[:, None]
    assert_allclose(probabilities(moved), probabilities(scores), rtol=1e-9)
    assert_allclose(fit_temperature(moved, y), fit_temperature(scores, y), rtol=1e-9)


@pytest.mark.parametrize("true", [0.3, 1.0, 4.0])
def test_a_known_temperature_is_found_again(true):
    scores, y = calibrated(5000)
    assert_allclose(fit_temperature(true * scores, y), true, rtol=0.06)  # ± 2.5 % at N = 5000


def test_the_temperature_grows_with_the_scores_unit():
    scores, y = calibrated(300)
    one = fit_temperature(scores, y)
    assert_allclose(fit_temperature(1e6 * scores, y), 1e6 * one, rtol=1e-9)
    assert_allclose(fit_temperature(1e-6 * scores, y), 1e-6 * one, rtol=1e-9)


def test_the_temperature_is_the_minimum_of_the_log_loss():
    scores, y = calibrated(2000, seed=2)
    loss = lambda t: metrics.log_loss(y, special.softmax(3 * scores / t, axis=1))  # noqa: E731
    theirs = optimize.minimize_scalar(loss, bounds=(0.1, 30), method="bounded").x
    assert_allclose(fit_temperature(3 * scores, y), theirs, rtol=5e-3)  # the pseudo-observation


def test_scores_without_an_error_keep_a_finite_confidence_that_grows_with_their_number():
    confidence = []
    for n in (10, 100, 1000):
        scores = np.tile([[1.0, 0.0], [0.0, 1.0]], (n, 1))
        temperature = fit_temperature(scores, [0, 1] * n)
        confidence.append(probabilities(scores, temperature).max())
    # softmax that fits the targets exactly: 1 − 1 / (2 (N + 1)) with N = 2 n observations
    assert_allclose(confidence, [1 - 0.5 / (2 * n + 1) for n in (10, 100, 1000)], rtol=1e-9)


def test_scores_that_say_nothing_give_even_probabilities():
    assert fit_temperature(np.zeros((10, 3)), [0] * 10) == 1
    wrong = np.tile([[1.0, 0.0], [0.0, 1.0]], (50, 1))
    p = probabilities(wrong, fit_temperature(wrong, [1, 0] * 50))
    assert_allclose(p, 0.5, atol=1e-3)


def test_the_order_of_classes_is_kept_at_every_temperature():
    scores, _ = calibrated(50)
    for t in (0.1, 1.0, 50.0):
        assert_array_equal(probabilities(scores, t).argmax(axis=1), scores.argmax(axis=1))


def test_calibrated_scores_show_no_more_error_than_chance():
    excess = []
    for seed in range(30):
        scores, y = calibrated(1000, seed=seed)
        p = probabilities(scores)
        excess.append(expected_calibration_error(p, y) - calibration_by_chance(p))
    assert abs(np.mean(excess)) < 0.003  # 30 values of spread 0.008: standard error 0.0015


def test_overconfident_scores_show_it_and_the_temperature_mends_it():
    scores, y = calibrated(3000)
    before = probabilities(3 * scores)
    after = probabilities(3 * scores, fit_temperature(3 * scores, y))
    assert expected_calibration_error(before, y) > 0.1
    assert expected_calibration_error(after, y) < 0.03


def test_calibration_error_by_hand():
    # two bins: 0.6 with accuracy 0.5, 0.9 with accuracy 1
    p = [[0.6, 0.4]] * 2 + [[0.9, 0.1]] * 2
    assert_allclose(expected_calibration_error(p, [0, 1, 0, 0], n_bins=2), (0.1 + 0.1) / 2)


def test_bins_hold_equal_numbers_and_all_observations():
    scores, y = calibrated(1000)
    bins = reliability(probabilities(scores), y)
    assert [b.n for b in bins] == [100] * 10
    assert all(a.high <= b.low for a, b in pairwise(bins))
    assert_allclose(sum(b.n * b.accuracy for b in bins) / 1000, (scores.argmax(axis=1) == y).mean())
    for b in bins:
        assert_allclose((b.acc_low, b.acc_high), wilson(b.accuracy, b.n))
        assert b.low <= b.confidence <= b.high


def test_equal_confidences_share_a_bin():
    assert len(reliability([[0.7, 0.3]] * 50, [0] * 50)) == 1


def test_bins_with_groups_have_wider_intervals_where_groups_differ():
    y = np.r_[np.zeros(50, dtype=int), np.ones(50, dtype=int)]
    p = np.tile([0.6, 0.4], (100, 1))
    [alone] = reliability(p, y)
    [grouped] = reliability(p, y, np.repeat(np.arange(4), 25))
    assert grouped.acc_high - grouped.acc_low > alone.acc_high - alone.acc_low


def test_dont_know_marks_what_is_below():
    assert_array_equal(dont_know([[0.4, 0.3, 0.3], [0.6, 0.2, 0.2]], 0.5), [True, False])
    assert not dont_know([[0.5, 0.5]], 0.5).any()


def test_without_costs_and_with_equal_costs_the_likeliest_class_is_decided():
    p = probabilities(calibrated(100)[0])
    assert_array_equal(decide(p), p.argmax(axis=1))
    assert_array_equal(decide(p, 1 - np.eye(4)), p.argmax(axis=1))


def test_the_threshold_decides_as_the_least_expected_cost_does():
    cost = [[-1.0, 3.0], [8.0, 0.5]]
    threshold = cost_threshold(cost)
    assert_allclose(threshold, 4 / (4 + 7.5))
    positive = np.linspace(0, 1, 1001)
    assert_array_equal(decide(np.c_[1 - positive, positive], cost), positive > threshold)


def test_on_calibrated_probabilities_no_threshold_costs_less_than_bayes():
    rng = np.random.default_rng(3)
    p = rng.uniform(size=20_000)
    y = (rng.random(20_000) < p).astype(int)
    cost = [[0.0, 1.0], [4.0, 0.0]]
    at, mean_cost = cost_curve(y, p, cost)
    assert_allclose(at[mean_cost.argmin()], cost_threshold(cost), atol=0.05)
    # on paper: ∫ min(1 − p, 4 p) dp = 4 · 0.2² / 2 + 0.8² / 2 = 0.4
    assert_allclose(mean_cost.min(), 0.4, atol=0.01)


def test_the_ends_of_the_cost_curve_are_all_or_nothing():
    _, mean_cost = cost_curve([0, 0, 1], [0.1, 0.5, 0.9], [[0, 1], [6, 0]], thresholds=[-1, 1])
    assert_allclose(mean_cost, [2 / 3, 2])


def test_half_width_without_groups_is_the_split_conformal_quantile():
    rng = np.random.default_rng(4)
    r = rng.standard_normal(59)
    expected = np.sort(np.abs(r))[int(np.ceil(0.9 * 60)) - 1]
    assert residual_half_width(r, level=0.9).half_width == expected


def test_half_width_covers_new_groups():
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(200):
        r = rng.standard_normal((21, 10)) * np.exp(0.5 * rng.standard_normal((21, 1)))
        width = residual_half_width(r[:20].ravel(), np.repeat(np.arange(20), 10)).half_width
        inside.append(np.mean(np.abs(r[20]) <= width))
    assert np.mean(inside) > 0.9 - 3 * np.std(inside) / np.sqrt(200)


def test_too_few_groups_for_a_guarantee_are_said():
    few = residual_half_width(np.arange(60.0), np.repeat(np.arange(6), 10))
    assert not few.guaranteed
    assert "too few" in few.method
    assert residual_half_width(np.arange(90.0), np.repeat(np.arange(9), 10)).guaranteed


def test_each_group_counts_the_same_in_the_half_width():
    r = np.r_[np.full(1000, 1.0), np.full(10, 5.0), np.full(10, 6.0)]
    group = np.r_[np.zeros(1000), np.ones(10), np.full(10, 2)]
    assert residual_half_width(r, group, level=0.5).half_width == 5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: probabilities([[1.0, 2.0]], 0.0), "temperature is 0"),
        (lambda: probabilities([1.0, 2.0]), "n_observations, n_features"),
        (lambda: fit_temperature([[1.0, 2.0]], [2]), "one code below n_classes"),
        (lambda: expected_calibration_error([[0.5, 0.5]], [0, 1]), "one code a row"),
        (lambda: reliability([[0.5, 0.5]], [0], n_bins=0), "n_bins is 0"),
        (lambda: dont_know([[0.5, 0.5]], 50), "below is 50"),
        (lambda: decide([[0.5, 0.5]], [[0, 1, 1]]), "cost has shape"),
        (lambda: cost_threshold([[1, 0], [0, 1]]), "rows are the true class"),
        (lambda: cost_curve([0, 1], [0.5], [[0, 1], [1, 0]]), "one shape"),
        (lambda: residual_half_width([]), "not empty"),
        (lambda: residual_half_width([1.0, 2.0], ["a"]), "one an observation"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
