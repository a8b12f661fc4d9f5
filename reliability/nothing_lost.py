"""Run folders edited by hand: `ddasp verify` names each edit, and `ddasp run` mends what it can.

Every kind of file is edited in every way that a hand, a disk or a copy has of doing so: rows dropped,
doubled and changed, numbers changed, JSON of another shape, bytes flipped, files cut, removed, added,
swapped, made links or pipes. The careful edits are those of a forger who computes every digest
anew; they show only in the numbers. Verifying must name the file, change nothing and end with a code;
a run into the edited folder must end with the digests of one that nothing disturbed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ddasp._files import digest_file, digest_json, read_json, write_json
from ddasp.procedure.run import STEPS
from reliability._children import ddasp
from reliability.faulty import Fault, in_lanes, start
from reliability.harness import Found, Place, Row
from reliability.small_run import Undisturbed

__all__ = ["ROWS"]

TABLES = (
    "2_preparation/recordings.csv", "2_preparation/observations.csv", "3_spot_check/scores.csv",
    "4_selection/trials.csv", "5_evaluation/predictions.csv", "5_evaluation/tried.csv",
)  # fmt: skip
DOCUMENTS = (
    "1_problem/problem.json", "2_preparation/preparation.json", "2_preparation/split.json",
    "2_preparation/features.json", "3_spot_check/spot_check.json", "4_selection/selection.json",
    "5_evaluation/evaluation.json", "6_application/model.json", "run.json",
)  # fmt: skip
ACCEPTED = {
    ".work, removed": "caches may be deleted; verify says that nothing can be made again from them",
    "a line of a ledger, removed": "as if that fit had never been kept: whoever needs it computes it",
    ".lock, removed": "nothing is read from it; verify says so, and a run refuses the folder (E-RUN)",
    "a ledger, cut within a line": "as a kill leaves it: the torn line is not read, and is said",
    "a note beside the steps": "a person's own file; verify says that no run makes it",
}
"""Edits after which verify ends with 0: it names them all, as what it could not check."""


@dataclass(frozen=True)
class Edit:
    """Something done to a run folder.

    Attributes: ``what`` in words; ``named`` must stand in what verify says; ``act`` does it;
    ``mends`` tells whether a run into the folder is to end like an undisturbed one.
    """

    what: str
    named: str
    act: Callable[[Path], None]
    mends: bool = True


# ------------------------------------------------------------------------------- what a hand does


def _lines(change: Callable[[list[str]], list[str]], name: str) -> Callable[[Path], None]:
    """Change the lines of a text."""

    def act(run: Path) -> None:
        lines = (run / name).read_text("utf-8").splitlines()
        (run / name).write_text("\n".join(change(lines)) + "\n", "utf-8")

    return act


def _next_digit(line: str) -> str:
    """The last digit of a line, changed."""
    at = max(i for i, sign in enumerate(line) if sign.isdigit())
    return f"{line[:at]}{(int(line[at]) + 5) % 10}{line[at + 1 :]}"


def _number(value: object) -> bool:
    """Change the first number of a JSON value in its place; whether there was one."""
    items = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    for key, item in list(items):
        if isinstance(item, (dict, list)) and _number(item):
            return True
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            value[key] = item + 1  # type: ignore[index]
            return True
    return False


def _set(key: str, value: object) -> Callable[[dict], object]:
    return lambda content: content.update({key: value})


def _json(name: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    """Change a JSON document."""

    def act(run: Path) -> None:
        content = read_json(run / name)
        change(content)
        write_json(run / name, content)

    return act


def _bytes(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda run: _put(run / name, change((run / name).read_bytes()))


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _flip(content: bytes) -> bytes:
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]


def _added(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda run: _put(run / name, content)


def _copied(source: str, name: str) -> Callable[[Path], None]:
    return lambda run: _put(run / name, (run / source).read_bytes())


def _removed(name: str) -> Callable[[Path], None]:
    def act(run: Path) -> None:
        path = run / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    return act


def _link(name: str, target: Callable[[Path], Path]) -> Callable[[Path], None]:
    """Put a link in the place of a file or folder, after that was moved to the target."""

    def act(run: Path) -> None:
        to = target(run)
        if to.parent.is_dir() and not to.exists():
            (run / name).rename(to)
        else:
            _removed(name)(run)
        (run / name).symlink_to(to)

    return act


def _beside(name: str) -> Callable[[Path], Path]:
    return lambda run: run.parent / f"{run.name}_{name}"


def _in_place_of(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    def act(run: Path) -> None:
        _removed(name)(run)
        make(run / name)

    return act


def _kept(pattern: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Change the first file of .work that has such a name."""

    def act(run: Path) -> None:
        path = sorted((run / ".work").glob(pattern))[0]
        path.write_bytes(change(path.read_bytes()))

    return act


def _forged(act: Callable[[Path], None]) -> Callable[[Path], None]:
    """Do it, then write every digest anew: in step.json, model.json and run.json."""

    def forge(run: Path) -> None:
        act(run)
        digests: dict[str, str] = {}
        for step in STEPS:
            folder = run / step
            if step == "6_application":
                about = read_json(folder / "model.json")
                about["digests"] = digests | {"model.onnx": digest_file(folder / "model.onnx")}
                write_json(folder / "model.json", about)
            known = read_json(folder / "step.json")
            paths = (p for p in folder.rglob("*") if p.is_file() and p.name != "step.json")
            files = {p.relative_to(folder).as_posix(): digest_file(p) for p in paths}
            digests[step] = digest_json(files)
            write_json(folder / "step.json", known | {"files": files, "digest": digests[step]})
        write_json(run / "run.json", read_json(run / "run.json") | {"steps": digests})

    return forge


# ------------------------------------------------------------------------------------ the edits


def edits(seed: int) -> Iterator[Edit]:
    """All edits; what is not said here is drawn from ``seed``."""
    yield from _of_tables(random.Random(seed))
    yield from _of_documents()
    yield from _of_steps()
    yield from _of_arrays_and_model()
    yield from _of_top_and_work()
    yield from _of_kinds()
    yield from _of_forgers()


def _of_tables(rng: random.Random) -> Iterator[Edit]:
    for name in TABLES:

        def row(lines: list[str]) -> int:
            return rng.randrange(1, len(lines))

        def drop(lines: list[str]) -> list[str]:
            at = row(lines)
            return lines[:at] + lines[at + 1 :]

        def double(lines: list[str]) -> list[str]:
            at = row(lines)
            return lines[:at] + [lines[at]] + lines[at:]

        def change(lines: list[str]) -> list[str]:
            at = row(lines)
            return [*lines[:at], _next_digit(lines[at]), *lines[at + 1 :]]

        yield Edit(f"a row of {name}, dropped", name, _lines(drop, name))
        yield Edit(f"a row of {name}, doubled", name, _lines(double, name))
        yield Edit(f"a digit of {name}, changed", name, _lines(change, name))
    name = "2_preparation/observations.csv"
    yield Edit("a table with CR LF", name, _bytes(name, lambda b: b.replace(b"\n", b"\r\n")))
    yield Edit("a table, emptied", name, _bytes(name, lambda b: b""))
    yield Edit("a table, no UTF-8", name, _bytes(name, lambda b: b + b"\xff\xfe"))


def _of_documents() -> Iterator[Edit]:
    for name in DOCUMENTS:
        yield Edit(f"a number of {name}, changed", name, _json(name, _number))
        yield Edit(f"{name}, cut in half", name, _bytes(name, lambda b: b[: len(b) // 2]))
    for name in ("5_evaluation/evaluation.json", "run.json", "times.json"):
        yield Edit(f"{name}, a list", name, _bytes(name, lambda b: b"[1, 2]\n"))
    name = "2_preparation/preparation.json"
    deep = b"[" * 100_000 + b"]" * 100_000
    yield Edit(f"{name}, nested too deeply", name, _bytes(name, lambda b: deep))
    yield Edit("a key of evaluation.json, removed", "5_evaluation/evaluation.json",
               _json("5_evaluation/evaluation.json", lambda d: d.pop("estimate")))  # fmt: skip


def _of_steps() -> Iterator[Edit]:
    for step in ("1_problem", "3_spot_check", "6_application"):
        name = f"{step}/step.json"
        yield Edit(f"key of {name}", name, _json(name, lambda d: d.update(key="0" * 64)))
        yield Edit(f"digest of {name}", name, _json(name, lambda d: d.update(digest="0" * 64)))
    name = "4_selection/step.json"
    yield Edit("a file, taken off its list", name, _json(name, lambda d: d["files"].popitem()))
    yield Edit("the list of files, a number", name, _json(name, lambda d: d.update(files=3)))
    yield Edit("step.json, a list", name, _bytes(name, lambda b: b"[]\n"))
    yield Edit("step.json, nested too deeply", name, _bytes(name, lambda b: b"[" * 100_000))
    outside = {"../../problem.toml": "0" * 64}
    yield Edit("a list that leads out", name, _json(name, lambda d: d["files"].update(outside)))
    yield Edit("a step, removed", "3_spot_check", _removed("3_spot_check"))
    yield Edit("step.json, removed", "5_evaluation/step.json", _removed("5_evaluation/step.json"))


def _of_arrays_and_model() -> Iterator[Edit]:
    name, other = "2_preparation/features/levels.npz", "2_preparation/features/rate.npz"
    yield Edit("a byte of features, flipped", name, _bytes(name, _flip))
    yield Edit("features, cut", name, _bytes(name, lambda b: b[:-30]))
    yield Edit("features of another set", name, _copied(other, name))

    def pickled(run: Path) -> None:
        np.savez(run / name, X=np.array([{"a": 1}], object))

    yield Edit("features, a pickle", name, pickled)
    model, about = "6_application/model.onnx", "6_application/model.json"
    yield Edit("a byte of the model, flipped", model, _bytes(model, _flip))
    yield Edit("the model, emptied", model, _bytes(model, lambda b: b""))
    yield Edit("the model, no model", model, _bytes(model, lambda b: b"\x80\x04K\x01."))
    yield Edit("labels of the model, swapped", about, _json(about, lambda d: d["labels"].reverse()))
    yield Edit("the card of the model", about, _json(about, lambda d: _number(d["card"])))


def _of_top_and_work() -> Iterator[Edit]:
    for key, value in (("seed", 1), ("code", "0" * 64), ("steps", {})):
        yield Edit(f"{key} of run.json", "run.json", _json("run.json", _set(key, value)))
    yield Edit(
        "platform of run.json", "report.html", _json("run.json", _set("platform", "a dream"))
    )
    yield Edit("seconds in times.json", "report.html", _json("times.json", _number))
    yield Edit("times.json, other words", "report.html",
               _json("times.json", lambda d: d.update(fits={"linear/levels": 3})))  # fmt: skip
    yield Edit("the count of openings", "report.html", _json("opened.json", _number))
    report = "report.html"
    better = _bytes(report, lambda b: b.replace(b"accuracy 0.", b"accuracy 1.", 1))
    yield Edit("a number of the report", report, better)
    yield Edit("the report, cut", report, _bytes(report, lambda b: b[: len(b) // 2]))
    yield Edit("the report, removed", report, _removed(report))
    yield Edit("a note beside the steps", "note.txt", _added("note.txt", b"mine"))
    yield Edit(".lock, removed", ".lock", _removed(".lock"), mends=False)
    yield Edit(".work, removed", ".work", _removed(".work"))

    def first_line(b: bytes) -> bytes:
        return b[b.index(b"\n") + 1 :]

    def other_score(b: bytes) -> bytes:
        lines = b.split(b"\n")
        entry = json.loads(lines[0])
        entry["value"]["score"] = 0.123
        return b"\n".join([json.dumps(entry, sort_keys=True).encode(), *lines[1:]])

    yield Edit("a line of a ledger, removed", ".work", _kept("*/search.fits", first_line))
    yield Edit("a score in a ledger", "search.fits", _kept("*/search.fits", other_score))
    yield Edit(
        "a ledger with a strange line", "search.fits", _kept("*/search.fits", lambda b: b"?\n" + b)
    )
    yield Edit(
        "a ledger, cut within a line", "search.fits", _kept("*/search.fits", lambda b: b[:-40])
    )
    yield Edit("an outer fold", "00.json", _kept("*/00.json", lambda b: b.replace(b"0", b"1", 1)))
    yield Edit("a kept sound, flipped", ".work/sounds", _kept("sounds/*.npz", _flip))


def _of_kinds() -> Iterator[Edit]:
    name = "5_evaluation/predictions.csv"
    yield Edit("a table, a link to itself elsewhere", name, _link(name, _beside("predictions.csv")))
    yield Edit("a table, a link to nothing", name, _link(name, lambda run: Path("/nowhere/at/all")))
    yield Edit("a table, a pipe", name, _in_place_of(name, os.mkfifo))
    yield Edit("a table, a folder", name, _in_place_of(name, os.mkdir))
    yield Edit("a step, a link", "4_selection", _link("4_selection", _beside("selection")))
    text = _in_place_of("4_selection", lambda path: _put(path, b"no folder"))
    yield Edit("a step, a file", "4_selection", text)
    yield Edit("run.json, removed", "run.json", _removed("run.json"))
    for step in ("1_problem", "2_preparation/features", "6_application"):
        extra = f"{step}/extra.json"
        yield Edit(f"a file too many in {step}", extra, _added(extra, b"{}"))
    left = "5_evaluation/.evaluation.json.abc.tmp"
    yield Edit("what a kill left", left, _added(left, b"{"))


def _of_forgers() -> Iterator[Edit]:
    """Every digest fits again; what gives them away are numbers that no row gives."""
    evaluation, predictions = "5_evaluation/evaluation.json", "5_evaluation/predictions.csv"

    def better(d: dict) -> None:
        d["estimate"]["value"] += 0.01

    def right(lines: list[str]) -> list[str]:
        at = next((i for i, line in enumerate(lines) if ",False," in line), 1)
        return [*lines[:at], _next_digit(lines[at]), *lines[at + 1 :]]

    yield Edit("forged: a better estimate", evaluation, _forged(_json(evaluation, better)))
    yield Edit("forged: an interval", evaluation,
               _forged(_json(evaluation, lambda d: d["measures"][0].update(low=0.9))))  # fmt: skip
    yield Edit("forged: confusion", evaluation,
               _forged(_json(evaluation, lambda d: _number(d["confusion"]["counts"]))))  # fmt: skip
    yield Edit("forged: a baseline", evaluation,
               _forged(_json(evaluation, lambda d: _number(d["baselines"]))))  # fmt: skip
    yield Edit("forged: a verdict", evaluation,
               _forged(_json(evaluation, lambda d: d["verdict"].update(word="certain"))))  # fmt: skip
    yield Edit(
        "forged: an output dropped", predictions, _forged(_lines(lambda x: x[:-1], predictions))
    )
    yield Edit("forged: a probability", predictions, _forged(_lines(right, predictions)))
    name = "3_spot_check/scores.csv"

    def better_score(lines: list[str]) -> list[str]:
        score = lines[1].split(",")[4]
        return [lines[0], lines[1].replace(score, "0.987"), *lines[2:]]

    yield Edit("forged: a score", name, _forged(_lines(better_score, name)))
    name = "4_selection/selection.json"
    yield Edit("forged: the choice", name,
               _forged(_json(name, lambda d: d["chosen"].update(family="tree"))))  # fmt: skip
    name = "2_preparation/preparation.json"
    yield Edit("forged: files in", name, _forged(_json(name, lambda d: d.update(n_in=1000))))
    name = "2_preparation/recordings.csv"
    yield Edit("forged: a file that was lost", name, _forged(_lines(lambda x: x[:-1], name)))
    name = "2_preparation/split.json"

    def straddle(d: dict) -> None:
        d["folds"][0].append(d["folds"][1].pop())

    yield Edit("forged: a group on both sides", name, _forged(_json(name, straddle)))
    name = "1_problem/problem.json"
    yield Edit("forged: a goal set afterwards", "1_problem/step.json",
               _forged(_json(name, lambda d: d["problem"].update(useful_from=0.1))))  # fmt: skip


# ------------------------------------------------------------------------------------- the rows


def _tree(run: Path) -> dict[str, tuple[int, int, int]]:
    """Kind, size and time of change of everything in a folder."""
    found = {}
    for path in run.rglob("*"):
        about = path.lstat()
        found[path.relative_to(run).as_posix()] = (about.st_mode, about.st_size, about.st_mtime_ns)
    return found


def _verified(base: Path, name: str) -> tuple[int, dict, list[str]]:
    """Exit code and answer of ``ddasp verify``, and what it did wrong."""
    before = _tree(base / name)
    ended = ddasp("verify", base / name, "--json")
    # where all else holds the report is made again, which takes what a report takes
    faults = [f"verify {fault}" for fault in replace(ended, seconds=0.0).faults()]
    if _tree(base / name) != before:
        faults.append("verify changed the folder")
    try:
        answer = json.loads(ended.out)
    except ValueError:
        return ended.code, {}, [*faults, f"verify ended with {ended.code}: {ended.err[-300:]}"]
    return ended.code, answer, faults


def edited_by_hand(place: Place) -> Found:
    """Each edit in a copy of the run: is it named, is it mended."""
    whole = Undisturbed.of(place)
    every = place.number(quick=8, usual=1)
    tried = [edit for i, edit in enumerate(edits(place.seed)) if i % every == 0]
    numbered = list(enumerate(tried))
    results = in_lanes(lambda pair: _named(place.folder, whole, *pair), numbered)
    faults = [fault for found, _ in results for fault in found]
    batches = _apart([edit for edit in tried if edit.mends])
    batches = batches[: place.number(quick=1, usual=6, full=len(batches))]
    mended = in_lanes(lambda pair: _mended(place.folder, whole, *pair), list(enumerate(batches)))
    faults += [fault for found in mended for fault in found]
    figures = {
        "named as a fault": sum(by == "fault" for _, by in results),
        "named as what can't be checked": sum(by == "unchecked" for _, by in results),
        "of them mended by a run": sum(map(len, batches)),
        "runs that mended them": len(batches),
    }
    return Found(len(tried), figures, tuple(faults))


def _named(base: Path, whole: Undisturbed, number: int, edit: Edit) -> tuple[list[str], str]:
    """What is wrong with how verify takes an edit; how the edit was named."""
    name = f"edit{number}"
    shutil.copytree(whole.folder, base / name)
    before = _tree(base / name)
    edit.act(base / name)
    if _tree(base / name) == before:
        return [f"{edit.what}: the edit did nothing"], ""
    code, answer, faults = _verified(base, name)
    if not answer or answer.get("error"):
        return [f"{edit.what}: {fault}" for fault in [*faults, str(answer.get("error", ""))]], ""
    messages = [fault["message"] for fault in answer["faults"]]
    unchecked = answer["not_checked"]
    by = "fault" if any(edit.named in m for m in messages) else ""
    by = by or ("unchecked" if any(edit.named in m for m in unchecked) else "")
    if not by:
        faults.append(f"{edit.named} is not named; said was {messages + unchecked}")
    if (code == 0) != (not messages):
        faults.append(f"exit code {code} with {len(messages)} faults")
    if code == 0 and edit.what not in ACCEPTED and by != "unchecked":
        faults.append("it was accepted in silence")
    if code == 0 and edit.what not in ACCEPTED:
        faults.append(f"it was accepted, and is not on the list: {unchecked}")
    shutil.rmtree(base / name)
    return [f"{edit.what}: {fault}" for fault in faults], by


def _apart(wanted: list[Edit]) -> list[list[Edit]]:
    """Edits in batches in which no two concern the same file or the same step; forgers work alone."""
    batches: list[list[Edit]] = []
    for edit in wanted:
        fitting = [batch for batch in batches if not any(_meet(edit, one) for one in batch)]
        if fitting:
            fitting[0].append(edit)
        else:
            batches.append([edit])
    return batches


def _meet(a: Edit, b: Edit) -> bool:
    """Whether one could be in the way of the other."""
    alone = ("forged", ".work, removed")  # they change, or take away, what others look for
    if a.what.startswith(alone) or b.what.startswith(alone):
        return True
    whole_steps = not {"/"} & {*a.named} or not {"/"} & {*b.named}
    return a.named == b.named or (whole_steps and a.named.split("/")[0] == b.named.split("/")[0])


def _mended(base: Path, whole: Undisturbed, number: int, batch: list[Edit]) -> list[str]:
    """What a run leaves other than an undisturbed one, into a folder with these edits."""
    name = f"batch{number}"
    shutil.copytree(whole.folder, base / name)
    for edit in batch:
        edit.act(base / name)
    what = "; ".join(edit.what for edit in batch)
    ended = start(whole.words(name), base, name).end()
    if ended.code != 0:
        return [f"{what}: the run ended with {ended.code}: {ended.said[-300:]}"]
    faults = [
        f"after a run into a folder with ({what}) {step} is another"
        for step in STEPS
        if read_json(base / name / step / "step.json")
        != read_json(whole.folder / step / "step.json")
    ]
    _, answer, wrong = _verified(base, name)
    left = [fault["message"] for fault in answer.get("faults", [])]
    # a run reads nothing from caches of steps that stand, so it leaves them as they are
    faults += wrong + [f"after ({what}): {message}" for message in left if ".work" not in message]
    shutil.rmtree(base / name)
    return faults


def undisturbed(place: Place) -> Found:
    """An undisturbed run holds, and so does one that was killed and went on."""
    whole = Undisturbed.of(place)
    code, answer, faults = _verified(whole.base, "whole")
    if code != 0:
        faults.append(f"undisturbed: {code}, {answer.get('faults')}")
    checked = {part["what"] for part in answer.get("checked", ())}
    wanted = {"files", "ledgers", "sums", "rows", "numbers", "again", "keys", "sounds", "report"}
    faults += [f"undisturbed: {what} was not checked" for what in sorted(wanted - checked)]
    points = [point for point in whole.points if "step.json" in point or ".fits" in point]
    n = place.number(quick=1, usual=4, full=12)
    chosen = random.Random(place.seed).sample(points, min(n, len(points)))
    for number, point in enumerate(chosen):
        out = f"killed{number}"
        fault = Fault("kill", only=frozenset([point.replace("whole", out)]))
        killed = start(whole.words(out), place.folder, out, fault).end()
        if killed.code != -signal.SIGKILL:
            faults.append(f"no run came to {point}: {killed.code}")
        unfinished, _, wrong = _verified(place.folder, out)
        faults += [f"killed {point}: {fault}" for fault in wrong]
        if unfinished == 0:
            faults.append(f"killed {point}: verify ended with 0 in an unfinished run")
        faults += whole.finished(place.folder, out, f"killed {point}")
        code, answer, wrong = _verified(place.folder, out)
        faults += [f"killed {point} and gone on: {fault}" for fault in wrong]
        if code != 0:
            faults.append(f"killed {point} and gone on: {answer.get('faults')}")
    n_numbers = len(answer.get("numbers", ()))
    return Found(1 + len(chosen), {"numbers traced to rows": n_numbers}, tuple(faults))


ROWS = (
    Row(
        "Nothing lost",
        "run folders edited by hand",
        "verify names each edit and changes nothing; a run ends with the digests of an undisturbed one",
        60,
        edited_by_hand,
    ),
    Row(
        "Nothing lost",
        "verify on an undisturbed run, and after kill and going on",
        "all parts are checked and hold; an unfinished run is named",
        15,
        undisturbed,
    ),
)
