"""The tables of one descent as arrays: for each column its values, the half unit of each cell's last place, and which
cells are typed. Tables on several sheets whose formulas read each other, row for row, are one descent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np
from openpyxl.utils import get_column_letter

from pyfuncs.network import Network
from xlsx.formulas import STARTED, kind

from .book import Book
from .files import Error, Place
from .rules import Arrays, Rules, Wiring
from .table import NO_QUANTITY, Block, is_filled, quantity

FULL_DIGITS, SHORT_DIGITS, LEAST_PLACES = 12, 4, 3.0
SIZES = (1.0, 2.0, 0.5)
BOTH = tuple(sign * size for size in SIZES for sign in (1.0, -1.0))
# By what factors a learner may rightly differ from the exercise, for each family of quantities.
FAMILIES: dict[str, tuple[str, tuple[float, ...]]] = {
    "E": ("E", (1.0, 2.0)),
    "E_total": ("E_total", SIZES),
    "dE/dw": ("slopes", BOTH),
    "dE/db": ("slopes", BOTH),
    **{each: (each, BOTH) for each in ("dE/da_o", "dE/do", "dE/da_h", "dE/dh")},
}


@dataclass(eq=False)
class Column:
    """One column: its title and the quantity that this says, and arrays over the rows. `shown` marks numbers and
    errors; blank cells and texts are not."""

    block: Block
    line: int
    title: str
    name: str | None
    places: list[Place]
    values: np.ndarray
    units: np.ndarray
    typed: np.ndarray
    shown: np.ndarray
    errors: np.ndarray
    texts: np.ndarray

    @property
    def letter(self) -> str:
        return str(self.line) if self.block.across else get_column_letter(self.line)

    @property
    def steady(self) -> bool:
        """Whether all its numbers are the same, up to what filling down leaves."""
        seen = self.values[np.isfinite(self.values)]
        return bool(seen.size) and float(np.ptp(seen)) <= 1e-9 * max(1.0, float(np.abs(seen).max()))

    @property
    def made(self) -> bool:
        """Whether it has formulas."""
        return bool((~self.typed).any())

    def state(self, row: int) -> str:
        """What a cell is: a number, a formula that is not read, an error, or blank."""
        if row >= len(self.places) or not self.shown[row]:
            return "blank"
        return "error" if self.errors[row] else "number" if self.typed[row] else "unread"


@dataclass
class Descent:
    blocks: list[Block]
    columns: list[Column]
    rows: int
    at: dict[Place, tuple[Column, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.at = {place: (column, row) for column in self.columns for row, place in enumerate(column.places)}


def with_helpers(book: Book, blocks: list[Block]) -> list[Block]:
    """The blocks, and the columns without known titles elsewhere that their formulas read row by row, as blocks too."""
    taken = {place for block in blocks for place in block.places}
    found, waiting = list(blocks), [block for block in blocks if len(block.steps) > 1 and not block.across]
    while waiting and len(found) < 3 * len(blocks) + 9:
        block = waiting.pop()
        for sheet, columns in sliding(book, block, taken).items():
            lines = {f"?{line}": line for line in columns}
            first = min(columns.values())
            row_of = [
                [is_filled(book.cell((sheet, row, line))) for line in columns]
                for row in (first, first + len(block.steps))
            ]
            first += any(row_of[1]) and not any(row_of[0])  # what is read is the row before, as by updates
            steps = list(range(first, first + len(block.steps)))
            titles = {line: title_above(book, sheet, first, line) for line in columns}
            helper = Block(book.grid.sheets[sheet], lines, first - 1, steps, titles=titles)
            taken |= helper.places.keys()
            found.append(helper)
            waiting.append(helper)
    return found


def sliding(book: Book, block: Block, taken: set[Place]) -> dict[str, dict[int, int]]:
    """{sheet: {column: its first row}} of formulas outside the tables that a block reads, one row on in each row."""
    last = len(block.steps) - 1
    found: dict[str, dict[int, int]] = {}
    for line in dict.fromkeys(block.lines.values()):
        pairs = zip(book.reads(block.at(line, last - 1)), book.reads(block.at(line, last)), strict=False)
        for (sheet, row, column), there in pairs:
            moves = there == (sheet, row + 1, column) and there not in taken
            if moves and book.cell(there).formula is not None and (sheet != block.sheet.name or line == column):
                found.setdefault(sheet, {}).setdefault(column, row + 1 - last)
    return {sheet: columns for sheet, columns in found.items() if min(columns.values()) > 0}


def title_above(book: Book, sheet: str, row: int, column: int) -> str:
    value = book.value((sheet, row - 1, column)) if row > 1 else None
    return value if isinstance(value, str) else ""


def descents(book: Book, blocks: list[Block]) -> list[Descent]:
    """The descents of a workbook, in the order of their first blocks."""
    at = {place: (number, step) for number, block in enumerate(blocks) for place, step in block.places.items()}
    group = list(range(len(blocks)))
    for one, other in combinations(range(len(blocks)), 2):
        if belong(book, blocks, at, one, other):
            old, new = group[other], group[one]
            group = [new if each == old else each for each in group]
    return [
        descent(book, [block for block, of in zip(blocks, group, strict=True) if of == number], at)
        for number in dict.fromkeys(group)
    ]


def belong(book: Book, blocks: list[Block], at: dict[Place, tuple[int, int]], one: int, other: int) -> bool:
    """Whether two tables are parts of one descent: as many rows, no second set of weights, and formulas between."""
    first, second = blocks[one], blocks[other]
    if abs(len(first.steps) - len(second.steps)) > 1 or (has_start(first) and has_start(second)):
        return False
    if first.sheet is second.sheet and first.header == second.header and set(first.lines) & set(second.lines):
        return False
    return reads(book, first, other, at) or reads(book, second, one, at)


def has_start(block: Block) -> bool:
    return sum(kind(name).kind == "w" for name in block.lines) > 1


def reads(book: Book, block: Block, other: int, at: dict[Place, tuple[int, int]]) -> bool:
    """Whether a table's last row reads the same row of another table, or the one before it."""
    step = len(block.steps) - 1
    for line in block.lines.values():
        for place in book.reads(block.at(line, step)):
            if at.get(place, (None, 0))[0] == other and at[place][1] in (step, step - 1):
                return True
    return False


def descent(book: Book, blocks: list[Block], at: dict[Place, tuple[int, int]]) -> Descent:
    rows = max(len(block.steps) for block in blocks)
    columns = [each for block in blocks for each in columns_of(book, block, at, rows)]
    bare_units(columns)
    cut_units(columns)
    return Descent(blocks, columns, rows)


def columns_of(book: Book, block: Block, at: dict[Place, tuple[int, int]], rows: int) -> Iterator[Column]:
    """The columns of a table: those with a known title, and those of other titles between and beside them."""
    names = {line: name for name, line in block.lines.items() if name[0] != "?"}
    for line in sorted({*block.lines.values(), *others(book, block, at)}):
        name, title = names.get(line), block.titles.get(line, "")
        if name in NO_QUANTITY or (name is None and quantity(title) in NO_QUANTITY):
            continue
        yield column(book, block, line, title or name or "", name, rows)


def others(book: Book, block: Block, at: dict[Place, tuple[int, int]]) -> set[int]:
    """Lines of no known title that are filled with numbers or formulas and belong to no other table."""

    def belongs(line: int) -> bool:
        cells = [(block.at(line, step), book.cell(block.at(line, step))) for step in range(len(block.steps))]
        return 2 * sum(is_filled(cell) and place not in at for place, cell in cells) >= len(cells)

    first, last = min(block.lines.values()), max(block.lines.values())
    found = {line for line in range(first, last + 1) if line not in block.lines.values() and belongs(line)}
    for step, line in ((1, last + 1), (-1, first - 1)):
        while line > 0 and belongs(line):
            found.add(line)
            line += step
    return found


def column(book: Book, block: Block, line: int, title: str, name: str | None, rows: int) -> Column:
    places = [block.at(line, step) for step in range(len(block.steps))]
    contents = [book.value(place) for place in places]
    values = np.array([each if isinstance(each, float) else np.nan for each in contents])
    typed = np.array([book.cell(place).formula is None for place in places])
    errors = np.array([isinstance(each, Error) for each in contents])
    shown, texts = np.isfinite(values) | errors, np.array([isinstance(each, str) and bool(each) for each in contents])
    units = half_units(values, typed)
    return padded(Column(block, line, title, name, places, values, units, typed, shown, errors, texts), rows)


def padded(made: Column, rows: int) -> Column:
    """The column with blank rows at its end, where another table of the descent has more of them."""
    blank = {"values": np.nan, "units": 0.0, "typed": True, "shown": False, "errors": False, "texts": False}
    for array, value in blank.items():
        own = getattr(made, array)
        setattr(made, array, np.pad(own, (0, rows - len(own)), constant_values=value))
    if made.name and kind(made.name).kind in STARTED and np.isfinite(made.values[0]) and not made.shown[1:].any():
        made.values, made.units = made.values[:1].repeat(rows), made.units[:1].repeat(rows)  # typed once for all rows
    return made


def half_units(values: np.ndarray, typed: np.ndarray) -> np.ndarray:
    """Half a unit of each typed number's last place."""
    return np.where(typed, 0.5 * 10.0 ** -np.array([decimals(each) for each in values]), 0.0)


def bare_units(columns: list[Column]) -> None:
    """A typed 0 or 1 has lost its zeros: it is as fine as the others of its column, else of its table."""
    finest = [usual_places(each) for each in columns]
    usual = min((each for each in finest if each >= LEAST_PLACES), default=LEAST_PLACES)
    for each, places in zip(columns, finest, strict=True):
        bare = each.typed & (each.values == np.round(each.values))
        each.units = np.where(bare, 0.5 * 10.0 ** -(places or usual), each.units)


def usual_places(column: Column) -> float:
    """The decimals of its typed numbers; 0 where it has none with any."""
    places = [decimals(each) for each in column.values[column.typed] if np.isfinite(each) and each != round(each)]
    return float(np.median(places)) if places else 0.0


def cut_units(columns: list[Column]) -> None:
    """Where a file has stored all that was calculated with few digits or decimals, these are rounded, too."""
    computed = [each for column in columns for each in column.values[~column.typed] if np.isfinite(each)]
    most, places = max(map(digits, computed), default=17), max(map(decimals, computed), default=17.0)
    if len(computed) > 2 and most <= FULL_DIGITS:
        for column in columns:
            with np.errstate(divide="ignore"):
                size = np.floor(np.log10(np.abs(column.values))) + 1
            units = 0.5 * np.maximum(10.0 ** np.nan_to_num(size - most, neginf=-17.0, nan=-17.0), 10.0**-places)
            column.units = np.where(column.typed, column.units, units)


def exact(column: Column, first: np.ndarray) -> np.ndarray:
    """The half units of a given: one that stands still, and a start of few digits, are exact, whatever they end in."""
    short = np.array([digits(each) <= SHORT_DIGITS for each in column.values])
    steady = column.steady or bool(column.name and kind(column.name).kind in ("t", "i"))
    return np.where(short & (first | steady), 0.0, column.units)


def decimals(value: float) -> float:
    if not np.isfinite(value):
        return 17.0
    text, _, exponent = repr(float(value)).partition("e")
    places = 0 if text.endswith(".0") else len(text.partition(".")[2])
    return float(max(0, places - int(exponent or 0)))


def digits(value: float) -> int:
    if not np.isfinite(value):
        return 0
    return len(repr(float(value)).partition("e")[0].replace(".", "").strip("-0"))


def family(name: str) -> str:
    return FAMILIES.get(kind(name).kind, ("", ()))[0]


@dataclass
class Reading:
    """One way to read a descent. `prior` is what the titles say, by column, `homes` the columns by quantity, `given`
    the arrays of inputs, targets and weights, `beside` cells outside the columns that hold some of those, `rates` the
    learning rates that labels name."""

    descent: Descent
    rules: Rules
    prior: dict[int, str]
    homes: dict[str, Column]
    given: dict[str, np.ndarray]
    beside: dict[Place, str] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)
    rate_included: bool = False
    rates: frozenset[float] = frozenset()

    @property
    def network(self) -> Network:
        return self.rules.network

    @property
    def wiring(self) -> Wiring:
        return tuple(self.rules.wiring.items())

    @cached_property
    def units(self) -> dict[str, np.ndarray]:
        first = self.first
        return {name: exact(self.homes[name], first) for name in self.given if name in self.homes}

    @property
    def first(self) -> np.ndarray:
        """(rows,) which rows have the weights that a descent of several examples starts from."""
        inputs = [self.given[name] for name in self.network.input_names if name in self.given]
        weights = [self.given[name] for name in self.rules.weights if name in self.given]
        if not any(np.ptp(each) > 0 for each in inputs):
            return np.array([row == 0 for row in range(self.descent.rows)])
        same: np.ndarray = np.logical_and.accumulate(np.all([each == each[0] for each in weights], axis=0))
        return same

    @cached_property
    def bounded(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        truth, slack = self.rules.bounds(self.given, self.units)
        rows = np.zeros(self.descent.rows)
        return {name: each + rows for name, each in truth.items()}, {name: each + rows for name, each in slack.items()}

    @property
    def truth(self) -> Arrays:
        return self.bounded[0]

    @property
    def slack(self) -> Arrays:
        return self.bounded[1]

    def factor(self, name: str) -> float:
        return self.factors.get(family(name), 1.0)

    @property
    def computed(self) -> dict[str, Column]:
        return {name: each for name, each in self.homes.items() if name in self.rules.rules}

    def own(self, columns: Mapping[str, Column] | None = None) -> tuple[Arrays, Arrays]:
        """Each quantity with its bound over the sheet's own columns (all, or these), freed of their factors; a blank
        cell has what belongs there."""
        taken = self.computed if columns is None else columns
        values = {
            name: np.where(np.isfinite(each.values), each.values / self.factor(name), self.truth[name])
            for name, each in taken.items()
        }
        units = {name: each.units / abs(self.factor(name)) for name, each in taken.items()}
        return self.rules.bounds(self.given, self.units, values, units)

    def agrees(self, column: Column, name: str, factor: float | None = None) -> np.ndarray:
        """(rows,) whether a column's cells hold a quantity, up to its factor; blank cells do."""
        by = self.factor(name) if factor is None else factor
        return near(column, by * self.truth[name], abs(by) * self.slack[name])

    def holds(self, column: Column, name: str, factor: float | None = None) -> bool:
        told = np.isfinite(self.truth[name]) & column.shown
        return bool(told.any() and self.agrees(column, name, factor).all())

    def others(self) -> list[int]:
        """The columns that hold no givens, by number."""
        taken = {id(each) for name, each in self.homes.items() if name in self.given}
        return [at for at, each in enumerate(self.descent.columns) if id(each) not in taken and each.shown.any()]

    def unknown(self) -> list[Column]:
        """The columns with numbers that hold no quantity yet."""
        taken = set(map(id, self.homes.values()))
        return [each for each in self.descent.columns if id(each) not in taken and each.shown.any()]


def near(column: Column, due: np.ndarray, slack: np.ndarray) -> np.ndarray:
    """(rows,) whether the cells are what is due; an error value is not where a number is due, a blank cell is."""
    with np.errstate(invalid="ignore"):
        same = np.abs(column.values - due) <= slack + column.units
    found: np.ndarray = same | ~column.shown | ~np.isfinite(due)
    return found


def numbered(title: str) -> tuple[str, str]:
    """A title without its number, and the number: "grad 5" is ("grad", "5"); ("", "") where it has none."""
    found = re.fullmatch(r"(.*?)[\W_]*(\d{1,2})\W*", title.strip().lower())
    return (found[1], found[2]) if found and found[1] else ("", "")


def alike(known: Mapping[str, Column], free: list[Column]) -> Iterator[tuple[str, Column]]:
    """Columns of the same title as known ones but for their number, with what they hold by that number."""
    titles = {name: numbered(column.title) for name, column in known.items()}
    kinds = {of: kind(name).kind for name, (of, number) in titles.items() if of and kind(name).number == number}
    for column in free:
        of, number = numbered(column.title)
        if of in kinds:
            yield f"{kinds[of]}{number}", column
