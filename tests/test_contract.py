"""What the sheets, the extension and the macros share stands once, in xlsx/contract.py: the hosts are walked."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from addin import contract as for_macros
from addin import training
from addin.calc import extension
from addin.calc.epoch_cell import STEPS
from addin.calc.log_sheet import LogSheet
from addin.calc.menu import Menu
from addin.excel import project, wrappers
from addin.excel.command import OTHERS
from xlsx import contract

CALC = sorted(Path(extension.__file__).parent.glob("*.py"))
VBA = sorted(project.VBA.iterdir())
TAKES_A_NAME = {
    "cells",
    "below",
    "used_below",
    "write",
    "replace_below",
    "has",
    "need_writable",
}  # methods of NamedCells
SHARED = {
    *contract.COMMANDS,
    *contract.MESSAGES.values(),
    *(contract.ALL_GOOD, contract.NOT_CONNECTED, contract.NOTHING, contract.LOG_FULL, contract.FRESH),
    *(training.UNDER_WAY, training.NOTHING_TO_STOP, training.NOTHING_TO_RESUME, training.STARTING, training.STOPPING),
}
NAMES = {name for name in contract.NAMES if "_" in name}  # others are words of other things too: epoch, state
LIMITS = {contract.MOST_STEPS, contract.MOST_EPOCHS, contract.MOST_RUNS, contract.LOG_ROWS}


@pytest.mark.parametrize("path", VBA, ids=lambda path: path.stem)
def test_no_macro_repeats_what_it_is_given(path: Path) -> None:
    code = "\n".join(line.split(" ' ")[0] for line in path.read_text("ascii").splitlines() if not line.startswith("'"))
    texts = {text.replace('""', '"') for text in re.findall(r'"((?:[^"\n]|"")*)"', code)}
    given = {*map(str, for_macros.constants().values())} - {"epoch"}  # a word of a run's log too
    assert texts & {*SHARED, *NAMES, *given} == set()
    assert {int(number) for number in re.findall(r"\b\d+\b", code)} & LIMITS == set()


def test_every_constant_is_used_by_a_macro() -> None:
    code = "\n".join([*(path.read_text("ascii") for path in VBA), wrappers.text()])
    assert [name for name in for_macros.constants() if not re.search(rf"\b{name}\b", code)] == []


def test_the_macros_constants_say_what_the_contract_says() -> None:
    """Read back by the rules of VBA: quotes are doubled, other characters stand as ChrW."""
    text = for_macros.module().replace("\r\n", "\n")
    assert not re.search("Public Const.*ChrW", text), "VBA's constants call nothing"
    declared = re.findall(r"^(?:Public Const|    ) ?(\w+)(?: As \w+)? = (.*)$", text, re.MULTILINE)
    assert {name: evaluated(expression) for name, expression in declared} == for_macros.constants()


def evaluated(expression: str) -> str | int:
    if expression.isdigit():
        return int(expression)
    parts = re.findall(r'"((?:[^"]|"")*)"|ChrW\((\d+)\)', expression)
    return "".join(chr(int(code)) if code else plain.replace('""', '"') for plain, code in parts)


def literals(path: Path) -> Iterator[object]:
    return (node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant))


@pytest.mark.parametrize("path", CALC, ids=lambda path: path.stem)
def test_nothing_in_calc_repeats_the_contract_and_its_names_are_the_contracts(path: Path) -> None:
    found = list(literals(path))
    assert {text for text in found if isinstance(text, str)} & SHARED == set()
    assert path.stem == "pipe" or {number for number in found if isinstance(number, int)} & LIMITS == set()
    assert set(asked_for(path)) <= {*contract.NAMES, *contract.DRAW_NAMES}


def asked_for(path: Path) -> Iterator[str]:
    """The names of cells that a module gives to NamedCells."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TAKES_A_NAME:
            texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
            yield from (text for text in texts if isinstance(text, str))


def test_every_button_is_answered_in_calc() -> None:
    for command in contract.BUTTONS[contract.TRAINING_LOG].values():
        assert callable(getattr(LogSheet, command))
    assert set(contract.BUTTONS[contract.PICTURE].values()) == set(STEPS)
    for command in contract.BUTTONS[contract.RESULTS].values():
        assert command in training.COMMANDS or callable(getattr(Menu, command))


def test_what_the_macros_ask_is_answered() -> None:
    asked = set(re.findall(r'\b(?:Ask|Request) "(\w+)"', "\n".join(path.read_text("ascii") for path in VBA)))
    assert asked == {*training.COMMANDS, *OTHERS, "check"}
