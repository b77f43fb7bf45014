"""A cell's formula as a tree: parsed once for all cells that were filled from it, evaluated with numbers or arrays.

A tree is nested tuples, so that trees compare and serve as keys:
("number", 0.5), ("text", "x"), ("error", "#REF!"), ("slot", n), ("call", "EXP", (x,)), ("+", x, y), ("neg", x).
A slot is a reference; `Parsed.references` has them, relative to the formula's cell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from openpyxl.formula import Tokenizer
from openpyxl.formula.tokenizer import Token, TokenizerError

from .grid import REFERENCE, column_number

MAX_LENGTH, MAX_DEPTH, MAX_OPERATORS = 8_192, 60, 250
BINDING = {"=": 1, "<>": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5}
MOVING = re.compile(
    r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'!|\[[^\]]*\]|(?<![\w.$])(\$?)([A-Za-z]{1,3})(\$?)(\d{1,7})(?![\w(.!\[])'
)
AREA = re.compile(r"(?:(?P<sheet>'(?:[^']|'')*'|[^'!\[\]]+)!)?(?P<first>[^:!]+)(?::(?P<last>[^:!]+))?")
PLACE = re.compile(r"(\$?)([A-Za-z]{1,3})(\$?)(\d{1,7})")
STRUCTURED = re.compile(r"(?P<table>[^\[\]]*)\[(?:\[#This Row\],)?@?\[?(?P<column>[^\[\]@]+)\]?\]", re.IGNORECASE)

Tree = tuple


class NotUnderstood(Exception):
    """The formula uses something this check does not know; the message names it."""


class Reference(NamedTuple):
    """A cell (last is None), an area, a defined name or a column of a table. Rows and columns count from the
    formula's own cell unless they are anchored: (anchored, number)."""

    sheet: str | None = None
    first: tuple[tuple[bool, int], tuple[bool, int]] | None = None
    last: tuple[tuple[bool, int], tuple[bool, int]] | None = None
    name: str = ""

    def corner(self, which: int, row: int, column: int) -> tuple[int, int]:
        """The cell it means in a formula at (row, column)."""
        (fixed_row, r), (fixed_column, c) = self.last if which else self.first
        return (r if fixed_row else row + r), (c if fixed_column else column + c)


class Parsed(NamedTuple):
    tree: Tree
    references: tuple[Reference, ...]


def parsed(text: str, row: int, column: int) -> Parsed:
    """The tree of a formula at (row, column). Raises NotUnderstood."""
    if len(text) > MAX_LENGTH:
        raise NotUnderstood("a formula of over 8,192 characters")
    return parse_once(MOVING.sub(lambda found: relative(found, row, column), text))


def relative(found: re.Match, row: int, column: int) -> str:
    """A reference written as a text that is the same in every cell it was filled into."""
    if not found[4]:
        return found[0]
    r, c = int(found[4]), column_number(found[2])
    return f"RC_{counted(r, row, found[3])}_{counted(c, column, found[1])}"


def counted(number: int, own: int, anchored: str) -> str:
    """a5: the fifth; r5, m5: five after and before the formula's own."""
    away = number if anchored else number - own
    return f"{'a' if anchored else 'm' if away < 0 else 'r'}{abs(away)}"


RELATIVE = re.compile(r"RC_([arm])(\d+)_([arm])(\d+)")


@lru_cache(maxsize=20_000)
def parse_once(text: str) -> Parsed:
    return Parser(text).parsed


class Parser:
    """Precedence climbing over openpyxl's tokens."""

    def __init__(self, text: str):
        self.references: list[Reference] = []
        self.tokens, self.at, self.depth, self.operators = tokens(text), 0, 0, 0
        tree = self.expression(0)
        if self.at < len(self.tokens):
            raise NotUnderstood(f'"{self.tokens[self.at].value}"')
        self.parsed = Parsed(tree, tuple(self.references))

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> Token:
        token = self.peek()
        if token is None:
            raise NotUnderstood("a formula that ends early")
        self.at += 1
        return token

    def expression(self, least: int) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotUnderstood("a formula nested too deep")
        left = self.operand()
        while (token := self.peek()) and token.type == Token.OP_IN and BINDING.get(token.value, 0) > least:
            self.at += 1
            self.operators += 1
            if self.operators > MAX_OPERATORS:
                raise NotUnderstood(f"a formula of over {MAX_OPERATORS} operators")
            left = (token.value, left, self.expression(BINDING[token.value]))
        self.depth -= 1
        return left

    def operand(self) -> Tree:
        """A prefix binds tighter than any operator: in a cell, -2^2 is 4."""
        token = self.take()
        if token.type == Token.OP_PRE:
            inner = self.operand()
            return inner if token.value in "+@" else ("neg", inner)
        if token.type == Token.FUNC and token.subtype == Token.OPEN:
            tree = self.call(token.value[:-1].upper().removeprefix("_XLFN."))
        elif token.type == Token.PAREN and token.subtype == Token.OPEN:
            tree = self.expression(0)
            self.close()
        elif token.type == Token.OPERAND:
            tree = self.leaf(token)
        else:
            raise NotUnderstood(f'"{token.value}"')
        while (token := self.peek()) and token.type == Token.OP_POST:
            self.at += 1
            tree = ("/", tree, ("number", 100.0))
        return tree

    def call(self, name: str) -> Tree:
        arguments, token = [], self.peek()
        if token and token.type == Token.FUNC and token.subtype == Token.CLOSE:
            self.at += 1
            return ("call", name, ())
        while True:
            arguments.append(self.expression(0))
            token = self.take()
            if token.type == Token.FUNC and token.subtype == Token.CLOSE:
                return ("call", name, tuple(arguments))
            if token.type != Token.SEP:
                raise NotUnderstood(f'"{token.value}"')

    def close(self) -> None:
        token = self.take()
        if token.subtype != Token.CLOSE:
            raise NotUnderstood(f'"{token.value}"')

    def leaf(self, token: Token) -> Tree:
        if token.subtype == Token.NUMBER:
            return ("number", float(token.value))
        if token.subtype == Token.TEXT:
            return ("text", token.value.strip('"'))
        if token.subtype == Token.LOGICAL:
            return ("number", float(token.value.upper() == "TRUE"))
        if token.subtype == Token.ERROR:
            return ("error", token.value)
        self.references.append(reference(token.value))
        return ("slot", len(self.references) - 1)


def tokens(text: str) -> list[Token]:
    """openpyxl's tokens, without the white space. It knows only A1 references, and takes ours for names."""
    try:
        found = Tokenizer("=" + text.replace("\n", " ")).items
    except (TokenizerError, IndexError, ValueError) as error:
        raise NotUnderstood("a formula that cannot be read") from error
    return [token for token in found if token.type != Token.WSPACE]


def reference(text: str) -> Reference:
    """The reference a token means. Raises NotUnderstood for another workbook."""
    if "#REF!" in text:
        return Reference(name="#REF!")
    if found := STRUCTURED.fullmatch(text):
        return Reference(name=f"{found['table']}[{found['column']}]".lower())
    if "[" in text:
        raise NotUnderstood("a reference to another workbook")
    found = AREA.fullmatch(text)
    corners = [corner(found[each]) for each in ("first", "last") if found and found[each]]
    if not found or None in corners:
        return Reference(name=text.lower().lstrip("!"))
    sheet = found["sheet"].strip("'").replace("''", "'") if found["sheet"] else None
    return Reference(sheet, corners[0], corners[1] if len(corners) == 2 else None)


def corner(text: str) -> tuple | None:
    if found := RELATIVE.fullmatch(text):
        return (
            (found[1] == "a", int(found[2]) * (-1 if found[1] == "m" else 1)),
            (found[3] == "a", int(found[4]) * (-1 if found[3] == "m" else 1)),
        )
    if found := PLACE.fullmatch(text):
        return (True, int(found[4])), (True, column_number(found[2]))
    return None


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


FUNCTIONS: dict[str, Callable] = {
    "EXP": np.exp,
    "LN": np.log,
    "SQRT": np.sqrt,
    "ABS": np.abs,
    "TANH": np.tanh,
    "POWER": lambda x, y: np.power(np.asarray(x, dtype=float), y),
    "POW": lambda x, y: np.power(np.asarray(x, dtype=float), y),
    "SUM": lambda *x: summed(flat(x)),
    "AVERAGE": lambda *x: summed(flat(x)) / len(flat(x)),
    "PRODUCT": lambda *x: math.prod(flat(x)[1:], start=flat(x)[0]),
    "MULTIPLY": lambda x, y: x * y,
    "ADD": lambda x, y: x + y,
    "MINUS": lambda x, y: x - y,
    "DIVIDE": lambda x, y: np.divide(x, y),
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
    "/": np.divide,
    "^": lambda x, y: np.power(np.asarray(x, dtype=float), y),
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


def looks_like_cell(text: str) -> bool:
    return bool(REFERENCE.fullmatch(text.replace("$", "")))
