"""Copies of real workbooks with one mistake more: their layouts, titles and rounding, with a formula of one column
changed. Python's own arithmetic works out every cell, as a referee of whether a change alters any number."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator
from pathlib import Path

import openpyxl
from openpyxl.formula.translate import Translator
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from xlsx.check import files, table
from xlsx.check.check import check

CELL = re.compile(r"(?<![A-Za-z!'])(\$?)([A-Z]{1,3})(\$?)(\d+)(?![\d(])")
KNOWN = {"EXP": math.exp, "POWER": math.pow, "SQRT": math.sqrt, "LN": math.log, "ABS": abs}


class Values:
    """The numbers of a sheet by Python's own arithmetic; None where a formula is more than arithmetic."""

    def __init__(self, page: Worksheet):
        self.page, self.found = page, {}

    def at(self, cell: str) -> float | None:
        if cell not in self.found:
            self.found[cell] = None
            content = self.page[cell].value
            if isinstance(content, str) and content.startswith("="):
                self.found[cell] = self.of(content)
            elif content is None or isinstance(content, (int, float)):
                self.found[cell] = float(content or 0)
        return self.found[cell]

    def of(self, formula: str) -> float | None:
        text = CELL.sub(lambda found: f'at("{found[2]}{found[4]}")', formula[1:]).replace("^", "**")
        try:
            return float(eval(text, KNOWN | {"SUM": lambda *x: sum(x), "at": self.at}))  # a test's own formulas
        except (ArithmeticError, SyntaxError, NameError, TypeError, ValueError, RecursionError):
            return None


def changes(formula: str, chance: random.Random) -> tuple[str, str] | None:
    """A kind of mistake and the formula with it."""
    kind = chance.choice(list(KINDS))
    changed = KINDS[kind](formula, chance)
    return (kind, changed) if changed and changed != formula else None


def spot(pattern: str, formula: str, chance: random.Random) -> re.Match[str] | None:
    spots = [*re.finditer(pattern, formula)]
    return chance.choice(spots) if spots else None


def put(formula: str, found: re.Match[str] | None, text: str) -> str | None:
    return formula[: found.start()] + text + formula[found.end() :] if found else None


def swapped(formula: str, chance: random.Random) -> str | None:
    found = spot(CELL.pattern, formula, chance)
    if found is None or found[3]:
        return None
    column = column_index_from_string(found[2]) + chance.choice([-2, -1, 1, 2])
    return put(formula, found, f"{found[1]}{get_column_letter(max(column, 1))}{found[4]}")


def bare(formula: str, chance: random.Random) -> str | None:
    found = spot(r"(?<![A-Z])\(([^()]*)\)", formula, chance)
    return put(formula, found, found[1]) if found else None


def other_sign(formula: str, chance: random.Random) -> str | None:
    found = spot(r"(?<![(,=E])[+-](?!\d)", formula, chance)
    return put(formula, found, "-" if found and found[0] == "+" else "+")


KINDS = {
    "a factor dropped": lambda formula, chance: put(formula, spot(r"\*\$?[A-Z]+\$?\d+", formula, chance), ""),
    "a reference swapped": swapped,
    "a sign changed": other_sign,
    "parentheses removed": bare,
}


def changed_copies(folder: Path, out: Path, count: int) -> Iterator[tuple[str, Path, set[str], set[str]]]:
    """(kind, copy, changed column, columns wrong before) for so many changes to each workbook that is understood."""
    for source in sorted(folder.rglob("*.xlsx")):
        report = check(source)
        if report.status == "not understood" or "pasted" in source.name:
            continue
        base = {each.quantity for block in report.blocks for each in block.columns if each.status == "wrong"}
        chance, made, tries = random.Random(source.name), 0, 0
        while made < count and tries < 40 * count:
            tries += 1
            if (found := changed_copy(source, out / f"{source.stem}-{made}.xlsx", base, chance)) is not None:
                made += 1
                yield found[0], out / f"{source.stem}-{made - 1}.xlsx", {found[1]}, base


def changed_copy(source: Path, target: Path, base: set[str], chance: random.Random) -> tuple[str, str] | None:
    """One column of one table with another formula in all its rows; None where that changes nothing."""
    block = chance.choice(table.find(files.read(source)))
    book = openpyxl.load_workbook(source)
    page = book[block.sheet.name]
    names = [name for name in block.lines if name not in base and not re.fullmatch(r"[ti]\d|epoch|learning_rate", name)]
    name = chance.choice(names)
    line, first = block.lines[name], 1 if re.fullmatch(r"[wb]\d+", name) else 0
    cells = [f"{get_column_letter(line)}{row}" for row in block.steps[first:]]
    formula = page[cells[0]].value if cells else None
    found = changes(formula, chance) if isinstance(formula, str) and formula.startswith("=") else None
    if found is None:
        return None
    kind, text = found
    new = {cell: Translator(text, cells[0]).translate_formula(cell) for cell in cells}
    values = Values(page)
    pairs = [(values.at(cell), values.of(each)) for cell, each in new.items()]
    if any(None in pair for pair in pairs) or not any(
        abs(one - other) > 1e-6 * abs(one) + 1e-13 for one, other in pairs
    ):
        return None
    for cell, each in new.items():
        page[cell] = each
    book.save(target)
    return kind, name
