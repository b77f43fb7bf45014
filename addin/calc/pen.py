"""Drawing with the mouse in an unfolded network: a soft pen over the field `yours`, each stroke one step of Undo.

Positions are in cells: (2.5, 0.5) is the middle of the third column's first cell. Standard library only, Python 3.9;
the document is a UNO object, the mouse's events come from `mouse.py`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

from addin.calc.document import Rows, Undoable, Value
from addin.calc.named_cells import NamedCells
from xlsx.contract import CLEARED, INK, PEN_EDGE, PEN_RADIUS, STROKE

PATIENCE = 0.15  # seconds that a recalculation may take and be live under the pen
PAUSE = 0.08  # seconds between what is written under the pen
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
    """Draws in one document. Raises SheetError where a name is gone, broken, or its sheet protected.

    While the pen is down nothing is recalculated but by a network that is quick, and what is drawn is written now and
    then: the office drops moves of the mouse that it has no time for.
    """

    def __init__(self, document: Any, undoable: Undoable):
        super().__init__(document)
        self._undoable = undoable
        self.seconds = math.inf  # that a recalculation takes; known after the first stroke
        self._down = self._automatic = False
        self._path: list[Point] = []  # what is not drawn yet, after the place where that ends
        self._written = self._computed = 0.0  # when that was done last
        self._seen: list[list[float]] = []
        self._before: Rows = []
        self._rows: list[list[Value]] = []
        self._changed: set[tuple[int, int]] = set()  # column and row

    @staticmethod
    def is_in(document: Any) -> bool:
        """Whether the document is an unfolded network."""
        return NamedCells.has(document, "yours") and NamedCells.has(document, "used")

    def press(self, at: Point) -> None:
        """The pen is put down."""
        self.need_writable("yours")
        self._before = self.cells("yours").getDataArray()
        self._rows = [list(row) for row in self._before]
        self._seen = [
            [value if isinstance(value, float) else 0.0 for value in row] for row in self.cells("used").getDataArray()
        ]
        self._automatic = self.document.isAutomaticCalculationEnabled()
        self.document.enableAutomaticCalculation(False)
        self._down, self._path, self._changed, self._written = True, [at], set(), 0.0
        self.move(at)

    def move(self, to: Point) -> None:
        """The pen goes on in a line."""
        if not self._down:
            return
        self._path.append(to)
        if time.monotonic() - self._written > PAUSE:
            self._draw()
            self._written = time.monotonic()
        if self.seconds < PATIENCE and time.monotonic() - self._computed > 2 * self.seconds:
            self.document.calculate()
            self._computed = time.monotonic()

    def lift(self) -> None:
        """The pen is lifted: the stroke becomes one step of Undo, and the network follows."""
        if not self._down:
            return
        self._down = False
        self._draw()
        began = time.monotonic()
        self.document.enableAutomaticCalculation(self._automatic)
        self.cells("logits").getDataArray()
        self.seconds = time.monotonic() - began if self._automatic else math.inf
        if self._changed:
            before, after, changed = self._before, self._rows, self._changed
            undo, redo = lambda: self._put(before, changed), lambda: self._put(after, changed)
            self.document.UndoManager.addUndoAction(self._undoable(STROKE, undo, redo))

    def _draw(self) -> None:
        """Ink along the path, which makes cells darker and none lighter."""
        columns, rows = len(self._rows[0]), len(self._rows)
        changed = set()
        for start, end in zip(self._path, self._path[1:]):
            for column, row, found in inked(start, end, columns, rows):
                if found > self._seen[row][column]:
                    self._seen[row][column] = self._rows[row][column] = float(found)
                    changed.add((column, row))
        self._path = self._path[-1:]
        if changed:
            self._put(self._rows, changed)
            self._changed |= changed

    def _put(self, rows: Rows, changed: set[tuple[int, int]]) -> None:
        """Write the block around these cells at once, outside of Undo: it takes as long as writing one of them."""
        (left, right), (top, bottom) = ((min(each), max(each)) for each in zip(*changed))
        cells: Any = self.cells("yours")
        block = tuple(tuple(row[left : right + 1]) for row in rows[top : bottom + 1])
        self.document.UndoManager.lock()
        try:
            cells.getCellRangeByPosition(left, top, right, bottom).setDataArray(block)
        finally:
            self.document.UndoManager.unlock()

    def clear(self) -> None:
        """Empty the field, whose looks and limits come back with it; the chosen picture is what counts again."""
        sheet: Any = self.need_writable("yours")[0]
        cells: Any = self.cells("yours")
        self.document.UndoManager.enterUndoContext(CLEARED)
        try:
            if self.has(self.document, "pad"):
                sheet.copyRange(cells.getCellByPosition(0, 0).CellAddress, self.cells("pad").RangeAddress)
            else:  # a workbook of an earlier version
                cells.clearContents(EVERYTHING)
        finally:
            self.document.UndoManager.leaveUndoContext()
