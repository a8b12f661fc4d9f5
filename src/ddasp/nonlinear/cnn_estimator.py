"""The scikit-learn face of the convolutional network.

*Conventions*: those of `estimators`; a row of X is one map, flattened: frame by frame, and within
a frame band by band.

*References*: D. S. Park et al., "SpecAugment", Interspeech 2019 (masks); C. Szegedy et al.,
"Rethinking the Inception architecture", CVPR 2016 (smoothed targets).
"""

from __future__ import annotations

from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from ddasp._check import whole
from ddasp._errors import InputError
from ddasp.nonlinear.cnn_data import Augmentation
from ddasp.nonlinear.cnn_spec import CNNSpec, classifier, initial_parameters, initial_state
from ddasp.nonlinear.estimators import Classifier
from ddasp.nonlinear.map_layers import fold
from ddasp.nonlinear.network import Network
from ddasp.nonlinear.spec import (
    Parameters,
)

__all__ = ["CNNClassifier"]

Array = NDArray[np.floating]


class CNNClassifier(Classifier, Network):
    """Convolutional network on maps, such as log-mel spectrograms, or on signals, as rows of X.

    Parameters
    ----------
    input_shape : tuple of int, optional
        (n_frames, n_bands) of a map, or (n_samples,) of a signal: X has as many columns. Without
        it a row of X is a signal.
    channels : tuple of int
        Maps behind each block of convolution, batch normalisation, ReLU and pooling.
    batch_norm : bool
        Whether blocks normalise; its means and variances count every observation once, whatever
        its weight.
    optimizer : str
        "adam" or "sgd".
    learning_rate : float
    momentum : float
        Of sgd.
    schedule : str
        "cosine" (the learning rate falls to zero along half a cosine) or "constant".
    weight_decay : float
        Of adam (AdamW).
    dropout : float
        Probability with which an input of the dense layer is silent in a training step.
    shift, mask : float
        Augmentation: largest random shift in time, and widest masked stripe along each axis, as a
        share of the map's side; 0 switches it off.
    smoothing : float
        Share of each target's probability that is spread over all classes.
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
        "torch", "numpy" or "tensorflow": the same numbers up to rounding.
    device : str
        Of engine "torch": "cpu", "cuda", ...
    progress : bool
        Show how far training is.
    random_state : int or None

    Attributes
    ----------
    spec_ : ddasp.nonlinear.cnn_spec.CNNSpec
    parameters_ : tuple of numpy.ndarray of shape (n_out, n_in, *size), (n_in, n_out) or (n_out,)
        In the order of the layers; may be assigned to.
    state_ : tuple of numpy.ndarray of shape (n_maps,)
        Running mean and variance of each batch normalisation.
    layers_ : tuple of ddasp.nonlinear.map_layers.MapLayer
        The trained network as a list of arrays, batch normalisation folded into the convolutions.
    losses_ : numpy.ndarray of shape (n_steps,)
        Loss of every minibatch.
    validation_losses_ : numpy.ndarray of shape (n_epochs_done,)
        With early stopping.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 32))
    >>> X[:30] = np.sin(np.arange(32) + rng.uniform(0, 6, size=(30, 1)))  # a tone in half of them
    >>> y = ["tone"] * 30 + ["noise"] * 30
    >>> cnn = CNNClassifier(channels=(4,), n_epochs=40, batch_size=16, engine="numpy")
    >>> cnn = cnn.set_params(random_state=0)
    >>> bool(cnn.fit(X, y).score(X, y) > 0.9)
    True
    """

    family = "cnn"

    def __init__(
        self,
        input_shape: tuple[int, ...] | None = None,
        *,
        channels: tuple[int, ...] = (16, 32, 64),
        batch_norm: bool = True,
        optimizer: str = "adam",
        learning_rate: float = 3e-3,
        momentum: float = 0.9,
        schedule: str = "cosine",
        weight_decay: float = 1e-2,
        dropout: float = 0.3,
        shift: float = 0.06,
        mask: float = 0.15,
        smoothing: float = 0.1,
        n_epochs: int = 20,
        batch_size: int | None = 64,
        early_stopping: bool = False,
        validation_fraction: float = 0.15,
        patience: int = 10,
        engine: str = "torch",
        device: str = "cpu",
        progress: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.input_shape = input_shape
        self.channels = channels
        self.batch_norm = batch_norm
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.shift = shift
        self.mask = mask
        self.smoothing = smoothing
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.engine = engine
        self.device = device
        self.progress = progress
        self.random_state = random_state

    def _spec(self, n_inputs: int) -> CNNSpec:
        shape = (n_inputs,) if self.input_shape is None else tuple(self.input_shape)
        if prod(shape) != n_inputs:
            raise InputError(
                "E-ARGUMENT",
                f"X has {n_inputs} columns; expected {prod(shape)} = "
                f"{' x '.join(map(str, shape))} of input_shape",
            )
        for channels in self.channels if isinstance(self.channels, tuple | list) else [None]:
            whole(channels, f"each of channels, which is {self.channels!r},")
        return classifier(
            (1, *shape),
            tuple(self.channels),
            len(self.classes_),
            dropout=self.dropout,
            batch_norm=self.batch_norm,
            smoothing=self.smoothing,
        )

    def _initial(self, spec: Any, rng: np.random.Generator, dtype: np.dtype) -> tuple[Any, ...]:
        return initial_parameters(spec, rng, dtype=dtype), initial_state(spec, dtype=dtype)

    def _keep(self, spec: Any, *arrays: Parameters) -> None:
        self.spec_: CNNSpec = spec
        self._theta, self.state_ = arrays

    def _kept(self) -> tuple[Any, ...]:
        return self.spec_, self._theta, self.state_

    def _inputs(self, X: Array, spec: Any) -> Array:
        return X.reshape(len(X), *spec.input_shape)

    def _extras(self) -> dict[str, Any]:
        if not (self.shift or self.mask):
            return {}
        return {"augmentation": Augmentation(self.shift, self.mask)}

    @property
    def parameters_(self) -> Parameters:
        """Copies of all weights in the order of the layers; assign to set them."""
        check_is_fitted(self)
        return tuple(p.copy() for p in self._theta)

    @parameters_.setter
    def parameters_(self, theta: Parameters) -> None:
        check_is_fitted(self)
        theta = self._settable(theta)
        self._build(self.spec_, theta, self.state_)  # its check of the shapes
        self._theta, self._trained = theta, None

    @property
    def layers_(self) -> Any:
        """The trained network as a list of arrays (see `map_layers`)."""
        check_is_fitted(self)
        return fold(self.spec_, self._theta, self.state_)

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

        Raises
        ------
        DependencyError
            When the engine's framework is missing; the message holds the command that installs it.
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
        """One more epoch on these observations; see `MLPClassifier.partial_fit`."""
        data = self._data(X, y, sample_weight, classes=classes, first=self._is_new())
        self._continue(*data[:3])
        return self

    def logits(self, X: ArrayLike) -> Array:
        """Input of the softmax, (n_observations, n_classes)."""
        return self._logits(self._check(X))
