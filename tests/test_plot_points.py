"""Pictures of single cases: places on logarithmic axes, stacks of dots, quartiles."""

from __future__ import annotations

import numpy as np
import pytest

from ddasp._errors import InputError
from ddasp.plot.points import board, dots
from ddasp.plot.svg import to_svg

NAMES = ("parameters", "risk")


def test_every_kind_is_drawn_where_its_numbers_say_on_logarithmic_axes():
    figure = board([3, 17, 60], [0.5, 0.02, 1e-4], ["linear", "own", "own"], names=NAMES)
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    linear, own = axes.lines[:2]
    assert (linear.get_xdata().tolist(), own.get_ydata().tolist()) == ([3.0], [0.02, 1e-4])
    low, high = axes.get_xlim()
    assert low < 3
    assert high > 60


def test_thresholds_are_lines_with_their_names_and_lie_inside():
    figure = board([17], [0.5], ["own"], names=NAMES, thresholds=[("good", 1e-3)])
    assert figure.axes[0].get_ylim()[0] < 1e-3
    assert "good 0.001" in to_svg(figure, alt="x")


def test_what_a_logarithm_cannot_hold_is_left_out():
    figure = board([0, 5, np.nan, 8], [1, -1, 1, 0.1], ["own"] * 4, names=NAMES)
    assert figure.axes[0].lines[0].get_xdata().tolist() == [8.0]


def test_an_error_far_below_all_thresholds_stands_at_the_lower_end_with_an_arrow():
    figure = board([13, 9], [1e-14, 0.2], ["own"] * 2, names=NAMES, thresholds=[("A", 0.1)])
    assert figure.axes[0].lines[0].get_ydata().tolist() == [pytest.approx(1e-4), 0.2]
    assert "13 ↓" in [text.get_text() for text in figure.axes[0].texts]
    assert "10⁻⁴" in [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_a_board_without_any_point_is_still_a_picture():
    assert to_svg(board([], [], [], names=NAMES), alt="empty").startswith("<svg")


def test_many_points_bear_no_labels_of_their_own():
    few, many = (board(range(2, n), range(2, n), ["a"] * (n - 2), names=NAMES) for n in (5, 60))
    assert [t.get_text() for t in few.axes[0].texts] == ["2", "3", "4"]
    assert not many.axes[0].texts


def test_kinds_of_another_length_are_refused():
    with pytest.raises(InputError, match="2 points and 1 kinds"):
        board([1, 2], [1, 2], ["a"], names=NAMES)


def test_equal_values_stack_and_the_quartiles_are_those_of_the_values():
    values = [0, 10, 10, 10, 20, 20, 30]
    axes = dots(values, quantity="points", limits=(0, 30)).axes[0]
    cases, quartiles, median = axes.lines
    assert sorted(cases.get_ydata()) == [0.5, 0.5, 0.5, 0.5, 1.5, 1.5, 2.5]  # 1 + 3 + 2 + 1 dots
    assert quartiles.get_xdata().tolist() == [10.0, 20.0]
    assert median.get_xdata().tolist() == [10.0]


@pytest.mark.parametrize("values", [[], [np.nan], [5.0], [-3.0, 99.0]])
def test_dots_stay_inside_the_limits_whatever_comes(values):
    axes = dots(values, quantity="points", limits=(0, 30)).axes[0]
    at = axes.lines[0].get_xdata()
    assert np.all((at >= 0) & (at <= 30))
