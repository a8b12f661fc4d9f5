"""The steps of a training, as data: how far each goes, what each sees, and what it reports.

*Conventions*: an optimizer is named with its settings; the updates themselves stand in
``optimizers_...``. The order of the minibatches is drawn here by NumPy, so that every engine sees
the same one.

*References*: D. P. Kingma and J. Ba, "Adam", ICLR 2015; I. Loshchilov and F. Hutter, "Decoupled
weight decay regularization", ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, one_of, whole
from ddasp._errors import InputError
from ddasp.nonlinear.spec import Parameters

__all__ = [
    "SGD",
    "Adam",
    "Minibatches",
    "Report",
    "Step",
    "learning_rates",
    "minibatches",
]

Array = NDArray[np.floating]


def _check_rate(rate: float | tuple[float, ...]) -> None:
    rates = np.asarray(rate)
    if rates.dtype.kind not in "iuf" or not np.isfinite(rates).all() or (rates < 0).any():
        raise InputError(
            "E-ARGUMENT",
            f"learning_rate is {rate!r}; expected a finite number >= 0, or a tuple of them - is "
            "this the name of a schedule?",
        )


def _below_one(value: float, name: str) -> None:
    if not 0 <= value < 1:
        raise InputError("E-ARGUMENT", f"{name} is {value}; expected 0 to below 1")


@dataclass(frozen=True)
class SGD:
    """Steepest descent on minibatches: v <- momentum v - rate g, theta <- theta + v.

    Parameters
    ----------
    learning_rate : float, or tuple of float
        Of every step, or of each.
    momentum : float
        0 to below 1.
    schedule : str
        "constant", or "cosine": falling to zero over a training's steps.

    Examples
    --------
    >>> SGD(0.1, momentum=0.9).schedule
    'constant'
    """

    learning_rate: float | tuple[float, ...] = 0.01
    momentum: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"

    def __post_init__(self) -> None:
        _check_rate(self.learning_rate)
        _below_one(self.momentum, "momentum")
        one_of(self.schedule, "schedule", ("constant", "cosine"))


@dataclass(frozen=True)
class Adam:
    """Adam with decoupled weight decay on the matrices (AdamW; 0 is Adam as it was published).

    Parameters
    ----------
    learning_rate : float, or tuple of float
        Of every step, or of each.
    beta1, beta2 : float
        How much of the mean of the gradients, and of their squares, a step keeps.
    epsilon : float
        Added to the root of the mean square.
    weight_decay : float
        Share of each weight, times the learning rate, that a step takes away.
    schedule : str
        "constant", or "cosine": falling to zero over a training's steps.
    """

    learning_rate: float | tuple[float, ...] = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"

    def __post_init__(self) -> None:
        _check_rate(self.learning_rate)
        _below_one(self.beta1, "beta1")
        _below_one(self.beta2, "beta2")
        in_range(self.epsilon, "epsilon", 0.0, np.inf)
        in_range(self.weight_decay, "weight_decay", 0.0, np.inf)
        one_of(self.schedule, "schedule", ("constant", "cosine"))


def learning_rates(optimizer: SGD | Adam, n_steps: int) -> NDArray[np.float64]:
    """The learning rate of each step: constant, half a cosine from the full rate to zero, or given.

    Raises
    ------
    InputError
        When a tuple of rates has another length.

    Examples
    --------
    >>> learning_rates(SGD(0.1, schedule="cosine"), 4)
    array([0.1 , 0.0854, 0.05 , 0.0146])
    """
    rates = np.asarray(optimizer.learning_rate, dtype=np.float64)
    if rates.ndim and rates.shape != (n_steps,):
        raise InputError(
            "E-ARGUMENT", f"learning_rate has {rates.size} entries; expected {n_steps}, one a step"
        )
    if optimizer.schedule == "cosine":
        rates = rates * (1 + np.cos(np.pi * np.arange(n_steps) / n_steps)) / 2
    return np.broadcast_to(rates, (n_steps,)).copy()


class Minibatches(Sequence[NDArray[np.intp]]):
    """The rows of each training step, laid end to end; entry i is an array of indices.

    Parameters
    ----------
    order : array_like of shape (n_indices,)
        Rows of all steps, integers >= 0.
    ends : array_like of shape (n_steps,)
        Where each step's rows end in `order`: rising, so that no step is empty.

    Raises
    ------
    InputError
        When they are no such integers.

    Examples
    --------
    >>> batches = Minibatches(np.array([3, 1, 2]), np.array([2, 3]))
    >>> [batch.tolist() for batch in batches]
    [[3, 1], [2]]
    """

    def __init__(self, order: ArrayLike, ends: ArrayLike) -> None:
        self.order = _indices(order, "order")
        self.ends = _indices(ends, "ends")
        lengths = np.diff(self.ends, prepend=0)
        if len(lengths) and (lengths.min() < 1 or self.ends[-1] > len(self.order)):
            raise InputError(
                "E-ARGUMENT",
                f"ends has steps of {lengths.min()} to {lengths.max()} rows, {self.ends[-1]} in "
                f"all, and order {len(self.order)}; expected at least one row in each step, and "
                "no more in all than order holds - is a minibatch empty?",
            )

    @classmethod
    def of(cls, batches: Sequence[NDArray[np.intp]], n_observations: int) -> Minibatches:
        """The same rows from any sequence of index arrays, each a row of X.

        Parameters
        ----------
        batches : sequence of numpy.ndarray of shape (n_batch,)
        n_observations : int
            Rows of X.

        Raises
        ------
        InputError
            When a minibatch is empty, or holds something else than rows of X.
        """
        if not isinstance(batches, Minibatches):
            rows = [_indices(batch, f"minibatch {i}") for i, batch in enumerate(batches)]
            ends = np.cumsum([len(batch) for batch in rows], dtype=np.intp)
            batches = cls(np.concatenate([np.zeros(0, np.intp), *rows]), ends)
        order = batches.order
        if len(order) and not 0 <= order.min() <= order.max() < n_observations:
            raise InputError(
                "E-ARGUMENT",
                f"batches hold rows {order.min()} to {order.max()}; expected 0 to "
                f"{n_observations - 1}, the rows of X",
            )
        return batches

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.intp]: ...

    @overload
    def __getitem__(self, index: slice) -> Minibatches: ...

    def __getitem__(self, index: int | slice) -> NDArray[np.intp] | Minibatches:
        if isinstance(index, slice):
            some = [self[i] for i in range(*index.indices(len(self)))]
            return Minibatches.of(some, int(self.order.max(initial=-1)) + 1)
        i = range(len(self))[index]
        return self.order[self.ends[i - 1] if i else 0 : self.ends[i]]


def _indices(values: ArrayLike, name: str) -> NDArray[np.intp]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InputError(
            "E-ARGUMENT",
            f"{name} has shape {array.shape} and dtype {array.dtype}; expected a row of integers "
            "- is it a mask? Use np.flatnonzero(mask)",
        )
    return np.require(array, np.intp, ["C", "W"])


def minibatches(
    n_observations: int, batch_size: int, n_epochs: int, rng: np.random.Generator
) -> Minibatches:
    """Which observations each training step sees: a new order every epoch, cut into batches.

    Parameters
    ----------
    n_observations, batch_size, n_epochs : int
    rng : numpy.random.Generator

    Returns
    -------
    Minibatches
        A sequence of index arrays; the last batch of an epoch holds the rest.

    Examples
    --------
    >>> [len(batch) for batch in minibatches(5, 2, 2, np.random.default_rng(0))]
    [2, 2, 1, 2, 2, 1]
    """
    n_observations = whole(n_observations, "n_observations")
    batch_size, n_epochs = whole(batch_size, "batch_size"), whole(n_epochs, "n_epochs")
    order = np.concatenate([rng.permutation(n_observations) for _ in range(n_epochs)])
    epoch = np.append(np.arange(batch_size, n_observations, batch_size), n_observations)
    starts = n_observations * np.arange(n_epochs)[:, np.newaxis]
    return Minibatches(order, (starts + epoch).ravel())


@dataclass(frozen=True)
class Step:
    """What one training step saw and did: for lessons, the playground, and early stopping.

    Parameters
    ----------
    index : int
        0, 1, ... in this call of `fit`.
    loss : float
        Of the minibatch, penalties included, before the update.
    gradient_norm : float
        Euclidean length of all gradients together.
    activations : tuple of numpy.ndarray of shape (n_batch, n_units)
        Output of each layer for this minibatch, before the update.
    parameters : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)
        Copies, after the update.
    """

    index: int
    loss: float
    gradient_norm: float
    activations: tuple[Array, ...]
    parameters: Parameters


Report = Callable[[Step], bool | None]  # True ends the training
