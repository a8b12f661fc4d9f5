"""Specs of convolutional networks: shapes, first parameters, what is drawn, what is folded."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import InputError
from ddasp.nonlinear import cnn_layers_numpy as engine
from ddasp.nonlinear import cnn_numpy
from ddasp.nonlinear.cnn_data import (
    Augmentation,
    augment,
    disturbed,
    maps_of,
    probabilities_of,
)
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
    initial_state,
    n_parameters,
    parameter_shapes,
    shapes,
)
from ddasp.nonlinear.map_layers import fold

HEAD = (Flatten(), Dense(2))


def spec_of(*layers, input_shape=(1, 8, 8), loss="squared_error", **options):
    return CNNSpec(input_shape, (*layers, *HEAD), loss, **options)


# ---- shapes


def test_a_window_of_3_with_stride_2_and_padding_1_finds_4_places_on_7_samples():
    spec = spec_of(Convolution(5, (3,), (2,), (1,)), input_shape=(2, 7))
    assert shapes(spec) == ((5, 4), (20,), (2,))
    assert parameter_shapes(spec) == [(5, 2, 3), (5,), (20, 2), (2,)]
    assert n_parameters(spec) == 30 + 5 + 40 + 2


def test_what_is_left_over_at_the_end_of_a_side_is_not_pooled():
    assert shapes(spec_of(Pool("max", (2, 3))))[0] == (1, 4, 2)
    assert shapes(spec_of(Pool("mean", (3, 3), (1, 2))))[0] == (1, 6, 3)


@pytest.mark.parametrize("input_shape", [(1, 1), (3, 1, 1), (1, 2, 1), (2, 5), (1, 9, 7)])
@pytest.mark.parametrize("channels", [(), (4,), (4, 6, 8)])
def test_the_standard_classifier_fits_every_map(input_shape, channels):
    spec = classifier(input_shape, channels, 3, dropout=0.5)
    logits = cnn_numpy.logits(
        cnn_numpy.build(spec, initial_parameters(spec, np.random.default_rng(0))),
        np.ones((2, *input_shape)),
    )
    assert logits.shape == (2, 3)


def test_the_standard_classifier_halves_each_side_until_it_is_used_up():
    spec = classifier((1, 8, 2), (4, 4), 3)
    assert [layer.size for layer in spec.layers if isinstance(layer, Pool)] == [(2, 2), (2, 1)]
    assert shapes(spec)[-3] == (8,)  # 4 maps of 2 x 1


def test_batch_normalisation_stands_in_for_the_bias():
    with_norm, without = (classifier((1, 8), (4,), 2, batch_norm=b) for b in (True, False))
    assert parameter_shapes(with_norm) == [(4, 1, 3), (4,), (4,), (16, 2), (2,)]
    assert parameter_shapes(without) == [(4, 1, 3), (4,), (16, 2), (2,)]


# ---- what does not fit


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((Convolution(1, (9, 3)),), r"layers\[0\], Convolution, has a window of size \(9, 3\), but "
         r"the maps before it are \(8, 8\) with padding; expected a smaller window"),
        ((Pool("max", (2, 2)),) * 4, r"layers\[3\], Pool, has a window of size \(2, 2\)"),
        ((Convolution(1, (3,)),), r"on an input of shape \(1, 8, 8\); expected one number for"),
        ((Flatten(), Pool("max", (2,))), r"layers\[1\], Pool, .* input of shape \(64,\)"),
        ((Dense(3),), r"layers\[0\], Dense, stands on maps \(1, 8, 8\); expected Flatten\(\)"),
    ],
)  # fmt: skip
def test_a_layer_that_does_not_fit_is_named(layers, said):
    with pytest.raises(InputError, match=said):
        spec_of(*layers)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Convolution(0, (3,)), r"n_maps is \(0,\); expected 1 integers >= 1"),
        (lambda: Convolution(1, (3, 0)), r"size is \(3, 0\); expected 2 integers >= 1"),
        (lambda: Convolution(1, ()), r"size is \(\); expected 1 integers"),
        (lambda: Convolution(1, (3,), (1, 1)), r"stride is \(1, 1\); expected 1 integers >= 1"),
        (lambda: Convolution(1, (3,), (1,), (-1,)), r"padding is \(-1,\); expected 1 .* >= 0"),
        (lambda: Pool("mean", (2,), (0,)), r"stride is \(0,\)"),
        (lambda: Pool("median", (2,)), "kind of pooling is 'median'; expected one of max, mean"),
        (lambda: Activation("rely"), "did you mean 'relu'"),
        (lambda: Dropout(1.0), "p is 1; expected 0 to 0.99"),
        (lambda: BatchNorm(epsilon=0.0), "epsilon is 0; .* a constant map has variance 0"),
        (lambda: BatchNorm(momentum=1.5), "momentum is 1.5; expected 0 to 1"),
        (lambda: Dense(0), r"n_units is \(0,\)"),
        (lambda: spec_of(input_shape=(8,)), r"input_shape is \(8,\); .* Begin with 1"),
        (lambda: spec_of(loss="hinge"), "loss is 'hinge'"),
        (lambda: spec_of(l1=-1), "l1 is -1"),
        (lambda: spec_of(l2=-1), "l2 is -1"),
        (lambda: spec_of(smoothing=0.1), "smoothing stands beside squared_error"),
        (lambda: CNNSpec((1, 4), (Flatten(),), "squared_error"), "nothing to train"),
        (lambda: CNNSpec((1, 4), (Convolution(1, (2,)),), "squared_error"),
         r"the last layer gives maps \(1, 3\); expected one row"),
        (lambda: Augmentation(shift=2), "shift is 2; expected 0 to 1"),
        (lambda: Augmentation(mask=-1), "mask is -1; expected 0 to 1"),
    ],
)  # fmt: skip
def test_what_a_spec_cannot_be_is_said(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_maps_of_another_shape_are_named():
    spec = spec_of()
    with pytest.raises(InputError, match=r"X has shape \(3, 8, 8\); expected \(n_observations, 1"):
        maps_of(spec, np.zeros((3, 8, 8)))
    with pytest.raises(InputError, match="X contains NaN"):
        maps_of(spec, np.full((1, 1, 8, 8), np.nan))
    assert maps_of(spec, np.zeros((3, 1, 8, 8), dtype=int)).dtype == np.float64
    assert maps_of(spec, np.zeros((0, 1, 8, 8), np.float32)).dtype == np.float32


def test_parameters_of_another_shape_are_named():
    spec = spec_of(Convolution(2, (3, 3), bias=False), BatchNorm())
    theta, state = initial_parameters(spec, np.random.default_rng(0)), initial_state(spec)
    with pytest.raises(InputError, match=r"theta has shapes \[\]; expected \[\(2, 1, 3, 3\)"):
        cnn_numpy.build(spec, (), state)
    with pytest.raises(InputError, match=r"state has shapes \[\(2,\)\]; expected \[\(2,\), \(2,\)"):
        cnn_numpy.build(spec, theta, state[:1])


# ---- first parameters


def test_first_parameters_are_the_same_draws_for_both_dtypes():
    spec = classifier((1, 9, 7), (4, 6), 3)
    double, single = (
        initial_parameters(spec, np.random.default_rng(1), dtype=d) for d in (float, np.float32)
    )
    assert [p.shape for p in double] == parameter_shapes(spec)
    for d, s in zip(double, single, strict=True):
        assert_array_equal(d.astype(np.float32), s)


def test_he_in_front_of_relu_and_glorot_elsewhere():
    relu = (BatchNorm(), Pool("max", (2, 2)), Activation("relu"))
    spec = CNNSpec(
        (3, 40, 40), (Convolution(50, (3, 3)), *relu, Flatten(), Dense(40)), "squared_error"
    )
    W, b, gamma, beta, V, c = initial_parameters(spec, np.random.default_rng(0))
    # many draws come within 1 % of the limit
    assert_allclose(np.abs(W).max(), np.sqrt(6 / 27), rtol=0.01)
    assert_allclose(np.abs(V).max(), np.sqrt(6 / (len(V) + 40)), rtol=0.01)
    assert_array_equal(gamma, 1)
    assert not np.any([b.any(), beta.any(), c.any()])
    dense = CNNSpec((90, 1), (Flatten(), Dense(10), Activation("relu"), Dense(1)), "squared_error")
    W = initial_parameters(dense, np.random.default_rng(0))[0]
    assert_allclose(np.abs(W).max(), np.sqrt(6 / 90), rtol=0.01)
    glorot = replace(spec, layers=(Convolution(50, (3, 3)), Activation("tanh"), *spec.layers[4:]))
    W = initial_parameters(glorot, np.random.default_rng(0))[0]
    assert_allclose(np.abs(W).max(), np.sqrt(6 / (9 * 53)), rtol=0.01)


def test_the_signal_neither_dies_nor_explodes_through_ten_layers_of_relu():
    layers = (Convolution(32, (3, 3), (), (1, 1)), Activation("relu")) * 10
    spec = spec_of(*layers, input_shape=(32, 12, 12))
    theta = initial_parameters(spec, np.random.default_rng(0))
    X = np.random.default_rng(1).normal(size=(8, 32, 12, 12))
    last = cnn_numpy._forward(spec, theta, (), X)[0][-3]
    # zeros around the maps take a little at every layer; Glorot's limit would leave 2^-10 = 0.001
    assert 0.1 < np.sqrt((last**2).mean()) < 3


# ---- targets and draws


def test_smoothed_targets_are_probabilities():
    spec = classifier((1, 4), (), 4, smoothing=0.2)
    P = probabilities_of(spec, [1, 3], 2, np.float32)
    assert P.dtype == np.float32
    assert_allclose(P, [[0.05, 0.85, 0.05, 0.05], [0.05, 0.05, 0.05, 0.85]], rtol=1e-6)


def test_targets_that_fit_no_loss_are_said():
    with pytest.raises(InputError, match="integer codes 0 to 1"):
        probabilities_of(classifier((1, 4), (), 2), [0, 2], 2, float)
    with pytest.raises(InputError, match=r"expected \(2, 2\), a row for each of X"):
        probabilities_of(spec_of(), [0.0, 1.0], 2, float)
    with pytest.raises(InputError, match="expected 0 to 1 for binary cross-entropy"):
        probabilities_of(spec_of(loss="binary_cross_entropy"), [[-1.0, 1.0]], 1, float)
    with pytest.raises(InputError, match="X has no rows"):
        probabilities_of(spec_of(), np.zeros((0, 2)), 0, float)


def test_dropout_masks_keep_the_mean_and_come_from_the_generator():
    spec = spec_of(Dropout(0.25), Dropout(0.0), Flatten(), Dropout(0.5))
    X = np.ones((400, 1, 8, 8), np.float32)
    A, masks = disturbed(spec, X, None, np.random.default_rng(0))
    assert A is X
    assert [m.shape for m in masks] == [(400, 1, 8, 8), (400, 64)]
    assert {m.dtype for m in masks} == {np.dtype(np.float32)}
    assert_allclose(np.unique(masks[0]), [0, 4 / 3], rtol=1e-6)
    # 25600 draws: the mean's standard deviation is sqrt(p / (1 - p) / 25600) < 0.007
    assert_allclose([m.mean() for m in masks], 1, atol=0.025)
    again = disturbed(spec, X, None, np.random.default_rng(0))[1]
    assert_array_equal(masks[0], again[0])


def test_draws_without_a_generator_are_refused():
    X = np.ones((2, 1, 8, 8))
    for spec, augmentation in ((spec_of(Dropout(0.5)), None), (spec_of(), Augmentation())):
        with pytest.raises(InputError, match="rng is None; expected a Generator"):
            disturbed(spec, X, augmentation, None)
    assert disturbed(spec_of(Dropout(0.0)), X, None, None) == (X, ())
    with pytest.raises(InputError, match="a minibatch is empty"):
        disturbed(spec_of(), X[:0], None, None)


# ---- augmentation


@pytest.mark.parametrize("sides", [(5,), (5, 6)])
def test_augmentation_of_zero_changes_nothing(sides):
    X = np.arange(2 * 3 * np.prod(sides), dtype=np.float32).reshape(2, 3, *sides)
    A = augment(X, Augmentation(), np.random.default_rng(0))
    assert_array_equal(A, X)
    assert A.dtype == np.float32
    assert A.flags.c_contiguous


def test_shifts_move_whole_frames_of_all_maps_together():
    X = np.arange(60, dtype=np.float64).reshape(1, 2, 5, 6)
    rng = np.random.default_rng(0)
    found = {tuple(augment(X, Augmentation(shift=0.2), rng)[0, :, 2, 2]) for _ in range(300)}
    assert found == {(8.0, 38.0), (14.0, 44.0), (20.0, 50.0)}


def test_the_last_frame_of_a_shifted_map_is_repeated():
    X = np.arange(10.0).reshape(1, 1, 10)
    rng = np.random.default_rng(3)
    found = {tuple(augment(X, Augmentation(shift=0.2), rng)[0, 0]) for _ in range(100)}
    expected = {tuple(np.clip(np.arange(10.0) + k, 0, 9)) for k in range(-2, 3)}
    assert found == expected


@pytest.mark.parametrize("sides", [(10,), (10, 10)])
def test_masks_silence_at_most_their_share(sides):
    X = np.ones((200, 2, *sides))
    A = augment(X, Augmentation(mask=0.3), np.random.default_rng(0))
    assert set(np.unique(A)) == {0.0, 1.0}
    silent = (A == 0).all(axis=1)  # in all maps at once
    assert_array_equal(silent, (A == 0).any(axis=1))
    frames = silent if len(sides) == 1 else silent.all(axis=2)
    assert frames.sum(axis=1).max() == 3
    assert_array_equal(X, 1)


# ---- folding


def run(layers, X):
    """What the folded layers say, with the engine's own functions (tested in test_cnn_numpy)."""
    for layer in layers:
        if layer.kind == "convolution":
            like = Convolution(len(layer.bias), layer.size, layer.stride, layer.padding)
            X = engine.convolution(like, X, layer.weights, layer.bias)[0]
        elif layer.kind == "pool":
            X = engine.pool(Pool(layer.function, layer.size, layer.stride), X)[0]
        elif layer.kind == "activation":
            X = engine.activation(Activation(layer.function), X)[0]
        elif layer.kind == "flatten":
            X = engine.flatten(X)[0]
        else:
            X = X @ layer.weights + layer.bias
    return X


ANYWHERE = [
    (BatchNorm(), Convolution(2, (2, 2)), BatchNorm(), BatchNorm(), Activation("relu")),
    (Convolution(2, (2, 3), (2, 1), (1, 0), bias=False), Dropout(0.5), BatchNorm(), Pool("mean", (2, 2))),
    (Pool("max", (2, 2), (1, 1)), BatchNorm(), Activation("linear"), Activation("tanh"), BatchNorm()),
    (Flatten(), BatchNorm(), Dense(3, bias=False), BatchNorm(), Activation("sigmoid"), BatchNorm()),
]  # fmt: skip


@pytest.mark.parametrize("layers", ANYWHERE)
def test_folded_layers_predict_what_the_network_predicts(layers):
    spec = spec_of(*layers, input_shape=(3, 6, 5))
    rng = np.random.default_rng(0)
    theta = tuple(rng.normal(size=s) for s in parameter_shapes(spec))
    state = tuple(rng.uniform(0.5, 2, size=s.shape) for s in initial_state(spec))
    model = cnn_numpy.build(spec, theta, state)
    X = rng.normal(size=(7, 3, 6, 5))
    folded = cnn_numpy.folded(model)
    assert_allclose(run(folded, X), cnn_numpy.logits(model, X), rtol=1e-10, atol=1e-10)
    single = fold(spec, tuple(p.astype(np.float32) for p in theta), state)
    assert {a.dtype for f in single for a in (f.weights, f.bias) if a is not None} == {
        np.dtype(np.float32)
    }


def test_the_standard_classifier_folds_into_convolution_relu_pool():
    spec = classifier((1, 8, 8), (4,), 2, dropout=0.5)
    theta = initial_parameters(spec, np.random.default_rng(0))
    layers = fold(spec, theta, initial_state(spec))
    assert [layer.kind for layer in layers] == [
        "convolution", "activation", "pool", "flatten", "dense"
    ]  # fmt: skip
    assert (layers[0].size, layers[0].stride, layers[0].padding) == ((3, 3), (1, 1), (1, 1))


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 4), st.integers(0, 3))
def test_the_number_of_places_is_the_number_of_windows_that_fit(n, k, s, p):
    fits = [start for start in range(0, n + 2 * p, s) if start + k <= n + 2 * p]
    if fits:
        spec = spec_of(Convolution(1, (k,), (s,), (p,)), input_shape=(1, n))
        assert shapes(spec)[0] == (1, len(fits))
