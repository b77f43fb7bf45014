"""What makes a workbook backprop.xlsm: its VBA project, made without Excel, and its sheet of settings for xlwings.

The VBA is text: ours in vba/, the wrappers of the cell functions, and the standalone module of the xlwings that is
installed here, so that it and the DLL beside this Python are of one version. Its notices stay in it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import xlwings
from pyopenvba import ExcelFile
from pyopenvba.cfb import CFB
from pyopenvba.vba import VBAModuleKind
from xlsxwriter import Workbook
from xlsxwriter.utility import quote_sheetname

from addin import contract
from addin.contract import BLOCKS_CALL, BLOCKS_PLACE, BLOCKS_ROW, SETTINGS_SHEET
from addin.excel import wrappers
from addin.setup import excel
from cnn import runs
from xlsx.sheets.book import PythonBlock

PROJECT = Path(__file__).resolve().parents[2]
VBA = Path(__file__).with_name("vba")
XLWINGS = Path(xlwings.__file__).parent
WORKBOOK, FIRST_SHEET = "ThisWorkbook", "Sheet1"  # modules that a project has from the start
NO_CACHE = bytes.fromhex("cc61ffff000000")  # [MS-OVBA] 2.3.4.1: a version that no Office has, so that it compiles


def add_to(workbook: Workbook, blocks: list[PythonBlock]) -> None:
    """Give a workbook whose sheets are all there its macros and its sheet of settings."""
    write_settings(workbook, blocks)
    embed(workbook, sources)


def embed(workbook: Workbook, modules: Callable[[], dict[str, str]]) -> None:
    """Give a workbook whose sheets are all there these modules."""
    sheets = workbook.worksheets()
    workbook.add_vba_project(io.BytesIO(vba_project(len(sheets), modules)), is_stream=True)
    workbook.set_vba_name(WORKBOOK)
    for number, sheet in enumerate(sheets, 1):
        sheet.set_vba_name(f"Sheet{number}")


def write_settings(workbook: Workbook, blocks: list[PythonBlock]) -> None:
    """The hidden sheet that xlwings reads before any file: it needs no path, and nobody's own settings get in.

    Beside them every block of Python's numbers, as a formula that follows its cells, and its call: macOS needs both.
    """
    sheet = workbook.add_worksheet(SETTINGS_SHEET)
    for row, (name, value) in enumerate(settings().items()):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, value)
    for row, block in enumerate(blocks, BLOCKS_ROW - 1):
        place = f"{quote_sheetname(block.sheet)}!{block.area}"
        sheet.write_formula(row, BLOCKS_PLACE - 1, f"=ROWS({place})", value=block.rows)
        sheet.write_string(row, BLOCKS_CALL - 1, block.call)
    sheet.hide()


def settings() -> dict[str, str]:
    """Every setting that xlwings looks for, for this machine; and ours, where the user's folder is."""
    return {
        "INTERPRETER_WIN": sys.executable,
        "INTERPRETER_MAC": excel.interpreter_for_mac(runs.home()) if sys.platform == "darwin" else "",
        "PYTHONPATH": str(PROJECT),
        "UDF MODULES": wrappers.UDFS,
        "ADD_WORKBOOK_TO_PYTHONPATH": "False",
        "USE UDF SERVER": "False",
        "DEBUG UDFS": "False",
        "SHOW CONSOLE": "False",
        "BACKPROP_HOME": str(runs.home()),
        "BACKPROP_XLWINGS": xlwings.__version__,
        "CONDA PATH": "",
        "CONDA ENV": "",
        "LICENSE_KEY": "",
    }


def sources() -> dict[str, str]:
    """The modules of the project by name: ASCII text with VBA's line ends."""
    ours = {path.stem: path.read_text("ascii").replace("\n", "\r\n") for path in sorted(VBA.iterdir())}
    theirs = {path.stem: path.read_bytes().decode("ascii") for path in (xlwings_module(), dictionary())}
    return {**ours, contract.MODULE: contract.module(), wrappers.MODULE: wrappers.text(), **theirs}


def xlwings_module() -> Path:
    return XLWINGS / "xlwings.bas"


def dictionary() -> Path:
    """A class that xlwings' module needs on macOS."""
    return XLWINGS / "addin" / "Dictionary.cls"


@cache
def vba_project(sheets: int, modules: Callable[[], dict[str, str]]) -> bytes:
    """The vbaProject.bin of a workbook with so many sheets, called Sheet1, Sheet2, … in it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bare.xlsm"
        with Workbook(str(path)) as bare:
            for _ in range(sheets):
                bare.add_worksheet()
        with ExcelFile(path) as file:
            add_modules(file, modules())
            file.save()
        with ExcelFile(path) as file:
            return without_cache(file.vba_project_bytes())


def add_modules(file: ExcelFile, modules: dict[str, str]) -> None:
    project = file.add_vba_project()
    for name, text in modules.items():
        if name in (WORKBOOK, FIRST_SHEET):
            file.set_module(name, text)
        else:
            is_class = text.startswith("VERSION 1.0 CLASS")
            project.add_module(name, text, kind=VBAModuleKind.other if is_class else VBAModuleKind.standard)


def without_cache(project: bytes) -> bytes:
    """The project without compiled code, which only Office can write: it compiles the text when it opens the file."""
    container = CFB.from_bytes(project)
    container.write_stream_in_storage("VBA", "_VBA_PROJECT", NO_CACHE)
    return bytes(container.to_bytes())
