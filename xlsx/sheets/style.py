"""The looks of every sheet: one quiet palette, cell formats, page set-up. No meaning is carried by colour alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from xlsx import files

INK, MUTED, RULE, PALE, ACCENT = "#1F2933", "#66727F", "#D3DAE1", "#EEF2F6", "#24527A"
DISC = "#D9E4EE"
EDIT_FILL, EDIT_RULE = "#FFF4CC", "#C79100"
RIGHT_COLOR, WRONG_COLOR = "#7FB0D6", "#E8924F"  # the ends of colour scales
GOOD, BAD = "#1D6B3A", "#A3260F"
SERIES = (
    ("#24527A", "solid"),
    ("#C79100", "dash"),
    ("#1D6B3A", "square_dot"),
    ("#A3260F", "long_dash"),
    ("#6B4C9A", "dash_dot"),
    ("#1F2933", "long_dash_dot"),
)
DASHES = {  # in a cell that is a chart's legend
    "solid": "━━━━",
    "dash": "━ ━ ━",
    "square_dot": "▪ ▪ ▪ ▪",
    "long_dash": "━━ ━━",
    "dash_dot": "━ · ━",
    "long_dash_dot": "━━ · ━",
}

FONT = {**files.FONT, "font_color": INK, "valign": "vcenter"}
ROW = {"bottom": 1, "bottom_color": RULE}
EDIT = {"bg_color": EDIT_FILL, "border": 1, "border_color": EDIT_RULE}
HEADER = {"bold": True, "bg_color": PALE, "bottom": 1, "bottom_color": ACCENT, "text_wrap": True}
RIGHT = {"align": "right"}
BESIDE_LIST = {"align": "left", "indent": 2}  # Calc draws a list's arrow over the start of the cell beside it
HEADER_WIDTH = 8.5  # what bold letters have of a column of width 9
NARROW = " .,:;·()-/ijlftr²’"  # characters of about half a digit's width
PAGE_WIDTH = 126  # characters across A4 landscape between the margins
PAGE_HEIGHT, ROW_HEIGHT = 630, 20  # pixels: between the margins, a little less for safety; of a row as it is
# No sections: Calc leaves out the minus sign where a second one has no condition. cells.number_rules shows what these
# would hide or make too wide.
SHORT, GIVEN, EXPONENT = "0.000000", "0.00????", "0.0E+00"
TYPED = "0.0##########"  # what is typed as 50 % is 0.5 then, and 0.7 after it is not 0.7 %
FORMATS: dict[str, dict[str, Any]] = {
    "plain": {},
    "wrap": {"text_wrap": True},
    "title": {"font_size": 18, "bold": True, "font_color": ACCENT},
    "subtitle": {"font_color": MUTED},
    "section": {"font_size": 11, "bold": True, "font_color": ACCENT, "bottom": 1, "bottom_color": ACCENT},
    "header": HEADER,
    "header_state": {**HEADER, "indent": 1},
    "header_right": {**HEADER, **RIGHT},
    "group": {"bold": True, "font_color": ACCENT},
    "label": {"bold": True, **ROW},
    "label_wrap": {"bold": True, "text_wrap": True, **ROW},
    "text": ROW,
    "text_wrap": {"text_wrap": True, **ROW},
    "muted_state": {"font_color": MUTED, "text_wrap": True, "indent": 1, **ROW},
    "muted": {"font_color": MUTED, "text_wrap": True, **ROW},
    "formula": {"text_wrap": True, **ROW},
    "formula_apart": {"text_wrap": True, "align": "left", "indent": 1, **ROW},
    "number": {"num_format": "0.0000000000", **RIGHT, **ROW},
    "number_8": {"num_format": "0.00000000", **RIGHT, **ROW},
    "short": {"num_format": SHORT, **RIGHT},
    "short_head": {**HEADER, **RIGHT},
    "rate": {**RIGHT, "bold": True, "font_color": ACCENT},
    "muted_apart": {"font_color": MUTED, **BESIDE_LIST, **ROW},
    "muted_line": {"font_color": MUTED, **ROW},
    "muted_plain": {"font_color": MUTED},
    "given_muted": {"num_format": GIVEN, "font_color": MUTED, **RIGHT, **ROW},
    "given": {"num_format": GIVEN, **RIGHT, **ROW},
    "integer_muted": {"font_color": MUTED, **RIGHT},
    "integer_hidden": {"font_color": "#FFFFFF", "num_format": "0", **ROW},
    "muted_right": {"font_color": MUTED, **RIGHT},
    "right": RIGHT,
    "left": {"align": "left"},
    "short_row": {"num_format": SHORT, **RIGHT, **ROW},
    "state_plain": {"font_color": BAD},
    "sample": {"num_format": "0", "align": "left", "bold": True, **ROW},
    "next_integer": {"num_format": "0", **RIGHT, "bg_color": PALE},
    "next": {"num_format": SHORT, **RIGHT, "bg_color": PALE},
    "integer_row": {"num_format": "0", **RIGHT, **ROW},
    "integer_white": {"num_format": "0", "font_color": "#FFFFFF"},
    "hidden_text": {"font_color": "#FFFFFF", "font_size": 1},
    "state_text": {"font_color": INK, "bg_color": PALE},
    "epoch_used": {"font_color": MUTED, "num_format": '"epoch "0', "align": "left", "indent": 1},
    "sample_used": {"font_color": MUTED, "num_format": '"sample "0', "align": "left", "indent": 1},
    "bar": {"num_format": "0%", "align": "left", **ROW},
    "progress": {"num_format": "#,##0", "align": "left", **ROW},
    "count": {"num_format": "#,##0", **RIGHT, **ROW},
    "count_bold": {"num_format": "#,##0", "bold": True, **RIGHT, **ROW},
    "fraction": {"num_format": "0.0000", **RIGHT, **ROW},
    "answer": {"align": "center", "bold": True, "font_size": 28, "font_color": ACCENT, **ROW},
    "matrix": {"num_format": "0.0000", "align": "center", "font_size": 9},
    "percent": {"num_format": "0.0%", **RIGHT, **ROW},
    "picture_label": {"align": "center", "bold": True},
    "picture_percent": {"num_format": "0.0%", "align": "center", "font_color": MUTED},
    "step": {"num_format": EXPONENT, **RIGHT, **ROW},
    "scientific": {"num_format": EXPONENT, **RIGHT, **ROW},
    "rounding": {"num_format": EXPONENT, "font_color": MUTED, **RIGHT},
    "rounding_of_e": {"num_format": f'"rounding "{EXPONENT}', "font_color": MUTED, "align": "left", "indent": 1},
    "long_number": {"num_format": "0.00000000000000", **RIGHT, **ROW},
    "label_plain": {"bold": True},
    "label_apart": {"bold": True, **BESIDE_LIST},
    "integer": {"num_format": "0", **RIGHT},
    "general": {**RIGHT, **ROW},
    "state": {"align": "left", "indent": 1, **ROW},
    "state_wrap": {"align": "left", "indent": 1, "text_wrap": True, **ROW},
    "link": {"font_color": ACCENT, "underline": 1, **ROW},
    "state_line": {"font_size": 13, "bold": True},
    "advice": {"font_color": MUTED},
    "strip_link": {
        "font_color": ACCENT,
        "underline": 1,
        "bold": True,
        "bg_color": PALE,
        "left": 5,
        "left_color": "#FFFFFF",
    },
    "strip_text": {"font_color": MUTED, "font_size": 8, "text_wrap": True, "valign": "top", "bg_color": PALE}
    | {"left": 5, "left_color": "#FFFFFF"},
    "edit": {"num_format": TYPED, **RIGHT, **EDIT},
    "edit_count": {"num_format": "0", **RIGHT, **EDIT},
    "edit_text": {"align": "left", **EDIT},
    "edit_left": {"num_format": TYPED, "align": "left", **EDIT},
    "edit_whole": {"num_format": "0", "align": "left", **EDIT},
    "edit_list": {"num_format": "@", "align": "left", **EDIT},  # else 1-3 were a date
    "legend": {"align": "center", **EDIT},
    "yes_no": {"num_format": '"yes";;"no"', "align": "left", "font_color": MUTED, **ROW},
}
CHART_FONT = {"name": "Arial", "size": 9, "color": INK, "bold": False}
CHART_TITLE = {"name": "Arial", "size": 11, "color": ACCENT, "bold": True}
LOW_TITLE = {**CHART_TITLE, "size": 9}  # of a chart that is not high


def formats(workbook: Workbook) -> dict[str, Format]:
    return {name: workbook.add_format({**FONT, **properties}) for name, properties in FORMATS.items()}


class Heading(NamedTuple):
    """What stands over a sheet; in a column behind those that stay where they are when the rest is scrolled.

    (A title across both would be cut in two.)
    """

    title: str
    subtitle: str
    column: int = 0


def page(sheet: Worksheet, heading: Heading, looks: dict[str, Format], widths: Sequence[float]) -> None:
    """The heading, column widths, landscape paper."""
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width, looks["plain"])
    sheet.set_row(0, 30)
    sheet.write_string(0, heading.column, heading.title, looks["title"])
    sheet.write_string(1, heading.column, heading.subtitle, looks["subtitle"])
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
    sheet.set_footer("&L&8&A&R&8&P / &N")


def printed(
    sheet: Worksheet,
    last_row: int,
    widths: Sequence[float],
    header: int | None = None,
    whole: Iterable[tuple[int, int]] = (),
) -> None:
    """Print these columns one page wide, the row `header` on every page; what is `whole`, by rows, is not cut in two.

    (By a scale, because Calc draws the page breaks of fit-to-width at 100 %.) Call it when all rows have their heights.
    """
    used = round(sum(widths) + 0.7 * len(widths), 6)  # from 3.12 on, sum() itself rounds otherwise
    scale = max(10, min(100, int(100 * PAGE_WIDTH / used)))
    sheet.print_area(0, 0, last_row, len(widths) - 1)
    sheet.set_print_scale(scale)
    if header is not None:
        sheet.repeat_rows(header)
        sheet.set_h_pagebreaks(page_breaks(sheet, last_row, header, list(whole), PAGE_HEIGHT * 100 / scale))


def page_breaks(sheet: Worksheet, last_row: int, header: int, whole: list[tuple[int, int]], room: float) -> list[int]:
    """The first row of each page but the first; `room` is a page's, in pixels."""
    heights = [height_of(sheet, row) for row in range(last_row + 1)]
    breaks, start, used = [], 0, 0.0
    for row, height in enumerate(heights):
        if used + height > room and row > start:
            start = uncut(row, [rows for rows in whole if start < rows[0]])
            breaks.append(start)
            used = heights[header] + sum(heights[start:row])
        used += height
    return breaks


def uncut(row: int, whole: list[tuple[int, int]]) -> int:
    """The last row up to this one at which a page can begin and cut nothing."""
    while earlier := [first for first, last in whole if first < row <= last]:
        row = min(earlier)
    return row


def height_of(sheet: Worksheet, row: int) -> int:
    """A row's height, in pixels."""
    return int(sheet.row_sizes.get(row, (ROW_HEIGHT,))[0])


def span(sheet: Worksheet, first: int, pixels: int) -> tuple[int, int]:
    """The rows that something so high covers."""
    last = first
    while (pixels := pixels - height_of(sheet, last)) > 0:
        last += 1
    return first, last


def unbroken(text: str) -> str:
    """A formula to read whose lines break between terms and factors, not inside (1 − a_h1)."""
    return text.replace(" − ", "\N{NO-BREAK SPACE}−\N{NO-BREAK SPACE}")


def length(text: str) -> float:
    """How wide a text is, about, in digits, which are the unit of a column's width."""
    return sum(0.55 if character in NARROW else 1.4 if character in "mwMW" else 1.0 for character in text)


def lines(text: str, width: float) -> int:
    """Into how many lines a cell of this width breaks a text, at spaces and hyphens."""
    count, used = 1, 0.0
    for word in map(length, re.split(r" |(?<=-)(?=[a-z])", text)):
        if used and used + length(" ") + word > width:
            count, used = count + 1, 0.0
        count += int(word // width)  # a word wider than the cell is broken itself
        used += word % width + (length(" ") if used else 0)
    return count


def height(text: str, width: float) -> int:
    """The height of a row, in points, that holds this text in a column of this width."""
    count = lines(text, width)
    return 15 if count == 1 else 13 * count + 1


def header_height(sheet: Worksheet, row: int, names: Iterable[str]) -> None:
    """Set the height of a header over columns of width 9, so that no program chooses it and moves the charts below."""
    sheet.set_row(row, max(height(name, HEADER_WIDTH) for name in names))


def axis(title: str, **more: Any) -> dict[str, Any]:
    return {
        "name": title,
        "name_font": CHART_FONT,
        "num_font": CHART_FONT,
        "line": {"color": MUTED},
        "major_gridlines": {"visible": True, "line": {"color": RULE, "width": 0.5}},
        **more,
    }


def line(index: int, width: float = 1.75) -> dict[str, Any]:
    """Series differ by colour and by dash, so that a black-and-white print still tells them apart.

    A seventh has the first one's colour with another dash, and so on: 36 are all different.
    """
    turn, at = divmod(index, len(SERIES))
    return {"color": SERIES[at][0], "dash_type": SERIES[(at + turn) % len(SERIES)][1], "width": width}


def series(
    sheet: str, title: tuple[int, int], x: int, rows: tuple[int, int], index: int, marked: bool = False
) -> dict[str, Any]:
    """A line of a chart: the column under `title` against the column x."""
    (row, column), (first, last) = title, rows
    return {
        "name": [sheet, row, column],
        "categories": [sheet, first, x, last, x],
        "values": [sheet, first, column, last, column],
        "line": line(index),
        "marker": {"type": "circle", "size": 4} if marked else {"type": "none"},
    }


def insert_chart(sheet: Worksheet, place: tuple[int, int], chart: Chart, about: str, **offset: int) -> None:
    """A chart at a row and column, described in words. They are its name too: an .xlsx that LibreOffice saves has only
    that."""
    chart.chart_name = about
    sheet.insert_chart(*place, chart, {"description": about, "object_position": 3, **offset})


def loss_chart(workbook: Workbook, title: str, epochs: int | None, scale: str, y: str = "E_total") -> Chart:
    """An empty chart of something against the epoch, on a "linear" or a "logarithmic" axis."""
    chart = workbook.add_chart({"type": "scatter", "subtype": "straight"})
    chart.set_title({"name": title, "name_font": CHART_TITLE, "overlay": False})
    steps = {"max": epochs, "major_unit": max(1, epochs // 5), "num_format": "0"} if epochs else {}
    chart.set_x_axis(axis("epoch", min=0, label_position="low", **steps))
    more = {"log_base": 10, "num_format": "0.0E+0", "crossing": "min"} if scale == "logarithmic" else {}
    chart.set_y_axis(axis(y, **more))
    chart.set_legend({"position": "bottom", "font": CHART_FONT})
    return chart
