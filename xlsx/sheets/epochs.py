"""A descent as native rows, one per epoch: the weights, what follows, and the update that gives the next row.

Row n is the state before update n + 1, so epoch 0 is the start. An overflow (#NUM!) becomes #N/A, which charts leave
out and which no later row can take for a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from xlsx import chains, expressions
from xlsx.expressions import Expression, stored


@dataclass
class Descent:
    """Where it stands (the row of epoch 0 and the first column), and the columns it has.

    `given` are copied from Network, `start` says what a column that is moved holds in the first row, `state` follows
    from both, `moved` gives the next row; `outside` has the cells of what no column holds, such as the learning rate.
    `native` has the formulas that are not those of the expressions, `values` what the first row reads.
    """

    sheet: Worksheet
    row: int
    column: int
    epochs: int
    given: dict[str, str]
    start: dict[str, str]
    outside: dict[str, str]
    state: dict[str, Expression]
    moved: dict[str, Expression]
    values: dict[str, float]
    native: dict[str, Callable[[Callable[[str], str]], str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [*self.given, *self.start, *self.state]

    @property
    def width(self) -> int:
        return len(self.names)

    @property
    def last_row(self) -> int:
        return self.row + self.epochs

    def column_of(self, name: str) -> int:
        return self.column + self.names.index(name)

    def area(self, name: str) -> str:
        """A column as an anchored range, without its sheet."""
        letter = xl_col_to_name(self.column_of(name))
        return f"${letter}${self.row + 1}:${letter}${self.last_row + 1}"

    @cached_property
    def rows(self) -> list[dict[str, float]]:
        """What the rows of all epochs hold. What an optimizer keeps starts at 0."""
        start = dict.fromkeys(self.start, 0.0) | self.values
        return list(chains.history(self.state, self.moved, start, self.epochs))

    def formulas(self) -> tuple[dict[str, str], dict[str, str]]:
        """The formulas of the first row and of the later ones, with {row} and {before} for the row numbers."""
        letters = {name: xl_col_to_name(column) for column, name in enumerate(self.names, self.column)}

        def cell(name: str, row: str) -> str:
            return f"{letters[name]}{{{row}}}" if name in letters else self.outside[name]

        def before(name: str) -> str:
            return cell(name.removeprefix("new "), "row") if name.startswith("new ") else cell(name, "before")

        state = {name: expressions.native(each, lambda name: cell(name, "row")) for name, each in self.state.items()}
        state |= {name: write(lambda name: cell(name, "row")) for name, write in self.native.items()}
        moved = {name: expressions.native(each, before) for name, each in self.moved.items()}
        return guarded(self.given | self.start | state), guarded(self.given | self.start | state | moved)

    def write(self, looks: dict[str, Format], header: int) -> None:
        """The names in the row `header`, and the rows of all epochs."""
        self.sheet.set_column(self.column, self.column + self.width - 1, 9, looks["plain"])
        for column, name in enumerate(self.names, self.column):
            self.sheet.write_string(header, column, name, looks["header_right"])
        first, later = self.formulas()
        for at, known in enumerate(self.rows):
            row, texts = self.row + at, later if at else first
            for column, name in enumerate(self.names, self.column):
                text = texts[name].format(row=row + 1, before=row)
                self.sheet.write_formula(row, column, text, looks["short"], stored(known[name]))


def guarded(texts: dict[str, str]) -> dict[str, str]:
    return {name: f"=IFERROR({text},NA())" for name, text in texts.items()}
