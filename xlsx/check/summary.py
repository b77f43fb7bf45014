"""Loss-per-rate summaries: columns headed by a learning rate that repeat the losses of the blocks.

Only what can be known is judged: a column that is mostly the loss at its rate, or whose cells point to a block's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from .grid import Sheet, letters, place
from .headers import LONGEST, written_rate
from .judge import Judgement
from .mistake import Mistake
from .model import CellError, Model, Place
from .rates import Statement
from .titles import is_number
from .trees import NotUnderstood
from .words import formula_text

LEAST_COLUMNS, LEAST_ROWS, GAP = 2, 3, 2
TOLERANCE = 1e-6


@dataclass
class SummaryReport:
    """A summary's place and its mistakes; `rates` are those of its columns."""

    sheet: str
    cells: str
    rates: list[float] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        return "mistakes" if self.mistakes else "right"


@dataclass
class Summary:
    """The columns of a summary by rate, and its rows."""

    sheet: Sheet
    columns: dict[float, int]
    rows: list[int]


def check(model: Model, judged: list[Judgement | None], written: list[Statement | None]) -> list[SummaryReport]:
    """The reports of all summaries whose losses are those of the workbook's blocks."""
    losses = block_losses(judged, written)
    if not losses:
        return []
    found = [summary for sheet in model.grid.sheets.values() for summary in summaries(model, sheet)]
    reports = [report(model, summary, losses) for summary in found]
    return [each for each in reports if each is not None]


def block_losses(
    judged: list[Judgement | None], written: list[Statement | None]
) -> dict[float, list[tuple[int, np.ndarray]]]:
    """{rate: (block, E_total)}: the rate is the one written for a block, else the one it used."""
    found: dict[float, list[tuple[int, np.ndarray]]] = {}
    for number, (each, stated) in enumerate(zip(judged, written, strict=False)):
        if each is not None and "E_total" in each.evidence.own:
            rate = stated.value if stated else each.rate
            if rate:
                found.setdefault(round(abs(rate), 9), []).append((number, each.evidence.values["E_total"]))
    return found


def summaries(model: Model, sheet: Sheet) -> list[Summary]:
    """Rows of rates, of different values and outside the blocks, with numbers below each."""
    by_row: dict[int, dict[float, int]] = {}
    for row, column in sorted(sheet.cells):
        rate = rate_of(model, (sheet.name, row, column))
        if rate is not None and (sheet.name, row, column) not in model.found.roles:
            by_row.setdefault(row, {}).setdefault(rate, column)
    found, taken = [], 0
    for row, columns in by_row.items():
        if len(columns) < LEAST_COLUMNS or row <= taken:
            continue
        rows = rows_below(model, sheet, row, list(columns.values()))
        if len(rows) >= LEAST_ROWS:
            found.append(Summary(sheet, columns, rows))
            taken = rows[-1]
    return found


def rate_of(model: Model, where: Place) -> float | None:
    value = model.cell(where).value
    if isinstance(value, str):
        return written_rate(value) or title_rate(value)
    return round(float(value), 9) if is_number(value) and 0 < value <= 100 else None


def title_rate(text: str) -> float | None:
    """The rate in a title such as "0.1", "E_total (0.1)" or "Loss 0.5"."""
    if len(text) > LONGEST:
        return None
    found = re.fullmatch(r"(?:[a-z_ ]*(?:e|loss|error)[a-z_ ]*)?[\s(@_:=-]*(\d*\.?\d+)\)?", text.strip(), re.IGNORECASE)
    return float(found[1]) if found else None


def rows_below(model: Model, sheet: Sheet, row: int, columns: list[int]) -> list[int]:
    """The rows of numbers right below a row of rates."""
    found, at = [], row + 1
    while at - (found[-1] if found else row) <= GAP:
        values = [model.value((sheet.name, at, column)) for column in columns]
        if sum(is_number(value) for value in values) * 2 > len(columns):
            if any((sheet.name, at, column) in model.found.roles for column in columns):
                break
            found.append(at)
        at += 1
    return found


def report(model: Model, summary: Summary, losses: dict) -> SummaryReport | None:
    """The report of a summary, or None where it has nothing to do with the losses of the blocks."""
    known = {rate: column for rate, column in summary.columns.items() if round(rate, 9) in losses}
    states = {rate: column_state(model, summary, rate, column, losses) for rate, column in known.items()}
    if not any(state[0] in ("right", "partly", "other") for state in states.values()):
        return None
    if 2 * sum(state[0] == "right" for state in states.values()) >= len(
        states
    ):  # what stands beside right ones is meant
        states = {
            rate: ("partly", summary.rows, None) if state[0] == "unknown" else state for rate, state in states.items()
        }
    columns = sorted(known.values())
    area = f"{place(summary.rows[0], columns[0])}:{place(summary.rows[-1], columns[-1])}"
    found = SummaryReport(summary.sheet.name, area, sorted(known))
    for rate, (state, rows, other) in states.items():
        if state in ("partly", "other"):
            found.mistakes.append(mistake(model, summary, rate, known[rate], rows, other))
    return found


def column_state(
    model: Model, summary: Summary, rate: float, column: int, losses: dict
) -> tuple[str, list[int], float | None]:
    """right; partly, with the rows that differ; other, where it holds another rate's losses; or unknown."""
    values = np.array([number(model.value((summary.sheet.name, row, column))) for row in summary.rows])
    best = matches(values, losses[round(rate, 9)])
    pointed = pointed_rate(model, summary, column, losses)
    if best.all():
        return "right", [], None
    if pointed is not None and pointed != round(rate, 9):
        return "other", summary.rows, pointed
    for other, candidates in losses.items():
        if other != round(rate, 9) and matches(values, candidates).all() and len(values) >= LEAST_ROWS:
            return "other", summary.rows, other
    if best.sum() * 2 > len(best):
        return "partly", [row for row, good in zip(summary.rows, best, strict=True) if not good], None
    return "unknown", [], None


def number(value: object) -> float:
    return float(value) if is_number(value) else np.nan


def matches(values: np.ndarray, candidates: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """(rows,) whether the values are a block's losses, from its first row or its second; blanks are no difference."""
    best = np.zeros(len(values), dtype=bool)
    for _, losses in candidates:
        for start in (0, 1):
            part = losses[start : start + len(values)]
            part = np.concatenate([part, np.full(len(values) - len(part), np.nan)])
            good = np.isnan(values) | (
                np.abs(values - part) <= np.maximum(TOLERANCE * np.abs(part), coarseness(values))
            )
            best = good if good.sum() > best.sum() else best
    return best


def coarseness(values: np.ndarray) -> float:
    """Half a unit of the last decimal of numbers that are rounded."""
    decimals = [len(f"{value:.15f}".rstrip("0").partition(".")[2]) for value in values if np.isfinite(value)]
    most = max(decimals, default=15)
    return 0.5 * 10.0**-most if most <= 10 else 0.0


def pointed_rate(model: Model, summary: Summary, column: int, losses: dict) -> float | None:
    """The rate of the block whose E_total the cells of a column point to."""
    where = (summary.sheet.name, summary.rows[0], column)
    if model.cell(where).formula is None:
        return None
    try:
        parsed = model.parse(where)
        places = [spot for ref in parsed.references for spot in model.places(ref, where)]
    except (NotUnderstood, CellError):
        return None
    roles = [model.found.roles.get(spot) for spot in places]
    if len(roles) != 1 or roles[0] is None or roles[0][1] != "E_total":
        return None
    return next((rate for rate, blocks in losses.items() if any(number == roles[0][0] for number, _ in blocks)), None)


def mistake(model: Model, summary: Summary, rate: float, column: int, rows: list[int], other: float | None) -> Mistake:
    first = place(rows[0], column)
    if other is not None:
        text = (
            f"Column {letters(column)} is headed {rate:.6g}, but it holds the losses of the learning rate {other:.6g}."
        )
    else:
        text = f"{first} is not the loss of the learning rate {rate:.6g} in that row ({len(rows)} such)."
    where = (summary.sheet.name, rows[0], column)
    places = [(summary.sheet.name, row, column) for row in rows]
    cells = [place(row, column) for row in rows]
    return Mistake("summary", ["E_total"], first, cells, text, formula_text(model, where), places=places)
