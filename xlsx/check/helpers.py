"""Columns under titles that say nothing (z1, δ3, temp): named by the quantity that their formula computes.

One that computes none, as a wrong one, is named as its neighbours are: where z1 is h1 and z3 is o1, z2 is h2.
"""

from __future__ import annotations

import re
from itertools import product

import numpy as np

from pyfuncs.network import Network

from .model import CellError, Model
from .names import network_of
from .relation import at_points, constant, shares
from .tables import Block
from .trees import NotUnderstood, Tree, leaves
from .truth import Truth

# By what a helper may differ from its quantity: an E without the ½, a delta of the other sign; all else is exact.
FREE = ((re.compile(r"E\d"), (1.0, 2.0)), (re.compile(r"dE/d[ho]\d+"), (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)))
NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")
GAP = 2


def name_helpers(model: Model) -> None:
    """Give the blocks' columns of unknown titles their names."""
    for number, block in enumerate(model.found.blocks):
        network, free = network_of(model.names(number)), unnamed(model, block)
        if network is None or not free:
            continue
        wanted = [name for name in helper_names(network) if name not in block.lines]
        found: dict[int, str] = {}
        while named := by_formula(model, number, network, free, wanted) or by_neighbours(
            model, number, free, found, wanted
        ):
            for line, name in named.items():
                give(model, number, line, name)
                wanted.remove(name)
                del free[line]
            found |= named


def helper_names(network: Network) -> list[str]:
    """The quantities that a column may hold under another title, those first that are two things at once."""
    hidden, outputs = network.layer_units
    units = [*hidden, *outputs]
    made = [*network.unit_names, *network.loss_names, *network.gradient_names, *[f"dE/d{unit}" for unit in units]]
    return [*made, *[f"da_{unit}/d{unit}" for unit in units]]


def unnamed(model: Model, block: Block) -> dict[int, str]:
    """{column: title} of those beside and between the block's own that hold a formula and a title without a name."""
    lines, taken = sorted(block.lines.values()), set(block.lines.values())
    found = {}
    for line in range(lines[0] - GAP, lines[-1] + 30):
        if line in taken:
            continue
        title, where = (block.sheet.at(*block.at(line, at)) for at in (block.header, block.steps[0]))
        if line > lines[-1] and title.value is None:
            break
        role = model.found.roles.get((block.sheet.name, *block.at(line, block.steps[0])))
        if isinstance(title.value, str) and where.formula is not None and role is None:
            found[line] = title.value
    return found


def tree_of(model: Model, number: int, line: int) -> Tree | None:
    block = model.found.blocks[number]
    try:
        return model.named_at((block.sheet.name, *block.at(line, block.steps[0])), number, 0, 0)
    except (NotUnderstood, CellError):
        return None


def by_formula(model: Model, number: int, network: Network, free: dict[int, str], wanted: list[str]) -> dict[int, str]:
    """The names of columns whose formula computes a quantity that no other column is."""
    found: dict[int, str] = {}
    for line in free:
        name = computed(network, tree_of(model, number, line), [name for name in wanted if name not in found.values()])
        if name:
            found[line] = name
    return {line: name for line, name in found.items() if not strays(line, name, free, found)}


def strays(line: int, name: str, free: dict[int, str], found: dict[int, str]) -> bool:
    """Whether a column computes what no other of its title does: it is a wrong one of their kind."""
    own = NUMBERED.fullmatch(free[line].strip())
    kinds = [
        re.sub(r"\d", "", found[other])
        for other, title in free.items()
        if other in found
        and other != line
        and own
        and NUMBERED.fullmatch(title.strip())
        and (own[1], own[3]) == NUMBERED.fullmatch(title.strip()).group(1, 3)
    ]
    return len(kinds) > 1 and re.sub(r"\d", "", name) not in kinds


def computed(network: Network, tree: Tree | None, wanted: list[str]) -> str | None:
    """The first quantity that a formula computes."""
    if tree is None or not any(leaf[0] in ("name", "inline", "area") for leaf in leaves(tree)):
        return None
    env = Truth(network).env()
    try:
        values = at_points(Truth(network), tree)
    except NotUnderstood:
        return None
    for name in wanted if np.isfinite(values).all() else ():
        ratio = constant(shares(values, env[name, 0])) if (name, 0) in env else None
        if ratio in next((factors for names, factors in FREE if names.fullmatch(name)), (1.0,)):
            return name
    return None


def give(model: Model, number: int, line: int, name: str) -> None:
    block = model.found.blocks[number]
    block.lines = block.lines | {name: line}
    block.titles[name] = str(block.sheet.at(*block.at(line, block.header)).value)
    for step in range(len(block.steps)):
        model.found.roles[(block.sheet.name, *block.position(name, step))] = (number, name, step)
    model.forget()


def by_neighbours(
    model: Model, number: int, free: dict[int, str], found: dict[int, str], wanted: list[str]
) -> dict[int, str]:
    """The names of columns titled as named ones are, which read the same kinds of quantities: z2 beside z1."""
    block, result = model.found.blocks[number], {}
    for (line, title), (other, name) in product(free.items(), found.items()):
        mine, theirs, known = (NUMBERED.fullmatch(text.strip()) for text in (title, block.titles[name], name))
        if not (mine and theirs and known) or (mine[1], mine[3]) != (theirs[1], theirs[3]):
            continue
        due = re.sub(r"\d+", str(int(mine[2]) - int(theirs[2]) + int(re.search(r"\d+", name)[0])), name)
        is_free = due in wanted and due not in result.values() and line not in result
        if is_free and alike(tree_of(model, number, line), tree_of(model, number, other)):
            result[line] = due
    return result


def alike(one: Tree | None, other: Tree | None) -> bool:
    """Whether one of two formulas reads no kind of quantity that the other does not."""
    kinds = [
        {re.sub(r"\d", "", str(leaf[1])) for leaf in leaves(tree) if leaf[0] == "name"} for tree in (one, other) if tree
    ]
    return len(kinds) == 2 and bool(kinds[0] & kinds[1]) and (kinds[0] <= kinds[1] or kinds[1] <= kinds[0])
