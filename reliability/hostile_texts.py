"""problem.toml and CSV files that are wrong: read as they stand, or refused with the place.

Each mutant ends in one of two ways. It is *accepted and equal*: what was read is what a second, plain
reading of the same text gives (tomllib's values; a parser of CSV written here, character by character).
Or it is refused with a code and a message that names the key, the line or what is wrong with the file
as a whole. Thousands go through the functions that read them, in one process of its own; what a
function can't stand for (a pipe, 2 GiB) goes through the command line.

*Conventions*: everything is drawn from a seed; a mutant is named by what was done to the text.

*References*: RFC 4180 (CSV); TOML 1.0.0.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ddasp._errors import InputError
from ddasp.playground.points.own_table import read_csv, write_csv
from ddasp.procedure.labels import Labeller, read_table, read_track
from ddasp.procedure.problem import load, template
from ddasp.procedure.settings import Sounds
from reliability._children import attempt, ddasp
from reliability.harness import Found, Place, Row

Mutant = tuple[str, bytes]  # what was done, and the text

FULL = """
[problem]
kind = "binary"
measure = "cost"
useful_from = 0.2
positive = "hiss"
cost.hiss = { hum = 5.0 }
[sounds]
folder = "sounds"
labels = "tracks"
group = "folder:1"
tracks = "csv"
background = "hum"
rate = 16000
max_duration = 600.0
window.length = 1.0
window.hop = 0.5
[preparation]
features = ["levels", "mfcc"]
[spot_check]
families = ["majority", "linear"]
cap = 40
[selection]
trials = 2
[evaluation]
sealed_share = 0.25
players = 6
[run]
seed = 3
"""
VALUES = (
    "-1", "0", "1", "1e308", "-1e-308", "nan", "inf", "9223372036854775807", "1" + "0" * 300, "true",
    '""', '"x"', '"../../etc/passwd"', "'(?P<label>('", "'(?P<label>a)' ", "[]", '["levels"]', "[[[[]]]]",
    "{}", "{ a = { b = 1 } }", "1979-05-27", "07:32:00", '"""\\n\\n"""', '"\\u202e<img src=x>"', '"=1+1"',
    '"' + "y" * 5000 + '"',
)  # fmt: skip
SIGNS = b"\"',;\t\n\r=[{\\#\x00\x85"
WHOLE = {
    "nothing": b"",
    "a mark of UTF-8": b"\xef\xbb\xbf" + FULL.encode(),
    "UTF-16": FULL.encode("utf-16"),
    "Latin-1": FULL.replace("hiss", "zisch\u00e4").encode("latin-1"),
    "lines of Windows": FULL.replace("\n", "\r\n").encode(),
    "lines of old Macs": FULL.replace("\n", "\r").encode(),
    "a zero byte": FULL.replace("hiss", "hi\x00ss").encode(),
    "deep lists": b"[run]\nseed = " + b"[" * 100_000,
    "deep tables": b"[run]\nseed = " + b"{a=" * 20_000,
    "a long dotted key": b".".join([b"a"] * 50_000) + b" = 1",
    "a long table name": b"[" + b".".join([b"a"] * 50_000) + b"]",
    "100,000 keys": b"".join(b"k%d = 1\n" % i for i in range(60_000)),
    "100,000 tables": b"[[run]]\n" * 100_000,
    "a number of 5,000 digits": b"[run]\nseed = 1" + b"0" * 5000,
    "a mebibyte and more": b"#" * (2**20 + 1),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10,
    "another table twice": FULL.encode() + b"\n[run]\nseed = 4\n",
    "half a character": FULL.encode().replace(b"hiss", b"\xed\xa0\x80"),
    "a name with escapes": FULL.replace('"hiss"', '"\\ud800"').encode(),
}
PLACED = re.compile(  # a line, a table or key, or what is wrong as a whole
    r"line \d+|at end of document|\[[a-z_.]+\] |\[.*\]: unknown table|\n  \w+ = |UTF-8|MiB|nested|digits"
)


# --- how texts are changed ---------------------------------------------------------------------------


def damaged(text: bytes, rng: np.random.Generator) -> Mutant:
    """A text with some bytes flipped, put in, taken out, doubled or moved."""
    data, done = bytearray(text), []
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(data) + 1))
        how = rng.choice(["flip", "insert", "delete", "double", "cut", "sign"])
        if how == "flip" and place < len(data):
            data[place] ^= 1 << int(rng.integers(8))
        elif how == "insert":
            data[place:place] = rng.bytes(int(rng.integers(1, 5)))
        elif how == "delete":
            del data[place : place + int(rng.integers(1, 20))]
        elif how == "double":
            data[place:place] = data[place : place + int(rng.integers(1, 40))]
        elif how == "cut":
            del data[max(place, 1) :]
        else:
            signs = [
                b'"',
                b"'",
                b",",
                b";",
                b"\t",
                b"\n",
                b"\r",
                b"=",
                b"[",
                b"{",
                b"\\",
                b"#",
                b"\x00",
                b"\x85",
            ]
            data[place:place] = signs[int(rng.integers(len(signs)))]
        done.append(f"{how} at {place}")
    return " and ".join(done), bytes(data)


def problems(rng: np.random.Generator, n: int) -> Iterator[Mutant]:
    """Texts of problem.toml: whole ones, each key with each value, keys moved about, bytes."""
    yield from WHOLE.items()
    lines = FULL.splitlines()
    keys = [i for i, line in enumerate(lines) if " = " in line]
    each = [(i, value) for i in keys for value in VALUES]
    for i, value in [each[j] for j in rng.permutation(len(each))[: n // 2]]:
        key = lines[i].partition(" = ")[0]
        changed = [*lines[:i], f"{key} = {value}", *lines[i + 1 :]]
        yield f"{key} = {value[:30]}", "\n".join(changed).encode()
    for _ in range(n // 4):
        i, j = rng.choice(keys, 2, replace=False)
        how = str(rng.choice(["typo", "twice", "gone", "moved", "no value", "dotted"]))
        key, _, value = lines[i].partition(" = ")
        changed = list(lines)
        if how == "typo":
            place = int(rng.integers(len(key)))
            changed[i] = f"{key[:place]}{key[place + 1 :]}x = {value}"
        elif how in ("twice", "moved"):
            changed.insert(int(j), lines[i])
            if how == "moved":
                changed.remove(lines[i])
        elif how == "gone":
            del changed[i]
        else:
            changed[i] = f"{key} =" if how == "no value" else f"{key}.more = {value}"
        yield f"{key} {how}", "\n".join(changed).encode()
    base = template().encode()
    for number in range(n - n // 2 - n // 4):
        yield damaged(FULL.encode() if number % 4 else base, rng)


# --- what came out -------------------------------------------------------------------------------------


def _not_equal(said: Any, read: Any, place: str = "") -> str:
    """Where what TOML says differs from what was read; blank where it doesn't."""
    if isinstance(said, dict) and isinstance(read, dict):
        differing = (
            f"{place}.{key}" if key not in read else _not_equal(value, read[key], f"{place}.{key}")
            for key, value in said.items()
        )
        return next((one for one in differing if one), "")
    if isinstance(said, list) and isinstance(read, list) and len(said) == len(read):
        return next(filter(None, map(_not_equal, said, read)), "")
    same_kind = isinstance(said, bool) == isinstance(read, bool)
    if isinstance(said, int) and isinstance(read, float):
        said = float(said)  # whole numbers may stand for real ones, which round beyond 2^53
    return "" if said == read and same_kind else f"{place}: {said!r} was read as {read!r}"


def _problem_fault(path: Path, text: bytes) -> tuple[bool, str]:
    """Whether a problem.toml was accepted, and what is wrong with how it ended."""
    path.write_bytes(text)
    try:
        problem = load(path)
    except InputError as error:
        return False, "" if PLACED.search(error.message) else f"no place: {error.message[:200]!r}"
    except Exception as error:
        return False, f"{type(error).__name__}: {str(error)[:200]}"
    return True, _not_equal(tomllib.loads(text.decode("utf-8-sig")), problem.to_json())


def cells_of(text: str, delimiter: str) -> list[list[str]] | None:
    """The cells of a CSV by RFC 4180, read one character after the other; None where it breaks it."""
    rows: list[list[str]] = [[]]
    cell, state = "", "start"
    for sign, behind in zip(text, text[1:] + "\n", strict=True):
        if state == "quoted":
            if sign != '"':
                cell += sign
            else:
                state = "ended"
        elif state == "ended" and sign == '"':
            cell, state = cell + '"', "quoted"
        elif sign == delimiter or sign in "\r\n":
            if (sign in "\r\n" and not (state == "start" and not rows[-1])) or sign == delimiter:
                rows[-1].append(cell)
            cell, state = "", "start"
            if sign == "\n" or (sign == "\r" and behind != "\n"):
                rows.append([])
        elif state == "ended":
            return None
        elif state == "start" and sign == '"':
            state = "quoted"
        else:
            cell, state = cell + sign, "plain"
    if state == "quoted":
        return None
    if state != "start" or rows[-1]:
        rows[-1].append(cell)
    return rows


def _plainly(text: str) -> list[dict[str, str]] | None:
    """A table by `cells_of`, as `read_table` promises it; None where it must be refused."""
    first = text.partition("\n")[0]
    rows = cells_of(text, max(",;\t", key=first.count))
    if rows is None or not rows:
        return None
    names = [name.strip().lower() for name in rows[0]]
    if not any(names) or any(names.count(name) > 1 for name in names if name):
        return None
    table = []
    for cells in (row for row in rows[1:] if row):
        if any(cell.strip() for cell in cells[len(names) :]):
            return None
        padded = cells + [""] * (len(names) - len(cells))
        table.append({k: v.strip() for k, v in zip(names, padded, strict=False) if k})
    return table


def _table_fault(path: Path, text: bytes) -> tuple[bool, str]:
    path.write_bytes(text)
    rows = read_table(path)
    plain = _plainly(text.decode("utf-8-sig", "backslashreplace"))
    if rows != plain:
        return True, f"read as {str(rows)[:150]}, plainly {str(plain)[:150]}"
    sounds = Sounds.model_validate({"table": path.name, "window": {"length": 1.0}})
    labeller = Labeller(sounds, kind="multi-class", base=path.parent)
    for name in ("a.wav", "b/c.wav", "\u00fc.wav"):
        label = labeller.of(name)
        if not labeller.has_tracks and not label.label and not label.missing:
            return True, f"{name} has no label, and nothing says why"
        if labeller.has_tracks:
            labeller.track(name, path.parent / name)
    return True, ""


def _track_fault(path: Path, text: bytes) -> tuple[bool, str]:
    path.write_bytes(text)
    track = read_track(path)
    wrong = [s for s in track if not (0 <= s.stop - s.start < math.inf and s.label)]
    return True, f"{wrong[0]} was read" if wrong else ""


def _points_fault(path: Path, text: bytes) -> tuple[bool, str]:
    points = read_csv(text.decode("utf-8", "replace"))
    again = read_csv(write_csv(points), kind=points.kind)
    same = np.array_equal(points.X, again.X) and np.array_equal(points.y, again.y)
    return True, "" if same and np.isfinite(
        points.X
    ).all() else "not the same when written and read"


TABLE = """file,label,group,note
a.wav,hum,anna,"says ""hum"", twice"
b/c.wav,hiss,ben,
"\u00fc.wav",ping,"carla
and dora",
"""
SEGMENTS = "file;label;start;stop\na.wav;hum;0,5;1,25\na.wav;hiss;1.25;3\nb/c.wav;ping;0;1e1\n"
AUDACITY = "0.5\t1.25\thum\n\\\t100.0\t200.0\n1.25\t3,0\thiss and hum\n"
POINTS = "width;height;group;label (no | yes)\n1,5;2;a;no\n3;4,5;a;yes\n1;1;b;no\n-3e0;3;b;yes\n"
NAMED = re.compile(r"line \d+|entry \d+|column|cells|empty|points|label|characters|no row")
Check = Callable[[Path, bytes], tuple[bool, str]]
READERS: dict[str, tuple[str, bytes, Check]] = {
    "a table of labels": ("labels.csv", TABLE.encode(), _table_fault),
    "a table of segments": ("segments.csv", SEGMENTS.encode(), _table_fault),
    "a track as CSV": ("track.csv", SEGMENTS.encode(), _track_fault),
    "a track of Audacity": ("track.txt", AUDACITY.encode(), _track_fault),
    "points of the playground": ("points.csv", POINTS.encode(), _points_fault),
}
STRANGE = {
    "nothing": b"",
    "blank lines": b"\n\n\n",
    "a zero byte": TABLE.replace("hum", "h\x00m").encode(),
    "UTF-16": TABLE.encode("utf-16"),
    "lines of Windows": TABLE.replace("\n", "\r\n").encode(),
    "lines of old Macs": SEGMENTS.replace("\n", "\r").encode(),
    "a quote that never ends": b'file,label\na.wav,"hum\nb.wav,hiss\n' * 1000,
    "a cell of 200,000 signs": b"file,label\na.wav," + b"x" * 200_000,
    "10,000 columns": b"file" + b",x" * 10_000 + b"\na.wav" + b",y" * 10_000,
    "a column twice": b"file,label,label\na.wav,hum,hiss\n",
    "a separator in a label": b"file,label,group\na.wav,hum, loud,anna\n",
    "rare line ends in names": "file,label\na\u2028b.wav,h\x0bm\x1c\x85\n".encode(),
    "numbers that only Python reads": SEGMENTS.replace("1.25;3", "1_0;0x10").encode(),
    "times that are no numbers": SEGMENTS.replace("1.25;3", "nan;inf").encode(),
    "no label column": b"file,start,stop\na.wav,0,1\n",
    "a label track without end": b"file,start,stop,label\n" + b"a.wav,0,1,x\n" * 100_000,
    "three million cells": b"file,b\n" + b"a,b\n" * 1_500_000,
}


def _csv_fault(check: Check, path: Path, text: bytes) -> tuple[bool, str]:
    try:
        return check(path, text)
    except InputError as error:
        named = re.search(
            r"line \d+|entry \d+|column|cells|empty|points|label|characters|no row", error.message
        )
        return False, "" if named else f"no place: {error.message[:200]!r}"
    except Exception as error:
        return False, f"{type(error).__name__}: {str(error)[:200]}"


# --- the rows ------------------------------------------------------------------------------------------


def _try_problems(folder: Path, n: int, seed: int) -> int:
    path, rng = folder / "problem.toml", np.random.default_rng(seed)
    ends = [(done, *_problem_fault(path, text)) for done, text in problems(rng, n)]
    return _report(ends)


def _try_tables(folder: Path, n: int, seed: int) -> int:
    rng, ends = np.random.default_rng(seed), []
    strange = [one for one in STRANGE.items() if n > 1000 or len(one[1]) < 1_000_000]  # s each
    for name, (file, text, check) in READERS.items():
        mutants = [("unchanged", text), *strange]
        mutants += [damaged(text, rng) for _ in range(n // len(READERS))]
        for done, mutant in mutants:
            ends.append((f"{name}, {done}", *_csv_fault(check, folder / file, mutant)))
    return _report(ends)


def _report(ends: list[tuple[str, bool, str]]) -> int:
    for done, _, fault in ends:
        if fault:
            print("fault:", f"{done}: {fault}".encode("unicode_escape").decode())
    print(f"tried {len(ends)} accepted {sum(accepted for _, accepted, _ in ends)}")
    return 0


def _tried(function: Callable[[Path, int, int], int], place: Place, n: int) -> Found:
    ended = attempt(function, place.folder, n, place.seed, most=200)
    faults = [line[7:] for line in ended.out.splitlines() if line.startswith("fault: ")]
    found = re.search(r"^tried (\d+) accepted (\d+)$", ended.out, re.MULTILINE)
    if ended.code or not found:
        return Found(0, {}, (*faults, f"the process ended with {ended.code}: {ended.err[-300:]}"))
    tried, accepted = int(found[1]), int(found[2])
    if ended.mebibytes > 512:
        faults.append(f"the process took {ended.mebibytes:.0f} MiB")
    figures: dict[str, float | int | str] = {
        "accepted and equal": accepted,
        "refused with the place": tried - accepted,
        "s of the processor": round(ended.seconds, 1),
        "MiB": round(ended.mebibytes),
    }
    return Found(tried, figures, tuple(faults))


def problem_files(place: Place) -> Found:
    """Mutants of problem.toml."""
    return _tried(_try_problems, place, place.number(quick=300, usual=3000))


def tables(place: Place) -> Found:
    """Mutants of every kind of CSV."""
    return _tried(_try_tables, place, place.number(quick=300, usual=2500))


def _sparse(path: Path) -> None:
    """2 GiB that take no room on the disk."""
    with path.open("wb") as file:
        file.truncate(2**31)


def _with_table(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """A problem.toml whose table is something else."""

    def made(path: Path) -> None:
        make(path.with_suffix(".csv"))
        path.write_text(f'[sounds]\nfolder = "sounds"\ntable = "{path.stem}.csv"\n')

    return made


def through_the_command_line(place: Place) -> Found:
    """What stands in place of a file, and texts that a person may bring."""
    folder, faults = place.folder, []
    (folder / "sounds").mkdir()
    special: dict[str, Callable[[Path], object]] = {
        "a pipe": os.mkfifo,
        "a folder": Path.mkdir,
        "a device": lambda path: path.symlink_to("/dev/zero"),
        "a link in a circle": lambda path: path.symlink_to(path),
        "2 GiB": _sparse,
        "a picture": lambda path: path.write_bytes(WHOLE["a picture"]),
        "UTF-16": lambda path: path.write_bytes(WHOLE["UTF-16"]),
        "deep lists": lambda path: path.write_bytes(WHOLE["deep lists"]),
        "a table that is a pipe": _with_table(os.mkfifo),
        "a table that is a device": _with_table(lambda path: path.symlink_to("/dev/zero")),
        "a table of 2 GiB": _with_table(_sparse),
    }
    slowest = largest = 0.0
    for name, make in special.items():
        path = folder / f"{name.replace(' ', '_')}.toml"
        make(path)
        ended = ddasp("run", path, "--out", folder / "run", "--quiet")
        found = ended.faults()
        if ended.code == 0:
            found.append("silently accepted")
        elif not ended.refusals:
            found.append(f"refused without a code: {ended.err[:200]}")
        faults += [f"{name}: {fault}" for fault in found]
        slowest, largest = max(slowest, ended.seconds), max(largest, ended.mebibytes)
    figures = {
        "slowest / s of the processor": round(slowest, 1),
        "largest process / MiB": round(largest),
    }
    return Found(len(special), figures, tuple(faults))


ROWS = (
    Row(
        "Bad inputs tried",
        "problem.toml changed by key, value, nesting, encoding and byte",
        "read as it stands, or refused with a code and the place; no other error, at most 512 MiB",
        20,
        problem_files,
    ),
    Row(
        "Bad inputs tried",
        "tables of labels, segments, tracks and points changed by byte",
        "read as a second reader reads them, or refused with a code and the place; at most 512 MiB",
        25,
        tables,
    ),
    Row(
        "Bad inputs tried",
        "pipes, devices, folders and 2 GiB in place of texts",
        "refused with a code in 5 s and 512 MiB",
        5,
        through_the_command_line,
    ),
)
