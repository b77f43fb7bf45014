"""The words of the report: mistakes said so that a learner understands them, and formulas in names or in cells."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from openpyxl.formula.translate import Translator, TranslatorError

from xlsx.expressions import Expression, number

from .book import Book, Place, shown
from .edits import Edit
from .formula import BINDING, is_leaf
from .grid import place
from .naming import Naming
from .titles import GIVEN, kind

SIGNS = {"*": "·", "+": " + ", "-": " − ", "/": "/", "^": "^"}
LONGEST, SHORT = 400, 200
Told = tuple[str, str]


def written(tree: Expression, show: Callable[[Expression], str], signs: dict[str, str] | None = None) -> str:
    """An expression as text; `show` writes a leaf, `signs` may replace operators ("*": " · ")."""

    def text(node: Expression, least: int, tight: bool = False) -> str:
        kind, parts = node.operation, node.parts
        if kind == "number":
            return f"{parts[0]:.10g}"
        if kind == "neg":
            return "-" + text(parts[0], 6)
        if kind not in BINDING:
            return show(node) if is_leaf(node) else f"{kind}({','.join(text(part, 0) for part in parts)})"
        binding = BINDING[kind]
        inner = text(parts[0], binding) + (signs or {}).get(kind, kind) + text(parts[1], binding, kind in "-/")
        return f"({inner})" if binding < least or (tight and binding == least) else inner

    return text(tree, 0)


class Writer:
    """Writes expressions for one cell of a column: over names, or as a formula with the sheet's own cells."""

    def __init__(self, naming: Naming, name: str, row: int):
        self.naming, self.row = naming, row
        self.reading = naming.found.reading
        self.column = self.reading.homes[name]
        self.sheet = self.column.block.sheet.name

    def here(self, name: str = "") -> str:
        if not name:
            return f"{'column' if self.column.block.across else 'row'} {self.column.block.steps[self.row]}"
        return self.cell(self.reading.homes[name].places[self.row])

    def names(self, tree: Expression) -> str:
        text = written(tree, self.leaf_name, SIGNS)
        return text if len(text) <= LONGEST else text[:LONGEST] + " …"

    def leaf_name(self, leaf: Expression) -> str:
        kind_of, parts = leaf.operation, leaf.parts
        if kind_of == "name":
            name, offset = parts
            usual = offset == 0 or (offset == -1 and kind(name).kind in ("w", "b", "dE/dw", "dE/db"))
            return name if usual else f"{name} of {self.far(offset)}"
        if kind_of == "rate":
            return "learning_rate"
        if kind_of == "inline":
            return written(parts[0], self.leaf_name, SIGNS) if len(str(parts[0])) < SHORT else self.cell(parts[1])
        return f'"{parts[0]}"' if kind_of == "text" else self.cell(parts[0]) if kind_of == "cell" else str(parts[0])

    def far(self, offset: int) -> str:
        steps, at = self.column.block.steps, self.row + offset
        word = "column" if self.column.block.across else "row"
        return f"{word} {steps[at]}" if 0 <= at < len(steps) else "another row"

    def cell(self, where: Place) -> str:
        return shown(where, self.sheet)

    def named_cell(self, leaf: Expression) -> str:
        """A quantity with its cell: "a_h1 (J55)"."""
        if leaf.operation == "cell" and (role := self.naming.roles.get(leaf.parts[0])):
            return f"{role[0]} ({self.cell(leaf.parts[0])})"
        if not is_leaf(leaf):
            return self.names(leaf)
        where, own = self.place_of(leaf), self.leaf_name(leaf)
        return f"{own} ({self.cell(where)})" if where and self.cell(where) not in own else own

    def place_of(self, leaf: Expression) -> Any:
        if leaf.operation == "name":
            name, offset = leaf.parts
            home = self.reading.homes.get(name)
            if home is None or not 0 <= self.row + offset < len(home.places):
                return next((each for each, other in self.reading.beside.items() if other == name), None)
            if home.shown[self.row + offset] or kind(name).kind not in GIVEN:
                return home.places[self.row + offset]
            return home.places[0]
        return leaf.parts[0] if leaf.operation == "cell" else leaf.parts[1] if leaf.operation == "inline" else None

    def formula(self, tree: Expression) -> str | None:
        """The tree as a formula for this row's cell, or None where a quantity has no cell."""
        try:
            return "=" + written(tree, self.leaf_cell)
        except LookupError:
            return None

    def leaf_cell(self, leaf: Expression) -> str:
        if leaf.operation == "text":
            return f'"{leaf.parts[0]}"'
        where = self.place_of(leaf)
        if where is None:
            raise LookupError(leaf)
        own = place(where[1], where[2])
        fixed = leaf.operation == "cell" or where in self.reading.beside or self.is_far(leaf)
        own = re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", own) if fixed else own
        return own if where[0] == self.sheet else f"'{where[0]}'!{own}"

    def is_far(self, leaf: Expression) -> bool:
        name = leaf.parts[0] if leaf.operation == "name" else ""
        home = self.reading.homes.get(name)
        return home is not None and kind(name).kind in GIVEN and not home.shown[1:].any() and len(home.places) > 1


def formula_text(book: Book, where: Place) -> str | None:
    """A cell's formula as its program shows it."""
    cell = book.cell(where)
    if cell.formula is None:
        return None
    if cell.shift == (0, 0):
        return f"={cell.formula}"
    origin = place(where[1] - cell.shift[0], where[2] - cell.shift[1])
    try:
        return str(Translator(f"={cell.formula}", origin=origin).translate_formula(place(where[1], where[2])))
    except (TranslatorError, ValueError):
        return f"={cell.formula} (as filled from {origin})"


def edit(writer: Writer, name: str, edit: Edit, numbers: bool = False) -> Told:
    """The kind of a mistake and its sentence, from the change that explains it."""
    subject = f"The numbers of {name} are those of a formula that" if numbers else name
    show = writer.names if numbers else writer.named_cell
    if edit.kind in REFERENCES:
        return REFERENCES[edit.kind](writer, subject, edit, show)
    wrong, due = (writer.names(part) if part is not None else "" for part in (edit.wrong, edit.due))
    kind, text = SENTENCES[edit.kind]
    parts = {"subject": subject, "wrong": wrong, "due": due, "hint": factor_hint(edit.due)}
    parts |= {"a_wrong": bound(edit.wrong, wrong), "a_due": bound(edit.due, due)}
    if edit.kind == "factor" and edit.due is not None:
        parts["times"] = times(edit.due.parts[0])
    return kind, text.format(**parts)


def one_name(writer: Writer, subject: str, edit: Edit, show: Callable[[Expression], str]) -> Told:
    wrong, due = parts_of(edit)
    if wrong.operation == "cell" and wrong.parts[1] is None:
        text = f"{subject} reads {writer.cell(wrong.parts[0])}, which is empty, where {show(due)} belongs."
        return "empty reference", text
    once = " in one place" if edit.kind == "name once" else ""
    return "wrong reference", f"{subject} takes {show(wrong)} where {show(due)} belongs{once}{slope_hint(wrong, due)}."


def exchanged(writer: Writer, subject: str, edit: Edit, show: Callable[[Expression], str]) -> Told:
    wrong, due = parts_of(edit)
    return "wrong reference", f"{subject} has {show(wrong)} and {show(due)} in each other's place."


def of_another(writer: Writer, subject: str, edit: Edit, show: Callable[[Expression], str]) -> Told:
    return "wrong reference", f"{subject} has the formula of {parts_of(edit)[0].parts[0]}."


def updated(writer: Writer, subject: str, edit: Edit, show: Callable[[Expression], str]) -> Told:
    wrong, due = parts_of(edit)
    text = f"{subject} takes {due.parts[0]} after its update, {writer.names(wrong)}, where {show(due)} belongs"
    return "already updated", f"{text}: all derivatives of a row belong to the weights of that row."


def parts_of(edit: Edit) -> tuple[Expression, Expression]:
    return edit.wrong or number(0.0), edit.due or number(0.0)


REFERENCES = {
    "name": one_name,
    "name once": one_name,
    "swapped": exchanged,
    "other quantity": of_another,
    "already updated": updated,
}
SENTENCES = {
    "missing factor": ("missing factor", "{subject} lacks the factor {a_due}{hint}."),
    "missing term": ("missing term", "{subject} lacks the part {due}."),
    "missing one minus": ("missing term", '{subject} lacks "1 −" in {a_due}{hint}.'),
    "missing square": ("missing square", "{subject} is not squared: {due} is due."),
    "missing activation": ("missing activation", "{subject} is not the sigmoid 1/(1 + e^−x): {due} is due."),
    "sign": ("sign", "{subject} has a wrong sign in {a_wrong}."),
    "extra": ("extra factor", "{subject} has {a_wrong} too much."),
    "number": ("factor", "{subject} has the number {wrong} where {due} belongs."),
    "operator": ("operator", "{subject} computes {wrong} where {due} belongs."),
    "parentheses": ("parentheses", "{subject} lacks the parentheses around ({due})."),
    "factor": ("factor", "{subject} is {times} what it must be."),
    "wrong sign": ("sign", "{subject} has the wrong sign."),
}


def bound(tree: Expression | None, text: str) -> str:
    """The text of a part, a sum in parentheses."""
    return f"({text})" if tree is not None and tree.operation in "+-" else text


def slope_hint(wrong: Expression, due: Expression) -> str:
    """Said where an activation is taken for another: mostly in the derivative a·(1 − a) of the wrong unit."""
    both = all(each.operation == "name" and each.parts[0].startswith("a_") for each in (wrong, due))
    if not both or not due.parts[0].startswith("a_h"):
        return ""
    return f" (the activation's derivative is {due.parts[0]}·(1 − {due.parts[0]}))"


def factor_hint(due: Expression | None) -> str:
    """Said where 1 − a is missing."""
    for node in nodes(due) if due is not None else ():
        if node.operation == "-" and node.parts[0] == number(1.0) and node.parts[1].operation == "name":
            name = node.parts[1].parts[0]
            if name.startswith("a_"):
                return f": part of the activation's derivative {name}·(1 − {name})"
    return ""


def nodes(tree: Expression) -> list[Expression]:
    return [tree, *(each for part in (() if is_leaf(tree) else tree.parts) for each in nodes(part))]


def edit_key(edit: Edit) -> object:
    """The same for the same change in another column."""
    if edit.kind == "already updated":
        return edit.kind
    if edit.kind in REFERENCES:
        return (edit.kind, edit.wrong, edit.due) if edit.kind != "other quantity" else None
    return edit.kind, re.sub(r"\d+(?='|,)", "#", str((edit.wrong, edit.due)))


def times(factor: float) -> str:
    names = {2.0: "twice", 0.5: "half", -2.0: "minus twice", -0.5: "minus half", -1.0: "minus"}
    return names.get(round(factor, 9), f"{factor:.6g} times")


def apart(one: float, other: float, least: int = 6) -> tuple[str, str]:
    """Two numbers with as many digits as show their difference."""
    for digits in range(least, 18):
        if (texts := (f"{one:.{digits}g}", f"{other:.{digits}g}"))[0] != texts[1]:
            return texts
    return f"{one:.17g}", f"{other:.17g}"


def update_sign(name: str) -> str:
    return f"{name} goes up the gradient: the update adds learning_rate·dE/d{name}, and it must subtract it."


def misplaced_rate(writer: Writer, where: Place, value: object, role: str) -> str:
    cell = writer.cell(where)
    if value is None:
        return f"The learning rate is taken from {cell}, which is empty and counts as 0: the weights never change."
    if isinstance(value, str):
        return f'The learning rate is taken from {cell}, which holds the text "{value}".'
    if role:
        return f"The learning rate is taken from {cell}, which holds {role} ({value:.6g}), not a learning rate."
    return f"The learning rate is taken from {cell}, which holds {value:.6g}."


def rows(count: int) -> str:
    return "the cell repeats" if count == 1 else f"{count} rows repeat"


def ranges(steps: list[int]) -> str:
    """ "rows 28 to 33" for consecutive rows, else their first."""
    if len(steps) == 1:
        return f"row {steps[0]}"
    whole = all(after - before == 1 for before, after in pairwise(steps))
    return f"rows {steps[0]} to {steps[-1]}" if whole else f"row {steps[0]} and {len(steps) - 1} more"
