"""Derivations put together: a derivative as its whole chain of factors, and a descent, state after state.

Names inside an expression are replaced by other expressions; nothing is derived anew here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter

from pyfuncs.network import Network
from xlsx import batches, formulas
from xlsx.expressions import OPERATIONS, Expression, names_in
from xlsx.formulas import Quantity

LONGEST_CHAIN = 16  # names; a longer one is no longer read aloud, and stays delta × what the weight carries
Replacement = Mapping[str, Expression]


def replaced(expression: Expression, by: Replacement) -> Expression:
    """The expression with each name that `by` knows replaced."""
    if expression.operation == "name":
        return by.get(expression.parts[0], expression)
    parts = tuple(replaced(part, by) if isinstance(part, Expression) else part for part in expression.parts)
    return Expression(expression.operation, parts)


def chains(network: Network) -> list[Quantity]:
    """Every dE/dw as its chain: (a_o1 − t1) · a_o1 · (1 − a_o1) · a_h1, with the deltas of the layer after as names.

    An output's error is written out; what would be too long to read stays as formulas.gradients has it.
    """
    errors = {quantity.name: quantity.expression for quantity in formulas.errors(network)}
    factors = {q.name: replaced(q.expression, errors) for q in formulas.deltas(network)}
    written = [replace(q, expression=replaced(q.expression, factors)) for q in formulas.gradients(network)]
    pairs = zip(written, formulas.gradients(network), strict=True)
    return [full if len(names_in(full.expression)) <= LONGEST_CHAIN else short for full, short in pairs]


@lru_cache(maxsize=8)
def state(network: Network, samples: int) -> dict[str, Expression]:
    """Every quantity that follows from weights, inputs and targets, each after those that it reads."""
    return {quantity.name: quantity.expression for quantity in batches.derivation(network, samples)}


def shown(network: Network, samples: int) -> list[Quantity]:
    """What the sheets show of one epoch, each after those that it reads: the sample shown, all samples, the update."""
    parts = (formulas.forward, formulas.losses, formulas.errors, formulas.deltas, chains)
    alone = [batches.for_sample(network, samples, each) for part in parts for each in part(network)]
    together = batches.derivation(network, samples) if samples > 1 else []
    return formulas.in_order([*alone, *together, *formulas.updates(network)])


def given_names(network: Network, samples: int) -> tuple[str, ...]:
    """Targets and inputs, as their cells are called: t1 i1 …, or t1 #1 i1 #1 … t1 #2 … of several samples."""
    names = network.target_names + network.input_names
    if samples == 1:
        return names
    return tuple(f"{each} #{sample}" for sample in range(1, samples + 1) for each in names)


Values = dict[str, float]


def history(columns: Replacement, moved: Replacement, start: Values, epochs: int) -> Iterator[Values]:
    """What the rows of a descent hold, epoch 0 first: `columns` of each state, then `moved` gives the next one.

    A name in `moved` reads the state before; "new m1" reads what `moved` itself has given for m1.
    """
    values, follow = dict(start), {column: prepared(each) for column, each in columns.items()}
    steps = {column: prepared(each) for column, each in moved.items()}
    for _ in range(epochs + 1):
        for column, value_in in follow.items():
            values[column] = number_or_nan(value_in, values)
        yield values
        reading = dict(values)
        for column, value_in in steps.items():
            reading[f"new {column}"] = number_or_nan(value_in, reading)
        values = values | {column: reading[f"new {column}"] for column in moved}


def prepared(expression: Expression) -> Callable[[Values], float]:
    """expressions.evaluate for many rows: the tree is walked once."""
    operation, parts = expression.operation, expression.parts
    if operation == "name":
        return itemgetter(parts[0])
    if operation == "number":
        return lambda values: parts[0]
    known, value = [prepared(part) for part in parts], OPERATIONS[operation].value
    if len(known) == 2:
        one, other = known
        return lambda values: value(one(values), other(values))
    return lambda values: value(*[each(values) for each in known])


def number_or_nan(value_in: Callable[[Values], float], values: Values) -> float:
    """Not a number wherever a spreadsheet would give an error."""
    try:
        value = value_in(values)
    except (ArithmeticError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan
