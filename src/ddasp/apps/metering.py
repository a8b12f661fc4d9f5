"""Levels and loudness of sound files, whatever their length, after EBU R 128.

*Conventions*: loudness in LUFS, its range in LU, peaks in dBTP and dBFS; silence is -inf, which JSON
writes as the word "-inf". A file is read block by block, so its length costs no memory.

*References*: EBU R 128 (2023); EBU Tech 3341 and 3342; ITU-R BS.1770-5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ddasp._errors import DdaspError
from ddasp._progress import Progress
from ddasp.apps.tables import print_table
from ddasp.audio.blocks import read_blocks
from ddasp.audio.loudness_meter import Meter
from ddasp.procedure import recordings

__all__ = ["COLUMNS", "measured", "show"]

COLUMNS = {
    "integrated": "integrated / LUFS",
    "range": "range / LU",
    "maximum_momentary": "max. momentary / LUFS",
    "maximum_short_term": "max. short-term / LUFS",
    "true_peak": "true peak / dBTP",
    "sample_peak": "peak / dBFS",
}
LONGEST = 1e6  # s
Row = dict[str, Any]


def measured(inputs: list[Path], progress: Progress) -> Iterator[Row]:
    """Measure each file.

    Parameters
    ----------
    inputs : list of Path
        Files, or folders of them.
    progress : Progress
        The display.

    Yields
    ------
    dict
        path, duration [s], rate [Hz], channels, flags, and the keys of `COLUMNS`; for a file that
        can't be used path, error, detail.
    """
    found = recordings.inputs(inputs)
    for path, shown in progress.track(found, "files", len(found)):
        try:
            yield {"path": shown} | _measured(path)
        except DdaspError as error:
            yield {"path": shown, "error": error.code, "detail": error.message}


def _measured(path: Path) -> Row:
    with read_blocks(path, max_duration=LONGEST) as blocks:
        meter = Meter(blocks.rate, blocks.n_channels, n_expected=max(blocks.declared, 0))
        for block in blocks:
            meter.push(block)
        about = {
            "duration": blocks.n_frames / blocks.rate,
            "rate": blocks.rate,
            "channels": blocks.n_channels,
            "flags": " ".join(blocks.flags),
        }
    return about | asdict(meter.loudness())


def show(rows: list[Row]) -> None:
    """The rows as a table for people; a file that can't be used has its reason."""
    head = ("file", *COLUMNS.values())
    cells = [
        (row["path"], row["error"], *[""] * (len(COLUMNS) - 1))
        if "error" in row
        else (row["path"], *(f"{row[key]:.1f}" for key in COLUMNS))
        for row in rows
    ]
    print_table(head, cells, right=tuple(COLUMNS.values()))
