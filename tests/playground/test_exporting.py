"""The exported text, run on its own, ends with the page's weights, bit for bit."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddasp.playground.datasets import DATASETS, Points, make
from ddasp.playground.settings import INPUT_KEYS, Settings, parse
from ddasp.playground.training.experiment import Experiment
from ddasp.playground.training.exporting import digest, notebook, script


def run(text: str) -> str:
    """What a text prints that is run with no names but its own."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "experiment.py", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def same(experiment: Experiment) -> str:
    """Run an experiment's script; it must end well and speak of its digest."""
    text = script(experiment)
    assert digest(experiment.theta) in text
    assert "to the last bit" in run(text)
    return text


def drawn_change(rng: np.random.Generator) -> dict[str, Any]:
    """Some settings, any of those that can change on the way."""
    switched = rng.choice(INPUT_KEYS, 2, replace=False)
    changes: list[dict[str, Any]] = [
        {"learningRate": float(rng.choice([0.003, 0.01, 0.1]))},
        {"batchSize": int(rng.integers(1, 60))},
        {"optimizer": str(rng.choice(["sgd", "momentum", "adam"])), "learningRate": 0.01},
        {"regularization": str(rng.choice(["L1", "L2"])), "regularizationRate": 0.003},
        {"activation": str(rng.choice(["tanh", "relu", "sigmoid", "linear"]))},
        {"loss": str(rng.choice(["squared", "entropy"]))},
        {"networkShape": str(rng.choice(["3", "4,3", "", "2,2,2"]))},
        {"scale": str(rng.choice(["standard", "none"]))},
        {str(switched[0]): True, str(switched[1]): True},
        {"noise": float(rng.choice([0, 10, 25]))},
        {"seed": int(rng.integers(0, 99))},
        {"dataSeed": int(rng.integers(0, 99))},
        {"percTrainData": int(rng.choice([30, 70]))},
        {"momentum": 0.5},
    ]
    return changes[int(rng.integers(len(changes)))]


@pytest.mark.parametrize("seed", range(5))
def test_a_drawn_experiment_is_repeated_bit_for_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kind = "classification" if rng.random() < 0.7 else "regression"
    keys = [key for key, about in DATASETS.items() if about.kind == kind]
    experiment = Experiment(
        parse(
            {
                "problem": kind,
                "dataset" if kind == "classification" else "regDataset": str(rng.choice(keys)),
                "init": str(rng.choice(["uniform", "glorot"])),
                "optimizer": str(rng.choice(["sgd", "momentum", "adam"])),
                "learningRate": 0.01,
                "seed": int(rng.integers(1000)),
                "noise": float(rng.choice([0, 20])),
            }
        )
    )
    for _ in range(6):
        experiment.train(updates=int(rng.integers(1, 150)))
        deed = rng.random()
        if deed < 0.55:
            experiment.change(drawn_change(rng))
        elif deed < 0.75:
            experiment.edit(1, None if rng.random() < 0.3 else 0, 0, float(rng.normal()))
        else:
            experiment.back(str(rng.choice(["batch", "epoch"])))
    experiment.train(updates=7)
    same(experiment)


def test_a_plain_training_is_drawn_and_not_written_out() -> None:
    experiment = Experiment(Settings())
    experiment.train(epochs=30)
    text = same(experiment)
    assert 'make("circle", noise=0.0, seed=0)' in text
    assert 'first_parameters(spec, "glorot", seed=0)' in text
    assert "updates(750, model, place, 10, SGD(0.03))" in text
    assert len(text) < 4500


def test_an_experiment_that_has_not_begun_is_told_too() -> None:
    same(Experiment(Settings()))


def test_stretches_show_what_was_changed_on_the_way() -> None:
    experiment = Experiment(Settings())
    experiment.train(updates=100)
    experiment.change({"optimizer": "adam", "learningRate": 0.01})
    experiment.train(updates=50)
    experiment.change({"regularization": "L2", "regularizationRate": 0.01})
    experiment.train(updates=25)
    text = same(experiment)
    for line in (
        "updates(100, model, place, 10, SGD(0.03))",
        "updates(50, model, place, 10, Adam(0.01))",
        "updates(25, model, place, 10, Adam(0.01))",
        "l2=0.01",
        "from ddasp.nonlinear.steps import SGD, Adam",
    ):
        assert line in text
    experiment.back("batch")
    assert "updates(24, model, place, 10, Adam(0.01))" in same(experiment)


def test_weights_typed_in_between_two_updates_of_momentum_keep_its_memory() -> None:
    experiment = Experiment(Settings(optimizer="momentum", learningRate=0.01))
    experiment.train(updates=33)
    experiment.edit(2, 1, 0, 0.1 + 0.2)
    experiment.train(updates=12)
    text = same(experiment)
    assert "0.30000000000000004" in text
    assert "Memory(" in text


def own(n: int = 60, d: int = 2, kind: str = "classification", axes: Any = None) -> Points:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, d)) * 1000 ** rng.random(d)
    y = (X[:, 0] > 0).astype(int) if kind == "classification" else X[:, 0] / 3
    return Points(
        X, y, kind, ("no", "yes") if kind == "classification" else (),  # type: ignore[arg-type]
        axes or tuple(f"column {k}" for k in range(d)), None, None, None, "own",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "d"), [("regression", 1), ("classification", 2), ("classification", 5)]
)
def test_own_points_stand_in_the_text(kind: str, d: int) -> None:
    values: dict[str, Any] = {"source": "own", "scale": "standard", "learningRate": 0.01}
    if d <= 2:
        values |= {"xSquared": True, "sinX": True}
    else:
        values |= {"columns": "3,1"}
    experiment = Experiment(parse(values), own(d=d, kind=kind))
    experiment.train(epochs=3)
    text = same(experiment)
    assert "table = " in text
    assert repr(float(experiment.points.X[0, experiment.inputs.columns[0]])) in text
    assert "make(" not in text


def test_painted_points_keep_their_sets() -> None:
    experiment = Experiment(Settings(source="own"), own())
    experiment.train(epochs=2)
    points = own(n=61)
    sets = np.append(experiment.sets, np.int8(0))
    experiment.replace_points(points, sets)
    experiment.train(epochs=2)
    same(experiment)


def test_names_from_outside_never_become_code() -> None:
    evil = ('"]; raise SystemExit("broken out") #', 'x\n"""\nraise SystemExit(\'out\')\n\ud800 😀')
    experiment = Experiment(parse({"source": "own", "scale": "standard"}), own(axes=evil))
    experiment.train(epochs=1)
    text = same(experiment)
    columns = next(
        node.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "columns"
    )
    assert ast.literal_eval(columns)[0] == evil[0]
    assert "😀" in ast.literal_eval(columns)[1]


def test_three_classes_and_one_output_of_no_hidden_layer() -> None:
    experiment = Experiment(parse({"dataset": "rings3", "networkShape": ""}))
    experiment.train(epochs=2)
    text = same(experiment)
    assert 'ModelSpec((2, 3), ("softmax",), "categorical_cross_entropy")' in text


def test_a_weight_that_is_off_by_one_bit_is_noticed() -> None:
    experiment = Experiment(Settings())
    experiment.train(updates=5)
    experiment.edit(1, 0, 0, 0.25)
    text = script(experiment)
    off = text.replace("0.25,", f"{float(np.nextafter(0.25, 1))!r},", 1)
    assert off != text
    with pytest.raises(AssertionError, match="differ"):
        run(off)


def test_the_notebook_holds_the_same_code() -> None:
    experiment = Experiment(Settings())
    experiment.train(epochs=2)
    book = json.loads(notebook(experiment))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    code = [cell["source"] for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(piece in script(experiment) for piece in code)
    assert "to the last bit" in run("\n\n".join(code))
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.from_dict(book))


def test_the_text_is_clean_python() -> None:
    experiment = Experiment(parse({"dataset": "spiral", "xSquared": True, "scale": "standard"}))
    experiment.train(epochs=1)
    experiment.edit(1, 0, 0, 0.5)
    text = script(experiment)
    ast.parse(text)
    assert text.endswith("\n")
    assert not any(line.rstrip() != line for line in text.splitlines())


def test_the_digest_is_of_the_numbers_and_of_nothing_else() -> None:
    theta = (np.array([[1.0, 2.0]]), np.array([3.0]))
    assert digest(theta) == digest((np.asfortranarray(theta[0]), theta[1].astype(">f8")))
    assert digest(theta) != digest((theta[0], np.array([np.nextafter(3.0, 4.0)])))


def test_a_training_that_diverged_is_told_up_to_its_last_good_state() -> None:
    experiment = Experiment(parse({"optimizer": "momentum", "dataset": "xor"}))
    experiment.train(updates=9)
    experiment.change({"regularization": "L2", "regularizationRate": 10, "learningRate": 1})
    assert experiment.train(epochs=100) == "diverged"
    experiment.change({"networkShape": "3"})  # of the broken one: its weights may be no numbers
    text = script(experiment)
    assert "nan" not in text
    assert experiment.divergence is not None
    assert digest(experiment.divergence.last.theta) in text
    assert "to the last bit" in run(text)


def test_sounds_are_repeated_from_their_columns() -> None:
    points = replace(
        own(d=4), groups=tuple("abcdef"[k // 10] for k in range(60)),
        ids=tuple(f"s{k}" for k in range(60)),
    )  # fmt: skip
    experiment = Experiment(
        parse({"source": "sound", "columns": "1,3", "scale": "standard"}), points
    )
    experiment.train(epochs=4)
    text = same(experiment)
    assert experiment.inputs.columns == (1, 3)
    assert "s59" not in text


def test_one_column_of_two_is_counted_anew() -> None:
    values = {"source": "own", "x": False, "y": False, "sinY": True, "ySquared": True}
    experiment = Experiment(parse(values), own())
    experiment.train(epochs=2)
    assert "np.sin(z[:, 0])" in same(experiment)


def test_another_python_repeats_it_too(tmp_path: Path) -> None:
    experiment = Experiment(parse({"optimizer": "adam", "dataset": "rings3", "noise": 10}))
    experiment.train(updates=40)
    experiment.change({"networkShape": "5,3", "learningRate": 0.01})
    experiment.train(updates=20)
    path = tmp_path / "experiment.py"
    path.write_text(script(experiment), "utf-8")
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "to the last bit" in done.stdout


def test_points_of_a_drawn_set_that_were_changed_are_written_out() -> None:
    points = make("circle")
    moved = Points(
        points.X + 1e-9, points.y, points.kind, points.classes, points.axes, points.domain,
        None, None, points.title,
    )  # fmt: skip
    experiment = Experiment(Settings(), moved)
    assert "table = " in script(experiment)
