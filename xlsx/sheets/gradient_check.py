"""Gradient check: every derivative once more from the loss alone, by central differences, without the chain rule.

(E(w + h) − E(w − h)) / 2h with a step h as pyfuncs.gradient_check has it. Each side is a whole forward pass at the
right of the sheet, in which one weight is moved.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, groupby

import numpy as np
from xlsxwriter.utility import xl_col_to_name, xl_range, xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from pyfuncs import gradient_check
from pyfuncs.network import Network
from xlsx import chains, contract, expressions, formulas
from xlsx.expressions import Expression, stored
from xlsx.sheets import style
from xlsx.sheets.book import Area, Book, Cell, Numeric, Values
from xlsx.sheets.cells import agreement, mute_errors, number_rules, numbers_in, or_zero, python
from xlsx.sheets.quantities import epoch_line

TITLE = contract.GRADIENT_CHECK
COLUMNS = (
    ("Weight", 11, "header"),
    ("Value w", 13, "header_right"),
    ("Step h", 10, "header_right"),
    ("E at w − h", 18, "header_right"),
    ("E at w + h", 18, "header_right"),
    ("Numeric: (E₊ − E₋) / 2h", 22, "header_right"),
    ("Python’s numeric", 18, "header_right"),
    ("Agreement", 18.5, "header_state"),
)
WIDTHS = [width for _, width, _ in COLUMNS]
WEIGHT, VALUE, STEP, BELOW, ABOVE, NUMERIC, PYTHON, AGREEMENT = range(len(COLUMNS))
PASSES = AGREEMENT + 2  # the first column of the forward passes
HEADER_ROW = 3
FIRST = HEADER_ROW + 1
TOLERANCE = "1E-9"  # of two numeric derivatives: each is exact to about 1e-11 of the loss, or of 1
DERIVED = (formulas.forward, formulas.losses)


def heading(book: Book) -> style.Heading:
    return style.Heading(
        "Gradient check", "Each derivative again, from the loss alone: move one weight a little.", VALUE
    )


def place(book: Book) -> None:
    sheet = book.sheet(TITLE)
    for row, weight in enumerate(book.network.weight_names, FIRST):
        step = stored_step(book, weight)
        below, above = (pass_values(book, weight, book.values[weight] + side * step) for side in (-1, 1))
        numeric = (above["E_total"] - below["E_total"]) / (2 * step)
        book.numeric[weight] = Numeric(Cell(sheet, row, NUMERIC), numeric, step, (below, above))
    book.compare(sheet, agreement_area(book))


def sources(book: Book, weight: str) -> list[str]:
    """What a weight carries, in every sample; nothing for a bias."""
    wired = formulas.layers(book.network)
    pairs = (zip(weights, layer.sources, strict=True) for layer in wired for weights in layer.weights)
    carried = dict(chain.from_iterable(pairs)).get(weight)
    if carried is None or book.samples == 1:
        return [carried] if carried else []
    return [f"{carried} #{sample}" for sample in range(1, book.samples + 1)]


def stored_step(book: Book, weight: str) -> float:
    """The step at the values stored, by pyfuncs.gradient_check.step_sizes."""
    size = max([1.0, *(abs(book.values[name]) for name in sources(book, weight))])
    z, rule = abs(book.values[weight]) * size, gradient_check
    return float(max(rule.STEP * max(1, z) ** (1 / 3), rule.LEAST * z) / size)


def agreement_area(book: Book) -> Area:
    return FIRST, AGREEMENT, HEADER_ROW + book.network.weight_count, AGREEMENT


def write(book: Book) -> None:
    sheet, weights = book.sheet(TITLE), book.network.weight_names
    epoch_line(book, sheet, 2, VALUE)
    for column, (title, _, look) in enumerate(COLUMNS):
        sheet.write_string(HEADER_ROW, column, title, book.looks[look])
    write_pass_header(book, sheet)
    for row, weight in enumerate(weights, FIRST):
        write_row(book, sheet, row, weight)
    last = HEADER_ROW + len(weights)
    write_python(book, sheet, last)
    mute_errors(book, sheet, (FIRST, VALUE, last, NUMERIC))
    number_rules(book, sheet, (FIRST, PASSES, last, start_of(book, 2)))
    sheet.freeze_panes(FIRST, VALUE)
    style.printed(sheet, last, WIDTHS, HEADER_ROW)


def passes(book: Book) -> dict[str, Expression]:
    """The quantities of one forward pass: every unit and loss, of several samples each, and their mean."""
    return passes_of(book.network, book.samples)


@lru_cache(maxsize=8)
def passes_of(network: Network, samples: int) -> dict[str, Expression]:
    names = {quantity.name for derive in DERIVED for quantity in derive(network)}
    state = chains.state(network, samples)
    return {name: each for name, each in state.items() if name.split(" #")[0] in names}


def start_of(book: Book, side: int) -> int:
    """The first column of the passes with w − h (side 0) or w + h (side 1): the moved weight stands there."""
    return PASSES + side * (len(passes(book)) + 2)


def write_pass_header(book: Book, sheet: Worksheet) -> None:
    for side, sign in enumerate("−+"):
        first = start_of(book, side)
        sheet.set_column(first, first + len(passes(book)), 10, book.looks["plain"])
        sheet.write_string(HEADER_ROW - 1, first, f"The forward pass with w {sign} h", book.looks["group"])
        for column, name in enumerate([f"w {sign} h", *passes(book)], first):
            sheet.write_string(HEADER_ROW, column, name, book.looks["header_right"])


def pass_values(book: Book, weight: str, moved: float) -> Values:
    """What a forward pass gives with one weight moved."""
    values = {**book.values, weight: moved}
    for name, expression in passes(book).items():
        values[name] = expressions.evaluate(expression, values)
    return values


def write_row(book: Book, sheet: Worksheet, row: int, weight: str) -> None:
    looks, checked = book.looks, book.numeric[weight]
    w, h = xl_rowcol_to_cell(row, VALUE), xl_rowcol_to_cell(row, STEP)
    for side in (0, 1):
        write_pass(book, sheet, row, weight, side)
    sheet.write_string(row, WEIGHT, weight, looks["label"])
    source = f"={book.shown[weight].on(sheet)}"
    sheet.write_formula(row, VALUE, source, looks["number"], stored(book.values[weight]))
    carried = ",".join(f"ABS({book.shown[name].on(sheet)})" for name in sources(book, weight))
    size = f"MAX(1,{carried})" if carried else "1"
    z, rule = f"ABS({w})*{size}", gradient_check
    step = f"=MAX({rule.STEP}*MAX(1,{z})^(1/3),{rule.LEAST}*{z})/{size}"
    sheet.write_formula(row, STEP, step, looks["step"], stored(checked.step))
    for column, side in ((BELOW, 0), (ABOVE, 1)):
        source = f"={xl_rowcol_to_cell(row, start_of(book, side) + len(passes(book)))}"
        loss = checked.passes[side]["E_total"]
        sheet.write_formula(row, column, source, looks["long_number"], stored(loss))
    formula = f"=({xl_rowcol_to_cell(row, ABOVE)}-{xl_rowcol_to_cell(row, BELOW)})/(2*{h})"
    sheet.write_formula(row, NUMERIC, formula, looks["number"], stored(checked.value))


def write_pass(book: Book, sheet: Worksheet, row: int, weight: str, side: int) -> None:
    """One forward pass in a row: its own weight, all else as on Network; E_total comes last."""
    columns, first, values = passes(book), start_of(book, side), book.numeric[weight].passes[side]
    letters = {name: xl_col_to_name(column) for column, name in enumerate(columns, first + 1)}
    own = xl_rowcol_to_cell(row, first)

    def cell(name: str) -> str:
        if name == weight:
            return f"${own}"
        return f"{letters[name]}{row + 1}" if name in letters else book.shown[name].on(sheet, anchored=True)

    w, h = xl_rowcol_to_cell(row, VALUE, col_abs=True), xl_rowcol_to_cell(row, STEP, col_abs=True)
    sheet.write_formula(row, first, f"={w}{'-+'[side]}{h}", book.looks["short"], stored(values[weight]))
    for column, (name, expression) in enumerate(columns.items(), first + 1):
        text = f"=IFERROR({expressions.native(expression, cell)},NA())"
        sheet.write_formula(row, column, text, book.looks["short"], stored(values[name]))


def sums(book: Book, activations: tuple[str, ...]) -> list[str]:
    """The z of every unit with one of these activations, of every sample."""
    units = {unit for layer in formulas.layers(book.network) if layer.activation in activations for unit in layer.units}
    return [name for name in passes(book) if name.split(" #")[0] in units]


def crosses_zero(book: Book, checked: Numeric) -> bool:
    """What `kink` answers for the values at w − h, at w (those of the book) and at w + h."""
    three = (checked.passes[0], book.values, checked.passes[1])
    signs = [[(values[z] > 0) - (values[z] < 0) for z in sums(book, gradient_check.KINKED)] for values in three]
    return not signs[0] == signs[1] == signs[2]


def goes_far(book: Book, checked: Numeric) -> bool:
    """What `far` answers for the values at w − h, at w and at w + h."""
    rise, bend = stored_shape(book, checked)
    return bend > gradient_check.STRAIGHT * rise and stored_move(book, checked) > gradient_check.FAR


def kink(book: Book, reader: Worksheet, row: int) -> str:
    """Whether the steps of a weight carry a ReLU unit's z over 0, where the loss has no slope; FALSE without ReLU.

    By the signs of z at w − h, w and w + h, as in pyfuncs.gradient_check.
    """
    tests = []
    for name in sums(book, gradient_check.KINKED):
        below, above = both_sides(book, row, name, name)
        here = f"SIGN({book.shown[name].on(reader)})"
        tests += [f"SIGN({below})<>{here}", f"{here}<>SIGN({above})"]
    return f"OR({','.join(tests)})" if tests else "FALSE"


def far(book: Book, reader: Worksheet, row: int) -> str:
    """Whether the steps of a weight are too long to say anything, as pyfuncs.gradient_check has it."""
    (rise, bend), rule = shape(book, reader, row), gradient_check
    return f"AND({bend}>{rule.STRAIGHT}*{rise},{move(book, row)}>{rule.FAR})"


def move(book: Book, row: int) -> str:
    """How far the steps of a weight carry z, the farthest of the curved units'."""
    layers = by_sample(sums(book, gradient_check.CURVED))
    sides = [both_sides(book, row, names[0], names[-1]) for names in layers]
    moves = ",".join(f"SUMPRODUCT(MAX(ABS({above}-{below})))" for below, above in sides)
    return f"(MAX({moves})/2)" if moves else "0"


def stored_move(book: Book, checked: Numeric) -> float:
    """What `move` gives at the values stored."""
    below, above = checked.passes
    return max((abs(above[z] - below[z]) / 2 for z in sums(book, gradient_check.CURVED)), default=0.0)


def by_sample(names: list[str]) -> list[list[str]]:
    """The names of each sample. Between the first and the last z of curved units are their a, which move no farther."""
    return [list(group) for _, group in groupby(names, lambda name: name.partition(" #")[2])]


def both_sides(book: Book, row: int, first: str, last: str) -> tuple[str, str]:
    """The cells from one quantity to another in a weight's two forward passes, at w − h and at w + h."""
    names = list(passes(book))
    columns = [[start_of(book, side) + 1 + names.index(name) for name in (first, last)] for side in (0, 1)]
    below, above = (f"'{TITLE}'!{xl_range(row, left, row, right)}" for left, right in columns)
    return below, above


def shape(book: Book, reader: Worksheet, row: int) -> tuple[str, str]:
    """How far the loss rises and bends within the step of a row."""
    below, above = (f"'{TITLE}'!{xl_rowcol_to_cell(row, column)}" for column in (BELOW, ABOVE))
    total = book.shown["E_total"].on(reader)
    return f"(ABS({above}-{below})/2)", f"ABS(({above}-{total})-({total}-{below}))"


def stored_shape(book: Book, checked: Numeric) -> tuple[float, float]:
    """What `shape` gives at the values stored."""
    below, total, above = (values["E_total"] for values in (checked.passes[0], book.values, checked.passes[1]))
    return abs(above - below) / 2, abs((above - total) - (total - below))


def tolerance(book: Book, row: int) -> str:
    """How large a relative difference passes in a row, by pyfuncs.gradient_check.tolerance."""
    rule = gradient_check
    return f"{rule.TOLERANCE}+{rule.CURVATURE}*MIN({move(book, row)},{rule.FAR})^2"


def stored_tolerance(book: Book, checked: Numeric) -> float:
    """What `tolerance` answers at the values stored."""
    return float(gradient_check.tolerance(stored_move(book, checked)))


def noise(book: Book, reader: Worksheet, row: int) -> str:
    """How exact the numeric derivative in a row is, by pyfuncs.gradient_check.noise."""
    last = HEADER_ROW + book.network.weight_count
    weights, numeric = (xl_range_abs(FIRST, column, last, column) for column in (VALUE, NUMERIC))
    total, step = book.shown["E_total"].on(reader), f"'{TITLE}'!{xl_rowcol_to_cell(row, STEP)}"
    moved = f"IFERROR(SUMPRODUCT(ABS('{TITLE}'!{weights}*'{TITLE}'!{numeric})),0)"
    return f"{gradient_check.rounding(book.network, book.samples)}*(MAX(1,{total})+{moved})/{step}"


def stored_noise(book: Book, checked: Numeric) -> float:
    """What `noise` answers at the values stored."""
    weights = np.array([book.values[weight] for weight in book.numeric])
    numeric = np.array([each.value for each in book.numeric.values()])
    rounding = gradient_check.rounding(book.network, book.samples)
    return float(gradient_check.noise(rounding, book.values["E_total"], weights, numeric, np.array(checked.step)))


def write_python(book: Book, sheet: Worksheet, last: int) -> None:
    """The second column of BACKPROP_GRADIENT_CHECK, and whether the two numeric derivatives agree."""
    area = (FIRST, PYTHON, last, PYTHON)
    call = "INDEX(BACKPROP_GRADIENT_CHECK(shown_weights,inputs,targets,network),0,2)"
    python(book, sheet, area, call, book.looks["number"])
    native, beside = (xl_range(FIRST, column, last, column) for column in (NUMERIC, PYTHON))
    both, loss = f"ISNUMBER({native})*ISNUMBER({beside})", xl_range(FIRST, ABOVE, last, ABOVE)
    numbers, scale = numbers_in(native, beside), f"IF(ABS({loss})>1,ABS({loss}),1)"
    off = f"2*{or_zero(write_rounding(book, sheet))}/{xl_range(FIRST, STEP, last, STEP)}"
    apart = f"IF({both},IF(ABS({native}-{beside})<={TOLERANCE}*{scale}+{off},0,1),{numbers})"
    agreement(book, sheet, agreement_area(book), apart, numbers)


def write_rounding(book: Book, sheet: Worksheet) -> str:
    """How far rounding may carry E_total, above the agreements; gives the cell."""
    row, column = HEADER_ROW - 1, AGREEMENT
    losses = 'BACKPROP_ROUNDING(shown_weights,inputs,targets,network,"loss")'
    call = f"INDEX({losses},0,{len(book.network.loss_names)})"
    python(book, sheet, (row, column) * 2, call, book.looks["rounding_of_e"])
    return str(xl_rowcol_to_cell(row, column))
