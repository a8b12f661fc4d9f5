"""Three texts, one network: NumPy, PyTorch and TensorFlow agree to the last digits.

PyTorch and TensorFlow are imported without a way out: where one is missing, this suite fails.
"""

import inspect
from dataclasses import fields

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.nonlinear import cnn_numpy, cnn_tensorflow, cnn_torch
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

OTHERS = [cnn_torch, cnn_tensorflow]
SIBLINGS = [cnn_numpy, *OTHERS]

# Each case: spec, optimizer, whether the observations have weights, augmentation. Together they
# hold every layer, loss and optimizer, one and two sides, strides, zeros around, overlapping pools.
CASES = {
    "classifier of maps": (
        classifier((1, 9, 8), (4, 5), 3, dropout=0.3, smoothing=0.1),
        Adam(3e-3, weight_decay=0.01, schedule="cosine"),
        True,
        Augmentation(0.2, 0.3),
    ),
    "classifier of signals": (
        classifier((2, 21), (4, 5), 3, dropout=0.2, batch_norm=False),
        SGD(0.02, momentum=0.9),
        False,
        Augmentation(0.1, 0.2),
    ),
    "strides and means, squared error": (
        CNNSpec(
            (2, 11, 9),
            (
                BatchNorm(momentum=0.3, epsilon=1e-3),
                Convolution(4, (3, 2), (2, 1), (1, 0)),
                Activation("tanh"),
                Pool("mean", (2, 3), (1, 2)),
                Dropout(0.2),
                Convolution(3, (2, 2), (), (0, 2), bias=False),
                BatchNorm(),
                Activation("sigmoid"),
                Flatten(),
                Dense(2),
            ),
            "squared_error",
            l1=1e-3,
            l2=1e-2,
        ),
        SGD(0.02),
        True,
        None,
    ),
    "overlapping maxima of signals, binary": (
        CNNSpec(
            (2, 24),
            (
                Convolution(4, (5,), (2,), (2,)),
                Activation("relu"),
                Pool("max", (3,), (2,)),
                Flatten(),
                Dense(5, bias=False),
                BatchNorm(),
                Activation("relu"),
                Dense(2),
            ),
            "binary_cross_entropy",
            l2=1e-2,
        ),
        Adam(3e-3),
        True,
        None,
    ),
    "overlapping maxima of maps, squared error": (
        CNNSpec(
            (1, 9, 9),
            (
                Convolution(3, (3, 3), (1, 2), (1, 1)),
                Activation("linear"),
                Pool("max", (3, 2), (2, 1)),
                Flatten(),
                Activation("tanh"),
                Dropout(0.4),
                Dense(2),
            ),
            "squared_error",
        ),
        Adam(1e-3),
        False,
        None,
    ),
    "means of signals, binary": (
        CNNSpec(
            (3, 15),
            (Convolution(4, (4,)), Pool("mean", (3,), (2,)), Activation("relu"), Flatten(), Dense(1)),
            "binary_cross_entropy",
            l1=1e-3,
        ),
        SGD(0.05, momentum=0.5),
        False,
        None,
    ),
}  # fmt: skip


def problem(spec, n=26, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, *spec.input_shape)).astype(dtype)
    k = shapes(spec)[-1][0]
    y = rng.integers(0, k, n) if spec.loss.startswith("cat") else rng.random((n, k))
    return X, y, initial_parameters(spec, rng), rng.uniform(0, 2, n)


def assert_equal_up_to_rounding(found, expected, rtol, message=""):
    """Each array up to a share of its own largest entry."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        scale = np.abs(b).max() if b.size else 0.0
        assert_allclose(a, b, rtol=0, atol=rtol * scale + 1e-300, err_msg=message)


@pytest.mark.parametrize("name", CASES)
def test_logits_loss_and_gradients_agree(name):
    spec, _, weighted, _ = CASES[name]
    X, y, theta, w = problem(spec)
    w = w if weighted else None
    rng = np.random.default_rng(1)
    norms = [layer for layer in spec.layers if isinstance(layer, BatchNorm)]
    state = tuple(rng.uniform(0.5, 2, s.shape) for s in cnn_numpy.build(spec, theta).state)
    assert len(state) == 2 * len(norms)
    reference = cnn_numpy.build(spec, theta, state)
    value, gradient = cnn_numpy.loss_and_gradients(reference, X, y, w)
    for engine in OTHERS:
        model = engine.build(spec, theta, state)
        for verb in ("logits", "predict"):
            found, expected = (
                getattr(e, verb)(m, X) for e, m in ((engine, model), (cnn_numpy, reference))
            )
            assert_equal_up_to_rounding([found], [expected], 1e-12, engine.__name__)
        found_value, found = engine.loss_and_gradients(model, X, y, w)
        assert_allclose(found_value, value, rtol=1e-12)
        # a gradient is a sum of some hundred products, each rounded at 1e-16
        assert_equal_up_to_rounding(found, gradient, 1e-11, engine.__name__)
        assert engine.loss(model, X, y, w) == found_value
        assert_equal_up_to_rounding(engine.gradients(model, X, y, w), found, 1e-15)
        assert_equal_up_to_rounding(engine.state(model), state, 0)


@pytest.mark.parametrize("name", CASES)
def test_300_steps_agree(name):
    spec, optimizer, weighted, augmentation = CASES[name]
    X, y, theta, w = problem(spec)
    options = {
        "optimizer": optimizer,
        # 26 = 10 + 10 + 6 observations: batches of two lengths
        "batches": minibatches(26, 10, 100, np.random.default_rng(2)),
        "augmentation": augmentation,
        "sample_weight": w if weighted else None,
    }
    runs = []
    for engine in SIBLINGS:
        seen = []
        rng = np.random.default_rng(3)
        model = engine.build(spec, theta)
        trained, losses = engine.fit(
            model, X, y, rng=rng, report=seen.append, report_every=100, **options
        )
        assert_array_equal(engine.parameters(model)[0], theta[0])  # training changes no model
        runs.append((engine, trained, losses, seen, rng.random()))
    _, reference, losses, steps, drawn = runs[0]
    assert len(losses) == 300
    assert losses[-30:].mean() < losses[:30].mean()
    for engine, trained, found, seen, also_drawn in runs[1:]:
        assert also_drawn == drawn
        # rounding of 1e-16 per step, carried along; a wrong rate or sign is seen at once
        assert_allclose(found, losses, rtol=1e-10, err_msg=engine.__name__)
        parameters = engine.parameters(trained)
        assert_equal_up_to_rounding(parameters, reference.theta, 1e-9, engine.__name__)
        assert_equal_up_to_rounding(engine.state(trained), reference.state, 1e-9, engine.__name__)
        p, q = engine.predict(trained, X), cnn_numpy.predict(reference, X)
        assert_allclose(p, q, rtol=1e-9, err_msg=engine.__name__)
        for a, b in zip(seen, steps, strict=True):
            assert a.index == b.index
            assert_allclose([a.loss, a.gradient_norm], [b.loss, b.gradient_norm], rtol=1e-9)
            assert [m.shape for m in a.activations] == [m.shape for m in b.activations]
            assert_equal_up_to_rounding(a.activations, b.activations, 1e-9, engine.__name__)
            assert_equal_up_to_rounding(a.parameters, b.parameters, 1e-9, engine.__name__)
        for a, b in zip(engine.folded(trained), cnn_numpy.folded(reference), strict=True):
            assert (a.kind, a.size, a.stride, a.padding) == (b.kind, b.size, b.stride, b.padding)
            if b.weights is not None:
                assert_equal_up_to_rounding([a.weights, a.bias], [b.weights, b.bias], 1e-9)


@pytest.mark.parametrize("engine", SIBLINGS)
@pytest.mark.parametrize("optimizer", [SGD(0.02, momentum=0.9), Adam(1e-2)])
def test_two_trainings_of_10_steps_are_one_of_20(engine, optimizer):
    spec = CASES["classifier of signals"][0]
    X, y, theta, _ = problem(spec)
    batches = minibatches(26, 13, 10, np.random.default_rng(0))
    model = engine.build(spec, theta)

    def train(model, batches, rng):
        return engine.fit(model, X, y, optimizer=optimizer, batches=batches, rng=rng)

    whole, losses = train(model, batches, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    half, first = train(model, batches[:10], rng)
    kept = engine.parameters(half)
    again, second = train(half, batches[10:], rng)
    # to the last bit where one thread computes; TensorFlow may share a sum among several
    assert_allclose(np.concatenate([first, second]), losses, rtol=1e-12)
    assert_equal_up_to_rounding(engine.parameters(again), engine.parameters(whole), 1e-12)
    for a, b in zip(engine.parameters(half), kept, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("engine", SIBLINGS)
def test_a_report_that_says_true_ends_the_training(engine):
    spec = CASES["means of signals, binary"][0]
    X, y, theta, _ = problem(spec)
    options = {"optimizer": SGD(0.1), "batches": [np.arange(26)] * 9, "report_every": 2}
    model = engine.build(spec, theta)
    trained, losses = engine.fit(model, X, y, report=lambda step: step.index > 2, **options)
    assert losses.shape == (4,)
    assert losses.dtype == np.float64
    expected, _ = engine.fit(model, X, y, **(options | {"batches": [np.arange(26)] * 4}))
    assert_equal_up_to_rounding(engine.parameters(trained), engine.parameters(expected), 1e-14)
    assert engine.fit(model, X, y, **(options | {"batches": []}))[1].shape == (0,)


# ---- kinks


KINKY = (
    Convolution(3, (2, 2)),
    BatchNorm(),
    Activation("relu"),
    Pool("max", (2, 2), (1, 1)),
    Flatten(),
    Dense(2),
)


@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy"])
def test_ties_and_corners_are_broken_alike(loss):
    """Maps of few whole numbers: equal maxima and ReLU at 0 wherever one looks."""
    layers = tuple(layer for layer in KINKY if not isinstance(layer, BatchNorm))
    spec = CNNSpec((2, 6, 6), layers, loss)
    rng = np.random.default_rng(0)
    theta = tuple(rng.integers(-1, 2, size=s).astype(float) for s in parameter_shapes(spec))
    X = rng.integers(0, 2, size=(9, 2, 6, 6)).astype(float)
    y = rng.integers(0, 2, size=(9, 2)).astype(float)
    value, gradient = cnn_numpy.loss_and_gradients(cnn_numpy.build(spec, theta), X, y)
    assert np.abs(gradient[0]).max() > 0
    for engine in OTHERS:
        found_value, found = engine.loss_and_gradients(engine.build(spec, theta), X, y)
        assert_allclose(found_value, value, rtol=1e-12)
        assert_equal_up_to_rounding(found, gradient, 1e-12, engine.__name__)


@pytest.mark.parametrize("kind", ["max", "mean"])
@pytest.mark.parametrize("sides", [(7,), (6, 7)])
def test_equal_samples_in_overlapping_windows_share_the_gradient_alike(kind, sides):
    d = len(sides)
    layers = (Convolution(1, (1,) * d), Pool(kind, (3,) * d, (2,) * d), Flatten(), Dense(2))
    spec = CNNSpec((1, *sides), (Convolution(2, sides, (), tuple(s - 1 for s in sides)), *layers),
                   "squared_error")  # fmt: skip
    rng = np.random.default_rng(0)
    theta = tuple(rng.normal(size=s) for s in parameter_shapes(spec))
    X, y = np.zeros((3, 1, *sides)), rng.normal(size=(3, 2))
    X[0] = 1
    value, gradient = cnn_numpy.loss_and_gradients(cnn_numpy.build(spec, theta), X, y)
    for engine in OTHERS:
        found_value, found = engine.loss_and_gradients(engine.build(spec, theta), X, y)
        assert_allclose(found_value, value, rtol=1e-12)
        assert_equal_up_to_rounding(found, gradient, 1e-11, engine.__name__)


@pytest.mark.parametrize("engine", SIBLINGS)
def test_a_single_value_is_normalised_to_beta(engine):
    spec = CNNSpec((2, 1, 1), (BatchNorm(), Flatten(), Dense(1)), "squared_error")
    theta = (np.ones(2), np.array([4.0, 5.0]), np.array([[1.0], [10.0]]), np.zeros(1))
    X = np.array([[[[100.0]], [[-3.0]]]])
    model = engine.build(spec, theta)
    value, (dgamma, dbeta, dW, _) = engine.loss_and_gradients(model, X, [53.0])  # y_hat = 54
    # PyTorch multiplies 100 with eps^(-1/2) = 316 before it takes the mean off: 1e-11 of rounding
    assert_allclose(value, 0.5, rtol=1e-10)
    assert_allclose([dgamma, dbeta, dW[:, 0]], [[0, 0], [1, 10], [4, 5]], rtol=1e-10, atol=1e-10)
    trained, _ = engine.fit(model, X, [53.0], optimizer=SGD(0.0), batches=[np.array([0])])
    assert_array_equal(engine.state(trained), [[0, 0], [1, 1]])
    assert_allclose(engine.predict(model, X), [[100 - 30 + 54]], rtol=1e-4)  # 1 / sqrt(1 + eps)


@pytest.mark.parametrize("engine", [cnn_numpy, cnn_tensorflow])
def test_a_constant_map_far_from_zero_is_normalised_to_beta_in_float32(engine):
    """Known difference: PyTorch's batch_norm multiplies out, 2^20 * 316 - 2^20 * 316 + 4, and gives 0."""
    spec = CNNSpec((1, 2), (BatchNorm(), Flatten(), Dense(1)), "squared_error")
    theta = (np.ones(1), np.array([4.0]), np.ones((2, 1)), np.zeros(1))
    X = np.full((3, 1, 2), 2.0**20, dtype=np.float32)
    assert engine.loss(engine.build(spec, theta), X, [8.0, 8.0, 8.0]) == 0


@pytest.mark.parametrize("n", [1, 3])
def test_maps_of_zeros_and_single_maps_agree_and_stay_finite(n):
    spec = CNNSpec((1, 3, 3), KINKY, "categorical_cross_entropy")
    rng = np.random.default_rng(0)
    theta, y = initial_parameters(spec, rng), np.zeros(n, dtype=int)
    for X in (np.zeros((n, 1, 3, 3)), rng.normal(size=(n, 1, 3, 3))):
        options = {"optimizer": SGD(0.1), "batches": [np.arange(n)] * 10}
        found = [e.fit(e.build(spec, theta), X, y, **options) for e in SIBLINGS]
        assert np.isfinite(found[0][1]).all()
        for engine, (model, losses) in zip(OTHERS, found[1:], strict=True):
            assert_allclose(losses, found[0][1], rtol=1e-9, err_msg=engine.__name__)
            p, q = engine.predict(model, X), cnn_numpy.predict(found[0][0], X)
            assert_allclose(p, q, rtol=1e-9, err_msg=engine.__name__)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "categorical_cross_entropy"])
def test_logits_of_800_and_of_0_agree(loss):
    spec = CNNSpec((1, 1), (Flatten(), Dense(2)), loss)
    X = np.array([[[1.0]], [[-1.0]], [[0.0]]])
    y = np.array([0, 0, 1]) if loss.startswith("cat") else np.array([[1.0, 0], [1, 0], [0.25, 1]])
    theta = (np.array([[800.0, -800.0]]), np.zeros(2))
    reference = cnn_numpy.build(spec, theta)
    value, gradient = cnn_numpy.loss_and_gradients(reference, X, y)
    for engine in OTHERS:
        model = engine.build(spec, theta)
        found_value, found = engine.loss_and_gradients(model, X, y)
        assert_allclose(found_value, value, rtol=1e-14)
        assert_equal_up_to_rounding(found, gradient, 1e-14)
        assert_allclose(engine.predict(model, X), cnn_numpy.predict(reference, X), atol=1e-15)


# ---- dtype, errors, border


@pytest.mark.parametrize("engine", SIBLINGS)
def test_float32_goes_in_and_comes_out(engine):
    spec = CASES["classifier of maps"][0]
    X, y, theta, w = problem(spec, dtype=np.float32)
    model = engine.build(spec, theta)
    seen = []
    trained, _ = engine.fit(
        model, X, y, optimizer=Adam(), batches=[np.arange(26)], sample_weight=w,
        augmentation=Augmentation(0.1, 0.1), rng=np.random.default_rng(0), report=seen.append,
    )  # fmt: skip
    value, gradient = engine.loss_and_gradients(model, X, y, w)
    arrays = [engine.predict(model, X), engine.logits(trained, X), *gradient]
    arrays += [*engine.parameters(trained), *engine.state(trained)]
    arrays += [*seen[0].activations, *seen[0].parameters]
    assert all(isinstance(a, np.ndarray) for a in arrays)
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    expected = cnn_numpy.loss_and_gradients(cnn_numpy.build(spec, theta), X.astype(float), y, w)
    assert_allclose(value, expected[0], rtol=1e-5)
    assert_equal_up_to_rounding(gradient, expected[1], 1e-4, engine.__name__)


@pytest.mark.parametrize("engine", SIBLINGS)
def test_nothing_in_gives_nothing_out(engine):
    spec = CASES["classifier of maps"][0]
    X, _, theta, _ = problem(spec)
    assert engine.predict(engine.build(spec, theta), X[:0]).shape == (0, 3)


@pytest.mark.parametrize("engine", SIBLINGS)
def test_many_maps_are_predicted_as_each_alone(engine):
    spec = CASES["classifier of maps"][0]
    X, _, theta, _ = problem(spec, n=300)
    model = engine.build(spec, theta)
    rows = [0, 255, 256, 299]
    assert_allclose(engine.predict(model, X)[rows], engine.predict(model, X[rows]), rtol=1e-12)


@pytest.mark.parametrize("engine", SIBLINGS)
def test_errors_are_said_by_every_engine(engine):
    spec = CASES["classifier of maps"][0]
    X, y, theta, _ = problem(spec)
    model = engine.build(spec, theta)
    with pytest.raises(InputError, match="theta has shapes"):
        engine.build(spec, theta[1:])
    with pytest.raises(InputError, match="state has shapes"):
        engine.build(spec, theta, ())
    with pytest.raises(InputError, match="X has shape"):
        engine.predict(model, X[:, 0])
    with pytest.raises(InputError, match="integer codes"):
        engine.loss(model, X, y + 0.5)
    with pytest.raises(InputError, match="X has no rows"):
        engine.gradients(model, X[:0], y[:0])
    with pytest.raises(InputError, match="sample_weight has shape"):
        engine.loss(model, X, y, -np.ones(26))
    with pytest.raises(InputError, match="rng is None"):
        engine.fit(model, X, y, optimizer=SGD(), batches=[np.arange(3)])


@pytest.mark.parametrize("engine", OTHERS)
def test_public_names_and_signatures_are_those_of_numpy(engine):
    assert engine.__all__ == cnn_numpy.__all__
    assert [f.name for f in fields(engine.Model)] == [f.name for f in fields(cnn_numpy.Model)]
    for name in engine.__all__:
        found, expected = (inspect.signature(getattr(e, name)) for e in (engine, cnn_numpy))
        parameters = dict(found.parameters)
        if (engine, name) == (cnn_torch, "build"):
            device = parameters.pop("device")
            assert (device.kind, device.default) == (device.KEYWORD_ONLY, "cpu")
        if name != "Model":
            assert list(parameters.values()) == list(expected.parameters.values()), name
            assert found.return_annotation == expected.return_annotation, name


@pytest.mark.parametrize("engine", SIBLINGS)
def test_what_comes_out_can_be_changed_without_harm(engine):
    spec = CASES["classifier of maps"][0]
    X, _, theta, _ = problem(spec)
    model = engine.build(spec, theta)
    before = engine.predict(model, X)
    for array in (*engine.parameters(model), *engine.state(model), *theta):
        array[:] = 7
    assert_array_equal(engine.predict(model, X), before)
