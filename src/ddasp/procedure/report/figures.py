"""The pictures of the report, each with a title in words and its finding for those who don't see it.

*Conventions*: a function takes the run folder and returns a `Picture`, or None where the run holds
nothing to draw. A finding states the numbers that the eye would take from the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from ddasp import plot
from ddasp.audio.stft import frequencies, power_spectra
from ddasp.linear.pca import PCA
from ddasp.procedure.report.folder import RunFolder
from ddasp.procedure.report.players import Excerpt
from ddasp.procedure.report.tables import digits_for, estimate, known, number, scaled

__all__ = [
    "WORDS",
    "FeatureMap",
    "Picture",
    "feature_map",
    "greater_is_better",
    "histograms",
    "measure_name",
    "measure_title",
    "order_of_kinds",
    "picture",
    "search_path",
    "sound",
    "spot_forest",
    "spot_matrix",
    "spread_rows",
    "unit_of",
    "useful_from",
    "verdict_line",
]

FLOOR = -80.0
WORDS = {"nonlinear": "non-linear"}
PER_DECISION = " per decision"
KINDS = ("random split", "linear", "rule", "shortcut", "baseline")  # after the one of interest


@dataclass(frozen=True)
class Picture:
    """A figure of the page."""

    title: str
    svg: Markup
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class FeatureMap:
    """The map of the features, and which observation each mark stands for."""

    picture: Picture
    series: list[list[int]]


def picture(
    figure: plot.Figure, title: str, finding: str, caption: str = "", *, wide: bool = False
) -> Picture:
    """A figure as SVG, with its finding as alternative text."""
    return Picture(title, Markup(plot.to_svg(figure, alt=finding, title=title)), caption, wide)


def measure_title(run: RunFolder) -> str:
    """The deciding measure in words."""
    measure = run.evaluation.get("measure") or {}
    names = (measure.get("title"), measure.get("name"), run.spot_check.get("measure"))
    title = next((str(name) for name in names if name), "score")
    return title + PER_DECISION if str(measure.get("unit")).endswith(PER_DECISION) else title


def measure_name(run: RunFolder) -> str:
    """The deciding measure with its unit, as an axis names it."""
    unit = unit_of(run)
    return f"{measure_title(run)} / {unit}" if unit else measure_title(run)


def unit_of(run: RunFolder) -> str:
    """The unit of the deciding measure, "" for a share of one and for a cost."""
    unit = str((run.evaluation.get("measure") or {}).get("unit") or "")
    if unit.endswith(PER_DECISION):
        return ""
    return str(run.definition.get("unit") or "") if unit == "unit of the target" else unit


def greater_is_better(run: RunFolder) -> bool:
    """Direction of the deciding measure."""
    return bool((run.evaluation.get("measure") or {}).get("greater_is_better", True))


def useful_from(run: RunFolder) -> float | None:
    """The smallest value of use, None where it was left blank."""
    value = (run.evaluation.get("measure") or {}).get("useful_from")
    return None if value is None or not known(value) else float(value)


def verdict_line(run: RunFolder) -> Picture | None:
    """The decisive number against what is of use."""
    found = run.evaluation.get("estimate") or {}
    if not known(found.get("value")):
        return None
    low, high = (
        float(found[k] if known(found.get(k)) else found["value"]) for k in ("low", "high")
    )
    baselines = [b for b in run.evaluation.get("baselines") or [] if known(b.get("value"))]
    marks = [
        (str(b["name"]), float(b["value"]))
        for b in baselines
        if b["kind_word"] in ("baseline", "rule")
    ]
    use = useful_from(run)
    share = greater_is_better(run) and low >= 0 and high <= 1 and not unit_of(run)
    figure = plot.line_of_use(
        found["value"],
        low,
        high,
        quantity=measure_name(run),
        useful_from=use,
        references=marks[:2],
        limits=(0, 1) if share else None,
        greater_is_better=greater_is_better(run),
    )
    against = f"; useful from {use:g}" if use is not None else ""
    finding = f"{measure_title(run)} {estimate(found, unit_of(run))}{against}."
    return picture(figure, "The decisive number", finding)


def histograms(run: RunFolder) -> list[Picture]:
    """Durations and loudness of the files used."""
    frame = run.recordings
    if frame.empty:
        return []
    frame = frame[frame["status"] != "rejected"]
    pictures = []
    for column, quantity, unit in (("duration", "duration", "s"), ("loudness", "loudness", "LUFS")):
        values = frame[column].to_numpy(dtype=np.float64)
        values = values[np.isfinite(values)]
        if values.size < 2:
            continue
        low, middle, high = np.percentile(values, [5, 50, 95])
        finding = (
            f"{quantity} of {values.size} files: median {middle:.3g} {unit}, nine in ten lie "
            f"between {low:.3g} and {high:.3g} {unit}."
        )
        figure = plot.histogram(values, quantity=f"{quantity} / {unit}", count="files")
        pictures.append(picture(figure, f"{quantity.capitalize()} of the files", finding))
    return pictures


def spread_rows(rows: Sequence[int], kinds: Sequence[str], most: int) -> list[int]:
    """At most so many rows, dealt evenly over the kinds, the same ones every time."""
    if len(rows) <= most:
        return list(rows)
    frame = pd.DataFrame({"row": rows, "kind": kinds})
    order = np.random.default_rng(0).permutation(len(frame))
    frame = frame.iloc[order]
    frame["turn"] = frame.groupby("kind").cumcount()
    chosen = frame.sort_values(["turn", "kind"], kind="stable")["row"].head(most)
    return sorted(int(row) for row in chosen)


def plane(X: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two principal components of standardised features, and their shares of the variance."""
    X = np.asarray(X, dtype=np.float64)
    spread = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    if min(X.shape) < 2:
        return np.column_stack([X[:, 0], np.zeros(len(X))]), np.array([1.0, 0.0])
    pca = PCA(2).fit(X)
    return np.asarray(pca.transform(X)), np.asarray(pca.explained_variance_ratio_)


def feature_map(
    run: RunFolder, rows: list[int], kinds: list[str], marked: list[bool]
) -> FeatureMap | None:
    """Observations in the plane of two principal components of the chosen feature set.

    Parameters
    ----------
    rows : list of int
        Observations to draw.
    kinds : list of str
        Their categories.
    marked : list of bool
        Those whose sound the report holds.
    """
    name = str(run.chosen.get("features") or "")
    X = run.features(name) if name else None
    if X is None or len(X) < 3 or not rows or max(rows) >= len(X):
        return None
    points, share = plane(X.reshape(len(X), -1))
    order = sorted(set(kinds))
    axes = tuple(f"component {k + 1} ({100 * share[k]:.0f} % of variance)" for k in range(2))
    figure = plot.scatter(
        points[rows], kinds, names=(axes[0], axes[1]), order=order, marked=marked, width=720
    )
    series: list[list[int]] = [[] for _ in range(2 * len(order))]
    for row, kind, strong in zip(rows, kinds, marked, strict=True):
        series[order.index(kind) + (0 if strong else len(order))].append(row)
    finding = (
        f"{len(rows)} observations by the two principal components of {name}, which hold "
        f"{100 * share.sum():.0f} % of its variance; {len(order)} categories by colour and shape."
    )
    title = f"Map of the features ({name})"
    return FeatureMap(picture(figure, title, finding, wide=True), series)


def spot_rows(run: RunFolder) -> list[dict[str, Any]]:
    """Rows of the spot check under the equal budget: the first stage."""
    table = run.spot_check.get("table") or []
    return [row for row in table if row.get("stage") == table[0].get("stage")]


def spot_matrix(run: RunFolder) -> Picture | None:
    """Family by feature set."""
    rows = [r for r in spot_rows(run) if r["kind_word"] != "shortcut" and known(r["mean"])]
    families = list(dict.fromkeys(r["family"] for r in rows))
    sets = list(dict.fromkeys(r["features"] for r in rows))
    if len(families) < 2:
        return None
    z = np.full((len(families), len(sets)), np.nan)
    digits = digits_for(r["mean"] for r in rows)
    texts = [["" for _ in sets] for _ in families]
    for r in rows:
        i, j = families.index(r["family"]), sets.index(r["features"])
        z[i, j] = r["mean"]
        spread = f"\n± {number(r['spread'], digits)}" if known(r.get("spread")) else ""
        texts[i][j] = number(r["mean"], digits) + spread
    best = max(rows, key=lambda r: r["mean"] if greater_is_better(run) else -r["mean"])
    limits = (float(np.nanmin(z)), float(np.nanmax(z)))
    shade = z if greater_is_better(run) else -z
    figure = plot.matrix(
        shade,
        families,
        sets,
        row_name="family",
        column_name="feature set",
        texts=texts,
        limits=limits if greater_is_better(run) else (-limits[1], -limits[0]),
    )
    finding = (
        f"{measure_name(run)} of {len(rows)} pairs; the best is {best['family']} on "
        f"{best['features']} with {scaled(best['mean'])} ± {number(best['spread'], digits)}."
    )
    caption = "Mean ± standard deviation over the folds; darker is better."
    return picture(figure, "Which family on which features", finding, caption)


def spot_forest(run: RunFolder, most: int = 14) -> Picture | None:
    """The best pairs beside the best of each simple kind and the shortcuts."""
    rows = [r for r in spot_rows(run) if known(r["mean"])]
    sign = 1 if greater_is_better(run) else -1
    rows = sorted(rows, key=lambda r: -sign * r["mean"])
    simple: dict[str, dict[str, Any]] = {}
    for r in rows:
        key = r["features"] if r["kind_word"] == "shortcut" else r["kind_word"]
        simple.setdefault(key, r)
    shown = [r for k, r in enumerate(rows) if k < most - len(simple) or r in simple.values()]
    if not shown:
        return None
    mean = np.array([r["mean"] for r in shown])
    spread = np.array([r["spread"] if known(r.get("spread")) else np.nan for r in shown])
    names = [_pair(r) for r in shown]
    kinds = [WORDS.get(r["kind_word"], r["kind_word"]) for r in shown]
    figure = plot.forest(
        names,
        mean,
        mean - spread,
        mean + spread,
        quantity=measure_name(run),
        kinds=kinds,
        order=order_of_kinds("non-linear", kinds),
        useful_from=useful_from(run),
    )
    finding = f"From {names[0]} with {scaled(mean[0])} down to {names[-1]} with {scaled(mean[-1])}."
    caption = (
        f"The best {len(shown)} of {len(rows)} pairs, with the best of each simple kind and the "
        "shortcuts that must not score; bars: standard deviation over the folds."
    )
    return picture(figure, "The best, the simple and the shortcuts", finding, caption)


def order_of_kinds(first: str, kinds: list[str]) -> list[str]:
    """One look for a kind in all figures."""
    return list(dict.fromkeys([first, *KINDS, *kinds]))


def _pair(row: dict[str, Any]) -> str:
    if row.get("kind_word") == "shortcut":
        return f"{row['features']} only"
    return f"{row['family']} · {row['features']}"


def search_path(run: RunFolder) -> Picture | None:
    """Every configuration of the selection in its order."""
    trials = run.trials
    if trials.empty or trials["mean"].notna().sum() < 2:
        return None
    chosen = run.chosen.get("mean")
    figure = plot.path(
        trials["number"],
        trials["mean"],
        trials["se"].fillna(0.0),
        stages=trials["stage"].tolist(),
        quantity=measure_name(run),
        chosen=chosen if known(chosen) else None,
        greater_is_better=greater_is_better(run),
        width=720,
    )
    best = trials["mean"].max() if greater_is_better(run) else trials["mean"].min()
    finding = (
        f"{len(trials)} configurations; the best reaches {scaled(best, 3)}, the chosen one "
        f"{scaled(chosen, 3)}."
    )
    caption = "Points: mean over the folds; bars: its standard error."
    return picture(figure, "The path of the search", finding, caption, wide=True)


def sound(excerpt: Excerpt, name: str) -> Picture:
    """Waveform and spectrogram of an excerpt."""
    length = int(2 ** np.clip(np.round(np.log2(0.025 * excerpt.rate)), 5, 12))
    hop = max(1, min(length // 4, len(excerpt.signal) // 100 or 1))
    power = power_spectra(excerpt.signal, length, hop, n_fft=2 * length)
    loudest_power = float(power.max()) or 1.0  # of silence, everything lies below the floor
    levels = 10 * np.log10(np.maximum(power.T / loudest_power, 1e-20))
    bands = frequencies(2 * length, excerpt.rate)
    figure = plot.sound(excerpt.signal, excerpt.rate, levels, bands, floor=FLOOR)
    loudest = bands[power.sum(axis=0).argmax()]
    finding = (
        f"Waveform and spectrogram of {name}: {len(excerpt.signal) / excerpt.rate:.2f} s, most "
        f"energy near {loudest:.0f} Hz."
    )
    return picture(figure, name, finding)
