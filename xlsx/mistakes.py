"""The mistakes that learners really make, as the derivative that the update then uses for each weight.

From 31 workbooks for the exercise, of which 20 hold one of these. A mistake names only the weights that it touches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce

from pyfuncs.network import Network
from xlsx import chains, formulas
from xlsx.expressions import Expression, name, number, renamed, total
from xlsx.formulas import Layer

Wrong = dict[str, Expression]


@dataclass(frozen=True)
class TypicalMistake:
    """`change` gives the wrong derivatives, none where the network has no place for the mistake.

    `unseen` says what must hold where these are the right ones after all. `each_sample` is true where they are made
    sample by sample, before the mean of a batch.
    """

    name: str
    about: str
    unseen: str
    change: Callable[[Network], Wrong]
    each_sample: bool = True

    @lru_cache(maxsize=32)  # noqa: B019 (a mistake lives as long as the module)
    def of(self, network: Network, samples: int) -> Wrong:
        """The wrong derivatives of a batch: the mean of its samples' own."""
        wrong = self.change(network)
        if samples == 1 or not self.each_sample:
            return wrong
        return {w: mean(network, expression, samples) for w, expression in wrong.items()}


def mean(network: Network, expression: Expression, samples: int) -> Expression:
    def of(sample: int) -> Expression:
        return renamed(expression, lambda text: text if text in network.weight_names else f"{text} #{sample}")

    return total(of(sample) for sample in range(1, samples + 1)) / number(samples)


def first_hidden(network: Network) -> tuple[Layer, Layer] | None:
    """The first hidden layer and the one after it."""
    found = formulas.layers(network)
    return (found[0], found[1]) if len(found) > 1 else None


def into_hidden(layer: Layer, change: Callable[[str], Expression]) -> Wrong:
    """A wrong delta for each unit of a hidden layer, times what each of its weights carries."""
    return {
        w: change(unit) * name(source)
        for unit, weights in zip(layer.units, layer.weights, strict=True)
        for w, source in zip(weights, layer.sources, strict=True)
    }


def delta(network: Network, unit: str) -> Expression:
    return deltas(network)[f"dE/d{unit}"]


@lru_cache(maxsize=8)
def deltas(network: Network) -> dict[str, Expression]:
    return {each.name: each.expression for each in formulas.deltas(network)}


def first_unit_for_second(network: Network) -> Wrong:
    if not (found := first_hidden(network)):
        return {}
    layer, _ = found
    if len(layer.units) < 2 or layer.activation == "linear":
        return {}
    one, two = layer.units[:2]
    wrong = chains.replaced(delta(network, two), {f"a_{two}": name(f"a_{one}"), two: name(one)})
    return {w: wrong * name(source) for w, source in zip(layer.weights[1], layer.sources, strict=True)}


def no_parentheses(network: Network) -> Wrong:
    """a + b · slope · i in place of (a + b) · slope · i."""
    if not (hidden := first_hidden(network)):
        return {}
    layer, after = hidden
    if len(after.units) < 2:
        return {}
    found = {}
    for at, unit in enumerate(layer.units):
        _, slope = delta(network, unit).parts
        terms = [name(f"dE/d{o}") * name(w[at]) for o, w in zip(after.units, after.weights, strict=True)]
        for w, source in zip(layer.weights[at], layer.sources, strict=True):
            last = reduce(lambda one, other: one * other, (*terms[-1].parts, slope, name(source)))
            found[w] = total([*terms[:-1], last])
    return found


def swapped_weights(network: Network) -> Wrong:
    if not (found := first_hidden(network)):
        return {}
    layer, after = found
    if len(layer.units) < 2 or len(after.units) < 2:
        return {}
    one, other = after.weights[0][1], after.weights[1][0]
    swap = {one: name(other), other: name(one)}
    wrong = into_hidden(layer, lambda unit: chains.replaced(delta(network, unit), swap))
    return {w: wrong[w] for w in layer.weights[0] + layer.weights[1]}


def sum_for_activation(network: Network) -> Wrong:
    if not (found := first_hidden(network)):
        return {}
    layer, _ = found
    if layer.activation not in ("sigmoid", "tanh"):
        return {}
    by = {f"a_{unit}": name(unit) for unit in layer.units}
    return into_hidden(layer, lambda unit: chains.replaced(delta(network, unit), by))


def other_derivative(network: Network) -> Wrong:
    layer = formulas.layers(network)[0]
    if len(layer.units) < 2:
        return {}
    return {two: name(f"dE/d{one}") for one, two in zip(*layer.weights[:2], strict=True)}


def other_rate(network: Network) -> Wrong:
    weights = network.weight_names[: network.learned_count]
    slid = weights[min(1, len(weights) - 1)]
    return {w: name(f"dE/d{w}") * name(slid) / name("learning_rate") for w in weights}


def no_rate(network: Network) -> Wrong:
    return {w: number(0) * name(f"dE/d{w}") for w in network.weight_names[: network.learned_count]}


MISTAKES = (
    TypicalMistake(
        "a_h1 for a_h2",
        "The derivatives into the second hidden unit take the slope of the first: a formula copied down by hand.",
        "the two units have the same slope",
        first_unit_for_second,
    ),
    TypicalMistake(
        "missing parentheses",
        "What the outputs send back is summed without parentheses, so the slope multiplies the last term only.",
        "the terms before the last are 0, or slope times input is 1",
        no_parentheses,
    ),
    TypicalMistake(
        "w6 and w7 swapped",
        "Going back, the weight from the second hidden unit to o1 and the one from the first to o2 change places.",
        "the two weights are equal, or nothing is sent back through them",
        swapped_weights,
    ),
    TypicalMistake(
        "h(1 − h)",
        "The slope of a hidden unit is taken at its weighted sum, not at its output.",
        "nothing is sent back to the hidden units",
        sum_for_activation,
    ),
    TypicalMistake(
        "w3 updated with dE/dw1",
        "The derivatives are right, but the second hidden unit’s weights are updated with those of the first’s.",
        "the two units have the same derivatives",
        other_derivative,
        each_sample=False,
    ),
    TypicalMistake(
        "unanchored learning rate",
        "The reference to the learning rate has no $: copied on, it reads the cell of w2 in its place.",
        "w2 is the learning rate, or all derivatives are 0",
        other_rate,
        each_sample=False,
    ),
    TypicalMistake(
        "empty learning rate",
        "The reference points at an empty cell, which counts as 0: nothing is learned, and no error shows.",
        "all derivatives are 0",
        no_rate,
        each_sample=False,
    ),
)


def fitting(network: Network) -> list[TypicalMistake]:
    """The mistakes that this network has a place for."""
    return [mistake for mistake in MISTAKES if mistake.change(network)]
