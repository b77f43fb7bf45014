"""The sheet Draw: a field to draw in over a chosen picture, what the network gets, and its answer.

As on Network of the other workbook: a blank cell of yours means the chosen one's; what is used is what all others read.
"""

from __future__ import annotations

import numpy as np
from xlsxwriter.worksheet import Worksheet

from cnn.runs.settings import DATASETS
from xlsx.contract import NOT_CONNECTED, NOTHING
from xlsx.sheets import validation
from xlsx.sheets.cells import array, first_gone
from xlsx.unfold import images, kernels, trust
from xlsx.unfold.arithmetic import softmax
from xlsx.unfold.book import INK_KEY, Book
from xlsx.unfold.maps import Maps, cell
from xlsx.unfold.states import ALL_NUMBERS, TAKE_ANOTHER, first_error, strange
from xlsx.unfold.trained import Array

TITLE = "Draw"
PIXELS, SIDE = 13, 28
FIELD_ROW, YOURS, USED = 5, 1, 31
BELOW_ROW = FIELD_ROW + SIDE + 4
PAD_ROW = BELOW_ROW + SIDE + 4
ANSWER = USED + SIDE + 1
CLASS, BAR, CHANCE, LOGIT, STORED, STATE = range(ANSWER, ANSWER + 6)
WIDTHS = {CLASS: 42, BAR: 84, CHANCE: 54, LOGIT: 70, STORED: 70, STATE: 64}
BARS_ROW = FIELD_ROW + 8
PEN_UP, PEN_HELP = "up", "Press Pen, then drag over “Yours”: a line. Press it again to select and type."
NEEDS = (
    "Clear and the mouse need the Backprop extension in LibreOffice (python start.py). By hand: select “Yours”, Delete."
)
BY_HAND = (
    "By hand: type, or select and type, then Alt+Enter in LibreOffice, Ctrl+Enter in Excel, which fills the selection.",
    "Paste numbers only: Ctrl+Shift+V, Values Only in LibreOffice; Ctrl+Alt+V, V in Excel: else its looks come too.",
)
PAD = "An empty field: copied over “Yours” it clears that, and gives back what a paste took: colours, limits, format"
GHOSTS = {192: "#E2CF9B", 128: "#EADDB9", 64: "#F2EAD4", 16: "#F9F5EA"}  # the chosen picture under a blank field
KEY = (*INK_KEY, (GHOSTS[192], "the picture"))
CANNOT = "cannot compute"
BLOCKS = 10  # as long as a bar can be
FIRST = 21  # the picture that the file is written with


def fields() -> dict[str, Maps]:
    """Where the pictures stand: yours and used beside each other, under them chosen and normalised, then the pad."""
    return {
        name: Maps(TITLE, row, column, 1, SIDE, SIDE, 1)
        for name, row, column in (
            ("yours", FIELD_ROW, YOURS),
            ("used", FIELD_ROW, USED),
            ("chosen", BELOW_ROW, YOURS),
            ("normalised", BELOW_ROW, USED),
            ("pad", PAD_ROW, YOURS),
        )
    }


def write(book: Book, gallery: Maps, maps: list[Maps], outs: list[Array]) -> None:
    """All of it; `maps` are those of all steps, what goes in first, `outs` what they give for the picture FIRST."""
    sheet, trained = book.sheets[TITLE], book.trained
    what = "Draw a digit" if trained.dataset in ("mnist", "digits") else "Draw"
    book.page(TITLE, f"{what}, and follow it through the whole network", facts(book), PIXELS, KEY)
    sheet.set_column_pixels(0, ANSWER - 1, PIXELS, book.looks["plain"])
    for column, width in WIDTHS.items():
        sheet.set_column_pixels(column, column, width, book.looks["plain"])
    for row, height in ((2, 18), (3, 26), (4, 18), (BELOW_ROW - 2, 18), (PAD_ROW - 2, 18)):
        sheet.set_row_pixels(row, height)
    chooser(book, sheet, gallery.count)
    pictures(book, sheet, gallery)
    state(book, sheet, gallery.count, maps)
    answer(book, sheet, maps[-1], outs[-1].ravel())
    words(book, sheet)
    sheet.freeze_panes(FIELD_ROW, 0)
    sheet.set_selection(FIELD_ROW, YOURS, FIELD_ROW, YOURS)


def facts(book: Book) -> str:
    """The run in a line."""
    trained = book.trained
    learnt = f"{trained.epochs} epochs of {trained.dataset.upper()}, seed {trained.seed}"
    reached = f"{100 * trained.accuracy:.2f} % of {trained.tested:,} test images right"
    head = f"The network “{trained.model}” as plain formulas, no macros, no Python"
    return f"{head}: {trained.parameters:,} parameters, {learnt}; {reached}."


def words(book: Book, sheet: Worksheet) -> None:
    """Links, and where the images come from."""
    links = {"Overview": 0, images.TITLE: 6, book.layer_title(1): 11, "Weights": 16, trust.TITLE: 21}
    for title, along in links.items():
        book.link(sheet, 2, YOURS + along, title, title)
    source = f"Images: {DATASETS[book.trained.dataset]}."
    sheet.write_string(BELOW_ROW + SIDE + 1, YOURS, source, book.looks["note"])
    for row, text in enumerate(BY_HAND, FIELD_ROW + SIDE):
        sheet.write_string(row, YOURS, text, book.looks["note"])


def chooser(book: Book, sheet: Worksheet, count: int) -> None:
    """The number of the picture under the drawing; 0 is blank paper."""
    row, column = 3, YOURS + 5
    sheet.write_string(row, YOURS, "Picture", book.looks["label_plain"])
    sheet.merge_range(row, column, row, column + 2, FIRST, book.looks["pane_edit"])
    message = f"Type a whole number from 0 (blank paper) to {count} (see Images)."
    rule = validation.whole_number(0, count, "picture: not possible", message)
    sheet.data_validation(row, column, row, column, rule)
    sheet.write_string(row, column + 4, f"1 to {count}: see Images; 0: blank paper", book.looks["note"])
    book.define("picture", TITLE, (row, column))
    book.buttons(sheet, row, USED)
    if not book.macros:
        sheet.write_string(row, USED + 8, NEEDS, book.looks["note"])
        return
    sheet.merge_range(row, USED + 14, row, USED + 17, PEN_UP, book.looks["pane_bold"])
    book.define("pen", TITLE, (row, USED + 14))
    sheet.write_string(row, USED + 18, PEN_HELP, book.looks["note"])


def pictures(book: Book, sheet: Worksheet, gallery: Maps) -> None:
    """The four fields, each with its heading and name."""
    trained, places = book.trained, fields()
    normal = f"(used / 255 − {trained.mean:.4g}) / {trained.deviation:.4g}"
    heads = {
        "yours": "Yours: draw here, 0 white to 255 black",
        "used": "Used: yours, and where you left a blank the picture",
        "chosen": "The picture that was chosen",
        "normalised": f"What the network gets: {normal}",
        "pad": PAD,
    }
    for name, maps in places.items():
        above = 1 if maps.top == FIELD_ROW else 2  # a blank row above what a convolution reads: its padding
        sheet.write_string(maps.top - above, maps.left, heads[name], book.looks["label_plain"])
        book.define(name, TITLE, maps.at(0), (maps.bottom, maps.right))
        pixels(book, sheet, places, name, gallery)
    helpers(book, sheet, gallery)
    for name in ("yours", "used", "chosen", "pad"):
        book.greys(places[name], 255)
    ends = trained.normal(np.array([[0.0, 255.0]]))
    book.greys(places["normalised"], float(ends.max()), float(ends.min()))
    for name in ("yours", "pad"):
        ghosts(book, sheet, places[name])


def pixels(book: Book, sheet: Worksheet, places: dict[str, Maps], name: str, gallery: Maps) -> None:
    """The 28×28 cells of one field."""
    trained, maps = book.trained, places[name]
    image = trained.images[FIRST - 1]
    values = trained.normal(image)[0] if name == "normalised" else image
    for _, y, x in maps.places():
        mine, its, used = (cell(*places[each].at(0, y, x)) for each in ("yours", "chosen", "used"))
        formulas = {
            "yours": "",
            "pad": "",
            "used": f"=IF(ISNUMBER({mine}),MAX(0,MIN(255,{mine})),IF(ISBLANK({mine}),{its},NA()))",
            "chosen": f"=IF(picture_shown=0,0,INDEX({gallery.fixed_all()},picture_row+{y + 1},picture_column+{x + 1}))",
            "normalised": f"=({used}/255-{trained.mean!r})/{trained.deviation!r}",
        }
        place, look = maps.at(0, y, x), book.cell(maps, y, x)
        if formulas[name]:
            sheet.write_formula(*place, formulas[name], look, values[y, x])
        else:
            sheet.write_blank(*place, None, look)


def helpers(book: Book, sheet: Worksheet, gallery: Maps) -> None:
    """picture_shown: the number, 0 for a blank, #N/A for what is none. Where that picture begins among the others."""
    (down, beside), pitch = divmod(FIRST - 1, gallery.across), gallery.pitch
    possible = f"AND(picture>=0,picture<={gallery.count})"
    layers = [book.layer_title(number) for number in range(1, len(book.steps) + 1)]
    gone = first_gone([images.TITLE, kernels.TITLE, *layers, trust.TITLE], TAKE_ANOTHER, '""')
    entries: dict[str, tuple[str, str, str | int]] = {
        "picture_shown": ("picture shown", f"=IF(ISBLANK(picture),0,IF({possible},INT(picture),NA()))", FIRST),
        "picture_row": (
            "its first row on Images",
            f"=INT((picture_shown-1)/{gallery.across})*{pitch[0]}",
            down * pitch[0],
        ),
        "picture_column": ("its first column", f"=MOD(picture_shown-1,{gallery.across})*{pitch[1]}", beside * pitch[1]),
        "compared": ("compared with PyTorch (0: drawn over)", "=IF(COUNTA(yours)>0,0,picture_shown)", FIRST),
        "sheet_gone": ("a sheet that was deleted", f"={gone}", ""),
    }
    for at, (name, (text, formula, value)) in enumerate(entries.items()):
        place = (BELOW_ROW + 2 * at, STATE)
        sheet.write_string(place[0], CLASS, text, book.looks["note"])
        sheet.write_formula(*place, formula, book.looks["integer_muted"], value)
        book.define(name, TITLE, place)


def state(book: Book, sheet: Worksheet, count: int, maps: list[Maps]) -> None:
    """The line that names a sheet that is gone, what is no number, or that weights were changed; else empty."""
    row, column = strange("yours")
    named = f'"Yours: row "&{row}-{FIELD_ROW}&", column "&{column}-{YOURS}&" is no number"'
    learnt = f'IF(weights_state="",{first_error(maps)},weights_state)'
    mine = f"IF({ALL_NUMBERS.format('yours')},{learnt},{named})"
    known = f'IF(ISNUMBER(picture_shown),{mine},"Picture: type a whole number from 0 to {count}")'
    text = f'=IF(sheet_gone="",{known},sheet_gone)'
    sheet.write_formula(FIELD_ROW - 1, CLASS, text, book.looks["spoilt"], "")
    book.define("draw_state", TITLE, (FIELD_ROW - 1, CLASS))


def ghosts(book: Book, sheet: Worksheet, yours: Maps) -> None:
    """The picture shows through where nothing is drawn; what can be typed is a number from 0 to 255."""
    top, left = yours.at(0)
    mine, its = cell(top, left), cell(top + BELOW_ROW - FIELD_ROW, left)
    for above, colour in GHOSTS.items():
        look, criteria = book.workbook.add_format({"bg_color": colour}), f"=AND(ISBLANK({mine}),{its}>{above})"
        rule = {"type": "formula", "criteria": criteria, "format": look, "stop_if_true": True}
        sheet.conditional_format(*yours.area, rule)
    rule = {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": 255, "ignore_blank": True}
    words = {"error_title": "Not possible", "error_message": "0 is white, 255 black."}
    sheet.data_validation(*yours.area, {**rule, **words})


def answer(book: Book, sheet: Worksheet, last: Maps, logits: Array) -> None:
    """The answer large, how sure, the runner-up; a bar a class, its logit, PyTorch's, and whether they agree."""
    for column, text in {CHANCE: "probability", LOGIT: "logit", STORED: "PyTorch’s", STATE: "state"}.items():
        sheet.write_string(BARS_ROW - 1, column, text, book.looks["bar_head_left" if column == STATE else "bar_head"])
    for at, name in enumerate(book.trained.classes):
        bar(book, sheet, last, at, name, logits)
    first, end = BARS_ROW, BARS_ROW + 2 * len(logits) - 1
    trust.coloured(book, sheet, (first, STATE, end, STATE))
    headline(book, sheet, logits)


def bar(book: Book, sheet: Worksheet, last: Maps, at: int, name: str, logits: Array) -> None:
    """One class: probability, logit, PyTorch's, state."""
    row, looks, its = BARS_ROW + 2 * at, book.looks, float(book.trained.logits[FIRST - 1, at])
    own, chance = cell(row, LOGIT), float(softmax(logits)[at])
    stored = f'=IF(ISNUMBER(shown_row),INDEX(stored_logits,shown_row,{at + 1}),"{NOTHING}")'
    cells: dict[int, tuple[str, str, str | float]] = {
        CLASS: (f'="{name}"', "bar_name", name),
        BAR: (f'=REPT("█",ROUND({BLOCKS}*N({cell(row, CHANCE)}),0))', "bar", "█" * round(BLOCKS * chance)),
        CHANCE: (f'=IFERROR(INDEX(powers,1,{at + 1})/SUM(powers),"{NOTHING}")', "percent", chance),
        LOGIT: (f'=IFERROR({last.cell(at)},"{NOTHING}")', "bar_number", float(logits[at])),
        STORED: (stored, "bar_number", its),
        STATE: (trust.state(own, cell(row, STORED)), "bar_state", trust.AGREES),
    }
    for column, (formula, look, value) in cells.items():
        sheet.merge_range(row, column, row + 1, column, None, looks[look])
        sheet.write_formula(row, column, formula, looks[look], value)


def headline(book: Book, sheet: Worksheet, logits: Array) -> None:
    """The class with the largest logit; under it the second, and what Python says."""
    names, chances = book.trained.classes, [f"{100 * chance:.1f}%" for chance in softmax(logits)]
    first, second = (int(at) for at in np.argsort(-logits)[:2])
    place = "INDEX(class_names,1,MATCH(LARGE(logits,{0}),logits,0))".format
    chance = 'TEXT(LARGE(powers,{0})/SUM(powers),"0.0%")'.format
    top = FIELD_ROW
    cells = {  # area, formula, value
        "answer": ((top, CLASS, top + 6, CLASS), f'=IFERROR({place(1)},"{NOTHING}")', names[first]),
        "sure": ((top, BAR, top + 2, STATE), f'=IFERROR({chance(1)}&" sure","{CANNOT}")', f"{chances[first]} sure"),
        "second": (
            (top + 3, BAR, top + 4, STATE),
            f'=IFERROR("then "&{place(2)}&", "&{chance(2)},"")',
            f"then {names[second]}, {chances[second]}",
        ),
    }
    for look, (area, formula, value) in cells.items():
        sheet.merge_range(*area, None, book.looks[look])
        sheet.write_formula(*area[:2], formula, book.looks[look], value)
    array(sheet, (top + 5, BAR) * 2, 'IF(sheet_gone="",python_says,"")', book.looks["python"], NOT_CONNECTED)
    book.define("answer", TITLE, (top, CLASS))
