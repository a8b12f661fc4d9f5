"""Development streams for a run's model, and the rules that are tuned on them.

Clips of the training side are laid at drawn times into background sound, one stream for each few
groups, so that the figures can be checked on groups that the rules were not chosen by; or the
user's own recordings with label tracks are heard. Sounds that were sealed for the test stay out.
The deployed model has learned from the clips themselves, which makes it surer of them than of new
ones; the figures of own recordings are the ones to trust, and `events.json` says which were used.

*Conventions*: streams are at the model's rate. The result stands in ``events`` of the run folder.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ddasp._check import in_range
from ddasp._errors import InputError
from ddasp._files import digest_bytes, read_json
from ddasp._progress import Progress
from ddasp.apps.deciding import run_folder
from ddasp.audio.blocks import read_blocks
from ddasp.audio.files import read
from ddasp.audio.resampling import resample, to_mono
from ddasp.procedure import deployed, listening, preparation, recordings
from ddasp.procedure import tuning as procedure
from ddasp.procedure.events import Row
from ddasp.procedure.heard import Scores, Stream, hear
from ddasp.procedure.streams import Clip, Layout, Scene, recorded
from ddasp.procedure.tuning import Tuning
from ddasp.procedure.tuning_files import write_tuning

__all__ = ["Made", "made_streams", "recorded_streams", "refuse", "tune"]

MOST_CLIPS = 400  # in all: drawn from those there are
MOST_STREAMS = 6
GAP = 10.0  # s, mean pause between clips


@dataclass(frozen=True)
class Made:
    """How streams are made from clips.

    Parameters
    ----------
    hours : float
        Length of all together.
    snr : float
        Level of the clips above the background [dB].
    seed : int
        Of what is drawn.
    background : Path, optional
        Folder of sounds without events; pink noise if left out.
    """

    hours: float = 1.0
    snr: float = 20.0
    seed: int = 0
    background: Path | None = None


def _score(model: deployed.Deployed, rate: float, chunks: Iterable[NDArray]) -> Iterator[Row]:
    return listening.decisions(model, chunks, rate)


def refuse(run: Path, budget: float, *, force: bool) -> None:
    """Before anything is heard: a budget that is none, rules that would be lost.

    Raises
    ------
    InputError
        ``E-ARGUMENT``.
    """
    in_range(budget, "budget", 1e-6, 1e6, unit="false alarms per hour")
    found = run_folder(run) / "events" / "events.json"
    if found.exists() and not force:
        raise InputError("E-ARGUMENT", f"{found} exists; to replace what was tuned: --force")


def _usable(run: Path) -> deployed.Deployed:
    model = deployed.load(run)
    listening.refuse_without_window(model, "a stream of events")
    if model.about["kind"] == "regression":
        raise InputError("E-MODEL", "the model gives values; expected one that tells classes")
    return model


def made_streams(run: Path, made: Made, progress: Progress) -> list[Stream]:
    """Streams from clips of the training side, as the model hears them.

    Parameters
    ----------
    run : Path
        The run folder, with its sounds where they were.
    made : Made
        How.
    progress : Progress
        The display.

    Returns
    -------
    list of Stream
        One for each few groups.

    Raises
    ------
    InputError
        ``E-DATA`` when there are no clips, ``E-MODEL`` when the model decides on whole sounds.
    """
    in_range(made.hours, "hours", 0.01, 100.0, unit="h")
    model, rng = _usable(run), np.random.default_rng(made.seed)
    background = [] if made.background is None else _background(made.background, model.rate)
    parts = _in_streams(list(_clips(run_folder(run), model.rate, rng)))
    duration = 3600 * made.hours / len(parts)
    layout = Layout(duration, min(GAP, duration / 20), made.snr)
    streams = []
    for name, clips in progress.track(parts, "streams", len(parts)):
        scene = Scene(clips, model.rate, rng, layout=layout, background=background)
        streams.append(
            hear(
                scene.chunks(),
                lambda chunks: _score(model, model.rate, chunks),
                scene.truth,
                duration=scene.duration,
                name=name,
                groups=scene.groups,
            )
        )
    return streams


def _clips(run: Path, rate: int, rng: np.random.Generator) -> Iterator[Clip]:
    """Sounds of the training side, one for each observation that is drawn."""
    stored = preparation.load(run / "2_preparation")
    index = np.arange(len(stored.observations))
    if stored.split.mode == "sealed":
        index = stored.split.purged_development
    if len(index) > MOST_CLIPS:
        index = np.sort(rng.choice(index, MOST_CLIPS, replace=False))
    rows = stored.observations.iloc[index]
    root = _sounds(run)
    places = (rows["path"], rows["start"], rows["stop"])
    sounds = recordings.load_sounds(root, *places, rate=rate)
    for signal, label, group in zip(sounds, rows["label"], rows["group"], strict=True):
        if np.any(signal):
            yield Clip(signal.astype(np.float32), str(label), str(group))


def _sounds(run: Path) -> Path:
    """The folder of sounds that the run was made from."""
    about = read_json(run / "run.json")
    source = Path(shlex.split(about["command"])[2])  # ddasp run SOURCE ...
    folder = source if source.is_dir() else source.parent / about["sounds"]
    if not folder.is_dir():
        raise InputError(
            "E-PATH-MISSING",
            f"the sounds of the run lay in {folder}; expected them there - call `ddasp tune` from the "
            "folder that `ddasp run` was called from",
        )
    return folder


def _in_streams(clips: list[Clip]) -> list[tuple[str, list[Clip]]]:
    """Clips by group, the groups dealt out to a few streams."""
    if not clips:
        raise InputError("E-DATA", "the run has no clips that are heard; expected at least one")
    groups = sorted({clip.group for clip in clips})
    n = min(len(groups), MOST_STREAMS)
    dealt = [groups[i::n] for i in range(n)]
    return [
        (", ".join(part) or "all clips", [clip for clip in clips if clip.group in part])
        for part in dealt
    ]


def _background(folder: Path, rate: int) -> list[NDArray[np.floating]]:
    sounds = list(_mono(folder, rate))
    if not any(np.any(sound) for sound in sounds):
        raise InputError(
            "E-DATA",
            f"--background is {folder}, where nothing is heard; expected sounds without events",
        )
    return sounds


def _mono(folder: Path, rate: int) -> Iterator[NDArray[np.floating]]:
    for path, _ in recordings.inputs([folder]):
        recording = read(path)
        yield resample(to_mono(recording.samples), recording.rate, rate)


def recorded_streams(run: Path, folder: Path, progress: Progress) -> list[Stream]:
    """The user's own recordings with label tracks, as the model hears them.

    Parameters
    ----------
    run : Path
        The run folder.
    folder : Path
        Sounds, each with its track beside it.
    progress : Progress
        The display.

    Returns
    -------
    list of Stream
        One for each recording.
    """
    model = _usable(run)
    if not folder.exists():
        raise InputError("E-PATH-MISSING", f"--recordings is {folder}, which does not exist")
    found = list(recorded([folder]))
    streams = []
    for item in progress.track(found, "recordings", len(found)):
        with read_blocks(item.path, max_duration=1e6) as blocks:
            rows = list(_score(model, blocks.rate, blocks))
            duration = blocks.n_frames / blocks.rate
        streams.append(Stream(Scores.of(rows), item.truth, duration, item.shown))
    return streams


def tune(
    run: Path, streams: list[Stream], budget: float, progress: Progress
) -> tuple[Path, Tuning]:
    """Choose the rules and write them.

    Parameters
    ----------
    run : Path
        The run folder.
    streams : list of Stream
        What the model heard.
    budget : float
        False alarms per hour.
    progress : Progress
        The display.

    Returns
    -------
    Path
        ``events`` in the run folder.
    Tuning
    """
    model = _usable(run)
    progress.say("tune: 2,100 settings")
    hop = listening.refuse_without_window(model, "a stream of events")[1]
    background = model.about["background"]
    found = procedure.tune(streams, model.labels, hop=hop, budget=budget, background=background)
    write_tuning(run_folder(run) / "events", found, model=digest_bytes(model.content))
    return run_folder(run) / "events", found
