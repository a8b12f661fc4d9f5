"""One suite for all engines of the multilayer perceptron: they say the same, to the last digits."""

import inspect
import sys
from dataclasses import fields, replace
from importlib import import_module

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import DependencyError, InputError
from ddasp.nonlinear import engines, mlp_numpy
from ddasp.nonlinear.spec import (
    ModelSpec,
    initial_parameters,
)
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
    minibatches,
)

ENGINES = engines.ENGINES["mlp"]
OTHERS = [engine for engine in ENGINES if engine != "numpy"]
FRAMEWORKS = {"torch": "PyTorch", "tensorflow": "TensorFlow"}

CATEGORICAL = ModelSpec((4, 7, 5, 3), ("relu", "tanh", "softmax"), "categorical_cross_entropy")
BINARY = ModelSpec((4, 6, 2), ("sigmoid", "sigmoid"), "binary_cross_entropy")
SQUARED = ModelSpec((4, 6, 2), ("tanh", "linear"), "squared_error")
# every loss, every activation in every place that it may take, every optimizer, noise, dropout,
# penalties and weights of observations: each at least once, not each with each
TRAININGS = {
    "softmax, SGD, all disturbances": (
        replace(CATEGORICAL, l1=1e-3, l2=1e-2, noise=0.1, dropout=0.3),
        SGD(0.1),
        True,
    ),
    "softmax alone, Adam": (
        ModelSpec((4, 3), ("softmax",), "categorical_cross_entropy", l1=1e-2),
        Adam(0.02),
        False,
    ),
    "softmax, momentum, weights": (CATEGORICAL, SGD(0.02, 0.9), True),
    "sigmoid, momentum, cosine, dropout": (
        replace(BINARY, dropout=0.2),
        SGD(0.05, 0.9, schedule="cosine"),
        False,
    ),
    "sigmoid, Adam, decay, weights": (BINARY, Adam(0.02, weight_decay=0.1), True),
    "linear, Adam, decay, cosine, noise": (
        replace(SQUARED, noise=0.2, l2=1e-2),
        Adam(0.02, weight_decay=0.1, schedule="cosine"),
        False,
    ),
    "tanh behind relu, SGD, weights": (
        ModelSpec((4, 5, 2), ("relu", "tanh"), "squared_error", dropout=0.5),
        SGD(0.1, schedule="cosine"),
        True,
    ),
    "relu behind linear, Adam": (
        ModelSpec((4, 5, 2), ("linear", "relu"), "squared_error", l1=1e-3),
        Adam(0.01, beta1=0.8, beta2=0.99, epsilon=1e-6),
        False,
    ),
    "sigmoid with squared error, SGD": (
        ModelSpec((4, 5, 2), ("sigmoid", "sigmoid"), "squared_error", noise=0.1),
        SGD(0.5),
        False,
    ),
}


@pytest.fixture(params=ENGINES)
def mlp(request):
    return import_module(f"ddasp.nonlinear.mlp_{request.param}")  # a missing engine is a failure


@pytest.fixture(scope="module")
def measured():
    """Largest difference of each engine from NumPy in this session; `pytest -s` shows them."""
    largest = {}
    yield largest
    for (engine, quantity), difference in sorted(largest.items()):
        print(f"\n{engine:11} {quantity:28} {difference:.1e}", end="")


def problem(spec, n=29, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, spec.widths[0])).astype(dtype)
    if spec.loss == "categorical_cross_entropy":
        y = rng.integers(spec.widths[-1], size=n)
    elif spec.loss == "binary_cross_entropy":
        y = rng.integers(2, size=(n, spec.widths[-1]))
    else:
        y = rng.uniform(-1, 1, size=(n, spec.widths[-1]))
    theta = initial_parameters(spec, rng, dtype=dtype)
    return X, y, rng.uniform(0, 2, size=n), tuple(p + dtype(0.01) for p in theta)


def difference(got, expected):
    """Largest relative difference, each array measured by its largest entry."""
    return max(
        np.max(np.abs(np.subtract(g, e))) / max(np.max(np.abs(e)), 1e-300)
        for g, e in zip(got, expected, strict=True)
    )


# agreement


def test_engines_offer_the_same_names_with_the_same_signatures(mlp):
    assert mlp.__all__ == mlp_numpy.__all__
    assert [f.name for f in fields(mlp.Model)] == ["spec", "theta", "memory"]
    for name in mlp.__all__:
        ours, theirs = (
            {p.name: (p.kind, p.default) for p in inspect.signature(thing).parameters.values()}
            for thing in (getattr(mlp, name), getattr(mlp_numpy, name))
        )
        if mlp.__name__.endswith("torch") and name == "build":
            assert ours.pop("device") == (inspect.Parameter.KEYWORD_ONLY, "cpu")
        assert ours == theirs, name


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("training", TRAININGS)
def test_predictions_loss_and_gradients_agree(engine, training, measured):
    spec, _, weighted = TRAININGS[training]
    X, y, w, theta = problem(spec)
    w = w if weighted else None
    mlp = import_module(f"ddasp.nonlinear.mlp_{engine}")
    one, other = mlp_numpy.build(spec, theta), mlp.build(spec, theta)
    loss, gradients = mlp_numpy.loss_and_gradients(one, X, y, w)
    assert mlp.loss(other, X, y, w) == mlp.loss_and_gradients(other, X, y, w)[0]
    for name, got, expected in (
        ("logits", [mlp.logits(other, X)], [mlp_numpy.logits(one, X)]),
        ("predictions", [mlp.predict(other, X)], [mlp_numpy.predict(one, X)]),
        ("loss", [mlp.loss(other, X, y, w)], [loss]),
        ("gradients", mlp.gradients(other, X, y, w), gradients),
        ("parameters", mlp.parameters(other), theta),
    ):
        found = difference(got, expected)
        assert found < 1e-12, name  # a few roundings of 1e-16, sums of 29 terms
        measured[engine, name] = max(found, measured.get((engine, name), 0))


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("training", TRAININGS)
def test_three_hundred_steps_of_training_agree(engine, training, measured):
    spec, optimizer, weighted = TRAININGS[training]
    X, y, w, theta = problem(spec)
    batches = minibatches(len(X), 8, 75, np.random.default_rng(1))  # 8, 8, 8 and 5 observations
    assert len(batches) == 300
    results = []
    for name in ("numpy", engine):
        mlp = import_module(f"ddasp.nonlinear.mlp_{name}")
        trained, losses = mlp.fit(
            mlp.build(spec, theta),
            X,
            y,
            optimizer=optimizer,
            batches=batches,
            sample_weight=w if weighted else None,
            rng=np.random.default_rng(2) if spec.noise or spec.dropout else None,
        )
        assert losses.dtype == np.float64
        results.append((losses, mlp.parameters(trained)))
    (expected_losses, expected), (losses, got) = results
    assert expected_losses[-8:].mean() < expected_losses[:8].mean()  # it learns something
    # rounding errors of 1e-16 grow by training to 1e-13; float32 in any place would show as 1e-9
    for quantity, found in (
        ("losses of 300 steps", np.max(np.abs(losses / expected_losses - 1))),
        ("parameters after 300 steps", difference(got, expected)),
    ):
        assert found < 1e-11, quantity
        measured[engine, quantity] = max(found, measured.get((engine, quantity), 0))


@pytest.mark.parametrize("spec", [CATEGORICAL, BINARY, SQUARED], ids=lambda spec: spec.loss)
def test_float32_stays_float32_and_close_to_float64(mlp, spec):
    spec = replace(spec, noise=0.1, dropout=0.2, l2=0.01)
    results = []
    for dtype in (np.float64, np.float32):
        X, y, w, theta = problem(spec, dtype=dtype)
        model = mlp.build(spec, theta)
        value, gradient = mlp.loss_and_gradients(model, X, y, w)
        trained, losses = mlp.fit(
            model,
            X,
            y,
            optimizer=Adam(0.01, weight_decay=0.1),
            batches=minibatches(len(X), 8, 5, np.random.default_rng(1)),
            sample_weight=w,
            rng=np.random.default_rng(2),
        )
        arrays = mlp.logits(model, X), mlp.predict(model, X), *gradient, *mlp.parameters(trained)
        assert {a.dtype for a in arrays} == {np.dtype(dtype)}
        assert isinstance(value, float)
        results.append((arrays, losses))
    (double, expected), (single, losses) = results
    assert difference(single, double) < 1e-4  # eps is 1e-7; Adam divides by small roots
    assert_allclose(losses, expected, rtol=1e-4)
    # a model of float64 computes in the dtype of X
    X, _, _, theta = problem(spec)
    assert mlp.predict(mlp.build(spec, theta), X.astype(np.float32)).dtype == np.float32


# truth of each engine for itself


def test_a_case_worked_on_paper(mlp):
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


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec((2, 2, 3), ("tanh", "softmax"), "categorical_cross_entropy", l1=0.3, l2=0.1),
        ModelSpec((2, 2, 1), ("relu", "sigmoid"), "binary_cross_entropy", l2=0.3),
        ModelSpec((2, 2, 2), ("sigmoid", "tanh"), "squared_error", l1=0.2),
    ],
    ids=lambda spec: spec.loss,
)
def test_gradients_equal_central_differences(mlp, spec):
    X, y, w, theta = problem(spec, n=5)
    h = 1e-6  # error h^2 from the difference, eps / h from rounding: about 1e-10
    for i, gradient in enumerate(mlp.gradients(mlp.build(spec, theta), X, y, w)):
        for index in np.ndindex(gradient.shape):
            values = []
            for sign in (1, -1):
                moved = [p.copy() for p in theta]
                moved[i][index] += sign * h
                values.append(mlp.loss(mlp.build(spec, moved), X, y, w))
            assert_allclose(gradient[index], (values[0] - values[1]) / (2 * h), atol=1e-8)


def test_cross_entropy_of_a_saturated_logit_is_the_distance_between_the_logits(mlp):
    spec = ModelSpec((1, 2), ("softmax",), "categorical_cross_entropy")
    model = mlp.build(spec, (np.array([[800.0, -800.0]]), np.zeros(2)))
    assert mlp.loss(model, [[1.0]], [1]) == 1600
    assert mlp.loss(model, [[1.0]], [0]) == 0
    # exp(-800) is 0 in float64; a quick exp may stop at exp(-700) = 1e-304
    assert_allclose(mlp.predict(model, [[1.0], [-1.0]]), [[1, 0], [0, 1]], atol=1e-300)
    spec = ModelSpec((1, 1), ("sigmoid",), "binary_cross_entropy")
    model = mlp.build(spec, (np.array([[800.0]]), np.zeros(1)))
    assert mlp.loss(model, [[1.0]], [0]) == 800
    assert 0 <= mlp.loss(model, [[-1.0]], [0]) < 1e-300
    assert mlp.gradients(model, [[1.0]], [0])[1] == 1


@pytest.mark.parametrize("spec", [CATEGORICAL, BINARY, SQUARED], ids=lambda spec: spec.loss)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturation_zeros_one_and_no_observation_stay_finite(mlp, spec, dtype):
    X, y, _, theta = problem(spec, dtype=dtype)
    model = mlp.build(spec, theta)
    for inputs in (800 * np.sign(X), np.zeros_like(X), X[:1]):
        value, gradient = mlp.loss_and_gradients(model, inputs, y[: len(inputs)])
        assert np.isfinite(value)
        assert all(np.isfinite(g).all() for g in gradient)
    assert mlp.predict(model, X[:0]).shape == (0, spec.widths[-1])


def test_slopes_of_relu_and_of_l1_are_zero_in_their_corners(mlp):
    spec = ModelSpec((1, 1, 1), ("relu", "linear"), "squared_error", l1=0.5)
    model = mlp.build(spec, (np.zeros((1, 1)), np.zeros(1), np.ones((1, 1)), np.zeros(1)))
    assert [g.item() for g in mlp.gradients(model, [[3.0]], [1.0])] == [0, 0, 0.5, -1]


# weights of observations


@pytest.mark.parametrize("spec", [CATEGORICAL, BINARY, SQUARED], ids=lambda spec: spec.loss)
def test_weights_are_repeated_rows_zeros_are_rows_left_out_and_equal_ones_change_nothing(mlp, spec):
    X, y, _, theta = problem(spec, n=6)
    model = mlp.build(replace(spec, l1=0.1, l2=0.1), theta)
    times = np.array([2, 0, 1, 3, 1, 0])
    rows = np.repeat(np.arange(6), times)
    for w, kept in ((times, rows), (times > 0, np.flatnonzero(times)), (np.full(6, 7.0), rows[:0])):
        kept = kept if len(kept) else np.arange(6)
        loss, gradients = mlp.loss_and_gradients(model, X, y, w)
        assert_allclose(loss, mlp.loss(model, X[kept], y[kept]), rtol=1e-13)
        for g, e in zip(gradients, mlp.gradients(model, X[kept], y[kept]), strict=True):
            assert_allclose(g, e, rtol=1e-12, atol=1e-14)


def test_training_sees_the_weights(mlp):
    spec = ModelSpec((1, 1), ("linear",), "squared_error")
    model = mlp.build(spec, (np.zeros((1, 1)), np.zeros(1)))
    # the weighted mean of 0 and 4 is 3; a rate of 1 jumps to the minimum of the intercept
    trained, losses = mlp.fit(
        model,
        np.zeros((2, 1)),
        [0.0, 4.0],
        optimizer=SGD(1.0),
        batches=[np.array([0, 1])],
        sample_weight=[1, 3],
    )
    assert mlp.parameters(trained)[1] == 3
    assert losses == 6  # 1.5 * 16 / 2 / 2


# report and memory


def test_a_report_sees_each_step_and_ends_the_training(mlp):
    X, y, _, theta = problem(CATEGORICAL)
    batches = minibatches(len(X), 8, 2, np.random.default_rng(1))
    model = mlp.build(CATEGORICAL, theta)
    steps = []

    def report(step):
        steps.append(step)
        return step.index == 4

    trained, losses = mlp.fit(
        model, X, y, optimizer=SGD(0.1), batches=batches, report=report, report_every=1
    )
    assert [step.index for step in steps] == [0, 1, 2, 3, 4]
    assert_array_equal([step.loss for step in steps], losses)
    first, last = steps[0], steps[-1]
    rows = batches[0]
    value, gradient = mlp.loss_and_gradients(model, X[rows], y[rows])
    assert_allclose(first.loss, value, rtol=1e-14)
    norm = np.linalg.norm(np.concatenate([g.ravel() for g in gradient]))
    assert_allclose(first.gradient_norm, norm, rtol=1e-13)
    for p, q, g in zip(first.parameters, theta, gradient, strict=True):
        assert_allclose(p, q - 0.1 * g, rtol=1e-12, atol=1e-15)
    for p, q in zip(last.parameters, mlp.parameters(trained), strict=True):
        assert_array_equal(p, q)
    assert [a.shape for a in first.activations] == [(8, 7), (8, 5), (8, 3)]
    assert_allclose(first.activations[0], np.maximum(X[rows] @ theta[0] + theta[1], 0), atol=1e-14)
    assert_allclose(first.activations[-1], mlp.predict(model, X[rows]), rtol=1e-12)
    assert all(isinstance(a, np.ndarray) for a in (*last.activations, *last.parameters))


def test_a_report_comes_as_often_as_asked_and_training_goes_on_without_a_word(mlp):
    X, y, _, theta = problem(SQUARED)
    seen = []
    _, losses = mlp.fit(
        mlp.build(SQUARED, theta),
        X,
        y,
        optimizer=SGD(0.1),
        batches=minibatches(len(X), 8, 2, np.random.default_rng(1)),
        report=lambda step: seen.append(step.index),
        report_every=3,
    )
    assert seen == [2, 5]
    assert len(losses) == 8


@pytest.mark.parametrize("optimizer", [SGD(0.05, 0.9), Adam(0.02)], ids=["momentum", "Adam"])
def test_twice_150_steps_are_once_300(mlp, optimizer):
    X, y, _, theta = problem(BINARY)
    batches = minibatches(len(X), 8, 75, np.random.default_rng(1))

    def train(model, batches):
        return mlp.fit(model, X, y, optimizer=optimizer, batches=batches)

    once, losses = train(mlp.build(BINARY, theta), batches)
    half, first = train(mlp.build(BINARY, theta), batches[:150])
    before = mlp.parameters(half)
    twice, second = train(half, batches[150:])
    assert_allclose(np.concatenate([first, second]), losses, rtol=1e-12)
    assert difference(mlp.parameters(twice), mlp.parameters(once)) < 1e-12
    # neither the model nor its memory was changed by going on
    _, again = train(half, batches[150:154])
    assert_array_equal(again, second[:4])
    for p, q in zip(mlp.parameters(half), before, strict=True):
        assert_array_equal(p, q)


# borders


def test_no_steps_leave_the_parameters_as_they_were(mlp):
    X, y, _, theta = problem(SQUARED)
    trained, losses = mlp.fit(mlp.build(SQUARED, theta), X, y, optimizer=SGD(), batches=[])
    assert losses.shape == (0,)
    for p, q in zip(mlp.parameters(trained), theta, strict=True):
        assert_array_equal(p, q)


def test_nothing_that_was_passed_in_is_changed_or_shared(mlp):
    X, y, w, theta = problem(CATEGORICAL)
    X, y = X[::-1], y[::-1]  # views with negative strides
    inputs = [X, y, w, *theta]
    before = [a.copy() for a in inputs]
    model = mlp.build(CATEGORICAL, theta)
    mlp.fit(model, X, y, optimizer=Adam(), batches=[np.arange(29)], sample_weight=w)
    mlp.predict(model, X)[:] = 7
    for p in (*mlp.parameters(model), *mlp.gradients(model, X, y)):
        p[...] = 7
    for a, b in zip([*inputs, *mlp.parameters(model)], before + before[3:], strict=True):
        assert_array_equal(a, b)


def test_what_does_not_fit_is_named(mlp):
    X, y, w, theta = problem(CATEGORICAL)
    model = mlp.build(CATEGORICAL, theta)
    noisy = mlp.build(replace(CATEGORICAL, noise=0.1), theta)
    batches = [np.arange(4)]
    with pytest.raises(InputError, match="theta has shapes"):
        mlp.build(CATEGORICAL, theta[:-1])
    with pytest.raises(InputError, match="X has 3 columns; expected 4"):
        mlp.predict(model, X[:, :3])
    with pytest.raises(InputError, match="integer codes 0 to 2"):
        mlp.loss(model, X, y + 1)
    with pytest.raises(InputError, match="sample_weight has shape"):
        mlp.gradients(model, X, y, -w)
    with pytest.raises(InputError, match="sample_weight has shape"):
        mlp.fit(model, X, y, optimizer=SGD(), batches=batches, sample_weight=w[1:])
    with pytest.raises(InputError, match="rng is None"):
        mlp.fit(noisy, X, y, optimizer=SGD(), batches=batches)


@pytest.mark.parametrize("kind", ["mlp", "optimizers"])
@pytest.mark.parametrize("engine", FRAMEWORKS)
def test_a_missing_framework_is_named_with_the_command_that_installs_it(engine, kind, monkeypatch):
    monkeypatch.setitem(sys.modules, engine, None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, f"ddasp.nonlinear.{kind}_{engine}", raising=False)
    match = rf'{kind}_{engine} needs {FRAMEWORKS[engine]}: pip install "ddasp\[{engine}\]"'
    with pytest.raises(DependencyError, match=match):
        import_module(f"ddasp.nonlinear.{kind}_{engine}")


def test_a_device_that_is_not_there_is_named():
    mlp = import_module("ddasp.nonlinear.mlp_torch")
    theta = problem(SQUARED)[3]
    with pytest.raises(InputError, match=r"device is 'cuda:99'; .* a build without CUDA"):
        mlp.build(SQUARED, theta, device="cuda:99")
    with pytest.raises(InputError, match="device is 'gpu'"):
        mlp.build(SQUARED, theta, device="gpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA on this machine")
def test_a_gpu_agrees():
    mlp = import_module("ddasp.nonlinear.mlp_torch")
    spec, optimizer, _ = TRAININGS["softmax, SGD, all disturbances"]
    X, y, w, theta = problem(spec)
    batches = minibatches(len(X), 8, 75, np.random.default_rng(1))
    results = []
    for module, device in ((mlp_numpy, {}), (mlp, {"device": "cuda"})):
        model, losses = module.fit(
            module.build(spec, theta, **device),
            X,
            y,
            optimizer=optimizer,
            batches=batches,
            sample_weight=w,
            rng=np.random.default_rng(2),
        )
        results.append((losses, *module.parameters(model)))
    assert difference(results[1], results[0]) < 1e-9


def test_torch_is_left_as_it_was():
    mlp = import_module("ddasp.nonlinear.mlp_torch")
    X, y, _, theta = problem(SQUARED)
    before = torch.get_num_threads(), torch.get_default_dtype(), torch.random.get_rng_state().sum()
    torch.set_num_threads(3)
    try:
        mlp.fit(mlp.build(SQUARED, theta), X, y, optimizer=SGD(), batches=[np.arange(29)])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before[0])
    assert torch.get_default_dtype() == before[1]
    assert torch.random.get_rng_state().sum() == before[2]


def test_trainings_of_one_kind_share_a_graph_that_is_traced_twice():
    mlp = import_module("ddasp.nonlinear.mlp_tensorflow")
    X, y, _, theta = problem(SQUARED)
    model, kind = mlp.build(SQUARED, theta), Adam(0.0, beta1=0.7)
    for rate, size in ((0.1, 8), (0.2, 7), (0.3, 3)):  # and 5, 1, 2 in the last batches
        batches = minibatches(len(X), size, 2, np.random.default_rng(1))
        optimizer = replace(kind, learning_rate=rate, schedule="cosine")
        model, _ = mlp.fit(model, X, y, optimizer=optimizer, batches=batches)
    assert mlp._graph(SQUARED, kind).experimental_get_tracing_count() == 2


# a known difference between frameworks


@pytest.mark.parametrize(("rate", "low", "high"), [(0.1, 1e-12, 1e-6), (0.125, 0, 1e-12)])
def test_keras_trains_the_same_network_up_to_the_float32_of_its_learning_rate(
    rate, low, high, measured
):
    keras = import_module("keras")
    X, y, _, theta = problem(CATEGORICAL)
    batches = minibatches(len(X), 8, 75, np.random.default_rng(1))
    layers = [
        keras.layers.Dense(n, activation=None if a == "softmax" else a, dtype="float64")
        for n, a in zip(CATEGORICAL.widths[1:], CATEGORICAL.activations, strict=True)
    ]
    model = keras.Sequential([keras.Input((4,), dtype="float64"), *layers])
    model.set_weights(theta)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    model.compile(keras.optimizers.SGD(rate), loss)
    for rows in batches:
        model.train_on_batch(X[rows], y[rows])
    ours, _ = mlp_numpy.fit(
        mlp_numpy.build(CATEGORICAL, theta), X, y, optimizer=SGD(rate), batches=batches
    )
    found = difference(model.get_weights(), mlp_numpy.parameters(ours))
    measured["Keras", f"parameters, rate {rate}"] = found
    # 0.1 is no number of float32, and 1.5e-8 of it is lost; 0.125 = 2^-3 is one
    assert low <= found <= high
