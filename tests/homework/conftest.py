"""What the tests of homework share."""

from __future__ import annotations

import os

import pytest

from ddasp._errors import RunError
from ddasp.homework.running.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The sandbox of this machine; without one the test is skipped, but not where one is asked for."""
    try:
        return Sandbox.find()
    except RunError as error:
        if os.environ.get("DDASP_NEEDS_SANDBOX"):
            pytest.fail(error.message)
        pytest.skip(error.message)
