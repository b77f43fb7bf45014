"""A document with the marks and the report of a check: put there, and taken away again, as one step of Undo.

The office has no Undo for a conditional format that is put beside others, so that step has an action of ours for them.
Standard library only, Python 3.9; the document is a UNO object, and what needs UNO's classes is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from typing import Any, Callable, Optional

from addin.calc.document import Undoable
from addin.calc.named_cells import SheetError
from xlsx.contract import (
    CHECK,
    CHECK_COLOUR,
    CHECK_FORMULA,
    CHECK_LINK,
    CHECK_NOTE,
    CHECK_REPORT,
    CHECK_SHEET,
    CHECK_STYLE,
    CHECK_TEXT,
    MESSAGES,
    MOST_CHECKED,
)

Properties = Callable[..., Any]  # a tuple of com.sun.star.beans.PropertyValue
Cell = tuple[int, int]  # row and column, from 0
Contents = Optional[dict[Cell, str]]  # of a sheet; None for one that is too large to be checked
Areas = tuple[tuple[int, int, int, int], ...]  # left, top, right, bottom of each
Colours = list[tuple[str, Areas]]  # the marks by the names of their sheets
# com.sun.star.sheet.ConditionOperator2, ConditionEntryType, ConditionFormatOperator
FORMULA, CONDITION, EXPRESSION = 9, 0, 24
HELD = 1 | 2 | 4 | 16  # com.sun.star.sheet.CellFlags: VALUE, DATETIME, STRING, FORMULA
LINK = """=HYPERLINK("#'{sheet}'!{cell}";"{sheet}!{cell}")"""  # as every office follows it
WIDTHS = (4_000, 28_000)  # of the report's columns, in hundredths of a millimetre
BOLD, SINGLE = 150.0, 1  # com.sun.star.awt.FontWeight, FontUnderline
CAPTIONS = {command: caption for caption, command in CHECK.items()}


class Marked:
    """What a check has to do with a document."""

    def __init__(self, document: Any, undoable: Undoable, properties: Properties):
        self.document, self._undoable, self._properties = document, undoable, properties

    def contents(self) -> dict[str, Contents]:
        """What every sheet holds, as it is typed: to tell afterwards what has changed."""
        return {sheet.Name: contents(sheet) for sheet in self.document.Sheets}

    def show(self, answer: dict[str, Any], before: dict[str, Contents]) -> str:
        """Mark what the check found, and write its report; its sheet. Raises SheetError where none can be added."""
        if self.document.isProtected():
            raise SheetError(MESSAGES["no report"])
        with self._one_step(CAPTIONS["check"]):
            self._remove()
            said = self._mark(answer, before)
            return self._report([*answer["rows"][:1], *(["", "", text] for text in said), *answer["rows"][1:]])

    def clear(self) -> None:
        """Take marks, notes and report away; all else stays as it is. Raises SheetError where that is protected."""
        with self._one_step(CAPTIONS["clear_marks"]):
            self._remove()
        if self._colours() or self.reports():
            raise SheetError(MESSAGES["kept"])

    @contextmanager
    def _one_step(self, title: str) -> Iterator[None]:
        manager, before = self.document.UndoManager, self._colours()
        manager.enterUndoContext(title)
        self.document.lockControllers()
        try:
            yield
        finally:
            if (after := self._colours()) != before:
                again = self._undoable(title, lambda: self._recolour(before), lambda: self._recolour(after))
                manager.addUndoAction(again)
            self.document.unlockControllers()
            manager.leaveUndoContext()

    def _remove(self) -> None:
        for sheet in self.document.Sheets:
            if not sheet.isProtected():
                self._remove_marks(sheet)
                remove_notes(sheet)
        for name in () if self.document.isProtected() else self.reports():
            self.document.Sheets.removeByName(name)

    def reports(self) -> list[str]:
        """The sheets with reports; a document that has no other sheet keeps them."""
        sheets = self.document.Sheets
        found = [name for name in sheets.ElementNames if sheets.getByName(name).NamedRanges.hasByName(CHECK_REPORT)]
        return found if len(found) < sheets.Count else []

    def _mark(self, answer: dict[str, Any], before: dict[str, Contents]) -> list[str]:
        """Mark cells and note what is wrong; what could not be marked, in words."""
        said, changed, hidden = [], 0, list[str]()
        for name in dict.fromkeys(name for name, _ in answer["marks"]):
            if not self.document.Sheets.hasByName(name):
                continue
            sheet = self.document.Sheets.getByName(name)
            if sheet.isProtected():
                said.append(MESSAGES["unmarked"].format(sheet=name))
                continue
            wanted = [cell for mark, area in answer["marks"] if mark == name for cell in cells(sheet, area)]
            edited = edits(wanted, before.get(name, {}), contents(sheet))
            changed += len(edited)
            covered = self._colour(sheet, areas([cell for cell in wanted if cell not in edited]))
            notes = [(cells(sheet, cell)[0], text) for where, cell, text in answer["notes"] if where == name]
            add_notes(sheet, [(cell, text) for cell, text in notes if cell not in edited])
            add_notes(sheet, [((top, left), CHECK_NOTE + MESSAGES["covered"]) for left, top, _, _ in covered])
            hidden += [address(sheet, area) for area in covered]
        if hidden:
            said.append(MESSAGES["covered cells"].format(cells=", ".join(hidden)))
        return [*said, *([MESSAGES["edited"].format(count=changed)] if changed else [])]

    def _colours(self) -> Colours:
        """Where our marks are."""
        return [(sheet.Name, areas_of(mark)) for sheet in self.document.Sheets for mark in marks_on(sheet)]

    def _recolour(self, colours: Colours) -> None:
        """Have our marks there, and nowhere else."""
        for sheet in self.document.Sheets:
            self._remove_marks(sheet)
        for name, where in colours:
            self._colour(self.document.Sheets.getByName(name), where)

    def _colour(self, sheet: Any, where: Areas) -> Areas:
        """Colour these cells; gives those that others' conditional formats cover.

        These get one more beside them, which the office draws only when the file is opened again.
        """
        free, covered = split(sheet, where)
        self._need_style()
        if free:
            ranges = self._ranges(sheet, free)
            formats = ranges.ConditionalFormat
            formats.addNew(self._properties(Operator=FORMULA, Formula1=CHECK_FORMULA, StyleName=CHECK_STYLE))
            self._assign(ranges, formats)
        if covered:
            formats = sheet.ConditionalFormats
            number = formats.createByRange(self._ranges(sheet, covered))
            mark = next(each for each in formats.getConditionalFormats() if number == each.ID)
            mark.createEntry(CONDITION, 0)
            entry = mark.getByIndex(0)
            entry.Operator, entry.Formula1, entry.StyleName = EXPRESSION, CHECK_FORMULA, CHECK_STYLE
        return covered

    def _remove_marks(self, sheet: Any) -> None:
        """Take our conditional formats away, also those that a file brought back."""
        if free := split(sheet, tuple(area for mark in marks_on(sheet) for area in areas_of(mark)))[0]:
            ranges = self._ranges(sheet, free)
            formats = ranges.ConditionalFormat
            formats.clear()
            self._assign(ranges, formats)
        for mark in marks_on(sheet):
            sheet.ConditionalFormats.removeByID(mark.ID)

    def _assign(self, ranges: Any, formats: Any) -> None:
        """Outside the user's undo list, which has one action for all; several under one lock let the office crash."""
        self.document.UndoManager.lock()
        try:
            ranges.ConditionalFormat = formats
        finally:
            self.document.UndoManager.unlock()

    def _ranges(self, sheet: Any, where: Areas) -> Any:
        ranges = self.document.createInstance("com.sun.star.sheet.SheetCellRanges")
        for area in where:
            ranges.addRangeAddress(sheet.getCellRangeByPosition(*area).RangeAddress, False)
        return ranges

    def _need_style(self) -> None:
        styles = self.document.StyleFamilies.getByName("CellStyles")
        if not styles.hasByName(CHECK_STYLE):
            style = self.document.createInstance("com.sun.star.style.CellStyle")
            styles.insertByName(CHECK_STYLE, style)
            style.CellBackColor, style.CharColor = CHECK_COLOUR, CHECK_TEXT

    def _report(self, rows: list[list[str]]) -> str:
        """A sheet at the end, with a row for each of the report's; its name."""
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
        links = sheet.Columns.getByIndex(0)
        links.CharColor, links.CharUnderline = CHECK_LINK, SINGLE
        for column, width in enumerate(WIDTHS):
            sheet.Columns.getByIndex(column).Width = width
        sheet.getCellRangeByPosition(1, 0, 1, len(rows)).IsTextWrapped = True
        corner = sheet.getCellByPosition(0, 0).CellAddress
        sheet.NamedRanges.addNewByName(CHECK_REPORT, f"$'{name}'.$A$1", corner, 0)
        return name


def contents(sheet: Any) -> Contents:
    """What the cells hold that hold something."""
    found: dict[Cell, str] = {}
    held = sheet.queryContentCells(HELD)
    if sum(each.Columns.Count * each.Rows.Count for each in held) > MOST_CHECKED:
        return None
    for each in held:
        corner = each.RangeAddress
        for row, line in enumerate(each.getFormulaArray(), corner.StartRow):
            found.update(((row, column), text) for column, text in enumerate(line, corner.StartColumn))
    return found


def cells(sheet: Any, area: str) -> list[Cell]:
    """Every cell of a range such as A2:A9."""
    found = sheet.getCellRangeByName(area).RangeAddress
    rows, columns = range(found.StartRow, found.EndRow + 1), range(found.StartColumn, found.EndColumn + 1)
    return [(row, column) for row in rows for column in columns]


def address(sheet: Any, area: tuple[int, int, int, int]) -> str:
    """An area as a formula names it: Sheet1.X7:X9."""
    return str(sheet.getCellRangeByPosition(*area).AbsoluteName).replace("$", "")


def edits(wanted: list[Cell], before: Contents, now: Contents) -> set[Cell]:
    """The cells that hold something else than before; nobody can tell of a sheet that was too large."""
    if before is None or now is None:
        return set()
    return {cell for cell in wanted if before.get(cell, "") != now.get(cell, "")}


def areas(wanted: list[Cell]) -> Areas:
    """The cells as areas, each of neighbours in a column."""
    found: list[tuple[int, int, int, int]] = []
    for row, column in sorted(set(wanted), key=lambda cell: (cell[1], cell[0])):
        if found and found[-1][0] == column and found[-1][3] == row - 1:
            found[-1] = (column, found[-1][1], column, row)
        else:
            found.append((column, row, column, row))
    return tuple(found)


def add_notes(sheet: Any, notes: list[tuple[tuple[int, int], str]]) -> None:
    """Note what is wrong on cells that have no note."""
    noted = {(each.Position.Row, each.Position.Column) for each in sheet.Annotations}
    for (row, column), text in notes:
        if (row, column) not in noted:
            sheet.Annotations.insertNew(sheet.getCellByPosition(column, row).CellAddress, text)


def marks_on(sheet: Any) -> list[Any]:
    """Our conditional formats, also those that a file brought back; a colour scale has no formula."""
    formats = sheet.ConditionalFormats.getConditionalFormats()
    return [each for each in formats if each.Count and getattr(each.getByIndex(0), "Formula1", "") == CHECK_FORMULA]


def areas_of(conditional: Any) -> Areas:
    found = conditional.Range.RangeAddresses
    return tuple((each.StartColumn, each.StartRow, each.EndColumn, each.EndRow) for each in found)


def split(sheet: Any, where: Areas) -> tuple[Areas, Areas]:
    """The cells of our marks that have no other conditional format, and those that have one."""
    ours = {mark.ID for mark in marks_on(sheet)}
    formats = sheet.ConditionalFormats.getConditionalFormats()
    others = [area for each in formats if each.ID not in ours for area in areas_of(each)]
    wanted = [(row, column) for a in where for row in range(a[1], a[3] + 1) for column in range(a[0], a[2] + 1)]
    covered = {(r, c) for r, c in wanted if any(a[0] <= c <= a[2] and a[1] <= r <= a[3] for a in others)}
    return areas([cell for cell in wanted if cell not in covered]), areas(list(covered))


def remove_notes(sheet: Any) -> None:
    """Take our notes away, also those that a file brought back."""
    notes = sheet.Annotations
    for number in reversed(range(notes.Count)):
        shape = notes.getByIndex(number).AnnotationShape  # a note read from an .xlsx has no text of its own yet
        if shape.String.startswith(CHECK_NOTE):
            notes.removeByIndex(number)
