"""What each message of the page does to a session's experiment.

*Conventions*: a command gets the session and the message as `messages.parse` gives it; what is different
afterwards the session finds out and tells by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ddasp._errors import InputError
from ddasp.playground.serving.hearing import find_again, open_sounds

if TYPE_CHECKING:
    from ddasp.playground.serving.session import Session

__all__ = ["COMMANDS"]


def _change(session: Session, message: dict[str, Any]) -> None:
    """Any settings, at any time; sounds are read beside the training."""
    from ddasp.playground.settings import parse

    experiment, values = session.experiment, message["set"]
    before = experiment.settings
    wanted = parse({key: value for key, value in values.items() if key != "weights"}, before)
    if wanted.source == "sound" and (before.source, before.featureSet) != (
        "sound",
        wanted.featureSet,
    ):
        open_sounds(session, values)
        return
    if "source" in values:
        session.end_opening()
    experiment.change(values)
    if wanted.source == "own" and before.source != "own":
        points = session.own_points
        if points is None and experiment.points.ids is not None:
            points = replace(experiment.points, ids=None, groups=None)  # numbers without sounds
        if points is not None:
            experiment.replace_points(points)


def _address(session: Session, message: dict[str, Any]) -> None:
    """What stands behind the # of an address, TensorFlow Playground's as well; weights if it has any."""
    from urllib.parse import parse_qs

    from ddasp.playground.settings import as_json, read_address

    settings, remarks = read_address(message["text"])
    try:
        weights = parse_qs(message["text"].lstrip("#?"), max_num_fields=200).get("weights", [])[:1]
    except ValueError:  # more fields than that: the remarks say so
        weights = []
    _change(session, {"set": as_json(settings) | ({"weights": weights[0]} if weights else {})})
    for remark in remarks:
        session.put({"type": "error", "code": "E-ARGUMENT", "message": remark})


def _points(session: Session, message: dict[str, Any]) -> None:
    from ddasp.playground.points.own_points import edit

    experiment = session.experiment
    if experiment.settings.source == "sound":
        raise InputError(
            "E-DATA",
            "these points are sounds, which can't be painted or moved; choose a drawn data set or own "
            "points",
        )
    points = experiment.points
    if message["clear"]:
        message["delete"] = list(range(points.n))
    session.own_points = edit(
        points, add=message["add"], move=message["move"], delete=message["delete"]
    )
    experiment.replace_points(session.own_points)


def _csv(session: Session, message: dict[str, Any]) -> None:
    from ddasp.playground.points.own_points import read_csv

    session.own_points = read_csv(message["text"])
    session.experiment.replace_points(session.own_points)


def _play(session: Session, message: dict[str, Any]) -> None:
    session.play()


def _pause(session: Session, message: dict[str, Any]) -> None:
    session.pause()


def _step(session: Session, message: dict[str, Any]) -> None:
    session.pause()
    session.stopped(session.experiment.step(message["unit"]) or "")


def _back(session: Session, message: dict[str, Any]) -> None:
    session.pause()
    session.experiment.back(message["unit"])


def _reset(session: Session, message: dict[str, Any]) -> None:
    session.pause()
    session.experiment.reset()


def _reseed(session: Session, message: dict[str, Any]) -> None:
    session.pause()
    session.experiment.reseed(message["seed"])


def _regenerate(session: Session, message: dict[str, Any]) -> None:
    session.experiment.regenerate(message["seed"])


def _edit(session: Session, message: dict[str, Any]) -> None:
    session.experiment.edit(message["layer"], message["i"], message["j"], float(message["value"]))


def _focus(session: Session, message: dict[str, Any]) -> None:
    layer, unit = message["layer"], message["unit"]
    session.look_at(None if layer is None else (layer, unit or 0))


def _watch(session: Session, message: dict[str, Any]) -> None:
    session.watch(frozenset(message["panels"]))


def _load(session: Session, message: dict[str, Any]) -> None:
    session.pause()
    session.end_opening()
    experiment = session.experiment
    experiment.load(message["state"])
    if experiment.settings.source == "own":
        session.own_points = experiment.points
    elif experiment.settings.source == "sound":
        find_again(session)


def _finite(session: Session, message: dict[str, Any]) -> None:
    session.pause()
    session.experiment.to_finite()


COMMANDS: dict[str, Callable[[Session, dict[str, Any]], None]] = {
    "change": _change,
    "address": _address,
    "points": _points,
    "csv": _csv,
    "play": _play,
    "pause": _pause,
    "step": _step,
    "back": _back,
    "reset": _reset,
    "reseed": _reseed,
    "regenerate": _regenerate,
    "edit": _edit,
    "focus": _focus,
    "watch": _watch,
    "load": _load,
    "finite": _finite,
}
