"""Which rows the next updates see.

The order of epoch e is row e - 100 k of block k = e // 100, and a block is 100 permutations of the
training rows, one after the other, from ``default_rng((seed, 7, k))``: the same as
``minibatches(n, batch_size, 100, default_rng((seed, 7, k)))`` of `ddasp.nonlinear.steps`. It does
not depend on the size of the minibatches, which may change at any update. Those of an epoch are cut
from its order one after the other; the last one holds the rest, and nothing is carried over.

*Conventions*: a position is (epoch, row): how many rows of the epoch's order are used up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ddasp.nonlinear.steps import Minibatches

__all__ = ["BLOCK", "Order"]

BLOCK = 100
KEPT = 3  # blocks


class Order:
    """The orders of all epochs of n rows; drawn when they are needed.

    Parameters
    ----------
    seed : int
    n : int
        Training rows, one or more.

    Examples
    --------
    >>> batches, epoch, row = Order(0, 5).upcoming(2, 0, 0, 4)
    >>> [len(batch) for batch in batches], epoch, row
    ([2, 2, 1, 2], 1, 2)
    """

    def __init__(self, seed: int, n: int) -> None:
        self.seed, self.n = seed, n
        self._blocks: dict[int, tuple[np.random.Generator, list[NDArray[np.intp]]]] = {}

    def of(self, epoch: int) -> NDArray[np.intp]:
        """The order of an epoch, (n,)."""
        k, row = divmod(epoch, BLOCK)
        if k not in self._blocks:
            while len(self._blocks) >= KEPT:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[k] = (np.random.default_rng((self.seed, 7, k)), [])
        rng, rows = self._blocks[k]
        while len(rows) <= row:
            rows.append(rng.permutation(self.n))
        return rows[row]

    def upcoming(
        self, batch_size: int, epoch: int, row: int, n_updates: int
    ) -> tuple[Minibatches, int, int]:
        """The rows of the next updates, and the position behind them.

        Parameters
        ----------
        batch_size, epoch, row : int
            A row of n or more belongs to the next epoch.
        n_updates : int

        Returns
        -------
        batches : Minibatches
        epoch, row : int
        """
        if row >= self.n:
            epoch, row = epoch + 1, 0
        running = self._ends(batch_size, row) - row  # of the minibatches left in this epoch
        later = self._ends(batch_size, 0)
        n_later = max(0, -(-(n_updates - len(running)) // len(later)))  # epochs
        starts = self.n * np.arange(n_later)[:, np.newaxis] + self.n - row
        ends = np.concatenate([running, (starts + later).ravel()])[:n_updates]
        rows = np.concatenate([self.of(epoch + k) for k in range(n_later + 1)])
        seen = row + int(ends[-1]) if n_updates else row
        return Minibatches(rows[row:seen], ends), epoch + seen // self.n, seen % self.n

    def _ends(self, batch_size: int, row: int) -> NDArray[np.intp]:
        """Where the minibatches of an epoch end that is used up to a row, (n_batches,)."""
        return np.append(np.arange(row + batch_size, self.n, batch_size), self.n)
