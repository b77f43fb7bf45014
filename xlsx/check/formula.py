"""A cell's formula as a tree (xlsx.check.trees), parsed once for all cells that were filled from it.

A slot of it is a reference; `Parsed.references` has them, relative to the formula's cell.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from openpyxl.formula import Tokenizer
from openpyxl.formula.tokenizer import Token, TokenizerError

from .grid import column_number
from .trees import BINDING, NotUnderstood, Tree

MAX_LENGTH, MAX_DEPTH, MAX_OPERATORS = 8_192, 60, 250
MOVING = re.compile(
    r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'!|\[[^\]]*\]|(?<![\w.$])(\$?)([A-Za-z]{1,3})(\$?)(\d{1,7})(?![\w(.!\[])'
)
AREA = re.compile(r"(?:(?P<sheet>'(?:[^']|'')*'|[^'!\[\]]+)!)?(?P<first>[^:!]+)(?::(?P<last>[^:!]+))?")
PLACE = re.compile(r"(\$?)([A-Za-z]{1,3})(\$?)(\d{1,7})")
STRUCTURED = re.compile(r"(?P<table>[^\[\]]*)\[(?:\[#This Row\],)?@?\[?(?P<column>[^\[\]@]+)\]?\]", re.IGNORECASE)


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
