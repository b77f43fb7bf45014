"""What Python says of the picture on Draw, live beside the cells: a row of Trust with CNN_PREDICT's probabilities.

It says agrees, differs or Python not connected; where this machine has no such run, it says that.
"""

from __future__ import annotations

import numpy as np
from xlsxwriter.worksheet import Worksheet

from xlsx.contract import NOT_CONNECTED, NOTHING, PREDICT_RUN
from xlsx.sheets.cells import PYTHON_READY, array
from xlsx.unfold import trust
from xlsx.unfold.arithmetic import softmax
from xlsx.unfold.book import Book
from xlsx.unfold.trained import Array

ROW = trust.PYTHON_ROW
FIRST = "INDEX(predicted,1,1)"  # a number, or a text: why there is none
VERDICT = f'IF(SQRT(SUMXMY2(predicted,chances))<={trust.TOLERANCE},"{trust.AGREES}","{trust.DIFFERS}")'
CLASS = "INDEX(class_names,1,MATCH(MAX(predicted),predicted,0))"
SAYS = f'"Python says "&{CLASS}&", "&TEXT(MAX(predicted),"0.0%")&": "&python_state'


def write(book: Book, logits: Array) -> None:
    """The row above “now”; `logits` (classes,) are the cells' for the picture that the file is written with."""
    sheet, end, (theirs, ours) = book.sheets[trust.TITLE], len(logits) - 1, trust.columns(len(logits))
    ready = (ROW, ours + end + 2)
    define(book, {"predicted": (theirs, theirs + end), "chances": (ours, ours + end), "python_ready": (ready[1],) * 2})
    array(sheet, ready * 2, PYTHON_READY, book.looks["yes_no"], 0)
    asked = f'IF(python_ready,IF(ISNUMBER(SUM(used)),CNN_PREDICT(used,{PREDICT_RUN}),"{NOTHING}"),"{NOTHING}")'
    array(sheet, (ROW, theirs, ROW, theirs + end), asked, book.looks["percent"], NOTHING)
    for at, chance in enumerate(softmax(logits)):
        formula = f"=INDEX(powers,1,{at + 1})/SUM(powers)"
        sheet.write_formula(ROW, ours + at, formula, book.looks["percent"], float(chance))
    name_run(book, sheet)
    judge(book, sheet, book.trained.classes[int(np.argmax(logits))])


def name_run(book: Book, sheet: Worksheet) -> None:
    """The run that is asked, in a cell to edit, as wide as a path may be."""
    sheet.write_string(trust.RUN_ROW, trust.PICTURE, "run", book.looks["label"])
    sheet.merge_range(trust.RUN_ROW, trust.CLASS, trust.RUN_ROW, trust.STATE, book.trained.run, book.looks["edit_text"])
    book.define(PREDICT_RUN, trust.TITLE, (trust.RUN_ROW, trust.CLASS))


def judge(book: Book, sheet: Worksheet, answer: str) -> None:
    """What the run says, what the cells say, and whether these agree."""
    looks = book.looks
    sheet.write_string(ROW, trust.PICTURE, "Python’s", looks["label"])
    for column in (trust.CLASS, trust.POSITION):
        sheet.write_blank(ROW, column, None, looks["text"])
    sheet.write_formula(ROW, trust.OURS, "=answer", looks["middle_bold"], answer)
    define(book, {"python_state": (trust.STATE,) * 2, "python_says": (trust.APART,) * 2})
    array(sheet, (ROW, trust.THEIRS) * 2, f'IF(ISNUMBER({FIRST}),{CLASS},"{NOTHING}")', looks["middle_bold"], NOTHING)
    verdict = f'IFERROR({VERDICT},"{trust.NOT_COMPARED}")'
    for column, text, look in ((trust.STATE, verdict, "state"), (trust.APART, SAYS, "hidden_text")):
        formula = f'IF(python_ready,IF(ISNUMBER({FIRST}),{text},{FIRST}),"{NOT_CONNECTED}")'
        array(sheet, (ROW, column) * 2, formula, looks[look], NOT_CONNECTED)
    trust.coloured(book, sheet, (ROW, trust.STATE) * 2)


def define(book: Book, names: dict[str, tuple[int, int]]) -> None:
    """Names for cells of the row, by their first and last column."""
    for name, (first, last) in names.items():
        book.define(name, trust.TITLE, (ROW, first), (ROW, last) if last > first else None)
