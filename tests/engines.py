"""Three spreadsheet programs that compute an unfolded workbook: the logits that each gives for the pictures in it."""

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
from numpy.typing import NDArray
from openpyxl.utils import range_boundaries

from tests.calc.office import Office

Logits = NDArray[np.float64]


def opened(path: Path) -> openpyxl.Workbook:
    """The file as openpyxl reads it, which warns that it knows no data bars."""
    with warnings.catch_warnings(action="ignore"):
        return openpyxl.load_workbook(path)


def place(path: Path, name: str) -> tuple[str, str]:
    """The sheet and the cells of a defined name."""
    ((sheet, cells),) = opened(path).defined_names[name].destinations
    return sheet, cells.replace("$", "")


def calc(office: Office, path: Path, pictures: list[int]) -> Iterator[Logits]:
    """LibreOffice: the file is opened once, and the number of the picture is typed into it."""
    key = office.load(str(path), timeout=120)
    try:
        office.calculate(key, timeout=120)
        for picture in pictures:
            office.write(key, "picture", picture, timeout=120)
            yield np.array(office.read(key, "logits", timeout=120)[0])
    finally:
        office.close(key)


def gnumeric(path: Path, pictures: list[int], folder: Path) -> Iterator[Logits]:
    """Gnumeric's converter: it opens the file anew for each picture, sets its number and computes everything."""
    (draw, cell), (sheet, cells) = place(path, "picture"), place(path, "logits")
    first, row, last, _ = range_boundaries(cells)
    out = folder / "gnumeric.csv"
    for picture in pictures:
        wanted = ["--set", f"{draw}!{cell}={picture}", "--recalc", "-T", "Gnumeric_stf:stf_assistant"]
        options = ["-O", f"sheet={sheet} separator=;"]
        subprocess.run(["ssconvert", *wanted, *options, path, out], check=True, capture_output=True, timeout=300)
        values = out.read_text("utf-8").splitlines()[row - 1].split(";")
        yield np.array([float(value) for value in values[first - 1 : last]])


def formualizer(path: Path, pictures: list[int]) -> Iterator[Logits]:
    """The engine formualizer, in this process."""
    from formualizer import Workbook

    (draw, cell), (sheet, cells) = place(path, "picture"), place(path, "logits")
    column, line, _, _ = range_boundaries(cell)
    first, row, last, _ = range_boundaries(cells)
    book = Workbook.from_path(str(path))
    for picture in pictures:
        book.set_value(draw, line, column, picture)
        book.evaluate_all()
        yield np.array([book.get_value(sheet, row, each) for each in range(first, last + 1)])


def has_gnumeric() -> bool:
    return shutil.which("ssconvert") is not None
