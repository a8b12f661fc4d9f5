"""Hostile submissions as data: what they do, and what the grader may say of them.

Every one is finite by itself, so that a broken sandbox can't hurt the machine that tests it: at most 300
processes that sleep, 3 GiB in steps, 200 MB of text, 300 MB of files, and the only address is a port of
127.0.0.1 that the test listens on. `attack` gives "got through" when it did what it must not, "held" when
it was hindered.

The kit hands over the real modules: what holds here must not hang on the rules for imports.
"""

from __future__ import annotations

from dataclasses import dataclass

KIT = """
import importlib
import numpy as np
def real(name):
    return importlib.import_module(name)
os, sys, time, signal, ctypes = map(real, ("os", "sys", "time", "signal", "ctypes"))
def honest(x):
    return (x + x).tolist()
def tries(*attempts):
    for attempt in attempts:
        try:
            if attempt() is not False:
                return "got through"
        except (OSError, ImportError, MemoryError, RuntimeError, ValueError, AttributeError):
            pass
    return "held"
"""


@dataclass(frozen=True)
class Attack:
    """A hostile submission.

    Parameters
    ----------
    source : str
        Defines ``attack``; $FOLDER, $PORT and $SECRET stand for what the test put there.
    says : str
        Regular expression for what is said of the call; blank where it may come back with "held".
    """

    source: str
    says: str = ""


ENDLESS = "did not end within 1 s"
ENDED = "ended the process"

ATTACKS: dict[str, Attack] = {
    # --- time ---
    "loops for ever": Attack("def attack():\n    while True: pass", ENDLESS),
    "counts for ever inside C": Attack("def attack():\n    sum(range(10**13))", ENDLESS),
    "computes a number of ten million digits": Attack(
        "def attack():\n    len(str(10**10**7)) if 7**10**8 else 0",
        f"{ENDLESS}|MemoryError",
    ),
    "ignores every signal": Attack(
        """
def attack():
    for number in range(1, 65):
        try: signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError): pass
    until = time.time() + 30
    while time.time() < until:
        try: time.sleep(1)
        except BaseException: pass
""",
        ENDLESS,
    ),
    "stops itself": Attack("def attack():\n    os.kill(os.getpid(), signal.SIGSTOP)", ENDLESS),
    "catches everything that would end it": Attack(
        """
def attack():
    until = time.time() + 30
    while time.time() < until:
        try:
            while time.time() < until: pass
        except BaseException: pass
""",
        ENDLESS,
    ),
    # --- processes ---
    "forks three hundred": Attack(
        """
def attack():
    for _ in range(300):
        try: child = os.fork()
        except OSError: return "held"
        if child == 0:
            time.sleep(20)
            os._exit(0)
    return "got through"
""",
    ),
    "forks in every child": Attack(
        """
def attack():
    for _ in range(8):
        try: os.fork()
        except OSError: break
    time.sleep(5)
""",
        f"{ENDLESS}|more than 16 processes|{ENDED}",
    ),
    "starts three hundred threads": Attack(
        """
def attack():
    threading = real("threading")
    def start():
        for _ in range(300):
            threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
    return tries(start)
""",
    ),
    "becomes a daemon": Attack(
        """
def attack():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for fd in range(3): os.close(fd)
            time.sleep(60)
        os._exit(0)
    return "held"
""",
    ),
    "leaves a program in the background": Attack(
        """
def attack():
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"])
    time.sleep(0.2)
    return "held"
""",
    ),
    "answers twice, from a fork": Attack("def attack():\n    os.fork()\n    return 'held'"),
    # --- memory ---
    "takes memory in one process": Attack(
        """
def attack():
    kept = []
    def take():
        for _ in range(60):
            kept.append(np.ones(50_000_000 // 8))
    return tries(take)
""",
    ),
    "takes memory in many children": Attack(
        """
def attack():
    for _ in range(10):
        if os.fork() == 0:
            kept = bytearray(100_000_000)
            time.sleep(20)
            os._exit(0)
    time.sleep(3)
    return "got through"
""",
        "used more than 300 MB of memory|did not end",
    ),
    "takes shared memory": Attack(
        """
def attack():
    mmap = real("mmap")
    kept = []
    def take():
        for _ in range(60):
            block = mmap.mmap(-1, 50_000_000)
            block.write(b"x" * 50_000_000)
            kept.append(block)
    return tries(take)
""",
    ),
    "takes memory in files without names": Attack(
        """
def attack():
    def take():
        for i in range(60):
            fd = os.memfd_create(f"m{i}")
            for _ in range(50): os.write(fd, bytes(1_000_000))
    def older():
        libc = ctypes.CDLL(None, use_errno=True)
        return libc.shmget(0, 50_000_000, 0o1600) != -1
    def device():
        with open("/dev/shm/x", "wb") as file: file.write(b"x")
    return tries(take, older, device)
""",
    ),
    "opens ten thousand files": Attack(
        """
def attack():
    kept = []
    def take():
        for i in range(10_000): kept.append(open("data.csv"))
    return tries(take)
""",
    ),
    # --- output ---
    "prints two hundred megabytes": Attack(
        "def attack():\n    for _ in range(200): print('x' * 1_000_000)",
        "printed more than 1 MB",
    ),
    "writes two hundred megabytes past print": Attack(
        """
def attack():
    for _ in range(2000):
        for fd in (1, 2): os.write(fd, b"x" * 50_000)
""",
        "printed more than 1 MB",
    ),
    "fills the working folder": Attack(
        """
def attack():
    def fill():
        for i in range(300):
            with open(f"{i}", "wb") as file: file.write(bytes(1_000_000))
    def one():
        with open("one", "wb") as file:
            for i in range(300): file.write(bytes(1_000_000))
    return tries(fill, one)
""",
    ),
    "makes a hundred thousand files": Attack(
        """
def attack():
    for i in range(100_000): open(f"{i}", "w").close()
    return "got through"
""",
        "made more than 10,000 files|did not end",
    ),
    "steers the terminal": Attack(
        "def attack():\n    print('\\x1b]0;gone\\x07\\x1b[2J\\u202e')\n    return 'held'"
    ),
    # --- files ---
    "writes outside": Attack(
        """
def attack():
    def put(folder):
        def attempt():
            with open(folder + "/left_behind", "w") as file: file.write("x")
        return attempt
    places = ("$FOLDER", "/", "/usr", "/usr/lib", "/lib64", "/sandbox", "/sandbox/packages/numpy",
              "/etc", "/root", "/home", "/dev", "/dev/shm", "/proc", "/sys/fs/cgroup", "/var/tmp", "/run",
              sys.prefix, os.path.dirname(os.__file__), os.path.dirname(os.__file__) + "/site-packages")
    return tries(*map(put, places))
""",
    ),
    "reads what is not its own": Attack(
        """
def attack():
    def get(path):
        return lambda: open(path, "rb").read(1) and None
    def listing(path):
        return lambda: bool(os.listdir(path))
    files = ("$FOLDER/secret.txt", "/etc/passwd", "/etc/shadow", "/etc/hostname", "/proc/1/environ",
             "/proc/self/mem", "/proc/self/mountinfo", "$PACKAGE/__init__.py", "$PACKAGE/homework/parts.py")
    folders = ("$FOLDER", "$PACKAGE", "/home", "/etc", "/proc", "/sys", "/usr/bin", "/mnt",
               os.path.dirname(os.__file__) + "/site-packages")
    return tries(*map(get, files), *map(listing, folders))
""",
    ),
    "reads the environment": Attack(
        """
def attack():
    seen = repr(dict(os.environ)) + repr(sys.argv) + repr(os.getcwd())
    try: seen += open("/proc/self/environ").read()
    except OSError: pass
    return "got through" if "$SECRET" in seen or "$FOLDER" in seen else "held"
""",
    ),
    "follows a link that leads out": Attack(
        """
def attack():
    os.symlink("$FOLDER/secret.txt", "inner")
    os.symlink("/", "root")
    return tries(lambda: open("inner").read(), lambda: open("root$FOLDER/secret.txt").read(),
                 lambda: open("../" * 20 + "$FOLDER/secret.txt").read())
""",
    ),
    "deletes whatever it can": Attack(
        """
def attack():
    shutil = real("shutil")
    for folder in ("$FOLDER", "/work", "/sandbox", "/usr", "/dev", os.path.dirname(os.__file__)):
        shutil.rmtree(folder, ignore_errors=True)
    return "held"
""",
    ),
    "writes to devices": Attack(
        """
def attack():
    def write(name):
        return lambda: os.write(os.open("/dev/" + name, os.O_WRONLY), b"")
    def make():
        os.mknod("disk", 0o60666, os.makedev(254, 0))
    names = ("mem", "kmsg", "sda", "vda", "loop0", "tty", "console", "ptmx", "fuse", "kvm")
    return tries(make, *map(write, names))
""",
    ),
    # --- rights ---
    "kills the others": Attack(
        """
def attack():
    def kill(pid, number):
        return lambda: os.kill(pid, number)
    return tries(*(kill(pid, number) for pid in (1, os.getppid(), $PID) for number in (0, 9)))
""",
    ),
    "kills all it can": Attack(
        "def attack():\n    tries(lambda: os.kill(-1, 9))\n    os.kill(os.getpid(), 9)", ENDED
    ),
    "sends a signal to its group": Attack("def attack():\n    os.killpg(0, 9)", ENDED),
    "becomes root": Attack(
        """
def attack():
    def back(): os.setresuid(0, 0, 0)
    return tries(back, lambda: os.setuid(0), lambda: os.seteuid(0), lambda: os.setgid(0),
                 lambda: os.setgroups([0]), lambda: os.chroot("/"), lambda: os.nice(-5),
                 lambda: os.chown("data.csv", 0, 0))
""",
    ),
    "asks the kernel for name spaces": Attack(
        """
def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    def call(name, *arguments):
        return lambda: getattr(libc, name)(*arguments) != -1
    flags = (0x10000000, 0x00020000, 0x40000000, 0x20000000)
    def cloned():
        pid = libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)
        if pid == 0: os._exit(0)
        return pid != -1
    return tries(*(call("unshare", flag) for flag in flags), cloned, call("ptrace", 0, 0, 0, 0),
                 call("mount", b"none", b"/work", b"tmpfs", 0, None), call("umount2", b"/work", 2),
                 call("syscall", 321, 0, 0, 0), call("syscall", 425, 8, 0), call("setns", 0, 0))
""",
    ),
    "raises its own limits": Attack(
        """
def attack():
    resource = real("resource")
    kinds = ("AS", "NPROC", "FSIZE", "NOFILE", "CORE", "CPU")
    def lift(kind):
        kind = getattr(resource, "RLIMIT_" + kind)
        low, high = resource.getrlimit(kind)
        return lambda: resource.setrlimit(kind, (high + 1, high + 1))
    return tries(*map(lift, kinds))
""",
    ),
    "makes a program that runs as its owner": Attack(
        """
def attack():
    real("shutil").copy(sys.executable, "python")
    os.chmod("python", 0o6755)
    if os.fork() == 0:
        os.execv("./python", ["./python", "-I", "-S", "-c", "import os; os.setuid(0); os._exit(7)"])
    return "got through" if os.waitstatus_to_exitcode(os.wait()[1]) == 7 else "held"
""",
    ),
    # --- network ---
    "calls a server": Attack(
        """
def attack():
    socket = real("socket")
    there = ("127.0.0.1", $PORT)
    def made(*kind):
        return lambda: socket.socket(*kind)
    return tries(lambda: socket.create_connection(there, 0.5),
                 lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", there),
                 made(socket.AF_UNIX), made(38), made(40), socket.socketpair)
""",
    ),
    "waits for a caller": Attack(
        """
def attack():
    socket = real("socket")
    return tries(lambda: socket.create_server(("127.0.0.1", 0)))
""",
    ),
    # --- the interpreter ---
    "ends the program": Attack(
        "def attack():\n    sys.exit(0)", "SystemExit: it ended the program"
    ),
    "ends the program at once": Attack("def attack():\n    os._exit(0)", ENDED),
    "aborts": Attack("def attack():\n    os.abort()", "it crashed: signal 6"),
    "raises what nobody catches": Attack(
        "def attack():\n    raise KeyboardInterrupt", "KeyboardInterrupt"
    ),
    "raises an error that can't be shown": Attack(
        """
class Nasty(BaseException):
    def __str__(self): raise SystemExit
    __repr__ = __str__
def attack():
    raise Nasty
""",
        "Nasty",
    ),
    "recurses until it crashes": Attack(
        """
def attack():
    sys.setrecursionlimit(10**9)
    def deeper(x): return deeper([x]) if repr else 0
    value = deeper(0)
""",
        f"{ENDED}|MemoryError|RecursionError|{ENDLESS}",
    ),
    "reads memory at zero": Attack(
        "def attack():\n    ctypes.string_at(0)", "it crashed: signal 11"
    ),
    "gives everything a new meaning": Attack(
        """
def attack():
    builtins, json = real("builtins"), real("json")
    np.array = np.ndarray = np.asarray = lambda *a, **k: "got through"
    real("numpy").allclose = lambda *a, **k: True
    for name in ("isinstance", "type", "len", "callable", "str", "int"):
        setattr(builtins, name, lambda *a, **k: True)
    json.dumps = lambda *a, **k: '{"status": "value", "value": "got through"}'
    json.loads = lambda *a, **k: {}
    return "held"
""",
        "|".join((ENDED, "answer", "held")),
    ),
    "takes the streams away": Attack(
        """
def attack():
    sys.stdout = sys.stderr = sys.__stdout__ = None
    sys.modules["json"] = None
    sys.modules.clear()
    return "held"
""",
    ),
    # --- what it gives back ---
    "closes all descriptors": Attack(
        "def attack():\n    os.closerange(0, 64)\n    time.sleep(20)",
        ENDLESS,  # bubblewrap holds the other end as well
    ),
    "answers for calls that come later": Attack(
        """
def attack():
    line = b'{"call": 1, "status": "value", "value": "got through", "says": ""}\\n'
    for fd in range(3, 64):
        try: os.write(fd, line)
        except OSError: pass
    return "held"
""",
        "wrote to the channel for answers itself",
    ),
    # What comes in time for a call of the same submission is its answer, however it came; it is judged.
    "answers late, from a thread": Attack(
        """
def attack():
    line = b'{"call": 1, "status": "value", "value": "of my own", "says": ""}\\n'
    def later():
        for fd in range(3, 64):
            try: os.write(fd, line * 20)
            except OSError: pass
    real("threading").Timer(0.0001, later).start()
    return "held"
""",
        "held|wrote to the channel for answers itself",
    ),
    "answers with an endless line": Attack(
        """
def attack():
    for fd in range(3, 64):
        try:
            for _ in range(20): os.write(fd, b"x" * 1_000_000)
        except OSError: pass
""",
        "closed the channel for its answers|ended the process",
    ),
    **{
        f"answers with {what}": Attack(
            f"""
def attack():
    for fd in range(3, 64):
        try: os.write(fd, {line})
        except OSError: pass
    time.sleep(20)
""",
            "can't be read|answers itself|more than can be read",
        )
        for what, line in {
            "lists in lists": "b'[' * 60_000 + b']' * 60_000 + b'\\n'",
            "nonsense": "bytes(range(256)) + b'\\n'",
            "a number without end": (
                'b\'{"call": 0, "status": "value", "says": "", "value": \' + b"9" * 50_000 + b"}\\n"'
            ),
            "a status of its own": 'b\'{"call": 0, "status": "right", "value": 1, "says": ""}\\n\'',
            "no words": 'b\'{"call": 0, "status": "value", "value": 1, "says": {"a": 1}}\\n\'',
            "a list": "b'[1, 2, 3]\\n'",
            "a number of its own": 'b\'{"call": [0], "status": "value", "value": 1, "says": ""}\\n\'',
        }.items()
    },
    "gives lists inside lists": Attack(
        """
def attack():
    value = []
    for _ in range(100_000): value = [value]
    return value
""",
        "more than 32 deep",
    ),
    "gives a list that holds itself": Attack(
        "def attack():\n    value = []\n    value.append(value)\n    return value",
        "more than 32 deep",
    ),
    "gives a billion numbers": Attack(
        """
def attack():
    value = [0] * 1000
    for _ in range(3): value = [value] * 1000
    return value
""",
        "more than 1,000,000 numbers",
    ),
    "gives an array without end": Attack(
        "def attack():\n    return np.broadcast_to(1.0, (10**6, 10**6))",
        "an array of 1,000,000,000,000 numbers",
    ),
    "gives a text of twenty megabytes": Attack(
        "def attack():\n    return 'x' * 20_000_000", "more than 8 MB|MemoryError"
    ),
    "gives a number of ten thousand digits": Attack(
        "def attack():\n    return 10**10_000", "a whole number of more than"
    ),
    "gives an object that acts": Attack(
        """
class Evil(dict):
    def __array__(self, *a, **k): os._exit(3)
    __iter__ = __eq__ = __len__ = __getitem__ = items = __repr__ = __hash__ = __array__
    tolist = item = __index__ = __float__ = __array__
def attack():
    return [Evil()]
""",
        "it gave Evil; expected numbers",
    ),
    "gives a number that acts": Attack(
        """
class Evil(int):
    def bit_length(self): os._exit(3)
    __index__ = __int__ = __str__ = __repr__ = __eq__ = bit_length
def attack():
    return Evil(3)
""",
        "it gave Evil; expected numbers",
    ),
    "gives a generator without end": Attack(
        "def attack():\n    return real('itertools').count()", "it gave count; expected numbers"
    ),
    "gives halves of characters": Attack(r"def attack():" + "\n    return 'held\\ud800'[:4]"),
    # --- the rules ---
    "loads what is not there": Attack(
        """
def attack():
    def load(name):
        def attempt(): real(name)
        return attempt
    sys.path += ["$SITE", "/usr/lib/python3/dist-packages", "/usr/local/lib/python3.11/dist-packages"]
    return tries(*map(load, ("ddasp", "scipy", "scipy.linalg", "torch", "tensorflow", "jax", "sklearn")))
""",
    ),
    "runs a program of the machine": Attack(
        """
def attack():
    def run(path):
        return lambda: os.posix_spawn(path, [path, "-c", "true"], {})
    libc = ctypes.CDLL(None)
    return tries(lambda: libc.system(b"exit 0") == 0,
                 *map(run, ("/bin/sh", "/usr/bin/sh", "/bin/bash", "/usr/bin/env", "/usr/bin/bwrap")))
""",
    ),
}

# Ways around the rules for imports, with nothing allowed but NumPy; `attack` gives "got through" when it
# holds the module.
TRICKS: dict[str, str] = {
    "import os": "import os",
    "from": "from os import system",
    "__import__": "__import__('os')",
    "importlib": "import importlib; importlib.import_module('os')",
    "sys.modules": "import sys; sys.modules['os']",
    "builtins": "import builtins; builtins.__import__('os')",
    "NumPy's own": "np.os",
    "a private name of NumPy": "np._core",
    "a submodule of NumPy": "np.lib.npyio.os",
    "testing of NumPy": "np.testing.sys",
    "eval": "eval('__import__(\"os\")')",
    "exec": "exec('import os')",
    "compile": "compile('1', 'a', 'eval')",
    "a name that is refused": "np.linalg.svd(np.eye(2))",
    "the same by from": "from numpy.linalg import svd; svd(np.eye(2))",
    "the same by alias": "import numpy.linalg as la; la.svd(np.eye(2))",
    "the same by a star": "getattr(np.linalg, 'sv' + 'd')(np.eye(2))",
    "a module that is refused": "np.ma.array([1])",
    "a module that is refused, imported": "import numpy.ma",
    "a relative import": "from . import os",
}
