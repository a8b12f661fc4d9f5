"""Small models of every family on every feature set, as step 6 would leave them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ddasp._files import digest_file, write_bytes, write_json
from ddasp.audio.files import write
from ddasp.procedure.candidates import FAMILIES
from ddasp.procedure.features import FEATURE_SETS, VERSION, extract
from ddasp.procedure.graph import Decision, build_graph

RATE = 8000
LABELS = ("hiss", "hum", "ping")
QUICK: dict[str, dict[str, float]] = {
    "mlp": {"n_epochs": 5, "n_layers": 2, "width": 32},
    "cnn": {"n_epochs": 2},
    "forest": {"n_trees": 12},
    "tree": {"min_leaf": 2},
}


def burst(kind: int, rng: np.random.Generator, seconds: float | None = None) -> np.ndarray:
    """A burst of noise, a low tone or a decaying high tone."""
    n = int((seconds or rng.uniform(0.25, 0.5)) * RATE)
    t = np.arange(n) / RATE
    tone = np.sin(2 * np.pi * (0, 150, 800)[kind] * rng.uniform(0.8, 1.2) * t)
    x = (rng.standard_normal(n) / 3, tone, tone * np.exp(-t / 0.05))[kind] * np.hanning(n) ** 0.2
    return (rng.uniform(0.1, 0.8) * x + 0.003 * rng.standard_normal(n)).astype(np.float32)


@cache
def corpus() -> tuple[list[np.ndarray], np.ndarray]:
    """Thirty sounds and their classes."""
    rng = np.random.default_rng(3)
    y = np.arange(30) % 3
    return [burst(k, rng) for k in y], y


@cache
def table(features: str) -> np.ndarray:
    """The features of the corpus, (30, n_features)."""
    return np.stack(
        [extract(x, RATE, (features,), variants=False)[features][0] for x in corpus()[0]]
    )


@cache
def decision(features: str, family: str, kind: str, n_classes: int = 3) -> Decision:
    """A fitted model; with more classes than three, the others are unseen."""
    X, y = table(features), corpus()[1]
    model = FAMILIES[family].build(QUICK.get(family, {}), kind, 0, FEATURE_SETS[features].shape)
    if kind == "regression":
        model.fit(X, 40.0 * y + X[:, 0])
        return Decision(model)
    model.fit(X, y, n_classes=n_classes)
    names = (*LABELS, *(f"unseen {k}" for k in range(n_classes - 3)))
    return Decision(model, 1.7, names)


_contents: dict[tuple[int, str], tuple[Decision, bytes]] = {}


def content(made: Decision, features: str) -> bytes:
    """The graph of a decision, built once."""
    key = (id(made), features)
    if key not in _contents:
        built = build_graph(made, features, RATE).SerializeToString(deterministic=True)
        _contents[key] = (made, built)
    return _contents[key][1]


def about_of(made: Decision, features: str, family: str, **others: Any) -> dict[str, Any]:
    """The keys of ``model.json`` that a decision needs."""
    definition = FEATURE_SETS[features]
    return {
        "kind": "multi-class" if made.labels else "regression",
        "labels": list(made.labels),
        "rate": RATE,
        "window": None,
        "max_duration": 600.0,
        "features": {
            "name": features,
            "title": definition.title,
            "formula": definition.formula,
            "version": VERSION,
            "n": made.estimator.n_features,
        },
        "family": family,
        "params": {},
        "temperature": made.temperature,
        "half_width": 5.0 if made.estimator.kind == "regression" else None,
        "cost": None,
        "dont_know_below": 0.0,
        "card": {"question": "Which of three bursts is it?"},
    } | others


def write_model(folder: Path, made: Decision, features: str, family: str, **others: Any) -> Path:
    """A run folder that holds step 6 alone."""
    write_bytes(folder / "6_application" / "model.onnx", content(made, features))
    about = about_of(made, features, family, **others)
    about["digests"] = {"model.onnx": digest_file(folder / "6_application" / "model.onnx")}
    write_json(folder / "6_application" / "model.json", about)
    return folder


def write_sound(path: Path, signal: np.ndarray) -> Path:
    """A sound file."""
    write(path, np.asarray(signal, float)[:, np.newaxis], RATE)
    return path
