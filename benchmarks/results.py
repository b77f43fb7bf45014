"""How long what Results and Runs show takes in a real LibreOffice Calc: `python -m benchmarks.results`.

Needs what the tests of Calc need: LibreOffice 25.2, Xvfb, openbox. Run it on a machine that does nothing else.
"""

import itertools
import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from benchmarks.calc import STEPS, TIMES, Row, head, lay_out, load, measured, milliseconds, users_folder
from benchmarks.record import record
from cnn import data, runs
from cnn.runs.settings import check_settings
from tests.calc.office import Office, virtual_screen, wait_for
from xlsx.build import build

RUNS, TRAININGS, ROUNDS = 500, 3, 5
SETTINGS = {"model": "tiny", "dataset": "digits", "epochs": 2, "batch_size": 64}
FIELD, ANSWER = "Sheet1.A601:AB628", "Sheet1.A630:J630"


def sheets_after_the_end(office: Office, folder: Path) -> list[Row]:
    """From the line `finished` of a real run until its last sheet, with its pictures, is in the open workbook."""
    key = office.load(str(build(folder / "pictures.xlsx")))
    taken = [after_the_end(office, key, seed) for seed in range(TRAININGS)]
    office.close(key)
    return [("a run's end to its matrix, mistakes and kernels, in a window", *milliseconds(taken), "3000 ms")]


def after_the_end(office: Office, key: int, seed: int) -> float:
    for name, value in (SETTINGS | {"seed": seed}).items():
        office.write(key, f"run_{name}", value)
    office.press(key, "Results", "Train CNN")
    run = wait_for(lambda: ended(seed), timeout=120)
    wait_for(lambda: shown(office, key).endswith(run.folder.name), timeout=60, every=0.02)
    return time.time() - datetime.fromisoformat((run.end or {})["time"]).timestamp()


def ended(seed: int) -> runs.Run | None:
    """The run of this seed, once it has finished."""
    found = [runs.read(folder) for folder in runs.list_runs() if folder.name.endswith("tiny")]
    return found[0] if len(found) == seed + 1 and found[0].is_finished else None


def shown(office: Office, key: int) -> str:
    """The title of the last of a run's sheets."""
    return str(office.read(key, "Layers.A1")[0][0]) if "Layers" in office.sheets(key) else ""


def runs_listed(office: Office, folder: Path) -> list[Row]:
    """From the button's command until all rows are there."""
    for number in range(RUNS):
        finished_run(f"{number:03}")
    key = office.load(str(build(folder / "runs.xlsx")))
    taken = [listed(office, key) for _ in range(TIMES // 3)]
    office.close(key)
    return [(f"List runs, {RUNS} of them", *milliseconds(taken), "1000 ms")]


def listed(office: Office, key: int) -> float:
    office.write(key, "runs_status", "")
    start = time.perf_counter()
    office.command(key, "service:org.backprop.addin.Commands?runs_list")
    wait_for(lambda: str(office.read(key, "runs_status")[0][0]).startswith(f"{len(runs.list_runs())} runs"), every=0.01)
    return time.perf_counter() - start


def finished_run(name: str) -> None:
    """A run of 19 epochs as a trainer leaves it, but for its weights."""
    run = runs.new_folder(name)
    (run / "config.json").write_text(json.dumps(check_settings({})))
    log = runs.Log(run)
    log.write("started", dataset="mnist", model="tuned", epochs=19, batches=235, resumed_from=None)
    for epoch in range(1, 20):
        log.write("epoch", **dict.fromkeys(runs.EPOCH_KEYS, 0.5) | {"epoch": epoch})
    log.write("finished", epoch=19)


def predictions(folder: Path) -> list[Row]:
    """STEP cells alone and while PyTorch loads, in turn: a machine's speed changes. CNN_PREDICT after the first."""
    found = [measured(folder / f"predictions-{number}", timed) for number in range(ROUNDS)]
    alone, beside, answers = (list(itertools.chain.from_iterable(each)) for each in zip(*found, strict=True))
    return [
        (f"{STEPS} STEP cells, alone", *milliseconds(alone), ""),
        (f"{STEPS} STEP cells, while PyTorch loads", *milliseconds(beside), f"{1000 * np.median(alone):.3g} ms"),
        ("CNN_PREDICT after the first, edit to numbers", *milliseconds(answers), "50 ms"),
    ]


def timed(office: Office) -> tuple[list[float], list[float], list[float]]:
    """Seconds of edits: of the rate of STEP cells, the same while PyTorch loads, of a pixel until it is answered."""
    run = next(folder for folder in runs.list_runs() if (folder / "weights.safetensors").exists())
    key = lay_out(office)
    for row in range(11, 11 + STEPS):
        office.array(key, f"Sheet1.A{row}:H{row}", "=BACKPROP_STEP($A$1:$H$1;$A$2:$B$2;$A$3:$B$3;$A$4)")
    office.write(key, "Sheet1.J1", f"=SUM(A11:H{10 + STEPS})")
    office.fill(key, FIELD, data.load("digits").pixels()[0].tolist())
    alone = office.timed_edits(key, "Sheet1.A4", TIMES, "Sheet1.J1", timeout=300)
    office.array(key, ANSWER, f'=CNN_PREDICT({FIELD.partition(".")[2]};"{run.name}")')
    beside = list(while_it_loads(office, key))
    wait_for(lambda: isinstance(office.read(key, ANSWER)[0][0], float), timeout=120)
    answers = office.timed_answers(key, FIELD, TIMES, ANSWER, timeout=300)
    office.close(key)
    return alone, beside, answers


def while_it_loads(office: Office, key: int) -> Iterator[float]:
    """Seconds of edits of the rate, one after the other, of which each ended before PyTorch was loaded."""
    while True:
        seconds = office.timed_edits(key, "Sheet1.A4", 3, "Sheet1.J1", timeout=300)
        if isinstance(office.read(key, ANSWER)[0][0], float):
            return
        yield from seconds


def main() -> None:
    """Measure, print, and write the section of RESULTS.md."""
    with users_folder() as folder, virtual_screen() as display:
        rows = [
            *measured(folder / "end", lambda office: sheets_after_the_end(office, folder), display),
            *predictions(folder),
            *measured(folder / "runs", lambda office: runs_listed(office, folder)),
            (*load(), "", "0"),
        ]
    print(record("Results and Runs in Calc", "python -m benchmarks.results", [head(), *rows]))


if __name__ == "__main__":
    main()
