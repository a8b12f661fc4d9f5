"""What a tuning leaves in a folder: events.json, events_curve.csv, events.svg.

*Conventions*: `events.json` holds the rules, the budget, what was measured on what, and the
sentences that a person should read; the curve is CSV with one row a setting, from the lowest rate
of false alarms on; the picture stands alone, follows the reader's light or dark preference and
brings its colours along. Each file is whole or absent.

*References*: RFC 4180; SVG 2, section 6.2 (style sheets).
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from ddasp import plot
from ddasp._errors import InputError
from ddasp._files import read_json, write_json, write_text
from ddasp.plot.trade_off import Mark, trade_off
from ddasp.procedure.event_scores import Measured, rate_below
from ddasp.procedure.events import Rules
from ddasp.procedure.tuning import Point, Tuning

__all__ = ["curve_rows", "figure", "read_rules", "write_tuning"]

NAMES = ("threshold", "hysteresis", "smoothing", "least")
STYLE = "svg{background:var(--surface);font-family:var(--font-text)}"


def write_tuning(folder: Path, tuning: Tuning, *, model: str = "") -> None:
    """Write the three files.

    Parameters
    ----------
    folder : Path
        Where; it is made where it is missing.
    tuning : Tuning
        The result.
    model : str
        Digest of the model that was heard, to tell later whether the rules are those of it.

    Raises
    ------
    RunError
        ``E-DISK`` when writing fails.
    """
    write_text(folder / "events_curve.csv", _csv(curve_rows(tuning)))
    write_text(folder / "events.svg", figure(tuning))
    write_json(folder / "events.json", {"model": model} | to_json(tuning))


def to_json(tuning: Tuning) -> dict[str, Any]:
    """All that `events.json` holds."""
    judged = tuning.judged
    return {
        "rules": {name: getattr(tuning.rules, name) for name in NAMES},
        "hop": tuning.hop,
        "labels": tuning.labels,
        "background": tuning.background,
        "budget": tuning.budget,
        "is_met": tuning.is_met,
        "is_proven": tuning.is_proven,
        "rate_below": rate_below(judged.n_false, judged.hours),
        "collar": tuning.collar,
        "measured": tuning.measured.to_json(),
        "held_out": tuning.held_out and tuning.held_out.to_json(),
        "by_label": {name: found.to_json() for name, found in tuning.by_label.items()},
        "streams": [
            {"name": name, "duration": duration, "n_true": n_true}
            for name, duration, n_true in tuning.streams
        ],
        "sentences": tuning.sentences(),
    }


def read_rules(path: Path) -> Rules:
    """The rules of an `events.json`.

    Parameters
    ----------
    path : Path
        The file, or the folder that holds it.

    Returns
    -------
    Rules

    Raises
    ------
    InputError
        ``E-MODEL`` when they are missing or not four numbers.
    """
    path = path / "events.json" if path.is_dir() else path
    if not path.exists():
        raise InputError("E-MODEL", f"{path} does not exist; make it with `ddasp tune`")
    found = read_json(path)
    rules = found.get("rules") if isinstance(found, dict) else None
    if not isinstance(rules, dict) or set(rules) != set(NAMES):
        raise InputError(
            "E-MODEL", f"{path} holds no rules; expected {', '.join(NAMES)} - was it edited?"
        )
    try:
        return Rules(**{name: float(rules[name]) for name in NAMES})
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("E-MODEL", f"{path} holds no usable rules: {error}") from error


def curve_rows(tuning: Tuning) -> list[dict[str, Any]]:
    """The curve as plain rows, one a setting.

    Parameters
    ----------
    tuning : Tuning
        The result.

    Returns
    -------
    list of dict
        The four numbers, counts, recall, false alarms per hour and precision with their intervals,
        latency [s], and whether it is the chosen setting; that one is always among them.
    """
    points = list(tuning.curve)
    if tuning.rules not in [point.rules for point in points]:
        points.append(Point(tuning.rules, tuning.measured))
    points.sort(key=lambda point: (point.measured.n_false, point.measured.n_found))
    return [_row(point, is_chosen=point.rules == tuning.rules) for point in points]


def _row(point: Point, *, is_chosen: bool) -> dict[str, Any]:
    found = point.measured
    row: dict[str, Any] = {name: getattr(point.rules, name) for name in NAMES}
    row |= {"n_true": found.n_true, "n_found": found.n_found, "n_false": found.n_false}
    named = (
        ("recall", found.recall),
        ("false_alarms_per_hour", found.rate),
        ("precision", found.precision),
    )
    for name, estimate in named:
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return row | {"latency": found.latency, "chosen": "true" if is_chosen else "false"}


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def figure(tuning: Tuning, *, alone: bool = True) -> str:
    """The curve as SVG.

    Parameters
    ----------
    tuning : Tuning
        The result.
    alone : bool
        With colours of its own, as a file; else fit for a page that has them.

    Returns
    -------
    str
        SVG.
    """
    points = [point.measured for point in tuning.curve]
    recalls, rates = [p.recall for p in points], [p.rate.value for p in points]
    marks = [_mark("chosen", tuning.measured)]
    if tuning.held_out is not None:
        marks.append(_mark("on held-out streams", tuning.held_out))
    drawn = trade_off(
        rates,
        [r.value for r in recalls],
        [r.low for r in recalls],
        [r.high for r in recalls],
        budget=tuning.budget,
        marks=marks,
    )
    svg = plot.to_svg(drawn, alt=tuning.sentences()[0], title="Recall over false alarms per hour")
    return _alone(svg) if alone else svg


def _mark(name: str, found: Measured) -> Mark:
    rate, recall = found.rate, found.recall
    return Mark(name, (rate.value, rate.low, rate.high), (recall.value, recall.low, recall.high))


def _alone(svg: str) -> str:
    """An SVG for a page as a file that brings its colours along."""
    head, _, rest = svg.partition(">")
    namespace = ' xmlns="http://www.w3.org/2000/svg"'
    return f"{head}{namespace}><style>{plot.css()}{STYLE}</style>{rest}\n"
