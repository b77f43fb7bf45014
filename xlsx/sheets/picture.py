"""Picture: the network at the epoch shown, edges and units with values, drawn by a chart from the cells beside it.

A label is the name of a series, which a chart takes from a cell: so the picture follows every edit, in both programs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

from xlsxwriter.chart import Chart
from xlsxwriter.worksheet import Worksheet

from xlsx import contract, formulas
from xlsx.expressions import stored
from xlsx.sheets import style
from xlsx.sheets.book import Book
from xlsx.sheets.cells import mute_errors
from xlsx.sheets.quantities import epoch_line

TITLE = contract.PICTURE
CHART_COLUMNS = 10
WIDTHS = [9.6] * CHART_COLUMNS + [1.5, 9, 12.5, 13, 13, 12]
TABLE, POINTS = CHART_COLUMNS + 1, len(WIDTHS)
HEADER_ROW = 3
ROOMY = 5  # more units above each other leave no room under them
LABELLED = 30  # with more edges their labels would hide each other: the table has them
ALONG = (0.3, 0.4, 0.2, 0.5, 0.6, 0.7, 0.8)  # where on its edge a label stands: the first place that is free
WIDTH, HEIGHT, MARGIN = 735, 440, 0.02  # of the chart, in pixels; of the plot within it, as a share
LABEL = (78, 16)  # pixels that a label takes
SIDE = 0.35  # room left and right of the outer layers, in layers


class Point(NamedTuple):
    """A place in the chart, with a text of its own: the formula and what it answers."""

    x: float
    y: float
    formula: str
    text: str


def heading(book: Book) -> style.Heading:
    subtitle = f"Network {book.network.text}, with its numbers at the epoch that is chosen on Forward."
    return style.Heading("Picture", subtitle)


def place(book: Book) -> None:
    """Nothing that another sheet reads."""


def write(book: Book) -> None:
    sheet = book.sheet(TITLE)
    epoch_line(book, sheet, 2)
    last = write_table(book, sheet)
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    rows = count(HEADER_ROW + 1)
    sheet.write_string(HEADER_ROW, POINTS, "What the picture is drawn from: x, y, label", book.looks["group"])
    draw_edges(book, sheet, chart, rows)
    draw_units(book, sheet, chart, rows)
    height = finish(book, sheet, chart)
    sheet.freeze_panes(HEADER_ROW, 0)
    style.printed(sheet, max(last, HEADER_ROW + height // 20 + 1), WIDTHS)


def places(book: Book) -> dict[str, tuple[float, float]]:
    """x and y of every input and unit: a column per layer, each as high as the highest."""
    network = book.network
    layers = [network.input_names, *network.layer_units]
    high = max(map(len, layers))
    return {
        name: (float(x), high / 2 - (number + 0.5) * high / len(layer))
        for x, layer in enumerate(layers)
        for number, name in enumerate(layer)
    }


def edges(book: Book) -> list[tuple[str, str, str]]:
    """Weight, where from, where to."""
    return [
        (w, source.removeprefix("a_"), unit)
        for layer in formulas.layers(book.network)
        for unit, weights in zip(layer.units, layer.weights, strict=True)
        for w, source in zip(weights, layer.sources, strict=True)
    ]


class Scale(NamedTuple):
    """Pixels: of the chart's height, of a disc across, of one step along x and along y, and the size of its letters."""

    height: int
    disc: int
    x: float
    y: float
    font: int


def scale(book: Book) -> Scale:
    """Up to eight units stand above each other on one screen."""
    high, layers = max(book.network.sizes), len(book.network.sizes)
    height, inside = max(HEIGHT, 55 * high), 1 - 2 * MARGIN
    step = height * inside / high
    disc = min(62, round(0.62 * step))
    return Scale(
        height, disc, WIDTH * inside / (layers - 1 + 2 * SIDE), step, 10 if disc > 50 else 8 if disc > 36 else 7
    )


def between(book: Book, start: str, end: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """The two ends of an edge, at the rims of the discs."""
    where, pixels = places(book), scale(book)
    (x, y), (to_x, to_y) = where[start], where[end]
    share = (pixels.disc / 2 + 2) / math.hypot((to_x - x) * pixels.x, (to_y - y) * pixels.y)
    move_x, move_y = share * (to_x - x), share * (to_y - y)
    return (x + move_x, y + move_y), (to_x - move_x, to_y - move_y)


def decimals(book: Book, sheet: Worksheet, name: str, digits: int, before: str = "") -> tuple[str, str]:
    """A number as a label, in the reader's own locale: the formula and what it answers."""
    cell, value = book.seen(name).on(sheet), book.values[name]
    known = math.isfinite(value) and name not in book.answers
    shown = f"{value:.{digits}f}" if known else "?"
    return f'="{before}"&IF(ISNUMBER({cell}),FIXED({cell},{digits},TRUE),"?")', before + shown


def write_points(book: Book, sheet: Worksheet, rows: Iterator[int], points: list[Point]) -> tuple[int, int]:
    """Rows of x, y and label. Gives the first and the last."""
    found = [next(rows) for _ in points]
    for row, point in zip(found, points, strict=True):
        sheet.write_number(row, POINTS, point.x, book.looks["short"])
        sheet.write_number(row, POINTS + 1, point.y, book.looks["short"])
        if point.formula:
            sheet.write_formula(row, POINTS + 2, point.formula, book.looks["plain"], point.text)
    return found[0], found[-1]


def add(sheet: Worksheet, chart: Chart, rows: tuple[int, int], **looks: object) -> None:
    """A series over these rows, called by the label of the first."""
    first, last = rows
    chart.add_series(
        {
            "name": [sheet.name, first, POINTS + 2],
            "categories": [sheet.name, first, POINTS, last, POINTS],
            "values": [sheet.name, first, POINTS + 1, last, POINTS + 1],
            "marker": {"type": "none"},
            "line": {"none": True},
            **looks,
        }
    )


def label(position: str, fill: dict[str, str] | None = None, **font: Any) -> dict[str, object]:
    look = {"series_name": True, "value": False, "position": position, "font": {**style.CHART_FONT, **font}}
    return look | ({"fill": fill} if fill else {})


def draw_edges(book: Book, sheet: Worksheet, chart: Chart, rows: Iterator[int]) -> None:
    """A line per edge; where there are few, its weight on it."""
    found = edges(book)
    for weight, source, unit in found:
        start, end = between(book, source, unit)
        ends = [Point(*start, f'="{weight}"', weight), Point(*end, "", "")]
        line = {"color": style.MUTED, "width": 1} if len(found) <= LABELLED else {"color": style.RULE, "width": 1}
        add(sheet, chart, write_points(book, sheet, rows, ends), line=line)
    places = label_places(book, found) if len(found) <= LABELLED else {}
    for weight, (x, y) in places.items():
        point = Point(x, y, *decimals(book, sheet, weight, 4, f"{weight} = "))
        look = label("center", fill={"color": "#FFFFFF"})
        add(sheet, chart, write_points(book, sheet, rows, [point]), data_labels=look)


def label_places(book: Book, found: list[tuple[str, str, str]]) -> dict[str, tuple[float, float]]:
    """Where each weight stands on its edge, so that none hides another."""
    pixels = scale(book)
    taken: dict[str, tuple[float, float]] = {}

    def free(x: float, y: float) -> bool:
        return all(
            abs(x - other) * pixels.x > LABEL[0] or abs(y - far) * pixels.y > LABEL[1] for other, far in taken.values()
        )

    for weight, source, unit in found:
        (x, y), (to_x, to_y) = between(book, source, unit)
        places = [(x + share * (to_x - x), y + share * (to_y - y)) for share in ALONG]
        taken[weight] = next((place for place in places if free(*place)), places[0])
    return taken


def draw_units(book: Book, sheet: Worksheet, chart: Chart, rows: Iterator[int]) -> None:
    """A disc per input and unit with its value in it, its name above, its bias or its target below."""
    pixels = scale(book)
    size, room = round(pixels.disc * 0.75), (pixels.disc / 2 + pixels.font) / pixels.y
    disc = {"type": "circle", "size": size, "fill": {"color": style.DISC}, "border": {"color": style.ACCENT}}
    below = under(book)
    for name, (x, y) in places(book).items():
        value = name if name in book.network.input_names else f"a_{name}"
        font: dict[str, Any] = {"size": pixels.font}
        middle = write_points(book, sheet, rows, [Point(x, y, *decimals(book, sheet, value, 3))])
        add(sheet, chart, middle, marker=disc, data_labels=label("center", bold=True, **font))
        title = Point(x, y + room, f'="{value}"', value)
        add(sheet, chart, write_points(book, sheet, rows, [title]), data_labels=label("center", **font))
        if name in below:
            note = Point(x, y - room, *decimals(book, sheet, below[name], 3, f"{below[name]} = "))
            look = label("center", **font, color=style.MUTED)
            add(sheet, chart, write_points(book, sheet, rows, [note]), data_labels=look)


def under(book: Book) -> dict[str, str]:
    """What stands under a unit: the target of an output, the bias of a hidden unit where there is room."""
    found: dict[str, str] = {}
    for layer in formulas.layers(book.network) if max(book.network.sizes) <= ROOMY else ():
        found |= dict(zip(layer.units, layer.biases, strict=False))
    return found | dict(zip(book.network.layer_units[-1], book.network.target_names, strict=True))


def finish(book: Book, sheet: Worksheet, chart: Chart) -> int:
    """Axes that are not seen, no legend, and the chart's place. Gives its height in pixels."""
    high, last = max(book.network.sizes), len(book.network.sizes) - 1
    unseen = {"visible": False, "major_gridlines": {"visible": False}}
    inside = {"x": MARGIN, "y": MARGIN, "width": 1 - 2 * MARGIN, "height": 1 - 2 * MARGIN}
    chart.set_plotarea({"layout": inside})
    chart.set_x_axis({**unseen, "min": -SIDE, "max": last + SIDE})
    chart.set_y_axis({**unseen, "min": -high / 2, "max": high / 2})
    chart.set_legend({"none": True})
    chart.set_chartarea({"border": {"color": style.RULE}})
    height = scale(book).height
    chart.set_size({"width": WIDTH, "height": height})
    about = (
        f"The network {book.network.text}: a column of discs per layer with the units’ values, lines with the weights."
    )
    sheet.insert_chart(HEADER_ROW, 0, chart, {"description": about, "object_position": 3, "y_offset": 4})
    return height


def write_table(book: Book, sheet: Worksheet) -> int:
    """E_total, then every weight with where it leads, its value and its derivative. Gives the last row."""
    looks, leads = book.looks, formulas.connections(book.network)
    heads = (("Weight", "header"), ("Leads", "header"), ("Value", "header_right"), ("dE/dw", "header_right"))
    for column, (title, look) in enumerate(heads, TABLE):
        sheet.write_string(HEADER_ROW, column, title, looks[look])
    sheet.write_string(HEADER_ROW + 1, TABLE, "E_total", looks["label"])
    sheet.write_string(HEADER_ROW + 1, TABLE + 1, "the loss", looks["muted_line"])
    pairs = [(HEADER_ROW + 1, TABLE + 2, "E_total")]
    for row, weight in enumerate(book.network.weight_names, HEADER_ROW + 2):
        sheet.write_string(row, TABLE, weight, looks["label"])
        sheet.write_string(row, TABLE + 1, leads[weight], looks["muted_line"])
        pairs += [(row, TABLE + 2, weight), (row, TABLE + 3, f"dE/d{weight}")]
    for row, column, name in pairs:
        cell, value = book.seen(name).on(sheet), stored(book.values[name])
        formula, value = (f'=IF(ISNUMBER({cell}),{cell},"?")', "?") if book.exercise else (f"={cell}", value)
        if name in book.network.weight_names:
            value = stored(book.values[name])
        sheet.write_formula(row, column, formula, looks["number_8"], value)
    sheet.write_blank(HEADER_ROW + 1, TABLE + 3, None, looks["text"])
    last = HEADER_ROW + 1 + book.network.weight_count
    mute_errors(book, sheet, (HEADER_ROW + 1, TABLE + 2, last, TABLE + 3))
    book.define("pictured", sheet, (HEADER_ROW + 1, TABLE, last, TABLE + 3))
    return last
