"""Writes backprop.xlsx and .xlsm: `python -m xlsx.build [--network SPEC] [--preset NAME] [--out DIR] [--force]`.

The same machine writes the same bytes for the same network. The .xlsx has no macros; it opens anywhere, and where the
cell functions are installed its Python columns answer. The .xlsm has the same sheets, and macros for Excel here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pyfuncs.network import Network, NetworkError
from pyfuncs.presets import starting_point
from xlsx.files import written
from xlsx.sheets import backward, forward, learning_rates, network, results, start, style
from xlsx.sheets.cells import Book

FILE_NAME, EXCEL_NAME = "backprop.xlsx", "backprop.xlsm"
SHEETS = (start, network, forward, backward, learning_rates, results)
WRITING_ORDER = (network, forward, backward, learning_rates, results, start)  # a sheet reads what stands before it
MAX_WEIGHTS = 250
TRAINING = "Each epoch becomes a row while the training runs. It goes on when this workbook is closed."


def build(path: Path, spec: str = "2-2-2", preset: str | None = None) -> Path:
    """Write the workbook of a network text to `path`, from a preset's numbers or the network's default ones.

    A path that ends with .xlsm gets macros. Raises NetworkError for a text or a preset that does not fit,
    PermissionError where the file cannot be written.
    """
    described = Network.parse(spec)
    if described.weight_count > MAX_WEIGHTS:
        count = f"{described.text} has {described.weight_count} weights"
        raise NetworkError(f"{count}; a workbook shows at most {MAX_WEIGHTS}")
    begin = starting_point(described, preset)
    with written(path, f"Backpropagation, {described.text}") as workbook:
        book = Book(workbook, described, begin, style.formats(workbook), macros=path.suffix == ".xlsm")
        write_sheets(book)
        if book.macros:
            from addin.excel import project

            project.add_to(workbook)
    return path


def write_sheets(book: Book) -> None:
    titles = subtitles(book)
    for module in SHEETS:
        sheet = book.workbook.add_worksheet(module.TITLE)
        style.page(sheet, *titles[module.TITLE], book.looks, module.WIDTHS, module is learning_rates)
    for module in WRITING_ORDER:
        module.write(book)


def subtitles(book: Book) -> dict[str, tuple[str, str]]:
    """The title and the line under it of every sheet."""
    text = book.network.text
    return {
        start.TITLE: ("Backpropagation, step by step", f"Network {text}: formulas, native cells and Python."),
        network.TITLE: ("Network", "What goes in. Every other sheet follows these cells."),
        forward.TITLE: ("Forward pass", f"Network {text}: from the inputs to E_total."),
        backward.TITLE: ("Backward pass", f"Network {text}: dE stands for the change of E_total."),
        learning_rates.TITLE: ("Learning rates", f"Network {text}: {learning_rates.EPOCHS} updates at six rates."),
        results.TITLE: ("Results: a convolutional network reads digits", TRAINING),
    }


def arguments(line: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m xlsx.build", description=f"Write {FILE_NAME} and {EXCEL_NAME} for a network."
    )
    parser.add_argument("--network", default="2-2-2", help='network text, such as "2-3-1 tanh bias" (default: 2-2-2)')
    parser.add_argument("--preset", help="starting point, such as seed or course (default: the network's own)")
    parser.add_argument("--out", type=Path, default=Path(), help="folder to write into (default: this one)")
    parser.add_argument("--force", action="store_true", help="replace workbooks that are there")
    return parser.parse_args(line)


def main(line: list[str] | None = None) -> int:
    """0 when the workbooks are written; 2, with one line, when they are not."""
    asked = arguments(line)
    paths = [asked.out / name for name in (FILE_NAME, EXCEL_NAME)]
    there = [path for path in paths if path.exists()]
    if there and not asked.force:
        print(f"{there[0]} may hold your edits: choose another --out, or --force to replace it", file=sys.stderr)
        return 2
    try:
        for path in paths:
            print(build(path, asked.network, asked.preset))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
