"""The sheet Overview: the digit on its way from left to right, every layer in one view, with links."""

from __future__ import annotations

from xlsx.sheets.cells import first_gone
from xlsx.unfold import draw
from xlsx.unfold.arithmetic import softmax
from xlsx.unfold.book import INK_KEY, PALE, SIGNED_KEY, Book
from xlsx.unfold.maps import Maps, span
from xlsx.unfold.states import TAKE_ANOTHER
from xlsx.unfold.trained import Array

TITLE = "Overview"
PIXELS, ZOOM = 6, 66  # columns of fewer pixels Gnumeric makes as wide as any
TOP, LEFT, ROWS, BETWEEN = 7, 4, 112, 5  # ROWS: as many as are seen at once; BETWEEN: with the numbers of the maps
LARGE = 10  # maps of so many rows and more take two columns, smaller ones one
LINK_ROW, WORDS_ROW, OF_ROW = 3, 4, 5
STATE_COLUMN = 110  # right of the heading
BLOCK = (11, 12)  # of a class at the right end, in cells
CLASS = {"font_name": "Arial", "font_size": 20, "bold": True, "align": "center", "valign": "vcenter", "border": 1}


def lay_out(maps: list[Maps]) -> list[Maps]:
    """What goes in and every layer, column by column: of each as many maps as there is room for."""
    placed, left = [], LEFT
    for each in maps:
        down = max(1, (ROWS + 1) // (each.height + 1))
        shown = min(each.count, down * (2 if each.height >= LARGE else 1))
        placed.append(Maps(TITLE, TOP, left, shown, each.height, each.width, -(-shown // down)))
        left = placed[-1].right + 1 + BETWEEN
    return placed


def write(book: Book, maps: list[Maps], outs: list[Array], bounds: list[float]) -> None:
    """The picture: cells that read the layers' own."""
    sentence = "From left to right: the image, then layer after layer, then the answer. A number leads to its layer."
    placed, key = lay_out(maps), ((*INK_KEY, *SIGNED_KEY))
    sheet = book.page(TITLE, "On its way through the network", sentence, PIXELS, key, ZOOM)
    sheet.set_column_pixels(0, placed[-1].right + 30, PIXELS, book.looks["plain"])
    for row, height in ((0, 46), (1, 30), (2, 4), (LINK_ROW, 26), (WORDS_ROW, 16), (OF_ROW, 16)):
        sheet.set_row_pixels(row, height)
    for number, (source, target) in enumerate(zip(maps, placed, strict=True)):
        for channel, y, x in target.places():
            look, value = book.cell(target, y, x), outs[number][channel, y, x]
            sheet.write_formula(*target.at(channel, y, x), f"={source.cell(channel, y, x)}", look, value)
        heading(book, number, source, target)
        if number:
            book.colours(target, bounds[number], signed=not book.steps[number - 1].relu)
        else:
            book.greys(target, float(outs[0].max()), float(outs[0].min()))
    classes(book, placed[-1].right + BETWEEN, softmax(outs[-1].ravel()))
    wrong = f"={first_gone([draw.TITLE], TAKE_ANOTHER, 'draw_state')}"
    sheet.write_formula(0, STATE_COLUMN, wrong, book.far("spoilt", ZOOM), "")
    sheet.freeze_panes(OF_ROW + 1, 0)
    book.picture_only(TITLE)


def heading(book: Book, number: int, source: Maps, target: Maps) -> None:
    """The layer's number, which is a link, and how many maps there are where not all are shown."""
    sheet, title = book.sheets[TITLE], book.layer_title(number) if number else draw.TITLE
    book.link(sheet, LINK_ROW, target.left, title, str(number) if number else title, book.far("jump", ZOOM))
    if number and target.count > 1:
        sheet.write_string(WORDS_ROW, target.left - 3, span(1, target.count), book.far("small_left", ZOOM))
        if target.count < source.count:  # under it: beside it there is no room over a layer one cell wide
            sheet.write_string(OF_ROW, target.left - 3, f"of {source.count}", book.far("small_left", ZOOM))
    if target.height >= LARGE and number:
        for at in range(0, target.count, target.across):
            row, column = target.at(at)
            sheet.merge_range(row, column - 3, row + 2, column - 1, str(at + 1), book.far("small_top", ZOOM))


def classes(book: Book, left: int, chances: Array) -> None:
    """The ten classes, the more probable the darker."""
    sheet, (height, width) = book.sheets[TITLE], BLOCK
    for at, name in enumerate(book.trained.classes):
        row = TOP + at * height
        look = book.workbook.add_format({"num_format": f'"{name}"', **CLASS})
        sheet.merge_range(row, left, row + height - 2, left + width - 1, None, look)
        sheet.write_formula(row, left, f"=IFERROR(INDEX(powers,1,{at + 1})/SUM(powers),0)", look, chances[at])
    area = (TOP, left, TOP + len(chances) * height - 2, left + width - 1)
    book.scale(sheet, area, 1.0, PALE)
    book.link(sheet, LINK_ROW, left, draw.TITLE, "answer", book.far("jump", ZOOM))
