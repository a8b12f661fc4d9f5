"""Step 6, application: the model as data, and its use on files and folders.

``model.onnx`` takes features and gives probabilities (or a value); ``model.json`` holds all else that a
decision needs: labels, analysis rate, window, feature definition, calibration, threshold, and a card
that says what it was made from and how good it is. Both are written only after the graph has shown
that it decides as the estimator does.

*Conventions*: a decision is made on the analysis window that the problem declares, or on the whole
file; features come from the very function that training used.

*References*: Mitchell et al. 2019, "Model cards for model reporting".
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ddasp
from ddasp._errors import DdaspError, InputError, RunError
from ddasp._files import digest_file, read_json, write_bytes, write_json
from ddasp.procedure import graph, preparation, recordings
from ddasp.procedure.calibration import decide
from ddasp.procedure.features import FEATURE_SETS, VERSION, extract
from ddasp.procedure.fits import Candidate, Data, Index, fit, seed_of, subset
from ddasp.procedure.problem import Problem

__all__ = ["apply", "deploy", "installed"]

N_PROOF = 256
TOLERANCE = 1e-5
AUDIBLE = 1e-3  # of full scale, -60 dBFS


def installed(package: str) -> bool:
    """Whether an optional package can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None


def deploy(
    folder: Path,
    asked: Problem,
    data: Data,
    stored: preparation.Prepared,
    choice: dict[str, Any],
    summary: dict[str, Any],
    *,
    seed: int,
    digests: dict[str, str],
) -> None:
    """Learn the chosen candidate, prove its graph, and write model.onnx and model.json.

    Raises
    ------
    RunError
        ``E-MODEL`` when the graph decides otherwise than the estimator; nothing is written then.
    """
    sealed = stored.split.mode == "sealed"
    train = stored.split.purged_development if sealed else np.arange(len(data.y))
    held_out = stored.split.sealed if sealed else train
    candidate = Candidate.from_json(choice["chosen"])
    # the seed of outer fold 0: sealed, this is the very model that was evaluated
    estimator = fit(data, candidate, train, seed=seed_of(seed, "outer", 0))
    table = data.tables[candidate.features]
    model = graph.build_graph(
        estimator,
        temperature=choice["temperature"],
        labels=data.labels,
        n_features=table.X.shape[2],
        kind=data.kind,
    )
    X = table.rows(subset(data, held_out, N_PROOF, seed=seed))
    proof = graph.prove(model, estimator, X, temperature=choice["temperature"])
    if proof.max_difference > TOLERANCE:
        raise RunError(
            "E-MODEL",
            f"the graph differs from the estimator by {proof.max_difference:.2g} on {proof.n} sounds; "
            f"expected at most {TOLERANCE:g}",
        )
    content = model.SerializeToString(deterministic=True)
    path = folder / "model.onnx"
    write_bytes(path, content)
    definition = FEATURE_SETS[candidate.features]
    write_json(
        folder / "model.json",
        {
            "ddasp": ddasp.__version__,
            "kind": asked.kind,
            "labels": data.labels,
            "rate": stored.summary["rate"],
            "window": None if asked.sounds.window is None else asked.sounds.window.model_dump(),
            "max_duration": asked.sounds.max_duration,
            "features": {
                "name": definition.name,
                "title": definition.title,
                "formula": definition.formula,
                "version": VERSION,
                "n": table.X.shape[2],
            },
            "family": candidate.family,
            "params": dict(candidate.params),
            "enlarged": candidate.enlarged,
            "n_parameters": estimator.n_parameters,
            "temperature": choice["temperature"],
            "half_width": choice["half_width"],
            "cost": None if asked.kind == "regression" else _listed(asked.cost_matrix(data.labels)),
            "dont_know_below": asked.evaluation.dont_know_below,
            "proof": {
                "n": proof.n,
                "max_difference": proof.max_difference,
                "near_threshold": proof.near_threshold,
                "tolerance": TOLERANCE,
            },
            "card": _card(asked, data, summary, train),
            "digests": digests | {"model.onnx": digest_file(path)},
        },
    )


def _listed(cost: NDArray[np.float64] | None) -> list[list[float]] | None:
    return None if cost is None else cost.tolist()


def _card(asked: Problem, data: Data, summary: dict[str, Any], train: Index) -> dict[str, Any]:
    """What a person should know before using the model."""
    groups = sorted(set(data.groups[train]) - {""})
    return {
        "question": asked.definition.question,
        "purpose": asked.definition.purpose,
        "affected": asked.definition.affected,
        "cost_of_wrong_answer": asked.definition.cost_of_wrong_answer,
        "learned_from": f"{len(train)} sounds of {len(groups)} groups"
        if groups
        else f"{len(train)} sounds, groups unknown",
        "measure": summary["measure"]["name"],
        "estimate": summary["estimate"],
        "verdict": summary["verdict"]["sentence"],
        "mode": summary["mode"],
        "speaks_of": summary["speaks_of"],
        "limits": "Valid for sounds like those it was learned and tested on; other sources, rooms and "
        "devices have not been tested beyond the robustness table of the report.",
    }


def apply(run: Path, inputs: list[Path]) -> Iterator[dict[str, Any]]:
    """Decide on files and folders with a run's model.

    Parameters
    ----------
    run : Path
        A run folder, or its ``6_application``.
    inputs : list of Path
        Sound files, or folders of them.

    Yields
    ------
    dict
        For each window (or file): path, start, stop [s], and for classes ``decided`` (a label, or
        "don't know"), ``probability`` of the most probable decision, ``known``, ``p:LABEL``; for a value
        ``predicted``, ``low``, ``high``. For a file that can't be used: path, error, detail.

    Raises
    ------
    RunError
        ``E-MODEL`` when the model is missing, damaged or not what its JSON says.
    InputError
        When an input does not exist.
    """
    folder = run / "6_application" if (run / "6_application").is_dir() else run
    about, model = _load(folder)
    found = list(recordings.inputs(inputs))
    if not found:
        raise InputError(
            "E-DATA", f"no sounds in {', '.join(map(str, inputs))}; expected files or folders"
        )
    for path, shown in found:
        try:
            pieces = recordings.pieces(
                path, rate=about["rate"], window=about["window"], max_duration=about["max_duration"]
            )
            yield from _decide(about, model, shown, pieces)
        except DdaspError as error:
            yield {"path": shown, "error": error.code, "detail": error.message}


def _load(folder: Path) -> tuple[dict[str, Any], Any]:
    """The model and what is known about it, after its digest was compared."""
    if not (folder / "model.json").exists():
        raise InputError(
            "E-MODEL", f"{folder} holds no model.json; expected a run folder of `ddasp run`"
        )
    about, path = read_json(folder / "model.json"), folder / "model.onnx"
    if not path.exists() or digest_file(path) != about["digests"]["model.onnx"]:
        raise RunError(
            "E-MODEL", f"{path} is not the file that model.json describes; was it edited or cut?"
        )
    if about["features"]["version"] != VERSION:
        raise RunError(
            "E-MODEL",
            f"the model was made with feature definitions {about['features']['version']}, this is "
            f"{VERSION}; make it again with `ddasp run`",
        )
    return about, graph.session(graph.load_model(path))


def _decide(about: dict[str, Any], model: Any, shown: str, pieces: Any) -> Iterator[dict[str, Any]]:
    name, rate = about["features"]["name"], about["rate"]
    cost = None if about["cost"] is None else np.asarray(about["cost"])
    for start, stop, signal in pieces:
        X = extract(signal, rate, (name,), variants=False)[name]
        row: dict[str, Any] = {"path": shown, "start": start, "stop": stop}
        out = graph.run_graph(model, X)
        if about["kind"] == "regression":
            value, half = float(out[0]), about["half_width"]
            yield row | {"predicted": value, "low": value - half, "high": value + half}
            continue
        p = out[0].astype(float)
        decided = int(decide(p[np.newaxis], cost)[0])
        silent = not np.any(np.abs(signal) > AUDIBLE)  # a decision on nothing is no knowledge
        known = bool(p.max() >= about["dont_know_below"]) and not silent
        row |= {
            "decided": about["labels"][decided] if known else "don't know",
            "probability": float(p[decided]),
            "known": known,
            "flags": "W-SILENT" if silent else "",
        }
        yield row | {
            f"p:{label}": float(value) for label, value in zip(about["labels"], p, strict=True)
        }
