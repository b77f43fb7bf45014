"""The Runs sheet of an open document: which runs are ticked, and what is shown of them.

Standard library only, Python 3.9; the document is a UNO object.
"""

from __future__ import annotations

from addin.calc.document import Document
from addin.calc.named_cells import NamedCells
from addin.overview import Shown


class RunsSheet(NamedCells):
    """The Runs sheet of one document. Raises SheetError where a name is gone, broken, or its sheet protected."""

    @staticmethod
    def is_in(document: Document) -> bool:
        """Whether the document is a workbook with a list of runs."""
        return NamedCells.has(document, "runs_table")

    def ticked(self) -> list[str]:
        """The names of the runs with anything in the column before them, in the sheet's order."""
        rows = self.below("runs_table", 1, max(1, self.used_below("runs_table"))).getDataArray()
        return [str(row[1]) for row in rows if str(row[0]).strip() and row[1] != ""]

    def show(self, shown: Shown) -> None:
        """Write the blocks under their names, in place of what stood there, and the line."""
        self.document.lockControllers()
        try:
            for name, rows in shown.blocks.items():
                self.replace_below(name, rows)
                if name == "runs_table":
                    self.print_rows(name, len(rows))
            self.write("runs_status", ((shown.status,),))
        finally:
            self.document.unlockControllers()
