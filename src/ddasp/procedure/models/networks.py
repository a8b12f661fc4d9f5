"""The layered models of `ddasp.nonlinear` as candidates.

*Conventions*: those of `frame`; the networks compute in float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ddasp.nonlinear import mlp_numpy
from ddasp.nonlinear.cnn_estimator import CNNClassifier
from ddasp.nonlinear.estimators import MLPClassifier, MLPRegressor
from ddasp.procedure.models.frame import Features, Kind, Model, Outputs

__all__ = ["Convolutional", "Perceptron"]

BATCH, MIN_STEPS = 32, 200


class Perceptron(Model):
    """The multilayer perceptron of this library.

    Parameters
    ----------
    kind : str
    width, n_layers : int
        Units in each hidden layer, and how many of these there are.
    learning_rate, weight_decay, noise, dropout : float
        See `MLPClassifier`.
    n_epochs : int
        At least; as many more as it takes to make 200 steps of 32 observations.
    seed : int
    """

    def __init__(
        self,
        kind: Kind = "classification",
        *,
        width: int = 64,
        n_layers: int = 1,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.1,
        noise: float = 0.3,
        dropout: float = 0.3,
        n_epochs: int = 40,
        seed: int = 0,
    ) -> None:
        self.kind = kind
        self.width = width
        self.n_layers = n_layers
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.noise = noise
        self.dropout = dropout
        self.n_epochs = n_epochs
        self.seed = seed

    @property
    def n_parameters(self) -> int:
        """Weights and intercepts of all layers."""
        return sum(p.size for p in self.network.theta)

    def _learn(self, Z: Features, target: NDArray) -> None:
        face = MLPRegressor if self.kind == "regression" else MLPClassifier
        # few observations make few steps an epoch, and Adam needs hundreds of steps to get anywhere
        steps = -(-len(Z) // BATCH)
        n_epochs = max(self.n_epochs, -(-MIN_STEPS // steps))
        self.network: mlp_numpy.Model = (
            face(
                (self.width,) * self.n_layers,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                noise=self.noise,
                dropout=self.dropout,
                n_epochs=n_epochs,
                batch_size=BATCH,
                random_state=self.seed,
            )
            .fit(Z, target)
            .model_
        )

    def outputs(self, Z: Features) -> Outputs:
        """Input of the softmax, or the network's value."""
        return mlp_numpy.logits(self.network, Z).astype(np.float64)


class Convolutional(Model):
    """The convolutional network of this library, on maps.

    Parameters
    ----------
    input_shape : tuple of int
        (n_frames, n_bands) of a map.
    learning_rate, weight_decay, dropout : float
        See `CNNClassifier`.
    n_epochs : int
    seed : int
    """

    def __init__(
        self,
        input_shape: tuple[int, int],
        *,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
        dropout: float = 0.3,
        n_epochs: int = 20,
        seed: int = 0,
    ) -> None:
        self.input_shape = input_shape
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.n_epochs = n_epochs
        self.seed = seed

    @property
    def n_parameters(self) -> int:
        """Weights and intercepts of all layers."""
        return sum(p.size for p in self.network.parameters_)

    def _learn(self, Z: Features, target: NDArray) -> None:
        self.network = CNNClassifier(
            self.input_shape,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            dropout=self.dropout,
            n_epochs=self.n_epochs,
            random_state=self.seed,
        ).fit(Z.astype(np.float32), target)

    def outputs(self, Z: Features) -> Outputs:
        """Input of the softmax."""
        return self.network.logits(Z.astype(np.float32)).astype(np.float64)
