"""Network: the inputs, targets, weights and the learning rate: the only cells to edit, and what is wrong with them."""

from __future__ import annotations

from typing import NamedTuple

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import formulas
from xlsx.sheets import style
from xlsx.sheets.cells import ALL_GOOD, Book, array, mute_errors, used

TITLE = "Network"
WIDTHS = [17, 13, 15, 13, 13, 25, 1.5, 56]
COLUMNS = ("Kind", "Name", "Connection", "Value (edit)", "Value used", "Note")
KIND, NAME, CONNECTION, VALUE, USED, NOTE, _, SIDE = range(8)
NETWORK_ROW, START_ROW, CHECK_ROW, HEADER_ROW = 3, 4, 5, 7
HELP = (
    "Cells with a border and this fill are yours to edit.",
    "Everything else is computed from them, on every sheet.",
    "",
    "“Value used” is what the formulas read. A cell that is blank, text or an",
    "error has no value: what depends on it shows #N/A, never a 0.",
    "",
    "Another network, such as 2-3-1 tanh bias, has other rows: write it with",
    'python -m xlsx.build --network "2-3-1 tanh bias" --out FOLDER',
)


class Entry(NamedTuple):
    """One editable cell: what kind of number it is, its name, where it leads, its value at the start."""

    kind: str
    name: str
    connection: str
    value: float


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    groups = entries(book)
    write_top(book, sheet)
    row = HEADER_ROW + 1
    for name, group in groups.items():
        book.define(name, sheet, xl_range(row, VALUE, row + len(group) - 1, VALUE))
        for at, entry in enumerate(group):
            write_entry(book, sheet, row + at, entry)
        row += len(group)
    last = row - 1
    write_check(book, sheet, last)
    mute_errors(book, sheet, (HEADER_ROW + 1, USED, last, USED))
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    style.printed(sheet, max(last, HEADER_ROW + len(HELP)), WIDTHS)


def entries(book: Book) -> dict[str, list[Entry]]:
    """The editable cells by their defined name, in the order of the sheet."""
    network, preset = book.network, book.preset
    leads = formulas.connections(network)
    weights = zip(network.weight_names, preset.weights, strict=True)
    return {
        "inputs": [Entry("Input", *pair) for pair in led(network.input_names, preset.inputs[0])],
        "targets": [Entry("Target", *pair) for pair in led(network.target_names, preset.targets[0])],
        "weights": [Entry("Weight" if w[0] == "w" else "Bias", w, leads[w], float(value)) for w, value in weights],
        "learning_rate": [Entry("Learning rate", "learning_rate", "", float(preset.learning_rate))],
    }


def led(names: tuple[str, ...], values: tuple[float, ...]) -> list[tuple[str, str, float]]:
    return [(name, "", float(value)) for name, value in zip(names, values, strict=True)]


def write_top(book: Book, sheet: Worksheet) -> None:
    looks = book.looks
    for row, label in ((NETWORK_ROW, "Network"), (START_ROW, "Starting point"), (CHECK_ROW, "Check of the cells")):
        sheet.write_string(row, KIND, label, looks["label"])
        for column in range(NAME, NOTE + 1):
            sheet.write_blank(row, column, None, looks["text"])
    sheet.write_string(NETWORK_ROW, NAME, book.network.text, looks["label"])
    sheet.write_string(START_ROW, NAME, book.preset.source, looks["text"])
    book.define("network", sheet, xl_rowcol_to_cell(NETWORK_ROW, NAME))
    only_this_text(sheet, book.network.text)
    for column, title in enumerate(COLUMNS):
        look = {VALUE: "header_right", USED: "header_right", NOTE: "header_state"}.get(column, "header")
        sheet.write_string(HEADER_ROW, column, title, looks[look])
    for row, line in enumerate(HELP, HEADER_ROW):
        sheet.write_string(row, SIDE, line, looks["group" if row == HEADER_ROW else "plain"])


def only_this_text(sheet: Worksheet, text: str) -> None:
    """The sheets are laid out for this network; another text here would ask Python for another one."""
    rule = {
        "validate": "list",
        "source": [text],
        "ignore_blank": False,
        "dropdown": False,
        "error_title": "The sheets show this network",
        "error_message": "Write a workbook for another one with python -m xlsx.build --network SPEC --out FOLDER",
    }
    sheet.data_validation(NETWORK_ROW, NAME, NETWORK_ROW, NAME, rule)


def write_entry(book: Book, sheet: Worksheet, row: int, entry: Entry) -> None:
    """One row: the editable value, the value used (#N/A unless it is a number) and what is wrong with it."""
    looks, cell = book.looks, xl_rowcol_to_cell(row, VALUE)
    positive = entry.name == "learning_rate"
    sheet.write_string(row, KIND, entry.kind, looks["muted"])
    sheet.write_string(row, NAME, entry.name, looks["label"])
    sheet.write_string(row, CONNECTION, entry.connection, looks["text"])
    sheet.write_number(row, VALUE, entry.value, looks["edit"])
    sheet.write_formula(row, USED, "=" + used(cell, positive), looks["general"], entry.value)
    sheet.write_formula(row, NOTE, "=" + note(cell, positive), looks["state"], "")
    sheet.data_validation(row, VALUE, row, VALUE, number_rule(entry.name, positive))
    book.place(entry.name, sheet, row, USED, entry.value)


def note(cell: str, positive: bool) -> str:
    """What is wrong with a cell, in words; an empty text when nothing is."""
    number = f'IF({cell}>0,"","is not above 0")' if positive else '""'
    text = f'IF(ISTEXT({cell}),"is text: type a number","is an error: type a number")'
    return f'IF(ISNUMBER({cell}),{number},IF(ISBLANK({cell}),"is blank: type a number",{text}))'


def number_rule(name: str, positive: bool) -> dict[str, object]:
    limits = {"criteria": ">", "value": 0} if positive else {"criteria": "between", "minimum": -1e9, "maximum": 1e9}
    what = "a number above 0" if positive else "a number"
    return {
        "validate": "decimal",
        **limits,
        "ignore_blank": False,
        "error_title": f"{name}: {what}",
        "error_message": f"{name} must be {what}, such as 0.5 (typed the way this computer writes decimals).",
    }


def write_check(book: Book, sheet: Worksheet, last: int) -> None:
    """first_bad_input: the first row whose note is not empty."""
    names, notes = (xl_range(HEADER_ROW + 1, column, last, column) for column in (NAME, NOTE))
    first = f"MATCH(TRUE,LEN({notes})>0,0)"
    named = f'INDEX({names},{first})&" (row "&{first}+{HEADER_ROW + 1}&") "&INDEX({notes},{first})'
    array(sheet, (CHECK_ROW, NAME, CHECK_ROW, NAME), f'IFERROR({named},"{ALL_GOOD}")', book.looks["label"], ALL_GOOD)
    book.define("first_bad_input", sheet, xl_rowcol_to_cell(CHECK_ROW, NAME))
