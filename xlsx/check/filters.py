"""The rules by which weights may be updated: each a filter of gradients, with the numbers that steps propose for it.

Those of pyfuncs.optimizers are taken from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, product
from typing import NamedTuple

import numpy as np

from pyfuncs import optimizers
from pyfuncs.network import Array

ULPS = 2e-15
MOST_DIGITS = 6  # of a number that somebody would choose
PROPOSALS, LEAST_WEIGHTS, TOLD = 6, 3, 1e-3
Numbers = tuple[Array, ...]


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
    """How gradients become steps. `state` is what is remembered of them in each row, `direction` what the rate
    multiplies, `onward` a row's state from the one before; `same` is by what a rate that means the same may differ."""

    text: str
    propose: Callable[[list[Update]], Iterator[Proposal]]
    state: Callable[..., Array]
    direction: Callable[..., Array] = lambda state, update, *numbers: state
    onward: Callable[..., Array] | None = None
    same: Callable[..., float] = lambda *numbers: 1.0
    decays: bool = False


# The filters. Each takes an update and the rule's numbers.


def filtered(text: str, gradient: Array, numbers: Numbers) -> Array:
    """(rows,) what an optimizer of pyfuncs makes of the gradients, row by row."""
    direction = optimizers.Optimizer(text, tuple(map(float, numbers))).start()
    return np.array([direction(each) for each in gradient])


def with_decay(update: Update, decay: Array) -> Array:
    return update.gradient + decay * update.values


def velocity(update: Update, beta: Array) -> Array:
    return filtered("momentum", update.gradient, (beta,))


def decayed_velocity(update: Update, beta: Array, decay: Array) -> Array:
    return filtered("momentum", with_decay(update, decay), (beta,))


def velocity_after(before: Array, update: Update, beta: Array, decay: float | Array = 0.0) -> Array:
    found: Array = filtered("momentum", np.array([before, with_decay(update, np.asarray(decay))]), (beta,))[1]
    return found


def gathered(update: Update) -> Array:
    """The sum of the gradients since the weights last moved."""
    found = np.array(update.gradient)
    for row in np.flatnonzero(~update.moved[:-1]):
        found[row + 1] += found[row]
    return found


def gathered_after(before: Array, update: Update) -> Array:
    begun = np.concatenate([[True], update.moved[:-1]])
    return np.where(begun, update.gradient, before + update.gradient)


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


PLAIN = Rule("plain gradient descent", always(), lambda update: update.gradient)
CHANGING = Rule(
    "a learning rate that changes from row to row",
    row_rates,
    lambda update, shares: update.gradient,
    lambda state, update, shares: shares * update.gradient,
)
RULES = (  # in the order in which they are believed
    PLAIN,
    *(
        Rule(
            f"updates once in {{0:g}} rows, by the {word} of their gradients",
            row_sizes,
            lambda update, size: gathered(update),
            lambda state, update, size, mean=mean: np.where(update.moved, state / (size if mean else 1), 0.0),
            lambda before, update, size: gathered_after(before, update),
        )
        for word, mean in (("sum", False), ("mean", True))
    ),
    Rule(
        "momentum {0:g}",
        linear("gradient", "step before"),
        velocity,
        onward=velocity_after,
        same=lambda beta: float(1 / (1 - beta)),
    ),
    Rule(
        "Nesterov momentum {0:g}",
        linear("gradient", "gradient before", "step before"),
        velocity,
        lambda state, update, beta: update.gradient + beta * state,
        velocity_after,
        lambda beta: float(1 / (1 - beta)),
    ),
    Rule("weight decay {0:g}", linear("gradient", "weight"), with_decay, decays=True),
    Rule(
        "momentum {0:g} and weight decay {1:g}",
        linear("gradient", "step before", "weight"),
        decayed_velocity,
        onward=velocity_after,
        decays=True,
    ),
    Rule(
        "Adam ({0:g}, {1:g}, {2:g})",
        always(*optimizers.parse("adam").numbers),
        lambda update, *numbers: filtered("adam", update.gradient, numbers),
    ),
    CHANGING,
)
