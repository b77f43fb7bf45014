"""What learners do in a way of their own and rightly: how weights are numbered, the loss is scaled, and the rate."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from pyfuncs.network import UNITS

from .evidence import Evidence
from .headers import plain
from .names import DELTA, SLOPE, UPDATED, WEIGHT
from .relation import relation
from .truth import Scales, Truth, wirings

ERROR_SCALES, TOTAL_SCALES, SLOPE_SCALES = (1.0, 2.0), (1.0, 0.5), (1.0, 2.0, 0.5, -1.0, -2.0, -0.5)


def choose_network(evidence: Evidence) -> Truth:
    """The units and the numbering of weights for which most columns are right; the exercise's where it is a draw."""
    return max(candidates(evidence), key=lambda truth: sum(fits(evidence, truth, name) for name in evidence.trees))


def candidates(evidence: Evidence) -> Iterator[Truth]:
    """The exercise's sigmoid and squared error first; others where not a single column is that."""
    exercise, columns = Truth(evidence.network), list(evidence.trees)

    def strange(names: str) -> bool:
        some = [name for name in columns if re.fullmatch(names, name)]
        return bool(some) and not any(fits(evidence, exercise, name) for name in some)

    hidden = UNITS if strange(r"a_h\d+") else UNITS[:1]
    outputs = [(unit, "half-squared") for unit in (UNITS if strange(r"a_o\d+") else UNITS[:1])]
    outputs += [("sigmoid", "cross-entropy")] * strange(r"E\d+" if "E1" in columns else "E_total")
    for unit, (output, loss) in product(hidden, outputs):
        network = replace(evidence.network, hidden=unit, output=output, loss=loss)
        yield from (Truth(network, order) for order in wirings(network))


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
    return not evidence.is_given(name) and factor_of(evidence, truth, name) is not None


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
    truth = replace(truth, scales=Scales(error, delta=delta_scale(evidence, truth)))
    total = vote(evidence, truth, r"E_total", TOTAL_SCALES if "E1" in evidence.trees else (1.0, 2.0, 0.5))
    free = truth.scales.delta
    slope = vote(evidence, truth, r"dE/d(?:w|a_|h|o)\d*\w*" if free is None else r"dE/d(?:w|a_)\d*\w*", SLOPE_SCALES)
    if included := included_rate(evidence, truth):
        return replace(truth, scales=Scales(error, total, error * total, included / (error * total), free))
    loss = error * total
    has_loss = any(re.fullmatch(r"E\d+|E_total", name) for name in evidence.trees)
    has_slopes = any(SLOPE.fullmatch(name) for name in evidence.trees)
    if slope < 0 and not adds(evidence, replace(truth, scales=Scales(error, total, slope, delta=free))):
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
    return replace(truth, scales=Scales(error, total, float(slope), delta=free))


def delta_scale(evidence: Evidence, truth: Truth) -> float | None:
    """By what columns titled δ_o1 differ from dE/do1, which no title asks for; None where there are none."""
    free = [name for name in evidence.trees if DELTA.fullmatch(name) and is_loose(evidence, name)]
    if not free:
        return None
    outputs = [name for name in free if name.startswith("dE/do")]
    return vote(evidence, truth, "|".join(outputs or free), SLOPE_SCALES)


def included_rate(evidence: Evidence, truth: Truth) -> float | None:
    """The learning rate that columns titled dw1 or Δw1 hold as a factor: one for all, and taken whole by updates."""
    names = [name for name in evidence.trees if SLOPE.fullmatch(name)]
    if not names or not all(is_loose(evidence, name) for name in names):
        return None
    factors = {factor_of(evidence, truth, name) for name in names}
    new = [name for name in evidence.updates if name.startswith("new ")]
    updates = [factor_of(evidence, truth, name) for name in new or evidence.weights]
    if len(factors) != 1 or None in factors or not updates or any(rate is None or rate != 1 for rate in updates):
        return None
    included = factors.pop()
    return included if included != 1 else None


def is_loose(evidence: Evidence, name: str) -> bool:
    """Whether a derivative's title does not say it as one, as dw1 and δ_o1; dE/dw1 does."""
    return "/" not in plain(evidence.block.titles.get(name, "/"))


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
    rates = [factor_of(evidence, truth, name) for name in evidence.updates]
    known = [rate for rate in rates if rate]
    if not known:
        estimate = estimated_rate(evidence, truth)
        known = [estimate] if estimate else []
    return bool(known) and sum(rate < 0 for rate in known) * 2 > len(known)


def used_rate(evidence: Evidence, truth: Truth, hint: float | None) -> float | None:
    """The rate that the updates really used: of most formulas, or worked out from the numbers."""
    rates = rates_of_formulas(evidence, truth)
    if rates and rates.most_common(1)[0][0] != "row":
        return rates.most_common(1)[0][0]
    if rates:
        column = evidence.values.get("learning_rate", np.array([]))
        if np.isfinite(column).any():
            return float(np.nanmedian(column))
    return estimated_rate(evidence, truth, hint)


def rates_of_formulas(evidence: Evidence, truth: Truth) -> Counter:
    """How many updates use each rate; "row" is the one in the row's own column."""
    rates: Counter = Counter()
    for name in evidence.updates:
        for tree in evidence.trees[name][1 if WEIGHT.fullmatch(name) else 0 :]:
            found = relation(truth, name, tree) if isinstance(tree, tuple) else None
            if found and found.kind == "rate":
                rates[found.value] += 1
            elif found and found.kind == "named rate" and abs(found.value - 1) < 1e-6:
                rates["row"] += 1
    if len(rates) > 1:
        rates.pop(0.0, None)  # w = w of the row before is no update, however often it comes
    return rates


def estimated_rate(evidence: Evidence, truth: Truth, hint: float | None = None) -> float | None:
    """The rate that explains the steps of most weights, weighed by how far they move."""
    estimates, sizes = [], []
    for name in evidence.weights:
        slope = evidence.slope(truth, name, evidence.values)
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
    candidates = dict.fromkeys(rate for rate in [hint, *short, estimate] if rate and abs(estimate / rate - 1) < 0.2)
    best, most = estimate, -1
    for rate in candidates:
        fitting, all_of_them = fitting_weights(evidence, truth, rate)
        if fitting == all_of_them:
            return rate
        if fitting > most:
            best, most = rate, fitting
    return best


def fitting_weights(evidence: Evidence, truth: Truth, rate: float) -> tuple[int, int]:
    """How many numbers of the weights follow from the row before at a rate, and of how many."""
    count = known = 0
    for name in evidence.weights:
        expected = evidence.expected(truth, name, rate)
        if expected is not None:
            close_to = np.abs(evidence.values[name] - expected) <= evidence.tolerance(truth, name, rate)
            count += int(np.count_nonzero(close_to))
            known += int(np.count_nonzero(np.isfinite(expected) & np.isfinite(evidence.values[name])))
    return count, known
