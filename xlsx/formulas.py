"""Every quantity of a network, derived once, as named expressions over the names of a sheet.

A derivation is a list of quantities: what they are called, what they mean, and the expression from which a sheet takes
the formula to read, the one with numbers put in, the native one and the value (xlsx.expressions). Of pyfuncs only
Network's names are used: what it computes stays an independent referee.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from pyfuncs.network import Network
from xlsx.expressions import Expression, call, name, number, text, total


class Unit(NamedTuple):
    """An activation: a from z, and da/dz, written with a where that is shorter."""

    activation: Callable[[Expression], Expression]
    slope: Callable[[Expression, Expression], Expression]


ONE = number(1)
UNITS = {
    "sigmoid": Unit(lambda z: call("sigmoid", z), lambda z, a: a * (ONE - a)),
    "tanh": Unit(lambda z: call("tanh", z), lambda z, a: ONE - call("square", a)),
    "relu": Unit(lambda z: call("relu", z), lambda z, a: call("above_zero", z)),
    "linear": Unit(lambda z: z, lambda z, a: ONE),
}


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


def bias_names(network: Network, units: tuple[str, ...], b: Iterable[str]) -> tuple[str, ...]:
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
    return (
        Quantity(z, f"weighted sum into {z}", total(terms + bias)),
        Quantity(f"a_{z}", f"output of {z}: {layer.activation}", UNITS[layer.activation].activation(name(z))),
    )


def losses(network: Network) -> list[Quantity]:
    """E_k = ½ (t_k − a_ok)² and their sum."""
    pairs = list(zip(network.loss_names[:-1], network.target_names, network.layer_units[-1], strict=True))
    each = [
        Quantity(error, f"half squared error at {o}", number(0.5) * call("square", name(t) - name(f"a_{o}")))
        for error, t, o in pairs
    ]
    summed = Quantity(network.loss_names[-1], "the loss: all errors together", total(name(row.name) for row in each))
    return [*each, summed]


def errors(network: Network) -> list[Quantity]:
    """dE/da_ok = a_ok − t_k: the derivative of ½ (t_k − a_ok)²."""
    pairs = zip(network.target_names, network.layer_units[-1], strict=True)
    return [Quantity(f"dE/da_{o}", f"how far a_{o} is above {t}", name(f"a_{o}") - name(t)) for t, o in pairs]


def deltas(network: Network) -> list[Quantity]:
    """dE/dz of every unit, outputs first: what comes back, times the slope of the unit's activation."""
    wired = layers(network)
    found = [delta(wired[-1], o, name(f"dE/da_{o}"), "error") for o in wired[-1].units]
    for layer, after in reversed(list(pairwise(wired))):
        for at, z in enumerate(layer.units):
            back = [name(f"dE/d{o}") * name(w[at]) for o, w in zip(after.units, after.weights, strict=True)]
            found.append(delta(layer, z, total(back), "sent back"))
    return found


def delta(layer: Layer, z: str, back: Expression, what: str) -> Quantity:
    slope = UNITS[layer.activation].slope(name(z), name(f"a_{z}"))
    return Quantity(f"dE/d{z}", f"delta of {z}: {what} × slope", back * slope)


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


def updates(network: Network) -> list[Quantity]:
    """w − learning_rate · dE/dw; a fixed bias stays as it is."""
    return [
        Quantity(f"new {w}", f"{w} after one update", name(w) - name("learning_rate") * name(f"dE/d{w}"))
        if learned
        else Quantity(f"new {w}", f"{w} is fixed: no update", name(w))
        for w, learned in zip(network.weight_names, network.learned, strict=True)
    ]


def connections(network: Network) -> dict[str, str]:
    """Where each weight and bias leads: {"w1": "i1 → h1", "b1": "1 → h1"}."""
    found: dict[str, str] = {}
    for layer in layers(network):
        for z, weights in zip(layer.units, layer.weights, strict=True):
            found |= {w: f"{source} → {z}" for w, source in zip(weights, layer.sources, strict=True)}
        for z, b in zip(layer.units, layer.biases, strict=False):
            found[b] = f"{found[b]} {z}" if b in found else f"1 → {z}"
    return found
