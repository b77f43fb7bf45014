"""Losses for a logarithmic chart: without those at or near 0, for one 0 empties the whole chart in Calc."""

from __future__ import annotations

import math

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx.expressions import stored
from xlsx.sheets.book import Book
from xlsx.sheets.cells import loss_rules

SMALLEST = 1e-12  # the least loss that is drawn


def write(
    book: Book, sheet: Worksheet, header: int, source: int, at: int, losses: dict[str | float, list[float]]
) -> None:
    """Copies of the loss columns from `source` on, whose titles stand in the row `header`, from the column `at` on.

    `losses` has the title and the values of each column.
    """
    last = at + len(losses) - 1, header + max(map(len, losses.values()))
    sheet.set_column(at, last[0], 11, book.looks["plain"])
    sheet.write_string(header - 1, at, f"E_total from {SMALLEST:g} up, for the logarithmic chart", book.looks["group"])
    for shift, (title, values) in enumerate(losses.items()):
        cell = xl_rowcol_to_cell(header, source + shift)
        sheet.write_formula(header, at + shift, f"={cell}", book.looks["short_head"], title)
        for row, loss in enumerate(values, header + 1):
            cell = xl_rowcol_to_cell(row, source + shift)
            formula = f"=IF(ISNUMBER({cell}),IF({cell}>={SMALLEST},{cell},NA()),NA())"
            drawn = stored(loss if loss >= SMALLEST else math.nan)
            sheet.write_formula(row, at + shift, formula, book.looks["short"], drawn)
    loss_rules(book, sheet, (header + 1, at, last[1], last[0]))
