"""A program runs in a process of its own; calls, limits and the way back, without a sandbox."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddasp._errors import RunError
from ddasp.homework.parts import Call
from ddasp.homework.reading.sources import Cell
from ddasp.homework.running import execution, process_tree
from ddasp.homework.running.execution import (
    Execution,
    Limits,
    Outcome,
    _harmless,
    _outcome,
    _Process,
    _read,
    _Stopped,
    execute,
)
from ddasp.homework.running.sandbox import size

SMALL = Limits(seconds=4.0, memory=400_000_000, output=2_000_000, processes=16)
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")


def run(source: str, *calls: Call, limits: Limits = SMALL, **options: object) -> Execution:
    given = {"files": {}, "allowed": ("math", "importlib", "numpy"), "refused": (), **options}
    return execute([Cell("cell 1", source)], calls, limits=limits, sandbox=None, **given)  # type: ignore[arg-type]


def test_each_call_has_its_outcome_in_their_order() -> None:
    source = """
import numpy as np
def twice(x):
    print("twice of", x.dtype)
    return 2 * x
def stub(): raise NotImplementedError("Task 1.2: the rank")
def wrong(): return 1 / 0
"""
    calls = [Call("wrong"), Call("twice", (np.array([[1, 2]]),)), Call("stub"), Call("none")]
    done = run(source, *calls, Call("twice", (np.array([0.5]),)))
    assert done.outcomes == (
        Outcome("failed", None, "ZeroDivisionError: division by zero (cell 1, line 7)"),
        Outcome("value", [[2, 4]], ""),
        Outcome("not attempted", None, "Task 1.2: the rank"),
        Outcome("not attempted", None, "there is no function none"),
        Outcome("value", [1.0], ""),
    )
    assert done.printed == "twice of int64\ntwice of float64\n"
    assert done.problems == ()
    assert done.in_force[0] == "no sandbox: the code had the rights of the person who ran it"


def test_what_a_call_does_to_its_arguments_concerns_nobody() -> None:
    array = np.zeros(3)
    source = "def f(x):\n    x += 1\n    return x.sum()"
    done = run(source, Call("f", (array,)), Call("f", (array,)))
    assert [outcome.value for outcome in done.outcomes] == [3.0, 3.0]
    np.testing.assert_array_equal(array, 0)


def test_files_lie_in_the_working_folder_which_holds_nothing_else() -> None:
    source = """
import importlib, numpy as np
os = importlib.import_module("os")
def f(): return [os.listdir("."), np.loadtxt("data.csv", delimiter=",").tolist(), open("n.txt").read()]
"""
    done = run(source, Call("f"), files={"data.csv": "1,2\n3,4\n", "n.txt": "ä\r\n"})
    names, numbers, text = done.outcomes[0].value
    assert sorted(names) == ["data.csv", "n.txt"]
    assert numbers == [[1.0, 2.0], [3.0, 4.0]]
    assert text == "ä\n"


def test_nan_and_infinity_come_back_as_they_are() -> None:
    done = run("import math\ndef f(): return [math.nan, math.inf, -math.inf]", Call("f"))
    np.testing.assert_array_equal(done.outcomes[0].value, [np.nan, np.inf, -np.inf])


def test_without_calls_the_cells_are_run_all_the_same() -> None:
    done = run("print('here')\n1 / 0")
    assert (done.outcomes, done.printed) == ((), "here\n")
    assert done.problems == ("cell 1, line 2: ZeroDivisionError: division by zero",)


def test_a_call_that_does_not_end_fails_and_the_next_are_made() -> None:
    source = """
count = []
def f():
    while True: pass
def g():
    count.append(1)
    return len(count)
"""
    done = run(source, Call("g"), Call("f", (), 0.5), Call("g"), Call("g"))
    assert [outcome.value for outcome in done.outcomes] == [1, None, 1, 2]  # a fresh process
    assert done.outcomes[1].says == "f did not end within 0.5 s"
    assert done.problems == ("f did not end within 0.5 s",)


def test_all_calls_of_a_process_together_have_its_time() -> None:
    source = "import importlib\ndef f(): importlib.import_module('time').sleep(0.9); return 1"
    limits = Limits(seconds=1.5, memory=400_000_000, output=2_000_000)
    done = run(source, *[Call("f", (), 5.0)] * 9, limits=limits)
    says = [outcome.says for outcome in done.outcomes]
    # One call of 0.9 s fits in 1.5 s, the second one is cut off: two calls a process, three of these.
    assert done.outcomes[0].value == 1
    assert says[1] == "f did not end within the 1.5 s for all calls"
    assert says[-1] == "f was not called: what came before it took 4.5 s"


def test_cells_that_do_not_end_leave_nothing_to_call() -> None:
    start = time.monotonic()
    done = run("while True: pass", *[Call("f")] * 5, limits=Limits(seconds=0.5, memory=400_000_000))
    assert {outcome.status for outcome in done.outcomes} == {"failed"}
    assert "f was not called: running the cells, the program did not end within 0.5 s" in {
        outcome.says for outcome in done.outcomes
    }
    assert time.monotonic() - start < 10  # it was tried once, and not for each call


@linux
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("os._exit(0)", "f ended the process"),
        ("os.abort()", "it crashed: signal 6"),
        ("print('x' * 2_000_000)", "f printed more than 1 MB"),
        ("os.closerange(0, 64); time.sleep(9)", "f closed the channel for its answers"),
        ("return bytearray(10**9)", "MemoryError: it needed more memory"),
        (
            "[os.fork() for _ in range(4)]; x = bytearray(2 * 10**8); time.sleep(9)",
            "more than 400 MB",
        ),
        ("[os.fork() for _ in range(5)]; time.sleep(9)", "more than 16 processes and threads"),
    ],
)
def test_what_takes_the_process_with_it_is_named(body: str, says: str) -> None:
    kit = "import importlib\nos, time = map(importlib.import_module, ('os', 'time'))\n"
    source = f"{kit}def f():\n    {body}\ndef g(): return 1"
    done = run(source, Call("f", (), 4.0), Call("g"))
    assert says in done.outcomes[0].says, done
    assert done.outcomes[1].value == 1


@linux
def test_a_fork_does_not_answer_a_second_time() -> None:
    source = """
import importlib
def f():
    importlib.import_module("os").fork()
    return 1
def g(): return 2
"""
    done = run(source, Call("f"), Call("g"), Call("g"))
    assert [outcome.value for outcome in done.outcomes] == [1, 2, 2]


def test_the_beginning_of_what_was_printed_is_kept() -> None:
    done = run("print('ab' * 20_000)")
    assert done.printed == "ab" * 10_000 + " …"


def test_print_can_not_steer_the_terminal_or_the_direction_of_writing() -> None:
    done = run(r"print('a\x1b[2Jb\u202ec\x00\udc80é\t')")
    assert done.printed == "a�[2Jb�c�?é\t\n"
    assert _harmless("a\u2066b\x9b\u2028\u200f") == "a�b���"


def test_environment_variables_of_the_lecturer_are_not_handed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DDASP_TEST_SECRET", "xyz")
    source = "import importlib\ndef f(): return dict(importlib.import_module('os').environ)"
    assert "DDASP_TEST_SECRET" not in run(source, Call("f")).outcomes[0].value


def test_packages_beside_numpy_are_not_on_the_path() -> None:
    source = """
import importlib
def f():
    importlib.import_module("scipy")
"""
    assert "No module named 'scipy'" in run(source, Call("f")).outcomes[0].says


def test_two_threads_can_execute_at_the_same_time() -> None:
    found: dict[int, object] = {}

    def one(n: int) -> None:
        done = run(f"def f(x): return x + {n}", Call("f", (10,)))
        found[n] = done.outcomes[0].value

    threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: n + 10 for n in range(4)}


def test_a_process_that_can_not_be_started_is_no_fault_of_the_student(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "runner.py"
    broken.write_text("raise SystemExit('no such Python here')")
    monkeypatch.setattr(execution, "RUNNER", broken)
    with pytest.raises(
        RunError, match="E-SANDBOX: no process could be started: no such Python here"
    ):
        run("", Call("f"))


# --- the way back ---


def test_no_process_and_no_thread_stays_behind() -> None:
    before = threading.active_count(), children()
    run("import importlib\nimportlib.import_module('os').fork()\ndef f(): return 1", Call("f"))
    assert (threading.active_count(), children()) == before


def children() -> list[int]:
    """Processes that this one has, those of earlier tests among them; none where they can't be counted."""
    return process_tree.descendants(os_pid())[1:] if process_tree.counted_here() else []


def os_pid() -> int:
    import os

    return os.getpid()


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"nothing\n",
        b"[1]\n",
        b"1\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"]" * 100_000 + b"\n",
        b'{"a": ' * 41 + b"1" + b"}" * 41 + b"\n",
        b'{"value": ' + b"9" * 10_000 + b"}\n",
    ],
    ids=lambda line: str(line[:12]),
)
def test_a_line_that_is_no_answer_stops_the_process(line: bytes) -> None:
    with pytest.raises(_Stopped, match="an answer that can't be read"):
        _read(line)


@pytest.mark.parametrize("line", [b"[" * 1_000_001, b"," * 4_000_001])
def test_a_line_that_would_fill_the_memory_is_not_read(line: bytes) -> None:
    with pytest.raises(_Stopped, match="gave back more than can be read"):
        _read(line)


RIGHT = {"call": 3, "status": "value", "value": [1], "says": ""}


def test_an_answer_to_the_call_is_its_outcome() -> None:
    assert _outcome(RIGHT, 3) == Outcome("value", [1], "")
    failed = {**RIGHT, "status": "failed", "says": "why\x1b" + "y" * 1000}
    assert _outcome(failed, 3) == Outcome("failed", None, "why�" + "y" * 496)


@pytest.mark.parametrize(
    "change",
    [
        {"call": 2},
        {"call": None},
        {"call": [3]},
        {"status": "right"},
        {"status": ["value"]},
        {"status": None},
        {"says": None},
        {"says": {"a": 1}},
        {"value": None},
    ],
    ids=str,
)
def test_an_answer_that_the_runner_does_not_write_is_forged(change: dict[str, object]) -> None:
    with pytest.raises(_Stopped, match="wrote to the channel for answers itself"):
        _outcome({**RIGHT, **change}, 3)


@given(
    st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: json.dumps({"call": text}).encode())
)
def test_whatever_stands_in_a_line_it_is_an_outcome_or_a_stop(line: bytes) -> None:
    try:
        outcome = _outcome(_read(line), 0)
    except _Stopped:
        return
    assert isinstance(outcome, Outcome)


def test_what_was_said_before_the_call_is_no_answer_to_it() -> None:
    process = _Process(SMALL, None, time.monotonic() + 60)
    process.heard.put(("line", json.dumps({**RIGHT, "call": 0}).encode()))
    with pytest.raises(_Stopped, match="wrote to the channel for answers itself"):
        process.ask({"call": 0}, 1.0)


def test_halves_of_characters_become_question_marks() -> None:
    value = _read(b'{"a\\ud800": ["\\udfff", "\\ud83d\\ude00"]}')
    assert value == {"a?": ["?", "😀"]}
    json.dumps(value, ensure_ascii=False).encode()


def test_sizes_are_said_in_the_unit_that_fits() -> None:
    assert [size(n) for n in (2**30, 50_000_000, 25_000_000, 1_500_000, 2**20, 12_345)] == [
        "1 GiB",
        "50 MB",
        "25 MB",
        "1.5 MB",
        "1 MiB",
        "0.0123 MB",
    ]


# --- the tree of processes ---


@linux
def test_a_tree_is_counted_with_its_threads_and_ended_as_a_whole() -> None:
    source = """
import os, sys, threading, time
data = b"x" * 50_000_000
for _ in range(2):
    if os.fork() == 0: os.setsid()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("up", flush=True)
time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", source], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    for _ in range(4):
        process.stdout.readline()
    family = process_tree.descendants(process.pid)
    assert len(family) == 4
    assert process_tree.tasks(family) == 8
    quick, shared = process_tree.memory(family, 10**12), process_tree.memory(family, 0)
    assert quick > 4 * 50_000_000  # each counts what it shares with the others
    assert 50_000_000 < shared < 3 * 50_000_000  # counted once
    process_tree.end(process)
    assert all(not Path("/proc", str(pid), "cwd").exists() for pid in family)
    assert process.stdout.read() == b""
    process.stdout.close()


def test_what_has_ended_takes_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    process.wait()
    process_tree.end(process)
    assert process_tree.tasks([process.pid]) == 0
    assert process_tree.memory([process.pid], 0) == 0
    assert process_tree.files(process.pid, "tmp") == 0


def test_reasons_name_the_function() -> None:
    assert re.fullmatch(
        "f ended the process",
        run("import importlib\ndef f(): importlib.import_module('os')._exit(5)", Call("f"))
        .outcomes[0]
        .says,
    )


def test_all_answers_of_a_submission_together_have_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = "def f(n): return [0] * n\ndef g(n): return 'x' * n"
    monkeypatch.setattr(execution, "MOST_VALUES", 1_000)
    done = run(source, *[Call("f", (400,))] * 4)
    assert [outcome.status for outcome in done.outcomes] == ["value", "value", "failed", "failed"]
    assert [outcome.says for outcome in done.outcomes[2:]] == [
        "f gave back more than can be read, in all its answers together",
        "f was not called: what came before it gave back too much",
    ]
    monkeypatch.setattr(execution, "MOST_OF_ALL", 1_000)
    done = run(source, *[Call("g", (400,))] * 3)
    assert [outcome.status for outcome in done.outcomes] == ["value", "value", "failed"]


def test_a_single_answer_that_is_too_large_takes_nothing_from_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execution, "MOST_COMMAS", 1_000)
    done = run("def f(n): return [0] * n", Call("f", (2_000,)), Call("f", (1,)))
    assert done.outcomes[0].says == "f gave back more than can be read"
    assert done.outcomes[1] == Outcome("value", [0], "")


def test_marks_that_turn_the_direction_or_can_not_be_seen_are_replaced() -> None:
    assert _harmless("a\u061cb\u200fc\u2066d\ufeffe\ufff9f\U000e0041g") == "a�b�c�d�e�f�g"
    assert _harmless("Größe √2 ≤ 3 漢 😀\n\t") == "Größe √2 ≤ 3 漢 😀\n\t"
