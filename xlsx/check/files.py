"""A learner's file as a grid of cells: workbooks (.xlsx and its kin) and texts (.csv), read within limits.

A workbook's parts are read as streams and counted, so that a zip that lies about its sizes is caught too. A document
type declaration, which only an attack needs, is refused. Nothing in it is run, nothing out of it is followed.
"""

from __future__ import annotations

import csv
import posixpath
import re
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from openpyxl.utils import column_index_from_string, get_column_letter

from xlsx.contract import MOST_CHECKED

MAX_CELLS = MOST_CHECKED
REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")
MEGABYTE = 1_000_000
MAX_FILE, MAX_PART, MAX_READ, MAX_PARTS = 50 * MEGABYTE, 80 * MEGABYTE, 160 * MEGABYTE, 3_000
MAX_SEEN, MAX_STRINGS = 600_000, 200_000
SECONDS = 6.0
PIECE = 1 << 16
WORKBOOKS = (".xlsx", ".xlsm", ".xltx", ".xltm")
TEXTS = (".csv", ".tsv")
SEPARATORS = ("\t", ";", ",")
LINES = 50  # that tell the separator
NUMBER = re.compile(r"[-+]?(\d+([.]\d*)?|[.]\d+)(e[-+]?\d+)?", re.IGNORECASE)
ERROR = re.compile(r"#(N/A|DIV/0!|GETTING_DATA|[A-Z]+[!?])|Err:\d+")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
SMALLER = "copy the sheet with the table into a new workbook and check that"
SAVE_AS = "open it in your spreadsheet program, save it as Excel workbook (.xlsx), and check that copy"

Position = tuple[int, int]
Place = tuple[str, int, int]  # sheet, row, column


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

    def sheet(self, name: str) -> Sheet | None:
        found = self.sheets.get(name)
        return found or next((each for each in self.sheets.values() if each.name.lower() == name.lower()), None)


def position(place: str) -> Position:
    """Row and column, from 1, of a place such as AB12; (0, 0) for anything else."""
    found = REFERENCE.fullmatch(place.replace("$", ""))
    return (int(found[2]), column_index_from_string(found[1])) if found else (0, 0)


def place(row: int, column: int) -> str:
    return f"{get_column_letter(column)}{row}"


class Unreadable(Exception):
    """The file cannot be checked; the message says why, and what to do next."""


class Package:
    """The parts of an .xlsx or .xlsm file, each read once and within limits. Raises Unreadable."""

    def __init__(self, path: Path):
        self.read_bytes, self.deadline = 0, time.process_time() + SECONDS
        refuse_what_is_no_workbook(path)
        try:
            self.zip = zipfile.ZipFile(path)
            self.names = {name.lower(): name for name in self.zip.namelist()}
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise Unreadable(f"{path.name} is damaged ({error}): {SAVE_AS}") from error
        if len(self.names) > MAX_PARTS:
            raise Unreadable(f"{path.name} has {len(self.names):,} parts, {MAX_PARTS:,} at most: {SAVE_AS}")
        if "[content_types].xml" not in self.names:
            raise Unreadable(f"{path.name} is a zip file, but no Excel workbook: {SAVE_AS}")

    def close(self) -> None:
        self.zip.close()

    def has(self, part: str) -> bool:
        return part.lower() in self.names

    def elements(self, part: str) -> Iterator[tuple[str, Element]]:
        """A part's elements, ("start" or "end", element), as they stream past. Raises Unreadable."""
        parser: Any = XMLPullParser(("start", "end"))
        try:
            for piece in self.pieces(part):
                if b"<!DOCTYPE" in piece or b"<!ENTITY" in piece:
                    raise Unreadable(f"it holds a document type declaration, which no program writes: {SAVE_AS}")
                parser.feed(piece)
                yield from parser.read_events()
            parser.close()
        except (ParseError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise Unreadable(f"the part {part} is damaged ({error}): {SAVE_AS}") from error

    def named(self, part: str, *tags: str) -> Iterator[Element]:
        """The whole elements of these names, without their namespace, in a part; none where it is not there."""
        for event, element in self.elements(part) if self.has(part) else ():
            if event == "end" and local(element.tag) in tags:
                yield element

    def pieces(self, part: str) -> Iterator[bytes]:
        """A part's bytes, counted."""
        size = 0
        with self.zip.open(self.names[part.lower()]) as stream:
            while piece := stream.read(PIECE):
                size, self.read_bytes = size + len(piece), self.read_bytes + len(piece)
                if size > MAX_PART or self.read_bytes > MAX_READ:
                    raise Unreadable(f"unpacked, the part {part} is too large to be a learner's table: {SMALLER}")
                if time.process_time() > self.deadline:
                    raise Unreadable(f"reading took over {SECONDS:.0f} seconds: {SMALLER}")
                yield piece

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part points to inside the package: {id: (kind, part)}. Targets outside are left out, never opened."""
        folder, name = posixpath.split(part)
        found = {}
        for each in self.named(posixpath.join(folder, "_rels", name + ".rels"), "Relationship"):
            if each.get("TargetMode") != "External":
                target = each.get("Target", "")
                inside = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                found[each.get("Id", "")] = (each.get("Type", "").rsplit("/", 1)[-1], posixpath.normpath(inside))
        return found


def content(path: Path, most: int = -1) -> bytes:
    """The first bytes of a file, or all of them. Raises Unreadable for what is not there, or too large."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise Unreadable(f"{path.name} has {size / MEGABYTE:.0f} MB, {MAX_FILE / MEGABYTE:.0f} at most: {SMALLER}")
        with path.open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror}): is the name right?") from error


def refuse_what_is_no_workbook(path: Path) -> None:
    """Raises Unreadable for what is known to be something else."""
    head = content(path, 1 << 20)
    if head.startswith(OLE):
        raise Unreadable(ole_message(path, head))
    if path.suffix.lower() == ".xlsb":
        raise Unreadable(f"{path.name} is a binary workbook (.xlsb): {SAVE_AS}")
    if not head.startswith(b"PK"):
        raise Unreadable(f"{path.name} is {what_it_is(path, head)}, not an Excel workbook: {SAVE_AS}")
    if b"mimetypeapplication/vnd.oasis.opendocument" in head[:200]:
        raise Unreadable(f"{path.name} is an OpenDocument file (.ods): {SAVE_AS}")


def ole_message(path: Path, head: bytes) -> str:
    if ENCRYPTED in head or path.suffix.lower() in WORKBOOKS:
        return f"{path.name} is protected by a password: open it, remove the password (File, Info), and save it"
    return f"{path.name} is a workbook of Excel 97-2003 (.xls): {SAVE_AS}"


def what_it_is(path: Path, head: bytes) -> str:
    """In words, for a file that is no zip."""
    if not head.strip():
        return "empty"
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        return "a text file, which holds no formulas"
    start = head.lstrip()[:20].lower()
    return "a web page" if start.startswith((b"<!doctype html", b"<html")) else "something else"


@cache
def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def read(path: Path) -> Grid:
    """The cells of a file. Raises Unreadable."""
    if path.suffix.lower() in TEXTS:
        return read_text(path)
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
    grid = Grid({}, names=names)
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


def read_text(path: Path) -> Grid:
    """The cells of a text file: with comma, semicolon or tab between them, and point or comma in numbers."""
    lines = text(path).splitlines(keepends=True)
    mark = separator(lines)
    sheet = Sheet(path.stem)
    try:
        for row, fields in enumerate(csv.reader(lines, delimiter=mark), 1):
            found = {(row, column): field_cell(each.strip()) for column, each in enumerate(fields, 1) if each.strip()}
            sheet.cells |= found
            if len(sheet.cells) > MAX_CELLS:
                raise Unreadable(f"it holds over {MAX_CELLS:,} cells: {SMALLER}")
    except csv.Error as error:
        raise Unreadable(f"{path.name} is damaged ({error}): {SAVE_AS}") from error
    return Grid({sheet.name: sheet})


def text(path: Path) -> str:
    """What the file says, in UTF-8 or UTF-16 where it says so, else as Windows writes it. Raises Unreadable."""
    data = content(path)
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def separator(lines: list[str]) -> str:
    """What at least half of the first lines are divided by: a comma last, for it may be a number's."""
    head = [line for line in islice(lines, LINES) if line.strip()]
    return next((mark for mark in SEPARATORS if sum(mark in line for line in head) * 2 >= len(head) > 0), ",")


def field_cell(content: str) -> Cell:
    """A field as a cell: a formula (as a program writes that was asked to show them), an error, a number or a text.

    A comma in it was no separator: it is a number's.
    """
    if content.startswith("=") and len(content) > 1:
        return Cell(None, content[1:])
    if ERROR.fullmatch(content):
        return Cell(Error(content))
    plain = content.replace(",", ".")
    return Cell(float(plain) if NUMBER.fullmatch(plain) else content)
