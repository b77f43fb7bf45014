"""The columns of a table, and beside it, that no title names."""

from __future__ import annotations

from typing import NamedTuple

from .model import Model, Place
from .tables import Block
from .titles import is_number

GAP = 2


class Helper(NamedTuple):
    """A column without a name (a row, where a block runs across): its sheet, and how far below the block it starts."""

    sheet: str
    line: int
    shift: int = 0


def unnamed(model: Model, block: Block) -> dict[int, str]:
    """{column: title} of those beside and between the block's own that hold a formula and a title without a name."""
    lines, taken = sorted(block.lines.values()), set(block.lines.values())
    found = {}
    for line in range(lines[0] - GAP, lines[-1] + 30):
        if line in taken:
            continue
        title, where = (block.sheet.at(*block.at(line, at)) for at in (block.header, block.steps[0]))
        if line > lines[-1] and title.value is None:
            break
        role = model.found.roles.get((block.sheet.name, *block.at(line, block.steps[0])))
        if isinstance(title.value, str) and where.formula is not None and role is None:
            found[line] = title.value
    return found


def place_of(block: Block, helper: Helper, step: int) -> Place:
    return (helper.sheet, *block.at(helper.line, block.steps[step] + helper.shift))


def is_filled(model: Model, place: Place) -> bool:
    return model.cell(place).formula is not None or is_number(model.cell(place).value)


def title_of(model: Model, block: Block, helper: Helper) -> str:
    sheet, row, column = (helper.sheet, *block.at(helper.line, block.header + helper.shift))
    title = model.cell((sheet, row, column)).value
    return title if isinstance(title, str) else ""
