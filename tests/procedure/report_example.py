"""A small, plausible run folder in exactly the format that the six steps write, with its sounds.

It is made without running them, so that the report is tested for what it says and not for how
its input came about. ``python tests/procedure/report_example.py FOLDER`` writes every variant.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile

from ddasp._files import write_arrays, write_json, write_text

RATE = 16000
KITS = ("kit 1", "kit 2", "kit 3", "kit 4")
VOICES = ("kick", "snare", "hat")
FAMILIES = (
    ("majority", "baseline", 0.0),
    ("rule", "rule", 0.22),
    ("linear", "linear", 0.40),
    ("neighbours", "nonlinear", 0.38),
    ("svm", "nonlinear", 0.47),
    ("tree", "nonlinear", 0.25),
    ("forest", "nonlinear", 0.45),
    ("mlp", "nonlinear", 0.44),
)
SETS = {"levels": -0.12, "descriptors": -0.03, "mfcc": 0.0, "trajectories": 0.03}


def voice(name: str, rng: np.random.Generator, *, decay: float) -> np.ndarray:
    """A drum of 0.3 s: a falling sine, noise over a sine, or high-passed noise."""
    time = np.arange(int(0.3 * RATE)) / RATE
    noise = rng.normal(size=time.size)
    tone = np.sin(2 * np.pi * (60 * time + 40 * np.exp(-time * 30)))
    body = {"kick": tone, "snare": 0.5 * tone + 0.4 * noise, "hat": np.diff(noise, prepend=0.0)}
    signal = body.get(name, tone) * np.exp(-time / decay)
    return 0.5 * rng.uniform(0.2, 1.0) * signal / np.abs(signal).max()


def make_run(
    folder: Path,
    *,
    kind: str = "multi-class",
    nested: bool = False,
    groups: bool = True,
    labels: tuple[str, ...] = VOICES,
    name: str = "drums",
) -> tuple[Path, Path]:
    """Write ``folder/sounds`` and ``folder/run``; give back (run, sounds)."""
    rng = np.random.default_rng(7)
    run, sounds = folder / "run", folder / "sounds"
    (sounds / "takes").mkdir(parents=True, exist_ok=True)
    regression = kind == "regression"
    labels = labels[:2] if kind == "binary" else labels
    recordings = _recordings(sounds, rng, labels, groups=groups, regression=regression)
    used = [r for r in recordings if r["status"] != "rejected"]
    _csv(run / "2_preparation/recordings.csv", recordings)
    observations = [
        {
            "path": r["path"],
            "start": 0.0,
            "stop": r["duration"],
            "label": r["label"],
            "target": r["target"],
            "group": r["group"],
            "digest": r["digest"],
            "duplicate_set": -1,
        }
        for r in used
    ]
    observations[0]["duplicate_set"] = observations[1]["duplicate_set"] = 0
    _csv(run / "2_preparation/observations.csv", observations)
    _problem(run, kind, labels)
    _preparation(run, recordings, observations, rng, nested=nested, groups=groups)
    _spot_check(run, rng, regression=regression)
    _selection(run, rng, regression=regression)
    _evaluation(run, observations, rng, kind=kind, labels=labels, nested=nested, groups=groups)
    if nested:
        _tried(run)
    write_json(run / "opened.json", {"opened": 2})
    _application(run, labels, kind)
    _book(run, name)
    return run, sounds


def _csv(path: Path, rows: list[dict[str, Any]]) -> None:
    write_text(path, pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))


def _recordings(
    sounds: Path,
    rng: np.random.Generator,
    labels: tuple[str, ...],
    *,
    groups: bool,
    regression: bool,
) -> list[dict[str, Any]]:
    rows = []
    for number in range(60):
        label = labels[number % len(labels)]
        kit = KITS[number // 3 % 4]
        decay = float(rng.uniform(0.03, 0.12))
        kind = VOICES[number % len(labels) % 3]
        signal = voice(kind, rng, decay=decay)
        path = f"takes/{kind}_{kit.replace(' ', '')}_{number:02d}.wav"
        soundfile.write(sounds / path, signal, RATE, subtype="PCM_16")
        flags = {4: "W-CLIP", 9: "W-DC", 11: "W-SHORT W-RATE"}.get(number, "")
        rms = float(20 * np.log10(np.sqrt(np.mean(signal**2))))
        rows.append(
            {
                "path": path,
                "status": "warned" if flags else "used",
                "flags": flags,
                "detail": "3 of 4 800 samples stand at full scale" if number == 4 else "",
                "label": "" if regression else label,
                "target": decay if regression else np.nan,
                "group": kit if groups else "",
                "digest": hashlib.sha256(signal.tobytes()).hexdigest(),
                "duration": len(signal) / RATE,
                "rate": RATE if number != 11 else 44100,
                "channels": 1,
                "peak": float(20 * np.log10(np.abs(signal).max())),
                "rms": rms,
                "loudness": rms - 0.7 if number % 9 else "-inf",
                "clipped": 0.0,
                "dc": float(signal.mean()),
                "silent": 0.1,
                "declared": len(signal),
                "actual": len(signal),
            }
        )
    for path, code in (("empty.wav", "E-AUDIO-EMPTY"), ("notes.wav", "E-AUDIO-FORMAT")):
        (sounds / path).write_bytes(b"" if code.endswith("EMPTY") else b"not a sound")
        blank = dict.fromkeys(rows[0], np.nan)
        texts = {"path": path, "status": "rejected", "flags": code, "detail": "no samples"}
        rows.append({**blank, **texts, "label": "", "group": "", "digest": "", "loudness": ""})
    return sorted(rows, key=lambda row: str(row["path"]))


def _problem(run: Path, kind: str, labels: tuple[str, ...]) -> None:
    regression = kind == "regression"
    question = (
        "How long does a voice ring?" if regression else "Which voice of the drum machine is it?"
    )
    problem = {
        "problem": {
            "question": question,
            "purpose": "Sort a library of samples before they are played.",
            "affected": "Whoever looks for a sound and does not find it.",
            "cost_of_wrong_answer": "",
            "human_solution": "One listens; a hat has no low end.",
            "machine_needed": "20 000 samples are too many to listen to.",
            "kind": kind,
            "measure": "mae" if regression else "cost" if kind == "binary" else "",
            "useful_from": 0.02 if regression else 0.3 if kind == "binary" else 0.75,
            "positive": labels[1] if kind == "binary" else "",
            "unit": "s" if regression else "",
            "cost": {labels[1]: {labels[0]: 5.0}} if kind == "binary" else None,
        },
        "sounds": {
            "folder": "../sounds",
            "labels": "pattern",
            "group": "pattern",
            "window": None,
            "pattern": r"(?P<label>\w+)_(?P<group>kit\d)_\d+",
            "rate": None,
        },
        "preparation": {"features": list(SETS)},
        "spot_check": {
            "families": [family for family, _, _ in FAMILIES],
            "cap": 400,
            "survivors": 3,
        },
        "selection": {"trials": 10, "finalists": 3},
        "evaluation": {"sealed_share": 0.25, "dont_know_below": 0.4, "players": 60},
        "run": {"seed": 1},
    }
    write_json(run / "1_problem/problem.json", problem)
    write_text(run / "problem.toml", f"question = {json.dumps(question)}\n")


def _preparation(
    run: Path,
    recordings: list[dict[str, Any]],
    observations: list[dict[str, Any]],
    rng: np.random.Generator,
    *,
    nested: bool,
    groups: bool,
) -> None:
    n = len(observations)
    status = pd.Series([r["status"] for r in recordings]).value_counts()
    flags = pd.Series(" ".join(r["flags"] for r in recordings).split()).value_counts()
    if not groups:
        flags["W-NOGROUP"] = 1
    frame = pd.DataFrame(observations)
    write_json(
        run / "2_preparation/preparation.json",
        {
            "n_in": len(recordings),
            "n_used": int(status["used"]),
            "n_warned": int(status["warned"]),
            "n_rejected": int(status["rejected"]),
            "flags": flags.to_dict(),
            "labels": frame[frame.label != ""].label.value_counts().to_dict(),
            "groups": frame[frame.group != ""].group.value_counts().to_dict(),
            "n_observations": n,
            "set_aside": [
                {"label": "cowbell", "n": 1, "why": "One sound can't be learned and tested."}
            ],
            "label_source": "pattern",
            "group_source": "pattern" if groups else "none",
            "rate": RATE,
            "window": None,
            "ignored": {"hidden files": 2},
            "notes": ["2 files have another rate than the rest."],
        },
    )
    _csv(
        run / "2_preparation/duplicates.csv",
        [
            {
                "a": observations[0]["path"],
                "b": observations[1]["path"],
                "kind": "near",
                "similarity": 0.987,
                "same_label": True,
                "same_group": False,
            }
        ],
    )
    features = []
    codes = frame.label.astype("category").cat.codes.to_numpy()
    for size, (title, formula) in enumerate(
        (
            ("levels and loudness", "L = 10 log₁₀ (1/N Σ x²) dB"),
            ("spectral descriptors", "centroid = Σ f |X(f)|² / Σ |X(f)|²"),
            ("MFCC and deltas, statistics", "c = DCT(log M |X|²); mean and deviation over time"),
            ("time-normalised cepstral trajectories", "c(t) at 12 points of t/T, normalised"),
        )
    ):
        set_name = list(SETS)[size]
        d = 4 + 3 * size
        X = rng.normal(size=(3 if size > 1 else 1, n, d)).astype(np.float32)
        X[..., :3] += 2.5 * np.eye(3, dtype=np.float32)[codes % 3]
        write_arrays(run / f"2_preparation/features/{set_name}.npz", {"X": X})
        features.append(
            {
                "name": set_name,
                "title": title,
                "formula": formula,
                "n_features": d,
                "shape": None,
                "names": [f"{set_name} {i}" for i in range(d)],
                "units": ["dB"] * d,
                "n_variants": len(X),
            }
        )
    write_json(run / "2_preparation/features.json", features)
    folds = [[i for i in range(n) if i % 4 == k] for k in range(4)]
    fold_groups = [[kit] for kit in KITS] if groups else [[] for _ in KITS]
    why = "4 groups are fewer than ten: each is held out once, with steps 3 and 4 inside."
    write_json(
        run / "2_preparation/split.json",
        {
            "mode": "nested" if nested else "sealed",
            "why": why if nested else "A quarter of the sounds is sealed, by group and class.",
            "sealed": [] if nested else list(range(0, n, 4)),
            "development": list(range(n)) if nested else [i for i in range(n) if i % 4],
            "folds": folds,
            "fold_groups": fold_groups,
            "purged": [0, 1, 0, 0],
        },
    )


def _score(gain: float, *, regression: bool) -> float:
    return 0.06 - 0.09 * gain if regression else min(0.36 + gain, 0.97)


def _spot_check(run: Path, rng: np.random.Generator, *, regression: bool) -> None:
    table, scores = [], []
    pairs = [
        (f, k, s, g + (d if k != "baseline" else 0))
        for f, k, g in FAMILIES
        for s, d in SETS.items()
    ]
    pairs += [
        ("linear", "shortcut", s, g) for s, g in (("duration", 0.02), ("rate", 0), ("level", 0.09))
    ]
    for family, word, features, gain in pairs:
        if word in ("baseline", "rule") and features not in ("levels", "descriptors"):
            continue
        folds = [_score(gain + e, regression=regression) for e in rng.normal(0, 0.04, 4)]
        for fold, value in enumerate(folds):
            scores.append(
                {
                    "family": family,
                    "features": features,
                    "fold": fold,
                    "score": value,
                    "n_train": 43,
                    "n_test": 15,
                }
            )
        table.append(
            {
                "family": family,
                "features": features,
                "kind_word": word,
                "mean": float(np.mean(folds)),
                "spread": float(np.std(folds, ddof=1)),
                "se": float(np.std(folds, ddof=1) / 2),
                "n_parameters": int(rng.integers(1, 4000)),
                "stage": "equal budget",
            }
        )
    table += [
        {**row, "mean": row["mean"] * 1.02, "stage": "whole training sides"}
        for row in table[2:24:5]
    ]
    _csv(run / "3_spot_check/scores.csv", scores)
    statement = {
        "a": "svm on trajectories",
        "b": "rule on descriptors",
        "difference": 0.28,
        "low": 0.14,
        "high": 0.42,
        "p": 0.003,
        "p_corrected": 0.02,
        "n_compared": 24,
        "answer": "yes",
    }
    other = {
        **statement,
        "b": "linear on trajectories",
        "difference": 0.05,
        "low": -0.04,
        "high": 0.14,
        "p": 0.2,
        "p_corrected": 0.61,
        "answer": "not decided",
    }
    write_json(
        run / "3_spot_check/spot_check.json",
        {
            "measure": "mean absolute error" if regression else "accuracy",
            "cap": 400,
            "n_fits": 4 * len(table),
            "table": table,
            "statements": [
                {
                    "claim": "Is learning worth it over a hand-made rule?",
                    **statement,
                    "sentence": "Yes: svm on trajectories reaches 0.834, rule on descriptors 0.541 "
                    "(accuracy, difference +0.280 in favour of the former, 95 % interval +0.140 to "
                    "+0.420, p = 0.02 after correction for the best of 24).",
                },
                {
                    "claim": "Is non-linearity worth it over the linear model?",
                    **other,
                    "sentence": "Not decided by these folds: svm on trajectories reaches 0.834, linear on "
                    "trajectories 0.818 (accuracy, difference +0.050 in favour of the former, 95 % "
                    "interval -0.040 to +0.140, p = 0.61 after correction for the best of 24).",
                },
            ],
            "stages": [
                {
                    "name": "all pairs",
                    "n_pairs": len(table),
                    "n_folds": 4,
                    "cap": 400,
                    "n_fits": 4 * len(table),
                }
            ],
        },
    )


def _selection(run: Path, rng: np.random.Generator, *, regression: bool) -> None:
    trials = []
    for number in range(24):
        value = _score(
            0.4 + 0.12 * (1 - np.exp(-number / 9)) + rng.normal(0, 0.02), regression=regression
        )
        trials.append(
            {
                "number": number,
                "stage": "trial" if number < 20 else "whole training sides",
                "family": "svm" if number % 3 else "linear",
                "features": "trajectories",
                "params": json.dumps({"C": round(float(10 ** rng.normal()), 4)}),
                "enlarged": number % 2 == 0,
                "mean": value,
                "se": 0.02,
                "n_folds": 4,
                "n_train": 43,
                "kept": number % 4 == 0,
            }
        )
    _csv(run / "4_selection/trials.csv", trials)
    best = {
        "family": "svm",
        "features": "trajectories",
        "params": {"C": 3.2, "gamma": 0.01},
        "enlarged": True,
        "label": "svm on trajectories",
        "mean": _score(0.52, regression=regression),
        "se": 0.018,
        "n_parameters": 2210,
    }
    chosen = {
        **best,
        "label": "linear on trajectories",
        "family": "linear",
        "params": {"C": 0.7},
        "mean": _score(0.51, regression=regression),
        "n_parameters": 42,
    }
    candidates = [
        {
            "label": label,
            "mean": _score(g, regression=regression),
            "se": 0.018,
            "difference_to_best": 0.52 - g,
            "se_difference": 0.012,
            "order": order,
            "n_parameters": n,
            "within": within,
        }
        for label, g, order, n, within in (
            ("linear on trajectories", 0.51, 2, 42, True),
            ("svm on trajectories", 0.52, 4, 2210, True),
            ("forest on mfcc", 0.46, 6, 9000, False),
        )
    ]
    write_json(
        run / "4_selection/selection.json",
        {
            "chosen": chosen,
            "best": best,
            "candidates": candidates,
            "n_fits": 96,
            "temperature": 1.31,
            "rule": "The simplest within one standard error of the paired difference to the best.",
            "stages": [
                {"name": "first", "n_pairs": 12, "n_folds": 4, "cap": 400, "n_fits": 48},
                {"name": "second", "n_pairs": 12, "n_folds": 4, "cap": 400, "n_fits": 48},
            ],
        },
    )


def _decisions(
    frame: pd.DataFrame, rng: np.random.Generator, labels: tuple[str, ...]
) -> tuple[list[str], np.ndarray]:
    logits = rng.normal(size=(len(frame), len(labels)))
    logits[np.arange(len(frame)), [labels.index(x) for x in frame.label]] += 2.3
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return [labels[k] for k in p.argmax(axis=1)], p


def _evaluation(
    run: Path,
    observations: list[dict[str, Any]],
    rng: np.random.Generator,
    *,
    kind: str,
    labels: tuple[str, ...],
    nested: bool,
    groups: bool,
) -> None:
    frame = pd.DataFrame(observations)
    tested = frame if nested else frame.iloc[::4]
    predictions = tested[["path", "start", "stop", "group"]].copy()
    predictions.insert(0, "observation", tested.index)
    predictions["fold"] = [int(i) % 4 if nested else -1 for i in tested.index]
    regression = kind == "regression"
    per_class: list[dict[str, Any]] = []
    confusion = None
    if regression:
        predictions["target"] = tested.target
        predictions["predicted"] = tested.target + rng.normal(0, 0.012, len(tested))
        predictions["residual"] = predictions.predicted - predictions.target
        predictions["known"] = True
    else:
        predictions["label"] = tested.label
        predictions["decided"], p = _decisions(tested, rng, labels)
        for k, label in enumerate(labels):
            predictions[f"p:{label}"] = p[:, k]
        predictions["probability"] = p.max(axis=1)
        predictions["correct"] = predictions.label == predictions.decided
        predictions["known"] = p.max(axis=1) > 0.4
        counts = pd.crosstab(predictions.label, predictions.decided).reindex(
            index=list(labels), columns=list(labels), fill_value=0
        )
        confusion = {"labels": list(labels), "counts": counts.to_numpy().tolist()}
        for k, label in enumerate(labels):
            c = counts.to_numpy()
            recall = c[k, k] / max(c[k].sum(), 1)
            per_class.append(
                {
                    "label": label,
                    "n": int(c[k].sum()),
                    "recall": recall,
                    "precision": c[k, k] / max(c[:, k].sum(), 1),
                    "f1": recall * 0.97,
                    "low": max(recall - 0.15, 0),
                    "high": min(recall + 0.12, 1),
                }
            )
    write_text(
        run / "5_evaluation/predictions.csv", predictions.to_csv(index=False, lineterminator="\n")
    )
    value, low, high = (0.0098, 0.0071, 0.0125) if regression else (0.81, 0.72, 0.90)
    measure = {
        "name": "mae" if regression else "accuracy",
        "title": "mean absolute error" if regression else "accuracy",
        "unit": "unit of the target" if regression else "",
        "definition": "Mean of |predicted − true|."
        if regression
        else "Share of observations that are decided correctly: (1/N) Σ 1[ŷᵢ = yᵢ].",
        "greater_is_better": not regression,
        "useful_from": 0.02 if regression else 0.75,
    }
    if kind == "binary":
        value, low, high = 0.24, 0.17, 0.34
        measure = {
            "name": "cost",
            "title": "mean cost",
            "unit": "cost per decision",
            "definition": "Mean of the cost matrix over decisions.",
            "greater_is_better": False,
            "useful_from": 0.3,
        }
    near = {"value": value, "low": low, "high": high}
    word = "useful" if regression else "not decided"
    wrong = predictions if regression else predictions[~predictions.correct]
    size = max(high - low, 0.01)
    write_json(
        run / "5_evaluation/evaluation.json",
        {
            "mode": "nested" if nested else "sealed",
            "n_fits": 400,
            "why": "4 groups are fewer than ten."
            if nested
            else "15 sounds were sealed before anything was learned.",
            "speaks_of": "the procedure" if nested else "the deployed model",
            "measure": measure,
            "estimate": {
                **near,
                "method": "t interval on the groups' means",
                "n_groups": 4 if groups else 0,
                "n_observations": len(tested),
            },
            "verdict": {
                "word": word,
                "groups_more": None if regression else 9,
                "sentence": "Useful: mean absolute error 0.0098 (95 % interval 0.0071 to 0.0125) is below "
                "0.02."
                if regression
                else f"Not decided at this sample size: {measure['title']} {value} (95 % interval {low} "
                f"to {high}) may lie on either side of {measure['useful_from']}. If the estimate "
                "stays as it is, about 9 more groups would show it useful.",
            },
            "measures": [
                {
                    "name": measure["name"],
                    **near,
                    "method": "t on groups",
                    "unit": measure["unit"],
                    "title": measure["title"],
                },
                {
                    "name": "r2" if regression else "macro_f1",
                    "title": "R²" if regression else "macro F1",
                    "value": 0.79,
                    "low": 0.7,
                    "high": 0.88,
                    "method": "bootstrap-t over groups",
                    "unit": "",
                },
            ],
            "baselines": [
                {
                    "name": name,
                    "kind_word": word_,
                    "value": v,
                    "low": v - 0.2 * size,
                    "high": v + 0.2 * size,
                }
                for name, word_, v in (
                    (("mean", "baseline", 0.028), ("rule on levels", "rule", 0.021))
                    if regression
                    else (
                        ("majority", "baseline", 0.36),
                        ("rule on descriptors", "rule", 0.55),
                        ("duration only", "shortcut", 0.37),
                    )
                )
            ],
            "confusion": confusion,
            "per_class": per_class,
            "per_group": [
                {
                    "group": kit,
                    "n": 15,
                    "value": value + d * size,
                    "low": value + (d - 0.3) * size,
                    "high": value + (d + 0.3) * size,
                }
                for kit, d in zip(KITS, (0.3, -0.4, 0.1, 0.0), strict=True)
            ]
            if groups
            else [],
            "calibration": None if regression else _calibration(),
            "dont_know": None
            if regression
            else {"below": 0.4, "share": 0.07, "accuracy_decided": 0.84},
            "threshold": {
                "cost_matrix": [[0, 1], [5, 0]],
                "labels": list(labels),
                "threshold": 0.22,
                "curve": [
                    {"threshold": t, "cost": 0.24 + 1.5 * (t - 0.22) ** 2}
                    for t in np.linspace(0, 1, 41).tolist()
                ],
            }
            if kind == "binary"
            else None,
            "learning_curve": [
                {
                    "share": s,
                    "n_train": int(45 * s),
                    "value": value + sign * size * (1 - s),
                    "low": value + sign * size * (1 - s) - size / 2,
                    "high": value + sign * size * (1 - s) + size / 2,
                }
                for s in (0.25, 0.5, 0.75, 1.0)
                for sign in [1 if measure["greater_is_better"] is False else -1]
            ],
            "robustness": [{"condition": "undisturbed", "amount": 0.0, "unit": "", **near}]
            + [
                {
                    "condition": c,
                    "amount": a,
                    "unit": u,
                    "value": value + sign * size * k / 2,
                    "low": value + sign * size * k / 2 - size / 3,
                    "high": value + sign * size * k / 2 + size / 3,
                }
                for c, u, amounts in (
                    ("noise", "dB SNR", (30, 20, 10, 0)),
                    ("level", "dB", (-20, -6, 6)),
                    ("band limit", "Hz", (8000, 4000, 2000)),
                    ("reverberation", "s", (0.3, 0.8)),
                )
                for k, a in enumerate(amounts)
                for sign in [1 if measure["greater_is_better"] is False else -1]
            ],
            "random_split": {
                "value": value
                + (-0.5 if not measure["greater_is_better"] else 1)
                * 0.14
                * (0.05 if regression else 1),
                "low": value,
                "high": high,
                "n_folds": 5,
            }
            if groups
            else None,
            "outer": [
                {
                    "fold": k,
                    "groups": [kit],
                    "n_train": 45,
                    "n_test": 15,
                    "value": value + d * size,
                    "n_fits": 100,
                    "chosen": {
                        "family": "svm",
                        "features": "trajectories",
                        "params": {"C": 2.0},
                        "enlarged": True,
                    },
                }
                for k, (kit, d) in enumerate(zip(KITS, (0.3, -0.4, 0.1, 0.0), strict=True))
            ]
            if nested
            else [],
            "worst": wrong.head(12).to_dict("records"),
            "residuals": {"half_width": 0.021, "coverage": 0.93, "level": 0.95}
            if regression
            else None,
        },
    )


def _tried(run: Path) -> None:
    rows = [
        {
            "fold": k,
            "stage": "trial",
            "family": "svm",
            "features": "mfcc",
            "params": '{"C": 1.5}',
            "enlarged": False,
            "mean": 0.7 + k / 50,
            "n_train": 45,
        }
        for k in range(4)
        for _ in range(3)
    ]
    _csv(run / "5_evaluation/tried.csv", rows)


def _calibration() -> dict[str, Any]:
    def bins(gap: float) -> list[dict[str, float]]:
        return [
            {
                "low": k / 5,
                "high": (k + 1) / 5,
                "confidence": k / 5 + 0.1,
                "n": [0, 3, 8, 14, 33][k],
                "accuracy": max(k / 5 + 0.1 - gap, 0),
                "acc_low": max(k / 5 - 0.1 - gap, 0),
                "acc_high": min(k / 5 + 0.25 - gap, 1),
            }
            for k in range(5)
        ]

    return {
        "temperatures": [1.31],
        "ece_before": 0.11,
        "ece_after": 0.04,
        "bins": bins(0.03),
        "bins_before": bins(0.12),
    }


def _application(run: Path, labels: tuple[str, ...], kind: str) -> None:
    card = {
        "question": "Which voice is it?",
        "data": "60 sounds of 4 kits",
        "limits": "Other machines are untested.",
    }
    write_json(
        run / "6_application/model.json",
        {
            "labels": list(labels) if kind != "regression" else [],
            "kind": kind,
            "rate": RATE,
            "window": None,
            "features": {
                "name": "trajectories",
                "title": "time-normalised cepstral trajectories",
                "n": 13,
            },
            "family": "linear",
            "params": {"C": 0.7},
            "temperature": 1.31,
            "dont_know_below": 0.4,
            "threshold": 0.22 if kind == "binary" else None,
            "card": card,
            "digests": {"model.onnx": "a" * 64},
            "proof": {"n": 60, "max_difference": 3e-7, "near_threshold": 0},
        },
    )


def _book(run: Path, name: str) -> None:
    write_json(
        run / "run.json",
        {
            "name": name,
            "version": "0.1.0",
            "python": "3.11.9",
            "platform": "Linux x86_64",
            "seed": 1,
            "versions": {"numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.7.2"},
            "command": "ddasp run problem.toml",
            "sounds": "sounds",
            "corpus_digest": "b" * 64,
            "steps": {
                s: hashlib.sha256(s.encode()).hexdigest()
                for s in (
                    "1_problem",
                    "2_preparation",
                    "3_spot_check",
                    "4_selection",
                    "5_evaluation",
                    "6_application",
                )
            },
        },
    )
    fits = {
        f"{f}/{s}": {"fit_s": 0.01 * (i + 1), "apply_s_per_second": 1e-4}
        for i, (f, _, _) in enumerate(FAMILIES)
        for s in SETS
    }
    write_json(
        run / "times.json",
        {
            "1_problem": 0.1,
            "2_preparation": 3.2,
            "3_spot_check": 8.7,
            "4_selection": 20.4,
            "5_evaluation": 12.0,
            "6_application": 1.3,
            "fits": fits,
        },
    )


VARIANTS: dict[str, dict[str, Any]] = {
    "multi": {},
    "nested": {"nested": True},
    "regression": {"kind": "regression"},
    "binary": {"kind": "binary"},
    "no_groups": {"groups": False},
}

if __name__ == "__main__":
    for variant, options in VARIANTS.items():
        print(make_run(Path(sys.argv[1]) / variant, **options))
