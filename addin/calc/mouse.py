"""The mouse over an unfolded network's field: from pixels to cells, and from the office's events to the pen.

Dragging draws; a click alone selects the cell, as it does elsewhere, and with Shift, Ctrl or Alt all is Calc's own.
Calc tells of a press the cell as if it were in the pane of the cell cursor, and not the window: the move before does.
The office's component loads this file. Standard library and UNO only, Python 3.9.
"""

from __future__ import annotations

from typing import Any, Callable

import unohelper
from com.sun.star.awt import XEnhancedMouseClickHandler, XMouseListener, XMouseMotionListener

from addin.calc.document import Undoable
from addin.calc.pen import Pen, Point

LEFT = 1  # com.sun.star.awt.MouseButton
NOTHING = "com.sun.star.sheet.SheetCellRanges"  # a new one is empty


def children(window: Any) -> list[Any]:
    """A window's children, and theirs."""
    found = list(window.getWindows()) if hasattr(window, "getWindows") else []
    return found + [each for child in found for each in children(child)]


class Grid:
    """Where the field's cells are in one pane, in pixels of the window that shows it."""

    def __init__(self, controller: Any, field: Any, window: Any):
        area, zoom = field.RangeAddress, controller.ZoomValue / 100
        info = controller.Frame.ComponentWindow.getInfo()
        first = pane(controller, window).getVisibleRange()
        self.corner = window.getPosSize()
        columns, rows = field.Spreadsheet.Columns, field.Spreadsheet.Rows

        def width(column: int) -> int:
            return max(1, int(columns.getByIndex(column).Width / 1e5 * info.PixelPerMeterX * zoom))

        def height(row: int) -> int:
            return max(1, int(rows.getByIndex(row).Height / 1e5 * info.PixelPerMeterY * zoom))

        self.width, self.height = width(area.StartColumn), height(area.StartRow)
        self.left = between(width, first.StartColumn, area.StartColumn)
        self.top = between(height, first.StartRow, area.StartRow)

    def at(self, x: int, y: int) -> Point:
        """A place in that window, in cells of the field."""
        return (x - self.left) / self.width, (y - self.top) / self.height

    def of(self, event: Any) -> Point:
        """The same of an event, which may have come from the window of another pane."""
        other = event.Source.getPosSize()
        return self.at(event.X + other.X - self.corner.X, event.Y + other.Y - self.corner.Y)


def between(size: Callable[[int], int], first: int, last: int) -> int:
    """The pixels from one column or row to another; below 0 where that one comes before."""
    found = sum(map(size, range(min(first, last), max(first, last))))
    return found if first <= last else -found


def pane(controller: Any, window: Any) -> Any:
    """The pane that a window shows: they are counted from left to right, then from the top down."""
    place = window.getPosSize()
    right, below = place.X > controller.SplitHorizontal > 0, place.Y > controller.SplitVertical > 0
    return controller.getByIndex(right + 2 * below if controller.Count == 4 else int(right or below))


class Moves(unohelper.Base, XMouseListener, XMouseMotionListener):
    """Hears in which window the mouse is, and tells of its drags."""

    def __init__(self, dragged: Callable[[Any], None]):
        self.dragged = dragged
        self.windows: list[Any] = []
        self.over: Any = None

    def hear(self, within: Any) -> None:
        """All windows that there are within this one: a pane may be new."""
        for window in children(within):
            if window not in self.windows:
                self.windows.append(window)
                window.addMouseListener(self)
                window.addMouseMotionListener(self)

    def mouseEntered(self, event: Any) -> None:
        self.over = event.Source

    def mouseMoved(self, event: Any) -> None:
        self.over = event.Source

    def mouseDragged(self, event: Any) -> None:
        self.over = event.Source
        self.dragged(event)

    def mouseExited(self, event: Any) -> None:
        pass

    def mousePressed(self, event: Any) -> None:
        pass

    def mouseReleased(self, event: Any) -> None:
        pass

    def disposing(self, event: Any) -> None:
        pass


class Mouse(unohelper.Base, XEnhancedMouseClickHandler):
    """Hears one document's mouse. What a press begins in the field goes to the pen until the button is released."""

    def __init__(self, document: Any, undoable: Undoable):
        self.document, self.pen = document, Pen(document, undoable)
        self.moves = Moves(self.dragged)
        self.grid: Grid | None = None
        self.start: Point = (0.0, 0.0)
        self.moved = False

    def listen(self) -> None:
        self.document.CurrentController.addEnhancedMouseClickHandler(self)
        self.moves.hear(self.document.CurrentController.Frame.ComponentWindow)

    def mousePressed(self, event: Any) -> bool:
        """Whether Calc goes on with it: not where a stroke may begin."""
        self.moves.hear(self.document.CurrentController.Frame.ComponentWindow)
        plain = event.Buttons == LEFT and event.ClickCount == 1 and not event.Modifiers
        if not (plain and self.moves.over and hasattr(event.Target, "getCellAddress") and Pen.is_in(self.document)):
            return True
        controller, field = self.document.CurrentController, self.pen.cells("yours")
        if controller.ActiveSheet.RangeAddress.Sheet != field.RangeAddress.Sheet:
            return True
        grid = Grid(controller, field, self.moves.over)
        self.start, self.moved = grid.at(event.X, event.Y), False
        if not contains(field.RangeAddress, self.start):
            return True
        self.grid = grid
        controller.Frame.ComponentWindow.setFocus()  # as a click does that Calc is told of
        controller.select(self.document.createInstance(NOTHING))  # Calc would drag along what is selected
        return False

    def dragged(self, event: Any) -> None:
        if self.grid is None:
            return
        if not self.moved:
            self.moved = True
            self.pen.press(self.start)
        self.pen.move(self.grid.of(event))

    def mouseReleased(self, event: Any) -> bool:
        if self.grid is None:
            return True
        self.grid = None
        if self.moved:
            self.pen.lift()
        else:
            field: Any = self.pen.cells("yours")
            self.document.CurrentController.select(field.getCellByPosition(*map(int, self.start)))
        return False

    def disposing(self, event: Any) -> None:
        pass


def contains(area: Any, point: Point) -> bool:
    """Whether a place, counted from a range's corner, lies in it."""
    across, down = area.EndColumn - area.StartColumn + 1, area.EndRow - area.StartRow + 1
    return bool(0 <= point[0] < across and 0 <= point[1] < down)
