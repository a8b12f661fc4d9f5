"""Settings from what was sent, and back: checked values, JSON, addresses, and the page's controls.

All of it follows from the table (`setting_table`). An address names only what differs from the default,
in the table's order; those of TensorFlow Playground can be read as well.

*Conventions*: in JSON and in an address, lists are text with commas (``"4,2"``; a comma or a per cent
sign inside a name is ``%2C`` or ``%25``), and ``speed`` may be ``"max"``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote

from ddasp._check import one_of
from ddasp._errors import InputError
from ddasp.playground.setting_table import (
    EFFECTS,
    GROUPS,
    INPUT_KEYS,
    LARGEST_SEED,
    MAX_HIDDEN,
    SETTINGS,
    Setting,
    Settings,
)

__all__ = [
    "EFFECTS",
    "GROUPS",
    "INPUT_KEYS",
    "LARGEST_SEED",
    "SCHEMA",
    "SETTINGS",
    "Setting",
    "Settings",
    "as_json",
    "from_address",
    "parse",
    "read_address",
    "to_address",
]

MAX_TEXT = 200
TRUE, FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


# ---- from what was sent to a checked value -----------------------------------------------------


def _refuse(key: str, got: object, expected: str) -> InputError:
    shown = repr(got)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return InputError("E-ARGUMENT", f"{key} is {shown}; expected {expected}")


def _reach(row: Setting) -> str:
    kind = "a whole number" if row.kind in ("whole", "numbers") else "a number"
    return f"{kind} of {row.low:g} to {row.high:g}"


def _number(key: str, value: object, row: Setting) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _refuse(key, value, _reach(row))
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise _refuse(key, value, _reach(row)) from None
    if not row.low <= number <= row.high:  # NaN as well
        raise _refuse(key, value, _reach(row))
    return number + 0.0  # -0.0 is no other setting than 0.0


def _whole(key: str, value: object, row: Setting) -> int:
    number = _number(key, value, row)
    if number != int(number):
        raise _refuse(key, value, _reach(row))
    return int(number)


def _switch(key: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise _refuse(key, value, "true or false")


def _parts(key: str, value: object, most: int) -> list[object]:
    parts: list[object]
    if isinstance(value, str):
        text = value if len(value) <= MAX_TEXT * (most + 1) else ""
        parts = list(text.split(",")) if text else []
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:
        raise _refuse(key, value, "a list, or text with commas")
    if len(parts) > most or (value and not parts):
        raise _refuse(key, value, f"at most {most} entries")
    return parts


def _numbers(key: str, value: object, row: Setting) -> tuple[int, ...]:
    try:
        return tuple(_whole(key, part, row) for part in _parts(key, value, row.most))
    except InputError:
        raise _refuse(
            key, value,
            f"none to {row.most} whole numbers of {row.low:g} to {row.high:g}, such as '4,2'",
        ) from None  # fmt: skip


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise _refuse(key, value, f"printable text of at most {MAX_TEXT} characters")
    return value


def _names(key: str, value: object, row: Setting) -> tuple[str, ...]:
    parts = [_text(key, part) for part in _parts(key, value, row.most)]
    if isinstance(value, str):
        parts = [part.replace("%2C", ",").replace("%25", "%") for part in parts]
    if not all(parts) or len(set(parts)) < len(parts):
        raise _refuse(key, value, "names that are not empty, each of them once")
    return tuple(parts)


def _checked(key: str, value: object) -> Any:
    row = SETTINGS[key]
    match row.kind:
        case "choice":
            return one_of(_text(key, value), key, tuple(row.choices))
        case "number":
            return _number(key, value, row)
        case "whole":
            return _whole(key, value, row)
        case "switch":
            return _switch(key, value)
        case "numbers":
            return _numbers(key, value, row)
        case "names":
            return _names(key, value, row)
        case "speed":
            endless = value == "max" or value == math.inf
            return math.inf if endless else _number(key, value, row)
    return _text(key, value)


def parse(values: Mapping[str, Any], base: Settings | None = None) -> Settings:
    """Settings from what a page, a file or an address says.

    Parameters
    ----------
    values : dict
        Some of the settings, as values of JSON or as text.
    base : Settings, optional
        Where the others come from; the defaults unless given.

    Raises
    ------
    InputError
        When a key is unknown, or a value is not one that it can have.

    Examples
    --------
    >>> parse({"networkShape": "8,8", "learningRate": "0.1"}).networkShape
    (8, 8)
    """
    for key in values:
        one_of(key, "a setting", tuple(SETTINGS))
    return replace(base or Settings(), **{key: _checked(key, v) for key, v in values.items()})


# ---- to JSON and to addresses -------------------------------------------------------------------


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        parts = (str(part).replace("%", "%25").replace(",", "%2C") for part in value)
        return ",".join(parts)
    return "max" if value == math.inf else value


def as_json(settings: Settings) -> dict[str, Any]:
    """All settings as values of JSON; `parse` reads them.

    Examples
    --------
    >>> as_json(Settings())["networkShape"]
    '4,2'
    """
    return {key: _plain(getattr(settings, key)) for key in SETTINGS}


def _written(value: object) -> str:
    plain = _plain(value)
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, float) and plain.is_integer():
        return str(int(plain))
    return quote(plain if isinstance(plain, str) else repr(plain), safe=",")


def to_address(settings: Settings) -> str:
    """What differs from the default, as the part of an address behind its #.

    Examples
    --------
    >>> to_address(parse({"dataset": "spiral", "networkShape": "8,8", "sinX": True}))
    'dataset=spiral&sinX=true&networkShape=8,8'
    """
    pairs = ((key, getattr(settings, key), row.default) for key, row in SETTINGS.items())
    return "&".join(f"{key}={_written(value)}" for key, value, usual in pairs if value != usual)


# The controls that TensorFlow Playground hides by KEY_hide=true and that are no settings here.
BUTTONS = ("playButton", "stepButton", "resetButton", "numHiddenLayers")


def _translated(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """TensorFlow Playground's words in ours: its one seed, initZero, and KEY_hide."""
    values = dict(pairs)
    hidden = [
        key.removesuffix("_hide")
        for key in values
        if key.endswith("_hide") and values[key].lower() in TRUE
    ]
    hidden = [key for key in hidden if key in SETTINGS or key in BUTTONS]
    if hidden and "hide" not in values:
        values["hide"] = ",".join(hidden[:MAX_HIDDEN])
    if values.get("initZero", "").lower() in TRUE and "init" not in values:
        values["init"] = "zero"
    whole, dot, digits = values.get("seed", "").partition(".")
    if dot and whole in ("", "0") and digits.isdigit():  # 0.12345: it draws data and weights
        values["seed"] = digits[:9]
        values.setdefault("dataSeed", values["seed"])
    return values


def read_address(text: str) -> tuple[Settings, list[str]]:
    """Settings from an address, and what could not be taken as it stood.

    Links live longer than programs: an unknown key is passed over, a number beyond its bounds
    becomes the nearest allowed one, and what makes no sense stays at its default.

    Parameters
    ----------
    text : str
        What stands behind the #, which may be there as well.

    Returns
    -------
    settings : Settings
    remarks : list of str
        One sentence for each value that was changed or left out.

    Examples
    --------
    >>> settings, remarks = read_address("#activation=relu&noise=80&seed=0.61803&collectStats=true")
    >>> settings.activation, settings.noise, settings.seed, settings.dataSeed
    ('relu', 50.0, 61803, 61803)
    >>> remarks
    ["noise is '80'; expected a number of 0 to 50; taken as 50."]
    """
    try:
        pairs = parse_qsl(text.lstrip("#?"), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        return Settings(), ["The address names more than 200 settings; none was taken."]
    settings, remarks = Settings(), []
    for key, value in _translated(pairs).items():
        if key not in SETTINGS:
            continue
        try:
            settings = parse({key: value}, settings)
        except InputError as error:
            row, nearest = SETTINGS[key], None
            if row.kind in ("number", "whole", "speed"):
                try:
                    nearest = min(max(float(value), row.low), row.high)
                    settings = parse({key: nearest}, settings)
                except (ValueError, InputError):
                    nearest = None
            taken = "left out" if nearest is None else f"taken as {nearest:g}"
            remarks.append(f"{error.message}; {taken}.")
    return settings, remarks


def from_address(text: str) -> Settings:
    """Settings from an address; see `read_address`.

    Examples
    --------
    >>> from_address(to_address(Settings(noise=15.0))) == Settings(noise=15.0)
    True
    """
    return read_address(text)[0]


def _described(key: str, row: Setting) -> dict[str, Any]:
    one: dict[str, Any] = {
        "key": key, "kind": row.kind, "label": row.label, "help": row.help, "group": row.group,
        "effect": row.effect, "default": _plain(row.default),
    }  # fmt: skip
    if row.kind in ("number", "whole", "speed", "numbers"):
        one |= {"low": row.low, "high": row.high, "step": row.step}
        one["menu"] = [_plain(value) for value in row.menu]
    if row.kind in ("numbers", "names"):
        one["most"] = row.most
    if row.choices:
        one["choices"] = [{"value": value, "words": words} for value, words in row.choices.items()]
    if row.when:
        one["when"] = {other: list(values) for other, values in row.when.items()}
    return one


# For the page: groups with their titles, and every control in the table's order.
SCHEMA: dict[str, Any] = {
    "groups": [{"key": key, "title": title} for key, title in GROUPS.items()],
    "effects": dict(EFFECTS),
    "controls": [_described(key, row) for key, row in SETTINGS.items()],
}
