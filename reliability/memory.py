"""Too little memory: a clear error or the true result, never a half-written file or other numbers."""

from __future__ import annotations

import re
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ddasp._errors import CODES
from reliability.faulty import Ended, Fault, in_lanes, start, state
from reliability.harness import Found, Place, Row
from reliability.small_run import Undisturbed, leftovers

__all__ = ["ROWS"]

MIB = 2**20
BEYOND = (0, 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)  # MiB more than after all imports
FROM_THE_START = (200, 400, 800)  # MiB for the command as a whole, imports included


def limited(place: Place) -> Found:
    """Address space as it is after the imports and a little more; and limits from the very start."""
    whole = Undisturbed.of(place)
    lanes = [[("beyond", mib) for mib in BEYOND[k::2]] for k in range(2)]
    lanes[1] += [("command", mib) for mib in FROM_THE_START]
    results = in_lanes(lambda lane: _lane(place.folder, whole, *lane), enumerate(lanes))
    ended = [how for hows, _ in results for how in hows]
    figures = {
        "limits": len(ended),
        "the run ended well": ended.count("well"),
        "E-MEMORY or another error": ended.count("error"),
        "OpenBLAS ended the process and said so": ended.count("library"),
    }
    return Found(len(ended), figures, tuple(fault for _, found in results for fault in found))


def _lane(
    base: Path, whole: Undisturbed, number: int, limits: Sequence[tuple[str, int]]
) -> tuple[list[str], list[str]]:
    """How runs under these limits ended, all in one folder, and what was wrong."""
    out, hows, faults = f"lane{number}", [], []
    for kind, mib in limits:
        if kind == "beyond":
            ended = start(whole.words(out), base, out, Fault(memory=mib * MIB)).end()
        else:
            ended = _commanded(base, whole, out, mib * MIB)
        hows.append(_how(ended))
        wrong = whole.not_whole(base / out) + leftovers(base / out)
        if not hows[-1]:
            wrong.append(f"it ended with {ended.code}: {ended.said[-1200:]}")
        faults += [f"{kind} {mib} MiB: {fault}" for fault in wrong]
    return hows, faults + whole.finished(base, out, "with memory again")


def _commanded(base: Path, whole: Undisturbed, out: str, limit: int) -> Ended:
    """The true command line under a limit from its very start."""
    done = subprocess.run(
        [sys.executable, "-m", "ddasp", *whole.words(out)],
        cwd=base,
        env={"PATH": "/usr/bin:/bin", **state(base, out)},
        capture_output=True,
        text=True,
        errors="replace",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        check=False,
    )
    return Ended(done.returncode, done.stdout + done.stderr)


def _how(ended: Ended) -> str:
    """How it ended, blank if in no way that is allowed."""
    codes = set(re.findall(r"^ddasp: ([EW]-[A-Z-]+)\b", ended.said, re.MULTILINE))
    if ended.code == 0:
        return "well"
    if ended.code == 1 and codes and codes <= CODES.keys() and "Traceback" not in ended.said:
        return "error"
    # the library of linear algebra calls abort() where it gets no memory; no caller can prevent it
    if ended.code == -signal.SIGABRT and "OpenBLAS error: Memory allocation" in ended.said:
        return "library"
    return ""


ROWS = (
    Row(
        "Faults survived",
        "Memory limits",
        "the true result or an error with a documented code, nothing half-written; then the digests of "
        "an undisturbed run",
        25,
        limited,
        sizes=("usual", "full"),
    ),
)
