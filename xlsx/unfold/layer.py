"""A sheet for each step: its maps as pictures, what a cell computes, and one place worked out beside them."""

from __future__ import annotations

from xlsxwriter.worksheet import Worksheet

from xlsx.unfold import place
from xlsx.unfold.book import LABELS, SHADES_KEY, SIGNED_KEY, Book
from xlsx.unfold.formulas import formulas
from xlsx.unfold.kernels import Kernels
from xlsx.unfold.maps import Maps, across_of, pixels, span
from xlsx.unfold.steps import CONVOLUTION, DEPTHWISE, LARGEST, LINEAR, MEAN, Step
from xlsx.unfold.trained import Array

TOP, LEFT = 6, 4
ROOM = (460, 740)  # for the maps, in pixels, that Calc draws WIDER: the rest is the place that is worked out
SMALLEST_CELL = 6  # narrower columns Gnumeric makes as wide as any
SMALLER = 85  # percent: shown so where such cells would end below the screen; Calc draws them 5 pixels wide and high
LARGEST_CELL = 18  # with larger ones a place that reads 64 maps ends below the screen
NUMBER_CELL = 15  # the largest where a map is one number: there a place may read large windows
TALL_CELL = 8  # the largest where a place needs many lines: two rows each, which then end on the screen
WHAT = {
    CONVOLUTION: "Each cell: bias + Σ over {before} (window {size} · kernel {size})",
    DEPTHWISE: "Each cell: bias + (window {size} of the same map of {source} · kernel {size})",
    LARGEST: "Each cell: the largest of 2×2 cells of the same map of {source}",
    MEAN: "Each cell: the mean of a map of {source}",
    LINEAR: "Each cell: bias + Σ over all {cells} cells of {source} (cell · weight): the logit of a class",
}


def lay_out(number: int, out: Array, step: Step, reader: Step | None) -> tuple[Maps, int]:
    """Where the maps of a step stand, and how many pixels a cell has; `reader` is the step that reads them."""
    count, height, width = out.shape
    across = across_of(count, ROOM)
    tall = step.kind == CONVOLUTION and step.weight is not None and step.weight.shape[-1] > place.BESIDE
    largest = TALL_CELL if tall else LARGEST_CELL if height > 1 else NUMBER_CELL
    size = max(SMALLEST_CELL, min(largest, pixels(count, height, width, across, ROOM)))
    gap = max(1, reader.padding if reader else 0)
    return Maps(Book.layer_title(number), TOP, LEFT, count, height, width, across, gap), size


def zoom(target: Maps, size: int) -> int:
    """In percent, so that all maps are on the screen."""
    return 100 if size <= pixels(target.count, target.height, target.width, target.across, ROOM) else SMALLER


def write(
    book: Book, number: int, maps: list[Maps], kernels: Kernels | None, size: int, outs: list[Array], bound: float
) -> None:
    """The sheet of a step; `maps` and `outs` are those of all steps, what goes in first."""
    step, target, source = book.steps[number - 1], maps[number], maps[number - 1]
    sheet = heading(book, number, step, target, source, size, kernels)
    added = maps[number - step.back] if step.back else None
    sheet.set_column_pixels(0, target.right + 1, size, book.looks["plain"])
    sheet.set_column_pixels(1, 1, LABELS, book.looks["plain"])
    name(book, target, last=number == len(book.steps))
    values = outs[number]
    for channel, y, x, formula in formulas(step, source, target, kernels, added):
        sheet.write_formula(*target.at(channel, y, x), formula, book.cell(target, y, x), values[channel, y, x])
    book.colours(target, bound, signed=not step.relu)
    place.write(place.begin(book, number, maps, kernels, size, outs))
    sheet.freeze_panes(TOP - 2, 0)


def name(book: Book, target: Maps, last: bool) -> None:
    """The numbers of the maps, of each row at its left; of the last layer its classes, each above its number."""
    sheet = book.sheets[target.sheet]
    if last:
        for at, text in enumerate(book.trained.classes):
            row, column = target.at(at)
            sheet.write_string(row - 1, column, text, book.looks["small"])
        return
    for at in range(0, target.count, target.across):
        text, row = span(at + 1, min(at + target.across, target.count)), target.at(at)[0]
        book.tall(sheet, (row, 1, row + target.height - 1), text, book.looks["small_top"])


def heading(
    book: Book, number: int, step: Step, target: Maps, source: Maps, size: int, kernels: Kernels | None
) -> Worksheet:
    """The layer, its shape, parameters, multiply-adds, what a cell computes, and links."""
    title = book.layer_title(number)
    key = SHADES_KEY if step.relu else SIGNED_KEY
    shown = zoom(target, size)
    sheet = book.page(title, f"{title} · {step.title}", figures(step, target, source), size, key, shown)
    sheet.write_string(2, 1, sentence(step, source, kernels), book.far("sentence", shown))
    for row, height in ((2, 20), (3, 20), (4, 6)):
        sheet.set_row_pixels(row, height)
    links = [("Draw", "Draw"), ("Overview", "Overview"), ("Weights", "Weights")]
    links += [(book.layer_title(number - 1), "← before")] * (number > 1)
    links += [(book.layer_title(number + 1), "next →")] * (number < len(book.steps))
    book.links(sheet, 3, links, size)
    return sheet


def figures(step: Step, target: Maps, source: Maps) -> str:
    """Shape, parameters and multiply-adds of one image."""
    shape = f"{target.count} maps of {target.height}×{target.width}" if target.height > 1 else f"{target.count} numbers"
    products = multiply_adds(step, target)
    return f"{shape} · {step.parameters:,} parameters · {products:,} multiply-adds an image"


def multiply_adds(step: Step, target: Maps) -> int:
    """Every weight of a kernel counts once for each place it is laid on."""
    if step.weight is None or step.kind == LARGEST:
        return 0
    return step.weight.size * (target.height * target.width if step.kind != LINEAR else 1)


def sentence(step: Step, source: Maps, kernels: Kernels | None) -> str:
    """What each cell computes."""
    size = "×".join(map(str, kernels.size)) if kernels else ""
    cells = source.count * source.height * source.width
    name = source.sheet if source.count > 1 else "the image"
    before = f"the {source.count} maps of {name}" if source.count > 1 else name
    text = WHAT[step.kind].format(before=before, source=name, size=size, cells=cells)
    if step.kind == LARGEST and step.weight is not None:
        text += ", times a factor, plus a shift (BatchNorm)"
    if step.back:
        text += " + the same cell of the maps that came in"
    return text + ("; ReLU: below 0 it is 0." if step.relu else ".")
