"""How long Check this workbook takes in a window of a real LibreOffice Calc: `python -m benchmarks.marks`.

Needs what the tests of Calc need: LibreOffice 25.2, Xvfb, openbox. Run it on a machine that does nothing else.
"""

import time
from pathlib import Path

from benchmarks.calc import Row, head, measured, milliseconds, users_folder
from benchmarks.record import record
from tests import learners
from tests.calc.office import COMMAND, Office, virtual_screen, wait_for
from xlsx.contract import CHECK

RATES, ROWS, TIMES = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0), 59, 7


def press_to_report(office: Office, path: Path) -> list[Row]:
    """From the command until the marks and the report are there, and until Clear marks has taken them away."""
    key = office.load(str(path), timeout=120)
    checks, clears = zip(*(one_check(office, key) for _ in range(TIMES)), strict=True)
    return [
        (f"{len(RATES)} rates of {ROWS} rows, a mistake in each: press to report", *milliseconds([*checks]), "3 s"),
        ("Clear marks", *milliseconds([*clears]), ""),
    ]


def one_check(office: Office, key: int) -> tuple[float, float]:
    """Seconds of a check, and of Clear marks after it."""
    start = time.perf_counter()
    office.command(key, COMMAND + CHECK["Check this workbook"])
    wait_for(lambda: len(office.sheets(key)) > 1, every=0.01)
    there = time.perf_counter()
    office.command(key, COMMAND + CHECK["Clear marks"])
    return there - start, time.perf_counter() - there


def main() -> None:
    """Measure, print, and write the section of RESULTS.md."""
    wrong = learners.formulas()["g1"].replace("w7", "w8")
    made = learners.make(learners.Layout(rows=ROWS, rates=RATES, texts=(("g1", wrong),)))
    with users_folder() as folder, virtual_screen() as display:
        path = made.save(folder / "class.xlsx")
        rows = measured(folder / "office", lambda office: press_to_report(office, path), display)
    print(record("A check in Calc", "python -m benchmarks.marks", [head(), *rows]))


if __name__ == "__main__":
    main()
