"""The compiled engine beyond the agreement of all engines: its own edges."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp import _lanes
from ddasp.nonlinear import mlp_compiled, mlp_numpy
from ddasp.nonlinear.spec import (
    ModelSpec,
    initial_parameters,
)
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
    minibatches,
)

SPECS = [
    ModelSpec((3, 4, 2), ("tanh", "softmax"), "categorical_cross_entropy", l1=0.01, l2=0.1),
    # wide enough for BLAS at a batch of 20, padded to 32: 30 * 20 * 32 > 2^14
    ModelSpec((3, 30, 20, 4), ("relu", "sigmoid", "softmax"), "categorical_cross_entropy"),
    ModelSpec((40, 30, 2), ("sigmoid", "tanh"), "squared_error", noise=0.1, dropout=0.3),
    ModelSpec((3, 5, 1), ("linear", "sigmoid"), "binary_cross_entropy", dropout=0.2),
]


def problem(spec, n=50, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, spec.widths[0])).astype(dtype)
    k = spec.widths[-1]
    y = {
        "categorical_cross_entropy": rng.integers(k, size=n),
        "binary_cross_entropy": rng.integers(2, size=n),
        "squared_error": rng.normal(size=(n, k)),
    }[spec.loss]
    return initial_parameters(spec, rng, dtype=dtype), X, y, minibatches(n, 20, 40, rng)


def fitted(engine, spec, optimizer, dtype=np.float64, **options):
    theta, X, y, batches = problem(spec, dtype=dtype)
    return engine.fit(
        engine.build(spec, theta),
        X,
        y,
        optimizer=optimizer,
        batches=batches,
        rng=np.random.default_rng(1),
        **options,
    )


@pytest.mark.parametrize("optimizer", [SGD(0.05, momentum=0.9), Adam(0.01, weight_decay=0.1)])
@pytest.mark.parametrize("spec", SPECS)
def test_it_equals_numpy_to_1e_12_in_float64(spec, optimizer):
    theta, X, y, _ = problem(spec)
    ours, theirs = (e.build(spec, theta) for e in (mlp_compiled, mlp_numpy))
    assert_allclose(mlp_compiled.predict(ours, X), mlp_numpy.predict(theirs, X), rtol=1e-12)
    for g, h in zip(
        mlp_compiled.gradients(ours, X, y), mlp_numpy.gradients(theirs, X, y), strict=True
    ):
        assert_allclose(g, h, rtol=1e-12, atol=1e-12 * np.abs(h).max())
    (one, losses), (other, expected) = (
        fitted(e, spec, optimizer) for e in (mlp_compiled, mlp_numpy)
    )
    # 120 steps: rounding of 1e-16 in each, and none of these trainings is chaotic
    assert_allclose(losses, expected, rtol=1e-12)
    for p, q in zip(one.theta, other.theta, strict=True):
        assert_allclose(p, q, rtol=1e-12, atol=1e-12 * np.abs(q).max())


@pytest.mark.parametrize("spec", SPECS)
def test_float32_stays_float32_and_close_to_numpy(spec):
    (one, losses), (other, expected) = (
        fitted(e, spec, Adam(0.01), np.float32) for e in (mlp_compiled, mlp_numpy)
    )
    # 1e-7 a step, a little amplified over 120 of them
    assert_allclose(losses, expected, rtol=1e-4)
    for p, q in zip(one.theta, other.theta, strict=True):
        assert p.dtype == np.float32
        assert_allclose(p, q, atol=1e-3 * np.abs(q).max())


def test_reports_hold_what_numpy_reports():
    spec = SPECS[2]
    seen = {"compiled": [], "numpy": []}
    for name, engine in (("compiled", mlp_compiled), ("numpy", mlp_numpy)):
        _, losses = fitted(
            engine,
            spec,
            Adam(0.01),
            report=lambda step, name=name: seen[name].append(step) or step.index >= 8,
            report_every=3,
        )
        assert len(losses) == 9
    assert [s.index for s in seen["compiled"]] == [2, 5, 8]
    for ours, theirs in zip(*seen.values(), strict=True):
        assert_allclose(ours.loss, theirs.loss, rtol=1e-12)
        assert_allclose(ours.gradient_norm, theirs.gradient_norm, rtol=1e-12)
        for a, b in zip(
            ours.activations + ours.parameters,
            theirs.activations + theirs.parameters,
            strict=True,
        ):
            assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.abs(b).max())


def test_many_steps_in_several_stretches_equal_one_stretch(monkeypatch):
    whole, losses = fitted(mlp_compiled, SPECS[2], SGD(0.05))
    monkeypatch.setattr(mlp_compiled, "DRAWN_AT_ONCE", 7 * 32 * (40 + 30))
    parts, again = fitted(mlp_compiled, SPECS[2], SGD(0.05))
    assert_array_equal(losses, again)
    for p, q in zip(whole.theta, parts.theta, strict=True):
        assert_array_equal(p, q)


def test_divergence_is_seen_as_nan_or_infinity_and_not_hidden():
    spec = ModelSpec((3, 4, 1), ("tanh", "linear"), "squared_error")
    theta, X, y, batches = problem(spec)
    model = mlp_compiled.build(spec, theta)
    trained, losses = mlp_compiled.fit(model, X, y, optimizer=SGD(1e200), batches=batches)
    assert not np.isfinite(losses[-1])
    assert not np.isfinite(trained.theta[0]).all()


def test_hard_work_is_done_in_short_stretches_so_that_it_can_be_interrupted():
    spec = ModelSpec((100, 200, 1), ("tanh", "linear"), "squared_error")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2000, 100)), rng.normal(size=2000)
    loop = mlp_compiled._Loop(mlp_compiled.build(spec, initial_parameters(spec, rng)), X, y, None)
    loop.prepare([np.arange(2000)])
    # 2000 * 20,401 multiplications in each of three products, some 10 ms a step
    assert 1 <= loop.steps_at_once() <= 10


def test_no_steps_change_nothing_and_what_is_passed_in_stays_as_it_was():
    spec = SPECS[0]
    theta, X, y, batches = problem(spec)
    before = [p.copy() for p in theta]
    model = mlp_compiled.build(spec, theta)
    same, losses = mlp_compiled.fit(model, X, y, optimizer=SGD(), batches=[])
    assert len(losses) == 0
    mlp_compiled.fit(model, X, y, optimizer=SGD(1.0), batches=batches)
    for p, q, r in zip(before, model.theta, same.theta, strict=True):
        assert_array_equal(p, q)
        assert_array_equal(p, r)


def test_predictions_come_in_blocks_and_none_is_lost():
    spec = SPECS[1]
    theta, *_ = problem(spec)
    X = np.random.default_rng(3).normal(size=(700, 3))  # three blocks, the last one short
    assert_allclose(
        mlp_compiled.predict(mlp_compiled.build(spec, theta), X),
        mlp_numpy.predict(mlp_numpy.build(spec, theta), X),
        rtol=1e-12,
    )
    one_row = mlp_compiled.logits(mlp_compiled.build(replace(spec, dropout=0.5), theta), X[:1])
    assert_allclose(one_row, mlp_numpy.logits(mlp_numpy.build(spec, theta), X[:1]), rtol=1e-12)


def test_where_nothing_can_be_written_it_compiles_all_the_same(monkeypatch):
    asked = []

    def njit(**options):
        asked.append(options.get("cache", False))
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda loop: loop

    monkeypatch.setattr(_lanes, "njit", njit)
    assert _lanes.compiled(len) is len
    assert asked == [True, False]
