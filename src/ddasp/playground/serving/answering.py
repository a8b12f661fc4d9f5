"""Answers to what a page asks: formulas with numbers, a sound's picture, scripts, what is decided wrongly.

Each question is a function of a `Scene`, the experiment's state at the moment of asking; the table
`QUESTIONS` lists them. Quick ones that need the experiment itself are answered by the thread that trains,
the others by a helper beside it.

*Conventions*: an answer is what JSON can hold. Codes of classes become their names here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp.nonlinear.engines import engine_of
from ddasp.playground.knowing import measures

if TYPE_CHECKING:
    from ddasp.playground.serving.shelf import Shelf
    from ddasp.playground.training.experiment import Experiment
    from ddasp.playground.training.stretches import State

__all__ = ["QUESTIONS", "Question", "Scene", "decision_of", "describe_recording"]

SETS = ("train", "validation", "test")
# The files whose lines the formulas point at; a page names one of these and nothing else.
SOURCES = ("mlp_numpy", "optimizers_numpy")
SHOWN = 200  # points in the small picture of a data set


@dataclass(frozen=True)
class Scene:
    """What a question may look at.

    Parameters
    ----------
    experiment : Experiment
        Only for questions that are answered by its own thread.
    state : State
    shelf : Shelf
    asked : dict
        The question's entries.
    """

    experiment: Experiment
    state: State
    shelf: Shelf
    asked: dict[str, Any]

    def whole(self, name: str, low: int, high: int, *, or_none: bool = False) -> Any:
        """A whole number among the question's entries."""
        value = self.asked.get(name)
        if value is None and or_none:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(
                "E-ARGUMENT", f"{name} is {value!r}; expected a whole number from {low} to {high}"
            )
        return value

    def word(self, name: str) -> str:
        """A text among the question's entries."""
        value = self.asked.get(name)
        if not isinstance(value, str):
            raise InputError("E-ARGUMENT", f"{name} is {value!r}; expected a text")
        return value


@dataclass(frozen=True)
class Question:
    """How one kind of question is answered.

    Parameters
    ----------
    answer : callable
    beside : bool
        By the helper, because it may take longer than a stretch of training.
    """

    answer: Callable[[Scene], Any]
    beside: bool = False


def _numbers(scene: Scene) -> Any:
    from ddasp.playground.knowing.numbers import numbers
    from ddasp.playground.training.material import optimizer_for

    state = scene.state
    layer = scene.whole("layer", 0, len(state.spec.widths) - 1)
    return numbers(
        state.spec,
        state.theta,
        state.memory,
        optimizer_for(state.settings),
        state.material.U,
        state.material.targets,
        scene.experiment.next_batch(),
        layer=layer,
        unit=scene.whole("unit", 0, state.spec.widths[layer] - 1),
        sample=scene.whole("sample", 0, state.material.points.n - 1),
        input_names=state.material.inputs.names,
    )


def _outputs(state: State, U: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the network says to some inputs, (n, n_outputs)."""
    engine = engine_of("mlp", "compiled")
    with np.errstate(all="ignore"):
        z = engine.logits(engine.Model(state.spec, state.theta, None), U)
        return measures.activate(state.spec.activations[-1], z)


def decision_of(state: State, x: NDArray[np.float64]) -> dict[str, Any]:
    """What the network takes one point for.

    Parameters
    ----------
    state : State
    x : ndarray of shape (d,)
        Coordinates.

    Returns
    -------
    dict
        ``decided``: the class's name, or the number in regression; ``probabilities`` of the classes
        (None in regression) and ``probability``, the largest of them.
    """
    points, last = state.material.points, state.spec.activations[-1]
    out = _outputs(state, state.material.inputs.of(np.reshape(x, (1, -1))))
    if points.kind == "regression":
        return {"decided": float(out[0, 0]), "probabilities": None, "probability": None}
    shares = measures.probabilities(out, last)[0]
    code = int(measures.decided(out, last)[0])
    return {
        "decided": _class(state, code),
        "probabilities": shares.tolist(),
        "probability": float(shares[code]),
    }


def _class(state: State, code: int) -> str:
    classes = state.material.points.classes
    return classes[code] if code < len(classes) else str(code)


def _decision(scene: Scene) -> Any:
    points = scene.state.material.points
    row = scene.whole("sample", 0, points.n - 1)
    found = decision_of(scene.state, points.X[row])
    if points.kind == "regression":
        return {**found, "label": float(points.y[row]), "right": None}
    label = _class(scene.state, int(points.y[row]))
    return {**found, "label": label, "right": found["decided"] == label}


def _wrong(scene: Scene) -> Any:
    state = scene.state
    points = state.material.points
    if points.kind == "regression":
        return []
    which = scene.whole("set", 0, 2, or_none=True)
    found = measures.misclassified(
        _outputs(state, state.material.U),
        points.y,
        state.material.sets,
        activation=state.spec.activations[-1],
        which=which,
    )
    for row in found:
        index = row["index"]
        row["label"], row["decided"] = _class(state, row["label"]), _class(state, row["decided"])
        row["sound"] = points.ids[index] if points.ids else None
        row["group"] = points.groups[index] if points.groups else None
        row["set"] = SETS[row["set"]]
    return found


def _state(scene: Scene) -> Any:
    return scene.experiment.save()


def _script(scene: Scene) -> Any:
    from ddasp.playground.training.exporting import script

    return script(scene.experiment)


def _notebook(scene: Scene) -> Any:
    from ddasp.playground.training.exporting import notebook

    return notebook(scene.experiment)


def _csv(scene: Scene) -> Any:
    from ddasp.playground.points.own_points import write_csv

    return write_csv(scene.state.material.points)


def _address(scene: Scene) -> Any:
    return scene.experiment.address(weights=scene.asked.get("weights") is True)


def _picture(scene: Scene) -> Any:
    key = scene.word("sound")
    if not scene.shelf.is_open:
        raise InputError("E-DATA", "no sounds are open; choose sounds as the source of the points")
    try:
        return scene.shelf.open().picture(key)
    except KeyError:
        raise InputError("E-DATA", "there is no sound of this name") from None


def _missions(scene: Scene) -> Any:
    from ddasp.playground.knowing.missions import MISSIONS

    return MISSIONS


def _source(scene: Scene) -> Any:
    import ddasp.nonlinear

    name = scene.word("file")
    if name not in SOURCES:
        raise InputError(
            "E-ARGUMENT", f"file is {name[:40]!r}; expected one of {', '.join(SOURCES)}"
        )
    folder = Path(str(ddasp.nonlinear.__file__)).parent
    return (folder / f"{name}.py").read_text("utf-8").splitlines()


def _leak(scene: Scene) -> Any:
    from ddasp.playground.points.splitting import leak

    return leak(scene.state.material.points, scene.state.settings)


def _thumbnails(scene: Scene) -> Any:
    from ddasp.playground.datasets import DATASETS, make

    pictures = []
    for key, about in DATASETS.items():
        points = make(key, n=SHOWN)
        pictures.append(
            {
                "key": key,
                "title": about.title,
                "kind": about.kind,
                "description": about.description,
                "formula": about.formula,
                "noise": about.noise,
                "x": np.round(points.X, 3),
                "y": np.round(points.y, 3),
                "classes": points.classes,
                "domain": points.domain,
            }
        )
    return pictures


QUESTIONS: dict[str, Question] = {
    "numbers": Question(_numbers),
    "decision": Question(_decision),
    "state": Question(_state),
    "script": Question(_script),
    "notebook": Question(_notebook),
    "csv": Question(_csv, beside=True),
    "address": Question(_address),
    "picture": Question(_picture, beside=True),
    "wrong": Question(_wrong),
    "missions": Question(_missions),
    "source": Question(_source, beside=True),
    "leak": Question(_leak, beside=True),
    "thumbnails": Question(_thumbnails, beside=True),
}


def describe_recording(
    shelf: Shelf, state: State, samples: bytes, rate: int
) -> NDArray[np.float64]:
    """The features of a recording, by the function that made those of the training sounds.

    Parameters
    ----------
    shelf : Shelf
    state : State
    samples : bytes
        float32, little endian, one channel.
    rate : int
        Sampling rate [Hz].

    Returns
    -------
    ndarray of shape (d,)

    Raises
    ------
    InputError
        When the data are no sounds, or the recording is empty or not finite.
    """
    if state.settings.source != "sound":
        raise InputError(
            "E-DATA", "a recording can be placed among sounds only; choose sounds as the source"
        )
    if not samples or len(samples) % 4:
        raise InputError(
            "E-ARGUMENT",
            f"the recording has {len(samples)} bytes; expected float32, 4 for each sample",
        )
    values = np.frombuffer(samples, "<f4")
    if not np.isfinite(values).all():
        raise InputError("E-AUDIO-NONFINITE", "the recording contains NaN or infinity")
    described = shelf.open().describe(values, rate, state.settings.featureSet)
    return np.asarray(described, np.float64).reshape(-1)
