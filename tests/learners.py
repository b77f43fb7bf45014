"""Workbooks as learners make them: right ones in many layouts and spellings, and changes to them, wrong and harmless.

Formulas are written over names (g1 is dE/dw1, w1' is w1 of the row before) and laid out with openpyxl, which stores no
values, as in a file that was never calculated; Python's own arithmetic says whether a change alters what is computed.
"""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import openpyxl
from openpyxl.utils import get_column_letter

from pyfuncs.descent import train_table
from pyfuncs.network import Network

NETWORK = Network((2, 2, 2))
GIVEN = ["t1", "t2", "i1", "i2"]
WEIGHTS = [f"w{n}" for n in range(1, 9)]
SLOPES = [f"g{n}" for n in range(1, 9)]
UNITS = ["h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2"]
ERRORS = ["E1", "E2", "E_total"]
EXERCISE = [*GIVEN, *WEIGHTS[:4], *UNITS[:4], *WEIGHTS[4:], *UNITS[4:], *ERRORS, *SLOPES]
START = (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55)
D1, D2 = "(a_o1-t1)*a_o1*(1-a_o1)", "(a_o2-t2)*a_o2*(1-a_o2)"


def formulas() -> dict[str, str]:
    """The exercise's own formulas."""
    found = {
        "h1": "w1*i1+w2*i2",
        "h2": "w3*i1+w4*i2",
        "o1": "w5*a_h1+w6*a_h2",
        "o2": "w7*a_h1+w8*a_h2",
        "E1": "0.5*(t1-a_o1)^2",
        "E2": "0.5*(t2-a_o2)^2",
        "E_total": "E1+E2",
        "g5": f"{D1}*a_h1",
        "g6": f"{D1}*a_h2",
        "g7": f"{D2}*a_h1",
        "g8": f"{D2}*a_h2",
    }
    found |= {f"a_{z}": f"1/(1+EXP(-{z}))" for z in ("h1", "h2", "o1", "o2")}
    for n, (h, i, w, v) in enumerate(
        [("h1", "i1", "w5", "w7"), ("h1", "i2", "w5", "w7"), ("h2", "i1", "w6", "w8"), ("h2", "i2", "w6", "w8")], 1
    ):
        found[f"g{n}"] = f"({D1}*{w}+{D2}*{v})*a_{h}*(1-a_{h})*{i}"
    return found | {f"w{n}": f"w{n}'-RATE*g{n}'" for n in range(1, 9)}


SPELLINGS = {
    "plain": lambda name: name.replace("g", "dE/dw") if re.fullmatch(r"g\d", name) else name,
    "round": lambda name: re.sub(r"^g", "∂E/∂w", name).replace("a_", "a").replace("E_total", "Etotal"),
    "total": lambda name: re.sub(r"^g", "∂E_t/∂W", name).replace("w", "W").replace("E_total", "E_tot"),
    "out": lambda name: re.sub(r"^g", "dE_total/dw", name).replace("a_", "out_").replace("E_total", "Total Error"),
    "delta": lambda name: (
        re.sub(r"^g", "δE_total/δw", name).upper().replace("A_", "a_").replace("ΔE_TOTAL/ΔW", "δE_total/δw")
    ),
    "short": lambda name: re.sub(r"^g", "dw", name).replace("E_total", "E"),
    "words": lambda name: re.sub(r"^g", "Gradient w", name).replace("E_total", "Loss").replace("a_", "activation "),
    "sub": lambda name: (
        re.sub(r"^g", "∂Eₜ/∂w", name).translate(str.maketrans("12345678", "₁₂₃₄₅₆₇₈")).replace("a_", "a")
    ),
    "sigma": lambda name: (
        re.sub(r"^g(\d)", r"dE / dw\1", name).replace("E_total", "ET") if "a_" not in name else f"σ({name[2:]})"
    ),
    "call": lambda name: (
        re.sub(r"^g", "dEt/dw", name).replace("E_total", "Et") if "a_" not in name else f"a({name[2:]})"
    ),
}


@dataclass(frozen=True)
class Layout:
    """Where and how a learner writes the tables."""

    order: tuple[str, ...] = tuple(EXERCISE)
    spelling: str = "plain"
    top: int = 4
    left: int = 1
    rates: tuple[float, ...] = (0.5,)
    rows: int = 8
    arrange: str = "below"  # below, beside, sheets
    rate: str = "label"  # label, title, literal, column, sheet
    header_each: bool = True
    gap: int = 1
    start: tuple[float, ...] = START
    given: tuple[float, ...] = (0.01, 0.99, 0.05, 0.1)
    texts: tuple[tuple[str, str], ...] = ()  # formulas that differ from the exercise's


@dataclass
class Made:
    """A workbook with what it holds: cells[(sheet, row, column)] and the cell of each quantity."""

    layout: Layout
    cells: dict[tuple[str, int, int], object] = field(default_factory=dict)
    where: dict[tuple[int, str, int], tuple[str, int, int]] = field(default_factory=dict)  # (block, name, step)
    rate_cells: dict[int, str] = field(default_factory=dict)

    def ref(self, block: int, name: str, step: int) -> str:
        _, row, column = self.where[block, name, step]
        return f"{get_column_letter(column)}{row}"

    def text(self, block: int, step: int, formula: str) -> str:
        """A formula over names as a formula of cells."""

        def cell(found: re.Match) -> str:
            name = found[1]
            if name == "RATE":
                return self.rate_cells[block]
            return self.ref(block, name, step - 1 if found[2] else step)

        return "=" + re.sub(r"\b(RATE|E_total|a_[ho]\d|[whotigE]\d)('?)", cell, formula)

    def save(self, path: Path) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for (sheet, row, column), value in self.cells.items():
            page = book[sheet] if sheet in book.sheetnames else book.create_sheet(sheet)
            page.cell(row, column, value)
        book.save(path)
        return path


def make(layout: Layout) -> Made:
    """A right workbook in this layout."""
    made, texts = Made(layout), formulas() | dict(layout.texts)
    for block, rate in enumerate(layout.rates):
        place(made, block, rate)
        for step in range(layout.rows):
            for name in layout.order:
                made.cells[made.where[block, name, step]] = content(made, block, step, name, texts)
    return made


def content(made: Made, block: int, step: int, name: str, texts: dict[str, str]) -> object:
    start = dict(zip(GIVEN, made.layout.given, strict=True)) | dict(zip(WEIGHTS, made.layout.start, strict=True))
    if name in GIVEN or (name in WEIGHTS and step == 0):
        return start[name]
    if name == "RATE":
        return made.layout.rates[block]
    if name.startswith("extra"):
        return step
    return made.text(block, step, texts[name])


def place(made: Made, block: int, rate: float) -> None:
    """The titles of a block, its rate, and the cells of its quantities."""
    layout = made.layout
    height, width = layout.rows + 3 + layout.gap, len(layout.order) + 1 + layout.gap
    sheet = f"LR {rate}" if layout.arrange == "sheets" else "Sheet1"
    top = layout.top + (block * height if layout.arrange == "below" else 0)
    left = layout.left + (block * width if layout.arrange == "beside" else 0)
    if layout.rate in ("label", "title"):
        made.cells[sheet, top, left] = f"Learning rate (n) = {rate}" if layout.rate == "title" else "η ="
        made.cells[sheet, top, left + 1] = rate if layout.rate == "label" else None
    made.rate_cells[block] = f"${get_column_letter(left + 1)}${top}" if layout.rate == "label" else str(rate)
    for at, name in enumerate(layout.order):
        title = {"RATE": "lr", "extra1": "Epoch"}.get(name, SPELLINGS[layout.spelling](name))
        if layout.header_each or block == 0:
            made.cells[sheet, top + 1, left + at] = title
        for step in range(layout.rows):
            made.where[block, name, step] = (sheet, top + 2 + step, left + at)
    if layout.rate == "column":
        row, column = made.where[block, "RATE", 0][1:]
        made.rate_cells[block] = f"${get_column_letter(column)}${row}"


def right_numbers(layout: Layout, block: int) -> dict[str, np.ndarray]:
    """The true numbers of a block, by pyfuncs."""
    t1, t2, i1, i2 = layout.given
    given = np.array([[i1, i2]]), np.array([[t1, t2]])
    table = train_table(NETWORK, np.array(layout.start), *given, layout.rates[block], layout.rows - 1)
    names = [name.replace("dE/dw", "g") for name in NETWORK.headers("train")]
    return dict(zip(names, table.T, strict=True))


def value(formula: str, numbers: dict[str, float]) -> float:
    """A formula over names by Python's own arithmetic; nan where it has no value."""
    text = re.sub(r"\b(RATE|E_total|a_[ho]\d|[whotigE]\d)('?)", lambda found: f'v["{found[1]}{found[2]}"]', formula)
    try:
        return float(eval(text.replace("^", "**"), {"EXP": math.exp, "v": numbers}))  # a test's own formulas
    except (OverflowError, ZeroDivisionError):
        return math.nan


def alters(one: str, other: str, same_targets: bool) -> bool:
    """Whether two formulas differ in what they compute, clearly and at every one of three random points."""
    chance = random.Random(7)
    names = [*GIVEN, *WEIGHTS, *UNITS, *ERRORS, *SLOPES, "RATE"]
    for _ in range(3):
        numbers = {f"{name}{mark}": chance.uniform(0.2, 0.9) for name in names for mark in ("", "'")}
        if same_targets:
            numbers["t2"] = numbers["t1"]
        first, second = value(one, numbers), value(other, numbers)
        if abs(first - second) <= 1e-6 * abs(first):
            return False
    return True


FAMILY = re.compile(r"(a_h|a_o|w|i|t|h|o|g|E)(\d)('?)")


def drop_factor(formula: str, chance: random.Random) -> str:
    spots = [*re.finditer(r"\*(?:\(1-a_[ho]\d\)|[a-zE_]+\d'?)", formula), *re.finditer(r"(?:0\.5|w\d)\*", formula)]
    spot = chance.choice(spots)
    return formula[: spot.start()] + formula[spot.end() :]


def swap_index(formula: str, chance: random.Random) -> str:
    spots = [found for found in FAMILY.finditer(formula) if not found[0].startswith("E_")]
    spot = chance.choice(spots)
    highest = 8 if spot[1] in "wg" else 2
    other = chance.choice([n for n in range(1, highest + 1) if str(n) != spot[2]])
    if spot[1] in "wg" and highest == 8:
        other = chance.choice([n for n in (range(1, 5) if int(spot[2]) < 5 else range(5, 9)) if n != int(spot[2])])
    return formula[: spot.start()] + f"{spot[1]}{other}{spot[3]}" + formula[spot.end() :]


def change_sign(formula: str, chance: random.Random) -> str:
    spot = chance.choice([at for at, sign in enumerate(formula) if sign in "+-"])
    return formula[:spot] + ("-" if formula[spot] == "+" else "+") + formula[spot + 1 :]


def remove_parentheses(formula: str, chance: random.Random) -> str:
    spots = [at for at, sign in enumerate(formula) if sign == "(" and formula[at - 3 : at] != "EXP"]
    first = chance.choice(spots)
    depth, last = 0, first
    for last in range(first, len(formula)):
        depth += {"(": 1, ")": -1}.get(formula[last], 0)
        if depth == 0:
            break
    return formula[:first] + formula[first + 1 : last] + formula[last + 1 :]


def other_slope(formula: str, chance: random.Random) -> str:
    own = re.search(r"g(\d)'", formula)
    other = chance.choice([n for n in range(1, 9) if n != int(own[1])])
    return formula.replace(own[0], f"g{other}'")


CHANGES = {
    "drop a factor": drop_factor,
    "swap an index": swap_index,
    "change a sign": change_sign,
    "remove parentheses": remove_parentheses,
    "another weight's gradient": other_slope,
}
COMPUTED = [*UNITS, *ERRORS, *SLOPES, *WEIGHTS]


def wrong_formula(layout: Layout, kind: str, chance: random.Random) -> tuple[Made, int, str] | None:
    """A workbook with one formula changed in all rows of one column: the workbook, the block, the column."""
    texts = formulas() | dict(layout.texts)
    name = chance.choice(
        WEIGHTS if kind == "another weight's gradient" else [each for each in COMPUTED if each in layout.order]
    )
    try:
        changed = CHANGES[kind](texts[name], chance)
    except (IndexError, TypeError):
        return None
    if not alters(texts[name], changed, layout.given[0] == layout.given[1]):
        return None
    made, block = make(layout), chance.randrange(len(layout.rates))
    for step in range(1 if name in WEIGHTS else 0, layout.rows):
        made.cells[made.where[block, name, step]] = made.text(block, step, changed)
    return made, block, name


def unanchored(layout: Layout, chance: random.Random) -> tuple[Made, int, str] | None:
    """The reference to the rate moves as the formula is filled down."""
    if layout.rate != "label":
        return None
    made, block, name = make(layout), chance.randrange(len(layout.rates)), chance.choice(WEIGHTS)
    found = re.fullmatch(r"\$([A-Z]+)\$(\d+)", made.rate_cells[block])
    for step in range(1, layout.rows):
        moved = f"{found[1]}{int(found[2]) + step - 1}"
        text = made.text(block, step, formulas()[name])
        made.cells[made.where[block, name, step]] = text.replace(made.rate_cells[block], moved)
    return made, block, name


def frozen(layout: Layout, chance: random.Random) -> tuple[Made, int, str]:
    """From some row on a column repeats the number of the row before."""
    made, block, name = make(layout), chance.randrange(len(layout.rates)), chance.choice(COMPUTED)
    numbers, start = right_numbers(layout, block)[name], chance.randrange(2, layout.rows)
    for step in range(start, layout.rows):
        made.cells[made.where[block, name, step]] = float(numbers[start - 1])
    return made, block, name


def pasted_wrong(layout: Layout, chance: random.Random) -> tuple[Made, int, str]:
    """All numbers of a column pasted, those of a wrong formula or of another rate."""
    made, block, name = make(layout), chance.randrange(len(layout.rates)), chance.choice(COMPUTED)
    other = right_numbers(replace(layout, rates=(layout.rates[block] * 1.7 + 0.1,)), 0)[name]
    for step in range(1, layout.rows):
        made.cells[made.where[block, name, step]] = float(other[step]) if name in WEIGHTS else float(other[step]) * 1.01
    return made, block, name


EQUAL = {
    "h1": ["i1*w1+i2*w2", "SUM(w1*i1,w2*i2)", "(w1*i1)+(w2*i2)"],
    "a_h1": [
        "1/(1+EXP(-1*h1))",
        "(1+EXP(-h1))^-1",
        "EXP(h1)/(1+EXP(h1))",
        "1/(1+2.71828182845905^(-h1))",
        "POWER(1+EXP(-h1),-1)",
    ],
    "a_o1": ["1/(1+1/EXP(o1))", "1-1/(1+EXP(o1))"],
    "E1": [
        "(t1-a_o1)^2/2",
        "1/2*(a_o1-t1)^2",
        "0.5*POWER(t1-a_o1,2)",
        "0.5*(t1-a_o1)*(t1-a_o1)",
        "(1/2)*((t1-a_o1)^2)",
    ],
    "E_total": ["SUM(E1,E2)", "E2+E1", "0.5*(t1-a_o1)^2+0.5*(t2-a_o2)^2"],
    "g5": [
        "-(t1-a_o1)*a_o1*(1-a_o1)*a_h1",
        "a_h1*(a_o1-t1)*(a_o1-a_o1^2)",
        "g6/a_h2*a_h1",
        "((a_o1-t1)*((a_o1)*(1-a_o1)))*(a_h1)",
    ],
    "g1": [
        f"({D1}*w5+{D2}*w7)*(a_h1*(1-a_h1))*i1",
        f"{D1}*w5*a_h1*(1-a_h1)*i1+{D2}*w7*a_h1*(1-a_h1)*i1",
        "(g5*w5+g7*w7)*(1-a_h1)*i1",
        "g2*i1/i2",
    ],
    "w5": ["w5'-(RATE*g5')", "w5'+(-RATE)*g5'", "w5'-g5'*RATE", "-(RATE*g5'-w5')"],
}


def equivalent(layout: Layout, chance: random.Random) -> Made:
    """Some formulas written in another but right way."""
    texts = {name: chance.choice(ways) for name, ways in EQUAL.items()}
    return make(replace(layout, texts=tuple(texts.items())))


def rounded(layout: Layout, chance: random.Random) -> Made:
    """All computed numbers pasted, with a few digits."""
    made, decimals = make(layout), chance.choice([4, 5, 6, 8])
    for block in range(len(layout.rates)):
        numbers = right_numbers(layout, block)
        for name in COMPUTED:
            for step in range(1 if name in WEIGHTS else 0, layout.rows):
                made.cells[made.where[block, name, step]] = round(float(numbers[name][step]), decimals)
    return made


def pasted_right(layout: Layout, chance: random.Random) -> Made:
    """The numbers of some columns pasted in full."""
    made = make(layout)
    for block in range(len(layout.rates)):
        numbers = right_numbers(layout, block)
        for name in chance.sample(COMPUTED, 8):
            for step in range(1 if name in WEIGHTS else 0, layout.rows):
                made.cells[made.where[block, name, step]] = float(numbers[name][step])
    return made


def reordered(layout: Layout, chance: random.Random) -> Made:
    order = list(layout.order)
    chance.shuffle(order)
    return make(replace(layout, order=tuple(order)))


def with_extras(layout: Layout, chance: random.Random) -> Made:
    return make(replace(layout, order=("extra1", *layout.order)))


def any_layout(chance: random.Random) -> Layout:
    """A layout as some learner might choose it."""
    arrange = chance.choice(["below", "below", "beside", "sheets"])
    return Layout(
        spelling=chance.choice(list(SPELLINGS)),
        top=chance.choice([1, 2, 4, 33]),
        left=chance.choice([1, 1, 2, 5]),
        rates=chance.choice([(0.5,), (0.1, 2.0), (0.1, 0.2, 0.5)]),
        rows=chance.choice([5, 8, 12]),
        arrange=arrange,
        rate=chance.choice(["label", "label", "title", "literal"]),
        header_each=arrange != "below" or chance.random() < 0.7,
        gap=chance.choice([0, 1, 3]),
        start=START if chance.random() < 0.6 else tuple(round(chance.uniform(-0.8, 0.9), 2) for _ in range(8)),
        given=chance.choice([(0.01, 0.99, 0.05, 0.1), (0.3, 0.4, 0.02, 0.04), (0.5, 0.5, 0.05, 0.1)]),
    )


WRONG = {
    **{kind: lambda layout, chance, kind=kind: wrong_formula(layout, kind, chance) for kind in CHANGES},
    "unanchor a reference": unanchored,
    "freeze rows": frozen,
    "paste wrong values": pasted_wrong,
}
HARMLESS = {
    "another layout": lambda layout, chance: make(layout),
    "equivalent algebra": equivalent,
    "pasted with few digits": rounded,
    "pasted in full": pasted_right,
    "columns in another order": reordered,
    "an extra column": with_extras,
}
