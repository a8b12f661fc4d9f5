"""What a spec accepts, and that everything random comes from the generator passed in."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.nonlinear.spec import (
    SGD,
    Adam,
    ModelSpec,
    initial_parameters,
    learning_rates,
    minibatches,
    n_parameters,
)


def test_number_of_parameters_is_that_of_the_arrays():
    spec = ModelSpec((7, 5, 3), ("tanh", "softmax"), "categorical_cross_entropy")
    theta = initial_parameters(spec, np.random.default_rng(0))
    assert n_parameters(spec) == sum(p.size for p in theta) == 58


@pytest.mark.parametrize(
    ("widths", "activations", "loss", "match"),
    [
        ((3,), (), "squared_error", "widths is"),
        ((3, 0), ("linear",), "squared_error", "widths is"),
        ((3, 2), ("tanh", "linear"), "squared_error", "activations has 2 entries; expected 1"),
        ((3, 2), ("relo",), "squared_error", "did you mean 'relu'"),
        ((3, 2, 1), ("softmax", "linear"), "squared_error", "softmax stands in a hidden layer"),
        ((3, 2), ("linear",), "categorical_cross_entropy", "expected one of softmax"),
        ((3, 2), ("linear",), "cross_entropy", "loss is 'cross_entropy'"),
    ],
)
def test_a_spec_that_can_not_be_is_refused(widths, activations, loss, match):
    with pytest.raises(InputError, match=match):
        ModelSpec(widths, activations, loss)


def test_initial_parameters_keep_the_variance_and_do_not_depend_on_the_dtype():
    spec = ModelSpec((400, 300, 200), ("relu", "linear"), "squared_error")
    double = initial_parameters(spec, np.random.default_rng(1))
    single = initial_parameters(spec, np.random.default_rng(1), dtype=np.float32)
    assert_allclose(double[0].var(), 2 / 400, rtol=0.02)  # He; 120,000 draws: 0.3 % standard error
    assert_allclose(double[2].var(), 2 / 500, rtol=0.02)  # Glorot
    for p, q in zip(double, single, strict=True):
        assert q.dtype == np.float32
        assert_array_equal(p.astype(np.float32), q)


def test_every_epoch_visits_every_observation_once_in_a_new_order():
    batches = minibatches(10, 4, 2, np.random.default_rng(0))
    first, second = np.concatenate(batches[:3]), np.concatenate(batches[3:])
    assert_array_equal(np.sort(first), np.arange(10))
    assert_array_equal(np.sort(second), np.arange(10))
    assert not np.array_equal(first, second)
    assert [len(batch) for batch in minibatches(1, 64, 1, np.random.default_rng(0))] == [1]
    with pytest.raises(InputError, match="expected each to be at least 1"):
        minibatches(0, 4, 1, np.random.default_rng(0))


def test_learning_rates_stay_or_fall_to_zero():
    assert_allclose(learning_rates(Adam(0.1), 3), 0.1)
    rates = learning_rates(SGD(1.0, schedule="cosine"), 1000)
    assert rates[0] == 1
    assert_allclose(rates[500], 0.5)
    assert rates[-1] < 1e-5
