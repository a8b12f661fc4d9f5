"""Tasks that check themselves: from one straight line to a spiral with thirty numbers.

A mission says where it starts (settings), what must stay as it is (the data, mostly: a hard task is
not solved by an easier one), and what has to be reached, as bounds on facts of the running state. The
checks are pure functions of these facts, so the page shows live how far one is. Every bound is one that
a training reaches; the tests train them all.

*Conventions*: facts are a flat dict of numbers, made by `facts_of` from a ``stats`` message. What a
mission has to remember from one check to the next (two trainings to be compared) is in ``notes``, a
dict that goes in and comes out. Everything is JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ddasp._check import one_of
from ddasp.nonlinear.spec import n_parameters
from ddasp.playground.knowing.mission_table import ALL, Mission
from ddasp.playground.settings import SETTINGS, Settings, as_json, parse

__all__ = ["MISSIONS", "check", "facts_of", "settings_of"]

_BY_KEY = {mission.key: mission for mission in ALL}


def _described(mission: Mission) -> dict[str, Any]:
    return {
        "key": mission.key,
        "title": mission.title,
        "task": mission.task,
        "lesson": mission.lesson,
        "hint": mission.hint,
        "settings": {**mission.settings, "mission": mission.key},
        "pinned": list(mission.pinned),
        "needs": list(mission.needs),
        "checks": [bound.text for bound in mission.bounds],
    }


MISSIONS: list[dict[str, Any]] = [_described(mission) for mission in ALL]
"""All missions as the page gets them, from the easiest to the hardest."""


def settings_of(key: str) -> Settings:
    """Where a mission starts.

    Parameters
    ----------
    key : str
        Of a mission.

    Examples
    --------
    >>> settings_of("line").dataset
    'gauss'
    """
    mission = _BY_KEY[one_of(key, "mission", tuple(_BY_KEY))]
    return parse({**mission.settings, "mission": key})


def facts_of(stats: Mapping[str, Any]) -> dict[str, Any]:
    """What a mission may ask about, as a flat dict.

    Parameters
    ----------
    stats : dict
        ``settings``, ``spec``, ``epoch``, ``n_updates``, ``losses`` (training, validation, test), what
        `measures.measure` says, ``sharpness`` {value, limit} when it is known, and ``unbroken``:
        whether all updates since the first weights were taken on the same data, split and shape.

    Returns
    -------
    dict
        Numbers or None, and the ``settings`` as JSON.

    Examples
    --------
    >>> from ddasp.nonlinear.spec import ModelSpec
    >>> spec = ModelSpec((2, 1), ("tanh",), "squared_error")
    >>> stats = {"settings": Settings(), "spec": spec, "epoch": 1, "n_updates": 25}
    >>> facts_of({**stats, "losses": (0.1, 0.2, 0.2)})["test_loss"]
    0.2
    """
    accuracy, r2 = stats.get("accuracy") or {}, stats.get("r2") or {}
    losses = stats.get("losses") or (None, None, None)
    curvature = stats.get("sharpness") or {}
    value, limit = _finite(curvature.get("value")), _finite(curvature.get("limit"))
    sets = ("train", "validation", "test")
    return {
        "settings": as_json(stats["settings"]),
        "n_parameters": n_parameters(stats["spec"]),
        "epoch": float(stats["epoch"]),
        "n_updates": int(stats["n_updates"]),
        "unbroken": bool(stats.get("unbroken", False)),
        **{f"{name}_loss": _finite(loss) for name, loss in zip(sets, losses, strict=True)},
        **{f"{name}_accuracy": (accuracy.get(name) or {}).get("value") for name in sets},
        "test_r2": _finite(r2.get("test")),
        "sharpness_share": value / limit if value is not None and limit else None,
    }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def check(
    key: str, stats: Mapping[str, Any], notes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """How far a mission is.

    Parameters
    ----------
    key : str
        Of a mission.
    stats : dict
        As for `facts_of`.
    notes : dict, optional
        What the last check of the same mission gave back.

    Returns
    -------
    dict
        ``key``, ``done``, ``parts`` [{text, met, value, relation, bound}] and ``notes``. The last
        part says whether the mission's settings are as they were, its ``differs`` which are not.

    Examples
    --------
    >>> stats = {"settings": settings_of("line"), "epoch": 0, "n_updates": 0}
    >>> from ddasp.nonlinear.spec import ModelSpec
    >>> stats["spec"] = ModelSpec((2, 1), ("tanh",), "squared_error")
    >>> [part["met"] for part in check("line", stats)["parts"]]
    [True, False, True]
    """
    mission = _BY_KEY[one_of(key, "mission", tuple(_BY_KEY))]
    facts = facts_of(stats)
    differs = _differs(mission, facts["settings"])
    kept = dict(notes or {}) if differs else _noted(mission, facts, notes or {})
    known = {**facts, **_from_notes(mission, kept)}
    parts = []
    for bound in mission.bounds:
        value = known.get(bound.fact)
        met = value is not None and (
            value <= bound.bound if bound.relation == "<=" else value >= bound.bound
        )
        parts.append(
            {
                "text": bound.text,
                "met": bool(met),
                "value": value,
                "relation": bound.relation,
                "bound": bound.bound,
            }
        )
    parts.append(
        {
            "text": "Data and what the mission fixes are unchanged",
            "met": not differs,
            "value": None,
            "relation": "",
            "bound": None,
            "differs": differs,
        }
    )
    return {"key": key, "done": all(part["met"] for part in parts), "parts": parts, "notes": kept}


def _differs(mission: Mission, now: Mapping[str, Any]) -> list[str]:
    """Which pinned settings are no longer the mission's, in words."""
    asked = as_json(settings_of(mission.key))
    return [
        f"{SETTINGS[key].label} is {_word(key, now[key])}; the mission has {_word(key, asked[key])}"
        for key in mission.pinned
        if now[key] != asked[key]
    ]


def _word(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return SETTINGS[key].choices.get(
        value, f"{value:g}" if isinstance(value, float) else str(value)
    )


def _noted(mission: Mission, facts: Mapping[str, Any], notes: Mapping[str, Any]) -> dict[str, Any]:
    """The notes with what this state adds; those of another network are forgotten."""
    kept = dict(notes)
    settings = facts["settings"]
    for note in mission.notes:
        same = {key: settings.get(key) for key in note.same}
        if facts.get(note.fact) is None or facts.get("epoch", 0) < note.least_epoch:
            continue
        if not facts["unbroken"]:  # tested, perhaps, on what it had learned from
            continue
        if any(settings.get(key) != value for key, value in note.when.items()):
            continue
        kept = {name: one for name, one in kept.items() if one["same"] == same}
        kept[note.key] = {"value": facts[note.fact], "same": same}
    return kept


def _from_notes(mission: Mission, notes: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {f"noted_{name}": one["value"] for name, one in notes.items()}
    for fact, larger, smaller in mission.differences:
        if larger in notes and smaller in notes:
            found[fact] = notes[larger]["value"] - notes[smaller]["value"]
    return found
