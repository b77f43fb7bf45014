"""The rows of Forward and Backward: a quantity as formula, with the numbers put in, as native value and by Python."""

from __future__ import annotations

import math
from collections.abc import Iterable

from xlsxwriter.utility import xl_range
from xlsxwriter.worksheet import Worksheet

from xlsx import expressions
from xlsx.contract import ALL_GOOD, NOT_CONNECTED
from xlsx.formulas import Quantity, in_order, layers
from xlsx.sheets import exercise, style
from xlsx.sheets.cells import (
    TOLERANCE,
    Book,
    agreement,
    differs,
    mute_errors,
    numbers_in,
    python,
    stored,
)

COLUMNS = (
    ("Quantity", "header"),
    ("What it is", "header"),
    ("Formula", "header"),
    ("With the numbers put in", "header_state"),
    ("Native formula", "header_right"),
    ("Python", "header_right"),
    ("Agreement", "header_state"),
)
INDENT = 1.5  # digits: what an indented column has less room for
NAME, MEANING, FORMULA, NUMBERS, NATIVE, PYTHON, AGREEMENT = range(len(COLUMNS))
WIDE, WIDEST = "0.123456", "(-0.123456)"  # numbers put in


def header(book: Book, sheet: Worksheet, row: int, more: tuple[tuple[str, str], ...] = ()) -> None:
    titles = exercise.COLUMNS if book.exercise else COLUMNS + more
    for column, (title, look) in enumerate(titles):
        sheet.write_string(row, column, title, book.looks[look])


def section(book: Book, sheet: Worksheet, row: int, title: str, width: int = len(COLUMNS)) -> None:
    """A heading over the rows that follow, as wide as their table."""
    width = len(exercise.COLUMNS) if book.exercise else width
    sheet.set_row(row, 24)
    for column in range(width):
        sheet.write_blank(row, column, None, book.looks["section"])
    sheet.write_string(row, 0, title, book.looks["section"])


def state_line(book: Book, sheet: Worksheet, row: int, column: int = 0) -> None:
    """Says on every sheet whether all cells of Network are numbers, or which is not."""
    sheet.write_formula(row, column, '="Network: "&first_bad_input', book.looks["subtitle"], f"Network: {ALL_GOOD}")


def epoch_line(book: Book, sheet: Worksheet, row: int, column: int = 0) -> None:
    """Says on a sheet which epoch it shows, of which sample, and what is wrong on Network."""
    sample = '", sample "&sample_used' if book.samples > 1 else '""'
    text = f'="Epoch "&epoch_used&{sample}&" (choose on Forward). Network: "&first_bad_input'
    shown = f"Epoch 0{', sample 1' if book.samples > 1 else ''} (choose on Forward). Network: {ALL_GOOD}"
    wrong = '"No epoch to show. Network: "&first_bad_input'
    sheet.write_formula(row, column, f"=IFERROR({text[1:]},{wrong})", book.looks["subtitle"], shown)


def quantities(
    book: Book,
    sheet: Worksheet,
    row: int,
    rows: Iterable[Quantity],
    call: str | None,
    widths: list[float],
    number: str = "number",
) -> int:
    """A row per quantity, Python's block and the comparisons beside. Gives the next free row.

    `widths` are those of the sheet's columns. Without a `call` (no cell function answers these) the row says through
    what it is checked.
    """
    if book.exercise:
        return exercise.quantities(book, sheet, row, list(rows))
    first, rows, positive = row, list(rows), never_negative(book)
    place(book, sheet, first, rows)
    for row, quantity in enumerate(rows, first):
        sheet.set_row(row, height(quantity, widths, call is not None, positive))
        quantity_row(book, sheet, row, quantity, number)
        if call is None:
            sheet.write_blank(row, PYTHON, None, book.looks["text"])
            sheet.write_string(row, AGREEMENT, "through dE/dw", book.looks["muted_state"])
    if call is not None:
        native, beside = (xl_range(first, column, row, column) for column in (NATIVE, PYTHON))
        python(book, sheet, (first, PYTHON, row, PYTHON), call, book.looks[number])
        area, different = (first, AGREEMENT, row, AGREEMENT), differs(native, beside, TOLERANCE)
        agreement(book, sheet, area, different, numbers_in(native, beside), "state_wrap")
    mute_errors(book, sheet, (first, NUMBERS, row, NATIVE))
    return row + 1


def never_negative(book: Book) -> set[str]:
    """The targets, as good as always, and the outputs of units that give nothing below 0: no parentheses in a text."""
    found = [layer for layer in layers(book.network) if layer.activation in ("sigmoid", "softmax", "relu")]
    return {*book.network.target_names, *(f"a_{unit}" for layer in found for unit in layer.units)}


def height(quantity: Quantity, widths: list[float], compared: bool, positive: set[str]) -> float:
    """Enough for the numbers put in at another epoch too: no program makes a row higher when a formula's text grows."""
    numbers = expressions.written(quantity.expression, "text", lambda name: WIDE if name in positive else WIDEST)
    texts = {NAME: quantity.name, MEANING: quantity.meaning, FORMULA: quantity.text, NUMBERS: numbers}
    texts[AGREEMENT] = NOT_CONNECTED if compared else ""
    indents = {NUMBERS: INDENT, AGREEMENT: INDENT}
    return max(style.height(text, widths[column] - indents.get(column, 0)) for column, text in texts.items())


def quantity_row(book: Book, sheet: Worksheet, row: int, quantity: Quantity, number: str = "number") -> None:
    expression, looks = quantity.expression, book.looks
    value = book.values[quantity.name]

    def cell(name: str) -> str:
        return book.reference(name, sheet)

    sheet.write_string(row, NAME, quantity.name, looks["label_wrap"])
    sheet.write_string(row, MEANING, quantity.meaning, looks["muted"])
    sheet.write_string(row, FORMULA, quantity.text, looks["formula"])
    numbers = expressions.numbers_text(expression, book.values) if math.isfinite(value) else "#N/A"
    sheet.write_formula(row, NUMBERS, "=" + expressions.with_numbers(expression, cell), looks["formula_apart"], numbers)
    sheet.write_formula(row, NATIVE, "=" + expressions.native(expression, cell), looks[number], stored(value))


def place(book: Book, sheet: Worksheet, first: int, rows: list[Quantity]) -> None:
    """Where each quantity stands, and its value. One may read another that stands further down, as softmax does."""
    for quantity in in_order(rows):
        value = expressions.evaluate(quantity.expression, book.values)
        book.place(quantity.name, sheet, first + rows.index(quantity), NATIVE, value)
