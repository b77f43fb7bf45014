"""Forward: every unit and the loss, as formula, native value and Python's value."""

from __future__ import annotations

from xlsx import formulas
from xlsx.sheets import style
from xlsx.sheets.cells import QUANTITY_COLUMNS, Book, inputs_line, quantities, quantity_header

TITLE = "Forward"
WIDTHS = [width for _, width, _ in QUANTITY_COLUMNS]
HEADER_ROW = 3


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    inputs_line(book, sheet, 2)
    quantity_header(book, sheet, HEADER_ROW)
    units, losses = formulas.forward(book.network), formulas.losses(book.network)
    row = quantities(book, sheet, HEADER_ROW + 1, units, "TRANSPOSE(BACKPROP_FORWARD(weights,inputs,network))")
    row = quantities(book, sheet, row, losses, "TRANSPOSE(BACKPROP_LOSS(weights,inputs,targets,network))")
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    style.printed(sheet, row - 1, WIDTHS)
