"""The presets that fit the laid-out network, at the right of Network: the dropdown lists them, the rows hold them.

Behind them stands the line that was pasted, whose numbers take the preset's place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from pyfuncs.network import Network
from pyfuncs.presets import PRESETS, Preset, fits
from xlsx import state_text
from xlsx.sheets import pasted, validation
from xlsx.sheets.book import Book

COLUMN = 11  # of the first preset
NUMBER_ROW, SOURCES_ROW = 3, 4
CHOICE = (4, 1)
MOST = 16  # columns that a formula looks through: one cell alone is no range to every program


def fitting(book: Book) -> dict[str, Preset]:
    """By name, those of the same layout and as many samples; before them the book's own numbers if they are none."""
    found = {
        name: preset
        for name, preset in PRESETS.items()
        if fits(Network.parse(preset.network), book.network) and len(preset.inputs) == book.samples
    }
    return found if chosen(book, found) else {"example": book.preset, **found}


def chosen(book: Book, among: dict[str, Preset]) -> str | None:
    """The name under which the book's own numbers stand."""
    alike = (name for name, each in among.items() if replace(each, network=book.network.text) == book.preset)
    return next(alike, None)


def write(book: Book, sheet: Worksheet, groups: dict[str, list[Any]], header_row: int) -> None:
    """A column per preset; above them the number of the chosen one and where each is from."""
    found, looks = fitting(book), book.looks
    names = xl_range_abs(header_row, COLUMN, header_row, COLUMN + len(found) - 1)
    sheet.set_column(COLUMN, COLUMN + len(found) - 1, 13, looks["plain"])
    sheet.write_string(2, COLUMN, "The presets that fit, and what they put in", looks["group"])
    number = chosen(book, found) or ""
    row = xl_range_abs(header_row, COLUMN, header_row, COLUMN + MOST - 1)
    chosen_one = f'IF(pasted_fault="",IF({pasted.GOOD},{len(found) + 1},MATCH(preset,{row},0)),NA())'
    sheet.write_formula(NUMBER_ROW, COLUMN, f"={chosen_one}", looks["integer_muted"], list(found).index(number) + 1)
    sheet.write_string(NUMBER_ROW, COLUMN + 1, "number of the chosen one", looks["muted_plain"])
    book.define("preset_number", sheet, (NUMBER_ROW, COLUMN) * 2)
    for column, (name, preset) in enumerate(found.items(), COLUMN):
        sheet.write_string(header_row, column, name, looks["header_right"])
        sheet.write_string(SOURCES_ROW, column, preset.source, looks["muted_plain"])
        for row, value in enumerate(numbers(book, groups, preset), header_row + 1):
            if value is not None:
                sheet.write_number(row, column, value, looks["given_muted"])
    write_pasted(book, sheet, groups, header_row)
    write_choice(book, sheet, names, number, found)


def line_column(book: Book) -> int:
    """Where the numbers of the pasted line stand: behind the presets and its own column."""
    return COLUMN + len(fitting(book)) + 2


def write_pasted(book: Book, sheet: Worksheet, groups: dict[str, list[Any]], header_row: int) -> None:
    """A column like a preset's, filled by the line."""
    column, looks = line_column(book) - 2, book.looks
    pasted.write(book, sheet, header_row, line_column(book))
    sheet.set_column(column, column, 13, looks["plain"])
    sheet.write_string(header_row, column, "pasted line", looks["header_right"])
    sheet.write_string(SOURCES_ROW, column, state_text.SOURCE, looks["muted_plain"])
    entries = [entry for group in groups.values() for entry in group]
    for row, entry in enumerate(entries, header_row + 1):
        if entry.edited:
            source = pasted.number(book, header_row, line_column(book), entry.name)
            sheet.write_formula(row, column, f"={source}", looks["given_muted"], "")


def numbers(book: Book, groups: dict[str, list[Any]], preset: Preset) -> list[float | None]:
    """A preset's numbers in the order of the rows of Network; the samples of a batch stand on Batch."""
    edited = groups["inputs"][0].edited
    sample = [*preset.inputs[0], *preset.targets[0]]
    return [*(sample if edited else [None] * len(sample)), *map(float, preset.weights), preset.learning_rate]


def write_choice(book: Book, sheet: Worksheet, names: str, name: str, found: dict[str, Preset]) -> None:
    row, column = CHOICE
    sheet.merge_range(row, column, row, column + 1, name, book.looks["edit_text"])
    message = f"These fit here: {', '.join(found)}. Others: python start.py build --preset NAME"
    rule = validation.one_of(f"={names}", "preset: one of the list", message)
    sheet.data_validation(row, column, row, column, rule)
    book.define("preset", sheet, CHOICE * 2)
    sources = xl_range_abs(SOURCES_ROW, COLUMN, SOURCES_ROW, COLUMN + len(found))
    source = f'=IFERROR(INDEX({sources},1,preset_number),"not in the list")'
    sheet.write_formula(row, column + 2, source, book.looks["muted_apart"], found[name].source)


def value(row: int) -> str:
    """The formula of the chosen preset's value in a row."""
    first = xl_rowcol_to_cell(row, COLUMN, col_abs=True)
    return f"INDEX({first}:{xl_rowcol_to_cell(row, COLUMN + MOST - 1, col_abs=True)},1,preset_number)"
