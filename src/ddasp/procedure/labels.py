"""What each sound is called: label and group from folders, names, a table or label tracks.

A label is what is asked for; a group is what sounds share beside it (speaker, device, recording,
day). `Labeller` reads both as the problem says, and `window_labels` gives windows of long
recordings the label that covers them.

*Conventions*: paths are relative to the folder of sounds, with slashes, as `scan.scan` shows
them; times in s. Labels and groups are composed Unicode (NFC) without blanks at their ends.

*References*: Audacity manual, "Importing and exporting labels"; Damerau 1964 (one slip of the hand
is an inserted, missing, wrong or exchanged letter).
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._errors import InputError

if TYPE_CHECKING:
    from ddasp.procedure.settings import Sounds

__all__ = [
    "Label",
    "Labeller",
    "Segment",
    "normalised",
    "read_table",
    "read_track",
    "typos",
    "window_labels",
]

NAN = float("nan")
MOST_BYTES, MOST_CELLS = 64 * 2**20, 1_000_000  # of a table: a cell takes 200 bytes in memory
MOST_ENTRIES = 250_000  # of a label track


@dataclass(frozen=True)
class Label:
    """What is known of one file; ``missing`` says why no label was found."""

    label: str = ""
    target: float = NAN
    group: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Segment:
    """An entry of a label track [s]."""

    start: float
    stop: float
    label: str


def normalised(text: str) -> str:
    r"""Composed Unicode without blanks at the ends.

    Examples
    --------
    >>> normalised(" tu\u0308r ") == "t\u00fcr"
    True
    """
    return unicodedata.normalize("NFC", text).strip()


def _number(text: str) -> float:
    """A number as people write it, with a point or a comma; NaN for anything else."""
    try:
        value = float(text.strip().replace(",", ".").replace("_", "?"))  # Python allows 1_000
    except ValueError:
        return NAN
    return value if np.isfinite(value) else NAN


# ----------------------------------------------------------------------------------- tables


def _text_of(path: Path, code: str, what: str) -> str:
    """Text of a table or track; what is no UTF-8 becomes escapes, as in names of files."""
    try:
        if path.exists() and not path.is_file():
            raise InputError("E-PATH-TYPE", f"{path.name} is no regular file; expected a text")
        if path.stat().st_size > MOST_BYTES:
            size, most = path.stat().st_size / 2**20, MOST_BYTES / 2**20
            raise InputError(
                "E-LABEL", f"{path.name} has {size:.0f} MiB; expected at most {most:.0f}"
            )
        return path.read_bytes().decode("utf-8-sig", "backslashreplace")
    except OSError as error:
        raise InputError(code, f"{what}: {error.strerror}") from error


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV (comma, semicolon or tab) by lower-case column names.

    Raises
    ------
    InputError
        ``E-PATH-MISSING`` when it can't be read; ``E-LABEL`` when it has no header, a column twice, a
        row with more cells than columns, or a quote that does not end, with the line.
    """
    text = _text_of(path, "E-PATH-MISSING", f"could not read {path}")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    # not splitlines: it would also cut at rarer line ends, and inside of quotes
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        if not any(names):
            raise InputError(
                "E-LABEL", f"{path.name} is empty; expected a first line of column names"
            )
        twice = next((name for name in names if name and names.count(name) > 1), "")
        if twice:
            raise InputError(
                "E-LABEL", f"{path.name} has the column {twice!r} twice; expected it once"
            )
        rows = []
        for cells in reader:
            if any(cell.strip() for cell in cells[len(names) :]):
                raise InputError(
                    "E-LABEL",
                    f"line {reader.line_num} of {path.name} has {len(cells)} cells; expected "
                    f"{len(names)}, as many as column names - does a text hold the separator?",
                )
            if cells:
                padded = [*cells, *[""] * (len(names) - len(cells))]
                rows.append({k: v.strip() for k, v in zip(names, padded, strict=False) if k})
            if len(rows) * len(names) > MOST_CELLS:
                raise InputError("E-LABEL", f"{path.name} has more than {MOST_CELLS:,} cells")
    except csv.Error as error:
        raise InputError(
            "E-LABEL",
            f"line {reader.line_num} of {path.name} can't be read: {error} - is a quote missing?",
        ) from error
    return rows


def _table_path(text: str) -> str:
    """A path as a table spells it, in our form."""
    return normalised(PurePosixPath(text.replace("\\", "/")).as_posix())


# --------------------------------------------------------------------------------- labeller


class Labeller:
    """Labels and groups of files, as ``[sounds]`` in the problem says.

    Parameters
    ----------
    sounds : Sounds
        That table of the problem.
    kind : str
        "regression" gives targets, anything else labels.
    base : Path
        Where relative paths of the problem start.

    Attributes
    ----------
    label_source, group_source : str
        Where they come from, "auto" resolved.

    Raises
    ------
    InputError
        When the table can't be read or lacks a column.
    """

    def __init__(self, sounds: Sounds, *, kind: str, base: Path) -> None:
        self.sounds, self.kind = sounds, kind
        self._rows: dict[str, list[dict[str, str]]] = {}
        columns: set[str] = set()
        if sounds.table:
            rows = read_table(base / sounds.table)
            columns = set(rows[0]) if rows else set()
            self._check_columns(columns)
            for row in rows:
                self._rows.setdefault(_table_path(row["file"]), []).append(row)
        named = set(re.compile(sounds.pattern).groupindex) if sounds.pattern else set()
        wanted = {"target", "label"} if kind == "regression" else {"label"}
        self.label_source = self._resolve(sounds.labels, wanted, columns, named, "folder")
        self.group_source = self._resolve(sounds.group, {"group"}, columns, named, "none")
        self._by_name = {PurePosixPath(key).name: key for key in self._rows}
        self._used: set[str] = set()
        self.has_tracks = self.label_source == "tracks" or {"start", "stop"} <= columns

    def _check_columns(self, columns: set[str]) -> None:
        for needed in ("file",):
            if needed not in columns:
                near = difflib.get_close_matches(needed, columns, n=1)
                tail = f' - is "{near[0]}" meant?' if near else ""
                raise InputError(
                    "E-LABEL",
                    f"{self.sounds.table} has the columns {', '.join(sorted(columns)) or 'none'}; "
                    f'expected "{needed}" with label, target or group{tail}',
                )

    def _resolve(
        self, asked: str, wanted: set[str], columns: set[str], named: set[str], last: str
    ) -> str:
        if asked != "auto":
            available = {"pattern": named, "table": columns}.get(asked, wanted)
            if not wanted & available:
                raise InputError(
                    "E-LABEL",
                    f"{' or '.join(sorted(wanted))} shall come from the {asked}, which names "
                    f"{', '.join(sorted(available)) or 'nothing'}",
                )
            return asked
        if wanted & columns:
            return "table"
        if wanted & named:
            return "pattern"
        return "tracks" if self.sounds.tracks and "group" not in wanted else last

    def of(self, path: str) -> Label:
        """Label, or target, and group of a file; with label tracks only the group."""
        group = self._look_up(self.group_source, path, ("group",))
        if self.has_tracks:
            return Label(group=group)
        keys = ("target", "label") if self.kind == "regression" else ("label",)
        text = self._look_up(self.label_source, path, keys)
        if not text:
            return Label(group=group, missing=self._why(path))
        others = self._others(path, keys, text) if self.label_source == "table" else []
        if others:
            return Label(
                group=group, missing=f"{self.sounds.table} gives it {text!r} and {others[0]!r}"
            )
        if self.kind != "regression":
            return Label(label=text, group=group)
        target = _number(text)
        missing = f"{text!r} is no number" if np.isnan(target) else ""
        return Label(target=target, group=group, missing=missing)

    def _others(self, path: str, keys: Sequence[str], text: str) -> list[str]:
        """What further rows of the table say of a file, where it is something else."""
        said = [normalised(r[k]) for r in self._rows_of(path) for k in keys[:1] if r.get(k)]
        return [other for other in said if other != text]

    def _look_up(self, source: str, path: str, keys: Sequence[str]) -> str:
        """The first of the keys that the source gives for a file; blank when there is none."""
        if source in ("none", "tracks"):
            return ""
        if source == "file":
            return path
        if source.startswith("folder"):
            folders = PurePosixPath(path).parts[:-1]
            level = int(source[7:]) if ":" in source else len(folders)
            return normalised(folders[level - 1]) if 1 <= level <= len(folders) else ""
        if source == "table":
            row = (self._rows_of(path) or [{}])[0]
            return next((normalised(row[key]) for key in keys if row.get(key)), "")
        match = self._match(path)
        found = match.groupdict() if match else {}
        return next((normalised(found[key]) for key in keys if found.get(key)), "")

    def _match(self, path: str) -> re.Match[str] | None:
        stem = PurePosixPath(path).with_suffix("")
        text = stem.as_posix() if "/" in self.sounds.pattern else stem.name
        return re.fullmatch(self.sounds.pattern, unicodedata.normalize("NFC", text))

    def _rows_of(self, path: str) -> list[dict[str, str]]:
        key = normalised(path)
        if key not in self._rows:
            key = self._by_name.get(PurePosixPath(key).name, key)
        self._used.add(key)
        return self._rows.get(key, [])

    def _why(self, path: str) -> str:
        if self.label_source == "table":
            return f"{self.sounds.table} has no row with a label for it"
        if self.label_source == "pattern":
            return f"the pattern {self.sounds.pattern} does not match its name"
        return "it lies in no folder that could name its label"

    def unused(self) -> list[str]:
        """Files that the table names but that were never asked for."""
        return sorted(set(self._rows) - self._used)

    def track(self, path: str, file: Path) -> list[Segment]:
        """The label track of a file, from the table or from the file beside it.

        Raises
        ------
        InputError
            ``E-LABEL`` when there is none or a line can't be read.
        """
        if self.label_source != "tracks":
            rows = [
                (r.get("start", ""), r.get("stop", ""), r.get("label", ""))
                for r in self._rows_of(path)
            ]
            if not rows:
                raise InputError("E-LABEL", self._why(path))
            return _segments(rows, self.sounds.table)
        beside = file.with_suffix(".txt" if self.sounds.tracks == "audacity" else ".csv")
        return read_track(beside)


def read_track(path: Path) -> list[Segment]:
    """A label track: Audacity's text (.txt) or a CSV with the columns start, stop, label.

    Raises
    ------
    InputError
        ``E-LABEL`` when there is none or a line can't be read.
    """
    text = _text_of(path, "E-LABEL", "no label track beside it")
    if path.suffix == ".txt":
        # a line with a backslash tells the frequencies of the label before it
        lines = (line.rstrip("\n") for line in io.StringIO(text, newline=None))
        entries = (line.split("\t", 2) for line in lines if line and line[0] != "\\")
        return _segments(((*entry, "", "")[:3] for entry in entries), path.name)
    rows = read_table(path)
    return _segments(
        ((r.get("start", ""), r.get("stop", ""), r.get("label", "")) for r in rows), path.name
    )


def _segments(rows: Iterable[Sequence[str]], source: str) -> list[Segment]:
    segments = []
    for number, (start, stop, label) in enumerate(rows, 1):
        segment = Segment(_number(start), _number(stop), normalised(label))
        if not segment.start <= segment.stop or not segment.label:
            raise InputError(
                "E-LABEL",
                f"entry {number} of {source} is {start!r}, {stop!r}, {label!r}; expected start and "
                "stop in s and a label",
            )
        segments.append(segment)
        if number > MOST_ENTRIES:
            raise InputError("E-LABEL", f"{source} has more than {MOST_ENTRIES:,} entries")
    return segments


def window_labels(
    start: ArrayLike, stop: ArrayLike, track: Sequence[Segment], *, background: str = ""
) -> list[str]:
    """Label of each window: the one that covers more than half of it, else the background.

    Parameters
    ----------
    start, stop : array_like of shape (n_windows,)
        Of the windows [s].
    track : sequence of Segment
        Entries may touch and overlap.
    background : str
        For windows without a majority.

    Returns
    -------
    list of str
        Blank where two labels cover a window equally.

    Examples
    --------
    >>> track = [Segment(0.0, 1.4, "dog"), Segment(1.4, 2.0, "cat")]
    >>> window_labels([0, 1, 2], [1, 2, 3], track, background="street")
    ['dog', 'cat', 'street']
    """
    a, b = np.asarray(start, float), np.asarray(stop, float)
    names = sorted({segment.label for segment in track})
    if not names:
        return [background] * len(a)
    covered = np.stack([_covered(a, b, [s for s in track if s.label == n]) for n in names])
    most = covered.max(axis=0)
    tied = (covered >= most - 1e-9).sum(axis=0) > 1
    labels = []
    for window, best in enumerate(covered.argmax(axis=0)):
        if most[window] <= 0.5 * (b[window] - a[window]) + 1e-9:
            labels.append(background)
        else:
            labels.append("" if tied[window] else names[best])
    return labels


def _covered(
    a: NDArray[np.float64], b: NDArray[np.float64], track: list[Segment]
) -> NDArray[np.float64]:
    """Seconds of each window [a, b] that the union of the segments covers."""
    edges = [0.0]
    total = [0.0]
    for segment in sorted(track, key=lambda s: s.start):
        begin = max(segment.start, edges[-1])
        if segment.stop > begin:
            edges += [begin, segment.stop]
            total += [total[-1], total[-1] + segment.stop - begin]
    # seconds covered up to a time: piecewise linear between the edges
    return np.asarray(np.interp(b, edges, total) - np.interp(a, edges, total))


# ------------------------------------------------------------------------------------ typos


def typos(labels: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of labels that one slip of the hand or the shift key turns into each other.

    Words of fewer than four letters, and labels that differ by a digit or by a letter that stands
    alone, are taken as they are.

    Examples
    --------
    >>> typos(["Dog", "dog", "snore", "snroe", "kit A", "kit B", "take1", "take2"])
    [('Dog', 'dog'), ('snore', 'snroe')]
    """
    names = sorted(set(labels))
    return [(a, b) for a, b in itertools.combinations(names, 2) if _slip(a, b)]


def _slip(a: str, b: str) -> bool:
    if a.casefold() == b.casefold():
        return True
    a, b = sorted((a.casefold(), b.casefold()), key=len)
    if len(b) - len(a) > 1 or len(a) < 4:
        return False
    head = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    tail = b[head:]
    if len(a) < len(b):
        return a[head:] == tail[1:] and tail[0].isalpha()
    swapped = tail[1:2] + tail[:1] + tail[2:]
    if a[head:] == swapped:
        return True
    alone = re.search(r"(^|[\W_])$", b[:head]) and re.match(r"$|[\W_]", b[head + 1 :])
    both_letters = a[head].isalpha() and b[head].isalpha()
    return a[head + 1 :] == tail[1:] and both_letters and not alone
