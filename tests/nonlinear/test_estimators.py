"""The scikit-learn faces: its own checks, its own solvers as oracle, and determinism."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression as Oracle
from sklearn.utils.estimator_checks import parametrize_with_checks

from ddasp._errors import DependencyError, InputError
from ddasp.nonlinear import mlp_numpy
from ddasp.nonlinear.cnn_estimator import CNNClassifier
from ddasp.nonlinear.estimators import LogisticRegression, MLPClassifier, MLPRegressor

# One batch of all observations, and nothing random in a step: then weights count exactly as
# repeated rows do, which is one of the checks. Few rows and no augmentation ask for more epochs.
WHOLE = {"n_epochs": 200, "learning_rate": 0.02, "batch_size": None, "random_state": 0}
PLAIN = {"channels": (4,), "batch_norm": False, "dropout": 0.0, "shift": 0.0, "mask": 0.0}


@parametrize_with_checks(
    [
        LogisticRegression(),
        MLPClassifier((16,), **WHOLE, engine="numpy"),
        MLPClassifier((16,), **WHOLE, engine="compiled"),
        MLPClassifier((16,), **WHOLE, engine="torch"),
        MLPRegressor((16,), **WHOLE),
        CNNClassifier(**PLAIN, **WHOLE, engine="numpy"),
        CNNClassifier(**PLAIN, **WHOLE),
    ]
)
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


@pytest.fixture
def blobs():
    return make_blobs(90, 5, centers=3, cluster_std=4.0, random_state=0)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_logistic_regression_equals_scikit_learn(blobs, C):
    X, y = blobs
    X = X / X.std(axis=0)
    ours = LogisticRegression(C, tol=1e-8, max_iter=5000).fit(X, y)
    theirs = Oracle(C=C, tol=1e-10, max_iter=5000).fit(X, y)
    # both stop where the gradient is small, not at the optimum itself
    assert_allclose(ours.coef_.T, theirs.coef_, atol=2e-4 * np.abs(theirs.coef_).max())
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-4)


def test_a_strong_penalty_leaves_the_shares_of_the_classes(blobs):
    X, y = blobs
    rows = np.r_[np.flatnonzero(y == 0)[:5], np.flatnonzero(y == 1)[:20]]
    p = LogisticRegression(1e-9, tol=1e-9).fit(X[rows], y[rows]).predict_proba(X[:1])
    assert_allclose(p, [[0.2, 0.8]], atol=1e-4)


def test_float32_reaches_the_optimum_of_float64(blobs):
    X, y = blobs
    X = X / X.std(axis=0)
    single = LogisticRegression(0.1).fit(X.astype(np.float32), y)
    assert single.coef_.dtype == np.float32
    double = LogisticRegression(0.1, tol=1e-9).fit(X, y)
    # a gradient of at most tol = 1e-4 leaves this much
    assert_allclose(single.predict_proba(X), double.predict_proba(X), atol=5e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_seeds_give_equal_networks_and_others_differ(blobs, dtype):
    X, y = blobs
    X = X.astype(dtype)
    mlp = MLPClassifier((8,), n_epochs=3, noise=0.1, dropout=0.2, random_state=1)
    first, second = clone(mlp).fit(X, y).logits(X), clone(mlp).fit(X, y).logits(X)
    assert first.dtype == dtype
    assert_array_equal(first, second)
    other = clone(mlp).set_params(random_state=2).fit(X, y).logits(X)
    assert not np.array_equal(first, other)


def test_probabilities_are_the_softmax_of_the_logits_and_labels_come_back(blobs):
    X, y = blobs
    names = np.array(["äh", "b", "c"])[y]
    model = LogisticRegression().fit(X, names)
    assert_array_equal(model.classes_, ["b", "c", "äh"])
    z = model.logits(X)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(X), p, rtol=1e-10)
    assert_array_equal(model.predict(X), model.classes_[z.argmax(axis=1)])


def test_regressor_follows_a_curve_that_no_line_follows():
    X = np.linspace(-1, 1, 101)[:, np.newaxis]
    y = X[:, 0] ** 2
    mlp = MLPRegressor((16,), learning_rate=0.02, n_epochs=200, random_state=0).fit(X, y)
    assert mlp.score(X, y) > 0.98


def test_a_penalty_of_the_wrong_sign_is_named(blobs):
    with pytest.raises(InputError, match="C is -1"):
        LogisticRegression(-1.0).fit(*blobs)


@pytest.mark.parametrize("engine", ["compiled", "torch", "tensorflow"])
@pytest.mark.parametrize("loss", ["classes", "numbers"])
def test_an_mlp_is_the_same_whichever_engine_trains_it(blobs, engine, loss):
    X, y = blobs
    face = MLPClassifier if loss == "classes" else MLPRegressor
    mlp = face((6,), n_epochs=3, dropout=0.1, noise=0.1, engine="numpy", random_state=3)
    ours, theirs = clone(mlp).fit(X, y), clone(mlp).set_params(engine=engine).fit(X, y)
    ask = "logits" if loss == "classes" else "predict"
    assert_allclose(getattr(ours, ask)(X), getattr(theirs, ask)(X), rtol=1e-9)
    assert_allclose(ours.partial_fit(X, y).losses_, theirs.partial_fit(X, y).losses_, rtol=1e-9)


@pytest.mark.parametrize("engine", ["numpy", "tensorflow"])
def test_a_cnn_is_the_same_whichever_engine_trains_it(blobs, engine):
    X, y = blobs
    cnn = CNNClassifier(channels=(3,), n_epochs=2, random_state=3)
    ours, theirs = clone(cnn).fit(X, y), clone(cnn).set_params(engine=engine).fit(X, y)
    assert_allclose(ours.logits(X), theirs.logits(X), rtol=1e-9)
    for a, b in zip(ours.layers_, theirs.layers_, strict=True):
        assert a.kind == b.kind
        if a.weights is not None:
            assert_allclose(a.weights, b.weights, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("face", [MLPClassifier, CNNClassifier])
def test_parameters_can_be_read_and_set(blobs, face):
    X, y = blobs
    model = face(n_epochs=1, engine="numpy", random_state=0).fit(X, y)
    before = model.logits(X)
    theta = model.parameters_
    for p in theta:
        p[:] = 0  # copies: the model keeps its own
    assert_array_equal(model.logits(X), before)
    model.parameters_ = theta
    assert_array_equal(model.logits(X), np.zeros_like(before))
    model.partial_fit(X, y)
    assert np.abs(model.logits(X)).max() > 0
    with pytest.raises(InputError, match="theta has shapes"):
        model.parameters_ = theta[:-1]


def test_partial_fit_goes_on_as_one_training_would(blobs):
    X, y = blobs
    mlp = MLPClassifier((4,), schedule="constant", batch_size=None, engine="numpy", random_state=0)
    for _ in range(30):
        mlp.partial_fit(X, y)
    model = mlp_numpy.build(mlp.model_.spec, MLPClassifier.parameters_.fget(_started(mlp, X, y)))
    rows = [np.arange(len(X))] * 30
    whole, losses = mlp_numpy.fit(model, X, y, optimizer=mlp._optimizer("constant"), batches=rows)
    # the rows stand in another order in every epoch: sums are rounded differently
    assert_allclose(mlp.losses_, losses, rtol=1e-9)
    for p, q in zip(mlp.parameters_, whole.theta, strict=True):
        assert_allclose(p, q, rtol=1e-6, atol=1e-9)


def _started(mlp, X, y):
    """The same estimator after a first epoch that changes nothing."""
    return clone(mlp).set_params(learning_rate=0.0).partial_fit(X, y)


def test_partial_fit_learns_classes_that_come_later_and_refuses_strange_ones(blobs):
    X, y = blobs
    mlp = MLPClassifier((8,), learning_rate=0.02, engine="numpy", random_state=0)
    mlp.partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    for _ in range(40):
        mlp.partial_fit(X, y)
    assert mlp.score(X, y) > 0.6
    with pytest.raises(InputError, match="y holds 7; expected one of"):
        mlp.partial_fit(X, np.full(len(X), 7))


def test_weights_with_minibatches_pull_towards_what_counts(blobs):
    X, y = blobs
    mlp = MLPClassifier((8,), n_epochs=20, engine="numpy", random_state=0)
    heavy = mlp.fit(X, y, np.where(y == 2, 50.0, 1.0)).predict(X)
    assert (heavy == 2).mean() > (mlp.fit(X, y).predict(X) == 2).mean() + 0.1
    with pytest.raises(InputError, match="not all zero"):
        mlp.fit(X, y, np.zeros(len(X)))


def test_early_stopping_takes_groups_and_ends_before_the_last_epoch(blobs):
    X, y = blobs
    groups = np.repeat(np.arange(9), 10)
    mlp = MLPClassifier(
        (32,), n_epochs=300, early_stopping=True, patience=5, engine="numpy", random_state=0,
        learning_rate=0.02, schedule="constant",
    ).fit(X, y, groups=groups)  # fmt: skip
    assert len(mlp.validation_losses_) < 300
    weights = np.ones(90)
    weights[:10] = 0
    mlp.fit(X, y, weights, groups=groups)
    with pytest.raises(InputError, match=r"groups has shape \(89,\)"):
        mlp.fit(X, y, groups=groups[:-1])


def test_progress_says_how_far_training_is(blobs, capsys, monkeypatch):
    monkeypatch.setattr("ddasp._progress.SHOW_AFTER", 0.0)
    MLPClassifier((2,), n_epochs=3, progress=True, engine="numpy").fit(*blobs)
    assert "epochs: 3 of 3" in capsys.readouterr().err


def test_device_belongs_to_torch(blobs):
    with pytest.raises(InputError, match="only engine 'torch' trains elsewhere"):
        MLPClassifier(engine="numpy", device="cuda").fit(*blobs)


def test_a_wrong_number_of_columns_for_the_maps_is_named():
    with pytest.raises(InputError, match="X has 5 columns; expected 4 = 2 x 2 of input_shape"):
        CNNClassifier((2, 2), engine="numpy").fit(np.zeros((4, 5)), [0, 0, 1, 1])


def test_missing_torch_is_named_with_the_command_that_mends_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "ddasp.nonlinear.cnn_torch", raising=False)
    with pytest.raises(DependencyError, match=r'pip install "ddasp\[torch\]"'):
        CNNClassifier((2, 2)).fit(np.zeros((4, 4)), [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("face", "settings", "message"),
    [
        (MLPClassifier, {"hidden": 64}, r"hidden is 64; expected a tuple .* like \(64,\)"),
        (MLPClassifier, {"hidden": (8.0,)}, "a width of .* is 8.0"),
        (MLPClassifier, {"batch_size": 16.9}, "batch_size is 16.9"),
        (MLPClassifier, {"learning_rate": "adaptive"}, "is this the name of a schedule"),
        (MLPClassifier, {"random_state": -1}, "random_state is -1"),
        (MLPClassifier, {"optimizer": "adamm"}, "did you mean 'adam'"),
        (CNNClassifier, {"channels": 4}, "each of channels, which is 4"),
    ],
)
def test_wrong_settings_are_named(blobs, face, settings, message):
    with pytest.raises(InputError, match=message):
        face(**{"engine": "numpy", **settings}).fit(*blobs)


@pytest.mark.parametrize("groups", [[1] * 89, 5, [[1]] * 90, [None] * 90])
def test_groups_are_one_for_each_row(blobs, groups):
    X, y = blobs
    with pytest.raises(InputError, match=r"groups has shape .*; expected \(90,\)"):
        MLPClassifier(engine="numpy").fit(X, y, np.ones(90), groups=groups)


def test_a_fit_that_fails_leaves_what_was_learned(blobs):
    X, y = blobs
    cnn = CNNClassifier(channels=(3,), n_epochs=1, engine="numpy", random_state=0).fit(X, y)
    before = cnn.predict(X)
    with pytest.raises(InputError):
        cnn.set_params(optimizer="adamm", channels=(5,)).fit(X, y)
    assert_array_equal(cnn.predict(X), before)


def test_parameters_that_are_set_after_fit_hold_in_partial_fit(blobs):
    X, y = blobs
    mlp = MLPClassifier((4,), n_epochs=2, dropout=0.5, l2=3.0, engine="numpy", random_state=0)
    mlp.fit(X, y).set_params(dropout=0.0, l2=0.0, engine="torch").partial_fit(X, y)
    assert (mlp.model_.spec.dropout, mlp.model_.spec.l2) == (0.0, 0.0)
    with pytest.raises(InputError, match="theta has shapes"):
        mlp.set_params(hidden=(9,)).partial_fit(X, y)
    with pytest.raises(InputError, match="only engine 'torch'"):
        mlp.set_params(hidden=(4,), engine="numpy", device="cuda").partial_fit(X, y)
    with pytest.raises(InputError, match=r"classes is \[0, 1\]; expected \[0, 1, 2\]"):
        mlp.set_params(device="cpu").partial_fit(X, y, classes=[0, 1])


def test_logistic_regression_says_when_it_stopped_too_early(blobs):
    X, y = blobs
    with pytest.warns(ConvergenceWarning, match="max_iter = 2"):
        LogisticRegression(max_iter=2).fit(1e3 * X, y)


def test_what_is_not_fitted_or_not_finite_has_no_parameters(blobs):
    for face in (MLPClassifier, CNNClassifier):
        with pytest.raises(NotFittedError):
            _ = face().parameters_
    mlp = MLPClassifier(n_epochs=1, engine="numpy").fit(*blobs)
    with pytest.raises(InputError, match="NaN or infinity"):
        mlp.parameters_ = tuple(p * np.nan for p in mlp.parameters_)
    assert MLPRegressor(n_epochs=1).fit(*blobs).predict(np.zeros((0, 5))).shape == (0,)
