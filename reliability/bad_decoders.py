"""A decoder that crashes, hangs or takes all memory in its worker, and a sound that changes under it.

No real file does this to libsndfile as far as is known, so the decoder is made to: its reading is
replaced, and does harm to the files that are named in `HARM`. The run must lose these files, each with
its code, and nothing else: all that a run without them writes is there, byte for byte. A file that
changes while it is read ends the run, and the next one has the bytes of an undisturbed one.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf

from ddasp._files import digest_file
from ddasp.procedure import recordings
from reliability.faulty import LONGEST, PRELOADED, commanded, start, state
from reliability.harness import Found, Place, Row
from reliability.small_run import Undisturbed, problem

__all__ = ["HARM", "ROWS", "plant"]

HARM = {
    "hum_a_7.wav": "crash",
    "hum_a_8.wav": "hang",
    "hum_a_9.wav": "greed",
}
CHANGED = "hum_a_0.wav"
WAIT = 1.0  # s, in place of the product's patience with a decoder
MOST_MEMORY = 512  # MiB
STEPS = ("3_spot_check", "4_selection", "5_evaluation", "6_application")
KEPT = (".csv", ".npz", ".onnx")
PLANT = "import reliability.bad_decoders as bad\nbad.plant()\n"

_SERVER = multiprocessing.get_context("forkserver")


def plant() -> None:
    """Let the decoder of this process, and of those that it forks, do what `HARM` says."""
    whole = sf.SoundFile.read

    def read(self: sf.SoundFile, *args: object, **options: object) -> object:
        path = os.readlink(f"/proc/self/fd/{self.name}")
        harm = HARM.get(os.path.basename(path), "")
        if harm == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        while harm == "hang":
            time.sleep(1.0)
        held = []
        while harm == "greed":
            held.append(bytes(2**24))
        if os.environ.get("DDASP_CHANGES") and path.endswith(CHANGED):
            _change(Path(path))
        return whole(self, *args, **options)

    sf.SoundFile.read = read
    recordings.PATIENCE = WAIT


def _change(path: Path) -> None:
    """Other samples of the same number, and the times set back as some programs do."""
    times = path.stat()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(bytes(50))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _live(words: list[str], folder: str, log: str, variables: dict[str, str]) -> None:
    """In the forked process: the command line with the planted decoder; its workers are forked."""
    os.chdir(folder)
    os.environ.update(state(Path(folder), Path(log).stem) | variables)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(handle, stream)
    plant()
    context = multiprocessing.get_context
    multiprocessing.get_context = lambda *_: context("fork")  # type: ignore[assignment]
    from ddasp.apps.cli import main

    os._exit(main(words))


def _harmed(folder: Path, name: str, words: list[str], **variables: str) -> tuple[int, str]:
    """The command line with the planted decoder: its exit code and what it said."""
    log = folder / f"{name}.log"
    arguments = (words, os.fspath(folder), os.fspath(log), variables)
    _SERVER.set_forkserver_preload(list(PRELOADED))
    process = _SERVER.Process(target=_live, args=arguments)
    process.start()
    process.join(LONGEST)
    if process.is_alive():
        process.kill()
        process.join()
        return -signal.SIGKILL, "it hung"
    return process.exitcode or 0, log.read_text("utf-8", "replace")


def survives(place: Place) -> Found:
    """A run among whose sounds are three that no decoder survives."""
    whole = Undisturbed.of(place)
    base = place.folder
    asked = problem(base)
    rng = np.random.default_rng(place.seed)
    for name in HARM:  # sounds of their own: what is known of equal bytes is not decoded again
        sf.write(base / "sounds" / name, 0.1 * rng.standard_normal(1200), 8000)
    faults: list[str] = []
    all_workers = (2,) if place.size == "quick" else (1,)
    for n_workers in all_workers:
        out = f"workers_{n_workers}"
        words = ["run", str(asked), "--out", out, "--workers", str(n_workers), "--quiet"]
        code, said = _harmed(base, out, words)
        faults += [
            f"{n_workers} workers: {fault}" for fault in _lost(whole, base / out, code, said)
        ]
    figures: dict[str, float | int | str] = {"runs": len(all_workers)}
    if place.size != "quick":
        memory, more = _as_command(base, asked, whole)
        faults += more
        figures["largest process (MiB)"] = round(memory)
        figures["runs"] = len(all_workers) + 1
    return Found(len(HARM) * int(figures["runs"]), figures, tuple(faults))


def _lost(whole: Undisturbed, run: Path, code: int, said: str) -> list[str]:
    """What a run has lost besides the files that did harm."""
    if code != 0:
        return [f"the run ended with {code}: {said[-300:]}"]
    rows = _rows(run)
    faults = []
    for name in HARM:
        status, flags = (str(rows.loc[name, column]) for column in ("status", "flags"))
        if (status, flags) != ("rejected", "E-AUDIO-DECODER"):
            faults.append(
                f"{name} is {status} with {flags}; expected rejected with E-AUDIO-DECODER"
            )
    kept = _rows(whole.folder)
    if not rows.drop(index=list(HARM)).equals(kept):
        faults.append("the rows of the other recordings are others")
    return faults + [f"{name} has other bytes" for name in _others(whole.folder, run)]


def _rows(run: Path) -> pd.DataFrame:
    """The table of recordings by path, as text."""
    table = run / "2_preparation" / "recordings.csv"
    return pd.read_csv(table, dtype=str, keep_default_na=False).set_index("path")


def _others(expected: Path, run: Path) -> list[str]:
    """Files that do not depend on what was rejected, and are not as expected."""
    files = [expected / "2_preparation" / name for name in ("observations.csv", "split.json")]
    files += sorted((expected / "2_preparation").rglob("*.npz"))
    for step in STEPS:
        files += [path for path in sorted((expected / step).rglob("*")) if path.suffix in KEPT]
    names = [path.relative_to(expected) for path in files if path.exists()]
    return [
        str(name)
        for name in names
        if not (run / name).exists() or digest_file(run / name) != digest_file(expected / name)
    ]


def _as_command(base: Path, asked: Path, whole: Undisturbed) -> tuple[float, list[str]]:
    """The same by the true command line with spawned workers; the largest process of it [MiB]."""
    site = base / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(PLANT)
    places = os.pathsep.join([os.fspath(site), os.fspath(Path(__file__).resolve().parents[1])])
    words = ["run", str(asked), "--out", "command", "--workers", "2", "--quiet"]
    memory = 0.0
    with commanded(words, base, "command", PYTHONPATH=places) as process:
        end = time.monotonic() + LONGEST
        while process.poll() is None and time.monotonic() < end:
            memory = max(memory, *_sizes(process.pid), 0.0)
            time.sleep(0.05)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        said = process.stdout.read() if process.stdout else ""
    faults = _lost(whole, base / "command", process.returncode, said)
    if memory > MOST_MEMORY:
        faults.append(f"a process took {memory:.0f} MiB; expected at most {MOST_MEMORY}")
    return memory, [f"as a command: {fault}" for fault in faults]


def _sizes(group: int) -> Iterator[float]:
    """The largest memory so far of each process of a group [MiB]."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int((process / "stat").read_text().rsplit(")", 1)[1].split()[2]) == group:
                lines = (process / "status").read_text().splitlines()
                yield from (int(x.split()[1]) / 1024 for x in lines if x.startswith("VmHWM"))


def changes(place: Place) -> Found:
    """A sound that other samples are written into while it is decoded."""
    whole = Undisturbed.of(place)
    base = place.folder
    asked = problem(base)
    before = (base / "sounds" / CHANGED).read_bytes()
    faults = []
    for n_workers in (1, 2) if place.size != "quick" else (1,):
        out = f"workers_{n_workers}"
        words = ["run", str(asked), "--out", out, "--workers", str(n_workers), "--quiet"]
        code, said = _harmed(base, f"{out}_changed", words, DDASP_CHANGES="1")
        if code != 1 or "E-CHANGED" not in said:
            faults.append(f"the run ended with {code}, not with E-CHANGED: {said[-200:]}")
        faults += [f"after the change {fault}" for fault in whole.not_whole(base / out)]
        (base / "sounds" / CHANGED).write_bytes(before)
        ended = start(words, base, out).end()
        if ended.code != 0:
            faults.append(f"run again, it ended with {ended.code}: {ended.said[-200:]}")
        faults += [f"run again, {fault}" for fault in whole.differences(base / out)]
    return Found(2 if place.size != "quick" else 1, {}, tuple(faults))


ROWS = (
    Row(
        "Faults survived",
        "a decoder that crashes, hangs or takes all memory",
        "each such file is rejected with E-AUDIO-DECODER, all else is as in a run without it; no "
        f"process takes more than {MOST_MEMORY} MiB",
        45,
        survives,
    ),
    Row(
        "Faults survived",
        "a sound that changes while it is read",
        "the run ends with E-CHANGED, and the next one has the bytes of an undisturbed one",
        15,
        changes,
    ),
)
