"""The words of the report: each cause said so that a learner understands it, formulas in names or in cells; a rate that
is written otherwise than it was used; and summaries whose losses are not those of the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from openpyxl.utils import get_column_letter

from xlsx.expressions import Expression, number
from xlsx.formulas import GIVEN, kind

from .book import Book, formula_text, shown
from .edits import Cause, Explained
from .files import Place, Sheet, place
from .formula import BINDING, is_leaf, nodes
from .naming import Naming
from .report import Mistake, SummaryReport
from .table import LONGEST as LONGEST_TITLE
from .table import Block, is_number, rate_number, written_rate
from .verdict import Verdict

SIGNS = {"*": "·", "+": " + ", "-": " − ", "/": "/", "^": "^"}
LONGEST, SHORT = 400, 200
LEAST_COLUMNS, LEAST_ROWS, GAP = 2, 3, 2
TOLERANCE = 1e-6
TIMES = {2.0: "twice", 0.5: "half", -2.0: "minus twice", -0.5: "minus half", -1.0: "minus"}


# What is said of each cause. `wrong` and `due` come with their cells, in `bound_…` and `plain_…` as names.
SENTENCES = {
    "name": "{subject} takes {wrong} where {due} belongs{slope}.",
    "name once": "{subject} takes {wrong} where {due} belongs in one place{slope}.",
    "swapped": "{subject} has {wrong} and {due} in each other's place.",
    "other quantity": "{subject} has the formula of {plain_wrong}.",
    "text": "{subject} refers to {wrong}, which {content} and no number.",
    "blank": "{subject} reads {wrong}, which is empty, where {due} belongs.",
    "already updated": "{subject} takes {plain_due} after its update, {plain_wrong}, where {due} belongs: all "
    "derivatives of a row belong to the weights of that row.",
    "moving": "{subject} refers to {due} without $, so the reference moves as it is filled down: from {row} on it is "
    "{plain_wrong}, which {content}. Write {fixed}.",
    "frozen reference": "{subject} reads {wrong} in every row{why}.",
    "negative rate": "The learning rate in {plain_wrong} is negative ({content}): the updates go up the gradient.",
    "blank rate": "The learning rate is taken from {plain_wrong}, which is empty and counts as 0: "
    "the weights never change.",
    "rate from": "The learning rate is taken from {plain_wrong}, which {content}, not a learning rate.",
    "own rate": "{subject} is updated at the rate {content}, the other weights at {other}.",
    "update sign": "{subject} goes up the gradient: the update adds learning_rate·dE/d{subject}, not subtracts it.",
    "still": "{subject} is not updated: from {row} on it repeats the row before.",
    "missing factor": "{subject} lacks the factor {bound_due}{slope}.",
    "missing term": "{subject} lacks the part {plain_due}.",
    "missing one minus": '{subject} lacks "1 −" in {bound_due}{slope}.',
    "missing square": "{subject} is not squared: {plain_due} is due.",
    "missing activation": "{subject} is not the sigmoid 1/(1 + e^−x): {plain_due} is due.",
    "sign": "{subject} has a wrong sign in {bound_wrong}.",
    "extra factor": "{subject} has {bound_wrong} too much.",
    "constant": "{subject} has the number {plain_wrong} where {plain_due} belongs.",
    "operator": "{subject} computes {plain_wrong} where {plain_due} belongs.",
    "parentheses": "{subject} lacks the parentheses around ({plain_due}).",
    "factor": "{subject} is {times} what it must be.",
    "wrong sign": "{subject} has the wrong sign.",
    "formula": "{subject} computes {plain_wrong}; {plain_due} is due.",
    "unknown column": "{name} is not checked from {row} on: it reads {wrong}, whose title says no quantity that is "
    "known.",
    "changed input": "{here} holds {one}, every other row {other}.",
    "frozen rows": "{name} stops following its formula at {here}: {repeat} the number of the row before.",
    "fixed number": "{name} has {typed} in place of its formula at {here}; {other} is due there.",
    "number": "{here} holds {one} for {name}; from the row's other numbers it must be {other}.",
    "gone": "{here} refers to a cell or sheet that is no longer there (#REF!).",
    "reads an error": "{here} needs a cell that holds the error {content}.",
    "error": "{here} holds the error {content} where a number is due.",
    "breaks off": "the rows break off with {content} from {row} on; numbers are due there.",
    "holds a text": "{here} {content} where a number is due.",
    "empty cell": "{here} is empty.",
    "unread": "{name} is not what is due from {here} on; its formula is not understood.",
}
MANY = {"still": "the weights are not updated: from {row} on each repeats the row before."}  # of several columns
KINDS = {  # what the report calls them, where that is another name
    **dict.fromkeys(("name", "name once", "swapped", "other quantity", "text", "rate from"), "wrong reference"),
    **dict.fromkeys(("blank", "blank rate"), "empty reference"),
    **dict.fromkeys(("update sign", "wrong sign"), "sign"),
    **dict.fromkeys(("gone", "reads an error", "breaks off"), "error"),
    "moving": "unanchored reference",
    **dict.fromkeys(("own rate", "negative rate"), "learning rate"),
    "still": "no update",
    "constant": "factor",
    "missing one minus": "missing term",
    "holds a text": "text",
    "unread": "formula",
}
ALONE = {"other quantity", "formula", "changed input", "number", "unread"}  # never told for several columns at once
EXACT = {"name", "name once", "swapped", "blank", "text", "blank rate", "rate from", "negative rate"}


def written(tree: Expression, show: Callable[[Expression], str], signs: dict[str, str] | None = None) -> str:
    """An expression as text; `show` writes a leaf, `signs` may replace operators ("*": " · ")."""

    def text(node: Expression, least: int, tight: bool = False) -> str:
        kind, parts = node.operation, node.parts
        if kind == "number":
            return f"{parts[0]:.10g}"
        if kind == "neg":
            return "-" + text(parts[0], 6)
        if kind not in BINDING:
            return show(node) if is_leaf(node) else f"{kind}({','.join(text(part, 0) for part in parts)})"
        binding = BINDING[kind]
        inner = text(parts[0], binding) + (signs or {}).get(kind, kind) + text(parts[1], binding, kind in "-/")
        return f"({inner})" if binding < least or (tight and binding == least) else inner

    return text(tree, 0)


class Writer:
    """Writes for one cell of a column: expressions over names or as a formula of the sheet, and whole mistakes."""

    def __init__(self, naming: Naming, name: str, row: int):
        self.naming, self.name, self.row = naming, name, row
        self.reading = naming.found.reading
        self.column = self.reading.homes[name]
        self.sheet = self.column.block.sheet.name

    def mistake(self, found: Explained) -> Mistake:
        """A cause with its cells, and the formula that is due."""
        right, has = self.naming.due_formula(self.name), found.has
        mended = found.fix if found.fix is not None else right
        places = [self.column.places[row] for row in found.rows if row < len(self.column.places)]
        cells = [place(*each[1:]) for each in places]
        return Mistake(
            KINDS.get(found.cause.kind, found.cause.kind),
            [self.name],
            cells[0],
            cells,
            self.told(found),
            formula_text(self.naming.book, places[0]),
            self.names(has) if has is not None else None,
            self.names(right) if right is not None else None,
            self.formula(mended) if mended is not None else None,
            found.cause.kind,
            places,
        )

    def told(self, found: Explained) -> str:
        """The sentence of a cause."""
        cause, rows, has = found.cause, found.rows, found.has
        wrong, due = cause.wrong or number(0.0), cause.due or number(0.0)
        as_numbers = has is None and cause.kind not in PLAIN
        show = self.names if as_numbers else self.in_its_cell
        parts = {
            "subject": f"The numbers of {self.name} are those of a formula that" if as_numbers else self.name,
            "name": self.name,
            "row": self.step,
            "here": self.cell(self.column.places[self.row]) if self.row < len(self.column.places) else "a row",
            "wrong": show(wrong),
            "due": show(due),
            "plain_wrong": self.names(wrong),
            "plain_due": self.names(due),
            "bound_wrong": bound(wrong, self.names(wrong)),
            "bound_due": bound(due, self.names(due)),
            "content": self.content(wrong),
            "fixed": self.leaf_cell(due) if due.operation == "cell" else "",
            "slope": slope_hint(wrong, due),
            "times": times(due.parts[0]) if due.operation == "number" else "",
            "repeat": "the cell repeats" if len(rows) == 1 else f"{len(rows)} rows repeat",
            "typed": "a typed number" if len(rows) == 1 else f"typed numbers ({len(rows)} rows)",
        }
        return SENTENCES[cause.kind].format(**parts | dict(cause.said))

    def content(self, leaf: Expression) -> str:
        """What a wrong cell is, as a clause."""
        where = self.naming.place_of(self.row, leaf)
        role = self.naming.roles.get(where) if where else None
        value = self.naming.book.value(where) if where else None
        if role:
            return f"holds {role[0]}" + (f" ({value:.6g})" if isinstance(value, float) else "")
        if isinstance(value, str) and value:
            return f'holds the text "{value}"'
        return "is empty" if value is None else "is another cell"

    @property
    def step(self) -> str:
        """The row, or the column of a table whose updates stand side by side, in words."""
        return self.far(0)

    def names(self, tree: Expression) -> str:
        text = written(tree, self.leaf_name, SIGNS)
        return text if len(text) <= LONGEST else text[:LONGEST] + " …"

    def leaf_name(self, leaf: Expression) -> str:
        kind_of, parts = leaf.operation, leaf.parts
        if kind_of == "name":
            name, offset = parts
            usual = offset == 0 or (offset == -1 and kind(name).kind in ("w", "b", "dE/dw", "dE/db"))
            return name if usual else f"{name} of {self.far(offset)}"
        if kind_of == "inline":
            return written(parts[0], self.leaf_name, SIGNS) if len(str(parts[0])) < SHORT else self.cell(parts[1])
        return f'"{parts[0]}"' if kind_of == "text" else self.cell(parts[0]) if kind_of == "cell" else str(parts[0])

    def far(self, offset: int) -> str:
        steps, at = self.column.block.steps, self.row + offset
        word = "column" if self.column.block.across else "row"
        return f"{word} {steps[at]}" if 0 <= at < len(steps) else "another row"

    def cell(self, where: Place) -> str:
        return shown(where, self.sheet)

    def in_its_cell(self, leaf: Expression) -> str:
        """A quantity with its cell: "a_h1 (J55)"."""
        if leaf.operation == "cell" and (role := self.naming.roles.get(leaf.parts[0])):
            return f"{role[0]} ({self.cell(leaf.parts[0])})"
        if not is_leaf(leaf):
            return self.names(leaf)
        where, own = self.naming.place_of(self.row, leaf), self.leaf_name(leaf)
        return f"{own} ({self.cell(where)})" if where and self.cell(where) not in own else own

    def formula(self, tree: Expression) -> str | None:
        """The tree as a formula for this row's cell, or None where a quantity has no cell."""
        try:
            return "=" + written(tree, self.leaf_cell)
        except LookupError:
            return None

    def leaf_cell(self, leaf: Expression) -> str:
        if leaf.operation == "text":
            return f'"{leaf.parts[0]}"'
        where = self.naming.place_of(self.row, leaf)
        if where is None:
            raise LookupError(leaf)
        own = place(where[1], where[2])
        fixed = leaf.operation == "cell" or where in self.reading.beside or self.is_far(leaf)
        own = re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", own) if fixed else own
        return own if where[0] == self.sheet else f"'{where[0]}'!{own}"

    def is_far(self, leaf: Expression) -> bool:
        name = leaf.parts[0] if leaf.operation == "name" else ""
        home = self.reading.homes.get(name)
        return home is not None and kind(name).kind in GIVEN and not home.shown[1:].any() and len(home.places) > 1


PLAIN = {"still", "formula"}  # of numbers, too, said as they are


def mistakes(naming: Naming, found: Iterable[Explained]) -> list[Mistake]:
    """Every cause told once: the same change in neighbouring columns is one mistake."""
    together: dict[object, Mistake] = {}
    for each in found:
        writer = Writer(naming, each.name, each.rows[0])
        mistake = writer.mistake(each)
        first = together.setdefault(key(each.cause, each.rows[0]), mistake)
        if first is not mistake:
            if many := MANY.get(mistake.cause):
                first.text = many.format(row=writer.step)
            first.quantities += [name for name in mistake.quantities if name not in first.quantities]
            first.cells += mistake.cells
            first.places += mistake.places
    return list(together.values())


def notes(naming: Naming, found: Iterable[Explained], more: str = "") -> list[str]:
    """What is said of causes that are no mistakes, each once."""
    return list(dict.fromkeys(Writer(naming, each.name, each.rows[0]).told(each) + more for each in found))


def key(cause: Cause, row: int) -> object:
    """The same for the same change in another column."""
    if cause.kind in ALONE:
        return object()
    parts = str((cause.due,) if cause.kind == "moving" else (cause.wrong, cause.due))
    if cause.kind == "frozen reference" and cause.wrong is not None:
        parts = str(cause.wrong.parts[0][:2])  # the same row of another column
    elif cause.kind not in EXACT:
        parts = re.sub(r"\d+(?='|,)", "#", parts) if cause.kind != "already updated" else ""
    return cause.kind, parts, dict(cause.said).get("content"), row


def bound(tree: Expression, text: str) -> str:
    """The text of a part, a sum in parentheses."""
    return f"({text})" if tree.operation in "+-" else text


def slope_hint(wrong: Expression, due: Expression) -> str:
    """Said where an activation's derivative a·(1 − a) has another unit's activation, or is missing."""
    of = wrong if is_leaf(due) else next((each for each in nodes(due) if is_slope(each)), None)
    names = [each.parts[0] for each in (due, of) if each is not None and each.operation == "name"]
    if len(names) == 2 and all(name.startswith("a_") for name in names) and names[0].startswith("a_h"):
        return f" (the activation's derivative is {names[0]}·(1 − {names[0]}))"
    name = of.parts[1].parts[0] if of is not None and is_slope(of) else ""
    return f": part of the activation's derivative {name}·(1 − {name})" if name else ""


def is_slope(node: Expression) -> bool:
    """1 − a."""
    one_minus = node.operation == "-" and node.parts[0] == number(1.0) and node.parts[1].operation == "name"
    return one_minus and str(node.parts[1].parts[0]).startswith("a_")


def times(factor: float) -> str:
    return TIMES.get(round(factor, 9), f"{factor:.6g} times")


class Statement(NamedTuple):
    """A rate that is written somewhere: its value and place (row 0: the sheet's name), and whether a text says it."""

    value: float
    row: int
    column: int
    is_text: bool = True

    @property
    def where(self) -> str:
        return place(self.row, self.column) if self.row else "the sheet's name"


def stated(book: Book, blocks: list[Block], labels: dict[Place, str]) -> dict[Block, Statement | None]:
    """For each block the rate that stands nearest above it, else beside it, else in the sheet's name."""
    found = {name: list(on_sheet(book, name, labels)) for name in book.grid.sheets}
    return {block: nearest(block, blocks, found[block.sheet.name]) or in_name(block) for block in blocks}


def on_sheet(book: Book, name: str, labels: dict[Place, str]) -> Iterator[Statement]:
    """Every statement on a sheet: texts with the number in them, and numbers with a label."""
    for (row, column), cell in book.grid.sheets[name].cells.items():
        said = written_rate(cell.value) if isinstance(cell.value, str) else None
        if said is not None:
            yield Statement(said, row, column)
    for where, label in labels.items():
        if where[0] == name and label == "learning_rate" and np.isfinite(value := book.number(where)):
            yield Statement(value, *where[1:], False)


def nearest(block: Block, blocks: list[Block], statements: list[Statement]) -> Statement | None:
    """The last statement above the block and below whatever stands over it; else one beside it."""
    if block.across:
        return statements[0] if len({each.value for each in statements}) == 1 else None
    left, right = min(block.lines.values()), max(block.lines.values())
    above = max((other.steps[-1] for other in blocks if over(other, block)), default=0)
    near = [each for each in statements if above < each.row < block.steps[0] and away(each, left, right) <= 3]
    if near:
        texts = [each for each in near if each.is_text and each.row >= block.header - 3]
        if len({each.value for each in texts}) == 1:
            return texts[-1]
        numbers = [each for each in near if not each.is_text]
        return max(numbers or near, key=lambda each: (-away(each, left, right), each.row))
    beside = [
        each for each in statements if block.header <= each.row <= block.steps[-1] and 0 < away(each, left, right) <= 6
    ]
    if beside:
        return min(beside, key=lambda each: away(each, left, right))
    alone = len([other for other in blocks if other.sheet is block.sheet]) == 1
    return statements[0] if alone and len({each.value for each in statements}) == 1 else None


def over(other: Block, block: Block) -> bool:
    """Whether a block stands above another, in some of its columns."""
    if other.sheet is not block.sheet or other.steps[-1] >= block.steps[0]:
        return False
    mine, theirs = block.lines.values(), other.lines.values()
    return min(mine) <= max(theirs) and min(theirs) <= max(mine)


def away(statement: Statement, left: int, right: int) -> int:
    """How many columns a statement lies outside a block."""
    return max(left - statement.column, statement.column - right, 0)


def in_name(block: Block) -> Statement | None:
    name = block.sheet.name.strip()
    value = None if re.search(r"(?<![\d.])0\d", name) else written_rate(name)  # "LR 01" may mean 0.1
    if value is None and name.replace(".", "", 1).isdigit() and "." in name:
        value = rate_number(name)
    return Statement(value, 0, 0) if value is not None else None


def read_by(naming: Naming, written: Statement | None) -> Statement | None:
    """The cell that right updates read, where it stands in one list with what is written, or alone."""
    block, leaf = naming.found.reading.descent.blocks[0], naming.rate
    if leaf.operation != "cell" or leaf.parts[0][0] != block.sheet.name:
        return written
    (sheet, row, column), value = leaf.parts
    if written is not None:
        between = range(min(column, written.column), max(column, written.column) + 1)
        cells = [naming.book.value((sheet, row, at)) for at in between]
        if written.is_text or row != written.row or not all(map(is_number, cells)):
            return written
    return Statement(value, row, column, False)


def with_rate(naming: Naming, written: Statement | None, found: list[Mistake]) -> list[Mistake]:
    """The mistakes, with that of a rate which is not the one that is written."""
    astray = [each for each in found if each.is_of_the_rate]
    used, value, said = naming.found.rate, naming.found.rate_used or 0.0, abs(written.value) if written else 0.0
    if written is None:
        return found
    for each in astray:
        empty = " Type {0} into the empty cell." if each.cause == "blank rate" else ""
        each.text += (" {0} is written in {1}." + empty).format(f"{written.value:.6g}", written.where)
    if used is None or astray or abs(value - said) <= used.spread + 1e-6 * max(value, said):
        return found
    block = naming.found.reading.descent.blocks[0]
    text = f"{written.where} says the learning rate {written.value:.6g}, the numbers used {value:.6g}."
    where = written.where if written.row else block.area.split(":")[0]
    places = [(block.sheet.name, written.row, written.column)] if written.row else []
    return [*found, Mistake("learning rate", [], where, [where], text, places=places)]


Losses = dict[float, list[Verdict]]


def summaries(book: Book, judged: list[tuple[float | None, Verdict]]) -> list[SummaryReport]:
    """The reports of all summaries whose losses are those of the workbook's tables."""
    losses: Losses = {}
    for rate, verdict in judged:
        if rate and "E_total" in verdict.reading.homes:
            losses.setdefault(round(abs(rate), 9), []).append(verdict)
    found = (
        [summary(book, *each, losses) for sheet in book.grid.sheets.values() for each in heads(book, sheet, losses)]
        if losses
        else []
    )
    return [each for each in found if each is not None]


def heads(book: Book, sheet: Sheet, losses: Losses) -> Iterator[tuple[Sheet, dict[float, int], list[int]]]:
    """Rows of rates, of different values and outside the tables, with numbers below each."""
    inside = {where for each in losses.values() for verdict in each for where in verdict.reading.descent.at}
    by_row: dict[int, dict[float, int]] = {}
    for row, column in sorted(sheet.cells):
        rate = rate_of(book, (sheet.name, row, column))
        if rate is not None and (sheet.name, row, column) not in inside:
            by_row.setdefault(row, {}).setdefault(rate, column)
    taken = 0
    for row, columns in by_row.items():
        known = {rate: column for rate, column in columns.items() if rate in losses}
        if len(columns) >= LEAST_COLUMNS and known and row > taken:
            rows = rows_below(book, sheet, row, list(columns.values()), inside)
            if len(rows) >= LEAST_ROWS:
                yield sheet, known, rows
                taken = rows[-1]


def rate_of(book: Book, where: Place) -> float | None:
    value = book.cell(where).value
    if isinstance(value, str):
        return written_rate(value) or title_rate(value)
    return round(float(value), 9) if is_number(value) and 0 < float(value) <= 100 else None  # type: ignore[arg-type]


def title_rate(text: str) -> float | None:
    """The rate in a title such as "0.1", "E_total (0.1)" or "Loss 0.5"."""
    if len(text) > LONGEST_TITLE or re.search(r"\b(at|after)\b", text):  # "E at 1" is that of an epoch
        return None
    found = re.fullmatch(r"(?:[a-z_ ]*(?:e|loss|error)[a-z_ ]*)?[\s(@_:=-]*(\d*\.?\d+)\)?", text.strip(), re.IGNORECASE)
    return float(found[1]) if found else None


def rows_below(book: Book, sheet: Sheet, row: int, columns: list[int], inside: set[Place]) -> list[int]:
    """The rows of numbers right below a row of rates."""
    found: list[int] = []
    at = row + 1
    while at - (found[-1] if found else row) <= GAP:
        values = [book.value((sheet.name, at, column)) for column in columns]
        if sum(is_number(value) for value in values) * 2 > len(columns):
            if any((sheet.name, at, column) in inside for column in columns):
                break
            found.append(at)
        at += 1
    return found


def summary(
    book: Book, sheet: Sheet, columns: dict[float, int], rows: list[int], losses: Losses
) -> SummaryReport | None:
    """The report of a summary, or None where it has nothing to do with the losses of the tables."""
    states = {
        rate: held(book, [(sheet.name, row, column) for row in rows], rate, losses) for rate, column in columns.items()
    }
    if not any(each[0] in ("right", "partly", "other") for each in states.values()):
        return None
    if 2 * sum(each[0] == "right" for each in states.values()) >= len(states):  # what stands beside right ones is meant
        states = {
            rate: ("partly", list(range(len(rows))), None) if each[0] == "unknown" else each
            for rate, each in states.items()
        }
    lines = sorted(columns.values())
    found = SummaryReport(sheet.name, f"{place(rows[0], lines[0])}:{place(rows[-1], lines[-1])}", sorted(columns))
    for rate, (found_as, wrong, other) in states.items():
        if found_as in ("partly", "other"):
            places = [(sheet.name, rows[at], columns[rate]) for at in wrong]
            found.mistakes.append(summary_mistake(book, rate, places, other))
    return found


def held(book: Book, cells: list[Place], rate: float, losses: Losses) -> tuple[str, list[int], float | None]:
    """right; partly, with the rows that differ; other, where it holds another rate's losses; or unknown."""
    values, every = np.array([book.number(cell) for cell in cells]), list(range(len(cells)))
    best = matches(values, losses[rate])
    if best.all():
        return "right", [], None
    pointed = pointed_rate(book, cells[0], losses)
    if pointed is not None and pointed != rate:
        return "other", every, pointed
    for other, candidates in losses.items():
        if other != rate and matches(values, candidates).all():
            return "other", every, other
    return ("partly", np.flatnonzero(~best).tolist(), None) if best.sum() * 2 > len(best) else ("unknown", [], None)


def matches(values: np.ndarray, candidates: list[Verdict]) -> np.ndarray:
    """(rows,) whether the values are a table's losses, from its first row or its second; blanks are no difference."""
    best = np.zeros(len(values), dtype=bool)
    for verdict in candidates:
        losses = verdict.reading.homes["E_total"].values
        for start in (0, 1):
            part = losses[start : start + len(values)]
            part = np.concatenate([part, np.full(len(values) - len(part), np.nan)])
            near = np.abs(values - part) <= np.maximum(TOLERANCE * np.abs(part), coarseness(values))
            good = np.isnan(values) | near
            best = good if good.sum() > best.sum() else best
    return best


def coarseness(values: np.ndarray) -> float:
    """Half a unit of the last decimal of numbers that are rounded."""
    decimals = [len(f"{value:.15f}".rstrip("0").partition(".")[2]) for value in values if np.isfinite(value)]
    most = max(decimals, default=15)
    return 0.5 * 10.0**-most if most <= 10 else 0.0


def pointed_rate(book: Book, cell: Place, losses: Losses) -> float | None:
    """The rate of the table whose E_total a cell points to."""
    read = book.reads(cell)
    for rate, verdicts in losses.items():
        if len(read) == 1 and any(read[0] in verdict.reading.homes["E_total"].places for verdict in verdicts):
            return rate
    return None


def summary_mistake(book: Book, rate: float, places: list[Place], other: float | None) -> Mistake:
    cells = [place(*each[1:]) for each in places]
    text = f"{cells[0]} is not the loss of the learning rate {rate:.6g} in that row ({len(cells)} such)."
    if other is not None:
        column = get_column_letter(places[0][2])
        text = f"Column {column} is headed {rate:.6g}, but it holds the losses of the learning rate {other:.6g}."
    return Mistake("summary", ["E_total"], cells[0], cells, text, formula_text(book, places[0]), places=places)
