"""scikit-learn faces of the engines: parameters are plain values, `fit` resolves the engine.

*Conventions*: X (n_observations, n_features); float32 stays float32, everything else is computed in
float64; classes may be any labels and are kept, sorted, in ``classes_``; `logits` has one column
for each class, also for two; all randomness comes from ``random_state``. ``sample_weight`` says how
much an observation counts: with all observations in one batch, a weight of 2 is the same as the
observation twice; with minibatches that holds for the mean over their orders. An observation of
weight zero is left out.

*References*: L. Buitinck et al., "API design for machine learning software", 2013; the engines'
own references stand in their files.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ddasp._errors import InputError
from ddasp.nonlinear import mlp_numpy
from ddasp.nonlinear.engines import engine_of
from ddasp.nonlinear.network import Network
from ddasp.nonlinear.spec import (
    ModelSpec,
    Parameters,
    initial_parameters,
    weights_of,
)

__all__ = ["Classifier", "LogisticRegression", "MLPClassifier", "MLPRegressor", "counted"]

Array = NDArray[np.floating]
FLOATS = (np.float64, np.float32)


def counted(
    X: Array, y: NDArray, sample_weight: ArrayLike | None, groups: ArrayLike | None = None
) -> tuple[Array, NDArray, Array | None, NDArray | None]:
    """The observations whose weight is not zero.

    Parameters
    ----------
    X : numpy.ndarray of shape (n_observations, n_features)
    y : numpy.ndarray of shape (n_observations,)
    sample_weight : array_like of shape (n_observations,), optional
        Numbers >= 0, not all zero.
    groups : array_like of shape (n_observations,), optional

    Returns
    -------
    X : numpy.ndarray of shape (n_counted, n_features)
    y : numpy.ndarray of shape (n_counted,)
    sample_weight : numpy.ndarray of shape (n_counted,), or None
    groups : numpy.ndarray of shape (n_counted,), or None

    Raises
    ------
    InputError
        When weights or groups are not one for each row of X.
    """
    group = None if groups is None else np.asarray(groups)
    if group is not None and (group.shape != (len(X),) or any(g is None for g in group)):
        raise InputError(
            "E-ARGUMENT",
            f"groups has shape {group.shape}; expected ({len(X)},), a name or number for each row "
            "of X, none missing",
        )
    if sample_weight is None:
        return X, y, None, group
    weights_of(sample_weight, len(X), np.float64)  # the check
    w = np.asarray(sample_weight, dtype=np.float64)
    kept = w > 0
    return X[kept], y[kept], w[kept], None if group is None else group[kept]


class Classifier(ClassifierMixin, BaseEstimator):
    """From labels to codes and back; what is learned is left to the class below."""

    def _data(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        *,
        groups: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        first: bool = True,
    ) -> tuple[Array, NDArray[np.intp], Array | None, NDArray | None]:
        A, labels = validate_data(self, X, y, dtype=FLOATS, reset=first)
        check_classification_targets(labels)
        if first:
            self.classes_ = np.unique(labels if classes is None else np.asarray(classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise InputError(
                "E-ARGUMENT",
                f"classes is {np.unique(classes).tolist()}; expected {self.classes_.tolist()} as in "
                "the first call",
            )
        codes = np.searchsorted(self.classes_, labels).clip(0, len(self.classes_) - 1)
        strange = self.classes_[codes] != labels
        if strange.any():
            raise InputError(
                "E-ARGUMENT",
                f"y holds {labels[strange].tolist()[0]!r}; expected one of {self.classes_.tolist()} - "
                "partial_fit is told all classes in its first call",
            )
        return counted(A, codes, sample_weight, groups)

    def _check(self, X: ArrayLike) -> Array:
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, dtype=FLOATS, reset=False, ensure_min_samples=0))

    def logits(self, X: ArrayLike) -> Array:
        """Real-valued scores whose softmax is `predict_proba`, (n_observations, n_classes)."""
        raise NotImplementedError

    def decision_function(self, X: ArrayLike) -> Array:
        """Logits; for two classes their difference, (n_observations,), as scikit-learn has it."""
        z = self.logits(X)
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probabilities, (n_observations, n_classes)."""
        return np.asarray(softmax(self.logits(X), axis=1))

    def predict(self, X: ArrayLike) -> NDArray:
        """Label of the largest logit, (n_observations,)."""
        z = self.logits(X)
        return np.asarray(self.classes_[z.argmax(axis=1)])


class LogisticRegression(Classifier):
    """Multinomial logistic regression: one dense layer with softmax, trained to the optimum.

    Parameters
    ----------
    C : float
        Inverse of the regularisation, > 0; scikit-learn's C.
    max_iter : int
        Largest number of L-BFGS iterations.
    tol : float
        Stop when no entry of the gradient of the mean loss exceeds this.
    engine : str
        Whose loss and gradients are used: "numpy", "compiled", "torch" or "tensorflow".

    Attributes
    ----------
    coef_ : numpy.ndarray of shape (n_features, n_classes)
    intercept_ : numpy.ndarray of shape (n_classes,)
    n_iter_ : int

    Notes
    -----
    Minimises C sum_i w_i (-log p(y_i | x_i)) + 1/2 ||W||^2; divided by C sum_i w_i this is the loss
    of `mlp_numpy` for widths (n_features, n_classes) with l2 = 1 / (C sum_i w_i). The intercepts
    are not penalised, so they are free up to a common constant and are given with mean zero.

    Examples
    --------
    >>> X = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    >>> LogisticRegression().fit(X, ["low", "low", "high", "high"]).predict([[-3.0], [3.0]])
    array(['low', 'high'], dtype='<U4')
    """

    def __init__(
        self, C: float = 1.0, *, max_iter: int = 500, tol: float = 1e-4, engine: str = "numpy"
    ) -> None:
        self.C = C
        self.max_iter = max_iter
        self.tol = tol
        self.engine = engine

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find W and b by L-BFGS from zero; the problem is convex, so the start doesn't matter."""
        X, codes, w, _ = self._data(X, y, sample_weight)
        if self.C <= 0:
            raise InputError("E-ARGUMENT", f"C is {self.C}; expected a number above 0")
        engine = engine_of("mlp", self.engine)
        shape = (X.shape[1], len(self.classes_))
        n = len(X) if w is None else w.sum()
        spec = ModelSpec(shape, ("softmax",), "categorical_cross_entropy", l2=1 / (self.C * n))

        def unpack(theta: Array) -> Parameters:
            W, b = np.split(theta.astype(X.dtype), [shape[0] * shape[1]])
            return W.reshape(shape), b

        def objective(theta: Any) -> tuple[float, NDArray[np.float64]]:
            model = engine.build(spec, unpack(theta))
            value, (dW, db) = engine.loss_and_gradients(model, X, codes, w)
            return value, np.concatenate([dW.ravel(), db]).astype(np.float64)

        options: Any = {
            "maxiter": self.max_iter,
            "gtol": self.tol,
            "ftol": 64 * np.finfo(X.dtype).eps,
        }
        start: Any = np.zeros((shape[0] + 1) * shape[1])
        result = minimize(objective, start, method="L-BFGS-B", jac=True, options=options)
        self.coef_, self.intercept_ = unpack(result.x)
        self.intercept_ -= self.intercept_.mean()
        self.n_iter_ = int(result.nit)
        if result.status == 1:
            warnings.warn(
                f"L-BFGS stopped after max_iter = {self.max_iter} iterations, before the gradient "
                f"fell to tol = {self.tol:g} - are the features standardised?",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def logits(self, X: ArrayLike) -> Array:
        """X W + b, (n_observations, n_classes)."""
        return np.asarray(self._check(X) @ self.coef_ + self.intercept_)


class _MLP(Network):
    """The network that classifier and regressor share."""

    family = "mlp"

    def __init__(
        self,
        hidden: tuple[int, ...] = (64,),
        *,
        activation: str = "relu",
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        schedule: str = "cosine",
        l1: float = 0.0,
        l2: float = 0.0,
        weight_decay: float = 0.0,
        noise: float = 0.0,
        dropout: float = 0.0,
        n_epochs: int = 50,
        batch_size: int | None = 32,
        early_stopping: bool = False,
        validation_fraction: float = 0.15,
        patience: int = 10,
        engine: str = "compiled",
        device: str = "cpu",
        progress: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.schedule = schedule
        self.l1 = l1
        self.l2 = l2
        self.weight_decay = weight_decay
        self.noise = noise
        self.dropout = dropout
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.engine = engine
        self.device = device
        self.progress = progress
        self.random_state = random_state

    def _mlp_spec(self, n_inputs: int, n_outputs: int, last: str, loss: str) -> ModelSpec:
        if not isinstance(self.hidden, tuple | list):
            raise InputError(
                "E-ARGUMENT", f"hidden is {self.hidden!r}; expected a tuple of integers, like (64,)"
            )
        hidden = tuple(self.hidden)
        return ModelSpec(
            (n_inputs, *hidden, n_outputs),
            (self.activation,) * len(hidden) + (last,),
            loss,
            l1=self.l1,
            l2=self.l2,
            noise=self.noise,
            dropout=self.dropout,
        )

    def _initial(self, spec: Any, rng: np.random.Generator, dtype: np.dtype) -> tuple[Any, ...]:
        return (initial_parameters(spec, rng, dtype=dtype),)

    def _keep(self, spec: Any, *arrays: Parameters) -> None:
        self.model_ = mlp_numpy.build(spec, *arrays)

    def _kept(self) -> tuple[Any, ...]:
        return self.model_.spec, self.model_.theta

    @property
    def parameters_(self) -> Parameters:
        """Copies of (W1, b1, W2, b2, ...); assign to set them."""
        check_is_fitted(self)
        return mlp_numpy.parameters(self.model_)

    @parameters_.setter
    def parameters_(self, theta: Parameters) -> None:
        check_is_fitted(self)
        self.model_ = mlp_numpy.build(self.model_.spec, self._settable(theta))
        self._trained = None


class MLPClassifier(Classifier, _MLP):
    """Multilayer perceptron with softmax, trained on minibatches.

    Parameters
    ----------
    hidden : tuple of int
        Units of each hidden layer.
    activation : str
        "relu", "tanh", "sigmoid" or "linear".
    optimizer : str
        "adam" or "sgd".
    learning_rate : float
    momentum : float
        Of sgd.
    schedule : str
        "cosine" (the learning rate falls to zero along half a cosine) or "constant".
    l1, l2 : float
        Weights of the penalties l1 sum |W| + l2 / 2 sum W^2.
    weight_decay : float
        Of adam: share of each weight, times the learning rate, that a step takes away (AdamW).
    noise : float
        Standard deviation of Gaussian noise added to the inputs in training.
    dropout : float
        Probability with which a hidden unit is silent in a training step.
    n_epochs : int
    batch_size : int or None
        None: all observations in every step.
    early_stopping : bool
        Keep some groups back and end with the parameters that served them best.
    validation_fraction : float
        How many observations are kept back for it.
    patience : int
        Epochs without improvement before training ends.
    engine : str
        "compiled" (Numba), "numpy", "torch" or "tensorflow": the same numbers up to rounding.
    device : str
        Of engine "torch": "cpu", "cuda", ...
    progress : bool
        Show how far training is.
    random_state : int or None
        Seed of initial parameters, order of the minibatches, noise, dropout, what is kept back.

    Attributes
    ----------
    model_ : ddasp.nonlinear.mlp_numpy.Model
        Spec and parameters, whichever engine trained them.
    parameters_ : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
        (W1, b1, W2, b2, ...); may be assigned to.
    losses_ : numpy.ndarray of shape (n_steps,)
        Loss of every minibatch.
    validation_losses_ : numpy.ndarray of shape (n_epochs_done,)
        With early stopping.

    Examples
    --------
    >>> X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), ["same", "other", "other", "same"]
    >>> mlp = MLPClassifier((16,), learning_rate=0.02, n_epochs=300, engine="numpy", random_state=0)
    >>> mlp.fit(X, y).predict(X)
    array(['same', 'other', 'other', 'same'], dtype='<U5')
    """

    def _spec(self, n_inputs: int) -> ModelSpec:
        n_classes = len(self.classes_)
        return self._mlp_spec(n_inputs, n_classes, "softmax", "categorical_cross_entropy")

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train from new initial parameters.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_features)
        y : array_like of shape (n_observations,)
        sample_weight : array_like of shape (n_observations,), optional
        groups : array_like of shape (n_observations,), optional
            The speaker, device or day of each observation, for early stopping; without that they
            have no effect.
        """
        self._learn(*self._data(X, y, sample_weight, groups=groups))
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """One more epoch on these observations, at the full learning rate; nothing is kept back.

        A copy (`pickle`, `copy.deepcopy`) goes on with an optimizer that has forgotten its past,
        as one does whose engine was changed.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_features)
        y : array_like of shape (n_observations,)
        classes : array_like of shape (n_classes,), optional
            All classes that will ever come; needed in the first call if y holds fewer.
        sample_weight : array_like of shape (n_observations,), optional
        """
        data = self._data(X, y, sample_weight, classes=classes, first=self._is_new())
        self._continue(*data[:3])
        return self

    def logits(self, X: ArrayLike) -> Array:
        """Input of the softmax, (n_observations, n_classes)."""
        return self._logits(self._check(X))


class MLPRegressor(RegressorMixin, _MLP):
    """Multilayer perceptron with linear output and squared error; parameters of `MLPClassifier`.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 41)[:, np.newaxis]
    >>> mlp = MLPRegressor((16,), learning_rate=0.02, n_epochs=200, engine="numpy", random_state=0)
    >>> abs(mlp.fit(X, X[:, 0] ** 2).predict([[0.5]])[0] - 0.25) < 0.05
    np.True_
    """

    def _spec(self, n_inputs: int) -> ModelSpec:
        return self._mlp_spec(n_inputs, 1, "linear", "squared_error")

    def _values(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        *,
        groups: ArrayLike | None = None,
        first: bool = True,
    ) -> tuple[Array, NDArray, Array | None, NDArray | None]:
        A, values = validate_data(self, X, y, dtype=FLOATS, y_numeric=True, reset=first)
        targets = np.asarray(values, dtype=A.dtype)[:, np.newaxis]
        return counted(A, targets, sample_weight, groups)

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train from new initial parameters; arguments of `MLPClassifier.fit`, y numbers."""
        self._learn(*self._values(X, y, sample_weight, groups=groups))
        return self

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """One more epoch on these observations, at the full learning rate."""
        self._continue(*self._values(X, y, sample_weight, first=self._is_new())[:3])
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predicted values, (n_observations,)."""
        check_is_fitted(self)
        A = np.asarray(validate_data(self, X, dtype=FLOATS, reset=False, ensure_min_samples=0))
        return self._logits(A)[:, 0]
