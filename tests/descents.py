"""Learners' tables of any network, right ones and changed ones: layouts, titles, conventions and roundings by chance.

Formulas are texts over names in braces; `{w1'}` is w1 of the row before, `{RATE}` the learning rate. Right numbers come
from pyfuncs, and Python's own arithmetic is the referee of whether a change alters any number at all.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import openpyxl
from openpyxl.utils import get_column_letter

from pyfuncs.descent import train_table
from pyfuncs.network import Network
from tests.learners import SPELLINGS
from xlsx import formulas
from xlsx.expressions import native

NETWORKS = (
    *("2-2-2", "2-2-2", "2-2-2", "3-2-1", "2-3-2", "3-3-2", "2-2-2 bias", "2-2-2 fixed-bias", "2-3-1 bias"),
    *("2-2-2 tanh", "2-3-2 relu", "3-2-1 relu linear", "2-2-2 cross-entropy", "2-3-2 sigmoid softmax"),
)
NAME = re.compile(r"\{(.+?)\}")
TOP_ROWS = (1, 2, 4, 33)


@dataclass
class Table:
    """One descent on a sheet: `texts` are the formulas, `pasted` the numbers of columns in place of them."""

    network: Network
    rate: float
    rows: int
    start: np.ndarray
    inputs: np.ndarray
    targets: np.ndarray
    texts: dict[str, str]
    names: list[str]
    spelling: str = "plain"
    titles: dict[str, str] = field(default_factory=dict)
    top: int = 4
    left: int = 1
    beside: bool = False  # inputs and targets in labelled cells above
    cells: dict[tuple[str, int], object] = field(default_factory=dict)  # single cells: (name, row)
    rate_text: str = ""

    def numbers(self) -> dict[str, np.ndarray]:
        """The right numbers of every row, by pyfuncs, of the quantities that it has a name for."""
        table = train_table(self.network, self.start, self.inputs, self.targets, self.rate, self.rows - 1)
        return dict(zip(self.network.headers("train"), table.T, strict=True))

    def learned(self) -> tuple[str, ...]:
        return self.network.weight_names[: self.network.learned_count]

    def computed(self) -> list[str]:
        """The columns that have a formula in every row."""
        return [name for name in self.names if name in self.texts]

    def column(self, name: str) -> int:
        return self.left + [each for each in self.names if not self.is_beside(each)].index(name)

    def is_beside(self, name: str) -> bool:
        return self.beside and name in self.network.input_names + self.network.target_names

    @property
    def head(self) -> int:
        return self.top + 2 + (len(self.network.input_names + self.network.target_names) if self.beside else 0)

    def ref(self, name: str, row: int) -> str:
        if name == "RATE":
            return self.rate_text or f"${get_column_letter(self.left + 1)}${self.top}"
        plain = name.rstrip("'")
        if self.is_beside(plain):
            given = (self.network.target_names + self.network.input_names).index(plain)
            return f"${get_column_letter(self.left + 1)}${self.top + 1 + given}"
        return f"{get_column_letter(self.column(plain))}{self.head + 1 + row - name.endswith(chr(39))}"

    def content(self, name: str, row: int) -> object:
        if (name, row) in self.cells:
            return self.cells[name, row]
        given = dict(zip(self.network.weight_names, self.start, strict=True))
        given |= dict(zip(self.network.input_names, self.inputs[0], strict=True))
        given |= dict(zip(self.network.target_names, self.targets[0], strict=True))
        text = self.texts.get(f"{name}'") if row else None
        text = text or self.texts.get(name)
        if text is None:
            return float(given[name])
        return "=" + NAME.sub(lambda found: self.ref(found[1], row), text)

    def save(self, path: Path) -> Path:
        book = openpyxl.Workbook()
        page = book.active
        page.cell(self.top, self.left, "learning rate")
        page.cell(self.top, self.left + 1, self.rate)
        if self.beside:
            for at, name in enumerate(self.network.target_names + self.network.input_names):
                page.cell(self.top + 1 + at, self.left, name)
                page.cell(self.top + 1 + at, self.left + 1, self.content(name, 0))
        for name in self.names:
            if not self.is_beside(name):
                page.cell(self.head, self.column(name), self.titles.get(name) or title(name, self.spelling))
                for row in range(self.rows):
                    page.cell(self.head + 1 + row, self.column(name), self.content(name, row))
        book.save(path)
        return path


def title(name: str, spelling: str) -> str:
    short = re.sub(r"^dE/dw(\d+)$", r"g\1", name)
    plain = re.fullmatch(r"g\d|[tiwhoE]\d|a_[ho]\d|E_total", short)
    return SPELLINGS[spelling](short) if plain else name


def texts_of(network: Network) -> dict[str, str]:
    """The right formulas, through deltas, as the derivation has them."""
    made = {each.name: native(each.expression, lambda name: f"{{{name}}}") for each in formulas.derivation(network)}
    learned = network.weight_names[: network.learned_count]
    return made | {f"{name}'": f"{{{name}'}}-{{RATE}}*{{dE/d{name}'}}" for name in learned}


def written_out(texts: dict[str, str], names: list[str]) -> dict[str, str]:
    """Formulas that read only quantities that have a column; what has none is put in."""

    def put_in(text: str) -> str:
        def one(found: re.Match[str]) -> str:
            name = found[1].rstrip("'")
            known = name in names or name not in texts or name == "RATE"
            return found[0] if known else f"({put_in(texts[name])})"

        return NAME.sub(one, text)

    return {name: put_in(text) for name, text in texts.items() if name.rstrip("'") in names}


def any_table(chance: random.Random, network: str = "", deltas: bool | None = None) -> Table:
    """A right table as some learner might make it."""
    made = Network.parse(network or chance.choice(NETWORKS))
    names = list(made.headers("train"))
    if made.bias == "fixed-bias":
        names = [name for name in names if not name.startswith("dE/db")]
    if chance.random() < 0.3 if deltas is None else deltas:
        names[-made.learned_count : -made.learned_count] = [each.name for each in formulas.deltas(made)]
    small = made.output == "linear"
    start = np.array([round(chance.uniform(-0.6, 0.8), 2) or 0.1 for _ in range(made.weight_count)])
    inputs = np.array([[round(chance.uniform(0.05, 0.9), 2) for _ in made.input_names]])
    targets = np.array([[round(chance.uniform(0.05, 0.95), 2) for _ in made.target_names]])
    if made.output == "softmax":
        targets = np.eye(len(made.target_names))[:1]
    return Table(
        made,
        chance.choice([0.1, 0.2] if small else [0.1, 0.5, 0.8, 1, 2]),
        chance.choice([5, 8, 12, 20]),
        start,
        inputs,
        targets,
        written_out(texts_of(made), names),
        names,
        chance.choice(list(SPELLINGS)),
        top=chance.choice(TOP_ROWS),
        left=chance.choice([1, 1, 2, 5]),
        beside=chance.random() < 0.15,
    )


def value(text: str, numbers: dict[str, float]) -> float:
    """A formula over names by Python's own arithmetic; nan where it has no value."""
    python = NAME.sub(lambda found: f'v["{found[1]}"]', text).replace("^", "**")
    python = re.sub(r"(?<![<>=])=(?!=)", "==", python)
    known = {
        "EXP": math.exp,
        "LN": math.log,
        "TANH": math.tanh,
        "MAX": max,
        "ABS": abs,
        "IF": lambda a, b, c: b if a else c,
    }
    try:
        return float(eval(python, known, {"v": numbers}))  # a test's own formulas
    except (ArithmeticError, ValueError, KeyError):
        return math.nan


def row_values(table: Table, texts: dict[str, str], row: int) -> dict[str, float]:
    """Every name of a row of the right descent, with the row before under w1', by Python's own arithmetic."""
    numbers = table.numbers()
    found = {"RATE": table.rate}
    for back in (1, 0):
        own = {name: float(each[max(row - back, 0)]) for name, each in numbers.items()}
        for name, text in texts.items():
            if not name.endswith("'") and name not in own:
                own[name] = value(text, own)
        found |= {f"{name}'" if back else name: each for name, each in own.items()}
    return found


def alters(table: Table, name: str, text: str) -> bool:
    """Whether another formula of a column gives another number in some row; the referee, which knows no check."""
    key = f"{name}'" if f"{name}'" in table.texts else name
    for row in range(1, table.rows):
        known = row_values(table, table.texts, row)
        one, other = value(table.texts[key], known), value(text, known)
        step = abs(one - known[f"{name}'"]) if key != name else abs(one)
        if not abs(one - other) <= 1e-6 * step + 1e-13:
            return True
    return False


Change = tuple[Table, set[str]]
Maker = Callable[[Table, random.Random], "Change | None"]


def changed(table: Table, name: str, text: str) -> Change | None:
    """The table with another formula in all rows of a column, if that makes a difference."""
    read = {found.rstrip("'") for found in NAME.findall(text)} - {"RATE"}
    if not read <= set(table.names) or not alters(table, name, text):
        return None
    table.texts[f"{name}'" if f"{name}'" in table.texts else name] = text
    return table, {name}


def columns_with(table: Table, pattern: str) -> list[str]:
    return [
        name
        for name in table.names
        if re.fullmatch(pattern, name) and (name in table.texts or f"{name}'" in table.texts)
    ]


def text_of(table: Table, name: str) -> str:
    return table.texts.get(f"{name}'") or table.texts[name]


def by_text(pattern: str, change: Callable[[str, random.Random], str | None]) -> Maker:
    """A kind of mistake that changes the text of one of some columns."""

    def make(table: Table, chance: random.Random) -> Change | None:
        names = columns_with(table, pattern)
        if not names:
            return None
        name = chance.choice(names)
        text = change(text_of(table, name), chance)
        return changed(table, name, text) if text else None

    return make


def one_of(pattern: str, text: str, chance: random.Random) -> re.Match[str] | None:
    spots = [*re.finditer(pattern, text)]
    return chance.choice(spots) if spots else None


def cut(text: str, spot: re.Match[str] | None, put: str = "") -> str | None:
    return None if spot is None else text[: spot.start()] + put + text[spot.end() :]


def drop_factor(text: str, chance: random.Random) -> str | None:
    return cut(text, one_of(r"\*\{[^}]+\}|\*\(1-\{[^}]+\}\)|\{w\d+\}\*|0\.5\*", text, chance))


def swap_index(text: str, chance: random.Random) -> str | None:
    spot = one_of(r"\{(a_h|a_o|h|o|i|t|w|dE/do|dE/dh)(\d)('?)\}", text, chance)
    if spot is None:
        return None
    other = chance.choice([at for at in range(1, 3) if str(at) != spot[2]])
    return cut(text, spot, f"{{{spot[1]}{other}{spot[3]}}}")


def change_sign(text: str, chance: random.Random) -> str | None:
    spot = one_of(r"(?<![(,=])[+-](?!\d)", text, chance)
    return cut(text, spot, "-" if spot and spot[0] == "+" else "+")


def remove_parentheses(text: str, chance: random.Random) -> str | None:
    spot = one_of(r"(?<![A-Z])\(([^()]*)\)", text, chance)
    return cut(text, spot, spot[1] if spot else "")


def other_gradient(text: str, chance: random.Random) -> str | None:
    spot = one_of(r"dE/d([wb])(\d+)'", text, chance)
    if spot is None:
        return None
    other = chance.choice([at for at in range(1, 5) if str(at) != spot[2]])
    return cut(text, spot, f"dE/d{spot[1]}{other}'")


def sum_for_output(text: str, chance: random.Random) -> str | None:
    spot = one_of(r"\{a_(h\d)\}", text, chance)
    return text.replace(spot[0], f"{{{spot[1]}}}") if spot else None


def other_unit(text: str, chance: random.Random) -> str | None:
    spot = one_of(r"\{a_([ho])([12])\}", text, chance)
    return text.replace(spot[0], f"{{a_{spot[1]}{3 - int(spot[2])}}}") if spot else None


def no_square(text: str, chance: random.Random) -> str | None:
    return text.replace("^2", "") if "^2" in text and chance.random() < 0.5 else text.replace("0.5*", "", 1)


def sign_in_power(text: str, chance: random.Random) -> str | None:
    return text.replace("EXP(-", "EXP(") if "EXP(-" in text else None


def unanchored(table: Table, chance: random.Random) -> Change | None:
    """The reference to the rate moves as the formula is filled down."""
    name, numbers = chance.choice(table.learned()), table.numbers()
    if np.ptp(numbers[name]) == 0:  # nothing comes back to this weight: any rate is as good
        return None
    column = get_column_letter(table.left + 1)
    for row in range(1, table.rows):
        text = str(table.content(name, row))
        table.cells[name, row] = text.replace(f"${column}${table.top}", f"{column}{table.top + row - 1}")
    return table, {name}


def frozen(table: Table, chance: random.Random) -> Change | None:
    """From some row on a column repeats the number of the row before."""
    numbers, name = table.numbers(), chance.choice([each for each in table.names if each in table.numbers()])
    if name not in table.texts and f"{name}'" not in table.texts:
        return None
    start = chance.randrange(2, table.rows)
    if abs(numbers[name][start] - numbers[name][start - 1]) <= 1e-9 * abs(numbers[name][start]):
        return None
    table.cells |= {(name, row): float(numbers[name][start - 1]) for row in range(start, table.rows)}
    return table, {name}


def pasted_wrong(table: Table, chance: random.Random) -> Change | None:
    """All numbers of a column pasted, a little off."""
    numbers, names = table.numbers(), [each for each in table.computed() if each in table.numbers()]
    name = chance.choice(names)
    if not np.all(np.abs(numbers[name]) > 1e-9):
        return None
    table.cells |= {(name, row): float(numbers[name][row]) * 1.01 for row in range(table.rows)}
    return table, {name}


def one_cell(table: Table, chance: random.Random) -> Change | None:
    """One number typed over a formula."""
    numbers = table.numbers()
    name, row = chance.choice([each for each in table.computed() if each in numbers]), chance.randrange(1, table.rows)
    due = float(numbers[name][row])
    if abs(due) < 1e-6:
        return None
    table.cells[name, row] = due * chance.choice([1.1, 0.9, -1, 2])
    return table, {name}


def fixed_row(table: Table, chance: random.Random) -> Change | None:
    """A $ before the row of a reference, so that every row reads the first one's."""
    names = [each for each in columns_with(table, r"a_[ho]\d+|E\d+") if "{" in table.texts[each]]
    name = chance.choice(names)
    spot = one_of(r"\{([ho]|a_o)\d+\}", table.texts[name], chance)
    numbers = table.numbers()
    if spot is None or table.is_beside(spot[0][1:-1]) or np.ptp(numbers[name]) <= 1e-7 * abs(numbers[name][0]):
        return None
    first = re.sub(r"(\d+)$", r"$\1", table.ref(spot[0][1:-1], 0))
    for row in range(table.rows):
        text = table.texts[name].replace(spot[0], first)
        table.cells[name, row] = "=" + NAME.sub(lambda found, row=row: table.ref(found[1], row), text)
    return table, {name}


def no_rate(table: Table, chance: random.Random) -> Change | None:
    """Every update reads an empty cell for the rate."""
    table.rate_text = f"${get_column_letter(table.left + 3)}${table.top}"
    numbers = table.numbers()
    return table, {name for name in table.learned() if np.ptp(numbers[name]) > 0}


def already_updated(table: Table, chance: random.Random) -> Change | None:
    """The derivatives of the first layer take the weights after it as they are after the update."""
    weights = [w for units in formulas.layers(table.network)[-1].weights for w in units]
    names = [name for name in table.computed() if name.startswith("dE/dw") and name[4:] not in weights]
    if any(re.fullmatch(r"dE/dh\d+", name) for name in table.names) or not all(f"{w}'" in table.texts for w in weights):
        return None

    def updated(found: re.Match[str]) -> str:
        return f"({found[0]}-{{RATE}}*{{dE/d{found[1]}}})" if found[1] in weights else found[0]

    for name in names:
        table.texts[name] = re.sub(r"\{(w\d+)\}", updated, table.texts[name])
    return table, set(names)


COMPUTED = r"[ho]\d|a_[ho]\d|E\d|E_total|dE/d.*"
WRONG: dict[str, Maker] = {
    "a factor dropped": by_text(COMPUTED, drop_factor),
    "an index swapped": by_text(COMPUTED, swap_index),
    "a sign changed": by_text(COMPUTED, change_sign),
    "parentheses removed": by_text(COMPUTED, remove_parentheses),
    "another weight's gradient": by_text(r"w\d+", other_gradient),
    "the sign of an update": by_text(r"[wb]\d+", lambda text, _: text.replace("-{RATE}", "+{RATE}")),
    "a sum for its activation": by_text(r"dE/dw\d|o\d", sum_for_output),
    "another unit's activation": by_text(r"dE/dw\d|o\d|E\d", other_unit),
    "a loss without ½ or square": by_text(r"E\d", no_square),
    "a sign in the power of e": by_text(r"a_[ho]\d", sign_in_power),
    "an unanchored rate": unanchored,
    "an empty rate": no_rate,
    "rows frozen": frozen,
    "wrong numbers pasted": pasted_wrong,
    "one cell typed over": one_cell,
    "a row that does not slide": fixed_row,
}
ALSO_WRONG: dict[str, Maker] = {"weights already updated": already_updated}


def pasted(table: Table, chance: random.Random, digits: int | None, share: float) -> Table:
    """The right numbers of some columns, with so many decimals."""
    numbers = table.numbers()
    for name in [each for each in table.names if each in numbers and chance.random() < share]:
        if name in table.texts or f"{name}'" in table.texts:
            for row in range(0 if name in table.texts else 1, table.rows):
                number = float(numbers[name][row])
                table.cells[name, row] = number if digits is None else round(number, digits)
    return table


def equivalent(table: Table, chance: random.Random) -> Table:
    """Products and sums turned round."""

    def turned(text: str) -> str:
        text = re.sub(r"^\{([^}]+)\}\*\{([^}]+)\}$", r"{\2}*{\1}", text)
        text = re.sub(r"^(\{[^}]+\}\*\{[^}]+\})\+(\{[^}]+\}\*\{[^}]+\})$", r"(\2)+(\1)", text)
        return re.sub(r"^0\.5\*\((.*)\)\^2$", r"((\1)*(\1))/2", text)

    table.texts = {name: turned(text) for name, text in table.texts.items()}
    return table


def shuffled(table: Table, chance: random.Random) -> Table:
    chance.shuffle(table.names)
    return table


def other_titles(table: Table, chance: random.Random) -> Table:
    """Deltas under titles that say nothing."""
    table.titles |= {name: f"part {name[4:]}" for name in table.names if re.fullmatch(r"dE/d[ho]\d", name)}
    return table


def other_convention(table: Table, chance: random.Random) -> Table:
    """E without the ½ and gradients of that, or gradients with a minus that updates add."""
    slopes = [name for name in table.computed() if re.fullmatch(r"dE/d[wb]\d+", name)]
    if table.network.loss == "half-squared" and chance.random() < 0.5:
        table.texts |= {
            name: table.texts[name].replace("0.5*", "", 1) for name in table.computed() if re.fullmatch(r"E\d+", name)
        }
        table.texts |= {name: f"2*({table.texts[name]})" for name in slopes}
    else:
        table.texts |= {name: f"-1*({table.texts[name]})" for name in slopes}
        table.texts |= {f"{w}'": table.texts[f"{w}'"].replace("-{RATE}", "+{RATE}") for w in table.learned()}
    return table


def with_beside(table: Table, chance: random.Random) -> Table:
    table.beside = True
    return table


HARMLESS: dict[str, Callable[[Table, random.Random], Table]] = {
    "another layout": lambda table, chance: table,
    "equivalent algebra": equivalent,
    "pasted with six decimals": lambda table, chance: pasted(table, chance, 6, 1.0),
    "pasted with eight decimals": lambda table, chance: pasted(table, chance, 8, 1.0),
    "some columns pasted in full": lambda table, chance: pasted(table, chance, None, 0.4),
    "some columns pasted with seven decimals": lambda table, chance: pasted(table, chance, 7, 0.3),
    "columns in another order": shuffled,
    "deltas under other titles": other_titles,
    "another convention": other_convention,
    "inputs and targets beside": with_beside,
}
