"""Our own workbooks: an exercise's answers, judged one by one, and the sheet with a mistake that is to be spotted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xlsx import contract

from .book import Book
from .findings import BLANK, NOT_YET, RIGHT, Answer
from .grid import Sheet, place

SHEETS = {contract.FORWARD: 1, contract.BACKWARD: 2}  # the column of the key that has a sheet's numbers
QUANTITY, ANSWER = "Quantity", "Your answer"
DIGITS, SMALL = 1e-4, 1e-9  # as the workbook's own cells beside the answers
FIGURES = 4  # to which a rounded answer is right, too


def answers(book: Book) -> list[Answer]:
    """Every answer of an exercise, in the order of its sheets; none in another workbook."""
    if contract.KEY not in book.grid.sheets:
        return []
    return [each for title, key in SHEETS.items() for each in on_sheet(book, book.grid.sheets.get(title), key)]


def on_sheet(book: Book, sheet: Sheet | None, key: int) -> Iterator[Answer]:
    """The answers below each row of titles that has a column for them."""
    titles = [(at, cell.value) for at, cell in sorted(sheet.cells.items())] if sheet else []
    named = {row: column for (row, column), text in titles if text == QUANTITY}
    asked = {row: column for (row, column), text in titles if text == ANSWER}
    for row in sorted(named.keys() & asked.keys()):
        at = row + 1
        while sheet and isinstance(quantity := book.value((sheet.name, at, named[row])), str):
            due = book.number((contract.KEY, at, key))
            if np.isfinite(due):
                where = (sheet.name, at, asked[row])
                yield Answer(quantity, sheet.name, place(*where[1:]), state(book.value(where), due))
            at += 1


def state(content: object, due: float) -> str:
    if content is None or content == "":
        return BLANK
    half_unit = 0.5 * 10.0 ** (np.floor(np.log10(abs(due))) - FIGURES + 1) if due else 0.0
    near = isinstance(content, float) and abs(content - due) <= max(DIGITS * abs(due), half_unit) + SMALL
    return RIGHT if near else NOT_YET


def on_purpose(book: Book) -> str:
    """The sheet of our own workbook that holds a mistake on purpose."""
    return contract.SPOT_THE_MISTAKE if {"mistake_number", "python_ready"} <= set(book.grid.names) else ""
