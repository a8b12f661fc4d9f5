"""Workers give the same results in order, survive a crash, and stop quickly."""

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from ddasp._errors import InputError, RunError
from ddasp.procedure.workers import Crash, Workers, default_workers, limited, map_tasks

TASKS = """
import os, signal
import numpy as np
from ddasp.procedure.workers import limited

def square(x):
    return x * x

def fails_on_three(x):
    if x == 3:
        raise ValueError("three")
    return x

def crashes_on_seven(x):
    if x == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return x

def hangs_on_two(x):
    with limited(60.0 if x != 2 else 0.3, 2**28):
        while x == 2:
            pass
    return os.getpid()

def takes(n_bytes):
    with limited(60.0, 2**28):
        held = bytearray(n_bytes)
    return len(held)

def takes_unlimited(n_bytes):
    return len(bytearray(n_bytes))

def solve(seed):
    rng = np.random.default_rng(seed)
    return np.linalg.lstsq(rng.normal(size=(80, 30)), rng.normal(size=80), rcond=None)[0]

def environment(_):
    return os.environ["OMP_NUM_THREADS"], os.getpid()
"""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """A module that spawned children can import: they get this process's sys.path."""
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "tasks_for_workers.py").write_text(TASKS)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("tasks_for_workers")
    sys.path.remove(str(folder))


def test_results_stand_in_the_order_of_the_tasks_for_any_number_of_workers(tasks):
    numbers = list(range(20))
    expected = [x * x for x in numbers]
    assert map_tasks(tasks.square, numbers, n_workers=1) == expected
    assert map_tasks(tasks.square, numbers, n_workers=2) == expected


def test_no_tasks_give_no_results(tasks):
    assert map_tasks(tasks.square, [], n_workers=2) == []


def test_numbers_do_not_depend_on_the_number_of_workers(tasks):
    one, two = (map_tasks(tasks.solve, [1, 2], n_workers=n) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_an_exception_is_the_result_of_its_task_and_of_no_other(n_workers, tasks):
    results = map_tasks(tasks.fails_on_three, range(6), n_workers=n_workers)
    assert results[:3] + results[4:] == [0, 1, 2, 4, 5]
    assert isinstance(results[3], ValueError)
    assert str(results[3]) == "three"


def test_a_task_that_kills_its_process_is_found_and_the_others_are_kept(tasks):
    seen = []
    results = map_tasks(
        tasks.crashes_on_seven, range(30), n_workers=2, on_result=lambda i, r: seen.append(i)
    )
    assert isinstance(results[7], Crash)
    assert [r for i, r in enumerate(results) if i != 7] == [i for i in range(30) if i != 7]
    assert sorted(seen) == list(range(30))


def test_one_worker_apart_is_another_process_and_a_crash_costs_one_task(tasks):
    with Workers(1) as workers:
        results = workers.map(tasks.crashes_on_seven, range(9), apart=True)
        assert isinstance(results[7], Crash)
        assert str(results[7]) == "the process was killed, perhaps for want of memory"
        assert results[:7] + results[8:] == [0, 1, 2, 3, 4, 5, 6, 8]
        assert workers.map(tasks.environment, [0]) == [(os.environ["OMP_NUM_THREADS"], os.getpid())]


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_task_that_hangs_is_ended_and_the_others_are_kept(n_workers, tasks):
    with Workers(n_workers) as workers:
        results = workers.map(tasks.hangs_on_two, range(5), apart=True)
    assert isinstance(results[2], Crash)
    assert str(results[2]) == "the process took too long and was ended"
    assert all(isinstance(pid, int) for pid in results[:2] + results[3:])


def test_a_limit_on_memory_holds_inside_and_is_gone_afterwards(tasks):
    with Workers(1) as workers:
        within, beyond, again = workers.map(tasks.takes, [2**27, 2**29, 2**27], apart=True)
        outside = workers.map(tasks.takes_unlimited, [2**29], apart=True)
    assert (within, again, outside) == (2**27, 2**27, [2**29])
    assert isinstance(beyond, MemoryError)


def test_a_persons_own_process_is_not_limited(tasks):
    assert tasks.takes(2**29) == 2**29
    with limited(0.05, 2**20):
        time.sleep(0.2)


def test_a_pool_serves_many_calls_and_its_children_use_one_thread(tasks):
    before = dict(os.environ)
    with Workers(2) as workers:
        first = workers.map(tasks.environment, range(4))
        second = workers.map(tasks.environment, range(4))
    assert {threads for threads, _ in first + second} == {"1"}
    assert len({pid for _, pid in first + second}) <= 2
    assert os.getpid() not in {pid for _, pid in first}
    assert dict(os.environ) == before


def test_a_callback_that_raises_stops_the_work(tasks):
    def stop(position, result):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        map_tasks(tasks.square, range(50), n_workers=2, on_result=stop)


def local(x):
    return x


def test_a_function_that_children_cannot_import_is_named_and_not_taken_for_a_crash():
    local.__module__ = "no_such_module"
    sys.modules["no_such_module"] = sys.modules[__name__]
    try:
        with pytest.raises(RunError, match="worker processes end as soon as they start"):
            map_tasks(local, range(3), n_workers=2)
    finally:
        del sys.modules["no_such_module"]


def test_fewer_than_one_worker_is_refused():
    with pytest.raises(InputError, match="n_workers is 0; expected 1 or more"):
        Workers(0)
    assert default_workers() >= 1


SCRIPT = textwrap.dedent(
    """
    import os, sys, time
    from ddasp.procedure.workers import map_tasks

    def sleep(x):
        print("pid", os.getpid(), flush=True)
        time.sleep(60)

    if __name__ == "__main__":
        map_tasks(sleep, range(4), n_workers=2)
    """
)


def _start(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    children = [int(process.stdout.readline().split()[1]) for _ in range(2)]
    return process, children


def _gone(pid, within):
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_children_end_with_an_interrupted_or_killed_parent(tmp_path, how):
    process, children = _start(tmp_path)
    process.send_signal(how)
    process.wait(timeout=10)
    assert all(_gone(pid, within=10) for pid in children)
