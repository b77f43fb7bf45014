"""Network: inputs, targets, weights, learning rate. A preset's value, yours, the one used, that at the epoch shown.

A blank cell of yours means the preset's. The values used are those that every other sheet and Python read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract, formulas, state_text
from xlsx.contract import ALL_GOOD
from xlsx.sheets import pasted, presets, style, validation
from xlsx.sheets.book import Book, Cell
from xlsx.sheets.cells import Allowed, allowed, array, is_number, mute_errors, no_number, show_whole, used

TITLE = contract.NETWORK
WIDTHS = [13, 13, 10.5, 12, 12, 12, 12, 25, 1.5, 45]
KIND, NAME, CONNECTION, PRESET, YOURS, USED, SHOWN, NOTE, _, SIDE = range(10)
COLUMNS = {
    KIND: ("Kind", "header"),
    NAME: ("Name", "header"),
    CONNECTION: ("Connection", "header"),
    PRESET: ("Preset’s", "header_right"),
    YOURS: ("Yours (edit)", "header_right"),
    USED: ("Used", "header_right"),
    NOTE: ("Note", "header_state"),
}
NETWORK_ROW, PRESET_ROW, OPTIMIZER_ROW, CHECK_ROW, HEADER_ROW = 3, 4, 5, 6, 8
FIRST = HEADER_ROW + 1
HELP = (
    "Cells with a border and this fill are yours to edit.",
    "Leave one blank and the preset’s value is used.",
    "",
    "A text or an error is no number: what depends on it",
    "shows #N/A, never a 0, and the check names the cell.",
    "",
    "The column at the right of “Used” shows the weights at",
    "the epoch that is chosen on Forward.",
    "",
    "Another network has other rows. Write it with",
    'python start.py build --network "2-3-1 tanh bias"',
    "",
    "All of this as one line, to paste elsewhere",
    "(--state takes it):",
)
STATE_ROW = HEADER_ROW + len(HELP)
PASTE_HELP = "Such a line, pasted here, is laid out:"
PASTE_ROW, PASTED_ROW = STATE_ROW + 2, STATE_ROW + 3
MOST_PASTED = 32_000  # characters; a cell holds few more
LAID_OUT = "laid out; what is filled in under Yours goes before it"


class Entry(NamedTuple):
    """One row of numbers: its kind and name, where it leads, its value at the start, and whether it is edited here."""

    kind: str
    name: str
    connection: str
    value: float
    edited: bool = True


def heading(book: Book) -> style.Heading:
    return style.Heading("Network", "What goes in. Every other sheet follows these cells.")


def place(book: Book) -> None:
    sheet = book.sheet(TITLE)
    rows = [entry for group in entries(book).values() for entry in group]
    for row, entry in enumerate(rows, FIRST):
        if entry.edited:
            book.start[entry.name] = Cell(sheet, row, USED)
        book.shown[entry.name] = Cell(sheet, row, USED if entry.name == "learning_rate" else SHOWN)


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    groups = entries(book)
    last = HEADER_ROW + sum(map(len, groups.values()))
    write_top(book, sheet)
    presets.write(book, sheet, groups, HEADER_ROW)
    row = FIRST
    for name, group in groups.items():
        define(book, sheet, name, row, row + len(group) - 1)
        for at, entry in enumerate(group):
            write_entry(book, sheet, row + at, entry)
            write_shown(book, sheet, row + at, entry)
        row += len(group)
    write_check(book, sheet, last)
    mute_errors(book, sheet, (FIRST, PRESET, last, SHOWN))
    show_whole(book, sheet, (FIRST, PRESET, last, SHOWN))
    write_state(book, sheet)
    sheet.freeze_panes(FIRST, 0)
    style.printed(sheet, max(last, PASTED_ROW), WIDTHS, HEADER_ROW)


def define(book: Book, sheet: Worksheet, name: str, first: int, last: int) -> None:
    """`weights` is what is used, `your_weights` what is edited, `shown_weights` what they are at the epoch shown."""
    if book.samples == 1 or name not in ("inputs", "targets"):
        book.define(name, sheet, (first, USED, last, USED))
        book.define(f"your_{name}", sheet, (first, YOURS, last, YOURS))
    if name != "learning_rate":
        book.define(f"shown_{name}", sheet, (first, SHOWN, last, SHOWN))


def entries(book: Book) -> dict[str, list[Entry]]:
    """The rows by their defined name, in the order of the sheet. Several samples are edited on Batch."""
    network, preset, one = book.network, book.preset, book.samples == 1
    leads = formulas.connections(network)
    inputs = zip(network.input_names, preset.inputs[0], strict=True)
    targets = zip(network.target_names, preset.targets[0], strict=True)
    weights = zip(network.weight_names, preset.weights, strict=True)
    where = "" if one else "on Batch"
    return {
        "inputs": [Entry("Input", name, where, float(value), one) for name, value in inputs],
        "targets": [Entry("Target", name, where, float(value), one) for name, value in targets],
        "weights": [Entry("Weight" if w[0] == "w" else "Bias", w, leads[w], float(value)) for w, value in weights],
        "learning_rate": [Entry("Learning rate", "learning_rate", "", float(preset.learning_rate))],
    }


def write_top(book: Book, sheet: Worksheet) -> None:
    looks = book.looks
    labels = {NETWORK_ROW: "Network", PRESET_ROW: "Preset", OPTIMIZER_ROW: "Optimizer", CHECK_ROW: "Check"}
    for row, label in labels.items():
        sheet.write_string(row, KIND, label, looks["label"])
        for column in range(NAME, NOTE + 1):
            sheet.write_blank(row, column, None, looks["text"])
    sheet.write_string(NETWORK_ROW, NAME, book.network.text, looks["label"])
    book.define("network", sheet, (NETWORK_ROW, NAME) * 2)
    only_this_text(sheet, book.network.text)
    sheet.merge_range(OPTIMIZER_ROW, NAME, OPTIMIZER_ROW, CONNECTION, book.optimizer, looks["edit_text"])
    sheet.data_validation(OPTIMIZER_ROW, NAME, OPTIMIZER_ROW, NAME, optimizer_rule())
    about = "makes the weights of the epochs after 0"
    shown = f'=IF({pasted.GOOD},"of the pasted line: "&pasted_optimizer,"{about}")'
    sheet.write_formula(OPTIMIZER_ROW, PRESET, shown, looks["muted_apart"], about)
    number = f"=IF({pasted.GOOD},{pasted.position('pasted_optimizer')},{pasted.position('optimizer')})"
    chosen = state_text.OPTIMIZERS.index(book.optimizer) + 1
    sheet.write_formula(OPTIMIZER_ROW, NOTE, number, looks["integer_hidden"], chosen)
    book.define("optimizer_number", sheet, (OPTIMIZER_ROW, NOTE) * 2)
    book.define("optimizer", sheet, (OPTIMIZER_ROW, NAME) * 2)
    for column, (title, look) in COLUMNS.items():
        sheet.write_string(HEADER_ROW, column, title, looks[look])
    sheet.write_formula(HEADER_ROW, SHOWN, '="At epoch "&IFERROR(epoch_used,"?")', looks["header_right"], "At epoch 0")
    for row, line in enumerate(HELP, HEADER_ROW):
        sheet.write_string(row, SIDE, line, looks["plain"])


def optimizer_rule() -> dict[str, object]:
    names = list(state_text.OPTIMIZERS)
    return validation.one_of(names, "optimizer: one of the list", f"Choose one of: {', '.join(names)}.")


def only_this_text(sheet: Worksheet, text: str) -> None:
    """The sheets are laid out for this network; another text here would ask Python for another one."""
    message = "Write a workbook for another one with python start.py build --network SPEC --out FOLDER"
    rule = validation.one_of([text], "The sheets show this network", message)
    sheet.data_validation(NETWORK_ROW, NAME, NETWORK_ROW, NAME, {**rule, "dropdown": False})


def write_entry(book: Book, sheet: Worksheet, row: int, entry: Entry) -> None:
    """One row: the preset's value, yours, the one used (#N/A unless it is a number) and what is wrong with it."""
    looks = book.looks
    sheet.write_string(row, KIND, entry.kind, looks["muted"])
    sheet.write_string(row, NAME, entry.name, looks["label"])
    sheet.write_string(row, CONNECTION, entry.connection, looks["text"])
    sheet.write_blank(row, NOTE, None, looks["state"])
    if entry.edited:
        write_blocks(book, sheet, row, entry)
    else:
        for column in (PRESET, YOURS, USED):
            sheet.write_blank(row, column, None, looks["text"])


def write_blocks(book: Book, sheet: Worksheet, row: int, entry: Entry) -> None:
    looks, numbers = book.looks, allowed(book.network, entry.name)
    preset, yours = (xl_rowcol_to_cell(row, column) for column in (PRESET, YOURS))
    sheet.write_formula(row, PRESET, "=" + presets.value(row), looks["given_muted"], entry.value)
    sheet.write_blank(row, YOURS, None, looks["edit"])
    sheet.write_formula(row, USED, "=" + used(yours, numbers, preset), looks["given"], entry.value)
    sheet.write_formula(row, NOTE, "=" + note(yours, numbers), looks["state"], "")
    sheet.data_validation(row, YOURS, row, YOURS, number_rule(entry.name, numbers))


def note(cell: str, numbers: Allowed) -> str:
    """What is wrong with a cell, in words; an empty text when nothing is."""
    number = f'IF({numbers.condition.format(cell)},"","is {numbers.fault}: type another")'
    return f'IF({is_number(cell)},{number},IF(ISBLANK({cell}),"",{no_number(cell)}&": type a number"))'


def number_rule(name: str, numbers: Allowed) -> dict[str, object]:
    typed = "such as 0.5 (typed the way this computer writes decimals), or blank"
    return {
        "validate": "decimal",
        **numbers.criteria,
        "error_title": f"{name}: {numbers.words}",
        "error_message": f"{name} must be a number {numbers.words}, {typed}.",
    }


def write_check(book: Book, sheet: Worksheet, last: int) -> None:
    """first_bad_input: a choice that is not in its list, or the first row whose note is not empty."""
    names, notes = (xl_range(FIRST, column, last, column) for column in (NAME, NOTE))
    # No condition over cells: not every program computes one here. &"": else Calc, once a sheet was deleted, remembers
    # what it found before.
    first = f'MATCH("?*",{notes}&"",0)'
    rows = f'IFERROR(INDEX({names},{first})&" (row "&{first}+{HEADER_ROW + 1}&") "&INDEX({notes},{first}),"{ALL_GOOD}")'
    if book.samples > 1:
        rows = f'IF(first_bad_sample<>"",first_bad_sample,{rows})'
    choices = (("preset_number", "preset"), ("optimizer_number", "optimizer"), ("epoch_used", "epoch (on Forward)"))
    for number, what in reversed(choices):
        rows = f'IF(ISNUMBER({number}),{rows},"{what} is not one of those allowed: choose another")'
    rows = f'IF(pasted_fault="",{rows},pasted_fault)'
    array(sheet, (CHECK_ROW, NAME, CHECK_ROW, NAME), rows, book.looks["label"], ALL_GOOD)
    book.define("first_bad_input", sheet, (CHECK_ROW, NAME) * 2)


def write_shown(book: Book, sheet: Worksheet, row: int, entry: Entry) -> None:
    """The value at the epoch shown: a weight's of the chosen optimizer's descent, an input's of the sample shown."""
    formula = xl_rowcol_to_cell(row, USED)
    if entry.name in book.network.weight_names:
        columns = [f"'{descent.sheet.name}'!{descent.area(entry.name)}" for descent in book.descents]
        formula = f"INDEX(CHOOSE(optimizer_number,{','.join(columns)}),epoch_used+1)"
    elif not entry.edited:
        first, last = (book.start[f"{entry.name} #{sample}"].on(sheet, anchored=True) for sample in (1, book.samples))
        formula = f"INDEX({first}:{last.split('!')[-1]},sample_used)"
    sheet.write_formula(row, SHOWN, f"={formula}", book.looks["short_row"], entry.value)


def write_state(book: Book, sheet: Worksheet) -> None:
    """The cell `state`, and the cell that takes such a line."""
    text = state_text.text(book.preset, book.optimizer)
    sheet.write_formula(STATE_ROW, SIDE, "=" + state_formula(book, sheet), book.looks["state_text"], text)
    book.define("state", sheet, (STATE_ROW, SIDE) * 2)
    sheet.write_string(STATE_ROW + 1, SIDE, PASTE_HELP, book.looks["plain"])
    sheet.write_blank(PASTE_ROW, SIDE, None, book.looks["edit_text"])
    rule = validation.short_text(MOST_PASTED, "the line is too long", "Paste a line of such a cell, or leave it blank.")
    sheet.data_validation(PASTE_ROW, SIDE, PASTE_ROW, SIDE, rule)
    book.define("pasted_state", sheet, (PASTE_ROW, SIDE) * 2)
    said = f'=IF(pasted_fault="",IF(pasted_state="","","{LAID_OUT}"),pasted_fault)'
    sheet.write_formula(PASTED_ROW, SIDE, said, book.looks["muted_plain"], "")


def state_formula(book: Book, sheet: Worksheet) -> str:
    """The line of xlsx.state_text, natively; empty where a number is missing."""

    def numbers(names: Iterable[str]) -> str:
        return '&" "&'.join(book.start[name].on(sheet) for name in names)

    def samples(names: tuple[str, ...]) -> str:
        if book.samples == 1:
            return numbers(names)
        return '&" / "&'.join(numbers(f"{n} #{s}" for n in names) for s in range(1, book.samples + 1))

    network = book.network
    fields = f'"; inputs "&{samples(network.input_names)}&"; targets "&{samples(network.target_names)}'
    fields += f'&"; weights "&{numbers(network.weight_names)}&"; learning_rate "&{numbers(["learning_rate"])}'
    optimizer = f"CHOOSE(optimizer_number,{','.join(f'{chr(34)}{name}{chr(34)}' for name in state_text.OPTIMIZERS)})"
    return f'IFERROR(network&SUBSTITUTE({fields},",",".")&"; optimizer "&{optimizer},"")'
