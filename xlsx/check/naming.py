"""A table's formulas over quantities: what each cell computes, in the names of its table.

Leaves: ("name", "w1", -1) is w1 one row before; ("cell", place, value) is a cell of no quantity or one that every row
reads, its value None where it is blank; ("inline", tree, place) is another formula, written out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xlsx.expressions import Expression, number

from .book import Book, CellError, Place
from .formula import Leaf, NotUnderstood, Reference, evaluate, leaves, replaced
from .grid import Error
from .rules import POINTS
from .titles import GIVEN
from .titles import kind as kind_of
from .verdict import Verdict

MAX_INLINE = 8
SAME = 1e-7


@dataclass
class Naming:
    """The formulas of one descent; `roles` are the quantity and the row of each of its cells."""

    book: Book
    found: Verdict
    roles: dict[Place, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        reading = self.found.reading
        self.roles = {
            place: (name, row) for name, column in reading.homes.items() for row, place in enumerate(column.places)
        }

    def tree(self, place: Place, row: int, depth: int = 0) -> Expression:
        """A cell's formula, seen from a row of the descent. Raises NotUnderstood, CellError."""
        formula = self.book.parse(place)

        def leaf(slot: Expression) -> Expression:
            if slot.operation not in ("slot", "area"):
                return slot
            ref = formula.references[slot.parts[0]]
            area = self.book.area(ref, place, slot.operation == "area") if ref.name or ref.last else None
            if area is None:
                area = self.book.area(ref, place, False)
            found = tuple(self.leaf(each, row, depth, is_anchored(ref)) for each in area.places)
            return Expression("list", found) if area.whole else found[0]

        return spread(replaced(formula.tree, leaf))

    def leaf(self, place: Place, row: int, depth: int, anchored: bool) -> Expression:
        role = self.roles.get(place)
        if role is None and place in self.found.reading.beside:
            role = (self.found.reading.beside[place], row)
        if role is not None:
            name, at = role
            if at == row or self.same_given(name, place, row):
                return Expression("name", (name, 0))
            if not anchored or (kind_of(name).kind in GIVEN):
                return Expression("name", (name, at - row))
        elif self.book.cell(place).formula is not None and depth < MAX_INLINE:
            try:
                return Expression("inline", (self.tree(place, row, depth + 1), place))
            except NotUnderstood:
                pass  # its value stands for it
        value = self.book.value(place)
        if isinstance(value, Error):
            raise CellError(value.text)
        if value is None and self.book.cell(place).formula is not None:
            raise NotUnderstood("a cell whose formula is not understood")
        return Expression("cell", (place, None if value == "" else value))

    def same_given(self, name: str, place: Place, row: int) -> bool:
        """Whether a cell holds the same input or target as the row: then it does not matter which is used."""
        own = self.found.reading.given.get(name)
        if own is None or (kind_of(name).kind not in GIVEN and not (name[0] == "b" and name not in self.found.due)):
            return False
        there = self.book.number(place)
        return bool(np.isnan(own[row]) or abs(there - own[row]) <= 1e-12 * abs(there))

    def of(self, name: str, row: int) -> Expression | None:
        """The formula of a column's cell, or None where it has none that is understood."""
        column = self.found.reading.homes[name]
        if row >= len(column.places) or column.typed[row]:
            return None
        try:
            return self.tree(column.places[row], row)
        except (NotUnderstood, CellError):
            return None

    def in_rows(self, tree: Expression, rows: np.ndarray) -> Any:
        """What a formula gives in these rows where all that it reads is right; None where that is not known."""
        reading = self.found.reading

        def value(leaf: Expression) -> Any:
            if leaf.operation != "name":
                return self.constant(leaf, value)
            name, offset = leaf.parts
            at = np.clip(rows + offset, 0, reading.descent.rows - 1)
            if name in reading.given:
                return reading.given[name][at]
            return np.where((rows + offset) == at, self.right(name)[at], np.nan)

        return self.result(tree, value)

    def right(self, name: str) -> np.ndarray:
        reading = self.found.reading
        if name in reading.truth:
            return reading.factor(name) * reading.truth[name]
        return self.found.due.get(name, np.full(reading.descent.rows, np.nan))

    def at_points(self, tree: Expression, first: bool = False) -> Any:
        """What a formula gives at random points where all that it reads is right; `first` asks for one point only."""

        def value(leaf: Expression) -> Any:
            if leaf.operation != "name":
                return self.constant(leaf, value)
            found = self.point(*leaf.parts)
            return float(found[0]) if first else found

        found = self.result(tree, value)
        return found if first or found is None else found + np.zeros(POINTS)

    def constant(self, leaf: Expression, value: Leaf) -> Any:
        if leaf.operation == "inline":
            return evaluate(leaf.parts[0], value)
        if leaf.operation != "cell":
            raise NotUnderstood(leaf.operation)
        content = leaf.parts[1]
        if isinstance(content, str):
            raise NotUnderstood("a text")
        return 0.0 if content is None else content

    @staticmethod
    def result(tree: Expression, value: Leaf) -> Any:
        try:
            with np.errstate(all="ignore"):
                return evaluate(tree, value)
        except (NotUnderstood, OverflowError, ZeroDivisionError, KeyError):
            return None

    def point(self, name: str, offset: int) -> np.ndarray:
        """A quantity at random points, as the sheet's column would hold it."""
        reading = self.found.reading
        values = reading.rules.point(offset)
        if name in values:
            return reading.factor(name) * values[name]
        weight, rate = name.rpartition(" ")[2], self.found.rate.value if self.found.rate else np.nan
        if f"dE/d{weight}" not in values:
            return np.full(POINTS, np.nan)
        step = rate * values[f"dE/d{weight}"]
        return step if name.startswith("change") else values[weight] - step

    def due_at_points(self, name: str) -> np.ndarray:
        """What a column's formula must give at the points; a weight follows from the row before."""
        if name in self.found.reading.rules.weights:
            return self.point(f"new {name}", -1)
        return self.point(name, 0)

    def is_right(self, name: str, tree: Expression) -> bool:
        """Whether a formula gives its quantity at all points."""
        due = self.due_at_points(name)
        first = self.at_points(tree, first=True)
        if first is None or not close(first, due[0], 10 * SAME):
            return False
        values = self.at_points(tree)
        return values is not None and bool(np.all(close(values, due)))


def close(one: np.ndarray | float, other: np.ndarray | float, by: float = SAME) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.abs(one - other) <= by * np.abs(other) + 1e-300


def is_anchored(ref: Reference) -> bool:
    return ref.first is not None and ref.first[0][0] and not ref.last


def spread(tree: Expression) -> Expression:
    """The cells of an area as arguments of their own, but for functions that take whole lists."""
    if tree.operation in ("SUMPRODUCT", "SUMXMY2") or not tree.parts or not isinstance(tree.parts[0], Expression):
        return tree
    if tree.operation in ("inline", "list"):
        return tree
    parts = [each for part in tree.parts for each in (part.parts if part.operation == "list" else (spread(part),))]
    return Expression(tree.operation, tuple(parts))


def read_by(tree: Expression) -> list[Expression]:
    """Every leaf, those of formulas written out included."""
    found = []
    for leaf in leaves(tree):
        found += read_by(leaf.parts[0]) if leaf.operation == "inline" else [leaf]
    return found


def constant_number(value: float) -> Expression:
    return number(value)
