"""A table's formulas over quantities: what each cell computes, in the names of its table, and what is due; and what
columns must be that no numbers tell, for the formulas that read them.

Leaves: ("name", "w1", -1) is w1 one row before; ("cell", place, value) is a cell of no quantity or one that every row
reads, its value None where it is blank; ("inline", tree, place, read) is another formula, written out, with all that it
reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from xlsx.expressions import Expression, names_in, number
from xlsx.formulas import GIVEN, kind

from .book import Book, CellError
from .descent import Column, Reading, family, near
from .edits import flattened, of
from .files import Error, Place
from .formula import Leaf, NotUnderstood, Reference, evaluate, is_leaf, leaves, replaced
from .rules import POINTS
from .verdict import Verdict, judged

MAX_INLINE, MAX_LEAVES = 8, 120
SAME = 1e-7
TRIAL = 0.37  # a learning rate, where the numbers tell none
MOST_NAMED = 12
LOOSE = ("dE/da_o", "dE/do", "dE/da_h", "dE/dh")
UNKNOWN = "?"


@dataclass
class Naming:
    """The formulas of one descent; `roles` are the quantity and the row of each of its cells."""

    book: Book
    found: Verdict
    roles: dict[Place, tuple[str, int]] = field(default_factory=dict)
    inlines: dict[tuple[Place, int], tuple[Expression, tuple[Expression, ...]] | None] = field(default_factory=dict)
    worked_out: dict[tuple[Any, ...], tuple[Expression, Any]] = field(
        default_factory=dict
    )  # with its tree: ids are used again

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
            if not anchored or (kind(name).kind in GIVEN):
                return Expression("name", (name, at - row))
        elif (written_out := self.inlined(place, row, depth)) is not None:
            tree, read = written_out
            return Expression("inline", (tree, place, read))
        value = self.book.value(place)
        if isinstance(value, Error):
            raise CellError(value.text)
        if value is None and self.book.cell(place).formula is not None:
            raise NotUnderstood("a cell whose formula is not understood")
        return Expression("cell", (place, None if value == "" else value))

    def inlined(self, place: Place, row: int, depth: int) -> tuple[Expression, tuple[Expression, ...]] | None:
        """The formula of a cell of no quantity and all that it reads, each worked out once; None where its value stands
        for it: where it is not read, is too long, or reads no quantity either."""
        key = place, row
        if key not in self.inlines and self.book.cell(place).formula is not None and depth < MAX_INLINE:
            try:
                tree = self.tree(place, row, depth + 1)
                read = read_by(tree)
                is_of_table = any(leaf.operation == "name" or leaf.parts[0] in self.roles for leaf in read)
                self.inlines[key] = (tree, read) if is_of_table and len(read) <= MAX_LEAVES else None
            except (NotUnderstood, CellError):
                self.inlines[key] = None
        return self.inlines.get(key)

    def place_of(self, row: int, leaf: Expression) -> Place | None:
        """The cell of a leaf of a formula in a row; None where it has none."""
        if leaf.operation != "name":
            place: Place | None = (
                leaf.parts[leaf.operation == "inline"] if leaf.operation in ("cell", "inline") else None
            )
            return place
        (name, offset), reading = leaf.parts, self.found.reading
        home = reading.homes.get(name)
        if home is None or not 0 <= row + offset < len(home.places):
            return next((each for each, other in reading.beside.items() if other == name), None)
        is_typed_once = not home.shown[row + offset] and kind(name).kind in GIVEN
        return home.places[0 if is_typed_once else row + offset]

    def same_given(self, name: str, place: Place, row: int) -> bool:
        """Whether a cell holds the same input or target as the row: then it does not matter which is used."""
        own = self.found.reading.given.get(name)
        if own is None or (kind(name).kind not in GIVEN and not (name[0] == "b" and name not in self.found.due)):
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
        """What a formula gives at random points where all that it reads is right; `first` asks for one point only.

        A formula written out is worked out once, and again where a factor of the reading has changed.
        """
        factors = tuple(self.found.reading.factors.items())

        def value(leaf: Expression) -> Any:
            if leaf.operation == "inline":
                key = id(leaf.parts[0]), first, factors
                if key not in self.worked_out:
                    self.worked_out[key] = leaf.parts[0], self.constant(leaf, value)
                return self.worked_out[key][1]
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
        values, used = reading.rules.point(offset), self.found.rate
        if name in values:
            return reading.factor(name) * values[name]
        weight, rate = re.sub("^.*[ _]", "", name), used.value if used else TRIAL
        if f"dE/d{weight}" not in values or (used and not used.plain):
            return np.full(POINTS, np.nan)
        if name.startswith("v_") and used:
            return used.by * reading.rules.point(offset - used.late)[f"dE/d{weight}"]
        step = rate * values[f"dE/d{weight}"]
        return step if name.startswith("change") else values[weight] - step

    def due_at_points(self, name: str) -> np.ndarray:
        """What a column's formula must give at the points; a weight follows from the row before."""
        if name in self.found.reading.rules.weights:
            return self.point(f"new {name}", -1)
        return self.point(name, 0)

    def base_at_points(self, name: str) -> np.ndarray | float:
        """What a column adds its step to: an update changes the weight, all else begins at 0."""
        if name in self.found.reading.rules.weights:
            return self.point(name, -1)
        return self.point(name[4:], 0) if name.startswith("new ") else 0.0

    def is_right(self, name: str, tree: Expression) -> bool:
        """Whether a formula gives its quantity at all points."""
        due = self.due_at_points(name)
        first = self.at_points(tree, first=True)
        if first is None or not close(first, due[0], 10 * SAME):
            return False
        values = self.at_points(tree)
        return values is not None and bool(np.all(close(values, due)))

    @cached_property
    def rate(self) -> Expression:
        """The cell that right updates take the learning rate from, else the rate that was found, as a number."""
        own = self.found.own_rate
        for name in self.found.reading.rules.weights if own and self.found.reading.descent.rows > 1 else ():
            for update in (name, f"new {name}"):
                tree = self.of(update, 1) if update in self.found.due else None
                for leaf in read_by(tree) if tree is not None else ():
                    is_cell = leaf.operation == "cell" and isinstance(leaf.parts[1], float)
                    if is_cell and leaf.parts[0] not in self.roles and close(abs(leaf.parts[1]), abs(own or 0.0)):
                        return leaf
        return number(abs(own if own is not None else TRIAL / self.found.reading.factors.get("slopes", 1.0)))

    def due_formula(self, name: str) -> Expression | None:
        """What a cell should compute, over the table's columns and as a sheet writes it."""
        reading = self.found.reading
        weight = name.rpartition(" ")[2]
        if weight in reading.network.weight_names:
            return self.due_update(name, weight) if f"dE/d{weight}" in reading.truth else None
        if name not in reading.rules.rules:
            return None
        tree, by = expanded(reading, reading.rules.rules[name]), reading.factor(name)
        return flattened(tree if by == 1 else of("*", number(by), tree))

    def due_update(self, name: str, weight: str) -> Expression | None:
        if self.found.rate is None or not self.found.rate.plain:
            return None
        back = 0 if " " in name else -1
        step = of("*", self.rate, Expression("name", (f"dE/d{weight}", back)))
        sign = "+" if self.found.reading.factor(f"dE/d{weight}") < 0 else "-"
        return step if name.startswith("change") else of(sign, Expression("name", (weight, back)), step)


def expanded(reading: Reading, tree: Expression) -> Expression:
    """A rule over the quantities that the table has columns for, its functions as a sheet writes them."""
    operation, parts = tree.operation, tree.parts
    if operation == "name":
        name = parts[0]
        if name in reading.rules.rules and (name not in reading.homes or kind(name).kind not in KEPT):
            return expanded(reading, reading.rules.rules[name])
        by = reading.factor(name)
        leaf = Expression("name", (name, 0))
        return leaf if by == 1 else of("/", leaf, number(by))
    if is_leaf(tree):
        return tree
    inner = tuple(expanded(reading, part) for part in parts)
    return NATIVE[operation](*inner) if operation in NATIVE else Expression(operation, inner)


KEPT = {"h", "a_h", "o", "a_o", "E", "E_total", "dE/do", "dE/dh", "dE/da_o", "dE/da_h", "da_o/do", "da_h/dh"}
ONE = number(1.0)
NATIVE: dict[str, Callable[..., Expression]] = {
    "sigmoid": lambda z: of("/", ONE, of("+", ONE, of("EXP", of("neg", z)))),
    "square": lambda x: of("^", x, number(2.0)),
    "tanh": lambda z: of("TANH", z),
    "relu": lambda z: of("MAX", number(0.0), z),
    "above_zero": lambda z: of("IF", of(">", z, number(0.0)), ONE, number(0.0)),
    "softmax": lambda z, *layer: of("/", of("EXP", z), of("SUM", *(of("EXP", each) for each in layer))),
    "cross_entropy": lambda t, a, *_: of("neg", of("*", t, of("LN", a))),
    "binary_cross_entropy": lambda t, a, z: of(
        "neg", of("+", of("*", t, of("LN", a)), of("*", of("-", ONE, t), of("LN", of("-", ONE, a))))
    ),
}


def close(one: np.ndarray | float, other: np.ndarray | float, by: float = SAME) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.abs(one - other) <= by * np.abs(other) + 1e-300


def is_anchored(ref: Reference) -> bool:
    return ref.first is not None and ref.first[0][0] and not ref.last


def spread(tree: Expression) -> Expression:
    """The cells of an area as arguments of their own, but for functions that take whole lists; no guards of errors."""
    if tree.operation in ("IFERROR", "IFNA") and tree.parts:
        return spread(tree.parts[0])
    if tree.operation in ("SUMPRODUCT", "SUMXMY2") or not tree.parts or not isinstance(tree.parts[0], Expression):
        return tree
    if tree.operation in ("inline", "list"):
        return tree
    parts = [each for part in tree.parts for each in (part.parts if part.operation == "list" else (spread(part),))]
    return Expression(tree.operation, tuple(parts))


def read_by(tree: Expression) -> tuple[Expression, ...]:
    """Every leaf, those of formulas written out included."""
    found: list[Expression] = []
    for leaf in leaves(tree):
        found += leaf.parts[2] if leaf.operation == "inline" else [leaf]
    return tuple(found)


def by_readers(naming: Naming) -> Naming:
    """Columns that no numbers tell are what the formulas that read them need; each that is named may tell another."""
    for _ in range(MOST_NAMED):
        changed = [renamed(naming, column) for column in loose(naming.found.reading)]
        if not any(changed) and not by_pasted(naming):
            break
        naming = Naming(naming.book, judged(naming.found.reading))
    return naming


def by_pasted(naming: Naming) -> bool:
    """Name an unknown column by numbers without a formula that follow from it, though they are not the truth."""
    reading = naming.found.reading
    unknown = [column for column in reading.descent.columns if column not in reading.homes.values() and column.made]
    pasted = [name for name in naming.found.wrong() if name in reading.truth and not reading.homes[name].made]
    for column, name in product(unknown, pasted):
        for each in names_in(reading.rules.rules[name]):
            if each in reading.rules.rules and each not in reading.homes:
                reading.homes[each] = column
                own, slack = reading.own()
                if near(reading.homes[name], reading.factor(name) * own[name], slack[name]).all():
                    return True
                del reading.homes[each]
    return False


def loose(reading: Reading) -> list[Column]:
    """The columns that no title names, or whose numbers are not what their title says."""
    held = {id(column): name for name, column in reading.homes.items()}
    found = []
    for at, column in enumerate(reading.descent.columns):
        name = held.get(id(column))
        titled = name is not None and (name in reading.given or name not in reading.truth)
        if (
            column.shown.any()
            and not titled
            and (reading.prior.get(at) != name or name is None or not reading.holds(column, name))
        ):
            found.append(column)
    return found


def renamed(naming: Naming, column: Column) -> bool:
    """Give a column, in the reading, the name that most of its readers need, if that is not its own."""
    reading = naming.found.reading
    held = next((name for name, each in reading.homes.items() if each is column), None)
    readers = list(readers_of(naming, column))
    by_numbers = held is not None and reading.holds(column, held)
    least = 2 if by_numbers or not column.made else 1
    if len(readers) < least or (held and any(needs(naming, *each, held, 1.0) for each in readers)):
        return False
    is_loose = held is not None and not by_numbers and kind(held).kind in LOOSE
    if held and is_loose and all(needs(naming, *each, held, -1.0) for each in readers):
        return other_sign(reading, held)
    (name, sign), count = most_needed(naming, readers)
    if count < least:
        return False
    if held:
        del reading.homes[held]
    reading.homes[name] = column
    if sign < 0:
        reading.factors.setdefault(family(name), -1.0)
    return True


def most_needed(naming: Naming, readers: list[tuple[str, Expression]]) -> tuple[tuple[str, float], int]:
    """The quantity that no column holds, and its sign, of which most readers are right, and how many are."""
    free = [name for name in naming.found.reading.rules.by_number if name not in naming.found.reading.homes]
    signs = [(name, sign) for name in free for sign in ((1.0, -1.0) if kind(name).kind in LOOSE else (1.0,))]
    votes = {each: sum(needs(naming, *reader, *each) for reader in readers) for each in signs}
    return max(votes.items(), key=lambda item: item[1], default=(("", 1.0), 0))


def other_sign(reading: Reading, name: str) -> bool:
    """Where no column of a family says its sign, those who read one do."""
    of = family(name)
    told = any(reading.holds(column, each) for each, column in reading.computed.items() if family(each) == of)
    if told or reading.factors.get(of, 1.0) < 0:
        return False
    reading.factors[of] = -reading.factors.get(of, 1.0)
    return True


def readers_of(naming: Naming, column: Column) -> Iterator[tuple[str, Expression]]:
    """The columns whose formula reads this one in its own row, with that formula over names; this one is "?"."""
    row = min(1, len(column.places) - 1)
    own = {where: at - row for at, where in enumerate(column.places)}

    def masked(leaf: Expression) -> Expression:
        if leaf.operation == "inline" and leaf.parts[1] not in own:
            tree, place, read = leaf.parts
            return Expression("inline", (replaced(tree, masked), place, tuple(map(masked, read))))
        where = naming.place_of(row, leaf)
        return Expression("name", (UNKNOWN, own[where])) if where in own else leaf

    for name, home in naming.found.reading.homes.items():
        if home is column or row >= len(home.places) or home.typed[row]:
            continue
        read = naming.book.reads(home.places[row])
        near_by = column.places[max(row - 1, 0) : row + 1]
        tree = naming.of(name, row) if any(each in read for each in near_by) else None
        if tree is not None:
            yield name, replaced(tree, masked)


def needs(naming: Naming, reader: str, tree: Expression, name: str, sign: float) -> bool:
    """Whether a formula is right where an unknown column holds a quantity."""

    def known(leaf: Expression) -> Expression:
        if leaf.operation == "name" and leaf.parts[0] == UNKNOWN:
            there = Expression("name", (name, leaf.parts[1]))
            return there if sign > 0 else of("neg", there)
        return leaf

    return naming.is_right(reader, replaced(tree, known))
