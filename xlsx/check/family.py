"""Which blocks are parts of one descent: tables with a row for the same updates, which read each other's columns."""

from __future__ import annotations

from pyfuncs.network import Network

from .model import CellError, Model
from .names import GIVEN, network_of
from .tables import Block, label_cells
from .titles import LEAST_NAMES
from .trees import NotUnderstood


def family(model: Model, number: int) -> list[Block]:
    """The blocks of one descent, that of this number first."""
    return [model.found.blocks[each] for each in numbers_of(model, number)]


def numbers_of(model: Model, number: int) -> list[int]:
    """The numbers of the blocks of one descent."""
    found = [number]
    for one in found:
        near = [other for other in linked(model, one) if other not in found]
        found += [other for other in near if all(joins(model, other, each) for each in found)]
    return found


def linked(model: Model, number: int) -> list[int]:
    """The blocks that a block reads or is read by."""
    links = model.links
    if not links:
        links.update({each: read_by(model, each) for each in range(len(model.found.blocks))})
    return [other for other in links if other in links[number] or number in links[other]]


def drop_loose_tables(model: Model) -> None:
    """Leave out small tables that belong to no larger one: a learner's notes beside the exercise."""
    found, blocks = model.found, model.found.blocks
    kept = [block for at, block in enumerate(blocks) if is_whole(block) or belongs(model, at)]
    numbers = {blocks.index(block): kept.index(block) for block in kept}
    found.roles = {place: (numbers[at], *rest) for place, (at, *rest) in found.roles.items() if at in numbers}
    found.blocks = kept
    for sheet in model.grid.sheets.values():
        label_cells(sheet, found)
    model.forget()


def belongs(model: Model, number: int) -> bool:
    """Whether a block is linked with a whole table of as many rows."""
    near = [model.found.blocks[each] for each in linked(model, number)]
    return any(is_whole(each) and len(each.steps) == len(model.found.blocks[number].steps) for each in near)


def is_whole(block: Block) -> bool:
    return len(set(block.lines) - {"epoch"}) >= LEAST_NAMES


def read_by(model: Model, number: int) -> set[int]:
    """The blocks that the formulas of a block's second row read."""
    block, read = model.found.blocks[number], set()
    for name in block.lines:
        where = (block.sheet.name, *block.position(name, min(1, len(block.steps) - 1)))
        try:
            references = model.parse(where).references if model.cell(where).formula is not None else ()
            roles = [model.found.roles.get(place) for ref in references for place in model.places(ref, where)]
        except (NotUnderstood, CellError):
            continue
        read |= {role[0] for role in roles if role}
    return read


def joins(model: Model, one: int, other: int) -> bool:
    """Whether two blocks may be parts of one descent: as many rows, and no computed quantity in both."""
    first, second = model.found.blocks[one], model.found.blocks[other]
    both = {name for name in first.lines if name in second.lines and not GIVEN.fullmatch(name)}
    return len(first.steps) == len(second.steps) and not both


def family_names(model: Model, number: int) -> set[str]:
    """Every quantity that the tables of a descent hold or read."""
    return set().union(*(model.names(each) for each in numbers_of(model, number)))


def network_around(model: Model, number: int) -> Network | None:
    """The network of a descent, told by all tables that a block is linked with, also those of a misleading title."""
    around = [each for each in linked(model, number) if each != number]
    names = family_names(model, number)
    return network_of(names.union(*(model.names(each) for each in around))) or network_of(names)
