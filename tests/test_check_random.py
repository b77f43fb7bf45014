"""Workbooks of any kind, made by chance: none ends the check with a fault of its own.

`python -m tests.test_check_random 500` tries so many and says how long the slowest took.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import LineChart, Reference
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.worksheet import Worksheet

from tests.descents import any_table
from xlsx.check.check import check
from xlsx.check.report import as_json, text

WERE_FAULTS = (719346881,)  # seeds
FILES = 100
WORDS = ["t1", "i1", "i2", "w1", "w2", "w11", "b1", "h1", "a_h1", "o1", "a_o1", "E1", "E_total", "dE/dw1", "dw2", "lr"]
WORDS += ["x", "y", "out", "Epoch", "η = 0.5", "learning rate", "new w1", "δ_o1", "total", "", "E2", "t2", "o2", "a_o2"]
FORMULAS = ["=A{r}*B{r}+{n}", "=SUM(A:A)", "=1/0", "=#REF!+1", "=INDEX(B:B,ROW())", "=Other!A{r}", "=B{s}-$A$1*C{s}"]
FORMULAS += [
    "=1/(1+EXP(-C{r}))",
    "=LET(z,A{r},z*2)",
    "=IF(A{r}>0,B{r},NA())",
    '=A{r}&"x"',
    "=D{r}",
    "=(",
    "=SUMPRODUCT(A1:C3,B1:D3)",
]
FORMULAS += [
    "=E{s}",
    "=LAMBDA(x,x+1)(A{r})",
    "=AVERAGE(A1:A{r})",
    "={n}%",
    "=A:A*2",
    "=-A{r}^2",
    "=MAX(A{s},0)",
    "=VLOOKUP(A1,A:B,2)",
]


def content(chance: random.Random, row: int) -> object:
    kind = chance.random()
    if kind < 0.35:
        return chance.choice([0, 1, -1, 1e300, -1e-300, round(chance.uniform(-2, 2), chance.randrange(1, 12))])
    if kind < 0.75:
        return chance.choice(FORMULAS).format(r=row, s=max(row - 1, 1), n=chance.random())
    return chance.choice([None, "#VALUE!", "#N/A", True, "0,5", "text", chance.choice(WORDS)])


def scattered(page: Worksheet, chance: random.Random) -> None:
    """A row of titles and whatever comes below it."""
    width, height = chance.randrange(1, 30), chance.randrange(0, 20)
    for column in range(1, width + 1):
        page.cell(1, column, chance.choice(WORDS))
        for row in range(2, height + 2):
            page.cell(row, column, content(chance, row))


def truth_table(page: Worksheet, chance: random.Random) -> None:
    for at, title in enumerate(("x1", "x2", "y"), 1):
        page.cell(1, at, title)
        for row in range(4):
            page.cell(row + 2, at, chance.randrange(2))


def numbers(page: Worksheet, chance: random.Random) -> None:
    for row in range(1, 40):
        for column in range(1, 12):
            page.cell(row, column, chance.gauss(0, 1))


def charts(page: Worksheet, chance: random.Random) -> None:
    chart = LineChart()
    chart.add_data(Reference(page, min_col=1, min_row=1, max_row=5))
    page.add_chart(chart, "B2")


def merged(page: Worksheet, chance: random.Random) -> None:
    scattered(page, chance)
    for _ in range(4):
        row, column = chance.randrange(1, 9), chance.randrange(1, 9)
        page.merge_cells(start_row=row, end_row=row + chance.randrange(3), start_column=column, end_column=column + 2)


def arrays(page: Worksheet, chance: random.Random) -> None:
    scattered(page, chance)
    page["C3"] = ArrayFormula("C3:C6", "=A3:A6*B3:B6")


def empty(page: Worksheet, chance: random.Random) -> None:
    """Nothing at all."""


def broken(page: Worksheet, chance: random.Random) -> None:
    """A learner's table in which some cells are anything."""
    with tempfile.TemporaryDirectory() as folder:
        source = openpyxl.load_workbook(any_table(chance).save(Path(folder) / "a.xlsx")).active
    for row in source.iter_rows():
        for cell in row:
            if chance.random() < 0.97:
                page[cell.coordinate] = cell.value
            else:
                page[cell.coordinate] = content(chance, cell.row)


KINDS: tuple[Callable[[Worksheet, random.Random], None], ...] = (
    *(scattered, scattered, scattered, broken, broken, merged, arrays, numbers, charts, truth_table, empty),
)


def random_workbook(path: Path, seed: int) -> Path:
    chance, book = random.Random(seed), openpyxl.Workbook()
    chance.choice(KINDS)(book.active, chance)
    chance.choice(KINDS)(book.create_sheet("Other"), chance)
    book.save(path)
    return path


def fault(path: Path) -> str:
    """What the check says of a file where that is a fault of its own."""
    report = check(path)
    text(report), as_json(report)
    return report.message if "fault of the check" in report.message else ""


def test_no_random_workbook_is_a_fault_of_the_check(tmp_path: Path) -> None:
    first = random.SystemRandom().randrange(10**9)
    seeds = (*WERE_FAULTS, *range(first, first + FILES))
    found = {seed: fault(random_workbook(tmp_path / "a.xlsx", seed)) for seed in seeds}
    assert {seed: message for seed, message in found.items() if message} == {}


@pytest.mark.parametrize("seed", [226539847, 226539871, 226539929])
def test_new_weights_without_a_step_are_no_fault(seed: int, tmp_path: Path) -> None:
    """Columns of new weights beside weights that stand still, which once were one."""
    assert not fault(random_workbook(tmp_path / "a.xlsx", seed))


def test_two_names_for_others_that_make_no_difference_are_no_fault(tmp_path: Path) -> None:
    assert not fault(random_workbook(tmp_path / "a.xlsx", 356322268))


def main(count: int) -> None:
    first, slowest = random.SystemRandom().randrange(10**9), 0.0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            path = random_workbook(Path(folder) / "a.xlsx", seed)
            start = time.process_time()
            if message := fault(path):
                print(f"seed {seed}: {message}")
            slowest = max(slowest, time.process_time() - start)
    print(f"{count} files, the slowest in {slowest:.1f} s of the processor")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FILES)
