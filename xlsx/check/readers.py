"""Meaning by formulas: columns that no numbers tell are what the formulas that read them need."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from xlsx.expressions import Expression, names_in

from .descent import Column
from .edits import of
from .formula import replaced
from .meaning import Reading, family, near
from .naming import Naming
from .titles import kind
from .verdict import judged

MOST_NAMED = 12
LOOSE = ("dE/da_o", "dE/do", "dE/da_h", "dE/dh")


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
