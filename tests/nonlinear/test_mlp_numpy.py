"""Hand-written gradients against central differences, paper, and corners of the functions."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.nonlinear import mlp_numpy as mlp
from ddasp.nonlinear.spec import (
    ModelSpec,
    disturbances,
    initial_parameters,
)
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
    minibatches,
)

SPECS = [
    ModelSpec((4, 5, 3), ("tanh", "softmax"), "categorical_cross_entropy", l2=0.1),
    ModelSpec((4, 3), ("softmax",), "categorical_cross_entropy"),
    ModelSpec((4, 6, 5, 1), ("relu", "tanh", "sigmoid"), "binary_cross_entropy", l2=0.3),
    ModelSpec((4, 5, 2), ("sigmoid", "linear"), "squared_error", l2=0.2),
    ModelSpec((4, 5, 2), ("relu", "tanh"), "squared_error", l1=0.2, l2=0.1),
    ModelSpec((4, 2, 2), ("linear", "sigmoid"), "squared_error"),
]


def problem(spec, n=7, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, spec.widths[0])).astype(dtype)
    if spec.loss == "categorical_cross_entropy":
        y = rng.integers(spec.widths[-1], size=n)
    elif spec.loss == "binary_cross_entropy":
        y = rng.integers(2, size=n)
    else:
        y = rng.normal(size=(n, spec.widths[-1])).astype(dtype)
    theta = tuple(
        p + dtype(0.1) * rng.normal(size=p.shape).astype(dtype)
        for p in initial_parameters(spec, rng, dtype=dtype)
    )
    return mlp.build(spec, theta), X, y


@pytest.mark.parametrize("spec", SPECS)
def test_gradients_equal_central_differences(spec):
    model, X, y = problem(spec)
    h = 1e-6  # error h^2 from the difference, eps / h from rounding: about 1e-10
    for i, gradient in enumerate(mlp.gradients(model, X, y)):
        for index in np.ndindex(gradient.shape):
            values = []
            for sign in (1, -1):
                theta = mlp.parameters(model)
                theta[i][index] += sign * h
                values.append(mlp.loss(mlp.build(spec, theta), X, y))
            assert_allclose(gradient[index], (values[0] - values[1]) / (2 * h), atol=1e-8)


def test_a_case_worked_on_paper():
    # z1 = 1 * 2 + 0 = 2, a1 = relu(2) = 2; z2 = 2 * 3 - 5 = 1; error 1 - 4 = -3
    spec = ModelSpec((1, 1, 1), ("relu", "linear"), "squared_error")
    theta = (np.array([[2.0]]), np.array([0.0]), np.array([[3.0]]), np.array([-5.0]))
    model = mlp.build(spec, theta)
    value, gradient = mlp.loss_and_gradients(model, [[1.0]], [4.0])
    assert value == 4.5
    # dW2 = a1 * -3, db2 = -3, D1 = -3 * 3, dW1 = x * D1
    assert [g.item() for g in gradient] == [-9.0, -9.0, -6.0, -3.0]
    trained, losses = mlp.fit(model, [[1.0]], [4.0], optimizer=SGD(0.1), batches=[np.array([0])])
    assert_allclose([p.item() for p in mlp.parameters(trained)], [2.9, 0.9, 3.6, -4.7])
    assert_array_equal(losses, [4.5])


def test_softmax_of_equal_logits_costs_the_logarithm_of_the_number_of_classes():
    spec = ModelSpec((2, 5), ("softmax",), "categorical_cross_entropy")
    model = mlp.build(spec, (np.zeros((2, 5)), np.zeros(5)))
    assert_allclose(mlp.loss(model, np.ones((3, 2)), np.array([0, 3, 4])), np.log(5))


def test_two_classes_by_softmax_equal_one_sigmoid():
    rng = np.random.default_rng(0)
    X, y, W, b = rng.normal(size=(9, 3)), rng.integers(2, size=9), rng.normal(size=(3, 1)), [0.3]
    sigmoid = mlp.build(ModelSpec((3, 1), ("sigmoid",), "binary_cross_entropy"), (W, np.array(b)))
    softmax = mlp.build(
        ModelSpec((3, 2), ("softmax",), "categorical_cross_entropy"),
        (np.hstack([0 * W, W]), np.array([0, *b])),
    )
    assert_allclose(mlp.predict(softmax, X)[:, 1:], mlp.predict(sigmoid, X), rtol=1e-12)
    assert_allclose(mlp.loss(softmax, X, y), mlp.loss(sigmoid, X, y), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("spec", SPECS)
def test_dtype_stays_and_saturation_zero_and_one_observation_stay_finite(spec, dtype):
    model, X, y = problem(spec, dtype=dtype)
    assert mlp.predict(model, X).dtype == dtype
    for inputs in (800 * np.sign(X), np.zeros_like(X), X[:1]):
        value, gradient = mlp.loss_and_gradients(model, inputs, y[: len(inputs)])
        assert np.isfinite(value)
        for g, p in zip(gradient, model.theta, strict=True):
            assert g.dtype == dtype
            assert g.shape == p.shape
            assert np.isfinite(g).all()
    batches = minibatches(len(X), 3, 2, np.random.default_rng(0))
    noisy = replace(model, spec=replace(spec, noise=0.1, dropout=0.2))
    rng = np.random.default_rng(1)
    trained, _ = mlp.fit(noisy, X, y, optimizer=Adam(0.01), batches=batches, rng=rng)
    assert all(p.dtype == dtype and np.isfinite(p).all() for p in trained.theta)


def test_cross_entropy_of_a_saturated_logit_is_the_distance_between_the_logits():
    spec = ModelSpec((1, 2), ("softmax",), "categorical_cross_entropy")
    model = mlp.build(spec, (np.array([[800.0, -800.0]]), np.zeros(2)))
    assert mlp.loss(model, [[1.0]], np.array([1])) == 1600
    assert mlp.loss(model, [[1.0]], np.array([0])) == 0
    binary = mlp.build(
        ModelSpec((1, 1), ("sigmoid",), "binary_cross_entropy"), (np.array([[800.0]]), np.zeros(1))
    )
    assert mlp.loss(binary, [[1.0]], [0]) == 800
    assert mlp.loss(binary, [[-1.0]], [0]) == 0


def test_slope_of_relu_in_its_corner_is_zero():
    spec = ModelSpec((1, 1, 1), ("relu", "linear"), "squared_error")
    model = mlp.build(spec, (np.ones((1, 1)), np.zeros(1), np.ones((1, 1)), np.zeros(1)))
    gradient = mlp.gradients(model, [[0.0]], [1.0])
    assert [g.item() for g in gradient] == [0, 0, 0, -1]


def test_momentum_moves_further_along_a_constant_slope():
    # the gradient of b alone is y_hat - y; with a far target it hardly changes: steps 1, 1.9, 2.71
    spec = ModelSpec((1, 1), ("linear",), "squared_error")
    model = mlp.build(spec, (np.zeros((1, 1)), np.zeros(1)))
    rate, target = 1e-9, 1e9
    trained, _ = mlp.fit(
        model, [[0.0]], [target], optimizer=SGD(rate, 0.9), batches=[np.array([0])] * 3
    )
    assert_allclose(trained.theta[1], 1 + 1.9 + 2.71, rtol=1e-7)


def test_first_step_of_adam_has_the_length_of_the_learning_rate_whatever_the_scale():
    spec = ModelSpec((1, 1), ("linear",), "squared_error")
    model = mlp.build(spec, (np.zeros((1, 1)), np.zeros(1)))
    for target in (1e-3, 1e6):
        trained, _ = mlp.fit(
            model, [[1.0]], [target], optimizer=Adam(0.01), batches=[np.array([0])]
        )
        assert_allclose(trained.theta[0], 0.01, rtol=1e-4)  # epsilon takes 1e-5 of it


def test_weight_decay_shrinks_matrices_and_leaves_intercepts():
    spec = ModelSpec((2, 2), ("linear",), "squared_error")
    model = mlp.build(spec, (np.ones((2, 2)), np.ones(2)))
    X, y = np.zeros((1, 2)), np.ones((1, 2))  # gradient zero: only decay is left
    trained, _ = mlp.fit(
        model, X, y, optimizer=Adam(0.1, weight_decay=0.5), batches=[np.array([0])]
    )
    assert_allclose(trained.theta[0], 0.95)
    assert_allclose(trained.theta[1], 1.0)


def test_training_solves_exclusive_or_and_changes_nothing_that_was_passed_in():
    spec = ModelSpec((2, 8, 2), ("tanh", "softmax"), "categorical_cross_entropy")
    X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    model = mlp.build(spec, initial_parameters(spec, np.random.default_rng(0)))
    before = mlp.parameters(model)
    batches = minibatches(4, 4, 300, np.random.default_rng(1))
    trained, losses = mlp.fit(model, X, y, optimizer=Adam(0.05), batches=batches)
    assert_array_equal(mlp.predict(trained, X).argmax(axis=1), y)
    assert losses[-1] < 0.02 < losses[0]
    for p, q in zip(before, model.theta, strict=True):
        assert_array_equal(p, q)


@pytest.mark.parametrize("spec", SPECS)
def test_gradients_under_dropout_equal_central_differences_with_the_same_masks(spec):
    model, X, y = problem(spec)
    y = y if y.ndim == 2 or spec.widths[-1] > 1 else y[:, np.newaxis].astype(float)
    silent = replace(spec, dropout=0.4)
    _, masks = disturbances(silent, len(X), np.random.default_rng(3), X.dtype)
    assert len(masks) == len(spec.widths) - 2
    _, gradient, _ = mlp._loss_and_gradients(spec, model.theta, X, y, None, masks)
    h = 1e-6  # as above
    for i, g in enumerate(gradient):
        values = []
        for sign in (1, -1):
            theta = mlp.parameters(model)
            theta[i].flat[0] += sign * h
            values.append(mlp._loss_and_gradients(spec, theta, X, y, None, masks)[0])
        assert_allclose(g.flat[0], (values[0] - values[1]) / (2 * h), atol=1e-8)


def test_l1_takes_the_same_from_every_weight_and_nothing_from_zero_or_intercepts():
    spec = ModelSpec((3, 1), ("linear",), "squared_error", l1=0.5)
    model = mlp.build(spec, (np.array([[2.0], [0.0], [-1.0]]), np.array([4.0])))
    # inputs of zero: y_hat = b = 4 meets its target, so the penalty alone is left, 0.5 * 3
    value, (dW, db) = mlp.loss_and_gradients(model, np.zeros((2, 3)), [4.0, 4.0])
    assert value == 1.5
    assert_array_equal(dW.ravel(), [0.5, 0, -0.5])
    assert db == 0


def test_wrong_shapes_and_missing_randomness_are_named():
    model, X, y = problem(SPECS[0])
    with pytest.raises(InputError, match="X has 3 columns; expected 4"):
        mlp.predict(model, X[:, :3])
    with pytest.raises(InputError, match="integer codes 0 to 2"):
        mlp.loss(model, X, y + 1)
    with pytest.raises(InputError, match="X has no rows"):
        mlp.loss(model, X[:0], y[:0])
    with pytest.raises(InputError, match="theta has shapes"):
        mlp.build(SPECS[0], model.theta[:-1])
    with pytest.raises(InputError, match="y has shape"):
        mlp.loss(*problem(SPECS[3])[:2], np.zeros(3))
    noisy = replace(model, spec=replace(SPECS[0], noise=0.1))
    with pytest.raises(InputError, match="rng is None"):
        mlp.fit(noisy, X, y, optimizer=SGD(), batches=[np.arange(2)])
