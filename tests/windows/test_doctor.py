"""What doctor says of an Excel on Windows: from real values of the registry, and real files."""

import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from addin.setup import excel as excel_setup
from tests.windows.wine import PYTHON, Project, Wine, windows_path

APP_PATHS = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths\excel.exe"
SECURITY = r"Microsoft\Office\16.0\Excel\Security"
Doctor = Callable[[], dict[str, str]]


@contextmanager
def registry(wine: Wine, key: str, *value: str) -> Iterator[None]:
    """A value of the registry for a while: its name or the default one, its type, and what it is."""
    assert wine.run("reg", "add", key, *value, "/f").returncode == 0
    try:
        yield
    finally:
        name = value[: 2 if value[0] == "/v" else 1]
        assert wine.run("reg", "delete", key, *name, "/f").returncode == 0


@pytest.fixture(scope="module")
def home(wine: Wine, project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with a workbook that this Windows has written, and the add-in beside Excel's."""
    folder = tmp_path_factory.mktemp("home")
    write = "from addin import workbook; print(workbook.own('backprop.xlsm'), workbook.install_add_in())"
    made = wine.run(project.python, "-c", write, folder=project.folder, BACKPROP_HOME=windows_path(folder))
    assert (folder / "backprop.xlsm").exists(), made.stderr
    return folder


@pytest.fixture
def excel(wine: Wine, tmp_path: Path) -> Iterator[Path]:
    """A program in Excel's place, where the registry says that it is."""
    program = tmp_path / "Office 16" / "EXCEL.EXE"
    program.parent.mkdir()
    shutil.copy(wine.drive_c / "Python311/python.exe", program)
    with registry(wine, APP_PATHS, "/ve", "/d", windows_path(program)):
        yield program


@pytest.fixture
def doctor(wine: Wine, project: Project, home: Path) -> Doctor:
    """Each check's lines."""

    def asked() -> dict[str, str]:
        variables = {"BACKPROP_HOME": windows_path(home), "PYTHONUTF8": "1"}
        said = wine.run(PYTHON, rf"{project.path}\start.py", "doctor", **variables)
        return dict(re.findall(r"^\S+\s+(Excel|Workbook|Add-in|Python) +(.*\n(?: .*\n)?)", said.stdout, re.MULTILINE))

    return asked


def test_excel_is_found_where_the_registry_says(doctor: Doctor, excel: Path) -> None:
    assert windows_path(excel) in doctor()["Excel"]


@pytest.mark.parametrize(
    ("place", "where"), [("SOFTWARE", "Trust Center"), (r"SOFTWARE\Policies", "administrator's policy")]
)
def test_macros_that_are_turned_off_are_named(doctor: Doctor, wine: Wine, excel: Path, place: str, where: str) -> None:
    assert "turned off" not in doctor()["Excel"]
    with registry(wine, rf"HKCU\{place}\{SECURITY}", "/v", "VBAWarnings", "/t", "REG_DWORD", "/d", "4"):
        assert "all macros are turned off" in doctor()["Excel"]
        assert where in doctor()["Excel"]


def test_a_pythonpath_that_excels_python_would_search_is_named(doctor: Doctor, wine: Wine, excel: Path) -> None:
    with registry(wine, r"HKCU\Environment", "/v", "PYTHONPATH", "/d", r"C:\mine"):
        assert r"looks for modules in C:\mine first" in doctor()["Excel"]
        assert "take PYTHONPATH out" in doctor()["Excel"]


def test_a_workbook_of_this_machine_has_no_fault(doctor: Doctor, home: Path) -> None:
    assert doctor()["Workbook"].strip() == windows_path(home / "backprop.xlsm")


def test_the_add_in_does_not_stay_for_others(home: Path, wine: Wine) -> None:
    def there() -> list[Path]:
        return list(wine.drive_c.rglob(excel_setup.ADD_IN))

    [path] = there()
    content = path.read_bytes()
    wine.remove_add_in()
    assert there() == []
    path.write_bytes(content)


def test_a_library_of_xlwings_that_an_antivirus_took_is_named(doctor: Doctor, project: Project, tmp_path: Path) -> None:
    [dll] = (project.folder / ".venv").glob("xlwings64*.dll")
    with moved(dll, tmp_path):
        found = doctor()
    for what in ("Workbook", "Add-in"):
        assert rf"{project.path}\.venv\{dll.name}, which is gone" in found[what]
        assert "antivirus" in found[what]
        assert "allow it there, delete the folder .venv" in found[what]


@contextmanager
def moved(file: Path, folder: Path) -> Iterator[None]:
    kept = shutil.move(file, folder)
    try:
        yield
    finally:
        shutil.move(kept, file)


def test_a_workbook_of_another_xlwings_is_named(doctor: Doctor, home: Path) -> None:
    workbook = home / "backprop.xlsm"
    kept = workbook.read_bytes()
    with zipfile.ZipFile(workbook) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(workbook, "w") as archive:
        for name, content in parts.items():
            changed = re.sub(rb">0\.\d+\.\d+<", b">0.30.1<", content) if name == "xl/sharedStrings.xml" else content
            archive.writestr(name, changed)
    try:
        assert re.search(r"is of xlwings 0\.30\.1, but 0\.\d+\.\d+ is installed", doctor()["Workbook"])
    finally:
        workbook.write_bytes(kept)
