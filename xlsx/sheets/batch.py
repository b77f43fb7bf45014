"""Batch: the samples of a network that learns from several, each worked through in a row, and their mean."""

from __future__ import annotations

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import chains, contract, expressions
from xlsx.expressions import stored
from xlsx.sheets import pasted, presets, style
from xlsx.sheets.book import Area, Book, Cell
from xlsx.sheets.cells import (
    NUMBER,
    PROBABILITY,
    TOLERANCE,
    agreement,
    allowed,
    array,
    differs,
    mute_errors,
    number_rules,
    numbers_in,
    or_zero,
    python,
    show_whole,
    used,
)
from xlsx.sheets.network import HEADER_ROW as LINE_ROW
from xlsx.sheets.network import number_rule
from xlsx.sheets.quantities import epoch_line

TITLE = contract.BATCH
GROUP_ROW, HEADER_ROW = 3, 4
FIRST = HEADER_ROW + 1
BLOCKS = ("Preset’s", "Yours (edit): blank means the preset’s", "Used")
WIDTHS = [11, *[9.5] * 30]
MEAN, PYTHON, AGREEMENT, ROUNDING = range(4)  # rows under those of the samples


def names(book: Book) -> tuple[str, ...]:
    return book.network.input_names + book.network.target_names


def column_of(book: Book, block: int) -> int:
    """The first column of a block; an empty one parts them."""
    return 1 + block * (len(names(book)) + 1)


def heading(book: Book) -> style.Heading:
    subtitle = f"Network {book.network.text}: several samples make one update, by the mean of their derivatives."
    return style.Heading("Batch", subtitle, 1)


def place(book: Book) -> None:
    sheet, top = book.sheet(TITLE), states_row(book)
    for sample in range(1, book.samples + 1):
        for column, name in enumerate(names(book), column_of(book, 2)):
            book.start[f"{name} #{sample}"] = book.shown[f"{name} #{sample}"] = Cell(sheet, FIRST + sample - 1, column)
    for column, name in enumerate(chains.state(book.network, 1), 1):
        for quantity, row in rows_of(book, name, top + 2).items():
            book.shown[quantity] = Cell(sheet, row, column)
    book.compare(sheet, loss_area(book, AGREEMENT))


def states_row(book: Book) -> int:
    """The heading of the samples at the epoch shown, under the samples to edit."""
    return FIRST + book.samples + 1


def rows_of(book: Book, name: str, first: int) -> dict[str, int]:
    """The rows of one quantity: each sample's, then its mean where it has one."""
    mean = {name: first + book.samples} if name in chains.state(book.network, book.samples) else {}
    return {f"{name} #{sample}": first + sample - 1 for sample in range(1, book.samples + 1)} | mean


def loss_area(book: Book, row: int) -> Area:
    """The losses in a row under the samples: MEAN, PYTHON or AGREEMENT."""
    at, first = states_row(book) + 2 + book.samples + row, 1 + list(chains.state(book.network, 1)).index("E1")
    return at, first, at, first + len(book.network.loss_names) - 1


def write(book: Book) -> None:
    """The samples to edit, then each at the epoch shown."""
    write_samples(book)
    write_states(book)


def write_samples(book: Book) -> None:
    sheet, found = book.sheet(TITLE), presets.fitting(book)
    epoch_line(book, sheet, 2, 1)
    for block, title in enumerate(BLOCKS):
        first = column_of(book, block)
        sheet.write_string(GROUP_ROW, first, title, book.looks["group"])
        for column, name in enumerate(names(book), first):
            sheet.write_string(HEADER_ROW, column, name, book.looks["header_right"])
    sheet.write_string(HEADER_ROW, 0, "sample", book.looks["header"])
    for sample in range(book.samples):
        write_sample(book, sheet, sample, [[*each.inputs[sample], *each.targets[sample]] for each in found.values()])
    write_names(book, sheet)
    write_check(book, sheet)


def write_sample(book: Book, sheet: Worksheet, sample: int, values: list[list[float]]) -> None:
    """One row of the three blocks, and what is wrong in it. `values` are those of each preset."""
    row, looks = FIRST + sample, book.looks
    numbers = [*book.preset.inputs[sample], *book.preset.targets[sample]]
    sheet.write_number(row, 0, sample + 1, looks["sample"])
    for at, (name, value) in enumerate(zip(names(book), map(float, numbers), strict=True)):
        preset, yours, use = (column_of(book, block) + at for block in range(3))
        choice = ",".join(f"{each[at]:.15g}" for each in values) + f",{pasted_number(book, name, sample)}"
        sheet.write_formula(row, preset, f"=CHOOSE(preset_number,{choice})", looks["given_muted"], value)
        sheet.write_blank(row, yours, None, looks["edit"])
        sheet.data_validation(row, yours, row, yours, number_rule(name, allowed(book.network, name)))
        cells = xl_rowcol_to_cell(row, yours), xl_rowcol_to_cell(row, preset)
        sheet.write_formula(
            row, use, "=" + used(cells[0], allowed(book.network, name), cells[1]), looks["given"], value
        )


def pasted_number(book: Book, name: str, sample: int) -> str:
    """The cell on Network that holds it where a line was pasted."""
    line = presets.line_column(book)
    return f"{contract.NETWORK}!{pasted.number(book, LINE_ROW, line, name, sample)}"


def write_names(book: Book, sheet: Worksheet) -> None:
    """inputs and targets: the blocks that are used; your_inputs and your_targets: those that are edited."""
    last, inputs = FIRST + book.samples - 1, len(book.network.input_names)
    for prefix, block in (("your_", 1), ("", 2)):
        first = column_of(book, block)
        book.define(f"{prefix}inputs", sheet, (FIRST, first, last, first + inputs - 1))
        book.define(f"{prefix}targets", sheet, (FIRST, first + inputs, last, first + len(names(book)) - 1))
    used_block = column_of(book, 2)
    mute_errors(book, sheet, (FIRST, used_block, last, used_block + len(names(book)) - 1))
    show_whole(book, sheet, (FIRST, column_of(book, 0), last, used_block + len(names(book)) - 1))


def write_check(book: Book, sheet: Worksheet) -> None:
    """first_bad_sample: the first row whose numbers cannot all be used; empty when all can."""
    first, count = column_of(book, 2), len(names(book))
    bad = [
        f"COUNT({xl_range(row, first, row, first + count - 1)})<{count}" for row in range(FIRST, FIRST + book.samples)
    ]
    targets = f", or a target not {PROBABILITY.words}" if book.network.loss == "cross-entropy" else ""
    text = '""'
    for sample in range(book.samples, 0, -1):
        wrong = f'"Batch, sample {sample}: a cell is no number {NUMBER.words}{targets}: type another"'
        text = f"IF({bad[sample - 1]},{wrong},{text})"
    column = column_of(book, 3)
    array(sheet, (FIRST, column) * 2, text, book.looks["state_plain"], "")
    book.define("first_bad_sample", sheet, (FIRST, column) * 2)


def write_states(book: Book) -> None:
    """Every sample at the epoch shown, a row each, and the mean below, with Python's losses beside."""
    sheet, top = book.sheet(TITLE), states_row(book)
    alone = list(chains.state(book.network, 1))
    for column in range(len(alone) + 1):
        sheet.write_blank(top, column, None, book.looks["section"])
    sheet.write_string(top, 1, "Each sample at the epoch shown", book.looks["section"])
    sheet.write_string(top + 1, 0, "sample", book.looks["header"])
    for column, name in enumerate(alone, 1):
        sheet.write_string(top + 1, column, name, book.looks["header_right"])
        write_column(book, sheet, top + 2, column, name)
    for sample in range(book.samples):
        sheet.write_number(top + 2 + sample, 0, sample + 1, book.looks["sample"])
    mean = top + 2 + book.samples
    sheet.write_string(mean, 0, "mean", book.looks["label"])
    write_python(book, sheet)
    number_rules(book, sheet, (top + 2, 1, mean + 1, len(alone)))
    sheet.freeze_panes(0, 1)
    columns = max(len(alone) + 1, column_of(book, len(BLOCKS)) - 1)
    style.printed(sheet, mean + 2, [WIDTHS[0], *[WIDTHS[1]] * (columns - 1)])


def write_column(book: Book, sheet: Worksheet, first: int, column: int, name: str) -> None:
    """One quantity, sample by sample, then its mean where it has one."""
    state = chains.state(book.network, book.samples)
    for quantity, row in rows_of(book, name, first).items():
        formula = "=" + expressions.native(state[quantity], lambda each: book.shown[each].on(sheet))
        sheet.write_formula(row, column, formula, book.looks["short_row"], stored(book.values[quantity]))


def write_python(book: Book, sheet: Worksheet) -> None:
    """BACKPROP_LOSS of the whole batch under its native mean. (Backward compares the derivatives.)"""
    mean, python_area, area, rounding_area = (loss_area(book, row) for row in range(4))
    sheet.write_string(python_area[0], 0, "Python", book.looks["label"])
    sheet.write_string(area[0], 0, "Agreement", book.looks["label"])
    call = "BACKPROP_LOSS(shown_weights,inputs,targets,network)"
    python(book, sheet, python_area, call, book.looks["short_row"])
    sheet.write_string(rounding_area[0], 0, "Rounding", book.looks["muted_plain"])
    call = 'BACKPROP_ROUNDING(shown_weights,inputs,targets,network,"loss")'
    python(book, sheet, rounding_area, call, book.looks["rounding"])
    native, beside = xl_range(*mean), xl_range(*python_area)
    different = differs(native, beside, TOLERANCE, or_zero(xl_range(*rounding_area)))
    agreement(book, sheet, area, different, numbers_in(native, beside))
