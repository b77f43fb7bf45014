"""Excel for Mac, whose cells cannot call Python: a button has Python write its numbers into the columns as values.

The sheet of settings lists every block with its call (`project.write_settings`). python_ready is TRUE from the last
number on until a cell changes, which a macro notices: it empties the columns again.
"""

import re
from datetime import datetime

import xlwings

from addin import functions
from addin.cells import Rows
from addin.contract import BLOCKS_CALL, BLOCKS_PLACE, BLOCKS_ROW, SETTINGS_SHEET
from xlsx.contract import NOTHING

OUTER = re.compile(r"TRANSPOSE\((?P<transposed>.*)\)|INDEX\((?P<indexed>.*),0,(?P<column>\d+)\)")
ARGUMENT = re.compile(r'"((?:[^"]|"")*)"|([^,"]+)')


def recalculate() -> str:
    """Write all numbers into the workbook whose macro runs this; says so in a line."""
    return compute(xlwings.Book.caller())


def compute(book: xlwings.Book) -> str:
    settings, ready = book.sheets[SETTINGS_SHEET], cells(book, "python_ready")
    ready.value = False
    row = BLOCKS_ROW
    while formula := settings.range((row, BLOCKS_PLACE)).formula:
        block = place(book, str(formula))
        block.value = filled(answer(book, settings.range((row, BLOCKS_CALL)).value), block.shape)
        row += 1
    ready.value = True
    return f"Python's numbers are those of {datetime.now():%H:%M:%S}; press Recalculate after a change"


def cells(book: xlwings.Book, name: str) -> xlwings.Range:
    return book.names[name].refers_to_range


def place(book: xlwings.Book, formula: str) -> xlwings.Range:
    """The cells that =ROWS(sheet!area) speaks of: Excel keeps it right when sheets are renamed and rows inserted."""
    sheet, _, area = formula.removeprefix("=ROWS(").removesuffix(")").rpartition("!")
    return book.sheets[sheet.removeprefix("'").removesuffix("'").replace("''", "'")].range(area)


def answer(book: xlwings.Book, call: str) -> Rows:
    """What Python answers to a call such as TRANSPOSE(BACKPROP_LOSS(weights,inputs,targets,network))."""
    if outer := OUTER.fullmatch(call):
        rows = answer(book, outer["transposed"] or outer["indexed"])
        if outer["column"] is None:
            return [list(column) for column in zip(*rows, strict=True)]
        return [[row[int(outer["column"]) - 1]] for row in rows] if len(rows[0]) > 1 else rows
    name, _, listed = call.removesuffix(")").partition("(")
    given = [argument(book, *found) for found in ARGUMENT.findall(listed)]
    lacking = len(functions.FUNCTIONS[name].parameters) - len(given)
    return functions.call(name, (*given, *[None] * lacking))


def argument(book: xlwings.Book, text: str, other: str) -> object:
    """A text, a number, or the values of a named range as rows."""
    if not other:
        return text.replace('""', '"')
    if re.fullmatch(r"[-+.\dEe]+", other):
        return float(other)
    return cells(book, other).options(ndim=2, err_to_str=True).value


def filled(rows: Rows, shape: tuple[int, int]) -> Rows:
    """The rows in a block of this shape: one text fills it, as an array formula would."""
    if len(rows) == len(rows[0]) == 1:
        return [[rows[0][0]] * shape[1] for _ in range(shape[0])]
    return [[row[column] if column < len(row) else NOTHING for column in range(shape[1])] for row in rows[: shape[0]]]
