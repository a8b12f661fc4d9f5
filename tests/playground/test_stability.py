"""Sharpness against dense Hessians and closed forms, limits against what optimizers really do."""

import itertools
import math

import numpy as np
import pytest

from ddasp.nonlinear import mlp_compiled, mlp_numpy
from ddasp.nonlinear.spec import ModelSpec, Parameters, initial_parameters
from ddasp.nonlinear.steps import SGD, Adam, minibatches
from ddasp.playground.knowing.stability import explain, limit_of, sharpness


def dense_hessian(spec: ModelSpec, theta: Parameters, U: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Column by column, from differences of the NumPy engine's gradients."""
    flat = np.concatenate([p.ravel() for p in theta])
    shapes, h = [p.shape for p in theta], 1e-5

    def gradient(values: np.ndarray) -> np.ndarray:
        parts = np.split(values, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        moved = tuple(p.reshape(shape) for p, shape in zip(parts, shapes, strict=True))
        found = mlp_numpy.gradients(mlp_numpy.build(spec, moved), U, y)
        return np.concatenate([g.ravel() for g in found])

    columns = [
        (gradient(flat + h * e) - gradient(flat - h * e)) / (2 * h) for e in np.eye(flat.size)
    ]
    H = np.stack(columns)
    return (H + H.T) / 2


def trained(
    spec: ModelSpec, optimizer: SGD | Adam, seed: int = 0
) -> tuple[mlp_compiled.Model, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    U = rng.normal(size=(80, spec.widths[0]))
    y = np.where(U[:, 0] * U[:, -1] > 0, 1.0, 0.0)
    codes = y.astype(int) if spec.loss == "categorical_cross_entropy" else y
    model = mlp_compiled.build(spec, initial_parameters(spec, rng))
    model, _ = mlp_compiled.fit(
        model, U, codes, optimizer=optimizer, batches=minibatches(80, 10, 15, rng)
    )
    return model, U, codes


@pytest.mark.parametrize(
    ("hidden", "head"),
    list(
        itertools.product(
            ("tanh", "relu", "sigmoid"),
            (
                ("squared_error", "tanh", 1),
                ("binary_cross_entropy", "sigmoid", 1),
                ("categorical_cross_entropy", "softmax", 3),
            ),
        )
    ),
)
def test_sharpness_is_the_largest_eigenvalue_of_the_dense_hessian(
    hidden: str, head: tuple[str, str, int]
) -> None:
    loss, last, k = head
    spec = ModelSpec((2, 4, 3, k), (hidden, hidden, last), loss, l2=0.02)
    model, U, y = trained(spec, SGD(0.1))
    found = sharpness(spec, model.theta, U, y, SGD(0.1))
    values, vectors = np.linalg.eigh(dense_hessian(spec, model.theta, U, y))
    assert found.value == pytest.approx(values[-1], rel=2e-3)
    assert abs(found.vector @ vectors[:, -1]) == pytest.approx(1, abs=0.02)
    assert found.limit == pytest.approx(20)


def test_the_largest_eigenvalue_is_meant_even_where_a_negative_one_is_larger_in_size() -> None:
    # f = 1/2 (tanh(w u) - y)² with w far from its target: curvature is negative along w
    spec = ModelSpec((1, 1, 1), ("tanh", "linear"), "squared_error")
    theta = (np.array([[0.7]]), np.array([0.1]), np.array([[3.0]]), np.array([4.0]))
    U, y = np.array([[1.0], [2.0]]), np.array([-3.0, -3.0])
    values = np.linalg.eigvalsh(dense_hessian(spec, theta, U, y))
    assert abs(values[0]) > values[-1] > 0
    assert sharpness(spec, theta, U, y, SGD(0.1)).value == pytest.approx(values[-1], rel=1e-3)


def test_of_least_squares_it_is_that_of_the_moment_matrix() -> None:
    rng = np.random.default_rng(1)
    U = rng.normal(size=(60, 3)) * [1.0, 2.0, 5.0] + [0.0, 1.0, 2.0]
    with_one = np.column_stack([U, np.ones(60)])
    spec = ModelSpec((3, 1), ("linear",), "squared_error")
    theta = initial_parameters(spec, rng)
    expected = np.linalg.eigvalsh(with_one.T @ with_one / 60)[-1]
    found = sharpness(spec, theta, U, rng.normal(size=60), SGD(0.1), tolerance=1e-8)
    assert found.value == pytest.approx(expected, rel=1e-6)
    penalised = ModelSpec((3, 1), ("linear",), "squared_error", l2=3.0)
    H = with_one.T @ with_one / 60 + np.diag([3.0, 3.0, 3.0, 0.0])
    found = sharpness(penalised, theta, U, rng.normal(size=60), SGD(0.1), tolerance=1e-8)
    assert found.value == pytest.approx(np.linalg.eigvalsh(H)[-1], rel=1e-6)


def test_l1_has_no_curvature() -> None:
    spec = ModelSpec((2, 3, 1), ("tanh", "tanh"), "squared_error")
    with_l1 = ModelSpec((2, 3, 1), ("tanh", "tanh"), "squared_error", l1=0.5)
    model, U, y = trained(spec, SGD(0.1))
    found = sharpness(with_l1, model.theta, U, y, SGD(0.1))
    assert found.value == sharpness(spec, model.theta, U, y, SGD(0.1)).value


def test_a_warm_start_needs_fewer_gradients() -> None:
    spec = ModelSpec((2, 8, 8, 1), ("tanh", "tanh", "tanh"), "squared_error")
    model, U, y = trained(spec, SGD(0.1))
    cold = sharpness(spec, model.theta, U, y, SGD(0.1), tolerance=1e-4)
    warm = sharpness(spec, model.theta, U, y, SGD(0.1), tolerance=1e-4, start=cold.vector)
    assert warm.n_gradients < cold.n_gradients
    assert warm.value == pytest.approx(cold.value, rel=1e-3)


def bowl(h: float) -> tuple[ModelSpec, np.ndarray, np.ndarray]:
    """Least squares whose Hessian is diag(h, 1): inputs ±√h, targets 0."""
    spec = ModelSpec((1, 1), ("linear",), "squared_error")
    return spec, np.array([[math.sqrt(h)], [-math.sqrt(h)]]), np.zeros(2)


def after(optimizer: SGD | Adam, h: float, n: int) -> float:
    """Loss after n full steps from w = 1 in that bowl."""
    spec, U, y = bowl(h)
    model = mlp_compiled.build(spec, (np.array([[1.0]]), np.array([0.0])))
    _, losses = mlp_compiled.fit(model, U, y, optimizer=optimizer, batches=[np.arange(2)] * n)
    return float(losses[-1])


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_descent_diverges_just_above_its_limit_and_converges_just_below(momentum: float) -> None:
    rate = 0.1
    limit = limit_of(SGD(rate, momentum=momentum))
    assert after(SGD(rate, momentum=momentum), 0.98 * limit, 3000) < 1e-6
    assert after(SGD(rate, momentum=momentum), 1.02 * limit, 3000) > 1e6


@pytest.mark.parametrize("beta1", [0.9, 0.5])
def test_adam_is_stable_up_to_its_preconditioned_limit(beta1: float) -> None:
    # a huge epsilon makes the preconditioner constant: P = 1 · (√s′ + ε) with ε = 1000
    adam = Adam(100.0, beta1=beta1, epsilon=1000.0)
    limit = limit_of(adam) * 1000.0  # of H, when P = ε
    assert limit == pytest.approx((2 + 2 * beta1) / ((1 - beta1) * 100.0) * 1000.0)
    for factor, grows in ((0.97, False), (1.03, True)):
        spec, U, y = bowl(factor * limit)
        start = (np.array([[1e-6]]), np.array([0.0]))
        late = mlp_compiled.Memory(10_000, np.zeros(2), np.zeros(2))  # no bias to correct
        model = mlp_compiled.Model(spec, start, late)
        _, losses = mlp_compiled.fit(model, U, y, optimizer=adam, batches=[np.arange(2)] * 40)
        assert (losses[-1] > losses[0]) == grows
        found = sharpness(spec, start, U, y, adam, memory=late)
        assert found.value == pytest.approx(factor * limit / 1000, rel=1e-3)
        assert (found.value > found.limit) == grows


def test_adams_sharpness_is_that_of_the_divided_hessian() -> None:
    spec = ModelSpec((2, 4, 1), ("tanh", "tanh"), "squared_error")
    adam = Adam(0.01)
    model, U, y = trained(spec, adam)
    memory = model.memory
    assert memory is not None
    t = memory.step + 1
    g = np.concatenate(
        [p.ravel() for p in mlp_numpy.gradients(mlp_numpy.build(spec, model.theta), U, y)]
    )
    s = memory.second + (1 - adam.beta2) * (g * g - memory.second)
    P = (1 - adam.beta1**t) * (np.sqrt(s / (1 - adam.beta2**t)) + adam.epsilon)
    H = dense_hessian(spec, model.theta, U, y) / np.sqrt(np.outer(P, P))
    found = sharpness(spec, model.theta, U, y, adam, memory=memory)
    assert found.value == pytest.approx(np.linalg.eigvalsh(H)[-1], rel=5e-3)
    assert found.limit == pytest.approx(3800)
    shaped = mlp_numpy.Memory(memory.step, model.theta, _shaped(memory.second, model.theta))
    same = sharpness(spec, model.theta, U, y, adam, memory=shaped)
    assert same.value == pytest.approx(found.value, rel=1e-9)


def _shaped(flat: np.ndarray, theta: Parameters) -> Parameters:
    parts = np.split(flat, np.cumsum([p.size for p in theta])[:-1])
    return tuple(part.reshape(p.shape) for part, p in zip(parts, theta, strict=True))


def test_what_is_not_finite_has_no_sharpness() -> None:
    spec, U, y = bowl(2.0)
    found = sharpness(spec, (np.array([[np.nan]]), np.zeros(1)), U, y, SGD(0.1))
    assert math.isnan(found.value)
    assert "no longer finite" in found.words


def test_the_words_say_on_which_side_of_the_limit_it_stands() -> None:
    spec, U, y = bowl(10.0)
    theta = (np.ones((1, 1)), np.zeros(1))
    assert "is below the limit 20" in sharpness(spec, theta, U, y, SGD(0.1)).words
    assert "is above the limit 4" in sharpness(spec, theta, U, y, SGD(0.5)).words
    assert limit_of(SGD(0.0)) == math.inf


# ---- reasons ---------------------------------------------------------------------------------


def first_cause(**kwargs: object) -> dict[str, object]:
    found = explain(**kwargs)  # type: ignore[arg-type]
    assert found["message"].endswith(found["causes"][0]["text"])
    cause: dict[str, object] = found["causes"][0]
    return cause


def test_learning_rate_times_l2_above_two_is_named_first() -> None:
    spec = ModelSpec((2, 1), ("tanh",), "squared_error", l2=10.0)
    U, y = np.zeros((4, 2)), np.zeros(4)
    cause = first_cause(optimizer=SGD(0.3), spec=spec, U=U, y=y, value=500.0)
    assert cause["key"] == "l2"
    assert "μ λ = 3" in str(cause["text"])
    rate = cause["set"]["regularizationRate"]  # type: ignore[index]
    assert 0.3 * rate < 2
    assert explain(optimizer=SGD(0.1), spec=spec, U=U, y=y)["causes"][0]["key"] != "l2"


@pytest.mark.parametrize(("rate", "diverges"), [(0.19, False), (0.21, True)])
def test_the_l2_rule_is_what_really_happens(rate: float, diverges: bool) -> None:
    spec = ModelSpec((1, 1), ("linear",), "squared_error", l2=10.0)
    model = mlp_compiled.build(spec, (np.array([[1.0]]), np.zeros(1)))
    batches = [np.arange(1)] * 800
    _, losses = mlp_compiled.fit(
        model, np.zeros((1, 1)), np.zeros(1), optimizer=SGD(rate), batches=batches
    )
    assert (losses[-1] > 1e6) == diverges
    found = explain(optimizer=SGD(rate), spec=spec, U=np.zeros((1, 1)), y=np.zeros(1))
    assert (found["causes"][0]["key"] == "l2") == diverges


def test_squared_inputs_are_blamed_with_their_fourth_power() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(-6, 6, 5000)
    U = np.column_stack([x, x**2])
    spec = ModelSpec((2, 1), ("linear",), "squared_error")
    cause = first_cause(
        optimizer=SGD(0.03), spec=spec, U=U, y=x / 10, input_names=("x₁", "x₁²"), value=262.0
    )
    assert cause["key"] == "inputs"
    assert "E[x⁴]" in str(cause["text"])
    assert cause["numbers"]["mean_square"] == pytest.approx(259, rel=0.05)  # type: ignore[index]
    assert cause["set"] == {"scale": "standard"}
    scaled = explain(optimizer=SGD(0.03), spec=spec, U=U, y=x, scaled=True, value=262.0)
    assert [one["key"] for one in scaled["causes"]] == ["rate"]


def test_a_learning_rate_above_its_limit_is_told_with_one_that_is_not() -> None:
    spec, U, y = bowl(4.0)
    cause = first_cause(optimizer=SGD(1.0), spec=spec, U=U, y=y, value=4.0)
    assert cause["key"] == "rate"
    assert "4" in str(cause["text"])
    assert cause["set"]["learningRate"] < 2 / 4.0  # type: ignore[index]
    assert after(SGD(cause["set"]["learningRate"]), 4.0, 500) < 1e-6  # type: ignore[index]
    near = first_cause(optimizer=SGD(0.3), spec=spec, U=U, y=y, value=4.0)
    assert near["key"] == "noise"
    assert "minibatch" in str(near["text"])


def test_large_targets_of_a_regression_are_named() -> None:
    spec, U, _ = bowl(1.0)
    found = explain(optimizer=SGD(0.1), spec=spec, U=U, y=np.array([4000.0, 5000.0]))
    assert "targets" in [one["key"] for one in found["causes"]]


def test_without_a_clear_cause_it_says_so_and_offers_a_smaller_rate() -> None:
    spec = ModelSpec((1, 1), ("tanh",), "squared_error")
    found = explain(optimizer=Adam(3.0), spec=spec, U=[[0.1]], y=[1.0], epoch=7.3)
    assert found["causes"][0]["key"] == "unknown"
    assert 0 < found["causes"][0]["set"]["learningRate"] < 3
    assert found["title"].endswith("in epoch 8")


def test_a_loss_that_grew_too_large_is_not_called_infinite() -> None:
    spec, U, y = bowl(4.0)
    asked = {"optimizer": SGD(1.0), "spec": spec, "U": U, "y": y, "value": 4.0}
    assert "has grown to 3.2e+07." in explain(**asked, loss=3.2e7)["message"]
    for loss in (math.nan, math.inf):
        assert "no longer a finite number" in explain(**asked, loss=loss)["message"]
