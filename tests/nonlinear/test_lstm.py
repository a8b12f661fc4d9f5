"""The LSTM layer: on paper, as a filter, against both frameworks, and its way back."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from ddasp._errors import InputError
from ddasp.nonlinear.lstm_numpy import (
    LSTMParameters,
    forward,
    gates,
    gradients,
    initial_parameters,
    n_parameters,
    step,
)

RNG = np.random.default_rng(0)
N, T, F, H = 3, 7, 5, 4
THETA = initial_parameters(F, H, RNG)
THETA = THETA._replace(b=RNG.standard_normal(4 * H))
X = RNG.standard_normal((N, T, F))


def of_torch(theta):
    layer = torch.nn.LSTM(theta.W.shape[0], len(theta.R), batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.tensor(theta.W.T))
        layer.weight_hh_l0.copy_(torch.tensor(theta.R.T))
        layer.bias_ih_l0.copy_(torch.tensor(theta.b))
        layer.bias_hh_l0.zero_()
    return layer


def test_one_step_on_paper():
    """s(ln 3) = 3/4, s(0) = 1/2, tanh(ln 2) = 3/5, s(ln 9) = 9/10: c' = 1/4 + 9/20."""
    theta = LSTMParameters(np.log([[3.0, 1.0, 2.0, 9.0]]), np.zeros((1, 4)), np.zeros(4))
    h, c = step([[1.0]], [[0.0]], [[0.5]], theta)
    assert_allclose(c, 0.7, rtol=1e-15)
    assert_allclose(h, 0.9 * np.tanh(0.7), rtol=1e-15)


def test_a_sequence_is_its_steps():
    h, c = np.zeros((2, N, H))
    found = forward(X, THETA)
    for t in range(T):
        at_t = gates(X[:, t], h, THETA)
        assert_allclose(found.gates.f[:, t], at_t.f, rtol=1e-14)
        h, c = step(X[:, t], h, c, THETA)
        assert_allclose(found.h[:, t], h, rtol=1e-14)
        assert_allclose(found.c[:, t], c, rtol=1e-14)


def test_a_sequence_can_be_cut_where_the_state_is_handed_on():
    whole, first = forward(X, THETA), forward(X[:, :3], THETA)
    rest = forward(X[:, 3:], THETA, first.h[:, -1], first.c[:, -1])
    assert_allclose(rest.h, whole.h[:, 3:], rtol=1e-14)


def test_a_constant_forget_gate_is_a_pole():
    f = 1 / (1 + np.exp(-2.0))
    b = np.array([-800.0, 2.0, 0.0, 0.0])  # nothing comes in
    theta = LSTMParameters(np.zeros((1, 4)), np.zeros((1, 4)), b)
    c = forward(np.ones((1, 30, 1)), theta, [[0.0]], [[0.8]]).c[0, :, 0]
    assert_allclose(c, 0.8 * f ** np.arange(1, 31), rtol=1e-12)


def test_pytorch_agrees():
    shown, (h, c) = of_torch(THETA)(torch.tensor(X))
    ours = forward(X, THETA)
    assert_allclose(ours.h, shown.detach(), rtol=1e-12, atol=1e-12)
    assert_allclose(ours.h[:, -1], h[0].detach(), rtol=1e-12, atol=1e-12)
    assert_allclose(ours.c[:, -1], c[0].detach(), rtol=1e-12, atol=1e-12)


def test_keras_agrees():
    keras = pytest.importorskip("keras")
    layer = keras.layers.LSTM(H, return_sequences=True, return_state=True, dtype="float64")
    layer.build(X.shape)
    layer.set_weights(list(THETA))
    shown, _, c = layer(X)
    ours = forward(X, THETA)
    assert_allclose(ours.h, np.asarray(shown), rtol=1e-12, atol=1e-12)
    assert_allclose(ours.c[:, -1], np.asarray(c), rtol=1e-12, atol=1e-12)
    assert layer.count_params() == n_parameters(F, H)


def test_the_numbers_of_parameters():
    assert n_parameters(F, H) == sum(p.size for p in THETA) == 4 * 4 * (5 + 4 + 1)
    theirs = sum(p.numel() for p in of_torch(THETA).parameters())
    assert theirs == n_parameters(F, H) + 4 * H  # a second bias


def test_autograd_agrees_with_the_way_back():
    D = RNG.standard_normal((N, T, H))
    layer, inputs = of_torch(THETA), torch.tensor(X, requires_grad=True)
    (layer(inputs)[0] * torch.tensor(D)).sum().backward()
    (dW, dR, db), dX = gradients(X, THETA, D)
    assert_allclose(dW, layer.weight_ih_l0.grad.T, rtol=1e-12, atol=1e-12)
    assert_allclose(dR, layer.weight_hh_l0.grad.T, rtol=1e-12, atol=1e-12)
    assert_allclose(db, layer.bias_ih_l0.grad, rtol=1e-12, atol=1e-12)
    assert_allclose(dX, inputs.grad, rtol=1e-12, atol=1e-12)


def test_large_inputs_saturate_without_a_warning():
    with np.errstate(all="raise", under="ignore"):
        found = forward(np.full((1, 3, F), 800.0), THETA)
    assert np.isfinite(found.h).all()


def test_dtype_in_is_dtype_out_and_nothing_is_changed():
    theta = initial_parameters(F, H, np.random.default_rng(1), dtype=np.float32)
    x = X.astype(np.float32)
    before = x.copy()
    assert forward(x, theta).h.dtype == np.float32
    assert gradients(x, theta, np.ones((N, T, H)))[1].dtype == np.float32
    assert (x == before).all()


def test_the_initial_recurrent_weights_keep_lengths():
    R = initial_parameters(F, H, np.random.default_rng(1)).R
    assert_allclose(R @ R.T, np.eye(H), atol=1e-14)


def test_wrong_shapes_are_told():
    with pytest.raises(InputError, match=r"theta has shapes.*transposed there"):
        forward(X, LSTMParameters(np.zeros((F, 4 * H)), THETA.R.T, THETA.b))
    with pytest.raises(
        InputError, match=r"expected \(n_observations, n_frames, n_inputs\).*newaxis"
    ):
        forward(X[0], THETA)
    with pytest.raises(InputError, match=r"h has shape \(4,\); expected \(3, 4\)"):
        forward(X, THETA, np.zeros(H))
    with pytest.raises(InputError, match="NaN or infinity"):
        step(X[:, 0] * np.nan, np.zeros((N, H)), np.zeros((N, H)), THETA)
    with pytest.raises(InputError, match=r"D has shape .* expected \(3, 7, 4\)"):
        gradients(X, THETA, np.zeros((N, H)))
