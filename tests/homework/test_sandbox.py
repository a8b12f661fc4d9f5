"""The sandbox: what holds in it, where it is found, and that nothing of it stays."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import ddasp
from ddasp._errors import RunError
from ddasp.homework.parts import Call
from ddasp.homework.reading.sources import Cell
from ddasp.homework.running import control_groups, system_calls
from ddasp.homework.running import sandbox as module
from ddasp.homework.running.control_groups import ControlGroups, Group
from ddasp.homework.running.execution import Execution, execute
from ddasp.homework.running.process_tree import descendants
from ddasp.homework.running.sandbox import Limits, Sandbox

SMALL = Limits(seconds=4.0, memory=300_000_000, output=2_000_000, processes=16)
KIT = "import importlib\nos, sys, time = map(importlib.import_module, ('os', 'sys', 'time'))\n"


def run(sandbox: Sandbox | None, source: str, *calls: Call, limits: Limits = SMALL) -> Execution:
    return execute(
        [Cell("cell 1", KIT + source)],
        calls,
        files={"data.csv": "1,2\n"},
        allowed=("math", "importlib", "numpy"),
        refused=(),
        limits=limits,
        sandbox=sandbox,
    )


def status_of(pid: int) -> dict[str, str]:
    lines = Path("/proc", str(pid), "status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


# --- honest work ---


@pytest.mark.sandbox
def test_honest_work_gives_in_the_sandbox_what_it_gives_outside(sandbox: Sandbox) -> None:
    source = """
import math
import numpy as np
from fractions import Fraction
data = np.loadtxt("data.csv", delimiter=",")
print("loaded", data)
def f(A):
    U, s, Vt = np.linalg.svd(A)
    rng = np.random.default_rng(3)
    return {"s": s, "rank": np.linalg.matrix_rank(A), "x": np.linalg.solve(A @ A.T, rng.normal(size=3))}
def g(): return [math.pi, data.tolist()]
"""
    source = source.replace("from fractions import Fraction\n", "")
    calls = (Call("f", (np.array([[2.0, 1, 0], [1, 3, 1], [0, 1, 4]]),)), Call("g"))
    inside, outside = run(sandbox, source, *calls), run(None, source, *calls)
    assert inside.outcomes == outside.outcomes
    assert [outcome.status for outcome in inside.outcomes] == ["value", "value"]
    assert inside.printed == outside.printed == "loaded [1. 2.]\n"
    assert inside.problems == ()


@pytest.mark.sandbox
def test_the_usual_limits_leave_room_for_honest_work(sandbox: Sandbox) -> None:
    source = """
import numpy as np
def f():
    A = np.random.default_rng(0).normal(size=(3000, 1500))
    return np.linalg.qr(A.T @ A)[0].shape
"""
    done = run(sandbox, source, Call("f", (), 30.0), limits=Limits())
    assert done.outcomes[0].value == [1500, 1500], done


# --- what holds ---


@pytest.mark.sandbox
def test_inside_is_a_user_without_rights_even_when_the_grader_is_root(sandbox: Sandbox) -> None:
    with sandbox.start(SMALL) as started:
        process = started.process
        assert process.stdout is not None
        assert b"ready" in process.stdout.readline()
        family = descendants(process.pid)
        runner = family[started.helpers]
        status = status_of(runner)
        assert [status[f"Cap{kind}"] for kind in ("Prm", "Eff", "Amb")] == [f"{0:016x}"] * 3
        assert status["NoNewPrivs"] == "1"  # so that no program file gives any back
        assert status["Seccomp"] == "2"
        assert status["Groups"].split() in ([], ["65534"])
        users = {int(user) for user in status["Uid"].split()}
        assert 0 not in users
        assert len(users) == 1
        assert len(os.listdir(f"/proc/{runner}/fd")) == 5  # 0, 1, 2 and the two channels
        spaces = {
            kind: os.readlink(f"/proc/{runner}/ns/{kind}")
            for kind in ("pid", "net", "ipc", "mnt", "uts")
        }
        assert all(space != os.readlink(f"/proc/self/ns/{kind}") for kind, space in spaces.items())
        limits = Path("/proc", str(runner), "limits").read_text()
        for name, most in {"processes": 16, "open files": 64, "address space": 300_000_000}.items():
            assert f"{most}" in next(line for line in limits.splitlines() if f"Max {name}" in line)
    assert not Path("/proc", str(process.pid)).exists()


@pytest.mark.sandbox
def test_inside_there_is_nothing_of_this_machine(sandbox: Sandbox) -> None:
    source = """
def f(): return [sorted(os.listdir("/")), sorted(os.listdir("/dev")), sorted(os.listdir("/work")),
                 sorted(os.listdir("/sandbox")), sorted(set(os.listdir("/sandbox/packages"))),
                 [d for d, *inner in os.walk("/") if d.endswith("-packages") and any(inner)],
                 os.getpid(), os.getppid(), os.getcwd(), os.uname().nodename == "$NODE"]
"""
    done = run(sandbox, source, Call("f"))
    root, dev, work, own, packages, full, pid, parent, folder, _ = done.outcomes[0].value
    first = {part.parts[1] for part in (Path(module._python()), *module._libraries())}
    assert (
        set(root)
        <= {"dev", "lib", "lib32", "lib64", "libx32", "sandbox", "tmp", "usr", "work"} | first
    )
    assert (dev, work, own) == (
        ["null", "urandom", "zero"],
        ["data.csv"],
        ["packages", "runner.py"],
    )
    assert set(packages) <= {"numpy", "numpy.libs"}
    assert (full, pid, parent, folder) == ([], 2, 1, "/work")


@pytest.mark.sandbox
def test_each_sandbox_has_a_user_and_a_folder_of_its_own(sandbox: Sandbox) -> None:
    with sandbox.start(SMALL) as one, sandbox.start(SMALL) as other:
        users = set()
        for started in (one, other):
            assert started.process.stdout is not None
            started.process.stdout.readline()
            runner = descendants(started.process.pid)[started.helpers]
            users.add(status_of(runner)["Uid"].split()[0])
        assert len(users) == (2 if sandbox.as_root else 1)
    source = "def f():\n    open('left', 'w').close()\n    return os.listdir('.')"
    for _ in range(2):
        assert sorted(run(sandbox, source, Call("f")).outcomes[0].value) == ["data.csv", "left"]


@pytest.mark.sandbox
def test_the_report_says_which_limits_were_in_force(sandbox: Sandbox) -> None:
    words = " / ".join(run(sandbox, "").in_force)
    assert "an unprivileged user without capabilities" in words
    assert "memory of the tree: 300 MB, " in words
    assert ("control group" in words) == (sandbox.groups is not None)
    assert "watched" in words
    assert "processes and threads: 16" in words
    assert "no network" in words
    usual = " / ".join(sandbox.in_force)
    for part in (
        "60 s by the clock",
        "1 GiB",
        "64",
        "25 MB printed, 25 MB in at most 10,000 files",
    ):
        assert part in usual


# Without a control group the watcher alone must hold; so the group is left out here.
@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            "    for _ in range(10):\n        if os.fork() == 0:\n            x = bytearray(10**8)\n"
            "            time.sleep(20)\n            os._exit(0)\n    time.sleep(3)",
            "f used more than 300 MB of memory",
        ),
        (
            "    import importlib\n    m = importlib.import_module('mmap').mmap(-1, 6 * 10**7)\n"
            "    m.write(bytes(6 * 10**7))\n    for i in range(6):\n"
            "        if os.fork() == 0:\n            x = bytearray(6 * 10**7)\n            time.sleep(20)\n"
            "    time.sleep(3)",
            "f used more than 300 MB of memory",
        ),
        ("    for i in range(10**5): open(f'{i}', 'w').close()", "f made more than 10,000 files"),
        ("    os.memfd_create('x')", "PermissionError"),
        ("    return [os.fork() for _ in range(300) if True and time.sleep(0) is None]", "f "),
    ],
    ids=["children", "shared", "files", "memfd", "forks"],
)
def test_the_watcher_alone_holds_the_limits(sandbox: Sandbox, body: str, says: str) -> None:
    alone = Sandbox(sandbox.bubblewrap, None, sandbox.as_root)
    done = run(alone, f"def f():\n{body}\ndef g(): return 1", Call("f", (), 3.0), Call("g"))
    if says != "f ":
        assert says in done.outcomes[0].says, done
    else:
        assert done.outcomes[0].status == "failed", done
    assert done.outcomes[1].value == 1
    assert "memory of the tree: 300 MB, watched every 50 ms" in done.in_force


# --- nothing stays ---

ENDLESS = """
import sys
from ddasp.homework.running.execution import Limits, execute
from ddasp.homework.parts import Call
from ddasp.homework.running.sandbox import Sandbox
from ddasp.homework.reading.sources import Cell
sandbox = Sandbox.find()
print("found", flush=True)
try:
    execute([Cell("c", "import importlib\\nimportlib.import_module('os').fork()\\nwhile True: pass")], [],
            files={}, allowed=("importlib",), refused=(), limits=Limits(), sandbox=sandbox)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.sandbox
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_grader_that_is_ended_takes_the_sandbox_with_it(sandbox: Sandbox, number: int) -> None:
    grader = subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE)
    assert grader.stdout is not None
    assert grader.stdout.readline() == b"found\n"
    family: list[int] = []
    until = time.monotonic() + 20
    while (
        len(family) < 5 and time.monotonic() < until
    ):  # grader, bubblewrap twice, two of the student's
        family = descendants(grader.pid)
        time.sleep(0.01)
    assert len(family) == 5
    grader.send_signal(number)
    said = grader.stdout.read()
    grader.wait(20)
    grader.stdout.close()
    while any(is_alive(pid) for pid in family) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(is_alive(pid) for pid in family)
    assert said == (b"interrupted\n" if number == signal.SIGINT else b"")
    ControlGroups.find()  # what a killed one left is removed by the next
    left = [
        folder for folder, _, _ in os.walk("/sys/fs/cgroup") if f"ddasp-{grader.pid}-" in folder
    ]
    assert left == []


def is_alive(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


# --- where it is found ---


def test_elsewhere_than_on_linux_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(
        RunError, match=r"E-SANDBOX: .* this is darwin, and code is confined on Linux only"
    ):
        Sandbox.find()


def test_without_bubblewrap_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RunError, match=r"bubblewrap is not installed - `apt install bubblewrap`\?"):
        Sandbox.find()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /bin/sh and Linux")
def test_what_bubblewrap_says_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n"
    )
    fake.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(fake))
    with pytest.raises(
        RunError, match=r"bubblewrap says: bwrap: No permissions to create .* is this a container"
    ):
        Sandbox.find()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_a_bubblewrap_that_can_not_be_started_is_an_error_of_the_run(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match="bubblewrap could not be started"),
        Sandbox(str(tmp_path / "none"), None, True).start(SMALL),
    ):
        pass


@pytest.mark.sandbox
def test_a_group_that_can_not_be_made_is_an_error_of_the_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    gone = ControlGroups(1, (tmp_path / "gone", tmp_path / "gone"))
    with (
        pytest.raises(RunError, match="the control group could not be made"),
        Sandbox(sandbox.bubblewrap, gone, sandbox.as_root).start(SMALL),
    ):
        pass


AS_A_USER = """
import os
from ddasp.homework.running.execution import Limits, execute
from ddasp.homework.parts import Call
from ddasp.homework.running.sandbox import Sandbox
from ddasp.homework.reading.sources import Cell
assert os.getuid() == 65534
limits = Limits(8, 300_000_000, 2_000_000, 16)
source = '''
import importlib
os, time = map(importlib.import_module, ("os", "time"))
def who(): return [os.getuid(), os.getpid(), os.listdir("/work")]
def forks():
    for n in range(100):
        try: child = os.fork()
        except OSError: return n
        if child == 0:
            time.sleep(20)
            os._exit(0)
def memory():
    for _ in range(10):
        if os.fork() == 0:
            kept = bytearray(100_000_000)
            time.sleep(20)
            os._exit(0)
    time.sleep(4)
def reads(): return open("/etc/passwd").read()
def writes():
    done = []
    for folder in ("/", "/usr", "/sandbox", "/dev", os.path.dirname(os.__file__) + "/site-packages"):
        try: open(folder + "/left", "w").close()
        except OSError: continue
        done.append(folder)
    return done
'''
def run(*names):
    done = execute([Cell("c", source)], [Call(name, (), 3.0) for name in names], files={},
        allowed=("importlib",), refused=(), limits=limits, sandbox=Sandbox.find())
    return done.outcomes
who, forks = run("who", "forks")
assert who.value == [65534, 2, []], who
assert 8 <= forks.value <= 16, forks
memory, reads, after = run("memory", "reads", "who")
assert "used more than 300 MB" in memory.says, memory
assert "No such file" in reads.says, reads
assert after.value == who.value, after
assert run("writes")[0].value == []
print("held")
"""


@pytest.mark.sandbox
def test_it_holds_as_well_when_the_grader_is_a_user_without_rights(sandbox: Sandbox) -> None:
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        pytest.skip("needs root and setpriv, to become such a user")
    # Python may lie in a home that is closed to others; for this test it is shown to them.
    home = Path("/", Path(sys.base_prefix).parts[1])
    command = [sandbox.bubblewrap, "--dev-bind", "/", "/"]
    if home in (Path("/root"), Path("/home")):
        command += [
            "--perms",
            "0755",
            "--tmpfs",
            str(home),
            *module._parents(Path(sys.base_prefix), {home}),
        ]
        command += ["--ro-bind", sys.base_prefix, sys.base_prefix]
    user = [setpriv, "--reuid", "65534", "--regid", "65534", "--clear-groups", sys.executable]
    path = str(Path(ddasp.__file__).parents[1])
    environment = {"PYTHONPATH": path, "PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1"}
    ready = subprocess.run(
        [*command, *user, "-c", "import ddasp"], env=environment, capture_output=True, cwd="/"
    )
    if ready.returncode != 0:
        pytest.skip(f"another user can't read this installation: {ready.stderr.decode()[-200:]}")
    done = subprocess.run(
        [*command, *user, "-c", AS_A_USER], env=environment, capture_output=True, cwd="/", text=True
    )
    if "refuse name spaces" in done.stderr:
        pytest.skip("this kernel refuses name spaces to users")
    assert done.stdout == "held\n", done.stderr


@pytest.mark.sandbox
def test_what_calls_print_is_not_kept_where_it_could_show_hidden_inputs(sandbox: Sandbox) -> None:
    source = """
print("loaded " * 9_000)
def f(x):
    print("the input is", x)
    raise ValueError("a long story " * 90)
"""
    for place, most in ((sandbox, 200), (None, 500)):
        done = run(place, source + "raise ValueError(600 * 'g')", Call("f", (7,)), Call("f", (8,)))
        assert done.printed.startswith("loaded loaded")
        assert len(done.outcomes[0].says) == len(done.problems[0]) == most
    short = source.replace("9_000", "2")
    assert run(sandbox, short, Call("f", (7,))).printed == "loaded loaded \n"
    assert run(None, short, Call("f", (7,))).printed == "loaded loaded \nthe input is 7\n"


@pytest.mark.sandbox
def test_who_prints_without_end_while_the_cells_are_run_is_not_waited_for(sandbox: Sandbox) -> None:
    source = """
threading = importlib.import_module("threading")
def talk():
    while True:
        os.write(2, b"talk ")
os.write(2, b"talk ")
threading.Thread(target=talk, daemon=True).start()
def f(x): return os.write(2, b"the input is 7")
"""
    done = run(sandbox, source, Call("f", (7,), 3.0), limits=Limits(seconds=8.0))
    assert done.printed.startswith("talk ")
    assert "input" not in done.printed


@pytest.mark.sandbox
def test_nothing_of_the_grader_is_open_inside(sandbox: Sandbox, tmp_path: Path) -> None:
    source = """
def f():
    found = []
    for number in range(64):
        try: found.append([number, os.fstat(number).st_mode >> 12])
        except OSError: pass
    return found
"""
    with (tmp_path / "lock").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        done = run(sandbox, source, Call("f"))
    # null, and pipes: two for what is printed, one for orders, one for answers
    assert done.outcomes[0].value == [[0, 2], [1, 1], [2, 1], [3, 1], [4, 1]]


# --- users ---


def test_users_are_ones_that_nobody_is() -> None:
    everybody = "         0          0 4294967295\n"
    numbers = {
        module._numbered(everybody, pid * 256 + n) for pid in (1, 4_194_303) for n in range(256)
    }
    assert len(numbers) == 512
    assert min(numbers) >= 2**30
    assert max(numbers) < 2**31
    few = "0 100000 65536\n"  # a container of a user
    assert {module._numbered(few, n) for n in range(10_000)} == set(range(65534 - 4095, 65535))


def test_a_user_is_free_again_afterwards() -> None:
    with module._a_user() as one:
        with module._a_user() as other:
            assert one != other
        with module._a_user() as third:
            assert third == other


# --- calls to the kernel ---


def decide(filter_: bytes, machine: int, number: int, argument: int = 0) -> int:
    """What a filter says of a call: classic BPF, as far as it is used."""
    data = struct.pack("<IIQQ", number, machine, 0, argument)
    steps = list(struct.iter_unpack("<HBBI", filter_))
    at = value = 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        if code == 0x06:
            return int(k)
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, k)
        else:
            holds = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[code]
            at += yes if holds else no


@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
def test_the_filter_refuses_what_is_listed_and_nothing_else(machine: str, column: int) -> None:
    filter_ = system_calls.program(machine)
    assert filter_ is not None
    architecture = system_calls.MACHINES[machine][1]
    refused = {numbers[column] for numbers in system_calls.REFUSED.values()}
    assert len(refused) == len(system_calls.REFUSED)
    for number in range(600):
        expected = 0x7FFF0000
        if number in refused:
            expected = 0x00050001  # EPERM
        elif number == 435:
            expected = 0x00050026  # ENOSYS
        # A flag that asks for no name space must not matter; the argument is clone's first one.
        assert decide(filter_, architecture, number, 0x11) == expected, number
    clone = system_calls.CLONE[column]
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert decide(filter_, architecture, clone, flag | 0x11) == 0x00050001
    assert decide(filter_, architecture, clone, 0x01200011) == 0x7FFF0000  # fork
    assert decide(filter_, architecture, clone, 0x003D0F00) == 0x7FFF0000  # a thread
    assert decide(filter_, architecture, 0x40000000 + 1) == 0x00050026  # the second table
    assert decide(filter_, 0x40000003, 1) == 0x80000000  # another machine's calls


# --- control groups ---


def mounted(folder: Path, version: int, own: str = "/user/me") -> Path:
    """A /proc/self of a machine whose control groups lie in a folder."""
    process = folder / "proc"
    process.mkdir()
    if version == 1:
        kinds = ("memory", "pids")
        lines = [
            f"3{i} 31 0:3{i} / {folder}/{kind} rw - cgroup cgroup rw,{kind}"
            for i, kind in enumerate(kinds)
        ]
        entries = [f"{i}:{kind}:{own}" for i, kind in enumerate(kinds, 4)]
        for kind in kinds:
            (folder / kind / own.lstrip("/")).mkdir(parents=True)
    else:
        lines, entries = [f"30 23 0:26 / {folder}/all rw - cgroup2 cgroup2 rw"], [f"0::{own}"]
        (folder / "all" / own.lstrip("/")).mkdir(parents=True)
        for place in (folder / "all", folder / "all/user", folder / "all/user/me"):
            (place / "cgroup.subtree_control").write_text("")
    (process / "mountinfo").write_text(
        "23 1 8:1 / / rw - ext4 /dev/sda rw\n" + "\n".join(lines) + "\n"
    )
    (process / "cgroup").write_text("\n".join(entries) + "\n")
    return process


def plain_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let groups of ordinary folders be removed: the kernel's vanish with their files."""
    monkeypatch.setattr(Path, "rmdir", lambda self: shutil.rmtree(self))


def test_version_1_has_a_group_for_memory_and_one_for_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_folders(monkeypatch)
    found = ControlGroups.find(mounted(tmp_path, 1))
    assert found == ControlGroups(1, (tmp_path / "memory/user/me", tmp_path / "pids/user/me"))
    group = found.make(2**30, 66)
    memory, pids = group.folders
    assert memory.name.startswith(f"ddasp-{os.getpid()}-")
    assert (memory / "memory.limit_in_bytes").read_text() == str(2**30)
    assert (memory / "memory.memsw.limit_in_bytes").read_text() == str(2**30)
    assert (pids / "pids.max").read_text() == "66"
    assert group.joins == [str(memory / "cgroup.procs"), str(pids / "cgroup.procs")]
    group.remove()
    assert not memory.exists()
    assert not pids.exists()


def test_version_2_has_groups_where_a_folder_hands_the_controllers_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_folders(monkeypatch)
    process = mounted(tmp_path, 2)
    assert ControlGroups.find(process) is None
    (tmp_path / "all/cgroup.subtree_control").write_text("cpu memory pids\n")
    (tmp_path / "all/user/cgroup.subtree_control").write_text("memory pids\n")
    found = ControlGroups.find(process)
    assert found == ControlGroups(2, (tmp_path / "all/user",))
    group = found.make(2**20, 5)
    (folder,) = group.folders
    expected = {
        "memory.max": "1048576",
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "5",
    }
    assert {file.name: file.read_text() for file in folder.iterdir()} == expected


def test_without_a_folder_to_write_to_there_are_no_groups(tmp_path: Path) -> None:
    process = mounted(tmp_path, 1)
    shutil.rmtree(tmp_path / "pids")
    assert ControlGroups.find(process) is None
    assert ControlGroups.find(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", False),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", True),
        ("memory.events", "low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\n", False),
        ("memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\n", True),
        ("memory.events", "nonsense\n", False),
    ],
)
def test_whether_memory_ran_out_is_read_from_the_kernel(
    tmp_path: Path, name: str, text: str, expected: bool
) -> None:
    (tmp_path / name).write_text(text)
    assert Group((tmp_path,)).ran_out() is expected


def test_groups_of_processes_that_are_gone_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_folders(monkeypatch)
    for name in (
        "ddasp-4194305-0",
        f"ddasp-{os.getpid()}-7",
        "another",
    ):  # beyond the highest number
        (tmp_path / name).mkdir()
    ControlGroups(2, (tmp_path,)).tidy()
    assert sorted(folder.name for folder in tmp_path.iterdir()) == [
        "another",
        f"ddasp-{os.getpid()}-7",
    ]


def test_a_group_in_use_is_left_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr(control_groups.os, "kill", lambda pid, number: killed.append(pid))
    (tmp_path / "cgroup.procs").write_text("4194305\n")  # a folder with a file can't be removed
    Group((tmp_path,)).remove(patience=0.05)
    assert set(killed) == {4194305}
    assert tmp_path.exists()


def test_a_group_of_a_killed_grader_with_the_same_number_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_folders(monkeypatch)
    monkeypatch.setattr(control_groups, "_numbers", itertools.count(5))
    process = mounted(tmp_path, 1)
    for left in ("memory/user/me", "pids/user/me"):
        (tmp_path / left / f"ddasp-{os.getpid()}-5").mkdir()
    (tmp_path / "pids/user/me" / f"ddasp-{os.getpid()}-7").mkdir()
    found = ControlGroups.find(process)  # in a container numbers of processes come round soon
    assert found is not None
    assert found.make(2**30, 66).folders[0].name == f"ddasp-{os.getpid()}-8"


@pytest.mark.sandbox
def test_the_kernel_itself_holds_the_memory_of_the_tree(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sandbox.groups is None:
        pytest.skip("no control group can be made here")
    # The watcher looks away, so that only the group is left.
    monkeypatch.setattr("ddasp.homework.running.process_tree.memory", lambda pids, enough: 0)
    source = """
def f():
    for _ in range(10):
        if os.fork() == 0:
            x = bytearray(10**8)
            time.sleep(20)
            os._exit(0)
    time.sleep(3)
"""
    done = run(sandbox, source, Call("f", (), 3.0))
    assert done.outcomes[0].says == "f used more than 300 MB of memory"


def test_an_environment_in_the_temporary_folder_is_no_part_of_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a clone under /tmp: of the environment only NumPy is shown, and /tmp stays the work folder."""
    monkeypatch.setattr(module.sys, "prefix", "/tmp/clone/.venv")
    monkeypatch.setattr(module.sys, "exec_prefix", "/tmp/clone/.venv")
    real = module.sysconfig.get_path

    def as_in_a_clone(name: str, **said: dict[str, str]) -> str:
        there = {"base": "/tmp/clone/.venv", "platbase": "/tmp/clone/.venv"}
        return real(name, vars={**there, **said.get("vars", {})})

    monkeypatch.setattr(module.sysconfig, "get_path", as_in_a_clone)
    assert not [folder for folder in module._libraries() if "clone" in folder.parts]
    told = " ".join(module._file_system.__wrapped__(4096))  # not from the cache
    assert "clone" not in told
    assert "--symlink work /tmp" in told
