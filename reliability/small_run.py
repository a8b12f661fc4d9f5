"""The run of a few seconds that faults are put into, and what must be true of its folder afterwards.

Twelve bursts of two kinds from three sources, the cheapest families and features: every kind of
artefact that a run writes, in seconds. A run folder is judged by the files of its six steps, byte for
byte, against those of a run that nothing disturbed; while a fault has left it unfinished, each file
in it must be one of these, or at least whole in its own format.
"""

from __future__ import annotations

import json
import time
import zipfile
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from ddasp._files import digest_file
from ddasp.audio.files import write
from ddasp.procedure.run import STEPS
from reliability.faulty import start
from reliability.harness import Place

__all__ = ["Undisturbed", "leftovers", "problem"]

RATE = 8000
PROBLEM = """
[problem]
question = "Hiss or hum?"
useful_from = 0.5
[sounds]
folder = "sounds"
pattern = '(?P<label>[a-z]+)_(?P<group>\\w)_\\d'
[preparation]
features = ["levels"]
[spot_check]
families = ["majority", "linear"]
cap = 40
survivors = 1
[selection]
trials = 1
finalists = 1
[evaluation]
players = 4
"""


@cache
def _made(base: Path) -> Undisturbed:
    problem(base)
    whole = Undisturbed(base, 0.0, ())
    begin = time.monotonic()
    ended = start(whole.words("whole"), base, "whole").end()
    if ended.code != 0:
        raise AssertionError(f"a run that nothing disturbed ended with {ended}")
    return Undisturbed(base, time.monotonic() - begin, tuple(dict.fromkeys(ended.points)))


def problem(folder: Path) -> Path:
    """Write the sounds and ``problem.toml`` into a folder; returns the latter."""
    rng = np.random.default_rng(8)
    for number, source in enumerate("abü"):  # one name that ASCII can't write
        for label in ("hiss", "hum"):
            for take in range(2):
                t = np.arange(int(rng.uniform(0.12, 0.2) * RATE)) / RATE
                tone = np.sin(2 * np.pi * 150 * (1 + 0.2 * number) * t)
                x = rng.standard_normal(t.size) if label == "hiss" else tone
                x = 0.2 * x * np.hanning(t.size) + 0.005 * rng.standard_normal(t.size)
                write(folder / "sounds" / f"{label}_{source}_{take}.wav", x[:, np.newaxis], RATE)
    path = folder / "problem.toml"
    path.write_text(PROBLEM, "utf-8")
    return path


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing disturbed, as what others are compared with.

    Attributes: ``base`` is the folder in which sounds and ``problem.toml`` lie; ``seconds`` is what it
    took in a forked process; ``points`` are the moments between its writes.
    """

    base: Path
    seconds: float
    points: tuple[str, ...]

    @classmethod
    def of(cls, place: Place) -> Undisturbed:
        """The run that all rows of this call of the harness share, made by the first one."""
        return _made(place.folder.parent / "undisturbed")

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return self.base / "whole"

    def words(self, out: str, *, n_workers: int = 1) -> list[str]:
        """Of the command line: the same run into another folder."""
        problem = str(self.base / "problem.toml")
        return ["run", problem, "--out", out, "--workers", str(n_workers), "--quiet"]

    def finished(self, base: Path, out: str, when: str) -> list[str]:
        """Run to the end in a folder that faults have struck; what is not as it should be then."""
        ended = start(self.words(out), base, out).end()
        if ended.code != 0:
            return [f"{when} the run ended with {ended.code}: {ended.said[-300:]}"]
        return [f"{when} {fault}" for fault in self.differences(base / out)]

    @cached_property
    def digests(self) -> dict[str, str]:
        """Of every file of the six steps; ``step.json`` holds a key beside them and is left out."""
        return _digests(self.folder)

    def differences(self, run: Path) -> list[str]:
        """What a finished run folder has other than this one, and what lies about in it."""
        found = _digests(run)
        missing = sorted(self.digests.keys() - found.keys())
        if not (run / "report.html").exists():
            missing.append("report.html")
        return [f"{name} is missing" for name in missing] + self.not_whole(run) + leftovers(run)

    def not_whole(self, run: Path) -> list[str]:
        """Files of a run folder, finished or not, that are neither whole nor temporary."""
        known = _digests(run)
        others = [path for path in run.rglob("*") if path.is_file() and path.suffix != ".tmp"]
        names = {path.relative_to(run).as_posix(): path for path in others}
        wrong = {name for name, digest in known.items() if self.digests.get(name) != digest}
        wrong |= {name for name, path in names.items() if name not in known and not _whole(path)}
        return [f"{name} is not as an undisturbed run writes it" for name in sorted(wrong)]


def _digests(run: Path) -> dict[str, str]:
    files = (path for step in STEPS for path in (run / step).rglob("*") if path.is_file())
    return {
        path.relative_to(run).as_posix(): digest_file(path)
        for path in files
        if path.name != "step.json" and path.suffix != ".tmp"
    }


def leftovers(folder: Path) -> list[str]:
    """What only a killed process may leave below a folder: temporary files, a torn line of a ledger."""
    torn = [p for p in folder.rglob("*.fits") if p.read_bytes()[-1:] not in (b"", b"\n")]
    return [f"{path.relative_to(folder)} was left" for path in [*folder.rglob("*.tmp"), *torn]]


def _whole(path: Path) -> bool:
    """Whether a file that holds seconds or keys is whole in its own format.

    The last line of a ledger may be torn: it only grows, and a torn line is not read.
    """
    content = path.read_bytes()
    try:
        if path.suffix == ".json":
            json.loads(content)
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as stored:
                _ = [stored[name] for name in stored.files]
        elif path.suffix == ".fits":
            _ = [json.loads(line) for line in content.split(b"\n")[:-1]]
    except (ValueError, OSError, KeyError, zipfile.BadZipFile):
        return False
    return path.suffix != ".html" or content.rstrip().endswith(b"</html>")
