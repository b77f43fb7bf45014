"""Drawing with the mouse in an unfolded network: a soft pen over the field `yours`, each stroke one step of Undo.

Positions are in cells: (2.5, 0.5) is the middle of the third column's first cell. Standard library only, Python 3.9;
the document is a UNO object, the mouse's events come from `mouse.py`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

from addin.calc.named_cells import NamedCells
from xlsx.contract import CLEARED, INK, PEN_EDGE, PEN_RADIUS, STROKE

PATIENCE = 0.15  # seconds that a recalculation may take and be live under the pen
EVERYTHING = 1 | 2 | 4 | 16  # com.sun.star.sheet.CellFlags: VALUE, DATETIME, STRING, FORMULA
Point = tuple[float, float]


def distance(point: Point, start: Point, end: Point) -> float:
    """From a point to the line between two others."""
    (x, y), (left, top), (right, bottom) = point, start, end
    along = (right - left, bottom - top)
    length = along[0] ** 2 + along[1] ** 2
    share = ((x - left) * along[0] + (y - top) * along[1]) / length if length else 0.0
    share = min(1.0, max(0.0, share))
    return math.hypot(x - left - share * along[0], y - top - share * along[1])


def ink(point: Point, start: Point, end: Point) -> int:
    """How much of it the pen leaves at a point, when it moves along a line."""
    return round(INK * min(1.0, max(0.0, (PEN_RADIUS + PEN_EDGE - distance(point, start, end)) / PEN_EDGE)))


def inked(start: Point, end: Point, columns: int, rows: int) -> Iterator[tuple[int, int, int]]:
    """Column, row and ink of the cells that a line touches, of a field so large."""
    reach = PEN_RADIUS + PEN_EDGE
    left, right = (int(edge) for edge in (min(start[0], end[0]) - reach, max(start[0], end[0]) + reach))
    top, bottom = (int(edge) for edge in (min(start[1], end[1]) - reach, max(start[1], end[1]) + reach))
    for row in range(max(0, top), min(rows, bottom + 1)):
        for column in range(max(0, left), min(columns, right + 1)):
            found = ink((column + 0.5, row + 0.5), start, end)
            if found:
                yield column, row, found


class Pen(NamedCells):
    """Draws in one document. Raises SheetError where a name is gone, broken, or its sheet protected."""

    def __init__(self, document: Any):
        super().__init__(document)
        self.live = True  # whether the network follows while the pen is down
        self._timed = self._down = self._automatic = False
        self._last: Point = (0.0, 0.0)
        self._values: list[list[float]] = []

    @staticmethod
    def is_in(document: Any) -> bool:
        """Whether the document is an unfolded network."""
        return NamedCells.has(document, "yours") and NamedCells.has(document, "used")

    def press(self, at: Point) -> None:
        """The pen is put down: from here to `lift` all is one step of Undo."""
        self.need_writable("yours")
        self.document.UndoManager.enterUndoContext(STROKE)
        self._down, self._last = True, at
        self._automatic = self.document.isAutomaticCalculationEnabled()
        self._values = [
            [value if isinstance(value, float) else 0.0 for value in row] for row in self.cells("used").getDataArray()
        ]
        if not self.live:
            self.document.enableAutomaticCalculation(False)
        self.move(at)

    def move(self, to: Point) -> None:
        """The pen goes on in a line; a cell only ever becomes darker."""
        if not self._down:
            return
        cells: Any = self.cells("yours")
        start, self._last = self._last, to
        for column, row, found in inked(start, to, len(self._values[0]), len(self._values)):
            if found > self._values[row][column]:
                self._values[row][column] = found
                cells.getCellByPosition(column, row).Value = found
        if self.live and not self._timed:
            self._time()

    def lift(self) -> None:
        """The pen is lifted: what was left to compute is computed."""
        if self._down:
            self._down = False
            self.document.UndoManager.leaveUndoContext()
            self.document.enableAutomaticCalculation(self._automatic)

    def _time(self) -> None:
        """Once: see how long the network takes; if that is long, it waits for the end of a stroke from then on."""
        began = time.monotonic()
        self.cells("logits").getDataArray()
        self._timed, self.live = True, time.monotonic() - began < PATIENCE
        if not self.live:
            self.document.enableAutomaticCalculation(False)

    def clear(self) -> None:
        """Empty the field; the chosen picture is what counts again."""
        self.need_writable("yours")
        self.document.UndoManager.enterUndoContext(CLEARED)
        try:
            cells: Any = self.cells("yours")
            cells.clearContents(EVERYTHING)
        finally:
            self.document.UndoManager.leaveUndoContext()
