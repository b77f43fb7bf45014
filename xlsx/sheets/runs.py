"""Runs: the runs of the user's folder as rows, and of those that are ticked the curves and what differs."""

from __future__ import annotations

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract
from xlsx.contract import MOST_COMPARED, MOST_EPOCHS, MOST_RUNS, PRINTED_ROWS, RUN_COLUMNS
from xlsx.sheets import style, validation
from xlsx.sheets.book import Book
from xlsx.sheets.cells import BUTTONS_NEED
from xlsx.sheets.results import CHART_AXES

TITLE = contract.RUNS
BUTTON_ROW, STATUS_ROW, TABLE_ROW = 2, 3, 4
COMPARED_ROW = TABLE_ROW + 13  # below the chart, and on the screen where each row beside it has two lines
LIST_WIDTHS = [4, 24, 8, 8, 17, 7, 8, 8.2, 10]
COMPARED_COLUMN = len(LIST_WIDTHS) + 1
CURVES_COLUMN = COMPARED_COLUMN + MOST_COMPARED + 2
WIDTHS = [*LIST_WIDTHS, 1.0, 11, *[7.2] * MOST_COMPARED, 2.0, *[8.0] * (1 + MOST_COMPARED)]
RIGHT = ("accuracy", "seconds")
NUMBERS = {"accuracy": "0.00%", "seconds": "#,##0"}
LOOKS: dict[str, dict[str, object]] = {  # the end of a long text tells runs of a series apart: on a second line
    "run": {"text_wrap": True},
    "settings": {"text_wrap": True},
    "state": {"text_wrap": True, "indent": 1},  # apart from the numbers before it
}
NOT_YET = "Press List runs."
CHART_HEIGHT = 240  # pixels


def heading(book: Book) -> style.Heading:
    return style.Heading("Runs: all trainings so far, side by side", "Type x beside some of them, then press Compare.")


def place(book: Book) -> None:
    """Nothing that another sheet reads."""


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    book.buttons(sheet, BUTTON_ROW)
    sheet.write_string(BUTTON_ROW, 4, BUTTONS_NEED, book.looks["subtitle"])
    sheet.write_string(STATUS_ROW, 0, NOT_YET, book.looks["plain"])
    book.define("runs_status", sheet, (STATUS_ROW, 0) * 2)
    write_list(book, sheet)
    write_compared(book, sheet)
    write_curves(book, sheet)
    sheet.freeze_panes(TABLE_ROW + 1, 0)
    chart = style.span(sheet, TABLE_ROW, CHART_HEIGHT + 6)
    style.printed(sheet, TABLE_ROW + PRINTED_ROWS, WIDTHS[:CURVES_COLUMN], TABLE_ROW, [chart])


def write_list(book: Book, sheet: Worksheet) -> None:
    """The header, and formats for the rows to come."""
    for column, name in enumerate(RUN_COLUMNS):
        more = {"num_format": NUMBERS[name], "align": "right"} if name in NUMBERS else LOOKS.get(name, {})
        sheet.set_column(column, column, LIST_WIDTHS[column], book.workbook.add_format({**style.FONT, **more}))
        head = {**style.FONT, **style.HEADER, **({"align": "right"} if name in RIGHT else LOOKS.get(name, {}))}
        sheet.write_string(TABLE_ROW, column, name, book.workbook.add_format(head))
    last = TABLE_ROW + MOST_RUNS
    book.define("runs_table", sheet, (TABLE_ROW, 0, TABLE_ROW, len(RUN_COLUMNS) - 1))
    sheet.data_validation(TABLE_ROW + 1, 0, last, 0, validation.one_of(["x"], "Tick", "Type x, or leave it empty."))
    row = {"type": "formula", "criteria": f'=$B{TABLE_ROW + 2}<>""', "format": book.workbook.add_format(style.ROW)}
    sheet.conditional_format(TABLE_ROW + 1, 1, last, len(RUN_COLUMNS) - 1, row)
    edit = {**row, "format": book.workbook.add_format(style.EDIT)}
    sheet.conditional_format(TABLE_ROW + 1, 0, last, 0, edit)


def write_compared(book: Book, sheet: Worksheet) -> None:
    """The table of what differs, whose heads are the legend of the chart above it."""
    last = COMPARED_COLUMN + MOST_COMPARED
    book.define("runs_compared", sheet, (COMPARED_ROW, COMPARED_COLUMN, COMPARED_ROW, last))
    sheet.write_string(COMPARED_ROW, COMPARED_COLUMN, "What differs", book.looks["group"])
    for index in range(MOST_COMPARED):
        color, dash = style.SERIES[index]
        column = COMPARED_COLUMN + 1 + index
        name = xl_rowcol_to_cell(COMPARED_ROW + 3, column)  # under its date and time
        line = book.workbook.add_format({**style.FONT, "font_color": color, "bold": True, "align": "right"})
        sheet.write_formula(COMPARED_ROW, column, f'=IF({name}="","","{style.DASHES[dash]}")', line, "")
        sheet.set_column(column, column, WIDTHS[column], book.looks["right"])


def write_curves(book: Book, sheet: Worksheet) -> None:
    """The chart's numbers, right of all else, and the chart."""
    top, last = STATUS_ROW, CURVES_COLUMN + MOST_COMPARED
    book.define("runs_curves", sheet, (top, CURVES_COLUMN, top, last))
    sheet.write_string(top, CURVES_COLUMN, "accuracy by epoch, for the chart", book.looks["muted_plain"])
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for index in range(MOST_COMPARED):
        rows = top + 2, top + 1 + MOST_EPOCHS
        chart.add_series(style.series(TITLE, (top + 1, CURVES_COLUMN + 1 + index), CURVES_COLUMN, rows, index))
    chart.set_title({"name": "Accuracy", "name_font": style.CHART_TITLE, "overlay": False})
    chart.set_x_axis(style.axis("epoch", min=0, num_format="0"))
    chart.set_y_axis(style.axis("accuracy", **CHART_AXES["accuracy"]))
    chart.set_legend({"none": True})
    chart.set_size({"width": 278, "height": CHART_HEIGHT})
    text = "Line chart of the ticked runs' accuracy by epoch."
    style.insert_chart(sheet, (TABLE_ROW, COMPARED_COLUMN), chart, text, x_offset=2, y_offset=6)
