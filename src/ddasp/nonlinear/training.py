"""How long to train, on what, and when to stop: the part that all engines share.

Early stopping keeps some observations back, looks at their loss after every epoch, and ends with
the parameters that served them best. Observations of one group (a speaker, a device, a day) stand
on one side only: a loss on sounds of a speaker that is also learned from falls for ever.

*Conventions*: an epoch is one pass over the observations that are learned from; the learning rate
is a function of the step in the whole training, whether it is done in one stretch or in epochs.

*References*: L. Prechelt, "Early stopping - but when?", 1998.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from ddasp._check import whole
from ddasp._errors import CODES, InputError
from ddasp._progress import Progress, Silent
from ddasp.nonlinear.steps import (
    SGD,
    Adam,
    Minibatches,
    learning_rates,
    minibatches,
)

__all__ = ["Plan", "Training", "held_back", "train"]


@dataclass(frozen=True)
class Plan:
    """How long to train and when to stop.

    Parameters
    ----------
    n_epochs : int
        At most.
    batch_size : int or None
        None: all observations in every step.
    early_stopping : bool
        Whether a loss on observations that were kept back ends the training.
    validation_fraction : float
        How many are kept back, 0 to 1.
    patience : int
        Epochs without a better loss before training ends.
    """

    n_epochs: int
    batch_size: int | None = 32
    early_stopping: bool = False
    validation_fraction: float = 0.15
    patience: int = 10

    def __post_init__(self) -> None:
        whole(self.n_epochs, "n_epochs")
        whole(self.patience, "patience")
        if self.batch_size is not None:
            whole(self.batch_size, "batch_size")


@dataclass(frozen=True)
class Training:
    """What came out.

    Parameters
    ----------
    model : object
        The engine's model, with the best parameters if it stopped early.
    losses : numpy.ndarray of shape (n_steps,)
        Of each minibatch, before its update.
    validation_losses : numpy.ndarray of shape (n_epochs_done,)
        After each epoch; empty without early stopping.
    """

    model: Any
    losses: NDArray[np.float64]
    validation_losses: NDArray[np.float64]


def held_back(
    fraction: float,
    rng: np.random.Generator,
    *,
    groups: ArrayLike,
    classes: ArrayLike | None = None,
) -> NDArray[np.bool_]:
    """Choose observations that training must not see: whole groups, in random order.

    Parameters
    ----------
    fraction : float
        Of the observations; groups are taken until it is reached.
    rng : numpy.random.Generator
    groups : array_like of shape (n_observations,)
        Name or number of each observation's group.
    classes : array_like of shape (n_observations,), optional
        No class may be left without an observation to learn from.

    Returns
    -------
    numpy.ndarray of shape (n_observations,)
        True where kept back.

    Raises
    ------
    InputError
        When no group can be spared.

    Examples
    --------
    >>> held_back(0.4, np.random.default_rng(1), groups=["anna", "anna", "ben", "cleo", "cleo"])
    array([ True, True, False, False, False])
    """
    if not 0 < fraction < 1:
        raise InputError(
            "E-ARGUMENT", f"validation_fraction is {fraction}; expected between 0 and 1"
        )
    _, group, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    code = np.zeros(len(group), int)
    if classes is not None:
        _, code = np.unique(np.asarray(classes), return_inverse=True)
    by_group = np.argsort(group, kind="stable")
    starts = np.cumsum(sizes) - sizes
    left = np.bincount(code)
    away = np.zeros(len(group), dtype=bool)
    n_away = 0
    for candidate in rng.permutation(len(sizes)):
        if n_away >= fraction * len(group):
            break
        members = by_group[starts[candidate] : starts[candidate] + sizes[candidate]]
        rest = left - np.bincount(code[members], minlength=len(left))
        if rest.min() > 0:
            away[members], left, n_away = True, rest, n_away + len(members)
    if not n_away:
        raise InputError(
            "E-ARGUMENT",
            f"early stopping finds none of {len(sizes)} group(s) that can be kept back; expected "
            "two or more groups, with every class in the rest - does a class stand in one alone?",
        )
    return away


def _data_loss(engine: Any, model: Any, X: NDArray, y: NDArray, w: NDArray | None) -> float:
    """Loss of the model as it is used: no penalties, no smoothing, no statistics of a batch."""
    kind = model.spec.loss
    if kind == "squared_error":
        each = ((engine.predict(model, X) - y.reshape(len(y), -1)) ** 2).sum(axis=1) / 2
        return float(np.average(each, weights=w))
    z = engine.logits(model, X)
    if kind == "categorical_cross_entropy":
        each = logsumexp(z, axis=1) - z[np.arange(len(z)), y]
    else:
        each = (np.logaddexp(0, z) - y.reshape(len(y), -1) * z).sum(axis=1)
    return float(np.average(each, weights=w))


def _warn_of_divergence(losses: NDArray[np.float64]) -> None:
    strange = np.flatnonzero(~np.isfinite(losses))
    if len(strange):
        code = "W-DIVERGED"
        warnings.warn(f"{code}: step {strange[0]}: {' '.join(CODES[code])}", stacklevel=2)


def train(
    engine: Any,
    model: Any,
    X: NDArray,
    y: NDArray,
    *,
    plan: Plan,
    optimizer: SGD | Adam,
    seeds: np.random.SeedSequence,
    sample_weight: NDArray | None = None,
    groups: ArrayLike | None = None,
    progress: Progress | None = None,
    **extras: Any,
) -> Training:
    """Train a model by its engine.

    Parameters
    ----------
    engine : module
        As `engine_of` gives it.
    model : object
        As the engine's `build` gives it.
    X, y : numpy.ndarray of shape (n_observations, ...) and (n_observations, ...)
        As the engine's `fit` takes them.
    plan : Plan
    optimizer : SGD or Adam
    seeds : numpy.random.SeedSequence
        Of the order of the minibatches, of noise and dropout, and of what is kept back.
    sample_weight : numpy.ndarray of shape (n_observations,), optional
    groups : array_like of shape (n_observations,), optional
        For early stopping; without them every observation is a group of its own.
    progress : Progress, optional
        Told of every epoch.
    **extras : object
        Passed on to the engine's `fit`.

    Returns
    -------
    Training
    """
    # a stream of random numbers for each purpose: a longer one does not move the others
    orders, noises, choices = map(np.random.default_rng, seeds.spawn(3))
    kept = np.ones(len(X), dtype=bool)
    if plan.early_stopping:
        kept = ~held_back(
            plan.validation_fraction,
            choices,
            groups=np.arange(len(X)) if groups is None else groups,
            classes=y if model.spec.loss == "categorical_cross_entropy" else None,
        )
    weight = None if sample_weight is None else sample_weight[kept]
    X_away, y_away = X[~kept], y[~kept]
    w_away = None if sample_weight is None else sample_weight[~kept]
    X, y = X[kept], y[kept]
    batch_size = len(X) if plan.batch_size is None else plan.batch_size
    batches = minibatches(len(X), batch_size, plan.n_epochs, orders)

    def some_steps(model: Any, rates: SGD | Adam, part: Minibatches) -> tuple[Any, NDArray]:
        found: tuple[Any, NDArray] = engine.fit(
            model,
            X,
            y,
            optimizer=rates,
            batches=part,
            sample_weight=weight,
            rng=noises,
            **extras,
        )
        return found

    if not plan.early_stopping and progress is None:
        model, losses = some_steps(model, optimizer, batches)
        _warn_of_divergence(losses)
        return Training(model, losses, np.empty(0))

    rates = learning_rates(optimizer, len(batches))
    best, best_loss, without = model, np.inf, 0
    found: list[NDArray] = []
    validation: list[float] = []
    size = len(batches) // plan.n_epochs
    epochs = range(0, len(batches), size)
    for first in (progress or Silent()).track(epochs, "epochs", plan.n_epochs):
        steps = slice(first, first + size)
        own = replace(optimizer, learning_rate=tuple(rates[steps]), schedule="constant")
        model, losses = some_steps(model, own, batches[steps])
        found.append(losses)
        if not plan.early_stopping:
            continue
        validation.append(_data_loss(engine, model, X_away, y_away, w_away))
        without += 1
        if validation[-1] < best_loss:
            best, best_loss, without = model, validation[-1], 0
        if without >= plan.patience:
            break
    _warn_of_divergence(np.concatenate(found))
    best = best if plan.early_stopping else model
    return Training(best, np.concatenate(found), np.array(validation))
