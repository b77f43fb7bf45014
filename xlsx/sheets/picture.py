"""Picture: the network at the epoch shown, its weights or its gradients, drawn over cells, or as coloured matrices.

Beside it stands every number that is drawn.
"""

from __future__ import annotations

from itertools import count

from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx import contract, formulas
from xlsx.expressions import stored
from xlsx.formulas import Layer
from xlsx.sheets import drawing, style, validation
from xlsx.sheets.book import Book
from xlsx.sheets.cells import array, loss_rules, mute_errors
from xlsx.sheets.drawing import View
from xlsx.sheets.places import Size, edges
from xlsx.sheets.quantities import epoch_line

TITLE = contract.PICTURE
WIDTHS = [9.6] * 10
MATRIX_WIDTH, MATRIX_ROW = 7.4, 13  # digits across, points high
TABLE_WIDTHS = [1.5, 9, 12.5, 13, 13, 12]
BUTTON_ROW, VIEW_ROW, HEADER_ROW = 3, 4, 5
WIDTH, HEIGHT, UNIT = 735, 424, 54  # pixels of the chart, and what a unit needs where many stand above each other
WEIGHTS, GRADIENTS = VIEWS = ("weights", "gradients")
MATRIX_ENDS = {"min_color": style.WRONG_COLOR, "mid_color": "#FFFFFF", "max_color": style.RIGHT_COLOR}
READ = "Blue and solid: above 0. Red and dashed: below. Thickest: from two thirds of the largest on."
STEPPER = "← or type the epoch on Forward"
READ_MATRIX = "A row for each unit. Blue: above 0. Orange: below. The darker, the larger."


def heading(book: Book) -> style.Heading:
    return style.Heading("Picture", f"Network {book.network.text}: its units and weights at the epoch that is shown.")


def place(book: Book) -> None:
    """Nothing that another sheet reads."""


def table_column(book: Book) -> int:
    """The first column of the numbers, right of the drawing."""
    if drawing.is_drawn(book):
        return len(WIDTHS) + 1
    return max(len(WIDTHS), 3 + max(len(layer.sources) for layer in formulas.layers(book.network))) + 1


def widths(book: Book) -> list[float]:
    each = WIDTHS[0] if drawing.is_drawn(book) else MATRIX_WIDTH
    return [each] * (table_column(book) - 1) + TABLE_WIDTHS


def view(book: Book) -> View:
    """The helper cells stand above the points, right of all else."""
    points = len(widths(book)) + 1
    row = drawing.FIRST - 3
    gradients, largest = (xl_rowcol_to_cell(row, points + at, True, True) for at in (1, 3))
    size = Size(WIDTH, max(HEIGHT, UNIT * max(book.network.sizes)))
    return View(book.sheet(TITLE), gradients, largest, points, size)


def write(book: Book) -> None:
    sheet, here = book.sheet(TITLE), view(book)
    for column, width in enumerate(widths(book)):
        sheet.set_column(column, column, width, book.looks["plain"])
    epoch_line(book, sheet, 2)
    write_top(book, sheet)
    last = write_table(book, sheet)
    write_helpers(book, here)
    drawing.write_edges(book, here)
    drawn = draw(book, here) if drawing.is_drawn(book) else write_matrices(book, here)
    last = max(last, drawn)
    sheet.freeze_panes(HEADER_ROW, 0)
    style.printed(sheet, last, widths(book), HEADER_ROW, [(HEADER_ROW, drawn)])


def draw(book: Book, here: View) -> int:
    """The chart. Gives the last row that it covers."""
    chart, rows = drawing.new(book, here.size), count(drawing.FIRST)
    drawing.draw_edges(book, chart, here)
    drawing.draw_units(book, chart, here, rows)
    drawing.draw_labels(book, chart, here, rows)
    chart.set_chartarea({"border": {"color": style.RULE}})
    about = f"The network {book.network.text}: a column of discs per layer with the units’ values, lines for weights."
    style.insert_chart(here.sheet, (HEADER_ROW, 0), chart, about, y_offset=4)
    return HEADER_ROW + here.size.height // 20 + 1


def write_top(book: Book, sheet: Worksheet) -> None:
    """The buttons that step the epoch, how the drawing is read, and the choice of what it shows."""
    looks, column = book.looks, table_column(book)
    book.buttons(sheet, BUTTON_ROW)
    sheet.write_string(BUTTON_ROW, column, STEPPER, looks["muted_plain"])
    sheet.write_string(VIEW_ROW, 0, READ if drawing.is_drawn(book) else READ_MATRIX, looks["muted_plain"])
    sheet.write_string(VIEW_ROW, column, "Show", looks["label_plain"])
    sheet.write_string(VIEW_ROW, column + 1, WEIGHTS, looks["edit_text"])
    message = f"Choose one of: {', '.join(VIEWS)}."
    rule = validation.one_of(list(VIEWS), "Show: one of the list", message)
    sheet.data_validation(VIEW_ROW, column + 1, VIEW_ROW, column + 1, rule)
    book.define("picture_view", sheet, (VIEW_ROW, column + 1) * 2)


def write_helpers(book: Book, here: View) -> None:
    """The view as a number, the largest number that is drawn, and the last epoch; the heads of the points."""
    sheet, row, looks = here.sheet, drawing.FIRST - 3, book.looks
    first, drawn = HEADER_ROW + 2, edges(book)
    weights, gradients = (
        xl_range_abs(first, column, first + len(drawn) - 1, column)
        for column in (table_column(book) + 2, table_column(book) + 3)
    )
    most = (f"MAX(MAX(IFERROR({cells},0)),-MIN(IFERROR({cells},0)))" for cells in (gradients, weights))
    numbers = {
        "gradients": (f'IF(picture_view="{GRADIENTS}",1,0)', 0),
        "largest": (f"IF({here.gradients}=1,{','.join(most)})", max(abs(book.values[each]) for each, _, _ in drawn)),
        "last epoch": (f"{book.epochs}", book.epochs),
    }
    for at, (name, (formula, value)) in enumerate(numbers.items()):
        sheet.write_string(row, here.points + 2 * at, name, looks["muted_right"])
        array(sheet, (row, here.points + 2 * at + 1) * 2, formula, looks["right"], stored(value))
    book.define("last_epoch", sheet, (row, here.points + 5) * 2)
    sheet.write_string(row + 1, here.points, "What the picture is drawn from", looks["group"])
    classes = [str(each) for each in range(1, len(drawing.CLASSES) + 1)]
    for column, title in enumerate(["x", "y", "class", *classes, "", "x", "y", "label"], here.points):
        sheet.write_string(row + 2, column, title, looks["header_right"])


def write_matrices(book: Book, here: View) -> int:
    """A table for each layer: a row for each of its units, a column for each unit before. Gives the last row."""
    row = HEADER_ROW
    for layer in formulas.layers(book.network):
        row = write_matrix(book, here, layer, row) + 2
    drawing.write_discs(book, here, count(drawing.FIRST))
    for each in range(HEADER_ROW + 1, row):
        here.sheet.set_row(each, MATRIX_ROW)
    return row


def write_matrix(book: Book, here: View, layer: Layer, row: int) -> int:
    """The weights into a layer, coloured, its biases, and what its units give. Gives the last row."""
    sheet, looks, last = here.sheet, book.looks, len(layer.sources) + bool(layer.biases)
    heads = ["", *layer.sources, *["bias"] * bool(layer.biases)]
    for column, name in enumerate(heads):
        sheet.write_string(row, column, name, looks["header_right"])
    sheet.write_formula(row, last + 1, f'=IF({here.gradients}=1,"dE/dz","a")', looks["header_right"], "a")
    for at, (unit, weights) in enumerate(zip(layer.units, layer.weights, strict=True), row + 1):
        sheet.write_string(at, 0, unit, looks["label_plain"])
        shown = [(w, f"dE/d{w}") for w in (*weights, *layer.biases[at - row - 1 : at - row])]
        for column, (name, gradient) in enumerate([*shown, (f"a_{unit}", f"dE/d{unit}")], 1):
            formula, value = drawing.number(book, here, name, gradient), stored(book.values[name])
            sheet.write_formula(at, column, f"={formula}", looks["matrix"], value)
    end = row + len(layer.units)
    loss_rules(book, sheet, (row + 1, 1, end, last + 1))
    ends = {"min_value": f"=-{here.largest}", "max_value": f"={here.largest}", "mid_value": 0}
    kinds = {"min_type": "formula", "mid_type": "num", "max_type": "formula"}
    sheet.conditional_format(row + 1, 1, end, last, {"type": "3_color_scale", **MATRIX_ENDS, **kinds, **ends})
    return end


def write_table(book: Book, sheet: Worksheet) -> int:
    """E_total, then every weight with where it leads, its value and its derivative. Gives the last row."""
    looks, leads, table = book.looks, formulas.connections(book.network), table_column(book)
    heads = (("Weight", "header"), ("Leads", "header"), ("Value", "header_right"), ("dE/dw", "header_right"))
    for column, (title, look) in enumerate(heads, table):
        sheet.write_string(HEADER_ROW, column, title, looks[look])
    sheet.write_string(HEADER_ROW + 1, table, "E_total", looks["label"])
    sheet.write_string(HEADER_ROW + 1, table + 1, "the loss", looks["muted_line"])
    pairs = [(HEADER_ROW + 1, table + 2, "E_total")]
    for row, weight in enumerate(book.network.weight_names, HEADER_ROW + 2):
        sheet.write_string(row, table, weight, looks["label"])
        sheet.write_string(row, table + 1, leads[weight], looks["muted_line"])
        pairs += [(row, table + 2, weight), (row, table + 3, f"dE/d{weight}")]
    for row, column, name in pairs:
        write_number(book, sheet, row, column, name)
    sheet.write_blank(HEADER_ROW + 1, table + 3, None, looks["text"])
    last = HEADER_ROW + 1 + book.network.weight_count
    mute_errors(book, sheet, (HEADER_ROW + 1, table + 2, last, table + 3))
    book.define("pictured", sheet, (HEADER_ROW + 1, table, last, table + 3))
    return last


def write_number(book: Book, sheet: Worksheet, row: int, column: int, name: str) -> None:
    """A number that stands elsewhere; in an exercise "?" for an answer that is not there yet."""
    cell, value = book.seen(name).on(sheet), stored(book.values[name])
    formula = f"={cell}"
    if book.exercise:
        formula, value = f'=IF(ISNUMBER({cell}),{cell},"?")', "?" if name in book.answers else value
    sheet.write_formula(row, column, formula, book.looks["number_8"], value)
