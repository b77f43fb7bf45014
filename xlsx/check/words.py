"""The words of the report: mistakes said so that a learner understands them, and formulas in names or in cells."""

from __future__ import annotations

import re

from openpyxl.formula.translate import Translator, TranslatorError

from .edits import Edit
from .grid import place
from .model import Model, Place
from .trees import Tree, cells_read, leaves, replaced, written

SIGNS = {"*": "·", "+": " + ", "-": " − ", "/": "/", "^": "^"}
LONGEST = 400


class Writer:
    """Writes trees for a row of a block: over names, or as a formula with the block's own cells."""

    def __init__(self, found, row: int):
        self.found, self.block, self.row = found, found.block, row
        self.sheet = found.block.sheet.name

    def here(self, name: str = "") -> str:
        return self.block.place(name, self.row) if name else f"row {self.block.steps[self.row]}"

    def names(self, tree: Tree) -> str:
        return cut(written(tree, self.leaf_name, SIGNS))

    def leaf_name(self, leaf: Tree) -> str:
        kind = leaf[0]
        if kind == "name":
            return leaf[1] + (
                ""
                if leaf[2] == 0 or (leaf[2] == -1 and re.match(r"[wb]\d|dE/d[wb]|learning", leaf[1]))
                else f" of {self.far(leaf)}"
            )
        if kind == "rate":
            return "learning_rate"
        if kind == "area":
            return ",".join(self.leaf_name(each) for each in leaf[1])
        if kind == "inline":
            return written(leaf[1], self.leaf_name, SIGNS) if is_short(leaf[1]) else self.cell(leaf[2])
        if kind == "text":
            return f'"{leaf[1]}"'
        return self.cell(leaf[2]) if len(leaf) > 2 else str(leaf[1])

    def far(self, leaf: Tree) -> str:
        at = self.row + leaf[2]
        if 0 <= at < len(self.block.steps):
            return f"{'column' if self.block.across else 'row'} {self.block.steps[at]}"
        return "another row"

    def cell(self, where: Place) -> str:
        own = place(where[1], where[2])
        return own if where[0] == self.sheet else f"'{where[0]}'!{own}"

    def named_cell(self, leaf: Tree) -> str:
        """A quantity with its cell: "a_h1 (J55)"."""
        where = place_of(leaf, self.found.evidence, self.row)
        own = self.leaf_name(leaf)
        return f"{own} ({self.cell(where)})" if where and self.cell(where) not in own else own

    def formula(self, tree: Tree) -> str | None:
        """The tree as a formula for this row's cell, or None where a quantity has no cell."""
        try:
            return "=" + written(tree, self.leaf_cell)
        except LookupError:
            return None

    def leaf_cell(self, leaf: Tree) -> str:
        if leaf[0] == "area":
            return ",".join(self.leaf_cell(each) for each in leaf[1])
        if leaf[0] == "text":
            return f'"{leaf[1]}"'
        where = place_of(leaf, self.found.evidence, self.row) or self.labelled(leaf)
        if where is None:
            raise LookupError(leaf)
        if leaf[0] == "name":
            return self.cell(where)
        own = place(where[1], where[2])
        anchored = re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", own)
        return anchored if where[0] == self.sheet else f"'{where[0]}'!{anchored}"

    def labelled(self, leaf: Tree) -> Place | None:
        labels = self.found.evidence.model.found.labels
        return next((where for where, name in labels.items() if where[0] == self.sheet and leaf[1:2] == (name,)), None)


def place_of(leaf: Tree, evidence, row: int) -> Place | None:
    """The cell of a leaf, seen from a row of a block."""
    if leaf[0] == "name" and leaf[1] in evidence.homes and 0 <= row + leaf[2] < evidence.rows:
        return evidence.place(leaf[1], row + leaf[2])
    return leaf[2] if leaf[0] in ("const", "foreign", "blank", "text cell", "inline") else None


def put(tree: Tree, leaf) -> Tree:
    return replaced(tree, leaf)


def is_short(tree: Tree) -> bool:
    return len(str(tree)) < 200


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def formula_text(model: Model, where: Place) -> str | None:
    """A cell's formula as its program shows it."""
    cell = model.cell(where)
    if cell.formula is None:
        return None
    if cell.shift == (0, 0):
        return f"={cell.formula}"
    origin = place(where[1] - cell.shift[0], where[2] - cell.shift[1])
    try:
        return Translator(f"={cell.formula}", origin=origin).translate_formula(place(where[1], where[2]))
    except (TranslatorError, ValueError):
        return f"={cell.formula} (as filled from {origin})"


def edit(writer: Writer, name: str, edit: Edit, numbers: bool = False) -> tuple[str, str]:
    """The kind of a mistake and its sentence, from the change that explains it."""
    subject = f"The numbers of {name} are those of a formula that" if numbers else f"{name}"
    kind, wrong, due = edit.kind, edit.wrong, edit.due
    show = writer.names if numbers else writer.named_cell
    if kind in ("name", "name once"):
        if wrong[0] == "blank":
            return (
                "empty reference",
                f"{subject} reads {writer.cell(wrong[2])}, which is empty, where {show(due)} belongs.",
            )
        where = " in one place" if kind == "name once" else ""
        slope = slope_hint(wrong, due)
        return "wrong reference", f"{subject} takes {show(wrong)} where {show(due)} belongs{where}{slope}."
    if kind == "swapped":
        return "wrong reference", f"{subject} has {show(wrong)} and {show(due)} in each other's place."
    if kind == "two names":
        pairs = " and ".join(f"{show(bad)} where {show(good)} belongs" for bad, good in zip(wrong, due, strict=True))
        return "wrong reference", f"{subject} takes {pairs}."
    if kind == "other quantity":
        return "wrong reference", f"{subject} has the formula of {wrong[1]}."
    if kind == "factor":
        factor = due[1]
        return (
            ("sign", f"{name} has the wrong sign.")
            if factor == -1
            else ("factor", f"{name} is {times(factor)} what it must be.")
        )
    return sentences(writer, subject, edit)


def sentences(writer: Writer, subject: str, edit: Edit) -> tuple[str, str]:
    wrong, due = (writer.names(part) if part is not None else "" for part in (edit.wrong, edit.due))
    table = {
        "missing factor": (
            "missing factor",
            f"{subject} lacks the factor {bound(edit.due, due)}{factor_hint(edit.due)}.",
        ),
        "missing term": ("missing term", f"{subject} lacks the part {due}."),
        "missing one minus": (
            "missing term",
            f'{subject} lacks "1 −" in {bound(edit.due, due)}{factor_hint(edit.due)}.',
        ),
        "missing square": ("missing square", f"{subject} is not squared: {due} is due."),
        "missing activation": ("missing activation", f"{subject} is not the sigmoid 1/(1 + e^−x): {due} is due."),
        "sign": ("sign", f"{subject} has a wrong sign in {bound(edit.wrong, wrong)}."),
        "extra": ("extra factor", f"{subject} has {bound(edit.wrong, wrong)} too much."),
        "number": ("factor", f"{subject} has the number {wrong} where {due} belongs."),
        "operator": ("operator", f"{subject} computes {wrong} where {due} belongs."),
        "parentheses": ("parentheses", f"{subject} lacks the parentheses around ({due})."),
    }
    return table[edit.kind]


def bound(tree: Tree | None, text: str) -> str:
    """The text of a part, a sum in parentheses."""
    return f"({text})" if tree is not None and tree[0] in ("+", "-") else text


def slope_hint(wrong: Tree, due: Tree) -> str:
    """Said where an activation is taken for another: mostly in the derivative a·(1 − a) of the wrong unit."""
    if wrong[0] == "name" and wrong[1].startswith("a_") and due[0] == "name" and due[1].startswith("a_"):
        return f" (the activation's derivative is {due[1]}·(1 − {due[1]}))" if due[1].startswith("a_h") else ""
    return ""


def factor_hint(due: Tree) -> str:
    found = re.search(r"\('-', \('number', 1.0\), \('name', '(a_[ho]\d+)'", str(due))
    return f": part of the activation's derivative {found[1]}·(1 − {found[1]})" if found else ""


def edit_key(edit: Edit) -> object:
    """The same for the same change in another column."""
    if edit.kind in ("name", "name once", "swapped", "two names", "other quantity"):
        return (edit.kind, edit.wrong, edit.due) if edit.kind != "other quantity" else None
    generic = re.sub(r"\d+(?='|,)", "#", str((edit.wrong, edit.due)))
    return (edit.kind, generic)


def times(factor: float) -> str:
    names = {2.0: "twice", 0.5: "half", -2.0: "minus twice", -0.5: "minus half", -1.0: "minus"}
    return names.get(round(factor, 9), f"{factor:.6g} times")


def update_sign(name: str) -> str:
    return f"{name} goes up the gradient: the update adds learning_rate·dE/d{name}, and it must subtract it."


def moving(writer: Writer, name: str, start: Place, now: Place, model: Model, found) -> str:
    role = model.found.roles.get(now)
    what = f"holds {role[1]}" if role else "is empty" if model.cell(now) == (None, None, (0, 0)) else "is another cell"
    anchored = re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", place(start[1], start[2]))
    return (
        f"{name} refers to {place(start[1], start[2])} without $, so the reference moves as it is filled down: "
        f"from row {writer.block.steps[writer.row]} on it is {place(now[1], now[2])}, which {what}. Write {anchored}."
    )


def misplaced_rate(writer: Writer, leaf: Tree) -> str:
    cell = writer.cell(leaf[2])
    if leaf[0] == "blank":
        return f"The learning rate is taken from {cell}, which is empty and counts as 0: the weights never change."
    if leaf[0] == "foreign":
        return f"The learning rate is taken from {cell}, which holds {leaf[3]} ({leaf[1]:.6g}), not a learning rate."
    return f'The learning rate is taken from {cell}, which holds the text "{leaf[1]}".'


def reads_text(writer: Writer, name: str, tree: Tree) -> str:
    cell = next(leaf for leaf in leaves(tree) if leaf[0] == "text cell")
    return f'{name} refers to {writer.cell(cell[2])}, which holds the text "{cell[1]}" and no number.'


def frozen(writer: Writer, name: str, count: int) -> str:
    return f"{name} stops following its formula at {writer.here(name)}: {rows(count)} the number of the row before."


def rows(count: int) -> str:
    return "the cell repeats" if count == 1 else f"{count} rows repeat"


def fixed_number(writer: Writer, name: str, count: int, due: float) -> str:
    cells = "a typed number" if count == 1 else f"typed numbers ({count} rows)"
    return f"{name} has {cells} in place of its formula at {writer.here(name)}; {due:.9g} is due there."


def other_number(writer: Writer, name: str, value: float, due: float) -> str:
    return f"{writer.here(name)} holds {value:.9g} for {name}; from the row's other numbers it must be {due:.9g}."


def error(writer: Writer, name: str, value: str) -> str:
    if value == "#REF!":
        return f"{writer.here(name)} refers to a cell or sheet that is no longer there (#REF!)."
    return f"{writer.here(name)} needs a cell that holds the error {value}."


def unnamed_cells(writer: Writer, name: str, tree: Tree) -> list[Tree]:
    """The cells of no name that a formula reads in its row, and another cell in each other row."""
    labels, column = writer.found.evidence.model.found.labels, writer.found.evidence.trees[name]
    others = [other for at, other in enumerate(column) if at != writer.row and isinstance(other, tuple)]
    fixed = set(cells_read(others[-1])) if others else set()
    return [leaf for leaf in cells_read(tree) if leaf[0] == "const" and leaf[2] not in labels and leaf not in fixed]


def unnamed(writer: Writer, name: str, tree: Tree) -> str:
    cells = ", ".join(dict.fromkeys(writer.cell(leaf[2]) for leaf in unnamed_cells(writer, name, tree)))
    return (
        f"{name} is not checked from {writer.here()} on: it reads {cells}, whose title says no quantity that is known."
    )


def unexplained(writer: Writer, name: str, tree: Tree, right: Tree | None) -> str:
    due = f"; {writer.names(right)} is due" if right is not None else ""
    return f"{name} computes {writer.names(tree)}{due}."
