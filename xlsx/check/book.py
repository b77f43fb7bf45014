"""The values of a workbook's cells, worked out where a file was never calculated, and the cells that each one reads."""

from __future__ import annotations

import re
import time
from typing import Any, NamedTuple

import numpy as np
from openpyxl.formula.translate import Translator, TranslatorError

from xlsx.expressions import Expression

from .files import BLANK, Cell, Error, Grid, Place, Sheet, place
from .formula import NotUnderstood, Parsed, Reference, evaluate, parsed, reference

Content = float | str | Error | None
MAX_AREA = 2_000  # cells
SECONDS = 6.0  # for one workbook, after it is read


class CellError(Exception):
    """A cell that the formula needs holds an error value; the message is that value."""


class Area(NamedTuple):
    """What a reference means in one formula: its cells, and whether all of them or one is meant."""

    places: list[Place]
    whole: bool


class Book:
    """Values and precedents of a workbook, each worked out once. `late` says that the time for it has run out."""

    def __init__(self, grid: Grid):
        self.grid = grid
        self.worked: dict[Place, Content] = {}
        self.parses: dict[tuple[str, int, int], Parsed | NotUnderstood] = {}
        self.precedents: dict[Place, list[Place]] = {}
        self.deadline = time.process_time() + SECONDS

    @property
    def late(self) -> bool:
        return time.process_time() > self.deadline

    def cell(self, where: Place) -> Cell:
        sheet = self.grid.sheets.get(where[0])
        return sheet.at(where[1], where[2]) if sheet else BLANK

    def value(self, where: Place) -> Content:
        """What a cell shows: what is stored, or, where a file was never calculated, what its formula gives."""
        if self.is_open(where):
            self.work_out(where)
        return self.known(where)

    def number(self, where: Place) -> float:
        """The value where it is a number, else nan."""
        value = self.value(where)
        return value if isinstance(value, float) else np.nan

    def work_out(self, first: Place) -> None:
        """The value of a cell and of all that it reads, without recursion: a chain of rows may be long."""
        stack, begun = [first], set()
        while stack:
            where = stack[-1]
            if where in self.worked or self.late:
                self.worked.setdefault(where, None)
                stack.pop()
            elif where in begun:
                self.worked[where] = self.computed(where)
                stack.pop()
            else:
                begun.add(where)
                stack += [each for each in self.reads(where) if self.is_open(each) and each not in begun]

    def is_open(self, where: Place) -> bool:
        cell = self.cell(where)
        return cell.formula is not None and cell.value is None and where not in self.worked

    def known(self, where: Place) -> Content:
        """What is stored or has been worked out."""
        value = self.cell(where).value
        return self.worked.get(where) if value is None else float(value) if isinstance(value, (int, float)) else value

    def computed(self, where: Place) -> Content:
        try:
            formula = self.parse(where)
            with np.errstate(all="ignore"):
                found = self.result(formula.tree, formula, where)
            if isinstance(found, str):
                return found
            result = float(found)
        except CellError as error:
            return Error(str(error))
        except (NotUnderstood, IndexError, TypeError, ValueError, OverflowError):
            return None
        return result if np.isfinite(result) else Error("#NUM!")

    def result(self, tree: Expression, formula: Parsed, where: Place) -> Any:
        if tree.operation == "text":
            return tree.parts[0]
        return evaluate(
            tree, lambda leaf: self.leaf(leaf, formula, where), lambda other: self.looked_up(other, formula, where)
        )

    def looked_up(self, tree: Expression, formula: Parsed, where: Place) -> Any:
        """What a function gives that looks at texts, blanks, errors or places, or takes one branch only."""
        name, parts = tree.operation, tree.parts
        if name == "IF" and len(parts) > 1:
            branch = 1 if self.result(parts[0], formula, where) else 2
            return self.result(parts[branch], formula, where) if parts[branch:] else 0.0
        if name in ("IFERROR", "IFNA"):
            try:
                value = self.result(parts[0], formula, where)
                return value if np.isfinite(value) else self.result(parts[1], formula, where)
            except CellError:
                return self.result(parts[1], formula, where)
        if name == "NA":
            raise CellError("#N/A")
        contents = [self.contents(part, formula, where) for part in parts]
        if name in ("=", "<>"):
            return same_text(contents[0][0], contents[1][0], name)
        if name in CONTENTS:
            return float(bool(contents[0]) and isinstance(contents[0][0], CONTENTS[name]))
        if name == "MATCH" and contents[0][0] in contents[1]:
            return float(contents[1].index(contents[0][0]) + 1)
        if name == "CHOOSE" and 0 < int(contents[0][0]) < len(parts):
            chosen = contents[int(contents[0][0])]
            return chosen if len(chosen) > 1 else chosen[0]
        if name == "INDEX" and len(parts) > 1:
            return contents[0][self.position(parts, [int(each[0]) for each in contents[1:]], formula, where)]
        raise NotUnderstood(f"this use of {name}")

    def position(self, parts: tuple[Expression, ...], at: list[int], formula: Parsed, where: Place) -> int:
        """Where INDEX looks among an area's cells, row by row: at the n-th, or in a row and a column from 1."""
        if len(at) == 1:
            return at[0] - 1
        places = self.area(formula.references[parts[0].parts[0]], where, True).places
        return (at[0] - 1) * len({column for _, _, column in places}) + at[1] - 1

    def contents(self, tree: Expression, formula: Parsed, where: Place) -> list[Any]:
        """What the cells of an argument hold, texts and blanks too."""
        if tree.operation in ("slot", "area"):
            found = self.area(formula.references[tree.parts[0]], where, tree.operation == "area").places
            return [self.known(each) for each in found]
        if tree.operation == "list":
            return [part.parts[0] for part in tree.parts]
        if tree.operation == "text":
            return [tree.parts[0]]
        value = self.result(tree, formula, where)
        return value if isinstance(value, list) else [value]

    def leaf(self, leaf: Expression, formula: Parsed, where: Place) -> float | list[float]:
        area = self.area(formula.references[leaf.parts[0]], where, leaf.operation == "area")
        numbers = [self.number_in(each, area.whole) for each in area.places]
        return numbers if area.whole else numbers[0]

    def number_in(self, where: Place, in_area: bool) -> float:
        value = self.known(where)
        if isinstance(value, float):
            return value
        if value is None and self.cell(where).formula is not None:
            raise NotUnderstood("a cell whose formula is not understood")
        if value is None or (in_area and isinstance(value, str)):
            return 0.0
        raise CellError(value.text if isinstance(value, Error) else "#VALUE!")

    def parse(self, where: Place) -> Parsed:
        """The parsed formula of a cell. Raises NotUnderstood."""
        cell = self.cell(where)
        if cell.formula is None:
            raise NotUnderstood("no formula")
        row, column = where[1] - cell.shift[0], where[2] - cell.shift[1]
        key = (cell.formula, row, column)
        if key not in self.parses:
            try:
                self.parses[key] = parsed(cell.formula, row, column)
            except NotUnderstood as error:
                self.parses[key] = error
        found = self.parses[key]
        if isinstance(found, NotUnderstood):
            raise found
        return found

    def reads(self, where: Place) -> list[Place]:
        """The cells that a formula reads; none where it is not understood."""
        if where not in self.precedents:
            self.precedents[where] = self.read_by(where)
        return self.precedents[where]

    def read_by(self, where: Place) -> list[Place]:
        try:
            formula = self.parse(where)
            areas = [self.area(formula.references[at], where, whole).places for at, whole in formula.slots]
        except (NotUnderstood, CellError):
            return []
        return [each for places in areas for each in places]

    def area(self, ref: Reference, where: Place, whole: bool) -> Area:
        """The cells a reference means in the formula at `where`. Raises NotUnderstood, CellError.

        Where one cell is due, an area stands for its cell in the formula's own row or column.
        """
        if not (ref.name or ref.sheet or ref.last):  # most are: a shortcut, for time
            return Area([(where[0], *ref.corner(0, where[1], where[2]))], False)
        if ref.name:
            ref = self.named_reference(ref.name, where)
        sheet = self.grid.sheet(ref.sheet) if ref.sheet else self.grid.sheets[where[0]]
        if sheet is None:
            raise CellError("#REF!")
        top, left = ref.corner(0, where[1], where[2])
        if ref.last is None:
            return Area([(sheet.name, top, left)], False)
        bottom, right = ref.corner(1, where[1], where[2])
        rows, columns = range(min(top, bottom), max(top, bottom) + 1), range(min(left, right), max(left, right) + 1)
        if not whole:
            return Area([intersection(sheet, rows, columns, where)], False)
        rows = range(rows[0], min(rows[-1], sheet.last_row) + 1)
        if len(rows) * len(columns) > MAX_AREA:
            raise NotUnderstood(f"an area of over {MAX_AREA:,} cells")
        return Area([(sheet.name, row, column) for row in rows for column in columns], True)

    def named_reference(self, name: str, where: Place) -> Reference:
        """What a defined name or a table's column means in a row."""
        if name == "#REF!":
            raise CellError("#REF!")
        if found := re.fullmatch(r"(.*)\[(.+)\]", name):
            return self.column_reference(found[1], found[2], where)
        text = self.grid.names.get(name, "")
        ref = reference(text) if text else Reference(name="?")
        if ref.name:
            raise NotUnderstood(f"the name {name}")
        return ref

    def column_reference(self, table: str, column: str, where: Place) -> Reference:
        tables = self.grid.tables
        around = [each for each in tables.values() if each.sheet == where[0] and each.first <= where[1] <= each.last]
        chosen = tables.get(table) if table else next(iter(around), None)
        if chosen is None or column not in chosen.columns:
            raise NotUnderstood(f"the table column {column}")
        cell = ((True, where[1]), (True, chosen.columns[column]))
        return Reference(chosen.sheet, cell)


CONTENTS: dict[str, type] = {"ISNUMBER": float, "ISBLANK": type(None), "ISLOGICAL": bool}


def same_text(one: Content, other: Content, sign: str) -> float | None:
    """Whether two contents, one of them a text, are the same (=) or not (<>); None where both are something else."""
    if not isinstance(one, str) and not isinstance(other, str):
        return None
    same = (one or "") == (other or "") if not isinstance(one, str) else one.lower() == str(other or "").lower()
    return float(same == (sign == "="))


def intersection(sheet: Sheet, rows: range, columns: range, where: Place) -> Place:
    if len(columns) == 1 and where[1] in rows:
        return sheet.name, where[1], columns[0]
    if len(rows) == 1 and where[2] in columns:
        return sheet.name, rows[0], where[2]
    raise CellError("#VALUE!")


def shown(where: Place, sheet: str) -> str:
    """A place as a formula on `sheet` would write it."""
    own = place(where[1], where[2])
    return own if where[0] == sheet else f"'{where[0]}'!{own}"


def formula_text(book: Book, where: Place) -> str | None:
    """A cell's formula as its program shows it."""
    cell = book.cell(where)
    if cell.formula is None:
        return None
    if cell.shift == (0, 0):
        return f"={cell.formula}"
    origin = place(where[1] - cell.shift[0], where[2] - cell.shift[1])
    try:
        return str(Translator(f"={cell.formula}", origin=origin).translate_formula(place(where[1], where[2])))
    except (TranslatorError, ValueError):
        return f"={cell.formula} (as filled from {origin})"
