"""The tests of Excel's cell functions, asked through xlwings' own DLL and COM server on a Windows Python."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_excel_functions import *  # noqa: F403  the same tests, with another Excel
from tests.test_excel_functions import Excel
from tests.windows import vba
from tests.windows.wine import PYTHON, Project, Wine, windows_path

HERE = Path(__file__).parent
WORKBOOK = r"C:\users\Public\backprop.xlsm"


@pytest.fixture(scope="module")
def command_line(wine: Wine, project: Project, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The one that xlwings' VBA makes of a workbook's settings."""
    settings = {
        "INTERPRETER_WIN": project.python,
        "PYTHONPATH": project.path,
        "UDF MODULES": "addin.excel.udfs",
        "ADD_WORKBOOK_TO_PYTHONPATH": "False",
    }
    return vba.run(wine, "XLPyCommand", "Answer = XLPyCommand()", settings, WORKBOOK, tmp_path_factory.mktemp("vba"))


@pytest.fixture(scope="module")
def excel(wine: Wine, project: Project, command_line: str) -> Iterator[Excel]:
    [dll] = (project.folder / ".venv").glob("xlwings64*.dll")
    with wine.start(PYTHON, windows_path(HERE / "excel.py"), windows_path(dll)) as process:
        print(json.dumps(command_line), file=process.stdin, flush=True)
        yield Excel(process)
        process.stdin.close()


@pytest.mark.parametrize("start", STARTS)  # noqa: F405
def test_ranges_of_cells_give_what_their_values_give(excel: Excel, start: str) -> None:
    """A cell function is handed Range objects, not values: xlwings asks each for its type and then for its cells."""
    cells = sample(start)  # noqa: F405
    ranges = {name: {"range": rows} for name, rows in cells.items()}
    for function in ("BACKPROP_FORWARD", "BACKPROP_LOSS", "BACKPROP_GRADIENT"):
        assert excel.ask(function, **ranges) == excel.ask(function, **cells)
