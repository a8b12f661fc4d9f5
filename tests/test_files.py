"""Files are whole or absent, equal content has equal bytes, and what was kept is found again."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import math
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from ddasp import _files
from ddasp._errors import RunError


def test_digest_of_nothing_is_the_published_sha256() -> None:
    assert _files.digest_bytes().startswith("e3b0c44298fc1c14")


def test_digest_of_a_file_is_the_published_sha256_of_abc(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert _files.digest_file(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_borders_between_parts_count() -> None:
    assert _files.digest_bytes(b"ab", b"c") != _files.digest_bytes(b"a", b"bc")


def test_the_order_of_keys_does_not_change_the_digest() -> None:
    assert _files.digest_json({"a": 1, "b": 2}) == _files.digest_json({"b": 2, "a": 1})


words = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner) | st.dictionaries(words, inner),
    max_leaves=10,
)


@given(json_values)
def test_json_read_back_is_what_was_written(value: object) -> None:
    assert json.loads(_files.to_json(value)) == value


def test_json_says_infinity_as_a_word_and_nan_as_null() -> None:
    text = _files.to_json([math.inf, -math.inf, math.nan, np.float32(0.5), np.arange(2)])
    assert json.loads(text) == ["inf", "-inf", None, 0.5, [0, 1]]


def test_writing_makes_folders_and_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    _files.write_text(path, "one\n")
    _files.write_text(path, "two\n")
    assert path.read_text() == "two\n"
    assert os.listdir(path.parent) == ["b.txt"]


def test_a_name_that_is_no_utf8_is_written_with_escapes(tmp_path: Path) -> None:
    _files.write_text(tmp_path / "t", os.fsdecode(b"bad\xff.wav"))
    assert (tmp_path / "t").read_bytes() == b"bad\\udcff.wav"


def test_a_full_disk_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.json"
    _files.write_json(path, {"old": True})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"E-DISK: could not write .*No space left"):
        _files.write_json(path, {"old": False})
    assert _files.read_json(path) == {"old": True}
    assert os.listdir(tmp_path) == ["result.json"]


@contextlib.contextmanager
def no_file_beyond(n_bytes: int) -> Iterator[None]:
    """What a full disk does, at a byte of our choice."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o022, 0o002])
def test_the_umask_says_who_may_read_a_file(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        _files.write_text(tmp_path / "report.html", "voices")
        (tmp_path / "any.txt").touch()
    finally:
        os.umask(before)
    ours, any_other = (tmp_path / "report.html").stat(), (tmp_path / "any.txt").stat()
    assert ours.st_mode == any_other.st_mode


def test_ctrl_c_in_the_middle_of_a_write_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.json"
    _files.write_json(path, {"old": True})

    def pressed(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", pressed)
    with pytest.raises(KeyboardInterrupt):
        _files.write_json(path, {"old": False})
    assert _files.read_json(path) == {"old": True}
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_damaged_json_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"E-RUN: could not read .*run\.json"):
        _files.read_json(tmp_path / "run.json")
    with pytest.raises(RunError, match="E-RUN"):
        _files.read_json(tmp_path / "absent.json")


def test_equal_arrays_make_equal_bytes(tmp_path: Path) -> None:
    X = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    _files.write_arrays(tmp_path / "a.npz", {"X": X, "y": np.arange(2)})
    _files.write_arrays(tmp_path / "b.npz", {"y": np.arange(2), "X": X.copy()})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = _files.read_arrays(tmp_path / "a.npz")
    assert back["X"].dtype == np.float32
    assert_array_equal(back["X"], X)


def test_arrays_that_hold_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", X=np.array([{}], dtype=object))
    with pytest.raises(RunError, match="E-RUN"):
        _files.read_arrays(tmp_path / "evil.npz")


def test_damaged_arrays_are_named(tmp_path: Path) -> None:
    _files.write_arrays(tmp_path / "X.npz", {"X": np.zeros(100)})
    whole = (tmp_path / "X.npz").read_bytes()
    for n_kept in (0, 10, len(whole) // 2):
        (tmp_path / "X.npz").write_bytes(whole[:n_kept])
        with pytest.raises(RunError, match=r"E-RUN: could not read the arrays of .*X\.npz"):
            _files.read_arrays(tmp_path / "X.npz")


HOLDER = """
import sys, time
from pathlib import Path
from ddasp._files import lock
with lock(Path(sys.argv[1]), "the folder"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(RunError, match=f"the folder is in use by process {holder.pid} on"),
            _files.lock(path, "the folder"),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
    with _files.lock(path, "the folder"):
        assert str(os.getpid()) in path.read_text()


def test_the_holder_is_named_also_in_the_moment_before_it_wrote_its_name(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    path.write_text(f"process {ended.pid} on {socket.gethostname()}\n")  # of a run that was killed

    def hold(held: threading.Event, done: threading.Event) -> None:
        with open(path, "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            held.set()
            time.sleep(0.05)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            file.truncate()
            file.flush()
            done.wait()

    held, done = threading.Event(), threading.Event()
    holder = threading.Thread(target=hold, args=(held, done))
    holder.start()
    held.wait()
    with (
        pytest.raises(RunError, match=f"in use by process {os.getpid()} on"),
        _files.lock(path, "the folder"),
    ):
        pass
    done.set()
    holder.join()


def test_a_lock_that_can_not_be_written_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with (
        no_file_beyond(0),
        pytest.raises(RunError, match=r"E-DISK: could not lock .*File too large"),
        _files.lock(tmp_path / "lock", "the folder"),
    ):
        pass


def test_a_full_disk_leaves_no_part_of_a_line_in_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "fits.jsonl"
    ledger = _files.Ledger(path)
    ledger.put("a", 1)
    whole = path.read_bytes()
    for n_more in (0, 1, 10):
        with (
            no_file_beyond(len(whole) + n_more),
            pytest.raises(RunError, match=r"E-DISK: could not write .*File too large"),
        ):
            ledger.put("b", 2)
        assert path.read_bytes() == whole
        assert ledger.get("b") is None
    assert ledger.put("b", 2) == 2
    assert _files.Ledger(path).get("b") == 2


def test_a_ledger_finds_again_what_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "fits.jsonl"
    ledger = _files.Ledger(path)
    assert ledger.put("a", {"score": np.float64(0.1)}) == {"score": 0.1}
    assert ledger.put("b", [1, 2]) == [1, 2]
    again = _files.Ledger(path)
    assert len(again) == 2
    assert again.get("a") == {"score": 0.1}
    assert again.get("none") is None


def test_a_torn_last_line_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "fits.jsonl"
    ledger = _files.Ledger(path)
    ledger.put("a", 1)
    ledger.put("b", 2)
    whole = path.read_bytes()
    start = whole.index(b"\n") + 1
    for end in range(start, len(whole)):
        path.write_bytes(whole[:end])
        torn = _files.Ledger(path)
        assert (torn.get("a"), torn.get("b")) == (1, None)
        torn.put("b", 2)
        assert path.read_bytes() == whole


def test_what_is_known_is_not_computed_again() -> None:
    ledger = _files.Ledger(None)
    calls: list[int] = []

    def compute() -> float:
        calls.append(1)
        return 0.5

    assert ledger.once("a", compute) == ledger.once("a", compute) == 0.5
    assert len(calls) == 1
