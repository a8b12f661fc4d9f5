"""Another locale, time zone, hash seed, number of threads and workers, folder, umask: the same bytes."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from reliability.faulty import commanded, in_lanes
from reliability.harness import Found, Place, Row
from reliability.small_run import Undisturbed

__all__ = ["ROWS"]

# name: variables, number of workers, umask; LC_ALL "comma" is a locale that writes 1,5
SURROUNDINGS: Mapping[str, tuple[dict[str, str], int, int]] = {
    "no locale, no UTF-8, the day before": (
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Pacific/Pago_Pago",
         "PYTHONHASHSEED": "1"}, 1, 0o077),
    "comma for the decimal point, two threads": (
        {"LC_ALL": "comma", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "2",
         "OPENBLAS_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"}, 2, 0o022),
    "optimised, hash by address, the day after": (
        {"PYTHONOPTIMIZE": "1", "PYTHONHASHSEED": "0", "TZ": "Pacific/Kiritimati"}, 2, 0o002),
    "nothing set": ({}, 1, 0o022),
}  # fmt: skip


def everywhere(place: Place) -> Found:
    """The true command line, each time in another folder of its own with a link in its path."""
    whole = Undisturbed.of(place)
    comma = _comma_locale(place.folder)
    chosen = list(SURROUNDINGS)[: place.number(quick=0, usual=3, full=4)]
    results = in_lanes(lambda name: _run_in(place.folder, whole, name, comma), chosen)
    figures = {
        "surroundings": len(chosen),
        "locale with a decimal comma": "de_DE" if comma else "none here",
    }
    return Found(len(chosen), figures, tuple(fault for found in results for fault in found))


def _run_in(base: Path, whole: Undisturbed, name: str, comma: dict[str, str]) -> list[str]:
    variables, n_workers, mask = SURROUNDINGS[name]
    if variables.get("LC_ALL") == "comma":
        variables = {**variables, **(comma or {"LC_ALL": "C.UTF-8"})}
    folder = base / "somewhere else" / re.sub(r"\W+", "_", name)
    folder.mkdir(parents=True)
    words = whole.words("run", n_workers=n_workers)
    process = commanded(words, folder, "run", umask=mask, **variables)
    said, _ = process.communicate()
    if process.returncode != 0:
        return [f"{name}: ended with {process.returncode}: {said[-500:]}"]
    faults = whole.differences(folder / "run")
    open_to = [p for p in (folder / "run").rglob("*") if p.stat().st_mode & mask]
    faults += [f"{path.name} has rights that the umask {mask:03o} takes" for path in open_to]
    return [f"{name}: {fault}" for fault in faults]


def _comma_locale(base: Path) -> dict[str, str]:
    """Variables of a locale with a decimal comma, made here where the system has its source."""
    localedef = shutil.which("localedef")
    folder = base / "locale"
    folder.mkdir()
    if localedef is None:
        return {}
    command = [localedef, "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")]
    done = subprocess.run(command, capture_output=True, check=False)
    made = done.returncode == 0 and (folder / "de_DE.UTF-8").exists()
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8"} if made else {}


ROWS = (
    Row(
        "Same everywhere",
        "Locale, time zone, hash seed, threads, workers, folder, umask",
        "every file of the six steps has the same bytes; no file has rights that the umask takes",
        25,
        everywhere,
        sizes=("usual", "full"),
    ),
)
