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

from ddasp._errors import AudioError
from ddasp._files import digest_bytes, digest_file, write_bytes
from ddasp.audio import levels
from ddasp.audio.blocks import read_blocks
from ddasp.audio.containers import read_header
from ddasp.audio.files import Recording, digest, read
from ddasp.audio.loudness import integrated_loudness
from ddasp.audio.resampling import MonoResampler, resample, to_mono
from ddasp.audio.sample_blocks import SampleBlocks
from ddasp.procedure import features
from ddasp.procedure.duplicates import Fingerprint, fingerprint
from ddasp.procedure.scan import inputs, real_path, shown
from ddasp.procedure.windows import Cutter, Piece, Window, cut, windows

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

Signal = NDArray[np.float64]


# ----------------------------------------------------------------------------------- pieces


def _mono(recording: Recording, rate: float) -> Signal:
    """One channel at the analysis rate."""
    mono = to_mono(recording.samples.astype(np.float64))
    return np.asarray(resample(mono, recording.rate, rate), np.float64)


def pieces_of(blocks: SampleBlocks, *, rate: int, window: Window | None) -> Iterator[Piece]:
    """Start [s], stop [s] and samples of each piece of a sound that comes block by block."""
    resampler, cutter = MonoResampler(blocks.rate, rate), Cutter(rate, window)
    for block in blocks:
        yield from cutter.push(resampler.push(block), resampler.n_in / blocks.rate)
    duration = resampler.n_in / blocks.rate
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
        yield from pieces_of(blocks, rate=rate, window=window)


def load_sounds(
    root: Path, paths: Iterable[str], starts: Iterable[float], stops: Iterable[float], *, rate: int
) -> Iterator[Signal]:
    """The pieces of files that observations stand for, (n_samples,) each.

    A file is decoded once for the pieces that follow each other; it was read before, under the
    cap of the problem.
    """
    known, signal = "", np.zeros(0)
    for path, start, stop in zip(paths, starts, stops, strict=True):
        if path != known:
            known = path
            signal = _mono(read(real_path(root, path), max_duration=1e9), rate)
        yield cut(signal, rate, float(start), float(stop))


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
            read(task.path, max_duration=task.max_duration)
        file_digest = digest_file(Path(task.path))
        key = _key(task, file_digest)
        found = _recall(task.cache, key)
        if found is None:
            found = _measure(task)
            _remember(task.cache, key, found)
        after = os.stat(task.path)
    except AudioError as error:
        return rejected(error.code, error.message, file_digest)
    except PermissionError as error:
        return rejected("E-PATH-PERM", f"the file may not be read: {error.strerror}")
    except OSError as error:
        return rejected("E-PATH-MISSING", f"the path leads to no file: {error.strerror}")
    changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    return Examined(**{**found, "file_digest": file_digest, "changed": changed})


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
        target = Path(path).resolve()
        if target.exists() and not target.is_relative_to(Path(root).resolve()):
            raise AudioError(
                "E-PATH-OUTSIDE", f"the link leads to {shown(target)}, outside the folder"
            )


def _measure(task: Task) -> dict[str, Any]:
    """Row, pieces, features and fingerprints of a file."""
    recording = read(task.path, max_duration=task.max_duration)
    row = _row(recording)
    places = windows(recording.duration, task.window)
    found: dict[str, Any] = {"row": row, "pieces": places}
    if task.rate is None:
        return found
    signal = _mono(recording, task.rate)
    n_needed = features.shortest(task.rate)
    if len(signal) < n_needed:
        _add(row, "W-SHORT", f"{len(signal)} samples at {task.rate} Hz; a frame has {n_needed}")
    elif task.window is not None and recording.duration < task.window[0]:
        _add(row, "W-SHORT", f"{recording.duration:.3g} s; a window has {task.window[0]:g} s")
    extracted, prints = [], []
    for start, stop in places:
        piece = cut(signal, task.rate, start, stop)
        extracted.append(features.extract(piece, task.rate, task.sets, file_rate=recording.rate))
        prints.append(fingerprint(piece, task.rate))
    tables = {name: np.stack([one[name] for one in extracted], axis=1) for name in task.sets}
    return found | {"features": tables, "fingerprints": prints}


def _add(row: dict[str, Any], code: str, detail: str) -> None:
    row["flags"].append(code)
    row["details"].append(detail)


def _row(recording: Recording) -> dict[str, Any]:
    """The columns that follow from the samples, and findings about them."""
    x, rate = recording.samples, recording.rate
    offset, silent = levels.dc_offset(x), levels.silent_fraction(x, rate)
    row: dict[str, Any] = {
        "digest": digest(recording),
        "duration": recording.duration,
        "rate": int(rate),
        "channels": int(x.shape[1]),
        "peak": float(levels.amplitude_to_db(levels.peak(x))),
        "rms": float(levels.amplitude_to_db(levels.rms(x))),
        "loudness": float(integrated_loudness(x, rate)),
        "clipped": levels.clipped_fraction(x),
        "dc": offset,
        "silent": silent,
        "declared": int(recording.declared),
        "actual": len(x),
        "flags": list(recording.flags),
        "details": list(recording.details),
    }
    if abs(offset) > max(DC, DC_OF_RMS * levels.rms(x)):
        _add(row, "W-DC", f"the mean is {offset:+.3f} of full scale")
    if silent >= SILENT:
        _add(row, "W-SILENT", f"{silent:.0%} of the 50 ms frames lie below -60 dBFS")
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
    write_bytes(Path(folder) / f"{key}.npz", buffer.getvalue(), durable=False)


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
