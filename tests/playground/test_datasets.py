"""Each data set by its definition: places, labels, what noise moves and what it leaves alone."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.playground.datasets import DATASETS, make

MOVED = ("gauss", "spiral", "moons", "blobs4", "spiral3")  # where noise acts on the position


def radii(X):
    return np.sqrt(X[:, 0] ** 2 + X[:, 1] ** 2)


# ---- the six of the best known playground ----------------------------------------------------


def test_circle_is_a_disc_of_radius_2_5_in_a_ring_from_3_5_to_5():
    points = make("circle", seed=4)
    r = radii(points.X)
    assert points.X.shape == (500, 2)
    assert_array_equal(points.y, r < 2.5)
    assert np.bincount(points.y).tolist() == [250, 250]
    assert r[points.y == 0].min() >= 3.5
    assert r.max() <= 5


def test_radii_and_angles_of_the_circle_are_uniform():
    points = make("circle", n=5000, seed=1)
    r = radii(points.X)[points.y == 1]
    assert_allclose(r.mean(), 1.25, atol=0.05)  # uniform in r, not in area: that would be 1.67
    assert_allclose(points.X.mean(axis=0), 0, atol=0.15)


def test_noise_of_the_circle_reads_the_label_off_beside_the_point():
    clean, noisy = make("circle", n=5000, seed=2), make("circle", n=5000, noise=50, seed=2)
    assert_array_equal(clean.X, noisy.X)  # no point is moved
    # independent: for each point the share of a fine grid of e in U(-5, 5) q that lies in the disc
    e = (np.arange(60) + 0.5) / 60 * 5 - 2.5
    ex, ey = np.meshgrid(e, e)
    inside = [np.mean((x + ex) ** 2 + (y + ey) ** 2 < 6.25) for x, y in clean.X[:1000]]
    near, far = np.flatnonzero(clean.y == 1)[:500], np.flatnonzero(clean.y == 0)
    assert_allclose(noisy.y[near].mean(), np.array(inside)[near[near < 1000]].mean(), atol=0.07)
    assert 0.02 < noisy.y[far].mean() < 0.3


def test_xor_keeps_a_gap_of_0_3_from_each_axis_and_labels_by_the_product():
    points = make("xor", n=3000, seed=1)
    assert_array_equal(points.y, points.X[:, 0] * points.X[:, 1] >= 0)
    assert 0.3 <= np.abs(points.X).min() < 0.32
    assert 5.2 < np.abs(points.X).max() <= 5.3


def test_noise_of_xor_flips_labels_near_the_axes_only():
    clean, noisy = make("xor", n=5000, seed=3), make("xor", n=5000, noise=20, seed=3)
    assert_array_equal(clean.X, noisy.X)
    flipped = clean.y != noisy.y
    assert flipped.any()
    assert np.abs(clean.X[flipped]).min(axis=1).max() < 1.0  # U(-5, 5) 0.2 reaches 1
    # a point at distance a < 1 of one axis alone crosses it with probability (1 - a) / 2
    alone = (np.abs(clean.X[:, 0]) < 1) & (np.abs(clean.X[:, 1]) > 1)
    assert_allclose(flipped[alone].mean(), (1 - np.abs(clean.X[alone, 0])).mean() / 2, atol=0.05)


@pytest.mark.parametrize(("noise", "variance"), [(0, 0.5), (25, 2.25), (50, 4.0)])
def test_variance_of_gauss_grows_from_0_5_to_4(noise, variance):
    points = make("gauss", n=5000, noise=noise, seed=5)
    for code, centre in ((1, 2.0), (0, -2.0)):
        X = points.X[points.y == code]
        assert len(X) == 2500
        assert_allclose(X.mean(axis=0), centre, atol=4 * np.sqrt(variance / 2500))
        assert_allclose(X.var(axis=0), variance, rtol=0.12)


def test_points_of_gauss_beyond_the_map_are_kept():
    points = make("gauss", n=5000, noise=50, seed=0)
    assert points.n == 5000
    assert (np.abs(points.X) > 6).any()


def test_spiral_follows_its_arms_exactly():
    points = make("spiral")
    i = np.arange(250)
    r = 5 * i / 250
    for code, delta in ((1, 0.0), (0, np.pi)):
        t = 1.75 * 2 * np.pi * i / 250 + delta
        expected = np.column_stack([r * np.sin(t), r * np.cos(t)])
        assert_allclose(points.X[points.y == code], expected, atol=1e-12)


def test_noise_moves_points_of_the_spiral_by_at_most_q():
    moved = make("spiral", n=4000, noise=30, seed=1).X - make("spiral", n=4000).X
    assert 0.29 < np.abs(moved).max() <= 0.3
    assert_allclose(moved.std(), 0.3 / np.sqrt(3), rtol=0.05)  # uniform


def test_reg_plane_is_the_sum_over_ten_and_not_clamped():
    points = make("reg-plane", seed=1)
    assert points.X.shape == (1200, 2)
    assert points.kind == "regression"
    assert points.classes == ()
    assert_allclose(points.y, (points.X[:, 0] + points.X[:, 1]) / 10)
    assert points.y.max() > 1


def test_noise_of_reg_plane_moves_the_place_where_the_target_is_read_off():
    points = make("reg-plane", n=5000, noise=40, seed=1)
    residual = points.y - points.X.sum(axis=1) / 10
    assert np.abs(residual).max() <= 2 * 6 * 0.4 / 10
    assert_allclose(residual.var(), 2 * (2.4**2 / 3) / 100, rtol=0.1)


def hill(x, y):
    value = 0.0
    for cx, cy, sign in [
        (-4, 2.5, 1), (0, 2.5, -1), (4, 2.5, 1), (-4, -2.5, -1), (0, -2.5, 1), (4, -2.5, -1),
    ]:  # fmt: skip
        new = sign * min(max(1 - np.hypot(x - cx, y - cy) / 2, 0), 1)
        if abs(new) > abs(value):
            value = new
    return value


def test_reg_gauss_is_the_largest_of_six_cones():
    points = make("reg-gauss", seed=2)
    assert_allclose(points.y, [hill(x, y) for x, y in points.X])
    assert points.y.max() > 0.8
    assert points.y.min() < -0.8


# ---- those beyond ----------------------------------------------------------------------------


def test_each_moon_is_a_half_circle_of_radius_3():
    points = make("moons", n=2000, seed=1)
    for code, sign in ((1, 1.0), (0, -1.0)):
        X = sign * points.X[points.y == code] - [-1.5, -0.75]
        assert_allclose(radii(X).mean(), 3, atol=0.03)
        assert X[:, 1].min() > -1


def test_checkerboard_changes_from_square_to_square():
    points = make("checkerboard", n=4000, seed=1)
    cell = np.floor(points.X / 3).astype(int)
    assert_array_equal(points.y, (cell[:, 0] + cell[:, 1]) % 2 == 0)
    assert len({tuple(c) for c in cell}) == 16


def test_wave_parts_at_the_curve_with_a_gap_and_stays_on_the_map():
    points = make("wave", n=4000, seed=1)
    above = points.X[:, 1] - 2.5 * np.sin(points.X[:, 0])
    assert_array_equal(points.y, above > 0)
    assert np.abs(above).min() >= 0.2
    assert np.abs(points.X).max() <= 6


def test_rings_lie_in_their_bands():
    points = make("rings3", n=900, seed=1)
    r = radii(points.X)
    for code, (low, high) in enumerate([(0, 1.2), (2, 3.2), (4, 5.2)]):
        mine = r[points.y == code]
        assert len(mine) == 300
        assert low <= mine.min()
        assert mine.max() <= high


def test_four_clouds_stand_in_four_quarters():
    points = make("blobs4", n=4000, seed=1)
    centres = np.array([points.X[points.y == k].mean(axis=0) for k in range(4)])
    assert_allclose(np.abs(centres), 2.5, atol=0.1)
    assert len({tuple(np.sign(c)) for c in centres}) == 4


def test_three_arms_are_turned_by_a_third():
    points = make("spiral3", n=300)
    a, b = points.X[points.y == 0], points.X[points.y == 1]
    turn = 2 * np.pi / 3
    assert_allclose(b[:, 0], np.cos(turn) * a[:, 0] + np.sin(turn) * a[:, 1], atol=1e-12)


def test_stripes_change_seven_times_and_keep_a_gap():
    points = make("stripes1d", n=2000, seed=1)
    order = np.argsort(points.X[:, 0])
    assert np.count_nonzero(np.diff(points.y[order])) == 7
    inside = points.X[:, 0] % 1.5
    assert inside.min() >= 0.15
    assert inside.max() <= 1.35


@pytest.mark.parametrize(
    ("key", "course"),
    [
        ("reg-sine1d", np.sin),
        ("reg-chirp1d", lambda x: np.sin(2 * np.pi * (x + 6) ** 2 / 48)),
        ("reg-steps1d", lambda x: np.select(
            [x < -4, x < -2, x < 0, x < 2, x < 4], [-0.8, 0.4, -0.2, 0.9, 0.1], -0.6)),
    ],
)  # fmt: skip
def test_curves_and_their_noise_on_the_target(key, course):
    clean, noisy = make(key, n=3000, seed=1), make(key, n=3000, noise=20, seed=1)
    assert clean.X.shape == (3000, 1)
    assert_allclose(clean.y, course(clean.X[:, 0]), atol=1e-12)
    assert_array_equal(clean.X, noisy.X)
    assert_allclose((noisy.y - clean.y).std(), 0.2, rtol=0.06)


def test_ripples_depend_on_the_distance_alone():
    points = make("reg-ripples", seed=1)
    assert_allclose(points.y, np.cos(1.5 * radii(points.X)))


# ---- what holds for all ----------------------------------------------------------------------


@pytest.mark.parametrize("key", DATASETS)
def test_the_words_on_noise_say_what_it_moves(key):
    clean, noisy = make(key, seed=6), make(key, noise=50, seed=6)
    moved = not np.array_equal(clean.X, noisy.X)
    assert moved == (key in MOVED)
    said = "position" if moved else "target" if clean.kind == "regression" else "label"
    assert f"Noise acts on the {said}" in DATASETS[key].noise
    assert moved or not np.array_equal(clean.y, noisy.y)


@pytest.mark.parametrize("key", DATASETS)
@pytest.mark.parametrize("n", [None, 10, 101])
def test_counts_types_and_seeds(key, n):
    about, points = DATASETS[key], make(key, n=n, noise=15, seed=1)
    assert points.n == (n or about.n_points)
    assert points.d == len(points.axes) == about.n_dims
    assert points.X.dtype == np.float64
    assert points.domain == 6.0
    if about.kind == "classification":
        assert points.y.dtype == np.int64
        assert set(np.unique(points.y)) <= set(range(len(points.classes)))
    else:
        assert points.y.dtype == np.float64
    again, other = make(key, n=n, noise=15, seed=1), make(key, n=n, noise=15, seed=2)
    assert_array_equal(points.X, again.X)
    assert_array_equal(points.y, again.y)
    assert not np.array_equal(points.X, other.X)


@pytest.mark.parametrize("key", [k for k, a in DATASETS.items() if a.kind == "classification"])
def test_every_class_is_there_without_noise(key):
    points = make(key, seed=3)
    counts = np.bincount(points.y, minlength=len(points.classes))
    assert counts.min() > 0.8 * points.n / len(points.classes)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"key": "cirle"}, "dataset is 'cirle'; .* did you mean 'circle'"),
        ({"key": "xor", "noise": 51}, "noise is 51 %; expected 0 to 50 - given as a share"),
        ({"key": "xor", "noise": float("nan")}, "noise is nan"),
        ({"key": "xor", "n": 9}, "n is 9; expected an integer of at least 10"),
        ({"key": "xor", "n": 5001}, "n is 5001 points; expected 10 to 5000"),
        ({"key": "xor", "seed": -1}, "seed is -1"),
    ],
)
def test_errors_teach(arguments, words):
    with pytest.raises(InputError, match=words):
        make(arguments.pop("key"), **arguments)


def test_points_of_unlike_lengths_are_refused():
    points = make("xor", n=10)
    with pytest.raises(InputError, match="expected \\(n, d\\), \\(n,\\) and d names"):
        type(points)(**{**vars(points), "y": points.y[1:]})
    with pytest.raises(InputError, match="groups has 2 entries; expected 10"):
        type(points)(**{**vars(points), "groups": ("a", "b")})
