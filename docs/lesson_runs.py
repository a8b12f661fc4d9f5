"""Run lessons from a clean kernel: the one way in which the tests and the site do it.

    python docs/lesson_runs.py                    all lessons, two at a time, a table of what they took
    python docs/lesson_runs.py pca --again        one, even though it has been run as it is

A lesson fails on an error, on anything written to standard error (a warning that it did not foresee),
when it reaches for the network, or beyond `MOST_SECONDS` and its memory. What ran is kept in
docs/_build/lessons under a digest of the lesson, of the package and of Python, and not run again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from ddasp._files import write_text
from ddasp.course import lessons, notebooks

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / "docs" / "_build" / "lessons"
MOST_SECONDS = 60.0
GIB = 2**30
FRAMEWORKS = {"torch", "tensorflow", "keras_tuner"}

# In the kernel, before the lesson: no name is left behind. Sockets of this machine are the kernel's own.
BLOCK = """
def _block():
    import os, socket, sys
    connect, look_up = socket.socket.connect, socket.getaddrinfo
    def is_here(host):
        return host in (None, "", "localhost", "127.0.0.1", "::1")
    def guarded(self, address):
        if self.family != getattr(socket, "AF_UNIX", None) and not is_here(address[0]):
            raise OSError(f"this lesson reached for the network: {address}")
        return connect(self, address)
    def asked(host, *rest, **named):
        if not is_here(host):
            raise OSError(f"this lesson reached for the network: {host}")
        return look_up(host, *rest, **named)
    socket.socket.connect, socket.getaddrinfo = guarded, asked
_block()
del _block
"""
PEAK = "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))"


@dataclass(frozen=True)
class Run:
    """What running a lesson took, and what it showed."""

    name: str
    digest: str
    seconds: float
    mebibytes: int
    cells: int
    figures: int
    players: int
    assertions: int
    references: int
    problems: tuple[str, ...]


class LessonFailed(Exception):
    """A lesson that does not run as it must."""


def digest(lesson: lessons.Lesson) -> str:
    """Changes with the lesson, the package, and Python."""
    sha = hashlib.sha256(f"{sys.version}{Path(__file__).read_text()}{lesson.note}".encode())
    for cell in lesson.cells:
        sha.update(f"{cell.kind}{cell.tags}{cell.source}".encode())
    for path in sorted((ROOT / "src").rglob("*.py")):
        sha.update(path.read_bytes())
    return sha.hexdigest()[:16]


def run(name: str, *, again: bool = False) -> Run:
    """Run a lesson, or give what was kept of it; raises `LessonFailed`."""
    lesson = lessons.load(name)
    kept = BUILT / f"{name}.json"
    mark = digest(lesson)
    if not again and kept.is_file():
        found = Run(**json.loads(kept.read_text()))
        if found.digest == mark and not found.problems:
            return found
    book = notebooks.executable(lesson)
    seconds, peak, problems = execute(book, lesson)
    done = Run(name, mark, round(seconds, 1), peak // 2**20, *count(book), problems=tuple(problems))
    (BUILT / name).parent.mkdir(parents=True, exist_ok=True)
    write_text(BUILT / f"{name}.ipynb", nbformat.writes(book))
    write_text(kept, json.dumps(asdict(done)))
    if problems:
        raise LessonFailed(f"{name}: " + "; ".join(problems))
    return done


def execute(book: Any, lesson: lessons.Lesson) -> tuple[float, int, list[str]]:
    """Run the cells in a fresh kernel and an empty folder: seconds, peak in bytes, what is wrong."""
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="lesson") as folder:
        environment = {**os.environ, "HOME": folder}
        environment["XDG_STATE_HOME"] = folder  # the checks in a lesson are not this person's
        environment.setdefault("XDG_CACHE_HOME", str(Path.home() / ".cache"))
        client = NotebookClient(
            book, timeout=240, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.km = client.create_kernel_manager()
        client.km.transport, client.km.ip = "ipc", f"{folder}/kernel"  # no port is opened
        start = time.perf_counter()
        with client.setup_kernel(env=environment):
            _quietly(client, BLOCK)
            for place, cell in enumerate(book.cells):
                if cell.cell_type == "code":
                    try:
                        client.execute_cell(cell, place)
                    except CellExecutionError as error:
                        problems.append(f"cell {place}: {str(error)[-1500:]}")
                        break
            seconds = time.perf_counter() - start
            peak = 1024 * int(_quietly(client, PEAK) or 0)
    problems += [f"stderr: {text[:400]}" for text in said_aside(book)]
    most = GIB * (2 if FRAMEWORKS & set(lesson.needs) else 1)
    if seconds > MOST_SECONDS:
        problems.append(f"took {seconds:.0f} s; expected {MOST_SECONDS:.0f} at most")
    if peak > most:
        problems.append(f"held {peak / GIB:.2f} GiB; expected {most / GIB:.0f} at most")
    return seconds, peak, problems


def _quietly(client: Any, code: str) -> str:
    """Run code that belongs to no cell; what it printed."""
    cell = nbformat.v4.new_code_cell(code)
    client.nb.cells.append(cell)
    try:
        client.execute_cell(cell, len(client.nb.cells) - 1, store_history=False)
    finally:
        client.nb.cells.remove(cell)
    return "".join(out.get("text", "") for out in cell.outputs).strip()


def said_aside(book: Any) -> list[str]:
    """What cells wrote to standard error without having said so."""
    return [
        output.text
        for cell in book.cells
        if cell.cell_type == "code" and "stderr" not in cell.metadata.get("tags", [])
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]


def count(book: Any) -> tuple[int, int, int, int, int]:
    """Cells of code, figures, players, assertions, references."""
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    shown = "".join(
        str(output.get("data", {}).get("text/html", "")) for cell in code for output in cell.outputs
    )
    cited = {
        key.strip()
        for cell in book.cells
        if cell.cell_type == "markdown"
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", cell.source)
        for key in keys.split(",")
    }
    n_assertions = sum(
        len(re.findall(r"^\s*(?:assert |np\.testing\.assert_|assert_)", c.source, re.M))
        for c in code
    )
    n_players = shown.count("<audio")
    return len(code), shown.count("<svg") - n_players, n_players, n_assertions, len(cited)


def main() -> int:
    """Run what is asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="lessons; all when none is named")
    parser.add_argument("--again", action="store_true", help="also what has been run as it is")
    parser.add_argument("--jobs", type=int, default=2, help="kernels at a time")
    options = parser.parse_args()
    names = options.names or [*lessons.NAMES, *lessons.TASKS]
    failed = 0
    print(
        f"{'lesson':55}{'s':>6}{'MiB':>6}{'cells':>7}{'fig':>5}{'play':>5}{'assert':>7}{'refs':>5}"
    )
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting = [(name, pool.submit(run, name, again=options.again)) for name in names]
        for name, future in waiting:
            try:
                r = future.result()
            except LessonFailed as error:
                failed += 1
                print(f"FAILED {error}")
                continue
            print(
                f"{name:55}{r.seconds:6.1f}{r.mebibytes:6}{r.cells:7}{r.figures:5}{r.players:5}"
                f"{r.assertions:7}{r.references:5}",
                flush=True,
            )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
