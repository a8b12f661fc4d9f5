"""Step limits and best constants against eigenvalues of the recursion, and momentum against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import optimize, signal

from ddasp._errors import InputError
from ddasp.linear.step_size import momentum_response, optimal_momentum, optimal_step, step_limit

HESSIAN = np.array([[3.0, 1.0], [1.0, 3.0]])  # eigenvalues 2 and 4
BETA = st.floats(0, 0.99)


def spectral_radius(h, mu, beta, *, ahead=False):
    """Largest |eigenvalue| of (e_k, e_k-1) -> (e_k+1, e_k) over the eigenvalues h."""
    gain = 1 - mu * h if ahead else None
    first = [g * (1 + beta) for g in gain] if ahead else 1 + beta - mu * h
    second = [-g * beta for g in gain] if ahead else np.full(len(h), -beta)
    pairs = zip(first, second, strict=True)
    return max(np.abs(np.linalg.eigvals([[a, b], [1, 0]])).max() for a, b in pairs)


def test_values_worked_on_paper():
    assert_allclose(step_limit(HESSIAN), 2 / 4, rtol=1e-13)
    best = optimal_step(HESSIAN)
    assert_allclose([best.learning_rate, best.momentum, best.rate], [1 / 3, 0, 1 / 3], rtol=1e-13)
    ball = optimal_momentum(np.diag([1.0, 9.0]))  # roots 1 and 3: rate 2 / 4, mu (2 / 4)^2
    assert_allclose([ball.learning_rate, ball.momentum, ball.rate], [1 / 4, 1 / 4, 1 / 2])
    assert_allclose(step_limit([[2.0]], momentum=0.5), 1.5)
    assert_allclose(step_limit([[2.0]], momentum=0.5, method="nesterov"), 0.75)


@pytest.mark.parametrize("method", ["heavy_ball", "nesterov"])
@given(beta=BETA, largest=st.floats(0.01, 100))
def test_the_recursion_is_stable_below_the_limit_and_not_above(method, beta, largest):
    h, ahead = largest * np.array([0.05, 0.4, 1.0]), method == "nesterov"
    limit = step_limit(np.diag(h), momentum=beta, method=method)
    assert spectral_radius(h, 0.999 * limit, beta, ahead=ahead) < 1
    assert spectral_radius(h, 1.001 * limit, beta, ahead=ahead) > 1


@given(st.floats(1.1, 1000))
def test_the_best_constants_have_the_rate_they_say_and_no_others_are_faster(condition):
    h = np.array([1.0, (1 + condition) / 2, condition])
    best, ball = optimal_step(np.diag(h)), optimal_momentum(np.diag(h))
    # double roots split by the square root of the rounding
    assert_allclose(spectral_radius(h, best.learning_rate, 0), best.rate, rtol=1e-6)
    assert_allclose(spectral_radius(h, ball.learning_rate, ball.momentum), ball.rate, rtol=1e-5)
    for mu in best.learning_rate * np.array([0.9, 0.99, 1.01, 1.1]):
        assert spectral_radius(h, mu, 0) > best.rate
    found = optimize.differential_evolution(
        lambda p: spectral_radius(h, p[0] * ball.learning_rate, p[1]),
        [(0.2, 2), (0, 1)], rng=0, maxiter=15, popsize=6, polish=False,
    ) if condition < 20 else None  # fmt: skip
    assert found is None or found.fun > ball.rate * (1 - 1e-6)


def test_a_direction_that_never_moves_is_left_out():
    H = np.outer([1.0, 2.0], [1.0, 2.0])  # eigenvalues 5 and 0
    assert_allclose(optimal_step(H).learning_rate, 1 / 5, rtol=1e-12)
    assert_allclose(optimal_step(H).rate, 0, atol=1e-12)  # one step is enough
    assert_allclose(step_limit(H), 2 / 5, rtol=1e-12)
    assert step_limit(np.zeros((2, 2))) == np.inf
    assert optimal_momentum([[4.0]]).momentum == 0


def test_a_complex_hessian_has_the_limit_of_its_real_eigenvalues():
    H = np.array([[2, 1j], [-1j, 2]])  # eigenvalues 1 and 3
    assert_allclose(step_limit(H), 2 / 3, rtol=1e-13)
    assert_allclose(step_limit(H.astype(np.complex64)), 2 / 3, rtol=1e-6)


@given(BETA)
def test_momentum_has_the_response_of_a_one_pole_filter(beta):
    f = np.linspace(0, 0.5, 33)
    _, H = signal.freqz([1], [1, -beta], worN=2 * np.pi * f)
    assert_allclose(momentum_response(beta, f), H, rtol=1e-9)
    gains = np.abs(momentum_response(beta, f))
    assert_allclose(gains[[0, -1]], [1 / (1 - beta), 1 / (1 + beta)], rtol=1e-12)
    assert (np.diff(gains) <= 1e-15).all()  # a low-pass


def test_unusable_input_is_named():
    with pytest.raises(InputError, match="eigenvalue -1; expected none below 0 - at a saddle"):
        step_limit(np.diag([1.0, -1.0]))
    with pytest.raises(InputError, match=r"hessian of shape \(2, 2\) is not Hermitian"):
        step_limit([[1.0, 2.0], [0.0, 1.0]])
    with pytest.raises(InputError, match=r"hessian of shape \(1, 2\) is not Hermitian"):
        step_limit([[1.0, 2.0]])
    for best in (optimal_step, optimal_momentum):
        with pytest.raises(InputError, match=r"hessian is zero.*on a plane no step is best"):
            best(np.zeros((2, 2)))
    with pytest.raises(InputError, match="momentum is 1; expected less"):
        momentum_response(1.0, [0.0])
    with pytest.raises(InputError, match=r"method is 'nestrov'; .* did you mean 'nesterov'"):
        step_limit(HESSIAN, method="nestrov")
    with pytest.raises(InputError, match="momentum is -1"):
        step_limit(HESSIAN, momentum=-1)
