"""A cell's formula as an expression (xlsx.expressions) over references, parsed once for all cells filled from it.

Operations are the signs + − * / ^ and the spreadsheet's functions by name; ("slot", k) is the reference k, as one cell,
("area", k) as all its cells. `evaluate` works with numbers and with arrays alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from openpyxl.formula import Tokenizer
from openpyxl.formula.tokenizer import Token, TokenizerError
from openpyxl.utils import column_index_from_string

from xlsx.expressions import Expression, number

Value = float | np.ndarray
Corner = tuple[tuple[bool, int], tuple[bool, int]]

MAX_LENGTH, MAX_DEPTH, MAX_OPERATORS = 8_192, 60, 250
LAST_ROW = 1_048_576
BINDING = {"=": 1, "<>": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5}
MOVING = re.compile(
    r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'!|\[[^\]]*\]|(?<![\w.$])(\$?)([A-Za-z]{1,3})(\$?)(\d{1,7})(?![\w(.!\[])'
)
AREA = re.compile(r"(?:(?P<sheet>'(?:[^']|'')*'|[^'!\[\]]+)!)?(?P<first>[^:!]+)(?::(?P<last>[^:!]+))?")
PLACE = re.compile(r"(\$?)([A-Za-z]{1,3})(\$?)(\d{1,7})")
COLUMN = re.compile(r"\$?([A-Za-z]{1,3})")
RELATIVE = re.compile(r"RC_([arm])(\d+)_([arm])(\d+)")
STRUCTURED = re.compile(r"(?P<table>[^\[\]]*)\[(?:\[#This Row\],)?@?\[?(?P<column>[^\[\]@]+)\]?\]", re.IGNORECASE)


class NotUnderstood(Exception):
    """The formula uses something this check does not know; the message names it."""


class Reference(NamedTuple):
    """A cell (last is None), an area, a defined name or a column of a table. Rows and columns count from the
    formula's own cell unless they are anchored: (anchored, number)."""

    sheet: str | None = None
    first: Corner | None = None
    last: Corner | None = None
    name: str = ""

    def corner(self, which: int, row: int, column: int) -> tuple[int, int]:
        """The cell it means in a formula at (row, column)."""
        found = self.last if which else self.first
        assert found is not None
        (fixed_row, r), (fixed_column, c) = found
        return (r if fixed_row else row + r), (c if fixed_column else column + c)


class Parsed(NamedTuple):
    """`slots` are the references that are read: their numbers, and whether all cells of an area are meant."""

    tree: Expression
    references: tuple[Reference, ...]
    slots: tuple[tuple[int, bool], ...]


def parsed(text: str, row: int, column: int) -> Parsed:
    """The expression of a formula at (row, column). Raises NotUnderstood."""
    if len(text) > MAX_LENGTH:
        raise NotUnderstood("a formula of over 8,192 characters")
    return parse_once(MOVING.sub(lambda found: relative(found, row, column), text))


def relative(found: re.Match[str], row: int, column: int) -> str:
    """A reference written as a text that is the same in every cell it was filled into."""
    if not found[4]:
        return found[0]
    r, c = int(found[4]), column_index_from_string(found[2])
    return f"RC_{counted(r, row, found[3])}_{counted(c, column, found[1])}"


def counted(number: int, own: int, anchored: str) -> str:
    """a5: the fifth; r5, m5: five after and before the formula's own."""
    away = number if anchored else number - own
    return f"{'a' if anchored else 'm' if away < 0 else 'r'}{abs(away)}"


@lru_cache(maxsize=20_000)
def parse_once(text: str) -> Parsed:
    return Parser(text).parsed


class Parser:
    """Precedence climbing over openpyxl's tokens. LET is written out: its names are replaced by what they stand for."""

    def __init__(self, text: str):
        self.references: list[Reference] = []
        self.local: dict[str, Expression] = {}
        self.tokens, self.at, self.depth, self.operators = tokens(text), 0, 0, 0
        tree = self.expression(0)
        if self.at < len(self.tokens):
            raise NotUnderstood(f'"{self.tokens[self.at].value}"')
        read = (leaf for leaf in leaves(tree) if leaf.operation in ("slot", "area"))
        slots = {(leaf.parts[0], leaf.operation == "area"): None for leaf in read}
        self.parsed = Parsed(tree, tuple(self.references), tuple(slots))

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> Token:
        token = self.peek()
        if token is None:
            raise NotUnderstood("a formula that ends early")
        self.at += 1
        return token

    def expression(self, least: int) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotUnderstood("a formula nested too deep")
        left = self.operand()
        while (token := self.peek()) and token.type == Token.OP_IN and BINDING.get(token.value, 0) > least:
            self.at += 1
            self.operators += 1
            if self.operators > MAX_OPERATORS:
                raise NotUnderstood(f"a formula of over {MAX_OPERATORS} operators")
            left = Expression(token.value, (left, self.expression(BINDING[token.value])))
        self.depth -= 1
        return left

    def operand(self) -> Expression:
        """A prefix binds tighter than any operator: in a cell, -2^2 is 4."""
        token = self.take()
        if token.type == Token.OP_PRE:
            inner = self.operand()
            return inner if token.value in "+@" else Expression("neg", (inner,))
        if token.type == Token.FUNC and token.subtype == Token.OPEN:
            tree = self.call(re.sub(r"^_XL\w*\.|^_XLFN\.|^_XLWS\.", "", token.value[:-1].upper()))
        elif token.type == Token.PAREN and token.subtype == Token.OPEN:
            tree = self.expression(0)
            self.close()
        elif token.type == Token.OPERAND:
            tree = self.leaf(token)
        elif token.type == Token.ARRAY and token.subtype == Token.OPEN:
            tree = self.constants()
        else:
            raise NotUnderstood(f'"{token.value}"')
        while (token := self.peek()) and token.type == Token.OP_POST:
            self.at += 1
            tree = Expression("/", (tree, number(100.0)))
        return tree

    def call(self, name: str) -> Expression:
        arguments: list[Expression] = []
        if self.closes():
            return Expression(name, ())
        while True:
            if name == "LET" and not len(arguments) % 2 and self.binds():
                arguments.append(self.bound())
            else:
                arguments.append(self.as_area(self.expression(0)) if name in AREA_FUNCTIONS else self.expression(0))
            if name == "LET" and not len(arguments) % 2:
                self.local[arguments[-2].parts[0]] = arguments[-1]
            if self.closes():
                whole = Expression(SAME_AS.get((name, len(arguments)), name), tuple(arguments))
                return arguments[-1] if name == "LET" else whole
            if (token := self.take()).type != Token.SEP:
                raise NotUnderstood(f'"{token.value}"')

    def constants(self) -> Expression:
        """The values of {1,2,3}, as a list."""
        found: list[Expression] = []
        while (token := self.take()).type != Token.ARRAY or token.subtype != Token.CLOSE:
            if token.type == Token.OPERAND:
                found.append(self.leaf(token))
        return Expression("list", tuple(found))

    def closes(self) -> bool:
        token = self.peek()
        ends = token is not None and token.type == Token.FUNC and token.subtype == Token.CLOSE
        self.at += ends
        return ends

    def binds(self) -> bool:
        """Whether a name of LET comes next: a name alone, and something after it."""
        token, after = self.tokens[self.at], self.tokens[self.at + 1 : self.at + 2]
        return token.type == Token.OPERAND and bool(after) and after[0].type == Token.SEP

    def bound(self) -> Expression:
        return Expression("text", (local_name(self.take().value),))

    def as_area(self, tree: Expression) -> Expression:
        """A reference that is a function's whole argument stands for all its cells."""
        return Expression("area", tree.parts) if tree.operation == "slot" else tree

    def close(self) -> None:
        token = self.take()
        if token.subtype != Token.CLOSE:
            raise NotUnderstood(f'"{token.value}"')

    def leaf(self, token: Token) -> Expression:
        if token.subtype == Token.NUMBER:
            return number(float(token.value))
        if token.subtype == Token.TEXT:
            return Expression("text", (token.value.strip('"'),))
        if token.subtype == Token.LOGICAL:
            return number(float(token.value.upper() == "TRUE"))
        if token.subtype == Token.ERROR and "#REF!" not in token.value:
            return Expression("error", (token.value,))
        if (name := local_name(token.value)) in self.local:
            return self.local[name]
        self.references.append(reference(token.value))
        return Expression("slot", (len(self.references) - 1,))


def local_name(text: str) -> str:
    return text.lower().removeprefix("_xlpm.")


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
    sheet = found["sheet"].strip("'").replace("''", "'") if found and found["sheet"] else None
    columns = [COLUMN.fullmatch(found[each] or "") for each in ("first", "last")] if found else []
    if columns and all(columns):
        left, right = (column_index_from_string(each[1]) for each in columns if each)
        return Reference(sheet, ((True, 1), (True, left)), ((True, LAST_ROW), (True, right)))
    corners = [corner(found[each]) for each in ("first", "last") if found[each]] if found else [None]
    if None in corners:
        return Reference(name=text.lower().lstrip("!"))
    return Reference(sheet, corners[0], corners[1] if len(corners) == 2 else None)


def corner(text: str) -> Corner | None:
    if found := RELATIVE.fullmatch(text):
        return (
            (found[1] == "a", int(found[2]) * (-1 if found[1] == "m" else 1)),
            (found[3] == "a", int(found[4]) * (-1 if found[3] == "m" else 1)),
        )
    if found := PLACE.fullmatch(text):
        return (True, int(found[4])), (True, column_index_from_string(found[2]))
    return None


def flat(values: tuple[Any, ...]) -> list[Any]:
    """All numbers of some arguments; an area is a list."""
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def summed(values: list[Any]) -> Value:
    return sum(values[1:], values[0]) if values else 0.0


def products(*areas: Any) -> Value:
    lists = [area if isinstance(area, list) else [area] for area in areas]
    if len({len(each) for each in lists}) != 1:
        raise NotUnderstood("SUMPRODUCT of areas that differ in size")
    return summed([math.prod(group[1:], start=group[0]) for group in zip(*lists, strict=True)])


def divide(x: Value, y: Value) -> Value:
    """A plain float where that can be: single numbers are many, and numpy is slow with them."""
    return x / y if type(x) is type(y) is float and y else np.divide(x, y)


def power(x: Value, y: Value) -> Value:
    plain = type(x) is type(y) is float and 0 < x < 1e30 and -10 < y < 10
    return x**y if plain else np.power(np.asarray(x, dtype=float), y)


def exponential(x: Value) -> Value:
    return math.exp(x) if type(x) is float and -700 < x < 700 else np.exp(x)


def sigmoid(x: Value) -> Value:
    return divide(1.0, 1.0 + exponential(-x))


def softmax(z: Value, *layer: Value) -> Value:
    return np.exp(z) / sum(np.exp(each) for each in layer)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": divide,
    "^": power,
    "neg": lambda x: -x,
    "=": lambda x, y: x == y,
    "<>": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    ">": lambda x, y: x > y,
    "<=": lambda x, y: x <= y,
    ">=": lambda x, y: x >= y,
    "EXP": exponential,
    "LN": np.log,
    "LOG10": np.log10,
    "SQRT": np.sqrt,
    "ABS": np.abs,
    "TANH": np.tanh,
    "INT": np.floor,
    "SIGN": np.sign,
    "POWER": power,
    "POW": power,
    "SUM": lambda *x: summed(flat(x)),
    "AVERAGE": lambda *x: divide(summed(flat(x)), float(len(flat(x)))),
    "PRODUCT": lambda *x: math.prod(flat(x)[1:], start=flat(x)[0]),
    "SUMSQ": lambda *x: summed([each * each for each in flat(x)]),
    "SUMXMY2": lambda x, y: summed([(a - b) ** 2 for a, b in zip(flat((x,)), flat((y,)), strict=True)]),
    "SUMPRODUCT": products,
    "MAX": lambda *x: np.max(np.broadcast_arrays(*flat(x)), axis=0),
    "MIN": lambda *x: np.min(np.broadcast_arrays(*flat(x)), axis=0),
    "IF": lambda test, yes, no=0.0: np.where(test, yes, no),
    "AND": lambda *x: np.logical_and.reduce(np.broadcast_arrays(*flat(x))),
    "OR": lambda *x: np.logical_or.reduce(np.broadcast_arrays(*flat(x))),
    "NOT": np.logical_not,
    "list": lambda *x: list(x),
    "PI": lambda: math.pi,
    "VALUE": lambda x: x,
    "N": lambda x: x,
    "ISNUMBER": np.isfinite,
    "NA": lambda: math.nan,
    "IFERROR": lambda x, _=0.0: x,
    "IFNA": lambda x, _=0.0: x,
    # what xlsx.expressions calls by name
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
    "above_zero": lambda x: (np.asarray(x) > 0) * 1.0,
    "square": lambda x: x * x,
    "root": np.sqrt,
    "softmax": softmax,
    "cross_entropy": lambda t, a, z, *layer: -t * np.log(softmax(z, *layer)),
    "binary_cross_entropy": lambda t, a, z: np.logaddexp(0, z) - t * z,
}
AREA_FUNCTIONS = {
    *("INDEX", "MATCH", "CHOOSE", "SUM", "AVERAGE", "PRODUCT", "SUMSQ", "SUMXMY2", "SUMPRODUCT", "MAX", "MIN", "AND"),
    "OR",
}
ROUNDINGS = frozenset({"ROUND", "ROUNDUP", "ROUNDDOWN", "TRUNC"})
LEAST_DIGITS = 3  # a rounding to fewer decimals changes what is computed
Leaf = Callable[[Expression], Any]


def evaluate(tree: Expression, leaf: Leaf, others: Callable[[Expression], Any] | None = None) -> Any:
    """The value of an expression; `leaf` gives that of a leaf that is no number. Raises NotUnderstood. `others` may
    answer for functions of more than numbers.

    Overflows and divisions by zero give inf and nan; use it under np.errstate.
    """
    kind, parts = tree.operation, tree.parts
    if kind in LEAVES:
        return leaf(tree)
    if kind == "number":
        return parts[0]
    if others is not None and kind in LOOKUPS and (found := others(tree)) is not None:
        return found
    if kind in FUNCTIONS:
        known = [evaluate(part, leaf, others) for part in (parts[:1] if kind in ("IFERROR", "IFNA") else parts)]
        return applied(kind, known)
    if kind in ROUNDINGS and has_digits(parts):
        return evaluate(parts[0], leaf, others)
    raise NotUnderstood(f'the text "{parts[0]}"' if kind == "text" else parts[0] if kind == "error" else f"this {kind}")


def applied(kind: str, known: list[Any]) -> Any:
    if kind == "^" and isinstance(known[0], float) and abs(known[0] - math.e) < 5e-4:
        known[0] = math.e  # 2.718 and the like stand for e
    try:
        return FUNCTIONS[kind](*known)
    except (TypeError, ValueError, IndexError) as error:
        raise NotUnderstood(f"this use of {kind}") from error


def has_digits(parts: tuple[Any, ...]) -> bool:
    """Whether a rounding leaves so many decimals that it changes nothing that matters."""
    return len(parts) > 1 and parts[1].operation == "number" and parts[1].parts[0] >= LEAST_DIGITS


# what Google Sheets may call the operators
SAME_AS = {("MULTIPLY", 2): "*", ("ADD", 2): "+", ("MINUS", 2): "-", ("DIVIDE", 2): "/", ("UMINUS", 1): "neg"}
LOOKUPS = {
    *("=", "<>", "ISLOGICAL", "IF", "IFERROR", "IFNA", "ISNUMBER", "ISBLANK", "CHOOSE", "INDEX", "MATCH", "NA"),
}
LEAVES = frozenset({"slot", "area", "name", "cell", "inline"})


def is_leaf(tree: Expression) -> bool:
    return tree.operation in LEAVES or tree.operation in ("number", "text", "error")


def leaves(tree: Expression) -> Iterator[Expression]:
    """Every leaf, in reading order."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if is_leaf(node):
            yield node
        else:
            waiting += reversed(node.parts)


def nodes(tree: Expression) -> Iterator[Expression]:
    """The expression and all its parts."""
    yield tree
    for part in () if is_leaf(tree) else tree.parts:
        yield from nodes(part)


def replaced(tree: Expression, by: Callable[[Expression], Expression]) -> Expression:
    """The expression with every leaf put through `by`."""
    if is_leaf(tree):
        return by(tree)
    return Expression(tree.operation, tuple(replaced(part, by) for part in tree.parts))
