"""What a block shows: the numbers of each column, the formula of each cell over names, and how finely it is rounded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from functools import cached_property

import numpy as np

from .family import family, network_around
from .model import CellError, Model, Place
from .names import GIVEN, UPDATED, WEIGHT, network_of
from .titles import is_number
from .trees import NotUnderstood, Tree, cells_read, evaluate, leaves
from .truth import Truth

EXACT_DIGITS = 13


class Problem(str):
    """Why a cell's formula could not be read: an error value or what was not understood."""


class Evidence:
    """A descent's `values` {name: (rows,), nan where no number is} and `trees` {name: a tree, Problem or None a row}.

    They are those of a block, and of the tables with which it belongs together; `homes` says which has a column.
    """

    def __init__(self, model: Model, number: int):
        self.model, self.number = model, number
        self.block, *others = family(model, number)
        self.rows = len(self.block.steps)
        self.homes = {name: block for block in (*others[::-1], self.block) for name in block.lines}
        self.raw = {name: [self.raw_value(name, step) for step in range(self.rows)] for name in self.homes}
        self.values = {name: as_numbers(raw) for name, raw in self.raw.items()}
        self.fill_givens()
        self.trees = {
            name: [self.tree(name, step) for step in range(self.rows)] for name in self.homes if name != "epoch"
        }
        self.add_labelled()
        self.network = network_around(model, number) or network_of(self.names())
        self.rounding = {name: self.rounding_of(name) for name in self.trees}

    def raw_value(self, name: str, step: int) -> object:
        return self.model.value(self.place(name, step))

    def place(self, name: str, step: int) -> Place:
        home = self.homes[name]
        return (home.sheet.name, *home.position(name, step))

    @property
    def own(self) -> list[str]:
        """The columns of the block itself."""
        return [name for name in self.trees if name in self.block.lines]

    def tree(self, name: str, step: int) -> Tree | Problem | None:
        try:
            return self.model.named(self.model.found.blocks.index(self.homes[name]), name, step)
        except (NotUnderstood, CellError) as error:
            return Problem(str(error))

    def fill_givens(self) -> None:
        """Inputs and targets that stand in the first row only hold for all."""
        for name, values in self.values.items():
            if re.fullmatch(r"[tib]\d+", name) and np.isfinite(values[0]):
                self.values[name] = np.where(np.isnan(values), values[0], values)

    def add_labelled(self) -> None:
        """Inputs, targets and weights that stand beside the table only."""
        own = self.block.sheet.name
        for (sheet, row, column), name in sorted(self.model.found.labels.items(), key=lambda each: each[0][0] != own):
            if name not in self.values and re.fullmatch(r"[tib]\d+", name):
                value = self.model.value((sheet, row, column))
                if is_number(value):
                    self.values[name] = np.full(self.rows, float(value))

    def names(self) -> set[str]:
        """Every quantity that a column or a formula names."""
        used = {
            leaf[1]
            for column in self.trees.values()
            for tree in {tree for tree in column if isinstance(tree, tuple)}
            for leaf in cells_read(tree)
            if leaf[0] == "name"
        }
        return used | set(self.homes)

    @cached_property
    def learns_biases(self) -> bool:
        """Whether the rows change their biases; a bias that stays as it is was given."""
        return any(
            name.startswith("new b")
            or (re.fullmatch(r"b\d+", name) and np.isfinite(values).any() and np.nanmax(values) > np.nanmin(values))
            for name, values in self.values.items()
        )

    def is_given(self, name: str) -> bool:
        """Whether a quantity is typed in and never computed."""
        return bool(GIVEN.fullmatch(name) or (re.fullmatch(r"b\d+", name) and not self.learns_biases))

    @property
    def weights(self) -> list[str]:
        """The columns of weights, and of biases that are learned."""
        return [name for name in self.trees if WEIGHT.fullmatch(name) and not self.is_given(name)]

    @property
    def updates(self) -> list[str]:
        """The columns that an update computes: those of the weights, and new w1 …"""
        return [name for name in self.trees if UPDATED.fullmatch(name) and not self.is_given(name)]

    def rounding_of(self, name: str) -> np.ndarray:
        """(rows,) how far a pasted number may lie from the exact one; 0 for formulas and for numbers in full."""
        pasted = [
            value if tree is None and np.isfinite(value) else np.nan
            for tree, value in zip(self.trees[name], self.values[name], strict=True)
        ]
        if self.is_given(name):
            return np.zeros(self.rows)
        if WEIGHT.fullmatch(name):
            pasted[0] = np.nan
        found = [digits(value) for value in pasted if np.isfinite(value) and value]
        if not found:  # zeros say nothing of how they were rounded: the block's other numbers do
            return np.where(np.isfinite(pasted), 0.5 * 10.0**-self.usual_decimals, 0.0)
        decimals, significant = (max(each) for each in zip(*found, strict=True))
        if significant >= EXACT_DIGITS:
            return np.zeros(self.rows)
        size = np.array([np.floor(np.log10(abs(v))) if np.isfinite(v) and v else -400.0 for v in pasted])
        steps = np.maximum(10.0**-decimals, 10.0 ** (size + 1 - significant))
        return np.where(np.isfinite(pasted), 0.5 * steps, 0.0)

    @cached_property
    def usual_decimals(self) -> int:
        """The decimals that most of the block's pasted numbers have."""
        pasted = [
            digits(value)[0]
            for name, column in self.trees.items()
            if not self.is_given(name)
            for tree, value in zip(column[1:], self.values[name][1:], strict=True)
            if tree is None and np.isfinite(value) and value
        ]
        return int(np.median(pasted)) if pasted else 15

    @cached_property
    def known(self) -> frozenset[str]:
        """The quantities with numbers that a right formula may be written over: no derivatives."""
        return frozenset(
            name
            for name, values in self.values.items()
            if np.isfinite(values).any() and re.fullmatch(r"[tiwbho]\d+|a_[ho]\d+|E\d+", name)
        )

    def expected(self, truth: Truth, name: str, rate: float | None, nudge: dict | None = None) -> np.ndarray | None:
        """(rows,) what the row's own numbers ask for; nan where nothing precedes. `nudge` moves the numbers."""
        values = {key: value + (nudge or {}).get(key, 0.0) for key, value in self.values.items()}
        if found := UPDATED.fullmatch(name):
            slope = self.slope(truth, found[2], values)
            if slope is None or rate is None or found[2] not in values:
                return None
            moved = values[found[2]] - rate * slope
            return moved if found[1] else np.concatenate([[np.nan], moved[:-1]])
        return self.computed(truth, name, values)

    def slope(self, truth: Truth, weight: str, values: dict[str, np.ndarray]) -> np.ndarray | None:
        """The column's own dE/dw, or what it must be where there is none."""
        own = values.get(f"dE/d{weight}")
        if own is not None and np.isfinite(own).any():
            return own
        return self.computed(truth, f"dE/d{weight}", values)

    def computed(self, truth: Truth, name: str, values: dict[str, np.ndarray]) -> np.ndarray | None:
        tree = truth.tree(name, self.known - {name})
        if tree is None or any(leaf[0] == "name" and leaf[1] not in values for leaf in leaves(tree)):
            return None
        with np.errstate(all="ignore"):
            result = evaluate(tree, lambda leaf: values[leaf[1]])
        return np.broadcast_to(np.asarray(result, dtype=float), (self.rows,))

    def along(self, truth: Truth, way: Iterable[str]) -> Evidence:
        """The same, but for columns such as dE/do1 that are taken as they are, right or wrong."""
        other, taken = copy(self), {name: self.values[name] / truth.scales.of(name) for name in way}
        other.known, other.values = self.known | frozenset(taken), self.values | taken
        return other

    def read_as(self, name: str, other: str) -> Evidence:
        """The same, but with a column's numbers under another quantity's name, too."""
        found = copy(self)
        found.values = self.values | {other: self.values[name]}
        found.rounding = self.rounding | {other: self.rounding[name]}
        return found

    def without(self, names: str) -> Evidence:
        """The same, but for columns of which nothing else is made."""
        other = copy(self)
        other.known = frozenset(name for name in self.known if not re.fullmatch(names, name))
        return other

    def made_of(self, truth: Truth, name: str) -> set[str]:
        """The quantities whose numbers `expected` reads for one; a weight is made of its own last value, too."""
        if found := UPDATED.fullmatch(name):
            slope = f"dE/d{found[2]}"
            return {found[2], slope} if slope in self.values else {found[2]} | self.made_of(truth, slope)
        tree = truth.tree(name, self.known - {name})
        return {leaf[1] for leaf in leaves(tree) if leaf[0] == "name"} if tree else set()

    def tolerance(self, truth: Truth, name: str, rate: float | None) -> np.ndarray:
        """(rows,) how far a right number may lie from `expected`: its own rounding and that of what it is made of."""
        base = self.expected(truth, name, rate)
        slack = 1.5 * self.rounding.get(name, 0.0) + 1e-9 * np.abs(base) + 1e-13
        for other in self.made_of(truth, name):
            rounding = self.rounding.get(other, np.zeros(1))
            if rounding.any():
                moved = self.expected(truth, name, rate, {other: rounding})
                slack = slack + 1.5 * np.nan_to_num(np.abs(moved - base))
        return slack


def as_numbers(raw: list) -> np.ndarray:
    return np.array([float(value) if is_number(value) and np.isfinite(value) else np.nan for value in raw])


def digits(value: float) -> tuple[int, int]:
    """Decimals, and significant digits, of a number as it is written shortest."""
    mantissa, _, exponent = f"{float(value)!r}".lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    fraction = "" if fraction == "0" else fraction
    decimals = max(0, len(fraction) - int(exponent or 0))
    return decimals, len((whole + fraction).strip("0")) or 1
