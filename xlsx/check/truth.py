"""What each quantity of the exercise must be: as a tree over names, and as numbers that pyfuncs computes.

`env` holds consistent states of a network at random points: a formula that gives the right numbers for all of them is
right, however it is written. Row 0 is the cell's own row, -1 the one before. Everything is in the learner's own names
(`wiring`) and scaled as the learner's loss is (`Scales`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from pyfuncs.descent import step
from pyfuncs.network import Network
from pyfuncs.propagation import gradient, loss, units
from xlsx import formulas
from xlsx.formulas import Expression

from .names import DELTA, SLOPE
from .trees import Tree, evaluate, replaced

POINTS, OFFSETS = 5, (-3, -2, -1, 0)
WEIGHT = re.compile(r"w(\d+)")


class Scales(NamedTuple):
    """How the learner's loss and gradients compare to ½(t − a_o)² summed: 2 without the ½, ½ for a mean of two."""

    error: float = 1.0
    total: float = 1.0
    gradient: float = 1.0
    rate: float = 1.0  # where columns such as dw1 hold learning_rate · dE/dw1
    delta: float | None = None  # where columns titled δ_o1 have another sign than the gradients

    def of(self, name: str) -> float:
        """The factor of a quantity."""
        if self.delta is not None and DELTA.fullmatch(name):
            return self.delta
        if re.fullmatch(r"E\d+|dE\d+/d.*", name):
            return self.error if "/" not in name else self.gradient
        if name == "E_total":
            return self.error * self.total
        if SLOPE.fullmatch(name):
            return self.gradient * self.rate
        return self.gradient if re.fullmatch(r"dE/d.*|change [wb]\d+", name) else 1.0


STANDARD = Scales()


@dataclass(frozen=True)
class Truth:
    """A network, the order in which its weights are numbered, and the scales of its loss."""

    network: Network
    wiring: tuple[int, ...] = ()
    scales: Scales = STANDARD
    given: tuple[tuple[float, ...], tuple[float, ...]] | None = None  # inputs and targets, else random ones

    @property
    def names(self) -> dict[str, str]:
        """The exercise's weight name for each of the learner's."""
        return weight_names(self.network, self.wiring)

    def standard(self, name: str) -> str:
        """The exercise's name of a learner's quantity."""
        return renamed(name, self.network, self.wiring, False)

    def own(self, name: str) -> str:
        return renamed(name, self.network, self.wiring, True)

    def tree(self, name: str, known: frozenset[str]) -> Tree | None:
        """The right formula over the names in `known`, or None where there is none. Unscaled but for E_total."""
        return own_tree(self, name, known)

    def factor(self, name: str, known: frozenset[str]) -> float:
        """What the right formula is to be multiplied with: E_total is a sum of scaled errors already."""
        if name == "E_total" and any(each in known for each in self.network.loss_names[:-1]):
            return self.scales.total
        return self.scales.of(name)

    def env(self) -> dict[tuple[str, int], np.ndarray]:
        return environment(self)


@lru_cache(maxsize=256)
def weight_names(network: Network, wiring: tuple[int, ...]) -> dict[str, str]:
    order = wiring or tuple(range(1, weight_count(network) + 1))
    return {f"w{own}": f"w{there}" for own, there in enumerate(order, 1)}


@lru_cache(maxsize=20_000)
def renamed(name: str, network: Network, wiring: tuple[int, ...], back: bool) -> str:
    """A quantity's name with its weights numbered the other way."""
    names = weight_names(network, wiring)
    if back:
        names = {there: own for own, there in names.items()}
    return WEIGHT.sub(lambda found: names.get(found[0], found[0]), name)


@lru_cache(maxsize=20_000)
def own_tree(truth: Truth, name: str, known: frozenset[str]) -> Tree | None:
    known = frozenset(truth.standard(each) for each in known)
    found = standard_tree(truth.network, truth.standard(name), known)
    if found is None:
        return None

    def leaf(node: Tree) -> Tree:
        return ("name", truth.own(node[1]), node[2]) if node[0] == "name" else node

    return scaled(replaced(found, leaf), truth.factor(name, known))


def weight_count(network: Network) -> int:
    return sum(name.startswith("w") for name in network.weight_names)


def wirings(network: Network) -> list[tuple[int, ...]]:
    """The ways of numbering: by receiving unit, as in the exercise, or by sending unit, for each layer."""
    orders, start = [], 1
    for size, following in zip(network.sizes[:-1], network.sizes[1:], strict=True):
        numbers = np.arange(start, start + size * following).reshape(following, size)
        orders.append([tuple(numbers.ravel()), tuple(numbers.T.ravel())])
        start += size * following
    return list(dict.fromkeys(tuple(int(n) for part in parts for n in part) for parts in product(*orders)))


def scaled(tree: Tree, factor: float) -> Tree:
    return tree if factor == 1 else ("*", ("number", factor), tree)


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
    for inner in dict.fromkeys(formulas.names_in(made)):
        rest = derivative(network, inner, below)
        if rest is not None:
            local = local_slope(network, above, made, inner)
            terms.append(local if rest == formulas.number(1) else local * rest)
    return formulas.total(terms) if terms else None


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


@lru_cache(maxsize=256)
def environment(truth: Truth) -> dict[tuple[str, int], np.ndarray]:
    """{(name, offset): values at POINTS random points}, each the descent of one network over four rows."""
    standard = random_states(truth.network, truth.given)
    found = {}
    for (name, offset), values in standard.items():
        own = truth.own(name)
        found[own, offset] = values * truth.scales.of(own)
    return found


@lru_cache(maxsize=32)
def random_states(network: Network, given: tuple | None) -> dict[tuple[str, int], np.ndarray]:
    random = np.random.default_rng(20)
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(POINTS):
        lowest = -0.5 if "relu" in network.activations else -1.4  # a ReLU that is always off tells nothing
        weights = random.uniform(lowest, 1.6, network.weight_count)
        inputs, targets = (
            random.uniform(0.2, 1.4, (1, network.sizes[0])),
            random.uniform(0.1, 0.9, (1, network.sizes[-1])),
        )
        if given:
            inputs, targets = (np.array([row]) for row in given)
        rate = random.uniform(0.3, 1.7)
        for offset in OFFSETS:
            following = step(network, weights, inputs, targets, rate)
            for name, value in state(network, weights, inputs, targets, following).items():
                found.setdefault((name, offset), []).append(value)
            found.setdefault(("learning_rate", offset), []).append(rate)
            weights = following
    return {key: np.array(values) for key, values in found.items()}


def state(
    network: Network, weights: np.ndarray, inputs: np.ndarray, targets: np.ndarray, following: np.ndarray
) -> dict:
    """Every quantity of one row, by pyfuncs; the derivatives that it has no name for by the chain rule."""
    values = dict(zip(network.input_names, inputs[0], strict=True)) | dict(
        zip(network.target_names, targets[0], strict=True)
    )
    values |= dict(zip(network.weight_names, weights, strict=True))
    values |= dict(zip(network.unit_names, units(network, weights, inputs)[0], strict=True))
    values |= dict(zip(network.loss_names, loss(network, weights, inputs, targets), strict=True))
    slopes = dict(zip(network.weight_names, gradient(network, weights, inputs, targets), strict=True))
    values |= {f"dE/d{name}": slope for name, slope in slopes.items()}
    values |= {f"change {name}": slope for name, slope in slopes.items()}
    values |= {f"new {name}": new for name, new in zip(network.weight_names, following, strict=True)}
    values = {name: float(value) for name, value in values.items()}  # plain floats, which evaluate soonest
    return values | {name: number(tree, values) for name, tree in other_derivatives(network).items()}


def number(tree: Tree, values: dict[str, float]) -> float:
    return float(evaluate(tree, lambda node: values[node[1]]))


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
