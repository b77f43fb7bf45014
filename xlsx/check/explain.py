"""Names the mistake in a wrong column: which cell, what it says, what it should say, and what is wrong with it.

A formula is explained by the one change that makes it right, or that makes the right one into it; numbers without a
formula by the one change of the right formula that gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from . import edits, words
from .edits import Edit
from .evidence import Problem
from .formula import NotUnderstood, Tree, evaluate, leaves
from .judge import Judgement, Verdict, misplaced
from .model import Place
from .relation import at_points, relation

SAME = 1e-7
MOST_VARIANTS = 6_000


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
    key: object = None
    row: int = 0
    places: list[Place] = field(default_factory=list)


def explain(found: Judgement) -> list[Mistake]:
    """The mistakes of a block, each cause once, in the order of its columns."""
    mistakes = []
    for name, rows in found.wrong().items():
        for run in runs(found, name, rows):
            mistakes.append(Explainer(found, name, run).mistake())
    return merged(mistakes)


def harmless_texts(found: Judgement) -> list[str]:
    """What is wrong in formulas that give the right numbers all the same, as t1 for t2 where both are 0.5."""
    texts = []
    for name, column in found.verdicts.items():
        rows = [row for row, each in enumerate(column) if each.status == "harmless"]
        one = Explainer(found, name, rows).wrong_formula() if rows and by_names(found, name, rows[0]) else None
        if one is not None and one.kind == "wrong reference":
            texts.append(f"{one.cell}: {one.text}")
    return texts


def by_names(found: Judgement, name: str, row: int) -> bool:
    """Whether a formula reads the table's own columns only; another cell or a typed number may be meant."""
    return all(leaf[0] in ("name", "number") for leaf in leaves(found.evidence.trees[name][row]))


def runs(found: Judgement, name: str, rows: list[int]) -> list[list[int]]:
    """Wrong rows of a column by what is wrong in them; a reference that moves makes one run of many formulas."""
    groups: dict[object, list[int]] = {}
    for row in rows:
        verdict, tree = found.verdicts[name][row], found.evidence.trees[name][row]
        key = tree if isinstance(tree, tuple) else verdict.kind
        groups.setdefault(key, []).append(row)
    if len(groups) > 2:
        return [rows]
    return list(groups.values())


def merged(mistakes: list[Mistake]) -> list[Mistake]:
    """Mistakes of the same kind with the same culprit, or the same change in neighbouring columns, are one."""
    together: dict[object, Mistake] = {}
    for mistake in mistakes:
        key = (mistake.kind, mistake.key, mistake.row) if mistake.key is not None else object()
        first = together.setdefault(key, mistake)
        if first is not mistake:
            first.quantities += [name for name in mistake.quantities if name not in first.quantities]
            first.cells += mistake.cells
            first.places += mistake.places
    return list(together.values())


class Explainer:
    """Finds the words for one column's wrong rows."""

    def __init__(self, found: Judgement, name: str, rows: list[int]):
        self.found, self.name, self.rows, self.row = found, name, rows, rows[0]
        self.evidence, self.truth, self.block = found.evidence, found.truth, found.block
        self.verdict: Verdict = found.verdicts[name][self.row]
        self.tree = self.evidence.trees[name][self.row]
        self.writer = words.Writer(found, self.row)
        self.updates = bool(re.fullmatch(r"w\d+", name))

    def mistake(self) -> Mistake:
        kind = self.verdict.kind
        if isinstance(self.tree, tuple) and kind in ("formula", "factor", "rate", "text cell"):
            return self.moving() or (self.wrong_rate() if self.takes_rate(kind) else None) or self.wrong_formula()
        return {
            "number": self.wrong_number,
            "given": self.odd_given,
            "blank": self.empty_cell,
            "text": self.text_cell,
            "error": self.error_cell,
        }.get(kind, self.wrong_formula)()

    def takes_rate(self, kind: str) -> bool:
        return kind == "rate" or (kind == "text cell" and bool(re.fullmatch(r"(new )?w\d+", self.name)))

    def make(self, kind: str, text: str, key: object = None, fix: Tree | None = None) -> Mistake:
        """A mistake of these cells; `fix` is the formula that is due."""
        right = self.right_tree()
        mended = fix if fix is not None else right
        places = [self.block.position(self.name, row) for row in self.rows]
        return Mistake(
            kind,
            [self.name],
            self.block.place(self.name, self.row),
            [self.block.place(self.name, row) for row in self.rows],
            text,
            self.formula_text(),
            self.writer.names(self.tree) if isinstance(self.tree, tuple) else None,
            self.writer.names(right) if right is not None else None,
            self.writer.formula(mended) if mended is not None else None,
            key,
            self.row,
            [(self.block.sheet.name, *place) for place in places],
        )

    def formula_text(self) -> str | None:
        return words.formula_text(
            self.evidence.model, (self.block.sheet.name, *self.block.position(self.name, self.row))
        )

    def right_tree(self) -> Tree | None:
        """What the cell should compute, over the table's columns."""
        name = self.name
        if found := re.fullmatch(r"(new )?(w\d+)", name):
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
        for name, column in self.evidence.trees.items():
            if re.fullmatch(r"(new )?w\d+", name):
                for row, tree in enumerate(column):
                    if isinstance(tree, tuple) and self.found.verdicts[name][row].status == "right":
                        rates = [
                            leaf
                            for leaf in leaves(tree)
                            if leaf[0] in ("const", "inline") or leaf[:2] == ("name", "learning_rate")
                        ]
                        found += rates or [("number", abs(self.found.rate or 0.0))]
                        break
        return found

    def moving(self) -> Mistake | None:
        """A reference without $ that moves away from its cell as the formula is filled down."""
        model, where = self.evidence.model, (self.block.sheet.name, *self.block.position(self.name, self.row))
        previous = self.row - 1
        if previous < 0 or not isinstance(self.evidence.trees[self.name][previous], tuple):
            return None
        if self.found.verdicts[self.name][previous].status not in ("right", "given"):
            return None
        before = (self.block.sheet.name, *self.block.position(self.name, previous))
        one, other = model.parse(before), model.parse(where)
        if one != other:
            return None
        for ref in one.references:
            if ref.name or ref.last is not None:
                continue
            start, now = model.places(ref, before)[0], model.places(ref, where)[0]
            if (
                start != now
                and start not in model.found.roles
                and not is_relative_block(self.block, start, now, self.found)
            ):
                text = words.moving(self.writer, self.name, start, now, model, self.found)
                return self.make("unanchored reference", text, ("moving", start), self.anchored(now, start))
        return None

    def anchored(self, now: Place, start: Place) -> Tree | None:
        value = self.evidence.model.value(start)
        fixed = ("const", value, start)
        return words.put(self.tree, lambda leaf: fixed if words.place_of(leaf, self.block, self.row) == now else leaf)

    def wrong_rate(self) -> Mistake | None:
        """An update whose learning rate comes from a blank cell, from a cell of a table, or is another number."""
        for leaf in misplaced(self.tree):
            text = words.misplaced_rate(self.writer, leaf)
            kind = "empty reference" if leaf[0] == "blank" else "wrong reference"
            return self.make(
                kind,
                text,
                ("rate", leaf[2]),
                words.put(self.tree, lambda node, leaf=leaf: ("rate",) if node == leaf else node),
            )
        if self.verdict.kind == "text cell":
            return None
        value, usual = self.verdict.detail, self.found.rate
        if value == 0:
            return self.make(
                "no update",
                f"{self.name} is not updated: {self.writer.here()} repeats the row before.",
                ("still", self.name),
            )
        if usual and abs(value + usual) <= SAME * abs(usual):
            return self.make("sign", words.update_sign(self.name), "update sign")
        if usual is not None:
            return self.make(
                "learning rate",
                f"{self.name} is updated at the rate {value:.6g}, the other weights at {usual:.6g}.",
                ("own rate", value),
            )
        return None

    def wrong_formula(self) -> Mistake:
        """The change that explains the formula, or both formulas where none does."""
        if self.verdict.kind == "factor":
            return self.wrong_factor(self.verdict.detail)
        if self.verdict.kind == "text cell":
            return self.make(
                "wrong reference", words.reads_text(self.writer, self.name, self.tree), ("text cell", self.row)
            )
        if self.verdict.kind == "rate" and self.found.rate is None:
            return self.wrong_factor(self.verdict.detail)
        found = self.search()
        if found is None:
            return self.make("formula", words.unexplained(self.writer, self.name, self.tree, self.right_tree()))
        edit, mended = found
        kind, text = words.edit(self.writer, self.name, edit)
        return self.make(kind, text, words.edit_key(edit), mended)

    def wrong_factor(self, factor: float) -> Mistake:
        """Right but for a factor; where it has a place in the formula, that is said."""
        if abs(factor + 1) < 1e-6:
            return self.make("sign", f"{self.name} has the wrong sign.", "sign")
        for edit, variant in self.own_variants(quick=True):
            if edit.kind in ("number", "extra", "missing factor", "missing term") and self.mends(variant):
                kind, text = words.edit(self.writer, self.name, edit)
                return self.make(kind, text, words.edit_key(edit), variant)
        return self.make("factor", f"{self.name} is {words.times(factor)} what it must be.", ("factor", factor))

    def search(self) -> tuple[Edit, Tree | None] | None:
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
            if other != self.name and not re.fullmatch(r"[tib]\d+|w\d+|learning_rate", other):
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
        names = [name for name in self.evidence.values if re.fullmatch(r"[tiwbhoE]\d+|a_[ho]\d+|dE/dw\d+", name)]
        if self.updates:
            back = [("name", name, -1) for name in names if re.fullmatch(r"w\d+|dE/dw\d+", name)]
            return back + list(dict.fromkeys(leaf for leaf in self.good_rate_leaves() if leaf[0] != "number"))
        return [("name", name, 0) for name in names if name != self.name]

    def mends(self, variant: Tree) -> bool:
        seen = relation.__wrapped__(self.truth, self.name, variant)
        if seen.kind == "rate":
            usual = self.found.rate
            return seen.value > 0 if not usual else abs(seen.value - usual) <= SAME * abs(usual)
        return seen.kind in ("factor", "named rate") and abs(seen.value - 1) < 1e-6

    def is_theirs(self, variant: Tree) -> bool:
        """Whether a variant of the right formula computes what the learner's does."""
        try:
            one, other = at_points(self.truth, variant), self.theirs()
        except NotUnderstood:
            return False
        return bool(np.all(np.abs(one - other) <= SAME * np.abs(other)))

    def theirs(self) -> np.ndarray:
        if not hasattr(self, "_theirs"):
            self._theirs = at_points(self.truth, self.tree)
        return self._theirs

    def wrong_number(self) -> Mistake:
        """Numbers without a formula: frozen, or those of another formula, or just other numbers."""
        values, row = self.evidence.values[self.name], self.row
        has_formulas = any(isinstance(tree, tuple) for tree in self.evidence.trees[self.name])
        if row and has_formulas and np.all(values[self.rows] == values[row - 1]):
            return self.make("frozen rows", words.frozen(self.writer, self.name, len(self.rows)), ("frozen", row))
        slack = self.evidence.tolerance(self.truth, self.name, self.found.rate)[self.rows]
        for edit, variant in self.bounded(self.number_variants()):
            if self.gives(variant, slack):
                kind, text = words.edit(self.writer, self.name, edit, numbers=True)
                return self.make(kind, text, words.edit_key(edit))
        if has_formulas:
            return self.make(
                "fixed number",
                words.fixed_number(self.writer, self.name, len(self.rows), self.verdict.detail),
                ("fixed", row),
            )
        return self.make("number", words.other_number(self.writer, self.name, values[row], self.verdict.detail))

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

    def odd_given(self) -> Mistake:
        usual = self.verdict.detail
        value = self.evidence.values[self.name][self.row]
        text = f"{self.writer.here(self.name)} holds {value:.10g}, every other row {usual:.10g}."
        return self.make("changed input", text)

    def empty_cell(self) -> Mistake:
        return self.make("empty cell", f"{self.writer.here(self.name)} is empty.", ("empty", self.row))

    def text_cell(self) -> Mistake:
        raw = self.verdict.detail
        shown = f'the text "{raw}"' if isinstance(raw, str) else f"the error {raw.text}"
        return self.make(
            "text", f"{self.writer.here(self.name)} holds {shown} where a number is due.", ("text", self.row)
        )

    def error_cell(self) -> Mistake:
        value = self.verdict.detail
        return self.make("error", words.error(self.writer, self.name, value), ("error", value))


def is_relative_block(block, start: Place, now: Place, found: Judgement) -> bool:
    """Whether a reference moves with the rows because it is meant to: a helper column beside the table."""
    roles = found.evidence.model.found.roles
    model = found.evidence.model
    return (
        start not in roles
        and now not in roles
        and model.cell(start).formula is not None
        and model.cell(now).formula is not None
    )


def problem(tree: object) -> str | None:
    return str(tree) if isinstance(tree, Problem) else None
