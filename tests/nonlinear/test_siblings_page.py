"""The page of the siblings shows the files as they are, and what it says of the frameworks is so.

Each line of its table has a test here, `test_fact_` and the line's name.
"""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch.nn import functional as F

from ddasp.nonlinear import optimizers_numpy
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
)

ROOT = Path(__file__).parents[2]
DOCS = runpy.run_path(str(ROOT / "docs" / "make_siblings.py"))


def test_the_page_is_what_the_files_say():
    stale = "stale: python docs/make_siblings.py"
    assert (ROOT / "docs" / "siblings.html").read_text("utf-8") == DOCS["page"](), stale


def test_the_command_tells_whether_the_page_is_stale():
    command = [sys.executable, str(ROOT / "docs" / "make_siblings.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_stands_alone_and_shows_every_engine_in_every_section():
    page = DOCS["page"]()
    assert not re.search(r"""(src|href)=["'](?!#)|@import|url\(""", page)
    for section in DOCS["SECTIONS"]:
        for engine in DOCS["ENGINES"]:
            for place in section.places(engine):
                text = DOCS["source"](engine, place)
                assert text.strip()
                assert '"""' not in text
    assert page.count('<div class="code ') == 3 * len(DOCS["SECTIONS"])


def test_the_parts_of_update_are_the_whole_of_it():
    for engine in DOCS["ENGINES"]:
        whole = DOCS["source"](engine, "optimizers:update")
        parts = [DOCS["source"](engine, f"optimizers:update:{part}") for part in ("SGD", "Adam")]
        lines = [line.strip() for part in parts for line in part.splitlines()]
        assert lines == [line.strip() for line in whole.splitlines()][-len(lines) :]
        assert lines.count("memory.step += 1") + lines.count("memory.step.assign_add(1)") <= 1
        assert "momentum" in parts[0]
        assert "epsilon" in parts[1]


def test_every_line_of_the_table_has_its_test():
    named = {row[0] for rows in DOCS["DIFFERENCES"].values() for row in rows}
    tested = {name.removeprefix("test_fact_") for name in globals() if "test_fact_" in name}
    assert named == tested


def slope(f, z):
    """Of a function of TensorFlow."""
    v = tf.Variable(z, dtype=tf.float64)
    with tf.GradientTape() as tape:
        value = f(v)
    return tape.gradient(value, v).numpy().ravel().tolist()


def torch_slope(f, z):
    v = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(f(v).sum(), v)[0].ravel().tolist()


def trained_by_keras(optimizer, slopes, start=1.0):
    p = keras.Variable(np.full(np.shape(slopes[0]), start), dtype="float64")
    for g in slopes:
        optimizer.apply([tf.constant(g)], [p])
    return p.numpy()


def trained_by_torch(make, slopes, start=1.0, rates=None):
    p = torch.full(np.shape(slopes[0]), start, dtype=torch.float64, requires_grad=True)
    optimizer = make([p])
    for i, g in enumerate(slopes):
        if rates:
            optimizer.param_groups[0]["lr"] = rates[i]
        p.grad = torch.tensor(g)
        optimizer.step()
    return p.detach().numpy()


def trained_here(optimizer, slopes, start=1.0, rates=None):
    theta = (np.full(np.shape(slopes[0]), start),)
    memory = optimizers_numpy.start(optimizer, theta)
    for i, g in enumerate(slopes):
        rate = rates[i] if rates else optimizer.learning_rate
        optimizers_numpy.update(optimizer, theta, (np.asarray(g),), memory, rate)
    return theta[0]


# numbers


def test_fact_a_number_of_python():
    assert torch.tensor(1.0).dtype == torch.float32
    assert tf.constant(1.0).dtype == tf.float32
    assert torch.tensor(np.ones(1)).dtype == torch.float64
    assert tf.constant(np.ones(1)).dtype == tf.float64


def test_fact_mixed_dtypes():
    single, double = torch.ones(1, 1), torch.ones(1, 1, dtype=torch.float64)
    assert (single * double).dtype == torch.float64
    with pytest.raises(RuntimeError, match="same dtype"):
        single @ double
    for product in (tf.multiply, tf.matmul):
        with pytest.raises(tf.errors.InvalidArgumentError, match="double"):
            product(tf.ones((1, 1)), tf.ones((1, 1), tf.float64))


def test_fact_layers_given_float64():
    with pytest.raises(RuntimeError, match="same dtype"):
        torch.nn.Linear(1, 1)(torch.ones(1, 1, dtype=torch.float64))
    assert keras.layers.Dense(1)(np.ones((1, 1))).dtype == tf.float32


def test_fact_casting_a_number():
    for rounded in (torch.tensor(0.1).double(), tf.cast(0.1, tf.float64)):
        assert_allclose(float(rounded), 0.10000000149, rtol=1e-11)
    for exact in (torch.tensor(0.1, dtype=torch.float64), tf.constant(0.1, tf.float64)):
        assert float(exact) == 0.1


def test_fact_numbers_in_a_graph():
    for number, traces in ((float, 3), (tf.constant, 1)):
        graph = tf.function(lambda x, rate: x * rate)
        for rate in (0.1, 0.2, 0.3):
            graph(tf.constant(1.0), number(rate))
        assert graph.experimental_get_tracing_count() == traces


def test_fact_gradients_add_up():
    p = torch.ones(1, requires_grad=True)
    for expected in (3, 6):
        (3 * p).sum().backward()
        assert p.grad == expected
    for _ in range(2):
        assert torch_slope(lambda z: 3 * z, [1.0]) == [3]
        assert slope(lambda z: 3 * z, [1.0]) == [3]


# parameters


def test_fact_layout_of_dense_layers():
    layer = keras.layers.Dense(3)
    layer.build((None, 2))
    assert tuple(layer.kernel.shape) == (2, 3)
    assert torch.nn.Linear(2, 3).weight.shape == (3, 2)


def test_fact_layout_of_convolutions():
    layer = keras.layers.Conv2D(5, (3, 4))
    layer.build((None, 8, 9, 2))  # (n, height, width, channels)
    assert tuple(layer.kernel.shape) == (3, 4, 2, 5)
    theirs = torch.nn.Conv2d(2, 5, (3, 4))
    assert theirs.weight.shape == (5, 2, 3, 4)
    assert theirs(torch.zeros(1, 2, 8, 9)).shape == (1, 5, 6, 6)


def test_fact_first_parameters():
    n_in, n_out = 400, 300
    theirs, layer = torch.nn.Linear(n_in, n_out), keras.layers.Dense(n_out)
    layer.build((None, n_in))
    # the largest of 120,000 and of 300 uniform numbers
    assert_allclose(theirs.weight.abs().max().item(), 1 / np.sqrt(n_in), rtol=1e-3)
    assert_allclose(theirs.bias.abs().max().item(), 1 / np.sqrt(n_in), rtol=0.1)
    assert_allclose(np.abs(layer.kernel.numpy()).max(), np.sqrt(6 / (n_in + n_out)), rtol=1e-3)
    assert_array_equal(layer.bias.numpy(), 0)


# optimizers


def test_fact_dtype_of_the_learning_rate():
    slopes = np.random.default_rng(0).normal(size=(20, 4))
    assert keras.optimizers.SGD(0.1).learning_rate.dtype == "float32"
    assert_allclose(float(np.float32(0.1)) / 0.1 - 1, 1.5e-8, rtol=0.01)
    for rate, low, high in ((0.1, 1e-10, 1e-7), (0.125, 0, 1e-14)):
        got = trained_by_keras(keras.optimizers.SGD(rate), slopes)
        exact = trained_here(SGD(rate), slopes)
        assert low <= np.abs(got - exact).max() <= high
        theirs = trained_by_torch(lambda p, rate=rate: torch.optim.SGD(p, lr=rate), slopes)
        assert_allclose(theirs, exact, rtol=1e-14)


def test_fact_default_learning_rates():
    assert torch.optim.SGD([torch.zeros(1)]).defaults["lr"] == 0.001
    assert_allclose(float(keras.optimizers.SGD().learning_rate), 0.01)
    assert SGD().learning_rate == 0.01


def test_fact_default_epsilon():
    assert torch.optim.Adam([torch.zeros(1)]).defaults["eps"] == Adam().epsilon == 1e-8
    assert keras.optimizers.Adam().epsilon == 1e-7


def test_fact_place_of_epsilon():
    # step 1 with g = epsilon: sqrt(s') = g, but sqrt(s) = g sqrt(1 - beta2) = g / 32
    g, rate = [np.array([1e-4])], 0.125
    expected = -rate * 1e-4 / (1e-4 + 1e-4)
    theirs = trained_by_torch(lambda p: torch.optim.Adam(p, lr=rate, eps=1e-4), g, 0.0)
    assert_allclose(theirs, [expected], rtol=1e-12)
    assert_allclose(trained_here(Adam(rate, epsilon=1e-4), g, 0.0), [expected], rtol=1e-12)
    weight = 1 / np.sqrt(1 - 0.999)
    assert_allclose(weight, 32, rtol=0.02)
    theirs = trained_by_keras(keras.optimizers.Adam(rate, epsilon=1e-4), g, 0.0)
    assert_allclose(theirs, [-rate / (1 + weight)], rtol=1e-4)  # its constants are float32


def test_fact_velocity_and_rate():
    slopes, rates = [np.ones(1)] * 2, [0.125, 0.25]
    today, of_their_day = 0.125 + 0.25 * 1.5, 0.125 + (0.5 * 0.125 + 0.25)
    theirs = trained_by_torch(lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.5), slopes, 0, rates)
    assert_allclose(theirs, [-today], rtol=1e-14)
    assert_allclose(trained_here(SGD(0.0, 0.5), slopes, 0.0, rates), [-of_their_day], rtol=1e-14)
    optimizer, p = keras.optimizers.SGD(0.125, momentum=0.5), keras.Variable(np.zeros(1))
    for rate in rates:
        optimizer.learning_rate = rate
        optimizer.apply([tf.ones(1)], [p])
    assert_allclose(p.numpy(), [-of_their_day], rtol=1e-6)


def test_fact_weight_decay_of_adam():
    # gradient zero: decoupled decay takes the share 0.5 * 0.5; as a part of the gradient it becomes
    # the only one, and a first step of Adam has the length of the rate
    zero, options = [np.zeros(1)], {"lr": 0.5, "weight_decay": 0.5}
    assert_allclose(trained_by_torch(lambda p: torch.optim.Adam(p, **options), zero), 0.5)
    assert_allclose(trained_by_torch(lambda p: torch.optim.AdamW(p, **options), zero), 0.75)
    for kind in (keras.optimizers.Adam, keras.optimizers.AdamW):
        assert_allclose(trained_by_keras(kind(0.5, weight_decay=0.5), zero), 0.75)
    assert_allclose(trained_here(Adam(0.5, weight_decay=0.5), [np.zeros((1, 1))]), 0.75)


def test_fact_default_weight_decay():
    assert torch.optim.AdamW([torch.zeros(1)]).defaults["weight_decay"] == 0.01
    assert keras.optimizers.AdamW().weight_decay == 0.004
    assert Adam().weight_decay == 0
    zero = [np.zeros(1)]  # an intercept
    options = {"lr": 0.5, "weight_decay": 0.5}
    assert trained_by_torch(lambda p: torch.optim.AdamW(p, **options), zero) < 1
    assert trained_by_keras(keras.optimizers.AdamW(0.5, weight_decay=0.5), zero) < 1
    assert trained_here(Adam(0.5, weight_decay=0.5), zero) == 1


# losses


def test_fact_squared_error():
    y, y_hat = np.zeros((2, 2)), np.array([[1.0, 2.0], [3.0, 4.0]])
    assert F.mse_loss(torch.tensor(y_hat), torch.tensor(y)) == 30 / 4
    assert float(keras.losses.MeanSquaredError()(y, y_hat)) == 30 / 4


def test_fact_strength_of_l2():
    assert float(keras.regularizers.L2(0.5)(tf.constant([[2.0]]))) == 0.5 * 2**2
    assert slope(lambda W: keras.regularizers.L2(0.5)(W), [[2.0]]) == [2 * 0.5 * 2]
    zero = [np.zeros(1)]
    p = trained_by_torch(lambda p: torch.optim.SGD(p, lr=1.0, weight_decay=0.5), zero, 2.0)
    assert p == 2 - 0.5 * 2


def test_fact_weighted_means():
    z, y, w = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([0, 1]), np.array([3.0, 1.0])
    each = np.array([np.log(1 + np.exp(-1)), np.log(2)])
    theirs = F.cross_entropy(torch.tensor(z), torch.tensor(y), weight=torch.tensor(w))
    assert_allclose(theirs.item(), (w * each).sum() / w.sum(), rtol=1e-14)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert_allclose(float(loss(y, z, sample_weight=w)), (w * each).sum() / 2, rtol=1e-6)


def test_fact_shapes_of_targets():
    column, row = np.array([[1.0], [2.0]]), np.array([1.0, 2.0])
    with pytest.warns(UserWarning, match="Using a target size"):
        assert F.mse_loss(torch.tensor(column), torch.tensor(row)) == 0.5
    with pytest.raises(ValueError, match="must be the same as input size"):
        F.binary_cross_entropy_with_logits(torch.tensor(column), torch.tensor(row))
    assert float(keras.losses.MeanSquaredError()(row, column)) == 0
    assert float(tf.reduce_mean((tf.constant(column) - tf.constant(row)) ** 2)) == 0.5


def test_fact_labels():
    z = torch.zeros(2, 3)
    F.cross_entropy(z, torch.tensor([0, 1]))
    with pytest.raises(RuntimeError, match="Long"):
        F.cross_entropy(z, torch.tensor([0, 1], dtype=torch.int32))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for dtype in (np.int16, np.int64, np.float64):
        assert_allclose(float(loss(np.array([0, 1], dtype), np.zeros((2, 3)))), np.log(3))


def test_fact_probability_zero():
    p = torch.tensor([[0.0, 1.0]])
    assert F.nll_loss(p.log(), torch.tensor([0])) == np.inf
    assert F.binary_cross_entropy(torch.zeros(1), torch.ones(1)) == 100
    found = keras.losses.SparseCategoricalCrossentropy()(np.array([0]), p.numpy())
    assert_allclose(float(found), -np.log(1e-7), rtol=1e-6)
    found = keras.losses.BinaryCrossentropy()(np.ones(1), np.zeros(1))
    assert_allclose(float(found), 16.1, rtol=2e-3)


# layers


def test_fact_corner_of_relu():
    for f, expected in (
        (torch.relu, 0),
        (lambda z: torch.clamp(z, min=0), 1),
        (lambda z: torch.maximum(z, torch.zeros_like(z)), 0.5),
    ):
        assert torch_slope(f, [0.0]) == [expected]
    assert slope(tf.nn.relu, [0.0]) == slope(keras.activations.relu, [0.0]) == [0]
    assert slope(lambda z: tf.maximum(z, tf.zeros_like(z)), [0.0]) == [1]


def test_fact_equal_maxima():
    ones = [1.0] * 4
    first, shares = [1, 0, 0, 0], [0.25] * 4
    assert torch_slope(lambda z: F.max_pool2d(z.reshape(1, 1, 2, 2), 2), ones) == first
    assert torch_slope(lambda z: z.amax(), ones) == torch_slope(lambda z: z.max(), ones) == shares
    pooled = slope(lambda z: tf.nn.max_pool2d(tf.reshape(z, (1, 2, 2, 1)), 2, 2, "VALID"), ones)
    assert pooled == first
    assert slope(tf.reduce_max, ones) == shares


def test_fact_same_padding_with_stride():
    x, w = np.arange(1, 5.0), np.array([1.0, 10, 100])
    theirs = tf.nn.conv1d(x.reshape(1, 4, 1), w.reshape(3, 1, 1), 2, "SAME").numpy()
    assert_array_equal(theirs.ravel(), [321, 43])  # 1 2 3, 3 4 0
    X, W = torch.tensor(x).reshape(1, 1, 4), torch.tensor(w).reshape(1, 1, 3)
    assert F.conv1d(X, W, stride=2, padding=1).ravel().tolist() == [210, 432]  # 0 1 2, 2 3 4
    with pytest.raises(RuntimeError, match="not supported for strided"):
        F.conv1d(X, W, stride=2, padding="same")


def test_fact_batch_normalisation():
    theirs, layer = torch.nn.BatchNorm1d(1), keras.layers.BatchNormalization()
    assert (theirs.momentum, theirs.eps) == (0.1, 1e-5)
    assert (layer.momentum, layer.epsilon) == (0.99, 1e-3)
    x = np.array([[0.0], [2.0]], np.float32)  # mean 1, in front of which stands 0
    theirs(torch.tensor(x))
    layer(x, training=True)
    assert_allclose(theirs.running_mean.numpy(), 0.1)
    assert_allclose(layer.moving_mean.numpy(), 1 - 0.99, rtol=1e-5)


def test_fact_running_variance():
    # of 0 and 2 the biased variance is 1, the unbiased 2; both stand in front of a 1
    x = np.array([[0.0], [2.0]], np.float32)
    theirs = torch.nn.BatchNorm1d(1, momentum=0.5)
    layer = keras.layers.BatchNormalization(momentum=0.5)
    theirs(torch.tensor(x))
    layer(x, training=True)
    assert theirs.running_var.item() == 1.5
    assert layer.moving_variance.numpy() == 1


def test_fact_layer_normalisation():
    assert torch.nn.LayerNorm(1).eps == 1e-5
    assert keras.layers.LayerNormalization().epsilon == 1e-3


def test_fact_leaky_relu():
    assert_allclose(F.leaky_relu(torch.tensor(-1.0)).item(), -0.01, rtol=1e-6)
    assert_allclose(keras.layers.LeakyReLU()(np.array([-1.0], np.float32)).numpy(), -0.3)
    assert_allclose(tf.nn.leaky_relu(-1.0).numpy(), -0.2)
