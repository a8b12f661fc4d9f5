"""Step 6, application: the model as data.

``model.onnx`` takes a waveform and gives probabilities (or a value); ``model.json`` holds all else that
a decision needs: labels, the rate of the waveform, the window, calibration, threshold, and a card that
says what it was made from and how good it is. Both are written only after the graph has shown that
it decides as the features and the estimator do.

*Conventions*: a decision is made on the analysis window that the problem declares, or on the whole
file. How the model is used afterwards stands in `deployed.py`.

*References*: Mitchell et al. 2019, "Model cards for model reporting".
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ddasp
from ddasp._errors import RunError
from ddasp._files import digest_file, write_bytes, write_json
from ddasp.procedure import graph, preparation, recordings
from ddasp.procedure.features import FEATURE_SETS, VERSION
from ddasp.procedure.fits import Candidate, Data, Index, fit, seed_of, subset
from ddasp.procedure.problem import Problem

__all__ = ["deploy", "installed"]

N_PROOF = 256
OUTSIDE = "mixing channels down to their mean, and resampling to `rate` (soxr, quality HQ)"


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
    decision = graph.Decision(estimator, choice["temperature"], data.labels)
    rate = stored.summary["rate"]
    model = graph.build_graph(decision, candidate.features, rate)
    # nested, the deployed model has learned from all sounds: the proof speaks of equality, not of skill
    clips = _clips(asked, stored, subset(data, held_out, N_PROOF, seed=seed), rate)
    proof = graph.prove(model, decision, clips, candidate.features, rate)
    if not proof.holds:
        raise RunError("E-MODEL", _disproved(proof))
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
            "rate": rate,
            "window": None if asked.sounds.window is None else asked.sounds.window.model_dump(),
            "max_duration": asked.sounds.max_duration,
            "unit": asked.definition.unit,
            "background": [b for b in [asked.sounds.background] if b in data.labels],
            "features": {
                "name": definition.name,
                "title": definition.title,
                "formula": definition.formula,
                "version": VERSION,
                "n": estimator.n_features,
            },
            "family": candidate.family,
            "params": dict(candidate.params),
            "enlarged": candidate.enlarged,
            "n_parameters": estimator.n_parameters,
            "temperature": choice["temperature"],
            "half_width": choice["half_width"],
            "cost": None if asked.kind == "regression" else _listed(asked.cost_matrix(data.labels)),
            "dont_know_below": asked.evaluation.dont_know_below,
            "outside_the_graph": OUTSIDE,
            "proof": proof.to_json() | {"clips": "held out" if sealed else "learned from"},
            "card": _card(asked, data, summary, train),
            "digests": digests | {"model.onnx": digest_file(path)},
        },
    )


def _clips(
    asked: Problem, stored: preparation.Prepared, index: Index, rate: int
) -> list[NDArray[np.float64]]:
    """The sounds of some observations, each file decoded once."""
    rows = stored.observations.iloc[index]
    loaded = recordings.load_sounds(
        asked.root, rows["path"], rows["start"], rows["stop"], rate=rate
    )
    return list(loaded)


def _disproved(proof: graph.Proof) -> str:
    return (
        f"the graph differs from features and estimator on {proof.n} sounds and {proof.n_corners} "
        f"corner sounds: outputs by {proof.max_difference:.2g} (onnx.reference: "
        f"{proof.reference_difference:.2g}), features by {proof.feature_difference:.2g}, "
        f"{proof.near_threshold} near a threshold; expected at most {graph.TOLERANCE:g} - this is a "
        "fault of ddasp or of the runtime"
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
