"""The learning rates that a workbook states: above a table, beside it, in a label's cell, in the sheet's name."""

from __future__ import annotations

import re
from typing import NamedTuple

from .grid import place
from .headers import rate_number, written_rate
from .model import Model
from .tables import Block
from .titles import is_number


class Statement(NamedTuple):
    """A rate, where it stands (row, column; 0 for the sheet's name) and how it reads."""

    value: float
    row: int
    column: int
    text: str
    is_text: bool = True

    @property
    def where(self) -> str:
        return place(self.row, self.column) if self.row else "the sheet's name"


def written_rates(model: Model) -> list[Statement | None]:
    """For each block the rate that stands nearest above it, else beside it, else in the sheet's name."""
    statements = {name: on_sheet(model, name) for name in model.grid.sheets}
    blocks = model.found.blocks
    return [nearest(block, blocks, statements[block.sheet.name]) or in_name(block) for block in blocks]


def on_sheet(model: Model, name: str) -> list[Statement]:
    """Every statement on a sheet: texts with the number in them, and numbers with a label."""
    sheet, found = model.grid.sheets[name], []
    for (row, column), cell in sheet.cells.items():
        if isinstance(cell.value, str):
            value = written_rate(cell.value)
            if value is not None:
                found.append(Statement(value, row, column, cell.value.strip()))
    for (owner, row, column), label in model.found.labels.items():
        if owner == name and label == "learning_rate":
            value = model.value((owner, row, column))
            if is_number(value):
                found.append(Statement(float(value), row, column, f"{value:.10g}", False))
    return found


def nearest(block: Block, blocks: list[Block], statements: list[Statement]) -> Statement | None:
    """The last statement above the block and below whatever stands over it; else one beside it."""
    if block.across:
        return statements[0] if len({each.value for each in statements}) == 1 else None
    left, right = min(block.lines.values()), max(block.lines.values())
    above = max((other.steps[-1] for other in blocks if over(other, block)), default=0)
    near = [each for each in statements if above < each.row < block.steps[0] and away(each, left, right) <= 3]
    if near:
        texts = [each for each in near if each.is_text and each.row >= block.header - 3]
        if len({each.value for each in texts}) == 1:
            return texts[-1]
        numbers = [each for each in near if not each.is_text]
        return max(numbers or near, key=lambda each: (-away(each, left, right), each.row))
    beside = [
        each for each in statements if block.header <= each.row <= block.steps[-1] and 0 < away(each, left, right) <= 6
    ]
    if beside:
        return min(beside, key=lambda each: away(each, left, right))
    alone = len([other for other in blocks if other.sheet is block.sheet]) == 1
    return statements[0] if alone and len({each.value for each in statements}) == 1 else None


def over(other: Block, block: Block) -> bool:
    """Whether a block stands above another, in some of its columns."""
    if other.sheet is not block.sheet or other.steps[-1] >= block.steps[0]:
        return False
    mine, theirs = block.lines.values(), other.lines.values()
    return min(mine) <= max(theirs) and min(theirs) <= max(mine)


def away(statement: Statement, left: int, right: int) -> int:
    """How many columns a statement lies outside a block."""
    return max(left - statement.column, statement.column - right, 0)


def in_name(block: Block) -> Statement | None:
    name = block.sheet.name.strip()
    value = None if re.search(r"(?<![\d.])0\d", name) else written_rate(name)  # "LR 01" may mean 0.1
    if value is None and name.replace(".", "", 1).isdigit() and "." in name:
        value = rate_number(name)
    return Statement(value, 0, 0, name) if value is not None else None
