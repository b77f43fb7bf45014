"""Columns under titles that say nothing (z1, δ3, temp) or something else (error o1), named by what they are.

That is the quantity that their formula computes. A wrong one, which computes none, is what the formulas that read it
need; else it is named as its neighbours are: where z1 is h1 and z3 is o1, z2 is h2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

from .conventions import truth_of
from .family import family_names, numbers_of
from .headers import quantity
from .model import Model
from .names import WEIGHT
from .needs import computed, helper_names, most_needed, need
from .neighbours import by_neighbours, counted_on, strays
from .retitle import retitle
from .tables import Block
from .trees import Tree, leaves
from .truth import Truth
from .unnamed import Helper, is_filled, place_of, title_of, unnamed

Votes = dict[Helper, Counter]  # how many of the formulas that read a column need which quantity
MOST_ROUNDS = 6


class Namer:
    """Names the columns of one block, and of the tables beside it, that its formulas read."""

    def __init__(self, model: Model, number: int, truth: Truth, held: set[str]):
        self.model, self.number, self.truth = model, number, truth
        self.block: Block = model.found.blocks[number]
        self.free: dict[Helper, str] = {}
        self.titles: dict[Helper, str] = {}
        self.found: dict[Helper, str] = {}
        self.wanted = [name for name in helper_names(truth.network) if name not in held]

    def name_all(self) -> None:
        """Name columns until no more of them can be."""
        while True:
            self.free = self.candidates()  # a column that has a name now may read others
            self.titles |= self.free
            votes = self.votes()
            computing = self.by_formula(votes)
            unopposed = {helper: name for helper, name in computing.items() if name in votes.get(helper, {name: 0})}
            named = self.by_title() or unopposed or self.by_readers(votes, computing)
            named = named or by_neighbours(self.titles, self.found, self.wanted, self.tree) or computing
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
        return self.model.formula_at(place_of(self.block, helper, 0), self.number)

    def readers(self) -> Iterator[tuple[Helper, str, Tree, Tree]]:
        """Each use of a column without a name: the column, who reads it, by which formula, at which leaf of it."""
        last = len(self.block.steps) - 1
        for number in numbers_of(self.model, self.number):
            for name in self.model.found.blocks[number].lines:
                step = min(1, last) if WEIGHT.fullmatch(name) else 0
                tree = self.model.formula(number, name, step)
                for leaf in dict.fromkeys(leaves(tree)) if tree else ():
                    if helper := self.column_of(leaf, step, self.model.formula(number, name, last)):
                        yield helper, name, tree, leaf

    def column_of(self, leaf: Tree, step: int, below: Tree | None) -> Helper | None:
        """The column of a cell that a formula reads, where it has one in each row; an update reads the row before."""
        if leaf[0] not in ("inline", "const"):
            return None
        sheet, row, column = leaf[2]
        line, at = (row, column) if self.block.across else (column, row)
        for back in range(min(step, 1) + 1):
            helper = Helper(sheet, line, at - self.block.steps[step - back])
            if self.is_column(helper, len(self.block.steps) - 1 - back, below):
                return helper
        return None

    def is_column(self, helper: Helper, last: int, below: Tree | None) -> bool:
        """Whether there are formulas or numbers of no name in each row, and the last row's reader has the last."""
        places = [place_of(self.block, helper, step) for step in range(len(self.block.steps))]
        free = all(is_filled(self.model, place) and place not in self.model.found.roles for place in places)
        return free and len(places) > 1 and bool(below) and any(leaf[2:3] == (places[last],) for leaf in leaves(below))

    def by_title(self) -> dict[Helper, str]:
        """A title may say a name that another column had at first, whose title misled."""
        named = {helper: quantity(title) for helper, title in self.free.items() if title}
        return first_of_each({helper: name for helper, name in named.items() if name in self.wanted})

    def by_formula(self, votes: Votes) -> dict[Helper, str]:
        """The names of columns whose formula computes a quantity that no other column is."""
        found: dict[Helper, str] = {}
        for helper in self.free:
            wanted = [name for name in self.wanted if name not in found.values()]
            name = computed(self.truth, self.tree(helper), wanted)
            if name and not speak_against(name, votes.get(helper, Counter())):
                found[helper] = name
        return {helper: name for helper, name in found.items() if not strays(helper, name, self.free, found)}

    def by_readers(self, votes: Votes, later: Container[Helper]) -> dict[Helper, str]:
        """The names of columns by what most of the formulas that read them need.

        One is not enough for mere numbers, but where their title counts on from another column's to the same name.
        A column that computes something else than its reader needs is left for `later`: other readers may tell.
        """
        votes = {helper: each for helper, each in votes.items() if helper not in later}
        chosen = {helper: most_needed(each) for helper, each in votes.items()}
        sure = [each for each in votes if votes[each].total() > 1 or self.tree(each) or self.counts(each, chosen[each])]
        return first_of_each({helper: chosen[helper] for helper in sure if chosen[helper]})

    def counts(self, helper: Helper, name: str | None) -> bool:
        """Whether a title says a name where another of its kind says that column's: "err 2" beside "err 1"."""
        own = self.titles[helper]
        return any(counted_on(own, self.titles[other], theirs) == name for other, theirs in self.found.items())

    def votes(self) -> Votes:
        """How many of the formulas that read each column need which quantity."""
        votes: Votes = {}
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
    truth = truth_of(model, number)
    if truth is None:
        return False
    namer = Namer(model, number, truth, held)
    namer.name_all()
    return retitle(model, number, truth, family_names(model, number)) or bool(namer.found)


def first_of_each(named: dict[Helper, str]) -> dict[Helper, str]:
    """Each name once."""
    return {helper: name for name, helper in {name: helper for helper, name in reversed(named.items())}.items()}


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
