"""An expression over names (w1, a_h1, dE/do1 …) and its readings: to read, with numbers put in, native, its value.

`text`, `with_numbers`, `native` and `evaluate` are four readings of one expression, so a sheet's text and its cells
cannot disagree. Nothing of pyfuncs is used here: what it computes stays an independent referee.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add, mul, sub
from typing import NamedTuple

SHOWN_DECIMALS = 6


class Function(NamedTuple):
    """One function of {x}: how it is read, how it is written in a cell, and what it gives."""

    text: str
    native: str
    value: Callable[[float], float]


def sigmoid(x: float) -> float:
    """1/(1 + e^-x) without overflow: the exponent is never positive."""
    small = math.exp(-abs(x))
    return 1 / (1 + small) if x >= 0 else small / (1 + small)


FUNCTIONS = {
    "sigmoid": Function("1/(1 + e^(−{x}))", "IF({x}>=0,1/(1+EXP(-{x})),EXP({x})/(1+EXP({x})))", sigmoid),
    "tanh": Function("tanh({x})", "TANH({x})", math.tanh),
    "relu": Function("max(0, {x})", "IF({x}>0,{x},0)", lambda x: 0.0 if x <= 0 else x),
    "above_zero": Function("(1 if {x} > 0 else 0)", "IF({x}>0,1,0)", lambda x: float(x > 0)),
    "square": Function("({x})²", "({x})^2", lambda x: x * x),
}


class Operator(NamedTuple):
    text: str
    native: str
    value: Callable[[float, float], float]


OPERATORS = {"+": Operator(" + ", "+", add), "-": Operator(" − ", "-", sub), "*": Operator(" · ", "*", mul)}
NUMBERS = {0.5: "½"}


@dataclass(frozen=True)
class Expression:
    """`operation` is "name", "number", an operator or a function; `parts` are the name, the number or the operands."""

    operation: str
    parts: tuple

    def __add__(self, other: Expression) -> Expression:
        return Expression("+", (self, other))

    def __sub__(self, other: Expression) -> Expression:
        return Expression("-", (self, other))

    def __mul__(self, other: Expression) -> Expression:
        return Expression("*", (self, other))


def name(text: str) -> Expression:
    return Expression("name", (text,))


def number(value: float) -> Expression:
    return Expression("number", (value,))


def call(function: str, x: Expression) -> Expression:
    return Expression(function, (x,))


def total(terms: Iterable[Expression]) -> Expression:
    return reduce(add, terms)


def names_in(expression: Expression) -> tuple[str, ...]:
    """Every name an expression reads, in reading order."""
    if expression.operation == "name":
        return expression.parts
    parts = (part for part in expression.parts if isinstance(part, Expression))
    return tuple(found for part in parts for found in names_in(part))


def written(expression: Expression, reading: str, shown: Callable[[str], str]) -> str:
    """The expression as "text" or as "native"; `shown` writes a name. Sums in a product get their parentheses."""
    operation, parts = expression.operation, expression.parts
    if operation == "name":
        return shown(parts[0])
    if operation == "number":
        return NUMBERS.get(parts[0], f"{parts[0]:g}") if reading == "text" else f"{parts[0]:g}"
    if operation in FUNCTIONS:
        return getattr(FUNCTIONS[operation], reading).format(x=written(parts[0], reading, shown))
    sides = [written(part, reading, shown) for part in parts]
    bound = [f"({side})" if loose(part, operation) else side for side, part in zip(sides, parts, strict=True)]
    return getattr(OPERATORS[operation], reading).join(bound)


def loose(part: Expression, operation: str) -> bool:
    """Whether a part needs parentheses inside an operation. (No derivation subtracts a sum.)"""
    return operation == "*" and part.operation in "+-"


def text(expression: Expression) -> str:
    """The formula to read: "w1 · i1 + w2 · i2"."""
    return written(expression, "text", str)


def native(expression: Expression, cell: Callable[[str], str]) -> str:
    """The formula for a cell, without "=": "B3*B1+B4*B2". `cell` gives the reference of a name."""
    return written(expression, "native", cell)


def with_numbers(expression: Expression, cell: Callable[[str], str]) -> str:
    """A formula, without "=", whose answer is the text with the numbers put in, in the reader's own locale."""

    def piece(quantity: str) -> str:
        shown = f"ROUND({cell(quantity)},{SHOWN_DECIMALS})"
        return f'"&IF({cell(quantity)}<0,"("&{shown}&")",{shown})&"'

    return f'"{written(expression, "text", piece)}"'


def numbers_text(expression: Expression, values: Mapping[str, float]) -> str:
    """What `with_numbers` answers at these values, to be stored beside the formula."""

    def piece(quantity: str) -> str:
        value = round(values[quantity], SHOWN_DECIMALS)
        shown = f"{value:.{SHOWN_DECIMALS}f}".rstrip("0").rstrip(".") if value else "0"
        return f"({shown})" if values[quantity] < 0 else shown

    return written(expression, "text", piece)


def evaluate(expression: Expression, values: Mapping[str, float]) -> float:
    """The expression's value; not a number wherever a spreadsheet would give an error (an infinity is one there)."""
    operation, parts = expression.operation, expression.parts
    if operation in ("name", "number"):
        return values[parts[0]] if operation == "name" else parts[0]
    known = [evaluate(part, values) for part in parts]
    value = FUNCTIONS[operation].value(*known) if operation in FUNCTIONS else OPERATORS[operation].value(*known)
    return value if math.isfinite(value) else math.nan
