"""The way back as formulas: the derivative of the loss by every pixel and by the last layer's weights.

A file of its own, because it is as large again: `back` k has the derivative by what step k computes before its ReLU.
The kernels stand on a sheet turned by 180°: so a derivative is a SUMPRODUCT of a window and a kernel as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from xlsxwriter.worksheet import Worksheet

from xlsx.sheets import validation
from xlsx.unfold.book import INK_KEY, LABELS, SIGNED_KEY, Book
from xlsx.unfold.draw import FIRST, fields
from xlsx.unfold.gradient import TIE
from xlsx.unfold.kernels import Kernels, bound
from xlsx.unfold.layer import LARGEST_CELL, SMALLEST_CELL, name
from xlsx.unfold.maps import Maps
from xlsx.unfold.steps import CONVOLUTION, DEPTHWISE, LARGEST, LINEAR, MEAN, Step
from xlsx.unfold.trained import Array

TITLE, TURNED = "Backward", "Turned"
TOP, LEFT, PIXELS = 8, 6, 8
ROOM = (460, 1140)  # for the maps of a step, in pixels
WEIGHTS = "dE by each weight of the last layer, a row for each class: dE by its logit · what came in"
Texts = Callable[[int, int, int], str]


@dataclass(frozen=True)
class Way:
    """A step on the way back: its maps, the derivatives by what it computes, and what it reads."""

    step: Step
    source: Maps
    target: Maps
    after: Maps
    kernels: Kernels | None
    turned: dict[tuple[int, int], Maps]


def title(number: int) -> str:
    return f"Back {number}" if number else TITLE


def titles(steps: list[Step]) -> list[str]:
    return [TITLE, *(title(number) for number in range(len(steps), 0, -1)), TURNED]


def margin(step: Step, source: Maps, target: Maps) -> int:
    """How far a window of derivatives reaches over the edge of its map."""
    if step.kind not in (CONVOLUTION, DEPTHWISE) or step.weight is None or target.height == 1:
        return 1
    start, edge = step.crop - step.padding, step.weight.shape[2] - 1
    before = -((-start - edge) // step.stride)
    behind = (source.height - 1 - start) // step.stride - (target.height - 1)
    return int(max(1, before, behind))


def lay_out(steps: list[Step], maps: list[Maps]) -> list[Maps]:
    """Where the derivatives by every step's numbers stand: as its maps do; those by the image first."""
    found = [Maps(TITLE, TOP, LEFT + maps[0].width + 4, 1, maps[0].height, maps[0].width, 1)]
    for number, step in enumerate(steps, 1):
        own, gap = maps[number], margin(step, maps[number - 1], maps[number])
        found.append(Maps(title(number), TOP, LEFT, own.count, own.height, own.width, own.across, gap))
    return found


def turn(book: Book, number: int, kernels: Kernels, row: int) -> tuple[dict[tuple[int, int], Maps], int]:
    """A step's kernels turned by 180°, from this row on; of a stride of 2 in four parts, for even and odd places."""
    step, sheet = book.steps[number - 1], book.sheets[TURNED]
    assert step.weight is not None
    (height, width), maps, found = kernels.size, kernels.kernels, {}
    start = step.padding - step.crop
    for y, x in np.ndindex(step.stride, step.stride):
        rows = list(range((y + start) % step.stride, height, step.stride))[::-1]
        columns = list(range((x + start) % step.stride, width, step.stride))[::-1]
        part = Maps(TURNED, row, LEFT, maps.count, len(rows), len(columns), maps.across, maps.gap)
        for channel, i, j in part.places():
            formula = f"={maps.cell(channel, rows[i], columns[j])}"
            value = step.weight.reshape(-1, height, width)[channel, rows[i], columns[j]]
            sheet.write_formula(*part.at(channel, i, j), formula, book.cell(part, i, j), value)
        book.colours(part, bound(step.weight), signed=True)
        part_of = f", for each second row from {y + 1} and column from {x + 1}" if step.stride > 1 else ""
        sheet.set_row_pixels(row - 2, 18)
        sheet.write_string(
            row - 2, LEFT, f"{book.layer_title(number)} · {step.title}{part_of}", book.looks["label_plain"]
        )
        found[y, x], row = part, part.bottom + 5
    return found, row


def kernel(way: Way) -> Texts:
    """Σ over the maps after: SUMPRODUCT(window of their derivatives, kernel turned); depthwise of the same map."""
    step, kernels = way.step, way.kernels
    assert kernels is not None
    if way.target.height == 1 and step.kind == DEPTHWISE:  # one place after: each weight belongs to one place before
        return lambda channel, y, x: f"{way.after.cell(channel)}*{kernels.kernels.cell(channel, y, x)}"
    start = step.crop - step.padding

    def text(channel: int, y: int, x: int) -> str:
        part = way.turned[y % step.stride, x % step.stride]
        first = [(at - start) // step.stride - size + 1 for at, size in ((y, part.height), (x, part.width))]
        window = (first[0], first[1], part.height, part.width)
        single = step.kind == DEPTHWISE
        pairs = [(channel, channel)] if single else [(o, o * kernels.before + channel) for o in range(way.after.count)]
        terms = ((way.after.window(o, *window), part.fixed(at)) for o, at in pairs)
        small = (part.height, part.width) == (1, 1)
        return "+".join(f"{seen}*{its}" if small else f"SUMPRODUCT({seen},{its})" for seen, its in terms)

    return text


def largest(way: Way) -> Texts:
    """To the first of the largest of 2×2 places: its derivative, times BatchNorm's factor."""
    rows, columns = (2 * size for size in (way.target.height, way.target.width))

    def text(channel: int, y: int, x: int) -> str:
        if y >= rows or x >= columns:
            return "0"
        top, left = y // 2 * 2, x // 2 * 2
        most = f"MAX({way.source.window(channel, top, left, 2, 2)})-{TIE:.0E}"
        earlier = [divmod(at, 2) for at in range(2 * (y - top) + x - left)]
        tests = [f"{way.source.cell(channel, y, x)}>={most}"]
        tests += [f"{way.source.cell(channel, top + i, left + j)}<{most}" for i, j in earlier]
        factor = f"*{way.kernels.range(channel, 0)}" if way.kernels else ""
        return f"IF(AND({','.join(tests)}),{way.after.cell(channel, y // 2, x // 2)}{factor},0)"

    return text


def mean(way: Way) -> Texts:
    places = way.source.height * way.source.width
    return lambda channel, y, x: f"{way.after.cell(channel)}/{places}"


def linear(way: Way) -> Texts:
    """Σ over the classes: derivative · weight."""
    kernels = way.kernels
    assert kernels is not None

    def text(channel: int, y: int, x: int) -> str:
        places = [(after, after * kernels.before + channel) for after in range(way.after.count)]
        return "+".join(f"{way.after.cell(after)}*{kernels.kernels.cell(at, y, x)}" for after, at in places)

    return text


BACK: dict[str, Callable[[Way], Texts]] = {
    CONVOLUTION: kernel,
    DEPTHWISE: kernel,
    LARGEST: largest,
    MEAN: mean,
    LINEAR: linear,
}


def write(
    book: Book, maps: list[Maps], kernels: list[Kernels | None], outs: list[Array], found: list[Array], target: int
) -> None:
    """All sheets of it; `found` are the derivatives that gradient.backward gives for the image in the file."""
    places, row, ways = lay_out(book.steps, maps), TOP, []
    book.page(
        TURNED, "Kernels, turned by 180°", "On the way back a kernel is laid the other way round.", PIXELS, SIGNED_KEY
    )
    book.sheets[TURNED].set_column_pixels(0, 400, PIXELS, book.looks["plain"])
    book.sheets[TURNED].set_row_pixels(2, 20)
    book.links(book.sheets[TURNED], 2, [(TITLE, TITLE)], PIXELS)
    book.sheets[TURNED].freeze_panes(3, 0)
    for number, step in enumerate(book.steps, 1):
        own = kernels[number - 1]
        turned: dict[tuple[int, int], Maps] = {}
        if own and step.kind in (CONVOLUTION, DEPTHWISE) and not (step.kind == DEPTHWISE and maps[number].height == 1):
            turned, row = turn(book, number, own, row)
        ways.append(Way(step, maps[number - 1], maps[number], places[number], own, turned))
    for number in range(len(book.steps), -1, -1):
        write_step(book, number, ways, places, found)
    first_sheet(book, ways[-1], places, outs[-2], found, target)


def write_step(book: Book, number: int, ways: list[Way], places: list[Maps], found: list[Array]) -> None:
    """The derivatives by what one step computes, from those by all that reads it."""
    own, last = places[number], number == len(ways)
    readers = [] if last else [BACK[ways[number].step.kind](ways[number])]
    readers += [places[at].cell for at, way in enumerate(ways, 1) if way.step.back and at - way.step.back == number]
    relu = number > 0 and ways[number - 1].step.relu
    if number:
        heading(book, number, ways, own)
    for channel, y, x in own.places():
        text = "+".join(read(channel, y, x) for read in readers)
        if last:
            text = f"INDEX(powers,1,{channel + 1})/SUM(powers)-IF(loss_target={channel + 1},1,0)"
        if relu:
            text = f"IF({ways[number - 1].target.cell(channel, y, x)}>0,{text},0)"
        place, value = own.at(channel, y, x), found[number][channel, y, x]
        book.sheets[own.sheet].write_formula(*place, f"={text}", book.cell(own, y, x), value)
    book.colours(own, bound(found[number]) or 1.0, signed=True)


def heading(book: Book, number: int, ways: list[Way], own: Maps) -> None:
    """What stands on the sheet of a step."""
    step = ways[number - 1].step
    text = "the derivative of the loss by each number that this layer computes"
    text += " before its ReLU (0 where that gave 0)" if step.relu else ""
    size = cell_size(own)
    sheet = book.page(own.sheet, f"Back through layer {number} · {step.title}", f"Each cell: {text}.", size, SIGNED_KEY)
    sheet.set_column_pixels(0, own.right + 30, size, book.looks["plain"])
    sheet.set_column_pixels(1, 1, LABELS, book.looks["plain"])
    sheet.set_row_pixels(2, 20)
    for row in range(3, TOP - 2):  # blank for windows that reach over the edge
        sheet.set_row_pixels(row, 4)
    links = [(TITLE, TITLE), (book.layer_title(number), "forward")]
    links += [(title(number + 1), "← before")] * (number < len(ways)) + [(title(number - 1), "next →")] * (number > 1)
    book.links(sheet, 2, links, size)
    name(book, own, last=number == len(ways))
    sheet.freeze_panes(3, 0)


def cell_size(maps: Maps) -> int:
    """The pixels of a cell, so that all maps of a step are on the screen."""
    fitting = (int(room / (size + maps.gap)) for room, size in zip(ROOM, maps.size, strict=True))
    return max(SMALLEST_CELL, min(LARGEST_CELL, *fitting))


def first_sheet(book: Book, last: Way, places: list[Maps], before: Array, found: list[Array], target: int) -> None:
    """The loss and its class, the derivative by every pixel as a picture, and by every weight of the last layer."""
    sentence = "Red: more ink there makes the loss larger, the answer worse. Blue: more ink makes it better."
    title_text = "Backward: what every pixel does to the loss"
    sheet, own = book.page(TITLE, title_text, sentence, PIXELS, (*INK_KEY, *SIGNED_KEY)), places[0]
    for row, height in {2: 22, 3: 20, 4: 20, TOP - 2: 18}.items():
        sheet.set_row_pixels(row, height)
    book.link(sheet, 4, 1, "Draw", "Draw")
    book.link(sheet, 4, 8, title(len(book.steps)), "the way back, layer by layer")
    loss(book, sheet, float(found[-1].ravel()[target] + 1), target)
    image = Maps(TITLE, TOP, LEFT, 1, own.height, own.width, 1)
    for _, y, x in image.places():
        value = float(book.trained.images[FIRST - 1][y, x])
        used = fields()["used"].cell(0, y, x)
        sheet.write_formula(*image.at(0, y, x), f"={used}", book.cell(image, y, x), value)
    book.greys(image, 255)
    book.define("pixel_gradient", TITLE, own.at(0), (own.bottom, own.right))
    grid = weights(book, last, places[-1], before, found[-1].ravel())
    heads = {image: "the image", own: "dE by each pixel, as it is normalised", grid: WEIGHTS}
    for maps, text in heads.items():
        sheet.write_string(maps.top - 2, maps.left, text, book.looks["label_plain"])
        sheet.set_row_pixels(maps.top - 2, 18)
    sheet.set_column_pixels(0, max(grid.right, own.right) + 30, PIXELS, book.looks["plain"])
    sheet.freeze_panes(5, 0)


def loss(book: Book, sheet: Worksheet, chance: float, target: int) -> None:
    """The class whose probability the loss is made of, to be chosen, and the loss."""
    names = book.trained.classes
    sheet.write_string(2, 1, "loss E = −ln of the probability of", book.looks["sentence"])
    sheet.merge_range(2, 34, 2, 43, None, book.looks["pane_edit"])
    text = '="blank: what the picture is, of blank paper the answer. Now “"&INDEX(class_names,1,loss_target)&"”"'
    now = f"blank: what the picture is, of blank paper the answer. Now “{names[target]}”"
    sheet.write_formula(2, 46, text, book.looks["note"], now)
    rule = {**validation.one_of(list(names), "class: not possible", "Take one of the list."), "ignore_blank": True}
    sheet.data_validation(2, 34, 2, 34, rule)
    its = "INDEX(stored_classes,MATCH(picture_shown,stored_pictures,0))"
    default = f"IF(picture_shown>0,MATCH({its},class_names,0),MATCH(MAX(logits),logits,0))"
    formula = f'=IF(ISBLANK(loss_class),{default},MATCH(loss_class&"",class_names,0))'
    sheet.write_formula(3, 46, formula, book.looks["hidden_text"], target + 1)
    sheet.write_string(3, 1, "E", book.looks["sentence"])
    sheet.merge_range(3, 34, 3, 43, None, book.looks["pane_total"])
    formula = "=-LN(INDEX(powers,1,loss_target)/SUM(powers))"
    sheet.write_formula(3, 34, formula, book.looks["pane_total"], -float(np.log(chance)))
    book.define("loss_class", TITLE, (2, 34))
    book.define("loss_target", TITLE, (3, 46))
    book.define("loss", TITLE, (3, 34))


def weights(book: Book, last: Way, after: Maps, before: Array, derivative: Array) -> Maps:
    """Derivative by the class, times what came in: a row for each class, in it the maps that are read."""
    source, classes, row = last.source, after.count, TOP + 28 + 4
    grid = Maps(TITLE, row, LEFT, classes * source.count, source.height, source.width, source.count, source.gap)
    values = (derivative[:, None] * before.reshape(1, -1)).reshape(grid.count, source.height, source.width)
    sheet = book.sheets[TITLE]
    for at, y, x in grid.places():
        owner, channel = divmod(at, source.count)
        formula = f"={after.cell(owner)}*{source.cell(channel, y, x)}"
        sheet.write_formula(*grid.at(at, y, x), formula, book.cell(grid, y, x), values[at, y, x])
    for at, text in enumerate(book.trained.classes):
        sheet.write_string(grid.at(at * source.count)[0], 1, text, book.looks["small"])
    book.define("weight_gradient", TITLE, grid.at(0), (grid.bottom, grid.right))
    book.colours(grid, bound(values), signed=True)
    return grid
