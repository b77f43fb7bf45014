"""Forward: the epoch to show; every unit and the loss, as formula, native value and Python's value."""

from __future__ import annotations

from dataclasses import replace

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract, formulas
from xlsx.expressions import renamed
from xlsx.formulas import Quantity
from xlsx.sheets import style, validation
from xlsx.sheets.cells import Book
from xlsx.sheets.quantities import AGREEMENT, MEANING, NAME, NUMBERS, header, quantities, section, state_line

TITLE = contract.FORWARD
WIDTHS = [13, 25, 34, 36, 14, 14, 20.5]
EPOCH_ROW, SAMPLE_ROW, HEADER_ROW = 2, 3, 4
UNITS_CALL = "TRANSPOSE(BACKPROP_FORWARD(shown_weights,shown_inputs,network))"
LOSS_CALL = "TRANSPOSE(BACKPROP_LOSS(shown_weights,shown_inputs,shown_targets,network))"


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    write_choosers(book, sheet)
    header(book, sheet, HEADER_ROW)
    row = HEADER_ROW + 1
    section(book, sheet, row, "1  Units: the weighted sum of what comes in, then the activation")
    row = quantities(book, sheet, row + 1, formulas.forward(book.network), UNITS_CALL, WIDTHS)
    section(book, sheet, row, "2  Loss: how wrong the outputs are" + (" for this sample" if book.samples > 1 else ""))
    losses = [for_sample(book, quantity) for quantity in formulas.losses(book.network)]
    row = quantities(book, sheet, row + 1, losses, LOSS_CALL, WIDTHS)
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    style.printed(sheet, row - 1, WIDTHS)


def write_choosers(book: Book, sheet: Worksheet) -> None:
    """epoch and sample are edited here; epoch_used and sample_used are #N/A for what cannot be shown."""
    epochs = f"0 to {book.epochs}: updates since the start"
    chooser(book, sheet, EPOCH_ROW, "epoch", (0, book.epochs), epochs)
    state_line(book, sheet, EPOCH_ROW, NUMBERS)
    if book.samples > 1:
        about = f"1 to {book.samples}: a row of Batch"
        chooser(book, sheet, SAMPLE_ROW, "sample", (1, book.samples), about)


def chooser(book: Book, sheet: Worksheet, row: int, name: str, limits: tuple[int, int], about: str) -> None:
    low, high = limits
    cell, looks = xl_rowcol_to_cell(row, MEANING), book.looks
    sheet.write_string(row, NAME, f"{name.capitalize()} shown", looks["label_plain"])
    sheet.write_number(row, MEANING, low, looks["edit"])
    sheet.write_string(row, MEANING + 1, f"← {about}", looks["muted_plain"])
    allowed = f"AND({cell}>={low},{cell}<={high},INT({cell})={cell})"
    formula = f"=IF(ISNUMBER({cell}),IF({allowed},{cell},NA()),NA())"
    sheet.write_formula(row, AGREEMENT, formula, looks[f"{name}_used"], low)
    message = f"Type a whole number from {low} to {high}."
    rule = validation.whole_number(low, high, f"{name}: not possible", message)
    sheet.data_validation(row, MEANING, row, MEANING, rule)
    book.define(name, sheet, cell)
    book.define(f"{name}_used", sheet, xl_rowcol_to_cell(row, AGREEMENT))


def for_sample(book: Book, quantity: Quantity) -> Quantity:
    """The quantity as it is called where it is one sample's and the batch's mean has the plain name."""
    if book.samples == 1:
        return quantity
    own = {*book.network.loss_names, *book.network.gradient_names}

    def called(name: str) -> str:
        return f"{name} (sample)" if name in own else name

    return replace(quantity, name=called(quantity.name), expression=renamed(quantity.expression, called))
