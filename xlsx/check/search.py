"""Finds the one change that explains a wrong column: of the learner's formula, of the right one, or of its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

import numpy as np

from . import edits, words
from .edits import Edit
from .judge import Judgement
from .names import GIVEN, SLOPE, UPDATED, WEIGHT
from .relation import at_first_point, at_points, first_point, relation
from .trees import NotUnderstood, Tree, evaluate, leaves

SAME = 1e-7
MOST_VARIANTS = 6_000


class Search:
    """The search for one column, from the row in which it is wrong first."""

    def __init__(self, found: Judgement, name: str, rows: list[int]):
        self.found, self.name, self.rows = found, name, rows
        self.evidence, self.truth = found.evidence, found.truth
        self.tree = self.evidence.trees[name][rows[0]]
        self.updates = bool(WEIGHT.fullmatch(name))

    def right_tree(self) -> Tree | None:
        """What the cell should compute, over the table's columns."""
        name = self.name
        if found := UPDATED.fullmatch(name):
            back = 0 if found[1] else -1
            rate = self.rate_leaf()
            step = ("*", rate, ("name", f"dE/d{found[2]}", back))
            sign = "+" if self.truth.scales.gradient < 0 else "-"
            return (sign, ("name", found[2], back), step)
        return self.truth.tree(name, self.evidence.known - {name})

    def rate_leaf(self) -> Tree:
        """The cell or number that right updates of the block take the learning rate from."""
        good = self.good_rate_leaves()
        return good[0] if good else ("rate",)

    def good_rate_leaves(self) -> list[Tree]:
        found = []
        for name in self.evidence.updates:
            for tree, verdict in zip(self.evidence.trees[name], self.found.verdicts.get(name, ()), strict=False):
                if isinstance(tree, tuple) and verdict.status == "right":
                    rates = [
                        leaf
                        for leaf in leaves(tree)
                        if leaf[0] in ("const", "inline") or leaf[:2] == ("name", "learning_rate")
                    ]
                    found += rates or [("number", abs(self.found.rate or 0.0))]
                    break
        return found

    def run(self) -> tuple[Edit, Tree | None] | None:
        if other := self.other_quantity():
            return Edit("other quantity", wrong=("name", other, 0)), None
        for edit, variant in self.bounded(self.right_variants()):
            if self.is_theirs(variant):
                return edit, None
        for edit, variant in self.bounded(self.own_variants()):
            if self.mends(variant):
                return edit, variant
        return None

    def bounded(self, variants: Iterable) -> Iterable:
        for _, pair in zip(range(MOST_VARIANTS), variants, strict=False):
            yield pair

    def other_quantity(self) -> str | None:
        """A quantity of which this is the right formula."""
        if self.updates:
            return None
        for other in self.evidence.trees:
            if other != self.name and not (GIVEN.fullmatch(other) or WEIGHT.fullmatch(other)):
                seen = relation(self.truth, other, self.tree)
                if seen.kind == "factor" and abs(seen.value - 1) < 1e-6:
                    return other
        return None

    def right_variants(self) -> Iterable[tuple[Edit, Tree]]:
        """The right formula with something left out of it."""
        right = self.right_tree()
        if right is None or any(leaf[0] == "rate" for leaf in leaves(right)):
            return
        for change in (edits.without_parentheses, edits.without_factors, edits.without_term):
            yield from change(right)

    def own_variants(self, quick: bool = False) -> Iterable[tuple[Edit, Tree]]:
        """The learner's formula with one change."""
        names = self.candidates()
        if not quick:
            yield from edits.other_names(self.tree, names)
        yield from edits.other_sign(self.tree)
        yield from edits.less(self.tree)
        yield from edits.more(self.tree, names if not quick else [])
        if not quick:
            yield from edits.with_parentheses(self.tree)
            yield from edits.two_names(self.tree, names)

    def candidates(self) -> list[Tree]:
        """The quantities that a right formula might read."""
        names = [name for name in self.evidence.values if re.fullmatch(r"[tiwbhoE]\d+|a_[ho]\d+|dE/d[wb]\d+", name)]
        if self.updates:
            back = [("name", name, -1) for name in names if WEIGHT.fullmatch(name) or SLOPE.fullmatch(name)]
            return back + list(dict.fromkeys(leaf for leaf in self.good_rate_leaves() if leaf[0] != "number"))
        return [("name", name, 0) for name in names if name != self.name]

    def mends(self, variant: Tree) -> bool:
        """Whether a variant of the learner's formula is right."""
        if not self.may_mend(variant):
            return False
        seen = relation.__wrapped__(self.truth, self.name, variant)
        if seen.kind == "rate":
            usual = self.found.rate
            return seen.value > 0 if not usual else abs(seen.value - usual) <= SAME * abs(usual)
        return seen.kind in ("factor", "named rate") and abs(seen.value - 1) < 1e-6

    def may_mend(self, variant: Tree) -> bool:
        """A look at one point, which most variants do not pass."""
        if self.name.startswith("change"):
            return True
        point = first_point(self.truth)
        try:
            with np.errstate(all="ignore"):
                value = at_first_point(self.truth, variant)
        except NotUnderstood:
            return False
        found = UPDATED.fullmatch(self.name)
        if not found:
            due = point.get((self.name, 0), value)
            return abs(value - due) <= 1e-5 * abs(due)
        row, rates = (0 if found[1] else -1), [self.found.rate, point["learning_rate", 0]]
        moved, slope = point[found[2], row] - value, point[f"dE/d{found[2]}", row]
        return not self.found.rate or any(abs(moved - rate * slope) <= 1e-5 * abs(rate * slope) for rate in rates)

    def is_theirs(self, variant: Tree) -> bool:
        """Whether a variant of the right formula computes what the learner's does."""
        try:
            with np.errstate(all="ignore"):
                first = self.theirs[0]
                if not abs(at_first_point(self.truth, variant) - first) <= 10 * SAME * abs(first):
                    return False
            one, other = at_points(self.truth, variant), self.theirs
        except NotUnderstood:
            return False
        return bool(np.all(np.abs(one - other) <= SAME * np.abs(other)))

    @cached_property
    def theirs(self) -> np.ndarray:
        return at_points(self.truth, self.tree)

    def number_variants(self) -> Iterable[tuple[Edit, Tree]]:
        right = self.right_tree()
        if right is None or (self.updates and not self.found.rate):
            return
        right = words.put(
            right, lambda leaf: ("number", self.found.rate) if leaf[0] in ("rate", "const", "inline") else leaf
        )
        names = self.candidates()
        for factor in (-1.0, 2.0, 0.5):
            yield Edit("factor", due=("number", factor)), ("*", ("number", factor), right)
        for change in (edits.without_parentheses, edits.without_factors, edits.without_term, edits.other_sign):
            yield from change(right)
        for edit, variant in edits.other_names(right, names):
            yield Edit(edit.kind, edit.due, edit.wrong), variant
        for edit, variant in edits.two_names(right, names):
            yield edit, variant

    def gives(self, variant: Tree, slack: np.ndarray) -> bool:
        """Whether a variant of the right formula gives the column's numbers in all wrong rows."""
        values, rows = self.evidence.values, np.array(self.rows)

        def leaf(node: Tree) -> np.ndarray:
            if node[0] != "name" or node[1] not in values:
                raise NotUnderstood(str(node))
            return values[node[1]][np.maximum(rows + node[2], 0)]

        try:
            with np.errstate(all="ignore"):
                result = evaluate(variant, leaf)
        except NotUnderstood:
            return False
        enough = len(rows) > 1 or np.all(slack < 1e-6 * np.abs(values[self.name][rows]))
        return bool(enough and np.all(np.abs(result - values[self.name][rows]) <= slack))
