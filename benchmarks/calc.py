"""How long cells take in a real LibreOffice Calc, beside the same done in its own process: `python -m benchmarks.calc`.

Needs what the tests of Calc need: LibreOffice 25.2, Xvfb, openbox. Run it on a machine that does nothing else. Cells
are measured without a window, so that no painting is in it; an epoch's line in one.
"""

import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from addin import functions, launch
from addin.calc.bridge import Bridge
from addin.calc.extension import PROJECT, package
from benchmarks import yardsticks
from benchmarks.record import record
from benchmarks.yardsticks import PLAIN, SERVICE
from cnn import runs
from tests.calc.office import Office, virtual_screen
from xlsx.build import build

COURSE = (((0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55),), ((0.05, 0.1),), ((0.01, 0.99),))
STEP, STEPS, EPOCHS, TIMES, ROUNDS = "BACKPROP_STEP", 500, 999.0, 21, 3
BLOCK, BESIDE, ASIDE = "A10:AE1009", "BA10:CE1009", "Results.BA1:BB1"
LINES, APART = 30, 1.0  # seconds between epochs, which take longer on MNIST
COLUMNS = ("beside it, in turn", "ratio", "must", "aim")
NOTHING = ("", "", "", "", "")  # is measured beside it
Row = tuple[str, str, str, str]
Compared = tuple[str, str, str, str, str, str, str]
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


def step_in_a_cell(office: Office) -> list[Compared]:
    """Many STEP blocks, recalculated by an edit of the learning rate: side by side, and each fed by the one before."""
    side_by_side = {name: many_steps(office, name, lambda row: "$A$1:$H$1") for name in (STEP, PLAIN)}
    agree(*(office.read(key, "Sheet1.A11:H11")[0] for key in side_by_side.values()))
    chain = many_steps(office, STEP, lambda row: f"A{row - 1}:H{row - 1}")
    ours, plain = in_turn(*(lambda key=key: edits(office, key) for key in side_by_side.values()))
    label = f"a 2-2-2 step in a cell ({STEPS} side by side, each)"
    return [
        compared(label, ours, plain, "the same step in pure Python, in the office", "5", "3"),
        alone(f"the same, {STEPS} in a chain", edits(office, chain)),
    ]


def many_steps(office: Office, function: str, weights: Callable[[int], str]) -> int:
    """A document with STEPS blocks; `weights` gives the range that the block in a row takes its weights from."""
    key = lay_out(office)
    office.array(key, "Sheet1.A10:H10", "=A1:H1*1")
    for row in range(11, 11 + STEPS):
        office.array(key, f"Sheet1.A{row}:H{row}", f"={function}({weights(row)};$A$2:$B$2;$A$3:$B$3;$A$4)")
    office.write(key, "Sheet1.J1", f"=SUM(A11:H{10 + STEPS})")  # a cell that nobody asks for is not computed
    return key


def edits(office: Office, key: int) -> list[float]:
    """Seconds for each of STEPS blocks, from edits of the learning rate."""
    return [seconds / STEPS for seconds in office.timed_edits(key, "Sheet1.A4", TIMES, "Sheet1.J1", timeout=300)]


def train_as_a_block(office: Office) -> list[Compared]:
    """Compute, transfer and cells apart: each is the difference between two medians of this run."""
    arguments = (*COURSE, 0.5, EPOCHS, None, None)
    compute = times(lambda: functions.call("BACKPROP_TRAIN", arguments))
    bridge = Bridge()
    piped = times(lambda: bridge.call("BACKPROP_TRAIN", arguments))
    bridge.end()
    key = lay_out(office)
    office.array(key, f"Sheet1.{BLOCK}", f"=BACKPROP_TRAIN(A1:H1;A2:B2;A3:B3;A4;{EPOCHS:.0f})")
    whole, written = in_turn(
        lambda: office.timed_edits(key, "Sheet1.A4", TIMES, "Sheet1.AE1009", timeout=300),
        lambda: office.job(f"{SERVICE}.WriteBlock", key, f"Sheet1.{BLOCK}", f"Sheet1.{BESIDE}", TIMES, timeout=300),
    )
    agree(*(itertools.chain.from_iterable(office.read(key, f"Sheet1.{each}")) for each in (BLOCK, BESIDE)))
    medians = [statistics.median(seconds) for seconds in (compute, piped, whole)]
    transfer, cells = (f"{1000 * (b - a):.3g} ms" for a, b in itertools.pairwise(medians))
    label = f"BACKPROP_TRAIN, {EPOCHS:.0f} epochs of 2-2-2, edit to block"
    return [
        compared(label, whole, written, "its numbers by setDataArray, in the office", "1.7", "1.3"),
        alone("– of it computing", compute),
        ("– of it the pipe to the worker and back", transfer, *NOTHING),
        ("– of it Calc's cells", cells, *NOTHING),
    ]


def line_to_cell(office: Office, folder: Path) -> list[Compared]:
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
    pairs = [
        (epoch_to_cell(office, key, log, epoch), bare_callback(office, key, epoch)) for epoch in range(1, LINES + 1)
    ]
    lock.release()
    office.close(key)
    ours, bare = map(list, zip(*pairs, strict=True))
    return [
        compared("an epoch's line to its cell, in a window", ours, bare, "a number by a bare AsyncCallback", "", "")
    ]


def epoch_to_cell(office: Office, key: int, log: runs.Log, epoch: int) -> float:
    """Seconds from writing one line to seeing its row."""
    time.sleep(APART)
    written = time.time()
    log.write("epoch", **dict.fromkeys(runs.EPOCH_KEYS, 0.5) | {"epoch": epoch})
    seen: float = office.when(key, "run_table", epoch, epoch)
    return seen - written


def bare_callback(office: Office, key: int, number: int) -> float:
    """Seconds from posting a callback, in the office, to seeing the number that it writes into the same sheet."""
    time.sleep(APART)
    office.job(f"{SERVICE}.Post", key, ASIDE, number)
    seen: float = office.when(key, ASIDE, 0, number)
    ((_, posted),) = office.read(key, ASIDE)
    return seen - posted


# --- beside what ---------------------------------------------------------------------------------------------------


def in_turn(*measurements: Callable[[], list[float]]) -> tuple[list[float], ...]:
    """What each has measured, in ROUNDS by turns: a machine's speed changes."""
    rounds = [[measure() for measure in measurements] for _ in range(ROUNDS)]
    return tuple(list(itertools.chain.from_iterable(found)) for found in zip(*rounds, strict=True))


def beside(measure: Callable[[Office], Found], folder: Path) -> Callable[[Office], Found]:
    """The same measurement in an office that has the yardsticks too."""

    def measured_beside(office: Office) -> Found:
        office.install(str(yardsticks.package(folder / "yardsticks.oxt")))
        office.restart()
        return measure(office)

    return measured_beside


def agree(ours: Iterable[float], theirs: Iterable[float]) -> None:
    """Raise ValueError where what is measured does not compute the same."""
    if not all(math.isclose(a, b, rel_tol=1e-12) for a, b in zip(ours, theirs, strict=True)):
        raise ValueError("the yardstick computes other numbers")


def compared(label: str, ours: list[float], theirs: list[float], what: str, must: str, aim: str) -> Compared:
    ratio = statistics.median(ours) / statistics.median(theirs)
    return (label, *milliseconds(ours), f"{milliseconds(theirs)[0]}: {what}", f"{ratio:.2f}", must, aim)


def alone(label: str, seconds: list[float]) -> Compared:
    return (label, *milliseconds(seconds), *NOTHING[1:])


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


def load() -> tuple[str, str]:
    """How a row begins that says what else the machine did."""
    return "what else the machine did: its load in the last 5 minutes", f"{os.getloadavg()[1]:.1f}"


def head() -> Row:
    """The first row of a table."""
    version = subprocess.run(["soffice", "--version"], capture_output=True, text=True).stdout.split()[1]
    return f"LibreOffice {version}", "median", "range, ms", "bar"


def main() -> None:
    """Measure, print, and write the section of RESULTS.md."""
    with users_folder() as folder, virtual_screen() as display:
        rows = [
            *measured(folder / "steps", beside(step_in_a_cell, folder)),
            *measured(folder / "block", beside(train_as_a_block, folder)),
            *measured(folder / "line", beside(lambda office: line_to_cell(office, folder), folder), display),
            (*load(), *NOTHING),
        ]
    print(record("Cells and rows in Calc", "python -m benchmarks.calc", [(*head()[:3], *COLUMNS), *rows]))


if __name__ == "__main__":
    main()
