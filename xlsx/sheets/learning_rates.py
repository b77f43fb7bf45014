"""Learning rates: updates at six editable rates, every quantity in its row, E_total beside Python's, and the charts.

Column A is the epoch of every block. Row n is the state before update n + 1, so epoch 0 is the start.
"""

from __future__ import annotations

import math
from itertools import pairwise

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract
from xlsx.contract import ALL_GOOD, NOTHING
from xlsx.expressions import stored
from xlsx.sheets import log_columns, rate_charts, style, validation
from xlsx.sheets.book import Area, Book
from xlsx.sheets.cells import (
    NO_FAULT,
    RATE,
    SWEEP_TOLERANCE,
    agreement,
    array,
    differs,
    first_fault,
    loss_rules,
    number_rules,
    numbers_in,
    python,
    stable,
    used,
)
from xlsx.sheets.descents import descent
from xlsx.sheets.epochs import Descent

TITLE = contract.LEARNING_RATES
RATES = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)
GOAL = 0.01
MOVED, LEAST = "1E-9", "1E-30"  # a smaller change of E_total, as a share of it and in all, is none
BAD_RATE = 'first_bad_rate<>""'
FAULT = f"OR({NO_FAULT},{BAD_RATE})"
STATE_ROW, GROUP_ROW, HEADER_ROW, FIRST = 2, 3, 4, 5
EPOCH, NATIVE, SUMMARY, PYTHON = 0, 1, 8, 18
COMPARED = PYTHON + len(RATES)
BLOCKS = COMPARED + 2
CHARTS_ROW = FIRST + 7
FAULT_COLUMN = NATIVE + len(RATES)
SUMMED_UP = (0, 1, 10, 50, 100)  # epochs, of those that there are
WIDTHS = [6, *[8] * 6, 1.5, 8, *[8.2] * len(SUMMED_UP), 10.5, 17, 17, 1.5, *[8.3] * 6, 19, 1.5]


def summary_epochs(book: Book) -> list[int]:
    return [epoch for epoch in SUMMED_UP if epoch <= book.epochs]


def widths(book: Book) -> list[float]:
    """WIDTHS, where the columns behind the summary's epochs move up to them."""
    last = SUMMARY + 1 + len(summary_epochs(book))
    gone = WIDTHS[last : SUMMARY + 1 + len(SUMMED_UP)]
    return [*WIDTHS[:last], *WIDTHS[last + len(gone) : PYTHON - 1], *gone, *WIDTHS[PYTHON - 1 :]]


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
    write_state(book, sheet)
    blocks = descents(book, sheet)
    for block, rate in zip(blocks, RATES, strict=True):
        write_block(book, block, rate)
    losses = [[row["E_total"] for row in block.rows] for block in blocks]
    write_table(book, blocks, losses)
    write_python(book, sheet)
    write_summary_header(book, sheet)
    for index, loss in enumerate(losses):
        write_summary(book, blocks[index], index, loss)
    for column, width in enumerate(widths(book)):
        sheet.set_column(column, column, width, book.looks["plain"])
    style.header_height(sheet, HEADER_ROW, blocks[0].names)
    drawn = {"linear": NATIVE, "logarithmic": blocks[-1].column + blocks[-1].width + 1}
    log_columns.write(book, sheet, HEADER_ROW, NATIVE, drawn["logarithmic"], dict(zip(RATES, losses, strict=True)))
    charts = rate_charts.write(book, blocks, drawn, (CHARTS_ROW, SUMMARY))
    loss_rules(book, sheet, (FIRST, NATIVE, last, SUMMARY + len(summary_epochs(book))))
    loss_rules(book, sheet, (FIRST, PYTHON, last, COMPARED - 1))
    sheet.freeze_panes(FIRST, NATIVE)
    style.printed(sheet, max(last, charts[-1][1]), widths(book)[:PYTHON], HEADER_ROW, charts)


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
    sheet.write_formula(GROUP_ROW, block.column + 1, f"={used(edited, RATE)}", book.looks["rate"], rate)
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
    number_rules(book, sheet, rates)


RATE_RULE = validation.above_zero(
    "learning rate: above 0", "Type a number above 0, such as 0.5 or 10 (the way this computer writes decimals)."
)


def write_state(book: Book, sheet: Worksheet) -> None:
    """What is wrong with a cell of Network, or with a rate; first_bad_rate is empty where none is."""
    wrong = '""'
    for column in reversed(range(NATIVE, NATIVE + len(RATES))):
        wrong = first_fault(xl_rowcol_to_cell(HEADER_ROW, column), TITLE, wrong)
    shown = 'IF(first_bad_rate="","Network: "&first_bad_input,first_bad_rate)'
    sheet.write_formula(STATE_ROW, NATIVE, f"={shown}", book.looks["subtitle"], f"Network: {ALL_GOOD}")
    sheet.write_formula(STATE_ROW, FAULT_COLUMN, f"={wrong}", book.looks["hidden_text"], "")
    book.define("first_bad_rate", sheet, (STATE_ROW, FAULT_COLUMN) * 2)


def write_python(book: Book, sheet: Worksheet) -> None:
    """One BACKPROP_SWEEP for all rates and epochs, and per epoch whether the six numbers agree.

    Above the numbers stands from which epoch on the last digits decide: there nothing can be compared.
    """
    looks, last = book.looks, FIRST + book.epochs
    sheet.write_string(GROUP_ROW, PYTHON, "E_total, Python: BACKPROP_SWEEP", looks["group"])
    for index, column in enumerate(range(PYTHON, COMPARED)):
        formula = f"={xl_rowcol_to_cell(HEADER_ROW, NATIVE + index)}"
        sheet.write_formula(HEADER_ROW, column, formula, looks["short_head"], RATES[index])
    given = f"(weights,inputs,targets,learning_rates,{book.epochs},network)"
    python(book, sheet, (FIRST, PYTHON, last, COMPARED - 1), f"BACKPROP_SWEEP{given}", looks["short"], BAD_RATE)
    chaos = (STATE_ROW, PYTHON, STATE_ROW, COMPARED - 1)
    python(book, sheet, chaos, f"BACKPROP_CHAOS{given}", looks["integer_muted"], BAD_RATE)
    about = f"← from this epoch on the last digits decide ({book.epochs + 1}: never)"
    sheet.write_string(STATE_ROW, COMPARED, about, looks["muted_plain"])
    different = "+".join(compared(book, index)[0] for index in range(len(RATES)))
    numbers = "+".join(compared(book, index)[1] for index in range(len(RATES)))
    sheet.write_string(HEADER_ROW, COMPARED, "Agreement", looks["header_state"])
    agreement(book, sheet, epochs_agree(book), f"({different})", f"({numbers})", fault=FAULT)


def compared(book: Book, index: int) -> tuple[str, str]:
    """Of the epochs of a rate: 1 where native and Python differ, and how many of the two are numbers."""
    native, beside = pair(book, index)
    here = stable(epochs_of(book), chaos_cell(index))
    return f"{here}*{differs(native, beside, SWEEP_TOLERANCE)}", f"{here}*({numbers_in(native, beside)})"


def epochs_of(book: Book) -> str:
    return str(xl_range(FIRST, EPOCH, FIRST + book.epochs, EPOCH))


def chaos_cell(index: int) -> str:
    return str(xl_rowcol_to_cell(STATE_ROW, PYTHON + index))


def pair(book: Book, index: int) -> tuple[str, str]:
    """The native column of a rate, and Python's."""
    last = FIRST + book.epochs
    native, python_cells = (xl_range(FIRST, column + index, last, column + index) for column in (NATIVE, PYTHON))
    return native, python_cells


def write_summary(book: Book, block: Descent, index: int, losses: list[float]) -> None:
    """One row per rate: E_total at chosen epochs, how it went, whether Python agrees over all epochs."""
    sheet, looks, epochs = block.sheet, book.looks, summary_epochs(book)
    row = FIRST + 1 + index
    rate_used = xl_rowcol_to_cell(GROUP_ROW, block.column + 1)
    sheet.write_formula(
        row, SUMMARY, f'=IF(ISNUMBER({rate_used}),{rate_used},"{NOTHING}")', looks["general"], RATES[index]
    )
    for column, epoch in enumerate(epochs, SUMMARY + 1):
        source = xl_rowcol_to_cell(FIRST + epoch, NATIVE + index)
        sheet.write_formula(row, column, f"={source}", looks["short_row"], stored(losses[epoch]))
    column, (native, _) = SUMMARY + 1 + len(epochs), pair(book, index)
    array(sheet, (row, column) * 2, goal(native, epochs_of(book)), looks["general"], goal_value(losses))
    how = chaotic(chaos_cell(index), book.epochs, outcome(NATIVE + index, rate_used, book.epochs))
    array(sheet, (row, column + 1) * 2, how, looks["state"], outcome_text(losses))
    different, numbers = compared(book, index)
    agreement(book, sheet, rate_agrees(book, index), f"SUM({different})", f"SUM({numbers})", fault=FAULT)


def write_summary_header(book: Book, sheet: Worksheet) -> None:
    epochs = [f"E at {epoch}" for epoch in summary_epochs(book)]
    titles = ["rate", *epochs, f"E < {GOAL} at", f"after {book.epochs} updates", "Agreement"]
    sheet.write_string(GROUP_ROW, SUMMARY, "E_total of each rate at chosen epochs", book.looks["group"])
    for column, title in enumerate(titles, SUMMARY):
        look = "header_right" if column <= SUMMARY + 1 + len(epochs) else "header_state"
        sheet.write_string(FIRST, column, title, book.looks[look])


def goal(native: str, epochs: str) -> str:
    """The first epoch with a loss below GOAL, for an array formula.

    (Not every program computes a condition within MATCH, or ISNUMBER, cell by cell.)
    """
    found = f"MIN(IF(IFERROR({native},1E+9)<{GOAL},{epochs},1E+9))"
    return f'IF(COUNT({native})=0,"{NOTHING}",IF(COUNTIF({native},"<"&{GOAL})=0,"not yet",{found}))'


def goal_value(losses: list[float]) -> int | str:
    missed = "not yet" if math.isfinite(losses[0]) else NOTHING
    return next((epoch for epoch, loss in enumerate(losses) if loss < GOAL), missed)


def chaotic(first: str, epochs: int, otherwise: str) -> str:
    """Says so of a path that the last digits decide from some epoch on."""
    known = f"ISNUMBER({first})*(N({first})<={epochs})"
    return f'IF({known},"chaotic from epoch "&{first},{otherwise})'


def outcome(column: int, rate: str, epochs: int) -> str:
    """In words what E_total did, for an array formula.

    Once a row has no number no later row has one, so their count is the epoch.
    """
    losses, before, after = (
        xl_range(FIRST + a, column, FIRST + epochs - b, column) for a, b in ((0, 0), (0, 1), (1, 0))
    )
    first, last = losses.split(":")
    moved = f'IF({moves(first, last)}=1,"rises",IF({moves(last, first)}=1,"falls","stands still"))'
    moved = f'IF(SUM({moves(before, after)})*SUM({moves(after, before)})>0,"jumps",{moved})'
    diverged = f'IF(COUNT({losses})=0,"see Network","diverged at epoch "&COUNT({losses}))'
    return f'IF(ISNUMBER({rate}),IF(COUNT({losses})={epochs + 1},{moved},{diverged}),"{NOTHING}")'


def moves(lower: str, higher: str) -> str:
    """1 where a loss is above another by more than rounding may put it there, else 0."""
    return f"IF({higher}-{lower}>{MOVED}*ABS({lower})+{LEAST},1,0)"


def outcome_text(losses: list[float]) -> str:
    """What `outcome` answers for these losses."""
    finite = sum(map(math.isfinite, losses))
    if finite < len(losses):
        return f"diverged at epoch {finite}" if finite else "see Network"

    def moved(lower: float, higher: float) -> bool:
        return higher - lower > float(MOVED) * abs(lower) + float(LEAST)

    up = any(moved(*pair) for pair in pairwise(losses))
    if up and any(moved(after, before) for before, after in pairwise(losses)):
        return "jumps"
    return "rises" if moved(losses[0], losses[-1]) else "falls" if moved(losses[-1], losses[0]) else "stands still"
