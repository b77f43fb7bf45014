"""What is right: each cell agrees with the truth or with its own row, differs, or cannot tell; and the rate used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .descent import Column
from .meaning import Reading, assigned, near
from .rules import Arrays
from .titles import GIVEN, kind

ULPS, ROUNDED = 2e-15, 1e-12
RIGHT, FOLLOWS, WRONG, BLIND, UNREAD = range(5)
MOST_DIGITS = 6  # of a learning rate that somebody would choose


class Rate(NamedTuple):
    """The learning rate that most updates obey, and how far off it may be."""

    value: float
    spread: float = 0.0


class Update(NamedTuple):
    """A weight's column and a gradient that its update may take, with the half unit of that."""

    weight: str
    gradient: np.ndarray
    unit: np.ndarray


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
        if self.rate is None or self.reading.rate_included:
            return abs(self.rate.value) if self.rate else None
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
        reading = assigned(reading)
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


def rows_share_updates(reading: Reading) -> bool:
    """Whether the rows are different examples of which several belong to one update: most leave all weights alone."""
    weights = [reading.given[name] for name in reading.rules.weights if name in reading.given]
    inputs = [reading.given[name] for name in reading.network.input_names if name in reading.given]
    changing = [float((np.diff(each) != 0).mean()) for each in inputs if len(each) > 1]
    if not weights or max(changing, default=0.0) < 0.3:  # one input typed over makes no examples
        return False
    still = np.all([np.diff(each) == 0 for each in weights], axis=0)
    return bool(2 * np.sum(still) >= np.size(still) and not np.all(still))


def unmoved(reading: Reading, name: str) -> np.ndarray:
    """The states of a weight that never changes: wrong after each row whose gradient would move it."""
    gradient, slack = reading.truth[f"dE/d{name}"], reading.slack[f"dE/d{name}"]
    moved = after(np.zeros(1, dtype=bool), np.abs(gradient) > slack)
    return np.where(moved, WRONG, RIGHT if moved.any() else BLIND)


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
    weight = name.rpartition(" ")[2]
    base = 0.0 * reading.given[weight] if name.startswith("change") else reading.given[weight]
    sign = -1.0 if name.startswith("change") and change_sign(found, name) < 0 else 1.0
    for update in used(reading, [weight]):
        value = (
            sign * (base - rate.value * update.gradient)
            if not name.startswith("change")
            else sign * rate.value * update.gradient
        )
        slack = step_slack(reading, rate, update)
        if " " in name:
            yield value, slack
        else:
            yield after(reading.homes[name].values[:1], value), after(np.zeros(1), slack)


def change_sign(found: Verdict, name: str) -> float:
    """Δw as what is subtracted (1) or what is added (−1)."""
    values = found.reading.homes[name].values
    gradient = found.reading.truth[f"dE/d{name.rpartition(' ')[2]}"]
    with np.errstate(invalid="ignore"):
        return float(np.nansum(np.sign(values * gradient * (found.rate.value if found.rate else 1.0))))


def after(first: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values one row further down."""
    return np.concatenate([first, values[:-1]])


def step_slack(reading: Reading, rate: Rate, update: Update) -> np.ndarray:
    weight, units = reading.given[update.weight], reading.units.get(update.weight, 0.0)
    step = np.abs(rate.value * update.gradient)
    size = ULPS * (1 + np.abs(weight))
    slack: np.ndarray = units + abs(rate.value) * update.unit + rate.spread * np.abs(update.gradient)
    slack += 1e-9 * step + size
    return slack


def used(reading: Reading, weights: list[str]) -> Iterator[Update]:
    """The gradients that updates may take: the true ones, then the sheet's own."""
    for weight in weights:
        name, rows = f"dE/d{weight}", np.zeros(reading.descent.rows)
        yield Update(weight, reading.truth[name] + rows, reading.slack[name] + rows)
        if (home := reading.homes.get(name)) is not None:
            by = reading.factor(name)
            yield Update(weight, home.values / by, home.units / abs(by))


def solved(reading: Reading) -> Rate | None:
    """The rate that most updates w next = w − rate · dE/dw keep; each weight proposes the median of its own."""
    weights = [name for name in reading.network.weight_names if name in reading.given]
    moving = [name for name in weights if np.ptp(finite(reading.given[name])) > 0]
    pairs = list(used(reading, moving)) if reading.descent.rows > 1 else []
    candidates = {each.value: each for pair in pairs for each in proposed(reading, pair)}
    if not candidates:
        return None

    def kept(rate: Rate) -> tuple[bool, float, int]:
        held: dict[str, np.ndarray] = {}
        for pair in pairs:
            obeyed = obeys(reading, pair, rate)
            held[pair.weight] = held.get(pair.weight, False) | obeyed
        first = 2 * sum(bool(each[0]) for each in held.values()) > len(held)
        return first, round(sum(float(each.mean()) for each in held.values()), 6), -len(repr(rate.value))

    best = max(candidates.values(), key=kept)  # the first step first: a reference that moves is right there
    return best if kept(best)[1] > 0 else None


def finite(values: np.ndarray) -> np.ndarray:
    seen = values[np.isfinite(values)]
    return seen if seen.size else np.zeros(1)


def proposed(reading: Reading, pair: Update) -> Iterator[Rate]:
    """The median of what a weight's steps say, and of their first one; as the shortest decimal within the rounding."""
    weight = reading.given[pair.weight]
    units = reading.units.get(pair.weight, np.zeros(len(weight))) + ULPS * np.abs(weight)
    gradient = pair.gradient[:-1]
    with np.errstate(all="ignore"):
        quotient = (weight[:-1] - weight[1:]) / gradient
        error = (units[:-1] + units[1:]) / np.abs(gradient) + np.abs(quotient) * (
            pair.unit[:-1] / np.abs(gradient) + 1e-9
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
        short = (float(f"{rate:.{places}g}") for places in range(1, MOST_DIGITS))
        chosen = next((each for each in short if abs(each - rate) <= spread), None)
        yield Rate(rate, spread) if chosen is None else Rate(chosen)


def obeys(reading: Reading, pair: Update, rate: Rate) -> np.ndarray:
    """(rows − 1,) whether a weight's steps are those of this gradient and rate; one that stands still tells nothing."""
    weight, units = reading.given[pair.weight], reading.units.get(pair.weight, np.zeros(reading.descent.rows))
    step = weight[:-1] - rate.value * pair.gradient[:-1]
    slack = step_slack(reading, rate, pair)[:-1] + units[1:]
    with np.errstate(invalid="ignore"):
        obeyed: np.ndarray = np.abs(weight[1:] - step) <= slack
    return obeyed
