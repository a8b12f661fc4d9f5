"""Killed at any moment, and at every moment between two writes: the next run ends as if nothing had been.

Many kills strike the same folder one after the other, as they do on a machine that loses its
power again and again: each run goes on from what the last one left. After every kill each file must
be whole or absent, and in the end all must be what an undisturbed run writes.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from reliability.faulty import LONGEST, Fault, commanded, in_lanes, start
from reliability.harness import Found, Place, Row
from reliability.small_run import Undisturbed

__all__ = ["ROWS"]

IN_ONE_FOLDER = 5
PAUSE = 0.6  # s at most between a point and the signal, a fifth of an undisturbed run


# ------------------------------------------------------------------------------ at named points


def at_named_points(place: Place) -> Found:
    """SIGKILL at every point that an undisturbed run passes; two folders, each with half of them."""
    whole = Undisturbed.of(place)
    points = list(whole.points)
    if place.size == "quick":
        points = points[:: len(points) // 8][:8]
    halves = [points[: len(points) // 2], points[len(points) // 2 :]]
    recovering = place.size != "quick"
    results = in_lanes(
        lambda half: _killed_at(place.folder, whole, half, recovering=recovering), halves
    )
    n_killed = sum(killed for killed, _ in results)
    figures = {
        "points between two writes": len(whole.points),
        "of them died at": len(points),
        "died while going on after a kill": n_killed - len(points),
    }
    return Found(n_killed, figures, tuple(fault for _, found in results for fault in found))


def _killed_at(
    base: Path, whole: Undisturbed, points: Sequence[str], *, recovering: bool
) -> tuple[int, list[str]]:
    """One folder, killed at these points one after the other: how often, and what was wrong.

    ``recovering``: also at the points that only a run passes that goes on after a kill.
    """
    out = f"from{whole.points.index(points[0])}"
    # the points bear the name of the run folder
    left = {point.replace("whole", out) for point in points}
    passed = {point.replace("whole", out) for point in whole.points} - left
    n_killed, faults = 0, []
    while left:
        fault = Fault("kill", frozenset(passed), None if recovering else frozenset(left))
        ended = start(whole.words(out), base, out, fault).end()
        if ended.code != -signal.SIGKILL:
            faults += [f"no run comes to the point {point}" for point in sorted(left)]
            break
        point = ended.points[-1]
        n_killed += 1
        left.discard(point)
        passed.add(point)
        faults += [f"{fault}, killed {point}" for fault in whole.not_whole(base / out)]
    return n_killed, faults + whole.finished(base, out, f"after {n_killed} kills")


# --------------------------------------------------------------------------- at random moments


def at_random(place: Place) -> Found:
    """SIGKILL at random moments, several in each folder, in two lanes."""
    whole = Undisturbed.of(place)
    n = place.number(quick=4, usual=48, full=200)
    rng = random.Random(place.seed)
    lanes = [[(rng.random(), rng.random()) for _ in range(n // 2)] for _ in range(2)]
    results = in_lanes(lambda lane: _killed_randomly(place.folder, whole, *lane), enumerate(lanes))
    faults = [fault for _, found in results for fault in found]
    n_true = place.number(quick=0, usual=2, full=20)
    moments = [rng.uniform(1, 4) * whole.seconds for _ in range(n_true)]
    faults += [fault for k in moments for fault in _killed_command(place.folder, whole, k)]
    n_struck = sum(struck for struck, _ in results)
    if 2 * n_struck < n:
        faults.append(f"only {n_struck} of {n} kills came before the end; the row tells too little")
    figures = {"kills of forked runs": n_struck, "kills of the command with 2 workers": n_true}
    return Found(n_struck + n_true, figures, tuple(faults))


def _killed_randomly(
    base: Path, whole: Undisturbed, lane: int, draws: Sequence[tuple[float, float]]
) -> tuple[int, list[str]]:
    """Kill some time after some points, five times in a folder: how many struck, and what was wrong."""
    n_struck, faults = 0, []
    for number, (share, rest) in enumerate(draws):
        out = f"random{lane}_{number // IN_ONE_FOLDER}"
        n_points = int(share * len(whole.points) / IN_ONE_FOLDER)
        run = start(whole.words(out), base, out)
        run.signal_after(n_points, rest * PAUSE, signal.SIGKILL)
        code = run.end().code
        n_struck += code != 0
        if code not in (0, -signal.SIGKILL):
            faults.append(f"before its kill a run ended with {code}")
        faults += [f"{fault} after kill {number}" for fault in whole.not_whole(base / out)]
        if number % IN_ONE_FOLDER == IN_ONE_FOLDER - 1 or number == len(draws) - 1:
            faults += whole.finished(base, out, "after some kills")
    return n_struck, faults


def _killed_command(base: Path, whole: Undisturbed, seconds: float) -> list[str]:
    """The true command line with two workers, killed; its workers must end by themselves."""
    out = f"command{seconds:.3f}"
    process = commanded(whole.words(out, n_workers=2), base, out)
    time.sleep(seconds)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + LONGEST
    while _group_lives(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    faults = []
    if _group_lives(process.pid):
        faults.append("workers outlived the run that was killed")
        os.killpg(process.pid, signal.SIGKILL)
    return faults + whole.finished(base, out, f"killed after {seconds:.1f} s")


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


ROWS = (
    Row(
        "Faults survived",
        "SIGKILL at every moment between two writes",
        "each file whole or absent; the next run ends with the digests of an undisturbed one",
        60,
        at_named_points,
    ),
    Row(
        "Faults survived",
        "SIGKILL at random moments",
        "each file whole or absent; the next run ends with the digests of an undisturbed one; no "
        "worker outlives its run",
        60,
        at_random,
    ),
)
