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

LEAST_NAMES, LEAST_COMPUTED, GAP = 5, 1, 12
COMPUTED = re.compile(r"a_[ho]\d+|[ho]\d+|E\d+|E_total|d.*/d.*")
GIVEN = re.compile(r"[tiwb]\d+|learning_rate")
GRADIENT_TITLE = re.compile(r"grad|deriv|∂|𝜕|δ|d ?e|back", re.IGNORECASE)
TEXT_NUMBER = re.compile(r"[-−]?\d+[.,]\d+(?:e-?\d+)?", re.IGNORECASE)
NEW_TITLE = re.compile(r"new|updat|next|after", re.IGNORECASE)
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

    def position(self, name: str, step: int) -> Position:
        line, at = self.lines[name], self.steps[step]
        return (line, at) if self.across else (at, line)

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
        below = [other for other, others in headers[at + 1 :] if other > row and overlap(columns, others)]
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


def text_rows(sheet: Sheet) -> dict[int, dict[int, str]]:
    """The texts of a sheet by row and column; a merged title stands in all columns that it covers."""
    rows: dict[int, dict[int, str]] = {}
    for (row, column), cell in sheet.cells.items():
        if isinstance(cell.value, str) and cell.formula is None:
            rows.setdefault(row, {})[column] = cell.value
    for top, left, bottom, right in sheet.merged:
        text = rows.get(top, {}).get(left)
        if text and right - left < 50 and bottom - top < 3:
            for row in range(top, bottom + 1):
                for column in range(left, right + 1):
                    rows.setdefault(row, {}).setdefault(column, text)
    return rows


def header_groups(sheet: Sheet, texts: dict[int, dict[int, str]]) -> list[tuple[int, dict[str, int]]]:
    """The header rows, each with one group of columns by quantity; blocks side by side are several groups."""
    found, taken = [], 0
    for row in sorted(texts):
        if row <= taken:
            continue
        named = names_of(texts, row)
        if not is_header(named.values()):
            continue
        under = names_of(texts, row + 1)
        if len(under) >= 2 and not numbers_in(sheet, row + 1, under):  # a header in two rows
            named, row = named | under, row + 1
        taken = row
        found += [(row, group) for group in split(with_targets(sheet, row, named))]
    return found


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


def with_targets(sheet: Sheet, row: int, named: dict[int, str]) -> dict[int, str]:
    """Where no title says t1: "out1" or "output 1", typed in as one number for all rows beside o1, is the target."""
    units = [name for name in named.values() if re.fullmatch(r"(?:a_)?o\d", name)]
    return {
        column: f"t{name[-1]}"
        if name in units
        and f"t{name[-1]}" not in named.values()
        and sum(other[-1] == name[-1] for other in units) > 1
        and typed_once(sheet, row + 1, column)
        else name
        for column, name in named.items()
    }


def typed_once(sheet: Sheet, row: int, column: int) -> bool:
    """Whether a column has the same typed number in each row, down to the first cell without one; two at least."""
    cells, at = [sheet.at(row, column)], row + 1
    while cells[-1].formula is None and is_number(cells[-1].value):
        cells.append(sheet.at(at, column))
        at += 1
    return len(cells) > 2 and len({cell.value for cell in cells[:-1]}) == 1 and cells[-1].formula is None


def is_header(names: object) -> bool:
    distinct = set(names) - {"epoch"}
    return len(distinct) >= LEAST_NAMES and sum(bool(COMPUTED.fullmatch(name)) for name in distinct) >= LEAST_COMPUTED


def numbers_in(sheet: Sheet, row: int, columns: dict[int, str]) -> bool:
    return any(not isinstance(sheet.at(row, column).value, str) for column in columns)


def names_of(texts: dict[int, dict[int, str]], row: int) -> dict[int, str]:
    """The quantities that the titles of a row name; a title above helps where one alone says too little."""
    above, named = texts.get(row - 1, {}), {}
    for column, text in sorted(texts.get(row, {}).items()):
        over = above.get(column, "")
        name = quantity(text) or (quantity(over + text) if over and quantity(over) != "learning_rate" else None)
        if name:
            named[column] = under_title(name, over)
    return without_double_indices(named)


def without_double_indices(named: dict[int, str]) -> dict[int, str]:
    """w11, w12, w21 … without a w1 tell no order; what each is shows where the formulas use it."""
    double = re.compile(r"(?:new |change |dE/d)?w\d\d")
    if "w1" in named.values() or not any(double.fullmatch(name) for name in named.values()):
        return named
    return {column: name for column, name in named.items() if not double.fullmatch(name)}


def under_title(name: str, over: str) -> str:
    """w1 under a title such as "Gradients" is dE/dw1; under "New weights" it is the new w1."""
    if re.fullmatch(r"w\d+", name) and over and quantity(over) is None and len(over) < 60:
        if NEW_TITLE.search(over):
            return f"new {name}"
        if GRADIENT_TITLE.search(over) and not re.search("weight|initial", over, re.IGNORECASE):
            return f"dE/d{name}"
    return name


def split(named: dict[int, str]) -> list[dict[str, int]]:
    """Groups of columns by quantity. A name that comes again starts a new group, if enough of the old come with it;
    the new group begins where its titles stand together."""
    groups: list[dict[str, int]] = [{}]
    for piece in pieces(named):
        taken = {name for _, name in piece} & set(groups[-1])
        if taken and (is_header(name for _, name in piece) or not is_header(groups[-1])):
            groups.append({})
        for at, (column, name) in enumerate(piece):
            if name not in groups[-1]:
                groups[-1][name] = column
            elif is_header(other for _, other in piece[at:]):
                groups.append({name: column})  # blocks side by side without a column between
    whole = [with_new_weights(group, named) for group in groups]
    return [renamed_changes(group) for group in whole if is_header(group)]


def pieces(named: dict[int, str]) -> list[list[tuple[int, str]]]:
    """The titles that stand together, without a column between them."""
    found: list[list[tuple[int, str]]] = []
    for column in sorted(named):
        if not found or column > found[-1][-1][0] + 1:
            found.append([])
        found[-1].append((column, named[column]))
    return found


def with_new_weights(group: dict[str, int], named: dict[int, str]) -> dict[str, int]:
    """A second set of plain weight titles to the right, at the end of a row, are the weights after the update."""
    again = {name: column for column, name in named.items() if re.fullmatch(r"w\d+", name)}
    end = max(group.values(), default=0)
    if again and all(column > end for column in again.values()) and set(again) <= set(group):
        names = [name for column, name in named.items() if column > end]
        if all(name in again for name in names):
            return group | {f"new {name}": column for name, column in again.items()}
    return group


def renamed_changes(group: dict[str, int]) -> dict[str, int]:
    """Where no column says dE/dw, those that say Δw are meant so."""
    if any(name.startswith("dE/dw") for name in group):
        return group
    return {re.sub(r"^change (w\d+)$", r"dE/d\1", name): column for name, column in group.items()}


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return min(one.values()) <= max(other.values()) and min(other.values()) <= max(one.values())


def runs(sheet: Sheet, columns: dict[str, int], start: int, end: int) -> list[list[int]]:
    """The rows of each block under a header. A row that goes on from the last one belongs to its block."""
    found: list[list[int]] = []
    open_run, last_seen = False, start
    for row in range(start, end + 1):
        if not is_data(sheet, columns, row):
            open_run = False
            if row - last_seen > GAP:
                break
            continue
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
    return len(filled) >= max(2, len(cells) * 0.4)


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


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
