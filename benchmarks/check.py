"""What `xlsx.check` finds in workbooks with one mistake, and whom it blames: `python -m benchmarks.check`.

Tables of random networks, layouts, titles, conventions and roundings, with one change in each, wrong or harmless
(tests/descents.py); with `--real FOLDER` the same for copies of real workbooks. Located means that the columns called
wrong are exactly those that were changed; a change that Python's own arithmetic finds to alter nothing is not counted.
`--beside FOLDER` is an older checkout, whose check judges the same files.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.record import record
from tests.descents import HARMLESS, WRONG, Table, any_table, pasted
from tests.real import changed_copies
from xlsx.check.check import check
from xlsx.check.report import as_json

SEEDS, ROUNDS, CLASS, COPIES = (101, 202, 303), 50, 60, 8
Names = set[str]


class Case(NamedTuple):
    """A file, and the columns that are wrong in it beyond those that were wrong before; `base` are these."""

    kind: str
    path: Path
    wrong: Names
    base: Names


class Answer(NamedTuple):
    status: str
    wrong: Names


def made(folder: Path) -> Iterator[Case]:
    """The made-up tables: each kind of mistake and of harmless change, as many of each seed."""
    for kind in (*WRONG, *HARMLESS):
        for count in range(ROUNDS):
            chance = random.Random(f"{SEEDS[count % len(SEEDS)]} {kind} {count}")
            table, names = wrong_table(kind, chance) if kind in WRONG else (harmless_table(kind, chance), set())
            name = f"{kind} {count}".replace("’", "").replace(" ", "-").replace("'", "")
            yield Case(kind, table.save(folder / f"{name}.xlsx"), names, set())


def wrong_table(kind: str, chance: random.Random) -> tuple[Table, Names]:
    while True:
        if (found := WRONG[kind](any_table(chance), chance)) is not None:
            return found


def harmless_table(kind: str, chance: random.Random) -> Table:
    return HARMLESS[kind](any_table(chance, deltas=True if "deltas" in kind else None), chance)


def no_titles(table: Table) -> Table:
    """Computed columns without a title."""
    table.titles |= dict.fromkeys(table.computed(), " ")
    return table


ABLATIONS: dict[str, Callable[[Table, random.Random], Table]] = {
    "no formulas": lambda table, chance: pasted(table, chance, None, 1.0),
    "no formulas, eight decimals": lambda table, chance: pasted(table, chance, 8, 1.0),
    "no formulas, six decimals": lambda table, chance: pasted(table, chance, 6, 1.0),
    "titles of computed columns removed": lambda table, chance: no_titles(table),
}


def ablated(folder: Path) -> Iterator[Case]:
    for kind, change in ABLATIONS.items():
        for count in range(ROUNDS):
            chance = random.Random(f"{SEEDS[count % len(SEEDS)]} {kind} {count}")
            table = change(any_table(chance, "2-2-2", deltas=False), chance)
            yield Case(f"without: {kind}", table.save(folder / f"{kind}-{count}.xlsx".replace(" ", "-")), set(), set())


def answer(report: dict) -> Answer:
    columns = [each for block in report["blocks"] for each in block["columns"]]
    return Answer(report["status"], {each["quantity"] for each in columns if each["status"] == "wrong"})


def here(cases: list[Case]) -> list[Answer]:
    return [answer(as_json(check(case.path))) for case in cases]


def elsewhere(cases: list[Case], checkout: Path) -> list[Answer]:
    """The answers of another checkout's check; files that it does not answer within a minute are not understood."""
    if not cases:
        return []
    command = [sys.executable, "-m", "xlsx.check", *(str(case.path) for case in cases), "--json"]
    try:
        done = subprocess.run(
            command, cwd=checkout, capture_output=True, encoding="utf-8", timeout=60 + 10 * len(cases)
        )
        found = json.loads(done.stdout)
        return [answer(each) for each in (found if len(cases) > 1 else [found])]
    except (subprocess.TimeoutExpired, ValueError):
        if len(cases) == 1:
            return [Answer("not understood", set())]
        half = len(cases) // 2
        return elsewhere(cases[:half], checkout) + elsewhere(cases[half:], checkout)


def figures(cases: list[Case], answers: list[Answer]) -> tuple[str, str]:
    """Located or judged right, and right columns blamed."""
    blamed = sum(len(each.wrong - case.wrong - case.base) for case, each in zip(cases, answers, strict=True))
    good = sum(is_good(case, each) for case, each in zip(cases, answers, strict=True))
    return f"{good} of {len(cases)}", str(blamed)


def is_good(case: Case, found: Answer) -> bool:
    if not case.wrong and not case.base:
        return found.status == "right"
    return found.wrong - case.base == case.wrong - case.base and case.wrong <= found.wrong


def rows(cases: list[Case], beside: Path | None, bar: Callable[[str], str]) -> list[tuple[str, ...]]:
    """A row a kind, and one of all mistakes together."""
    answers = here(cases)
    kinds = [*dict.fromkeys(case.kind for case in cases)]
    groups = {kind: [at for at, case in enumerate(cases) if case.kind == kind] for kind in kinds}
    groups["all mistakes"] = [at for at, case in enumerate(cases) if case.wrong]
    others: dict[int, Answer] = {}
    found = []
    for kind, chosen in groups.items():
        if chosen:
            here_too = [cases[at] for at in chosen]
            if beside and chosen[0] not in others:
                others |= dict(zip(chosen, elsewhere(here_too, beside), strict=True))
            own = figures(here_too, [answers[at] for at in chosen])
            old = figures(here_too, [others[at] for at in chosen]) if beside else ()
            found.append((kind, *own, *old, bar(kind)))
            print(*found[-1], sep=" | ", flush=True)
    return found


def bar(kind: str) -> str:
    return (
        "97 %, 0" if kind == "all mistakes" else "" if kind in WRONG else "0 blamed" if "without" in kind else "all, 0"
    )


def class_row(folder: Path, columns: int) -> tuple[str, ...]:
    """Seconds for a class of workbooks, half of them with a mistake."""
    kinds, paths = list(WRONG), []
    for at in range(CLASS):
        chance = random.Random(f"class {at}")
        table = wrong_table(kinds[at % len(kinds)], chance)[0] if at % 2 else any_table(chance)
        paths.append(table.save(folder / f"class-{at}.xlsx"))
    start = time.process_time()
    for path in paths:
        check(path)
    return (
        f"a class of {CLASS} workbooks, processor time",
        f"{time.process_time() - start:.1f} s",
        *[""] * columns,
        "5 s",
    )


def main(line: list[str] | None = None) -> None:
    """Measure, print, and write the sections of RESULTS.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="real workbooks, whose copies are changed")
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="an older checkout to compare with")
    asked = parser.parse_args(line)
    command = (
        "python -m benchmarks.check" + " --real FOLDER" * bool(asked.real) + " --beside CHECKOUT" * bool(asked.beside)
    )
    old = ("before: found or right", "before: blamed") if asked.beside else ()
    head = ("one change to a right table", "located, or right", "right columns blamed", *old, "bar")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = rows([*made(folder), *ablated(folder)], asked.beside, bar)
        found.append(class_row(folder, 1 + len(old)))
        record("Mistakes in learners' workbooks", command, [head, *found])
        if asked.real:
            copies = [Case(*each) for each in changed_copies(asked.real, folder, COPIES)]
            head = ("one change to a copy of a real workbook", *head[1:])
            record("Mistakes in copies of real workbooks", command, [head, *rows(copies, asked.beside, bar)])


if __name__ == "__main__":
    main()
