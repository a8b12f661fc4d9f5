"""The experiment: one network, its data, and everything that can be done with them.

What an update depends on is a `State`; an `Experiment` holds the current one and what surrounds it:
the past (`marks`), the losses so far (`history`), the grids of the map. Each way of changing it leads from
one state to another:

- `train` and `step` go on, `back` returns, `reset` begins again from the same weights;
- `change` sets what can be set, at any time: a network that gets another shape keeps the units that
  stay, a training its place;
- `replace_points` and `edit` change points and weights by hand.

*Conventions*: no threads, no clock but for `train`'s budget: what is computed depends on the settings,
the points and the order of calls alone. An error leaves everything as it was.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._check import one_of, whole
from ddasp._errors import InputError
from ddasp.playground.datasets import Points
from ddasp.playground.settings import Settings, parse
from ddasp.playground.training import saving
from ddasp.playground.training.changing import (
    begun,
    changed,
    edited,
    under_view_of,
    with_parameters,
)
from ddasp.playground.training.history import History, next_row
from ddasp.playground.training.known import Known
from ddasp.playground.training.marks import Marks
from ddasp.playground.training.material import material_for, points_for
from ddasp.playground.training.stopping import StopRules
from ddasp.playground.training.stretches import (
    State,
    advance,
    batch_length,
    order_of,
    updates_until,
)
from ddasp.playground.training.watched import Watched

__all__ = ["Experiment"]

REPLAYED_AT_ONCE = 2000  # updates between two marks that going back leaves
SHORT = 0.0005  # seconds of a budget for which no further stretch begins
FIRST_PACE = 1e-5  # seconds that an update takes, until it is known
UNITS = ("sample", "batch", "epoch")


class Experiment(Watched):
    """A training that can be watched, changed, and taken back.

    Parameters
    ----------
    settings : Settings, optional
        The defaults unless given.
    points : Points, optional
        What is learned; drawn as the settings say unless given.

    Examples
    --------
    >>> experiment = Experiment(Settings(percValidation=0.0))
    >>> experiment.train(epochs=100)
    ''
    >>> experiment.losses()[0] < 0.02
    True
    >>> experiment.back("epoch"), experiment.epoch
    (True, 99)
    """

    _rules: StopRules
    _pace: float  # seconds that an update takes

    def __init__(self, settings: Settings | None = None, points: Points | None = None) -> None:
        settings = settings or Settings()
        if points is not None and settings.source == "toy":
            settings = replace(settings, source="own")
        points = points_for(settings, points)
        self._settle(begun(settings, material_for(settings, points)))

    def _settle(self, state: State, history: History | None = None) -> None:
        """Take a state as the beginning of all that can be gone back to."""
        self._known, self._order = Known(state), order_of(state)
        self._marks, self._rules = Marks(state), StopRules(state.epoch)
        self._history = history or History([(state.exact_epoch, state.n_updates, *self.losses())])
        self._pace, self.divergence = FIRST_PACE, None

    def _become(self, state: State) -> None:
        self._known = Known(state, self._known)
        self._order = order_of(state, self._order)

    # ---- forward ------------------------------------------------------------------------------

    def train(
        self,
        *,
        epochs: int | None = None,
        updates: int | None = None,
        budget: float | None = None,
    ) -> str:
        """Go on until one of the limits is reached, or there is a reason to stop.

        Parameters
        ----------
        epochs : int, optional
            Until the end of so many epochs, the running one included.
        updates : int, optional
            So many updates.
        budget : float, optional
            Seconds; at least one update is made.

        Returns
        -------
        str
            Why it stopped before: "stop-epoch", "stop-loss", "patience", "diverged", or "no-data"; blank
            when it did not.

        Raises
        ------
        InputError
            When a limit is negative, or there is none.
        """
        target = self._target(epochs, updates, budget)
        if self.divergence is not None:
            return "diverged"
        if not self.material.n_train:
            return "no-data"
        clock = time.perf_counter
        end = np.inf if budget is None else clock() + budget
        why = self._rule()
        while not why and self.n_updates < target:
            at = clock()
            until = updates_until(self.state, self._next_stop())
            n = int(min(until, target - self.n_updates, max(1.0, (end - at) / self._pace)))
            self._take(n)
            spent = (clock() - at) / n
            self._pace = min((self._pace + spent) / 2, 2 * self._pace)
            if self.divergence is not None:
                return "diverged"
            if n == until:
                why = self._at_boundary()
            if end - clock() < SHORT:
                break
        return why

    def _target(self, epochs: int | None, updates: int | None, budget: float | None) -> float:
        """Number of updates at which to end."""
        if epochs is None and updates is None and budget is None:
            raise InputError(
                "E-ARGUMENT", "no limit is given; expected epochs, updates or budget for train"
            )
        if budget is not None and not budget >= 0:
            raise InputError("E-ARGUMENT", f"budget is {budget}; expected seconds, 0 or more")
        target = np.inf
        if updates is not None:
            target = self.n_updates + whole(updates, "updates", 0)
        if epochs is not None:
            end = self.epoch + whole(epochs, "epochs", 0)
            more = updates_until(self.state, end) if end > self.epoch else 0
            target = min(target, self.n_updates + more)
        return target

    def _next_stop(self) -> int:
        """The next epoch at whose beginning something is looked at."""
        if StopRules.need_losses(self.settings):
            return self.epoch + 1
        stop, wished = next_row(self.epoch), self.settings.stopEpoch
        return min(stop, wished) if wished > self.epoch else stop

    def _take(self, n_updates: int) -> None:
        state, found = advance(self.state, self._order, n_updates)
        self._become(state)
        if found is None:
            self._marks.note(state)
        elif found.last.n_updates == state.n_updates and self.can_back:
            mark = self._marks.at_updates(state.n_updates - 1)
            more = state.n_updates - 1 - mark.n_updates
            found = replace(found, last=advance(mark, order_of(mark), more)[0])
        self.divergence = found

    def _at_boundary(self) -> str:
        """An epoch has just ended: note its losses, and ask whether to stop."""
        if self.epoch == next_row(self.epoch - 1):
            self._history.add(self.exact_epoch, self.n_updates, self.losses())
        if StopRules.need_losses(self.settings):
            self._rules.note(self.epoch, self.losses())
        return self._rule()

    def _rule(self) -> str:
        train = self.losses()[0] if StopRules.need_losses(self.settings) else np.nan
        return self._rules.met(self.settings, self.epoch, train)

    def step(self, unit: str) -> str:
        """One step forward.

        Parameters
        ----------
        unit : {"sample", "batch", "epoch"}
            A sample is looked at; the update comes with the last one of its minibatch.

        Returns
        -------
        str
            As `train` gives it.
        """
        one_of(unit, "unit", UNITS)
        more = self.seen + 1 < batch_length(self.state)
        if unit == "sample" and self.divergence is None and more:
            self._become(replace(self.state, seen=self.seen + 1))
            return ""
        before = self.n_updates
        why = self.train(epochs=1) if unit == "epoch" else self.train(updates=1)
        if self.divergence is None and self.n_updates > before:
            self._history.add(self.exact_epoch, self.n_updates, self.losses())
        return why

    # ---- back ---------------------------------------------------------------------------------

    def back(self, unit: str) -> bool:
        """One step back, exactly: weights, memory, position, settings and points are what they were.

        Settings that only concern the view or when to stop stay as they are.

        Parameters
        ----------
        unit : {"sample", "batch", "epoch"}
            A minibatch or an epoch that has begun is taken back to its beginning first.

        Returns
        -------
        bool
            Whether there was a past to return to.
        """
        one_of(unit, "unit", UNITS)
        if not self.can_back:
            return False
        state, seen = self.state, 0
        if unit == "epoch":
            begun_already = state.row > 0 or state.seen > 0
            self._return_to_epoch(state.epoch if begun_already else state.epoch - 1)
            return True
        if state.seen:
            seen = state.seen - 1 if unit == "sample" else 0
        else:
            self._return_to(self._marks.at_updates(state.n_updates - 1), state.n_updates - 1)
            if unit == "sample":
                seen = max(batch_length(self.state) - 1, 0)
        self._become(replace(self.state, seen=seen))
        return True

    def _return_to_epoch(self, epoch: int) -> None:
        mark = self._marks.at_epoch(epoch)
        later = updates_until(mark, epoch) if epoch > mark.epoch else 0
        self._return_to(mark, mark.n_updates + later)

    def _return_to(self, mark: State, n_updates: int) -> None:
        """Repeat what happened since a mark; on a long way leave further marks."""
        self._marks.forget_after(mark.n_updates)
        order = order_of(mark)
        while (left := n_updates - mark.n_updates) > 0:
            n = left // 2 if left > REPLAYED_AT_ONCE else left
            mark, _ = advance(mark, order, n)
            self._marks.note(mark)
        self._history.forget_after(n_updates)
        self._rules, self.divergence = StopRules(mark.epoch), None
        self._become(under_view_of(mark, self.settings))

    def reset(self) -> None:
        """Begin again from the same first weights."""
        self._settle(begun(self.settings, self.material))

    def to_finite(self) -> bool:
        """Return to the last state that made sense; whether there was a divergence.

        What was changed since then is changed there.
        """
        if self.divergence is None:
            return False
        broken, last = self.state, self.divergence.last
        self.divergence = None
        self._marks.forget_after(last.n_updates)
        self._history.forget_after(last.n_updates)
        self._become(last)
        self._marks.note(last)
        if broken.material.points is not last.material.points:
            self._change(broken.settings, broken.material.points, broken.material.sets)
        elif broken.settings != last.settings:
            self._change(broken.settings)
        return True

    # ---- changes ------------------------------------------------------------------------------

    def change(self, values: Mapping[str, Any]) -> None:
        """Change settings, at any time.

        Parameters
        ----------
        values : dict
            Some settings, as `settings.parse` reads them; and ``weights``, as `address` writes them.

        Raises
        ------
        InputError
            When a key or value is none that there is, or does not suit the data.
        """
        values = dict(values)
        weights = values.pop("weights", None)
        settings = parse(values, self.settings)
        theta = None
        if weights is not None:  # looked at before anything is touched
            theta = saving.weights_from(weights, changed(self.state, settings)[0].spec)
        self._change(settings)
        if theta is not None:
            state = self.state
            if (
                self.divergence is not None
            ):  # a way out of it: its memory is as broken as its weights
                self.divergence, state = None, replace(state, memory=None)
            self._by_hand(with_parameters(state, theta))

    def replace_points(self, points: Points, sets: NDArray[np.int8] | None = None) -> None:
        """Learn from other points, and go on from the same weights.

        Parameters
        ----------
        points : Points
            Where points were drawn, they now are "own" ones.
        sets : numpy.ndarray of shape (n,), optional
            Who learns from them; dealt anew unless given.

        Raises
        ------
        InputError
            When there are too many, or they do not suit the settings.
        """
        source = "own" if self.settings.source == "toy" else self.settings.source
        self._change(replace(self.settings, source=source), points, sets)

    def _change(
        self,
        settings: Settings,
        points: Points | None = None,
        sets: NDArray[np.int8] | None = None,
    ) -> None:
        state, kind = changed(self.state, settings, points, sets)
        before = self.settings
        if kind == "begin":
            self._settle(state)
        elif kind == "view":
            self._become(state)
        else:
            self._by_hand(state)
        stops = [(one.stopEpoch, one.stopLoss, one.patience) for one in (before, settings)]
        if stops[0] != stops[1]:
            self._rules = StopRules(self.epoch)

    def _by_hand(self, state: State) -> None:
        """Take a state that came about by a change: it leaves a mark and a row of losses."""
        self._become(state)
        if self.divergence is None:
            self._marks.note(state, change=True)
            self._history.add(self.exact_epoch, self.n_updates, self.losses())

    def edit(self, layer: int, i: int | None, j: int, value: float) -> None:
        """Set one weight or bias; the losses follow at once.

        Parameters
        ----------
        layer : int
            1 for the first layer behind the inputs.
        i : int or None
            Unit of the layer before; None for the bias.
        j : int
            Unit of the layer.
        value : float
            Finite.

        Raises
        ------
        InputError
            When there is no such weight, or the value is not finite.
        """
        self._by_hand(edited(self.state, layer, i, j, value))

    def reseed(self, seed: int | None = None) -> None:
        """Begin again from other first weights; without a seed, from any."""
        self.change({"seed": _any_seed() if seed is None else seed})

    def regenerate(self, seed: int | None = None) -> None:
        """Draw other points, or deal them anew, and keep the weights."""
        self.change({"dataSeed": _any_seed() if seed is None else seed})

    # ---- to keep ------------------------------------------------------------------------------

    def load(self, data: Mapping[str, Any]) -> None:
        """Become what was saved.

        Parameters
        ----------
        data : dict
            As `save` gives it, perhaps from someone else.

        Raises
        ------
        InputError
            When it is no such thing; the experiment then stays as it was.
        """
        self._settle(*saving.loaded(data))


def _any_seed() -> int:
    """Short, so that a person can read it out."""
    return int(np.random.default_rng().integers(100_000))
