"""What is learned: the points as the network sees them, and the network that the settings ask for.

*Conventions*: U (n, n_in) inputs of all points, targets (n, 1), or codes (n,) with three or more
classes. Two classes have one output: squared error with tanh and targets -1 and +1 (code 0 is -1), or
cross-entropy with a sigmoid and targets 0 and 1. Three or more have a softmax; regression a linear
output and squared error. Sets are 0 training, 1 validation, 2 test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp.nonlinear.spec import ModelSpec
from ddasp.nonlinear.steps import SGD, Adam
from ddasp.playground.datasets import MAX_POINTS, Points, make
from ddasp.playground.points.inputs import Inputs, inputs_for
from ddasp.playground.points.plane import View, view_for
from ddasp.playground.points.splitting import sets_for
from ddasp.playground.settings import Settings

__all__ = [
    "Material",
    "material_for",
    "optimizer_for",
    "points_for",
    "spec_for",
    "with_targets",
    "with_view",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Material:
    """Points, who learns from them, and what the network is fed and shown.

    Parameters
    ----------
    points : Points
    sets : numpy.ndarray of shape (n,)
        0 training, 1 validation, 2 test.
    inputs : Inputs
    view : View
    U : numpy.ndarray of shape (n, n_in)
        Inputs of all points.
    targets : numpy.ndarray of shape (n, 1) or (n,)
    U_train, t_train : numpy.ndarray of shape (n_train, n_in), (n_train, n_out)
        The training rows of both, in the order of the points.
    """

    points: Points
    sets: NDArray[np.int8]
    inputs: Inputs
    view: View
    U: Floats
    targets: NDArray
    U_train: Floats
    t_train: NDArray

    @property
    def n_train(self) -> int:
        """Number of training points."""
        return len(self.U_train)


def points_for(settings: Settings, kept: Points | None = None) -> Points:
    """The points of a drawn data set; of another source those that there are already.

    Parameters
    ----------
    settings : Settings
    kept : Points, optional
        What own points begin with, or the sounds.
    """
    if settings.source != "toy" and kept is not None:
        return kept
    is_regression = settings.problem == "regression"
    key = settings.regDataset if is_regression else settings.dataset
    return make(key, noise=settings.noise, seed=settings.dataSeed)


def _n_classes(points: Points) -> int:
    return max(2, len(points.classes))


def spec_for(settings: Settings, n_in: int, points: Points) -> ModelSpec:
    """The network: inputs, hidden layers of one activation, and outputs that suit the problem.

    Parameters
    ----------
    settings : Settings
    n_in : int
        Number of inputs.
    points : Points
        Their kind and classes decide about the outputs.

    Examples
    --------
    >>> spec_for(Settings(), 2, make("circle")).activations
    ('tanh', 'tanh', 'tanh')
    """
    n_out, last, loss = 1, "linear", "squared_error"
    if points.kind == "classification":
        if _n_classes(points) > 2:
            n_out, last, loss = _n_classes(points), "softmax", "categorical_cross_entropy"
        elif settings.loss == "entropy":
            last, loss = "sigmoid", "binary_cross_entropy"
        else:
            last = "tanh"
    rate = settings.regularizationRate
    return ModelSpec(
        (n_in, *settings.networkShape, n_out),
        (*(settings.activation for _ in settings.networkShape), last),
        loss,
        l1=rate if settings.regularization == "L1" else 0.0,
        l2=rate if settings.regularization == "L2" else 0.0,
    )


def optimizer_for(settings: Settings) -> SGD | Adam:
    """How parameters follow the gradient.

    Examples
    --------
    >>> optimizer_for(Settings(optimizer="momentum"))
    SGD(learning_rate=0.03, momentum=0.9, schedule='constant')
    """
    if settings.optimizer == "adam":
        return Adam(settings.learningRate)
    momentum = settings.momentum if settings.optimizer == "momentum" else 0.0
    return SGD(settings.learningRate, momentum=momentum)


def _targets(settings: Settings, points: Points) -> NDArray:
    if points.kind == "regression":
        return np.asarray(points.y, np.float64).reshape(-1, 1)
    if _n_classes(points) > 2:
        return np.asarray(points.y, np.intp)
    low = 0.0 if settings.loss == "entropy" else -1.0
    return np.where(np.asarray(points.y) > 0, 1.0, low).reshape(-1, 1)


def _checked(points: Points) -> Points:
    X, y = np.asarray(points.X), np.asarray(points.y)
    if len(X) > MAX_POINTS:
        raise InputError(
            "E-ARGUMENT", f"there are {len(X)} points; expected at most {MAX_POINTS} - take a part?"
        )
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise InputError("E-ARGUMENT", "points contain NaN or infinity; expected finite numbers")
    if (
        points.kind == "classification"
        and len(y)
        and not 0 <= y.min() <= y.max() < _n_classes(points)
    ):
        raise InputError(
            "E-ARGUMENT",
            f"codes of classes reach from {y.min()} to {y.max()}; expected 0 to "
            f"{_n_classes(points) - 1} for {len(points.classes)} names",
        )
    return points


def material_for(
    settings: Settings, points: Points, sets: NDArray[np.int8] | None = None
) -> Material:
    """Deal the points to the sets, feed them, and lay the plane of the map.

    Parameters
    ----------
    settings : Settings
    points : Points
    sets : numpy.ndarray of shape (n,), optional
        Sets that stay as they are.

    Raises
    ------
    InputError
        When the settings do not suit the points, or there are too many of them.
    """
    points = _checked(points)
    if sets is None:
        sets = sets_for(points, settings)
    rows = np.flatnonzero(sets == 0)
    inputs = inputs_for(settings, points, rows)
    view = view_for(settings, points, rows)
    U = np.ascontiguousarray(inputs.of(points.X), np.float64)
    targets = _targets(settings, points)
    if not np.isfinite(U).all():
        raise InputError(
            "E-ARGUMENT",
            "the inputs of some points are not finite; expected smaller coordinates - square them "
            "after scaling?",
        )
    return Material(points, sets, inputs, view, U, targets, U[rows], targets[rows])


def with_targets(settings: Settings, material: Material) -> Material:
    """The same points with the targets of another loss."""
    targets = _targets(settings, material.points)
    return replace(material, targets=targets, t_train=targets[material.sets == 0])


def with_view(settings: Settings, material: Material) -> Material:
    """The same points on another plane."""
    rows = np.flatnonzero(material.sets == 0)
    return replace(material, view=view_for(settings, material.points, rows))
