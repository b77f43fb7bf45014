"""Judges a block: the learner's conventions first, then each cell by its formula, or by its number without one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from .conventions import choose_network, used_rate
from .evidence import Evidence, Problem
from .grid import Error
from .headers import quantity
from .names import BACKWARD, DELTA, INPUT, STARTED, UPDATED, WEIGHT
from .relation import relation
from .scales import choose_scales
from .trees import cells_read, leaves
from .truth import Truth
from .unnamed import unnamed


class Verdict(NamedTuple):
    """`status` is given, right, harmless, wrong, blank or unknown; `kind` says of a wrong cell what shows it."""

    status: str
    kind: str = ""
    detail: object = None


HALFWAY = re.compile(r"dE/da_[ho]\d+")
BETWEEN = re.compile(r"d.*/d(?:a_)?[ho]\d+|E\d+")  # "error 1" is read as E1, but may be meant as a_o1 − t1
# The columns between loss and gradients that a learner's pasted numbers may be made from.
WAYS = (re.compile(r"dE/do\d+"), DELTA, BACKWARD)
RIGHT, BLANK, GIVEN_CELL = Verdict("right"), Verdict("blank"), Verdict("given")


@dataclass
class Judgement:
    """The verdicts of a block's cells {name: a Verdict a row}, the truth they are held against, and the rate used."""

    evidence: Evidence
    truth: Truth
    rate: float | None
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def block(self):
        return self.evidence.block

    def doubt(self, name: str) -> None:
        """Take back what was said of a column's formulas: what they read is not known."""
        self.verdicts[name] = [
            Verdict("unknown", "formula") if each.status == "wrong" else each for each in self.verdicts[name]
        ]

    def wrong(self) -> dict[str, list[int]]:
        """The rows in which each wrong column is wrong."""
        found = {
            name: [at for at, each in enumerate(column) if each.status == "wrong"]
            for name, column in self.verdicts.items()
        }
        return {name: rows for name, rows in found.items() if rows}


def judge(evidence: Evidence, rate_hint: float | None = None) -> Judgement | None:
    """The judgement of a block; None where its weights are not those of a network of its columns."""
    if evidence.network is None:
        return None
    truth = choose_scales(evidence, choose_network(evidence))
    rate = used_rate(evidence, truth, rate_hint)
    if rate is not None and truth.scales.gradient > 0:
        rate = abs(rate)  # an update that adds is wrong, whatever most do
    found = Judgement(evidence, truth, rate)
    for name in evidence.own:
        found.verdicts[name] = [cell_verdict(found, name, step) for step in range(evidence.rows)]
        judge_numbers(found, name)
        judge_gaps(found, name)
    judge_givens(found)
    doubt_numbers(found)
    return found


def cell_verdict(found: Judgement, name: str, step: int) -> Verdict:
    """By the cell's formula; a cell without one is judged by its number afterwards."""
    tree, raw = found.evidence.trees[name][step], found.evidence.raw[name][step]
    if found.evidence.is_given(name) or (WEIGHT.fullmatch(name) and step == 0):
        if tree is None and isinstance(raw, (str, Error)) and STARTED.fullmatch(name):
            return Verdict("wrong", "text", raw)
        return BLANK if raw is None and tree is None else GIVEN_CELL
    if tree is None:
        if raw is None or (isinstance(raw, str) and not raw.strip(" -–—")):
            return BLANK
        return Verdict("wrong", "text", raw) if isinstance(raw, (str, Error)) else Verdict("unknown", "number")
    if isinstance(tree, Problem):
        return (
            Verdict("wrong", "error", str(tree)) if tree.startswith("#") else Verdict("unknown", "formula", str(tree))
        )
    return formula_verdict(found, name, tree)


def formula_verdict(found: Judgement, name: str, tree: tuple) -> Verdict:
    seen = relation(found.truth, name, tree)
    if seen.kind == "unknown":
        if any(leaf[0] == "error" for leaf in leaves(tree)):
            return Verdict("wrong", "error", "#REF!")
        text = any(leaf[0] == "text cell" for leaf in leaves(tree))
        return Verdict("wrong", "text cell", seen.why) if text else Verdict("unknown", "formula", seen.why)
    if seen.kind in ("factor", "named rate"):
        return RIGHT if abs(seen.value - 1) < 1e-6 else Verdict("wrong", "factor", seen.value)
    if seen.kind == "rate":
        sound = found.rate is not None and close(seen.value, found.rate) and not misplaced(tree)
        if name.startswith("change"):
            sound = (
                sound
                or close(abs(seen.value), 1.0)
                or (found.rate is not None and close(abs(seen.value), abs(found.rate)))
            )
        return RIGHT if sound and seen.value else Verdict("wrong", "rate", seen.value)
    if harmless(found, name, tree):
        return Verdict("harmless")
    return Verdict("wrong", "formula")


def close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-7 * max(abs(one), abs(other))


def misplaced(tree: tuple) -> list[tuple]:
    """The references of an update that are no place for a learning rate: blank cells, and cells of a table."""
    return [leaf for leaf in leaves(tree) if leaf[0] in ("blank", "foreign", "text cell")]


def harmless(found: Judgement, name: str, tree: tuple) -> bool:
    """Whether a formula gives the right numbers for this table's own inputs and targets, though not for all."""
    given = found.evidence.values
    inputs, targets = (
        fixed(given, names) for names in (found.truth.network.input_names, found.truth.network.target_names)
    )
    if inputs is None or targets is None:
        return False
    seen = relation(replace(found.truth, given=(inputs, targets)), name, tree)
    if seen.kind == "rate":
        return found.rate is not None and close(seen.value, found.rate) and seen.value != 0 and not misplaced(tree)
    return seen.kind in ("factor", "named rate") and abs(seen.value - 1) < 1e-6


def fixed(values: dict[str, np.ndarray], names: tuple[str, ...]) -> tuple[float, ...] | None:
    """The numbers of some columns that hold the same one in all rows."""
    found = [values.get(name) for name in names]
    if any(
        column is None or not np.isfinite(column).any() or np.nanmax(column) != np.nanmin(column) for column in found
    ):
        return None
    return tuple(float(np.nanmax(column)) for column in found)


def judge_numbers(found: Judgement, name: str) -> None:
    """Cells without a formula, and those whose formula is not understood, by their numbers."""
    column = found.verdicts[name]
    open_rows = [row for row, each in enumerate(column) if each.status == "unknown"]
    if not open_rows:
        return
    expected = found.evidence.expected(found.truth, name, found.rate)
    if expected is None:
        return
    good = np.any([follows_from(each, found, name) for each in ways(found, name)], axis=0)
    for row in open_rows:
        if np.isfinite(expected[row]) and np.isfinite(found.evidence.values[name][row]):
            column[row] = RIGHT if good[row] else Verdict("wrong", "number", float(expected[row]))


def doubt_numbers(found: Judgement) -> None:
    """Numbers without a formula that may follow from a wrong column between loss and gradients: they are not judged."""
    for name, column in found.verdicts.items():
        by_number = any(each.status == "wrong" and each.kind == "number" for each in column)
        if by_number and "/d" in name and may_follow(found, name):
            found.verdicts[name] = [Verdict("unknown", "number") if each.kind == "number" else each for each in column]


def may_follow(found: Judgement, name: str) -> bool:
    """Whether a column that is wrong, or of no name, stands where a derivative may be made from it."""
    others = [other for other in found.evidence.trees if other != name]
    between = [other for other in others if BETWEEN.fullmatch(other)]
    homes = {id(home): home for home in found.evidence.homes.values()}.values()
    return (
        any(has_wrong_formula(found, other) or is_guessed(found, other) for other in between)
        or any(unnamed(found.evidence.model, home) for home in homes)
        or any(reads_nameless(found, other) for other in others if "/d" in other)
    )


def is_guessed(found: Judgement, name: str) -> bool:
    """Whether a column is one on the way to a delta by its formula only: it may as well be a delta that lacks some."""
    title = found.evidence.homes[name].titles.get(name, name)
    return bool(HALFWAY.fullmatch(name)) and quantity(title) != name


def has_wrong_formula(found: Judgement, name: str) -> bool:
    trees = {tree for tree in found.evidence.trees[name] if isinstance(tree, tuple)}
    return any(formula_verdict(found, name, tree).status == "wrong" for tree in trees)


def reads_nameless(found: Judgement, name: str) -> bool:
    """Whether a column's formulas read numbers under a title that says nothing, other ones in each row."""
    trees = [tree for tree in found.evidence.trees[name] if isinstance(tree, tuple)]
    read = [{leaf for leaf in cells_read(tree) if leaf[0] == "const"} for tree in trees]
    return len(read) > 1 and bool(read[0] - read[-1])


def ways(found: Judgement, name: str) -> Iterator[Evidence]:
    """The evidence, and the same with the columns on the way to a quantity as they are: what only follows is right."""
    yield found.evidence
    if name == "E_total":  # also computed without E1 and E2
        yield found.evidence.without(r"E\d+")
    there = [each for each in found.evidence.trees if each != name]
    for way in WAYS:
        taken = [each for each in there if way.fullmatch(each)]
        if taken and not UPDATED.fullmatch(name):
            yield found.evidence.along(found.truth, taken)


def follows_from(evidence: Evidence, found: Judgement, name: str) -> np.ndarray:
    """(rows,) whether a column's numbers are what the row's own numbers ask for."""
    expected = evidence.expected(found.truth, name, found.rate)
    slack, values = evidence.tolerance(found.truth, name, found.rate), evidence.values
    good = np.abs(values[name] - expected) <= slack
    if f"new {name}" in values:  # right or wrong, it is the weight of the next row
        good[1:] |= np.abs(values[name][1:] - values[f"new {name}"][:-1]) <= slack[1:]
    return good


def judge_gaps(found: Judgement, name: str) -> None:
    """An empty cell within a column that goes on below it."""
    column = found.verdicts[name]
    filled = [row for row, each in enumerate(column) if each.status not in ("blank",)]
    if not filled or found.evidence.is_given(name) or name.startswith(("new", "change")):
        return
    for row in range(filled[0], filled[-1]):
        if column[row].status == "blank":
            column[row] = Verdict("wrong", "blank")


def judge_givens(found: Judgement) -> None:
    """A single input or target that differs from all others of its column, where the other columns do not change."""
    givens = [name for name in found.evidence.own if INPUT.fullmatch(name)]
    changing = [name for name in givens if len({each for each in found.evidence.values[name] if np.isfinite(each)}) > 1]
    for name in givens:
        values = found.evidence.values[name]
        there = values[np.isfinite(values)]
        usual, count = Counter(there.tolist()).most_common(1)[0] if there.size else (0.0, 0)
        odd = [row for row, value in enumerate(values) if np.isfinite(value) and value != usual]
        if odd and changing == [name] and count >= 4 and len(odd) <= 0.2 * there.size:
            for row in odd:
                found.verdicts[name][row] = Verdict("wrong", "given", usual)
        elif odd:
            found.notes.append(f"{name} is not the same in all rows")
