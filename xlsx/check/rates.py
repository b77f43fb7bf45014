"""The learning rates that a workbook states: above a table, beside it, in a label's cell, in the sheet's name; and its
summaries, columns headed by a rate that repeat the losses of the tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from openpyxl.utils import get_column_letter

from .book import Book, formula_text
from .findings import Mistake, SummaryReport
from .grid import Place, Sheet, place
from .naming import Naming
from .table import Block, is_number
from .titles import LONGEST, rate_number, written_rate
from .verdict import Verdict

LEAST_COLUMNS, LEAST_ROWS, GAP = 2, 3, 2
TOLERANCE = 1e-6


class Statement(NamedTuple):
    """A rate that is written somewhere: its value and place (row 0: the sheet's name), and whether a text says it."""

    value: float
    row: int
    column: int
    is_text: bool = True

    @property
    def where(self) -> str:
        return place(self.row, self.column) if self.row else "the sheet's name"


def stated(book: Book, blocks: list[Block], labels: dict[Place, str]) -> dict[Block, Statement | None]:
    """For each block the rate that stands nearest above it, else beside it, else in the sheet's name."""
    found = {name: list(on_sheet(book, name, labels)) for name in book.grid.sheets}
    return {block: nearest(block, blocks, found[block.sheet.name]) or in_name(block) for block in blocks}


def on_sheet(book: Book, name: str, labels: dict[Place, str]) -> Iterator[Statement]:
    """Every statement on a sheet: texts with the number in them, and numbers with a label."""
    for (row, column), cell in book.grid.sheets[name].cells.items():
        said = written_rate(cell.value) if isinstance(cell.value, str) else None
        if said is not None:
            yield Statement(said, row, column)
    for where, label in labels.items():
        if where[0] == name and label == "learning_rate" and np.isfinite(value := book.number(where)):
            yield Statement(value, *where[1:], False)


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
    return Statement(value, 0, 0) if value is not None else None


def read_by(naming: Naming, written: Statement | None) -> Statement | None:
    """The cell that right updates read, where it stands in one list with what is written, or alone."""
    block, leaf = naming.found.reading.descent.blocks[0], naming.rate
    if leaf.operation != "cell" or leaf.parts[0][0] != block.sheet.name:
        return written
    (sheet, row, column), value = leaf.parts
    if written is not None:
        between = range(min(column, written.column), max(column, written.column) + 1)
        cells = [naming.book.value((sheet, row, at)) for at in between]
        if written.is_text or row != written.row or not all(map(is_number, cells)):
            return written
    return Statement(value, row, column, False)


def mistakes(naming: Naming, written: Statement | None, found: list[Mistake]) -> list[Mistake]:
    """The mistakes, with that of a rate which is not the one that is written."""
    astray = [each for each in found if each.is_of_the_rate]
    used, value, said = naming.found.rate, naming.found.rate_used or 0.0, abs(written.value) if written else 0.0
    if written is None:
        return found
    for each in astray:
        empty = " Type {0} into the empty cell." if each.cause == "blank rate" else ""
        each.text += (" {0} is written in {1}." + empty).format(f"{written.value:.6g}", written.where)
    if used is None or astray or abs(value - said) <= used.spread + 1e-6 * max(value, said):
        return found
    block = naming.found.reading.descent.blocks[0]
    text = f"{written.where} says the learning rate {written.value:.6g}, the numbers used {value:.6g}."
    where = written.where if written.row else block.area.split(":")[0]
    places = [(block.sheet.name, written.row, written.column)] if written.row else []
    return [*found, Mistake("learning rate", [], where, [where], text, places=places)]


Losses = dict[float, list[Verdict]]


def summaries(book: Book, judged: list[tuple[float | None, Verdict]]) -> list[SummaryReport]:
    """The reports of all summaries whose losses are those of the workbook's tables."""
    losses: Losses = {}
    for rate, verdict in judged:
        if rate and "E_total" in verdict.reading.homes:
            losses.setdefault(round(abs(rate), 9), []).append(verdict)
    found = (
        [report(book, *each, losses) for sheet in book.grid.sheets.values() for each in heads(book, sheet, losses)]
        if losses
        else []
    )
    return [each for each in found if each is not None]


def heads(book: Book, sheet: Sheet, losses: Losses) -> Iterator[tuple[Sheet, dict[float, int], list[int]]]:
    """Rows of rates, of different values and outside the tables, with numbers below each."""
    inside = {where for each in losses.values() for verdict in each for where in verdict.reading.descent.at}
    by_row: dict[int, dict[float, int]] = {}
    for row, column in sorted(sheet.cells):
        rate = rate_of(book, (sheet.name, row, column))
        if rate is not None and (sheet.name, row, column) not in inside:
            by_row.setdefault(row, {}).setdefault(rate, column)
    taken = 0
    for row, columns in by_row.items():
        known = {rate: column for rate, column in columns.items() if rate in losses}
        if len(columns) >= LEAST_COLUMNS and known and row > taken:
            rows = rows_below(book, sheet, row, list(columns.values()), inside)
            if len(rows) >= LEAST_ROWS:
                yield sheet, known, rows
                taken = rows[-1]


def rate_of(book: Book, where: Place) -> float | None:
    value = book.cell(where).value
    if isinstance(value, str):
        return written_rate(value) or title_rate(value)
    return round(float(value), 9) if is_number(value) and 0 < float(value) <= 100 else None  # type: ignore[arg-type]


def title_rate(text: str) -> float | None:
    """The rate in a title such as "0.1", "E_total (0.1)" or "Loss 0.5"."""
    if len(text) > LONGEST or re.search(r"\b(at|after)\b", text):  # "E at 1" is that of an epoch
        return None
    found = re.fullmatch(r"(?:[a-z_ ]*(?:e|loss|error)[a-z_ ]*)?[\s(@_:=-]*(\d*\.?\d+)\)?", text.strip(), re.IGNORECASE)
    return float(found[1]) if found else None


def rows_below(book: Book, sheet: Sheet, row: int, columns: list[int], inside: set[Place]) -> list[int]:
    """The rows of numbers right below a row of rates."""
    found: list[int] = []
    at = row + 1
    while at - (found[-1] if found else row) <= GAP:
        values = [book.value((sheet.name, at, column)) for column in columns]
        if sum(is_number(value) for value in values) * 2 > len(columns):
            if any((sheet.name, at, column) in inside for column in columns):
                break
            found.append(at)
        at += 1
    return found


def report(
    book: Book, sheet: Sheet, columns: dict[float, int], rows: list[int], losses: Losses
) -> SummaryReport | None:
    """The report of a summary, or None where it has nothing to do with the losses of the tables."""
    states = {
        rate: state(book, [(sheet.name, row, column) for row in rows], rate, losses) for rate, column in columns.items()
    }
    if not any(each[0] in ("right", "partly", "other") for each in states.values()):
        return None
    if 2 * sum(each[0] == "right" for each in states.values()) >= len(states):  # what stands beside right ones is meant
        states = {
            rate: ("partly", list(range(len(rows))), None) if each[0] == "unknown" else each
            for rate, each in states.items()
        }
    lines = sorted(columns.values())
    found = SummaryReport(sheet.name, f"{place(rows[0], lines[0])}:{place(rows[-1], lines[-1])}", sorted(columns))
    for rate, (kind, wrong, other) in states.items():
        if kind in ("partly", "other"):
            places = [(sheet.name, rows[at], columns[rate]) for at in wrong]
            found.mistakes.append(mistake(book, rate, places, other))
    return found


def state(book: Book, cells: list[Place], rate: float, losses: Losses) -> tuple[str, list[int], float | None]:
    """right; partly, with the rows that differ; other, where it holds another rate's losses; or unknown."""
    values, every = np.array([book.number(cell) for cell in cells]), list(range(len(cells)))
    best = matches(values, losses[rate])
    if best.all():
        return "right", [], None
    pointed = pointed_rate(book, cells[0], losses)
    if pointed is not None and pointed != rate:
        return "other", every, pointed
    for other, candidates in losses.items():
        if other != rate and matches(values, candidates).all():
            return "other", every, other
    return ("partly", np.flatnonzero(~best).tolist(), None) if best.sum() * 2 > len(best) else ("unknown", [], None)


def matches(values: np.ndarray, candidates: list[Verdict]) -> np.ndarray:
    """(rows,) whether the values are a table's losses, from its first row or its second; blanks are no difference."""
    best = np.zeros(len(values), dtype=bool)
    for verdict in candidates:
        losses = verdict.reading.homes["E_total"].values
        for start in (0, 1):
            part = losses[start : start + len(values)]
            part = np.concatenate([part, np.full(len(values) - len(part), np.nan)])
            near = np.abs(values - part) <= np.maximum(TOLERANCE * np.abs(part), coarseness(values))
            good = np.isnan(values) | near
            best = good if good.sum() > best.sum() else best
    return best


def coarseness(values: np.ndarray) -> float:
    """Half a unit of the last decimal of numbers that are rounded."""
    decimals = [len(f"{value:.15f}".rstrip("0").partition(".")[2]) for value in values if np.isfinite(value)]
    most = max(decimals, default=15)
    return 0.5 * 10.0**-most if most <= 10 else 0.0


def pointed_rate(book: Book, cell: Place, losses: Losses) -> float | None:
    """The rate of the table whose E_total a cell points to."""
    read = book.reads(cell)
    for rate, verdicts in losses.items():
        if len(read) == 1 and any(read[0] in verdict.reading.homes["E_total"].places for verdict in verdicts):
            return rate
    return None


def mistake(book: Book, rate: float, places: list[Place], other: float | None) -> Mistake:
    cells = [place(*each[1:]) for each in places]
    text = f"{cells[0]} is not the loss of the learning rate {rate:.6g} in that row ({len(cells)} such)."
    if other is not None:
        column = get_column_letter(places[0][2])
        text = f"Column {column} is headed {rate:.6g}, but it holds the losses of the learning rate {other:.6g}."
    return Mistake("summary", ["E_total"], cells[0], cells, text, formula_text(book, places[0]), places=places)
