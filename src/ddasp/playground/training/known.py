"""What follows from a state: losses, gradient, a picture; computed when it is asked for, and once.

*Conventions*: whatever depends on parts that did not change is taken over from the state before.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np

from ddasp.playground.training import frames, pictures
from ddasp.playground.training.losses import Losses, data_losses, gradient_norm
from ddasp.playground.training.stretches import State

__all__ = ["Known"]

NONE = float("nan")


class Known:
    """A state, and what is known about it so far.

    Parameters
    ----------
    state : State
    before : Known, optional
        About the state before.
    """

    def __init__(self, state: State, before: Known | None = None) -> None:
        self.state = state
        self._losses: Losses | None = None
        self._gradient_norm: float | None = None
        self._grids: pictures.Grids | None = None
        self._generation: int | None = None
        if before is None or before.state.material is not state.material:
            return
        self._grids = before._grids
        if before.state.spec is state.spec:
            self._generation = before._generation
            if before.state.theta is state.theta:
                self._losses, self._gradient_norm = before._losses, before._gradient_norm

    @property
    def losses(self) -> Losses:
        """Of the training, validation and test points, without penalties."""
        if self._losses is None:
            state = self.state
            self._losses = data_losses(state.spec, state.theta, state.material)
        return self._losses

    @property
    def gradient_norm(self) -> float:
        """Euclidean length of the gradient over all training points."""
        if self._gradient_norm is None:
            state = self.state
            self._gradient_norm = gradient_norm(state.spec, state.theta, state.material)
        return self._gradient_norm

    @property
    def generation(self) -> int:
        """A number that changes when data, inputs, plane or network do, and only then."""
        if self._generation is None:
            self._generation = _digest(self.state)
        return self._generation

    def frame(
        self,
        flags: int,
        focus: tuple[int, int] | None,
        number: int,
        speed: float,
        band: tuple[float, float] | None,
    ) -> frames.Frame:
        """A picture of the state.

        Parameters
        ----------
        flags : int
            `frames.RUNNING` and `frames.DIVERGED`.
        focus : tuple of (layer, unit), or None
            Show that unit large; one that is gone is passed over.
        number : int
            Of the frame.
        speed : float
            Epochs a second.
        band : tuple of float, or None
            Low and high end of the test loss's band.
        """
        state, widths = self.state, self.state.spec.widths
        if focus is not None:
            layer, unit = focus
            if not (0 <= layer < len(widths) and 0 <= unit < widths[layer]):
                focus = None
        if self._grids is None:
            self._grids = pictures.Grids.of(state.material)
        with np.errstate(all="ignore"):  # a network that diverged
            picture, scale, kind = pictures.picture(state, self._grids, focus)
            return frames.Frame(
                flags=kind | flags,
                number=number,
                generation=self.generation,
                epoch=state.exact_epoch,
                n_updates=float(state.n_updates),
                losses=self.losses,
                band=(NONE, NONE) if band is None else band,
                scale=scale,
                speed=speed,
                gradient_norm=NONE if flags & frames.RUNNING else self.gradient_norm,
                seen=state.seen,
                widths=widths,
                picture=picture,
                thumbnails=pictures.thumbnails(state, self._grids),
                parameters=np.concatenate([p.ravel() for p in state.theta]).astype(np.float32),
            )


def _digest(state: State) -> int:
    spec, material = state.spec, state.material
    points, view = material.points, material.view
    words = (
        (spec.widths, spec.activations, spec.loss, material.inputs.formulas),
        (view.axes, view.ranges, view.words),
        (points.kind, points.classes, points.axes, points.ids, points.title),
    )
    number = crc32(repr(words).encode(errors="replace"))
    for array in (points.X, points.y, material.sets, view.origin, view.directions):
        number = crc32(np.ascontiguousarray(array).tobytes(), number)
    return number
