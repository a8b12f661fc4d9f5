"""Two runs in one folder at once: the second is told by whom the folder is held, the first is unharmed."""

from __future__ import annotations

import shutil
from pathlib import Path

from reliability.faulty import in_lanes, start
from reliability.harness import Found, Place, Row
from reliability.small_run import Undisturbed

__all__ = ["ROWS"]


def pairs(place: Place) -> Found:
    """Started in the same moment, in a folder in which the last step and the report are missing."""
    whole = Undisturbed.of(place)
    n = place.number(quick=1, usual=20)
    results = in_lanes(lambda number: _pair(place.folder, whole, number), range(n))
    n_met = sum(met for met, _ in results)
    faults = [fault for _, found in results for fault in found]
    if 2 * n_met < n:  # they begin in the same moment and take seconds: a lock would be noticed
        faults.append(f"in {n - n_met} of {n} pairs neither was refused")
    figures = {"pairs": n, "in which the second came while the first was at work": n_met}
    return Found(n, figures, tuple(faults))


def _pair(base: Path, whole: Undisturbed, number: int) -> tuple[bool, list[str]]:
    out = f"pair{number}"
    shutil.copytree(whole.folder, base / out)
    shutil.rmtree(base / out / "6_application")
    (base / out / "report.html").unlink()
    both = [start(whole.words(out), base, f"{out}_{k}") for k in range(2)]
    pids = [run.pid for run in both]
    ends = [run.end() for run in both]
    codes = [ended.code for ended in ends]
    faults = [f"pair {number}: {fault}" for fault in whole.differences(base / out)]
    if codes == [0, 0]:  # one after the other
        return False, faults
    if sorted(codes) != [0, 1]:
        return True, [
            f"pair {number} ended with {codes}: {ends[0].said[-300:]} {ends[1].said[-300:]}"
        ]
    refused, holder = codes.index(1), codes.index(0)
    said = ends[refused].said
    if "E-RUN" not in said or f"in use by process {pids[holder]} on" not in said:
        faults.append(f"pair {number}: the holder is process {pids[holder]}, and it says {said}")
    return True, faults


ROWS = (
    Row(
        "Faults survived",
        "Two runs in one folder at once",
        "one is refused (E-RUN) and told the other's process; the other ends with the digests of an "
        "undisturbed run",
        30,
        pairs,
    ),
)
