"""Try something in a process of its own: what it said, how it ended, what it took.

Processes are forked from a server that has imported the product once, so that a hundred of them take
seconds. Time is that of the processor, for the clock of a busy machine says little; the largest
memory is the kernel's own figure.

*Conventions*: processor time in s, memory in MiB. A child that is killed has crashed, or was ended
because it hung.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddasp._errors import CODES
from reliability.faulty import PRELOADED  # one server for all rows: the first one starts it

__all__ = ["MOST_MEMORY", "MOST_SECONDS", "Ended", "attempt", "ddasp"]

MOST_SECONDS, MOST_MEMORY = 5.0, 512  # of one refusal: s, MiB
PATIENCE = 120.0  # s by the clock, for a child that waits and computes nothing
CEILING = 4 * 2**30  # bytes: what goes beyond would take the machine down

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(PRELOADED))


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes: ``code`` it ended with, negative the signal that killed it; ``out`` and ``err``, what
    it said; ``seconds`` of the processor and ``mebibytes`` it took.
    """

    code: int
    out: str
    err: str
    seconds: float
    mebibytes: float

    @property
    def refusals(self) -> list[str]:
        """Codes of errors that it named."""
        return re.findall(r"\bE-[A-Z]+(?:-[A-Z]+)?\b", self.err + self.out)

    def faults(self) -> list[str]:
        """What may never happen, whatever was tried."""
        found = []
        if self.code < 0:
            found.append(f"killed by {signal.Signals(-self.code).name}")
        if re.search(r"Traceback|^unexpected:|\"unexpected\"", self.err + self.out, re.MULTILINE):
            lines = [line for line in (self.err + self.out).splitlines() if line.strip()]
            found.append(f"an error without a code: {' '.join(lines)[-160:]}")
        found += [
            f"names {code}, which docs/errors.md does not"
            for code in self.refusals
            if code not in CODES
        ]
        if self.seconds > MOST_SECONDS:
            found.append(f"took {self.seconds:.1f} s")
        if self.mebibytes > MOST_MEMORY:
            found.append(f"took {self.mebibytes:.0f} MiB")
        return found


def attempt(function: Callable[..., Any], *given: Any, most: float = 4 * MOST_SECONDS) -> Ended:
    """Call a function of a module in a child of its own; what it returns is its exit code.

    It is ended after ``most`` seconds of the processor, or when it waits for minutes.
    """
    with tempfile.TemporaryDirectory(prefix="attempt") as base:
        folder = Path(base)
        child = _context.Process(target=_child, args=(folder, int(most), function, given))
        child.start()
        child.join(PATIENCE + 10 * most)
        if child.is_alive():
            child.kill()
            child.join()
        return _ended(folder, child.exitcode or 0)


def ddasp(*words: object) -> Ended:
    """The command line in a child of its own."""
    return attempt(_command, [str(word) for word in words])


def _command(words: list[str]) -> int:
    from ddasp.apps.cli import main

    return main(words)


def _child(folder: Path, most: int, function: Callable[..., Any], given: tuple[Any, ...]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (CEILING, CEILING))
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
    begin = time.process_time()
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_CREAT | os.O_WRONLY), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 1
    try:
        code = function(*given) or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        used = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = time.process_time() - begin + children.ru_utime + children.ru_stime
        largest = max(used.ru_maxrss, children.ru_maxrss) / 1024
        (folder / "took").write_text(f"{took} {largest}")
    os._exit(code)


def _ended(folder: Path, code: int) -> Ended:
    out, err = (
        path.read_text("utf-8", "replace") if path.exists() else ""
        for path in (folder / "out", folder / "err")
    )
    took = folder / "took"
    seconds, mebibytes = map(float, took.read_text().split()) if took.exists() else (0.0, 0.0)
    return Ended(code, out, err, seconds, mebibytes)
