"""The descents of the sheets: plain, or by an optimizer, from the numbers of Network."""

from __future__ import annotations

from xlsxwriter.worksheet import Worksheet

from xlsx import chains, formulas
from xlsx.expressions import Expression
from xlsx.formulas import Quantity
from xlsx.sheets.book import Book, Cell
from xlsx.sheets.epochs import Descent


def descent(
    book: Book, sheet: Worksheet, row: int, column: int, rate: str, value: float, given: dict[str, Cell]
) -> Descent:
    """Plain gradient descent: the exercise's columns t i w units E dE/dw, and what dE/dw is made of.

    `rate` is the cell of the learning rate, `value` what it holds; `given` has the cells of inputs and targets.
    """
    network = book.network
    names = chains.given_names(network, book.samples)
    cells = {name: given[name].on(sheet, anchored=True) for name in names}
    inside, outside = (cells, {}) if book.samples == 1 else ({}, cells)
    start = {w: book.start[w].on(sheet, anchored=True) for w in network.weight_names}
    state, moved = chains.state(network, book.samples), next_values(formulas.updates(network))
    values = book.start_values | {"learning_rate": value}
    outside = outside | {"learning_rate": rate}
    return Descent(sheet, row, column, book.epochs, inside, start, outside, state, moved, values)


def next_values(updates: list[Quantity]) -> dict[str, Expression]:
    """What each quantity that an update moves becomes: "new w1" says it of w1."""
    return {update.name.removeprefix("new "): update.expression for update in updates}


def optimized(
    book: Book, sheet: Worksheet, at: tuple[int, int], optimizer: str, settings: dict[str, tuple[Cell, float]]
) -> Descent:
    """The descent of an optimizer, whose own state stands between the weights and what follows from them.

    What it keeps is 0 before the first update. `settings` has the cells and the values of beta, beta1 …
    """
    rate = book.start["learning_rate"].on(sheet, anchored=True)
    found = descent(book, sheet, *at, rate, book.start_values["learning_rate"], book.start)
    rule = optimizer.split()[0]
    kept = [*formulas.states(book.network, rule), *formulas.updates(book.network, rule)]
    found.moved = next_values(kept)
    found.start |= {name: "0" for name in found.moved if name not in found.start}
    found.outside |= {name: cell.on(sheet, anchored=True) for name, (cell, _) in settings.items()}
    found.values |= {name: value for name, (_, value) in settings.items()}
    return found
