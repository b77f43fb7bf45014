"""Finds the tables of a sheet by their titles: blocks of one row per update, wherever they stand.

A block is one descent: its columns by quantity, and its rows. A header may serve several blocks below it, several
blocks may stand side by side, and a header may be split over two rows. Where a workbook has no such table, quantities
listed down the rows with the updates across are looked for the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .grid import Cell, Error, Grid, Position, Sheet, place
from .headers import is_rate_label, quantity, written_rate
from .titles import header_groups, is_number, text_rows

GAP = 12
GIVEN = re.compile(r"[tiwb]\d+|learning_rate")
TEXT_NUMBER = re.compile(r"[-−]?\d+[.,]\d+(?:e-?\d+)?", re.IGNORECASE)
OPTIMIZER_STATE = re.compile(r"(m|v|vel|velocity|momentum)([_ ]?hat)?[_ ]?d?w_?\d+", re.IGNORECASE)


@dataclass
class Block:
    """One descent. `lines` are the columns (rows, where `across`) by quantity, `steps` its rows (columns)."""

    sheet: Sheet
    lines: dict[str, int]
    header: int
    steps: list[int]
    across: bool = False
    titles: dict[str, str] = field(default_factory=dict)
    other_rule: bool = False

    def at(self, line: int, row: int) -> Position:
        return (line, row) if self.across else (row, line)

    def position(self, name: str, step: int) -> Position:
        return self.at(self.lines[name], self.steps[step])

    def cell(self, name: str, step: int) -> Cell:
        return self.sheet.at(*self.position(name, step))

    def place(self, name: str, step: int) -> str:
        return place(*self.position(name, step))

    @property
    def area(self) -> str:
        """The cells from the first column's first row to the last column's last row."""
        lines = sorted(self.lines.values())
        corners = [(self.steps[0], lines[0]), (self.steps[-1], lines[-1])]
        return ":".join(place(*(corner[::-1] if self.across else corner)) for corner in corners)


@dataclass
class Found:
    """The blocks of a workbook, what each of their cells holds, and the cells that a label beside them names."""

    blocks: list[Block]
    roles: dict[tuple[str, int, int], tuple[int, str, int]] = field(default_factory=dict)
    labels: dict[tuple[str, int, int], str] = field(default_factory=dict)


def find(grid: Grid) -> Found:
    """All blocks, in reading order."""
    blocks = [block for sheet in grid.sheets.values() for block in sheet_blocks(sheet, across=False)]
    if not blocks:
        blocks = [block for sheet in grid.sheets.values() for block in sheet_blocks(turned(sheet), across=True)]
        for block in blocks:
            block.sheet = grid.sheets[block.sheet.name]
    found = Found(blocks)
    for number, block in enumerate(blocks):
        for name in block.lines:
            for step in range(len(block.steps)):
                found.roles[(block.sheet.name, *block.position(name, step))] = (number, name, step)
    for sheet in grid.sheets.values():
        label_cells(sheet, found)
    return found


def turned(sheet: Sheet) -> Sheet:
    """The sheet with rows for columns."""
    cells = {(column, row): cell for (row, column), cell in sheet.cells.items()}
    return Sheet(sheet.name, cells=cells, merged=[(b, a, d, c) for a, b, c, d in sheet.merged])


def sheet_blocks(sheet: Sheet, across: bool) -> list[Block]:
    texts = text_rows(sheet)
    headers = header_groups(sheet, texts)
    last = max((row for row, _ in sheet.cells), default=0)
    blocks = []
    for at, (row, columns) in enumerate(headers):
        below = [other for other, others in headers[at + 1 :] if other > row and over(columns, others, texts[other])]
        end = (below[0] if below else last + 1) - 1
        for steps in runs(sheet, columns, row + 1, end):
            before = next((each for each in reversed(blocks) if each.lines == columns), None)
            if before and before.header != row and goes_on(sheet, columns, steps[0], before.steps[-1]):
                before.steps += steps  # the header is repeated within one descent
                continue
            titles = {name: str(sheet.at(row, line).value or "") for name, line in columns.items()}
            other = other_rule(texts[row], columns)
            blocks.append(Block(sheet, columns, row, steps, across, titles, other))
    return blocks


def other_rule(texts: dict[int, str], lines: dict[str, int]) -> bool:
    """Whether one of the columns stands in a stretch of titles with an optimizer's state, such as v_w1 of momentum.

    Its updates are right by another rule than plain gradient descent's, the only one that is judged.
    """
    stretches: list[set[int]] = []
    for column in sorted(texts):
        if column - 1 not in texts:
            stretches.append(set())
        stretches[-1].add(column)
    touched = set().union(*(stretch for stretch in stretches if stretch & set(lines.values())))
    return any(OPTIMIZER_STATE.fullmatch(texts[column].strip()) for column in touched)


def numbers_as_texts(grid: Grid) -> str | None:
    """The first cell of a table whose numbers are texts, as "0,15" is where the decimal sign is a point."""
    for sheet in grid.sheets.values():
        for row, columns in header_groups(sheet, text_rows(sheet)):
            values = [sheet.at(row + 1, column).value for column in columns.values()]
            texts = [value for value in values if isinstance(value, str) and TEXT_NUMBER.fullmatch(value.strip())]
            if 2 * len(texts) > len(values):
                line = next(column for column in columns.values() if sheet.at(row + 1, column).value == texts[0])
                return f'{sheet.name}!{place(row + 1, line)} holds the text "{texts[0]}"'
    return None


def over(one: dict[str, int], other: dict[str, int], titles: dict[int, str]) -> bool:
    """Whether a header below has titles, known or not, in the columns of one above it."""
    beside = max(one.values()) < min(other.values()) or max(other.values()) < min(one.values())
    return not beside or any(column in titles for column in one.values())


def runs(sheet: Sheet, columns: dict[str, int], start: int, end: int) -> list[list[int]]:
    """The rows of each block under a header. A row that goes on from the last one belongs to its block."""
    found: list[list[int]] = []
    open_run, last_seen, other_titles = False, start, False
    for row in range(start, end + 1):
        if not is_data(sheet, columns, row):
            open_run = False
            other_titles |= bool(found) and is_titles(sheet, columns, row)
            if row - last_seen > GAP:
                break
            continue
        if other_titles and not goes_on(sheet, columns, row, found[-1][-1]):
            break
        last_seen = row
        if found and (
            goes_on(sheet, columns, row, found[-1][-1]) or (open_run and not restarts(sheet, columns, row, found[-1]))
        ):
            found[-1].append(row)
        else:
            found.append([row])
        open_run = True
    return found


def is_data(sheet: Sheet, columns: dict[str, int], row: int) -> bool:
    """Whether most of the row's cells are numbers, error values or formulas."""
    cells = [sheet.at(row, column) for name, column in columns.items() if name != "epoch"]
    filled = [cell for cell in cells if cell.formula is not None or is_number(cell.value) or is_error(cell.value)]
    return len(filled) >= max(min(2, len(cells)), len(cells) * 0.4)


def is_titles(sheet: Sheet, columns: dict[str, int], row: int) -> bool:
    """Whether texts, and no numbers, stand in most of the columns: the titles of another table, known or not."""
    cells = [sheet.at(row, column) for column in columns.values()]
    texts = [cell for cell in cells if isinstance(cell.value, str) and cell.formula is None]
    return len(texts) >= 2 and 2 * len(texts) > sum(cell.value is not None for cell in cells)


def is_error(value: object) -> bool:
    return isinstance(value, Error)


def weights(columns: dict[str, int]) -> list[int]:
    return [column for name, column in columns.items() if name[0] == "w" and name[1:].isdigit()]


def goes_on(sheet: Sheet, columns: dict[str, int], row: int, before: int) -> bool:
    """Whether the row's weights are computed from the row before, though something stands between."""
    texts = [sheet.at(row, column).formula for column in weights(columns)]
    found = [text for text in texts if text and re.search(rf"(?<![\d]){before}(?!\d)", text)]
    shared = [sheet.at(row, column) for column in weights(columns)]
    return len(found) * 2 > len(texts) or (
        row == before + 1 and any(cell.formula and cell.shift[0] > 0 for cell in shared)
    )


def restarts(sheet: Sheet, columns: dict[str, int], row: int, run: list[int]) -> bool:
    """Whether the row has the start's weights again, as plain numbers, after rows in which they had changed."""

    def state(at: int) -> list:
        return [sheet.at(at, column).value for column in weights(columns)]

    plain = all(sheet.at(row, column).formula is None for column in weights(columns))
    return plain and len(run) > 1 and bool(weights(columns)) and state(row) == state(run[0]) != state(run[-1])


def label_cells(sheet: Sheet, found: Found) -> None:
    """Numbers outside the blocks that a label to the left or above names: inputs, targets, weights, learning rates."""
    headers = {block.header for block in found.blocks if block.sheet is sheet and not block.across}
    for (row, column), cell in list(sheet.cells.items()):
        if not isinstance(cell.value, str) or cell.formula is not None or len(cell.value) > 60:
            continue
        if row in headers and re.fullmatch(r"w\d\d", quantity(cell.value) or ""):
            continue  # a title of two indices
        name = "learning_rate" if is_rate_label(cell.value) else quantity(cell.value)
        if not name or not GIVEN.fullmatch(name) or (name == "learning_rate" and written_rate(cell.value) is not None):
            continue
        where = labelled(sheet, row, column)
        if where and (sheet.name, *where) not in found.roles:
            found.labels.setdefault((sheet.name, *where), name)


def labelled(sheet: Sheet, row: int, column: int) -> Position | None:
    """The number that a label stands for: beside it, past blanks and "=" signs, or right below it."""
    span = next((area for area in sheet.merged if area[0] <= row <= area[2] and area[1] <= column <= area[3]), None)
    right = span[3] if span else column
    for away in range(right + 1, right + 4):
        value = sheet.at(row, away).value
        if is_number(value):
            return row, away
        if value is not None and str(value).strip() not in ("=", ":", ""):
            break
    below = (span[2] if span else row) + 1
    return (below, column) if is_number(sheet.at(below, column).value) else None
