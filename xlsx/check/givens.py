"""What only the formulas tell: inputs and targets in cells without a label, and what a second set of w1 … w8 is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from pyfuncs.network import Network

from .formula import NotUnderstood, Tree, evaluate, leaves
from .headers import quantity
from .model import CellError, Model
from .relation import relation
from .truth import Truth


def label_unnamed(model: Model) -> None:
    """Name the cells that h1 multiplies with w1 and w2 (i1, i2), and that E1 subtracts from a_o1 (t1)."""
    for number, block in enumerate(model.found.blocks):
        for name in [each for each in block.lines if re.fullmatch(r"h\d+|E\d+", each)]:
            try:
                tree = model.named(number, name, 0)
            except (NotUnderstood, CellError):
                continue
            cells = [leaf for leaf in dict.fromkeys(leaves(tree)) if leaf[0] == "const"] if tree else []
            for given, leaf in uses(name, tree, cells):
                if given not in block.lines and given not in model.found.labels.values():
                    model.found.labels.setdefault(leaf[2], given)
                    model.trees.clear()


def settle_second_weights(model: Model) -> None:
    """A second set of columns titled w1 … are the new weights; or the gradients, where their formulas are such."""
    for number, block in enumerate(model.found.blocks):
        again = [name for name in block.lines if name.startswith("new ") and quantity(block.titles[name]) == name[4:]]
        if again and all(is_slope(model, number, name) for name in again):
            for name in again:
                rename(model, number, name, f"dE/d{name[4:]}")
            model.trees.clear()


def is_slope(model: Model, number: int, name: str) -> bool:
    """Whether a column's first formula is the gradient of its weight."""
    try:
        tree = model.named(number, name, 0)
    except (NotUnderstood, CellError):
        return False
    return tree is not None and relation(Truth(Network((2, 2, 2))), f"dE/d{name[4:]}", tree).kind == "factor"


def rename(model: Model, number: int, old: str, new: str) -> None:
    block = model.found.blocks[number]
    block.lines = {new if name == old else name: line for name, line in block.lines.items()}
    block.titles[new] = block.titles.pop(old)
    for step in range(len(block.steps)):
        model.found.roles[(block.sheet.name, *block.position(new, step))] = (number, new, step)


def uses(name: str, tree: Tree | None, cells: list[Tree]) -> Iterator[tuple[str, Tree]]:
    """The given quantity that each cell must be, with its leaf."""
    if name.startswith("E") and len(cells) == 1:
        yield f"t{name[1:]}", cells[0]
    if name.startswith("h") and tree:
        weights = sorted({leaf[1] for leaf in leaves(tree) if leaf[0] == "name" and leaf[1].startswith("w")})
        free = list(cells)
        for at, weight in enumerate(weights, 1):
            value = share(tree, weight)
            leaf = next((leaf for leaf in free if leaf[1] == value), None)
            if leaf:
                free.remove(leaf)
                yield f"i{at}", leaf


def share(tree: Tree, weight: str) -> float:
    """What a weighted sum has of one weight: its value with that weight 1 and the others 0."""

    def leaf(node: Tree) -> float:
        if node[0] == "name":
            return float(node[1] == weight)
        if node[0] in ("const", "blank", "foreign"):
            return float(node[1])
        raise NotUnderstood(node[0])

    try:
        with np.errstate(all="ignore"):
            return float(evaluate(tree, leaf))
    except NotUnderstood:
        return np.nan
