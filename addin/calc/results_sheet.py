"""The Results sheet of an open document: its settings read, a run's epochs and state shown.

Everything is found by its defined name, wherever the user moved or renamed it. Standard library only, Python 3.9; the
document is a UNO object.
"""

from __future__ import annotations

from addin import training
from addin.calc.document import Document, Rows, Value
from addin.calc.named_cells import NamedCells
from cnn.runs import EPOCH_KEYS, Run
from cnn.runs.settings import SHEET
from xlsx.contract import NOTHING, SETTING


class ResultsSheet(NamedCells):
    """The Results sheet of one document. Raises SheetError where a name is gone, broken, or its sheet protected."""

    def __init__(self, document: Document):
        super().__init__(document)
        self._shown: list[tuple[Value, ...] | None] = []  # None: a row whose content is not known
        self._curves: Rows | None = None

    @staticmethod
    def is_in(document: Document) -> bool:
        """Whether the document is a workbook with a place for runs."""
        return NamedCells.has(document, "run_table")

    @property
    def workbook(self) -> str:
        """Where the document lies, as a URL; '' for one that was never saved."""
        return self.document.URL

    def settings(self) -> dict[str, object]:
        """The settings of the next run, by name; numbers stay numbers."""
        cells = {name: self.cells(SETTING + name).getDataArray()[0][0] for name in SHEET}
        return {
            name: int(cell) if isinstance(cell, float) and cell.is_integer() else cell for name, cell in cells.items()
        }

    @property
    def folder(self) -> str:
        """The folder of the run that the sheet shows, as text; '' for none."""
        return str(self.cells("run_folder").getDataArray()[0][0])

    def say(self, status: str) -> None:
        """Show one line in the status cell."""
        self._put("run_status", (status,))

    def show(self, shown: training.Shown) -> None:
        """Show a run or series: a row for each epoch, the curves, state and folder. Only what is new is written.

        Drawn once, and the epochs come first: each cell that changes has the charts drawn anew.
        """
        self.document.lockControllers()
        try:
            self._show_epochs(shown.run)
            if shown.curves != self._curves and self.has(self.document, "series_curves"):
                self.replace_below("series_curves", shown.curves)
                self._curves = shown.curves
            if self.has(self.document, "run_progress"):  # the first layout has none
                self._put("run_progress", training.progress(shown.run), below=1)
            self.say(shown.status)
            self._put("run_folder", (str(shown.folder),))
        finally:
            self.document.unlockControllers()

    def _put(self, name: str, row: tuple[Value, ...], below: int = 0) -> None:
        """Write a row, unless it is there already."""
        if self.below(name, below).getDataArray() != (row,):
            self.write(name, (row,), below)

    def _show_epochs(self, run: Run) -> None:
        rows = [tuple(NOTHING if epoch.get(key) is None else epoch[key] for key in EPOCH_KEYS) for epoch in run.epochs]
        for number, row in enumerate(rows):
            if self._shown[number : number + 1] != [row]:
                self.write("run_table", (row,), below=number + 1)
        for number in range(len(rows), len(self._shown)):
            self.write("run_table", (("",) * len(EPOCH_KEYS),), below=number + 1)
        self._shown = [*rows]
        self.print_rows("run_table", len(rows))

    def clear(self) -> None:
        """Empty the epoch table, whatever stands there."""
        self._shown = [None] * self.used_below("run_table")
