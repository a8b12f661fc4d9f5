"""Errors of a settings file as lines that teach: key, value, what is allowed, the nearest spelling.

*Conventions*: a line begins with the place, ``[table] key = value``, values as TOML writes them.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from ddasp._errors import InputError

__all__ = ["MOST_BYTES", "explain", "line", "nearest", "refuse", "tables_of", "toml", "unfit"]


MOST_BYTES = 2**20  # of a settings file; `ddasp init` writes some thousand
# Twenty parts of a dotted key. The parser keeps every beginning of a key, so that one of 50,000 parts,
# a line of 100 kB, fills the memory. Parts are taken whole: nothing is tried twice.
DOTTED = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){20}""")


def tables_of(text: str, name: str) -> dict[str, Any]:
    """The tables of a settings file.

    Raises
    ------
    InputError
        ``E-PROBLEM`` when it is no TOML, or too large or too deep to be read; with the line.
    """
    if len(text) > MOST_BYTES:
        size = f"{len(text) / 2**20:.1f} MiB; expected at most {MOST_BYTES // 2**20}"
        raise InputError("E-PROBLEM", f"{name} has {size}")
    deep = DOTTED.search(text)
    if deep:
        number = text.count("\n", 0, deep.start()) + 1
        raise InputError("E-PROBLEM", f"{name} has a key of twenty parts or more in line {number}")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise InputError("E-PROBLEM", f"{name} is nested too deeply to be read") from error
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        hint = " - stand patterns between single quotes?" if "\\" in str(error) else ""
        raise InputError("E-PROBLEM", f"{name} is no valid TOML: {error}{hint}") from error


def refuse(errors: Sequence[str], name: str) -> None:
    """Raise all errors of a file at once, if there are any.

    Raises
    ------
    InputError
        ``E-PROBLEM``.
    """
    if errors:
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        raise InputError("E-PROBLEM", "\n  ".join([f"{name} has {count}", *errors]))


def unfit(key: str, value: str | float, expected: str, near: str = "") -> PydanticCustomError:
    """The error of a validator that looks at more than one key; a blank key is the field's own."""
    context = {"key": key, "value": toml(value), "expected": expected, "near": near}
    return PydanticCustomError("unfit", "expected {expected}", context)


def nearest(word: str, words: Sequence[str]) -> str:
    """The word that is spelt most alike; blank when none is."""
    near = difflib.get_close_matches(word, list(words), n=1)
    return near[0] if near else ""


def line(table: str, key: str, value: str, allowed: str, near: str = "") -> str:
    """One error.

    Examples
    --------
    >>> line("run", "seed", "-1", "at least 0")
    '[run] seed = -1: expected at least 0'
    """
    place = f"[{table}] {key}" if table else key
    tail = f' - did you mean "{near}"?' if near else ""
    return f"{place} = {value}: expected {allowed}{tail}"


def toml(value: Any) -> str:
    r"""A value as TOML writes it.

    Examples
    --------
    >>> print(toml(["a", 1.0, True]), toml(r"\d+"))
    ["a", 1.0, true] '\d+'
    """
    if isinstance(value, str):
        literal = "\\" in value and "'" not in value
        return f"'{value}'" if literal else json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(toml(item) for item in value)}]"
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    return str(value)


def _keys(location: Sequence[Any], model: type[BaseModel]) -> list[str]:
    """The keys that a table may hold."""
    for part in location:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        inner = [fields[part].annotation, *get_args(fields[part].annotation)]
        model = next(
            kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)
        )
    return [field.alias or name for name, field in model.model_fields.items()]


_BOUNDS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
_TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "tuple_type": "a list of texts in [ ]",
    "dict_type": "a table",
    "model_type": "a table",
    "too_short": "at least one entry",
}


def explain(error: dict[str, Any], model: type[BaseModel]) -> str:
    """One line for one of the errors that pydantic found in a model."""
    location, kind, context = error["loc"], error["type"], error.get("ctx", {})
    value = _shown(error["input"])
    table, key = ".".join(str(part) for part in location[:-1]), str(location[-1])
    if isinstance(location[-1], int):  # an entry of a list
        table, key = ".".join(map(str, location[:-2])), str(location[-2])
    if kind == "extra_forbidden":
        allowed = _keys(location[:-1], model)
        near = nearest(key, allowed)
        tail = f' - did you mean "{near}"?' if near else ""
        place = f"[{table}] {key} = {value}" if table else f"[{key}]"
        what = "key" if table else "table"
        return f"{place}: unknown {what}; expected one of {', '.join(allowed)}{tail}"
    if kind == "missing":
        return f"[{table}] {key} is missing; expected it beside the others"
    if kind == "literal_error":
        words = [word for word in re.findall(r"'([^']*)'", str(context["expected"])) if word]
        near = nearest(str(error["input"]), words)
        return line(table, key, value, "one of " + ", ".join(f'"{w}"' for w in words), near)
    if kind == "unfit":
        if context["key"]:
            table, key = ".".join(map(str, location)), context["key"]
        return line(table, key, context["value"], context["expected"], context["near"])
    bounds = [f"{word} {context[name]:g}" for name, word in _BOUNDS.items() if name in context]
    return line(table, key, value, " and ".join(bounds) or _TYPES.get(kind, error["msg"]))


def _shown(value: Any) -> str:
    """A value as TOML writes it, cut when it is long."""
    text = toml(value) if not isinstance(value, dict) else "a table"
    return text if len(text) <= 60 else text[:57] + "..."
