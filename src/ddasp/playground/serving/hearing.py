"""Sounds in a session: reading them, playing one, and placing a recording of the microphone among them.

All of it takes longer than a stretch of training, so it is done by the session's helper; what follows
for the experiment is done by its own thread afterwards.

*Conventions*: recordings are float32, little endian, one channel, as bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from ddasp._errors import InputError

if TYPE_CHECKING:
    from ddasp.playground.datasets import Points
    from ddasp.playground.serving.session import Session
    from ddasp.playground.settings import Settings

__all__ = ["find_again", "open_sounds", "record", "sound"]


def sound(session: Session, key: str) -> bytes:
    """A sound as a WAV file.

    Parameters
    ----------
    session : Session
    key : str
        Its id; looked up, never a path.

    Raises
    ------
    KeyError
        When there is none.
    """
    if not session.shelf.is_open or key not in session.shelf.open().ids:
        raise KeyError(key)
    return session.shelf.open().wav(key)


def record(session: Session, samples: bytes, rate: int) -> Future[dict[str, Any]]:
    """A recording of the microphone, described as the training sounds were, and decided.

    Parameters
    ----------
    session : Session
    samples : bytes
    rate : int
        Sampling rate [Hz].

    Returns
    -------
    concurrent.futures.Future
        Of a ``recording`` message, which the page gets as well.
    """
    answer: Future[dict[str, Any]] = Future()
    answer.set_running_or_notify_cancel()  # a request that is given up leaves it as it is

    def decide(row: Any) -> None:
        from ddasp.playground.serving.answering import decision_of

        state = session.experiment.state
        if state.settings.source != "sound" or row.shape != (state.material.points.d,):
            raise InputError(
                "E-DATA", "other points were chosen while the recording was measured; record again"
            )
        session.n_recordings += 1
        found = {
            "type": "recording",
            "id": session.n_recordings,
            "x": state.material.view.project(row.reshape(1, -1))[0],
            **decision_of(state, row),
        }
        session.put(found)
        answer.set_result(found)

    def describe() -> None:
        from ddasp.playground.serving.answering import describe_recording

        try:
            row = describe_recording(session.shelf, session.experiment.state, samples, rate)
        except Exception as error:
            answer.set_exception(error)
        else:
            session.later(lambda: decide(row), answer)

    session.beside(describe, answer)
    return answer


def find_again(session: Session) -> None:
    """Read the sounds of an experiment that was loaded, so that its points can be played.

    Parameters
    ----------
    session : Session
        Its experiment has the points already; where they are other sounds than those of this server, the
        page is told.
    """
    settings, kept = session.experiment.settings, session.experiment.points
    number = session.begin_opening(f"Reading {session.shelf.title} ...")

    def compare(points: Points) -> None:
        if not session.end_opening(number):
            return
        session.tell_changes()
        same = points.ids == kept.ids and points.X.shape == kept.X.shape
        if not (same and (points.X == kept.X).all()):
            raise InputError(
                "E-DATA",
                f"the loaded points are not the sounds that are open here ({session.shelf.title}): they "
                "can be trained on, but a click plays another sound, or none - start the playground with "
                "the folder they came from",
            )

    _read_sounds(session, settings, number, compare)


def open_sounds(session: Session, values: dict[str, Any]) -> None:
    """Read the sounds, then make them the points.

    Parameters
    ----------
    session : Session
    values : dict
        The settings to change with them.

    Raises
    ------
    InputError
        When the settings make no sense.
    """
    from ddasp.playground.settings import as_json, parse

    experiment = session.experiment
    settings = parse(values, experiment.settings)
    number = session.begin_opening(f"Reading {session.shelf.title} ...")

    def take(points: Points) -> None:
        if not session.end_opening(number):  # something else was chosen meanwhile
            return
        before = experiment.settings
        try:
            experiment.change(values)
            experiment.replace_points(points)
        except InputError:  # such as columns that were chosen for other sounds
            experiment.change(as_json(before))
            raise
        finally:
            session.tell_changes()

    _read_sounds(session, settings, number, take)


def _read_sounds(
    session: Session, settings: Settings, number: int, take: Callable[[Points], None]
) -> None:
    """Have the helper read the sounds, and the session's own thread go on with them."""

    def give_up(problem: Exception) -> None:
        if session.end_opening(number):
            session.tell_changes()
            raise problem

    def read() -> None:
        try:
            points = session.shelf.open().points(settings)
        except Exception as error:
            problem = error
            session.later(lambda: give_up(problem))
        else:
            session.later(lambda: take(points))

    session.beside(read)
