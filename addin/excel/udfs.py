"""The cell functions for Excel on Windows: what xlwings' COM server imports and calls, one for each entry."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import xlwings

from addin.calc import document, predictions
from addin.calc.bridge import Bridge
from addin.cells import Rows
from addin.functions import FUNCTIONS, PARAMETERS, Function, call
from xlsx.contract import LOADING

CATEGORY = "Backprop"
PROJECT = Path(__file__).resolve().parents[2]


def cell_function(function: Function) -> Callable[..., list[list[float | str]]]:
    """The function as xlwings wants it. Every argument arrives as rows of values; cell errors as texts."""

    answer = later(function) if function.worker else at_once(function)
    answer.__name__, answer.__doc__ = function.name, function.help
    answer.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what inspect reads, and so xlwings
        [parameter(function, name) for name in function.parameters]
    )
    answer.__annotations__ = {}
    answer = xlwings.func(category=CATEGORY)(answer)
    for name in function.parameters:
        answer = xlwings.arg(name, ndim=2, err_to_str=True, doc=PARAMETERS[name])(answer)
    return answer


def at_once(function: Function) -> Callable[..., Rows]:
    def answer(*arguments: object) -> Rows:
        return call(function.name, arguments)

    return answer


def later(function: Function) -> Callable[..., Rows]:
    """Answers of a process of its own: a text first, and the numbers when Excel computes the cell again."""
    here = {"interpreter": sys.executable, "project": str(PROJECT)}
    answers = predictions.Answers(Bridge(function.worker, predictions.LOADING_TIME, lambda: here))

    def answer(*arguments: object) -> Rows:
        asked = tuple(tuple(map(tuple, each)) if isinstance(each, list) else each for each in arguments)
        shown, rows = answers.shown((function.name, predictions.filled(asked, str)), unfinished)
        return [list(row) for row in rows or shown]

    return answer


def unfinished() -> tuple[document.Rows, Callable[[document.Rows], None]]:
    """What is shown meanwhile; Excel cannot be told of an answer: it asks for it."""
    return [[LOADING]], lambda rows: None


def parameter(function: Function, name: str) -> inspect.Parameter:
    default = None if function.is_optional(name) else inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


globals().update({function.name: cell_function(function) for function in FUNCTIONS.values()})
