"""Time per training step of small networks: ddasp beside its peers, on one core.

    python benchmarks/training.py [--dtypes float32 float64] [--cases 2-8-8-1] [--write docs/benchmarks]

Every peer trains the same network on the same minibatches from the same initial parameters
(`training_peers.py`), in a process of its own that is bound to one core and told to use one thread.
The processes take turns, five rounds; in each, a peer trains right after ddasp, and "times ddasp" is
the median of the five ratios. Seconds are those of the processor, not of the clock on the wall,
which also counts what other programs and other guests of the machine do. A training before them,
which compiles, is told apart (by the clock). `--write` puts
tables and figures into the page. Linux only (`taskset`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from training_peers import CASES, PEERS

HERE = Path(__file__).parent
OURS = "ddasp compiled"
ROUNDS = 5
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}


class Peer:
    """One peer in its own process on one core; it trains when it is asked to."""

    def __init__(self, name: str, case: str, dtype: str) -> None:
        core = str(max(os.sched_getaffinity(0)))
        script = [sys.executable, str(HERE / "training_peers.py"), name, case, dtype]
        self.errors: Any = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the peer
        self.process: Any = subprocess.Popen(
            ["taskset", "-c", core, *script],
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        self.known: dict[str, Any] = self.answer()
        self.times: list[float] = []
        self.ratios: list[float] = []

    def answer(self) -> Any:
        """The next line that is JSON; frameworks print other things too."""
        for line in self.process.stdout:
            with contextlib.suppress(json.JSONDecodeError):
                return json.loads(line)
        self.errors.seek(0)
        raise RuntimeError(f"{self.process.args} ended early:\n{self.errors.read()[-2000:]}")

    def time(self) -> float:
        """Microseconds per step, once more."""
        print(file=self.process.stdin, flush=True)
        return float(self.answer())


def measure(case: str, dtype: str, names: list[str]) -> dict[str, Peer]:
    """All peers take turns, each right behind ddasp: a slow minute of the machine hits both."""
    peers: dict[str, Peer] = {}
    try:
        for name in names:
            peers[name] = Peer(name, case, dtype)
        for _ in range(ROUNDS):
            for peer in peers.values():
                ours = peers[OURS].time()
                peer.times.append(peer.time())
                peer.ratios.append(peer.times[-1] / ours)
    finally:
        for peer in peers.values():
            peer.process.kill()
    return peers


def table(found: dict[str, Peer]) -> Iterator[str]:
    """A line for each peer, in the order of its time."""
    yield "| | µs per step | range of five | times ddasp | first run [s] | loss at the end |"
    yield "|---|---|---|---|---|---|"
    for name, peer in sorted(found.items(), key=lambda item: statistics.median(item[1].times)):
        ratio = "1" if name == OURS else f"{statistics.median(peer.ratios):,.1f}"
        yield (
            f"| {name} | {statistics.median(peer.times):,.2f} | "
            f"{min(peer.times):,.2f} to {max(peer.times):,.2f} | {ratio} | "
            f"{peer.known['first']:.1f} | {peer.known['loss']:.6f} |"
        )


def figure(everything: dict[str, dict[str, float]], dtype: str) -> str:
    """Microseconds per step on a logarithmic axis, a row for each network."""
    from ddasp.plot.canvas import grid, new, style
    from ddasp.plot.svg import to_svg
    from ddasp.plot.tokens import category, css

    names = list(everything)
    with style():
        drawn, axes = new(110 + 40 * len(names), width=680)
        for k, peer in enumerate(everything[names[0]]):
            ink, marker = category(k)
            times = [everything[name][peer] for name in names]
            axes.plot(times, range(len(names)), marker, color=ink, label=peer, linestyle="none")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda time, _: f"{time:,.0f}")
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel(f"time per training step [µs], {dtype}, one core")
        grid(axes, "x")
        drawn.legend(loc="outside lower center", ncols=4, frameon=False)
    svg = to_svg(
        drawn,
        alt="Time per training step of eight programs on six networks; the compiled engine is the "
        "leftmost mark where layers are small.",
        title="Time per training step",
    )
    # a file of its own carries its colours and its font with it, for light and dark
    head, _, body = svg.partition(">")
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    font = "text{font-family:system-ui,'DejaVu Sans',sans-serif}"
    return f"{head}><style>{css()}{font}</style>{body}"


def machine() -> str:
    """What this was measured on."""
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        model = found[1] if found else model
    packages = ("numpy", "numba", "jax", "torch", "tensorflow-cpu", "keras", "scikit-learn")
    versions = ", ".join(f"{p} {version(p)}" for p in packages)
    return (
        f"{model}, {os.cpu_count()} cores, one of them used; "
        f"Python {platform.python_version()}; {versions}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time per training step beside the peers.")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--cases", nargs="+", default=[""], help="beginnings of the cases' names")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument(
        "--write", type=Path, help="folder of the page whose marked part is replaced"
    )
    arguments = parser.parse_args()
    parts = [f"`make bench-training` on {machine()}\n"]
    for dtype in arguments.dtypes:
        everything: dict[str, dict[str, Peer]] = {}
        for case in CASES:
            if not case.startswith(tuple(arguments.cases)):
                continue
            chosen = [p for p in PEERS if p == OURS or p in arguments.peers]
            everything[case] = measure(case, dtype, chosen)
            parts.append(f"### {case}, {dtype}\n\n" + "\n".join(table(everything[case])) + "\n")
            print(parts[-1], flush=True)
        if arguments.write is not None:
            medians = {
                case: {name: statistics.median(peer.times) for name, peer in found.items()}
                for case, found in everything.items()
            }
            path = arguments.write / f"training_{dtype}.svg"
            path.write_text(figure(medians, dtype), "utf-8")
    if arguments.write is not None:
        page = arguments.write / "training.md"
        marked = "<!-- training -->\n" + "\n".join(parts) + "<!-- /training -->"
        pattern = r"<!-- training -->.*<!-- /training -->"
        text = re.sub(pattern, lambda _: marked, page.read_text("utf-8"), flags=re.S)
        page.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
