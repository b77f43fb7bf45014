"""Backward: from the error at the outputs back to every weight's derivative, its check, then the update."""

from __future__ import annotations

import math

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from pyfuncs import gradient_check as rule
from xlsx import batches, chains, contract, formulas
from xlsx.formulas import Quantity
from xlsx.sheets import gradient_check, style
from xlsx.sheets.cells import Book, colour_states, mute_errors, stored
from xlsx.sheets.forward import for_sample
from xlsx.sheets.quantities import NATIVE, epoch_line, header, quantities, section

TITLE = contract.BACKWARD
WIDTHS = [9.5, 18, 31, 32, 11, 11, 13.5, 11, 9.5, 7]
NUMERIC, RELATIVE, VERDICT = 7, 8, 9
CHECK_COLUMNS = (("Numeric", "header_right"), ("Relative difference", "header_right"), ("Check", "header_state"))
HEADER_ROW = 3
GRADIENT = "BACKPROP_GRADIENT(shown_weights,shown_inputs,shown_targets,network)"
MEAN_GRADIENT = "BACKPROP_GRADIENT(shown_weights,inputs,targets,network)"
STEP = "BACKPROP_STEP(shown_weights,inputs,targets,learning_rate,network)"
PASS, FAIL, KINK = "PASS", "FAIL", "KINK"


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    epoch_line(book, sheet, 2)
    sheet.set_row(HEADER_ROW, 28)
    header(book, sheet, HEADER_ROW, CHECK_COLUMNS)
    row = HEADER_ROW + 1
    for title, rows, call in sections(book):
        section(book, sheet, row, title, VERDICT + 1)
        first, row = row + 1, quantities(book, sheet, row + 1, rows, call, WIDTHS, "number_8")
        derivatives = [quantity.name for quantity in rows] == list(book.network.gradient_names)
        if derivatives and not book.exercise:
            write_check(book, sheet, first)
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    style.printed(sheet, row - 1, WIDTHS)


def sections(book: Book) -> list[tuple[str, list[Quantity], str | None]]:
    """Heading, rows, and the cell function that answers them."""
    network = book.network
    derivatives = [for_sample(book, quantity) for quantity in chains.chains(network)]
    titles = {
        "Error: how E changes with each output": (formulas.errors(network), None),
        "Delta: how E changes with each weighted sum, from the outputs back": (formulas.deltas(network), None),
        "Derivative of each weight: its chain of factors": (derivatives, GRADIENT),
    }
    if book.samples > 1:
        titles["Derivative over the batch: the mean of its samples’ derivatives"] = (batch(book), MEAN_GRADIENT)
    titles["Update: one plain step against the derivative"] = (formulas.updates(network), STEP)
    filled = [(title, *each) for title, each in titles.items() if each[0]]  # cross-entropy needs no error
    return [(f"{number}  {title}", rows, call) for number, (title, rows, call) in enumerate(filled, 1)]


def batch(book: Book) -> list[Quantity]:
    """The means, which Batch computes."""
    means = batches.means(book.network, book.samples)
    return [quantity for quantity in means if quantity.name in book.network.gradient_names]


def write_check(book: Book, sheet: Worksheet, first: int) -> None:
    """Beside every derivative the numeric one, how far they are apart, and what that means."""
    weights = book.network.weight_names
    for row, weight in enumerate(weights, first):
        write_check_row(book, sheet, row, weight, book.values[f"dE/d{weight}"], (NATIVE, NUMERIC, RELATIVE, VERDICT))
        book.place(f"check {weight}", sheet, row, VERDICT, math.nan)
    last = first + len(weights) - 1
    book.define("gradient_check", sheet, xl_range(first, VERDICT, last, VERDICT))
    mute_errors(book, sheet, (first, NUMERIC, last, VERDICT))
    colour_states(book, sheet, (first, VERDICT, last, VERDICT))


def write_check_row(
    book: Book, sheet: Worksheet, row: int, weight: str, value: float, columns: tuple[int, int, int, int]
) -> str:
    """The numeric derivative of a weight, how far that of the first column is from it, and the verdict, which it gives.

    `value` is what the first of the four columns holds.
    """
    looks, (_, numeric_column, relative_column, verdict_column) = book.looks, columns
    native, numeric, relative = cells = [xl_rowcol_to_cell(row, column) for column in columns[:3]]
    known, apart = book.values[f"numeric {weight}"], relative_difference(value, book.values[f"numeric {weight}"])
    source = f"={book.reference(f'numeric {weight}', sheet)}"
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
    step, loss = book.reference(f"step {weight}", sheet), book.reference("E_total", sheet)
    noise = f"{float(rule.ROUNDING)}*MAX(1,{loss})/{step}"
    passed = f'IF(OR({relative}<{rule.TOLERANCE},ABS({native}-{numeric})<{noise}),"{PASS}","{FAIL}")'
    kink = gradient_check.kink(book, sheet, gradient_check.FIRST + book.network.weight_names.index(weight))
    return passed if kink == "FALSE" else f'IF({kink},"{KINK}",{passed})'


def verdict_text(book: Book, weight: str, native: float, numeric: float, relative: float) -> str:
    """What `verdict_formula` answers at the values stored."""
    if not math.isfinite(relative):
        return "#N/A"
    if book.values[f"kink {weight}"]:
        return KINK
    noise = rule.ROUNDING * max(1, book.values["E_total"]) / book.values[f"step {weight}"]
    return PASS if relative < rule.TOLERANCE or abs(native - numeric) < noise else FAIL
