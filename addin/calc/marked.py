"""A document with the marks and the report of a check: put there, and taken away again, as one step of Undo.

Standard library only, Python 3.9; the document is a UNO object, and what needs UNO's classes is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from typing import Any, Callable

from addin.calc.named_cells import SheetError
from xlsx.contract import (
    CHECK,
    CHECK_COLOUR,
    CHECK_FORMULA,
    CHECK_NOTE,
    CHECK_REPORT,
    CHECK_SHEET,
    CHECK_STYLE,
    MESSAGES,
)

Properties = Callable[..., Any]  # a tuple of com.sun.star.beans.PropertyValue
FORMULA = 9  # com.sun.star.sheet.ConditionOperator2
LINK = """=HYPERLINK("#'{sheet}'.{cell}";"{sheet}!{cell}")"""
WIDTHS = (4_000, 30_000)  # of the report's columns, in hundredths of a millimetre
BOLD = 150.0  # com.sun.star.awt.FontWeight


class Marked:
    """What a check has to do with a document."""

    def __init__(self, document: Any, properties: Properties):
        self.document, self._properties = document, properties

    def contents(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """What every sheet holds, as it is typed: to tell afterwards what has changed."""
        return {sheet.Name: used(sheet).getFormulaArray() for sheet in self.document.Sheets}

    def show(self, answer: dict[str, Any], before: dict[str, tuple[tuple[str, ...], ...]]) -> None:
        """Mark what the check found, and write its report. Raises SheetError where no sheet can be added."""
        if self.document.isProtected():
            raise SheetError(MESSAGES["no report"])
        with self._one_step(next(caption for caption, command in CHECK.items() if command == "check")):
            self._remove()
            said = self._mark(answer, before)
            self._report([*answer["rows"][:1], *(["", "", text] for text in said), *answer["rows"][1:]])

    def clear(self) -> None:
        """Take marks, notes and report away; everything else stays as it is."""
        with self._one_step(next(caption for caption, command in CHECK.items() if command == "clear_marks")):
            self._remove()

    @contextmanager
    def _one_step(self, title: str) -> Iterator[None]:
        self.document.UndoManager.enterUndoContext(title)
        self.document.lockControllers()
        try:
            yield
        finally:
            self.document.unlockControllers()
            self.document.UndoManager.leaveUndoContext()

    def _remove(self) -> None:
        sheets = self.document.Sheets
        for sheet in sheets:
            if not sheet.isProtected():
                remove_marks(sheet)
        for name in sheets.ElementNames:
            if sheets.getByName(name).NamedRanges.hasByName(CHECK_REPORT) and sheets.Count > 1:
                sheets.removeByName(name)

    def _mark(self, answer: dict[str, Any], before: dict[str, tuple[tuple[str, ...], ...]]) -> list[str]:
        """Mark cells and note what is wrong; what could not be marked, in words."""
        said, changed = [], 0
        for name in dict.fromkeys(name for name, _ in answer["marks"]):
            if not self.document.Sheets.hasByName(name):
                continue
            sheet = self.document.Sheets.getByName(name)
            if sheet.isProtected():
                said.append(MESSAGES["unmarked"].format(sheet=name))
                continue
            edited = edits(before.get(name, ()), used(sheet).getFormulaArray())
            wanted = [cell for mark, area in answer["marks"] if mark == name for cell in cells(sheet, area)]
            changed += len(edited.intersection(wanted))
            self._colour(sheet, [cell for cell in wanted if cell not in edited])
            notes = [(cells(sheet, cell)[0], text) for where, cell, text in answer["notes"] if where == name]
            add_notes(sheet, [(cell, text) for cell, text in notes if cell not in edited])
        return [*said, *([MESSAGES["edited"].format(count=changed)] if changed else [])]

    def _colour(self, sheet: Any, wanted: list[tuple[int, int]]) -> None:
        """Give cells that have no conditional format of their own one that colours them."""
        taken = {
            (row, column)
            for each in sheet.ConditionalFormats.getConditionalFormats()
            for area in each.Range.RangeAddresses
            for row, column in wanted
            if area.StartRow <= row <= area.EndRow and area.StartColumn <= column <= area.EndColumn
        }
        ranges = self.document.createInstance("com.sun.star.sheet.SheetCellRanges")
        for row, column in dict.fromkeys(wanted):
            if (row, column) not in taken:
                ranges.addRangeAddress(sheet.getCellByPosition(column, row).RangeAddress, True)
        if ranges.Count:
            self._need_style()
            formats = ranges.ConditionalFormat
            formats.addNew(self._properties(Operator=FORMULA, Formula1=CHECK_FORMULA, StyleName=CHECK_STYLE))
            ranges.ConditionalFormat = formats

    def _need_style(self) -> None:
        styles = self.document.StyleFamilies.getByName("CellStyles")
        if not styles.hasByName(CHECK_STYLE):
            style = self.document.createInstance("com.sun.star.style.CellStyle")
            styles.insertByName(CHECK_STYLE, style)
            style.CellBackColor = CHECK_COLOUR

    def _report(self, rows: list[list[str]]) -> None:
        """A sheet at the end, with a row for each of the report's."""
        sheets = self.document.Sheets
        names = chain([CHECK_SHEET], (f"{CHECK_SHEET} ({number})" for number in count(2)))
        name = next(name for name in names if not sheets.hasByName(name))
        sheets.insertNewByName(name, sheets.Count)
        sheet = sheets.getByName(name)
        for number, (where, cell, text) in enumerate(rows):
            sheet.getCellByPosition(1, number).String = text
            if cell:
                link = LINK.format(sheet=where.replace("'", "''").replace('"', '""'), cell=cell)
                sheet.getCellByPosition(0, number).Formula = link
        sheet.getCellByPosition(1, 0).CharWeight = BOLD
        for column, width in enumerate(WIDTHS):
            sheet.Columns.getByIndex(column).Width = width
        sheet.getCellRangeByPosition(1, 0, 1, len(rows)).IsTextWrapped = True
        corner = sheet.getCellByPosition(0, 0).CellAddress
        sheet.NamedRanges.addNewByName(CHECK_REPORT, f"$'{name}'.$A$1", corner, 0)


def used(sheet: Any) -> Any:
    """The cells from A1 to the last one that holds something."""
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    end = cursor.RangeAddress
    return sheet.getCellRangeByPosition(0, 0, end.EndColumn, end.EndRow)


def cells(sheet: Any, area: str) -> list[tuple[int, int]]:
    """Row and column, from 0, of every cell of a range such as A2:A9."""
    found = sheet.getCellRangeByName(area).RangeAddress
    rows, columns = range(found.StartRow, found.EndRow + 1), range(found.StartColumn, found.EndColumn + 1)
    return [(row, column) for row in rows for column in columns]


def edits(before: tuple[tuple[str, ...], ...], now: tuple[tuple[str, ...], ...]) -> set[tuple[int, int]]:
    """The cells that hold something else than before."""
    places = {(row, column) for rows in (before, now) for row, line in enumerate(rows) for column in range(len(line))}
    return {place for place in places if at(before, *place) != at(now, *place)}


def at(rows: tuple[tuple[str, ...], ...], row: int, column: int) -> str:
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else ""


def add_notes(sheet: Any, notes: list[tuple[tuple[int, int], str]]) -> None:
    """Note what is wrong on cells that have no note."""
    noted = {(each.Position.Row, each.Position.Column) for each in sheet.Annotations}
    for (row, column), text in notes:
        if (row, column) not in noted:
            sheet.Annotations.insertNew(sheet.getCellByPosition(column, row).CellAddress, text)


def remove_marks(sheet: Any) -> None:
    """Take our conditional formats and our notes away, also those that a file brought back."""
    formats = sheet.ConditionalFormats
    for each in formats.getConditionalFormats():
        if each.Count == 1 and each.getByIndex(0).Formula1 == CHECK_FORMULA:
            formats.removeByID(each.ID)
    notes = sheet.Annotations
    for number in reversed(range(notes.Count)):
        shape = notes.getByIndex(number).AnnotationShape  # a note read from an .xlsx has no text of its own yet
        if shape.String.startswith(CHECK_NOTE):
            notes.removeByIndex(number)
