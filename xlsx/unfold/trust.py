"""The sheet Trust: for every picture in the file PyTorch's logits, stored, beside what the cells make of it."""

from __future__ import annotations

import numpy as np
from xlsxwriter.worksheet import Worksheet

from xlsx.contract import NOTHING
from xlsx.sheets import style
from xlsx.sheets.cells import first_gone
from xlsx.unfold.book import Book
from xlsx.unfold.maps import Maps, cell, fixed
from xlsx.unfold.states import TAKE_ANOTHER
from xlsx.unfold.trained import Array

TITLE = "Trust"
TOLERANCE = "1E-5"  # PyTorch computes in float32: half of its digits
AGREES, DIFFERS, NOT_COMPARED = "agrees", "differs", NOTHING
STATES = {AGREES: style.GOOD, DIFFERS: style.BAD, NOT_COMPARED: style.MUTED}
SAYS_ROW, RUN_ROW, PYTHON_ROW, LIVE_ROW, TOTAL_ROW = range(4, 9)
HEADER_ROW, FIRST_ROW = 10, 11  # under a blank one
PICTURE, CLASS, POSITION, THEIRS, THEIRS_RIGHT, OURS, OURS_RIGHT, APART, STATE, LOGITS = range(10)
HEADS = {  # of each column the title and its width in pixels
    PICTURE: ("picture", 80),
    CLASS: ("is a", 50),
    POSITION: ("number in the test set", 84),
    THEIRS: ("PyTorch says", 70),
    THEIRS_RIGHT: ("right", 70),
    OURS: ("the cells say", 70),
    OURS_RIGHT: ("right", 70),
    APART: ("distance of the logits, relative", 96),
    STATE: ("state", 140),
}
ABOUT = (
    "The row of the picture on Draw is live, and so is “now”: choose a picture there, and its row is computed anew. "
    "All other rows are what the cells gave when this file was written.",
    f"“agrees”: the distance of the two rows of logits, in parts of PyTorch’s largest, is at most {TOLERANCE}: "
    "PyTorch’s are float32. The table can be sorted.",
    "“Python’s” is live where the Backprop extension or Excel’s add-in is: CNN_PREDICT of the picture on Draw, by the "
    "run named here.",
)
WEIGHTS = 'IF(weights_state="","the weights are as trained",weights_state)'


def state(own: str, stored: str) -> str:
    """Whether a logit is PyTorch's; an error never is."""
    near = f"ABS({own}-{stored})<={TOLERANCE}*MAX(1,ABS({stored}))"
    same = f'IF(ISNUMBER({own}),IF({near},"{AGREES}","{DIFFERS}"),"{DIFFERS}")'
    return f'=IF(AND(ISNUMBER({stored}),sheet_gone=""),{same},"{NOT_COMPARED}")'


def distance(own: str, stored: str) -> str:
    """How far two rows of logits are apart (root of the sum of squares), in parts of the largest where it is above 1.

    SUMXMY2, because not every program computes ABS of a row within one cell.
    """
    return f"SQRT(SUMXMY2({own},{stored}))/MAX(1,MAX({stored}),-MIN({stored}))"


def distances(own: Array, stored: Array) -> Array:
    """The same, of arrays (n, classes)."""
    found: Array = np.sqrt(((own - stored) ** 2).sum(-1)) / np.maximum(1, np.abs(stored).max(-1))
    return found


def write(book: Book, last: Maps, logits: Array, shown: int) -> None:
    """All rows; `logits` (n, classes) are the cells' for every picture, `shown` the picture on Draw."""
    sheet, (count, classes) = book.page(TITLE, "Trust: the cells beside PyTorch", ABOUT[0], 18), logits.shape
    theirs, ours = columns(classes)
    head(book, sheet, theirs, ours)
    define(book, theirs, ours, (count, classes))
    live(book, sheet, last, logits[shown - 1], theirs, ours)
    for number in range(1, count + 1):
        write_row(book, sheet, number, logits[number - 1], theirs, ours)
    totals(book, sheet, logits)
    says(book, sheet, shown)
    rules(book, sheet, FIRST_ROW + count - 1, ours + classes - 1)
    sheet.freeze_panes(FIRST_ROW, 1)


def columns(classes: int) -> tuple[int, int]:
    """The first column of PyTorch's logits, and of the cells'."""
    return LOGITS, LOGITS + classes


def head(book: Book, sheet: Worksheet, theirs: int, ours: int) -> None:
    """Titles of the columns, and two sentences more."""
    for row, text in enumerate(ABOUT[1:], 2):
        sheet.write_string(row, 1, text, book.looks["sentence"])
    book.link(sheet, 0, STATE, "Draw", "← Draw")
    for row, height in ((SAYS_ROW, 26), (HEADER_ROW - 1, 8), (HEADER_ROW, 52)):
        sheet.set_row_pixels(row, height)
    for column, (text, width) in HEADS.items():
        sheet.set_column_pixels(column, column, width, book.looks["plain"])
        sheet.write_string(HEADER_ROW, column, text, book.looks["head"])
    for first, text in (
        (theirs, "PyTorch’s logits, stored; in “now” e^(logit − largest)"),
        (ours, "the cells’ logits"),
    ):
        sheet.write_string(TOTAL_ROW, first, text, book.looks["group"])
        sheet.set_column_pixels(first, first + len(book.trained.classes) - 1, 72, book.looks["plain"])
        for at, name in enumerate(book.trained.classes):
            sheet.write_string(HEADER_ROW, first + at, name, book.looks["head"])


def define(book: Book, theirs: int, ours: int, shape: tuple[int, int]) -> None:
    """The names that Draw and Overview read."""
    last = FIRST_ROW + shape[0] - 1
    names = {
        "stored_logits": ((FIRST_ROW, theirs), (last, theirs + shape[1] - 1)),
        "stored_pictures": ((FIRST_ROW, PICTURE), (last, PICTURE)),
        "stored_classes": ((FIRST_ROW, CLASS), (last, CLASS)),
        "stored_states": ((FIRST_ROW, STATE), (last, STATE)),
        "powers": ((LIVE_ROW, theirs), (LIVE_ROW, theirs + shape[1] - 1)),
        "logits": ((LIVE_ROW, ours), (LIVE_ROW, ours + shape[1] - 1)),
        "class_names": ((HEADER_ROW, ours), (HEADER_ROW, ours + shape[1] - 1)),
    }
    for name, (first, end) in names.items():
        book.define(name, TITLE, first, end)


def live(book: Book, sheet: Worksheet, last: Maps, logits: Array, theirs: int, ours: int) -> None:
    """The row of the picture on Draw: its logits, and e to their power, of which the probabilities are made."""
    looks = book.looks
    sheet.write_string(LIVE_ROW, PICTURE, "now", looks["label"])
    for column in range(CLASS, STATE + 1):
        sheet.write_blank(LIVE_ROW, column, None, looks["text"])
    sheet.write_formula(LIVE_ROW, OURS, "=answer", looks["middle_bold"], book.trained.classes[int(logits.argmax())])
    for at, logit in enumerate(logits):
        sheet.write_formula(LIVE_ROW, ours + at, f"={last.cell(at)}", looks["short_row"], logit)
        power = f"=EXP({fixed(LIVE_ROW, ours + at)}-MAX(logits))"
        sheet.write_formula(LIVE_ROW, theirs + at, power, looks["short_row"], float(np.exp(logit - logits.max())))


def write_row(book: Book, sheet: Worksheet, number: int, mine: Array, theirs: int, ours: int) -> None:
    """One picture: the live numbers where it is the one on Draw, else those of when the file was written."""
    trained, looks, row = book.trained, book.looks, FIRST_ROW + number - 1
    its, names = trained.logits[number - 1].astype(np.float64), trained.classes
    sheet.write_number(row, PICTURE, number, looks["middle_bold"])
    sheet.write_string(row, CLASS, names[trained.labels[number - 1]], looks["middle"])
    sheet.write_number(row, POSITION, trained.positions[number - 1], looks["middle"])
    sheet.write_string(row, THEIRS, names[int(its.argmax())], looks["middle"])
    for first, logits in ((theirs, its), (ours, mine)):
        for at, logit in enumerate(logits):
            sheet.write_number(row, first + at, logit, looks["short_row"])
    judge(book, sheet, row, (its, mine), (theirs, ours), int(trained.labels[number - 1]))


def judge(
    book: Book, sheet: Worksheet, row: int, logits: tuple[Array, Array], first: tuple[int, int], label: int
) -> None:
    """What the cells say, whether it is right, and whether it is PyTorch's; without $, so that rows can be sorted."""
    (its, mine), looks, names = logits, book.looks, book.trained.classes
    stored, own = (f"{cell(row, at)}:{cell(row, at + len(names) - 1)}" for at in first)
    now = f"{cell(row, PICTURE)}=compared"
    says = f"=IF({now},answer,INDEX(class_names,1,MATCH(MAX({own}),{own},0)))"
    sheet.write_formula(row, OURS, says, looks["middle"], names[int(mine.argmax())])
    for column, says_column, found in ((THEIRS_RIGHT, THEIRS, its), (OURS_RIGHT, OURS, mine)):
        formula = f"=IF({cell(row, says_column)}={cell(row, CLASS)},1,0)"
        sheet.write_formula(row, column, formula, looks["middle"], int(found.argmax() == label))
    apart = f"=IF({now},{distance('logits', stored)},{distance(own, stored)})"
    value, found_apart = float(distances(mine, its)), cell(row, APART)
    sheet.write_formula(row, APART, apart, looks["scientific"], value)
    verdict = f'=IF(ISNUMBER({found_apart}),IF({found_apart}<={TOLERANCE},"{AGREES}","{DIFFERS}"),"{DIFFERS}")'
    sheet.write_formula(row, STATE, verdict, looks["state"], AGREES if value <= float(TOLERANCE) else DIFFERS)


def totals(book: Book, sheet: Worksheet, logits: Array) -> None:
    """How many of the pictures each takes for what they are, and how many rows agree."""
    trained, count = book.trained, len(logits)
    end, its = FIRST_ROW + count - 1, trained.logits.astype(np.float64)
    sheet.write_string(TOTAL_ROW, PICTURE, "all of them", book.looks["label_plain"])
    for column, found in ((THEIRS_RIGHT, its), (OURS_RIGHT, logits)):
        area, right = f"{fixed(FIRST_ROW, column)}:{fixed(end, column)}", int((found.argmax(1) == trained.labels).sum())
        formula, value = f'=SUM({area})&" of {count}"', f"{right} of {count}"
        sheet.write_formula(TOTAL_ROW, column, formula, book.looks["total"], value)
    agreeing = int((distances(logits, its) <= float(TOLERANCE)).sum())
    live, formula = f'COUNTIF(shown_state,"{AGREES}")', f'COUNTIF(stored_states,"{AGREES}")'
    text = f'={formula}-{live}&" of "&ROWS(stored_states)-ISNUMBER(shown_row)&" stored"'
    sheet.write_formula(TOTAL_ROW, STATE, text, book.looks["pane_bold"], f"{agreeing - 1} of {count - 1} stored")


def says(book: Book, sheet: Worksheet, shown: int) -> None:
    """In a line what is live, and that the rest is not; `weights_state` is what Weights says of its numbers."""
    row, column = SAYS_ROW, PICTURE
    sheet.write_formula(row, column, "=MATCH(compared,stored_pictures,0)", book.looks["hidden_text"], shown)
    book.define("shown_row", TITLE, (row, column))
    found = f'=IF(AND(ISNUMBER(shown_row),sheet_gone=""),INDEX(stored_states,shown_row),"{NOT_COMPARED}")'
    sheet.write_formula(LIVE_ROW, STATE, found, book.looks["state"], AGREES)
    book.define("shown_state", TITLE, (LIVE_ROW, STATE))
    drawn = '"What is drawn has no numbers of PyTorch’s to be compared with"'
    live = f'IF(ISNUMBER(shown_row),"Picture "&compared&": "&shown_state,{drawn})'
    value = (
        f"Picture {shown}: {AGREES}; the weights are as trained. The other rows are from when this file was written."
    )
    known = f'{live}&"; "&{WEIGHTS}&". The other rows are from when this file was written."'
    compared = f'IF(sheet_gone="",{known},"cannot compare: "&sheet_gone)'
    text = f"={first_gone(['Draw'], TAKE_ANOTHER, compared)}"
    sheet.write_formula(row, 1, text, book.looks["pane_bold"], value)
    book.define("trust_says", TITLE, (row, 1))
    coloured(book, sheet, (LIVE_ROW, STATE, LIVE_ROW, STATE))
    spoilt = book.workbook.add_format({"font_color": style.BAD})
    rule = {"type": "formula", "criteria": f'=OR(shown_state="{DIFFERS}",weights_state<>"")', "format": spoilt}
    sheet.conditional_format(row, 1, row, 1, rule)


def rules(book: Book, sheet: Worksheet, end: int, right: int) -> None:
    """The colours of the states, and of the row that is live; all columns are sorted together."""
    sheet.autofilter(HEADER_ROW, PICTURE, end, right)
    coloured(book, sheet, (FIRST_ROW, STATE, end, STATE))
    look = book.workbook.add_format({"bg_color": style.EDIT_FILL})
    rule = {"type": "formula", "criteria": f"=$A{FIRST_ROW + 1}=compared", "format": look}
    sheet.conditional_format(FIRST_ROW, PICTURE, end, STATE, rule)


def coloured(book: Book, sheet: Worksheet, area: tuple[int, int, int, int]) -> None:
    """Colour repeats what the words say."""
    for text, colour in STATES.items():
        look = book.workbook.add_format({"font_color": colour})
        sheet.conditional_format(*area, {"type": "cell", "criteria": "==", "value": f'"{text}"', "format": look})
