"""Fixtures that several features share."""

import os
import shutil

import pytest
from hypothesis import settings

from addin.calc import office
from tests.needs import require

# Where skips are failures, the examples are the same every time: a landing depends on its code, not on luck or load.
settings.register_profile("required", derandomize=True, deadline=None)
if os.environ.get("BACKPROP_REQUIRE"):
    settings.load_profile("required")


@pytest.fixture(scope="session")
def soffice() -> str:
    """The path of LibreOffice's program; from here on it is started as start.py would start it."""
    os.environ.update(office.environment())
    return shutil.which("soffice") or require("calc", "LibreOffice is not installed")
