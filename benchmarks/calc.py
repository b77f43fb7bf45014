"""How long cells take in a real LibreOffice Calc: `python -m benchmarks.calc`.

Needs what the tests of Calc need: LibreOffice 25.2. Run it on a machine that does nothing else. It is measured without
a window, so that no painting is in it.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from addin import functions, launch
from addin.calc.bridge import Bridge
from addin.calc.extension import PROJECT, package
from benchmarks.record import record
from cnn import runs
from tests.calc.office import Office

COURSE = (((0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55),), ((0.05, 0.1),), ((0.01, 0.99),))
STEPS, EPOCHS, TIMES = 500, 999.0, 21
Row = tuple[str, str, str, str]
Found = TypeVar("Found")


def milliseconds(seconds: list[float]) -> tuple[str, str]:
    """Median, and range, of some times."""
    low, high = (1000 * edge(seconds) for edge in (min, max))
    return f"{1000 * statistics.median(seconds):.3g} ms", f"{low:.3g} to {high:.3g}"


def times(action: Callable[[], object]) -> list[float]:
    """Seconds of each of TIMES calls, after three that do not count."""
    taken = []
    for _ in range(TIMES + 3):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return taken[3:]


def lay_out(office: Office) -> int:
    """A spreadsheet with the course's numbers; the learning rate is in A4."""
    key = office.load("")
    for row, cells in enumerate(COURSE, 1):
        office.write(key, f"Sheet1.A{row}:{'ABCDEFGH'[len(cells[0]) - 1]}{row}", [list(cells[0])])
    office.write(key, "Sheet1.A4", 0.5)
    return key


def step_in_a_cell(office: Office) -> list[Row]:
    """Many STEP blocks, recalculated by an edit of the learning rate: side by side, and each fed by the one before."""
    side_by_side = many_steps(office, lambda row: "$A$1:$H$1")
    in_a_chain = many_steps(office, lambda row: f"A{row - 1}:H{row - 1}")
    return [
        (f"a 2-2-2 step in a cell ({STEPS} side by side, each)", *side_by_side, "0.3 ms"),
        (f"the same, {STEPS} in a chain", *in_a_chain, ""),
    ]


def many_steps(office: Office, weights: Callable[[int], str]) -> tuple[str, str]:
    """Time for each of STEPS blocks; `weights` gives the range that the block in a row takes its weights from."""
    key = lay_out(office)
    office.array(key, "Sheet1.A10:H10", "=A1:H1*1")
    for row in range(11, 11 + STEPS):
        office.array(key, f"Sheet1.A{row}:H{row}", f"=BACKPROP_STEP({weights(row)};$A$2:$B$2;$A$3:$B$3;$A$4)")
    office.write(key, "Sheet1.J1", f"=SUM(A11:H{10 + STEPS})")  # a cell that nobody asks for is not computed
    taken = office.timed_edits(key, "Sheet1.A4", TIMES, "Sheet1.J1", timeout=300)
    office.close(key)
    return milliseconds([seconds / STEPS for seconds in taken])


def train_as_a_block(office: Office) -> list[Row]:
    """Compute, transfer and cells apart: each is the difference between two medians of this run."""
    arguments = (*COURSE, 0.5, EPOCHS, None, None)
    compute = times(lambda: functions.call("BACKPROP_TRAIN", arguments))
    bridge = Bridge()
    piped = times(lambda: bridge.call("BACKPROP_TRAIN", arguments))
    bridge.end()
    key = lay_out(office)
    office.array(key, "Sheet1.A10:AE1009", f"=BACKPROP_TRAIN(A1:H1;A2:B2;A3:B3;A4;{EPOCHS:.0f})")
    whole = office.timed_edits(key, "Sheet1.A4", TIMES, "Sheet1.AE1009", timeout=300)
    office.close(key)
    medians = [statistics.median(seconds) for seconds in (compute, piped, whole)]
    transfer, cells = (f"{1000 * (b - a):.3g} ms" for a, b in itertools.pairwise(medians))
    return [
        ("BACKPROP_TRAIN, 999 epochs of 2-2-2, edit to block", *milliseconds(whole), "60 ms"),
        ("– of it computing", *milliseconds(compute), ""),
        ("– of it the pipe to the worker and back", transfer, "", ""),
        ("– of it Calc's cells", cells, "", ""),
    ]


def measured(folder: Path, measure: Callable[[Office], Found], display: str = "") -> Found:
    """What a measurement finds in an office of its own, with the extension."""
    folder.mkdir()
    office = Office(folder, runs.home(), display=display)
    try:
        office.install(str(package(folder / "backprop.oxt")))
        office.restart()
        return measure(office)
    finally:
        office.end()


@contextmanager
def users_folder() -> Iterator[Path]:
    """A folder for it all; the user's own is in it."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["BACKPROP_HOME"] = str(Path(name) / "home")
        launch.write_environment(sys.executable, PROJECT)
        yield Path(name)


def head() -> Row:
    """The first row of a table."""
    version = subprocess.run(["soffice", "--version"], capture_output=True, text=True).stdout.split()[1]
    return f"LibreOffice {version}", "median", "range, ms", "bar"


def main() -> None:
    """Measure, print, and write the section of RESULTS.md."""
    with users_folder() as folder:
        rows = [*measured(folder / "steps", step_in_a_cell), *measured(folder / "block", train_as_a_block)]
    print(record("Cells and rows in Calc", "python -m benchmarks.calc", [head(), *rows]))


if __name__ == "__main__":
    main()
