"""The same run under other versions of Python: predictions equal to 1e-6.

Tried are those that can be had: interpreters called ``python3.11`` to ``python3.13``, on the PATH or in
environments beside the repository (``.venv-3.12``), that have the packages that ddasp computes with::

    python3.12 -m venv .venv-3.12
    .venv-3.12/bin/pip install --constraint constraints.txt .
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from ddasp._files import read_json
from reliability.faulty import commanded, in_lanes
from reliability.harness import Found, Place, Row
from reliability.small_run import Undisturbed

__all__ = ["ROWS"]

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.11", "3.12", "3.13")
TOLERANCE = 1e-6
PACKAGES = "numpy, scipy, sklearn, pandas, optuna, onnx, onnxruntime, soundfile, soxr, numba"


def equal(place: Place) -> Found:
    """The undisturbed run of this Python against that of each other one."""
    whole = Undisturbed.of(place)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    others = {v: python for v in VERSIONS if v != here and (python := _interpreter(v))}
    results = in_lanes(lambda item: _run_by(place.folder, whole, *item), others.items())
    figures: dict[str, float | int | str] = {"this Python": here}
    for version in VERSIONS:
        if version != here and version not in others:
            figures[f"Python {version}"] = "not tried: none here with the packages"
    for version, (difference, same, _) in zip(others, results, strict=True):
        words = "all files equal" if same else "not all files equal"
        figures[f"Python {version}"] = f"largest difference {difference:.1g}, {words}"
    return Found(len(others), figures, tuple(fault for *_, found in results for fault in found))


def _interpreter(version: str) -> str | None:
    """An interpreter of that version with the packages, None where there is none."""
    beside = ROOT / f".venv-{version}" / "bin" / "python"
    for python in (str(beside) if beside.exists() else None, shutil.which(f"python{version}")):
        if python:
            done = subprocess.run(
                [python, "-c", f"import {PACKAGES}"], capture_output=True, check=False
            )
            if done.returncode == 0:
                return python
    return None


def _run_by(
    base: Path, whole: Undisturbed, version: str, python: str
) -> tuple[float, bool, list[str]]:
    """Largest difference of a probability, whether all files are equal, and what did not hold."""
    out = f"python{version}"
    source = str(ROOT / "src")
    process = commanded(whole.words(out), base, out, python=python, PYTHONPATH=source)
    said, _ = process.communicate()
    if process.returncode != 0:
        return np.nan, False, [f"Python {version} ended with {process.returncode}: {said[-500:]}"]
    ours, theirs = (
        pd.read_csv(run / "5_evaluation" / "predictions.csv") for run in (whole.folder, base / out)
    )
    faults = []
    numbers = list(ours.select_dtypes("number").columns)
    words = [name for name in ours.columns if name not in numbers]
    if list(ours.columns) != list(theirs.columns) or not ours[words].equals(theirs[words]):
        faults.append(f"Python {version} decides otherwise, or on other sounds")
        return np.nan, False, faults
    difference = float(np.abs(ours[numbers] - theirs[numbers]).max().max())
    if not difference <= TOLERANCE:
        faults.append(f"Python {version}: predictions differ by {difference:.2g}")
    estimates = [
        read_json(run / "5_evaluation" / "evaluation.json")["estimate"]["value"]
        for run in (whole.folder, base / out)
    ]
    if abs(estimates[0] - estimates[1]) > TOLERANCE:
        faults.append(f"Python {version}: the estimate is {estimates[1]}, here {estimates[0]}")
    return difference, not whole.differences(base / out), faults


ROWS = (
    Row(
        "Same everywhere",
        "Python 3.11, 3.12 and 3.13, where they can be had",
        f"predictions equal to {TOLERANCE:g}, the same decisions",
        30,
        equal,
        sizes=("usual", "full"),
    ),
)
