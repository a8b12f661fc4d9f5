"""One outer fold on real recordings: a speaker that nothing has heard, with a small fixed budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddasp._progress import Silent
from ddasp.procedure import preparation
from ddasp.procedure.fits import Goal, load_data, unpack
from ddasp.procedure.outer import OuterTask, outer_fold
from ddasp.procedure.problem import parse
from ddasp.procedure.spot_check import Search
from ddasp.procedure.workers import Workers

PROBLEM = """
[sounds]
folder = "recordings"
pattern = '(?P<label>\\d)_(?P<group>[a-z]+)_\\d+'
[preparation]
features = ["mfcc", "trajectories"]
"""


@pytest.mark.fsdd
def test_an_unheard_speaker_is_recognised(fsdd: Path, tmp_path: Path) -> None:
    problem = parse(PROBLEM, base=fsdd)
    with Workers() as workers:
        prepared = preparation.prepare(problem, workers=workers, progress=Silent())
    assert prepared.summary["n_in"] == prepared.summary["n_used"] + prepared.summary["n_warned"]
    assert prepared.summary["n_observations"] == 3000
    assert prepared.split.mode == "nested"
    assert prepared.split.fold_groups[0] == ("george",)
    preparation.save(prepared, tmp_path / "2_preparation")
    data = load_data(tmp_path / "2_preparation")
    train, test = prepared.split.folds[0]
    search = Search(
        folder=tmp_path / "2_preparation",
        data_digest="fsdd",
        families=("linear", "kernel"),
        features=("mfcc", "trajectories"),
        folds=(),
        goal=Goal("accuracy"),
        cap=400,
        survivors=1,
        trials=1,
        finalists=1,
        seed=0,
    )
    rows = prepared.observations
    task = OuterTask(
        number=0,
        train=train,
        test=test,
        search=search,
        chosen=None,
        sounds=tuple(zip(rows["path"], rows["start"], rows["stop"], strict=True)),
        root=problem.root,
        rate=prepared.summary["rate"],
        n_outer=6,
        result=tmp_path / "00.json",
    )
    result = outer_fold(task)
    decided = unpack(result["outputs"], len(test)).argmax(axis=1)
    # chance is 0.10, MFCC statistics with a linear model about 0.68 on average over speakers
    assert np.mean(decided == data.y[test]) > 0.75
    assert result["chosen"]["features"] == "trajectories"
