"""Models that ask one question after the other: a decision tree, a forest of them.

*Conventions*: those of `frame`; a leaf's class shares are smoothed by one observation.

*References*: L. Breiman et al., "Classification and regression trees", 1984; L. Breiman, "Random
forests", 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ddasp.procedure.models.frame import Features, Kind, Model, Outputs, log_shares

__all__ = ["Forest", "Tree"]


class Tree(Model):
    """One decision tree.

    Parameters
    ----------
    kind : str
    max_leaves : int
    min_leaf : int
        Smallest number of training observations in a leaf.
    seed : int
        Decides between splits that are equally good.
    """

    standardises = False

    def __init__(
        self,
        kind: Kind = "classification",
        *,
        max_leaves: int = 32,
        min_leaf: int = 5,
        seed: int = 0,
    ) -> None:
        self.kind = kind
        self.max_leaves = max_leaves
        self.min_leaf = min_leaf
        self.seed = seed

    @property
    def n_parameters(self) -> int:
        """Feature and threshold of each split, outputs of each leaf."""
        leaves = sum(int((tree.feature < 0).sum()) for tree in self.trees)
        splits = sum(int((tree.feature >= 0).sum()) for tree in self.trees)
        return 2 * splits + leaves * self.n_outputs

    def _grow(self, Z: Features, target: NDArray) -> Sequence:
        grower = DecisionTreeRegressor if self.kind == "regression" else DecisionTreeClassifier
        tree = grower(
            max_leaf_nodes=max(self.max_leaves, 2),
            min_samples_leaf=self.min_leaf,
            random_state=self.seed,
        )
        return [tree.fit(Z, target)]

    def _learn(self, Z: Features, target: NDArray) -> None:
        self.trees = [member.tree_ for member in self._grow(Z, target)]
        self.tables = [self._table(tree) for tree in self.trees]  # each (n_nodes, n_outputs)

    def _table(self, tree: Any) -> Outputs:
        """Class shares, smoothed by one observation, or the mean value of each node."""
        values = np.asarray(tree.value[:, 0, :])
        if self.kind == "regression":
            return values
        counts = values * tree.weighted_n_node_samples[:, np.newaxis]
        return np.asarray(np.exp(log_shares(counts)))

    def outputs(self, Z: Features) -> Outputs:
        """Log of the mean class shares of the leaves, or the mean of their values."""
        Z = np.ascontiguousarray(Z)
        total = np.zeros((len(Z), self.n_outputs))
        for tree, table in zip(self.trees, self.tables, strict=True):
            total += table[tree.apply(Z)]
        total /= len(self.trees)
        return total if self.kind == "regression" else np.log(total)


class Forest(Tree):
    """Random forest: trees on resampled observations, each split among a few random features.

    Parameters
    ----------
    kind : str
    n_trees : int
    features : float
        Share of the features that a split may choose from; 0 stands for the square root of their
        number over their number.
    min_leaf : int
    seed : int
    """

    def __init__(
        self,
        kind: Kind = "classification",
        *,
        n_trees: int = 100,
        features: float = 0.0,
        min_leaf: int = 1,
        seed: int = 0,
    ) -> None:
        self.kind = kind
        self.n_trees = n_trees
        self.features = features
        self.min_leaf = min_leaf
        self.seed = seed

    def _grow(self, Z: Features, target: NDArray) -> Sequence:
        grower = RandomForestRegressor if self.kind == "regression" else RandomForestClassifier
        forest = grower(
            n_estimators=self.n_trees,
            max_features=self.features or "sqrt",
            min_samples_leaf=self.min_leaf,
            random_state=self.seed,
            n_jobs=1,
        )
        return list(forest.fit(Z, target).estimators_)
