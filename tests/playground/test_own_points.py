"""Own points: what was asked for is there, the rest stays as it was, and nothing is changed in place."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ddasp._errors import InputError
from ddasp.playground.datasets import Points, make
from ddasp.playground.points.own_points import edit, read_csv


@pytest.fixture
def points():
    return make("xor", n=12, seed=1)


def test_added_points_come_last(points):
    after = edit(points, add=[(1, 2, 0), (3.5, -4, "positive")])
    assert_array_equal(after.X[:12], points.X)
    assert_array_equal(after.X[12:], [[1, 2], [3.5, -4]])
    assert after.y[12:].tolist() == [0, 1]
    assert after.y.dtype == np.int64
    assert after.domain == 6.0


def test_deleting_and_moving_use_the_numbers_before_the_edit(points):
    after = edit(points, delete=[0, 3], move=[(5, 0.5, 0.25)], add=[(9, 9, 1)])
    kept = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
    expected = points.X.copy()
    expected[5] = [0.5, 0.25]
    assert_array_equal(after.X[:-1], expected[kept])
    assert_array_equal(after.y[:-1], points.y[kept])


def test_nothing_is_changed_in_place(points):
    X, y = points.X.copy(), points.y.copy()
    edit(points, move=[(0, 9, 9)], delete=[1], add=[(0, 0, 2)])
    assert_array_equal(points.X, X)
    assert_array_equal(points.y, y)
    assert points.classes == ("negative", "positive")


def test_all_points_can_be_deleted_and_painted_again(points):
    empty = edit(points, delete=range(12))
    assert empty.n == 0
    assert empty.classes == ("negative", "positive")
    again = edit(empty, add=[(0, 0, "positive")])
    assert again.X.shape == (1, 2)


def test_classes_grow_to_six_and_no_further(points):
    after = edit(points, add=[(0, 0, 2), (1, 1, "tom"), (2, 2, 5)])
    assert after.classes == ("negative", "positive", "C", "tom", "E", "F")
    assert after.y[-3:].tolist() == [2, 3, 5]
    with pytest.raises(InputError, match="7 classes; expected at most 6"):
        edit(after, add=[(0, 0, "one more")])


def test_a_new_letter_is_never_one_that_is_taken():
    points = replace(make("rings3", n=12), classes=("A", "D", "C"))
    assert edit(points, add=[(0, 0, 3)]).classes == ("A", "D", "C", "E")


def test_in_regression_the_label_is_the_target_and_on_a_line_the_height():
    plane = edit(make("reg-plane", n=10), add=[(1, 2, 0.75)], move=[(0, 3, 4)])
    assert plane.y[-1] == 0.75
    assert plane.y[0] == make("reg-plane", n=10).y[0]  # moving leaves the target alone
    line = edit(make("reg-sine1d", n=10), add=[(1, 0.5, 9)], move=[(0, -3, 0.25)])
    assert_array_equal(line.X[[0, -1], 0], [-3, 1])
    assert_array_equal(line.y[[0, -1]], [0.25, 0.5])


def test_on_a_line_with_classes_the_height_counts_for_nothing():
    line = edit(make("stripes1d", n=10), add=[(1, 0.9, 0)])
    assert line.X[-1].tolist() == [1.0]
    assert line.y[-1] == 0


def test_painted_points_have_no_group_but_deleting_keeps_those_of_the_others():
    X = np.arange(8.0).reshape(4, 2)
    points = Points(
        X, np.array([0, 1, 0, 1]), "classification", ("a", "b"), ("x", "y"), None,
        ("g", "g", "h", "h"), None, "",
    )  # fmt: skip
    assert edit(points, delete=[1]).groups == ("g", "h", "h")
    assert edit(points, add=[(0, 0, 0)]).groups is None


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"delete": [12]}, "there is no point 12; expected 0 to 11"),
        ({"move": [(-1, 0, 0)]}, "there is no point -1"),
        ({"move": [(1.5, 0, 0)]}, "there is no point 1.5"),
        ({"add": [(float("nan"), 0, 0)]}, "a coordinate is 'nan'"),
        ({"add": [(0, float("inf"), 0)]}, "a coordinate is 'inf'"),
        ({"move": [(0, "1", 0)]}, "a coordinate is '1'; expected a number"),
        ({"add": [(0, 0, 0.5)]}, "a label is 0.5; expected a class"),
        ({"add": [(0, 0, -1)]}, "a label is -1"),
        ({"add": [(0, 0, 6)]}, "7 classes; expected at most 6"),
        ({"add": [(0, 0, "a\x00b")]}, "expected a short printable one"),
        ({"add": [(0, 0, "a" * 500)]}, "expected a short printable one"),
        ({"add": [(0, 0, 0)] * 4989}, "there would be 5001 points; expected at most 5000"),
    ],
)
def test_errors_teach(points, what, words):
    with pytest.raises(InputError, match=words):
        edit(points, **what)


def test_points_with_many_columns_can_not_be_painted():
    wide = read_csv("1,2,3,a\n2,3,4,b\n0,0,0,a\n1,1,1,b\n")
    with pytest.raises(InputError, match="3 columns; expected one or two"):
        edit(wide, add=[(0, 0, 0)])
