"""Start: what this is, whether Python is connected, whether everything agrees, and the way to the other sheets."""

from __future__ import annotations

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx.sheets import style
from xlsx.sheets.cells import ALL_GOOD, NOT_CONNECTED, NOTHING, Book, array, colour_states

TITLE = "Start"
WIDTHS = [20, 132]
STATE_ROW = 3
VERSION_ROW, READY_ROW, ADVICE_ROW, VERDICT_ROW, INPUTS_ROW = range(STATE_ROW + 1, STATE_ROW + 6)
SHEETS_ROW = INPUTS_ROW + 2
VERSION = "BACKPROP_VERSION()"
CONNECTED = "Nothing. The Python columns are computed by the project's own Python; edit a cell on Network and watch."
CONNECT = (
    "Run  python start.py  in the project's folder: it opens this workbook in Excel (Windows) or in LibreOffice Calc "
    "25.2 or newer. Excel on macOS: Recalculate on Results. Without Python all native formulas work."
)
SHEETS = (
    ("Network", "the inputs, targets, weights and the learning rate: the cells to edit"),
    ("Forward", "from the inputs to the loss: every weighted sum, output and error"),
    ("Backward", "from the loss back to every weight: errors, deltas, derivatives, the update"),
    ("Learning rates", "100 updates at six rates of your choice, row by row, with their chart"),
    ("Results", "train a convolutional network on handwritten digits and watch its epochs arrive"),
)
STEPS = (
    "Each quantity stands three ways side by side: a formula to read, a native cell formula, the value from Python.",
    "“agrees”: the two, written independently, differ by at most 0.000000000001 (after up to 100 updates 0.000000001).",
    "Change a number on Network, or a rate on Learning rates: everything follows. Nothing else is meant to be edited.",
    "A cell that is blank or text is named here and on every sheet; what depends on it shows #N/A instead of a number.",
)
STEPS_ROW = SHEETS_ROW + len(SHEETS) + 2


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    heading(book, sheet, STATE_ROW, "State")
    write_python_state(book, sheet)
    write_verdict(book, sheet)
    heading(book, sheet, SHEETS_ROW, "Sheets")
    for row, (title, text) in enumerate(SHEETS, SHEETS_ROW + 1):
        sheet.write_url(row, 0, f"internal:'{title}'!A1", book.looks["link"], title)
        sheet.write_string(row, 1, text, book.looks["text"])
    heading(book, sheet, STEPS_ROW, "How to read it")
    for step, text in enumerate(STEPS, 1):
        sheet.write_string(STEPS_ROW + step, 0, f"{step}", book.looks["label"])
        sheet.write_string(STEPS_ROW + step, 1, text, book.looks["text_wrap"])
    style.printed(sheet, STEPS_ROW + len(STEPS), WIDTHS)


def heading(book: Book, sheet: Worksheet, row: int, title: str) -> None:
    sheet.set_row(row, 24)
    sheet.write_string(row, 0, title, book.looks["section"])
    sheet.write_blank(row, 1, None, book.looks["section"])


def write_python_state(book: Book, sheet: Worksheet) -> None:
    """python_ready asks BACKPROP_VERSION. Where no such function exists, or no Python behind it, it is FALSE."""
    labels = {VERSION_ROW: "Python", READY_ROW: "python_ready", ADVICE_ROW: "What to do"}
    for row, label in labels.items():
        sheet.write_string(row, 0, label, book.looks["label"])
    ready = f'IFERROR(AND(ISTEXT({VERSION}),LEFT({VERSION},1)<>"#"),FALSE)'
    one_cell(sheet, VERSION_ROW, f'IFERROR({VERSION},"{NOT_CONNECTED}")', book.looks["label"], NOT_CONNECTED)
    one_cell(sheet, READY_ROW, ready, book.looks["yes_no"], 0)
    one_cell(sheet, ADVICE_ROW, f'IF(python_ready,"{CONNECTED}","{CONNECT}")', book.looks["text_wrap"], CONNECT)
    book.define("python_ready", sheet, xl_rowcol_to_cell(READY_ROW, 1))
    colour_states(book, sheet, (VERSION_ROW, 1, VERSION_ROW, 1))


def write_verdict(book: Book, sheet: Worksheet) -> None:
    """All comparisons of the workbook in one line, and the check of the editable cells."""
    count = sum(cells for _, cells in book.compared)
    areas = [area for area, _ in book.compared]
    tally = {state: "+".join(f'COUNTIF({area},"{state}")' for area in areas) for state in ("differs", NOTHING)}
    good = f'"all {count} comparisons agree"'
    missing = f'IF({tally[NOTHING]}=0,{good},"not everything can be compared: "&first_bad_input)'
    differ = (
        f'IF({tally["differs"]}>0,({tally["differs"]})&" of {count} comparisons differ: look for “differs”",{missing})'
    )
    sheet.write_string(VERDICT_ROW, 0, "Native and Python", book.looks["label"])
    sheet.write_string(INPUTS_ROW, 0, "Cells of Network", book.looks["label"])
    verdict = f'IF(python_ready,{differ},"{NOT_CONNECTED}")'
    one_cell(sheet, VERDICT_ROW, verdict, book.looks["label"], NOT_CONNECTED)
    sheet.write_formula(INPUTS_ROW, 1, "=first_bad_input", book.looks["text"], ALL_GOOD)
    colour_states(book, sheet, (VERDICT_ROW, 1, VERDICT_ROW, 1))


def one_cell(sheet: Worksheet, row: int, formula: str, look: object, text: str | int) -> None:
    array(sheet, (row, 1, row, 1), formula, look, text)
