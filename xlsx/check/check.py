"""Checks one workbook: book → table → meaning → verdict → cause → words, gathered into what a report says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pyfuncs.descent import history, states
from pyfuncs.network import NetworkError
from xlsx import contract
from xlsx.formulas import GIVEN, LOSS_KINDS, kind

from . import files, table, words
from .book import Book
from .cause import causes, harmless, misplaced_rates, settle
from .descent import Column as Line
from .descent import Descent, Reading, descents, with_helpers
from .files import Grid, Place, Sheet, Unreadable, place
from .meaning import understood
from .naming import Naming, by_readers
from .report import (
    BLANK,
    MISTAKES,
    NOT_UNDERSTOOD,
    NOT_YET,
    RIGHT,
    UNFINISHED,
    Answer,
    BlockReport,
    Column,
    Cost,
    Mistake,
    Report,
)
from .table import Block
from .verdict import BLIND, FOLLOWS, UNREAD, WRONG, Verdict, judged, moving, seen, waits
from .verdict import RIGHT as AGREES
from .words import Statement

EPOCHS = (1, 10, 100)
SHEETS = {contract.FORWARD: 1, contract.BACKWARD: 2}  # the column of the key that has a sheet's numbers
QUANTITY, ANSWER = "Quantity", "Your answer"
DIGITS, SMALL = 1e-4, 1e-9  # as the workbook's own cells beside the answers
FIGURES = 4  # to which a rounded answer is right, too
COVER, LEAST_RIGHT = 0.5, 3
UNEXPLAINED = ("formula", "number", "fixed number", "unread")
LOOKED_FOR = (
    "Looked for: a row of titles such as t1 t2 i1 i2 w1 … w8 h1 a_h1 … o1 a_o1 … E1 E2 E_total dE/dw1 … dE/dw8 (at "
    "least five of them, on any sheet, in any order), and below it one row of numbers or formulas for each update."
)
NO_LOSS = "read as cross-entropy, for want of a loss column: the squared error would need a_o·(1 − a_o), too"


def check(path: Path, name: str = "") -> Report:
    """The report of a file, which is called `name` in it; it never raises for what a file may hold."""
    name = name or str(path)
    try:
        with np.errstate(all="ignore"):  # what overflows is inf or nan, and is judged as that
            return check_grid(name, files.read(path))
    except Unreadable as error:
        return Report(name, NOT_UNDERSTOOD, str(error))
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        fault = f"{type(error).__name__}: {error}"
        return Report(name, NOT_UNDERSTOOD, f"The check failed on this file ({fault}), which is a fault of the check.")


def check_grid(name: str, whole: Grid) -> Report:
    notes = [
        f"sheet {sheet.name}: too many cells, not looked at; copy its first 1,000 rows into a new workbook"
        for sheet in whole.sheets.values()
        if sheet.too_large
    ]
    book = Book(whole)
    if answers := exercise_answers(book):
        return answered(name, answers, notes)
    blocks = table.find(whole)
    if not blocks:
        return Report(name, NOT_UNDERSTOOD, no_table(whole), notes=notes)
    if len(blocks) > table.MOST_BLOCKS:
        notes.append(f"{len(blocks)} blocks, of which the first {table.MOST_BLOCKS} are checked")
        blocks = blocks[: table.MOST_BLOCKS]
    blocks = with_helpers(book, blocks)
    found = [each for each in descents(book, blocks) if is_of_exercise(each)]
    if not found:
        return Report(name, NOT_UNDERSTOOD, no_table(whole), notes=notes)
    report = Report(name, RIGHT, notes=notes)
    read_blocks(book, blocks, found, report)
    if book.worked:
        notes.append(
            f"{len(book.worked)} formulas have no stored value (the file was never calculated); worked out here"
        )
    return concluded(book, report)


def is_of_exercise(descent: Descent) -> bool:
    """Whether anything of it is computed or learned: not of inputs and targets alone, such as a truth table."""
    return any(each.made or (each.name and kind(each.name).kind not in GIVEN) for each in descent.columns)


def answered(name: str, answers: list[Answer], notes: list[str]) -> Report:
    """The report of an exercise: its answers alone are judged."""
    states = {each.state for each in answers}
    status = MISTAKES if NOT_YET in states else UNFINISHED if BLANK in states else RIGHT
    return Report(name, status, notes=notes, answers=answers)


def read_blocks(book: Book, blocks: list[Block], found: list[Descent], report: Report) -> None:
    """The reports of the tables of all descents, in their order, and of the summaries."""
    labels = {
        (sheet.name, *where): label
        for sheet in book.grid.sheets.values()
        for where, label in table.labels(sheet, [block for block in blocks if block.sheet is sheet]).items()
    }
    written = words.stated(book, blocks, labels)
    parts: Parts = {}
    known: list[tuple[float | None, Verdict]] = []
    tables = {place: column for descent in found for place, (column, _) in descent.at.items()}
    for descent in found:
        stated = next((written[block] for block in descent.blocks if written[block]), None)
        naming, own = descent_reports(book, descent, labels, stated, tables)
        parts |= own
        if naming:
            known.append((stated.value if stated else rate_value(naming), naming.found))
    report.blocks = [parts[block] for block in blocks if block in parts]
    report.summaries = words.summaries(book, known)


def concluded(book: Book, report: Report) -> Report:
    read = [block for block in report.blocks if block.not_understood is None]
    spotted = on_purpose(book)
    if not read:
        report.status = NOT_UNDERSTOOD
        report.message = f"{report.blocks[0].not_understood} {LOOKED_FOR}"
    elif any((each.places and each.places[0][0] != spotted) or not each.places for each in report.mistakes):
        report.status = MISTAKES
    elif report.mistakes:
        report.notes.append(f"sheet {spotted}: its mistake is there to be spotted, and is not counted")
    return report


def no_table(whole: Grid) -> str:
    """Why there is nothing to check."""
    if text := table.numbers_as_texts(whole):
        return (
            f"A table was found whose numbers are texts, with which a sheet cannot compute: {text}. Mark the columns "
            "and turn them into numbers (in Excel and Calc: Data, Text to Columns; choose their decimal sign)."
        )
    return f"No table of the exercise was found. {LOOKED_FOR}"


Parts = dict[Block, BlockReport]


def descent_reports(
    book: Book, descent: Descent, labels: dict[Place, str], written: Statement | None, tables: dict[Place, Line]
) -> tuple[Naming | None, Parts]:
    """The reports of the tables of one descent."""
    parts = {block: BlockReport(block.sheet.name, block.area, len(block.steps)) for block in descent.blocks}
    where = f"{descent.blocks[0].sheet.name}!{descent.blocks[0].area}"
    reading = understood(book, descent, labels)
    if reading is None:
        return None, refused(parts, f"The weights of {where} are not those of a network of its columns.", written)
    if written is not None:
        reading.rates |= {written.value}
    naming = by_readers(Naming(book, judged(reading)))
    settle(naming)
    found, tied = list(causes(naming)), list(harmless(naming))
    mistakes = words.mistakes(naming, [each for each in found if each.cause.kind != "unknown column"])
    notes = words.notes(naming, [each for each in found if each.cause.kind == "unknown column"])
    notes += words.notes(naming, tied, " With these numbers it makes no difference.")
    if why := strange(naming, mistakes, where) or unclear(naming, where):
        return None, refused(parts, why, written)
    written = words.read_by(naming, written)
    mistakes = words.with_rate(naming, written, [*mistakes, *words.mistakes(naming, misplaced_rates(naming, tables))])
    for block, part in parts.items():
        refused({block: part}, None, written)
        fill(naming, block, part, mistakes, notes)
    add_absent(naming, next(iter(parts.values())))
    return naming, parts


def refused(parts: Parts, why: str | None, written: Statement | None) -> Parts:
    for block, part in parts.items():
        part.not_understood = why
        part.unchecked = block.filled if why else 0
        part.rate_written, part.rate_place = (written.value, written.where) if written else (None, None)
    return parts


def strange(naming: Naming, mistakes: list[Mistake], where: str) -> str | None:
    """What is said where no column of a kind has an explanation: another network or rule, not a mistake in this one."""
    unexplained = {name: each for each in mistakes if each.kind in UNEXPLAINED for name in each.quantities}
    homes = naming.found.reading.homes
    for of in ("h", "a_h", "o", "a_o", "E"):
        names = [name for name in homes if kind(name).kind == of]
        if len(names) > 1 and all(name in unexplained and unexplained[name].kind == "formula" for name in names):
            return f"{unexplained[names[0]].cell}: {unexplained[names[0]].text} No other network is known here."
    weights = [name for name in moving(naming.found.reading) if name in homes]
    waiting = {
        name for each in mistakes if each.cause == "still" and waits(naming.found.reading) for name in each.quantities
    }
    if len(weights) > 1 and 2 * sum(name in {*unexplained, *waiting} for name in weights) > len(weights):
        known = "a learning rate times dE/dw, once or in turns, nor momentum, weight decay or Adam"
        return f"{where} is not understood: {seen(naming.found.reading)}, which is not {known}."
    return None


def unclear(naming: Naming, where: str) -> str | None:
    """Why a table is not understood: nothing in it is checked, or little of it is explained."""
    found, columns = naming.found, judged_cells(naming.found)
    cells = np.concatenate([*columns, np.zeros(0, dtype=int)])
    if not np.isin(cells, (AGREES, FOLLOWS, WRONG)).any():
        if (cells == BLIND).any() and found.rate is not None:
            return f"{where} is too rounded to judge."
        return f"Nothing in {where} could be checked: its columns do not belong together."
    has_states = found.rate is not None and not found.rate.plain  # of the rule, which are not all known
    unknown = [column for column in found.reading.unknown() if column.made and not has_states]
    whole = len(cells) + sum(int(column.shown.sum()) for column in unknown)
    explained = float(np.isin(cells, (AGREES, FOLLOWS, BLIND)).sum()) / whole
    right = sum(bool(np.isin(states, (AGREES, FOLLOWS)).all()) for states in columns)
    if explained < COVER:
        network = found.reading.network.text
        return f"{where} is not understood: {explained:.0%} of its cells are what a network {network} gives."
    if right < min(LEAST_RIGHT, (len(columns) + 1) // 2):
        rounded = ", many being too rounded to judge" if (cells == BLIND).any() else ""
        return f"{where} is not understood: only {right} of its {len(columns)} columns are right throughout{rounded}."
    return None


def judged_cells(found: Verdict) -> list[np.ndarray]:
    """The states of the numbers of each column, without the start of its weights, which nothing tells."""
    reading = found.reading
    starts = {name: 1 if name in reading.given else 0 for name in found.due}
    cells = {name: np.isfinite(reading.homes[name].values[first:]) for name, first in starts.items()}
    return [found.states[name][starts[name] :][there] for name, there in cells.items()]


def rate_value(naming: Naming) -> float | None:
    """The learning rate that was used; 0 where nothing is learned."""
    return naming.found.rate_used if naming.found.rate else 0.0 if naming.found.still else None


def fill(naming: Naming, block: Block, part: BlockReport, mistakes: list[Mistake], notes: list[str]) -> None:
    """What is said of one table."""
    reading = naming.found.reading
    first = block is reading.descent.blocks[0]
    part.network, part.rate_used = reading.network.text, rate_value(naming)
    part.conventions, part.notes = conventions(naming), [each for each in notes if first]
    part.given = {name: float(values[0]) for name, values in reading.given.items() if np.isfinite(values[0])}
    own = [each for each in mistakes if (each.places[0][0] == block.sheet.name if each.places else first)]
    part.mistakes = [each for each in own if is_home(block, each, reading.descent)]
    astray = any(each.is_of_the_rate for each in mistakes)
    true = TrueDescent(naming, part.rate_written if astray or not part.rate_used else part.rate_used)
    part.columns = [
        column(naming, name, home, true, bool(mistakes))
        for name, home in sorted(reading.homes.items(), key=lambda item: item[1].line)
        if home.block is block
    ]
    part.columns += unread(reading, block)
    part.unchecked = sum(each.unchecked for each in part.columns)
    if part.mistakes:
        part.cost = true.cost()


def is_home(block: Block, mistake: Mistake, descent: Descent) -> bool:
    """Whether a mistake belongs to this table of a descent: its first cell does, or it is the first of them."""
    if mistake.places and (found := descent.at.get(mistake.places[0])):
        return found[0].block is block
    return block is descent.blocks[0]


def unread(reading: Reading, block: Block) -> list[Column]:
    """Columns that hold no known quantity: counted as not checked."""
    return [
        Column("", line.title, line.letter, "not checked", unchecked=int(line.shown.sum()))
        for line in reading.unknown()
        if line.block is block and line.title and not (line.steady and line.typed.all())
    ]


def add_absent(naming: Naming, part: BlockReport) -> None:
    names = [naming.found.reading.rules.called(name) for name in naming.found.reading.network.headers("train")]
    beside = naming.found.reading.given
    part.absent = [name for name in names if name not in naming.found.reading.homes and name not in beside]


def conventions(naming: Naming) -> list[str]:
    """What the learner does differently from the exercise, and rightly."""
    reading, said = naming.found.reading, []
    factors = reading.factors
    if reading.rules.wiring:
        said.append("weights numbered by the unit they come from")
    if factors.get("E") == 2:
        said.append("E without the ½")
    if factors.get("E_total", 1.0) != factors.get("E", 1.0):
        said.append("E_total as a mean")
    if factors.get("slopes", 1.0) < 0:
        said.append("dE/dw with the opposite sign, added in the update")
    if reading.network.loss == "cross-entropy" and not any(kind(name).kind in LOSS_KINDS for name in reading.homes):
        said.append(NO_LOSS)
    if naming.found.rate and not naming.found.rate.plain:
        said.append(naming.found.rate.text)
    return said


def column(naming: Naming, name: str, home: Line, true: TrueDescent, fed: bool) -> Column:
    found = naming.found
    states = found.states.get(name, np.zeros(0, dtype=int))
    made = Column(name, home.title.strip(), home.letter, "right")
    made.unchecked = int(np.isin(states, (BLIND, UNREAD)).sum())
    judged_cells = states[home.shown[: len(states)]] if len(states) else states
    if (states == WRONG).any():
        row = int(np.flatnonzero(states == WRONG)[0])
        made.status, made.from_row = "wrong", home.block.steps[row]
        made.cell = place(*home.places[row][1:])
    elif name not in found.due:
        made.status = "given"
        made.unchecked = 0
    elif not np.isin(judged_cells, (AGREES, FOLLOWS)).any():
        made.status = "not checked"
    elif (states == FOLLOWS).any() or (fed and true.apart(name)):
        made.status = "follows"
    if name in found.due:
        with np.errstate(invalid="ignore"):
            apart = np.abs(home.values - found.due[name])[states != FOLLOWS]
        made.difference = float(np.nanmax(apart)) if np.isfinite(apart).any() else 0.0
    return made


class TrueDescent:
    """A table beside the true descent from its first row, at `rate`. It needs inputs, targets and weights."""

    def __init__(self, naming: Naming, rate: float | None):
        self.found, self.reading, self.rate = naming.found, naming.found.reading, rate
        self.rows = self.true_rows(max(self.reading.descent.rows, EPOCHS[-1] + 1)) if rate is not None else None

    def true_rows(self, count: int) -> dict[str, np.ndarray] | None:
        """Every quantity of the true descent, (count,), in the learner's names and factors."""
        network, given = self.reading.network, self.reading.given
        start = np.array([given[name][0] for name in self.reading.rules.weights])
        steady = [given[name] for name in (*network.input_names, *network.target_names)]
        if not np.isfinite(start).all() or any(np.ptp(each) > 1e-9 or not np.isfinite(each).all() for each in steady):
            return None
        inputs, targets = (
            np.array([[given[name][0] for name in names]]) for names in (network.input_names, network.target_names)
        )
        try:
            steps = history(network, start, inputs, targets, abs(self.rate or 0.0), count - 1)
        except NetworkError:  # targets that are none of its loss
            return None
        path = states(network, steps, inputs, targets)
        names = [self.reading.rules.called(name) for name in network.headers("train")]
        return {name: path[:, at] * self.reading.factor(name) for at, name in enumerate(names)}

    def apart(self, name: str) -> bool:
        """Whether a column lies apart from the true descent; where that has no such quantity, its own truth tells."""
        if self.rows is None or name not in self.rows:
            return self.rows is None or self.drifted
        home = self.reading.homes[name]
        values, due = home.values, self.rows[name][: len(home.values)]
        size = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
        with np.errstate(invalid="ignore"):
            return bool((np.abs(values - due) > 1e-9 * size + 1e-12 + 2 * home.units).any())

    @property
    def drifted(self) -> bool:
        return any(name in self.reading.homes and self.apart(name) for name in self.reading.rules.weights)

    def cost(self) -> list[Cost]:
        """After 1, 10 and 100 epochs as far as the rows go, and at their end."""
        homes, names = self.reading.homes, [name for name in self.reading.rules.weights if name in self.reading.homes]
        if self.rows is None or "E_total" not in homes:
            return []
        found = []
        last = self.reading.descent.rows - 1
        for epochs in sorted({*(each for each in EPOCHS if each < last), last} - {0}):
            weights = [float(homes[name].values[epochs] - self.rows[name][epochs]) for name in names]
            loss = float(homes["E_total"].values[epochs])
            if np.isfinite([loss, *weights]).all():
                found.append(Cost(epochs, float(self.rows["E_total"][epochs]), loss, max(map(abs, weights))))
        return found


def exercise_answers(book: Book) -> list[Answer]:
    """Every answer of an exercise, in the order of its sheets; none in another workbook."""
    if contract.KEY not in book.grid.sheets:
        return []
    return [each for title, key in SHEETS.items() for each in answers_on(book, book.grid.sheets.get(title), key)]


def answers_on(book: Book, sheet: Sheet | None, key: int) -> Iterator[Answer]:
    """The answers below each row of titles that has a column for them."""
    titles = [(at, cell.value) for at, cell in sorted(sheet.cells.items())] if sheet else []
    named = {row: column for (row, column), text in titles if text == QUANTITY}
    asked = {row: column for (row, column), text in titles if text == ANSWER}
    for row in sorted(named.keys() & asked.keys()):
        at = row + 1
        while sheet and isinstance(quantity := book.value((sheet.name, at, named[row])), str):
            due = book.number((contract.KEY, at, key))
            if np.isfinite(due):
                where = (sheet.name, at, asked[row])
                yield Answer(quantity, sheet.name, place(*where[1:]), answer_state(book.value(where), due))
            at += 1


def answer_state(content: object, due: float) -> str:
    if content is None or content == "":
        return BLANK
    half_unit = 0.5 * 10.0 ** (np.floor(np.log10(abs(due))) - FIGURES + 1) if due else 0.0
    near = isinstance(content, float) and abs(content - due) <= max(DIGITS * abs(due), half_unit) + SMALL
    return RIGHT if near else NOT_YET


def on_purpose(book: Book) -> str:
    """The sheet of our own workbook that holds a mistake on purpose."""
    return contract.SPOT_THE_MISTAKE if {"mistake_number", "python_ready"} <= set(book.grid.names) else ""
