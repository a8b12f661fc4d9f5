"""The picture of recall over false alarms: places on its axes, a zero on a logarithmic one."""

from __future__ import annotations

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp.plot.svg import to_svg
from ddasp.plot.trade_off import Mark, trade_off


def drawn(rate, recall, *, budget=1.0, marks=()):
    recall = np.asarray(recall, float)
    return trade_off(rate, recall, recall - 0.1, recall + 0.05, budget=budget, marks=marks)


def test_a_rate_of_zero_stands_apart_under_its_own_tick():
    axes = drawn([0.0, 2.0, 50.0], [0.3, 0.6, 0.9], budget=2.0).axes[0]
    first, label = axes.get_xticks()[0], axes.get_xticklabels()[0].get_text()
    assert label == "0"
    assert axes.get_xlim()[0] < first < 2.0
    assert axes.lines[0].get_xdata()[0] == first
    assert axes.get_xscale() == "log"


def test_between_two_settings_the_line_is_that_of_the_stricter_one():
    axes = drawn([1.0, 10.0], [0.4, 0.8]).axes[0]
    assert axes.lines[0].get_drawstyle() == "steps-post"
    assert axes.lines[0].get_ydata().tolist() == [0.4, 0.8, 0.8]


def test_recall_begins_at_zero_unless_all_of_it_lies_above_one_half():
    assert drawn([1.0], [0.55]).axes[0].get_ylim()[0] == 0.0
    assert drawn([1.0], [0.9]).axes[0].get_ylim()[0] == 0.5


def test_an_interval_that_reaches_zero_ends_at_the_tick():
    mark = Mark("chosen", (0.0, 0.0, 6.0), (0.9, 0.8, 0.95))
    axes = drawn([0.0, 3.0], [0.9, 0.95], marks=[mark]).axes[0]
    interval = next(line for line in axes.lines if line.get_marker() == "|")
    assert interval.get_xdata().tolist() == pytest.approx([axes.get_xticks()[0], 6.0])


@pytest.mark.parametrize("budget", [0.01, 1.0, 3000.0])
def test_the_budget_is_drawn_and_named_wherever_it_lies(budget):
    figure = drawn([0.5, 20.0], [0.4, 0.8], budget=budget)
    low, high = figure.axes[0].get_xlim()
    assert low < budget < high
    assert f"budget {budget:g}" in to_svg(figure, alt="x")


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="expected one length for all"):
        trade_off([1.0], [0.5, 0.6], [0.4], [0.7], budget=1.0)
