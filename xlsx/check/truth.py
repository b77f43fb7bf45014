"""What each quantity of the exercise must be: as a tree over names, and as numbers that pyfuncs computes.

`env` holds consistent states of a network at random points: a formula that gives the right numbers for all of them is
right, however it is written. Row 0 is the cell's own row, -1 the one before. Everything is in the learner's own names
(`wiring`) and scaled as the learner's loss is (`Scales`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from pyfuncs.descent import step
from pyfuncs.network import Network
from pyfuncs.propagation import gradient, loss, units

from .derivation import other_derivatives, standard_tree
from .names import SLOPE, kind_of
from .trees import Tree, evaluate, replaced

POINTS, OFFSETS, DRAWS = 5, (-3, -2, -1, 0), 100
# The weights' limits by whether there is a ReLU, and whether it is to be off: at most points it tells more if it is on.
RATES = {False: (0.3, 1.7), True: (0.03, 0.17)}  # a ReLU's large steps soon turn it off
RANGES = {
    (False, False): (-1.4, 1.6),
    (False, True): (-1.4, 1.6),
    (True, False): (-0.5, 1.6),
    (True, True): (-1.6, 0.5),
}
WEIGHT = re.compile(r"w(\d+)")


class Scales(NamedTuple):
    """How the learner's loss and gradients compare to ½(t − a_o)² summed: 2 without the ½, ½ for a mean of two."""

    error: float = 1.0
    total: float = 1.0
    gradient: float = 1.0
    rate: float = 1.0  # where columns such as dw1 hold learning_rate · dE/dw1
    kinds: tuple[tuple[str, float], ...] = ()  # where columns as δ_o1 (dE/do) have another sign than the gradients

    def of(self, name: str) -> float:
        """The factor of a quantity."""
        if (own := dict(self.kinds).get(kind_of(name))) is not None:
            return own
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
    for at in range(POINTS):
        rate, inputs, targets, descent = drawn(network, given, random, off=at == POINTS - 1)
        for offset, weights, following in zip(OFFSETS, descent, descent[1:], strict=False):
            for name, value in state(network, weights, inputs, targets, following).items():
                found.setdefault((name, offset), []).append(value)
            found.setdefault(("learning_rate", offset), []).append(rate)
    return {key: np.array(values) for key, values in found.items()}


def drawn(network: Network, given: tuple | None, random: np.random.Generator, off: bool) -> tuple:
    """A learning rate, inputs, targets and the weights of a descent; every ReLU is on in it, or `off`, if it can be."""
    for _ in range(DRAWS):
        weights = random.uniform(*RANGES["relu" in network.activations, off], network.weight_count)
        inputs = random.uniform(0.2, 1.4, (1, network.sizes[0]))
        targets = random.uniform(0.1, 0.9, (1, network.sizes[-1]))
        if given:
            inputs, targets = (np.array([row]) for row in given)
        rate, descent = random.uniform(*RATES["relu" in network.activations]), [weights]
        for _ in OFFSETS:
            descent.append(step(network, descent[-1], inputs, targets, rate))
        if all((value <= 0) == off for each in descent for value in before_relu(network, each, inputs)):
            break
    return rate, inputs, targets, descent


def before_relu(network: Network, weights: np.ndarray, inputs: np.ndarray) -> list[float]:
    """The sums of the units that are a ReLU."""
    values = dict(zip(network.unit_names, units(network, weights, inputs)[0], strict=True))
    kinds = zip("ho", (network.hidden, network.output), strict=True)
    return [
        values[name] for kind, unit in kinds if unit == "relu" for name in values if re.fullmatch(rf"{kind}\d+", name)
    ]


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
