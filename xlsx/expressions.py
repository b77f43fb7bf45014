"""An expression over names (w1, a_h1, dE/do1 …) and its readings: to read, with numbers put in, native, its value.

`text`, `with_numbers`, `native` and `evaluate` are four readings of one expression, so a sheet's text and its cells
cannot disagree. Nothing of pyfuncs is used here: what it computes stays an independent referee.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add, mul, sub, truediv
from typing import Any, NamedTuple

SHOWN_DECIMALS = 6


class Function(NamedTuple):
    """A function of one part or more: how it is read, how it is written in a cell, what it gives, and its derivatives
    by each of its parts."""

    text: Callable[..., str]
    native: Callable[..., str]
    value: Callable[..., float]
    slopes: Callable[..., tuple[Expression, ...]]


def sigmoid(x: float) -> float:
    """1/(1 + e^-x) without overflow: the exponent is never positive."""
    small = math.exp(-abs(x))
    return 1 / (1 + small) if x >= 0 else small / (1 + small)


def powers(layer: Iterable[str], largest: str) -> str:
    """Native Σ e^z of a layer's units, each less the largest, so that no power overflows."""
    return "+".join(f"EXP({z}-{largest})" for z in layer)


def softmax(z: float, *layer: float) -> float:
    return math.exp(z - max(layer)) / sum(math.exp(each - max(layer)) for each in layer)


def softmax_text(z: str, *layer: str) -> str:
    return f"e^{z} / ({' + '.join(f'e^{each}' for each in layer)})"


def softmax_native(z: str, *layer: str) -> str:
    largest = f"MAX({','.join(layer)})"
    return f"EXP({z}-{largest})/({powers(layer, largest)})"


def cross_entropy(t: float, a: float, z: float, *layer: float) -> float:
    """−t ln a of softmax, from z: −ln a = ln Σ e^z − z."""
    return t * (math.log(sum(math.exp(each - max(layer)) for each in layer)) + max(layer) - z)


def cross_entropy_native(t: str, a: str, z: str, *layer: str) -> str:
    largest = f"MAX({','.join(layer)})"
    return f"{t}*(LN({powers(layer, largest)})+{largest}-{z})"


def binary_cross_entropy(t: float, a: float, z: float) -> float:
    """−t ln a − (1 − t) ln(1 − a) of a sigmoid, from z: ln(1 + e^z) − t z."""
    return max(z, 0) - t * z + math.log1p(math.exp(-abs(z)))


# Cross-entropy is read as it is known, from a, and computed from z: the logarithm of an a of 0 is no number.
# A square is a product: LibreOffice's ^ and POWER give an error where the result is too small to be told from 0.
FUNCTIONS = {
    "sigmoid": Function(
        lambda x: f"1/(1 + e^(−{x}))",
        lambda x: f"IF({x}>=0,1/(1+EXP(-{x})),EXP({x})/(1+EXP({x})))",
        sigmoid,
        lambda x: (call("sigmoid", x) * (number(1) - call("sigmoid", x)),),
    ),
    "tanh": Function(
        lambda x: f"tanh({x})",
        lambda x: f"TANH({x})",
        math.tanh,
        lambda x: (number(1) - call("square", call("tanh", x)),),
    ),
    "relu": Function(
        lambda x: f"max(0, {x})",
        lambda x: f"IF({x}>0,{x},0)",
        lambda x: 0.0 if x <= 0 else x,
        lambda x: (call("above_zero", x),),
    ),
    "above_zero": Function(
        lambda x: f"(1 if {x} > 0 else 0)",
        lambda x: f"IF({x}>0,1,0)",
        lambda x: float(x > 0),
        lambda x: (number(0),),
    ),
    "square": Function(lambda x: f"({x})²", lambda x: f"(({x})*({x}))", lambda x: x * x, lambda x: (number(2) * x,)),
    "root": Function(
        lambda x: f"√({x})", lambda x: f"SQRT({x})", math.sqrt, lambda x: (number(0.5) / call("root", x),)
    ),
    "softmax": Function(softmax_text, softmax_native, softmax, lambda z, *layer: softmax_slopes(z, *layer)),
    "cross_entropy": Function(
        lambda t, a, *_: f"−{t} · ln({a})",
        cross_entropy_native,
        cross_entropy,
        lambda t, a, z, *layer: cross_entropy_slopes(t, a, z, *layer),
    ),
    "binary_cross_entropy": Function(
        lambda t, a, z: f"−{t} · ln({a}) − (1 − {t}) · ln(1 − {a})",
        lambda t, a, z: f"MAX({z},0)-{t}*{z}+LN(1+EXP(-ABS({z})))",
        binary_cross_entropy,
        lambda t, a, z: (number(0) - z, number(0), call("sigmoid", z) - t),
    ),
}


def softmax_slopes(z: Expression, *layer: Expression) -> tuple[Expression, ...]:
    """By z and by each z of the layer, as if they were not the same: for its own unit the two add up to a(1 − a)."""
    own = call("softmax", z, *layer)
    return own, *(number(-1) * own * call("softmax", each, *layer) for each in layer)


def cross_entropy_slopes(t: Expression, a: Expression, z: Expression, *layer: Expression) -> tuple[Expression, ...]:
    by_layer = (t * call("softmax", each, *layer) for each in layer)
    return call("cross_entropy", number(1), a, z, *layer), number(0), number(-1) * t, *by_layer


class Operator(NamedTuple):
    """`binds`: how strongly, for the parentheses. `slopes`: the derivatives by both sides."""

    text: str
    native: str
    value: Callable[[float, float], float]
    binds: int
    slopes: Callable[..., tuple[Expression, ...]]


# A power has a slope by its base alone: no exponent of a sheet is ever varied.
OPERATORS = {
    "+": Operator(" + ", "+", add, 1, lambda x, y: (number(1), number(1))),
    "-": Operator(" − ", "-", sub, 1, lambda x, y: (number(1), number(-1))),
    "*": Operator(" · ", "*", mul, 2, lambda x, y: (y, x)),
    "/": Operator(" / ", "/", truediv, 2, lambda x, y: (number(1) / y, number(-1) * x / (y * y))),
    "^": Operator("^", "^", math.pow, 3, lambda x, y: (y * x ** (y - number(1)),)),
}
OPERATIONS = FUNCTIONS | OPERATORS
NUMBERS = {0.5: "½"}


@dataclass(frozen=True)
class Expression:
    """`operation` is "name", "number", an operator or a function; `parts` are the name, the number or the operands."""

    operation: str
    parts: tuple[Any, ...]

    def __hash__(self) -> int:
        return self.hashed

    @cached_property
    def hashed(self) -> int:
        """Found once: an expression may be large, and is looked up often."""
        return hash((self.operation, self.parts))

    def __add__(self, other: Expression) -> Expression:
        return Expression("+", (self, other))

    def __sub__(self, other: Expression) -> Expression:
        return Expression("-", (self, other))

    def __mul__(self, other: Expression) -> Expression:
        return Expression("*", (self, other))

    def __truediv__(self, other: Expression) -> Expression:
        return Expression("/", (self, other))

    def __pow__(self, other: Expression) -> Expression:
        return Expression("^", (self, other))


def name(text: str) -> Expression:
    return Expression("name", (text,))


def number(value: float) -> Expression:
    return Expression("number", (value,))


def call(function: str, *parts: Expression) -> Expression:
    return Expression(function, parts)


def total(terms: Iterable[Expression]) -> Expression:
    return reduce(add, terms)


def names_in(expression: Expression) -> tuple[str, ...]:
    """Every name an expression reads, in reading order."""
    if expression.operation == "name":
        return expression.parts
    parts = (part for part in expression.parts if isinstance(part, Expression))
    return tuple(found for part in parts for found in names_in(part))


def renamed(expression: Expression, rename: Callable[[str], str]) -> Expression:
    """The same expression over other names."""
    if expression.operation == "name":
        return name(rename(*expression.parts))
    parts = (renamed(part, rename) if isinstance(part, Expression) else part for part in expression.parts)
    return Expression(expression.operation, tuple(parts))


def written(expression: Expression, reading: str, shown: Callable[[str], str]) -> str:
    """The expression as "text" or as "native"; `shown` writes a name. Parentheses stand where they must."""
    operation, parts = expression.operation, expression.parts
    if operation == "name":
        return shown(parts[0])
    if operation == "number":
        return NUMBERS.get(parts[0], f"{parts[0]:g}") if reading == "text" else f"{parts[0]:g}"
    sides = [written(part, reading, shown) for part in parts]
    if operation == "square" and reading == "text" and is_simple(*parts):
        return f"{sides[0]}²"
    if operation in FUNCTIONS:
        return str(getattr(FUNCTIONS[operation], reading)(*sides))
    left, right = (
        f"({side})" if loose(part, operation, last) else side
        for part, side, last in zip(parts, sides, (False, True), strict=True)
    )
    return left + str(getattr(OPERATORS[operation], reading)) + right


def is_simple(part: Expression) -> bool:
    """Whether a part can be squared as it is written: a_h1² is plain, (dE/dw1)² is not without its parentheses."""
    return part.operation == "name" and "/" not in part.parts[0]


def loose(part: Expression, operation: str, last: bool) -> bool:
    """Whether a part needs parentheses: it binds less than the operator, or as much and stands after − or / or at ^."""
    if part.operation not in OPERATORS:
        return False
    inner, outer = OPERATORS[part.operation].binds, OPERATORS[operation].binds
    return inner < outer or (inner == outer and (operation == "^" or (last and operation in "-/")))


def text(expression: Expression) -> str:
    """The formula to read: "w1 · i1 + w2 · i2"."""
    return written(expression, "text", str)


def native(expression: Expression, cell: Callable[[str], str]) -> str:
    """The formula for a cell, without "=": "B3*B1+B4*B2". `cell` gives the reference of a name."""
    return written(expression, "native", cell)


def in_logarithms(expression: Expression) -> set[str]:
    """The names whose logarithm the text takes, or that of 1 less them."""
    parts = [part for part in expression.parts if isinstance(part, Expression)]
    own = names_in(parts[1]) if expression.operation.endswith("cross_entropy") else ()
    return {*own, *(name for part in parts for name in in_logarithms(part))}


def with_numbers(expression: Expression, cell: Callable[[str], str]) -> str:
    """A formula, without "=", whose answer is the text with the numbers put in, in the reader's own locale.

    They are rounded, but not to 0 or 1 where a logarithm is taken: ln(0) is no number.
    """
    logarithms = in_logarithms(expression)

    def piece(quantity: str) -> str:
        shown = f"ROUND({cell(quantity)},{SHOWN_DECIMALS})"
        if quantity in logarithms:
            return f'"&IF(OR({shown}=0,{shown}=1),{cell(quantity)},{shown})&"'
        return f'"&IF({cell(quantity)}<0,"("&{shown}&")",{shown})&"'

    return f'"{written(expression, "text", piece)}"'


def numbers_text(expression: Expression, values: Mapping[str, float]) -> str:
    """What `with_numbers` answers at these values, to be stored beside the formula."""
    logarithms = in_logarithms(expression)

    def piece(quantity: str) -> str:
        value = round(values[quantity], SHOWN_DECIMALS)
        if quantity in logarithms and value in (0, 1):
            return f"{values[quantity]:.15G}"
        shown = f"{value:.{SHOWN_DECIMALS}f}".rstrip("0").rstrip(".") if value else "0"
        return f"({shown})" if values[quantity] < 0 else shown

    return written(expression, "text", piece)


def evaluate(expression: Expression, values: Mapping[str, float]) -> float:
    """The expression's value; not a number wherever a spreadsheet would give an error (an infinity is one there)."""
    operation, parts = expression.operation, expression.parts
    if operation in ("name", "number"):
        return values[parts[0]] if operation == "name" else parts[0]
    known = [evaluate(part, values) for part in parts]
    try:
        value = OPERATIONS[operation].value(*known)
    except (ArithmeticError, ValueError):  # a division by zero, an overflow; the root of a negative number
        return math.nan
    return value if math.isfinite(value) else math.nan


def stored(value: float) -> float | str:
    """What a formula's cell stores: a spreadsheet has no infinity, it shows #N/A."""
    return value if math.isfinite(value) else "#N/A"


def derivative(expression: Expression, name: str) -> Expression:
    """dexpression/dname by the chain rule, from each operation's slopes; what is 0 or 1 is left out.

    Raises ValueError where the name stands in an exponent.
    """
    operation, parts = expression.operation, expression.parts
    if operation in ("name", "number"):
        return number(1 if operation == "name" and parts[0] == name else 0)
    inner = [derivative(part, name) for part in parts]
    slopes = OPERATIONS[operation].slopes(*parts)
    if any(each != number(0) for each in inner[len(slopes) :]):
        raise ValueError(f"{name} stands in an exponent")
    terms = [product(slope, each) for slope, each in zip(slopes, inner, strict=False)]
    return total([term for term in terms if term != number(0)] or [number(0)])


def product(one: Expression, other: Expression) -> Expression:
    if number(0) in (one, other):
        return number(0)
    return other if one == number(1) else one if other == number(1) else one * other
