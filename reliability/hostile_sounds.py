"""Sound files that are broken or made to do harm: thousands of mutants, and cases made by hand.

Each goes the way of ``ddasp inspect`` and ``ddasp run``, in child processes: the guard, the header, the
whole decoding, what is measured of the samples. It must end as a recording or as a refusal with a
code. A mutant that is taken without a word must be one of which a reviewed rule says why nobody could
have known (`reason`).

*References*: what libsndfile does with such files by itself stands in the comments of
`tests/audio/test_audio_files.py`, whose tables of cases made by hand are used here.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import re
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from ddasp.procedure.recordings import Task, examine
from reliability.harness import Found, Place, Row
from reliability.mutants import KINDS, Mutant, changed, mutants, original, suffix

__all__ = ["ROWS", "reason"]

ROOT = Path(__file__).resolve().parents[1]
MOST_SECONDS, MOST_MEMORY = 5.0, 512  # for one file: s of the processor, MiB
SILENCE = 60.0  # s by the clock without an answer: the child hangs
N_CHILDREN = 2
TELLING = {"W-AUDIO-TRUNCATED", "W-HEADER"}  # warnings that a file is not as it should be

_SPAWN = multiprocessing.get_context("spawn")


# ------------------------------------------------------------------------------------- mutants


@dataclass(frozen=True)
class Answer:
    """What became of a mutant.

    Attributes: ``code`` of the refusal, blank for a recording; ``flags`` beside it; ``same`` where the
    samples and the rate are those of the original; ``declared`` and ``n`` are numbers of frames;
    ``seconds`` of the processor it took; ``error`` in place of an answer.
    """

    code: str = ""
    detail: str = ""
    flags: tuple[str, ...] = ()
    same: bool = False
    declared: int = -1
    n: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def silent(self) -> bool:
        """Whether it was taken as a good recording."""
        return not (self.code or self.error or TELLING & {*self.flags})


def reason(mutant: Mutant, answer: Answer) -> str:
    """Why nobody could have known that a mutant is one; blank where somebody should have."""
    kind, whole, content = mutant.kind, original(mutant.kind), mutant.content
    first = mutant.first
    if answer.same:
        return "nothing that is heard has changed: names, padding, sizes that nothing depends on"
    if kind.startswith("WAV") and first >= whole.index(b"data") + 8:
        return "WAV: inside the samples, of which there is no checksum"
    if kind.startswith("WAV") and first >= 24 and content[28:32] == bytes(4):
        return (
            "WAV: another rate, and the bytes a second that would contradict it are 0 (not given)"
        )
    if kind == "WAV float" and first == 20 and content[20:22] == b"\1\0":
        return "WAV: floats declared as integers of as many bits"
    if kind.startswith("WAV") and 0 < len(content) - len(whole) < 8:
        return "WAV: what follows the data is shorter than a chunk, so it is no sign of more data"
    if kind == "AIFF" and first >= whole.index(b"SSND") + 16:
        return "AIFF: inside the samples, of which there is no checksum"
    if kind == "AIFF" and whole.index(b"COMM") + 16 <= first < whole.index(b"COMM") + 26:
        return "AIFF: another rate, which stands nowhere else"
    if kind == "MP3" and "cut" not in mutant.how and answer.declared in (-1, answer.n):
        return "MP3: no checksum; where the tag of the first frame is hurt, nothing counts frames"
    return ""


def _examined(path: Path) -> tuple[Answer, str]:
    """One file on the product's way, and the digest of what is heard."""
    begin = time.process_time()
    asked = Task(os.fspath(path), os.fspath(path.parent), rate=6000, sets=("levels", "mfcc"))
    found = examine(asked)
    seconds, row = time.process_time() - begin, found.row
    flags = tuple(row["flags"])
    if found.code:
        return Answer(found.code, row["details"][0], flags, seconds=seconds), ""
    n, declared = row["actual"], row["declared"]
    return Answer("", "", flags, False, declared, n, seconds), row["digest"]


def _try_mutants(channel: Connection, names: Sequence[tuple[str, str, int]]) -> None:
    """In the child: an answer for each name as soon as it is there, then the largest memory."""
    digests: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as base:
        for kind in KINDS:
            path = Path(base, f"original{suffix(kind)}")
            path.write_bytes(original(kind))
            answer, digests[kind] = _examined(path)
            if answer.code or answer.flags:
                raise AssertionError(f"the {kind} itself: {answer.code} {answer.flags}")
        for kind, how, number in names:
            path = Path(base, f"mutant{suffix(kind)}")
            path.write_bytes(changed(kind, how, number).content)
            try:
                answer, digest = _examined(path)
            except Exception as error:
                answer, digest = Answer(error=f"{type(error).__name__}: {error}"), ""
            channel.send((*_fields(answer), digest == digests[kind]))
    channel.send(_largest_memory())


def _fields(answer: Answer) -> tuple[Any, ...]:
    a = answer
    return a.code, a.detail, a.flags, a.declared, a.n, a.seconds, a.error


def _largest_memory() -> float:
    """Of this process so far [MiB]."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


class _Child:
    """A process that tries mutants; a new one takes its place where it crashes or hangs."""

    def __init__(self, names: list[tuple[str, str, int]]) -> None:
        self.names = names
        self.answers: list[Answer] = []
        self.memory = 0.0
        self._start()

    def _start(self) -> None:
        here, there = _SPAWN.Pipe(duplex=False)
        left = self.names[len(self.answers) :]
        self._process = _SPAWN.Process(target=_try_mutants, args=(there, left))
        self._process.start()
        there.close()
        self._channel = here

    def finish(self) -> None:
        """Wait for all answers."""
        while len(self.answers) < len(self.names):
            try:
                if self._channel.poll(SILENCE):
                    code, detail, flags, declared, n, seconds, error, same = self._channel.recv()
                    found = Answer(code, detail, flags, same, declared, n, seconds, error)
                    self.answers.append(found)
                    continue
                ended = "hangs"
                self._process.kill()
            except EOFError:
                self._process.join()
                ended = f"crashed with {self._process.exitcode}"
            self.answers.append(Answer(error=f"the process {ended}"))
            self._process.join()
            self._start()
        if self._channel.poll(SILENCE):
            self.memory = self._channel.recv()
        self._process.join()


def try_mutants(place: Place) -> Found:
    """All systematic mutants and drawn ones; quick: a part of them."""
    n = place.number(quick=600, usual=12_000, full=100_000)
    names = mutants(place.seed, n)
    if n < len(names):
        drawn = np.random.default_rng(place.seed).choice(len(names), n, replace=False)
        names = [names[i] for i in np.sort(drawn)]
    children = [_Child(names[i::N_CHILDREN]) for i in range(N_CHILDREN)]
    for child in children:
        child.finish()
    documented = _documented()
    counts: Counter[str] = Counter()
    faults = [_too_much(child.memory) for child in children if child.memory > MOST_MEMORY]
    for child in children:
        for name, answer in zip(child.names, child.answers, strict=True):
            mutant = changed(*name)
            word, fault = _judged(mutant, answer, documented)
            counts[word] += 1
            if fault:
                faults.append(f"{mutant.kind}, {mutant.how}: {fault}")
    slowest = max(answer.seconds for child in children for answer in child.answers)
    figures: dict[str, float | int | str] = dict(counts.most_common())
    figures["slowest (s)"] = round(slowest, 3)
    figures["largest process (MiB)"] = round(max(child.memory for child in children))
    return Found(len(names), figures, tuple(faults))


def _too_much(memory: float) -> str:
    return f"a process took {memory:.0f} MiB; expected at most {MOST_MEMORY}"


def _judged(mutant: Mutant, answer: Answer, documented: set[str]) -> tuple[str, str]:
    """What became of a mutant in a word, and what is wrong about that."""
    if answer.error:
        return "crashed", answer.error
    if answer.seconds > MOST_SECONDS:
        return "slow", f"took {answer.seconds:.1f} s"
    if answer.code:
        wrong = answer.code not in documented or len(answer.detail) < 20
        return "refused", f"refused by {answer.code}: {answer.detail}" if wrong else ""
    if not answer.silent:
        return "taken with a warning", ""
    if answer.same:
        return "sounds the same", ""
    if reason(mutant, answer):
        return "taken by a reviewed rule", ""
    return "taken silently", f"was taken for a good recording of {answer.n} frames"


def _documented() -> set[str]:
    """Codes that docs/errors.md has with what they mean and what to do."""
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    return set(re.findall(r"^\| `([EW]-[A-Z-]+)` \| \S[^|]+ \| \S[^|]+ \|$", page, re.MULTILINE))


# ------------------------------------------------------------------------------ made by hand


def _tables() -> Any:
    """The module of tests that holds the cases."""
    path = ROOT / "tests" / "audio" / "test_audio_files.py"
    spec = importlib.util.spec_from_file_location("hostile_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write_cases(folder: Path) -> dict[str, str]:
    """Every case as a file; returns the code that is expected of each name."""
    tables = _tables()
    cases = {name: (content, code) for name, (content, code) in tables.REJECTED.items()}
    cases |= {name: (each[0], "W-AUDIO-TRUNCATED") for name, each in tables.TRUNCATED.items()}
    cases |= {name: (each[0], "W-HEADER") for name, each in tables.DISAGREEING.items()}
    cases |= {
        "768 kHz": (tables.encoded(rate=768_000), "W-RATE"),
        "64 channels": (tables.encoded(channels=64), ""),
        "1024 channels": (tables.with_format(channels=1024, align=2048), "E-AUDIO-CHANNELS"),
        "one sample": (tables.encoded(signal=tables.TONE[1:2]), "W-SHORT"),
        "1e30": (tables.float_wav(1e30), "W-CLIP"),
        "a FLAC called WAV": (tables.encoded("FLAC"), "W-EXTENSION"),
        "good": (tables.WAV, ""),
    }
    expected = {}
    for name, (content, code) in cases.items():
        (folder / f"{name}.wav").write_bytes(content)
        expected[f"{name}.wav"] = code
    return expected | _write_places(folder, tables.WAV)


def _write_places(folder: Path, wav: bytes) -> dict[str, str]:
    """What is no file, or may not be read, or has a name that is no text."""
    os.mkfifo(folder / "pipe.wav")
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(folder)  # the name of a socket is limited to about 100 bytes
    server.bind("socket.wav")
    os.chdir(here)
    server.close()
    (folder / "a folder.wav").mkdir()
    (folder / "dangling.wav").symlink_to("nothing.wav")
    (folder / "loop.wav").symlink_to("loop.wav")
    (folder / "outside.wav").symlink_to("/etc/hostname")
    (folder / "round").symlink_to(folder)
    with open(os.path.join(os.fsencode(folder), b"bad\xff\xfename.wav"), "wb") as file:
        file.write(wav)
    expected = {
        "pipe.wav": "E-PATH-TYPE",
        "socket.wav": "E-PATH-TYPE",
        "dangling.wav": "E-PATH-MISSING",
        "loop.wav": "E-PATH-MISSING",
        "outside.wav": "E-PATH-OUTSIDE",
        r"bad\xff\xfename.wav": "W-NAME",
    }
    if os.geteuid() != 0:  # root may read everything
        (folder / "locked.wav").write_bytes(wav)
        (folder / "locked.wav").chmod(0)
        expected["locked.wav"] = "E-PATH-PERM"
    return expected


def _survey(channel: Connection, folder: str) -> None:
    """In the child: the findings about each file of a folder, and the largest memory."""
    from ddasp.procedure.preparation import survey

    rows = survey(Path(folder)).recordings
    found = dict(zip(rows["path"], rows["flags"], strict=True))
    channel.send((found, _largest_memory(), time.process_time()))


def try_by_hand(place: Place) -> Found:
    """All cases in one folder, looked at as ``ddasp inspect`` does."""
    folder = place.folder / "sounds"
    (folder / "odd").mkdir(parents=True)
    expected = {f"odd/{name}": code for name, code in _write_cases(folder / "odd").items()}
    here, there = _SPAWN.Pipe(duplex=False)
    child = _SPAWN.Process(target=_survey, args=(there, os.fspath(folder)))
    child.start()
    there.close()
    try:
        found, memory, seconds = here.recv() if here.poll(SILENCE) else ({}, 0.0, 0.0)
    except EOFError:
        found, memory, seconds = {}, 0.0, 0.0
    child.kill()
    child.join()
    documented = _documented()
    faults = []
    for name, code in expected.items():
        flags = found.get(name, "no answer").split()
        refused = [flag for flag in flags if flag.startswith("E-")]
        wanted = [code] if code.startswith("E-") else []
        if refused != wanted or (code and code not in flags) or not documented >= {*flags}:
            faults.append(f"{name}: {' '.join(flags) or 'no finding'}; expected {code or 'none'}")
    faults += [
        f"{name} was found, and is not there" for name in sorted(found.keys() - expected.keys())
    ]
    if memory > MOST_MEMORY:
        faults.append(_too_much(memory))
    figures = {
        "refused": sum(code.startswith("E-") for code in expected.values()),
        "codes": len({code for code in expected.values() if code}),
        "processor (s)": round(seconds, 1),
        "largest process (MiB)": round(memory),
    }
    return Found(len(expected), figures, tuple(faults))


ROWS = (
    Row(
        "Bad inputs tried",
        "mutants of small WAV (16, 24, float), FLAC, OGG, MP3 and AIFF files",
        "a recording or a refusal with a documented code, at most 5 s and 512 MiB, none taken "
        "silently but by a reviewed rule",
        120,
        try_mutants,
    ),
    Row(
        "Bad inputs tried",
        "sound files, names and places made by hand",
        "each has its code, the rest of the folder goes on",
        20,
        try_by_hand,
    ),
)
