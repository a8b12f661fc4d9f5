"""Descents against recursions solved on paper, filters, least squares and PyTorch's formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import signal

from ddasp._errors import InputError
from ddasp.linear.gradient_descent import (
    heavy_ball,
    nesterov,
    steepest_descent,
    stochastic_gradient_descent,
)
from ddasp.linear.objectives import Objective, fir_regressors, least_squares, quadratic
from ddasp.linear.regression import solve_svd
from ddasp.linear.step_size import optimal_momentum, optimal_step, step_limit
from ddasp.linear.subspaces import projector

from .matrices import floats

BOWL = quadratic(np.diag([1.0, 4.0]), [1.0, 8.0])  # smallest at (1, 2)
DESCENTS = [steepest_descent, heavy_ball, nesterov]
SADDLE = Objective(
    lambda t: float(t[0] ** 2 - t[1] ** 2), lambda t: np.array([2 * t[0], -2 * t[1]])
)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)) + 1j * rng.normal(size=(60, 3))
    return X, X @ np.array([1, 2j, -1 + 1j])


def test_each_error_of_steepest_descent_is_a_geometric_series():
    way = steepest_descent(BOWL, [3.0, 3.0], learning_rate=0.3, n_steps=20)
    k = np.arange(21)
    errors = np.column_stack([2 * (1 - 0.3 * 1) ** k, 1 * (1 - 0.3 * 4.0) ** k])
    assert_allclose(way.points, [1, 2] + errors, rtol=1e-12)
    assert_allclose(way.gradient_norms, np.linalg.norm(errors * [1, 4], axis=1), rtol=1e-11)
    lowest = -(1 + 16) / 2
    assert_allclose(way.values, lowest + (errors**2 @ [1, 4]) / 2, rtol=1e-12)


@given(floats(), st.integers(0, 2**32 - 1))
def test_steepest_descent_ends_at_the_solution_of_smallest_norm_from_zero(X, seed):
    y = np.random.default_rng(seed).normal(size=len(X)).astype(X.dtype)
    J = least_squares(X, y)
    limit = step_limit(J.hessian)
    if limit == np.inf:
        return
    s = np.linalg.svd(X, compute_uv=False)
    condition = (s[0] / min(s[s > 1e-9 * s[0]])) ** 2
    n_steps = min(int(20 * condition) + 10, 3000)
    way = steepest_descent(J, np.zeros(X.shape[1]), learning_rate=limit / 2, n_steps=n_steps)
    # the slowest error falls as (1 - 1/condition)^n
    left = np.exp(-n_steps / condition)
    solution = solve_svd(X, y)
    bound = (left + 1e-9) * (1 + np.linalg.norm(solution))
    assert np.linalg.norm(way.points[-1] - solution) < bound
    assert (np.diff(way.values) <= 1e-12 * (1 + way.values[0])).all()  # never uphill
    # what X doesn't see stays where it was
    start = np.ones(X.shape[1])
    moved = steepest_descent(J, start, learning_rate=limit / 2, n_steps=3).points[-1] - start
    assert_allclose(projector(X.conj().T) @ moved, moved, atol=1e-9 * (1 + np.abs(moved).max()))


def test_steps_of_the_heavy_ball_are_the_gradients_through_a_one_pole_filter():
    way = heavy_ball(BOWL, [3.0, -1.0], learning_rate=0.1, n_steps=50, momentum=0.8)
    gradients = np.array([BOWL.gradient(theta) for theta in way.points[:-1]])
    filtered = signal.lfilter([1], [1, -0.8], gradients, axis=0)
    assert_allclose(np.diff(way.points, axis=0), -0.1 * filtered, atol=1e-14)


def test_nesterov_is_a_gradient_step_from_the_point_ahead():
    mu, beta = 0.1, 0.8
    way = nesterov(BOWL, [3.0, -1.0], learning_rate=mu, n_steps=30, momentum=beta).points
    ahead = way[1:-1] + beta * np.diff(way, axis=0)[:-1]  # the textbook's other form
    steps = [point - mu * BOWL.gradient(point) for point in ahead]
    assert_allclose(way[2:], steps, rtol=1e-12)
    assert_allclose(way[1], way[0] - mu * BOWL.gradient(way[0]), rtol=1e-12)


@pytest.mark.parametrize("descend", [heavy_ball, nesterov])
def test_without_momentum_both_are_steepest_descent(descend):
    plain = steepest_descent(BOWL, [3.0, 3.0], learning_rate=0.1, n_steps=5)
    assert (
        descend(BOWL, [3.0, 3.0], learning_rate=0.1, n_steps=5, momentum=0).points == plain.points
    ).all()


def test_momentum_in_a_valley_needs_fewer_steps():
    valley = quadratic(np.diag([1.0, 100.0]), [0.0, 0.0])
    best, ball = optimal_step(valley.hessian), optimal_momentum(valley.hessian)
    plain = steepest_descent(valley, [1.0, 1.0], learning_rate=best.learning_rate, n_steps=100)
    rolled = heavy_ball(
        valley, [1.0, 1.0], learning_rate=ball.learning_rate, n_steps=100, momentum=ball.momentum
    )
    assert rolled.values[-1] < 1e-10 * plain.values[-1]


def test_at_the_limit_the_zigzag_stays_below_it_ends_and_above_it_grows():
    limit = step_limit(BOWL.hessian)
    ends = [
        np.abs(steepest_descent(BOWL, [1.0, 3.0], learning_rate=mu, n_steps=400).points[-1, 1] - 2)
        for mu in (0.99 * limit, limit, 1.01 * limit)
    ]
    assert ends[0] < 1e-3
    assert_allclose(ends[1], 1, rtol=1e-12)
    assert ends[2] > 1e3


@pytest.mark.parametrize("descend", DESCENTS)
def test_divergence_is_data_and_all_of_it_finite(descend):
    way = descend(BOWL, [3.0, 3.0], learning_rate=10.0, n_steps=10_000)
    assert way.diverged
    assert 2 < len(way.points) < 10_000
    for part in (way.points, way.values, way.gradient_norms):
        assert np.isfinite(part).all()
        assert len(part) == len(way.points)
    assert way.values[-1] > 1e100
    assert not descend(BOWL, [3.0, 3.0], learning_rate=0.01, n_steps=10, ).diverged  # fmt: skip


def test_a_saddle_holds_who_comes_along_its_ridge_and_no_one_else():
    on = steepest_descent(SADDLE, [1.0, 0.0], learning_rate=0.1, n_steps=200)
    assert_allclose(on.points[-1], 0, atol=1e-15)
    off = steepest_descent(SADDLE, [1.0, 1e-6], learning_rate=0.1, n_steps=200)
    assert off.gradient_norms.min() < 0.3  # it slows down near the saddle,
    assert off.values[-1] < -100  # and leaves


def test_a_surface_with_two_minima_keeps_each_start_in_its_own():
    J = Objective(lambda t: float((t[0] ** 2 - 1) ** 2), lambda t: 4 * t * (t**2 - 1))
    for start, end in ((0.1, 1), (-0.1, -1), (0.0, 0)):
        way = steepest_descent(J, [start], learning_rate=0.05, n_steps=300)
        assert_allclose(way.points[-1], end, atol=1e-6)


@pytest.mark.parametrize("descend", DESCENTS)
def test_complex_parameters_are_found(descend, data):
    X, y = data
    J = least_squares(X, y)
    way = descend(J, np.zeros(3), learning_rate=0.5 * step_limit(J.hessian), n_steps=300)
    assert_allclose(way.points[-1], [1, 2j, -1 + 1j], atol=1e-6)
    assert way.points.dtype == np.complex128


def test_minibatches_find_the_response_of_a_room_from_complex_spectra():
    rng = np.random.default_rng(2)
    h = rng.normal(size=16) * np.exp(-np.arange(16) / 5)
    X = fir_regressors(np.fft.fft(signal.max_len_seq(8)[0] * 2.0 - 1), 16)
    way = stochastic_gradient_descent(
        X, X @ h, np.zeros(16), learning_rate=0.2 / 256, n_epochs=60, rng=rng, batch_size=16,
        record_every=16,
    )  # fmt: skip
    assert len(way.points) == 61  # 255 bins: 16 batches an epoch
    assert_allclose(way.points[-1], h, atol=1e-6)
    assert_allclose(way.points[-1].imag, 0, atol=1e-6)


def test_one_batch_of_everything_is_steepest_descent(data):
    X, y = data
    options = {"learning_rate": 0.1, "momentum": 0.5}
    whole = heavy_ball(least_squares(X, y), np.zeros(3), n_steps=7, **options)
    batch = stochastic_gradient_descent(
        X, y, np.zeros(3), n_epochs=7, batch_size=60, rng=np.random.default_rng(0), **options
    )
    assert_allclose(batch.points, whole.points, rtol=1e-10)
    assert_allclose(batch.values, whole.values, rtol=1e-9)


def test_an_epoch_sees_every_observation_once_and_its_gradients_have_the_full_one_as_mean():
    # orthogonal rows: each minibatch moves its own parameters only
    X, y = np.eye(5), np.arange(1.0, 6.0)
    way = stochastic_gradient_descent(
        X, y, np.zeros(5), learning_rate=0.5, n_epochs=1, batch_size=2, rng=np.random.default_rng(1)
    )
    moved = np.diff(way.points, axis=0) != 0
    assert moved.sum(axis=1).tolist() == [2, 2, 1]
    assert moved.sum(axis=0).tolist() == [1] * 5
    # the mean over its own 2, 2 and 1 rows
    share = way.points[-1] / y
    assert sorted(share.tolist()) == [0.25, 0.25, 0.25, 0.25, 0.5]


def cloud(n, mu, n_epochs, seed=0):
    """The second half of a run that starts at the minimum, of n noisy observations."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(n, 2))
    y = X @ [1.0, -1.0] + rng.normal(size=n)
    points = stochastic_gradient_descent(
        X, y, solve_svd(X, y), learning_rate=mu, n_epochs=n_epochs, record_every=5,
        rng=np.random.default_rng(seed),
    ).points  # fmt: skip
    return points[len(points) // 2 :]


def test_a_seed_fixes_the_way():
    assert (cloud(50, 0.01, 2) == cloud(50, 0.01, 2)).all()
    assert (cloud(50, 0.01, 2) != cloud(50, 0.01, 2, seed=1)).any()


def test_the_cloud_shrinks_with_the_learning_rate_and_faster_when_it_outlasts_an_epoch():
    def fall(n, mu, n_epochs):
        large, small = (cloud(n, rate, n_epochs).var(axis=0).sum() for rate in (mu, mu / 4))
        return large / small

    # 1 / mu = 12 and 50 steps of 2000; theory 4, about 150 independent points give +- 15 %
    assert 3.2 < fall(2000, 0.08, 8) < 5.5
    assert fall(50, 0.02, 200) > 8  # 1 / mu = 50 and 200 steps of 50; the law mu^2 would give 16


def test_a_learning_rate_for_each_step_is_used_in_order():
    way = steepest_descent(BOWL, [3.0, 2.0], learning_rate=[1.0, 0.5], n_steps=2)
    assert_allclose(way.points, [[3, 2], [1, 2], [1, 2]])
    way = steepest_descent(BOWL, [3.0, 2.0], learning_rate=[0.5, 1.0], n_steps=2)
    assert_allclose(way.points[:, 0], [3, 2, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_dtype_in_is_dtype_out_for_every_descent(dtype):
    X, y = np.array([[1, 2], [3, 4], [5, 6]], dtype), np.ones(3, dtype)
    for descend in DESCENTS:
        way = descend(least_squares(X, y), np.zeros(2, dtype), learning_rate=0.01, n_steps=3)
        assert way.points.dtype == dtype
    way = stochastic_gradient_descent(
        X, y, np.zeros(2, dtype), learning_rate=0.01, n_epochs=2, rng=np.random.default_rng(0)
    )
    assert way.points.dtype == dtype
    assert way.values.dtype == way.gradient_norms.dtype == np.float64


def test_no_step_and_a_plane_stay_at_the_start_which_is_not_changed():
    start = np.array([3.0, 3.0])
    way = heavy_ball(BOWL, start, learning_rate=0.1, n_steps=0)
    assert (way.points == [[3, 3]]).all()
    steepest_descent(BOWL, start, learning_rate=0.1, n_steps=2)
    assert (start == 3).all()
    plane = quadratic(np.zeros((2, 2)), [0.0, 0.0])
    assert (steepest_descent(plane, start, learning_rate=1e6, n_steps=3).points == 3).all()
    one = steepest_descent(least_squares([[2.0]], [4.0]), [0.0], learning_rate=0.25, n_steps=1)
    assert_allclose(one.points, [[0], [2]])


def test_unusable_input_is_named():
    with pytest.raises(InputError, match="start has length 3; the objective has 2 parameters"):
        steepest_descent(BOWL, np.zeros(3), learning_rate=0.1, n_steps=1)
    wrong = Objective(lambda t: 0.0, lambda t: np.zeros(2))
    with pytest.raises(InputError, match=r"gradient at start is \[0. 0.\] of shape \(2,\)"):
        steepest_descent(wrong, np.zeros(3), learning_rate=0.1, n_steps=1)
    pole = Objective(lambda t: 0.0, lambda t: np.full(1, np.inf))
    with pytest.raises(InputError, match=r"gradient at start is .*inf.* expected finite"):
        steepest_descent(pole, [0.0], learning_rate=0.1, n_steps=1)
    with pytest.raises(InputError, match=r"learning_rate is -0.1; expected a number above 0"):
        steepest_descent(BOWL, [0.0, 0.0], learning_rate=-0.1, n_steps=1)
    with pytest.raises(InputError, match=r"learning_rate is \[0.1 0.1\].*or 3 of them"):
        steepest_descent(BOWL, [0.0, 0.0], learning_rate=[0.1, 0.1], n_steps=3)
    with pytest.raises(InputError, match="n_steps is -1; expected 0 or more"):
        steepest_descent(BOWL, [0.0, 0.0], learning_rate=0.1, n_steps=-1)
    with pytest.raises(InputError, match=r"momentum is 1.5; expected 0 to 1"):
        heavy_ball(BOWL, [0.0, 0.0], learning_rate=0.1, n_steps=1, momentum=1.5)
    with pytest.raises(InputError, match=r"start has shape \(2,\); expected \(1,\) as X has"):
        stochastic_gradient_descent(
            [[1.0]], [1.0], [0.0, 0.0], learning_rate=0.1, n_epochs=1, rng=np.random.default_rng(0)
        )
    with pytest.raises(InputError, match="n_epochs, batch_size, record_every are 1, 0, 1"):
        stochastic_gradient_descent(
            [[1.0]], [1.0], [0.0], learning_rate=0.1, n_epochs=1, batch_size=0,
            rng=np.random.default_rng(0),
        )  # fmt: skip
    with pytest.raises(InputError, match=r"start has shape \(0,\).*select nothing"):
        steepest_descent(BOWL, [], learning_rate=0.1, n_steps=1)
