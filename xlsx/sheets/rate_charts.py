"""The charts of Learning rates: the loss at six rates, linear and logarithmic; weights and derivatives of one."""

from __future__ import annotations

import math

from xlsxwriter.chart import Chart
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx.expressions import stored
from xlsx.sheets import style, validation
from xlsx.sheets.book import Book
from xlsx.sheets.cells import number_rules
from xlsx.sheets.epochs import Descent

SHOWN = 3  # the number of the rate whose weights are charted at first
DRAWN = 16  # lines in one chart
WIDTH, HEIGHT, GAP = 234, 262, 8  # of a chart with two lines of legend, in pixels
LEGEND_LINE, ROW_HEIGHT = 17, 20
ROWS = 14  # of cells, from one row of charts to the next: a page can end between them


def write(book: Book, blocks: list[Descent], losses: dict[str, int], at: tuple[int, int]) -> list[tuple[int, int]]:
    """The charts below the cell `at`, which chooses a rate. Gives the rows that each row of charts covers.

    `losses` has the first column of E_total by rate for each scale.
    """
    sheet, names = blocks[0].sheet, charted(book)
    tall = height(names[len(names) // 2 :])
    write_chooser(book, sheet, at, len(blocks))
    first = write_shown(book, blocks)
    for index, (scale, column) in enumerate(losses.items()):
        chart = style.loss_chart(book.workbook, f"E_total by rate, {scale}", book.epochs, scale)
        about = f"Line chart of E_total over {book.epochs} updates, one line for each of the six rates, {scale} axis."
        draw(book, sheet, chart, column, len(blocks))
        insert(sheet, chart, at, index, about, HEIGHT)
    for index, what in enumerate(("Weights", "Derivatives"), 2):
        chart = style.loss_chart(book.workbook, f"{what} at the chosen rate", book.epochs, "linear", what.lower())
        about = f"Line chart of the {what.lower()} over {book.epochs} updates at the rate that is chosen above."
        draw(book, sheet, chart, first + (index - 2) * (len(names) // 2), len(names) // 2)
        insert(sheet, chart, at, index, about, tall)
    first, second = at[0] + 1, at[0] + 1 + ROWS
    return [(first, second - 1), (second, second + (GAP + tall) // ROW_HEIGHT)]


def charted(book: Book) -> list[str]:
    """The weights that are drawn, then their derivatives."""
    weights = book.network.weight_names[:DRAWN]
    return [*weights, *(f"dE/d{weight}" for weight in weights)]


def draw(book: Book, sheet: Worksheet, chart: Chart, first: int, count: int) -> None:
    """A line for each of `count` columns."""
    for index in range(count):
        chart.add_series(style.series(sheet.name, (4, first + index), 0, (5, 5 + book.epochs), index))


def height(names: list[str]) -> int:
    """Of a chart with a line for each name: its legend must not take the room of the drawing."""
    columns = 3 if max(map(len, names)) <= len("w12") else 2
    return HEIGHT + LEGEND_LINE * max(0, math.ceil(len(names) / columns) - 2)


def insert(sheet: Worksheet, chart: Chart, at: tuple[int, int], index: int, about: str, height: int) -> None:
    """Two charts in a row, two rows of them."""
    chart.set_size({"width": WIDTH, "height": height})
    offset = {"x_offset": (WIDTH + GAP) * (index % 2), "y_offset": GAP + ROWS * ROW_HEIGHT * (index // 2)}
    style.insert_chart(sheet, (at[0] + 1, at[1]), chart, about, **offset)


def write_chooser(book: Book, sheet: Worksheet, at: tuple[int, int], count: int) -> None:
    row, column = at
    sheet.write_number(row, column, SHOWN, book.looks["edit_count"])
    text = f"← which rate, 1 to {count}, has its weights and derivatives charted"
    sheet.write_string(row, column + 1, text, book.looks["muted_plain"])
    message = "The number of the rate, counted from the left, whose weights and derivatives are charted."
    rule = validation.whole_number(1, count, f"a whole number from 1 to {count}", message)
    sheet.data_validation(row, column, row, column, rule)
    book.define("rate_charted", sheet, at * 2)


def write_shown(book: Book, blocks: list[Descent]) -> int:
    """The charted weights and derivatives, at the right of all blocks and log columns. Gives the first column."""
    sheet, row, names = blocks[0].sheet, blocks[0].row, charted(book)
    first = blocks[-1].column + blocks[-1].width + len(blocks) + 2
    sheet.write_string(row - 2, first, "at the rate whose weights are charted", book.looks["group"])
    sheet.set_column(first, first + len(names) - 1, 9, book.looks["plain"])
    for column, name in enumerate(names, first):
        sheet.write_string(row - 1, column, name, book.looks["header_right"])
        for line, known in enumerate(blocks[SHOWN - 1].rows, row):
            cells = ",".join(xl_rowcol_to_cell(line, block.column_of(name)) for block in blocks)
            formula = f"=IFERROR(CHOOSE(rate_charted,{cells}),NA())"
            sheet.write_formula(line, column, formula, book.looks["short"], stored(known[name]))
    number_rules(book, sheet, (row, first, row + book.epochs, first + len(names) - 1))
    return first
