"""Importing ddasp, or asking for help, loads nothing heavy."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

HEAVY = {
    "librosa", "matplotlib", "numba", "onnx", "onnxruntime", "optuna", "pandas", "pydantic",
    "scipy", "sklearn", "soundfile", "tensorflow", "torch",
}  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter holds after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    "module",
    [
        "ddasp",
        "ddasp.audio",
        "ddasp.linear",
        "ddasp.nonlinear",
        "ddasp.procedure",
        "ddasp.homework",
        "ddasp.playground",
    ],
)
def test_importing_a_room_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") & (HEAVY | {"numpy"}) == set()


def test_the_command_line_starts_without_numpy() -> None:
    assert loaded_by("import ddasp.apps.cli") & (HEAVY | {"numpy", "rich"}) == set()


def test_the_linear_and_numpy_rooms_need_only_numpy_and_scipy() -> None:
    heavy = HEAVY - {"scipy"}
    assert loaded_by("import ddasp.linear.ridge, ddasp.nonlinear.mlp_numpy") & heavy == set()


def test_help_takes_less_than_a_third_of_a_second() -> None:
    def seconds() -> float:  # of the processor: others use this machine too
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "ddasp", "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "ddasp demo" in done.stdout
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.3
