"""The workbook under construction: what it is of, and where every quantity stands once the sheets have said so."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import quote_sheetname, xl_range, xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from pyfuncs.network import Network
from pyfuncs.presets import Preset
from xlsx import chains, contract, expressions
from xlsx.sheets.epochs import Descent

Area = tuple[int, int, int, int]  # first row, first column, last row, last column
Values = dict[str, float]


class Cell(NamedTuple):
    """Where a number stands."""

    sheet: Worksheet
    row: int
    column: int

    def on(self, reader: Worksheet, anchored: bool = False) -> str:
        """The cell as a formula on `reader` writes it."""
        cell = str(xl_rowcol_to_cell(self.row, self.column, anchored, anchored))
        return cell if self.sheet is reader else f"{quote_sheetname(self.sheet.name)}!{cell}"


class Numeric(NamedTuple):
    """A weight's numeric derivative, its cell, and the step; the forward passes at w − h and w + h."""

    cell: Cell
    value: float
    step: float
    passes: tuple[Values, Values]


class PythonBlock(NamedTuple):
    """A block that Python answers: its sheet's title, its cells (B9:B16), how many rows they are, and the call."""

    sheet: str
    area: str
    rows: int
    call: str


@dataclass
class Book:
    """`macros` is true for the .xlsm, `exercise` where the answers are left to the reader.

    The sheets' `place` fills what follows: the cells of the numbers that every descent starts with (weights, rate,
    inputs and targets), of every quantity at the epoch shown, of the answers of an exercise; the numeric derivatives;
    the descent of each optimizer; the ranges that hold comparisons, with their cell counts. `python_blocks` has all
    that Python answers, once it is written.
    """

    workbook: Workbook
    network: Network
    preset: Preset
    looks: dict[str, Format]
    macros: bool = False
    exercise: bool = False
    epochs: int = 100
    optimizer: str = "sgd"
    start: dict[str, Cell] = field(default_factory=dict)
    shown: dict[str, Cell] = field(default_factory=dict)
    answers: dict[str, Cell] = field(default_factory=dict)
    numeric: dict[str, Numeric] = field(default_factory=dict)
    descents: list[Descent] = field(default_factory=list)
    compared: list[tuple[str, int]] = field(default_factory=list)
    python_blocks: list[PythonBlock] = field(default_factory=list)

    @property
    def samples(self) -> int:
        return len(self.preset.inputs)

    @cached_property
    def start_values(self) -> Values:
        """What a descent starts with; the numbers of a batch are called i1 #1 …"""
        names = zip(("inputs", "targets"), (self.network.input_names, self.network.target_names), strict=True)
        values = {w: float(value) for w, value in zip(self.network.weight_names, self.preset.weights, strict=True)}
        for rows, row_names in ((getattr(self.preset, kind), named) for kind, named in names):
            for sample, row in enumerate(rows, 1):
                ending = f" #{sample}" if self.samples > 1 else ""
                values |= {name + ending: float(value) for name, value in zip(row_names, row, strict=True)}
        return values | {"learning_rate": float(self.preset.learning_rate)}

    @cached_property
    def values(self) -> Values:
        """Every quantity at epoch 0 and of the first sample: what is shown when the workbook is opened."""
        values = dict(self.start_values)
        if self.samples > 1:
            values |= {name: values[f"{name} #1"] for name in (*self.network.input_names, *self.network.target_names)}
        for quantity in chains.shown(self.network, self.samples):
            values[quantity.name] = expressions.evaluate(quantity.expression, values)
        return values

    def sheet(self, title: str) -> Worksheet:
        return self.workbook.get_worksheet_by_name(title)

    def seen(self, name: str) -> Cell:
        """The cell that a reader of the workbook sees: in an exercise the answer, not the key to it."""
        return self.answers.get(name) or self.shown[name]

    def compare(self, sheet: Worksheet, area: Area, with_python: bool = True) -> None:
        """Here comparisons will stand; those that are not with Python say "differs", but are not counted."""
        first_row, first_column, last_row, last_column = area
        count = (last_row - first_row + 1) * (last_column - first_column + 1) if with_python else 0
        self.compared.append((f"{quote_sheetname(sheet.name)}!{xl_range(*area)}", count))

    def define(self, name: str, sheet: Worksheet, area: Area) -> None:
        """A workbook-wide name of the contract: other code finds cells through these only."""
        assert name in contract.NAMES or name.startswith(contract.SETTING), f"{name} is not in xlsx/contract.py"
        self.workbook.define_name(name, f"={quote_sheetname(sheet.name)}!{xl_range_abs(*area)}")

    def record(self, sheet: Worksheet, area: Area, call: str) -> None:
        """Remember a block that Python answers."""
        self.python_blocks.append(PythonBlock(sheet.name, xl_range(*area), area[2] - area[0] + 1, call))

    def buttons(self, sheet: Worksheet, row: int, column: int = 0) -> None:
        """The sheet's buttons in a row 33 points high, from this column on."""
        sheet.set_row(row, 33)
        for index, caption in enumerate(contract.BUTTONS[sheet.name]):
            apart = 36 if caption in contract.APART else 0
            size = {"width": 100, "height": 30, "x_offset": 3 + index * 108 + apart, "y_offset": 7}
            insert_button(sheet, (row, column), caption, self.macros, size)


def insert_button(sheet: Worksheet, place: tuple[int, int], caption: str, macros: bool, size: dict[str, int]) -> None:
    """A button at a row and column. Calc finds it by sheet and caption, Excel's calls its macro.

    Without macros it names none: Calc would warn of macros that are not there.
    """
    sheet.insert_button(*place, {**size, "caption": caption, "description": caption})
    sheet.buttons_list[-1].macro = f"[0]!{contract.macro_name(caption)}" if macros else ""
