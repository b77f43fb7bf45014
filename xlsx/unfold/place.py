"""One place of a layer worked out: choose map, row and column; window, kernel, products and their sum stand there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from xlsxwriter.worksheet import Worksheet

from xlsx.sheets import validation
from xlsx.unfold import arithmetic
from xlsx.unfold.book import SOFT, Book
from xlsx.unfold.kernels import Kernels
from xlsx.unfold.maps import Maps, fixed
from xlsx.unfold.steps import CONVOLUTION, DEPTHWISE, LARGEST, LINEAR, MEAN, Step
from xlsx.unfold.trained import Array

LINE, LEAST, HIGH = 16, 13, 455  # pixels of a line, if need be, and of all lines, which are seen at once
WIDTH, COLUMNS = 48, 6  # pixels of a column, and how many columns there are
TITLE_LINE, CHOICE_LINE, BLOCKS_LINE = 0, 1, 3
BESIDE = COLUMNS // 2  # the columns of a window that a kernel stands beside
SAYS = "the cell of the map says"
STRIDES = {LARGEST: 2, MEAN: 0, LINEAR: 0}  # of the others the step's own; 0: the window is the whole map
RESULTS = {LARGEST: "MAX({})", MEAN: "AVERAGE({})"}  # of the window, where there is no kernel


@dataclass
class Place:
    """The place, and the lines of readable height over the small rows of the pictures in which it is worked out.

    `channel`, y and x are the place that the file is written with (that of the layer's largest value), `before` the map
    that adds most there; `seen` (maps, height, width) is what it sees of all maps before, `weights` their kernels;
    `chosen` has the cells in which a reader chooses another; a row of the pictures has `size` pixels.
    """

    book: Book
    sheet: Worksheet
    step: Step
    source: Maps
    target: Maps
    kernels: Kernels | None
    added: Maps | None
    outs: list[Array]
    left: int
    size: int
    channel: int = 0
    before: int = 0
    y: int = 0
    x: int = 0
    seen: Array = field(default_factory=lambda: np.zeros((1, 1, 1)))
    weights: Array | None = None
    chosen: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Of the pictures that make a line: enough for its letters, unless the last line were too low for a screen."""
        fitting = HIGH // (lines(self) * self.size)
        return max(ceil(LEAST / self.size), min(ceil(LINE / self.size), fitting))

    @property
    def beside(self) -> bool:
        """Whether the kernel stands beside the window, not under it."""
        return self.weights is not None and self.seen.shape[2] <= BESIDE

    @property
    def above(self) -> int:
        """How many blocks stand above the products."""
        return 1 if self.beside else 2

    @property
    def last(self) -> bool:
        """Whether its numbers are the classes'."""
        return self.step is self.book.steps[-1]

    @property
    def many(self) -> bool:
        """Whether several maps are summed over."""
        return self.step.kind in (CONVOLUTION, LINEAR) and self.source.count > 1

    def address(self, line: int, column: int) -> str:
        return fixed(self.target.top + line * self.rows, self.left + column)

    def put(
        self, line: int, column: int, content: str | float, look: str, value: float | str = 0, span: int = 1
    ) -> None:
        """A text, a number or, where it begins with =, a formula with its value; over `span` columns."""
        row, first, chosen = self.target.top + line * self.rows, self.left + column, self.book.looks[look]
        if (self.rows, span) != (1, 1):
            self.sheet.merge_range(row, first, row + self.rows - 1, first + span - 1, None, chosen)
        if isinstance(content, str) and content.startswith("="):
            self.sheet.write_formula(row, first, content, chosen, value)
        else:
            self.sheet.write(row, first, content, chosen)

    def position(self, name: str, at: int | str = 0) -> str:
        """The row or column of a window's cell in a map before: a formula, counted from 0."""
        stride = STRIDES.get(self.step.kind, self.step.stride)
        start = f"{self.step.crop - self.step.padding}+{at}"
        return f"({self.chosen[name]}-1)*{stride}+{start}" if stride and name in self.chosen else start

    def window(self, before: int | str, y: int, x: int) -> str:
        return self.source.picked(before, self.position("row", y), self.position("column", x), self.source.gap)


def write(place: Place) -> None:
    """All lines of it, beside the maps."""
    choose(place)
    place.sheet.set_column_pixels(place.left - 1, place.left - 1, 24, place.book.looks["plain"])
    place.sheet.set_column_pixels(place.left, place.left + COLUMNS - 1, WIDTH, place.book.looks["plain"])
    place.put(TITLE_LINE, 0, "One place worked out", "pane_bold", span=COLUMNS)
    choosers(place)
    sums(place, blocks(place))
    if place.many:
        shares(place)


def begin(book: Book, number: int, maps: list[Maps], kernels: Kernels | None, size: int, outs: list[Array]) -> Place:
    """The place of a step, right of its maps, whose cells have `size` pixels."""
    step, target = book.steps[number - 1], maps[number]
    added = maps[number - step.back] if step.back else None
    sheet, left = book.sheets[target.sheet], target.right + 3
    these = [*outs[number - 1 : number + 1], outs[number - step.back]]
    return Place(book, sheet, step, maps[number - 1], target, kernels, added, these, left, size)


def choose(place: Place) -> None:
    """The place with the layer's largest value, what it sees, and the map before that adds most to it."""
    before, out, _ = place.outs
    place.channel, place.y, place.x = (int(at) for at in np.unravel_index(int(out.argmax()), out.shape))
    step, own = place.step, slice(place.channel, place.channel + 1)
    place.before = place.channel
    if step.kind == LARGEST:
        place.seen = before[own, 2 * place.y : 2 * place.y + 2, 2 * place.x : 2 * place.x + 2]
    elif step.kind == MEAN:
        place.seen = before[own]
    else:
        assert step.weight is not None
        seen = before if step.kind == LINEAR else arithmetic.windows(step, before)[:, place.y, place.x]
        place.seen = seen[own] if step.kind == DEPTHWISE else seen
        place.weights = step.weight[place.channel].reshape(place.seen.shape)
        place.before = int((place.seen * place.weights).sum((1, 2)).argmax()) if place.many else place.before


def choosers(place: Place) -> None:
    """The cells to type into; where there is one to choose from there is none."""
    target = place.target
    offered = {
        "map": (place.channel, target.count),
        "row": (place.y, target.height),
        "column": (place.x, target.width),
        "from map": (place.before, place.source.count if place.many else 1),
    }
    for at, (name, (first, highest)) in enumerate({key: pair for key, pair in offered.items() if pair[1] > 1}.items()):
        line, column = CHOICE_LINE + at // 2, 3 * (at % 2)
        row, where, cell = target.top + line * place.rows, place.left + column + 2, place.address(line, column + 2)
        if name == "map" and place.last:
            classes = list(place.book.trained.classes)
            place.put(line, column, "class", "pane_choice", span=2)
            place.put(line, column + 2, classes[first], "pane_edit")
            place.chosen[name] = f'MATCH({cell}&"",class_names,0)'
            rule = validation.one_of(classes, "class: not possible", "Take one of the list.")
        else:
            place.put(line, column, f"{name} 1–{highest}", "pane_choice", span=2)
            place.put(line, column + 2, first + 1, "pane_edit")
            place.chosen[name] = cell
            words = f"{name}: not possible", f"Type a whole number from 1 to {highest}."
            rule = validation.whole_number(1, highest, *words)
        place.sheet.data_validation(row, where, row, where, rule)


def blocks(place: Place) -> int:
    """Window, kernel and products of one map before, under each other. Gives the next free line."""
    kernels, own = place.kernels, place.chosen.get("from map", place.chosen.get("map", "1"))
    before: int | str = own if place.source.count > 1 else 0
    at = place.before if place.many else 0
    window = place.seen[at]
    line = block(place, (BLOCKS_LINE, 0), "window: what it sees", window, lambda y, x: place.window(before, y, x))
    if place.weights is None or kernels is None:
        return line
    weights, its = place.weights[at], before if place.many else 0
    second = (BLOCKS_LINE, BESIDE) if place.beside else (line, 0)
    line = block(
        place, second, "kernel", weights, lambda y, x: kernels.picked(place.chosen["map"], its, str(y), str(x))
    )
    return block(
        place,
        (line, 0),
        "products: window · kernel, cell by cell",
        window * weights,
        lambda y, x: f"{place.address(BLOCKS_LINE + 1 + y, x)}*{place.address(second[0] + 1 + y, second[1] + x)}",
    )


def block(place: Place, at: tuple[int, int], text: str, numbers: Array, formula: Callable[[int, int], str]) -> int:
    """A title at a line and column, and the numbers under it; gives the line after them."""
    line, column = at
    place.put(line, column, text, "pane_note", span=BESIDE if place.beside and line == BLOCKS_LINE else COLUMNS)
    for y, x in np.ndindex(*numbers.shape):
        place.put(line + 1 + y, column + x, f"={formula(y, x)}", "pane_number", float(numbers[y, x]))
    top, bottom = (place.target.top + at * place.rows for at in (line + 1, line + 1 + len(numbers)))
    left = place.left + column
    area = (top, left, bottom - 1, left + numbers.shape[1] - 1)
    place.book.scale(place.sheet, area, float(np.abs(numbers).max()) or 1.0, SOFT)
    return line + 1 + len(numbers)


Part = tuple[str, str, float]  # what it is called, its formula, its value


def end_of(place: Place, above: int) -> str:
    """The cells of the block that has so many above it."""
    height, width = place.seen.shape[1:]
    first = BLOCKS_LINE + 1 + above * (height + 1)
    return f"{place.address(first, 0)}:{place.address(first + height - 1, width - 1)}"


def parts(place: Place) -> list[Part]:
    """What is added up at this place, in the order in which the cell's own formula adds it."""
    step, (_, _, residual) = place.step, place.outs
    found = of_window(place)
    if place.kernels and step.bias is not None:
        bias = place.kernels.biases.picked(place.chosen["map"], "0", "0")
        found.append(("+ shift" if step.kind == LARGEST else "+ bias", f"={bias}", float(step.bias[place.channel])))
    if place.added:
        came = place.added.picked(place.chosen["map"], *at_target(place))
        found.append(("+ what came in", f"={came}", float(residual[place.channel, place.y, place.x])))
    return found


def of_window(place: Place) -> list[Part]:
    """What window and kernel make: their products' sum, or what the window is boiled down to."""
    step, window = place.step, place.seen
    if place.weights is not None:
        own = window[place.before if place.many else 0] * place.weights[place.before if place.many else 0]
        return [
            (
                "this map adds" if place.many else "products, summed",
                f"=SUM({end_of(place, place.above)})",
                float(own.sum()),
            )
        ]
    value = float(window.max() if step.kind == LARGEST else window.mean())
    formula = RESULTS[step.kind].format(end_of(place, 0))
    if step.weight is None or place.kernels is None:
        return [("largest" if step.kind == LARGEST else "mean", f"={formula}", value)]
    factor = place.kernels.kernels.picked(place.chosen["map"], "0", "0")
    return [("largest · factor", f"={formula}*{factor}", value * float(step.weight[place.channel]))]


def at_target(place: Place) -> tuple[str, str]:
    """The chosen row and column of the layer's own maps, counted from 0."""
    row, column = (f"{place.chosen[name]}-1" if name in place.chosen else "0" for name in ("row", "column"))
    return row, column


def sums(place: Place, line: int) -> int:
    """The parts, the sum, ReLU, and the map's own cell beside it. Gives the next free line."""
    found, out = parts(place), float(place.outs[1][place.channel, place.y, place.x])
    if place.many and place.weights is not None:
        others = float((place.seen * place.weights).sum()) - found[0][2]
        found.insert(
            1,
            (
                f"+ the {place.source.count - 1} other maps",
                f"=SUM({shares_area(place)})-{place.address(line, 4)}",
                others,
            ),
        )
    for at, (text, formula, value) in enumerate(found):
        place.put(line + at, 0, text, "pane", span=4)
        place.put(line + at, 4, formula, "pane_total", value, span=2)
    end, total = line + len(found), sum(value for _, _, value in found)
    added = f"=SUM({place.address(line, 4)}:{place.address(end - 1, 5)})"
    lines = [("sum", added, total)] if len(found) > 1 or place.step.relu else []
    if place.step.relu:
        lines.append(("ReLU: not below 0", f"=MAX(0,{place.address(end, 4)})", max(0.0, total)))
    own = place.target.picked(place.chosen["map"], *at_target(place))
    lines.append((SAYS, f"={own}", out))
    for at, (text, formula, value) in enumerate(lines):
        place.put(end + at, 0, text, "pane_label", span=4)
        place.put(end + at, 4, formula, "pane_result", value, span=2)
    return end + len(lines)


def shares_line(place: Place) -> int:
    """The line on which the shares of all maps before begin: under everything else."""
    step, height = place.step, place.seen.shape[1]
    line: int = BLOCKS_LINE + (place.above + 1) * (height + 1) + 4 + bool(place.added) + bool(step.relu) + 2
    return line


def lines(place: Place) -> int:
    """All of them."""
    return shares_line(place) + (ceil(place.source.count / COLUMNS) if place.many else -1)


def shares_area(place: Place) -> str:
    first, count = shares_line(place), place.source.count
    return f"{place.address(first, 0)}:{place.address(first + ceil(count / COLUMNS) - 1, COLUMNS - 1)}"


def shares(place: Place) -> None:
    """What each map before adds at this place, in their order."""
    assert place.weights is not None
    assert place.kernels is not None
    first, height, width = shares_line(place), *place.seen.shape[1:]
    place.put(first - 1, 0, "what each map before adds, in their order", "pane_note", span=COLUMNS)
    found = (place.seen * place.weights).sum((1, 2))
    ends = (0, 0), (height - 1, width - 1)
    for before in range(place.source.count):
        window = ":".join(place.window(before, y, x) for y, x in ends)
        kernel = ":".join(place.kernels.picked(place.chosen["map"], before, str(y), str(x)) for y, x in ends)
        line, column = first + before // COLUMNS, before % COLUMNS
        place.put(line, column, f"=SUMPRODUCT({window},{kernel})", "pane_number", float(found[before]))
    row = place.target.top + first * place.rows
    last = place.target.top + (first + ceil(place.source.count / COLUMNS)) * place.rows - 1
    area = (row, place.left, last, place.left + COLUMNS - 1)
    place.book.scale(place.sheet, area, float(np.abs(found).max()) or 1.0, SOFT)
