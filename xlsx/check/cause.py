"""Why a column is wrong: which of the wrong ones only follow, what unknown columns are read as, and the one change of a
formula, or of the right formula for numbers without one, that explains the rest. Whether cells agree is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from xlsx.expressions import Expression, names_in, number

from . import edits, words
from .book import CellError, Place, shown
from .descent import Column
from .edits import Edit, of
from .formula import NotUnderstood, is_leaf, replaced
from .grid import Error, place
from .meaning import Reading, family, near
from .naming import SAME, Naming, close, read_by
from .titles import STARTED, kind
from .verdict import FOLLOWS, RIGHT, UNREAD, WRONG, judged
from .words import Writer

MOST_VARIANTS, MOST_NAMED = 8_000, 12
LOOSE = ("dE/da_o", "dE/do", "dE/da_h", "dE/dh")


@dataclass
class Mistake:
    """One cause. `quantities` are the columns that make it, `cells` all the cells, `cell` the first of them."""

    kind: str
    quantities: list[str]
    cell: str
    cells: list[str]
    text: str
    formula: str | None = None
    reads: str | None = None
    should_read: str | None = None
    fix: str | None = None
    key: object = None
    row: int = 0
    places: list[Place] = field(default_factory=list)


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
    """Give a column the name that most of its readers need, if that is not its own."""
    reading = naming.found.reading
    held = next((name for name, each in reading.homes.items() if each is column), None)
    readers = list(readers_of(naming, column))
    by_numbers = held is not None and reading.holds(column, held)
    least = 2 if by_numbers or not column.made else 1
    if len(readers) < least or (held and any(needs(naming, *each, held, 1.0) for each in readers)):
        return False
    if (
        held
        and not by_numbers
        and kind(held).kind in LOOSE
        and all(needs(naming, *each, held, -1.0) for each in readers)
    ):
        return other_sign(reading, held)
    votes: dict[tuple[str, float], int] = {}
    for name in reading.rules.by_number:
        for sign in (1.0, -1.0) if name not in reading.homes and kind(name).kind in LOOSE else (1.0,):
            if name not in reading.homes:
                votes[name, sign] = sum(needs(naming, *each, name, sign) for each in readers)
    (name, sign), count = max(votes.items(), key=lambda item: item[1], default=(("", 1.0), 0))
    if count < least:
        return False
    if held:
        del reading.homes[held]
    reading.homes[name] = column
    if sign < 0 and family(name) not in reading.factors:
        reading.factors[family(name)] = -1.0
    return True


def other_sign(reading: Reading, name: str) -> bool:
    """Where no column of a family says its sign, those who read one do."""
    of = family(name)
    told = any(reading.holds(column, each) for each, column in reading.computed.items() if family(each) == of)
    if told or reading.factors.get(of, 1.0) < 0:
        return False
    reading.factors[of] = -reading.factors.get(of, 1.0)
    return True


UNKNOWN = "?"


def readers_of(naming: Naming, column: Column) -> Iterator[tuple[str, Expression]]:
    """The columns whose formula reads this one in its own row, with that formula over names; this one is "?"."""
    row = min(1, len(column.places) - 1)
    own = {where: (UNKNOWN, at) for at, where in enumerate(column.places)}
    masked = Naming(naming.book, naming.found)
    masked.roles = masked.roles | own
    for name, home in naming.found.reading.homes.items():
        if home is column or row >= len(home.places) or home.typed[row]:
            continue
        read = naming.book.reads(home.places[row])
        near_by = column.places[max(row - 1, 0) : row + 1]
        tree = masked.of(name, row) if any(each in read for each in near_by) else None
        if tree is not None:
            yield name, tree


def needs(naming: Naming, reader: str, tree: Expression, name: str, sign: float) -> bool:
    """Whether a formula is right where an unknown column holds a quantity."""

    def known(leaf: Expression) -> Expression:
        if leaf.operation == "name" and leaf.parts[0] == UNKNOWN:
            there = Expression("name", (name, leaf.parts[1]))
            return there if sign > 0 else of("neg", there)
        return leaf

    return naming.is_right(reader, replaced(tree, known))


def settle(naming: Naming) -> None:
    """A column whose formula is right where all that it reads is right only follows."""
    found = naming.found
    for name, rows in found.wrong().items():
        column = found.reading.homes[name]
        for tree, group in by_formula(naming, name, rows, errors=False).items():
            if not isinstance(tree, Expression):
                continue
            at = np.array(group)
            given = naming.in_rows(tree, at)
            if given is not None and name in found.due:
                due, bound = found.due[name][at], found.bound[name][at] - column.units[at]
                with np.errstate(invalid="ignore"):
                    right = (np.abs(given - due) <= bound) | ~np.isfinite(due)
                found.states[name][at[np.broadcast_to(right, at.shape)]] = FOLLOWS


def by_formula(
    naming: Naming, name: str, rows: Iterable[int], errors: bool = True
) -> dict[Expression | str, list[int]]:
    """Rows of a column by the formula over names that they hold; numbers, errors (where asked for) and blanks by what
    they are."""
    column = naming.found.reading.homes[name]
    groups: dict[Expression | str, list[int]] = {}
    for row in rows:
        tree: Expression | str | None = naming.of(name, row)
        if tree is None or (errors and column.errors[row]):
            tree = state_of(column, row)
        groups.setdefault(tree, []).append(row)
    return groups


def state_of(column: Column, row: int) -> str:
    if row >= len(column.places):
        return "blank"
    if column.errors[row]:
        return "error"
    if column.shown[row]:
        return "number" if column.typed[row] else "unread"
    return "blank"


def misread_rates(naming: Naming, inside: Container[Place]) -> None:
    """Updates whose rate comes from a blank cell, a text or a table's cell are wrong, though their numbers agree."""
    for name in naming.found.reading.rules.weights:
        home = naming.found.reading.homes.get(name)
        if home is None:
            continue
        rows = np.flatnonzero(~home.typed[1:]) + 1
        if not len(rows) or (naming.found.states.get(name, np.zeros(1))[rows] == WRONG).any():
            continue
        explainer = Explainer(naming, name, rows.tolist())
        rate = explainer.rate_of(explainer.has)
        leaf = explainer.rate_leaf(rate) if rate is not None else None
        if leaf is not None and (leaf.parts[1] is None or leaf.parts[0] in inside):
            naming.found.states[name] = np.where(np.isin(np.arange(len(home.shown)), rows), WRONG, RIGHT)


def causes(naming: Naming) -> tuple[list[Mistake], list[str]]:
    """The mistakes of a descent, each cause once, in the order of its columns, and notes on what is not checked."""
    found, notes, mistakes = naming.found, [], []
    for name, rows in found.wrong().items():
        if unread := unknown_cells(naming, name, rows):
            found.states[name][rows] = UNREAD
            notes.append(
                f"{name} is not checked from row {found.reading.homes[name].block.steps[rows[0]]} on: "
                f"it reads {unread}, whose title says no quantity that is known."
            )
            continue
        for run in runs(naming, name, rows):
            mistakes += Explainer(naming, name, run).mistakes()
    return merged(mistakes), notes


def unknown_cells(naming: Naming, name: str, rows: list[int]) -> str:
    """The cells of its own row that a formula reads in columns that hold no known quantity."""
    tree = naming.of(name, rows[0])
    reading = naming.found.reading
    own = reading.homes[name].places[rows[0]]
    cells = [leaf.parts[0] for leaf in read_by(tree) if leaf.operation == "cell"] if tree is not None else []
    unknown = [each for each in dict.fromkeys(cells) if each in reading.descent.at and each not in naming.roles]
    return ", ".join(shown(each, own[0]) for each in unknown)


def runs(naming: Naming, name: str, rows: list[int]) -> list[list[int]]:
    """Wrong rows of a column by what is wrong in them; a reference that moves makes one run of many formulas."""
    groups = by_formula(naming, name, rows)
    plain = [group for tree, group in groups.items() if not isinstance(tree, Expression)]
    filled = [group for tree, group in groups.items() if isinstance(tree, Expression)]
    if len(filled) > 2:
        filled = list(by_filling(naming, name, sorted(row for group in filled for row in group)).values())
    return sorted(plain + filled)


def by_filling(naming: Naming, name: str, rows: list[int]) -> dict[object, list[int]]:
    """Rows by the formula they were filled from."""
    column = naming.found.reading.homes[name]
    groups: dict[object, list[int]] = {}
    for row in rows:
        groups.setdefault(naming.book.parse(column.places[row]), []).append(row)
    return groups


class Explainer:
    """Finds the words for one run of a column's wrong rows."""

    def __init__(self, naming: Naming, name: str, rows: list[int]):
        self.naming, self.name, self.rows, self.row = naming, name, rows, rows[0]
        self.reading: Reading = naming.found.reading
        self.column = self.reading.homes[name]
        self.rate = naming.found.own_rate
        self.is_update = name in self.reading.rules.weights
        self.has = None if self.column.errors[self.row] else naming.of(name, self.row)
        self.writer = Writer(naming, name, self.row)

    @property
    def tree(self) -> Expression:
        """The formula, of a run that has one."""
        assert self.has is not None
        return self.has

    def mistakes(self) -> list[Mistake]:
        if self.has is not None:
            if moved := self.moving():
                return [moved]
            rate, frozen = self.wrong_rate(), self.frozen_reference()
            return [*([rate] if rate else self.formula()), *([frozen] if frozen else [])]
        by_state = {"error": self.error, "blank": self.blank, "number": self.number, "unread": self.unread}
        return [by_state[state_of(self.column, self.row)]()]

    def make(self, kind: str, text: str, key: object = None, fix: Expression | None = None) -> Mistake:
        """A mistake of these cells; `fix` is the formula that is due."""
        right = right_tree(self.naming, self.name)
        mended = fix if fix is not None else right
        places = [self.column.places[row] for row in self.rows if row < len(self.column.places)]
        cells = [place(*each[1:]) for each in places]
        return Mistake(
            kind,
            [self.name],
            cells[0],
            cells,
            text,
            words.formula_text(self.naming.book, places[0]),
            self.writer.names(self.tree) if self.has is not None else None,
            self.writer.names(right) if right is not None else None,
            self.writer.formula(mended) if mended is not None else None,
            key,
            self.row,
            places,
        )

    # formulas

    def moving(self) -> Mistake | None:
        """A reference without $ that moves away from its cell as the formula is filled down."""
        before, here, book = self.row - 1, self.column.places[self.row], self.naming.book
        if before < 0 or self.column.typed[before] or self.naming.found.states[self.name][before] == WRONG:
            return None
        there = self.column.places[before]
        try:
            one, other = book.parse(there), book.parse(here)
            pairs = [
                (book.area(ref, there, False).places[0], book.area(ref, here, False).places[0])
                for ref in one.references
            ]
        except (NotUnderstood, CellError):
            return None
        for start, now in pairs if one == other else ():
            helper = start not in self.reading.descent.at and book.cell(start).formula is not None
            if start != now and start not in self.naming.roles and not helper and start not in self.reading.descent.at:
                return self.make(
                    "unanchored reference", self.moved(start, now), ("moving", start), self.anchored(start, now)
                )
        return None

    def moved(self, start: Place, now: Place) -> str:
        role, own = self.naming.roles.get(now), self.column.places[self.row][0]
        value = self.naming.book.value(now)
        what = f"holds {role[0]}" if role else "is empty" if value is None else "is another cell"
        anchored = f"${place(*start[1:])[: -len(str(start[1]))]}${start[1]}"
        return (
            f"{self.name} refers to {shown(start, own)} without $, so the reference moves as it is filled down: "
            f"from {self.writer.here()} on it is {shown(now, own)}, which {what}. Write {anchored}."
        )

    def anchored(self, start: Place, now: Place) -> Expression | None:
        fixed = Expression("cell", (start, self.naming.book.value(start)))
        return (
            replaced(self.tree, lambda leaf: fixed if self.writer.place_of(leaf) == now else leaf)
            if self.tree
            else None
        )

    def frozen_reference(self) -> Mistake | None:
        """A formula that keeps to one row of a column of the table, in every row that it is filled into."""
        for leaf in read_by(self.tree):
            role = self.naming.roles.get(leaf.parts[0]) if leaf.operation == "cell" else None
            if role and kind(role[0]).kind not in STARTED and len(self.rows) > 1:
                cell = self.writer.cell(leaf.parts[0])
                always = f"{self.name} reads {cell} ({role[0]}) in every row"
                text = f"{always}: the $ before its row keeps the reference from sliding down."
                return self.make("frozen reference", text, ("frozen reference", leaf.parts[0]))
        return None

    def wrong_rate(self) -> Mistake | None:
        """An update whose learning rate comes from a blank cell, from a cell of a table, or is another number."""
        if not self.is_update and not self.name.startswith("new "):
            return None
        if (rate := self.rate_of(self.tree)) is None:
            return self.rate_from_column()
        leaf = self.rate_leaf(rate)
        if leaf is not None and (
            leaf.parts[1] is None or leaf.parts[0] in self.naming.roles or isinstance(leaf.parts[1], str)
        ):
            return self.taken_from(leaf)
        if rate == 0:
            on = f"from {self.writer.here()} on it repeats" if len(self.rows) > 1 else f"{self.writer.here()} repeats"
            return self.make("no update", f"{self.name} is not updated: {on} the row before.", "still")
        if self.rate and abs(rate + self.rate) <= SAME * abs(self.rate):
            return self.make("sign", words.update_sign(self.name), "update sign")
        if self.rate is None or abs(rate - self.rate) <= SAME * abs(self.rate):
            return None
        one, other = words.apart(rate, self.rate)
        text = f"{self.name} is updated at the rate {one}, the other weights at {other}."
        return self.make("learning rate", text, ("own rate", rate))

    def rate_of(self, tree: Expression | None) -> float | None:
        """The rate of a formula that subtracts a number of times the right gradient."""
        values = self.naming.at_points(tree) if tree is not None else None
        if values is None:
            return None
        weight, back = self.name.rpartition(" ")[2], 0 if " " in self.name else -1
        base, step = self.naming.point(weight, back), self.naming.point(f"dE/d{weight}", back)
        with np.errstate(all="ignore"):
            rates = (base - values) / step
        rates = rates[np.isfinite(rates)]  # a unit that is off tells nothing
        same = rates.size > 1 and bool(np.all(np.abs(rates - rates[0]) <= 1e-6 * np.abs(rates[0]) + 1e-12))
        return float(round(rates[0], 12)) if same else None

    def rate_leaf(self, rate: float) -> Expression | None:
        """The cell that a formula takes its rate from."""
        for leaf in edits.distinct(self.tree):
            if leaf.operation == "cell" and leaf.parts[1] in (rate, None):
                other = self.rate_of(edits.swapped(self.tree, {leaf: number(rate + 0.37)}))
                if other is not None and abs(other - rate) > 1e-6:
                    return leaf
        return None

    def rate_from_column(self) -> Mistake | None:
        """An update that multiplies with a quantity of the table where the learning rate belongs."""
        trial = number(self.rate or 0.37)
        for edit, variant in edits.single_names(self.tree, [trial]):
            where = self.writer.place_of(edit.wrong) if edit.wrong else None
            rate = self.rate_of(variant) if where else None
            if rate is not None and abs(rate - trial.parts[0]) <= SAME and edit.wrong is not None:
                value = self.naming.book.value(where) if where else None
                return self.taken_from(Expression("cell", (where, value)), variant)
        return None

    def taken_from(self, leaf: Expression, variant: Expression | None = None) -> Mistake:
        where, value = leaf.parts
        role = self.naming.roles.get(where, ("", 0))[0]
        text = words.misplaced_rate(self.writer, where, value, role)
        return self.make("empty reference" if value is None else "wrong reference", text, ("rate", where), variant)

    def formula(self) -> list[Mistake]:
        """The changes that explain the formula, or both formulas where none does."""
        text_cell = next(
            (leaf for leaf in edits.distinct(self.tree) if leaf.operation == "cell" and isinstance(leaf.parts[1], str)),
            None,
        )
        if text_cell is not None:
            where, value = text_cell.parts
            said = f'{self.name} refers to {self.writer.cell(where)}, which holds the text "{value}" and no number.'
            return [self.make("wrong reference", said, ("text cell", self.row))]
        found = self.explained()
        right = right_tree(self.naming, self.name)
        if found is None:
            due = f"; {self.writer.names(right)} is due" if right is not None else ""
            return [self.make("formula", f"{self.name} computes {self.writer.names(self.tree)}{due}.")]
        edit, mended = found
        told = [(each, words.edit(self.writer, self.name, each)) for each in edits.apart(edit)]
        return [self.make(*said, words.edit_key(each), mended) for each, said in told]

    def explained(self) -> tuple[Edit, Expression | None] | None:
        if (found := edits.all_parts_for(self.tree, self.updated)) and self.naming.is_right(self.name, found[1]):
            return found
        if (ratio := self.ratio()) is not None:
            return self.of_factor(ratio)
        if (other := self.other_quantity()) is not None:
            return Edit("other quantity", Expression("name", (other, 0))), None
        theirs = self.naming.at_points(self.tree)
        for edit, variant in self.bounded(self.right_variants()) if theirs is not None else ():
            first = self.naming.at_points(variant, first=True)
            if (
                first is not None
                and close(first, theirs[0], 10 * SAME)
                and np.all(close(self.naming.at_points(variant), theirs))
            ):
                return edit, None
        mending = (
            (edit, each) for edit, each in self.bounded(self.own_variants()) if self.naming.is_right(self.name, each)
        )
        return next(mending, None)

    def updated(self, node: Expression) -> Expression | None:
        """The weight whose value after the update a part of the formula is, or which it reads in the row after."""
        if node.operation == "name" and node.parts[1] == 1 and node.parts[0] in self.reading.given:
            return Expression("name", (node.parts[0], 0))
        if node.operation == "name" and node.parts[0].startswith("new ") and not self.is_update:
            return Expression("name", (node.parts[0][4:], 0))
        first = node.parts[0] if node.operation in ("-", "+") else None
        is_weight = first is not None and first.operation == "name" and first.parts[0] in self.reading.given
        if not is_weight or self.is_update or self.rate is None:
            return None
        values = self.naming.at_points(node)
        due = self.naming.point(f"new {first.parts[0]}", 0) if first else None
        return first if values is not None and due is not None and np.all(close(values, due)) else None

    def ratio(self) -> float | None:
        """By what number the formula is off, where that is one number."""
        values, due = self.naming.at_points(self.tree), self.naming.due_at_points(self.name)
        if values is None or self.is_update:
            return None
        with np.errstate(all="ignore"):
            ratios = values / due
        seen = ratios[np.isfinite(ratios)]
        same = seen.size > 1 and bool(np.all(np.abs(seen - seen[0]) <= 1e-6 * np.abs(seen[0])))
        return float(seen[0]) if same and seen[0] != 0 and abs(seen[0] - 1) > 1e-6 else None

    def of_factor(self, ratio: float) -> tuple[Edit, Expression | None]:
        """Right but for a factor; where it has a place in the formula, that is said."""
        if abs(ratio + 1) < 1e-6:
            return Edit("wrong sign"), None
        quick = (*edits.less(self.tree), *edits.more(self.tree, []))
        for edit, variant in quick:
            if edit.kind in ("number", "extra", "missing factor", "missing term") and self.naming.is_right(
                self.name, variant
            ):
                return edit, variant
        return Edit("factor", due=number(ratio)), None

    def other_quantity(self) -> str | None:
        """A quantity of which this is the right formula."""
        names = [
            name
            for name in self.reading.homes
            if name != self.name and (name in self.reading.truth or name in self.naming.found.due)
        ]
        return next((name for name in names if self.naming.is_right(name, self.tree)), None)

    def right_variants(self) -> Iterator[tuple[Edit, Expression]]:
        """The right formula with something left out of it."""
        right = right_tree(self.naming, self.name)
        if right is not None:
            for change in (edits.without_parentheses, edits.without_factors, edits.without_term):
                yield from change(right)

    def own_variants(self) -> Iterator[tuple[Edit, Expression]]:
        """The learner's formula with one change, or with two other names."""
        names = self.candidates()
        yield from edits.other_names(self.tree, names)
        yield from edits.other_sign(self.tree)
        yield from edits.less(self.tree)
        yield from edits.more(self.tree, names)
        yield from edits.with_parentheses(self.tree)
        yield from edits.two_names(self.tree, names)

    def bounded(self, variants: edits.Variants) -> edits.Variants:
        for count, pair in zip(range(MOST_VARIANTS), variants, strict=False):
            if count % 100 == 99 and self.naming.book.late:
                return
            yield pair

    def candidates(self) -> list[Expression]:
        """The quantities that a right formula might read."""
        known = (*self.reading.homes, *self.reading.beside.values())
        if self.is_update:
            rate = rate_source(self.naming)
            back = [name for name in known if name in self.reading.given or kind(name).kind in ("dE/dw", "dE/db")]
            return [Expression("name", (name, -1)) for name in back] + ([rate] if rate is not None else [])
        return [Expression("name", (name, 0)) for name in known if name != self.name]

    # numbers

    def number(self) -> Mistake:
        """Numbers without a formula: frozen, or those of another formula, or just other numbers."""
        values, row = self.column.values, self.row
        given = self.name in self.reading.given and self.name not in self.naming.found.due
        if given:
            usual = float(np.median(values[np.isfinite(values)]))
            one, other = words.apart(values[row], usual)
            return self.make("changed input", f"{self.writer.here(self.name)} holds {one}, every other row {other}.")
        still = np.isclose(values[self.rows], values[row - 1], rtol=1e-12, atol=0)
        if row and still.all() and (self.column.made or len(self.rows) > 1):
            return self.frozen()
        for edit, variant in self.bounded(self.number_variants()):
            if self.gives(variant):
                kind_of, text = words.edit(self.writer, self.name, edit, numbers=True)
                return self.make(kind_of, text, words.edit_key(edit))
        due = float(self.naming.found.due[self.name][row])
        (one, other), here = words.apart(values[row], due, 9), self.writer.here(self.name)
        if self.column.made:
            cells = "a typed number" if len(self.rows) == 1 else f"typed numbers ({len(self.rows)} rows)"
            text = f"{self.name} has {cells} in place of its formula at {here}; {other} is due there."
            return self.make("fixed number", text, ("fixed", row))
        text = f"{here} holds {one} for {self.name}; from the row's other numbers it must be {other}."
        return self.make("number", text)

    def frozen(self) -> Mistake:
        if self.is_update:
            return self.make(
                "no update",
                f"{self.name} is not updated: from {self.writer.here()} on it repeats the row before.",
                "still",
            )
        what = f"{self.name} stops following its formula at {self.writer.here(self.name)}"
        return self.make(
            "frozen rows", f"{what}: {words.rows(len(self.rows))} the number of the row before.", ("frozen", self.row)
        )

    def number_variants(self) -> Iterator[tuple[Edit, Expression]]:
        right = right_tree(self.naming, self.name)
        if right is None:
            return
        for factor in (-1.0, 2.0, 0.5):
            yield (
                Edit("wrong sign") if factor < 0 else Edit("factor", due=number(factor)),
                of("*", number(factor), right),
            )
        for change in (edits.without_parentheses, edits.without_factors, edits.without_term, edits.other_sign):
            yield from change(right)
        names = self.candidates()
        for edit, variant in edits.other_names(right, names):
            yield Edit(edit.kind, edit.due, edit.wrong), variant

    def gives(self, variant: Expression) -> bool:
        """Whether a variant of the right formula gives the column's numbers in all wrong rows."""
        at = np.array(self.rows)
        found = self.naming.in_rows(variant, at)
        if found is None:
            return False
        slack = self.naming.found.bound[self.name][at]
        enough = len(at) > 1 or bool(np.all(slack < 1e-6 * np.abs(self.column.values[at])))
        return enough and bool(np.all(np.abs(found - self.column.values[at]) <= slack))

    # what is no number

    def error(self) -> Mistake:
        where = self.column.places[self.row]
        value = self.naming.book.value(where)
        told = value.text if isinstance(value, Error) else "#VALUE!"
        here = self.writer.here(self.name)
        if not self.column.typed[self.row]:
            text = f"{here} needs a cell that holds the error {told}."
            if told == "#REF!":
                text = f"{here} refers to a cell or sheet that is no longer there (#REF!)."
            return self.make("error", text, ("error", told))
        text = f"{here} holds the error {told} where a number is due."
        if len(self.rows) > 1 and self.rows[-1] == self.reading.descent.rows - 1:
            text = f"the rows break off with {told} from {self.writer.here()} on; numbers are due there."
        return self.make("error", text, ("error value", told))

    def blank(self) -> Mistake:
        content = self.naming.book.value(self.column.places[self.row])
        here = self.writer.here(self.name)
        if isinstance(content, str):
            return self.make("text", f'{here} holds the text "{content}" where a number is due.', ("text", self.row))
        return self.make("empty cell", f"{here} is empty.", ("empty", self.row))

    def unread(self) -> Mistake:
        text = f"{self.name} is not what is due from {self.writer.here(self.name)} on; its formula is not understood."
        return self.make("formula", text)


def right_tree(naming: Naming, name: str) -> Expression | None:
    """What a cell should compute, over the table's columns and as a sheet writes it."""
    reading = naming.found.reading
    weight = name.rpartition(" ")[2]
    if weight in reading.network.weight_names:
        own, back = naming.found.own_rate, 0 if " " in name else -1
        rate = rate_source(naming) or (number(abs(own)) if own is not None else None)
        if rate is None or f"dE/d{weight}" not in reading.truth:
            return None
        slope = Expression("name", (f"dE/d{weight}", back))
        if name.startswith("change"):
            return of("*", rate, slope)
        return of(
            "+" if reading.factor(f"dE/d{weight}") < 0 else "-",
            Expression("name", (weight, back)),
            of("*", rate, slope),
        )
    if name not in reading.rules.rules:
        return None
    tree = expanded(reading, reading.rules.rules[name])
    by = reading.factor(name)
    return edits.flattened(tree if by == 1 else of("*", number(by), tree))


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


def rate_source(naming: Naming) -> Expression | None:
    """The cell that right updates take the learning rate from."""
    rate = naming.found.own_rate
    for name in naming.found.reading.rules.weights if rate else ():
        for update in (name, f"new {name}"):
            if update in naming.found.due and naming.found.reading.descent.rows > 1:
                tree = naming.of(update, 1)
                cells = [leaf for leaf in read_by(tree) if leaf.operation == "cell"] if tree is not None else []
                cells = [leaf for leaf in cells if leaf.parts[1] is not None and leaf.parts[0] not in naming.roles]
                found = [
                    leaf
                    for leaf in cells
                    if isinstance(leaf.parts[1], float) and close(abs(leaf.parts[1]), abs(rate or 0.0))
                ]
                if found:
                    return found[0]
    return None


def merged(mistakes: list[Mistake]) -> list[Mistake]:
    """Mistakes of the same kind with the same culprit, or the same change in neighbouring columns, are one."""
    together: dict[object, Mistake] = {}
    for mistake in mistakes:
        key = (mistake.kind, mistake.key, mistake.row) if mistake.key is not None else object()
        first = together.setdefault(key, mistake)
        if first is not mistake:
            first.quantities += [name for name in mistake.quantities if name not in first.quantities]
            first.cells += mistake.cells
            first.places += mistake.places
    for mistake in together.values():
        if mistake.kind == "no update" and len(mistake.quantities) > 1:
            mistake.text = (
                mistake.text.replace(f"{mistake.quantities[0]} is", "the weights are")
                .replace("on it", "on each")
                .replace("repeats the", "repeats the")
            )
    return list(together.values())
