"""Writes a trained network as plain formulas into a macro-free workbook: every layer a sheet, every number a cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from xlsxwriter import Workbook

from xlsx.files import written
from xlsx.unfold import backward, draw, gradient, images, kernels, layer, overview, predicted, trust
from xlsx.unfold.arithmetic import forward
from xlsx.unfold.book import Book
from xlsx.unfold.kernels import Kernels, bound
from xlsx.unfold.maps import Maps
from xlsx.unfold.steps import Step, fold
from xlsx.unfold.trained import Array, Trained


def write(trained: Trained, path: Path, back: bool = False, macros: Callable[[Workbook], None] | None = None) -> Path:
    """Write it, whole or not at all; with `back` the way back too, which makes the file as large again.

    `macros` gives a .xlsm, whose sheets are written, the macros that its buttons call.

    Raises UnknownLayer for a layer without formulas, PermissionError where the file cannot be written or is open.
    """
    steps = fold(trained.layers)
    passes = [forward(steps, trained.normal(image)) for image in trained.images]
    titles = [draw.TITLE, overview.TITLE, *(Book.layer_title(at + 1) for at in range(len(steps)))]
    titles += [kernels.TITLE, images.TITLE, trust.TITLE, *(backward.titles(steps) if back else [])]
    with written(path, f"{trained.model}, unfolded") as workbook:
        book = Book.begin(workbook, trained, steps, titles, macros is not None)
        fill(book, passes, back)
        if macros:
            macros(workbook)
    return path


def fill(book: Book, passes: list[list[Array]], back: bool) -> None:
    """All sheets; `passes` has what every step gives for each of the images."""
    steps, trained, outs = book.steps, book.trained, passes[draw.FIRST - 1]
    maps, sizes = lay_out(steps, outs)
    placed = place_kernels(steps, maps)
    gallery = images.lay_out(len(trained.images))
    bounds = [bound(np.stack([each[at] for each in passes[::7]])) for at in range(len(outs))]
    draw.write(book, gallery, maps, outs)
    for number in range(1, len(steps) + 1):
        layer.write(book, number, maps, placed[number - 1], sizes[number - 1], outs, bounds[number])
    kernels.write(book, [(at + 1, steps[at], found) for at, found in enumerate(placed) if found])
    images.write(book, gallery)
    trust.write(book, maps[-1], np.stack([each[-1].ravel() for each in passes]), draw.FIRST)
    predicted.write(book, outs[-1].ravel())
    overview.write(book, maps, outs, bounds)
    if back:
        target = int(trained.labels[draw.FIRST - 1])
        backward.write(book, maps, placed, outs, gradient.backward(steps, outs, target), target)


def lay_out(steps: list[Step], outs: list[Array]) -> tuple[list[Maps], list[int]]:
    """Where all maps stand, the normalised image first, and the pixels of a cell on each layer's sheet."""
    maps, sizes = [draw.fields()["normalised"]], []
    for number, (step, reader) in enumerate(zip(steps, [*steps[1:], None], strict=True), 1):
        found, size = layer.lay_out(number, outs[number], step, reader)
        maps.append(found)
        sizes.append(size)
    return maps, sizes


def place_kernels(steps: list[Step], maps: list[Maps]) -> list[Kernels | None]:
    """Where every step's kernels stand, under each other."""
    row, found = kernels.TOP + 2, []
    for step, source, target in zip(steps, maps, maps[1:], strict=False):
        placed = kernels.lay_out(step, source, target, row)
        found.append(placed)
        row = kernels.end(placed) + 2 if placed else row
    return found
