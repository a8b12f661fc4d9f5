"""An experiment as JSON, and back: settings, points, weights, memory, position and losses.

Python writes a float so that reading it gives the same bits, so a loaded experiment goes on exactly
where the saved one stopped. A file may come from anyone: nothing in it is believed before its type, shape
and bounds are checked, and what is wrong is said with the name of the entry.

*Conventions*: numbers are finite; parameters and memory are flat lists in the order W1, b1, W2, b2, ...
An experiment that diverged is saved as it last was while it made sense. In an address, weights are
float64, little endian, in URL-safe base 64.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp.nonlinear.engines import engine_of
from ddasp.nonlinear.spec import ModelSpec, Parameters, n_parameters, shapes_of
from ddasp.playground.datasets import MAX_POINTS, Points
from ddasp.playground.settings import Settings, as_json, parse
from ddasp.playground.training.history import COLUMNS, MOST_ROWS, History
from ddasp.playground.training.material import material_for, points_for, spec_for
from ddasp.playground.training.stretches import Base, Log, Segment, State

__all__ = ["flat", "loaded", "saved", "shaped", "weights_as_text", "weights_from"]

Floats = NDArray[np.float64]
FORMAT, VERSION = "ddasp playground", 1
MAX_COLUMNS, MAX_CLASSES, MAX_NAME, MAX_COUNT, MAX_SEGMENTS = 256, 10, 300, 10**12, 24


# ---- parameters and memory, flat ----------------------------------------------------------------


def flat(arrays: Sequence[NDArray] | NDArray) -> Floats:
    """Parameters or memory laid end to end, (n_parameters,).

    Parameters
    ----------
    arrays : sequence of numpy.ndarray
        Of any shapes; one flat array stays as it is.
    """
    if isinstance(arrays, np.ndarray):
        return arrays
    return np.concatenate([np.zeros(0), *(np.ravel(p) for p in arrays)])


def shaped(spec: ModelSpec, values: Floats) -> Parameters:
    """(W1, b1, W2, b2, ...) from one flat array.

    Parameters
    ----------
    spec : ModelSpec
    values : numpy.ndarray of shape (n_parameters,)
    """
    shapes = shapes_of(spec)
    ends = np.cumsum([0, *(math.prod(shape) for shape in shapes)])
    return tuple(
        values[a:b].reshape(shape).copy()
        for (a, b), shape in zip(pairwise(ends), shapes, strict=True)
    )


def _memory(spec: ModelSpec, step: int, first: Floats, second: Floats) -> Any:
    """Memory as the engine keeps it: flat, or in NumPy's engine shaped like the parameters."""
    engine = engine_of("mlp", "compiled")
    if engine.__name__.endswith("numpy"):
        return engine.Memory(step, shaped(spec, first), shaped(spec, second) if len(second) else ())
    return engine.Memory(step, first, second)


def weights_as_text(theta: Parameters) -> str:
    """Parameters for an address.

    Parameters
    ----------
    theta : tuple of numpy.ndarray of shape (n_in, n_out) or (n_out,)

    Examples
    --------
    >>> weights_as_text((np.array([[1.0]]), np.array([-0.5])))
    'AAAAAAAA8D8AAAAAAADgvw'
    """
    return base64.urlsafe_b64encode(flat(theta).astype("<f8").tobytes()).decode().rstrip("=")


def weights_from(text: object, spec: ModelSpec) -> Parameters:
    """Parameters from an address.

    Parameters
    ----------
    text : str
    spec : ModelSpec
        The network that they belong to.

    Raises
    ------
    InputError
        When the text is not as many finite numbers as the network has parameters.
    """
    n = n_parameters(spec)
    expected = f"{n} finite numbers in base 64, for widths {','.join(map(str, spec.widths))}"
    if not isinstance(text, str) or len(text) > 12 * n + 4:
        raise _wrong("weights", text, expected)
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _wrong("weights", text, expected) from None
    values = np.frombuffer(data[: len(data) // 8 * 8], "<f8").astype(np.float64)
    if len(data) != 8 * n or not np.isfinite(values).all():
        raise _wrong("weights", text, expected)
    return shaped(spec, values)


# ---- writing ------------------------------------------------------------------------------------


def saved(state: State, history: History) -> dict[str, Any]:
    """A state and its losses so far, as JSON.

    Parameters
    ----------
    state : State
        With finite parameters.
    history : History
    """
    base = state.log.base
    return {
        "format": FORMAT,
        "version": VERSION,
        "settings": as_json(state.settings),
        "points": None if state.settings.source == "toy" else _points_out(state.material.points),
        "sets": state.material.sets.tolist(),
        "theta": flat(state.theta).tolist(),
        "memory": _memory_out(state.memory),
        "ceiling": state.ceiling,
        "epoch": state.epoch,
        "row": state.row,
        "n_updates": state.n_updates,
        "seen": state.seen,
        "draws": state.draws,
        "base": {
            "theta": None if base.theta is None else flat(base.theta).tolist(),
            "memory": _memory_out(base.memory),
            "epoch": base.epoch,
            "row": base.row,
            "n_updates": base.n_updates,
        },
        "segments": [
            {"settings": as_json(one.settings), "n_updates": one.n_updates}
            for one in state.log.segments
        ],
        "history": history.as_json(),
    }


def _memory_out(memory: Any) -> dict[str, Any] | None:
    if memory is None:
        return None
    return {
        "step": memory.step,
        "first": flat(memory.first).tolist(),
        "second": flat(memory.second).tolist(),
    }


def _points_out(points: Points) -> dict[str, Any]:
    return {
        "x": points.X.tolist(),
        "y": points.y.tolist(),
        "kind": points.kind,
        "classes": list(points.classes),
        "axes": list(points.axes),
        "domain": points.domain,
        "groups": None if points.groups is None else list(points.groups),
        "ids": None if points.ids is None else list(points.ids),
        "title": points.title,
        "suggested": list(points.suggested),
    }


# ---- reading, with suspicion --------------------------------------------------------------------


def _wrong(name: str, got: object, expected: str) -> InputError:
    shown = repr(got)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return InputError("E-ARGUMENT", f"{name} is {shown}; expected {expected}")


class _Reader:
    """One object of JSON, entry by entry."""

    def __init__(self, data: object, name: str = "") -> None:
        if not isinstance(data, Mapping):
            raise _wrong(name or "the file", data, "an object of JSON")
        self.data, self.name = data, name

    def raw(self, key: str) -> Any:
        return self.data.get(key)

    def _path(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def part(self, key: str) -> _Reader:
        return _Reader(self.raw(key), self._path(key))

    def whole(self, key: str, high: int = MAX_COUNT) -> int:
        value = self.raw(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
            raise _wrong(self._path(key), value, f"a whole number of 0 to {high}")
        return value

    def number(self, key: str) -> float:
        value = self.raw(key)
        if not _is_number(value):
            raise _wrong(self._path(key), value, "a finite number")
        return float(value)

    def items(self, key: str, most: int) -> list[Any]:
        value = self.raw(key)
        if not isinstance(value, list) or len(value) > most:
            raise _wrong(self._path(key), value, f"a list of at most {most} entries")
        return value

    def floats(self, key: str, count: int) -> Floats:
        value = self.items(key, max(count, 1))
        if len(value) != count or not all(map(_is_number, value)):
            raise _wrong(self._path(key), value, f"a list of {count} finite numbers")
        return np.array(value, np.float64)

    def texts(self, key: str, most: int) -> tuple[str, ...]:
        value = self.items(key, most)
        if not all(isinstance(one, str) and len(one) <= MAX_NAME for one in value):
            raise _wrong(self._path(key), value, f"texts of at most {MAX_NAME} characters")
        return tuple(value)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond float64
        return False


def _points_in(data: _Reader) -> Points:
    kind = data.raw("kind")
    if kind not in ("classification", "regression"):
        raise _wrong("points.kind", kind, "'classification' or 'regression'")
    axes = data.texts("axes", MAX_COLUMNS)
    rows = data.items("x", MAX_POINTS)
    n, d = len(rows), len(axes)
    if not d:
        raise _wrong("points.axes", list(axes), "the name of one column or more")
    for row in rows:
        if not isinstance(row, list) or len(row) != d or not all(map(_is_number, row)):
            raise _wrong("a row of points.x", row, f"{d} finite numbers, one for each axis")
    classes = data.texts("classes", MAX_CLASSES)
    y: NDArray = data.floats("y", n)
    if kind == "classification":
        whole = y.astype(np.int64)
        if (whole != y).any() or (n and not 0 <= y.min() <= y.max() < max(len(classes), 2)):
            raise _wrong("points.y", data.raw("y"), "codes of classes")
        y = whole
    domain = None if data.raw("domain") is None else data.number("domain")
    if domain is not None and not 0 < domain < 1e9:
        raise _wrong("points.domain", domain, "a number above 0, or null")
    groups, ids = (
        None if data.raw(key) is None else data.texts(key, MAX_POINTS) for key in ("groups", "ids")
    )
    title = data.raw("title")
    if not isinstance(title, str) or len(title) > MAX_NAME:
        raise _wrong("points.title", title, f"text of at most {MAX_NAME} characters")
    suggested = data.items("suggested", 8)
    if not all(type(one) is int and 0 <= one < d for one in suggested):
        raise _wrong("points.suggested", suggested, f"columns from 0 to {d - 1}")
    X = np.array(rows, np.float64).reshape(n, d)
    return Points(X, y, kind, classes, axes, domain, groups, ids, title, tuple(suggested))


def _memory_in(data: _Reader, key: str, spec: ModelSpec) -> Any:
    if data.raw(key) is None:
        return None
    part, n = data.part(key), n_parameters(spec)
    second = part.raw("second")
    n_second = n if isinstance(second, list) and second else 0
    memory = part.whole("step"), part.floats("first", n), part.floats("second", n_second)
    if n_second and memory[2].min() < 0:
        raise _wrong(f"{key}.second", second, "means of squares, none of them negative")
    return _memory(spec, *memory)


def _history_in(data: _Reader) -> History:
    columns = []
    for name in COLUMNS:
        column = data.items(name, MOST_ROWS)
        empty = name not in COLUMNS[:2]
        if not all(_is_number(one) or (empty and one is None) for one in column):
            raise _wrong(f"history.{name}", column, "finite numbers")
        columns.append([math.nan if one is None else float(one) for one in column])
    if len({len(column) for column in columns}) != 1 or not columns[0]:
        raise _wrong(
            "history", [len(c) for c in columns], "one or more rows, as many in each column"
        )
    if any(b < a or b != int(b) for a, b in pairwise([0.0, *columns[1]])):
        raise _wrong("history.n_updates", columns[1], "rising whole numbers")
    rows = zip(*columns, strict=True)
    return History((epoch, int(n), a, b, c) for epoch, n, a, b, c in rows)


def _settings_in(data: _Reader, key: str) -> Settings:
    values = data.part(key)
    return parse({str(name): values.raw(name) for name in values.data})


def _log_in(data: _Reader, state: State) -> Log:
    part, spec = data.part("base"), state.spec
    theta = part.raw("theta")
    if theta is not None:
        theta = shaped(spec, part.floats("theta", n_parameters(spec)))
    base = Base(
        theta,
        _memory_in(part, "memory", spec),
        part.whole("epoch"),
        part.whole("row", MAX_POINTS),
        part.whole("n_updates"),
    )
    segments = []
    for one in data.items("segments", MAX_SEGMENTS):
        reader = _Reader(one, "a segment")
        segments.append(Segment(_settings_in(reader, "settings"), reader.whole("n_updates")))
    made = base.n_updates + sum(one.n_updates for one in segments)
    if not segments or made != state.n_updates or segments[-1].settings != state.settings:
        raise _wrong(
            "segments", made, f"{state.n_updates} updates in all, the last of them as set now"
        )
    return Log(base, tuple(segments))


def loaded(data: Mapping[str, Any]) -> tuple[State, History]:
    """The state and the losses that were saved.

    Parameters
    ----------
    data : dict
        As `saved` gives it, perhaps from someone else.

    Raises
    ------
    InputError
        When it is no such thing.
    """
    read = _Reader(data)
    if read.raw("format") != FORMAT or read.raw("version") != VERSION:
        raise InputError(
            "E-ARGUMENT",
            f"format is {read.raw('format')!r:.60}, version {read.raw('version')!r:.20}; expected "
            f"{FORMAT!r}, version {VERSION} - is this a file that the playground saved?",
        )
    settings = _settings_in(read, "settings")
    points = None if settings.source == "toy" else _points_in(read.part("points"))
    points = points_for(settings, points)
    codes = read.items("sets", MAX_POINTS)
    if len(codes) != points.n or not all(type(one) is int and 0 <= one <= 2 for one in codes):
        raise _wrong("sets", codes, f"{points.n} codes, each 0, 1 or 2")
    material = material_for(settings, points, np.array(codes, np.int8))
    spec = spec_for(settings, material.inputs.n, material.points)
    theta = shaped(spec, read.floats("theta", n_parameters(spec)))
    n = material.n_train
    state = State(
        settings, material, spec, theta, _memory_in(read, "memory", spec),
        Log(Base(), (Segment(settings, 0),)), read.number("ceiling"),
        read.whole("epoch"), read.whole("row", max(n - 1, 0)), read.whole("n_updates"),
        read.whole("seen", max(min(settings.batchSize, n) - 1, 0)), read.whole("draws"),
    )  # fmt: skip
    state = replace(state, log=_log_in(read, state))
    return state, _history_in(read.part("history"))
