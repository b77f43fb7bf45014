"""xlwings' real CallUDF in a process: a request a line, [module, function, arguments], as JSON; an answer a line.

Arguments have the shapes that COM gives: rows as tuples, and {"date": "2026-01-01"} for a date.
"""

import datetime
import json
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.excel.pywin32 import windows_xlwings  # noqa: E402


def variant(value: object) -> object:
    """A JSON value as COM hands it over."""
    if isinstance(value, list):
        return tuple(map(variant, value))
    if isinstance(value, dict):
        return datetime.datetime.fromisoformat(value["date"])
    return value


def main() -> None:
    windows_xlwings()
    from xlwings.com_server import XLPython

    server = XLPython()
    print('"ready"', flush=True)
    for line in sys.stdin:
        module, function, arguments = json.loads(line)
        answer = server.CallUDF(module, function, variant(arguments))
        print(json.dumps(answer), flush=True)


main()
