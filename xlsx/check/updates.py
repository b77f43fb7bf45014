"""By what rule weights change from row to row, plain descent or a filter of its gradients, and at which learning rate.

Each rule is tested against the steps that the weights take; those of pyfuncs.optimizers are taken from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from itertools import islice, product
from typing import NamedTuple

import numpy as np

from pyfuncs import optimizers
from pyfuncs.network import Array

from .descent import Column
from .meaning import Reading, alike, near
from .titles import kind

ULPS = 2e-15
MOST_DIGITS = 6  # of a number that somebody would choose
PROPOSALS, LEAST_WEIGHTS, AS_GOOD, TOLD = 6, 3, 0.02, 1e-3
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


class Rate(NamedTuple):
    """The learning rate that most updates obey, how far off it may be, and the rule of the updates. `by` is the factor
    of columns that hold the rule's state, which are `late` where a row has that of the row before."""

    value: float
    spread: float
    rule: Rule
    made: Proposal = Proposal((), ())
    by: float = 1.0
    late: bool = False

    @property
    def plain(self) -> bool:
        return self.rule is PLAIN

    @property
    def text(self) -> str:
        """The rule and its numbers, in words."""
        return self.rule.text.format(*(float(each) if np.size(each) == 1 else each for each in self.made.numbers))

    @property
    def short(self) -> bool:
        """Whether it and the rule's numbers are such as somebody would choose."""
        numbers = [self.value, *(each if np.size(each) == 1 else np.nan for each in self.made.numbers)]
        return all(decimals(float(each), 0.0) for each in numbers)

    @property
    def same(self) -> float:
        """The rate that means the same where the rule's state is a mean instead of a sum."""
        return self.value * self.rule.same(*self.made.numbers)

    def meant(self, stated: Collection[float]) -> float:
        """The rate as a workbook states it, else as it multiplies a sum."""
        is_stated = any(abs(self.same - each) <= 1e-6 * each for each in stated)
        return self.same if is_stated and self.value not in stated else self.value


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


def moved(reading: Reading) -> np.ndarray:
    """(rows,) after which rows most of the weights that ever move do so."""
    values = [reading.given[name] for name in moving(reading)]
    steps = np.array([np.diff(each) != 0 for each in values]) if values else np.zeros((1, reading.descent.rows - 1))
    return np.append(2 * steps.sum(axis=0) > len(steps), False)


def moving(reading: Reading) -> list[str]:
    names = [name for name in reading.network.weight_names if name in reading.given]
    return [name for name in names if np.ptp(finite(reading.given[name])) > 0]


def finite(values: Array) -> Array:
    seen = values[np.isfinite(values)]
    return seen if seen.size else np.zeros(1)


def updates(reading: Reading, weights: list[str]) -> Iterator[Update]:
    """The gradients that updates may take: the true ones, then the sheet's own."""
    rows, after_rows = np.zeros(reading.descent.rows), moved(reading)
    for weight in weights:
        name, values = f"dE/d{weight}", reading.given[weight]
        units = reading.units.get(weight, 0.0) + rows
        yield Update(weight, values, units, reading.truth[name] + rows, reading.slack[name] + rows, after_rows)
        if (home := reading.homes.get(name)) is not None:
            by = reading.factor(name)
            own = np.where(np.isfinite(home.values), home.values / by, reading.truth[name])
            yield Update(weight, values, units, own, home.units / abs(by), after_rows)


def state(rate: Rate, update: Update) -> tuple[Array, Array]:
    """(rows,) what a rule remembers of the gradients, and how far that may be off."""
    return spread_of(rate, update, rate.rule.state)


def spread_of(rate: Rate, update: Update, way: Callable[..., Array]) -> tuple[Array, Array]:
    """What a filter makes of an update, and what it changes when all that goes in is moved by its half unit."""
    numbers, spreads = rate.made
    with np.errstate(all="ignore"):
        base = way(update, *numbers)
        if rate.plain:
            return base, update.unit
        wide = update._replace(gradient=update.gradient + update.unit, values=update.values + update.units)
        off = np.abs(way(wide, *numbers) - base)
        if any(np.any(each) for each in spreads):
            off = off + np.abs(way(update, *(a + b for a, b in zip(numbers, spreads, strict=True))) - base)
    return base, off


def directions(rate: Rate, update: Update) -> Iterator[Update]:
    """The update with what the rate multiplies in place of its gradient; a bias often has no weight decay."""

    def way(each: Update, *numbers: Array) -> Array:
        return rate.rule.direction(rate.rule.state(each, *numbers), each, *numbers)

    still = update._replace(values=0.0 * update.values, units=0.0 * update.units)
    for each in (update, still) if rate.rule.decays and update.weight[0] == "b" else (update,):
        gradient, unit = (each.gradient, each.unit) if rate.plain else spread_of(rate, each, way)
        yield update._replace(gradient=gradient, unit=unit)


def used(reading: Reading, rate: Rate, weights: list[str]) -> Iterator[Update]:
    """What the rate may multiply: the rule's direction from the true gradients, from the sheet's own, and from its own
    column of the rule's state."""
    for update in updates(reading, weights):
        yield from directions(rate, update)
        if (home := reading.homes.get(f"v_{update.weight}")) is not None and not rate.plain:
            own = np.append(home.values[1:], np.nan) if rate.late else home.values
            made = rate.rule.direction(own / rate.by, update, *rate.made.numbers)
            yield update._replace(gradient=made, unit=home.units / abs(rate.by) + 0.0 * made)


def with_columns(reading: Reading, rate: Rate) -> Rate:
    """The rate, with how columns hold its rule's states; those that do become homes, and their siblings by number."""
    for name in [each for each in reading.homes if each.startswith("v_")]:
        del reading.homes[name]
    free = reading.unknown()
    truth = {each.weight: state(rate, each) for each in updates(reading, list(reading.rules.weights))}
    sizes = dict.fromkeys(abs(each) for each in (1.0, rate.value, rate.value / rate.same))
    found: tuple[Rate, dict[str, Column]] = (rate, {})
    for by, late in product([sign * size for size in sizes for sign in (1.0, -1.0)], (False, True)):
        if rate.plain and abs(by) == 1 and not late:  # a gradient, which is a quantity itself
            continue
        held = {f"v_{weight}": column for column in free if (weight := holder(column, truth, by, late))}
        if len(held) > (len(truth) / 2 if rate.plain else len(found[1])):
            found = rate._replace(by=by, late=late), held
    reading.homes |= found[1]
    numbered = {f"v_w{at}": f"v_{weight}" for at, weight in enumerate(reading.rules.weights, 1)}  # v9 of b1
    for name, column in alike(found[1], reading.unknown()):
        if name[2:] in truth or name in numbered:
            reading.homes.setdefault(name if name[2:] in truth else numbered[name], column)
    return found[0]


def holder(column: Column, truth: Mapping[str, tuple[Array, Array]], by: float, late: bool) -> str | None:
    """The weight whose states, times a factor, a column holds in all rows."""
    own = kind(column.title).number
    for weight, (values, off) in sorted(truth.items(), key=lambda item: kind(item[0]).number != own):
        due, slack = by * values, abs(by) * off + 1e-9 * np.abs(by * values) + ULPS
        if late:
            due, slack = after(np.zeros(1), due), after(np.zeros(1), slack)
        if not column.steady and near(column, due, slack).all():
            return weight
    return None


def after(first: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values one row further down."""
    return np.concatenate([first, values[:-1]])


def step_slack(rate: Rate, update: Update) -> Array:
    step = np.abs(rate.value * update.gradient)
    size = ULPS * (1 + np.abs(update.values))
    slack: Array = update.units + abs(rate.value) * update.unit + rate.spread * np.abs(update.gradient)
    slack += 1e-9 * step + size
    return slack


def solved(reading: Reading) -> Rate | None:
    """The rule and the rate that most updates keep: plain descent unless it leaves most weights in some row."""
    weights = moving(reading)
    every = list(updates(reading, weights)) if reading.descent.rows > 1 else []
    plain = best(every, PLAIN, Proposal((), ()))
    if plain is None or 2 * obeyed(plain, every).mean(axis=0).min() > 1:
        return with_columns(reading, plain) if plain else None
    proposals = ((rule, each) for rule in RULES[1:] for each in rule.propose(every))
    found = [each for pair in proposals if (each := best(every, *pair)) is not None]
    rates = [plain, *(each for each in found if each.rule is not CHANGING or not slid(reading, each))]
    shares = [float(obeyed(each, every).mean()) for each in rates]
    good = [at for at, own in enumerate(shares) if own >= max(shares) - AS_GOOD]
    at = min(good, key=lambda at: (rates[at].meant(reading.rates) not in reading.rates, not rates[at].short, at))
    return with_columns(reading, rates[at] if 2 * (1 - shares[at]) <= 1 - shares[0] else plain)


def slid(reading: Reading, rate: Rate) -> bool:
    """Whether the changing rates of formulas are the numbers of another column, into which their reference moves."""
    values = rate.value * rate.made.numbers[0][:-1]
    others = values[np.abs(values - values[0]) > 1e-6 * abs(values[0])]
    homes = [column for name, column in reading.homes.items() if name not in reading.rules.weights]
    made = any(reading.homes[name].made for name in reading.rules.weights if name in reading.homes)
    return made and any(np.isclose(others[:, None], home.values, 1e-6, 0).any(axis=1).all() for home in homes)


def best(every: list[Update], rule: Rule, proposal: Proposal) -> Rate | None:
    """The rate of a rule that most updates keep; each weight proposes the median of its own."""
    trial = Rate(1.0, 0.0, rule, proposal)
    directed = [each for update in every for each in directions(trial, update)]
    candidates = {each.value: each for update in directed for each in proposed(update)}

    def kept(rate: Rate) -> tuple[bool, float, int]:
        held = held_by(rate, directed)
        return 2 * held[:, 0].sum() > len(held), round(float(held.mean()), 6), -len(repr(rate.value))

    found = max(
        candidates.values(), key=kept, default=None
    )  # the first step first: a reference that moves is right there
    return found._replace(rule=rule, made=proposal) if found and kept(found)[1] > 0 else None


def held_by(rate: Rate, directed: list[Update]) -> np.ndarray:
    """(weights, rows − 1) whether a step is what the rate makes of any direction of its weight."""
    held: dict[str, np.ndarray] = {}
    for update in directed:
        held[update.weight] = held.get(update.weight, False) | obeys(rate, update)
    return np.array([*held.values()])


def obeyed(rate: Rate, every: list[Update]) -> np.ndarray:
    return held_by(rate, [each for update in every for each in directions(rate, update)])


def obeys(rate: Rate, update: Update) -> np.ndarray:
    """(rows − 1,) whether a weight's steps are those of this direction and rate; standing still tells nothing."""
    with np.errstate(invalid="ignore"):
        due = rate.value * update.gradient[:-1]
        same: np.ndarray = np.abs(update.step - due) <= step_slack(rate, update)[:-1] + update.units[1:]
    return same


def proposed(update: Update) -> Iterator[Rate]:
    """The median of what a weight's steps say, and of their first one; as the shortest decimal within the rounding."""
    units = update.units + ULPS * np.abs(update.values)
    gradient = update.gradient[:-1]
    with np.errstate(all="ignore"):
        quotient = update.step / gradient
        error = (units[:-1] + units[1:]) / np.abs(gradient) + np.abs(quotient) * (
            update.unit[:-1] / np.abs(gradient) + 1e-9
        )
    good = np.isfinite(quotient) & np.isfinite(error) & (quotient != 0)
    if not good.any():
        return
    best = np.argsort(error[good])[: max(3, int(good.sum()) // 2)]
    rates, errors = quotient[good], error[good]
    for rate, spread in (
        (float(np.median(rates[best])), 3 * float(np.median(errors[best]))),
        (float(rates[0]), 3 * float(errors[0])),
    ):
        chosen = shortest(rate, spread)
        yield Rate(chosen, 0.0 if chosen != rate else spread, PLAIN)


def waits(reading: Reading) -> bool:
    """Whether weights stand still for several rows again and again."""
    return any(True for _ in row_sizes([*updates(reading, [*reading.rules.weights][:1])]))


def seen(reading: Reading) -> str:
    """What the updates are where no rule explains them: a weight's steps as multiples of its gradient."""
    for update in updates(reading, moving(reading)):
        with np.errstate(all="ignore"):
            quotients = update.step / update.gradient[:-1]
        rows = np.flatnonzero(np.isfinite(quotients))
        other = [row for row in rows if abs(quotients[row] - quotients[rows[0]]) > 0.01 * abs(quotients[rows[0]])]
        if other:
            w, steps = update.weight, reading.homes[update.weight].block.steps
            told = [f"{quotients[row]:.4g}·dE/d{w} in row {steps[row]}" for row in (rows[0], other[0])]
            return f"the steps of {w} are {told[0]} and {told[1]}"
    return "the weights do not follow dE/dw"
