"""The losses of a training, as a chart shows them: one row for an epoch, fewer as it gets long.

In the first 128 epochs every one leaves a row, then 64 of them for each doubling, whatever the
speed of the machine. Changes by hand and single steps leave a row as well.

*Conventions*: rows are (epoch, updates, training, validation, test); a set without points has NaN,
which becomes None in JSON.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["COLUMNS", "MOST_ROWS", "History", "next_row"]

COLUMNS = ("epoch", "n_updates", "train", "validation", "test")
MOST_ROWS = 2000
Row = tuple[float, int, float, float, float]


def next_row(epoch: int) -> int:
    """The next epoch at whose beginning losses are noted.

    Examples
    --------
    >>> next_row(0), next_row(100), next_row(300), next_row(1000)
    (1, 101, 304, 1008)
    """
    stride = 1 << max(0, max(epoch, 1).bit_length() - 7)
    return (epoch // stride + 1) * stride


class History:
    """Rows of losses, bounded.

    Parameters
    ----------
    rows : iterable of tuple
        To begin with.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows: list[Row] = list(rows)

    def add(self, epoch: float, n_updates: int, losses: tuple[float, float, float]) -> None:
        """One more row; of three at the same update, the one in the middle is left out.

        Parameters
        ----------
        epoch : float
        n_updates : int
        losses : tuple of float
            Training, validation, test.
        """
        rows = self.rows
        if len(rows) > 1 and rows[-1][1] == rows[-2][1] == n_updates:
            rows.pop()
        rows.append((epoch, n_updates, *losses))
        if len(rows) > MOST_ROWS:  # every second of the older three quarters
            older = MOST_ROWS * 3 // 4
            rows[1:older] = rows[2:older:2]

    def forget_after(self, n_updates: int) -> None:
        """Drop the rows with more updates.

        Parameters
        ----------
        n_updates : int
        """
        while self.rows and self.rows[-1][1] > n_updates:
            self.rows.pop()

    def as_json(self) -> dict[str, list[float | None]]:
        """Columns, None for NaN."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(COLUMNS)
        return {
            name: [None if math.isnan(value) else value for value in column]
            for name, column in zip(COLUMNS, columns, strict=True)
        }
