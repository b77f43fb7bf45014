"""Start: the state of the workbook in a line of words, the network, what to try first, the sheets as a strip.

At the foot stands what the line is made of, and where Python is.
"""

from __future__ import annotations

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract
from xlsx.contract import ALL_GOOD, NOT_CONNECTED
from xlsx.sheets import drawing, exercise, picture, style
from xlsx.sheets.book import Book
from xlsx.sheets.cells import AGREES_ALONE, PYTHON_READY, array, colour_states, first_gone, tally

TITLE = contract.START
WIDTHS = [15, 13, 13, 13, 16.5, 8, *[9] * 6]  # on the screen with DejaVu too
COLUMNS = len(WIDTHS)
STATE_ROW, ADVICE_ROW, TOP_ROW = 2, 3, 5
BESIDE = 4  # the first column right of the network
TRIED, STRIP_ROW, TILES = 3, TOP_ROW + 11, 6  # TILES: how many of the strip stand side by side
DETAILS_ROW = STRIP_ROW + 5
AGREES_ROW, TO_DO_ROW, VERDICT_ROW, CHECK_ROW, INPUTS_ROW, VERSION_ROW, READY_ROW = range(
    DETAILS_ROW + 1, DETAILS_ROW + 8
)
NETWORK = 385, 222  # pixels
VERSION = "BACKPROP_VERSION()"
CONNECTED = (
    "Nothing to do. The Python columns are computed by the project's own Python; edit a cell on Network and watch."
)
CONNECT = (
    "Run  python start.py  in the project's folder: it opens this workbook in Excel (Windows) or in LibreOffice Calc "
    "25.2 or newer. Excel on macOS: Recalculate on Results. All native formulas work without."
)
ASIDE = (
    contract.PICTURE,
    contract.TRAINING_LOG,
    contract.SPOT_THE_MISTAKE,
    contract.RESULTS,
    contract.RUNS,
)  # not compared
TAKE_ANOTHER = "undo that (Ctrl+Z), or take a fresh workbook (python start.py new)"
DIVERGED = "no number at the epoch shown: the descent has diverged; choose an earlier epoch on Forward"
EXERCISE = "Fill in Forward from top to bottom, then Backward. Nothing needs to be installed."
SHEETS = {  # a strip of them: few words
    contract.NETWORK: "what goes in: presets, and your own numbers",
    contract.BATCH: "each sample in a row, and their mean",
    contract.PICTURE: "the network drawn, epoch by epoch",
    contract.FORWARD: "from the inputs to the loss; the epoch to show",
    contract.BACKWARD: "from the loss back to every weight, and the update",
    contract.GRADIENT_CHECK: "each derivative again, from the loss alone",
    contract.LEARNING_RATES: "a descent at six rates of your choice",
    contract.OPTIMIZERS: "SGD, momentum and Adam from one start",
    contract.TRAINING_LOG: "step, run n, undo, reset by buttons",
    contract.SPOT_THE_MISTAKE: "errors that learners make, and what finds them",
    contract.RESULTS: "train a network on handwritten digits",
    contract.RUNS: "all trainings, side by side",
}
TRY = {  # what to begin with, by sheet
    contract.NETWORK: "type 0.9 beside w1, then look at Forward and Picture: everything follows",
    contract.LEARNING_RATES: "type 50 as a rate, then 1000: does E_total still fall, and do the two sides still agree?",
    contract.SPOT_THE_MISTAKE: "choose a mistake: the loss hardly shows it, the gradient check does",
}
STEPS = (
    "Each quantity stands three ways: a formula to read, a native cell formula, the value from Python.",
    "“agrees”: the two, written independently, differ by rounding or 1E-12 at most (after many updates 1E-10).",
    "“PASS”: the derivative is the one that the loss itself shows when the weight is moved a little.",
    "Change a bordered cell: on Network, Forward, Picture, Learning rates, Spot the mistake. All follows.",
    "A cell that is text or an error is named here and on every sheet; what depends on it shows #N/A.",
)
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
    sheet = book.sheet(TITLE)
    write_network(book, sheet)
    row = TOP_ROW if book.exercise else write_tries(book, sheet)
    write_steps(book, sheet, row)
    write_strip(book, sheet)
    section(book, sheet, DETAILS_ROW, "The state in detail, by its technical names")
    write_problem(book, sheet)
    for part in (write_answers,) if book.exercise else (write_verdict, write_agreement, write_state):
        part(book, sheet)
    write_python_state(book, sheet)
    style.printed(sheet, READY_ROW, WIDTHS)


def section(book: Book, sheet: Worksheet, row: int, title: str, first: int = 0) -> None:
    sheet.set_row(row, 24)
    for column in range(first, COLUMNS):
        sheet.write_blank(row, column, None, book.looks["section"])
    sheet.write_string(row, first, title, book.looks["section"])


def write_network(book: Book, sheet: Worksheet) -> None:
    """The network small, over the points of Picture."""
    chart = drawing.small(book, picture.view(book), *NETWORK)
    about = f"The network {book.network.text}, small: a column of discs per layer, lines for weights as on Picture."
    style.insert_chart(sheet, (TOP_ROW, 0), chart, about, y_offset=4)


def write_tries(book: Book, sheet: Worksheet) -> int:
    """What to try first, each with its link. Gives the next free row."""
    section(book, sheet, TOP_ROW, "Three things to try first", BESIDE)
    for row, (name, text) in enumerate(TRY.items(), TOP_ROW + 1):
        link(book, sheet, row, BESIDE, name, "link")
        sheet.write_string(row, BESIDE + 1, f"  {text}", book.looks["plain"])
    return TOP_ROW + 1 + TRIED


def link(book: Book, sheet: Worksheet, row: int, column: int, name: str, look: str) -> None:
    sheet.write_url(row, column, f"internal:'{name}'!A1", book.looks[look], name)


def write_steps(book: Book, sheet: Worksheet, row: int) -> None:
    section(book, sheet, row, "How to do it" if book.exercise else "How to read it", BESIDE)
    for at, text in enumerate(EXERCISE_STEPS if book.exercise else STEPS, row + 1):
        sheet.write_string(at, BESIDE, text, book.looks["plain"])


def write_strip(book: Book, sheet: Worksheet) -> None:
    """A tile for each sheet that is shown, two columns wide: its link, and below it what there is. In two rows."""
    section(book, sheet, STRIP_ROW, "Sheets")
    here = {each.name for each in book.workbook.worksheets() if not each.hidden}
    for row, height in enumerate((22, 27) * 2, STRIP_ROW + 1):
        sheet.set_row(row, height)
    for at, name in enumerate(title for title in SHEETS if title in here):
        row, column = STRIP_ROW + 1 + 2 * (at // TILES), 2 * (at % TILES)
        for below, look in enumerate(("strip_link", "strip_text")):
            sheet.merge_range(row + below, column, row + below, column + 1, None, book.looks[look])
        link(book, sheet, row, column, name, "strip_link")
        sheet.write_string(row + 1, column, SHEETS[name], book.looks["strip_text"])


def write_problem(book: Book, sheet: Worksheet) -> None:
    """problem: why not all can be compared, a sheet that was deleted, else the first cell that is no number.

    It is empty where nothing is wrong. A deleted sheet that no comparison needs is named beside it only.
    """
    bad = f'IF(first_bad_input="{ALL_GOOD}",first_bad_rate,"Network: "&first_bad_input)'
    needed = [each.name for each in book.workbook.worksheets() if each is not sheet and each.name not in ASIDE]
    place = (INPUTS_ROW, COLUMNS) * 2
    array(sheet, place, first_gone(needed, TAKE_ANOTHER, bad), book.looks["hidden_text"], "")
    book.define("problem", sheet, place)
    aside = first_gone(ASIDE, f"nothing that is compared needs it; to have it back, {TAKE_ANOTHER}", f'"{ALL_GOOD}"')
    write_detail(book, sheet, INPUTS_ROW, "Cells to edit")
    one_cell(sheet, INPUTS_ROW, f'IF(problem="",{aside},problem)', book.looks["plain"], ALL_GOOD)


def write_detail(book: Book, sheet: Worksheet, row: int, label: str) -> None:
    sheet.write_string(row, 0, label, book.looks["muted_plain"])


def write_verdict(book: Book, sheet: Worksheet) -> None:
    """All comparisons of the workbook in one line."""
    count = sum(cells for _, cells in book.compared)
    different, good = tally(book.compared, "differs"), tally(book.compared, "agrees")
    part = f'({good})&" of {count} comparisons agree; at the others there is no number, or the last digits decide"'
    agree = f'IF({good}={count},"all {count} comparisons agree",{part})'
    compare = f'IF(problem="",{agree},"cannot compare: "&problem)'
    differ = f'IF({different}>0,({different})&" of {count} comparisons differ: look for “differs”",{compare})'
    write_detail(book, sheet, VERDICT_ROW, "Native and Python")
    one_cell(sheet, VERDICT_ROW, f'IF(python_ready,{differ},"{NOT_CONNECTED}")', book.looks["plain"], NOT_CONNECTED)


def checked(book: Book) -> str:
    """What the gradient check says of the workbook as it is built."""
    return f"{book.network.weight_count} of {book.network.weight_count} derivatives PASS"


def write_agreement(book: Book, sheet: Worksheet) -> None:
    """workbook_agrees: the one cell that says whether the workbook agrees with itself, with or without Python."""
    check = f'COUNTIF(gradient_check,"PASS")&" of {book.network.weight_count} derivatives PASS"'
    check = f'=IF(first_bad_input="{ALL_GOOD}",{check},"cannot check: "&first_bad_input)'
    write_detail(book, sheet, CHECK_ROW, "Gradient check")
    sheet.write_formula(CHECK_ROW, 1, check, book.looks["plain"], checked(book))
    agrees = f'IF(python_ready,"agrees","{AGREES_ALONE}")'
    agrees = f'IF(ISNUMBER({book.shown["E_total"].on(sheet)}),{agrees},"{DIVERGED}")'
    wrong = f'{tally(book.compared, "differs")}+IF(problem="",IFERROR(COUNTIF(gradient_check,"FAIL"),0),0)'
    write_detail(book, sheet, AGREES_ROW, "This workbook")
    verdict = f'IF({wrong}>0,"differs",IF(problem="",{agrees},"cannot compare: "&problem))'
    one_cell(sheet, AGREES_ROW, verdict, book.looks["plain"], AGREES_ALONE)
    book.define("workbook_agrees", sheet, (AGREES_ROW, 1) * 2)
    colour_states(book, sheet, (AGREES_ROW, 1, AGREES_ROW, 1))


def write_state(book: Book, sheet: Worksheet) -> None:
    """The state in one line of words, coloured by it, and what to do about it."""
    comparisons, check = (xl_rowcol_to_cell(row, 1) for row in (VERDICT_ROW, CHECK_ROW))
    both = f'{comparisons}&", and "&{check}&"."'
    alone = f'"This workbook agrees with itself: "&{check}&". Python is not connected."'
    other = 'UPPER(LEFT(workbook_agrees,1))&MID(workbook_agrees,2,999)&"."'
    words = f'IF(workbook_agrees="differs","Something differs: "&{both},{other})'
    words = f'IF(workbook_agrees="{AGREES_ALONE}",{alone},{words})'
    words = f'IF(workbook_agrees="agrees","Python is connected: "&{both},{words})'
    first = f"This workbook agrees with itself: {checked(book)}. Python is not connected."
    sheet.set_row(STATE_ROW, 26)
    array(sheet, (STATE_ROW, 0) * 2, words, book.looks["state_line"], first)
    for state, colour in (('LEFT(workbook_agrees,6)="agrees"', style.GOOD), ('workbook_agrees="differs"', style.BAD)):
        rule = {"type": "formula", "criteria": f"={state}", "format": book.workbook.add_format({"font_color": colour})}
        sheet.conditional_format(STATE_ROW, 0, STATE_ROW, 0, rule)
    write_advice(book, sheet)


def write_advice(book: Book, sheet: Worksheet) -> None:
    """What to do about the state that is shown above."""
    red = [f'IFERROR(IF(COUNTIF(gradient_check,"FAIL")>0," {contract.BACKWARD}",""),"")']
    titles = dict.fromkeys(area.split("!")[0] for area, _ in book.compared)
    for title in titles:
        here = [each for each in book.compared if each[0].split("!")[0] == title]
        red.append(f'IF({tally(here, "differs")}>0," {title.replace(chr(39), chr(8217))}","")')
    look = f'"Look for “differs” and “FAIL” on"&{"&".join(red)}&". A formula or a number was changed: {TAKE_ANOTHER}"'
    connected, inputs = f'IF(python_ready,"{CONNECTED}","{CONNECT}")', xl_rowcol_to_cell(INPUTS_ROW, 1)
    advice = f'IF(workbook_agrees="differs",{look},IF({inputs}="{ALL_GOOD}",{connected},{inputs}))'
    write_detail(book, sheet, TO_DO_ROW, "What to do")
    one_cell(sheet, TO_DO_ROW, advice, book.looks["plain"], CONNECT)
    array(sheet, (ADVICE_ROW, 0) * 2, xl_rowcol_to_cell(TO_DO_ROW, 1), book.looks["advice"], CONNECT)


def write_answers(book: Book, sheet: Worksheet) -> None:
    """answers_right: how far the exercise is done."""
    count, looks = sum(cells for _, cells in exercise.compared(book)), book.looks
    states = {AGREES_ROW: ("Your answers", "right", f" of {count} answers are right", 0)}
    states |= {CHECK_ROW: ("Not yet right", "not yet", "", 0), VERDICT_ROW: ("Still blank", "blank", "", count)}
    for row, (label, state, rest, number) in states.items():
        write_detail(book, sheet, row, label)
        text = f'=({tally(exercise.compared(book), state)})&"{rest}"'
        sheet.write_formula(row, 1, text, looks["plain"], f"{number}{rest}")
    book.define("answers_right", sheet, (AGREES_ROW, 1) * 2)
    right, wrong, blank = (xl_rowcol_to_cell(row, 1) for row in (AGREES_ROW, CHECK_ROW, VERDICT_ROW))
    sheet.set_row(STATE_ROW, 26)
    words = f'={right}&", "&{wrong}&" not yet, "&{blank}&" are blank."'
    first = f"0 of {count} answers are right, 0 not yet, {count} are blank."
    sheet.write_formula(STATE_ROW, 0, words, looks["state_line"], first)
    sheet.write_string(ADVICE_ROW, 0, EXERCISE, looks["advice"])


def write_python_state(book: Book, sheet: Worksheet) -> None:
    """python_ready asks BACKPROP_VERSION. Where no such function exists, or no Python behind it, it is FALSE."""
    write_detail(book, sheet, VERSION_ROW, "version and place")
    write_detail(book, sheet, READY_ROW, "python_ready")
    book.record(sheet, (VERSION_ROW, 1) * 2, VERSION)
    one_cell(sheet, VERSION_ROW, f'IFERROR({VERSION},"{NOT_CONNECTED}")', book.looks["plain"], NOT_CONNECTED)
    one_cell(sheet, READY_ROW, PYTHON_READY, book.looks["yes_no"], 0)
    book.define("python_ready", sheet, (READY_ROW, 1) * 2)
    colour_states(book, sheet, (VERSION_ROW, 1, VERSION_ROW, 1))


def one_cell(sheet: Worksheet, row: int, formula: str, look: object, text: str | int) -> None:
    array(sheet, (row, 1, row, 1), formula, look, text)
