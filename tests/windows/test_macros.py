"""The macros' requests: command.py, started by the line that the workbook's own VBA makes."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from addin.excel import command
from cnn.runs.settings import SETTINGS, SHEET
from tests.windows import vba
from tests.windows.conftest import Project
from tests.windows.wine import Wine, windows_path

PATIENCE = 60  # seconds
WORKBOOK = r"C:\users\Public\Übung's & 2.xlsm"
Ask = Callable[..., dict[str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's folder whose name is as hard."""
    folder = tmp_path / "Käthe's & Co"
    folder.mkdir()
    return folder


@pytest.fixture
def ask(wine: Wine, project: Project, home: Path, tmp_path: Path) -> Ask:
    """Press a button: what Python answers, key by key."""

    def asked(what: str, **details: str) -> dict[str, str]:
        lines = {"command": what, "home": windows_path(home), "workbook": WORKBOOK, "folder": ""}
        answer = home / "answer-1.txt"
        request = "\n".join(
            f"{key}={text}" for key, text in {**lines, "answer": windows_path(answer), **details}.items()
        )
        settings = {"INTERPRETER_WIN": project.python, "PYTHONPATH": project.path}
        vba.run(wine, "Launch", f'Launch "{word(request)}"', settings, WORKBOOK, tmp_path)
        return command.parsed(command.decoded(waited_for(answer)))

    return asked


def word(text: str) -> str:
    """As VBA's Encoded makes it, whose Like is no word of VBScript."""
    units = (text.encode("utf-16-be")[at : at + 2] for at in range(0, 2 * len(text), 2))
    return "".join(
        chr(unit[1]) if re.fullmatch(rb"\0[A-Za-z0-9]", unit) else f"~{unit.hex().upper()}" for unit in units
    )


def waited_for(answer: Path) -> str:
    """The answer's text; Launch does not wait for Python, nor does Excel."""
    deadline = time.monotonic() + PATIENCE
    while not answer.exists():
        assert time.monotonic() < deadline, "Python gave no answer"
        time.sleep(0.1)
    text = answer.read_text("ascii")
    answer.unlink()
    return text


def test_before_the_first_run_there_is_none(ask: Ask) -> None:
    assert ask("newest") == {}


def test_nothing_to_stop_and_nothing_to_resume_are_said(ask: Ask) -> None:
    for what in ("stop", "resume"):
        assert f"nothing to {what}" in ask(what)["status"].lower()


def test_a_project_that_is_not_set_up_is_said(ask: Ask, home: Path) -> None:
    status = ask("train", **{name: str(SETTINGS[name].default) for name in SHEET})["status"]
    assert windows_path(home / "environment.json") in status
