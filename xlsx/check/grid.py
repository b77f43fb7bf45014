"""A workbook as this check needs it: per sheet the cells with stored value and formula, tables, and defined names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from openpyxl.utils import column_index_from_string, get_column_letter

from xlsx.contract import MOST_CHECKED

MAX_CELLS = MOST_CHECKED
REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")

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
    has_macros: bool = False

    def sheet(self, name: str) -> Sheet | None:
        found = self.sheets.get(name)
        return found or next((each for each in self.sheets.values() if each.name.lower() == name.lower()), None)


def position(place: str) -> Position:
    """Row and column, from 1, of a place such as AB12; (0, 0) for anything else."""
    found = REFERENCE.fullmatch(place.replace("$", ""))
    return (int(found[2]), column_index_from_string(found[1])) if found else (0, 0)


def place(row: int, column: int) -> str:
    return f"{get_column_letter(column)}{row}"
