"""The network as a chart over points that stand in cells beside Picture: discs for units, lines for weights.

A label is the name of a series, which a chart takes from a cell; so it follows every edit. The look of a line cannot:
there is a series for each class of edges, and in all classes but its own an edge lies outside the chart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from xlsxwriter.chart import Chart
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlsx.sheets import style
from xlsx.sheets.book import Book
from xlsx.sheets.places import MARGIN, SIDE, Size, away, beside, between, edges, label_places, places, scale, under

FIRST = 6  # the row of the first point
EDGE_ROWS = 3  # of an edge: where it starts, where it ends, and a blank one that parts it from the next
X, Y, CLASS = range(3)  # columns of the edges, then one for each class
CLASSES: list[dict[str, Any]] = [  # the class of an edge is its number here, from 1: the sign, then the thickness
    {"color": color, "dash_type": dash, "width": width}
    for color, dash in ((style.ACCENT, "solid"), (style.BAD, "dash"))
    for width in (0.75, 2.0, 4.0)
]
UNITS = CLASS + len(CLASSES) + 2  # the first column of the units: x, y, label
OUTSIDE = -1000  # below every chart
DRAWN = 40  # edges in colour
LABELLED = 30  # with more edges their labels would hide each other: the table has them


class View(NamedTuple):
    """Where Picture keeps what is drawn: its sheet, the cell that is 1 for gradients and 0 for weights, the cell of the
    largest number that is drawn, and the first column of the points; and the size that these are meant for."""

    sheet: Worksheet
    gradients: str
    largest: str
    points: int
    size: Size


class Point(NamedTuple):
    """A place in the chart, with a text of its own: the formula and what it answers."""

    x: float
    y: float
    formula: str
    text: str


def is_drawn(book: Book) -> bool:
    """Whether its edges can be told apart."""
    return len(edges(book)) <= DRAWN


def write_edges(book: Book, view: View) -> None:
    """The ends of every edge; where colours can be told apart, its class, and y in the column of that class."""
    pixels, sheet, looks = scale(book, view.size), view.sheet, book.looks
    for number, edge in enumerate(edges(book)):
        row, ends = FIRST + EDGE_ROWS * number, between(book, pixels, edge)
        for at, (x, y) in enumerate(ends, row):
            sheet.write_number(at, view.points + X, x, looks["short"])
            sheet.write_number(at, view.points + Y, y, looks["short"])
        if is_drawn(book):
            write_class(book, view, row, edge[0], [y for _, y in ends])


def write_class(book: Book, view: View, row: int, weight: str, ends: list[float]) -> None:
    """The class of an edge by sign and size, 0 where there is no number; its y in the column of that class."""
    sheet, looks = view.sheet, book.looks
    known, value = number(book, view, weight, f"dE/d{weight}"), book.values[weight]
    thickness = f"IF({view.largest}>0,MAX(1,ROUNDUP(3*ABS({known})/{view.largest},0)),1)"
    own = class_of(value, max(abs(book.values[each]) for each, _, _ in edges(book)))
    cell = xl_rowcol_to_cell(row, view.points + CLASS, col_abs=True)
    formula = f"=IFERROR({thickness}+IF({known}<0,{len(CLASSES) // 2},0),0)"
    sheet.write_formula(row, view.points + CLASS, formula, looks["integer_muted"], own)
    for at, end in enumerate(ends, row):
        y = xl_rowcol_to_cell(at, view.points + Y, col_abs=True)
        for each in range(1, len(CLASSES) + 1):
            drawn = f"=IF({cell}={each},{y},{OUTSIDE})"
            sheet.write_formula(at, view.points + CLASS + each, drawn, looks["short"], end if each == own else OUTSIDE)


def class_of(value: float, largest: float) -> int:
    """What `write_class` answers at the values stored."""
    if not math.isfinite(value):
        return 0
    thickness = max(1, math.ceil(3 * abs(value) / largest)) if largest else 1
    return thickness + (len(CLASSES) // 2 if value < 0 else 0)


def number(book: Book, view: View, weights: str, gradients: str) -> str:
    """The cell to show, by the view."""
    one, other = (book.seen(each).on(view.sheet) for each in (weights, gradients))
    return f"IF({view.gradients}=1,{other},{one})"


def text(
    book: Book, view: View, names: tuple[str, str], digits: tuple[int, int], named: bool = True
) -> tuple[str, str]:
    """A number as a label, in the reader's own locale, for the two views: the formula and what it answers at first."""
    shown = []
    for name, count in zip(names, digits, strict=True):
        cell, before = book.seen(name).on(view.sheet), f'"{name} = "&' if named else ""
        shown.append(f'{before}IF(ISNUMBER({cell}),FIXED({cell},{count},TRUE),"?")')
    value, known = book.values[names[0]], names[0] not in book.answers
    first = f"{value:.{digits[0]}f}" if known and math.isfinite(value) else "?"
    return f"=IF({view.gradients}=1,{shown[1]},{shown[0]})", (f"{names[0]} = " if named else "") + first


def write_points(book: Book, view: View, rows: Iterator[int], points: list[Point]) -> tuple[int, int]:
    """Rows of x, y and label. Gives the first and the last."""
    found, column = [next(rows) for _ in points], view.points + UNITS
    for row, point in zip(found, points, strict=True):
        view.sheet.write_number(row, column, point.x, book.looks["short"])
        view.sheet.write_number(row, column + 1, point.y, book.looks["short"])
        view.sheet.write_formula(row, column + 2, point.formula, book.looks["plain"], point.text)
    return found[0], found[-1]


def add(chart: Chart, view: View, rows: tuple[int, int], columns: tuple[int, int], **looks: object) -> None:
    """A series over these rows and the columns of x and y."""
    (first, last), (x, y), title = rows, columns, view.sheet.name
    chart.add_series(
        {
            "categories": [title, first, view.points + x, last, view.points + x],
            "values": [title, first, view.points + y, last, view.points + y],
            "marker": {"type": "none"},
            "line": {"none": True},
            **looks,
        }
    )


def label(position: str, **font: Any) -> dict[str, object]:
    return {"series_name": True, "value": False, "position": position, "font": {**style.CHART_FONT, **font}}


def add_label(chart: Chart, view: View, row: int, label: dict[str, object]) -> None:
    """A series of one point, called by its label."""
    name = [view.sheet.name, row, view.points + UNITS + 2]
    add(chart, view, (row, row), (UNITS, UNITS + 1), name=name, data_labels=label)


def draw_edges(book: Book, chart: Chart, view: View, width: float = 1.0) -> None:
    """A series for each class, its lines this much as thick; one in grey where there are too many."""
    rows = FIRST, FIRST + EDGE_ROWS * len(edges(book)) - 2
    if not is_drawn(book):
        add(chart, view, rows, (X, Y), name="weights", line={"color": style.RULE, "width": width})
        return
    for each, line in enumerate(CLASSES, 1):
        look = {**line, "width": width * line["width"]}
        add(chart, view, rows, (X, CLASS + each), name=f"edges {each}", line=look)


def draw_labels(book: Book, chart: Chart, view: View, rows: Iterator[int]) -> None:
    """Where there are few edges, the weight on each."""
    found, pixels = edges(book), scale(book, view.size)
    if len(found) > LABELLED:
        return
    for weight, (x, y) in label_places(book, pixels, found).items():
        point = Point(x, y, *text(book, view, (weight, f"dE/d{weight}"), (4, 5)))
        row, _ = write_points(book, view, rows, [point])
        add_label(chart, view, row, {**label("center"), "fill": {"color": "#FFFFFF"}})


def write_discs(book: Book, view: View, rows: Iterator[int]) -> tuple[int, int]:
    """The middle of every disc, with the number that stands in it. Gives the first and the last row."""
    digits = (3, 4 if scale(book, view.size).disc > 50 else 3)
    where = places(book)
    points = [Point(*where[name], *text(book, view, of(book, name), digits, named=False)) for name in where]
    return write_points(book, view, rows, points)


def draw_units(book: Book, chart: Chart, view: View, rows: Iterator[int]) -> None:
    """A disc per input and unit with its number in it, its name above, its bias below; a target beside its output."""
    pixels = scale(book, view.size)
    first, last = write_discs(book, view, rows)
    add(chart, view, (first, last), (UNITS, UNITS + 1), name="units", marker=disc(pixels.disc))
    for row in range(first, last + 1):
        add_label(chart, view, row, label("center", bold=True, size=pixels.font))
    room, biases, targets = away(pixels), under(book, pixels), beside(book)
    for name, (x, y) in places(book).items():
        one, other = of(book, name)
        title = Point(x, y + room / pixels.y, f'=IF({view.gradients}=1,"{other}","{one}")', one)
        add_label(chart, view, write_points(book, view, rows, [title])[0], label("center", size=pixels.font))
        notes = [Point(x, y - room / pixels.y, *text(book, view, biases[name], (3, 3)))] if name in biases else []
        if name in targets:
            notes.append(
                Point(x + (pixels.disc / 2 + pixels.right) / 2 / pixels.x, y, *target(book, view, targets[name]))
            )
        for note in notes:
            look = label("center", size=pixels.font, color=style.MUTED)
            add_label(chart, view, write_points(book, view, rows, [note])[0], look)


def target(book: Book, view: View, name: str) -> tuple[str, str]:
    return text(book, view, (name, name), (3, 3))


def disc(pixels: float) -> dict[str, Any]:
    """A marker, which is measured in points, so many pixels across."""
    return {
        "type": "circle",
        "size": round(pixels * 0.75),
        "fill": {"color": style.DISC},
        "border": {"color": style.ACCENT},
    }


def of(book: Book, name: str) -> tuple[str, str]:
    """What stands in a disc: an input, or a unit's output and, in the other view, its delta."""
    return (name, name) if name in book.network.input_names else (f"a_{name}", f"dE/d{name}")


def new(book: Book, size: Size) -> Chart:
    """An empty chart with axes that are not seen, and no legend."""
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    high, last, pixels = max(book.network.sizes), len(book.network.sizes) - 1, scale(book, size)
    unseen = {"visible": False, "major_gridlines": {"visible": False}}
    inside = {"x": MARGIN, "y": MARGIN, "width": 1 - 2 * MARGIN, "height": 1 - 2 * MARGIN}
    chart.set_plotarea({"layout": inside})
    chart.set_x_axis({**unseen, "min": -SIDE, "max": last + pixels.right / pixels.x})
    chart.set_y_axis({**unseen, "min": -high / 2, "max": high / 2})
    chart.set_legend({"none": True})
    chart.set_size({"width": size.width, "height": size.height})
    return chart


def small(book: Book, view: View, width: int, height: int) -> Chart:
    """The network without its numbers, over the same points."""
    chart, share = new(book, view.size), width / view.size.width
    draw_edges(book, chart, view, 0.6)
    rows = FIRST, FIRST + len(places(book)) - 1
    add(chart, view, rows, (UNITS, UNITS + 1), name="units", marker=disc(scale(book, view.size).disc * share))
    chart.set_chartarea({"border": {"none": True}})
    chart.set_size({"width": width, "height": height})
    return chart
