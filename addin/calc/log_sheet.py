"""The Training log sheet of an open document: Step, Run n, Undo and Reset.

The mathematics is the sheet's own: log_next holds, by formulas, the row to come after the last one of log_table. A step
appends its values. Standard library only, Python 3.9; the document is a UNO object.
"""

from __future__ import annotations

from addin.calc.document import Document, Undoable, Value
from addin.calc.named_cells import NamedCells, SheetError
from xlsx.contract import ALL_GOOD, BUTTONS, MESSAGES, MOST_STEPS, TRAINING_LOG

Row = tuple[Value, ...]
CAPTIONS = {command: caption for caption, command in BUTTONS[TRAINING_LOG].items()}
ERROR = 4  # com.sun.star.sheet.FormulaResult.ERROR


class LogSheet(NamedCells):
    """The log of one document: rows of epoch, press, weights, E_total. Row 0 is the start and stays."""

    @staticmethod
    def is_in(document: Document) -> bool:
        """Whether the document is a workbook with a log."""
        return NamedCells.has(document, "log_table")

    def __init__(self, document: Document, undoable: Undoable):
        super().__init__(document)
        self._undoable = undoable

    def log_step(self) -> None:
        """Append one row."""
        self._append(1, "log_step")

    def log_run(self) -> None:
        """Append as many rows as log_steps says, as one press."""
        steps = self.cells("log_steps").getDataArray()[0][0]
        if not isinstance(steps, float) or steps != int(steps) or not 1 <= steps <= MOST_STEPS:
            raise SheetError(MESSAGES["wrong n"].format(found=steps))
        self._append(int(steps), "log_run")

    def log_undo(self) -> None:
        """Remove the rows of the last press."""
        rows = self._rows()
        last = max(map(press_of, rows))
        self._keep(rows, [row for row in rows if press_of(row) < last] if last > 0 else rows, "log_undo")

    def log_reset(self) -> None:
        """Remove all rows but the start."""
        rows = self._rows()
        self._keep(rows, rows[:1], "log_reset")

    def _rows(self) -> list[Row]:
        """The filled rows, the start first."""
        rows = self.below("log_table", 1, max(1, self.used_below("log_table"))).getDataArray()
        filled = next((number for number, row in enumerate(rows) if not isinstance(row[0], float)), len(rows))
        if not filled:
            raise SheetError(MESSAGES["no start"])
        return list(rows[:filled])

    def _append(self, steps: int, command: str) -> None:
        rows = self._rows()
        press = 1 + max(map(press_of, rows))
        added: list[Row] = []
        self.document.lockControllers()  # the chart is drawn once, at the end
        try:
            for number in range(len(rows), len(rows) + steps):
                row = self._next()
                added.append((row[0], press, *row[2:]))
                self.write("log_table", added[-1:], below=1 + number)
        finally:
            self.document.unlockControllers()
            self._remember(command, len(rows), [], added)

    def _remember(self, command: str, first: int, before: list[Row], after: list[Row]) -> None:
        """Make a press one entry of the office's undo list: what stood from a row on, and what stands there now.

        (The undo of a block that was written by itself would leave its values in cells that were empty before.)
        """
        if before or after:

            def put(rows: list[Row], gone: list[Row]) -> None:
                blank = ("",) * len((rows or gone)[0])
                self.write("log_table", [*rows, *[blank] * (len(gone) - len(rows))], below=1 + first)
                self.print_rows("log_table", first + len(rows))

            action = self._undoable(
                f"{TRAINING_LOG}: {CAPTIONS[command]}", lambda: put(before, after), lambda: put(after, before)
            )
            self.document.UndoManager.addUndoAction(action)
            self.print_rows("log_table", first + len(after))

    def _next(self) -> Row:
        """The values of log_next. Raises SheetError where they are not all numbers."""
        if not self.document.isAutomaticCalculationEnabled():
            self.document.calculate()
        cells = self.cells("log_next")
        row = cells.getDataArray()[0]
        texts: list[Value] = [value for value in row if not isinstance(value, float)]
        if cells.queryFormulaCells(ERROR).Count or texts:
            raise SheetError(MESSAGES["no next row"].format(reason=self._reason(texts)))
        return row

    def _reason(self, texts: list[Value]) -> str:
        said = [text for text in texts if isinstance(text, str) and text.strip()]
        if said:
            return f"{said[0]}."
        state = self.cells("first_bad_input").String
        if state != ALL_GOOD:
            return MESSAGES["bad input"].format(state=state)
        return MESSAGES["diverged"]

    def _keep(self, rows: list[Row], kept: list[Row], command: str) -> None:
        """Blank what comes after the rows to keep, which are the first ones."""
        if gone := rows[len(kept) :]:
            blank = ("",) * len(rows[0])
            self.write("log_table", [blank] * len(gone), below=1 + len(kept))
            self._remember(command, len(kept), gone, [])


def press_of(row: Row) -> float:
    """The number of the press that added a row; the start's is 0."""
    return float(row[1])
