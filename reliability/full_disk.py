"""The disk is full, at any artefact and any of its bytes: it says so and leaves nothing half-written.

Three ways to be out of space: the system refuses each write from a named moment on; a file may not grow
beyond a limit (RLIMIT_FSIZE), at ten sizes for each kind of artefact; and, where one may be mounted, a
disk of memory that really is too small, and grows from one run to the next.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reliability.faulty import Ended, Fault, in_lanes, start
from reliability.harness import Found, Place, Row
from reliability.small_run import Undisturbed, leftovers

__all__ = ["ROWS"]

N_SIZES = 10


def _wrong(ended: Ended) -> list[str]:
    """What is wrong with how a command ended that met a full disk."""
    if ended.code == 1 and "E-DISK" in ended.said and "Traceback" not in ended.said:
        return []
    return [f"a full disk, and it ended with {ended.code}: {ended.said[-500:]}"]


# ------------------------------------------------------------------------------ at named points


def at_named_points(place: Place) -> Found:
    """No space from each point on, one after the other, in two folders; every eighth line of ledgers."""
    whole = Undisturbed.of(place)
    opened = [point for point in whole.points if point.startswith("before ")]
    lines = [point for point in opened if ".fits" in point]
    points = [point for point in opened if point not in lines or lines.index(point) % 8 == 0]
    halves = [points[: len(points) // 2], points[len(points) // 2 :]]
    results = in_lanes(lambda half: _filled_at(place.folder, whole, half), halves)
    figures = {"points": len(points), "of those in an undisturbed run": len(whole.points)}
    return Found(len(points), figures, tuple(fault for found in results for fault in found))


def _filled_at(base: Path, whole: Undisturbed, points: Sequence[str]) -> list[str]:
    out = f"full{whole.points.index(points[0])}"
    left = {point.replace("whole", out) for point in points}
    faults = []
    while left:
        ended = start(whole.words(out), base, out, Fault("full", only=frozenset(left))).end()
        met = [point for point in ended.points if point in left]
        if not met:
            faults += [f"no run comes to the point {point}" for point in sorted(left)]
            break
        left -= {met[0]}
        wrong = _wrong(ended) + whole.not_whole(base / out) + leftovers(base / out)
        faults += [f"{fault}, full {met[0]}" for fault in wrong]
    return faults + whole.finished(base, out, f"after a full disk {len(points)} times")


# ------------------------------------------------------------------------------- at ten sizes


@dataclass(frozen=True)
class Artefact:
    """One kind of artefact: what makes it anew, and what must be away for that."""

    kind: str
    name: str  # how its path ends
    away: tuple[str, ...] = ()  # below the run folder
    words: tuple[
        str, ...
    ] = ()  # of the command; RUN stands for the run folder; none: the run itself


ARTEFACTS = (
    Artefact("table of step 5 (csv)", "5_evaluation/predictions.csv", ("5_evaluation",)),
    Artefact("features (npz)", "features/levels.npz", ("2_preparation",)),
    Artefact("choice (json)", "4_selection/selection.json", ("4_selection",)),
    Artefact("model (onnx)", "model.onnx", ("6_application",)),
    Artefact("ledger of fits", "search.fits", ("3_spot_check", "4_selection", ".work")),
    Artefact("outer fold (json)", "01.json", ("5_evaluation", ".work")),
    Artefact("report (html)", "report.html", ("report.html",)),
    Artefact("decisions (csv)", "a.csv", (), ("apply", "RUN", "SOUNDS", "--out", "a.csv", "--force")),
    Artefact("decisions (jsonl)", "a.jsonl", (), ("apply", "RUN", "SOUNDS", "--out", "a.jsonl", "--force")),
    Artefact("page of the model (html)", "m.html", (), ("export", "RUN", "--out", "m.html", "--force")),
    Artefact("problem (toml)", "p.toml", (), ("init", "SOUNDS", "--out", "p.toml", "--force")),
)  # fmt: skip
QUICK = ("ledger of fits", "decisions (csv)")


def at_ten_sizes(place: Place) -> Found:
    """For each kind of artefact a limit at none of its bytes, a tenth, two tenths ..."""
    whole = Undisturbed.of(place)
    wanted = [a for a in ARTEFACTS if place.size != "quick" or a.kind in QUICK]
    tenths = range(0, N_SIZES, place.number(quick=6, usual=1))
    results = in_lanes(lambda a: _cut(place.folder, whole, a, tenths), wanted)
    figures = {"kinds of artefact": len(wanted), "sizes of each": len(tenths)}
    faults = tuple(fault for found in results for fault in found)
    return Found(len(wanted) * len(tenths), figures, faults)


def _cut(base: Path, whole: Undisturbed, artefact: Artefact, tenths: Sequence[int]) -> list[str]:
    """One kind of artefact at some sizes, all in one folder; in the end it must come out whole."""
    folder = base / artefact.name.replace("/", "_")
    folder.mkdir()
    run = shutil.copytree(whole.folder, folder / "run")
    places = {"RUN": "run", "SOUNDS": str(whole.base / "sounds")}
    words = [places.get(word, word) for word in artefact.words] or whole.words("run")
    if artefact.words:
        target = folder / artefact.name
        start(words, folder, "true").end()
        expected = target.read_bytes()
        target.write_bytes(b"what was there before")
    else:
        expected = next(run.rglob(f"*{artefact.name.rpartition('/')[2]}")).read_bytes()
    for name in artefact.away:
        shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
    faults = []
    for tenth in tenths:
        size = len(expected) * tenth // N_SIZES
        ended = start(words, folder, "cut", Fault(largest_file=(artefact.name, size))).end()
        wrong = _wrong(ended) + leftovers(folder) + whole.not_whole(run)
        if artefact.words and target.read_bytes() != b"what was there before":
            wrong.append("what was there before is gone")
        faults += [f"{artefact.kind}, no more than {size} bytes: {fault}" for fault in wrong]
    if artefact.words:
        code = start(words, folder, "true").end().code
        if code != 0 or target.read_bytes() != expected:
            faults.append(f"{artefact.kind}: with space again it ended with {code}, or differs")
        return faults
    return faults + whole.finished(folder, "run", f"{artefact.kind}, with space again:")


# ------------------------------------------------------------------------- on a disk that is small


def on_a_small_disk(place: Place) -> Found:
    """Ten sizes of one disk, up to half of what a run leaves; and the device that is always full."""
    whole = Undisturbed.of(place)
    needed = sum(-(-p.stat().st_size // 4096) + 1 for p in whole.folder.rglob("*")) * 4096
    shares = [0.5 * k / N_SIZES for k in range(N_SIZES)]  # a run keeps less than it writes
    sizes = [max(int(share * needed), 4096) for share in shares]
    disk = place.folder / "disk"
    disk.mkdir()
    faults: list[str] = []
    n_tried, figures = 1, {"always full": "/dev/full"}
    with _mounted(disk, sizes[0]) as resize:
        if resize is None:
            figures["small disk"] = "none may be mounted here"
        else:
            for size in sizes:
                resize(size)
                ended = start(whole.words("disk/run"), place.folder, "disk_run").end()
                wrong = _wrong(ended) + leftovers(disk) + whole.not_whole(disk / "run")
                faults += [f"a disk of {size} bytes: {fault}" for fault in wrong]
            resize(64 * 2**20)
            faults += whole.finished(place.folder, "disk/run", "on a disk with space again:")
            n_tried += len(sizes)
            figures["small disk"] = f"{len(sizes)} sizes up to {sizes[-1] // 1024} KiB"
    return Found(n_tried, figures, tuple(faults + _device(place.folder, whole)))


@contextlib.contextmanager
def _mounted(folder: Path, size: int) -> Iterator:
    """A disk of memory there, as a function that changes its size; None where none may be mounted."""

    def mount(*options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            return False

    if not mount(f"size={size}"):
        yield None
        return
    try:
        yield lambda larger: mount("remount", f"size={larger}")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _device(base: Path, whole: Undisturbed) -> list[str]:
    """``apply`` writes to /dev/full, by its name."""
    sounds, out = str(whole.base / "sounds"), ["--out", "/dev/full", "--force"]
    ended = start(["apply", str(whole.folder), sounds, *out], base, "device").end()
    return [f"/dev/full: {fault}" for fault in _wrong(ended)]


DEMAND = "E-DISK and exit code 1, nothing half-written; then the digests of an undisturbed run"
ROWS = (
    Row(
        "Faults survived",
        "No space from a named moment on",
        DEMAND,
        35,
        at_named_points,
        sizes=("usual", "full"),
    ),
    Row(
        "Faults survived",
        "No file may grow beyond ten sizes, for each kind of artefact",
        DEMAND + "; what was there before stays",
        50,
        at_ten_sizes,
    ),
    Row(
        "Faults survived",
        "A disk that is too small",
        DEMAND,
        15,
        on_a_small_disk,
        sizes=("usual", "full"),
    ),
)
