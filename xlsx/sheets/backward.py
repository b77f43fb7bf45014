"""Backward: from the error at the outputs back to every weight's derivative, then the update."""

from __future__ import annotations

from xlsxwriter.worksheet import Worksheet

from xlsx import formulas
from xlsx.sheets import style
from xlsx.sheets.cells import AGREEMENT, QUANTITY_COLUMNS, Book, inputs_line, quantities, quantity_header

TITLE = "Backward"
WIDTHS = [width for _, width, _ in QUANTITY_COLUMNS]
HEADER_ROW = 3
SECTIONS = (
    ("1  Error: how E_total changes with each output", formulas.errors, None),
    ("2  Delta: how E_total changes with each weighted sum, from the outputs back", formulas.deltas, None),
    (
        "3  Derivative of each weight: delta of the unit it leads to × what it carries",
        formulas.gradients,
        "BACKPROP_GRADIENT(weights,inputs,targets,network)",
    ),
    (
        "4  Update: one step against the derivative",
        formulas.updates,
        "BACKPROP_STEP(weights,inputs,targets,learning_rate,network)",
    ),
)


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    inputs_line(book, sheet, 2)
    quantity_header(book, sheet, HEADER_ROW)
    row = HEADER_ROW + 1
    for title, derive, call in SECTIONS:
        section(book, sheet, row, title)
        row = quantities(book, sheet, row + 1, derive(book.network), call)
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    style.printed(sheet, row - 1, WIDTHS)


def section(book: Book, sheet: Worksheet, row: int, title: str) -> None:
    sheet.set_row(row, 24)
    for column in range(AGREEMENT + 1):
        sheet.write_blank(row, column, None, book.looks["section"])
    sheet.write_string(row, 0, title, book.looks["section"])
