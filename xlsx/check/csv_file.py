"""A text file of values (.csv) as a workbook of one sheet: with comma, semicolon or tab, and point or comma in numbers.

A text that begins with = is a formula, as a program writes that was asked to show them.
"""

from __future__ import annotations

import csv
import re
from itertools import islice
from pathlib import Path

from .grid import MAX_CELLS, Cell, Error, Grid, Sheet
from .package import MAX_FILE, SAVE_AS, SMALLER, Unreadable

SUFFIXES = {".csv", ".tsv"}
SEPARATORS = ("\t", ";", ",")
LINES = 50  # that tell the separator
NUMBER = re.compile(r"[-+]?(\d+([.]\d*)?|[.]\d+)(e[-+]?\d+)?", re.IGNORECASE)
ERROR = re.compile(r"#(N/A|DIV/0!|GETTING_DATA|[A-Z]+[!?])|Err:\d+")


def read(path: Path) -> Grid:
    """The file's cells. Raises Unreadable."""
    lines = text(path).splitlines(keepends=True)
    mark = separator(lines)
    sheet = Sheet(path.stem)
    try:
        for row, fields in enumerate(csv.reader(lines, delimiter=mark), 1):
            found = {(row, column): cell(each.strip()) for column, each in enumerate(fields, 1) if each.strip()}
            sheet.cells |= found
            if len(sheet.cells) > MAX_CELLS:
                raise Unreadable(f"it holds over {MAX_CELLS:,} cells: {SMALLER}")
    except csv.Error as error:
        raise Unreadable(f"{path.name} is damaged ({error}): {SAVE_AS}") from error
    return Grid({sheet.name: sheet})


def text(path: Path) -> str:
    """What the file says, in UTF-8 or UTF-16 where it says so, else as Windows writes it. Raises Unreadable."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_FILE else None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror}): is the name right?") from error
    if data is None:
        raise Unreadable(f"{path.name} is too large to be a learner's table: {SMALLER}")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def separator(lines: list[str]) -> str:
    """What at least half of the first lines are divided by: a comma last, for it may be a number's."""
    head = [line for line in islice(lines, LINES) if line.strip()]
    return next((mark for mark in SEPARATORS if sum(mark in line for line in head) * 2 >= len(head) > 0), ",")


def cell(content: str) -> Cell:
    """A field as a cell: a formula, an error, a number or a text. A comma in it was no separator: it is a number's."""
    if content.startswith("=") and len(content) > 1:
        return Cell(None, content[1:])
    if ERROR.fullmatch(content):
        return Cell(Error(content))
    plain = content.replace(",", ".")
    return Cell(float(plain) if NUMBER.fullmatch(plain) else content)
