"""What a cell allows: the rules of data validation, each with the words that a refused entry gets."""

from __future__ import annotations

Rule = dict[str, object]


def one_of(source: list[str] | str, title: str, message: str) -> Rule:
    """A list to choose from: texts, or a formula that names the cells that hold them."""
    return {"validate": "list", "source": source, **required(title, message)}


def whole_number(lowest: int, highest: int, title: str, message: str) -> Rule:
    limits = {"criteria": "between", "minimum": lowest, "maximum": highest}
    return {"validate": "integer", **limits, **required(title, message)}


def number(title: str, message: str) -> Rule:
    """Any number, or nothing."""
    limits = {"criteria": "between", "minimum": -1e12, "maximum": 1e12}
    return {"validate": "decimal", **limits, "error_title": f"{title}: not possible", "error_message": message}


def above_zero(title: str, message: str) -> Rule:
    return {"validate": "decimal", "criteria": ">", "value": 0, **required(title, message)}


def number_or_list(cell: str, limit: str, title: str, message: str) -> Rule:
    """A number within the limit, such as ">0", or a text, which may list several."""
    return {"validate": "custom", "value": f"=OR(ISTEXT({cell}),{cell}{limit})", **required(title, message)}


def short_text(longest: int, title: str, message: str) -> Rule:
    """A text, or nothing."""
    limits = {"validate": "length", "criteria": "<=", "value": longest}
    return {**limits, "error_title": title, "error_message": message}


def required(title: str, message: str) -> Rule:
    """The words of a refusal; a blank is refused as well."""
    return {"ignore_blank": False, "error_title": title, "error_message": message}
