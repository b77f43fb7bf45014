"""The sheet Images: the test images that lie in the file, ten of each class, picked on Draw by their number."""

from __future__ import annotations

from cnn.runs.settings import DATASETS
from xlsx.sheets import style
from xlsx.unfold.book import Book
from xlsx.unfold.maps import Maps

TITLE = "Images"
PIXELS, GAP, ACROSS, ZOOM = 6, 5, 10, 50  # columns of fewer pixels Gnumeric makes as wide as any


def lay_out(count: int) -> Maps:
    return Maps(TITLE, 4 + GAP, GAP, count, 28, 28, ACROSS, GAP)


def write(book: Book, gallery: Maps) -> None:
    """The images in rows, each with its number; under those that the network gets wrong, what it takes them for."""
    sheet, trained = book.sheets[TITLE], book.trained
    wrong = trained.logits.argmax(1) != trained.labels
    heading = f"{gallery.count} test images, ten a row"
    sentence = (
        f"Type a number into “Picture” on Draw. {wrong.sum()} are here because {trained.model} gets them wrong: at the "
        "right end of a row, with what it takes them for."
    )
    book.page(TITLE, heading, sentence, PIXELS, zoom=ZOOM)
    sheet.set_column_pixels(0, gallery.right + GAP, PIXELS, book.looks["plain"])
    good = book.workbook.add_format({**style.FONT, "font_size": 14, "font_color": style.MUTED, "align": "center"})
    bad = book.workbook.add_format(
        {**style.FONT, "font_size": 14, "bold": True, "font_color": style.BAD, "align": "center"}
    )
    for channel, y, x in gallery.places():
        sheet.write_number(*gallery.at(channel, y, x), trained.images[channel, y, x], book.cell(gallery, y, x))
    for channel in range(gallery.count):
        row, column = gallery.at(channel)
        taken = f" → {trained.classes[trained.logits[channel].argmax()]}" if wrong[channel] else ""
        area = (row - GAP + 1, column, row - 1, column + 27)
        sheet.merge_range(*area, f"{channel + 1}{taken}", bad if taken else good)
    book.greys(gallery, 255)
    book.link(sheet, 2, 1, "Draw", "← Draw", book.far("jump", ZOOM))
    sheet.write_string(2, 20, f"Images: {DATASETS[trained.dataset]}.", book.far("note", ZOOM))
    for row, height in ((0, 56), (1, 36), (2, 36)):
        sheet.set_row_pixels(row, height)
    sheet.freeze_panes(3, 0)
    book.picture_only(TITLE)
