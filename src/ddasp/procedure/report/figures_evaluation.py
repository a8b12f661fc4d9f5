"""The pictures of step 5: what was found, what was confused, and how it holds up.

*Conventions*: as in `figures`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ddasp import plot
from ddasp.procedure.report.figures import (
    WORDS,
    Picture,
    greater_is_better,
    measure_name,
    order_of_kinds,
    picture,
    useful_from,
)
from ddasp.procedure.report.folder import RunFolder
from ddasp.procedure.report.tables import estimate, known, number, scaled

__all__ = [
    "calibration",
    "claims",
    "confusion",
    "learning_curve",
    "per_class",
    "per_group",
    "regression",
    "robustness",
    "threshold",
]


def claims(run: RunFolder) -> Picture | None:
    """The honest estimate beside what a random split would have claimed, and the baselines."""
    e = run.evaluation
    honest, random = e.get("estimate"), e.get("random_split")
    if not honest:
        return None
    rows = [("this evaluation", "this evaluation", honest)]
    rows += [("a random split", "random split", random)] if random else []
    rows += [
        (str(b["name"]), WORDS.get(b["kind_word"], b["kind_word"]), b)
        for b in e.get("baselines") or []
    ]
    rows = [row for row in rows if known(row[2].get("value"))]
    if len(rows) < 2:
        return None
    figure = plot.forest(
        [name for name, _, _ in rows],
        *_columns([row for _, _, row in rows]),
        kinds=(kinds := [kind for _, kind, _ in rows]),
        order=order_of_kinds("this evaluation", kinds),
        quantity=measure_name(run),
        useful_from=useful_from(run),
    )
    finding = "; ".join(f"{name}: {estimate(row)}" for name, _, row in rows) + "."
    caption = "Bars: 95 % intervals; that of the random split counts every sound as independent."
    return picture(
        figure, "What was found, and what else would have been claimed", finding, caption
    )


def _columns(rows: Iterable[dict[str, Any]]) -> tuple[list[float], list[float], list[float]]:
    rows = list(rows)
    value, low, high = (
        [float(r[k]) if known(r.get(k)) else float("nan") for r in rows]
        for k in ("value", "low", "high")
    )
    return value, low, high


def confusion(run: RunFolder) -> Picture | None:
    """What was taken for what."""
    found = run.evaluation.get("confusion")
    if not found:
        return None
    counts = np.asarray(found["counts"])
    labels = found["labels"]
    off = counts - np.diag(np.diag(counts))
    worst = np.unravel_index(off.argmax(), off.shape)
    finding = f"{int(np.trace(counts))} of {int(counts.sum())} decisions are right"
    if off.max() > 0:
        finding += (
            f"; most often {labels[worst[0]]} was taken for {labels[worst[1]]} ({off.max()} times)"
        )
    caption = "Rows: what it is; columns: what was decided. Shade: share of the row."
    wide = len(labels) > 10
    return picture(plot.confusion(counts, labels), "Confusion", finding + ".", caption, wide=wide)


def per_class(run: RunFolder) -> Picture | None:
    """Recall of each class."""
    rows = run.evaluation.get("per_class") or []
    if not rows or len(rows) > 60:
        return None
    rows = [{**r, "value": r["recall"]} for r in rows]
    figure = plot.forest(
        [f"{r['label']} ({r['n']})" for r in rows], *_columns(rows), quantity="recall"
    )
    lowest = min(rows, key=lambda r: r["value"] if known(r["value"]) else 2)
    finding = f"The lowest recall is that of {lowest['label']}: {estimate(lowest)}."
    caption = "Share of each class that was recognised, with 95 % interval; in brackets: sounds."
    return picture(figure, "Per class", finding, caption)


def per_group(run: RunFolder) -> Picture | None:
    """The measure for each group that was held out."""
    rows = [r for r in run.evaluation.get("per_group") or [] if known(r.get("value"))]
    if not rows:
        return None
    sign = -1 if greater_is_better(run) else 1
    rows = sorted(rows, key=lambda r: sign * r["value"])
    shown = rows if len(rows) <= 40 else rows[:20] + rows[-20:]
    overall = run.evaluation["estimate"]["value"]
    figure = plot.forest(
        [f"{r['group']} ({r['n']})" for r in shown],
        *_columns(shown),
        quantity=measure_name(run),
        reference=("overall", overall),
    )
    first, last = rows[0], rows[-1]
    finding = (
        f"From {first['group']} with {scaled(first['value'])} to {last['group']} with "
        f"{scaled(last['value'])}."
    )
    caption = "Each group with its own interval over sounds; in brackets: sounds."
    if len(rows) > 40:
        caption += f" The best and the worst 20 of {len(rows)}."
    return picture(figure, "Per group", finding, caption)


def calibration(run: RunFolder) -> Picture | None:
    """Whether probabilities mean what they say."""
    found = run.evaluation.get("calibration")
    bins = [b for b in (found or {}).get("bins") or [] if known(b.get("confidence")) and b["n"]]
    if not found or not bins:
        return None
    before = [b for b in found.get("bins_before") or [] if known(b.get("confidence")) and b["n"]]
    figure = plot.reliability(
        *([b[k] for b in bins] for k in ("confidence", "accuracy", "acc_low", "acc_high", "n")),
        before=([b["confidence"] for b in before], [b["accuracy"] for b in before])
        if before
        else None,
    )
    finding = (
        f"Expected calibration error {number(found['ece_before'], 3)} before and "
        f"{number(found['ece_after'], 3)} after calibration."
    )
    caption = (
        "On the dashed line, decisions held at 0.8 are right 80 times in a hundred. "
        f"Bars at the bottom: how many decisions ({sum(b['n'] for b in bins)} in all)."
    )
    return picture(figure, "Do the probabilities mean what they say?", finding, caption)


def learning_curve(run: RunFolder) -> Picture | None:
    """The measure over the number of sounds learned from."""
    rows = [r for r in run.evaluation.get("learning_curve") or [] if known(r.get("value"))]
    if len(rows) < 2:
        return None
    figure = plot.learning_curve(
        [r["n_train"] for r in rows],
        *_columns(rows),
        quantity=measure_name(run),
        useful_from=useful_from(run),
    )
    first, last = rows[0], rows[-1]
    finding = (
        f"From {scaled(first['value'])} with {first['n_train']} sounds to {scaled(last['value'])} "
        f"with {last['n_train']}."
    )
    return picture(figure, "Would more sounds help?", finding, "Bars: 95 % intervals.")


def robustness(run: RunFolder) -> Picture | None:
    """The measure under degradations."""
    rows = [r for r in run.evaluation.get("robustness") or [] if known(r.get("value"))]
    undisturbed = next((r["value"] for r in rows if r["condition"] == "undisturbed"), None)
    if undisturbed is None:
        undisturbed = run.evaluation.get("estimate", {}).get("value")
    kinds = [k for k in dict.fromkeys(r["condition"] for r in rows) if k != "undisturbed"]
    if not kinds:
        return None
    conditions: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        mine = [r for r in rows if r["condition"] == kind]
        value, low, high = _columns(mine)
        conditions[kind] = {
            "amount": [r["amount"] for r in mine],
            "unit": mine[0]["unit"],
            "value": value,
            "low": low,
            "high": high,
        }
    figure = plot.robustness(
        conditions, quantity=measure_name(run), reference=undisturbed, width=900
    )
    sign = 1 if greater_is_better(run) else -1
    worst = min(
        (r for r in rows if r["condition"] != "undisturbed"), key=lambda r: sign * r["value"]
    )
    finding = (
        f"Undisturbed {scaled(undisturbed)}; hardest is {worst['condition']} at {worst['amount']:g} "
        f"{worst['unit']} with {scaled(worst['value'])}."
    )
    caption = (
        "Held-out sounds, degraded; the dashed line is the same sounds undisturbed; "
        "bars: 95 % intervals."
    )
    return picture(figure, "What the world may do to a recording", finding, caption, wide=True)


def threshold(run: RunFolder) -> Picture | None:
    """Mean cost over the threshold."""
    found = run.evaluation.get("threshold")
    curve = [p for p in (found or {}).get("curve") or [] if known(p.get("cost"))]
    if not found or len(curve) < 2:
        return None
    chosen = found.get("threshold")
    figure = plot.curve(
        [p["threshold"] for p in curve],
        [p["cost"] for p in curve],
        x_name=f"threshold on the probability of {found['labels'][-1]}",
        y_name="mean cost / decision",
        chosen=("from the cost matrix:", chosen) if known(chosen) else None,
    )
    lowest = min(curve, key=lambda p: p["cost"])
    finding = (
        f"The cost matrix puts the threshold at {scaled(chosen)}; these sounds cost least at "
        f"{scaled(lowest['threshold'])}."
    )
    return picture(figure, "What a threshold costs", finding, finding)


def regression(run: RunFolder) -> list[Picture]:
    """Predicted over true value, and residuals."""
    frame = run.predictions
    if not {"target", "predicted"} <= set(frame.columns):
        return []
    unit = str(run.definition.get("unit") or "")
    quantity = f"value / {unit}" if unit else "value"
    found = run.evaluation.get("residuals") or {}
    half = found.get("half_width") if known(found.get("half_width")) else None
    target, predicted = frame["target"].to_numpy(), frame["predicted"].to_numpy()
    error = predicted - target
    r = (
        float(np.corrcoef(target, predicted)[0, 1])
        if len(frame) > 2 and np.ptp(predicted) > 0
        else np.nan
    )
    band = (
        f" Band: the {100 * found.get('level', 0.9):.0f} % interval of one prediction."
        if half
        else ""
    )
    return [
        picture(
            plot.agreement(target, predicted, quantity=quantity, half_width=half),
            "Predicted against true",
            f"{len(frame)} held-out sounds, correlation {number(r)}.",
            "Dashed: agreement." + band,
        ),
        picture(
            plot.residuals(predicted, error, quantity=quantity, half_width=half),
            "Is the error the same everywhere?",
            f"Mean error {scaled(error.mean(), 3)}, standard deviation {scaled(error.std(), 3)}.",
            "Dashed: no error." + band,
        ),
    ]
