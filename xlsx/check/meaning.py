"""What each column of a descent holds: the best assignment of quantities to columns, by numbers, titles only a prior.

`understood` chooses the network and the numbering that explain most cells. A `Reading` is one such attempt: where its
givens stand, every quantity from them (the truth) with its bound, and the columns' quantities with their factors.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import replace
from itertools import islice, permutations, product
from typing import NamedTuple

import numpy as np

from pyfuncs.network import OUTPUT_LOSSES, UNITS, Network, NetworkError
from xlsx.formulas import GIVEN, LOSS_KINDS, UNIT_KINDS, kind

from .book import Book
from .descent import FAMILIES, SIZES, Column, Descent, Reading, family, near, numbered
from .files import Place
from .rules import Arrays, Wiring, rules_of

MOST_ORDERS, COMPLETE, POOR = 5_040, 0.999, 0.6
UNIT_CLASS = {"dE/do": "delta", "dE/dh": "delta", "dE/da_o": "back", "dE/da_h": "back", "E": "loss"}


def understood(book: Book, descent: Descent, labels: dict[Place, str]) -> Reading | None:
    """The reading that explains most cells; None where the titles are those of no network."""
    base = network_of(descent, labels)
    if base is None:
        return None
    best = scored(book, descent, labels, base, ())
    for vary in (hidden_units, output_units, hidden_units, with_biases, numberings, all_units):
        score = best[0]
        if score.whole >= COMPLETE or book.late:
            break
        known = score.units == score.losses == 1  # nothing more can tell the units
        if (vary in UNIT_VARIANTS and known) or (vary is all_units and score.whole > POOR):
            continue
        for network, wiring in vary(book, best[1]):
            other = scored(book, descent, labels, network, wiring)
            if explains_more(other, best):
                best = other
    return assigned(best[1])


def explains_more(one: tuple[Score, Reading], other: tuple[Score, Reading]) -> bool:
    """Whether one reading is better: linear hidden units, as which ReLUs that are on appear, only by all columns."""
    is_linear = "linear" in (one[1].network.hidden, other[1].network.hidden)
    return (one[0].whole, one[0]) > (other[0].whole, other[0]) if is_linear else one[0] > other[0]


Variant = tuple[Network, Wiring]


class Score(NamedTuple):
    """The shares of the cells that are explained: of the units, which tell the network, of the losses, and of all."""

    units: float
    losses: float
    whole: float


def hidden_units(_: Book, reading: Reading) -> Iterator[Variant]:
    yield from ((replace(reading.network, hidden=unit), reading.wiring) for unit in UNITS)


def output_units(_: Book, reading: Reading) -> Iterator[Variant]:
    for unit, losses in OUTPUT_LOSSES.items():
        for loss in losses if unit != "softmax" or reading.network.sizes[-1] > 1 else ():
            yield replace(reading.network, output=unit, loss=loss), reading.wiring


def all_units(book: Book, reading: Reading) -> Iterator[Variant]:
    for network, wiring in hidden_units(book, reading):
        yield from output_units(book, replace(reading, rules=rules_of(network, wiring)))


def with_biases(book: Book, reading: Reading) -> Iterator[Variant]:
    """Fixed biases that no title names, where the weighted sums are off by the same number in all rows."""
    if reading.network.bias == "none" and all(bias_of(book, reading, at) for at in range(len(reading.rules.layers))):
        yield replace(reading.network, bias="fixed-bias"), reading.wiring


def bias_of(book: Book, reading: Reading, layer: int) -> tuple[Place, float] | None:
    """The cell that holds what all units of a layer add to their sums."""
    units = reading.rules.layers[layer].units
    columns = [reading.homes.get(z) for z in units]
    if any(each is None for each in columns):
        return None
    own = reading.own()[0]
    added = np.array([each.values - own[z] for z, each in zip(units, columns, strict=True) if each])
    if not np.isfinite(added).all() or np.ptp(added) > 1e-9 or abs(added[0, 0]) < 1e-9 or columns[0] is None:
        return None
    cells = (place for place in book.reads(columns[0].places[0]) if place not in reading.descent.at)
    found = next((place for place in cells if abs(book.number(place) - added[0, 0]) < 1e-9), None)
    return (found, book.number(found)) if found else None


def numberings(_: Book, reading: Reading) -> Iterator[Variant]:
    """Weights numbered by the unit they come from, in one layer or in several."""
    turned = [transposed(layer.weights) for layer in rules_of(reading.network).layers]
    for chosen in product((False, True), repeat=len(turned)):
        if any(chosen):
            yield reading.network, tuple(pair for use, each in zip(chosen, turned, strict=True) if use for pair in each)


def transposed(weights: tuple[tuple[str, ...], ...]) -> Wiring:
    """The exercise's name of each weight, and that of a learner who numbers by the sending unit."""
    ours = [w for row in weights for w in row]
    return tuple(zip([w for column in zip(*weights, strict=True) for w in column], ours, strict=True))


UNIT_VARIANTS = (hidden_units, output_units, all_units)


def network_of(descent: Descent, labels: dict[Place, str]) -> Network | None:
    """The network of the quantities that titles and labels name; None where their numbers do not fit each other."""
    sheets = {block.sheet.name for block in descent.blocks}
    names = [each.name for each in descent.columns if each.name]
    names += [name for place, name in labels.items() if place[0] in sheets]
    highest: Counter[str] = Counter()
    for name in names:
        of = kind(name)
        if of.number.isdigit():
            highest[of.kind] = max(highest[of.kind], int(of.number))
    inputs, outputs = highest["i"] or 2, max(highest["o"], highest["a_o"], highest["t"]) or highest["E"] or 2
    weights, biases = (max(highest[f"{mark}{each}"] for mark in ("", "new ", "dE/d")) for each in "wb")
    hidden = max(highest["h"], highest["a_h"])
    if not hidden and weights == inputs * outputs:
        sizes: tuple[int, ...] = (inputs, outputs)
    else:
        sizes = (inputs, hidden or weights // (inputs + outputs) or 2, outputs)
    bias = {sum(sizes[1:]): "bias", len(sizes) - 1: "fixed-bias", 0: "none"}.get(biases, "")
    try:
        network = Network(sizes, bias=bias)
    except NetworkError:
        return None
    return network if weights <= len([each for each in network.weight_names if each[0] == "w"]) else None


def scored(
    book: Book, descent: Descent, labels: dict[Place, str], network: Network, wiring: Wiring
) -> tuple[Score, Reading]:
    """A reading with the share of the cells that it explains."""
    reading = read(book, descent, labels, network, wiring)
    reading.factors = voted(reading)
    return explained(reading), reading


def read(book: Book, descent: Descent, labels: dict[Place, str], network: Network, wiring: Wiring) -> Reading:
    """What the titles say, with all givens where they stand."""
    rules = rules_of(network, wiring)
    prior = {at: each.name for at, each in enumerate(descent.columns) if each.name}
    homes: dict[str, Column] = {}
    for at, name in prior.items():
        homes.setdefault(name, descent.columns[at])
    rates = frozenset(book.number(where) for where, name in labels.items() if name == "learning_rate")
    reading = Reading(descent, rules, prior, homes, {}, rates=rates)
    for name in rules.givens:
        if name in homes:
            reading.given[name] = homes[name].values
    beside_columns(book, reading, labels)
    missing = [name for name in rules.givens if name not in reading.given]
    if missing:
        by_order(book, reading, missing)
    return reading


def beside_columns(book: Book, reading: Reading, labels: dict[Place, str]) -> None:
    """Givens in cells that a label names, and fixed biases in cells that the sums read."""
    sheets = {block.sheet.name for block in reading.descent.blocks}
    firsts = [place for each in reading.descent.columns for place in each.places[:1]]
    used = {place for first in firsts for place in book.reads(first)}
    fitting = {where: name for where, name in labels.items() if where in used or not used or kind(name).kind in GIVEN}
    found = {
        name: where for where, name in sorted(fitting.items(), key=lambda item: (item[0] in used, item[0][0] in sheets))
    }
    rows = np.ones(reading.descent.rows)
    for name in reading.rules.givens:
        if name not in reading.given and name in found:
            reading.given[name], reading.beside[found[name]] = rows * book.number(found[name]), name
    if reading.network.bias == "fixed-bias" and not any(name[0] == "b" for name in reading.given):
        plain = replace(reading, rules=rules_of(replace(reading.network, bias="none"), reading.wiring))
        for at, layer in enumerate(reading.rules.layers):
            if all(name in reading.given for name in plain.rules.givens) and (cell := bias_of(book, plain, at)):
                reading.given[layer.biases[0]], reading.beside[cell[0]] = rows * cell[1], layer.biases[0]


def by_order(book: Book, reading: Reading, missing: list[str]) -> None:
    """Find missing givens in columns or cells without a known title, in the order that fits best; else they are nan."""
    weights = [name for name in missing if name[0] in "wb"]
    inputs = [name for name in missing if name[0] in "ti"]
    moving, steady = candidates(book, reading)
    orders = [
        (*one, *other)
        for one in islice(orders_of(moving, len(weights)), MOST_ORDERS)
        for other in islice(orders_of(steady, len(inputs)), MOST_ORDERS)
    ][:MOST_ORDERS]
    if not orders:
        reading.given |= {name: np.full(reading.descent.rows, np.nan) for name in missing}
        return
    names = [*weights, *inputs]
    first = {name: np.full(len(orders), each[0]) for name, each in reading.given.items()}
    first |= {name: np.array([start(book, order[at]) for order in orders]) for at, name in enumerate(names)}
    best = orders[int(np.argmax(hits(reading, reading.rules.values(first))))]
    for name, source in zip(names, best, strict=True):
        if isinstance(source, Column):
            reading.homes[name], reading.given[name] = source, source.values
        else:
            reading.beside[source] = name
            reading.given[name] = np.full(reading.descent.rows, book.number(source))


Source = Column | Place


def start(book: Book, source: Source) -> float:
    return float(source.values[0]) if isinstance(source, Column) else book.number(source)


def orders_of(sources: list[Source], count: int) -> Iterator[tuple[Source, ...]]:
    """In the order of the sheet, then in every other; of many columns only as they stand."""
    if count > 5:
        return iter([tuple(sources)] if len(sources) == count else [])
    return permutations(sources, count)


def candidates(book: Book, reading: Reading) -> tuple[list[Source], list[Source]]:
    """What may hold weights, and what may hold inputs and targets: columns without a known title, cells beside."""
    free = [each for at, each in enumerate(reading.descent.columns) if reading.prior.get(at) is None]
    free = [each for each in free if np.isfinite(each.values[0]) and each.typed[0]]
    rows = reading.descent.rows
    moving: list[Source] = [each for each in free if rows == 1 or (not each.steady and not each.typed.all())]
    moving += [each for each in free if each not in moving and each.typed.all() and not each.steady]
    steady: list[Source] = [each for each in free if each not in moving or rows == 1]
    formulas = [place for each in reading.descent.columns for place in each.places[:2] if each.made]
    outside = dict.fromkeys(place for formula in formulas for place in book.reads(formula))
    cells = [place for place in outside if place not in reading.descent.at and place not in reading.beside]
    cells = [place for place in cells if np.isfinite(book.number(place)) and book.cell(place).formula is None]
    return moving, steady + cells[:8]


def hits(reading: Reading, truth: Arrays) -> np.ndarray:
    """(orders,) how many columns hold in their first row what their title says, or any quantity without a title."""
    found = np.zeros(max(np.size(each) for each in truth.values()))
    everything = np.abs(np.array([truth[name] + 0 * found for name in reading.rules.by_number]))
    for at in reading.others():
        value, name = abs(reading.descent.columns[at].values[0]), reading.prior.get(at, "")
        due = np.abs(truth[name] + 0 * found)[None] if name in truth else everything
        same = np.abs(due - value) <= 1e-7 * value + reading.descent.columns[at].units[0] + 1e-13
        found += same.any(axis=0)
    return found


def voted(reading: Reading) -> dict[str, float]:
    """The factor of each family that most of its columns have; the exercise's own where they contradict each other."""
    votes: dict[str, Counter[float]] = {}
    for at, name in reading.prior.items():
        of, allowed = FAMILIES.get(kind(name).kind, ("", ()))
        if of and name in reading.truth and np.any(reading.truth[name]):
            own = votes.setdefault(of, Counter())
            column = reading.descent.columns[at]
            own.update(each for each in allowed[:1] if reading.holds(column, name, each))
            own.update([each for each in allowed[1:] if not own[1.0] and reading.holds(column, name, each)][:1])
    found = {of: max(own, key=lambda each: (own[each], each == 1), default=1.0) for of, own in votes.items()}
    if rate := included_rate(reading):
        reading.rate_included = True
        return found | {"slopes": rate}
    return consistent(found)


def consistent(found: dict[str, float]) -> dict[str, float]:
    """Gradients are those of the loss that stands beside them: twice as large where the ½ is left out."""
    loss = found.get("E_total", found.get("E", 1.0))
    slope = found.get("slopes")
    if slope is None or abs(slope) not in SIZES or not {"E", "E_total"} & set(found) or abs(slope) == loss:
        return found
    if loss != 1:
        found |= {of: 1.0 for of in ("E", "E_total") if of in found}
    return (
        found
        | {"slopes": float(np.sign(slope)) if abs(slope) != loss and loss == 1 else slope}
        | ({"slopes": float(np.sign(slope))} if abs(slope) != 1 else {})
    )


def included_rate(reading: Reading) -> float | None:
    """The learning rate that columns titled dw1 or Δw1 hold as a factor: one number for all of them and all rows."""
    names = {
        name: column for name, column in reading.homes.items() if family(name) == "slopes" and name in reading.truth
    }
    if not names or any("/" in column.title for column in names.values()):
        return None
    with np.errstate(all="ignore"):
        ratios = np.concatenate([column.values / reading.truth[name] for name, column in names.items()])
    ratios = ratios[np.isfinite(ratios)]
    rate = float(np.median(ratios)) if ratios.size else 0.0
    doubled = abs(rate) in SIZES and 1.0 in reading.rates and abs(rate) not in reading.rates  # a loss without its ½
    if not rate or np.any(np.abs(ratios - rate) > 1e-6 * abs(rate)) or doubled:
        return None
    pairs = [(reading.given[name[4:]], column.values) for name, column in names.items() if name[4:] in reading.given]
    taken = [np.abs(weight[1:] - weight[:-1] + step[:-1]) <= 1e-9 * np.abs(step[:-1]) + 2e-15 for weight, step in pairs]
    return rate if taken and all(each.size and each.all() for each in taken) else None


def explained(reading: Reading) -> Score:
    """How much of the computed columns is what their titles say, or any quantity where they say none."""
    columns = reading.others()
    shares = np.array([share(reading, at, reading.truth, reading.slack) for at in columns])
    if not columns or shares.min() < 1:
        own, slack = reading.own()
        shares = np.array([max(one, share(reading, at, own, slack)) for one, at in zip(shares, columns, strict=True)])
    kinds = [kind(reading.prior.get(at, "")).kind for at in columns]

    def mean(chosen: Container[str]) -> float:
        found = [each for each, of in zip(shares, kinds, strict=True) if of in chosen]
        return round(float(np.mean(found)), 6) if found else 0.0

    return Score(mean(UNIT_KINDS), mean(LOSS_KINDS), round(float(shares.mean()), 6) if columns else 0.0)


def share(reading: Reading, at: int, values: Arrays, slack: Arrays) -> float:
    """Of one column; the best of all quantities where its title says none."""
    column, name = reading.descent.columns[at], reading.prior.get(at)
    if name is not None and name not in values:
        return 1.0  # a weight after its update: see verdict
    names = [name] if name else reading.rules.by_number
    by = [reading.factor(each) for each in names]
    found = [near(column, f * values[each], abs(f) * slack[each]) for f, each in zip(by, names, strict=True)]
    return float(max(each[column.shown].mean() for each in found))


def assigned(reading: Reading) -> Reading:
    """The reading with its computed columns in `homes`: title and numbers, numbers alone, then the title alone."""
    columns = reading.descent.columns
    homes = {name: each for name, each in reading.homes.items() if name in reading.given}
    rest = []
    for at in reading.others():
        said = reading.prior.get(at, "")
        if said in reading.truth and said not in homes and mostly(reading, columns[at], said):
            homes[said] = columns[at]
        else:
            rest.append(at)
    loose = [at for at in rest if reading.prior.get(at) not in reading.truth or reading.prior[at] in homes]
    loose += [at for at in rest if at not in loose and all_astray(reading, rest, at)]
    for at, own in by_own_number(reading, loose).items():
        homes.setdefault(own, columns[at])
    loose = [at for at in loose if columns[at] not in homes.values()]
    matched = {at: name for at in loose if (name := by_numbers(reading, columns[at], homes)) is not None}
    for at, name in siblings(reading, homes, matched, loose).items():
        homes.setdefault(name, columns[at])
    for at in rest:
        if at in reading.prior and columns[at] not in homes.values():
            homes.setdefault(reading.prior[at], columns[at])
    for at, name in reading.prior.items():  # formulas that are not read have no numbers; their title alone tells
        if name in reading.truth and columns[at].made and not columns[at].shown.any():
            homes.setdefault(name, columns[at])
    reading.homes = homes
    return reading


def mostly(reading: Reading, column: Column, name: str) -> bool:
    """Whether a column holds in most rows what its title says; no other one takes it then."""
    told = np.isfinite(reading.truth[name]) & column.shown
    return bool(2 * reading.agrees(column, name)[told].sum() > told.sum())


def all_astray(reading: Reading, rest: list[int], at: int) -> bool:
    """Whether no column whose title says such a quantity holds it, so that the titles mean something else."""
    of = kind(reading.prior[at]).kind
    family_of = [other for other, name in reading.prior.items() if kind(name).kind == of and name in reading.truth]
    return len(family_of) > 1 and all(other in rest for other in family_of)


def by_own_number(reading: Reading, loose: list[int]) -> dict[int, str]:
    """Where most columns of one unknown title but for the number hold one kind of quantity by that number, all do."""
    groups: dict[str, dict[int, str]] = {}
    for at in loose:
        of, number = numbered(reading.descent.columns[at].title)
        if of and reading.prior.get(at) is None:
            groups.setdefault(of, {})[at] = number
    found: dict[int, str] = {}
    for group in groups.values():
        for of in dict.fromkeys(kind(name).kind for name in reading.rules.by_number) if len(group) > 2 else ():
            names = {at: f"{of}{number}" for at, number in group.items() if f"{of}{number}" in reading.truth}
            held = sum(reading.holds(reading.descent.columns[at], name) for at, name in names.items())
            if 2 * held > len(group):
                found |= names
                break
    return found


def by_numbers(reading: Reading, column: Column, homes: dict[str, Column]) -> str | None:
    """The first quantity that a column holds in all rows and no other has; numbers that stand still tell none."""
    if column.steady and not column.made:
        return None
    for sign in (1.0, -1.0):
        for name in reading.rules.by_number:
            loose = sign == 1 or (
                kind(name).kind in ("dE/da_o", "dE/do", "dE/da_h", "dE/dh") and family(name) not in reading.factors
            )
            if name not in homes and loose and reading.holds(column, name, sign * reading.factor(name)):
                reading.factors.setdefault(family(name), sign * reading.factor(name))
                return name
    return None


def stem(title: str) -> str:
    """A title without its unit: what "error h1" and "error o2" have in common."""
    return re.sub(r"[\W_]*(?:h|o|hidden|out|output)?[\W_]*\d+\W*$", "", title.lower())


def siblings(reading: Reading, homes: dict[str, Column], matched: dict[int, str], loose: list[int]) -> dict[int, str]:
    """Columns of the same title but for the unit hold one kind of quantity: the odd one out is what is left of it."""
    columns, found = reading.descent.columns, dict(matched)
    known = {id(column): name for name, column in homes.items()}
    known |= {id(columns[at]): name for at, name in matched.items()}
    for at in loose:
        of = class_beside(columns, known, columns[at])
        if not of or UNIT_CLASS.get(kind(found.get(at, "")).kind) == of:
            continue
        free = (name for name in reading.rules.by_number if name not in homes and name not in found.values())
        left = [name for name in free if UNIT_CLASS.get(kind(name).kind) == of]
        unit = re.search(r"(h|o)\w*?[\W_]*(\d+)\W*$", columns[at].title.lower())
        named = [name for name in left if unit and name.endswith(f"{unit[1]}{unit[2]}")]
        if named or len(left) == 1:
            found[at] = (named or left)[0]
    return found


def class_beside(columns: list[Column], known: dict[int, str], column: Column) -> str:
    """The kind of quantity that most known columns of the same title but for the unit hold; "" where none does."""
    of = stem(column.title)
    same = [each for each in columns if each is not column and id(each) in known and stem(each.title) == of]
    classes = Counter(UNIT_CLASS.get(kind(known[id(each)]).kind, "") for each in same)
    most, count = next(iter(classes.most_common(1)), ("", 0))
    return most if of and 2 * count > len(same) else ""
