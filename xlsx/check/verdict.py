"""What is right: each cell agrees with the truth or with its own row, differs, or cannot tell; and the rate used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from .descent import Column
from .filters import ULPS
from .meaning import Reading, assigned, near
from .rules import Arrays
from .titles import GIVEN, kind
from .updates import Rate, after, solved, state, step_slack, updates, used

ROUNDED = 1e-12
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
        if rate.rule.onward:
            own = column.values / by if rate.late else after(np.zeros(1), column.values / by)
            off = (column.units if rate.late else after(np.zeros(1), column.units)) / abs(by)
            ways.append((rate.rule.onward(own, update, *rate.made.numbers), off + update.unit))
        for value, slack in ways:
            due, wide = by * value, abs(by) * (slack + 1e-9 * np.abs(value) + ULPS)
            yield (after(np.zeros(1), due), after(np.zeros(1), wide)) if rate.late else (due, wide)
