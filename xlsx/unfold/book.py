"""The workbook under construction: its sheets, the looks of pictures made of cells, and links between sheets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import quote_sheetname
from xlsxwriter.worksheet import Worksheet

from xlsx import contract
from xlsx.sheets import style
from xlsx.sheets.book import insert_button
from xlsx.unfold.maps import Maps, fixed
from xlsx.unfold.steps import Step
from xlsx.unfold.trained import Trained

SIGNED = ("#2166AC", "#FFFFFF", "#B2182B")  # below 0, 0, above 0, with equal ends
SOFT = ("#9CC3E6", "#FFFFFF", "#F0A8A0")  # the same, under numbers that are read
PALE = ("#FFFFFF", "#F7D5CF", "#F0A8A0")  # the same from 0 on, under words
SHADES = ("#FFFFFF", "#E58368", "#B2182B")  # numbers from 0 on
Key = tuple[tuple[str, str], ...]  # a colour, and what it means
SIGNED_KEY: Key = ((SIGNED[0], "below 0"), ("#FFFFFF", "0"), (SIGNED[2], "above 0"))
SHADES_KEY: Key = (("#FFFFFF", "0"), (SHADES[2], "above 0"))
INK_KEY: Key = (("#FFFFFF", "paper"), ("#000000", "ink"))
FRAME = "#C3CBD3"
LABELS = 34  # pixels of the column with the numbers of the maps
WIDER = 1.059  # than Excel, Calc draws a column; Excel rounds a row's height down to whole pixels, so both get squares
LOOKS: dict[str, dict[str, Any]] = {
    "note": {"font_color": style.MUTED, "font_size": 9},
    "section_link": {"bold": True, "font_size": 11, "font_color": style.ACCENT},
    "jump": {"font_size": 10, "font_color": style.ACCENT, "underline": 1},
    "sentence": {"font_color": style.INK},
    "spoilt": {"bold": True, "font_color": style.BAD, "font_size": 9, "align": "left"},
    "head": {**style.HEADER, "align": "center"},
    "middle": {"align": "center", **style.ROW},
    "middle_bold": {"align": "center", "bold": True, **style.ROW},
    "total": {"align": "center", "bold": True},
    "small": {"font_size": 8, "font_color": style.MUTED, "align": "center"},
    "small_left": {"font_size": 7, "font_color": style.MUTED, "align": "left"},
    "small_top": {"font_size": 7, "font_color": style.MUTED, "align": "right", "valign": "top"},
    "pane": {"align": "left", "font_size": 9},
    "pane_note": {"font_color": style.MUTED, "font_size": 9, "align": "left"},
    "pane_choice": {"font_color": style.INK, "font_size": 8, "align": "right", "indent": 1},
    "pane_bold": {"bold": True, "align": "left"},
    "pane_edit": {"num_format": "0", "align": "center", **style.EDIT},
    "pane_number": {"num_format": "0.000", "align": "center", "font_size": 9},
    "pane_total": {"font_size": 9, "num_format": "0.000000", "align": "right"},
    "pane_result": {
        "font_size": 9,
        "num_format": "0.000000",
        "align": "right",
        "bold": True,
        "top": 1,
        "top_color": style.ACCENT,
    },
    "answer": {"font_size": 54, "bold": True, "font_color": style.ACCENT, "align": "left", "shrink": True},
    "sure": {"font_size": 16, "bold": True, "font_color": style.INK, "align": "left"},
    "second": {"font_size": 11, "font_color": style.MUTED, "align": "left", "valign": "top"},
    "python": {"font_size": 9, "font_color": style.MUTED, "align": "left"},
    "bar_head": {"font_size": 8, "font_color": style.MUTED, "align": "right"},
    "bar_name": {"font_size": 12, "bold": True, "align": "center", **style.ROW},
    "bar_head_left": {"font_size": 8, "font_color": style.MUTED, "align": "left", "indent": 1},
    "bar": {"font_size": 8, "font_color": "#8C98A4", "align": "left", **style.ROW},
    "percent": {"num_format": "0.0%", "align": "right", "font_size": 9, **style.ROW},
    "bar_number": {"num_format": "0.00000", "align": "right", "font_size": 9, **style.ROW},
    "bar_state": {"font_size": 9, "align": "left", "indent": 1, **style.ROW},
    "pane_label": {"font_size": 9, "align": "left", "bold": True, "top": 1, "top_color": style.ACCENT},
}
Edges = tuple[bool, bool, bool, bool]
Area = tuple[int, int, int, int]
Colours = tuple[str, str, str]


@dataclass
class Book:
    """Sheets by title, formats, and the frames of pictures, which are made when they are first asked for."""

    workbook: Workbook
    trained: Trained
    steps: list[Step]
    looks: dict[str, Format]
    macros: bool = False
    sheets: dict[str, Worksheet] = field(default_factory=dict)
    frames: dict[tuple[Edges, str], Format] = field(default_factory=dict)
    fills: dict[tuple[str, str], Format] = field(default_factory=dict)
    inks: dict[tuple[str, int], Format] = field(default_factory=dict)

    @classmethod
    def begin(cls, workbook: Workbook, trained: Trained, steps: list[Step], titles: list[str], macros: bool) -> Book:
        looks = style.formats(workbook)
        looks |= {name: workbook.add_format({**style.FONT, **look}) for name, look in LOOKS.items()}
        return cls(workbook, trained, steps, looks, macros, {title: workbook.add_worksheet(title) for title in titles})

    @staticmethod
    def layer_title(number: int) -> str:
        """The sheet of the step with this number, counted from 1. (L1 would be a cell.)"""
        return f"Layer {number}"

    def page(self, title: str, heading: str, sentence: str, pixels: float, key: Key = (), zoom: int = 100) -> Worksheet:
        """A sheet of small square rows, under two rows of words, one the key to its colours; on one landscape page."""
        sheet, look = self.sheets[title], self.far("sentence", zoom)
        sheet.set_default_row(0.75 * min(pixels + 0.45, pixels * WIDER))
        sheet.set_zoom(zoom)
        sheet.set_row_pixels(0, 32)
        sheet.set_row_pixels(1, 20)
        sheet.write_string(0, 1, heading, self.far("title", zoom))
        if key:
            sheet.write_rich_string(1, 1, f"{sentence}   ", *self.explained(key, zoom), look)
        else:
            sheet.write_string(1, 1, sentence, look)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.5)
        sheet.fit_to_pages(1, 1)
        return sheet

    def far(self, look: str, zoom: int) -> Format:
        """A look as it is, on a sheet that is shown smaller."""
        if zoom == 100:
            return self.looks[look]
        properties = {**style.FONT, **(LOOKS.get(look) or style.FORMATS[look])}
        return self.workbook.add_format({**properties, "font_size": round(properties["font_size"] * 100 / zoom)})

    def explained(self, key: Key, zoom: int) -> Iterator[Format | str]:
        """Each colour of a key as a square, and its meaning."""
        for colour, meaning in key:
            white = colour == "#FFFFFF"
            yield self.letters("#66727F" if white else colour, round(1000 / zoom))
            yield f"{'□' if white else '■'} {meaning}   "

    def letters(self, colour: str, size: int) -> Format:
        """The format of letters of a colour and size, made once."""
        if (colour, size) not in self.inks:
            self.inks[colour, size] = self.workbook.add_format({**style.FONT, "font_color": colour, "font_size": size})
        return self.inks[colour, size]

    def tall(self, sheet: Worksheet, area: tuple[int, int, int], text: str, look: Format) -> None:
        """A text over some rows of a column: one alone is too low for it."""
        first, column, last = area
        if first == last:
            sheet.write_string(first, column, text, look)
        else:
            sheet.merge_range(first, column, last, column, text, look)

    def picture_only(self, title: str) -> None:
        """No letters and numbers along the edges: the cells are too small for them."""
        self.sheets[title].hide_row_col_headers()

    def define(self, name: str, sheet: str, first: tuple[int, int], last: tuple[int, int] | None = None) -> None:
        """A name for a cell or a range."""
        area = fixed(*first) + (f":{fixed(*last)}" if last else "")
        self.workbook.define_name(name, f"={quote_sheetname(sheet)}!{area}")

    def link(self, sheet: Worksheet, row: int, column: int, title: str, text: str, look: Format | None = None) -> None:
        """A jump to another sheet."""
        sheet.write_url(row, column, f"internal:'{title}'!A1", look or self.looks["jump"], text)

    def links(self, sheet: Worksheet, row: int, links: list[tuple[str, str]], size: int) -> None:
        """Jumps to sheets beside each other, from the column of the numbers on; those after it have `size` pixels."""
        before = 0
        for title, text in links:
            self.link(sheet, row, 1 + ceil(before / size), title, text)
            before += 24 + 7 * len(text)

    def buttons(self, sheet: Worksheet, row: int, column: int) -> None:
        """The buttons of the field to draw in."""
        for index, caption in enumerate([*contract.DRAW_BUTTONS, *[contract.PEN_BUTTON] * self.macros]):
            size = {"width": 80, "height": 22, "x_offset": 88 * index, "y_offset": 2}
            insert_button(sheet, (row, column), caption, self.macros, size)

    def cell(self, maps: Maps, y: int, x: int, number: str = ";;;") -> Format:
        """The format of a cell of a picture: a thin frame around each map, around all of them where there is no gap."""
        edges = (y == 0, y == maps.height - 1, x == 0, x == maps.width - 1)
        key = (edges, number)
        if key not in self.frames:
            sides = [side for side, is_edge in zip(("top", "bottom", "left", "right"), edges, strict=True) if is_edge]
            frame = {name: value for side in sides for name, value in ((side, 1), (f"{side}_color", FRAME))}
            self.frames[key] = self.workbook.add_format({"num_format": number, "font_size": 6, "shrink": True, **frame})
        return self.frames[key]

    def colours(self, maps: Maps, bound: float, signed: bool) -> None:
        """Blue, white, red with ends of equal size; where nothing is below 0, white to dark."""
        self.scale(self.sheets[maps.sheet], maps.area, bound, SIGNED if signed else SHADES)

    def scale(self, sheet: Worksheet, area: Area, bound: float, colours: Colours) -> None:
        """Colours from −bound over 0 to bound, of SHADES from 0."""
        highest = short(bound)
        lowest = 0.0 if colours in (SHADES, PALE) else -highest
        ends = (lowest, (lowest + highest) / 2, highest)
        rule: dict[str, object] = {"type": "3_color_scale"}
        for name, colour, end in zip(("min", "mid", "max"), colours, ends, strict=True):
            rule |= {f"{name}_color": colour, f"{name}_type": "num", f"{name}_value": end}
        self.hide_errors(sheet, area)
        sheet.conditional_format(*area, rule)
        self.levels(sheet, area, ends, colours)

    def hide_errors(self, sheet: Worksheet, area: Area) -> None:
        """A picture whose numbers are errors is empty: Draw says in words what is wrong."""
        sheet.conditional_format(*area, {"type": "errors", "format": self.filled("#FFFFFF", "#FFFFFF")})

    def levels(self, sheet: Worksheet, area: Area, ends: tuple[float, float, float], colours: Colours) -> None:
        """The same in a few steps, for programs that know no colour scales (Gnumeric); elsewhere it is covered."""
        low, middle, high = ends
        for share in (0.75, 0.4, 0.1):
            rules = {">": (middle + share * (high - middle), mixed(colours[1], colours[2], share))}
            if low < 0:
                rules["<"] = (middle - share * (middle - low), mixed(colours[1], colours[0], share))
            for criteria, (value, colour) in rules.items():
                look = self.filled(colour)
                sheet.conditional_format(*area, {"type": "cell", "criteria": criteria, "value": value, "format": look})

    def filled(self, colour: str, letters: str = "") -> Format:
        """The format of a cell filled with a colour, and of its letters where that matters, made once."""
        if (colour, letters) not in self.fills:
            look = {"bg_color": colour, **({"font_color": letters} if letters else {})}
            self.fills[colour, letters] = self.workbook.add_format(look)
        return self.fills[colour, letters]

    def greys(self, maps: Maps, highest: float, lowest: float = 0.0) -> None:
        """White to black, as ink on paper."""
        lowest, highest = short(lowest), short(highest)
        scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#000000"}
        ends = {"min_type": "num", "max_type": "num", "min_value": lowest, "max_value": highest}
        sheet = self.sheets[maps.sheet]
        self.hide_errors(sheet, maps.area)
        sheet.conditional_format(*maps.area, {**scale, **ends})
        self.levels(sheet, maps.area, (max(0.0, lowest), max(0.0, lowest), highest), ("#FFFFFF", "#FFFFFF", "#000000"))


def short(end: float) -> float:
    """The end of a scale in three digits: processors differ in the last of sixteen, files should not."""
    return float(f"{end:.3g}")


def mixed(one: str, other: str, share: float) -> str:
    """A colour between two, #RRGGBB; the nearer to the other the larger the share."""
    parts = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a + share * (b - a)):02X}" for a, b in parts)
