"""What a convolutional network is fed: checked maps and targets, and what is drawn for each step.

A class should not depend on when a recording was started, nor on any single frame or band; a
network that sees each map a little different every time learns that (augmentation). Nor should it
depend on any single unit inside the network (dropout).

*Conventions*: X (n_observations, n_maps, n_samples) or (n_observations, n_maps, n_frames, n_bands);
time is the first side; all maps of an observation move and fall silent together; dtype in = dtype
out; X is not changed. All is drawn here by NumPy, so that every engine sees the same numbers.

*References*: D. S. Park et al., "SpecAugment", Interspeech 2019 (masks); N. Srivastava et al.,
"Dropout", JMLR 15, 2014; C. Szegedy et al., "Rethinking the Inception architecture", CVPR 2016
(smoothed targets).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ddasp._check import in_range
from ddasp._errors import InputError
from ddasp.nonlinear.cnn_spec import CNNSpec, Dropout, initial_state, parameter_shapes, shapes
from ddasp.nonlinear.spec import (
    LOSSES,
    ModelSpec,
    Parameters,
    targets_of,
)

__all__ = [
    "Augmentation",
    "augment",
    "check_parameters",
    "disturbed",
    "maps_of",
    "probabilities_of",
]

Array = NDArray[np.floating]


def check_parameters(spec: CNNSpec, theta: Parameters, state: Parameters) -> None:
    """Raise an InputError when parameters or running statistics do not have the spec's shapes."""
    expected = {"theta": parameter_shapes(spec), "state": [p.shape for p in initial_state(spec)]}
    for name, arrays in (("theta", theta), ("state", state)):
        found = [np.shape(p) for p in arrays]
        if found != expected[name]:
            raise InputError("E-ARGUMENT", f"{name} has shapes {found}; expected {expected[name]}")


def maps_of(spec: CNNSpec, X: ArrayLike) -> Array:
    """Check X (n_observations, *input_shape): finite floats; float32 and float64 are kept.

    Raises
    ------
    InputError
        When X has another shape, or NaN in it.
    """
    A = np.asarray(X)
    if A.shape[1:] != tuple(spec.input_shape) or A.ndim == 0:
        raise InputError(
            "E-ARGUMENT",
            f"X has shape {A.shape}; expected (n_observations, "
            f"{', '.join(map(str, spec.input_shape))}) - is the axis of the maps missing?",
        )
    if A.dtype not in (np.float32, np.float64):
        A = A.astype(np.float64)
    if not np.isfinite(A).all():
        raise InputError("E-ARGUMENT", "X contains NaN or infinity; expected finite values")
    return A


def probabilities_of(spec: CNNSpec, y: ArrayLike, n: int, dtype: DTypeLike) -> Array:
    """Check y and give it as numbers (n, n_outputs); codes become (smoothed) probabilities.

    Raises
    ------
    InputError
        When y does not fit X or the loss, or X has no rows.

    Examples
    --------
    >>> from ddasp.nonlinear.cnn_spec import classifier
    >>> probabilities_of(classifier((1, 1), (), 2, smoothing=0.2), [0, 1], 2, np.float64)
    array([[0.9, 0.1],
           [0.1, 0.9]])
    """
    # behind the logits stands what stands behind a layered model with this loss
    k = shapes(spec)[-1][0]
    targets = targets_of(ModelSpec((1, k), LOSSES[spec.loss][:1], spec.loss), y, n, dtype)
    if spec.loss != "categorical_cross_entropy":
        return targets
    P = np.eye(k)[targets] * (1 - spec.smoothing) + spec.smoothing / k
    return np.asarray(P, dtype=dtype)


@dataclass(frozen=True)
class Augmentation:
    """Largest shift in time and widest silent stripe, each as a share of its side, 0 to 1.

    Examples
    --------
    >>> Augmentation(shift=0.1)
    Augmentation(shift=0.1, mask=0.0)
    """

    shift: float = 0.0
    mask: float = 0.0

    def __post_init__(self) -> None:
        in_range(self.shift, "shift", 0.0, 1.0)
        in_range(self.mask, "mask", 0.0, 1.0)


def augment(X: Array, augmentation: Augmentation, rng: np.random.Generator) -> Array:
    """Varied copies of maps: shifted in time, one stripe of each side set to zero.

    Parameters
    ----------
    X : numpy.ndarray of shape (n_observations, n_maps, n_frames[, n_bands])
    augmentation : Augmentation
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of shape (n_observations, n_maps, n_frames[, n_bands])
        Where a shifted map ends, its last frame is repeated.

    Examples
    --------
    >>> X = np.arange(8.0).reshape(1, 1, 8)
    >>> augment(X, Augmentation(shift=0.25), np.random.default_rng(0))
    array([[[2., 3., 4., 5., 6., 7., 7., 7.]]])
    """
    n, _, *sides = X.shape
    reach = round(augmentation.shift * sides[0])
    shifts = rng.integers(-reach, reach + 1, size=(n, 1))
    frames = np.clip(np.arange(sides[0]) + shifts, 0, sides[0] - 1)
    # indexing with arrays copies; time stands before the maps while it is indexed
    A = np.ascontiguousarray(X.swapaxes(1, 2)[np.arange(n)[:, np.newaxis], frames].swapaxes(1, 2))
    for axis, side in enumerate(sides):
        width = rng.integers(0, round(augmentation.mask * side) + 1, size=(n, 1))
        start = rng.integers(0, side - width + 1)
        position = np.arange(side)
        stripe = (position >= start) & (position < start + width)
        A *= ~stripe.reshape(n, 1, *(side if k == axis else 1 for k in range(len(sides))))
    return A


def disturbed(
    spec: CNNSpec, X: Array, augmentation: Augmentation | None, rng: np.random.Generator | None
) -> tuple[Array, Parameters]:
    """A minibatch's maps, varied, and a mask for each `Dropout` whose p is above 0.

    Parameters
    ----------
    spec : CNNSpec
    X : numpy.ndarray of shape (n_batch, *input_shape)
    augmentation : Augmentation or None
    rng : numpy.random.Generator or None
        Needed for augmentation and dropout.

    Returns
    -------
    X : numpy.ndarray of shape (n_batch, *input_shape)
    masks : tuple of numpy.ndarray of shape (n_batch, *shape)
        0 where a value is silent, 1 / (1 - p) elsewhere.

    Raises
    ------
    InputError
        When rng is missing, or the minibatch is empty.
    """
    if not len(X):
        raise InputError("E-ARGUMENT", "a minibatch is empty; expected indices of observations")
    layers = zip(spec.layers, shapes(spec), strict=True)
    silent = [(layer.p, shape) for layer, shape in layers if isinstance(layer, Dropout) and layer.p]
    if augmentation is None and not silent:
        return X, ()
    if rng is None:
        raise InputError(
            "E-ARGUMENT", "rng is None; expected a Generator for augmentation and dropout"
        )
    if augmentation is not None:
        X = augment(X, augmentation, rng)
    masks = tuple(
        ((rng.random((len(X), *shape), dtype=np.float32) < 1 - p) / (1 - p)).astype(X.dtype)
        for p, shape in silent
    )
    return X, masks
