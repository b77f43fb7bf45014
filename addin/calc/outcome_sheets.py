"""The sheets of what a finished run left, copied from its results workbook into the open document: one set of ours.

They say that the next run's take their place (contract.OUTCOME), by which they are known; nothing else is touched.
Standard library only, Python 3.9; documents are UNO objects.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from addin.calc.document import Document, Sheet
from xlsx.contract import MESSAGES, OUTCOME, OUTCOME_ROW

Opener = Callable[[Path], Document]  # opens a workbook that nobody sees
Dispatch = Callable[[Document, str], None]  # gives a document's window a command
GRID = ".uno:ToggleSheetGrid"  # of the sheet in front alone


def ours(document: Document) -> list[Sheet]:
    """The sheets of a run in a document."""
    return [sheet for sheet in document.Sheets if text(sheet, OUTCOME_ROW) == OUTCOME]


def shows(document: Document, folder: Path) -> bool:
    """Whether they are this run's: their titles end with its name."""
    found = ours(document)
    return bool(found) and all(text(sheet, 1).endswith(f" of {folder.name}") for sheet in found)


def text(sheet: Sheet, row: int) -> str:
    """What the first column of this row, counted from 1, says."""
    return str(sheet.getCellRangeByPosition(0, row - 1, 0, row - 1).getDataArray()[0][0])


def put_in_place(source: Sheet, copied: Sheet) -> None:
    """Move each picture to its cell: a window's columns are not exactly as wide as those that nobody sees."""
    for number in range(source.DrawPage.Count):
        picture, shape = source.DrawPage.getByIndex(number), copied.DrawPage.getByIndex(number)
        column, row = (getattr(picture.Anchor.CellAddress, part) for part in ("Column", "Row"))
        old, new = (sheet.getCellRangeByPosition(column, row, column, row) for sheet in (source, copied))
        position = picture.Position
        position.X += new.Position.X - old.Position.X
        position.Y += new.Position.Y - old.Position.Y
        shape.Anchor, shape.Position, shape.Size = new, position, picture.Size


def show_alike(source: Document, sheet: Sheet, document: Document, copied: Sheet, dispatch: Dispatch) -> None:
    """What is a window's own, and is not copied: no grid, and the rows that stay."""
    theirs, ours = source.CurrentController, document.CurrentController
    theirs.setActiveSheet(sheet)
    ours.setActiveSheet(copied)
    dispatch(document, GRID)
    if theirs.hasFrozenPanes():
        ours.freezeAtPosition(theirs.getSplitColumn(), theirs.getSplitRow())


def copy_in(document: Document, path: Path, open_hidden: Opener, dispatch: Dispatch) -> None:
    """Copy the sheets of a run in from this workbook in its folder, in place of another run's. Raises OSError."""
    if shows(document, path.parent):
        return
    source = open_hidden(path)
    document.UndoManager.lock()
    try:
        seen, wanted = document.CurrentController.ActiveSheet.Name, ours(source)
        if not wanted:
            raise OSError(MESSAGES["no outcome"])
        for sheet in ours(document):
            document.Sheets.removeByName(sheet.Name)
        for sheet in wanted:
            place = document.Sheets.importSheet(source, sheet.Name, document.Sheets.Count)
            put_in_place(sheet, document.Sheets.getByIndex(place))
            show_alike(source, sheet, document, document.Sheets.getByIndex(place), dispatch)
        if document.Sheets.hasByName(seen):
            document.CurrentController.setActiveSheet(document.Sheets.getByName(seen))
    finally:
        document.UndoManager.unlock()
        source.close(True)
