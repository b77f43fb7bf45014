"""Formulas as trees: their leaves, their value with numbers or arrays, and their text.

A tree is nested tuples, so that trees compare and serve as keys:
("number", 0.5), ("text", "x"), ("error", "#REF!"), ("slot", n), ("call", "EXP", (x,)), ("+", x, y), ("neg", x).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

BINDING = {"=": 1, "<>": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5}

Tree = tuple


class NotUnderstood(Exception):
    """The formula uses something this check does not know; the message names it."""


def flat(values: tuple) -> list:
    """All numbers of some arguments; an area is a list."""
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def summed(values: list) -> np.ndarray | float:
    return sum(values[1:], values[0]) if values else 0.0


def products(*areas: list) -> np.ndarray | float:
    lists = [area if isinstance(area, list) else [area] for area in areas]
    if len({len(each) for each in lists}) != 1:
        raise NotUnderstood("SUMPRODUCT of areas that differ in size")
    return summed([math.prod(group[1:], start=group[0]) for group in zip(*lists, strict=True)])


def divide(x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray | float:
    """A plain float where that can be: single numbers are many, and numpy is slow with them."""
    return x / y if type(x) is type(y) is float and y else np.divide(x, y)


def power(x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray | float:
    plain = type(x) is type(y) is float and 0 < x < 1e30 and -10 < y < 10
    return x**y if plain else np.power(np.asarray(x, dtype=float), y)


def exponential(x: np.ndarray | float) -> np.ndarray | float:
    return math.exp(x) if type(x) is float and -700 < x < 700 else np.exp(x)


FUNCTIONS: dict[str, Callable] = {
    "EXP": exponential,
    "LN": np.log,
    "SQRT": np.sqrt,
    "ABS": np.abs,
    "TANH": np.tanh,
    "POWER": power,
    "POW": power,
    "SUM": lambda *x: summed(flat(x)),
    "AVERAGE": lambda *x: summed(flat(x)) / len(flat(x)),
    "PRODUCT": lambda *x: math.prod(flat(x)[1:], start=flat(x)[0]),
    "MULTIPLY": lambda x, y: x * y,
    "ADD": lambda x, y: x + y,
    "MINUS": lambda x, y: x - y,
    "DIVIDE": divide,
    "UMINUS": lambda x: -x,
    "SUMSQ": lambda *x: summed([each * each for each in flat(x)]),
    "SUMXMY2": lambda x, y: summed([(a - b) ** 2 for a, b in zip(flat((x,)), flat((y,)), strict=True)]),
    "SUMPRODUCT": products,
    "MAX": lambda *x: np.max(np.broadcast_arrays(*flat(x)), axis=0),
    "MIN": lambda *x: np.min(np.broadcast_arrays(*flat(x)), axis=0),
    "IF": lambda test, yes, no=0.0: np.where(test, yes, no),
    "AND": lambda *x: np.logical_and.reduce(np.broadcast_arrays(*flat(x))),
    "PI": lambda: math.pi,
    "VALUE": lambda x: x,
    "N": lambda x: x,
    "ISNUMBER": lambda x: np.isfinite(x),
    "NA": lambda: np.nan,
    "IFERROR": lambda x, _=0.0: x,
    "IFNA": lambda x, _=0.0: x,
    "ROUND": lambda x, digits=0.0: x,  # rounding is harmless; see ROUNDED for the numbers of cells
    "ROUNDUP": lambda x, digits=0.0: x,
    "ROUNDDOWN": lambda x, digits=0.0: x,
    "TRUNC": lambda x, digits=0.0: x,
}
OPERATORS: dict[str, Callable] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": divide,
    "^": power,
    "=": lambda x, y: x == y,
    "<>": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    ">": lambda x, y: x > y,
    "<=": lambda x, y: x <= y,
    ">=": lambda x, y: x >= y,
}
LEAST_DIGITS = 3  # a rounding to fewer decimals changes what is computed


def evaluate(tree: Tree, leaf: Callable[[Tree], np.ndarray | float]) -> np.ndarray | float:
    """The value of a tree; `leaf` gives that of a leaf that is no number. Raises NotUnderstood.

    Overflows and divisions by zero give inf and nan; use it under np.errstate.
    """
    kind = tree[0]
    if kind == "number":
        return tree[1]
    if kind in OPERATORS:
        return OPERATORS[kind](power_base(kind, evaluate(tree[1], leaf)), evaluate(tree[2], leaf))
    if kind == "neg":
        return -evaluate(tree[1], leaf)
    if kind == "call":
        return call(tree[1], tree[2], leaf)
    if kind == "error":
        raise NotUnderstood(tree[1])
    if kind == "text":
        raise NotUnderstood(f'the text "{tree[1]}"')
    return leaf(tree)


def power_base(kind: str, base: object) -> object:
    """2.718 and the like before ^ stand for e."""
    return math.e if kind == "^" and isinstance(base, float) and abs(base - math.e) < 5e-4 else base


def call(name: str, arguments: tuple, leaf: Callable) -> np.ndarray | float:
    if name not in FUNCTIONS:
        raise NotUnderstood(f"the function {name}")
    if name.startswith(("ROUND", "TRUNC")) and (
        len(arguments) < 2 or arguments[1][0] != "number" or arguments[1][1] < LEAST_DIGITS
    ):
        raise NotUnderstood(f"{name} to fewer than {LEAST_DIGITS} decimals")
    if name in ("IFERROR", "IFNA"):
        arguments = arguments[:1]
    try:
        return FUNCTIONS[name](*[evaluate(argument, leaf) for argument in arguments])
    except (TypeError, ValueError, IndexError) as error:
        raise NotUnderstood(f"this use of {name}") from error


def leaves(tree: Tree) -> list[Tree]:
    """Every leaf of a tree, in reading order."""
    if tree[0] == "call":
        return [leaf for argument in tree[2] for leaf in leaves(argument)]
    if tree[0] in OPERATORS:
        return leaves(tree[1]) + leaves(tree[2])
    return leaves(tree[1]) if tree[0] == "neg" else [tree]


def cells_read(tree: Tree) -> list[Tree]:
    """Every leaf that is one cell or number: those of formulas put in and of areas, too."""
    found = []
    for leaf in leaves(tree):
        if leaf[0] == "inline":
            found += cells_read(leaf[1])
        else:
            found += [each for part in leaf[1] for each in cells_read(part)] if leaf[0] == "area" else [leaf]
    return found


def replaced(tree: Tree, leaf: Callable[[Tree], Tree]) -> Tree:
    """A tree with every leaf put through `leaf`."""
    if tree[0] == "call":
        return ("call", tree[1], tuple(replaced(argument, leaf) for argument in tree[2]))
    if tree[0] in OPERATORS:
        return (tree[0], replaced(tree[1], leaf), replaced(tree[2], leaf))
    return ("neg", replaced(tree[1], leaf)) if tree[0] == "neg" else leaf(tree)


def written(tree: Tree, shown: Callable[[Tree], str], signs: dict[str, str] | None = None) -> str:
    """A tree as text; `shown` writes a leaf, `signs` may replace operators ("*": " · ")."""

    def show(node: Tree, least: int, tight: bool = False) -> str:
        kind = node[0]
        if kind == "number":
            return f"{node[1]:.10g}"
        if kind == "call":
            return f"{node[1]}({','.join(show(argument, 0) for argument in node[2])})"
        if kind == "neg":
            return "-" + show(node[1], 6)
        if kind not in OPERATORS:
            return shown(node)
        binding = BINDING[kind]
        text = show(node[1], binding) + (signs or {}).get(kind, kind) + show(node[2], binding, kind in "-/")
        return f"({text})" if binding < least or (tight and binding == least) else text

    return show(tree, 0)
