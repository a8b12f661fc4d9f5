"""Ctrl-C and a polite request to end (SIGINT, SIGTERM): it ends at once, says how to go on, and does."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from reliability.faulty import commanded, in_lanes, start
from reliability.harness import Found, Place, Row
from reliability.small_run import Undisturbed, leftovers

__all__ = ["ROWS"]

INTERRUPTED = 130  # as `ddasp.apps.cli` states it
IN_ONE_FOLDER = 5
PAUSE = 0.6  # s at most between a point and the signal, a fifth of an undisturbed run


def interrupted(place: Place) -> Found:
    """Both signals in turn at random moments; five in a folder, then it must end as if nothing had been."""
    whole = Undisturbed.of(place)
    rng = random.Random(place.seed + 1)
    n = place.number(quick=2, usual=20, full=100)
    lanes = [[(rng.random(), rng.random()) for _ in range(n // 2)] for _ in range(2)]
    results = in_lanes(lambda lane: _lane(place.folder, whole, *lane), enumerate(lanes))
    faults = [fault for _, found in results for fault in found]
    n_struck = sum(struck for struck, _ in results)
    if 2 * n_struck < n:
        faults.append(
            f"only {n_struck} of {n} signals came before the end; the row tells too little"
        )
    moments = [
        rng.uniform(0.5, 3) * whole.seconds for _ in range(place.number(quick=0, usual=2, full=8))
    ]
    for number, seconds in enumerate(moments):
        faults += _ctrl_c(place.folder, whole, seconds, twice=number % 2 == 1)
    figures = {
        "signals to forked runs": n,
        "of them came before the end": n_struck,
        "Ctrl-C for the command and its 2 workers, once and twice": len(moments),
    }
    return Found(n + len(moments), figures, tuple(faults))


def _lane(
    base: Path, whole: Undisturbed, lane: int, draws: Sequence[tuple[float, float]]
) -> tuple[int, list[str]]:
    faults: list[str] = []
    n_struck = 0
    for number, (share, rest) in enumerate(draws):
        sent = (signal.SIGINT, signal.SIGTERM)[(lane + number) % 2]
        out = f"lane{lane}_{number // IN_ONE_FOLDER}"
        run = start(whole.words(out), base, out)
        n_points = 1 + int(
            share * len(whole.points) / IN_ONE_FOLDER
        )  # from the first on it is at work
        run.signal_after(n_points, rest * PAUSE, sent)
        ended = run.end()
        n_struck += ended.code != 0
        faults += [f"{sent.name}: {fault}" for fault in _wrong(ended.code, ended.said)]
        faults += whole.not_whole(base / out) + leftovers(base / out)
        if number % IN_ONE_FOLDER == IN_ONE_FOLDER - 1 or number == len(draws) - 1:
            faults += whole.finished(base, out, "after signals")
    return n_struck, faults


def _wrong(code: int, said: str) -> list[str]:
    """What is wrong with how a run ended: it was interrupted, or had ended before that."""
    faults = []
    if code not in (0, INTERRUPTED):
        faults.append(f"the run ended with {code}")
    if code == INTERRUPTED and not ("interrupted" in said and "to go on: ddasp run" in said):
        faults.append("it does not say how to go on")
    if "Traceback" in said:
        faults.append("it ended with a traceback")
    return [f"{fault}: {said[-1500:]}" for fault in faults]


def _ctrl_c(base: Path, whole: Undisturbed, seconds: float, *, twice: bool) -> list[str]:
    """The true command line: a terminal sends SIGINT to the command and its workers alike."""
    out = f"terminal{seconds:.3f}"
    process = commanded(whole.words(out, n_workers=2), base, out)
    while (
        not (base / out).exists() and process.poll() is None
    ):  # while Python itself starts, it has no say
        time.sleep(0.01)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    if twice:
        time.sleep(0.02)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate()
    faults = [f"Ctrl-C{' twice' * twice}: {fault}" for fault in _wrong(process.returncode, said)]
    faults += whole.not_whole(base / out)
    return faults + whole.finished(base, out, "after Ctrl-C")


ROWS = (
    Row(
        "Faults survived",
        "SIGINT and SIGTERM",
        "exit code 130, the command that goes on is named, nothing half-written; then the digests of an "
        "undisturbed run",
        30,
        interrupted,
    ),
)
