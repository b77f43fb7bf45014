"""Cell values to arrays and back. Every error names the argument, the row and the column.

A range arrives as rows of values (a sequence of sequences), a single cell as one value. Calc hands over numbers as
float, TRUE as 1.0, text as str and a blank inside a range as ''; xlwings hands over None for a blank, errors as texts,
bool and datetime objects.
"""

import datetime
import math
from collections.abc import Callable, Sequence
from typing import SupportsFloat, cast

import numpy as np

from pyfuncs.network import Network

Value = float | str
Rows = list[list[Value]]

SIDE = 28  # pixels of a picture
MOST_EPOCHS = 100_000
MOST_CELLS = 5_000_000
LONGEST_QUOTE = 60
ERRORS = {  # Excel's, by the numbers that its enumeration XlCVError has for them
    2000: "#NULL!",
    2007: "#DIV/0!",
    2015: "#VALUE!",
    2023: "#REF!",
    2029: "#NAME?",
    2036: "#NUM!",
    2042: "#N/A",
    2043: "#GETTING_DATA",
    2045: "#SPILL!",
    2046: "#CONNECT!",
    2047: "#BLOCKED!",
    2048: "#UNKNOWN!",
    2049: "#FIELD!",
    2050: "#CALC!",
}
ERROR_TEXTS = frozenset(ERRORS.values())
COM_ERROR = -2146828288  # plus such a number is what COM hands over, and xlwings, where it does not know that error
FLOAT = frozenset([float])


class ArgumentError(ValueError):
    """A cell that cannot be computed with; the text is what the calling cell shows."""


def rows_of(value: object) -> Sequence[Sequence[object]]:
    """The value of an argument as rows: a single cell is one row of one."""
    if not isinstance(value, (tuple, list)):
        return ((value,),)
    return value if value and isinstance(value[0], (tuple, list)) else (value,)


def numbers(argument: str, value: object) -> np.ndarray:
    """The numbers of a range, float64, shape (rows, columns).

    Raises ArgumentError naming the first cell that is text, blank, a date, or not finite.
    """
    rows = rows_of(value)
    for r, row in enumerate(rows, 1):
        if FLOAT.issuperset(map(type, row)) and math.isfinite(sum(cast("Sequence[float]", row))):
            continue  # as nearly all rows are
        for c, cell in enumerate(row, 1):
            if fault := _fault(cell):
                raise ArgumentError(f"#{argument}: row {r}, column {c} {fault}")
    return np.array(rows, dtype=float)


def _fault(cell: object) -> str:
    """What is wrong with a cell that should hold a number, or '' for a number."""
    if type(cell) is float and math.isfinite(cell):
        return ""
    if cell is None or cell == "":
        return "is blank"
    if error := error_in(cell):
        return f"is the error {error}"
    if isinstance(cell, str):
        return f'is text ("{shortened(cell)}")'
    if isinstance(cell, datetime.date):
        return f"is a date ({cell:%Y-%m-%d})"
    return "" if isinstance(cell, SupportsFloat) and math.isfinite(cell) else "is not a finite number"


def error_in(cell: object) -> str:
    """The error value that a cell holds, such as #N/A; '' where it holds something else."""
    if isinstance(cell, str):
        return cell if cell in ERROR_TEXTS else ""
    return ERRORS.get(cell - COM_ERROR, "") if type(cell) is int else ""


def shortened(text: str) -> str:
    """The text, cut where a cell could no longer show it."""
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


def weights(value: object, network: Network) -> np.ndarray:
    """All weights and biases of the network, shape (weight_count,); a range of any shape is read row by row."""
    flat = numbers("weights", value).ravel()
    if flat.size != network.weight_count:
        raise ArgumentError(
            f"#weights: {flat.size} numbers, but the network {network.text} has {network.weight_count} weights"
        )
    return flat


def samples(argument: str, value: object, names: Sequence[str]) -> np.ndarray:
    """A row per sample, shape (samples, len(names)); one column of exactly that many cells is one sample."""
    block = numbers(argument, value)
    if block.shape == (len(names), 1):
        block = block.T
    if block.shape[1] != len(names):
        shape = f"{block.shape[0]} × {block.shape[1]}"
        raise ArgumentError(f"#{argument}: {shape} cells, but a sample is a row of {len(names)} ({', '.join(names)})")
    return block


def targets(value: object, network: Network) -> np.ndarray:
    """As samples. Raises ArgumentError for the first that is not a probability where the loss is cross-entropy."""
    if network.loss == "cross-entropy":
        for (r, c), target in np.ndenumerate(numbers("targets", value)):
            if not 0 <= target <= 1:
                wrong = f"#targets: row {r + 1}, column {c + 1} is {target:.15g}"
                raise ArgumentError(f"{wrong}, but cross-entropy takes targets from 0 to 1")
    return samples("targets", value, network.target_names)


def same_count(inputs: np.ndarray, targets: np.ndarray) -> None:
    """Raise ArgumentError unless there is one row of targets for each row of inputs."""
    if len(inputs) != len(targets):
        raise ArgumentError(f"#targets: {len(targets)} rows, but inputs has {len(inputs)}: one row of each per sample")


def positive(argument: str, value: object) -> float:
    """One number above 0, from a single cell."""
    block = rows_of(value)
    if len(block) != 1 or len(block[0]) != 1:
        raise ArgumentError(f"#{argument}: {len(block)} × {len(block[0])} cells, but it is one number")
    cell = block[0][0]
    if cell in (0, None, ""):
        raise ArgumentError(f"#{argument}: is 0 or blank")
    if fault := _fault(cell):
        raise ArgumentError(f"#{argument}: {fault}")
    number = float(cast("float", cell))
    if number < 0:
        raise ArgumentError(f"#{argument}: is {number:g}, but must be above 0")
    return number


def rates(value: object) -> np.ndarray:
    """Learning rates, shape (rates,), each above 0."""
    block = numbers("learning_rates", value)
    for (r, c), rate in np.ndenumerate(block):
        if rate <= 0:
            raise ArgumentError(f"#learning_rates: row {r + 1}, column {c + 1} is {rate:g}, but must be above 0")
    return block.ravel()


def epochs(value: object) -> int:
    """A whole number of updates, 1 to MOST_EPOCHS."""
    number = positive("epochs", value)
    if number != int(number):
        raise ArgumentError(f"#epochs: is {number:g}, but must be a whole number")
    if number > MOST_EPOCHS:
        raise ArgumentError(f"#epochs: is {number:g}, but {MOST_EPOCHS} is the most")
    return int(number)


def room_for(rows: int, columns: int) -> None:
    """Raise ArgumentError when a history would not fit a sheet (and would take the office's memory with it)."""
    if rows * columns > MOST_CELLS:
        raise ArgumentError(
            f"#epochs: {rows} rows of {columns} numbers; {MOST_CELLS // columns} rows are the most here"
        )


def text(value: object, default: str) -> str:
    """A text from a single cell; a blank or missing one gives the default."""
    cell = rows_of(value)[0][0]
    if cell in (None, "", 0):
        return default
    return cell if isinstance(cell, str) else error_in(cell) or f"{cell:g}"


def pixels(value: object) -> np.ndarray:
    """A picture, shape (28, 28), from 0 to 255. Raises ArgumentError, also where it is empty."""
    found = numbers("pixels", value)
    if found.shape != (SIDE, SIDE):
        raise ArgumentError(f"#pixels: {found.shape[0]} × {found.shape[1]} cells, but a picture has {SIDE} × {SIDE}")
    for (r, c), number in np.ndenumerate(found):
        if not 0 <= number <= 255:
            raise ArgumentError(f"#pixels: row {r + 1}, column {c + 1} is {number:.15g}, but must be from 0 to 255")
    if not found.any():
        raise ArgumentError("#pixels: the field is empty: all cells are 0")
    return found


def block(array: np.ndarray, not_finite: Callable[[int, int], str]) -> Rows:
    """Rows of floats; a cell that is not finite holds the text that not_finite gives for its row and column."""
    rows = array if array.ndim == 2 else np.atleast_2d(array)
    values: Rows = rows.tolist()
    if not all_finite(rows):
        for r, c in np.argwhere(~np.isfinite(rows)):
            values[r][c] = not_finite(int(r), int(c))
    return values


def all_finite(array: np.ndarray) -> bool:
    """Whether all numbers are finite: their squares' sum says so at once, unless it is too large a number itself."""
    return math.isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())


def too_large(names: Sequence[str]) -> Callable[[int, int], str]:
    """For `block`: say which quantity left the range of numbers."""
    return lambda r, c: f"#{names[c % len(names)]}: too large a number"


def history_block(array: np.ndarray) -> Rows:
    """Rows over epochs; in each column, from the first row that is not finite on, the text 'diverged at epoch n'."""
    if all_finite(array):
        rows: Rows = array.tolist()
        return rows
    bad = np.logical_or.accumulate(~np.isfinite(array), axis=0)
    first = bad.argmax(axis=0)
    array = np.where(bad, np.nan, array)
    return block(array, lambda r, c: f"diverged at epoch {first[c]}")
