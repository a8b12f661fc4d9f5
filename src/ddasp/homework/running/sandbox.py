"""Where foreign code runs: its own processes, no network, nothing of this machine, limits that hold.

    bubblewrap      name spaces of its own for processes, network, users, names; a file system that
                    holds Python's library, NumPy, the runner and an empty folder, nothing else
    the runner      becomes a user who owns nothing and lowers its own limits, before it reads a line
    seccomp         calls to the kernel that homework never needs fail (`system_calls`)
    control group   memory and processes of the whole tree, where one can be made (`control_groups`)
    a watcher       the same, counted every 50 ms, always (`execution`)

*Conventions*: as root there is no name space of users, since the kernel would go on counting processes
for root, who has no limit; the runner becomes a user that nobody else is instead. As a user, bubblewrap
makes such a name space. Bytes and seconds.

*References*: bwrap(1); namespaces(7); capabilities(7); getrlimit(2).
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ddasp._errors import RunError
from ddasp.homework.running.control_groups import ControlGroups, Group
from ddasp.homework.running.process_tree import end
from ddasp.homework.running.system_calls import program

__all__ = [
    "MOST_FILES",
    "Limits",
    "Sandbox",
    "Started",
    "numpy_folder",
    "process_limits",
    "runner_command",
    "size",
]

STDLIBS = ("stdlib", "platstdlib")
INSIDE_ONLY = {"HOME": "/work", "TMPDIR": "/work", "PATH": "/nowhere"}
RUNNER = Path(__file__).with_name("runner.py")
INSIDE = Path("/sandbox")
LIBRARIES = ("/usr/lib", "/lib")  # and what begins so: lib64, libx32
PLACES = ("site-packages", "dist-packages")
HELPERS = 2  # processes of bubblewrap in the tree
MOST_FILES = 10_000
JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 111; shift; done; shift; exec "$@"'
PATIENCE = 30.0  # seconds until a sandbox must have come up


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Parameters
    ----------
    seconds : float
        By the clock, of one process with all that it starts.
    memory : int
        Of the whole tree [bytes].
    output : int
        One half of it for what is printed, one for files [bytes].
    processes : int
        And threads, together.
    """

    seconds: float = 60.0
    memory: int = 2**30
    output: int = 50_000_000
    processes: int = 64


@dataclass(frozen=True)
class Started:
    """A runner that was started.

    Parameters
    ----------
    process : subprocess.Popen
        Orders on its stdin, answers on its stdout, what is printed on its stderr.
    group : Group, optional
        The control group it is in.
    helpers : int
        Processes in its tree that are not the submission's.
    """

    process: subprocess.Popen[bytes]
    group: Group | None = None
    helpers: int = 0


@dataclass(frozen=True)
class Sandbox:
    """What foreign code can be run in on this machine; `Sandbox.find` makes it.

    Parameters
    ----------
    bubblewrap : str
        Path of the program.
    groups : ControlGroups, optional
        Where there are any.
    as_root : bool
        Whether the caller is root.
    """

    bubblewrap: str
    groups: ControlGroups | None
    as_root: bool

    @classmethod
    def find(cls) -> Sandbox:
        """The sandbox of this machine, tried out once.

        Raises
        ------
        RunError
            ``E-SANDBOX`` when there is none, with the likely reason.
        """
        if sys.platform != "linux":
            raise _none(f"this is {sys.platform}, and code is confined on Linux only")
        bubblewrap = shutil.which("bwrap")
        if bubblewrap is None:
            raise _none("bubblewrap is not installed - `apt install bubblewrap`?")
        says = ""
        for groups in dict.fromkeys((ControlGroups.find(), None)):
            sandbox = cls(bubblewrap, groups, os.geteuid() == 0)
            says = sandbox._tried()
            if not says:
                return sandbox
        raise _none(
            f"bubblewrap says: {says} - is this a container, or does the kernel refuse name spaces "
            "to users (sysctl kernel.apparmor_restrict_unprivileged_userns)?"
        )

    @property
    def in_force(self) -> tuple[str, ...]:
        """In words, what holds in here with the usual limits."""
        return self.words(Limits())

    def words(self, limits: Limits) -> tuple[str, ...]:
        """In words, what holds in here.

        Parameters
        ----------
        limits : Limits
        """
        group = "control group, and watched every 50 ms" if self.groups else "watched every 50 ms"
        count = "limit of the user" + (" and control group" if self.groups else ", and watched")
        return (
            "an unprivileged user without capabilities, in a tree of processes of its own",
            "no network, no files of this machine but Python's library and NumPy",
            f"time: {limits.seconds:g} s by the clock for each start",
            f"memory of the tree: {size(limits.memory)}, {group}",
            f"processes and threads: {limits.processes}, {count}",
            f"output: {size(limits.output // 2)} printed, {size(limits.output // 2)} in "
            f"at most {MOST_FILES:,} files",
            *(["calls to the kernel: filtered"] if program() else []),
        )

    @contextlib.contextmanager
    def start(self, limits: Limits) -> Iterator[Started]:
        """A runner in here; when the context ends, so has all that it started.

        Parameters
        ----------
        limits : Limits

        Raises
        ------
        RunError
            ``E-SANDBOX`` when it can't be started.
        """
        with contextlib.ExitStack() as stack:
            user = stack.enter_context(_a_user()) if self.as_root else None
            group = self._group(limits, stack)
            command = [self.bubblewrap, *self._arguments(limits), "--", *_inside(user, limits)]
            fds: list[int] = []
            if (calls := program()) is not None:
                fds.append(_readable(calls, stack))
                command[1:1] = ["--seccomp", str(fds[0])]
            if group is not None:
                command = ["/bin/sh", "-c", JOIN, "sh", *group.joins, "--", *command]
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={"PATH": "/usr/bin:/bin"},
                    pass_fds=fds,
                    start_new_session=True,
                )
            except OSError as error:
                raise _none(f"bubblewrap could not be started ({error.strerror})") from None
            stack.callback(end, process)
            yield Started(process, group, HELPERS)

    def _group(self, limits: Limits, stack: contextlib.ExitStack) -> Group | None:
        if self.groups is None:
            return None
        try:
            group = self.groups.make(limits.memory, limits.processes + HELPERS)
        except OSError as error:
            raise _none(f"the control group could not be made ({error.strerror})") from None
        stack.callback(group.remove)
        return group

    def _arguments(self, limits: Limits) -> list[str]:
        """What bubblewrap is told."""
        spaces = ["pid", "net", "ipc", "uts", "cgroup-try"]
        told = [f"--unshare-{space}" for space in spaces]
        told += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
        if self.as_root:
            told += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        else:
            told += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
        for name, value in {**_environment(), **INSIDE_ONLY}.items():
            told += ["--setenv", name, value]
        return [*told, *_file_system(limits.output // 2)]

    def _tried(self) -> str:
        """What goes wrong when a runner is started; blank when nothing does."""
        try:
            with self.start(Limits()) as started:
                answers, says = started.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return f"nothing within {PATIENCE:g} s"
        except RunError as error:
            return error.message
        if b'"ready"' in answers:
            return ""
        return says.decode(errors="replace").strip()[-300:] or "nothing"


def _none(reason: str) -> RunError:
    return RunError(
        "E-SANDBOX",
        f"there is no sandbox: {reason}; grade on a Linux machine with bubblewrap, "
        "or `--unsandboxed`, which gives the code of others your own rights",
    )


def size(n_bytes: int) -> str:
    """Bytes in words.

    Examples
    --------
    >>> size(2**30), size(50_000_000)
    ('1 GiB', '50 MB')
    """
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("GB", 10**9), ("MB", 10**6)):
        if n_bytes >= factor and n_bytes % factor == 0:
            return f"{n_bytes // factor} {unit}"
    return f"{n_bytes / 10**6:.3g} MB"


# --- the runner --------------------------------------------------------------------------------


def runner_command(python: str, runner: str, told: Mapping[str, object]) -> list[str]:
    """How the runner is started: without any packages of the environment.

    Parameters
    ----------
    python : str
    runner : str
        Paths, as the new process sees them.
    told : mapping
        user, limits, packages (see `ddasp.homework.running.runner.main`).
    """
    return [python, "-I", "-S", "-B", "-X", "utf8", runner, json.dumps(told)]


def process_limits(limits: Limits) -> dict[str, int]:
    """Limits of each single process, for the runner to lower.

    Parameters
    ----------
    limits : Limits
    """
    return {
        "AS": limits.memory,
        "CPU": int(limits.seconds) + 2,
        "CORE": 1,  # bytes: with 0 the kernel still hands the core to a program of the machine
        "FSIZE": limits.output // 2,
        "NOFILE": 64,
    }


def _inside(user: int | None, limits: Limits) -> list[str]:
    lowered = {**process_limits(limits), "NPROC": limits.processes, "MEMLOCK": 0, "MSGQUEUE": 0}
    told = {"user": user, "limits": lowered, "packages": str(INSIDE / "packages")}
    return runner_command(_python(), str(INSIDE / "runner.py"), told)


def numpy_folder() -> Path:
    """The folder that NumPy is installed in."""
    found = importlib.util.find_spec("numpy")
    if found is None or not found.submodule_search_locations:
        raise RunError("E-SANDBOX", "NumPy is not installed as files; install it with pip")
    return Path(found.submodule_search_locations[0]).parent


def _python() -> str:
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _environment() -> dict[str, str]:
    """One thread is one processor: two graders on two cores don't get in each other's way."""
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = dict.fromkeys(threads, "1")
    base = Path(sys.base_prefix)
    if base not in (Path("/usr"), Path("/")):
        environment["LD_LIBRARY_PATH"] = str(base / "lib")
    return environment


# --- the file system ---------------------------------------------------------------------------


@functools.cache
def _file_system(most: int) -> tuple[str, ...]:
    """Read-only, and nothing in it but what Python and NumPy need; /work can be written to."""
    packages, told, seen = numpy_folder(), [], set[Path]()
    folders, masks = _libraries(), []
    for folder in folders:
        masks += [mask for place in PLACES for mask in _named(folder, place)]
    binds = [(folder, folder) for folder in folders]
    binds += [(Path(_python()), Path(_python())), (RUNNER, INSIDE / "runner.py")]
    for name in ("numpy", "numpy.libs"):
        if (packages / name).is_dir():
            binds.append((packages / name, INSIDE / "packages" / name))
    for source, target in binds:
        told += [*_parents(target, seen), "--ro-bind", str(source), str(target)]
    told += _links(folders, seen)
    for mask in masks:
        told += ["--perms", "0755", "--size", "4096", "--tmpfs", str(mask)]
        told += ["--remount-ro", str(mask)]
    told += _parents(Path("/dev/null"), seen)
    for device in ("null", "zero", "urandom"):
        told += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    told += [
        "--perms",
        "1777",
        "--size",
        str(most),
        "--tmpfs",
        "/work",
    ]
    if Path("/tmp") not in seen:  # a Python may live there
        told += ["--symlink", "work", "/tmp"]
    return (*told, "--remount-ro", "/", "--chdir", "/work")


def _libraries() -> list[Path]:
    """Python's library, and where the shared libraries lie that this process has loaded."""
    importlib.import_module("numpy")  # what it needs is loaded with it
    base = Path(sys.base_prefix).resolve()
    here = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}  # not the environment's
    found = {Path(sysconfig.get_path(name, vars=here)).resolve() for name in STDLIBS}
    if base not in (Path("/usr"), Path("/")):
        found.add(base / "lib")
    for line in Path("/proc/self/maps").read_text().splitlines():
        name = line[line.find("/") :] if "/" in line else ""
        if name.startswith(LIBRARIES) and ".so" in name:
            folder = Path(name).resolve().parent
            plain = ("python", "dist-packages", "site-packages")
            if not any(part.startswith(plain) for part in folder.parts):
                found.add(folder)
    return [one for one in sorted(found) if not any(other in one.parents for other in found)]


def _named(folder: Path, name: str) -> list[Path]:
    if folder.name == name:
        return [folder]
    return [found for deep in ("", "*/", "*/*/") for found in folder.glob(deep + name)]


def _links(folders: list[Path], seen: set[Path]) -> list[str]:
    """/lib64 and such, where they are links, and the loader that programs name in there."""
    told = []
    for link in sorted(Path("/").glob("lib*")):
        real = link.resolve()
        if link.is_symlink():
            told += ["--symlink", str(real).lstrip("/"), str(link)]
        shown = any(folder == real or folder in real.parents for folder in folders)
        for loader in () if shown else real.glob("ld-*.so*"):
            if loader.is_symlink():
                told += [*_parents(loader, seen), "--symlink", str(loader.resolve()), str(loader)]
    return told


def _parents(path: Path, seen: set[Path]) -> list[str]:
    """Folders above a path; bubblewrap's own would be closed to the user in there."""
    told = []
    for parent in reversed(path.parents):
        if parent not in seen and parent != Path("/"):
            seen.add(parent)
            told += ["--perms", "0755", "--dir", str(parent)]
    return told


def _readable(data: bytes, stack: contextlib.ExitStack) -> int:
    """A descriptor that the data can be read from."""
    reading, writing = os.pipe()
    stack.callback(os.close, reading)
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(data)
    return reading


# --- users -------------------------------------------------------------------------------------

_lock = threading.Lock()
_taken: set[int] = set()


@contextlib.contextmanager
def _a_user() -> Iterator[int]:
    """The number of a user that nobody else is, so that processes are counted for each sandbox."""
    with _lock:
        n = next(n for n in range(256) if n not in _taken)
        _taken.add(n)
    try:
        yield _numbered(Path("/proc/self/uid_map").read_text(), os.getpid() * 256 + n)
    finally:
        with _lock:
            _taken.discard(n)


def _numbered(uid_map: str, n: int) -> int:
    """A user of a range that no machine gives away; of the upper end where there are few."""
    highest = max(
        int(first) + int(length) for first, _, length in map(str.split, uid_map.splitlines())
    )
    if highest > 2**31:
        return 2**30 + n % 2**30
    return highest - 2 - n % min(4096, highest // 2)
