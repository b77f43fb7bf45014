"""The macros' requests: command.py, started by the line that the workbook's own VBA makes."""

from pathlib import Path

import pytest

from cnn.runs.settings import SETTINGS, SHEET
from tests.windows import vba
from tests.windows.macros import Buttons
from tests.windows.wine import Project, Wine, windows_path

ADD_IN = r"C:\Users\jo\AppData\Roaming\Microsoft\AddIns\backprop.xlam"
OPENED = """
Const EXCEL_LINKS = 1
Class Workbook
    Public Changed
    Public Links
    Function LinkSources(kind)
        If kind = 1 Then LinkSources = Links
    End Function
    Sub ChangeLink(link, target, kind)
        If InStr(link, "locked") > 0 Then Err.Raise 1004
        Changed = Changed & link & "|" & target & "|" & kind & vbLf
    End Sub
End Class
Dim Opened
Set Opened = New Workbook
"""


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


def test_a_module_of_the_users_is_not_taken_for_pythons(buttons: Buttons, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('mine')")
    monkeypatch.setitem(buttons.project.wine.variables, "PYTHONPATH", windows_path(tmp_path))
    assert buttons.press("newest") == {}


def test_a_project_that_is_not_set_up_is_said(buttons: Buttons) -> None:
    status = buttons.press("train", **{name: str(SETTINGS[name].default) for name in SHEET})["status"]
    assert windows_path(buttons.home / "environment.json") in status


def links_changed(wine: Wine, links: list[str], folder: Path) -> list[str]:
    """The links of an opened workbook that the macro changes, with what they lead to then."""
    beside = vba.as_vbscript(vba.procedure("IsOtherCopy")) + OPENED
    if links:
        beside += f"Opened.Links = Array({', '.join(map(vba.literal, links))})\n"
    call = "RepointLinks Opened\nAnswer = Opened.Changed & vbLf"
    return vba.run(wine, "RepointLinks", call, {}, ADD_IN, folder, beside).split()


def test_links_to_another_users_add_in_lead_to_this_one(wine: Wine, tmp_path: Path) -> None:
    others = [r"D:\old\Backprop.xlam", "/Users/al/Library/backprop.xlam"]
    left = [ADD_IN, ADD_IN.upper(), r"C:\other.xlam", r"C:\mybackprop.xlam"]
    assert links_changed(wine, [left[0], others[0], *left[1:], r"E:\locked\backprop.xlam", others[1]], tmp_path) == [
        f"{link}|{ADD_IN}|1" for link in others
    ]


def test_a_workbook_without_links_is_left_alone(wine: Wine, tmp_path: Path) -> None:
    assert links_changed(wine, [], tmp_path) == []
