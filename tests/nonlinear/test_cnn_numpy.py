"""The convolutional network in NumPy: every layer against paper, SciPy and differences."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import correlate

from ddasp._errors import InputError
from ddasp.nonlinear import cnn_layers_numpy as engine
from ddasp.nonlinear import cnn_numpy
from ddasp.nonlinear.cnn_data import Augmentation
from ddasp.nonlinear.cnn_spec import (
    Activation,
    BatchNorm,
    CNNSpec,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Pool,
    classifier,
    initial_parameters,
    parameter_shapes,
    shapes,
)
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
    minibatches,
)


def slope(f, x, direction, h):
    return (f(x + h * direction) - f(x - h * direction)) / (2 * h)


def assert_gradients_are_differences(f, arrays, gradients, rng, h=1e-5, rtol=1e-6):
    """The slope of f along a random direction of each argument, which sees all its entries."""
    for i, (x, g) in enumerate(zip(arrays, gradients, strict=True)):
        assert g.shape == x.shape
        direction = rng.choice([-1.0, 1.0], size=x.shape)

        def moved(y, i=i):
            return f(*arrays[:i], y, *arrays[i + 1 :])

        expected = slope(moved, x, direction, h)
        scale = np.abs(g).sum()  # differences of order h^2 and rounding of order eps / h
        assert_allclose((g * direction).sum(), expected, rtol=rtol, atol=rtol * scale + 1e-9)


@st.composite
def windowed(draw, padding=True):
    """Maps, window, stride and padding that fit, of one or two sides, and a generator."""
    d = draw(st.integers(1, 2))
    one = st.lists(st.integers(1, 3), min_size=d, max_size=d).map(tuple)
    size, stride = draw(one), draw(one)
    around = draw(st.lists(st.integers(0, 2 * padding), min_size=d, max_size=d).map(tuple))
    more = draw(st.lists(st.integers(0, 4), min_size=d, max_size=d))
    sides = [max(1, k + m - 2 * p) for k, m, p in zip(size, more, around, strict=True)]
    n, n_maps = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return (n, n_maps, *sides), size, stride, around, rng


# ---- convolution


def test_convolution_on_paper():
    # windows of (0 1 2 3 0) with stride 2: (0 1), (2 3); with weights (1, -1) and bias 10
    layer = Convolution(1, (2,), (2,), (1,))
    X, W, b = np.array([[[1.0, 2.0, 3.0]]]), np.array([[[1.0, -1.0]]]), np.array([10.0])
    Y, back = engine.convolution(layer, X, W, b)
    assert_array_equal(Y, [[[9.0, 9.0]]])
    dX, (dW, db) = back(np.array([[[1.0, 100.0]]]))
    assert_array_equal(dW, [[[0 + 200, 1 + 300]]])
    assert_array_equal(db, [101.0])
    assert_array_equal(dX, [[[-1.0, 100.0, -100.0]]])


def test_a_window_of_one_sample_that_weighs_1_changes_nothing():
    X = np.random.default_rng(0).normal(size=(2, 1, 4, 5))
    assert_array_equal(
        engine.convolution(Convolution(1, (1, 1)), X, np.ones((1, 1, 1, 1)), None)[0], X
    )


@given(windowed())
def test_convolution_is_the_correlation_of_scipy(drawn):
    (n, n_in, *sides), size, stride, around, rng = drawn
    layer = Convolution(2, size, stride, around)
    X, W = rng.normal(size=(n, n_in, *sides)), rng.normal(size=(2, n_in, *size))
    P = np.pad(X, [(0, 0), (0, 0), *((p, p) for p in around)])
    kept = tuple(slice(None, None, s) for s in stride)
    expected = [[correlate(x, w, "valid", method="direct")[(0, *kept)] for w in W] for x in P]
    assert_allclose(engine.convolution(layer, X, W, None)[0], expected, rtol=1e-12, atol=1e-12)


@given(windowed(), st.booleans())
def test_gradients_of_a_convolution_are_differences(drawn, bias):
    shape, size, stride, around, rng = drawn
    layer = Convolution(2, size, stride, around, bias)
    arrays = [rng.normal(size=shape), rng.normal(size=(2, shape[1], *size))]
    arrays += [rng.normal(size=2)] * bias

    def forward(X, W, b=None):
        return engine.convolution(layer, X, W, b)

    Y, back = forward(*arrays)
    D = rng.normal(size=Y.shape)
    dX, own = back(D)
    found = (dX, *own)
    assert_gradients_are_differences(lambda *a: (forward(*a)[0] * D).sum(), arrays, found, rng)


@given(windowed())
def test_overlap_add_is_the_transpose_of_cutting_windows(drawn):
    shape, size, stride, _, rng = drawn
    if all(n >= k for n, k in zip(shape[2:], size, strict=True)):
        X = rng.normal(size=shape)
        columns = engine.windows(X, size, stride)
        C = rng.normal(size=columns.shape)
        there, back = (columns * C).sum(), (X * engine.overlap_add(C, shape, size, stride)).sum()
        assert_allclose(there, back, rtol=1e-10, atol=1e-10)


# ---- pooling


def test_pooling_on_paper():
    X = np.array([[[[1.0, 2.0], [4.0, 3.0], [9.0, 9.0]]]])
    D = np.array([[[[8.0]]]])
    Y, back = engine.pool(Pool("max", (2, 2)), X)
    assert_array_equal(Y, [[[[4.0]]]])
    assert_array_equal(back(D)[0], [[[[0, 0], [8, 0], [0, 0]]]])
    Y, back = engine.pool(Pool("mean", (2, 2)), X)
    assert_array_equal(Y, [[[[2.5]]]])
    assert_array_equal(back(D)[0], [[[[2, 2], [2, 2], [0, 0]]]])


def test_of_equal_maxima_the_first_takes_the_gradient_row_by_row():
    back = engine.pool(Pool("max", (2, 2)), np.array([[[[0.0, 7.0], [7.0, 7.0]]]]))[1]
    assert_array_equal(back(np.ones((1, 1, 1, 1)))[0], [[[[0, 1], [0, 0]]]])


@given(windowed(padding=False), st.sampled_from(["max", "mean"]))
def test_gradients_of_pooling_are_differences(drawn, kind):
    shape, size, stride, _, rng = drawn
    layer = Pool(kind, size, stride)
    X = rng.permutation(prod(shape)).reshape(shape).astype(float)  # no two within 1 of each other
    Y, back = engine.pool(layer, X)
    D = rng.normal(size=Y.shape)
    found = [back(D)[0]]
    assert_gradients_are_differences(
        lambda a: (engine.pool(layer, a)[0] * D).sum(), [X], found, rng
    )


@given(windowed(padding=False))
def test_a_maximum_is_a_sample_and_no_mean_is_above_it(drawn):
    shape, size, stride, _, rng = drawn
    X = rng.normal(size=shape)
    highest, mean = (engine.pool(Pool(kind, size, stride), X)[0] for kind in ("max", "mean"))
    assert np.isin(highest, X).all()
    assert (mean <= highest + 1e-12).all()


# ---- batch normalisation


def test_batch_normalisation_on_paper():
    # mean 2, variance 4 (biased) and 16 / 3 (unbiased); gamma 3, beta 1
    X = np.array([[[0.0, 4.0]], [[4.0, 0.0]]])
    running = (np.array([10.0]), np.array([1.0]))
    gamma, beta = np.array([3.0]), np.array([1.0])
    Y, back, now = engine.batch_norm(BatchNorm(0.25, 1e-12), X, gamma, beta, running)
    assert_allclose(Y, [[[-2.0, 4.0]], [[4.0, -2.0]]], rtol=1e-10)
    assert_allclose(now, [[7.5 + 0.5], [0.75 + 4 / 3]])
    D = np.array([[[1.0, 0.0]], [[0.0, 0.0]]])
    dX, (dgamma, dbeta) = back(D)
    assert_allclose([dgamma[0], dbeta[0]], [-1.0, 1.0], rtol=1e-10)
    # gamma c (D - 1/4 - U * (-1) / 4) with c = 1/2 and U = -1, 1, 1, -1
    assert_allclose(dX, [[[0.75, 0.0]], [[0.0, -0.75]]], atol=1e-10)
    straight = engine.normalise(BatchNorm(epsilon=1e-12), X, gamma, beta, now)
    assert_allclose(straight, 3 * (X - 8) / np.sqrt(0.75 + 4 / 3) + 1, rtol=1e-10)


@given(windowed())
def test_gradients_of_batch_normalisation_are_differences(drawn):
    shape, *_, rng = drawn
    arrays = [rng.normal(size=shape), rng.normal(size=shape[1]), rng.normal(size=shape[1])]
    layer = BatchNorm(epsilon=0.1)
    running = (np.zeros(shape[1]), np.ones(shape[1]))

    def forward(X, gamma, beta):
        return engine.batch_norm(layer, X, gamma, beta, running)

    Y, back, _ = forward(*arrays)
    D = rng.normal(size=Y.shape)
    dX, own = back(D)
    found = (dX, *own)
    assert_gradients_are_differences(lambda *a: (forward(*a)[0] * D).sum(), arrays, found, rng)


@given(windowed())
def test_normalised_maps_have_mean_beta_and_the_gradient_no_mean(drawn):
    shape, *_, rng = drawn
    gamma, beta = rng.normal(size=(2, shape[1]))
    X, running = rng.normal(3, 2, size=shape), (beta, beta)
    Y, back, _ = engine.batch_norm(BatchNorm(epsilon=1e-9), X, gamma, beta, running)
    axes = (0, *range(2, len(shape)))
    assert_allclose(Y.mean(axis=axes), beta, atol=1e-9)
    if prod(shape) > shape[1]:
        assert_allclose(Y.std(axis=axes), np.abs(gamma), rtol=1e-3)
    assert_allclose(back(rng.normal(size=shape))[0].sum(axis=axes), 0, atol=1e-9 * 3e4)


def test_a_single_value_is_normalised_to_beta_and_leaves_the_running_statistics():
    running = (np.array([0.5, 0.25]), np.array([2.0, 3.0]))
    X = np.array([[[7.0], [1e6]]])
    Y, back, now = engine.batch_norm(BatchNorm(), X, np.ones(2), np.array([4.0, 5.0]), running)
    assert_array_equal(Y, [[[4.0], [5.0]]])
    assert_array_equal(back(np.ones_like(X))[0], 0)
    assert now is running


# ---- activation and dropout


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "linear"])
def test_slopes_of_activations_are_differences(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 4))
    Y, back = engine.activation(Activation(name), X)
    D = rng.normal(size=Y.shape)
    f = lambda a: (engine.activation(Activation(name), a)[0] * D).sum()  # noqa: E731
    assert_gradients_are_differences(f, [X], [back(D)[0]], rng)


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
def test_saturated_activations_are_finite_and_their_slope_is_that_of_the_limit(name):
    X = np.array([-800.0, 0.0, 800.0])
    Y, back = engine.activation(Activation(name), X)
    low, middle, high = {"relu": (0, 0, 800), "tanh": (-1, 0, 1), "sigmoid": (0, 0.5, 1)}[name]
    assert_allclose(Y, [low, middle, high], atol=1e-300)
    expected = {"relu": (0, 0, 1), "tanh": (0, 1, 0), "sigmoid": (0, 0.25, 0)}[name]
    assert_allclose(back(np.ones(3))[0], expected, atol=1e-300)


# ---- the whole network

SMALL = (
    Convolution(3, (3, 2), (2, 1), (1, 0), bias=False),
    BatchNorm(),
    Activation("relu"),
    Pool("max", (2, 2), (1, 1)),
    Dropout(0.5),
    Convolution(2, (2, 2)),
    Activation("tanh"),
    Pool("mean", (1, 2)),
    Flatten(),
    Dense(4, bias=False),
    BatchNorm(),
    Activation("sigmoid"),
    Dense(3),
)
LOSSES = ["squared_error", "binary_cross_entropy", "categorical_cross_entropy"]


def network(loss="squared_error", layers=SMALL, input_shape=(2, 8, 7), n=5, **options):
    """A model with random parameters, maps and targets."""
    rng = np.random.default_rng(0)
    spec = CNNSpec(input_shape, layers, loss, **options)
    theta = tuple(rng.normal(0, 0.5, size=shape) for shape in parameter_shapes(spec))
    X = rng.normal(size=(n, *input_shape))
    k = shapes(spec)[-1][0]
    y = rng.integers(0, k, n) if loss.startswith("cat") else rng.random((n, k))
    return cnn_numpy.build(spec, theta), X, y


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_of_the_network_are_differences(loss):
    smoothing = 0.1 if loss.startswith("cat") else 0.0
    model, X, y = network(loss, l1=0.01, l2=0.1, smoothing=smoothing)
    w = np.array([0.5, 0.0, 2.0, 1.0, 3.0])

    def f(*theta):
        return cnn_numpy.loss(replace(model, theta=theta), X, y, w)

    found = cnn_numpy.gradients(model, X, y, w)
    rng = np.random.default_rng(1)
    assert_gradients_are_differences(f, list(model.theta), found, rng, h=1e-6, rtol=1e-5)


def test_loss_on_paper():
    dense = (Flatten(), Dense(2))
    theta = (np.zeros((1, 2)), np.array([0.0, np.log(3)]))

    def value(loss, y, **options):
        model = cnn_numpy.build(CNNSpec((1, 1), dense, loss, **options), theta)
        return cnn_numpy.loss(model, np.ones((1, 1, 1)), y)

    assert_allclose(value("squared_error", [[1.0, 0.0]]), (1 + np.log(3) ** 2) / 2)
    assert_allclose(value("binary_cross_entropy", [[1.0, 1.0]]), np.log(2) + np.log(4 / 3))
    assert_allclose(value("categorical_cross_entropy", [1]), np.log(4 / 3))
    smoothed = 0.75 * np.log(4 / 3) + 0.25 * np.log(4)
    assert_allclose(value("categorical_cross_entropy", [1], smoothing=0.5), smoothed)
    assert_allclose(value("squared_error", [theta[1]], l1=1.0, l2=1.0), 0)  # W = 0, b is free


def test_penalties_count_the_weights_of_convolutions_and_dense_layers_only():
    model, X, y = network()
    plain = cnn_numpy.loss(model, X, y)
    weights = [p for p in model.theta if p.ndim > 1]
    assert len(weights) == 4
    l1, l2 = (replace(model, spec=replace(model.spec, **{k: 0.5})) for k in ("l1", "l2"))
    assert_allclose(cnn_numpy.loss(l1, X, y) - plain, 0.5 * sum(np.abs(W).sum() for W in weights))
    assert_allclose(cnn_numpy.loss(l2, X, y) - plain, 0.25 * sum((W**2).sum() for W in weights))


def test_weights_count_like_repeated_observations():
    plain = tuple(layer for layer in SMALL if not isinstance(layer, BatchNorm))
    model, X, y = network(layers=plain)
    once = cnn_numpy.loss_and_gradients(model, X, y, [1, 2, 0, 1, 3])
    rows = [0, 1, 1, 3, 4, 4, 4]
    twice = cnn_numpy.loss_and_gradients(model, X[rows], y[rows])
    assert_allclose(once[0], twice[0])
    for a, b in zip(once[1], twice[1], strict=True):
        assert_allclose(a, b, atol=1e-14)


def test_minibatches_with_weights_are_unbiased():
    plain = tuple(layer for layer in SMALL if not isinstance(layer, BatchNorm | Dropout))
    model, X, y = network(layers=plain, n=6)
    w = np.array([1.0, 5.0, 0.0, 2.0, 2.0, 2.0])
    halves = [np.array([0, 1, 2]), np.array([3, 4, 5])]
    still = SGD(0.0)
    _, losses = cnn_numpy.fit(model, X, y, optimizer=still, batches=halves, sample_weight=w)
    assert_allclose(losses.mean(), cnn_numpy.loss(model, X, y, w))


@pytest.mark.parametrize("w", [[1, -1, 1, 1, 1], [1, np.nan, 1, 1, 1], [0] * 5, [1, 1]])
def test_weights_that_cannot_be_are_refused(w):
    model, X, y = network()
    for call in (cnn_numpy.loss, cnn_numpy.gradients):
        with pytest.raises(InputError, match="sample_weight has shape"):
            call(model, X, y, w)


def test_predict_is_numbers_sigmoid_or_softmax_of_the_logits():
    for loss in LOSSES:
        model, X, _ = network(loss)
        z, p = cnn_numpy.logits(model, X), cnn_numpy.predict(model, X)
        if loss == "squared_error":
            assert_array_equal(p, z)
        elif loss == "binary_cross_entropy":
            assert_allclose(np.log(p / (1 - p)), z, rtol=1e-9)
        else:
            assert_allclose(p.sum(axis=1), 1)
            assert_allclose(np.diff(np.log(p)), np.diff(z), rtol=1e-9)


def test_prediction_of_many_is_that_of_each():
    model, X, _ = network(n=300)
    z = cnn_numpy.logits(model, X)
    assert_allclose(z[[0, 299]], cnn_numpy.logits(model, X[[0, 299]]), rtol=1e-12)
    assert cnn_numpy.predict(model, X[:0]).shape == (0, 3)


def test_training_brings_the_running_statistics_to_those_of_the_data():
    layers = (BatchNorm(), Flatten(), Dense(1))
    model, X, y = network(layers=layers, input_shape=(2, 6), n=50)
    X = 3 + 2 * X
    everything = [np.arange(50)] * 200
    trained, _ = cnn_numpy.fit(model, X, y, optimizer=SGD(0.0), batches=everything)
    mean, variance = cnn_numpy.state(trained)  # what was there before is worth 0.9^200 = 7e-10
    assert_allclose(mean, X.mean(axis=(0, 2)), rtol=1e-8)
    assert_allclose(variance, X.var(axis=(0, 2), ddof=1), rtol=1e-8)
    assert_array_equal(trained.theta[0], model.theta[0])


# ---- training


def test_training_learns_where_a_tone_burst_stands_regardless_of_its_phase():
    rng = np.random.default_rng(0)
    n, y = 80, np.arange(80) % 2
    t = np.arange(32)
    burst = np.exp(-(((t - 8 - 16 * y[:, None]) / 4) ** 2))
    phase = rng.uniform(0, 2 * np.pi, size=(n, 1))
    X = (burst * np.cos(0.9 * t + phase) + 0.1 * rng.normal(size=(n, 32)))[:, np.newaxis]
    spec = classifier((1, 32), (4, 4), 2, dropout=0.1)
    model = cnn_numpy.build(spec, initial_parameters(spec, rng))
    model, losses = cnn_numpy.fit(
        model, X[:40], y[:40], optimizer=Adam(1e-2), batches=minibatches(40, 20, 30, rng), rng=rng
    )
    assert losses[-1] < losses[0] / 4
    assert (cnn_numpy.predict(model, X[40:]).argmax(axis=1) == y[40:]).mean() > 0.9


@pytest.mark.parametrize("optimizer", [SGD(0.05), SGD(0.05, momentum=0.9), Adam(1e-2)])
def test_two_trainings_of_15_steps_are_one_of_30(optimizer):
    model, X, y = network(n=12)
    batches = minibatches(12, 4, 10, np.random.default_rng(0))
    options = {"optimizer": optimizer, "rng": np.random.default_rng(1)}
    whole, losses = cnn_numpy.fit(model, X, y, batches=batches, **options)
    options["rng"] = np.random.default_rng(1)
    half, first = cnn_numpy.fit(model, X, y, batches=batches[:15], **options)
    kept = [p.copy() for p in (*half.theta, *half.state)]
    again, second = cnn_numpy.fit(half, X, y, batches=batches[15:], **options)
    assert_array_equal(np.concatenate([first, second]), losses)
    for a, b in zip((*again.theta, *again.state), (*whole.theta, *whole.state), strict=True):
        assert_array_equal(a, b)
    for a, b in zip((*half.theta, *half.state), kept, strict=True):
        assert_array_equal(a, b)


def test_nothing_that_is_passed_in_is_changed():
    model, X, y = network(l1=0.01)
    kept = [a.copy() for a in (X, y, *model.theta, *model.state)]
    batches = minibatches(5, 3, 4, np.random.default_rng(0))
    options = {"optimizer": Adam(0.1), "batches": batches, "rng": np.random.default_rng(0)}
    cnn_numpy.fit(model, X, y, augmentation=Augmentation(0.3, 0.3), **options)
    cnn_numpy.predict(model, X)
    cnn_numpy.loss_and_gradients(model, X, y)
    cnn_numpy.parameters(model)[0][:] = 0
    cnn_numpy.state(model)[0][:] = 0
    for a, b in zip((X, y, *model.theta, *model.state), kept, strict=True):
        assert_array_equal(a, b)


def test_a_report_sees_every_layer_and_can_end_the_training():
    model, X, y = network()
    seen = []

    def report(step):
        seen.append(step)
        return step.index >= 5

    batches = [np.arange(5)] * 20
    options = {"optimizer": SGD(0.1), "batches": batches, "report": report, "report_every": 2}
    trained, losses = cnn_numpy.fit(model, X, y, rng=np.random.default_rng(0), **options)
    assert [step.index for step in seen] == [1, 3, 5]
    assert len(losses) == 6
    assert_array_equal([step.loss for step in seen], losses[1::2])
    assert [a.shape for a in seen[0].activations] == [(5, *s) for s in shapes(model.spec)]
    for a, b in zip(seen[-1].parameters, trained.theta, strict=True):
        assert_array_equal(a, b)
    assert not np.array_equal(seen[0].parameters[0], seen[1].parameters[0])
    gradient = cnn_numpy.gradients(model, X, y)
    plain = [layer for layer in SMALL if not isinstance(layer, Dropout)]
    still = replace(model, spec=replace(model.spec, layers=tuple(plain)))
    cnn_numpy.fit(still, X, y, optimizer=SGD(0.1), batches=batches[:1], report=seen.append)
    assert_allclose(seen[-1].gradient_norm, np.sqrt(sum((g**2).sum() for g in gradient)))


def test_training_without_a_generator_is_refused_where_something_is_drawn():
    model, X, y = network()
    with pytest.raises(InputError, match="rng is None"):
        cnn_numpy.fit(model, X, y, optimizer=SGD(), batches=[np.arange(5)])


# ---- kinks


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n", [1, 4])
def test_maps_of_zeros_and_single_maps_are_trained_without_harm(loss, n):
    model, X, y = network(loss, n=n)
    for maps in (np.zeros_like(X), X):
        batches = [np.arange(n)] * 5
        options = {"optimizer": Adam(0.1), "batches": batches, "rng": np.random.default_rng(0)}
        trained, losses = cnn_numpy.fit(model, maps, y, **options)
        assert np.isfinite(losses).all()
        assert np.isfinite(cnn_numpy.predict(trained, maps)).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_logits_of_800_are_neither_overflow_nor_nan(loss):
    model, X, y = network(loss, (Flatten(), Dense(2)), (1, 1), n=2)
    X = np.array([[[1.0]], [[-1.0]]])
    y = np.array([0, 0]) if loss.startswith("cat") else np.array([[1.0, 0.0], [1.0, 0.0]])
    saturated = replace(model, theta=(np.array([[800.0, -800.0]]), np.zeros(2)))
    value, (dW, db) = cnn_numpy.loss_and_gradients(saturated, X, y)
    if loss == "squared_error":
        expected, slopes = (799**2 + 800**2 + 801**2 + 800**2) / 4, [-1.0, 0.0]
    elif loss == "binary_cross_entropy":
        expected, slopes = 800.0, [-0.5, 0.5]  # the first row is right, the second wholly wrong
    else:
        expected, slopes = 800.0, [-0.5, 0.5]
    assert_allclose(value, expected)
    assert_allclose(db, slopes, atol=1e-12)
    assert np.isfinite(dW).all()
    assert np.isfinite(cnn_numpy.predict(saturated, X)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_in_is_dtype_out(dtype):
    model, X, y = network("categorical_cross_entropy", l1=0.01, l2=0.01)
    X = X.astype(dtype)
    w = np.arange(1.0, 6)
    seen = []
    options = {"optimizer": Adam(0.1), "batches": [np.arange(5)], "report": seen.append}
    options |= {"rng": np.random.default_rng(0), "sample_weight": w}
    trained, _ = cnn_numpy.fit(model, X, y, augmentation=Augmentation(0.1, 0.1), **options)
    memory = (*trained.memory.first, *trained.memory.second)
    arrays = (*trained.theta, *trained.state, *memory, *seen[0].activations, *seen[0].parameters)
    arrays += (cnn_numpy.predict(trained, X), *cnn_numpy.gradients(model, X, y, w))
    assert {a.dtype for a in arrays} == {np.dtype(dtype)}


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_a_shift_of_the_maps_shifts_the_features(seed):
    """Stride 1 and zeros at the ends: what convolution and pooling find moves with the sound."""
    rng = np.random.default_rng(seed)
    spec = CNNSpec(
        (1, 20), (Convolution(3, (3,)), Activation("relu"), Pool("max", (2,), (1,)), Flatten(), Dense(1)),
        "squared_error",
    )  # fmt: skip
    model = cnn_numpy.build(spec, initial_parameters(spec, rng))
    X = np.zeros((1, 1, 20))
    X[..., 6:10] = rng.normal(size=4)
    there, later = (
        cnn_numpy._forward(spec, model.theta, (), np.roll(X, k, axis=2))[0][2] for k in (0, 5)
    )
    assert_allclose(there[..., :12], later[..., 5:], atol=1e-14)
