"""One recording and one model: the notebook, run, and the page of it.

*Conventions*: a long recording is decided on in windows; explained is the one that contains the time
asked for (of overlapping ones the first), by default the first that is not silent. What is written into a
folder: ``explain.ipynb`` with its outputs, ``sound.npz``, ``model.npz`` and ``model.onnx`` that it
reads, and ``explain.html``, which needs none of them.

*References*: Rudin 2019, "Stop explaining black box machine learning models for high stakes
decisions and use interpretable models instead".
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp._files import write_arrays, write_bytes, write_text
from ddasp.apps.explain.data import model_arrays
from ddasp.apps.explain.page import Head, page
from ddasp.apps.explain.parameters import Arrays
from ddasp.apps.explain.story import Cell, story
from ddasp.plot.canvas import decimals, short
from ddasp.procedure import recordings
from ddasp.procedure.candidates import FAMILIES
from ddasp.procedure.deployed import Deployed, is_silent, load
from ddasp.procedure.features import FEATURE_SETS
from ddasp.procedure.report.tables import number
from ddasp.procedure.report.words import minus

__all__ = ["LONGEST", "Explained", "explain", "piece"]

LONGEST = 60.0
"""Longest sound [s]: every frame of it is held, drawn and played."""

NOTEBOOK, PAGE = "explain.ipynb", "explain.html"
FILES = (NOTEBOOK, PAGE, "sound.npz", "model.npz", "model.onnx")
SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$^=:])")
Signal = NDArray[np.float32]


@dataclass(frozen=True)
class Explained:
    """What was derived, and where it stands.

    Parameters
    ----------
    notebook, page : Path
        The two files that were written.
    answer : dict
        As `Deployed.answer` gives it.
    sentence : str
        The decision in words.
    reasons : tuple of str
        What counted most.
    start, stop : float
        The piece of the recording [s].
    difference : float
        Between the notebook's result and the graph's: of a probability, or relative to the value.
    """

    notebook: Path
    page: Path
    answer: dict[str, Any]
    sentence: str
    reasons: tuple[str, ...]
    start: float
    stop: float
    difference: float


def explain(
    run: Path, sound: Path, out: Path, *, at: float | None = None, force: bool = False
) -> Explained:
    """Derive one decision by hand, from samples to answer.

    Parameters
    ----------
    run : Path
        A run folder, or its ``6_application``.
    sound : Path
        A sound file.
    out : Path
        The folder that is written; it is made where it is missing.
    at : float, optional
        A time in the recording [s]: the window that contains it. Default: the first window that is
        not silent.
    force : bool
        Replace what an earlier explanation left in the folder.

    Returns
    -------
    Explained

    Raises
    ------
    DependencyError
        ``E-DEPENDENCY`` without the extra "notebook".
    InputError
        When `at` lies outside the recording, the piece is longer than `LONGEST`, `out` holds an
        explanation already, or the model is missing.
    AudioError
        When the file can't be used.
    RunError
        ``E-MODEL`` when the model is damaged, or when what was derived is not what the graph gives.
    """
    from ddasp.apps.explain.execute import execute, notebook

    out = _free(Path(out), force)
    model = load(Path(run))
    start, stop, waveform = piece(model, Path(sound), at)
    arrays = model_arrays(model.about, model.content)
    answer = model.answer(model.output(waveform), silent=is_silent(waveform))
    head = Head(
        sentence=_sentence(model.about, answer),
        name=short(recordings.shown(Path(sound).name), 120),
        question=str(model.about.get("card", {}).get("question") or ""),
        facts=_facts(model.about, start, stop),
    )
    cells = [_title(head), *story(model.about, arrays)]
    beside: Arrays = {"waveform": waveform, "rate": np.array(model.rate)}
    book = notebook(cells)
    with tempfile.TemporaryDirectory(prefix="ddasp-explain-") as folder:
        _write_data(Path(folder), beside, arrays, model.content)
        execute(book, Path(folder))
    text = _as_text(book)
    html = page(book, head)
    _write_data(out, beside, arrays, model.content)
    write_text(out / NOTEBOOK, text)
    write_text(out / PAGE, html)
    return Explained(
        notebook=out / NOTEBOOK,
        page=out / PAGE,
        answer=answer,
        sentence=head.sentence,
        reasons=tuple(_said(book, "reasons")),
        start=start,
        stop=stop,
        difference=float(_said(book, "proof")[-1].rpartition(" ")[2]),
    )


def _free(out: Path, force: bool) -> Path:
    if out.exists() and not out.is_dir():
        raise InputError("E-ARGUMENT", f"out is {out}, a file; expected the name of a folder")
    there = [name for name in FILES if (out / name).exists()]
    if there and not force:
        raise InputError(
            "E-ARGUMENT",
            f"out is {out}, which holds {there[0]} already; name another folder, or replace it: --force",
        )
    return out


def piece(model: Deployed, sound: Path, at: float | None) -> tuple[float, float, Signal]:
    """The window that is explained.

    Parameters
    ----------
    model : Deployed
        The model, which knows its windows.
    sound : Path
        The file.
    at : float or None
        See `explain`.

    Returns
    -------
    start, stop : float
        Its place [s].
    waveform : ndarray of shape (n_samples,)
        float32, at the model's rate.

    Raises
    ------
    InputError
        When `at` lies in no window, or the window is longer than `LONGEST`.
    """
    given = recordings.pieces(
        sound, rate=model.rate, window=model.window, max_duration=model.about["max_duration"]
    )
    silent: tuple[float, float, Signal] | None = None
    end = 0.0
    for start, end, samples in given:
        waveform: Signal = np.asarray(samples, np.float32)
        if start <= at < end if at is not None else not is_silent(waveform):
            return _short_enough(start, end, waveform)
        silent = silent or (start, end, waveform)
    if at is None and silent is not None:
        return _short_enough(*silent)
    raise InputError(
        "E-ARGUMENT",
        f"at is {at:g} s; expected a time from 0 s to {end:g} s, in which a window lies",
    )


def _short_enough(start: float, stop: float, waveform: Signal) -> tuple[float, float, Signal]:
    if stop - start > LONGEST:
        raise InputError(
            "E-DATA",
            f"the piece lasts {stop - start:.0f} s; expected at most {LONGEST:g} s - cut the recording, "
            "or give `window` in problem.toml",
        )
    return start, stop, waveform


def _write_data(folder: Path, sound: Arrays, arrays: Arrays, content: bytes) -> None:
    write_arrays(folder / "sound.npz", sound)
    write_arrays(folder / "model.npz", arrays)
    write_bytes(folder / "model.onnx", content)


def _as_text(book: Any) -> str:
    import nbformat

    return str(nbformat.writes(book)) + "\n"


def _sentence(about: dict[str, Any], answer: dict[str, Any]) -> str:
    if about["kind"] == "regression":
        unit = str(about.get("unit") or about.get("card", {}).get("unit") or "")
        digits = decimals(answer["low"], answer["high"])
        value, low, high = (f"{answer[name]:.{digits}f}" for name in ("predicted", "low", "high"))
        return minus(f"{value} {unit}".strip() + f", from {low} to {high}")
    shares = {label: answer[f"p:{label}"] for label in about["labels"]}
    best = max(shares, key=lambda label: shares[label])
    likeliest = f"“{short(best, 60)}” with a probability of {number(shares[best], 3)}"
    if not answer["known"]:
        why = "the sound is silent" if answer["flags"] else f"the likeliest is {likeliest}"
        return f"Don’t know: {why}"
    if answer["decided"] == best:
        return likeliest
    return f"“{short(answer['decided'], 60)}” costs least, though the likeliest is {likeliest}"


def _facts(about: dict[str, Any], start: float, stop: float) -> tuple[tuple[str, str], ...]:
    family = FAMILIES.get(about["family"])
    features = FEATURE_SETS[about["features"]["name"]]
    return (
        ("piece", f"{start:.2f} to {stop:.2f} s"),
        ("sampling rate", f"{about['rate']} Hz"),
        (
            "features",
            f"{about['features'].get('title') or features.name}, {len(features.names)}",
        ),
        ("model", family.title if family else str(about["family"])),
        ("model.onnx", f"SHA-256 {about['digests']['model.onnx'][:16]}…"),
    )


def _title(head: Head) -> Cell:
    lines = [
        f"# {_plain(head.sentence)}",
        "",
        f"How a model came to this answer about {_plain(head.name)}, from the samples to the decision.",
        "",
        *(f"- {name}: {_plain(text)}" for name, text in head.facts),
    ]
    return Cell("markdown", "\n".join(lines), "title")


def _plain(text: str) -> str:
    """Text that no Markdown takes for markup."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, entity)
    return SPECIAL.sub(r"\\\1", text)


def _said(book: Any, role: str) -> list[str]:
    """The lines that the cells of a role printed."""
    return [
        line
        for cell in book.cells
        if role in cell.metadata.get("tags", [])
        for output in cell.get("outputs", [])
        for line in str(output.get("text", "")).splitlines()
    ]
