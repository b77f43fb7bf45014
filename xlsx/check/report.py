"""What a check finds, as plain values, and the report of it in words, as JSON, and as one table for a class."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from .files import Place, place
from .table import quantity

RIGHT, MISTAKES, NOT_UNDERSTOOD, UNFINISHED = "right", "mistakes", "not understood", "unfinished"
NOT_YET, BLANK = "not yet", "blank"


@dataclass
class Mistake:
    """One cause. `quantities` are the columns that make it, `cells` all the cells, `cell` the first of them."""

    kind: str
    quantities: list[str]
    cell: str
    cells: list[str]
    text: str
    formula: str | None = None
    reads: str | None = None
    should_read: str | None = None
    fix: str | None = None
    cause: str = ""
    places: list[Place] = field(default_factory=list)

    @property
    def is_of_the_rate(self) -> bool:
        """Whether it says where a learning rate is taken from."""
        return self.cause in ("blank rate", "rate from")


class Cost(NamedTuple):
    """After some epochs: the true loss, the learner's, and how far the weights lie apart at most."""

    epochs: int
    true_loss: float
    loss: float
    weights: float


@dataclass
class Column:
    """A column's verdict: given, right, wrong, follows (right for itself, but fed by a wrong one) or not checked;
    `unchecked` of its cells could not be judged."""

    quantity: str
    title: str
    column: str
    status: str
    difference: float | None = None
    from_row: int | None = None
    cell: str | None = None
    unchecked: int = 0


@dataclass
class BlockReport:
    """What is said of one table: what it is read as, its columns, mistakes and their cost, and notes."""

    sheet: str
    cells: str
    rows: int
    network: str = ""
    rate_used: float | None = None
    rate_written: float | None = None
    rate_place: str | None = None
    given: dict[str, float] = field(default_factory=dict)
    conventions: list[str] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    cost: list[Cost] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    not_understood: str | None = None
    unchecked: int = 0

    @property
    def consequences(self) -> list[str]:
        return [column.quantity for column in self.columns if column.status == "follows"]


@dataclass
class SummaryReport:
    """A summary's place and its mistakes; `rates` are those of its columns."""

    sheet: str
    cells: str
    rates: list[float] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        return MISTAKES if self.mistakes else RIGHT


class Answer(NamedTuple):
    """An answer's cell in an exercise: `state` is right, not yet or blank."""

    quantity: str
    sheet: str
    cell: str
    state: str


@dataclass
class Report:
    """All that is known of a file. `status` is right, mistakes, not understood (`message` says why) or, of an exercise
    with blanks but no wrong answer, unfinished."""

    file: str
    status: str
    message: str = ""
    blocks: list[BlockReport] = field(default_factory=list)
    summaries: list[SummaryReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def mistakes(self) -> list[Mistake]:
        parts: list[BlockReport | SummaryReport] = [*self.blocks, *self.summaries]
        return [each for part in parts for each in part.mistakes]

    @property
    def unchecked(self) -> int:
        return sum(block.unchecked for block in self.blocks)


def apart(one: float, other: float, least: int = 6) -> tuple[str, str]:
    """Two numbers with as many digits as show their difference."""
    for digits in range(least, 18):
        if (texts := (f"{one:.{digits}g}", f"{other:.{digits}g}"))[0] != texts[1]:
            return texts
    return f"{one:.17g}", f"{other:.17g}"


EXIT_CODES = {RIGHT: 0, MISTAKES: 1, UNFINISHED: 1}
COUNTED = {MISTAKES: "with mistakes"}  # a verdict in the sum of a class, where that is other words
INSIDE = ("cause", "places")
MOST_LISTED = 8
SAME_WEIGHTS = 1e-12  # rounding of a descent of 100 epochs


def exit_code(reports: list[Report]) -> int:
    """0: all right; 1: mistakes or blanks; 2: a file that was not understood or not readable."""
    return max((EXIT_CODES.get(report.status, 2) for report in reports), default=2)


def text(report: Report) -> str:
    """The report of one file."""
    return "\n".join(lines(report))


def lines(report: Report) -> Iterator[str]:
    yield f"{report.file}: {headline(report)}"
    if report.message:
        yield f"  {report.message}"
    yield from (f"  note: {note}" for note in report.notes)
    yield from answer_lines(report)
    seen: dict[object, BlockReport] = {}
    for block in report.blocks:
        yield ""
        yield f"{block.sheet}!{block.cells}: {about(block)}"
        first = seen.setdefault(signature(block), block)
        yield from (f"  {line}" for line in (block_lines(block) if first is block else same_lines(block, first)))
    for table in report.summaries:
        yield ""
        yield f"{table.sheet}!{table.cells}: losses by learning rate, {table.verdict}"
        for mistake in table.mistakes:
            yield from mistake_lines(mistake, "  ")


def headline(report: Report) -> str:
    if report.answers:
        return score(report.answers)
    if report.status == RIGHT:
        others = sum(block.not_understood is not None for block in report.blocks)
        right = f"right ({count(len(report.blocks) - others, 'block')})"
        return f"{right}, {count(others, 'block')} not understood" if others else right
    if report.status == MISTAKES:
        return f"{count(len(report.mistakes), 'mistake')} in {count(len(report.blocks), 'block')}"
    return "not understood"


def about(block: BlockReport) -> str:
    if block.not_understood:
        return "not understood"
    parts = [count(block.rows, "row"), f"network {block.network}"]
    if block.rate_used is not None:
        written = (
            "" if block.rate_written is None else f" ({number(block.rate_written)} is written in {block.rate_place})"
        )
        parts.append(f"learning rate used {number(block.rate_used)}{written}")
    return ", ".join([*parts, *block.conventions])


def signature(block: BlockReport) -> object:
    """The same for blocks with the same mistakes in the same columns; blocks that are right are not put together."""
    if not block.mistakes:
        return id(block)
    return tuple((each.kind, tuple(each.quantities), re.sub(r"[\d.]+", "#", each.text)) for each in block.mistakes)


def same_lines(block: BlockReport, first: BlockReport) -> Iterator[str]:
    cells = ", ".join(mistake.cell for mistake in block.mistakes)
    yield f"the mistakes of {first.cells} again, from {cells} on"
    yield from cost_lines(block)


def block_lines(block: BlockReport) -> Iterator[str]:
    if block.not_understood:
        yield block.not_understood
        return
    for mistake in block.mistakes:
        yield from mistake_lines(mistake)
    yield from title_lines(block)
    yield from verdict_lines(block)
    yield from cost_lines(block)
    yield from (f"note: {note}" for note in block.notes)


def mistake_lines(mistake: Mistake, indent: str = "") -> Iterator[str]:
    where = span(mistake)
    if len(mistake.quantities) > 1:
        where = f"{', '.join(mistake.quantities)} ({where})"
    yield f"{indent}MISTAKE in {where}: {mistake.text}"
    if mistake.formula:
        yield f"{indent}    {mistake.cell} says    {mistake.formula}"
    if mistake.fix and mistake.fix != (mistake.formula or "").replace(" ", ""):
        yield f"{indent}    it should be {mistake.fix}"


def title_lines(block: BlockReport) -> Iterator[str]:
    """What the columns are called here whose title says something else or nothing."""
    columns = [
        each
        for each in block.columns
        if each.quantity and each.status != "given" and quantity(each.title) != each.quantity
    ]
    if columns:
        named = ", ".join(f'"{each.title}" ({each.column}) as {each.quantity}' for each in columns)
        yield f"read by what they compute or are used for: {named}"


def span(mistake: Mistake) -> str:
    return mistake.cell if len(mistake.cells) == 1 else f"{mistake.cell} and {len(mistake.cells) - 1} more cells"


def verdict_lines(block: BlockReport) -> Iterator[str]:
    by_status: dict[str, list[Column]] = {}
    for column in block.columns:
        by_status.setdefault(column.status, []).append(column)
    right = [column for column in by_status.get("right", []) if not column.unchecked]
    if right:
        difference = max((column.difference or 0.0 for column in right), default=0.0)
        names = "all columns" if len(right) + len(by_status.get("given", [])) == len(block.columns) else listed(right)
        yield f"right: {names}" + (f" (off by {difference:.1e} at most)" if difference else "")
    if follows := by_status.get("follows"):
        why = "right in themselves, but fed by the wrong ones" if block.mistakes else "right for the numbers they read"
        yield f"{why}: {listed(follows)}"
    if unchecked := by_status.get("not checked"):
        yield f"not checked: {listed(unchecked)}"
    if partly := [column for column in block.columns if column.unchecked and column.status != "not checked"]:
        cells = sum(column.unchecked for column in partly)
        why = "too rounded to judge or with a formula that is not read"
        yield f"{count(cells, 'cell')} not checked, {why}; else right or as said above: {listed(partly)}"
    if block.absent:
        yield f"no column for: {' '.join(block.absent)}"


def listed(columns: list[Column]) -> str:
    return " ".join(column.quantity or f'"{column.title}"' for column in columns)


def cost_lines(block: BlockReport) -> Iterator[str]:
    for cost in block.cost:
        weights = "the same weights" if cost.weights < SAME_WEIGHTS else f"weights up to {cost.weights:.2g} off"
        yield f"after {count(cost.epochs, 'epoch')}: {loss_text(cost)}, {weights}"


def loss_text(cost: Cost) -> str:
    """The loss beside the true one; of a small difference only how large it is."""
    if math.isclose(cost.loss, cost.true_loss, rel_tol=1e-12):
        return "the same loss"
    if math.isclose(cost.loss, cost.true_loss, rel_tol=1e-3):
        side = "above" if cost.loss > cost.true_loss else "below"
        return f"loss {cost.true_loss:.4g}, {abs(cost.loss - cost.true_loss):.1e} {side} the true one"
    one, other = apart(cost.loss, cost.true_loss, 4)
    return f"loss {one} in place of {other}"


def count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def number(value: float) -> str:
    return f"{value:.6g}"


def as_json(report: Report) -> dict[str, Any]:
    """Everything of a report as plain values; numbers that are not finite are None."""
    found = asdict(report) | {"unchecked": report.unchecked, "answers": [each._asdict() for each in report.answers]}
    for block, own in zip(found["blocks"], report.blocks, strict=True):
        block["consequences"] = own.consequences
    return {key: clean(value) for key, value in found.items()}


def clean(value: object) -> object:
    if isinstance(value, dict):
        return {key: clean(each) for key, each in value.items() if key not in INSIDE}
    if isinstance(value, (list, tuple)):
        return [clean(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value


TITLES = ("workbook", "verdict", "blocks", "mistakes", "not checked", "answers", "which")


def table(reports: list[Report]) -> str:
    """One line a workbook, for a class."""
    rows = [TITLES, *map(row, reports)]
    kept = [at for at, title in enumerate(TITLES) if title != "answers" or any(report.answers for report in reports)]
    widths = [max(len(each[at]) for each in rows) for at in kept]
    shown = ["  ".join(each[at].ljust(width) for at, width in zip(kept, widths, strict=True)).rstrip() for each in rows]
    verdicts = [report.status for report in reports]
    totals = ", ".join(f"{verdicts.count(each)} {COUNTED.get(each, each)}" for each in dict.fromkeys(verdicts))
    return "\n".join([*shown, "", f"{count(len(reports), 'workbook')}: {totals}"])


def row(report: Report) -> tuple[str, ...]:
    mistakes = report.mistakes if report.status == MISTAKES else []  # one that is to be spotted does not count
    named = [*dict.fromkeys(f"{' '.join([*each.quantities[:1], each.cell])} ({each.kind})" for each in mistakes)]
    which = ", ".join(named[:4]) + (" …" if len(named) > 4 else "")
    unchecked = f"{report.unchecked} cells" if report.unchecked else ""
    amounts = str(len(report.blocks)), str(len(mistakes)), unchecked, score(report.answers)
    return Path(report.file).name, report.status, *amounts, which or report.message[:90]


def score(answers: list[Answer]) -> str:
    """ "12 of 33 right, 4 not yet, 17 blank"."""
    states = [each.state for each in answers]
    others = [f"{states.count(state)} {state}" for state in (NOT_YET, BLANK) if state in states]
    return ", ".join([f"{states.count(RIGHT)} of {len(states)} right", *others]) if answers else ""


def answer_lines(report: Report) -> Iterator[str]:
    """The answers of an exercise that are not right yet, and those still blank, a line for each sheet."""
    for kind in product((NOT_YET, BLANK), dict.fromkeys(each.sheet for each in report.answers)):
        found = [f"{each.quantity} ({each.cell})" for each in report.answers if (each.state, each.sheet) == kind]
        if found:
            listed = found if len(found) <= MOST_LISTED else [*found[: MOST_LISTED - 1], f"… {found[-1]}"]
            yield f"  {kind[0]} on {kind[1]}: {', '.join(listed)}"


def first_cells(mistakes: Iterable[Mistake]) -> dict[str, str]:
    """{cell: comment}: a mistake is told at its first cell, and at the first of each other column it points there."""
    texts: dict[str, list[str]] = {}
    for mistake in mistakes:
        first, *others = column_tops(mistake)
        fix = f"\nIt should be: {mistake.fix}" if mistake.fix else ""
        more = f"\n({len(mistake.places)} cells)" if len(mistake.places) > 1 else ""
        texts.setdefault(first, []).append(mistake.text + fix + more)
        for cell in others:
            texts.setdefault(cell, []).append(f"The same mistake as in {first}: {mistake.text}")
    return {cell: "\n\n".join(each) for cell, each in texts.items()}


def column_tops(mistake: Mistake) -> list[str]:
    """The first cell of a mistake in each column."""
    tops: dict[int, str] = {}
    for _, row, column in mistake.places:
        tops.setdefault(column, place(row, column))
    return list(tops.values())
