"""What a finished run leaves, as sheets: the classes it confuses, its worst mistakes, its layers and first kernels.

Read from the run folder (cnn/outcome.py names its files), whose pictures are embedded, so that the workbook can be
passed on. A run that has not left a file, since it is not finished or older, has no such sheet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from cnn.runs.scores import PICTURED, SCORES, scores
from cnn.runs.settings import PARAMETER_LIMIT
from xlsx.contract import OUTCOME, OUTCOME_ROW
from xlsx.files import safe_text
from xlsx.sheets import style

TOP = 3  # the first row under title and subtitle
ACROSS = 10  # pictures of mistakes side by side
MISTAKE_POINTS, KERNEL_POINTS = 84, 80  # how large a picture is shown
FORMULAS = {  # of SCORES, by the cells of a class: on the diagonal, of its row and of its column
    "images": "=SUM({row})",
    "right": "={hit}",
    "precision": "=IF(SUM({column})=0,NA(),{hit}/SUM({column}))",
    "recall": "=IF(SUM({row})=0,NA(),{hit}/SUM({row}))",
    "f1": "=IF(SUM({row})+SUM({column})=0,NA(),2*{hit}/(SUM({row})+SUM({column})))",
}
Rows = list[dict[str, str]]


@dataclass(frozen=True)
class OutcomeSheet:
    """A sheet's title, the file of the run folder that it shows, and what writes it from that file's rows."""

    title: str
    file: str
    write: Callable[[Page, Path, Rows], None]


@dataclass(frozen=True)
class Page:
    """A sheet to write on."""

    workbook: Workbook
    sheet: Worksheet
    looks: dict[str, Any]

    def open(self, title: str, subtitle: str, widths: list[float]) -> None:
        style.page(self.sheet, style.Heading(title, safe_text(subtitle)), self.looks, widths)

    def text(self, row: int, column: int, value: object, look: str) -> None:
        self.sheet.write_string(row, column, safe_text(value), self.looks[look])

    def picture(self, row: int, column: int, path: Path, points: int, description: str, x: int = 0) -> None:
        """Embed a square picture; a missing one is said in its place."""
        try:
            self.embed(row, column, path.read_bytes(), points, description, x)
        except OSError:
            self.text(row, column, f"{path.name} is missing", "muted_plain")

    def embed(self, row: int, column: int, content: bytes, points: int, description: str, x: int = 0) -> None:
        """Embed a square PNG, shown with so many points to a side."""
        size = int.from_bytes(content[16:20], "big")  # a PNG's width
        options = {"image_data": io.BytesIO(content), "x_scale": points / size, "y_scale": points / size}
        more = {"x_offset": x, "y_offset": 2, "object_position": 1, "description": safe_text(description)}
        self.sheet.insert_image(row, column, "picture.png", {**options, **more})


def classes(page: Page, folder: Path, rows: Rows) -> None:
    """The confusion matrix under two colour scales, and beside it each class's scores as formulas."""
    names = list(rows[0])[1:]
    counts = [[int(row[name]) for name in names] for row in rows]
    subtitle = "A row per true class, a column for what it was taken for: blue is right, orange is a mistake."
    page.open(f"Confusion matrix of {folder.name}", subtitle, [12, *[7.5] * len(names), 2, *[9.5] * len(SCORES)])
    page.sheet.set_row(TOP, 30)
    for column, name in enumerate(["true", *names, "", *SCORES]):
        page.text(TOP, column, name, "header_right" if column else "header")
    for row, (name, line) in enumerate(zip(names, counts, strict=True), TOP + 1):
        page.text(row, 0, name, "label")
        for column, count in enumerate(line, 1):
            page.sheet.write_number(row, column, count, page.looks["count"])
    class_scores(page, counts)
    colour_scales(page.sheet, len(names))
    style.printed(page.sheet, TOP + 2 + len(names), [12, *[7.5] * len(names), 2, *[9.5] * len(SCORES)])


def class_scores(page: Page, counts: list[list[int]]) -> None:
    """A formula per class and score; under them the sums, and the means of the fractions."""
    size, first = len(counts), TOP + 1
    at = {name: size + 2 + number for number, name in enumerate(SCORES)}
    found = scores(counts)
    for number, values in enumerate(found):
        cells = {
            "hit": xl_rowcol_to_cell(first + number, 1 + number),
            "row": xl_range(first + number, 1, first + number, size),
            "column": xl_range(first, 1 + number, first + size - 1, 1 + number),
        }
        for name, formula in FORMULAS.items():
            value = "#N/A" if values[name] is None else values[name]
            look = page.looks["count" if name in ("images", "right") else "fraction"]
            page.sheet.write_formula(first + number, at[name], formula.format(**cells), look, value)
    page.text(first + size, 0, "all", "label")
    for name, column in at.items():
        area = xl_range(first, column, first + size - 1, column)
        known = [value for each in found if (value := each[name]) is not None]
        total = name in ("images", "right")
        formula, value = (f"=SUM({area})", sum(known)) if total else (f"=AVERAGE({area})", mean(known, size))
        page.sheet.write_formula(first + size, column, formula, page.looks["count" if total else "fraction"], value)


def mean(known: list[float], of: int) -> float | str:
    """As AVERAGE has it: an error where one of them is."""
    return sum(known) / of if len(known) == of else "#N/A"


def colour_scales(sheet: Worksheet, size: int) -> None:
    """One scale for the hits and one for the mistakes, which the hits would drown."""
    first = TOP + 1
    diagonal = [xl_rowcol_to_cell(first + n, 1 + n) for n in range(size)]
    beside = [xl_range(first + n, 1, first + n, n) for n in range(1, size)]
    beside += [xl_range(first + n, n + 2, first + n, size) for n in range(size - 1)]
    for cells, color in ((diagonal, style.RIGHT_COLOR), (beside, style.WRONG_COLOR)):
        scale = {"type": "2_color_scale", "min_type": "num", "min_value": 0, "min_color": "#FFFFFF"}
        area = {"multi_range": " ".join(cells), "max_color": color}
        sheet.conditional_format(first, 1, first + size - 1, size, {**scale, **area})


def mistakes(page: Page, folder: Path, rows: Rows) -> None:
    """The surest mistakes as pictures, each over its labels and probability."""
    shown = rows[:PICTURED]
    which = f"the {len(shown)} surest of {len(rows):,}" if len(shown) < len(rows) else f"all {len(rows)}"
    subtitle = f"{which}. Under each: image number: true → taken for, and how likely the network held that."
    page.open(f"Mistakes of {folder.name}", subtitle[0].upper() + subtitle[1:], [13] * ACROSS)
    for number, row in enumerate(shown):
        line, column = TOP + 3 * (number // ACROSS), number % ACROSS
        page.sheet.set_row_pixels(line, MISTAKE_POINTS + 4)
        words = f"{row['index']}: {row['true']} → {row['predicted']}"
        path = folder / "pictures" / f"mistake-{row['index']}.png"
        page.picture(line, column, path, MISTAKE_POINTS, f"Image {words}", x=5)
        page.text(line + 1, column, words, "picture_label")
        page.sheet.write_number(line + 2, column, float(row["probability"]), page.looks["picture_percent"])
    style.printed(page.sheet, TOP + 3 * -(-len(shown) // ACROSS), [13] * ACROSS)


def layers(page: Page, folder: Path, rows: Rows) -> None:
    """The layer table, its parameters beside the exercise's limit; right of it the first convolution's kernels."""
    widths = [36.0, 12, 12, 14, 3, *[12] * 4]
    parameters = sum(int(row["parameters"]) for row in rows)
    of_the_limit = f"{parameters:,} parameters, where the exercise's limit is {PARAMETER_LIMIT:,}"
    page.open(f"Layers of {folder.name}", f"What an image passes through, layer by layer: {of_the_limit}.", widths)
    for column, key in enumerate(rows[0]):
        page.text(TOP, column, key.replace("_", "-"), "header_right" if column > 1 else "header")
    for line, row in enumerate(rows, TOP + 1):
        page.text(line, 0, row["layer"], "text")
        page.text(line, 1, row["output"], "text")
        for column, key in ((2, "parameters"), (3, "multiply_adds")):
            page.sheet.write_number(line, column, int(row[key]), page.looks["count"])
    end = TOP + 1 + len(rows)
    layer_sums(page, rows, end, parameters)
    page.sheet.freeze_panes(TOP + 1, 0)
    page.text(TOP, 5, "The kernels of the first convolution: blue is positive, orange negative", "group")
    for number, path in enumerate(filters(folder)):
        place = TOP + 1 + 4 * (number // 4), 5 + number % 4
        page.picture(*place, path, KERNEL_POINTS - 6, f"Kernel {number + 1}")
    style.printed(page.sheet, end + 2, widths)


def layer_sums(page: Page, rows: Rows, end: int, parameters: int) -> None:
    page.text(end, 0, "all", "label")
    for column, key in ((2, "parameters"), (3, "multiply_adds")):
        formula, value = f"=SUM({xl_range(TOP + 1, column, end - 1, column)})", sum(int(row[key]) for row in rows)
        page.sheet.write_formula(end, column, formula, page.looks["count_bold"], value)
    page.text(end + 1, 0, "the exercise's limit", "text")
    page.sheet.write_number(end + 1, 2, PARAMETER_LIMIT, page.looks["count"])
    page.text(end + 2, 0, "left under it", "text")
    formula = f"={xl_rowcol_to_cell(end + 1, 2)}-{xl_rowcol_to_cell(end, 2)}"
    page.sheet.write_formula(end + 2, 2, formula, page.looks["count"], PARAMETER_LIMIT - parameters)


def filters(folder: Path) -> list[Path]:
    """The kernels' pictures in their order."""
    return sorted((folder / "pictures").glob("filter-*.png"), key=lambda path: (len(path.name), path.name))


SHEETS = (
    OutcomeSheet("Classes", "confusion.csv", classes),
    OutcomeSheet("Mistakes", "mistakes.csv", mistakes),
    OutcomeSheet("Layers", "layers.csv", layers),
)


def left(folder: Path) -> list[OutcomeSheet]:
    """The sheets for whose file the run folder has one."""
    return [sheet for sheet in SHEETS if (folder / sheet.file).is_file()]


def write(workbook: Workbook, sheet: Worksheet, looks: dict[str, Any], what: OutcomeSheet, folder: Path) -> None:
    """Write one of them; a file that cannot be read is said there."""
    page = Page(workbook, sheet, looks)
    try:
        with open(folder / what.file, encoding="utf-8", newline="") as file:
            what.write(page, folder, list(csv.DictReader(file)))
    except (OSError, ValueError, LookupError, TypeError) as error:
        page.open(what.title, f"{folder / what.file} cannot be read ({error}).", [])
    page.text(OUTCOME_ROW - 1, 0, OUTCOME, "muted_plain")
