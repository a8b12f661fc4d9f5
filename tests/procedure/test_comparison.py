"""Paired tests: closed forms, oracles, level under overlap; the choice by one standard error."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels

from ddasp._errors import InputError
from ddasp.procedure.comparison import corrected_t, mcnemar, one_standard_error

D = np.array([0.02, 0.05, 0.04, -0.01, 0.06, 0.03])


def test_without_a_test_part_the_corrected_test_is_the_paired_t_test():
    found = corrected_t(D, n_train=1e12, n_test=1)
    theirs = stats.ttest_1samp(D, 0)
    assert_allclose((found.t, found.p), (theirs.statistic, theirs.pvalue), rtol=1e-9)
    assert_allclose((found.low, found.high), theirs.confidence_interval(0.95), rtol=1e-9)


def test_the_correction_shrinks_t_by_the_overlap():
    # k = 6 folds of 1/6: √((1/6) / (1/6 + 1/5))
    found = corrected_t(D, n_train=5, n_test=1)
    assert_allclose(found.t, stats.ttest_1samp(D, 0).statistic * np.sqrt((1 / 6) / (1 / 6 + 1 / 5)))


def test_sizes_of_the_folds_enter_by_their_mean_ratio():
    a = corrected_t(D, [80] * 6, [20] * 6)
    assert a == corrected_t(D, 80, 20)


def test_swapping_the_models_turns_the_sign():
    a, b = corrected_t(D, 5, 1), corrected_t(-D, 5, 1)
    assert_allclose((b.difference, b.low, b.high, b.t), (-a.difference, -a.high, -a.low, -a.t))
    assert a.p == b.p


def test_the_unit_of_the_score_does_not_matter():
    assert_allclose(corrected_t(1000 * D, 5, 1).p, corrected_t(D, 5, 1).p, rtol=1e-12)


def test_the_best_of_many_needs_more():
    one, ten = corrected_t(D, 5, 1), corrected_t(D, 5, 1, n_compared=10)
    assert_allclose(ten.p_corrected, min(1, 10 * one.p))
    assert ten.p == one.p
    assert ten.high - ten.low > one.high - one.low
    assert corrected_t(D, 5, 1, n_compared=10**6).p_corrected == 1


def test_interval_and_answer_agree():
    for shift in np.linspace(-0.1, 0.1, 41):
        found = corrected_t(D + shift, 5, 1, n_compared=3)
        expected = "yes" if found.low > 0 else "no" if found.high < 0 else "not decided"
        assert found.answer == expected


def test_equal_differences_are_no_proof():
    found = corrected_t([0.1] * 5, 4, 1)
    assert found.p == 2 / 2**5
    assert np.isnan(found.low)
    assert found.answer == "not decided"
    assert corrected_t([0.1] * 10, 9, 1).answer == "yes"


def test_no_difference_and_one_fold_decide_nothing():
    same = corrected_t([0.0, 0.0, 0.0], 2, 1)
    assert (same.difference, same.p, same.answer) == (0, 1, "not decided")
    assert corrected_t([0.3], 4, 1).p == 1


def test_the_level_holds_for_overlapping_folds_where_the_plain_t_test_fails():
    # ten folds of 20 from 200 numbers; the "models" are the training means of two columns, the
    # score is the squared distance of the test mean: equal in expectation, correlated by overlap
    rng = np.random.default_rng(0)
    said_yes = np.zeros(2)
    for _ in range(600):
        x = rng.standard_normal((2, 10, 20))
        mean = x.mean(axis=2)
        trained = (mean.sum(axis=1, keepdims=True) - mean) / 9
        loss = (x - trained[..., None]) ** 2
        d = loss[0].mean(axis=1) - loss[1].mean(axis=1)
        said_yes += [corrected_t(d, 180, 20).p < 0.05, stats.ttest_1samp(d, 0).pvalue < 0.05]
    assert said_yes[0] / 600 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
    assert said_yes[0] < said_yes[1]


@pytest.mark.parametrize(("b", "c"), [(6, 0), (3, 9), (10, 10), (0, 0), (1, 0)])
def test_mcnemar_agrees_with_statsmodels(b, c):
    first = np.r_[np.ones(b), np.zeros(c), np.ones(5)].astype(bool)
    second = np.r_[np.zeros(b), np.ones(c), np.ones(5)].astype(bool)
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (b, c)
    expected = mcnemar_of_statsmodels([[5, b], [c, 0]], exact=True).pvalue if b + c else 1.0
    assert_allclose(found.p, expected)


def test_the_simplest_within_one_standard_error_is_taken():
    best = np.array([0.8, 0.9, 0.7, 0.85])
    near = best - [0.0, 0.02, -0.01, 0.01]  # mean 0.005, standard error 0.0065
    far = best - [0.10, 0.11, 0.10, 0.12]
    choice = one_standard_error([best, near, far], orders=[3, 2, 1], n_parameters=[9, 9, 9])
    assert (choice.best, choice.chosen) == (0, 1)
    assert_array_equal(choice.within, [True, True, False])
    assert_allclose(choice.differences, [0, 0.005, 0.1075])
    assert_allclose(choice.standard_errors[1], np.std([0.0, 0.02, -0.01, 0.01], ddof=1) / 2)


def test_a_fold_that_is_hard_for_all_counts_for_nothing():
    scores = np.array([[0.9, 0.8, 0.85], [0.88, 0.8, 0.83]])
    hard = scores - [[0.0, 0.5, 0.2]]
    a = one_standard_error(scores, [2, 1], [1, 1])
    b = one_standard_error(hard, [2, 1], [1, 1])
    assert_allclose(a.standard_errors, b.standard_errors, atol=1e-15)
    assert_array_equal(a.within, b.within)


def test_the_number_of_parameters_decides_within_a_family_then_the_mean():
    same = [[0.8, 0.9], [0.8, 0.9], [0.7, 1.0]]
    assert one_standard_error(same, [1, 1, 2], [20, 10, 1]).chosen == 1
    tied = [[0.79, 0.91], [0.80, 0.92], [0.83, 0.91]]
    assert one_standard_error(tied, [1, 1, 2], [5, 5, 5]).chosen == 1


def test_losses_are_turned_round():
    losses = np.array([[0.2, 0.3, 0.25], [0.5, 0.6, 0.55]])
    assert one_standard_error(losses, [2, 1], [1, 1], greater_is_better=False).best == 0


def test_with_one_fold_only_the_equal_is_within():
    choice = one_standard_error([[0.8], [0.8], [0.79]], [3, 2, 1], [1, 1, 1])
    assert_array_equal(choice.within, [True, True, False])
    assert choice.chosen == 1


def test_one_candidate_is_chosen():
    assert one_standard_error([[0.5, 0.6]], [1], [1]).chosen == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: corrected_t([], 4, 1), "one a fold"),
        (lambda: corrected_t([0.1, np.nan], 4, 1), "finite"),
        (lambda: corrected_t(D, 0, 1), "size of 0"),
        (lambda: corrected_t(D, 4, 1, n_compared=0), "n_compared is 0"),
        (lambda: mcnemar([True], [True, False]), "one shape"),
        (lambda: one_standard_error([0.1, 0.2], [1, 2], [1, 2]), r"\(n_candidates, n_folds\)"),
        (lambda: one_standard_error([[0.1, np.nan]], [1], [1]), "not tried on all folds"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
