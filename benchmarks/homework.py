"""Time to grade two hundred submissions, undisturbed, and killed half-way and resumed.

    python benchmarks/homework.py [--n 200] [--write docs/benchmarks]

For each task N submissions are made, each for another student: of fifty, 46 are worked, one has
mistakes, one is empty, one never ends (60 s), one takes 2 GB. They are graded once undisturbed; then again
into another folder by a process that is killed (SIGKILL) when half of the results are there, and once
more in that folder. Both tables must be equal byte for byte. Linux with bubblewrap.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from ddasp._files import write_text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the worked submissions stand among the tests
SOLUTIONS = {
    "matrix_fundamentals": "tests.homework.matrix_solution",
    "regression_with_nonlinear_model": "tests.homework.regression_solution",
}
EMPTY = 'TASK = "{task}"\nSTUDENT = "{student}"\nVERSION = 1\n'
ADDED = {  # to one of fifty each
    46: "\ndef ranks():\n    return {'A': 7}\n\ndef risk(parameters, X, y):\n    return 0.0\n",
    48: "\nwhile True:\n    pass\n",
    49: "\nkept = [bytearray(50_000_000) for _ in range(40)]\n",
}


def submissions(task: str, folder: Path, n: int) -> None:
    """Write N: of fifty, 46 worked, one with mistakes, one empty, one endless, one greedy."""
    worked = import_module(SOLUTIONS[task]).program_text
    for k in range(n):
        student = f"s{1000 + k}"
        text = worked(student) + ADDED.get(k % 50, "")
        if k % 50 == 47:
            text = EMPTY.format(task=task, student=student)
        write_text(folder / f"{student}.py", text)


def command(submitted: Path, out: Path) -> list[str]:
    """The command line of the grader."""
    words = ("homework", "grade", str(submitted), "--out", str(out), "--quiet")
    return [sys.executable, "-m", "ddasp", *words]


def graded(submitted: Path, out: Path, settings: Path | None = None) -> float:
    """Seconds by the clock for a whole run."""
    extra = [] if settings is None else ["--settings", str(settings)]
    start = time.perf_counter()
    subprocess.run([*command(submitted, out), *extra], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def killed_half_way(submitted: Path, out: Path, settings: Path, n: int) -> int:
    """Kill the grader when half of the results are there; how many there were."""
    process = subprocess.Popen(
        [*command(submitted, out), "--settings", str(settings)], stdout=subprocess.DEVNULL
    )
    results = out / "results"
    while process.poll() is None:
        if results.is_dir() and len(list(results.glob("*.json"))) >= n // 2:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.1)
    process.wait()
    return len(list(results.glob("*.json")))


def measured(task: str, n: int, folder: Path) -> str:
    """One line of the table."""
    submitted = folder / task / "submissions"
    submissions(task, submitted, n)
    first, second = folder / task / "first", folder / task / "second"
    whole = graded(submitted, first)
    settings = first / "homework.toml"
    there = killed_half_way(submitted, second, settings, n)
    rest = graded(submitted, second, settings)
    again = graded(submitted, second, settings)
    equal = (first / "grades.csv").read_bytes() == (second / "grades.csv").read_bytes()
    if not equal:
        raise SystemExit(f"{task}: the tables differ; see {folder}")
    return f"| {task} | {n} | {whole:.0f} | {there} | {rest:.0f} | {again:.1f} | yes |"


def main() -> None:
    """Measure both tasks."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--n", type=int, default=200, help="submissions for each task")
    arguments.add_argument("--write", type=Path, help="folder of docs/benchmarks")
    chosen = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="homework-"))
    lines = [
        "| task | submissions | all / s | there when killed | the rest / s | again / s | equal tables |",
        "|---|---|---|---|---|---|---|",
        *(measured(task, chosen.n, folder) for task in SOLUTIONS),
    ]
    text = "\n".join(lines)
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    print(f"{machine}\n\n{text}")
    if chosen.write:
        page = chosen.write / "homework.md"
        head = (
            (__doc__ or "").strip().replace("\n    python", "\n    make bench-homework  # python")
        )
        write_text(page, f"# Grading two hundred submissions\n\n{head}\n\n{machine}.\n\n{text}\n")


if __name__ == "__main__":
    main()
