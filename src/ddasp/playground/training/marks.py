"""The way back: states of the past from which any other one of the past is computed again.

A training is repeatable to the last bit (`stretches`), so the past need not be kept, only enough
states to repeat it from. Every change by hand, of a setting, a weight, or the points, leaves a mark
that must stay; between two such marks there are only updates, and the marks in between are there
for speed. They are thinned so that their distances grow with their age. Where too many changes were
made the oldest are given up, and with them everything before.

*Conventions*: marks are sorted by number of updates, and no two have the same; of several changes
without an update in between the last one counts.
"""

from __future__ import annotations

from dataclasses import replace

from ddasp.playground.training.stretches import State

__all__ = ["Marks"]

MOST_CHANGES, MOST_BETWEEN = 64, 64


class Marks:
    """States to go back to.

    Parameters
    ----------
    first : State
        Where the past begins.
    """

    def __init__(self, first: State) -> None:
        self._marks = [(replace(first, seen=0), True)]

    def __len__(self) -> int:
        return len(self._marks)

    @property
    def first(self) -> State:
        """The oldest state that can be reached."""
        return self._marks[0][0]

    def note(self, state: State, *, change: bool = False) -> None:
        """Keep a state that is as old as the newest mark, or newer.

        Parameters
        ----------
        state : State
        change : bool
            Whether it came about by hand, so that it can't be repeated from an older one.
        """
        newest, was_change = self._marks[-1]
        if state.n_updates == newest.n_updates:
            if not change:
                return
            self._marks.pop()
            change = change or was_change
        self._marks.append((replace(state, seen=0), change or not self._marks))
        self._thin()

    def at_updates(self, n_updates: int) -> State:
        """The newest mark with at most so many updates; the first one if none has.

        Parameters
        ----------
        n_updates : int
        """
        fit = [state for state, _ in self._marks if state.n_updates <= n_updates]
        return fit[-1] if fit else self.first

    def at_epoch(self, epoch: int) -> State:
        """The newest mark that is not later than the beginning of an epoch.

        Parameters
        ----------
        epoch : int
        """
        fit = [state for state, _ in self._marks if (state.epoch, state.row) <= (epoch, 0)]
        return fit[-1] if fit else self.first

    def forget_after(self, n_updates: int) -> None:
        """Drop the marks with more updates.

        Parameters
        ----------
        n_updates : int
        """
        self._marks = [mark for mark in self._marks if mark[0].n_updates <= n_updates]

    def _thin(self) -> None:
        changes = [i for i, (_, change) in enumerate(self._marks) if change]
        if len(changes) > MOST_CHANGES:
            del self._marks[: changes[1]]
        between = [i for i, (_, change) in enumerate(self._marks[:-1]) if not change]
        if len(between) > MOST_BETWEEN:
            times = [state.n_updates for state, _ in self._marks]
            now = times[-1] + 1
            del self._marks[
                min(between, key=lambda i: (times[i + 1] - times[i - 1]) / (now - times[i]))
            ]
