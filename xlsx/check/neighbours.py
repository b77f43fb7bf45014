"""Names columns as those beside them are: where z1 is h1 and z3 is o1, z2 is h2."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Hashable, Mapping
from itertools import product

from .names import kind_of
from .trees import Tree, leaves

Names = Mapping[Hashable, str]
NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")


def by_neighbours(
    titles: Names,
    found: Names,
    wanted: Container[str],
    tree_of: Callable[[Hashable], Tree | None],
) -> dict[Hashable, str]:
    """The names of columns titled as those found are, which read the same kinds of quantities: z2 beside z1."""
    result: dict[Hashable, str] = {}
    for line, other in product([each for each in titles if each not in found], found):
        due = counted_on(titles[line], titles[other], found[other])
        is_free = due in wanted and due not in result.values() and line not in result
        if is_free and alike(tree_of(line), tree_of(other)):
            result[line] = due
    return result


def counted_on(title: str, other: str, name: str) -> str | None:
    """What a title says where another one of its kind says a name: z2 is h2 where z1 is h1."""
    known, numbers = re.search(r"\d+", name), numbers_of_alike(title, other)
    if not (known and numbers):
        return None
    mine, theirs = numbers
    return re.sub(r"\d+", str(mine - theirs + int(known[0])), name)


def alike(one: Tree | None, other: Tree | None) -> bool:
    """Whether one of two formulas reads no kind of quantity that the other does not."""
    kinds = [
        {re.sub(r"\d", "", str(leaf[1])) for leaf in leaves(tree) if leaf[0] == "name"} for tree in (one, other) if tree
    ]
    return len(kinds) == 2 and bool(kinds[0] & kinds[1]) and (kinds[0] <= kinds[1] or kinds[1] <= kinds[0])


def strays(column: Hashable, name: str, titles: Names, found: Names) -> bool:
    """Whether a column computes what no other of its title does: it is a wrong one of their kind."""
    others = [other for other in found if other != column and numbers_of_alike(titles[column], titles[other])]
    kinds = [kind_of(found[other]) for other in others]
    return kind_of(name) not in kinds and (len(kinds) > 1 or kinds in (["dE/do"], ["dE/dh"]))


def numbers_of_alike(title: str, other: str) -> tuple[int, int] | None:
    """The numbers of two titles that differ in nothing else, "error 1" and "error 2"; None of others."""
    mine, theirs = (NUMBERED.fullmatch(text.strip()) for text in (title, other))
    if not (mine and theirs) or mine.group(1, 3) != theirs.group(1, 3):
        return None
    return int(mine[2]), int(theirs[2])
