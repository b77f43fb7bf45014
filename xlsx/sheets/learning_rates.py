"""Learning rates: 100 updates at six editable rates, every quantity in its row, E_total beside Python's, a chart.

Column A is the epoch of every block. Row n is the state before update n + 1, so epoch 0 is the start.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from xlsxwriter.utility import xl_col_to_name, xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import expressions, formulas
from xlsx.expressions import Expression
from xlsx.formulas import Quantity
from xlsx.sheets import style
from xlsx.sheets.cells import (
    SWEEP_TOLERANCE,
    Book,
    agreement,
    differs,
    inputs_line,
    mute_errors,
    python,
    stored,
    used,
)

TITLE = "Learning rates"
RATES = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)
EPOCHS = 100
SUMMARY_EPOCHS = (0, 1, 10, 50, 100)
GROUP_ROW, HEADER_ROW, FIRST = 3, 4, 5
LAST = FIRST + EPOCHS
EPOCH, NATIVE, SUMMARY, PYTHON = 0, 1, 8, 17
STATE, VERDICT = SUMMARY + 1 + len(SUMMARY_EPOCHS), SUMMARY + 2 + len(SUMMARY_EPOCHS)
COMPARED = PYTHON + len(RATES)
BLOCKS = COMPARED + 2
WIDTHS = [6, *[8.3] * 6, 1.5, 6, *[8.7] * 5, 20, 18.5, 1.5, *[8.3] * 6, 19, 1.5]
CHART = {"width": 655, "height": 292}


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    inputs_line(book, sheet, 2, NATIVE)
    losses = [write_block(book, sheet, index) for index in range(len(RATES))]
    write_table(book, sheet, losses)
    write_python(book, sheet)
    for index, loss in enumerate(losses):
        write_summary(book, sheet, index, loss)
    write_chart(book, sheet)
    mute_errors(book, sheet, (FIRST, NATIVE, LAST, STATE))
    sheet.freeze_panes(FIRST, NATIVE)
    style.printed(sheet, LAST, WIDTHS[: VERDICT + 1])


def block_start(book: Book, index: int) -> int:
    """The first column of the block of a rate: blocks stand side by side, an empty column between them."""
    return BLOCKS + index * (len(block_columns(book)) + 1)


def block_columns(book: Book) -> dict[str, Expression]:
    """The exercise's columns, t i w units E dE/dw, with dE/da and the deltas that dE/dw is made of before it."""
    network = book.network
    given = network.target_names + network.input_names + network.weight_names
    derived = [derive(network) for derive in DERIVED]
    columns = {name: expressions.name(name) for name in given}
    return columns | {quantity.name: quantity.expression for rows in derived for quantity in rows}


DERIVED = (formulas.forward, formulas.losses, formulas.errors, formulas.deltas, formulas.gradients)


def write_block(book: Book, sheet: Worksheet, index: int) -> list[float]:
    """The native rows of one rate. Gives E_total of every epoch, not a number from the epoch on where it diverged."""
    columns, start = block_columns(book), block_start(book, index)
    write_block_header(book, sheet, index)
    texts, losses = row_formulas(book, sheet, columns, start), []
    for row, values in enumerate(block_values(book, RATES[index]), FIRST):
        first_or_later = texts[0 if row == FIRST else 1]
        for column, name in enumerate(columns, start):
            formula = first_or_later[name].format(row=row + 1, before=row)
            sheet.write_formula(row, column, formula, book.looks["short"], stored(values[name]))
        losses.append(values["E_total"])
    mute_errors(book, sheet, (GROUP_ROW, start, LAST, start + len(columns) - 1))
    return losses


def write_block_header(book: Book, sheet: Worksheet, index: int) -> None:
    """The rate that the block uses, and the names of its columns."""
    columns, start = block_columns(book), block_start(book, index)
    rate = used(xl_rowcol_to_cell(HEADER_ROW, NATIVE + index), positive=True)
    sheet.write_string(GROUP_ROW, start, "rate", book.looks["group"])
    sheet.write_formula(GROUP_ROW, start + 1, f"={rate}", book.looks["rate"], RATES[index])
    sheet.set_column(start, start + len(columns) - 1, 9, book.looks["plain"])
    for column, name in enumerate(columns, start):
        sheet.write_string(HEADER_ROW, column, name, book.looks["header_right"])


def row_formulas(book: Book, sheet: Worksheet, columns: dict[str, Expression], start: int) -> tuple[dict, dict]:
    """The formulas of the first row and of the later ones, with {row} and {before} for the row numbers.

    An overflow (#NUM!) becomes #N/A, which charts leave out and which no later row can take for a number.
    """
    letters = {name: xl_col_to_name(column) for column, name in enumerate(columns, start)}
    rate = f"${xl_col_to_name(start + 1)}${GROUP_ROW + 1}"

    def here(name: str) -> str:
        return letters[name] + "{row}"

    def before(name: str) -> str:
        return rate if name == "learning_rate" else letters[name] + "{before}"

    given = {name: book.reference(name, sheet) for name in columns if is_given(columns[name], name)}
    derived = {name: expressions.native(columns[name], here) for name in columns if name not in given}
    moved = {w: expressions.native(update.expression, before) for w, update in updates(book)}
    return guarded(given | derived), guarded(given | derived | moved)


def updates(book: Book) -> list[tuple[str, Quantity]]:
    """Each weight's name with its update."""
    return list(zip(book.network.weight_names, formulas.updates(book.network), strict=True))


def is_given(expression: Expression, name: str) -> bool:
    """Whether a column is copied from Network: its expression is its own name."""
    return expression == expressions.name(name)


def guarded(texts: dict[str, str]) -> dict[str, str]:
    return {name: f"=IFERROR({text},NA())" for name, text in texts.items()}


def block_values(book: Book, rate: float) -> Iterator[dict[str, float]]:
    """What the rows of a block hold, to be stored: every quantity, epoch by epoch."""
    columns, moved = block_columns(book), updates(book)
    values = {name: book.values[name] for name in columns if is_given(columns[name], name)}
    for _ in range(EPOCHS + 1):
        for name, expression in columns.items():
            values[name] = expressions.evaluate(expression, values)
        yield values
        reading = values | {"learning_rate": rate}
        values = values | {w: expressions.evaluate(update.expression, reading) for w, update in moved}


def write_table(book: Book, sheet: Worksheet, losses: list[list[float]]) -> None:
    """E_total, epoch × rate: the first row has the rates to edit, the cells point into the blocks."""
    looks, total = book.looks, list(block_columns(book)).index("E_total")
    sheet.write_string(GROUP_ROW, NATIVE, "E_total, native; edit the rates:", looks["group"])
    sheet.write_string(HEADER_ROW, EPOCH, "epoch", looks["header_right"])
    for row in range(FIRST, LAST + 1):
        sheet.write_number(row, EPOCH, row - FIRST, looks["integer"])
    for index, column in enumerate(range(NATIVE, NATIVE + len(RATES))):
        sheet.write_number(HEADER_ROW, column, RATES[index], looks["edit"])
        for row in range(FIRST, LAST + 1):
            source = xl_rowcol_to_cell(row, block_start(book, index) + total)
            sheet.write_formula(row, column, f"={source}", looks["loss"], stored(losses[index][row - FIRST]))
    rates = (HEADER_ROW, NATIVE, HEADER_ROW, NATIVE + len(RATES) - 1)
    book.define("learning_rates", sheet, xl_range(*rates))
    sheet.data_validation(*rates, RATE_RULE)


RATE_RULE = {
    "validate": "decimal",
    "criteria": ">",
    "value": 0,
    "ignore_blank": False,
    "error_title": "learning rate: above 0",
    "error_message": "Type a number above 0, such as 0.5 or 10 (the way this computer writes decimals).",
}


def write_python(book: Book, sheet: Worksheet) -> None:
    """One BACKPROP_SWEEP for all rates and epochs, and per epoch whether the six numbers agree."""
    looks, last = book.looks, PYTHON + len(RATES) - 1
    sheet.write_string(GROUP_ROW, PYTHON, "E_total, Python: BACKPROP_SWEEP", looks["group"])
    for index, column in enumerate(range(PYTHON, last + 1)):
        formula = f"={xl_rowcol_to_cell(HEADER_ROW, NATIVE + index)}"
        sheet.write_formula(HEADER_ROW, column, formula, looks["short_head"], RATES[index])
    call = f"BACKPROP_SWEEP(weights,inputs,targets,learning_rates,{EPOCHS},network)"
    python(sheet, (FIRST, PYTHON, LAST, last), call, looks["loss"])
    pairs = [(table_column(NATIVE + index), table_column(PYTHON + index)) for index in range(len(RATES))]
    different = "+".join(differs(*pair, SWEEP_TOLERANCE) for pair in pairs)
    numbers = "+".join(f"ISNUMBER({cells})" for pair in pairs for cells in pair)
    sheet.write_string(HEADER_ROW, COMPARED, "Agreement", looks["header_state"])
    agreement(book, sheet, (FIRST, COMPARED, LAST, COMPARED), f"({different})", f"({numbers})")


def table_column(column: int) -> str:
    return xl_range(FIRST, column, LAST, column)


def write_summary(book: Book, sheet: Worksheet, index: int, losses: list[float]) -> None:
    """One row per rate: E_total at chosen epochs, how it went, whether Python agrees over all epochs."""
    row, looks = FIRST + 1 + index, book.looks
    if index == 0:
        write_summary_header(book, sheet)
    rate = xl_rowcol_to_cell(HEADER_ROW, NATIVE + index)
    sheet.write_formula(row, SUMMARY, f"={rate}", looks["general"], RATES[index])
    for column, epoch in enumerate(SUMMARY_EPOCHS, SUMMARY + 1):
        source = xl_rowcol_to_cell(FIRST + epoch, NATIVE + index)
        sheet.write_formula(row, column, f"={source}", looks["loss_row"], stored(losses[epoch]))
    native, beside = table_column(NATIVE + index), table_column(PYTHON + index)
    rate_used = xl_rowcol_to_cell(GROUP_ROW, block_start(book, index) + 1)
    sheet.write_formula(row, STATE, "=" + outcome(native, rate_used), looks["state"], outcome_text(losses))
    numbers = f"COUNT({native},{beside})"
    agreement(book, sheet, (row, VERDICT) * 2, f"SUM({differs(native, beside, SWEEP_TOLERANCE)})", numbers)


def write_summary_header(book: Book, sheet: Worksheet) -> None:
    titles = ["rate", *(f"epoch {epoch}" for epoch in SUMMARY_EPOCHS), f"after {EPOCHS} updates", "Agreement"]
    sheet.write_string(GROUP_ROW, SUMMARY, "E_total of each rate, at chosen epochs", book.looks["group"])
    for column, title in enumerate(titles, SUMMARY):
        look = "header_right" if column < STATE else "header_state"
        sheet.write_string(FIRST, column, title, book.looks[look])


def outcome(native: str, rate: str) -> str:
    """In words what E_total did. Once a row has no number no later row has one, so their count is the epoch."""
    first, last = (native.split(":")[at] for at in (0, 1))
    moved = f'IF({last}<{first},"falls",IF({last}>{first},"rises","does not change"))'
    diverged = f'IF(COUNT({native})=0,"see Network","diverged at epoch "&COUNT({native}))'
    return f'IF(ISNUMBER({rate}),IF(COUNT({native})={EPOCHS + 1},{moved},{diverged}),"the rate is not above 0")'


def outcome_text(losses: list[float]) -> str:
    """What `outcome` answers for these losses."""
    finite = sum(map(math.isfinite, losses))
    if finite < len(losses):
        return f"diverged at epoch {finite}" if finite else "see Network"
    return "does not change" if losses[-1] == losses[0] else "falls" if losses[-1] < losses[0] else "rises"


def write_chart(book: Book, sheet: Worksheet) -> None:
    """E_total against the epoch, a line per rate: its points and its legend are the cells of the table."""
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for index in range(len(RATES)):
        column = NATIVE + index
        chart.add_series(
            {
                "name": [TITLE, HEADER_ROW, column],
                "categories": [TITLE, FIRST, EPOCH, LAST, EPOCH],
                "values": [TITLE, FIRST, column, LAST, column],
                "line": style.line(index),
                "marker": {"type": "none"},
            }
        )
    chart.set_title({"name": "E_total after each update, by learning rate", "name_font": style.CHART_TITLE})
    chart.set_x_axis(style.axis("epoch", min=0, max=EPOCHS))
    chart.set_y_axis(style.axis("E_total", min=0))
    chart.set_legend({"position": "right", "font": style.CHART_FONT})
    chart.set_size(CHART)
    alternative = "Line chart of E_total over 100 updates, one line for each of the six learning rates."
    sheet.insert_chart(FIRST + 8, SUMMARY, chart, {"description": alternative, "object_position": 2})
