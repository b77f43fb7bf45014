"""Fixtures that several features share."""

import os
import shutil

import pytest

from addin.calc import office
from tests.needs import require


@pytest.fixture(scope="session")
def soffice() -> str:
    """The path of LibreOffice's program; from here on it is started as start.py would start it."""
    os.environ.update(office.environment())
    return shutil.which("soffice") or require("calc", "LibreOffice is not installed")
