"""Frames and epochs a second of the playground in a browser, its start, its losses, its memory.

    python benchmarks/playground.py [--parts start speed losses memory] [--seconds 20] [--soak 10]
                                    [--write docs/benchmarks]

The page is opened in headless Chromium, at the highest speed, and counts what it drew: frames, the gap
between one and the next, epochs. Circle, 250 training points, batch 10, tanh, learning rate 0.03, as the
TensorFlow Playground begins. Its figures, measured in Node without a page, stand beside as reference: they
were not measured in this run. The soak is one page that trains and draws for minutes, with the memory of
server and page read at intervals. Linux only (the memory).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

PARTS = ("start", "speed", "losses", "memory")
SHAPES = {"2-4-2-1": "4,2", "2-8-8-8-8-8-8-1": "8,8,8,8,8,8"}
GOALS = {"2-4-2-1": 10_000, "2-8-8-8-8-8-8-1": 2_000}
# The original's engine in Node 20 on two cores: training alone; with losses and maps, without drawing
ORIGINAL = {"2-4-2-1": (3985, 121.6), "2-8-8-8-8-8-8-1": (357.9, 12.7)}
LIKE_THE_ORIGINAL = "percTrainData=50&percValidation=0&noise=0&batchSize=10&learningRate=0.03"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """A server in a process of its own: the address it prints, and its process number."""
    command = [sys.executable, "-m", "ddasp", "playground", "--no-browser", "--port", "0", "--json"]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                said.seek(0)
                raise SystemExit(f"the server did not start: {said.read()}")
            yield json.loads(line)["address"], process.pid
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def browser() -> Iterator[Any]:
    """Headless Chromium, as the tests use it."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


def until(page: Any, holds: str) -> None:
    """Wait; Playwright's own way evaluates text in the page, which the page's policy forbids."""
    while not page.evaluate(holds):
        page.wait_for_timeout(50)


def opened(chromium: Any, address: str, settings: str) -> Any:
    """A page that trains."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}&{settings}")
    until(page, "window.ddasp?.frames > 0")
    page.keyboard.press("Space")
    return page


@dataclass(frozen=True)
class Drawn:
    """What a page drew in some seconds, and the processor time that it took.

    The clock counts what the machine's host gives to others as well; processor time does not.
    """

    seconds: float
    frames: int
    epochs: float
    gaps: NDArray  # between frames [ms]
    browser: float  # processor time of all the browser's processes [s]
    server: float  # and of the server's [s]


def drawn(chromium: Any, page: Any, pid: int, seconds: float) -> Drawn:
    """Watch a page that trains."""
    page.wait_for_timeout(3000)
    count = "() => ({...window.ddasp, gaps: undefined, costs: undefined, now: performance.now()})"
    spent = browser_time(chromium), server_time(pid)
    before = page.evaluate(count)
    page.wait_for_timeout(1000 * seconds)
    after = page.evaluate(count)
    browser, server = browser_time(chromium) - spent[0], server_time(pid) - spent[1]
    ring = np.array(page.evaluate("() => Array.from(window.ddasp.gaps)"))
    n_frames = after["frames"] - before["frames"]
    newest = np.arange(after["frames"] - min(n_frames, len(ring)), after["frames"])
    passed = (after["now"] - before["now"]) / 1000
    epochs = after["epochs"] - before["epochs"]
    return Drawn(passed, n_frames, epochs, ring[newest % len(ring)], browser, server)


def browser_time(chromium: Any) -> float:
    """Processor time of all processes of the browser so far [s]."""
    session = chromium.new_browser_cdp_session()
    told = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return sum(process["cpuTime"] for process in told)


def server_time(pid: int) -> float:
    """Processor time of the server so far [s]."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def speed(chromium: Any, address: str, pid: int, seconds: float) -> list[str]:
    """The table of frames and epochs by the clock, and that of the processor time they take."""
    clock = [
        "| network | frames/s | gap median / ms | gap 99 % / ms | epochs/s while drawing | goal | "
        "the original, training alone: epochs/s | ratio | the original with maps, no drawing: frames/s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    work = [
        "| network | browser: processor time for each frame / ms | server: share of one core | "
        "epochs for each second of the server's processor time |",
        "|---|---:|---:|---:|",
    ]
    for name, shape in SHAPES.items():
        page = opened(chromium, address, f"networkShape={shape}&speed=max&{LIKE_THE_ORIGINAL}")
        found = drawn(chromium, page, pid, seconds)
        page.close()
        alone, maps = ORIGINAL[name]
        p50, p99 = np.quantile(found.gaps, (0.5, 0.99))
        epochs = found.epochs / found.seconds
        clock.append(
            f"| {name} | {found.frames / found.seconds:.1f} | {p50:.1f} | {p99:.1f} | {epochs:,.0f} | "
            f"{GOALS[name]:,} | {alone:,.0f} | {epochs / alone:.1f} | {maps} |"
        )
        work.append(
            f"| {name} | {1000 * found.browser / found.frames:.1f} | "
            f"{found.server / found.seconds:.0%} | {found.epochs / found.server:,.0f} |"
        )
        print(clock[-1], work[-1], sep="\n", flush=True)
    return [*clock, "", *work]


def losses() -> list[str]:
    """Circle, 2-4-2-1, five seeds: mean, least and largest, beside what the original reaches."""
    from ddasp.playground import datasets
    from ddasp.playground.settings import parse
    from ddasp.playground.training.experiment import Experiment

    lines = [
        "| epochs | train | test | the original, train | test |",
        "|---:|---|---|---|---|",
    ]
    known = {
        100: ("0.0070 (0.0051 to 0.0105)", "0.0082 (0.0048 to 0.0113)"),
        500: ("0.0007 (0.0005 to 0.0009)", "0.0016 (0.0009 to 0.0030)"),
    }
    found: dict[int, list[tuple[float, float]]] = {epochs: [] for epochs in known}
    for seed in range(5):
        settings = parse({"percValidation": 0, "seed": seed, "dataSeed": seed})
        experiment = Experiment(settings, datasets.make("circle", seed=seed))
        for epochs in known:
            experiment.train(epochs=epochs - experiment.epoch)
            train, _, test = experiment.losses()
            found[epochs].append((train, test))
    for epochs, pairs in found.items():
        told = [f"{x.mean():.4f} ({x.min():.4f} to {x.max():.4f})" for x in np.array(pairs).T]
        lines.append(f"| {epochs} | {told[0]} | {told[1]} | {' | '.join(known[epochs])} |")
        print(lines[-1], flush=True)
    return lines


def resident(pid: int) -> float:
    """Memory of a process now [MiB]."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the server has ended")


def soak(chromium: Any, address: str, pid: int, minutes: float) -> list[str]:
    """Memory of server and page while one page trains and draws."""
    lines = [
        "| after / min | server / MiB | page's heap / MiB | DOM nodes | frames | epochs |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    page = opened(chromium, address, "networkShape=8,8,8&speed=max&dataset=spiral&noise=10")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    start = time.monotonic()
    for step in range(6):
        while time.monotonic() - start < 60 * minutes * step / 5:
            page.wait_for_timeout(500)
        session.send("HeapProfiler.collectGarbage")
        told = session.send("Performance.getMetrics")["metrics"]
        metrics = {entry["name"]: entry["value"] for entry in told}
        count = page.evaluate("() => [window.ddasp.frames, window.ddasp.epochs]")
        lines.append(
            f"| {minutes * step / 5:.1f} | {resident(pid):.1f} | "
            f"{metrics['JSHeapUsedSize'] / 2**20:.1f} | {metrics['Nodes']:.0f} | "
            f"{count[0]:,} | {count[1]:,.0f} |"
        )
        print(lines[-1], flush=True)
    page.close()
    return lines


def start_up(repeats: int = 5) -> list[str]:
    """From the start of the process to the first frame of a training that a client has asked for."""
    from urllib.parse import urlsplit

    from websockets.sync.client import connect

    spent = []
    before = processor()
    for _ in range(repeats):
        begin = time.monotonic()
        with server() as (address, _pid):
            parts = urlsplit(address)
            token = dict(pair.split("=") for pair in parts.fragment.split("&"))["token"]
            protocols: Any = ["ddasp.playground.1", f"token.{token}"]
            origin: Any = f"http://{parts.netloc}"
            url = f"ws://{parts.netloc}/socket?session=start"
            with connect(url, subprotocols=protocols, origin=origin) as socket:
                socket.send('{"type":"play"}')
                while True:
                    message = socket.recv(timeout=30)
                    if isinstance(message, bytes) and np.frombuffer(message, "<f8", 1, 24)[0] > 0:
                        break
            spent.append(time.monotonic() - begin)
    low, middle, high = min(spent), float(np.median(spent)), max(spent)
    print(f"start {middle:.2f} s", flush=True)
    return [
        f"From the start of the process to the first frame of a running training: "
        f"{middle:.2f} s (median of {repeats}, {low:.2f} to {high:.2f}; goal 2 s). {taken(before)}"
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured for each network")
    parser.add_argument("--soak", type=float, default=10.0, help="minutes")
    parser.add_argument("--write", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    found = {}
    if "start" in asked.parts:
        found["start"] = start_up()
    with server() as (address, pid), browser() as chromium:
        if "speed" in asked.parts:
            before = processor()
            table = speed(chromium, address, pid, asked.seconds)
            found["speed"] = [*table, "", f"{where()} {taken(before)}"]
        if "losses" in asked.parts:
            found["losses"] = losses()
        if "memory" in asked.parts:
            found["memory"] = soak(chromium, address, pid, asked.soak)
    if asked.write:
        path = asked.write / "playground.md"
        text = path.read_text()
        for mark, lines in found.items():
            pattern = rf"(<!-- {mark} -->\n).*?(<!-- end -->)"
            new = "\n".join(lines)
            text = re.sub(pattern, lambda m, new=new: f"{m[1]}{new}\n{m[2]}", text, flags=re.DOTALL)
        path.write_text(text)


def processor() -> tuple[int, int]:
    """Ticks that this machine has worked, and ticks that its host gave to others meanwhile."""
    words = Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
    user, nice, system, _idle, _wait, irq, softirq, stolen = map(int, words)
    return user + nice + system + irq + softirq, stolen


def taken(before: tuple[int, int]) -> str:
    """How much of the work since then had to wait for a core that the host had given away."""
    worked, stolen = (now - then for now, then in zip(processor(), before, strict=True))
    share = stolen / max(worked + stolen, 1)
    return f"Of the processor time asked for in this part, the machine's host gave {share:.0%} to others."


def where() -> str:
    """The machine and the versions that a table was made with."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    python, numpy = platform.python_version(), np.__version__
    return f"{os.cpu_count()} cores, {cpu[1] if cpu else '?'}; Python {python}, NumPy {numpy}."


if __name__ == "__main__":
    main()
