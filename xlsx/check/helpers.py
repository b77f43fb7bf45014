"""Columns under titles that say nothing (z1, δ3, temp) or something else (error o1), named by what they are.

That is the quantity that their formula computes. A wrong one, which computes none, is what the formulas that read it
need; else it is named as its neighbours are: where z1 is h1 and z3 is o1, z2 is h2.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from pyfuncs.network import Network

from .family import family_names
from .headers import quantity
from .model import CellError, Model, Place
from .names import WEIGHT, network_of
from .needs import computed, helper_names, most_needed, need
from .neighbours import NUMBERED, by_neighbours
from .retitle import retitle
from .tables import Block
from .titles import is_number
from .trees import NotUnderstood, Tree, leaves
from .truth import Truth

GAP, MOST_ROUNDS = 2, 6


class Helper(NamedTuple):
    """A column without a name (a row, where a block runs across): its sheet, and how far below the block it starts."""

    sheet: str
    line: int
    shift: int = 0


class Namer:
    """Names the columns of one block, and of the tables beside it, that its formulas read."""

    def __init__(self, model: Model, number: int, network: Network, held: set[str]):
        self.model, self.number, self.truth = model, number, Truth(network)
        self.block: Block = model.found.blocks[number]
        self.free: dict[Helper, str] = {}
        self.found: dict[Helper, str] = {}
        self.wanted = [name for name in helper_names(network) if name not in held]

    def name_all(self) -> None:
        """Name columns until no more of them can be."""
        titles: dict[Helper, str] = {}
        while True:
            self.free = self.candidates()  # a column that has a name now may read others
            titles |= self.free
            named = self.by_title() or self.by_formula() or self.by_readers()
            named = named or by_neighbours(titles, self.found, self.wanted, self.tree)
            if not named:
                return
            for helper, name in named.items():
                give(self.model, self.number, helper, name)
                self.wanted.remove(name)
            self.found |= named

    def candidates(self) -> dict[Helper, str]:
        """{column: title} of those without a name that stand by the block's own, or that its formulas read."""
        near = {Helper(self.block.sheet.name, line): title for line, title in unnamed(self.model, self.block).items()}
        read = {helper: title_of(self.model, self.block, helper) for helper, _, _, _ in self.readers()}
        return read | near

    def tree(self, helper: Helper) -> Tree | None:
        """A column's first formula over names."""
        try:
            place = place_of(self.block, helper, 0)
            return self.model.named_at(place, self.number, 0, 0) if self.model.cell(place).formula else None
        except (NotUnderstood, CellError):
            return None

    def readers(self) -> Iterator[tuple[Helper, str, Tree, Tree]]:
        """Each use of a column without a name: the column, who reads it, by which formula, at which leaf of it."""
        last = len(self.block.steps) - 1
        for name in self.block.lines:
            step = min(1, last) if WEIGHT.fullmatch(name) else 0
            tree = self.model.formula(self.number, name, step)
            for leaf in dict.fromkeys(leaves(tree)) if tree else ():
                helper = self.column_of(name, leaf, step)
                if helper:
                    yield helper, name, tree, leaf

    def column_of(self, reader: str, leaf: Tree, step: int) -> Helper | None:
        """The column of a cell that a formula reads, where it has one in each row; an update reads the row before."""
        if leaf[0] not in ("inline", "const"):
            return None
        sheet, row, column = leaf[2]
        line, at = (row, column) if self.block.across else (column, row)
        for back in range(min(step, 1) + 1):
            helper = Helper(sheet, line, at - self.block.steps[step - back])
            if self.is_column(helper, len(self.block.steps) - 1 - back, reader):
                return helper
        return None

    def is_column(self, helper: Helper, last: int, reader: str) -> bool:
        """Whether there are formulas or numbers of no name in each row, and the last row's reader has the last."""
        model, count = self.model, len(self.block.steps)
        places = [place_of(self.block, helper, step) for step in range(count)]
        if count < 2 or any(not is_filled(model, place) or place in model.found.roles for place in places):
            return False
        tree = model.formula(self.number, reader, count - 1)
        return tree is not None and any(leaf[2:3] == (places[last],) for leaf in leaves(tree))

    def by_title(self) -> dict[Helper, str]:
        """A title may say a name that another column had at first, whose title misled."""
        named = {helper: quantity(title) for helper, title in self.free.items() if title}
        return first_of_each({helper: name for helper, name in named.items() if name in self.wanted})

    def by_formula(self) -> dict[Helper, str]:
        """The names of columns whose formula computes a quantity that no other column is."""
        found, votes = {}, self.votes()
        for helper in self.free:
            wanted = [name for name in self.wanted if name not in found.values()]
            name = computed(self.truth, self.tree(helper), wanted)
            if name and not speak_against(name, votes.get(helper, Counter())):
                found[helper] = name
        return {helper: name for helper, name in found.items() if not strays(helper, name, self.free, found)}

    def by_readers(self) -> dict[Helper, str]:
        """The names of columns by what most of the formulas that read them need; one is not enough for mere numbers."""
        sure = {helper: votes for helper, votes in self.votes().items() if votes.total() > 1 or self.tree(helper)}
        chosen = {helper: most_needed(votes) for helper, votes in sure.items()}
        return first_of_each({helper: name for helper, name in chosen.items() if name})

    def votes(self) -> dict[Helper, Counter]:
        """How many of the formulas that read each column need which quantity."""
        votes: dict[Helper, Counter] = {}
        for helper, name, tree, leaf in self.readers():
            if helper in self.free and (due := need(self.truth, name, tree, leaf, self.wanted)):
                votes.setdefault(helper, Counter())[due] += 1
        return votes


def speak_against(name: str, votes: Counter) -> bool:
    """Whether all formulas that read a column, several ones, need the same other quantity: it is a wrong one."""
    return len(votes) == 1 and name not in votes and votes.total() > 1


def name_helpers(model: Model) -> None:
    """Give the blocks' columns of unknown titles their names, and those of misleading titles better ones."""
    for _ in range(MOST_ROUNDS):
        numbers = range(len(model.found.blocks))  # naming may add blocks
        if sum(name_columns(model, number) for number in numbers) == 0:
            return


def name_columns(model: Model, number: int) -> bool:
    """Name what can be named from one block; whether there was something."""
    held = family_names(model, number)
    network = network_of(held)
    if network is None:
        return False
    namer = Namer(model, number, network, held)
    namer.name_all()
    return retitle(model, number, Truth(network), family_names(model, number)) or bool(namer.found)


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


def place_of(block: Block, helper: Helper, step: int) -> Place:
    return (helper.sheet, *block.at(helper.line, block.steps[step] + helper.shift))


def is_filled(model: Model, place: Place) -> bool:
    return model.cell(place).formula is not None or is_number(model.cell(place).value)


def title_of(model: Model, block: Block, helper: Helper) -> str:
    sheet, row, column = (helper.sheet, *block.at(helper.line, block.header + helper.shift))
    title = model.cell((sheet, row, column)).value
    return title if isinstance(title, str) else ""


def first_of_each(named: dict[Helper, str]) -> dict[Helper, str]:
    """Each name once."""
    return {helper: name for name, helper in {name: helper for helper, name in reversed(named.items())}.items()}


def strays(helper: Helper, name: str, free: dict[Helper, str], found: dict[Helper, str]) -> bool:
    """Whether a column computes what no other of its title does: it is a wrong one of their kind."""
    own = NUMBERED.fullmatch(free[helper].strip())
    kinds = [
        re.sub(r"\d", "", found[other])
        for other, title in free.items()
        if other in found
        and other != helper
        and own
        and NUMBERED.fullmatch(title.strip())
        and (own[1], own[3]) == NUMBERED.fullmatch(title.strip()).group(1, 3)
    ]
    return len(kinds) > 1 and re.sub(r"\d", "", name) not in kinds


def give(model: Model, number: int, helper: Helper, name: str) -> None:
    """A column of the block gets its name; one of another table makes a block of its own there."""
    block = model.found.blocks[number]
    steps = [step + helper.shift for step in block.steps]
    same = [each for each in model.found.blocks if each.sheet.name == helper.sheet and each.steps == steps]
    home = next((each for each in (block, *same) if each in same and name not in each.lines), None)
    if home is None:
        sheet = model.grid.sheets[helper.sheet]
        home = Block(sheet, {}, block.header + helper.shift, steps, block.across)
        model.found.blocks.append(home)
    home.lines = home.lines | {name: helper.line}
    home.titles[name] = title_of(model, block, helper)
    for step in range(len(steps)):
        place = (home.sheet.name, *home.position(name, step))
        model.found.roles[place] = (model.found.blocks.index(home), name, step)
    model.forget()
