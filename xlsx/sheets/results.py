"""Results: the settings of a training run, its buttons, its epochs as rows, and their charts."""

from __future__ import annotations

from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from cnn.runs import EPOCH_KEYS, epoch_keys
from cnn.runs.series import VARIED
from cnn.runs.settings import SETTINGS, SHEET, Setting
from xlsx import contract
from xlsx.contract import MOST_COMPARED, PRINTED_ROWS
from xlsx.sheets import style, validation
from xlsx.sheets.book import Book
from xlsx.sheets.cells import BUTTONS_NEED

TITLE = contract.RESULTS
WIDTHS = [7.2, 9.0] + [8.1] * (len(EPOCH_KEYS) - 2) + [2.0]  # the second for its heading, which touched the first
LABEL_ROW, VALUE_ROW, BUTTON_ROW, STATUS_ROW, FOLDER_ROW, TABLE_ROW = 2, 3, 4, 5, 6, 7
RESERVED = contract.MOST_EPOCHS
HERE = {"dataset": "auto", "epochs": 5}  # what the sheet proposes in place of the trainer's defaults
NO_RUN = "No run yet: choose the settings above and press Train CNN."
EPOCH_FORMATS = {"epoch": "0", "learning_rate": "0.000000", "seconds": "0.0", "images_per_second": "#,##0"}
CHARTED = {
    "accuracy": ("train_accuracy", "test_accuracy"),
    "loss": ("train_loss", "test_loss"),
    "learning rate": ("learning_rate",),
}
CHART_AXES = {
    "accuracy": {"num_format": "0.0%", "max": 1},
    "loss": {"num_format": "0.0##", "min": 0},
    "learning rate": {"num_format": "General", "min": 0},
}
# Before the first epoch its dot stands left of the axis, where nothing is drawn, and moves no end of the other axis.
NOWHERE = {"epoch": -1, "train_accuracy": 1, "test_accuracy": 1}
MOST_MARKED = 25  # epochs that have a marker each: those of more would merge
CHART_WIDTH, CHARTS_APART = 158, 161  # pixels: on the screen with DejaVu too
LOW_CHART, HIGH_CHART = 152, 290  # in height: under a legend in cells, and with its own
PROGRESS_COLUMN = len(EPOCH_KEYS) + 1
AFTER_PROGRESS = PROGRESS_COLUMN + len(contract.PROGRESS)
SERIES_ROW = TABLE_ROW + 9  # below the charts: a chart of several runs, under its legend
AIDS_COLUMN = PROGRESS_COLUMN + 12  # what the charts need beside the epochs, right of them
CURVES_COLUMN = AIDS_COLUMN + 10
SEVERAL = "A list (0.01, 0.05) as learning rate, seed or model: a run for each, below."
EDITED = {"epochs": "edit_whole", "batch_size": "edit_whole", "learning_rate": "edit_left", "seed": "edit_list"}
LINES = (("train", *style.SERIES[0]), ("test", *style.SERIES[1]), ("the exercise’s", style.MUTED, "solid"))
# The exercise's published log: test accuracy of its network, 14,666 parameters, after epochs 1 to 19.
EXERCISE = (
    *(0.9785, 0.983, 0.9852, 0.9871, 0.9885, 0.9878, 0.9884, 0.991, 0.9909, 0.9904),
    *(0.9905, 0.992, 0.9913, 0.9909, 0.9913, 0.9908, 0.9913, 0.992, 0.9914),
)


def heading(book: Book) -> style.Heading:
    subtitle = "Each epoch becomes a row. A training goes on when this workbook is closed."
    return style.Heading("Results: a convolutional network reads digits", subtitle)


def place(book: Book) -> None:
    """Nothing that another sheet reads."""


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    write_settings(book, sheet)
    write_predict_run(book, sheet)
    write_progress(book, sheet)
    write_aids(book, sheet)
    write_buttons(book, sheet)
    write_state(book, sheet)
    epoch_header(book.looks, sheet, TABLE_ROW)
    epoch_columns(book.workbook, sheet)
    book.define("run_table", sheet, (TABLE_ROW, 0, TABLE_ROW, len(EPOCH_KEYS) - 1))
    rule(book.workbook, sheet, TABLE_ROW + 1, TABLE_ROW + RESERVED)
    for index, kind in enumerate(CHARTED):
        chart = epoch_chart(book.workbook, TITLE, kind, TABLE_ROW + 1, TABLE_ROW + RESERVED)
        as_low(chart, kind)
        add_latest(chart, kind)
        if kind == "accuracy":
            add_exercise(chart)
        insert(sheet, chart, kind, (TABLE_ROW, len(EPOCH_KEYS) + 1), index, LOW_CHART)
    for number, (name, color, dash) in enumerate(LINES):
        text = f"{style.DASHES[dash]}  {name}"
        sheet.write_string(TABLE_ROW, PROGRESS_COLUMN + 2 * number, text, drawn_in(book, color))
    write_series(book, sheet)
    sheet.freeze_panes(TABLE_ROW + 1, 0)
    charts = [style.span(sheet, row, LOW_CHART + 6) for row in (TABLE_ROW + 1, SERIES_ROW + 2)]
    style.printed(sheet, TABLE_ROW + PRINTED_ROWS, WIDTHS + [8.43] * 10, TABLE_ROW, charts)


def write_settings(book: Book, sheet: Worksheet) -> None:
    """A label and an editable cell per setting, each named run_…"""
    sheet.set_row(LABEL_ROW, 28)
    for column, name in enumerate(SHEET):
        setting = SETTINGS[name]
        sheet.write_string(LABEL_ROW, column, spaced(name), book.looks["header"])
        look = book.looks[EDITED.get(name, "edit_text")]
        sheet.write(VALUE_ROW, column, HERE.get(name, setting.default), look)
        cell = xl_rowcol_to_cell(VALUE_ROW, column)
        sheet.data_validation(VALUE_ROW, column, VALUE_ROW, column, allowed(name, setting, cell))
        book.define(contract.SETTING + name, sheet, (VALUE_ROW, column) * 2)


def write_predict_run(book: Book, sheet: Worksheet) -> None:
    """The run that CNN_PREDICT asks: the user's choice."""
    column = len(SHEET)
    sheet.write_string(LABEL_ROW, column, "CNN_ PREDICT", book.looks["header"])
    sheet.write_blank(VALUE_ROW, column, None, book.looks["edit_text"])
    words = "CNN_PREDICT: not possible", "It must be the name or the folder of a finished run."
    sheet.data_validation(VALUE_ROW, column, VALUE_ROW, column, validation.short_text(255, *words))
    book.define(contract.PREDICT_RUN, sheet, (VALUE_ROW, column) * 2)


def write_progress(book: Book, sheet: Worksheet) -> None:
    """How far the run is: a bar, and what PROGRESS names beside it."""
    first, last = PROGRESS_COLUMN, AFTER_PROGRESS - 1
    for column, name in enumerate(contract.PROGRESS, first):
        sheet.write_string(LABEL_ROW, column, name, book.looks["header"])
        sheet.write_blank(VALUE_ROW, column, None, book.looks["bar" if column == first else "progress"])
        sheet.set_column(column, column, 11 if column == first else 9)
    bar = {"type": "data_bar", "bar_color": style.RIGHT_COLOR}
    ends = {"min_type": "num", "max_type": "num", "min_value": 0, "max_value": 1}
    sheet.conditional_format(VALUE_ROW, first, VALUE_ROW, first, {**bar, **ends})
    book.define("run_progress", sheet, (LABEL_ROW, first, LABEL_ROW, last))


def write_aids(book: Book, sheet: Worksheet) -> None:
    """Right of all else: the exercise's accuracies, and the latest epoch's figures, which the charts mark."""
    look, top = book.looks["muted_plain"], TABLE_ROW
    sheet.write_string(top - 1, AIDS_COLUMN, "for the charts: the exercise's published accuracy", look)
    for row, accuracy in enumerate(EXERCISE, 1):
        sheet.write_number(top + row, AIDS_COLUMN, row, look)
        sheet.write_number(top + row, AIDS_COLUMN + 1, accuracy, look)
    sheet.write_string(top - 1, AIDS_COLUMN + 3, "and the latest epoch", look)
    for column, key in enumerate(("epoch", *latest_keys()), AIDS_COLUMN + 3):
        epochs, values = (xl_range_abs(top + 1, each, top + RESERVED, each) for each in (0, EPOCH_KEYS.index(key)))
        found, before = f"INDEX({values},MATCH(MAX({epochs}),{epochs},0))", NOWHERE.get(key, 0)
        sheet.write_string(top, column, spaced(key), look)
        sheet.write_formula(top + 1, column, f"=IF(COUNT({epochs})=0,{before},{found})", look, before)


def latest_keys() -> tuple[str, ...]:
    return tuple(key for keys in CHARTED.values() for key in keys)


def add_latest(chart: Chart, kind: str) -> None:
    """A dot on each curve's latest epoch: a first epoch shows, and markers never merge in a long run."""
    row = TABLE_ROW + 1
    for index, key in enumerate(CHARTED[kind]):
        color, column = style.SERIES[index][0], AIDS_COLUMN + 4 + latest_keys().index(key)
        dot = {"type": ("circle", "diamond")[index], "size": 6, "border": {"color": color}, "fill": {"color": color}}
        cells = {"categories": [TITLE, row, AIDS_COLUMN + 3], "values": [TITLE, row, column]}
        cells = {name: [*where, row, where[2]] for name, where in cells.items()}
        chart.add_series({"name": f"latest {spaced(key)}", "marker": dot, "line": {"none": True}, **cells})


def as_low(chart: Chart, kind: str) -> None:
    """Without what takes height: its title says what the axes do, and the cells above are its legend."""
    chart.set_title({"name": f"{kind.capitalize()} by epoch", "name_font": style.LOW_TITLE, "overlay": False})
    chart.set_x_axis({**style.axis("epoch", min=0, num_format="0"), "name": None})
    chart.set_y_axis({**style.axis(kind, **CHART_AXES[kind]), "name": None})
    chart.set_legend({"none": True})


def add_exercise(chart: Chart) -> None:
    """The line to beat."""
    rows = TABLE_ROW + 1, TABLE_ROW + len(EXERCISE)
    cells = {
        "categories": [TITLE, rows[0], AIDS_COLUMN, rows[1], AIDS_COLUMN],
        "values": [TITLE, rows[0], AIDS_COLUMN + 1, rows[1], AIDS_COLUMN + 1],
    }
    line = {"color": style.MUTED, "width": 1.5}
    chart.add_series({"name": "the exercise's", "line": line, "marker": {"type": "none"}, **cells})


def write_series(book: Book, sheet: Worksheet) -> None:
    """A chart with a curve for each run of a series, its legend in cells above it, its numbers right of all else."""
    sheet.write_string(1, PROGRESS_COLUMN, SEVERAL, book.looks["subtitle"])
    top, last = TABLE_ROW - 1, CURVES_COLUMN + MOST_COMPARED
    book.define("series_curves", sheet, (top, CURVES_COLUMN, top, last))
    sheet.write_string(top, CURVES_COLUMN, "for the chart: the accuracy of each run", book.looks["muted_plain"])
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for index in range(MOST_COMPARED):
        head, rows = (TABLE_ROW, CURVES_COLUMN + 1 + index), (TABLE_ROW + 1, TABLE_ROW + RESERVED)
        chart.add_series(style.series(TITLE, head, CURVES_COLUMN, rows, index))
        legend(book, sheet, (SERIES_ROW, PROGRESS_COLUMN + index), xl_rowcol_to_cell(*head), index)
    as_low(chart, "accuracy")
    chart.set_title({"none": True})
    chart.set_size({"width": 2 * CHARTS_APART + CHART_WIDTH, "height": LOW_CHART})
    text = "Line chart of the accuracy by epoch, a line for each run of a series."
    style.insert_chart(sheet, (SERIES_ROW + 2, PROGRESS_COLUMN), chart, text)


def legend(book: Book, sheet: Worksheet, place: tuple[int, int], head: str, index: int) -> None:
    """Under each other the name of a curve and how it is drawn, as soon as it has a name."""
    color, dash = style.SERIES[index]
    for row, shown in enumerate((head, f'"{style.DASHES[dash]}"')):
        sheet.write_formula(place[0] + row, place[1], f'=IF({head}="","",{shown})', drawn_in(book, color), "")


def drawn_in(book: Book, color: str) -> Any:
    """The look of a cell that is a chart's legend."""
    return book.workbook.add_format({**style.FONT, "font_color": color, "bold": True})


def allowed(name: str, setting: Setting, cell: str) -> validation.Rule:
    """The validation of a setting's cell: what the trainer allows, which is told too what a list may hold."""
    words = f"{spaced(name)}: not possible", f"It must be {setting.allowed}."
    if setting.choices:
        return {**validation.one_of(list(setting.choices), *words), "show_error": name not in VARIED}
    if name in VARIED:
        limit = ">0" if setting.kind is float else f">={setting.lowest}"
        return validation.number_or_list(cell, limit, *words)
    return validation.whole_number(setting.lowest, int(min(setting.highest, 2**32 - 1)), *words)


def spaced(key: str) -> str:
    return key.replace("_", " ")


def write_buttons(book: Book, sheet: Worksheet) -> None:
    book.buttons(sheet, BUTTON_ROW)
    look = book.workbook.add_format({**style.FONT, "font_color": style.MUTED, "text_wrap": True})
    sheet.merge_range(BUTTON_ROW, PROGRESS_COLUMN + 1, BUTTON_ROW, AFTER_PROGRESS - 1, BUTTONS_NEED, look)


def write_state(book: Book, sheet: Worksheet) -> None:
    for row, label, text in ((STATUS_ROW, "Status", NO_RUN), (FOLDER_ROW, "Folder", "")):
        sheet.write_string(row, 0, label, book.looks["label_plain"])
        sheet.write_string(row, 1, text, book.looks["plain"])
        book.define(f"run_{label.split()[-1].lower()}", sheet, (row, 1) * 2)


def epoch_header(looks: dict[str, Any], sheet: Worksheet, row: int, part: str = "test") -> None:
    sheet.set_row(row, 42)
    for column, key in enumerate(epoch_keys(part)):
        sheet.write_string(row, column, spaced(key), looks["header_right"])


def epoch_columns(workbook: Workbook, sheet: Worksheet) -> None:
    """Number formats for whole columns: rows that arrive later are formatted already."""
    for column, key in enumerate(EPOCH_KEYS):
        look = workbook.add_format({**style.FONT, "num_format": epoch_number_format(key), "align": "right"})
        sheet.set_column(column, column, WIDTHS[column], look)


def epoch_number_format(key: str) -> str:
    return EPOCH_FORMATS.get(key, "0.00%" if key.endswith("accuracy") else "0.0000")


def rule(workbook: Workbook, sheet: Worksheet, first: int, last: int) -> None:
    """A line under every row that has an epoch."""
    look = workbook.add_format(style.ROW)
    filled = {"type": "formula", "criteria": f'=$A{first + 1}<>""', "format": look}
    sheet.conditional_format(first, 0, last, len(EPOCH_KEYS) - 1, filled)


def epoch_chart(workbook: Workbook, sheet: str, kind: str, first: int, last: int, part: str = "test") -> Chart:
    """Training and test (or validation) accuracy, or loss, by epoch. A scatter chart: blank rows draw nothing."""
    chart = workbook.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    for index, key in enumerate(CHARTED[kind]):
        column, color = EPOCH_KEYS.index(key), style.SERIES[index][0]
        dot = {"type": "circle", "size": 4, "border": {"color": color}, "fill": {"color": color}}
        chart.add_series(
            {
                "name": spaced(epoch_keys(part)[column]),
                "categories": [sheet, first, 0, last, 0],
                "values": [sheet, first, column, last, column],
                "line": style.line(index),
                "marker": dot if last - first < MOST_MARKED else {"type": "none"},
            }
        )
    chart.set_title({"name": kind.capitalize(), "name_font": style.CHART_TITLE, "overlay": False})
    chart.set_x_axis(style.axis("epoch", min=0, num_format="0"))
    chart.set_y_axis(style.axis(kind, **CHART_AXES[kind]))
    chart.set_legend({"position": "bottom", "font": style.CHART_FONT})
    return chart


def insert(
    sheet: Worksheet, chart: Chart, kind: str, place: tuple[int, int], index: int, height: int = HIGH_CHART
) -> None:
    """Charts side by side, right of the table, one row below this place."""
    chart.set_size({"width": CHART_WIDTH, "height": height})
    text = f"Line chart of {' and '.join(map(spaced, CHARTED[kind]))} by epoch."
    style.insert_chart(sheet, (place[0] + 1, place[1]), chart, text, x_offset=CHARTS_APART * index, y_offset=6)
