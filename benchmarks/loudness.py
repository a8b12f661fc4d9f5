"""Loudness of five minutes of stereo: ddasp beside pyloudnorm and FFmpeg's ebur128.

    python benchmarks/loudness.py [--seconds 300] [--rounds 5] [--write docs/benchmarks]

All in one process with one thread; they take turns, and "times slower" is the median of the ratios
of neighbours. Seconds are those of the processor, not of the clock on the wall, which also counts
what other programs do; only where all cores work is it the clock's. FFmpeg is the one inside PyAV:
its filter graph is fed with frames that were made before the clock starts. What is done once
(compiling, or reading what was compiled from the disk) is told apart. A process of its own measures
three hours in pieces, for its memory. `--write` puts the tables into the page.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av
import av.filter
import numpy as np
import pyloudnorm
from threadpoolctl import threadpool_limits

from ddasp.audio import loudness_energies
from ddasp.audio.loudness_meter import Loudness, Meter, measure

RATE = 48000
OURS = "ddasp, with true peak"
HOURS = 3


def programme(seconds: int) -> np.ndarray:
    """Noise like a programme: another level each second, over a range of 20 dB."""
    rng = np.random.default_rng(0)
    gains = np.repeat(10 ** rng.uniform(-2, -1, seconds), RATE).astype(np.float32)
    return rng.standard_normal((seconds * RATE, 2), dtype=np.float32) * gains[:, np.newaxis]


def worst(seconds: int) -> np.ndarray:
    """A tone of full scale: every block could hold the true peak, none is left out."""
    sine = np.sin(2 * np.pi * 997 / RATE * np.arange(seconds * RATE)).astype(np.float32)
    return np.repeat(sine[:, np.newaxis], 2, axis=1)


def frames(x: np.ndarray) -> list[Any]:
    """The signal as FFmpeg wants it, a second in each frame."""
    made = []
    for start in range(0, len(x), RATE):
        flat = np.ascontiguousarray(x[start : start + RATE]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(flat, format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        made.append(frame)
    return made


def ffmpeg(made: list[Any], options: str) -> dict[str, str]:
    """The last values of ebur128."""
    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add_abuffer(
        format="flt", sample_rate=RATE, layout="stereo", time_base=Fraction(1, RATE)
    )
    meter, sink = graph.add("ebur128", options + "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    said: dict[str, str] = {}
    for frame in [*made, None]:
        graph.push(frame)
        while True:
            try:
                said = graph.pull().metadata
            except (av.error.BlockingIOError, av.error.EOFError):
                break
    return said


def without_numba(x: np.ndarray) -> Loudness:
    """The readable text on any length."""
    kept = loudness_energies.COMPILED_FROM
    loudness_energies.COMPILED_FROM = 2**62
    try:
        return measure(x, RATE)
    finally:
        loudness_energies.COMPILED_FROM = kept


def timed(
    function: Callable[[], Any], clock: Callable[[], float] = time.process_time
) -> tuple[float, Any]:
    start = clock()
    found = function()
    return clock() - start, found


def compare(x: np.ndarray, rounds: int) -> Iterator[str]:
    """A line for each peer; each runs right behind ddasp."""
    made = frames(x)
    peers: dict[str, Callable[[], Any]] = {
        OURS: lambda: measure(x, RATE).integrated,
        "ddasp, with true peak, without Numba": lambda: without_numba(x).integrated,
        "FFmpeg ebur128": lambda: float(ffmpeg(made, "")["lavfi.r128.I"]),
        "FFmpeg ebur128, with true peak": lambda: float(ffmpeg(made, "peak=true:")["lavfi.r128.I"]),
        "pyloudnorm, integrated only": lambda: pyloudnorm.Meter(RATE).integrated_loudness(x),
    }
    times: dict[str, list[float]] = {name: [] for name in peers}
    ratios: dict[str, list[float]] = {name: [] for name in peers}
    values = {}
    for _ in range(rounds):
        for name, peer in peers.items():
            ours, _ = timed(peers[OURS])
            theirs, values[name] = timed(peer)
            times[name].append(theirs)
            ratios[name].append(theirs / ours)
    seconds = len(x) / RATE
    yield "| | seconds | range | times real time | times slower | LUFS |"
    yield "|---|---|---|---|---|---|"
    for name in sorted(peers, key=lambda name: statistics.median(times[name])):
        middle = statistics.median(times[name])
        ratio = "1" if name == OURS else f"{statistics.median(ratios[name]):.1f}"
        yield (
            f"| {name} | {middle:.3f} | {min(times[name]):.3f} to {max(times[name]):.3f} | "
            f"{seconds / middle:,.0f} | {ratio} | {values[name]:.2f} |"
        )


def all_cores(x: np.ndarray, rounds: int) -> str:
    """One thread beside one for each core, by the clock on the wall."""
    n, clock = len(os.sched_getaffinity(0)), time.perf_counter
    pairs = [
        [timed(lambda k=k: measure(x, RATE, n_threads=k), clock)[0] for k in (1, n)]
        for _ in range(rounds)
    ]
    one, many = (statistics.median(times) for times in zip(*pairs, strict=True))
    gain = statistics.median(a / b for a, b in pairs)
    return (
        f"By the clock: {one:.3f} s with one thread, {many:.3f} s with {n} "
        f"({len(x) / RATE / many:,.0f} times real time, {gain:.1f} times as fast)."
    )


def most_memory() -> int:
    """The most memory that this process ever had [MiB]; Linux."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) // 1024 if found else 0


def memory() -> str:
    """Three hours in pieces of 2^16 samples, and the most memory that the process ever had."""
    before = most_memory()
    piece, n = programme(2)[: 2**16], HOURS * 3600 * RATE // 2**16
    meter = Meter(RATE, 2)
    seconds, _ = timed(lambda: [meter.push(piece) for _ in range(n)])
    meter.loudness()
    return (
        f"{HOURS} hours of stereo through `Meter` in pieces of 2^16 samples: {seconds:.1f} s; at most "
        f"{most_memory()} MiB of memory. {before} MiB of these had Python with NumPy, SciPy and the "
        "peers before; Numba and its compiler came then."
    )


def machine() -> str:
    """What this was measured on."""
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        model = found[1] if found else model
    packages = ("numpy", "scipy", "numba", "pyloudnorm", "av")
    versions = ", ".join(f"{p} {version(p)}" for p in packages)
    filters = ".".join(map(str, av.library_versions["libavfilter"]))
    return (
        f"{model}, {os.cpu_count()} cores; Python {platform.python_version()}; {versions} with "
        f"libavfilter {filters}."
    )


def report(seconds: int, rounds: int) -> Iterator[str]:
    """The page's marked part, piece by piece."""
    yield f"`python benchmarks/loudness.py` on {machine()}\n"
    first, _ = timed(lambda: measure(programme(60), RATE), time.perf_counter)
    yield f"The first call of a process, one minute, Numba loaded in it: {first:.1f} s.\n"
    for title, make in (("Noise like a programme", programme), ("A tone of full scale", worst)):
        x = make(seconds)
        yield f"### {title}, {seconds} s of stereo at 48 kHz, float32, one thread\n"
        yield "\n".join(compare(x, rounds)) + "\n"
        yield all_cores(x, rounds) + "\n"
    yield "### Memory\n"
    script = [sys.executable, __file__, "--memory"]
    yield subprocess.run(script, check=True, capture_output=True, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description="Loudness beside the peers.")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="only the three hours")
    parser.add_argument(
        "--write", type=Path, help="folder of the page whose marked part is replaced"
    )
    arguments = parser.parse_args()
    if arguments.memory:
        print(memory())
        return
    parts = []
    with threadpool_limits(1):
        for part in report(arguments.seconds, arguments.rounds):
            print(part, flush=True)
            parts.append(part)
    if arguments.write is not None:
        page = arguments.write / "loudness.md"
        marked = "<!-- loudness -->\n" + "\n".join(parts).rstrip() + "\n<!-- /loudness -->"
        pattern = r"<!-- loudness -->.*<!-- /loudness -->"
        text = re.sub(pattern, lambda _: marked, page.read_text("utf-8"), flags=re.S)
        page.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
