"""The mouse over an unfolded network's field: from pixels to cells, and from the office's events to the pen.

Dragging draws; a click alone selects the cell, as it does elsewhere, and with Shift, Ctrl or Alt all is Calc's own.
The office's component loads this file. Standard library and UNO only, Python 3.9.
"""

from __future__ import annotations

from typing import Any

import unohelper
from com.sun.star.awt import XEnhancedMouseClickHandler, XMouseMotionListener

from addin.calc.pen import Pen, Point

LEFT = 1  # com.sun.star.awt.MouseButton


def children(window: Any) -> list[Any]:
    """A window's children, and theirs."""
    found = list(window.getWindows()) if hasattr(window, "getWindows") else []
    return found + [each for child in found for each in children(child)]


class Grid:
    """Where the field's cells are in the window of the sheet, counted from the cell in which the mouse went down."""

    def __init__(self, controller: Any, field: Any, address: Any, x: int, y: int):
        sheet, area, zoom = field.Spreadsheet, field.RangeAddress, controller.ZoomValue / 100
        info = controller.Frame.ComponentWindow.getInfo()
        sizes = (
            (sheet.Columns.getByIndex(area.StartColumn).Width, info.PixelPerMeterX),
            (sheet.Rows.getByIndex(area.StartRow).Height, info.PixelPerMeterY),
        )
        self.width, self.height = (max(1, int(size / 1e5 * per_metre * zoom)) for size, per_metre in sizes)
        self.x, self.y = x, y
        self.start: Point = (address.Column - area.StartColumn + 0.5, address.Row - area.StartRow + 0.5)

    def at(self, x: int, y: int) -> Point:
        """Where the mouse is now, in cells; it went down in the middle of its cell, which is right to half a one."""
        return self.start[0] + (x - self.x) / self.width, self.start[1] + (y - self.y) / self.height


class Mouse(unohelper.Base, XEnhancedMouseClickHandler, XMouseMotionListener):
    """Hears one document's mouse. What a press begins in the field goes to the pen until the button is released."""

    def __init__(self, document: Any):
        self.document, self.pen = document, Pen(document)
        self.grid: Grid | None = None
        self.windows: list[Any] = []
        self.target: Any = None
        self.moved = False

    def listen(self) -> None:
        self.document.CurrentController.addEnhancedMouseClickHandler(self)

    def mousePressed(self, event: Any) -> bool:
        """Whether Calc goes on with it: not where a stroke may begin."""
        target = event.Target
        plain = event.Buttons == LEFT and event.ClickCount == 1 and not event.Modifiers
        if not (plain and hasattr(target, "getCellAddress") and Pen.is_in(self.document)):
            return True
        field, address = self.pen.cells("yours"), target.getCellAddress()
        if not contains(field.RangeAddress, address):
            return True
        controller = self.document.CurrentController
        self.grid, self.target, self.moved = Grid(controller, field, address, event.X, event.Y), target, False
        controller.Frame.ComponentWindow.setFocus()  # as a click does that Calc is told of
        self.windows = children(controller.Frame.ComponentWindow)
        for window in self.windows:
            window.addMouseMotionListener(self)
        return False

    def mouseDragged(self, event: Any) -> None:
        if self.grid is None:
            return
        if not self.moved:
            self.moved = True
            self.pen.press(self.grid.start)
        self.pen.move(self.grid.at(event.X, event.Y))

    def mouseReleased(self, event: Any) -> bool:
        if self.grid is None:
            return True
        self.grid = None
        for window in self.windows:
            window.removeMouseMotionListener(self)
        if self.moved:
            self.pen.lift()
        else:
            self.document.CurrentController.select(self.target)
        return False

    def mouseMoved(self, event: Any) -> None:
        pass

    def disposing(self, event: Any) -> None:
        pass


def contains(area: Any, address: Any) -> bool:
    """Whether a cell lies in a range."""
    inside = area.StartColumn <= address.Column <= area.EndColumn and area.StartRow <= address.Row <= area.EndRow
    return bool(inside and area.Sheet == address.Sheet)
