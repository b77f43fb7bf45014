"""Optimizers: the same start and the same rate, descended by SGD, momentum and Adam, natively and by Python.

Column A is the epoch of every block. The epoch shown on Forward takes its weights from the block of Network's choice.
"""

from __future__ import annotations

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract
from xlsx.expressions import stored
from xlsx.sheets import log_columns, style
from xlsx.sheets.book import Area, Book, Cell
from xlsx.sheets.cells import (
    SWEEP_TOLERANCE,
    agreement,
    differs,
    loss_rules,
    number_rules,
    numbers_in,
    python,
    stable,
)
from xlsx.sheets.descents import optimized
from xlsx.sheets.epochs import Descent
from xlsx.sheets.quantities import state_line
from xlsx.state_text import OPTIMIZERS

TITLE = contract.OPTIMIZERS
GROUP_ROW, HEADER_ROW, FIRST = 3, 4, 5
SETTINGS = {"sgd": (), "momentum": ("beta",), "adam": ("beta1", "beta2", "epsilon")}
COUNT = len(OPTIMIZERS)
EPOCH, NATIVE, PYTHON = 0, 1, 1 + COUNT
COMPARED = PYTHON + COUNT
CHARTS = COMPARED + 2
CHART_COLUMNS, CHART_ROWS = 7, 15
CHAOS = CHARTS + CHART_COLUMNS - COUNT
BLOCKS = CHARTS + CHART_COLUMNS + 1
WIDTHS = [6, *[10.5] * COUNT, *[10.5] * COUNT, 17, 1.5, *[5.9] * CHART_COLUMNS, 20]  # the last is empty


def heading(book: Book) -> style.Heading:
    subtitle = f"Network {book.network.text}: the same start, the same rate, three ways to go down."
    return style.Heading("Optimizers", subtitle, NATIVE)


def place(book: Book) -> None:
    """Blocks stand side by side, an empty column between them."""
    sheet, column = book.sheet(TITLE), BLOCKS
    for optimizer in OPTIMIZERS:
        settings = {
            name: (Cell(sheet, GROUP_ROW - 1, column + 2 * at + 1), value)
            for at, (name, value) in enumerate(settings_of(optimizer).items())
        }
        book.descents.append(optimized(book, sheet, (FIRST, column), optimizer, settings))
        column += book.descents[-1].width + 1
    book.compare(sheet, agreement_area(book))


def settings_of(optimizer: str) -> dict[str, float]:
    """The numbers of an optimizer's text by their names."""
    rule, *numbers = optimizer.split()
    return dict(zip(SETTINGS[rule], map(float, numbers), strict=True))


def agreement_area(book: Book) -> Area:
    return FIRST, COMPARED, FIRST + book.epochs, COMPARED


def write(book: Book) -> None:
    sheet, last = book.sheet(TITLE), FIRST + book.epochs
    state_line(book, sheet, 2, NATIVE)
    for optimizer, descent in zip(OPTIMIZERS, book.descents, strict=True):
        write_block(book, descent, optimizer)
    write_table(book, sheet)
    write_python(book, sheet)
    style.header_height(sheet, HEADER_ROW, [name for descent in book.descents for name in descent.names])
    drawn = {"linear": NATIVE, "logarithmic": book.descents[-1].column + book.descents[-1].width + 1}
    losses: dict[str | float, list[float]] = {
        label(index): [row["E_total"] for row in descent.rows] for index, descent in enumerate(book.descents)
    }
    log_columns.write(book, sheet, HEADER_ROW, NATIVE, drawn["logarithmic"], losses)
    write_charts(book, drawn)
    loss_rules(book, sheet, (FIRST, NATIVE, last, COMPARED))
    sheet.freeze_panes(FIRST, NATIVE)
    charts = [(FIRST + CHART_ROWS * at, FIRST + CHART_ROWS * (at + 1) - 1) for at in range(len(drawn))]
    style.printed(sheet, max(last, charts[-1][1] + 1), WIDTHS[:-1], HEADER_ROW, charts)


def write_block(book: Book, descent: Descent, optimizer: str) -> None:
    """The rows of one optimizer; above them the numbers of its text, which its formulas read there."""
    sheet, row = descent.sheet, GROUP_ROW - 1
    sheet.write_string(GROUP_ROW, descent.column, optimizer, book.looks["group"])
    descent.write(book.looks, HEADER_ROW)
    for at, (name, value) in enumerate(settings_of(optimizer).items()):
        sheet.write_string(row, descent.column + 2 * at, name, book.looks["muted_right"])
        sheet.write_number(row, descent.column + 2 * at + 1, value, book.looks["left"])
    number_rules(book, sheet, (FIRST, descent.column, descent.last_row, descent.column + descent.width - 1))


def write_table(book: Book, sheet: Worksheet) -> None:
    """E_total of each optimizer, epoch by epoch: the cells point into the blocks."""
    looks = book.looks
    sheet.write_string(GROUP_ROW, NATIVE, "E_total, native", looks["group"])
    sheet.write_string(HEADER_ROW, EPOCH, "epoch", looks["header_right"])
    for row in range(FIRST, FIRST + book.epochs + 1):
        sheet.write_number(row, EPOCH, row - FIRST, looks["integer"])
    for index, descent in enumerate(book.descents):
        sheet.write_string(HEADER_ROW, NATIVE + index, label(index), looks["header_right"])
        for row, values in enumerate(descent.rows, FIRST):
            source = xl_rowcol_to_cell(row, descent.column_of("E_total"))
            sheet.write_formula(row, NATIVE + index, f"={source}", looks["short"], stored(values["E_total"]))


def label(index: int) -> str:
    return OPTIMIZERS[index].split()[0]


def write_python(book: Book, sheet: Worksheet) -> None:
    """One BACKPROP_SWEEP an optimizer, and per epoch whether all agree."""
    last = FIRST + book.epochs
    sheet.write_string(GROUP_ROW, PYTHON, "E_total, Python: BACKPROP_SWEEP", book.looks["group"])
    different, compared = [], []
    for index, optimizer in enumerate(OPTIMIZERS):
        native, beside = (xl_range(FIRST, column + index, last, column + index) for column in (NATIVE, PYTHON))
        sheet.write_string(HEADER_ROW, PYTHON + index, label(index), book.looks["header_right"])
        given = f'(weights,inputs,targets,learning_rate,{book.epochs},network,"{optimizer}")'
        area = (FIRST, PYTHON + index, last, PYTHON + index)
        python(book, sheet, area, f"BACKPROP_SWEEP{given}", book.looks["short"])
        chaos = (GROUP_ROW, CHAOS + index) * 2
        python(book, sheet, chaos, f"BACKPROP_CHAOS{given}", book.looks["integer_muted"])
        here = stable(xl_range(FIRST, EPOCH, last, EPOCH), xl_rowcol_to_cell(*chaos[:2]))
        different.append(f"{here}*{differs(native, beside, SWEEP_TOLERANCE)}")
        compared.append(f"{here}*({numbers_in(native, beside)})")
    sheet.write_string(HEADER_ROW, COMPARED, "Agreement", book.looks["header_state"])
    agreement(book, sheet, agreement_area(book), f"({'+'.join(different)})", f"({'+'.join(compared)})")
    about = "Last digits decide from epoch"
    sheet.write_string(GROUP_ROW, CHARTS, about, book.looks["muted_plain"])


def write_charts(book: Book, drawn: dict[str, int]) -> None:
    """E_total against the epoch, on a linear and on a logarithmic axis, from the columns that are drawn there."""
    for at, (scale, column) in enumerate(drawn.items()):
        chart = style.loss_chart(book.workbook, f"E_total by optimizer, {scale}", book.epochs, scale)
        for index in range(COUNT):
            series = style.series(TITLE, (HEADER_ROW, column + index), EPOCH, (FIRST, FIRST + book.epochs), index)
            chart.add_series(series)
        chart.set_size({"width": 310, "height": 290})
        about = f"Line chart of E_total over {book.epochs} updates by SGD, momentum and Adam, {scale} scale."
        style.insert_chart(book.sheet(TITLE), (FIRST + CHART_ROWS * at, CHARTS), chart, about, x_offset=4)
