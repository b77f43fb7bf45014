"""Fixtures that several features share."""

import os
import shutil

import pytest
from hypothesis import settings

from addin.setup import office
from tests.needs import require

# PyTorch loads parts of itself in the middle of a test, so no example has a deadline. Where skips are failures the
# examples are the same every time: a landing depends on its code, not on luck.
settings.register_profile("ours", deadline=None, derandomize="BACKPROP_REQUIRE" in os.environ)
settings.load_profile("ours")


@pytest.fixture(scope="session")
def soffice() -> str:
    """The path of LibreOffice's program; from here on it is started as start.py would start it."""
    os.environ.update(office.environment())
    return shutil.which("soffice") or require("calc", "LibreOffice is not installed")
