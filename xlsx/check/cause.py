"""Why a column is wrong: which of the wrong ones only follow, and the one change of a formula, or of the right formula
for numbers without one, that explains the rest. Whether cells agree is never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import numpy as np

from xlsx.expressions import Expression, number
from xlsx.formulas import STARTED, kind

from . import edits
from .book import CellError
from .descent import Column, Reading
from .edits import Cause, Explained, of
from .files import Error, Place
from .formula import NotUnderstood, replaced
from .naming import SAME, TRIAL, Naming, close, read_by
from .report import apart
from .verdict import FOLLOWS, UNREAD, WRONG

MOST_VARIANTS = 8_000
MOST_READ = 60  # by a formula that has one name for another
TAKEN = {"name", "name once", "swapped", "two names", "other quantity", "rate from", "blank rate"}
Found = tuple[Cause, Expression | None]


def settle(naming: Naming) -> None:
    """A column whose formula is right where all that it reads is right only follows."""
    found = naming.found
    for name, rows in found.wrong().items():
        column = found.reading.homes[name]
        for tree, group in by_formula(naming, name, rows, errors=False).items():
            at = np.array(group)
            given = naming.in_rows(tree, at) if isinstance(tree, Expression) else None
            if given is not None and name in found.due:
                due, bound = found.due[name][at], found.bound[name][at] - column.units[at]
                with np.errstate(invalid="ignore"):
                    right = np.abs(given - due) <= bound
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
            tree = column.state(row)
        groups.setdefault(tree, []).append(row)
    return groups


def causes(naming: Naming) -> Iterator[Explained]:
    """What is wrong with each run of rows of each column, in the order of the columns."""
    found = naming.found
    for name, rows in found.wrong().items():
        if unknown := unknown_cells(naming, name, rows):
            found.states[name][rows] = UNREAD
            yield Explained(name, rows, Cause("unknown column", unknown[0]))
            continue
        for run in runs(naming, name, rows):
            yield from Explainer(naming, name, run).causes()


def harmless(naming: Naming) -> Iterator[Explained]:
    """Formulas that are wrong though their numbers agree, as with i1 for i2 where both are the same."""
    reading, found = naming.found.reading, naming.found
    row = min(1, reading.descent.rows - 1)
    for name, column in reading.homes.items():
        is_titled = name in found.due and column.name == name and not column.errors[row]
        tree = naming.of(name, row) if is_titled else None
        if tree is None or (found.states[name] == WRONG).any() or len(read_by(tree)) > MOST_READ:
            continue
        if naming.at_points(tree) is None:
            continue
        due = naming.due_at_points(name)
        cause = None if naming.is_right(name, tree) or np.isnan(due).any() else Explainer(naming, name, [row]).change()
        if cause is not None:
            yield from (Explained(name, [row], each, tree) for each in edits.apart(cause))


def misplaced_rates(naming: Naming, tables: Mapping[Place, Column]) -> Iterator[Explained]:
    """Right updates whose learning rate is a cell of one of the tables."""
    found = naming.found
    for name in found.reading.rules.weights if found.rate else ():
        tree = naming.of(name, 1) if name in found.due and not (found.states[name] == WRONG).any() else None
        for leaf in read_by(tree) if tree is not None else ():
            where, value = leaf.parts if leaf.operation == "cell" else (None, None)
            if tree is None or where not in tables or value != found.rate_used:
                continue
            other = edits.swapped(tree, {leaf: number(TRIAL)})
            if naming.is_right(name, tree) and not naming.is_right(name, other):
                said = {"content": f"holds {tables[where].name or tables[where].title} ({value:.6g})"}
                rows = (np.flatnonzero(~found.reading.homes[name].typed[1:]) + 1).tolist()
                yield Explained(name, rows, Cause("rate from", leaf, said=said), tree)


def unknown_cells(naming: Naming, name: str, rows: list[int]) -> list[Expression]:
    """The cells of its own row that a formula reads in columns that hold no known quantity."""
    tree, at = naming.of(name, rows[0]), naming.found.reading.descent.at
    cells = [leaf for leaf in read_by(tree) if leaf.operation == "cell"] if tree is not None else []
    return [each for each in cells if each.parts[0] in at and each.parts[0] not in naming.roles]


def runs(naming: Naming, name: str, rows: list[int]) -> list[list[int]]:
    """Wrong rows of a column by what is wrong in them; a reference that moves makes one run of many formulas."""
    groups = by_formula(naming, name, rows)
    plain = [group for tree, group in groups.items() if not isinstance(tree, Expression)]
    filled = [group for tree, group in groups.items() if isinstance(tree, Expression)]
    if len(filled) > 2:  # by the formula that they were filled from, or by the cell that all of them read
        places = naming.found.reading.homes[name].places
        rows = sorted(row for group in filled for row in group)
        ways = (grouped(rows, lambda row: naming.book.parse(places[row])), grouped(rows, partial(pinned, naming, name)))
        filled = min(ways, key=len)
    return sorted(plain + filled)


def grouped(rows: list[int], key: Callable[[int], object]) -> list[list[int]]:
    found: dict[object, list[int]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.values())


def pinned(naming: Naming, name: str, row: int) -> object:
    """A row's formula with cells of other rows as they are, so that those which read one and the same are alike."""
    usual = (0, -1) if name in naming.found.reading.rules.weights else (0,)
    tree = naming.of(name, row)

    def leaf(each: Expression) -> Expression:
        far = each.operation == "name" and each.parts[1] not in usual
        return Expression("cell", (naming.place_of(row, each), None)) if far else each

    return replaced(tree, leaf) if tree is not None else None


class Explainer:
    """Finds the causes of one run of a column's wrong rows."""

    def __init__(self, naming: Naming, name: str, rows: list[int]):
        self.naming, self.name, self.rows, self.row = naming, name, rows, rows[0]
        self.reading: Reading = naming.found.reading
        self.column = self.reading.homes[name]
        self.is_update = name in self.reading.rules.weights or name.startswith("new ")
        self.has = None if self.column.errors[self.row] else naming.of(name, self.row)

    @property
    def tree(self) -> Expression:
        """The formula, of a run that has one."""
        assert self.has is not None
        return self.has

    def causes(self) -> Iterator[Explained]:
        found = self.of_formula() if self.has is not None else [(self.without_formula(), None)]
        yield from (Explained(self.name, self.rows, cause, self.has, fix) for cause, fix in found)

    # formulas

    def of_formula(self) -> list[Found]:
        """The changes that explain the formula, or both formulas where none does."""
        if moved := self.moving():
            return [moved]
        cause, fix = self.explained() or (Cause("formula", self.tree, self.naming.due_formula(self.name)), None)
        frozen = self.frozen_reference()
        others = [each for each in edits.apart(cause) if frozen is None or not self.is_other_row(each)]
        return [*((each, fix) for each in others), *([(frozen, fix)] if frozen else [])]

    def moving(self) -> Found | None:
        """A reference without $ that moves away from its cell as the formula is filled down."""
        before, here, book = self.row - 1, self.column.places[self.row], self.naming.book
        if before < 0 or self.column.typed[before] or self.naming.found.states[self.name][before] == WRONG:
            return None
        there, inside = self.column.places[before], self.reading.descent.at
        try:
            if book.parse(there) != book.parse(here):
                return None
            pairs = [
                (book.area(ref, there, False).places[0], book.area(ref, here, False).places[0])
                for ref in book.parse(there).references
            ]
        except (NotUnderstood, CellError):
            return None
        for start, now in pairs:
            if start != now and start not in inside and book.cell(start).formula is None:
                due = Expression("cell", (start, book.value(start)))
                mended = replaced(self.tree, lambda leaf: due if self.naming.place_of(self.row, leaf) == now else leaf)  # noqa: B023
                return Cause("moving", Expression("cell", (now, book.value(now))), due), mended
        return None

    def frozen_reference(self) -> Cause | None:
        """A cell of the table that the formula reads in every row that it is filled into."""
        places = [self.column.places[row] for row in self.rows]
        common = set.intersection(*(set(self.naming.book.reads(place)) for place in places)) if places[1:] else set()
        for leaf in read_by(self.tree) if common else ():
            where = self.naming.place_of(self.row, leaf)
            role = self.naming.roles.get(where) if where in common and where is not None else None
            if role and kind(role[0]).kind not in STARTED:
                why = ": the $ before its row keeps it from sliding down" if leaf.operation == "cell" else ""
                return Cause("frozen reference", Expression("cell", (where, None)), said={"why": why})
        return None

    def is_other_row(self, cause: Cause) -> bool:
        """Whether a cause is that a quantity is taken from another row, and no other mistake."""
        where = self.naming.place_of(self.row, cause.wrong) if cause.wrong is not None else None
        role = self.naming.roles.get(where) if where else None
        due = cause.due.parts[0] if cause.due is not None and cause.due.operation == "name" else None
        return cause.kind.startswith("name") and role is not None and role[0] == due

    def explained(self) -> Found | None:
        """The first way that explains the formula, those that most often do first."""
        ways = (self.already_updated, self.of_text, self.of_rate, self.of_factor, self.of_another, self.broken)
        return next((found for way in (*ways, self.mended) if (found := way()) is not None), None)

    def change(self) -> Cause | None:
        """What the formula takes for something else; not a copy, in a cell of its own, of what is due."""
        cause = (self.explained() or (None,))[0]
        if cause is None or cause.kind not in TAKEN:
            return None
        if cause.kind == "other quantity" and cause.wrong and kind(cause.wrong.parts[0]).kind != kind(self.name).kind:
            return None
        is_copy = cause.wrong is not None and cause.wrong.operation == "cell" and cause.wrong.parts[1] is not None
        return None if is_copy and cause.kind != "rate from" else cause

    def is_right(self, tree: Expression) -> bool:
        return self.naming.is_right(self.name, tree)

    def already_updated(self) -> Found | None:
        found = edits.all_parts_for(self.tree, self.updated)
        return found if found and self.is_right(found[1]) else None

    def updated(self, node: Expression) -> Expression | None:
        """The weight whose value after the update a part of the formula is, or which it reads in the row after."""
        if node.operation == "name" and node.parts[1] == 1 and node.parts[0] in self.reading.given:
            return Expression("name", (node.parts[0], 0))
        if self.is_update or self.naming.found.rate is None:
            return None
        if node.operation == "name" and node.parts[0].startswith("new "):
            return Expression("name", (node.parts[0][4:], 0))
        first = node.parts[0] if node.operation in ("-", "+") else node
        if first is node or first.operation != "name" or first.parts[0] not in self.reading.given:
            return None
        values = self.naming.at_points(node)
        same = values is not None and np.all(close(values, self.naming.point(f"new {first.parts[0]}", 0)))
        return first if same else None

    def of_text(self) -> Found | None:
        """A formula that reckons with a cell that holds a text."""
        cells = (leaf for leaf in edits.distinct(self.tree) if leaf.operation == "cell")
        return next(((Cause("text", leaf), None) for leaf in cells if isinstance(leaf.parts[1], str)), None)

    def of_rate(self) -> Found | None:
        """An update whose learning rate comes from a blank cell, from a cell of a table, or is another number."""
        rate = self.naming.rate
        for cause, variant in edits.single_names(self.tree, [rate]) if self.is_update else ():
            leaf = cause.wrong
            is_known = leaf is not None and leaf.operation == "cell" and isinstance(leaf.parts[1], float)
            if (
                leaf is not None
                and self.is_right(variant)
                and not (is_known and leaf.parts[0] not in self.naming.roles)
            ):
                return self.misplaced(leaf), variant if self.naming.found.rate else None
        ratio = self.ratio() if self.is_update else None
        if ratio is None or (ratio != 0 and self.naming.found.rate is None):
            return None
        if ratio == -1 and (found := self.negative()):
            return found
        if ratio in (0, -1):
            return Cause("update sign" if ratio else "still"), None
        own = abs(self.naming.found.own_rate or TRIAL)
        one, other = apart(ratio * own, own)
        return Cause("own rate", said={"content": one, "other": other}), None

    def negative(self) -> Found | None:
        """A right formula that reads a negative learning rate."""
        for leaf in read_by(self.tree):
            is_negative = leaf.operation == "cell" and isinstance(leaf.parts[1], float) and leaf.parts[1] < 0
            if is_negative and self.is_right(edits.swapped(self.tree, {leaf: number(-leaf.parts[1])})):
                return Cause("negative rate", leaf, said={"content": f"{leaf.parts[1]:.6g}"}), self.tree
        return None

    def misplaced(self, leaf: Expression) -> Cause:
        """A learning rate taken from a cell that is blank or of another quantity."""
        blank = leaf.operation == "cell" and leaf.parts[1] is None
        read = self.naming.book.reads(self.column.places[self.row])  # a given's cell of another row is told as it is
        named = (each for each in read if self.naming.roles.get(each, ("",))[0] == leaf.parts[0])
        where = next(named, self.naming.place_of(self.row, leaf))
        return Cause("blank rate" if blank else "rate from", Expression("cell", (where, None)))

    def ratio(self) -> float | None:
        """By what number the formula, or its step, is off, where that is one number other than 1."""
        values, due = self.naming.at_points(self.tree), self.naming.due_at_points(self.name)
        base = self.naming.base_at_points(self.name)
        if values is None:
            return None
        with np.errstate(all="ignore"):
            ratios = (values - base) / (due - base)
        seen = ratios[np.isfinite(ratios)]  # a unit that is off tells nothing
        same = seen.size > 1 and bool(np.all(np.abs(seen - seen[0]) <= 1e-6 * np.abs(seen[0]) + 1e-12))
        return float(round(seen[0], 9)) if same and abs(seen[0] - 1) > 1e-6 else None

    def of_factor(self) -> Found | None:
        """Right but for a factor; where it has a place in the formula, that is said."""
        ratio = None if self.is_update else self.ratio()
        if not ratio:
            return None
        if ratio == -1:
            return Cause("wrong sign"), None
        for cause, variant in (*edits.less(self.tree), *edits.more(self.tree, [])):
            if cause.kind in ("constant", "extra factor", "missing factor", "missing term") and self.is_right(variant):
                return cause, variant
        return Cause("factor", due=number(ratio)), None

    def of_another(self) -> Found | None:
        """The right formula of another column."""
        known = (each for each in self.reading.homes if each in self.reading.truth or each in self.naming.found.due)
        found = next((each for each in known if each != self.name and self.naming.is_right(each, self.tree)), None)
        return (Cause("other quantity", Expression("name", (found, 0))), None) if found else None

    def broken(self) -> Found | None:
        """The right formula with something left out of it."""
        right, theirs = self.naming.due_formula(self.name), self.naming.at_points(self.tree)
        if right is None or theirs is None:
            return None
        changes = (edits.without_parentheses, edits.without_factors, edits.without_term)
        for cause, variant in self.bounded(pair for change in changes for pair in change(right)):
            first = self.naming.at_points(variant, first=True)
            if first is None or not close(first, theirs[0], 10 * SAME):
                continue
            if np.all(close(self.naming.at_points(variant), theirs)):
                return cause, None
        return None

    def mended(self) -> Found | None:
        """The learner's formula with one change, or with two other names."""
        pairs = self.bounded(self.own_variants())
        found = next(((cause, variant) for cause, variant in pairs if self.is_right(variant)), None)
        if found and found[0].kind.startswith("name") and found[0].wrong and found[0].wrong.parts[1:] == (None,):
            return found[0]._replace(kind="blank"), found[1]
        return found

    def own_variants(self) -> edits.Variants:
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
            back = [name for name in known if name in self.reading.given or kind(name).kind in ("dE/dw", "dE/db")]
            return [*(Expression("name", (name, 0 if " " in self.name else -1)) for name in back), self.naming.rate]
        return [Expression("name", (name, 0)) for name in known if name != self.name]

    # numbers, and what is no number

    def without_formula(self) -> Cause:
        """The cause of cells that are numbers, errors, texts or blank, or whose formula is not understood."""
        state, place = self.column.state(self.row), self.column.places[self.row : self.row + 1]
        content = self.naming.book.value(place[0]) if place else None
        if state == "number":
            return self.of_number()
        if state == "error":
            return self.of_error(content.text if isinstance(content, Error) else "#VALUE!")
        if isinstance(content, str) and content:
            return Cause("holds a text", said={"content": f'holds the text "{content}"'})
        return Cause("unread" if state == "unread" else "empty cell")

    def of_error(self, content: str) -> Cause:
        said = {"content": content}
        if not self.column.typed[self.row]:
            return Cause("gone" if content == "#REF!" else "reads an error", said=said)
        breaks_off = len(self.rows) > 1 and self.rows[-1] == self.reading.descent.rows - 1
        return Cause("breaks off" if breaks_off else "error", said=said)

    def of_number(self) -> Cause:
        """Numbers without a formula: frozen, or those of another formula, or just other numbers."""
        values, row = self.column.values, self.row
        if self.name in self.reading.given and self.name not in self.naming.found.due:
            one, other = apart(values[row], float(np.median(values[np.isfinite(values)])))
            return Cause("changed input", said={"one": one, "other": other})
        still = np.isclose(values[self.rows], values[row - 1], rtol=1e-12, atol=0)
        if row and still.all() and (self.column.made or len(self.rows) > 1):
            return Cause("still" if self.is_update else "frozen rows")
        explained = (cause for cause, variant in self.bounded(self.number_variants()) if self.gives(variant))
        if cause := next(explained, None):
            return cause
        one, other = apart(values[row], float(self.naming.found.due[self.name][row]), 9)
        return Cause("fixed number" if self.column.made else "number", said={"one": one, "other": other})

    def number_variants(self) -> edits.Variants:
        right = self.naming.due_formula(self.name)
        if right is None:
            return
        yield Cause("wrong sign"), of("*", number(-1.0), right)
        yield from ((Cause("factor", due=number(by)), of("*", number(by), right)) for by in (2.0, 0.5))
        for change in (edits.without_parentheses, edits.without_factors, edits.without_term, edits.other_sign):
            yield from change(right)
        for cause, variant in edits.other_names(right, self.candidates()):
            yield cause._replace(wrong=cause.due, due=cause.wrong), variant

    def gives(self, variant: Expression) -> bool:
        """Whether a variant of the right formula gives the column's numbers in all wrong rows."""
        at = np.array(self.rows)
        found = self.naming.in_rows(variant, at)
        if found is None:
            return False
        slack = self.naming.found.bound[self.name][at]
        enough = len(at) > 1 or bool(np.all(slack < 1e-6 * np.abs(self.column.values[at])))
        return enough and bool(np.all(np.abs(found - self.column.values[at]) <= slack))
