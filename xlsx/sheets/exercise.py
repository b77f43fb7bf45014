"""The exercise version: answers left blank, each with a cell beside that says right, not yet or blank.

The key stands on a sheet that no menu shows; it follows Network, so each learner can be given other numbers.
"""

from __future__ import annotations

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract, expressions
from xlsx.expressions import stored
from xlsx.formulas import Quantity
from xlsx.sheets import style
from xlsx.sheets.book import Book, Cell
from xlsx.sheets.cells import colour_states

COLUMNS = (
    ("Quantity", "header"),
    ("What it is", "header"),
    ("Formula", "header"),
    ("Your work, if you like", "header"),
    ("Your answer", "header_right"),
    ("Check", "header_state"),
)
NAME, MEANING, FORMULA, WORK, ANSWER, CHECK = range(len(COLUMNS))
COLUMN_OF_SHEET = {contract.FORWARD: 0, contract.BACKWARD: 1}
DIGITS, SMALL = "1E-4", "1E-9"  # four figures are enough; a smaller difference than this never matters
HIDDEN = (
    contract.GRADIENT_CHECK,
    contract.LEARNING_RATES,
    contract.OPTIMIZERS,
    contract.TRAINING_LOG,
    contract.SPOT_THE_MISTAKE,
    contract.BATCH,
)


def place(book: Book, sheet: Worksheet, first: int, rows: list[Quantity]) -> None:
    """The numbers stand on the key, at the rows of their questions."""
    key, column = book.sheet(contract.KEY), COLUMN_OF_SHEET[sheet.name]
    for row, quantity in enumerate(rows, first):
        book.shown[quantity.name] = Cell(key, row, column)
        book.answers[quantity.name] = Cell(sheet, row, ANSWER)
    book.compare(sheet, (first, CHECK, first + len(rows) - 1, CHECK))


def write(book: Book, sheet: Worksheet, first: int, rows: list[Quantity]) -> None:
    """A row per quantity: its formula to read, a blank for the answer, the check; and the key."""
    for row, quantity in enumerate(rows, first):
        key = book.shown[quantity.name]
        formula = "=" + expressions.native(
            quantity.expression, lambda name: book.shown[name].on(book.sheet(contract.KEY))
        )
        key.sheet.write_formula(row, key.column, formula, book.looks["number"], stored(book.values[quantity.name]))
        question(book, sheet, row, quantity)
    colour_states(book, sheet, (first, CHECK, first + len(rows) - 1, CHECK))


def question(book: Book, sheet: Worksheet, row: int, quantity: Quantity) -> None:
    looks, answer = book.looks, xl_rowcol_to_cell(row, ANSWER)
    key = book.shown[quantity.name].on(sheet)
    sheet.write_string(row, NAME, quantity.name, looks["label_wrap"])
    sheet.write_string(row, MEANING, quantity.meaning, looks["muted"])
    sheet.write_string(row, FORMULA, style.unbroken(quantity.text), looks["formula"])
    sheet.write_blank(row, WORK, None, looks["formula"])
    sheet.write_blank(row, ANSWER, None, looks["edit"])
    near = f"ABS({answer}-{key})<={DIGITS}*ABS({key})+{SMALL}"
    right = f'IF(ISNUMBER({answer})*ISNUMBER({key}),IF({near},"right","not yet"),"not yet")'
    sheet.write_formula(row, CHECK, f'=IF(ISBLANK({answer}),"blank",{right})', looks["state"], "blank")


def compared(book: Book) -> list[tuple[str, int]]:
    """The checks of the answers, as book.compared has them beside others."""
    return [each for each in book.compared if each[0].split("!")[0] in COLUMN_OF_SHEET]
