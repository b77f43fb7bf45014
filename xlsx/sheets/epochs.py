"""A block of native rows, a row per epoch: the weights, what follows from them, and the update that gives the next row.

Row n is the state before update n + 1, so epoch 0 is the start. An overflow (#NUM!) becomes #N/A, which charts leave
out and which no later row can take for a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from xlsx import chains, expressions, formulas
from xlsx.expressions import Expression
from xlsx.formulas import Quantity
from xlsx.sheets.cells import Book, stored


@dataclass
class Block:
    """Where a block stands (the row of epoch 0 and its first column), and the columns it has.

    `given` are copied from Network, `start` says what a column that is moved holds in the first row, `state` follows
    from both, `moved` gives the next row; `rate` is the cell of the learning rate. `native` has the formulas that are
    not those of the expressions.
    """

    book: Book
    sheet: Worksheet
    row: int
    column: int
    rate: str
    given: tuple[str, ...]
    start: dict[str, str]
    state: dict[str, Expression]
    moved: dict[str, Expression]
    native: dict[str, Callable[[Callable[[str], str]], str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [*self.given, *self.start, *self.state]

    @property
    def width(self) -> int:
        return len(self.names)

    def column_of(self, name: str) -> int:
        return self.column + self.names.index(name)

    def area(self, name: str, epochs: int) -> str:
        """A column of the block as an anchored range, without its sheet."""
        letter = xl_col_to_name(self.column_of(name))
        return f"${letter}${self.row + 1}:${letter}${self.row + epochs + 1}"

    def formulas(self) -> tuple[dict[str, str], dict[str, str]]:
        """The formulas of the first row and of the later ones, with {row} and {before} for the row numbers."""
        letters = {name: xl_col_to_name(column) for column, name in enumerate(self.names, self.column)}

        def cell(name: str, row: str) -> str:
            if name == "learning_rate":
                return self.rate
            known = letters.get(name)
            return f"{known}{{{row}}}" if known else self.book.reference(name, self.sheet, anchored=True)

        def before(name: str) -> str:
            return cell(name.removeprefix("new "), "row") if name.startswith("new ") else cell(name, "before")

        given = {name: self.book.reference(name, self.sheet, anchored=True) for name in self.given}
        state = {name: expressions.native(each, lambda name: cell(name, "row")) for name, each in self.state.items()}
        state |= {name: write(lambda name: cell(name, "row")) for name, write in self.native.items()}
        moved = {name: expressions.native(each, before) for name, each in self.moved.items()}
        return guarded(given | self.start | state), guarded(given | self.start | state | moved)

    def write(self, start: dict[str, float], epochs: int) -> list[dict[str, float]]:
        """The rows of epochs 0 to `epochs`. Gives their values."""
        first, later = self.formulas()
        rows = self.values(start, epochs)
        for at, known in enumerate(rows):
            row, texts = self.row + at, later if at else first
            for column, name in enumerate(self.names, self.column):
                text = texts[name].format(row=row + 1, before=row)
                self.sheet.write_formula(row, column, text, self.book.looks["short"], stored(known[name]))
        return rows

    def values(self, start: dict[str, float], epochs: int) -> list[dict[str, float]]:
        """What the rows hold. What an optimizer keeps starts at 0."""
        return list(chains.history(self.state, self.moved, dict.fromkeys(self.start, 0.0) | start, epochs))

    def header(self, row: int) -> None:
        self.sheet.set_column(self.column, self.column + self.width - 1, 9, self.book.looks["plain"])
        for column, name in enumerate(self.names, self.column):
            self.sheet.write_string(row, column, name, self.book.looks["header_right"])


def guarded(texts: dict[str, str]) -> dict[str, str]:
    return {name: f"=IFERROR({text},NA())" for name, text in texts.items()}


def descent(book: Book, sheet: Worksheet, row: int, column: int, rate: str) -> Block:
    """A block of plain gradient descent: the exercise's columns t i w units E dE/dw, and what dE/dw is made of."""
    network = book.network
    given = chains.given_names(network, 1) if book.samples == 1 else ()
    start = {w: book.reference(f"start {w}", sheet, anchored=True) for w in network.weight_names}
    state, moved = chains.state(network, book.samples), next_values(formulas.updates(network))
    return Block(book, sheet, row, column, rate, given, start, state, moved)


def next_values(updates: list[Quantity]) -> dict[str, Expression]:
    """What each quantity that an update moves becomes: "new w1" says it of w1."""
    return {update.name.removeprefix("new "): update.expression for update in updates}


def optimized(book: Book, sheet: Worksheet, at: tuple[int, int], rate: str, optimizer: str) -> Block:
    """A block of an optimizer, whose own state stands between the weights and what follows from them.

    What it keeps is 0 before the first update. Its settings are names (beta, beta1 …) that have their cells already.
    """
    block, rule = descent(book, sheet, *at, rate), optimizer.split()[0]
    kept = [*formulas.states(book.network, rule), *formulas.updates(book.network, rule)]
    block.moved = next_values(kept)
    block.start |= {name: "0" for name in block.moved if name not in block.start}
    return block


def start_values(book: Book, rate: float) -> dict[str, float]:
    """What the first row reads: the numbers of Network (and of Batch), the rate."""
    given = {name: book.values[name] for name in chains.given_names(book.network, book.samples)}
    weights = {w: book.values[f"start {w}"] for w in book.network.weight_names}
    return given | weights | {"learning_rate": rate}
