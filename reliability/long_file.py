"""A recording of three hours, as somebody has it who left the recorder running.

Cut into windows it takes the memory of what is kept of each window (a fingerprint of 10 kB, held
twice while it is written), not that of the sound, which would be gigabytes. As a whole it is refused
by the cap of problem.toml, at the header, before anything is decoded.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import soundfile as sf

from ddasp.procedure.recordings import Task, examine, pieces
from reliability.harness import Found, Place, Row

__all__ = ["ROWS"]

HOURS, RATE = 3, 16_000
MOST_MEMORY, LONGEST = 1024, 600.0  # MiB, s
ENOUGH = 4 * 3600.0  # s, max_duration of somebody who wants such files

_SPAWN = multiprocessing.get_context("spawn")


def _write(path: Path) -> None:
    """Ten seconds of bursts of noise, again and again at another level, so that no window is a copy."""
    rng = np.random.default_rng(0)
    decay = np.exp(-np.arange(10 * RATE) % RATE / 4000.0)
    with sf.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        for _ in range(HOURS * 360):
            file.write(0.1 * rng.standard_normal(10 * RATE) * decay)


def _prepared(channel: Connection, path: str, limit: float, window: tuple[float, float]) -> None:
    """In the child: what ``ddasp run`` does with the file in a worker."""
    folder = os.path.dirname(path)
    asked = Task(
        path, folder, RATE, window, ("levels", "mfcc"), limit, os.path.join(folder, "cache")
    )
    found = examine(asked)
    channel.send((found.code, len(found.pieces), *_used()))


def _applied(channel: Connection, path: str, limit: float, window: tuple[float, float]) -> None:
    """In the child: what ``ddasp apply`` does with the file before the model decides."""
    n = sum(1 for _ in pieces(Path(path), rate=RATE, window=window, max_duration=limit))
    channel.send(("", n, *_used()))


def _used() -> tuple[float, float]:
    """Processor time [s] and largest memory [MiB] of this process."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return time.process_time(), int(found[1]) / 1024 if found else 0.0


def three_hours(place: Place) -> Found:
    """Prepared in windows, decided on, and refused as a whole."""
    path = place.folder / "sounds" / "long.wav"
    path.parent.mkdir()
    _write(path)
    n_windows = HOURS * 3600
    tasks = {
        "prepared": (_prepared, ENOUGH, ("", n_windows)),
        "cut for a model": (_applied, ENOUGH, ("", n_windows)),
        "refused": (_prepared, 3600.0, ("E-AUDIO-TOOLONG", 0)),
    }
    faults: list[str] = []
    figures: dict[str, float | int | str] = {}
    for name, (function, limit, expected) in tasks.items():
        here, there = _SPAWN.Pipe(duplex=False)
        given = (there, os.fspath(path), limit, (1.0, 1.0))
        child = _SPAWN.Process(target=function, args=given)
        child.start()
        there.close()
        try:
            code, n, seconds, memory = here.recv() if here.poll(LONGEST) else ("hangs", 0, 0.0, 0.0)
        except EOFError:
            code, n, seconds, memory = "crashes", 0, 0.0, 0.0
        child.kill()
        child.join()
        if (code, n) != expected:
            faults.append(f"{name}: {code} and {n} windows; expected {expected}")
        if memory > MOST_MEMORY:
            faults.append(f"{name}: a process of {memory:.0f} MiB; expected {MOST_MEMORY} at most")
        figures |= {f"{name} (s)": round(seconds), f"{name} (MiB)": round(memory)}
    return Found(len(tasks), figures, tuple(faults))


ROWS = (
    Row(
        "Load held",
        "a recording of 3 hours",
        f"prepared and decided on in windows of 1 s within {MOST_MEMORY} MiB; as a whole refused by "
        "the cap",
        120,
        three_hours,
        sizes=("full",),
    ),
)
