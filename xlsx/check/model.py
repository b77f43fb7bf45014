"""The workbook's formulas over names: what each cell of a block computes, in terms of the quantities of its table.

Leaves of a named tree: ("name", "w1", -1) is w1 one row before; ("const", 0.1, place), ("blank", 0, place),
("text cell", "lr", place) and ("foreign", 0.23, place, "w2") are single cells outside the table's own rows;
("inline", tree, place) is another formula put in; ("area", (leaf, …)) is several cells.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from .formula import Parsed, Reference, parsed, reference
from .grid import BLANK, Cell, Error, Grid, place
from .tables import Block, Found
from .titles import is_number
from .trees import NotUnderstood, Tree, cells_read, evaluate, replaced

MAX_INLINE, MAX_CELLS_OF_AREA = 8, 200
GIVEN = re.compile(r"[tib]\d+|learning_rate")
Place = tuple[str, int, int]


class Numbered(NamedTuple):
    """A named tree, and its leaves in the order of the formula's references."""

    tree: Tree
    parsed: Parsed


class Model:
    """Values and named formulas of a workbook, each worked out once."""

    def __init__(self, grid: Grid, found: Found):
        self.grid, self.found = grid, found
        self.values: dict[Place, float | str | Error | None] = {}
        self.busy: set[Place] = set()
        self.parses: dict[tuple, Parsed] = {}
        self.trees: dict[tuple, Tree] = {}
        self.inlined: dict[tuple[Place, int, int], Tree] = {}
        self.links: dict[int, set[int]] = {}
        self.computed = 0

    def cell(self, where: Place) -> Cell:
        sheet = self.grid.sheets.get(where[0])
        return sheet.at(where[1], where[2]) if sheet else BLANK

    def value(self, where: Place) -> float | str | Error | None:
        """What a cell shows: what is stored, or, where a file was never calculated, what its formula gives."""
        cell = self.cell(where)
        if cell.formula is None or cell.value is not None:
            return float(cell.value) if isinstance(cell.value, (int, float)) else cell.value
        if where not in self.values:
            if where in self.busy:
                return Error("#CIRCULAR!")
            self.busy.add(where)
            self.values[where] = self.compute(where)
            self.busy.discard(where)
        return self.values[where]

    def compute(self, where: Place) -> float | Error | None:
        self.computed += 1
        try:
            formula = self.parse(where)
            with np.errstate(all="ignore"):
                result = evaluate(formula.tree, lambda leaf: self.number(formula.references[leaf[1]], where))
            result = float(result)
        except CellError as error:
            return Error(str(error))
        except (NotUnderstood, TypeError, ValueError, RecursionError):
            return None
        return result if np.isfinite(result) else Error("#NUM!")

    def number(self, ref: Reference, where: Place) -> float | list[float]:
        """The number of a reference; a list for an area. Raises CellError."""
        places = self.places(ref, where)
        numbers = [self.number_at(each, ref.last is not None) for each in places]
        return numbers if ref.last is not None else numbers[0]

    def number_at(self, where: Place, in_area: bool) -> float:
        value = self.value(where)
        if value is None and self.cell(where).formula is not None:
            raise NotUnderstood("a cell whose formula is not understood")
        if value is None or (in_area and isinstance(value, str)):
            return 0.0
        if isinstance(value, Error):
            raise CellError(value.text)
        if isinstance(value, str):
            raise CellError("#VALUE!")
        return float(value)

    def parse(self, where: Place) -> Parsed:
        """The parsed formula of a cell. Raises NotUnderstood."""
        cell = self.cell(where)
        row, column = where[1] - cell.shift[0], where[2] - cell.shift[1]
        key = (cell.formula, row, column)
        if key not in self.parses:
            self.parses[key] = parsed(cell.formula, row, column)
        return self.parses[key]

    def places(self, ref: Reference, where: Place) -> list[Place]:
        """The cells a reference means in the formula at `where`. Raises NotUnderstood, CellError."""
        if ref.name:
            ref = self.named_reference(ref.name, where)
        sheet = self.grid.sheet(ref.sheet) if ref.sheet else self.grid.sheets[where[0]]
        if sheet is None:
            raise CellError("#REF!")
        top, left = ref.corner(0, where[1], where[2])
        if ref.last is None:
            return [(sheet.name, top, left)]
        bottom, right = ref.corner(1, where[1], where[2])
        rows, columns = range(min(top, bottom), max(top, bottom) + 1), range(min(left, right), max(left, right) + 1)
        if len(rows) * len(columns) > MAX_CELLS_OF_AREA:
            raise NotUnderstood("an area of over 200 cells")
        return [(sheet.name, row, column) for row in rows for column in columns]

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

    def named(self, number: int, name: str, step: int) -> Tree | None:
        """The formula of a block's cell over names, or None where it has none. Raises NotUnderstood, CellError."""
        block = self.found.blocks[number]
        where = (block.sheet.name, *block.position(name, step))
        return self.named_at(where, number, step, 0) if self.cell(where).formula is not None else None

    def formula(self, number: int, name: str, step: int) -> Tree | None:
        """The same, but None also for a formula that is not understood."""
        try:
            return self.named(number, name, step)
        except (NotUnderstood, CellError):
            return None

    def formula_at(self, where: Place, number: int) -> Tree | None:
        """The formula of any cell, seen from the first row of a block; None where it has none that is understood."""
        try:
            return self.named_at(where, number, 0, 0) if self.cell(where).formula is not None else None
        except (NotUnderstood, CellError):
            return None

    def names(self, number: int) -> set[str]:
        """Every quantity that a block has a column for, or reads in its first row."""
        names = set(self.found.blocks[number].lines)
        for name in list(names):
            tree = self.formula(number, name, 0)
            names |= {leaf[1] for leaf in cells_read(tree) if leaf[0] == "name"} if tree else set()
        return names

    def named_at(self, where: Place, number: int, step: int, depth: int) -> Tree:
        formula = self.parse(where)
        leaves = tuple(self.leaf(ref, where, number, step, depth) for ref in formula.references)
        key = (formula.tree, leaves)
        if key not in self.trees:
            self.trees[key] = replaced(formula.tree, lambda leaf: leaves[leaf[1]] if leaf[0] == "slot" else leaf)
        return self.trees[key]

    def leaf(self, ref: Reference, where: Place, number: int, step: int, depth: int) -> Tree:
        if not (ref.name or ref.sheet or ref.last):  # most are: a shortcut, for time
            return self.single((where[0], *ref.corner(0, where[1], where[2])), number, step, depth)
        if ref.name and ref.name in self.grid.names and is_constant(self.grid.names[ref.name]):
            return ("number", float(self.grid.names[ref.name]))
        places = self.places(ref, where)
        found = tuple(self.single(each, number, step, depth) for each in places)
        return ("area", found) if ref.last is not None else found[0]

    def single(self, where: Place, number: int, step: int, depth: int) -> Tree:
        """The leaf for one cell, seen from a row of a block."""
        role, block = self.found.roles.get(where), self.found.blocks[number]
        if role is not None and role[1] != "epoch":
            other, name, at = role
            if other == number:
                if GIVEN.fullmatch(name) and self.value(where) is None:
                    return ("blank", 0.0, where)
                return ("name", name, 0 if at != step and self.same_given(name, where, block, step) else at - step)
            if name not in block.lines:
                return ("name", name, at - step)
            return ("name", name, 0) if self.same_given(name, where, block, step) else self.plain(where, name)
        label = self.found.labels.get(where, "")
        if re.fullmatch(r"[tib]\d+", label) and (
            label not in block.lines or self.same_given(label, where, block, step)
        ):
            return ("name", label, 0)
        if re.fullmatch(r"w\d+", label) and label not in block.lines:
            return ("name", label, 0)
        if self.cell(where).formula is not None and depth < MAX_INLINE:
            try:
                return self.put_in(where, number, step, depth + 1)
            except NotUnderstood:
                return self.plain(where, "")
        return self.plain(where, "")

    def put_in(self, where: Place, number: int, step: int, depth: int) -> Tree:
        """The leaf of a formula put in; made once, however many read it."""
        key = (where, number, step)
        if key not in self.inlined:
            self.inlined[key] = ("inline", self.named_at(where, number, step, depth), where)
        return self.inlined[key]

    def forget(self) -> None:
        """Quantities have other places now: formulas are to be named anew."""
        self.trees.clear()
        self.inlined.clear()
        self.links.clear()

    def same_given(self, name: str, where: Place, block: Block, step: int) -> bool:
        """Whether a cell holds the same input or target as the row: then it does not matter which is used."""
        if not GIVEN.fullmatch(name) or name not in block.lines:
            return False
        here = (block.sheet.name, *block.position(name, step))
        if name[0] == "b" and self.cell(here).formula is not None:
            return False  # a learned bias, though it may have stopped moving
        own, there = self.value(here), self.value(where)
        return is_number(there) and (own is None or there == own)

    def plain(self, where: Place, name: str) -> Tree:
        """The leaf of a cell that is no quantity of the table's own rows."""
        value = self.value(where)
        if isinstance(value, Error):
            raise CellError(value.text)
        if value is None and self.cell(where).formula is not None:
            raise NotUnderstood("a cell whose formula is not understood")
        if value is None or value == "":
            return ("blank", 0.0, where)
        if isinstance(value, str):
            return ("text cell", value, where)
        return ("foreign", float(value), where, name) if name else ("const", float(value), where)


class CellError(Exception):
    """A cell that the formula needs holds an error value; the message is that value."""


def is_constant(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def shown(where: Place, sheet: str) -> str:
    """A place as a formula on `sheet` would write it."""
    own = place(where[1], where[2])
    return own if where[0] == sheet else f"'{where[0]}'!{own}"
