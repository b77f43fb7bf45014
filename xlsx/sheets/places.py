"""Where the picture's units, weights and captions stand: x by layers, y by units, and what that is in pixels."""

from __future__ import annotations

import math
from typing import NamedTuple

from xlsx import formulas
from xlsx.sheets.book import Book

ALONG = (0.3, 0.4, 0.2, 0.5, 0.6, 0.7, 0.8)  # where on its edge a label stands: the first place that is free
MARGIN = 0.02  # of the plot within the chart, as a share
LABEL, TEXT = (88, 16), 66  # pixels that a label takes at most; the width of a weight's
SIDE = 0.35  # room left of the inputs, in layers
TARGET = 8  # a target's width, by the size of its letters
APART = 16  # pixels from the middle of a caption to that of the next above or below
Edge = tuple[str, str, str]  # weight, where from, where to


class Size(NamedTuple):
    """Of the chart, in pixels."""

    width: int
    height: int


class Scale(NamedTuple):
    """Pixels: of a disc across, of one step along x and along y, the size of its letters, the room at the right."""

    disc: int
    x: float
    y: float
    font: int
    right: float


def places(book: Book) -> dict[str, tuple[float, float]]:
    """x and y of every input and unit: a column per layer, each as high as the highest."""
    network = book.network
    layers = [network.input_names, *network.layer_units]
    high = max(map(len, layers))
    return {
        name: (float(x), high / 2 - (number + 0.5) * high / len(layer))
        for x, layer in enumerate(layers)
        for number, name in enumerate(layer)
    }


def edges(book: Book) -> list[Edge]:
    return [
        (w, source.removeprefix("a_"), unit)
        for layer in formulas.layers(book.network)
        for unit, weights in zip(layer.units, layer.weights, strict=True)
        for w, source in zip(weights, layer.sources, strict=True)
    ]


def scale(book: Book, size: Size) -> Scale:
    """Up to eight units stand above each other on one screen. Right of the outputs is room for their targets."""
    high, inside = max(book.network.sizes), 1 - 2 * MARGIN
    step, width = size.height * inside / high, size.width * inside
    disc = min(62, round(0.62 * step))
    font = 10 if disc > 50 else 8 if disc > 36 else 7
    aside = disc / 2 + TARGET * font
    return Scale(disc, (width - aside) / (len(book.network.sizes) - 1 + SIDE), step, font, aside)


def between(book: Book, pixels: Scale, edge: Edge) -> tuple[tuple[float, float], tuple[float, float]]:
    """The two ends of an edge, at the rims of the discs."""
    where = places(book)
    (x, y), (to_x, to_y) = where[edge[1]], where[edge[2]]
    share = (pixels.disc / 2 + 2) / math.hypot((to_x - x) * pixels.x, (to_y - y) * pixels.y)
    move_x, move_y = share * (to_x - x), share * (to_y - y)
    return (x + move_x, y + move_y), (to_x - move_x, to_y - move_y)


def label_places(book: Book, pixels: Scale, found: list[Edge]) -> dict[str, tuple[float, float]]:
    """Where each weight stands on its edge, so that none hides another or lies on a disc."""
    taken: dict[str, tuple[float, float]] = {}
    discs = list(places(book).values())

    def free(x: float, y: float) -> bool:
        return all(
            abs(x - other) * pixels.x > LABEL[0] or abs(y - far) * pixels.y > LABEL[1] for other, far in taken.values()
        )

    def clear(x: float, y: float) -> bool:
        apart = [((abs(x - a) * pixels.x - TEXT / 2), (abs(y - b) * pixels.y - LABEL[1] / 2)) for a, b in discs]
        return all(math.hypot(max(wide, 0), max(high, 0)) >= pixels.disc / 2 for wide, high in apart)

    for edge in found:
        (x, y), (to_x, to_y) = between(book, pixels, edge)
        where = [(x + share * (to_x - x), y + share * (to_y - y)) for share in ALONG]
        best = sorted(where, key=lambda place: (not free(*place), not clear(*place)))
        taken[edge[0]] = best[0]
    return taken


def away(pixels: Scale) -> float:
    """Pixels from the middle of a disc to that of its caption."""
    return pixels.disc / 2 + pixels.font


def under(book: Book, pixels: Scale) -> dict[str, tuple[str, str]]:
    """The bias of a unit, where there is room for it above the name of the next."""
    found: dict[str, tuple[str, str]] = {}
    for layer in formulas.layers(book.network) if pixels.y - 2 * away(pixels) >= APART else ():
        found |= {unit: (b, f"dE/d{b}") for unit, b in zip(layer.units, layer.biases, strict=False)}
    return found


def beside(book: Book) -> dict[str, str]:
    """The target of each output."""
    return dict(zip(book.network.layer_units[-1], book.network.target_names, strict=True))
