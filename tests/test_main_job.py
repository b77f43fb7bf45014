"""The main job: a real window with the user's workbook in it, or the same work headless."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from addin import __version__, launch, main_job
from addin.setup import office, packages, torch_pair
from cnn import runs
from tests.needs import require

ROOT = Path(__file__).resolve().parents[1]
OUTLIVES = "ignore:Exception ignored in. <function Popen.__del__:pytest.PytestUnraisableExceptionWarning"
pytestmark = pytest.mark.filterwarnings(OUTLIVES)  # LibreOffice is meant to
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's folder, which any user may enter: LibreOffice installs no extension for root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config").mkdir()
        for open_to_all in (folder, folder / "config"):
            open_to_all.chmod(0o777)
        monkeypatch.setenv("HOME", name)
        monkeypatch.setenv("XDG_CONFIG_HOME", f"{name}/config")
        monkeypatch.setenv("BACKPROP_HOME", f"{name}/Backprop of José")
        monkeypatch.setattr(packages, "is_installed", lambda stage: True)
        monkeypatch.setattr(packages, "python", lambda: Path(sys.executable))
        yield folder / "Backprop of José"


@pytest.fixture
def headless(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return home


@pytest.fixture
def display(home: Path, monkeypatch: pytest.MonkeyPatch, soffice: str) -> Iterator[str]:
    """An empty screen, and a LibreOffice that runs there as a user who is not root."""
    for tool in ("Xvfb", "xdotool"):
        shutil.which(tool) or require("calc", f"{tool} is not installed")
    reading, writing = os.pipe()
    command = ["Xvfb", "-ac", "-displayfd", str(writing), "-screen", "0", "1280x800x24"]
    screen = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as number:
        name = f":{number.readline().strip()}"
    monkeypatch.setenv("DISPLAY", name)
    monkeypatch.setattr(office, "find", lambda: as_another_user(home.parent, soffice))
    yield name
    end_offices(home.parent)
    screen.terminate()
    screen.wait()


def as_another_user(folder: Path, soffice: str, to: list[str] = NOBODY) -> office.Office:
    """This LibreOffice, through scripts that note their process and leave root behind for another user."""
    (folder / "program").mkdir(exist_ok=True)
    leave = " ".join(to if os.geteuid() == 0 else [])
    for tool in ("soffice", "unopkg"):
        script, real = folder / "program" / tool, Path(soffice).resolve().with_name(tool)
        script.write_text(f'#!/bin/sh\necho $$ >>"{folder}/{tool}.started"\nexec {leave} "{real}" "$@"\n')
        script.chmod(0o755)
    return office.Office(folder / "program/soffice", (25, 2), "")


def starts(folder: Path, tool: str) -> list[int]:
    """The processes that were started with a tool; each leads a session of its own."""
    noted = folder / f"{tool}.started"
    return [int(pid) for pid in noted.read_text().split()] if noted.exists() else []


def end_offices(folder: Path) -> None:
    for leader in starts(folder, "soffice"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)
    (folder / "soffice.started").unlink(missing_ok=True)  # none is killed twice: its number may be another's by then


def windows() -> str:
    """The titles of the windows that the screen shows."""
    command = ["xdotool", "search", "--onlyvisible", "--name", ".", "getwindowname", "%@"]
    return subprocess.run(command, capture_output=True, text=True).stdout


def wait_for_window(title: str) -> None:
    end = time.monotonic() + 150
    while title not in windows():
        assert time.monotonic() < end, f"no window {title}, but {windows()!r}"
        time.sleep(0.2)


def test_with_a_display_the_workbook_opens_and_the_extension_is_in(display: str, home: Path, capsys):
    assert main_job.main(["--no-torch"]) == 0
    wait_for_window("backprop.xlsx")
    assert office.has_extension()
    assert launch.environment() == {"interpreter": sys.executable, "project": str(ROOT), "version": __version__}
    assert f"Opened {home / 'backprop.xlsx'}" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root, whom unopkg refuses")
def test_as_root_the_workbook_opens_without_the_extension(display: str, home: Path, soffice: str, monkeypatch, capsys):
    found = as_another_user(home.parent, soffice, to=[])
    monkeypatch.setattr(office, "find", lambda: found)
    assert main_job.main(["--no-torch"]) == 1
    wait_for_window("backprop.xlsx")
    said = capsys.readouterr().out
    assert "does not install extensions for root" in said
    assert f"Opened {home / 'backprop.xlsx'}" in said
    assert not office.has_extension()


def test_a_second_start_opens_the_users_workbook_as_it_is(display: str, home: Path):
    main_job.main(["--no-torch"])
    wait_for_window("backprop.xlsx")
    end_offices(home.parent)
    shutil.copy(ROOT / "LICENSE", home / "backprop.xlsx")
    assert main_job.main(["--no-torch"]) == 0
    assert (home / "backprop.xlsx").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert len(starts(home.parent, "unopkg")) == 1


def test_with_a_display_torch_comes_after_the_window(display: str, home: Path, monkeypatch):
    seen = []
    monkeypatch.setattr(packages, "is_installed", lambda stage: stage != "torch")
    monkeypatch.setattr(torch_pair, "install", lambda: seen.append(len(starts(home.parent, "soffice"))))
    assert main_job.main([]) == 0
    assert seen == [1]


def test_an_extension_that_cannot_be_installed_is_told_and_torch_comes_all_the_same(display: str, home: Path, capsys):
    (home.parent / "config/libreoffice").mkdir()  # which nobody else may write
    assert main_job.main([]) == 1
    said = capsys.readouterr().out
    assert "The extension could not be installed." in said
    assert f"The workbook is {home / 'backprop.xlsx'}" in said
    assert "Train CNN" in said


@pytest.mark.parametrize("found", [None, office.Office(Path("/old"), (7, 4), "LibreOffice 7.4 is too old.")])
def test_without_a_libreoffice_that_will_do_it_says_so_and_works_headless(display, home, monkeypatch, capsys, found):
    monkeypatch.setattr(office, "find", lambda: found)
    assert main_job.main(["--no-torch"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(found.problem if found else "There is no LibreOffice. ")
    assert "Doing the same work headless." in said


def test_headless_without_torch_the_sheets_are_computed(headless: Path, capsys):
    assert main_job.main(["--no-torch"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("There is no display. Doing the same work headless.\n")
    assert "The training was left out (--no-torch)" in said
    forward = load_workbook(headless / "backprop.xlsx", data_only=True)["Forward"]
    canonical = json.loads((ROOT / "tests/canonical.json").read_text())["course"]["first"]["E_total"]
    assert any(cell.value == pytest.approx(canonical, rel=1e-12) for row in forward for cell in row)


def test_headless_it_trains_and_leaves_a_results_workbook(headless: Path, monkeypatch, capfd):
    pytest.importorskip("torch")
    monkeypatch.setenv("CNN_DATA_DIR", str(headless))
    monkeypatch.setitem(main_job.TRAINING, "digits", ("--epochs", "2"))
    assert main_job.main([]) == 0
    said = capfd.readouterr().out
    (folder,) = runs.list_runs()
    run = runs.read(folder)
    assert (run.started["dataset"], len(run.epochs), run.end["event"]) == ("digits", 2, "finished")
    assert "training on digits instead" in said
    assert f"The results: {folder / 'results.xlsx'}" in said
    assert said.rstrip().endswith("python start.py train")
    assert load_workbook(folder / "results.xlsx").sheetnames


def test_a_home_that_cannot_be_written_is_named(home: Path, capsys):
    home.touch()
    assert main_job.main(["--no-torch"]) == 1
    assert "BACKPROP_HOME names another folder" in capsys.readouterr().out
