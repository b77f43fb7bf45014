"""The sheet Weights: every kernel as a picture, layer under layer, its biases beside it; and where each of them stands.

A kernel's row is the map that it makes, its column the map that it reads. BatchNorm is folded in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlsx.unfold.book import Book
from xlsx.unfold.maps import Maps, across_of, fixed
from xlsx.unfold.steps import CONVOLUTION, DEPTHWISE, LARGEST, LINEAR, Step
from xlsx.unfold.trained import Array

TITLE = "Weights"
PIXELS = 11
LEFT, TOP = 4, 4  # where kernels begin; biases stand left of them
ROOM = (200, 900)  # for the kernels of a depthwise convolution, in pixels
SENTENCE = "Every number that was learnt, red above 0, blue below, white at 0. Change one, and everything follows."
ABOUT = {
    CONVOLUTION: "a row for each map that is made, a column for each map that is read; left of it the bias",
    DEPTHWISE: "a kernel for each map; right of them the biases, in the same order",
    LARGEST: "BatchNorm: a factor for each map, under it the shift",
    LINEAR: "a block for each class, in the shape of the maps that it reads; left of it the bias",
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


def lay_out(step: Step, source: Maps, row: int) -> Kernels | None:
    """Where a step's numbers stand from this row on; nothing where it has none."""
    if step.weight is None:
        return None
    after = len(step.weight)
    if step.kind == LARGEST:
        kernels = Maps(TITLE, row, LEFT, after, 1, 1, after, 0)
        return Kernels(kernels, Maps(TITLE, row + 1, LEFT, after, 1, 1, after, 0), 1)
    if step.kind == DEPTHWISE or (step.kind == CONVOLUTION and step.weight.shape[1] == 1):
        height, width = step.weight.shape[2:]
        kernels = Maps(TITLE, row, LEFT, after, height, width, across_of(after, height, width, ROOM))
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
    sheet = book.sheets[TITLE]
    book.page(TITLE, "Weights", SENTENCE, PIXELS)
    last = max(max(kernels.kernels.right, kernels.biases.right) for _, _, kernels in placed)
    sheet.set_column_pixels(0, last + 1, PIXELS, book.looks["plain"])
    for number, step, kernels in placed:
        row = kernels.kernels.top - 2
        sheet.set_row_pixels(row, 20)
        book.link(sheet, row, 1, book.layer_title(number), f"{book.layer_title(number)} · {step.title}", "section_link")
        sheet.set_row_pixels(row + 1, 16)
        sheet.write_string(row + 1, 1, ABOUT[DEPTHWISE if kernels.single else step.kind], book.looks["note"])
        numbers(book, step, kernels)
    sheet.freeze_panes(3, 0)


def numbers(book: Book, step: Step, kernels: Kernels) -> None:
    """The weights and biases, coloured with equal ends."""
    assert step.weight is not None
    assert step.bias is not None
    maps = kernels.kernels
    weights = step.weight.reshape(maps.count, maps.height, maps.width)
    for values, where in ((weights, maps), (step.bias.reshape(-1, 1, 1), kernels.biases)):
        for channel, y, x in where.places():
            book.sheets[TITLE].write_number(*where.at(channel, y, x), values[channel, y, x], book.cell(where, y, x))
        book.colours(where, bound(values), signed=True)


def bound(values: Array) -> float:
    """The end of a colour scale: beyond it lies one value in 200."""
    return float(np.quantile(np.abs(values), 0.995)) or 1.0


def end(kernels: Kernels) -> int:
    """The first row under them where the next may begin."""
    return max(kernels.kernels.bottom, kernels.biases.bottom) + 4
