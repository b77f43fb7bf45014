"""A user's own workbooks live on: those that the first version wrote, with today's extension and today's Python."""

import contextlib
import os
import shutil
import signal
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from addin.excel import project
from cnn import runs
from tests.calc.conftest import StartOffice, write_environment
from tests.calc.office import Office, wait_for
from tests.calc.training_log import expected, numbers_of, press
from tests.excel.macros import prepare

FIRST = Path(__file__).parents[1] / "fixtures/first"
SHORT = {"model": "tiny", "dataset": "digits", "device": "cpu"}
MANY = 1000  # epochs, more than any test waits for
TRUSTED = {"MacroExecutionMode": 4}  # com.sun.star.document.MacroExecMode.ALWAYS_EXECUTE_NO_WARN
NO_RUN = "No run yet"


@pytest.fixture(autouse=True)
def torch() -> None:
    pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def calc_window(start_office: StartOffice, display: str) -> Iterator[Office]:
    """A Calc with today's extension."""
    with ended(start_office(display=display)) as office:
        yield office


@pytest.fixture
def macro_window(calc: str, display: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A LibreOffice that runs the workbook's own macros, which find today's Python."""
    monkeypatch.setenv("STAND_IN", str(tmp_path))
    write_environment(tmp_path / "home")
    office = Office(tmp_path, tmp_path / "home", display=display)
    prepare(tmp_path, office.profile)
    with ended(office):
        yield office


@contextlib.contextmanager
def ended(office: Office) -> Iterator[Office]:
    """The office; with it end the trainers that were started from it."""
    yield office
    for folder in runs.list_runs(office.home):
        if runs.is_alive(folder):
            os.kill(runs.read(folder).started["pid"], signal.SIGKILL)
    office.end()


def test_the_xlsx_opens_computes_trains_stops_and_resumes(calc_window: Office, tmp_path: Path) -> None:
    key = calc_window.load(shutil.copy(FIRST / "backprop.xlsx", tmp_path))
    it_computes(calc_window, key)
    it_trains_stops_and_resumes(calc_window, key)


def test_the_xlsm_opens_computes_trains_stops_and_resumes(macro_window: Office) -> None:
    key = macro_window.load(str(on_this_machine(macro_window.home)), **TRUSTED)
    it_computes(macro_window, key)
    it_trains_stops_and_resumes(macro_window, key)
    macro_window.macro(key, "VBAProject.BackpropFollow.StopTicking")


def on_this_machine(home: Path) -> Path:
    """The .xlsm as the first version would have written it here."""
    places = {"@PYTHON@": sys.executable, "@PROJECT@": str(project.PROJECT), "@HOME@": str(home)}
    with zipfile.ZipFile(FIRST / "backprop.xlsm") as kept, zipfile.ZipFile(home / "backprop.xlsm", "w") as made:
        for name in kept.namelist():
            content = kept.read(name)
            if name == "xl/sharedStrings.xml":
                for mark, place in places.items():
                    content = content.replace(mark.encode(), place.encode())
            made.writestr(name, content)
    return home / "backprop.xlsm"


def it_computes(office: Office, key: int) -> None:
    """Python answers, the workbook agrees with itself, and the log's rows are those that pyfuncs computes."""
    office.calculate(key)
    assert office.read(key, "python_ready") == [[1.0]]
    cells = [str(cell) for row in office.read(key, office.used(key, "Start")) for cell in row]
    assert [cell for cell in cells if cell.startswith("all ") and cell.endswith("comparisons agree")]
    press(office, key, "Step", 2)
    office.write(key, "log_steps", 2)
    log = press(office, key, "Run n", 4)
    np.testing.assert_allclose(numbers_of(log), expected(3), rtol=0, atol=1e-10)
    press(office, key, "Undo", 2)
    press(office, key, "Reset", 1)


def it_trains_stops_and_resumes(office: Office, key: int) -> None:
    """Rows arrive while it trains, Stop keeps them, and Resume goes on after the last."""
    wait_for(lambda: not list(office.home.glob("answer-*")), timeout=30)  # what it asked when it was opened
    for name, value in {**SHORT, "epochs": MANY}.items():
        office.write(key, f"run_{name}", value)
    assert status(office, key).startswith(NO_RUN)
    office.press(key, "Results", "Train CNN")
    wait_for(lambda: len(epochs(office, key)) >= 2, timeout=120)
    stopped(office, key)
    before = epochs(office, key)
    (run,) = runs.list_runs(office.home)
    assert before == [epoch["epoch"] for epoch in runs.read(run).epochs]
    office.press(key, "Results", "Resume")
    wait_for(lambda: len(epochs(office, key)) > len(before), timeout=120)
    stopped(office, key)
    assert epochs(office, key) == [*range(1, len(epochs(office, key)) + 1)]
    assert runs.list_runs(office.home) == [run]


def stopped(office: Office, key: int) -> None:
    office.press(key, "Results", "Stop")
    wait_for(lambda: status(office, key).startswith("stopped after epoch"), timeout=60)


def status(office: Office, key: int) -> str:
    return str(office.read(key, "run_status")[0][0])


def epochs(office: Office, key: int) -> list[float]:
    """The numbers of the epochs that the sheet shows."""
    sheet, column, row, *_ = office.where(key, "run_table")
    letter = chr(ord("A") + column)
    cells = office.read(key, f"{office.sheets(key)[sheet]}.{letter}{row + 2}:{letter}{row + 1 + MANY}")
    return [cell for (cell,) in cells if cell is not None]
