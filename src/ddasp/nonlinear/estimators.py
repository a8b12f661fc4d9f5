"""scikit-learn faces of the engines: parameters are plain values, `fit` resolves the engine.

*Conventions*: X (n_observations, n_features); float32 stays float32, everything else is computed in
float64; classes may be any labels and are kept, sorted, in ``classes_``; `logits` has one column
for each class, also for two; all randomness comes from ``random_state``.

*References*: Buitinck et al., "API design for machine learning software", 2013; the engines'
own references stand in their files.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ddasp._errors import DependencyError, InputError
from ddasp.nonlinear import mlp_numpy
from ddasp.nonlinear.spec import (
    Adam,
    Augmentation,
    CNNSpec,
    ModelSpec,
    Parameters,
    initial_parameters,
    minibatches,
)

__all__ = ["CNNClassifier", "LogisticRegression", "MLPClassifier", "MLPRegressor"]

Array = NDArray[np.floating]
FLOATS = (np.float64, np.float32)


class _Classifier(ClassifierMixin, BaseEstimator):
    """From labels to codes and back; what is learned is left to the class below."""

    def _codes(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, NDArray[np.intp]]:
        A, labels = validate_data(self, X, y, dtype=FLOATS)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        return A, codes

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


class LogisticRegression(_Classifier):
    """Multinomial logistic regression: one dense layer with softmax, trained to the optimum.

    Parameters
    ----------
    C : float
        Inverse of the regularisation, > 0; scikit-learn's C.
    max_iter : int
        Largest number of L-BFGS iterations.
    tol : float
        Stop when no entry of the gradient of the mean loss exceeds this.

    Attributes
    ----------
    coef_ : numpy.ndarray of shape (n_features, n_classes)
    intercept_ : numpy.ndarray of shape (n_classes,)
    n_iter_ : int

    Notes
    -----
    Minimises C sum_i -log p(y_i | x_i) + 1/2 ||W||^2; divided by C n this is the loss of
    `mlp_numpy` for widths (n_features, n_classes) with l2 = 1 / (C n). The intercepts are not
    penalised, so they are free up to a common constant and are given with mean zero.

    Examples
    --------
    >>> X = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    >>> LogisticRegression().fit(X, ["low", "low", "high", "high"]).predict([[-3.0], [3.0]])
    array(['low', 'high'], dtype='<U4')
    """

    def __init__(self, C: float = 1.0, *, max_iter: int = 500, tol: float = 1e-4) -> None:
        self.C = C
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Find W and b by L-BFGS from zero; the problem is convex, so the start doesn't matter."""
        X, codes = self._codes(X, y)
        if self.C <= 0:
            raise InputError("E-ARGUMENT", f"C is {self.C}; expected a number above 0")
        shape = (X.shape[1], len(self.classes_))
        spec = ModelSpec(shape, ("softmax",), "categorical_cross_entropy", l2=1 / (self.C * len(X)))

        def unpack(theta: Array) -> Parameters:
            W, b = np.split(theta.astype(X.dtype), [shape[0] * shape[1]])
            return W.reshape(shape), b

        def objective(theta: Any) -> tuple[float, NDArray[np.float64]]:
            model = mlp_numpy.Model(spec, unpack(theta))
            value, (dW, db) = mlp_numpy.loss_and_gradients(model, X, codes)
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
        return self

    def logits(self, X: ArrayLike) -> Array:
        """X W + b, (n_observations, n_classes)."""
        return np.asarray(self._check(X) @ self.coef_ + self.intercept_)


class _MLP(BaseEstimator):
    """The training that classifier and regressor share."""

    def __init__(
        self,
        hidden: tuple[int, ...] = (64,),
        *,
        activation: str = "relu",
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        noise: float = 0.0,
        dropout: float = 0.0,
        n_epochs: int = 50,
        batch_size: int = 32,
        random_state: int | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.noise = noise
        self.dropout = dropout
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.random_state = random_state

    def _train(self, X: Array, y: NDArray, n_outputs: int, last: str, loss: str) -> None:
        # one stream of random numbers for each purpose: a longer one does not move the others
        starts, orders, noises = map(
            np.random.default_rng, np.random.SeedSequence(self.random_state).spawn(3)
        )
        hidden = tuple(self.hidden)
        spec = ModelSpec(
            (X.shape[1], *hidden, n_outputs), (self.activation,) * len(hidden) + (last,), loss
        )
        model = mlp_numpy.build(spec, initial_parameters(spec, starts, dtype=X.dtype))
        self.model_, self.losses_ = mlp_numpy.fit(
            model,
            X,
            y,
            optimizer=Adam(self.learning_rate, weight_decay=self.weight_decay, schedule="cosine"),
            batches=minibatches(len(X), self.batch_size, self.n_epochs, orders),
            noise=self.noise,
            dropout=self.dropout,
            rng=noises,
        )


class MLPClassifier(_Classifier, _MLP):
    """Multilayer perceptron with softmax, trained by Adam on minibatches.

    Parameters
    ----------
    hidden : tuple of int
        Units of each hidden layer.
    activation : str
        "relu", "tanh", "sigmoid" or "linear".
    learning_rate : float
        Of Adam at the start; falls to zero along half a cosine.
    weight_decay : float
        Share of each weight, times the learning rate, that a step takes away (AdamW).
    noise : float
        Standard deviation of Gaussian noise added to the inputs in training.
    dropout : float
        Probability with which a hidden unit is silent in a training step.
    n_epochs, batch_size : int
    random_state : int or None
        Seed of initial parameters, order of the minibatches, noise and dropout.

    Attributes
    ----------
    model_ : ddasp.nonlinear.mlp_numpy.Model
        Spec and parameters.
    losses_ : numpy.ndarray of shape (n_steps,)
        Loss of every minibatch.

    Examples
    --------
    >>> X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), ["same", "other", "other", "same"]
    >>> mlp = MLPClassifier((16,), learning_rate=0.02, n_epochs=300, random_state=0)
    >>> mlp.fit(X, y).predict(X)
    array(['same', 'other', 'other', 'same'], dtype='<U5')
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train from new initial parameters."""
        X, codes = self._codes(X, y)
        self._train(X, codes, len(self.classes_), "softmax", "categorical_cross_entropy")
        return self

    def logits(self, X: ArrayLike) -> Array:
        """Input of the softmax, (n_observations, n_classes)."""
        X = self._check(X)
        return mlp_numpy.logits(self.model_, X)


class MLPRegressor(RegressorMixin, _MLP):
    """Multilayer perceptron with linear output and squared error; parameters of `MLPClassifier`.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 41)[:, np.newaxis]
    >>> mlp = MLPRegressor((16,), learning_rate=0.02, n_epochs=200, random_state=0)
    >>> abs(mlp.fit(X, X[:, 0] ** 2).predict([[0.5]])[0] - 0.25) < 0.05
    np.True_
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train from new initial parameters; y (n_observations,)."""
        A, values = validate_data(self, X, y, dtype=FLOATS, y_numeric=True)
        targets = np.asarray(values, dtype=A.dtype)[:, np.newaxis]
        self._train(A, targets, 1, "linear", "squared_error")
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predicted values, (n_observations,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, reset=False)
        return mlp_numpy.predict(self.model_, X)[:, 0]


def _engine(name: str) -> Any:
    try:
        return import_module(f"ddasp.nonlinear.{name}")
    except ImportError as error:
        raise DependencyError(
            "E-DEPENDENCY",
            f'ddasp.nonlinear.{name} needs PyTorch: pip install "ddasp[torch]"',
        ) from error


class CNNClassifier(_Classifier):
    """Convolutional network on maps, such as log-mel spectrograms, flattened into rows of X.

    Parameters
    ----------
    input_shape : tuple of int
        (n_frames, n_bands) of a map; X has n_frames * n_bands columns.
    channels : tuple of int
        Maps behind each block of convolution, batch normalisation, ReLU and pooling.
    learning_rate : float
        Of AdamW at the start; falls to zero along half a cosine.
    weight_decay : float
    dropout : float
        Probability with which an input of the dense layer is silent in a training step.
    shift, mask : float
        Augmentation: largest random shift in time, and widest masked stripe along both axes, as a
        share of the map's side; 0 switches it off.
    smoothing : float
        Share of each target's probability that is spread over all classes.
    n_epochs, batch_size : int
    random_state : int or None

    Attributes
    ----------
    layers_ : tuple of ddasp.nonlinear.spec.MapLayer
        What was learned as arrays, batch normalisation folded into the convolutions.
    losses_ : numpy.ndarray of shape (n_steps,)
    """

    def __init__(
        self,
        input_shape: tuple[int, int],
        *,
        channels: tuple[int, ...] = (16, 32, 64),
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
        dropout: float = 0.3,
        shift: float = 0.06,
        mask: float = 0.15,
        smoothing: float = 0.1,
        n_epochs: int = 20,
        batch_size: int = 64,
        random_state: int | None = None,
    ) -> None:
        self.input_shape = input_shape
        self.channels = channels
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.shift = shift
        self.mask = mask
        self.smoothing = smoothing
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.random_state = random_state

    def _maps(self, X: Array) -> NDArray[np.float32]:
        n_frames, n_bands = self.input_shape
        if X.shape[1] != n_frames * n_bands:
            raise InputError(
                "E-ARGUMENT",
                f"X has {X.shape[1]} columns; expected {n_frames * n_bands} = "
                f"{n_frames} frames x {n_bands} bands of input_shape",
            )
        return X.astype(np.float32).reshape(-1, 1, n_frames, n_bands)

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train from new initial parameters.

        Raises
        ------
        DependencyError
            When PyTorch is missing; the message holds the command that installs it.
        """
        engine = _engine("cnn_torch")
        X, codes = self._codes(X, y)
        spec = CNNSpec(
            tuple(self.input_shape), tuple(self.channels), len(self.classes_), self.dropout
        )
        starts, orders, noises = np.random.SeedSequence(self.random_state).spawn(3)
        model = engine.build(spec, int(starts.generate_state(1)[0]))
        self.losses_ = engine.fit(
            model,
            self._maps(X),
            codes,
            optimizer=Adam(self.learning_rate, weight_decay=self.weight_decay, schedule="cosine"),
            batches=minibatches(
                len(X), self.batch_size, self.n_epochs, np.random.default_rng(orders)
            ),
            augmentation=Augmentation(self.shift, self.mask),
            smoothing=self.smoothing,
            rng=np.random.default_rng(noises),
        )
        self.layers_ = engine.parameters(model)
        return self

    def logits(self, X: ArrayLike) -> Array:
        """Input of the softmax, (n_observations, n_classes)."""
        return np.asarray(_engine("cnn_torch").predict(self.layers_, self._maps(self._check(X))))
