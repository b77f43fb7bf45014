"""Fixtures that several features share."""

import shutil

import pytest

from tests.needs import require


@pytest.fixture(scope="session")
def soffice() -> str:
    """The path of LibreOffice's program."""
    return shutil.which("soffice") or require("calc", "LibreOffice is not installed")
