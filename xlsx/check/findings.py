"""What a check finds: the report of a file, of each of its tables and columns, and the mistakes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .grid import Place

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
