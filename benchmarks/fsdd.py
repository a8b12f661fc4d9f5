"""The Free Spoken Digit Dataset from folder to verdict: leave-one-speaker-out, nested, five seeds.

    DDASP_DATA=FOLDER .venv/bin/python benchmarks/fsdd.py [--cnn] [--seeds 5] [--out runs]

FOLDER holds ``recordings/`` with ``{digit}_{speaker}_{index}.wav``. Each seed is a whole run (features are
computed once and taken from the cache afterwards), so what is printed is what `ddasp run` gives: the
mean over speakers of a procedure that never saw the speaker, the wall time, and the number of fits.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from pathlib import Path

from ddasp._files import write_text
from ddasp._progress import progress_for
from ddasp.procedure.run import run

PROBLEM = """
[problem]
question = "Which digit is spoken?"
kind = "multi-class"
measure = "accuracy"
useful_from = 0.8
[sounds]
folder = "{folder}"
pattern = '(?P<label>\\d)_(?P<group>[a-z]+)_\\d+'
[spot_check]
families = [{families}]
"""
FAMILIES = ["majority", "rule", "linear", "neighbours", "kernel", "svm", "tree", "forest", "mlp"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cnn", action="store_true", help="with the CNN (needs PyTorch)")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    arguments = parser.parse_args()
    folder = os.environ.get("DDASP_DATA")
    if not folder:
        sys.exit("DDASP_DATA names no folder; it should hold the dataset's recordings/")
    names = FAMILIES + ["cnn"] * arguments.cnn
    name = "fsdd_cnn" if arguments.cnn else "fsdd"
    problem = arguments.out / f"{name}.toml"
    sounds = (Path(folder) / "recordings").resolve().as_posix()
    families = ", ".join(f'"{family}"' for family in names)
    write_text(problem, PROBLEM.format(folder=sounds, families=families))
    values = []
    for seed in range(arguments.seeds):
        out = arguments.out / f"{name}_{seed}"
        known = arguments.out / f"{name}_0" / ".work" / "sounds"
        if seed and known.exists():
            shutil.copytree(known, out / ".work" / "sounds", dirs_exist_ok=True)
        start = time.perf_counter()
        result = run(problem, out=out, seed=seed, progress=progress_for())
        wall = time.perf_counter() - start
        evaluation = json.loads((out / "5_evaluation" / "evaluation.json").read_text())
        times = json.loads((out / "times.json").read_text())
        values.append(evaluation["estimate"]["value"])
        per_speaker = " ".join(f"{g['group']} {g['value']:.3f}" for g in evaluation["per_group"])
        print(
            f"seed {seed}: {values[-1]:.4f} in {wall:.0f} s, {result.n_fits} fits, step 2 "
            f"{times['2_preparation']:.0f} s; {per_speaker}; random split would claim "
            f"{evaluation['random_split']['value']:.4f}",
            flush=True,
        )
    print(f"mean over {len(values)} seeds: {statistics.mean(values):.4f}")


if __name__ == "__main__":
    main()
