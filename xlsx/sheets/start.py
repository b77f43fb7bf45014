"""Start: what this is, whether Python is connected, whether everything agrees, and the way to the other sheets."""

from __future__ import annotations

from xlsxwriter.utility import quote_sheetname
from xlsxwriter.worksheet import Worksheet

from xlsx import contract
from xlsx.contract import ALL_GOOD, NOT_CONNECTED
from xlsx.sheets import exercise, style
from xlsx.sheets.book import Book
from xlsx.sheets.cells import AGREES_ALONE, PYTHON_READY, array, colour_states, tally

TITLE = contract.START
WIDTHS = [22, 130]
STATE_ROW = 3
AGREES_ROW, ADVICE_ROW, VERDICT_ROW, CHECK_ROW, INPUTS_ROW = range(STATE_ROW + 1, STATE_ROW + 6)
AFTER_STATE = INPUTS_ROW + 1
VERSION = "BACKPROP_VERSION()"
CONNECTED = "Nothing. The Python columns are computed by the project's own Python; edit a cell on Network and watch."
CONNECT = (
    "Run  python start.py  in the project's folder: it opens this workbook in Excel (Windows) or in LibreOffice Calc "
    "25.2 or newer. Excel on macOS: Recalculate on Results. Without Python all native formulas work."
)
TAKE_ANOTHER = "undo that (Ctrl+Z), or take a fresh workbook (python start.py new)"
DIVERGED = "no number at the epoch shown: the descent has diverged; choose an earlier epoch on Forward"
EXERCISE = "Fill in Forward from top to bottom, then Backward. Nothing needs to be installed."
SHEETS = {
    "Network": "the inputs, targets, weights, learning rate and optimizer: presets, and your own numbers",
    "Batch": "the samples of the batch, each worked through in a row, and their mean",
    "Picture": "the network drawn with its numbers, at the epoch that is shown",
    "Forward": "from the inputs to the loss: every weighted sum, output and error; choose the epoch to show",
    "Backward": "from the loss back to every weight: errors, deltas, chains of factors, gradient check, the update",
    "Gradient check": "where the numeric derivatives come from: the loss with one weight moved a little down and up",
    "Learning rates": "updates at six rates of your choice, row by row, with their charts",
    "Optimizers": "SGD, momentum and Adam from the same start, side by side",
    "Training log": "step, run n, undo and reset: rows that buttons add and remove",
    "Spot the mistake": "seven errors that learners make, what they do to the loss, and what the check says",
    "Results": "train a convolutional network on handwritten digits and watch its epochs arrive",
    "Runs": "all trainings so far as a list, and the ticked ones side by side",
}
TRY = {  # what to begin with, by sheet
    contract.NETWORK: "type 0.9 beside w1, then look at Forward and Picture: everything follows",
    contract.LEARNING_RATES: "type 50 as a rate, then 1000: does E_total still fall, and do the two sides still agree?",
    contract.SPOT_THE_MISTAKE: "choose a mistake: the loss hardly shows it, the gradient check does",
}
STEPS = (
    "Each quantity stands three ways side by side: a formula to read, a native cell formula, the value from Python.",
    "“agrees”: the two, written independently, differ by at most 0.000000000001 (after many updates 0.0000000001).",
    "“PASS”: the derivative is the one that the loss itself shows when the weight is moved a little.",
    "Change a bordered cell, on Network, Forward, Learning rates or Spot the mistake: everything follows.",
    "A cell that is text or an error is named here and on every sheet; what depends on it shows #N/A, not a number.",
)

EXERCISE_SHEETS = {
    "Forward": "from the inputs to the loss: every weighted sum, output and error to find, at the epoch that is chosen",
    "Backward": "from the loss back to every weight: errors, deltas, derivatives and the update to find",
}
EXERCISE_STEPS = (
    "Read the formula of a row and give its value: a number with four figures or more, or a cell formula.",
    "“right”: it is so. “not yet”: look again, at the rows that it reads too. “blank”: nothing is there.",
    "Picture shows what has been found so far.",
    "The epoch chosen on Forward is the one that is asked for: at another epoch all answers are others.",
    "Other numbers on Network ask the same questions anew.",
)


def heading(book: Book) -> style.Heading:
    subtitle = "every number is yours to find" if book.exercise else "formulas, native cells and Python"
    return style.Heading("Backpropagation, step by step", f"Network {book.network.text}: {subtitle}.")


def place(book: Book) -> None:
    """Nothing that another sheet reads."""


def write(book: Book) -> None:
    sheet, about = book.sheet(TITLE), SHEETS | (EXERCISE_SHEETS if book.exercise else {})
    here = [each.name for each in book.workbook.worksheets() if not each.hidden]
    section(book, sheet, STATE_ROW, "State")
    write_problem(book, sheet)
    for part in (write_answers,) if book.exercise else (write_verdict, write_agreement, write_advice):
        part(book, sheet)
    row = AFTER_STATE
    if not book.exercise:
        row = write_links(book, sheet, row, "Three things to try first", TRY)
    row = write_links(book, sheet, row, "Sheets", {title: about[title] for title in about if title in here})
    row = write_steps(book, sheet, row)
    write_python_state(book, sheet, row)
    style.printed(sheet, row + 2, WIDTHS)


def write_links(book: Book, sheet: Worksheet, row: int, title: str, links: dict[str, str]) -> int:
    """A section of sheets to go to, with what there is. Gives the next free row."""
    section(book, sheet, row, title)
    for at, (name, text) in enumerate(links.items(), row + 1):
        sheet.write_url(at, 0, f"internal:'{name}'!A1", book.looks["link"], name)
        sheet.write_string(at, 1, text, book.looks["text"])
    return row + 1 + len(links)


def write_steps(book: Book, sheet: Worksheet, row: int) -> int:
    section(book, sheet, row, "How to do it" if book.exercise else "How to read it")
    steps = EXERCISE_STEPS if book.exercise else STEPS
    for number, text in enumerate(steps, 1):
        sheet.write_string(row + number, 0, f"{number}", book.looks["label"])
        sheet.write_string(row + number, 1, text, book.looks["text_wrap"])
    return row + 1 + len(steps)


def section(book: Book, sheet: Worksheet, row: int, title: str) -> None:
    sheet.set_row(row, 24)
    sheet.write_string(row, 0, title, book.looks["section"])
    sheet.write_blank(row, 1, None, book.looks["section"])


def write_python_state(book: Book, sheet: Worksheet, row: int) -> None:
    """python_ready asks BACKPROP_VERSION. Where no such function exists, or no Python behind it, it is FALSE."""
    section(book, sheet, row, "Python")
    for at, label in enumerate(("version and place", "python_ready"), row + 1):
        sheet.write_string(at, 0, label, book.looks["muted"])
    book.record(sheet, (row + 1, 1) * 2, VERSION)
    one_cell(sheet, row + 1, f'IFERROR({VERSION},"{NOT_CONNECTED}")', book.looks["text"], NOT_CONNECTED)
    one_cell(sheet, row + 2, PYTHON_READY, book.looks["yes_no"], 0)
    book.define("python_ready", sheet, (row + 2, 1) * 2)
    colour_states(book, sheet, (row + 1, 1, row + 1, 1))


def write_problem(book: Book, sheet: Worksheet) -> None:
    """problem: a sheet that was deleted, else the first cell that is no number; empty where nothing is wrong."""
    gone = f'IF(first_bad_input="{ALL_GOOD}",first_bad_rate,"Network: "&first_bad_input)'
    for other in reversed([each for each in book.workbook.worksheets() if each is not sheet]):
        gone = (
            f'IF(ISERROR({quote_sheetname(other.name)}!$A$1),"the sheet {other.name} is gone: {TAKE_ANOTHER}",{gone})'
        )
    array(sheet, (STATE_ROW, 2) * 2, gone, book.looks["hidden_text"], "")
    book.define("problem", sheet, (STATE_ROW, 2) * 2)
    shown = f'=IF(problem="","{ALL_GOOD}",problem)'
    sheet.write_string(INPUTS_ROW, 0, "Cells to edit", book.looks["label"])
    sheet.write_formula(INPUTS_ROW, 1, shown, book.looks["text"], ALL_GOOD)


def write_verdict(book: Book, sheet: Worksheet) -> None:
    """All comparisons of the workbook in one line."""
    count = sum(cells for _, cells in book.compared)
    different, good = tally(book.compared, "differs"), tally(book.compared, "agrees")
    part = f'({good})&" of {count} comparisons agree; at the others there is no number, or the last digits decide"'
    agree = f'IF({good}={count},"all {count} comparisons agree",{part})'
    compare = f'IF(problem="",{agree},"cannot compare: "&problem)'
    differ = f'IF({different}>0,({different})&" of {count} comparisons differ: look for “differs”",{compare})'
    sheet.write_string(VERDICT_ROW, 0, "Native and Python", book.looks["label"])
    one_cell(sheet, VERDICT_ROW, f'IF(python_ready,{differ},"{NOT_CONNECTED}")', book.looks["label"], NOT_CONNECTED)
    colour_states(book, sheet, (VERDICT_ROW, 1, VERDICT_ROW, 1))


def write_agreement(book: Book, sheet: Worksheet) -> None:
    """workbook_agrees: the one cell that says whether the workbook agrees with itself, with or without Python."""
    weights, sound = book.network.weight_count, f"{book.network.weight_count} of {book.network.weight_count}"
    check = f'COUNTIF(gradient_check,"PASS")&" of {weights} derivatives PASS"'
    check = f'=IF(first_bad_input="{ALL_GOOD}",{check},"cannot check: "&first_bad_input)'
    sheet.write_string(CHECK_ROW, 0, "Gradient check", book.looks["label"])
    sheet.write_formula(CHECK_ROW, 1, check, book.looks["text"], f"{sound} derivatives PASS")
    agrees = f'IF(python_ready,"agrees","{AGREES_ALONE}")'
    agrees = f'IF(ISNUMBER({book.shown["E_total"].on(sheet)}),{agrees},"{DIVERGED}")'
    wrong = f'{tally(book.compared, "differs")}+IF(problem="",IFERROR(COUNTIF(gradient_check,"FAIL"),0),0)'
    sheet.write_string(AGREES_ROW, 0, "This workbook", book.looks["label"])
    verdict = f'IF({wrong}>0,"differs",IF(problem="",{agrees},"cannot compare: "&problem))'
    one_cell(sheet, AGREES_ROW, verdict, book.looks["label"], AGREES_ALONE)
    book.define("workbook_agrees", sheet, (AGREES_ROW, 1) * 2)
    colour_states(book, sheet, (AGREES_ROW, 1, AGREES_ROW, 1))


def write_advice(book: Book, sheet: Worksheet) -> None:
    """What to do about the state that is shown above."""
    sheet.write_string(ADVICE_ROW, 0, "What to do", book.looks["label"])
    red = [f'IFERROR(IF(COUNTIF(gradient_check,"FAIL")>0," {contract.BACKWARD}",""),"")']
    titles = dict.fromkeys(area.split("!")[0] for area, _ in book.compared)
    for title in titles:
        here = [each for each in book.compared if each[0].split("!")[0] == title]
        red.append(f'IF({tally(here, "differs")}>0," {title.replace(chr(39), chr(8217))}","")')
    look = f'"Look for “differs” and “FAIL” on"&{"&".join(red)}&". A formula or a number was changed: {TAKE_ANOTHER}"'
    connected = f'IF(python_ready,"{CONNECTED}","{CONNECT}")'
    advice = f'IF(workbook_agrees="differs",{look},IF(problem="",{connected},problem))'
    one_cell(sheet, ADVICE_ROW, advice, book.looks["text_wrap"], CONNECT)


def write_answers(book: Book, sheet: Worksheet) -> None:
    """answers_right: how far the exercise is done."""
    sheet.write_string(ADVICE_ROW, 0, "What to do", book.looks["label"])
    sheet.write_string(ADVICE_ROW, 1, EXERCISE, book.looks["text_wrap"])
    count, looks = sum(cells for _, cells in exercise.compared(book)), book.looks
    states = {AGREES_ROW: ("Your answers", "right", f" of {count} answers are right", 0)}
    states |= {CHECK_ROW: ("Not yet right", "not yet", "", 0), VERDICT_ROW: ("Still blank", "blank", "", count)}
    for row, (label, state, rest, number) in states.items():
        sheet.write_string(row, 0, label, looks["label"])
        text = f'=({tally(exercise.compared(book), state)})&"{rest}"'
        sheet.write_formula(row, 1, text, looks["text" if rest == "" else "label"], f"{number}{rest}")
    book.define("answers_right", sheet, (AGREES_ROW, 1) * 2)


def one_cell(sheet: Worksheet, row: int, formula: str, look: object, text: str | int) -> None:
    array(sheet, (row, 1, row, 1), formula, look, text)
