"""Calls to the kernel that homework never needs, refused by the kernel itself: a seccomp filter.

Beside the name spaces: a process without rights can still make name spaces of its own, in which it is
root, and reach old corners of the kernel from there; memory in files without a name is counted by no
watcher; and sockets of some families know no name space. None of it is needed to compute.

*Conventions*: a filter is a program of classic BPF, 8 bytes an instruction; numbers of calls are those of
the machine. What is refused fails with EPERM, `clone3` with ENOSYS, so that the C library takes `clone`,
whose flags can be seen.

*References*: seccomp(2); Linux, Documentation/userspace-api/seccomp_filter.rst; asm/unistd_64.h,
asm-generic/unistd.h.
"""

from __future__ import annotations

import errno
import platform
import struct

__all__ = ["REFUSED", "program"]

# call: number on x86_64, number on aarch64
REFUSED: dict[str, tuple[int, int]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_setup": (206, 0),  # one number of events for the whole machine
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setns": (308, 268),
    "shmat": (30, 196),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
CLONE, CLONE3 = (56, 220), 435
# mount, cgroup, uts, ipc, user, pid, net: CLONE_NEW... of linux/sched.h
NEW_NAME_SPACES = 0x0002_0000 | 0x0200_0000 | 0x7C00_0000
MACHINES = {"x86_64": (0, 0xC000_003E), "aarch64": (1, 0xC000_00B7)}  # AUDIT_ARCH_...
X32 = 0x4000_0000  # calls of a second table of x86

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, FAIL = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, little end first


def program(machine: str | None = None) -> bytes | None:
    """The filter for a machine, None for one whose numbers are not known here.

    Parameters
    ----------
    machine : str, optional
        As the kernel calls it, "x86_64"; this one's by default.

    Examples
    --------
    >>> len(program("x86_64")) % 8, program("a machine of tomorrow")
    (0, None)
    """
    column, architecture = MACHINES.get(machine or platform.machine(), (0, 0))
    if not architecture:
        return None
    numbers = sorted(known[column] for known in REFUSED.values())
    last = (
        len(numbers) + 1
    )  # jumps are counted from the next step; "allow" is step 7 + len(numbers)
    steps = [
        (LOAD, 0, 0, MACHINE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, last + 6, 0, X32),
        (EQUAL, last + 5, 0, CLONE3),
        (EQUAL, last, 0, CLONE[column]),
    ]
    for i, number in enumerate(numbers):
        steps.append((EQUAL, last - i + 2, 0, number))
    steps += [
        (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (ANY_BIT, 1, 0, NEW_NAME_SPACES),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, FAIL | errno.EPERM),
        (RETURN, 0, 0, FAIL | errno.ENOSYS),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)
