"""How long cells and rows take in a real LibreOffice Calc: `python -m benchmarks.calc`.

Needs what the tests of Calc need: LibreOffice 25.2, Xvfb, openbox. Run it on a machine that does nothing else.
The first two are measured without a window, so that no painting is in them.
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from addin import functions, launch
from addin.calc.bridge import Bridge
from addin.calc.extension import PROJECT, package
from benchmarks.record import record
from cnn import runs
from tests.calc.office import Office, virtual_screen
from xlsx.build import build

COURSE = (((0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55),), ((0.05, 0.1),), ((0.01, 0.99),))
STEPS, EPOCHS, TIMES, LINES = 500, 999.0, 21, 30
Row = tuple[str, str, str, str]


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


def line_to_cell(office: Office, folder: Path) -> list[Row]:
    """From the writing of an epoch's line until the sheet's cell, read from outside, holds it."""
    workbook = build(folder / "backprop.xlsx")
    run = runs.new_folder("reference")
    note = {"command": [], "workbook": workbook.as_uri(), "pid": os.getpid(), "time": "2026-01-01T00:00:00+00:00"}
    (run / "launch.json").write_text(json.dumps(note))
    log, lock = runs.Log(run), runs.Lock(run)
    lock.acquire()
    log.write("started", pid=os.getpid(), dataset="none", model="reference", epochs=LINES, batches=1, resumed_from=None)
    key = office.load(str(workbook))
    office.show(key, "Results")
    taken = [epoch_to_cell(office, key, log, epoch) for epoch in range(1, LINES + 1)]
    lock.release()
    return [("an epoch's line to its cell, in a window", *milliseconds(taken), "100 ms")]


def epoch_to_cell(office: Office, key: int, log: runs.Log, epoch: int) -> float:
    """Seconds from writing one line to seeing its row."""
    time.sleep(0.2)
    written = time.time()
    log.write("epoch", **dict.fromkeys(runs.EPOCH_KEYS, 0.5) | {"epoch": epoch})
    return office.when(key, "run_table", epoch, epoch) - written


def measured(folder: Path, measure: Callable[[Office], list[Row]], display: str = "") -> list[Row]:
    """The rows of a measurement in an office of its own, with the extension."""
    folder.mkdir()
    office = Office(folder, runs.home(), display=display)
    try:
        office.install(str(package(folder / "backprop.oxt")))
        office.restart()
        return measure(office)
    finally:
        office.end()


def main() -> None:
    """Measure, print, and write the section of RESULTS.md."""
    with tempfile.TemporaryDirectory() as name, virtual_screen() as display:
        folder = Path(name)
        os.environ["BACKPROP_HOME"] = str(folder / "home")
        launch.write_environment(sys.executable, PROJECT)
        rows = [
            *measured(folder / "steps", step_in_a_cell),
            *measured(folder / "block", train_as_a_block),
            *measured(folder / "window", lambda office: line_to_cell(office, folder), display),
        ]
    version = subprocess.run(["soffice", "--version"], capture_output=True, text=True).stdout.split()[1]
    head = (f"LibreOffice {version}", "median", "range, ms", "bar")
    print(record("Cells and rows in Calc", "python -m benchmarks.calc", [head, *rows]))


if __name__ == "__main__":
    main()
