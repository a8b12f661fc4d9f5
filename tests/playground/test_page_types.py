"""The page's scripts say in their comments what they take and give; TypeScript looks whether it is so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src/ddasp/playground/static"


def needed(path: Path | None, what: str) -> Path:
    """A tool of Node's, or a skip in words; a failure where it must be there."""
    if path is None or not path.exists():
        words = f"{what} is not here: npm install --no-package-lock --prefix .ci"
        if os.environ.get("DDASP_NEEDS_NODE"):
            pytest.fail(words)
        pytest.skip(words)
    return path


@pytest.fixture(scope="module")
def tsc() -> str:
    local = ROOT / ".ci/node_modules/.bin/tsc"
    found = str(local) if local.exists() else shutil.which("tsc")
    return str(needed(Path(found) if found else None, "TypeScript's checker (tsc)"))


def check(tsc: str, project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tsc, "--noEmit", "-p", str(project / "jsconfig.json")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_every_script_holds_what_its_types_promise(tsc: str) -> None:
    got = check(tsc, STATIC)
    assert got.returncode == 0, got.stdout


def test_a_wrong_type_is_found(tsc: str, tmp_path: Path) -> None:
    """The check itself can fail: a number given where a text is promised."""
    shutil.copy(STATIC / "jsconfig.json", tmp_path)
    (tmp_path / "wrong.js").write_text("/** @type {string} */\nexport const word = 1;\n")
    got = check(tsc, tmp_path)
    assert got.returncode != 0
    assert "wrong.js" in got.stdout


def test_every_script_asks_to_be_checked_and_says_its_idea() -> None:
    for path in sorted(STATIC.rglob("*.js")):
        first, second = path.read_text("utf-8").splitlines()[:2]
        assert first == "// @ts-check", path.name
        assert re.fullmatch(r"// .{17,}", second), path.name


def test_no_script_makes_markup_from_text() -> None:
    for path in sorted(STATIC.rglob("*.js")):
        code = "\n".join(line.split("//")[0] for line in path.read_text("utf-8").splitlines())
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
        ):
            assert way not in code, f"{path.name} uses {way}"
