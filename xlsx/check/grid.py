"""A workbook as this check needs it: per sheet the cells with stored value and formula, tables, and defined names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from xlsx.contract import MOST_CHECKED

from .package import SMALLER, Package, Unreadable, nothing

MAX_CELLS, MAX_SEEN, MAX_STRINGS = MOST_CHECKED, 600_000, 200_000
REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")

Position = tuple[int, int]


class Cell(NamedTuple):
    """What a cell stores: a number, a text, a boolean, an Error or None, and its formula without "=" or None.

    A cell of a shared formula has the formula of the first one, and how far it lies from it in `shift` (rows, columns).
    """

    value: float | str | bool | Error | None
    formula: str | None = None
    shift: Position = (0, 0)


class Error(NamedTuple):
    """A stored error value, such as #REF!."""

    text: str


BLANK = Cell(None)


@dataclass
class TableRange:
    """An Excel table: sheet, first and last row of its data, and the column of each of its titles."""

    sheet: str
    first: int
    last: int
    columns: dict[str, int]


@dataclass
class Sheet:
    name: str
    part: str = ""
    cells: dict[Position, Cell] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    too_large: bool = False

    def at(self, row: int, column: int) -> Cell:
        return self.cells.get((row, column), BLANK)

    @cached_property
    def last_row(self) -> int:
        return max((row for row, _ in self.cells), default=0)


@dataclass
class Grid:
    """The sheets by name, the Excel tables and the defined names (in lower case), with what they stand for."""

    sheets: dict[str, Sheet]
    tables: dict[str, TableRange] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    has_macros: bool = False

    def sheet(self, name: str) -> Sheet | None:
        found = self.sheets.get(name)
        return found or next((each for each in self.sheets.values() if each.name.lower() == name.lower()), None)


def read(path: Path) -> Grid:
    """The worksheets of a file. Raises Unreadable."""
    package = Package(path)
    try:
        return read_package(package)
    finally:
        package.close()


def read_package(package: Package) -> Grid:
    top = dict(package.related("").values())
    book = top.get("officeDocument", "")
    if not package.has(book) or book.endswith(".bin"):
        raise Unreadable("the file holds no Excel workbook: open it and save it as .xlsx")
    listed, names = read_book(package, book)
    targets = package.related(book)
    strings = next((read_strings(package, part) for kind, part in targets.values() if kind == "sharedStrings"), [])
    grid = Grid({}, names=names, has_macros=package.has("xl/vbaProject.bin"))
    for name, key in listed:
        kind, part = targets.get(key, ("", ""))
        if kind == "worksheet" and package.has(part):
            grid.sheets[name] = SheetReader(package, part, name, strings).sheet
            read_tables(package, grid, grid.sheets[name])
    return grid


def read_book(package: Package, part: str) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The sheets (name, relation), and the defined names of the whole workbook."""
    sheets: list[tuple[str, str]] = []
    names: dict[str, str] = {}
    open_name: list[str] = []

    def start(element: str, attributes: dict[str, str]) -> None:
        if element == "sheet":
            key = next((value for name, value in attributes.items() if name.endswith(":id")), "")
            sheets.append((attributes.get("name", ""), key))
        elif element == "definedName":
            open_name[:] = [attributes.get("name", "").lower()]

    def text(data: str) -> None:
        if open_name:
            names[open_name[0]] = names.get(open_name[0], "") + data

    def end(element: str) -> None:
        if element == "definedName":
            open_name.clear()

    package.parse(part, start, end, text)
    return sheets, names


def read_strings(package: Package, part: str) -> list[str]:
    """The shared texts; the parts of a rich text are joined, phonetic hints left out."""
    strings: list[str] = []
    if package.has(part):
        for event, element in package.elements(part):
            if event == "end" and local(element.tag) == "si":
                strings.append(plain_text(element))
                element.clear()
                if len(strings) > MAX_STRINGS:
                    raise Unreadable(f"it holds over {MAX_STRINGS:,} texts: {SMALLER}")
    return strings


def plain_text(element: Element) -> str:
    """The text of a shared or an inline text."""
    phonetic = {each for part in element if local(part.tag) == "rPh" for each in part.iter()}
    return "".join(part.text or "" for part in element.iter() if local(part.tag) == "t" and part not in phonetic)


@cache
def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def read_tables(package: Package, grid: Grid, sheet: Sheet) -> None:
    """The Excel tables of a sheet, which structured references name."""
    for kind, part in package.related(sheet.part).values():
        if kind == "table" and package.has(part):
            found: dict[str, Any] = {"columns": []}

            def start(element: str, attributes: dict[str, str], found: dict[str, Any] = found) -> None:
                if element == "table":
                    found |= attributes
                elif element == "tableColumn":
                    found["columns"].append(attributes.get("name", "").lower())

            package.parse(part, start, nothing, nothing)
            add_table(grid, sheet, found)


def add_table(grid: Grid, sheet: Sheet, found: dict[str, Any]) -> None:
    corners = [position(corner) for corner in found.get("ref", "").split(":")]
    if len(corners) == 2:
        (first, left), (last, _) = corners
        columns = {name: left + at for at, name in enumerate(found["columns"])}
        table = TableRange(sheet.name, first + int(found.get("headerRowCount", 1)), last, columns)
        grid.tables[found.get("displayName", found.get("name", "")).lower()] = table


class SheetReader:
    """Reads one sheet's cells while the part streams past; stops at MAX_CELLS."""

    def __init__(self, package: Package, part: str, name: str, strings: list[str]):
        self.sheet, self.strings = Sheet(name, part), strings
        self.row = self.column = self.seen = 0
        self.shared: dict[str, tuple[Position, str]] = {}
        try:
            self.stream(package, part)
        except TooLarge:
            self.sheet.too_large = True
            self.sheet.cells.clear()

    def stream(self, package: Package, part: str) -> None:
        rows = None
        for event, element in package.elements(part):
            kind = local(element.tag)
            if event == "start":
                if kind == "row":
                    self.row, self.column = whole(element.get("r"), self.row + 1), 0
                elif kind == "sheetData":
                    rows = element
            elif kind == "c":
                self.take(element)
            elif kind == "row" and rows is not None:
                rows.clear()  # what was read is let go
            elif kind == "mergeCell" and len(self.sheet.merged) < MAX_CELLS // 10:
                self.merge(element.get("ref", ""))

    def take(self, element: Element) -> None:
        """Keep one cell; those that are styled and hold nothing are not kept."""
        place = element.get("r")
        self.row, self.column = position(place) if place else (self.row, self.column + 1)
        self.seen += 1
        if len(self.sheet.cells) >= MAX_CELLS or self.seen > MAX_SEEN:
            raise TooLarge
        formula, value, shift = None, None, (0, 0)
        for part in element:
            kind = local(part.tag)
            if kind == "f":
                formula, shift = self.formula(part)
            elif kind == "v":
                value = self.value(element.get("t", "n"), part.text or "")
            elif kind == "is":
                value = reckoned(plain_text(part)) or None
        if value is not None or formula is not None:
            self.sheet.cells[self.row, self.column] = Cell(value, formula, shift)
        element.clear()

    def formula(self, element: Element) -> tuple[str | None, Position]:
        """The formula's text, and how far the cell lies from the one it was written for."""
        text = (element.text or "").strip().removeprefix("=")
        index = element.get("si") if element.get("t") == "shared" else None
        if index is None:
            return text or None, (0, 0)
        if text:
            self.shared[index] = ((self.row, self.column), text)
        (row, column), text = self.shared.get(index, ((self.row, self.column), ""))
        return text or None, (self.row - row, self.column - column)

    def value(self, kind: str, text: str) -> float | str | bool | Error | None:
        if kind == "s":
            index = whole(text, -1)
            return reckoned(self.strings[index]) if 0 <= index < len(self.strings) else None
        if not text:
            return None
        if kind in ("b", "e"):
            return text == "1" if kind == "b" else Error(text)
        return text if kind in ("str", "d") else number(text)

    def merge(self, area: str) -> None:
        corners = [position(corner) for corner in area.split(":")]
        if len(corners) == 2:
            self.sheet.merged.append((*corners[0], *corners[1]))


class TooLarge(Exception):
    """More cells than a learner's table has."""


def number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def reckoned(text: str) -> float | str:
    """A text that is a plain number, such as '0.05: the programs reckon with it as with the number."""
    return float(text) if re.fullmatch(r"-?\d*\.\d+", text) else text


def whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else otherwise


@cache
def column_number(letters: str) -> int:
    column = 0
    for letter in letters.upper():
        column = 26 * column + ord(letter) - 64
    return column


def position(place: str) -> Position:
    """Row and column, from 1, of a place such as AB12; (0, 0) for anything else."""
    found = REFERENCE.fullmatch(place.replace("$", ""))
    return (int(found[2]), column_number(found[1])) if found else (0, 0)


def letters(column: int) -> str:
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def place(row: int, column: int) -> str:
    return f"{letters(column)}{row}"
