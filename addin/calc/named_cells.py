"""Cells of an open document by their defined names, wherever the user moved or renamed the sheet.

Standard library only, Python 3.9; the document is a UNO object.
"""

from __future__ import annotations

from addin.calc.document import Address, Cells, Document, Rows, Sheet
from xlsx.contract import MESSAGES, PRINTED_ROWS

WHERE = "Tools > Protect Sheet"  # a sheet's protection is taken off


class SheetError(Exception):
    """The workbook lacks what an action needs; the text says what, where, and what to do."""


class NamedCells:
    """The named cells of one document. Raises SheetError where a name is gone, broken, or its sheet protected."""

    def __init__(self, document: Document):
        self.document = document

    @staticmethod
    def has(document: Document, name: str) -> bool:
        """Whether the document is a workbook with this name."""
        ranges = getattr(document, "NamedRanges", None)
        return ranges is not None and ranges.hasByName(name)

    def cells(self, name: str) -> Cells:
        """The cells of a name. One of a deleted sheet refers to those of the sheet that has its place now."""
        ranges = self.document.NamedRanges
        named = ranges.getByName(name) if ranges.hasByName(name) else None
        cells = named.getReferredCells() if named and "#REF!" not in named.getContent() else None
        if cells is None:
            raise SheetError(MESSAGES["no name"].format(name=name))
        return cells

    def below(self, name: str, first: int, last: int | None = None) -> Cells:
        """The cells from `first` to `last` rows under the named ones, as wide as they are."""
        area = self.cells(name).RangeAddress
        sheet = self.document.Sheets.getByIndex(area.Sheet)
        rows = area.StartRow + first, area.StartRow + (first if last is None else last)
        return sheet.getCellRangeByPosition(area.StartColumn, rows[0], area.EndColumn, rows[1])

    def used_below(self, name: str) -> int:
        """How many rows right under the named cells hold anything; what stands below a blank one is the user's."""
        area = self.cells(name).RangeAddress
        cursor = self.document.Sheets.getByIndex(area.Sheet).createCursor()
        cursor.gotoEndOfUsedArea(False)
        last = cursor.RangeAddress.EndRow - area.StartRow
        rows = self.below(name, 1, last).getDataArray() if last > 0 else ()
        return next((number for number, row in enumerate(rows) if not any(cell != "" for cell in row)), len(rows))

    def need_writable(self, name: str) -> tuple[Sheet, Address]:
        """Raise SheetError where the sheet of the named cells is protected; that sheet and their address."""
        area = self.cells(name).RangeAddress
        sheet = self.document.Sheets.getByIndex(area.Sheet)
        if sheet.isProtected():
            raise SheetError(MESSAGES["protected"].format(sheet=sheet.Name, where=WHERE))
        return sheet, area

    def replace_below(self, name: str, rows: Rows) -> None:
        """Write rows as wide as the named cells right under them, and empty what stands under these."""
        area = self.cells(name).RangeAddress
        blank = ("",) * (area.EndColumn - area.StartColumn + 1)
        spare = max(self.used_below(name) - len(rows), 0)
        if written := [*rows, *[blank] * spare]:
            self.write(name, written, below=1)

    def write(self, name: str, rows: Rows, below: int = 0) -> None:
        """Write rows of numbers and texts, `below` rows under the named cells, outside the user's undo list."""
        sheet, area = self.need_writable(name)
        first = area.StartRow + below
        end = area.StartColumn + len(rows[0]) - 1, first + len(rows) - 1
        cells = sheet.getCellRangeByPosition(area.StartColumn, first, *end)
        self.document.UndoManager.lock()
        try:
            cells.setDataArray(rows)
        finally:
            self.document.UndoManager.unlock()

    def print_rows(self, name: str, rows: int) -> None:
        """Have so many rows under the heads of a table printed, or as many as at first; the user's own area stays."""
        head = self.cells(name).RangeAddress
        sheet = self.document.Sheets.getByIndex(head.Sheet)
        areas = sheet.getPrintAreas()
        end = head.StartRow + max(rows, PRINTED_ROWS)
        if len(areas) != 1 or areas[0].EndRow in range(head.StartRow + PRINTED_ROWS) or areas[0].EndRow == end:
            return
        areas[0].EndRow = end
        self.document.UndoManager.lock()
        try:
            sheet.setPrintAreas(areas)
        finally:
            self.document.UndoManager.unlock()
