"""What Calc and Excel show of a check: the cells to mark, the notes on them, and the rows of a report.

`python -m addin.marks FILE NAME` prints it as JSON: of a copy, FILE, of the workbook that its user calls NAME.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from openpyxl.utils import get_column_letter

from xlsx.check import report as reports
from xlsx.check.check import check
from xlsx.check.report import NOT_UNDERSTOOD, RIGHT, BlockReport, Mistake, Report
from xlsx.contract import CHECK_NOTE


class Row(NamedTuple):
    """A row of the report: a cell to go to, '' for none, and what is said."""

    sheet: str
    cell: str
    text: str


class Shown(NamedTuple):
    """`tell` says in a box why nothing can be shown, else it is ''; a mark is a sheet and a range of its cells."""

    tell: str
    marks: list[tuple[str, str]]
    notes: list[Row]
    rows: list[Row]


def shown(path: Path, name: str) -> Shown:
    """The check of a file, for whoever has it open under this name."""
    report = check(path, name)
    if report.status == NOT_UNDERSTOOD:
        return Shown(f"{name}: {report.message}", [], [], [])
    found = report.mistakes
    sheets = dict.fromkeys(mistake.places[0][0] for mistake in found if mistake.places)
    by_sheet = {sheet: [each for each in found if each.places and each.places[0][0] == sheet] for sheet in sheets}
    notes = [
        Row(sheet, cell, CHECK_NOTE + text)
        for sheet, mistakes in by_sheet.items()
        for cell, text in reports.first_cells(mistakes).items()
    ]
    return Shown("", list(dict.fromkeys(mark for mistake in found for mark in marks(mistake))), notes, [*rows(report)])


def marks(mistake: Mistake) -> Iterator[tuple[str, str]]:
    """The cells of a mistake, in ranges of neighbours in a column."""
    by_column = sorted(mistake.places, key=lambda each: (each[0], each[2], each[1]))
    counted = enumerate(by_column)
    for (sheet, column, _), run in groupby(counted, lambda each: (each[1][0], each[1][2], each[1][1] - each[0])):
        lines = [row for _, (_, row, _) in run]
        area = f"{get_column_letter(column)}{lines[0]}"
        yield sheet, area if len(lines) == 1 else f"{area}:{get_column_letter(column)}{lines[-1]}"


def lines(found: Shown) -> Iterator[tuple[str, ...]]:
    """The same as lines of texts: tell and why nothing is shown, or mark, note and row with their sheets and cells."""
    if found.tell:
        yield "tell", found.tell
    for kind, each in (("mark", found.marks), ("note", found.notes), ("row", found.rows)):
        yield from ((kind, *texts) for texts in each)


def rows(report: Report) -> Iterator[Row]:
    """The report, line by line; a mistake's goes to its first cell."""
    yield Row("", "", f"{report.file}: {reports.headline(report)}")
    yield from (Row("", "", f"note: {note}") for note in report.notes)
    for answer in report.answers:
        if answer.state != RIGHT:
            yield Row(answer.sheet, answer.cell, f"{answer.quantity}: {answer.state}")
    for block in report.blocks:
        yield from block_rows(block)
    for table in report.summaries:
        yield Row("", "", f"{table.sheet}!{table.cells}: losses by learning rate, {table.verdict}")
        yield from mistake_rows(table.mistakes, table.sheet)


def block_rows(block: BlockReport) -> Iterator[Row]:
    yield Row("", "", f"{block.sheet}!{block.cells}: {reports.about(block)}")
    if block.not_understood:
        yield Row("", "", block.not_understood)
        return
    yield from mistake_rows(block.mistakes, block.sheet)
    said = (reports.title_lines(block), reports.verdict_lines(block), reports.cost_lines(block), block.notes)
    yield from (Row("", "", line) for lines in said for line in lines)


def mistake_rows(mistakes: list[Mistake], sheet: str) -> Iterator[Row]:
    for mistake in mistakes:
        where = mistake.places[0][0] if mistake.places else sheet
        first, *others = (line.strip() for line in reports.mistake_lines(mistake))
        yield Row(where, mistake.cell, first)
        yield from (Row("", "", line) for line in others)


if __name__ == "__main__":
    print(json.dumps(shown(Path(sys.argv[1]), sys.argv[2])._asdict()))
