"""Matching and counting of events: paper cases, SciPy's matching and intervals as oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from ddasp._errors import InputError
from ddasp.procedure.event_scores import (
    Measured,
    by_label,
    hours_needed,
    measured,
    rate_below,
    rate_estimate,
    share_estimate,
    total,
)
from ddasp.procedure.events import Event
from ddasp.procedure.labels import Segment
from ddasp.procedure.matching import pairs

TRUTH = [Segment(10.0, 11.0, "dog"), Segment(20.0, 21.0, "dog"), Segment(20.5, 22.0, "cat")]


def event(label, start, stop, known=None):
    return Event(label, start, stop, 0.9, stop if known is None else known)


def test_an_alarm_belongs_to_the_event_in_which_it_begins():
    events = [event("dog", 10.5, 12.0), event("cat", 20.5, 21.0), event("dog", 30.0, 31.0)]
    found = measured(events, TRUTH, duration=7200.0)
    assert (found.n_true, found.n_found, found.n_false, found.hours) == (3, 2, 1, 2.0)


def test_the_collar_stands_at_both_ends_and_is_inclusive():
    assert pairs([9.8, 11.2], [10.0], [11.0], collar=0.2).tolist() == [0, -1]
    assert pairs([0.1], [0.3], [1.0], collar=0.2).tolist() == [0]  # 0.3 - 0.2 is less than 0.1
    assert pairs([0.9], [1.1], [2.0], collar=0.2).tolist() == [0]  # 1.1 - 0.2 is more than 0.9
    assert pairs([0.8], [0.5], [0.7], collar=0.1).tolist() == [0]  # 0.7 + 0.1 is less than 0.8
    # two intervals that overlap, asked at the end of one
    assert pairs([3.0], [1.0, 9.0], [3.0, 9.0], collar=0.0).tolist() == [0]
    assert pairs([3.0], [1.0, 1.0], [3.0, 2.0], collar=0.0).tolist() == [0]
    assert pairs([11.2], [10.0], [11.0], collar=0.2).tolist() == [0]
    assert pairs([9.79], [10.0], [11.0], collar=0.2).tolist() == [-1]
    assert pairs([11.21], [10.0], [11.0], collar=0.2).tolist() == [-1]


def test_an_alarm_that_never_ends_finds_nothing_but_the_event_it_began_in():
    always = [event("dog", 0.0, 3600.0)]
    found = measured(always, TRUTH, duration=3600.0)
    assert (found.n_found, found.n_false) == (0, 1)
    assert measured([event("dog", 10.1, 3600.0)], TRUTH, duration=3600.0).n_found == 1


def test_the_second_half_of_a_broken_event_is_a_false_alarm():
    halves = [event("dog", 10.0, 10.4), event("dog", 10.6, 11.0)]
    found = measured(halves, TRUTH, duration=3600.0)
    assert (found.n_found, found.n_false) == (1, 1)


def test_the_label_must_be_right():
    found = measured([event("cat", 10.0, 11.0)], TRUTH, duration=3600.0)
    assert (found.n_found, found.n_false) == (0, 1)


def test_a_false_alarm_in_an_event_of_another_label_is_a_confusion():
    events = [event("cat", 10.0, 11.0), event("cat", 10.5, 11.0), event("cat", 40.0, 41.0)]
    found = measured(events, TRUTH, duration=3600.0)
    assert (found.n_false, found.n_confused) == (3, 2)
    # what is right is no confusion, though another event lasts as well; nor is a second alarm in one
    twice = [event("dog", 10.0, 10.4), event("dog", 10.6, 11.0)]
    assert measured(twice, TRUTH, duration=3600.0).n_confused == 0
    assert measured([event("cat", 20.6, 21.0)], TRUTH, duration=3600.0).n_confused == 0
    assert by_label(events, TRUTH, ["cat"], duration=3600.0)["cat"].n_confused == 2


def test_latency_is_from_the_true_start_to_when_it_was_known():
    events = [event("dog", 10.2, 11.0, known=10.9), event("dog", 20.0, 21.0, known=20.5)]
    assert measured(events, TRUTH, duration=60.0).latency == pytest.approx(0.7)
    assert math.isnan(measured([], TRUTH, duration=60.0).latency)


def test_notices_of_beginnings_are_not_counted():
    events = [Event("dog", 10.0, None, 0.9, 11.0), event("dog", 10.0, 11.0)]
    found = measured(events, TRUTH, duration=60.0)
    assert (found.n_found, found.n_false) == (1, 0)


@given(
    st.lists(st.integers(0, 20), max_size=12),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), max_size=10),
)
@example([3, 3, 9], [(8, 2), (2, 2)])  # apart from each other, not in order
def test_as_many_pairs_as_scipys_maximum_matching(points, intervals):
    start = np.array([a for a, _ in intervals], dtype=float)
    stop = start + np.array([d for _, d in intervals], dtype=float)
    t = np.array(points, dtype=float)
    found = pairs(t, start, stop, collar=0.5)
    hit = found >= 0
    assert len(set(found[hit])) == hit.sum()  # each is used once
    assert np.all((t[hit] >= start[found[hit]] - 0.5) & (t[hit] <= stop[found[hit]] + 0.5))
    edges = (t[:, None] >= start - 0.5) & (t[:, None] <= stop + 0.5)
    most = 0
    if edges.size:
        most = (maximum_bipartite_matching(csr_array(edges.astype(int))) >= 0).sum()
    assert hit.sum() == most


@pytest.mark.parametrize(("n", "hours"), [(0, 0.5), (1, 2.0), (7, 1.0), (40, 3.0)])
def test_the_rates_bounds_leave_a_fortieth_in_each_poisson_tail(n, hours):
    found = rate_estimate(n, hours)
    assert found.value == n / hours
    assert stats.poisson.cdf(n, found.high * hours) == pytest.approx(0.025)
    if n:
        assert stats.poisson.sf(n - 1, found.low * hours) == pytest.approx(0.025)
    else:
        assert found.low == 0.0


@pytest.mark.parametrize(("hits", "n"), [(0, 9), (3, 10), (57, 60), (5, 5)])
def test_shares_have_scipys_exact_interval(hits, n):
    found = share_estimate(hits, n)
    exact = stats.binomtest(hits, n).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_a_share_of_nothing_is_unknown():
    found = share_estimate(0, 0)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)


@pytest.mark.parametrize("budget", [0.1, 2.0])
def test_the_hours_that_prove_a_budget_without_a_false_alarm_just_prove_it(budget):
    assert rate_below(0, hours_needed(budget)) == pytest.approx(budget)
    # and with one false alarm in them they do not
    assert rate_below(1, hours_needed(budget)) > budget


def test_recall_for_a_new_group_weighs_each_group_the_same():
    truth = [Segment(float(i), i + 0.5, "dog") for i in range(12)]
    groups = ["anna"] * 8 + ["bob"] * 2 + ["cleo"] * 2
    events = [event("dog", float(i), i + 0.5) for i in (0, 1, 2, 3, 8, 9, 10)]
    found = measured(events, truth, duration=60.0, collar=0.0, groups=groups)
    new = found.recall_of_new_group
    assert found.recall.value == pytest.approx(7 / 12)
    assert new.value == pytest.approx((4 / 8 + 2 / 2 + 1 / 2) / 3)
    assert new.n_groups == 3
    assert measured(events, truth, duration=60.0).recall_of_new_group is None


def test_streams_add_up():
    a = measured([event("dog", 10.0, 11.0)], TRUTH, duration=1800.0, groups=["x", "x", "y"])
    b = measured([event("dog", 1.0, 2.0)], TRUTH, duration=1800.0, groups=["z", "z", "z"])
    both = total([a, b])
    assert (both.n_true, both.n_found, both.n_false, both.hours) == (6, 1, 1, 1.0)
    assert [group for group, _ in both.groups] == ["x", "x", "y", "z", "z", "z"]
    assert both.latency == a.latency


def test_the_labels_add_up_to_all():
    events = [event("dog", 10.5, 12.0), event("cat", 20.5, 21.0), event("cat", 30.0, 31.0)]
    alone = by_label(events, TRUTH, ["dog", "cat"], duration=3600.0)
    assert (alone["dog"].n_true, alone["dog"].n_found, alone["dog"].n_false) == (2, 1, 0)
    assert (alone["cat"].n_true, alone["cat"].n_found, alone["cat"].n_false) == (1, 1, 1)


def test_json_holds_every_measure_with_its_interval():
    found = Measured(10, 9, 2, 4.0, 0.8).to_json()
    assert found["false_alarms_per_hour"]["value"] == 0.5
    assert found["recall"]["low"] < 0.9 < found["recall"]["high"]
    assert found["recall_of_new_group"] is None


def test_every_true_event_needs_its_group():
    with pytest.raises(InputError, match="groups has 1 entries for 3 true events"):
        measured([], TRUTH, duration=60.0, groups=["x"])
