"""Early stopping, what is kept back for it, and engines by name."""

import builtins
import importlib
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ddasp._errors import DependencyError, InputError
from ddasp.nonlinear import mlp_numpy
from ddasp.nonlinear.engines import ENGINES, engine_of
from ddasp.nonlinear.spec import (
    ModelSpec,
    initial_parameters,
)
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
)
from ddasp.nonlinear.training import Plan, held_back, train

SPEC = ModelSpec((2, 6, 3), ("tanh", "softmax"), "categorical_cross_entropy")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 10)
    y = np.tile([0, 1, 2], 40)
    X = rng.normal(size=(120, 2)) + np.array([[0, 0], [1, 0], [0, 1]])[y]
    return X, y, groups


def trained(data, plan, **options):
    X, y, _ = data
    model = mlp_numpy.build(SPEC, initial_parameters(SPEC, np.random.default_rng(5)))
    return train(
        mlp_numpy,
        model,
        X,
        y,
        plan=plan,
        optimizer=Adam(0.05, schedule="cosine"),
        seeds=np.random.SeedSequence(7),
        **options,
    )


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.6])
def test_whole_groups_are_kept_back_until_the_share_is_reached(fraction, data):
    _, y, groups = data
    away = held_back(fraction, np.random.default_rng(1), groups=groups, classes=y)
    for group in np.unique(groups):
        assert len(np.unique(away[groups == group])) == 1
    assert fraction * 120 <= away.sum() < fraction * 120 + 10


def test_a_class_that_stands_in_one_group_alone_is_never_kept_back():
    groups = [0, 0, 1, 1, 2, 2]
    classes = [0, 1, 0, 1, 0, 2]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert not held_back(0.5, rng, groups=groups, classes=classes)[4:].any()


def test_one_group_alone_can_not_be_split():
    with pytest.raises(InputError, match="two or more groups"):
        held_back(0.2, np.random.default_rng(0), groups=[1, 1, 1])


def test_epoch_by_epoch_is_the_same_training_as_in_one_stretch(data):
    class Display:
        done = 0

        def track(self, items, what, total):
            for item in items:
                yield item
                self.done += 1

    display = Display()
    plan = Plan(5, batch_size=32)
    one, other = trained(data, plan), trained(data, plan, progress=display)
    assert display.done == 5
    assert_array_equal(one.losses, other.losses)
    for p, q in zip(one.model.theta, other.model.theta, strict=True):
        assert_array_equal(p, q)


def test_early_stopping_ends_with_the_parameters_of_the_lowest_loss_on_what_it_kept_back(data):
    X, y, groups = data
    plan = Plan(200, early_stopping=True, validation_fraction=0.3, patience=5)
    done = trained(data, plan, groups=groups)
    n = len(done.validation_losses)
    assert n < 200
    best = int(done.validation_losses.argmin())
    assert best == n - 1 - 5
    choices = np.random.default_rng(np.random.SeedSequence(7).spawn(3)[2])
    away = held_back(0.3, choices, groups=groups, classes=y)
    assert_allclose(mlp_numpy.loss(done.model, X[away], y[away]), done.validation_losses[best])
    assert len(done.losses) == n * -(-(~away).sum() // 32)


@pytest.mark.parametrize(
    ("spec", "y"),
    [
        (ModelSpec((2, 4, 1), ("tanh", "linear"), "squared_error", l2=0.5), "numbers"),
        (ModelSpec((2, 4, 1), ("tanh", "sigmoid"), "squared_error"), "numbers"),
        (ModelSpec((2, 4, 1), ("tanh", "linear"), "squared_error"), "whole numbers"),
        (ModelSpec((2, 4, 1), ("tanh", "sigmoid"), "binary_cross_entropy", l1=0.1), "yes or no"),
        (ModelSpec((2, 4, 2), ("tanh", "tanh"), "squared_error"), "pairs"),
    ],
)
def test_the_validation_loss_is_the_engines_without_penalties(spec, y, data):
    X = data[0]
    targets = {
        "numbers": X[:, 0] ** 2,
        "whole numbers": np.arange(120),
        "yes or no": (X[:, 0] > 0).astype(float),
        "pairs": np.tanh(X),
    }[y]
    done = train(
        mlp_numpy,
        mlp_numpy.build(spec, initial_parameters(spec, np.random.default_rng(5))),
        X,
        targets,
        plan=Plan(1, early_stopping=True),
        optimizer=Adam(1e-3),
        seeds=np.random.SeedSequence(7),
    )
    choices = np.random.default_rng(np.random.SeedSequence(7).spawn(3)[2])
    away = held_back(0.15, choices, groups=np.arange(120))
    plain = mlp_numpy.build(replace(spec, l1=0.0, l2=0.0), done.model.theta)
    expected = mlp_numpy.loss(plain, X[away], targets[away])
    assert_allclose(done.validation_losses, [expected], rtol=1e-12)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence_is_said(early_stopping, data):
    X = data[0]
    spec = ModelSpec((2, 4, 1), ("linear", "linear"), "squared_error")
    model = mlp_numpy.build(spec, initial_parameters(spec, np.random.default_rng(5)))
    plan = Plan(60, early_stopping=early_stopping)
    seeds = np.random.SeedSequence(7)
    with (
        np.errstate(all="ignore"),
        pytest.warns(UserWarning, match=r"W-DIVERGED: step \d+: .* Lower the learning rate"),
    ):
        train(mlp_numpy, model, X, X[:, 0], plan=plan, optimizer=SGD(1e3), seeds=seeds)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_epochs": 2.5}, "n_epochs is 2.5"),
        ({"batch_size": 0}, "batch_size is 0; expected an integer of at least 1"),
        ({"patience": 0}, "patience is 0"),
    ],
)
def test_a_plan_that_is_none_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        Plan(**{"n_epochs": 3, **changes})


def test_a_share_of_nothing_can_not_be_kept_back():
    with pytest.raises(InputError, match="validation_fraction is 0; expected between 0 and 1"):
        held_back(0, np.random.default_rng(0), groups=[1, 2])


def test_an_unknown_engine_is_named_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'tensorflow'"):
        engine_of("mlp", "tensorflo")
    with pytest.raises(InputError, match="engine is 'compiled'; expected one of torch"):
        engine_of("cnn", "compiled")


@pytest.mark.parametrize("family", ENGINES)
def test_every_engine_has_the_verbs(family):
    for name in ENGINES[family]:
        engine = engine_of(family, name)
        assert engine.__name__ == f"ddasp.nonlinear.{family}_{name}"
        assert {"build", "predict", "loss", "gradients", "fit", "parameters"} <= set(engine.__all__)


@pytest.mark.parametrize("name", ENGINES["mlp"])
def test_reports_after_less_than_one_step_are_refused(name, data):
    X, y, _ = data
    engine = engine_of("mlp", name)
    model = engine.build(SPEC, initial_parameters(SPEC, np.random.default_rng(0)))
    with pytest.raises(InputError, match="report_every is 0; expected 1 to inf"):
        engine.fit(model, X, y, optimizer=Adam(), batches=[np.arange(3)], report_every=0)


def without(monkeypatch, package, module):
    """As if the package were not installed."""
    monkeypatch.delitem(sys.modules, module, raising=False)
    real = builtins.__import__

    def refuse(name, *rest, **more):
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_without_numba_the_numpy_engine_trains_and_says_so(monkeypatch):
    without(monkeypatch, "numba", "ddasp.nonlinear.mlp_compiled")
    for name in ("lanes", "mlp_loops"):
        monkeypatch.delitem(sys.modules, f"ddasp.nonlinear.{name}", raising=False)
    with pytest.warns(UserWarning, match="W-ENGINE: No module named 'numba'"):
        assert engine_of("mlp", "compiled") is mlp_numpy


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("torch", "torch", "torch"), ("tensorflow", "tensorflow", "tensorflow")],
)
@pytest.mark.parametrize("family", ENGINES)
def test_a_missing_framework_is_named_with_the_command(monkeypatch, family, name, package, extra):
    importlib.import_module(f"ddasp.nonlinear.{family}_{name}")
    without(monkeypatch, package, f"ddasp.nonlinear.{family}_{name}")
    monkeypatch.delitem(sys.modules, f"ddasp.nonlinear.optimizers_{name}", raising=False)
    with pytest.raises(DependencyError, match=rf'pip install "ddasp\[{extra}\]"'):
        engine_of(family, name)
