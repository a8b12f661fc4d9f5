"""Hostile submissions get nothing, harm nobody, and leave nothing behind."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import ddasp
from ddasp.homework.parts import Call, Outcome
from ddasp.homework.reading.sources import Cell
from ddasp.homework.running.execution import Execution, Limits, execute
from ddasp.homework.running.process_tree import descendants
from ddasp.homework.running.sandbox import Sandbox

from .hostile import ATTACKS, ENDLESS, KIT, TRICKS

pytestmark = pytest.mark.sandbox

SMALL = Limits(seconds=8.0, memory=300_000_000, output=2_000_000, processes=16)
SECRET = "not-for-you-7d2f"
HONEST = Call("honest", (np.array([1, 2]),), 3.0)


def run(sandbox: Sandbox | None, source: str, *calls: Call, limits: Limits = SMALL) -> Execution:
    return execute(
        [Cell("kit", KIT), Cell("cell 1", source)],
        calls,
        files={"data.csv": "1,2\n"},
        allowed=("importlib", "numpy"),
        refused=(),
        limits=limits,
        sandbox=sandbox,
    )


def digest(folder: Path) -> str:
    """Names, kinds, modes and contents of all that is in a folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        total.update(f"{path} {path.lstat().st_mode}".encode())
        if path.is_file():
            total.update(path.read_bytes())
    return total.hexdigest()


def groups() -> set[str]:
    """Control groups that this process has made."""
    mark = f"ddasp-{os.getpid()}-"
    mounted = Path("/sys/fs/cgroup")
    return {folder for folder, _, _ in os.walk(mounted) if Path(folder).name.startswith(mark)}


def processes_of_sandboxes() -> list[int]:
    """What still runs of sandboxes of this process, wherever it hangs in the tree by now."""
    users = range(2**30 + os.getpid() * 256, 2**30 + os.getpid() * 256 + 256)
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            owner, state = folder.stat().st_uid, (folder / "stat").read_text().rpartition(") ")[2]
            name = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        mine = owner in users or (b"bwrap" in name and int(folder.name) in descendants(os.getpid()))
        if mine and not state.startswith("Z"):
            left.append(int(folder.name))
    return left


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What an attack may aim at; afterwards it is what it was."""
    monkeypatch.setenv("DDASP_TEST_SECRET", SECRET)
    (tmp_path / "secret.txt").write_text(SECRET)
    (tmp_path / "secret.txt").chmod(0o666)
    tmp_path.chmod(0o777)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.0)
        before = digest(tmp_path)
        yield {
            "$FOLDER": str(tmp_path),
            "$PORT": str(server.getsockname()[1]),
            "$SECRET": SECRET,
            "$PACKAGE": str(Path(ddasp.__file__).parent),
            "$SITE": sysconfig.get_path("purelib"),
            "$PID": str(os.getpid()),
        }
        with pytest.raises(BlockingIOError):
            server.accept()
    assert digest(tmp_path) == before
    assert processes_of_sandboxes() == []
    assert groups() == set()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_wins_nothing_and_what_follows_is_graded(
    sandbox: Sandbox, host: dict[str, str], name: str
) -> None:
    attack = ATTACKS[name]
    source = attack.source
    for mark, stands_for in host.items():
        source = source.replace(mark, stands_for)
    seconds = 1.0 if ENDLESS in attack.says else 4.0
    done = run(sandbox, source, Call("attack", (), seconds), HONEST)
    outcome, following = done.outcomes
    assert not done.problems or not any("cell 1" in problem for problem in done.problems), done
    assert outcome.status in ("failed", "value")
    assert outcome.value != "got through", done
    assert following.value != "got through", done
    if attack.says:
        assert re.search(attack.says, f"{outcome.says} {outcome.value or ''}"), done
    else:
        assert outcome.value == "held", done
    assert "\x1b" not in done.printed
    if any(problem.startswith("attack ") for problem in done.problems):  # a fresh process went on
        assert following.value == [2, 4], done
    else:
        assert run(sandbox, "", HONEST).outcomes[0].value == [2, 4]


def test_there_are_attacks_enough() -> None:
    assert len(ATTACKS) >= 30


@pytest.fixture(scope="module")
def tricked() -> dict[str, Outcome]:
    """What each trick came to, all in one process."""
    functions = "\n".join(
        f"def trick_{i}():\n    {line}\n    return 'got through'"
        for i, line in enumerate(TRICKS.values())
    )
    done = execute(
        [Cell("cell 1", f"import numpy as np\n{functions}")],
        [Call(f"trick_{i}") for i in range(len(TRICKS))],
        files={},
        allowed=("numpy",),
        refused=("numpy.linalg.svd", "numpy.ma"),
        limits=SMALL,
        sandbox=None,
    )
    return dict(zip(TRICKS, done.outcomes, strict=True))


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_around_the_rules_for_imports_is_refused(
    tricked: dict[str, Outcome], name: str
) -> None:
    assert tricked[name].status == "failed"
    assert re.search("ImportError|AttributeError", tricked[name].says), tricked[name]


def test_what_is_hidden_can_be_reached_and_is_still_not_there(sandbox: Sandbox) -> None:
    # The rules for imports are a help, not the wall: whoever finds the way to `os` finds nothing there.
    source = """
def attack():
    for kind in object.__subclasses__():
        if kind.__name__ == "_wrap_close":
            system = kind.__init__.__globals__
            load = system["__builtins__"]["__import__"]
            for name in ("scipy", "torch", "ddasp"):
                try: load(name)
                except ImportError: continue
                return "got through"
            return [system["getuid"]() != 0, system["listdir"]("/work"), system["environ"].get("HOME")]
"""
    done = execute(
        [Cell("cell 1", source)],
        [Call("attack")],
        files={},
        allowed=("numpy",),
        refused=(),
        limits=SMALL,
        sandbox=sandbox,
    )
    assert done.outcomes[0].value == [True, [], "/work"], done


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("while True: pass", "did not end within 2 s"),
        ("os._exit(0)", "ended the process"),
        ("print('x' * 5_000_000)", "printed more than 1 MB"),
        ("os.closerange(0, 64); time.sleep(60)", "did not end within 2 s"),
    ],
)
def test_cells_that_do_not_come_to_an_end_are_not_run_again(
    sandbox: Sandbox, host: dict[str, str], source: str, says: str
) -> None:
    limits = Limits(seconds=2.0, memory=300_000_000, output=2_000_000, processes=16)
    done = run(sandbox, source, HONEST, HONEST, limits=limits)
    assert [outcome.status for outcome in done.outcomes] == ["failed", "failed"]
    assert all(says in outcome.says for outcome in done.outcomes), done
    assert len(done.problems) == 1
    assert says in done.problems[0]
