"""The Results sheet of an open document: its settings read, a run's epochs and state shown.

Everything is found by its defined name, wherever the user moved or renamed it. Standard library only, Python 3.9; the
document is a UNO object.
"""

from cnn.runs import EPOCH_KEYS

SETTINGS = ("model", "dataset", "epochs", "batch_size", "learning_rate", "seed", "device")
FRESH = 'close it, move it away, and run "python start.py" for a fresh one'


class SheetError(Exception):
    """The workbook lacks what a run needs; the text says what, where, and what to do."""


class ResultsSheet:
    """The Results sheet of one document. Raises SheetError where a name is gone, broken, or its sheet protected."""

    def __init__(self, document):
        self.document = document
        self._shown = []

    @staticmethod
    def is_in(document):
        """Whether the document is a workbook with a place for runs."""
        ranges = getattr(document, "NamedRanges", None)
        return ranges is not None and ranges.hasByName("run_table")

    @property
    def url(self):
        """Where the document lies; '' for one that was never saved."""
        return self.document.URL

    def settings(self):
        """The settings of the next run, by name; numbers stay numbers."""
        cells = {name: self._range(f"run_{name}").getDataArray()[0][0] for name in SETTINGS}
        return {
            name: int(cell) if isinstance(cell, float) and cell.is_integer() else cell for name, cell in cells.items()
        }

    @property
    def folder(self):
        """The folder of the run that the sheet shows, as text; '' for none."""
        return str(self._range("run_folder").getDataArray()[0][0])

    def say(self, status):
        """Show one line in the status cell."""
        self._write("run_status", ((status,),))

    def show(self, run, status):
        """Show a run: its folder, its state, and a row for each epoch. Only rows that changed are written."""
        self._write("run_folder", ((str(run.folder),),))
        self.say(status)
        rows = [tuple("–" if epoch.get(key) is None else epoch[key] for key in EPOCH_KEYS) for epoch in run.epochs]
        for number, row in enumerate(rows):
            if self._shown[number : number + 1] != [row]:
                self._write("run_table", (row,), below=number + 1)
        for number in range(len(rows), len(self._shown)):
            self._write("run_table", (("",) * len(EPOCH_KEYS),), below=number + 1)
        self._shown = rows

    def clear(self):
        """Empty the epoch table, whatever stands there."""
        table = self._range("run_table").RangeAddress
        sheet = self.document.Sheets.getByIndex(table.Sheet)
        cursor = sheet.createCursor()
        cursor.gotoEndOfUsedArea(False)
        rows = max(cursor.RangeAddress.EndRow - table.StartRow, 0)
        while rows and not any(self._row(table, sheet, rows)):
            rows -= 1
        self._shown = [None] * rows

    @staticmethod
    def _row(table, sheet, below):
        row = table.StartRow + below
        return sheet.getCellRangeByPosition(table.StartColumn, row, table.EndColumn, row).getDataArray()[0]

    def _range(self, name):
        ranges = self.document.NamedRanges
        cells = ranges.getByName(name).getReferredCells() if ranges.hasByName(name) else None
        if cells is None:
            raise SheetError(f"The name {name} is missing or broken in this workbook: {FRESH}.")
        return cells

    def _write(self, name, rows, below=0):
        """Write rows of numbers and texts, `below` rows under the named cells, outside the user's undo list."""
        area = self._range(name).RangeAddress
        sheet = self.document.Sheets.getByIndex(area.Sheet)
        if sheet.isProtected():
            raise SheetError(
                f'The sheet "{sheet.Name}" is protected: Tools > Protect Sheet, then press the button again.'
            )
        row = area.StartRow + below
        cells = sheet.getCellRangeByPosition(area.StartColumn, row, area.StartColumn + len(rows[0]) - 1, row)
        self.document.UndoManager.lock()
        try:
            cells.setDataArray(rows)
        finally:
            self.document.UndoManager.unlock()
