"""Functions of an .ods that was saved where the extension was not: LibreOffice kept their names as mere texts.

It writes a name that it does not know in small letters, and takes it for a function no more. Standard library only,
Python 3.9; the document is a UNO object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any


def known_again(document: Any, names: Iterable[str]) -> None:
    """Enter anew, outside of Undo, the formulas that call one of these functions by a name in small letters.

    In Excel's files the names stay as they were, and to look for them takes a fifth of the time of opening one.
    """
    if any(value.Name == "FilterName" and "Excel" in value.Value for value in document.Args):
        return
    pattern = re.compile(rf"({'|'.join(name.lower() for name in names)})\(")
    document.UndoManager.lock()
    try:
        for sheet in document.Sheets:
            known_again_on(sheet, pattern)
    finally:
        document.UndoManager.unlock()


def known_again_on(sheet: Any, pattern: re.Pattern[str]) -> None:
    """The same on one sheet."""
    wanted = sheet.createSearchDescriptor()
    wanted.SearchRegularExpression = wanted.SearchCaseSensitive = True
    wanted.SearchString = pattern.pattern
    done: set[tuple[int, int]] = set()
    for column, row in places(sheet.findAll(wanted)):
        if (column, row) not in done:
            done |= enter(sheet, column, row, pattern)


def places(found: Any) -> Iterator[tuple[int, int]]:
    """Column and row of every cell of the ranges that a search has found, or of none."""
    for area in found.RangeAddresses if found else ():
        for row in range(area.StartRow, area.EndRow + 1):
            for column in range(area.StartColumn, area.EndColumn + 1):
                yield column, row


def enter(sheet: Any, column: int, row: int, pattern: re.Pattern[str]) -> set[tuple[int, int]]:
    """Enter a cell's formula with its functions' names in capitals; gives the cells of its array block."""
    cell = sheet.getCellByPosition(column, row)
    block = sheet.createCursorByRange(cell)
    block.collapseToCurrentArray()
    formula = pattern.sub(lambda match: match[0].upper(), cell.Formula)
    if formula.startswith("{"):
        block.setArrayFormula(formula.strip("{}"))
    else:
        cell.Formula = formula
    area = block.RangeAddress
    columns, rows = range(area.StartColumn, area.EndColumn + 1), range(area.StartRow, area.EndRow + 1)
    return {(each, at) for at in rows for each in columns}
