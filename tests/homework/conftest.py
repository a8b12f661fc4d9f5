"""What the tests of homework share."""

from __future__ import annotations

import pytest

from ddasp._errors import RunError
from ddasp.homework.running.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The sandbox of this machine; without one the test is skipped."""
    try:
        return Sandbox.find()
    except RunError as error:
        pytest.skip(error.message)
