"""One page's experiment, in a thread of its own: it trains in short stretches and answers between them.

The thread owns the experiment; everybody else sends it letters. Training goes on in stretches of at
most 10 ms, so a command waits no longer than that, and a picture of the state is made every sixtieth of
a second, as long as the page has seen all but the last one (*newest frame wins*: training never waits
for drawing; `pacing`). While nothing trains and nothing has changed the thread sleeps and uses no
processor at all. When no page is there it rests, and goes on from the same weights when it is back.

What takes longer than a stretch is done beside it, by two helpers with the state of that moment
(`helping`): measures and diagnostics five times a second at most, and slow questions.

*Conventions*: times in seconds of a clock that never runs back. What goes out is text (JSON) or bytes (a
frame), put into the page's outbox. An error becomes a message in words; the session lives on.
"""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ddasp._errors import DdaspError
from ddasp.playground.serving.asking import ask, said
from ddasp.playground.serving.describing import Told, hello_message
from ddasp.playground.serving.helping import Helper
from ddasp.playground.serving.outbox import Outbox, to_text
from ddasp.playground.serving.pacing import Pace, Speed

if TYPE_CHECKING:
    from ddasp.playground.datasets import Points
    from ddasp.playground.serving.diagnosing import Diagnosis
    from ddasp.playground.serving.shelf import Shelf
    from ddasp.playground.training.experiment import Experiment

__all__ = ["Session"]

STATS = 0.2  # s between two looks at the measures
WHY = {
    "stop-epoch": "The epoch at which training was to stop is reached.",
    "stop-loss": "The training loss has fallen to the value at which training was to stop.",
    "patience": "The validation loss has not improved for as many epochs as patience allows.",
    "diverged": "The loss is no longer a finite number.",
    "no-data": "There are no training points. Paint some, or choose a data set.",
}


class Session:
    """An experiment, the page that looks at it, and the thread between them.

    Parameters
    ----------
    name : str
        Under which the page finds it again.
    shelf : Shelf
        Where sounds come from.
    clock : callable
        Seconds that never run back.
    turns : context manager, optional
        Entered while it trains, draws or measures; a semaphore that all sessions share lets a few of
        them compute at a time.

    Attributes
    ----------
    alone_since : float or None
        Since when no page has been there; None while one is.
    """

    def __init__(
        self,
        name: str,
        shelf: Shelf,
        *,
        clock: Callable[[], float] = time.monotonic,
        turns: AbstractContextManager[Any] | None = None,
    ) -> None:
        self.name, self.shelf, self._clock = name, shelf, clock
        self._turns = turns if turns is not None else contextlib.nullcontext()
        self.alone_since: float | None = clock()
        self._letters: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"session {name}", daemon=True)
        self._measuring, self._asking = Helper("measuring"), Helper("asking")
        self._outbox: Outbox | None = None
        self._ended = False
        self._reason = self._message = self._opening = ""
        self._focus: tuple[int, int] | None = None
        self._watched: frozenset[str] = frozenset()
        self._pace, self._speed = Pace(), Speed()
        self._next_stats, self._stats_are_old, self._measures_at_work = 0.0, True, False
        self._told = Told()
        self._band = (math.nan, math.nan)
        self._diagnosis: Diagnosis | None = None
        self._divergence: dict[str, Any] | None = None
        self._n_openings = self.n_recordings = 0
        self.experiment: Experiment
        self.own_points: Points | None = None

    # ---- called by others -----------------------------------------------------------------------

    def start(self) -> None:
        """Begin to read letters."""
        self._thread.start()

    def end(self) -> None:
        """Forget everything; the thread ends after its stretch."""
        self._letters.put(None)
        self._measuring.end()
        self._asking.end()

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def attach(self, outbox: Outbox) -> None:
        """A page is there; an earlier one is let go."""
        self.alone_since = None
        self._letters.put(lambda: self._greet(outbox))

    def detach(self, outbox: Outbox) -> None:
        """A page has left."""
        self._letters.put(lambda: self._part(outbox))

    def tell(self, message: dict[str, Any]) -> None:
        """A message of the page, as `messages.parse` gives it."""
        self._letters.put(lambda: self._obey(message))

    def later(self, letter: Callable[[], None], answer: Future[Any] | None = None) -> None:
        """Have the session's own thread do something.

        Parameters
        ----------
        letter : callable
        answer : concurrent.futures.Future, optional
            Told when it fails, in place of the page.
        """
        self._letters.put(lambda: self._guarded(letter, answer))

    def beside(self, task: Callable[[], None], answer: Future[Any] | None = None) -> None:
        """Have the helper do something that takes long; see `Helper.do`."""
        self._asking.do(task, answer)

    # ---- the thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            import numpy as np

            from ddasp.playground.training.experiment import Experiment
            from ddasp.playground.training.frames import encode

            self._encode = encode

            self.experiment = Experiment()
        except Exception as error:  # such as a broken installation: say it to whoever comes
            self._stillborn(error)
            return
        with np.errstate(all="ignore"):  # a network that diverges is told about, not warned of
            while not self._ended:
                self._read(self._patience())
                if self._ended:
                    break
                with self._turns:
                    if self._pace.works and self._outbox is not None:
                        self._guarded(self._stretch)
                    self._guarded(self._show)

    def _stillborn(self, error: Exception) -> None:
        while (letter := self._letters.get()) is not None:
            with contextlib.suppress(Exception):  # there is no experiment that it could find
                letter()
            self.put({"type": "error", **said(error)})

    def _patience(self) -> float | None:
        """How long the thread may sleep: 0 not at all, None until a letter comes."""
        if self._outbox is None:
            return None
        now = self._clock()
        waits = [self._pace.patience(now)]
        if self._stats_are_old and not self._measures_at_work:
            waits.append(max(self._next_stats - now, 0.0))
        return min((wait for wait in waits if wait is not None), default=None)

    def _read(self, patience: float | None) -> None:
        """All letters that are there; wait for the first one."""
        try:
            letter = (
                self._letters.get_nowait()
                if patience == 0.0
                else self._letters.get(timeout=patience)
            )
            while True:
                if letter is None:
                    self._ended = True
                    return
                self._guarded(letter)
                letter = self._letters.get_nowait()
        except queue.Empty:
            pass

    def _guarded(self, step: Callable[[], None], answer: Future[Any] | None = None) -> None:
        """Do one thing; what goes wrong is said to the page, and to who waits for an answer."""
        try:
            step()
        except Exception as error:
            if answer is not None:
                answer.set_exception(error)
            else:
                self.put({"type": "error", **said(error)})
            if not isinstance(error, DdaspError):
                self.pause()
                with contextlib.suppress(Exception):  # what is at fault may be what is told
                    self.tell_changes()

    def _stretch(self) -> None:
        """Train for a moment, no longer than until the next tick."""
        experiment = self.experiment
        most, budget = self._pace.stretch(self._clock())
        updates, epoch = experiment.n_updates, experiment.exact_epoch
        why = experiment.train(updates=most, budget=budget)
        self._pace.made(experiment.n_updates - updates)
        self._speed.add(self._clock(), experiment.exact_epoch - epoch)
        self._stats_are_old = True
        if why:
            self.stopped(why)

    def _show(self) -> None:
        """Send what is due: a frame at every tick, measures now and then."""
        if self._outbox is None:
            return
        now, experiment = self._clock(), self.experiment
        if self._pace.tick(now, experiment.settings.speed * experiment.updates_per_epoch):
            frame = experiment.frame(
                focus=self._focus,
                number=self._pace.n_frames,
                running=self._pace.running,
                speed=self._speed.value if self._pace.running else 0.0,
                band=self._band,
            )
            self._outbox.put("frame", self._encode(frame))
        if self._stats_are_old and not self._measures_at_work and now >= self._next_stats:
            self._stats_are_old, self._next_stats = False, now + STATS
            self._measure()

    def _measure(self) -> None:
        """Let a helper find out what there is to know of the present state."""
        from ddasp.playground.serving.diagnosing import Diagnosis, Look

        experiment, diagnosis = self.experiment, self._diagnosis or Diagnosis()
        self._diagnosis, self._measures_at_work = diagnosis, True
        look = Look(
            experiment.state,
            experiment.losses(),
            experiment.generation,
            self._watched,
            self._speed.value if self._pace.running else 0.0,
            experiment.settings.mission,
        )

        def work() -> None:
            try:
                found = diagnosis.of(look)
            except Exception as error:
                problem = error
                self._letters.put(lambda: self._measured(None, problem))
            else:
                self._letters.put(lambda: self._measured(found, None))

        self._measuring.do(work)

    def _measured(self, found: dict[str, Any] | None, problem: Exception | None) -> None:
        self._measures_at_work = False
        if problem is not None:
            self.put({"type": "error", **said(problem)})
            self.pause()
            self.tell_changes()
            self._stats_are_old = False  # the same state would fail again, for ever
            return
        if found is not None and found["generation"] == self.experiment.generation:
            self._band = found["band"]
            self.put(found)

    # ---- letters --------------------------------------------------------------------------------

    def _greet(self, outbox: Outbox) -> None:
        """Tell a page everything from the beginning; it may be a new one."""
        if self._outbox is not None and self._outbox is not outbox:
            self._outbox.close("this session was opened in another place")
        self._outbox = outbox
        self._pace.greet(self._clock())
        self._told, self._stats_are_old, self.alone_since = Told(), True, None
        self.put(hello_message(self.name, self.shelf))
        self.tell_changes()

    def _part(self, outbox: Outbox) -> None:
        if self._outbox is outbox:
            self._outbox = None
            self.alone_since = self._clock()

    def _obey(self, message: dict[str, Any]) -> None:
        """Do what the page asks for, and tell it what is different then."""
        from ddasp.playground.serving.obeying import COMMANDS

        kind = message["type"]
        if kind == "ack":
            self._pace.seen(message["frame"])
            return
        if kind == "ask":
            ask(self, message)
            return
        try:
            if kind not in ("focus", "watch") and self._reason != "diverged":
                self._reason = self._message = ""
            COMMANDS[kind](self, message)
            if self._reason == "diverged" and self.experiment.divergence is None:
                self._reason = self._message = ""
        finally:  # a command that failed half-way has changed something, too
            self.tell_changes()

    def tell_changes(self) -> None:
        """Send whichever of settings, data, history and status is no longer what was sent."""
        status = {
            "type": "status",
            "running": self._pace.running,
            "reason": "opening" if self._opening else self._reason,
            "message": self._opening or self._message,
            "can_back": self.experiment.can_back,
            "divergence": self._divergence if self._reason == "diverged" else None,
        }
        for message in self._told.changes(self.experiment, self.shelf, status):
            self.put(message)
            self._pace.is_old = self._stats_are_old = True

    # ---- what commands use ----------------------------------------------------------------------

    def put(self, message: dict[str, Any]) -> None:
        """Send a message to the page, if one is there."""
        outbox = self._outbox
        if outbox is not None:
            outbox.put(message["type"], to_text(message))

    def play(self) -> None:
        """Train from now on."""
        self._reason, self._message, self._speed = "", "", Speed()
        self._pace.begin(self._clock())

    def pause(self) -> None:
        """Train no longer."""
        self._reason = self._message = ""
        self._pace.end()
        self._stats_are_old = True

    def stopped(self, why: str) -> None:
        """Training has ended by itself; a blank reason changes nothing."""
        if not why:
            return
        self.pause()
        self._reason, self._message = why, WHY.get(why, why)
        if why == "diverged":
            from ddasp.playground.serving.diagnosing import why_diverged

            self._divergence = why_diverged(self.experiment)
            self._message = self._divergence["message"]
        self.tell_changes()

    def look_at(self, unit: tuple[int, int] | None) -> None:
        """Show one unit large, or the output again."""
        self._focus, self._pace.is_old = unit, True

    def watch(self, panels: frozenset[str]) -> None:
        """Compute what these panels show."""
        self._watched, self._stats_are_old = panels, True
        self._next_stats = min(self._next_stats, self._clock())

    def begin_opening(self, words: str) -> int:
        """Sounds are being read from now on; gives a number for `end_opening`."""
        self._opening = words
        self._n_openings += 1
        return self._n_openings

    def end_opening(self, number: int | None = None) -> bool:
        """They are read, or (without a number) no longer wanted; whether they still were."""
        if number is not None and number != self._n_openings:
            return False
        self._opening = ""
        self._n_openings += number is None
        return True
