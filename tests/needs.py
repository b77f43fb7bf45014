"""What a test needs and this machine may lack: a skip with its reason, or a failure where it must be there."""

import os
from typing import NoReturn

import pytest


def require(name: str, reason: str) -> NoReturn:
    """Skip for a lack that is called `name`; fail where the variable BACKPROP_REQUIRE names it, as CI does."""
    if name in os.environ.get("BACKPROP_REQUIRE", "").split():
        pytest.fail(f"{name} is required here: {reason}", pytrace=False)
    pytest.skip(reason)
