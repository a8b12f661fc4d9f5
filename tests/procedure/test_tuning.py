"""Tuning: the choice against an exhaustive walk with the detector, and what is said about the budget."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp._files import write_json
from ddasp.procedure import tuning
from ddasp.procedure.event_scores import measured, rate_below, total
from ddasp.procedure.events import Rules, detect
from ddasp.procedure.heard import Scores, Stream, hear
from ddasp.procedure.labels import Segment
from ddasp.procedure.tuning import grid, tune
from ddasp.procedure.tuning_files import curve_rows, figure, read_rules, write_tuning

LABELS = ("cat", "dog", "street")
HOP, LENGTH = 0.5, 1.0
SVG = "{http://www.w3.org/2000/svg}"


def stream(seed: int, *, minutes: float = 10.0, noise: float = 1.2, name: str = "") -> Stream:
    """Softmax scores that rise where an event is, with noise of their own in every window."""
    rng = np.random.default_rng(seed)
    truth, t = [], 0.0
    while (t := t + rng.exponential(15.0)) + 2.0 < 60 * minutes:
        truth.append(Segment(t, t + rng.uniform(1.0, 2.0), LABELS[rng.integers(2)]))
        t = truth[-1].stop
    start = np.arange(int((60 * minutes - LENGTH) / HOP) + 1) * HOP
    logit = rng.normal(0, noise, (len(start), 3)) + [0, 0, 2]
    for segment in truth:
        centre = start + LENGTH / 2
        inside = (centre >= segment.start) & (centre <= segment.stop)
        logit[inside, LABELS.index(segment.label)] += 4 + rng.normal(0, 1)
    p = np.exp(logit) / np.exp(logit).sum(axis=1, keepdims=True)
    groups = tuple("xyz"[i % 3] for i in range(len(truth)))
    return Stream(Scores(start, start + LENGTH, p), tuple(truth), 60 * minutes, name, groups)


def tuned(streams, budget=6.0, **options):
    return tune(streams, LABELS, hop=HOP, budget=budget, background=["street"], **options)


@pytest.fixture(scope="module", autouse=True)
def _coarse():
    """A coarser grid, for the counts of one are as right as those of the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "THRESHOLDS", (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.999))
        patch.setattr(tuning, "SHARES", (0.0, 0.5))
        patch.setattr(tuning, "SMOOTHINGS", (0, 1, 4))
        patch.setattr(tuning, "LEASTS", (1, 2, 5))
        yield


@pytest.fixture(scope="module")
def three():
    return [stream(seed, name=f"night {seed}") for seed in range(3)]


@pytest.fixture(scope="module")
def result(three):
    return tuned(three)


def some_rules(hop):
    return grid(hop)[::11]


def by_walking(streams, rules, collar=0.5):
    """What the detector itself finds."""
    parts = []
    for one in streams:
        events = list(detect(one.scores.rows(), LABELS, rules, hop=HOP, background=["street"]))
        parts.append(measured(events, one.truth, duration=one.duration, collar=collar))
    return total(parts)


def test_the_choice_is_the_best_of_an_exhaustive_walk_with_the_detector(three, monkeypatch):
    monkeypatch.setattr(tuning, "grid", some_rules)
    walked = [(rules, by_walking(three, rules)) for rules in some_rules(HOP)]
    for budget in (3.0, 30.0, 1000.0):
        found = tuned(three, budget)
        kept = [(r, m) for r, m in walked if m.n_found and m.rate.value <= budget]
        best = min(kept, key=lambda c: (-c[1].n_found, c[1].latency, c[1].n_false))
        assert found.rules == best[0]
        counted = found.measured
        assert (counted.n_found, counted.n_false) == (best[1].n_found, best[1].n_false)
        assert counted.latency == pytest.approx(best[1].latency)


def test_equal_rules_go_to_the_larger_threshold():
    # every window of the event is certain, so that no number makes a difference but to latency
    p = np.zeros((40, 3))
    p[10:20, 1] = 1.0
    start = np.arange(40) * HOP
    clear = Stream(Scores(start, start + LENGTH, p), (Segment(5.25, 10.25, "dog"),), 20.5)
    found = tuned([clear], 1000.0)
    assert (found.rules.threshold, found.rules.smoothing, found.rules.least) == (0.999, 0.0, HOP)
    assert found.measured.latency == pytest.approx(0.75)  # the window from 5 to 6 s


def test_of_equal_recalls_the_quicker_one_is_taken_while_the_budget_lasts():
    # the event begins with 0.65 and goes on with 1; elsewhere 0.65 is a false alarm
    p = np.zeros((7200, 3))
    p[100:104, 1] = 0.65
    p[104:110, 1] = 1.0
    p[3000:3010, 1] = 0.65
    start = np.arange(7200) * HOP
    slow = Stream(Scores(start, start + LENGTH, p), (Segment(50.0, 56.0, "dog"),), 3600.5)
    quick, late = tuned([slow], 5.0), tuned([slow], 0.5)
    assert (quick.rules.threshold, quick.measured.n_false) == (0.6, 1)
    assert (late.rules.threshold, late.measured.n_false) == (0.999, 0)
    assert quick.measured.latency < late.measured.latency


def test_a_larger_budget_never_finds_less(three):
    found = [tuned(three, budget).measured.n_found for budget in (0.5, 6.0, 60.0, 600.0)]
    assert found == sorted(found)


def test_the_curve_is_what_no_other_setting_beats(three, result):
    points = [(p.measured.n_false, p.measured.n_found) for p in result.curve]
    assert points == sorted(set(points))
    assert [found for _, found in points] == sorted({found for _, found in points})
    for point in result.curve[:3]:
        walked = by_walking(three, point.rules)
        assert (walked.n_false, walked.n_found) == (
            point.measured.n_false,
            point.measured.n_found,
        )
        assert walked.latency == pytest.approx(point.measured.latency)
    kept = [found for false, found in points if false <= result.budget * result.measured.hours]
    assert result.measured.n_found == max(kept)


def test_a_stream_is_held_out_under_the_choice_of_the_others(three, result):
    parts = []
    for s, left_out in enumerate(three):
        others = [one for i, one in enumerate(three) if i != s]
        parts.append(by_walking([left_out], tuned(others).rules))
    expected = total(parts)
    assert result.held_out.n_found == expected.n_found
    assert result.held_out.n_false == expected.n_false
    assert result.judged is result.held_out


def test_the_labels_add_up_to_what_was_measured(result):
    assert set(result.by_label) == {"cat", "dog"}
    for name in ("n_true", "n_found", "n_false"):
        parts = [getattr(found, name) for found in result.by_label.values()]
        assert sum(parts) == getattr(result.measured, name)


def test_groups_give_the_recall_for_a_new_one(result):
    assert result.measured.recall_of_new_group.n_groups == 3


def test_tuning_is_the_same_every_time(three, result):
    assert tuned(three) == result


def test_rules_are_in_the_order_that_counting_relies_on():
    rules = grid(HOP)
    order = [(r.smoothing, r.threshold, r.hysteresis, r.least) for r in rules]
    assert order == sorted(order)
    assert len(set(order)) == len(order)


# --- what is said -----------------------------------------------------------------------------


def test_a_short_stream_is_said_to_prove_nothing(result):
    found = tuned([stream(0, minutes=30.0, noise=0.3)], 1.0)
    assert not found.is_proven
    said = " ".join(found.sentences())
    assert "One stream alone" in said
    assert "can't be verified on 0.5 h" in said
    assert "fewer than 5.99 per hour (95 %); at least 3 h are needed" in said


def test_a_long_stream_without_false_alarms_proves_a_budget():
    found = tuned([stream(s, minutes=30.0, noise=0.1) for s in (0, 1)], 4.0)
    assert found.held_out.n_false == 0
    assert found.is_proven
    assert "is proven: 0 false alarms in 1 h prove fewer than 3 per hour" in found.sentences()[-1]


def test_a_budget_that_was_kept_but_not_proven_is_said_to_be_so(three):
    found = tuned(three, 40.0)
    assert 0 < found.judged.rate.value < 40.0 < rate_below(found.judged.n_false, 0.5)
    assert "is not proven" in found.sentences()[-1]


def test_a_budget_that_cannot_be_met_gets_the_lowest_rate_that_finds_anything():
    # certain alarms each minute of street, and one true event
    p = np.zeros((1200, 3))
    p[::60, 0] = 1.0
    start = np.arange(1200) * HOP
    truth = (Segment(60.0, 61.0, "cat"),)
    found = tuned([Stream(Scores(start, start + LENGTH, p), truth, 600.5)], 1.0)
    assert not found.is_met
    assert found.measured.n_found == 1
    assert found.measured.n_false == min(point.measured.n_false for point in found.curve)
    assert "can't be met: the lowest rate at which anything is found is 114 per hour" in " ".join(
        found.sentences()
    )


def test_a_budget_that_new_streams_break_is_said_to_be_broken(three, result):
    loud = [stream(0, noise=0.2), stream(1, noise=1.6)]
    found = tuned(loud, 6.0)
    assert found.judged.rate.value > 6.0 >= found.measured.rate.value
    assert "On new streams the budget of 6 per hour is not kept" in " ".join(found.sentences())


def test_the_collar_is_half_a_window_unless_given(three, result):
    assert result.collar == 0.5
    assert tuned(three[:1], collar=0.2).collar == 0.2


# --- streams ----------------------------------------------------------------------------------


def test_a_stream_is_heard_once_by_a_scorer_that_is_passed_in():
    def score(chunks):
        for i, chunk in enumerate(chunks):
            yield i * 0.5, i * 0.5 + 1.0, np.full(3, chunk.mean()), i == 1

    chunks = [np.full(8, level, np.float32) for level in (0.25, 0.5)]
    heard = hear(chunks, score, [Segment(0.0, 1.0, "dog")], duration=1.5, name="n", groups=["g"])
    assert heard.scores.p.tolist() == [[0.25] * 3, [0.0] * 3]
    assert (heard.name, heard.groups, heard.scores.length) == ("n", ("g",), 1.0)


def test_true_events_of_a_background_class_are_none(three):
    quiet = Stream(three[0].scores, (Segment(1.0, 2.0, "street"),), three[0].duration)
    assert tuned([*three, quiet]).measured.n_true == sum(len(one.truth) for one in three)


def test_what_can_not_be_tuned_on_is_refused(three):
    scores = three[0].scores
    with pytest.raises(InputError, match="budget is 0"):
        tuned(three, 0.0)
    with pytest.raises(InputError, match="1 streams hold no true event of cat, dog, street"):
        tuned([Stream(scores, (), 600.0)])
    with pytest.raises(InputError, match=r"truth of night names 'dgo'.*did you mean 'dog'"):
        tuned([Stream(scores, (Segment(1.0, 2.0, "dgo"),), 600.0, "night")])
    with pytest.raises(InputError, match="have 3 probabilities; expected 2"):
        tune(three, ["cat", "dog"], hop=HOP, budget=1.0)
    with pytest.raises(InputError, match="the label track of another sound"):
        Stream(scores, (Segment(900.0, 901.0, "dog"),), 600.0)
    with pytest.raises(InputError, match="groups has 2 entries for 1 true events"):
        Stream(scores, (Segment(1.0, 2.0, "dog"),), 600.0, groups=("a", "b"))


def test_a_model_that_finds_nothing_can_not_be_tuned(three):
    deaf = Scores(three[0].scores.start, three[0].scores.stop, 0 * three[0].scores.p)
    with pytest.raises(InputError, match=r"no rule finds any of the 1 true events"):
        tuned([Stream(deaf, (Segment(1.0, 2.0, "dog"),), 600.0)])


# --- files ------------------------------------------------------------------------------------


def test_the_folder_holds_rules_curve_and_picture(result, tmp_path):
    write_tuning(tmp_path, result)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "events.json",
        "events.svg",
        "events_curve.csv",
    ]
    assert read_rules(tmp_path) == result.rules == read_rules(tmp_path / "events.json")
    held = json.loads((tmp_path / "events.json").read_text())
    assert held["sentences"] == result.sentences()
    assert held["streams"][1] == {"name": "night 1", "duration": 600.0, "n_true": 33}
    assert held["model"] == ""
    write_tuning(tmp_path, result, model="0f3a")
    assert json.loads((tmp_path / "events.json").read_text())["model"] == "0f3a"
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_tuning(tmp_path, result, model="0f3a")
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_the_curves_rows_hold_the_choice_once(result):
    rows = curve_rows(result)
    (chosen,) = [row for row in rows if row["chosen"] == "true"]
    assert chosen["threshold"] == result.rules.threshold
    assert chosen["n_found"] == result.measured.n_found
    assert [row["n_false"] for row in rows] == sorted(row["n_false"] for row in rows)


def test_the_picture_stands_alone_and_names_budget_choice_and_zero(result):
    root = ET.fromstring(figure(result))
    texts = {element.text for element in root.iter(f"{SVG}text")}
    assert {"budget 6", "chosen", "on held-out streams", "0", "false alarms / hour"} <= texts
    style = root.find(f"{SVG}style").text
    assert "--ink:" in style
    assert "prefers-color-scheme:dark" in style
    assert result.sentences()[0] in {element.text for element in root.iter(f"{SVG}desc")}
    assert "<style" not in figure(result, alone=False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"budget": 1.0}, "holds no rules"),
        ({"rules": {"threshold": 0.5}}, "holds no rules"),
        (
            {"rules": {"threshold": 9.0, "hysteresis": 0, "smoothing": 0, "least": 0}},
            "no usable rules: E-ARGUMENT: threshold is 9",
        ),
    ],
)
def test_rules_that_were_edited_badly_are_refused(tmp_path, content, said):
    write_json(tmp_path / "events.json", content)
    with pytest.raises(InputError, match=said):
        read_rules(tmp_path)


def test_missing_rules_are_said_to_come_from_tuning(tmp_path):
    with pytest.raises(InputError, match="make it with `ddasp tune`"):
        read_rules(tmp_path)


def test_rules_survive_the_file(result, tmp_path):
    write_tuning(tmp_path, result)
    assert isinstance(read_rules(tmp_path), Rules)
