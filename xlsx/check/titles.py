"""The header rows of a sheet: which column holds which quantity, by its title and by those around it."""

from __future__ import annotations

import re
from collections.abc import Container

from .grid import Sheet
from .headers import quantity
from .names import STARTED, WEIGHT, highest

LOSS = re.compile(r"E\d|E_total")
LEAST_NAMES, LEAST_COMPUTED, LEAST_WEIGHTS, LEAST_SMALL = 5, 1, 4, 2
COMPUTED = re.compile(r"a_[ho]\d+|[ho]\d+|E\d+|E_total|d.*/d.*|new [wb]\d+")
GRADIENT_TITLE = re.compile(r"grad|deriv|∂|𝜕|δ|d ?e|back", re.IGNORECASE)
NEW_TITLE = re.compile(r"new|updat|next|after", re.IGNORECASE)


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
        if not is_table(sheet, row, by_name(named)):
            continue
        under = names_of(texts, row + 1)
        if len(under) >= 2 and not numbers_in(sheet, row + 1, under):  # a header in two rows
            named, row = named | under, row + 1
        taken = row
        groups = split(with_targets(sheet, row, named), texts[row])
        found += [(row, group) for group in tables_of(sheet, row, groups)]
    return found


def tables_of(sheet: Sheet, row: int, groups: list[dict[str, int]]) -> list[dict[str, int]]:
    """The groups of columns that are tables: of computed quantities, or of weights that none of those has taken."""
    whole = [group for group in groups if is_header(group)]
    taken = {column for group in whole for column in group.values()}
    others = [group for group in groups if group not in whole and taken.isdisjoint(group.values())]
    return whole + [group for group in others if is_table(sheet, row, group)]


def is_table(sheet: Sheet, row: int, group: dict[str, int]) -> bool:
    return is_header(group) or is_state(sheet, row, group) or is_small(sheet, row, group)


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


def is_state(sheet: Sheet, row: int, group: dict[str, int]) -> bool:
    """Whether a header is of weights, inputs and targets alone, with updates or numbers in its second row."""
    given = all(STARTED.fullmatch(name) or name in ("epoch", "learning_rate") for name in group)
    weights = [sheet.at(row + 2, column) for name, column in group.items() if WEIGHT.fullmatch(name)]
    if weights or not given:
        updates = any(cell.formula is not None for cell in weights)
        filled = all(cell.formula is not None or is_number(cell.value) for cell in weights)
        return given and updates and filled and len(weights) >= LEAST_WEIGHTS
    rows = [[sheet.at(row + below, group[name]).value for name in group if name != "epoch"] for below in (1, 2)]
    return len(rows[0]) >= LEAST_SMALL and all(map(is_number, rows[0] + rows[1]))


def by_name(named: dict[int, str]) -> dict[str, int]:
    return {name: column for column, name in named.items()}


def is_small(sheet: Sheet, row: int, group: dict[str, int]) -> bool:
    """Whether a header is that of a few quantities computed or pasted in two rows, such as E1 E2 E_total."""
    lines = {name: column for name, column in group.items() if name != "epoch"}
    cells = [[sheet.at(row + below, column) for below in (1, 2)] for column in lines.values()]
    made = [all(cell.formula is not None for cell in column) for column in cells]
    filled = all(cell.formula is not None or is_number(cell.value) for column in cells for cell in column)
    least = 1 if all(LOSS.fullmatch(name) for name in lines) else LEAST_SMALL
    return all(map(COMPUTED.fullmatch, lines)) and any(made) and filled and least <= len(lines) < LEAST_NAMES


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
    counted = {name[:-1] for name in named.values() if name.endswith("w1")}
    double = re.compile(r"((?:new |change |dE/d)?w)\d\d")

    def stays(name: str) -> bool:
        found = double.fullmatch(name)
        return not found or found[1] in counted

    return {column: name for column, name in named.items() if stays(name)}


def under_title(name: str, over: str) -> str:
    """w1 under a title such as "Gradients" is dE/dw1; under "New weights" it is the new w1."""
    if WEIGHT.fullmatch(name) and over and quantity(over) is None and len(over) < 60:
        if NEW_TITLE.search(over):
            return f"new {name}"
        if GRADIENT_TITLE.search(over) and not re.search("weight|initial", over, re.IGNORECASE):
            return f"dE/d{name}"
    return name


def split(named: dict[int, str], titled: Container[int]) -> list[dict[str, int]]:
    """Groups of columns by quantity. A name that comes again starts a new group, if enough of the old come with it;
    the new group begins where its titles stand together."""
    groups: list[dict[str, int]] = [{}]
    for piece in pieces(named, titled):
        taken = {name for _, name in piece} & set(groups[-1])
        again = taken and piece[0][1] == min(groups[-1], key=groups[-1].get)
        if again or (taken and (is_header(name for _, name in piece) or not is_header(groups[-1]))):
            groups.append({})
        for at, (column, name) in enumerate(piece):
            if name not in groups[-1]:
                groups[-1][name] = column
            elif is_header(rest := [other for _, other in piece[at:]]) and 2 * len(set(rest) & set(groups[-1])) >= len(
                rest
            ):
                groups.append({name: column})  # blocks side by side without a column between
    whole = [with_numbered_biases(with_new_weights(group, named)) for group in groups]
    return [renamed_changes(group) for group in whole]


def pieces(named: dict[int, str], titled: Container[int]) -> list[list[tuple[int, str]]]:
    """The titles that stand together, without a column between them that has none."""
    found: list[list[tuple[int, str]]] = []
    for column in sorted(named):
        if not found or any(between not in titled for between in range(found[-1][-1][0] + 1, column)):
            found.append([])
        found[-1].append((column, named[column]))
    return found


def with_new_weights(group: dict[str, int], named: dict[int, str]) -> dict[str, int]:
    """A second set of plain weight titles to the right, at the end of a row, are the weights after the update."""
    again = {name: column for column, name in named.items() if WEIGHT.fullmatch(name)}
    end = max(group.values(), default=0)
    if again and all(column > end for column in again.values()) and set(again) <= set(group):
        names = [name for column, name in named.items() if column > end]
        if all(name in again for name in names):
            return group | {f"new {name}": column for name, column in again.items()}
    return group


def with_numbered_biases(group: dict[str, int]) -> dict[str, int]:
    """The biases of hidden and output units (b_h1, b_o1) numbered through, as the exercise does: b1, b2, b3 …"""
    hidden = max(highest("a?_?h", group.keys()), highest("b_h", group.keys()))

    def number(found: re.Match) -> str:
        return f"b{int(found[2]) + (hidden if found[1] == 'o' else 0)}"

    return {re.sub(r"\bb_([ho])(\d+)$", number, name): column for name, column in group.items()}


def renamed_changes(group: dict[str, int]) -> dict[str, int]:
    """Where no column says dE/dw, those that say Δw are meant so."""
    if any(name.startswith("dE/dw") for name in group):
        return group
    return {re.sub(r"^change ([wb]\d+)$", r"dE/d\1", name): column for name, column in group.items()}


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
