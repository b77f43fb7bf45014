"""The rows of Forward and Backward: a quantity as formula, with the numbers put in, as native value and by Python."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from xlsxwriter.utility import xl_range
from xlsxwriter.worksheet import Worksheet

from xlsx import expressions
from xlsx.contract import ALL_GOOD, NOT_CONNECTED
from xlsx.expressions import stored
from xlsx.formulas import Quantity, layers
from xlsx.sheets import exercise, style
from xlsx.sheets.book import Book, Cell
from xlsx.sheets.cells import (
    TOLERANCE,
    agreement,
    colour_states,
    differs,
    mute_errors,
    numbers_in,
    or_zero,
    python,
)

COLUMNS = (
    ("Quantity", "header"),
    ("Formula", "header"),
    ("Native formula", "header_right"),
    ("Python", "header_right"),
    ("Agreement", "header_state"),
)
TEXTS = (("With the numbers put in", "header_state"), ("What it is", "header"))  # the last columns
INDENT = 1.5  # digits: what an indented column has less room for
NAME, FORMULA, NATIVE, PYTHON, AGREEMENT = range(len(COLUMNS))
AS_PART, OF_FACTORS = "as part of dE/dw", "1E-9"
WIDE, WIDEST = "0.123456", "(-0.123456)"  # numbers put in
IN_FULL = "0.0000000123456789012345"  # one whose logarithm is taken


def header(book: Book, sheet: Worksheet, row: int, more: tuple[tuple[str, str], ...] = ()) -> None:
    titles = exercise.COLUMNS if book.exercise else COLUMNS + more + TEXTS
    for column, (title, look) in enumerate(titles):
        sheet.write_string(row, column, title, book.looks[look])


def heading(book: Book, sheet: Worksheet, row: int, title: str, width: int) -> None:
    """A heading over the rows that follow, as wide as their table."""
    width = len(exercise.COLUMNS) if book.exercise else width
    sheet.set_row(row, 24)
    for column in range(width):
        sheet.write_blank(row, column, None, book.looks["section"])
    sheet.write_string(row, 0, title, book.looks["section"])


def state_line(book: Book, sheet: Worksheet, row: int, column: int = 0) -> None:
    """Says on every sheet whether all cells of Network are numbers, or which is not."""
    sheet.write_formula(row, column, '="Network: "&first_bad_input', book.looks["subtitle"], f"Network: {ALL_GOOD}")


def epoch_line(book: Book, sheet: Worksheet, row: int, column: int = 0) -> None:
    """Says on a sheet which epoch it shows, of which sample, and what is wrong on Network."""
    sample = '", sample "&sample_used' if book.samples > 1 else '""'
    text = f'="Epoch "&epoch_used&{sample}&" (choose on Forward). Network: "&first_bad_input'
    shown = f"Epoch 0{', sample 1' if book.samples > 1 else ''} (choose on Forward). Network: {ALL_GOOD}"
    wrong = '"No epoch to show. Network: "&first_bad_input'
    sheet.write_formula(row, column, f"=IFERROR({text[1:]},{wrong})", book.looks["subtitle"], shown)


class Factor(NamedTuple):
    """A quantity times another, or its square's half where that is itself, or it alone, is `product`."""

    other: str | None
    product: str


class Section(NamedTuple):
    """A heading in a row, quantities beneath it, and the cell function that answers them.

    `rounding` is the call for how far apart rounding may carry the two, `carried` what is made of its cells, for a
    formula. Without a function the rows are held to others: `factors` says which product of which names each is part
    of.
    """

    title: str
    quantities: list[Quantity]
    call: str | None = None
    rounding: str = ""
    carried: str = "{}"
    factors: Mapping[str, list[Factor]] = {}
    row: int = 0

    @property
    def first(self) -> int:
        return self.row + 1

    @property
    def last(self) -> int:
        return self.row + len(self.quantities)


def sections(row: int, parts: Iterable[Section]) -> list[Section]:
    """These one below the other, numbered, from this row on; those without a quantity go."""
    found: list[Section] = []
    for part in parts:
        if part.quantities:
            found.append(part._replace(row=row, title=f"{len(found) + 1}  {part.title}"))
            row = found[-1].last + 1
    return found


def headings(parts: list[Section]) -> list[tuple[int, int]]:
    """Each heading with the row under it, which no page may part."""
    return [(part.row, part.first) for part in parts]


def place(book: Book, sheet: Worksheet, parts: list[Section]) -> None:
    """Say where each quantity stands, and what will be compared."""
    for part in parts:
        if book.exercise:
            exercise.place(book, sheet, part.first, part.quantities)
            continue
        book.shown |= {each.name: Cell(sheet, row, NATIVE) for row, each in enumerate(part.quantities, part.first)}
        book.compare(sheet, (part.first, AGREEMENT, part.last, AGREEMENT), with_python=part.call is not None)


def write(book: Book, sheet: Worksheet, part: Section, widths: Sequence[float], number: str, wide: int) -> None:
    """The heading, `wide` columns of it; a row per quantity; Python's block and the comparisons beside.

    `widths` are those of the sheet's columns.
    """
    heading(book, sheet, part.row, part.title, wide)
    if book.exercise:
        return exercise.write(book, sheet, part.first, part.quantities)
    positive = never_negative(book)
    for row, quantity in enumerate(part.quantities, part.first):
        sheet.set_row(row, height(quantity, widths, part.call is not None, positive))
        quantity_row(book, sheet, row, quantity, number, wide - len(TEXTS))
        if part.call is None:
            write_part(book, sheet, row, quantity.name, part.factors[quantity.name])
    if part.call is not None:
        write_python(book, sheet, part, number, wide + 1)
    else:
        colour_states(book, sheet, (part.first, AGREEMENT, part.last, AGREEMENT))
    mute_errors(book, sheet, (part.first, wide - len(TEXTS), part.last, wide - len(TEXTS)))
    return mute_errors(book, sheet, (part.first, NATIVE, part.last, NATIVE))


def write_part(book: Book, sheet: Worksheet, row: int, name: str, factors: list[Factor]) -> None:
    """Of a quantity that Python does not give: whether what it is a factor of, which Python gives, is that product."""

    def cell(name: str) -> str:
        return book.shown[name].on(sheet)

    def product(other: str | None) -> str:
        times = f"*{cell(other)}" if other else ""
        return f"{cell(name)}{times}{'/2' if other == name else ''}"

    pairs = [(product(each.other), cell(each.product)) for each in factors]
    tests = ",".join(f"ABS({found}-{known})>{OF_FACTORS}*ABS({known})" for found, known in pairs)
    sheet.write_blank(row, PYTHON, None, book.looks["text"])
    formula = f'=IF(IFERROR(OR({tests}),FALSE),"differs","{AS_PART}")'
    sheet.write_formula(row, AGREEMENT, formula, book.looks["muted_state"], AS_PART)


def write_python(book: Book, sheet: Worksheet, part: Section, number: str, rounding: int) -> None:
    """Python's block and the comparisons; in the column `rounding`, at the right, how far that may carry the two."""
    sheet.write_string(part.row, rounding, "Rounding", book.looks["muted_right"])
    columns = NATIVE, PYTHON, rounding
    areas = [(part.first, column, part.last, column) for column in (PYTHON, rounding, AGREEMENT)]
    for area, call, look in zip(areas, (part.call, part.rounding), (number, "rounding"), strict=False):
        python(book, sheet, area, str(call), book.looks[look])
    native, beside, bound = (xl_range(part.first, column, part.last, column) for column in columns)
    different = differs(native, beside, TOLERANCE, part.carried.format(or_zero(bound)))
    agreement(book, sheet, areas[-1], different, numbers_in(native, beside), "state_wrap")


def never_negative(book: Book) -> set[str]:
    """The targets, as good as always, and the outputs of units that give nothing below 0: no parentheses in a text."""
    found = [layer for layer in layers(book.network) if layer.activation in ("sigmoid", "softmax", "relu")]
    return {*book.network.target_names, *(f"a_{unit}" for layer in found for unit in layer.units)}


def height(quantity: Quantity, widths: Sequence[float], compared: bool, positive: set[str]) -> float:
    """Enough for the numbers put in at another epoch too: no program makes a row higher when a formula's text grows."""
    shown = dict.fromkeys(positive, WIDE) | dict.fromkeys(expressions.in_logarithms(quantity.expression), IN_FULL)
    numbers = expressions.written(quantity.expression, "text", lambda name: shown.get(name, WIDEST))
    last = len(widths) - 1
    texts = {NAME: quantity.name, FORMULA: quantity.text, last - 1: numbers, last: quantity.meaning}
    texts[AGREEMENT] = NOT_CONNECTED if compared else ""
    indents = {last - 1: INDENT, AGREEMENT: INDENT}
    return max(style.height(text, widths[column] - indents.get(column, 0)) for column, text in texts.items())


def quantity_row(book: Book, sheet: Worksheet, row: int, quantity: Quantity, number: str, texts: int) -> None:
    """`texts` is the column of the formula with the numbers put in; what the quantity means stands behind it."""
    expression, looks = quantity.expression, book.looks
    value = book.values[quantity.name]

    def cell(name: str) -> str:
        return book.shown[name].on(sheet)

    sheet.write_string(row, NAME, quantity.name, looks["label_wrap"])
    sheet.write_string(row, texts + 1, quantity.meaning, looks["muted"])
    sheet.write_string(row, FORMULA, style.unbroken(quantity.text), looks["formula"])
    numbers = expressions.numbers_text(expression, book.values) if math.isfinite(value) else "#N/A"
    formula = style.unbroken(expressions.with_numbers(expression, cell))
    sheet.write_formula(row, texts, f"={formula}", looks["formula_apart"], style.unbroken(numbers))
    sheet.write_formula(row, NATIVE, "=" + expressions.native(expression, cell), looks[number], stored(value))
