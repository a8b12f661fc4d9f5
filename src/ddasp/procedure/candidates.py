"""The families of models that compete, with their order of simplicity and their search spaces.

*Conventions*: a candidate is a family, a feature set and parameters. Parameters are plain numbers,
so that they can stand in a table and in JSON. The order of simplicity says which of two
candidates is taken when the data can't tell them apart; its reason stands with each family.

*References*: T. Hastie, R. Tibshirani and J. Friedman, "The Elements of Statistical Learning",
2009, 7.10 (the one-standard-error rule that needs such an order).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ddasp._check import one_of
from ddasp._errors import InputError
from ddasp.procedure import models
from ddasp.procedure.models import Kind
from ddasp.procedure.models import Model as Estimator

__all__ = ["FAMILIES", "Choice", "Estimator", "Family", "LogRange"]

BOTH: tuple[Kind, ...] = ("classification", "regression")
Shape = tuple[int, ...] | None


@dataclass(frozen=True)
class LogRange:
    """Every number from low to high, equally likely on a logarithmic scale."""

    low: float
    high: float


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class Family:
    """A family of models.

    Parameters
    ----------
    name, title : str
        As in ``problem.toml``; as in the report.
    word : str
        Its part in the argument: baseline, rule, linear or nonlinear.
    order : int
        Place in the order of simplicity, 0 is the simplest.
    why : str
        Reason of that place.
    make : callable
        From kind, seed, shape of the map and parameters to a model that is not yet fitted.
    kinds : tuple of str
        "classification", "regression".
    features : tuple of str
        Feature sets that it accepts; empty stands for all.
    defaults, space : mapping
        Parameters of the spot check; what the selection varies.
    needs : str
        Extra that has to be installed.
    """

    name: str
    title: str
    word: Literal["baseline", "rule", "linear", "nonlinear"]
    order: int
    why: str
    make: Callable[[Kind, int, Shape, Mapping[str, Any]], Estimator]
    kinds: tuple[Kind, ...] = BOTH
    features: tuple[str, ...] = ()
    defaults: Mapping[str, float] = field(default_factory=dict)
    space: Mapping[str, LogRange | Choice] = field(default_factory=dict)
    needs: str = ""

    def accepts(self, features: str) -> bool:
        """Whether the family can learn from a feature set."""
        return not self.features or features in self.features

    def build(
        self, params: Mapping[str, Any], kind: Kind, seed: int, shape: Shape = None
    ) -> Estimator:
        """A model that is not yet fitted.

        Parameters
        ----------
        params : mapping
            Replace the defaults of the same name.
        kind : str
            "classification" or "regression".
        seed : int
            Source of all randomness of the fit.
        shape : tuple of int, optional
            (n_frames, n_bands), when the features are a map.

        Raises
        ------
        InputError
            When the family has no such parameter, or not this kind.

        Examples
        --------
        >>> svm = FAMILIES["svm"].build({"C": 2.0}, "classification", 0)
        >>> svm.fit([[0], [1]], [0, 1]).predict([[2]])
        array([1])
        """
        if kind not in self.kinds:
            raise InputError(
                "E-ARGUMENT", f"{self.name} can't do {kind}; expected {' or '.join(self.kinds)}"
            )
        for name in params:
            one_of(name, f"parameter of {self.name}", tuple(self.defaults))
        return self.make(kind, seed, shape, {**self.defaults, **params})


def _cnn(kind: Kind, seed: int, shape: Shape, params: Mapping[str, Any]) -> Estimator:
    if shape is None or len(shape) != 2:
        raise InputError(
            "E-ARGUMENT",
            f"shape is {shape}; expected (n_frames, n_bands) - the CNN learns from maps, "
            "such as logmel",
        )
    return models.Convolutional((shape[0], shape[1]), seed=seed, **params)


_FAMILIES = (
    Family(
        "majority",
        "Majority",
        "baseline",
        0,
        "looks at nothing",
        lambda kind, seed, shape, p: models.Majority(kind),
    ),
    Family(
        "rule",
        "One rule on one feature",
        "rule",
        1,
        "a few thresholds on one number, or one line through it",
        lambda kind, seed, shape, p: models.Rule(kind),
        features=(
            "levels",
            "descriptors",
            "mfcc",
        ),  # a person states a rule on a number with a name
    ),
    Family(
        "linear",
        "Linear model",
        "linear",
        2,
        "each feature counts by one weight for each class, whatever the others say",
        lambda kind, seed, shape, p: models.Linear(kind, **p),
        defaults={"C": 0.03},
        space={"C": LogRange(1e-4, 10.0)},
    ),
    Family(
        "tree",
        "Decision tree",
        "nonlinear",
        3,
        "a handful of questions that can be read aloud",
        lambda kind, seed, shape, p: models.Tree(kind, seed=seed, **p),
        defaults={"max_leaves": 32, "min_leaf": 5},
        space={
            "max_leaves": Choice((8, 16, 32, 64, 128)),
            "min_leaf": Choice((1, 2, 5, 10, 20)),
        },
    ),
    Family(
        "neighbours",
        "Nearest neighbours",
        "nonlinear",
        4,
        "nothing is learned, but all training data are kept and each decision points at some",
        lambda kind, seed, shape, p: models.Neighbours(kind, **p),
        defaults={"n_neighbours": 9},
        space={"n_neighbours": Choice((1, 3, 5, 9, 15, 25, 41))},
    ),
    Family(
        "kernel",
        "Kernel ridge",
        "nonlinear",
        5,
        "two parameters and a linear system with one solution, but a weight for each observation",
        lambda kind, seed, shape, p: models.KernelRidge(kind, **p),
        defaults={"regularisation": 0.1, "gamma": 1.0},
        space={"regularisation": LogRange(0.01, 3.0), "gamma": LogRange(0.1, 5.0)},
    ),
    Family(
        "svm",
        "Support vector machine",
        "nonlinear",
        6,
        "two parameters and a convex problem with one solution, but thousands of weights",
        lambda kind, seed, shape, p: models.SupportVectors(kind, **p),
        defaults={"C": 5.0, "gamma": 1.0},
        space={"C": LogRange(0.5, 100.0), "gamma": LogRange(0.1, 5.0)},
    ),
    Family(
        "forest",
        "Random forest",
        "nonlinear",
        7,
        "fifty trees that nobody reads",
        lambda kind, seed, shape, p: models.Forest(kind, seed=seed, **p),
        defaults={"n_trees": 50, "features": 0.0, "min_leaf": 2},
        space={"features": Choice((0.0, 0.05, 0.1)), "min_leaf": Choice((1, 2, 5, 10))},
    ),
    Family(
        "mlp",
        "Multilayer perceptron",
        "nonlinear",
        8,
        "several parameters of training, many solutions, a random start",
        lambda kind, seed, shape, p: models.Perceptron(kind, seed=seed, **p),
        defaults={
            "width": 64,
            "n_layers": 1,
            "learning_rate": 1e-3,
            "weight_decay": 0.1,
            "noise": 0.3,
            "dropout": 0.3,
            "n_epochs": 25,
        },
        space={
            "width": Choice((32, 64, 128)),
            "n_layers": Choice((1, 2)),
            "weight_decay": LogRange(1e-3, 3.0),
            "noise": Choice((0.0, 0.3, 0.6)),
            "dropout": Choice((0.0, 0.3, 0.5)),
        },
    ),
    Family(
        "cnn",
        "Convolutional network",
        "nonlinear",
        9,
        "the most layers, and it learns its features too",
        _cnn,
        kinds=("classification",),
        features=("logmel",),
        defaults={"learning_rate": 3e-3, "weight_decay": 1e-2, "dropout": 0.3, "n_epochs": 12},
        space={
            "learning_rate": LogRange(1e-3, 1e-2),
            "weight_decay": LogRange(1e-3, 1e-1),
            "dropout": Choice((0.1, 0.3, 0.5)),
        },
        needs="torch",
    ),
)

FAMILIES: Mapping[str, Family] = {family.name: family for family in _FAMILIES}
"""The families by name, from the simplest to the least simple."""
