"""Check that container, Binder and dev container install one set, all of it pinned.

    python .ci/environments.py       prints the set; ends with 1 and the reasons when it does not hold

They can't be built everywhere, so their files are read: each must install ``.[course]`` under
constraints.txt with one Python, and every package that this draws in, here, must be pinned there with the
version that the tests ran with.
"""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def pinned(root: Path = ROOT) -> dict[str, str]:
    """Name to version of constraints.txt."""
    lines = (root / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def drawn_in(extra: str) -> dict[str, str]:
    """Name to version of everything that ``ddasp[extra]`` installs, as it is installed here."""
    found: dict[str, str] = {}
    waiting = [Requirement(f"ddasp[{extra}]")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for option in ("", *sorted(wanted.extras)):
            if (name, option) in seen:
                continue
            seen.add((name, option))
            found[name] = metadata.version(name).partition("+")[0]
            for line in metadata.requires(name) or []:
                requirement = Requirement(line)
                marker = requirement.marker
                if marker is None or marker.evaluate({"extra": option}):
                    waiting.append(requirement)
    found.pop("ddasp")
    return found


def problems(root: Path = ROOT) -> list[str]:
    """What does not hold."""
    found = []
    dockerfile = (root / "Dockerfile").read_text()
    binder = (root / ".binder" / "requirements.txt").read_text()
    runtime = (root / ".binder" / "runtime.txt").read_text().strip()
    container = json.loads((root / ".devcontainer" / "devcontainer.json").read_text())
    if not re.search(
        r'^RUN pip install .*--constraint constraints\.txt "\.\[course\]"$', dockerfile, re.M
    ):
        found.append('Dockerfile does not install ".[course]" under constraints.txt')
    if binder.split() != ["--constraint", "../constraints.txt", ".[course]"]:
        found.append(".binder/requirements.txt is not .[course] under constraints.txt")
    python = re.search(r"^FROM python:(\d+\.\d+)", dockerfile, re.M)
    if python is None or runtime != f"python-{python.group(1)}":
        found.append(f"the Dockerfile's Python is not Binder's {runtime}")
    if container.get("build") != {"dockerfile": "../Dockerfile", "context": ".."}:
        found.append(".devcontainer is not built from the Dockerfile")
    if "lessons" not in container.get("workspaceMount", "") or not re.search(
        r"^VOLUME /home/learner/lessons$", dockerfile, re.M
    ):
        found.append("work is not in a mounted folder")
    pins = pinned(root)
    for name, version in sorted(drawn_in("course").items()):
        if pins.get(name) != version:
            found.append(
                f"{name} is {pins.get(name, 'not pinned')} in constraints.txt, {version} here"
            )
    return found


def main() -> int:
    """Print the set, or what is wrong with it."""
    wrong = problems()
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(
            "\n".join(f"{name}=={version}" for name, version in sorted(drawn_in("course").items()))
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
