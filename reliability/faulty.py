"""The product in a process of its own that meets a fault: killed, stopped, out of disk or memory.

The product has no hooks for faults. Python tells an *audit hook* of every file that is opened, renamed
or removed, before it happens; so each moment between two writes has a name that is the same in
every run, and a process can be made to die there, or to find the disk full.

Importing what a run needs takes longer than the run. So these processes are forked from one that has
imported everything and done nothing (`multiprocessing`'s fork server), and from there on they go through
`ddasp.apps.cli.main`, as the command ``ddasp`` does; their workers are forked too, where the product
spawns them. `commanded` is the true command line, with nothing of this.

*References*: PEP 578, "Python Runtime Audit Hooks".
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, TypeVar

__all__ = [
    "LONGEST",
    "PRELOADED",
    "Ended",
    "Fault",
    "Started",
    "commanded",
    "in_lanes",
    "start",
    "state",
]

LONGEST = 120.0  # s; whoever takes longer hangs
LANES = 2
PRELOADED = (
    "ddasp.apps.cli", "ddasp.apps.deciding", "ddasp.apps.export", "ddasp.apps.inspect",
    "ddasp.procedure.run", "ddasp.procedure.deployed", "onnx.reference", "optuna", "PIL.Image",
    "reliability.faulty",
)  # fmt: skip
_SERVER = multiprocessing.get_context("forkserver")
_TEMPORARY = re.compile(r"^\.(.+)\.[^.]+\.tmp$")
_DIGEST = re.compile(r"[0-9a-f]{16,}")

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Fault:
    """What shall happen to a process.

    Attributes
    ----------
    kind : str
        "none": all points are only listed; "kill": SIGKILL at the first point that is not
        ``passed``; "full": from that point on nothing can be written.
    passed : frozenset of str
        Points at which nothing happens.
    only : frozenset of str, optional
        Points at which it happens; by default at all that are not passed.
    largest_file : (str, int), optional
        As soon as a file whose name ends like this is opened, no file may grow beyond so many bytes.
    memory : int, optional
        How much more address space there is than the process has at its start [bytes].
    """

    kind: str = "none"
    passed: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    largest_file: tuple[str, int] | None = None
    memory: int | None = None

    def strikes(self, point: str) -> bool:
        """Whether it happens there."""
        return point not in self.passed and (self.only is None or point in self.only)


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes: ``code`` is its exit code, negative for a signal; ``said`` what it printed; ``points``
    those that it passed, in their order (the last is where a fault struck).
    """

    code: int
    said: str
    points: tuple[str, ...] = ()


@dataclass
class Started:
    """A process that may be signalled, and is then waited for."""

    process: ForkServerProcess
    log: int  # a pipe that this process reads: no limit on files concerns it
    points: Path

    @property
    def pid(self) -> int:
        """Its id."""
        assert self.process.pid is not None
        return self.process.pid

    def signal_after(self, n_points: int, seconds: float, number: int) -> None:
        """Send a signal so long after it has passed so many points, unless it ends before.

        Points, because on a busy machine the clock says little about how far it has come.
        """
        while self.process.is_alive() and len(self._passed()) < n_points:
            self.process.join(0.005)
        self.process.join(seconds)
        if self.process.is_alive():
            os.kill(self.pid, number)

    def _passed(self) -> list[str]:
        return self.points.read_text("utf-8").splitlines() if self.points.exists() else []

    def end(self) -> Ended:
        """Wait for it; one that hangs is killed and has said so."""
        self.process.join(LONGEST)
        hangs = self.process.is_alive()
        if hangs:
            self.process.kill()
            self.process.join()
        with open(self.log, "rb") as log:
            said = (log.read() or b"").decode("utf-8", "replace") + "\nit hung" * hangs
        passed = self._passed()
        code = self.process.exitcode
        self.process.close()
        assert code is not None
        return Ended(code, said, tuple(passed))


def state(folder: Path, name: str) -> dict[str, str]:
    """Variables of a process that keeps all it writes below a folder."""
    return {"XDG_STATE_HOME": str(folder / f"state_{name}"), "OMP_NUM_THREADS": "1"}


_NOTHING = Fault()


def start(words: Sequence[str], folder: Path, name: str, fault: Fault = _NOTHING) -> Started:
    """``ddasp WORDS`` in that folder, with a fault; its log, points and state are called ``name``."""
    _SERVER.set_forkserver_preload(list(PRELOADED))
    log, points = folder / f"{name}.log", folder / f"{name}.points"
    log.unlink(missing_ok=True)
    points.unlink(missing_ok=True)
    os.mkfifo(log)
    reading = os.open(log, os.O_RDONLY | os.O_NONBLOCK)  # 64 KiB wait in it until the end
    process = _SERVER.Process(target=_live, args=(list(words), folder, name, fault))
    process.start()
    return Started(process, reading, points)


def commanded(
    words: Sequence[str],
    folder: Path,
    name: str,
    *,
    python: str = sys.executable,
    umask: int = 0o022,
    **variables: str,
) -> subprocess.Popen[str]:
    """The true command line, in a process group of its own; what it says comes through its stdout."""
    return subprocess.Popen(
        [python, "-m", "ddasp", *words],
        cwd=folder,
        env=os.environ | state(folder, name) | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        umask=umask,
        start_new_session=True,
    )


def in_lanes(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Results in order, two at a time: the work is done in other processes."""
    with ThreadPoolExecutor(LANES) as pool:
        return list(pool.map(function, items))


# ----------------------------------------------------------------------------- in the forked process


def _live(words: list[str], folder: Path, name: str, fault: Fault) -> None:
    """Run the command line in this process, and end as it says."""
    os.chdir(folder)
    os.environ.update(state(folder, name))
    handle = os.open(folder / f"{name}.log", os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(handle, stream)
    # new ones: those that were forked may believe that they write to a file, in which one can seek
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    from ddasp.apps.cli import main

    context = multiprocessing.get_context
    multiprocessing.get_context = lambda *_: context("fork")  # type: ignore[assignment]
    points = _Points(os.path.realpath(folder), os.getpid(), f"{name}.points", fault)
    sys.addaudithook(points.told)
    if fault.memory is not None:
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + fault.memory, resource.RLIM_INFINITY))
    code = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@dataclass
class _Points:
    """The audit hook: names the moments between writes, and strikes at one of them."""

    folder: str
    run: int  # the process of the run; its workers have this hook too
    listed: str
    fault: Fault
    busy: bool = False
    full: bool = False

    def told(self, event: str, args: tuple[Any, ...]) -> None:
        """Called before every operation that Python audits."""
        if self.busy or event not in _EVENTS:
            return
        self.busy = True
        try:
            target = _EVENTS[event](*args)
            if target is not None:
                path = os.path.realpath(os.fsdecode(target[1]))
                if path.startswith(self.folder + os.sep):
                    self._strike(event, target[0], path, args)
        finally:
            self.busy = False

    def _strike(self, event: str, what: str, path: str, args: tuple[Any, ...]) -> None:
        for name, half in self._names(event, what, path, args):
            if not self.fault.largest_file:  # it would concern the list too
                _append(os.path.join(self.folder, self.listed), f"{name}\n".encode())
            if self.fault.kind == "kill" and self.fault.strikes(name):
                if half is not None:
                    half()
                os.kill(self.run, signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)
            if self.fault.kind == "full" and what != "removing":
                self.full = self.full or self.fault.strikes(name)
                if self.full:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        shown = _shown(path).removesuffix(" (temporary)")
        if self.fault.largest_file and shown.endswith(self.fault.largest_file[0]):
            limit = (self.fault.largest_file[1], resource.RLIM_INFINITY)
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    def _names(
        self, event: str, what: str, path: str, args: tuple[Any, ...]
    ) -> list[tuple[str, Callable[[], None] | None]]:
        """The moment's name, after that of the moment in the middle of the write before it.

        A second function leaves the file as that moment has it.
        """
        shown = _DIGEST.sub(lambda m: m[0][:6], _shown(os.path.relpath(path, self.folder)))
        if event == "open" and path.endswith(".fits"):
            n_lines = Path(path).read_bytes().count(b"\n") if os.path.exists(path) else 0
            line = f"line {n_lines + 1} of {shown}"
            return [
                (f"before writing {line}", None),
                (f"inside {line}", lambda: _append(path, b'{"key": "')),
            ]
        names: list[tuple[str, Callable[[], None] | None]] = [(f"before {what} {shown}", None)]
        if event == "os.rename":
            temporary = os.fsdecode(args[0])
            middle = os.path.getsize(temporary) // 2
            names.insert(0, (f"inside {shown}", lambda: os.truncate(temporary, middle)))
        return names


def _shown(path: str) -> str:
    """A path in which a temporary file is called by what it becomes."""
    folder, name = os.path.split(path)
    return os.path.join(folder, _TEMPORARY.sub(r"\1 (temporary)", name))


def _append(path: str, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(data)


def _opened(path: Any, mode: str | None, flags: int) -> tuple[str, Any] | None:
    writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return ("opening", path) if writes and isinstance(path, (str, bytes)) else None


def _made(path: Any, *_: Any) -> tuple[str, Any] | None:
    return None if os.path.isdir(path) else ("making", path)


def _removed(path: Any, *_: Any) -> tuple[str, Any] | None:
    return ("removing", path) if isinstance(path, (str, bytes)) else None


_EVENTS: Mapping[str, Callable[..., tuple[str, Any] | None]] = {
    "open": _opened,
    "os.rename": lambda _, path, *__: ("renaming to", path),
    "os.mkdir": _made,
    "os.remove": _removed,
    "os.rmdir": _removed,
    "shutil.rmtree": _removed,
}
