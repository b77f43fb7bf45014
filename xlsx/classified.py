"""A workbook of pictures that a network was asked about: what it saw, its answer, and how likely each class is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from xlsx.files import written
from xlsx.outcome import TOP, Page
from xlsx.sheets import style

SHEET = "Classified"
POINTS = 84
FIXED = ("seen", "answer", "file")
WIDTHS = [13.0, 13, 30]


class Answer(Protocol):
    """A picture's file, what it is taken for, the probabilities of all classes, and what the network saw, as PNG."""

    @property
    def file(self) -> Path: ...
    @property
    def label(self) -> str: ...
    @property
    def probabilities(self) -> list[float]: ...
    @property
    def picture(self) -> bytes: ...


def write(path: Path, run: str, classes: Sequence[str], answers: Sequence[Answer]) -> Path:
    """Write the workbook. Raises PermissionError where it cannot be written or is open."""
    with written(path.absolute(), SHEET) as workbook:
        page = Page(workbook, workbook.add_worksheet(SHEET), style.formats(workbook))
        widths = [*WIDTHS, *[8.5] * len(classes)]
        page.open(f"What {run} takes them for", "Seen: the digit as the network is given it, 28 × 28.", widths)
        for column, name in enumerate((*FIXED, *classes)):
            page.text(TOP, column, name, "header_right" if column >= len(FIXED) else "header")
        for row, answer in enumerate(answers, TOP + 1):
            write_answer(page, row, answer)
        last = TOP + max(1, len(answers))
        scale = {"type": "2_color_scale", "min_type": "num", "max_type": "num", "min_value": 0, "max_value": 1}
        colors = {"min_color": "#FFFFFF", "max_color": style.RIGHT_COLOR}
        page.sheet.conditional_format(TOP + 1, len(FIXED), last, len(widths) - 1, {**scale, **colors})
        page.sheet.freeze_panes(TOP + 1, len(FIXED))
        style.printed(page.sheet, last, widths)
    return path


def write_answer(page: Page, row: int, answer: Answer) -> None:
    page.sheet.set_row_pixels(row, POINTS + 4)
    page.embed(row, 0, answer.picture, POINTS, f"{answer.file.name}, as the network sees it", x=5)
    page.text(row, 1, answer.label, "answer" if len(answer.label) < 3 else "label_wrap")
    page.text(row, 2, answer.file, "text_wrap")
    for column, probability in enumerate(answer.probabilities, len(FIXED)):
        page.sheet.write_number(row, column, probability, page.looks["percent"])
