"""What a result depends on besides its inputs: this library's source and the packages it computes with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import ddasp
from ddasp._files import digest_file, digest_json

__all__ = ["code_digest", "versions"]

PACKAGES = (
    "numpy", "scipy", "scikit-learn", "pandas", "optuna", "onnx", "onnxruntime", "soundfile", "soxr",
    "torch", "numba",
)  # fmt: skip
SHOWING = {"report", "verifying"}
ROOMS = ("audio", "linear", "nonlinear", "procedure")


def versions() -> dict[str, str]:
    """Versions of the packages that numbers depend on, as far as they are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def code_digest() -> str:
    """Digest of the source and of what it computes with: others may give other numbers.

    The report and the verifying are left out, for they only show and compare them.
    """
    root = Path(ddasp.__file__).parent
    files = [p.relative_to(root) for room in ROOMS for p in (root / room).rglob("*.py")]
    files = [p for p in files if not SHOWING & {*p.parts}]
    files.append(Path("_lanes.py"))  # the one file below the rooms that computes
    source = [(p.as_posix(), digest_file(root / p)) for p in sorted(files)]
    return digest_json([source, platform.python_version(), versions()])
