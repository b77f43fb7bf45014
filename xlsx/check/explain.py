"""Names the mistake in a wrong column: which cell, what it says, what it should say, and what is wrong with it.

A formula is explained by the one change that makes it right, or that makes the right one into it; numbers without a
formula by the one change of the right formula that gives them.
"""

from __future__ import annotations

import re

import numpy as np

from . import edits, words
from .edits import Edit
from .judge import Judgement, Verdict, misplaced
from .mistake import Mistake, merged
from .model import Place
from .names import UPDATED
from .relation import relation
from .search import SAME, Search
from .trees import Tree, leaves


def explain(found: Judgement) -> list[Mistake]:
    """The mistakes of a block, each cause once, in the order of its columns."""
    mistakes = []
    for name, rows in found.wrong().items():
        named = [Explainer(found, name, run).mistake() for run in runs(found, name, rows)]
        doubts = [each for each in named if each.kind == "unnamed"]
        mistakes += [] if doubts else named
        if doubts:
            found.doubt(name)
            found.notes.append(doubts[0].text)
    return merged(mistakes)


def strange_layer(found: Judgement, mistakes: list[Mistake]) -> Mistake | None:
    """The first of mistakes without an explanation in all columns of a kind: another network, not a mistake in it."""
    unexplained = {name: each for each in mistakes if each.kind == "formula" for name in each.quantities}
    for kind in (r"h\d+", r"a_h\d+", r"o\d+", r"a_o\d+", r"E\d+"):
        names = [name for name in found.evidence.own if re.fullmatch(kind, name)]
        if len(names) > 1 and all(name in unexplained for name in names):
            return unexplained[names[0]]
    return None


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


class Explainer:
    """Finds the words for one column's wrong rows."""

    def __init__(self, found: Judgement, name: str, rows: list[int]):
        self.found, self.name, self.rows, self.row = found, name, rows, rows[0]
        self.evidence, self.truth, self.block = found.evidence, found.truth, found.block
        self.verdict: Verdict = found.verdicts[name][self.row]
        self.tree = self.evidence.trees[name][self.row]
        self.writer = words.Writer(found, self.row)
        self.search = Search(found, name, rows)

    def mistake(self) -> Mistake:
        kind = self.verdict.kind
        if isinstance(self.tree, tuple) and kind in ("formula", "factor", "rate", "text cell"):
            return (
                self.moving()
                or (self.wrong_rate() if self.takes_rate(kind) else self.rate_from_column())
                or self.wrong_formula()
            )
        return {
            "number": self.wrong_number,
            "given": self.odd_given,
            "blank": self.empty_cell,
            "text": self.text_cell,
            "error": self.error_cell,
        }.get(kind, self.wrong_formula)()

    def takes_rate(self, kind: str) -> bool:
        return kind == "rate" or (kind == "text cell" and bool(UPDATED.fullmatch(self.name)))

    def make(self, kind: str, text: str, key: object = None, fix: Tree | None = None) -> Mistake:
        """A mistake of these cells; `fix` is the formula that is due."""
        right = self.search.right_tree()
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
        return words.put(
            self.tree, lambda leaf: fixed if words.place_of(leaf, self.evidence, self.row) == now else leaf
        )

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
                f"{self.name} is not updated: from {self.writer.here()} on it repeats the row before."
                if len(self.rows) > 1
                else f"{self.name} is not updated: {self.writer.here()} repeats the row before.",
                "still",
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

    def rate_from_column(self) -> Mistake | None:
        """An update that multiplies with a quantity of the table where the learning rate belongs."""
        if not UPDATED.fullmatch(self.name):
            return None
        rate = ("name", "learning_rate", 0)
        for edit, variant in edits.single_names(self.tree, [rate]):
            leaf, where = edit.wrong, words.place_of(edit.wrong, self.evidence, self.row)
            if leaf[0] == "name" and where and relation(self.truth, self.name, variant) == ("named rate", 1.0, ""):
                taken = ("foreign", self.evidence.model.value(where), where, leaf[1])
                text = words.misplaced_rate(self.writer, taken)
                mended = words.put(variant, lambda node: self.search.rate_leaf() if node == rate else node)
                return self.make("wrong reference", text, ("rate", where), mended)
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
        found = self.search.run()
        if self.keeps_unnamed(*found or (None, None)):
            return self.make("unnamed", words.unnamed(self.writer, self.name, self.tree))
        if found is None:
            return self.make("formula", words.unexplained(self.writer, self.name, self.tree, self.search.right_tree()))
        edit, mended = found
        kind, text = words.edit(self.writer, self.name, edit)
        return self.make(kind, text, words.edit_key(edit), mended)

    def keeps_unnamed(self, edit: Edit | None, mended: Tree | None) -> bool:
        """Whether cells of the table's own rows are read under titles that say nothing, and no change replaces them."""
        cells = words.unnamed_cells(self.writer, self.name, self.tree)
        if mended is not None:
            return any(cell in leaves(mended) for cell in cells)
        return bool(cells) and (edit is None or edit.wrong not in cells)

    def wrong_factor(self, factor: float) -> Mistake:
        """Right but for a factor; where it has a place in the formula, that is said."""
        if abs(factor + 1) < 1e-6:
            return self.make("sign", f"{self.name} has the wrong sign.", "sign")
        for edit, variant in self.search.own_variants(quick=True):
            if edit.kind in ("number", "extra", "missing factor", "missing term") and self.search.mends(variant):
                kind, text = words.edit(self.writer, self.name, edit)
                return self.make(kind, text, words.edit_key(edit), variant)
        return self.make("factor", f"{self.name} is {words.times(factor)} what it must be.", ("factor", factor))

    def wrong_number(self) -> Mistake:
        """Numbers without a formula: frozen, or those of another formula, or just other numbers."""
        values, row = self.evidence.values[self.name], self.row
        has_formulas = any(isinstance(tree, tuple) for tree in self.evidence.trees[self.name])
        if row and has_formulas and np.all(values[self.rows] == values[row - 1]):
            return self.make("frozen rows", words.frozen(self.writer, self.name, len(self.rows)), ("frozen", row))
        slack = self.evidence.tolerance(self.truth, self.name, self.found.rate)[self.rows]
        for edit, variant in self.search.bounded(self.search.number_variants()):
            if self.search.gives(variant, slack):
                kind, text = words.edit(self.writer, self.name, edit, numbers=True)
                return self.make(kind, text, words.edit_key(edit))
        if has_formulas:
            return self.make(
                "fixed number",
                words.fixed_number(self.writer, self.name, len(self.rows), self.verdict.detail),
                ("fixed", row),
            )
        return self.make("number", words.other_number(self.writer, self.name, values[row], self.verdict.detail))

    def odd_given(self) -> Mistake:
        usual, value = self.verdict.detail, self.evidence.values[self.name][self.row]
        text = f"{self.writer.here(self.name)} holds {value:.10g}, every other row {usual:.10g}."
        return self.make("changed input", text)

    def empty_cell(self) -> Mistake:
        return self.make("empty cell", f"{self.writer.here(self.name)} is empty.", ("empty", self.row))

    def text_cell(self) -> Mistake:
        raw = self.verdict.detail
        if not isinstance(raw, str):
            return self.error_value(raw.text)
        text = f'{self.writer.here(self.name)} holds the text "{raw}" where a number is due.'
        return self.make("text", text, ("text", self.row))

    def error_value(self, value: str) -> Mistake:
        """A pasted #VALUE! or the like; where it goes on to the last row, the table breaks off."""
        text = f"{self.writer.here(self.name)} holds the error {value} where a number is due."
        if len(self.rows) > 1 and self.rows[-1] == self.evidence.rows - 1:
            text = f"the rows break off with {value} from {self.writer.here()} on; numbers are due there."
        return self.make("error", text, ("error value", value))

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
