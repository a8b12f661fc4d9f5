"""A question of the page and its answer, by the thread that trains or by the helper beside it.

*Conventions*: an answer carries the question's number; it has a ``value``, or an ``error`` with code and
words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddasp._errors import DdaspError, InputError

if TYPE_CHECKING:
    from ddasp.playground.serving.session import Session

__all__ = ["ask", "said"]


def ask(session: Session, message: dict[str, Any]) -> None:
    """Answer a question, now or later.

    Parameters
    ----------
    session : Session
    message : dict
        Of type ``ask``: ``id``, ``what``, and what that needs.
    """
    from ddasp.playground.serving.answering import QUESTIONS, Scene

    number, what = message["id"], message["what"]
    if what not in QUESTIONS:
        words = f"what is {what[:40]!r}; expected one of {', '.join(QUESTIONS)}"
        _reply(session, number, error=InputError("E-ARGUMENT", words))
        return
    question = QUESTIONS[what]
    scene = Scene(session.experiment, session.experiment.state, session.shelf, message)

    def work() -> None:
        try:
            value = question.answer(scene)
        except Exception as error:
            _reply(session, number, error=error)
        else:
            _reply(session, number, value=value)

    if question.beside:
        session.beside(work)
    else:
        work()


def _reply(session: Session, number: int, **more: Any) -> None:
    if "error" in more:
        more["error"] = said(more["error"])
    session.put({"type": "answer", "id": number, **more})


def said(error: Exception) -> dict[str, str]:
    """An error as code and words; one that is nobody's input is called what it is.

    Parameters
    ----------
    error : Exception

    Examples
    --------
    >>> said(InputError("E-DATA", "there are no points"))
    {'code': 'E-DATA', 'message': 'there are no points'}
    >>> said(ZeroDivisionError("division by zero"))["code"]
    'unexpected'
    """
    if isinstance(error, DdaspError):
        return {"code": error.code, "message": error.message}
    words = f"{type(error).__name__}: {error}"[:300]
    return {"code": "unexpected", "message": f"This is a fault of ddasp ({words})."}
