"""Forward: the epoch to show; every unit and the loss, as formula, native value and Python's value."""

from __future__ import annotations

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import batches, contract, formulas
from xlsx.sheets import quantities, style, validation
from xlsx.sheets.book import Book
from xlsx.sheets.cells import is_number
from xlsx.sheets.quantities import AGREEMENT, NAME, state_line

TITLE = contract.FORWARD
WIDTHS = [13, 29, 14, 14, 20.5, 41, 25]  # to Agreement on the screen, with DejaVu at 150 % too
CHOICE, STATE = 1, 5  # columns
EPOCH_ROW, SAMPLE_ROW, HEADER_ROW = 2, 3, 4
UNITS_CALL = "TRANSPOSE(BACKPROP_FORWARD(shown_weights,shown_inputs,network))"
LOSS_CALL = "TRANSPOSE(BACKPROP_LOSS(shown_weights,shown_inputs,shown_targets,network))"
UNITS_ROUNDING, LOSS_ROUNDING = (
    f'TRANSPOSE(BACKPROP_ROUNDING(shown_weights,shown_inputs,shown_targets,network,"{of}"))'
    for of in ("forward", "loss")
)


def heading(book: Book) -> style.Heading:
    return style.Heading("Forward pass", f"Network {book.network.text}: from the inputs to E_total.")


def sections(book: Book) -> list[quantities.Section]:
    here = " for this sample" if book.samples > 1 else ""
    losses = [batches.for_sample(book.network, book.samples, each) for each in formulas.losses(book.network)]
    units, about = formulas.forward(book.network), "Units: the weighted sum of what comes in, then the activation"
    parts = (
        quantities.Section(about, units, UNITS_CALL, UNITS_ROUNDING),
        quantities.Section(f"Loss: how wrong the outputs are{here}", losses, LOSS_CALL, LOSS_ROUNDING),
    )
    return quantities.sections(HEADER_ROW + 1, parts)


def place(book: Book) -> None:
    quantities.place(book, book.sheet(TITLE), sections(book))


def write(book: Book) -> None:
    sheet, parts = book.sheet(TITLE), sections(book)
    write_choosers(book, sheet)
    quantities.header(book, sheet, HEADER_ROW)
    for part in parts:
        quantities.write(book, sheet, part, WIDTHS, "number", len(WIDTHS))
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    style.printed(sheet, parts[-1].last, WIDTHS, HEADER_ROW, quantities.headings(parts))


def write_choosers(book: Book, sheet: Worksheet) -> None:
    """epoch and sample are edited here; epoch_used and sample_used are #N/A for what cannot be shown."""
    epochs = f"0 to {book.epochs}: updates since the start"
    chooser(book, sheet, EPOCH_ROW, "epoch", (0, book.epochs), epochs)
    state_line(book, sheet, EPOCH_ROW, STATE)
    if book.samples > 1:
        about = f"1 to {book.samples}: a row of Batch"
        chooser(book, sheet, SAMPLE_ROW, "sample", (1, book.samples), about)


def chooser(book: Book, sheet: Worksheet, row: int, name: str, limits: tuple[int, int], about: str) -> None:
    low, high = limits
    cell, looks = xl_rowcol_to_cell(row, CHOICE), book.looks
    sheet.write_string(row, NAME, f"{name.capitalize()} shown", looks["label_plain"])
    sheet.write_number(row, CHOICE, low, looks["edit_whole"])
    sheet.write_string(row, CHOICE + 1, f"← {about}", looks["muted_plain"])
    allowed = f"AND({cell}>={low},{cell}<={high},INT({cell})={cell})"
    formula = f"=IF({is_number(cell)},IF({allowed},{cell},NA()),NA())"
    sheet.write_formula(row, AGREEMENT, formula, looks[f"{name}_used"], low)
    message = f"Type a whole number from {low} to {high}."
    rule = validation.whole_number(low, high, f"{name}: not possible", message)
    sheet.data_validation(row, CHOICE, row, CHOICE, rule)
    book.define(name, sheet, (row, CHOICE) * 2)
    book.define(f"{name}_used", sheet, (row, AGREEMENT) * 2)
