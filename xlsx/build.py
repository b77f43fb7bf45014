"""Writes backprop.xlsx: `python start.py build [--network SPEC] [--preset NAME] [--out DIR] [--force]`.

The same machine writes the same bytes for the same network. The .xlsx has no macros; it opens anywhere, and where the
cell functions are installed its Python columns answer. Whoever has macros for the same sheets hands them to `build`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from xlsxwriter import Workbook

from pyfuncs.network import Network, NetworkError
from pyfuncs.presets import PRESETS, Preset, starting_point
from xlsx import chains, contract, state_text
from xlsx.files import written
from xlsx.sheets import (
    backward,
    batch,
    exercise,
    forward,
    gradient_check,
    learning_rates,
    network,
    optimizers,
    picture,
    results,
    runs,
    spot_the_mistake,
    start,
    style,
    training_log,
)
from xlsx.sheets.book import Book, PythonBlock

Macros = Callable[[Workbook, list[PythonBlock]], None]
NO_MACROS: Mapping[str, Macros | None] = {".xlsx": None}

FILE_NAME, EXERCISE_NAME = "backprop.xlsx", "exercise.xlsx"


class Sheet(Protocol):
    """A module of xlsx.sheets."""

    TITLE: str

    @property
    def WIDTHS(self) -> Sequence[float]: ...

    def heading(self, book: Book) -> style.Heading: ...

    def place(self, book: Book) -> None: ...

    def write(self, book: Book) -> None: ...


SHEETS: tuple[Sheet, ...] = (
    start,
    network,
    batch,
    picture,
    forward,
    backward,
    gradient_check,
    learning_rates,
    optimizers,
    training_log,
    spot_the_mistake,
    results,
    runs,
)
MAX_WEIGHTS = 250
MAX_CELLS = 150_000  # about what opens in a few seconds
EPOCHS, MAX_EPOCHS, FEWEST_EPOCHS = 100, 1_000, 10


def build(
    path: Path,
    spec: str | None = None,
    preset: str | None = None,
    *,
    state: str | None = None,
    epochs: int | None = None,
    exercise: bool = False,
    macros: Macros | None = None,
) -> Path:
    """Write the workbook of a network text to `path`, from a preset's numbers or the network's default ones.

    `state` is a line from Network's cell of that name, in place of both. With `macros`, which gives a workbook whose
    sheets are written its macros and is told which blocks Python answers, the path ends with .xlsm.
    Raises NetworkError for a text or a preset that does not fit, PermissionError where the file cannot be written.
    """
    start, optimizer = begin(spec, preset, state)
    network = shown(start.network)
    with written(path, f"Backpropagation, {network.text}") as workbook:
        book = Book(workbook, network, start, style.formats(workbook), macros=macros is not None)
        book.optimizer, book.exercise = optimizer, exercise
        book.epochs = epochs or shown_epochs(network, len(start.inputs))
        write_sheets(book)
        workbook.set_custom_property(contract.LAYOUT_PROPERTY, contract.LAYOUT)
        if macros:
            macros(workbook, python_blocks(book))
    return path


def shown(text: str) -> Network:
    """The network of a text. Raises NetworkError for one that is too large to be shown."""
    network = Network.parse(text)
    if network.weight_count > MAX_WEIGHTS:
        count = f"{network.text} has {network.weight_count} weights"
        raise NetworkError(f"{count}; a workbook shows at most {MAX_WEIGHTS}")
    return network


def python_blocks(book: Book) -> list[PythonBlock]:
    """The blocks that Python answers, sheet by sheet."""
    titles = [sheet.name for sheet in book.workbook.worksheets()]
    return sorted(book.python_blocks, key=lambda block: titles.index(block.sheet))


def begin(spec: str | None, preset: str | None, state: str | None) -> tuple[Preset, str]:
    """The start and the optimizer. A preset without a network text brings its own."""
    if state is not None:
        return state_text.read(state)
    known = PRESETS.get((preset or "").strip().lower())
    text = spec or (known.network if known else "2-2-2")
    return starting_point(Network.parse(text), preset), "sgd"


def shown_epochs(network: Network, samples: int) -> int:
    """A hundred, or as many as leave a large network's workbook quick to open."""
    columns = len(chains.state(network, samples)) + network.weight_count
    cells = (len(learning_rates.RATES) + len(optimizers.SETTINGS) + 1) * columns + 6 * network.weight_count
    return max(FEWEST_EPOCHS, min(EPOCHS, MAX_CELLS // cells))


def write_sheets(book: Book) -> None:
    """Every sheet first says where its quantities stand; then all are written."""
    modules = sheets(book)
    for module in modules:
        sheet = book.workbook.add_worksheet(module.TITLE)
        style.page(sheet, module.heading(book), book.looks, module.WIDTHS)
    if book.exercise:
        book.workbook.add_worksheet(contract.KEY).very_hidden()
        for title in exercise.HIDDEN:
            if sheet := book.sheet(title):
                sheet.hide()
    for module in modules:
        module.place(book)
    for module in modules:
        module.write(book)


def sheets(book: Book) -> list[Sheet]:
    """The sheets in their order; one sample needs no sheet of samples."""
    return [module for module in SHEETS if module is not batch or book.samples > 1]


def arguments(line: list[str] | None, kinds: Mapping[str, Macros | None]) -> argparse.Namespace:
    files = " and ".join(str(Path(FILE_NAME).with_suffix(suffix)) for suffix in kinds)
    parser = argparse.ArgumentParser(prog="python start.py build", description=f"Write {files} for a network.")
    parser.add_argument("--network", help='network text, such as "2-3-1 tanh bias" (default: the preset\'s, or 2-2-2)')
    parser.add_argument("--preset", help="starting point, such as seed or xor (default: the network's own)")
    parser.add_argument("--state", help="a line from the cell of Network that holds all of it, in place of both")
    parser.add_argument("--epochs", type=epochs, help=f"rows of every descent, up to {MAX_EPOCHS} (default: {EPOCHS})")
    parser.add_argument("--exercise", action="store_true", help="leave the answers blank, to be filled in and checked")
    parser.add_argument("--out", type=Path, default=Path(), help="folder to write into (default: this one)")
    parser.add_argument("--force", action="store_true", help="replace a workbook that is there")
    return parser.parse_args(line)


def epochs(text: str) -> int:
    """An option's whole number from FEWEST_EPOCHS to MAX_EPOCHS."""
    if not text.isascii() or not text.isdigit() or not FEWEST_EPOCHS <= int(text[:9]) <= MAX_EPOCHS:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from {FEWEST_EPOCHS} to {MAX_EPOCHS}")
    return int(text)


def main(line: list[str] | None = None, kinds: Mapping[str, Macros | None] = NO_MACROS) -> int:
    """Write a workbook of each kind, which is a suffix with its macros.

    0 when the workbooks are written; 2, with one line, when they are not.
    """
    asked = arguments(line, kinds)
    name = Path(EXERCISE_NAME if asked.exercise else FILE_NAME)
    paths = {asked.out / name.with_suffix(suffix): macros for suffix, macros in kinds.items()}
    if (there := next(filter(Path.exists, paths), None)) and not asked.force:
        print(f"{there} may hold your edits: choose another --out, or --force to replace it", file=sys.stderr)
        return 2
    options = {"state": asked.state, "epochs": asked.epochs, "exercise": asked.exercise}
    try:
        for path, macros in paths.items():
            print(build(path, asked.network, asked.preset, **options, macros=macros))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
