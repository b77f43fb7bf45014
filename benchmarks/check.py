"""What `xlsx.check` finds in workbooks with one mistake, and whom it blames: `python -m benchmarks.check`.

Tables of random networks, layouts, titles, conventions and roundings, with one change in each, wrong or harmless
(tests/descents.py); with `--real FOLDER` the same for copies of real workbooks. Located means that the columns called
wrong are exactly those that were changed; a change that Python's own arithmetic finds to alter nothing is not counted.
`--beside FOLDER` is an older checkout, whose check judges the same files.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.pool import Pool
from pathlib import Path
from typing import NamedTuple

from benchmarks.record import record
from tests.descents import HARMLESS, WRONG, Table, any_table, pasted
from tests.real import changed_copies
from xlsx.check.check import check
from xlsx.check.report import as_json

SEEDS, ROUNDS, CLASS, COPIES = (227819, 730903, 558121), 50, 60, 8
Names = set[str]
Job = tuple[str, int, Path]


class Case(NamedTuple):
    """A file, and the columns that are wrong in it beyond those that were wrong before; `base` are these."""

    kind: str
    path: Path
    wrong: Names
    base: Names


class Answer(NamedTuple):
    status: str
    wrong: Names


def made(folder: Path) -> Iterator[Job]:
    """The made-up tables: each kind of mistake and of harmless change, as many of each seed."""
    yield from ((kind, count, folder) for kind in (*WRONG, *HARMLESS, *ABLATIONS) for count in range(ROUNDS))


def case(job: Job) -> Case:
    kind, count, folder = job
    chance = random.Random(f"{SEEDS[count % len(SEEDS)]} {kind} {count}")
    names: Names = set()
    if kind in WRONG:
        table, names = wrong_table(kind, chance)
    elif kind in HARMLESS:
        table = HARMLESS[kind](any_table(chance, deltas=True if "deltas" in kind else None), chance)
    else:
        table = ABLATIONS[kind](any_table(chance, "2-2-2", deltas=False), chance)
    name = "".join(each if each.isalnum() else "-" for each in f"{kind} {count}")
    return Case(kind, table.save(folder / f"{name}.xlsx"), names, set())


def judged(job: Job) -> tuple[Case, Answer]:
    made_case = case(job)
    return made_case, answer(as_json(check(made_case.path)))


def wrong_table(kind: str, chance: random.Random) -> tuple[Table, Names]:
    while True:
        if (found := WRONG[kind](any_table(chance), chance)) is not None:
            return found


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


def answer(report: dict) -> Answer:
    columns = [each for block in report["blocks"] for each in block["columns"]]
    return Answer(report["status"], {each["quantity"] for each in columns if each["status"] == "wrong"})


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


def older(pool: Pool, cases: list[Case], checkout: Path | None) -> dict[Path, Answer]:
    """The older checkout's answers, by file."""
    parts = [cases[at : at + 25] for at in range(0, len(cases) if checkout else 0, 25)]
    answers = pool.starmap(elsewhere, [(part, checkout) for part in parts])
    return {
        case.path: each for part, own in zip(parts, answers, strict=True) for case, each in zip(part, own, strict=True)
    }


def rows(pairs: list[tuple[Case, Answer]], old: dict[Path, Answer]) -> list[tuple[str, ...]]:
    """A row a kind, and one of all mistakes together."""
    groups = {
        kind: [pair for pair in pairs if pair[0].kind == kind] for kind in dict.fromkeys(each.kind for each, _ in pairs)
    }
    found = []
    for kind, chosen in groups.items():
        cases = [each for each, _ in chosen]
        found.append((kind, *figures(cases, [each for _, each in chosen]), *beside_figures(cases, old), bar(kind)))
        print(*found[-1], sep=" | ", flush=True)
    wrong = [pair for pair in pairs if pair[0].wrong]
    cases = [each for each, _ in wrong]
    whole = ("all mistakes", *figures(cases, [each for _, each in wrong]), *beside_figures(cases, old), "97 %, 0")
    print(*whole, sep=" | ", flush=True)
    return [*found, whole]


def beside_figures(cases: list[Case], old: dict[Path, Answer]) -> tuple[str, ...]:
    return figures(cases, [old[each.path] for each in cases]) if old else ()


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
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    asked = parser.parse_args(line)
    command = (
        "python -m benchmarks.check" + " --real FOLDER" * bool(asked.real) + " --beside CHECKOUT" * bool(asked.beside)
    )
    old = ("before: found or right", "before: blamed") if asked.beside else ()
    head = ("one change to a right table", "located, or right", "right columns blamed", *old, "bar")
    with tempfile.TemporaryDirectory() as name, multiprocessing.Pool(asked.jobs) as pool:
        folder = Path(name)
        pairs = pool.map(judged, made(folder), chunksize=5)
        found = rows(pairs, older(pool, [case for case, _ in pairs], asked.beside))
        found.append(class_row(folder, 1 + len(old)))
        record("Mistakes in learners' workbooks", command, [head, *found])
        if asked.real:
            copies = [Case(*each) for each in changed_copies(asked.real, folder, COPIES)]
            pairs = list(zip(copies, pool.map(answered, copies), strict=True))
            head = ("one change to a copy of a real workbook", *head[1:])
            record(
                "Mistakes in copies of real workbooks",
                command,
                [head, *rows(pairs, older(pool, copies, asked.beside))],
            )


def answered(copy: Case) -> Answer:
    return answer(as_json(check(copy.path)))


if __name__ == "__main__":
    main()
