"""Judges a block: the learner's conventions first, then each cell by its formula, or by its number without one."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from .evidence import GIVEN, Evidence, Problem
from .formula import leaves
from .grid import Error
from .relation import relation
from .truth import Scales, Truth, wirings

ERROR_SCALES, TOTAL_SCALES, SLOPE_SCALES = (1.0, 2.0), (1.0, 0.5), (1.0, 2.0, 0.5, -1.0, -2.0, -0.5)
WEIGHT = re.compile(r"w\d+")
UPDATED = re.compile(r"(?:new )?w\d+")
SLOPE = re.compile(r"dE/dw\d+")


class Verdict(NamedTuple):
    """`status` is given, right, harmless, wrong, blank or unknown; `kind` says of a wrong cell what shows it."""

    status: str
    kind: str = ""
    detail: object = None


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
    truth = choose_scales(evidence, choose_wiring(evidence))
    rate = used_rate(evidence, truth, rate_hint)
    if rate is not None and truth.scales.gradient > 0:
        rate = abs(rate)  # an update that adds is wrong, whatever most do
    found = Judgement(evidence, truth, rate)
    for name in evidence.trees:
        found.verdicts[name] = [cell_verdict(found, name, step) for step in range(evidence.rows)]
        judge_numbers(found, name)
        judge_gaps(found, name)
    judge_givens(found)
    return found


def choose_wiring(evidence: Evidence) -> Truth:
    """The numbering of the weights for which most columns are right; the exercise's where it is a draw."""
    truths = [Truth(evidence.network, order) for order in wirings(evidence.network)]
    return max(truths, key=lambda truth: sum(fits(evidence, truth, name) for name in evidence.trees))


def sample(evidence: Evidence, name: str) -> list:
    """Some of a column's formulas: of the second row, the first, one in the middle and the last."""
    column, last = evidence.trees[name], evidence.rows - 1
    rows = [
        row
        for row in dict.fromkeys((1, 0, last // 2, last))
        if row <= last and not (row == 0 and WEIGHT.fullmatch(name))
    ]
    return [column[row] for row in rows if isinstance(column[row], tuple)]


def fits(evidence: Evidence, truth: Truth, name: str) -> bool:
    """Whether a column is what it must be, up to a factor."""
    if GIVEN.fullmatch(name):
        return False
    return factor_of(evidence, truth, name) is not None


def factor_of(evidence: Evidence, truth: Truth, name: str) -> float | None:
    """What a column is of what it must be, by most of its formulas, else by its numbers; for weights, the rate."""
    found = [relation(truth, name, tree) for tree in sample(evidence, name)]
    values = [each.value for each in found if each.kind in ("factor", "rate", "named rate")]
    if found:
        return Counter(values).most_common(1)[0][0] if 2 * len(values) > len(found) else None
    return None if UPDATED.fullmatch(name) else numeric_factor(evidence, truth, name)


def numeric_factor(evidence: Evidence, truth: Truth, name: str) -> float | None:
    """The allowed factor that brings most of a column's pasted numbers to what they must be."""
    expected = evidence.expected(truth, name, None)
    if expected is None:
        return None
    slack, values = evidence.tolerance(truth, name, None), evidence.values[name]
    there = np.isfinite(values) & np.isfinite(expected)
    for factor in SLOPE_SCALES:
        close = np.abs(values - factor * expected) <= abs(factor) * slack
        if there.any() and 2 * (close & there).sum() > there.sum():
            return factor
    return None


def choose_scales(evidence: Evidence, truth: Truth) -> Truth:
    """The scales of the learner's loss and gradients. Where they contradict each other, the exercise's are meant."""
    error = vote(evidence, truth, r"E\d+", ERROR_SCALES)
    truth = replace(truth, scales=Scales(error))
    total = vote(evidence, truth, r"E_total", TOTAL_SCALES if "E1" in evidence.trees else (1.0, 2.0, 0.5))
    slope = vote(evidence, truth, r"dE/d(?:w|a_|h|o)\d*\w*", SLOPE_SCALES)
    if included := included_rate(evidence, truth):
        return replace(truth, scales=Scales(error, total, error * total, included / (error * total)))
    loss = error * total
    has_loss = any(re.fullmatch(r"E\d+|E_total", name) for name in evidence.trees)
    has_slopes = any(SLOPE.fullmatch(name) for name in evidence.trees)
    if slope < 0 and not adds(evidence, replace(truth, scales=Scales(error, total, slope))):
        slope = -slope
    if has_loss and has_slopes and abs(slope) != loss:
        if loss == 1:
            slope = np.sign(slope)
        elif abs(slope) == 1:
            error, total = 1.0, 1.0
        else:
            error, total, slope = 1.0, 1.0, np.sign(slope)
    elif not has_loss and has_slopes:
        error = abs(slope)
    return replace(truth, scales=Scales(error, total, float(slope)))


def included_rate(evidence: Evidence, truth: Truth) -> float | None:
    """The learning rate that columns titled dw1 or Δw1 hold as a factor, where all agree and updates take them whole."""
    names = [name for name in evidence.trees if SLOPE.fullmatch(name)]
    if not names or any("/" in evidence.block.titles.get(name, "/") for name in names):
        return None
    factors = {factor_of(evidence, truth, name) for name in names}
    updates = [factor_of(evidence, truth, name) for name in evidence.trees if WEIGHT.fullmatch(name)]
    if (
        len(factors) != 1
        or None in factors
        or not updates
        or any(rate is None or abs(rate - 1) > 1e-6 for rate in updates)
    ):
        return None
    return factors.pop()


def vote(evidence: Evidence, truth: Truth, names: str, allowed: tuple[float, ...]) -> float:
    """The factor of most of some columns, or 1."""
    factors = [factor_of(evidence, truth, name) for name in evidence.trees if re.fullmatch(names, name)]
    near = [choice for factor in factors if factor for choice in allowed if abs(factor / choice - 1) < 1e-6]
    if not near:
        return 1.0
    votes = Counter(near)
    return max(votes, key=lambda choice: (votes[choice], choice == 1))


def adds(evidence: Evidence, truth: Truth) -> bool:
    """Whether the updates go against negative gradients: w + learning_rate · (−dE/dw), which is right as a whole."""
    rates = [factor_of(evidence, truth, name) for name in evidence.trees if UPDATED.fullmatch(name)]
    known = [rate for rate in rates if rate]
    if not known:
        estimate = estimated_rate(evidence, truth)
        known = [estimate] if estimate else []
    return bool(known) and sum(rate < 0 for rate in known) * 2 > len(known)


def used_rate(evidence: Evidence, truth: Truth, hint: float | None) -> float | None:
    """The rate that the updates really used: of most formulas, or worked out from the numbers."""
    rates: Counter = Counter()
    for name, column in evidence.trees.items():
        if UPDATED.fullmatch(name):
            start = 1 if WEIGHT.fullmatch(name) else 0
            for tree in column[start:]:
                if isinstance(tree, tuple):
                    found = relation(truth, name, tree)
                    if found.kind == "rate":
                        rates[found.value] += 1
                    elif found.kind == "named rate" and abs(found.value - 1) < 1e-6:
                        rates["row"] += 1
    if rates and rates.most_common(1)[0][0] != "row":
        return rates.most_common(1)[0][0]
    if rates:
        column = evidence.values.get("learning_rate", np.array([]))
        if np.isfinite(column).any():
            return float(np.nanmedian(column))
    return estimated_rate(evidence, truth, hint)


def estimated_rate(evidence: Evidence, truth: Truth, hint: float | None = None) -> float | None:
    """The rate that explains the steps of most weights, weighed by how far they move."""
    estimates, sizes = [], []
    for name in evidence.trees:
        slope = evidence.slope(truth, name, evidence.values) if WEIGHT.fullmatch(name) else None
        if slope is not None and evidence.rows > 1:
            moved = evidence.values[name][:-1] - evidence.values[name][1:]
            there = np.isfinite(moved) & np.isfinite(slope[:-1]) & (np.abs(slope[:-1]) > 0)
            estimates += list(moved[there] / slope[:-1][there])
            sizes += list(np.abs(slope[:-1][there]))
    if not estimates:
        return hint
    order = np.argsort(estimates)
    weight = np.cumsum(np.array(sizes)[order])
    estimate = float(np.array(estimates)[order][np.searchsorted(weight, weight[-1] / 2)])
    return near_round(evidence, truth, estimate, hint)


def near_round(evidence: Evidence, truth: Truth, estimate: float, hint: float | None) -> float:
    """Of the written rate, short numbers near the estimate and itself, the first for which most weights fit."""
    if abs(estimate) < 1e-9:
        return 0.0
    short = [float(f"{estimate:.{digits}g}") for digits in (1, 2, 3, 4)]
    near = [rate for rate in [hint, *short, estimate] if rate and abs(estimate / rate - 1) < 0.2]
    return max(near, key=lambda rate: fitting_weights(evidence, truth, rate))


def fitting_weights(evidence: Evidence, truth: Truth, rate: float) -> int:
    """How many numbers of the weights follow from the row before at a rate."""
    count = 0
    for name in evidence.trees:
        expected = evidence.expected(truth, name, rate) if WEIGHT.fullmatch(name) else None
        if expected is not None:
            close_to = np.abs(evidence.values[name] - expected) <= evidence.tolerance(truth, name, rate)
            count += int(np.count_nonzero(close_to))
    return count


def cell_verdict(found: Judgement, name: str, step: int) -> Verdict:
    """By the cell's formula; a cell without one is judged by its number afterwards."""
    tree, raw = found.evidence.trees[name][step], found.evidence.raw[name][step]
    if GIVEN.fullmatch(name) or (WEIGHT.fullmatch(name) and step == 0):
        if tree is None and isinstance(raw, (str, Error)) and re.fullmatch(r"[tiw]\d+", name):
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
    evidence, rate = found.evidence, found.rate
    expected = evidence.expected(found.truth, name, rate)
    if expected is None:
        return
    slack, values = evidence.tolerance(found.truth, name, rate), evidence.values[name]
    for row in open_rows:
        if np.isfinite(expected[row]) and np.isfinite(values[row]):
            good = abs(values[row] - expected[row]) <= slack[row]
            column[row] = RIGHT if good else Verdict("wrong", "number", float(expected[row]))


def judge_gaps(found: Judgement, name: str) -> None:
    """An empty cell within a column that goes on below it."""
    column = found.verdicts[name]
    filled = [row for row, each in enumerate(column) if each.status not in ("blank",)]
    if not filled or GIVEN.fullmatch(name) or name.startswith(("new", "change")):
        return
    for row in range(filled[0], filled[-1]):
        if column[row].status == "blank":
            column[row] = Verdict("wrong", "blank")


def judge_givens(found: Judgement) -> None:
    """A single input or target that differs from all others of its column."""
    for name in found.evidence.trees:
        if not re.fullmatch(r"[ti]\d+", name):
            continue
        values = found.evidence.values[name]
        there = values[np.isfinite(values)]
        usual, count = Counter(there.tolist()).most_common(1)[0] if there.size else (0.0, 0)
        odd = [row for row, value in enumerate(values) if np.isfinite(value) and value != usual]
        if odd and count >= 4 and len(odd) <= 0.2 * there.size:
            for row in odd:
                found.verdicts[name][row] = Verdict("wrong", "given", usual)
        elif odd:
            found.notes.append(f"{name} is not the same in all rows")
