"""Every quantity of a network, derived once: a formula to read, one with numbers put in, a native one, a value.

A derivation is a list of named expressions over names (w1, a_h1, dE/do1 …). `text`, `with_numbers`, `native` and
`evaluate` are four readings of one expression, so a sheet's text and its cells cannot disagree. Of pyfuncs only
Network's names are used: what it computes stays an independent referee.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import add, mul, sub
from typing import NamedTuple

from pyfuncs.network import Network

SHOWN_DECIMALS = 6


class Function(NamedTuple):
    """One function of {x}: how it is read, how it is written in a cell, and what it gives."""

    text: str
    native: str
    value: Callable[[float], float]


def sigmoid(x: float) -> float:
    """1/(1 + e^-x) without overflow: the exponent is never positive."""
    small = math.exp(-abs(x))
    return 1 / (1 + small) if x >= 0 else small / (1 + small)


FUNCTIONS = {
    "sigmoid": Function("1/(1 + e^(−{x}))", "IF({x}>=0,1/(1+EXP(-{x})),EXP({x})/(1+EXP({x})))", sigmoid),
    "tanh": Function("tanh({x})", "TANH({x})", math.tanh),
    "relu": Function("max(0, {x})", "IF({x}>0,{x},0)", lambda x: 0.0 if x <= 0 else x),
    "above_zero": Function("(1 if {x} > 0 else 0)", "IF({x}>0,1,0)", lambda x: float(x > 0)),
    "square": Function("({x})²", "({x})^2", lambda x: x * x),
}


class Operator(NamedTuple):
    text: str
    native: str
    value: Callable[[float, float], float]


OPERATORS = {"+": Operator(" + ", "+", add), "-": Operator(" − ", "-", sub), "*": Operator(" · ", "*", mul)}
NUMBERS = {0.5: "½"}


@dataclass(frozen=True)
class Expression:
    """`operation` is "name", "number", an operator or a function; `parts` are the name, the number or the operands."""

    operation: str
    parts: tuple

    def __add__(self, other: Expression) -> Expression:
        return Expression("+", (self, other))

    def __sub__(self, other: Expression) -> Expression:
        return Expression("-", (self, other))

    def __mul__(self, other: Expression) -> Expression:
        return Expression("*", (self, other))


def name(text: str) -> Expression:
    return Expression("name", (text,))


def number(value: float) -> Expression:
    return Expression("number", (value,))


def call(function: str, x: Expression) -> Expression:
    return Expression(function, (x,))


def total(terms: Iterable[Expression]) -> Expression:
    return reduce(add, terms)


def names_in(expression: Expression) -> tuple[str, ...]:
    """Every name an expression reads, in reading order."""
    if expression.operation == "name":
        return expression.parts
    parts = (part for part in expression.parts if isinstance(part, Expression))
    return tuple(found for part in parts for found in names_in(part))


def written(expression: Expression, reading: str, shown: Callable[[str], str]) -> str:
    """The expression as "text" or as "native"; `shown` writes a name. Sums in a product get their parentheses."""
    operation, parts = expression.operation, expression.parts
    if operation == "name":
        return shown(parts[0])
    if operation == "number":
        return NUMBERS.get(parts[0], f"{parts[0]:g}") if reading == "text" else f"{parts[0]:g}"
    if operation in FUNCTIONS:
        return getattr(FUNCTIONS[operation], reading).format(x=written(parts[0], reading, shown))
    sides = [written(part, reading, shown) for part in parts]
    bound = [f"({side})" if loose(part, operation) else side for side, part in zip(sides, parts, strict=True)]
    return getattr(OPERATORS[operation], reading).join(bound)


def loose(part: Expression, operation: str) -> bool:
    """Whether a part needs parentheses inside an operation. (No derivation subtracts a sum.)"""
    return operation == "*" and part.operation in "+-"


def text(expression: Expression) -> str:
    """The formula to read: "w1 · i1 + w2 · i2"."""
    return written(expression, "text", str)


def native(expression: Expression, cell: Callable[[str], str]) -> str:
    """The formula for a cell, without "=": "B3*B1+B4*B2". `cell` gives the reference of a name."""
    return written(expression, "native", cell)


def with_numbers(expression: Expression, cell: Callable[[str], str]) -> str:
    """A formula, without "=", whose answer is the text with the numbers put in, in the reader's own locale."""

    def piece(quantity: str) -> str:
        shown = f"ROUND({cell(quantity)},{SHOWN_DECIMALS})"
        return f'"&IF({cell(quantity)}<0,"("&{shown}&")",{shown})&"'

    return f'"{written(expression, "text", piece)}"'


def numbers_text(expression: Expression, values: Mapping[str, float]) -> str:
    """What `with_numbers` answers at these values, to be stored beside the formula."""

    def piece(quantity: str) -> str:
        value = round(values[quantity], SHOWN_DECIMALS)
        shown = f"{value:.{SHOWN_DECIMALS}f}".rstrip("0").rstrip(".") if value else "0"
        return f"({shown})" if values[quantity] < 0 else shown

    return written(expression, "text", piece)


def evaluate(expression: Expression, values: Mapping[str, float]) -> float:
    """The expression's value; not a number wherever a spreadsheet would give an error (an infinity is one there)."""
    operation, parts = expression.operation, expression.parts
    if operation in ("name", "number"):
        return values[parts[0]] if operation == "name" else parts[0]
    known = [evaluate(part, values) for part in parts]
    value = FUNCTIONS[operation].value(*known) if operation in FUNCTIONS else OPERATORS[operation].value(*known)
    return value if math.isfinite(value) else math.nan


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
