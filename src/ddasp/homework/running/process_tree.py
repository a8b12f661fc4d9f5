"""A process with everything that came out of it: how much memory, how many, and their end.

*Conventions*: memory in bytes. On Linux the tree is read from /proc; elsewhere only the group of
processes is known, and nothing is counted.

*References*: proc(5): task/<tid>/children, statm, smaps_rollup.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

__all__ = ["PROC", "counted_here", "descendants", "end", "files", "memory", "tasks"]

PROC = Path("/proc")


def counted_here() -> bool:
    """Whether this machine tells what a tree of processes takes."""
    return (PROC / "self/task" / str(os.getpid()) / "children").exists()


def descendants(pid: int) -> list[int]:
    """The process and all that came out of it, parents before children.

    Parameters
    ----------
    pid : int
    """
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop(0)
        found.append(one)
        with contextlib.suppress(OSError):
            for task in os.listdir(PROC / str(one) / "task"):
                with contextlib.suppress(OSError):
                    text = (PROC / str(one) / "task" / task / "children").read_text()
                    waiting.extend(int(word) for word in text.split())
    return found


def tasks(pids: list[int]) -> int:
    """Processes and threads, counted together.

    Parameters
    ----------
    pids : list of int
    """
    count = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            count += len(os.listdir(PROC / str(pid) / "task"))
    return count


def memory(pids: list[int], enough: int) -> int:
    """Memory of all, pages that they share counted once [bytes].

    Parameters
    ----------
    pids : list of int
    enough : int
        Where the quick sum, which counts shared pages for each, lies below, it is taken.
    """
    quick = sum(_resident(pid) for pid in pids)
    return quick if quick <= enough else sum(_proportional(pid) for pid in pids)


def _resident(pid: int) -> int:
    try:
        pages = (PROC / str(pid) / "statm").read_text().split()[1]
    except (OSError, IndexError):  # it has just ended
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _proportional(pid: int) -> int:
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:  # it may not be read
        return _resident(pid)
    return 0


def files(pid: int, folder: str) -> int:
    """Files and folders in a file system, 0 where it can't be told.

    Parameters
    ----------
    pid : int
        A process that sees it.
    folder : str
        Where it sees it, "work".
    """
    try:
        found = os.statvfs(PROC / str(pid) / "root" / folder)
    except OSError:
        return 0
    return found.f_files - found.f_ffree


def end(process: subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """Kill a process and all that came out of it, and wait until they are gone.

    Parameters
    ----------
    process : subprocess.Popen
        The leader of its own session.
    patience : float
        Seconds until its own end is no longer waited for.

    Notes
    -----
    The first children are killed first: in a sandbox that is process 1 of its name space, and its end
    is complete only when all others in there are dead, those that nobody knows of included.
    """
    family = descendants(process.pid) if counted_here() else [process.pid]
    for pid in family[1:]:
        _kill(pid)
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):  # its group may be gone
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    until = time.monotonic() + patience
    while any(_runs(pid) for pid in family[1:]) and time.monotonic() < until:
        time.sleep(0.002)


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _runs(pid: int) -> bool:
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (OSError, IndexError):
        return False
