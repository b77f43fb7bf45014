"""How far a block lies from the true descent: its rows as they are, and its own rule after 1, 10 and 100 epochs."""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pyfuncs.descent import history, states

from .judge import Judgement, fixed
from .names import WEIGHT
from .trees import NotUnderstood, evaluate
from .truth import Truth

EPOCHS = (1, 10, 100)


class Cost(NamedTuple):
    """After some epochs: the true loss, the learner's, and how far the weights lie apart at most."""

    epochs: int
    true_loss: float
    loss: float
    weights: float


class Drift:
    """A block beside the true descent from its first row, at `rate`. It needs inputs, targets and weights."""

    def __init__(self, found: Judgement, rate: float | None):
        self.found, self.rate, self.evidence = found, rate, found.evidence
        self.truth: Truth = found.truth
        network, values = self.truth.network, self.evidence.values
        self.inputs, self.targets = fixed(values, network.input_names), fixed(values, network.target_names)
        start = [values.get(self.truth.own(name), np.array([np.nan]))[0] for name in network.weight_names]
        self.start = np.array(start) if np.isfinite(start).all() else None

    @property
    def is_known(self) -> bool:
        kind = self.truth.network.bias
        if kind != "none" and self.evidence.learns_biases != (kind == "bias"):
            return False  # pyfuncs learns the biases that these rows hold, or the other way round
        return None not in (self.inputs, self.targets) and self.start is not None and self.rate is not None

    def true_rows(self, count: int) -> dict[str, np.ndarray]:
        """Every quantity of the true descent, (count,), in the learner's names and scales."""
        network, given = self.truth.network, (np.array([self.inputs]), np.array([self.targets]))
        table = states(network, history(network, self.start, *given, abs(self.rate), count - 1), *given)
        names = network.headers("train")
        return {self.truth.own(name): table[:, at] * self.truth.scales.of(name) for at, name in enumerate(names)}

    @cached_property
    def from_true(self) -> dict[str, float]:
        """{name: the largest difference from the true descent} over the block's rows."""
        if not self.is_known:
            return {}
        rows, values = self.true_rows(self.evidence.rows), self.evidence.values
        return {
            name: largest(values[name] - rows[name]) for name in values if name in rows and name in self.evidence.trees
        }

    @cached_property
    def from_row(self) -> dict[str, float]:
        """{name: the largest difference from what pyfuncs computes from the same row's inputs and weights}."""
        network, values = self.truth.network, self.evidence.values
        own = [values.get(self.truth.own(name)) for name in network.weight_names]
        if self.inputs is None or self.targets is None or any(column is None for column in own):
            return {}
        table = states(network, np.stack(own, axis=-1), np.array([self.inputs]), np.array([self.targets]))
        found = {}
        for at, name in enumerate(network.headers("train")):
            mine = self.truth.own(name)
            if mine in self.evidence.trees and not re.fullmatch(r"[tibw]\d+", mine):
                found[mine] = largest(values[mine] - table[:, at] * self.truth.scales.of(name))
        return found | self.from_row_before() | self.between()

    def between(self) -> dict[str, float]:
        """The same for columns such as dE/do1, which pyfuncs has no name for."""
        names = [name for name in self.evidence.trees if re.fullmatch(r"d.*/d(?:a_)?[ho]\d+", name)]
        due = {name: self.evidence.expected(self.truth, name, None) for name in names}
        return {name: largest(self.evidence.values[name] - each) for name, each in due.items() if each is not None}

    def from_row_before(self) -> dict[str, float]:
        """The same for the weights, from the row before and its own gradients."""
        found = {}
        for name in self.evidence.weights:
            expected = self.evidence.expected(self.truth, name, self.found.rate)
            found[name] = 0.0 if expected is None else largest(self.evidence.values[name] - expected)
        return found

    def cost(self) -> list[Cost]:
        """After 1, 10 and 100 epochs, where the learner's rule can be carried on, else as far as the rows go."""
        if not self.is_known:
            return []
        true = self.true_rows(max(EPOCHS) + 1)
        theirs = self.carried_on() or self.as_they_are()
        found = []
        for epochs in EPOCHS:
            if epochs < len(theirs):
                row = theirs[epochs]
                if not np.isfinite([*row.values()]).all():
                    break  # the rows end in error values
                apart = max(abs(row[name] - true[name][epochs]) for name in row if WEIGHT.fullmatch(name))
                found.append(Cost(epochs, float(true["E_total"][epochs]), row["E_total"], float(apart)))
        return found

    def as_they_are(self) -> list[dict[str, float]]:
        values = self.evidence.values
        names = [name for name in self.true_rows(1) if re.fullmatch(r"[wb]\d+|E_total", name)]
        if any(name not in values for name in names):
            return []
        return [{name: float(values[name][row]) for name in names} for row in range(self.evidence.rows)]

    def carried_on(self) -> list[dict[str, float]] | None:
        """The learner's own formulas, row after row; None where they cannot be."""
        try:
            with np.errstate(all="ignore"):
                return Rule(self).rows(max(EPOCHS) + 1)
        except (NotUnderstood, KeyError, OverflowError, ValueError):
            return None


class Rule:
    """What a block computes: the learner's formula where a column has one, else the right one."""

    def __init__(self, drift: Drift):
        self.drift, self.found, self.truth = drift, drift.found, drift.truth
        self.weights = drift.evidence.weights
        self.trees = {name: tree for name in drift.evidence.trees if (tree := self.usual(name))}
        second = min(1, drift.evidence.rows - 1)
        if any(name not in self.trees or second not in rows for name, rows in self.found.wrong().items()):
            raise NotUnderstood("single rows are wrong")
        given = self.truth.network.input_names + self.truth.network.target_names
        numbers = (*drift.inputs, *drift.targets)
        self.given = dict(zip(given, numbers, strict=True))
        self.known = frozenset(drift.evidence.known)

    def usual(self, name: str) -> tuple | None:
        """A column's formula, the same in the row after the first and in the last."""
        column = self.found.evidence.trees[name]
        tree = column[min(1, len(column) - 1)]
        return tree if isinstance(tree, tuple) and tree == column[-1] else None

    def rows(self, count: int) -> list[dict[str, float]]:
        start = dict(zip(map(self.truth.own, self.truth.network.weight_names), self.drift.start, strict=True))
        row = start | self.given
        found = []
        for _ in range(count):
            found.append({name: float(self.value(name, row)) for name in (*self.weights, "E_total")})
            row = (
                {name: self.updated(name, row) for name in self.weights}
                | self.given
                | {name: number for name, number in start.items() if name not in self.weights}
            )
        return found

    def value(self, name: str, row: dict) -> float:
        """A quantity of a row, computed when it is asked for."""
        if name not in row:
            tree = self.trees.get(name) or self.truth.tree(name, self.known - {name})
            if tree is None:
                raise NotUnderstood(name)
            row[name] = evaluate(tree, lambda leaf: self.leaf(leaf, row, 0))
        return row[name]

    def leaf(self, leaf: tuple, row: dict, offset: int) -> float | list:
        kind = leaf[0]
        if kind == "inline":
            return evaluate(leaf[1], lambda inner: self.leaf(inner, row, offset))
        if kind == "area":
            return [self.leaf(each, row, offset) for each in leaf[1]]
        if kind in ("const", "foreign", "blank"):
            return leaf[1]
        if kind != "name" or (leaf[2] != offset and leaf[1] not in self.given):
            raise NotUnderstood(str(leaf))
        return self.drift.rate if leaf[1] == "learning_rate" else self.value(leaf[1], row)

    def updated(self, name: str, row: dict) -> float:
        tree = self.trees.get(name)
        if tree is not None:
            return float(evaluate(tree, lambda leaf: self.leaf(leaf, row, -1)))
        rate = self.found.rate if self.found.rate is not None else self.drift.rate
        return float(row[name] - rate * self.value(f"dE/d{name}", row))


def largest(difference: np.ndarray) -> float:
    there = np.abs(difference[np.isfinite(difference)])
    return float(there.max()) if there.size else 0.0
