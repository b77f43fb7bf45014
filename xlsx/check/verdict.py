"""What is right: each cell agrees with the truth or with its own row, differs, or cannot tell; and the rate used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import numpy as np

from pyfuncs.network import Array
from xlsx.formulas import GIVEN, kind

from .descent import Column, Reading, alike, near
from .rules import CHANGING, PLAIN, ULPS, UPDATES, Arrays, Proposal, Rule, Update, decimals, row_sizes, shortest

ROUNDED = 1e-12
AS_GOOD = 0.02
RIGHT, FOLLOWS, WRONG, BLIND, UNREAD = range(5)


@dataclass
class Verdict:
    """The state of each cell, by quantity, and what was due: `states`, `due` and `bound` are arrays over the rows."""

    reading: Reading
    rate: Rate | None
    states: dict[str, np.ndarray] = field(default_factory=dict)
    due: dict[str, np.ndarray] = field(default_factory=dict)
    bound: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def still(self) -> bool:
        """Whether weights never change that should, at any rate."""
        return self.rate is None and bool({*self.reading.rules.weights} & {*self.wrong()})

    @property
    def own_rate(self) -> float | None:
        """The rate by which the sheet's own gradient columns are multiplied; negative where it is added."""
        return self.rate.value / self.reading.factors.get("slopes", 1.0) if self.rate else None

    @property
    def rate_used(self) -> float | None:
        """The learning rate as the learner means it: also where the columns dw1 … hold it already."""
        if self.rate is None or self.reading.rate_included or not self.rate.plain:
            return abs(self.rate.meant(self.reading.rates)) if self.rate else None
        return abs(self.own_rate or 0.0)

    def wrong(self) -> dict[str, list[int]]:
        """{quantity: the rows in which it is wrong}, in the order of the columns."""
        found = {name: np.flatnonzero(states == WRONG).tolist() for name, states in self.states.items()}
        return {name: rows for name, rows in found.items() if rows}


def judged(reading: Reading) -> Verdict:
    """The verdict from numbers alone."""
    rate = solved(reading)
    slopes = reading.factors.get("slopes", 1.0)
    if slopes < 0 and (rate is None or rate.value < 0):  # a gradient of the wrong sign, not a convention
        reading.factors["slopes"] = -slopes
        rate = solved(reading)
    if rate is not None and rate.value < 0:  # up the gradient, which no convention makes a descent
        rate = rate._replace(value=-rate.value)
    found, is_still = Verdict(reading, rate), rate is None and stands_still(reading)
    drifting(reading, rate)
    own = own_values(reading)
    for name, column in sorted(reading.homes.items(), key=lambda item: order(reading, item[1])):
        if name in reading.truth:
            by, ways = reading.factor(name), ((reading.truth, reading.slack), own)
            add(found, name, [(by * values[name], abs(by) * slack[name]) for values, slack in ways])
        elif name.startswith("v_"):
            add(found, name, list(remembered(found, name)))
        elif name.startswith(("new ", "change ")) or learned(reading, name):
            add(found, name, list(stepped(found, name)))
            if is_still and name in reading.rules.weights:
                found.states[name] = unmoved(reading, name)
        elif kind(name).kind in GIVEN or name in reading.given:
            found.states[name] = steady(column, has_samples(reading))
    return found


def stands_still(reading: Reading) -> bool:
    """Whether no weight ever changes, though every row has the same example: nothing is learned, at any rate but 0."""
    homes = [reading.homes[name] for name in reading.rules.weights if name in reading.homes]
    still = bool(homes) and all(home.steady and home.shown[1:].any() for home in homes)
    return still and not has_samples(reading) and 0.0 not in reading.rates


def unmoved(reading: Reading, name: str) -> np.ndarray:
    """The states of a weight that never changes: wrong after each row whose gradient would move it, if the sheet's own
    would, too."""
    slope, first = f"dE/d{name}", np.zeros(1, dtype=bool)
    moved = after(first, np.abs(reading.truth[slope]) > reading.slack[slope])
    own = reading.homes[slope].values if slope in reading.homes else np.ones(len(moved))
    states = np.where(moved, WRONG, RIGHT if moved.any() else BLIND)
    return np.where(moved & after(first, own == 0), FOLLOWS, states)


def drifting(reading: Reading, rate: Rate | None) -> None:
    """Weights that are calculated from rounded numbers are off by all of those roundings, more in each row."""
    rounded = {name: column for name, column in reading.computed.items() if (column.units > ROUNDED).any()}
    if rate is None or not rounded:
        return
    slack = reading.own(rounded)[1]  # through all that is calculated from them
    for name in reading.units:
        slope = f"dE/d{name}"
        if reading.homes[name].made and slope in slack:
            taken = reading.homes[slope].units / abs(reading.factor(slope)) if slope in reading.homes else 0.0
            step = abs(rate.value) * np.maximum(slack[slope], taken) + np.zeros(reading.descent.rows)
            reading.units[name] = reading.units[name] + np.cumsum(after(np.zeros(1), step))
    reading.__dict__.pop("bounded", None)


def order(reading: Reading, column: Column) -> int:
    return next(at for at, each in enumerate(reading.descent.columns) if each is column)


def learned(reading: Reading, name: str) -> bool:
    column = reading.homes[name]
    may_stand = reading.network.bias == "fixed-bias" and kind(name).kind == "b"
    moves = not column.steady or (not may_stand and (column.made or stands_still(reading)))
    return name in reading.network.weight_names and moves and reading.descent.rows > 1


def own_values(reading: Reading) -> tuple[Arrays, Arrays]:
    """What follows from the sheet's own columns; the truth itself where they all hold it."""
    if all(
        reading.holds(column, name) and np.isfinite(reading.truth[name]).all()
        for name, column in reading.computed.items()
    ):
        return reading.truth, reading.slack
    return reading.own()


def add(found: Verdict, name: str, ways: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """The states of a column that should hold the first of these (values, bounds), and follows if it holds another."""
    column, rows = found.reading.homes[name], found.reading.descent.rows
    values = [(value + np.zeros(rows), slack + np.zeros(rows)) for value, slack in ways]
    states = np.where(column.shown, BLIND, RIGHT)
    due, bound = np.full(rows, np.nan), np.full(rows, np.nan)
    for value, slack in values:  # what cannot be known is left to the next
        first = np.isnan(due) & ~np.isnan(value)
        due, bound = np.where(first, value, due), np.where(first, slack + column.units, bound)
    known = column.shown & np.isfinite(due)
    states[known] = WRONG
    for value, slack in reversed(values):
        same = known & np.isfinite(value) & near(column, value, slack)
        states[same] = np.where(near(column, due, bound - column.units)[same], RIGHT, FOLLOWS)
    wide = (states == RIGHT) & column.shown & (bound > 1e-7) & (bound >= np.abs(due)) & (np.abs(due) > 0)
    states = np.where(wide, BLIND, states)
    bare = without_number(column)
    states = np.where(bare & np.isfinite(due) & column.typed, WRONG, np.where(bare & ~column.typed, UNREAD, states))
    found.states[name] = np.where(column.texts | (column.errors & column.typed), WRONG, states)
    found.due[name], found.bound[name] = due, bound


def without_number(column: Column) -> np.ndarray:
    """(rows,) texts, blanks among numbers, and formulas that have no value."""
    filled = np.flatnonzero(column.shown)
    inside = np.zeros(len(column.shown), dtype=bool)
    if 2 * len(filled) > len(inside):
        inside[filled[0] : filled[-1] + 1] = True
    found: np.ndarray = ~column.shown & (column.texts | ~column.typed | inside)
    return found


def has_samples(reading: Reading) -> bool:
    """Whether the rows hold different examples: some input or target takes several values."""
    given = [values[np.isfinite(values)] for name, values in reading.given.items() if kind(name).kind in GIVEN]
    return any(len(np.unique(values)) > 1 + max(1, len(values) // 5) for values in given)


def steady(column: Column, samples: bool) -> np.ndarray:
    """An input, target or fixed bias: wrong where a cell differs from nearly all others, or holds no number."""
    values, rows = column.values, len(column.values)
    states = np.where(column.texts, WRONG, RIGHT)
    seen = values[np.isfinite(values)]
    usual = float(np.median(seen)) if seen.size else np.nan
    odd = np.isfinite(values) & (np.abs(values - usual) > 1e-9 * abs(usual) + 1e-15)
    if not samples and 0 < odd.sum() <= max(1, rows // 5) and column.typed[odd].all() and rows > 2:
        states[odd] = WRONG
    return states


def stepped(found: Verdict, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What an update may give: with the true gradient, then with the sheet's own; in the next row or in its own."""
    reading, rate = found.reading, found.rate
    if copied := reading.homes.get(f"new {name}"):
        yield after(reading.homes[name].values[:1], copied.values), after(np.zeros(1), copied.units) + ULPS
        return
    if rate is None:
        return
    what, _, weight = name.rpartition(" ")
    sign, late = changes_held(found) if what == "change" else (1.0, not what)
    for update in used(reading, rate, [weight]):
        step, slack = rate.value * update.gradient, step_slack(rate, update)
        value = sign * step if what == "change" else update.values - step
        first = update.values[:1] if not what else np.full(1, np.nan)
        yield (after(first, value), after(np.zeros(1), slack)) if late else (value, slack)


def changes_held(found: Verdict) -> tuple[float, bool]:
    """Whether columns of Δw hold what is subtracted (1) or added (−1), and whether in the row after its gradients', as
    most of their cells do."""
    rate, reading = found.rate, found.reading

    def told(sign: float, late: bool) -> int:
        cells = 0
        for name in [each for each in reading.homes if each.startswith("change ")]:
            for update in used(reading, rate, [name[7:]]) if rate else ():
                assert rate is not None
                ways = sign * rate.value * update.gradient, step_slack(rate, update)
                value, slack = (after(np.full(1, np.nan), each) for each in ways) if late else ways
                cells += int((near(reading.homes[name], value, slack) & np.isfinite(value)).sum())
        return cells

    return max(((sign, late) for late in (False, True) for sign in (1.0, -1.0)), key=lambda way: told(*way))


def remembered(found: Verdict, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What a column of the rule's state may hold: by the true gradients, by the sheet's own, and by its row before."""
    rate, reading = found.rate, found.reading
    if rate is None:
        return
    column, by = reading.homes[name], rate.by
    for update in updates(reading, [name[2:]]):
        ways = [state(rate, update)]
        if rate.rule.keep:
            own = column.values / by if rate.late else after(np.zeros(1), column.values / by)
            off = (column.units if rate.late else after(np.zeros(1), column.units)) / abs(by)
            ways.append((rate.rule.onward(own, update, *rate.made.numbers), off + update.unit))
        for value, slack in ways:
            due, wide = by * value, abs(by) * (slack + 1e-9 * np.abs(value) + ULPS)
            yield (after(np.zeros(1), due), after(np.zeros(1), wide)) if rate.late else (due, wide)


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
    free = [each for each in reading.unknown() if not each.steady]
    truth = {each.weight: state(rate, each) for each in updates(reading, list(reading.rules.weights))}
    sizes = dict.fromkeys(abs(each) for each in (1.0, rate.value, 1 / rate.rule.same(*rate.made.numbers)))
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
        if near(column, due, slack).all():
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
    every = list(updates(reading, moving(reading))) if reading.descent.rows > 1 else []
    plain = best(every, PLAIN, Proposal((), ()))
    if plain is None:
        return None
    found = [plain]
    if 2 * plain[1].mean(axis=0).min() <= 1:
        proposals = ((rule, each) for rule in UPDATES[1:] for each in rule.propose(every))
        others = [each for pair in proposals if (each := best(every, *pair)) is not None]
        found += [each for each in others if each[0].rule is not CHANGING or not slid(reading, each[0])]
    rates, shares = [each for each, _ in found], [float(held.mean()) for _, held in found]
    good = [at for at, own in enumerate(shares) if own >= max(shares) - AS_GOOD]
    at = min(good, key=lambda at: (rates[at].meant(reading.rates) not in reading.rates, not rates[at].short, at))
    return with_columns(reading, rates[at] if 2 * (1 - shares[at]) <= 1 - shares[0] else rates[0])


def slid(reading: Reading, rate: Rate) -> bool:
    """Whether the changing rates of formulas are the numbers of another column, into which their reference moves."""
    values = rate.value * rate.made.numbers[0][:-1]
    others = values[np.abs(values - values[0]) > 1e-6 * abs(values[0])]
    homes = [column for name, column in reading.homes.items() if name not in reading.rules.weights]
    made = any(reading.homes[name].made for name in reading.rules.weights if name in reading.homes)
    return made and any(np.isclose(others[:, None], home.values, 1e-6, 0).any(axis=1).all() for home in homes)


def best(every: list[Update], rule: Rule, proposal: Proposal) -> tuple[Rate, np.ndarray] | None:
    """The rate of a rule that most updates keep, each weight proposing the median of its own; (weights, rows − 1) where
    they keep it."""
    trial = Rate(1.0, 0.0, rule, proposal)
    directed = [each for update in every for each in directions(trial, update)]
    candidates = {each.value: each for update in directed for each in proposed(update)}
    held = {each: held_by(each, directed) for each in candidates.values()}

    def kept(rate: Rate) -> tuple[bool, float, int]:
        own = held[rate]
        return 2 * own[:, 0].sum() > len(own), round(float(own.mean()), 6), -len(repr(rate.value))

    found = max(held, key=kept, default=None)  # the first step first: a reference that moves is right there
    return (found._replace(rule=rule, made=proposal), held[found]) if found and kept(found)[1] > 0 else None


def held_by(rate: Rate, directed: list[Update]) -> np.ndarray:
    """(weights, rows − 1) whether a step is what the rate makes of any direction of its weight."""
    held: dict[str, np.ndarray] = {}
    for update in directed:
        held[update.weight] = held.get(update.weight, False) | obeys(rate, update)
    return np.array([*held.values()])


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
