"""The epoch that an open document shows, stepped by the buttons of Picture.

Standard library only, Python 3.9; the document is a UNO object.
"""

from __future__ import annotations

from typing import Callable

from addin.calc.named_cells import NamedCells

STEPS: dict[str, Callable[[float, float], float]] = {  # from the epoch shown and the last one: the one to show
    "epoch_first": lambda shown, last: 0,
    "epoch_back": lambda shown, last: shown - 1,
    "epoch_next": lambda shown, last: shown + 1,
    "epoch_next_10": lambda shown, last: shown + 10,
    "epoch_last": lambda shown, last: last,
}


class EpochCell(NamedCells):
    """The cell `epoch` of one document. Raises SheetError where a name is gone, broken, or its sheet protected."""

    def step(self, command: str) -> None:
        """Show another epoch, of those that there are; an entry of the user's undo list as if it had been typed."""
        self.need_writable("epoch")
        shown, last = (self._number(name) for name in ("epoch", "last_epoch"))
        self.cells("epoch").setDataArray(((min(max(STEPS[command](shown, last), 0.0), last),),))

    def _number(self, name: str) -> float:
        """What the cell holds; 0 for a text or a blank."""
        value = self.cells(name).getDataArray()[0][0]
        return value if isinstance(value, float) else 0.0
