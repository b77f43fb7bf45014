"""Learning rates: updates at six editable rates, every quantity in its row, E_total beside Python's, and the charts.

Column A is the epoch of every block. Row n is the state before update n + 1, so epoch 0 is the start.
"""

from __future__ import annotations

import math

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract
from xlsx.contract import NOTHING
from xlsx.expressions import stored
from xlsx.sheets import log_columns, rate_charts, style, validation
from xlsx.sheets.book import Area, Book
from xlsx.sheets.cells import (
    SWEEP_TOLERANCE,
    agreement,
    array,
    differs,
    loss_rules,
    number_rules,
    numbers_in,
    python,
    used,
)
from xlsx.sheets.descents import descent
from xlsx.sheets.epochs import Descent
from xlsx.sheets.quantities import state_line

TITLE = contract.LEARNING_RATES
RATES = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)
GOAL = 0.01
GROUP_ROW, HEADER_ROW, FIRST = 3, 4, 5
EPOCH, NATIVE, SUMMARY, PYTHON = 0, 1, 8, 18
COMPARED = PYTHON + len(RATES)
BLOCKS = COMPARED + 2
CHARTS_ROW = FIRST + 7
WIDTHS = [6, *[8] * 6, 1.5, 9, *[8.2] * 5, 9.5, 17, 17, 1.5, *[8.3] * 6, 19, 1.5]


def summary_epochs(book: Book) -> list[int]:
    return [epoch for epoch in (0, 1, 10, 50, 100) if epoch <= book.epochs]


def heading(book: Book) -> style.Heading:
    subtitle = f"Network {book.network.text}: {book.epochs} updates at six rates; try 50, 1000."
    return style.Heading("Learning rates", subtitle, NATIVE)


def place(book: Book) -> None:
    sheet = book.sheet(TITLE)
    book.compare(sheet, epochs_agree(book))
    for index in range(len(RATES)):
        book.compare(sheet, rate_agrees(book, index))


def epochs_agree(book: Book) -> Area:
    return FIRST, COMPARED, FIRST + book.epochs, COMPARED


def rate_agrees(book: Book, index: int) -> Area:
    row, column = FIRST + 1 + index, SUMMARY + 1 + len(summary_epochs(book)) + 2
    return row, column, row, column


def write(book: Book) -> None:
    sheet, last = book.sheet(TITLE), FIRST + book.epochs
    state_line(book, sheet, 2, NATIVE)
    blocks = descents(book, sheet)
    for block, rate in zip(blocks, RATES, strict=True):
        write_block(book, block, rate)
    losses = [[row["E_total"] for row in block.rows] for block in blocks]
    write_table(book, blocks, losses)
    write_python(book, sheet)
    write_summary_header(book, sheet)
    for index, loss in enumerate(losses):
        write_summary(book, blocks[index], index, loss)
    style.header_height(sheet, HEADER_ROW, blocks[0].names)
    drawn = {"linear": NATIVE, "logarithmic": blocks[-1].column + blocks[-1].width + 1}
    log_columns.write(book, sheet, HEADER_ROW, NATIVE, drawn["logarithmic"], dict(zip(RATES, losses, strict=True)))
    charts_end = rate_charts.write(book, blocks, drawn, (CHARTS_ROW, SUMMARY))
    loss_rules(book, sheet, (FIRST, NATIVE, last, SUMMARY + len(summary_epochs(book))))
    loss_rules(book, sheet, (FIRST, PYTHON, last, COMPARED - 1))
    sheet.freeze_panes(FIRST, NATIVE)
    style.printed(sheet, max(last, charts_end), WIDTHS[:PYTHON])


def descents(book: Book, sheet: Worksheet) -> list[Descent]:
    """One of each rate: they stand side by side, an empty column between them."""
    found: list[Descent] = []
    for rate in RATES:
        column = found[-1].column + found[-1].width + 1 if found else BLOCKS
        cell = xl_rowcol_to_cell(GROUP_ROW, column + 1, True, True)
        found.append(descent(book, sheet, FIRST, column, cell, rate, book.shown))
    return found


def write_block(book: Book, block: Descent, rate: float) -> None:
    """The native rows of one rate, and the rate itself."""
    sheet, edited = block.sheet, xl_rowcol_to_cell(HEADER_ROW, NATIVE + RATES.index(rate))
    sheet.write_string(GROUP_ROW, block.column, "rate", book.looks["group"])
    sheet.write_formula(GROUP_ROW, block.column + 1, f"={used(edited, positive=True)}", book.looks["rate"], rate)
    number_rules(book, sheet, (GROUP_ROW, block.column, block.last_row, block.column + block.width - 1))
    block.write(book.looks, HEADER_ROW)


def write_table(book: Book, blocks: list[Descent], losses: list[list[float]]) -> None:
    """E_total, epoch × rate: the first row has the rates to edit, the cells point into the blocks."""
    sheet, looks = book.sheet(TITLE), book.looks
    sheet.write_string(GROUP_ROW, NATIVE, "E_total, native; edit the rates:", looks["group"])
    sheet.write_string(HEADER_ROW, EPOCH, "epoch", looks["header_right"])
    for row in range(FIRST, FIRST + book.epochs + 1):
        sheet.write_number(row, EPOCH, row - FIRST, looks["integer"])
    for index, column in enumerate(range(NATIVE, NATIVE + len(RATES))):
        total = blocks[index].column_of("E_total")
        sheet.write_number(HEADER_ROW, column, RATES[index], looks["edit"])
        for row, loss in enumerate(losses[index], FIRST):
            sheet.write_formula(row, column, f"={xl_rowcol_to_cell(row, total)}", looks["short"], stored(loss))
    rates = (HEADER_ROW, NATIVE, HEADER_ROW, NATIVE + len(RATES) - 1)
    book.define("learning_rates", sheet, rates)
    sheet.data_validation(*rates, RATE_RULE)


RATE_RULE = validation.above_zero(
    "learning rate: above 0", "Type a number above 0, such as 0.5 or 10 (the way this computer writes decimals)."
)


def write_python(book: Book, sheet: Worksheet) -> None:
    """One BACKPROP_SWEEP for all rates and epochs, and per epoch whether the six numbers agree."""
    looks, last = book.looks, FIRST + book.epochs
    sheet.write_string(GROUP_ROW, PYTHON, "E_total, Python: BACKPROP_SWEEP", looks["group"])
    for index, column in enumerate(range(PYTHON, COMPARED)):
        formula = f"={xl_rowcol_to_cell(HEADER_ROW, NATIVE + index)}"
        sheet.write_formula(HEADER_ROW, column, formula, looks["short_head"], RATES[index])
    call = f"BACKPROP_SWEEP(weights,inputs,targets,learning_rates,{book.epochs},network)"
    python(book, sheet, (FIRST, PYTHON, last, COMPARED - 1), call, looks["short"])
    pairs = [pair(book, index) for index in range(len(RATES))]
    different = "+".join(differs(*each, SWEEP_TOLERANCE) for each in pairs)
    numbers = numbers_in(*(cells for each in pairs for cells in each))
    sheet.write_string(HEADER_ROW, COMPARED, "Agreement", looks["header_state"])
    agreement(book, sheet, epochs_agree(book), f"({different})", f"({numbers})")


def pair(book: Book, index: int) -> tuple[str, str]:
    """The native column of a rate, and Python's."""
    last = FIRST + book.epochs
    native, python_cells = (xl_range(FIRST, column + index, last, column + index) for column in (NATIVE, PYTHON))
    return native, python_cells


def write_summary(book: Book, block: Descent, index: int, losses: list[float]) -> None:
    """One row per rate: E_total at chosen epochs, how it went, whether Python agrees over all epochs."""
    sheet, looks, epochs = block.sheet, book.looks, summary_epochs(book)
    row = FIRST + 1 + index
    rate = xl_rowcol_to_cell(HEADER_ROW, NATIVE + index)
    sheet.write_formula(row, SUMMARY, f"={rate}", looks["general"], RATES[index])
    for column, epoch in enumerate(epochs, SUMMARY + 1):
        source = xl_rowcol_to_cell(FIRST + epoch, NATIVE + index)
        sheet.write_formula(row, column, f"={source}", looks["short_row"], stored(losses[epoch]))
    column, (native, beside) = SUMMARY + 1 + len(epochs), pair(book, index)
    rate_used = xl_rowcol_to_cell(GROUP_ROW, block.column + 1)
    array(sheet, (row, column) * 2, goal(native), looks["general"], goal_value(losses))
    outcome_now = outcome_text(losses)
    sheet.write_formula(row, column + 1, "=" + outcome(native, rate_used, book.epochs), looks["state"], outcome_now)
    different = f"SUM({differs(native, beside, SWEEP_TOLERANCE)})"
    agreement(book, sheet, rate_agrees(book, index), different, f"COUNT({native},{beside})")


def write_summary_header(book: Book, sheet: Worksheet) -> None:
    epochs = [f"E at {epoch}" for epoch in summary_epochs(book)]
    titles = ["rate", *epochs, f"E < {GOAL} at", f"after {book.epochs} updates", "Agreement"]
    sheet.write_string(GROUP_ROW, SUMMARY, "E_total of each rate at chosen epochs", book.looks["group"])
    for column, title in enumerate(titles, SUMMARY):
        look = "header_right" if column <= SUMMARY + 1 + len(epochs) else "header_state"
        sheet.write_string(FIRST, column, title, book.looks[look])


def goal(native: str) -> str:
    """The first epoch with a loss below GOAL, for an array formula."""
    found = f'IFERROR(MATCH(TRUE,IF(ISNUMBER({native}),{native}<{GOAL}),0)-1,"not yet")'
    return f'IF(COUNT({native})=0,"{NOTHING}",{found})'


def goal_value(losses: list[float]) -> int | str:
    missed = "not yet" if math.isfinite(losses[0]) else NOTHING
    return next((epoch for epoch, loss in enumerate(losses) if loss < GOAL), missed)


def outcome(native: str, rate: str, epochs: int) -> str:
    """In words what E_total did. Once a row has no number no later row has one, so their count is the epoch."""
    first, last = (native.split(":")[at] for at in (0, 1))
    moved = f'IF({last}<{first},"falls",IF({last}>{first},"rises","does not change"))'
    diverged = f'IF(COUNT({native})=0,"see Network","diverged at epoch "&COUNT({native}))'
    return f'IF(ISNUMBER({rate}),IF(COUNT({native})={epochs + 1},{moved},{diverged}),"the rate is not above 0")'


def outcome_text(losses: list[float]) -> str:
    """What `outcome` answers for these losses."""
    finite = sum(map(math.isfinite, losses))
    if finite < len(losses):
        return f"diverged at epoch {finite}" if finite else "see Network"
    return "does not change" if losses[-1] == losses[0] else "falls" if losses[-1] < losses[0] else "rises"
