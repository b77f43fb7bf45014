"""The right formula of any quantity of a network, and any derivative by the chain rule, as trees over names."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import product

from pyfuncs.network import Network
from xlsx import formulas
from xlsx.formulas import Expression

from .trees import Tree, replaced


def name_tree(name: str, offset: int = 0) -> Tree:
    return ("name", name, offset)


ZERO, ONE = ("number", 0.0), ("number", 1.0)
AS_TREES: dict[str, Callable[..., Tree]] = {
    "sigmoid": lambda x: ("/", ONE, ("+", ONE, ("call", "EXP", (("neg", x),)))),
    "tanh": lambda x: ("call", "TANH", (x,)),
    "relu": lambda x: ("call", "MAX", (ZERO, x)),
    "above_zero": lambda x: ("call", "IF", ((">", x, ZERO), ONE, ZERO)),
    "square": lambda x: ("^", x, ("number", 2.0)),
    "binary_cross_entropy": lambda t, a, z: (
        "neg",
        ("+", ("*", t, ("call", "LN", (a,))), ("*", ("-", ONE, t), ("call", "LN", (("-", ONE, a),)))),
    ),
}


def as_tree(expression: Expression) -> Tree:
    """A derivation's expression as a tree: 1/(1+EXP(-x)) for the sigmoid."""
    kind, parts = expression.operation, expression.parts
    if kind == "name":
        return name_tree(parts[0])
    if kind == "number":
        return ("number", float(parts[0]))
    inner = [as_tree(part) for part in parts]
    return AS_TREES[kind](*inner) if kind in AS_TREES else (kind, *inner)


@lru_cache(maxsize=64)
def definitions(network: Network) -> dict[str, Expression]:
    """Every quantity in terms of those before it, from the one derivation."""
    rows = [derive(network) for derive in (formulas.forward, formulas.losses, formulas.errors, formulas.deltas)]
    rows += [formulas.gradients(network), formulas.updates(network)]
    return {quantity.name: quantity.expression for each in rows for quantity in each}


@lru_cache(maxsize=4096)
def standard_tree(network: Network, name: str, known: frozenset[str]) -> Tree | None:
    """The tree of a quantity over `known` names; what is not known is replaced by what it is made of."""
    expression = definitions(network).get(name)
    if expression is None:
        expression = derivative_named(network, name)
    if expression is None:
        return None
    return expanded(network, as_tree(expression), known)


def expanded(network: Network, tree: Tree, known: frozenset[str]) -> Tree:
    made = definitions(network)

    def leaf(node: Tree) -> Tree:
        if node[0] != "name" or node[1] in known or node[1] not in made:
            return node
        return expanded(network, as_tree(made[node[1]]), known)

    return replaced(tree, leaf)


def derivative_named(network: Network, name: str) -> Expression | None:
    """dX/dY for any two quantities of the forward pass; change w is the gradient."""
    if found := re.fullmatch(r"change ([wb]\d+)", name):
        return definitions(network).get(f"dE/d{found[1]}")
    found = re.fullmatch(r"d(.+)/d(.+)", name)
    if not found:
        return None
    return derivative(network, "E_total" if found[1] == "E" else found[1], found[2])


def derivative(network: Network, above: str, below: str) -> Expression | None:
    """The chain rule over the derivation; None where the one does not depend on the other."""
    if above == below:
        return formulas.number(1)
    made = definitions(network).get(above)
    if made is None or above.startswith(("new", "d")):
        return None
    terms = []
    for inner in made_from(made):
        rest = derivative(network, inner, below)
        if rest is not None:
            local = local_slope(network, above, made, inner)
            terms.append(local if rest == formulas.number(1) else local * rest)
    return formulas.total(terms) if terms else None


def made_from(made: Expression) -> list[str]:
    """What a quantity is made of; the cross-entropy of a_o1, whose expression names o1 also, of a_o1 alone."""
    names = list(dict.fromkeys(formulas.names_in(made)))
    return [name for name in names if not (re.fullmatch(r"o\d+", name) and f"a_{name}" in names)]


def local_slope(network: Network, above: str, made: Expression, inner: str) -> Expression:
    """The derivative of a quantity by one of those it is made of."""
    if re.fullmatch(r"E\d+", above):
        a, t, one = formulas.name(inner), formulas.name(f"t{above[1:]}"), formulas.number(1)
        return a - t if network.loss == "half-squared" else (a - t) / (a * (one - a))
    if above.startswith("a_"):
        output = above.startswith("a_o")
        unit = formulas.UNITS[network.output if output else network.hidden]
        return unit.slope(formulas.name(inner), formulas.name(above))
    if above == "E_total":
        return formulas.number(1)
    return partner(made, inner)


def partner(made: Expression, inner: str) -> Expression:
    """In a sum of products: what the name is multiplied with."""
    if made.operation == "+":
        side = next(part for part in made.parts if inner in formulas.names_in(part))
        return partner(side, inner)
    if made.operation == "*":
        return next(part for part in made.parts if formulas.names_in(part) != (inner,))
    return formulas.number(1)


@lru_cache(maxsize=32)
def other_derivatives(network: Network) -> dict[str, Tree]:
    """The derivatives that learners write down on the way: dE/da_o1, da_h1/dh1, dE1/da_h1, do1/dw5 …"""
    made = [name for name in definitions(network) if not name.startswith(("d", "new"))]
    below = [*made, *network.weight_names, *network.input_names]
    primitives = frozenset(made) | {*network.weight_names, *network.input_names, *network.target_names}
    found = {}
    for over, under in product(["E", *made], below):
        name = f"d{over}/d{under}"
        if over != under and not (over == "E" and under in network.weight_names):
            tree = standard_tree(network, name, primitives)
            if tree is not None:
                found[name] = tree
    return found
