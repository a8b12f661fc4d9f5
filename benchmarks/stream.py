"""Time for each 10 ms of a stream, and memory over hours: a model that listens, on one core.

    python benchmarks/stream.py [--hours 2] [--write docs/benchmarks]

For each feature set a kernel machine with 500 observations decides on windows of 1 s, ten in each
second, on noise that changes its level and colour; 10 ms of it are pushed at a time, as a microphone
does. Each push is timed on the clock of the processor: what other programs do to it is not ours to
tell. Then one of them listens for hours, in a process whose peak memory is read each quarter of an
hour. At the end the decisions of the stream are compared with those of the whole graph on the same
windows. Linux only (the peak memory).
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from ddasp.procedure import deployed, graph, models
from ddasp.procedure.features import VERSION, extract
from ddasp.procedure.listening import Decided, decisions

RATE, HOP = 16_000, 160
WINDOW = {"length": 1.0, "hop": 0.1}
SETS = ("levels", "descriptors", "mfcc", "trajectories", "logmel")
LABELS = ("a", "b", "c")
N_SUPPORT = 500
LONG = "trajectories"  # the set of the long run


def sound(seconds: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Blocks of 10 ms of noise whose level and colour change, made second by second."""
    rng = np.random.default_rng(seed)
    before = 0.0
    for second in range(seconds):
        x = rng.standard_normal(RATE)
        colour = 0.9 * np.sin(0.3 * second)
        y = x - colour * np.concatenate([[before], x[:-1]])
        before = x[-1]
        y *= 0.05 * (1.1 + np.sin(0.7 * second))
        yield from y.astype(np.float32).reshape(-1, HOP)


def model(name: str) -> deployed.Deployed:
    """A kernel machine on one feature set, as step 6 would leave it."""
    x = np.concatenate(list(sound(50, seed=1)))
    rows = [x[i * 1600 : i * 1600 + RATE] for i in range(N_SUPPORT - 10)]
    X = np.concatenate([extract(row, RATE, (name,), variants=False)[name] for row in rows])
    estimator = models.KernelRidge().fit(X, (np.arange(len(X)) // 16) % 3)
    decision = graph.Decision(estimator, 1.0, LABELS)
    content = graph.build_graph(decision, name, RATE).SerializeToString()
    about = {
        "kind": "multi-class",
        "labels": LABELS,
        "rate": RATE,
        "window": WINDOW,
        "features": {"name": name, "version": VERSION},
    }
    return deployed.Deployed(about, content)


def timed(chosen: deployed.Deployed, seconds: int) -> tuple[np.ndarray, list[Decided]]:
    """Seconds for each push, (n_pushes,), and the decisions."""
    spent: list[float] = []

    def pushed() -> Iterator[np.ndarray]:
        """Time runs from handing a block over until the next one is asked for."""
        for block in sound(seconds):
            start = time.process_time()
            yield block
            spent.append(time.process_time() - start)

    found = list(decisions(chosen, pushed(), RATE))
    return np.array(spent[200:]), found  # without the first two seconds


def apart(chosen: deployed.Deployed, found: list[Decided], seconds: int) -> float:
    """Largest difference of a probability from the whole graph's."""
    x = np.concatenate(list(sound(seconds)))
    worst = 0.0
    for one in found[:: max(1, len(found) // 200)]:
        first = round(one.start * RATE)
        whole = chosen.output(x[first : first + RATE])
        worst = max(worst, float(np.abs(whole - one.output).max()))
    return worst


def peak() -> float:
    """Peak memory of this process [MiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def per_set(seconds: int) -> list[str]:
    """One row of the table for each set."""
    lines = [
        "| features | median / ms | 99 % / ms | largest / ms | times real time | stream against graph |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in SETS:
        chosen = model(name)
        spent, found = timed(chosen, seconds)
        p50, p99 = np.quantile(spent, (0.5, 0.99)) * 1e3
        difference = apart(chosen, found, seconds)
        lines.append(
            f"| {name} | {p50:.3f} | {p99:.3f} | {spent.max() * 1e3:.2f} | "
            f"{0.01 / spent.mean():.0f} | {difference:.1e} |"
        )
        print(lines[-1], flush=True)
    return lines


def long_run(hours: float) -> list[str]:
    """Peak memory over hours of sound."""
    chosen, seconds = model(LONG), round(3600 * hours)
    lines = ["| heard / min | peak memory / MiB |", "|---:|---:|"]
    step, n, start = 900, 0, time.process_time()
    for one in decisions(chosen, sound(seconds), RATE):
        n += 1
        if one.stop + 1e-6 >= step:
            lines.append(f"| {step // 60} | {peak():.1f} |")
            print(lines[-1], flush=True)
            step += 900
    spent = time.process_time() - start
    return [*lines, "", f"{n} decisions on {seconds} s of sound in {spent:.0f} s of one core."]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="of sound for each set")
    parser.add_argument("--hours", type=float, default=2.0, help="of the long run")
    parser.add_argument("--write", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    table = per_set(asked.seconds)
    memory = long_run(asked.hours)
    where = f"Python {platform.python_version()}, NumPy {np.__version__}, one thread, {_cpu()}."
    if asked.write:
        path = asked.write / "stream.md"
        text = path.read_text()
        for mark, lines in (("sets", [*table, "", where]), ("memory", memory)):
            pattern = rf"(<!-- {mark} -->\n).*?(<!-- end -->)"
            new = "\n".join(lines)
            text = re.sub(pattern, lambda m, new=new: f"{m[1]}{new}\n{m[2]}", text, flags=re.DOTALL)
        path.write_text(text)


def _cpu() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.processor()


if __name__ == "__main__":
    main()
