"""Reads an .xlsx or .xlsm file, its sheets as streams: cells, merged cells, tables and defined names."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element

from .grid import MAX_CELLS, Cell, Error, Grid, Position, Sheet, TableRange, position
from .package import SMALLER, Package, Unreadable, local

MAX_SEEN, MAX_STRINGS = 600_000, 200_000


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
    sheets, names = [], {}
    for element in package.named(part, "sheet", "definedName"):
        if local(element.tag) == "definedName":
            names[element.get("name", "").lower()] = element.text or ""
        else:
            key = next((value for name, value in element.items() if name.endswith("}id")), "")
            sheets.append((element.get("name", ""), key))
    return sheets, names


def read_strings(package: Package, part: str) -> list[str]:
    """The shared texts; the parts of a rich text are joined, phonetic hints left out."""
    strings: list[str] = []
    for element in package.named(part, "si"):
        strings.append(plain_text(element))
        element.clear()
        if len(strings) > MAX_STRINGS:
            raise Unreadable(f"it holds over {MAX_STRINGS:,} texts: {SMALLER}")
    return strings


def plain_text(element: Element) -> str:
    """The text of a shared or an inline text."""
    phonetic = {each for part in element if local(part.tag) == "rPh" for each in part.iter()}
    return "".join(part.text or "" for part in element.iter() if local(part.tag) == "t" and part not in phonetic)


def read_tables(package: Package, grid: Grid, sheet: Sheet) -> None:
    """The Excel tables of a sheet, which structured references name."""
    for kind, part in package.related(sheet.part).values():
        for element in package.named(part, "table") if kind == "table" else ():
            columns = [each.get("name", "").lower() for each in element.iter() if local(each.tag) == "tableColumn"]
            corners = [position(corner) for corner in element.get("ref", "").split(":")]
            if len(corners) == 2:
                (first, left), (last, _) = corners
                above = whole(element.get("headerRowCount"), 1)
                lines = {name: left + at for at, name in enumerate(columns)}
                name = element.get("displayName", element.get("name", ""))
                grid.tables[name.lower()] = TableRange(sheet.name, first + above, last, lines)


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
