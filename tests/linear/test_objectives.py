"""Objectives against difference quotients in both parts of theta, and a room found from spectra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import signal

from ddasp._errors import InputError
from ddasp.linear.objectives import Objective, fir_regressors, least_squares, quadratic
from ddasp.linear.regression import solve_svd

from .matrices import floats


def slopes(J, theta, direction):
    """Central differences of a quadratic are exact but for rounding."""
    return np.array([
        (J(theta + 0.5 * direction * e) - J(theta - 0.5 * direction * e)) for e in np.eye(len(theta))
    ])  # fmt: skip


def drawn(rng, n, complex_ones):
    return rng.normal(size=n) + (1j * rng.normal(size=n) if complex_ones else 0)


@given(floats(), st.integers(0, 2**32 - 1))
def test_gradient_of_least_squares_is_the_slope_in_real_and_imaginary_part(X, seed):
    rng, complex_ones = np.random.default_rng(seed), np.iscomplexobj(X)
    y, theta = (drawn(rng, n, complex_ones) for n in X.shape)
    J = least_squares(X, y)
    expected = slopes(J.value, theta, 1)
    if complex_ones:
        expected = expected + 1j * slopes(J.value, theta, 1j)
    size = 1 + np.abs(X).max() ** 2 * len(theta)
    assert_allclose(J.gradient(theta), expected, atol=1e-12 * size)
    # J(theta + d) = J + Re(g^H d) + d^H H d / 2 exactly
    d = drawn(rng, len(theta), complex_ones)
    taylor = np.vdot(J.gradient(theta), d).real + np.vdot(d, J.hessian @ d).real / 2
    assert_allclose(J.value(theta + d) - J.value(theta), taylor, atol=1e-11 * size)


@given(floats(), st.integers(0, 2**32 - 1))
def test_gradient_of_a_quadratic_is_its_slope_and_vanishes_at_the_solution(B, seed):
    rng, complex_ones = np.random.default_rng(seed), np.iscomplexobj(B)
    A = B.conj().T @ B + np.eye(B.shape[1])
    b, theta = (drawn(rng, len(A), complex_ones) for _ in range(2))
    J, size = quadratic(A, b), np.abs(A).max() * len(A)
    expected = slopes(J.value, theta, 1)
    if complex_ones:
        expected = expected + 1j * slopes(J.value, theta, 1j)
    assert_allclose(J.gradient(theta), expected, atol=1e-11 * size)
    assert_allclose(J.gradient(np.linalg.solve(A, b)), 0, atol=1e-11 * size)
    assert J.hessian is not None
    assert_allclose(J.hessian, A)


def test_values_worked_on_paper():
    # theta = 1 + i, X = (1, i)^T, y = (1, 0): X theta = (1 + i, i - 1), residual (-i, 1 - i)
    J = least_squares([[1], [1j]], [1, 0])
    theta = np.array([1 + 1j])
    assert_allclose(J.value(theta), (1 + 2) / 4)
    # g = X^H (X theta - y) / 2 = (1 * i - i (i - 1)) / 2 = (1 + 2 i) / 2
    assert_allclose(J.gradient(theta), [0.5 + 1j])
    assert_allclose(J.hessian, [[1]])
    saddle = quadratic(np.diag([1.0, -1.0]), [0.0, 0.0])
    assert (saddle.value(np.array([2.0, 0.0])), saddle.value(np.array([0.0, 2.0]))) == (2, -2)


def test_fir_regressors_times_taps_are_the_spectrum_of_the_circular_convolution():
    rng = np.random.default_rng(0)
    s, h = rng.normal(size=16), rng.normal(size=5)
    X = fir_regressors(np.fft.fft(s), 5)
    convolved = [sum(h[k] * s[(n - k) % 16] for k in range(5)) for n in range(16)]
    assert_allclose(np.fft.ifft(X @ h), convolved, atol=1e-13)
    _, H = signal.freqz(h, worN=16, whole=True)
    assert_allclose(fir_regressors(np.ones(16), 5) @ h, H, atol=1e-13)


def test_a_room_is_found_from_the_spectra_of_source_and_recording():
    rng = np.random.default_rng(1)
    h = rng.normal(size=64) * np.exp(-np.arange(64) / 12)
    s = rng.normal(size=256)
    recording = np.fft.ifft(np.fft.fft(s) * np.fft.fft(h, 256)).real
    X = fir_regressors(np.fft.fft(s), 64)
    found = solve_svd(X, np.fft.fft(recording))
    assert_allclose(found, h, atol=1e-11)  # real, though nothing said so
    # columns of a source with a flat spectrum are orthogonal
    flat = fir_regressors(np.exp(2j * np.pi * rng.random(256)), 64)
    assert_allclose(least_squares(flat, np.zeros(256)).hessian, np.eye(64), atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_dtype_in_is_dtype_out(dtype):
    J = least_squares(np.eye(2, dtype=dtype), np.ones(2, dtype))
    assert J.gradient(np.zeros(2, dtype)).dtype == J.hessian.dtype == dtype
    assert (
        quadratic(np.eye(2, dtype=dtype), np.ones(2, dtype)).gradient(np.ones(2, dtype)).dtype
        == dtype
    )
    assert fir_regressors(np.ones(4, dtype), 2).dtype == np.result_type(dtype, np.complex64)


def test_an_objective_needs_no_hessian():
    J = Objective(lambda t: float(np.sum(t**4)), lambda t: 4 * t**3)
    assert J.hessian is None
    assert J.value(np.array([2.0])) == 16


def test_unusable_input_is_named():
    with pytest.raises(InputError, match=r"expected a Hermitian A of side 2 - take \(A \+ A\^H\)"):
        quadratic([[1.0, 2.0], [0.0, 1.0]], [0.0, 0.0])
    with pytest.raises(InputError, match=r"A has shape \(2, 2\) and b \(1,\)"):
        quadratic(np.eye(2), [1.0])
    with pytest.raises(InputError, match=r"A has shape \(2, 3\) and b \(2,\)"):
        quadratic(np.ones((2, 3)), [1.0, 2.0])
    with pytest.raises(InputError, match="y has length 1 and X 2 rows"):
        least_squares(np.eye(2), [1.0])
    with pytest.raises(InputError, match="n_taps is 5; expected 1 to 4, the number of bins"):
        fir_regressors(np.ones(4), 5)
    with pytest.raises(InputError, match="n_taps is 0"):
        fir_regressors(np.ones(4), 0)
