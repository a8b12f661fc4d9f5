"""What a spec accepts, and that everything random comes from the generator passed in."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.nonlinear.spec import (
    ModelSpec,
    disturbances,
    initial_parameters,
    inputs_of,
    n_parameters,
    shapes_of,
    targets_of,
    weights_of,
)
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
    Minibatches,
    learning_rates,
    minibatches,
)

CLASSES = ModelSpec((2, 3), ("softmax",), "categorical_cross_entropy")
BINARY = ModelSpec((2, 1), ("sigmoid",), "binary_cross_entropy")
NUMBERS = ModelSpec((2, 2), ("linear",), "squared_error")


def test_number_of_parameters_is_that_of_the_arrays():
    spec = ModelSpec((7, 5, 3), ("tanh", "softmax"), "categorical_cross_entropy")
    theta = initial_parameters(spec, np.random.default_rng(0))
    assert n_parameters(spec) == sum(p.size for p in theta) == 58
    assert shapes_of(spec) == [p.shape for p in theta]


@pytest.mark.parametrize(
    ("widths", "activations", "loss", "match"),
    [
        ((3,), (), "squared_error", "widths is"),
        ((3, 0), ("linear",), "squared_error", r"a width of .* is 0"),
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


@pytest.mark.parametrize("name", ["l1", "l2", "noise", "dropout"])
def test_penalties_noise_and_dropout_are_not_negative(name):
    with pytest.raises(InputError, match=f"{name} is -0.1; expected 0 to "):
        ModelSpec((3, 2), ("linear",), "squared_error", **{name: -0.1})


def test_dropout_of_everything_is_refused():
    with pytest.raises(InputError, match=r"dropout is 1; expected 0 to 0\.99"):
        ModelSpec((3, 2), ("linear",), "squared_error", dropout=1.0)


def test_inputs_keep_their_dtype_and_must_fit_the_first_layer():
    assert inputs_of(NUMBERS, np.ones((3, 2), dtype=np.float32)).dtype == np.float32
    assert inputs_of(NUMBERS, [[1, 2]]).dtype == np.float64
    with pytest.raises(InputError, match="X has 3 columns; expected 2"):
        inputs_of(NUMBERS, np.ones((4, 3)))
    with pytest.raises(InputError, match="X contains NaN or infinity"):
        inputs_of(NUMBERS, [[np.nan, 0.0]])


def test_targets_become_codes_or_a_matrix_of_the_dtype_of_X():
    assert_array_equal(targets_of(CLASSES, [2, 0], 2, np.float64), [2, 0])
    column = targets_of(BINARY, [0, 1], 2, np.float32)
    assert column.shape == (2, 1)
    assert column.dtype == np.float32
    assert_array_equal(targets_of(BINARY, [[0.25]], 1, np.float64), [[0.25]])  # smoothed targets


@pytest.mark.parametrize(
    ("spec", "y", "match"),
    [
        (CLASSES, [0, 3], "y has shape .* expected .2,. integer codes 0 to 2"),
        (CLASSES, [-1, 0], "integer codes 0 to 2"),
        (
            CLASSES,
            [0.0, 1.0],
            "dtype float64 and values from 0.0 to 1.0; expected .* integer codes",
        ),
        (CLASSES, [0], "y has shape .1,.* expected .2,."),
        (BINARY, [-1, 1], "y reaches from -1 to 1; expected 0 to 1 .* labels -1 and 1"),
        (BINARY, [0, 1.001], "y reaches from 0 to 1.001"),
        (NUMBERS, [1.0, 2.0], "y has shape .2,.; expected .2, 2., a row for each of X"),
        (NUMBERS, [[1.0, np.nan]] * 2, "y contains NaN or infinity"),
    ],
)
def test_targets_that_do_not_fit_are_refused(spec, y, match):
    with pytest.raises(InputError, match=match):
        targets_of(spec, y, 2, np.float64)


def test_no_observations_are_refused():
    with pytest.raises(InputError, match="X has no rows"):
        targets_of(NUMBERS, np.empty((0, 2)), 0, np.float64)


def test_weights_of_observations_have_mean_one_whatever_their_scale():
    assert weights_of(None, 3, np.float64) is None
    assert_allclose(weights_of([1, 2, 3], 3, np.float64), [0.5, 1, 1.5])
    assert_array_equal(weights_of([7, 7], 2, np.float64), [1, 1])
    assert weights_of([0, 1e-30], 2, np.float32).dtype == np.float32
    assert_allclose(weights_of([0, 1e-30], 2, np.float32), [0, 2])


@pytest.mark.parametrize("weights", [[1, -1e-9], [1, np.inf], [0, 0], [1], [[1], [1]]])
def test_weights_that_can_not_be_are_refused(weights):
    with pytest.raises(InputError, match=r"sample_weight has shape .* not all zero"):
        weights_of(weights, 2, np.float64)


def test_noise_has_its_deviation_and_dropout_leaves_the_mean_of_a_unit_as_it_is():
    spec = ModelSpec((50, 40, 1), ("relu", "linear"), "squared_error", noise=2.0, dropout=0.3)
    noise, (mask,) = disturbances(spec, 4000, np.random.default_rng(0), np.float64)
    assert noise.shape == (4000, 50)
    assert mask.shape == (4000, 40)
    assert_allclose(noise.std(), 2, rtol=0.01)  # 200,000 draws: standard error 0.16 %
    assert_allclose(mask.mean(), 1, atol=0.01)  # 160,000 draws: standard error 0.0016
    assert_allclose(np.unique(mask), [0, 1 / 0.7], rtol=1e-6)


def test_disturbances_do_not_depend_on_the_dtype_and_come_only_when_asked_for():
    spec = ModelSpec((3, 4, 1), ("relu", "linear"), "squared_error", noise=0.5, dropout=0.5)
    double = disturbances(spec, 6, np.random.default_rng(0), np.float64)
    single = disturbances(spec, 6, np.random.default_rng(0), np.float32)
    assert_allclose(double[0], single[0], rtol=1e-6)
    assert_array_equal(double[1][0], single[1][0])
    assert single[0].dtype == single[1][0].dtype == np.float32
    assert disturbances(NUMBERS, 6, None, np.float64) == (None, ())
    with pytest.raises(InputError, match="rng is None; expected a Generator"):
        disturbances(spec, 6, None, np.float64)


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
    with pytest.raises(InputError, match="n_observations is 0; expected an integer"):
        minibatches(0, 4, 1, np.random.default_rng(0))


def test_minibatches_are_a_sequence_of_arrays_whatever_they_were_made_of():
    rows = [np.array([3, 1]), np.array([0, 0, 1]), np.array([2])]
    batches = Minibatches.of(rows, 4)
    assert len(batches) == 3
    for found in (list(batches), batches[:], [batches[i] for i in (-3, -2, -1)]):
        for batch, expected in zip(found, rows, strict=True):
            assert_array_equal(batch, expected)
            assert batch.dtype == np.intp
    assert [batch.tolist() for batch in batches[::-2]] == [[2], [3, 1]]
    assert Minibatches.of(batches, 4) is batches
    assert len(Minibatches.of([], 4)) == 0
    with pytest.raises(IndexError):
        batches[3]


def test_learning_rates_stay_fall_to_zero_or_are_given():
    assert_allclose(learning_rates(Adam(0.1), 3), 0.1)
    assert_array_equal(learning_rates(SGD((0.1, 0.3)), 2), [0.1, 0.3])
    with pytest.raises(InputError, match="learning_rate has 2 entries; expected 3, one a step"):
        learning_rates(Adam((0.1, 0.3)), 3)
    rates = learning_rates(SGD(1.0, schedule="cosine"), 1000)
    assert rates[0] == 1
    assert_allclose(rates[500], 0.5)
    assert rates[-1] < 1e-5


@pytest.mark.parametrize(
    ("order", "ends", "message"),
    [
        (np.arange(6), [4, 2, 6], "steps of -2 to 4 rows"),
        (np.arange(6), [4, 4_000_000], "4000000 in all, and order 6"),
        (np.arange(6), [-3, 4], "is a minibatch empty"),
        (np.arange(6), [0, 4], "is a minibatch empty"),
        (np.arange(6), [2.0, 4.0], "ends has shape .* float64; expected a row of integers"),
        (np.arange(6) > 2, [6], "is it a mask"),
    ],
)
def test_minibatches_that_are_none_are_refused(order, ends, message):
    with pytest.raises(InputError, match=message):
        Minibatches(order, ends)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([np.array([0, 9])], "batches hold rows 0 to 9; expected 0 to 8, the rows of X"),
        ([np.array([-1])], "batches hold rows -1 to -1"),
        ([np.array([0]), np.array([], int)], "is a minibatch empty"),
        ([np.arange(9) > 5], "minibatch 0 has .* bool; expected a row of integers"),
        ([np.array([1.7])], "float64; expected a row of integers"),
    ],
)
def test_rows_that_x_does_not_have_are_refused(batches, message):
    with pytest.raises(InputError, match=message):
        Minibatches.of(batches, 9)


def test_a_part_of_the_minibatches_holds_the_same_rows():
    batches = minibatches(10, 4, 3, np.random.default_rng(0))
    part = batches[3:6]
    assert isinstance(part, Minibatches)
    assert [b.tolist() for b in part] == [b.tolist() for b in list(batches)[3:6]]
    assert [b.tolist() for b in batches[-1:]] == [batches[-1].tolist()]
    assert sorted(np.concatenate(list(part))) == list(range(10))


@pytest.mark.parametrize("size", [16.9, "all", 0, True])
def test_sizes_are_whole_numbers(size):
    with pytest.raises(InputError, match=r"batch_size is .*; expected an integer of at least 1"):
        minibatches(50, size, 1, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-1.0), "learning_rate is -1.0; expected a finite number >= 0"),
        (lambda: SGD("adaptive"), "is this the name of a schedule"),
        (lambda: SGD((0.1, np.nan)), "learning_rate is"),
        (lambda: SGD(momentum=1.0), "momentum is 1.0; expected 0 to below 1"),
        (lambda: SGD(schedule="cosin"), "did you mean 'cosine'"),
        (lambda: Adam(beta1=1.0), "beta1 is 1.0"),
        (lambda: Adam(beta2=-0.1), "beta2 is -0.1"),
        (lambda: Adam(epsilon=-1e-8), "epsilon is -1e-08"),
        (lambda: Adam(weight_decay=-1.0), "weight_decay is -1"),
        (lambda: Adam(schedule="linear"), "schedule is 'linear'"),
        (lambda: ModelSpec((2, 8.5), ("linear",), "squared_error"), "a width of .* is 8.5"),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
