"""Shared by all tests: one profile for drawn inputs, and what only some machines have."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Drawn inputs are the same in every run, and slow machines are no failure.
settings.register_profile(
    "ddasp",
    deadline=None,
    derandomize=True,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ddasp")


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """A shell that runs tests in the background tells its children to ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Caches and counts of a test never touch those of the person who runs it.

    Workers are spawned and inherit the environment, so this holds for them as well.
    """
    state = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(state / "cache"))
        patch.setenv("XDG_STATE_HOME", str(state / "state"))
        yield


@pytest.fixture(scope="session")
def fsdd() -> Path:
    """The folder of the Free Spoken Digit Dataset, named by DDASP_DATA."""
    named = os.environ.get("DDASP_DATA", "")
    if not named:
        pytest.skip("DDASP_DATA names no folder: set it to the Free Spoken Digit Dataset")
    folder = Path(named).expanduser().resolve()
    if not any(folder.rglob("0_*_0.wav")):
        pytest.skip(f"DDASP_DATA={named} holds no recordings of the Free Spoken Digit Dataset")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium browser that can run without a screen."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    pytest.skip("no Chromium on this machine: install the package chromium")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """Chromium, driven by Playwright; of a module, so that no other one finds its event loop."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        args = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
        ]
        launched = driver.chromium.launch(executable_path=chromium, args=args)
        yield launched
        launched.close()
