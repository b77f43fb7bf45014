"""What `xlsx.check` finds in workbooks with one mistake, and whom it blames: `python -m benchmarks.check`.

Workbooks in random layouts and spellings, one change in each, wrong or harmless (tests/learners.py), and a class of 60.
"""

import random
import tempfile
import time
from pathlib import Path

from benchmarks.record import record
from tests.learners import HARMLESS, WRONG, any_layout
from xlsx.check.check import check

ROUNDS, CLASS, SEED = 50, 60, 2026
Row = tuple[str, str, str, str]


def column(name: str) -> str:
    return name.replace("g", "dE/dw") if name[0] == "g" else name


def wrong_row(kind: str, path: Path, chance: random.Random) -> Row:
    """Found and located to the right column, and right columns blamed, of some workbooks with one mistake."""
    found = blamed = count = 0
    while count < ROUNDS:
        one = WRONG[kind](any_layout(chance), chance)
        if one is None:
            continue
        made, block, name = one
        report = check(made.save(path))
        wrong = {
            (at, each.quantity)
            for at, part in enumerate(report.blocks)
            for each in part.columns
            if each.status == "wrong"
        }
        count, found = count + 1, found + ((block, column(name)) in wrong)
        blamed += len(wrong - {(block, column(name))})
    return kind, f"{found} of {count}", str(blamed), "95 %, 0"


def harmless_row(kind: str, path: Path, chance: random.Random) -> Row:
    """Workbooks called right after a harmless change, and columns blamed in them."""
    right = blamed = 0
    for _ in range(ROUNDS):
        report = check(HARMLESS[kind](any_layout(chance), chance).save(path))
        right += report.status == "right"
        blamed += sum(each.status == "wrong" for block in report.blocks for each in block.columns)
    return f"harmless: {kind}", f"{right} of {ROUNDS}", str(blamed), "all, 0"


def class_row(path: Path, chance: random.Random) -> Row:
    """Seconds for a class of workbooks, half of them with a mistake."""
    seconds, kinds = 0.0, list(WRONG.values())
    for at in range(CLASS):
        one = kinds[at % len(kinds)](any_layout(chance), chance) if at % 2 else None
        (one[0] if one else HARMLESS["another layout"](any_layout(chance), chance)).save(path)
        start = time.perf_counter()
        check(path)
        seconds += time.perf_counter() - start
    return f"a class of {CLASS} workbooks", f"{seconds:.1f} s", "", "60 s"


def main() -> None:
    """Measure, print, and write the section of RESULTS.md."""
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.xlsx"
        rows = [wrong_row(kind, path, chance) for kind in WRONG]
        rows += [harmless_row(kind, path, chance) for kind in HARMLESS]
        rows.append(class_row(path, chance))
    head = ("one change to a right workbook", "found, or right", "right columns blamed", "bar")
    print(record("Mistakes in learners' workbooks", "python -m benchmarks.check", [head, *rows]))


if __name__ == "__main__":
    main()
