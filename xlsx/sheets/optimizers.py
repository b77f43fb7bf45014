"""Optimizers: the same start and the same rate, descended by SGD, momentum and Adam, natively and by Python.

Column A is the epoch of every block. The epoch shown on Forward takes its weights from the block of Network's choice.
"""

from __future__ import annotations

from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract
from xlsx.sheets import log_columns, network, style
from xlsx.sheets.cells import (
    SWEEP_TOLERANCE,
    Book,
    agreement,
    differs,
    loss_rules,
    number_rules,
    numbers_in,
    python,
    stored,
)
from xlsx.sheets.epochs import Block, optimized, start_values
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
BLOCKS = CHARTS + CHART_COLUMNS + 1
WIDTHS = [6, *[11.5] * COUNT, *[11.5] * COUNT, 19, 1.5, *[8.4] * CHART_COLUMNS, 1.5]


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    state_line(book, sheet, 2, NATIVE)
    blocks = [write_block(book, sheet, index) for index in range(COUNT)]
    write_table(book, sheet, blocks)
    write_python(book, sheet)
    style.header_height(sheet, HEADER_ROW, [name for block, _ in blocks for name in block.names])
    drawn = {"linear": NATIVE, "logarithmic": book.ends[TITLE]}
    losses = {label(index): [row["E_total"] for row in rows] for index, (_, rows) in enumerate(blocks)}
    log_columns.write(book, sheet, HEADER_ROW, NATIVE, drawn["logarithmic"], losses)
    write_charts(book, drawn)
    book.values |= {f"E_total at {epoch}": row["E_total"] for epoch, row in enumerate(blocks[0][1])}
    last = FIRST + book.epochs
    loss_rules(book, sheet, (FIRST, NATIVE, last, COMPARED))
    network.write_shown(book, at_epoch(book, [block for block, _ in blocks]))
    sheet.freeze_panes(FIRST, NATIVE)
    style.printed(sheet, max(last, FIRST + 2 * CHART_ROWS), WIDTHS)


def write_block(book: Book, sheet: Worksheet, index: int) -> tuple[Block, list[dict[str, float]]]:
    """The rows of one optimizer; blocks stand side by side, an empty column between them."""
    rate = book.reference("learning_rate", sheet, anchored=True)
    column = BLOCKS if index == 0 else book.ends[TITLE]
    block = optimized(book, sheet, (FIRST, column), rate, OPTIMIZERS[index])
    book.ends[TITLE] = column + block.width + 1
    sheet.write_string(GROUP_ROW, column, OPTIMIZERS[index], book.looks["group"])
    block.header(HEADER_ROW)
    settings = write_settings(book, sheet, column, index)
    rows = block.write(start_values(book, book.values["learning_rate"]) | settings, book.epochs)
    number_rules(book, sheet, (FIRST, column, FIRST + book.epochs, column + block.width - 1))
    return block, rows


def write_settings(book: Book, sheet: Worksheet, column: int, index: int) -> dict[str, float]:
    """The numbers of an optimizer's text, above its block: its formulas read them there."""
    rule, *numbers = OPTIMIZERS[index].split()
    settings = dict(zip(SETTINGS[rule], map(float, numbers), strict=True))
    for at, (name, value) in enumerate(settings.items()):
        sheet.write_string(GROUP_ROW - 1, column + 2 * at, name, book.looks["muted_right"])
        sheet.write_number(GROUP_ROW - 1, column + 2 * at + 1, value, book.looks["left"])
        book.place(name, sheet, GROUP_ROW - 1, column + 2 * at + 1, value)
    return settings


def at_epoch(book: Book, blocks: list[Block]) -> dict[str, str]:
    """Each weight at the epoch shown, from the block of the chosen optimizer."""

    def formula(weight: str) -> str:
        columns = [f"'{TITLE}'!{block.area(weight, book.epochs)}" for block in blocks]
        return f"INDEX(CHOOSE(optimizer_number,{','.join(columns)}),epoch_used+1)"

    shown = {weight: formula(weight) for weight in book.network.weight_names}
    if book.samples > 1:
        for name in (*book.network.input_names, *book.network.target_names):
            first, last = (book.reference(f"{name} #{s}", book.sheet(network.TITLE), True) for s in (1, book.samples))
            shown[name] = f"INDEX({first}:{last.split('!')[-1]},sample_used)"
    return shown


def write_table(book: Book, sheet: Worksheet, blocks: list[tuple[Block, list[dict[str, float]]]]) -> None:
    """E_total of each optimizer, epoch by epoch: the cells point into the blocks."""
    looks = book.looks
    sheet.write_string(GROUP_ROW, NATIVE, "E_total, native", looks["group"])
    sheet.write_string(HEADER_ROW, EPOCH, "epoch", looks["header_right"])
    for row in range(FIRST, FIRST + book.epochs + 1):
        sheet.write_number(row, EPOCH, row - FIRST, looks["integer"])
    for index, (block, rows) in enumerate(blocks):
        sheet.write_string(HEADER_ROW, NATIVE + index, label(index), looks["header_right"])
        for row, values in enumerate(rows, FIRST):
            source = xl_rowcol_to_cell(row, block.column_of("E_total"))
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
        call = f'BACKPROP_SWEEP(weights,inputs,targets,learning_rate,{book.epochs},network,"{optimizer}")'
        python(book, sheet, (FIRST, PYTHON + index, last, PYTHON + index), call, book.looks["short"])
        different.append(differs(native, beside, SWEEP_TOLERANCE))
        compared += [native, beside]
    sheet.write_string(HEADER_ROW, COMPARED, "Agreement", book.looks["header_state"])
    area = (FIRST, COMPARED, last, COMPARED)
    agreement(book, sheet, area, f"({'+'.join(different)})", f"({numbers_in(*compared)})")


def write_charts(book: Book, drawn: dict[str, int]) -> None:
    """E_total against the epoch, on a linear and on a logarithmic axis, from the columns that are drawn there."""
    for at, (scale, column) in enumerate(drawn.items()):
        chart = style.loss_chart(book.workbook, f"E_total by optimizer, {scale}", book.epochs, scale)
        for index in range(COUNT):
            series = style.series(TITLE, (HEADER_ROW, column + index), EPOCH, (FIRST, FIRST + book.epochs), index)
            chart.add_series(series)
        chart.set_size({"width": 392, "height": 290})
        about = f"Line chart of E_total over {book.epochs} updates by SGD, momentum and Adam, {scale} scale."
        place = {"description": about, "object_position": 3, "x_offset": 4}
        book.sheet(TITLE).insert_chart(FIRST + CHART_ROWS * at, CHARTS, chart, place)
