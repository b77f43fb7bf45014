"""The cell functions for Excel on Windows: what xlwings' COM server imports and calls, one for each entry."""

import inspect
from collections.abc import Callable

import xlwings

from addin.functions import FUNCTIONS, PARAMETERS, Function, call

CATEGORY = "Backprop"


def cell_function(function: Function) -> Callable[..., list[list[float | str]]]:
    """The function as xlwings wants it. Every argument arrives as rows of values; cell errors as texts."""

    def answer(*arguments: object) -> list[list[float | str]]:
        return call(function.name, arguments)

    answer.__name__, answer.__doc__ = function.name, function.help
    answer.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what inspect reads, and so xlwings
        [parameter(function, name) for name in function.parameters]
    )
    answer.__annotations__ = {}
    answer = xlwings.func(category=CATEGORY)(answer)
    for name in function.parameters:
        answer = xlwings.arg(name, ndim=2, err_to_str=True, doc=PARAMETERS[name])(answer)
    return answer


def parameter(function: Function, name: str) -> inspect.Parameter:
    default = None if function.is_optional(name) else inspect.Parameter.empty
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


globals().update({function.name: cell_function(function) for function in FUNCTIONS.values()})
