"""What only the formulas tell: inputs, targets and weights without a label, and what a second set of w1 … w8 is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np

from pyfuncs.network import Network

from .headers import quantity
from .model import CellError, Model, Place
from .names import STARTED, network_of
from .relation import relation
from .titles import is_number
from .trees import NotUnderstood, Tree, evaluate, leaves, replaced
from .truth import Truth

EXERCISE = Network((2, 2, 2))  # what a block is where its columns do not tell
SOLVED = re.compile(r"(?:a_)?[ho]\d+|E\d+|E_total|dE/dw\d+")
SUM = re.compile(r"[ho]\d+")
MOST_FREE = 4


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
                taken = given in block.lines or given in model.found.labels.values()
                if not taken and is_typed(model, number, name, leaf):
                    assign(model, number, leaf[2], given)


def is_typed(model: Model, number: int, name: str, leaf: Tree) -> bool:
    """Whether the last row's formula reads the same number as the first: a target or an input does not change."""
    try:
        last = model.named(number, name, len(model.found.blocks[number].steps) - 1)
    except (NotUnderstood, CellError):
        return True
    numbers = [other[1] for other in leaves(last) if other[0] == "const"] if last else []
    return not numbers or leaf[1] in numbers


def settle_unknown_titles(model: Model) -> None:
    """Name the columns and cells of an unknown title by how most formulas use them: t1 stands where t1 is due."""
    for number in range(len(model.found.blocks)):
        choices = [votes_of(model, number, network) for network in networks(model.names(number))]
        votes = max(choices, key=lambda each: sum(counted.most_common(1)[0][1] for counted in each.values()))
        updated = by_update(model, number, votes)
        for where, counted in votes.items():
            (given, count), *_ = counted.most_common(1)
            given = updated.get(where, given)
            same = [model.value(place) for place, label in model.found.labels.items() if label == given]
            if 2 * count > counted.total() and all(value == model.value(where) for value in same):
                assign(model, number, where, given)


def networks(names: set[str]) -> list[Network]:
    """What a block may be: the network that its columns tell, or that one with biases, which no title names."""
    known = network_of(names) or EXERCISE
    return [known] if known.bias != "none" else [replace(known, bias=bias) for bias in ("none", "fixed-bias", "bias")]


def votes_of(model: Model, number: int, network: Network) -> dict[Place, Counter]:
    """How often each cell without a name is used as which quantity; of biases, all units must have one."""
    votes: dict[Place, Counter] = {}
    lines = model.found.blocks[number].lines
    guessed = network.bias != "none" and not any(re.fullmatch(r"b\d+", each) for each in model.names(number))
    for name in [each for each in lines if SOLVED.fullmatch(each)]:
        found = solved(model, number, name, network)
        if guessed and SUM.fullmatch(name) and not any(given[0] == "b" for given in found.values()):
            return {}
        for where, given in found.items():
            votes.setdefault(where, Counter())[given] += 1
    return votes


def by_update(model: Model, number: int, votes: dict[Place, Counter]) -> dict[Place, str]:
    """The weights by the gradient that each is updated with, where that says the same ones in another order."""
    block = model.found.blocks[number]
    used = {where: counted.most_common(1)[0][0] for where, counted in votes.items()}
    used = {where: name for where, name in used.items() if name.startswith("w")}
    found = {where: updated_with(model, number, where) for where in used} if len(block.steps) > 1 else {}
    return found if sorted(found.values()) == sorted(used.values()) else {}


def updated_with(model: Model, number: int, where: Place) -> str:
    """The weight whose gradient a weight of the first row is updated with in the second, or "" where none is named."""
    block = model.found.blocks[number]
    away = block.steps[1] - block.steps[0]
    below = (where[0], where[1], where[2] + away) if block.across else (where[0], where[1] + away, where[2])
    try:
        tree = model.named_at(below, number, 1, 0) if model.cell(below).formula is not None else ("number", 0.0)
    except (NotUnderstood, CellError):
        return ""
    slopes = {leaf[1] for leaf in leaves(tree) if leaf[0] == "name" and leaf[1].startswith("dE/dw")}
    return slopes.pop()[4:] if len(slopes) == 1 else ""


def solved(model: Model, number: int, name: str, network: Network) -> dict[Place, str]:
    """The one way to name cells without a name for which a column's first formula is right, if there is one."""
    try:
        tree = model.named(number, name, 0)
    except (NotUnderstood, CellError):
        return {}
    labels = model.found.labels
    free = (
        [leaf for leaf in dict.fromkeys(leaves(tree)) if leaf[0] == "const" and leaf[2] not in labels] if tree else []
    )
    if not free or len(free) > MOST_FREE or is_due(network, name, tree):
        return {}
    absent = [each for each in network.headers("train") if STARTED.fullmatch(each)]
    absent = [each for each in absent if each not in model.found.blocks[number].lines]
    for count in range(1, min(len(free), 2) + 1):
        found = [
            named
            for cells in combinations(free, count)
            for names in permutations(absent, count)
            if is_due(network, name, with_names(tree, named := dict(zip(cells, names, strict=True))))
        ]
        if found:
            return {leaf[2]: given for leaf, given in found[0].items()} if len(found) == 1 else {}
    return {}


def with_names(tree: Tree, named: dict[Tree, str]) -> Tree:
    return replaced(tree, lambda leaf: ("name", named[leaf], 0) if leaf in named else leaf)


def is_due(network: Network, name: str, tree: Tree) -> bool:
    """Whether a formula is its quantity, but for the scale that a learner may choose."""
    found = relation(Truth(network), name, tree)
    return found.kind == "factor" and abs(found.value) in (0.5, 1.0, 2.0)


def assign(model: Model, number: int, where: Place, name: str) -> None:
    """A cell is a quantity: its column is one of the block where it holds numbers in each row, else the cell alone."""
    block = model.found.blocks[number]
    row_of, line = (where[2], where[1]) if block.across else (where[1], where[2])
    cells = [(where[0], line, at) if block.across else (where[0], at, line) for at in block.steps]
    free = where[0] == block.sheet.name and row_of == block.steps[0] and name not in block.lines
    if free and all(is_number(model.value(cell)) and cell not in model.found.roles for cell in cells):
        block.lines = block.lines | {name: line}
        title = block.sheet.at(*((line, block.header) if block.across else (block.header, line))).value
        block.titles[name] = title if isinstance(title, str) else name
        model.found.roles.update({cell: (number, name, step) for step, cell in enumerate(cells)})
        for cell in cells:
            model.found.labels.pop(cell, None)
    else:
        model.found.labels.setdefault(where, name)
    model.forget()


def settle_second_weights(model: Model) -> None:
    """A second set of columns titled w1 … are the new weights; or the gradients, where their formulas are such."""
    for number, block in enumerate(model.found.blocks):
        again = [name for name in block.lines if name.startswith("new ") and quantity(block.titles[name]) == name[4:]]
        if again and all(is_slope(model, number, name) for name in again):
            for name in again:
                rename(model, number, name, f"dE/d{name[4:]}")
            model.forget()


def is_slope(model: Model, number: int, name: str) -> bool:
    """Whether a column's first formula is the gradient of its weight."""
    try:
        tree = model.named(number, name, 0)
    except (NotUnderstood, CellError):
        return False
    network = network_of(model.names(number)) or EXERCISE
    return tree is not None and relation(Truth(network), f"dE/d{name[4:]}", tree).kind == "factor"


def rename(model: Model, number: int, old: str, new: str) -> None:
    block = model.found.blocks[number]
    block.lines = {new if name == old else name: line for name, line in block.lines.items()}
    block.titles[new] = block.titles.pop(old)
    for step in range(len(block.steps)):
        model.found.roles[(block.sheet.name, *block.position(new, step))] = (number, new, step)


def uses(name: str, tree: Tree | None, cells: list[Tree]) -> Iterator[tuple[str, Tree]]:
    """The given quantity that each cell must be, with its leaf."""
    if name.startswith("E") and len(cells) == 1 and ("name", f"a_o{name[1:]}", 0) in leaves(tree):
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
