"""Where quantities stand, and the ways to fill a cell: native formulas, Python blocks, comparisons."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import quote_sheetname, xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from pyfuncs.network import Network
from pyfuncs.presets import Preset
from xlsx import contract
from xlsx.contract import ALL_GOOD, NOT_CONNECTED, NOTHING
from xlsx.sheets import style

BUTTONS_NEED = (
    "The buttons need the Backprop extension in LibreOffice Calc (python start.py), or backprop.xlsm in Excel."
)
AGREES_ALONE = "agrees with itself; Python not connected"
STATES = {
    **dict.fromkeys(("agrees", AGREES_ALONE, "PASS", "right"), style.GOOD),
    **dict.fromkeys(("differs", "FAIL", "not yet"), style.BAD),
    **dict.fromkeys((NOT_CONNECTED, "KINK"), style.MUTED),
}
TOLERANCE, SWEEP_TOLERANCE = "1E-12", "1E-9"


class PythonBlock(NamedTuple):
    """A block that Python answers: its sheet's title, its cells (B9:B16), how many rows they are, and the call."""

    sheet: str
    area: str
    rows: int
    call: str


@dataclass
class Book:
    """The workbook under construction.

    `cells` has the sheet, row and column of every named number ("start w1" is a weight of Network, "w1" the one of the
    epoch shown), `values` its value (not a number where the cell shows an error), `compared` the ranges that hold
    comparisons, with their cell counts. `macros` is true for the .xlsm, `exercise` where the answers are left to the
    reader, in the cells of `answers`. `ends` has the first free column of a sheet that is filled block by block.
    `python_blocks` has all that Python answers.
    """

    workbook: Workbook
    network: Network
    preset: Preset
    looks: dict[str, Format]
    cells: dict[str, tuple[Worksheet, int, int]] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    compared: list[tuple[str, int]] = field(default_factory=list)
    macros: bool = False
    exercise: bool = False
    epochs: int = 100
    optimizer: str = "sgd"
    answers: dict[str, tuple[Worksheet, int, int]] = field(default_factory=dict)
    python_blocks: list[PythonBlock] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return len(self.preset.inputs)

    def sheet(self, title: str) -> Worksheet:
        return self.workbook.get_worksheet_by_name(title)

    def place(self, name: str, sheet: Worksheet, row: int, column: int, value: float) -> None:
        self.cells[name] = (sheet, row, column)
        self.values[name] = value

    def reference(self, name: str, reader: Worksheet, anchored: bool = False) -> str:
        """The cell of a named number as a formula on `reader` writes it."""
        sheet, row, column = self.cells[name]
        cell = xl_rowcol_to_cell(row, column, anchored, anchored)
        return cell if sheet is reader else f"{quote_sheetname(sheet.name)}!{cell}"

    def shown(self, name: str, reader: Worksheet) -> str:
        """The cell that a reader of the workbook sees: in an exercise the answer, not the key to it."""
        return replace(self, cells=self.cells | self.answers).reference(name, reader)

    def define(self, name: str, sheet: Worksheet, area: str) -> None:
        """A workbook-wide name of the contract: other code finds cells through these only."""
        assert name in contract.NAMES or name.startswith(contract.SETTING), f"{name} is not in xlsx/contract.py"
        self.workbook.define_name(name, f"={quote_sheetname(sheet.name)}!{absolute(area)}")

    def record(self, sheet: Worksheet, area: tuple[int, int, int, int], call: str) -> None:
        """Remember a block that Python answers."""
        self.python_blocks.append(PythonBlock(sheet.name, xl_range(*area), area[2] - area[0] + 1, call))

    def buttons(self, sheet: Worksheet, row: int, captions: tuple[str, ...], column: int = 0) -> None:
        """Buttons in a row 33 points high, from this column on.

        Calc finds one by sheet and caption, Excel's calls its macro. Without macros it names none: Calc would warn of
        macros that are not there.
        """
        sheet.set_row(row, 33)
        for index, caption in enumerate(captions):
            size = {"width": 100, "height": 30, "x_offset": 3 + index * 108, "y_offset": 7}
            sheet.insert_button(row, column, {**size, "caption": caption, "description": caption})
            sheet.buttons_list[-1].macro = f"[0]!{contract.macro_name(caption)}" if self.macros else ""


def absolute(area: str) -> str:
    """A1:B2 as $A$1:$B$2."""
    return re.sub(r"([A-Z]+)([0-9]+)", r"$\1$\2", area)


def stored(value: float) -> float | str:
    """What a formula's cell stores: a spreadsheet has no infinity, it shows #N/A."""
    return value if math.isfinite(value) else "#N/A"


def used(cell: str, positive: bool, otherwise: str = "NA()") -> str:
    """The number in an editable cell; `otherwise` for a blank; #N/A for a text or an error, never a 0."""
    number = f"IF({cell}>0,{cell},NA())" if positive else cell
    return f"IF(ISNUMBER({cell}),{number},IF(ISBLANK({cell}),{otherwise},NA()))"


def array(sheet: Worksheet, area: tuple[int, int, int, int], formula: str, look: Format, text: str | int) -> None:
    """A fixed-size array block, also for one cell, every cell storing `text`.

    Calc computes arrays on load but keeps the stored value of plain formulas: all that depends on Python is an array.
    """
    sheet.write_array_formula(*area, f"{{={formula}}}", look, text)
    first_row, first_column, last_row, last_column = area
    for row in range(first_row, last_row + 1):
        for column in range(first_column, last_column + 1):
            if (row, column) != (first_row, first_column):
                sheet.write_string(row, column, str(text), look)


def python(book: Book, sheet: Worksheet, area: tuple[int, int, int, int], call: str, look: Format) -> None:
    """A block computed by Python where it is connected; "–" where not, so that no stale Python number shows."""
    book.record(sheet, area, call)
    array(sheet, area, f'IF(python_ready,{call},"{NOTHING}")', look, NOTHING)


def differs(native: str, python_cells: str, tolerance: str) -> str:
    """1 where two cells of the ranges differ, else 0. A number beside anything else differs; two texts do not."""
    scale = f"IF(ABS({native})>1,ABS({native}),1)"
    both = f"ISNUMBER({native})*ISNUMBER({python_cells})"
    apart = f"IF(ABS({native}-{python_cells})<={tolerance}*{scale},0,1)"
    return f"IF({both},{apart},IF({numbers_in(native, python_cells)}>0,1,0))"


def numbers_in(*cells: str) -> str:
    """How many of some cells are numbers; of ranges, place by place."""
    return "+".join(f"ISNUMBER({each})" for each in cells)


def agreement(
    book: Book, sheet: Worksheet, area: tuple[int, int, int, int], differing: str, numbers: str, look: str = "state"
) -> None:
    """A block of comparisons: agrees, differs, Python not connected, or "–" where neither side has a number.

    With a bad cell on Network Python answers nothing, while natively all stays that does not depend on it: "–" too.
    """
    apart = f'IF(first_bad_input="{ALL_GOOD}","differs","{NOTHING}")'
    verdict = f'IF({differing}>0,{apart},IF({numbers}=0,"{NOTHING}","agrees"))'
    array(sheet, area, f'IF(python_ready,{verdict},"{NOT_CONNECTED}")', book.looks[look], NOT_CONNECTED)
    first_row, first_column, last_row, last_column = area
    count = (last_row - first_row + 1) * (last_column - first_column + 1)
    book.compared.append((f"{quote_sheetname(sheet.name)}!{xl_range(*area)}", count))
    colour_states(book, sheet, area)


def tally(compared: list[tuple[str, int]], state: str) -> str:
    """How many comparisons of these ranges are in this state, for a formula."""
    return "+".join(f'COUNTIF({area},"{state}")' for area, _ in compared)


def colour_states(book: Book, sheet: Worksheet, area: tuple[int, int, int, int]) -> None:
    """Colour repeats what the words say."""
    for state, colour in STATES.items():
        look = book.workbook.add_format({"font_color": colour, "bold": colour == style.BAD})
        rule = {"type": "cell", "criteria": "==", "value": f'"{state}"', "format": look}
        sheet.conditional_format(*area, rule)


def show_whole(book: Book, sheet: Worksheet, area: tuple[int, int, int, int]) -> None:
    """A number too small or too large for fixed decimals is shown as it is, so that none of them looks like 0."""
    cell = xl_rowcol_to_cell(*area[:2])
    size = f"ABS({cell})"
    odd = f"=AND(ISNUMBER({cell}),{cell}<>0,OR({size}<0.0001,{size}>=1000))"
    look = book.workbook.add_format({"num_format": "General"})
    sheet.conditional_format(*area, {"type": "formula", "criteria": odd, "format": look})


def mute_errors(book: Book, sheet: Worksheet, area: tuple[int, int, int, int]) -> None:
    """#N/A, the answer of a formula that has no number to work with, stands back."""
    sheet.conditional_format(*area, {"type": "errors", "format": book.workbook.add_format({"font_color": style.MUTED})})


def number_rules(book: Book, sheet: Worksheet, area: tuple[int, int, int, int]) -> None:
    """Of cells with six decimals: errors stand back, and large numbers get an exponent, as the columns are narrow."""
    mute_errors(book, sheet, area)
    wide = {"type": "cell", "criteria": "not between", "minimum": -1000, "maximum": 1000}
    sheet.conditional_format(*area, {**wide, "format": book.workbook.add_format({"num_format": style.EXPONENT})})


def loss_rules(book: Book, sheet: Worksheet, area: tuple[int, int, int, int]) -> None:
    """As number_rules; small losses get an exponent too, for a descent goes on below what six decimals show."""
    number_rules(book, sheet, area)
    cell = xl_rowcol_to_cell(*area[:2])
    small = {"type": "formula", "criteria": f"=AND(ISNUMBER({cell}),{cell}<>0,ABS({cell})<0.0001)"}
    sheet.conditional_format(*area, {**small, "format": book.workbook.add_format({"num_format": style.EXPONENT})})
