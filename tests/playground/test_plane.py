"""The plane of the map: there and back again, the top row on top, and honest words about the rest."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.linear.pca import PCA
from ddasp.playground.datasets import Points, make
from ddasp.playground.points.plane import view_for
from ddasp.playground.settings import parse


@pytest.fixture
def wide():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(80, 5)) @ rng.normal(size=(5, 5)) * [1, 100, 0.01, 1, 5] + [0, 5, 1, -9, 2]
    return Points(
        X, np.arange(80) % 2, "classification", ("a", "b"), tuple("pqrst"), None, None, None, ""
    )


ROWS = np.arange(50)
PLANES = [
    {"plane": "slice"},
    {"plane": "slice", "axisX": 3, "axisY": 1},
    {"plane": "point", "slicePoint": 70},
    {"plane": "pca"},
    {"plane": "pca", "columns": "0,1,2,4"},
]


@pytest.mark.parametrize("settings", PLANES)
def test_lifting_and_projecting_are_inverse_on_the_plane(wide, settings):
    view = view_for(parse(settings), wide, ROWS)
    xy = np.random.default_rng(0).normal(size=(40, 2)) * 3
    lifted = view.lift(xy)
    assert lifted.shape == (40, 5)
    assert_allclose(view.project(lifted), xy, atol=1e-10)
    assert_allclose(view.lift(view.project(lifted)), lifted, atol=1e-10)


@pytest.mark.parametrize("settings", PLANES)
def test_the_grid_lies_on_the_plane_with_the_largest_second_coordinate_on_top(wide, settings):
    view = view_for(parse(settings), wide, ROWS)
    xy = view.project(view.grid(7)).reshape(7, 7, 2)
    (x0, x1), (y0, y1) = view.ranges
    assert_allclose(xy[0, :, 1], y1 - (y1 - y0) / 14)  # the centre of the top row's cells
    assert_allclose(xy[-1, :, 1], y0 + (y1 - y0) / 14)
    assert_allclose(xy[:, 0, 0], x0 + (x1 - x0) / 14)
    assert_allclose(np.diff(xy[0, :, 0]), (x1 - x0) / 7)


@pytest.mark.parametrize("settings", PLANES)
def test_every_point_lies_within_the_ranges(wide, settings):
    view = view_for(parse(settings), wide, ROWS)
    xy = view.project(wide.X)
    for k in (0, 1):
        low, high = view.ranges[k]
        margin = 0.08 * np.ptp(xy[:, k])
        assert_allclose([low, high], [xy[:, k].min() - margin, xy[:, k].max() + margin])


def test_two_columns_are_the_plane_itself():
    points = make("spiral")
    view = view_for(parse({"plane": "pca"}), points, ROWS)
    assert view.kind == "plane"
    assert view.axes == ("x₁", "x₂")
    assert view.ranges == ((-6.0, 6.0), (-6.0, 6.0))
    assert view.words == ""
    assert_array_equal(view.project(points.X), points.X)
    assert view.grid(100).shape == (10_000, 2)
    assert_allclose(view.grid(2), [[-3, 3], [3, 3], [-3, -3], [3, -3]])


def test_a_slice_holds_the_other_columns_at_the_training_median(wide):
    view = view_for(parse({"axisX": 1, "axisY": 4}), wide, ROWS)
    grid = view.grid(3)
    others = [0, 2, 3]
    assert_allclose(grid[:, others], np.tile(np.median(wide.X[:50][:, others], axis=0), (9, 1)))
    assert view.axes == ("q", "t")
    assert_array_equal(view.project(wide.X), wide.X[:, [1, 4]])
    assert "3 other columns that are fed stand at the median of training" in view.words
    moved = replace(wide, X=np.vstack([wide.X[:50], wide.X[50:] + 100]))
    assert_allclose(view_for(parse({"axisX": 1, "axisY": 4}), moved, ROWS).origin, view.origin)


def test_a_slice_through_a_point_holds_the_point(wide):
    view = view_for(parse({"plane": "point", "slicePoint": 70, "columns": "0,1,2"}), wide, ROWS)
    assert_allclose(view.lift(view.project(wide.X[70:71]))[0], wide.X[70])
    assert "the other column that is fed stands at point 70" in view.words


def test_axes_are_the_fed_columns_unless_chosen_and_never_one_twice(wide):
    fed = {"columns": "2,3,4"}
    assert view_for(parse(fed), wide, ROWS).axes == ("r", "s")
    assert view_for(parse({**fed, "axisX": 4}), wide, ROWS).axes == ("t", "r")
    assert view_for(parse({**fed, "axisY": 2}), wide, ROWS).axes == ("s", "r")
    assert view_for(parse({**fed, "axisX": 0, "axisY": 0}), wide, ROWS).axes == ("p", "r")
    assert view_for(parse({**fed, "axisX": 99}), wide, ROWS).axes == ("r", "s")


def test_principal_components_are_those_of_the_standardised_training_points(wide):
    fed = [0, 1, 2, 4]
    view = view_for(parse({"plane": "pca", "columns": "0,1,2,4"}), wide, ROWS)
    train = wide.X[:50][:, fed]
    Z = (wide.X[:, fed] - train.mean(axis=0)) / train.std(axis=0)
    pca = PCA(2).fit(Z[:50])
    assert_allclose(view.project(wide.X), pca.transform(Z), atol=1e-10)
    share = pca.explained_variance_ratio_
    assert view.axes[0] == f"component 1 ({100 * share[0]:.0f} %)"
    assert f"holds {100 * share.sum():.0f} % of their variance" in view.words
    assert_allclose(view.grid(2)[:, 3], np.median(wide.X[:50, 3]))  # it is not fed


def test_two_fed_columns_of_many_need_no_components(wide):
    view = view_for(parse({"plane": "pca", "columns": "1,4"}), wide, ROWS)
    assert view.axes == ("q", "t")
    assert view.words == ""


def test_a_constant_column_does_not_break_the_components(wide):
    X = wide.X.copy()
    X[:, 2] = 4.0
    view = view_for(parse({"plane": "pca"}), replace(wide, X=X), ROWS)
    assert np.isfinite(view.grid(5)).all()
    xy = np.array([[1.0, -2.0]])
    assert_allclose(view.project(view.lift(xy)), xy, atol=1e-10)


def test_one_column_is_a_line():
    points = make("reg-sine1d", seed=1)
    view = view_for(parse({}), points, ROWS)
    assert view.kind == "line"
    assert view.axes == ("x", "target")
    assert view.ranges[0] == (-6.0, 6.0)
    assert view.ranges[1][0] < points.y.min() < points.y.max() < view.ranges[1][1]
    assert_allclose(view.grid(4), [[-4.5], [-1.5], [1.5], [4.5]])
    assert_array_equal(view.project(points.X), np.column_stack([points.X[:, 0], np.zeros(300)]))
    assert_array_equal(view.lift(view.project(points.X)), points.X)
    assert view_for(parse({}), make("stripes1d"), ROWS).axes == ("x", "class")


def test_a_point_that_was_deleted_can_hold_no_slice(wide):
    with pytest.raises(InputError, match="slicePoint is 80; expected a point from 0 to 79"):
        view_for(parse({"plane": "point", "slicePoint": 80}), wide, ROWS)


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("plane", ["slice", "pca"])
def test_no_points_have_a_map_too(wide, d, plane):
    empty = replace(wide, X=np.zeros((0, d)), y=np.zeros(0, int), axes=wide.axes[:d])
    view = view_for(parse({"plane": plane}), empty, np.zeros(0, int))
    assert np.isfinite(view.grid(3)).all()
    assert view.ranges[0] == (-1.0, 1.0)


def test_equal_points_have_a_map_with_room_around_them(wide):
    view = view_for(parse({}), replace(wide, X=np.tile(wide.X[:1], (80, 1))), ROWS)
    for (low, high), value in zip(view.ranges, wide.X[0, :2], strict=True):
        assert low < value - 0.9
        assert value + 0.9 < high
