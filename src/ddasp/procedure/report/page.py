"""The page: the parts in their order, the sounds within the budget, and what a browser may do with them.

*Conventions*: the page brings everything along. Its content security policy allows the one script and
the one style sheet by their digests, pictures and sounds from data, and nothing else: no request can
leave it, and text that looks like markup stays text.

*References*: Content Security Policy Level 3; WCAG 2.2.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ddasp import plot
from ddasp.procedure.report import contents, figures, words
from ddasp.procedure.report import figures_evaluation as evaluation
from ddasp.procedure.report.folder import RunFolder
from ddasp.procedure.report.players import Excerpt, Players, load
from ddasp.procedure.report.tables import count, estimate, number, params, power

__all__ = ["build"]

LARGEST = 20_000_000  # bytes of the file
MOST_POINTS = 1500  # of the map
MOST_WORST = 12
MOST_PAIRS = 10


def build(run: Path, sounds: Path, *, with_sounds: bool = True, players: int = 400) -> str:
    """The report as one HTML page.

    Parameters
    ----------
    run : Path
        The run folder.
    sounds : Path
        The folder of sounds.
    with_sounds : bool
        Whether sounds may travel with the report; pictures of them (waveform, spectrogram) are
        left out as well when they may not.
    players : int
        Sounds it holds at most.

    Returns
    -------
    str
        At most 20 MB.

    Raises
    ------
    RunError
        ``E-RUN`` when the run folder is damaged.
    """
    folder = RunFolder(Path(run))
    page = _render(folder, Path(sounds), most=players if with_sounds else 0, budget=LARGEST)
    if len(page.encode("utf-8", "replace")) > LARGEST:  # pictures took more than was set aside
        without = _render(folder, Path(sounds), most=0, budget=0)
        spare = LARGEST - len(without.encode("utf-8", "replace")) - 1_000_000
        page = _render(folder, Path(sounds), most=players, budget=max(0, spare))
    return page


def _render(folder: RunFolder, sounds: Path, *, most: int, budget: int) -> str:
    store = Players(sounds, most, max(0, budget - 4_000_000))
    context = {
        "run": folder,
        "worst": _worst(folder, store),
        "duplicates": _duplicates(folder, store),
        "map": _map(folder, store),
        **_parts(folder),
    }
    found = context["map"]
    n_small = sum(map(len, found.series[len(found.series) // 2 :])) if found else 0
    script, style = _asset("report.js"), plot.css() + _asset("style.css")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ddasp.procedure.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.ChainableUndefined,
    )
    environment.filters |= {
        "count": count,
        "number": number,
        "estimate": estimate,
        "params": params,
        "power": power,
        "reason": words.reason,
        "window": words.window_text,
    }
    return environment.get_template("report.html.jinja").render(
        **context,
        with_sounds=most > 0,
        n_players=len(store.data),
        n_small=n_small,
        policy=_policy(script, style),
        script=Markup(script),
        style=Markup(style),
        sound_data=_json(store.data),
        point_data=_json(_points(folder, store, context["map"])),
    )


def _asset(name: str) -> str:
    return resources.files("ddasp.procedure.report").joinpath(name).read_text("utf-8")


def _policy(script: str, style: str) -> str:
    """Content security policy: this script, this style sheet, data; nothing else."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


def _json(value: Any) -> Markup:
    """JSON inside a script element: no character that could end it."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _parts(run: RunFolder) -> dict[str, Any]:
    """Figures and tables of all steps."""
    return {
        "verdict": words.verdict(run),
        "line": figures.verdict_line(run),
        "facts": words.facts(run),
        "measure": words.capital(figures.measure_title(run)),
        "unit": figures.unit_of(run),
        "answers": words.answers(run),
        "sources": words.sources(run),
        "settings": contents.settings(run),
        "findings": contents.findings(run),
        "class_by_group": contents.class_by_group(run),
        "folds": contents.folds(run),
        "histograms": figures.histograms(run),
        "feature_sets": contents.feature_sets(run),
        "spot_figures": _some(figures.spot_matrix(run), figures.spot_forest(run)),
        "spot_table": contents.spot_table(run),
        "path": figures.search_path(run),
        "finalists": contents.finalists(run),
        "tried": contents.tried(run),
        "measures": contents.measures(run),
        "claims": evaluation.claims(run),
        "decisions": _some(
            evaluation.confusion(run),
            evaluation.per_class(run),
            evaluation.per_group(run),
            evaluation.calibration(run),
            evaluation.learning_curve(run),
            evaluation.threshold(run),
            *evaluation.regression(run),
        ),
        "robustness": evaluation.robustness(run),
        "per_class": contents.per_class(run),
        "outer": contents.outer(run),
        "card": words.card(run),
        "times": words.times(run),
    }


def _some(*pictures: figures.Picture | None) -> list[figures.Picture]:
    return [p for p in pictures if p is not None]


def _worst(run: RunFolder, store: Players) -> list[dict[str, Any]]:
    """The worst errors: what was decided, the sound and its picture where they may travel."""
    shown = []
    for row in (run.evaluation.get("worst") or [])[:MOST_WORST]:
        start, stop = row.get("start"), row.get("stop")
        place = (
            str(row["path"]),
            float(start or 0.0),
            float("inf") if stop is None else float(stop),
        )
        excerpt = load(store.sounds, *place) if store.most else None
        shown.append(
            {
                "name": place[0],
                "said": _said(row, run),
                "key": store.add(*place, excerpt=excerpt),
                "picture": _picture_of(excerpt, place[0]),
                "is_cut": bool(excerpt and excerpt.is_cut),
            }
        )
    return shown


def _picture_of(excerpt: Excerpt | None, name: str) -> figures.Picture | None:
    return figures.sound(excerpt, name) if excerpt is not None and len(excerpt.signal) > 1 else None


def _said(row: dict[str, Any], run: RunFolder) -> str:
    if "decided" in row:
        p = number(row.get("probability"))
        return f"is {row['label']}; decided: {row['decided']} (probability {p})"
    true, said = (number(row.get(key), 3) for key in ("target", "predicted"))
    unit = str(run.definition.get("unit") or "")
    return f"is {true} {unit}; predicted: {said} {unit}".strip()


def _duplicates(run: RunFolder, store: Players) -> dict[str, Any]:
    """Pairs of files that hold the same sound, the first few with players."""
    frame = run.duplicates
    pairs: list[dict[str, Any]] = []
    for row in frame.head(MOST_PAIRS).to_dict("records"):
        keys = [store.add(*_whole(run, str(row[side]))) for side in ("a", "b")]
        same = {name: str(row.get(name)) == "True" for name in ("same_label", "same_group")}
        pairs.append({str(k): v for k, v in row.items()} | same | {"keys": keys})
    return {"n": len(frame), "pairs": pairs}


def _map(run: RunFolder, store: Players) -> figures.FeatureMap | None:
    """The map; its sounds take what room the other players have left, dealt evenly over categories."""
    frame = run.observations
    if frame.empty:
        return None
    kinds = [str(k) for k in (frame["group"] if run.is_regression else frame["label"])]
    rows = figures.spread_rows(range(len(frame)), kinds, MOST_POINTS)
    free = max(0, store.most - len(store.data))
    for row in figures.spread_rows(rows, [kinds[r] for r in rows], free):
        store.add(*_place(run, row))
    marked = [bool(store.key(*_place(run, row))) for row in rows]
    if not any(marked):
        marked = [True] * len(rows)
    return figures.feature_map(run, rows, [kinds[r] for r in rows], marked)


def _whole(run: RunFolder, name: str) -> tuple[str, float, float]:
    """The first observation of a file; the file itself where it has none."""
    mine = run.observations.index[run.observations["path"] == name]
    return _place(run, int(mine[0])) if len(mine) else (name, 0.0, float("inf"))


def _place(run: RunFolder, row: int) -> tuple[str, float, float]:
    found = run.observations.iloc[row]
    return str(found["path"]), float(found["start"]), float(found["stop"])


def _points(
    run: RunFolder, store: Players, found: figures.FeatureMap | None
) -> list[list[dict[str, str]]]:
    """What each mark of the map stands for: its name, and the key of its sound."""
    if found is None:
        return []
    frame = run.observations

    def point(row: int) -> dict[str, str]:
        at = frame.iloc[row]
        start = f" at {at['start']:.2f} s" if at["start"] > 0 else ""
        words = [f"{at['path']}{start}", str(at["label"]), str(at["group"])]
        if run.is_regression:
            words[1] = f"{number(at['target'], 3)} {run.definition.get('unit') or ''}".strip()
        return {"name": " · ".join(w for w in words if w), "sound": store.key(*_place(run, row))}

    return [[point(row) for row in rows] for rows in found.series]
