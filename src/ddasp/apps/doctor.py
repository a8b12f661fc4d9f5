"""Is this installation whole, and is this machine fit for a run? Each finding says what to do.

*Conventions*: a finding is "ok", "note" (works, with less) or "failed" (a run would stop).
Memory and disk are in GiB (2**30 bytes).
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from ddasp import __version__
from ddasp.apps.tables import print_table

__all__ = ["Finding", "examine", "show"]

GIB = 2**30
EXTRAS = (  # extra, package, use
    ("torch", "torch", "the CNN, and lessons"),
    ("av", "av", "m4a, mp4 and webm files"),
    ("live", "sounddevice", "the microphone of `ddasp listen`"),
    ("notebook", "nbclient", "`ddasp explain`"),
    ("tensorflow", "tensorflow", "lessons"),
    ("course", "jupyterlab", "`ddasp course`"),
    ("course", "keras-tuner", "a lesson"),
    ("course", "librosa", "lessons"),
    ("course", "statsmodels", "a lesson"),
    ("course", "pyloudnorm", "a lesson"),
)


class Finding(NamedTuple):
    """What one check found."""

    what: str
    state: str
    detail: str
    to_do: str = ""


def examine() -> list[Finding]:
    """Run all checks; a check that breaks is itself a finding.

    Returns
    -------
    list of Finding
        In the order in which they are shown.
    """
    checks: tuple[Callable[[], list[Finding]], ...] = (
        _python,
        _packages,
        _extras,
        _formats,
        _machine,
        _disk,
        _sandbox,
        _sound,
    )
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check()
        except Exception as error:  # whatever breaks here is what the person needs to see
            name = check.__name__.strip("_")
            text = f"{type(error).__name__}: {error}"
            findings.append(Finding(name, "failed", text, "install again: pip install ddasp"))
    return findings


def show(findings: list[Finding], *, only_failures: bool = False) -> None:
    """Print the findings as a table.

    Parameters
    ----------
    findings : list of Finding
        From `examine`.
    only_failures : bool
        Leave out what is well.
    """
    shown = [finding for finding in findings if not only_failures or finding.state == "failed"]
    if shown:
        print_table(("check", "state", "detail", "what to do"), shown)


def _python() -> list[Finding]:
    version = platform.python_version()
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    return [
        Finding("ddasp", "ok", __version__),
        Finding(
            "Python",
            "ok" if fits else "failed",
            f"{version} on {platform.system()} {platform.machine()}",
            "" if fits else "use Python 3.11, 3.12 or 3.13",
        ),
    ]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _core() -> list[str]:
    """Names of the packages that ddasp itself asks for, without those of extras."""
    asked = metadata.requires("ddasp") or []
    return [re.split(r"[^\w.-]", line)[0] for line in asked if "extra ==" not in line]


def _packages() -> list[Finding]:
    found = {name: _version(name) for name in _core()}
    missing = [name for name, version in found.items() if version is None]
    findings = [Finding(name, "ok", version) for name, version in found.items() if version]
    if missing:
        findings.append(
            Finding("packages", "failed", f"missing: {' '.join(missing)}", "pip install ddasp")
        )
    return findings


def _extras() -> list[Finding]:
    return [
        Finding(package, "ok", f"{version}: {use}")
        if (version := _version(package) or _version(f"{package}-cpu"))
        else Finding(
            package, "note", f"not installed; it is for {use}", f'pip install "ddasp[{extra}]"'
        )
        for extra, package, use in EXTRAS
    ]


def _formats() -> list[Finding]:
    """Encode a tenth of a second in each compressed format that may be missing."""
    import numpy as np

    from ddasp.audio.files import encode

    missing = []
    for container in ("FLAC", "OGG", "MP3"):
        try:
            encode(np.zeros((4800, 1)), 48000, container=container)
        except Exception:
            missing.append(container)
    if missing:
        to_do = "pip install --upgrade soundfile"
        return [Finding("formats", "note", f"missing: {' '.join(missing)}", to_do)]
    return [Finding("formats", "ok", "WAV AIFF FLAC OGG MP3")]


def _machine() -> list[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    findings = [Finding("cores", "ok", str(cores))]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
        few = memory < 2.0
        to_do = "run with --workers 1" if few else ""
        findings.append(Finding("memory", "note" if few else "ok", f"{memory:.1f} GiB", to_do))
    return findings


def _disk() -> list[Finding]:
    findings = []
    for what, folder in (("this folder", Path.cwd()), ("temporary", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free / GIB
        if not os.access(folder, os.W_OK):
            to_do = "name another with --out"
            findings.append(Finding(what, "note", f"{folder} may not be written", to_do))
        else:
            few = free < 1.0
            to_do = "free some space" if few else ""
            findings.append(Finding(what, "note" if few else "ok", f"{free:.1f} GiB free", to_do))
    return findings


def _sandbox() -> list[Finding]:
    """What only lecturers need."""
    from ddasp._errors import DdaspError
    from ddasp.homework.running.sandbox import Sandbox

    try:
        Sandbox.find()
    except DdaspError as error:
        detail = f"none; it is for `ddasp homework grade`: {error.message}"
        return [Finding("sandbox", "note", detail, "on Linux install bubblewrap")]
    return [Finding("sandbox", "ok", "bubblewrap: `ddasp homework grade`")]


def _sound() -> list[Finding]:
    """A full-scale sine of 1 kHz, written and read again, has an RMS of -3.01 dBFS."""
    import numpy as np

    from ddasp.audio import files, levels

    rate = 48000
    sine = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sine.wav"
        files.write(path, sine, rate)
        samples = files.read(path).samples
    level = float(levels.amplitude_to_db(levels.rms(samples)))
    well = abs(level + 3.0103) < 0.01
    to_do = "" if well else "pip install --upgrade soundfile"
    detail = f"1 kHz sine written and read: RMS {level:.2f} dBFS"
    return [Finding("sound", "ok" if well else "failed", detail, to_do)]
