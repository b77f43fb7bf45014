"""The ways to fill a cell: native formulas, Python blocks, comparisons; and the rules by which it looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from xlsxwriter.format import Format
from xlsxwriter.utility import quote_sheetname, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from pyfuncs.network import Network
from xlsx.contract import ALL_GOOD, NOT_CONNECTED, NOTHING
from xlsx.sheets import style
from xlsx.sheets.book import Area, Book

BUTTONS_NEED = (
    "The buttons need the Backprop extension in LibreOffice Calc (python start.py), or backprop.xlsm in Excel."
)
PYTHON_READY = 'IFERROR(AND(ISTEXT(BACKPROP_VERSION()),LEFT(BACKPROP_VERSION(),1)<>"#"),FALSE)'
AGREES_ALONE = "agrees with itself; Python not connected"
STATES = {
    **dict.fromkeys(("agrees", AGREES_ALONE, "PASS", "right"), style.GOOD),
    **dict.fromkeys(("differs", "FAIL", "not yet"), style.BAD),
    **dict.fromkeys((NOT_CONNECTED, "KINK"), style.MUTED),
}
LARGEST = "1E+9"  # number that is accepted as a weight, an input or a target


class Allowed(NamedTuple):
    """Which numbers a cell may hold: a condition for a formula, what others are called, and a validation's words."""

    condition: str
    fault: str
    words: str
    criteria: dict[str, object]


RATE = Allowed("{0}>0", "not above 0", "above 0", {"criteria": ">", "value": 0})
NUMBER = Allowed(
    f"ABS({{0}})<={LARGEST}",
    f"beyond {LARGEST}",
    f"from -{LARGEST} to {LARGEST}",
    {"criteria": "between", "minimum": -float(LARGEST), "maximum": float(LARGEST)},
)
PROBABILITY = Allowed(  # of cross-entropy a target
    "AND({0}>=0,{0}<=1)",
    "not from 0 to 1",
    "from 0 to 1",
    {"criteria": "between", "minimum": 0, "maximum": 1},
)
TOLERANCE, SWEEP_TOLERANCE = "1E-12", "1E-10"
NO_FAULT = f'first_bad_input<>"{ALL_GOOD}"'


def is_number(cell: str) -> str:
    """Whether a cell holds a number, which TRUE and FALSE are not, for a formula.

    Calc tells TRUE from 1 by the cell's number format, which our cells keep: =TRUE() is 1 there, and so is =A1=B1.
    """
    return f"IF(ISNUMBER({cell}),NOT(ISLOGICAL({cell})),FALSE)"


def no_number(cell: str) -> str:
    """What a cell holds that is filled but not by a number, in words, for a formula."""
    return f'IF(ISLOGICAL({cell}),"is TRUE or FALSE",IF(ISTEXT({cell}),"is text","is an error"))'


def allowed(network: Network, name: str) -> Allowed:
    """What the cell of this name may hold."""
    if name == "learning_rate":
        return RATE
    return PROBABILITY if name in network.target_names and network.loss == "cross-entropy" else NUMBER


def used(cell: str, numbers: Allowed, otherwise: str = "NA()") -> str:
    """The number in an editable cell; `otherwise` for a blank; #N/A for a text or an error, never a 0."""
    number = f"IF({is_number(cell)},IF({numbers.condition.format(cell)},{cell},NA()),NA())"
    return f"IF(ISBLANK({cell}),{otherwise},{number})"


def first_fault(cell: str, title: str, otherwise: str) -> str:
    """What is wrong with a cell that must hold a number above 0, and where it is; `otherwise` where nothing is."""
    number = is_number(cell)
    fault = f'IF({number},"is not above 0",IF(ISBLANK({cell}),"is blank",{no_number(cell)}))'
    place = f'"{title} "&ADDRESS(ROW({cell}),COLUMN({cell}),4)&" "'
    good = f"IF({number},{cell}>0,FALSE)"
    return f'IF({good},{otherwise},{place}&{fault}&": type a number above 0")'


def array(sheet: Worksheet, area: Area, formula: str, look: Format, text: str | float) -> None:
    """A fixed-size array block, also for one cell, every cell storing `text`.

    Calc computes arrays on load but keeps the stored value of plain formulas: all that depends on Python is an array.
    """
    sheet.write_array_formula(*area, f"{{={formula}}}", look, text)
    first_row, first_column, last_row, last_column = area
    for row in range(first_row, last_row + 1):
        for column in range(first_column, last_column + 1):
            if (row, column) != (first_row, first_column):
                sheet.write_string(row, column, str(text), look)


def python(book: Book, sheet: Worksheet, area: Area, call: str, look: Format, unless: str = "") -> None:
    """A block computed by Python where it is connected; "–" where not, so that no stale Python number shows.

    `unless` is a condition under which Python is not asked.
    """
    book.record(sheet, area, call)
    asked = f'IF({unless},"{NOTHING}",{call})' if unless else call
    array(sheet, area, f'IF(python_ready,{asked},"{NOTHING}")', look, NOTHING)


def or_zero(cell: str) -> str:
    """The number in a cell, else 0, for a formula; of a range, place by place."""
    return f"IF(ISNUMBER({cell}),{cell},0)"


def differs(native: str, python_cells: str, tolerance: str, rounding: str = "0") -> str:
    """1 where two cells of the ranges differ, else 0. A number beside anything else differs; two texts do not.

    `rounding` is how far apart it may carry them besides, for a formula.
    """
    scale = f"IF(ABS({native})>1,ABS({native}),1)"
    both = f"ISNUMBER({native})*ISNUMBER({python_cells})"
    apart = f"IF(ABS({native}-{python_cells})<={tolerance}*{scale}+{rounding},0,1)"
    return f"IF({both},{apart},IF({numbers_in(native, python_cells)}>0,1,0))"


def stable(epochs: str, chaotic_from: str) -> str:
    """1 for the epochs before the one from which the last digits decide, which Python says in a cell."""
    return f"({epochs}<IF(ISNUMBER({chaotic_from}),{chaotic_from},1E9))"


def numbers_in(*cells: str) -> str:
    """How many of some cells are numbers; of ranges, place by place."""
    return "+".join(f"ISNUMBER({each})" for each in cells)


def agreement(
    book: Book, sheet: Worksheet, area: Area, differing: str, numbers: str, look: str = "state", fault: str = NO_FAULT
) -> None:
    """A block of comparisons: agrees, differs, Python not connected, or "–" where neither side has a number.

    With a bad cell, where the condition `fault` holds, Python answers nothing, while natively all stays that does not
    depend on it: "–" too.
    """
    apart = f'IF({fault},"{NOTHING}","differs")'
    verdict = f'IF({differing}>0,{apart},IF({numbers}=0,"{NOTHING}","agrees"))'
    array(sheet, area, f'IF(python_ready,{verdict},"{NOT_CONNECTED}")', book.looks[look], NOT_CONNECTED)
    colour_states(book, sheet, area)


def first_gone(titles: Sequence[str], advice: str, otherwise: str) -> str:
    """What names the first of some sheets that was deleted, for a formula; `otherwise` where all are there."""
    for title in reversed(titles):
        otherwise = f'IF(ISERROR({quote_sheetname(title)}!$A$1),"the sheet {title} is gone: {advice}",{otherwise})'
    return otherwise


def tally(compared: list[tuple[str, int]], state: str) -> str:
    """How many comparisons of these ranges are in this state, for a formula; none on a sheet that was deleted."""
    return "+".join(f'IFERROR(COUNTIF({area},"{state}"),0)' for area, _ in compared)


def colour_states(book: Book, sheet: Worksheet, area: Area) -> None:
    """Colour repeats what the words say."""
    for state, colour in STATES.items():
        look = book.workbook.add_format({"font_color": colour, "bold": colour == style.BAD})
        rule = {"type": "cell", "criteria": "==", "value": f'"{state}"', "format": look}
        sheet.conditional_format(*area, rule)


def show_whole(book: Book, sheet: Worksheet, area: Area) -> None:
    """A number too small or too large for fixed decimals is shown as it is, so that none of them looks like 0."""
    cell = xl_rowcol_to_cell(*area[:2])
    size = f"ABS({cell})"
    odd = f"=AND(ISNUMBER({cell}),{cell}<>0,OR({size}<0.0001,{size}>=1000))"
    look = book.workbook.add_format({"num_format": "General"})
    sheet.conditional_format(*area, {"type": "formula", "criteria": odd, "format": look})


def mute_errors(book: Book, sheet: Worksheet, area: Area) -> None:
    """#N/A, the answer of a formula that has no number to work with, stands back."""
    sheet.conditional_format(*area, {"type": "errors", "format": book.workbook.add_format({"font_color": style.MUTED})})


def number_rules(book: Book, sheet: Worksheet, area: Area) -> None:
    """Of cells with six decimals: errors stand back, and large numbers get an exponent, as the columns are narrow."""
    mute_errors(book, sheet, area)
    wide = {"type": "cell", "criteria": "not between", "minimum": -1000, "maximum": 1000}
    sheet.conditional_format(*area, {**wide, "format": book.workbook.add_format({"num_format": style.EXPONENT})})


def loss_rules(book: Book, sheet: Worksheet, area: Area) -> None:
    """As number_rules; small losses get an exponent too, for a descent goes on below what six decimals show."""
    number_rules(book, sheet, area)
    cell = xl_rowcol_to_cell(*area[:2])
    small = {"type": "formula", "criteria": f"=AND(ISNUMBER({cell}),{cell}<>0,ABS({cell})<0.0001)"}
    sheet.conditional_format(*area, {**small, "format": book.workbook.add_format({"num_format": style.EXPONENT})})
