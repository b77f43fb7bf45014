"""The macros' requests: command.py, started by the line that the workbook's own VBA makes."""

from pathlib import Path

import pytest

from cnn.runs.settings import SETTINGS, SHEET
from tests.windows.macros import Buttons
from tests.windows.wine import Project, windows_path


@pytest.fixture
def buttons(project: Project, tmp_path: Path) -> Buttons:
    """A user's folder whose name is as hard as the project's."""
    home = tmp_path / "Käthe's & Co"
    home.mkdir()
    return Buttons(project, home, tmp_path)


def test_before_the_first_run_there_is_none(buttons: Buttons) -> None:
    assert buttons.press("newest") == {}


def test_nothing_to_stop_and_nothing_to_resume_are_said(buttons: Buttons) -> None:
    for what in ("stop", "resume"):
        assert f"nothing to {what}" in buttons.press(what)["status"].lower()


def test_a_project_that_is_not_set_up_is_said(buttons: Buttons) -> None:
    status = buttons.press("train", **{name: str(SETTINGS[name].default) for name in SHEET})["status"]
    assert windows_path(buttons.home / "environment.json") in status
