"""Memory and processes of a whole tree, limited by the kernel: control groups.

A limit of one process does not hold for what it forks; a control group counts the tree, shared and
temporary memory included. It needs a folder of the kernel's that may be written to: as root nearly
always, as a user where systemd delegates one.

*Conventions*: bytes; a group's name holds the process that made it, ``ddasp-<pid>-<n>``, so that those
of a killed one are known and removed; one whose number has come round again passes over what is there.
Version 1 has one tree of folders for each controller, version 2 has one for all, in which only folders
without processes of their own have children with controllers.

*References*: cgroups(7); Linux, Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ControlGroups", "Group"]

_numbers = itertools.count()
PREFIX = "ddasp-"


@dataclass(frozen=True)
class Group:
    """One tree's own group.

    Parameters
    ----------
    folders : tuple of Path
        Where the kernel shows it: one for each controller, or one.
    """

    folders: tuple[Path, ...]

    @property
    def joins(self) -> list[str]:
        """Files into which a process writes its number to belong to it."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def ran_out(self) -> bool:
        """Whether the kernel killed in it for want of memory."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError, ValueError):
                    counts = dict(line.split() for line in (folder / name).read_text().splitlines())
                    if int(counts.get("oom_kill", "0")) > 0:
                        return True
        return False

    def kill(self) -> None:
        """Kill all that is in it."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                if (folder / "cgroup.kill").exists():
                    (folder / "cgroup.kill").write_text("1")
                    continue
                for pid in (folder / "cgroup.procs").read_text().split():
                    with contextlib.suppress(OSError):
                        os.kill(int(pid), 9)

    def remove(self, patience: float = 3.0) -> None:
        """Kill what is left in it and take it away.

        Parameters
        ----------
        patience : float
            Seconds; a group stays while a process in it has not ended.
        """
        until = time.monotonic() + patience
        for folder in self.folders:
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError:
                    if time.monotonic() > until:
                        break  # the next one that looks for groups removes it
                    self.kill()
                    time.sleep(0.005)


@dataclass(frozen=True)
class ControlGroups:
    """Folders in which groups can be made.

    Parameters
    ----------
    version : int
        1 or 2.
    folders : tuple of Path
        For memory and for processes; one for both in version 2.
    """

    version: int
    folders: tuple[Path, ...]

    @classmethod
    def find(cls, process: Path = Path("/proc/self")) -> ControlGroups | None:
        """Where this process may make groups; None where it may not.

        Parameters
        ----------
        process : Path
            Its folder in /proc.
        """
        try:
            mounts = (process / "mountinfo").read_text().splitlines()
            own = (process / "cgroup").read_text().splitlines()
        except OSError:
            return None
        for found in (_version_2(mounts, own), _version_1(mounts, own)):
            if found is not None and found._works():
                found.tidy()
                return found
        return None

    def make(self, memory: int, processes: int) -> Group:
        """A group with these limits.

        Parameters
        ----------
        memory : int
            Of the whole tree [bytes]; there is no swap beside it.
        processes : int
            And threads, together.

        Raises
        ------
        OSError
            When the kernel refuses.
        """
        names = (f"{PREFIX}{os.getpid()}-{n}" for n in _numbers)
        name = next(n for n in names if not any((folder / n).exists() for folder in self.folders))
        group = Group(tuple(folder / name for folder in self.folders))
        try:
            for folder in group.folders:
                folder.mkdir()
            for controller, limits in self._limits(memory, processes).items():
                folder = group.folders[-1 if controller == "pids" else 0]
                for file, value, needed in limits:
                    with contextlib.suppress(*(() if needed else (OSError,))):
                        (folder / file).write_text(str(value))
        except OSError:
            group.remove()
            raise
        return group

    def _limits(self, memory: int, processes: int) -> dict[str, list[tuple[str, int, bool]]]:
        """By controller: file, value, whether there is no group without it."""
        pids = [("pids.max", processes, True)]
        if self.version == 2:
            rest = [("memory.swap.max", 0, False), ("memory.oom.group", 1, False)]
            return {"memory": [("memory.max", memory, True), *rest], "pids": pids}
        both = ("memory.memsw.limit_in_bytes", memory, False)  # absent without accounting of swap
        return {"memory": [("memory.limit_in_bytes", memory, True), both], "pids": pids}

    def _works(self) -> bool:
        try:
            self.make(2**28, 64).remove()
        except OSError:
            return False
        return True

    def tidy(self) -> None:
        """Remove groups of processes that were killed before they could do it."""
        for folder in self.folders:
            for left in folder.glob(f"{PREFIX}*-*"):
                pid = left.name.removeprefix(PREFIX).partition("-")[0]
                if not Path("/proc", pid).exists():
                    Group((left,)).remove(patience=0.2)


def _folder(mounts: list[str], own: list[str], kind: str, controller: str) -> Path | None:
    """The folder of this process for a controller ("" in version 2)."""
    for line in mounts:
        left, _, right = line.partition(" - ")
        fields, (filesystem, _, options) = left.split(), right.split()
        if filesystem != kind or (controller and controller not in options.split(",")):
            continue
        for entry in own:
            _, controllers, path = entry.split(":", 2)
            if controllers == controller or controller in controllers.split(","):
                below = path.removeprefix(fields[3].rstrip("/")).lstrip("/")
                folder = Path(fields[4], below)
                return folder if folder.is_dir() else Path(fields[4])
    return None


def _version_1(mounts: list[str], own: list[str]) -> ControlGroups | None:
    folders = [_folder(mounts, own, "cgroup", controller) for controller in ("memory", "pids")]
    found = tuple(folder for folder in folders if folder is not None)
    return ControlGroups(1, found) if len(found) == 2 else None


def _version_2(mounts: list[str], own: list[str]) -> ControlGroups | None:
    """The nearest folder above that hands both controllers to its children."""
    folder = _folder(mounts, own, "cgroup2", "")
    while folder is not None and (folder / "cgroup.subtree_control").exists():
        if {"memory", "pids"} <= set((folder / "cgroup.subtree_control").read_text().split()):
            return ControlGroups(2, (folder,))
        folder = folder.parent
    return None
