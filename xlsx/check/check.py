"""Checks one workbook: finds its blocks, judges and explains them, and gathers all that a report says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import grid as grids
from . import summary, tables
from .drift import Cost, Drift
from .evidence import Evidence
from .explain import explain, harmless_texts, strange_layer
from .family import drop_loose_tables, numbers_of
from .givens import label_unnamed, settle_second_weights, settle_unknown_titles
from .grid import Grid, letters
from .helpers import name_helpers
from .judge import Judgement, judge
from .mistake import Mistake
from .model import Model
from .names import LOSS
from .package import Unreadable
from .rates import Statement, written_rates
from .truth import Scales

RIGHT, MISTAKES, NOT_UNDERSTOOD = "right", "mistakes", "not understood"
MOST_BLOCKS = 100
LOOKED_FOR = (
    "Looked for: a row of titles such as t1 t2 i1 i2 w1 … w8 h1 a_h1 … o1 a_o1 … E1 E2 E_total dE/dw1 … dE/dw8 (at "
    "least five of them, on any sheet, in any order), and below it one row of numbers or formulas for each update."
)


@dataclass
class Column:
    """A column's verdict: given, right, wrong, follows (right for itself, but fed by a wrong one) or not checked."""

    quantity: str
    title: str
    column: str
    status: str
    difference: float | None = None
    from_row: int | None = None
    cell: str | None = None


@dataclass
class BlockReport:
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

    @property
    def consequences(self) -> list[str]:
        return [column.quantity for column in self.columns if column.status == "follows"]


@dataclass
class Report:
    """All that is known of a file. `status` is right, mistakes or not understood; `message` says why for the last."""

    file: str
    status: str
    message: str = ""
    blocks: list[BlockReport] = field(default_factory=list)
    summaries: list[summary.SummaryReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def mistakes(self) -> list[Mistake]:
        return [each for part in (*self.blocks, *self.summaries) for each in part.mistakes]


def check(path: Path) -> Report:
    """The report of a file; it never raises for what a file may hold."""
    try:
        return check_grid(str(path), grids.read(path))
    except Unreadable as error:
        return Report(str(path), NOT_UNDERSTOOD, str(error))
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        fault = f"{type(error).__name__}: {error}"
        return Report(
            str(path), NOT_UNDERSTOOD, f"The check failed on this file ({fault}), which is a fault of the check."
        )


def check_grid(name: str, grid: Grid) -> Report:
    found = tables.find(grid)
    notes = [
        f"sheet {sheet.name}: too many cells, not looked at; copy its first 1,000 rows into a new workbook"
        for sheet in grid.sheets.values()
        if sheet.too_large
    ]
    if not found.blocks:
        return Report(name, NOT_UNDERSTOOD, no_table(grid), notes=notes)
    model = Model(grid, found)
    drop_loose_tables(model)
    label_unnamed(model)
    settle_unknown_titles(model)
    settle_second_weights(model)
    name_helpers(model)
    written = written_rates(model)
    if len(found.blocks) > MOST_BLOCKS:
        notes.append(f"{len(found.blocks)} blocks, of which the first {MOST_BLOCKS} are checked")
    numbers = range(min(len(found.blocks), MOST_BLOCKS))
    judged = [judge_block(model, number, written[number]) for number in numbers]
    fed = {number for number, each in enumerate(judged) if each and each.wrong()}
    fed = {number for number in numbers if fed.intersection(numbers_of(model, number))}
    blocks = [block_report(model, number, judged[number], written[number], number in fed) for number in numbers]
    report = Report(name, RIGHT, blocks=blocks, notes=notes)
    report.summaries = summary.check(model, judged, written)
    if model.computed:
        notes.append(f"{model.computed} formulas have no stored value (the file was never calculated); worked out here")
    understood = [block for block in blocks if block.not_understood is None]
    if not understood:
        report.status, report.message = NOT_UNDERSTOOD, f"{blocks[0].not_understood} {LOOKED_FOR}"
    elif report.mistakes:
        report.status = MISTAKES
    return report


def no_table(grid: Grid) -> str:
    """Why there is nothing to check."""
    if text := tables.numbers_as_texts(grid):
        return (
            f"A table was found whose numbers are texts, with which a sheet cannot compute: {text}. Mark the columns "
            "and turn them into numbers (in Excel and Calc: Data, Text to Columns; choose their decimal sign)."
        )
    return f"No table of the exercise was found. {LOOKED_FOR}"


def judge_block(model: Model, number: int, written: Statement | None) -> Judgement | None:
    if model.found.blocks[number].other_rule:
        return None
    return judge(Evidence(model, number), written.value if written else None)


def block_report(
    model: Model, number: int, found: Judgement | None, written: Statement | None, fed: bool
) -> BlockReport:
    """What is said of a block; `fed` is whether it or a table that it reads has a wrong column."""
    block = model.found.blocks[number]
    report = BlockReport(block.sheet.name, block.area, len(block.steps))
    if written:
        report.rate_written, report.rate_place = written.value, written.where
    if block.other_rule:
        report.not_understood = (
            f"{block.sheet.name}!{block.area} is the work of an optimizer with a state; plain gradient descent is due."
        )
        return report
    if found is None:
        report.not_understood = (
            f"The weights of {block.sheet.name}!{block.area} are not those of a network of its columns."
        )
        return report
    judged = {
        name
        for name, column in found.verdicts.items()
        if any(each.status not in ("given", "blank", "unknown") for each in column)
    }
    if not judged:
        report.not_understood = (
            f"Nothing in {block.sheet.name}!{block.area} could be checked: its columns do not belong together."
        )
        return report
    report.network, report.rate_used = found.truth.network.text, rate_used(found)
    report.conventions = conventions(found)
    report.given = {
        name: float(values[0])
        for name, values in found.evidence.values.items()
        if re.fullmatch(r"[tibw]\d+", name) and np.isfinite(values[0])
    }
    report.mistakes = explain(found)
    if strange := strange_layer(found, report.mistakes):
        report.mistakes, report.not_understood = [], f"{strange.cell}: {strange.text} No other network is known here."
        return report
    report.notes = found.notes + [
        f"{text} It makes no difference with these inputs and targets." for text in harmless_texts(found)
    ]
    add_rate_mistake(report, found, written)
    drift = Drift(found, true_rate(report, found))
    report.columns = columns(found, drift, fed)
    report.absent = [
        name for name in found.truth.network.headers("train") if found.truth.own(name) not in found.evidence.values
    ]
    if report.mistakes:
        report.cost = drift.cost()
    return report


def true_rate(report: BlockReport, found: Judgement) -> float | None:
    """The rate that the learner meant: the one used, or, where that is none or comes from a wrong cell, the written."""
    astray = any(isinstance(each.key, tuple) and each.key[:1] == ("rate",) for each in report.mistakes)
    return report.rate_written if (astray or not found.rate) and report.rate_written else rate_used(found)


def rate_used(found: Judgement) -> float | None:
    """The learning rate of the block, also where its columns dw1 … hold it already."""
    return None if found.rate is None else found.rate * found.truth.scales.rate


def add_rate_mistake(report: BlockReport, found: Judgement, written: Statement | None) -> None:
    """The rate written above a table is not the one its numbers used."""
    updates = any(name in found.block.lines for name in found.evidence.updates)
    if written is None or found.rate is None or found.evidence.rows < 2 or not updates:
        return
    used, astray = (
        abs(rate_used(found)),
        [each for each in report.mistakes if isinstance(each.key, tuple) and each.key[:1] == ("rate",)],
    )
    for mistake in astray:
        mistake.text += f" {written.value:.6g} is written in {written.where}."
        if mistake.kind == "empty reference":
            mistake.text += f" Type {written.value:.6g} into the empty cell."
    if not astray and abs(used - written.value) > 1e-6 * max(used, written.value):
        sheet, text = (
            found.block.sheet.name,
            f"{written.where} says the learning rate {written.value:.6g}, the numbers used {used:.6g}.",
        )
        where = written.where if written.row else found.block.area.split(":")[0]
        report.mistakes.append(
            Mistake(
                "learning rate",
                [],
                where,
                [where],
                text,
                places=[(sheet, written.row, written.column)] if written.row else [],
            )
        )


NO_LOSS = "read as cross-entropy, for want of a loss column: the squared error would need a_o·(1 − a_o), too"


def conventions(found: Judgement) -> list[str]:
    """What the learner does differently from the exercise, and rightly."""
    scales, said = found.truth.scales, []
    if found.truth.wiring and found.truth.wiring != tuple(range(1, len(found.truth.wiring) + 1)):
        said.append("weights numbered by the unit they come from")
    if scales._replace(kinds=()) != Scales():
        if scales.error == 2:
            said.append("E without the ½")
        if scales.total != 1:
            said.append("E_total as a mean")
        if scales.gradient < 0:
            said.append("dE/dw with the opposite sign, added in the update")
    if found.truth.network.loss == "cross-entropy" and not any(LOSS.fullmatch(name) for name in found.evidence.values):
        said.append(NO_LOSS)
    return said


def columns(found: Judgement, drift: Drift, fed: bool) -> list[Column]:
    result, far = [], drift.from_true
    wrong = found.wrong()
    for name in found.evidence.own:
        line = found.block.lines[name]
        column = Column(
            name,
            found.block.titles.get(name, name).strip(),
            str(line) if found.block.across else letters(line),
            "right",
        )
        column.difference = drift.from_row.get(name)
        statuses = {each.status for each in found.verdicts[name]}
        if name in wrong:
            column.status, row = "wrong", wrong[name][0]
            column.from_row, column.cell = found.block.steps[row], found.block.place(name, row)
        elif found.evidence.is_given(name) or statuses <= {"given", "blank"}:
            column.status, column.difference = "given", None
        elif statuses <= {"unknown", "blank"}:
            column.status = "not checked"
        elif fed and follows(found, name, column.difference, far.get(name)):
            column.status = "follows"
        result.append(column)
    return result


def follows(found: Judgement, name: str, difference: float | None, far: float | None) -> bool:
    """Whether a column that is right for itself differs from the true one because of a wrong column."""
    values = found.evidence.values[name]
    size = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    rounding = max((float(np.max(each)) for each in found.evidence.rounding.values()), default=0.0)
    limit = 1e-9 * size + 1e-12 + 100 * rounding
    return (difference or 0.0) > limit or (far or 0.0) > limit
