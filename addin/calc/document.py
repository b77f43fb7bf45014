"""What the extension uses of an office's document: UNO's objects, as far as we ask them, for the type checker.

Standard library only, Python 3.9.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Callable, Protocol, Union

Value = Union[float, str]
Rows = Sequence[Sequence[Value]]
Undoable = Callable[[str, Callable[[], None], Callable[[], None]], object]  # title, undo, redo: an XUndoAction


class Address(Protocol):
    """com.sun.star.table.CellRangeAddress: all counted from 0."""

    Sheet: int
    StartColumn: int
    StartRow: int
    EndColumn: int
    EndRow: int


class Ranges(Protocol):
    """com.sun.star.sheet.SheetCellRanges."""

    Count: int


class Cells(Protocol):
    """com.sun.star.sheet.SheetCellRange; `String` is a single cell's."""

    RangeAddress: Address
    Position: Point
    String: str

    def getDataArray(self) -> tuple[tuple[Value, ...], ...]: ...
    def setDataArray(self, rows: Rows) -> None: ...
    def queryFormulaCells(self, kinds: int) -> Ranges: ...


class Cursor(Cells, Protocol):
    """com.sun.star.sheet.SheetCellCursor."""

    def gotoEndOfUsedArea(self, expand: bool) -> None: ...


class Form(Protocol):
    """com.sun.star.form.component.Form: the buttons of a sheet."""

    Count: int

    def getByIndex(self, number: int) -> object: ...
    def getScriptEvents(self, number: int) -> Sequence[object]: ...
    def registerScriptEvent(self, number: int, event: object) -> None: ...
    def addScriptListener(self, listener: object) -> None: ...


class Point(Protocol):
    """com.sun.star.awt.Point, in hundredths of a millimetre."""

    X: int
    Y: int


class Shape(Protocol):
    """com.sun.star.sheet.Shape."""

    Position: Point
    Size: object  # com.sun.star.awt.Size
    Anchor: Any  # the cell that it moves with, a com.sun.star.sheet.SheetCell


class DrawPage(Protocol):
    Forms: Sequence[Form]
    Count: int

    def getByIndex(self, number: int) -> Shape: ...


class Drawn(Protocol):
    """com.sun.star.chart2.ChartDocument."""

    def setModified(self, modified: bool) -> None: ...


class Chart(Protocol):
    """com.sun.star.table.TableChart."""

    EmbeddedObject: Drawn


class Charts(Protocol):
    """com.sun.star.table.TableCharts."""

    Count: int

    def getByIndex(self, number: int) -> Chart: ...


class Sheet(Protocol):
    """com.sun.star.sheet.Spreadsheet."""

    Name: str
    DrawPage: DrawPage
    Charts: Charts

    def isProtected(self) -> bool: ...
    def getPrintAreas(self) -> tuple[Address, ...]: ...
    def setPrintAreas(self, areas: tuple[Address, ...]) -> None: ...
    def getCellRangeByPosition(self, left: int, top: int, right: int, bottom: int) -> Cells: ...
    def createCursor(self) -> Cursor: ...


class Sheets(Protocol):
    Count: int

    def hasByName(self, name: str) -> bool: ...
    def getByName(self, name: str) -> Sheet: ...
    def removeByName(self, name: str) -> None: ...
    def importSheet(self, source: Document, name: str, place: int) -> int: ...
    def getByIndex(self, number: int) -> Sheet: ...
    def __iter__(self) -> Iterator[Sheet]: ...


class Name(Protocol):
    """com.sun.star.sheet.NamedRange."""

    def getContent(self) -> str: ...
    def getReferredCells(self) -> Cells | None: ...


class Names(Protocol):
    def hasByName(self, name: str) -> bool: ...
    def getByName(self, name: str) -> Name: ...


class UndoManager(Protocol):
    def enterUndoContext(self, title: str) -> None: ...
    def leaveUndoContext(self) -> None: ...
    def lock(self) -> None: ...
    def unlock(self) -> None: ...
    def addUndoAction(self, action: object) -> None: ...


class Controller(Protocol):
    """com.sun.star.sheet.SpreadsheetView: a document's window."""

    ShowPageBreaks: bool
    ActiveSheet: Sheet
    Frame: object

    def setActiveSheet(self, sheet: Sheet) -> None: ...
    def hasFrozenPanes(self) -> bool: ...
    def getSplitColumn(self) -> int: ...
    def getSplitRow(self) -> int: ...
    def freezeAtPosition(self, columns: int, rows: int) -> None: ...


class Properties(Protocol):
    """com.sun.star.document.DocumentProperties."""

    Generator: str


class Document(Protocol):
    """com.sun.star.sheet.SpreadsheetDocument."""

    URL: str
    RuntimeUID: str
    DocumentProperties: Properties
    NamedRanges: Names
    Sheets: Sheets
    UndoManager: UndoManager
    CurrentController: Controller

    def close(self, deliver: bool) -> None: ...
    def setModified(self, modified: bool) -> None: ...
    def isAutomaticCalculationEnabled(self) -> bool: ...
    def enableAutomaticCalculation(self, wanted: bool) -> None: ...
    def calculate(self) -> None: ...
    def calculateAll(self) -> None: ...
    def lockControllers(self) -> None: ...
    def unlockControllers(self) -> None: ...
