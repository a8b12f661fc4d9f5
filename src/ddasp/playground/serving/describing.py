"""What the page is told about a session: greeting, settings, data, history, status.

*Conventions*: messages are dicts for `outbox.to_text`; points are in plane coordinates of the map (n, 2)
and in their own (n, d).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddasp import __version__

if TYPE_CHECKING:
    from ddasp.playground.serving.shelf import Shelf
    from ddasp.playground.training.experiment import Experiment

__all__ = ["Told", "hello_message"]


def hello_message(session: str, shelf: Shelf) -> dict[str, Any]:
    """The greeting: what there is to set, to look at and to solve.

    Parameters
    ----------
    session : str
    shelf : Shelf
    """
    from ddasp.playground.knowing.missions import MISSIONS
    from ddasp.playground.settings import SCHEMA

    return {
        "type": "hello",
        "session": session,
        "version": __version__,
        "schema": SCHEMA,
        "sources": [
            {"key": "toy", "title": "Drawn data sets", "kind": "toy"},
            {"key": "own", "title": "Own points", "kind": "own"},
            {"key": "sound", "title": shelf.title, "kind": "sound"},
        ],
        "missions": MISSIONS,
    }


def settings_message(experiment: Experiment, shelf: Shelf) -> dict[str, Any]:
    """What is set, and the network that follows from it.

    Parameters
    ----------
    experiment : Experiment
    shelf : Shelf
    """
    from ddasp.playground.points.inputs import available, name_of
    from ddasp.playground.settings import as_json

    spec, points, inputs, view = (
        experiment.spec,
        experiment.points,
        experiment.inputs,
        experiment.view,
    )
    fed = dict(zip(inputs.keys, zip(inputs.names, inputs.formulas, strict=True), strict=True))
    offered = [(key, name_of(key, points)) for key in available(points)] or [
        (f"column:{j}", name) for j, name in enumerate(points.axes)
    ]
    return {
        "type": "settings",
        "settings": as_json(experiment.settings),
        "spec": {
            "widths": spec.widths,
            "activations": spec.activations,
            "loss": spec.loss,
            "n_parameters": sum(int(p.size) for p in experiment.theta),
        },
        "inputs": [
            {
                "key": key,
                "name": fed.get(key, (name,))[0],
                "formula": fed[key][1] if key in fed else name,
                "on": key in fed,
            }
            for key, name in offered
        ],
        "view": {
            "kind": view.kind,
            "axes": [
                {"name": name, "low": low, "high": high}
                for name, (low, high) in zip(view.axes, view.ranges, strict=True)
            ],
            "words": view.words,
        },
        "generation": experiment.generation,
    }


def data_message(experiment: Experiment, shelf: Shelf) -> dict[str, Any]:
    """The points, where they stand on the map, and who trains on them.

    Parameters
    ----------
    experiment : Experiment
    shelf : Shelf
    """
    points = experiment.points
    about: dict[str, Any] = {}
    if experiment.settings.source == "sound" and shelf.is_open:
        source = shelf.open()
        about = {
            "feature_sets": source.feature_sets(),
            "words": source.words,
            "set_aside": source.set_aside,
        }
    return {
        "type": "data",
        "points": {
            "x": experiment.view.project(points.X),
            "coordinates": points.X,
            "axes": points.axes,
            "y": points.y,
            "sets": experiment.sets,
            "classes": points.classes,
            "kind": points.kind,
            "sounds": points.ids or [None] * points.n,
            "groups": points.groups,
            "title": points.title,
            "own": experiment.settings.source == "own",
            **about,
        },
        "generation": experiment.generation,
    }


def history_message(experiment: Experiment, shelf: Shelf) -> dict[str, Any]:
    """The course of the losses so far.

    Parameters
    ----------
    experiment : Experiment
    shelf : Shelf
    """
    return {
        "type": "history",
        **experiment.history(),
        "generation": experiment.generation,
    }


MESSAGES = {"settings": settings_message, "data": data_message, "history": history_message}


class Told:
    """What a page was told last, so that it is told again only what has changed."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[Any, ...]] = {}
        self._status: dict[str, Any] | None = None
        self._n_updates = self._n_returns = 0

    def changes(
        self, experiment: Experiment, shelf: Shelf, status: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """The messages that are due.

        Parameters
        ----------
        experiment : Experiment
        shelf : Shelf
        status : dict
            The ``status`` message that holds now.
        """
        # a page adds losses by itself as they come, so it needs them anew only after a change of the past
        self._n_returns += experiment.n_updates < self._n_updates
        self._n_updates = experiment.n_updates
        view, settings = experiment.view, experiment.settings
        parts = {
            "settings": (settings, experiment.spec, experiment.inputs, view),
            "data": (experiment.points, experiment.sets, view, settings.source),
            "history": (experiment.log.base, self._n_returns),
        }
        due = []
        for name, part in parts.items():
            before = self._parts.get(name)
            if before is None or not all(map(_same, before, part)):
                due.append(MESSAGES[name](experiment, shelf))
                self._parts[name] = part
        if status != self._status:
            due.append(status)
            self._status = status
        return due


def _same(a: Any, b: Any) -> bool:
    """Whether it is the same object; what is changed here is always replaced."""
    return a is b or (isinstance(a, (str, int)) and a == b)
