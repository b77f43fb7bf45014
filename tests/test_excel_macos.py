"""Recalculate on macOS: Python's numbers as values in the Python columns. (The book here is a file, not Excel's.)"""

import itertools
import re
from pathlib import Path

import openpyxl
import pytest

from addin.excel import macos, project
from tests.sheets import XOR, close
from xlsx import build

PAIR = re.compile(r"ISNUMBER\(([A-Z0-9:]+)\)\*ISNUMBER\(([A-Z0-9:]+)\)")  # xlsx.sheets.cells.differs


class FileRange:
    """Cells of a file, with as much of xlwings' Range as is used; a formula's value is the one that is stored."""

    def __init__(self, sheet, area: str):
        rows, self.stored = sheet[area], sheet.parent.stored[sheet.title]
        self.cells = rows if isinstance(rows, tuple) else ((rows,),)
        self.shape = (len(self.cells), len(self.cells[0]))
        self.asked = {}

    def options(self, **asked: object) -> "FileRange":
        self.asked = asked
        return self

    @property
    def formula(self) -> str:
        return str(self.cells[0][0].value or "")

    @property
    def value(self) -> object:
        values = [
            [self.stored[cell.coordinate].value if cell.data_type == "f" else cell.value for cell in row]
            for row in self.cells
        ]
        return values if self.asked.get("ndim") == 2 else values[0][0]

    @value.setter
    def value(self, given: object) -> None:
        rows = given if isinstance(given, list) else [[given]]
        assert self.shape == (len(rows), len(rows[0]))
        for cells, row in zip(self.cells, rows, strict=True):
            for cell, value in zip(cells, row, strict=True):
                cell.value = value


class FileSheet:
    def __init__(self, sheet):
        self.sheet = sheet

    def range(self, area: str | tuple[int, int]) -> FileRange:
        return FileRange(self.sheet, area if isinstance(area, str) else self.sheet.cell(*area).coordinate)


class FileName:
    def __init__(self, book: openpyxl.Workbook, name: str):
        ((sheet, area),) = book.defined_names[name].destinations
        self.refers_to_range = FileRange(book[sheet], area.replace("$", ""))


class FileBook:
    def __init__(self, path: Path):
        self.book = openpyxl.load_workbook(path)
        self.book.stored = openpyxl.load_workbook(path, data_only=True)
        self.sheets = {sheet.title: FileSheet(sheet) for sheet in self.book}
        self.names = {name: FileName(self.book, name) for name in self.book.defined_names}


@pytest.fixture
def book(network: str, tmp_path: Path) -> FileBook:
    return FileBook(build.build(tmp_path / "backprop.xlsm", network, epochs=10, macros=project.add_to))


def cells(sheet: FileSheet, area: str) -> list[tuple[str, object]]:
    """The values of an area, each with its place."""
    given = sheet.range(area)
    values = itertools.chain.from_iterable(given.options(ndim=2).value)
    places = (f"{sheet.sheet.title}!{cell.coordinate}" for row in given.cells for cell in row)
    return list(zip(places, values, strict=True))


def compared(book: FileBook) -> list[tuple[FileSheet, str, str]]:
    """Every pair of ranges that the workbook itself compares: the sheet, the native cells, Python's."""
    arrays = [(sheet, text) for sheet in book.sheets.values() for text in array_formulas(sheet) if "differs" in text]
    return list({(sheet, *pair): None for sheet, text in arrays for pair in PAIR.findall(text)})


def array_formulas(sheet: FileSheet) -> list[str]:
    return [cell.value.text for row in sheet.sheet.iter_rows() for cell in row if hasattr(cell.value, "text")]


def blocks(book: FileBook) -> dict[str, str]:
    """The list of Python's blocks: where each is, as sheet!area, and its call."""
    rows = book.book[project.SETTINGS_SHEET].iter_rows(min_col=4, max_col=5, values_only=True)
    return {place.removeprefix("=ROWS(").removesuffix(")"): call for place, call in rows if place}


def block(book: FileBook, place: str) -> list[tuple[str, object]]:
    sheet, area = place.rsplit("!", 1)
    return cells(book.sheets[sheet.strip("'")], area)


@pytest.mark.parametrize("network", ["2-2-2", XOR])
def test_every_block_gets_pythons_numbers_which_agree_with_the_native_ones(book: FileBook) -> None:
    pairs, seen = compared(book), set()
    assert macos.compute(book).startswith("Python's numbers are those of ")
    assert book.names["python_ready"].refers_to_range.value is True
    for sheet, native, python in pairs:
        written = cells(sheet, python)
        seen |= {place for place, _ in written}
        for (place, value), (_, expected) in zip(written, cells(sheet, native), strict=True):
            assert close(value, expected, 1e-9), place
    aside = re.compile("BACKPROP_(VERSION|CHAOS|ROUNDING)")
    places = [place for place, call in blocks(book).items() if not aside.search(call)]
    assert len(places) >= 9
    assert seen == {cell for place in places for cell, _ in block(book, place)}, "compared, and Python's, are the same"
    left = [sheet.sheet.title for sheet in book.sheets.values() if "BACKPROP_" in str(array_formulas(sheet))]
    assert left == [], "every block is in the list"


@pytest.mark.parametrize("network", ["2-2-2"])
def test_a_bad_cell_fills_its_blocks_with_its_text(book: FileBook) -> None:
    """A text over a cell that is used; or what its formula gives, as Excel computes it, for a text in yours."""
    filled = [place for place, call in blocks(book).items() if "weights" in call]
    assert len(filled) >= 9
    for content, fault in {"o.2": 'is text ("o.2")', "#N/A": "is the error #N/A"}.items():
        for name in ("weights", "shown_weights"):
            book.names[name].refers_to_range.cells[2][0].value = content
        macos.compute(book)
        for place in filled:
            assert {value for _, value in block(book, place)} == {f"#weights: row 3, column 1 {fault}"}, place


@pytest.mark.parametrize(
    ("call", "rows"),
    [
        ('BACKPROP_HEADERS("2-1","loss")', [["E1", "E_total"]]),
        ('TRANSPOSE(BACKPROP_HEADERS("2-1","loss"))', [["E1"], ["E_total"]]),
        ('INDEX(BACKPROP_HEADERS("2-1","loss"),0,2)', [["E_total"]]),
    ],
)
def test_a_call_is_answered_as_its_formula_would_be(call: str, rows: list) -> None:
    assert macos.answer(None, call) == rows
