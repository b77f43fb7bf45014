"""Causes as single changes of a formula: those that make a right one wrong, and those that mend a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple

from xlsx.expressions import Expression, number
from xlsx.formulas import kind

from .formula import BINDING, is_leaf, leaves, replaced

HALF, ONE, TWO = number(0.5), number(1.0), number(2.0)
ARITHMETIC = "+-*/^"


class Cause(NamedTuple):
    """What makes a column wrong: its `kind`, which words.SENTENCES says, the part that is wrong and the one that is due
    (or missing), a second pair of these, and what else is said of it."""

    kind: str
    wrong: Expression | None = None
    due: Expression | None = None
    more: tuple[Expression, Expression] | None = None
    said: Mapping[str, str] = MappingProxyType({})


class Explained(NamedTuple):
    """A cause in the rows of a column, with the formula that they have and, if it is not the right one, the fix."""

    name: str
    rows: list[int]
    cause: Cause
    has: Expression | None = None
    fix: Expression | None = None


Variants = Iterator[tuple[Cause, Expression]]


def of(operation: str, *parts: Expression) -> Expression:
    return Expression(operation, parts)


def children(tree: Expression) -> tuple[Expression, ...]:
    return () if is_leaf(tree) else tree.parts


def everywhere(tree: Expression, local: Callable[[Expression], Variants]) -> Variants:
    """The tree with `local` done to each of its nodes in turn."""
    yield from local(tree)
    for at, child in enumerate(children(tree)):
        for cause, new in everywhere(child, local):
            yield cause, Expression(tree.operation, (*tree.parts[:at], new, *tree.parts[at + 1 :]))


def factors(tree: Expression) -> list[Expression]:
    return [each for part in tree.parts for each in factors(part)] if tree.operation == "*" else [tree]


def product_of(parts: list[Expression]) -> Expression:
    tree = parts[0]
    for part in parts[1:]:
        tree = of("*", tree, part)
    return tree


def flattened(tree: Expression) -> Expression:
    """The same with every product written from left to right."""
    if is_leaf(tree):
        return tree
    tree = Expression(tree.operation, tuple(flattened(part) for part in tree.parts))
    return product_of(factors(tree)) if tree.operation == "*" else tree


def without_factors(tree: Expression) -> Variants:
    """One to three factors of a product left out; the missing part is `due`."""

    def local(node: Expression) -> Variants:
        if node.operation == "*":
            parts = factors(node)
            for count in range(1, min(3, len(parts) - 1) + 1):
                for gone in combinations(range(len(parts)), count):
                    kept = [part for at, part in enumerate(parts) if at not in gone]
                    yield Cause("missing factor", due=product_of([parts[at] for at in gone])), product_of(kept)

    yield from everywhere(tree, local)


def without_term(tree: Expression) -> Variants:
    """A term of a sum, or the square or the stroke of something, left out."""

    def local(node: Expression) -> Variants:
        kind, parts = node.operation, node.parts
        if kind == "-" and parts[0] == ONE:
            yield Cause("missing one minus", due=node), parts[1]
        elif kind in ("+", "-"):
            yield Cause("missing term", due=parts[1]), parts[0]
            yield Cause("missing term", due=parts[0]), parts[1]
        elif kind == "^":
            yield Cause("missing square", due=node), parts[0]
        elif kind == "/":
            yield Cause("missing activation", due=node), parts[1]

    yield from everywhere(tree, local)


def other_sign(tree: Expression) -> Variants:
    """Plus for minus and the other way round, or a minus sign put in or left out."""

    def local(node: Expression) -> Variants:
        kind, parts = node.operation, node.parts
        if kind in ("+", "-"):
            yield Cause("sign", wrong=node), of("-" if kind == "+" else "+", *parts)
            if kind == "-":
                yield Cause("sign", wrong=node), of("-", parts[1], parts[0])
        elif kind == "neg":
            yield Cause("sign", wrong=node), parts[0]
        elif kind == "EXP":
            yield Cause("sign", wrong=node), of("EXP", of("neg", parts[0]))

    yield from everywhere(tree, local)


def other_names(tree: Expression, names: list[Expression]) -> Variants:
    """A leaf replaced by another quantity: wherever it stands, then in one place."""
    for leaf in distinct(tree):
        for name in nearest(leaf, names):
            yield Cause("name", leaf, name), swapped(tree, {leaf: name})
    yield from single_names(tree, names)


def distinct(tree: Expression) -> list[Expression]:
    return [leaf for leaf in dict.fromkeys(leaves(tree)) if leaf.operation != "number"]


def swapped(tree: Expression, by: dict[Expression, Expression]) -> Expression:
    return replaced(tree, lambda leaf: by.get(leaf, leaf))


def single_names(
    tree: Expression, names: list[Expression], order: Callable[..., list[Expression]] | None = None
) -> Variants:
    def local(node: Expression) -> Variants:
        if is_leaf(node) and node.operation != "number":
            for name in (order or nearest)(node, names):
                yield Cause("name once", node, name), name

    yield from everywhere(tree, local)


def nearest(leaf: Expression, names: list[Expression]) -> list[Expression]:
    """The names, those of the leaf's own kind first: a_h2 before w1 for a_h1."""
    own = kind_of(leaf)
    return sorted((each for each in names if each != leaf), key=lambda each: kind_of(each) != own)


def kind_of(leaf: Expression) -> str:
    return kind(leaf.parts[0]).kind if leaf.operation == "name" else ""


def two_names(tree: Expression, names: list[Expression]) -> Variants:
    """Two quantities taken for one another, or two that are both wrong."""
    found = [leaf for leaf in distinct(tree) if leaf.operation == "name"]
    for one, other in combinations(found, 2):
        yield Cause("swapped", one, other), swapped(tree, {one: other, other: one})
    for one, other in combinations(found, 2):
        for first in likely(one, names):
            for second in likely(other, names):
                yield Cause("two names", one, first, (other, second)), swapped(tree, {one: first, other: second})
    for one in found:  # one of them wherever it stands, the other in one place
        for first in likely(one, names):
            for cause, changed in single_names(swapped(tree, {one: first}), names, likely):
                if cause.wrong is not None and cause.due is not None:
                    yield Cause("two names", one, first, (cause.wrong, cause.due)), changed


def apart(cause: Cause) -> list[Cause]:
    """Two wrong names as a cause each: each may be another column's, too."""
    if cause.kind != "two names" or cause.more is None:
        return [cause]
    return [Cause("name", cause.wrong, cause.due), Cause("name", *cause.more)]


def likely(leaf: Expression, names: list[Expression]) -> list[Expression]:
    """What is most often taken for one another: the same kind of another number, and a unit's sum and its output."""
    own = leaf.parts[0].removeprefix("a_") if leaf.operation == "name" else ""
    near = [each for each in names if each != leaf and each.operation == "name" and kind_of(each) == kind_of(leaf)]
    return near[:7] + [each for each in names if each != leaf and each.parts[0] in (own, f"a_{own}")]


def less(tree: Expression) -> Variants:
    """A factor, divisor, power or term taken away that is too much."""

    def local(node: Expression) -> Variants:
        kind, parts = node.operation, node.parts
        if kind in ("*", "+", "-"):
            yield Cause("extra factor", wrong=parts[1]), parts[0]
            yield Cause("extra factor", wrong=parts[0]), parts[1] if kind != "-" else of("neg", parts[1])
        elif kind in ("/", "^"):
            yield Cause("extra factor", wrong=parts[1]), parts[0]
        elif kind not in BINDING and not is_leaf(node) and len(parts) == 1:
            yield Cause("extra factor", wrong=node), parts[0]

    yield from everywhere(tree, local)


def more(tree: Expression, names: list[Expression]) -> Variants:
    """A factor put in that is missing, or another operator."""
    slopes = [of("-", ONE, name) for name in names if kind_of(name).startswith("a_")]
    atoms = [*names, *slopes, HALF, TWO]

    def local(node: Expression) -> Variants:
        for atom in atoms:
            yield Cause("missing factor", due=atom), of("*", node, atom)
        if kind_of(node).startswith("a_"):
            yield Cause("missing one minus", due=of("-", ONE, node)), of("-", ONE, node)
        yield Cause("missing square", due=node), of("^", node, TWO)
        if node.operation in ARITHMETIC:
            for operator in ARITHMETIC:
                if operator != node.operation:
                    yield Cause("operator", node, of(operator, *node.parts)), of(operator, *node.parts)
        if node.operation == "number":
            for each in (HALF, ONE, TWO):
                yield Cause("constant", node, each), each

    yield from everywhere(tree, local)


def all_parts_for(
    tree: Expression, updated: Callable[[Expression], Expression | None]
) -> tuple[Cause, Expression] | None:
    """Every part that `updated` names replaced by that name."""
    first: list[Cause] = []

    def change(node: Expression) -> Expression:
        if (name := updated(node)) is not None:
            first.append(Cause("already updated", node, name))
            return name
        return node if is_leaf(node) else Expression(node.operation, tuple(change(part) for part in node.parts))

    changed = change(tree)
    return (first[0], changed) if first else None


def without_parentheses(tree: Expression) -> Variants:
    """What a formula becomes when a pair of its parentheses is left out."""
    text = infix(tree)
    for first, item in enumerate(text):
        if item == "(":
            last = partner(text, first)
            shorter = text[:first] + text[first + 1 : last] + text[last + 1 :]
            yield Cause("parentheses", due=parse(text[first + 1 : last])), parse(shorter)


def with_parentheses(tree: Expression) -> Variants:
    """What a formula becomes when a pair of parentheses is put in."""
    text = infix(tree)
    for first in (at for at, item in enumerate(text) if starts(text, at, item)):
        depth = 0
        for last in range(first, len(text)):
            depth += deeper(text[last])
            if depth < 0:
                break
            inner = text[first : last + 1]
            has_some = text[first] == "(" and partner(text, first) == last
            if depth == 0 and is_operand(text[last]) and any(map(is_sign, inner)) and not has_some:
                changed = parse([*text[:first], "(", *inner, ")", *text[last + 1 :]])
                yield Cause("parentheses", due=parse(inner)), changed


Token = Expression | str


def deeper(item: Token) -> int:
    return {"(": 1, ")": -1}.get(item, 0) if isinstance(item, str) else 0


def starts(text: list[Token], at: int, item: Token) -> bool:
    return not is_sign(item) and item != ")" and (at == 0 or is_sign(text[at - 1]) or text[at - 1] == "(")


def is_sign(item: Token) -> bool:
    return isinstance(item, str) and item in BINDING


def is_operand(item: Token) -> bool:
    return not is_sign(item)


def infix(tree: Expression, least: int = 0, tight: bool = False) -> list[Token]:
    """The tree as a list of leaves, operators and the parentheses it needs. A call is a leaf."""
    sign, parts = tree.operation, tree.parts
    if sign not in BINDING:
        return ["(", *infix(of("-", number(0.0), *parts)), ")"] if sign == "neg" and least else [tree]
    binding = BINDING[sign]
    text = [*infix(parts[0], binding), sign, *infix(parts[1], binding, sign in "-/")]
    return ["(", *text, ")"] if binding < least or (tight and binding == least) else text


def partner(text: list[Token], first: int) -> int:
    depth = 0
    for at in range(first, len(text)):
        depth += deeper(text[at])
        if depth == 0:
            return at
    return len(text) - 1


def parse(text: list[Token]) -> Expression:
    """The tree of a list that `infix` made."""
    return climb(text, 0, 0)[0]


def climb(text: list[Token], at: int, least: int) -> tuple[Expression, int]:
    first = text[at]
    if isinstance(first, Expression):
        left, at = first, at + 1
    else:  # a parenthesis
        left, at = climb(text, at + 1, 0)
        at += 1
    while at < len(text) and isinstance(sign := text[at], str) and BINDING.get(sign, 0) > least:
        right, at = climb(text, at + 1, BINDING[sign])
        left = of(sign, left, right)
    return left, at
