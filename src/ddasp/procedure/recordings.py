"""One row a file: decode each sound once, measure it, cut it into pieces, and remember the result.

`examine` makes everything that is known of one file: its row, the features and a fingerprint of
each piece. Files are independent, so `examine` runs in many processes, and
what it found is cached under the digest of the file's bytes and of all that it depends on.

*Conventions*: paths are relative to the folder of sounds, with slashes; bytes that are no UTF-8
are shown with a backslash. Levels in dB re full scale, times in s, rates in Hz. A piece is mono,
float64, at the analysis rate; one that reaches beyond the end of the sound is padded with zeros.

*References*: ITU-R BS.1770 (loudness).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import SHORTAGES, AudioError
from ddasp._files import digest_bytes, digest_file, write_bytes
from ddasp.audio import levels
from ddasp.audio.blocks import read_blocks
from ddasp.audio.containers import read_header
from ddasp.audio.files import SoundDigest
from ddasp.audio.level_meter import LevelMeter
from ddasp.audio.loudness import FINE_HOP, integrated_of
from ddasp.audio.loudness_energies import SegmentEnergies
from ddasp.audio.resampling import MonoResampler, new_length
from ddasp.audio.sample_blocks import Block, SampleBlocks
from ddasp.procedure import features
from ddasp.procedure.duplicates import Fingerprint, fingerprint
from ddasp.procedure.scan import inputs, real_path, shown
from ddasp.procedure.windows import Cutter, Held, Piece, Window, span, windows
from ddasp.procedure.workers import limited

__all__ = [
    "Examined",
    "Task",
    "bytes_digest",
    "declared_rate",
    "examine",
    "inputs",
    "load_sound",
    "load_sounds",
    "pieces",
    "pieces_of",
    "real_path",
    "shown",
]

DC, DC_OF_RMS = 0.02, 0.2  # of full scale, of the RMS: more is no accident of a short sound
SILENT = 0.95  # share of silent frames
# What a decoder may take for opening a file and for each block: thousands of times what it needs.
PATIENCE, DECODER_BYTES = 20.0, 2**28  # s, bytes

Signal = NDArray[np.float64]


# ----------------------------------------------------------------------------------- pieces


def pieces_of(
    blocks: Iterable[Block], file_rate: int, *, rate: int, window: Window | None
) -> Iterator[Piece]:
    """Start [s], stop [s] and samples of each piece of a sound that comes block by block."""
    resampler, cutter = MonoResampler(file_rate, rate), Cutter(rate, window)
    for block in blocks:
        yield from cutter.push(resampler.push(block), resampler.n_in / file_rate)
    duration = resampler.n_in / file_rate
    yield from cutter.push(resampler.finish(), duration)
    yield from cutter.finish(duration)


def pieces(path: Path, *, rate: int, window: Window | None, max_duration: float) -> Iterator[Piece]:
    """The same of a file, whose length costs no memory when there is a window.

    Raises
    ------
    AudioError
        When the file can't be used; some faults show only after pieces were given.
    """
    with read_blocks(path, max_duration=max_duration) as blocks:
        yield from pieces_of(blocks, blocks.rate, rate=rate, window=window)


def load_sounds(
    root: Path, paths: Iterable[str], starts: Iterable[float], stops: Iterable[float], *, rate: int
) -> Iterator[Signal]:
    """The pieces of files that observations stand for, (n_samples,) each.

    A file is decoded once for the pieces that follow each other, block by block; it was read
    before, under the cap of the problem.
    """
    passes: list[tuple[str, list[tuple[float, float]]]] = []
    for path, start, stop in zip(paths, starts, stops, strict=True):
        if not passes or passes[-1][0] != path or start < passes[-1][1][-1][0]:
            passes.append((path, []))
        passes[-1][1].append((float(start), float(stop)))
    for path, places in passes:
        yield from _excerpts(real_path(root, path), places, rate)


def _excerpts(path: Path, places: list[tuple[float, float]], rate: int) -> Iterator[Signal]:
    """The samples of places in one file, in the order of their starts."""
    with read_blocks(path, max_duration=1e9) as blocks:
        source, held = _mono(blocks, rate), Held()
        for start, stop in places:
            first, n = span(rate, start, stop)
            while held.n < first + n:
                samples = next(source, None)
                if samples is None:
                    break
                held.push(samples)
                if held.n <= first:
                    held.forget(first)
            yield held.take(first, n)


def _mono(blocks: SampleBlocks, rate: int) -> Iterator[Signal]:
    """One channel at the analysis rate, as it comes."""
    resampler = MonoResampler(blocks.rate, rate)
    for block in blocks:
        yield resampler.push(block)
    yield resampler.finish()


def load_sound(root: Path, path: str, start: float, stop: float, *, rate: int) -> Signal:
    """The piece of a file that an observation stands for, shape (n_samples,)."""
    return next(load_sounds(root, [path], [start], [stop], rate=rate))


# ---------------------------------------------------------------------------------- examine


@dataclass(frozen=True)
class Task:
    """What shall be known of one file.

    Attributes
    ----------
    path, root : str
        The file, and the folder that it may not lead out of.
    rate : int or None
        Analysis rate; None asks for the row alone.
    window : tuple of float or None
        Length and hop.
    sets : tuple of str
        Feature sets.
    max_duration : float
        Longer files are rejected.
    cache : str or None
        Folder of what was found before.
    """

    path: str
    root: str
    rate: int | None = None
    window: Window | None = None
    sets: tuple[str, ...] = ()
    max_duration: float = 3600.0
    cache: str | None = None


@dataclass(frozen=True)
class Examined:
    """What is known of one file.

    Attributes
    ----------
    row : dict
        Columns of the recordings' table that follow from the file alone.
    code : str
        Why it is rejected; blank when it is used.
    pieces : list of (start, stop)
        Of each observation [s].
    features : dict of ndarray of shape (n_variants, n_pieces, n_features)
        By set.
    fingerprints : list of Fingerprint
        Of each piece.
    file_digest : str
        SHA-256 of the file's bytes; blank when it can't be read.
    changed : bool
        Whether the file changed while it was read.
    from_cache : bool
        Whether all of it was known before.
    """

    row: dict[str, Any]
    code: str = ""
    pieces: list[tuple[float, float]] = field(default_factory=list)
    features: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    fingerprints: list[Fingerprint] = field(default_factory=list)
    file_digest: str = ""
    changed: bool = False
    from_cache: bool = False


def rejected(code: str, detail: str, file_digest: str = "") -> Examined:
    """What is known of a file that can't be used."""
    return Examined({"flags": [code], "details": [detail]}, code, file_digest=file_digest)


def examine(task: Task) -> Examined:
    """Everything about one file; a file that can't be used is rejected with a code, not raised."""
    file_digest = ""
    try:
        _refuse_outside(task.path, task.root)
        before = os.stat(task.path)
        if not os.path.isfile(task.path):  # a pipe would never end
            with read_blocks(task.path, max_duration=task.max_duration):
                pass
        file_digest = digest_file(Path(task.path))
        key = _key(task, file_digest)
        found = _recall(task.cache, key)
        known = found is not None
        found = found or _measure(task)
        changed = _version(before) != _version(os.stat(task.path))
        if not (known or changed):  # what was measured may be that of other bytes than the digest's
            _remember(task.cache, key, found)
    except AudioError as error:
        return rejected(error.code, error.message, file_digest)
    except PermissionError as error:
        return rejected("E-PATH-PERM", f"the file may not be read: {error.strerror}")
    except OSError as error:
        if error.errno in SHORTAGES:  # the file must not be left out for it
            raise
        return rejected("E-PATH-MISSING", f"the path leads to no file: {error.strerror}")
    return Examined(**{**found, "file_digest": file_digest, "changed": changed})


def _version(status: os.stat_result) -> tuple[int, ...]:
    """What differs after a file was written to or exchanged, also where its times were set back."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def declared_rate(path: str) -> int:
    """The sampling rate that the header claims, -1 when that is not known."""
    try:
        if not os.path.isfile(path):
            return -1
        with open(path, "rb") as file:
            return read_header(file).rate
    except (AudioError, OSError):
        return -1


def bytes_digest(path: str, root: str) -> str:
    """SHA-256 of a file's bytes, blank for what `examine` does not open."""
    try:
        _refuse_outside(path, root)
        return digest_file(Path(path)) if os.path.isfile(path) else ""
    except (AudioError, OSError):
        return ""


def _refuse_outside(path: str, root: str) -> None:
    if os.path.islink(path):
        target = Path(os.path.realpath(path))  # of a link that leads to itself: that link
        if os.path.exists(path) and not target.is_relative_to(Path(root).resolve()):
            raise AudioError(
                "E-PATH-OUTSIDE", f"the link leads to {shown(target)}, outside the folder"
            )


def _measure(task: Task) -> dict[str, Any]:
    """Row, pieces, features and fingerprints of a file; its length costs no memory beside them."""
    with contextlib.ExitStack() as stack:
        with _decoder_bounded():
            opened = read_blocks(task.path, max_duration=task.max_duration)
            blocks = stack.enter_context(opened)
        heard = _Heard(blocks)
        if task.rate is None:
            for _ in heard:
                pass
            row = heard.row()
            return {"row": row, "pieces": windows(row["duration"], task.window)}
        places, extracted, prints = [], [], []
        for start, stop, piece in pieces_of(heard, blocks.rate, rate=task.rate, window=task.window):
            places.append((start, stop))
            extracted.append(features.extract(piece, task.rate, task.sets, file_rate=blocks.rate))
            prints.append(fingerprint(piece, task.rate))
        row = heard.row()
    _judge_length(row, task)
    tables = {name: np.stack([one[name] for one in extracted], axis=1) for name in task.sets}
    return {"row": row, "pieces": places, "features": tables, "fingerprints": prints}


@contextlib.contextmanager
def _decoder_bounded() -> Iterator[None]:
    """A decoder in a worker has so much time and memory; other want of memory is not its fault."""
    with limited(PATIENCE, DECODER_BYTES) as is_bound:
        try:
            yield
        except MemoryError as error:
            if not is_bound:
                raise
            most = DECODER_BYTES // 2**20
            raise AudioError(
                "E-AUDIO-DECODER", f"the decoder asked for more than {most} MiB of memory"
            ) from error


def _judge_length(row: dict[str, Any], task: Task) -> None:
    """Note that a sound is shorter than what is analysed."""
    assert task.rate is not None
    n, n_needed = new_length(row["actual"], row["rate"], task.rate), features.shortest(task.rate)
    if n < n_needed:
        _add(row, "W-SHORT", f"{n} samples at {task.rate} Hz; a frame has {n_needed}")
    elif task.window is not None and row["duration"] < task.window[0]:
        _add(row, "W-SHORT", f"{row['duration']:.3g} s; a window has {task.window[0]:g} s")


def _add(row: dict[str, Any], code: str, detail: str) -> None:
    row["flags"].append(code)
    row["details"].append(detail)


class _Heard(Iterator[Block]):
    """Blocks of a file, measured as they pass; each must come in time."""

    def __init__(self, blocks: SampleBlocks) -> None:
        self._blocks = blocks
        self._levels = LevelMeter(blocks.rate)
        self._energies = SegmentEnergies(blocks.rate, blocks.n_channels, hop=FINE_HOP)
        self._digest = SoundDigest(blocks.rate, blocks.n_channels)

    def __next__(self) -> Block:
        with _decoder_bounded():
            block = next(self._blocks)
        for meter in (self._levels.add, self._energies.push, self._digest.add):
            meter(block)
        return block

    def row(self) -> dict[str, Any]:
        """The columns that follow from the samples, and findings about them."""
        blocks, heard = self._blocks, self._levels
        power = self._energies.mean_power()
        row: dict[str, Any] = {
            "digest": self._digest.value(),
            "duration": blocks.n_frames / blocks.rate,
            "rate": int(blocks.rate),
            "channels": int(blocks.n_channels),
            "peak": float(levels.amplitude_to_db(heard.peak)),
            "rms": float(levels.amplitude_to_db(heard.rms)),
            "loudness": integrated_of(self._energies.whole(), blocks.rate, power),
            "clipped": blocks.clipped,
            "dc": heard.mean,
            "silent": heard.silent,
            "declared": int(blocks.declared),
            "actual": blocks.n_frames,
            "flags": list(blocks.flags),
            "details": list(blocks.details),
        }
        if abs(heard.mean) > max(DC, DC_OF_RMS * heard.rms):
            _add(row, "W-DC", f"the mean is {heard.mean:+.3f} of full scale")
        if heard.silent >= SILENT:
            _add(row, "W-SILENT", f"{heard.silent:.0%} of the 50 ms frames lie below -60 dBFS")
        return row


# ------------------------------------------------------------------------------------ cache


@cache
def _code() -> str:
    """Digest of the source that a result comes from: another text may give other numbers."""
    here = Path(__file__).parent
    names = ("recordings", "windows", "features", "analysis", "duplicates")
    own = [here.parent / "_lanes.py", *(here / f"{name}.py" for name in names)]
    sources = sorted([*(here.parent / "audio").glob("*.py"), *own])
    return digest_bytes(*(path.read_bytes() for path in sources if path.exists()))


def _key(task: Task, file_digest: str) -> str:
    """Digest of all that the result depends on."""
    suffix = os.path.splitext(task.path)[1].lower()  # W-EXTENSION depends on it
    asked = (task.rate, task.window, task.sets, task.max_duration)
    parts = (_code(), file_digest, shown(suffix), repr(asked))
    return digest_bytes(*(part.encode() for part in parts))


def _remember(folder: str | None, key: str, found: dict[str, Any]) -> None:
    """Store a result, whole or not at all; checksums tell damage, so there is no need to sync."""
    if folder is None:
        return
    prints: list[Fingerprint] = found.get("fingerprints", [])
    arrays = {
        "row": np.frombuffer(json.dumps(found["row"]).encode(), np.uint8),
        "pieces": np.array(found["pieces"], float),
        "lengths": np.array([len(p.excerpt) for p in prints], np.int64),
        "excerpts": np.concatenate([np.zeros(0, np.int8), *(p.excerpt for p in prints)]),
        "vectors": np.array([p.vector for p in prints], np.float32),
    }
    arrays |= {f"features.{name}": X for name, X in found.get("features", {}).items()}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    # read back, it is checked; a fsync for each of many thousand small files would take longer than they
    write_bytes(Path(folder) / f"{key}.npz", buffer.getbuffer(), durable=False)


def _recall(folder: str | None, key: str) -> dict[str, Any] | None:
    """A stored result, or None when there is none or it is damaged."""
    if folder is None:
        return None
    path = Path(folder) / f"{key}.npz"
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        row = json.loads(arrays["row"].tobytes())
        ends = np.cumsum(arrays["lengths"])
        excerpts = np.split(arrays["excerpts"], ends[:-1]) if len(ends) else []
        return {
            "row": row,
            "pieces": [(float(a), float(b)) for a, b in arrays["pieces"]],
            "features": {
                name.partition(".")[2]: X for name, X in arrays.items() if name[:9] == "features."
            },
            "fingerprints": [
                Fingerprint(vector, excerpt)
                for vector, excerpt in zip(arrays["vectors"], excerpts, strict=True)
            ],
            "from_cache": True,
        }
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return None
