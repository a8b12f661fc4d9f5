"""Events: cases worked on paper, what smoothing must do, and a plain walk through the windows as oracle."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ddasp._errors import InputError
from ddasp.procedure.events import Detector, Event, Rules, detect, watched
from ddasp.procedure.heard import Scores, events_of, runs, smoothed
from ddasp.procedure.labels import Segment, window_labels


def rows(values, *, hop=1.0, length=1.0, silent=()):
    p = np.asarray(values, dtype=float)
    p = p[:, np.newaxis] if p.ndim == 1 else p
    return [(i * hop, i * hop + length, p[i], i in silent) for i in range(len(p))]


def over(values, rules, *, hop=1.0, length=1.0, silent=(), labels="a", background=()):
    found = detect(
        rows(values, hop=hop, length=length, silent=silent),
        list(labels),
        rules,
        hop=hop,
        background=background,
    )
    return [event for event in found if event.is_over]


def places(events):
    return [(event.start, event.stop) for event in events]


# --- cases on paper ---------------------------------------------------------------------------


def test_an_event_begins_at_the_threshold_and_ends_below_the_release():
    # 0.8 reaches the threshold, 0.5 does not fall below 0.8 - 0.3, 0.49 does
    values = [0.79, 0.8, 0.5, 0.49, 0.79]
    assert places(over(values, Rules(0.8, 0.8 - 0.5))) == [(1.0, 3.0)]


def test_without_hysteresis_a_wavering_probability_makes_two_events_and_with_it_one():
    values = [0.6, 0.45, 0.6]
    assert len(over(values, Rules(0.5, 0.0))) == 2
    assert places(over(values, Rules(0.5, 0.1))) == [(0.0, 3.0)]


def test_a_window_speaks_for_the_hop_around_its_centre():
    # windows of 1 s every 0.25 s; 2 and 3 are on: centres 1.0 and 1.25
    events = over([0, 0, 1, 1, 0], Rules(), hop=0.25)
    assert places(events) == [(0.875, 1.375)]
    assert events[0].known_at == 1.5


def test_shorter_events_are_dropped_and_one_of_just_the_least_duration_is_kept():
    values = [1, 1, 0, 1, 1, 1, 0]
    assert places(over(values, Rules(least=0.3), hop=0.1, length=0.1)) == [(0.3, 0.6)]
    assert over(values, Rules(least=0.31), hop=0.1, length=0.1) == []


def test_a_beginning_is_told_with_the_window_that_makes_it_long_enough():
    found = list(detect(rows([0, 1, 1, 1, 0]), ["a"], Rules(least=2.0), hop=1.0))
    assert found == [Event("a", 1.0, None, 1.0, 3.0), Event("a", 1.0, 4.0, 1.0, 3.0)]


def test_a_beginning_comes_out_with_its_window_and_the_end_with_the_next_one_below():
    detector = Detector(["a"], Rules(), hop=1.0)
    told = [len(detector.push(*row)) for row in rows([0, 1, 1, 0, 1])]
    assert told == [0, 1, 0, 1, 1]
    assert places(detector.flush()) == [(4.0, 5.0)]
    assert detector.flush() == []


def test_silent_windows_count_as_nothing():
    assert places(over([1, 1, 1], Rules(), silent={1})) == [(0.0, 1.0), (2.0, 3.0)]


def test_background_classes_make_no_events():
    values = [[0.9, 0.1], [0.2, 0.8]]
    assert [e.label for e in over(values, Rules(), labels="ab", background=["a"])] == ["b"]


def test_classes_are_detected_independently():
    values = [[0.4, 0.4], [0.4, 0.0], [0.4, 0.4]]
    found = over(values, Rules(0.3, 0.0), labels="ab")
    assert [(e.label, e.start, e.stop) for e in found] == [("b", 0, 1), ("a", 0, 3), ("b", 2, 3)]


def test_a_loss_of_rows_ends_what_is_on_and_forgets_what_was_heard():
    tau = 1 / np.log(2)  # α = 1/2
    lost = [(0.0, 1.0, [1.0], False), (1.0, 2.0, [1.0], False), (9.0, 10.0, [1.0], False)]
    found = list(detect(lost, ["a"], Rules(0.7, 0.1, tau), hop=1.0))
    assert found == [Event("a", 1.0, None, 0.75, 2.0), Event("a", 1.0, 2.0, 0.75, 2.0)]
    assert places(events_of(Scores.of(lost), ["a"], Rules(0.7, 0.1, tau), hop=1.0)) == [(1.0, 2.0)]


def test_a_single_lost_row_is_a_loss():
    lost = [(0.0, 1.0, [1.0], False), (2.0, 3.0, [1.0], False)]
    for found in (
        [e for e in detect(lost, ["a"], Rules(), hop=1.0) if e.is_over],
        events_of(Scores.of(lost), ["a"], Rules(), hop=1.0),
    ):
        assert places(found) == [(0.0, 1.0), (2.0, 3.0)]


def test_the_array_form_stays_on_at_just_the_release_and_keeps_the_largest_probability():
    rules = Rules(0.75, 0.25)
    scores = Scores.of(rows([0.75, 0.5, 0.875, 0.5, 0.49]))
    (event,) = events_of(scores, ["a"], rules, hop=1.0)
    assert (event.start, event.stop, event.probability) == (0.0, 4.0, 0.875)


def test_rows_that_are_a_little_late_are_no_loss():
    late = [(0.0, 1.0, [1.0], False), (1.49, 2.49, [1.0], False)]
    assert [e.stop for e in detect(late, ["a"], Rules(), hop=1.0)] == [None, 2.49]


def test_the_probability_is_the_largest_smoothed_one():
    (event,) = over([0.6, 0.9, 0.7], Rules())
    assert event.probability == 0.9
    assert over([0.6, 0.9, 0.7], Rules(threshold=0.9000001)) == []


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (Rules(0.5, 0.0), [(0.75, 1.25), (2.25, 3.25), (3.75, 4.75)]),
        (Rules(0.5, 0.1), [(0.75, 1.25), (2.25, 4.75)]),
        (Rules(0.5, 0.1, 0.0, 1.0), [(2.25, 4.75)]),
        (Rules(0.5, 0.1, 0.5), [(2.75, 5.25)]),
        (Rules(0.85, 0.0), [(2.75, 3.25), (4.25, 4.75)]),
        (Rules(0.85, 0.45), [(2.75, 4.75)]),
    ],
)
def test_the_table_of_the_documentation_holds(rules, expected):
    p = [0.1, 0.7, 0.1, 0.1, 0.6, 0.9, 0.45, 0.8, 0.9, 0.2, 0.1, 0.1]
    assert places(over(p, rules, hop=0.5)) == expected


# --- smoothing --------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.3, 0.63, 0.9])
def test_a_step_to_one_begins_after_the_time_that_the_exponential_needs(threshold):
    hop, tau = 0.1, 1.0
    (event,) = over(np.ones(100), Rules(threshold, 0.1, tau), hop=hop, length=hop)
    # y after n windows is 1 - exp(-n H / τ)
    n = np.ceil(-tau * np.log(1 - threshold) / hop)
    assert event.known_at == pytest.approx(n * hop)
    assert event.start == pytest.approx((n - 1) * hop)


def test_gaps_shorter_than_tau_ln_of_one_over_the_release_are_bridged():
    hop, rules = 0.1, Rules(0.6, 0.2, smoothing=1.0)
    bridged = int(np.log(1 / rules.release) / hop)  # 9 windows of silence: exp(-0.9) > 0.4
    for n_gap, n_events in ((bridged, 1), (bridged + 1, 2)):
        values = np.concatenate([np.ones(200), np.zeros(n_gap), np.ones(200)])
        assert len(over(values, rules, hop=hop, length=hop)) == n_events


def test_smoothing_agrees_with_its_impulse_response():
    p = np.zeros((6, 1))
    p[2] = 1.0
    alpha = 1 - np.exp(-0.5 / 2.0)
    scores = Scores(np.arange(6) * 0.5, np.arange(6) * 0.5 + 1, p)
    expected = np.where(np.arange(6) < 2, 0, alpha * (1 - alpha) ** (np.arange(6) - 2.0))
    assert_allclose(smoothed(scores, 2.0, hop=0.5)[:, 0], expected, atol=1e-15)


# --- invariants -------------------------------------------------------------------------------

# few levels, so that probabilities meet thresholds exactly
LEVELS = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
STREAMS = st.lists(st.tuples(LEVELS, LEVELS, st.booleans()), max_size=40)
RULES = st.builds(
    Rules,
    threshold=st.sampled_from([0.25, 0.5, 0.75, 1.0]),
    hysteresis=st.sampled_from([0.0, 0.2]),
    smoothing=st.sampled_from([0.0, 0.5, 3.0]),
    least=st.sampled_from([0.0, 1.0, 1.3]),
)


def plain_walk(stream, rules, hop, length):
    """Every class on its own, from the definition: (class, first window, last window)."""
    found = []
    for k in range(2):
        y, first, on = 0.0, 0, False
        alpha = 1 - np.exp(-hop / rules.smoothing) if rules.smoothing else 1.0
        states = []
        for row in stream:
            y = alpha * (0.0 if row[2] else row[k]) + (1 - alpha) * y
            on = y >= rules.threshold or (on and y >= rules.threshold - rules.hysteresis)
            states.append(on)
        for i, state in enumerate([*states, False]):
            if state and (i == 0 or not states[i - 1]):
                first = i
            if not state and i and states[i - 1] and (i - first) * hop >= rules.least - 1e-9:
                found.append((k, first, i - 1))
    return found


@given(STREAMS, RULES)
def test_the_detector_the_array_form_and_a_plain_walk_agree(stream, rules):
    hop, length = 0.5, 1.0
    p = np.array([row[:2] for row in stream], dtype=float).reshape(-1, 2)
    data = [(i * hop, i * hop + length, p[i], stream[i][2]) for i in range(len(p))]
    walked = {
        ("ab"[k], 0.25 + first * hop, 0.75 + last * hop)
        for k, first, last in plain_walk(stream, rules, hop, length)
    }
    found = [e for e in detect(data, "ab", rules, hop=hop) if e.is_over]
    assert {(e.label, e.start, e.stop) for e in found} == walked
    arrays = events_of(Scores.of(data), "ab", rules, hop=hop)
    key = lambda e: (e.label, e.start)  # noqa: E731
    assert sorted(found, key=key) == sorted(arrays, key=key)


@given(STREAMS, RULES, st.integers(0, 40))
def test_what_was_told_never_depends_on_what_comes_later(stream, rules, cut):
    data = [(0.5 * i, 0.5 * i + 1, np.array(row[:2]), row[2]) for i, row in enumerate(stream)]
    detector = Detector("ab", rules, hop=0.5)
    early = [event for row in data[:cut] for event in detector.push(*row)]
    later = [event for row in data[cut:] for event in detector.push(*row)] + detector.flush()
    assert early + later == list(detect(data, "ab", rules, hop=0.5))


@given(STREAMS, RULES)
def test_every_end_had_a_beginning_and_is_told_once(stream, rules):
    data = [(0.5 * i, 0.5 * i + 1, np.array(row[:2]), row[2]) for i, row in enumerate(stream)]
    found = list(detect(data, "ab", rules, hop=0.5))
    begun = [(e.label, e.start, e.known_at) for e in found if not e.is_over]
    ended = [(e.label, e.start, e.known_at) for e in found if e.is_over]
    assert len(set(begun)) == len(begun)
    assert sorted(begun) == sorted(ended)
    assert all(e.stop - e.start >= rules.least - 1e-9 for e in found if e.is_over)


@given(st.lists(LEVELS, max_size=30), st.sampled_from([0.2, 0.5]))
def test_a_higher_threshold_is_on_only_where_a_lower_one_is(values, release):
    y = np.array(values, dtype=float)

    def on(threshold):
        first, end = runs(y, threshold, release)
        return {i for a, b in zip(first, end, strict=True) for i in range(a, b)}

    assert on(0.75) <= on(0.5)


@given(st.integers(0, 2**32 - 1))
def test_two_softmax_classes_never_overlap_where_the_release_is_a_half_or_more(seed):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([0.3, 0.3], 60)
    found = over(p, Rules(0.7, 0.15, smoothing=1.0), labels="ab")
    ordered = sorted(places(found))
    assert all(a[1] <= b[0] for a, b in pairwise(ordered))


@given(st.floats(2.0, 4.0), st.floats(1.0, 6.0))
def test_a_model_that_is_right_places_events_within_half_a_hop(start, duration):
    hop, length = 0.25, 1.0
    windows = [(i * hop, i * hop + length) for i in range(60)]
    track = [Segment(start, start + duration, "dog")]
    labels = window_labels(*zip(*windows, strict=True), track)
    data = [(a, b, [float(w == "dog")], False) for (a, b), w in zip(windows, labels, strict=True)]
    (event,) = events_of(Scores.of(data), ["dog"], Rules(), hop=hop)
    assert abs(event.start - start) <= hop / 2 + 1e-6
    assert abs(event.stop - (start + duration)) <= hop / 2 + 1e-6


# --- kinks and errors -------------------------------------------------------------------------


def test_no_rows_make_no_events():
    assert list(detect([], ["a"], Rules(), hop=1.0)) == []
    assert events_of(Scores.of([]), ["a"], Rules(), hop=1.0) == []


def test_what_never_reaches_the_threshold_is_no_run():
    first, end = runs(np.array([0.6, 0.7]), 0.8, 0.5)
    assert len(first) == len(end) == 0


def test_the_first_window_may_be_an_event_of_its_own():
    assert places(over([1.0], Rules())) == [(0.0, 1.0)]


def test_after_a_flush_the_clock_may_start_again():
    detector = Detector(["a"], Rules(), hop=1.0)
    detector.push(5.0, 6.0, [1.0], False)
    detector.flush()
    assert [e.start for e in detector.push(0.0, 1.0, [1.0], False)] == [0.0]


@pytest.mark.parametrize(
    ("given_rules", "said"),
    [
        ({"threshold": 0.0}, "threshold is 0; expected"),
        ({"threshold": 1.5}, "threshold is 1.5; expected"),
        ({"threshold": 0.5, "hysteresis": 0.5}, "nothing would ever end"),
        ({"hysteresis": -0.1}, "hysteresis is -0.1"),
        ({"smoothing": -1.0}, "smoothing is -1 s"),
        ({"least": 5000.0}, "given in milliseconds"),
    ],
)
def test_rules_outside_their_range_are_refused(given_rules, said):
    with pytest.raises(InputError, match=said):
        Rules(**given_rules)


def test_rows_that_do_not_fit_are_refused():
    detector = Detector(["a", "b"], Rules(), hop=1.0)
    with pytest.raises(InputError, match=r"p has shape \(1,\); expected \(2,\)"):
        detector.push(0.0, 1.0, [1.0], False)
    with pytest.raises(InputError, match="are these logits"):
        detector.push(0.0, 1.0, [3.0, -2.0], False)
    with pytest.raises(InputError, match="expected probabilities"):
        detector.push(0.0, 1.0, [np.nan, 0.0], False)
    detector.push(0.0, 1.0, [0.0, 1.0], False)
    with pytest.raises(InputError, match="Call flush between"):
        detector.push(0.0, 1.0, [0.0, 1.0], False)
    with pytest.raises(InputError, match="hop is 0 s"):
        Detector(["a"], Rules(), hop=0.0)


def test_background_classes_must_exist_and_leave_one():
    with pytest.raises(InputError, match="did you mean 'street'"):
        watched(["dog", "street"], ["stret"])
    with pytest.raises(InputError, match="background names every class"):
        watched(["dog"], ["dog"])
