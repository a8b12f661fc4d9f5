"""What an experiment shows of itself: its state in parts, losses, pictures, and a file of it.

*Conventions*: nothing here changes an experiment; `experiment` has what does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.nonlinear.spec import ModelSpec, Parameters
from ddasp.nonlinear.steps import SGD, Adam
from ddasp.playground.datasets import Points
from ddasp.playground.points.inputs import Inputs
from ddasp.playground.points.plane import View
from ddasp.playground.settings import Settings, to_address
from ddasp.playground.training import frames, saving
from ddasp.playground.training.history import History
from ddasp.playground.training.known import Known
from ddasp.playground.training.losses import Losses
from ddasp.playground.training.marks import Marks
from ddasp.playground.training.material import Material, optimizer_for
from ddasp.playground.training.ordering import Order
from ddasp.playground.training.stretches import Divergence, Log, State, batch_length

__all__ = ["Watched"]


class Watched:
    """The part of an experiment that is only looked at.

    Attributes
    ----------
    divergence : Divergence or None
        How the current state stopped making sense; None while it makes sense.
    """

    divergence: Divergence | None
    _known: Known
    _order: Order
    _marks: Marks
    _history: History

    @property
    def state(self) -> State:
        """Everything that the next update depends on."""
        return self._known.state

    @property
    def settings(self) -> Settings:
        """The current settings."""
        return self.state.settings

    @property
    def material(self) -> Material:
        """Points, sets, inputs, targets and plane together."""
        return self.state.material

    @property
    def points(self) -> Points:
        """What is learned."""
        return self.material.points

    @property
    def sets(self) -> NDArray[np.int8]:
        """The set of each point, (n,): 0 training, 1 validation, 2 test."""
        return self.material.sets

    @property
    def inputs(self) -> Inputs:
        """What the network is fed."""
        return self.material.inputs

    @property
    def view(self) -> View:
        """The plane of the map."""
        return self.material.view

    @property
    def U(self) -> NDArray[np.float64]:
        """Inputs of all points, (n, n_in)."""
        return self.material.U

    @property
    def targets(self) -> NDArray:
        """Targets of all points, (n, 1), or codes (n,) with three or more classes."""
        return self.material.targets

    @property
    def spec(self) -> ModelSpec:
        """The network."""
        return self.state.spec

    @property
    def optimizer(self) -> SGD | Adam:
        """How parameters follow the gradient."""
        return optimizer_for(self.settings)

    @property
    def theta(self) -> Parameters:
        """Parameters (W1, b1, W2, b2, ...)."""
        return self.state.theta

    @property
    def memory(self) -> Any:
        """What the optimizer remembers, as the engine keeps it; None before the first update."""
        return self.state.memory

    @property
    def log(self) -> Log:
        """How the parameters came about, for repeating it."""
        return self.state.log

    @property
    def epoch(self) -> int:
        """Whole epochs so far."""
        return self.state.epoch

    @property
    def row(self) -> int:
        """Rows of the running epoch that are used up."""
        return self.state.row

    @property
    def exact_epoch(self) -> float:
        """Epochs, with the part of the running one that is used up."""
        return self.state.exact_epoch

    @property
    def n_updates(self) -> int:
        """Updates so far."""
        return self.state.n_updates

    @property
    def seen(self) -> int:
        """Samples of the next minibatch that were looked at one by one."""
        return self.state.seen

    @property
    def updates_per_epoch(self) -> int:
        """Number of minibatches in an epoch; at least 1."""
        return max(1, -(-self.material.n_train // self.settings.batchSize))

    @property
    def can_back(self) -> bool:
        """Whether there is a past to return to."""
        return self.seen > 0 or self.n_updates > self._marks.first.n_updates

    @property
    def generation(self) -> int:
        """A number that changes when data, inputs, plane or network do, and only then."""
        return self._known.generation

    def next_batch(self) -> NDArray[np.intp]:
        """Points that the next update will see, as rows of `U` in their order."""
        state, rows = self.state, np.flatnonzero(self.sets == 0)
        if not len(rows):
            return rows
        order = self._order.of(state.epoch)
        return rows[order[state.row : state.row + batch_length(state)]]

    def losses(self) -> Losses:
        """Loss of the training, validation and test points, without penalties; NaN for no points."""
        return self._known.losses

    def gradient_norm(self) -> float:
        """Euclidean length of the gradient over all training points, penalties included."""
        return self._known.gradient_norm

    def history(self) -> dict[str, list[float | None]]:
        """Losses so far, as columns; at most 2,000 rows."""
        return self._history.as_json()

    def frame(
        self,
        *,
        focus: tuple[int, int] | None = None,
        number: int = 0,
        running: bool = False,
        speed: float = 0.0,
        band: tuple[float, float] | None = None,
    ) -> frames.Frame:
        """A picture of the current state.

        Parameters
        ----------
        focus : tuple of (layer, unit), optional
            Show that unit large; one that is gone is passed over.
        number : int
            Of the frame.
        running : bool
        speed : float
            Epochs a second.
        band : tuple of float, optional
            Low and high end of the test loss's band.
        """
        flags = frames.RUNNING * running | frames.DIVERGED * (self.divergence is not None)
        return self._known.frame(flags, focus, number, speed, band)

    def address(self, *, weights: bool = False) -> str:
        """The settings, and the weights if asked for, as the part of an address behind its #.

        Parameters
        ----------
        weights : bool
        """
        parts = [to_address(self.settings)]
        if weights:
            state = self.state if self.divergence is None else self.divergence.last
            parts.append(f"weights={saving.weights_as_text(state.theta)}")
        return "&".join(part for part in parts if part)

    def save(self) -> dict[str, Any]:
        """Everything but the past, as JSON; what diverged, as it last was before."""
        state = self.state if self.divergence is None else self.divergence.last
        return saving.saved(state, self._history)
