"""The rules of descent: what follows from a network's givens, every quantity by one rule over others, and how gradients
become steps.

`Rules` is generated from the network and tested against pyfuncs. It is evaluated from the givens alone (the truth) and
over a sheet's own columns, on rows of a table and at random points. A rule of updates is a filter of gradients, with
the numbers that steps propose for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import islice, product
from typing import NamedTuple

import numpy as np

from pyfuncs import optimizers
from pyfuncs.network import Array, Network
from xlsx import formulas
from xlsx.expressions import Expression, name, renamed, total
from xlsx.formulas import UNITS, Layer, kind

from .formula import evaluate

Arrays = Mapping[str, np.ndarray]
Wiring = tuple[tuple[str, str], ...]
RELATIVE, ABSOLUTE = 1e-9, 1e-15  # what double precision may leave
POINTS, SEED = 4, 7
ULPS = 2e-15
MOST_DIGITS = 6  # of a number that somebody would choose
PROPOSALS, LEAST_WEIGHTS, TOLD = 6, 3, 1e-3
Numbers = tuple[Array, ...]
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


class Update(NamedTuple):
    """A weight's values and a gradient that its updates may take, with the half units of both, (rows,); `moved` says
    after which rows most weights move."""

    weight: str
    values: Array
    units: Array
    gradient: Array
    unit: Array
    moved: np.ndarray

    @property
    def step(self) -> Array:
        """(rows − 1,) what is taken from the weight."""
        return self.values[:-1] - self.values[1:]


class Proposal(NamedTuple):
    """The numbers of a rule, each as rows or for all rows, and how far they may be off."""

    numbers: Numbers
    spreads: Numbers


class Rule(NamedTuple):
    """How gradients become steps. What is remembered of them in a row is `keep` times that of the row before, and
    `add`; `direction` is what the rate multiplies; `same` is by what a rate that means the same may differ."""

    text: str
    propose: Callable[[list[Update]], Iterator[Proposal]]
    add: Callable[..., Array] = lambda update, *numbers: update.gradient
    keep: Callable[..., Array] | None = None
    direction: Callable[..., Array] = lambda state, update, *numbers: state
    same: Callable[..., float] = lambda *numbers: 1.0
    decays: bool = False

    def onward(self, before: Array, update: Update, *numbers: Array) -> Array:
        """(rows,) the state of each row from that of the one before."""
        return self.add(update, *numbers) + (self.keep(update, *numbers) * before if self.keep else 0.0)

    def state(self, update: Update, *numbers: Array) -> Array:
        """(rows,) the state of each row, from nothing before the first."""
        found = np.array(self.add(update, *numbers))
        keep = self.keep(update, *numbers) + 0.0 * found if self.keep else found[:0]
        for row in range(1, len(keep)):
            found[row] += keep[row] * found[row - 1]
        return found


def filtered(update: Update, *numbers: Array) -> Array:
    """(rows,) what Adam makes of the gradients, row by row."""
    direction = optimizers.Optimizer("adam", tuple(map(float, numbers))).start()
    return np.array([direction(each) for each in update.gradient])


def waiting(update: Update, size: Array) -> Array:
    """(rows,) 1 where the weights have not moved after the row before, so that gradients gather."""
    return np.append(0.0, ~update.moved[:-1])


# What numbers the steps propose.


def always(*numbers: float) -> Callable[[list[Update]], Iterator[Proposal]]:
    made = tuple(map(np.asarray, numbers))
    return lambda updates: iter([Proposal(made, tuple(0.0 * each for each in made))])


def linear(*terms: str) -> Callable[[list[Update]], Iterator[Proposal]]:
    """Proposes the numbers that make steps a sum of these terms; the last terms' over the first one's coefficient."""
    return partial(solved_for, terms)


def solved_for(terms: tuple[str, ...], updates: list[Update]) -> Iterator[Proposal]:
    """Short numbers within the rounding of the solutions, of all weights together and of each; then what most say."""
    systems = [each for each in (system(terms, update) for update in updates) if len(each)]
    solutions = [solution(terms, each) for each in (trimmed(np.concatenate(systems)), *systems)] if systems else []
    known = [each for each in solutions if each is not None]
    found = Counter(each for pair in known for each in product(*(decimals(*own) for own in zip(*pair, strict=True))))
    first = product(*(decimals(*own) for own in zip(*known[0], strict=True))) if known else ()
    for numbers in dict.fromkeys([*islice(first, PROPOSALS), *(each for each, _ in found.most_common(PROPOSALS))]):
        yield Proposal(tuple(map(np.asarray, numbers)), tuple(np.zeros(()) for _ in numbers))
    for values, spreads in known:
        if (spreads <= TOLD * values).all():
            yield Proposal(tuple(values), tuple(spreads))
            return


def system(terms: tuple[str, ...], update: Update) -> Array:
    """(rows, terms + 1) the terms and the steps of one weight, each row by its rounding."""
    step, gradient = update.step, update.gradient
    known = {
        "gradient": gradient[1:-1],
        "gradient before": gradient[:-2],
        "step before": step[:-1],
        "weight": update.values[1:-1],
    }
    with np.errstate(all="ignore"):
        noise = update.units[:-1] + update.units[1:] + ULPS * (1 + np.abs(update.values[1:]))
        noise = noise + np.abs(step / gradient[:-1]) * update.unit[:-1] + 1e-12 * np.abs(step)
        found = np.array([*(known[term] for term in terms), step[1:]]).T / noise[1:, None]
    return found[np.isfinite(found).all(axis=1)]


def trimmed(rows: Array) -> Array:
    """The rows without those that fit a solution of all far worse than most do, as one wrong cell's."""
    for _ in range(3):
        solved = np.linalg.lstsq(rows[:, :-1], rows[:, -1], rcond=None)[0]
        off = np.abs(rows[:, -1] - rows[:, :-1] @ solved)
        if not np.isfinite(off).all():
            return rows[:0]
        rows = rows[off <= 5 * np.median(off)]
    return rows


def solution(terms: tuple[str, ...], rows: Array) -> tuple[Array, Array] | None:
    """The numbers of a rule by least squares, and three deviations: coefficients of the step before, and of the weight
    over that of the gradient; None where there are too few rows, or where one is negative."""
    size = np.abs(rows[:, :-1]).max(axis=0, initial=0.0)
    if len(rows) <= len(terms) or not size.all():
        return None
    scaled = rows[:, :-1] / size
    inverse = np.linalg.pinv(scaled.T @ scaled)
    coefficients = inverse @ scaled.T @ rows[:, -1] / size
    deviations = 3 * np.sqrt(np.abs(np.diag(inverse))) / size
    by = [coefficients[0] if term == "weight" else 1.0 for term in terms]
    chosen = [at for at, term in enumerate(terms) if term in ("step before", "weight")]
    with np.errstate(all="ignore"):
        values, spreads = coefficients / by, np.abs(deviations / by)
        spreads = spreads + np.where(np.equal(by, 1.0), 0.0, np.abs(values * deviations[0] / coefficients[0]))
    values, spreads = values[chosen], np.maximum(spreads, 1e-6 * np.abs(values))[chosen]
    too_much = [at for at in chosen if terms[at] == "step before" and not coefficients[at] < 1]
    return (values, spreads) if np.isfinite(values).all() and (values > 0).all() and not too_much else None


def shortest(value: float, spread: float) -> float:
    """The shortest decimal within the spread, else the number itself."""
    return next(iter(decimals(value, spread)), value)


def decimals(value: float, spread: float) -> list[float]:
    """The decimals within the spread, from the shortest on."""
    short = dict.fromkeys(float(f"{value:.{digits}g}") for digits in range(1, MOST_DIGITS))
    return [each for each in short if abs(each - value) <= spread]


def row_sizes(updates: list[Update]) -> Iterator[Proposal]:
    """The number of rows for each update, where weights wait for several."""
    last = np.flatnonzero(updates[0].moved)
    sizes = np.diff(np.concatenate([[-1], last]))
    left = len(updates[0].moved) - 1 - last[-1] if len(last) else 0
    if len(last) and np.median(sizes) > 1 and left <= sizes.max():  # weights that stand still at the end do not wait
        yield Proposal((np.median(sizes),), (np.zeros(()),))


def row_rates(updates: list[Update]) -> Iterator[Proposal]:
    """The rate of each row, as a share of the first row's, where enough weights agree on it."""
    if len({each.weight for each in updates}) < LEAST_WEIGHTS:
        return
    with np.errstate(all="ignore"):
        quotients = np.array([each.step / each.gradient[:-1] for each in updates])
        errors = np.array(
            [(each.units[:-1] + each.units[1:] + ULPS) / np.abs(each.gradient[:-1]) + 1e-9 for each in updates]
        )
        quotients[~np.isfinite(quotients)] = np.nan
        errors[np.isnan(errors)] = np.inf
        if (np.isfinite(quotients).sum(axis=0) < LEAST_WEIGHTS).any():
            return
        rates, spreads = np.nanmedian(quotients, axis=0), np.nanmedian(errors, axis=0)
        if not rates[0]:
            return
        shares = np.append(rates, np.nan) / rates[0]  # nothing tells the last row's
        spreads = np.append(spreads, 0.0) / abs(rates[0]) + np.abs(shares) * spreads[0] / abs(rates[0])
    if (shares[:-1] > 0).all():
        yield Proposal((shares,), (3 * spreads,))


PLAIN = Rule("plain gradient descent", always())
CHANGING = Rule(
    "a learning rate that changes from row to row",
    row_rates,
    direction=lambda state, update, shares: shares * update.gradient,
)
MOMENTUM = Rule(
    "momentum {0:g}",
    linear("gradient", "step before"),
    keep=lambda update, beta, decay=0.0: beta,
    same=lambda beta: float(1 / (1 - beta)),
)
DECAY = Rule(
    "weight decay {0:g}",
    linear("gradient", "weight"),
    lambda update, decay: update.gradient + decay * update.values,
    decays=True,
)
UPDATES = (  # in the order in which they are believed
    PLAIN,
    *(
        Rule(
            f"updates once in {{0:g}} rows, by the {word} of their gradients",
            row_sizes,
            keep=waiting,
            direction=lambda state, update, size, mean=mean: np.where(update.moved, state / (size if mean else 1), 0.0),
        )
        for word, mean in (("sum", False), ("mean", True))
    ),
    MOMENTUM,
    MOMENTUM._replace(
        text="Nesterov momentum {0:g}",
        propose=linear("gradient", "gradient before", "step before"),
        direction=lambda state, update, beta: update.gradient + beta * state,
    ),
    DECAY,
    DECAY._replace(
        text="momentum {0:g} and weight decay {1:g}",
        propose=linear("gradient", "step before", "weight"),
        add=lambda update, beta, decay: DECAY.add(update, decay),
        keep=MOMENTUM.keep,
    ),
    Rule("Adam ({0:g}, {1:g}, {2:g})", always(*optimizers.parse("adam").numbers), filtered),
    CHANGING,
)
