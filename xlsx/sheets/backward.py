"""Backward: from the error at the outputs back to every weight's derivative, its check, then the update."""

from __future__ import annotations

import math

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from pyfuncs import gradient_check as rule
from pyfuncs.rounding import UNIT
from xlsx import batches, chains, contract, formulas
from xlsx.expressions import stored
from xlsx.formulas import Quantity
from xlsx.sheets import gradient_check, quantities, style
from xlsx.sheets.book import Book
from xlsx.sheets.cells import colour_states, mute_errors
from xlsx.sheets.quantities import NATIVE, Factor, Section, epoch_line

TITLE = contract.BACKWARD
WIDTHS = [9.5, 30.5, 11, 11, 12.5, 7, 11, 9.5, 32, 18]  # to Check on the screen, with DejaVu at 150 % too
VERDICT, NUMERIC, RELATIVE = 5, 6, 7
CHECK_COLUMNS = (("Check", "header_state"), ("Numeric", "header_right"), ("Relative difference", "header_right"))
HEADER_ROW = 3
GRADIENT = "BACKPROP_GRADIENT(shown_weights,shown_inputs,shown_targets,network)"
MEAN_GRADIENT = "BACKPROP_GRADIENT(shown_weights,inputs,targets,network)"
STEP = "BACKPROP_STEP(shown_weights,inputs,targets,learning_rate,network)"
ROUNDING, MEAN_ROUNDING = (
    f'BACKPROP_ROUNDING(shown_weights,{samples},network,"gradient")'
    for samples in ("shown_inputs,shown_targets", "inputs,targets")
)
CARRIED = f"(learning_rate*{{}}+{UNIT}*ABS(shown_weights))"  # into the weights, by an update
PASS, FAIL, KINK = "PASS", "FAIL", "KINK"


def heading(book: Book) -> style.Heading:
    how = "Python gives dE/dw, of which errors and deltas are factors: where it agrees, so do they."
    return style.Heading("Backward pass", f"Network {book.network.text}. {'' if book.exercise else how}")


def sections(book: Book) -> list[quantities.Section]:
    """Cross-entropy needs no errors; several samples have the means besides."""
    network = book.network
    derivatives = [batches.for_sample(network, book.samples, quantity) for quantity in chains.chains(network)]
    mean = "Derivative over the batch: the mean of its samples’ derivatives"
    back, step = "Delta: how E changes with each weighted sum, from the outputs back", formulas.updates(network)
    parts = (
        Section("Error: how E changes with each output", formulas.errors(network), factors=of_losses(book)),
        Section(back, formulas.deltas(network), factors=of_derivatives(book)),
        Section("Derivative of each weight: its chain of factors", derivatives, GRADIENT, ROUNDING),
        Section(mean, batch(book), MEAN_GRADIENT, MEAN_ROUNDING),
        Section("Update: one plain step against the derivative", step, STEP, MEAN_ROUNDING, CARRIED),
    )
    return quantities.sections(HEADER_ROW + 1, parts)


def of_losses(book: Book) -> dict[str, list[Factor]]:
    """½ (dE/da)² is the loss of its output."""
    pairs = zip(formulas.errors(book.network), book.network.loss_names, strict=False)
    return {each.name: [Factor(each.name, of_sample(book, loss))] for each, loss in pairs}


def of_derivatives(book: Book) -> dict[str, list[Factor]]:
    """A unit's delta times what each of its weights carries is that weight's derivative, and alone its own bias's."""
    found = {}
    for layer in formulas.layers(book.network):
        for at, unit in enumerate(layer.units):
            carried = dict(zip(layer.weights[at], layer.sources, strict=True))
            own = {layer.biases[at]: None} if book.network.bias == "bias" else {}
            pairs = (carried | own).items()
            found[f"dE/d{unit}"] = [Factor(other, of_sample(book, f"dE/d{weight}")) for weight, other in pairs]
    return found


def of_sample(book: Book, name: str) -> str:
    return batches.called_for_sample(book.network, book.samples, name)


def batch(book: Book) -> list[Quantity]:
    """The mean derivatives, which Batch computes; nothing of one sample."""
    means = batches.means(book.network, book.samples) if book.samples > 1 else []
    return [quantity for quantity in means if quantity.name in book.network.gradient_names]


def place(book: Book) -> None:
    quantities.place(book, book.sheet(TITLE), sections(book))


def write(book: Book) -> None:
    sheet, parts = book.sheet(TITLE), sections(book)
    epoch_line(book, sheet, 2)
    sheet.set_row(HEADER_ROW, 28)
    quantities.header(book, sheet, HEADER_ROW, CHECK_COLUMNS)
    for part in parts:
        quantities.write(book, sheet, part, WIDTHS, "number_8", len(WIDTHS))
        if not book.exercise and tuple(each.name for each in part.quantities) == book.network.gradient_names:
            write_check(book, sheet, part)
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    style.printed(sheet, parts[-1].last, WIDTHS, HEADER_ROW, quantities.headings(parts))


def write_check(book: Book, sheet: Worksheet, part: quantities.Section) -> None:
    """Beside every derivative the numeric one, how far they are apart, and what that means."""
    for row, weight in enumerate(book.network.weight_names, part.first):
        write_check_row(book, sheet, row, weight, book.values[f"dE/d{weight}"], (NATIVE, NUMERIC, RELATIVE, VERDICT))
    verdicts = (part.first, VERDICT, part.last, VERDICT)
    book.define("gradient_check", sheet, verdicts)
    mute_errors(book, sheet, (part.first, VERDICT, part.last, RELATIVE))
    colour_states(book, sheet, verdicts)


def write_check_row(
    book: Book, sheet: Worksheet, row: int, weight: str, value: float, columns: tuple[int, int, int, int]
) -> str:
    """The numeric derivative of a weight, how far that of the first column is from it, and the verdict, which it gives.

    `value` is what the first of the four columns holds.
    """
    looks, (_, numeric_column, relative_column, verdict_column) = book.looks, columns
    native, numeric, relative = cells = [xl_rowcol_to_cell(row, column) for column in columns[:3]]
    checked = book.numeric[weight]
    known, apart = checked.value, relative_difference(value, checked.value)
    source = f"={checked.cell.on(sheet)}"
    sheet.write_formula(row, numeric_column, source, looks["number_8"], stored(known))
    formula = f"=ABS({native}-{numeric})/MAX(ABS({native}),ABS({numeric}),{rule.SMALLEST})"
    sheet.write_formula(row, relative_column, formula, looks["scientific"], stored(apart))
    formula = f"=IF(ISNUMBER({relative}),{verdict_formula(book, sheet, weight, *cells)},NA())"
    verdict = verdict_text(book, weight, value, known, apart)
    sheet.write_formula(row, verdict_column, formula, looks["state"], verdict)
    return verdict


def relative_difference(one: float, other: float) -> float:
    return abs(one - other) / max(abs(one), abs(other), rule.SMALLEST)


def verdict_formula(book: Book, sheet: Worksheet, weight: str, native: str, numeric: str, relative: str) -> str:
    """PASS, FAIL or KINK, by the rule of pyfuncs.gradient_check."""
    row = gradient_check.FIRST + book.network.weight_names.index(weight)
    tolerance, noise = gradient_check.tolerance(book, row), gradient_check.noise(book, sheet, row)
    failed = f'IF({gradient_check.far(book, sheet, row)},"{KINK}","{FAIL}")'
    passed = f'IF(OR({relative}<{tolerance},ABS({native}-{numeric})<{noise}),"{PASS}",{failed})'
    kink = gradient_check.kink(book, sheet, row)
    return passed if kink == "FALSE" else f'IF({kink},"{KINK}",{passed})'


def verdict_text(book: Book, weight: str, native: float, numeric: float, relative: float) -> str:
    """What `verdict_formula` answers at the values stored."""
    if not math.isfinite(relative):
        return "#N/A"
    if gradient_check.crosses_zero(book, book.numeric[weight]):
        return KINK
    checked = book.numeric[weight]
    near = relative < gradient_check.stored_tolerance(book, checked)
    if near or abs(native - numeric) < gradient_check.stored_noise(book, checked):
        return PASS
    return KINK if gradient_check.goes_far(book, checked) else FAIL
