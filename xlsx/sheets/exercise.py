"""The exercise version: answers left blank, each with a cell beside that says right, not yet or blank.

The key stands on a sheet that no menu shows; it follows Network, so each learner can be given other numbers.
"""

from __future__ import annotations

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract, expressions
from xlsx.formulas import Quantity, in_order
from xlsx.sheets.cells import Book, colour_states, stored

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


def quantities(book: Book, sheet: Worksheet, row: int, rows: list[Quantity]) -> int:
    """A row per quantity: its formula to read, a blank for the answer, the check. Gives the next free row."""
    key, column = book.sheet(contract.KEY), COLUMN_OF_SHEET[sheet.name]
    for quantity in in_order(rows):
        value = expressions.evaluate(quantity.expression, book.values)
        book.place(quantity.name, key, row + rows.index(quantity), column, value)
    for at, quantity in enumerate(rows, row):
        formula = "=" + expressions.native(quantity.expression, lambda name: book.reference(name, key))
        key.write_formula(at, column, formula, book.looks["number"], stored(book.values[quantity.name]))
        question(book, sheet, at, quantity)
    last = row + len(rows) - 1
    area = (row, CHECK, last, CHECK)
    book.compared.append((f"{sheet.name}!{xl_range(*area)}", len(rows)))
    colour_states(book, sheet, area)
    return last + 1


def question(book: Book, sheet: Worksheet, row: int, quantity: Quantity) -> None:
    looks, answer = book.looks, xl_rowcol_to_cell(row, ANSWER)
    key = book.reference(quantity.name, sheet)
    sheet.write_string(row, NAME, quantity.name, looks["label_wrap"])
    sheet.write_string(row, MEANING, quantity.meaning, looks["muted"])
    sheet.write_string(row, FORMULA, quantity.text, looks["formula"])
    sheet.write_blank(row, WORK, None, looks["formula"])
    sheet.write_blank(row, ANSWER, None, looks["edit"])
    near = f"ABS({answer}-{key})<={DIGITS}*ABS({key})+{SMALL}"
    right = f'IF(ISNUMBER({answer})*ISNUMBER({key}),IF({near},"right","not yet"),"not yet")'
    sheet.write_formula(row, CHECK, f'=IF(ISBLANK({answer}),"blank",{right})', looks["state"], "blank")
    book.answers[quantity.name] = (sheet, row, ANSWER)


def compared(book: Book) -> list[tuple[str, int]]:
    """The checks of the answers, as book.compared has them beside others."""
    return [each for each in book.compared if each[0].split("!")[0] in COLUMN_OF_SHEET]
