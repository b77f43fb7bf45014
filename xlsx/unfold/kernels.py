"""The sheet Weights: every kernel as a picture, layer under layer, its biases beside it; and where each of them stands.

A kernel's row is the map that it makes, its column the map that it reads. BatchNorm is folded in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlsx.sheets import validation
from xlsx.unfold.book import LABELS, SIGNED_KEY, Book
from xlsx.unfold.maps import Maps, fixed, span
from xlsx.unfold.states import first, of_weights
from xlsx.unfold.steps import CONVOLUTION, DEPTHWISE, LARGEST, LINEAR, Step
from xlsx.unfold.trained import Array

TITLE = "Weights"
PIXELS = 11
LEFT, TOP = 4, 4  # where kernels begin; biases stand left of them
STATE_COLUMN = 60  # right of a layer's title
SENTENCE = (
    "Every number that was learnt. Change one, and everything follows. To fill a selection: type, then Alt+Enter in "
    "LibreOffice, Ctrl+Enter in Excel."
)
ABOUT = {
    CONVOLUTION: "a row for each map that is made, a column for each map that is read, both numbered; left the bias",
    DEPTHWISE: "a kernel for each map, numbered row by row; right of them the biases, in the same order",
    LARGEST: "BatchNorm: a factor for each map, under it the shift",
    LINEAR: "a block for each class, which is named, in the shape of the maps that it reads; left of it the bias",
}


@dataclass(frozen=True)
class Kernels:
    """Where the kernels and biases of a step stand. `before` maps are read for each that is made."""

    kernels: Maps
    biases: Maps
    before: int

    @property
    def size(self) -> tuple[int, int]:
        return self.kernels.height, self.kernels.width

    @property
    def single(self) -> bool:
        """Whether each map that is made has one kernel: they stand in a grid."""
        return self.before == 1 and self.biases.top == self.kernels.top

    def range(self, after: int, before: int) -> str:
        return self.kernels.fixed(after * self.before + before)

    def row(self, after: int) -> str:
        """All kernels of a map, as one range."""
        first, last = (self.kernels.at(after * self.before + at) for at in (0, self.before - 1))
        end = fixed(last[0] + self.kernels.height - 1, last[1] + self.kernels.width - 1)
        return f"{self.kernels.prefix}{fixed(*first)}:{end}"

    def bias(self, after: int) -> str:
        return self.biases.fixed(after)

    def picked(self, after: str, before: int | str, y: str, x: str) -> str:
        """The formula of one weight: of the map in the cell `after` (from 1), of the one before by number or cell."""
        first = f"({after}-1)*{self.before}" if self.before > 1 else f"{after}-1"
        at = f"{first}+{before + 1}" if isinstance(before, int) else f"{first}+{before}"
        return self.kernels.picked(f"({at})", y, x)


def lay_out(step: Step, source: Maps, target: Maps, row: int) -> Kernels | None:
    """Where a step's numbers stand from this row on; nothing where it has none.

    A kernel for each map stands where that does among the others.
    """
    if step.weight is None:
        return None
    after = len(step.weight)
    if step.kind == LARGEST:
        kernels = Maps(TITLE, row, LEFT, after, 1, 1, after, 0)
        return Kernels(kernels, Maps(TITLE, row + 1, LEFT, after, 1, 1, after, 0), 1)
    if step.kind == DEPTHWISE or (step.kind == CONVOLUTION and step.weight.shape[1] == 1):
        height, width = step.weight.shape[2:]
        kernels = Maps(TITLE, row, LEFT, after, height, width, target.across)
        return Kernels(kernels, Maps(TITLE, row, kernels.right + 3, after, 1, 1, kernels.across, 0), 1)
    if step.kind == LINEAR:
        kernels = Maps(TITLE, row, LEFT, after * source.count, source.height, source.width, source.across, source.gap)
        down = kernels.pitch[0] * (source.count // source.across)
        return Kernels(kernels, Maps(TITLE, row, 1, after, 1, 1, 1, down - 1), source.count)
    before, height, width = step.weight.shape[1:]
    kernels = Maps(TITLE, row, LEFT, after * before, height, width, before, int(height > 1))
    return Kernels(kernels, Maps(TITLE, row, 1, after, 1, 1, 1, kernels.pitch[0] - 1), before)


def write(book: Book, placed: list[tuple[int, Step, Kernels]]) -> None:
    """Title and numbers of all of them; `placed` has each step's number."""
    sheet = book.page(TITLE, "Weights", SENTENCE, PIXELS, SIGNED_KEY)
    last = max(max(kernels.kernels.right, kernels.biases.right) for _, _, kernels in placed)
    sheet.set_column_pixels(0, 0, LABELS, book.looks["plain"])
    sheet.set_column_pixels(1, last + 1, PIXELS, book.looks["plain"])
    states = []
    for number, step, kernels in placed:
        row, layer = kernels.kernels.top - 3, book.layer_title(number)
        sheet.set_row_pixels(row, 20)
        book.link(sheet, row, 1, layer, f"{layer} · {step.title}", book.looks["section_link"])
        sheet.set_row_pixels(row + 1, 16)
        sheet.write_string(row + 1, 1, ABOUT[DEPTHWISE if kernels.single else step.kind], book.looks["note"])
        sheet.set_row_pixels(row + 2, 14)
        name(book, step, kernels)
        where, values = [kernels.kernels, kernels.biases], numbers(book, step, kernels)
        sheet.write_formula(row, STATE_COLUMN, of_weights(layer, where, values), book.looks["spoilt"], "")
        states.append(fixed(row, STATE_COLUMN))
    sheet.set_row_pixels(2, 18)
    sheet.write_formula(2, 1, first(states), book.looks["spoilt"], "")
    book.define("weights_state", TITLE, (2, 1))
    sheet.freeze_panes(3, 0)


def name(book: Book, step: Step, kernels: Kernels) -> None:
    """The numbers of the maps: of those made at the left, of those read above; of the last layer the classes."""
    sheet, maps, look = book.sheets[TITLE], kernels.kernels, book.looks["small"]
    grid = kernels.single or step.kind == LARGEST
    if step.kind == LARGEST or not (grid or step.kind == LINEAR):
        narrow = maps.pitch[1] == 1  # a number in two is cut: each fifth
        for at in range(maps.across):
            if not narrow or at == 0 or at % 5 == 4:
                sheet.write_string(maps.top - 1, maps.at(at)[1], str(at + 1), book.looks["small_left"])
    if step.kind == LARGEST:
        return
    each = maps.across if grid else kernels.before
    for at in range(0, maps.count, each):
        number = at // each
        if grid:
            text = span(at + 1, min(at + each, maps.count))
        else:
            text = book.trained.classes[number] if step.kind == LINEAR else str(number + 1)
        row = maps.at(at)[0]
        book.tall(sheet, (row, 0, row + maps.height - 1), text, look)


def numbers(book: Book, step: Step, kernels: Kernels) -> list[Array]:
    """Write weights and biases, coloured with equal ends, which only take numbers; gives them."""
    assert step.weight is not None
    assert step.bias is not None
    maps = kernels.kernels
    found = [step.weight.reshape(maps.count, maps.height, maps.width), step.bias.reshape(-1, 1, 1)]
    for values, where in zip(found, (maps, kernels.biases), strict=True):
        for channel, y, x in where.places():
            book.sheets[TITLE].write_number(*where.at(channel, y, x), values[channel, y, x], book.cell(where, y, x))
        book.colours(where, bound(values), signed=True)
        book.sheets[TITLE].data_validation(*where.area, validation.number("a weight", "Type a number."))
    return found


def bound(values: Array) -> float:
    """The end of a colour scale: beyond it lies one value in 200."""
    return float(np.quantile(np.abs(values), 0.995)) or 1.0


def end(kernels: Kernels) -> int:
    """The first row under them where the next may begin."""
    return max(kernels.kernels.bottom, kernels.biases.bottom) + 4
