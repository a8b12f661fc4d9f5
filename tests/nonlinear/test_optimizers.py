"""Updates of parameters on paper, and beside the optimizers of PyTorch."""

from importlib import import_module

import numpy as np
import pytest
import tensorflow as tf
import torch
from numpy.testing import assert_allclose, assert_array_equal

from ddasp.nonlinear import optimizers_numpy, optimizers_tensorflow, optimizers_torch
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
)

# engine: how an array becomes a parameter of it (a tensor of the same dtype)
PARAMETERS = {"numpy": np.array, "torch": torch.tensor, "tensorflow": tf.Variable}
OPTIMIZERS = [
    SGD(0.1),
    SGD(0.1, momentum=0.9),
    Adam(0.05),
    Adam(0.05, beta1=0.8, beta2=0.99, epsilon=1e-4, weight_decay=0.3),
]
SHAPES = [(3, 4), (4,), (2, 1, 3, 3), (2,)]  # of dense and of convolutional layers


def arrays(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def array(p):
    return p.copy() if isinstance(p, np.ndarray) else np.array(p.numpy())


def after(engine, optimizer, theta, slopes, rates):
    """Parameters, as arrays, behind one update for each of the slopes."""
    module, parameter = import_module(f"ddasp.nonlinear.optimizers_{engine}"), PARAMETERS[engine]
    theta = tuple(parameter(p) for p in theta)
    memory = module.start(optimizer, theta)
    for gradient, rate in zip(slopes, rates, strict=True):
        module.update(optimizer, theta, tuple(parameter(g) for g in gradient), memory, rate)
    return [array(p) for p in theta]


@pytest.mark.parametrize("engine", PARAMETERS)
def test_momentum_on_paper(engine):
    # v = -0.1; v = -0.05 - 0.2; v = -0.125 + 0.4, at rates 0.1, 0.2, 0.4
    slopes = [[np.array([1.0])], [np.array([1.0])], [np.array([-1.0])]]
    (p,) = after(engine, SGD(momentum=0.5), [np.array([1.0])], slopes, [0.1, 0.2, 0.4])
    assert_allclose(p, [1 - 0.1 - 0.25 + 0.275], rtol=1e-15)


@pytest.mark.parametrize("engine", PARAMETERS)
def test_adam_on_paper(engine):
    # step 1: m' = g, s' = g^2, so the step is the rate; decay takes 0.1 * 0.5 of the matrix first
    # step 2, g = 0: m = 0.25, m' = 0.25 / 0.75, s = 0.09, s' = 0.09 / 0.19
    optimizer = Adam(beta1=0.5, beta2=0.9, epsilon=0.0, weight_decay=0.5)
    theta = [np.array([[2.0]]), np.array([2.0])]
    one, none = [np.array([[1.0]]), np.array([1.0])], [np.array([[0.0]]), np.array([0.0])]
    W, b = after(engine, optimizer, theta, [one], [0.1])
    assert_allclose([W.item(), b.item()], [1.9 - 0.1, 2 - 0.1], rtol=1e-15)
    W, b = after(engine, optimizer, theta, [one, none], [0.1, 0.1])
    step = 0.1 * (0.25 / 0.75) / np.sqrt(0.09 / 0.19)
    assert_allclose([W.item(), b.item()], [1.8 * 0.95 - step, 1.9 - step], rtol=1e-15)


@pytest.mark.parametrize("engine", PARAMETERS)
def test_epsilon_stands_outside_the_root_of_the_unbiased_mean(engine):
    # g = 1e-4 and epsilon = 1e-4 at step 1: the step is the rate times g / (g + epsilon)
    (p,) = after(engine, Adam(epsilon=1e-4), [np.zeros(1)], [[np.array([1e-4])]], [0.1])
    assert_allclose(p, [-0.05], rtol=1e-13)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_engines_agree_over_fifty_steps_of_changing_rates(optimizer):
    slopes, rates = [arrays(seed) for seed in range(1, 51)], np.linspace(0.1, 0.001, 50).tolist()
    expected = after("numpy", optimizer, arrays(0), slopes, rates)
    for engine in PARAMETERS:
        for p, q in zip(after(engine, optimizer, arrays(0), slopes, rates), expected, strict=True):
            assert_allclose(p, q, rtol=1e-13, atol=1e-14)  # some roundings of 1e-16 in each step


@pytest.mark.parametrize("engine", PARAMETERS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_float32_stays_float32(engine, optimizer):
    slopes = [arrays(seed) for seed in range(1, 6)]
    double = after(engine, optimizer, arrays(0), slopes, [0.1] * 5)
    single = after(
        engine,
        optimizer,
        arrays(0, np.float32),
        [[g.astype(np.float32) for g in gradient] for gradient in slopes],
        [0.1] * 5,
    )
    for p, q in zip(single, double, strict=True):
        assert p.dtype == np.float32
        assert_allclose(p, q, rtol=1e-5, atol=1e-6)  # eps of float32 is 1e-7


@pytest.mark.parametrize("engine", PARAMETERS)
def test_learning_rate_is_not_rounded_to_float32(engine):
    (p,) = after(engine, SGD(), [np.zeros(1)], [[np.ones(1)]], [0.1])
    assert p == -0.1  # float32 would give -0.10000000149


@pytest.mark.parametrize("engine", PARAMETERS)
def test_memory_is_copied_continued_and_forgotten_with_another_kind_of_optimizer(engine):
    module = import_module(f"ddasp.nonlinear.optimizers_{engine}")
    theta = (PARAMETERS[engine](np.ones((2, 1))),)
    before = module.start(Adam(), theta)
    module.update(Adam(), theta, theta, before, 0.1)
    kept = module.start(Adam(), theta, before)
    module.update(Adam(), theta, theta, kept, 0.1)
    assert (int(before.step), int(kept.step)) == (1, 2)
    assert_allclose(array(before.first[0]), 0.1)  # (1 - beta1) * 1: the second step left it
    assert np.all(array(kept.first[0]) != array(before.first[0]))
    for other, memory in ((SGD(), kept), (Adam(), module.start(SGD(), theta))):
        new = module.start(other, theta, memory)
        assert int(new.step) == 0
        assert_array_equal(array(new.first[0]), 0)
        assert len(new.second) == isinstance(other, Adam)
    half = module.start(Adam(), (PARAMETERS[engine](np.ones((2, 1), np.float32)),), kept)
    assert array(half.first[0]).dtype == array(half.second[0]).dtype == np.float32


def test_steps_are_counted_inside_a_graph():
    optimizer = Adam(weight_decay=0.1)
    slopes, rates = [arrays(seed) for seed in range(1, 6)], [0.1, 0.2, 0.3, 0.2, 0.1]
    theta = tuple(tf.Variable(p) for p in arrays(0))
    memory = optimizers_tensorflow.start(optimizer, theta)

    @tf.function
    def step(gradient, rate):
        optimizers_tensorflow.update(optimizer, theta, gradient, memory, rate)

    for gradient, rate in zip(slopes, rates, strict=True):
        step(tuple(map(tf.constant, gradient)), tf.constant(rate, tf.float64))
    assert step.experimental_get_tracing_count() == 1
    assert memory.step.numpy() == 5
    for p, q in zip(theta, after("numpy", optimizer, arrays(0), slopes, rates), strict=True):
        assert_allclose(p.numpy(), q, rtol=1e-13)


def test_updates_of_tensors_leave_no_trace_in_autograd():
    theta = (torch.ones(2, requires_grad=True),)
    for optimizer in (SGD(momentum=0.9), Adam()):
        memory = optimizers_torch.start(optimizer, theta)
        optimizers_torch.update(optimizer, theta, (torch.ones(2),), memory, 0.1)
        assert theta[0].requires_grad
        assert theta[0].grad_fn is None
        assert not any(m.requires_grad for m in (*memory.first, *memory.second))


# independent oracle: what PyTorch offers as classes


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_torch_optim_takes_the_same_steps_at_a_constant_rate(optimizer):
    theta = [torch.tensor(p, requires_grad=True) for p in arrays(0)]
    matrices, vectors = theta[::2], theta[1::2]
    rate = optimizer.learning_rate
    if isinstance(optimizer, SGD):
        theirs = torch.optim.SGD(theta, lr=rate, momentum=optimizer.momentum)
    else:
        groups = [
            {"params": matrices, "weight_decay": optimizer.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        betas = (optimizer.beta1, optimizer.beta2)
        theirs = torch.optim.AdamW(groups, lr=rate, betas=betas, eps=optimizer.epsilon)
    slopes = [arrays(seed) for seed in range(1, 21)]
    for gradient in slopes:
        for p, g in zip(theta, gradient, strict=True):
            p.grad = torch.tensor(g)
        theirs.step()
    expected = after("numpy", optimizer, arrays(0), slopes, [rate] * 20)
    for p, q in zip(theta, expected, strict=True):
        assert_allclose(p.detach().numpy(), q, rtol=1e-12, atol=1e-14)


def test_engines_offer_the_same_names():
    for module in (optimizers_torch, optimizers_tensorflow):
        assert module.__all__ == optimizers_numpy.__all__
