"""Guess from names where label and group of sounds stand, for `ddasp init` and bare folders.

A table beside the sounds comes first, then label tracks, then the structure of folders and file
names: words between separators that recur are labels and groups, running numbers are neither.

*Conventions*: paths are relative to the folder of sounds, with slashes, as `scan.scan` shows them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from ddasp._errors import InputError
from ddasp.procedure.labels import normalised, read_table, read_track

__all__ = ["Guess", "guess", "guess_names"]

SPLIT_WORDS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"}


@dataclass(frozen=True)
class Guess:
    """What names tell about labels and groups; the values of keys in ``[sounds]``.

    Attributes
    ----------
    labels, group, pattern, table, tracks : str
        Values of those keys.
    kind : str
        The kind of problem that the labels suggest.
    why : str
        One sentence for a person.
    """

    labels: str = "folder"
    group: str = "none"
    pattern: str = ""
    table: str = ""
    tracks: Literal["", "csv", "audacity"] = ""
    kind: Literal["binary", "multi-class", "regression"] = "multi-class"
    why: str = "Nothing in the names tells a class."


@dataclass(frozen=True)
class _Place:
    """A folder level or a token of the name, with its value for each file."""

    where: str  # "folder:1", or "token" with its number
    number: int
    values: tuple[str, ...] = field(repr=False)
    last: bool = False

    @property
    def n(self) -> int:
        return len(set(self.values))

    @property
    def recurs(self) -> bool:
        return 2 <= self.n <= len(self.values) / 2

    @property
    def digits(self) -> bool:
        return all(value.isdigit() for value in self.values)

    @property
    def numbered(self) -> bool:
        """Whether the values are one word with a number or a letter: spk01, spk02; kitA, kitB."""
        stems = {re.sub(r"(\d+|[A-Z])$", "", value) for value in self.values}
        return len(stems) == 1 and stems != {""} and self.n > 1


def guess(root: Path, paths: Sequence[str]) -> Guess:
    """Where label and group of the sounds in a folder seem to come from.

    A table with the columns file and label (or target) comes first, then label tracks beside the
    sounds, then the structure of folders and names.
    """
    for table in sorted(root.glob("*.csv")):
        try:
            columns = set((read_table(table) or [{}])[0])
        except InputError:
            continue
        if "file" in columns and columns & {"label", "target"}:
            return _guess_table(table.name, columns, read_table(table))
    for kind, suffix in (("audacity", ".txt"), ("csv", ".csv")):
        beside = [root / PurePosixPath(path).with_suffix(suffix) for path in paths]
        if paths and sum(map(_is_track, beside)) > len(paths) / 2:
            return Guess(
                labels="tracks",
                group="file",
                tracks="audacity" if kind == "audacity" else "csv",
                why=f"Label tracks ({suffix}) stand beside the sounds; each file is a group.",
            )
    return guess_names(paths)


def _is_track(path: Path) -> bool:
    try:
        return bool(read_track(path))
    except (InputError, KeyError):
        return False


def _guess_table(name: str, columns: set[str], rows: list[dict[str, str]]) -> Guess:
    values = {row.get("label", "") for row in rows}
    kind: Literal["binary", "multi-class", "regression"] = (
        "regression" if "label" not in columns else "binary" if len(values) == 2 else "multi-class"
    )
    group = "table" if "group" in columns else "none"
    what = ", ".join(sorted(columns & {"label", "target", "group"}))
    return Guess("table", group, table=name, kind=kind, why=f"{name} names {what} of the files.")


def guess_names(paths: Sequence[str]) -> Guess:
    r"""Guess from the structure of folders and file names alone.

    Parameters
    ----------
    paths : sequence of str
        Relative paths of the sounds.

    Returns
    -------
    Guess

    Examples
    --------
    >>> names = [f"{d}_{s}_{i}.wav" for d in range(3) for s in ("ann", "bob") for i in range(9)]
    >>> found = guess_names(names)
    >>> found.labels, found.group, found.pattern
    ('pattern', 'pattern', '(?P<label>\\d+)_(?P<group>[a-z]+)_\\d+')
    """
    places, seps, fitting = _places(paths)
    usable = [p for p in places if p.recurs and not {v.lower() for v in p.values} <= SPLIT_WORDS]
    label = _label_place(usable)
    if label is None:
        return Guess()
    group = _group_place([p for p in usable if p is not label], label)
    depth = sum(p.where != "token" for p in places)
    tokens = [p for p in places if p.where == "token"]
    named = {
        p.number: name for name, p in (("label", label), ("group", group)) if p in tokens and p
    }
    kind: Literal["binary", "multi-class"] = "binary" if label.n == 2 else "multi-class"
    return Guess(
        _source(label, depth),
        "none" if group is None else _source(group, depth),
        _pattern(tokens, seps, named) if named else "",
        kind=kind,
        why=_sentence(label, group, fitting, len(paths)),
    )


def _places(paths: Sequence[str]) -> tuple[list[_Place], list[str], int]:
    """Folder levels and name tokens that nine files in ten share, with the separators."""
    split = [(PurePosixPath(p).parts[:-1], _tokens(PurePosixPath(p).stem)) for p in paths]
    shape = Counter((len(folders), len(tokens)) for folders, tokens in split)
    if not shape:
        return [], [], 0
    (depth, length), count = shape.most_common(1)[0]
    if count < 0.9 * len(paths):  # names differ: folders may still agree
        levels = Counter(len(folders) for folders, _ in split)
        depth, count = levels.most_common(1)[0]
        length = 0
        if count < 0.9 * len(paths):
            return [], [], 0
    fitting = [
        (folders, tokens)
        for folders, tokens in split
        if len(folders) == depth and (not length or len(tokens) == length)
    ]
    places = [
        _Place(f"folder:{level + 1}", level + 1, tuple(normalised(f[level]) for f, _ in fitting))
        for level in range(depth)
    ]
    seps = []
    for i in range(length):
        values = tuple(tokens[i] for _, tokens in fitting)
        if i % 2:
            distinct = set(values)
            seps.append(re.escape(values[0]) if len(distinct) == 1 else r"[_\-. ]+")
        else:
            places.append(_Place("token", i // 2, values, last=i == length - 1))
    return places, seps, len(fitting)


def _tokens(stem: str) -> list[str]:
    """Words of a name and what separates them, in turns; a lone word loses its number.

    Examples
    --------
    >>> _tokens("0_george_12"), _tokens("kick07")
    (['0', '_', 'george', '_', '12'], ['kick', '', '07'])
    """
    parts = re.split(r"([_\-. ]+)", normalised(stem))
    if len(parts) == 1 and (match := re.fullmatch(r"(\D+)(\d+)", stem)):
        return [match[1], "", match[2]]
    return parts


def _label_place(usable: list[_Place]) -> _Place | None:
    """A folder before a word of the name, a word before a number, the first before the next."""

    def rank(place: _Place) -> tuple[bool, bool, bool]:
        counter = place.where == "token" and place.digits and place.last
        return counter, place.numbered, place.where == "token"

    ranked = sorted(usable, key=rank)
    return ranked[0] if ranked and not rank(ranked[0])[0] else None


def _group_place(usable: list[_Place], label: _Place) -> _Place | None:
    """What recurs beside the label: a word or a numbered word before a number, never a counter."""
    candidates = []
    for place in usable:
        pairs = len(set(zip(place.values, label.values, strict=True)))
        if place.where == "token" and place.digits and place.last:
            continue
        if pairs == place.n and place.n <= label.n:  # the label in other words
            continue
        nested = pairs == place.n
        candidates.append(((place.digits, nested, not place.numbered), place))
    return min(candidates, key=lambda item: item[0])[1] if candidates else None


def _source(place: _Place, depth: int) -> str:
    if place.where == "token":
        return "pattern"
    return "folder" if place.number == depth else place.where


def _pattern(tokens: list[_Place], seps: list[str], named: dict[int, str]) -> str:
    """A regular expression for the names, with the named tokens."""
    parts = []
    for place, sep in zip(tokens, [*seps, ""], strict=True):
        text = _class_of(place.values)
        name = named.get(place.number)
        parts.append(f"(?P<{name}>{text})" if name else text)
        parts.append(sep)
    return "".join(parts)


def _class_of(values: Sequence[str]) -> str:
    for text in (r"\d+", "[a-z]+", "[A-Za-z]+", "[A-Za-z0-9]+"):
        if all(re.fullmatch(text, value) for value in values):
            return text
    return r"[^_\-. ]+" if all(re.fullmatch(r"[^_\-. ]+", value) for value in values) else ".+?"


def _sentence(label: _Place, group: _Place | None, fitting: int, n: int) -> str:
    def where(place: _Place) -> str:
        if place.where == "token":
            return f"word {place.number + 1} of the name"
        return f"the folder at level {place.number}"

    text = f"The label seems to be {where(label)} ({_some(label.values)})"
    if group is not None:
        text += f", the group {where(group)} ({_some(group.values)})"
    return text + (f"; {n - fitting} names are built differently." if fitting < n else ".")


def _some(values: Iterable[str]) -> str:
    names = sorted(set(values))
    more = f" and {len(names) - 4} more" if len(names) > 5 else ""
    return ", ".join(names[: 4 if more else 5]) + more
