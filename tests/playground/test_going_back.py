"""Going back: whatever was done, every state of the past comes back to the last bit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddasp.playground.datasets import Points
from ddasp.playground.settings import Settings, parse
from ddasp.playground.training import marks
from ddasp.playground.training.changing import changed, edited, under_view_of
from ddasp.playground.training.experiment import Experiment
from ddasp.playground.training.stretches import State, advance, batch_length, order_of


def bits(state: State) -> tuple[Any, ...]:
    memory = state.memory
    kept = None if memory is None else (memory.step, *map(_bytes, (memory.first, memory.second)))
    return (
        state.epoch, state.row, state.seen, state.n_updates, state.draws, state.settings,
        state.spec, tuple(map(_bytes, state.theta)), kept, _bytes(state.material.U),
        _bytes(state.material.sets), state.ceiling, state.log.segments,
    )  # fmt: skip


def _bytes(values: Any) -> bytes:
    return np.asarray(values).tobytes()


@dataclass
class Kept:
    """The plainest experiment: every state is kept, every update is taken alone."""

    states: list[State] = field(default_factory=list)

    @property
    def now(self) -> State:
        return self.states[-1]

    def update(self) -> None:
        self.states.append(advance(self.now, order_of(self.now), 1)[0])

    def sample(self) -> None:
        if self.now.seen + 1 < batch_length(self.now):
            self.states[-1] = replace(self.now, seen=self.now.seen + 1)
        else:
            self.update()

    def until_epoch_end(self) -> None:
        end = self.now.epoch + 1
        while self.now.epoch < end:
            self.update()

    def by_hand(self, state: State, kind: str = "go on") -> None:
        self.states = [state] if kind == "begin" else [*self.states[:-1], state]

    def back(self, unit: str) -> None:
        now = self.now
        if now.seen and unit != "epoch":
            self.states[-1] = replace(now, seen=now.seen - 1 if unit == "sample" else 0)
            return
        if unit == "epoch":
            begun = now.row > 0 or now.seen > 0
            target = (now.epoch if begun else now.epoch - 1, 0)
            while len(self.states) > 1 and (self.now.epoch, self.now.row) != target:
                self.states.pop()
            self.states[-1] = replace(self.now, seen=0)
        elif len(self.states) > 1:
            self.states.pop()
            seen = max(batch_length(self.now) - 1, 0) if unit == "sample" else 0
            self.states[-1] = replace(self.now, seen=seen)
        self.states[-1] = under_view_of(self.now, now.settings)


CHANGES = [
    {"learningRate": 0.1}, {"learningRate": 0.01}, {"batchSize": 7}, {"batchSize": 1000},
    {"batchSize": 3}, {"optimizer": "adam"}, {"optimizer": "momentum"}, {"optimizer": "sgd"},
    {"activation": "relu"}, {"regularization": "L2", "regularizationRate": 0.01},
    {"networkShape": "3"}, {"networkShape": "4,2,2"}, {"networkShape": ""}, {"sinX": True},
    {"percTrainData": 10}, {"percTrainData": 80}, {"noise": 25}, {"dataset": "xor"},
    {"dataset": "blobs4"}, {"loss": "entropy"}, {"scale": "standard"}, {"showTestData": True},
    {"stopEpoch": 10**6}, {"problem": "regression"}, {"dataSeed": 5}, {"seed": 3},
]  # fmt: skip
actions = st.one_of(
    st.tuples(st.just("train"), st.integers(1, 60)),
    st.tuples(st.just("epochs"), st.integers(1, 3)),
    st.tuples(st.just("step"), st.sampled_from(["sample", "batch", "epoch"])),
    st.tuples(st.just("back"), st.sampled_from(["sample", "batch", "epoch"])),
    st.tuples(st.just("back"), st.sampled_from(["sample", "batch", "epoch"])),
    st.tuples(st.just("change"), st.sampled_from(CHANGES)),
    st.tuples(st.just("edit"), st.floats(-2, 2)),
    st.tuples(st.just("points"), st.integers(12, 60)),
)


def do(experiment: Experiment, kept: Kept, action: str, value: Any) -> None:
    now = kept.now
    if action == "train":
        experiment.train(updates=value)
        for _ in range(value):
            kept.update()
    elif action == "epochs":
        experiment.train(epochs=value)
        for _ in range(value):
            kept.until_epoch_end()
    elif action == "step":
        experiment.step(value)
        {"sample": kept.sample, "batch": kept.update, "epoch": kept.until_epoch_end}[value]()
    elif action == "back":
        experiment.back(value)
        kept.back(value)
    elif action == "change":
        experiment.change(value)
        kept.by_hand(*changed(now, parse(value, now.settings)))
    elif action == "edit":
        experiment.edit(1, None, 0, value)
        kept.by_hand(edited(now, 1, None, 0, value))
    else:
        some = now.material.points
        points = replace(some, X=some.X[:value], y=some.y[:value])
        experiment.replace_points(points)
        source = replace(now.settings, source="own")
        kept.by_hand(*changed(now, source, points))


@settings(max_examples=25)
@given(st.lists(actions, min_size=4, max_size=25))
def test_any_sequence_of_steps_changes_and_returns_is_exact(
    sequence: list[tuple[str, Any]],
) -> None:
    experiment = Experiment(Settings(percTrainData=20.0))
    kept = Kept([experiment.state])
    for action, value in sequence:
        do(experiment, kept, action, value)
        assert bits(experiment.state) == bits(kept.now), (action, value)
        assert experiment.can_back == (len(kept.states) > 1 or kept.now.seen > 0)
        updates = experiment.history()["n_updates"]
        assert updates == sorted(updates)
        assert updates[-1] <= experiment.n_updates
    fresh = Experiment()
    fresh._become(experiment.state)
    assert fresh.losses() == experiment.losses() or np.isnan(experiment.losses()).any()


@settings(max_examples=6)
@given(st.lists(st.sampled_from([1, 3, 40, 1000, 3000]), min_size=1, max_size=12), st.data())
def test_marks_stay_few_and_every_state_stays_within_reach(lengths: list[int], data: Any) -> None:
    experiment = Experiment(Settings(percTrainData=10.0, networkShape=(1,)))
    for length in lengths:
        experiment.train(updates=length)
    total = experiment.n_updates
    assert total == sum(lengths)
    for _ in range(3):
        unit = data.draw(st.sampled_from(["batch", "epoch"]))
        experiment.back(unit)
    if experiment.n_updates == total:
        return
    first = Experiment(experiment.settings).state
    state, _ = advance(first, order_of(first), experiment.n_updates)
    assert bits(state) == bits(experiment.state)


def test_marks_are_bounded_and_lie_denser_near_the_present() -> None:
    experiment = Experiment(Settings(percTrainData=10.0, networkShape=(1,)))
    for _ in range(200):
        experiment.train(updates=5)
    kept = [state.n_updates for state, _ in experiment._marks._marks]
    assert len(kept) <= marks.MOST_BETWEEN + 2
    assert kept[0] == 0
    gaps = np.diff(kept)
    assert gaps[-10:].max() < gaps[:10].mean() / 2
    # going on forward from a return leaves nothing of the other future
    for _ in range(30):
        experiment.back("epoch")
    assert experiment.epoch == 170


def test_too_many_changes_shorten_the_past_instead_of_falsifying_it() -> None:
    experiment = Experiment(Settings(percTrainData=10.0))
    for k in range(marks.MOST_CHANGES + 20):
        experiment.train(updates=2)
        experiment.change({"learningRate": 0.01 + k / 1e4})
    assert len(experiment._marks) <= marks.MOST_CHANGES + marks.MOST_BETWEEN
    while experiment.can_back:
        before = experiment.n_updates
        assert experiment.back("batch")
        assert experiment.n_updates == before - 1
    assert experiment.n_updates == experiment._marks.first.n_updates > 0
    assert not experiment.back("batch")
    assert experiment.settings.learningRate == pytest.approx(0.01 + 20 / 1e4)


def test_going_back_cuts_the_history_and_keeps_how_one_looks_at_it() -> None:
    experiment = Experiment()
    experiment.train(epochs=40)
    experiment.change({"learningRate": 0.3, "discretize": True, "speed": "max", "stopEpoch": 90})
    experiment.train(epochs=2)
    for _ in range(10):
        experiment.back("epoch")
    assert experiment.epoch == 32
    assert experiment.history()["epoch"] == list(range(33))
    assert experiment.settings.learningRate == 0.03
    assert experiment.settings.discretize
    assert experiment.settings.stopEpoch == 90


def test_a_sample_back_over_an_update_is_one_sample_before_it() -> None:
    experiment = Experiment(Settings(batchSize=4))
    experiment.train(updates=3)
    theta = experiment.theta
    for _ in range(6):
        experiment.step("sample")
    assert (experiment.n_updates, experiment.seen) == (4, 2)
    for _ in range(3):
        experiment.back("sample")
    assert (experiment.n_updates, experiment.seen) == (3, 3)
    assert all((a == b).all() for a, b in zip(theta, experiment.theta, strict=True))


def test_back_from_the_beginning_does_nothing() -> None:
    experiment = Experiment()
    assert not experiment.can_back
    assert not any(experiment.back(unit) for unit in ("sample", "batch", "epoch"))


def test_points_come_back_as_well() -> None:
    experiment = Experiment()
    experiment.train(epochs=2)
    before: Points = experiment.points
    experiment.replace_points(replace(before, X=before.X[:20], y=before.y[:20]))
    experiment.train(epochs=1)
    experiment.back("epoch")
    assert experiment.points.n == 20
    experiment.back("epoch")
    assert experiment.points is before
    assert experiment.settings.source == "toy"
