"""Single changes of a formula: those that could have made a right one wrong, and those that could mend a wrong one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import NamedTuple

from .trees import BINDING, OPERATORS, Tree, leaves, replaced

HALF, ONE, TWO = ("number", 0.5), ("number", 1.0), ("number", 2.0)


class Edit(NamedTuple):
    """What was done: `kind`, and the leaf or part that is wrong and the one that is due (or missing)."""

    kind: str
    wrong: Tree | None = None
    due: Tree | None = None


Variants = Iterator[tuple[Edit, Tree]]


def children(tree: Tree) -> tuple[Tree, ...]:
    if tree[0] == "call":
        return tree[2]
    return tree[1:] if tree[0] in OPERATORS or tree[0] == "neg" else ()


def with_child(tree: Tree, at: int, child: Tree) -> Tree:
    parts = list(children(tree))
    parts[at] = child
    return ("call", tree[1], tuple(parts)) if tree[0] == "call" else (tree[0], *parts)


def everywhere(tree: Tree, local: Callable[[Tree], Variants]) -> Variants:
    """The tree with `local` done to each of its nodes in turn."""
    yield from local(tree)
    for at, child in enumerate(children(tree)):
        for edit, new in everywhere(child, local):
            yield edit, with_child(tree, at, new)


def factors(tree: Tree) -> list[Tree]:
    return factors(tree[1]) + factors(tree[2]) if tree[0] == "*" else [tree]


def product_of(parts: list[Tree]) -> Tree:
    tree = parts[0]
    for part in parts[1:]:
        tree = ("*", tree, part)
    return tree


def without_factors(tree: Tree) -> Variants:
    """One to three factors of a product left out; the missing part is `due`."""

    def local(node: Tree) -> Variants:
        if node[0] == "*":
            parts = factors(node)
            for count in range(1, min(3, len(parts) - 1) + 1):
                for gone in combinations(range(len(parts)), count):
                    kept = [part for at, part in enumerate(parts) if at not in gone]
                    yield Edit("missing factor", due=product_of([parts[at] for at in gone])), product_of(kept)

    yield from everywhere(tree, local)


def without_term(tree: Tree) -> Variants:
    """A term of a sum, or the square or the stroke of something, left out."""

    def local(node: Tree) -> Variants:
        if node[0] == "+":
            yield Edit("missing term", due=node[2]), node[1]
            yield Edit("missing term", due=node[1]), node[2]
        elif node[0] == "-" and node[1] == ONE:
            yield Edit("missing one minus", due=node), node[2]
        elif node[0] == "-":
            yield Edit("missing term", due=node[2]), node[1]
            yield Edit("missing term", due=node[1]), node[2]
        elif node[0] == "^":
            yield Edit("missing square", due=node), node[1]
        elif node[0] == "/":
            yield Edit("missing activation", due=node), node[2]

    yield from everywhere(tree, local)


def other_sign(tree: Tree) -> Variants:
    """Plus for minus and the other way round, or a minus sign put in or left out."""

    def local(node: Tree) -> Variants:
        if node[0] in "+-":
            yield Edit("sign", wrong=node), ("-" if node[0] == "+" else "+", node[1], node[2])
            if node[0] == "-":
                yield Edit("sign", wrong=node), ("-", node[2], node[1])
        elif node[0] == "neg":
            yield Edit("sign", wrong=node), node[1]
        elif node[0] == "call" and node[1] == "EXP":
            yield Edit("sign", wrong=node), ("call", "EXP", (("neg", node[2][0]),))

    yield from everywhere(tree, local)


def other_names(tree: Tree, names: list[Tree], one_by_one: bool = True) -> Variants:
    """A leaf replaced by another quantity: wherever it stands, or in one place."""
    found = [leaf for leaf in dict.fromkeys(leaves(tree)) if leaf[0] != "number"]
    for leaf in found:
        for name in nearest(leaf, names):
            yield (
                Edit("name", leaf, name),
                replaced(tree, lambda node, leaf=leaf, name=name: name if node == leaf else node),
            )
    if one_by_one:
        yield from single_names(tree, names)


def single_names(tree: Tree, names: list[Tree]) -> Variants:
    def local(node: Tree) -> Variants:
        if not children(node) and node[0] != "number":
            for name in nearest(node, names):
                yield Edit("name once", node, name), name

    yield from everywhere(tree, local)


def nearest(leaf: Tree, names: list[Tree]) -> list[Tree]:
    """The names, those of the leaf's own kind first: a_h2 before w1 for a_h1."""
    kind = re.sub(r"\d", "", str(leaf[1])) if leaf[0] == "name" else ""
    others = [name for name in names if name != leaf]
    return sorted(others, key=lambda name: re.sub(r"\d", "", str(name[1])) != kind)


def two_names(tree: Tree, names: list[Tree]) -> Variants:
    """Two quantities taken for one another, or two that are both wrong."""
    found = [leaf for leaf in dict.fromkeys(leaves(tree)) if leaf[0] == "name"]
    for one, other in combinations(found, 2):
        swap = {one: other, other: one}
        yield Edit("swapped", one, other), replaced(tree, lambda node, swap=swap: swap.get(node, node))
    for one, other in combinations(found, 2):
        for first in nearest(one, names)[:4]:
            for second in nearest(other, names)[:4]:
                both = {one: first, other: second}
                yield (
                    Edit("two names", (one, other), (first, second)),
                    replaced(tree, lambda node, both=both: both.get(node, node)),
                )


def less(tree: Tree) -> Variants:
    """A factor, divisor, power or term taken away that is too much."""

    def local(node: Tree) -> Variants:
        if node[0] in ("*", "+", "-"):
            yield Edit("extra", wrong=node[2]), node[1]
            yield Edit("extra", wrong=node[1]), node[2] if node[0] != "-" else ("neg", node[2])
        elif node[0] in ("/", "^"):
            yield Edit("extra", wrong=node[2]), node[1]
        elif node[0] == "call" and len(node[2]) == 1:
            yield Edit("extra", wrong=node), node[2][0]

    yield from everywhere(tree, local)


def more(tree: Tree, names: list[Tree]) -> Variants:
    """A factor put in that is missing, or another operator."""
    atoms = [*names, *(("-", ONE, name) for name in names if str(name[1]).startswith("a_")), HALF, TWO]

    def local(node: Tree) -> Variants:
        for atom in atoms:
            yield Edit("missing factor", due=atom), ("*", node, atom)
        if node[0] == "name" and node[1].startswith("a_"):
            yield Edit("missing one minus", due=("-", ONE, node)), ("-", ONE, node)
        yield Edit("missing square", due=node), ("^", node, TWO)
        if node[0] in OPERATORS:
            for operator in "+-*/^":
                if operator != node[0]:
                    yield Edit("operator", node, (operator, node[1], node[2])), (operator, node[1], node[2])
        if node[0] == "number":
            for number in (0.5, 1.0, 2.0):
                yield Edit("number", node, ("number", number)), ("number", number)

    yield from everywhere(tree, local)


def without_parentheses(tree: Tree) -> Variants:
    """What a formula becomes when a pair of its parentheses is left out."""
    text = infix(tree)
    for first, item in enumerate(text):
        if item == "(":
            last = partner(text, first)
            shorter = text[:first] + text[first + 1 : last] + text[last + 1 :]
            yield Edit("parentheses", due=parse(text[first + 1 : last])), parse(shorter)


def with_parentheses(tree: Tree) -> Variants:
    """What a formula becomes when a pair of parentheses is put in."""
    text = infix(tree)
    starts = [
        at
        for at, item in enumerate(text)
        if item not in BINDING and item != ")" and (at == 0 or text[at - 1] in (*BINDING, "("))
    ]
    for first in starts:
        depth = 0
        for last in range(first, len(text)):
            depth += {"(": 1, ")": -1}.get(text[last], 0) if isinstance(text[last], str) else 0
            if depth < 0:
                break
            if (
                depth == 0
                and text[last] not in BINDING
                and last > first
                and not (text[first] == "(" and partner(text, first) == last)
            ):
                inner = text[first : last + 1]
                if any(item in BINDING for item in inner):
                    yield (
                        Edit("parentheses", due=parse(inner)),
                        parse([*text[:first], "(", *inner, ")", *text[last + 1 :]]),
                    )


def infix(tree: Tree, least: int = 0, tight: bool = False) -> list:
    """The tree as a list of leaves, operators and the parentheses it needs. A call is a leaf."""
    if tree[0] not in BINDING:
        return ["(", *infix(("-", ("number", 0.0), tree[1])), ")"] if tree[0] == "neg" and least else [tree]
    binding = BINDING[tree[0]]
    text = [*infix(tree[1], binding), tree[0], *infix(tree[2], binding, tree[0] in "-/")]
    return ["(", *text, ")"] if binding < least or (tight and binding == least) else text


def partner(text: list, first: int) -> int:
    depth = 0
    for at in range(first, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0) if isinstance(text[at], str) else 0
        if depth == 0:
            return at
    return len(text) - 1


def parse(text: list) -> Tree:
    """The tree of a list that `infix` made."""
    tree, rest = climb(text, 0, 0)
    assert rest == len(text)
    return tree


def climb(text: list, at: int, least: int) -> tuple[Tree, int]:
    if text[at] == "(":
        left, at = climb(text, at + 1, 0)
        at += 1
    else:
        left, at = text[at], at + 1
    while at < len(text) and text[at] in BINDING and BINDING[text[at]] > least:
        operator = text[at]
        right, at = climb(text, at + 1, BINDING[operator])
        left = (operator, left, right)
    return left, at
