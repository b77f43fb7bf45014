"""What follows from a network's givens: every quantity by one rule over others, generated from the network.

`Rules` is tested against pyfuncs. The same rules are evaluated from the givens alone (the truth) and over a sheet's own
columns, on rows of a table and at random points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np

from pyfuncs.network import Network
from xlsx import formulas
from xlsx.expressions import Expression, name, renamed, total
from xlsx.formulas import UNITS, Layer

from .formula import evaluate
from .titles import kind

Arrays = Mapping[str, np.ndarray]
Wiring = tuple[tuple[str, str], ...]
RELATIVE, ABSOLUTE = 1e-9, 1e-15  # what double precision may leave
POINTS, SEED = 4, 7
LATER = ("dE/da_o", "dE/da_h")  # where a slope is 1 these are dE/dz, too, which is meant more often


class Rules:
    """The rules of one network. `givens` are targets, inputs, weights and biases; all else has a rule. `wiring` has the
    learner's names of weights that are numbered another way than the exercise's.

    `by_number` are the quantities that a column may hold under any title.
    """

    def __init__(self, network: Network, wiring: Wiring = ()):
        self.network, self.wiring = network, dict(wiring)
        self.layers = formulas.layers(network)
        self.rules = {each.name: each.expression for each in (*formulas.forward(network), *formulas.losses(network))}
        self.rules |= dict(self.backward())
        self.by_number = tuple(map(self.called, sorted(self.rules, key=lambda each: kind(each).kind in LATER)))
        self.rules |= dict(self.local())
        self.rules = {self.called(each): renamed(rule, self.called) for each, rule in self.rules.items()}
        self.layers = [
            each._replace(weights=tuple(tuple(map(self.called, row)) for row in each.weights)) for each in self.layers
        ]
        self.weights = tuple(map(self.called, network.weight_names))
        self.givens = network.target_names + network.input_names + self.weights
        self.points: dict[int, dict[str, np.ndarray]] = {}

    def called(self, text: str) -> str:
        """A quantity as the learner calls it, who may number weights another way."""
        return re.sub(r"w\d+", lambda found: self.wiring.get(found[0], found[0]), text) if self.wiring else text

    def backward(self) -> Iterator[tuple[str, Expression]]:
        yield from self.slopes()
        yield from self.outputs()
        for at in range(len(self.layers) - 2, -1, -1):
            yield from self.hidden(self.layers[at], self.layers[at + 1], at == len(self.layers) - 2)
        yield from ((each.name, each.expression) for each in formulas.gradients(self.network))

    def slopes(self) -> Iterator[tuple[str, Expression]]:
        for layer in self.layers:
            if slope := UNITS[layer.activation].slope:
                yield from ((f"da_{z}/d{z}", slope(name(z), name(f"a_{z}"))) for z in layer.units)

    def outputs(self) -> Iterator[tuple[str, Expression]]:
        """dE/da and dE/dz of the outputs; where the loss gives dE/dz at once, dE/da is that over the slope."""
        together, last = formulas.loss_of(self.network).delta, self.layers[-1]
        targets = [name(t) for t in self.network.target_names]
        for z, t in zip(last.units, targets, strict=True):
            slope = name(f"da_{z}/d{z}")
            if not together:
                yield f"dE/da_{z}", name(f"a_{z}") - t
                yield f"dE/d{z}", name(f"dE/da_{z}") * slope
                continue
            yield f"dE/d{z}", together(name(f"a_{z}"), t, *targets)
            if UNITS[last.activation].slope:
                yield f"dE/da_{z}", name(f"dE/d{z}") / slope

    @staticmethod
    def hidden(layer: Layer, after: Layer, last: bool) -> Iterator[tuple[str, Expression]]:
        """dE/da = Σ dE_k/da, by the output that sends it back, and dE/dz = dE/da · slope."""
        for at, z in enumerate(layer.units):
            back = {f"dE{k}/da_{z}": name(f"dE/d{o}") * name(w[at]) for k, (o, w) in numbered(after)}
            if last:
                yield from back.items()
            yield f"dE/da_{z}", total(name(each) for each in back) if last else total(back.values())
            yield f"dE/d{z}", name(f"dE/da_{z}") * name(f"da_{z}/d{z}")

    def local(self) -> Iterator[tuple[str, Expression]]:
        """The last factors of a chain: do1/dw5 is a_h1, do1/da_h1 is w5; and E1's own derivatives, which are E's."""
        for layer in self.layers:
            for z, weights in zip(layer.units, layer.weights, strict=True):
                for w, source in zip(weights, layer.sources, strict=True):
                    yield f"d{z}/d{w}", name(source)
                    if source not in self.network.input_names:
                        yield f"d{z}/d{source}", name(w)
        for k, (o, weights) in numbered(self.layers[-1]):
            for each in (f"a_{o}", o, *weights):
                if f"dE/d{each}" in self.rules:
                    yield f"dE{k}/d{each}", name(f"dE/d{each}")

    def values(self, givens: Arrays, own: Arrays | None = None) -> dict[str, np.ndarray]:
        """Every quantity from the givens; with `own`, each from these columns where it reads one of them."""
        memo: dict[str, np.ndarray] = {}

        def read(each: str) -> np.ndarray:
            if each in givens:
                return givens[each]
            if own is not None and each in own:
                return own[each]
            return of(each)

        def of(each: str) -> np.ndarray:
            if each not in memo:
                memo[each] = np.asarray(evaluate(self.rules[each], lambda leaf: read(leaf.parts[0])))
            return memo[each]

        with np.errstate(all="ignore"):
            return {each: of(each) for each in self.rules}

    def bounds(
        self, givens: Arrays, units: Arrays, own: Arrays | None = None, own_units: Arrays | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """All quantities, and how far each may be off because of the rounding of what it is computed from.

        Each rounded number is moved by its half unit in turn, and the changes are added up (first order).
        """
        base = self.values(givens, own)
        spread = {each: RELATIVE * np.abs(value) + ABSOLUTE for each, value in base.items()}
        for moved_name, unit in {**units, **(own_units or {})}.items():
            if not np.any(unit):
                continue
            if moved_name in givens:
                moved = self.values({**givens, moved_name: givens[moved_name] + unit}, own)
            else:
                moved = self.values(givens, {**(own or {}), moved_name: (own or {})[moved_name] + unit})
            for each, value in moved.items():
                with np.errstate(invalid="ignore"):
                    spread[each] = spread[each] + 1.1 * np.abs(value - base[each])
        return base, spread

    def point(self, offset: int) -> dict[str, np.ndarray]:
        """All quantities at random points of the row that is `offset` rows away; at the last, ReLUs are off."""
        if offset not in self.points:
            chance = np.random.default_rng([SEED, abs(offset), offset < 0])
            givens = {each: chance.uniform(0.2, 0.9, POINTS) for each in self.givens}
            if self.network.output == "softmax":  # its targets add up to 1
                whole = sum(givens[t] for t in self.network.target_names)
                givens |= {t: givens[t] / whole for t in self.network.target_names}
            for w in {w for weights in self.layers[0].weights for w in weights}:
                givens[w][-1] *= -1
            for b in self.layers[0].biases:
                givens[b][-1] = -abs(givens[b][-1])
            with np.errstate(all="ignore"):
                values = self.values(givens)
            self.points[offset] = givens | {each: value + np.zeros(POINTS) for each, value in values.items()}
        return self.points[offset]


def numbered(layer: Layer) -> Iterator[tuple[int, tuple[str, tuple[str, ...]]]]:
    return iter(enumerate(zip(layer.units, layer.weights, strict=True), 1))


@lru_cache(maxsize=64)
def rules_of(network: Network, wiring: Wiring = ()) -> Rules:
    return Rules(network, wiring)
