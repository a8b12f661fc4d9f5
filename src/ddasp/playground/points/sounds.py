"""Where sounds come from: the demo's drum machine, a folder of sounds, or a run folder.

A folder is read as ``ddasp run FOLDER`` reads it, in processes of its own; a run folder has been read
before; the demo is made in memory. Nothing is written: not into a folder of sounds, not beside it.
Files that can't be used are set aside with the reason, and whatever was left out, guessed or thinned is
said in words.

*Conventions*: at most 5,000 points and 16 classes. Packages that sound needs are loaded when a source
is opened, not before.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import AudioError, InputError
from ddasp.playground.datasets import MAX_POINTS, Kind
from ddasp.playground.points.sound_features import SETS, extracted
from ddasp.playground.points.sound_source import Place, SoundSource

if TYPE_CHECKING:
    from ddasp._progress import Progress
    from ddasp.procedure.prepared import Prepared

__all__ = ["DEMO", "SoundSource", "open_source"]

Array = NDArray[np.float64]

DEMO = "demo"
SEED, N_KITS, N_HITS, DEMO_RATE = 7, 12, 3, 8_000  # the demo: 216 sounds in 3 s, most of it imports
MAX_CLASSES = 16
MOST_NAMED = 200  # files that are set aside by name
N_WORKERS = 2, 4  # processes at least and at most
TOLERANCE = 1e-3  # of a feature's size, by which measuring again may differ


def open_source(path: str | os.PathLike[str], *, progress: Progress | None = None) -> SoundSource:
    """Open sounds as points.

    Parameters
    ----------
    path : str or path-like
        "demo"; or a folder of sounds, with a ``problem.toml`` or without; or a ``problem.toml``; or a
        run folder.
    progress : Progress, optional
        The display while a folder is read.

    Returns
    -------
    SoundSource

    Raises
    ------
    InputError
        When there is no such folder, it holds more than 5,000 sounds, or there is too little to learn
        from: the message says what was found.
    RunError
        When a run folder is damaged.

    Examples
    --------
    >>> source = open_source("demo")
    >>> len(source.ids), source.classes[:2], len(set(source.groups))
    (216, ('clap', 'closed_hat'), 12)
    """
    if os.fspath(path) == DEMO:
        return _demo()
    folder = Path(path)
    if not folder.exists():
        raise InputError(
            "E-PATH-MISSING",
            f"there is no {folder}; expected a folder of sounds, a run folder, or the word demo",
        )
    if (folder / "run.json").exists() or (folder / "2_preparation").exists():
        return _run(folder)
    return _folder(folder, progress)


# ---- the demo --------------------------------------------------------------------------------


def _demo() -> SoundSource:
    from ddasp.audio.drums import VOICES, drum_corpus

    rng = np.random.default_rng(SEED)
    items = list(drum_corpus(rng, n_kits=N_KITS, n_hits=N_HITS, rate=DEMO_RATE))
    classes = tuple(sorted(VOICES))
    signals = [item.signal for item in items]
    return SoundSource(
        title="Drum machine (demo)",
        kind="classification",
        classes=classes,
        y=np.array([classes.index(item.voice) for item in items], np.int64),
        groups=tuple(item.kit for item in items),
        rate=DEMO_RATE,
        tables=extracted(signals, DEMO_RATE),
        places=tuple(
            Place(f"{item.voice}/{item.kit}_{item.index:02d}", 0.0, len(item.signal) / DEMO_RATE)
            for item in items
        ),
        read=lambda number: signals[number],
        words=(
            f"{len(items)} hits of six voices on {N_KITS} drum machines, made from formulas when they "
            "are asked for; a group is a machine with its room and microphone.",
        ),
    )


# ---- a folder --------------------------------------------------------------------------------


def _folder(source: Path, progress: Progress | None) -> SoundSource:
    """Sounds that were never looked at."""
    from ddasp.procedure import preparation
    from ddasp.procedure.guessing import guess
    from ddasp.procedure.problem import from_source, name_of
    from ddasp.procedure.scan import scan
    from ddasp.procedure.workers import Workers, default_workers

    asked = from_source(source)
    files = scan(asked.root).files
    if len(files) > MAX_POINTS:
        raise InputError(
            "E-DATA",
            f"{source} holds {len(files)} sound files; expected at most {MAX_POINTS} - give a folder "
            "below it, or make a run of it and open that",
        )
    wanted = asked.preparation.model_copy(update={"features": SETS})
    asked = asked.model_copy(update={"preparation": wanted}).at(asked.base)
    least, most = N_WORKERS  # never this process: a file that ends its decoder ends another one
    with Workers(min(max(default_workers(), least), most)) as workers:
        stored = preparation.prepare(asked, workers=workers, progress=progress)
    words = []
    if source.is_dir() and not (source / "problem.toml").exists():
        words.append(guess(source, [file.shown for file in files]).why)
    return _source(stored, asked.root, name_of(source), words)


# ---- a run -----------------------------------------------------------------------------------


def _run(folder: Path) -> SoundSource:
    """Sounds that a run has measured."""
    from ddasp._files import read_json
    from ddasp.procedure import preparation

    if not (folder / "2_preparation" / "step.json").exists():
        raise InputError(
            "E-RUN",
            f"{folder} is a run folder without a finished step 2, preparation; expected a run that got "
            "that far - run it again, it goes on where it stopped",
        )
    stored = preparation.load(folder / "2_preparation")
    about = read_json(folder / "run.json") if (folder / "run.json").exists() else {}
    root = _sounds_of(folder, about)
    words = []
    if root is None:
        words.append("The sounds of the run are not where they were: they can be seen, not heard.")
    return _source(stored, root, str(about.get("name") or folder.resolve().name), words)


def _sounds_of(folder: Path, about: dict[str, Any]) -> Path | None:
    """The folder of sounds that a run was made from, if it is still there."""
    words = shlex.split(str(about.get("command", "")))
    if len(words) < 3:
        return None
    said = Path(words[2])  # ddasp run SOURCE ...
    for source in (said, *(parent / said for parent in folder.resolve().parents[:3])):
        below = Path(str(about.get("sounds", ".")))
        found = source / below if source.is_dir() else source.parent / below
        if source.exists() and found.is_dir():
            return found
    return None


# ---- from what was prepared to points --------------------------------------------------------


def _source(stored: Prepared, root: Path | None, title: str, words: list[str]) -> SoundSource:
    """A source from step 2's result, thinned to what a playground can show."""
    rows, summary = stored.observations, stored.summary
    rate = int(summary["rate"])
    window = summary.get("window")
    kind: Kind = "classification" if summary["classes"] else "regression"
    classes, keep = _classes(list(summary["classes"]), list(rows["label"]), words)
    keep = _thinned(keep, words)
    rows = rows.iloc[keep]
    places = tuple(
        Place(str(path), float(start), float(stop))
        for path, start, stop in zip(rows["path"], rows["start"], rows["stop"], strict=True)
    )
    read = _reader(root, places, rate)
    if kind == "classification":
        y: NDArray = np.array([classes.index(label) for label in rows["label"]], np.int64)
    else:
        y = rows["target"].to_numpy(np.float64)
    groups = tuple(str(name) for name in rows["group"])
    known = len(set(groups)) > 1
    if not known:
        words.append(
            "No groups are known: a test sound may be of the same speaker or device as one that was "
            "learned from."
        )
    words += [str(note) for note in summary["notes"]]
    if len(stored.duplicates):
        words.append(f"{len(stored.duplicates)} pairs of files hold the same sound.")
    aside = stored.recordings[stored.recordings["status"] == "rejected"]
    if len(aside):
        words.append(f"{len(aside)} of {summary['n_in']} files are set aside.")
    return SoundSource(
        title=title,
        kind=kind,
        classes=tuple(classes),
        y=y,
        groups=groups if known else None,
        rate=rate,
        tables=_tables(stored, keep, read, rate, root is not None, words),
        places=places,
        read=read,
        window=None if window is None else (window["length"], window["hop"] or window["length"]),
        words=tuple(words),
        set_aside=tuple(
            (str(path), f"{flags}: {detail}")
            for path, flags, detail in zip(
                aside["path"], aside["flags"], aside["detail"], strict=True
            )
        )[:MOST_NAMED],
    )


def _classes(
    names: list[str], labels: list[str], words: list[str]
) -> tuple[list[str], NDArray[np.intp]]:
    """The classes that are shown, and the rows that belong to them."""
    if len(names) > MAX_CLASSES:
        often = {name for name, _ in Counter(labels).most_common(MAX_CLASSES)}
        words.append(
            f"The {MAX_CLASSES} largest of {len(names)} classes are shown, in as many colours and "
            "shapes as can be told apart."
        )
        names = [name for name in names if name in often]
    if not names:
        return [], np.arange(len(labels))
    kept = set(names)
    return names, np.array([i for i, label in enumerate(labels) if label in kept], np.intp)


def _thinned(keep: NDArray[np.intp], words: list[str]) -> NDArray[np.intp]:
    if len(keep) <= MAX_POINTS:
        return keep
    words.append(f"{MAX_POINTS} of {len(keep)} sounds are shown, drawn at random.")
    return np.sort(np.random.default_rng(0).choice(keep, MAX_POINTS, replace=False))


def _reader(root: Path | None, places: tuple[Place, ...], rate: int) -> Callable[[int], Array]:
    """Reads a sound again; never a file outside the folder of sounds."""

    def read(number: int) -> Array:
        from ddasp.procedure.recordings import load_sound, real_path

        place = places[number]
        if root is None:
            raise AudioError("E-PATH-MISSING", "the folder of sounds is not there any more")
        if not real_path(root, place.path).resolve().is_relative_to(root.resolve()):
            raise AudioError("E-PATH-OUTSIDE", "the sound lies outside the folder of sounds")
        return load_sound(root, place.path, place.start, place.stop, rate=rate)

    return read


def _tables(
    stored: Prepared,
    keep: NDArray[np.intp],
    read: Callable[[int], Array],
    rate: int,
    at_hand: bool,
    words: list[str],
) -> dict[str, Array]:
    """The features as they were stored, if this version would measure the same; else measured anew."""
    found = {
        name: stored.features[name].X[0, keep].astype(np.float64)
        for name in SETS
        if name in stored.features
    }
    missing = [name for name in SETS if name not in found]
    if at_hand and not missing:
        again = extracted([read(0)], rate)
        if all(_alike(again[name][0], found[name][0]) for name in SETS):
            return found
        words.append("The run measured by other definitions; the features are measured anew.")
    elif missing and not at_hand:
        raise InputError(
            "E-DATA",
            f"the run has no features {', '.join(missing)}, and its sounds are not where they were; "
            "expected one of the two",
        )
    elif not missing:
        return found
    return extracted([read(number) for number in range(len(keep))], rate)


def _alike(a: Array, b: Array) -> bool:
    """Whether features agree up to what another processor may round differently."""
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE))
