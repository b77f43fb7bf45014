"""Every quantity of a network, derived once, as named expressions over the names of a sheet.

A derivation is a list of quantities: what they are called, what they mean, and the expression from which a sheet takes
the formula to read, the one with numbers put in, the native one and the value (xlsx.expressions). Of pyfuncs only
Network's names are used: what it computes stays an independent referee.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from pyfuncs.network import Network
from xlsx.expressions import Expression, call, name, names_in, number, text, total


class Unit(NamedTuple):
    """An activation: a from z and its layer's z, and da/dz, written with a where that is shorter."""

    activation: Callable[..., Expression]
    slope: Callable[[Expression, Expression], Expression] | None


ONE = number(1)
UNITS = {
    "sigmoid": Unit(lambda z, *layer: call("sigmoid", z), lambda z, a: a * (ONE - a)),
    "tanh": Unit(lambda z, *layer: call("tanh", z), lambda z, a: ONE - call("square", a)),
    "relu": Unit(lambda z, *layer: call("relu", z), lambda z, a: call("above_zero", z)),
    "linear": Unit(lambda z, *layer: z, lambda z, a: ONE),
    "softmax": Unit(lambda z, *layer: call("softmax", z, *layer), None),
}


class Loss(NamedTuple):
    """An error E_k in words, from t, a, z and its layer's z; for cross-entropy also dE/dz, from a, t and all targets.

    There dE/da and da/dz would both be written out only to cancel (and to divide by the 0 of a saturated unit).
    """

    meaning: str
    error: Callable[..., Expression]
    delta: Callable[..., Expression] | None = None


LOSSES = {
    ("sigmoid", "cross-entropy"): Loss(
        "cross-entropy", lambda t, a, z, *layer: call("binary_cross_entropy", t, a, z), lambda a, t, *targets: a - t
    ),
    ("softmax", "cross-entropy"): Loss(
        "cross-entropy",
        lambda t, a, z, *layer: call("cross_entropy", t, a, z, *layer),
        lambda a, t, *targets: a * total(targets) - t,
    ),
}
HALF_SQUARED = Loss("half squared error", lambda t, a, *_: number(0.5) * call("square", t - a))


def loss_of(network: Network) -> Loss:
    return LOSSES.get((network.output, network.loss), HALF_SQUARED)


@dataclass(frozen=True)
class Quantity:
    """One row of a sheet: its name, what it means in words, and its expression."""

    name: str
    meaning: str
    expression: Expression

    @property
    def text(self) -> str:
        return text(self.expression)


class Layer(NamedTuple):
    """The names of one layer: its units, their activation, what feeds them, and per unit its weights and its bias."""

    units: tuple[str, ...]
    activation: str
    sources: tuple[str, ...]
    weights: tuple[tuple[str, ...], ...]
    biases: tuple[str, ...]


def layers(network: Network) -> list[Layer]:
    """Weights are numbered layer by layer, receiving unit by receiving unit; biases follow in the same order."""
    w = iter(each for each in network.weight_names if each.startswith("w"))
    b = iter(each for each in network.weight_names if each.startswith("b"))
    found, sources = [], network.input_names
    for units in network.layer_units:
        activation = network.output if units == network.layer_units[-1] else network.hidden
        weights = tuple(tuple(next(w) for _ in sources) for _ in units)
        found.append(Layer(units, activation, sources, weights, bias_names(network, units, b)))
        sources = tuple(f"a_{unit}" for unit in units)
    return found


def bias_names(network: Network, units: tuple[str, ...], b: Iterator[str]) -> tuple[str, ...]:
    """One bias name per unit; a fixed bias is one name shared by the layer; none without biases."""
    if network.bias == "none":
        return ()
    return (next(b),) * len(units) if network.bias == "fixed-bias" else tuple(next(b) for _ in units)


def forward(network: Network) -> list[Quantity]:
    """z and a of every unit, in the order of network.unit_names."""
    return [quantity for layer in layers(network) for at in range(len(layer.units)) for quantity in unit(layer, at)]


def unit(layer: Layer, at: int) -> tuple[Quantity, Quantity]:
    """z = Σ w·a + b and a = f(z) of one unit."""
    z = layer.units[at]
    terms = [name(w) * name(source) for w, source in zip(layer.weights[at], layer.sources, strict=True)]
    bias = [name(layer.biases[at])] if layer.biases else []
    activation = UNITS[layer.activation].activation(name(z), *map(name, layer.units))
    return (
        Quantity(z, f"weighted sum into {z}", total(terms + bias)),
        Quantity(f"a_{z}", f"output of {z}: {layer.activation}", activation),
    )


def losses(network: Network) -> list[Quantity]:
    """E_k of every output and their sum."""
    outputs, loss = network.layer_units[-1], loss_of(network)
    layer = [name(o) for o in outputs]
    each = [
        Quantity(error, f"{loss.meaning} at {o}", loss.error(name(t), name(f"a_{o}"), name(o), *layer))
        for error, t, o in zip(network.loss_names[:-1], network.target_names, outputs, strict=True)
    ]
    summed = Quantity(network.loss_names[-1], "the loss: all errors together", total(name(row.name) for row in each))
    return [*each, summed]


def errors(network: Network) -> list[Quantity]:
    """dE/da_ok = a_ok − t_k, the derivative of ½ (t_k − a_ok)²; nothing for cross-entropy, whose deltas need none."""
    if loss_of(network).delta:
        return []
    pairs = zip(network.target_names, network.layer_units[-1], strict=True)
    return [Quantity(f"dE/da_{o}", f"how far a_{o} is above {t}", name(f"a_{o}") - name(t)) for t, o in pairs]


def deltas(network: Network) -> list[Quantity]:
    """dE/dz of every unit, outputs first: what comes back, times the slope of the unit's activation."""
    wired = layers(network)
    found = output_deltas(network, wired[-1])
    for layer, after in reversed(list(pairwise(wired))):
        for at, z in enumerate(layer.units):
            back = [name(f"dE/d{o}") * name(w[at]) for o, w in zip(after.units, after.weights, strict=True)]
            found.append(delta(layer, z, total(back), "sent back"))
    return found


def output_deltas(network: Network, layer: Layer) -> list[Quantity]:
    """Error × slope; for cross-entropy the two in one: a_ok − t_k, or for softmax a_ok Σt − t_k (Σt is 1 as a rule)."""
    together = loss_of(network).delta
    if not together:
        return [delta(layer, o, name(f"dE/da_{o}"), "error") for o in layer.units]
    meaning, targets = f"cross-entropy × {layer.activation}", [name(t) for t in network.target_names]
    return [
        Quantity(f"dE/d{o}", f"delta of {o}: {meaning}", together(name(f"a_{o}"), t, *targets))
        for o, t in zip(layer.units, targets, strict=True)
    ]


def delta(layer: Layer, z: str, back: Expression, what: str) -> Quantity:
    slope = UNITS[layer.activation].slope
    assert slope, f"{layer.activation} has no slope of one unit alone"
    return Quantity(f"dE/d{z}", f"delta of {z}: {what} × slope", back * slope(name(z), name(f"a_{z}")))


def gradients(network: Network) -> list[Quantity]:
    """dE/dw = delta of the receiving unit · what the weight carries; dE/db = the deltas that the bias feeds."""
    found: dict[str, Quantity] = {}
    for layer in layers(network):
        for z, weights in zip(layer.units, layer.weights, strict=True):
            for w, source in zip(weights, layer.sources, strict=True):
                found[w] = Quantity(f"dE/d{w}", f"{w} carries {source} into {z}", name(f"dE/d{z}") * name(source))
        for b in dict.fromkeys(layer.biases):
            fed = [z for z, own in zip(layer.units, layer.biases, strict=True) if own == b]
            into = total(name(f"dE/d{z}") for z in fed)
            found[b] = Quantity(f"dE/d{b}", f"{b} feeds {' '.join(fed)}", into)
    return [found[weight] for weight in network.weight_names]


def updates(network: Network, optimizer: str = "sgd") -> list[Quantity]:
    """w − learning_rate · what the optimizer makes of dE/dw; a fixed bias stays as it is."""
    rule = RULES[optimizer]
    return [
        Quantity(f"new {w}", f"{w} after one update", name(w) - name("learning_rate") * rule.direction(w))
        if learned
        else Quantity(f"new {w}", f"{w} is fixed: no update", name(w))
        for w, learned in zip(network.weight_names, network.learned, strict=True)
    ]


class Rule(NamedTuple):
    """An optimizer: what it keeps of a learned weight from update to update, and what the learning rate multiplies.

    "new v_w1" follows from v_w1, which is 0 before the first update; `counted` rules read "new update" too, the number
    of this one, from `update`, 0 before the first. beta, beta1, beta2 and epsilon are called as in pyfuncs.optimizers.
    """

    state: Callable[[str], list[Quantity]]
    direction: Callable[[str], Expression]
    counted: bool = False


def momentum_state(w: str) -> list[Quantity]:
    remembered = name("beta") * name(f"v_{w}") + name(f"dE/d{w}")
    return [Quantity(f"new v_{w}", f"velocity of {w}: derivatives so far, older ones less", remembered)]


def adam_state(w: str) -> list[Quantity]:
    gradient = name(f"dE/d{w}")
    return [
        Quantity(f"new m_{w}", f"mean of dE/d{w} so far", moving_mean("beta1", f"m_{w}", gradient)),
        Quantity(f"new v_{w}", "mean of its square so far", moving_mean("beta2", f"v_{w}", call("square", gradient))),
        corrected(f"m_hat_{w}", f"m_{w}", "beta1"),
        corrected(f"v_hat_{w}", f"v_{w}", "beta2"),
    ]


def moving_mean(beta: str, mean: str, latest: Expression) -> Expression:
    """β · what it was + (1 − β) · the latest."""
    return name(beta) * name(mean) + (ONE - name(beta)) * latest


def corrected(hat: str, mean: str, beta: str) -> Quantity:
    """A moving mean that began at 0, divided by the share of it that is not from there."""
    expression = name(f"new {mean}") / (ONE - name(beta) ** name("new update"))
    return Quantity(f"new {hat}", f"{mean}, its start at 0 made good", expression)


RULES = {
    "sgd": Rule(lambda w: [], lambda w: name(f"dE/d{w}")),
    "momentum": Rule(momentum_state, lambda w: name(f"new v_{w}")),
    "adam": Rule(
        adam_state,
        lambda w: name(f"new m_hat_{w}") / (call("root", name(f"new v_hat_{w}")) + name("epsilon")),
        counted=True,
    ),
}


def states(network: Network, optimizer: str) -> list[Quantity]:
    """What an optimizer keeps, weight by weight: read after dE/dw and before the update."""
    rule, learned = RULES[optimizer], network.weight_names[: network.learned_count]
    count = [Quantity("new update", "number of this update", name("update") + ONE)] if rule.counted else []
    return count + [quantity for w in learned for quantity in rule.state(w)]


PARTS = (forward, losses, errors, deltas, gradients)


def derivation(network: Network) -> list[Quantity]:
    """Every quantity from the inputs to dE/dw, each after those that it reads."""
    return in_order([quantity for part in PARTS for quantity in part(network)])


def in_order(quantities: list[Quantity]) -> list[Quantity]:
    """The same quantities, each after those that it reads: every z of a softmax layer before the first a."""
    named, found = {quantity.name: quantity for quantity in quantities}, {}

    def visit(quantity: Quantity) -> None:
        for read in names_in(quantity.expression):
            if read in named and read not in found:
                visit(named[read])
        found[quantity.name] = quantity

    for quantity in quantities:
        visit(quantity)
    return list(found.values())


def connections(network: Network) -> dict[str, str]:
    """Where each weight and bias leads: {"w1": "i1 → h1", "b1": "1 → h1"}."""
    found: dict[str, str] = {}
    for layer in layers(network):
        for z, weights in zip(layer.units, layer.weights, strict=True):
            found |= {w: f"{source} → {z}" for w, source in zip(weights, layer.sources, strict=True)}
        for z, b in zip(layer.units, layer.biases, strict=False):
            found[b] = f"{found[b]} {z}" if b in found else f"1 → {z}"
    return found


class Kind(NamedTuple):
    """A quantity as a value: its kind ("dE/dw") and the number of its weight or unit ("1"), which may be blank."""

    kind: str
    number: str


@lru_cache(maxsize=2_000)
def kind(name: str) -> Kind:
    """The one place where a quantity's name is taken apart: dE/dw1 is ("dE/dw", "1"), da_o1/do1 ("da_o/do", "1")."""
    numbers = re.findall(r"\d+(?:_\d+)?", name)
    return Kind(re.sub(r"\d+(?:_\d+)?", "", name), numbers[-1] if numbers else "")


GIVEN = frozenset({"t", "i"})
STARTED = GIVEN | {"w", "b"}  # what a descent starts from
LOSS_KINDS = frozenset({"E", "E_total"})
UNIT_KINDS = frozenset({"h", "a_h", "o", "a_o"})
GRADIENTS = frozenset({"dE/dw", "dE/db"})
