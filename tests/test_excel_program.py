"""Excel on the user's machine: found, opened with the user's workbook, and what keeps that from working is named."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import astuple
from pathlib import Path

import pytest

from addin import main_job
from addin.excel import project
from addin.setup import doctor, excel, office, packages
from xlsx import build

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook for this machine."""
    return build.build(tmp_path_factory.mktemp("built") / excel.FILE_NAME, "2-1", macros=project.add_to)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "José & Co's place"
    folder.mkdir()
    monkeypatch.setenv("BACKPROP_HOME", str(folder))
    monkeypatch.setattr(packages, "python", lambda: Path(sys.executable))
    monkeypatch.setattr(packages, "is_installed", lambda stage: True)
    return folder


@pytest.fixture
def program(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in Excel's place on a machine with a display, and no LibreOffice; it notes what it is to open."""
    note = home.parent / "note.py"
    note.write_text(f"import sys\nopen({str(home.parent / 'opened')!r}, 'w', encoding='utf-8').write(sys.argv[1])\n")
    program = home.parent / ("EXCEL.CMD" if os.name == "nt" else "EXCEL.EXE")
    line = f'"{sys.executable}" "{note}"'
    program.write_text(f"@{line} %*\n" if os.name == "nt" else f'#!/bin/sh\nexec {line} "$1"\n')
    program.chmod(0o755)
    monkeypatch.setitem(excel.PLACES, sys.platform, (str(program),))
    monkeypatch.setattr(office, "has_display", lambda: True)
    monkeypatch.setattr(office, "find", lambda: None)
    return program


def opened(home: Path) -> str:
    end = time.monotonic() + 20
    while not (home.parent / "opened").exists() or not (home.parent / "opened").read_text("utf-8"):
        assert time.monotonic() < end
        time.sleep(0.02)
    return (home.parent / "opened").read_text("utf-8")


@pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning")  # Excel is meant to outlive this
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_where_excel_is_its_workbook_is_written_once_and_opened(program: Path, home: Path, capsys) -> None:
    assert main_job.main(["--no-torch"]) == 0
    workbook = home / "backprop.xlsm"
    assert opened(home) == str(workbook)
    settings = excel.settings_in(workbook)
    assert settings["BACKPROP_HOME"] == str(home)
    assert settings["INTERPRETER_WIN"] == sys.executable
    assert settings["PYTHONPATH"] == str(ROOT)
    assert f"Opened {workbook} in Excel. Enable its macros" in capsys.readouterr().out
    workbook.write_bytes(b"mine")
    assert main_job.main(["--no-torch"]) == 0
    assert workbook.read_bytes() == b"mine"
    assert f"{workbook} cannot be read" in capsys.readouterr().out


def test_an_excel_that_does_not_start_is_told(program: Path, home: Path, built: Path, capsys, monkeypatch) -> None:
    shutil.copy(built, home)
    program = program.with_suffix(".EXE")
    program.write_text("not a program")
    monkeypatch.setitem(excel.PLACES, sys.platform, (str(program),))
    assert main_job.main(["--no-torch"]) == 1
    assert "Excel could not be started" in capsys.readouterr().out


def problems(path: Path) -> list[str]:
    return [problem.what for problem in excel.problems(path, Path(sys.executable), ROOT)]


def test_a_fresh_workbook_has_no_problem(built: Path) -> None:
    assert problems(built) == []
    assert problems(built.with_name("none.xlsm")) == []


def test_another_xlwings_than_the_workbooks_is_named(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "version_of_xlwings", lambda python: "0.99.1")
    (problem,) = problems(built)
    assert problem == f"is of xlwings {excel.settings_in(built)['BACKPROP_XLWINGS']}, but 0.99.1 is installed"


def test_another_copy_of_the_project_is_named(built: Path, tmp_path: Path) -> None:
    (problem,) = excel.problems(built, Path(sys.executable), tmp_path)
    assert problem.what == f"belongs to another copy of the project, in {ROOT}"


def test_a_missing_interpreter_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone/python"))
    moved = build.build(tmp_path / "moved.xlsm", "2-1", macros=project.add_to)
    monkeypatch.undo()
    assert problems(moved) == [f"looks for Python in {tmp_path / 'gone/python'}, where there is none"]


def made_before(path: Path, python: Path) -> None:
    """A workbook that was made where the project and its Python were before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(python))
        patch.setattr(project, "PROJECT", python.parents[2])
        build.build(path, "2-1", macros=project.add_to)


def test_after_the_project_has_moved_doctor_says_where_it_is_now_and_names_every_problem(home, tmp_path: Path) -> None:
    path, before = home / excel.FILE_NAME, tmp_path / "before/.venv/bin/python"
    made_before(path, before)
    Path(f"{path}:Zone.Identifier").write_text("[ZoneTransfer]\nZoneId=3\n")
    found, advice, _ = astuple(doctor.check_workbook())
    assert "is marked as downloaded, so Excel blocks its macros" in found
    assert f"and looks for Python in {before}, where there is none" in found
    assert f"and belongs to another copy of the project, in {tmp_path / 'before'}" in found
    assert advice.count(f"type there {sys.executable} beside INTERPRETER_WIN and {ROOT} beside PYTHONPATH") == 1
    assert "move it away" not in advice.partition("; then ")[2]


def test_the_advised_settings_are_all_that_a_moved_project_needs(tmp_path: Path) -> None:
    made_before(tmp_path / "moved.xlsm", tmp_path / "before/.venv/bin/python")
    settings = excel.settings_in(tmp_path / "moved.xlsm")
    typed = {"INTERPRETER_WIN": sys.executable, "PYTHONPATH": str(ROOT)}
    assert list(excel.of_settings({**settings, **typed}, Path(sys.executable), ROOT)) == []


def test_an_environment_that_is_gone_is_installed_again(built: Path, tmp_path: Path) -> None:
    gone = tmp_path / ".venv/bin/python"
    made_before(tmp_path / "moved.xlsm", gone)
    (problem,) = excel.problems(tmp_path / "moved.xlsm", gone, tmp_path)
    assert problem.advice == "python start.py installs it"


def test_the_mark_of_a_download_is_named(built: Path, tmp_path: Path) -> None:
    """On Windows it is a stream of the file, under the same name as this file here."""
    downloaded = shutil.copy(built, tmp_path)
    Path(f"{downloaded}:Zone.Identifier").write_text("[ZoneTransfer]\nZoneId=3\n")
    (problem,) = excel.problems(Path(downloaded), Path(sys.executable), ROOT)
    assert "Excel blocks its macros" in problem.what
    assert "Unblock" in problem.advice


@pytest.mark.parametrize(
    ("folder", "service"),
    [
        ("/home/jo/OneDrive - School/Backprop", "OneDrive"),
        ("/home/jo/Dropbox/Backprop", "Dropbox"),
        ("/Users/jo/Library/CloudStorage/x/Backprop", "CloudStorage"),
        ("/home/jo/Backprop", ""),
    ],
)
def test_a_synchronized_folder_is_explained(folder: str, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert excel.synced(Path(folder)) == service
    told = [problem.advice for problem in excel.of_place(Path(folder))]
    assert told == (["set BACKPROP_HOME to a plain local folder"] if service else [])
    monkeypatch.setenv("OneDrive", "/home/jo/Backprop")
    assert excel.synced(Path(folder))


def test_doctor_says_what_is_wrong_with_the_workbook_and_that_macros_are_off(program, home, monkeypatch) -> None:
    assert doctor.check_workbook().advice == ""
    (home / excel.FILE_NAME).write_bytes(b"")
    assert doctor.check_workbook().found == f"{home / excel.FILE_NAME} cannot be read"
    assert doctor.check_excel() == doctor.Finding(str(program))
    monkeypatch.setattr(excel, "registry", lambda root, key, name: 4 if "Policies" in key else None)
    assert "turned off by your administrator's policy" in doctor.check_excel().found


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_an_interpreter_with_blanks_in_its_path_gets_a_program_without(home: Path, monkeypatch) -> None:
    odd = home / "it's mine & yours/python"
    odd.parent.mkdir()
    odd.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(odd))
    program = excel.interpreter_for_mac(home.parent / "plain")
    said = subprocess.run([program, "-c", "import sys; print(sys.argv[1:])", "a b"], capture_output=True, text=True)
    assert said.stdout == "['a b']\n"
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert excel.interpreter_for_mac(home) == "/usr/bin/python3"


def test_the_settings_sheet_is_read_as_openpyxl_reads_it(built: Path) -> None:
    import openpyxl

    rows = openpyxl.load_workbook(built)[project.SETTINGS_SHEET].iter_rows(max_col=2, values_only=True)
    assert excel.settings_in(built) == {name: value or "" for name, value in rows if name}
