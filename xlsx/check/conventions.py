"""What learners do in a way of their own and rightly: which units, how weights are numbered, and at what rate."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from pyfuncs.network import UNITS, Network

from .evidence import Evidence
from .family import network_around
from .model import Model
from .names import UPDATED, WEIGHT
from .relation import relation
from .trees import Tree, cells_read
from .truth import Truth, wirings

SLOPE_SCALES = (1.0, 2.0, 0.5, -1.0, -2.0, -0.5)


def choose_network(evidence: Evidence) -> Truth:
    """The units and the numbering of weights for which most columns are right; the exercise's where it is a draw."""
    return max(candidates(evidence), key=lambda truth: sum(fits(evidence, truth, name) for name in evidence.trees))


def truth_of(model: Model, number: int) -> Truth | None:
    """The truth of a descent as its named columns tell it, in the exercise's own scales."""
    evidence = Evidence(model, number)
    return choose_network(evidence) if network_around(model, number) else None


def candidates(evidence: Evidence) -> Iterator[Truth]:
    """The exercise's sigmoid and squared error first; others where not a single column is that."""
    exercise, columns = Truth(evidence.network), list(evidence.trees)

    def strange(names: str) -> bool:
        some = [name for name in columns if re.fullmatch(names, name)]
        return bool(some) and not any(fits(evidence, exercise, name) for name in some)

    hidden = UNITS if strange(r"a_h\d+") else UNITS[:1]
    outputs = [(unit, "half-squared") for unit in (UNITS if strange(r"a_o\d+") else UNITS[:1])]
    kinds = [names for names in telling_loss(evidence.network) if any(re.fullmatch(names, name) for name in columns)]
    outputs += [("sigmoid", "cross-entropy")] * strange(kinds[0] if kinds else "")
    for unit, (output, loss) in product(hidden, outputs):
        network = replace(evidence.network, hidden=unit, output=output, loss=loss)
        yield from (Truth(network, order) for order in wirings(network))


def telling_loss(network: Network) -> tuple[str, ...]:
    """The columns that tell a loss: itself, else its derivatives by the outputs, or by the weights that go to them."""
    inputs, hidden, outputs = network.sizes
    last = [str(number) for number in range(inputs * hidden + 1, (inputs + outputs) * hidden + 1)]
    return (r"E\d+", "E_total", r"dE/do\d+", rf"dE/dw(?:{'|'.join(last)})")


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
    """Whether a column is what it must be, up to a factor; a ReLU that is off at all points, 0 times it, is not."""
    return not evidence.is_given(name) and bool(factor_of(evidence, truth, name))


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
            elif found and found.kind == "named rate" and abs(found.value - 1) < 1e-6 and reads_rate(tree):
                rates["row"] += 1
    if len(rates) > 1:
        rates.pop(0.0, None)  # w = w of the row before is no update, however often it comes
    return rates


def reads_rate(tree: Tree) -> bool:
    """Whether an update reads its row's learning rate; one that takes over the new weight reads none."""
    return any(leaf[:2] == ("name", "learning_rate") for leaf in cells_read(tree))


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
