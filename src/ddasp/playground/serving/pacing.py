"""When to train, and when to draw: the arithmetic of a session's clock.

Sixty times a second there is a *tick*. At each one a picture is due, if something changed and the page
has seen all but the last one; and so many updates more are due as the speed says. Those are made in
stretches of at most 10 ms until the next tick. What could not be made in time is not made up for: a slow
machine trains more slowly, it does not fall behind.

*Conventions*: times are in seconds of a clock that never runs back, and are arguments: this file reads
no clock.
"""

from __future__ import annotations

import math

__all__ = ["FRAME", "IN_FLIGHT", "STRETCH", "Pace", "Speed"]

FRAME, STRETCH = 1 / 60, 0.010
SHORTEST = 0.001  # of a stretch that is begun shortly before a tick
IN_FLIGHT = 2  # frames that the page has not yet said to have seen


class Speed:
    """Epochs per second over the last half second or so.

    Examples
    --------
    >>> speed = Speed()
    >>> for tenth in range(8):
    ...     speed.add(tenth / 10, 5.0)
    >>> speed.value
    50.0
    """

    def __init__(self) -> None:
        self.value = 0.0
        self._since: float | None = None
        self._epochs = 0.0

    def add(self, now: float, epochs: float) -> None:
        """So many epochs were trained until now."""
        if self._since is None:
            self._since = now
            return
        self._epochs += epochs
        if now - self._since >= 0.5:
            self.value = self._epochs / (now - self._since)
            self._since, self._epochs = now, 0.0


class Pace:
    """Ticks, updates that are due, and frames that are on their way.

    Attributes
    ----------
    running : bool
        Whether training goes on.
    due : float
        Updates to make before the next tick; infinite at full speed.
    is_old : bool
        The last frame no longer shows the state.
    n_frames, n_seen : int
        Numbers of the newest frame that was sent, and of the newest that was seen.
    """

    def __init__(self) -> None:
        self.running, self.due, self.is_old = False, 0.0, True
        self.n_frames = self.n_seen = 0
        self._next = 0.0

    def begin(self, now: float) -> None:
        """Train from now on."""
        self.running, self.due, self._next = True, 0.0, now

    def end(self) -> None:
        """Train no longer."""
        self.running, self.due, self.is_old = False, 0.0, True

    def greet(self, now: float) -> None:
        """A page has come: a frame is due at once, before anything is trained."""
        self.due, self._next, self.is_old = 0.0, now, True
        self.n_seen = self.n_frames

    def seen(self, number: int) -> None:
        """The page has seen this frame, and all before it."""
        self.n_seen = max(self.n_seen, min(number, self.n_frames))

    @property
    def may_send(self) -> bool:
        """Whether the page wants another frame."""
        return self.n_frames - self.n_seen < IN_FLIGHT

    @property
    def works(self) -> bool:
        """Whether updates are due."""
        return self.running and self.due >= 1

    def patience(self, now: float) -> float | None:
        """Seconds until there is something to do; None: not before somebody says something."""
        if self.works:
            return 0.0
        if self.running or (self.is_old and self.may_send):
            return max(self._next - now, 0.0)
        return None

    def stretch(self, now: float) -> tuple[int | None, float]:
        """How many updates to make at most (None: any number), and how many seconds they may take."""
        most = None if math.isinf(self.due) else math.floor(self.due)
        return most, min(STRETCH, max(self._next - now, SHORTEST))

    def made(self, n_updates: int) -> None:
        """So many updates were made."""
        self.due -= n_updates
        self.is_old = True

    def tick(self, now: float, per_frame: float) -> bool:
        """Let time go on; whether a frame is to be sent now.

        Parameters
        ----------
        now : float
        per_frame : float
            Updates that become due at a tick.
        """
        if now < self._next:
            return False
        late = now - self._next
        self._next = now + FRAME - (late if late < FRAME else 0.0)
        if self.running and self.due < 1:
            self.due += per_frame
        if not (self.is_old and self.may_send):
            return False
        self.is_old = False
        self.n_frames += 1
        return True
