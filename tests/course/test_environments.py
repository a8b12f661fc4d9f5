"""The container, Binder and the dev container install one set of packages, and the check can tell."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("environments", ROOT / ".ci" / "environments.py")
assert spec is not None
assert spec.loader is not None
environments = importlib.util.module_from_spec(spec)
spec.loader.exec_module(environments)

FILES = ("Dockerfile", "constraints.txt", ".binder", ".devcontainer")


def test_all_three_install_the_set_that_the_tests_ran_with() -> None:
    assert environments.problems() == []


def test_the_set_holds_what_the_lessons_use() -> None:
    drawn = environments.drawn_in("course")
    assert {
        "torch",
        "tensorflow-cpu",
        "keras-tuner",
        "librosa",
        "pyloudnorm",
        "av",
        "jupyterlab",
    } <= set(drawn)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("Dockerfile", ".[course]", ".[torch]", "Dockerfile does not install"),
        ("Dockerfile", "--constraint constraints.txt", "", "Dockerfile does not install"),
        ("Dockerfile", "python:3.11", "python:3.12", "Dockerfile's Python"),
        ("Dockerfile", "VOLUME", "# VOLUME", "mounted"),
        (
            ".binder/requirements.txt",
            "--constraint ../constraints.txt",
            "",
            "requirements.txt is not",
        ),
        (".binder/runtime.txt", "3.11", "3.13", "Dockerfile's Python"),
        (".devcontainer/devcontainer.json", "../Dockerfile", "Dockerfile", "not built from"),
        ("constraints.txt", "librosa==", "librosa==0.", "librosa is 0."),
        ("constraints.txt", "keras-tuner==", "another==", "keras-tuner is not pinned"),
    ],
)
def test_a_file_that_goes_its_own_way_is_found(
    tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    (tmp_path / file).write_text((tmp_path / file).read_text().replace(old, new))
    assert any(says in problem for problem in environments.problems(tmp_path))
