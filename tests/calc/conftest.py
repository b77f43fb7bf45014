"""A real LibreOffice with the packaged extension in a fresh profile, in the background or in a window."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from addin import __version__
from addin.calc.extension import PROJECT, package
from addin.excel import project
from addin.setup.office import environment
from tests.calc.office import Office, office_python, virtual_screen, wait_for
from tests.excel.macros import prepare, stand_ins
from tests.needs import require
from xlsx.build import build

TRUSTED = {"MacroExecutionMode": 4}  # com.sun.star.document.MacroExecMode.ALWAYS_EXECUTE_NO_WARN


@pytest.fixture(scope="session")
def calc(soffice: str) -> str:
    """LibreOffice's program, where its Python can be driven too."""
    python = office_python(soffice)
    if subprocess.run([python, "-c", "import uno"], capture_output=True).returncode:
        require("calc", f"{python} cannot import uno: install python3-uno")
    return soffice


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged extension."""
    return package(tmp_path_factory.mktemp("extension") / "backprop.oxt")


def write_environment(home: Path) -> None:
    """What start.py writes for the extension to find this project's Python."""
    home.mkdir(parents=True, exist_ok=True)
    environment = {"interpreter": sys.executable, "project": str(PROJECT), "version": __version__}
    (home / "environment.json").write_text(json.dumps(environment))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """End every fixture where the test has lost its office, which crashed or hung: the next test starts another."""
    if any(isinstance(fixture, Office) and fixture.has_ended() for fixture in item.funcargs.values()):
        item.session._setupstate.teardown_exact(None)  # as pytest does after the last test; it has no public name


StartOffice = Callable[..., Office]


@pytest.fixture(scope="session")
def start_office(calc: str, extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartOffice]:
    """Starts offices, each with a profile and a BACKPROP_HOME of its own; ends them all."""
    started: list[Office] = []

    def start(with_extension: bool = True, **options: object) -> Office:
        folder = tmp_path_factory.mktemp("office")
        write_environment(folder / "home")
        office = Office(folder, folder / "home", **options)
        started.append(office)
        if with_extension:
            assert office.install(str(extension)) == "org.backprop.addin"
            office.restart()
        return office

    yield start
    for office in started:
        office.kill()


@pytest.fixture(scope="module")
def office(start_office: StartOffice) -> Iterator[Office]:
    """An office without a window, with the extension."""
    office = start_office()
    yield office
    office.end()


@pytest.fixture(scope="module")
def window(start_office: StartOffice, display: str) -> Iterator[Office]:
    """An office in a window on the virtual screen, with the extension."""
    office = start_office(display=display)
    yield office
    office.end()


@pytest.fixture
def sheet(office: Office) -> Iterator[int]:
    """A new spreadsheet; its only sheet is Sheet1."""
    key = office.load("")
    yield key
    office.close(key)


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """A virtual screen with a window manager; what is clicked there is on nobody's desk."""
    for program in ("Xvfb", "openbox", "xdotool", "import"):
        if shutil.which(program) is None:
            require("calc", f"{program} is not installed: no window can be tested")
    with virtual_screen() as name:
        yield name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that paths can have."""
    made = tmp_path_factory.mktemp("excel") / "José & Co's place"
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def excel(calc: str, display: str, folder: Path) -> Iterator[Office]:
    """A LibreOffice in a window, which runs VBA."""
    write_environment(folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAND_IN", str(folder))
        patch.setenv("CNN_DATA_DIR", str(folder / "no data"))
        patch.setenv("BACKPROP_HOME", str(folder / "home"))
        assert environment()["STAND_IN"] == str(folder)
        office = Office(folder, folder / "home", display=display)
        prepare(folder, office.profile)
        with stand_ins():
            build(folder / "home/backprop.xlsm", epochs=10, macros=project.add_to)
        yield office
    office.end()


def close_at_rest(excel: Office, key: int, macros: int) -> None:
    """Close a workbook once the macros that serve it are at rest: only LibreOffice would close it within a tick.

    Closed from outside, it does not tell Workbook_BeforeClose either.
    """
    wait_for(lambda: excel.macro(macros, "VBAProject.xlwings.IsAtRest"))
    excel.close(key)
